/* Queries: SELECT, VALUES, TABLE and set operations.
 *
 * Always tried first is one place: the statement as the client wrote it. It is right if everything that is read is there:
 * no partitioned table; or all of one group, which then need the same partition. Next, several places: a pushable block is split
 * (split.c); a UNION becomes a plan for each branch with the union on top. What remains is refused in several places only
 * (plan->refusal): the same statement is still executed whenever its values lead to one place. */
#include "optimizer/opt-int.h"

static void flags_of_query(struct opt *o)
{
    struct plan *p = o->plan;

    p->kind = PLAN_SELECT;
    p->returns_rows = true;
    p->reads_only = !o->binder.has_locks && p->n_assigned_vars == 0;
}

/* ---- unions ---- */

struct branch_list {
    const struct plan **items;
    uint16_t n, cap;
};

static void branch_add(struct opt *o, struct branch_list *l, const struct plan *p)
{
    if (l->n == l->cap) {
        uint16_t cap = l->cap ? (uint16_t)(l->cap * 2) : 4;
        const struct plan **grown = ARENA_NEW_N(o->arena, const struct plan *, cap);

        if (l->n)
            memcpy(grown, l->items, l->n * sizeof *grown);
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->n++] = p;
}

struct query_whole {
    const struct cat_table *part;
    bool single, mixed;
    uint32_t shard;
};

/* Is source s read by query q (in its FROM, its subqueries or derived tables)? Sources of a query have consecutive ids. */
struct id_range {
    unsigned first, end;
};

static void ids_of_block(const struct block *bl, struct id_range *r);

static void ids_of_query(const struct query *q, struct id_range *r)
{
    if (q->block) {
        ids_of_block(q->block, r);
        return;
    }
    ids_of_query(q->left, r);
    if (q->right)
        ids_of_query(q->right, r);
}

static void ids_of_block(const struct block *bl, struct id_range *r)
{
    for (unsigned i = 0; i < bl->n_sources; i++) {
        const struct source *s = bl->sources[i];

        r->first = MIN(r->first, (unsigned)s->id);
        r->end = MAX(r->end, (unsigned)s->id + 1);
        if (s->query)
            ids_of_query(s->query, r);
    }
    for (const struct subquery *s = bl->subqueries; s; s = s->next)
        ids_of_query(s->query, r);
}

/* What a branch by itself reads. */
static struct whole whole_of(const struct opt *o, const struct query *q)
{
    struct id_range r = {UINT32_MAX, 0};
    struct opt part = *o;

    ids_of_query(q, &r);
    if (r.first >= r.end) {
        part.binder.n_sources = 0;
        return opt_whole(&part);
    }
    part.binder.sources = o->binder.sources + r.first;
    part.binder.n_sources = (uint16_t)(r.end - r.first);
    return opt_whole(&part);
}

static const struct plan *plan_branch(struct opt *o, const struct query *q, struct diag *why);

static void flatten(struct opt *o, const struct query *q, bool distinct, bool top, struct branch_list *l, struct diag *why)
{
    const struct plan *p;

    if (why->code)
        return;
    /* A union inside a union dissolves if it has no tail of its own, and duplicates end the same way. */
    if (!q->block && q->right && q->op == AST_UNION && (top || (!q->has_order && !q->has_limit && (distinct || q->all)))) {
        flatten(o, q->left, distinct, false, l, why);
        flatten(o, q->right, distinct, false, l, why);
        return;
    }
    p = plan_branch(o, q, why);
    if (p)
        branch_add(o, l, p);
}

