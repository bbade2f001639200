/* Arithmetic, bit operations and mathematical functions.
 *
 * Result types: double as soon as one operand is a double or a string; decimal as soon as one is; else 64-bit integer, unsigned
 * if either is. Integer results that do not fit raise 1690, as do doubles that become infinite. Division by zero is NULL
 * with warning 1365. On MariaDB a quotient keeps more digits than it shows (words of nine); MySQL rounds it to what it shows. */
#include "types/func-int.h"

#include "util/hash.h"

#include <math.h>
#include <zlib.h>

static enum num_class class_of(struct binder *b)
{
    enum num_class k = NUM_INT;

    for (uint32_t i = 0; i < b->n; i++)
        k = MAX(k, arg_num_class(&b->args[i]));
    return k;
}

/* ---- integers with sign ---- */

struct xint {
    uint64_t mag;
    bool neg;
};

static struct xint xint_of(const struct value *v, const struct env *e)
{
    int64_t i;

    if (v->kind == KIND_U64 || (v->kind == KIND_STR && v->code == TYPE_BIT))
        return (struct xint){value_to_u64_bits(v, e), false};
    if (v->kind == KIND_DEC || v->kind == KIND_F64) {
        if (!(v->kind == KIND_DEC ? v->d.neg : v->f < 0))
            return (struct xint){value_to_u64_bits(v, e), false};
    }
    i = value_to_i64(v, e);
    return i < 0 ? (struct xint){0 - (uint64_t)i, true} : (struct xint){(uint64_t)i, false};
}

static bool xint_result(struct func_ctx *cx, const struct func_call *c, struct xint x, bool overflow, struct value *out)
{
    if (type_kind_of(&c->type) == KIND_U64) {
        if (overflow || (x.neg && x.mag))
            return func_out_of_range(cx, c, "BIGINT UNSIGNED");
        *out = value_u64(x.mag);
        return true;
    }
    if (overflow || x.mag > (uint64_t)INT64_MAX + x.neg)
        return func_out_of_range(cx, c, "BIGINT");
    *out = value_i64(x.neg ? (int64_t)(0 - x.mag) : (int64_t)x.mag);
    return true;
}

static struct xint xint_add(struct xint a, struct xint b, bool *overflow)
{
    struct xint r = {0, a.neg};

    if (a.neg == b.neg) {
        *overflow = __builtin_add_overflow(a.mag, b.mag, &r.mag);
        return r;
    }
    *overflow = false;
    if (a.mag >= b.mag)
        return (struct xint){a.mag - b.mag, a.neg && a.mag != b.mag};
    return (struct xint){b.mag - a.mag, b.neg};
}

/* ---- + - * ---- */

enum { OP_ADD, OP_SUB, OP_MUL };

static bool bind_add(struct binder *b)
{
    unsigned ia, sa, ib, sb, scale, phys;
    bool uns = arg_is_unsigned(&b->args[0]) || arg_is_unsigned(&b->args[1]);

    switch (class_of(b)) {
    case NUM_INT:
        if (b->c->aux == OP_SUB && b->env->sql_mode & MODE_NO_UNSIGNED_SUBTRACTION)
            uns = false;
        b->c->type = type_int(uns);
        return true;
    case NUM_DBL:
        return bind_double(b);
    case NUM_DEC:
        break;
    }
    arg_digits(&b->args[0], &ia, &sa);
    arg_digits(&b->args[1], &ib, &sb);
    if (b->c->aux == OP_MUL) {
        scale = MIN(sa + sb, env_max_scale(b->env));
        phys = arg_phys_scale(&b->args[0]) + arg_phys_scale(&b->args[1]);
        bind_set_decimal(b->c, ia + ib + scale, scale, phys);
        return true;
    }
    scale = MAX(sa, sb);
    phys = MAX(arg_phys_scale(&b->args[0]), arg_phys_scale(&b->args[1]));
    bind_set_decimal(b->c, MAX(ia, ib) + 1 + scale, scale, phys);
    return true;
}

static bool dec_result(struct func_ctx *cx, const struct func_call *c, enum dec_status st, const struct dec *d, struct value *out)
{
    if (st == DEC_OVERFLOW)
        return func_out_of_range(cx, c, "DECIMAL");
    *out = value_dec(*d);
    return true;
}

