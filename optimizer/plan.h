/* The physical plan of one statement: what goes where, and what is done with what comes back.
 *
 * A plan is made by the optimizer, is read-only from then on, has its own arena, and is shared by every execution of
 * statements with the same digest in the same environment (plan cache; one per worker). What differs between those
 * executions are the *inputs*: the values of the literals (by slot, in the order in which the lexer meets them) or of
 * the parameters (`?`, by ordinal). So nothing in a plan holds a literal's value; it holds its slot. Parts of a
 * statement whose literals change the plan's shape make the plan `uncacheable`.
 *
 * Shape: a route says which *places* (partition of the statement's table group, or shard) the statement needs, as a
 * program over the inputs. One place: the statement is sent as the client wrote it, with `splice` applied, and the
 * reply is relayed. Several places: each gets `fragment` (a template of SQL), and `top` says how the results are merged
 * (reads) or counted (writes). Both come from one planner; the relay is the plan with one fragment and no top. */
#ifndef OPTIMIZER_PLAN_H
#define OPTIMIZER_PLAN_H

#include "types/agg.h"
#include "types/bexpr.h"
#include "util/arena.h"
#include "util/diag.h"

struct cat_table;
struct cat_column;
struct cat_snapshot;
struct packet_coldef;

/* ---- values that are known only at execution ---- */

/* What a session knows and a shard's connection does not: replaced by its value wherever it stands. */
enum session_value {
    SESSION_LAST_INSERT_ID,
    SESSION_ROW_COUNT,
    SESSION_FOUND_ROWS,
    SESSION_CONNECTION_ID,
    SESSION_USER,         /* USER(), SESSION_USER() */
    SESSION_CURRENT_USER, /* CURRENT_USER[()] */
    SESSION_DATABASE,     /* DATABASE(), SCHEMA() */
    SESSION_USER_VAR,     /* @name */
    SESSION_SYSTEM_VAR    /* @@name that Tessera itself owns (scope in `global`) */
};

enum rvalue_kind {
    RV_CONST,   /* text: an SQL literal made by the planner */
    RV_LITERAL, /* literal slot `slot` of the statement's text */
    RV_PARAM,   /* parameter `slot` */
    RV_NEG,     /* minus arg */
    RV_SESSION, /* what the session knows: `value`, `global`, name in `text` */
    RV_CALL,    /* computed: `call` */
    RV_TYPED    /* DATE, TIME or TIMESTAMP in front of the string arg: `type` is the type_code */
};

struct rvalue {
    enum rvalue_kind kind;
    uint32_t slot;
    struct sv text;
    const struct rvalue *arg;
    enum session_value value;
    bool global;
    bool binary; /* RV_LITERAL: with _binary in front */
    uint8_t type;
    const struct rcall *call;
};

struct func;

/* A function of known values (fold.c). */
struct rcall {
    const struct func *func;
    const struct rvalue *args[2];
    uint8_t n_args, unit;
    bool exact_numbers; /* only of integers and decimals */
    struct sql_type target;
};

/* ---- routing ---- */

enum route_cond_kind { RC_TRUE, RC_FALSE, RC_AND, RC_OR, RC_CMP, RC_IN, RC_ISNULL };
enum route_cmp { RCMP_EQ, RCMP_LT, RCMP_LE, RCMP_GT, RCMP_GE, RCMP_NULLSAFE_EQ };

/* What the WHERE clause says about the partition columns; everything else became RC_TRUE. */
struct route_cond {
    enum route_cond_kind kind;
    enum route_cmp cmp;
    uint16_t key_col; /* index into the partition columns */
    uint32_t n_args;
    const struct route_cond **args; /* AND, OR */
    uint32_t n_values;
    const struct rvalue **values; /* CMP: one; IN: several */
    const struct rvalue *other;   /* CMP that says something only if this is of the same kind: a BETWEEN's other bound, a row's in a list */
};

enum route_kind {
    ROUTE_ANY_SHARD,  /* no table, or BROADCAST tables that are only read */
    ROUTE_ONE_SHARD,  /* SINGLE tables (with BROADCAST ones) */
    ROUTE_PARTITIONS, /* a table group (with BROADCAST tables), pruned by cond */
    ROUTE_ALL_SHARDS  /* BROADCAST table that is written */
};

