/* What is known of an expression's type before a shard has said it, for one question: how do its values compare? Numbers and
 * times compare by value; strings of a native collation by that collation; of everything else the shards must send WEIGHT_STRING
 * too. A wrong "sure" would give a wrong order, a needless weight only bytes: when in doubt, EXPR_UNSURE. */
#include "optimizer/expr.h"

#include "optimizer/opt-int.h"
#include "types/coll.h"

bool opt_needs_weight(const struct cat_type *t)
{
    struct expr_type e = opt_type_of_column(t);

    return e.cls == EXPR_UNSURE;
}

static struct expr_type of_string(uint16_t coll)
{
    return (struct expr_type){coll_id_is_native(coll) ? EXPR_STRING : EXPR_UNSURE, coll};
}

static const struct expr_type number = {EXPR_NUMBER, 0};
static const struct expr_type temporal = {EXPR_TEMPORAL, 0};
static const struct expr_type unsure = {EXPR_UNSURE, 0};

struct expr_type opt_type_of_column(const struct cat_type *t)
{
    switch (t->code) {
    case TYPE_DATE:
    case TYPE_NEWDATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
        return temporal;
    case TYPE_ENUM:
    case TYPE_SET:
        return (struct expr_type){EXPR_ENUM, t->coll_id};
    case TYPE_JSON:
    case TYPE_GEOMETRY:
    case TYPE_VECTOR:
        return (struct expr_type){EXPR_OTHER, 0};
    case TYPE_VARCHAR:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
        return of_string(t->coll_id);
    default:
        return number;
    }
}

/* Of several values that become one: CASE, COALESCE, IF, UNION. */
struct expr_type opt_type_unify(struct expr_type a, struct expr_type b)
{
    if (a.cls == EXPR_NULL || (a.cls == EXPR_STRING && a.coll == 0 && b.cls == EXPR_STRING))
        return b;
    if (b.cls == EXPR_NULL || (b.cls == EXPR_STRING && b.coll == 0 && a.cls == EXPR_STRING) || (a.cls == b.cls && a.coll == b.coll && a.cls != EXPR_ENUM))
        return a;
    return unsure;
}

static bool in_list(struct sv name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sv_eq_nocase(name, sv_cstr(list[i])))
            return true;
    return false;
}

static struct expr_type of_function(const struct opt *o, const struct block *bl, const struct ast_func *f)
{
    static const char *const numbers[] = {"abs", "acos", "ascii", "asin", "atan", "atan2", "bit_count", "bit_length", "ceil",
        "ceiling", "char_length", "character_length", "coercibility", "connection_id", "cos", "cot", "crc32", "datediff", "day",
        "dayofmonth", "dayofweek", "dayofyear", "degrees", "exp", "extract", "field", "find_in_set", "floor", "found_rows", "hour",
        "instr", "interval", "isnull", "last_insert_id", "length", "ln", "locate", "log", "log10", "log2", "microsecond", "minute",
        "mod", "month", "octet_length", "ord", "period_add", "period_diff", "pi", "position", "pow", "power", "quarter", "radians",
        "rand", "round", "row_count", "second", "sign", "sin", "sqrt", "strcmp", "tan", "time_to_sec", "timestampdiff", "to_days",
        "to_seconds", "truncate", "unix_timestamp", "uuid_short", "week", "weekday", "weekofyear", "year", "yearweek",
        "json_valid", "json_length", "json_depth", "json_contains", "inet_aton", "is_ipv4", "is_ipv6"};
    static const char *const temporals[] = {"curdate", "current_date", "current_time", "current_timestamp", "curtime", "date",
        "from_days", "last_day", "localtime", "localtimestamp", "makedate", "maketime", "now", "sec_to_time", "sysdate",
        "timediff", "timestamp", "utc_date", "utc_time", "utc_timestamp"};
    /* The result has the collation of the first argument, if the others have the same or are literals. */
    static const char *const strings[] = {"concat", "concat_ws", "insert", "lcase", "left", "lower", "lpad", "ltrim", "mid",
        "repeat", "replace", "reverse", "right", "rpad", "rtrim", "substr", "substring", "substring_index", "trim", "ucase",
        "upper"};
    static const char *const choices[] = {"coalesce", "ifnull", "nullif", "greatest", "least", "any_value", "nvl"};
    struct expr_type t = {EXPR_NULL, 0};

