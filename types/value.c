/* Conversions follow MySQL's Item::val_int(), val_real(), val_decimal() and val_str(): a string gives its numeric prefix with
 * warning 1292, temporals give the number of their digits, doubles become integers by rint().
 * A hexadecimal or bit literal is a binary string whose `code` is TYPE_BIT: numbers read it big-endian. */
#include "types/value.h"

#include "types/coll.h"
#include "types/json.h"
#include "types/num.h"
#include "util/bytes.h"
#include "util/strbuf.h"

#include <math.h>

/* ---- types ---- */

static unsigned digits_of(uint64_t v)
{
    char buf[24];

    return (unsigned)num_print_u64(v, buf);
}

struct sql_type value_type(const struct value *v)
{
    struct sql_type t;

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return type_null();
    case KIND_I64:
        if (v->code == TYPE_TINY)
            return type_bool();
        t = type_int(false);
        t.length = digits_of(v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i) + (v->i < 0 ? 1 : 0);
        return t;
    case KIND_U64:
        t = type_int(true);
        t.length = digits_of(v->u);
        if (v->code == TYPE_YEAR)
            t.code = TYPE_YEAR;
        return t;
    case KIND_F64:
        return type_double();
    case KIND_DEC:
        t = type_decimal(dec_int_digits(&v->d) + v->d.scale, MIN((unsigned)v->d.scale, 30u));
        return t;
    case KIND_DATE:
        return type_temporal(TYPE_DATE, 0);
    case KIND_DATETIME:
        return type_temporal(TYPE_DATETIME, v->fsp);
    case KIND_TIME:
        return type_temporal(TYPE_TIME, v->fsp);
    case KIND_STR:
        t = type_string((uint32_t)coll_chars(v->coll, v->s), v->coll, DERIV_COERCIBLE);
        if (v->code == TYPE_JSON)
            t.code = TYPE_JSON;
        return t;
    }
    return type_null();
}

/* ---- literals ---- */

bool value_parse_number(struct sv text, struct value *out)
{
    bool integer = text.len > 0, exponent = false;
    uint64_t u;
    size_t used;

    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == 'e' || c == 'E')
            exponent = true;
        if (c < '0' || c > '9')
            integer = false;
    }
    if (integer && sv_to_u64(text, &u)) {
        *out = u <= INT64_MAX ? value_i64((int64_t)u) : value_u64(u);
        return true;
    }
    if (exponent) {
        out->kind = KIND_F64;
        *out = value_f64(0);
        return num_parse_double(text, &out->f) == NUM_OK;
    }
    *out = value_dec(dec_zero);
    if (dec_parse(text, &out->d, &used) == DEC_BAD || used != text.len)
        return false;
    if (out->d.scale > DEC_MAX_SCALE)
        (void)dec_rescale(&out->d, DEC_MAX_SCALE, DEC_HALF_UP);
    return true;
}

static char unescape(char c)
{
    switch (c) {
    case '0': return '\0';
    case 'b': return '\b';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    case 'Z': return 26;
    default: return c;
    }
}

bool value_parse_string(struct sv token, bool no_backslash, uint16_t client, uint16_t coll, struct arena *a, struct value *out)
{
    struct sv s = token;
    char quote, *buf;
    size_t n = 0;

    *out = value_str(SV(""), coll);
    /* Converted first: a backslash may be the second byte of a character in some sets. */
    if (client != TYPE_COLL_BINARY && coll != TYPE_COLL_BINARY && !coll_to_utf8(client, token, a, &s) && s.len == 0)
        return false;
    if (s.len < 2 || (s.ptr[0] != '\'' && s.ptr[0] != '"') || s.ptr[s.len - 1] != s.ptr[0])
        return false;
    quote = s.ptr[0];
    s = (struct sv){s.ptr + 1, s.len - 2};
    if (!memchr(s.ptr, quote, s.len) && (no_backslash || !memchr(s.ptr, '\\', s.len))) {
        out->s = s;
        return true;
    }
    buf = arena_alloc(a, s.len);
    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == '\\' && !no_backslash) {
            if (++i == s.len)
                return false;
            if (s.ptr[i] == '%' || s.ptr[i] == '_')
                buf[n++] = '\\';
            c = unescape(s.ptr[i]);
        } else if (c == quote) {
            if (i + 1 == s.len || s.ptr[i + 1] != quote)
                return false;
            i++;
        }
        buf[n++] = c;
    }
    out->s = (struct sv){buf, n};
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool value_parse_hex_bin(struct sv token, bool mariadb, struct arena *a, struct value *out)
{
    struct sv s = token;
    unsigned bits; /* of one digit */
    size_t n, total;
    char *buf;

    if (s.len < 2)
        return false;
    if (s.ptr[0] == '0') {
        bits = (s.ptr[1] | 0x20) == 'x' ? 4 : 1;
        s = (struct sv){s.ptr + 2, s.len - 2};
    } else {
        bits = (s.ptr[0] | 0x20) == 'x' ? 4 : 1;
        if (s.len < 3 || s.ptr[1] != '\'' || s.ptr[s.len - 1] != '\'')
            return false;
        s = (struct sv){s.ptr + 2, s.len - 3};
    }
    total = (s.len * bits + 7) / 8;
    buf = arena_calloc(a, total + 1, 1);
    n = total * 8;
    for (size_t i = s.len; i-- > 0;) {
        int d = hex_digit(s.ptr[i]);

        if (d < 0 || (bits == 1 && d > 1))
            return false;
        n -= bits;
        buf[n / 8] = (char)(buf[n / 8] | d << (8 - bits - n % 8));
    }
    *out = value_str((struct sv){buf, total}, TYPE_COLL_BINARY);
    out->code = mariadb && bits == 4 && token.ptr[0] != '0' ? 0 : TYPE_BIT;
    return true;
}

