/* Arithmetic on 256-bit magnitudes.
 *
 * Additions and multiplications go through 64-bit limbs; products and scaled dividends need up to 512 bits (struct wide).
 * Division is by schoolbook long division on 32-bit digits (Knuth, The Art of Computer Programming 4.3.1, algorithm D).
 * Limits: a result keeps at most 76 digits. Where exact digits would be more, fractional ones are dropped first; more than
 * 76 digits in front of the point is DEC_OVERFLOW and the result is clamped to 65 nines.
 * The scale of a quotient reproduces MySQL's words of nine digits, because a later multiplication shows those digits. */
#include "types/decimal.h"

#include "types/num.h"

#include <math.h>

enum { LIMIT_DIGITS = 76 };

struct wide {
    uint64_t w[8];
};

const struct dec dec_zero = {{0, 0, 0, 0}, 0, false};

uint64_t dec_pow10_u64(unsigned n)
{
    static const uint64_t t[] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, UINT64_C(10000000000),
        UINT64_C(100000000000), UINT64_C(1000000000000), UINT64_C(10000000000000), UINT64_C(100000000000000),
        UINT64_C(1000000000000000), UINT64_C(10000000000000000), UINT64_C(100000000000000000), UINT64_C(1000000000000000000),
        UINT64_C(10000000000000000000)};

    return t[MIN(n, 19u)];
}

uint128 dec_pow10_u128(unsigned n)
{
    n = MIN(n, 38u);
    return n <= 19 ? dec_pow10_u64(n) : (uint128)dec_pow10_u64(19) * dec_pow10_u64(n - 19);
}

/* ---- limbs ---- */

static bool mag_is_zero(const uint64_t *m)
{
    return (m[0] | m[1] | m[2] | m[3]) == 0;
}

static int mag_cmp(const uint64_t *a, const uint64_t *b)
{
    for (int i = 3; i >= 0; i--) {
        if (a[i] != b[i])
            return a[i] < b[i] ? -1 : 1;
    }
    return 0;
}

static bool mag_add(const uint64_t *a, const uint64_t *b, uint64_t *out)
{
    uint128 c = 0;

    for (int i = 0; i < 4; i++) {
        c += (uint128)a[i] + b[i];
        out[i] = (uint64_t)c;
        c >>= 64;
    }
    return c == 0;
}

static void mag_sub(const uint64_t *a, const uint64_t *b, uint64_t *out) /* a >= b */
{
    uint64_t borrow = 0;

    for (int i = 0; i < 4; i++) {
        uint128 d = (uint128)a[i] - b[i] - borrow;

        out[i] = (uint64_t)d;
        borrow = (uint64_t)(d >> 64) & 1;
    }
}

/* n limbs times m plus add; false: carry out. */
static bool limbs_mul_small(uint64_t *w, int n, uint64_t m, uint64_t add)
{
    uint128 c = add;

    for (int i = 0; i < n; i++) {
        c += (uint128)w[i] * m;
        w[i] = (uint64_t)c;
        c >>= 64;
    }
    return c == 0;
}

static uint64_t limbs_div_small(uint64_t *w, int n, uint64_t d)
{
    uint128 r = 0;

    for (int i = n - 1; i >= 0; i--) {
        r = r << 64 | w[i];
        w[i] = (uint64_t)(r / d);
        r %= d;
    }
    return (uint64_t)r;
}

static bool limbs_mul_pow10(uint64_t *w, int n, unsigned k)
{
    while (k) {
        unsigned step = MIN(k, 19u);

        if (!limbs_mul_small(w, n, dec_pow10_u64(step), 0))
            return false;
        k -= step;
    }
    return true;
}

static unsigned limbs_bits(const uint64_t *w, int n)
{
    for (int i = n - 1; i >= 0; i--) {
        if (w[i])
            return (unsigned)i * 64 + 64 - (unsigned)__builtin_clzll(w[i]);
    }
    return 0;
}

/* Decimal digits (0 for zero). */
static unsigned limbs_digits(const uint64_t *w, int n)
{
    unsigned bits = limbs_bits(w, n), est;
    struct wide p = {{1, 0, 0, 0, 0, 0, 0, 0}};

    if (bits == 0)
        return 0;
    est = (unsigned)((uint64_t)(bits - 1) * 1233 >> 12); /* floor(log10) or one less, for numbers up to 512 bits */
    if (!limbs_mul_pow10(p.w, 8, est + 1))
        return est + 1;
    for (int i = 7; i >= 0; i--) {
        uint64_t v = i < n ? w[i] : 0;

        if (v != p.w[i])
            return v > p.w[i] ? est + 2 : est + 1;
    }
    return est + 2;
}

