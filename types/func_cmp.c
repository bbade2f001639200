/* Comparison, three-valued logic, conditional functions, casts, and the functions of the session.
 * AND, OR, CASE and the like are evaluated lazily by their callers (bexpr_eval, executor/vm); their scalars here take arguments
 * that are all evaluated and only choose. */
#include "types/func-json.h"

/* ---- comparison ---- */

static bool refuse(struct binder *b, const char *what)
{
    return diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s of %s above the shards'",
        b->f->name, what);
}

/* Fixes how arguments i and j compare, and the collation. */
static bool bind_pair(struct binder *b, uint32_t i, uint32_t j, enum value_cmp_as *as, uint16_t *coll)
{
    struct func_arg pair[2] = {b->args[i], b->args[j]};
    enum type_deriv deriv;

    for (int k = 0; k < 2; k++) {
        const struct sql_type *t = &pair[k].type;

        if (t->code == TYPE_JSON && (b->f->id < FUNC_EQ || b->f->id > FUNC_NULL_SAFE_EQ || b->env->flavour == ENV_MARIADB))
            return refuse(b, "JSON");
        if (t->code == TYPE_JSON && (type_is_temporal(&pair[1 - k].type) || (type_is_string(&pair[1 - k].type) &&
            pair[1 - k].type.coll == TYPE_COLL_BINARY)))
            return refuse(b, "JSON with a date, time or bytes");
        if ((t->code == TYPE_ENUM || t->code == TYPE_SET) && !type_is_string(&pair[1 - k].type) &&
            type_kind_of(&pair[1 - k].type) != KIND_NULL)
            return refuse(b, "ENUM with a number");
    }
    *coll = TYPE_COLL_BINARY;
    if (pair[0].type.code == TYPE_JSON || pair[1].type.code == TYPE_JSON) {
        *as = CMP_AS_JSON;
        return true;
    }
    *as = value_cmp_rule(&pair[0].type, &pair[1].type, pair[0].constant, pair[1].constant);
    for (int k = 0; k < 2; k++) { /* x'41' against a number is a number */
        if (pair[k].constant && pair[k].constant->code == TYPE_BIT && pair[k].constant->kind == KIND_STR && *as == CMP_AS_DOUBLE &&
            type_kind_of(&pair[1 - k].type) != KIND_F64)
            *as = type_kind_of(&pair[1 - k].type) == KIND_DEC ? CMP_AS_DECIMAL : CMP_AS_INT;
    }
    if (*as != CMP_AS_STRING)
        return true;
    if (!func_unify_coll(pair, 2, b->f->name, coll, &deriv, b->diag))
        return false;
    if (!*coll)
        *coll = b->env->coll_connection;
    if (!coll_id_is_native(*coll))
        return diag_setf(b->diag, ER_NOT_SUPPORTED_YET,
            "This version of Tessera doesn't yet support 'comparison in collation %s above the shards'",
            coll_by_id(*coll) ? coll_by_id(*coll)->name : "?");
    return true;
}

static bool bind_compare(struct binder *b)
{
    enum value_cmp_as as;

    if (!bind_pair(b, 0, 1, &as, &b->c->coll))
        return false;
    b->c->cmp = (uint8_t)as;
    return bind_bool(b);
}

/* A document among values that are compared as documents. */
static bool side_json(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, struct json **j)
{
    if (c->args[i].type.code != TYPE_JSON)
        return json_of_value(cx, &args[i], &c->args[i].type, true, j) || json_refuse(cx, c, "JSON with a value of this type");
    if (!json_doc(cx, c, args, i, j))
        return false;
    /* A date that a shard holds in a document looks like text here, but is not equal to it. */
    return !cx->exact || !json_has_guessed_text(*j) || json_refuse(cx, c, "a JSON value whose type its text does not show");
}

static bool compare_json(struct func_ctx *cx, const struct func_call *c, const struct value *args, int *r)
{
    struct json *x, *y;

    if (!side_json(cx, c, args, 0, &x) || !side_json(cx, c, args, 1, &y))
        return false;
    *r = json_compare(x, y);
    return true;
}