static bool double_result(struct func_ctx *cx, const struct func_call *c, double f, struct value *out)
{
    if (isinf(f) || isnan(f))
        return func_out_of_range(cx, c, "DOUBLE");
    *out = value_f64(f);
    return true;
}

static bool f_arith(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);
    const struct value *a = &args[0], *b = &args[1];
    struct dec x, y, d;
    bool over;

    if (k == KIND_F64) {
        double p = value_to_f64(a, cx->env), q = value_to_f64(b, cx->env);

        return double_result(cx, c, c->aux == OP_ADD ? p + q : c->aux == OP_SUB ? p - q : p * q, out);
    }
    if (k == KIND_DEC) {
        enum dec_status st;

        x = value_to_dec(a, cx->env);
        y = value_to_dec(b, cx->env);
        st = c->aux == OP_ADD ? dec_add(&x, &y, &d) : c->aux == OP_SUB ? dec_sub(&x, &y, &d) : dec_mul(&x, &y, &d);
        return dec_result(cx, c, st, &d, out);
    }
    {
        struct xint p = xint_of(a, cx->env), q = xint_of(b, cx->env), r;

        if (c->aux == OP_MUL) {
            r.neg = p.neg != q.neg;
            over = __builtin_mul_overflow(p.mag, q.mag, &r.mag);
        } else {
            q.neg ^= c->aux == OP_SUB;
            r = xint_add(p, q, &over);
        }
        return xint_result(cx, c, r, over, out);
    }
}

/* ---- / DIV % ---- */

static bool bind_div(struct binder *b)
{
    unsigned ia, sa, ib, sb, scale, prec, phys, inc = b->env->div_precision_increment;

    if (class_of(b) == NUM_DBL)
        return bind_double(b);
    arg_digits(&b->args[0], &ia, &sa);
    arg_digits(&b->args[1], &ib, &sb);
    scale = MIN(sa + inc, env_max_scale(b->env));
    prec = ia + sa + sb + inc;
    phys = b->env->flavour == ENV_MARIADB
        ? dec_div_scale(arg_phys_scale(&b->args[0]), arg_phys_scale(&b->args[1]), inc)
        : scale;
    phys = MAX(phys, scale);
    bind_set_decimal(b->c, MAX(prec, scale + 1), scale, phys);
    b->c->aux = inc;
    return true;
}

static bool f_div(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct dec x, y, q;
    enum dec_status st;

    if (type_kind_of(&c->type) == KIND_F64) {
        double d = value_to_f64(&args[1], cx->env);

        if (d == 0) {
            func_warn_div_zero(cx);
            return true;
        }
        return double_result(cx, c, value_to_f64(&args[0], cx->env) / d, out);
    }
    x = value_to_dec(&args[0], cx->env);
    y = value_to_dec(&args[1], cx->env);
    st = dec_div(&x, &y, (unsigned)c->aux, &q);
    if (st == DEC_DIV_ZERO) {
        func_warn_div_zero(cx);
        return true;
    }
    if (st != DEC_OVERFLOW && cx->env->flavour == ENV_MYSQL8)
        (void)dec_rescale(&q, c->type.decimals, DEC_HALF_UP);
    return dec_result(cx, c, st, &q, out);
}

static bool bind_int_div(struct binder *b)
{
    b->c->type = type_int(arg_is_unsigned(&b->args[0]) || arg_is_unsigned(&b->args[1]));
    b->c->aux = class_of(b);
    return true;
}

static bool f_int_div(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct xint p, q;

    if (c->aux != NUM_INT) {
        struct dec x = value_to_dec(&args[0], cx->env), y = value_to_dec(&args[1], cx->env), r;

        if (dec_div(&x, &y, 0, &r) == DEC_DIV_ZERO) {
            func_warn_div_zero(cx);
            return true;
        }
        (void)dec_rescale(&r, 0, DEC_TRUNCATE);
        if (r.mag[1] | r.mag[2] | r.mag[3])
            return func_out_of_range(cx, c, "BIGINT");
        return xint_result(cx, c, (struct xint){r.mag[0], r.neg}, false, out);
    }
    p = xint_of(&args[0], cx->env);
    q = xint_of(&args[1], cx->env);
    if (q.mag == 0) {
        func_warn_div_zero(cx);
        return true;
    }
    return xint_result(cx, c, (struct xint){p.mag / q.mag, p.neg != q.neg && p.mag >= q.mag}, false, out);
}

