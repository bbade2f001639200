/* Calls with a syntax of their own (CAST, TRIM, EXTRACT ..), aggregates and windows. Each function is called at the
 * function's name and takes the closing parenthesis. */
#include "parser/p-int.h"


/* Arguments behind '(' up to and with ')'; each may have a name behind AS (loadable functions). */
static void call_args(struct parser *p, struct ast_list *l, bool dynamic_column)
{
    if (accept(p, TK_RPAREN))
        return;
    do {
        uint32_t begin = p->t->begin;
        struct ast_node *e = parse_expr(p);

        if (dynamic_column && is(p, K_AS)) {
            struct ast_cast *c = NEW(p, CAST, cast);

            next(p);
            c->node.begin = begin;
            c->bare = true;
            c->arg = e;
            c->type = parse_cast_type(p);
            e = done(p, c);
        } else if (!dynamic_column && (is(p, K_AS) || is_ident(p) || is_string(p))) {
            struct ast_select_item *item = NEW(p, SELECT_ITEM, select_item);

            item->node.begin = item->expr_begin = begin;
            item->expr_end = p->prev_end;
            item->expr = e;
            (void)accept(p, K_AS);
            if (is(p, TK_STRING)) {
                item->alias = (struct ast_ident){lex_string(p->a, &p->lex, p->t), p->t->begin, p->t->end};
                next(p);
            } else {
                item->alias = parse_ident(p);
            }
            e = done(p, item);
        }
        add(p, l, e);
    } while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

static struct ast_func *func_new(struct parser *p, enum ast_func_form form)
{
    struct ast_func *f = NEW(p, FUNC, func);

    f->form = form;
    f->quoted = p->t->kind < TK_KEYWORD_FIRST;
    f->name = parse_label(p);
    f->quoted = f->quoted && !is(p, TK_DOT) && kw_is_call(kw_find(f->name.name.ptr, f->name.name.len));
    return f;
}

static struct ast_node *func_args(struct parser *p, struct ast_func *f)
{
    expect(p, TK_LPAREN);
    call_args(p, &f->args,
              sv_eq_nocase(f->name.name, SV("column_create")) || sv_eq_nocase(f->name.name, SV("column_add")) ||
                  sv_eq_nocase(f->name.name, SV("column_get")));
    return done(p, f);
}

static struct ast_node *extract_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_EXTRACT);

    expect(p, TK_LPAREN);
    f->unit = parse_need_unit(p);
    expect(p, K_FROM);
    add(p, &f->args, parse_expr(p));
    expect(p, TK_RPAREN);
    return done(p, f);
}

/* The rest of a plain argument list. With a schema in front the names are anyone's, with any number of arguments. */
static struct ast_node *more_args(struct parser *p, struct ast_func *f)
{
    if (accept(p, TK_COMMA))
        parse_exprs(p, &f->args);
    expect(p, TK_RPAREN);
    return done(p, f);
}

/* At '('; so the next one. */
static struct ast_node *trim_args(struct parser *p, struct ast_func *f)
{
    struct ast_node *first;

    expect(p, TK_LPAREN);
    if (ast_ident_set(&f->db) && accept(p, TK_RPAREN))
        return done(p, f);
    if (is(p, K_LEADING) || is(p, K_TRAILING) || is(p, K_BOTH)) {
        f->word = parse_upper(p);
        f->form = AST_FUNC_TRIM;
        if (accept(p, K_FROM)) {
            add(p, &f->args, parse_expr(p));
            expect(p, TK_RPAREN);
            return done(p, f);
        }
    }
    first = parse_expr(p);
    if (f->form == AST_FUNC_TRIM || is(p, K_FROM)) {
        expect(p, K_FROM);
        f->form = AST_FUNC_TRIM;
        add(p, &f->args, parse_expr(p));
        add(p, &f->args, first);
        expect(p, TK_RPAREN);
        return done(p, f);
    }
    add(p, &f->args, first);
    if (ast_ident_set(&f->db))
        return more_args(p, f);
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *substring_args(struct parser *p, struct ast_func *f)
{
    expect(p, TK_LPAREN);
    if (ast_ident_set(&f->db) && accept(p, TK_RPAREN))
        return done(p, f);
    add(p, &f->args, parse_expr(p));
    if (!accept(p, K_FROM))
        return more_args(p, f);
    f->form = AST_FUNC_SUBSTRING;
    add(p, &f->args, parse_expr(p));
    if (accept(p, K_FOR))
        add(p, &f->args, parse_expr(p));
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *position_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_POSITION);

