/* UPDATE that sets a partition column: rows may have to change their partition.
 *
 * Three steps in one transaction. 1: at each place the matching rows are read under lock, with the new values of the assigned
 * columns, which the shard computes. 2: rows whose new partition is another one are deleted from the old place. 3: those are
 * inserted at the new place; rows that stay are updated there. Any error undoes the statement everywhere.
 *
 * Values travel as SQL literals made from the text protocol, which is exact for every type but FLOAT (a server prints six
 * digits of it): tables with FLOAT columns, and tables without a primary key, are refused by name. */
#include "executor/exec-int.h"

#include "catalog/snapshot.h"
#include "router/place.h"

enum { MOVE_ROWS_MAX = 1000000 };

struct move_row {
    struct move_row *next;
    uint32_t from, to;
    struct sv *cells; /* old values of all visible columns, then the new ones of the assigned */
};

struct move {
    struct exec *e;
    const struct move_plan *p;
    const struct part *part;
    struct packet_coldef *cols;
    uint32_t n_cols, n_base; /* n_base: columns of the table */
    const struct cat_column **base;
    struct move_row *rows, **rows_end;
    uint64_t n_rows, n_changed, bytes;
};


/* ---- step 1: the rows ---- */

static void on_meta(struct bcmd *cmd, uint32_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct move *m = l->e->step;

    if (!m->cols) {
        m->n_cols = n;
        m->cols = ARENA_NEW_N(l->e->arena, struct packet_coldef, n);
    }
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct move *m = l->e->step;

    (void)payload;
    if (i < m->n_cols && !m->cols[i].type && !m->cols[i].name.ptr)
        packet_coldef_copy(l->e->arena, &m->cols[i], col);
}

static void on_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct exec *e = l->e;
    struct move *m = e->step;
    struct move_row *r;
    struct diag d = {0};

    if (exec_failed(e))
        return;
    m->bytes += n;
    if (m->n_rows >= MOVE_ROWS_MAX || (e->shared->query_memory && m->bytes > (uint64_t)e->shared->query_memory)) {
        diag_set(&d, ER_OUT_OF_RESOURCES, "rows that change their partition");
        exec_fail(e, &d);
        return;
    }
    r = ARENA_NEW(e->arena, struct move_row);
    r->cells = ARENA_NEW_N(e->arena, struct sv, m->n_cols);
    if (!rowtext_decode(payload, n, r->cells, m->n_cols)) {
        diag_set(&d, ER_MALFORMED_PACKET);
        exec_fail(e, &d);
        return;
    }
    for (uint32_t i = 0; i < m->n_cols; i++) {
        if (r->cells[i].ptr)
            r->cells[i] = arena_dup(e->arena, r->cells[i]);
    }
    r->from = l->place;
    *m->rows_end = r;
    m->rows_end = &r->next;
    m->n_rows++;
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)is_result, (void)payload;
    if (!more)
        exec_lane_ok(CONTAINER_OF(cmd, struct exec_lane, cmd), ok);
}

static void on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    (void)payload;
    exec_lane_err(CONTAINER_OF(cmd, struct exec_lane, cmd), err);
}

static void on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    (void)maybe_done;
    exec_lane_lost(CONTAINER_OF(cmd, struct exec_lane, cmd), d);
}

static const struct bcmd_ops select_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = on_row,
    .on_ok = on_ok,
    .on_err = on_err,
    .on_lost = on_lost,
};

/* ---- rows as SQL ---- */

/* The new value of the table's column: the assigned one, else the old one. */
static struct sv new_cell(const struct move *m, const struct move_row *r, uint32_t base, uint32_t *col)
{
    for (uint32_t i = 0; i < m->p->n_assigned; i++) {
        if (m->p->assigned[i] == m->base[base]->ordinal) {
            *col = m->n_base + i;
            return r->cells[m->n_base + i];
        }
    }
    *col = base;
    return r->cells[base];
}