static bool f_compare(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    bool t = false;
    int r;

    if (c->cmp == CMP_AS_JSON) {
        if (!compare_json(cx, c, args, &r))
            return false;
    } else {
        r = value_compare(&args[0], &args[1], (enum value_cmp_as)c->cmp, c->coll, cx->env);
    }
    switch (c->f->id) {
    case FUNC_EQ: t = r == 0; break;
    case FUNC_NE: t = r != 0; break;
    case FUNC_LT: t = r < 0; break;
    case FUNC_LE: t = r <= 0; break;
    case FUNC_GT: t = r > 0; break;
    case FUNC_GE: t = r >= 0; break;
    default: break;
    }
    *out = value_i64(t);
    return true;
}

static bool f_null_safe_eq(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    if (args[0].kind == KIND_NULL || args[1].kind == KIND_NULL)
        *out = value_i64(args[0].kind == args[1].kind);
    else if (c->cmp == CMP_AS_JSON) {
        int r;

        if (!compare_json(cx, c, args, &r))
            return false;
        *out = value_i64(r == 0);
    } else
        *out = value_i64(value_compare(&args[0], &args[1], (enum value_cmp_as)c->cmp, c->coll, cx->env) == 0);
    return true;
}

/* Comparisons of the first argument with each other one: data is an array of these. */
struct pair_rule {
    uint8_t as;
    uint16_t coll;
};

static bool bind_each(struct binder *b)
{
    struct pair_rule *r = ARENA_NEW_N(b->arena, struct pair_rule, b->n);

    for (uint32_t i = 1; i < b->n; i++) {
        enum value_cmp_as as;

        if (!bind_pair(b, 0, i, &as, &r[i].coll))
            return false;
        r[i].as = (uint8_t)as;
    }
    b->c->data = r;
    return bind_bool(b);
}

/* -1 NULL, else the comparison's sign + 1... : 0 less, 1 equal, 2 greater. */
static int each(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i)
{
    const struct pair_rule *r = c->data;

    if (args[0].kind == KIND_NULL || args[i].kind == KIND_NULL)
        return -1;
    return value_compare(&args[0], &args[i], (enum value_cmp_as)r[i].as, r[i].coll, cx->env) + 1;
}

static int and3(int a, int b)
{
    return a == 0 || b == 0 ? 0 : a < 0 || b < 0 ? -1 : 1;
}

static void set3(struct value *out, int t, bool negate)
{
    *out = t < 0 ? value_null() : value_i64(negate ? !t : t);
}

static bool f_between(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int lo = each(cx, c, args, 1), hi = each(cx, c, args, 2);

    set3(out, and3(lo < 0 ? -1 : lo >= 1, hi < 0 ? -1 : hi <= 1), c->f->id == FUNC_NOT_BETWEEN);
    return true;
}

static bool f_in(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int t = 0;

    for (uint32_t i = 1; i < c->n_args && t != 1; i++) {
        int r = each(cx, c, args, i);

        t = r == 1 ? 1 : r < 0 ? -1 : t;
    }
    set3(out, t, c->f->id == FUNC_NOT_IN);
    return true;
}

static bool bind_like(struct binder *b)
{
    enum type_deriv deriv;

    if (!func_unify_coll(b->args, 2, "like", &b->c->coll, &deriv, b->diag))
        return false;
    if (!b->c->coll)
        b->c->coll = b->env->coll_connection;
    if (!coll_id_is_native(b->c->coll))
        return refuse(b, "this collation");
    return bind_bool(b);
}

static bool f_like(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), p = arg_str(cx, c, args, 1);
    uint32_t escape = cx->env->sql_mode & MODE_NO_BACKSLASH_ESCAPES ? 0 : '\\';

    if (c->n_args > 2) {
        struct sv e = arg_str(cx, c, args, 2);

        escape = 0;
        if (e.len)
            (void)coll_decode_utf8(e.ptr, e.ptr + e.len, &escape);
    }
    set3(out, coll_like(c->coll, s, p, escape), c->f->id == FUNC_NOT_LIKE);
    return true;
}

