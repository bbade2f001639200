/* Queries and table references.
 *
 * query     := [WITH] body tail
 * body      := operand { UNION | EXCEPT operand }, INTERSECT binding tighter
 * operand   := SELECT .. | VALUES .. | TABLE t | '(' query ')'
 * tail      := [ORDER BY] [LIMIT] [INTO] [FOR UPDATE ..]
 * Parentheses around a query vanish unless both the inner and the outer query have a tail (AST_PARENQ).
 *
 * Joins: `a JOIN b JOIN c ON x ON y` nests to the right, `a JOIN b JOIN c ON x` to the left, as MySQL's grammar and its
 * rotation of joins without a condition have it; see join_step. */
#include "parser/p-int.h"

/* ---- queries ---- */

static bool is_tail_start(unsigned kind)
{
    switch (kind) {
    case K_UNION:
    case K_EXCEPT:
    case K_INTERSECT:
    case K_MINUS:
    case K_ORDER:
    case K_LIMIT:
    case K_FOR:
    case K_LOCK:
    case K_INTO:
    case K_OFFSET:
    case K_FETCH:
        return true;
    default:
        return false;
    }
}

/* VALUES in front of what makes it a query: ROW( in MySQL; in MariaDB anything where it is no function. */
static bool values_is_query(const struct parser *p, const struct lex *l)
{
    struct lex copy = *l;
    struct token t;

    if (p->maria)
        return !p->values_func;
    lex_next(&copy, &t);
    return t.kind == K_ROW;
}

/* Reads to the ')' that closes the current level. */
static bool skip_to_close(struct lex *l)
{
    struct token t;
    unsigned level = 1;

    for (lex_next(l, &t); t.kind > TK_ERROR; lex_next(l, &t)) {
        if (t.kind == TK_LPAREN)
            level++;
        else if (t.kind == TK_RPAREN && --level == 0)
            return true;
    }
    return false;
}

/* At '(' '(': is the content of the first parenthesis a query, not an expression or table reference that starts with a
 * query in parentheses? Decided by what follows each inner closing parenthesis. The answer for all parentheses of the
 * run is found once: of the innermost `run_queries` ones it is yes. */
static bool nested_query_starts(struct parser *p)
{
    struct lex l = parser_lookahead(p);
    struct token t;
    unsigned level = 0, queries = 1;

    for (lex_next(&l, &t); t.kind == TK_LPAREN; lex_next(&l, &t)) {
        if (++level > LIMIT_PARSE_DEPTH)
            return true; /* an error anyway */
    }
    if (t.kind != K_SELECT && t.kind != K_WITH && t.kind != K_TABLE && !(t.kind == K_VALUES && values_is_query(p, &l)))
        return false;
    if (p->run_end == t.begin)
        return level <= p->run_queries;
    p->run_end = t.begin;
    p->run_queries = level; /* where the parentheses do not match: an error, found later */
    if (!skip_to_close(&l))
        return true;
    for (; queries < level; queries++) {
        lex_next(&l, &t);
        if (t.kind == TK_RPAREN)
            continue;
        if (!is_tail_start(t.kind))
            break;
        if (!skip_to_close(&l))
            return true;
    }
    p->run_queries = queries;
    return level <= queries;
}

bool query_starts(struct parser *p)
{
    unsigned k = p->t->kind;

    if (k == TK_LPAREN) {
        k = peek(p, 1);
        if (k == TK_LPAREN)
            return nested_query_starts(p);
    }
    if (k == K_VALUES) {
        struct lex l = parser_lookahead(p);
        struct token t;

        do
            lex_next(&l, &t);
        while (t.kind == TK_LPAREN);
        return values_is_query(p, &l);
    }
    return k == K_SELECT || k == K_WITH || k == K_TABLE;
}

struct sv parse_hints(struct parser *p)
{
    struct sv s = SV_NULL;

    if (is(p, TK_HINT)) {
        s = lex_text(&p->lex, p->t);
        s = sv_make(s.ptr + 3, s.len - 5);
        next(p);
    }
    return s;
}