/* ---- protocol ---- */

static bool digits_at(const char *p, unsigned n, uint32_t *out)
{
    uint32_t v = 0;

    for (unsigned i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return false;
        v = v * 10 + (uint32_t)(p[i] - '0');
    }
    *out = v;
    return true;
}

static bool read_fraction(const char *p, const char *end, uint32_t *usec)
{
    uint32_t unit = 100000;

    *usec = 0;
    if (p == end)
        return true;
    if (*p++ != '.')
        return false;
    for (; p < end; p++, unit /= 10) {
        if (*p < '0' || *p > '9')
            return false;
        *usec += (uint32_t)(*p - '0') * unit;
    }
    return true;
}

/* As servers print them: YYYY-MM-DD[ HH:MM:SS[.f]]; parts may be zero. */
static bool read_datetime(struct sv s, int64_t *packed)
{
    struct datetime t = {0};

    if (s.len < 10 || !digits_at(s.ptr, 4, &t.year) || !digits_at(s.ptr + 5, 2, &t.month) || !digits_at(s.ptr + 8, 2, &t.day) ||
        s.ptr[4] != '-' || s.ptr[7] != '-' || t.month > 12 || t.day > 31)
        return false;
    if (s.len > 10) {
        if (s.len < 19 || !digits_at(s.ptr + 11, 2, &t.hour) || !digits_at(s.ptr + 14, 2, &t.minute) ||
            !digits_at(s.ptr + 17, 2, &t.second) || !read_fraction(s.ptr + 19, s.ptr + s.len, &t.usec) || t.hour > 23 ||
            t.minute > 59 || t.second > 59)
            return false;
    }
    *packed = temporal_pack_datetime(&t);
    return true;
}

static bool read_time(struct sv s, int64_t *packed)
{
    struct datetime t = {0};
    unsigned n = 0;

    if (s.len && s.ptr[0] == '-') {
        t.neg = true;
        s.ptr++;
        s.len--;
    }
    while (n < s.len && s.ptr[n] != ':')
        n++;
    if (n < 1 || n > 3 || s.len < n + 6 || !digits_at(s.ptr, n, &t.hour) || !digits_at(s.ptr + n + 1, 2, &t.minute) ||
        !digits_at(s.ptr + n + 4, 2, &t.second) || !read_fraction(s.ptr + n + 6, s.ptr + s.len, &t.usec) || t.minute > 59 ||
        t.second > 59)
        return false;
    *packed = temporal_pack_time(&t);
    return true;
}

static uint64_t big_endian(struct sv s)
{
    uint64_t v = 0;

    for (size_t i = 0; i < s.len; i++)
        v = v << 8 | (unsigned char)s.ptr[i];
    return v;
}

bool value_from_text(struct sv text, const struct sql_type *t, struct value *out)
{
    size_t used;

    *out = value_null();
    if (!text.ptr)
        return true;
    out->kind = (uint8_t)type_kind_of(t);
    switch (type_kind_of(t)) {
    case KIND_NULL:
        return false;
    case KIND_I64:
        return sv_to_i64(text, &out->i);
    case KIND_U64:
        if (t->code == TYPE_BIT) {
            out->u = big_endian(text);
            out->code = TYPE_BIT;
            return text.len <= 8;
        }
        out->code = t->code == TYPE_YEAR ? TYPE_YEAR : 0;
        return sv_to_u64(text, &out->u);
    case KIND_F64:
        if (num_parse_double(text, &out->f) == NUM_TRUNCATED)
            return false;
        if (t->code == TYPE_FLOAT) {
            out->f = (double)(float)out->f;
            out->code = TYPE_FLOAT;
        }
        return true;
    case KIND_DEC:
        return dec_parse(text, &out->d, &used) != DEC_BAD && used == text.len;
    case KIND_DATE:
    case KIND_DATETIME:
        out->fsp = t->decimals;
        return read_datetime(text, &out->t);
    case KIND_TIME:
        out->fsp = t->decimals;
        return read_time(text, &out->t);
    case KIND_STR:
        out->coll = t->coll;
        out->s = text;
        if (t->code == TYPE_JSON)
            out->code = TYPE_JSON;
        return true;
    }
    return false;
}

static bool binary_temporal(const unsigned char **p, const unsigned char *end, enum type_code code, struct value *out)
{
    const unsigned char *b = *p;
    struct datetime t = {0};
    size_t n;

    if (b == end)
        return false;
    n = *b++;
    if ((size_t)(end - b) < n)
        return false;
    *p = b + n;
    if (code == TYPE_TIME) {
        if (n != 0 && n != 8 && n != 12)
            return false;
        if (n) {
            uint64_t hours = (uint64_t)get_u32(b + 1) * 24 + b[5];

            if (hours > 838 || b[6] > 59 || b[7] > 59)
                return false;
            t = (struct datetime){.neg = b[0] != 0, .hour = (uint32_t)hours, .minute = b[6], .second = b[7]};
            t.usec = n == 12 ? get_u32(b + 8) : 0;
        }
        out->kind = KIND_TIME;
    } else {
        if (n != 0 && n != 4 && n != 7 && n != 11)
            return false;
        if (n)
            t = (struct datetime){.year = get_u16(b), .month = b[2], .day = b[3]};
        if (n >= 7) {
            t.hour = b[4];
            t.minute = b[5];
            t.second = b[6];
        }
        t.usec = n == 11 ? get_u32(b + 7) : 0;
        if (t.year > 9999 || t.month > 12 || t.day > 31 || t.hour > 23 || t.minute > 59 || t.second > 59)
            return false;
        out->kind = code == TYPE_DATE ? KIND_DATE : KIND_DATETIME;
    }
    if (t.usec > 999999)
        return false;
    out->fsp = t.usec ? 6 : 0;
    out->t = out->kind == KIND_TIME ? temporal_pack_time(&t) : temporal_pack_datetime(&t);
    return true;
}

