/* Ending transactions: commit over one shard or several, rollback.
 *
 * Branches are sorted by what the transaction did there:
 *   read     XA END, XA COMMIT ONE PHASE at once, in the background: nobody can tell when
 *   locked   (FOR UPDATE, wrote nothing) the same, but after the decision: its locks protect what was decided on
 *   written  none: nothing is decided. One: XA END, XA COMMIT ONE PHASE in one write, its reply is the outcome
 *            (with a commit record before them in some cases: decide).
 *            Several: below.
 *
 * Several written: the branch opened first of them is the primary (txn/xid.h says why that one).
 *   TXN_PREPARING   to the others XA END, XA PREPARE; to the primary INSERT of the commit record, XA END; all in
 *                   parallel, so that the record costs no round trip. All answers are awaited. The record's insert
 *                   can fail (recovery has written an abort record under the same key), so the commit must not be
 *                   written behind it unseen.
 *   TXN_DECIDING    to the primary XA COMMIT ONE PHASE: record and work become durable together. Its OK is the
 *                   decision.
 *   TXN_COMMITTING  to the others XA COMMIT, by a commit_group that may outlive the transaction object.
 * Any failure before TXN_DECIDING's write: roll back everywhere. That is safe at any time, because nobody but us
 * can commit the primary, and nobody finds a record before that.
 * The decision's answer lost, or not to be understood: TXN_IN_DOUBT. All connections are closed, recovery looks
 * for the record, the client gets ER_UNKNOWN_OUTCOME. A branch lost in TXN_COMMITTING changes nothing: recovery
 * commits it.
 *
 * Each phase has a deadline (env's commit_timeout_ms); a connection that misses it is closed, which makes it a
 * lost one. */
#include "txn/txn-int.h"

#include "util/clock.h"
#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>

/* ---- small things ---- */

static void fail(struct txn *t, const struct diag *d)
{
    if (t->failed)
        return;
    t->failed = true;
    t->fail = *d;
}

static void fail_lost(struct txn *t, const struct branch *br)
{
    struct diag d;

    diag_clear(&d);
    diag_set(&d, ER_SHARD_LOST, br->conn ? br->conn->server->name : "?");
    fail(t, &d);
}

static void on_phase_timeout(struct worker_timer *timer)
{
    struct txn *t = CONTAINER_OF(timer, struct txn, timer);

    log_warn(LOG_TXN, "transaction %s: no answer while %s: giving connections up", t->gtrid, txn_state_name(t->state));
    array_each (&t->branches, b) {
        if ((*b)->step.left)
            xa_give_up(*b, "no answer in time");
    }
}

static void arm_deadline(struct txn *t)
{
    t->timer.fn = on_phase_timeout;
    worker_timer_arm(t->worker, &t->timer, txn_env_commit_timeout_ms(t->env));
}

static void unregister(struct txn *t)
{
    if (t->is_registered)
        txn_env_live_remove(t->env, t->gid.seq);
    t->is_registered = false;
}

static void not_awaited(struct branch *br)
{
    (void)br; /* detached branches close themselves */
    CHECK(!"callback of a detached branch");
}

/* Takes br off t and has it end by itself. */
static void end_alone(struct txn *t, struct branch *br, bool commit)
{
    for (size_t i = 0; i < t->branches.n; i++) {
        if (t->branches.v[i] == br) {
            array_remove(&t->branches, i);
            break;
        }
    }
    if (br->state != BRANCH_ACTIVE) {
        xa_close(br);
        return;
    }
    xa_detach(br);
    if (commit)
        xa_step_commit_one_phase(br, not_awaited);
    else
        xa_step_rollback(br, not_awaited);
}

static void end_alone_all(struct txn *t, enum txn_need need)
{
    for (size_t i = t->branches.n; i-- > 0;) {
        struct branch *br = t->branches.v[i];

        if (br->need == need && br->state == BRANCH_ACTIVE)
            end_alone(t, br, true);
    }
}