/* Divides by 10^k and rounds as told; *lost: digits other than zero were dropped. */
static void limbs_div_pow10(uint64_t *w, int n, unsigned k, enum dec_round how, bool neg, bool *lost)
{
    bool rest = false, up = false;
    unsigned last = 0;

    if (k == 0)
        return;
    for (unsigned left = k - 1; left;) {
        unsigned step = MIN(left, 19u);

        rest |= limbs_div_small(w, n, dec_pow10_u64(step)) != 0;
        left -= step;
    }
    last = (unsigned)limbs_div_small(w, n, 10);
    rest |= last != 0;
    switch (how) {
    case DEC_HALF_UP:
        up = last >= 5;
        break;
    case DEC_TRUNCATE:
        break;
    case DEC_CEILING:
        up = rest && !neg;
        break;
    case DEC_FLOOR:
        up = rest && neg;
        break;
    }
    if (up)
        limbs_mul_small(w, n, 1, 1);
    *lost |= rest;
}

/* Knuth's algorithm D. num has 16 digits of 32 bits, den 8; quotient to q (16 digits), remainder to rem (8 digits). */
static void long_division(const uint64_t *num64, const uint64_t *den64, uint64_t *q64, uint64_t *rem64)
{
    uint32_t u[17] = {0}, v[8], q[16] = {0};
    int n = 8, m, shift;

    memcpy(u, num64, 64);
    memcpy(v, den64, 32);
    while (n > 0 && v[n - 1] == 0)
        n--;
    ASSERT(n > 0);
    if (n == 1) {
        uint64_t r = 0;

        for (int i = 15; i >= 0; i--) {
            r = r << 32 | u[i];
            q[i] = (uint32_t)(r / v[0]);
            r %= v[0];
        }
        memcpy(q64, q, 64);
        memset(rem64, 0, 32);
        rem64[0] = r;
        return;
    }
    shift = __builtin_clz(v[n - 1]);
    if (shift) {
        for (int i = n - 1; i > 0; i--)
            v[i] = v[i] << shift | v[i - 1] >> (32 - shift);
        v[0] <<= shift;
        for (int i = 16; i > 0; i--)
            u[i] = u[i] << shift | u[i - 1] >> (32 - shift);
        u[0] <<= shift;
    }
    m = 16 - n;
    for (int j = m; j >= 0; j--) {
        uint64_t top = (uint64_t)u[j + n] << 32 | u[j + n - 1];
        uint64_t qhat = top / v[n - 1], rhat = top % v[n - 1], carry = 0;
        int64_t t, borrow = 0;

        while (qhat >> 32 || qhat * v[n - 2] > (rhat << 32 | u[j + n - 2])) {
            qhat--;
            rhat += v[n - 1];
            if (rhat >> 32)
                break;
        }
        for (int i = 0; i < n; i++) {
            uint64_t p = qhat * v[i] + carry;

            carry = p >> 32;
            t = (int64_t)u[i + j] - borrow - (int64_t)(p & 0xffffffff);
            u[i + j] = (uint32_t)t;
            borrow = t < 0;
        }
        t = (int64_t)u[j + n] - borrow - (int64_t)carry;
        u[j + n] = (uint32_t)t;
        if (t < 0) {
            uint64_t c = 0;

            qhat--;
            for (int i = 0; i < n; i++) {
                c += (uint64_t)u[i + j] + v[i];
                u[i + j] = (uint32_t)c;
                c >>= 32;
            }
            u[j + n] += (uint32_t)c;
        }
        if (j < 16)
            q[j] = (uint32_t)qhat;
    }
    memcpy(q64, q, 64);
    if (shift) {
        for (int i = 0; i < n; i++)
            u[i] = u[i] >> shift | (uint32_t)((uint64_t)u[i + 1] << (32 - shift));
    }
    memset(rem64, 0, 32);
    memcpy(rem64, u, (size_t)n * 4);
}