static bool bind_mod(struct binder *b)
{
    unsigned ia, sa, ib, sb, scale;

    switch (class_of(b)) {
    case NUM_INT:
        b->c->type = type_int(arg_is_unsigned(&b->args[0]));
        return true;
    case NUM_DBL:
        return bind_double(b);
    case NUM_DEC:
        break;
    }
    arg_digits(&b->args[0], &ia, &sa);
    arg_digits(&b->args[1], &ib, &sb);
    scale = MAX(sa, sb);
    bind_set_decimal(b->c, MAX(ia, ib) + scale, scale, MAX(arg_phys_scale(&b->args[0]), arg_phys_scale(&b->args[1])));
    return true;
}

static bool f_mod(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);

    if (k == KIND_F64) {
        double d = value_to_f64(&args[1], cx->env);

        if (d != 0)
            return double_result(cx, c, fmod(value_to_f64(&args[0], cx->env), d), out);
    } else if (k == KIND_DEC) {
        struct dec x = value_to_dec(&args[0], cx->env), y = value_to_dec(&args[1], cx->env), r;
        enum dec_status st = dec_mod(&x, &y, &r);

        if (st != DEC_DIV_ZERO)
            return dec_result(cx, c, st, &r, out);
    } else {
        struct xint p = xint_of(&args[0], cx->env), q = xint_of(&args[1], cx->env);

        if (q.mag)
            return xint_result(cx, c, (struct xint){p.mag % q.mag, p.neg && p.mag % q.mag}, false, out);
    }
    func_warn_div_zero(cx);
    return true;
}

/* ---- unary ---- */

static bool bind_neg(struct binder *b)
{
    const struct func_arg *a = &b->args[0];

    switch (arg_num_class(a)) {
    case NUM_INT:
        /* -9223372036854775808 is written as a negated unsigned literal. Larger ones become decimals. */
        if (a->constant && a->constant->kind == KIND_U64 && a->constant->u > UINT64_C(1) << 63) {
            bind_set_decimal(b->c, 20, 0, 0);
            return true;
        }
        return bind_int(b);
    case NUM_DBL:
        return bind_double(b);
    case NUM_DEC:
        break;
    }
    bind_set_decimal(b->c, type_kind_of(&a->type) == KIND_DEC ? type_dec_precision(&a->type) : 20, a->type.decimals,
        arg_phys_scale(a));
    return true;
}

static bool f_neg(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);

    if (k == KIND_F64) {
        *out = value_f64(-value_to_f64(&args[0], cx->env));
    } else if (k == KIND_DEC) {
        *out = value_dec(value_to_dec(&args[0], cx->env));
        dec_neg(&out->d);
    } else {
        struct xint x = xint_of(&args[0], cx->env);

        return xint_result(cx, c, (struct xint){x.mag, !x.neg && x.mag}, false, out);
    }
    return true;
}

static bool bind_like_arg(struct binder *b)
{
    const struct func_arg *a = &b->args[0];

    switch (arg_num_class(a)) {
    case NUM_INT:
        b->c->type = type_int(arg_is_unsigned(a));
        return true;
    case NUM_DBL:
        return bind_double(b);
    case NUM_DEC:
        break;
    }
    bind_set_decimal(b->c, type_kind_of(&a->type) == KIND_DEC ? type_dec_precision(&a->type) : 20, a->type.decimals,
        arg_phys_scale(a));
    return true;
}

static bool f_abs(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);

    if (k == KIND_F64) {
        *out = value_f64(fabs(value_to_f64(&args[0], cx->env)));
    } else if (k == KIND_DEC) {
        *out = value_dec(value_to_dec(&args[0], cx->env));
        out->d.neg = false;
    } else {
        return xint_result(cx, c, (struct xint){xint_of(&args[0], cx->env).mag, false}, false, out);
    }
    return true;
}

