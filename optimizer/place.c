/* The rules of placement.
 *
 * Join, inner:  ANY x ANY = ANY; PART x ANY = PART; PART x PART = PART if both are of one table group and every pair of
 *   corresponding partition columns is equal in the rows that pass (place_equal: closure over the equalities of the context).
 * Join, left:   preserved PART x ANY = PART; PART x PART as above, by the equalities of its own ON clause and what holds
 *   around it; preserved ANY with PART on the other side: NO, unmatched rows would appear at each place.
 *   The result is spread by the preserved side's columns: the other side's may be NULL.
 * Subquery in an expression of a PART block: over ANY; or each of its blocks is PART of the same group and equates its
 *   partition columns with the outer ones (correlated: then all its rows are where the outer row is, whatever it computes
 *   from them); or `key IN (query)` whose output columns are the query's partition columns, where unknown counts as false
 *   (a conjunct) or no NULL can be on either side.
 * Derived table:  LIMIT: NO. Windows: partitioned by the key. Groups: by the key. DISTINCT: the key is selected. UNION ALL: all
 *   operands PART. Other set operations: the key at the same positions in all operands.
 *
 * What any of them depends on that differs from place to place (RAND(), UUID(), LIMIT without ORDER BY over copies) makes
 * it NO: copies must give the same everywhere. */
#include "optimizer/place.h"

#include "optimizer/optcat.h"

static struct dist no(struct placer *p, const char *fmt, ...) PRINTF_LIKE(2, 3);
static struct dist no(struct placer *p, const char *fmt, ...)
{
    struct dist d = {.kind = DIST_NO};
    va_list ap;

    va_start(ap, fmt);
    d.reason = arena_vprintf(p->arena, fmt, ap);
    va_end(ap);
    return d;
}

/* ---- equality classes ---- */

struct closure {
    struct colref *cols;
    unsigned n_cols, cap_cols;
    const struct ctx **ctxs;
    unsigned n_ctxs, cap_ctxs;
    struct arena *arena;
};

static void closure_add_ctx(struct closure *c, const struct ctx *x)
{
    for (; x; x = x->parent) {
        for (unsigned i = 0; i < c->n_ctxs; i++)
            if (c->ctxs[i] == x)
                return;
        if (c->n_ctxs == c->cap_ctxs) {
            const struct ctx **grown = ARENA_NEW_N(c->arena, const struct ctx *, c->cap_ctxs * 2);

            memcpy(grown, c->ctxs, c->n_ctxs * sizeof *grown);
            c->ctxs = grown;
            c->cap_ctxs *= 2;
        }
        c->ctxs[c->n_ctxs++] = x;
    }
}

static bool closure_has(const struct closure *c, struct colref x)
{
    for (unsigned i = 0; i < c->n_cols; i++)
        if (colref_eq(c->cols[i], x))
            return true;
    return false;
}

static void closure_add(struct closure *c, struct colref x)
{
    if (c->n_cols == c->cap_cols) {
        struct colref *grown = ARENA_NEW_N(c->arena, struct colref, c->cap_cols * 2);

        memcpy(grown, c->cols, c->n_cols * sizeof *grown);
        c->cols = grown;
        c->cap_cols *= 2;
    }
    c->cols[c->n_cols++] = x;
}

/* One round over the visible equalities; true: something was added. A column that an equality holds for is not NULL, so its
 * source had a matching row, and what holds for that source's rows holds too. */
static bool closure_step(struct closure *c)
{
    bool grew = false;

    for (unsigned i = 0; i < c->n_ctxs; i++)
        for (const struct equality *e = c->ctxs[i]->equalities; e; e = e->next) {
            bool a = closure_has(c, e->a), b = closure_has(c, e->b);

            if (a == b)
                continue;
            closure_add(c, a ? e->b : e->a);
            closure_add_ctx(c, a ? e->b.src->ctx : e->a.src->ctx);
            closure_add_ctx(c, a ? e->a.src->ctx : e->b.src->ctx);
            grew = true;
        }
    return grew;
}

