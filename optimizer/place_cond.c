/* Conditions on the partition columns: what WHERE and ON say about which places can have rows that matter.
 *
 * A predicate counts if it compares a column that is equal to a partition column (in the rows of the context) with values that are known
 * when the statement starts. Anything else becomes TRUE: a condition may be too wide, never too narrow. So NOT, functions over the column,
 * comparisons of columns with columns and everything unknown are TRUE; under OR one TRUE makes all of it TRUE. */
#include "optimizer/place.h"

#include "optimizer/optcat.h"
#include "types/type.h"

enum { COND_TUPLES_MAX = 1000 };

/* NULL stands for TRUE everywhere here. */

static struct route_cond *new_cond(struct placer *p, enum route_cond_kind kind)
{
    struct route_cond *c = ARENA_NEW(p->plan_arena, struct route_cond);

    c->kind = kind;
    return c;
}

static const struct route_cond *combine(struct placer *p, enum route_cond_kind kind, const struct route_cond *a,
    const struct route_cond *b)
{
    struct route_cond *c = new_cond(p, kind);
    uint32_t na = a->kind == kind ? a->n_args : 1, nb = b->kind == kind ? b->n_args : 1;

    c->n_args = na + nb;
    c->args = ARENA_NEW_N(p->plan_arena, const struct route_cond *, c->n_args);
    if (a->kind == kind)
        memcpy(c->args, a->args, na * sizeof *c->args);
    else
        c->args[0] = a;
    if (b->kind == kind)
        memcpy(c->args + na, b->args, nb * sizeof *c->args);
    else
        c->args[na] = b;
    return c;
}

const struct route_cond *place_and(struct placer *p, const struct route_cond *a, const struct route_cond *b)
{
    if (!a || !b)
        return a ? a : b;
    if (a->kind == RC_FALSE || b->kind == RC_FALSE)
        return a->kind == RC_FALSE ? a : b;
    return combine(p, RC_AND, a, b);
}

const struct route_cond *place_or(struct placer *p, const struct route_cond *a, const struct route_cond *b)
{
    if (!a || !b)
        return NULL;
    if (a->kind == RC_FALSE || b->kind == RC_FALSE)
        return a->kind == RC_FALSE ? b : a;
    return combine(p, RC_OR, a, b);
}

struct route_cond *place_cmp(struct placer *p, unsigned key, enum route_cmp cmp, const struct rvalue *v)
{
    struct route_cond *c = new_cond(p, RC_CMP);

    c->cmp = cmp;
    c->key_col = (uint16_t)key;
    c->n_values = 1;
    c->values = ARENA_NEW_N(p->plan_arena, const struct rvalue *, 1);
    c->values[0] = v;
    return c;
}

/* ---- values ---- */

bool place_session_value(const struct ast_node *e, enum session_value *v, bool *global, struct sv *name)
{
    static const struct {
        const char *name;
        enum session_value value;
    } funcs[] = {
        {"last_insert_id", SESSION_LAST_INSERT_ID},
        {"row_count", SESSION_ROW_COUNT},
        {"found_rows", SESSION_FOUND_ROWS},
        {"connection_id", SESSION_CONNECTION_ID},
        {"user", SESSION_USER},
        {"session_user", SESSION_USER},
        {"system_user", SESSION_USER},
        {"current_user", SESSION_CURRENT_USER},
        {"database", SESSION_DATABASE},
        {"schema", SESSION_DATABASE},
    };
    static const char *const owned[] = {
#define SYSVAR(n) #n,
#include "optimizer/sysvar.def"
#undef SYSVAR
    };

    *global = false;
    *name = SV_NULL;
    if (e->kind == AST_FUNC) {
        const struct ast_func *f = AST_AS_CONST(func, e);

        if (f->args.n || ast_ident_set(&f->db))
            return false;
        for (unsigned i = 0; i < ARRAY_LEN(funcs); i++)
            if (sv_eq_nocase(f->name.name, sv_cstr(funcs[i].name))) {
                *v = funcs[i].value;
                return true;
            }
        return false;
    }
    if (e->kind == AST_USERVAR) {
        *v = SESSION_USER_VAR;
        *name = AST_AS_CONST(uservar, e)->name;
        return true;
    }
    if (e->kind == AST_SYSVAR) {
        const struct ast_sysvar *s = AST_AS_CONST(sysvar, e);

        if (ast_ident_set(&s->base))
            return false;
        *v = SESSION_SYSTEM_VAR;
        *name = s->name.name;
        *global = s->scope == AST_SCOPE_GLOBAL;
        for (unsigned i = 0; i < ARRAY_LEN(owned); i++)
            if (sv_eq_nocase(s->name.name, sv_cstr(owned[i])))
                return true;
        return s->name.name.len > 8 && sv_eq_nocase(sv_make(s->name.name.ptr, 8), SV("tessera_"));
    }
    return false;
}

