/* SET in all forms; transactions, XA, LOCK TABLES; prepared statements; EXPLAIN and DESCRIBE. */
#include "parser/p-int.h"

/* ---- SET ---- */

static bool accept_charset_words(struct parser *p)
{
    return accept2(p, K_CHARACTER, K_SET) || accept2(p, K_CHAR, K_SET) || accept(p, K_CHARSET);
}

static struct ast_node *set_names(struct parser *p, bool charset, uint32_t begin)
{
    struct ast_set_names *n = NEW(p, SET_NAMES, set_names);

    n->node.begin = begin;
    n->charset = charset;
    if (!accept(p, K_DEFAULT))
        n->name = parse_charset_name(p);
    if (!charset && (n->name.ptr || p->maria) && accept(p, K_COLLATE))
        n->collation = parse_charset_name(p);
    return done(p, n);
}

static struct ast_node *set_password(struct parser *p)
{
    struct ast_set_password *n = NEW(p, SET_PASSWORD, set_password);

    next(p);
    if (accept(p, K_FOR))
        n->account = parse_account(p);
    if (accept2(p, K_TO, K_RANDOM)) {
        /* no value */
    } else {
        if (!accept(p, TK_ASSIGN))
            expect(p, TK_EQ);
        n->value = parse_expr(p);
    }
    if (is2(p, K_REPLACE, TK_STRING)) {
        next(p);
        n->replace = parse_string_literal(p);
    }
    if (accept(p, K_RETAIN)) {
        expect(p, K_CURRENT);
        expect(p, K_PASSWORD);
        n->retain = true;
    }
    return done(p, n);
}

static void isolation(struct parser *p, struct ast_set_trx *n)
{
    next(p);
    expect(p, K_LEVEL);
    if (accept(p, K_READ)) {
        n->isolation = is(p, K_COMMITTED) ? AST_ISOLATION_READ_COMMITTED : AST_ISOLATION_READ_UNCOMMITTED;
        if (!accept(p, K_COMMITTED))
            expect(p, K_UNCOMMITTED);
    } else if (accept(p, K_REPEATABLE)) {
        expect(p, K_READ);
        n->isolation = AST_ISOLATION_REPEATABLE_READ;
    } else {
        expect(p, K_SERIALIZABLE);
        n->isolation = AST_ISOLATION_SERIALIZABLE;
    }
}

static enum ast_access access_mode(struct parser *p)
{
    expect(p, K_READ);
    if (accept(p, K_ONLY))
        return AST_ACCESS_READ_ONLY;
    expect(p, K_WRITE);
    return AST_ACCESS_READ_WRITE;
}

static struct ast_node *set_trx(struct parser *p, enum ast_scope scope, uint32_t begin)
{
    struct ast_set_trx *n = NEW(p, SET_TRX, set_trx);

    n->node.begin = begin;
    n->scope = scope;
    next(p);
    do {
        if (is(p, K_ISOLATION))
            isolation(p, n);
        else
            n->access = access_mode(p);
    } while (accept(p, TK_COMMA));
    return done(p, n);
}

static enum ast_scope scope_word(const struct parser *p)
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

/* DEFAULT, a reserved word that stands for a value (ON, ALL, BINARY, ROW, SYSTEM), or an expression. */
static struct ast_node *set_value(struct parser *p)
{
    struct ast_node *word = parse_default_word(p);

    if (word)
        return word;
    if (is(p, K_ON) || is(p, K_ALL) || is(p, K_BINARY) || is(p, K_SYSTEM) || is(p, K_ROW)) {
        unsigned k = peek(p, 1);

        if (k == TK_COMMA || k == TK_SEMI || k == TK_EOF || k == K_FOR) {
            struct ast_column *c = NEW(p, COLUMN, column);

            c->name = parse_label(p);
            return done(p, c);
        }
    }
    return parse_expr(p);
}

static struct ast_node *set_var(struct parser *p)
{
    struct ast_set_var *n = NEW(p, SET_VAR, set_var);

