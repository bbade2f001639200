/* Reads from several places: each gets its fragment, the rows are decoded into vectors and merged by operators, the result
 * is encoded for the client. Runs on the worker: rows of one read are queued in the sources, and a task pulls the operator tree
 * once behind the callback.
 *
 * The metadata that the client gets are the column definitions that a real shard gives for the statement as the client wrote it
 * (prepared there with physical names, while the fragments run), so that names, types and lengths are a server's. They are kept in
 * the plan where no literal of the select list can change them.
 *
 * Order of events: lanes are leased and sent; the first lane's column definitions type the sources and the tree is built; rows
 * wait until the metadata is there. When the tree is done before the lanes (LIMIT), the rest is read and dropped. */
#include "executor/exec-int.h"

#include "catalog/names.h"
#include "catalog/snapshot.h"
#include "executor/op.h"
#include "executor/sideq.h"
#include "types/sortkey.h"

struct gather {
    struct exec *e;
    struct op_ctx cx;
    struct op_sink sink;
    struct worker_task pump;
    struct acct acct;
    struct diag diag;
    const struct plan *const *branches; /* one, or those of a set operation */
    uint32_t n_branches;
    struct branch *b;
    struct op *root;
    struct sideq *meta;       /* asking for the metadata */
    uint32_t asked;           /* route.split_only: branches whose columns are known or told by their fragments */
    struct packet_coldef *defs;
    struct sql_type *def_types;
    uint32_t n_defs;
    struct sv *row;           /* cells of one row, for encoding */
    struct value *params;
    uint64_t skip, take;      /* SQL_CALC_FOUND_ROWS: the limit, which is applied behind the counting */
    bool built, root_done, sink_full, meta_out, lanes_over, failed;
    bool gave_up; /* not computed here: the statement goes on as an offload when the lanes are through */
    uint64_t rows;
    const struct batch *half; /* taken up to half_at only: the client's output was full */
    uint32_t half_at;
};

/* One SELECT of the statement: its lanes and their sources. */
struct branch {
    const struct plan *plan;
    uint32_t first_lane, n_lanes;
    struct placeref first; /* of its places */
    struct packet_coldef *cols;
    uint32_t n_cols;
    const struct packet_coldef *out; /* what comes out of it, where that is not what its fragments give */
    uint32_t n_out;
    bool typed;
    struct op *top;
};

struct gather_lane {
    struct op *src;
    struct branch *b;
    uint32_t n_cols;
    struct packet_coldef *cols;
    struct sv *cells;
    bool ended;
    uint32_t n_rows; /* that the shard sent */
};

static void pump(struct gather *g);

static struct gather *gather_of(struct exec *e)
{
    return e->step;
}

static struct gather_lane *state_of(struct exec_lane *l)
{
    return l->arg;
}

/* ---- failure ---- */

static void fail(struct gather *g, const struct diag *d)
{
    g->failed = true;
    exec_fail(g->e, d);
}

/* ---- the end: when the lanes are through and the tree is done, or after an error ---- */

/* Whether it is of the statement's constants, which one server says as often as one lane does: every lane with rows says it
 * equally often, and not once for each row that it sent. */
static bool said_by_all(const struct exec *e, const struct branch *b, const struct warning *w)
{
    enum { CONSTANTS_MAX = 64 }; /* more come from rows */
    bool grouped = b->plan->top && b->plan->top->aggregate, each_row = !grouped; /* grouped: rows sent are not rows read */
    uint32_t n = 0;

    for (uint32_t i = 0; i < b->n_lanes; i++) {
        const struct exec_lane *l = &e->lanes[b->first_lane + i];
        uint32_t here = l->warned->n > CONSTANTS_MAX ? 0 : warn_count(l->warned, w->code, w->text);
        uint32_t rows = ((const struct gather_lane *)l->arg)->n_rows;

        if (here ? n && here != n : rows > 0 && !grouped)
            return false;
        n = here ? here : n;
        each_row = each_row && rows == here;
    }
    return !each_row;
}

/* The first lane that says something of the statement as a whole says it for all. */
static bool is_repeated(const struct exec *e, const struct branch *b, uint32_t lane, const struct warning *w)
{
    for (uint32_t i = 0; i < lane; i++) {
        if (warn_count(e->lanes[b->first_lane + i].warned, w->code, w->text))
            return warn_is_deprecation(w->code) || said_by_all(e, b, w);
    }
    return false;
}

static void merge_warnings(struct gather *g)
{
    struct exec *e = g->e;

    for (uint32_t k = 0; k < g->n_branches; k++) {
        const struct branch *b = &g->b[k];

        for (uint32_t i = 0; i < b->n_lanes; i++) {
            const struct warn_sink *w = e->lanes[b->first_lane + i].warned;

            for (uint32_t j = 0; j < w->n; j++) {
                if (!is_repeated(e, b, i, &w->list[j]))
                    warn_add(e->warnings, w->list[j].level, w->list[j].code, "%.*s", SV_ARG(w->list[j].text));
            }
            e->warnings->total += w->total - w->n; /* more than the server keeps */
        }
    }
}

