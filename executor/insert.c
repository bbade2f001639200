/* INSERT and REPLACE with VALUES: AUTO_INCREMENT values are generated, each row's partition is computed, rows of one partition go as
 * one statement to it.
 *
 * Steps, each of which may have to wait: ids for the rows that need one; values of partition columns that only a shard can
 * compute (their expressions are evaluated once, and the value stands in the row too, so that UUID() is the same in both); routing; the
 * inserts themselves, all places at once. Rows keep their order within a partition.
 *
 * What the client gets: affected rows added up; as insert id the first generated value, or what the shard said of explicit values. */
#include "executor/exec-int.h"

#include "catalog/snapshot.h"
#include "executor/autoinc.h"
#include "executor/sideq.h"
#include "router/place.h"
#include "types/env.h"

struct insert {
    struct exec *e;
    const struct insert_plan *p;
    const struct part *part;
    uint64_t *ids;        /* per row: generated value, 0: none */
    uint32_t n_generated;
    uint64_t max_explicit;
    struct value *keys;   /* n_rows x partition columns */
    struct sv *frozen;    /* same shape: literal that replaces the cell, ptr NULL: the cell stands */
    uint32_t *place;      /* per row; UINT32_MAX: nowhere, INSERT IGNORE leaves it out */
    uint32_t n_left_out;
    struct autoinc_req req;
    struct sideq *side;
    uint32_t *asked;      /* keys[] index of each column of the side query */
    uint32_t n_asked;
    bool waiting;
    bool by_row; /* each row is a lane */
};

static void evaluate_keys(struct insert *in);
static void route_rows(struct insert *in);

static void give_up(struct insert *in, const struct diag *d)
{
    struct exec *e = in->e;

    exec_fail(e, d);
    exec_finish(e);
}

/* True: the statement was cancelled while it waited, and is over now. */
static bool was_cancelled(struct insert *in)
{
    struct exec *e = in->e;

    in->waiting = false;
    if (!e->cancelled)
        return false;
    exec_finish(e);
    return true;
}

bool insert_cancel(struct exec *e)
{
    struct insert *in = e->step;

    if (e->lanes || !in || !in->waiting)
        return false;
    if (in->side) {
        struct sideq *q = in->side;

        in->side = NULL;
        in->waiting = false;
        sideq_cancel(q);
        exec_finish(e);
    }
    return true; /* ids: the answer will come and find the cancel */
}

/* ---- AUTO_INCREMENT ---- */

static const struct sql_template *cell_of(const struct insert *in, uint32_t row, uint32_t col)
{
    return &in->p->cells[(size_t)row * in->p->n_cols + col];
}

/* Whether row r's id is to be generated; explicit values are noted. */
static bool needs_id(struct insert *in, uint32_t r)
{
    const struct insert_plan *p = in->p;
    struct env quiet = *in->e->env;
    struct value v;
    int64_t i;

    if (p->auto_gen[r] == 1)
        return true;
    if (!p->auto_values[r] || !optimizer_value(p->auto_values[r], in->e->inputs, in->e->arena, &v))
        return false;
    if (value_is_null(&v))
        return true;
    quiet.warnings = NULL;
    i = value_to_i64(&v, &quiet);
    if (i == 0)
        return p->auto_gen[r] == 2 && !(quiet.sql_mode & MODE_NO_AUTO_VALUE_ON_ZERO);
    if (i > 0 && (uint64_t)i > in->max_explicit)
        in->max_explicit = (uint64_t)i;
    return false;
}

static void give_ids(struct insert *in, uint64_t first)
{
    if (in->n_generated)
        in->e->generated_id = first;
    for (uint32_t r = 0; r < in->p->n_rows; r++) {
        if (in->ids[r])
            in->ids[r] = first++;
    }
    evaluate_keys(in);
}

static void raised(struct autoinc_req *r)
{
    struct insert *in = CONTAINER_OF(r, struct insert, req);

    if (was_cancelled(in))
        return;
    if (diag_is_set(&r->diag))
        give_up(in, &r->diag);
    else
        evaluate_keys(in);
}

static void got_ids(struct autoinc_req *r)
{
    struct insert *in = CONTAINER_OF(r, struct insert, req);

    if (was_cancelled(in))
        return;
    if (diag_is_set(&r->diag))
        give_up(in, &r->diag);
    else
        give_ids(in, r->first);
}

