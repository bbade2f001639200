/* Private to the deparser's files. */
#ifndef PARSER_D_INT_H
#define PARSER_D_INT_H

#include "parser/deparse.h"

struct dep {
    const struct deparse_opts *o;
    struct strbuf *b;
    uint32_t mode;
    bool maria;
};

/* Precedence of what is written, loosest first. */
enum prec {
    PREC_ANY,
    PREC_OR,
    PREC_XOR,
    PREC_AND,
    PREC_NOT,
    PREC_IS, /* IS TRUE and the like: looser than a comparison in MySQL's grammar */
    PREC_COMPARE,
    PREC_PREDICATE,
    PREC_BIT_OR, /* from here on: bit_expr */
    PREC_BIT_AND,
    PREC_SHIFT,
    PREC_ADD,
    PREC_MUL,
    PREC_BIT_XOR,
    PREC_CONCAT,
    PREC_UNARY, /* from here on: simple_expr */
    PREC_POSTFIX,
    PREC_PRIMARY
};

static inline void put(struct dep *d, const char *s)
{
    strbuf_puts(d->b, s);
}

static inline void put_sv(struct dep *d, struct sv s)
{
    strbuf_putsv(d->b, s);
}

static inline void put_if(struct dep *d, bool cond, const char *s)
{
    if (cond)
        strbuf_puts(d->b, s);
}

void put_int(struct dep *d, int64_t v);
void put_name(struct dep *d, const struct ast_ident *id);
/* [a.][b.]c, those that are there. */
void put_path(struct dep *d, const struct ast_ident *a, const struct ast_ident *b, const struct ast_ident *c);
/* (a, b) */
void put_names(struct dep *d, const struct ast_idents *l);
void put_names_bare(struct dep *d, const struct ast_idents *l);
void put_string(struct dep *d, struct sv s);
/* Name of a character set, of a collation: in quotes where it must be. */
void put_charset(struct dep *d, struct sv name);
void put_collation(struct dep *d, struct sv name);
const char *put_scope_word(enum ast_scope s); /* "GLOBAL"; empty for none */

/* expressions: d_expr.c */
void put_expr(struct dep *d, const struct ast_node *n, enum prec min);
void put_list(struct dep *d, const struct ast_list *l, const char *sep);
/* Any node. */
void put_node(struct dep *d, const struct ast_node *n);
/* " PREFIX node" when there is one. */
void put_opt(struct dep *d, const char *prefix, const struct ast_node *n);
void put_opt_list(struct dep *d, const char *prefix, const struct ast_list *l);

/* queries and DML: d_query.c; false: not one of its nodes */
bool put_query_node(struct dep *d, const struct ast_node *n);
void put_table(struct dep *d, const struct ast_table *t, bool can_alias);
void put_data_format(struct dep *d, const struct ast_node *n);
/* definitions: d_ddl.c; other statements: d_misc.c */
bool put_ddl_node(struct dep *d, const struct ast_node *n);
bool put_misc_node(struct dep *d, const struct ast_node *n);
void put_options(struct dep *d, const struct ast_list *l, const char *sep);
void put_type(struct dep *d, const struct ast_type *t);

#endif
