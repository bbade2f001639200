/* Queries over copies (optimizer/offload.c). A connection of its own, outside the transaction, gets the temporary tables; the rows are
 * read by the transaction's connections, from all places at once, and written there in statements of many rows; then the client's
 * statement runs on it and is relayed. The transaction's own changes are in the rows that it has read.
 *
 * Values go from text to text as SQL literals in their exact forms (literal.c), stored with an empty sql_mode, in UTC: nothing of them
 * is converted or refused.
 *
 * Back-pressure: each copy has a statement that fills while others wait or are under way; with FULL_MAX that wait its readers pause, so that
 * what is held is that much and a row of each reader. No statement is longer than SEND_BYTES and one row (max_allowed_packet).
 * Afterwards the connection is reset (COM_RESET_CONNECTION), which drops the copies. */
#include "executor/exec-int.h"

#include "backend/pool.h"
#include "backend/sync.h"
#include "catalog/names.h"
#include "catalog/snapshot.h"
#include "optimizer/optcat.h"
#include "router/place.h"

enum { SEND_BYTES = 256 << 10, FULL_MAX = 2 };

/* A statement that stores rows. */
struct chunk {
    struct chunk *next;
    struct arena mem;
    struct strbuf text;
};

struct copy {
    struct offload *f;
    const struct offload_input *in;
    struct bcmd cmd;
    struct chunk *filling;      /* NULL: no row since the last one was full */
    struct chunk *first, **end; /* full ones that wait */
    unsigned n_full;
    struct chunk *sent;
    bool sending;
};

struct reader {
    struct exec_lane *lane;
    struct copy *copy;
    struct packet_coldef *cols;
    struct sv *cells;
    uint32_t n_cols;
};

struct offload {
    struct exec *e;
    struct plan *plan; /* the statement's; meanwhile the execution's is its last */
    const struct offload_plan *p;
    struct pool *pool;
    struct list_node link; /* of the gate's line */
    struct worker_task enter;
    bool inside;
    struct pool_waiter waiter;
    struct bconn *conn;
    struct sync_state *storing; /* session state under which rows are stored */
    struct copy *copies;
    uint32_t n_under_way; /* commands on conn */
    bool waiting, reading, read;
};

static void go_on(struct offload *f);

/* ---- the gate: while one of these waits for a connection to read by, it has one already ---- */

static void leave(struct offload *f)
{
    struct exec_gate *g = f->e->gate;

    worker_task_cancel(f->e->worker, &f->enter);
    list_remove(&f->link);
    if (!f->inside)
        return;
    f->inside = false;
    g->n_inside--;
    if (!list_empty(&g->line)) {
        struct offload *next = LIST_ENTRY(g->line.head.next, struct offload, link);

        list_remove(&next->link);
        next->inside = true;
        g->n_inside++;
        worker_task_queue(next->e->worker, &next->enter);
    }
}

static void free_chunk(struct chunk *k)
{
    if (!k)
        return;
    arena_free(&k->mem);
    xfree(k);
}

/* ---- the end ---- */

void offload_close(struct exec *e)
{
    struct offload *f = e->offload;

    leave(f);
    e->plan = f->plan;
    e->offload = NULL;
    for (uint16_t i = 0; i < f->p->n_inputs; i++) {
        struct copy *c = &f->copies[i];

        free_chunk(c->filling);
        free_chunk(c->sent);
        while (c->first) {
            struct chunk *k = c->first;

            c->first = k->next;
            free_chunk(k);
        }
    }
    if (f->storing)
        sync_unref(f->storing);
    if (f->conn) {
        f->conn->unclean = true; /* the copies go with its reset */
        pool_release(f->conn);
    }
}

/* ---- what is stored ---- */

static void command_over(struct copy *c)
{
    free_chunk(c->sent);
    c->sent = NULL;
    c->sending = false;
    c->f->n_under_way--;
    go_on(c->f);
}

static void stored(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok, (void)is_result, (void)payload;
    if (!more)
        command_over(CONTAINER_OF(cmd, struct copy, cmd));
}

static void store_failed(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct copy *c = CONTAINER_OF(cmd, struct copy, cmd);
    struct diag d = {0};

    (void)payload;
    exec_remote_error(c->f->e, err, &d);
    exec_fail(c->f->e, &d);
    command_over(c);
}

