/* Binding: which table, derived table or subquery every name of a statement means, and the structure that the rules look at.
 *
 * A statement is a tree of *queries*: a query is a block (one SELECT; or the FROM and WHERE of an UPDATE or DELETE), or a
 * set operation over two queries. A block has *sources* (what stands in FROM), a join tree over them, and the subqueries
 * of its expressions, each with the *context* that it stands in.
 *
 * A context is a set of conjuncts that hold for the rows in question: of WHERE and of inner ON clauses for a block as a
 * whole; in addition those of its ON clause for the null-supplied side of an outer join. Contexts form a tree: a
 * subquery's context has the one that it stands in as parent, because its rows matter only for outer rows that pass.
 *
 * Nothing here is kept in a plan: all of it lives in the scratch arena of one call of optimizer_plan. One thread. */
#ifndef OPTIMIZER_BIND_H
#define OPTIMIZER_BIND_H

#include "parser/ast.h"
#include "util/diag.h"

struct cat_snapshot;
struct cat_table;
struct opt_env;
struct block;
struct query;

enum source_kind {
    SRC_TABLE,
    SRC_SYSTEM,    /* table of information_schema, mysql, performance_schema, sys: every shard has its own */
    SRC_DERIVED,   /* (query) alias, and a reference to a CTE */
    SRC_RECURSIVE, /* reference of a recursive CTE to itself */
    SRC_FUNCTION   /* JSON_TABLE */
};

struct source {
    enum source_kind kind;
    uint16_t id; /* ordinal in the statement */
    struct block *block;
    const struct ast_node *node;    /* TABLE, DERIVED or JSON_TABLE */
    struct sv name;                 /* alias, else the table's name */
    struct sv db;                   /* TABLE, SYSTEM: schema */
    const struct cat_table *table;  /* SRC_TABLE */
    struct query *query;            /* SRC_DERIVED */
    const struct ast_idents *names; /* SRC_DERIVED: column names given beside the alias or the CTE; may be empty */
    struct ctx *ctx;                /* what holds for its rows that matter */
    bool lateral;
    bool nullable; /* on the null-supplied side of an outer join */
};

/* Column `col` of a source: catalog ordinal, or ordinal among the outputs of a derived table. */
struct colref {
    const struct source *src;
    uint16_t col;
};

struct conjunct {
    struct conjunct *next;
    struct ast_node *expr;
    struct block *block; /* where its names are resolved */
};

struct equality {
    struct equality *next;
    struct colref a, b;
};

struct ctx {
    struct ctx *parent;
    struct conjunct *conjuncts;
    struct equality *equalities; /* column = column, of comparable types */
};

enum join_kind { JOIN_SOURCE, JOIN_INNER, JOIN_LEFT };

/* RIGHT joins are mirrored: `left` is always the preserved side. */
struct join {
    enum join_kind kind;
    struct source *src;
    struct join *left, *right;
    struct ast_node *on;
    const struct ast_idents *using;
    bool natural;
    bool was_outer; /* an outer join that a condition turned into an inner one */
    struct ctx *ctx; /* JOIN_LEFT: what holds for matched rows */
};

enum subquery_kind { SUBQ_SCALAR, SUBQ_EXISTS, SUBQ_IN, SUBQ_QUANT };

struct subquery {
    struct subquery *next;
    enum subquery_kind kind;
    struct block *block; /* where it stands */
    struct query *query;
    struct ast_node *left; /* IN, QUANT */
    bool semi;             /* a conjunct EXISTS or IN: rows for which it is unknown do not pass */
    bool negated;          /* NOT IN as a conjunct */
    struct ctx *ctx;       /* that it stands in */
};

/* An output column of a block. */
struct outcol {
    struct sv name;          /* ptr NULL: an expression without alias */
    struct ast_node *expr;   /* NULL: column of an expanded star */
    struct colref ref;       /* src NULL: not a plain column */
};

