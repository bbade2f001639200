/* Expressions. Logic levels (OR, XOR, AND, NOT) and comparisons are functions of their own; the operators of bit_expr
 * (| & << + * ^ ||) are parsed by precedence climbing over one table. Names follow MySQL's grammar: expr, bool_pri,
 * predicate, bit_expr, simple_expr ("Operator Precedence" in its manual). Long chains (a + b + c ..) are loops, their
 * height is counted instead (parser_grow). */
#include "parser/p-int.h"

static struct ast_node *parse_primary(struct parser *p);

/* ---- literals ---- */

static struct ast_lit *lit_new(struct parser *p, enum ast_lit_type type)
{
    struct ast_lit *n = NEW(p, LIT, lit);

    n->type = type;
    n->raw = lex_text(&p->lex, p->t);
    n->slot = AST_NO_SLOT;
    return n;
}

/* One or more adjacent strings, with an introducer in front perhaps. */
struct ast_node *parse_string_literal(struct parser *p)
{
    struct ast_lit *n = lit_new(p, AST_LIT_STRING);

    n->value = SV("");
    if (is(p, TK_CHARSET)) {
        struct sv cs = lex_text(&p->lex, p->t);

        n->charset = sv_make(cs.ptr + 1, cs.len - 1);
        next(p);
        if (is(p, TK_HEX) || is(p, TK_BIT)) {
            n->type = is(p, TK_HEX) ? AST_LIT_HEX : AST_LIT_BIT;
            n->quoted = (p->t->flags & TOKEN_QUOTED_HEX) != 0;
            n->value = lex_bytes(p->a, &p->lex, p->t);
            n->slot = p->t->slot;
            n->nslots = 1;
            next(p);
            return done(p, n);
        }
        if (!is(p, TK_STRING))
            parser_error(p);
    } else if (is(p, TK_NSTRING)) {
        n->charset = SV("utf8mb3");
    } else if (!is(p, TK_STRING)) {
        parser_error(p);
        return &n->node;
    }
    n->slot = p->t->slot;
    if (!p->failed) {
        n->value = lex_string(p->a, &p->lex, p->t);
        n->nslots = 1;
        next(p);
    }
    while (is(p, TK_STRING)) {
        struct sv parts[2] = {n->value, lex_string(p->a, &p->lex, p->t)};

        n->value = arena_concat(p->a, parts, 2);
        n->nslots++;
        next(p);
    }
    return done(p, n);
}

static struct ast_node *number_literal(struct parser *p)
{
    struct ast_lit *n = lit_new(p, AST_LIT_INT);

    n->slot = p->t->slot;
    n->nslots = 1;
    n->value = n->raw;
    switch (p->t->kind) {
    case TK_INT:
        break;
    case TK_DECIMAL:
        n->type = AST_LIT_DECIMAL;
        break;
    case TK_FLOAT:
        n->type = AST_LIT_FLOAT;
        break;
    case TK_HEX:
    case TK_BIT:
        n->type = is(p, TK_HEX) ? AST_LIT_HEX : AST_LIT_BIT;
        n->quoted = (p->t->flags & TOKEN_QUOTED_HEX) != 0;
        n->value = lex_bytes(p->a, &p->lex, p->t);
        break;
    default:
        parser_error(p);
        return &n->node;
    }
    next(p);
    return done(p, n);
}

static struct ast_node *word_literal(struct parser *p, enum ast_lit_type type)
{
    struct ast_lit *n = lit_new(p, type);

    next(p);
    return done(p, n);
}

/* DATE '..', TIME '..', TIMESTAMP '..', and the inside of {d '..'}: the word is the current token. */
static struct ast_node *temporal_literal(struct parser *p, enum ast_lit_type type)
{
    struct ast_lit *n = lit_new(p, type);

    next(p);
    n->slot = p->t->slot;
    n->nslots = 1;
    n->value = SV("");
    if (is(p, TK_STRING)) {
        n->value = lex_string(p->a, &p->lex, p->t);
        next(p);
    } else {
        parser_error(p);
    }
    return done(p, n);
}