void txn_finish(struct txn *t, enum txn_outcome outcome, const struct diag *d)
{
    struct diag copy;

    if (d) { /* d may be one of t's own */
        copy = *d;
        d = &copy;
    }
    worker_timer_disarm(&t->timer);
    array_each (&t->branches, b)
        xa_close(*b);
    array_clear(&t->branches);
    unregister(t);
    txn_savepoints_clear(t);
    t->n_opened = 0;
    t->has_gid = t->has_snapshot = t->doomed = t->failed = t->stmt_failed = false;
    t->primary = NULL;
    t->cur = (struct txn_begin){0};
    xfree(t->record_sql);
    t->record_sql = NULL;
    t->outcome = outcome;
    txn_set_state(t, TXN_IDLE);
    if (t->after == TXN_AFTER_BEGIN && !d)
        txn_begin_now(t);
    else
        txn_op_done(t, d);
}

/* ---- rollback ---- */

static void rolled_part_done(struct txn *t)
{
    bool prepared_left = false;

    if (--t->pending > 0)
        return;
    array_each (&t->branches, b)
        prepared_left = prepared_left || ((*b)->state == BRANCH_LOST && (*b)->prepare_sent);
    if (prepared_left) {
        TXN_COUNT(t->env, left_to_recovery);
        unregister(t);
        txn_env_kick(t->env);
    }
    TXN_COUNT(t->env, rolled_back);
    txn_finish(t, TXN_ABORTED, t->failed ? &t->fail : NULL);
}

static void on_rolled_back(struct branch *br)
{
    rolled_part_done(br->txn);
}

void txn_rollback_start(struct txn *t, const struct diag *d)
{
    struct diag copy;

    if (d) {
        copy = *d;
        t->failed = false;
        fail(t, &copy);
    } else {
        t->failed = false;
    }
    txn_set_state(t, TXN_ROLLING);
    arm_deadline(t);
    t->pending = 1;
    array_each (&t->branches, b) {
        struct branch *br = *b;

        if (br->state != BRANCH_ACTIVE && br->state != BRANCH_PREPARED)
            continue;
        t->pending++;
        xa_step_rollback(br, on_rolled_back);
        bconn_flush_for_fault(br->conn);
    }
    (void)FAULT("txn.rollback_sent");
    rolled_part_done(t);
}

void txn_abandon(struct txn *t)
{
    ASSERT(t->state == TXN_OPEN && !t->cb);
    for (size_t i = t->branches.n; i-- > 0;)
        end_alone(t, t->branches.v[i], false);
    TXN_COUNT(t->env, rolled_back);
    t->after = TXN_AFTER_NOTHING;
    txn_finish(t, TXN_ABORTED, NULL);
}

/* ---- the second phase ---- */

static void group_done(struct commit_group *g)
{
    struct txn *t = g->waiter;

    (void)FAULT("txn.all_committed");
    worker_timer_disarm(&g->timer);
    txn_env_live_remove(g->env, g->gid.seq);
    if (g->incomplete) {
        TXN_COUNT(g->env, left_to_recovery);
        txn_env_kick(g->env);
    } else {
        txn_env_purge_later(g->env, g->primary_shard, g->gid.seq);
    }
    array_free(&g->branches);
    worker_free_later(g->worker, g);
    if (t)
        txn_finish(t, TXN_COMMITTED, NULL);
}

static void group_part_done(struct commit_group *g)
{
    if (--g->left == 0)
        group_done(g);
}

static void on_branch_committed(struct branch *br)
{
    struct commit_group *g = br->group;

    switch (br->step.how) {
    case XA_STEP_OK:
        break;
    case XA_STEP_ERROR:
        /* 1397: recovery, ours or another node's, has committed it already. */
        if (br->step.code != ER_XAER_NOTA) {
            log_error(LOG_TXN, "transaction %s is committed, but shard %" PRIu32 " refuses to commit its branch: %u %s",
                      br->xid, br->shard_id, br->step.code, br->step.diag.text);
            g->incomplete = true;
        }
        break;
    case XA_STEP_LOST:
        log_warn(LOG_TXN, "transaction %s is committed; shard %" PRIu32 " was lost before it could say so", br->xid,
                 br->shard_id);
        g->incomplete = true;
        break;
    }
    for (size_t i = 0; i < g->branches.n; i++) {
        if (g->branches.v[i] == br) {
            array_remove_swap(&g->branches, i);
            break;
        }
    }
    xa_close(br);
    (void)FAULT("txn.some_committed");
    group_part_done(g);
}