static void maybe_over(struct gather *g)
{
    struct exec *e = g->e;

    if (!g->lanes_over || g->meta)
        return;
    if (!exec_failed(e) && !g->root_done)
        return; /* the client's output is full, or rows are still to be pulled */
    worker_task_cancel(e->worker, &g->pump);
    op_close(g->root);
    for (uint32_t i = 0; i < e->n_lanes; i++)
        op_close(state_of(&e->lanes[i])->src); /* those that the tree never got */
    acct_close(&g->acct);
    if (g->gave_up && !exec_failed(e) && !e->cancelled) {
        e->drained = NULL;
        offload_start(e, true);
        return;
    }
    if (e->warnings && e->n_lanes)
        merge_warnings(g);
    if (!exec_failed(e) && e->taker) {
        e->drained = NULL;
        e->taker->done(e);
        return;
    }
    if (!exec_failed(e)) {
        e->outcome.kind = EXEC_ROWS;
        e->outcome.ok = (struct packet_ok){0};
        e->outcome.rows = g->rows;
        if (e->plan->n_into_vars)
            into_over(e);
    }
    exec_finish(e);
}

static void lanes_over(struct exec *e)
{
    struct gather *g = gather_of(e);

    g->lanes_over = true;
    if (exec_failed(e) && g->meta) {
        sideq_cancel(g->meta);
        g->meta = NULL;
    }
    if (exec_failed(e) || g->root_done)
        maybe_over(g);
    else
        worker_task_queue(e->worker, &g->pump);
}

/* After a failure that no lane told: lanes that only waited for a connection were taken back and tell nothing. */
static void failed_outside(struct gather *g)
{
    struct exec *e = g->e;

    if (!g->lanes_over && e->n_lanes && e->n_done == e->n_lanes && !e->in_start)
        lanes_over(e);
    else
        maybe_over(g);
}

/* What fails above the shards before the client got anything is for a server to say: it may not even compute what failed here. True: the
 * statement goes on as an offload when the lanes are through. */
static bool give_up(struct gather *g)
{
    struct exec *e = g->e;

    if (!e->plan->offload || e->taker || g->meta_out || e->cancelled || exec_failed(e))
        return false;
    g->gave_up = g->root_done = true;
    return true;
}

/* ---- the sink ---- */

static void put_metadata(struct gather *g)
{
    struct exec *e = g->e;

    g->meta_out = true;
    g->row = ARENA_NEW_N(e->arena, struct sv, g->n_defs);
    if (e->taker) {
        e->taker->columns(e, g->defs, g->n_defs);
        return;
    }
    e->meta_sent = true;
    if (!e->client || e->plan->n_into_vars)
        return;
    chan_put_column_count(e->client, g->n_defs);
    for (uint32_t i = 0; i < g->n_defs; i++)
        chan_put_coldef(e->client, &g->defs[i]);
    if (!(e->caps & CAP_DEPRECATE_EOF))
        chan_put_eof(e->client, e->host->status(e), 0);
}

enum { SCRATCH_BYTES = 256 << 10 };

static enum sink_result sink_batch(struct op_sink *s, const struct op *root, const struct batch *b)
{
    struct gather *g = CONTAINER_OF(s, struct gather, sink);
    struct exec *e = g->e;
    struct sel sel = batch_sel(b);
    uint32_t from = g->half == b ? g->half_at : 0;
    struct arena scratch;

    (void)root;
    if (b->n_cols < g->n_defs) {
        diag_set(&g->diag, ER_INTERNAL, "a merged result has fewer columns than its metadata");
        return SINK_ERROR;
    }
    if (!g->meta_out)
        put_metadata(g);
    g->half = NULL;
    arena_init(&scratch, 0);
    for (uint32_t k = from; k < sel.n; k++) {
        uint32_t row = SEL_ROW(&sel, k);
        struct strbuf text;
        size_t *ends = ARENA_NEW_N(&scratch, size_t, g->n_defs);
        size_t at = 0;

        strbuf_init(&text, &scratch);
        for (uint32_t i = 0; i < g->n_defs; i++) {
            bool there = vec_print(b->cols[i], row, &g->def_types[i], &text);

            ends[i] = there ? text.len : SIZE_MAX;
        }
        for (uint32_t i = 0; i < g->n_defs; i++) {
            g->row[i] = ends[i] == SIZE_MAX ? SV_NULL : sv_make(text.ptr ? text.ptr + at : "", ends[i] - at);
            at = ends[i] == SIZE_MAX ? at : ends[i];
        }
        if (e->taker) {
            if (!e->taker->row(e, g->row, g->n_defs))
                break;
            continue;
        }
        if (g->rows++ < g->skip || g->rows - g->skip > g->take)
            continue; /* SQL_CALC_FOUND_ROWS: counted only */
        if (e->plan->n_into_vars) {
            into_row(e, g->defs, g->n_defs, g->row);
            if (exec_failed(e))
                break;
            continue;
        }
        if (!e->client)
            continue;
        if (!e->binary) {
            chan_put_text_row(e->client, g->row, g->n_defs);
        } else if (!chan_put_binary_row(e->client, g->defs, g->row, g->n_defs)) {
            diag_set(&g->diag, ER_INTERNAL, "a value does not fit its column in the binary protocol");
            arena_free(&scratch);
            return SINK_ERROR;
        }
        if ((k & 63) == 63 || scratch.used_bytes > SCRATCH_BYTES)
            arena_reset(&scratch);
        /* Rows may be megabytes long: the rest of the batch waits where it is until the client has taken these. */
        if (k + 1 < sel.n && chan_out_full(e->client)) {
            g->half = b;
            g->half_at = k + 1;
            break;
        }
    }
    arena_free(&scratch);
    return e->client && !e->taker && chan_out_full(e->client) ? SINK_FULL : SINK_OK;
}

