/* UPDATE that sets a partition column: rows may have to change their partition.
 *
 * Steps in one transaction. 1: at each place the matching rows are read under lock, with the new values of the partition columns,
 * which the shard computes. 2: rows whose new partition is another one are deleted from the old place and 3: inserted as they were, with
 * their old key, where they belong: no row can have that key there. 4: the client's own SET clause changes all rows where they are
 * now, by their old keys. So conversion, strictness, defaults, ON UPDATE, generated columns, checks, duplicates, warnings and counts of
 * the change are a server's work, and the carried columns need only be copied. Any error undoes the statement everywhere.
 *
 * UPDATE IGNORE leaves a row that would be a duplicate: rows change one by one, and the old row goes only where the copy could be changed;
 * else the copy goes. A SET clause that gives other values at each call (RAND()) writes the values that were read.
 *
 * Copies are literals made from the text protocol, in each column's exact form. They are written in a mode that takes whatever a table can
 * hold (invalid dates, empty ENUMs) and in the time zone UTC, which the statement alone sees. */
#include "executor/exec-int.h"

#include "catalog/snapshot.h"
#include "router/place.h"

enum { MOVE_ROWS_MAX = 1000000, KEYS_PER_STATEMENT = 1000, COPY_BYTES_MAX = 1 << 20 };

struct move_row {
    struct move_row *next;
    uint32_t from, to, number; /* number: from 1, as read */
    bool changes;              /* some new value is not the old one: columns that are ON UPDATE CURRENT_TIMESTAMP follow */
    struct sv *cells;          /* columns of move_plan.select */
};

struct move {
    struct exec *e;
    const struct move_plan *p;
    const struct cat_table *t;
    const struct part *part;
    struct packet_coldef *cols;
    uint32_t n_cols, *exact; /* exact: by column of the table: the column that has its exact form, or its text */
    struct move_row *rows, **rows_end;
    uint64_t n_rows, n_changed, insert_id, bytes;
    bool moves;
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
    r->number = (uint32_t)++m->n_rows;
    *m->rows_end = r;
    m->rows_end = &r->next;
}

static const struct bcmd_ops select_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = on_row,
    .on_ok = exec_on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

/* ---- rows as SQL ---- */

static void put_copy(struct exec *e, const struct move *m, const struct move_row *r, uint32_t col, struct strbuf *b)
{
    const struct cat_column *c = &m->t->columns[col];
    uint32_t at = m->exact[col];
    struct sv cell = r->cells[at];
    struct sql_type t;

    if (!cell.ptr) {
        strbuf_puts(b, "NULL");
        return;
    }
    type_from_coldef(&t, m->cols[at].type, m->cols[at].flags, m->cols[at].charset, m->cols[at].length, m->cols[at].decimals);
    switch (opt_exact_form(c)) {
    case EXACT_EPOCH:
        exec_put_epoch(cell, b);
        return;
    case EXACT_TEXT:
        if (type_is_string(&t) && m->cols[at].charset != TYPE_COLL_BINARY) {
            exec_put_hex_text(cell, b); /* which no sql_mode reads differently */
            return;
        }
        break;
    case EXACT_DOUBLE:
    case EXACT_INDEX:
        break;
    }
    exec_put_literal(e, &m->cols[at], cell, b);
}

static void put_table(const struct move *m, uint32_t place, struct strbuf *b)
{
    strbuf_put_ident(b, cat_phys_db(m->t, place));
    strbuf_putc(b, '.');
    strbuf_put_ident(b, cat_phys_name(m->t, place));
}

static void put_key(struct exec *e, const struct move *m, const struct move_row *r, struct strbuf *b)
{
    for (uint16_t i = 0; i < m->p->n_key_cols; i++) {
        uint32_t col = m->p->key_cols[i], at = m->exact[col];

        strbuf_puts(b, i ? " AND " : "");
        exec_put_key_column(&m->t->columns[col], b);
        strbuf_putc(b, '=');
        exec_put_literal(e, &m->cols[at], r->cells[at], b);
    }
}