    expect(p, TK_LPAREN);
    add(p, &f->args, parse_bit_expr(p));
    expect(p, K_IN);
    add(p, &f->args, parse_expr(p));
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *char_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_CALL);

    expect(p, TK_LPAREN);
    parse_exprs(p, &f->args);
    if (accept(p, K_USING)) {
        f->form = AST_FUNC_CHAR_USING;
        f->word = parse_charset_name(p);
    }
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *unit_first_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_UNIT_FIRST);

    expect(p, TK_LPAREN);
    f->unit = parse_need_unit(p);
    expect(p, TK_COMMA);
    parse_exprs(p, &f->args);
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *get_format_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_GET_FORMAT);

    expect(p, TK_LPAREN);
    if (!is(p, K_DATE) && !is(p, K_TIME) && !is(p, K_TIMESTAMP) && !is(p, K_DATETIME))
        parser_error(p);
    f->word = parse_upper(p);
    expect(p, TK_COMMA);
    add(p, &f->args, parse_expr(p));
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *weight_string_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_CALL);

    expect(p, TK_LPAREN);
    add(p, &f->args, parse_expr(p));
    if (accept(p, K_AS)) {
        struct ast_type *t = parse_type_new(p);

        f->form = AST_FUNC_WEIGHT_STRING;
        t->base = is(p, K_BINARY) ? AST_TYPE_BINARY : AST_TYPE_CHAR;
        if (!accept(p, K_BINARY) && !accept(p, K_CHARACTER))
            expect(p, K_CHAR);
        expect(p, TK_LPAREN);
        t->length = parse_number(p);
        expect(p, TK_RPAREN);
        f->type = done(p, t);
    } else if (accept(p, TK_COMMA)) {
        parse_exprs(p, &f->args);
    }
    if (is_word(p, "LEVEL")) { /* LEVEL n, .. | n-m, each ASC DESC REVERSE: MariaDB and old MySQL */
        uint32_t begin = p->t->begin;

        next(p);
        while (is(p, TK_INT) || is(p, TK_COMMA) || is(p, TK_MINUS) || is(p, K_ASC) || is(p, K_DESC) || is(p, K_REVERSE))
            next(p);
        f->form = AST_FUNC_WEIGHT_STRING;
        f->word = parse_text_since(p, begin);
    }
    expect(p, TK_RPAREN);
    return done(p, f);
}

/* NULL | ERROR | DEFAULT value, ON EMPTY | ON ERROR, each at most once. */
struct ast_node *parse_on_responses(struct parser *p, struct ast_node **on_empty, struct ast_node **on_error)
{
    for (;;) {
        struct ast_on_response *r = NEW(p, ON_RESPONSE, on_response);

        if (is2(p, K_NULL, K_ON)) {
            next(p);
        } else if (is2(p, K_ERROR, K_ON)) {
            next(p);
            r->what = AST_RESPONSE_ERROR;
        } else if (is(p, K_DEFAULT)) {
            next(p);
            r->what = AST_RESPONSE_DEFAULT;
            r->value = parse_literal(p);
        } else {
            return NULL;
        }
        expect(p, K_ON);
        if (accept(p, K_EMPTY))
            *on_empty = done(p, r);
        else {
            expect(p, K_ERROR);
            *on_error = done(p, r);
        }
    }
}

static struct ast_node *json_value_func(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_CALL);

    expect(p, TK_LPAREN);
    parse_exprs(p, &f->args);
    if (accept_word(p, "RETURNING")) {
        f->form = AST_FUNC_JSON_VALUE;
        f->type = parse_cast_type(p);
    }
    if (!is(p, TK_RPAREN)) {
        f->form = AST_FUNC_JSON_VALUE;
        (void)parse_on_responses(p, &f->on_empty, &f->on_error);
    }
    expect(p, TK_RPAREN);
    return done(p, f);
}