/* Lanes whose source can take rows again go on. */
static void resume_lanes(struct gather *g)
{
    for (uint32_t i = 0; i < g->e->n_lanes; i++) {
        struct exec_lane *l = &g->e->lanes[i];

        if (l->state == LANE_BUSY && l->conn->is_paused && (g->root_done || op_source_wants_rows(state_of(l)->src)))
            bconn_resume(l->conn);
    }
}

/* The rest of a batch first: it is the tree's until the tree is asked again. */
static enum op_run_result run(struct gather *g)
{
    if (g->half) {
        switch (sink_batch(&g->sink, g->root, g->half)) {
        case SINK_OK:
            break;
        case SINK_FULL:
            return OP_RUN_SINK_FULL;
        case SINK_ERROR:
            return OP_RUN_ERROR;
        }
    }
    return op_run(g->root, &g->sink);
}

static void pump(struct gather *g)
{
    struct exec *e = g->e;

    if (!g->built || !g->defs || g->root_done || exec_failed(e))
        return;
    if (g->sink_full && e->client && chan_out_full(e->client))
        return;
    g->sink_full = false;
    switch (run(g)) {
    case OP_RUN_BLOCKED:
        break;
    case OP_RUN_SINK_FULL:
        g->sink_full = true;
        e->client_full = true;
        return;
    case OP_RUN_DONE:
        g->root_done = true;
        if (!g->meta_out)
            put_metadata(g);
        break;
    case OP_RUN_ERROR:
        if (!diag_is_set(&g->diag))
            diag_set(&g->diag, ER_INTERNAL, "an operator failed without a reason");
        if (give_up(g))
            break;
        fail(g, &g->diag);
        failed_outside(g);
        return;
    }
    resume_lanes(g);
    maybe_over(g);
}

static void pump_task(struct worker_task *t)
{
    pump(CONTAINER_OF(t, struct gather, pump));
}

static void drained(struct exec *e)
{
    struct gather *g = e->step;

    if (g->sink_full)
        worker_task_queue(e->worker, &g->pump);
}

/* ---- building the tree ---- */

/* The column of a stage's input that a key is compared by: the weight, unless the value turns out to be no string. */
static uint32_t key_col(const struct op *in, const struct merge_key *k)
{
    return k->weight_col == NO_COL || !type_is_string(op_type(in, k->col)) ? k->col : k->weight_col;
}

static struct sort_col *sort_cols(struct exec *e, const struct op *in, const struct merge_key *keys, uint32_t n)
{
    struct sort_col *out = ARENA_NEW_N(e->arena, struct sort_col, n);

    for (uint32_t i = 0; i < n; i++)
        out[i] = (struct sort_col){.col = key_col(in, &keys[i]), .desc = keys[i].desc};
    return out;
}

static const struct bexpr *weight_arg(struct exec *e, const struct op *in, const struct merge_agg *m, uint16_t arg)
{
    struct merge_key k = {.col = m->args[arg], .weight_col = m->weights[arg]};
    uint32_t col = key_col(in, &k);

    return bexpr_column(e->arena, col, *op_type(in, col));
}

/* Strings whose collation is not native: MIN and MAX compare by the weight, DISTINCT and the order of GROUP_CONCAT too. args has room
 * for as many again. */
static void use_weights(struct exec *e, const struct op *in, const struct merge_agg *m, struct op_agg *a, const struct bexpr **args)
{
    bool one = m->spec.fn == AGG_MIN || m->spec.fn == AGG_MAX;
    uint32_t n = one ? 1 : !m->spec.distinct ? 0 : m->spec.fn == AGG_GROUP_CONCAT ? m->spec.n_value_args : m->n_args;

    if (one && (m->weights[0] == NO_COL || !type_is_string(op_type(in, m->args[0]))))
        return;
    for (uint32_t k = 0; k < n; k++)
        args[m->n_args + k] = weight_arg(e, in, m, (uint16_t)k);
    a->spec.n_keys = n;
    a->n_args += n;
    for (uint32_t k = 0; k < m->spec.n_order; k++)
        args[m->spec.order[k].arg] = weight_arg(e, in, m, (uint16_t)m->spec.order[k].arg);
}

static struct op *build_aggregate(struct gather *g, struct branch *b, struct op *in)
{
    struct exec *e = g->e;
    const struct plan_top *t = b->plan->top;
    const struct bexpr **groups = ARENA_NEW_N(e->arena, const struct bexpr *, t->n_groups);
    struct op_agg *aggs = ARENA_NEW_N(e->arena, struct op_agg, t->n_aggs);
    const struct bexpr **order;
    bool *by_weight = ARENA_NEW_N(e->arena, bool, t->n_groups);
    uint32_t *first = ARENA_NEW_N(e->arena, uint32_t, t->n_groups + 1), n_first = 0;
    struct op *o;