static bool binary_integer(const unsigned char **p, const unsigned char *end, unsigned n, bool is_unsigned, struct value *out)
{
    uint64_t v = 0;

    if ((size_t)(end - *p) < n)
        return false;
    for (unsigned i = 0; i < n; i++)
        v |= (uint64_t)(*p)[i] << 8 * i;
    *p += n;
    if (is_unsigned)
        *out = value_u64(v);
    else
        *out = value_i64((int64_t)(v << (64 - 8 * n)) >> (64 - 8 * n));
    return true;
}

bool value_from_binary(const unsigned char **p, const unsigned char *end, enum type_code code, bool is_unsigned, uint16_t coll,
    struct value *out)
{
    uint64_t len;
    size_t used;
    float f;

    *out = value_null();
    switch (code) {
    case TYPE_NULL:
        return true;
    case TYPE_TINY:
        return binary_integer(p, end, 1, is_unsigned, out);
    case TYPE_SHORT:
    case TYPE_YEAR:
        if (!binary_integer(p, end, 2, is_unsigned || code == TYPE_YEAR, out))
            return false;
        out->code = code == TYPE_YEAR ? TYPE_YEAR : 0;
        return true;
    case TYPE_LONG:
    case TYPE_INT24:
        return binary_integer(p, end, 4, is_unsigned, out);
    case TYPE_LONGLONG:
        return binary_integer(p, end, 8, is_unsigned, out);
    case TYPE_FLOAT:
        if (end - *p < 4)
            return false;
        memcpy(&f, *p, 4);
        *out = value_f64((double)f);
        out->code = TYPE_FLOAT;
        *p += 4;
        return true;
    case TYPE_DOUBLE:
        if (end - *p < 8)
            return false;
        *out = value_f64(0);
        memcpy(&out->f, *p, 8);
        *p += 8;
        return true;
    case TYPE_DATE:
    case TYPE_NEWDATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
        return binary_temporal(p, end, code == TYPE_NEWDATE ? TYPE_DATE : code, out);
    case TYPE_DECIMAL:
    case TYPE_NEWDECIMAL:
    case TYPE_VARCHAR:
    case TYPE_BIT:
    case TYPE_VECTOR:
    case TYPE_JSON:
    case TYPE_ENUM:
    case TYPE_SET:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_GEOMETRY:
        if (!get_lenenc(p, end, &len) || (uint64_t)(end - *p) < len)
            return false;
        *out = value_str((struct sv){(const char *)*p, (size_t)len}, coll);
        *p += len;
        if (code == TYPE_BIT) {
            if (len > 8)
                return false;
            *out = value_u64(big_endian(out->s));
            out->code = TYPE_BIT;
        } else if (code == TYPE_NEWDECIMAL || code == TYPE_DECIMAL) {
            struct sv s = out->s;

            *out = value_dec(dec_zero);
            return dec_parse(s, &out->d, &used) != DEC_BAD && used == s.len;
        }
        return true;
    }
    return false;
}

/* ---- printing ---- */

static void put_padded(struct strbuf *b, const char *text, size_t n, const struct sql_type *t)
{
    if (t->flags & TYPE_ZEROFILL) {
        for (size_t i = n; i < t->length && i < 255; i++)
            strbuf_putc(b, '0');
    }
    strbuf_put(b, text, n);
}

static void print_double(double f, const struct sql_type *t, struct strbuf *b)
{
    char buf[NUM_TEXT_MAX];
    size_t n;

    if (t->decimals < TYPE_DECIMALS_FLOATING)
        n = num_print_fixed(f, t->decimals, buf);
    else if (t->code == TYPE_FLOAT)
        n = num_print_float((float)f, buf);
    else
        n = num_print_double(f, buf);
    put_padded(b, buf, n, t);
}