static bool f_strcmp(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    *out = value_i64(coll_compare(c->coll, arg_str(cx, c, args, 0), arg_str(cx, c, args, 1)));
    return true;
}

/* ---- logic ---- */

static bool f_and(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int t = 1;

    for (uint32_t i = 0; i < c->n_args; i++)
        t = and3(t, value_truth(&args[i], cx->env));
    set3(out, t, false);
    return true;
}

static bool f_or(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int t = 0;

    for (uint32_t i = 0; i < c->n_args; i++) {
        int x = value_truth(&args[i], cx->env);

        t = t == 1 || x == 1 ? 1 : t < 0 || x < 0 ? -1 : 0;
    }
    set3(out, t, false);
    return true;
}

static bool f_xor(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    (void)c;
    *out = value_i64(value_truth(&args[0], cx->env) != value_truth(&args[1], cx->env));
    return true;
}

static bool f_not(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    (void)c;
    *out = value_i64(!value_truth(&args[0], cx->env));
    return true;
}

static bool f_is(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int t = value_truth(&args[0], cx->env);

    switch (c->f->id) {
    case FUNC_IS_NULL: *out = value_i64(args[0].kind == KIND_NULL); break;
    case FUNC_IS_NOT_NULL: *out = value_i64(args[0].kind != KIND_NULL); break;
    case FUNC_IS_TRUE: *out = value_i64(t == 1); break;
    case FUNC_IS_NOT_TRUE: *out = value_i64(t != 1); break;
    case FUNC_IS_FALSE: *out = value_i64(t == 0); break;
    case FUNC_IS_NOT_FALSE: *out = value_i64(t != 0); break;
    default: *out = value_i64(args[0].kind == KIND_NULL); break; /* ISNULL() */
    }
    return true;
}

/* ---- conditional ---- */

/* Result type of the arguments numbered in `which`. */
static bool bind_unified(struct binder *b, const uint32_t *which, uint32_t n)
{
    struct func_arg *args = ARENA_NEW_N(b->arena, struct func_arg, n + 1);
    unsigned phys = 0, ints = 0;

    for (uint32_t i = 0; i < n; i++) {
        unsigned x, s;

        args[i] = b->args[which[i]];
        if (type_is_numeric(&args[i].type) && type_kind_of(&args[i].type) != KIND_F64) {
            arg_digits(&args[i], &x, &s);
            ints = MAX(ints, x);
            phys = MAX(phys, arg_phys_scale(&args[i]));
        }
    }
    if (!func_unify_types(args, n, b->f->name, b->env, &b->c->type, b->diag))
        return false;
    if (type_kind_of(&b->c->type) == KIND_DEC)
        bind_set_decimal(b->c, type_dec_precision(&b->c->type), b->c->type.decimals, MAX(phys, (unsigned)b->c->type.decimals));
    b->c->coll = b->c->type.coll;
    return true;
}

static bool bind_case(struct binder *b)
{
    uint32_t *which = ARENA_NEW_N(b->arena, uint32_t, b->n), n = 0;

    for (uint32_t i = 0; i + 1 < b->n; i += 2)
        which[n++] = i + 1;
    if (b->n % 2)
        which[n++] = b->n - 1;
    return bind_unified(b, which, n);
}

static bool f_case(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint32_t i;

    for (i = 0; i + 1 < c->n_args; i += 2) {
        if (value_truth(&args[i], cx->env) == 1)
            return func_to_result(cx, c, &args[i + 1], &c->args[i + 1].type, out);
    }
    return i < c->n_args ? func_to_result(cx, c, &args[i], &c->args[i].type, out) : true;
}

static bool bind_if(struct binder *b)
{
    return bind_unified(b, (const uint32_t[]){1, 2}, 2);
}

static bool f_if(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint32_t i = value_truth(&args[0], cx->env) == 1 ? 1 : 2;

    return func_to_result(cx, c, &args[i], &c->args[i].type, out);
}