/* ORDER BY and LIMIT of a union: over its output columns only. */
static bool union_tail(struct opt *o, const struct query *q, struct plan *p, struct plan_top *top)
{
    const struct ast_query *a = (const struct ast_query *)(const void *)q->node;
    const struct block *first = bind_first_block(q);

    if (!split_limit(o, a->limit, &top->limit))
        return false;
    if (!first->outs_known && (a->order.n || top->distinct)) {
        opt_refuse(o, p, SV("UNION over several places whose columns are not known"));
        return false;
    }
    if (top->distinct) {
        struct merge_key *k = ARENA_NEW_N(o->arena, struct merge_key, first->n_outs);

        for (uint16_t i = 0; i < first->n_outs; i++)
            if (!split_union_key(o, q, i, &k[i])) {
                opt_refuse(o, p, SV("UNION DISTINCT of strings in different, or not natively known, collations over several places"));
                return false;
            }
        top->distinct_keys = k;
        top->n_distinct_keys = first->n_outs;
    }
    if (a->order.n) {
        struct merge_key *k = ARENA_NEW_N(o->arena, struct merge_key, a->order.n);

        for (unsigned i = 0; i < a->order.n; i++) {
            const struct ast_order_item *it = AST_AS_CONST(order_item, a->order.items[i]);
            int col = split_output_of(o, first, it->expr);

            if (col < 0 || !split_union_key(o, q, (uint16_t)col, &k[i])) {
                opt_refuse(o, p, SV("ORDER BY of a UNION over several places by other than an output column of one known type and collation"));
                return false;
            }
            k[i].desc = it->dir == AST_DIR_DESC;
        }
        top->sort = k;
        top->n_sort = (uint16_t)a->order.n;
    }
    return true;
}

/* A set operation whose result is the union of what each place gives: the whole text goes to each. */
static bool plan_whole_union(struct opt *o, const struct query *q, struct plan *p)
{
    struct dist d;
    struct query bare = *q;
    struct plan_top *top;
    struct tmpl t;
    const struct ast_query *a = (const struct ast_query *)(const void *)q->node;
    const struct ast_limit *l = AST_AS_CONST(limit, a->limit);

    /* Its own tail is merged here; an offset would have to go from the text. */
    if (!q->right || (l && (l->offset || l->with_ties || l->rows_examined)) || p->n_assigned_vars)
        return false;
    bare.has_limit = bare.has_order = false;
    d = place_query(&o->placer, &bare);
    if (d.kind != DIST_PART)
        return false;
    top = ARENA_NEW(o->arena, struct plan_top);
    if (!union_tail(o, q, p, top)) {
        p->refusal.code = 0;
        return false;
    }
    top->merge_order = top->sort;
    top->n_merge_order = top->n_sort;
    top->sort = NULL;
    top->n_sort = 0;
    opt_route_cond(p, place_query_cond(&o->placer, q));
    tmpl_init(&t, o);
    if (p == o->plan && q->node == o->stmt)
        tmpl_tokens(&t, 0, o->n_tokens);
    else
        tmpl_node(&t, q->node);
    p->fragment = tmpl_finish(&t);
    p->top = top;
    p->n_visible = bind_first_block(q)->outs_known ? bind_first_block(q)->n_outs : 0;
    return true;
}

/* Branches of a union into p. False: p->refusal. */
static bool plan_union(struct opt *o, const struct query *q, struct plan *p)
{
    struct branch_list l = {0};
    struct plan_top *top = ARENA_NEW(o->arena, struct plan_top);
    struct diag why = {0};

    if (o->plan->calc_found_rows) {
        opt_refuse(o, p, SV("SQL_CALC_FOUND_ROWS in a UNION over several places"));
        return false;
    }
    if (!q->right) { /* parentheses with two tails */
        opt_refuse(o, p, SV("a query with two ORDER BY or LIMIT clauses over several places"));
        return false;
    }
    if (q->op != AST_UNION) {
        opt_refuse(o, p, q->op == AST_EXCEPT ? SV("EXCEPT over several places") : SV("INTERSECT over several places"));
        return false;
    }
    if (((const struct ast_query *)(const void *)q->node)->with) {
        opt_refuse(o, p, SV("WITH in front of a UNION over several places"));
        return false;
    }
    flatten(o, q, !q->all, true, &l, &why);
    if (why.code) {
        p->refusal = why;
        return false;
    }
    top->distinct = !q->all;
    p->set_distinct = !q->all;
    if (!union_tail(o, q, p, top))
        return false;
    p->set_branches = l.items;
    p->n_set_branches = l.n;
    p->top = top;
    p->n_visible = bind_first_block(q)->outs_known ? bind_first_block(q)->n_outs : 0;
    return true;
}

