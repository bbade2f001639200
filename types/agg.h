/* Aggregate functions: result types, states, two-phase combination.
 *
 * An agg_spec says which function over which arguments; agg_bind fixes types. States live in fixed-size slots of
 * c->state_bytes each (hash table entries), with growing parts in an arena. Life of a state: agg_init, agg_update for each batch (rows grouped
 * by slot), agg_final. DISTINCT is the operator's work (it removes duplicates first).
 * Two-phase: agg_split says what the shards compute (partial SQL aggregates) and how their columns combine here.
 * One thread at a time. */
#ifndef TYPES_AGG_H
#define TYPES_AGG_H

#include "types/func.h"

enum agg_fn {
    AGG_COUNT_STAR,
    AGG_COUNT, /* one or more arguments: rows in which none is NULL */
    AGG_SUM,
    AGG_AVG,
    AGG_MIN,
    AGG_MAX,
    AGG_BIT_AND,
    AGG_BIT_OR,
    AGG_BIT_XOR,
    AGG_STDDEV_POP,
    AGG_STDDEV_SAMP,
    AGG_VAR_POP,
    AGG_VAR_SAMP,
    AGG_GROUP_CONCAT,
    AGG_ANY_VALUE,
    AGG_JSON_ARRAYAGG,
    AGG_JSON_OBJECTAGG,
    /* Combinations of partial results, made by agg_split only. */
    AGG_COUNT_SUM,  /* sum of partial counts: BIGINT, 0 when there are none */
    AGG_AVG_MERGE,  /* args: partial SUM, partial COUNT */
    AGG_VAR_MERGE   /* args: partial COUNT, SUM, VAR_POP */
};

/* "count", "std", "bit_xor", ... (not count(*)). False: unknown aggregate. */
bool agg_find(struct sv name, enum agg_fn *fn) MUST_CHECK;
const char *agg_name(enum agg_fn fn);

struct agg_order {
    uint32_t arg; /* index into the call's arguments */
    bool desc;
};

struct agg_spec {
    enum agg_fn fn;
    enum agg_fn merge_of; /* AGG_VAR_MERGE: which of STDDEV and VAR it ends in */
    bool distinct;
    uint32_t n_value_args;         /* GROUP_CONCAT: arguments that are concatenated; the others are only for ordering */
    struct sv separator;           /* GROUP_CONCAT; ptr NULL: "," */
    const struct agg_order *order; /* GROUP_CONCAT */
    uint32_t n_order;
    uint64_t limit, offset; /* GROUP_CONCAT ... LIMIT (MariaDB); limit UINT64_MAX: none */
    /* The last arguments are keys: WEIGHT_STRINGs that are compared instead of the values, by MIN and MAX, and by the operator for
     * DISTINCT (then one for each value argument). 0: the values are. */
    uint32_t n_keys;
};

struct agg_call {
    struct agg_spec spec;
    struct sql_type type; /* of the result */
    uint8_t vec_kind, vec_scale;
    uint32_t n_args;
    struct func_arg *args;
    uint32_t state_bytes;
    uint16_t coll;
};

/* False: wrong argument count or a combination that is not evaluated here. */
bool agg_bind(const struct agg_spec *s, const struct func_arg *args, uint32_t n_args, const struct env *e, struct arena *a,
    struct agg_call *c, struct diag *d) MUST_CHECK;

void agg_init(const struct agg_call *c, void *state);
/* Adds row sel[k] to states[k], for every k. `grow` holds what a state needs beyond its slot. */
bool agg_update(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states, struct arena *grow) MUST_CHECK;
/* Folds state b into a (parallel aggregation in one process). */
bool agg_merge(struct func_ctx *cx, const struct agg_call *c, void *a, const void *b, struct arena *grow) MUST_CHECK;
/* Result to a row of out. */
bool agg_final(struct func_ctx *cx, const struct agg_call *c, void *state, struct vec *out, uint32_t row) MUST_CHECK;

/* Two-phase plan of one aggregate without DISTINCT: the shards compute partial[0..n), each an SQL aggregate over the
 * same argument; their columns are the arguments of `merge` here. */
struct agg_split {
    enum agg_fn partial[3];
    unsigned n;
    struct agg_spec merge;
};
/* False: this aggregate cannot be split (DISTINCT, GROUP_CONCAT, JSON_*): rows must come here. */
bool agg_split(const struct agg_spec *s, struct agg_split *out) MUST_CHECK;

#endif