static void store_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct copy *c = CONTAINER_OF(cmd, struct copy, cmd);

    (void)maybe_done;
    exec_fail(c->f->e, d);
    command_over(c);
}

static const struct bcmd_ops store_ops = {
    .on_ok = stored,
    .on_err = store_failed,
    .on_lost = store_lost,
};

static void store(struct copy *c, struct sv sql)
{
    c->sending = true;
    c->f->n_under_way++;
    c->cmd = (struct bcmd){.ops = &store_ops, .mode = BCMD_SWALLOW};
    bconn_query(c->f->conn, &c->cmd, sql);
    bconn_flush_for_fault(c->f->conn);
    (void)FAULT("offload.sent");
}

static void fill_over(struct copy *c)
{
    *c->end = c->filling;
    c->end = &c->filling->next;
    c->filling = NULL;
    c->n_full++;
}

/* The next full one, if the one before it is stored. */
static void store_next(struct copy *c)
{
    if (c->sending || !c->first)
        return;
    c->sent = c->first;
    c->first = c->sent->next;
    if (!c->first)
        c->end = &c->first;
    c->n_full--;
    store(c, strbuf_sv(&c->sent->text));
}

/* ---- rows ---- */

static void put_cell(struct exec *e, const struct cat_column *col, const struct packet_coldef *c, struct sv cell, struct strbuf *b)
{
    struct sql_type t;

    if (cell.ptr && opt_exact_form(col) == EXACT_EPOCH) {
        exec_put_epoch(cell, b);
        return;
    }
    if (cell.ptr && optcat_tells_bytes(col)) {
        exec_put_hex(col->type.charset, cell, b);
        return;
    }
    type_from_coldef(&t, c->type, c->flags, c->charset, c->length, c->decimals);
    if (!cell.ptr || c->type == WIRE_BIT || type_is_numeric(&t) ||
        (type_is_string(&t) && c->charset == TYPE_COLL_BINARY && c->type != WIRE_JSON))
        exec_put_literal(e, c, cell, b);
    else
        strbuf_put_quoted(b, cell, false); /* the statement is in utf8mb4, with backslashes */
}

static void on_meta(struct bcmd *cmd, uint32_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct reader *r = l->arg;

    r->n_cols = n;
    r->cols = ARENA_NEW_N(l->e->arena, struct packet_coldef, n);
    r->cells = ARENA_NEW_N(l->e->arena, struct sv, n);
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)payload;
    packet_coldef_copy(l->e->arena, &((struct reader *)l->arg)->cols[i], col);
}

static bool text_says_all(const struct reader *r)
{
    for (uint32_t i = r->copy->in->n_cols; i < r->n_cols; i++)
        if (!sv_eq(r->cells[i], SV("1")))
            return false;
    return true;
}

static bool take_row(struct reader *r, unsigned char *payload, size_t n, struct diag *d)
{
    const struct offload_input *in = r->copy->in;
    struct strbuf *b;

    if (r->n_cols != (uint32_t)in->n_cols + in->n_checks || !rowtext_decode(payload, n, r->cells, r->n_cols))
        return diag_set(d, ER_MALFORMED_PACKET);
    if (!text_says_all(r))
        return diag_set(d, ER_NOT_SUPPORTED_YET, "a JSON value that its text does not say all of (a date, binary bytes) in a query over several places");
    if (!r->copy->filling) {
        struct chunk *k = r->copy->filling = xcalloc(1, sizeof(*k));

        arena_init(&k->mem, 0);
        strbuf_init(&k->text, &k->mem);
        strbuf_putsv(&k->text, in->head);
    }
    b = &r->copy->filling->text;
    strbuf_puts(b, b->len > in->head.len ? ",(" : "(");
    for (uint16_t i = 0; i < in->n_cols; i++) {
        strbuf_puts(b, i ? "," : "");
        put_cell(r->lane->e, &in->table->columns[in->cols[i]], &r->cols[i], r->cells[i], b);
    }
    strbuf_putc(b, ')');
    return true;
}

