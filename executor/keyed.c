/* UPDATE and DELETE whose rows are known only when those of all places are in order (ORDER BY with LIMIT, or with RETURNING).
 *
 * Two steps in one transaction. 1: the keys of the rows are read under lock, merged and cut by gather.c. 2: each place gets the
 * statement for its rows, by key. A statement that moves rows (PLAN_MOVE) goes on in move.c with the rows of the keys.
 *
 * Keys are literals made from the text protocol, in the columns' exact forms (optimizer/keyed.c). They are told as comparisons and
 * not as rows in a list: (a, b) IN (...) is no range to MariaDB. */
#include "executor/exec-int.h"

enum { KEYED_ROWS_MAX = 1000000, KEYS_PER_STATEMENT = 1000 };

struct keyed_row {
    struct keyed_row *next;
    uint32_t place, number; /* number: from 1, in the order of the whole */
    struct sv *cells;
};

struct keyed {
    struct plan *plan; /* the statement's */
    const struct keyed_plan *p;
    struct packet_coldef *cols; /* of the keys */
    struct keyed_row *rows, **end;
    uint32_t n_rows;
    uint64_t bytes;
    const struct placeset *places;
};

static struct keyed *keyed_of(struct exec *e)
{
    return e->taker_arg;
}

/* ---- step 1 ---- */

static void take_columns(struct exec *e, const struct packet_coldef *cols, uint32_t n)
{
    struct keyed *k = keyed_of(e);

    k->cols = ARENA_NEW_N(e->arena, struct packet_coldef, n);
    for (uint32_t i = 0; i < n; i++)
        k->cols[i] = cols[i];
}

static bool take_row(struct exec *e, const struct sv *cells, uint32_t n)
{
    struct keyed *k = keyed_of(e);
    struct keyed_row *r = ARENA_NEW(e->arena, struct keyed_row);
    struct diag d = {0};
    uint64_t place;

    r->cells = ARENA_NEW_N(e->arena, struct sv, k->p->n_key_cols);
    for (uint16_t i = 0; i < k->p->n_key_cols; i++) {
        r->cells[i] = cells[i].ptr ? arena_dup(e->arena, cells[i]) : SV_NULL;
        k->bytes += cells[i].len + sizeof(struct sv);
    }
    if (n <= k->p->n_key_cols || !sv_to_u64(cells[n - 1], &place)) {
        diag_set(&d, ER_INTERNAL, "keys were read without their place");
    } else if (k->n_rows >= KEYED_ROWS_MAX || (e->shared->query_memory && k->bytes > (uint64_t)e->shared->query_memory)) {
        diag_set(&d, ER_OUT_OF_RESOURCES, "keys of the rows of an UPDATE or DELETE");
    } else {
        r->place = (uint32_t)place;
        *k->end = r;
        k->end = &r->next;
        r->number = ++k->n_rows;
        return true;
    }
    exec_fail(e, &d);
    return false;
}

/* ---- step 2 ---- */

static void put_key(struct exec *e, const struct keyed *k, const struct keyed_row *r, uint16_t i, struct strbuf *b)
{
    exec_put_literal(e, &k->cols[i], r->cells[i], b);
}

static void put_column(const struct keyed *k, uint16_t i, struct strbuf *b)
{
    exec_put_key_column(&k->p->table->columns[k->p->key_cols[i]], b);
}

/* Up to KEYS_PER_STATEMENT rows of lane l's place, from *from on; *from: the first one that was left. */
static void put_where(struct exec *e, const struct keyed *k, struct exec_lane *l, const struct keyed_row **from, struct strbuf *b)
{
    uint32_t *rows = ARENA_NEW_N(e->arena, uint32_t, KEYS_PER_STATEMENT), place = l->place, n = 0;
    const struct keyed_row *r;

    strbuf_puts(b, " WHERE ");
    if (k->p->n_key_cols == 1) {
        put_column(k, 0, b);
        strbuf_puts(b, " IN ");
    }
    for (r = *from; r && n < KEYS_PER_STATEMENT; r = r->next) {
        if (r->place != place)
            continue;
        rows[n] = r->number;
        if (k->p->n_key_cols == 1) {
            strbuf_putc(b, n++ ? ',' : '(');
            put_key(e, k, r, 0, b);
            continue;
        }
        strbuf_puts(b, n++ ? " OR (" : "(");
        for (uint16_t i = 0; i < k->p->n_key_cols; i++) {
            strbuf_puts(b, i ? " AND " : "");
            put_column(k, i, b);
            strbuf_putc(b, '=');
            put_key(e, k, r, i, b);
        }
        strbuf_putc(b, ')');
    }
    if (k->p->n_key_cols == 1)
        strbuf_putc(b, ')');
    while (r && r->place != place)
        r = r->next;
    *from = r;
    l->rows = rows;
    l->n_rows = n;
}

/* LIMIT 0: MariaDB does not even begin. */
static bool says_nothing(struct exec *e)
{
    uint64_t offset, count;
    struct diag d = {0};

    return e->env->flavour == ENV_MARIADB && optimizer_limit(&keyed_of(e)->p->read->top->limit, e->inputs, &offset, &count, &d) &&
        count == 0;
}

