/* Stored programs: heads and bodies of procedures, functions, triggers, events. Bodies are parsed to find their end and
 * their errors; what is kept is text. The nodes made on the way are garbage of the arena. */
#include "parser/p-int.h"

static void statements(struct parser *p);

/* ---- declarations ---- */

/* A type of a variable or parameter: MariaDB has TYPE OF and rows besides. */
static void variable_type(struct parser *p)
{
    bool row = is(p, K_ROW) && (peek(p, 1) == K_TYPE || peek(p, 1) == TK_LPAREN);

    if (row && peek(p, 1) == TK_LPAREN) {
        next(p);
        next(p);
        do {
            (void)parse_ident(p);
            (void)parse_data_type(p);
        } while (accept(p, TK_COMMA));
        expect(p, TK_RPAREN);
    } else if (row || is2(p, K_TYPE, K_OF)) {
        (void)accept(p, K_ROW);
        expect(p, K_TYPE);
        expect(p, K_OF);
        (void)parse_column(p);
    } else {
        (void)parse_data_type(p);
        if (accept(p, K_COLLATE))
            (void)parse_ident_or_text(p);
    }
}

static void condition_value(struct parser *p)
{
    if (accept(p, K_SQLSTATE)) {
        (void)accept(p, K_VALUE);
        (void)parse_string_literal(p);
    } else if (is(p, TK_INT)) {
        next(p);
    } else if (accept2(p, K_NOT, K_FOUND)) {
        /* NOT FOUND */
    } else if (!accept(p, K_SQLWARNING) && !accept(p, K_SQLEXCEPTION)) {
        (void)parse_ident(p);
    }
}

static void declare_handler(struct parser *p)
{
    next(p);
    expect(p, K_HANDLER);
    expect(p, K_FOR);
    do
        condition_value(p);
    while (accept(p, TK_COMMA));
    (void)parse_compound(p);
}

static void declare_cursor(struct parser *p)
{
    expect(p, K_CURSOR);
    if (accept(p, TK_LPAREN)) { /* parameters (MariaDB) */
        do {
            (void)(is2(p, K_IN, TK_IDENT) && accept(p, K_IN));
            (void)parse_ident(p);
            variable_type(p);
        } while (accept(p, TK_COMMA));
        expect(p, TK_RPAREN);
    }
    expect(p, K_FOR);
    if (is(p, K_WITH) || query_starts(p))
        (void)parse_query(p);
    else
        (void)parse_ident(p); /* of a prepared statement */
}

static void declare(struct parser *p)
{
    next(p);
    if ((is(p, K_CONTINUE) || is(p, K_EXIT) || is(p, K_UNDO)) && peek(p, 1) == K_HANDLER) {
        declare_handler(p);
        return;
    }
    if (peek(p, 1) == K_CURSOR) {
        (void)parse_ident(p);
        declare_cursor(p);
        return;
    }
    if (peek(p, 1) == K_CONDITION) {
        (void)parse_ident(p);
        next(p);
        expect(p, K_FOR);
        condition_value(p);
        return;
    }
    do
        (void)parse_ident(p);
    while (accept(p, TK_COMMA));
    variable_type(p);
    if (accept(p, K_DEFAULT) || accept(p, TK_ASSIGN))
        (void)parse_expr(p);
}

/* ---- statements of bodies ---- */

static void if_statement(struct parser *p)
{
    next(p);
    (void)parse_expr(p);
    expect(p, K_THEN);
    statements(p);
    while (is(p, K_ELSEIF) || is(p, K_ELSIF)) {
        next(p);
        (void)parse_expr(p);
        expect(p, K_THEN);
        statements(p);
    }
    if (accept(p, K_ELSE))
        statements(p);
    expect(p, K_END);
    expect(p, K_IF);
}

static void case_statement(struct parser *p)
{
    next(p);
    if (!is(p, K_WHEN))
        (void)parse_expr(p);
    do {
        expect(p, K_WHEN);
        (void)parse_expr(p);
        expect(p, K_THEN);
        statements(p);
    } while (is(p, K_WHEN));
    if (accept(p, K_ELSE))
        statements(p);
    expect(p, K_END);
    expect(p, K_CASE);
}

static void end_label(struct parser *p)
{
    if (is_ident(p))
        next(p);
}

static void loop_statement(struct parser *p, unsigned kind)
{
    next(p);
    switch (kind) {
    case K_WHILE:
        (void)parse_expr(p);
        expect(p, K_DO);
        break;
    case K_FOR: /* FOR i IN [REVERSE] a .. b DO, FOR r IN cursor | (query) DO (MariaDB) */
        (void)parse_ident(p);
        expect(p, K_IN);
        while (!is(p, K_DO) && !is(p, TK_EOF) && !is(p, TK_SEMI) && !is(p, TK_ERROR))
            next(p);
        expect(p, K_DO);
        break;
    default:
        break;
    }
    statements(p);
    if (kind == K_REPEAT) {
        expect(p, K_UNTIL);
        (void)parse_expr(p);
    }
    expect(p, K_END);
    expect(p, kind);
    end_label(p);
}