static void on_group_timeout(struct worker_timer *timer)
{
    struct commit_group *g = CONTAINER_OF(timer, struct commit_group, timer);

    array_each (&g->branches, b)
        xa_give_up(*b, "no answer in time");
}

/* The decision is durable: what it still has to do is told to the branches that were prepared. */
static void commit_others(struct txn *t)
{
    struct commit_group *g = xcalloc(1, sizeof(*g));

    txn_set_state(t, TXN_COMMITTING);
    g->env = t->env;
    g->worker = t->worker;
    g->gid = t->gid;
    g->primary_shard = t->primary->shard_id;
    g->left = 1;
    t->is_registered = false; /* g's now */
    for (size_t i = t->branches.n; i-- > 0;) {
        struct branch *br = t->branches.v[i];

        if (br == t->primary || !br->prepare_sent)
            continue;
        array_remove(&t->branches, i);
        if (br->state != BRANCH_PREPARED) { /* its connection went meanwhile */
            g->incomplete = true;
            xa_close(br);
            continue;
        }
        br->txn = NULL;
        br->group = g;
        array_push(&g->branches, NULL, br);
        g->left++;
        xa_step_commit(br, on_branch_committed);
        bconn_flush_for_fault(br->conn);
    }
    (void)FAULT("txn.commit_sent");
    end_alone_all(t, TXN_NEED_LOCK);
    g->timer.fn = on_group_timeout;
    worker_timer_arm(t->worker, &g->timer, txn_env_commit_timeout_ms(t->env));
    if (t->answer_at_decision || t->orphan)
        txn_finish(t, TXN_COMMITTED, NULL);
    else
        g->waiter = t;
    group_part_done(g);
}

/* ---- the decision ---- */

static void in_doubt(struct txn *t, struct branch *br)
{
    struct diag d;
    const char *shard = br->conn ? br->conn->server->name : "?";
    bool several = br == t->primary;

    diag_clear(&d);
    if (several)
        diag_set(&d, ER_UNKNOWN_OUTCOME, shard, t->gtrid);
    else
        diag_setf(&d, ER_UNKNOWN_OUTCOME,
                  "The connection to shard '%s' was lost while committing; whether transaction '%s' took effect "
                  "there is unknown",
                  shard, t->gtrid);
    if (br->step.how == XA_STEP_ERROR)
        log_error(LOG_TXN, "transaction %s: shard '%s' answered the commit with %u %s", t->gtrid, shard, br->step.code,
                  br->step.diag.text);
    else
        log_warn(LOG_TXN, "transaction %s is in doubt: shard '%s' was lost while it committed", t->gtrid, shard);
    TXN_COUNT(t->env, in_doubt);
    end_alone_all(t, TXN_NEED_LOCK);
    /* The connections first: a branch that still hangs on ours could not be finished by recovery. */
    array_each (&t->branches, b)
        xa_close(*b);
    array_clear(&t->branches);
    unregister(t);
    if (several)
        txn_env_kick(t->env);
    txn_finish(t, TXN_IN_DOUBT, &d);
}

/* Whether an error of XA COMMIT ONE PHASE says for certain that nothing was committed. */
static bool commit_surely_failed(uint16_t code)
{
    return xa_code_is_rollback(code) || code == 1399; /* XAER_RMFAIL: not in a state to commit */
}

static void on_decided(struct branch *br)
{
    struct txn *t = br->txn;
    bool several = br == t->primary;

    switch (br->step.how) {
    case XA_STEP_OK:
        break;
    case XA_STEP_ERROR:
        if (!commit_surely_failed(br->step.code)) {
            in_doubt(t, br);
            return;
        }
        TXN_COUNT(t->env, commits_failed);
        txn_rollback_start(t, &br->step.diag);
        return;
    case XA_STEP_LOST:
        if (br->step.maybe_done) {
            in_doubt(t, br);
            return;
        }
        TXN_COUNT(t->env, commits_failed);
        fail_lost(t, br);
        txn_rollback_start(t, &t->fail);
        return;
    }
    if (several) {
        (void)FAULT("txn.primary_committed");
        TXN_COUNT(t->env, committed_two_phase);
        commit_others(t);
        return;
    }
    (void)FAULT("txn.one_phase_done");
    TXN_COUNT(t->env, committed_one_phase);
    if (t->marked)
        txn_env_purge_later(t->env, br->shard_id, t->gid.seq);
    end_alone_all(t, TXN_NEED_LOCK);
    txn_finish(t, TXN_COMMITTED, NULL);
}

