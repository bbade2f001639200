/* Aggregation in two phases. The fragment groups at each place and gives partial aggregates; the top groups again, combines, and
 * computes HAVING, the select items and the sort keys from groups and aggregates.
 *
 * What a shard computes in the fragment, it computes: of an expression over aggregates only the part above the aggregates is
 * evaluated here. A maximal sub-expression without aggregates is a group, a constant, or is carried up as a column
 * (AGG_ANY_VALUE: it has one value in a group, or the statement does not care which).
 *
 * DISTINCT aggregates: the fragment groups by their arguments too, so that each value comes once a place; duplicates between
 * places go here. Where the argument is the whole partition key, there are none, and counts are simply added. Aggregates that
 * need every row (GROUP_CONCAT, ...) make the fragment plain rows (`raw`), and everything is computed here. */
#include "optimizer/split.h"

#include "types/agg.h"

struct agg_state {
    struct split *s;
    bool raw; /* the fragment does not group */
    struct ast_node **groups;
    uint16_t n_groups;
    struct merge_key *group_keys;
    uint16_t *group_weight; /* fragment column of a group's weight, NO_COL: none */
    struct ast_node **more; /* arguments of DISTINCT aggregates: grouped by in the fragment */
    uint16_t n_more;
    bool finer; /* the fragment groups by more than the statement: partial results of DISTINCT say nothing */
    struct merge_agg *aggs;
    const struct ast_node **agg_nodes; /* what each agg is for, NULL: carried */
    uint16_t n_aggs, cap_aggs;
    bool aliases; /* binding HAVING or ORDER BY */
};

/* ---- fragment columns and aggregates of the top ---- */

static uint16_t add_agg(struct agg_state *st, struct merge_agg a, const struct ast_node *node)
{
    if (st->n_aggs == st->cap_aggs) {
        uint16_t cap = st->cap_aggs ? (uint16_t)(st->cap_aggs * 2) : 8;
        struct merge_agg *ga = ARENA_NEW_N(st->s->o->arena, struct merge_agg, cap);
        const struct ast_node **gn = ARENA_NEW_N(st->s->o->scratch, const struct ast_node *, cap);

        if (st->n_aggs) {
            memcpy(ga, st->aggs, st->n_aggs * sizeof *ga);
            memcpy(gn, st->agg_nodes, st->n_aggs * sizeof *gn);
        }
        st->aggs = ga;
        st->agg_nodes = gn;
        st->cap_aggs = cap;
    }
    st->aggs[st->n_aggs] = a;
    st->agg_nodes[st->n_aggs] = node;
    return (uint16_t)(st->n_groups + st->n_aggs++);
}

static struct merge_agg agg_over(struct agg_state *st, enum agg_fn fn, const uint16_t *cols, uint16_t n)
{
    uint16_t *args = ARENA_NEW_N(st->s->o->arena, uint16_t, n ? n : 1);

    if (n)
        memcpy(args, cols, n * sizeof *args);
    return (struct merge_agg){.spec = {.fn = fn, .n_value_args = n, .limit = UINT64_MAX}, .n_args = n, .args = args};
}

/* A fragment column carried through the aggregation. Result: column behind it. */
static uint16_t carry(struct agg_state *st, uint16_t col)
{
    for (uint16_t i = 0; i < st->n_aggs; i++)
        if (st->aggs[i].spec.fn == AGG_ANY_VALUE && st->aggs[i].args[0] == col)
            return (uint16_t)(st->n_groups + i);
    return add_agg(st, agg_over(st, AGG_ANY_VALUE, &col, 1), NULL);
}

/* Weight of an expression at row level (raw) or at group level; NO_COL: not needed. */
static uint16_t weight_of(struct agg_state *st, struct ast_node *e, struct expr_type t, enum fcol_kind grouped)
{
    if (t.cls != EXPR_UNSURE)
        return NO_COL;
    return split_need(st->s, st->raw ? FCOL_WEIGHT : grouped, e, t);
}

/* SQL names of partial aggregates. */
static const char *sql_name(enum agg_fn fn)
{
    switch (fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        return "COUNT";
    case AGG_SUM:
        return "SUM";
    case AGG_AVG:
        return "AVG";
    case AGG_MIN:
        return "MIN";
    case AGG_MAX:
        return "MAX";
    case AGG_BIT_AND:
        return "BIT_AND";
    case AGG_BIT_OR:
        return "BIT_OR";
    case AGG_BIT_XOR:
        return "BIT_XOR";
    case AGG_STDDEV_POP:
        return "STDDEV_POP";
    case AGG_STDDEV_SAMP:
        return "STDDEV_SAMP";
    case AGG_VAR_POP:
        return "VAR_POP";
    case AGG_VAR_SAMP:
        return "VAR_SAMP";
    case AGG_GROUP_CONCAT:
    case AGG_ANY_VALUE:
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
    case AGG_COUNT_SUM:
    case AGG_AVG_MERGE:
    case AGG_VAR_MERGE:
        break;
    }
    return NULL;
}

static bool is_count_star(const struct ast_agg *a)
{
    return a->args.n == 1 && a->args.items[0]->kind == AST_STAR;
}

/* Duplicates cannot stand at two places: the arguments hold all partition columns. Nor may they stand in two groups of one place. */
static bool distinct_is_local(const struct agg_state *st, const struct ast_agg *a)
{
    return !st->finer && place_covers_key(&st->s->o->placer, st->s->bl, &a->args, st->s->d);
}