    for (uint32_t i = 0; i < t->n_groups; i++) {
        uint32_t col = key_col(in, &t->groups[i]);

        groups[i] = bexpr_column(e->arena, col, *op_type(in, col));
        if (col != t->groups[i].col)
            first[n_first++] = t->groups[i].col;
    }
    for (uint32_t i = 0; i < t->n_aggs; i++) {
        const struct merge_agg *m = &t->aggs[i];
        const struct bexpr **args = ARENA_NEW_N(e->arena, const struct bexpr *, m->n_args * 2u + 1);

        for (uint16_t k = 0; k < m->n_args; k++)
            args[k] = bexpr_column(e->arena, m->args[k], *op_type(in, m->args[k]));
        aggs[i] = (struct op_agg){.spec = m->spec, .args = args, .n_args = m->n_args};
        if (m->weights)
            use_weights(e, in, m, &aggs[i], args);
    }
    for (uint32_t i = 0; i < t->n_groups; i++)
        by_weight[i] = key_col(in, &t->groups[i]) != t->groups[i].col;
    o = op_aggregate_new(&g->cx, in, groups, t->n_groups, aggs, t->n_aggs, first, n_first);
    if (!o || !n_first)
        return o;
    /* Groups that were compared by weight show their value: put those columns back to their places. */
    order = ARENA_NEW_N(e->arena, const struct bexpr *, t->n_groups + t->n_aggs);
    n_first = 0;
    for (uint32_t i = 0; i < t->n_groups; i++) {
        uint32_t col = by_weight[i] ? t->n_groups + t->n_aggs + n_first++ : i;

        order[i] = bexpr_column(e->arena, col, *op_type(o, col));
    }
    for (uint32_t i = 0; i < t->n_aggs; i++)
        order[t->n_groups + i] = bexpr_column(e->arena, t->n_groups + i, *op_type(o, t->n_groups + i));
    return op_project_new(&g->cx, o, order, t->n_groups + t->n_aggs);
}

/* DISTINCT by keys that may be weights: keys first, then everything, then back. */
static struct op *build_distinct(struct gather *g, const struct plan_top *t, struct op *in)
{
    struct exec *e = g->e;
    uint32_t n = op_n_cols(in), k = t->n_distinct_keys;
    const struct bexpr **exprs = ARENA_NEW_N(e->arena, const struct bexpr *, n + k);
    struct op *o;

    if (!k)
        return op_distinct_new(&g->cx, in, 0);
    for (uint32_t i = 0; i < k; i++) {
        uint32_t col = key_col(in, &t->distinct_keys[i]);

        exprs[i] = bexpr_column(e->arena, col, *op_type(in, col));
    }
    for (uint32_t i = 0; i < n; i++)
        exprs[k + i] = bexpr_column(e->arena, i, *op_type(in, i));
    o = op_project_new(&g->cx, in, exprs, n + k);
    o = o ? op_distinct_new(&g->cx, o, k) : NULL;
    if (!o)
        return NULL;
    for (uint32_t i = 0; i < n; i++)
        exprs[i] = bexpr_column(e->arena, k + i, *op_type(o, k + i));
    return op_project_new(&g->cx, o, exprs, n);
}

/* sql_select_limit counts for what goes to the client and has no LIMIT of its own. */
static uint64_t unstated_limit(const struct exec *e)
{
    return e->plan->kind == PLAN_SELECT && !e->taker ? e->select_limit : UINT64_MAX;
}

/* Whether something is computed of a string that a shard sent. */
static bool computes_with_strings(const struct op *in, const struct bexpr *b, bool below)
{
    if (!b)
        return false;
    if (b->kind == BEXPR_COLUMN)
        return below && type_is_string(op_type(in, b->ordinal)) && op_type(in, b->ordinal)->coll != TYPE_COLL_BINARY;
    for (uint32_t i = 0; i < b->n_args; i++) {
        if (computes_with_strings(in, b->args[i], true))
            return true;
    }
    return false;
}

/* Whether it gives names of months and days, which are English here. */
static bool gives_names(const struct bexpr *b)
{
    static const char *const names[] = {"monthname", "dayname", "date_format", "str_to_date"};

    if (!b)
        return false;
    for (size_t i = 0; b->func && i < ARRAY_LEN(names); i++) {
        if (sv_eq_nocase(sv_cstr(func_name(b->func)), sv_cstr(names[i])))
            return true;
    }
    for (uint32_t i = 0; i < b->n_args; i++) {
        if (gives_names(b->args[i]))
            return true;
    }
    return false;
}

/* What the client's settings would make of these expressions, and this process cannot. */
static bool refuse_foreign(struct gather *g, const struct plan_top *t, const struct op *in)
{
    const struct exec *e = g->e;
    bool strings = computes_with_strings(in, t->having, true), names = gives_names(t->having);

    if (e->taker || (!e->foreign_results && !e->foreign_names))
        return true;
    for (uint32_t i = 0; i < t->n_project; i++) {
        strings = strings || computes_with_strings(in, t->project[i], false);
        names = names || gives_names(t->project[i]);
    }
    if (strings && e->foreign_results)
        return diag_set(&g->diag, ER_NOT_SUPPORTED_YET, "computing with strings of several places while character_set_results is not utf8mb4");
    return !names || !e->foreign_names ||
        diag_set(&g->diag, ER_NOT_SUPPORTED_YET, "names of months and days over several places in another language");
}

/* The stages of plan.h in their order. */
static struct op *build_stages(struct gather *g, struct branch *b, const struct plan_top *t, struct op *in)
{
    struct exec *e = g->e;
    uint64_t offset = 0, count = UINT64_MAX;
    struct op *o = in;