static int64_t select_opts(struct parser *p)
{
    int64_t opts = 0;

    for (;; next(p)) {
        switch (p->t->kind) {
        case K_ALL:
            opts |= AST_SEL_ALL;
            break;
        case K_DISTINCT:
        case K_DISTINCTROW:
            opts |= AST_SEL_DISTINCT;
            break;
        case K_HIGH_PRIORITY:
            opts |= AST_SEL_HIGH_PRIORITY;
            break;
        case K_STRAIGHT_JOIN:
            opts |= AST_SEL_STRAIGHT_JOIN;
            break;
        case K_SQL_SMALL_RESULT:
            opts |= AST_SEL_SMALL_RESULT;
            break;
        case K_SQL_BIG_RESULT:
            opts |= AST_SEL_BIG_RESULT;
            break;
        case K_SQL_BUFFER_RESULT:
            opts |= AST_SEL_BUFFER_RESULT;
            break;
        case K_SQL_CACHE:
            opts |= AST_SEL_CACHE;
            break;
        case K_SQL_NO_CACHE:
            opts |= AST_SEL_NO_CACHE;
            break;
        case K_UNIQUE:
            if (!p->maria)
                return opts;
            opts |= AST_SEL_DISTINCT;
            break;
        case K_SQL_CALC_FOUND_ROWS:
            opts |= AST_SEL_CALC_FOUND_ROWS;
            break;
        default:
            return opts;
        }
        if ((is(p, K_SQL_CACHE) || is(p, K_SQL_BUFFER_RESULT)) && (peek(p, 1) == TK_COMMA || peek(p, 1) == K_FROM)) {
            /* unreserved, here a column */
            return is(p, K_SQL_CACHE) ? opts & ~AST_SEL_CACHE : opts & ~AST_SEL_BUFFER_RESULT;
        }
    }
}

/* `*`, `t.*`, `db.t.*`; NULL: an expression stands here. */
static struct ast_node *star_item(struct parser *p)
{
    struct ast_star *s;

    if (is(p, TK_STAR)) {
        s = NEW(p, STAR, star);
        next(p);
        return done(p, s);
    }
    if (!is_ident(p) || peek(p, 1) != TK_DOT)
        return NULL;
    if (peek(p, 2) == TK_STAR) {
        s = NEW(p, STAR, star);
        s->tbl = parse_ident(p);
    } else if (peek(p, 3) == TK_DOT && peek(p, 4) == TK_STAR) {
        s = NEW(p, STAR, star);
        s->db = parse_ident(p);
        next(p);
        s->tbl = parse_ident(p);
    } else {
        return NULL;
    }
    next(p);
    next(p);
    return done(p, s);
}

void parse_select_items(struct parser *p, struct ast_list *l)
{
    do {
        struct ast_select_item *item = NEW(p, SELECT_ITEM, select_item);

        item->expr_begin = p->t->begin;
        item->expr = star_item(p);
        if (!item->expr) {
            item->expr = parse_expr(p);
            item->expr_end = p->prev_end;
            if (accept(p, K_AS) || is_ident(p) || is(p, TK_STRING)) {
                if (is(p, TK_STRING)) {
                    item->alias = (struct ast_ident){lex_string(p->a, &p->lex, p->t), p->t->begin, p->t->end};
                    next(p);
                } else {
                    item->alias = parse_ident(p);
                }
            }
        } else {
            item->expr_end = p->prev_end;
        }
        add(p, l, done(p, item));
    } while (accept(p, TK_COMMA));
}

struct ast_node *parse_where(struct parser *p)
{
    return accept(p, K_WHERE) ? parse_expr(p) : NULL;
}

void parse_order_by(struct parser *p, struct ast_list *l)
{
    if (accept(p, K_ORDER)) {
        expect(p, K_BY);
        parse_order_items(p, l);
    }
}

/* A number, a parameter, or a variable of a stored program. */
static struct ast_node *limit_value(struct parser *p)
{
    if (is(p, TK_PARAM) || is(p, TK_INT) || is(p, TK_HEX) || is(p, TK_BIT))
        return parse_simple_expr(p);
    return parse_column(p);
}

static void fetch_first(struct parser *p, struct ast_limit *n)
{
    if (!accept(p, K_FETCH))
        return;
    n->fetch = true;
    if (!accept(p, K_FIRST))
        expect(p, K_NEXT);
    if (!is(p, K_ROW) && !is(p, K_ROWS))
        n->count = limit_value(p);
    if (!accept(p, K_ROW))
        expect(p, K_ROWS);
    if (accept(p, K_WITH)) {
        expect(p, K_TIES);
        n->with_ties = true;
    } else {
        expect(p, K_ONLY);
    }
}

struct ast_node *parse_limit(struct parser *p)
{
    struct ast_limit *n;

