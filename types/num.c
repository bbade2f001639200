/* Doubles are printed shortest: 15 digits when they read back as the same number, else 16, else 17 (denormals: from one
 * digit up). Layout as MySQL's my_gcvt: plain notation while the decimal point stands within 15 digits of the number's
 * start, else d.ddde[-]x. Reading takes the exact fast path (15 digits, powers of ten up to 22) and else strtod, which the
 * C locale makes exact; the program never calls setlocale. */
#include "types/num.h"

#include "util/arena.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static const double pow10_exact[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15,
    1e16, 1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

/* strtod over a copy that ends in NUL. */
static double slow_double(const char *p, size_t n)
{
    char small[512];
    char *buf = n < sizeof(small) ? small : xmalloc(n + 1);
    double v;

    memcpy(buf, p, n);
    buf[n] = '\0';
    v = strtod(buf, NULL);
    if (buf != small)
        xfree(buf);
    return v;
}

enum num_status num_parse_double(struct sv s, double *out)
{
    const char *p = s.ptr, *end = s.ptr + s.len, *start;
    uint64_t mant = 0;
    int digits = 0, frac = 0, exp = 0;
    bool neg = false, any = false;
    double v;

    *out = 0;
    while (p < end && is_blank(*p))
        p++;
    start = p;
    if (p < end && (*p == '-' || *p == '+'))
        neg = *p++ == '-';
    for (; p < end && is_digit(*p); p++) {
        any = true;
        if (digits < 19)
            mant = mant * 10 + (unsigned)(*p - '0');
        digits += mant != 0;
    }
    if (p < end && *p == '.') {
        const char *point = p++;

        for (; p < end && is_digit(*p); p++) {
            any = true;
            if (digits < 19)
                mant = mant * 10 + (unsigned)(*p - '0');
            digits += mant != 0;
            frac++;
        }
        if (!any)
            p = point;
    }
    if (!any)
        return NUM_TRUNCATED;
    if (p < end && (*p == 'e' || *p == 'E')) {
        const char *q = p + 1;
        bool eneg = false;

        if (q < end && (*q == '-' || *q == '+'))
            eneg = *q++ == '-';
        if (q < end && is_digit(*q)) {
            for (; q < end && is_digit(*q); q++)
                exp = exp < 100000 ? exp * 10 + (*q - '0') : exp;
            exp = eneg ? -exp : exp;
            p = q;
        }
    }
    exp -= frac;
    if (digits <= 15 && exp >= -22 && exp <= 22) {
        v = (double)mant;
        v = exp < 0 ? v / pow10_exact[-exp] : v * pow10_exact[exp];
        *out = neg ? -v : v;
    } else {
        *out = slow_double(start, (size_t)(p - start));
    }
    if (isinf(*out)) {
        *out = *out > 0 ? DBL_MAX : -DBL_MAX;
        return NUM_OUT_OF_RANGE;
    }
    while (p < end && is_blank(*p))
        p++;
    return p < end ? NUM_TRUNCATED : NUM_OK;
}

enum num_status num_parse_int(struct sv s, bool *neg, uint64_t *out)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    enum num_status st = NUM_OK;
    uint64_t v = 0;

    *neg = false;
    *out = 0;
    while (p < end && is_blank(*p))
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        *neg = *p++ == '-';
    if (p >= end || !is_digit(*p))
        return NUM_TRUNCATED;
    for (; p < end && is_digit(*p); p++) {
        if (__builtin_mul_overflow(v, UINT64_C(10), &v) || __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v)) {
            st = NUM_OUT_OF_RANGE;
            v = UINT64_MAX;
            while (p < end && is_digit(*p))
                p++;
            break;
        }
    }
    if (*neg) {
        if (v > (uint64_t)INT64_MAX + 1) {
            st = NUM_OUT_OF_RANGE;
            v = (uint64_t)INT64_MAX + 1;
        }
        v = 0 - v;
    }
    *out = v;
    if (st != NUM_OK)
        return st;
    while (p < end && is_blank(*p))
        p++;
    return p < end ? NUM_TRUNCATED : NUM_OK;
}

