/* Values of partition columns: which types can be one, how a value is stored in one, and its
 * canonical bytes, which are what the hash is made of. The canonical form is part of the data
 * format (README): every change here moves rows.
 *
 *   PART_EXACT      decimal digits; behind a point no trailing zeros, and no point without digits
 *   PART_DATE       YYYYMMDDhhmmss[.ffffff] as a number in that form (a DATE has 000000)
 *   PART_TIME       [-]hhmmss[.ffffff] as a number in that form
 *   PART_TIMESTAMP  seconds since 1970 UTC, as a number in that form; the zero date: 0
 *   PART_FLOAT      (DOUBLE) the greatest integer not above the value; 0 from 1e15 on
 *   PART_BYTES      the bytes (BINARY(n) with its padding)
 *   PART_TEXT       the collation's weights (WEIGHT_STRING), without trailing weights of the space
 *                   where the collation pads
 *   PART_MEMBER     the number of the ENUM's member, the SET's bits
 *   NULL            one zero byte
 *
 * Several columns: joined by the byte 0x1f. */
#include "router/part-int.h"

#include "types/cast.h"
#include "types/coll.h"
#include "types/decimal.h"
#include "types/temporal.h"

#include <math.h>

enum { DAY_S = 86400 };

static const double float_limit = 1e15;

/* --- types --- */

static bool not_allowed(const struct cat_column *c, struct diag *d)
{
    return diag_setf(d, ER_FIELD_TYPE_NOT_ALLOWED_AS_PARTITION_FIELD,
        "Field '%.*s' is of a not allowed type for this type of partitioning", SV_ARG(c->name));
}

/* The collation's id: names are the same on both kinds of server, a few ids are not. */
static uint16_t collation_of(const struct cat_type *t)
{
    const struct collation *c = t->collation.len ? coll_by_name(t->collation) : NULL;

    return c ? c->id : t->coll_id;
}

static bool classify_string(const struct cat_column *c, struct part_column *out, struct diag *d)
{
    /* MariaDB's UUID, INET4, INET6 arrive as strings and compare by other rules. */
    if (sv_starts(c->type.text, SV("uuid")) || sv_starts(c->type.text, SV("inet")))
        return not_allowed(c, d);
    if (out->type.coll == TYPE_COLL_BINARY) {
        out->cls = PART_BYTES;
        return true;
    }
    out->cls = PART_TEXT;
    if (coll_id_is_native(out->type.coll))
        return true;
    return diag_setf(d, ER_NOT_SUPPORTED_YET,
        "This version of Tessera doesn't yet support '%.*s in a partition key' (column '%.*s')",
        SV_ARG(c->type.collation), SV_ARG(c->name));
}

bool part_classify(const struct cat_column *c, struct part_column *out, struct diag *d)
{
    const struct cat_type *t = &c->type;

    out->column = c;
    out->type = (struct sql_type){
        .code = t->code,
        .decimals = t->decimals,
        .deriv = DERIV_IMPLICIT,
        .flags =
            (uint16_t)((t->is_unsigned ? TYPE_UNSIGNED : 0) | (t->zerofill ? TYPE_ZEROFILL : 0)),
        .coll = collation_of(t) ? collation_of(t) : TYPE_COLL_BINARY,
        .length = t->length,
    };
    switch ((enum type_code)t->code) {
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_INT24:
    case TYPE_LONG:
    case TYPE_LONGLONG:
    case TYPE_YEAR:
    case TYPE_BIT:
    case TYPE_DECIMAL:
    case TYPE_NEWDECIMAL:
        out->cls = PART_EXACT;
        return true;
    case TYPE_FLOAT:
        /* A server's text of a FLOAT has six digits: rows could not be found again from what a
         * shard sends. */
        return diag_setf(d, ER_NOT_SUPPORTED_YET,
            "This version of Tessera doesn't yet support 'FLOAT in a partition key' (column "
            "'%.*s'; DOUBLE is possible)",
            SV_ARG(c->name));
    case TYPE_DOUBLE:
        out->cls = PART_FLOAT;
        return true;
    case TYPE_DATE:
    case TYPE_NEWDATE:
    case TYPE_DATETIME:
        out->cls = PART_DATE;
        return true;
    case TYPE_TIME:
        out->cls = PART_TIME;
        return true;
    case TYPE_TIMESTAMP:
        out->cls = PART_TIMESTAMP;
        return true;
    case TYPE_ENUM:
    case TYPE_SET:
        out->cls = PART_MEMBER;
        return true;
    case TYPE_VARCHAR:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
        return classify_string(c, out, d);
    case TYPE_NULL:
    case TYPE_VECTOR:
    case TYPE_JSON:
    case TYPE_GEOMETRY:
        break;
    }
    return not_allowed(c, d);
}