    if (is(p, K_LIMIT)) {
        n = NEW(p, LIMIT, limit);
        next(p);
        if (!accept2(p, K_ROWS, K_EXAMINED)) {
            n->count = limit_value(p);
            if (accept(p, TK_COMMA)) {
                n->offset = n->count;
                n->count = limit_value(p);
            } else if (accept(p, K_OFFSET)) {
                n->offset = limit_value(p);
            }
            if (!accept2(p, K_ROWS, K_EXAMINED))
                return done(p, n);
        }
        n->rows_examined = limit_value(p);
        return done(p, n);
    }
    if (p->maria && (is(p, K_OFFSET) || (is(p, K_FETCH) && (peek(p, 1) == K_FIRST || peek(p, 1) == K_NEXT)))) {
        n = NEW(p, LIMIT, limit);
        n->fetch = true;
        if (accept(p, K_OFFSET)) {
            n->offset = limit_value(p);
            if (!accept(p, K_ROW))
                expect(p, K_ROWS);
        }
        fetch_first(p, n);
        return done(p, n);
    }
    return NULL;
}

struct ast_node *parse_data_format(struct parser *p)
{
    struct ast_data_format *f;

    if (!is(p, K_FIELDS) && !is(p, K_COLUMNS) && !is(p, K_LINES))
        return NULL;
    f = NEW(p, DATA_FORMAT, data_format);
    if (accept(p, K_FIELDS) || accept(p, K_COLUMNS)) {
        for (;;) {
            if (accept(p, K_TERMINATED)) {
                expect(p, K_BY);
                f->terminated = parse_literal(p);
            } else if (is(p, K_OPTIONALLY) || is(p, K_ENCLOSED)) {
                f->optionally = accept(p, K_OPTIONALLY);
                expect(p, K_ENCLOSED);
                expect(p, K_BY);
                f->enclosed = parse_literal(p);
            } else if (accept(p, K_ESCAPED)) {
                expect(p, K_BY);
                f->escaped = parse_literal(p);
            } else {
                break;
            }
        }
        if (!f->terminated && !f->enclosed && !f->escaped)
            parser_error(p);
    }
    if (accept(p, K_LINES)) {
        for (;;) {
            if (accept(p, K_TERMINATED)) {
                expect(p, K_BY);
                f->lines_terminated = parse_literal(p);
            } else if (accept(p, K_STARTING)) {
                expect(p, K_BY);
                f->lines_starting = parse_literal(p);
            } else {
                break;
            }
        }
        if (!f->lines_starting && !f->lines_terminated)
            parser_error(p);
    }
    return done(p, f);
}

static struct ast_node *into_clause(struct parser *p)
{
    struct ast_into *n = NEW(p, INTO, into);

    if (p->nested) /* in a subquery */
        parser_error(p);
    next(p);
    if (accept(p, K_OUTFILE)) {
        n->target = AST_INTO_OUTFILE;
        n->file = parse_string_literal(p);
        if (accept(p, K_CHARSET) || (is2(p, K_CHARACTER, K_SET) && accept2(p, K_CHARACTER, K_SET)) ||
            (is2(p, K_CHAR, K_SET) && accept2(p, K_CHAR, K_SET)))
            n->charset = parse_charset_name(p);
        n->format = parse_data_format(p);
    } else if (accept(p, K_DUMPFILE)) {
        n->target = AST_INTO_DUMPFILE;
        n->file = parse_string_literal(p);
    } else {
        n->target = AST_INTO_VARS;
        do
            add(p, &n->vars, is(p, TK_USERVAR) ? parse_user_var(p) : parse_column(p));
        while (accept(p, TK_COMMA));
    }
    return done(p, n);
}

static struct ast_node *locking_clause(struct parser *p)
{
    struct ast_locking *n = NEW(p, LOCKING, locking);

    if (accept(p, K_LOCK)) {
        expect(p, K_IN);
        expect(p, K_SHARE);
        expect(p, K_MODE);
        n->strength = AST_LOCK_SHARE_MODE;
    } else {
        next(p);
        if (accept(p, K_UPDATE)) {
            n->strength = AST_LOCK_UPDATE;
        } else {
            expect(p, K_SHARE);
            n->strength = AST_LOCK_SHARE;
        }
        if (accept(p, K_OF))
            parse_table_names(p, &n->tables);
    }
    if (accept(p, K_NOWAIT)) {
        n->wait = AST_WAIT_NOWAIT;
    } else if (is2(p, K_SKIP, K_LOCKED)) {
        next(p);
        next(p);
        n->wait = AST_WAIT_SKIP_LOCKED;
    } else if (is2(p, K_WAIT, TK_INT)) {
        next(p);
        n->wait = AST_WAIT_SECONDS;
        n->seconds = parse_literal(p);
    }
    return done(p, n);
}