    if (t->aggregate && o)
        o = build_aggregate(g, b, o);
    if (o && !refuse_foreign(g, t, o)) {
        op_close(o);
        return NULL;
    }
    if (t->having && o)
        o = op_filter_new(&g->cx, o, t->having);
    if (t->n_project && o)
        o = op_project_new(&g->cx, o, t->project, t->n_project);
    if (t->distinct && o)
        o = build_distinct(g, t, o);
    if (!optimizer_limit(&t->limit, e->inputs, &offset, &count, &g->diag)) {
        op_close(o);
        return NULL;
    }
    if (!t->limit.count && t == e->plan->top)
        count = unstated_limit(e);
    if (e->plan->calc_found_rows && t == e->plan->top) {
        g->skip = offset;
        g->take = count;
        offset = 0;
        count = UINT64_MAX;
    }
    if (t->n_sort && o) {
        struct sort_col *cols = sort_cols(e, o, t->sort, t->n_sort);

        if (count != UINT64_MAX || offset)
            return op_topn_new(&g->cx, o, cols, t->n_sort, count, offset);
        return op_sort_new(&g->cx, o, cols, t->n_sort);
    }
    if ((count != UINT64_MAX || offset) && o)
        o = op_limit_new(&g->cx, o, count, offset);
    return o;
}

static struct op *build_branch(struct gather *g, struct branch *b)
{
    struct exec *e = g->e;
    const struct plan_top *t = b->plan->top;
    struct op **srcs = ARENA_NEW_N(e->arena, struct op *, b->n_lanes);
    struct op *o;

    for (uint32_t i = 0; i < b->n_lanes; i++)
        srcs[i] = state_of(&e->lanes[b->first_lane + i])->src;
    if (t && t->n_merge_order)
        o = op_merge_new(&g->cx, srcs, b->n_lanes, sort_cols(e, srcs[0], t->merge_order, t->n_merge_order), t->n_merge_order);
    else
        o = op_union_all_new(&g->cx, srcs, b->n_lanes, NULL);
    return t && o ? build_stages(g, b, t, o) : o;
}

/* The types of a set operation's columns. Column definitions say only the character set of the result: the collation by which duplicates
 * are found and rows are sorted is the planner's. */
static const struct sql_type *set_types(struct gather *g)
{
    const struct plan_top *t = g->e->plan->top;
    struct sql_type *types = ARENA_NEW_N(g->e->arena, struct sql_type, g->n_defs + 1);

    for (uint32_t i = 0; i < g->n_defs; i++)
        types[i] = g->def_types[i];
    for (uint32_t i = 0; t && i < (uint32_t)t->n_distinct_keys + t->n_sort; i++) {
        const struct merge_key *k = i < t->n_distinct_keys ? &t->distinct_keys[i] : &t->sort[i - t->n_distinct_keys];

        if (k->coll && k->col < g->n_defs && type_is_string(&types[k->col]) && types[k->col].coll != TYPE_COLL_BINARY)
            types[k->col].coll = k->coll;
    }
    return types;
}

/* Rows that go to the client as they come have no stage that could limit them. False: there is no root. */
static bool limit_untopped(struct gather *g)
{
    uint64_t count = unstated_limit(g->e);

    if (g->root && !g->e->plan->top && count != UINT64_MAX)
        g->root = op_limit_new(&g->cx, g->root, count, 0);
    return g->root != NULL;
}

static bool build(struct gather *g)
{
    struct exec *e = g->e;
    const struct plan *p = e->plan;
    struct op **tops;

    if (!p->n_set_branches) {
        g->root = build_branch(g, &g->b[0]);
        return limit_untopped(g);
    }
    tops = ARENA_NEW_N(e->arena, struct op *, g->n_branches);
    for (uint32_t i = 0; i < g->n_branches; i++) {
        tops[i] = build_branch(g, &g->b[i]);
        if (!tops[i]) {
            for (uint32_t k = 0; k < i; k++)
                op_close(tops[k]);
            return false;
        }
        /* What a branch has sorted by is not in the union. */
        if (g->b[i].plan->top && g->b[i].plan->top->n_hidden)
            tops[i] = op_narrow_new(&g->cx, tops[i], op_n_cols(tops[i]) - g->b[i].plan->top->n_hidden);
    }
    g->root = op_union_all_new(&g->cx, tops, g->n_branches, set_types(g));
    if (g->root && p->set_distinct)
        g->root = p->top ? build_distinct(g, p->top, g->root) : op_distinct_new(&g->cx, g->root, 0);
    if (g->root && p->top)
        g->root = build_stages(g, NULL, p->top, g->root);
    return limit_untopped(g);
}

static void set_defs(struct gather *g, struct packet_coldef *defs, uint32_t n)
{
    g->defs = defs;
    g->n_defs = n;
    /* A set operation's columns belong to no table; PREPARE tells those of its first SELECT. */
    for (uint32_t i = 0; i < n && g->e->plan->n_set_branches; i++)
        defs[i].table = defs[i].org_table = defs[i].schema = SV("");
    /* Without a temporary table (UNION ALL, no order) a server does not even know the column's own name. */
    for (uint32_t i = 0; i < n && g->e->plan->n_set_branches; i++)
        defs[i].org_name = g->e->plan->set_distinct || (g->e->plan->top && g->e->plan->top->n_sort) ? defs[i].name : SV("");
    g->def_types = ARENA_NEW_N(g->e->arena, struct sql_type, n);
    for (uint32_t i = 0; i < n; i++) {
        type_from_coldef(&g->def_types[i], defs[i].type, defs[i].flags, defs[i].charset, defs[i].length, defs[i].decimals);
        /* Six digits are how the text protocol writes a FLOAT; whoever else takes the value takes all of it. */
        if (g->def_types[i].code == TYPE_FLOAT && (g->e->binary || g->e->taker || g->e->plan->n_into_vars))
            g->def_types[i].code = TYPE_DOUBLE;
    }
}

