/* Binding. The order of work in a block matters: sources first (derived tables on the way), then WHERE and ON are cut
 * into conjuncts, then outer joins that a conjunct makes inner are found (it rejects rows of NULLs on the null-supplied
 * side), and only then is it known which conjunct belongs to which context. Subqueries come last, because each stands in a
 * context.
 *
 * Names follow MySQL: aliases hide table names, CTEs hide tables, inner blocks hide outer ones, column names are
 * compared without regard to case, table names and aliases byte for byte. What is not known for certain is not an error here: the
 * shard that gets the statement knows the logical names too (tables are aliased) and says what MySQL says. */
#include "optimizer/bind.h"

#include "optimizer/optcat.h"
#include "optimizer/optimizer.h"

enum { BIND_DEPTH_MAX = 64, BIND_SOURCES_MAX = 4096, BIND_OUTS_MAX = 4096 };

/* ---- sources ---- */

struct block *bind_new_block(struct binder *b, struct ast_node *node, struct block *outer, struct ctx *outer_ctx)
{
    struct block *bl = ARENA_NEW(b->arena, struct block);

    bl->node = node;
    bl->outer = outer;
    bl->outer_ctx = outer_ctx;
    bl->ctx = ARENA_NEW(b->arena, struct ctx);
    bl->ctx->parent = outer_ctx;
    return bl;
}

static void add_to(struct binder *b, struct source ***list, uint16_t *n, uint16_t *cap, struct source *s)
{
    if (*n == *cap) {
        uint16_t want = *cap ? (uint16_t)(*cap * 2) : 8;
        struct source **grown = ARENA_NEW_N(b->arena, struct source *, want);

        if (*n)
            memcpy(grown, *list, *n * sizeof *grown);
        *list = grown;
        *cap = want;
    }
    (*list)[(*n)++] = s;
}

static struct source *new_source(struct binder *b, struct block *bl, enum source_kind kind, struct ast_node *node,
    struct sv name)
{
    struct source *s;

    if (b->n_sources >= BIND_SOURCES_MAX) {
        diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "Too many tables in one statement (more than %d)", BIND_SOURCES_MAX);
        return NULL;
    }
    s = ARENA_NEW(b->arena, struct source);
    s->kind = kind;
    s->id = b->n_sources;
    s->block = bl;
    s->node = node;
    s->name = name;
    s->ctx = bl->ctx;
    add_to(b, &b->sources, &b->n_sources, &b->cap_sources, s);
    add_to(b, &bl->sources, &bl->n_sources, &bl->cap_sources, s);
    return s;
}

/* 1066 for two sources of one name (of one schema). */
static bool check_unique(struct binder *b, const struct block *bl)
{
    for (unsigned i = 0; i < bl->n_sources; i++)
        for (unsigned k = 0; k < i; k++) {
            const struct source *x = bl->sources[i], *y = bl->sources[k];

            if (sv_eq(x->name, y->name) && sv_eq(x->db, y->db))
                return diag_setf(b->diag, ER_NONUNIQ_TABLE, "Not unique table/alias: '%.*s'", SV_ARG(x->name));
        }
    return true;
}

struct source *bind_table(struct binder *b, struct block *bl, struct ast_node *node)
{
    const struct ast_table *t = AST_AS_CONST(table, node);
    struct sv db = ast_ident_set(&t->db) ? t->db.name : b->env->db;
    struct source *s;

    if (!db.ptr || db.len == 0) {
        diag_set(b->diag, ER_NO_DB_ERROR);
        return NULL;
    }
    s = new_source(b, bl, SRC_TABLE, node, ast_ident_set(&t->alias) ? t->alias.name : t->name.name);
    if (!s)
        return NULL;
    s->db = db;
    if (cat_is_virtual_db(db)) {
        s->kind = SRC_SYSTEM;
        return s;
    }
    s->table = optcat_find(b->snap, db, t->name.name);
    if (s->table)
        return s;
    if (!optcat_has_db(b->snap, db))
        diag_setf(b->diag, ER_BAD_DB_ERROR, "Unknown database '%.*s'", SV_ARG(db));
    else
        diag_setf(b->diag, ER_NO_SUCH_TABLE, "Table '%.*s.%.*s' doesn't exist", SV_ARG(db), SV_ARG(t->name.name));
    return NULL;
}