static bool f_sign(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct value *v = &args[0];
    double f;

    (void)c;
    if (v->kind == KIND_DEC) {
        *out = value_i64(dec_is_zero(&v->d) ? 0 : v->d.neg ? -1 : 1);
        return true;
    }
    if (v->kind == KIND_I64 || v->kind == KIND_U64) {
        struct xint x = xint_of(v, cx->env);

        *out = value_i64(x.mag == 0 ? 0 : x.neg ? -1 : 1);
        return true;
    }
    f = value_to_f64(v, cx->env);
    *out = value_i64((f > 0) - (f < 0));
    return true;
}

/* ---- rounding ---- */

static bool bind_floor(struct binder *b)
{
    const struct func_arg *a = &b->args[0];
    unsigned ints, scale;

    switch (arg_num_class(a)) {
    case NUM_INT:
        b->c->type = type_int(arg_is_unsigned(a));
        return true;
    case NUM_DBL:
        return bind_double(b);
    case NUM_DEC:
        break;
    }
    arg_digits(a, &ints, &scale);
    /* A decimal's FLOOR is a BIGINT where it fits one. */
    if (ints < 18)
        b->c->type = type_int(arg_is_unsigned(a) && type_kind_of(&a->type) == KIND_U64);
    else
        bind_set_decimal(b->c, ints + 1, 0, 0);
    return true;
}

static bool f_floor(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);
    bool up = c->aux != 0;

    if (k == KIND_F64) {
        double f = value_to_f64(&args[0], cx->env);

        *out = value_f64(up ? ceil(f) : floor(f));
    } else if (args[0].kind == KIND_DEC || k == KIND_DEC) {
        struct dec d = value_to_dec(&args[0], cx->env);

        (void)dec_rescale(&d, 0, up ? DEC_CEILING : DEC_FLOOR);
        *out = value_dec(d);
        if (k != KIND_DEC) {
            int64_t i;

            (void)dec_to_i64(&d, &i);
            *out = value_i64(i);
        }
    } else {
        return xint_result(cx, c, xint_of(&args[0], cx->env), false, out);
    }
    return true;
}

static bool bind_round(struct binder *b)
{
    const struct func_arg *a = &b->args[0];
    unsigned ints, scale;
    int want = 0;
    bool known = b->n == 1 || b->args[1].constant;

    if (b->n > 1 && b->args[1].constant && b->args[1].constant->kind != KIND_NULL) {
        int64_t w = value_to_i64(b->args[1].constant, b->env);

        int most = (int)env_max_scale(b->env);

        want = (int)(w > most ? most : w < -100 ? -100 : w);
    }
    switch (arg_num_class(a)) {
    case NUM_INT:
        /* Rounding up may take a digit more than 64 bits have: an error on MySQL, a DECIMAL on MariaDB. */
        if (b->env->flavour == ENV_MARIADB && !b->c->aux && (!known || want < 0) && type_dec_precision(&a->type) >= 19)
            bind_set_decimal(b->c, 21, 0, 0);
        else
            b->c->type = type_int(arg_is_unsigned(a));
        return true;
    case NUM_DBL:
        b->c->type = type_double();
        if (known && want >= 0 && b->env->flavour == ENV_MARIADB)
            b->c->type.decimals = (uint8_t)want;
        return true;
    case NUM_DEC:
        break;
    }
    arg_digits(a, &ints, &scale);
    if (!known)
        want = (int)scale;
    want = want < 0 ? 0 : want;
    if (b->env->flavour == ENV_MYSQL8)
        want = MIN(want, (int)scale);
    bind_set_decimal(b->c, ints + (unsigned)want + (b->c->aux ? 0 : 1), (unsigned)want, (unsigned)want);
    return true;
}

