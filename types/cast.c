/* cast_store is what Field::store() does for each column type; cast_compare answers for pruning and errs on the side of "cannot
 * prune"; cast_explicit is CAST().
 * Doubles beyond 2^53 never prune an exact column: several of its values may compare equal to one double. */
#include "types/cast.h"

#include "types/coll.h"
#include "types/num.h"
#include "util/strbuf.h"

#include <float.h>
#include <math.h>
#include <stdio.h>

static const double exact_limit = 9007199254740992.0; /* 2^53 */

static enum cast_result worse(enum cast_result a, enum cast_result b)
{
    return a > b ? a : b;
}

/* ---- numbers ---- */

/* A value as a decimal. TRUNCATED: garbage behind the number; INVALID: none there. Temporals by their digits. */
static enum cast_result number_of(const struct value *v, struct dec *d)
{
    enum dec_status st;
    size_t used;

    if (v->kind != KIND_STR || v->code == TYPE_BIT) {
        *d = value_to_dec(v, NULL);
        if (v->kind == KIND_F64 && fabs(v->f) > 1e65)
            return CAST_OUT_OF_RANGE;
        return v->kind == KIND_F64 && dec_to_double(d) != v->f ? CAST_ROUNDED : CAST_EXACT;
    }
    st = dec_parse(v->s, d, &used);
    if (st == DEC_BAD)
        return CAST_INVALID;
    while (used < v->s.len && (v->s.ptr[used] == ' ' || (v->s.ptr[used] >= '\t' && v->s.ptr[used] <= '\r')))
        used++;
    if (used < v->s.len)
        return CAST_TRUNCATED;
    return st == DEC_OVERFLOW ? CAST_OUT_OF_RANGE : st == DEC_TRUNCATED ? CAST_ROUNDED : CAST_EXACT;
}

struct int_range {
    int64_t min;
    uint64_t max;
};

static struct int_range range_of(const struct sql_type *t)
{
    unsigned bits = 64;

    switch (t->code) {
    case TYPE_TINY: bits = 8; break;
    case TYPE_SHORT: bits = 16; break;
    case TYPE_INT24: bits = 24; break;
    case TYPE_LONG: bits = 32; break;
    case TYPE_BIT:
        return (struct int_range){0, t->length >= 64 ? UINT64_MAX : (UINT64_C(1) << t->length) - 1};
    default: break;
    }
    if (t->flags & TYPE_UNSIGNED)
        return (struct int_range){0, UINT64_MAX >> (64 - bits)};
    return (struct int_range){INT64_MIN >> (64 - bits), (uint64_t)(INT64_MAX >> (64 - bits))};
}

/* Rounded decimal into an integer type: clamps. */
static enum cast_result fit_integer(const struct dec *d, const struct sql_type *t, enum dec_round how, struct value *out)
{
    struct int_range r = range_of(t);
    struct dec x = *d, lo = dec_from_i64(r.min), hi = dec_from_u64(r.max);
    enum dec_status st = dec_rescale(&x, 0, how);
    bool uns = type_kind_of(t) == KIND_U64;

    if (dec_cmp(&x, &lo) < 0 || dec_cmp(&x, &hi) > 0) {
        bool low = dec_cmp(&x, &lo) < 0;

        *out = uns ? value_u64(low ? 0 : r.max) : value_i64(low ? r.min : (int64_t)r.max);
        out->code = t->code == TYPE_BIT ? TYPE_BIT : 0;
        return CAST_OUT_OF_RANGE;
    }
    if (uns) {
        *out = value_u64(0);
        (void)dec_to_u64(&x, &out->u);
        out->code = t->code == TYPE_BIT ? TYPE_BIT : 0;
    } else {
        *out = value_i64(0);
        (void)dec_to_i64(&x, &out->i);
    }
    return st == DEC_TRUNCATED ? CAST_ROUNDED : CAST_EXACT;
}