static struct cte_scope *find_cte(const struct cte_scope *scope, struct sv name)
{
    for (; scope; scope = scope->up)
        if (sv_eq_nocase(scope->cte->name.name, name))
            return (struct cte_scope *)(uintptr_t)scope;
    return NULL;
}

static struct source *bind_cte(struct binder *b, struct block *bl, struct ast_node *node, struct cte_scope *scope)
{
    const struct ast_table *t = AST_AS_CONST(table, node);
    struct sv name = ast_ident_set(&t->alias) ? t->alias.name : t->name.name;
    struct source *s;

    scope->used = true;
    if (b->recursing == scope)
        return new_source(b, bl, SRC_RECURSIVE, node, name);
    s = new_source(b, bl, SRC_DERIVED, node, name);
    if (!s)
        return NULL;
    s->names = &scope->cte->columns;
    {
        const struct cte_scope *saved = b->recursing;

        if (scope->recursive)
            b->recursing = scope;
        s->query = bind_query(b, scope->cte->query, scope->inside, NULL, NULL);
        b->recursing = saved;
    }
    if (!s->query)
        return NULL;
    s->query->owner = s;
    return s;
}

static struct join *bind_from(struct binder *b, struct block *bl, struct ast_node *node, const struct cte_scope *ctes);

static struct join *leaf(struct binder *b, struct source *s)
{
    struct join *j;

    if (!s)
        return NULL;
    j = ARENA_NEW(b->arena, struct join);
    j->kind = JOIN_SOURCE;
    j->src = s;
    return j;
}

static struct join *bind_derived(struct binder *b, struct block *bl, struct ast_node *node, const struct cte_scope *ctes)
{
    const struct ast_derived *d = AST_AS_CONST(derived, node);
    struct source *s = new_source(b, bl, SRC_DERIVED, node, d->alias.name);

    if (!s)
        return NULL;
    s->names = &d->columns;
    s->lateral = d->lateral;
    s->query = bind_query(b, d->query, ctes, d->lateral ? bl : bl->outer, d->lateral ? bl->ctx : bl->outer_ctx);
    if (!s->query)
        return NULL;
    s->query->owner = s;
    return leaf(b, s);
}

static struct join *bind_join(struct binder *b, struct block *bl, struct ast_node *node, const struct cte_scope *ctes)
{
    struct ast_join *a = AST_AS(join, node);
    struct join *l = bind_from(b, bl, a->left, ctes);
    struct join *r = l ? bind_from(b, bl, a->right, ctes) : NULL;
    struct join *j;

    if (!r)
        return NULL;
    j = ARENA_NEW(b->arena, struct join);
    j->kind = a->type == AST_JOIN_LEFT || a->type == AST_JOIN_RIGHT ? JOIN_LEFT : JOIN_INNER;
    j->left = a->type == AST_JOIN_RIGHT ? r : l;
    j->right = a->type == AST_JOIN_RIGHT ? l : r;
    j->on = a->on;
    j->using = a->using.n ? &a->using : NULL;
    j->natural = a->natural;
    return j;
}

static struct join *bind_from(struct binder *b, struct block *bl, struct ast_node *node, const struct cte_scope *ctes)
{
    struct join *j = NULL;

    if (++b->depth > BIND_DEPTH_MAX * 8) {
        diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "Too many joined tables in one statement");
        return NULL;
    }
    switch (node->kind) {
    case AST_TABLE: {
        const struct ast_table *t = AST_AS_CONST(table, node);
        struct cte_scope *cte = ast_ident_set(&t->db) ? NULL : find_cte(ctes, t->name.name);

        j = leaf(b, cte ? bind_cte(b, bl, node, cte) : bind_table(b, bl, node));
        break;
    }
    case AST_DERIVED:
        j = bind_derived(b, bl, node, ctes);
        break;
    case AST_JSON_TABLE:
        j = leaf(b, new_source(b, bl, SRC_FUNCTION, node, AST_AS_CONST(json_table, node)->alias.name));
        break;
    case AST_JOIN:
        j = bind_join(b, bl, node, ctes);
        break;
    default:
        diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s in FROM'",
            ast_kind_name(node->kind));
    }
    b->depth--;
    return j;
}

