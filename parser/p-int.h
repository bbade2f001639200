/* Private to the grammar files p_*.c and parse.c.
 *
 * Errors stick: the first one fills the diag and turns the rest of the text into TK_EOF, so every loop of the grammar
 * ends by itself and no function has error branches. Functions that must give a node give one after an error too
 * (its contents are then meaningless), so results can be used without a test; parser_parse looks at `failed` once. */
#ifndef PARSER_P_INT_H
#define PARSER_P_INT_H

#include "conf/limits.h"
#include "parser/parse.h"

enum {
    PARSER_RING = 16,                         /* tokens looked ahead, at most, plus one */
    PARSER_MAX_HEIGHT = LIMIT_PARSE_DEPTH * 4 /* of a tree with chains a + b + c .., which are parsed by loops */
};

struct parser {
    struct lex lex;
    struct token ring[PARSER_RING];
    uint8_t comments[PARSER_RING]; /* versioned comments that are open at the token */
    struct lex start, at;          /* at the begin of the statement; where parse_text_since began last */
    uint32_t head, filled; /* ring positions of the current token and behind the last one that was read */
    struct token *t;       /* the current token: &ring[head % PARSER_RING] */
    uint32_t prev_end;     /* end of the token before */
    struct arena *a;
    struct diag *d;
    const struct sql_opts *opts;
    uint32_t depth;  /* of recursion */
    uint32_t height; /* of the tallest tree since the innermost parse_expr or query began */
    uint32_t tokens;
    uint8_t reserved;
    uint32_t run_end, run_queries; /* see nested_query_starts */
    uint32_t nested; /* subqueries around the current token */
    bool failed;
    bool maria;
    bool values_func; /* to MariaDB VALUES is a function here: in ON DUPLICATE KEY UPDATE and a partition's function, outside
                       * of their subqueries; elsewhere it begins a query */
    bool in_program; /* inside the body of a stored program */
};

/* ---- tokens ---- */
void parser_fill(struct parser *p);
/* 1064 at the current token. */
void parser_error(struct parser *p);
/* 1064 with a text of one's own in front of near. */
void parser_errorf(struct parser *p, const char *text);
/* False (and the error is set): too deep. Pair with p->depth--. */
bool parser_enter(struct parser *p);
void parser_grow(struct parser *p); /* one more link of a chain */

static inline void next(struct parser *p)
{
    p->prev_end = p->t->end;
    p->head++;
    if (p->head == p->filled)
        parser_fill(p);
    p->t = &p->ring[p->head % PARSER_RING];
}

/* The k-th token behind the current one; k < PARSER_RING - 1. */
static inline const struct token *peek_token(struct parser *p, unsigned k)
{
    while (p->filled <= p->head + k)
        parser_fill(p);
    return &p->ring[(p->head + k) % PARSER_RING];
}

static inline unsigned peek(struct parser *p, unsigned k)
{
    return peek_token(p, k)->kind;
}

static inline bool is(const struct parser *p, unsigned kind)
{
    return p->t->kind == kind;
}

static inline bool is2(struct parser *p, unsigned k1, unsigned k2)
{
    return p->t->kind == k1 && peek(p, 1) == k2;
}

static inline bool accept(struct parser *p, unsigned kind)
{
    if (p->t->kind != kind)
        return false;
    next(p);
    return true;
}

/* Both or none. */
static inline bool accept2(struct parser *p, unsigned k1, unsigned k2)
{
    if (!is2(p, k1, k2))
        return false;
    next(p);
    next(p);
    return true;
}

static inline bool accept3(struct parser *p, unsigned k1, unsigned k2, unsigned k3)
{
    if (!is2(p, k1, k2) || peek(p, 2) != k3)
        return false;
    next(p);
    next(p);
    next(p);
    return true;
}

static inline void expect(struct parser *p, unsigned kind)
{
    if (LIKELY(p->t->kind == kind))
        next(p);
    else
        parser_error(p);
}

static inline void expect2(struct parser *p, unsigned k1, unsigned k2)
{
    expect(p, k1);
    expect(p, k2);
}

static inline bool kind_is_ident(const struct parser *p, unsigned kind)
{
    return lex_is_ident(kind, p->reserved);
}

static inline bool is_ident(const struct parser *p)
{
    return lex_is_ident(p->t->kind, p->reserved);
}

static inline bool is_string(const struct parser *p)
{
    return p->t->kind == TK_STRING || p->t->kind == TK_NSTRING;
}