static bool bind_all(struct binder *b)
{
    uint32_t *which = ARENA_NEW_N(b->arena, uint32_t, b->n);

    for (uint32_t i = 0; i < b->n; i++)
        which[i] = i;
    return bind_unified(b, which, b->n);
}

static bool f_coalesce(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    for (uint32_t i = 0; i < c->n_args; i++) {
        if (args[i].kind != KIND_NULL)
            return func_to_result(cx, c, &args[i], &c->args[i].type, out);
    }
    return true;
}

static bool bind_nullif(struct binder *b)
{
    enum value_cmp_as as;
    struct pair_rule *r = ARENA_NEW(b->arena, struct pair_rule);

    if (!bind_pair(b, 0, 1, &as, &r->coll))
        return false;
    r->as = (uint8_t)as;
    b->c->data = r;
    return bind_unified(b, (const uint32_t[]){0}, 1);
}

static bool f_nullif(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct pair_rule *r = c->data;

    if (args[0].kind == KIND_NULL)
        return true;
    if (args[1].kind != KIND_NULL && value_compare(&args[0], &args[1], (enum value_cmp_as)r->as, r->coll, cx->env) == 0)
        return true;
    return func_to_result(cx, c, &args[0], &c->args[0].type, out);
}

/* GREATEST and LEAST compare as the type that all arguments unify to; strings and temporals among numbers as doubles. */
static bool bind_greatest(struct binder *b)
{
    bool str = false, num = false;
    struct sql_type t;

    if (!bind_all(b))
        return false;
    for (uint32_t i = 0; i < b->n; i++) {
        str |= type_is_string(&b->args[i].type);
        num |= type_is_numeric(&b->args[i].type);
    }
    if (str && num && b->env->flavour == ENV_MARIADB) { /* MySQL compares them as strings */
        b->c->type = type_double();
        b->c->vec_kind = 0xff;
    }
    t = b->c->type;
    if (type_kind_of(&t) == KIND_STR && !coll_id_is_native(t.coll))
        return refuse(b, "this collation");
    b->c->cmp = (uint8_t)value_cmp_rule(&t, &t, false, false);
    return true;
}

static bool f_greatest(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct value best, x;

    if (!func_to_result(cx, c, &args[0], &c->args[0].type, &best))
        return false;
    for (uint32_t i = 1; i < c->n_args; i++) {
        int r;

        if (!func_to_result(cx, c, &args[i], &c->args[i].type, &x))
            return false;
        if (x.kind == KIND_NULL || best.kind == KIND_NULL)
            return true;
        r = value_compare(&x, &best, (enum value_cmp_as)c->cmp, c->type.coll, cx->env);
        if (c->aux ? r < 0 : r > 0)
            best = x;
    }
    *out = best;
    return true;
}

static bool bind_interval(struct binder *b)
{
    return bind_int(b);
}

static bool f_interval(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint32_t i = 1;
    double x;

    if (args[0].kind == KIND_NULL) {
        *out = value_i64(-1);
        return true;
    }
    x = value_to_f64(&args[0], cx->env);
    while (i < c->n_args && (args[i].kind == KIND_NULL || value_to_f64(&args[i], cx->env) <= x))
        i++;
    *out = value_i64((int64_t)i - 1);
    return true;
}

static bool bind_field(struct binder *b)
{
    if (!bind_each(b))
        return false;
    return bind_int(b);
}

static bool f_field(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    *out = value_i64(0);
    for (uint32_t i = 1; i < c->n_args; i++) {
        if (each(cx, c, args, i) == 1) {
            *out = value_i64(i);
            break;
        }
    }
    return true;
}

static bool bind_elt(struct binder *b)
{
    enum type_deriv deriv;

    if (!func_unify_coll(b->args + 1, b->n - 1, b->f->name, &b->c->coll, &deriv, b->diag))
        return false;
    if (!b->c->coll)
        b->c->coll = b->env->coll_connection;
    b->c->type = type_string(1u << 20, b->c->coll, deriv);
    return true;
}