/* ---- columns ---- */

const struct block *bind_first_block(const struct query *q)
{
    while (!q->block)
        q = q->left;
    return q->block;
}

uint16_t bind_n_columns(const struct source *s)
{
    switch (s->kind) {
    case SRC_TABLE:
        return optcat_n_columns(s->table);
    case SRC_DERIVED:
        if (s->names && s->names->n)
            return (uint16_t)s->names->n;
        {
            const struct block *f = bind_first_block(s->query);

            return f->outs_known ? f->n_outs : 0;
        }
    case SRC_SYSTEM:
    case SRC_RECURSIVE:
    case SRC_FUNCTION:
        break;
    }
    return 0;
}

struct sv bind_column_name(const struct source *s, uint16_t col)
{
    if (s->kind == SRC_TABLE)
        return optcat_column_name(s->table, col);
    if (s->names && s->names->n)
        return s->names->items[col].name;
    return bind_first_block(s->query)->outs[col].name;
}

static struct colref base_of_output(const struct query *q, uint16_t col)
{
    struct colref l, r;

    if (q->block) {
        if (!q->block->outs_known || col >= q->block->n_outs)
            return (struct colref){NULL, 0};
        return bind_base_column(q->block->outs[col].ref);
    }
    l = base_of_output(q->left, col);
    if (!q->right || !l.src)
        return l;
    r = base_of_output(q->right, col);
    return optcat_same_values(l, r) ? l : (struct colref){NULL, 0};
}

struct colref bind_base_column(struct colref c)
{
    if (c.src && c.src->kind == SRC_DERIVED)
        return base_of_output(c.src->query, c.col);
    return c.src && c.src->kind == SRC_TABLE ? c : (struct colref){NULL, 0};
}

/* -1: the source does not have it; -2: not known. */
static int find_in_source(const struct source *s, struct sv name)
{
    uint16_t n = bind_n_columns(s);

    if (s->kind == SRC_TABLE)
        return optcat_find_column(s->table, name);
    for (uint16_t i = 0; i < n; i++)
        if (sv_eq_nocase(bind_column_name(s, i), name))
            return i;
    return n ? -1 : -2;
}

static bool in_using(const struct join *j, struct sv name)
{
    if (j->natural)
        return true;
    for (unsigned i = 0; j->using && i < j->using->n; i++)
        if (sv_eq_nocase(j->using->items[i].name, name))
            return true;
    return false;
}

struct lookup {
    struct sv name, tbl, db;
    bool unknown;   /* a source whose columns are not known was met */
    bool ambiguous;
};

/* The column in a join tree; src NULL: not there. Columns that USING or NATURAL made one are those of the preserved side. */
static struct colref lookup_join(const struct join *j, struct lookup *l)
{
    struct colref a, c;

    if (!j)
        return (struct colref){NULL, 0};
    if (j->kind == JOIN_SOURCE) {
        int col;

        if (l->tbl.ptr && !sv_eq(l->tbl, j->src->name))
            return (struct colref){NULL, 0};
        if (l->db.ptr && !sv_eq(l->db, j->src->db))
            return (struct colref){NULL, 0};
        col = find_in_source(j->src, l->name);
        if (col == -2)
            l->unknown = true;
        return col >= 0 ? (struct colref){j->src, (uint16_t)col} : (struct colref){NULL, 0};
    }
    a = lookup_join(j->left, l);
    c = lookup_join(j->right, l);
    if (a.src && c.src && !in_using(j, l->name))
        l->ambiguous = true;
    return a.src ? a : c;
}

enum resolve_result bind_resolve(const struct block *bl, const struct ast_column *c, struct colref *out)
{
    struct lookup l = {c->name.name, c->tbl.name, c->db.name, false, false};

    for (; bl; bl = bl->outer) {
        struct colref r = lookup_join(bl->from, &l);

        if (l.ambiguous)
            return RESOLVE_AMBIGUOUS;
        if (l.unknown) /* it may be that source's column: nothing is certain */
            return RESOLVE_UNKNOWN;
        if (r.src) {
            *out = r;
            return RESOLVED;
        }
    }
    return RESOLVE_UNKNOWN;
}