static void find_ids(struct insert *in)
{
    const struct insert_plan *p = in->p;
    struct autoinc *a = in->e->shared->autoinc;
    uint64_t table = p->table->id, first;

    if (p->auto_col < 0) {
        evaluate_keys(in);
        return;
    }
    for (uint32_t r = 0; r < p->n_rows; r++) {
        if (needs_id(in, r)) {
            in->ids[r] = 1;
            in->n_generated++;
        }
    }
    in->req.worker = in->e->worker;
    in->req.table_id = table;
    if (in->max_explicit && !autoinc_note(a, table, in->max_explicit) && !in->n_generated) {
        in->req.value = in->max_explicit;
        in->req.fn = raised;
        in->waiting = true;
        autoinc_request(a, &in->req);
        return;
    }
    if (!in->n_generated) {
        evaluate_keys(in);
        return;
    }
    if (autoinc_take(a, table, in->n_generated, &first)) {
        give_ids(in, first);
        return;
    }
    in->req.n = in->n_generated;
    in->req.fn = got_ids;
    in->waiting = true;
    autoinc_request(a, &in->req);
}

/* ---- values of the partition columns ---- */

static void evaluated(void *arg, struct sideq_result *r)
{
    struct insert *in = arg;
    struct arena *a = in->e->arena;

    in->side = NULL;
    if (was_cancelled(in))
        return;
    if (!diag_is_set(&r->diag) && (r->n_rows != 1 || r->n_cols != in->n_asked))
        diag_set(&r->diag, ER_INTERNAL, "evaluating partition columns gave no row");
    if (!diag_is_set(&r->diag) && r->ok.warnings && in->p->unstable)
        diag_set(&r->diag, ER_NOT_SUPPORTED_YET, "a value of a partition column that warns and is another one at each call");
    if (diag_is_set(&r->diag)) {
        give_up(in, &r->diag);
        return;
    }
    for (uint32_t i = 0; i < in->n_asked; i++) {
        const struct packet_coldef *c = &r->cols[i];
        struct value *v = &in->keys[in->asked[i]];
        const struct part_column *to = &in->part->columns[in->asked[i] % in->part->columns_n];
        struct strbuf b;

        if (!exec_key_value(in->e, to, c, r->cells[i], in->p->divides, v, &r->diag)) {
            give_up(in, &r->diag);
            return;
        }
        /* What only warns here is an error where it is stored in strict mode: the row's own text says so. Then its value must be the
         * same by whatever way it comes into the column. */
        if (r->ok.warnings && (to->cls == PART_TEXT || to->cls == PART_BYTES) && (v->kind == KIND_DEC || v->kind == KIND_F64)) {
            diag_set(&r->diag, ER_NOT_SUPPORTED_YET, "a number as the value of a partition column of strings where it warns");
            give_up(in, &r->diag);
            return;
        }
        if (r->ok.warnings)
            continue;
        strbuf_init(&b, a);
        if (v->kind == KIND_STR && c->charset != TYPE_COLL_BINARY)
            exec_put_text(v->s, (in->e->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0, &b);
        else
            value_print_sql(v, (in->e->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0, &b);
        in->frozen[in->asked[i]] = strbuf_sv(&b);
    }
    route_rows(in);
}

/* The index among the partition columns of the AUTO_INCREMENT column, or -1. */
static int32_t auto_key(const struct insert *in)
{
    for (uint32_t k = 0; k < in->part->columns_n; k++) {
        if (in->part->columns[k].column->auto_increment)
            return (int32_t)k;
    }
    return -1;
}

static void evaluate_keys(struct insert *in)
{
    struct exec *e = in->e;
    const struct insert_plan *p = in->p;
    uint32_t width = in->part->columns_n;
    int32_t ak = auto_key(in);
    struct strbuf sql;
    struct sideq *q;

    if (in->part->n <= 1) {
        route_rows(in);
        return;
    }
    strbuf_init(&sql, e->arena);
    in->asked = ARENA_NEW_N(e->arena, uint32_t, (size_t)p->n_rows * width);
    for (uint32_t i = 0; i < p->n_rows * width; i++) {
        uint32_t row = i / width;

        if (ak == (int32_t)(i % width) && in->ids[row]) {
            in->keys[i] = value_u64(in->ids[row]);
        } else if (p->keys[i]) {
            struct diag d = {0};

            if (!optimizer_value(p->keys[i], e->inputs, e->arena, &in->keys[i])) {
                diag_set(&d, ER_NOT_SUPPORTED_YET, "a value of a partition column that only a shard can compute");
                give_up(in, &d);
                return;
            }
        } else {
            strbuf_puts(&sql, in->n_asked ? ", " : "SELECT ");
            optimizer_render(&p->key_exprs[i], e->inputs, NULL, 0, e->arena, &sql);
            in->asked[in->n_asked++] = i;
        }
    }
    if (!in->n_asked) {
        route_rows(in);
        return;
    }
    in->waiting = true;
    q = sideq_start(e->worker,
        &(struct sideq_args){.shard_id = router_any_shard(e->snapshot, 0, (uint64_t)(uintptr_t)in), .wanted = e->wanted_taken,
            .sql = strbuf_sv(&sql), .arena = e->arena, .done = evaluated, .arg = in});
    if (q) /* else evaluated() was called, and the statement may be gone */
        in->side = q;
}

/* ---- text of one place ---- */

/* The literal that stands for a cell instead of what was written: a generated id, a value that was evaluated first. */
static struct sv cell_override(const struct insert *in, uint32_t row, uint32_t col)
{
    const struct insert_plan *p = in->p;

    if ((int32_t)col == p->auto_col && in->ids[row])
        return arena_printf(in->e->arena, "%llu", (unsigned long long)in->ids[row]);
    for (uint32_t k = 0; in->n_asked && k < in->part->columns_n; k++) {
        if (p->key_cells[k] == (int32_t)col)
            return in->frozen[(size_t)row * in->part->columns_n + k];
    }
    return SV_NULL;
}

static void render_row(const struct insert *in, uint32_t row, uint32_t place, struct strbuf *b)
{
    struct exec *e = in->e;

    strbuf_putc(b, '(');
    for (uint32_t c = 0; c < in->p->n_cols; c++) {
        struct sv v = cell_override(in, row, c);

        if (c)
            strbuf_putc(b, ',');
        if (v.ptr)
            strbuf_putsv(b, v);
        else
            optimizer_render(cell_of(in, row, c), e->inputs, NULL, place, e->arena, b);
    }
    strbuf_putc(b, ')');
}

static struct sv render(const struct insert *in, uint32_t place, bool all)
{
    struct exec *e = in->e;
    struct strbuf b;
    bool first = true;

    strbuf_init(&b, e->arena);
    optimizer_render(&in->p->head, e->inputs, NULL, place, e->arena, &b);
    for (uint32_t r = 0; r < in->p->n_rows; r++) {
        if (!all && in->place[r] != place)
            continue;
        if (!first)
            strbuf_putc(&b, ',');
        first = false;
        render_row(in, r, place, &b);
    }
    optimizer_render(&in->p->tail, e->inputs, NULL, place, e->arena, &b);
    return strbuf_sv(&b);
}

/* ---- the inserts ---- */

/* "Records: n  Duplicates: d  Warnings: w" of the whole statement. A place that got one row says nothing of it: its affected
 * rows tell (2: replaced or updated; IGNORE counts what was left as it was, and not what was updated: 0). */
static struct sv sum_rows(const struct insert *in)
{
    struct exec *e = in->e;
    uint64_t sum[3] = {0}, duplicates = in->n_left_out;

    if (in->p->n_rows < 2)
        return e->n_lanes ? e->lanes[0].ok.info : SV_NULL;
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        const struct packet_ok *ok = &e->lanes[i].ok;

        if (exec_info_numbers(ok->info, sum))
            duplicates += sum[1];
        else
            duplicates += ok->affected_rows == (in->p->ignore ? 0 : 2);
    }
    return arena_printf(e->arena, "Records: %u  Duplicates: %llu  Warnings: %llu", in->p->n_rows,
        (unsigned long long)duplicates, (unsigned long long)e->warnings->total);
}

static uint64_t row_number(const struct warning *w)
{
    size_t len;

    return exec_row_number(w->text, &len);
}

/* Warnings came place by place; a server gives them row by row. Those that name no row stay in front. */
static void sort_warnings(struct warn_sink *w)
{
    for (uint32_t i = 1; w && i < w->n; i++) {
        struct warning x = w->list[i];
        uint32_t k = i;

        for (; k > 0 && row_number(&w->list[k - 1]) > row_number(&x); k--)
            w->list[k] = w->list[k - 1];
        w->list[k] = x;
    }
}

static void put_returned(struct insert *in);

/* Of explicit values in an AUTO_INCREMENT column, servers tell the last row's. */
static uint64_t last_id(const struct exec *e)
{
    uint32_t last = 0;
    uint64_t id = 0;

    for (uint32_t i = 0; i < e->n_lanes; i++) {
        const struct exec_lane *l = &e->lanes[i];
        uint32_t row = l->n_rows ? l->rows[l->n_rows - 1] : 0;

        if (l->ok.insert_id && (!id || row > last)) {
            id = l->ok.insert_id;
            last = row;
        }
    }
    return id;
}

static void inserted(struct exec *e)
{
    struct insert *in = e->step;

    if (e->n_lanes > 1 && e->plan->route.kind != ROUTE_ALL_SHARDS)
        sort_warnings(e->warnings);
    if (!exec_failed(e) && e->plan->returns_rows) {
        put_returned(in);
    } else if (!exec_failed(e)) {
        struct packet_ok *ok = &e->outcome.ok;

        e->outcome.kind = EXEC_OK;
        if (e->n_lanes)
            *ok = e->lanes[0].ok;
        if (e->plan->route.kind != ROUTE_ALL_SHARDS) {
            ok->affected_rows = 0;
            for (uint32_t i = 0; i < e->n_lanes; i++)
                ok->affected_rows += e->lanes[i].ok.affected_rows;
            ok->insert_id = last_id(e);
            ok->info = sum_rows(in);
        }
        if (in->n_generated && !e->plan->sets_insert_id)
            ok->insert_id = e->generated_id;
    }
    /* Nobody knows of ids of Tessera's own key column. */
    if (in->p->auto_col >= 0 && cat_auto_inc(in->p->table)->hidden)
        e->outcome.ok.insert_id = e->generated_id = 0;
    if (exec_failed(e))
        e->generated_id = 0;
    exec_finish(e);
}

/* Which rows the lane has: what a shard says of "row 2" is said of another row of the statement. */
static void number_rows(const struct insert *in, struct exec_lane *l)
{
    uint32_t *rows = ARENA_NEW_N(in->e->arena, uint32_t, in->by_row ? 1 : in->p->n_rows);

    for (uint32_t r = 0; r < in->p->n_rows; r++) {
        if (in->by_row ? r == l->index : in->place[r] == l->place)
            rows[l->n_rows++] = r + 1;
    }
    l->rows = rows;
}

/* RETURNING: the rows in the order of VALUES. A lane has returned the rows of its place in their order. */
static void put_returned(struct insert *in)
{
    struct exec *e = in->e;
    const struct exec_lane **of_place = ARENA_NEW_N(e->arena, const struct exec_lane *, MAX(in->part->n, 1u));

    for (uint32_t i = 0; i < e->n_lanes; i++)
        of_place[e->lanes[i].place] = &e->lanes[i];
    returning_begin(e, &e->lanes[0]);
    for (uint32_t r = 0; r < in->p->n_rows; r++)
        returning_next(e, in->by_row ? &e->lanes[r] : e->plan->route.kind == ROUTE_ALL_SHARDS ? &e->lanes[0] : of_place[in->place[r]]);
}

/* INSERT IGNORE ... RETURNING says nothing of a row that it ignores, so that which rows came back is known only where each is a
 * statement of its own. */
static void send_rows(struct insert *in)
{
    struct exec *e = in->e;
    uint32_t n = in->p->n_rows;
    struct exec_lane *lanes = exec_lanes_new(e, n);

    in->by_row = true;
    for (uint32_t r = 0; r < n; r++) {
        struct strbuf b;

        strbuf_init(&b, e->arena);
        optimizer_render(&in->p->head, e->inputs, NULL, in->place[r], e->arena, &b);
        render_row(in, r, in->place[r], &b);
        optimizer_render(&in->p->tail, e->inputs, NULL, in->place[r], e->arena, &b);
        lanes[r].sql = strbuf_sv(&b);
        lanes[r].place = in->place[r];
        lanes[r].shard_id = router_shard_of(in->p->table, in->place[r]);
        number_rows(in, &lanes[r]);
        returning_collect(&lanes[r]);
    }
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, inserted);
}