static struct ast_node *cast_func(struct parser *p)
{
    struct ast_cast *c = NEW(p, CAST, cast);

    next(p);
    expect(p, TK_LPAREN);
    c->arg = parse_expr(p);
    if (is_word(p, "AT")) {
        next(p);
        if (!accept_word(p, "LOCAL")) {
            if (!accept_word(p, "TIME"))
                parser_error(p);
            if (!accept_word(p, "ZONE"))
                parser_error(p);
            (void)accept(p, K_INTERVAL);
            c->at_zone = parse_string_literal(p);
        }
    }
    expect(p, K_AS);
    c->type = parse_cast_type(p);
    c->array = accept_word(p, "ARRAY");
    expect(p, TK_RPAREN);
    return done(p, c);
}

static struct ast_node *convert_func(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *arg;
    struct ast_cast *c;

    next(p);
    expect(p, TK_LPAREN);
    arg = parse_expr(p);
    if (accept(p, K_USING)) {
        struct ast_using *u = NEW(p, USING, using);

        u->node.begin = begin;
        u->arg = arg;
        u->charset = parse_charset_name(p);
        expect(p, TK_RPAREN);
        return done(p, u);
    }
    c = NEW(p, CAST, cast);
    c->node.begin = begin;
    c->convert = true;
    c->arg = arg;
    expect(p, TK_COMMA);
    c->type = parse_cast_type(p);
    expect(p, TK_RPAREN);
    return done(p, c);
}

static struct ast_node *match_func(struct parser *p)
{
    struct ast_match *m = NEW(p, MATCH, match);
    bool paren;

    next(p);
    paren = accept(p, TK_LPAREN);
    do
        add(p, &m->columns, parse_column(p));
    while (accept(p, TK_COMMA));
    if (paren)
        expect(p, TK_RPAREN);
    expect(p, K_AGAINST);
    expect(p, TK_LPAREN);
    m->against = parse_bit_expr(p);
    if (is2(p, K_IN, K_BOOLEAN)) {
        next(p);
        next(p);
        expect(p, K_MODE);
        m->mode = AST_MATCH_BOOLEAN;
    } else if (accept(p, K_IN)) {
        expect(p, K_NATURAL);
        expect(p, K_LANGUAGE);
        expect(p, K_MODE);
        m->mode = AST_MATCH_NATURAL;
    }
    if (accept(p, K_WITH)) {
        expect(p, K_QUERY);
        expect(p, K_EXPANSION);
        m->mode = m->mode == AST_MATCH_NATURAL ? AST_MATCH_NATURAL_EXPANSION : AST_MATCH_EXPANSION;
    }
    expect(p, TK_RPAREN);
    return done(p, m);
}

/* ---- aggregates and windows ---- */

static struct ast_node *frame_bound(struct parser *p)
{
    struct ast_bound *b = NEW(p, BOUND, bound);
    bool unbounded = false;

    if (is2(p, K_CURRENT, K_ROW)) {
        next(p);
        next(p);
        b->type = AST_BOUND_CURRENT_ROW;
        return done(p, b);
    }
    if (accept(p, K_UNBOUNDED))
        unbounded = true;
    else
        b->value = parse_expr(p);
    if (accept(p, K_PRECEDING)) {
        b->type = unbounded ? AST_BOUND_UNBOUNDED_PRECEDING : AST_BOUND_PRECEDING;
    } else {
        expect(p, K_FOLLOWING);
        b->type = unbounded ? AST_BOUND_UNBOUNDED_FOLLOWING : AST_BOUND_FOLLOWING;
    }
    return done(p, b);
}

static struct ast_node *window_frame(struct parser *p)
{
    struct ast_frame *f = NEW(p, FRAME, frame);