bool bind_column_of(const struct block *bl, const struct ast_node *expr, struct colref *out)
{
    return expr->kind == AST_COLUMN && bind_resolve(bl, AST_AS_CONST(column, expr), out) == RESOLVED;
}

/* ---- outputs ---- */

static bool add_out(struct binder *b, struct block *bl, uint16_t *cap, struct outcol o)
{
    if (bl->n_outs == *cap) {
        uint16_t want = *cap ? (uint16_t)(*cap * 2) : 16;
        struct outcol *grown = ARENA_NEW_N(b->arena, struct outcol, want);

        if (want > BIND_OUTS_MAX * 2)
            return diag_setf(b->diag, ER_TOO_MANY_FIELDS, "Too many columns");
        if (bl->n_outs)
            memcpy(grown, bl->outs, bl->n_outs * sizeof *grown);
        bl->outs = grown;
        *cap = want;
    }
    bl->outs[bl->n_outs++] = o;
    return true;
}

static bool has_using(const struct join *j)
{
    if (!j || j->kind == JOIN_SOURCE)
        return false;
    return j->natural || j->using || has_using(j->left) || has_using(j->right);
}

static bool expand_star(struct binder *b, struct block *bl, uint16_t *cap, const struct ast_star *star)
{
    if (!ast_ident_set(&star->tbl) && has_using(bl->from)) {
        bl->outs_known = false;
        return true;
    }
    for (unsigned i = 0; i < bl->n_sources; i++) {
        struct source *s = bl->sources[i];
        uint16_t n = bind_n_columns(s);

        if (ast_ident_set(&star->tbl) && !sv_eq(star->tbl.name, s->name))
            continue;
        if (n == 0) {
            bl->outs_known = false;
            return true;
        }
        for (uint16_t c = 0; c < n; c++) {
            if (s->kind == SRC_TABLE && optcat_column_invisible(s->table, c))
                continue;
            if (!add_out(b, bl, cap, (struct outcol){bind_column_name(s, c), NULL, {s, c}}))
                return false;
        }
    }
    return true;
}

static bool bind_outputs(struct binder *b, struct block *bl)
{
    uint16_t cap = 0;
    struct ast_star all = {.node.kind = AST_STAR};

    bl->outs_known = true;
    if (bl->node->kind == AST_TABLE_QUERY)
        return expand_star(b, bl, &cap, &all);
    if (!bl->sel) {
        bl->outs_known = false;
        return true;
    }
    AST_EACH(slot, &bl->sel->items)
    {
        struct ast_select_item *it = AST_AS(select_item, *slot);
        struct outcol o = {it->alias.name, it->expr, {NULL, 0}};

        if (it->expr->kind == AST_STAR) {
            if (!expand_star(b, bl, &cap, AST_AS_CONST(star, it->expr)))
                return false;
            if (!bl->outs_known)
                return true;
            continue;
        }
        if (bind_column_of(bl, it->expr, &o.ref) && o.ref.src->block != bl)
            o.ref.src = NULL; /* an outer query's column is a constant here */
        if (!o.name.ptr && it->expr->kind == AST_COLUMN)
            o.name = AST_AS_CONST(column, it->expr)->name.name;
        if (!add_out(b, bl, &cap, o))
            return false;
    }
    return true;
}

/* ---- conjuncts and contexts ---- */

static void add_conjunct(struct binder *b, struct block *bl, struct ctx *ctx, struct ast_node *expr)
{
    struct conjunct *c;

    if (!expr)
        return;
    if (expr->kind == AST_LOGIC && AST_AS_CONST(logic, expr)->op == AST_OP_AND) {
        AST_EACH(slot, &AST_AS(logic, expr)->args)
        add_conjunct(b, bl, ctx, *slot);
        return;
    }
    c = ARENA_NEW(b->arena, struct conjunct);
    c->expr = expr;
    c->block = bl;
    c->next = ctx->conjuncts;
    ctx->conjuncts = c;
}