/* The plan of one branch. Lives in the statement's plan's arena. */
static const struct plan *plan_branch(struct opt *o, const struct query *q, struct diag *why)
{
    struct plan *p = ARENA_NEW(o->arena, struct plan);
    struct opt sub = *o;
    struct whole w = whole_of(o, q);
    struct dist d;
    bool ok;

    sub.plan = p;
    p->refs = 1;
    p->catalog_version = o->plan->catalog_version;
    p->kind = PLAN_SELECT;
    p->returns_rows = true;
    p->reads_only = o->plan->reads_only;
    if (w.why.ptr && q->block) {
        opt_refuse(o, p, w.why);
        *why = p->refusal;
        return NULL;
    }
    opt_route_simple(&sub, &w);
    if (!w.part && !w.why.ptr) {
        struct tmpl t;

        tmpl_init(&t, &sub);
        tmpl_node(&t, q->node);
        p->fragment = tmpl_finish(&t);
        return p;
    }
    if (!q->block) {
        /* ALL over a DISTINCT union, or a union with a tail of its own: one level of branches is all there is. */
        ok = !w.why.ptr && plan_whole_union(&sub, q, p);
        if (!ok)
            opt_refuse(o, p, SV("a UNION inside a UNION that drops duplicates, or has ORDER BY or LIMIT, over several places"));
    } else {
        d = place_block(&o->placer, q->block);
        if (d.kind == DIST_PART)
            opt_route_cond(p, place_block_cond(&o->placer, q->block, &d));
        if (d.kind != DIST_PART)
            opt_refuse(o, p, d.kind == DIST_NO ? d.reason : SV("a query over a partitioned table in a WITH clause only"));
        ok = d.kind == DIST_PART && split_select(&sub, p, q, &d);
        if (ok && p->top && p->top->n_project) {
            struct tmpl t;

            tmpl_init(&t, &sub);
            tmpl_node(&t, q->node);
            p->as_written = tmpl_finish(&t);
        }
    }
    o->expr_params = sub.expr_params;
    o->n_expr_params = sub.n_expr_params;
    o->cap_expr_params = sub.cap_expr_params;
    if (sub.plan->uncacheable)
        o->plan->uncacheable = true;
    if (!ok) {
        *why = diag_is_set(o->diag) ? *o->diag : p->refusal;
        return NULL;
    }
    return p;
}

/* ---- the statement ---- */

static const struct route_cond *union_cond(struct opt *o, const struct query *q)
{
    struct dist d;

    if (!q->block) {
        const struct route_cond *l = union_cond(o, q->left);

        return q->right ? place_or(&o->placer, l, union_cond(o, q->right)) : l;
    }
    d = place_block(&o->placer, q->block);
    if (d.kind == DIST_PART)
        return place_block_cond(&o->placer, q->block, &d);
    if (d.kind == DIST_NO)
        return NULL;
    /* Reads copies only: needs no place, adds none. */
    {
        struct route_cond *f = ARENA_NEW(o->arena, struct route_cond);

        f->kind = RC_FALSE;
        return f;
    }
}

static bool all_pushable(struct opt *o, const struct query *q)
{
    if (!q->block)
        return all_pushable(o, q->left) && (!q->right || all_pushable(o, q->right));
    return place_block(&o->placer, q->block).kind != DIST_NO;
}