    if (is(p, TK_USERVAR)) {
        n->scope = AST_SCOPE_USER;
        n->name = (struct ast_ident){lex_ident(p->a, &p->lex, p->t), p->t->begin, p->t->end};
        next(p);
    } else {
        if (accept(p, TK_ATAT)) {
            n->at = true;
            n->scope = peek(p, 1) == TK_DOT ? scope_word(p) : AST_SCOPE_NONE;
            if (n->scope != AST_SCOPE_NONE) {
                next(p);
                next(p);
            }
        } else if (peek(p, 1) != TK_EQ && peek(p, 1) != TK_ASSIGN && peek(p, 1) != TK_DOT) {
            n->scope = scope_word(p);
            if (n->scope != AST_SCOPE_NONE)
                next(p);
            if (is(p, K_TRANSACTION))
                return set_trx(p, n->scope, n->node.begin);
        }
        if (n->at && p->maria && is2(p, TK_STRING, TK_DOT)) /* @@global.'connection'.name */
            n->name = (struct ast_ident){parse_ident_or_text(p), p->prev_end, p->prev_end};
        else
            n->name = is(p, K_DEFAULT) ? parse_label(p) : parse_ident(p);
        if (accept(p, TK_DOT)) {
            n->base = n->name;
            n->name = parse_label(p);
        }
    }
    if (!accept(p, TK_EQ))
        expect(p, TK_ASSIGN);
    n->value = n->scope == AST_SCOPE_USER ? parse_expr(p) : set_value(p);
    return done(p, n);
}

static struct ast_node *set_item(struct parser *p)
{
    uint32_t begin = p->t->begin;
    unsigned k1 = peek(p, 1);

    if (is(p, K_NAMES) && k1 != TK_EQ && k1 != TK_ASSIGN) {
        next(p);
        return set_names(p, false, begin);
    }
    if (k1 != TK_EQ && k1 != TK_ASSIGN && accept_charset_words(p))
        return set_names(p, true, begin);
    if (is(p, K_PASSWORD) && (k1 == TK_EQ || k1 == TK_ASSIGN || k1 == K_FOR || k1 == K_TO))
        return set_password(p);
    if (is(p, K_TRANSACTION) && k1 != TK_EQ && k1 != TK_ASSIGN)
        return set_trx(p, AST_SCOPE_NONE, begin);
    return set_var(p);
}

struct ast_node *parse_set(struct parser *p)
{
    struct ast_set *n = NEW(p, SET, set);
    uint32_t begin = p->t->begin;
    bool statement;

    next(p);
    if (is(p, K_ROLE) && peek(p, 1) != TK_EQ && peek(p, 1) != TK_ASSIGN) {
        next(p);
        add(p, &n->items, parse_set_role(p, false));
        return done(p, n);
    }
    if (is2(p, K_DEFAULT, K_ROLE)) {
        next(p);
        next(p);
        add(p, &n->items, parse_set_role(p, true));
        return done(p, n);
    }
    if (is2(p, K_RESOURCE, K_GROUP))
        return parse_text_stmt(p, AST_TEXT_RESOURCE_GROUP, begin);
    statement = is(p, K_STATEMENT) && peek(p, 1) != TK_EQ && peek(p, 1) != TK_ASSIGN;
    if (statement)
        next(p);
    do
        add(p, &n->items, set_item(p));
    while (accept(p, TK_COMMA));
    if (statement) {
        expect(p, K_FOR);
        n->stmt = parser_enter(p) ? parse_statement(p) : NULL;
        p->depth--;
    }
    return done(p, n);
}

/* ---- transactions ---- */

static enum ast_yesno yes_no(struct parser *p, unsigned word)
{
    if (accept(p, word))
        return AST_YES;
    return accept2(p, K_NO, word) ? AST_NO : AST_UNSTATED;
}

static struct ast_node *finish_trx(struct parser *p, struct ast_trx *n)
{
    n->work = accept(p, K_WORK);
    if (n->op == AST_TRX_ROLLBACK && accept(p, K_TO)) {
        (void)accept(p, K_SAVEPOINT);
        n->op = AST_TRX_ROLLBACK_TO;
        n->savepoint = parse_ident(p);
        return done(p, n);
    }
    if (accept(p, K_AND)) {
        n->chain = yes_no(p, K_CHAIN);
        if (n->chain == AST_UNSTATED)
            parser_error(p);
    }
    n->release = yes_no(p, K_RELEASE);
    return done(p, n);
}

static struct ast_node *start_transaction(struct parser *p)
{
    struct ast_trx *n = NEW(p, TRX, trx);

