/* Bound expressions: what the optimizer builds from the AST and the executor compiles to a program (executor/vm.h).
 * A tree of immutable nodes in the plan's arena; columns are ordinals of the input batch, parameters ordinals of the
 * statement's literals. Types of columns may be corrected at execution start from the columns that the shards sent
 * (their text form); collations are the binder's. Read-only after building, any thread. */
#ifndef TYPES_BEXPR_H
#define TYPES_BEXPR_H

#include "types/agg.h"
#include "types/func.h"

enum bexpr_kind {
    BEXPR_CONST,  /* value */
    BEXPR_COLUMN, /* ordinal of the input */
    BEXPR_PARAM,  /* ordinal of the parameter values given at execution */
    BEXPR_CALL,   /* function over args; CASE, IN, BETWEEN too (func.h) */
    BEXPR_AGG     /* only in an aggregate operator's list of results, never compiled */
};

struct bexpr {
    uint8_t kind; /* enum bexpr_kind */
    bool is_const; /* no column below: folded once at execution start */
    uint32_t ordinal;
    struct sql_type type; /* as known at planning */
    struct value value;   /* CONST */
    const struct func *func;
    const struct bexpr **args;
    uint32_t n_args;
    uint8_t unit;           /* enum temporal_unit, functions with one */
    struct sql_type target; /* CAST, COLLATE */
};

const struct bexpr *bexpr_const(struct arena *a, struct value v);
const struct bexpr *bexpr_column(struct arena *a, uint32_t ordinal, struct sql_type type);
const struct bexpr *bexpr_param(struct arena *a, uint32_t ordinal, struct sql_type type);
/* Binds the function to the arguments' types, which gives the node's type. NULL: error in d. unit and target as needed
 * (NULL target where none). */
const struct bexpr *bexpr_call(struct arena *a, const struct func *f, const struct bexpr *const *args, uint32_t n_args,
    const struct func_bind_opts *opts, const struct env *e, struct diag *d);
const struct bexpr *bexpr_call_id(struct arena *a, enum func_id id, const struct bexpr *const *args, uint32_t n_args,
    const struct env *e, struct diag *d);

/* Structural equality (constants by value and type). */
bool bexpr_equal(const struct bexpr *x, const struct bexpr *y);
/* Value of an expression without columns. params may be NULL when there are none. Used for folding and as the slow, independent
 * check of compiled programs: row gives the columns' values (NULL when there are none). False: error in cx->diag. */
bool bexpr_eval(const struct bexpr *x, const struct value *row, const struct value *params, struct func_ctx *cx,
    struct value *out) MUST_CHECK;
/* Appends a readable form: (#0 + 5) > ?1. */
void bexpr_print(const struct bexpr *x, struct strbuf *b);

#endif