    if (ast_ident_set(&f->db))
        return unsure;
    if (in_list(f->name.name, numbers, ARRAY_LEN(numbers)))
        return number;
    if (in_list(f->name.name, temporals, ARRAY_LEN(temporals)))
        return temporal;
    if (in_list(f->name.name, strings, ARRAY_LEN(strings))) {
        for (unsigned i = 0; i < f->args.n; i++) {
            struct expr_type a = opt_type_of(o, bl, f->args.items[i]);

            if (a.cls == EXPR_STRING && a.coll != 0)
                t = t.cls == EXPR_NULL ? a : opt_type_unify(t, a);
            else if (a.cls != EXPR_NUMBER && a.cls != EXPR_NULL && f->args.items[i]->kind != AST_LIT)
                return unsure;
        }
        return t.cls == EXPR_STRING ? t : unsure;
    }
    if (in_list(f->name.name, choices, ARRAY_LEN(choices))) {
        for (unsigned i = 0; i < f->args.n; i++)
            t = opt_type_unify(t, opt_type_of(o, bl, f->args.items[i]));
        return t;
    }
    if (sv_eq_nocase(f->name.name, SV("if")) && f->args.n == 3)
        return opt_type_unify(opt_type_of(o, bl, f->args.items[1]), opt_type_of(o, bl, f->args.items[2]));
    if ((sv_eq_nocase(f->name.name, SV("date_add")) || sv_eq_nocase(f->name.name, SV("date_sub")) ||
            sv_eq_nocase(f->name.name, SV("adddate")) || sv_eq_nocase(f->name.name, SV("subdate"))) &&
        f->args.n && opt_type_of(o, bl, f->args.items[0]).cls == EXPR_TEMPORAL)
        return temporal;
    return unsure;
}

static struct expr_type of_aggregate(const struct opt *o, const struct block *bl, const struct ast_agg *a)
{
    static const char *const same[] = {"min", "max", "any_value", "first_value", "last_value", "nth_value", "lag", "lead"};
    static const char *const json[] = {"json_arrayagg", "json_objectagg"};

    if (in_list(a->name.name, same, ARRAY_LEN(same)))
        return a->args.n ? opt_type_of(o, bl, a->args.items[0]) : unsure;
    if (sv_eq_nocase(a->name.name, SV("group_concat"))) {
        struct expr_type t = a->args.n ? opt_type_of(o, bl, a->args.items[0]) : unsure;

        return t.cls == EXPR_STRING && a->args.n == 1 ? t : unsure;
    }
    if (in_list(a->name.name, json, ARRAY_LEN(json)))
        return (struct expr_type){EXPR_OTHER, 0};
    return number;
}

static struct expr_type of_cast(const struct ast_cast *c)
{
    const struct ast_type *t = c->type ? AST_AS_CONST(type, c->type) : NULL;
    const struct collation *coll;

    if (!t)
        return unsure;
    switch (t->base) {
    case AST_TYPE_DATE:
    case AST_TYPE_TIME:
    case AST_TYPE_DATETIME:
    case AST_TYPE_TIMESTAMP:
        return temporal;
    case AST_TYPE_BINARY:
    case AST_TYPE_VARBINARY:
        return of_string(TYPE_COLL_BINARY);
    case AST_TYPE_CHAR:
    case AST_TYPE_VARCHAR:
        if (!t->charset.ptr) /* the connection's collation, which a cached plan does not know */
            return unsure;
        coll = coll_default_of(t->charset, false);
        return coll ? of_string(coll->id) : unsure;
    case AST_TYPE_SIGNED:
    case AST_TYPE_UNSIGNED:
    case AST_TYPE_TINYINT:
    case AST_TYPE_SMALLINT:
    case AST_TYPE_MEDIUMINT:
    case AST_TYPE_INT:
    case AST_TYPE_BIGINT:
    case AST_TYPE_DECIMAL:
    case AST_TYPE_FLOAT:
    case AST_TYPE_DOUBLE:
    case AST_TYPE_REAL:
    case AST_TYPE_YEAR:
        return number;
    default:
        return unsure;
    }
}

