/* Executions: routing, steps of lanes, errors, the end.
 *
 * A *lane* is one piece of SQL on one shard. A *step* is a set of lanes that are leased and sent at once; when all have
 * ended, the strategy's callback goes on (next step, or exec_finish). The relay is a step of one lane embedded in the
 * execution, so that a statement for one place allocates nothing here.
 *
 * Errors: the first one is kept; lanes that run are waited for (their reads are told to stop by KILL QUERY), lanes that
 * have no connection yet are cancelled. So when on_done comes, nothing is under way, every connection has been given back,
 * and the transaction may be undone or ended. */
#include "executor/exec-int.h"

#include "backend/sync.h"
#include "catalog/names.h"
#include "catalog/snapshot.h"
#include "util/log.h"

#include <stdio.h>

static const uint8_t moves[] = {
    [EXEC_NEW] = 1 << EXEC_LEASING | 1 << EXEC_RUNNING | 1 << EXEC_ENDING | 1 << EXEC_FINISHED,
    [EXEC_LEASING] = 1 << EXEC_RUNNING | 1 << EXEC_ENDING | 1 << EXEC_FINISHED,
    [EXEC_RUNNING] = 1 << EXEC_LEASING | 1 << EXEC_ENDING | 1 << EXEC_FINISHED,
    [EXEC_ENDING] = 1 << EXEC_FINISHED,
    [EXEC_FINISHED] = 0,
};

void exec_set_state(struct exec *e, enum exec_state to)
{
    if (e->state == to)
        return;
    CHECK(moves[e->state] >> to & 1);
    e->state = to;
}

/* ---- the end ---- */

void exec_finish(struct exec *e)
{
    if (e->cancelled && e->outcome.kind != EXEC_ERROR) {
        e->outcome.kind = EXEC_ERROR;
        diag_set(&e->outcome.diag, ER_QUERY_INTERRUPTED);
    }
    if (e->offload)
        offload_close(e);
    exec_set_state(e, EXEC_FINISHED);
    e->host->on_done(e, &e->outcome);
}

bool exec_failed(const struct exec *e)
{
    return e->outcome.kind == EXEC_ERROR;
}

/* Lanes that wait for a connection are taken back; those that run are told to stop. */
static void stop_lanes(struct exec *e)
{
    uint32_t ended = 0;

    for (uint32_t i = 0; i < e->n_lanes; i++) {
        struct exec_lane *l = &e->lanes[i];

        if (l->state == LANE_LEASING && txn_lease_cancel(e->txn, l)) {
            l->state = LANE_DONE;
            l->failed = true;
            ended++;
        } else if (l->state == LANE_BUSY && e->plan->returns_rows) {
            bconn_cancel_query(l->conn);
            if (l->conn->is_paused)
                bconn_resume(l->conn);
        }
    }
    e->n_done += ended;
}

void exec_fail(struct exec *e, const struct diag *d)
{
    if (exec_failed(e))
        return;
    e->outcome.kind = EXEC_ERROR;
    e->outcome.diag = *d;
    exec_set_state(e, EXEC_ENDING);
    stop_lanes(e);
}

void exec_cancel(struct exec *e)
{
    if (e->state == EXEC_NEW || e->state == EXEC_FINISHED || e->cancelled)
        return;
    e->cancelled = true;
    if (e->plan->insert && insert_cancel(e))
        return;
    if (e->offload && offload_cancel(e))
        return;
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        struct exec_lane *l = &e->lanes[i];

        if (l->state == LANE_BUSY)
            bconn_cancel_query(l->conn);
        if (l->conn && l->conn->is_paused)
            bconn_resume(l->conn);
    }
    if (e->drained && !exec_failed(e)) {
        /* Its lanes may have ended long ago, and the client may never take another row. */
        struct diag d = {0};

        diag_set(&d, ER_QUERY_INTERRUPTED);
        exec_fail(e, &d);
    } else {
        stop_lanes(e);
    }
    if (e->n_lanes && e->n_done == e->n_lanes)
        e->step_done(e);
}

void exec_client_drained(struct exec *e)
{
    e->client_full = false;
    if (e->drained && e->state != EXEC_FINISHED)
        e->drained(e);
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        struct exec_lane *l = &e->lanes[i];

        if (l->state == LANE_BUSY && l->conn->is_paused && !e->client_full)
            bconn_resume(l->conn);
    }
}

