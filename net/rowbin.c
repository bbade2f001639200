/* Rows of the binary protocol ("Binary Protocol Resultset Row") and values as text, both ways: what a prepared
 * statement needs whose result was merged from text rows, and what putting parameters into a text needs. */
#include "net/packet-int.h"
#include "net/packet.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

bool rowbin_decode(const unsigned char *p, size_t n, const struct packet_coldef *cols, size_t n_cols,
                   struct wire_value *values)
{
    size_t bitmap = (n_cols + 7 + 2) / 8;
    const unsigned char *end = p + n, *nulls = p + 1;

    if (n < 1 + bitmap || p[0] != 0)
        return false;
    p += 1 + bitmap;
    for (size_t i = 0; i < n_cols; i++) {
        if (nulls[(i + 2) / 8] >> (i + 2) % 8 & 1)
            values[i].kind = WIRE_KIND_NULL;
        else if (!wire_value_decode(&p, end, cols[i].type, (cols[i].flags & WIRE_FLAG_UNSIGNED) != 0, &values[i]))
            return false;
    }
    return p == end;
}

/* --- value to text --- */

static char *put_digits(char *p, uint64_t v, unsigned width)
{
    char tmp[20];
    unsigned n = 0;

    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (; width > n; width--)
        *p++ = '0';
    while (n)
        *p++ = tmp[--n];
    return p;
}

static char *put_micros(char *p, uint32_t micros, unsigned decimals)
{
    char six[8];

    if (decimals > 6)
        decimals = micros ? 6 : 0;
    if (!decimals)
        return p;
    put_digits(six, micros, 6);
    *p++ = '.';
    memcpy(p, six, decimals);
    return p + decimals;
}

static char *put_clock(char *p, const struct wire_time *t, unsigned decimals)
{
    p = put_digits(p, t->hour, 2);
    *p++ = ':';
    p = put_digits(p, t->minute, 2);
    *p++ = ':';
    p = put_digits(p, t->second, 2);
    return put_micros(p, t->micros, decimals);
}

static char *put_date(char *p, const struct wire_time *t)
{
    p = put_digits(p, t->year, 4);
    *p++ = '-';
    p = put_digits(p, t->month, 2);
    *p++ = '-';
    return put_digits(p, t->day, 2);
}

/* The digits of a finite number as d.ddde[+-]x with the fewest digits that read back as the same number; MySQL
 * writes FLOAT with 6 digits at most. */
static void shortest(double v, bool is_float, char *buf, size_t n)
{
    int most = is_float ? 5 : 16;

    for (int prec = 0; prec <= most; prec++) {
        snprintf(buf, n, "%.*e", prec, v);
        if (is_float ? strtof(buf, NULL) == (float)v : strtod(buf, NULL) == v)
            return;
    }
}

