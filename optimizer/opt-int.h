/* Private to optimizer/: the state of one call of optimizer_plan, and what its parts offer each other. */
#ifndef OPTIMIZER_OPT_INT_H
#define OPTIMIZER_OPT_INT_H

#include "optimizer/expr.h"
#include "optimizer/optcat.h"
#include "optimizer/optimizer.h"
#include "optimizer/place.h"
#include "util/array.h"

ARRAY_OF(opt_token_array, struct token);

struct edit_list {
    struct edit *items;
    uint32_t n, cap;
};

/* One call of optimizer_plan. */
struct opt {
    struct arena *scratch; /* ends with the call */
    struct arena *arena;   /* the plan's */
    struct plan *plan;
    struct diag *diag;
    const struct opt_env *env;
    const struct cat_snapshot *snap;
    struct sv text;
    uint32_t from;
    struct token *tokens; /* every token of the statement but its end */
    uint32_t n_tokens;
    struct ast_node *stmt;
    struct binder binder;
    struct placer placer;
    struct edit_list edits;
    const struct rvalue **expr_params;
    uint16_t n_expr_params, cap_expr_params;
    bool has_user_assign;
    bool has_temporal_now;
    bool takes_lock;     /* GET_LOCK */
    bool has_unstable; /* a function that gives another value at each call */
    struct sv unstable_name;
};

/* ---- offload.c ---- */
enum opt_offload {
    OPT_OFFLOAD_SPARE, /* beside a fragment, whose merge may turn out to be beyond the executor */
    OPT_OFFLOAD_ELSE,  /* instead of a fragment */
    OPT_OFFLOAD_ONLY   /* there is no one-place form either */
};
/* What remains when a query has no fragment: plan.offload. Leaves the plan's refusal, with another reason, where not even that is
 * possible. The edits are finished. */
void opt_plan_offload(struct opt *o, enum opt_offload role);
void opt_offload_finish(struct opt *o);

/* ---- tokens ---- */
uint32_t opt_token_at(const struct opt *o, uint32_t byte);   /* first token that begins at or behind the byte */
uint32_t opt_token_past(const struct opt *o, uint32_t byte); /* first token that begins behind what ends at the byte */

/* ---- edits: splice.c ---- */
void opt_edit_add(struct opt *o, struct edit e);
/* The name of s becomes that of its copy. */
void opt_edit_copy(struct opt *o, const struct source *s, struct sv name);
/* Edits for the names of all sources, and for session values; into o->edits. */
/* Names of the user variables that the statement assigns; before anything is planned. */
void opt_find_assigned(struct opt *o);
bool opt_edits_collect(struct opt *o) MUST_CHECK;
/* Qualifiers `t.` of columns of an unaliased target (INSERT, single-table DELETE) become the physical name. */
void opt_edits_qualifiers(struct opt *o, struct ast_node *root, const struct source *target);
/* RETURNING: expressions without an alias get their source text as one, since it is the column's name. */
/* Whether a quotient (or an aggregate, which may be an average) stands in the expression: MariaDB keeps digits of it that it does not show. */
bool opt_divides(struct ast_node *e);
bool opt_name_of_item(const struct opt *o, const struct ast_select_item *it, struct sv *name);
void opt_edits_names(struct opt *o, const struct ast_list *items);
/* Sorts the edits into the plan. */
void opt_edits_finish(struct opt *o);

/* ---- templates: tmpl.c ---- */
struct tmpl {
    struct opt *o;
    struct piece *pieces;
    uint32_t n, cap;
    struct strbuf text; /* not yet a piece */
};

void tmpl_init(struct tmpl *t, struct opt *o);
void tmpl_puts(struct tmpl *t, const char *s);
void tmpl_put(struct tmpl *t, struct sv s);
void tmpl_ident(struct tmpl *t, struct sv name);
/* The statement's own tokens [begin, end), with the edits that lie inside applied; literals and parameters become holes. */
void tmpl_tokens(struct tmpl *t, uint32_t begin, uint32_t end);
/* All tokens from one on, and what edits put behind the last. */
void tmpl_rest(struct tmpl *t, uint32_t begin);
/* An AST node's source text, in the parentheses that stand around it (expressions that were written so). */
void tmpl_node(struct tmpl *t, const struct ast_node *n);
void tmpl_range(struct tmpl *t, uint32_t begin_byte, uint32_t end_byte);
void tmpl_table(struct tmpl *t, const struct cat_table *table);
void tmpl_rvalue(struct tmpl *t, const struct rvalue *v);
void tmpl_limit_sum(struct tmpl *t);
void tmpl_place(struct tmpl *t); /* the place's number */
struct sql_template tmpl_finish(struct tmpl *t);