struct route {
    enum route_kind kind;
    uint32_t shard_id;             /* ROUTE_ONE_SHARD */
    const struct cat_table *table; /* ROUTE_PARTITIONS: the first of the group's tables; ROUTE_ALL_SHARDS: the table */
    const struct route_cond *cond; /* NULL: all partitions */
    const struct rvalue *point;    /* shortcut: one partition column = this value, and nothing else restricts */
    uint32_t also_shard; /* ROUTE_PARTITIONS: SINGLE tables of the statement live on this shard, so that the places must
                          * be there too (optimizer_route checks); 0: none */
    bool split_only;     /* set_branches are of different tables: there is no one-place form, each branch routes itself */
    bool one_place;      /* the statement is right only if it needs one place (plan.refusal says why) */
};

/* ---- splicing: the one-place form ---- */

enum edit_kind {
    EDIT_TEXT,          /* prefix alone */
    EDIT_TABLE,         /* prefix, physical name of `table` (quoted), suffix */
    EDIT_SESSION_VALUE, /* prefix, the value as an SQL literal, suffix */
    EDIT_AUTO_INCREMENT /* prefix, the next id of the insert's table, suffix */
};

/* Replaces the tokens [tok_begin, tok_end) of the statement; equal: inserts before tok_begin. Sorted, disjoint. */
struct edit {
    uint32_t tok_begin, tok_end;
    enum edit_kind kind;
    struct sv prefix, suffix;
    const struct cat_table *table;
    enum session_value value;
    bool global;
    struct sv name; /* user or system variable */
};

/* ---- templates: SQL text with holes, for several places ---- */

enum piece_kind {
    PIECE_TEXT,
    PIECE_TABLE,   /* physical name of `table` at the place, quoted */
    PIECE_LITERAL, /* source text of literal `slot` */
    PIECE_PARAM,   /* parameter `slot` as an SQL literal */
    PIECE_SESSION_VALUE,
    PIECE_PLACE,    /* the place's number */
    PIECE_LIMIT_SUM /* offset + limit, where a fragment must give both (values: limit.offset, limit.count of top) */
};

struct piece {
    enum piece_kind kind;
    struct sv text;
    const struct cat_table *table;
    uint32_t slot;
    enum session_value value;
    bool global;
    struct sv name;
};

struct sql_template {
    const struct piece *pieces;
    size_t n_pieces;
};

/* ---- merging reads ---- */

/* Column `col` of the stage's input; compared by column `weight_col` instead if that is not NO_COL (it holds
 * WEIGHT_STRING of the value, for collations that types/ does not have, or that the planner does not know). Where the
 * shards say that `col` is no string, its weight is NULL and means nothing: the executor compares by `col` then. */
enum { NO_COL = UINT16_MAX };

struct merge_key {
    uint16_t col, weight_col;
    bool desc;
    uint16_t coll; /* collation of the values where the planner knows it from the catalog, else 0 */
};

/* One aggregate over the stage's input columns. Two-phase forms (sum of partial counts, merged averages and variances)
 * are what agg_split() of types/agg.h gives. */
struct merge_agg {
    struct agg_spec spec;
    uint16_t n_args;
    const uint16_t *args;
    const uint16_t *weights; /* by argument: column of its WEIGHT_STRING or NO_COL, for MIN, MAX, DISTINCT and the order of
                              * GROUP_CONCAT on strings whose collation is not native or not known; NULL: none */
};

struct limit_spec {
    const struct rvalue *count, *offset; /* NULL: none */
};

/* Stages in order; each absent one passes rows through:
 * inputs merged (ordered by `merge_order` if n_merge_order, else as they come) -> aggregate -> having -> project ->
 * distinct -> sort -> limit -> first n_visible columns to the client.
 * Columns are those of the stage's input: fragment columns at first; behind aggregate: groups, then aggs; behind
 * project: its items. The last `n_hidden` fragment columns are hidden (sort keys, weights) where there is no project. */
struct plan_top {
    const struct merge_key *merge_order;
    uint16_t n_merge_order;
    bool aggregate;
    const struct merge_key *groups;
    uint16_t n_groups;
    const struct merge_agg *aggs;
    uint16_t n_aggs;
    const struct bexpr *having;
    const struct bexpr *const *project;
    uint16_t n_project;
    bool distinct;
    const struct merge_key *distinct_keys; /* all visible columns, with their weights */
    uint16_t n_distinct_keys;
    const struct merge_key *sort;
    uint16_t n_sort;
    struct limit_spec limit;
    uint16_t n_hidden;
};

/* ---- writes ---- */