/* PROCEDURE ANALYSE (MariaDB) */
static bool procedure_follows(struct parser *p)
{
    return p->maria && is(p, K_PROCEDURE) && peek(p, 1) == TK_IDENT &&
           sv_eq_nocase(lex_text(&p->lex, peek_token(p, 1)), SV("ANALYSE"));
}

static bool tail_follows(struct parser *p)
{
    switch (p->t->kind) {
    case K_ORDER:
    case K_LIMIT:
    case K_INTO:
        return true;
    case K_PROCEDURE:
        return procedure_follows(p);
    case K_LOCK:
        return peek(p, 1) == K_IN;
    case K_FOR:
        return peek(p, 1) == K_UPDATE || peek(p, 1) == K_SHARE;
    case K_OFFSET:
    case K_FETCH:
        return p->maria && !(is(p, K_FETCH) && peek(p, 1) != K_FIRST && peek(p, 1) != K_NEXT);
    default:
        return false;
    }
}

static bool has_tail(const struct ast_query *q)
{
    return q->order.n || q->limit || q->into || q->locks.n;
}

/* ORDER BY, LIMIT, INTO, locks behind a body that was in parentheses if `paren`. */
static struct ast_node *query_tail(struct parser *p, struct ast_node *body, bool paren)
{
    struct ast_query *q;

    if (!tail_follows(p) || !ast_is_query(body))
        return body;
    q = (struct ast_query *)(void *)body;
    if (paren && (has_tail(q) || q->with)) {
        struct ast_parenq *w = NEW(p, PARENQ, parenq);

        w->node.begin = body->begin;
        w->query = body;
        q = (struct ast_query *)(void *)w;
        parser_grow(p);
    }
    parse_order_by(p, &q->order);
    q->limit = parse_limit(p);
    if (procedure_follows(p) && body->kind == AST_SELECT && &q->node == body) {
        next(p);
        AST_AS(select, body)->procedure = parse_plain_call(p);
    }
    for (;;) {
        if (is(p, K_INTO)) {
            if (q->into) {
                parser_error(p);
                break;
            }
            q->into = into_clause(p);
        } else if ((is(p, K_FOR) && (peek(p, 1) == K_UPDATE || peek(p, 1) == K_SHARE)) || is2(p, K_LOCK, K_IN)) {
            add(p, &q->locks, locking_clause(p));
        } else {
            break;
        }
    }
    return done(p, q);
}

static void group_by(struct parser *p, struct ast_select *s)
{
    expect(p, K_BY);
    if (is2(p, K_ROLLUP, TK_LPAREN) || is2(p, K_CUBE, TK_LPAREN)) {
        s->grouping = is(p, K_ROLLUP) ? AST_GROUP_ROLLUP : AST_GROUP_CUBE;
        next(p);
        next(p);
        parse_order_items(p, &s->group);
        expect(p, TK_RPAREN);
        return;
    }
    parse_order_items(p, &s->group);
    if (is(p, K_WITH) && (peek(p, 1) == K_ROLLUP || peek(p, 1) == K_CUBE)) {
        next(p);
        s->grouping = is(p, K_ROLLUP) ? AST_GROUP_WITH_ROLLUP : AST_GROUP_WITH_CUBE;
        next(p);
    }
}

static void named_windows(struct parser *p, struct ast_list *l)
{
    do {
        struct ast_window_def *w = NEW(p, WINDOW_DEF, window_def);

        w->name = parse_ident(p);
        expect(p, K_AS);
        w->spec = parse_window_spec(p);
        add(p, l, done(p, w));
    } while (accept(p, TK_COMMA));
}

/* SELECT without its tail. */
static struct ast_node *select_body(struct parser *p)
{
    struct ast_select *s = NEW(p, SELECT, select);

    next(p);
    s->hints = parse_hints(p);
    s->opts = select_opts(p);
    parse_select_items(p, &s->items);
    if (is(p, K_INTO))
        s->into = into_clause(p);
    if (accept(p, K_FROM)) {
        if (is(p, K_DUAL)) {
            next(p);
            s->dual = true;
        } else {
            s->from = parse_table_refs(p);
        }
    }
    s->where = parse_where(p);
    if (accept(p, K_GROUP))
        group_by(p, s);
    if (accept(p, K_HAVING))
        s->having = parse_expr(p);
    if (is(p, K_WINDOW) && peek(p, 2) == K_AS) {
        next(p);
        named_windows(p, &s->windows);
    }
    if (is(p, K_QUALIFY) && !p->maria) {
        next(p);
        s->qualify = parse_expr(p);
    }
    return done(p, s);
}