struct ast_node *parse_literal(struct parser *p)
{
    switch (p->t->kind) {
    case TK_MINUS:
    case TK_PLUS: {
        struct ast_unary *u = NEW(p, UNARY, unary);

        u->op = is(p, TK_MINUS) ? AST_OP_NEG : AST_OP_PLUS;
        next(p);
        u->arg = number_literal(p);
        return done(p, u);
    }
    case TK_STRING:
    case TK_NSTRING:
    case TK_CHARSET:
        return parse_string_literal(p);
    case K_NULL:
        return word_literal(p, AST_LIT_NULL);
    case K_TRUE:
        return word_literal(p, AST_LIT_TRUE);
    case K_FALSE:
        return word_literal(p, AST_LIT_FALSE);
    case K_DATE:
    case K_TIME:
    case K_TIMESTAMP:
        return temporal_literal(p, is(p, K_DATE)   ? AST_LIT_DATE
                                   : is(p, K_TIME) ? AST_LIT_TIME
                                                   : AST_LIT_TIMESTAMP);
    default:
        return number_literal(p);
    }
}

/* ---- names and variables ---- */

struct ast_node *parse_param(struct parser *p)
{
    struct ast_param *q = NEW(p, PARAM, param);

    q->ordinal = p->t->slot;
    next(p);
    return done(p, q);
}

struct ast_node *parse_user_var(struct parser *p)
{
    struct ast_uservar *n = NEW(p, USERVAR, uservar);

    n->name = SV("");
    if (is(p, TK_USERVAR)) {
        n->name = lex_ident(p->a, &p->lex, p->t);
        next(p);
    } else {
        parser_error(p);
    }
    return done(p, n);
}

static struct ast_node *user_var_or_assign(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *var = parse_user_var(p);
    struct ast_assign *n;

    if (!is(p, TK_ASSIGN))
        return var;
    n = NEW(p, ASSIGN, assign);
    n->node.begin = begin;
    next(p);
    n->var = var;
    n->value = parse_expr(p);
    return done(p, n);
}

static enum ast_scope scope_of(const struct parser *p)
{
    switch (p->t->kind) {
    case K_GLOBAL:
        return AST_SCOPE_GLOBAL;
    case K_SESSION:
        return AST_SCOPE_SESSION;
    case K_LOCAL:
        return AST_SCOPE_LOCAL;
    case K_PERSIST:
        return AST_SCOPE_PERSIST;
    case K_PERSIST_ONLY:
        return AST_SCOPE_PERSIST_ONLY;
    default:
        return AST_SCOPE_NONE;
    }
}

static struct ast_node *system_var(struct parser *p)
{
    struct ast_sysvar *n = NEW(p, SYSVAR, sysvar);

    next(p);
    n->scope = peek(p, 1) == TK_DOT ? scope_of(p) : AST_SCOPE_NONE;
    if (n->scope != AST_SCOPE_NONE) {
        next(p);
        next(p);
    }
    if (is(p, TK_STRING) && peek(p, 1) == TK_DOT) /* @@'connection'.name */
        n->name = (struct ast_ident){parse_ident_or_text(p), n->node.begin + 2, p->prev_end};
    else
        n->name = parse_label(p);
    if (accept(p, TK_DOT)) {
        n->base = n->name;
        n->name = parse_label(p);
    }
    return done(p, n);
}

struct ast_node *parse_column(struct parser *p)
{
    struct ast_column *n = NEW(p, COLUMN, column);

    (void)accept(p, TK_DOT);
    n->name = parse_ident(p);
    if (accept(p, TK_DOT)) {
        n->tbl = n->name;
        n->name = parse_ident(p);
        if (accept(p, TK_DOT)) {
            n->db = n->tbl;
            n->tbl = n->name;
            n->name = parse_ident(p);
        }
    }
    return done(p, n);
}