void value_print(const struct value *v, const struct sql_type *t, struct strbuf *b)
{
    char buf[DEC_TEXT_MAX + 40];
    struct sql_type own;
    struct dec d;
    size_t n = 0;

    if (v->kind == KIND_NULL)
        return;
    if (!t) {
        own = value_type(v);
        if (v->kind == KIND_F64 && v->code == TYPE_FLOAT)
            own.code = TYPE_FLOAT;
        if (v->kind == KIND_DEC)
            own.decimals = v->d.scale;
        t = &own;
    }
    switch (type_kind_of(t)) {
    case KIND_I64:
    case KIND_U64:
        if (v->kind == KIND_STR) {
            strbuf_putsv(b, v->s);
            return;
        }
        if (t->code == TYPE_BIT) {
            uint64_t u = value_to_u64_bits(v, NULL);

            for (unsigned i = (MIN(t->length, 64u) + 7) / 8; i-- > 0;)
                strbuf_putc(b, (char)(u >> 8 * i));
            return;
        }
        n = v->kind == KIND_U64 || type_kind_of(t) == KIND_U64 ? num_print_u64(value_to_u64_bits(v, NULL), buf)
                                                               : num_print_i64(value_to_i64(v, NULL), buf);
        if (t->code == TYPE_YEAR) { /* four digits, with the flag for ZEROFILL or without */
            for (size_t i = n; i < 4; i++)
                strbuf_putc(b, '0');
            strbuf_put(b, buf, n);
            return;
        }
        put_padded(b, buf, n, t);
        return;
    case KIND_F64:
        print_double(value_to_f64(v, NULL), t, b);
        return;
    case KIND_DEC:
        d = value_to_dec(v, NULL);
        (void)dec_rescale(&d, t->decimals, DEC_HALF_UP);
        n = dec_print(&d, buf);
        put_padded(b, buf, n, t);
        return;
    case KIND_DATE:
        if (v->kind == KIND_DATE || v->kind == KIND_DATETIME)
            n = temporal_print_date(v->t, buf);
        break;
    case KIND_DATETIME:
        if (v->kind == KIND_DATE || v->kind == KIND_DATETIME)
            n = temporal_print_datetime(v->t, t->decimals, buf);
        break;
    case KIND_TIME:
        if (v->kind == KIND_TIME)
            n = temporal_print_time(v->t, t->decimals, buf);
        break;
    case KIND_STR:
        if (v->kind == KIND_STR) {
            strbuf_putsv(b, v->s);
            return;
        }
        value_print(v, NULL, b);
        return;
    case KIND_NULL:
        break;
    }
    if (n)
        strbuf_put(b, buf, n);
    else
        value_print(v, NULL, b);
}

void value_print_sql(const struct value *v, bool no_backslash, struct strbuf *b)
{
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        strbuf_puts(b, "NULL");
        return;
    case KIND_I64:
    case KIND_U64:
        value_print(v, NULL, b);
        return;
    case KIND_DEC:
        value_print(v, NULL, b);
        if (v->d.scale == 0)
            strbuf_putc(b, '.'); /* 5. is a DECIMAL, 5 is not */
        return;
    case KIND_F64: {
        size_t at = b->len;

        value_print(v, NULL, b);
        if (!b->overflow && !memchr(b->ptr + at, 'e', b->len - at))
            strbuf_puts(b, "e0");
        return;
    }
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        strbuf_puts(b, v->kind == KIND_DATE ? "DATE'" : v->kind == KIND_TIME ? "TIME'" : "TIMESTAMP'");
        value_print(v, NULL, b);
        strbuf_putc(b, '\'');
        return;
    case KIND_STR:
        if (v->coll == TYPE_COLL_BINARY) {
            strbuf_put_bytes(b, v->s, v->code == TYPE_BIT);
        } else {
            strbuf_put_quoted(b, v->s, no_backslash);
        }
        return;
    }
}

static void put_lenenc_bytes(struct strbuf *b, const char *p, size_t n)
{
    char head[9];

    strbuf_put(b, head, (size_t)((char *)put_lenenc(head, n) - head));
    strbuf_put(b, p, n);
}

static void print_binary_temporal(const struct value *v, enum type_kind k, struct strbuf *b)
{
    unsigned char buf[16] = {0};
    struct datetime t;
    size_t n;

    if (k == KIND_TIME) {
        temporal_unpack_time(v->t, &t);
        n = t.usec ? 12 : t.hour | t.minute | t.second ? 8 : 0;
        buf[1] = t.neg;
        put_u32(buf + 2, t.hour / 24);
        buf[6] = (unsigned char)(t.hour % 24);
        buf[7] = (unsigned char)t.minute;
        buf[8] = (unsigned char)t.second;
        put_u32(buf + 9, t.usec);
    } else {
        temporal_unpack_datetime(v->t, &t);
        n = t.usec ? 11 : t.hour | t.minute | t.second ? 7 : t.year | t.month | t.day ? 4 : 0;
        if (k == KIND_DATE && n)
            n = 4;
        put_u16(buf + 1, (uint16_t)t.year);
        buf[3] = (unsigned char)t.month;
        buf[4] = (unsigned char)t.day;
        buf[5] = (unsigned char)t.hour;
        buf[6] = (unsigned char)t.minute;
        buf[7] = (unsigned char)t.second;
        put_u32(buf + 8, t.usec);
    }
    buf[0] = (unsigned char)n;
    strbuf_put(b, buf, n + 1);
}