static bool spec_of(struct agg_state *st, const struct ast_agg *a, struct agg_spec *spec)
{
    *spec = (struct agg_spec){.distinct = a->distinct, .n_value_args = a->args.n, .limit = UINT64_MAX};
    if (a->within.n || a->from_last || a->nulls != AST_NULLS_NONE)
        return split_refuse(st->s, "%.*s() with WITHIN GROUP, NULLS or FROM over several places", SV_ARG(a->name.name));
    if (is_count_star(a)) {
        spec->fn = AGG_COUNT_STAR;
        spec->n_value_args = 0;
        return true;
    }
    if (!agg_find(a->name.name, &spec->fn))
        return split_refuse(st->s, "aggregate function %.*s() over several places", SV_ARG(a->name.name));
    /* Which of them came first does not matter to these. */
    if (spec->fn == AGG_MIN || spec->fn == AGG_MAX || spec->fn == AGG_BIT_AND || spec->fn == AGG_BIT_OR)
        spec->distinct = false;
    return true;
}

/* AVG and VARIANCE beside SUM and COUNT of the same: the partial results are shared. */
static uint16_t partial_column(struct split *s, struct fcol c)
{
    uint16_t at = 0;

    for (unsigned i = 0; i < s->n_cols; i++) {
        const struct fcol *x = &s->cols[i];

        if (x->kind == FCOL_AGG && x->func == c.func && x->distinct == c.distinct && (x->args != NULL) == (c.args != NULL)) {
            bool same = !c.args || c.args->n == x->args->n;

            for (uint32_t k = 0; same && c.args && k < c.args->n; k++)
                same = split_same(s, x->args->items[k], c.args->items[k]);
            if (same)
                return at;
        }
        at = (uint16_t)(at + x->width);
    }
    return split_add(s, c);
}

static const uint16_t *one_weight(struct agg_state *st, uint16_t col)
{
    uint16_t *w = ARENA_NEW(st->s->o->arena, uint16_t);

    *w = col;
    return col == NO_COL ? NULL : w;
}

static bool is_bit(const struct split *s, const struct ast_node *e)
{
    struct colref ref, base;

    if (!bind_column_of(s->bl, e, &ref))
        return false;
    base = bind_base_column(ref);
    return base.src && base.src->table && base.src->table->columns[base.col].type.code == TYPE_BIT;
}

/* The aggregate from partial results. */
static bool agg_split_phase(struct agg_state *st, const struct ast_agg *a, const struct agg_spec *spec, bool local_distinct,
    uint16_t *col)
{
    struct split *s = st->s;
    struct agg_split sp;
    struct agg_spec plain = *spec;
    struct merge_agg m;
    uint16_t cols[3];
    struct expr_type t = a->args.n && !is_count_star(a) ? opt_type_of(s->o, s->bl, a->args.items[0])
                                                         : (struct expr_type){EXPR_NUMBER, 0};

    plain.distinct = false;
    if (!agg_split(&plain, &sp))
        return split_refuse(s, "aggregate function %.*s() over several places", SV_ARG(a->name.name));
    for (unsigned i = 0; i < sp.n; i++) {
        struct fcol c = {.kind = FCOL_AGG, .func = sql_name(sp.partial[i]), .distinct = local_distinct, .named = true};

        if (!c.func)
            return split_refuse(s, "aggregate function %.*s() over several places", SV_ARG(a->name.name));
        if (sp.partial[i] != AGG_COUNT_STAR) {
            c.args = &a->args;
            c.expr = NULL;
            c.as_number = (sp.partial[i] == AGG_MIN || sp.partial[i] == AGG_MAX) &&
                (is_bit(s, a->args.items[0]) || split_is_float(s, a->args.items[0]));
            c.all_digits = sp.partial[i] == AGG_VAR_POP;
        }
        c.type = sp.partial[i] == AGG_MIN || sp.partial[i] == AGG_MAX || sp.partial[i] == AGG_ANY_VALUE
            ? t
            : (struct expr_type){EXPR_NUMBER, 0};
        cols[i] = partial_column(s, c);
    }
    m = agg_over(st, sp.merge.fn, cols, (uint16_t)sp.n);
    m.spec = sp.merge;
    if (spec->fn == AGG_MIN || spec->fn == AGG_MAX) {
        if (t.cls == EXPR_OTHER)
            return split_refuse(s, "%.*s() of a JSON or geometry value over several places", SV_ARG(a->name.name));
        m.weights = one_weight(st, weight_of(st, a->args.items[0], t, spec->fn == AGG_MIN ? FCOL_MIN_WEIGHT : FCOL_MAX_WEIGHT));
    }
    *col = add_agg(st, m, &a->node);
    return true;
}

/* The argument is taken as a number before duplicates are dropped ('1' and '1.0' are one), and that of an ENUM is its position. */
static bool adds_numbers(const struct agg_spec *spec, struct expr_type t)
{
    switch (spec->fn) {
    case AGG_SUM:
    case AGG_AVG:
        return t.cls == EXPR_ENUM || (spec->distinct && (t.cls == EXPR_STRING || t.cls == EXPR_UNSURE));
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        return t.cls == EXPR_ENUM;
    default:
        return false;
    }
}