bool parse_unit(struct parser *p, enum ast_unit *unit)
{
    struct sv s = lex_text(&p->lex, p->t);

    if (p->t->kind != TK_IDENT && p->t->kind < TK_KEYWORD_FIRST)
        return false;
    if (s.len > 8 && sv_eq_nocase(sv_make(s.ptr, 8), SV("SQL_TSI_")))
        s = sv_make(s.ptr + 8, s.len - 8);
    for (unsigned u = AST_UNIT_MICROSECOND; u <= AST_UNIT_YEAR_MONTH; u++) {
        if (sv_eq_nocase(s, sv_cstr(ast_unit_text((enum ast_unit)u)))) {
            *unit = (enum ast_unit)u;
            next(p);
            return true;
        }
    }
    return false;
}

enum ast_unit parse_need_unit(struct parser *p)
{
    enum ast_unit u = AST_UNIT_NONE;

    if (!parse_unit(p, &u))
        parser_error(p);
    return u;
}

/* ---- primaries ---- */

void parse_exprs(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, parse_expr(p));
    while (accept(p, TK_COMMA));
}

static struct ast_node *case_expr(struct parser *p)
{
    struct ast_case *c = NEW(p, CASE, case);

    next(p);
    if (!is(p, K_WHEN))
        c->arg = parse_expr(p);
    do {
        struct ast_when *w = NEW(p, WHEN, when);

        expect(p, K_WHEN);
        w->cond = parse_expr(p);
        expect(p, K_THEN);
        w->value = parse_expr(p);
        add(p, &c->whens, done(p, w));
    } while (is(p, K_WHEN));
    if (accept(p, K_ELSE))
        c->els = parse_expr(p);
    expect(p, K_END);
    return done(p, c);
}

/* At INTERVAL in front of "(": a comma directly inside the parentheses makes it the function. */
static bool interval_is_function(struct parser *p)
{
    struct lex l = parser_lookahead(p);
    struct token t;
    unsigned level = 0, tokens = 0;

    lex_next(&l, &t); /* INTERVAL itself */
    for (lex_next(&l, &t); t.kind > TK_ERROR && tokens < 10000; lex_next(&l, &t), tokens++) {
        if (t.kind == TK_LPAREN)
            level++;
        else if (t.kind == TK_RPAREN && --level == 0)
            return false;
        else if (t.kind == TK_COMMA && level == 1)
            return true;
    }
    return false;
}

/* INTERVAL value unit, or the function INTERVAL(a, b, ..). */
static struct ast_node *interval(struct parser *p)
{
    struct ast_interval *n = NEW(p, INTERVAL, interval);

    if (peek(p, 1) == TK_LPAREN && interval_is_function(p))
        return parse_plain_call(p);
    next(p);
    n->value = parse_expr(p);
    n->unit = parse_need_unit(p);
    return done(p, n);
}

/* What follows '(' in an expression: query, expression, row. */
static struct ast_node *parenthesised(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *e;
    struct ast_row *r;

    if (query_starts(p)) {
        struct ast_subquery *s = NEW(p, SUBQUERY, subquery);

        s->query = parse_subquery(p);
        return done(p, s);
    }
    next(p);
    e = parse_expr(p);
    if (!is(p, TK_COMMA)) {
        expect(p, TK_RPAREN);
        return e;
    }
    r = NEW(p, ROW, row);
    r->node.begin = begin;
    add(p, &r->items, e);
    while (accept(p, TK_COMMA))
        add(p, &r->items, parse_expr(p));
    expect(p, TK_RPAREN);
    return done(p, r);
}

/* {d '..'}, {t '..'}, {ts '..'}, {fn expr}, {name expr} */
static struct ast_node *odbc_escape(struct parser *p)
{
    struct ast_node *e;

    next(p);
    if (peek(p, 1) == TK_STRING && (is_word(p, "d") || is_word(p, "t") || is_word(p, "ts"))) {
        e = temporal_literal(p, is_word(p, "d") ? AST_LIT_DATE : is_word(p, "t") ? AST_LIT_TIME : AST_LIT_TIMESTAMP);
        AST_AS(lit, e)->odbc = true;
    } else {
        (void)parse_label(p);
        e = parse_expr(p);
    }
    expect(p, TK_RBRACE);
    return e;
}