/* ---- errors of shards ---- */

struct names_scope exec_scope(const struct exec *e)
{
    return (struct names_scope){e->plan->tables, e->plan->n_tables, e->offload != NULL};
}

void exec_logical_coldef(const struct exec *e, struct packet_coldef *col)
{
    struct names_scope s = exec_scope(e);

    col->org_table = names_scope_table(col->org_table, &s);
    col->table = names_scope_table(col->table, &s);
}

/* Whose physical names may stand in an error: the statement's tables; where foreign keys are at work, their other ends too. */
static struct names_scope scope_of_error(const struct exec *e, unsigned code)
{
    const struct plan *p = e->plan;
    const struct cat_table **all;
    size_t n = p->n_tables;

    if (code != 1216 && code != 1217 && code != 1451 && code != 1452 && code != 1761 && code != 1762)
        return exec_scope(e);
    all = ARENA_NEW_N(e->arena, const struct cat_table *, p->n_tables + e->snapshot->tables.n + 1);
    if (n)
        memcpy(all, p->tables, n * sizeof(*all));
    array_each(&e->snapshot->tables, t)
        if ((*t)->fks_n && (*t)->parts_n > 1)
            all[n++] = *t;
    return (struct names_scope){all, n, e->offload != NULL};
}

void exec_remote_error(struct exec *e, const struct packet_err *err, struct diag *d)
{
    struct names_scope s = scope_of_error(e, err->code);

    diag_set_remote(d, err->code, err->sqlstate, names_scope_text(e->arena, err->text, &s));
}

uint64_t exec_row_number(struct sv text, size_t *len)
{
    struct sv at = SV("at row ");
    uint64_t n;

    *len = text.len;
    while (*len && text.ptr[*len - 1] >= '0' && text.ptr[*len - 1] <= '9')
        (*len)--;
    if (*len < at.len || *len == text.len || memcmp(text.ptr + *len - at.len, at.ptr, at.len) != 0 ||
        !sv_to_u64(sv_make(text.ptr + *len, text.len - *len), &n))
        return 0;
    return n;
}

/* "... at row 2" of a lane's rows, as the client counts them. */
static struct sv row_of_statement(const struct exec_lane *l, struct sv text)
{
    size_t len;
    uint64_t n = l->rows ? exec_row_number(text, &len) : 0;

    if (n == 0 || n > l->n_rows || l->rows[n - 1] == n)
        return text;
    return arena_printf(l->e->arena, "%.*s%u", (int)len, text.ptr, l->rows[n - 1]);
}

enum txn_need exec_need(const struct exec *e)
{
    const struct plan *p = e->plan;

    if (p->reads_only)
        return e->serializable ? TXN_NEED_LOCK : TXN_NEED_READ;
    if (p->kind == PLAN_OTHER)
        return TXN_NEED_LOCK; /* DO: writes nothing, may take named locks */
    return p->kind == PLAN_SELECT ? TXN_NEED_LOCK : TXN_NEED_WRITE;
}

bool exec_begin(struct exec *e, bool several)
{
    struct diag d = {0};

    if (e->host->begin(e, exec_need(e), several, &d))
        return true;
    exec_fail(e, &d);
    return false;
}

/* ---- lanes ---- */

struct exec_lane *exec_lanes_new(struct exec *e, uint32_t n)
{
    struct exec_lane *l = ARENA_NEW_N(e->arena, struct exec_lane, n);

    for (uint32_t i = 0; i < n; i++) {
        l[i].e = e;
        l[i].index = i;
        l[i].cmd.mode = BCMD_ROWS;
    }
    return l;
}

/* ---- one NOW() for all places: SET timestamp in front of the statement, back to DEFAULT behind it ---- */

static void lane_done(struct exec_lane *l);

static bool writes(const struct plan *p)
{
    return p->kind == PLAN_INSERT || p->kind == PLAN_UPDATE || p->kind == PLAN_DELETE || p->kind == PLAN_MOVE;
}

static void thawed(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok, (void)is_result, (void)more, (void)payload;
    lane_done(CONTAINER_OF(cmd, struct exec_lane, cmd));
}

static void thaw_failed(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)err, (void)payload;
    l->conn->unclean = true;
    lane_done(l);
}