static void write_record_sql(struct txn *t)
{
    enum { HEAD_BYTES = 256, ONE_ID_BYTES = 12 };
    size_t cap = HEAD_BYTES + (t->branches.n + 1) * ONE_ID_BYTES;
    size_t len;
    const char *sep = "";

    xfree(t->record_sql);
    t->record_sql = xmalloc(cap);
    len = (size_t)snprintf(t->record_sql, cap, TXN_RECORD_INSERT "'%s','C',%" PRIu64 ",'", t->gtrid,
                           clock_real_us() / 1000);
    array_each (&t->branches, b) {
        if ((*b)->need != TXN_NEED_WRITE)
            continue;
        len += (size_t)snprintf(t->record_sql + len, cap - len, "%s%" PRIu32, sep, (*b)->shard_id);
        sep = ",";
    }
    len += (size_t)snprintf(t->record_sql + len, cap - len, "')");
    CHECK(len < cap);
}

/* An only writer that was opened behind others looks, prepared, like one of several (txn/recover.c says when one-phase commits
 * come back prepared): on MariaDB it holds a record that tells it from them. The record may fail, the commit then stands
 * for itself. */
static void decide(struct txn *t, struct branch *br)
{
    txn_set_state(t, TXN_DECIDING);
    arm_deadline(t);
    t->marked = br != t->primary && br->order > 0 && br->conn->is_mariadb;
    if (t->marked) {
        write_record_sql(t);
        xa_step_commit_marked(br, sv_cstr(t->record_sql), on_decided);
    } else {
        xa_step_commit_one_phase(br, on_decided);
    }
    bconn_flush_for_fault(br->conn);
    if (br == t->primary)
        (void)FAULT("txn.primary_commit_sent");
    else
        (void)FAULT("txn.one_phase_sent");
}

/* ---- the first phase ---- */

static void all_prepared(struct txn *t)
{
    if (FAULT("txn.all_prepared")) {
        struct diag d;

        diag_clear(&d);
        diag_set(&d, ER_INTERNAL, "fault point txn.all_prepared");
        fail(t, &d);
    }
    if (t->primary->state != BRANCH_ACTIVE)
        fail_lost(t, t->primary);
    if (t->failed) {
        TXN_COUNT(t->env, commits_failed);
        log_info(LOG_TXN, "transaction %s is rolled back: %s", t->gtrid, t->fail.text);
        txn_rollback_start(t, &t->fail);
        return;
    }
    decide(t, t->primary);
}

static void prepared_part_done(struct txn *t)
{
    if (--t->pending == 0)
        all_prepared(t);
}

static void on_prepared(struct branch *br)
{
    struct txn *t = br->txn;

    switch (br->step.how) {
    case XA_STEP_OK:
        (void)FAULT("txn.some_prepared");
        break;
    case XA_STEP_ERROR:
        br->prepare_sent = false; /* not prepared, for certain */
        fail(t, &br->step.diag);
        break;
    case XA_STEP_LOST:
        fail_lost(t, br);
        break;
    }
    prepared_part_done(t);
}

static void on_recorded(struct branch *br)
{
    struct txn *t = br->txn;
    struct diag d;

    diag_clear(&d);
    switch (br->step.how) {
    case XA_STEP_OK:
        (void)FAULT("txn.record_written");
        break;
    case XA_STEP_ERROR:
        if (br->step.code == ER_DUP_ENTRY) {
            TXN_COUNT(t->env, fenced);
            diag_set(&d, ER_TXN_FENCED, t->gtrid);
        } else if (br->step.code == ER_NO_SUCH_TABLE || br->step.code == ER_BAD_DB_ERROR) {
            diag_setf(&d, ER_METADATA, "Shard '%s' cannot take part in transactions over several shards: %s",
                      br->conn->server->name, br->step.diag.text);
        } else {
            d = br->step.diag;
        }
        fail(t, &d);
        break;
    case XA_STEP_LOST:
        fail_lost(t, br);
        break;
    }
    prepared_part_done(t);
}