static void on_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct reader *r = l->arg;
    struct copy *c = r->copy;
    struct diag d = {0};

    if (exec_failed(l->e) || l->e->cancelled)
        return;
    if (!take_row(r, payload, n, &d)) {
        exec_fail(l->e, &d);
        return;
    }
    if (c->filling->text.len >= SEND_BYTES) {
        fill_over(c);
        store_next(c);
    }
    if (c->n_full >= FULL_MAX)
        bconn_pause(l->conn);
}

static const struct bcmd_ops read_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = on_row,
    .on_ok = exec_on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

/* ---- the steps ---- */

static void read_over(struct exec *e)
{
    struct offload *f = e->offload;

    f->reading = false;
    f->read = true;
    e->n_lanes = 0;
    go_on(f);
}

static void add_lanes(struct offload *f, struct copy *c, const struct placeset *places, struct exec_lane *lanes)
{
    struct exec *e = f->e;

    for (uint32_t i = 0; i < places->n; i++) {
        struct exec_lane *l = &lanes[i];
        struct reader *r = ARENA_NEW(e->arena, struct reader);
        struct strbuf sql;

        strbuf_init(&sql, e->arena);
        optimizer_render(&c->in->read->fragment, e->inputs, NULL, places->items[i].partition, e->arena, &sql);
        *r = (struct reader){.lane = l, .copy = c};
        l->sql = strbuf_sv(&sql);
        l->shard_id = places->items[i].shard_id;
        l->place = places->items[i].partition;
        l->ops = &read_ops;
        l->quiet = true; /* the statement looks at the same conditions */
        l->arg = r;
    }
}

static void start_reading(struct offload *f)
{
    struct exec *e = f->e;
    struct placeset *sets = ARENA_NEW_N(e->arena, struct placeset, f->p->n_inputs);
    struct exec_lane *lanes;
    struct diag d = {0};
    uint32_t n = 0, at = 0;

    for (uint16_t i = 0; i < f->p->n_inputs; i++) {
        if (!optimizer_route(f->p->inputs[i].read, e->inputs, e->snapshot, e->arena, &sets[i], &d)) {
            exec_fail(e, &d);
            exec_finish(e);
            return;
        }
        n += sets[i].n;
    }
    lanes = exec_lanes_new(e, n);
    for (uint32_t i = 0; i < n; i++)
        lanes[i].index = i;
    for (uint16_t i = 0; i < f->p->n_inputs; at += sets[i++].n)
        add_lanes(f, &f->copies[i], &sets[i], lanes + at);
    f->reading = true;
    if (n)
        exec_step(e, lanes, n, exec_need(e), read_over);
    else
        read_over(e);
}

static void run_last(struct offload *f)
{
    struct exec *e = f->e;

    bconn_sync(f->conn, e->wanted);
    if (e->plan->n_into_vars) {
        struct exec_lane *l = exec_lanes_new(e, 1);

        l->kept = true;
        l->conn = f->conn;
        l->state = LANE_BUSY;
        l->cmd.ops = &exec_into_ops;
        e->lanes = l;
        e->n_lanes = 1;
        e->n_done = 0;
        e->step_done = into_done;
        bconn_query(f->conn, &l->cmd, relay_text(e, UINT32_MAX));
        return;
    }
    relay_on(e, f->conn);
}

/* Something has ended: the next step, if nothing else is under way. */
static void go_on(struct offload *f)
{
    struct exec *e = f->e;
    bool stop = exec_failed(e) || e->cancelled;

    for (uint16_t i = 0; i < f->p->n_inputs && !stop && (f->reading || f->read); i++) {
        struct copy *c = &f->copies[i];

        if (f->read && c->filling)
            fill_over(c);
        store_next(c);
    }
    for (uint32_t i = 0; f->reading && i < e->n_lanes; i++) {
        struct exec_lane *l = &e->lanes[i];

        if (l->state == LANE_BUSY && l->conn->is_paused && (stop || ((struct reader *)l->arg)->copy->n_full < FULL_MAX))
            bconn_resume(l->conn);
    }
    if (f->n_under_way || f->reading)
        return;
    if (stop)
        exec_finish(e);
    else if (f->read)
        run_last(f);
    else
        start_reading(f);
}

