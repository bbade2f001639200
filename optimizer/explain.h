/* EXPLAIN: where a statement goes with the values that it has, and what each place gets. Pure: nothing is executed. */
#ifndef OPTIMIZER_EXPLAIN_H
#define OPTIMIZER_EXPLAIN_H

#include "optimizer/optimizer.h"

struct explain_row {
    struct sv shard; /* name */
    struct sv place; /* "orders p3"; empty where there are no partitions */
    struct sv sql;   /* what the place gets */
};

struct explain {
    struct explain_row *rows;
    uint32_t n_rows;
    struct sv stages; /* what is done with the rows here: one line; empty: relayed as they are */
};

/* All memory from a. False: the statement is refused for these values (d). */
bool explain_plan(const struct plan *p, const struct plan_inputs *in, const struct cat_snapshot *snap, struct arena *a,
    struct explain *out, struct diag *d) MUST_CHECK;

#endif