static struct ast_node *values_body(struct parser *p)
{
    struct ast_values *v = NEW(p, VALUES, values);

    next(p);
    do {
        struct ast_row *r = NEW(p, ROW, row);

        r->keyword = accept(p, K_ROW);
        expect(p, TK_LPAREN);
        if (!is(p, TK_RPAREN))
            parse_dml_values(p, &r->items);
        expect(p, TK_RPAREN);
        add(p, &v->rows, done(p, r));
    } while (accept(p, TK_COMMA));
    return done(p, v);
}

static bool has_into(const struct ast_node *n)
{
    return ast_is_query(n) && ((const struct ast_query *)(const void *)n)->into;
}

static struct ast_node *paren_query(struct parser *p)
{
    struct ast_node *q;

    expect(p, TK_LPAREN);
    q = parse_query(p);
    expect(p, TK_RPAREN);
    return q;
}

static struct ast_node *query_operand(struct parser *p, bool *paren)
{
    *paren = false;
    switch (p->t->kind) {
    case K_SELECT:
        return select_body(p);
    case K_VALUES:
        return values_body(p);
    case K_TABLE: {
        struct ast_table_query *t = NEW(p, TABLE_QUERY, table_query);

        if (p->maria) /* which has no such query; ANALYZE TABLE is something else there */
            parser_error(p);
        next(p);
        t->table = parse_table_name(p);
        return done(p, t);
    }
    case TK_LPAREN:
        *paren = true;
        return paren_query(p);
    default:
        parser_error(p);
        return &NEW(p, SELECT, select)->node;
    }
}

static bool setop_of(struct parser *p, enum ast_setop_op *op)
{
    switch (p->t->kind) {
    case K_UNION:
        *op = AST_UNION;
        return true;
    case K_EXCEPT:
    case K_MINUS:
        if (is(p, K_MINUS) && peek(p, 1) != K_SELECT && peek(p, 1) != TK_LPAREN)
            return false;
        *op = AST_EXCEPT;
        return true;
    case K_INTERSECT:
        *op = AST_INTERSECT;
        return true;
    default:
        return false;
    }
}

/* Operands joined by INTERSECT (level 1), or by UNION and EXCEPT (level 0). */
static struct ast_node *set_operations(struct parser *p, unsigned level, bool *paren)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = level ? query_operand(p, paren) : set_operations(p, 1, paren);
    enum ast_setop_op op;

    while (setop_of(p, &op) && (op == AST_INTERSECT) == (level == 1)) {
        struct ast_setop *n = NEW(p, SETOP, setop);
        bool ignored = false;

        next(p);
        n->node.begin = begin;
        n->op = op;
        n->all = accept(p, K_ALL);
        if (!n->all)
            (void)accept(p, K_DISTINCT);
        n->left = left;
        n->right = level ? query_operand(p, &ignored) : set_operations(p, 1, &ignored);
        if (has_into(left) || (ignored && p->maria && has_into(n->right)))
            parser_error(p);
        if (has_into(n->right)) { /* INTO of the last SELECT is the whole query's */
            n->into = ((struct ast_query *)(void *)n->right)->into;
            ((struct ast_query *)(void *)n->right)->into = NULL;
        }
        left = done(p, n);
        *paren = false;
        parser_grow(p);
    }
    return left;
}

struct ast_node *parse_with(struct parser *p)
{
    struct ast_with *w = NEW(p, WITH, with);

    next(p);
    w->recursive = accept(p, K_RECURSIVE);
    do {
        struct ast_cte *c = NEW(p, CTE, cte);

        c->name = parse_ident(p);
        if (is(p, TK_LPAREN))
            parse_ident_list(p, &c->columns, false);
        expect(p, K_AS);
        c->query = parse_subquery(p);
        if (is(p, K_CYCLE)) {
            next(p);
            do
                ast_idents_add(p->a, &c->cycle, parse_ident(p));
            while (accept(p, TK_COMMA));
            expect(p, K_RESTRICT);
        }
        add(p, &w->ctes, done(p, c));
    } while (accept(p, TK_COMMA));
    return done(p, w);
}

struct ast_node *parse_query(struct parser *p)
{
    uint32_t outer = p->height, begin = p->t->begin;
    struct ast_node *n, *with = NULL;
    bool paren = false, values_func = p->values_func;