static struct rvalue *new_rvalue(struct placer *p, enum rvalue_kind kind)
{
    struct rvalue *v = ARENA_NEW(p->plan_arena, struct rvalue);

    v->kind = kind;
    return v;
}

static const struct rvalue *literal_rvalue(struct placer *p, const struct ast_lit *l)
{
    struct rvalue *v, *typed;
    bool binary;

    switch (l->type) {
    case AST_LIT_NULL:
    case AST_LIT_TRUE:
    case AST_LIT_FALSE:
        v = new_rvalue(p, RV_CONST);
        v->text = l->type == AST_LIT_NULL ? SV("NULL") : l->type == AST_LIT_TRUE ? SV("1") : SV("0");
        return v;
    case AST_LIT_INT:
    case AST_LIT_DECIMAL:
    case AST_LIT_FLOAT:
    case AST_LIT_STRING:
    case AST_LIT_HEX:
    case AST_LIT_BIT:
    case AST_LIT_DATE:
    case AST_LIT_TIME:
    case AST_LIT_TIMESTAMP:
        break;
    }
    binary = l->charset.ptr && sv_eq_nocase(l->charset, SV("binary"));
    /* Other introducers and joined strings: a shard's business. */
    if ((l->charset.ptr && !binary) || l->slot == AST_NO_SLOT || l->nslots > 1)
        return NULL;
    v = new_rvalue(p, RV_LITERAL);
    v->slot = l->slot;
    v->binary = binary;
    if (l->type != AST_LIT_DATE && l->type != AST_LIT_TIME && l->type != AST_LIT_TIMESTAMP)
        return v;
    typed = new_rvalue(p, RV_TYPED);
    typed->arg = v;
    typed->type = l->type == AST_LIT_DATE ? TYPE_DATE : l->type == AST_LIT_TIME ? TYPE_TIME : TYPE_DATETIME;
    return typed;
}

static bool is_assigned(const struct placer *p, struct sv name)
{
    for (unsigned i = 0; i < p->n_assigned; i++)
        if (sv_eq_nocase(p->assigned[i], name))
            return true;
    return false;
}

const struct rvalue *place_rvalue(struct placer *p, const struct ast_node *e)
{
    struct rvalue *v;
    enum session_value sv;
    bool global;
    struct sv name;

    if (e->kind == AST_LIT)
        return literal_rvalue(p, AST_AS_CONST(lit, e));
    if (e->kind == AST_PARAM) {
        int64_t ordinal = AST_AS_CONST(param, e)->ordinal;

        if (ordinal < 0 || ordinal > UINT16_MAX)
            return NULL;
        v = new_rvalue(p, RV_PARAM);
        v->slot = (uint32_t)ordinal;
        return v;
    }
    if (e->kind == AST_UNARY) {
        const struct ast_unary *u = AST_AS_CONST(unary, e);
        const struct rvalue *arg;

        if (u->op != AST_OP_NEG && u->op != AST_OP_PLUS)
            return NULL;
        arg = place_rvalue(p, u->arg);
        if (!arg || u->op == AST_OP_PLUS)
            return arg;
        if (arg->kind == RV_TYPED)
            return NULL;
        v = new_rvalue(p, RV_NEG);
        v->arg = arg;
        return v;
    }
    if (!place_session_value(e, &sv, &global, &name) || (sv == SESSION_USER_VAR && is_assigned(p, name)))
        return NULL;
    v = new_rvalue(p, RV_SESSION);
    v->value = sv;
    v->global = global;
    v->text = arena_dup(p->plan_arena, name);
    return v;
}