    f->unit = is(p, K_ROWS) ? AST_FRAME_ROWS : is(p, K_RANGE) ? AST_FRAME_RANGE : AST_FRAME_GROUPS;
    next(p);
    if (accept(p, K_BETWEEN)) {
        f->start = frame_bound(p);
        expect(p, K_AND);
        f->stop = frame_bound(p);
    } else {
        f->start = frame_bound(p);
    }
    if (accept(p, K_EXCLUDE)) {
        if (accept(p, K_CURRENT)) {
            expect(p, K_ROW);
            f->exclude = AST_EXCLUDE_CURRENT_ROW;
        } else if (accept(p, K_GROUP)) {
            f->exclude = AST_EXCLUDE_GROUP;
        } else if (accept(p, K_TIES)) {
            f->exclude = AST_EXCLUDE_TIES;
        } else {
            expect(p, K_NO);
            expect(p, K_OTHERS);
            f->exclude = AST_EXCLUDE_NO_OTHERS;
        }
    }
    return done(p, f);
}

/* '(' [name] [PARTITION BY ..] [ORDER BY ..] [frame] ')' */
struct ast_node *parse_window_spec(struct parser *p)
{
    struct ast_window_spec *w = NEW(p, WINDOW_SPEC, window_spec);

    expect(p, TK_LPAREN);
    if (is_ident(p) && !is(p, K_PARTITION) && !(is(p, K_RANGE) || is(p, K_ROWS) || is(p, K_GROUPS)))
        w->ref = parse_ident(p);
    if (accept(p, K_PARTITION)) {
        expect(p, K_BY);
        parse_exprs(p, &w->partition);
    }
    parse_order_by(p, &w->order);
    if (is(p, K_ROWS) || is(p, K_RANGE) || is(p, K_GROUPS))
        w->frame = window_frame(p);
    expect(p, TK_RPAREN);
    return done(p, w);
}

/* OVER, or what may stand in front of it: FROM FIRST | LAST, RESPECT | IGNORE NULLS. */
static bool window_follows(struct parser *p)
{
    unsigned k1 = peek(p, 1), k2 = peek(p, 2);

    switch (p->t->kind) {
    case K_OVER:
    case K_RESPECT:
        return true;
    case K_IGNORE:
        return k1 == K_NULLS;
    case K_FROM:
        return (k1 == K_FIRST || k1 == K_LAST) && (k2 == K_OVER || k2 == K_RESPECT || k2 == K_IGNORE);
    default:
        return false;
    }
}

/* OVER (..) | OVER name behind a call; the call as it is where there is none. */
struct ast_node *parse_over(struct parser *p, struct ast_node *call)
{
    struct ast_agg *g;

    if (!window_follows(p))
        return call;
    if (call->kind == AST_FUNC) {
        struct ast_func *f = AST_AS(func, call);

        if (f->form != AST_FUNC_CALL || ast_ident_set(&f->db)) {
            parser_error(p);
            return call;
        }
        g = NEW(p, AGG, agg);
        g->node.begin = call->begin;
        g->name = f->name;
        g->quoted = f->quoted;
        g->args = f->args;
    } else if (call->kind == AST_AGG) {
        g = AST_AS(agg, call);
    } else { /* CAST(..), VALUE(..) and the like */
        parser_error(p);
        return call;
    }
    if (accept(p, K_FROM)) {
        g->from_last = is(p, K_LAST);
        next(p);
    }
    if (accept(p, K_RESPECT)) {
        g->nulls = AST_NULLS_RESPECT;
        expect(p, K_NULLS);
    } else if (accept(p, K_IGNORE)) {
        g->nulls = AST_NULLS_IGNORE;
        expect(p, K_NULLS);
    }
    expect(p, K_OVER);
    if (is(p, TK_LPAREN)) {
        g->over = parse_window_spec(p);
    } else {
        struct ast_window_spec *w = NEW(p, WINDOW_SPEC, window_spec);

        w->name_only = true;
        w->ref = parse_ident(p);
        g->over = done(p, w);
    }
    return done(p, g);
}

static struct ast_node *aggregate(struct parser *p)
{
    struct ast_agg *g = NEW(p, AGG, agg);
    unsigned kind = p->t->kind;
    bool lists = kind == K_GROUP_CONCAT || kind == K_JSON_ARRAYAGG;

