/* Operators: pipelined processing of batches above the shards.
 *
 * A tree of operators is built for one execution in one arena and pulled from its root with op_next. Inputs arrive
 * asynchronously: an operator that needs rows which have not come yet answers OP_BLOCKED, and is called again after a source
 * got rows or its end. A batch that op_next gave is valid until the next call on that operator. Sources are fed with
 * text-protocol rows; op_source_full says when to stop reading from that shard.
 *
 * Memory that accumulates (sort, hash tables, queues of sources) is charged to the account in op_ctx. Where it is refused, an operator
 * writes what it holds to a temporary file (op_ctx.spill_dir) and goes on with little more than that file's buffers; what cannot be
 * written (queues of sources, one group's GROUP_CONCAT), or everything where there is no directory, ends the execution with error
 * 1041 naming the operator. A disk that is full ends it with 1021. One execution is used by one thread at a time; nothing here waits but
 * for the disk, and nothing knows sockets.
 *
 * Order of calls: op_*_new bottom-up, then op_source_push_row / op_next in any interleaving, then op_close on the root (which closes
 * its children) in any state; then the arena may be freed. */
#ifndef EXECUTOR_OP_H
#define EXECUTOR_OP_H

#include "executor/vm.h"
#include "types/sortkey.h"

struct acct;

enum op_result {
    OP_BATCH,   /* *out holds at least one row; call again */
    OP_BLOCKED, /* nothing to give until a source below is fed; call again then */
    OP_DONE,    /* the end; stays so */
    OP_ERROR    /* diag is set; stays so */
};

/* What all operators of one execution share. Outlives them. */
struct op_ctx {
    const struct env *env;
    struct arena *arena; /* life of the execution: operators, programs */
    struct acct *acct;   /* NULL: unlimited */
    struct diag *diag;
    const struct value *params;
    uint32_t n_params;
    uint32_t batch_rows;    /* 0: VEC_ROWS_DEFAULT */
    const bool *cancelled;  /* may be NULL; looked at once a batch: 1317 */
    const char *spill_dir;  /* where temporary files go; NULL: nothing is written, refused memory is an error */
    size_t floor_bytes;      /* what an operator that can spill may hold whatever acct says; 0: OP_FLOOR_BYTES. Tests force spilling */
    struct acct *spill_acct; /* bytes of temporary files; NULL: unlimited */
};

struct op;

/* Output columns. */
uint32_t op_n_cols(const struct op *o);
const struct sql_type *op_type(const struct op *o, uint32_t i);
/* Next batch; see enum op_result. */
enum op_result op_next(struct op *o, struct batch **out) MUST_CHECK;
/* Gives memory back to the account; cancels nothing outside. NULL is allowed. */
void op_close(struct op *o);

/* Figures for EXPLAIN ANALYZE. */
struct op_stats {
    const char *name;
    uint64_t rows, batches;
    size_t peak_bytes;
    uint64_t spilled_bytes; /* written to temporary files, again where it was rewritten */
};
struct op_stats op_get_stats(const struct op *o);
uint32_t op_n_children(const struct op *o);
struct op *op_child(const struct op *o, uint32_t i);

/* Where result batches go; implemented by the proxy, by ddl and by tests. */
enum sink_result { SINK_OK, SINK_FULL, SINK_ERROR };
struct op_sink {
    /* Takes the rows of b that are alive; must copy or encode what it keeps. SINK_FULL: taken, but no more now. */
    enum sink_result (*batch)(struct op_sink *s, const struct op *root, const struct batch *b);
};
enum op_run_result { OP_RUN_BLOCKED, OP_RUN_SINK_FULL, OP_RUN_DONE, OP_RUN_ERROR };
/* Pulls root into the sink until it blocks, the sink is full, the end or an error. */
enum op_run_result op_run(struct op *root, struct op_sink *s) MUST_CHECK;

/* ---- sources ---- */

/* Rows from one shard's text result. types: from the column definitions it sent, collations corrected by the plan. */
struct op *op_source_new(struct op_ctx *cx, const struct sql_type *types, uint32_t n_cols);
/* One row; cells[i].ptr NULL is NULL. The cells are copied. False: malformed cell or memory refused (diag set). */
bool op_source_push_row(struct op *src, const struct sv *cells) MUST_CHECK;
void op_source_end(struct op *src);
/* So much is queued that reading from the shard should pause until op_source_wants_rows. */
bool op_source_full(const struct op *src);
bool op_source_wants_rows(const struct op *src);
/* Constant rows: values[row * n_cols + col]; they are converted to the types. */
struct op *op_values_new(struct op_ctx *cx, const struct sql_type *types, uint32_t n_cols, const struct value *values,
    uint32_t n_rows);