static void add_equality(struct binder *b, struct ctx *ctx, struct colref x, struct colref y)
{
    struct equality *e;

    if (!optcat_same_values(bind_base_column(x), bind_base_column(y)))
        return;
    e = ARENA_NEW(b->arena, struct equality);
    e->a = x;
    e->b = y;
    e->next = ctx->equalities;
    ctx->equalities = e;
}

static void add_expr_equality(struct binder *b, struct block *bl, struct ctx *ctx, struct ast_node *l, struct ast_node *r)
{
    struct colref x, y;

    if (l->kind == AST_ROW && r->kind == AST_ROW) {
        const struct ast_list *ll = &AST_AS(row, l)->items, *rl = &AST_AS(row, r)->items;

        for (unsigned i = 0; ll->n == rl->n && i < ll->n; i++)
            add_expr_equality(b, bl, ctx, ll->items[i], rl->items[i]);
        return;
    }
    if (bind_column_of(bl, l, &x) && bind_column_of(bl, r, &y))
        add_equality(b, ctx, x, y);
}

/* Columns of one name on both sides of a USING or NATURAL join are equal. */
static void add_using(struct binder *b, const struct join *j, struct ctx *ctx)
{
    const struct source *first;

    if (j->using) {
        for (unsigned i = 0; i < j->using->n; i++) {
            struct lookup l = {j->using->items[i].name, SV_NULL, SV_NULL, false, false};
            struct colref x = lookup_join(j->left, &l), y = lookup_join(j->right, &l);

            if (x.src && y.src && !l.ambiguous && !l.unknown)
                add_equality(b, ctx, x, y);
        }
        return;
    }
    /* NATURAL: of single tables only; deeper trees are rare and just get no equalities. */
    if (!j->natural || j->left->kind != JOIN_SOURCE || j->right->kind != JOIN_SOURCE)
        return;
    first = j->left->src;
    for (uint16_t i = 0; i < bind_n_columns(first); i++) {
        int col = find_in_source(j->right->src, bind_column_name(first, i));

        if (col >= 0)
            add_equality(b, ctx, (struct colref){first, i}, (struct colref){j->right->src, (uint16_t)col});
    }
}

static bool source_in(const struct join *j, const struct source *s)
{
    if (j->kind == JOIN_SOURCE)
        return j->src == s;
    return source_in(j->left, s) || source_in(j->right, s);
}

/* expr is a column of j's sources. */
static bool column_in(const struct block *bl, const struct join *j, const struct ast_node *expr)
{
    struct colref c;

    return bind_column_of(bl, expr, &c) && c.src->block == bl && source_in(j, c.src);
}

/* The conjunct is not true for a row in which all columns of j are NULL: a comparison with a column of j as an operand. */
static bool rejects_nulls(const struct block *bl, const struct join *j, const struct ast_node *e)
{
    switch ((enum ast_kind)e->kind) {
    case AST_BINARY: {
        const struct ast_binary *x = AST_AS_CONST(binary, e);

        switch (x->op) {
        case AST_OP_EQ:
        case AST_OP_NE:
        case AST_OP_LT:
        case AST_OP_LE:
        case AST_OP_GT:
        case AST_OP_GE:
            return column_in(bl, j, x->left) || column_in(bl, j, x->right);
        default:
            return false;
        }
    }
    case AST_BETWEEN:
        return !AST_AS_CONST(between, e)->negated && column_in(bl, j, AST_AS_CONST(between, e)->arg);
    case AST_IN:
        return !AST_AS_CONST(in, e)->negated && column_in(bl, j, AST_AS_CONST(in, e)->arg);
    case AST_LIKE:
        return column_in(bl, j, AST_AS_CONST(like, e)->arg);
    case AST_IS:
        return AST_AS_CONST(is, e)->what == AST_IS_NULL && AST_AS_CONST(is, e)->negated &&
            column_in(bl, j, AST_AS_CONST(is, e)->arg);
    case AST_LOGIC: {
        const struct ast_logic *x = AST_AS_CONST(logic, e);

        if (x->op != AST_OP_AND && x->op != AST_OP_OR)
            return false;
        for (unsigned i = 0; i < x->args.n; i++) {
            bool r = rejects_nulls(bl, j, x->args.items[i]);

            if (r != (x->op == AST_OP_OR))
                return r;
        }
        return x->op == AST_OP_OR;
    }
    default:
        return false;
    }
}