static enum cast_result store_integer(const struct value *v, const struct sql_type *t, struct value *out)
{
    struct dec d;
    enum cast_result r = number_of(v, &d), f;

    if (v->kind == KIND_F64) { /* rounds half to even, as rint() */
        d = dec_zero;
        if (fabs(v->f) < 1e30)
            (void)dec_from_double(rint(v->f), &d);
        else
            (void)dec_from_double(v->f > 0 ? 1e30 : -1e30, &d);
        f = fit_integer(&d, t, DEC_HALF_UP, out);
        return f == CAST_EXACT && rint(v->f) != v->f ? CAST_ROUNDED : f;
    }
    if (t->code == TYPE_BIT && v->kind == KIND_STR) { /* the bytes of the string, not its digits */
        uint64_t u = 0;

        for (size_t i = 0; i < v->s.len; i++) {
            if (u >> 56)
                d = dec_from_u64(UINT64_MAX), r = CAST_OUT_OF_RANGE;
            u = u << 8 | (unsigned char)v->s.ptr[i];
        }
        if (r != CAST_OUT_OF_RANGE)
            d = dec_from_u64(u);
        r = CAST_EXACT;
        return fit_integer(&d, t, DEC_HALF_UP, out);
    }
    f = fit_integer(&d, t, DEC_HALF_UP, out);
    return worse(r == CAST_ROUNDED ? CAST_ROUNDED : r, f);
}

static enum cast_result store_double(const struct value *v, const struct sql_type *t, struct value *out)
{
    enum cast_result r = CAST_EXACT;
    double f, max = t->code == TYPE_FLOAT ? FLT_MAX : DBL_MAX;

    if (v->kind == KIND_STR && v->code != TYPE_BIT) {
        enum num_status st = num_parse_double(v->s, &f);
        struct dec d;

        if (st == NUM_TRUNCATED)
            r = number_of(v, &d) == CAST_INVALID ? CAST_INVALID : CAST_TRUNCATED;
        else if (st == NUM_OUT_OF_RANGE)
            r = CAST_OUT_OF_RANGE;
    } else {
        f = value_to_f64(v, NULL);
    }
    *out = value_f64(f);
    out->code = t->code == TYPE_FLOAT ? TYPE_FLOAT : 0;
    if (t->decimals < TYPE_DECIMALS_FLOATING) {
        double limit = pow(10.0, (double)t->length - t->decimals);

        out->f = num_round(f, t->decimals, false);
        if (limit < max)
            max = limit - pow(10.0, -(double)t->decimals);
    }
    if (out->f > max || out->f < -max || (t->flags & TYPE_UNSIGNED && f < 0)) {
        out->f = f > 0 ? max : t->flags & TYPE_UNSIGNED ? 0 : -max;
        r = worse(r, CAST_OUT_OF_RANGE);
    }
    if (t->code == TYPE_FLOAT)
        out->f = (double)(float)out->f;
    return r == CAST_EXACT && out->f != f ? CAST_ROUNDED : r;
}

static enum cast_result store_decimal(const struct value *v, const struct sql_type *t, struct value *out)
{
    struct dec d;
    enum cast_result r = number_of(v, &d);
    enum dec_status st;

    if (r == CAST_OUT_OF_RANGE && v->kind == KIND_F64) {
        d = dec_from_u64(1);
        (void)dec_rescale(&d, 0, DEC_HALF_UP);
        (void)dec_parse(SV("1e64"), &d, &(size_t){0});
        d.neg = v->f < 0;
    }
    if (d.neg && t->flags & TYPE_UNSIGNED) {
        *out = value_dec(dec_zero);
        out->d.scale = t->decimals;
        return worse(r, CAST_OUT_OF_RANGE);
    }
    st = dec_fit(&d, type_dec_precision(t), t->decimals);
    *out = value_dec(d);
    if (st == DEC_OVERFLOW)
        return worse(r, CAST_OUT_OF_RANGE);
    return worse(r, st == DEC_TRUNCATED ? CAST_ROUNDED : CAST_EXACT);
}

