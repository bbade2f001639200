/* EXPLAIN: for each place that the statement goes to, its shard, partition and the SQL that it gets; behind them what Tessera
 * does with the answers. The statement is planned and routed, nothing is executed. */
#include "proxy/command.h"

#include "catalog/snapshot.h"
#include "optimizer/optimizer.h"
#include "parser/parse.h"
#include "proxy/env.h"
#include "proxy/resultset.h"
#include "router/place.h"

enum { SQL_SHOWN_MAX = 4096 };

struct explain_rows {
    struct sv *cells;
    size_t n, cap;
};

enum { COL_SHARD, COL_PARTITION, COL_SQL, COLS };

static const struct rs_col columns[COLS] = {
    [COL_SHARD] = {"shard", WIRE_VAR_STRING, 64, false},
    [COL_PARTITION] = {"partition", WIRE_VAR_STRING, 64, false},
    [COL_SQL] = {"sql", WIRE_VAR_STRING, SQL_SHOWN_MAX, false},
};

static void add(struct session *s, struct explain_rows *r, struct sv shard, struct sv partition, struct sv sql)
{
    struct arena *a = &s->stmt->arena;
    struct sv *row;

    if (r->n == r->cap) {
        size_t cap = MAX(r->cap * 2, (size_t)8);
        struct sv *cells = ARENA_NEW_N(a, struct sv, cap * COLS);

        if (r->n)
            memcpy(cells, r->cells, r->n * COLS * sizeof(*cells));
        r->cells = cells;
        r->cap = cap;
    }
    row = r->cells + COLS * r->n++;
    row[COL_SHARD] = shard;
    row[COL_PARTITION] = partition;
    row[COL_SQL] = sv_make(sql.ptr, MIN(sql.len, (size_t)SQL_SHOWN_MAX));
}

static struct sv shard_name(struct session *s, uint32_t id)
{
    const struct cat_shard *sh = cat_find_shard_id(session_snapshot(s), id);

    return sh ? sh->name : SV("?");
}

static struct sv partition_name(const struct plan *p, const struct placeref *place)
{
    if (p->route.kind != ROUTE_PARTITIONS || place->partition >= p->route.table->parts_n)
        return SV_NULL;
    return p->route.table->parts[place->partition].name;
}

/* What is done above the shards, as one text. */
static struct sv merging(struct session *s, const struct plan *p)
{
    const struct plan_top *t = p->top;
    struct strbuf b;

    strbuf_init(&b, &s->stmt->arena);
    strbuf_puts(&b, t && t->n_merge_order ? "ordered merge" : p->n_set_branches ? "union" : "merge");
    if (p->set_distinct)
        strbuf_puts(&b, " distinct");
    if (!t)
        return strbuf_sv(&b);
    if (t->aggregate)
        strbuf_printf(&b, " -> aggregate (%u groups keys, %u functions)", t->n_groups, t->n_aggs);
    if (t->having)
        strbuf_puts(&b, " -> filter (having)");
    if (t->n_project)
        strbuf_printf(&b, " -> project (%u columns)", t->n_project);
    if (t->distinct)
        strbuf_puts(&b, " -> distinct");
    if (t->n_sort)
        strbuf_puts(&b, t->limit.count ? " -> top n" : " -> sort");
    else if (t->limit.count)
        strbuf_puts(&b, " -> limit");
    return strbuf_sv(&b);
}

/* Rows of several-places forms: a template for each place. */
static void several(struct session *s, const struct plan *p, const struct placeset *places, struct explain_rows *r)
{
    struct stmt *st = s->stmt;

    for (uint32_t i = 0; i < places->n; i++) {
        const struct sql_template *t = p->kind == PLAN_MOVE ? &p->move->select : &p->fragment;
        struct strbuf b;

        strbuf_init(&b, &st->arena);
        optimizer_render(t, &st->inputs, p->top ? &p->top->limit : NULL, places->items[i].partition, &st->arena, &b);
        add(s, r, shard_name(s, places->items[i].shard_id), partition_name(p, &places->items[i]), strbuf_sv(&b));
    }
}

