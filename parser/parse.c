/* The parser's outside and what all of the grammar shares: token window, errors, names, small pieces. */
#include "parser/p-int.h"

#include <ctype.h>

static const char *const SYNTAX_TEXT[] = {
    [SQL_FLAVOR_MYSQL] = "You have an error in your SQL syntax; check the manual that corresponds to your MySQL server version "
                         "for the right syntax to use",
    [SQL_FLAVOR_MARIADB] = "You have an error in your SQL syntax; check the manual that corresponds to your MariaDB server "
                           "version for the right syntax to use",
};

void parser_fill(struct parser *p)
{
    lex_next(&p->lex, &p->ring[p->filled % PARSER_RING]);
    p->comments[p->filled % PARSER_RING] = p->lex.comments;
    p->filled++;
    if (UNLIKELY(++p->tokens > LIMIT_STATEMENT_TOKENS) && !p->failed) {
        p->lex.pos = p->lex.end;
        p->failed = true;
        (void)diag_setf(p->d, ER_PARSE_ERROR, "The statement has more than %d tokens", LIMIT_STATEMENT_TOKENS);
    }
}

void parser_errorf(struct parser *p, const char *text)
{
    char near[81];
    size_t n;
    int line = 1;
    uint32_t at = p->t->begin;

    if (p->failed)
        return;
    p->failed = true;
    n = (size_t)(p->lex.end - p->lex.text) - at;
    if (n > sizeof near - 1) {
        n = sizeof near - 1;
        while (n > 0 && ((unsigned char)p->lex.text[at + n] & 0xc0) == 0x80)
            n--;
    }
    memcpy(near, p->lex.text + at, n);
    near[n] = '\0';
    for (uint32_t i = 0; i < at; i++)
        line += p->lex.text[i] == '\n';
    (void)diag_set(p->d, ER_PARSE_ERROR, text, near, line);
    /* The rest of the text reads as its end. */
    p->lex.pos = p->lex.end;
    p->lex.comments = 0;
    p->filled = p->head + 1;
    p->t->kind = TK_EOF;
}

void parser_error(struct parser *p)
{
    parser_errorf(p, SYNTAX_TEXT[p->lex.opts->flavor]);
}

bool parser_enter(struct parser *p)
{
    if (LIKELY(++p->depth <= LIMIT_PARSE_DEPTH))
        return true;
    parser_errorf(p, "The statement is nested too deeply");
    return false;
}

void parser_grow(struct parser *p)
{
    if (UNLIKELY(++p->height > PARSER_MAX_HEIGHT))
        parser_errorf(p, "The statement is nested too deeply");
}

struct lex parser_lookahead(const struct parser *p)
{
    struct lex l = p->lex;

    l.pos = l.text + p->t->begin;
    l.prev = TK_EOF;
    l.comments = p->comments[p->head % PARSER_RING];
    return l;
}

bool is_word(const struct parser *p, const char *word)
{
    return (p->t->kind == TK_IDENT || p->t->kind >= TK_KEYWORD_FIRST) &&
           sv_eq_nocase(lex_text(&p->lex, p->t), sv_cstr(word));
}

bool accept_word(struct parser *p, const char *word)
{
    if (!is_word(p, word))
        return false;
    next(p);
    return true;
}

static struct ast_ident take_ident(struct parser *p)
{
    struct ast_ident id = {lex_ident(p->a, &p->lex, p->t), p->t->begin, p->t->end};

    next(p);
    return id;
}

struct ast_ident parse_ident(struct parser *p)
{
    if (LIKELY(is_ident(p)))
        return take_ident(p);
    parser_error(p);
    return (struct ast_ident){SV(""), 0, 0};
}

struct ast_ident parse_label(struct parser *p)
{
    if (p->t->kind >= TK_KEYWORD_FIRST || p->t->kind == TK_CHARSET)
        return take_ident(p);
    return parse_ident(p);
}

struct sv parse_ident_or_text(struct parser *p)
{
    struct sv s;

    if (is(p, TK_STRING)) {
        s = lex_string(p->a, &p->lex, p->t);
        next(p);
        return s;
    }
    return parse_ident(p).name;
}