bool part_check_column(const struct cat_column *c, struct diag *d)
{
    struct part_column ignored;

    return part_classify(c, &ignored, d);
}

/* --- storing --- */

static bool enum_number(const struct part_column *c, struct sv text, uint64_t *out)
{
    const struct cat_type *t = &c->column->type;

    for (uint32_t i = 0; i < t->members_n; i++) {
        if (coll_compare(c->type.coll, t->members[i], text) == 0) {
            *out = i + 1;
            return true;
        }
    }
    *out = 0;
    return text.len == 0; /* the error value */
}

bool part_member_number(const struct part_column *c, struct sv text, uint64_t *out)
{
    const char *p = text.ptr, *end = p + text.len;
    uint64_t bits = 0, one;

    if (!coll_id_is_native(c->type.coll))
        return false;
    if (c->type.code == TYPE_ENUM)
        return enum_number(c, text, out);
    while (p && p < end) {
        const char *comma = memchr(p, ',', (size_t)(end - p));
        size_t n = (size_t)((comma ? comma : end) - p);

        if (!enum_number(c, sv_make(p, n), &one) || one == 0 || one > 64)
            return false;
        bits |= UINT64_C(1) << (one - 1);
        p += n + 1;
    }
    *out = bits;
    return true;
}

static bool store_member(const struct part_column *c, const struct value *v, struct value *out)
{
    uint64_t n;

    if (v->kind == KIND_STR && v->code == 0) {
        if (!part_member_number(c, v->s, &n))
            return false;
    } else if (v->kind == KIND_I64 && v->i >= 0) {
        n = (uint64_t)v->i;
    } else if (v->kind == KIND_U64) {
        n = v->u;
    } else {
        return false;
    }
    if (c->type.code == TYPE_ENUM && n > c->column->type.members_n)
        return false;
    *out = value_u64(n);
    return true;
}

/* What CHAR(n) and BINARY(n) give back of what was put in. */
static void fix_padding(const struct part_column *c, struct arena *a, struct value *out)
{
    char *p;

    if (c->type.code != TYPE_STRING || out->kind != KIND_STR)
        return;
    if (c->cls == PART_TEXT) {
        while (out->s.len && out->s.ptr[out->s.len - 1] == ' ')
            out->s.len--;
    } else if (out->s.len < c->type.length) {
        p = ARENA_NEW_N(a, char, c->type.length);
        if (out->s.len)
            memcpy(p, out->s.ptr, out->s.len);
        out->s = sv_make(p, c->type.length);
    }
}

/* What a server stores where it must take something that is no value of the type: zero, '', the
 * zero date. */
static bool implicit_default(
    const struct part_column *c, const struct env *e, struct arena *a, struct value *out)
{
    struct value zero = value_i64(0), empty = value_str(SV(""), c->type.coll);

    switch (c->cls) {
    case PART_EXACT:
    case PART_FLOAT:
        return cast_store(&zero, &c->type, e, a, out) != CAST_INVALID;
    case PART_DATE:
    case PART_TIME:
    case PART_TIMESTAMP:
        *out = (struct value){.kind = (uint8_t)type_kind_of(&c->type), .fsp = c->type.decimals};
        return true;
    case PART_BYTES:
    case PART_TEXT:
        (void)cast_store(&empty, &c->type, e, a, out);
        fix_padding(c, a, out);
        return true;
    case PART_MEMBER: /* an ENUM's first member */
        *out = value_u64(c->type.code == TYPE_ENUM);
        return true;
    }
    return false;
}