    if (!parser_enter(p)) {
        p->depth--;
        return &NEW(p, SELECT, select)->node;
    }
    p->height = 0;
    p->values_func = false;
    if (is(p, K_WITH))
        with = parse_with(p);
    n = set_operations(p, 0, &paren);
    if (with && ast_is_query(n)) {
        struct ast_query *q = (struct ast_query *)(void *)n;

        if (q->with || (paren && has_tail(q) && tail_follows(p))) {
            struct ast_parenq *w = NEW(p, PARENQ, parenq);

            w->query = n;
            w->node.begin = begin;
            n = done(p, w);
            q = (struct ast_query *)(void *)n;
            paren = false;
        }
        q->with = with;
        n->begin = begin;
        n = query_tail(p, n, false);
    } else {
        n = query_tail(p, n, paren);
    }
    parser_grow(p);
    if (p->height < outer)
        p->height = outer;
    p->depth--;
    p->values_func = values_func;
    return n;
}

struct ast_node *parse_subquery(struct parser *p)
{
    struct ast_node *q;

    p->nested++;
    q = paren_query(p);
    p->nested--;
    return q;
}

/* ---- table references ---- */

static void index_hints(struct parser *p, struct ast_list *l)
{
    while (is(p, K_USE) || is(p, K_FORCE) || is(p, K_IGNORE)) {
        struct ast_index_hint *h;

        if (peek(p, 1) != K_INDEX && peek(p, 1) != K_KEY)
            return;
        h = NEW(p, INDEX_HINT, index_hint);
        h->action = is(p, K_USE) ? AST_HINT_USE : is(p, K_FORCE) ? AST_HINT_FORCE : AST_HINT_IGNORE;
        next(p);
        next(p);
        if (accept(p, K_FOR)) {
            if (accept(p, K_JOIN)) {
                h->scope = AST_HINT_JOIN;
            } else {
                h->scope = is(p, K_ORDER) ? AST_HINT_ORDER_BY : AST_HINT_GROUP_BY;
                if (!accept(p, K_ORDER))
                    expect(p, K_GROUP);
                expect(p, K_BY);
            }
        }
        expect(p, TK_LPAREN);
        if (!is(p, TK_RPAREN)) {
            do
                ast_idents_add(p->a, &h->names, is(p, K_PRIMARY) ? parse_label(p) : parse_ident(p));
            while (accept(p, TK_COMMA));
        }
        expect(p, TK_RPAREN);
        add(p, l, done(p, h));
        (void)(is(p, TK_COMMA) && (peek(p, 1) == K_USE || peek(p, 1) == K_FORCE || peek(p, 1) == K_IGNORE) &&
               accept(p, TK_COMMA));
    }
}

struct ast_node *parse_period_point(struct parser *p, enum ast_period_unit *unit)
{
    if (accept(p, K_TRANSACTION))
        *unit = AST_PERIOD_UNIT_TRANSACTION;
    else if (is(p, K_TIMESTAMP) && peek(p, 1) != TK_STRING && peek(p, 1) != TK_LPAREN && accept(p, K_TIMESTAMP))
        *unit = AST_PERIOD_UNIT_TIMESTAMP;
    return parse_bit_expr(p);
}

/* FOR SYSTEM_TIME .., FOR PORTION OF ..; at FOR. */
struct ast_node *parse_period(struct parser *p)
{
    struct ast_period *n = NEW(p, PERIOD, period);

    next(p);
    if (accept(p, K_PORTION)) {
        expect(p, K_OF);
        n->type = AST_PERIOD_PORTION;
        n->name = parse_ident(p);
        expect(p, K_FROM);
        n->from = parse_bit_expr(p);
        expect(p, K_TO);
        n->to = parse_bit_expr(p);
        return done(p, n);
    }
    expect(p, K_SYSTEM_TIME);
    if (accept(p, K_ALL)) {
        n->type = AST_PERIOD_ALL;
    } else if (accept(p, K_BETWEEN)) {
        n->type = AST_PERIOD_BETWEEN;
        n->from = parse_period_point(p, &n->unit);
        expect(p, K_AND);
        n->to = parse_period_point(p, &n->to_unit);
    } else if (accept(p, K_FROM)) {
        n->type = AST_PERIOD_FROM_TO;
        n->from = parse_period_point(p, &n->unit);
        expect(p, K_TO);
        n->to = parse_period_point(p, &n->to_unit);
    } else {
        expect(p, K_AS);
        expect(p, K_OF);
        n->type = AST_PERIOD_AS_OF;
        n->from = parse_period_point(p, &n->unit);
    }
    return done(p, n);
}

