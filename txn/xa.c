/* Branches: queueing XA commands on a shard's connection and counting their replies.
 *
 * What the servers do (tried on MySQL 9.7 and MariaDB 10.11, see README, "Findings"), and what follows from it here:
 *   - Replies come in order and a failed command does not stop what was written behind it. So only such commands are
 *     written together whose later ones are harmless, or fail as well, when an earlier one fails: XA PREPARE and
 *     XA COMMIT fail (1399) unless XA END succeeded or had been sent before; a statement after a failed XA START
 *     does not fail, which is why the connection has autocommit=0 by then and is closed.
 *   - A branch that a deadlock rolled back accepts nothing but its end, and MySQL wants XA END before XA ROLLBACK
 *     even then (XA END answers 1614, MariaDB 1399): XA END is always sent, its answer ignored where another follows.
 *   - A prepared branch belongs to its connection on MariaDB, to nobody on MySQL. It is finished on the connection
 *     it was prepared on, which is right for both. When that connection is lost any other one can, which is
 *     recovery's. */
#include "txn/xa.h"

#include "txn/txn-int.h"
#include "util/fault.h"
#include "util/log.h"

#include <inttypes.h>
#include <stdio.h>

static const struct bcmd_ops xa_cmd_ops;

const char *branch_state_name(enum branch_state s)
{
    switch (s) {
    case BRANCH_WAITING: return "waiting";
    case BRANCH_CONNECTED: return "connected";
    case BRANCH_ACTIVE: return "active";
    case BRANCH_PREPARING: return "preparing";
    case BRANCH_PREPARED: return "prepared";
    case BRANCH_COMMITTING: return "committing";
    case BRANCH_ROLLING: return "rolling back";
    case BRANCH_ENDED: return "ended";
    case BRANCH_LOST: return "lost";
    }
    return "?";
}

#define TO(s) (1u << BRANCH_##s)
static const uint16_t branch_moves[BRANCH_STATE_COUNT] = {
    [BRANCH_WAITING] = TO(CONNECTED) | TO(ENDED) | TO(LOST),
    [BRANCH_CONNECTED] = TO(ACTIVE) | TO(ENDED) | TO(LOST),
    [BRANCH_ACTIVE] = TO(PREPARING) | TO(COMMITTING) | TO(ROLLING) | TO(LOST),
    [BRANCH_PREPARING] = TO(PREPARED) | TO(ACTIVE) | TO(LOST), /* refused: as it was */
    [BRANCH_PREPARED] = TO(COMMITTING) | TO(ROLLING) | TO(LOST),
    [BRANCH_COMMITTING] = TO(ENDED) | TO(ACTIVE) | TO(LOST),
    [BRANCH_ROLLING] = TO(ENDED) | TO(LOST),
    [BRANCH_ENDED] = 0,
    [BRANCH_LOST] = 0,
};
#undef TO

bool branch_move_allowed(enum branch_state from, enum branch_state to)
{
    return (branch_moves[from] >> to) & 1;
}

static void branch_set_state(struct branch *br, enum branch_state to)
{
    CHECK(branch_move_allowed(br->state, to));
    br->state = to;
}

bool xa_code_is_rollback(uint16_t code)
{
    switch (code) {
    case 1213: /* ER_LOCK_DEADLOCK */
    case 1402: /* ER_XA_RBROLLBACK */
    case 1613: /* ER_XA_RBTIMEOUT */
    case 1614: /* ER_XA_RBDEADLOCK */
        return true;
    default:
        return false;
    }
}

/* ---- life ---- */

static void on_pool_conn(struct pool_waiter *pw, struct bconn *c);
static void on_pool_fail(struct pool_waiter *pw, const struct diag *d);
static void on_idle_lost(struct bconn *c, void *owner, const struct diag *d);

struct branch *xa_new(struct txn *t, struct txn_env *env, struct worker *w, uint32_t shard_id)
{
    struct branch *br = xcalloc(1, sizeof(*br));

    br->txn = t;
    br->env = env;
    br->worker = w;
    br->shard_id = shard_id;
    br->state = BRANCH_WAITING;
    list_init(&br->waiters);
    return br;
}

static void branch_connected(struct branch *br, struct bconn *c)
{
    br->conn = c;
    branch_set_state(br, BRANCH_CONNECTED);
    pool_set_on_lost(c, on_idle_lost);
}

enum pool_result xa_open(struct branch *br, const struct sync_state *like, struct diag *d)
{
    struct pool *p = pool_of(br->worker, br->shard_id);
    struct bconn *c = NULL;
    enum pool_result r;

