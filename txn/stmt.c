/* Statements of a session and the connections they get: begin and end of a statement, leases with and without a
 * transaction, waiting for a connection or for a branch that another piece of the statement holds.
 *
 * A lease that must wait is a struct txn_wait: on the pool's line (outside a transaction) or on its branch's list.
 * Callbacks of leases may lease, release and cancel; so a wait is taken off and freed before its callback runs. */
#include "txn/txn-int.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- waits ---- */

static struct txn_wait *wait_new(struct txn *t, uint32_t shard_id, enum txn_need need, struct sync_state *want,
                                 txn_lease_fn *cb, void *arg)
{
    struct txn_wait *w = t->spare_wait;

    if (w) {
        t->spare_wait = NULL;
        memset(w, 0, sizeof(*w));
    } else {
        w = xcalloc(1, sizeof(*w));
    }
    w->txn = t;
    w->shard_id = shard_id;
    w->need = need;
    w->want = want ? sync_ref(want) : NULL;
    w->cb = cb;
    w->arg = arg;
    return w;
}

static void wait_free(struct txn *t, struct txn_wait *w)
{
    list_remove(&w->node);
    if (w->want)
        sync_unref(w->want);
    if (t->spare_wait)
        xfree(w);
    else
        t->spare_wait = w;
}

void txn_cancel_waits(struct txn *t)
{
    list_each (&t->plain_waits, it) {
        struct txn_wait *w = LIST_ENTRY(it, struct txn_wait, node);

        pool_cancel(&w->pw);
        wait_free(t, w);
    }
    array_each (&t->branches, b) {
        list_each (&(*b)->waiters, it)
            wait_free(t, LIST_ENTRY(it, struct txn_wait, node));
    }
}

static struct branch *find_branch(const struct txn *t, uint32_t shard_id)
{
    for (size_t i = 0; i < t->branches.n; i++)
        if (t->branches.v[i]->shard_id == shard_id)
            return t->branches.v[i];
    return NULL;
}

static void fail_waiters(struct txn *t, struct branch *br, const struct diag *d)
{
    struct list_node *n;

    while ((n = list_pop_front(&br->waiters))) {
        struct txn_wait *w = LIST_ENTRY(n, struct txn_wait, node);
        txn_lease_fn *cb = w->cb;
        void *arg = w->arg;

        wait_free(t, w);
        cb(arg, NULL, d);
    }
}

static bool set_too_large(struct diag *d)
{
    return diag_setf(d, ER_OUT_OF_RESOURCES, "The session has set too many variables");
}

/* ---- statements ---- */

bool txn_stmt_begin(struct txn *t, const struct txn_stmt *st, struct diag *d)
{
    ASSERT_ON_WORKER(t->worker);
    ASSERT(!t->in_stmt && !t->cb && t->leases == 0);
    if (txn_take_late_error(t, d))
        return false;
    if (st->need == TXN_NEED_WRITE && txn_is_read_only(t))
        return diag_set(d, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    if (t->state == TXN_IDLE) {
        if (!t->autocommit)
            txn_open_now(t);
        else if (t->has_next || (st->several && st->need == TXN_NEED_WRITE))
            txn_open_stmt(t);
    }
    t->in_stmt = true;
    t->stmt = *st;
    t->stmt_failed = false;
    array_each (&t->branches, b) {
        (*b)->stmt_saved = (*b)->stmt_wrote = false;
        (*b)->need_before = (*b)->need;
    }
    return true;
}

bool txn_stmt_is_plain(const struct txn *t)
{
    return t->state != TXN_STMT;
}

static void plain_conn(struct pool_waiter *pw, struct bconn *c);
static void plain_fail(struct pool_waiter *pw, const struct diag *d);

static void plain_grant(struct txn *t, struct txn_wait *w, struct bconn *c)
{
    txn_lease_fn *cb = w->cb;
    void *arg = w->arg;
    struct sync_state *want = txn_want(t, w->want, false);

    wait_free(t, w);
    if (!want) { /* lease_plain has tried the same */
        struct diag d;

        diag_clear(&d);
        set_too_large(&d);
        pool_release(c);
        cb(arg, NULL, &d);
        return;
    }
    t->leases++;
    bconn_sync(c, want);
    cb(arg, c, NULL);
}

static void lease_plain(struct txn *t, struct txn_wait *w)
{
    struct pool *p = pool_of(t->worker, w->shard_id);
    struct bconn *c = NULL;
    struct diag d;
    enum pool_result r = POOL_FAIL;

    diag_clear(&d);
    w->pw.like = txn_want(t, w->want, false);
    if (!w->pw.like) {
        set_too_large(&d);
    } else if (!p) {
        char id[16];

        snprintf(id, sizeof(id), "%" PRIu32, w->shard_id);
        diag_set(&d, ER_UNKNOWN_SHARD, id);
    } else {
        w->pw.owner_kind = "statement";
        w->pw.owner = t;
        w->pw.on_conn = plain_conn;
        w->pw.on_fail = plain_fail;
        r = pool_lease(p, &w->pw, &c, &d);
    }
    switch (r) {
    case POOL_READY:
        plain_grant(t, w, c);
        return;
    case POOL_WAIT:
        w->pw.like = NULL; /* txn_want's reference lasts until its next call only */
        list_push_back(&t->plain_waits, &w->node);
        return;
    case POOL_FAIL: {
        txn_lease_fn *cb = w->cb;
        void *arg = w->arg;

        wait_free(t, w);
        cb(arg, NULL, &d);
        return;
    }
    }
}

static void plain_conn(struct pool_waiter *pw, struct bconn *c)
{
    struct txn_wait *w = CONTAINER_OF(pw, struct txn_wait, pw);

    plain_grant(w->txn, w, c);
}

static void plain_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct txn_wait *w = CONTAINER_OF(pw, struct txn_wait, pw);
    txn_lease_fn *cb = w->cb;
    void *arg = w->arg;

    wait_free(w->txn, w);
    cb(arg, NULL, d);
}