static void set_max(struct dec *d, unsigned precision, unsigned scale)
{
    static const uint64_t one[4] = {1, 0, 0, 0};
    uint64_t m[4] = {1, 0, 0, 0};

    limbs_mul_pow10(m, 4, precision);
    mag_sub(m, one, d->mag);
    d->scale = (uint8_t)scale;
}

/* A magnitude of up to 512 bits with `scale` digits into *out: fractional digits beyond the limits are rounded off. */
static enum dec_status from_wide(struct wide *w, unsigned scale, bool neg, enum dec_round how, struct dec *out)
{
    unsigned digits = limbs_digits(w->w, 8), drop = 0;
    bool lost = false;

    if (digits > LIMIT_DIGITS)
        drop = digits - LIMIT_DIGITS;
    if (scale > DEC_MAX_INTERNAL_SCALE && scale - DEC_MAX_INTERNAL_SCALE > drop)
        drop = scale - DEC_MAX_INTERNAL_SCALE;
    if (drop > scale)
        drop = scale;
    limbs_div_pow10(w->w, 8, drop, how, neg, &lost);
    scale -= drop;
    digits = limbs_digits(w->w, 8);
    out->neg = neg;
    if (digits > LIMIT_DIGITS) {
        set_max(out, DEC_MAX_PRECISION, 0);
        return DEC_OVERFLOW;
    }
    memcpy(out->mag, w->w, sizeof(out->mag));
    out->scale = (uint8_t)scale;
    if (mag_is_zero(out->mag))
        out->neg = false;
    return lost ? DEC_TRUNCATED : DEC_OK;
}

/* ---- conversions ---- */

struct dec dec_from_u64(uint64_t v)
{
    return (struct dec){.mag = {v, 0, 0, 0}};
}

struct dec dec_from_i64(int64_t v)
{
    return (struct dec){.mag = {v < 0 ? 0 - (uint64_t)v : (uint64_t)v, 0, 0, 0}, .neg = v < 0};
}

struct dec dec_from_i128(int128 v, unsigned scale)
{
    uint128 m = v < 0 ? 0 - (uint128)v : (uint128)v;

    return (struct dec){.mag = {(uint64_t)m, (uint64_t)(m >> 64), 0, 0}, .scale = (uint8_t)scale, .neg = v < 0};
}

struct dec dec_from_i256(struct i256 v, unsigned scale)
{
    struct dec d = {.scale = (uint8_t)scale, .neg = v.w[3] >> 63};
    static const uint64_t zero[4];

    if (d.neg)
        mag_sub(zero, v.w, d.mag);
    else
        memcpy(d.mag, v.w, sizeof(d.mag));
    return d;
}

struct i256 dec_to_i256(const struct dec *d)
{
    static const uint64_t zero[4];
    struct i256 v;

    if (d->neg)
        mag_sub(zero, d->mag, v.w);
    else
        memcpy(v.w, d->mag, sizeof(v.w));
    return v;
}

bool dec_to_i128(const struct dec *d, int128 *out)
{
    uint128 m = (uint128)d->mag[1] << 64 | d->mag[0];

    if (d->mag[2] | d->mag[3] || m >> 127)
        return false;
    *out = d->neg ? -(int128)m : (int128)m;
    return true;
}

enum dec_status dec_from_double(double v, struct dec *out)
{
    char buf[NUM_TEXT_MAX];
    size_t used;

    if (isnan(v) || isinf(v)) {
        *out = dec_zero;
        return DEC_BAD;
    }
    return dec_parse((struct sv){buf, num_print_double(v, buf)}, out, &used);
}

/* The exponent behind a number; moves *p behind it. */
static int parse_exponent(const char **p, const char *end)
{
    const char *q = *p + 1;
    bool neg = false;
    int e = 0;

    if (q < end && (*q == '-' || *q == '+'))
        neg = *q++ == '-';
    if (q >= end || *q < '0' || *q > '9')
        return 0;
    for (; q < end && *q >= '0' && *q <= '9'; q++)
        e = e < 100000 ? e * 10 + (*q - '0') : e;
    *p = q;
    return neg ? -e : e;
}

enum dec_status dec_parse(struct sv text, struct dec *out, size_t *used)
{
    const char *p = text.ptr, *end = text.ptr + text.len;
    struct wide w = {{0}};
    long scale = 0, sig = 0, extra = 0;
    bool neg = false, any = false, lost = false, point = false;
    enum dec_status st;