/* The aggregate over values that the fragment gives row by row, or grouped by them (DISTINCT). */
static bool agg_of_values(struct agg_state *st, const struct ast_agg *a, const struct agg_spec *spec, uint16_t *col)
{
    struct split *s = st->s;
    uint32_t n = spec->fn == AGG_COUNT_STAR ? 0 : a->args.n;
    uint16_t *cols = ARENA_NEW_N(s->o->scratch, uint16_t, n + a->order.n + 1);
    uint16_t *weights = ARENA_NEW_N(s->o->arena, uint16_t, n + a->order.n + 1);
    struct agg_order *order = ARENA_NEW_N(s->o->arena, struct agg_order, a->order.n + 1);
    struct merge_agg m;
    bool weighted = false;

    for (uint32_t i = 0; i < n; i++) {
        struct expr_type t = opt_type_of(s->o, s->bl, a->args.items[i]);

        if (adds_numbers(spec, t)) {
            t = (struct expr_type){EXPR_NUMBER, 0};
            cols[i] = split_need(s, FCOL_NUMBER, a->args.items[i], t);
        } else {
            cols[i] = split_need(s, FCOL_EXPR, a->args.items[i], t);
        }
        weights[i] = spec->distinct || spec->fn == AGG_MIN || spec->fn == AGG_MAX
            ? weight_of(st, a->args.items[i], t, FCOL_MIN_WEIGHT)
            : NO_COL;
        weighted |= weights[i] != NO_COL;
    }
    for (uint32_t i = 0; i < a->order.n; i++) {
        const struct ast_order_item *it = AST_AS_CONST(order_item, a->order.items[i]);
        struct ast_node *e = it->expr;
        struct expr_type t;
        uint64_t pos;

        if (e->kind == AST_LIT && AST_AS_CONST(lit, e)->type == AST_LIT_INT) {
            s->p->uncacheable = true;
            if (!sv_to_u64(AST_AS_CONST(lit, e)->value, &pos) || pos == 0 || pos > a->args.n)
                return split_refuse(s, "ORDER BY a position in %.*s()", SV_ARG(a->name.name));
            e = a->args.items[pos - 1];
        }
        t = opt_type_of(s->o, s->bl, e);
        if (t.cls == EXPR_OTHER)
            return split_refuse(s, "ORDER BY a JSON or geometry value in %.*s()", SV_ARG(a->name.name));
        cols[n + i] = t.cls == EXPR_ENUM ? split_need(s, FCOL_NUMBER, e, (struct expr_type){EXPR_NUMBER, 0})
                                         : split_need(s, FCOL_EXPR, e, t);
        weights[n + i] = t.cls != EXPR_UNSURE ? NO_COL
                                              : split_need(s, st->raw ? FCOL_ORDER_WEIGHT : FCOL_MIN_ORDER_WEIGHT, e, t);
        weighted |= weights[n + i] != NO_COL;
        order[i] = (struct agg_order){n + i, it->dir == AST_DIR_DESC};
    }
    m = agg_over(st, spec->fn, cols, (uint16_t)(n + a->order.n));
    m.spec = *spec;
    m.spec.order = order;
    m.spec.n_order = a->order.n;
    if (a->separator) {
        const struct ast_lit *l = AST_AS_CONST(lit, a->separator);

        /* The separator is a literal of the text: a plan with it is for this text only. */
        s->p->uncacheable = true;
        m.spec.separator = arena_dup(s->o->arena, l->value);
    }
    m.weights = weighted ? weights : NULL;
    *col = add_agg(st, m, &a->node);
    return true;
}

static bool column_of_agg(struct agg_state *st, const struct ast_agg *a, uint16_t *col)
{
    struct agg_spec spec;
    bool local;

    for (uint16_t i = 0; i < st->n_aggs; i++)
        if (st->agg_nodes[i] && split_same(st->s, st->agg_nodes[i], &a->node)) {
            *col = (uint16_t)(st->n_groups + i);
            return true;
        }
    if (!spec_of(st, a, &spec))
        return false;
    if (a->limit)
        return split_refuse(st->s, "LIMIT in %.*s() over several places", SV_ARG(a->name.name));
    if (st->raw)
        return agg_of_values(st, a, &spec, col);
    local = spec.distinct && distinct_is_local(st, a);
    if (spec.distinct && !local)
        return agg_of_values(st, a, &spec, col);
    return agg_split_phase(st, a, &spec, local, col);
}

/* ---- expressions above ---- */

static const struct bexpr *column_expr(struct agg_state *st, uint16_t col, struct expr_type t)
{
    struct bexpr *b = ARENA_NEW(st->s->o->arena, struct bexpr);

    b->kind = BEXPR_COLUMN;
    b->ordinal = col;
    /* The shards say the type; a collation is the planner's to know. */
    b->type = type_null();
    b->type.coll = t.coll;
    return b;
}

static const struct bexpr *param_expr(struct agg_state *st, const struct rvalue *v)
{
    struct bexpr *b = ARENA_NEW(st->s->o->arena, struct bexpr);

    b->kind = BEXPR_PARAM;
    b->is_const = true;
    b->ordinal = opt_expr_param(st->s->o, v);
    b->type = type_null();
    return b;
}

static const struct bexpr *bind_above(struct agg_state *st, struct ast_node *e);

/* A call; args may hold NULL (an argument that was refused). */
static const struct bexpr *call(struct agg_state *st, const struct func *f, const struct bexpr **args, uint32_t n)
{
    struct bexpr *b = ARENA_NEW(st->s->o->arena, struct bexpr);
    bool all_const = true;

    if (!f) {
        split_refuse(st->s, "a function over aggregates that is not evaluated above the shards");
        return NULL;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (!args[i])
            return NULL;
        all_const &= args[i]->is_const;
        /* A shard may send it as a number or text, without a word of its type. */
        if (args[i]->kind == BEXPR_COLUMN && !func_takes_member(f, &args[i]->type)) {
            split_refuse(st->s, "a function over an aggregate of ENUM, SET or BIT values");
            return NULL;
        }
    }
    b->kind = BEXPR_CALL;
    b->func = f;
    b->args = args;
    b->n_args = n;
    b->is_const = all_const;
    b->type = type_null();
    return b;
}

static const struct bexpr **new_args(struct agg_state *st, uint32_t n)
{
    return ARENA_NEW_N(st->s->o->arena, const struct bexpr *, n ? n : 1);
}

static const struct bexpr *call2(struct agg_state *st, enum func_id id, struct ast_node *a, struct ast_node *b)
{
    const struct bexpr **args = new_args(st, 2);

    args[0] = bind_above(st, a);
    args[1] = args[0] ? bind_above(st, b) : NULL;
    return call(st, func_by_id(id), args, 2);
}

