/* Functions and operators above the shards: the registry, result types, and evaluation.
 *
 * func_find gives a function by name; func_bind fixes, for argument types, what the call gives and which implementation runs
 * (MySQL's rules of result types, comparison as numbers, strings or times, and collations). The bound call is evaluated
 * over vectors (func_eval) or over single values (func_eval_scalar: constant folding, and the slow check of the kernels).
 * A function that is not here is no error of this module: func_find gives NULL, and the planner names it.
 *
 * The registry is immutable. A func_call is read-only after binding and may be shared; a func_ctx belongs to one thread. */
#ifndef TYPES_FUNC_H
#define TYPES_FUNC_H

#include "types/vec.h"

enum { FUNC_MAX_ARGS = 4096 };

/* Operators and functions that others name by id rather than by text; the rest are found by name only. */
enum func_id {
    FUNC_OTHER,
    FUNC_ADD,
    FUNC_SUB,
    FUNC_MUL,
    FUNC_DIV,
    FUNC_INT_DIV,
    FUNC_MOD,
    FUNC_NEG,
    FUNC_EQ,
    FUNC_NE,
    FUNC_LT,
    FUNC_LE,
    FUNC_GT,
    FUNC_GE,
    FUNC_NULL_SAFE_EQ,
    FUNC_AND,
    FUNC_OR,
    FUNC_XOR,
    FUNC_NOT,
    FUNC_IS_NULL,
    FUNC_IS_NOT_NULL,
    FUNC_IS_TRUE,
    FUNC_IS_NOT_TRUE,
    FUNC_IS_FALSE,
    FUNC_IS_NOT_FALSE,
    FUNC_BETWEEN,     /* x, low, high */
    FUNC_NOT_BETWEEN,
    FUNC_IN,          /* x, list... */
    FUNC_NOT_IN,
    FUNC_LIKE,        /* x, pattern [, escape] */
    FUNC_NOT_LIKE,
    FUNC_CASE,        /* searched: cond, value, cond, value, ... [, else]; evaluated lazily */
    FUNC_IF,
    FUNC_IFNULL,
    FUNC_NULLIF,
    FUNC_COALESCE,
    FUNC_CAST,        /* x; the target is func_bind's `target` */
    FUNC_COLLATE,     /* x; the target's coll */
    FUNC_BIT_AND,
    FUNC_BIT_OR,
    FUNC_BIT_XOR,
    FUNC_BIT_NOT,
    FUNC_SHL,
    FUNC_SHR,
    FUNC_DATE_ADD,    /* date, amount; the unit is func_bind's `unit` */
    FUNC_DATE_SUB,
    FUNC_EXTRACT,     /* date; unit */
    FUNC_TIMESTAMPADD,  /* amount, date; unit */
    FUNC_TIMESTAMPDIFF, /* a, b; unit */
    FUNC_REGEXP,       /* x, pattern: REGEXP, RLIKE */
    FUNC_NOT_REGEXP,
    FUNC_CONVERT,      /* x USING the character set of the target's coll */
    FUNC_ID_END
};

enum func_flag {
    FUNC_LAZY = 1,      /* CASE, IF, COALESCE, AND...: arguments are evaluated for the rows that need them */
    FUNC_USES_ENV = 2,  /* depends on the environment (time zone, now): fold only with the statement's */
    FUNC_HAS_UNIT = 4,
    FUNC_HAS_TARGET = 8
};

struct func;

/* By name, case-insensitive ("concat", "date_format", "substr"); NULL: not evaluated by Tessera. */
const struct func *func_find(struct sv name);
const struct func *func_by_id(enum func_id id);
/* "+", "concat": for messages and EXPLAIN. */
const char *func_name(const struct func *f);
enum func_id func_id_of(const struct func *f);
unsigned func_flags(const struct func *f);
/* Number of functions, the i-th's name: for tests and documentation. */
size_t func_count(void);
const char *func_name_at(size_t i);

/* What is known of an argument at binding time. */
struct func_arg {
    struct sql_type type;
    const struct value *constant; /* NULL: not constant. Comparisons and rounding look at it */
    uint8_t dec_scale;            /* physical scale of a decimal argument: FUNC_SCALE_OF_TYPE or more digits than shown */
};
enum { FUNC_SCALE_OF_TYPE = 0xff };

struct func_ctx {
    const struct env *env;
    struct arena *arena; /* results' text; the caller resets it between batches */
    struct diag *diag;
    bool exact; /* bexpr_eval: only calls that func_is_exact */
};

struct func_call;

typedef bool (*func_scalar_fn)(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out);
typedef bool (*func_kernel_fn)(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args,
    const struct sel *sel, struct vec *out);

struct func_call {
    const struct func *f;
    struct sql_type type; /* of the result */
    uint8_t vec_kind;     /* physical form of the result */
    uint8_t vec_scale;
    uint8_t cmp;          /* enum value_cmp_as for comparisons */
    uint8_t unit;         /* enum temporal_unit */
    uint16_t coll;        /* comparison collation */
    uint32_t n_args;
    struct func_arg *args;
    int64_t aux;          /* private to the function */
    const void *data;     /* private: constant IN set, ... */
    func_scalar_fn scalar;
    func_kernel_fn kernel; /* NULL: rows one by one by scalar */
};

struct func_bind_opts {
    enum temporal_unit unit;       /* FUNC_HAS_UNIT */
    const struct sql_type *target; /* FUNC_HAS_TARGET */
};

/* t: ENUM, SET, BIT, or any other */
bool func_takes_member(const struct func *f, const struct sql_type *t);
/* Whether the call gives above the shards what a server gives, for arguments of these kinds (func_exact.c). Else d has 1235. opts may be
 * NULL. */
bool func_is_exact(
    const struct func *f, const struct func_arg *args, uint32_t n, const struct func_bind_opts *opts, struct diag *d) MUST_CHECK;
/* Binds f to arguments. False: wrong number of arguments (1582), illegal mix of collations (1267), or a combination that
 * Tessera does not evaluate (1235, named). c and what it points to live in a. opts may be NULL. */
bool func_bind(const struct func *f, const struct func_arg *args, uint32_t n_args, const struct func_bind_opts *opts,
    const struct env *e, struct arena *a, struct func_call *c, struct diag *d) MUST_CHECK;

/* Evaluates over the rows of sel; out is a vector of c->vec_kind and c->vec_scale. False: error in cx->diag. */
bool func_eval(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out) MUST_CHECK;
bool func_eval_scalar(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out) MUST_CHECK;

/* v as the kind of c's result, as CASE and COALESCE convert their arms. from: v's type. */
bool func_to_result(struct func_ctx *cx, const struct func_call *c, const struct value *v, const struct sql_type *from,
    struct value *out) MUST_CHECK;

/* The type that CASE, COALESCE, UNION columns give for several types (MySQL's aggregation of types). False: 1267. */
bool func_unify_types(const struct func_arg *args, uint32_t n, const char *what, const struct env *e, struct sql_type *out,
    struct diag *d) MUST_CHECK;
/* The collation under which several strings compare; false: 1267. */
bool func_unify_coll(const struct func_arg *args, uint32_t n, const char *what, uint16_t *coll, enum type_deriv *deriv,
    struct diag *d) MUST_CHECK;

#endif