static void thaw_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)maybe_done;
    exec_lane_lost(l, d);
}

static const struct bcmd_ops thaw_ops = {
    .on_ok = thawed,
    .on_err = thaw_failed,
    .on_lost = thaw_lost,
};

static void freeze_now(struct exec_lane *l)
{
    struct exec *e = l->e;

    /* A session that has set its own time has the same everywhere. */
    if (!e->plan->uses_temporals_now || e->n_lanes < 2 || sync_get(e->wanted, SV("timestamp")).ptr)
        return;
    l->now_frozen = true;
    bconn_query_forget(l->conn, arena_printf(e->arena, "SET timestamp=%lld.%06lld", (long long)(e->env->now_us / 1000000),
        (long long)(e->env->now_us % 1000000)));
}

static void lane_done(struct exec_lane *l)
{
    struct exec *e = l->e;

    if (l->asks_vars && !l->failed) {
        l->asks_vars = false;
        vars_ask(l);
        return;
    }
    if (l->conn && !l->failed && vars_ask_id(l))
        return;
    if (l->now_frozen && l->conn && l->result.done != TXN_DONE_LOST) {
        l->now_frozen = false;
        l->state = LANE_WARNINGS;
        l->cmd = (struct bcmd){.ops = &thaw_ops, .mode = BCMD_SWALLOW};
        bconn_query(l->conn, &l->cmd, SV("SET timestamp=DEFAULT"));
        return;
    }
    l->state = LANE_DONE;
    if (l->conn) {
        struct bconn *c = l->conn;

        l->conn = NULL;
        if (!l->kept)
            txn_release(e->txn, c, &l->result);
    }
    (void)FAULT("exec.piece_done");
    if (++e->n_done == e->n_lanes && !e->in_start)
        e->step_done(e);
}

void exec_lane_over(struct exec_lane *l)
{
    lane_done(l);
}

/* ---- warnings: asked for on the same connection, behind the statement ---- */

/* MySQL says what it finds when it prepares a statement then, and not again at each execution. */
static bool was_said(const struct exec *e, const struct warning *w)
{
    return e->said && warn_count(e->said, w->code, w->text);
}

void exec_calc_deprecated(struct exec *e)
{
    if (e->plan->calc_found_rows && e->env->flavour == ENV_MYSQL8 && !e->said)
        warn_add(e->warnings, WARN_WARNING, ER_WARN_DEPRECATED_SYNTAX, "SQL_CALC_FOUND_ROWS is deprecated and will be removed in a "
            "future release. Consider using two separate queries instead.");
}

void exec_deprecations(const struct plan *p, const struct env *env, struct warn_sink *to)
{
    for (uint16_t i = 0; i < p->n_found_rows && env->flavour == ENV_MYSQL8; i++)
        warn_add(to, WARN_WARNING, ER_WARN_DEPRECATED_SYNTAX, "FOUND_ROWS() is deprecated and will be removed in a future "
            "release. Consider using COUNT(*) instead.");
    if (p->into_behind && env->flavour == ENV_MARIADB)
        warn_add(to, WARN_WARNING, ER_WARN_DEPRECATED_SYNTAX, "'<select expression> INTO <destination>;' is deprecated and will be "
            "removed in a future release. Please use 'SELECT <select list> INTO <destination> FROM...' instead");
}

bool exec_warning_of_row(unsigned char *payload, size_t n, struct warning *out)
{
    struct sv cells[3];
    uint64_t code;

    if (!rowtext_decode(payload, n, cells, ARRAY_LEN(cells)) || !sv_to_u64(cells[1], &code))
        return false;
    out->level = sv_eq(cells[0], SV("Note")) ? WARN_NOTE : sv_eq(cells[0], SV("Error")) ? WARN_ERROR : WARN_WARNING;
    out->code = (uint16_t)code;
    out->text = cells[2];
    return true;
}

static void warnings_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct exec *e = l->e;
    struct names_scope scope = exec_scope(e);
    struct warning w;

    l->n_listed++;
    if (!exec_warning_of_row(payload, n, &w))
        return;
    if (w.level == WARN_ERROR && l->failed)
        return; /* the statement's own error is told by its owner */
    w.text = row_of_statement(l, names_scope_text(e->arena, w.text, &scope));
    if (was_said(e, &w))
        return;
    if (warn_is_deprecation(w.code) && !l->warned) {
        if (!e->first_warner)
            e->first_warner = l;
        if (e->first_warner != l)
            return; /* of the statement's text, and each piece has it */
    }
    warn_add(l->warned ? l->warned : e->warnings, w.level, w.code, "%.*s", SV_ARG(w.text));
}