/* ---- temporals ---- */

static enum cast_result of_temporal(enum temporal_status st)
{
    switch (st) {
    case TEMPORAL_OK: return CAST_EXACT;
    case TEMPORAL_NOTE: return CAST_ROUNDED;
    case TEMPORAL_TRUNCATED: return CAST_TRUNCATED;
    case TEMPORAL_OUT_OF_RANGE: return CAST_OUT_OF_RANGE;
    case TEMPORAL_INVALID: break;
    }
    return CAST_INVALID;
}

static bool whole_and_nanos(const struct value *v, int64_t *whole, uint32_t *nanos)
{
    struct dec d = value_to_dec(v, NULL), w = d, f;
    uint64_t u = 0;

    (void)dec_rescale(&w, 0, DEC_TRUNCATE);
    (void)dec_sub(&d, &w, &f);
    (void)dec_rescale(&f, 9, DEC_TRUNCATE);
    f.neg = false;
    f.scale = 0;
    (void)dec_to_u64(&f, &u);
    *nanos = (uint32_t)u;
    return dec_to_i64(&w, whole) != DEC_OVERFLOW;
}

static bool is_temporal(const struct value *v)
{
    return v->kind == KIND_DATE || v->kind == KIND_DATETIME || v->kind == KIND_TIME;
}

/* MySQL rounds to seconds before it leaves out the time of day, so the last moment of a day can become the next one. */
static bool rounds_dates(const struct env *e)
{
    return e && e->flavour == ENV_MYSQL8;
}

static void round_date(const struct value *v, int64_t whole, uint32_t nanos, const struct env *e, struct value *out)
{
    struct env quiet = *e;
    enum temporal_status st;
    int64_t t;

    quiet.warnings = NULL;
    st = v->kind == KIND_STR ? temporal_parse_datetime(v->s, false, 0, &quiet, &t)
                             : temporal_datetime_from_number(whole, nanos, false, 0, &quiet, &t);
    if (st == TEMPORAL_OK || st == TEMPORAL_NOTE)
        out->t = temporal_date_part(t);
}

static enum cast_result store_datetime(const struct value *v, const struct sql_type *t, const struct env *e, struct value *out)
{
    bool date = type_kind_of(t) == KIND_DATE;
    enum temporal_status st = TEMPORAL_INVALID;
    struct datetime dt;
    uint32_t nanos = 0;
    int64_t whole = 0;

    *out = (struct value){.kind = (uint8_t)type_kind_of(t), .fsp = t->decimals};
    if (is_temporal(v)) {
        struct value tmp = *v;

        if (v->kind == KIND_TIME && !value_to_datetime(v, e, &tmp.t))
            return CAST_INVALID;
        temporal_unpack_datetime(tmp.t, &dt);
        if (!temporal_date_is_valid(&dt, e))
            return CAST_INVALID;
        out->t = date && !rounds_dates(e) ? tmp.t : temporal_round_datetime(tmp.t, date ? 0 : t->decimals, e);
        if (out->t == TEMPORAL_OVERFLOW)
            return CAST_INVALID;
        if (date)
            out->t = temporal_date_part(out->t);
        return out->t == tmp.t ? CAST_EXACT : CAST_ROUNDED;
    }
    if (v->kind == KIND_STR)
        st = temporal_parse_datetime(v->s, date, t->decimals, e, &out->t);
    else if (whole_and_nanos(v, &whole, &nanos))
        st = temporal_datetime_from_number(whole, nanos, date, t->decimals, e, &out->t);
    if (date && st == TEMPORAL_NOTE && rounds_dates(e))
        round_date(v, whole, nanos, e, out);
    return of_temporal(st);
}