static struct ast_node *default_expr(struct parser *p)
{
    struct ast_default *n = NEW(p, DEFAULT, default);

    next(p);
    expect(p, TK_LPAREN);
    n->column = parse_column(p);
    expect(p, TK_RPAREN);
    return done(p, n);
}

static struct ast_node *values_of(struct parser *p)
{
    struct ast_values_of *n = NEW(p, VALUES_OF, values_of);

    next(p);
    expect(p, TK_LPAREN);
    n->column = parse_column(p);
    expect(p, TK_RPAREN);
    return done(p, n);
}

/* NEXT VALUE FOR t, PREVIOUS VALUE FOR t */
static struct ast_node *sequence_value(struct parser *p)
{
    struct ast_seq_func *n = NEW(p, SEQ_FUNC, seq_func);

    n->op = is(p, K_NEXT) ? AST_SEQ_NEXT : AST_SEQ_PREVIOUS;
    next(p);
    next(p);
    expect(p, K_FOR);
    n->table = parse_table_name(p);
    return done(p, n);
}

/* NEXTVAL(t), LASTVAL(t), SETVAL(t, n ..) */
static struct ast_node *sequence_call(struct parser *p)
{
    struct ast_seq_func *n = NEW(p, SEQ_FUNC, seq_func);

    n->op = is(p, K_NEXTVAL) ? AST_SEQ_NEXT : is(p, K_LASTVAL) ? AST_SEQ_PREVIOUS : AST_SEQ_SETVAL;
    next(p);
    expect(p, TK_LPAREN);
    n->table = parse_table_name(p);
    while (n->op == AST_SEQ_SETVAL && accept(p, TK_COMMA))
        add(p, &n->args, parse_literal(p));
    expect(p, TK_RPAREN);
    return done(p, n);
}

static struct ast_node *exists_expr(struct parser *p)
{
    struct ast_exists *n = NEW(p, EXISTS, exists);

    next(p);
    n->query = parse_subquery(p);
    return done(p, n);
}

/* ROW(a, ..) needs two values in MySQL; one is taken too. */
static struct ast_node *row_expr(struct parser *p)
{
    struct ast_row *r = NEW(p, ROW, row);

    next(p);
    r->keyword = true;
    expect(p, TK_LPAREN);
    parse_exprs(p, &r->items);
    expect(p, TK_RPAREN);
    return done(p, r);
}

/* Unreserved words with a meaning of their own in front of "(": NULL where the word is not one of them. */
static struct ast_node *special_call(struct parser *p)
{
    switch (p->t->kind) {
    case K_NEXTVAL:
    case K_LASTVAL:
    case K_SETVAL:
        return p->maria ? sequence_call(p) : NULL;
    case K_VALUE:
        return p->maria ? values_of(p) : NULL;
    case K_ROW:
        return row_expr(p);
    default:
        return parse_special_call(p);
    }
}

/* A reserved word that is a function's name in front of "(". */
static bool reserved_is_function(unsigned kind)
{
    switch (kind) {
    case K_IF:
    case K_LEFT:
    case K_RIGHT:
    case K_REPLACE:
    case K_REPEAT:
    case K_INSERT:
    case K_MOD:
    case K_DATABASE:
    case K_SCHEMA:
    case K_GROUPING:
    case K_RANK:
    case K_DENSE_RANK:
    case K_ROW_NUMBER:
    case K_CUME_DIST:
    case K_PERCENT_RANK:
    case K_NTILE:
    case K_LEAD:
    case K_LAG:
    case K_FIRST_VALUE:
    case K_LAST_VALUE:
    case K_NTH_VALUE:
    case K_CURDATE:
    case K_CURTIME:
    case K_NOW:
    case K_SYSDATE:
    case K_SESSION_USER:
    case K_SYSTEM_USER:
    case K_ADDDATE:
    case K_SUBDATE:
    case K_DATE_ADD:
    case K_DATE_SUB:
        return true;
    default:
        return false;
    }
}