/* " WHERE ..." of one row. */
static void put_where(struct exec *e, const struct move *m, const struct move_row *r, struct strbuf *b)
{
    strbuf_puts(b, " WHERE ");
    put_key(e, m, r, b);
}

/* Which rows a step is about, and in which place. */
enum which { WHICH_MOVING_FROM, WHICH_ALL_TO };

static bool is_of(const struct move_row *r, enum which w, uint32_t place)
{
    return w == WHICH_ALL_TO ? r->to == place : r->from != r->to && r->from == place;
}

/* The keys of a lane's rows from *from on, KEYS_PER_STATEMENT at most; *from: the first that was left. */
static void put_where_all(struct exec *e, const struct move *m, struct exec_lane *l, enum which w, const struct move_row **from,
    struct strbuf *b)
{
    uint32_t *rows = ARENA_NEW_N(e->arena, uint32_t, KEYS_PER_STATEMENT);
    const struct move_row *r;

    l->n_rows = 0;
    strbuf_puts(b, " WHERE ");
    for (r = *from; r && l->n_rows < KEYS_PER_STATEMENT; r = r->next) {
        if (!is_of(r, w, l->place))
            continue;
        strbuf_puts(b, l->n_rows ? " OR (" : "(");
        put_key(e, m, r, b);
        strbuf_putc(b, ')');
        rows[l->n_rows++] = r->number;
    }
    while (r && !is_of(r, w, l->place))
        r = r->next;
    *from = r;
    l->rows = rows;
}

/* ---- the end ---- */

static void over(struct exec *e)
{
    struct move *m = e->step;

    if (!exec_failed(e)) {
        e->outcome.kind = EXEC_OK;
        e->outcome.ok = (struct packet_ok){.affected_rows = m->n_changed, .insert_id = m->insert_id};
        e->outcome.ok.info = arena_printf(e->arena, "Rows matched: %llu  Changed: %llu  Warnings: %llu",
            (unsigned long long)m->n_rows, (unsigned long long)m->n_changed,
            (unsigned long long)(e->warnings ? e->warnings->total : 0));
    }
    exec_finish(e);
}

static void quiet_step(struct exec *e, struct exec_lane *lanes, uint32_t n, void (*done)(struct exec *e))
{
    for (uint32_t i = 0; i < n; i++) {
        lanes[i].ops = &exec_count_ops;
        lanes[i].quiet = true;
        lanes[i].shard_id = router_shard_of(((struct move *)e->step)->t, lanes[i].place);
    }
    e->n_lanes = 0;
    if (n && !exec_failed(e))
        exec_step(e, lanes, n, TXN_NEED_WRITE, done);
    else
        done(e);
}

/* ---- step 4: the change ---- */

static void add_counts(struct exec *e, struct move *m)
{
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        m->n_changed += e->lanes[i].ok.affected_rows;
        m->insert_id = MAX(m->insert_id, e->lanes[i].ok.insert_id);
    }
}

/* UPDATE IGNORE: of a row that has moved, the old one or its copy goes. */
static void ignored_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes = exec_lanes_new(e, (uint32_t)m->n_rows), *old = e->lanes;
    uint32_t n = 0;

    if (exec_failed(e)) {
        over(e);
        return;
    }
    add_counts(e, m);
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        const struct move_row *r = old[i].arg;
        struct strbuf b;

        if (r->from == r->to)
            continue;
        strbuf_init(&b, e->arena);
        strbuf_puts(&b, "DELETE FROM ");
        lanes[n].place = old[i].ok.affected_rows ? r->from : r->to;
        put_table(m, lanes[n].place, &b);
        put_where(e, m, r, &b);
        lanes[n++].sql = strbuf_sv(&b);
    }
    quiet_step(e, lanes, n, over);
}

static void changed_step(struct exec *e)
{
    if (!exec_failed(e))
        add_counts(e, e->step);
    over(e);
}

