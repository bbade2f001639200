/* Values of conditions on partition columns that are computed from other known values: `id = 5 + 1`, `id = CAST('6' AS SIGNED)`,
 * `d = DATE'2020-01-01' + INTERVAL 1 DAY`.
 *
 * What is folded here decides only where the statement goes; the shards evaluate the expression themselves. So only what types/ computes
 * exactly as every server does is folded: exact arithmetic, casts to integers and dates, plain intervals. Everything else, and whatever
 * fails at execution (overflow, a bad date), means all places, which is always right. NOW() and the like are not folded: a shard's clock
 * is another. */
#include "optimizer/opt-int.h"

#include "types/func.h"

bool opt_unit_of(enum ast_unit u, uint8_t *out)
{
    /* The two lists have the same order; ast has NONE in front. */
    static const struct {
        enum ast_unit ast;
        enum temporal_unit unit;
    } map[] = {
#define X(name) {AST_UNIT_##name, UNIT_##name},
        X(MICROSECOND) X(SECOND) X(MINUTE) X(HOUR) X(DAY) X(WEEK) X(MONTH) X(QUARTER) X(YEAR) X(SECOND_MICROSECOND)
        X(MINUTE_MICROSECOND) X(MINUTE_SECOND) X(HOUR_MICROSECOND) X(HOUR_SECOND) X(HOUR_MINUTE) X(DAY_MICROSECOND)
        X(DAY_SECOND) X(DAY_MINUTE) X(DAY_HOUR) X(YEAR_MONTH)
#undef X
    };

    for (unsigned i = 0; i < ARRAY_LEN(map); i++)
        if (map[i].ast == u) {
            *out = (uint8_t)map[i].unit;
            return true;
        }
    return false;
}

/* ---- planning ---- */

static const struct rvalue *call(struct placer *p, struct rcall c, const struct ast_node *a, const struct ast_node *b)
{
    struct rvalue *v = ARENA_NEW(p->plan_arena, struct rvalue);
    struct rcall *made = ARENA_NEW(p->plan_arena, struct rcall);

    *made = c;
    made->n_args = b ? 2 : 1;
    made->args[0] = place_fold(p, a);
    made->args[1] = b && made->args[0] ? place_fold(p, b) : NULL;
    if (!made->func || !made->args[0] || (b && !made->args[1]))
        return NULL;
    v->kind = RV_CALL;
    v->call = made;
    return v;
}

static const struct rvalue *fold_interval(struct placer *p, const struct ast_node *date, const struct ast_node *interval, bool subtract)
{
    const struct ast_interval *iv = AST_AS_CONST(interval, interval);
    struct rcall c = {.func = func_by_id(subtract ? FUNC_DATE_SUB : FUNC_DATE_ADD)};

    switch (iv->unit) {
    case AST_UNIT_SECOND:
    case AST_UNIT_MINUTE:
    case AST_UNIT_HOUR:
    case AST_UNIT_DAY:
    case AST_UNIT_WEEK:
    case AST_UNIT_MONTH:
    case AST_UNIT_QUARTER:
    case AST_UNIT_YEAR:
        return opt_unit_of(iv->unit, &c.unit) ? call(p, c, date, iv->value) : NULL;
    default:
        return NULL;
    }
}

static const struct rvalue *fold_binary(struct placer *p, const struct ast_binary *b)
{
    enum func_id id;

    if (b->right->kind == AST_INTERVAL && (b->op == AST_OP_ADD || b->op == AST_OP_SUB))
        return fold_interval(p, b->left, b->right, b->op == AST_OP_SUB);
    if (b->left->kind == AST_INTERVAL && b->op == AST_OP_ADD)
        return fold_interval(p, b->right, b->left, false);
    switch (b->op) {
    case AST_OP_ADD:
        id = FUNC_ADD;
        break;
    case AST_OP_SUB:
        id = FUNC_SUB;
        break;
    case AST_OP_MUL:
        id = FUNC_MUL;
        break;
    case AST_OP_INT_DIV:
        id = FUNC_INT_DIV;
        break;
    case AST_OP_MOD:
        id = FUNC_MOD;
        break;
    default:
        return NULL;
    }
    return call(p, (struct rcall){.func = func_by_id(id), .exact_numbers = true}, b->left, b->right);
}