/* Function call or column, at an identifier. */
static struct ast_node *name_expr(struct parser *p)
{
    if (peek(p, 1) == TK_LPAREN) {
        struct ast_node *n = p->t->kind >= TK_KEYWORD_FIRST ? special_call(p) : NULL;

        if (!n)
            n = parse_plain_call(p);
        return parse_over(p, n);
    }
    if (p->t->kind >= TK_KEYWORD_FIRST) {
        if ((is(p, K_DATE) || is(p, K_TIME) || is(p, K_TIMESTAMP)) && peek(p, 1) == TK_STRING)
            return parse_literal(p);
        if ((is(p, K_NEXT) || is(p, K_PREVIOUS)) && peek(p, 1) == K_VALUE && peek(p, 2) == K_FOR)
            return sequence_value(p);
    }
    if (peek(p, 1) == TK_DOT && peek(p, 3) == TK_LPAREN && kind_is_ident(p, peek(p, 2)))
        return parse_plain_call(p);
    if (peek(p, 1) == TK_DOT && peek(p, 3) == TK_DOT && peek(p, 5) == TK_LPAREN && kind_is_ident(p, peek(p, 4)))
        return parse_plain_call(p);
    return parse_column(p);
}

static struct ast_node *unary(struct parser *p, enum ast_op op)
{
    struct ast_unary *u = NEW(p, UNARY, unary);

    u->op = op;
    next(p);
    if (parser_enter(p))
        u->arg = parse_simple_expr(p);
    else
        u->arg = &NEW(p, LIT, lit)->node;
    p->depth--;
    return done(p, u);
}

/* Keywords that start a primary; NULL: this one does not. */
static struct ast_node *keyword_primary(struct parser *p)
{
    struct ast_node *n;

    switch (p->t->kind) {
    case K_NULL:
    case K_TRUE:
    case K_FALSE:
        return parse_literal(p);
    case K_CASE:
        return case_expr(p);
    case K_INTERVAL:
        return interval(p);
    case K_EXISTS:
        return exists_expr(p);
    case K_DEFAULT:
        return default_expr(p);
    case K_VALUES:
        return p->maria && !p->values_func ? NULL : values_of(p);
    case K_ROW:
        return is_ident(p) && peek(p, 1) != TK_LPAREN ? NULL : row_expr(p);
    case K_BINARY:
        return unary(p, AST_OP_BINARY);
    case K_CURRENT_DATE:
    case K_CURRENT_TIME:
    case K_CURRENT_TIMESTAMP:
    case K_CURRENT_USER:
    case K_CURRENT_ROLE:
    case K_LOCALTIME:
    case K_LOCALTIMESTAMP:
    case K_UTC_DATE:
    case K_UTC_TIME:
    case K_UTC_TIMESTAMP:
        return is_ident(p) && peek(p, 1) != TK_LPAREN && is(p, K_CURRENT_ROLE) && !p->maria ? NULL : parse_bare_call(p);
    case K_MATCH: /* the parentheses may be missing */
        return parse_special_call(p);
    default:
        break;
    }
    if (peek(p, 1) != TK_LPAREN)
        return NULL;
    n = parse_special_call(p);
    if (!n && reserved_is_function(p->t->kind))
        n = parse_plain_call(p);
    return n ? parse_over(p, n) : NULL;
}

static struct ast_node *parse_primary(struct parser *p)
{
    struct ast_node *n;

    if (p->t->kind >= TK_KEYWORD_FIRST) {
        n = keyword_primary(p);
        if (n)
            return n;
    }
    if (is_ident(p))
        return name_expr(p);
    switch (p->t->kind) {
    case TK_INT:
    case TK_DECIMAL:
    case TK_FLOAT:
    case TK_HEX:
    case TK_BIT:
        return number_literal(p);
    case TK_STRING:
    case TK_NSTRING:
    case TK_CHARSET:
        return parse_string_literal(p);
    case TK_LPAREN:
        return parenthesised(p);
    case TK_PARAM:
        return parse_param(p);
    case TK_USERVAR:
        return user_var_or_assign(p);
    case TK_ATAT:
        return system_var(p);
    case TK_LBRACE:
        return odbc_escape(p);
    case TK_DOT:
        return parse_column(p);
    default:
        parser_error(p);
        return &NEW(p, LIT, lit)->node;
    }
}