/* Warnings of step 1 are given again by the change. */
static void forget_warnings(struct exec *e)
{
    if (e->warnings && !e->plan->keyed) {
        e->warnings->n = 0;
        e->warnings->total = 0;
        e->first_warner = NULL;
    }
}

static struct sv frozen_text(struct exec *e, const struct move *m, const struct move_row *r)
{
    struct strbuf b;

    strbuf_init(&b, e->arena);
    strbuf_puts(&b, m->p->ignore ? "UPDATE IGNORE " : "UPDATE ");
    put_table(m, r->to, &b);
    for (uint32_t i = 0; i < (r->changes ? m->p->n_assigned : m->p->n_written); i++) {
        uint32_t col = m->t->columns_n + i;

        strbuf_puts(&b, i ? ", " : " SET ");
        strbuf_put_ident(&b, m->t->columns[m->p->assigned[i]].name);
        strbuf_puts(&b, " = ");
        exec_put_literal(e, &m->cols[col], r->cells[col], &b);
    }
    put_where(e, m, r, &b);
    return strbuf_sv(&b);
}

/* One statement a row. */
static void change_rows(struct exec *e, struct move *m)
{
    struct exec_lane *lanes = exec_lanes_new(e, (uint32_t)m->n_rows);
    uint32_t n = 0;

    for (struct move_row *r = m->rows; r; r = r->next) {
        struct exec_lane *l = &lanes[n++];
        struct strbuf b;

        strbuf_init(&b, e->arena);
        if (m->p->frozen) {
            strbuf_putsv(&b, frozen_text(e, m, r));
        } else {
            optimizer_render(&m->p->update, e->inputs, NULL, r->to, e->arena, &b);
            put_where(e, m, r, &b);
        }
        l->sql = strbuf_sv(&b);
        l->arg = r;
        l->rows = &r->number;
        l->n_rows = 1;
        l->place = r->to;
        l->shard_id = router_shard_of(m->t, r->to);
        l->ops = &exec_count_ops;
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, m->p->ignore ? ignored_step : changed_step);
}

static void change_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes;
    uint32_t n = 0;

    if (exec_failed(e) || !m->rows) {
        e->n_lanes = 0;
        over(e);
        return;
    }
    forget_warnings(e);
    if (m->p->frozen || m->p->ignore) {
        change_rows(e, m);
        return;
    }
    lanes = exec_lanes_new(e, m->t->parts_n + (uint32_t)m->n_rows / KEYS_PER_STATEMENT + 1);
    for (uint32_t place = 0; place < m->t->parts_n; place++) {
        const struct move_row *from = m->rows;

        while (from && !is_of(from, WHICH_ALL_TO, place))
            from = from->next;
        while (from) {
            struct exec_lane *l = &lanes[n++];
            struct strbuf b;

            strbuf_init(&b, e->arena);
            l->place = place;
            optimizer_render(&m->p->update, e->inputs, NULL, place, e->arena, &b);
            put_where_all(e, m, l, WHICH_ALL_TO, &from, &b);
            optimizer_render(&m->p->order, e->inputs, NULL, place, e->arena, &b);
            l->sql = strbuf_sv(&b);
            l->shard_id = router_shard_of(m->t, place);
            l->ops = &exec_count_ops;
        }
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, changed_step);
}

/* ---- steps 2 and 3: rows that move ---- */

static void put_copy_head(struct exec *e, const struct move *m, uint32_t place, struct strbuf *b)
{
    bool maria = e->env->flavour == ENV_MARIADB, first = true;

    /* What the values were checked by when they were written is not known, and does not matter. */
    strbuf_puts(b, maria ? "SET STATEMENT time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES' FOR INSERT INTO "
                         : "INSERT /*+ SET_VAR(time_zone='+00:00') SET_VAR(sql_mode='NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES') */ INTO ");
    put_table(m, place, b);
    for (uint32_t c = 0; c < m->t->columns_n; c++) {
        if (m->t->columns[c].generated != CAT_NOT_GENERATED)
            continue;
        strbuf_puts(b, first ? " (" : ", ");
        first = false;
        strbuf_put_ident(b, m->t->columns[c].name);
    }
    strbuf_puts(b, ") VALUES ");
}

