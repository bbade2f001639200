/* INSERT, REPLACE, UPDATE, DELETE, LOAD, CALL, DO, HANDLER. Each function is called at the statement's verb. */
#include "parser/p-int.h"

/* ---- INSERT, REPLACE ---- */

static enum ast_priority insert_priority(struct parser *p)
{
    if (accept(p, K_LOW_PRIORITY))
        return AST_PRIORITY_LOW;
    if (accept(p, K_DELAYED))
        return AST_PRIORITY_DELAYED;
    if (accept(p, K_HIGH_PRIORITY))
        return AST_PRIORITY_HIGH;
    return AST_PRIORITY_NONE;
}

struct ast_node *parse_default_word(struct parser *p)
{
    struct ast_default *n;

    if (!is(p, K_DEFAULT) || peek(p, 1) == TK_LPAREN)
        return NULL;
    n = NEW(p, DEFAULT, default);
    next(p);
    return done(p, n);
}

/* A value of a row or an assignment: an expression, DEFAULT, or IGNORE (MariaDB). */
static struct ast_node *dml_value(struct parser *p)
{
    struct ast_node *word = parse_default_word(p);

    if (word)
        return word;
    if (is(p, K_IGNORE) && p->maria) {
        struct ast_default *n = NEW(p, DEFAULT, default);

        n->ignore = true;
        next(p);
        return done(p, n);
    }
    return parse_expr(p);
}

void parse_dml_values(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, dml_value(p));
    while (accept(p, TK_COMMA));
}

static struct ast_node *assignment(struct parser *p)
{
    struct ast_assignment *n = NEW(p, ASSIGNMENT, assignment);

    n->target = parse_column(p);
    if (!accept(p, TK_EQ))
        expect(p, TK_ASSIGN);
    n->value = dml_value(p);
    return done(p, n);
}

static void assignments(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, assignment(p));
    while (accept(p, TK_COMMA));
}

static void value_rows(struct parser *p, struct ast_insert *n)
{
    do {
        struct ast_row *r = NEW(p, ROW, row);

        r->keyword = accept(p, K_ROW);
        expect(p, TK_LPAREN);
        if (!is(p, TK_RPAREN))
            parse_dml_values(p, &r->items);
        expect(p, TK_RPAREN);
        add(p, &n->rows, done(p, r));
    } while (accept(p, TK_COMMA));
}

static void set_form(struct parser *p, struct ast_insert *n)
{
    struct ast_row *r = NEW(p, ROW, row);

    n->set_form = true;
    do {
        add(p, &n->columns, parse_column(p));
        if (!accept(p, TK_EQ))
            expect(p, TK_ASSIGN);
        add(p, &r->items, dml_value(p));
    } while (accept(p, TK_COMMA));
    add(p, &n->rows, done(p, r));
}

static void row_alias(struct parser *p, struct ast_insert *n)
{
    if (!is(p, K_AS))
        return;
    next(p);
    n->row_alias = parse_ident(p);
    if (is(p, TK_LPAREN))
        parse_ident_list(p, &n->row_columns, false);
}

static void on_duplicate(struct parser *p, struct ast_insert *n)
{
    if (!is2(p, K_ON, K_DUPLICATE))
        return;
    next(p);
    next(p);
    expect(p, K_KEY);
    expect(p, K_UPDATE);
    p->values_func = true;
    assignments(p, &n->on_dup);
    p->values_func = false;
}

static void returning(struct parser *p, struct ast_list *l)
{
    if (is(p, K_RETURNING)) {
        next(p);
        parse_select_items(p, l);
    }
}

static void column_list(struct parser *p, struct ast_insert *n)
{
    n->has_columns = true;
    next(p);
    if (!is(p, TK_RPAREN)) {
        do
            add(p, &n->columns, parse_column(p));
        while (accept(p, TK_COMMA));
    }
    expect(p, TK_RPAREN);
}

struct ast_node *parse_insert(struct parser *p)
{
    struct ast_insert *n = NEW(p, INSERT, insert);
    struct ast_table *t;