static enum cast_result store_time(const struct value *v, const struct sql_type *t, const struct env *e, struct value *out)
{
    enum temporal_status st = TEMPORAL_INVALID;
    uint32_t nanos;
    int64_t whole;

    *out = (struct value){.kind = KIND_TIME, .fsp = t->decimals};
    if (is_temporal(v)) {
        int64_t p;

        (void)!value_to_time(v, e, &p);
        out->t = temporal_round_time(p, t->decimals, e);
        return v->kind == KIND_TIME && out->t == p ? CAST_EXACT : CAST_ROUNDED;
    }
    if (v->kind == KIND_STR)
        st = temporal_parse_time(v->s, t->decimals, e, &out->t);
    else if (whole_and_nanos(v, &whole, &nanos))
        st = temporal_time_from_number(whole, nanos, t->decimals, e, &out->t);
    return of_temporal(st);
}

static enum cast_result store_year(const struct value *v, struct value *out)
{
    struct dec d;
    enum cast_result r = number_of(v, &d);
    unsigned year = 0;
    int64_t n;

    *out = value_u64(0);
    out->code = TYPE_YEAR;
    if (v->kind == KIND_DATE || v->kind == KIND_DATETIME) {
        struct datetime t;

        temporal_unpack_datetime(v->t, &t);
        n = t.year;
        r = CAST_ROUNDED;
    } else if (dec_to_i64(&d, &n) == DEC_OVERFLOW) {
        return CAST_OUT_OF_RANGE;
    }
    if (temporal_year_from_number(n, v->kind == KIND_STR && v->s.len != 4, &year) != TEMPORAL_OK)
        return worse(r, CAST_OUT_OF_RANGE);
    out->u = year;
    return r;
}

/* ---- strings ---- */

static enum cast_result store_string(const struct value *v, const struct sql_type *t, struct arena *a, struct value *out)
{
    struct sv s = value_to_str(v, NULL, a);
    const struct collation *c = coll_by_id(t->coll);
    enum cast_result r = CAST_EXACT;
    bool bytes = t->coll == TYPE_COLL_BINARY || (t->code >= TYPE_TINY_BLOB && t->code <= TYPE_BLOB);
    size_t limit, keep;
    struct sv native;

    *out = value_str(s, t->coll);
    if (v->kind == KIND_STR && v->coll == TYPE_COLL_BINARY && t->coll != TYPE_COLL_BINARY && !coll_is_valid(255, s))
        return CAST_INVALID;
    if (c && t->coll != TYPE_COLL_BINARY && !coll_from_utf8(t->coll, s, a, &native)) {
        if (native.len == 0 && s.len)
            return CAST_INVALID;
        (void)!coll_to_utf8(t->coll, native, a, &out->s);
        s = out->s;
        r = CAST_INVALID;
    }
    if (bytes && t->coll != TYPE_COLL_BINARY) { /* TEXT: bytes, whole characters */
        limit = t->length;
        keep = s.len;
        while (keep > limit)
            keep = coll_chars_prefix(t->coll, s, coll_chars(t->coll, (struct sv){s.ptr, keep}) - 1);
    } else {
        limit = t->coll == TYPE_COLL_BINARY ? t->length : type_chars(t);
        keep = coll_chars_prefix(t->coll, s, limit);
    }
    if (keep < s.len) {
        enum cast_result cut = CAST_ROUNDED;

        for (size_t i = keep; i < s.len; i++)
            cut = s.ptr[i] != ' ' || t->coll == TYPE_COLL_BINARY ? CAST_TRUNCATED : cut;
        r = worse(r, cut);
        s.len = keep;
    }
    if (t->code == TYPE_STRING && t->coll == TYPE_COLL_BINARY && s.len < t->length && t->length <= 255) {
        char *p = arena_calloc(a, t->length + 1u, 1);

        memcpy(p, s.ptr, s.len);
        s = (struct sv){p, t->length};
    } else if (t->code == TYPE_STRING && t->coll != TYPE_COLL_BINARY) {
        while (s.len && s.ptr[s.len - 1] == ' ') /* CHAR gives no trailing spaces back */
            s.len--;
    }
    out->s = s;
    return r;
}