struct block {
    struct block *outer;   /* for names that this one does not know; NULL: none */
    struct ctx *outer_ctx;
    struct query *query;   /* that it is a leaf of */
    struct ast_node *node; /* SELECT, TABLE_QUERY, VALUES, UPDATE, DELETE, INSERT */
    const struct ast_select *sel; /* NULL for other kinds */
    struct source **sources; /* in the order of the text */
    uint16_t n_sources, cap_sources;
    struct join *from; /* NULL: no table */
    struct ctx *ctx;
    struct subquery *subqueries;
    struct outcol *outs;
    uint16_t n_outs;
    bool outs_known;  /* outs lists every output column */
    bool aggregated;  /* GROUP BY, an aggregate function, or HAVING */
    bool has_windows;
    bool distinct;
};

struct query {
    struct ast_node *node;
    struct block *block; /* leaf; NULL: set operation */
    struct query *left, *right;
    enum ast_setop_op op;
    bool all;
    bool has_order, has_limit; /* at this level */
    struct query *up;          /* the set operation that it is an operand of */
    struct source *owner;      /* of a root: the derived table that it defines; NULL: none */
};

/* Visible CTEs, innermost first. */
struct cte_scope {
    const struct cte_scope *up;
    const struct ast_cte *cte;
    const struct cte_scope *inside; /* what its query sees */
    bool recursive;                 /* WITH RECURSIVE */
    bool used;
};

struct binder {
    struct arena *arena;
    const struct cat_snapshot *snap;
    const struct opt_env *env;
    struct diag *diag;
    struct source **sources; /* every source of the statement */
    uint16_t n_sources, cap_sources;
    const struct cte_scope *recursing; /* CTE whose query is being bound */
    unsigned depth;
    /* What is met on the way. */
    bool has_locks;        /* FOR UPDATE, FOR SHARE */
    struct ast_node *sequence; /* a sequence function: not supported */
};

/* Binds a query (SELECT, VALUES, TABLE, SETOP, PARENQ). outer: enclosing block or NULL. NULL: error in b->diag. */
struct query *bind_query(struct binder *b, struct ast_node *node, const struct cte_scope *ctes, struct block *outer,
    struct ctx *outer_ctx);
/* Binds the table references and WHERE of an UPDATE or DELETE as a block; exprs: further expressions whose subqueries
 * belong to it (SET values, ORDER BY). with: its WITH or NULL. */
struct block *bind_dml(struct binder *b, struct ast_node *node, struct ast_node *with, struct ast_node *from,
    struct ast_node *where, const struct ast_list *const *exprs, size_t n_exprs);
/* One table by name, as a source of block (the target of an INSERT). NULL: error. */
struct source *bind_table(struct binder *b, struct block *block, struct ast_node *table);
struct block *bind_new_block(struct binder *b, struct ast_node *node, struct block *outer, struct ctx *outer_ctx);
/* Finds subqueries of an expression of block, which stands in ctx. */
bool bind_items(struct binder *b, struct block *bl, const struct ast_list *items) MUST_CHECK; /* of RETURNING */
bool bind_expr(struct binder *b, struct block *block, struct ast_node *expr, struct ctx *ctx,
    const struct cte_scope *ctes) MUST_CHECK;

enum resolve_result { RESOLVED, RESOLVE_UNKNOWN, RESOLVE_AMBIGUOUS };
/* What a column name in an expression of block means; outer blocks are looked at too. UNKNOWN also where a source's
 * columns are not known here: a shard will say. */
enum resolve_result bind_resolve(const struct block *block, const struct ast_column *c, struct colref *out);
/* The expression, without parentheses' trace, is a column that resolves. */
bool bind_column_of(const struct block *block, const struct ast_node *expr, struct colref *out);

/* Columns of a source: number (0: not known), name. */
uint16_t bind_n_columns(const struct source *s);
struct sv bind_column_name(const struct source *s, uint16_t col);
/* The catalog's column behind a column reference, through derived tables; NULL: an expression. */
struct colref bind_base_column(struct colref c);
/* The leftmost block of a query: names its columns. */
const struct block *bind_first_block(const struct query *q);

static inline bool colref_eq(struct colref a, struct colref b)
{
    return a.src == b.src && a.col == b.col;
}

#endif
