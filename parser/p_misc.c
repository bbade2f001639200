/* The dispatch of statements, and the small ones. */
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

/* ---- small statements ---- */

static struct ast_node *simple_named(struct parser *p, enum ast_simple_op op)
{
    struct ast_simple *n = NEW(p, SIMPLE, simple);

    next(p);
    n->op = op;
    n->name = parse_ident(p);
    return done(p, n);
}

static struct ast_node *simple_bare(struct parser *p, enum ast_simple_op op)
{
    struct ast_simple *n = NEW(p, SIMPLE, simple);

    next(p);
    n->op = op;
    return done(p, n);
}

/* A statement of one word and words behind it that are kept as text. */
static struct ast_node *simple_words(struct parser *p, enum ast_simple_op op)
{
    struct ast_simple *n = NEW(p, SIMPLE, simple);
    uint32_t begin;

    next(p);
    n->op = op;
    begin = p->t->begin;
    while (!is(p, TK_EOF) && !is(p, TK_SEMI) && !is(p, TK_ERROR))
        next(p);
    if (p->prev_end > begin)
        n->word = parse_text_since(p, begin);
    return done(p, n);
}

static struct ast_node *help(struct parser *p)
{
    struct ast_simple *n = NEW(p, SIMPLE, simple);

    next(p);
    n->op = AST_SIMPLE_HELP;
    if (is(p, TK_STRING))
        n->value = parse_string_literal(p);
    else
        n->name = parse_ident(p);
    return done(p, n);
}

static struct ast_node *prepare(struct parser *p)
{
    struct ast_prepare *n = NEW(p, PREPARE, prepare);

    next(p);
    n->name = parse_ident(p);
    expect(p, K_FROM);
    n->from = parse_expr(p);
    return done(p, n);
}

static struct ast_node *execute(struct parser *p)
{
    struct ast_execute *n = NEW(p, EXECUTE, execute);

    next(p);
    if (is(p, K_IMMEDIATE)) {
        next(p);
        n->immediate = true;
        n->from = parse_expr(p);
    } else {
        n->name = parse_ident(p);
    }
    if (accept(p, K_USING))
        p->maria ? parse_dml_values(p, &n->args) : parse_exprs(p, &n->args);
    return done(p, n);
}

static struct ast_node *kill(struct parser *p)
{
    struct ast_kill *n = NEW(p, KILL, kill);
    bool query = false, connection = false;

    next(p);
    if (is(p, K_HARD) || is(p, K_SOFT))
        n->word = parse_upper(p);
    if (accept(p, K_CONNECTION))
        connection = true;
    else if (accept(p, K_QUERY))
        query = true;
    n->what = query ? AST_KILL_QUERY : connection ? AST_KILL_CONNECTION : AST_KILL_PLAIN;
    if (is(p, K_USER) && p->maria) {
        next(p);
        n->what = query ? AST_KILL_QUERY_USER : connection ? AST_KILL_CONNECTION_USER : AST_KILL_USER;
        n->id = parse_account(p);
        return done(p, n);
    }
    if (query && is_word(p, "ID") && p->maria) {
        next(p);
        n->what = AST_KILL_QUERY_ID;
    }
    n->id = parse_expr(p);
    return done(p, n);
}

/* What FLUSH may name besides tables: words up to the comma. */
static struct ast_node *flush_item(struct parser *p)
{
    struct ast_option *o = NEW(p, OPTION, option);

    o->name = parse_upper(p);
    while ((p->t->kind == TK_IDENT || p->t->kind >= TK_KEYWORD_FIRST) && !is(p, K_FOR)) {
        struct sv parts[3] = {o->name, SV(" "), SV("")};

        parts[2] = parse_upper(p);
        o->name = arena_concat(p->a, parts, 3);
    }
    if (accept(p, TK_EQ)) { /* BINARY LOGS DELETE_DOMAIN_ID = (..) (MariaDB) */
        o->has_list = true;
        expect(p, TK_LPAREN);
        if (!is(p, TK_RPAREN))
            parse_exprs(p, &o->list);
        expect(p, TK_RPAREN);
    }
    if (accept(p, K_FOR))
        expect(p, K_CHANNEL);
    if (is(p, TK_STRING))
        o->value = parse_string_literal(p);
    return done(p, o);
}

static void flush_tables(struct parser *p, struct ast_flush *n)
{
    next(p);
    n->has_tables = true;
    if (is_ident(p))
        parse_table_names(p, &n->tables);
    if (accept(p, K_WITH)) {
        expect(p, K_READ);
        expect(p, K_LOCK);
        n->word = SV("WITH READ LOCK");
        if (accept2(p, K_AND, K_DISABLE)) {
            expect(p, K_CHECKPOINT);
            n->word = SV("WITH READ LOCK AND DISABLE CHECKPOINT");
        }
    } else if (accept(p, K_FOR)) {
        expect(p, K_EXPORT);
        n->word = SV("FOR EXPORT");
    }
}