static void block(struct parser *p)
{
    next(p);
    (void)accept2(p, K_NOT, K_ATOMIC);
    while (is(p, K_DECLARE)) {
        declare(p);
        expect(p, TK_SEMI);
    }
    if (!is(p, K_END))
        statements(p);
    expect(p, K_END);
    end_label(p);
}

static void fetch(struct parser *p)
{
    next(p);
    if (accept2(p, K_NEXT, K_FROM) || accept(p, K_FROM)) {
        /* FETCH [[NEXT] FROM] */
    }
    if (accept(p, K_GROUP)) { /* FETCH GROUP NEXT ROW in aggregates (MariaDB) */
        expect(p, K_NEXT);
        expect(p, K_ROW);
        return;
    }
    (void)parse_ident(p);
    expect(p, K_INTO);
    do
        (void)(is(p, TK_USERVAR) ? parse_user_var(p) : parse_column(p));
    while (accept(p, TK_COMMA));
}

static void open_cursor(struct parser *p)
{
    next(p);
    (void)parse_ident(p);
    if (accept(p, TK_LPAREN)) {
        struct ast_list args = {0};

        parse_exprs(p, &args);
        expect(p, TK_RPAREN);
    } else if (accept(p, K_USING)) {
        struct ast_list args = {0};

        parse_exprs(p, &args);
    }
}

static void body_statement(struct parser *p)
{
    switch (p->t->kind) {
    case K_BEGIN:
        block(p);
        break;
    case K_IF:
        if_statement(p);
        break;
    case K_CASE:
        case_statement(p);
        break;
    case K_LOOP:
    case K_WHILE:
    case K_REPEAT:
    case K_FOR:
        loop_statement(p, p->t->kind);
        break;
    case K_LEAVE:
    case K_ITERATE:
        next(p);
        (void)parse_ident(p);
        break;
    case K_RETURN:
        next(p);
        (void)parse_expr(p);
        break;
    case K_OPEN:
        open_cursor(p);
        break;
    case K_FETCH:
        fetch(p);
        break;
    case K_CLOSE:
        next(p);
        (void)parse_ident(p);
        break;
    default:
        (void)parse_statement(p);
        break;
    }
}

/* One or more, each with its semicolon. */
static void statements(struct parser *p)
{
    do {
        (void)parse_compound(p);
        expect(p, TK_SEMI);
    } while (!p->failed && !is(p, K_END) && !is(p, K_ELSE) && !is(p, K_ELSEIF) && !is(p, K_ELSIF) && !is(p, K_WHEN) &&
             !is(p, K_UNTIL));
}

struct ast_node *parse_compound(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_text_stmt *n = NEW(p, TEXT_STMT, text_stmt);
    bool outer = p->in_program;

    n->stmt = AST_TEXT_COMPOUND;
    if (parser_enter(p)) {
        p->in_program = true;
        if (is_ident(p) && peek(p, 1) == TK_COLON) {
            next(p);
            next(p);
        }
        body_statement(p);
        p->in_program = outer;
    }
    p->depth--;
    n->text = parse_text_since(p, begin);
    return done(p, n);
}

bool compound_starts(struct parser *p)
{
    if (!p->maria)
        return false;
    switch (p->t->kind) {
    case K_BEGIN:
        return peek(p, 1) == K_NOT;
    case K_IF:
    case K_CASE:
    case K_LOOP:
    case K_WHILE:
    case K_REPEAT:
    case K_FOR:
        return true;
    default:
        return is_ident(p) && peek(p, 1) == TK_COLON;
    }
}

/* ---- heads ---- */