static struct expr_type of_binary(const struct opt *o, const struct block *bl, const struct ast_binary *b)
{
    switch (b->op) {
    case AST_OP_ADD:
    case AST_OP_SUB:
        if (b->left->kind == AST_INTERVAL || b->right->kind == AST_INTERVAL) {
            const struct ast_node *d = b->left->kind == AST_INTERVAL ? b->right : b->left;

            return opt_type_of(o, bl, d).cls == EXPR_TEMPORAL ? temporal : unsure;
        }
        return number;
    case AST_OP_CONCAT:
    case AST_OP_JSON_GET:
    case AST_OP_JSON_GET_TEXT:
        return unsure;
    case AST_OP_BIT_AND: /* of binary strings they are strings */
    case AST_OP_BIT_OR:
    case AST_OP_BIT_XOR:
    default:
        return number;
    }
}

static struct expr_type of_case(const struct opt *o, const struct block *bl, const struct ast_case *c)
{
    struct expr_type t = c->els ? opt_type_of(o, bl, c->els) : (struct expr_type){EXPR_NULL, 0};

    for (unsigned i = 0; i < c->whens.n; i++)
        t = opt_type_unify(t, opt_type_of(o, bl, AST_AS_CONST(when, c->whens.items[i])->value));
    return t;
}

static struct expr_type of_column(const struct opt *o, const struct block *bl, const struct ast_node *e)
{
    struct colref c;

    if (!bind_column_of(bl, e, &c))
        return unsure;
    return opt_type_of_ref(o, c);
}

/* In another character set than UTF-8 no string can be compared here. */
static struct expr_type as_sent(const struct opt *o, struct expr_type t)
{
    if (o->env->foreign_results && t.cls == EXPR_STRING && t.coll != 0 && t.coll != TYPE_COLL_BINARY)
        t.cls = EXPR_UNSURE;
    return t;
}

struct expr_type opt_type_of_ref(const struct opt *o, struct colref c)
{
    struct colref base = bind_base_column(c);

    /* An expression of a derived table. */
    if (!base.src && c.src && c.src->kind == SRC_DERIVED && c.src->query->block) {
        const struct block *bl = c.src->query->block;

        if (bl->outs_known && c.col < bl->n_outs)
            return bl->outs[c.col].expr ? opt_type_of(o, bl, bl->outs[c.col].expr) : opt_type_of_ref(o, bl->outs[c.col].ref);
    }

    return base.src ? as_sent(o, opt_type_of_column(&base.src->table->columns[base.col].type)) : unsure;
}

static struct expr_type type_of(const struct opt *o, const struct block *bl, const struct ast_node *e)
{
    const struct collation *coll;