static struct ast_node *flush(struct parser *p)
{
    struct ast_flush *n = NEW(p, FLUSH, flush);

    next(p);
    n->no_binlog = accept(p, K_NO_WRITE_TO_BINLOG) || accept(p, K_LOCAL);
    if (is(p, K_TABLE) || is(p, K_TABLES)) {
        flush_tables(p, n);
        return done(p, n);
    }
    do
        add(p, &n->items, flush_item(p));
    while (accept(p, TK_COMMA));
    return done(p, n);
}

/* ---- ANALYZE, CHECK, OPTIMIZE, REPAIR, CHECKSUM TABLE ---- */

/* Words such as FOR UPGRADE QUICK, kept in upper case with one blank between them. */
static struct sv admin_words(struct parser *p)
{
    struct sv all = SV_NULL;

    while (is(p, K_QUICK) || is(p, K_FAST) || is(p, K_MEDIUM) || is(p, K_EXTENDED) || is(p, K_CHANGED) ||
           is(p, K_USE_FRM) || is(p, K_FOR) || is(p, K_UPGRADE) || is(p, K_FORCE) || (is(p, K_FROM) && p->maria) ||
           is(p, K_MYSQL)) {
        struct sv parts[3] = {all, SV(" "), SV("")};
        struct sv word = parse_upper(p);

        parts[2] = word;
        all = all.ptr ? arena_concat(p->a, parts, 3) : word;
    }
    return all;
}

static struct ast_node *admin_table(struct parser *p, enum ast_admin_op op)
{
    struct ast_admin_table *n = NEW(p, ADMIN_TABLE, admin_table);
    uint32_t begin;

    next(p);
    n->op = op;
    n->no_binlog = accept(p, K_NO_WRITE_TO_BINLOG) || accept(p, K_LOCAL);
    n->view = accept(p, K_VIEW);
    if (!n->view && !accept(p, K_TABLES))
        expect(p, K_TABLE);
    do {
        struct ast_table *t = AST_AS(table, parse_table_name(p));

        add(p, &n->tables, &t->node);
        if (op == AST_ADMIN_ANALYZE && is(p, K_PERSISTENT)) /* MariaDB: FOR .. is behind each table */
            break;
    } while (accept(p, TK_COMMA));
    begin = p->t->begin;
    if (op == AST_ADMIN_ANALYZE && (is(p, K_UPDATE) || is(p, K_DROP) || is(p, K_PERSISTENT))) {
        if (!is(p, K_PERSISTENT) && peek(p, 1) != K_HISTOGRAM)
            parser_error(p);
        (void)parse_text_stmt(p, AST_TEXT_OTHER, begin);
        n->extra = parse_text_since(p, begin);
        return done(p, n);
    }
    n->word = admin_words(p);
    if (is(p, K_WAIT) || is(p, K_NOWAIT)) { /* OPTIMIZE TABLE .. WAIT n (MariaDB) */
        begin = p->t->begin;
        (void)parse_wait(p);
        n->extra = parse_text_since(p, begin);
    }
    return done(p, n);
}

/* CHECK GLOBAL INDEX i ON t [REPAIR] */
static struct ast_node *check_index(struct parser *p)
{
    struct ast_check_index *n = NEW(p, CHECK_INDEX, check_index);

    next(p);
    expect(p, K_GLOBAL);
    expect(p, K_INDEX);
    n->name = parse_ident(p);
    expect(p, K_ON);
    n->table = parse_table_name(p);
    n->repair = accept(p, K_REPAIR);
    return done(p, n);
}

static struct ast_node *rebalance(struct parser *p)
{
    struct ast_rebalance *n = NEW(p, REBALANCE, rebalance);

    next(p);
    if (accept(p, K_DATABASE) || accept(p, K_SCHEMA)) {
        n->db = parse_ident(p);
    } else if (accept(p, K_TABLE) || accept(p, K_TABLES)) {
        parse_table_names(p, &n->tables);
    }
    return done(p, n);
}

static struct ast_node *ddl_job(struct parser *p, enum ast_job_op op)
{
    struct ast_ddl_job *n = NEW(p, DDL_JOB, ddl_job);

    next(p);
    n->op = op;
    expect(p, K_DDL);
    n->job = parse_literal(p);
    return done(p, n);
}

/* ---- dispatch ---- */

/* Statements that are kept as text; NULL: not one of them. */
static struct ast_node *text_statement(struct parser *p)
{
    uint32_t begin = p->t->begin;