static bool f_round(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);
    bool truncate = c->aux != 0;
    int64_t digits = c->n_args > 1 ? value_to_i64(&args[1], cx->env) : 0;

    if (c->n_args > 1 && args[1].kind == KIND_U64 && digits < 0)
        digits = INT64_MAX;
    if (k == KIND_F64) {
        int n = (int)(digits > 1000 ? 1000 : digits < -1000 ? -1000 : digits);

        *out = value_f64(num_round(value_to_f64(&args[0], cx->env), n, truncate));
    } else if (k == KIND_DEC) {
        struct dec d = value_to_dec(&args[0], cx->env);
        int n = (int)(digits > c->type.decimals ? c->type.decimals : digits < -90 ? -90 : digits);
        enum dec_status st = dec_rescale(&d, n, truncate ? DEC_TRUNCATE : DEC_HALF_UP);

        return dec_result(cx, c, st, &d, out);
    } else {
        struct xint x = xint_of(&args[0], cx->env);
        uint64_t unit, rest;
        bool over = false;

        if (digits >= 0)
            return xint_result(cx, c, x, false, out);
        if (digits < -19) {
            x.mag = 0;
        } else {
            unit = dec_pow10_u64((unsigned)-digits);
            rest = x.mag % unit;
            x.mag -= rest;
            if (!truncate && rest >= unit / 2)
                over = __builtin_add_overflow(x.mag, unit, &x.mag);
        }
        x.neg &= x.mag != 0;
        return xint_result(cx, c, x, over, out);
    }
    return true;
}

/* ---- functions of doubles ---- */

enum math {
    M_SQRT, M_LN, M_LOG2, M_LOG10, M_EXP, M_SIN, M_COS, M_TAN, M_ASIN, M_ACOS, M_ATAN, M_COT, M_DEG, M_RAD
};

static bool bad_argument(struct func_ctx *cx, const struct func_call *c)
{
    /* LN(0) and the like are NULL; MySQL 8 warns with 3020, MariaDB with 1365. */
    if (cx->env->flavour == ENV_MYSQL8)
        warn_add(cx->env->warnings, WARN_WARNING, 3020, "Invalid argument for logarithm");
    else
        func_warn_div_zero(cx);
    (void)c;
    return true;
}

static bool f_math(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    double x = value_to_f64(&args[0], cx->env), r = 0;

    switch ((enum math)c->aux) {
    case M_SQRT:
        if (x < 0)
            return true;
        r = sqrt(x);
        break;
    case M_LN:
        if (x <= 0)
            return bad_argument(cx, c);
        r = log(x);
        break;
    case M_LOG2:
        if (x <= 0)
            return bad_argument(cx, c);
        r = log(x) / 0.69314718055994530942;
        break;
    case M_LOG10:
        if (x <= 0)
            return bad_argument(cx, c);
        r = log10(x);
        break;
    case M_EXP: r = exp(x); break;
    case M_SIN: r = sin(x); break;
    case M_COS: r = cos(x); break;
    case M_TAN: r = tan(x); break;
    case M_ASIN:
        if (x < -1 || x > 1)
            return true;
        r = asin(x);
        break;
    case M_ACOS:
        if (x < -1 || x > 1)
            return true;
        r = acos(x);
        break;
    case M_ATAN: r = atan(x); break;
    case M_COT:
        r = tan(x);
        if (r == 0)
            return func_out_of_range(cx, c, "DOUBLE");
        r = 1 / r;
        break;
    case M_DEG: r = x / (M_PI / 180); break;
    case M_RAD: r = x * (M_PI / 180); break;
    }
    return double_result(cx, c, r, out);
}

static bool f_log(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    double b = value_to_f64(&args[0], cx->env), x;

    if (c->n_args == 1) {
        if (b <= 0)
            return bad_argument(cx, c);
        return double_result(cx, c, log(b), out);
    }
    x = value_to_f64(&args[1], cx->env);
    if (b <= 0 || b == 1 || x <= 0)
        return bad_argument(cx, c);
    return double_result(cx, c, log(x) / log(b), out);
}

static bool f_pow(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    return double_result(cx, c, pow(value_to_f64(&args[0], cx->env), value_to_f64(&args[1], cx->env)), out);
}

static bool f_atan2(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    if (c->n_args == 1)
        return double_result(cx, c, atan(value_to_f64(&args[0], cx->env)), out);
    return double_result(cx, c, atan2(value_to_f64(&args[0], cx->env), value_to_f64(&args[1], cx->env)), out);
}

static bool bind_pi(struct binder *b)
{
    b->c->type = type_double();
    b->c->type.decimals = 6;
    return true;
}

static bool f_pi(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    (void)cx, (void)c, (void)args;
    *out = value_f64(M_PI);
    return true;
}

/* ---- bits ---- */

enum { BIT_OP_AND, BIT_OP_OR, BIT_OP_XOR, BIT_OP_NOT, BIT_OP_SHL, BIT_OP_SHR, BIT_OP_COUNT };