/* ---- pipelined ---- */

/* All constructors: NULL with diag set when an expression cannot be compiled. They own their children from then on (also
 * when they fail: the children are closed). */
struct op *op_filter_new(struct op_ctx *cx, struct op *child, const struct bexpr *pred) MUST_CHECK;
struct op *op_project_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *exprs, uint32_t n) MUST_CHECK;
/* limit UINT64_MAX: none. Once satisfied it does not pull its child again. */
struct op *op_limit_new(struct op_ctx *cx, struct op *child, uint64_t limit, uint64_t offset) MUST_CHECK;
/* The first n columns. */
struct op *op_narrow_new(struct op_ctx *cx, struct op *child, uint32_t n) MUST_CHECK;
/* Rows of all children, in the order in which they arrive. The children have as many columns; the result's types are `types`
 * (func_unify_types; NULL: the first child's) and rows are converted. UNION DISTINCT is op_distinct_new over it. */
struct op *op_union_all_new(struct op_ctx *cx, struct op *const *children, uint32_t n, const struct sql_type *types) MUST_CHECK;
/* One sorted stream of sorted children with the same column types. */
struct op *op_merge_new(struct op_ctx *cx, struct op *const *children, uint32_t n, const struct sort_col *order,
    uint32_t n_order) MUST_CHECK;

/* ---- accumulating ---- */

/* An aggregate: the function, its arguments over the child's columns. */
struct op_agg {
    struct agg_spec spec;
    const struct bexpr *const *args;
    uint32_t n_args;
};
/* Hash aggregation. Output: the group expressions, then the aggregates. Without group expressions one row comes even from
 * empty input (scalar is implied by n_groups 0). DISTINCT aggregates are handled inside. Also merges partial states
 * (agg_split): the spec then is the merging function. first_cols: columns of the child that are carried along from a group's
 * first row (functionally dependent columns, weight columns' originals); they follow the aggregates. */
struct op *op_aggregate_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first) MUST_CHECK;
/* GROUP BY ... WITH ROLLUP: besides the groups by all n_groups expressions those by the first n_groups - 1, ..., by none, with NULL for
 * the expressions that are rolled up. Output as above, and behind it a column BIGINT: what GROUPING() of all group expressions gives (the
 * i-th from the right is bit i). GROUPING(e) is a bit of it. Groups come in no order. Empty input gives the row of the
 * grand total on MySQL and none on MariaDB. */
struct op *op_rollup_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first) MUST_CHECK;
/* Distinct by the first n_keys columns (0: all). The first row of each stays. Streams. */
struct op *op_distinct_new(struct op_ctx *cx, struct op *child, uint32_t n_keys) MUST_CHECK;
struct op *op_sort_new(struct op_ctx *cx, struct op *child, const struct sort_col *order, uint32_t n_order) MUST_CHECK;
/* The first offset+limit rows in order, of which offset are skipped. */
struct op *op_topn_new(struct op_ctx *cx, struct op *child, const struct sort_col *order, uint32_t n_order, uint64_t limit,
    uint64_t offset) MUST_CHECK;

/* ---- window functions ---- */

enum op_win_fn {
    OP_WIN_ROW_NUMBER,
    OP_WIN_RANK,
    OP_WIN_DENSE_RANK,
    OP_WIN_PERCENT_RANK,
    OP_WIN_CUME_DIST,
    OP_WIN_NTILE, /* n: of groups */
    OP_WIN_LAG,   /* args: value [, default]; n rows back (0: this one) */
    OP_WIN_LEAD,
    OP_WIN_FIRST_VALUE, /* args: value; over the frame */
    OP_WIN_LAST_VALUE,
    OP_WIN_NTH_VALUE, /* n from 1 */
    OP_WIN_AGG        /* agg over args and the frame; not DISTINCT */
};