static void insert_rows(struct session *s, const struct plan *p, struct explain_rows *r)
{
    const struct insert_plan *in = p->insert;
    struct strbuf b;

    strbuf_init(&b, &s->stmt->arena);
    optimizer_render(&in->head, &s->stmt->inputs, NULL, 0, &s->stmt->arena, &b);
    strbuf_printf(&b, " ... %u row%s, each to the %s of its key", in->n_rows, in->n_rows == 1 ? "" : "s",
        in->table->kind == CAT_PARTITIONED ? "partition" : "shard");
    if (in->auto_col >= 0)
        strbuf_puts(&b, "; AUTO_INCREMENT values from the metadata");
    add(s, r, SV_NULL, SV_NULL, strbuf_sv(&b));
}

static bool explain(struct session *s, struct plan *p, struct explain_rows *r)
{
    struct stmt *st = s->stmt;
    struct placeset places;

    if (p->insert && p->insert->values_form && (p->insert->auto_col >= 0 || p->insert->n_rows > 1 || !p->n_edits)) {
        insert_rows(s, p, r);
        return true;
    }
    for (uint32_t i = 0; i < p->n_set_branches; i++) {
        const struct plan *b = p->set_branches[i];

        if (!optimizer_route(b, &st->inputs, session_snapshot(s), &st->arena, &places, &st->diag))
            return false;
        several(s, b, &places, r);
    }
    if (!p->n_set_branches) {
        if (!optimizer_route(p, &st->inputs, session_snapshot(s), &st->arena, &places, &st->diag))
            return false;
        if (places.n == 1 && p->kind != PLAN_MOVE) {
            struct strbuf b;

            strbuf_init(&b, &st->arena);
            optimizer_splice(p, &st->inputs, places.items[0].partition, 0, &b);
            add(s, r, shard_name(s, places.items[0].shard_id), partition_name(p, &places.items[0]), strbuf_sv(&b));
            return true;
        }
        if (!p->fragment.n_pieces && p->kind != PLAN_MOVE) {
            st->diag = p->refusal;
            return false;
        }
        several(s, p, &places, r);
    }
    if (p->kind == PLAN_SELECT)
        add(s, r, SV("tessera"), SV_NULL, merging(s, p));
    else if (p->kind == PLAN_MOVE)
        add(s, r, SV("tessera"), SV_NULL, SV("rows whose partition changes are deleted and inserted, the others updated"));
    else
        add(s, r, SV("tessera"), SV_NULL, SV("one transaction over the shards, counts added up"));
    return true;
}

void explain_run(struct session *s)
{
    const struct ast_explain *n = AST_AS_CONST(explain, s->stmt->ast);
    struct stmt *st = s->stmt;
    struct explain_rows rows = {0};
    struct stmt_scan scan = {0};
    struct plan *p;
    struct sv whole = st->text;
    struct parse_result again;
    bool ok;

    if (!n->stmt || n->analyze || n->analyze_stmt) {
        diag_set(&st->diag, ER_NOT_SUPPORTED_YET, !n->stmt ? "EXPLAIN FOR CONNECTION" : "EXPLAIN ANALYZE");
        session_reply_err(s, &st->diag);
        return;
    }
    /* The inner statement by itself: edits count its tokens, literals its slots. */
    st->text = sv_make(whole.ptr + n->stmt->begin, whole.len - n->stmt->begin);
    if (!parser_parse(st->text, 0, session_sql_opts(s), &st->arena, &again, &st->diag)) {
        session_reply_err(s, &st->diag);
        return;
    }
    stmt_scan_run(&scan, st->text, session_sql_opts(s), true);
    p = query_plan(s, again.stmt, st->text);
    ok = p != NULL;
    if (ok) {
        session_inputs(s, &scan);
        ok = explain(s, p, &rows);
        plan_release(p);
    }
    stmt_scan_free(&scan);
    if (!ok)
        session_reply_err(s, &st->diag);
    else
        resultset_send(s, columns, COLS, rows.cells, rows.n);
}