    n->replace = is(p, K_REPLACE);
    next(p);
    n->hints = parse_hints(p);
    n->priority = insert_priority(p);
    n->ignore = !n->replace && accept(p, K_IGNORE);
    (void)accept(p, K_INTO);
    (void)(p->maria && is_ident(p) == false && accept(p, K_TABLE));
    t = AST_AS(table, parse_table_name(p));
    n->table = &t->node;
    if (is2(p, K_PARTITION, TK_LPAREN)) {
        next(p);
        parse_ident_list(p, &t->partitions, false);
        done(p, t);
    }
    if (is(p, TK_LPAREN) && !query_starts(p))
        column_list(p, n);
    if (is(p, K_VALUES) || is(p, K_VALUE)) {
        next(p);
        value_rows(p, n);
        row_alias(p, n);
    } else if (!n->has_columns && accept(p, K_SET)) {
        set_form(p, n);
        row_alias(p, n);
    } else {
        n->query = parse_query(p);
        if (n->query->kind == AST_VALUES && !AST_AS(values, n->query)->with && !AST_AS(values, n->query)->order.n &&
            !AST_AS(values, n->query)->limit) { /* (VALUES ..) is VALUES .. */
            n->rows = AST_AS(values, n->query)->rows;
            n->query = NULL;
        }
    }
    on_duplicate(p, n);
    returning(p, &n->returning);
    return done(p, n);
}

/* ---- UPDATE, DELETE ---- */

struct ast_node *parse_update(struct parser *p, struct ast_node *with)
{
    struct ast_update *n = NEW(p, UPDATE, update);

    if (with)
        n->node.begin = with->begin;
    n->with = with;
    next(p);
    n->hints = parse_hints(p);
    n->low_priority = accept(p, K_LOW_PRIORITY);
    n->ignore = accept(p, K_IGNORE);
    n->table = parse_table_refs(p);
    expect(p, K_SET);
    assignments(p, &n->set);
    n->where = parse_where(p);
    parse_order_by(p, &n->order);
    n->limit = parse_limit(p);
    return done(p, n);
}

/* [db.]t[.*] of a multi-table DELETE. */
static struct ast_node *delete_target(struct parser *p)
{
    struct ast_table *t = NEW(p, TABLE, table);

    t->name = parse_ident(p);
    if (is(p, TK_DOT) && peek(p, 1) != TK_STAR) {
        next(p);
        t->db = t->name;
        t->name = parse_ident(p);
    }
    if (is2(p, TK_DOT, TK_STAR)) {
        next(p);
        next(p);
        t->star = true;
    }
    return done(p, t);
}

static void delete_targets(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, delete_target(p));
    while (accept(p, TK_COMMA));
}

static void delete_single(struct parser *p, struct ast_delete *n, struct ast_table *t)
{
    t->star = false;
    n->from = &t->node;
    if (is2(p, K_FOR, K_PORTION))
        t->period = parse_period(p);
    if (is(p, K_BEFORE) && n->form == AST_DELETE_HISTORY) {
        struct ast_period *q = NEW(p, PERIOD, period);

        next(p);
        expect(p, K_SYSTEM_TIME);
        q->type = AST_PERIOD_BEFORE;
        q->from = parse_period_point(p, &q->unit);
        t->period = done(p, q);
    }
    if (accept(p, K_AS) || (is_ident(p) && !is(p, K_RETURNING)))
        t->alias = parse_ident(p);
    if (is2(p, K_PARTITION, TK_LPAREN)) {
        next(p);
        parse_ident_list(p, &t->partitions, false);
    }
    done(p, t);
    n->where = parse_where(p);
    parse_order_by(p, &n->order);
    n->limit = parse_limit(p);
    returning(p, &n->returning);
}

struct ast_node *parse_delete(struct parser *p, struct ast_node *with)
{
    struct ast_delete *n = NEW(p, DELETE, delete);

    if (with)
        n->node.begin = with->begin;
    n->with = with;
    next(p);
    n->hints = parse_hints(p);
    if (is2(p, K_HISTORY, K_FROM)) {
        next(p);
        n->form = AST_DELETE_HISTORY;
    }
    for (;;) {
        if (accept(p, K_LOW_PRIORITY))
            n->low_priority = true;
        else if (is(p, K_QUICK) && peek(p, 1) != TK_DOT && peek(p, 1) != TK_COMMA && accept(p, K_QUICK))
            n->quick = true;
        else if (accept(p, K_IGNORE))
            n->ignore = true;
        else
            break;
    }
    if (!accept(p, K_FROM)) {
        n->form = AST_DELETE_FROM;
        delete_targets(p, &n->targets);
        expect(p, K_FROM);
        n->from = parse_table_refs(p);
        n->where = parse_where(p);
        return done(p, n);
    }
    delete_targets(p, &n->targets);
    if (n->targets.n == 1 && !is(p, K_USING)) {
        struct ast_table *t = AST_AS(table, n->targets.items[0]);

        if (t->star)
            parser_error(p);
        n->targets.n = 0;
        delete_single(p, n, t);
        return done(p, n);
    }
    n->form = AST_DELETE_USING;
    expect(p, K_USING);
    n->from = parse_table_refs(p);
    n->where = parse_where(p);
    return done(p, n);
}

/* ---- LOAD DATA, LOAD XML ---- */