/* ---- predicates ---- */

/* What predicates are translated for: key columns in a context. */
struct target {
    const struct dist *d;
    const struct ctx *ctx;
    const struct ctx *at;      /* the context that the predicate is of: ctx or one around it */
    const struct block *block; /* of the predicate's names */
};

/* The predicate stands behind an outer join that may have put NULL in place of the column. A row that it does not let pass matters all
 * the same: had the join not found it, there would be a row of NULLs, which may pass. */
static bool behind_outer_join(const struct target *t, const struct source *s)
{
    for (const struct ctx *x = s->ctx ? s->ctx->parent : NULL; x; x = x->parent)
        if (x == t->at)
            return true;
    return false;
}

/* Which key column an expression is equal to; -1: none. */
static int key_of(struct placer *p, const struct target *t, const struct ast_node *e)
{
    struct colref c;

    if (!bind_column_of(t->block, e, &c) || behind_outer_join(t, c.src))
        return -1;
    for (unsigned k = 0; k < optcat_n_keys(t->d->table); k++)
        if (place_equal(p, t->d->key[k], c, t->ctx))
            return (int)k;
    return -1;
}

static const struct route_cond *cond_of(struct placer *p, const struct target *t, const struct ast_node *e);

static bool cmp_of(enum ast_op op, bool reversed, enum route_cmp *cmp)
{
    switch (op) {
    case AST_OP_EQ:
        *cmp = RCMP_EQ;
        return true;
    case AST_OP_NULL_EQ:
        *cmp = RCMP_NULLSAFE_EQ;
        return true;
    case AST_OP_LT:
        *cmp = reversed ? RCMP_GT : RCMP_LT;
        return true;
    case AST_OP_LE:
        *cmp = reversed ? RCMP_GE : RCMP_LE;
        return true;
    case AST_OP_GT:
        *cmp = reversed ? RCMP_LT : RCMP_GT;
        return true;
    case AST_OP_GE:
        *cmp = reversed ? RCMP_LE : RCMP_GE;
        return true;
    default:
        return false;
    }
}

static const struct route_cond *cond_compare(struct placer *p, const struct target *t, enum ast_op op,
    const struct ast_node *l, const struct ast_node *r)
{
    const struct rvalue *v;
    enum route_cmp cmp;
    int k;

    if (l->kind == AST_ROW && r->kind == AST_ROW) {
        const struct ast_list *ll = &AST_AS_CONST(row, l)->items, *rl = &AST_AS_CONST(row, r)->items;
        const struct route_cond *c = NULL;

        if ((op != AST_OP_EQ && op != AST_OP_NULL_EQ) || ll->n != rl->n)
            return NULL;
        for (unsigned i = 0; i < ll->n; i++)
            c = place_and(p, c, cond_compare(p, t, op, ll->items[i], rl->items[i]));
        return c;
    }
    k = key_of(p, t, l);
    if (k >= 0 && cmp_of(op, false, &cmp))
        return (v = place_fold(p, r)) != NULL ? place_cmp(p, (unsigned)k, cmp, v) : NULL;
    k = key_of(p, t, r);
    if (k >= 0 && cmp_of(op, true, &cmp))
        return (v = place_fold(p, l)) != NULL ? place_cmp(p, (unsigned)k, cmp, v) : NULL;
    return NULL;
}

/* Rows in a list are compared column by column, each column by one type for the whole list: a value says what it seems to only where it
 * is of the same kind as the first row's. */