static void put_literal(struct exec *e, const struct packet_coldef *c, struct sv cell, struct strbuf *b)
{
    bool no_backslash = (e->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0;
    struct sql_type t;

    if (!cell.ptr) {
        strbuf_puts(b, "NULL");
        return;
    }
    type_from_coldef(&t, c->type, c->flags, c->charset, c->length, c->decimals);
    if (c->type == WIRE_BIT || (type_is_string(&t) && c->charset == 63 && c->type != WIRE_JSON)) {
        strbuf_puts(b, "_binary x'"); /* a string, never a number */
        for (size_t i = 0; i < cell.len; i++)
            strbuf_printf(b, "%02x", (unsigned char)cell.ptr[i]);
        strbuf_putc(b, '\'');
    } else if (type_is_numeric(&t)) {
        strbuf_putsv(b, cell);
    } else {
        strbuf_put_quoted(b, cell, no_backslash);
    }
}

static void put_table(struct exec *e, const struct move *m, uint32_t place, struct strbuf *b)
{
    (void)e;
    strbuf_put_ident(b, cat_phys_db(m->p->table, place));
    strbuf_putc(b, '.');
    strbuf_put_ident(b, cat_phys_name(m->p->table, place));
}

/* WHERE by the old primary key. */
static void put_where(struct exec *e, const struct move *m, const struct move_row *r, struct strbuf *b)
{
    const struct cat_key *pk = cat_primary_key(m->p->table);

    for (uint32_t i = 0; i < pk->parts_n; i++) {
        for (uint32_t c = 0; c < m->n_base; c++) {
            if ((int32_t)m->base[c]->ordinal != pk->parts[i].column)
                continue;
            strbuf_puts(b, i ? " AND " : " WHERE ");
            strbuf_put_ident(b, m->base[c]->name);
            strbuf_puts(b, " = ");
            put_literal(e, &m->cols[c], r->cells[c], b);
        }
    }
}

static struct sv delete_text(struct exec *e, const struct move *m, const struct move_row *r)
{
    struct strbuf b;

    strbuf_init(&b, e->arena);
    strbuf_puts(&b, "DELETE FROM ");
    put_table(e, m, r->from, &b);
    put_where(e, m, r, &b);
    return strbuf_sv(&b);
}

static struct sv insert_text(struct exec *e, const struct move *m, const struct move_row *r)
{
    struct strbuf b, values;
    bool first = true;

    strbuf_init(&b, e->arena);
    strbuf_init(&values, e->arena);
    strbuf_puts(&b, m->p->ignore ? "INSERT IGNORE INTO " : "INSERT INTO ");
    put_table(e, m, r->to, &b);
    strbuf_puts(&b, " (");
    for (uint32_t c = 0; c < m->n_base; c++) {
        uint32_t col;
        struct sv cell = new_cell(m, r, c, &col);

        if (m->base[c]->generated != CAT_NOT_GENERATED)
            continue;
        if (!first) {
            strbuf_putc(&b, ',');
            strbuf_putc(&values, ',');
        }
        first = false;
        strbuf_put_ident(&b, m->base[c]->name);
        put_literal(e, &m->cols[col], cell, &values);
    }
    strbuf_puts(&b, ") VALUES (");
    strbuf_putsv(&b, strbuf_sv(&values));
    strbuf_putc(&b, ')');
    return strbuf_sv(&b);
}

static struct sv update_text(struct exec *e, const struct move *m, const struct move_row *r)
{
    struct strbuf b;

    strbuf_init(&b, e->arena);
    strbuf_puts(&b, m->p->ignore ? "UPDATE IGNORE " : "UPDATE ");
    put_table(e, m, r->from, &b);
    for (uint32_t i = 0; i < m->p->n_written; i++) {
        strbuf_puts(&b, i ? ", " : " SET ");
        strbuf_put_ident(&b, m->p->table->columns[m->p->assigned[i]].name);
        strbuf_puts(&b, " = ");
        put_literal(e, &m->cols[m->n_base + i], r->cells[m->n_base + i], &b);
    }
    put_where(e, m, r, &b);
    return strbuf_sv(&b);
}

/* ---- steps 2 and 3 ---- */

/* Rows that the lanes of the step changed: deletes of moved rows are not counted, their inserts are. */
static void count_changes(struct exec *e, struct move *m)
{
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        if (!e->lanes[i].is_delete)
            m->n_changed += e->lanes[i].ok.affected_rows;
    }
}

static void over(struct exec *e)
{
    struct move *m = e->step;

    if (!exec_failed(e)) {
        count_changes(e, m);
        e->outcome.kind = EXEC_OK;
        e->outcome.ok = (struct packet_ok){.affected_rows = e->caps & CAP_FOUND_ROWS ? m->n_rows : m->n_changed};
        e->outcome.ok.info = arena_printf(e->arena, "Rows matched: %llu  Changed: %llu  Warnings: %llu",
            (unsigned long long)m->n_rows, (unsigned long long)m->n_changed, (unsigned long long)e->warnings->total);
    }
    exec_finish(e);
}

/* UPDATE IGNORE: the old row goes only where the new one could be inserted. */
static void ignored_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes;
    uint32_t n = 0;

    if (exec_failed(e)) {
        over(e);
        return;
    }
    count_changes(e, m);
    lanes = exec_lanes_new(e, e->n_lanes);
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        const struct move_row *r = e->lanes[i].arg;

        if (!r || !e->lanes[i].ok.affected_rows)
            continue;
        lanes[n].sql = delete_text(e, m, r);
        lanes[n].place = r->from;
        lanes[n].shard_id = router_shard_of(m->p->table, r->from);
        lanes[n].is_delete = true;
        lanes[n++].ops = &exec_count_ops;
    }
    e->n_lanes = 0;
    if (!n)
        over(e);
    else
        exec_step(e, lanes, n, TXN_NEED_WRITE, over);
}

static void write_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes;
    uint32_t n = 0;

    if (exec_failed(e) || !m->rows) {
        e->n_lanes = 0;
        over(e);
        return;
    }
    lanes = exec_lanes_new(e, (uint32_t)m->n_rows);
    for (struct move_row *r = m->rows; r; r = r->next) {
        struct exec_lane *l = &lanes[n++];

        l->sql = r->from == r->to ? update_text(e, m, r) : insert_text(e, m, r);
        l->arg = r->from == r->to ? NULL : r;
        l->place = r->to;
        l->shard_id = router_shard_of(m->p->table, r->to);
        l->ops = &exec_count_ops;
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, m->p->ignore ? ignored_step : over);
}