/* [AS] alias; `need`: it must be there. */
static struct ast_ident table_alias(struct parser *p, bool need)
{
    struct ast_ident none = {SV_NULL, 0, 0};

    if (accept(p, K_AS) || accept(p, TK_EQ))
        return parse_ident(p);
    if (!is_ident(p))
        return need ? parse_ident(p) : none;
    if (!need && p->t->kind >= TK_KEYWORD_FIRST) {
        if (is(p, K_WINDOW) && peek(p, 2) == K_AS)
            return none;
        if (is(p, K_QUALIFY) || is2(p, K_MINUS, K_SELECT) || is2(p, K_MINUS, TK_LPAREN))
            return none;
        if (is(p, K_OFFSET) || (is(p, K_FETCH) && (peek(p, 1) == K_FIRST || peek(p, 1) == K_NEXT)))
            return p->maria ? none : parse_ident(p);
    }
    return parse_ident(p);
}

static struct ast_node *table_factor_name(struct parser *p)
{
    struct ast_table *t = AST_AS(table, parse_table_name(p));

    if (is2(p, K_PARTITION, TK_LPAREN)) {
        next(p);
        parse_ident_list(p, &t->partitions, false);
    }
    if (is(p, K_FOR) && (peek(p, 1) == K_SYSTEM_TIME || peek(p, 1) == K_PORTION))
        t->period = parse_period(p);
    t->alias = table_alias(p, false);
    index_hints(p, &t->index_hints);
    return done(p, t);
}

static struct ast_node *derived_table(struct parser *p, bool lateral, uint32_t begin)
{
    struct ast_derived *d = NEW(p, DERIVED, derived);

    d->node.begin = begin;
    d->lateral = lateral;
    d->query = parse_subquery(p);
    if (is2(p, K_FOR, K_SYSTEM_TIME))
        d->period = parse_period(p);
    d->alias = table_alias(p, false); /* binding asks for it: error 1248 */
    if (is(p, TK_LPAREN))
        parse_ident_list(p, &d->columns, false);
    return done(p, d);
}

static void jt_columns(struct parser *p, struct ast_list *l);

static struct ast_node *jt_column(struct parser *p)
{
    struct ast_jt_column *c = NEW(p, JT_COLUMN, jt_column);

    if (is(p, K_NESTED) && (peek(p, 1) == K_PATH || peek(p, 1) == TK_STRING)) {
        next(p);
        (void)accept(p, K_PATH);
        c->column = AST_JT_NESTED;
        c->path = parse_string_literal(p);
        if (parser_enter(p))
            jt_columns(p, &c->columns);
        p->depth--;
        return done(p, c);
    }
    c->name = parse_ident(p);
    if (accept(p, K_FOR)) {
        expect(p, K_ORDINALITY);
        c->column = AST_JT_ORDINALITY;
        return done(p, c);
    }
    c->type = parse_data_type(p);
    if (is(p, K_COLLATE)) {
        next(p);
        AST_AS(type, c->type)->collation = parse_ident_or_text(p);
    }
    if (accept(p, K_EXISTS)) {
        c->column = AST_JT_EXISTS;
        expect(p, K_PATH);
        c->path = parse_string_literal(p);
    } else {
        c->column = AST_JT_PATH;
        expect(p, K_PATH);
        c->path = parse_string_literal(p);
        (void)parse_on_responses(p, &c->on_empty, &c->on_error);
    }
    return done(p, c);
}

