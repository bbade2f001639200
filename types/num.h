/* Numbers as text, the way MySQL reads and writes them: prefixes of strings as integers and doubles, doubles in their
 * shortest form. Pure functions, any thread, independent of the C locale. */
#ifndef TYPES_NUM_H
#define TYPES_NUM_H

#include "util/sv.h"

enum { NUM_TEXT_MAX = 340 };

enum num_status {
    NUM_OK,
    NUM_TRUNCATED, /* something that is no blank follows, or nothing numeric is there */
    NUM_OUT_OF_RANGE
};

/* The longest number in front of s, blanks before it skipped and behind it ignored. */
enum num_status num_parse_double(struct sv s, double *out);
/* As MySQL's string-to-integer in CAST(.. AS SIGNED/UNSIGNED): digits only (no fraction). *neg tells the sign; a value above
 * INT64_MAX is in *out as its bits. Out of range: clamped. */
enum num_status num_parse_int(struct sv s, bool *neg, uint64_t *out);
/* Shortest text that reads back as v, in MySQL's layout (1e15 and up, and below 1e-15, with exponent "1e15", "1e-16").
 * Returns the length; buf has NUM_TEXT_MAX bytes; no NUL. */
size_t num_print_double(double v, char *buf);
/* As a FLOAT column shows it: at most six significant digits. */
size_t num_print_float(float v, char *buf);
/* With exactly `decimals` digits (FLOAT(m,d), DOUBLE(m,d), FORMAT, ROUND's display). */
size_t num_print_fixed(double v, unsigned decimals, char *buf);
size_t num_print_i64(int64_t v, char *buf);
size_t num_print_u64(uint64_t v, char *buf);
/* Round half away from zero at `decimals` (may be negative), as MySQL's ROUND() on doubles; truncate: toward zero. */
double num_round(double v, int decimals, bool truncate);

#endif
