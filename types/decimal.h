/* DECIMAL: exact numbers of up to 65 digits, 30 of them fractional.
 *
 * A struct dec is sign, 256-bit magnitude and scale (value = +-mag / 10^scale). The magnitude has room for 76 digits;
 * functions keep results within 10^76 and say when more than 65 digits would be needed. Division gives more digits than it
 * displays, as in MySQL (words of nine digits): 1/3*3 is 1.0000. Pure functions on plain values, any thread. */
#ifndef TYPES_DECIMAL_H
#define TYPES_DECIMAL_H

#include "util/sv.h"

enum { DEC_MAX_PRECISION = 65, DEC_MAX_SCALE = 30, DEC_TEXT_MAX = 84, DEC_MAX_INTERNAL_SCALE = 38 };

typedef __int128 int128;
typedef unsigned __int128 uint128;

struct i256 {
    uint64_t w[4]; /* two's complement, least significant first */
};

struct dec {
    uint64_t mag[4]; /* least significant first */
    uint8_t scale;
    bool neg; /* never set for zero */
};

enum dec_status {
    DEC_OK,
    DEC_TRUNCATED, /* fractional digits were lost */
    DEC_OVERFLOW,  /* more digits than fit: the result is +-999...9 */
    DEC_DIV_ZERO,
    DEC_BAD /* no number at all: the result is 0 */
};

extern const struct dec dec_zero;

struct dec dec_from_i64(int64_t v);
struct dec dec_from_u64(uint64_t v);
/* v / 10^scale. */
struct dec dec_from_i128(int128 v, unsigned scale);
struct dec dec_from_i256(struct i256 v, unsigned scale);
/* By the shortest decimal text of v, as MySQL converts. Infinite or NaN: DEC_BAD. */
enum dec_status dec_from_double(double v, struct dec *out);
/* [blanks] [+-] digits [. digits] [e[+-]digits] in front of text; *used is set to the bytes consumed (0 with DEC_BAD).
 * Bytes behind the number are the caller's concern. */
enum dec_status dec_parse(struct sv text, struct dec *out, size_t *used);

/* Plain notation with exactly d->scale fractional digits. buf has DEC_TEXT_MAX bytes; returns the length; no NUL. */
size_t dec_print(const struct dec *d, char *buf);
double dec_to_double(const struct dec *d);
/* Rounded half away from zero. DEC_OVERFLOW: clamped. */
enum dec_status dec_to_i64(const struct dec *d, int64_t *out);
enum dec_status dec_to_u64(const struct dec *d, uint64_t *out);
/* The scaled integer at d's own scale. False: does not fit. */
bool dec_to_i128(const struct dec *d, int128 *out) MUST_CHECK;
struct i256 dec_to_i256(const struct dec *d);

bool dec_is_zero(const struct dec *d) PURE;
/* By value: 1.0 equals 1.00. */
int dec_cmp(const struct dec *a, const struct dec *b) PURE;
/* Significant digits in front of the point (0 for 0.x) and all digits. */
unsigned dec_int_digits(const struct dec *d) PURE;

enum dec_status dec_add(const struct dec *a, const struct dec *b, struct dec *out);
enum dec_status dec_sub(const struct dec *a, const struct dec *b, struct dec *out);
enum dec_status dec_mul(const struct dec *a, const struct dec *b, struct dec *out);
/* Quotient truncated to dec_div_scale(a->scale, b->scale, increment) digits. */
enum dec_status dec_div(const struct dec *a, const struct dec *b, unsigned increment, struct dec *out);
unsigned dec_div_scale(unsigned a_scale, unsigned b_scale, unsigned increment) PURE;
/* Sign of a, as MySQL's MOD. */
enum dec_status dec_mod(const struct dec *a, const struct dec *b, struct dec *out);
void dec_neg(struct dec *d);

enum dec_round { DEC_HALF_UP, DEC_TRUNCATE, DEC_CEILING, DEC_FLOOR };
/* To `scale` fractional digits (negative: powers of ten in front of the point), then held with max(scale, 0) digits.
 * A larger scale appends zeros. */
enum dec_status dec_rescale(struct dec *d, int scale, enum dec_round how);
/* Rounds to scale and clamps to precision digits, as storing into DECIMAL(precision, scale) does. */
enum dec_status dec_fit(struct dec *d, unsigned precision, unsigned scale);
/* Drops trailing fractional zeros. */
void dec_normalize(struct dec *d);

/* 10^n for n <= 19 resp. 38. */
uint64_t dec_pow10_u64(unsigned n) PURE;
uint128 dec_pow10_u128(unsigned n) PURE;

#endif