/* A TIMESTAMP before 1970 or behind the type's end is stored as the zero date. The end is 2038, and 2106 on servers of
 * 2024 and later: a time between them is nobody's to say. */
static bool fit_timestamp(const struct part_column *c, const struct env *e, struct value *v)
{
    static const int64_t end = INT32_MAX, late_end = UINT32_MAX;
    int64_t secs;
    uint32_t usec;

    if (c->cls != PART_TIMESTAMP || v->t == 0 || !part_utc_of_local(v->t, e, &secs, &usec))
        return true;
    if (secs > end && secs <= late_end)
        return false;
    if (secs < 1 || secs > late_end)
        v->t = 0;
    return true;
}

/* Whether a binary string says the same in utf8mb4 as in the column's character set. */
static bool bytes_are_text(const struct part_column *c, struct sv s)
{
    const struct collation *coll = coll_by_id(c->type.coll);

    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.ptr[i] >= 0x80)
            return coll && coll->charset == CS_UTF8MB4 && coll_is_valid(c->type.coll, s);
    return true;
}

static bool is_broken(const struct value *v)
{
    struct dec d;

    if (v->kind == KIND_F64)
        return v->f != floor(v->f);
    if (v->kind != KIND_DEC)
        return false;
    d = v->d;
    dec_normalize(&d);
    return d.scale != 0;
}

static const char *digits(const char *p, const char *end, size_t least, size_t most)
{
    const char *from = p;

    while (p && p < end && *p >= '0' && *p <= '9' && (size_t)(p - from) < most)
        p++;
    return p && (size_t)(p - from) >= least ? p : NULL;
}

static const char *after(const char *p, const char *end, const char *any)
{
    return p && p < end && strchr(any, *p) && *p ? p + 1 : NULL;
}

/* A date or time written as everybody does. Of other text servers take what they can make of it. */
static bool usual_temporal_text(const struct part_column *c, struct sv s)
{
    const char *p = s.ptr, *end = p + s.len, *rest;
    bool any = false;

    for (size_t i = 0; i < s.len; i++)
        any |= s.ptr[i] >= '0' && s.ptr[i] <= '9';
    if (!any) /* nobody makes anything of it */
        return true;
    if (c->cls != PART_TIME) {
        if (digits(p, end, s.len, s.len))
            return s.len == 6 || s.len == 8 || s.len == 12 || s.len == 14;
        p = digits(after(digits(after(digits(p, end, 4, 4), end, "-"), end, 1, 2), end, "-"), end, 1, 2);
        if (!p || p == end)
            return p != NULL;
        p = after(p, end, " T");
    } else if (*p == '-') {
        p++;
    }
    p = digits(after(digits(p, end, 1, c->cls == PART_TIME ? 3 : 2), end, ":"), end, 1, 2);
    if (!p || p == end)
        return p != NULL;
    p = digits(after(p, end, ":"), end, 1, 2);
    if (!p || p == end)
        return p != NULL;
    rest = digits(after(p, end, "."), end, 1, 6);
    return rest == end;
}

/* A value that is no date or time at all is an error in strict mode; else it is a shard that knows what becomes of it. */
static bool becomes_clear(const struct part_column *c, const struct value *v, const struct env *e)
{
    if (e && e->sql_mode & (MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES))
        return true;
    return v->kind == KIND_STR ? usual_temporal_text(c, v->s) : v->kind != KIND_F64;
}

static bool temporal_has_fraction(const struct value *v)
{
    struct datetime t;

    if (v->kind == KIND_TIME)
        temporal_unpack_time(v->t, &t);
    else
        temporal_unpack_datetime(v->t, &t);
    return t.usec != 0;
}

