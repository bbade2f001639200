/* What the planner knows of an expression's values without asking a shard. See expr.c. Scratch, one thread. */
#ifndef OPTIMIZER_EXPR_H
#define OPTIMIZER_EXPR_H

#include "optimizer/bind.h"

struct cat_type;
struct opt;
struct rvalue;

enum expr_class {
    EXPR_NULL,
    EXPR_NUMBER,
    EXPR_TEMPORAL,
    EXPR_STRING, /* of a native collation: coll; 0: a literal, which takes the other side's */
    EXPR_ENUM,   /* ENUM, SET: equal by name, ordered by number */
    EXPR_OTHER,  /* JSON, geometry: no order here */
    EXPR_UNSURE  /* may be a string of a collation that is not native, or not known */
};

struct expr_type {
    enum expr_class cls;
    uint16_t coll;
};

struct expr_type opt_type_of(const struct opt *o, const struct block *bl, const struct ast_node *e);
struct expr_type opt_type_of_ref(const struct opt *o, struct colref c);
struct expr_type opt_type_of_column(const struct cat_type *t);
struct expr_type opt_type_unify(struct expr_type a, struct expr_type b);
/* Values of such a column compare by WEIGHT_STRING. */
bool opt_needs_weight(const struct cat_type *t);
/* Ordinal of a value among the parameters of expressions above the shards. */
uint32_t opt_expr_param(struct opt *o, const struct rvalue *v);

#endif