    n->op = AST_TRX_START;
    next(p);
    next(p);
    if (is(p, K_WITH) || is(p, K_READ)) {
        do {
            if (accept(p, K_WITH)) {
                expect(p, K_CONSISTENT);
                expect(p, K_SNAPSHOT);
                n->snapshot = true;
            } else {
                n->access = access_mode(p);
            }
        } while (accept(p, TK_COMMA));
    }
    return done(p, n);
}

static void xid(struct parser *p, struct ast_xa *n)
{
    n->gtrid = parse_literal(p);
    if (accept(p, TK_COMMA)) {
        n->bqual = parse_literal(p);
        if (accept(p, TK_COMMA))
            n->format = parse_literal(p);
    }
}

static struct ast_node *xa(struct parser *p)
{
    struct ast_xa *n = NEW(p, XA, xa);

    next(p);
    if (accept(p, K_RECOVER)) {
        n->op = AST_XA_RECOVER;
        if (accept(p, K_CONVERT)) {
            expect(p, K_XID);
            n->word = SV("CONVERT XID");
        } else if (is(p, K_FORMAT)) {
            uint32_t begin = p->t->begin;

            next(p);
            expect(p, TK_EQ);
            (void)parse_ident_or_text(p);
            n->word = parse_text_since(p, begin);
        }
        return done(p, n);
    }
    if (is(p, K_START) || is(p, K_BEGIN)) {
        next(p);
        n->op = AST_XA_START;
        xid(p, n);
        if (is(p, K_JOIN) || is(p, K_RESUME))
            n->word = parse_upper(p);
    } else if (accept(p, K_END)) {
        n->op = AST_XA_END;
        xid(p, n);
        if (accept(p, K_SUSPEND)) {
            n->word = SV("SUSPEND");
            if (accept2(p, K_FOR, K_MIGRATE))
                n->word = SV("SUSPEND FOR MIGRATE");
        }
    } else if (accept(p, K_PREPARE)) {
        n->op = AST_XA_PREPARE;
        xid(p, n);
    } else if (accept(p, K_COMMIT)) {
        n->op = AST_XA_COMMIT;
        xid(p, n);
        if (accept(p, K_ONE)) {
            expect(p, K_PHASE);
            n->word = SV("ONE PHASE");
        }
    } else {
        expect(p, K_ROLLBACK);
        n->op = AST_XA_ROLLBACK;
        xid(p, n);
    }
    return done(p, n);
}

static struct ast_node *lock_item(struct parser *p)
{
    struct ast_lock_item *n = NEW(p, LOCK_ITEM, lock_item);
    struct ast_table *t = AST_AS(table, parse_table_name(p));

    n->table = &t->node;
    if (accept(p, K_AS) || (is_ident(p) && !is(p, K_READ) && !is(p, K_WRITE))) {
        t->alias = parse_ident(p);
        done(p, t);
    }
    if (accept(p, K_READ)) {
        n->type = accept(p, K_LOCAL) ? AST_LOCK_READ_LOCAL : AST_LOCK_READ;
    } else if (accept(p, K_LOW_PRIORITY)) {
        n->type = AST_LOCK_LOW_WRITE;
        expect(p, K_WRITE);
    } else {
        expect(p, K_WRITE);
        n->type = accept(p, K_CONCURRENT) ? AST_LOCK_WRITE_CONCURRENT : AST_LOCK_WRITE;
    }
    return done(p, n);
}

static struct ast_node *simple(struct parser *p, enum ast_simple_op op, uint32_t begin)
{
    struct ast_simple *n = NEW(p, SIMPLE, simple);

    n->node.begin = begin;
    n->op = op;
    return done(p, n);
}

static struct ast_node *lock_tables(struct parser *p)
{
    struct ast_lock_tables *n = NEW(p, LOCK_TABLES, lock_tables);

    next(p);
    if (accept(p, K_INSTANCE)) {
        expect(p, K_FOR);
        expect(p, K_BACKUP);
        return simple(p, AST_SIMPLE_LOCK_INSTANCE, n->node.begin);
    }
    if (!accept(p, K_TABLES))
        expect(p, K_TABLE);
    do
        add(p, &n->items, lock_item(p));
    while (accept(p, TK_COMMA));
    n->wait = parse_wait(p);
    return done(p, n);
}

static struct ast_node *unlock(struct parser *p)
{
    uint32_t begin = p->t->begin;

    next(p);
    if (accept(p, K_INSTANCE))
        return simple(p, AST_SIMPLE_UNLOCK_INSTANCE, begin);
    if (!accept(p, K_TABLES))
        expect(p, K_TABLE);
    return simple(p, AST_SIMPLE_UNLOCK_TABLES, begin);
}