static bool binary_id(enum ast_op op, enum func_id *id)
{
    static const struct {
        enum ast_op op;
        enum func_id id;
    } map[] = {
        {AST_OP_EQ, FUNC_EQ}, {AST_OP_NULL_EQ, FUNC_NULL_SAFE_EQ}, {AST_OP_NE, FUNC_NE}, {AST_OP_LT, FUNC_LT},
        {AST_OP_LE, FUNC_LE}, {AST_OP_GT, FUNC_GT}, {AST_OP_GE, FUNC_GE}, {AST_OP_BIT_OR, FUNC_BIT_OR},
        {AST_OP_BIT_AND, FUNC_BIT_AND}, {AST_OP_SHL, FUNC_SHL}, {AST_OP_SHR, FUNC_SHR}, {AST_OP_ADD, FUNC_ADD},
        {AST_OP_SUB, FUNC_SUB}, {AST_OP_MUL, FUNC_MUL}, {AST_OP_DIV, FUNC_DIV}, {AST_OP_INT_DIV, FUNC_INT_DIV},
        {AST_OP_MOD, FUNC_MOD}, {AST_OP_BIT_XOR, FUNC_BIT_XOR},
    };

    for (unsigned i = 0; i < ARRAY_LEN(map); i++)
        if (map[i].op == op) {
            *id = map[i].id;
            return true;
        }
    return false;
}

static const struct bexpr *refuse_expr(struct agg_state *st, const struct ast_node *e)
{
    split_refuse(st->s, "%s over aggregates over several places", ast_kind_name(e->kind));
    return NULL;
}

static const struct bexpr *with_unit(const struct bexpr *b, enum ast_unit u)
{
    if (b && !opt_unit_of(u, &((struct bexpr *)(uintptr_t)b)->unit))
        return NULL;
    return b;
}

static const struct bexpr *bind_binary(struct agg_state *st, struct ast_binary *b)
{
    enum func_id id;

    if (b->op == AST_OP_ADD || b->op == AST_OP_SUB) {
        struct ast_node *iv = b->right->kind == AST_INTERVAL ? b->right : b->left->kind == AST_INTERVAL ? b->left : NULL;

        if (iv) {
            struct ast_node *d = iv == b->right ? b->left : b->right;

            return with_unit(call2(st, b->op == AST_OP_ADD ? FUNC_DATE_ADD : FUNC_DATE_SUB, d,
                                 AST_AS(interval, iv)->value),
                AST_AS(interval, iv)->unit);
        }
    }
    if (b->op == AST_OP_CONCAT) {
        const struct bexpr **args = new_args(st, 2);

        args[0] = bind_above(st, b->left);
        args[1] = args[0] ? bind_above(st, b->right) : NULL;
        return call(st, func_find(SV("concat")), args, 2);
    }
    return binary_id(b->op, &id) ? call2(st, id, b->left, b->right) : refuse_expr(st, &b->node);
}

static const struct bexpr *bind_logic(struct agg_state *st, const struct ast_logic *l)
{
    enum func_id id = l->op == AST_OP_AND ? FUNC_AND : l->op == AST_OP_OR ? FUNC_OR : FUNC_XOR;
    const struct bexpr *acc = bind_above(st, l->args.items[0]);

    for (uint32_t i = 1; i < l->args.n && acc; i++) {
        const struct bexpr **args = new_args(st, 2);

        args[0] = acc;
        args[1] = bind_above(st, l->args.items[i]);
        acc = call(st, func_by_id(id), args, 2);
    }
    return acc;
}

static const struct bexpr *bind_list(struct agg_state *st, const struct func *f, struct ast_node *first, const struct ast_list *l)
{
    uint32_t n = l->n + (first ? 1 : 0), at = 0;
    const struct bexpr **args = new_args(st, n);

    if (first && !(args[at++] = bind_above(st, first)))
        return NULL;
    for (uint32_t i = 0; i < l->n; i++)
        if (!(args[at++] = bind_above(st, l->items[i])))
            return NULL;
    return call(st, f, args, n);
}

static const struct bexpr *bind_case(struct agg_state *st, const struct ast_case *c)
{
    uint32_t n = c->whens.n * 2 + (c->els ? 1 : 0);
    const struct bexpr **args = new_args(st, n);

    for (uint32_t i = 0; i < c->whens.n; i++) {
        const struct ast_when *w = AST_AS_CONST(when, c->whens.items[i]);

        args[2 * i] = c->arg ? call2(st, FUNC_EQ, c->arg, w->cond) : bind_above(st, w->cond);
        args[2 * i + 1] = args[2 * i] ? bind_above(st, w->value) : NULL;
        if (!args[2 * i + 1])
            return NULL;
    }
    if (c->els)
        args[n - 1] = bind_above(st, c->els);
    return call(st, func_by_id(FUNC_CASE), args, n);
}

static const struct bexpr *bind_is(struct agg_state *st, const struct ast_is *is)
{
    const struct bexpr **args = new_args(st, 1);
    enum func_id id;

    switch (is->what) {
    case AST_IS_NULL:
    case AST_IS_UNKNOWN:
        id = is->negated ? FUNC_IS_NOT_NULL : FUNC_IS_NULL;
        break;
    case AST_IS_TRUE:
        id = is->negated ? FUNC_IS_NOT_TRUE : FUNC_IS_TRUE;
        break;
    case AST_IS_FALSE:
        id = is->negated ? FUNC_IS_NOT_FALSE : FUNC_IS_FALSE;
        break;
    case AST_IS_JSON:
    default:
        return refuse_expr(st, &is->node);
    }
    args[0] = bind_above(st, is->arg);
    return call(st, func_by_id(id), args, 1);
}