static void send_places(struct insert *in, const uint32_t *places, uint32_t n, bool everywhere)
{
    struct exec *e = in->e;
    struct placeset all;
    struct exec_lane *lanes;

    if (e->plan->returns_rows && in->p->ignore && n > 1) {
        send_rows(in);
        return;
    }
    if (everywhere) {
        placeset_all_shards(&all, e->snapshot, e->arena);
        n = all.n;
    }
    lanes = exec_lanes_new(e, n);
    for (uint32_t i = 0; i < n; i++) {
        lanes[i].place = everywhere ? 0 : places[i];
        lanes[i].shard_id = everywhere ? all.items[i].shard_id : router_shard_of(in->p->table, places[i]);
        lanes[i].sql = everywhere && i ? lanes[0].sql : render(in, lanes[i].place, everywhere || in->part->n <= 1);
        lanes[i].ops = &exec_count_ops;
        if (!everywhere && n > 1)
            number_rows(in, &lanes[i]);
        if (e->plan->returns_rows)
            returning_collect(&lanes[i]);
    }
    if (!exec_begin(e, n > 1)) {
        exec_finish(e);
        return;
    }
    exec_step(e, lanes, n, TXN_NEED_WRITE, inserted);
}

static void route_rows(struct insert *in)
{
    struct exec *e = in->e;
    const struct insert_plan *p = in->p;
    uint32_t width = in->part->columns_n, n = 0;
    uint32_t *places = ARENA_NEW_N(e->arena, uint32_t, MAX(in->part->n, 1u));
    bool *used = ARENA_NEW_N(e->arena, bool, MAX(in->part->n, 1u));
    struct env lenient;

    if (p->table->kind == CAT_BROADCAST) {
        send_places(in, NULL, 0, true);
        return;
    }
    if (in->part->n <= 1) {
        places[0] = 0;
        send_places(in, places, 1, false);
        return;
    }
    /* IGNORE stores what a strict server would refuse. */
    lenient = *e->env;
    if (p->ignore)
        lenient.sql_mode &= ~(uint64_t)(MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES);
    for (uint32_t r = 0; r < p->n_rows; r++) {
        struct diag d = {0};

        switch (part_route_row(in->part, in->keys + (size_t)r * width, &lenient, e->arena, &in->place[r], &d)) {
        case PART_OK:
            break;
        case PART_NONE:
            if (!p->ignore) {
                give_up(in, &d);
                return;
            }
            warn_add(e->warnings, WARN_WARNING, d.code, "%s", d.text);
            in->place[r] = UINT32_MAX;
            in->n_left_out++;
            continue;
        case PART_UNSURE:
            diag_set(&d, ER_NOT_SUPPORTED_YET, "an inserted value whose conversion to the partition column's type only a shard knows");
            give_up(in, &d);
            return;
        }
        if (!used[in->place[r]]) {
            used[in->place[r]] = true;
            places[n++] = in->place[r];
        }
    }
    if (!n) {
        inserted(e);
        return;
    }
    send_places(in, places, n, false);
}

void insert_start(struct exec *e)
{
    struct insert *in = ARENA_NEW(e->arena, struct insert);
    const struct insert_plan *p = e->plan->insert;
    size_t width;

    e->step = in;
    in->e = e;
    in->p = p;
    in->part = part_of(p->table);
    width = in->part->columns_n;
    in->ids = ARENA_NEW_N(e->arena, uint64_t, p->n_rows);
    in->place = ARENA_NEW_N(e->arena, uint32_t, p->n_rows);
    in->keys = ARENA_NEW_N(e->arena, struct value, p->n_rows * width);
    in->frozen = ARENA_NEW_N(e->arena, struct sv, p->n_rows * width);
    exec_set_state(e, EXEC_LEASING);
    find_ids(in);
}