    *out = dec_zero;
    *used = 0;
    while (p < end && (*p == ' ' || (*p >= '\t' && *p <= '\r')))
        p++;
    if (p < end && (*p == '-' || *p == '+'))
        neg = *p++ == '-';
    for (; p < end; p++) {
        if (*p == '.' && !point) {
            point = true;
            continue;
        }
        if (*p < '0' || *p > '9')
            break;
        any = true;
        if (sig < 140) { /* room for 154 digits */
            limbs_mul_small(w.w, 8, 10, (uint64_t)(*p - '0'));
            sig += sig || *p != '0';
            scale += point;
        } else {
            extra += !point;
            lost |= *p != '0';
        }
    }
    if (!any)
        return DEC_BAD;
    if (p < end && (*p == 'e' || *p == 'E'))
        scale -= parse_exponent(&p, end);
    *used = (size_t)(p - text.ptr);
    scale -= extra;
    if (sig == 0) {
        out->scale = (uint8_t)(scale < 0 ? 0 : MIN(scale, (long)DEC_MAX_SCALE));
        return DEC_OK;
    }
    if (scale < 0) {
        if (sig - scale > DEC_MAX_PRECISION || !limbs_mul_pow10(w.w, 8, (unsigned)-scale)) {
            out->neg = neg;
            set_max(out, DEC_MAX_PRECISION, 0);
            return DEC_OVERFLOW;
        }
        scale = 0;
    }
    if (scale > 250) { /* far below the last digit that is kept */
        out->scale = DEC_MAX_SCALE;
        return DEC_TRUNCATED;
    }
    st = from_wide(&w, (unsigned)scale, neg, DEC_HALF_UP, out);
    return st == DEC_OK && lost ? DEC_TRUNCATED : st;
}

size_t dec_print(const struct dec *d, char *buf)
{
    uint64_t m[4];
    char digits[96];
    unsigned n = 0;
    char *to = buf;

    memcpy(m, d->mag, sizeof(m));
    while (m[3] | m[2] | m[1]) {
        uint64_t part = limbs_div_small(m, 4, dec_pow10_u64(19));

        for (int i = 0; i < 19; i++, part /= 10)
            digits[n++] = (char)('0' + part % 10);
    }
    for (uint64_t part = m[0]; part; part /= 10)
        digits[n++] = (char)('0' + part % 10);
    while (n <= d->scale)
        digits[n++] = '0';
    while (n > d->scale + 1u && digits[n - 1] == '0')
        n--;
    if (d->neg)
        *to++ = '-';
    while (n) {
        if (n == d->scale)
            *to++ = '.';
        *to++ = digits[--n];
    }
    return (size_t)(to - buf);
}

double dec_to_double(const struct dec *d)
{
    double v;

    if (!(d->mag[1] | d->mag[2] | d->mag[3]) && d->mag[0] < UINT64_C(1) << 53 && d->scale <= 22) {
        static const double p10[] = {1e0, 1e1, 1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15, 1e16,
            1e17, 1e18, 1e19, 1e20, 1e21, 1e22};

        v = (double)d->mag[0] / p10[d->scale];
        return d->neg ? -v : v;
    } else {
        char buf[DEC_TEXT_MAX + 40];
        size_t n = dec_print(d, buf);

        (void)num_parse_double((struct sv){buf, n}, &v);
        return v;
    }
}

enum dec_status dec_to_u64(const struct dec *d, uint64_t *out)
{
    struct dec r = *d;
    enum dec_status st = dec_rescale(&r, 0, DEC_HALF_UP);

    if (r.neg && !mag_is_zero(r.mag)) {
        *out = 0;
        return DEC_OVERFLOW;
    }
    if (r.mag[1] | r.mag[2] | r.mag[3]) {
        *out = UINT64_MAX;
        return DEC_OVERFLOW;
    }
    *out = r.mag[0];
    return st;
}

enum dec_status dec_to_i64(const struct dec *d, int64_t *out)
{
    struct dec r = *d;
    enum dec_status st = dec_rescale(&r, 0, DEC_HALF_UP);
    uint64_t max = (uint64_t)INT64_MAX + (r.neg ? 1 : 0);

    if (r.mag[1] | r.mag[2] | r.mag[3] || r.mag[0] > max) {
        *out = r.neg ? INT64_MIN : INT64_MAX;
        return DEC_OVERFLOW;
    }
    *out = r.neg ? (int64_t)(0 - r.mag[0]) : (int64_t)r.mag[0];
    return st;
}