/* ---- kinds of statements ---- */
bool opt_plan_query(struct opt *o) MUST_CHECK;  /* query.c */
bool opt_plan_insert(struct opt *o) MUST_CHECK; /* insert.c */
bool opt_plan_update(struct opt *o) MUST_CHECK; /* dml.c */
bool opt_plan_delete(struct opt *o) MUST_CHECK;

/* What tables the whole statement has. */
struct whole {
    const struct cat_table *part;   /* first partitioned one; NULL: none */
    const struct cat_table *single; /* first one that is on one shard */
    struct sv why;                  /* ptr set: there is no place that could have them all, and why */
};
struct whole opt_whole(const struct opt *o);
/* Kind, shard, table of the plan's route (not the condition). */
void opt_route_simple(struct opt *o, const struct whole *w);
void opt_route_cond(struct plan *p, const struct route_cond *c);
void opt_refuse(struct opt *o, struct plan *p, struct sv what);
bool opt_unsupported(struct opt *o, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- fold.c ---- */
bool opt_unit_of(enum ast_unit u, uint8_t *out);
/* False: not computed (an overflow, a bad value). */
bool opt_rcall_value(const struct rcall *c, const struct plan_inputs *in, struct arena *a, struct value *out) MUST_CHECK;

/* ---- keyed.c: rows that are read first, then changed by key ---- */
/* The primary key, else a unique one of columns that are NOT NULL; NULL: nothing tells one row from another. */
const struct cat_key *opt_row_key(const struct cat_table *t);
/* Its columns; 0: there is none. */
uint16_t opt_row_key_cols(struct opt *o, const struct cat_table *t, const uint16_t **cols);
/* The token that begins the first of these clauses outside of parentheses; n_tokens: there is none. */
uint32_t opt_clause_at(const struct opt *o, uint32_t from, int a, int b, int c);
/* A column, qualified by the name of s (NULL: not). */
void opt_put_column(struct tmpl *t, const struct source *s, const struct cat_column *c);
/* 1 where the text of a JSON value says all of it that counts (MySQL: no date, no binary bytes, no DECIMAL with zeros at its end inside). */
void opt_put_json_check(struct tmpl *t, const struct source *s, const struct cat_column *c);
/* The column in the form in which its text tells all of its value. */
void opt_put_exact(struct tmpl *t, const struct source *s, const struct cat_column *c);

struct keyed_stmt {
    const char *verb;
    struct ast_node *from, *where, *limit;
    const struct ast_list *order;
};
/* plan.keyed of a single-table statement. False: refused in the plan, or the statement's diag is set. */
bool opt_plan_keyed(struct opt *o, const struct block *bl, const struct keyed_stmt *st) MUST_CHECK;

/* ---- split.c: several places ---- */
/* The statement that reads the keys of the rows of sel (a SELECT without items), into k->read. */
bool split_keys(struct opt *o, const struct block *bl, struct ast_select *sel, struct keyed_plan *k) MUST_CHECK;
/* Fragment and top of a single block that is pushable as d; into p (the statement's plan or a branch's). False: p->refusal
 * says why. */
bool split_select(struct opt *o, struct plan *p, const struct query *q, const struct dist *d) MUST_CHECK;
/* LIMIT clause (or NULL) to numbers; false: refused in o->plan. */
bool split_limit(struct opt *o, const struct ast_node *limit, struct limit_spec *out) MUST_CHECK;
/* How output column col of a union compares; false: its values do not compare here. */
bool split_union_key(struct opt *o, const struct query *q, uint16_t col, struct merge_key *out) MUST_CHECK;
/* The output column of a block that an ORDER BY expression means by position, alias or name; -1: none. */
int split_output_of(struct opt *o, const struct block *bl, const struct ast_node *e);

#endif