enum cast_result cast_store(const struct value *v, const struct sql_type *t, const struct env *e, struct arena *a,
    struct value *out)
{
    *out = value_null();
    if (v->kind == KIND_NULL)
        return CAST_EXACT;
    if (t->code == TYPE_ENUM || t->code == TYPE_SET || t->code == TYPE_JSON || t->code == TYPE_GEOMETRY || t->code == TYPE_VECTOR)
        return CAST_INVALID;
    switch (type_kind_of(t)) {
    case KIND_NULL:
        return CAST_INVALID;
    case KIND_I64:
    case KIND_U64:
        return t->code == TYPE_YEAR ? store_year(v, out) : store_integer(v, t, out);
    case KIND_F64:
        return store_double(v, t, out);
    case KIND_DEC:
        return store_decimal(v, t, out);
    case KIND_DATE:
    case KIND_DATETIME:
        return store_datetime(v, t, e, out);
    case KIND_TIME:
        return store_time(v, t, e, out);
    case KIND_STR:
        return store_string(v, t, a, out);
    }
    return CAST_INVALID;
}

/* ---- comparison ---- */

/* Integer or decimal column against a number. */
static enum cast_result compare_exact_column(const struct value *v, const struct sql_type *t, struct value *out, int *side)
{
    struct dec d, x;
    enum cast_result r = number_of(v, &d);
    bool approximate = v->kind == KIND_F64 || v->kind == KIND_STR;
    enum dec_status st;

    if (r == CAST_OUT_OF_RANGE) {
        *side = d.neg ? -1 : 1;
        return CAST_OUT_OF_RANGE;
    }
    if (r != CAST_EXACT)
        return CAST_TRUNCATED;
    if (approximate && v->code != TYPE_BIT) {
        /* Compared as doubles: each side must be the only value of its kind that gives this double. */
        if (fabs(dec_to_double(&d)) >= exact_limit)
            return CAST_TRUNCATED;
        if (type_kind_of(t) == KIND_DEC && type_dec_precision(t) > 15)
            return CAST_TRUNCATED;
    }
    x = d;
    if (type_kind_of(t) == KIND_DEC) {
        unsigned p = type_dec_precision(t);

        if (dec_int_digits(&x) > p - t->decimals) {
            *side = x.neg ? -1 : 1;
            return CAST_OUT_OF_RANGE;
        }
        st = dec_rescale(&x, t->decimals, DEC_FLOOR);
        *out = value_dec(x);
        if (t->flags & TYPE_UNSIGNED && x.neg) {
            *side = -1;
            return CAST_OUT_OF_RANGE;
        }
        return st == DEC_TRUNCATED ? CAST_ROUNDED : CAST_EXACT;
    }
    r = fit_integer(&d, t, DEC_FLOOR, out);
    if (r == CAST_OUT_OF_RANGE) {
        struct dec zero = dec_from_i64(range_of(t).min);

        *side = dec_cmp(&d, &zero) < 0 ? -1 : 1;
    }
    return r;
}

static enum cast_result compare_temporal_column(const struct value *v, const struct sql_type *t, const struct env *e,
    struct value *out)
{
    struct sql_type wide = *t;
    enum cast_result r;
    struct env strict = e ? *e : (struct env){0};

