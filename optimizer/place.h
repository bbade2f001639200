/* Placement: where the rows of a query are, and which places a statement needs.
 *
 * A query is DIST_ANY if every shard computes the same result from its own copies, DIST_PART if its result is the union
 * of what it gives at each partition of one table group (then it can be pushed to the partitions), else DIST_NO with the
 * reason. The rules are in place.c, each with its condition; optimizer/README lists them.
 *
 * Lives in the scratch arena of one call of optimizer_plan, one thread. */
#ifndef OPTIMIZER_PLACE_H
#define OPTIMIZER_PLACE_H

#include "optimizer/bind.h"
#include "optimizer/plan.h"

enum { PLACE_KEYS_MAX = 16 };

enum dist_kind { DIST_ANY, DIST_PART, DIST_NO };

struct dist {
    enum dist_kind kind;
    const struct cat_table *table; /* PART: a table of the group */
    bool has_key;                  /* the columns by which the rows are spread are at hand: */
    struct colref key[PLACE_KEYS_MAX];
    struct sv reason; /* DIST_NO: "join of `a` and `b`, ..." */
};

struct placer {
    struct arena *arena;      /* scratch: distributions */
    struct arena *plan_arena; /* conditions that go into the plan */
    const struct binder *b;
    const struct sv *assigned; /* user variables that the statement assigns: no constants */
    uint16_t n_assigned;
};

/* a = b holds for all rows that matter in ctx. */
bool place_equal(const struct placer *p, struct colref a, struct colref b, const struct ctx *ctx);
/* Of the rows of a block's FROM and WHERE, subqueries included. */
struct dist place_block(struct placer *p, const struct block *bl);
/* Of a query's result; key columns are outputs: key[k].col with src NULL. */
struct dist place_query(struct placer *p, const struct query *q);
/* Expression e of bl is a column equal to key column k of d. */
bool place_is_key(const struct placer *p, const struct block *bl, const struct ast_node *e, const struct dist *d,
    unsigned k);
/* Every key column of d is among the expressions (ORDER_ITEMs or plain ones). */
bool place_covers_key(const struct placer *p, const struct block *bl, const struct ast_list *exprs, const struct dist *d);

/* Every window of the block's items and order is partitioned by the key of d. */
bool place_windows_local(const struct placer *p, const struct block *bl, const struct dist *d);

/* The condition on the partition columns under which a pushable block (or query) needs a place. NULL: all places. */
const struct route_cond *place_block_cond(struct placer *p, const struct block *bl, const struct dist *d);
const struct route_cond *place_query_cond(struct placer *p, const struct query *q);
/* The condition for statements that are right in one place only: every partitioned source's own, joined by OR. except: a source
 * that is not read (the target of an INSERT), or NULL. */
const struct route_cond *place_any_cond(struct placer *p, const struct source *except);
/* The rows of one partitioned table that matter to the statement. */
const struct route_cond *place_source_cond(struct placer *p, const struct source *s);
const struct route_cond *place_or(struct placer *p, const struct route_cond *a, const struct route_cond *b);
const struct route_cond *place_and(struct placer *p, const struct route_cond *a, const struct route_cond *b);
struct route_cond *place_cmp(struct placer *p, unsigned key, enum route_cmp cmp, const struct rvalue *v);
/* An expression whose value is known when the statement starts; NULL: none. In the plan's arena. */
/* The same, or what can be computed from such values exactly as a server does: only to find places. */
const struct rvalue *place_fold(struct placer *p, const struct ast_node *e);
const struct rvalue *place_rvalue(struct placer *p, const struct ast_node *e);
/* What the session knows and a shard does not, as an expression; false: none. */
bool place_session_value(const struct ast_node *e, enum session_value *v, bool *global, struct sv *name);

#endif