static uint32_t branch_n_cols(const struct branch *b)
{
    return b->out ? b->n_out : b->n_cols;
}

static const struct packet_coldef *branch_col(const struct branch *b, uint32_t i)
{
    return b->out ? &b->out[i] : &b->cols[i];
}

/* A UNION whose branches have no shard in common cannot be prepared anywhere as a whole: its columns are the first branch's, of
 * the types that all branches unify to. */
static bool unify_defs(struct gather *g)
{
    struct exec *e = g->e;
    const struct branch *first = &g->b[0];
    uint32_t n = first->out ? first->n_out
        : first->plan->n_visible ? first->plan->n_visible
        : first->n_cols - (first->plan->top ? first->plan->top->n_hidden : 0u);
    struct packet_coldef *defs = ARENA_NEW_N(e->arena, struct packet_coldef, n);
    struct func_arg *args = ARENA_NEW_N(e->arena, struct func_arg, g->n_branches);

    for (uint32_t i = 0; i < n; i++) {
        struct sql_type t;
        bool same = true, not_null = true;
        uint32_t length = 0;
        uint16_t charset = TYPE_COLL_BINARY; /* of the first text among them */

        for (uint32_t k = 0; k < g->n_branches; k++) {
            const struct packet_coldef *c = branch_col(i < branch_n_cols(&g->b[k]) ? &g->b[k] : first, i);

            args[k] = (struct func_arg){.dec_scale = FUNC_SCALE_OF_TYPE};
            type_from_coldef(&args[k].type, c->type, c->flags, c->charset, c->length, c->decimals);
            same = same && args[k].type.code == args[0].type.code && args[k].type.decimals == args[0].type.decimals &&
                type_is_unsigned(&args[k].type) == type_is_unsigned(&args[0].type);
            not_null = not_null && (c->flags & WIRE_FLAG_NOT_NULL);
            length = MAX(length, c->length);
            if (charset == TYPE_COLL_BINARY)
                charset = c->charset;
        }
        defs[i] = *branch_col(first, i);
        defs[i].flags = (uint16_t)((defs[i].flags & (WIRE_FLAG_UNSIGNED | WIRE_FLAG_BINARY | WIRE_FLAG_NUM | WIRE_FLAG_BLOB)) |
            (not_null ? WIRE_FLAG_NOT_NULL : 0));
        defs[i].length = length;
        if (same)
            continue;
        if (!func_unify_types(args, g->n_branches, "UNION", e->env, &t, &g->diag))
            return false;
        defs[i].type = t.code;
        defs[i].length = t.length;
        defs[i].decimals = t.decimals;
        defs[i].charset = type_is_string(&t) && t.coll != TYPE_COLL_BINARY ? charset : TYPE_COLL_BINARY;
        defs[i].flags = (uint16_t)(t.flags & (not_null ? ~0 : ~WIRE_FLAG_NOT_NULL));
    }
    set_defs(g, defs, n);
    return true;
}

/* RETURNING: the fragment's columns are the statement's, and preparing the statement tells none. */
static void returned_defs(struct gather *g, const struct branch *b)
{
    struct packet_coldef *defs = ARENA_NEW_N(g->e->arena, struct packet_coldef, b->n_cols);

    for (uint32_t i = 0; i < b->n_cols; i++) {
        defs[i] = b->cols[i];
        exec_logical_coldef(g->e, &defs[i]);
    }
    set_defs(g, defs, b->n_cols);
}

/* Builds when every branch knows its columns (and, for set operations, the common types are there). */
static void maybe_build(struct gather *g)
{
    if (g->built || exec_failed(g->e))
        return;
    for (uint32_t i = 0; i < g->n_branches; i++) {
        if (!g->b[i].typed)
            return;
    }
    if (g->e->plan->n_set_branches && !g->defs && (!g->e->plan->route.split_only || g->asked < g->n_branches))
        return;
    g->built = true;
    if ((g->e->plan->route.split_only && !g->defs && !unify_defs(g)) || !build(g)) {
        if (!diag_is_set(&g->diag))
            diag_set(&g->diag, ER_INTERNAL, "the operators of a merged result could not be made");
        if (give_up(g))
            resume_lanes(g);
        else
            fail(g, &g->diag);
    }
}

/* ---- lanes ---- */

static void lane_meta(struct bcmd *cmd, uint32_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct gather_lane *st = state_of(l);

    st->n_cols = n;
    st->cols = ARENA_NEW_N(l->e->arena, struct packet_coldef, n);
    st->cells = ARENA_NEW_N(l->e->arena, struct sv, n);
}

static void lane_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);

    (void)payload;
    packet_coldef_copy(l->e->arena, &state_of(l)->cols[i], col);
}