    /* Parsed with all six digits, then floored to what the column can hold. */
    strict.flavour = ENV_MYSQL8;
    strict.warnings = NULL;
    if (type_kind_of(t) == KIND_TIME) {
        if (v->kind != KIND_TIME && v->kind != KIND_STR)
            return CAST_INVALID;
        wide.decimals = 6;
        r = store_time(v, &wide, &strict, out);
        if (r != CAST_EXACT)
            return CAST_INVALID;
        wide = *t;
        strict.sql_mode |= MODE_TIME_TRUNCATE_FRACTIONAL;
        if (temporal_round_time(out->t, t->decimals, &strict) == out->t)
            return CAST_EXACT;
        if (out->t < 0)
            return CAST_INVALID;
        out->t = temporal_round_time(out->t, t->decimals, &strict);
        return CAST_ROUNDED;
    }
    if (v->kind == KIND_TIME || v->kind == KIND_F64)
        return CAST_INVALID;
    wide.code = TYPE_DATETIME;
    wide.decimals = 6;
    strict.sql_mode &= ~(MODE_NO_ZERO_DATE | MODE_NO_ZERO_IN_DATE);
    r = store_datetime(v, &wide, &strict, out);
    if (r != CAST_EXACT)
        return CAST_INVALID;
    out->kind = (uint8_t)type_kind_of(t);
    out->fsp = t->decimals;
    if (type_kind_of(t) == KIND_DATE) {
        int64_t date = temporal_date_part(out->t);

        r = date == out->t ? CAST_EXACT : CAST_ROUNDED;
        out->t = date;
        return r;
    }
    strict.sql_mode |= MODE_TIME_TRUNCATE_FRACTIONAL;
    {
        int64_t cut = temporal_round_datetime(out->t, t->decimals, &strict);

        r = cut == out->t ? CAST_EXACT : CAST_ROUNDED;
        out->t = cut;
    }
    return r;
}

static enum cast_result compare_double_column(const struct value *v, const struct sql_type *t, struct value *out)
{
    struct dec d;
    double f;

    if (number_of(v, &d) > CAST_ROUNDED)
        return CAST_TRUNCATED;
    if (v->kind == KIND_STR && v->code != TYPE_BIT) {
        if (num_parse_double(v->s, &f) != NUM_OK)
            return CAST_TRUNCATED;
    } else {
        f = value_to_f64(v, NULL);
    }
    *out = value_f64(f);
    if (t->code == TYPE_FLOAT) {
        float g = (float)f;

        out->code = TYPE_FLOAT;
        if ((double)g == f)
            return CAST_EXACT;
        if ((double)g > f)
            g = nextafterf(g, -INFINITY);
        out->f = (double)g;
        return isinf(g) ? CAST_TRUNCATED : CAST_ROUNDED;
    }
    return CAST_EXACT;
}

enum cast_result cast_compare(const struct value *v, const struct sql_type *t, const struct env *e, struct arena *a,
    struct value *out, int *side)
{
    *out = value_null();
    *side = 0;
    (void)a;
    if (v->kind == KIND_NULL || t->code == TYPE_ENUM || t->code == TYPE_SET || t->code == TYPE_JSON || t->code == TYPE_GEOMETRY ||
        t->code == TYPE_VECTOR)
        return CAST_INVALID;
    switch (type_kind_of(t)) {
    case KIND_NULL:
        return CAST_INVALID;
    case KIND_I64:
    case KIND_U64:
        if (is_temporal(v))
            return CAST_INVALID;
        if (t->code == TYPE_YEAR) { /* two-digit years are years in a comparison with the column */
            int64_t y = value_to_i64(v, NULL);

            if (v->kind == KIND_STR || (y >= 0 && y < 100))
                return CAST_TRUNCATED;
        }
        return compare_exact_column(v, t, out, side);
    case KIND_DEC:
        return is_temporal(v) ? CAST_INVALID : compare_exact_column(v, t, out, side);
    case KIND_F64:
        return is_temporal(v) ? CAST_INVALID : compare_double_column(v, t, out);
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        return compare_temporal_column(v, t, e, out);
    case KIND_STR:
        break;
    }
    if (v->kind != KIND_STR)
        return CAST_TRUNCATED;
    if (v->coll == TYPE_COLL_BINARY && t->coll != TYPE_COLL_BINARY)
        return CAST_TRUNCATED;
    if (t->coll != TYPE_COLL_BINARY) {
        struct sv native;

        if (!coll_is_valid(255, v->s) || !coll_from_utf8(t->coll, v->s, a, &native))
            return CAST_TRUNCATED;
    }
    *out = value_str(v->s, t->coll);
    return CAST_EXACT;
}