static bool reaches(const struct placer *p, struct colref a, struct colref b, const struct ctx *ctx)
{
    struct colref cols[16];
    const struct ctx *ctxs[16];
    struct closure c = {cols, 0, ARRAY_LEN(cols), ctxs, 0, ARRAY_LEN(ctxs), p->arena};

    if (colref_eq(a, b))
        return true;
    closure_add(&c, a);
    closure_add_ctx(&c, ctx);
    do
        if (closure_has(&c, b))
            return true;
    while (closure_step(&c));
    return closure_has(&c, b);
}

/* Both ways: what an equality says about NULL makes more of them visible in one direction than in the other. */
bool place_equal(const struct placer *p, struct colref a, struct colref b, const struct ctx *ctx)
{
    return reaches(p, a, b, ctx) || reaches(p, b, a, ctx);
}

/* ---- joins ---- */

static bool keys_equal(const struct placer *p, const struct dist *a, const struct dist *b, const struct ctx *ctx)
{
    if (!a->has_key || !b->has_key)
        return false;
    for (unsigned k = 0; k < optcat_n_keys(a->table); k++)
        if (!place_equal(p, a->key[k], b->key[k], ctx))
            return false;
    return true;
}

static struct dist place_source(struct placer *p, const struct source *s)
{
    struct dist d = {.kind = DIST_ANY};

    switch (s->kind) {
    case SRC_TABLE:
        if (s->table->kind == CAT_BROADCAST)
            return d;
        if (!optcat_is_partitioned(s->table))
            return no(p, "table `%.*s`, which is on one shard, together with a partitioned table", SV_ARG(s->table->name));
        d.kind = DIST_PART;
        d.table = s->table;
        d.has_key = true;
        for (unsigned k = 0; k < optcat_n_keys(s->table); k++)
            d.key[k] = (struct colref){s, (uint16_t)s->table->part.columns[k]};
        return d;
    case SRC_SYSTEM:
    case SRC_RECURSIVE:
    case SRC_FUNCTION:
        return d;
    case SRC_DERIVED:
        break;
    }
    d = place_query(p, s->query);
    for (unsigned k = 0; d.kind == DIST_PART && d.has_key && k < optcat_n_keys(d.table); k++)
        d.key[k].src = s;
    return d;
}

/* A name for messages: the first partitioned source of a join tree. */
static struct sv join_name(const struct join *j)
{
    struct sv n;

    if (!j)
        return SV("a subquery");
    if (j->kind == JOIN_SOURCE)
        return j->src->kind == SRC_TABLE && j->src->table->kind == CAT_BROADCAST ? SV_NULL : j->src->name;
    n = join_name(j->left);
    return n.ptr ? n : join_name(j->right);
}

static struct dist linked_query(struct placer *p, const struct query *q, const struct dist *outer, bool exists);

static struct dist place_join(struct placer *p, const struct join *j, const struct ctx *ctx)
{
    struct dist l, r;

    if (!j)
        return (struct dist){.kind = DIST_ANY};
    if (j->kind == JOIN_SOURCE)
        return place_source(p, j->src);
    l = place_join(p, j->left, ctx);
    /* LATERAL: like a subquery of each row on its left. */
    if (l.kind == DIST_PART && j->right->kind == JOIN_SOURCE && j->right->src->lateral) {
        r = linked_query(p, j->right->src->query, &l, false);
        if (r.kind != DIST_NO)
            return l;
    }
    r = place_join(p, j->right, j->kind == JOIN_LEFT ? j->ctx : ctx);
    if (l.kind == DIST_NO)
        return l;
    if (r.kind == DIST_NO || r.kind == DIST_ANY)
        return r.kind == DIST_NO ? r : l;
    if (l.kind == DIST_ANY) {
        if (j->kind == JOIN_INNER)
            return r;
        return no(p, "outer join that keeps all rows of a BROADCAST table or a constant, with the partitioned `%.*s`",
            SV_ARG(join_name(j->right)));
    }
    if (!cat_same_group(l.table, r.table))
        return no(p, "join of `%.*s` and `%.*s`, which are partitioned differently", SV_ARG(join_name(j->left)),
            SV_ARG(join_name(j->right)));
    if (!keys_equal(p, &l, &r, j->kind == JOIN_LEFT ? j->ctx : ctx))
        return no(p, "join of `%.*s` and `%.*s` that does not equate their partition columns", SV_ARG(join_name(j->left)),
            SV_ARG(join_name(j->right)));
    return l;
}