static bool cast_target(const struct ast_cast *c, struct sql_type *t)
{
    const struct ast_type *a = c->type ? AST_AS_CONST(type, c->type) : NULL;
    int64_t len = a ? a->length : -1;

    if (!a || c->array || c->at_zone)
        return false;
    switch (a->base) {
    case AST_TYPE_SIGNED:
    case AST_TYPE_INT:
    case AST_TYPE_BIGINT:
        *t = type_int(a->is_unsigned);
        return true;
    case AST_TYPE_UNSIGNED:
        *t = type_int(true);
        return true;
    case AST_TYPE_DOUBLE:
    case AST_TYPE_REAL:
        *t = type_double();
        return true;
    case AST_TYPE_DECIMAL:
        *t = type_decimal(len < 0 ? 10 : (unsigned)len, a->scale < 0 ? 0 : (unsigned)a->scale);
        return true;
    case AST_TYPE_DATE:
        *t = type_temporal(TYPE_DATE, 0);
        return true;
    case AST_TYPE_TIME:
        *t = type_temporal(TYPE_TIME, len < 0 ? 0 : (unsigned)len);
        return true;
    case AST_TYPE_DATETIME:
        *t = type_temporal(TYPE_DATETIME, len < 0 ? 0 : (unsigned)len);
        return true;
    case AST_TYPE_CHAR:
        if (a->charset.ptr)
            return false;
        /* In the connection's collation, which is known when it runs. */
        *t = type_string(len < 0 ? 0 : (uint32_t)MIN(len, (int64_t)UINT32_MAX / 4 - 1), 0, DERIV_IMPLICIT);
        if (len < 0)
            t->length = UINT32_MAX;
        return true;
    default:
        return false;
    }
}

static const struct bexpr *bind_cast(struct agg_state *st, const struct ast_cast *c)
{
    const struct bexpr **args = new_args(st, 1);
    struct bexpr *b;
    struct sql_type t;

    if (!cast_target(c, &t))
        return refuse_expr(st, &c->node);
    /* A length in the type is a literal of the text that is not in the tree's literals. */
    if (AST_AS_CONST(type, c->type)->length >= 0)
        st->s->p->uncacheable = true;
    args[0] = bind_above(st, c->arg);
    b = (struct bexpr *)(uintptr_t)call(st, func_by_id(FUNC_CAST), args, 1);
    if (b)
        b->target = t;
    return b;
}

static const struct bexpr *bind_function(struct agg_state *st, const struct ast_func *f)
{
    const struct func *fn = func_find(f->name.name);
    struct ast_node *iv = f->args.n == 2 && f->args.items[1]->kind == AST_INTERVAL ? f->args.items[1] : NULL;

    if (iv && (sv_eq_nocase(f->name.name, SV("date_add")) || sv_eq_nocase(f->name.name, SV("adddate"))))
        return with_unit(call2(st, FUNC_DATE_ADD, f->args.items[0], AST_AS(interval, iv)->value), AST_AS(interval, iv)->unit);
    if (iv && (sv_eq_nocase(f->name.name, SV("date_sub")) || sv_eq_nocase(f->name.name, SV("subdate"))))
        return with_unit(call2(st, FUNC_DATE_SUB, f->args.items[0], AST_AS(interval, iv)->value), AST_AS(interval, iv)->unit);
    if (!fn || f->quoted || ast_ident_set(&f->db) || (f->form != AST_FUNC_CALL && f->form != AST_FUNC_EXTRACT && f->form != AST_FUNC_UNIT_FIRST)) {
        split_refuse(st->s, "function %.*s() over aggregates over several places", SV_ARG(f->name.name));
        return NULL;
    }
    if (f->form == AST_FUNC_EXTRACT || f->form == AST_FUNC_UNIT_FIRST)
        return with_unit(bind_list(st, fn, NULL, &f->args), f->unit);
    return bind_list(st, fn, NULL, &f->args);
}

static const struct bexpr *bind_unary(struct agg_state *st, const struct ast_unary *u)
{
    const struct bexpr **args = new_args(st, 1);
    enum func_id id;

    switch (u->op) {
    case AST_OP_NEG:
        id = FUNC_NEG;
        break;
    case AST_OP_NOT:
    case AST_OP_BANG:
        id = FUNC_NOT;
        break;
    case AST_OP_BIT_NOT:
        id = FUNC_BIT_NOT;
        break;
    case AST_OP_PLUS:
        return bind_above(st, u->arg);
    default:
        return refuse_expr(st, &u->node);
    }
    args[0] = bind_above(st, u->arg);
    return call(st, func_by_id(id), args, 1);
}

static const struct bexpr *bind_between(struct agg_state *st, const struct ast_between *b)
{
    struct ast_node *items[2] = {b->low, b->high};
    struct ast_list l = {items, 2, 2};

    return bind_list(st, func_by_id(b->negated ? FUNC_NOT_BETWEEN : FUNC_BETWEEN), b->arg, &l);
}

static const struct bexpr *bind_like(struct agg_state *st, const struct ast_like *l)
{
    struct ast_node *items[2] = {l->pattern, l->escape};
    struct ast_list rest = {items, l->escape ? 2 : 1, 2};

    if (l->op != AST_OP_LIKE)
        return refuse_expr(st, &l->node);
    return bind_list(st, func_by_id(l->negated ? FUNC_NOT_LIKE : FUNC_LIKE), l->arg, &rest);
}

static bool same_column(const struct agg_state *st, const struct ast_node *a, const struct ast_node *b)
{
    struct colref x, y;

    return bind_column_of(st->s->bl, a, &x) && bind_column_of(st->s->bl, b, &y) && colref_eq(x, y);
}

/* The group that an expression is; -1: none. */
static int group_of(const struct agg_state *st, const struct ast_node *e)
{
    for (int i = 0; i < st->n_groups; i++)
        if (split_same(st->s, st->groups[i], e) || same_column(st, st->groups[i], e))
            return i;
    return -1;
}