static void changed(struct exec *e)
{
    if (!exec_failed(e)) {
        exec_add_counts(e);
        if (e->plan->kind == PLAN_UPDATE && !says_nothing(e)) {
            uint64_t n[3] = {0};

            (void)exec_info_numbers(e->outcome.ok.info, n);
            e->outcome.ok.info = arena_printf(e->arena, "Rows matched: %llu  Changed: %llu  Warnings: %llu", (unsigned long long)n[0],
                (unsigned long long)n[1], (unsigned long long)(e->warnings ? e->warnings->total : n[2]));
        }
    }
    exec_finish(e);
}

/* RETURNING: in the order in which the rows were read. */
static void returned(struct exec *e)
{
    struct keyed *k = keyed_of(e);
    uint32_t *left = ARENA_NEW_N(e->arena, uint32_t, e->n_lanes + 1);

    if (!exec_failed(e)) {
        returning_begin(e, &e->lanes[0]);
        for (uint32_t i = 0; i < e->n_lanes; i++)
            left[i] = KEYS_PER_STATEMENT;
        for (struct keyed_row *r = k->rows; r; r = r->next) {
            uint32_t i = 0;

            while (i < e->n_lanes && (e->lanes[i].place != r->place || !left[i]))
                i++;
            if (i < e->n_lanes) {
                left[i]--;
                returning_next(e, &e->lanes[i]);
            }
        }
    }
    exec_finish(e);
}

/* The lanes of step 2: for each place its rows, in pieces. what: the statement in front of the keys, tail behind them. */
static struct exec_lane *make_lanes(struct exec *e, const struct sql_template *what, const struct sql_template *tail, uint32_t *n)
{
    struct keyed *k = keyed_of(e);
    struct exec_lane *lanes = exec_lanes_new(e, k->places->n + k->n_rows / KEYS_PER_STATEMENT + 1);

    *n = 0;
    for (uint32_t i = 0; i < k->places->n; i++) {
        uint32_t place = k->places->items[i].partition;
        const struct keyed_row *from = k->rows;

        while (from && from->place != place)
            from = from->next;
        while (from) {
            struct strbuf b;

            strbuf_init(&b, e->arena);
            lanes[*n].place = place;
            optimizer_render(what, e->inputs, NULL, place, e->arena, &b);
            put_where(e, k, &lanes[*n], &from, &b);
            optimizer_render(tail, e->inputs, NULL, place, e->arena, &b);
            lanes[*n].sql = strbuf_sv(&b);
            lanes[*n].shard_id = k->places->items[i].shard_id;
            lanes[(*n)++].ops = &exec_count_ops;
        }
    }
    return lanes;
}

/* No row. RETURNING has columns all the same: a statement that finds none tells them. (A server that sees that its condition cannot
 * hold tells none.) */
static void nothing(struct exec *e)
{
    struct keyed *k = keyed_of(e);
    struct exec_lane *l = exec_lanes_new(e, 1);
    struct strbuf b;

    if (!e->plan->returns_rows) {
        e->lanes = l;
        e->n_lanes = 1;
        changed(e);
        return;
    }
    strbuf_init(&b, e->arena);
    optimizer_render(&k->p->head, e->inputs, NULL, k->places->items[0].partition, e->arena, &b);
    optimizer_render(&k->p->where, e->inputs, NULL, k->places->items[0].partition, e->arena, &b);
    strbuf_puts(&b, k->p->where.n_pieces ? " AND RAND() < 0" : " WHERE RAND() < 0");
    optimizer_render(&k->p->tail, e->inputs, NULL, k->places->items[0].partition, e->arena, &b);
    l->sql = strbuf_sv(&b);
    l->place = k->places->items[0].partition;
    l->shard_id = k->places->items[0].shard_id;
    returning_collect(l);
    exec_step(e, l, 1, TXN_NEED_WRITE, returned);
}

static void keys_read(struct exec *e)
{
    struct keyed *k = keyed_of(e);
    struct exec_lane *lanes;
    uint32_t n;

    e->plan = k->plan;
    e->taker = NULL;
    /* MariaDB takes it so only where it did not have to sort first. */
    if (e->env->flavour != ENV_MARIADB && exec_refuse_conversions(e)) {
        exec_finish(e);
        return;
    }
    if (e->plan->move) {
        if (k->n_rows) {
            lanes = make_lanes(e, &e->plan->move->keyed_select, &e->plan->move->keyed_tail, &n);
            move_rows(e, lanes, n);
        } else {
            move_rows(e, NULL, 0);
        }
        return;
    }
    if (!k->n_rows) {
        nothing(e);
        return;
    }
    lanes = make_lanes(e, &k->p->head, &k->p->tail, &n);
    for (uint32_t i = 0; i < n && e->plan->returns_rows; i++)
        returning_collect(&lanes[i]);
    exec_step(e, lanes, n, TXN_NEED_WRITE, e->plan->returns_rows ? returned : changed);
}

static const struct exec_taker taker = {take_columns, take_row, keys_read};

void keyed_start(struct exec *e, const struct placeset *places)
{
    struct keyed *k = ARENA_NEW(e->arena, struct keyed);
    struct placeset *kept = ARENA_NEW(e->arena, struct placeset);

    *kept = *places;
    k->plan = e->plan;
    k->p = e->plan->keyed;
    k->end = &k->rows;
    k->places = kept;
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    e->taker = &taker;
    e->taker_arg = k;
    /* The reading is an execution of its own plan; the statement's comes back with the keys. */
    e->plan = (struct plan *)(uintptr_t)k->p->read;
    gather_start(e, kept);
}