enum op_bound { OP_BOUND_UNBOUNDED_PRECEDING, OP_BOUND_PRECEDING, OP_BOUND_CURRENT_ROW, OP_BOUND_FOLLOWING, OP_BOUND_UNBOUNDED_FOLLOWING };

struct op_frame_bound {
    enum op_bound how;
    uint64_t n; /* ROWS: so many rows */
    /* RANGE with PRECEDING or FOLLOWING: the value of the (only) order column at which the frame begins or ends, over the child's
     * columns: #k - 5, #k + INTERVAL 1 DAY (the other way round for DESC). NULL: the rows that are equal to the current one. */
    const struct bexpr *limit;
};

struct op_frame {
    bool range;
    struct op_frame_bound start, end;
};

struct op_window_fn {
    enum op_win_fn fn;
    struct agg_spec agg;
    const struct bexpr *const *args;
    uint32_t n_args;
    uint64_t n;
    struct op_frame frame; /* FIRST_VALUE, LAST_VALUE, NTH_VALUE, AGG: always said, also where SQL has a default */
};

/* Window functions over input that comes ordered by the partition columns and then by `order`. Several windows are several operators.
 * Output: the child's columns, then one for each function, of MySQL's types. One partition is kept, spilled where it must be. */
struct op *op_window_new(struct op_ctx *cx, struct op *child, const uint32_t *part_cols, uint32_t n_part, const struct sort_col *order,
    uint32_t n_order, const struct op_window_fn *fns, uint32_t n_fns) MUST_CHECK;

/* ---- joins ---- */

enum op_join_kind {
    OP_JOIN_INNER,
    OP_JOIN_LEFT,       /* and each probe row without a match, with NULL for the build's columns */
    OP_JOIN_RIGHT,      /* and each build row without a match, with NULL for the probe's columns */
    OP_JOIN_FULL,       /* both */
    OP_JOIN_SEMI,       /* EXISTS, IN: each probe row that has a match, once; only the probe's columns */
    OP_JOIN_ANTI,       /* NOT EXISTS, NOT IN (with OP_KEY_IN): each probe row for which it is certain that there is no match */
    OP_JOIN_MARK,       /* each probe row, and behind its columns the value of EXISTS or IN: 1, 0 or NULL (OP_KEY_IN only) */
    OP_JOIN_BUILD_SEMI, /* each build row that has a match, once; only the build's columns */
    OP_JOIN_BUILD_ANTI
};

enum op_key_how {
    OP_KEY_EQ,        /* = */
    OP_KEY_NULL_SAFE, /* <=> */
    OP_KEY_IN         /* the operands of IN: as = but that ANTI and MARK tell unknown from false. Several are the row (a, b) IN (...);
                         OP_KEY_EQ and OP_KEY_NULL_SAFE keys and the residual then say which rows the subquery has (correlation) */
};

/* One equality. `probe` is over the probe's columns, `build` over the build's. Their values are compared as they are held: both
 * integers, decimals or doubles in any mixture (compared exactly, or as doubles where either is one), dates and datetimes, times,
 * or strings of one collation that is native. Anything else is refused (1235): the caller brings both sides to one type by
 * expressions, as MySQL compares them (a string with a number: both CAST to DOUBLE; two collations: COLLATE; a string with a
 * temporal: CAST to it). */
struct op_join_key {
    const struct bexpr *probe, *build;
    enum op_key_how how;
};

/* Hash join. The build side is read first and kept, the probe side streams past it; its rows keep their order but where memory was
 * refused. Output: the probe's columns, then the build's; semi and anti joins only one side's. n_keys is at least 1.
 * residual: a condition over probe columns followed by build columns that a match also needs, NULL for none. */
struct op *op_hash_join_new(struct op_ctx *cx, struct op *probe, struct op *build, enum op_join_kind kind, const struct op_join_key *keys,
    uint32_t n_keys, const struct bexpr *residual) MUST_CHECK;
/* Nested loop for any condition (NULL: cross join): the inner side is read first and kept, blocks of outer rows are compared with all
 * of it. Kinds and output as above, outer being the probe side. in: MARK and ANTI only: the condition is the equality of IN, so that
 * unknown counts; without it unknown is false, as in EXISTS. */
struct op *op_nested_loop_new(struct op_ctx *cx, struct op *outer, struct op *inner, enum op_join_kind kind, const struct bexpr *cond,
    bool in) MUST_CHECK;

#endif