/* Conditions that surely hold for the rows that pass, while walking down. */
struct active {
    const struct active *up;
    const struct ast_node *cond;
};

static void simplify_outer(const struct block *bl, struct join *j, const struct active *act)
{
    struct active mine = {act, j ? j->on : NULL};

    if (!j || j->kind == JOIN_SOURCE)
        return;
    if (j->kind == JOIN_LEFT) {
        for (const struct active *a = act; a && j->kind == JOIN_LEFT; a = a->up)
            if (a->cond && rejects_nulls(bl, j->right, a->cond)) {
                j->kind = JOIN_INNER;
                j->was_outer = true;
            }
    }
    if (j->kind == JOIN_INNER) {
        simplify_outer(bl, j->left, &mine);
        simplify_outer(bl, j->right, &mine);
        return;
    }
    mine.up = NULL;
    simplify_outer(bl, j->left, act);
    simplify_outer(bl, j->right, &mine);
}

/* Gives each source its context and each ON clause its place. */
static void spread_contexts(struct binder *b, struct block *bl, struct join *j, struct ctx *ctx, bool nullable)
{
    if (j->kind == JOIN_SOURCE) {
        j->src->ctx = ctx;
        j->src->nullable = nullable;
        return;
    }
    if (j->kind == JOIN_LEFT) {
        j->ctx = ARENA_NEW(b->arena, struct ctx);
        j->ctx->parent = ctx;
        spread_contexts(b, bl, j->left, ctx, nullable);
        spread_contexts(b, bl, j->right, j->ctx, true);
        add_conjunct(b, bl, j->ctx, j->on);
        return;
    }
    spread_contexts(b, bl, j->left, ctx, nullable);
    spread_contexts(b, bl, j->right, ctx, nullable);
    add_conjunct(b, bl, ctx, j->on);
}

static void find_equalities(struct binder *b, struct block *bl, struct ctx *ctx)
{
    for (const struct conjunct *c = ctx->conjuncts; c; c = c->next)
        if (c->expr->kind == AST_BINARY && AST_AS(binary, c->expr)->op == AST_OP_EQ)
            add_expr_equality(b, bl, ctx, AST_AS(binary, c->expr)->left, AST_AS(binary, c->expr)->right);
}

static bool bind_conjuncts(struct binder *b, struct block *bl, struct ctx *ctx, const struct cte_scope *ctes)
{
    find_equalities(b, bl, ctx);
    for (const struct conjunct *c = ctx->conjuncts; c; c = c->next)
        if (!bind_expr(b, bl, c->expr, ctx, ctes))
            return false;
    return true;
}

static bool bind_join_conditions(struct binder *b, struct block *bl, struct join *j, struct ctx *ctx,
    const struct cte_scope *ctes)
{
    struct ctx *mine = j->kind == JOIN_LEFT ? j->ctx : ctx;

    if (j->kind == JOIN_SOURCE)
        return true;
    add_using(b, j, mine);
    if (j->kind == JOIN_LEFT && !bind_conjuncts(b, bl, j->ctx, ctes))
        return false;
    return bind_join_conditions(b, bl, j->left, ctx, ctes) && bind_join_conditions(b, bl, j->right, mine, ctes);
}

/* All of a block's FROM and WHERE, once its sources are bound. */
static bool bind_block_conditions(struct binder *b, struct block *bl, struct ast_node *where, const struct cte_scope *ctes)
{
    struct active act = {NULL, where};

    if (bl->from) {
        simplify_outer(bl, bl->from, &act);
        spread_contexts(b, bl, bl->from, bl->ctx, false);
    }
    add_conjunct(b, bl, bl->ctx, where);
    return bind_conjuncts(b, bl, bl->ctx, ctes) &&
        (!bl->from || bind_join_conditions(b, bl, bl->from, bl->ctx, ctes));
}

/* ---- expressions: subqueries, aggregates ---- */

struct expr_walk {
    struct binder *b;
    struct block *bl;
    struct ctx *ctx;
    const struct cte_scope *ctes;
    const struct ast_node *top; /* the conjunct itself */
};