/* ---- comparison ---- */

bool dec_is_zero(const struct dec *d)
{
    return mag_is_zero(d->mag);
}

unsigned dec_int_digits(const struct dec *d)
{
    unsigned n = limbs_digits(d->mag, 4);

    return n > d->scale ? n - d->scale : 0;
}

/* Magnitudes at a common scale in 512 bits. */
static void align(const struct dec *a, const struct dec *b, struct wide *x, struct wide *y)
{
    *x = *y = (struct wide){{0}};
    memcpy(x->w, a->mag, sizeof(a->mag));
    memcpy(y->w, b->mag, sizeof(b->mag));
    if (a->scale < b->scale)
        limbs_mul_pow10(x->w, 8, b->scale - a->scale);
    else if (b->scale < a->scale)
        limbs_mul_pow10(y->w, 8, a->scale - b->scale);
}

static int wide_cmp(const struct wide *a, const struct wide *b)
{
    for (int i = 7; i >= 0; i--) {
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    }
    return 0;
}

int dec_cmp(const struct dec *a, const struct dec *b)
{
    struct wide x, y;
    int c;

    if (a->neg != b->neg)
        return a->neg ? -1 : 1;
    if (a->scale == b->scale) {
        c = mag_cmp(a->mag, b->mag);
    } else {
        align(a, b, &x, &y);
        c = wide_cmp(&x, &y);
    }
    return a->neg ? -c : c;
}

/* ---- arithmetic ---- */

static enum dec_status add_signed(const struct dec *a, const struct dec *b, bool b_neg, struct dec *out)
{
    struct wide x, y;
    unsigned scale = MAX(a->scale, b->scale);
    bool neg = a->neg;

    align(a, b, &x, &y);
    if (a->neg == b_neg) {
        uint128 c = 0;

        for (int i = 0; i < 8; i++) {
            c += (uint128)x.w[i] + y.w[i];
            x.w[i] = (uint64_t)c;
            c >>= 64;
        }
    } else {
        struct wide t;
        uint64_t borrow = 0;

        if (wide_cmp(&x, &y) < 0) {
            t = x;
            x = y;
            y = t;
            neg = b_neg;
        }
        for (int i = 0; i < 8; i++) {
            uint128 d = (uint128)x.w[i] - y.w[i] - borrow;

            x.w[i] = (uint64_t)d;
            borrow = (uint64_t)(d >> 64) & 1;
        }
    }
    return from_wide(&x, scale, neg, DEC_HALF_UP, out);
}

enum dec_status dec_add(const struct dec *a, const struct dec *b, struct dec *out)
{
    if (a->scale == b->scale && a->neg == b->neg && !((a->mag[3] | b->mag[3]) >> 56)) {
        struct dec r = {.scale = a->scale, .neg = a->neg};

        /* Below 2^248 + 2^248: within 76 digits, but not always within 65. */
        if (!(a->mag[3] | b->mag[3]) && mag_add(a->mag, b->mag, r.mag) && !(r.mag[3])) {
            *out = r;
            return DEC_OK;
        }
    }
    return add_signed(a, b, b->neg, out);
}

enum dec_status dec_sub(const struct dec *a, const struct dec *b, struct dec *out)
{
    return add_signed(a, b, !b->neg, out);
}

enum dec_status dec_mul(const struct dec *a, const struct dec *b, struct dec *out)
{
    struct wide w = {{0}};

    for (int i = 0; i < 4; i++) {
        uint128 c = 0;

        if (a->mag[i] == 0)
            continue;
        for (int j = 0; j < 4; j++) {
            c += (uint128)a->mag[i] * b->mag[j] + w.w[i + j];
            w.w[i + j] = (uint64_t)c;
            c >>= 64;
        }
        w.w[i + 4] = (uint64_t)c;
    }
    return from_wide(&w, (unsigned)a->scale + b->scale, a->neg != b->neg, DEC_HALF_UP, out);
}

static unsigned up_to_words(unsigned digits)
{
    return (digits + 8) / 9 * 9;
}

unsigned dec_div_scale(unsigned a_scale, unsigned b_scale, unsigned increment)
{
    unsigned fa = up_to_words(a_scale), fb = up_to_words(b_scale);
    unsigned gained = fa - a_scale + fb - b_scale;
    unsigned s = up_to_words(fa + fb + (increment > gained ? increment - gained : 0));

    return MIN(s, 36u);
}