static void put_copy_row(struct exec *e, const struct move *m, const struct move_row *r, struct strbuf *b)
{
    bool first = true;

    for (uint32_t c = 0; c < m->t->columns_n; c++) {
        if (m->t->columns[c].generated != CAT_NOT_GENERATED)
            continue;
        strbuf_putc(b, first ? '(' : ',');
        first = false;
        put_copy(e, m, r, c, b);
    }
    strbuf_putc(b, ')');
}

static void copy_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes = exec_lanes_new(e, (uint32_t)m->n_rows);
    uint32_t n = 0;

    for (uint32_t place = 0; place < m->t->parts_n && !exec_failed(e); place++) {
        struct strbuf b;
        bool open = false;

        for (const struct move_row *r = m->rows; r; r = r->next) {
            if (r->to != place || r->from == r->to)
                continue;
            if (open && b.len > COPY_BYTES_MAX) {
                lanes[n].place = place;
                lanes[n++].sql = strbuf_sv(&b);
                open = false;
            }
            if (!open) {
                strbuf_init(&b, e->arena);
                put_copy_head(e, m, place, &b);
            } else {
                strbuf_putc(&b, ',');
            }
            open = true;
            put_copy_row(e, m, r, &b);
        }
        if (open) {
            lanes[n].place = place;
            lanes[n++].sql = strbuf_sv(&b);
        }
    }
    quiet_step(e, lanes, n, change_step);
}

static void delete_step(struct exec *e)
{
    struct move *m = e->step;
    struct exec_lane *lanes = exec_lanes_new(e, m->t->parts_n + (uint32_t)m->n_rows / KEYS_PER_STATEMENT + 1);
    uint32_t n = 0;

    for (uint32_t place = 0; place < m->t->parts_n && m->moves && !m->p->ignore; place++) {
        const struct move_row *from = m->rows;

        while (from && !is_of(from, WHICH_MOVING_FROM, place))
            from = from->next;
        while (from) {
            struct exec_lane *l = &lanes[n++];
            struct strbuf b;

            strbuf_init(&b, e->arena);
            l->place = place;
            strbuf_puts(&b, "DELETE FROM ");
            put_table(m, place, &b);
            put_where_all(e, m, l, WHICH_MOVING_FROM, &from, &b);
            l->sql = strbuf_sv(&b);
        }
    }
    quiet_step(e, lanes, n, copy_step);
}

/* ---- routing ---- */

/* The new value of the table's column: the assigned one, else the old one. */
static uint32_t new_column(const struct move *m, uint32_t col)
{
    for (uint32_t i = 0; i < m->p->n_assigned; i++) {
        if (m->p->assigned[i] == col)
            return m->t->columns_n + i;
    }
    return col;
}

static bool route_row(struct exec *e, struct move *m, struct move_row *r, struct value *keys, struct diag *d)
{
    struct env lenient; /* IGNORE stores what a strict server would refuse */

    for (uint32_t k = 0; k < m->part->columns_n; k++) {
        uint32_t at = new_column(m, m->part->columns[k].column->ordinal);
        const struct packet_coldef *c = &m->cols[at];
        struct sql_type t;

        if (at >= m->t->columns_n) {
            if (!exec_key_value(e, &m->part->columns[k], c, r->cells[at], m->p->divides, &keys[k], d))
                return false;
            continue;
        }
        type_from_coldef(&t, c->type, c->flags, c->charset, c->length, c->decimals);
        if (!value_from_text(r->cells[at], &t, &keys[k]))
            return diag_set(d, ER_INTERNAL, "a value of a partition column cannot be read");
    }
    lenient = *e->env;
    if (m->p->ignore)
        lenient.sql_mode &= ~(uint64_t)(MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES);
    switch (part_route_row(m->part, keys, &lenient, e->arena, &r->to, d)) {
    case PART_OK:
        return true;
    case PART_NONE:
        return false;
    case PART_UNSURE:
        break;
    }
    return diag_set(d, ER_NOT_SUPPORTED_YET, "a new value whose conversion to the partition column's type only a shard knows");
}