static void plan_partitioned(struct opt *o, const struct query *q)
{
    struct plan *p = o->plan;

    if (q->block) {
        struct dist d = place_block(&o->placer, q->block);

        if (d.kind == DIST_PART) {
            opt_route_cond(p, place_block_cond(&o->placer, q->block, &d));
            p->route.one_place = !split_select(o, p, q, &d);
            return;
        }
        opt_refuse(o, p, d.kind == DIST_NO ? d.reason : SV("a query over a partitioned table in a WITH clause only"));
        opt_route_cond(p, place_any_cond(&o->placer, NULL));
        p->route.one_place = true;
        return;
    }
    if (!p->calc_found_rows && plan_whole_union(o, q, p))
        return;
    opt_route_cond(p, all_pushable(o, q) ? union_cond(o, q) : place_any_cond(&o->placer, NULL));
    p->route.one_place = !plan_union(o, q, p);
    /* A SINGLE table's shard need not be where the partitions are: each branch finds its own way. */
    if (!p->route.one_place && p->route.also_shard)
        p->route.split_only = true;
}

/* FOR UPDATE of copies: any of them would do for reading, but locks exclude each other on one server only. Writers come to every
 * shard, so to this one too. */
static void lock_one_copy(struct opt *o)
{
    bool copies = false;

    for (unsigned i = 0; i < o->binder.n_sources; i++)
        copies |= o->binder.sources[i]->kind == SRC_TABLE;
    if (!copies || o->snap->shards.n == 0)
        return;
    o->plan->route.kind = ROUTE_ONE_SHARD;
    o->plan->route.shard_id = o->snap->shards.v[0].id;
}

/* What is done above the shards depends on the types that they tell. */
static bool computes(const struct plan *p)
{
    return p->n_set_branches || (p->top && (p->top->aggregate || p->top->having || p->top->n_project));
}

bool opt_plan_query(struct opt *o)
{
    struct query *q = bind_query(&o->binder, o->stmt, NULL, NULL, NULL);
    const struct block *first; /* SELECT of a set operation: SQL_CALC_FOUND_ROWS there is of the whole */
    struct whole w;

    if (!q)
        return false;
    if (!opt_edits_collect(o))
        return false;
    opt_edits_finish(o);
    flags_of_query(o);
    w = opt_whole(o);
    first = bind_first_block(q);
    if (first && first->sel && (first->sel->opts & AST_SEL_CALC_FOUND_ROWS))
        o->plan->calc_found_rows = true;
    if (o->plan->calc_found_rows && !(o->env->supports & OPT_FOUND_ROWS))
        return opt_unsupported(o, "SQL_CALC_FOUND_ROWS");
    if (w.why.ptr) {
        /* No place has it all. A union may still be made of its branches. */
        if (!q->block && q->right) {
            o->plan->route.kind = w.part ? ROUTE_PARTITIONS : ROUTE_ANY_SHARD;
            o->plan->route.table = w.part;
            o->plan->route.split_only = true;
            if (plan_union(o, q, o->plan)) {
                opt_plan_offload(o, OPT_OFFLOAD_SPARE);
                return true;
            }
            if (diag_is_set(o->diag))
                return false;
        }
        if (q->block) {
            struct dist d = place_block(&o->placer, q->block);

            if (w.part && d.kind == DIST_NO)
                w.why = d.reason;
            opt_refuse(o, o->plan, w.why);
        }
        opt_plan_offload(o, OPT_OFFLOAD_ONLY);
        if (o->plan->offload)
            return true;
        *o->diag = o->plan->refusal; /* why not even that */
        return false;
    }
    opt_route_simple(o, &w);
    if (w.part)
        plan_partitioned(o, q);
    if (diag_is_set(o->diag))
        return false;
    if (w.part && o->plan->route.one_place)
        opt_plan_offload(o, OPT_OFFLOAD_ELSE);
    else if (w.part && computes(o->plan))
        opt_plan_offload(o, OPT_OFFLOAD_SPARE);
    if (w.part)
        return true;
    if (!w.single && o->binder.has_locks)
        lock_one_copy(o);
    return true;
}