/* ---- subqueries ---- */

static bool is_unstable_name(struct sv n)
{
    static const char *const names[] = {"rand", "uuid", "uuid_short", "sys_guid", "random_bytes", "random", "sleep",
        "sysdate", "connection_id", "gen_random_uuid"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (sv_eq_nocase(n, sv_cstr(names[i])))
            return true;
    return false;
}

static enum ast_walk unstable_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_FUNC && is_unstable_name(AST_AS(func, *slot)->name.name) ? AST_ABORT : AST_CONTINUE;
}

/* A result over copies that could differ from shard to shard. */
static bool unstable(const struct query *q)
{
    struct ast_node *n = q->node;

    return (q->has_limit && !q->has_order) || !ast_walk(&n, unstable_pre, NULL, NULL);
}

static struct dist check_subqueries(struct placer *p, const struct block *bl, const struct dist *d);

/* The query's rows for an outer row are all where the outer row is. */
static struct dist linked_query(struct placer *p, const struct query *q, const struct dist *outer, bool exists)
{
    struct dist d, sub;

    if (!q->block) {
        d = linked_query(p, q->left, outer, exists);
        return d.kind == DIST_NO || !q->right ? d : linked_query(p, q->right, outer, exists);
    }
    d = place_join(p, q->block->from, q->block->ctx);
    if (d.kind == DIST_NO)
        return d;
    if (d.kind == DIST_PART) {
        if (!cat_same_group(d.table, outer->table))
            return no(p, "subquery over `%.*s`, which is partitioned differently from the tables around it",
                SV_ARG(d.table->name));
        if (!keys_equal(p, &d, outer, q->block->ctx))
            return no(p, "subquery over the partitioned table `%.*s` that is not tied to the rows around it by the partition columns",
                SV_ARG(d.table->name));
    } else if (!exists && unstable(q)) {
        return no(p, "subquery that can give another result on each shard (LIMIT without ORDER BY, or a function like RAND)");
    }
    sub = check_subqueries(p, q->block, outer);
    return sub.kind == DIST_NO ? sub : d;
}

static bool never_null(const struct placer *p, const struct colref c)
{
    struct colref base = bind_base_column(c);

    (void)p;
    return base.src && !base.src->table->columns[base.col].nullable && !base.src->nullable && !c.src->nullable;
}

/* `keys IN (query)`, where the query's outputs are its partition columns. */
static bool linked_in(struct placer *p, const struct subquery *s, const struct dist *outer)
{
    struct dist d;

    if (s->kind != SUBQ_IN || !outer->has_key)
        return false;
    d = place_query(p, s->query);
    if (d.kind != DIST_PART || !d.has_key || !cat_same_group(d.table, outer->table))
        return false;
    for (unsigned k = 0; k < optcat_n_keys(d.table); k++) {
        uint16_t out = d.key[k].col;
        const struct ast_node *l = s->left;
        struct colref c;

        if (l->kind == AST_ROW) {
            if (out >= AST_AS_CONST(row, l)->items.n)
                return false;
            l = AST_AS_CONST(row, l)->items.items[out];
        } else if (out != 0) {
            return false;
        }
        if (!bind_column_of(s->block, l, &c) || !place_equal(p, c, outer->key[k], s->ctx))
            return false;
        /* Values compare in the subquery by its output's type: it must be the key's. */
        if (s->query->block && s->query->block->outs_known && out < s->query->block->n_outs) {
            struct colref inner = s->query->block->outs[out].ref;

            if (!inner.src || !optcat_same_values(bind_base_column(inner), bind_base_column(c)))
                return false;
            if (!s->semi && (!never_null(p, c) || !never_null(p, inner)))
                return false;
        } else {
            return false;
        }
    }
    /* A row comparison with other, nullable parts could be unknown because of rows elsewhere. */
    return s->semi || s->left->kind != AST_ROW;
}