static void tie_kinds(const struct route_cond *one, const struct route_cond *first)
{
    if (one->kind == RC_CMP && first->kind == RC_CMP) {
        struct route_cond *w = (struct route_cond *)(uintptr_t)one; /* made a moment ago */

        w->other = first->values[0];
    }
    for (uint32_t i = 0; one->kind == RC_AND && first->kind == RC_AND && i < MIN(one->n_args, first->n_args); i++)
        tie_kinds(one->args[i], first->args[i]);
}

static const struct route_cond *cond_in(struct placer *p, const struct target *t, const struct ast_in *in)
{
    struct route_cond *c;
    int k;

    if (in->negated || in->query || in->list.n == 0)
        return NULL;
    if (in->arg->kind == AST_ROW) {
        const struct route_cond *any = NULL, *first = NULL;

        if (in->list.n > COND_TUPLES_MAX)
            return NULL;
        for (unsigned i = 0; i < in->list.n; i++) {
            const struct route_cond *one = cond_compare(p, t, AST_OP_EQ, in->arg, in->list.items[i]);

            if (!one)
                return NULL;
            if (i)
                tie_kinds(one, first);
            else
                first = one;
            any = i ? place_or(p, any, one) : one;
            if (!any)
                return NULL;
        }
        return any;
    }
    k = key_of(p, t, in->arg);
    if (k < 0)
        return NULL;
    c = new_cond(p, RC_IN);
    c->key_col = (uint16_t)k;
    c->n_values = in->list.n;
    c->values = ARENA_NEW_N(p->plan_arena, const struct rvalue *, in->list.n);
    for (unsigned i = 0; i < in->list.n; i++) {
        c->values[i] = place_fold(p, in->list.items[i]);
        if (!c->values[i])
            return NULL;
    }
    return c;
}

static const struct route_cond *cond_between(struct placer *p, const struct target *t, const struct ast_between *b)
{
    int k = key_of(p, t, b->arg);
    const struct rvalue *lo, *hi;
    struct route_cond *a, *c;

    if (k < 0)
        return NULL;
    /* All three are compared by one type, so a bound says nothing without the other. */
    lo = place_fold(p, b->low);
    hi = place_fold(p, b->high);
    if (!lo || !hi)
        return NULL;
    a = place_cmp(p, (unsigned)k, b->negated ? RCMP_LT : RCMP_GE, lo);
    a->other = hi;
    c = place_cmp(p, (unsigned)k, b->negated ? RCMP_GT : RCMP_LE, hi);
    c->other = lo;
    return b->negated ? place_or(p, a, c) : place_and(p, a, c);
}

static const struct route_cond *cond_of(struct placer *p, const struct target *t, const struct ast_node *e)
{
    switch ((enum ast_kind)e->kind) {
    case AST_BINARY:
        return cond_compare(p, t, AST_AS_CONST(binary, e)->op, AST_AS_CONST(binary, e)->left,
            AST_AS_CONST(binary, e)->right);
    case AST_IN:
        return cond_in(p, t, AST_AS_CONST(in, e));
    case AST_BETWEEN:
        return cond_between(p, t, AST_AS_CONST(between, e));
    case AST_IS: {
        const struct ast_is *is = AST_AS_CONST(is, e);
        int k = is->what == AST_IS_NULL && !is->negated ? key_of(p, t, is->arg) : -1;
        struct route_cond *c;

        if (k < 0)
            return NULL;
        c = new_cond(p, RC_ISNULL);
        c->key_col = (uint16_t)k;
        return c;
    }
    case AST_LIT:
        return AST_AS_CONST(lit, e)->type == AST_LIT_FALSE ? new_cond(p, RC_FALSE) : NULL;
    case AST_LOGIC: {
        const struct ast_logic *l = AST_AS_CONST(logic, e);
        const struct route_cond *c = NULL;

        if ((l->op != AST_OP_AND && l->op != AST_OP_OR) || l->args.n == 0)
            return NULL;
        for (unsigned i = 0; i < l->args.n; i++) {
            const struct route_cond *one = cond_of(p, t, l->args.items[i]);

            if (l->op == AST_OP_AND || i == 0)
                c = place_and(p, c, one);
            else
                c = place_or(p, c, one);
            if (!c && l->op == AST_OP_OR)
                return NULL;
        }
        return c;
    }
    default:
        return NULL;
    }
}