/* ---- CAST() ---- */

static void warn_range(const struct env *e, const char *what, struct sv s)
{
    warn_add(e->warnings, WARN_WARNING, 1292, "Truncated incorrect %s value: '%.*s'", what, (int)MIN(s.len, (size_t)128), s.ptr);
}

static void explicit_integer(const struct value *v, bool uns, const struct env *e, struct value *out)
{
    uint64_t u;
    bool neg;

    if (v->kind == KIND_STR && v->code != TYPE_BIT) {
        enum num_status st = num_parse_int(v->s, &neg, &u);

        if (st != NUM_OK)
            warn_range(e, "INTEGER", v->s);
        else if (neg && uns && u)
            warn_add(e->warnings, WARN_WARNING, 1105, "Cast to unsigned converted negative integer to its positive complement");
        else if (!neg && !uns && u > INT64_MAX)
            warn_add(e->warnings, WARN_WARNING, 1105, "Cast to signed converted positive out-of-range integer to its negative complement");
    } else if (v->kind == KIND_DEC) {
        int64_t i;
        enum dec_status st;

        if (v->d.neg || !uns)
            st = dec_to_i64(&v->d, &i), u = (uint64_t)i;
        else
            st = dec_to_u64(&v->d, &u);
        if (uns && v->d.neg && e->flavour == ENV_MARIADB) { /* a negative DECIMAL has no complement there: 0 */
            u = 0;
            st = i < 0 ? DEC_OVERFLOW : st;
        }
        if (st == DEC_OVERFLOW) {
            char buf[DEC_TEXT_MAX + 40];
            size_t n = dec_print(&v->d, buf);

            warn_range(e, "DECIMAL", (struct sv){buf, n});
        }
    } else {
        /* MySQL converts a double by way of the signed integer. */
        u = uns && !(v->kind == KIND_F64 && e->flavour == ENV_MYSQL8) ? value_to_u64_bits(v, e) : (uint64_t)value_to_i64(v, e);
    }
    *out = uns ? value_u64(u) : value_i64((int64_t)u);
}

static void explicit_decimal(const struct value *v, const struct sql_type *t, const struct env *e, struct value *out)
{
    struct dec d;

    if (v->kind == KIND_STR && v->code != TYPE_BIT) {
        enum cast_result r = number_of(v, &d);

        if (r == CAST_TRUNCATED || r == CAST_INVALID)
            warn_range(e, "DECIMAL", v->s);
    } else {
        d = value_to_dec(v, e);
        if (v->kind == KIND_F64 && fabs(v->f) > 1e65) {
            (void)dec_parse(SV("1e64"), &d, &(size_t){0});
            d.neg = v->f < 0;
        }
    }
    if (dec_fit(&d, type_dec_precision(t), t->decimals) == DEC_OVERFLOW)
        warn_add(e->warnings, WARN_WARNING, 1264, "Out of range value for column 'cast' at row 1");
    *out = value_dec(d);
}

static void explicit_string(const struct value *v, const struct sql_type *from, const struct sql_type *t, const struct env *e,
    struct arena *a, struct value *out)
{
    struct sv s = value_to_str(v, from, a);
    uint32_t chars = type_chars(t);
    size_t keep = t->length == UINT32_MAX ? s.len : coll_chars_prefix(t->coll, s, chars);
    struct sv native;