/* All subqueries of bl's expressions can be computed where its rows are (d). */
static struct dist check_subqueries(struct placer *p, const struct block *bl, const struct dist *d)
{
    for (const struct subquery *s = bl->subqueries; s; s = s->next) {
        struct dist x;

        if (d->kind == DIST_PART) {
            if (linked_in(p, s, d))
                continue;
            x = linked_query(p, s->query, d, s->kind == SUBQ_EXISTS);
        } else {
            x = place_query(p, s->query);
            if (x.kind == DIST_PART)
                x = no(p, "subquery over the partitioned table `%.*s` in a query that reads none itself",
                    SV_ARG(x.table->name));
        }
        if (x.kind == DIST_NO)
            return x;
    }
    return *d;
}

struct dist place_block(struct placer *p, const struct block *bl)
{
    struct dist d = place_join(p, bl->from, bl->ctx);

    return d.kind == DIST_NO ? d : check_subqueries(p, bl, &d);
}

/* ---- queries ---- */

bool place_is_key(const struct placer *p, const struct block *bl, const struct ast_node *e, const struct dist *d, unsigned k)
{
    struct colref c;

    return d->has_key && bind_column_of(bl, e, &c) && place_equal(p, d->key[k], c, bl->ctx);
}

bool place_covers_key(const struct placer *p, const struct block *bl, const struct ast_list *exprs, const struct dist *d)
{
    if (!d->has_key)
        return false;
    for (unsigned k = 0; k < optcat_n_keys(d->table); k++) {
        bool found = false;

        for (unsigned i = 0; i < exprs->n && !found; i++) {
            const struct ast_node *e = exprs->items[i];

            if (e->kind == AST_ORDER_ITEM)
                e = AST_AS_CONST(order_item, e)->expr;
            found = place_is_key(p, bl, e, d, k);
        }
        if (!found)
            return false;
    }
    return true;
}

struct window_check {
    const struct placer *p;
    const struct block *bl;
    const struct dist *d;
};

static const struct ast_window_spec *window_named(const struct ast_select *sel, struct sv name)
{
    for (unsigned i = 0; i < sel->windows.n; i++) {
        const struct ast_window_def *w = AST_AS_CONST(window_def, sel->windows.items[i]);

        if (sv_eq_nocase(w->name.name, name))
            return AST_AS_CONST(window_spec, w->spec);
    }
    return NULL;
}

static enum ast_walk window_pre(struct ast_node **slot, void *arg)
{
    struct window_check *w = arg;
    struct ast_node *n = *slot;
    const struct ast_window_spec *spec;

    if (ast_is_query(n))
        return AST_PRUNE;
    if (n->kind != AST_AGG || !AST_AS(agg, n)->over)
        return AST_CONTINUE;
    spec = AST_AS_CONST(window_spec, AST_AS(agg, n)->over);
    /* A window may build on a named one, which is where PARTITION BY stands then. */
    for (unsigned i = 0; i < 16 && spec && spec->partition.n == 0 && ast_ident_set(&spec->ref); i++)
        spec = window_named(w->bl->sel, spec->ref.name);
    return spec && place_covers_key(w->p, w->bl, &spec->partition, w->d) ? AST_CONTINUE : AST_ABORT;
}

/* Every window of the block's items and order is partitioned by the key. */
bool place_windows_local(const struct placer *p, const struct block *bl, const struct dist *d)
{
    struct window_check w = {p, bl, d};

    if (!bl->has_windows)
        return true;
    for (unsigned i = 0; i < bl->sel->items.n; i++)
        if (!ast_walk(&bl->sel->items.items[i], window_pre, NULL, &w))
            return false;
    for (unsigned i = 0; i < bl->sel->order.n; i++)
        if (!ast_walk(&bl->sel->order.items[i], window_pre, NULL, &w))
            return false;
    return true;
}