/* Lays out digits[0..n) with the decimal point behind digit decpt (may be <= 0 or > n). */
static size_t lay_out(char *buf, bool neg, const char *digits, int n, int decpt)
{
    char *to = buf;

    if (neg)
        *to++ = '-';
    if (decpt < -14 || decpt > 15) {
        int e = decpt - 1;

        *to++ = digits[0];
        if (n > 1) {
            *to++ = '.';
            memcpy(to, digits + 1, (size_t)n - 1);
            to += n - 1;
        }
        *to++ = 'e';
        to += num_print_i64(e, to);
    } else if (decpt <= 0) {
        *to++ = '0';
        *to++ = '.';
        for (int i = decpt; i < 0; i++)
            *to++ = '0';
        memcpy(to, digits, (size_t)n);
        to += n;
    } else {
        for (int i = 0; i < MAX(n, decpt); i++) {
            if (i == decpt)
                *to++ = '.';
            *to++ = i < n ? digits[i] : '0';
        }
    }
    return (size_t)(to - buf);
}

/* "d.ddddde+xx" of snprintf to digits without trailing zeros. */
static int split_digits(const char *text, char *digits, int *decpt)
{
    int n = 0;
    const char *p = text;

    for (; *p && *p != 'e'; p++) {
        if (is_digit(*p))
            digits[n++] = *p;
    }
    *decpt = (int)strtol(p + 1, NULL, 10) + 1;
    while (n > 1 && digits[n - 1] == '0')
        n--;
    return n;
}

size_t num_print_double(double v, char *buf)
{
    char text[40], digits[24];
    int n, decpt;

    if (v == 0) {
        memcpy(buf, signbit(v) ? "-0" : "0", 2);
        return signbit(v) ? 2 : 1;
    }
    if (isnan(v) || isinf(v)) {
        buf[0] = '0'; /* no MySQL expression yields one; it prints as 0 there */
        return 1;
    }
    if (fabs(v) < 1e15 && v == (double)(int64_t)v)
        return num_print_i64((int64_t)v, buf);
    for (int prec = fabs(v) < 1e-290 ? 0 : 14; prec <= 16; prec++) {
        snprintf(text, sizeof(text), "%.*e", prec, fabs(v));
        if (prec == 16 || strtod(text, NULL) == fabs(v))
            break;
    }
    n = split_digits(text, digits, &decpt);
    return lay_out(buf, v < 0, digits, n, decpt);
}

size_t num_print_float(float v, char *buf)
{
    char text[40], digits[24];
    int n, decpt;

    if (v == 0 || isnan(v) || isinf(v)) {
        buf[0] = signbit(v) && v == 0 ? '-' : '0';
        buf[1] = '0';
        return signbit(v) && v == 0 ? 2 : 1;
    }
    for (int prec = fabsf(v) < 1e-30f ? 0 : 5; prec <= 5; prec++) {
        snprintf(text, sizeof(text), "%.*e", prec, fabs((double)v));
        if (strtof(text, NULL) == fabsf(v))
            break;
    }
    n = split_digits(text, digits, &decpt);
    return lay_out(buf, v < 0, digits, n, decpt);
}

size_t num_print_fixed(double v, unsigned decimals, char *buf)
{
    int n;

    decimals = MIN(decimals, 30u);
    if (isnan(v) || isinf(v))
        v = 0;
    n = snprintf(buf, NUM_TEXT_MAX, "%.*f", (int)decimals, v);
    return (size_t)MIN(n, NUM_TEXT_MAX - 1);
}

size_t num_print_u64(uint64_t v, char *buf)
{
    char tmp[20];
    size_t n = 0;

    do {
        tmp[n++] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    for (size_t i = 0; i < n; i++)
        buf[i] = tmp[n - 1 - i];
    return n;
}

size_t num_print_i64(int64_t v, char *buf)
{
    if (v < 0) {
        *buf = '-';
        return num_print_u64(0 - (uint64_t)v, buf + 1) + 1;
    }
    return num_print_u64((uint64_t)v, buf);
}

double num_round(double v, int decimals, bool truncate)
{
    bool neg = decimals < 0;
    int n = neg ? (decimals < -1000 ? 1000 : -decimals) : decimals;
    double tmp = n <= 22 ? pow10_exact[n] : pow(10.0, n);
    double mul = v * tmp, div = v / tmp;

    if (neg && isinf(tmp))
        return 0;
    if (!neg && (isinf(tmp) || isinf(mul)))
        return v;
    if (truncate) {
        if (v >= 0)
            return neg ? floor(div) * tmp : floor(mul) / tmp;
        return neg ? ceil(div) * tmp : ceil(mul) / tmp;
    }
    return neg ? rint(div) * tmp : rint(mul) / tmp;
}
