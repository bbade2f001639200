/* The transaction object: its state, begin and autocommit, statements and the connections they get.
 *
 * State is one enum, moved by txn_set_state. Two things stand beside it on purpose: `doomed` (an open transaction that
 * can only be rolled back: its session does not know yet) and in_stmt (a statement is between its begin and end; allowed in
 * TXN_IDLE, TXN_OPEN, TXN_STMT only).
 *
 * A lost connection: while a statement runs there, the executor finds out and says so by txn_release; while a command of
 * ours runs, its reply says so; while nothing runs, the pool says so. All three end in txn_branch_lost. If the branch had
 * not even started (a pooled connection that the server had closed long ago), only the running statement fails. Otherwise
 * work of the transaction is gone, and the transaction with it: doomed, rolled back at the end of the statement, or, with
 * no statement running, at the next call, which is refused with ER_SHARD_LOST. */
#include "txn/txn-int.h"

#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>

const char *txn_state_name(enum txn_state s)
{
    switch (s) {
    case TXN_IDLE: return "idle";
    case TXN_OPEN: return "open";
    case TXN_STMT: return "statement";
    case TXN_SAVEPOINT: return "savepoint";
    case TXN_PREPARING: return "preparing";
    case TXN_DECIDING: return "deciding";
    case TXN_COMMITTING: return "committing";
    case TXN_ROLLING: return "rolling back";
    }
    return "?";
}

#define TO(s) (1u << TXN_##s)
static const uint16_t txn_moves[TXN_STATE_COUNT] = {
    [TXN_IDLE] = TO(OPEN) | TO(STMT),
    [TXN_OPEN] = TO(IDLE) | TO(SAVEPOINT) | TO(PREPARING) | TO(DECIDING) | TO(ROLLING),
    [TXN_STMT] = TO(IDLE) | TO(PREPARING) | TO(DECIDING) | TO(ROLLING),
    [TXN_SAVEPOINT] = TO(OPEN) | TO(ROLLING),
    [TXN_PREPARING] = TO(DECIDING) | TO(ROLLING),
    [TXN_DECIDING] = TO(IDLE) | TO(COMMITTING) | TO(ROLLING),
    [TXN_COMMITTING] = TO(IDLE),
    [TXN_ROLLING] = TO(IDLE),
};
#undef TO

bool txn_move_allowed(enum txn_state from, enum txn_state to)
{
    return (txn_moves[from] >> to) & 1;
}

void txn_set_state(struct txn *t, enum txn_state to)
{
    CHECK(txn_move_allowed(t->state, to));
    t->state = to;
}

/* ---- life and looks ---- */

struct txn *txn_new(struct txn_env *env, struct worker *w)
{
    struct txn *t = xcalloc(1, sizeof(*t));

    t->env = env;
    t->worker = w;
    t->state = TXN_IDLE;
    t->autocommit = true;
    list_init(&t->plain_waits);
    return t;
}

enum txn_state txn_get_state(const struct txn *t)
{
    return t->state;
}

enum txn_outcome txn_get_outcome(const struct txn *t)
{
    return t->outcome;
}

bool txn_in_trans(const struct txn *t)
{
    return t->state == TXN_OPEN || t->state == TXN_SAVEPOINT;
}

static bool is_read_only(const struct txn *t)
{
    enum txn_access a = t->cur.access;

    if (t->state == TXN_IDLE || t->state == TXN_STMT)
        a = t->has_next ? t->next.access : TXN_ACCESS_DEFAULT;
    return a == TXN_READ_ONLY || (a == TXN_ACCESS_DEFAULT && t->session_read_only);
}

bool txn_is_read_only(const struct txn *t)
{
    return is_read_only(t);
}

struct sv txn_gtrid(const struct txn *t)
{
    return t->has_gid ? sv_cstr(t->gtrid) : sv_make("", 0);
}

size_t txn_branch_count(const struct txn *t)
{
    return t->branches.n;
}

bool txn_is_quiet(const struct txn *t)
{
    return t->branches.n == 0 && t->leases == 0 && t->state == TXN_IDLE && !t->in_stmt;
}

bool txn_autocommit(const struct txn *t)
{
    return t->autocommit;
}

void txn_set_session_read_only(struct txn *t, bool on)
{
    t->session_read_only = on;
}

void txn_set_answer_at_decision(struct txn *t, bool on)
{
    t->answer_at_decision = on;
}

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