static bool add_subquery(struct expr_walk *w, enum subquery_kind kind, struct ast_node *node, struct ast_node *query,
    struct ast_node *left, bool negated)
{
    struct subquery *s = ARENA_NEW(w->b->arena, struct subquery);

    s->kind = kind;
    s->block = w->bl;
    s->left = left;
    s->ctx = w->ctx;
    s->semi = node == w->top && !negated;
    s->negated = node == w->top && negated;
    s->query = bind_query(w->b, query, w->ctes, w->bl, w->ctx);
    if (!s->query)
        return false;
    s->next = w->bl->subqueries;
    w->bl->subqueries = s;
    return true;
}

static enum ast_walk expr_pre(struct ast_node **slot, void *arg)
{
    struct expr_walk *w = arg;
    struct ast_node *n = *slot;
    bool ok = true;

    switch ((enum ast_kind)n->kind) {
    case AST_IN:
        if (AST_AS(in, n)->query)
            ok = add_subquery(w, SUBQ_IN, n, AST_AS(in, n)->query, AST_AS(in, n)->arg, AST_AS(in, n)->negated);
        break;
    case AST_QUANT: {
        struct ast_quant *q = AST_AS(quant, n);
        bool as_in = !q->all && q->op == AST_OP_EQ;

        ok = add_subquery(w, as_in ? SUBQ_IN : SUBQ_QUANT, n, q->query, q->left, false);
        break;
    }
    case AST_EXISTS:
        ok = add_subquery(w, SUBQ_EXISTS, n, AST_AS(exists, n)->query, NULL, false);
        break;
    case AST_SUBQUERY:
        ok = add_subquery(w, SUBQ_SCALAR, n, AST_AS(subquery, n)->query, NULL, false);
        break;
    case AST_AGG:
        if (AST_AS(agg, n)->over)
            w->bl->has_windows = true;
        else
            w->bl->aggregated = true;
        break;
    case AST_SEQ_FUNC:
        w->b->sequence = n;
        return AST_PRUNE;
    default:
        if (ast_is_query(n))
            return AST_PRUNE; /* bound with its parent */
    }
    return ok ? AST_CONTINUE : AST_ABORT;
}

bool bind_expr(struct binder *b, struct block *bl, struct ast_node *expr, struct ctx *ctx, const struct cte_scope *ctes)
{
    struct expr_walk w = {b, bl, ctx, ctes, expr};

    return !expr || ast_walk(&expr, expr_pre, NULL, &w);
}

static bool bind_list(struct binder *b, struct block *bl, const struct ast_list *l, const struct cte_scope *ctes)
{
    AST_EACH(slot, l)
    {
        /* The walk's top is the item, so that nothing in it counts as a conjunct. */
        struct expr_walk w = {b, bl, bl->ctx, ctes, NULL};

        if (!ast_walk(slot, expr_pre, NULL, &w))
            return false;
    }
    return true;
}

bool bind_items(struct binder *b, struct block *bl, const struct ast_list *items)
{
    return bind_list(b, bl, items, NULL);
}

/* ---- queries ---- */

static const struct cte_scope *open_with(struct binder *b, struct ast_node *with, const struct cte_scope *ctes)
{
    if (!with)
        return ctes;
    AST_EACH(slot, &AST_AS(with, with)->ctes)
    {
        struct cte_scope *s = ARENA_NEW(b->arena, struct cte_scope);

        s->up = ctes;
        s->cte = AST_AS_CONST(cte, *slot);
        s->recursive = AST_AS(with, with)->recursive;
        s->inside = s->recursive ? s : ctes;
        ctes = s;
    }
    return ctes;
}

static struct cte_scope *scope_of(const struct cte_scope *s)
{
    return (struct cte_scope *)(uintptr_t)s;
}

/* CTEs that nobody refers to: their names must still be right, and still be replaced. */
static bool close_with(struct binder *b, struct ast_node *with, const struct cte_scope *ctes)
{
    unsigned n = with ? AST_AS(with, with)->ctes.n : 0;

    for (; n > 0; n--, ctes = ctes->up) {
        struct cte_scope *s = scope_of(ctes);

        if (s->used)
            continue;
        b->recursing = s->recursive ? s : NULL;
        if (!bind_query(b, s->cte->query, s->inside, NULL, NULL))
            return false;
        b->recursing = NULL;
    }
    return true;
}

