/* Partition functions: which partition of a table a row is in. Exact to what the shards' SQL
 * computes.
 *
 * KEY and HASH: a 32-bit hash of the key's canonical form; each partition owns a range of hash
 * space (cat_part.hash_lo..hi). The hash is a DATA FORMAT, fixed for ever (README says how it is
 * made; t/unit/router_test.c has vectors), and part_hash_sql gives the SQL expression that computes
 * the same on a shard. RANGE and LIST: compared with the bounds by MySQL's rules (NULL before
 * everything; error 1526).
 *
 * A struct part is compiled once a table object (part_of) and lives as long as it. Read-only, any
 * thread. */
#ifndef ROUTER_PART_H
#define ROUTER_PART_H

#include "catalog/snapshot.h"
#include "types/env.h"
#include "types/value.h"

struct strbuf;
struct part_expr;

/* How the values of a partition column are made canonical; equal classes (and equal collations, for
 * text) mean that equal values have equal hashes, whatever the exact types. */
enum part_class {
    PART_EXACT, /* integers, DECIMAL, YEAR, BIT */
    PART_DATE,  /* DATE and DATETIME (one class: they compare with each other) */
    PART_TIME,
    PART_TIMESTAMP, /* seconds since 1970: independent of time zones */
    PART_FLOAT,     /* by the integer below */
    PART_BYTES,     /* binary strings */
    PART_TEXT,      /* by collation weights */
    PART_MEMBER     /* ENUM and SET: by number */
};

struct part_column {
    const struct cat_column *column;
    struct sql_type type;
    enum part_class cls;
};

struct part_bound {
    enum cat_bound_kind kind;
    struct value v; /* VALUE: of the column's kind, or I64 with an expression */
};

struct part {
    const struct cat_table *table;
    enum cat_part_method method;
    bool by_columns;
    bool int_key; /* KEY of one plain integer column: the commonest, which has a short way */
    uint32_t n;   /* partitions; 1 for SINGLE, 0 for BROADCAST */
    uint32_t columns_n, width; /* width: values in a tuple of bounds */
    const struct part_column *columns;
    const struct part_expr *expr; /* NULL if by_columns */
    bool broken; /* could not be compiled (reason): every value may be in every partition */
    struct diag reason;
    uint32_t *hash_hi;         /* KEY, HASH: by ordinal */
    struct part_bound *bounds; /* RANGE: n x width; LIST: tuples x width, sorted by value */
    uint32_t *tuple_part;      /* LIST: partition of each tuple */
    uint32_t tuples_n;
    int32_t default_part; /* LIST with a DEFAULT partition, else -1 */
    struct arena arena;
};

/* The table's partition function, compiled at the first call. Never NULL. */
const struct part *part_of(const struct cat_table *t);

/* Whether the table's partitioning can be executed: types of the columns, collations that types/
 * knows, the expression's form, bounds that convert exactly, ascending, distinct. DDL asks before
 * it makes a table (t need not be finished, but has columns, part and parts). flavour: of the
 * shards, for collation ids. False: what is wrong, with MySQL's code where it has one (1659, 1486,
 * 1493, 1495, 1654, 1697, ...). */
bool part_check(const struct cat_table *t, struct diag *d) MUST_CHECK;
/* The same for one column as part of a KEY: is its type (and collation) possible? */
bool part_check_column(const struct cat_column *c, struct diag *d) MUST_CHECK;

enum part_result {
    PART_OK,
    PART_NONE,  /* no partition for these values: d has 1526 */
    PART_UNSURE /* only a shard can tell (a local time that happens twice, a value whose conversion
                   is not known here) */
};

/* Where a row goes whose partition columns are given these values (as an INSERT gives them: any
 * type; converted as the column stores them). Order: part->columns. Scratch memory in a. d may be
 * NULL where PART_NONE needs no text. */
enum part_result part_route_row(const struct part *p, const struct value *values,
    const struct env *e, struct arena *a, uint32_t *partition, struct diag *d) MUST_CHECK;
/* The same for values that are already what the columns hold (cells that a shard sent:
 * value_from_text). */
enum part_result part_route_stored(const struct part *p, const struct value *stored,
    const struct env *e, struct arena *a, uint32_t *partition, struct diag *d) MUST_CHECK;

/* KEY and HASH: the hash of stored values. False: PART_UNSURE. */
bool part_hash_values(const struct part *p, const struct value *stored, const struct env *e,
    struct arena *a, uint32_t *hash) MUST_CHECK;
/* The partition that owns a hash. */
uint32_t part_of_hash(const struct part *p, uint32_t hash) PURE;
/* The hash of canonical bytes: the one place where the format's arithmetic is. */
uint32_t part_hash_bytes(struct sv canonical) PURE;

/* Appends the SQL expression for the hash (KEY, HASH) of a row, an unsigned integer. alias: in
 * front of the columns
 * (`alias`.`col`), empty for none. Works on MySQL and MariaDB, independent of session settings
 * except sql_mode's PAD_CHAR_TO_FULL_LENGTH and a character_set_connection that is no ASCII
 * superset. */
void part_hash_sql(const struct part *p, struct sv alias, struct strbuf *out);
/* Appends a condition that is true for exactly the rows of partition i (any method); `TRUE` for
 * SINGLE and BROADCAST. */
void part_filter_sql(const struct part *p, uint32_t i, struct sv alias, struct strbuf *out);

/* Rows with equal keys are in partitions of equal ordinal in both tables: what makes a table group,
 * and a join on the keys local. */
bool part_same_function(const struct part *a, const struct part *b);

/* One column's value converted for storing; false: not known here. Used by part_route_row. */
bool part_store_value(const struct part_column *c, const struct value *v, const struct env *e,
    struct arena *a, struct value *out) MUST_CHECK;

#endif
