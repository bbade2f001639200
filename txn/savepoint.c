/* Savepoints over branches, and undoing a statement.
 *
 * The client's savepoints are a list in the transaction; a shard gets one only when something is about to be
 * written there (txn_savepoints_to_branch): between the SAVEPOINT and that moment nothing changed on that shard,
 * so setting it late is the same, also on a branch that was opened after it: rolled back to it, such a branch is
 * empty again. branch.saved says how many of the list, from the oldest on, a branch has. ROLLBACK TO goes only to
 * branches that have the savepoint; the others have nothing to undo. RELEASE sends nothing: what stays on the
 * shard is replaced when its number is used again, and numbers are the lowest free ones.
 *
 * A statement that is sent in several pieces inside a transaction sets tsr_s where it writes. */
#include "txn/txn-int.h"

static int32_t lowest_free_number(const struct txn *t)
{
    for (int32_t n = 0;; n++) {
        bool used = false;

        for (size_t i = 0; i < t->savepoints.n; i++)
            used = used || t->savepoints.v[i].number == n;
        if (!used)
            return n;
    }
}

static ptrdiff_t find_savepoint(const struct txn *t, struct sv name)
{
    for (size_t i = t->savepoints.n; i-- > 0;)
        if (sv_eq_nocase(sv_cstr(t->savepoints.v[i].name), name))
            return (ptrdiff_t)i;
    return -1;
}

static void forget_from(struct txn *t, size_t from)
{
    while (t->savepoints.n > from) {
        xfree(array_last(&t->savepoints)->name);
        t->savepoints.n--;
    }
    array_each (&t->branches, b)
        (*b)->saved = MIN((*b)->saved, (uint32_t)from);
}

void txn_savepoints_clear(struct txn *t)
{
    forget_from(t, 0);
}

void txn_savepoints_to_branch(struct txn *t, struct branch *br)
{
    while (br->saved < t->savepoints.n)
        xa_savepoint(br, t->savepoints.v[br->saved++].number);
}

void txn_savepoint(struct txn *t, struct sv name, txn_done_fn *cb, void *arg)
{
    ptrdiff_t old;
    struct diag d;

    txn_op_begin(t, cb, arg);
    if (txn_take_late_error(t, &d)) {
        txn_op_done(t, &d);
        return;
    }
    if (t->state == TXN_IDLE && !t->autocommit)
        txn_open_now(t);
    if (t->state != TXN_OPEN) { /* nothing to come back to: MySQL says OK */
        txn_op_done(t, NULL);
        return;
    }
    old = find_savepoint(t, name);
    if (old >= 0) { /* moves to the end */
        xfree(t->savepoints.v[old].name);
        array_remove(&t->savepoints, (size_t)old);
        array_each (&t->branches, b)
            if ((*b)->saved > (uint32_t)old)
                (*b)->saved--;
    }
    struct savepoint s = {.name = xmalloc(name.len + 1), .number = lowest_free_number(t)};

    memcpy(s.name, name.ptr, name.len);
    s.name[name.len] = '\0';
    array_push(&t->savepoints, NULL, s);
    txn_op_done(t, NULL);
}

static void fail_no_savepoint(struct txn *t, struct sv name)
{
    struct diag d;
    char text[65];
    size_t n = MIN(name.len, sizeof(text) - 1);

    diag_clear(&d);
    memcpy(text, name.ptr, n);
    text[n] = '\0';
    diag_set(&d, ER_SP_DOES_NOT_EXIST, "SAVEPOINT", text);
    txn_op_done(t, &d);
}

void txn_release_savepoint(struct txn *t, struct sv name, txn_done_fn *cb, void *arg)
{
    ptrdiff_t i;
    struct diag d;

    txn_op_begin(t, cb, arg);
    if (txn_take_late_error(t, &d)) {
        txn_op_done(t, &d);
        return;
    }
    i = find_savepoint(t, name);
    if (i < 0) {
        fail_no_savepoint(t, name);
        return;
    }
    forget_from(t, (size_t)i);
    txn_op_done(t, NULL);
}

/* One branch, or the loop that started them, is through. */
static void undo_part_done(struct txn *t)
{
    if (--t->pending > 0)
        return;
    (void)FAULT("txn.undone");
    txn_set_state(t, TXN_OPEN);
    if (t->doomed)
        txn_rollback_start(t, &t->doom);
    else
        txn_op_done(t, t->failed ? &t->fail : NULL);
}

static void on_undone(struct branch *br)
{
    struct txn *t = br->txn;

    if (br->step.how != XA_STEP_OK) {
        struct diag d;

        diag_clear(&d);
        if (br->step.how == XA_STEP_LOST)
            diag_set(&d, ER_SHARD_LOST, br->conn->server->name);
        else
            diag_set(&d, ER_TXN_ROLLED_BACK, br->step.diag.text);
        txn_doom(t, &d);
    }
    undo_part_done(t);
}

/* number < 0: the statement's savepoint, on the branches that have it. */
static void undo_to(struct txn *t, int32_t number, uint32_t saved_at_least)
{
    txn_set_state(t, TXN_SAVEPOINT);
    t->pending = 1;
    array_each (&t->branches, b) {
        struct branch *br = *b;

        if (br->state != BRANCH_ACTIVE || (number < 0 ? !br->stmt_saved : br->saved < saved_at_least))
            continue;
        if (number < 0)
            br->need = br->need_before;
        t->pending++;
        xa_step_rollback_to(br, number, on_undone);
        bconn_flush_for_fault(br->conn);
    }
    (void)FAULT("txn.undo_sent");
    undo_part_done(t);
}

void txn_rollback_to(struct txn *t, struct sv name, txn_done_fn *cb, void *arg)
{
    ptrdiff_t i;
    struct diag d;

    txn_op_begin(t, cb, arg);
    if (txn_take_late_error(t, &d)) {
        txn_op_done(t, &d);
        return;
    }
    i = find_savepoint(t, name);
    if (t->state != TXN_OPEN || i < 0) {
        fail_no_savepoint(t, name);
        return;
    }
    forget_from(t, (size_t)i + 1);
    t->failed = false;
    undo_to(t, t->savepoints.v[i].number, (uint32_t)i + 1);
}

void txn_undo_stmt(struct txn *t, const struct diag *d)
{
    bool cannot = false;

    t->failed = d != NULL;
    if (d)
        t->fail = *d;
    array_each (&t->branches, b)
        cannot = cannot || ((*b)->stmt_wrote && (*b)->state == BRANCH_ACTIVE);
    if (cannot) {
        struct diag why;

        diag_clear(&why);
        diag_set(&why, ER_TXN_ROLLED_BACK, "the statement was ended after it had taken effect");
        txn_rollback_start(t, &why);
        return;
    }
    TXN_COUNT(t->env, stmt_undone);
    undo_to(t, -1, 0);
}