static void parameters(struct parser *p, bool modes)
{
    expect(p, TK_LPAREN);
    if (accept(p, TK_RPAREN))
        return;
    do {
        if (is(p, K_IN) || is(p, K_OUT) || is(p, K_INOUT)) {
            if (!modes && !p->maria)
                parser_error(p);
            next(p);
        }
        (void)parse_ident(p);
        variable_type(p);
        if (p->maria && accept(p, K_DEFAULT))
            (void)parse_expr(p);
    } while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

static bool characteristic(struct parser *p)
{
    switch (p->t->kind) {
    case K_COMMENT:
        next(p);
        (void)parse_string_literal(p);
        return true;
    case K_LANGUAGE:
        next(p);
        (void)parse_label(p);
        return true;
    case K_NOT:
        next(p);
        expect(p, K_DETERMINISTIC);
        return true;
    case K_DETERMINISTIC:
        next(p);
        return true;
    case K_CONTAINS:
    case K_NO:
        if (peek(p, 1) != K_SQL)
            return false;
        next(p);
        next(p);
        return true;
    case K_READS:
    case K_MODIFIES:
        next(p);
        expect(p, K_SQL);
        expect(p, K_DATA);
        return true;
    case K_SQL:
        next(p);
        expect(p, K_SECURITY);
        if (!accept(p, K_DEFINER))
            expect(p, K_INVOKER);
        return true;
    case K_USING:
        next(p);
        parse_ident_list(p, &(struct ast_idents){0}, false);
        return true;
    default:
        return false;
    }
}

static void trigger_head(struct parser *p, struct ast_create_routine *n)
{
    if (!accept(p, K_BEFORE))
        expect(p, K_AFTER);
    if (!accept(p, K_INSERT) && !accept(p, K_UPDATE))
        expect(p, K_DELETE);
    expect(p, K_ON);
    n->table = parse_table_name(p);
    expect(p, K_FOR);
    expect(p, K_EACH);
    expect(p, K_ROW);
    if (accept(p, K_FOLLOWS) || accept(p, K_PRECEDES))
        (void)parse_ident(p);
}

static void event_schedule(struct parser *p)
{
    enum ast_unit unit;

    expect(p, K_SCHEDULE);
    if (accept(p, K_AT)) {
        (void)parse_expr(p);
        return;
    }
    expect(p, K_EVERY);
    (void)parse_expr(p);
    if (!parse_unit(p, &unit))
        parser_error(p);
    if (accept(p, K_STARTS))
        (void)parse_expr(p);
    if (accept(p, K_ENDS))
        (void)parse_expr(p);
}

static void event_head(struct parser *p)
{
    for (;;) {
        if (is2(p, K_ON, K_SCHEDULE)) {
            next(p);
            event_schedule(p);
        } else if (is2(p, K_ON, K_COMPLETION)) {
            next(p);
            next(p);
            (void)accept(p, K_NOT);
            expect(p, K_PRESERVE);
        } else if (accept(p, K_ENABLE)) {
            /* nothing behind it */
        } else if (accept(p, K_DISABLE)) {
            if (is(p, K_ON) && (peek(p, 1) == K_SLAVE || peek(p, 1) == K_REPLICA)) {
                next(p);
                next(p);
            }
        } else if (is2(p, K_RENAME, K_TO)) {
            next(p);
            next(p);
            (void)parse_table_name(p);
        } else if (accept(p, K_COMMENT)) {
            (void)parse_string_literal(p);
        } else {
            return;
        }
    }
}

static void routine_head(struct parser *p, struct ast_create_routine *n)
{
    bool function = n->object == AST_OBJ_FUNCTION;

    if (n->alter) {
        while (characteristic(p))
            ;
        return;
    }
    parameters(p, !function);
    if (function) {
        if (!accept(p, K_RETURNS))
            expect(p, K_RETURN);
        variable_type(p);
    }
    while (characteristic(p))
        ;
}

/* CREATE [AGGREGATE] FUNCTION name RETURNS type SONAME '..' */
static bool is_loadable(struct parser *p)
{
    struct lex l = parser_lookahead(p);
    struct token t;

    for (lex_next(&l, &t); t.kind > TK_ERROR && t.kind != TK_LPAREN && t.kind != TK_SEMI; lex_next(&l, &t)) {
        if (t.kind == K_SONAME)
            return true;
    }
    return false;
}

static bool object_word(struct parser *p, struct ast_create_routine *n)
{
    switch (p->t->kind) {
    case K_PROCEDURE:
        n->object = AST_OBJ_PROCEDURE;
        return true;
    case K_FUNCTION:
        n->object = AST_OBJ_FUNCTION;
        return true;
    case K_TRIGGER:
        n->object = AST_OBJ_TRIGGER;
        return !n->alter;
    case K_EVENT:
        n->object = AST_OBJ_EVENT;
        return true;
    default:
        return false;
    }
}

struct ast_node *parse_create_routine(struct parser *p, struct ast_create_routine *n)
{
    uint32_t begin;

    n->aggregate = accept(p, K_AGGREGATE);
    if (is(p, K_FUNCTION) && is_loadable(p))
        return parse_text_stmt(p, AST_TEXT_PLUGIN, n->node.begin);
    if (!object_word(p, n)) {
        parser_error(p);
        return &n->node;
    }
    next(p);
    n->if_not_exists = accept_if_not_exists(p);
    n->name = parse_ident(p);
    if (accept(p, TK_DOT)) {
        n->db = n->name;
        n->name = parse_ident(p);
    }
    begin = p->t->begin;
    n->head = n->body = SV("");
    if (n->object == AST_OBJ_TRIGGER)
        trigger_head(p, n);
    else if (n->object == AST_OBJ_EVENT)
        event_head(p);
    else
        routine_head(p, n);
    n->head = parse_text_since(p, begin);
    if (n->object == AST_OBJ_EVENT && !is(p, K_DO) && n->alter)
        return done(p, n);
    if (n->object == AST_OBJ_EVENT)
        expect(p, K_DO);
    else if (n->alter)
        return done(p, n);
    if (is(p, K_AS) && peek(p, 1) == TK_STRING) { /* a body in another language (MySQL 9) */
        begin = p->t->begin;
        next(p);
        next(p);
    } else {
        begin = p->t->begin;
        (void)parse_compound(p);
    }
    n->body = parse_text_since(p, begin);
    return done(p, n);
}