static bool is_changed(const struct move *m, const struct move_row *r)
{
    for (uint32_t i = 0; i < m->p->n_written; i++) {
        struct sv old = r->cells[m->p->assigned[i]], now = r->cells[m->t->columns_n + i];

        if (!now.ptr != !old.ptr || !sv_eq(now, old))
            return true;
    }
    return false;
}

/* Where each row goes to. */
static bool route_rows(struct exec *e, struct move *m, struct diag *d)
{
    struct value *keys = ARENA_NEW_N(e->arena, struct value, m->part->columns_n);
    uint32_t checks = m->n_cols - m->p->n_checks;

    for (struct move_row *r = m->rows; r; r = r->next) {
        r->changes = is_changed(m, r);
        if (m->p->n_written < m->p->n_assigned && !r->changes)
            r->to = r->from;
        else if (!route_row(e, m, r, keys, d))
            return false;
        if (r->from == r->to)
            continue;
        m->moves = true;
        for (uint32_t i = checks; i < m->n_cols; i++) {
            if (!sv_eq(r->cells[i], SV("1")))
                return diag_set(d, ER_NOT_SUPPORTED_YET,
                    "updating a partition column of a row with a JSON value that its text does not say all of (a date, binary bytes)");
        }
    }
    return true;
}

static void find_exact(struct exec *e, struct move *m)
{
    uint32_t at = m->t->columns_n + m->p->n_assigned;

    m->exact = ARENA_NEW_N(e->arena, uint32_t, m->t->columns_n);
    for (uint32_t i = 0; i < m->t->columns_n; i++)
        m->exact[i] = opt_exact_form(&m->t->columns[i]) == EXACT_TEXT ? i : at++;
    if (m->cols && at + m->p->n_checks != m->n_cols) {
        struct diag d = {0};

        diag_set(&d, ER_INTERNAL, "an update of a partition column read other columns than planned");
        exec_fail(e, &d);
    }
}

static void selected(struct exec *e)
{
    struct move *m = e->step;
    struct diag d = {0};

    if (!exec_failed(e))
        find_exact(e, m);
    if (!exec_failed(e) && !m->p->ignore && !m->p->ordered && !e->plan->keyed)
        exec_refuse_conversions(e);
    if (!exec_failed(e) && !route_rows(e, m, &d))
        exec_fail(e, &d);
    if (exec_failed(e))
        exec_finish(e);
    else
        delete_step(e);
}

/* ---- start ---- */

void move_rows(struct exec *e, struct exec_lane *lanes, uint32_t n)
{
    struct move *m = ARENA_NEW(e->arena, struct move);

    e->step = m;
    m->e = e;
    m->p = e->plan->move;
    m->t = m->p->table;
    m->part = part_of(m->t);
    m->rows_end = &m->rows;
    if (!m->p->n_key_cols) {
        struct diag d = {0};

        diag_set(&d, ER_NOT_SUPPORTED_YET, "updating a partition column of a table without a key of columns that are NOT NULL");
        exec_fail(e, &d);
    }
    for (uint32_t i = 0; i < n; i++)
        lanes[i].ops = &select_ops;
    if (n && !exec_failed(e))
        exec_step(e, lanes, n, TXN_NEED_WRITE, selected);
    else
        selected(e);
}

void move_start(struct exec *e, const struct placeset *places)
{
    struct exec_lane *lanes = exec_lanes_new(e, places->n);

    for (uint32_t i = 0; i < places->n; i++) {
        struct strbuf b;

        strbuf_init(&b, e->arena);
        optimizer_render(&e->plan->move->select, e->inputs, NULL, places->items[i].partition, e->arena, &b);
        lanes[i].sql = strbuf_sv(&b);
        lanes[i].place = places->items[i].partition;
        lanes[i].shard_id = places->items[i].shard_id;
    }
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    move_rows(e, lanes, places->n);
}