/* MySQL writes numbers from 1e-15 to below 1e15 without an exponent, others as 1.5e20 (no plus sign, no zeros). */
static char *put_double(char *p, double v, bool is_float, unsigned decimals)
{
    char e[40], digits[24];
    unsigned n = 0;
    int exp10;

    if (!isfinite(v)) {
        *p++ = '0'; /* MySQL has no such values */
        return p;
    }
    if (decimals < 31)
        return p + snprintf(p, WIRE_TEXT_MAX, "%.*f", (int)decimals, v);
    shortest(v, is_float, e, sizeof(e));
    exp10 = (int)strtol(strchr(e, 'e') + 1, NULL, 10);
    for (const char *s = e; *s != 'e'; s++) {
        if (*s >= '0' && *s <= '9' && n < sizeof(digits))
            digits[n++] = *s;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    if (signbit(v))
        *p++ = '-';
    if (exp10 < -15 || exp10 > 14) {
        *p++ = digits[0];
        if (n > 1) {
            *p++ = '.';
            memcpy(p, digits + 1, n - 1);
            p += n - 1;
        }
        return p + snprintf(p, 8, "e%d", exp10);
    }
    if (exp10 < 0) {
        *p++ = '0';
        *p++ = '.';
        for (int i = -1; i > exp10; i--)
            *p++ = '0';
        memcpy(p, digits, n);
        return p + n;
    }
    for (int i = 0; i <= exp10; i++)
        *p++ = (unsigned)i < n ? digits[i] : '0';
    if (n > (unsigned)exp10 + 1) {
        *p++ = '.';
        memcpy(p, digits + exp10 + 1, n - (unsigned)exp10 - 1);
        p += n - (unsigned)exp10 - 1;
    }
    return p;
}

struct sv wire_value_text(const struct wire_value *v, unsigned decimals, char *buf)
{
    char *p = buf;

    switch (v->kind) {
    case WIRE_KIND_NULL:
        return SV_NULL;
    case WIRE_KIND_INT:
        if (v->i < 0)
            *p++ = '-';
        p = put_digits(p, v->i < 0 ? 0 - (uint64_t)v->i : (uint64_t)v->i, 1);
        break;
    case WIRE_KIND_UINT:
        p = put_digits(p, v->u, 1);
        break;
    case WIRE_KIND_DOUBLE:
        p = put_double(p, v->d, false, decimals);
        break;
    case WIRE_KIND_FLOAT:
        p = put_double(p, (double)v->f, true, decimals);
        break;
    case WIRE_KIND_DATE:
        p = put_date(p, &v->t);
        break;
    case WIRE_KIND_DATETIME:
        p = put_date(p, &v->t);
        *p++ = ' ';
        p = put_clock(p, &v->t, decimals);
        break;
    case WIRE_KIND_TIME:
        if (v->t.negative)
            *p++ = '-';
        p = put_clock(p, &v->t, decimals);
        break;
    case WIRE_KIND_BYTES:
        return v->s;
    }
    return sv_make(buf, (size_t)(p - buf));
}

/* --- text to binary row --- */

/* A whole number with sign, and nothing else. A fraction of zeros is let through (DECIMAL results typed as
 * integers). */
static bool parse_int(struct sv s, bool *negative, uint64_t *v)
{
    size_t i = 0;

    *negative = false;
    *v = 0;
    if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
        *negative = s.ptr[i++] == '-';
    if (i == s.len)
        return false;
    for (; i < s.len && s.ptr[i] != '.'; i++) {
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        if (__builtin_mul_overflow(*v, UINT64_C(10), v) ||
            __builtin_add_overflow(*v, (uint64_t)(s.ptr[i] - '0'), v))
            return false;
    }
    for (i++; i < s.len; i++) {
        if (s.ptr[i] != '0')
            return false;
    }
    return true;
}

/* Reads up to `most` digits at *p. */
static bool take_digits(const char **p, const char *end, unsigned most, uint32_t *v)
{
    const char *s = *p;

    *v = 0;
    while (s < end && (unsigned)(s - *p) < most && *s >= '0' && *s <= '9')
        *v = *v * 10 + (uint32_t)(*s++ - '0');
    if (s == *p)
        return false;
    *p = s;
    return true;
}

static bool take_char(const char **p, const char *end, char c)
{
    if (*p == end || **p != c)
        return false;
    (*p)++;
    return true;
}

static bool parse_clock(const char *p, const char *end, unsigned hour_digits, struct wire_time *t)
{
    uint32_t v;

    if (!take_digits(&p, end, hour_digits, &t->hour) || !take_char(&p, end, ':') || !take_digits(&p, end, 2, &v))
        return false;
    t->minute = (uint8_t)v;
    if (!take_char(&p, end, ':') || !take_digits(&p, end, 2, &v))
        return false;
    t->second = (uint8_t)v;
    if (take_char(&p, end, '.')) {
        const char *from = p;

        if (!take_digits(&p, end, 6, &t->micros))
            return false;
        for (size_t n = (size_t)(p - from); n < 6; n++)
            t->micros *= 10;
    }
    return p == end;
}

static bool parse_date(const char **p, const char *end, struct wire_time *t)
{
    uint32_t v;

    if (!take_digits(p, end, 4, &v) || !take_char(p, end, '-'))
        return false;
    t->year = (uint16_t)v;
    if (!take_digits(p, end, 2, &v) || !take_char(p, end, '-'))
        return false;
    t->month = (uint8_t)v;
    if (!take_digits(p, end, 2, &v))
        return false;
    t->day = (uint8_t)v;
    return true;
}

static unsigned char *put_wire_datetime(unsigned char *p, const struct wire_time *t)
{
    unsigned len = 11;

    if (!t->micros) {
        len = 7;
        if (!t->hour && !t->minute && !t->second) {
            len = 4;
            if (!t->year && !t->month && !t->day)
                len = 0;
        }
    }
    *p = (unsigned char)len;
    if (len >= 4) {
        put_u16(p + 1, t->year);
        p[3] = t->month;
        p[4] = t->day;
    }
    if (len >= 7) {
        p[5] = (unsigned char)t->hour;
        p[6] = t->minute;
        p[7] = t->second;
    }
    if (len == 11)
        put_u32(p + 8, t->micros);
    return p + 1 + len;
}

static unsigned char *put_wire_time(unsigned char *p, const struct wire_time *t)
{
    unsigned len = t->micros ? 12 : t->hour || t->minute || t->second ? 8 : 0;

    *p = (unsigned char)len;
    if (len) {
        p[1] = t->negative;
        put_u32(p + 2, t->hour / 24);
        p[6] = (unsigned char)(t->hour % 24);
        p[7] = t->minute;
        p[8] = t->second;
    }
    if (len == 12)
        put_u32(p + 9, t->micros);
    return p + 1 + len;
}

static unsigned char *put_int(unsigned char *p, struct sv s, unsigned bytes)
{
    bool negative;
    uint64_t v;

    if (!parse_int(s, &negative, &v))
        return NULL;
    if (negative)
        v = 0 - v;
    memcpy(p, &v, bytes);
    return p + bytes;
}

static bool parse_double(struct sv s, double *d)
{
    char buf[512], *end;

    if (s.len == 0 || s.len >= sizeof(buf))
        return false;
    memcpy(buf, s.ptr, s.len);
    buf[s.len] = '\0';
    *d = strtod(buf, &end);
    return *end == '\0';
}

static unsigned char *value_from_text(unsigned char *p, uint8_t type, struct sv s)
{
    struct wire_time t = {0};
    const char *at = s.ptr, *end = s.ptr + s.len;
    double d;

    switch (type) {
    case WIRE_TINY:
    case WIRE_BOOL:
        return put_int(p, s, 1);
    case WIRE_SHORT:
    case WIRE_YEAR:
        return put_int(p, s, 2);
    case WIRE_LONG:
    case WIRE_INT24:
        return put_int(p, s, 4);
    case WIRE_LONGLONG:
        return put_int(p, s, 8);
    case WIRE_FLOAT: {
        float f;

        if (!parse_double(s, &d))
            return NULL;
        f = (float)d;
        memcpy(p, &f, 4);
        return p + 4;
    }
    case WIRE_DOUBLE:
        if (!parse_double(s, &d))
            return NULL;
        memcpy(p, &d, 8);
        return p + 8;
    case WIRE_DATE:
    case WIRE_NEWDATE:
        return parse_date(&at, end, &t) && at == end ? put_wire_datetime(p, &t) : NULL;
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP:
        if (!parse_date(&at, end, &t))
            return NULL;
        if (at != end && (!take_char(&at, end, ' ') || !parse_clock(at, end, 2, &t)))
            return NULL;
        return put_wire_datetime(p, &t);
    case WIRE_TIME:
        t.negative = take_char(&at, end, '-');
        return parse_clock(at, end, 4, &t) ? put_wire_time(p, &t) : NULL; /* all that time_of takes */
    default:
        return put_lenenc_sv(p, s);
    }
}

size_t rowbin_size(const struct packet_coldef *cols, const struct sv *values, size_t n)
{
    size_t size = 1 + (n + 9) / 8;

    (void)cols;
    for (size_t i = 0; i < n; i++)
        size += 13 + values[i].len; /* the longest fixed value has 13 bytes; a length 9 */
    return size;
}

unsigned char *rowbin_from_text(unsigned char *p, const struct packet_coldef *cols, const struct sv *values, size_t n)
{
    size_t bitmap = (n + 7 + 2) / 8;
    unsigned char *nulls = p + 1;

    memset(p, 0, 1 + bitmap);
    p += 1 + bitmap;
    for (size_t i = 0; i < n; i++) {
        if (!values[i].ptr || cols[i].type == WIRE_NULL) {
            nulls[(i + 2) / 8] |= (unsigned char)(1 << (i + 2) % 8);
            continue;
        }
        p = value_from_text(p, cols[i].type, values[i]);
        if (!p)
            return NULL;
    }
    return p;
}