static void warnings_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)ok, (void)is_result, (void)payload;
    if (more)
        return;
    if (l->ok.warnings > l->n_listed) /* counted, but not kept: max_error_count */
        (l->warned ? l->warned : l->e->warnings)->total += l->ok.warnings - l->n_listed;
    lane_done(l);
}

static void warnings_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    (void)err, (void)payload;
    lane_done(CONTAINER_OF(cmd, struct exec_lane, cmd));
}

static void warnings_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)maybe_done;
    exec_lane_lost(l, d);
}

static const struct bcmd_ops warnings_ops = {
    .on_row = warnings_row,
    .on_ok = warnings_ok,
    .on_err = warnings_err,
    .on_lost = warnings_lost,
};

static void ask_warnings(struct exec_lane *l)
{
    struct bconn *c = l->conn;

    l->state = LANE_WARNINGS;
    l->cmd = (struct bcmd){.ops = &warnings_ops, .mode = BCMD_ROWS};
    bconn_query(c, &l->cmd, SV("SHOW WARNINGS"));
}

void exec_lane_ok(struct exec_lane *l, const struct packet_ok *ok)
{
    l->ok = *ok;
    l->ok.info = ok->info.len ? arena_dup(l->e->arena, ok->info) : SV_NULL;
    l->result.done = TXN_DONE_OK;
    /* All copies of a BROADCAST table say the same. */
    if (ok->warnings && !l->quiet && l->e->warnings && (l->index == 0 || l->e->plan->route.kind != ROUTE_ALL_SHARDS)) {
        ask_warnings(l);
        return;
    }
    lane_done(l);
}

void exec_lane_err(struct exec_lane *l, const struct packet_err *err)
{
    struct diag d = {0};

    exec_remote_error(l->e, err, &d);
    if (l->rows) {
        struct sv text = row_of_statement(l, sv_cstr(d.text));

        if (text.ptr != d.text)
            snprintf(d.text, sizeof(d.text), "%.*s", SV_ARG(text));
    }
    l->failed = true;
    l->result = (struct txn_result){.done = TXN_DONE_ERROR, .error_code = err->code};
    exec_fail(l->e, &d);
    /* A write may have given warnings before it failed. */
    if (writes(l->e->plan) && d.cls == DIAG_USER && l->e->warnings && err->code != ER_LOCK_WAIT_TIMEOUT) {
        ask_warnings(l);
        return;
    }
    lane_done(l);
}

void exec_lane_lost(struct exec_lane *l, const struct diag *d)
{
    l->failed = true;
    l->result.done = TXN_DONE_LOST;
    exec_fail(l->e, d);
    lane_done(l);
}

void exec_lane_drop(struct exec_lane *l)
{
    l->failed = true;
    l->result.done = TXN_DONE_UNUSED;
    lane_done(l);
}

/* ---- replies ---- */

void exec_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)is_result, (void)payload;
    if (!more)
        exec_lane_ok(CONTAINER_OF(cmd, struct exec_lane, cmd), ok);
}

void exec_on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    (void)payload;
    exec_lane_err(CONTAINER_OF(cmd, struct exec_lane, cmd), err);
}

void exec_on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    (void)maybe_done;
    exec_lane_lost(CONTAINER_OF(cmd, struct exec_lane, cmd), d);
}

static void drop_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    (void)cmd, (void)payload, (void)n;
}

