/* Private to the splitter (split.c, split_agg.c): one SELECT block on its way to a fragment and a top. Scratch. */
#ifndef OPTIMIZER_SPLIT_H
#define OPTIMIZER_SPLIT_H

#include "optimizer/opt-int.h"

enum fcol_kind {
    FCOL_ITEM,   /* select item as written, with its alias */
    FCOL_EXPR,   /* expression */
    FCOL_NUMBER, /* expression + 0: the order of ENUM and SET */
    FCOL_WEIGHT, /* WEIGHT_STRING(expression) */
    FCOL_MIN_WEIGHT, /* MIN(WEIGHT_STRING(expression)) */
    FCOL_MAX_WEIGHT,
    FCOL_ORDER_WEIGHT, /* of ORDER BY in GROUP_CONCAT, where NULL sorts as the empty string */
    FCOL_MIN_ORDER_WEIGHT,
    FCOL_KEY,    /* column in its exact form */
    FCOL_PLACE,  /* the place's number */
    FCOL_AGG     /* func([DISTINCT] expression), COUNT(*) without one */
};

/* A column of the fragment. */
struct fcol {
    enum fcol_kind kind;
    struct ast_node *expr;
    const struct ast_list *args; /* FCOL_AGG with several arguments */
    const struct ast_select_item *item;
    const struct cat_column *column; /* FCOL_KEY */
    uint16_t width; /* columns that an item gives: more than one for a star */
    const char *func;
    bool distinct;
    bool named; /* gets the alias tsr_h<n> */
    bool as_number; /* MIN, MAX of a BIT, which MariaDB sends as digits and as bytes, and of a FLOAT */
    bool all_digits; /* a DOUBLE that MariaDB would send rounded to a scale */
    struct expr_type type;
};

struct split {
    struct opt *o;
    struct plan *p;
    const struct query *q;
    const struct block *bl;
    struct ast_select *sel;
    const struct dist *d;
    struct plan_top *top;
    struct fcol *cols;
    uint16_t n_cols, cap_cols; /* entries */
    uint16_t n_out;            /* columns that they give */
    bool no_more;              /* refused */
};

/* Column number of the new fragment column. */
uint16_t split_add(struct split *s, struct fcol c);
/* The same column if there is one already. */
uint16_t split_need(struct split *s, enum fcol_kind kind, struct ast_node *expr, struct expr_type type);
bool split_refuse(struct split *s, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* SELECT head and the columns, FROM and WHERE into t. */
void split_put_head(struct split *s, struct tmpl *t, bool distinct);
void split_put_cols(struct split *s, struct tmpl *t);
void split_put_from_where(struct split *s, struct tmpl *t);
void split_put_locks(struct split *s, struct tmpl *t);
void split_finish_cols(struct split *s);
/* A column of type FLOAT: its text has six digits, so fragments give it as the DOUBLE that it exactly is. */
bool split_is_float(const struct split *s, const struct ast_node *e);
/* Equal expressions. Where that rests on literals being equal, the plan becomes uncacheable. */
bool split_same(const struct split *s, const struct ast_node *a, const struct ast_node *b);
/* What fragments move from a clause into their select list is looked up first, so that the error names the clause. False: 1054 in the
 * statement's diag. */
enum split_clause { SPLIT_ORDER, SPLIT_GROUP, SPLIT_HAVING };
bool split_check_names(struct split *s, struct ast_node *e, enum split_clause clause) MUST_CHECK;
/* An aggregate function outside of subqueries and windows is in the expression. */
bool split_has_aggregate(struct ast_node *e);
/* What ORDER BY or GROUP BY names by position or alias. NULL: out of range (refused). */
struct ast_node *split_deref(struct split *s, struct ast_node *e, bool alias_first);
/* The merge key of a column holding values of a type, given its weight (NO_COL: none). */
struct merge_key split_key(uint16_t col, uint16_t weight, struct expr_type type, bool desc);
/* Aggregation in two phases: fragment groups, top combines. */
bool split_aggregate(struct split *s) MUST_CHECK;

#endif