static void txn_release_memory(void *p)
{
    struct txn *t = p;

    xfree(t->spare_wait);
    array_free(&t->branches);
    txn_savepoints_clear(t);
    array_free(&t->savepoints);
    xfree(t->record_sql);
    if (t->want_from) {
        sync_unref(t->want_from);
        sync_unref(t->want_plain);
        sync_unref(t->want_branch);
    }
    xfree(t);
}

static void cancel_waits(struct txn *t)
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

void txn_free(struct txn *t)
{
    if (!t)
        return;
    ASSERT(t->leases == 0);
    cancel_waits(t);
    t->cb = NULL;
    t->after = TXN_AFTER_NOTHING;
    t->in_stmt = false;
    t->orphan = true;
    switch (t->state) {
    case TXN_OPEN:
    case TXN_STMT:
        txn_rollback_start(t, NULL); /* may end at once: then the memory is released by txn_finish */
        return;
    case TXN_IDLE:
        worker_timer_disarm(&t->timer);
        worker_call_later(t->worker, txn_release_memory, t);
        return;
    case TXN_SAVEPOINT: /* its end goes on to the rollback */
    case TXN_PREPARING:
    case TXN_DECIDING:
    case TXN_COMMITTING:
    case TXN_ROLLING:
        return;
    }
}

/* ---- operations ---- */

void txn_op_begin(struct txn *t, txn_done_fn *cb, void *arg)
{
    ASSERT_ON_WORKER(t->worker);
    ASSERT(!t->cb && t->leases == 0);
    t->cb = cb;
    t->arg = arg;
    t->after = TXN_AFTER_NOTHING;
}

/* What txn_free began is carried on to its end. */
static void orphan_next(struct txn *t)
{
    if (t->state == TXN_OPEN || t->state == TXN_STMT) {
        txn_rollback_start(t, NULL);
        return;
    }
    ASSERT(t->state == TXN_IDLE);
    worker_timer_disarm(&t->timer);
    worker_call_later(t->worker, txn_release_memory, t);
}

void txn_op_done(struct txn *t, const struct diag *d)
{
    txn_done_fn *cb = t->cb;

    if (t->orphan) {
        orphan_next(t);
        return;
    }
    t->cb = NULL;
    if (cb)
        cb(t->arg, d);
}

/* The transaction was lost while its session was silent: reported once, by the next call that relies on it. */
bool txn_take_late_error(struct txn *t, struct diag *d)
{
    if (!t->is_late)
        return false;
    t->is_late = false;
    *d = t->late;
    return true;
}

/* ---- branches ---- */

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

void txn_drop_branch(struct txn *t, struct branch *br)
{
    for (size_t i = 0; i < t->branches.n; i++) {
        if (t->branches.v[i] == br) {
            array_remove(&t->branches, i);
            break;
        }
    }
    xa_close(br);
}

void txn_doom(struct txn *t, const struct diag *d)
{
    if (t->doomed)
        return;
    t->doomed = true;
    t->doom = *d;
}

void txn_branch_lost(struct txn *t, struct branch *br, const struct diag *d)
{
    struct diag why;

    if (!br->started) {
        /* Nothing but what the running statement sent can be lost with it. */
        if (!t->stmt_failed) {
            t->stmt_failed = true;
            t->stmt_diag = *d;
        }
        return;
    }
    diag_clear(&why);
    if (d->cls == DIAG_USER || d->cls == DIAG_RETRY_TRX)
        why = *d; /* a command of ours was refused: its text says more */
    else
        diag_set(&why, ER_SHARD_LOST, br->conn ? br->conn->server->name : "?");
    txn_doom(t, &why);
    if (t->state == TXN_OPEN && !t->in_stmt && !t->cb) {
        log_info(LOG_TXN, "transaction %s: %s", t->gtrid, why.text);
        t->is_late = true;
        t->late = why;
        txn_abandon(t);
    }
}

struct sync_state *txn_want(struct txn *t, struct sync_state *want, bool branch)
{
    if (t->want_from && want && sync_equal(t->want_from, want))
        return branch ? t->want_branch : t->want_plain;
    if (t->want_from) {
        sync_unref(t->want_from);
        sync_unref(t->want_plain);
        sync_unref(t->want_branch);
    }
    t->want_from = want ? sync_ref(want) : sync_new();
    t->want_plain = sync_with_var(t->want_from, SV("autocommit"), SV("1"));
    t->want_branch = t->want_plain ? sync_with_var(t->want_from, SV("autocommit"), SV("0")) : NULL;
    if (!t->want_branch) {
        if (t->want_plain)
            sync_unref(t->want_plain);
        sync_unref(t->want_from);
        t->want_from = t->want_plain = NULL;
        return NULL;
    }
    return branch ? t->want_branch : t->want_plain;
}