static enum ast_walk reads_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_COLUMN || ast_is_query(*slot) ? AST_ABORT : AST_CONTINUE;
}

/* A sub-expression without aggregates. */
static const struct bexpr *bind_leaf(struct agg_state *st, struct ast_node *e)
{
    int g = group_of(st, e);
    const struct rvalue *v;
    struct expr_type t = opt_type_of(st->s->o, st->s->bl, e);
    struct bexpr *b;

    if (g >= 0)
        return column_expr(st, (uint16_t)g, t);
    if (e->kind == AST_LIT && AST_AS(lit, e)->slot == AST_NO_SLOT) {
        b = ARENA_NEW(st->s->o->arena, struct bexpr);
        b->kind = BEXPR_CONST;
        b->is_const = true;
        b->value = AST_AS(lit, e)->type == AST_LIT_NULL ? value_null() : value_bool(AST_AS(lit, e)->type == AST_LIT_TRUE);
        b->type = value_type(&b->value);
        return b;
    }
    v = place_rvalue(&st->s->o->placer, e);
    if (v)
        return param_expr(st, v);
    /* Raw rows there may be none of: what needs no row is computed here where it can be. */
    if ((st->raw || st->n_more) && e->kind == AST_FUNC && ast_walk(&e, reads_pre, NULL, NULL) && func_find(AST_AS(func, e)->name.name))
        return bind_function(st, AST_AS_CONST(func, e));
    return column_expr(st, carry(st, split_need(st->s, FCOL_EXPR, e, t)), t);
}

/* In HAVING and ORDER BY a name that is no group may be a select item's alias. */
static struct ast_node *aliased(const struct agg_state *st, const struct ast_node *e)
{
    if (!st->aliases || e->kind != AST_COLUMN || ast_ident_set(&AST_AS_CONST(column, e)->tbl) || group_of(st, e) >= 0)
        return NULL;
    AST_EACH(slot, &st->s->sel->items)
    {
        const struct ast_select_item *it = AST_AS_CONST(select_item, *slot);

        if (ast_ident_set(&it->alias) && sv_eq_nocase(it->alias.name, AST_AS_CONST(column, e)->name.name))
            return it->expr;
    }
    return NULL;
}

static enum ast_walk alias_pre(struct ast_node **slot, void *arg)
{
    if (ast_is_query(*slot))
        return AST_PRUNE;
    return aliased(arg, *slot) ? AST_ABORT : AST_CONTINUE;
}

static bool uses_alias(struct agg_state *st, struct ast_node *e)
{
    return st->aliases && !ast_walk(&e, alias_pre, NULL, st);
}

static bool is_member(uint8_t code)
{
    return code == TYPE_ENUM || code == TYPE_SET || code == TYPE_BIT;
}

static const struct bexpr *agg_expr(struct agg_state *st, const struct ast_agg *a, uint16_t col)
{
    const struct bexpr *b = column_expr(st, col, opt_type_of(st->s->o, st->s->bl, &a->node));
    struct colref c;

    /* COUNT and the others give numbers, as SUM and AVG of bits do. */
    if (a->args.n == 1 && (sv_eq_nocase(a->name.name, SV("min")) || sv_eq_nocase(a->name.name, SV("max"))) &&
        bind_column_of(st->s->bl, a->args.items[0], &c) && c.src->table && is_member(c.src->table->columns[c.col].type.code))
        ((struct bexpr *)(uintptr_t)b)->type.code = c.src->table->columns[c.col].type.code;
    return b;
}

static const struct bexpr *bind_above(struct agg_state *st, struct ast_node *e)
{
    struct ast_node *item = aliased(st, e);
    uint16_t col;

    if (st->s->no_more)
        return NULL;
    if (item) {
        const struct bexpr *b;

        st->aliases = false;
        b = bind_above(st, item);
        st->aliases = true;
        return b;
    }
    if ((!split_has_aggregate(e) && !uses_alias(st, e)) || group_of(st, e) >= 0)
        return bind_leaf(st, e);
    switch ((enum ast_kind)e->kind) {
    case AST_AGG:
        return column_of_agg(st, AST_AS_CONST(agg, e), &col) ? agg_expr(st, AST_AS_CONST(agg, e), col) : NULL;
    case AST_UNARY:
        return bind_unary(st, AST_AS_CONST(unary, e));
    case AST_BINARY:
        return bind_binary(st, AST_AS(binary, e));
    case AST_LOGIC:
        return bind_logic(st, AST_AS_CONST(logic, e));
    case AST_BETWEEN:
        return bind_between(st, AST_AS_CONST(between, e));
    case AST_IN:
        if (AST_AS(in, e)->query || AST_AS(in, e)->arg->kind == AST_ROW)
            return refuse_expr(st, e);
        return bind_list(st, func_by_id(AST_AS(in, e)->negated ? FUNC_NOT_IN : FUNC_IN), AST_AS(in, e)->arg, &AST_AS(in, e)->list);
    case AST_LIKE:
        return bind_like(st, AST_AS_CONST(like, e));
    case AST_IS:
        return bind_is(st, AST_AS_CONST(is, e));
    case AST_CASE:
        return bind_case(st, AST_AS_CONST(case, e));
    case AST_CAST:
        return bind_cast(st, AST_AS_CONST(cast, e));
    case AST_FUNC:
        return bind_function(st, AST_AS_CONST(func, e));
    default:
        return refuse_expr(st, e);
    }
}

/* ---- what the fragment groups by ---- */

struct need_walk {
    struct agg_state *st;
    bool rows;     /* an aggregate needs every row */
    bool distinct; /* one needs its values once each */
};

static void need_more(struct agg_state *st, struct ast_node *e)
{
    if (group_of(st, e) >= 0)
        return;
    for (uint16_t i = 0; i < st->n_more; i++)
        if (split_same(st->s, st->more[i], e))
            return;
    st->more[st->n_more++] = e;
}