static struct ast_node *binary_new(struct parser *p, enum ast_op op, uint32_t begin, struct ast_node *left)
{
    struct ast_binary *n = NEW(p, BINARY, binary);

    n->node.begin = begin;
    n->op = op;
    n->left = left;
    return &n->node;
}

/* Unary operators and primaries, with COLLATE and -> behind. */
struct ast_node *parse_simple_expr(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *n;

    switch (p->t->kind) {
    case TK_MINUS:
        n = unary(p, AST_OP_NEG);
        break;
    case TK_PLUS:
        n = unary(p, AST_OP_PLUS);
        break;
    case TK_TILDE:
        n = unary(p, AST_OP_BIT_NOT);
        break;
    case TK_BANG:
        n = unary(p, AST_OP_BANG);
        break;
    case K_NOT:
        if (p->opts->mode & SQL_HIGH_NOT_PRECEDENCE) {
            n = unary(p, AST_OP_NOT);
            break;
        }
        n = parse_primary(p);
        break;
    default:
        n = parse_primary(p);
        break;
    }
    for (;;) {
        if (is(p, K_COLLATE)) {
            struct ast_collate *c = NEW(p, COLLATE, collate);

            next(p);
            c->node.begin = begin;
            c->arg = n;
            c->collation = parse_charset_name(p);
            n = done(p, c);
            parser_grow(p);
        } else if (is(p, TK_ARROW) || is(p, TK_ARROW2)) {
            n = binary_new(p, is(p, TK_ARROW) ? AST_OP_JSON_GET : AST_OP_JSON_GET_TEXT, begin, n);
            next(p);
            AST_AS(binary, n)->right = parse_string_literal(p);
            n = done(p, n);
            parser_grow(p);
        } else {
            return n;
        }
    }
}

/* Precedence of the operators inside bit_expr; 0: not one. */
static unsigned bit_op(const struct parser *p, enum ast_op *op)
{
    switch (p->t->kind) {
    case TK_PIPE:
        *op = AST_OP_BIT_OR;
        return 1;
    case TK_AMP:
        *op = AST_OP_BIT_AND;
        return 2;
    case TK_SHL:
        *op = AST_OP_SHL;
        return 3;
    case TK_SHR:
        *op = AST_OP_SHR;
        return 3;
    case TK_PLUS:
        *op = AST_OP_ADD;
        return 4;
    case TK_MINUS:
        *op = AST_OP_SUB;
        return 4;
    case TK_STAR:
        *op = AST_OP_MUL;
        return 5;
    case TK_SLASH:
        *op = AST_OP_DIV;
        return 5;
    case TK_PERCENT:
    case K_MOD:
        *op = AST_OP_MOD;
        return 5;
    case K_DIV:
        *op = AST_OP_INT_DIV;
        return 5;
    case TK_CARET:
        *op = AST_OP_BIT_XOR;
        return 6;
    case TK_PIPE2:
        *op = AST_OP_CONCAT;
        return p->opts->mode & SQL_PIPES_AS_CONCAT ? 7 : 0;
    default:
        return 0;
    }
}

static struct ast_node *climb(struct parser *p, unsigned min)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = parse_simple_expr(p);

    for (;;) {
        enum ast_op op = AST_OP_ADD;
        unsigned prec = bit_op(p, &op);

        if (prec < min || prec == 0)
            return left;
        left = binary_new(p, op, begin, left);
        next(p);
        AST_AS(binary, left)->right = climb(p, prec + 1);
        left = done(p, left);
        parser_grow(p);
    }
}

struct ast_node *parse_bit_expr(struct parser *p)
{
    return climb(p, 1);
}

static struct ast_node *in_predicate(struct parser *p, struct ast_node *left, uint32_t begin, bool negated)
{
    struct ast_in *n = NEW(p, IN, in);

