/* Private to router/: the integer expressions of HASH, RANGE and LIST, and what part_*.c share. */
#ifndef ROUTER_PART_INT_H
#define ROUTER_PART_INT_H

#include "router/part.h"
#include "util/strbuf.h"

/* ---- expressions (part_expr.c) ---- */

enum part_fn {
    FN_ABS,
    FN_CEILING,
    FN_FLOOR,
    FN_MOD,
    FN_YEAR,
    FN_QUARTER,
    FN_MONTH,
    FN_DAYOFMONTH,
    FN_DAYOFWEEK,
    FN_DAYOFYEAR,
    FN_WEEKDAY,
    FN_YEARWEEK,
    FN_HOUR,
    FN_MINUTE,
    FN_SECOND,
    FN_MICROSECOND,
    FN_TIME_TO_SEC,
    FN_TO_DAYS,
    FN_TO_SECONDS,
    FN_UNIX_TIMESTAMP,
    FN_DATEDIFF
};

enum part_node { PN_COLUMN, PN_INT, PN_NEG, PN_ADD, PN_SUB, PN_MUL, PN_DIV, PN_MOD, PN_FUNC };

struct part_expr {
    enum part_node node;
    enum part_fn fn;
    uint32_t column; /* index into the partition columns */
    __int128 number;
    const struct part_expr *a, *b; /* operands, arguments */
};

/* An integer result; 128 bits hold every BIGINT, signed or not. */
enum part_eval { PART_EVAL_OK, PART_EVAL_NULL, PART_EVAL_UNSURE };

/* columns: those that the expression may name, filled for what it finds. False: d says what is not
 * possible (1486, 1491, 1064 ...). */
bool part_expr_parse(struct sv text, const struct part_column *columns, uint32_t n, struct arena *a,
    const struct part_expr **out, struct diag *d) MUST_CHECK;
/* stored: by partition column. */
enum part_eval part_expr_eval(const struct part_expr *x, const struct part_column *columns,
    const struct value *stored, const struct env *e, __int128 *out);
/* 1: never falls when its one column rises; -1: never rises; 0: neither, or several columns.
 * *column: the one. */
int part_expr_monotone(const struct part_expr *x, uint32_t *column);
/* Some value that is not NULL gives NULL (functions of dates). */
bool part_expr_makes_null(const struct part_expr *x);
/* SQL text with alias in front of the columns. Equal expressions on columns of equal class give
 * equal text when `by_number` (columns as
 * `#0`), for part_same_function. */
void part_expr_print(const struct part_expr *x, const struct part_column *columns, struct sv alias,
    bool by_number, struct strbuf *out);

/* ---- values ---- */

/* A local DATETIME as seconds since 1970 UTC. False: it happens twice, or never, or cannot be told.
 */
bool part_utc_of_local(
    int64_t packed, const struct env *e, int64_t *secs, uint32_t *usec) MUST_CHECK;
/* Appends the canonical bytes of a stored value. False: unsure. */
bool part_canonical(const struct part_column *c, const struct value *v, const struct env *e,
    struct strbuf *out) MUST_CHECK;
/* KIND_STR of an ENUM or SET to its number. False: no such member. */
bool part_member_number(const struct part_column *c, struct sv text, uint64_t *out) MUST_CHECK;
/* Fills cls and type. False: the type cannot be a partition column. */
bool part_classify(
    const struct cat_column *column, struct part_column *out, struct diag *d) MUST_CHECK;
/* -1, 0, 1; NULL first. Both are stored values of column c. */
int part_value_cmp(const struct part_column *c, const struct value *a, const struct value *b);

static inline void part_put_column(struct strbuf *out, struct sv alias, struct sv name)
{
    if (alias.len) {
        strbuf_put_ident(out, alias);
        strbuf_putc(out, '.');
    }
    strbuf_put_ident(out, name);
}

void part_put_i128(struct strbuf *out, __int128 v);

static inline __int128 part_int_of(const struct value *v)
{
    return v->kind == KIND_U64 ? (__int128)v->u : (__int128)v->i;
}

static inline struct value part_int_value(__int128 v)
{
    return v > INT64_MAX ? value_u64((uint64_t)v) : value_i64((int64_t)v);
}

/* ---- compiling (part.c) ---- */

/* A partition function of one's own, not kept in the table: for tables that are still being made.
 */
struct part *part_make(const struct cat_table *t);
void part_free(void *part);

/* ---- locating (part.c) ---- */

/* RANGE: the partition for a tuple of stored values (width of them); p->n: none. Bounds: MAXVALUE.
 */
uint32_t part_range_locate(const struct part *p, const struct value *tuple);
/* LIST: -1: none. */
int64_t part_list_locate(const struct part *p, const struct value *tuple);

/* Compares the first n columns of tuple i of the bounds with values; MAXVALUE is above everything.
 */
int part_bound_cmp(const struct part *p, uint32_t i, const struct value *values, uint32_t n);

#endif