void value_print_binary(const struct value *v, const struct sql_type *t, struct strbuf *b)
{
    enum type_kind k = type_kind_of(t);
    unsigned char buf[8];
    struct strbuf text;
    struct arena tmp;
    float f;
    double d;

    if (v->kind == KIND_NULL)
        return;
    switch ((enum type_code)t->code) {
    case TYPE_TINY:
        put_u64(buf, value_to_u64_bits(v, NULL));
        strbuf_put(b, buf, 1);
        return;
    case TYPE_SHORT:
    case TYPE_YEAR:
        put_u64(buf, value_to_u64_bits(v, NULL));
        strbuf_put(b, buf, 2);
        return;
    case TYPE_LONG:
    case TYPE_INT24:
        put_u64(buf, value_to_u64_bits(v, NULL));
        strbuf_put(b, buf, 4);
        return;
    case TYPE_LONGLONG:
        put_u64(buf, value_to_u64_bits(v, NULL));
        strbuf_put(b, buf, 8);
        return;
    case TYPE_FLOAT:
        f = (float)value_to_f64(v, NULL);
        strbuf_put(b, &f, 4);
        return;
    case TYPE_DOUBLE:
        d = value_to_f64(v, NULL);
        strbuf_put(b, &d, 8);
        return;
    case TYPE_DATE:
    case TYPE_NEWDATE:
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
    case TYPE_TIME:
        if ((k == KIND_TIME) == (v->kind == KIND_TIME) && v->kind >= KIND_DATE && v->kind <= KIND_TIME) {
            print_binary_temporal(v, k, b);
            return;
        }
        strbuf_putc(b, 0);
        return;
    case TYPE_DECIMAL:
    case TYPE_NULL:
    case TYPE_VARCHAR:
    case TYPE_BIT:
    case TYPE_VECTOR:
    case TYPE_JSON:
    case TYPE_NEWDECIMAL:
    case TYPE_ENUM:
    case TYPE_SET:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_GEOMETRY:
        break;
    }
    if (v->kind == KIND_STR) {
        put_lenenc_bytes(b, v->s.ptr, v->s.len);
        return;
    }
    arena_init(&tmp, 0);
    strbuf_init(&text, &tmp);
    value_print(v, t, &text);
    put_lenenc_bytes(b, text.ptr, text.len);
    arena_free(&tmp);
}

struct value value_dup(const struct value *v, struct arena *a)
{
    struct value r = *v;

    if (v->kind == KIND_STR)
        r.s = arena_dup(a, v->s);
    return r;
}

/* ---- conversion ---- */

static void warn_truncated(const struct env *e, const char *type, struct sv s)
{
    if (e && e->warnings)
        warn_add(e->warnings, WARN_WARNING, 1292, "Truncated incorrect %s value: '%.*s'", type, (int)MIN(s.len, (size_t)128),
            s.ptr);
}

static int64_t double_to_i64(double f)
{
    f = rint(f);
    if (f >= 9223372036854775808.0)
        return INT64_MAX;
    if (f <= -9223372036854775808.0)
        return INT64_MIN;
    return (int64_t)f;
}

static int64_t temporal_to_i64(const struct value *v, const struct env *e)
{
    if (v->kind == KIND_DATE)
        return temporal_datetime_to_number(v->t, true);
    if (v->kind == KIND_TIME)
        return temporal_time_to_number(temporal_round_time(v->t, 0, e));
    {
        int64_t whole = temporal_round_datetime(v->t, 0, e);

        return temporal_datetime_to_number(whole == TEMPORAL_OVERFLOW ? v->t : whole, false);
    }
}

struct value value_json_number(const struct value *v, char want, const struct env *e)
{
    static const char *const names[] = {"DOUBLE", "INTEGER", "DECIMAL"};
    struct value r = value_f64(0), text;
    struct json_error err;
    struct arena tmp;
    struct json *j;
    bool bad = false, high = false;

    arena_init(&tmp, 0);
    j = json_parse(v->s, JSON_PRINTED, &tmp, &err);
    if (j && j->kind == JSON_NUMBER) {
        size_t used;

        if (j->number == JSON_DOUBLE && want == 'c') {
            r = value_dec(dec_zero);
            (void)dec_parse(j->text, &r.d, &used);
        } else {
            r = j->number == JSON_INT ? value_i64(j->i) : j->number == JSON_UINT ? value_u64(j->u) : value_f64(j->f);
            if (want == 'i' && r.kind == KIND_F64) {
                high = r.f >= 18446744073709551616.0 || r.f < -9223372036854775808.0;
                if (high)
                    r = value_i64(r.f > 0 ? INT64_MAX : INT64_MIN);
                else if (r.f >= 9223372036854775808.0)
                    r = value_u64((uint64_t)rint(r.f));
                else
                    r = value_i64(double_to_i64(r.f));
            }
        }
    } else if (j && j->kind == JSON_BOOL) {
        r = value_i64(j->truth);
    } else if (j && j->kind == JSON_STRING) {
        size_t used;
        uint64_t u;
        bool neg;
        double f;

        text = value_str(j->text, 46);
        bad = want == 'i' ? num_parse_int(j->text, &neg, &u) != NUM_OK : num_parse_double(j->text, &f) != NUM_OK;
        r = want == 'i' ? value_i64(value_to_i64(&text, NULL)) : value_f64(value_to_f64(&text, NULL));
        if (want == 'c') {
            r = value_dec(dec_zero);
            (void)dec_parse(j->text, &r.d, &used);
        }
    } else {
        bad = true;
    }
    if (bad)
        warn_add(e ? e->warnings : NULL, WARN_WARNING, 3156, "Invalid JSON value for CAST to %s from column %s at row 1",
            names[want == 'd' ? 0 : want == 'i' ? 1 : 2], "json_extract");
    if (high)
        warn_add(e ? e->warnings : NULL, WARN_WARNING, 3155, "Out of range JSON value for CAST to INTEGER from column json_extract at row 1");
    arena_free(&tmp);
    return r;
}

int64_t value_to_i64(const struct value *v, const struct env *e)
{
    int64_t i = 0;
    uint64_t u;
    bool neg;

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return 0;
    case KIND_I64:
        return v->i;
    case KIND_U64:
        return (int64_t)v->u;
    case KIND_F64:
        return double_to_i64(v->f);
    case KIND_DEC:
        (void)dec_to_i64(&v->d, &i);
        return i;
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        return temporal_to_i64(v, e);
    case KIND_STR:
        if (v->code == TYPE_BIT)
            return (int64_t)big_endian(v->s);
        if (v->code == TYPE_JSON && !(e && e->flavour == ENV_MARIADB)) {
            struct value n = value_json_number(v, 'i', e);

            return value_to_i64(&n, e);
        }
        if (num_parse_int(v->s, &neg, &u) != NUM_OK)
            warn_truncated(e, "INTEGER", v->s);
        return (int64_t)u;
    }
    return 0;
}