    if (!p) {
        char id[16];

        snprintf(id, sizeof(id), "%" PRIu32, br->shard_id);
        diag_set(d, ER_UNKNOWN_SHARD, id);
        return POOL_FAIL;
    }
    br->pw.like = like;
    br->pw.owner_kind = "transaction";
    br->pw.owner = br;
    br->pw.on_conn = on_pool_conn;
    br->pw.on_fail = on_pool_fail;
    r = pool_lease(p, &br->pw, &c, d);
    if (r == POOL_READY)
        branch_connected(br, c);
    return r;
}

static void on_pool_conn(struct pool_waiter *pw, struct bconn *c)
{
    struct branch *br = CONTAINER_OF(pw, struct branch, pw);

    branch_connected(br, c);
    br->on_open(br, NULL);
}

static void on_pool_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct branch *br = CONTAINER_OF(pw, struct branch, pw);

    br->on_open(br, d);
}

/* The connection went while no command was on it. */
static void on_idle_lost(struct bconn *c, void *owner, const struct diag *d)
{
    struct branch *br = owner;

    ASSERT(br->conn == c);
    (void)c;
    if (br->state == BRANCH_LOST || br->state == BRANCH_ENDED)
        return;
    branch_set_state(br, BRANCH_LOST);
    if (br->txn)
        txn_branch_lost(br->txn, br, d);
}

static void branch_free(void *p)
{
    struct branch *br = p;

    xfree(br);
}

void xa_close(struct branch *br)
{
    ASSERT(list_empty(&br->waiters));
    ASSERT(!br->step.left || br->state == BRANCH_LOST);
    if (br->state == BRANCH_WAITING)
        pool_cancel(&br->pw);
    if (br->conn) {
        struct bconn *c = br->conn;

        br->conn = NULL;
        pool_set_on_lost(c, NULL);
        if (br->state == BRANCH_ENDED || br->state == BRANCH_CONNECTED || !bconn_usable(c))
            pool_release(c); /* a lost one is only forgotten */
        else
            pool_discard(c, "transaction given up");
    }
    br->closed = true;
    br->txn = NULL;
    if (br->queued == 0)
        worker_call_later(br->worker, branch_free, br);
}

void xa_give_up(struct branch *br, const char *why)
{
    struct diag d;

    if (!br->conn || br->state == BRANCH_LOST || br->state == BRANCH_ENDED)
        return;
    diag_clear(&d);
    diag_setf(&d, ER_SHARD_LOST, "The connection to shard '%s' was given up: %s", br->conn->server->name, why);
    bconn_break(br->conn, &d);
}

void xa_detach(struct branch *br)
{
    br->txn = NULL;
    br->detached = true;
}

bool xa_mark_lost(struct branch *br)
{
    if (br->state == BRANCH_LOST)
        return false;
    branch_set_state(br, BRANCH_LOST);
    return true;
}

/* ---- commands ---- */

static struct xa_cmd *cmd_new(struct branch *br, enum xa_role role)
{
    struct xa_cmd *xc = NULL;

    for (size_t i = 0; i < XA_CMDS && !xc; i++)
        if (!br->cmds[i].in_use)
            xc = &br->cmds[i];
    if (!xc)
        xc = xcalloc(1, sizeof(*xc)); /* many savepoints at once */
    xc->in_use = true;
    xc->br = br;
    xc->role = (uint8_t)role;
    memset(&xc->cmd, 0, sizeof(xc->cmd));
    xc->cmd.ops = &xa_cmd_ops;
    xc->cmd.mode = BCMD_SWALLOW;
    br->queued++;
    if (role >= XA_ROLE_IGNORED)
        br->step.left++;
    return xc;
}

static void cmd_free(struct branch *br, struct xa_cmd *xc)
{
    xc->in_use = false;
    if (xc < br->cmds || xc >= br->cmds + XA_CMDS)
        xfree(xc);
}

/* Static text, then more text that lives as long as the branch. */
static void send_2(struct branch *br, enum xa_role role, const char *a, struct sv b, const char *c)
{
    struct iovec iov[3] = {
        {(void *)(uintptr_t)a, strlen(a)},
        {(void *)(uintptr_t)b.ptr, b.len},
        {(void *)(uintptr_t)c, strlen(c)},
    };

    bconn_query_iov(br->conn, &cmd_new(br, role)->cmd, iov, *c ? 3 : 2);
}