void parse_ident_list(struct parser *p, struct ast_idents *l, bool empty_ok)
{
    expect(p, TK_LPAREN);
    if (empty_ok && accept(p, TK_RPAREN))
        return;
    do
        ast_idents_add(p->a, l, parse_ident(p));
    while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

struct sv parse_upper(struct parser *p)
{
    struct sv s = arena_dup(p->a, lex_text(&p->lex, p->t));
    char *w = arena_alloc(p->a, s.len + 1);

    for (size_t i = 0; i < s.len; i++)
        w[i] = (char)toupper((unsigned char)s.ptr[i]);
    w[s.len] = '\0';
    if (p->t->kind != TK_IDENT && p->t->kind < TK_KEYWORD_FIRST) {
        parser_error(p);
        return SV("");
    }
    next(p);
    return sv_make(w, s.len);
}

struct sv parse_charset_name(struct parser *p)
{
    if (accept(p, K_BINARY))
        return SV("binary");
    if (accept(p, K_DEFAULT))
        return SV("DEFAULT");
    if (is(p, TK_STRING) || is(p, TK_QUOTED)) {
        struct sv s = parse_ident_or_text(p);

        return sv_eq_nocase(s, SV("binary")) ? SV("binary") : s;
    }
    return parse_ident_or_text(p);
}

/* ---- text that is kept ---- */

/* A token as every spelling of it is written: names in backquotes (which all modes take) if in quotes at all, strings in
 * single ones. */
static void put_token(struct parser *p, struct strbuf *b, const struct lex *l, const struct token *t)
{
    struct sv s = lex_text(l, t);

    if (t->kind == TK_STRING || t->kind == TK_NSTRING) {
        if (t->kind == TK_NSTRING)
            strbuf_putc(b, 'N');
        strbuf_put_quoted(b, lex_string(p->a, l, t), l->opts->mode & SQL_NO_BACKSLASH_ESCAPES);
    } else if (t->kind == TK_QUOTED) {
        strbuf_put_ident(b, lex_ident(p->a, l, t));
    } else if (t->kind == TK_USERVAR && s.len > 1 && (s.ptr[1] == '\'' || s.ptr[1] == '"' || s.ptr[1] == '`')) {
        strbuf_putc(b, '@');
        strbuf_put_ident(b, lex_ident(p->a, l, t));
    } else {
        strbuf_putsv(b, s);
    }
}

/* What stands between two tokens: a blank where the source had anything, since the lexer looks at whether a word and what
 * is behind it touch; and where touching tokens would read as something else once comments are gone or quotes changed. */
static const char *token_gap(const struct lex *l, const struct token *t1, const struct token *t2)
{
    if (t1->end < t2->begin) {
        /* A comment keeps the word from being a function's; with this mode a blank would not. */
        if (t1->kind == TK_IDENT && t2->kind == TK_LPAREN && (l->opts->mode & SQL_IGNORE_SPACE))
            return "/**/";
        return " ";
    }
    if (t2->kind == TK_STRING || t2->kind == TK_NSTRING)
        return " "; /* x"41" is a word and a string, x'41' is not */
    if ((t1->kind == TK_MINUS && t2->kind == TK_MINUS) || (t1->kind == TK_STAR && t2->kind == TK_SLASH))
        return " "; /* no begin and no end of a comment */
    return "";
}

/* Leaves p->at in front of the token that begins at or behind `begin`: with the versioned comments that are open there. */
static struct lex lexer_at(struct parser *p, uint32_t begin)
{
    struct lex before;
    struct token t;

    if ((uint32_t)(p->at.pos - p->at.text) > begin)
        p->at = p->start;
    do {
        before = p->at;
        lex_next(&p->at, &t);
    } while (t.kind > TK_ERROR && t.begin < begin);
    p->at = before;
    return before;
}

struct sv parse_text_since(struct parser *p, uint32_t begin)
{
    struct token t, before = {0};
    struct strbuf b;
    struct lex l;

    if (p->failed || p->in_program || p->prev_end <= begin)
        return SV("");
    l = lexer_at(p, begin);
    strbuf_init(&b, p->a);
    for (lex_next(&l, &t); t.kind > TK_ERROR && t.begin < p->prev_end; lex_next(&l, &t)) {
        if (b.len)
            strbuf_puts(&b, token_gap(&l, &before, &t));
        put_token(p, &b, &l, &t);
        before = t;
    }
    return b.len ? strbuf_sv(&b) : SV("");
}

struct ast_node *parse_table_name(struct parser *p)
{
    struct ast_table *t = NEW(p, TABLE, table);

    (void)accept(p, TK_DOT); /* ODBC's ".name" */
    t->name = parse_ident(p);
    if (accept(p, TK_DOT)) {
        t->db = t->name;
        t->name = parse_ident(p);
    }
    return done(p, t);
}

void parse_table_names(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, parse_table_name(p));
    while (accept(p, TK_COMMA));
}