static bool set_too_large(struct diag *d)
{
    return diag_setf(d, ER_OUT_OF_RESOURCES, "The session has set too many variables");
}

/* Text for SET TRANSACTION, or NULL where the session's own state is right. */
static const char *characteristics(const struct txn *t)
{
    static const char *const texts[][2] = {
        [TXN_ISO_SESSION] = {NULL, "READ ONLY"},
        [TXN_ISO_READ_UNCOMMITTED] = {"ISOLATION LEVEL READ UNCOMMITTED", "ISOLATION LEVEL READ UNCOMMITTED, READ ONLY"},
        [TXN_ISO_READ_COMMITTED] = {"ISOLATION LEVEL READ COMMITTED", "ISOLATION LEVEL READ COMMITTED, READ ONLY"},
        [TXN_ISO_REPEATABLE_READ] = {"ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
        [TXN_ISO_SERIALIZABLE] = {"ISOLATION LEVEL SERIALIZABLE", "ISOLATION LEVEL SERIALIZABLE, READ ONLY"},
    };
    bool ro = t->cur.access == TXN_READ_ONLY || (t->cur.access == TXN_ACCESS_DEFAULT && t->session_read_only);

    return texts[t->cur.isolation][ro];
}

void txn_start_branch(struct txn *t, struct branch *br)
{
    if (!t->has_gid) {
        t->gid = txn_env_next_gid(t->env);
        txn_gid_format(&t->gid, t->gtrid);
        t->has_gid = true;
    }
    br->order = t->n_opened;
    br->bqual.n_primaries = MIN(t->n_opened, (uint32_t)TXN_PRIMARIES_MAX);
    memcpy(br->bqual.primaries, t->opened, br->bqual.n_primaries * sizeof(t->opened[0]));
    xa_start(br, t->gtrid, characteristics(t));
    if (t->n_opened < TXN_PRIMARIES_MAX)
        t->opened[t->n_opened] = br->shard_id;
    t->n_opened++;
}

/* ---- begin, autocommit ---- */

static void snapshot_part_done(struct txn *t)
{
    if (--t->pending > 0)
        return;
    txn_set_state(t, TXN_OPEN);
    if (t->doomed) {
        txn_rollback_start(t, &t->doom);
        return;
    }
    txn_op_done(t, NULL);
}

static void snapshot_opened(struct branch *br)
{
    struct txn *t = br->txn;

    if (br->step.how != XA_STEP_OK)
        txn_drop_branch(t, br);
    snapshot_part_done(t);
}

static void snapshot_connected(struct branch *br, const struct diag *d)
{
    struct txn *t = br->txn;
    struct sync_state *want = d ? NULL : txn_want(t, NULL, true);

    if (d || !want) {
        txn_drop_branch(t, br);
        snapshot_part_done(t);
        return;
    }
    bconn_sync(br->conn, want);
    txn_start_branch(t, br);
    xa_step_read_view(br, snapshot_opened);
}

/* A view on each shard, as close together as one round trip makes them (one view over all shards needs the commit gate). */
static void open_snapshot(struct txn *t)
{
    size_t n = t->cur.n_shards;

    t->pending = 1;
    t->has_snapshot = true;
    txn_set_state(t, TXN_SAVEPOINT);
    for (size_t i = 0; i < n; i++) {
        struct branch *br = xa_new(t, t->env, t->worker, t->cur.shards[i]);
        struct diag d;

        diag_clear(&d);
        br->on_open = snapshot_connected;
        array_push(&t->branches, NULL, br);
        t->pending++;
        switch (xa_open(br, NULL, &d)) {
        case POOL_READY:
            snapshot_connected(br, NULL);
            break;
        case POOL_WAIT:
            break;
        case POOL_FAIL:
            snapshot_connected(br, &d);
            break;
        }
    }
    t->cur.shards = NULL;
    t->cur.n_shards = 0;
    snapshot_part_done(t);
}

/* Opens in state `to`: with what SET TRANSACTION announced, as far as o does not say otherwise. */
static void open_now(struct txn *t, enum txn_state to, const struct txn_begin *o)
{
    t->cur = *o;
    if (t->has_next) {
        if (t->cur.access == TXN_ACCESS_DEFAULT)
            t->cur.access = t->next.access;
        if (t->cur.isolation == TXN_ISO_SESSION)
            t->cur.isolation = t->next.isolation;
        t->has_next = false;
    }
    t->outcome = TXN_OUTCOME_OPEN;
    txn_set_state(t, to);
}

void txn_open_now(struct txn *t)
{
    static const struct txn_begin plain = {0};

    open_now(t, TXN_OPEN, &plain);
}

void txn_begin_now(struct txn *t)
{
    t->after = TXN_AFTER_NOTHING;
    open_now(t, TXN_OPEN, &t->after_begin);
    if (t->cur.consistent_snapshot && t->cur.n_shards)
        open_snapshot(t);
    else
        txn_op_done(t, NULL);
}

/* Ends what is open by a commit, then goes on to t->after. */
static void commit_first(struct txn *t)
{
    struct diag d;

    if (txn_take_late_error(t, &d)) {
        txn_op_done(t, &d);
        return;
    }
    if (t->state == TXN_OPEN)
        txn_commit_start(t);
    else if (t->after == TXN_AFTER_BEGIN)
        txn_begin_now(t);
    else
        txn_op_done(t, NULL);
}

void txn_begin(struct txn *t, const struct txn_begin *o, txn_done_fn *cb, void *arg)
{
    txn_op_begin(t, cb, arg);
    t->after = TXN_AFTER_BEGIN;
    t->after_begin = o ? *o : (struct txn_begin){0};
    commit_first(t);
}

static void set_chain(struct txn *t, enum txn_completion how)
{
    if (how != TXN_CHAIN)
        return;
    t->after = TXN_AFTER_BEGIN;
    t->after_begin = t->state == TXN_OPEN ? t->cur : (struct txn_begin){0};
    t->after_begin.consistent_snapshot = false;
    t->after_begin.shards = NULL;
    t->after_begin.n_shards = 0;
}

void txn_commit(struct txn *t, enum txn_completion how, txn_done_fn *cb, void *arg)
{
    txn_op_begin(t, cb, arg);
    set_chain(t, how);
    commit_first(t);
}

void txn_rollback(struct txn *t, enum txn_completion how, txn_done_fn *cb, void *arg)
{
    txn_op_begin(t, cb, arg);
    set_chain(t, how);
    t->is_late = false;
    if (t->state == TXN_OPEN)
        txn_rollback_start(t, NULL);
    else if (t->after == TXN_AFTER_BEGIN)
        txn_begin_now(t);
    else
        txn_op_done(t, NULL);
}

void txn_implicit_commit(struct txn *t, txn_done_fn *cb, void *arg)
{
    txn_op_begin(t, cb, arg);
    commit_first(t);
}

void txn_set_autocommit(struct txn *t, bool on, txn_done_fn *cb, void *arg)
{
    bool was = t->autocommit;

    t->autocommit = on;
    txn_op_begin(t, cb, arg);
    if (on && !was)
        commit_first(t);
    else
        txn_op_done(t, NULL);
}

bool txn_set_next(struct txn *t, const struct txn_begin *next, struct diag *d)
{
    if (t->state != TXN_IDLE)
        return diag_set(d, ER_CANT_CHANGE_TX_CHARACTERISTICS);
    if (!t->has_next)
        t->next = (struct txn_begin){0};
    t->has_next = true;
    if (next->access != TXN_ACCESS_DEFAULT)
        t->next.access = next->access;
    if (next->isolation != TXN_ISO_SESSION)
        t->next.isolation = next->isolation;
    return true;
}

/* ---- statements ---- */

bool txn_stmt_begin(struct txn *t, const struct txn_stmt *st, struct diag *d)
{
    ASSERT_ON_WORKER(t->worker);
    ASSERT(!t->in_stmt && !t->cb && t->leases == 0);
    if (txn_take_late_error(t, d))
        return false;
    if (st->need == TXN_NEED_WRITE && is_read_only(t)) {
        if (t->state == TXN_IDLE)
            t->has_next = false;
        return diag_set(d, ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    }
    if (t->state == TXN_IDLE) {
        static const struct txn_begin plain = {0};

        if (!t->autocommit)
            txn_open_now(t);
        else if (t->has_next || (st->several && st->need == TXN_NEED_WRITE))
            open_now(t, TXN_STMT, &plain);
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

void txn_lease(struct txn *t, uint32_t shard_id, enum txn_need need, struct sync_state *want, txn_lease_fn *cb, void *arg)
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
        if (t->doomed)
            txn_rollback_start(t, seen_ok ? &t->doom : NULL);
        else if (ok)
            txn_op_done(t, NULL);
        else
            txn_undo_stmt(t, seen_ok ? &t->stmt_diag : NULL);
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