/* Which output carries key column k; -1: none. */
static int key_output(const struct placer *p, const struct block *bl, const struct dist *d, unsigned k)
{
    if (!d->has_key)
        return -1;
    for (unsigned i = 0; i < bl->n_outs; i++)
        if (bl->outs[i].ref.src && place_equal(p, d->key[k], bl->outs[i].ref, bl->ctx))
            return (int)i;
    return -1;
}

static struct dist place_leaf(struct placer *p, const struct query *q)
{
    const struct block *bl = q->block;
    struct dist d = place_block(p, bl), out;

    if (d.kind == DIST_NO)
        return d;
    if (d.kind == DIST_ANY) {
        if (unstable(q))
            return no(p, "derived table that can differ from shard to shard (LIMIT without ORDER BY, or a function like RAND)");
        return d;
    }
    if (q->has_limit)
        return no(p, "LIMIT in a derived table or subquery over the partitioned table `%.*s`", SV_ARG(d.table->name));
    if (!place_windows_local(p, bl, &d))
        return no(p, "window function that is not partitioned by the partition columns of `%.*s`", SV_ARG(d.table->name));
    if (bl->aggregated && (bl->sel->grouping != AST_GROUP_PLAIN || !place_covers_key(p, bl, &bl->sel->group, &d)))
        return no(p, "derived table that groups `%.*s` by other than its partition columns", SV_ARG(d.table->name));
    out = d;
    for (unsigned k = 0; k < optcat_n_keys(d.table) && out.has_key; k++) {
        int o = key_output(p, bl, &d, k);

        out.has_key = o >= 0;
        out.key[k] = (struct colref){NULL, (uint16_t)(o < 0 ? 0 : o)};
    }
    if (bl->distinct && !out.has_key)
        return no(p, "DISTINCT in a derived table or subquery without the partition columns of `%.*s`", SV_ARG(d.table->name));
    return out;
}

static bool has_recursion(const struct placer *p, const struct query *q)
{
    for (unsigned i = 0; i < p->b->n_sources; i++) {
        const struct source *s = p->b->sources[i];
        const struct query *up;

        if (s->kind != SRC_RECURSIVE)
            continue;
        for (up = s->block->query; up && up != q; up = up->up)
            ;
        if (up == q)
            return true;
    }
    return false;
}

struct dist place_query(struct placer *p, const struct query *q)
{
    struct dist l, r;

    if (q->block)
        return place_leaf(p, q);
    l = place_query(p, q->left);
    if (l.kind == DIST_NO)
        return l;
    if (l.kind == DIST_PART && q->has_limit)
        return no(p, "LIMIT in a derived table or subquery over the partitioned table `%.*s`", SV_ARG(l.table->name));
    if (!q->right)
        return l;
    r = place_query(p, q->right);
    if (r.kind == DIST_NO || (l.kind == DIST_ANY && r.kind == DIST_ANY))
        return r;
    if (l.kind != r.kind)
        return no(p, "UNION of a partitioned table with a BROADCAST one in a derived table or subquery");
    if (!cat_same_group(l.table, r.table))
        return no(p, "UNION of `%.*s` and `%.*s`, which are partitioned differently", SV_ARG(l.table->name),
            SV_ARG(r.table->name));
    if (has_recursion(p, q))
        return no(p, "recursive common table expression over the partitioned table `%.*s`", SV_ARG(l.table->name));
    for (unsigned k = 0; l.has_key && k < optcat_n_keys(l.table); k++)
        if (!r.has_key || r.key[k].col != l.key[k].col)
            l.has_key = false;
    if (q->has_limit)
        return no(p, "LIMIT in a derived table or subquery over the partitioned table `%.*s`", SV_ARG(l.table->name));
    if (!(q->op == AST_UNION && q->all) && !l.has_key)
        return no(p, "set operation without the partition columns of `%.*s` in a derived table or subquery",
            SV_ARG(l.table->name));
    return l;
}
