/* Pruning: from what a statement says about the partition columns to the partitions that can have
 * matching rows. No expressions here: the optimizer translates predicates into a tree of
 * comparisons of partition columns with values.
 *
 * Sound always (never a partition too few): a value that does not convert exactly to its column's
 * type, a tree with too many alternatives, a collation that is not known, each widen to all
 * partitions. Exact where the method allows it. Pure functions; memory from the arena given. */
#ifndef ROUTER_PRUNE_H
#define ROUTER_PRUNE_H

#include "router/part.h"

/* ---- sets of partitions ---- */

/* Bitmap over the partitions 0..n-1 of one table. */
struct partset {
    uint32_t n;
    uint64_t *bits;
};

void partset_init(struct partset *s, uint32_t n, struct arena *a); /* empty */
void partset_add(struct partset *s, uint32_t i);
void partset_add_range(struct partset *s, uint32_t from, uint32_t to); /* both included */
void partset_add_all(struct partset *s);
bool partset_has(const struct partset *s, uint32_t i) PURE;
uint32_t partset_count(const struct partset *s) PURE;
/* The first member >= from; s->n: none. */
uint32_t partset_next(const struct partset *s, uint32_t from) PURE;
void partset_or(struct partset *to, const struct partset *from);
void partset_and(struct partset *to, const struct partset *from);

/* ---- predicates ---- */

enum prune_kind {
    PRUNE_TRUE,
    PRUNE_FALSE,
    PRUNE_AND,      /* args */
    PRUNE_OR,       /* args */
    PRUNE_CMP,      /* column op value[0] */
    PRUNE_IN,       /* column IN (values) */
    PRUNE_IS_NULL,  /* column IS NULL */
    PRUNE_NOT_NULL, /* column IS NOT NULL */
    PRUNE_TUPLE_IN, /* (columns) IN (rows of values), also tuple = tuple: values are rows x
                       columns_n */
    PRUNE_TUPLE_CMP /* (columns) op (values), op one of < <= > >=: lexicographic */
};

enum prune_op { PRUNE_EQ, PRUNE_LT, PRUNE_LE, PRUNE_GT, PRUNE_GE, PRUNE_NULLSAFE_EQ };

/* Values are literals as the statement has them (any type; NULL too). Columns are indices into
 * part->columns. */
struct prune_cond {
    enum prune_kind kind;
    enum prune_op op;
    uint32_t col;
    const struct prune_cond *const *args;
    uint32_t args_n;
    const struct value *values;
    uint32_t values_n;       /* TUPLE_IN: rows x columns_n */
    const uint32_t *columns; /* tuples */
    uint32_t columns_n;
};

/* Partitions that can have rows for which c is true. c NULL: all. e: the session's environment
 * (time zone, sql_mode). out is initialised in a. May be empty. */
void prune(const struct part *p, const struct prune_cond *c, const struct env *e, struct arena *a,
    struct partset *out);
/* Shortcut for one partition column = one value (the relay's path): true: *partition is the only
 * one. False: anything else is possible, ask prune(). Allocates only for text keys. */
bool prune_point(const struct part *p, const struct value *v, const struct env *e, struct arena *a,
    uint32_t *partition) MUST_CHECK;

#endif