static enum ast_walk need_pre(struct ast_node **slot, void *arg)
{
    struct need_walk *w = arg;
    struct agg_spec spec;
    struct agg_split sp;
    struct ast_agg *a;

    if (ast_is_query(*slot))
        return AST_PRUNE;
    if ((*slot)->kind != AST_AGG || AST_AS(agg, *slot)->over)
        return AST_CONTINUE;
    a = AST_AS(agg, *slot);
    if (!spec_of(w->st, a, &spec))
        return AST_ABORT;
    if (spec.distinct && !distinct_is_local(w->st, a)) {
        w->distinct = true;
        if (w->st->n_more + a->args.n + a->order.n >= 1000)
            return AST_ABORT;
        for (uint32_t i = 0; i < a->args.n; i++)
            need_more(w->st, a->args.items[i]);
        for (uint32_t i = 0; i < a->order.n; i++)
            if (AST_AS(order_item, a->order.items[i])->expr->kind != AST_LIT)
                need_more(w->st, AST_AS(order_item, a->order.items[i])->expr);
    } else if (spec.fn != AGG_COUNT_STAR) {
        spec.distinct = false;
        w->rows |= !agg_split(&spec, &sp);
    }
    return AST_PRUNE;
}

static bool look_at(struct need_walk *w, const struct ast_list *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (!ast_walk(&l->items[i], need_pre, NULL, w))
            return w->st->s->no_more ? false : split_refuse(w->st->s, "too many DISTINCT aggregates");
    return true;
}

/* What the fragment groups by besides GROUP BY. */
static bool find_needs(struct agg_state *st, struct need_walk *w)
{
    struct ast_list having = {&st->s->sel->having, 1, 1};

    if (!look_at(w, &st->s->sel->items) || !look_at(w, &st->s->sel->order) || (st->s->sel->having && !look_at(w, &having)))
        return false;
    if (st->n_more == 0 || st->finer)
        return true;
    /* Then those that would have been added up need their values too. */
    st->finer = true;
    return find_needs(st, w);
}

/* ---- the stages ---- */

static bool find_groups(struct agg_state *st)
{
    struct split *s = st->s;

    st->groups = ARENA_NEW_N(s->o->scratch, struct ast_node *, s->sel->group.n + 1);
    AST_EACH(slot, &s->sel->group)
    {
        struct ast_node *e = split_deref(s, AST_AS(order_item, *slot)->expr, false);

        if (!e)
            return false;
        if (split_has_aggregate(e))
            return split_refuse(s, "GROUP BY an aggregate");
        if (group_of(st, e) < 0)
            st->groups[st->n_groups++] = e;
    }
    return true;
}

static bool group_columns(struct agg_state *st)
{
    struct split *s = st->s;

    st->group_keys = ARENA_NEW_N(s->o->arena, struct merge_key, st->n_groups + 1);
    st->group_weight = ARENA_NEW_N(s->o->scratch, uint16_t, st->n_groups + 1);
    for (uint16_t i = 0; i < st->n_groups; i++) {
        struct expr_type t = opt_type_of(s->o, s->bl, st->groups[i]);
        uint16_t col = split_need(s, FCOL_EXPR, st->groups[i], t);

        if (t.cls == EXPR_OTHER)
            return split_refuse(s, "GROUP BY a JSON or geometry value over several places");
        st->group_keys[i] = split_key(col, NO_COL, t, false);
    }
    for (uint16_t i = 0; i < st->n_groups; i++) {
        struct expr_type t = opt_type_of(s->o, s->bl, st->groups[i]);

        st->group_weight[i] = weight_of(st, st->groups[i], t, FCOL_MIN_WEIGHT);
        st->group_keys[i].weight_col = st->group_weight[i];
    }
    return true;
}

/* A further item behind the visible ones that carries the weight of item e, or NO_COL. False: there is none to be had. */
static bool projected_weight(struct agg_state *st, struct ast_node *e, struct expr_type t, const struct bexpr **items,
    uint16_t *n_items, uint16_t *weight)
{
    int g = group_of(st, e);
    uint16_t col;

    *weight = NO_COL;
    if (t.cls != EXPR_UNSURE)
        return true;
    if (g >= 0) {
        col = carry(st, st->group_weight[g]);
    } else if (e->kind == AST_AGG) {
        struct agg_spec spec;

        /* MIN and MAX of the weights; other aggregates of unsure type have no weight here. */
        if (!spec_of(st, AST_AS(agg, e), &spec) || (spec.fn != AGG_MIN && spec.fn != AGG_MAX))
            return true;
        col = weight_of(st, AST_AS(agg, e)->args.items[0], t, spec.fn == AGG_MIN ? FCOL_MIN_WEIGHT : FCOL_MAX_WEIGHT);
        col = add_agg(st, agg_over(st, spec.fn, &col, 1), NULL);
    } else if (!split_has_aggregate(e)) {
        col = carry(st, weight_of(st, e, t, FCOL_MIN_WEIGHT));
    } else {
        return true; /* computed here: its collation is one that this process knows, or the executor refuses */
    }
    *weight = *n_items;
    items[(*n_items)++] = column_expr(st, col, (struct expr_type){EXPR_STRING, TYPE_COLL_BINARY});
    return true;
}

/* The item whose value an ORDER BY expression is; -1: none. */
static int item_of(const struct split *s, const struct ast_node *e)
{
    for (uint32_t i = 0; i < s->sel->items.n; i++)
        if (split_same(s, AST_AS_CONST(select_item, s->sel->items.items[i])->expr, e))
            return (int)i;
    return -1;
}