enum dec_status dec_div(const struct dec *a, const struct dec *b, unsigned increment, struct dec *out)
{
    unsigned s = dec_div_scale(a->scale, b->scale, increment);
    struct wide num = {{0}}, q;
    uint64_t den[4], rem[4];
    bool lost = false;
    int k = (int)s - a->scale + b->scale;
    enum dec_status st;

    if (dec_is_zero(b)) {
        *out = dec_zero;
        return DEC_DIV_ZERO;
    }
    memcpy(num.w, a->mag, sizeof(a->mag));
    memcpy(den, b->mag, sizeof(den));
    if (k < 0)
        limbs_div_pow10(num.w, 8, (unsigned)-k, DEC_TRUNCATE, false, &lost);
    else
        limbs_mul_pow10(num.w, 8, (unsigned)k); /* 256 + 66 * 3.33 bits: fits */
    long_division(num.w, den, q.w, rem);
    st = from_wide(&q, s, a->neg != b->neg, DEC_TRUNCATE, out);
    return st == DEC_TRUNCATED ? DEC_OK : st;
}

enum dec_status dec_mod(const struct dec *a, const struct dec *b, struct dec *out)
{
    struct wide x, y, q;
    uint64_t rem[4];
    unsigned scale = MAX(a->scale, b->scale);

    if (dec_is_zero(b)) {
        *out = dec_zero;
        return DEC_DIV_ZERO;
    }
    align(a, b, &x, &y);
    if (y.w[4] | y.w[5] | y.w[6] | y.w[7]) { /* divisor beyond 256 bits at the common scale: far above a's digits */
        if (wide_cmp(&x, &y) < 0) {
            *out = *a;
            return DEC_OK;
        }
        *out = dec_zero;
        return DEC_OVERFLOW;
    }
    long_division(x.w, y.w, q.w, rem);
    memset(&x, 0, sizeof(x));
    memcpy(x.w, rem, sizeof(rem));
    return from_wide(&x, scale, a->neg, DEC_TRUNCATE, out);
}

void dec_neg(struct dec *d)
{
    d->neg = !d->neg && !dec_is_zero(d);
}

enum dec_status dec_rescale(struct dec *d, int scale, enum dec_round how)
{
    bool lost = false;

    if (scale >= d->scale) {
        struct wide w = {{0}};

        if (scale == d->scale)
            return DEC_OK;
        memcpy(w.w, d->mag, sizeof(d->mag));
        if (scale > DEC_MAX_INTERNAL_SCALE)
            scale = DEC_MAX_INTERNAL_SCALE;
        limbs_mul_pow10(w.w, 8, (unsigned)(scale - d->scale));
        return from_wide(&w, (unsigned)scale, d->neg, how, d);
    }
    limbs_div_pow10(d->mag, 4, MIN((unsigned)(d->scale - scale), 100u), how, d->neg, &lost);
    d->scale = (uint8_t)(scale > 0 ? scale : 0);
    if (scale < 0 && (limbs_digits(d->mag, 4) + (unsigned)-scale > DEC_MAX_PRECISION ||
                         !limbs_mul_pow10(d->mag, 4, (unsigned)-scale))) {
        if (!mag_is_zero(d->mag)) {
            set_max(d, DEC_MAX_PRECISION, 0);
            return DEC_OVERFLOW;
        }
    }
    if (mag_is_zero(d->mag))
        d->neg = false;
    return lost ? DEC_TRUNCATED : DEC_OK;
}

enum dec_status dec_fit(struct dec *d, unsigned precision, unsigned scale)
{
    enum dec_status st;

    if (dec_int_digits(d) > precision - scale) {
        set_max(d, precision, scale);
        return DEC_OVERFLOW;
    }
    st = dec_rescale(d, (int)scale, DEC_HALF_UP);
    if (limbs_digits(d->mag, 4) > precision) {
        set_max(d, precision, scale);
        return DEC_OVERFLOW;
    }
    return st;
}

void dec_normalize(struct dec *d)
{
    while (d->scale) {
        uint64_t m[4];

        memcpy(m, d->mag, sizeof(m));
        if (limbs_div_small(m, 4, 10) != 0)
            return;
        memcpy(d->mag, m, sizeof(m));
        d->scale--;
    }
}