static bool bind_bits(struct binder *b)
{
    bool all = true, any = false;

    /* MySQL works on bytes when all operands are binary strings and not all of them hexadecimal or bit literals. */
    for (uint32_t i = 0; i < (b->c->aux == BIT_OP_SHL || b->c->aux == BIT_OP_SHR ? 1u : b->n); i++) {
        const struct func_arg *a = &b->args[i];
        bool literal = a->constant && a->constant->kind == KIND_STR && a->constant->code == TYPE_BIT;

        all &= type_is_string(&a->type) && a->type.coll == TYPE_COLL_BINARY;
        any |= !literal && type_is_string(&a->type) && a->type.coll == TYPE_COLL_BINARY;
        if (any && !a->constant && b->env->flavour == ENV_MARIADB)
            return diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s of bytes above the shards'", b->f->name);
    }
    if (b->env->flavour == ENV_MARIADB || !all || !any)
        return b->c->aux == BIT_OP_COUNT ? bind_int(b) : bind_uint(b);
    if (b->c->aux == BIT_OP_COUNT)
        (void)!bind_int(b);
    else
        (void)!bind_string_binary(b);
    b->c->data = b->c; /* bytes */
    return true;
}

static char bit_op(int64_t op, char a, char b)
{
    return (char)(op == BIT_OP_AND ? a & b : op == BIT_OP_OR ? a | b : op == BIT_OP_XOR ? a ^ b : ~a);
}

/* Bits are counted from the last byte's lowest. */
static void shift_bytes(struct sv s, uint64_t by, bool left, char *out)
{
    for (size_t i = 0; i < s.len; i++) {
        unsigned v = 0;

        for (unsigned bit = 0; bit < 8 && by < s.len * 8; bit++) {
            uint64_t at = (s.len - 1 - i) * 8 + bit, from = left ? at - by : at + by;

            if (left ? at >= by : from < s.len * 8)
                v |= ((unsigned char)s.ptr[s.len - 1 - from / 8] >> from % 8 & 1u) << bit;
        }
        out[i] = (char)v;
    }
}

static bool f_bit_bytes(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv a = args[0].s, b = c->n_args > 1 && args[1].kind == KIND_STR ? args[1].s : a;
    char *p = arena_alloc(cx->arena, a.len + 1);

    if (c->aux == BIT_OP_COUNT) {
        int64_t n = 0;

        for (size_t i = 0; i < a.len; i++)
            n += __builtin_popcount((unsigned char)a.ptr[i]);
        *out = value_i64(n);
        return true;
    }
    if (c->aux == BIT_OP_SHL || c->aux == BIT_OP_SHR) {
        shift_bytes(a, value_to_u64_bits(&args[1], cx->env), c->aux == BIT_OP_SHL, p);
    } else {
        if (a.len != b.len)
            return diag_set_remote(cx->diag, 3513, "HY000", SV("Binary operands of bitwise operators must be of equal length"));
        for (size_t i = 0; i < a.len; i++)
            p[i] = bit_op(c->aux, a.ptr[i], b.ptr[i]);
    }
    *out = value_str((struct sv){p, a.len}, TYPE_COLL_BINARY);
    return true;
}

static bool f_bits(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint64_t a, b, r = 0;

    if (c->data)
        return f_bit_bytes(cx, c, args, out);
    a = value_to_u64_bits(&args[0], cx->env);
    b = c->n_args > 1 ? value_to_u64_bits(&args[1], cx->env) : 0;
    switch (c->aux) {
    case BIT_OP_AND: r = a & b; break;
    case BIT_OP_OR: r = a | b; break;
    case BIT_OP_XOR: r = a ^ b; break;
    case BIT_OP_NOT: r = ~a; break;
    case BIT_OP_SHL: r = b < 64 ? a << b : 0; break;
    case BIT_OP_SHR: r = b < 64 ? a >> b : 0; break;
    case BIT_OP_COUNT:
        *out = value_i64(__builtin_popcountll(a));
        return true;
    }
    *out = value_u64(r);
    return true;
}

static bool bind_crc32(struct binder *b)
{
    if (b->n > 1 && b->env->flavour == ENV_MYSQL8)
        return diag_set(b->diag, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, b->f->name);
    return bind_uint(b);
}