    switch (p->t->kind) {
    case K_CHANGE:
    case K_PURGE:
    case K_RESET:
    case K_STOP:
    case K_START: /* START TRANSACTION was taken before */
        return parse_text_stmt(p, AST_TEXT_REPLICATION, begin);
    case K_INSTALL:
    case K_UNINSTALL:
        return parse_text_stmt(p, AST_TEXT_PLUGIN, begin);
    case K_CLONE:
    case K_IMPORT:
        return parse_text_stmt(p, AST_TEXT_INSTANCE, begin);
    case K_CACHE:
        return parse_text_stmt(p, AST_TEXT_CACHE_INDEX, begin);
    case K_BINLOG:
        return parse_text_stmt(p, AST_TEXT_BINLOG, begin);
    case K_SIGNAL:
    case K_RESIGNAL:
    case K_GET:
        return parse_text_stmt(p, AST_TEXT_DIAGNOSTICS, begin);
    default:
        return NULL;
    }
}

static struct ast_node *admin_statement(struct parser *p)
{
    unsigned k1 = peek(p, 1);

    switch (p->t->kind) {
    case K_ANALYZE:
        if (k1 == K_TABLE || k1 == K_TABLES || k1 == K_NO_WRITE_TO_BINLOG || k1 == K_LOCAL)
            return admin_table(p, AST_ADMIN_ANALYZE);
        return p->maria ? parse_explain(p) : NULL;
    case K_CHECK:
        return k1 == K_GLOBAL ? check_index(p) : admin_table(p, AST_ADMIN_CHECK);
    case K_OPTIMIZE:
        return admin_table(p, AST_ADMIN_OPTIMIZE);
    case K_REPAIR:
        return admin_table(p, AST_ADMIN_REPAIR);
    case K_CHECKSUM:
        return admin_table(p, AST_ADMIN_CHECKSUM);
    case K_FLUSH:
        return flush(p);
    case K_KILL:
        return kill(p);
    case K_SHUTDOWN:
        return simple_words(p, AST_SIMPLE_SHUTDOWN);
    case K_RESTART:
        return simple_bare(p, AST_SIMPLE_RESTART);
    case K_BACKUP:
        return p->maria ? simple_words(p, AST_SIMPLE_BACKUP) : NULL;
    case K_REBALANCE:
        return rebalance(p);
    case K_PAUSE:
        return ddl_job(p, AST_JOB_PAUSE);
    case K_CONTINUE:
        return ddl_job(p, AST_JOB_CONTINUE);
    case K_CANCEL:
        return ddl_job(p, AST_JOB_CANCEL);
    default:
        return NULL;
    }
}

static struct ast_node *session_statement(struct parser *p)
{
    switch (p->t->kind) {
    case K_SET:
        return parse_set(p);
    case K_SHOW:
        return parse_show(p);
    case K_USE:
        return simple_named(p, AST_SIMPLE_USE);
    case K_EXPLAIN:
    case K_DESCRIBE:
    case K_DESC:
        return parse_explain(p);
    case K_PREPARE:
        return prepare(p);
    case K_EXECUTE:
        return execute(p);
    case K_DEALLOCATE: {
        struct ast_simple *n = NEW(p, SIMPLE, simple);

        next(p);
        expect(p, K_PREPARE);
        n->op = AST_SIMPLE_DEALLOCATE;
        n->name = parse_ident(p);
        return done(p, n);
    }
    case K_HELP:
        return help(p);
    case K_GRANT:
    case K_REVOKE:
        return parse_grant(p);
    default:
        return parse_transaction(p);
    }
}

static struct ast_node *query_or_dml(struct parser *p)
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
        if (peek(p, 1) == K_INDEX)
            return parse_text_stmt(p, AST_TEXT_CACHE_INDEX, p->t->begin);
        return parse_load(p);
    default:
        return NULL;
    }
}

static struct ast_node *definition(struct parser *p)
{
    switch (p->t->kind) {
    case K_CREATE:
        return parse_create(p);
    case K_ALTER:
        return parse_alter(p);
    case K_DROP:
        return parse_drop(p);
    case K_RENAME:
        return parse_rename(p);
    case K_TRUNCATE:
        return parse_truncate(p);
    default:
        return NULL;
    }
}

struct ast_node *parse_statement(struct parser *p)
{
    struct ast_node *n = query_or_dml(p);

    if (n)
        return n;
    if (compound_starts(p) && !p->in_program)
        return parse_compound(p);
    n = session_statement(p);
    if (!n)
        n = definition(p);
    if (!n)
        n = admin_statement(p);
    if (!n)
        n = text_statement(p);
    if (n)
        return n;
    parser_error(p);
    return &NEW(p, SIMPLE, simple)->node;
}