/* Gives br to the one that waits first, if it can be given. */
static void lease_next(struct txn *t, struct branch *br)
{
    struct txn_wait *w;
    struct sync_state *want;
    txn_lease_fn *cb;
    void *arg;

    if (br->leased || list_empty(&br->waiters))
        return;
    if (t->doomed || br->state == BRANCH_LOST) {
        fail_waiters(t, br, t->doomed ? &t->doom : &t->stmt_diag);
        return;
    }
    w = LIST_ENTRY(list_pop_front(&br->waiters), struct txn_wait, node);
    cb = w->cb;
    arg = w->arg;
    want = txn_want(t, w->want, true);
    br->now_need = (uint8_t)w->need;
    wait_free(t, w);
    if (!want) {
        struct diag d;

        diag_clear(&d);
        set_too_large(&d);
        cb(arg, NULL, &d);
        return;
    }
    bconn_sync(br->conn, want);
    if (br->state == BRANCH_CONNECTED) {
        txn_start_branch(t, br);
        if (t->cur.consistent_snapshot)
            xa_read_view(br);
    }
    if (br->now_need == TXN_NEED_WRITE) {
        txn_savepoints_to_branch(t, br);
        if (t->stmt.several && t->state == TXN_OPEN && !br->stmt_saved) {
            br->stmt_saved = true;
            xa_savepoint(br, -1);
        }
    }
    br->need = MAX(br->need, br->now_need);
    br->leased = true;
    t->leases++;
    cb(arg, br->conn, NULL);
}

static void lease_connected(struct branch *br, const struct diag *d)
{
    struct txn *t = br->txn;

    if (d) {
        struct diag why = *d;

        fail_waiters(t, br, &why);
        if (!br->closed) /* by the end of the statement that failed with it */
            txn_drop_branch(t, br);
        return;
    }
    lease_next(t, br);
}

static void lease_branch(struct txn *t, struct txn_wait *w)
{
    struct branch *br = find_branch(t, w->shard_id);
    struct diag d;

    if (br && br->state == BRANCH_LOST && !br->started && !br->leased) {
        txn_drop_branch(t, br);
        br = NULL;
    }
    if (br) {
        list_push_back(&br->waiters, &w->node);
        if (br->state != BRANCH_WAITING)
            lease_next(t, br);
        return;
    }
    br = xa_new(t, t->env, t->worker, w->shard_id);
    br->on_open = lease_connected;
    array_push(&t->branches, NULL, br);
    list_push_back(&br->waiters, &w->node);
    diag_clear(&d);
    if (t->has_snapshot) { /* its view would be younger than the others */
        char id[16];

        snprintf(id, sizeof(id), "%" PRIu32, w->shard_id);
        diag_set(&d, ER_SHARD_DOWN, id, "it could not be reached when the transaction's consistent snapshot was taken");
        lease_connected(br, &d);
        return;
    }
    switch (xa_open(br, txn_want(t, w->want, true), &d)) {
    case POOL_READY:
        br->pw.like = NULL;
        lease_next(t, br);
        return;
    case POOL_WAIT:
        br->pw.like = NULL;
        return;
    case POOL_FAIL:
        lease_connected(br, &d);
        return;
    }
}