static bool f_elt(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int64_t i;

    if (args[0].kind == KIND_NULL)
        return true;
    i = value_to_i64(&args[0], cx->env);
    if (i >= 1 && i < c->n_args && args[i].kind != KIND_NULL)
        *out = value_str(arg_str(cx, c, args, (uint32_t)i), c->coll);
    return true;
}

/* ---- CAST, COLLATE ---- */

static bool bind_cast(struct binder *b)
{
    struct sql_type t;

    CHECK(b->opts->target);
    t = *b->opts->target;
    if (t.code == TYPE_JSON)
        return json_bind_cast(b);
    if (b->args[0].type.code == TYPE_JSON && type_is_temporal(&t))
        return refuse(b, "a JSON value as a date or time");
    if (t.code == TYPE_ENUM || t.code == TYPE_SET || t.code == TYPE_GEOMETRY || t.code == TYPE_VECTOR)
        return refuse(b, "this type");
    if (type_is_string(&t) && t.coll == 0) { /* CHAR: in the collation of the connection */
        uint32_t length = t.length;

        t = type_string(type_chars(&t) / 4, b->env->coll_connection, DERIV_IMPLICIT);
        if (length == UINT32_MAX)
            t.length = length;
    }
    b->c->type = t;
    b->c->coll = t.coll;
    return true;
}

static bool f_cast(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    if (c->args[0].type.code == TYPE_JSON && type_is_numeric(&c->type)) {
        enum type_kind k = type_kind_of(&c->type);
        struct value n = value_json_number(&args[0], k == KIND_F64 ? 'd' : k == KIND_DEC ? 'c' : 'i', cx->env);
        struct sql_type t = value_type(&n);

        return cast_explicit(&n, &t, &c->type, cx->env, cx->arena, cx->diag, out);
    }
    return cast_explicit(&args[0], &c->args[0].type, &c->type, cx->env, cx->arena, cx->diag, out);
}

static bool bind_collate(struct binder *b)
{
    CHECK(b->opts->target);
    b->c->type = b->args[0].type;
    if (!type_is_string(&b->c->type))
        b->c->type = type_string(type_chars(&b->args[0].type), b->opts->target->coll, DERIV_EXPLICIT);
    b->c->type.coll = b->c->coll = b->opts->target->coll;
    b->c->type.deriv = DERIV_EXPLICIT;
    return true;
}

static bool f_collate(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    *out = value_str(arg_str(cx, c, args, 0), c->coll);
    return true;
}

/* ---- the session's ---- */

enum { SES_DB, SES_VERSION, SES_CONNECTION, SES_LAST_ID, SES_ROW_COUNT, SES_FOUND_ROWS };

static bool f_session_str(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = c->aux == SES_DB ? cx->env->db : cx->env->version;

    (void)args;
    *out = s.ptr ? value_str(s, c->coll) : value_null();
    return true;
}

static bool f_session_int(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    (void)args;
    switch (c->aux) {
    case SES_CONNECTION: *out = value_u64(cx->env->connection_id); break;
    case SES_LAST_ID: *out = value_u64(cx->env->last_insert_id); break;
    case SES_ROW_COUNT: *out = value_i64(cx->env->row_count); break;
    case SES_FOUND_ROWS: *out = value_u64(cx->env->found_rows); break;
    }
    return true;
}