/* The branch whose shard takes the record: opened before all that will be prepared, and named by all of them. */
static struct branch *choose_primary(struct txn *t, struct branch *first_written)
{
    struct branch *first = first_written;
    bool named_by_all = true;

    array_each (&t->branches, b) {
        struct branch *br = *b;

        if (br->order < first->order && br->state == BRANCH_ACTIVE)
            first = br;
        if (br != first_written && br->need == TXN_NEED_WRITE && br->bqual.n_primaries <= first_written->order)
            named_by_all = false;
    }
    if (named_by_all)
        return first_written;
    ASSERT(first->order == 0); /* the first one is in every list; it takes the record even if it wrote nothing */
    return first;
}

static void prepare_all(struct txn *t, struct branch *first_written)
{
    struct branch *primary = choose_primary(t, first_written);

    if (FAULT("txn.before_prepare")) {
        struct diag d;

        diag_clear(&d);
        diag_set(&d, ER_INTERNAL, "fault point txn.before_prepare");
        txn_rollback_start(t, &d);
        return;
    }
    txn_set_state(t, TXN_PREPARING);
    arm_deadline(t);
    primary->need = TXN_NEED_WRITE;
    t->primary = primary;
    t->failed = false;
    txn_env_live_add(t->env, t->gid.seq);
    t->is_registered = true;
    write_record_sql(t);
    t->pending = 1;
    array_each (&t->branches, b) {
        struct branch *br = *b;

        if (br->need != TXN_NEED_WRITE || br->state != BRANCH_ACTIVE)
            continue;
        t->pending++;
        if (br == primary) {
            xa_step_record(br, sv_cstr(t->record_sql), on_recorded);
        } else {
            br->prepare_sent = true;
            xa_step_prepare(br, on_prepared);
        }
        bconn_flush_for_fault(br->conn);
    }
    (void)FAULT("txn.prepare_sent");
    end_alone_all(t, TXN_NEED_READ);
    prepared_part_done(t);
}

static bool kills_under_way(const struct txn *t)
{
    for (size_t i = 0; i < t->branches.n; i++)
        if (t->branches.v[i]->conn && t->branches.v[i]->conn->n_kills)
            return true;
    return false;
}

static void on_kills_timer(struct worker_timer *timer)
{
    struct txn *t = CONTAINER_OF(timer, struct txn, timer);

    t->after_kills(t);
}

bool txn_wait_for_kills(struct txn *t, void (*then)(struct txn *t))
{
    if (LIKELY(!kills_under_way(t)))
        return false;
    t->after_kills = then;
    t->timer.fn = on_kills_timer;
    worker_timer_arm(t->worker, &t->timer, 1);
    return true;
}

void txn_commit_start(struct txn *t)
{
    struct branch *first_written = NULL;
    size_t n_written = 0;

    if (txn_wait_for_kills(t, txn_commit_start))
        return;
    if (t->doomed) {
        txn_rollback_start(t, &t->doom);
        return;
    }
    array_each (&t->branches, b) {
        struct branch *br = *b;

        if (br->need != TXN_NEED_WRITE || br->state != BRANCH_ACTIVE)
            continue;
        n_written++;
        if (!first_written || br->order < first_written->order)
            first_written = br;
    }
    if (n_written == 0) {
        end_alone_all(t, TXN_NEED_READ);
        end_alone_all(t, TXN_NEED_LOCK);
        TXN_COUNT(t->env, committed_empty);
        txn_finish(t, TXN_COMMITTED, NULL);
    } else if (n_written == 1) {
        decide(t, first_written);
        end_alone_all(t, TXN_NEED_READ);
    } else {
        prepare_all(t, first_written);
    }
}