struct ast_node *parse_load(struct parser *p)
{
    struct ast_load *n = NEW(p, LOAD, load);

    next(p);
    n->xml = is(p, K_XML);
    next(p);
    if (accept(p, K_LOW_PRIORITY))
        n->priority = AST_PRIORITY_LOW;
    else if (accept(p, K_CONCURRENT))
        n->priority = AST_PRIORITY_CONCURRENT;
    n->local = accept(p, K_LOCAL);
    expect(p, K_INFILE);
    n->file = parse_string_literal(p);
    if (accept(p, K_REPLACE))
        n->dup = AST_DUP_REPLACE;
    else if (accept(p, K_IGNORE))
        n->dup = AST_DUP_IGNORE;
    expect(p, K_INTO);
    expect(p, K_TABLE);
    n->table = parse_table_name(p);
    if (is2(p, K_PARTITION, TK_LPAREN)) {
        next(p);
        parse_ident_list(p, &AST_AS(table, n->table)->partitions, false);
        done(p, n->table);
    }
    if (accept2(p, K_CHARACTER, K_SET) || accept2(p, K_CHAR, K_SET) || accept(p, K_CHARSET))
        n->charset = parse_charset_name(p);
    if (accept(p, K_ROWS)) {
        expect(p, K_IDENTIFIED);
        expect(p, K_BY);
        n->row_tag = parse_string_literal(p);
    }
    n->format = parse_data_format(p);
    if (accept(p, K_IGNORE)) {
        n->skip = parse_literal(p);
        if (!accept(p, K_LINES))
            expect(p, K_ROWS);
    }
    if (accept(p, TK_LPAREN)) {
        if (!is(p, TK_RPAREN)) {
            do
                add(p, &n->columns, is(p, TK_USERVAR) ? parse_user_var(p) : parse_column(p));
            while (accept(p, TK_COMMA));
        }
        expect(p, TK_RPAREN);
    }
    if (accept(p, K_SET))
        assignments(p, &n->set);
    return done(p, n);
}

/* ---- CALL, DO, HANDLER ---- */

struct ast_node *parse_call(struct parser *p)
{
    struct ast_call *n = NEW(p, CALL, call);

    next(p);
    n->name = parse_ident(p);
    if (accept(p, TK_DOT)) {
        n->db = n->name;
        n->name = parse_ident(p);
        if (accept(p, TK_DOT)) {
            n->package = n->name;
            n->name = parse_ident(p);
        }
    }
    if (accept(p, TK_LPAREN)) {
        if (!is(p, TK_RPAREN))
            parse_exprs(p, &n->args);
        expect(p, TK_RPAREN);
    }
    return done(p, n);
}

struct ast_node *parse_do(struct parser *p)
{
    struct ast_do *n = NEW(p, DO, do);

    next(p);
    parse_select_items(p, &n->exprs);
    return done(p, n);
}

static void handler_read(struct parser *p, struct ast_handler *n)
{
    static const uint16_t ops[] = {TK_EQ, TK_LE, TK_GE, TK_LT, TK_GT};

    if (!is(p, K_FIRST) && !(is(p, K_NEXT) && peek(p, 1) != TK_EQ)) {
        n->index = is(p, K_PRIMARY) ? parse_label(p) : parse_ident(p);
        for (size_t i = 0; i < ARRAY_LEN(ops); i++) {
            if (!is(p, ops[i]))
                continue;
            n->read = lex_text(&p->lex, p->t);
            next(p);
            expect(p, TK_LPAREN);
            do
                add(p, &n->key, dml_value(p));
            while (accept(p, TK_COMMA));
            expect(p, TK_RPAREN);
            return;
        }
    }
    if (!is(p, K_FIRST) && !is(p, K_NEXT) && !(n->index.name.ptr && (is(p, K_PREV) || is(p, K_LAST))))
        parser_error(p);
    n->read = parse_upper(p);
}

struct ast_node *parse_handler(struct parser *p)
{
    struct ast_handler *n = NEW(p, HANDLER, handler);
    struct ast_table *t;

    next(p);
    t = AST_AS(table, parse_table_name(p));
    n->table = &t->node;
    if (accept(p, K_OPEN)) {
        n->op = AST_HANDLER_OPEN;
        if (accept(p, K_AS) || is_ident(p)) {
            t->alias = parse_ident(p);
            done(p, t);
        }
    } else if (accept(p, K_CLOSE)) {
        n->op = AST_HANDLER_CLOSE;
    } else {
        expect(p, K_READ);
        n->op = AST_HANDLER_READ;
        handler_read(p, n);
        n->where = parse_where(p);
        n->limit = parse_limit(p);
    }
    return done(p, n);
}