#define N FUNC_NULL_ANY
#define L FUNC_LAZY
const struct func funcs_cmp[] = {
    {"=", FUNC_EQ, 2, 2, N, bind_compare, f_compare, 0},
    {"<>", FUNC_NE, 2, 2, N, bind_compare, f_compare, 0},
    {"<", FUNC_LT, 2, 2, N, bind_compare, f_compare, 0},
    {"<=", FUNC_LE, 2, 2, N, bind_compare, f_compare, 0},
    {">", FUNC_GT, 2, 2, N, bind_compare, f_compare, 0},
    {">=", FUNC_GE, 2, 2, N, bind_compare, f_compare, 0},
    {"<=>", FUNC_NULL_SAFE_EQ, 2, 2, 0, bind_compare, f_null_safe_eq, 0},
    {"and", FUNC_AND, 2, FUNC_MAX_ARGS, L, bind_bool, f_and, 0},
    {"or", FUNC_OR, 2, FUNC_MAX_ARGS, L, bind_bool, f_or, 0},
    {"xor", FUNC_XOR, 2, 2, N, bind_bool, f_xor, 0},
    {"not", FUNC_NOT, 1, 1, N, bind_bool, f_not, 0},
    {"is null", FUNC_IS_NULL, 1, 1, 0, bind_bool, f_is, 0},
    {"is not null", FUNC_IS_NOT_NULL, 1, 1, 0, bind_bool, f_is, 0},
    {"is true", FUNC_IS_TRUE, 1, 1, 0, bind_bool, f_is, 0},
    {"is not true", FUNC_IS_NOT_TRUE, 1, 1, 0, bind_bool, f_is, 0},
    {"is false", FUNC_IS_FALSE, 1, 1, 0, bind_bool, f_is, 0},
    {"is not false", FUNC_IS_NOT_FALSE, 1, 1, 0, bind_bool, f_is, 0},
    {"isnull", FUNC_OTHER, 1, 1, 0, bind_bool, f_is, 0},
    {"between", FUNC_BETWEEN, 3, 3, 0, bind_each, f_between, 0},
    {"not between", FUNC_NOT_BETWEEN, 3, 3, 0, bind_each, f_between, 0},
    {"in", FUNC_IN, 2, UINT16_MAX, 0, bind_each, f_in, 0},
    {"not in", FUNC_NOT_IN, 2, UINT16_MAX, 0, bind_each, f_in, 0},
    {"like", FUNC_LIKE, 2, 3, N, bind_like, f_like, 0},
    {"not like", FUNC_NOT_LIKE, 2, 3, N, bind_like, f_like, 0},
    {"strcmp", FUNC_OTHER, 2, 2, N, bind_like, f_strcmp, 0},
    {"case", FUNC_CASE, 2, UINT16_MAX, L, bind_case, f_case, 0},
    {"if", FUNC_IF, 3, 3, L, bind_if, f_if, 0},
    {"ifnull", FUNC_IFNULL, 2, 2, L, bind_all, f_coalesce, 0},
    {"nvl", FUNC_OTHER, 2, 2, 0, bind_all, f_coalesce, 0},
    {"coalesce", FUNC_COALESCE, 1, UINT16_MAX, L, bind_all, f_coalesce, 0},
    {"nullif", FUNC_NULLIF, 2, 2, 0, bind_nullif, f_nullif, 0},
    {"greatest", FUNC_OTHER, 2, UINT16_MAX, N, bind_greatest, f_greatest, 0},
    {"least", FUNC_OTHER, 2, UINT16_MAX, N, bind_greatest, f_greatest, 1},
    {"interval", FUNC_OTHER, 2, UINT16_MAX, 0, bind_interval, f_interval, 0},
    {"field", FUNC_OTHER, 2, UINT16_MAX, 0, bind_field, f_field, 0},
    {"elt", FUNC_OTHER, 2, UINT16_MAX, 0, bind_elt, f_elt, 0},
    {"cast", FUNC_CAST, 1, 1, FUNC_HAS_TARGET | N, bind_cast, f_cast, 0},
    {"collate", FUNC_COLLATE, 1, 1, FUNC_HAS_TARGET | N, bind_collate, f_collate, 0},
    {"database", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_string_conn, f_session_str, SES_DB},
    {"schema", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_string_conn, f_session_str, SES_DB},
    {"version", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_string_conn, f_session_str, SES_VERSION},
    {"connection_id", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_uint, f_session_int, SES_CONNECTION},
    {"last_insert_id", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_uint, f_session_int, SES_LAST_ID},
    {"row_count", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_int, f_session_int, SES_ROW_COUNT},
    {"found_rows", FUNC_OTHER, 0, 0, FUNC_USES_ENV, bind_uint, f_session_int, SES_FOUND_ROWS},
};
const size_t funcs_cmp_n = ARRAY_LEN(funcs_cmp);
#undef N
#undef L