bool part_store_value(const struct part_column *c, const struct value *v, const struct env *e,
    struct arena *a, struct value *out)
{
    if (value_is_null(v)) {
        *out = *v;
        /* Refused, or made a default (INSERT IGNORE, several rows without strict mode). A TIMESTAMP
         * can become the time of now. */
        if (!c->column->nullable)
            return c->cls != PART_TIMESTAMP && implicit_default(c, e, a, out);
        return true;
    }
    if (c->cls == PART_MEMBER)
        return store_member(c, v, out);
    /* MySQL cuts a hexadecimal literal beyond BIGINT in ways of its own. */
    if (e && e->flavour == ENV_MYSQL8 && v->kind == KIND_STR && v->code == TYPE_BIT &&
        (v->s.len > 8 || (v->s.len == 8 && (unsigned char)v->s.ptr[0] >= 0x80)) &&
        (c->cls == PART_FLOAT || (c->cls == PART_EXACT && type_kind_of(&c->type) == KIND_DEC)))
        return false;
    /* Bytes are taken as characters of the column's own set. */
    if (v->kind == KIND_STR && v->coll == TYPE_COLL_BINARY && c->cls == PART_TEXT && !bytes_are_text(c, v->s))
        return false;
    if ((c->cls == PART_DATE || c->cls == PART_TIME || c->cls == PART_TIMESTAMP) && !becomes_clear(c, v, e))
        return false;
    /* A time of day gets the day of today, as the shard has it. */
    if (v->kind == KIND_TIME && (c->cls == PART_DATE || c->cls == PART_TIMESTAMP))
        return false;
    /* A negative number becomes bits, or none. */
    if (c->type.code == TYPE_BIT && ((v->kind == KIND_I64 && v->i < 0) || (v->kind == KIND_F64 && v->f < 0) || (v->kind == KIND_DEC && v->d.neg)))
        return false;
    /* Servers cut or round a broken year by the type that it comes in. */
    if (c->type.code == TYPE_YEAR && is_broken(v))
        return false;
    /* A time with a fraction becomes a number in ways of each server. */
    if (c->cls == PART_EXACT && (v->kind == KIND_TIME || v->kind == KIND_DATETIME) && type_kind_of(&c->type) != KIND_DEC &&
        temporal_has_fraction(v))
        return false;
    /* A double as text has as many digits as the column has room for; a negative zero has its sign on MySQL only. */
    if (v->kind == KIND_F64 && (c->cls == PART_TEXT || c->cls == PART_BYTES) &&
        ((v->f == 0 && signbit(v->f)) || value_to_str(v, NULL, a).len > type_chars(&c->type)))
        return false;
    /* A server that is strict refuses what does not fit wherever the row goes; one that is not
     * stores what cast_store says, and a default for what is no value at all. */
    if (cast_store(v, &c->type, e, a, out) == CAST_INVALID && c->cls != PART_TEXT &&
        c->cls != PART_BYTES)
        return v->kind == KIND_STR && v->code != TYPE_BIT && implicit_default(c, e, a, out);
    fix_padding(c, a, out);
    return fit_timestamp(c, e, out);
}

/* --- local times --- */

bool part_utc_of_local(int64_t packed, const struct env *e, int64_t *secs, uint32_t *usec)
{
    struct datetime t;
    int64_t local;
    int32_t offset;

    if (packed == 0) {
        *secs = 0;
        *usec = 0;
        return true;
    }
    temporal_unpack_datetime(packed, &t);
    *usec = t.usec;
    local = temporal_to_epoch(&t);
    if (t.month == 0 || t.day == 0)
        return false;
    if (!e || !e->tz) {
        *secs = local;
        return true;
    }
    if (e->tz == tz_unknown)
        return false;
    /* Around a change of the offset a local time may happen twice or never. */
    offset = tz_offset_at_utc(e->tz, local);
    if (tz_offset_at_utc(e->tz, local - DAY_S) != offset ||
        tz_offset_at_utc(e->tz, local + DAY_S) != offset)
        return false;
    *secs = local - offset;
    return true;
}

/* --- canonical bytes --- */

void part_put_i128(struct strbuf *out, __int128 v)
{
    char buf[48];
    size_t at = sizeof(buf);
    unsigned __int128 u = v < 0 ? -(unsigned __int128)v : (unsigned __int128)v;

    do {
        buf[--at] = (char)('0' + (int)(u % 10));
        u /= 10;
    } while (u);
    if (v < 0)
        buf[--at] = '-';
    strbuf_put(out, buf + at, sizeof(buf) - at);
}