/* The current token is this word (of any kind of word token). */
bool is_word(const struct parser *p, const char *word);
bool accept_word(struct parser *p, const char *word);
/* A lexer of its own that starts at the current token, to look ahead without limit. */
struct lex parser_lookahead(const struct parser *p);

/* ---- pieces ---- */
static inline struct ast_node *node_new(struct parser *p, enum ast_kind kind)
{
    struct ast_node *n = ast_new(p->a, kind);

    n->begin = p->t->begin;
    n->end = p->t->end;
    return n;
}
#define NEW(p, K, tag) AST_AS(tag, node_new((p), AST_##K))
/* Sets the node's end to the end of the last token and gives the node. */
static inline struct ast_node *done(struct parser *p, void *node)
{
    struct ast_node *n = node;

    n->end = p->prev_end;
    return n;
}

static inline void add(struct parser *p, struct ast_list *l, struct ast_node *n)
{
    ast_list_add(p->a, l, n);
}

struct ast_ident parse_ident(struct parser *p);
/* Any word, reserved or not. */
struct ast_ident parse_label(struct parser *p);
/* ident or 'string' (names of users, charsets, roles, engines). */
struct sv parse_ident_or_text(struct parser *p);
/* '(' ident, .. ')' ; `empty_ok`: () is allowed. */
void parse_ident_list(struct parser *p, struct ast_idents *l, bool empty_ok);
/* The current word in upper case; moves on. */
struct sv parse_upper(struct parser *p);
/* Name of a character set or collation; BINARY and DEFAULT are words. */
struct sv parse_charset_name(struct parser *p);
/* The tokens from `begin` to the last one that was read, each as put_token writes it, without comments: equal token lists give
 * equal texts, and such a text lexes to the tokens that it was made of. Empty inside of programs, whose text is kept as a whole. */
struct sv parse_text_since(struct parser *p, uint32_t begin);
/* [db.]name as TABLE. */
struct ast_node *parse_table_name(struct parser *p);
void parse_table_names(struct parser *p, struct ast_list *l);
/* [=] */
static inline void accept_eq(struct parser *p)
{
    if (!accept(p, TK_EQ))
        (void)accept(p, TK_ASSIGN);
}
/* Digits as a number; -1 and an error for anything else. */
int64_t parse_number(struct parser *p);
bool accept_if_exists(struct parser *p);
bool accept_if_not_exists(struct parser *p);
struct ast_node *parse_option(struct parser *p, const char *name, struct ast_node *value);

/* ---- p_expr.c ---- */
struct ast_node *parse_expr(struct parser *p);
struct ast_node *parse_bit_expr(struct parser *p);
struct ast_node *parse_simple_expr(struct parser *p);
void parse_exprs(struct parser *p, struct ast_list *l);
struct ast_node *parse_literal(struct parser *p);    /* with a sign in front too: UNARY */
struct ast_node *parse_string_literal(struct parser *p);
struct ast_node *parse_column(struct parser *p);
/* ?; at it. */
struct ast_node *parse_param(struct parser *p);
struct ast_node *parse_user_var(struct parser *p);
bool parse_unit(struct parser *p, enum ast_unit *unit); /* false: no unit stands here */
void parse_order_items(struct parser *p, struct ast_list *l);
enum ast_unit parse_need_unit(struct parser *p);

/* ---- p_func.c ---- */
struct ast_node *parse_plain_call(struct parser *p);   /* [db.]name(args) */
struct ast_node *parse_bare_call(struct parser *p);    /* name or name(args) */
struct ast_node *parse_special_call(struct parser *p); /* NULL: the word in front of "(" has no syntax of its own */
struct ast_node *parse_over(struct parser *p, struct ast_node *call); /* with OVER .. behind, if it is there */
struct ast_node *parse_window_spec(struct parser *p);
struct ast_node *parse_on_responses(struct parser *p, struct ast_node **on_empty, struct ast_node **on_error);

/* ---- p_type.c ---- */
struct ast_node *parse_data_type(struct parser *p);
struct ast_node *parse_cast_type(struct parser *p);
struct ast_type *parse_type_new(struct parser *p);
/* CHARACTER SET x, BINARY, COLLATE y .. as they follow a type. */
void parse_charset_options(struct parser *p, struct ast_type *t);