static void jt_columns(struct parser *p, struct ast_list *l)
{
    expect(p, K_COLUMNS);
    expect(p, TK_LPAREN);
    do
        add(p, l, jt_column(p));
    while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

static struct ast_node *json_table(struct parser *p)
{
    struct ast_json_table *j = NEW(p, JSON_TABLE, json_table);

    next(p);
    expect(p, TK_LPAREN);
    j->expr = parse_expr(p);
    expect(p, TK_COMMA);
    j->path = parse_string_literal(p);
    jt_columns(p, &j->columns);
    expect(p, TK_RPAREN);
    j->alias = table_alias(p, true);
    return done(p, j);
}

struct ast_node *parse_table_factor(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *n;

    switch (p->t->kind) {
    case TK_LPAREN:
        if (query_starts(p))
            return derived_table(p, false, begin);
        next(p);
        n = NULL;
        if (parser_enter(p))
            n = parse_table_refs(p);
        p->depth--;
        expect(p, TK_RPAREN);
        return n ? n : &NEW(p, TABLE, table)->node;
    case TK_LBRACE: /* {oj ..} */
        next(p);
        (void)parse_label(p);
        n = NULL;
        if (parser_enter(p))
            n = parse_table_ref(p);
        p->depth--;
        expect(p, TK_RBRACE);
        return n ? n : &NEW(p, TABLE, table)->node;
    case K_LATERAL:
        if (peek(p, 1) == TK_LPAREN) {
            next(p);
            return derived_table(p, true, begin);
        }
        return table_factor_name(p);
    case K_JSON_TABLE:
        return peek(p, 1) == TK_LPAREN ? json_table(p) : table_factor_name(p);
    default:
        return table_factor_name(p);
    }
}

static bool join_follows(struct parser *p)
{
    switch (p->t->kind) {
    case K_JOIN:
    case K_INNER:
    case K_CROSS:
    case K_STRAIGHT_JOIN:
    case K_LEFT:
    case K_RIGHT:
    case K_NATURAL:
        return true;
    default:
        return false;
    }
}

static void join_words(struct parser *p, struct ast_join *j)
{
    j->type = AST_JOIN_INNER;
    if (accept(p, K_NATURAL))
        j->natural = true;
    if ((!j->natural || p->maria) && accept(p, K_STRAIGHT_JOIN)) {
        j->type = AST_JOIN_STRAIGHT;
        return;
    }
    if (accept(p, K_LEFT) || is(p, K_RIGHT)) {
        j->type = AST_JOIN_LEFT;
        if (accept(p, K_RIGHT))
            j->type = AST_JOIN_RIGHT;
        (void)accept(p, K_OUTER);
    } else if (!j->natural && accept(p, K_CROSS)) {
        j->type = AST_JOIN_CROSS;
    } else {
        (void)accept(p, K_INNER);
    }
    expect(p, K_JOIN);
}

static bool join_condition(struct parser *p, struct ast_join *j)
{
    if (is(p, K_ON) && peek(p, 1) != K_DUPLICATE) {
        next(p);
        j->on = parse_expr(p);
        return true;
    }
    if (is2(p, K_USING, TK_LPAREN)) {
        next(p);
        parse_ident_list(p, &j->using, false);
        return true;
    }
    return false;
}

/* One join operator, at it, with what it joins to `left`. Joins that follow before the condition of this one belong to
 * its right side if a condition for this one comes behind them; if none comes (only inner joins may do without), they
 * are taken off again: t1 JOIN (t2 JOIN t3 ON x) becomes (t1 JOIN t2) JOIN t3 ON x. */
static struct ast_node *join_step(struct parser *p, struct ast_node *left, uint32_t begin)
{
    struct ast_join *j = NEW(p, JOIN, join);
    struct ast_node *first, **leftmost;
    uint32_t right_begin;

    j->node.begin = begin;
    join_words(p, j);
    j->left = left;
    right_begin = p->t->begin;
    first = j->right = parse_table_factor(p);
    parser_grow(p);
    if (j->natural)
        return done(p, j);
    done(p, j);
    if (parser_enter(p)) {
        while (!p->failed && !is(p, K_ON) && !is(p, K_USING) && join_follows(p))
            j->right = join_step(p, j->right, right_begin);
    }
    p->depth--;
    if (join_condition(p, j) || j->right == first) {
        if (!j->on && !j->using.n && (j->type == AST_JOIN_LEFT || j->type == AST_JOIN_RIGHT))
            parser_error(p);
        return done(p, j);
    }
    if (j->type == AST_JOIN_LEFT || j->type == AST_JOIN_RIGHT || p->failed) {
        parser_error(p);
        return done(p, j);
    }
    left = j->right;
    for (leftmost = &left; *leftmost != first; leftmost = &AST_AS(join, *leftmost)->left)
        (*leftmost)->begin = begin;
    *leftmost = &j->node;
    j->right = first;
    return left;
}

struct ast_node *parse_table_ref(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = parse_table_factor(p);

    while (!p->failed && join_follows(p))
        left = join_step(p, left, begin);
    return left;
}

struct ast_node *parse_table_refs(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *left = parse_table_ref(p);

    while (accept(p, TK_COMMA)) {
        struct ast_join *j = NEW(p, JOIN, join);

        j->node.begin = begin;
        j->type = AST_JOIN_COMMA;
        j->left = left;
        j->right = parse_table_ref(p);
        left = done(p, j);
        parser_grow(p);
    }
    return left;
}