uint64_t value_to_u64_bits(const struct value *v, const struct env *e)
{
    uint64_t u = 0;

    if (v->kind == KIND_F64 && v->f >= 9223372036854775808.0)
        return v->f >= 18446744073709551616.0 ? UINT64_MAX : (uint64_t)rint(v->f);
    if (v->kind == KIND_DEC && !v->d.neg) {
        (void)dec_to_u64(&v->d, &u);
        return u;
    }
    return (uint64_t)value_to_i64(v, e);
}

static double temporal_fraction(const struct value *v)
{
    double us = (double)((v->t < 0 ? -v->t : v->t) & 0xffffff) / 1e6;

    return v->t < 0 ? -us : us;
}

double value_to_f64(const struct value *v, const struct env *e)
{
    double f = 0;

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return 0;
    case KIND_I64:
        return (double)v->i;
    case KIND_U64:
        return (double)v->u;
    case KIND_F64:
        return v->f;
    case KIND_DEC:
        return dec_to_double(&v->d);
    case KIND_DATE:
        return (double)temporal_datetime_to_number(v->t, true);
    case KIND_DATETIME:
        return (double)temporal_datetime_to_number(v->t, false) + temporal_fraction(v);
    case KIND_TIME:
        return (double)temporal_time_to_number(v->t) + temporal_fraction(v);
    case KIND_STR:
        if (v->code == TYPE_BIT)
            return (double)big_endian(v->s);
        if (v->code == TYPE_JSON && !(e && e->flavour == ENV_MARIADB)) {
            struct value n = value_json_number(v, 'd', e);

            return value_to_f64(&n, e);
        }
        if (num_parse_double(v->s, &f) != NUM_OK)
            warn_truncated(e, "DOUBLE", v->s);
        return f;
    }
    return 0;
}

struct dec value_to_dec(const struct value *v, const struct env *e)
{
    struct dec d = dec_zero, us;
    enum dec_status st;
    size_t used;

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return dec_zero;
    case KIND_I64:
        return dec_from_i64(v->i);
    case KIND_U64:
        return dec_from_u64(v->u);
    case KIND_F64:
        (void)dec_from_double(v->f, &d);
        return d;
    case KIND_DEC:
        return v->d;
    case KIND_DATE:
        return dec_from_i64(temporal_datetime_to_number(v->t, true));
    case KIND_DATETIME:
    case KIND_TIME:
        d = dec_from_i64(v->kind == KIND_TIME ? temporal_time_to_number(v->t) : temporal_datetime_to_number(v->t, false));
        if (v->fsp) {
            us = dec_from_i128((v->t < 0 ? -v->t : v->t) & 0xffffff, 6);
            us.neg = v->t < 0 && !dec_is_zero(&us);
            (void)dec_add(&d, &us, &d);
            (void)dec_rescale(&d, v->fsp, DEC_TRUNCATE);
        }
        return d;
    case KIND_STR:
        if (v->code == TYPE_BIT)
            return dec_from_u64(big_endian(v->s));
        if (v->code == TYPE_JSON && !(e && e->flavour == ENV_MARIADB)) {
            struct value n = value_json_number(v, 'c', e);

            return value_to_dec(&n, e);
        }
        st = dec_parse(v->s, &d, &used);
        while (used < v->s.len && (v->s.ptr[used] == ' ' || (v->s.ptr[used] >= '\t' && v->s.ptr[used] <= '\r')))
            used++;
        if (st == DEC_BAD || used < v->s.len)
            warn_truncated(e, "DECIMAL", v->s);
        return d;
    }
    return d;
}

struct sv value_to_str(const struct value *v, const struct sql_type *type, struct arena *a)
{
    struct strbuf b;

    if (v->kind == KIND_STR)
        return v->s;
    if (v->kind == KIND_NULL)
        return SV("");
    strbuf_init(&b, a);
    value_print(v, type, &b);
    return b.len ? strbuf_sv(&b) : SV("");
}

int value_truth(const struct value *v, const struct env *e)
{
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return -1;
    case KIND_I64:
        return v->i != 0;
    case KIND_U64:
        return v->u != 0;
    case KIND_DEC:
        return !dec_is_zero(&v->d);
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        return v->t != 0;
    case KIND_STR:
        if (v->code == TYPE_JSON && e && e->flavour == ENV_MYSQL8) { /* compared with the document 0 */
            warn_add(e->warnings, WARN_WARNING, 3986, "Evaluating a JSON value in SQL boolean context does an implicit comparison against JSON integer "
                "0; if this is not what you want, consider converting JSON to a SQL numeric type with JSON_VALUE RETURNING");
            return v->s.len == 0 || !strchr("-0123456789", v->s.ptr[0]) || value_to_f64(v, NULL) != 0;
        }
        break;
    case KIND_F64:
        break;
    }
    return value_to_f64(v, e) != 0;
}

