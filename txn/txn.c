/* The transaction object: its state, begin and autocommit, its branches and what happens when one is lost.
 *
 * State is one enum, moved by txn_set_state. Two things stand beside it on purpose: `doomed` (an open transaction
 * that can only be rolled back: its session does not know yet) and in_stmt (a statement is between its begin and
 * end; allowed in TXN_IDLE, TXN_OPEN, TXN_STMT only).
 *
 * A lost connection: while a statement runs there, the executor finds out and says so by txn_release; while a
 * command of ours runs, its reply says so; while nothing runs, the pool says so. All three end in txn_branch_lost.
 * If the branch had not even started (a pooled connection that the server had closed long ago), only the running
 * statement fails. Otherwise work of the transaction is gone, and the transaction with it: doomed, rolled back at
 * the end of the statement, or, with no statement running, at the next call, which is refused with ER_SHARD_LOST. */
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

bool txn_is_read_only(const struct txn *t)
{
    enum txn_access a;

    if (t->state != TXN_IDLE)
        return t->cur.access == TXN_READ_ONLY;
    a = t->has_next ? t->next.access : TXN_ACCESS_DEFAULT;
    return a == TXN_READ_ONLY || (a == TXN_ACCESS_DEFAULT && t->session_read_only);
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

void txn_reset_settings(struct txn *t)
{
    t->session_read_only = t->has_next = false;
}

void txn_set_answer_at_decision(struct txn *t, bool on)
{
    t->answer_at_decision = on;
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

void txn_free(struct txn *t)
{
    if (!t)
        return;
    ASSERT(t->leases == 0);
    txn_cancel_waits(t);
    t->cb = NULL;
    t->after = TXN_AFTER_NOTHING;
    t->in_stmt = false;
    t->orphan = true;
    switch (t->state) {
    case TXN_OPEN:
    case TXN_STMT:
        worker_timer_disarm(&t->timer); /* txn_wait_for_kills */
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

/* Text for SET TRANSACTION, or NULL where the session's own state is right. */
static const char *characteristics(const struct txn *t)
{
    static const char *const texts[][2] = {
        [TXN_ISO_SESSION] = {NULL, "READ ONLY"},
        [TXN_ISO_READ_UNCOMMITTED] = {"ISOLATION LEVEL READ UNCOMMITTED",
                                      "ISOLATION LEVEL READ UNCOMMITTED, READ ONLY"},
        [TXN_ISO_READ_COMMITTED] = {"ISOLATION LEVEL READ COMMITTED", "ISOLATION LEVEL READ COMMITTED, READ ONLY"},
        [TXN_ISO_REPEATABLE_READ] = {"ISOLATION LEVEL REPEATABLE READ", "ISOLATION LEVEL REPEATABLE READ, READ ONLY"},
        [TXN_ISO_SERIALIZABLE] = {"ISOLATION LEVEL SERIALIZABLE", "ISOLATION LEVEL SERIALIZABLE, READ ONLY"},
    };
    return texts[t->cur.isolation][t->cur.access == TXN_READ_ONLY];
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

/* A view on each shard, as close together as one round trip makes them (one view over all shards needs the commit
 * gate). */
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

/* Opens in state `to`: with what SET TRANSACTION announced, as far as o does not say otherwise. The session's access mode counts
 * as it is now: changed later, it is for the transactions behind this one. */
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
    if (t->cur.access == TXN_ACCESS_DEFAULT)
        t->cur.access = t->session_read_only ? TXN_READ_ONLY : TXN_READ_WRITE;
    t->outcome = TXN_OUTCOME_OPEN;
    txn_set_state(t, to);
}

void txn_open_now(struct txn *t)
{
    static const struct txn_begin plain = {0};

    open_now(t, TXN_OPEN, &plain);
}

void txn_open_stmt(struct txn *t)
{
    static const struct txn_begin plain = {0};

    open_now(t, TXN_STMT, &plain);
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