    switch ((enum ast_kind)e->kind) {
    case AST_LIT:
        switch (AST_AS_CONST(lit, e)->type) {
        case AST_LIT_NULL:
            return (struct expr_type){EXPR_NULL, 0};
        case AST_LIT_STRING:
            /* Collation 0: whatever it meets. */
            if (AST_AS_CONST(lit, e)->charset.ptr)
                return sv_eq_nocase(AST_AS_CONST(lit, e)->charset, SV("binary")) ? of_string(TYPE_COLL_BINARY) : unsure;
            return (struct expr_type){EXPR_STRING, 0};
        case AST_LIT_HEX:
        case AST_LIT_BIT:
            return of_string(TYPE_COLL_BINARY);
        case AST_LIT_DATE:
        case AST_LIT_TIME:
        case AST_LIT_TIMESTAMP:
            return temporal;
        case AST_LIT_TRUE:
        case AST_LIT_FALSE:
        case AST_LIT_INT:
        case AST_LIT_DECIMAL:
        case AST_LIT_FLOAT:
            return number;
        }
        return unsure;
    case AST_COLUMN:
        return of_column(o, bl, e);
    case AST_UNARY:
        return AST_AS_CONST(unary, e)->op == AST_OP_BINARY ? of_string(TYPE_COLL_BINARY) : number;
    case AST_BINARY:
        return of_binary(o, bl, AST_AS_CONST(binary, e));
    case AST_LOGIC:
    case AST_BETWEEN:
    case AST_IN:
    case AST_LIKE:
    case AST_IS:
    case AST_QUANT:
    case AST_EXISTS:
    case AST_MATCH:
        return number;
    case AST_CASE:
        return of_case(o, bl, AST_AS_CONST(case, e));
    case AST_CAST:
        return of_cast(AST_AS_CONST(cast, e));
    case AST_USING:
        coll = coll_default_of(AST_AS_CONST(using, e)->charset, o->env->flavour == ENV_MARIADB);
        return coll ? of_string(coll->id) : unsure;
    case AST_COLLATE:
        coll = coll_by_name(AST_AS_CONST(collate, e)->collation);
        return coll ? of_string(coll->id) : unsure;
    case AST_FUNC:
        return of_function(o, bl, AST_AS_CONST(func, e));
    case AST_AGG:
        return of_aggregate(o, bl, AST_AS_CONST(agg, e));
    case AST_SUBQUERY:
        for (const struct subquery *s = bl->subqueries; s; s = s->next)
            if (s->query->node == AST_AS_CONST(subquery, e)->query && s->query->block && s->query->block->outs_known &&
                s->query->block->n_outs == 1) {
                const struct outcol *c = &s->query->block->outs[0];

                return c->expr ? opt_type_of(o, s->query->block, c->expr) : opt_type_of_ref(o, c->ref);
            }
        return unsure;
    default:
        return unsure;
    }
}

struct expr_type opt_type_of(const struct opt *o, const struct block *bl, const struct ast_node *e)
{
    struct expr_type t = type_of(o, bl, e);

    /* What functions and subqueries make of an ENUM is its name. */
    if (t.cls == EXPR_ENUM && e->kind != AST_COLUMN && e->kind != AST_AGG)
        t.cls = EXPR_STRING;
    return as_sent(o, t);
}

static enum ast_walk division_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_AGG || ((*slot)->kind == AST_BINARY && AST_AS_CONST(binary, *slot)->op == AST_OP_DIV) ? AST_ABORT
                                                                                                                     : AST_CONTINUE;
}

bool opt_divides(struct ast_node *e)
{
    return !ast_walk(&e, division_pre, NULL, NULL);
}

uint32_t opt_expr_param(struct opt *o, const struct rvalue *v)
{
    for (uint32_t i = 0; i < o->n_expr_params; i++) {
        const struct rvalue *x = o->expr_params[i];

        if (x->kind == v->kind && x->slot == v->slot && (v->kind == RV_LITERAL || v->kind == RV_PARAM))
            return i;
    }
    if (o->n_expr_params == o->cap_expr_params) {
        uint16_t cap = o->cap_expr_params ? (uint16_t)(o->cap_expr_params * 2) : 8;
        const struct rvalue **grown = ARENA_NEW_N(o->arena, const struct rvalue *, cap);

        if (o->n_expr_params)
            memcpy(grown, o->expr_params, o->n_expr_params * sizeof *grown);
        o->expr_params = grown;
        o->cap_expr_params = cap;
    }
    o->expr_params[o->n_expr_params] = v;
    return o->n_expr_params++;
}