    n->node.begin = begin;
    n->arg = left;
    n->negated = negated;
    next(p);
    if (query_starts(p)) {
        n->query = parse_subquery(p);
        return done(p, n);
    }
    expect(p, TK_LPAREN);
    parse_exprs(p, &n->list);
    expect(p, TK_RPAREN);
    return done(p, n);
}

static struct ast_node *like_predicate(struct parser *p, struct ast_node *left, uint32_t begin, bool negated)
{
    struct ast_like *n = NEW(p, LIKE, like);

    n->node.begin = begin;
    n->op = is(p, K_LIKE) ? AST_OP_LIKE : AST_OP_REGEXP;
    n->arg = left;
    n->negated = negated;
    next(p);
    n->pattern = parse_bit_expr(p);
    if (n->op == AST_OP_LIKE && accept(p, K_ESCAPE))
        n->escape = parse_bit_expr(p);
    return done(p, n);
}

static struct ast_node *parse_predicate(struct parser *p);

static struct ast_node *between_predicate(struct parser *p, struct ast_node *left, uint32_t begin, bool negated)
{
    struct ast_between *n = NEW(p, BETWEEN, between);

    n->node.begin = begin;
    n->arg = left;
    n->negated = negated;
    next(p);
    n->low = parse_bit_expr(p);
    expect(p, K_AND);
    n->high = parser_enter(p) ? parse_predicate(p) : n->low;
    p->depth--;
    return done(p, n);
}

static struct ast_node *parse_predicate(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = parse_bit_expr(p);

    for (;;) {
        bool negated = is(p, K_NOT);
        unsigned kind = negated ? peek(p, 1) : p->t->kind;

        if (kind != K_IN && kind != K_LIKE && kind != K_BETWEEN && kind != K_REGEXP && kind != K_RLIKE) {
            if (negated)
                return left;
            if (kind == K_SOUNDS && peek(p, 1) == K_LIKE) {
                left = binary_new(p, AST_OP_SOUNDS_LIKE, begin, left);
                next(p);
                next(p);
                AST_AS(binary, left)->right = parse_bit_expr(p);
            } else if (kind == K_MEMBER && (peek(p, 1) == TK_LPAREN || peek(p, 1) == K_OF)) {
                left = binary_new(p, AST_OP_MEMBER_OF, begin, left);
                next(p);
                (void)accept(p, K_OF);
                expect(p, TK_LPAREN);
                AST_AS(binary, left)->right = parse_simple_expr(p);
                expect(p, TK_RPAREN);
            } else {
                return left;
            }
            left = done(p, left);
            parser_grow(p);
            continue;
        }
        if (negated)
            next(p);
        if (kind == K_IN)
            left = in_predicate(p, left, begin, negated);
        else if (kind == K_BETWEEN)
            left = between_predicate(p, left, begin, negated);
        else
            left = like_predicate(p, left, begin, negated);
        parser_grow(p);
    }
}

static bool comparison_op(unsigned kind, enum ast_op *op)
{
    switch (kind) {
    case TK_EQ:
        *op = AST_OP_EQ;
        return true;
    case TK_NULL_EQ:
        *op = AST_OP_NULL_EQ;
        return true;
    case TK_NE:
        *op = AST_OP_NE;
        return true;
    case TK_LT:
        *op = AST_OP_LT;
        return true;
    case TK_LE:
        *op = AST_OP_LE;
        return true;
    case TK_GT:
        *op = AST_OP_GT;
        return true;
    case TK_GE:
        *op = AST_OP_GE;
        return true;
    default:
        return false;
    }
}

static struct ast_node *is_test(struct parser *p, struct ast_node *left, uint32_t begin)
{
    struct ast_is *n = NEW(p, IS, is);

    n->node.begin = begin;
    n->arg = left;
    next(p);
    n->negated = accept(p, K_NOT);
    switch (p->t->kind) {
    case K_NULL:
        n->what = AST_IS_NULL;
        break;
    case K_TRUE:
        n->what = AST_IS_TRUE;
        break;
    case K_FALSE:
        n->what = AST_IS_FALSE;
        break;
    case K_UNKNOWN:
        n->what = AST_IS_UNKNOWN;
        break;
    default:
        parser_error(p);
        break;
    }
    next(p);
    return done(p, n);
}