/* Integer and nanoseconds of a number. False: not representable. */
static bool split_number(const struct value *v, int64_t *whole, uint32_t *nanos)
{
    struct dec d = value_to_dec(v, NULL), w, f;
    uint64_t u = 0;

    *nanos = 0;
    if (d.scale == 0)
        return dec_to_i64(&d, whole) != DEC_OVERFLOW;
    w = d;
    (void)dec_rescale(&w, 0, DEC_TRUNCATE);
    (void)dec_sub(&d, &w, &f);
    (void)dec_rescale(&f, 9, DEC_TRUNCATE);
    f.neg = false;
    f.scale = 0;
    (void)dec_to_u64(&f, &u);
    *nanos = (uint32_t)u;
    return dec_to_i64(&w, whole) != DEC_OVERFLOW;
}

static bool warn_incorrect(const struct env *e, const char *type, const struct value *v)
{
    struct arena tmp;
    struct sv s;

    if (!e || !e->warnings)
        return false;
    arena_init(&tmp, 0);
    s = value_to_str(v, NULL, &tmp);
    warn_add(e->warnings, WARN_WARNING, 1292, "Incorrect %s value: '%.*s'", type, (int)MIN(s.len, (size_t)128), s.ptr);
    arena_free(&tmp);
    return false;
}

/* Environment for reading with zero parts allowed: what functions do before they judge themselves. */
static struct env fuzzy_env(const struct env *e)
{
    struct env f = e ? *e : (struct env){0};

    f.sql_mode &= ~MODE_NO_ZERO_IN_DATE;
    if (f.flavour == ENV_MARIADB)
        f.sql_mode &= ~MODE_NO_ZERO_DATE;
    return f;
}

static bool to_datetime(const struct value *v, bool want_date, const struct env *e, int64_t *packed)
{
    const char *name = "datetime";
    struct env f = fuzzy_env(e);
    enum temporal_status st = TEMPORAL_INVALID;
    struct datetime t;
    uint32_t nanos;
    int64_t whole;

    *packed = 0;
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return false;
    case KIND_DATE:
        *packed = v->t;
        return true;
    case KIND_DATETIME:
        *packed = want_date ? temporal_date_part(v->t) : v->t;
        return true;
    case KIND_TIME: {
        int64_t us = temporal_time_to_us(v->t), now = e ? e->now_us / 1000000 : 0;
        int64_t today;

        now += tz_offset_at_utc(e ? e->tz : NULL, now);
        today = now - now % 86400;
        us += today * 1000000;
        if (!temporal_from_epoch(us >= 0 ? us / 1000000 : -((-us + 999999) / 1000000),
                (uint32_t)((us % 1000000 + 1000000) % 1000000), &t))
            return warn_incorrect(e, name, v);
        *packed = temporal_pack_datetime(&t);
        if (want_date)
            *packed = temporal_date_part(*packed);
        return true;
    }
    case KIND_STR:
        st = temporal_parse_datetime(v->s, want_date, 6, &f, packed);
        break;
    case KIND_I64:
    case KIND_U64:
    case KIND_F64:
    case KIND_DEC:
        if (split_number(v, &whole, &nanos))
            st = temporal_datetime_from_number(whole, nanos, want_date, 6, &f, packed);
        break;
    }
    if (st == TEMPORAL_INVALID || st == TEMPORAL_OUT_OF_RANGE)
        return warn_incorrect(e, name, v);
    if (st == TEMPORAL_TRUNCATED && v->kind == KIND_STR)
        warn_truncated(e, want_date ? "date" : "datetime", v->s);
    return true;
}

bool value_to_datetime(const struct value *v, const struct env *e, int64_t *packed)
{
    return to_datetime(v, false, e, packed);
}

bool value_to_date(const struct value *v, const struct env *e, int64_t *packed)
{
    return to_datetime(v, true, e, packed);
}

bool value_to_time(const struct value *v, const struct env *e, int64_t *packed)
{
    struct datetime t;
    enum temporal_status st = TEMPORAL_INVALID;
    uint32_t nanos;
    int64_t whole;

    *packed = 0;
    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return false;
    case KIND_TIME:
        *packed = v->t;
        return true;
    case KIND_DATE:
        return true;
    case KIND_DATETIME:
        temporal_unpack_datetime(v->t, &t);
        t.year = t.month = t.day = 0;
        *packed = temporal_pack_time(&t);
        return true;
    case KIND_STR:
        st = temporal_parse_time(v->s, 6, e, packed);
        break;
    case KIND_I64:
    case KIND_U64:
    case KIND_F64:
    case KIND_DEC:
        if (split_number(v, &whole, &nanos))
            st = temporal_time_from_number(whole, nanos, 6, e, packed);
        break;
    }
    if (st == TEMPORAL_OUT_OF_RANGE && v->kind != KIND_STR)
        return warn_incorrect(e, "time", v);
    if (st == TEMPORAL_OUT_OF_RANGE || st == TEMPORAL_TRUNCATED) {
        struct arena tmp;

        arena_init(&tmp, 0);
        warn_truncated(e, "time", value_to_str(v, NULL, &tmp));
        arena_free(&tmp);
        return true;
    }
    if (st == TEMPORAL_INVALID)
        return warn_incorrect(e, "time", v);
    return true;
}

/* ---- comparison ---- */

enum value_cmp_as value_cmp_rule(const struct sql_type *a, const struct sql_type *b, bool a_const, bool b_const)
{
    enum type_kind x = type_kind_of(a), y = type_kind_of(b);
    bool tx = type_is_temporal(a), ty = type_is_temporal(b);