    if (t->coll == TYPE_COLL_BINARY && from && type_is_string(from) && from->coll != TYPE_COLL_BINARY &&
        coll_from_utf8(from->coll, s, a, &native)) {
        s = native;
        keep = MIN(s.len, (size_t)t->length);
    }
    if (keep < s.len) {
        char name[24];

        snprintf(name, sizeof name, t->coll == TYPE_COLL_BINARY ? "BINARY(%u)" : "CHAR(%u)", chars);
        warn_range(e, name, s);
        s.len = keep;
    } else if (t->coll == TYPE_COLL_BINARY && t->code == TYPE_STRING && s.len < t->length && t->length != UINT32_MAX) {
        char *p = arena_calloc(a, (size_t)t->length + 1, 1);

        memcpy(p, s.ptr, s.len);
        s = (struct sv){p, t->length};
    }
    if (t->coll != TYPE_COLL_BINARY && v->kind == KIND_STR && v->coll == TYPE_COLL_BINARY && !coll_is_valid(255, s)) {
        *out = value_null();
        warn_add(e->warnings, WARN_WARNING, 1300, "Invalid %s character string: '%.*s'",
            coll_by_id(t->coll) ? coll_by_id(t->coll)->charset_name : "utf8mb4", (int)MIN(s.len, (size_t)64), s.ptr);
        return;
    }
    *out = value_str(s, t->coll);
}

static void explicit_temporal(const struct value *v, const struct sql_type *t, const struct env *e, struct value *out)
{
    enum type_kind k = type_kind_of(t);
    struct datetime dt;
    int64_t p;
    bool ok;

    if (k == KIND_TIME)
        ok = value_to_time(v, e, &p);
    else
        ok = k == KIND_DATE ? value_to_date(v, e, &p) : value_to_datetime(v, e, &p);
    if (!ok) {
        *out = value_null();
        return;
    }
    if (k != KIND_TIME) {
        temporal_unpack_datetime(p, &dt);
        if (!temporal_date_is_valid(&dt, e)) {
            char buf[40];
            size_t n = temporal_print_date(p, buf);

            warn_add(e->warnings, WARN_WARNING, 1292, "Incorrect datetime value: '%.*s'", (int)n, buf);
            *out = value_null();
            return;
        }
    }
    *out = (struct value){.kind = (uint8_t)k, .fsp = t->decimals};
    out->t = k == KIND_DATE ? temporal_date_part(p)
        : k == KIND_TIME    ? temporal_round_time(p, t->decimals, e)
                            : temporal_round_datetime(p, t->decimals, e);
    if (out->t == TEMPORAL_OVERFLOW)
        *out = value_null();
}

bool cast_explicit(const struct value *v, const struct sql_type *from, const struct sql_type *t, const struct env *e,
    struct arena *a, struct diag *d, struct value *out)
{
    *out = value_null();
    if (v->kind == KIND_NULL)
        return true;
    if (t->code == TYPE_JSON || t->code == TYPE_ENUM || t->code == TYPE_SET || t->code == TYPE_GEOMETRY || t->code == TYPE_VECTOR)
        return diag_set(d, ER_NOT_SUPPORTED_YET, "CAST to this type above the shards");
    switch (type_kind_of(t)) {
    case KIND_NULL:
        return true;
    case KIND_I64:
    case KIND_U64:
        if (t->code == TYPE_YEAR) {
            if (store_year(v, out) >= CAST_OUT_OF_RANGE)
                *out = value_null();
            return true;
        }
        explicit_integer(v, type_kind_of(t) == KIND_U64, e, out);
        return true;
    case KIND_F64:
        *out = value_f64(value_to_f64(v, e));
        if (t->code == TYPE_FLOAT) {
            out->f = (double)(float)out->f;
            out->code = TYPE_FLOAT;
        }
        return true;
    case KIND_DEC:
        explicit_decimal(v, t, e, out);
        return true;
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        explicit_temporal(v, t, e, out);
        return true;
    case KIND_STR:
        explicit_string(v, from, t, e, a, out);
        return true;
    }
    return true;
}