const struct bcmd_ops exec_count_ops = {
    .on_row = drop_row,
    .on_ok = exec_on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

/* ---- steps ---- */

static void on_leased(void *arg, struct bconn *c, const struct diag *d)
{
    struct exec_lane *l = arg;
    struct exec *e = l->e;

    if (!c) {
        l->failed = true;
        l->state = LANE_DONE;
        exec_fail(e, d);
        if (++e->n_done == e->n_lanes && !e->in_start)
            e->step_done(e);
        return;
    }
    l->conn = c;
    if (exec_failed(e) || e->cancelled) {
        exec_lane_drop(l);
        return;
    }
    l->state = LANE_BUSY;
    freeze_now(l);
    vars_before_id(l);
    l->cmd.ops = l->ops;
    bconn_query(c, &l->cmd, l->sql);
    bconn_flush_for_fault(c);
    (void)FAULT("exec.piece_sent");
}

void exec_step(struct exec *e, struct exec_lane *lanes, uint32_t n, enum txn_need need, void (*done)(struct exec *e))
{
    bool taken = e->taker || e->offload || e->plan->kind == PLAN_MOVE;

    e->lanes = lanes;
    e->n_lanes = n;
    e->n_done = 0;
    e->step_done = done;
    e->in_start = true;
    exec_set_state(e, EXEC_RUNNING);
    for (uint32_t i = 0; i < n && !exec_failed(e); i++) {
        lanes[i].state = LANE_LEASING;
        txn_lease(e->txn, lanes[i].shard_id, need, taken ? e->wanted_taken : e->wanted_parts, on_leased, &lanes[i]);
    }
    e->in_start = false;
    if (exec_failed(e)) {
        e->n_done = 0;
        for (uint32_t i = 0; i < n; i++) {
            if (lanes[i].state == LANE_NEW)
                lanes[i].state = LANE_DONE;
            e->n_done += lanes[i].state == LANE_DONE;
        }
    }
    if (e->n_done == n)
        done(e);
}

/* ---- start ---- */

static void refuse(struct exec *e)
{
    e->outcome.kind = EXEC_ERROR;
    e->outcome.diag = e->plan->refusal;
    if (!diag_is_set(&e->outcome.diag))
        diag_set(&e->outcome.diag, ER_INTERNAL, "a plan without a form for several places");
    exec_finish(e);
}

/* An INSERT with VALUES that cannot be relayed as one row of literals to the place that they lead to. */
static bool needs_insert(const struct plan *p)
{
    const struct insert_plan *in = p->insert;

    if (!in->values_form)
        return false;
    if (in->auto_col >= 0 || in->n_rows > 1 || !p->n_edits || in->table->kind == CAT_BROADCAST)
        return true;
    /* A row that fits no partition is left out. */
    if (in->ignore && (part_of(in->table)->method == CAT_PART_RANGE || part_of(in->table)->method == CAT_PART_LIST))
        return true;
    for (uint32_t k = 0; in->table->kind == CAT_PARTITIONED && k < part_of(in->table)->columns_n; k++) {
        if (!in->keys[k])
            return true;
    }
    return false;
}

void exec_start(struct exec *e)
{
    struct plan *p = e->plan;
    struct placeset places;
    struct diag d = {0};

    e->state = EXEC_NEW;
    if (!e->said)
        exec_deprecations(p, e->env, e->warnings);
    if (p->insert && needs_insert(p)) {
        insert_start(e);
        return;
    }
    if (!optimizer_route(p, e->inputs, e->snapshot, e->arena, &places, &d)) {
        exec_fail(e, &d);
        exec_finish(e);
        return;
    }
    if (places.n == 0) {
        offload_start(e, false);
        return;
    }
    if (p->keyed && places.n > 1) {
        keyed_start(e, &places);
        return;
    }
    if (p->kind == PLAN_MOVE && !(p->n_edits && optimizer_move_is_local(p, e->inputs, &places, e->arena))) {
        move_start(e, &places);
        return;
    }
    if (p->route.split_only && p->n_set_branches) {
        gather_start(e, &places);
        return;
    }
    if (p->n_into_vars && p->fragment.n_pieces && e->inputs->n_params) {
        gather_start(e, &places); /* parameters become literals there */
        return;
    }
    if (p->n_into_vars && places.n == 1) {
        into_start(e, places.items[0].partition, places.items[0].shard_id);
        return;
    }
    if (places.n == 1) {
        relay_start(e, places.items[0].partition, places.items[0].shard_id);
        return;
    }
    if (p->kind == PLAN_SELECT && (p->fragment.n_pieces || p->n_set_branches))
        gather_start(e, &places);
    else if (p->returns_rows && p->fragment.n_pieces)
        returning_start(e, &places);
    else if (p->kind != PLAN_SELECT && p->fragment.n_pieces)
        fanout_start(e, &places);
    else
        refuse(e);
}
