/* Bound expressions: building binds each call to its arguments' types. Evaluation here is the slow, plain one: it binds again
 * at each call, walks the tree, and knows laziness (AND, OR, CASE, COALESCE evaluate only what counts). Programs are tested
 * against it. */
#include "types/bexpr.h"

#include "types/coll.h"
#include "util/strbuf.h"

const struct bexpr *bexpr_const(struct arena *a, struct value v)
{
    struct bexpr *x = ARENA_NEW(a, struct bexpr);

    x->kind = BEXPR_CONST;
    x->is_const = true;
    x->value = value_dup(&v, a);
    x->type = value_type(&v);
    return x;
}

const struct bexpr *bexpr_column(struct arena *a, uint32_t ordinal, struct sql_type type)
{
    struct bexpr *x = ARENA_NEW(a, struct bexpr);

    x->kind = BEXPR_COLUMN;
    x->ordinal = ordinal;
    x->type = type;
    return x;
}

const struct bexpr *bexpr_param(struct arena *a, uint32_t ordinal, struct sql_type type)
{
    struct bexpr *x = ARENA_NEW(a, struct bexpr);

    x->kind = BEXPR_PARAM;
    x->is_const = true;
    x->ordinal = ordinal;
    x->type = type;
    return x;
}

static struct func_arg arg_of(const struct bexpr *x)
{
    return (struct func_arg){x->type, x->kind == BEXPR_CONST ? &x->value : NULL, FUNC_SCALE_OF_TYPE};
}

const struct bexpr *bexpr_call(struct arena *a, const struct func *f, const struct bexpr *const *args, uint32_t n_args,
    const struct func_bind_opts *opts, const struct env *e, struct diag *d)
{
    struct bexpr *x = ARENA_NEW(a, struct bexpr);
    struct func_arg *fa = ARENA_NEW_N(a, struct func_arg, n_args + 1);
    struct func_call call;

    x->kind = BEXPR_CALL;
    x->func = f;
    x->n_args = n_args;
    x->args = ARENA_NEW_N(a, const struct bexpr *, n_args + 1);
    x->is_const = true;
    for (uint32_t i = 0; i < n_args; i++) {
        x->args[i] = args[i];
        x->is_const &= args[i]->is_const;
        fa[i] = arg_of(args[i]);
    }
    if (opts) {
        x->unit = (uint8_t)opts->unit;
        if (opts->target)
            x->target = *opts->target;
    }
    if (!func_bind(f, fa, n_args, opts, e, a, &call, d))
        return NULL;
    x->type = call.type;
    if (func_id_of(f) == FUNC_NEG && args[0]->kind == BEXPR_CONST && type_is_numeric(&args[0]->type)) {
        /* A negative number is a literal: rules that look at constants see it. */
        struct diag ignored = {0};
        struct func_ctx cx = {e, a, &ignored, false};
        struct value v;

        if (func_eval_scalar(&cx, &call, &args[0]->value, &v)) {
            x->kind = BEXPR_CONST;
            x->value = v;
        }
    }
    return x;
}

const struct bexpr *bexpr_call_id(struct arena *a, enum func_id id, const struct bexpr *const *args, uint32_t n_args,
    const struct env *e, struct diag *d)
{
    return bexpr_call(a, func_by_id(id), args, n_args, NULL, e, d);
}

static bool values_equal(const struct value *x, const struct value *y)
{
    if (x->kind != y->kind || x->code != y->code)
        return false;
    switch ((enum type_kind)x->kind) {
    case KIND_NULL:
        return true;
    case KIND_I64:
    case KIND_U64:
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        return x->u == y->u && x->fsp == y->fsp;
    case KIND_F64:
        return memcmp(&x->f, &y->f, sizeof(x->f)) == 0;
    case KIND_DEC:
        return x->d.scale == y->d.scale && dec_cmp(&x->d, &y->d) == 0;
    case KIND_STR:
        return x->coll == y->coll && sv_eq(x->s, y->s);
    }
    return false;
}

bool bexpr_equal(const struct bexpr *x, const struct bexpr *y)
{
    if (x == y)
        return true;
    if (x->kind != y->kind)
        return false;
    switch ((enum bexpr_kind)x->kind) {
    case BEXPR_CONST:
        return values_equal(&x->value, &y->value);
    case BEXPR_COLUMN:
    case BEXPR_PARAM:
        return x->ordinal == y->ordinal;
    case BEXPR_AGG:
        return x->ordinal == y->ordinal;
    case BEXPR_CALL:
        break;
    }
    if (x->func != y->func || x->n_args != y->n_args || x->unit != y->unit || x->target.code != y->target.code ||
        x->target.coll != y->target.coll || x->target.length != y->target.length || x->target.decimals != y->target.decimals ||
        x->target.flags != y->target.flags)
        return false;
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!bexpr_equal(x->args[i], y->args[i]))
            return false;
    }
    return true;
}

/* ---- evaluation ---- */