void txn_lease(struct txn *t, uint32_t shard_id, enum txn_need need, struct sync_state *want, txn_lease_fn *cb,
               void *arg)
{
    struct txn_wait *w;

    ASSERT_ON_WORKER(t->worker);
    ASSERT(t->in_stmt);
    ASSERT(need <= t->stmt.need);
    if (t->doomed) {
        cb(arg, NULL, &t->doom);
        return;
    }
    w = wait_new(t, shard_id, need, want, cb, arg);
    if (t->state == TXN_IDLE)
        lease_plain(t, w);
    else
        lease_branch(t, w);
}

bool txn_lease_cancel(struct txn *t, void *arg)
{
    list_each (&t->plain_waits, it) {
        struct txn_wait *w = LIST_ENTRY(it, struct txn_wait, node);

        if (w->arg == arg) {
            pool_cancel(&w->pw);
            wait_free(t, w);
            return true;
        }
    }
    array_each (&t->branches, b) {
        struct branch *br = *b;

        list_each (&br->waiters, it) {
            struct txn_wait *w = LIST_ENTRY(it, struct txn_wait, node);

            if (w->arg != arg)
                continue;
            wait_free(t, w);
            if (br->state == BRANCH_WAITING && list_empty(&br->waiters))
                txn_drop_branch(t, br);
            return true;
        }
    }
    return false;
}

static struct branch *branch_of(const struct txn *t, const struct bconn *c)
{
    for (size_t i = 0; i < t->branches.n; i++)
        if (t->branches.v[i]->conn == c)
            return t->branches.v[i];
    return NULL;
}

static void doom_by_code(struct txn *t, uint16_t code)
{
    struct diag d;

    diag_clear(&d);
    if (code == ER_LOCK_DEADLOCK)
        diag_set(&d, ER_LOCK_DEADLOCK);
    else
        diag_set(&d, ER_TXN_ROLLED_BACK, "a shard rolled its branch back");
    txn_doom(t, &d);
}

void txn_release(struct txn *t, struct bconn *c, const struct txn_result *r)
{
    struct branch *br = branch_of(t, c);

    ASSERT_ON_WORKER(t->worker);
    ASSERT(t->leases > 0);
    t->leases--;
    if (!br) {
        pool_release(c);
        return;
    }
    br->leased = false;
    switch (r->done) {
    case TXN_DONE_OK:
        if (br->now_need == TXN_NEED_WRITE && !br->stmt_saved)
            br->stmt_wrote = true;
        break;
    case TXN_DONE_UNUSED:
        break;
    case TXN_DONE_ERROR:
        if (xa_code_is_rollback(r->error_code))
            doom_by_code(t, r->error_code);
        break;
    case TXN_DONE_LOST:
        if (xa_mark_lost(br)) {
            struct diag d;

            diag_clear(&d);
            diag_set(&d, ER_SHARD_LOST, c->server->name);
            txn_branch_lost(t, br, &d);
        }
        break;
    }
    lease_next(t, br);
}

/* A statement in a transaction that goes on. */
static void end_in_open(struct txn *t)
{
    if (txn_wait_for_kills(t, end_in_open))
        return;
    /* Told even if the statement has an error of its own: that one (a duplicate key, say) would let the client
     * go on in a transaction that is gone, with statements that each commit by themselves. */
    if (t->doomed)
        txn_rollback_start(t, &t->doom);
    else if (t->stmt_ended_ok && !t->stmt_failed)
        txn_op_done(t, NULL);
    else
        txn_undo_stmt(t, t->stmt_ended_ok ? &t->stmt_diag : NULL);
}

void txn_stmt_end(struct txn *t, bool ok, txn_done_fn *cb, void *arg)
{
    bool seen_ok = ok;

    ASSERT(t->in_stmt);
    t->in_stmt = false;
    txn_op_begin(t, cb, arg);
    ok = ok && !t->stmt_failed && !t->doomed;
    switch (t->state) {
    case TXN_IDLE:
        txn_op_done(t, NULL);
        return;
    case TXN_STMT:
        if (ok)
            txn_commit_start(t);
        else
            txn_rollback_start(t, !seen_ok ? NULL : t->doomed ? &t->doom : &t->stmt_diag);
        return;
    case TXN_OPEN:
        t->stmt_ended_ok = seen_ok;
        end_in_open(t);
        return;
    case TXN_SAVEPOINT:
    case TXN_PREPARING:
    case TXN_DECIDING:
    case TXN_COMMITTING:
    case TXN_ROLLING:
        break;
    }
    CHECK(!"statement ended in a state that has none");
}