static void have_conn(struct offload *f, struct bconn *c)
{
    f->waiting = false;
    f->conn = c;
    exec_set_state(f->e, EXEC_RUNNING);
    bconn_sync(c, f->storing);
    for (uint16_t i = 0; i < f->p->n_inputs; i++)
        store(&f->copies[i], f->p->inputs[i].create);
    if (!f->p->n_inputs)
        go_on(f);
}

static void on_conn(struct pool_waiter *pw, struct bconn *c)
{
    have_conn(CONTAINER_OF(pw, struct offload, waiter), c);
}

static void on_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct offload *f = CONTAINER_OF(pw, struct offload, waiter);

    f->waiting = false;
    exec_fail(f->e, d);
    exec_finish(f->e);
}

bool offload_cancel(struct exec *e)
{
    struct offload *f = e->offload;

    if (!f->waiting)
        return false;
    f->waiting = false; /* for its turn, or in the pool's line */
    pool_cancel(&f->waiter);
    exec_finish(e);
    return true;
}

/* ---- start ---- */

static struct sync_state *storing_state(void)
{
    struct sync_state *fresh = sync_new(), *mode = sync_with_var(fresh, SV("sql_mode"), SV("'NO_AUTO_VALUE_ON_ZERO,ALLOW_INVALID_DATES'")), *all;

    CHECK(mode);
    all = sync_with_var(mode, SV("time_zone"), SV("'+00:00'"));
    CHECK(all);
    sync_unref(fresh);
    sync_unref(mode);
    return all;
}

void offload_make_empty(struct bconn *c, const struct offload_plan *p)
{
    struct sync_state *state = storing_state();

    c->unclean = true;
    bconn_sync(c, state);
    for (uint16_t i = 0; i < p->n_inputs; i++)
        bconn_query_forget(c, p->inputs[i].create);
    sync_unref(state);
}

/* The shard that runs the statement: any, those that are down passed over. */
static struct pool *choose(struct exec *e)
{
    const struct cat_snapshot *cat = e->snapshot;
    struct pool *p = NULL;

    for (size_t i = 0; i < cat->shards.n; i++) {
        struct pool *at = pool_of(e->worker, cat->shards.v[(e->inputs->seed + i) % cat->shards.n].id);

        p = at ? at : p;
        if (at && !pool_is_down(at))
            return at;
    }
    return p;
}

static void enter(struct worker_task *t)
{
    struct offload *f = CONTAINER_OF(t, struct offload, enter);
    struct diag d = {0};

    f->waiting = false;
    switch (pool_lease(f->pool, &f->waiter, &f->conn, &d)) {
    case POOL_READY:
        have_conn(f, f->conn);
        break;
    case POOL_WAIT:
        f->waiting = true;
        break;
    case POOL_FAIL:
        f->conn = NULL;
        exec_fail(f->e, &d);
        exec_finish(f->e);
        break;
    }
}

void offload_start(struct exec *e, bool begun)
{
    struct offload *f = ARENA_NEW(e->arena, struct offload);
    struct diag d = {0};

    f->e = e;
    f->pool = choose(e);
    f->enter.fn = enter;
    f->plan = e->plan;
    f->p = e->plan->offload;
    f->copies = ARENA_NEW_N(e->arena, struct copy, f->p->n_inputs + 1u);
    for (uint16_t i = 0; i < f->p->n_inputs; i++) {
        struct copy *c = &f->copies[i];

        *c = (struct copy){.f = f, .in = &f->p->inputs[i]};
        c->end = &c->first;
    }
    f->storing = storing_state();
    f->waiter = (struct pool_waiter){.on_conn = on_conn, .on_fail = on_fail, .like = f->storing, .owner_kind = "offload", .owner = f};
    e->offload = f;
    e->n_lanes = 0;
    e->plan = (struct plan *)(uintptr_t)f->p->last;
    exec_set_state(e, EXEC_LEASING);
    if (!begun && !exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    if (!f->pool) {
        diag_setf(&d, ER_UNKNOWN_SHARD, "There is no active shard");
        exec_fail(e, &d);
        exec_finish(e);
        return;
    }
    if (e->gate->n_inside >= MAX(pool_max_conns(f->pool) / 2, 1u)) {
        f->waiting = true;
        list_push_back(&e->gate->line, &f->link);
        return;
    }
    f->inside = true;
    e->gate->n_inside++;
    enter(&f->enter);
}