static void put_fraction(struct strbuf *out, uint32_t usec)
{
    char buf[8];
    size_t n = 6;

    if (!usec)
        return;
    for (int i = 5; i >= 0; i--, usec /= 10)
        buf[i] = (char)('0' + usec % 10);
    while (buf[n - 1] == '0')
        n--;
    strbuf_putc(out, '.');
    strbuf_put(out, buf, n);
}

static void put_dec(struct strbuf *out, struct dec d)
{
    char buf[DEC_TEXT_MAX];

    dec_normalize(&d);
    strbuf_put(out, buf, dec_print(&d, buf));
}

static void put_datetime(struct strbuf *out, int64_t packed)
{
    struct datetime t;

    temporal_unpack_datetime(packed, &t);
    part_put_i128(
        out, (((((int64_t)t.year * 100 + t.month) * 100 + t.day) * 100 + t.hour) * 100 + t.minute) *
                     100 +
                 t.second);
    put_fraction(out, t.usec);
}

static void put_time(struct strbuf *out, int64_t packed)
{
    struct datetime t;

    temporal_unpack_time(packed, &t);
    if (t.neg)
        strbuf_putc(out, '-');
    part_put_i128(out, ((int64_t)t.hour * 100 + t.minute) * 100 + t.second);
    put_fraction(out, t.usec);
}

static void put_float(struct strbuf *out, double f)
{
    part_put_i128(out, fabs(f) < float_limit ? (int64_t)floor(f) : 0);
}

static bool put_number(const struct value *v, struct strbuf *out)
{
    if (v->kind == KIND_DEC)
        put_dec(out, v->d);
    else if (v->kind == KIND_I64 || v->kind == KIND_U64)
        part_put_i128(out, part_int_of(v));
    else
        return false;
    return true;
}

bool part_canonical(
    const struct part_column *c, const struct value *v, const struct env *e, struct strbuf *out)
{
    int64_t secs;
    uint32_t usec;
    uint64_t n;

    if (value_is_null(v)) {
        strbuf_putc(out, '\0');
        return true;
    }
    switch (c->cls) {
    case PART_EXACT:
        return put_number(v, out);
    case PART_DATE:
        if (v->kind != KIND_DATE && v->kind != KIND_DATETIME)
            return false;
        put_datetime(out, v->t);
        return true;
    case PART_TIME:
        if (v->kind != KIND_TIME)
            return false;
        put_time(out, v->t);
        return true;
    case PART_TIMESTAMP:
        if (v->kind != KIND_DATETIME || !part_utc_of_local(v->t, e, &secs, &usec))
            return false;
        part_put_i128(out, secs);
        put_fraction(out, usec);
        return true;
    case PART_FLOAT:
        if (v->kind != KIND_F64)
            return false;
        put_float(out, v->f);
        return true;
    case PART_BYTES:
    case PART_TEXT:
        if (v->kind != KIND_STR)
            return false;
        if (c->cls == PART_BYTES)
            strbuf_putsv(out, v->s);
        else
            coll_sortkey(c->type.coll, v->s, out);
        return true;
    case PART_MEMBER:
        if (v->kind == KIND_STR && part_member_number(c, v->s, &n)) {
            strbuf_put_u64(out, n);
            return true;
        }
        return v->kind != KIND_STR && put_number(v, out);
    }
    return false;
}

/* --- order --- */

int part_value_cmp(const struct part_column *c, const struct value *a, const struct value *b)
{
    struct value x = *a, y = *b;

    /* A cell of an ENUM is its name; bounds are numbers. */
    if (c->cls == PART_MEMBER) {
        uint64_t n;

        if (x.kind == KIND_STR)
            x = value_u64(part_member_number(c, x.s, &n) ? n : 0);
        if (y.kind == KIND_STR)
            y = value_u64(part_member_number(c, y.s, &n) ? n : 0);
    }
    if (value_is_null(&x) || value_is_null(&y))
        return (int)!value_is_null(&x) - (int)!value_is_null(&y);
    if ((x.kind == KIND_I64 || x.kind == KIND_U64) && (y.kind == KIND_I64 || y.kind == KIND_U64)) {
        __int128 i = part_int_of(&x), k = part_int_of(&y);

        return i < k ? -1 : i > k;
    }
    return value_cmp_same(&x, &y, c->type.coll);
}
