/* The dispatch of statements. */
#include "parser/p-int.h"

static struct ast_node *with_statement(struct parser *p)
{
    struct lex l = parser_lookahead(p);
    struct token t;
    unsigned level = 0;

    /* The verb is the first one outside parentheses. */
    for (lex_next(&l, &t); t.kind > TK_ERROR; lex_next(&l, &t)) {
        if (t.kind == TK_LPAREN)
            level++;
        else if (t.kind == TK_RPAREN && level)
            level--;
        else if (level == 0 && (t.kind == K_UPDATE || t.kind == K_DELETE))
            break;
        else if (level == 0 && (t.kind == K_SELECT || t.kind == K_VALUES || t.kind == K_TABLE))
            return parse_query(p);
    }
    if (t.kind == K_UPDATE || t.kind == K_DELETE) {
        struct ast_node *w = parse_with(p);

        if (is(p, K_UPDATE))
            return parse_update(p, w);
        if (is(p, K_DELETE))
            return parse_delete(p, w);
        parser_error(p);
        return w;
    }
    return parse_query(p);
}

struct ast_node *parse_statement(struct parser *p)
{
    switch (p->t->kind) {
    case K_SELECT:
    case K_VALUES:
    case K_TABLE:
    case TK_LPAREN:
        return parse_query(p);
    case K_WITH:
        return with_statement(p);
    case K_INSERT:
    case K_REPLACE:
        return parse_insert(p);
    case K_UPDATE:
        return parse_update(p, NULL);
    case K_DELETE:
        return parse_delete(p, NULL);
    case K_CALL:
        return parse_call(p);
    case K_DO:
        return parse_do(p);
    case K_HANDLER:
        return parse_handler(p);
    case K_LOAD:
        return parse_load(p);
    default:
        parser_error(p);
        return &NEW(p, SIMPLE, simple)->node;
    }
}