static bool f_crc32(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint32_t i = c->n_args - 1; /* on MariaDB the first of two is where to start from */
    struct sv s = arg_str(cx, c, args, i), native;

    if (c->args[i].type.coll && type_is_string(&c->args[i].type) && coll_from_utf8(c->args[i].type.coll, s, cx->arena, &native))
        s = native;
    *out = value_u64(crc32(i ? (uint32_t)value_to_u64_bits(&args[0], cx->env) : 0, (const unsigned char *)s.ptr, (unsigned)s.len));
    return true;
}

#define N FUNC_NULL_ANY
const struct func funcs_num[] = {
    {"+", FUNC_ADD, 2, 2, N, bind_add, f_arith, OP_ADD},
    {"-", FUNC_SUB, 2, 2, N, bind_add, f_arith, OP_SUB},
    {"*", FUNC_MUL, 2, 2, N, bind_add, f_arith, OP_MUL},
    {"/", FUNC_DIV, 2, 2, N, bind_div, f_div, 0},
    {"div", FUNC_INT_DIV, 2, 2, N, bind_int_div, f_int_div, 0},
    {"%", FUNC_MOD, 2, 2, N, bind_mod, f_mod, 0},
    {"mod", FUNC_OTHER, 2, 2, N, bind_mod, f_mod, 0},
    {"neg", FUNC_NEG, 1, 1, N, bind_neg, f_neg, 0},
    {"abs", FUNC_OTHER, 1, 1, N, bind_like_arg, f_abs, 0},
    {"sign", FUNC_OTHER, 1, 1, N, bind_int, f_sign, 0},
    {"floor", FUNC_OTHER, 1, 1, N, bind_floor, f_floor, 0},
    {"ceil", FUNC_OTHER, 1, 1, N, bind_floor, f_floor, 1},
    {"ceiling", FUNC_OTHER, 1, 1, N, bind_floor, f_floor, 1},
    {"round", FUNC_OTHER, 1, 2, N, bind_round, f_round, 0},
    {"truncate", FUNC_OTHER, 2, 2, N, bind_round, f_round, 1},
    {"sqrt", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_SQRT},
    {"ln", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_LN},
    {"log", FUNC_OTHER, 1, 2, N, bind_double, f_log, 0},
    {"log2", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_LOG2},
    {"log10", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_LOG10},
    {"exp", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_EXP},
    {"sin", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_SIN},
    {"cos", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_COS},
    {"tan", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_TAN},
    {"asin", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_ASIN},
    {"acos", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_ACOS},
    {"cot", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_COT},
    {"degrees", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_DEG},
    {"radians", FUNC_OTHER, 1, 1, N, bind_double, f_math, M_RAD},
    {"atan", FUNC_OTHER, 1, 2, N, bind_double, f_atan2, 0},
    {"atan2", FUNC_OTHER, 1, 2, N, bind_double, f_atan2, 0},
    {"pow", FUNC_OTHER, 2, 2, N, bind_double, f_pow, 0},
    {"power", FUNC_OTHER, 2, 2, N, bind_double, f_pow, 0},
    {"pi", FUNC_OTHER, 0, 0, 0, bind_pi, f_pi, 0},
    {"&", FUNC_BIT_AND, 2, 2, N, bind_bits, f_bits, BIT_OP_AND},
    {"|", FUNC_BIT_OR, 2, 2, N, bind_bits, f_bits, BIT_OP_OR},
    {"^", FUNC_BIT_XOR, 2, 2, N, bind_bits, f_bits, BIT_OP_XOR},
    {"~", FUNC_BIT_NOT, 1, 1, N, bind_bits, f_bits, BIT_OP_NOT},
    {"<<", FUNC_SHL, 2, 2, N, bind_bits, f_bits, BIT_OP_SHL},
    {">>", FUNC_SHR, 2, 2, N, bind_bits, f_bits, BIT_OP_SHR},
    {"bit_count", FUNC_OTHER, 1, 1, N, bind_bits, f_bits, BIT_OP_COUNT},
    {"crc32", FUNC_OTHER, 1, 2, N, bind_crc32, f_crc32, 0},
};
const size_t funcs_num_n = ARRAY_LEN(funcs_num);
#undef N
