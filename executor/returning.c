/* Writes that answer with rows: INSERT, REPLACE and DELETE ... RETURNING (MariaDB) over several places.
 *
 * Rows without an order of their own (DELETE, INSERT ... SELECT) are a read from several places and stream through gather.c. Here are
 * those that have one: the rows of an INSERT stand in the order of its VALUES, whatever place each went to, and of a BROADCAST table one
 * copy answers. Their lanes keep what they return until all have ended; the number of rows is the statement's own. */
#include "executor/exec-int.h"

#include "catalog/names.h"

struct returned_row {
    struct returned_row *next;
    struct sv payload;
};

/* What a lane has returned. */
struct returned {
    struct packet_coldef *cols;
    uint32_t n_cols;
    struct returned_row *first, **end; /* first: the next one to be put */
};

static struct returned *returned_of(const struct exec_lane *l)
{
    return l->arg;
}

/* ---- collecting ---- */

static void on_meta(struct bcmd *cmd, uint32_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct returned *r = returned_of(l);

    r->n_cols = n;
    r->cols = ARENA_NEW_N(l->e->arena, struct packet_coldef, n);
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct packet_coldef *c = &returned_of(l)->cols[i];

    (void)payload;
    packet_coldef_copy(l->e->arena, c, col);
    exec_logical_coldef(l->e, c);
}

static void on_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct exec *e = l->e;
    struct returned *r = returned_of(l);
    struct returned_row *row;

    if (exec_failed(e) || (e->plan->route.kind == ROUTE_ALL_SHARDS && l->index))
        return;
    e->returned_bytes += n;
    if (e->shared->query_memory && e->returned_bytes > (uint64_t)e->shared->query_memory) {
        struct diag d = {0};

        diag_set(&d, ER_OUT_OF_RESOURCES, "rows that are returned");
        exec_fail(e, &d);
        return;
    }
    row = ARENA_NEW(e->arena, struct returned_row);
    row->payload = arena_dup(e->arena, sv_make((const char *)payload, n));
    *r->end = row;
    r->end = &row->next;
}

static const struct bcmd_ops collect_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_row = on_row,
    .on_ok = exec_on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

void returning_collect(struct exec_lane *l)
{
    struct returned *r = ARENA_NEW(l->e->arena, struct returned);

    r->end = &r->first;
    l->ops = &collect_ops;
    l->arg = r;
}

/* ---- to the client ---- */

void returning_begin(struct exec *e, const struct exec_lane *l)
{
    const struct returned *r = returned_of(l);

    e->outcome.kind = EXEC_ROWS;
    e->outcome.ok = (struct packet_ok){0};
    e->outcome.rows = 0;
    e->meta_sent = true;
    if (!e->client)
        return;
    chan_put_column_count(e->client, r->n_cols);
    for (uint32_t i = 0; i < r->n_cols; i++)
        chan_put_coldef(e->client, &r->cols[i]);
    if (!(e->caps & CAP_DEPRECATE_EOF))
        chan_put_eof(e->client, e->host->status(e), 0);
}

void returning_next(struct exec *e, const struct exec_lane *l)
{
    struct returned *r = returned_of(l);
    struct returned_row *row = r->first;
    struct sv *cells;

    if (!row || exec_failed(e))
        return;
    r->first = row->next;
    e->outcome.rows++;
    if (!e->client)
        return;
    if (!e->binary) {
        chan_put_packet(e->client, row->payload.ptr, row->payload.len);
        return;
    }
    cells = ARENA_NEW_N(e->arena, struct sv, r->n_cols);
    if (!rowtext_decode((unsigned char *)(uintptr_t)row->payload.ptr, row->payload.len, cells, r->n_cols) ||
        !chan_put_binary_row(e->client, r->cols, cells, r->n_cols)) {
        struct diag d = {0};

        diag_set(&d, ER_INTERNAL, "a returned value does not fit its column in the binary protocol");
        exec_fail(e, &d);
    }
}

/* ---- all copies of a BROADCAST table ---- */

static void copies_done(struct exec *e)
{
    if (!exec_failed(e)) {
        returning_begin(e, &e->lanes[0]);
        while (returned_of(&e->lanes[0])->first && !exec_failed(e))
            returning_next(e, &e->lanes[0]);
    }
    exec_finish(e);
}

void returning_start(struct exec *e, const struct placeset *places)
{
    struct exec_lane *lanes;

    if (e->plan->route.kind != ROUTE_ALL_SHARDS) {
        gather_start(e, places);
        return;
    }
    lanes = exec_lanes_new(e, places->n);
    for (uint32_t i = 0; i < places->n; i++) {
        struct strbuf b;

        strbuf_init(&b, e->arena);
        optimizer_render(&e->plan->fragment, e->inputs, NULL, places->items[i].partition, e->arena, &b);
        lanes[i].sql = strbuf_sv(&b);
        lanes[i].shard_id = places->items[i].shard_id;
        lanes[i].place = places->items[i].partition;
        returning_collect(&lanes[i]);
    }
    if (!exec_begin(e, true)) {
        exec_finish(e);
        return;
    }
    exec_step(e, lanes, places->n, exec_need(e), copies_done);
}