/* The sources of all lanes of the branch get the types of the first lane that told them. */
static void lane_meta_end(struct bcmd *cmd)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct gather_lane *st = state_of(l);
    struct branch *b = st->b;
    struct exec *e = l->e;
    struct gather *g = gather_of(e);
    struct sql_type *types;

    if (b->typed) {
        if (st->n_cols != b->n_cols) {
            struct diag d = {0};

            /* An ALTER TABLE came between the reads of two partitions. */
            diag_set(&d, ER_TABLE_DEF_CHANGED);
            fail(g, &d);
        }
        return;
    }
    types = ARENA_NEW_N(e->arena, struct sql_type, st->n_cols);
    for (uint32_t i = 0; i < st->n_cols; i++) {
        const struct packet_coldef *c = &st->cols[i];

        type_from_coldef(&types[i], c->type, c->flags, c->charset, c->length, c->decimals);
        if (b->plan->col_colls && i < b->plan->n_col_colls && b->plan->col_colls[i])
            types[i].coll = b->plan->col_colls[i];
    }
    b->cols = st->cols;
    b->n_cols = st->n_cols;
    b->typed = true;
    if (e->plan->kind != PLAN_SELECT || e->taker)
        returned_defs(g, b);
    for (uint32_t i = 0; i < b->n_lanes; i++)
        state_of(&e->lanes[b->first_lane + i])->src = op_source_new(&g->cx, types, b->n_cols);
    /* Lanes that ended before any columns were known do not exist: each reply brings columns or an error. */
    maybe_build(g);
}

/* Another piece waits for a connection - for this one, or for one that somebody holds who may wait for this one - so it must be
 * read to the end whatever the tree wants. */
static bool others_wait(const struct exec *e)
{
    const struct gather *g = e->step;

    if (g->meta)
        return true;
    for (uint32_t i = 0; i < e->n_lanes; i++) {
        if (e->lanes[i].state == LANE_LEASING)
            return true;
    }
    return false;
}

static void lane_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct gather_lane *st = state_of(l);
    struct exec *e = l->e;
    struct gather *g = gather_of(e);

    st->n_rows++;
    if (exec_failed(e) || g->root_done)
        return;
    if (!rowtext_decode(payload, n, st->cells, st->n_cols)) {
        diag_set(&g->diag, ER_MALFORMED_PACKET);
        fail(g, &g->diag);
        return;
    }
    if (!op_source_push_row(st->src, st->cells)) {
        fail(g, &g->diag);
        return;
    }
    worker_task_queue(e->worker, &g->pump);
    if (op_source_full(st->src) && !others_wait(e))
        bconn_pause(l->conn);
}

static void lane_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct gather_lane *st = state_of(l);
    struct exec *e = l->e;

    (void)is_result, (void)payload;
    if (more)
        return;
    st->ended = true;
    if (st->src)
        op_source_end(st->src);
    worker_task_queue(e->worker, &gather_of(e)->pump);
    exec_lane_ok(l, ok);
}

enum { NOT_IN_GROUP_BY = 1055 };

/* ONLY_FULL_GROUP_BY may not see of a fragment's columns what it sees of the statement's (MariaDB: NULLIF(x, x) grouped by itself). */
static void lane_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct gather *g = gather_of(l->e);

    if (err->code != NOT_IN_GROUP_BY || !(g->gave_up || give_up(g))) {
        exec_on_err(cmd, err, payload);
        return;
    }
    l->result = (struct txn_result){.done = TXN_DONE_ERROR, .error_code = err->code};
    resume_lanes(g);
    exec_lane_over(l);
}

static const struct bcmd_ops lane_ops = {
    .on_meta = lane_meta,
    .on_coldef = lane_coldef,
    .on_meta_end = lane_meta_end,
    .on_row = lane_row,
    .on_ok = lane_ok,
    .on_err = lane_err,
    .on_lost = exec_on_lost,
};

/* ---- metadata of the result ---- */

static void have_metadata(void *arg, struct sideq_result *r)
{
    struct gather *g = arg;
    struct exec *e = g->e;

    g->meta = NULL;
    if (diag_is_set(&r->diag)) {
        fail(g, &r->diag);
        failed_outside(g);
        return;
    }
    if (e->plan->meta_is_stable && !e->plan->meta_defs) {
        struct packet_coldef *keep = ARENA_NEW_N(&e->plan->arena, struct packet_coldef, r->n_cols);

        for (uint32_t i = 0; i < r->n_cols; i++)
            packet_coldef_copy(&e->plan->arena, &keep[i], &r->cols[i]);
        e->plan->meta_defs = keep;
        e->plan->n_meta_defs = r->n_cols;
    }
    set_defs(g, r->cols, r->n_cols);
    maybe_build(g);
    worker_task_queue(e->worker, &g->pump);
    failed_outside(g);
}

static void ask_branches(struct gather *g);

static void have_branch(void *arg, struct sideq_result *r)
{
    struct gather *g = arg;
    struct branch *b = &g->b[g->asked++];

    g->meta = NULL;
    if (diag_is_set(&r->diag)) {
        fail(g, &r->diag);
        failed_outside(g);
        return;
    }
    b->out = r->cols;
    b->n_out = r->n_cols;
    if (!exec_failed(g->e))
        ask_branches(g);
    maybe_build(g);
    worker_task_queue(g->e->worker, &g->pump);
    failed_outside(g);
}

/* The columns of those branches whose fragments tell them not, one after the other. */
static void ask_branches(struct gather *g)
{
    struct exec *e = g->e;
    struct strbuf sql;

    while (g->asked < g->n_branches && g->b[g->asked].plan->as_written.n_pieces == 0)
        g->asked++;
    if (g->asked < g->n_branches) {
        const struct branch *b = &g->b[g->asked];
        struct sideq_args a = {.kind = SIDEQ_PREPARE, .shard_id = b->first.shard_id, .wanted = e->wanted, .names = exec_scope(e),
            .arena = e->arena, .done = have_branch, .arg = g};

        strbuf_init(&sql, e->arena);
        optimizer_render(&b->plan->as_written, e->inputs, NULL, b->first.partition, e->arena, &sql);
        a.sql = strbuf_sv(&sql);
        g->meta = sideq_start(e->worker, &a);
    }
}

