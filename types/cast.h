/* Conversion of values to the types of columns: what an INSERT stores, and what a comparison with a column amounts to.
 * The router asks both: where does this row go, and where can rows equal to this literal be. Any thread. */
#ifndef TYPES_CAST_H
#define TYPES_CAST_H

#include "types/value.h"

enum cast_result {
    CAST_EXACT,        /* the stored value equals the given one */
    CAST_ROUNDED,      /* fractional digits were lost (note or nothing in MySQL) */
    CAST_TRUNCATED,    /* text was cut: 1265 (or 1406 Data too long in strict mode) */
    CAST_OUT_OF_RANGE, /* clamped: 1264 */
    CAST_INVALID       /* not of that type at all: 1366 / 1292 */
};

/* What a column of type t holds after INSERT of v (non-strict reading: clamped or cut where the result says so; in strict
 * mode the server refuses TRUNCATED, OUT_OF_RANGE and INVALID). NULL stays NULL and is EXACT. Text is put in a or
 * remains a view. Does not know ENUM and SET members (CAST_INVALID for those types: let a server decide). */
enum cast_result cast_store(const struct value *v, const struct sql_type *t, const struct env *e, struct arena *a,
    struct value *out);

/* What `column OP v` means for a column of type t: *out is a value of the column's kind.
 * CAST_EXACT: column = v is column = *out, likewise <, > and so on.
 * CAST_ROUNDED: no value of the column equals v; *out is the greatest value of the column's type below v (so: column < v is
 *   column <= *out; column > v is column > *out).
 * CAST_OUT_OF_RANGE: v lies outside the type's range; *side is -1 (below all) or 1 (above all).
 * CAST_INVALID, CAST_TRUNCATED: the comparison is not one over the column's own order (a string column compared with a
 *   number, a text that is no number, a collation of higher standing): nothing can be pruned. */
enum cast_result cast_compare(const struct value *v, const struct sql_type *t, const struct env *e, struct arena *a,
    struct value *out, int *side);

/* Explicit CAST(v AS t) in an expression: the result is of t's kind, warnings go to e->warnings, invalid temporals give
 * NULL. t is one of the cast targets (integers, DOUBLE, FLOAT, DECIMAL, DATE, DATETIME, TIME, YEAR, CHAR, BINARY, JSON is
 * not). False: error in d. */
bool cast_explicit(const struct value *v, const struct sql_type *from, const struct sql_type *t, const struct env *e,
    struct arena *a, struct diag *d, struct value *out) MUST_CHECK;

#endif