struct insert_plan {
    const struct cat_table *table;
    bool values_form;    /* VALUES / SET: rows are split by partition. Else INSERT ... SELECT: n_rows 1 and keys are those of all
                          * rows that it selects, or n_rows 0 */
    bool replace, ignore, on_duplicate;
    uint32_t n_rows, n_cols; /* n_cols: columns of head, an added one included */
    /* Row-major n_rows x n_cols: one template per cell, without parentheses; DEFAULT stays DEFAULT. The cell of a column that
     * was added is DEFAULT too. */
    const struct sql_template *cells;
    const struct rvalue **keys;  /* row-major n_rows x number of partition columns; NULL: see key_exprs, or generated */
    const struct sql_template *key_exprs; /* same shape: expressions a shard must evaluate first; the value also replaces
                                           * the cell key_cells says (n_pieces 0: none) */
    const int32_t *key_cells; /* by partition column: its column of head; -1: not among them */
    /* head: INSERT ... INTO t (cols) VALUES ; tail: ON DUPLICATE KEY UPDATE ... */
    struct sql_template head, tail;
    int32_t auto_col; /* index among the columns of head of the AUTO_INCREMENT column, -1: the table has none.
                       * The planner adds the column to head where the statement leaves it out */
    bool auto_added;
    bool divides;  /* some expression of key_exprs has a division */
    bool unstable; /* some expression gives another value at each call */
    const uint8_t *auto_gen; /* per row: 0 explicit value, 1 generate, 2 generate if the value is NULL or 0 */
    const struct rvalue **auto_values; /* per row: the value given, for auto_gen 2 */
};

/* In which a column is read, written and compared so that nothing of its value is lost: the text of FLOAT has six digits, that of
 * TIMESTAMP is ambiguous in the hour in which summer time ends, that of ENUM is the same for the
 * invalid value and for '', that of SET for none and for an empty member. */
enum exact_form { EXACT_TEXT, EXACT_DOUBLE, EXACT_EPOCH, EXACT_INDEX };
enum exact_form opt_exact_form(const struct cat_column *c);

/* UPDATE that sets a partition column: rows may move. The rows are read under lock; those whose place changes are carried as they are to
 * where they belong; then the client's own SET clause changes all of them where they are, by their old keys. */
struct move_plan {
    const struct cat_table *table;
    /* Ends in FOR UPDATE. Columns: all of the table (hidden ones too) in its order; the new value of each of `assigned`; the exact forms
     * of those columns that have another one than text; for JSON columns (MySQL) whether their text says all. */
    struct sql_template select;
    struct sql_template keyed_select, keyed_tail; /* the same in front of and behind WHERE, for rows that plan.keyed found */
    uint16_t n_checks;
    const uint16_t *assigned; /* ordinals: the partition columns that are assigned; frozen: all that are */
    uint16_t n_assigned;
    uint16_t n_written; /* of these the statement's own; the rest are partition columns that are ON UPDATE CURRENT_TIMESTAMP (frozen) */
    struct sql_template update, order; /* UPDATE ... SET ...; ORDER BY ... or nothing */
    bool frozen; /* the SET clause gives other values at each call, or a partition column follows: the values that were read are written */
    bool ignore; /* UPDATE IGNORE: a row that would be a duplicate stays as it is, with a warning */
    bool ordered;
    bool divides; /* some new value has a division */
    const uint16_t *key_cols; /* ordinals of what tells one row from another */
    uint16_t n_key_cols;
    /* By partition column: its new value where that is known when the statement starts; NULL: not, or not assigned. See
     * optimizer_move_is_local. */
    const struct rvalue *const *new_keys;
};

/* UPDATE and DELETE with ORDER BY or LIMIT over several places. The rows are read under lock, in order, up to the limit; then each
 * place gets head WHERE key IN (...) tail for its rows. */
struct keyed_plan {
    const struct cat_table *table;
    const struct plan *read; /* a SELECT; columns: key_cols in their exact forms first, the place's number last */
    const uint16_t *key_cols;
    uint16_t n_key_cols;
    struct sql_template head, where, tail; /* where: the statement's own condition; tail: ORDER BY, RETURNING */
};

/* A copy of the rows of a table that may matter, as a temporary table on one shard. */
struct offload_input {
    const struct cat_table *table;
    struct sv db, name;      /* of the copy */
    struct sv create;        /* CREATE TEMPORARY TABLE */
    struct sv head;          /* of the statement that stores rows, up to VALUES */
    const struct plan *read; /* fragment and route: the columns in their exact forms; then, for each JSON column of a MySQL server, whether its
                              * text says all */
    const uint16_t *cols;    /* ordinals */
    uint16_t n_cols, n_checks;
};