/* Transactions, XA, locks, at their first word; NULL: not one of them. */
struct ast_node *parse_transaction(struct parser *p)
{
    struct ast_trx *n = NEW(p, TRX, trx);

    switch (p->t->kind) {
    case K_BEGIN:
        next(p);
        n->op = AST_TRX_BEGIN;
        n->work = accept(p, K_WORK);
        return done(p, n);
    case K_START:
        return peek(p, 1) == K_TRANSACTION ? start_transaction(p) : NULL;
    case K_COMMIT:
    case K_ROLLBACK:
        n->op = is(p, K_COMMIT) ? AST_TRX_COMMIT : AST_TRX_ROLLBACK;
        next(p);
        return finish_trx(p, n);
    case K_SAVEPOINT:
        next(p);
        n->op = AST_TRX_SAVEPOINT;
        n->savepoint = parse_ident(p);
        return done(p, n);
    case K_RELEASE:
        next(p);
        expect(p, K_SAVEPOINT);
        n->op = AST_TRX_RELEASE;
        n->savepoint = parse_ident(p);
        return done(p, n);
    case K_XA:
        return xa(p);
    case K_LOCK:
        return lock_tables(p);
    case K_UNLOCK:
        return unlock(p);
    default:
        return NULL;
    }
}

/* ---- EXPLAIN, DESCRIBE ---- */

/* EXPLAIN | DESCRIBE | DESC table [column | 'pattern'] */
static struct ast_node *describe(struct parser *p, uint32_t begin)
{
    struct ast_describe *n = NEW(p, DESCRIBE, describe);

    n->node.begin = begin;
    n->table = parse_table_name(p);
    if (is(p, TK_STRING))
        n->like = parse_string_literal(p);
    else if (is_ident(p))
        n->column = parse_ident(p);
    return done(p, n);
}

static bool explainable(const struct parser *p)
{
    switch (p->t->kind) {
    case K_SELECT:
    case K_WITH:
    case K_VALUES:
    case K_TABLE:
    case K_INSERT:
    case K_REPLACE:
    case K_UPDATE:
    case K_DELETE:
    case TK_LPAREN:
        return true;
    default:
        return false;
    }
}

static void explain_words(struct parser *p, struct ast_explain *n)
{
    if (is(p, K_EXTENDED) || is(p, K_PARTITIONS)) {
        if (peek(p, 1) != TK_EOF && peek(p, 1) != TK_SEMI && peek(p, 1) != TK_DOT && !kind_is_ident(p, peek(p, 1))) {
            n->word = parse_upper(p);
            if (p->maria && sv_eq_cstr(n->word, "EXTENDED") && accept(p, K_ALL))
                n->word = SV("EXTENDED ALL");
        }
    }
    if (is2(p, K_FORMAT, TK_EQ)) {
        next(p);
        next(p);
        n->format = is(p, TK_STRING) || is(p, TK_QUOTED) ? parse_ident_or_text(p) : parse_upper(p);
    }
    if (is(p, K_INTO)) {
        next(p);
        n->into = AST_AS(uservar, parse_user_var(p))->name;
    }
    if (is2(p, K_FOR, K_SCHEMA) || is2(p, K_FOR, K_DATABASE)) {
        next(p);
        next(p);
        n->schema = parse_ident(p).name;
    }
}

struct ast_node *parse_explain(struct parser *p)
{
    struct ast_explain *n = NEW(p, EXPLAIN, explain);
    uint32_t begin = p->t->begin;

    if (is(p, K_ANALYZE)) { /* MariaDB: ANALYZE [FORMAT=..] stmt */
        n->analyze_stmt = true;
        next(p);
    } else {
        next(p);
        n->analyze = accept(p, K_ANALYZE);
    }
    explain_words(p, n);
    if (accept2(p, K_FOR, K_CONNECTION)) {
        n->connection = parse_expr(p);
        return done(p, n);
    }
    if (explainable(p)) {
        n->stmt = parser_enter(p) ? parse_statement(p) : NULL;
        p->depth--;
        return done(p, n);
    }
    if (n->analyze || n->format.ptr || n->into.ptr || n->analyze_stmt) {
        parser_error(p);
        return &n->node;
    }
    return describe(p, begin);
}