    g->name = parse_label(p);
    expect(p, TK_LPAREN);
    if (accept(p, K_DISTINCT))
        g->distinct = true;
    else
        (void)accept(p, K_ALL);
    if (kind == K_COUNT && is(p, TK_STAR)) {
        struct ast_star *s = NEW(p, STAR, star);

        next(p);
        add(p, &g->args, done(p, s));
    } else {
        parse_exprs(p, &g->args);
    }
    if (lists) {
        parse_order_by(p, &g->order);
        if (kind == K_GROUP_CONCAT && accept(p, K_SEPARATOR))
            g->separator = parse_string_literal(p);
        g->limit = parse_limit(p);
    }
    expect(p, TK_RPAREN);
    done(p, g);
    if (is2(p, K_WITHIN, K_GROUP)) {
        next(p);
        next(p);
        expect(p, TK_LPAREN);
        parse_order_by(p, &g->within);
        expect(p, TK_RPAREN);
        done(p, g);
    }
    return parse_over(p, &g->node);
}


struct ast_node *parse_plain_call(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_CALL);

    /* db.name( */
    if (is(p, TK_DOT)) {
        f->db = f->name;
        next(p);
        f->name = parse_ident(p);
        if (accept(p, TK_DOT)) {
            f->package = f->name;
            f->name = parse_ident(p);
        } else if (p->maria && sv_eq_nocase(f->name.name, SV("TRIM"))) { /* mariadb_schema.TRIM(LEADING ..) */
            return trim_args(p, f);
        } else if (p->maria &&
                   (sv_eq_nocase(f->name.name, SV("SUBSTR")) || sv_eq_nocase(f->name.name, SV("SUBSTRING")))) {
            return substring_args(p, f);
        }
    }
    return func_args(p, f);
}

/* CURRENT_TIMESTAMP [(n)] and the like. */
struct ast_node *parse_bare_call(struct parser *p)
{
    struct ast_func *f = func_new(p, AST_FUNC_BARE);

    if (is(p, TK_LPAREN)) {
        f->form = AST_FUNC_CALL;
        return func_args(p, f);
    }
    return done(p, f);
}

/* The current token is in front of "(": a call by a syntax of its own, or NULL (nothing is read then). */
struct ast_node *parse_special_call(struct parser *p)
{
    switch (p->t->kind) {
    case K_TIMESTAMPADD:
    case K_TIMESTAMPDIFF:
        return unit_first_func(p);
    case K_GET_FORMAT:
        return get_format_func(p);
    case K_WEIGHT_STRING:
        return weight_string_func(p);
    case K_JSON_VALUE:
        return json_value_func(p);
    case K_CAST:
        return cast_func(p);
    case K_CONVERT:
        return convert_func(p);
    case K_EXTRACT:
        return extract_func(p);
    case K_TRIM:
        return trim_args(p, func_new(p, AST_FUNC_CALL));
    case K_SUBSTRING:
    case K_SUBSTR:
    case K_MID:
        return substring_args(p, func_new(p, AST_FUNC_CALL));
    case K_POSITION:
        return position_func(p);
    case K_CHAR:
        return char_func(p);
    case K_MATCH:
        return match_func(p);
    case K_COUNT:
    case K_SUM:
    case K_AVG:
    case K_MIN:
    case K_MAX:
    case K_BIT_AND:
    case K_BIT_OR:
    case K_BIT_XOR:
    case K_STD:
    case K_STDDEV:
    case K_STDDEV_POP:
    case K_STDDEV_SAMP:
    case K_VARIANCE:
    case K_VAR_POP:
    case K_VAR_SAMP:
    case K_GROUP_CONCAT:
    case K_JSON_ARRAYAGG:
    case K_JSON_OBJECTAGG:
    case K_ST_COLLECT:
    case K_MEDIAN:
    case K_PERCENTILE_CONT:
    case K_PERCENTILE_DISC:
        return aggregate(p);
    default:
        return NULL;
    }
}