/* A query that has no fragment: its tables are copied to one shard, and `last`, the statement over the copies, runs there. */
struct offload_plan {
    const struct offload_input *inputs;
    uint16_t n_inputs;
    bool only; /* no place has all tables: there is no one-place form */
    const struct edit *edits; /* last's */
    uint32_t n_edits;
    const struct plan *last;
};

/* ---- the plan ---- */

enum plan_kind {
    PLAN_SELECT,
    PLAN_INSERT, /* REPLACE too */
    PLAN_UPDATE,
    PLAN_DELETE,
    PLAN_MOVE,
    PLAN_OTHER /* relayed as it is to one shard: DO, CHECK TABLE, ... */
};

struct plan {
    struct arena arena;
    uint64_t catalog_version;
    const struct cat_table *const *tables; /* all that the statement names, each once; valid while the snapshot is */
    uint16_t n_tables;
    bool is_held; /* DDL holds one of them (CAT_HELD): who has not used it yet waits. Such a plan is uncacheable */
    uint32_t refs; /* executions and cache entries of one worker; not atomic */
    enum plan_kind kind;
    bool reads_only;      /* no lock taken, nothing written */
    bool returns_rows;
    bool uncacheable;
    bool sets_insert_id;     /* LAST_INSERT_ID(expr) is called. A query's OK packet does not tell the value: ask LAST_INSERT_ID() on
                              * the same connection at once; one place only (OPT_INSERT_ID). A write's OK packet does */
    bool on_duplicate, insert_ignore, insert_select; /* of an INSERT: counts are those of clients with FOUND_ROWS by what these say */
    bool asks_insert_id;     /* INSERT (... RETURNING) whose insert id only the shard's connection knows (the shard generates it, or
                              * LAST_INSERT_ID(expr) is called): no OK packet tells it, so it is asked for behind the statement */
    bool calc_found_rows;    /* SQL_CALC_FOUND_ROWS: one place: ask FOUND_ROWS() there at once; several: the executor counts
                              * the rows in front of top's limit */
    uint16_t n_found_rows;   /* calls of FOUND_ROWS(), which reach no shard */
    bool uses_temporals_now; /* NOW() and the like: the same timestamp must go to all places */
    bool autocommit_breaks;  /* unused by relays: the statement commits implicitly */
    struct route route;
    const struct edit *edits;
    uint32_t n_edits;
    struct sql_template fragment;  /* several places; n_pieces 0: refused with `refusal` */
    const struct plan_top *top;    /* NULL: nothing to merge */
    struct diag refusal;           /* why there is no fragment, naming what is missing; without an offload: the error of several places */
    const struct insert_plan *insert;
    const struct move_plan *move;
    const struct offload_plan *offload; /* several places: instead of fragment, or if what is above it turns out not to be computed here */
    const struct keyed_plan *keyed; /* several places: instead of fragment; PLAN_MOVE: which rows */
    struct sql_template as_written;         /* of a branch whose fragment has other columns: what tells the branch's own */
    const struct plan *const *set_branches; /* UNION over several places: each branch's plan; top applies to the union */
    uint16_t n_set_branches;
    bool set_distinct;
    /* BEXPR_PARAM n of top's expressions is expr_params[n]. */
    const struct rvalue *const *expr_params;
    uint16_t n_expr_params;
    /* Collation of each fragment column where the catalog says it, 0 where it does not (then: the shard's column
     * definition). NULL: nothing known. */
    const uint16_t *col_colls;
    uint16_t n_col_colls;
    uint16_t n_visible;        /* visible columns of a several-places SELECT; 0: not known (all but top.n_hidden) */
    const struct sv *into_vars; /* SELECT ... INTO @a, @b: the (one) row goes there, an OK to the client */
    uint16_t n_into_vars;
    bool into_behind; /* INTO stands behind FROM */
    /* User variables that the statement assigns while it runs (@a := ..). They are not replaced by values: the executor
     * sets them on the connection first and reads them back afterwards. One place only. */
    const struct sv *assigned_vars;
    uint16_t n_assigned_vars;
    uint16_t n_params;
    /* Column definitions of the result as a shard gives them for the original statement, kept by the executor where
     * meta_is_stable: no literal or parameter stands in the select list, so that all executions have the same. */
    bool meta_is_stable;
    struct packet_coldef *meta_defs;
    uint32_t n_meta_defs;
    struct sv digest_text; /* folded, for statistics */
};

/* Frees the plan when the last reference goes. Worker's thread. */
void plan_release(struct plan *p);

static inline struct plan *plan_hold(struct plan *p)
{
    p->refs++;
    return p;
}

#endif