/* Where nothing is written that was not there before, ON UPDATE CURRENT_TIMESTAMP does nothing either. */
static bool is_changed(const struct move *m, const struct move_row *r)
{
    for (uint32_t i = 0; i < m->p->n_written; i++) {
        struct sv now = r->cells[m->n_base + i];

        for (uint32_t c = 0; c < m->n_base; c++) {
            if (m->base[c]->ordinal != m->p->assigned[i])
                continue;
            if (!now.ptr != !r->cells[c].ptr || !sv_eq(now, r->cells[c]))
                return true;
        }
    }
    return false;
}

/* Where each row goes to. */
static bool route_rows(struct exec *e, struct move *m, struct diag *d)
{
    struct value *keys = ARENA_NEW_N(e->arena, struct value, m->part->columns_n);

    for (struct move_row *r = m->rows; r; r = r->next) {
        for (uint32_t k = 0; k < m->part->columns_n; k++) {
            for (uint32_t c = 0; c < m->n_base; c++) {
                struct sql_type t;
                struct sv cell;
                uint32_t col;

                if (m->base[c] != m->part->columns[k].column)
                    continue;
                cell = new_cell(m, r, c, &col);
                type_from_coldef(&t, m->cols[col].type, m->cols[col].flags, m->cols[col].charset, m->cols[col].length,
                    m->cols[col].decimals);
                if (!value_from_text(cell, &t, &keys[k]))
                    return diag_set(d, ER_INTERNAL, "a new value of a partition column cannot be read");
            }
        }
        if (!is_changed(m, r)) {
            r->to = r->from;
            continue;
        }
        switch (part_route_row(m->part, keys, e->env, e->arena, &r->to, d)) {
        case PART_OK:
            break;
        case PART_NONE:
            return false;
        case PART_UNSURE:
            return diag_set(d, ER_NOT_SUPPORTED_YET, "a new value whose conversion to the partition column's type only a shard knows");
        }
    }
    return true;
}

static void selected(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes;
    struct diag d = {0};
    uint32_t n = 0;

    if (!exec_failed(e) && m->cols && m->n_cols != m->n_base + m->p->n_assigned) {
        diag_set(&d, ER_INTERNAL, "an update of a partition column read other columns than planned");
        exec_fail(e, &d);
    }
    if (!exec_failed(e) && !route_rows(e, m, &d))
        exec_fail(e, &d);
    if (exec_failed(e)) {
        exec_finish(e);
        return;
    }
    lanes = exec_lanes_new(e, (uint32_t)m->n_rows);
    for (struct move_row *r = m->rows; r; r = r->next) {
        if (r->from == r->to || m->p->ignore)
            continue;
        lanes[n].is_delete = true;
        lanes[n].sql = delete_text(e, m, r);
        lanes[n].place = r->from;
        lanes[n].shard_id = router_shard_of(m->p->table, r->from);
        lanes[n++].ops = &exec_count_ops;
    }
    if (!n) {
        write_step(e);
        return;
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, write_step);
}

/* ---- start ---- */

static bool refused(struct exec *e, const struct move *m)
{
    struct diag d = {0};

    if (!cat_primary_key(m->p->table))
        diag_set(&d, ER_NOT_SUPPORTED_YET, "updating a partition column of a table without a primary key");
    for (uint32_t i = 0; i < m->p->table->columns_n; i++) {
        if (m->p->table->columns[i].type.code == WIRE_FLOAT)
            diag_set(&d, ER_NOT_SUPPORTED_YET, "updating a partition column of a table that has FLOAT columns");
    }
    if (!diag_is_set(&d))
        return false;
    exec_fail(e, &d);
    exec_finish(e);
    return true;
}

void move_start(struct exec *e, const struct placeset *places)
{
    struct move *m = ARENA_NEW(e->arena, struct move);
    const struct cat_table *t = e->plan->move->table;
    struct exec_lane *lanes;

    e->step = m;
    m->e = e;
    m->p = e->plan->move;
    m->part = part_of(t);
    m->rows_end = &m->rows;
    m->base = ARENA_NEW_N(e->arena, const struct cat_column *, t->columns_n);
    for (uint32_t i = 0; i < t->columns_n; i++) {
        if (!t->columns[i].hidden)
            m->base[m->n_base++] = &t->columns[i];
    }
    if (refused(e, m))
        return;
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    lanes = exec_lanes_new(e, places->n);
    for (uint32_t i = 0; i < places->n; i++) {
        struct strbuf b;

        strbuf_init(&b, e->arena);
        optimizer_render(&m->p->select, e->inputs, NULL, places->items[i].partition, e->arena, &b);
        lanes[i].sql = strbuf_sv(&b);
        lanes[i].place = places->items[i].partition;
        lanes[i].shard_id = places->items[i].shard_id;
        lanes[i].ops = &select_ops;
    }
    exec_step(e, lanes, places->n, TXN_NEED_WRITE, selected);
}
