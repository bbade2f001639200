/* What only the shard connection knows behind a statement: user variables that it set, LAST_INSERT_ID(expr), FOUND_ROWS().
 *
 * `@a := ...`: the shard connection gets the session's values in front of the statement (pipelined) and is asked for the new
 * ones behind it and behind SHOW WARNINGS (which changes none of them), before it goes back to the pool. LAST_INSERT_ID(expr)
 * in a query is asked for in the same way.
 * SELECT ... INTO @a: the clause was taken out by the planner; the row is kept here and given to the session. */
#include "executor/exec-int.h"

#include "types/value.h"

/* ---- := and LAST_INSERT_ID(expr): one place ---- */

bool vars_wanted(const struct plan *p)
{
    return p->n_assigned_vars || p->calc_found_rows || (p->sets_insert_id && p->kind == PLAN_SELECT);
}

/* The connection's own LAST_INSERT_ID() may be of another session: it gets this one's, so that what is asked for is this one's too. */
void vars_before_id(struct exec_lane *l)
{
    struct exec *e = l->e;

    if (!e->plan->asks_insert_id)
        return;
    l->ask_id = true;
    bconn_query_forget(l->conn, arena_printf(e->arena, "SET last_insert_id=%llu", (unsigned long long)e->env->last_insert_id));
}

void vars_before(struct exec_lane *l)
{
    struct exec *e = l->e;
    const struct plan *p = e->plan;
    struct strbuf b;

    if (!p->n_assigned_vars)
        return;
    strbuf_init(&b, e->arena);
    for (uint16_t i = 0; i < p->n_assigned_vars; i++) {
        struct value v = value_null();

        e->inputs->variable(e->inputs->arg, SESSION_USER_VAR, false, p->assigned_vars[i], &v);
        strbuf_puts(&b, i ? ",@" : "SET @");
        strbuf_put_ident(&b, p->assigned_vars[i]);
        strbuf_putc(&b, '=');
        value_print_sql(&v, (e->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0, &b);
    }
    bconn_query_forget(l->conn, strbuf_sv(&b));
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)payload;
    if (i < l->n_var_cols)
        packet_coldef_copy(l->e->arena, &l->var_cols[i], col);
}

static void on_meta(struct bcmd *cmd, uint32_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    l->n_var_cols = n;
    l->var_cols = ARENA_NEW_N(l->e->arena, struct packet_coldef, n);
}

static void on_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct exec *e = l->e;
    const struct plan *p = e->plan;
    struct sv *cells = ARENA_NEW_N(e->arena, struct sv, l->n_var_cols);

    if (l->n_var_cols != p->n_assigned_vars + 2u || !rowtext_decode(payload, n, cells, l->n_var_cols))
        return;
    for (uint16_t i = 0; i < p->n_assigned_vars; i++)
        e->host->set_variable(e, p->assigned_vars[i], &l->var_cols[i], cells[i]);
    if (p->calc_found_rows && !sv_to_u64(cells[p->n_assigned_vars], &e->outcome.rows))
        e->outcome.rows = 0;
    if (p->sets_insert_id && !sv_to_u64(cells[p->n_assigned_vars + 1], &e->last_insert_id))
        e->last_insert_id = 0;
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok, (void)is_result, (void)payload;
    if (!more)
        exec_lane_over(CONTAINER_OF(cmd, struct exec_lane, cmd));
}

static const struct bcmd_ops ask_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = on_row,
    .on_ok = on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

void vars_ask(struct exec_lane *l)
{
    struct exec *e = l->e;
    const struct plan *p = e->plan;
    struct strbuf b;

    strbuf_init(&b, e->arena);
    strbuf_puts(&b, "SELECT ");
    for (uint16_t i = 0; i < p->n_assigned_vars; i++) {
        strbuf_putc(&b, '@');
        strbuf_put_ident(&b, p->assigned_vars[i]);
        strbuf_putc(&b, ',');
    }
    strbuf_puts(&b, p->calc_found_rows ? "FOUND_ROWS(),LAST_INSERT_ID()" : "0,LAST_INSERT_ID()");
    l->state = LANE_WARNINGS;
    l->cmd = (struct bcmd){.ops = &ask_ops, .mode = BCMD_ROWS};
    bconn_query(l->conn, &l->cmd, strbuf_sv(&b));
}

static void id_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec *e = CONTAINER_OF(cmd, struct exec_lane, cmd)->e;
    struct sv cell;
    uint64_t id;

    if (rowtext_decode(payload, n, &cell, 1) && sv_to_u64(cell, &id) && id != e->env->last_insert_id)
        e->last_insert_id = MAX(e->last_insert_id, id);
}

static void id_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok, (void)is_result, (void)payload;
    if (!more)
        exec_lane_over(CONTAINER_OF(cmd, struct exec_lane, cmd));
}

static const struct bcmd_ops id_ops = {
    .on_row = id_row,
    .on_ok = id_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

bool vars_ask_id(struct exec_lane *l)
{
    if (!l->ask_id)
        return false;
    l->ask_id = false;
    l->state = LANE_WARNINGS;
    l->cmd = (struct bcmd){.ops = &id_ops, .mode = BCMD_ROWS};
    bconn_query(l->conn, &l->cmd, SV("SELECT LAST_INSERT_ID()"));
    return true;
}

/* ---- SELECT ... INTO @a, @b ---- */

void into_row(struct exec *e, const struct packet_coldef *defs, uint32_t n, const struct sv *cells)
{
    const struct plan *p = e->plan;
    struct diag d = {0};

    if (n != p->n_into_vars) {
        diag_setf(&d, ER_WRONG_NUMBER_OF_COLUMNS_IN_SELECT, "The used SELECT statements have a different number of columns");
        exec_fail(e, &d);
        return;
    }
    if (e->outcome.rows++) {
        diag_setf(&d, ER_TOO_MANY_ROWS, "Result consisted of more than one row");
        exec_fail(e, &d);
        return;
    }
    for (uint16_t i = 0; i < p->n_into_vars; i++)
        e->host->set_variable(e, p->into_vars[i], &defs[i], cells[i]);
}

void into_over(struct exec *e)
{
    if (exec_failed(e))
        return;
    if (!e->outcome.rows)
        warn_add(e->warnings, WARN_WARNING, ER_SP_FETCH_NO_DATA, "No data - zero rows fetched, selected, or processed");
    e->outcome.kind = EXEC_OK;
    e->outcome.ok = (struct packet_ok){.affected_rows = e->outcome.rows};
}

static void into_lane_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct sv *cells = ARENA_NEW_N(l->e->arena, struct sv, l->n_var_cols);

    if (!exec_failed(l->e) && rowtext_decode(payload, n, cells, l->n_var_cols))
        into_row(l->e, l->var_cols, l->n_var_cols, cells);
}

static void into_lane_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)is_result, (void)payload;
    if (!more)
        exec_lane_ok(CONTAINER_OF(cmd, struct exec_lane, cmd), ok);
}

const struct bcmd_ops exec_into_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = into_lane_row,
    .on_ok = into_lane_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

void into_done(struct exec *e)
{
    into_over(e);
    exec_finish(e);
}

void into_start(struct exec *e, uint32_t place, uint32_t shard_id)
{
    struct exec_lane *l = exec_lanes_new(e, 1);

    l->sql = relay_text(e, place);
    l->place = place;
    l->shard_id = shard_id;
    l->ops = &exec_into_ops;
    if (!exec_begin(e, false)) {
        exec_finish(e);
        return;
    }
    exec_step(e, l, 1, exec_need(e), into_done);
}