static const struct rvalue *fold_cast(struct placer *p, const struct ast_cast *c)
{
    const struct ast_type *t = c->type ? AST_AS_CONST(type, c->type) : NULL;
    struct rcall r = {.func = func_by_id(FUNC_CAST)};

    /* A length is a literal of the text that the plan does not hold. */
    if (!t || c->array || c->at_zone || t->length >= 0)
        return NULL;
    switch (t->base) {
    case AST_TYPE_SIGNED:
        r.target = type_int(false);
        break;
    case AST_TYPE_UNSIGNED:
        r.target = type_int(true);
        break;
    case AST_TYPE_DATE:
        r.target = type_temporal(TYPE_DATE, 0);
        break;
    case AST_TYPE_DATETIME:
        r.target = type_temporal(TYPE_DATETIME, 0);
        break;
    default:
        return NULL;
    }
    return call(p, r, c->arg, NULL);
}

static const struct rvalue *fold_func(struct placer *p, const struct ast_func *f)
{
    bool add = sv_eq_nocase(f->name.name, SV("date_add")) || sv_eq_nocase(f->name.name, SV("adddate"));
    bool sub = sv_eq_nocase(f->name.name, SV("date_sub")) || sv_eq_nocase(f->name.name, SV("subdate"));

    if (!(add || sub) || ast_ident_set(&f->db) || f->args.n != 2 || f->args.items[1]->kind != AST_INTERVAL)
        return NULL;
    return fold_interval(p, f->args.items[0], f->args.items[1], sub);
}

const struct rvalue *place_fold(struct placer *p, const struct ast_node *e)
{
    const struct rvalue *v = place_rvalue(p, e);

    if (v)
        return v;
    switch ((enum ast_kind)e->kind) {
    case AST_BINARY:
        return fold_binary(p, AST_AS_CONST(binary, e));
    case AST_CAST:
        return fold_cast(p, AST_AS_CONST(cast, e));
    case AST_FUNC:
        return fold_func(p, AST_AS_CONST(func, e));
    case AST_UNARY:
        if (AST_AS_CONST(unary, e)->op != AST_OP_NEG)
            return NULL;
        return call(p, (struct rcall){.func = func_by_id(FUNC_NEG), .exact_numbers = true}, AST_AS_CONST(unary, e)->arg, NULL);
    default:
        return NULL;
    }
}

/* ---- execution ---- */

bool opt_rcall_value(const struct rcall *c, const struct plan_inputs *in, struct arena *a, struct value *out)
{
    struct value args[2];
    struct func_arg types[2];
    struct func_call bound;
    struct func_bind_opts opts = {.unit = (enum temporal_unit)c->unit, .target = &c->target};
    struct env env;
    struct diag d = {0};
    struct func_ctx cx = {&env, a, &d, false};

    if (!in->env)
        return false;
    env = *in->env;
    env.warnings = NULL; /* the shards give them */
    for (unsigned i = 0; i < c->n_args; i++) {
        if (!optimizer_value(c->args[i], in, a, &args[i]))
            return false;
        if (c->exact_numbers && args[i].kind != KIND_I64 && args[i].kind != KIND_U64 && args[i].kind != KIND_DEC && args[i].kind != KIND_NULL)
            return false;
        types[i] = (struct func_arg){value_type(&args[i]), &args[i], FUNC_SCALE_OF_TYPE};
    }
    return func_bind(c->func, types, c->n_args, &opts, &env, a, &bound, &d) && func_eval_scalar(&cx, &bound, args, out);
}