/* ---- p_select.c ---- */
struct ast_node *parse_query(struct parser *p); /* with WITH, set operations, tails */
bool query_starts(struct parser *p);            /* SELECT, WITH, VALUES ROW, TABLE, or '(' in front of such */
struct ast_node *parse_subquery(struct parser *p); /* '(' query ')' : the query */
struct ast_node *parse_table_ref(struct parser *p); /* with joins */
struct ast_node *parse_table_refs(struct parser *p); /* with commas */
struct ast_node *parse_table_factor(struct parser *p);
struct ast_node *parse_where(struct parser *p);     /* NULL: no WHERE here */
void parse_order_by(struct parser *p, struct ast_list *l);
struct ast_node *parse_limit(struct parser *p);     /* NULL: no LIMIT here */
struct ast_node *parse_with(struct parser *p);
struct ast_node *parse_data_format(struct parser *p); /* NULL: neither FIELDS nor LINES here */
void parse_select_items(struct parser *p, struct ast_list *l);
struct sv parse_hints(struct parser *p);
struct ast_node *parse_period(struct parser *p);
/* A point in history: TIMESTAMP and TRANSACTION in front of it say of what kind, unless TIMESTAMP begins a literal or a call. */
struct ast_node *parse_period_point(struct parser *p, enum ast_period_unit *unit);

/* ---- p_table.c ---- */
struct ast_node *parse_option_value(struct parser *p);
struct ast_node *parse_charset_option(struct parser *p); /* NULL: none here; so the next two */
struct ast_node *parse_table_option(struct parser *p);
struct ast_node *parse_constraint(struct parser *p);
struct ast_node *parse_column_def(struct parser *p, bool place);
struct ast_node *parse_table_element(struct parser *p, bool place);
bool parse_key_words(struct parser *p, struct ast_key_def *k, bool bare);
void parse_key_rest(struct parser *p, struct ast_key_def *k);
void parse_key_tail(struct parser *p, struct ast_key_def *k);
void parse_key_parts(struct parser *p, struct ast_key_def *k);
struct ast_node *parse_partition_by(struct parser *p);
struct ast_node *parse_partition_def(struct parser *p);
void parse_partition_defs(struct parser *p, struct ast_list *l);
struct ast_node *parse_create_table(struct parser *p, struct ast_create_table *c);

/* ---- p_alter.c, p_ddl.c, p_program.c, p_account.c, p_session.c, p_show.c ---- */
struct ast_node *parse_alter_table(struct parser *p, struct ast_alter_table *n);
struct ast_node *parse_create(struct parser *p);
struct ast_node *parse_alter(struct parser *p);
struct ast_node *parse_drop(struct parser *p);
struct ast_node *parse_rename(struct parser *p);
struct ast_node *parse_truncate(struct parser *p);
struct ast_node *parse_wait(struct parser *p); /* WAIT n, NOWAIT (MariaDB); NULL: neither */
/* CREATE [DEFINER ..] PROCEDURE | FUNCTION | TRIGGER | EVENT behind the definer, at the object's word. */
struct ast_node *parse_create_routine(struct parser *p, struct ast_create_routine *n);
struct ast_node *parse_compound(struct parser *p); /* a statement as it may stand in a body */
bool compound_starts(struct parser *p);            /* BEGIN NOT ATOMIC, IF, LOOP .. outside of programs (MariaDB) */
struct ast_node *parse_account(struct parser *p);
void parse_accounts(struct parser *p, struct ast_list *l);
struct ast_node *parse_create_user(struct parser *p, struct ast_create_user *n);
struct ast_node *parse_create_role(struct parser *p, struct ast_create_role *n);
struct ast_node *parse_grant(struct parser *p);
struct ast_node *parse_set_role(struct parser *p, bool is_default);
struct ast_node *parse_set(struct parser *p);
struct ast_node *parse_transaction(struct parser *p); /* NULL: none of its statements */
struct ast_node *parse_show(struct parser *p);
struct ast_node *parse_explain(struct parser *p);
/* Statements kept as text: takes tokens up to the end of the statement. */
struct ast_node *parse_text_stmt(struct parser *p, enum ast_text_kind kind, uint32_t begin);

/* ---- p_dml.c, p_misc.c: statements ---- */
struct ast_node *parse_statement(struct parser *p);
/* DEFAULT where it is a whole value; NULL: something else stands here. Inside an expression there is DEFAULT (column) only. */
struct ast_node *parse_default_word(struct parser *p);
/* expr, .. each of which may be DEFAULT, or IGNORE (MariaDB) */
void parse_dml_values(struct parser *p, struct ast_list *l);
struct ast_node *parse_insert(struct parser *p);
struct ast_node *parse_update(struct parser *p, struct ast_node *with);
struct ast_node *parse_delete(struct parser *p, struct ast_node *with);
struct ast_node *parse_load(struct parser *p);
struct ast_node *parse_call(struct parser *p);
struct ast_node *parse_do(struct parser *p);
struct ast_node *parse_handler(struct parser *p);

#endif