/* All that is known in ctx about the key columns of d. */
static const struct route_cond *cond_in_ctx(struct placer *p, const struct dist *d, const struct ctx *ctx)
{
    const struct route_cond *all = NULL;

    if (!d->has_key)
        return NULL;
    for (const struct ctx *x = ctx; x; x = x->parent)
        for (const struct conjunct *c = x->conjuncts; c; c = c->next) {
            struct target t = {d, ctx, x, c->block};

            all = place_and(p, all, cond_of(p, &t, c->expr));
        }
    return all;
}

static const struct route_cond *derived_conds(struct placer *p, const struct join *j, const struct route_cond *c)
{
    if (!j)
        return c;
    if (j->kind != JOIN_SOURCE) {
        c = derived_conds(p, j->left, c);
        return j->kind == JOIN_LEFT ? c : derived_conds(p, j->right, c);
    }
    if (j->src->kind != SRC_DERIVED || place_query(p, j->src->query).kind != DIST_PART)
        return c;
    return place_and(p, c, place_query_cond(p, j->src->query));
}

const struct route_cond *place_block_cond(struct placer *p, const struct block *bl, const struct dist *d)
{
    return derived_conds(p, bl->from, cond_in_ctx(p, d, bl->ctx));
}

const struct route_cond *place_query_cond(struct placer *p, const struct query *q)
{
    const struct route_cond *l;

    if (q->block) {
        struct dist d = place_block(p, q->block);

        return d.kind == DIST_PART ? place_block_cond(p, q->block, &d) : NULL;
    }
    l = place_query_cond(p, q->left);
    return q->right ? place_or(p, l, place_query_cond(p, q->right)) : l;
}

/* ---- one place ---- */

static const struct query *root_of(const struct query *q)
{
    while (q && q->up)
        q = q->up;
    return q;
}

/* Conditions from outside on a derived table apply inside if its output carries the key. */
static const struct route_cond *cond_from_outside(struct placer *p, const struct dist *mine, const struct source *s,
    const struct route_cond *c)
{
    const struct query *root = root_of(s->block->query);
    struct dist cur = *mine;
    const struct ctx *ctx = s->ctx;

    while (root && root->owner) {
        struct dist out = place_query(p, root), from = place_block(p, s->block);

        if (out.kind != DIST_PART || !out.has_key || from.kind != DIST_PART || !from.has_key)
            return c;
        for (unsigned k = 0; k < optcat_n_keys(cur.table); k++)
            if (!place_equal(p, from.key[k], cur.key[k], ctx))
                return c;
        s = root->owner;
        cur = out;
        for (unsigned k = 0; k < optcat_n_keys(cur.table); k++)
            cur.key[k].src = s;
        ctx = s->ctx;
        c = place_and(p, c, cond_in_ctx(p, &cur, ctx));
        root = root_of(s->block->query);
    }
    return c;
}

const struct route_cond *place_source_cond(struct placer *p, const struct source *s)
{
    struct dist d = {.kind = DIST_PART, .has_key = true, .table = s->table};

    for (unsigned k = 0; k < optcat_n_keys(s->table); k++)
        d.key[k] = (struct colref){s, (uint16_t)s->table->part.columns[k]};
    return cond_from_outside(p, &d, s, cond_in_ctx(p, &d, s->ctx));
}

const struct route_cond *place_any_cond(struct placer *p, const struct source *except)
{
    const struct route_cond *all = NULL;
    bool first = true;

    for (unsigned i = 0; i < p->b->n_sources; i++) {
        const struct source *s = p->b->sources[i];
        const struct route_cond *c;

        if (s == except || s->kind != SRC_TABLE || !optcat_is_partitioned(s->table))
            continue;
        c = place_source_cond(p, s);
        all = first ? c : place_or(p, all, c);
        first = false;
        if (!all)
            return NULL;
    }
    return all;
}