static bool eval_lazy(const struct bexpr *x, const struct value *row, const struct value *params, struct func_ctx *cx,
    const struct func_call *c, struct value *vals, struct value *out);

bool bexpr_eval(const struct bexpr *x, const struct value *row, const struct value *params, struct func_ctx *cx,
    struct value *out)
{
    struct func_bind_opts opts;
    struct func_call call;
    struct func_arg *fa;
    struct value *vals;

    switch ((enum bexpr_kind)x->kind) {
    case BEXPR_CONST:
        *out = x->value;
        return true;
    case BEXPR_COLUMN:
        CHECK(row);
        *out = row[x->ordinal];
        return true;
    case BEXPR_PARAM:
        CHECK(params);
        *out = params[x->ordinal];
        return true;
    case BEXPR_AGG:
        return diag_set(cx->diag, ER_INTERNAL, "an aggregate outside an aggregation");
    case BEXPR_CALL:
        break;
    }
    fa = ARENA_NEW_N(cx->arena, struct func_arg, x->n_args + 1);
    vals = ARENA_NEW_N(cx->arena, struct value, x->n_args + 1);
    for (uint32_t i = 0; i < x->n_args; i++)
        fa[i] = arg_of(x->args[i]);
    opts = (struct func_bind_opts){(enum temporal_unit)x->unit, &x->target};
    if ((cx->exact && !func_is_exact(x->func, fa, x->n_args, &opts, cx->diag)) ||
        !func_bind(x->func, fa, x->n_args, &opts, cx->env, cx->arena, &call, cx->diag))
        return false;
    if (func_flags(x->func) & FUNC_LAZY)
        return eval_lazy(x, row, params, cx, &call, vals, out);
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (!bexpr_eval(x->args[i], row, params, cx, &vals[i]))
            return false;
    }
    return func_eval_scalar(cx, &call, vals, out);
}

/* Evaluates only the arguments that count; the others are given to the scalar as NULLs, which it then does not choose. */
static bool eval_lazy(const struct bexpr *x, const struct value *row, const struct value *params, struct func_ctx *cx,
    const struct func_call *c, struct value *vals, struct value *out)
{
    enum func_id id = func_id_of(x->func);
    uint32_t n = x->n_args;

    for (uint32_t i = 0; i < n; i++)
        vals[i] = value_null();
    if (id == FUNC_AND || id == FUNC_OR) {
        for (uint32_t i = 0; i < n; i++) {
            if (!bexpr_eval(x->args[i], row, params, cx, &vals[i]))
                return false;
            if (value_truth(&vals[i], NULL) == (id == FUNC_OR)) {
                *out = value_i64(id == FUNC_OR);
                return true;
            }
        }
    } else if (id == FUNC_CASE || id == FUNC_IF) {
        for (uint32_t i = 0; i < n; i += 2) {
            if (i + 1 == n)
                return bexpr_eval(x->args[i], row, params, cx, &vals[i]) && func_eval_scalar(cx, c, vals, out);
            if (!bexpr_eval(x->args[i], row, params, cx, &vals[i]))
                return false;
            if (value_truth(&vals[i], NULL) == 1)
                return bexpr_eval(x->args[i + 1], row, params, cx, &vals[i + 1]) && func_eval_scalar(cx, c, vals, out);
        }
    } else {
        for (uint32_t i = 0; i < n; i++) {
            if (!bexpr_eval(x->args[i], row, params, cx, &vals[i]))
                return false;
            if (vals[i].kind != KIND_NULL)
                break;
        }
    }
    return func_eval_scalar(cx, c, vals, out);
}

void bexpr_print(const struct bexpr *x, struct strbuf *b)
{
    const char *name;

    switch ((enum bexpr_kind)x->kind) {
    case BEXPR_CONST:
        value_print_sql(&x->value, false, b);
        return;
    case BEXPR_COLUMN:
        strbuf_printf(b, "#%u", x->ordinal);
        return;
    case BEXPR_PARAM:
        strbuf_printf(b, "?%u", x->ordinal);
        return;
    case BEXPR_AGG:
        strbuf_printf(b, "agg%u", x->ordinal);
        return;
    case BEXPR_CALL:
        break;
    }
    name = func_name(x->func);
    if (x->n_args == 2 && !(name[0] >= 'a' && name[0] <= 'z')) {
        strbuf_putc(b, '(');
        bexpr_print(x->args[0], b);
        strbuf_printf(b, " %s ", name);
        bexpr_print(x->args[1], b);
        strbuf_putc(b, ')');
        return;
    }
    strbuf_printf(b, "%s(", name);
    for (uint32_t i = 0; i < x->n_args; i++) {
        if (i)
            strbuf_puts(b, ", ");
        bexpr_print(x->args[i], b);
    }
    if (func_flags(x->func) & FUNC_HAS_TARGET) {
        char t[64];

        type_print(&x->target, t, sizeof(t));
        strbuf_printf(b, " as %s", t);
    }
    strbuf_putc(b, ')');
}