static void ask_metadata(struct gather *g, uint32_t place, uint32_t shard_id)
{
    struct exec *e = g->e;
    struct sideq_args a = {
        .kind = SIDEQ_PREPARE,
        .shard_id = shard_id,
        .wanted = e->wanted,
        .names = exec_scope(e),
        .arena = e->arena,
        .done = have_metadata,
        .arg = g,
    };

    if (e->plan->route.split_only)
        ask_branches(g);
    if (e->plan->route.split_only || e->plan->kind != PLAN_SELECT || e->taker)
        return; /* unify_defs, returned_defs */
    if (e->result_defs) {
        set_defs(g, e->result_defs, e->n_result_defs);
        return;
    }
    if (e->plan->meta_defs) {
        set_defs(g, e->plan->meta_defs, e->plan->n_meta_defs);
        return;
    }
    a.sql = relay_text(e, place);
    g->meta = sideq_start(e->worker, &a);
}

/* ---- start ---- */

static bool make_params(struct gather *g)
{
    struct exec *e = g->e;
    const struct plan *p = e->plan;

    g->params = ARENA_NEW_N(e->arena, struct value, p->n_expr_params + 1u);
    for (uint16_t i = 0; i < p->n_expr_params; i++) {
        if (!optimizer_value(p->expr_params[i], e->inputs, e->arena, &g->params[i]))
            return diag_set(&g->diag, ER_INTERNAL, "a malformed literal");
    }
    g->cx.params = g->params;
    g->cx.n_params = p->n_expr_params;
    return true;
}

static void make_lanes(struct gather *g, struct branch *b, const struct placeset *places, struct exec_lane *lanes)
{
    struct exec *e = g->e;
    const struct plan *p = b->plan;

    for (uint32_t i = 0; i < b->n_lanes; i++) {
        struct exec_lane *l = &lanes[b->first_lane + i];
        struct gather_lane *st = ARENA_NEW(e->arena, struct gather_lane);
        struct strbuf sql;

        strbuf_init(&sql, e->arena);
        optimizer_render(&p->fragment, e->inputs, p->top ? &p->top->limit : NULL, places->items[i].partition, e->arena, &sql);
        l->sql = strbuf_sv(&sql);
        l->shard_id = places->items[i].shard_id;
        l->place = places->items[i].partition;
        l->ops = &lane_ops;
        l->arg = st;
        st->b = b;
        if (e->warnings) {
            l->warned = ARENA_NEW(e->arena, struct warn_sink);
            warn_sink_init(l->warned, e->arena, e->warnings->max);
        }
    }
}

/* Where the statement as a whole can be prepared: a branch that only reads copies goes to any shard, the others' tables are where
 * their places are. */
static struct placeref statement_place(const struct gather *g)
{
    for (uint32_t i = 0; i < g->n_branches; i++)
        if (g->b[i].plan->route.kind == ROUTE_PARTITIONS)
            return g->b[i].first;
    return g->b[0].first;
}

void gather_start(struct exec *e, const struct placeset *places)
{
    struct gather *g = ARENA_NEW(e->arena, struct gather);
    const struct plan *p = e->plan;
    struct placeset *sets;
    struct exec_lane *lanes;
    struct placeref at;
    uint32_t n = 0;

    e->step = g;
    e->drained = drained;
    g->e = e;
    g->take = UINT64_MAX;
    g->pump.fn = pump_task;
    g->sink.batch = sink_batch;
    acct_init(&g->acct, &e->shared->memory, "query", e->shared->query_memory);
    g->cx = (struct op_ctx){.env = e->env, .arena = e->arena, .acct = &g->acct, .diag = &g->diag,
        .batch_rows = e->shared->batch_rows, .cancelled = &e->cancelled};
    g->n_branches = p->n_set_branches ? p->n_set_branches : 1;
    g->b = ARENA_NEW_N(e->arena, struct branch, g->n_branches);
    sets = ARENA_NEW_N(e->arena, struct placeset, g->n_branches);
    for (uint32_t i = 0; i < g->n_branches; i++) {
        g->b[i].plan = p->n_set_branches ? p->set_branches[i] : p;
        if (!p->n_set_branches)
            sets[i] = *places;
        else if (!optimizer_route(g->b[i].plan, e->inputs, e->snapshot, e->arena, &sets[i], &g->diag))
            break;
        g->b[i].first_lane = n;
        g->b[i].n_lanes = sets[i].n;
        g->b[i].first = sets[i].items[0];
        n += sets[i].n;
    }
    if (diag_is_set(&g->diag) || !make_params(g) || (!e->taker && !exec_begin(e, true))) {
        if (diag_is_set(&g->diag))
            exec_fail(e, &g->diag);
        acct_close(&g->acct);
        exec_finish(e);
        return;
    }
    lanes = exec_lanes_new(e, n);
    for (uint32_t i = 0; i < g->n_branches; i++)
        make_lanes(g, &g->b[i], &sets[i], lanes);
    exec_calc_deprecated(e);
    at = statement_place(g);
    ask_metadata(g, at.partition, at.shard_id);
    if (exec_failed(e)) {
        g->lanes_over = true;
        maybe_over(g);
        return;
    }
    exec_step(e, lanes, n, e->taker ? TXN_NEED_WRITE : exec_need(e), lanes_over);
}