static void send_xid(struct branch *br, enum xa_role role, const char *before, const char *behind)
{
    send_2(br, role, before, sv_make(br->xid, br->xid_len), behind);
}

static void send_savepoint(struct branch *br, enum xa_role role, const char *verb, int32_t number)
{
    struct xa_cmd *xc = cmd_new(br, role);
    int n = number < 0 ? snprintf(xc->text, sizeof(xc->text), "%s tsr_s", verb)
                       : snprintf(xc->text, sizeof(xc->text), "%s tsr_%" PRId32, verb, number);

    ASSERT(n > 0 && (size_t)n < sizeof(xc->text));
    bconn_query(br->conn, &xc->cmd, sv_make(xc->text, (size_t)n));
}

void xa_start(struct branch *br, const char *gtrid, const char *characteristics)
{
    char bqual[TXN_BQUAL_MAX + 1];

    br->bqual.shard_id = br->shard_id;
    txn_bqual_format(&br->bqual, bqual);
    br->xid_len = (uint8_t)txn_xid_text(gtrid, bqual, br->xid);
    branch_set_state(br, BRANCH_ACTIVE);
    TXN_COUNT(br->env, branches);
    if (characteristics)
        send_2(br, XA_ROLE_PREFIX, "SET TRANSACTION ", sv_cstr(characteristics), "");
    send_xid(br, XA_ROLE_START, "XA START ", "");
    bconn_flush_for_fault(br->conn);
    (void)FAULT("txn.xa_start_sent");
}

void xa_savepoint(struct branch *br, int32_t number)
{
    send_savepoint(br, XA_ROLE_PREFIX, "SAVEPOINT", number);
    bconn_flush_for_fault(br->conn);
    (void)FAULT("txn.savepoint_sent");
}

/* Any read of an InnoDB table opens the view, also of one without rows; LIMIT 0 and SELECT without a table do not. */
#define READ_VIEW_SQL "SELECT 1 FROM tessera.trx_log LIMIT 1"

void xa_read_view(struct branch *br)
{
    bconn_query(br->conn, &cmd_new(br, XA_ROLE_PREFIX)->cmd, SV(READ_VIEW_SQL));
}

/* ---- steps ---- */

static void step_begin(struct branch *br, xa_step_fn *fn)
{
    ASSERT(br->step.left == 0 && br->conn);
    br->step.how = XA_STEP_OK;
    br->step.maybe_done = false;
    br->step.code = 0;
    diag_clear(&br->step.diag);
    br->step.fn = fn;
}

static void send_end(struct branch *br)
{
    if (br->end_sent)
        return;
    br->end_sent = true;
    send_xid(br, XA_ROLE_IGNORED, "XA END ", "");
}

void xa_step_read_view(struct branch *br, xa_step_fn *fn)
{
    step_begin(br, fn);
    bconn_query(br->conn, &cmd_new(br, XA_ROLE_DECIDES)->cmd, SV(READ_VIEW_SQL));
}

void xa_step_rollback_to(struct branch *br, int32_t number, xa_step_fn *fn)
{
    step_begin(br, fn);
    send_savepoint(br, XA_ROLE_DECIDES, "ROLLBACK TO", number);
}

void xa_step_prepare(struct branch *br, xa_step_fn *fn)
{
    step_begin(br, fn);
    branch_set_state(br, BRANCH_PREPARING);
    send_end(br);
    send_xid(br, XA_ROLE_DECIDES, "XA PREPARE ", "");
}

void xa_step_record(struct branch *br, struct sv sql, xa_step_fn *fn)
{
    step_begin(br, fn);
    bconn_query(br->conn, &cmd_new(br, XA_ROLE_DECIDES)->cmd, sql);
    send_end(br);
}

void xa_step_commit_one_phase(struct branch *br, xa_step_fn *fn)
{
    step_begin(br, fn);
    branch_set_state(br, BRANCH_COMMITTING);
    send_end(br);
    send_xid(br, XA_ROLE_DECIDES, "XA COMMIT ", " ONE PHASE");
}

void xa_step_commit_marked(struct branch *br, struct sv sql, xa_step_fn *fn)
{
    step_begin(br, fn);
    branch_set_state(br, BRANCH_COMMITTING);
    bconn_query(br->conn, &cmd_new(br, XA_ROLE_IGNORED)->cmd, sql);
    send_end(br);
    send_xid(br, XA_ROLE_DECIDES, "XA COMMIT ", " ONE PHASE");
}