static bool order_keys(struct agg_state *st, const struct bexpr **items, uint16_t *n_items)
{
    struct split *s = st->s;
    struct merge_key *k = ARENA_NEW_N(s->o->arena, struct merge_key, s->sel->order.n + 1);

    for (uint32_t i = 0; i < s->sel->order.n; i++) {
        const struct ast_order_item *it = AST_AS_CONST(order_item, s->sel->order.items[i]);
        struct ast_node *e = split_deref(s, it->expr, true);
        struct expr_type t;
        uint16_t weight;
        int item;

        if (!e)
            return false;
        t = opt_type_of(s->o, s->bl, e);
        if (t.cls == EXPR_OTHER)
            return split_refuse(s, "ORDER BY a JSON or geometry value over several places");
        if (t.cls == EXPR_ENUM && !split_has_aggregate(e)) {
            /* By its number. */
            struct expr_type number = {EXPR_NUMBER, 0};

            item = *n_items;
            items[(*n_items)++] = column_expr(st, carry(st, split_need(s, FCOL_NUMBER, e, number)), number);
            t = number;
        } else {
            /* Of a group: found by name, sorted by number. */
            if (t.cls == EXPR_ENUM && st->n_groups)
                return split_refuse(s, "ORDER BY MIN or MAX of an ENUM or SET over several places");
            item = item_of(s, e);
            if (item < 0) {
                item = *n_items;
                st->aliases = true;
                items[(*n_items)++] = bind_above(st, e);
                st->aliases = false;
            }
        }
        if (s->no_more || !projected_weight(st, e, t, items, n_items, &weight))
            return false;
        k[i] = split_key((uint16_t)item, weight, t, it->dir == AST_DIR_DESC);
    }
    s->top->sort = k;
    s->top->n_sort = (uint16_t)s->sel->order.n;
    return true;
}

static bool distinct_keys(struct agg_state *st, const struct bexpr **items, uint16_t visible, uint16_t *n_items)
{
    struct split *s = st->s;
    struct merge_key *k = ARENA_NEW_N(s->o->arena, struct merge_key, visible + 1);

    for (uint16_t i = 0; i < visible; i++) {
        struct ast_node *e = AST_AS_CONST(select_item, s->sel->items.items[i])->expr;
        struct expr_type t = opt_type_of(s->o, s->bl, e);
        uint16_t weight;

        if (!projected_weight(st, e, t, items, n_items, &weight))
            return false;
        k[i] = split_key(i, weight, t, false);
    }
    s->top->distinct = true;
    s->top->distinct_keys = k;
    s->top->n_distinct_keys = visible;
    return true;
}

static bool above(struct agg_state *st)
{
    struct split *s = st->s;
    uint32_t n = s->sel->items.n;
    /* Each ORDER BY item and each DISTINCT column may add a value and a weight. */
    const struct bexpr **items = ARENA_NEW_N(s->o->arena, const struct bexpr *, n * 2 + s->sel->order.n * 2 + 1);
    uint16_t n_items = 0;

    for (uint32_t i = 0; i < n; i++) {
        struct ast_node *e = AST_AS_CONST(select_item, s->sel->items.items[i])->expr;

        if (e->kind == AST_STAR)
            return split_refuse(s, "`*` beside aggregates or groups over several places");
        items[n_items] = bind_above(st, e);
        if (!items[n_items++])
            return false;
    }
    if (s->sel->having) {
        st->aliases = true;
        s->top->having = bind_above(st, s->sel->having);
        st->aliases = false;
        if (!s->top->having)
            return false;
    }
    if (s->bl->distinct && !distinct_keys(st, items, (uint16_t)n, &n_items))
        return false;
    if (!order_keys(st, items, &n_items) || s->no_more)
        return false;
    s->top->project = items;
    s->top->n_project = n_items;
    s->top->n_hidden = (uint16_t)(n_items - n);
    s->p->n_visible = (uint16_t)n;
    return true;
}

static enum ast_walk find_column(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_COLUMN ? AST_ABORT : AST_CONTINUE;
}

/* A constant (the alias of one, say) must not be taken for a position. */
static void put_group(struct tmpl *t, struct ast_node *e)
{
    bool constant = ast_walk(&e, find_column, NULL, NULL);

    tmpl_puts(t, constant ? "COALESCE(" : "");
    tmpl_node(t, e);
    tmpl_puts(t, constant ? ")" : "");
}

static void put_fragment(struct agg_state *st)
{
    struct split *s = st->s;
    struct tmpl t;

    tmpl_init(&t, s->o);
    split_put_head(s, &t, false);
    if (s->n_cols == 0)
        tmpl_puts(&t, "1");
    split_put_cols(s, &t);
    split_put_from_where(s, &t);
    if (!st->raw) {
        bool first = true;

        for (unsigned i = 0; i < (unsigned)st->n_groups + st->n_more; i++, first = false) {
            tmpl_puts(&t, first ? " GROUP BY " : ", ");
            put_group(&t, i < st->n_groups ? st->groups[i] : st->more[i - st->n_groups]);
        }
    }
    split_put_locks(s, &t);
    split_finish_cols(s);
    s->p->fragment = tmpl_finish(&t);
}

bool split_aggregate(struct split *s)
{
    struct agg_state st = {.s = s};
    struct need_walk w = {.st = &st};

    st.more = ARENA_NEW_N(s->o->scratch, struct ast_node *, 1024);
    if (!find_groups(&st) || !find_needs(&st, &w))
        return false;
    st.raw = w.rows;
    if (st.raw)
        st.n_more = 0;
    s->top->aggregate = true;
    if (!group_columns(&st) || !above(&st))
        return false;
    s->top->groups = st.group_keys;
    s->top->n_groups = st.n_groups;
    s->top->aggs = st.aggs;
    s->top->n_aggs = st.n_aggs;
    put_fragment(&st);
    s->p->top = s->top;
    return !s->no_more;
}