int64_t parse_number(struct parser *p)
{
    uint64_t v = 0;
    struct sv s = lex_text(&p->lex, p->t);

    if (is(p, TK_HEX)) {
        s = lex_bytes(p->a, &p->lex, p->t);
        for (size_t i = 0; i < s.len; i++)
            v = v > INT64_MAX >> 8 ? INT64_MAX : v << 8 | (unsigned char)s.ptr[i];
    } else if (is(p, TK_INT) || is(p, TK_DECIMAL) || is(p, TK_FLOAT)) {
        size_t n = 0;

        while (n < s.len && s.ptr[n] >= '0' && s.ptr[n] <= '9')
            n++;
        if (n && (!sv_to_u64(sv_make(s.ptr, n), &v) || v > INT64_MAX))
            v = INT64_MAX; /* whoever uses it finds it too large */
    } else {
        parser_error(p);
        return -1;
    }
    next(p);
    return (int64_t)v;
}

bool accept_if_exists(struct parser *p)
{
    return accept2(p, K_IF, K_EXISTS);
}

bool accept_if_not_exists(struct parser *p)
{
    return accept3(p, K_IF, K_NOT, K_EXISTS);
}

struct ast_node *parse_option(struct parser *p, const char *name, struct ast_node *value)
{
    struct ast_option *o = NEW(p, OPTION, option);

    o->name = sv_cstr(name);
    o->value = value;
    if (value)
        o->node.begin = value->begin;
    return done(p, o);
}

static void parser_init(struct parser *p, struct sv text, uint32_t from, const struct sql_opts *opts, struct arena *a,
                        struct diag *d)
{
    memset(p, 0, sizeof *p);
    lex_init(&p->lex, text, from, opts);
    p->start = p->at = p->lex;
    p->a = a;
    p->d = d;
    p->opts = opts;
    p->reserved = p->lex.reserved;
    p->maria = opts->flavor == SQL_FLAVOR_MARIADB;
    p->prev_end = from;
    parser_fill(p);
    p->t = &p->ring[0];
}

bool parser_parse(struct sv text, uint32_t from, const struct sql_opts *opts, struct arena *a, struct parse_result *out,
                  struct diag *d)
{
    struct parser p;

    parser_init(&p, text, from, opts, a, d);
    *out = (struct parse_result){.begin = p.t->begin};
    while (accept(&p, TK_SEMI))
        out->begin = p.t->begin;
    if (is(&p, TK_EOF)) {
        out->end = out->next = p.t->begin;
        return diag_set(d, ER_EMPTY_QUERY);
    }
    out->stmt = parse_statement(&p);
    out->end = p.prev_end;
    out->nliterals = p.lex.literals;
    out->nparams = p.lex.params;
    out->next = (uint32_t)text.len;
    if (!is(&p, TK_EOF) && !is(&p, TK_SEMI))
        parser_error(&p);
    if (p.failed)
        return false;
    if (is(&p, TK_SEMI)) {
        out->next = p.t->end;
        /* Literals of a following statement that were looked at do not count. */
        for (uint32_t i = p.head + 1; i < p.filled; i++) {
            out->nliterals -= lex_is_literal(p.ring[i % PARSER_RING].kind);
            out->nparams -= p.ring[i % PARSER_RING].kind == TK_PARAM;
        }
        out->more = peek(&p, 1) != TK_EOF;
    }
    if (arena_over_limit(a))
        return diag_set(d, ER_OUT_OF_RESOURCES, "parsing");
    return true;
}

bool parser_parse_expr(struct sv text, const struct sql_opts *opts, struct arena *a, struct ast_node **out,
                       struct diag *d)
{
    struct parser p;

    parser_init(&p, text, 0, opts, a, d);
    *out = parse_expr(&p);
    if (!is(&p, TK_EOF))
        parser_error(&p);
    return !p.failed;
}