    (void)a_const;
    (void)b_const;
    if (x == KIND_NULL)
        x = y;
    if (y == KIND_NULL)
        y = x;
    if (tx && ty)
        return x == KIND_TIME && y == KIND_TIME ? CMP_AS_TIME : CMP_AS_DATETIME;
    if ((tx && y == KIND_STR) || (ty && x == KIND_STR))
        return x == KIND_TIME || y == KIND_TIME ? CMP_AS_TIME : CMP_AS_DATETIME;
    if (x == KIND_STR && y == KIND_STR)
        return CMP_AS_STRING;
    if (x == KIND_STR || y == KIND_STR || x == KIND_F64 || y == KIND_F64)
        return CMP_AS_DOUBLE;
    if (tx || ty) {
        const struct sql_type *t = tx ? a : b;

        if (tx && ty)
            return CMP_AS_DATETIME;
        return t->decimals || x == KIND_DEC || y == KIND_DEC ? CMP_AS_DECIMAL : CMP_AS_INT;
    }
    if (x == KIND_DEC || y == KIND_DEC)
        return CMP_AS_DECIMAL;
    return CMP_AS_INT;
}

static int cmp_i64(int64_t a, int64_t b)
{
    return (a > b) - (a < b);
}

static int cmp_ints(const struct value *a, const struct value *b, const struct env *e)
{
    int64_t x = value_to_i64(a, e), y = value_to_i64(b, e);
    bool ux = a->kind == KIND_U64, uy = b->kind == KIND_U64;

    if (ux && uy)
        return ((uint64_t)x > (uint64_t)y) - ((uint64_t)x < (uint64_t)y);
    if (ux && x < 0)
        return 1;
    if (uy && y < 0)
        return -1;
    return cmp_i64(x, y);
}

static int cmp_doubles(double x, double y)
{
    return (x > y) - (x < y);
}

int value_compare(const struct value *a, const struct value *b, enum value_cmp_as as, uint16_t coll, const struct env *e)
{
    struct dec x, y;
    int64_t t, u;

    switch (as) {
    case CMP_AS_INT:
        return cmp_ints(a, b, e);
    case CMP_AS_DOUBLE:
        return cmp_doubles(value_to_f64(a, e), value_to_f64(b, e));
    case CMP_AS_DECIMAL:
        x = value_to_dec(a, e);
        y = value_to_dec(b, e);
        return dec_cmp(&x, &y);
    case CMP_AS_DATETIME:
        (void)!value_to_datetime(a, e, &t);
        (void)!value_to_datetime(b, e, &u);
        return cmp_i64(t, u);
    case CMP_AS_TIME:
        (void)!value_to_time(a, e, &t);
        (void)!value_to_time(b, e, &u);
        return cmp_i64(t, u);
    case CMP_AS_JSON:
    case CMP_AS_STRING:
        break;
    }
    if (a->kind == KIND_STR && b->kind == KIND_STR)
        return coll_compare(coll, a->s, b->s);
    {
        struct arena tmp;
        int c;

        arena_init(&tmp, 0);
        c = coll_compare(coll, value_to_str(a, NULL, &tmp), value_to_str(b, NULL, &tmp));
        arena_free(&tmp);
        return c;
    }
}

int value_cmp_same(const struct value *a, const struct value *b, uint16_t coll)
{
    struct sql_type ta, tb;

    if (a->kind == KIND_NULL || b->kind == KIND_NULL)
        return (b->kind == KIND_NULL) - (a->kind == KIND_NULL);
    if (a->kind == KIND_STR && b->kind == KIND_STR)
        return coll_compare(coll, a->s, b->s);
    if (a->kind >= KIND_DATE && a->kind <= KIND_TIME && b->kind >= KIND_DATE && b->kind <= KIND_TIME)
        return cmp_i64(a->t, b->t);
    ta = value_type(a);
    tb = value_type(b);
    return value_compare(a, b, value_cmp_rule(&ta, &tb, false, false), coll, NULL);
}

/* ---- canonical form ---- */

static void canonical_dec(struct dec d, struct strbuf *b)
{
    char buf[DEC_TEXT_MAX + 40];

    dec_normalize(&d);
    strbuf_put(b, buf, dec_print(&d, buf));
}

void value_canonical(const struct value *v, uint16_t coll, struct strbuf *b)
{
    struct dec d;

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        return;
    case KIND_I64:
    case KIND_U64: {
        char buf[24];

        strbuf_put(b, buf, v->kind == KIND_I64 ? num_print_i64(v->i, buf) : num_print_u64(v->u, buf));
        return;
    }
    case KIND_DEC:
        canonical_dec(v->d, b);
        return;
    case KIND_F64:
        /* Shortest digits, in plain notation while they fit a decimal, so that 5e0, 5.0 and 5 are one. */
        if (fabs(v->f) < 1e60 && dec_from_double(v->f, &d) == DEC_OK) {
            canonical_dec(d, b);
        } else {
            char buf[NUM_TEXT_MAX];

            strbuf_put(b, buf, num_print_double(v->f, buf));
        }
        return;
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME: {
        char buf[40];
        size_t n;

        if (v->kind == KIND_DATE)
            n = temporal_print_date(v->t, buf);
        else if (v->kind == KIND_TIME)
            n = temporal_print_time(v->t, 6, buf);
        else
            n = temporal_print_datetime(v->t, 6, buf);
        if (v->kind != KIND_DATE) {
            while (buf[n - 1] == '0' && memchr(buf, '.', n))
                n--;
            if (buf[n - 1] == '.')
                n--;
        }
        strbuf_put(b, buf, n);
        return;
    }
    case KIND_STR:
        coll_sortkey(coll, v->s, b);
        return;
    }
}