void xa_step_commit(struct branch *br, xa_step_fn *fn)
{
    ASSERT(br->state == BRANCH_PREPARED);
    step_begin(br, fn);
    branch_set_state(br, BRANCH_COMMITTING);
    send_xid(br, XA_ROLE_DECIDES, "XA COMMIT ", "");
}

void xa_step_rollback(struct branch *br, xa_step_fn *fn)
{
    step_begin(br, fn);
    branch_set_state(br, BRANCH_ROLLING);
    send_end(br);
    send_xid(br, XA_ROLE_DECIDES, "XA ROLLBACK ", "");
}

/* The states after a step's last reply. */
static void step_settle_state(struct branch *br)
{
    bool ok = br->step.how == XA_STEP_OK;

    if (br->step.how == XA_STEP_LOST) {
        if (br->state != BRANCH_LOST)
            branch_set_state(br, BRANCH_LOST);
        return;
    }
    switch (br->state) {
    case BRANCH_PREPARING:
        branch_set_state(br, ok ? BRANCH_PREPARED : BRANCH_ACTIVE);
        break;
    case BRANCH_COMMITTING:
        /* 1397: somebody else (recovery) has ended it; the connection has no branch any more, but is not trusted.
         * Other errors leave it in a state that only the caller can name. */
        branch_set_state(br, ok ? BRANCH_ENDED : BRANCH_LOST);
        break;
    case BRANCH_ROLLING:
        branch_set_state(br, ok ? BRANCH_ENDED : BRANCH_LOST);
        break;
    case BRANCH_WAITING:
    case BRANCH_CONNECTED:
    case BRANCH_ACTIVE:
    case BRANCH_PREPARED:
    case BRANCH_ENDED:
    case BRANCH_LOST:
        break;
    }
}

static void step_end(struct branch *br)
{
    step_settle_state(br);
    if (br->detached) {
        xa_close(br);
        return;
    }
    br->step.fn(br);
}

/* ---- replies ---- */

static void prefix_failed(struct branch *br, enum xa_role role, const struct diag *d)
{
    log_warn(LOG_TXN, "shard %" PRIu32 ": %s refused: %u %s", br->shard_id,
             role == XA_ROLE_START ? "XA START" : "a command", d->code, d->text);
    if (br->state == BRANCH_LOST || br->state == BRANCH_ENDED)
        return;
    branch_set_state(br, BRANCH_LOST);
    if (br->conn)
        bconn_break(br->conn, d);
    if (br->txn)
        txn_branch_lost(br->txn, br, d);
}

/* One own reply is through: err NULL and not lost: OK. */
static void cmd_done(struct xa_cmd *xc, const struct diag *err, bool lost, bool maybe_done)
{
    struct branch *br = xc->br;
    enum xa_role role = xc->role;

    cmd_free(br, xc);
    br->queued--;
    if (br->closed) {
        if (br->queued == 0)
            worker_call_later(br->worker, branch_free, br);
        return;
    }
    if (role < XA_ROLE_IGNORED) {
        if (!err)
            br->started = br->started || role == XA_ROLE_START;
        else if (!lost)
            prefix_failed(br, role, err);
        else if (br->state != BRANCH_LOST) {
            branch_set_state(br, BRANCH_LOST);
            if (br->txn)
                txn_branch_lost(br->txn, br, err);
        }
        return;
    }
    if (err && lost) {
        br->step.how = XA_STEP_LOST;
        br->step.maybe_done = br->step.maybe_done || (role == XA_ROLE_DECIDES && maybe_done);
        br->step.diag = *err;
    } else if (err && role == XA_ROLE_DECIDES && br->step.how == XA_STEP_OK) {
        br->step.how = XA_STEP_ERROR;
        br->step.code = err->code;
        br->step.diag = *err;
    }
    if (--br->step.left == 0)
        step_end(br);
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok;
    (void)is_result;
    (void)payload;
    if (!more)
        cmd_done(CONTAINER_OF(cmd, struct xa_cmd, cmd), NULL, false, false);
}

static void on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct diag d;

    (void)payload;
    diag_clear(&d);
    diag_set_remote(&d, err->code, err->sqlstate, err->text);
    cmd_done(CONTAINER_OF(cmd, struct xa_cmd, cmd), &d, false, false);
}

static void on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    cmd_done(CONTAINER_OF(cmd, struct xa_cmd, cmd), d, true, maybe_done);
}

static const struct bcmd_ops xa_cmd_ops = {
    .on_ok = on_ok,
    .on_err = on_err,
    .on_lost = on_lost,
};