static bool bind_select(struct binder *b, struct block *bl, const struct cte_scope *ctes)
{
    struct ast_select *sel = AST_AS(select, bl->node);

    bl->sel = sel;
    bl->distinct = (sel->opts & AST_SEL_DISTINCT) != 0;
    bl->aggregated = sel->group.n > 0;
    if (sel->from) {
        bl->from = bind_from(b, bl, sel->from, ctes);
        if (!bl->from || !check_unique(b, bl))
            return false;
    }
    return bind_outputs(b, bl) && bind_block_conditions(b, bl, sel->where, ctes) && bind_list(b, bl, &sel->items, ctes) &&
        bind_list(b, bl, &sel->group, ctes) && (!sel->having || bind_list(b, bl, &(struct ast_list){&sel->having, 1, 1}, ctes)) &&
        bind_list(b, bl, &sel->order, ctes) && bind_list(b, bl, &sel->windows, ctes);
}

static bool bind_leaf(struct binder *b, struct query *q, const struct cte_scope *ctes, struct block *outer,
    struct ctx *outer_ctx)
{
    struct block *bl = bind_new_block(b, q->node, outer, outer_ctx);

    q->block = bl;
    bl->query = q;
    switch ((enum ast_kind)q->node->kind) {
    case AST_SELECT:
        return bind_select(b, bl, ctes);
    case AST_TABLE_QUERY:
        bl->from = bind_from(b, bl, AST_AS(table_query, q->node)->table, ctes);
        return bl->from && bind_outputs(b, bl);
    case AST_VALUES:
        return bind_list(b, bl, &AST_AS(values, q->node)->rows, ctes);
    default:
        return diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s as a query'",
            ast_kind_name(q->node->kind));
    }
}

struct query *bind_query(struct binder *b, struct ast_node *node, const struct cte_scope *ctes, struct block *outer,
    struct ctx *outer_ctx)
{
    struct query *q = ARENA_NEW(b->arena, struct query);
    struct ast_query *a = (struct ast_query *)(void *)node;
    const struct cte_scope *inner;
    bool ok;

    if (++b->depth > BIND_DEPTH_MAX) {
        diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "Queries are nested too deeply (more than %d levels)", BIND_DEPTH_MAX);
        return NULL;
    }
    q->node = node;
    q->has_order = a->order.n > 0;
    q->has_limit = a->limit != NULL;
    if (a->locks.n)
        b->has_locks = true;
    inner = open_with(b, a->with, ctes);
    if (node->kind == AST_SETOP) {
        struct ast_setop *s = AST_AS(setop, node);

        q->op = s->op;
        q->all = s->all;
        q->left = bind_query(b, s->left, inner, outer, outer_ctx);
        q->right = q->left ? bind_query(b, s->right, inner, outer, outer_ctx) : NULL;
        ok = q->right != NULL;
        if (ok)
            q->left->up = q->right->up = q;
    } else if (node->kind == AST_PARENQ) {
        /* Two tails: kept as a set operation of one operand. */
        q->left = bind_query(b, AST_AS(parenq, node)->query, inner, outer, outer_ctx);
        q->all = true;
        ok = q->left != NULL;
        if (ok)
            q->left->up = q;
    } else {
        ok = bind_leaf(b, q, inner, outer, outer_ctx);
    }
    ok = ok && close_with(b, a->with, inner);
    b->depth--;
    return ok ? q : NULL;
}

struct block *bind_dml(struct binder *b, struct ast_node *node, struct ast_node *with, struct ast_node *from,
    struct ast_node *where, const struct ast_list *const *exprs, size_t n_exprs)
{
    struct block *bl = bind_new_block(b, node, NULL, NULL);
    const struct cte_scope *ctes = open_with(b, with, NULL);

    bl->from = bind_from(b, bl, from, ctes);
    if (!bl->from || !check_unique(b, bl) || !bind_block_conditions(b, bl, where, ctes))
        return NULL;
    for (size_t i = 0; i < n_exprs; i++)
        if (!bind_list(b, bl, exprs[i], ctes))
            return NULL;
    return close_with(b, with, ctes) ? bl : NULL;
}