static struct ast_node *parse_comparison(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = parse_predicate(p);

    for (;;) {
        enum ast_op op;

        if (is(p, K_IS)) {
            left = is_test(p, left, begin);
        } else if (comparison_op(p->t->kind, &op)) {
            next(p);
            if ((is(p, K_ANY) || is(p, K_SOME) || is(p, K_ALL)) && peek(p, 1) == TK_LPAREN) {
                struct ast_quant *n = NEW(p, QUANT, quant);

                n->node.begin = begin;
                n->left = left;
                n->op = op;
                n->all = is(p, K_ALL);
                next(p);
                n->query = parse_subquery(p);
                left = done(p, n);
            } else {
                left = binary_new(p, op, begin, left);
                AST_AS(binary, left)->right = parse_predicate(p);
                left = done(p, left);
            }
        } else {
            return left;
        }
        parser_grow(p);
    }
}

static struct ast_node *parse_not(struct parser *p)
{
    struct ast_unary *u;

    if (!is(p, K_NOT) || (p->opts->mode & SQL_HIGH_NOT_PRECEDENCE))
        return parse_comparison(p);
    u = NEW(p, UNARY, unary);
    u->op = AST_OP_NOT;
    next(p);
    if (parser_enter(p))
        u->arg = parse_not(p);
    else
        u->arg = &NEW(p, LIT, lit)->node;
    p->depth--;
    return done(p, u);
}

/* Adds n to the arguments of a logic node; those of an AND inside an AND (OR inside OR) one by one. */
static void logic_add(struct parser *p, struct ast_logic *l, struct ast_node *n)
{
    if (n->kind == AST_LOGIC && AST_AS(logic, n)->op == l->op && l->op != AST_OP_XOR) {
        AST_EACH(arg, &AST_AS(logic, n)->args)
        add(p, &l->args, *arg);
    } else {
        add(p, &l->args, n);
    }
}

static bool logic_op(const struct parser *p, enum ast_op op)
{
    switch (op) {
    case AST_OP_AND:
        return is(p, K_AND) || is(p, TK_AMP2);
    case AST_OP_XOR:
        return is(p, K_XOR);
    default:
        return is(p, K_OR) || (is(p, TK_PIPE2) && !(p->opts->mode & SQL_PIPES_AS_CONCAT));
    }
}

static struct ast_node *parse_logic(struct parser *p, enum ast_op op)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = op == AST_OP_AND ? parse_not(p) : parse_logic(p, op == AST_OP_OR ? AST_OP_XOR : AST_OP_AND);
    struct ast_logic *n;

    if (LIKELY(!logic_op(p, op)))
        return left;
    n = NEW(p, LOGIC, logic);
    n->node.begin = begin;
    n->op = op;
    logic_add(p, n, left);
    while (logic_op(p, op)) {
        next(p);
        logic_add(p, n, op == AST_OP_AND ? parse_not(p) : parse_logic(p, op == AST_OP_OR ? AST_OP_XOR : AST_OP_AND));
    }
    parser_grow(p);
    return done(p, n);
}

struct ast_node *parse_expr(struct parser *p)
{
    uint32_t outer = p->height;
    struct ast_node *n;

    if (!parser_enter(p)) {
        p->depth--;
        return &NEW(p, LIT, lit)->node;
    }
    p->height = 0;
    n = parse_logic(p, AST_OP_OR);
    parser_grow(p);
    if (p->height < outer)
        p->height = outer;
    p->depth--;
    return n;
}

void parse_order_items(struct parser *p, struct ast_list *l)
{
    do {
        struct ast_order_item *o = NEW(p, ORDER_ITEM, order_item);

        o->expr = parse_expr(p);
        if (accept(p, K_ASC))
            o->dir = AST_DIR_ASC;
        else if (accept(p, K_DESC))
            o->dir = AST_DIR_DESC;
        add(p, l, done(p, o));
    } while (accept(p, TK_COMMA));
}
