/* SHOW in all forms. */
#include "parser/p-int.h"

static void like_or_where(struct parser *p, struct ast_show *n)
{
    if (accept(p, K_LIKE))
        n->like = parse_string_literal(p);
    else
        n->where = parse_where(p);
}

static bool from_or_in(struct parser *p)
{
    return accept(p, K_FROM) || accept(p, K_IN);
}

static struct ast_node *of_kind(struct parser *p, struct ast_show *n, enum ast_show_what what, unsigned words)
{
    n->what = what;
    while (words--)
        next(p);
    return done(p, n);
}

/* [FROM db] [LIKE | WHERE] */
static struct ast_node *db_list(struct parser *p, struct ast_show *n, enum ast_show_what what, unsigned words)
{
    (void)of_kind(p, n, what, words);
    if (from_or_in(p))
        n->db = parse_ident(p);
    like_or_where(p, n);
    return done(p, n);
}

static struct ast_node *plain_list(struct parser *p, struct ast_show *n, enum ast_show_what what, unsigned words)
{
    (void)of_kind(p, n, what, words);
    like_or_where(p, n);
    return done(p, n);
}

/* FROM table [FROM db] */
static void table_from(struct parser *p, struct ast_show *n)
{
    struct ast_table *t;

    if (!from_or_in(p))
        parser_error(p);
    t = AST_AS(table, parse_table_name(p));
    n->table = &t->node;
    if (from_or_in(p))
        n->db = parse_ident(p);
}

static struct ast_node *show_columns(struct parser *p, struct ast_show *n)
{
    (void)of_kind(p, n, AST_SHOW_COLUMNS, 1);
    table_from(p, n);
    like_or_where(p, n);
    return done(p, n);
}

static struct ast_node *show_index(struct parser *p, struct ast_show *n)
{
    (void)of_kind(p, n, AST_SHOW_INDEX, 1);
    table_from(p, n);
    n->where = parse_where(p);
    return done(p, n);
}

/* ---- SHOW CREATE ---- */

static struct ast_node *show_create(struct parser *p, struct ast_show *n)
{
    static const struct {
        uint16_t kind;
        uint8_t what;
    } objects[] = {{K_TABLE, AST_SHOW_CREATE_TABLE},       {K_VIEW, AST_SHOW_CREATE_VIEW},
                   {K_PROCEDURE, AST_SHOW_CREATE_PROCEDURE}, {K_FUNCTION, AST_SHOW_CREATE_FUNCTION},
                   {K_TRIGGER, AST_SHOW_CREATE_TRIGGER},   {K_EVENT, AST_SHOW_CREATE_EVENT},
                   {K_SEQUENCE, AST_SHOW_CREATE_SEQUENCE}, {K_SERVER, AST_SHOW_CREATE_SERVER},
                   {K_PACKAGE, AST_SHOW_CREATE_PACKAGE}};

    next(p);
    if (is(p, K_DATABASE) || is(p, K_SCHEMA)) {
        (void)of_kind(p, n, AST_SHOW_CREATE_DATABASE, 1);
        n->if_not_exists = accept_if_not_exists(p);
        n->db = parse_ident(p);
        return done(p, n);
    }
    if (is(p, K_USER)) {
        (void)of_kind(p, n, AST_SHOW_CREATE_USER, 1);
        if (!is(p, TK_EOF) && !is(p, TK_SEMI))
            n->account = parse_account(p);
        return done(p, n);
    }
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        if (!accept(p, objects[i].kind))
            continue;
        n->what = (enum ast_show_what)objects[i].what;
        if (n->what == AST_SHOW_CREATE_PACKAGE && accept(p, K_BODY))
            n->what = AST_SHOW_CREATE_PACKAGE_BODY;
        n->table = parse_table_name(p);
        return done(p, n);
    }
    if (is(p, K_LIBRARY)) { /* MySQL 9 */
        uint32_t begin = p->t->begin;

        next(p);
        (void)parse_table_name(p);
        n->what = AST_SHOW_OTHER;
        n->word = arena_printf(p->a, "CREATE %.*s", SV_ARG(parse_text_since(p, begin)));
        return done(p, n);
    }
    parser_error(p);
    return &n->node;
}

/* ---- replication ---- */

/* FOR CHANNEL 'x' */
static void for_channel(struct parser *p, struct ast_show *n)
{
    if (accept2(p, K_FOR, K_CHANNEL))
        n->word2 = parse_ident_or_text(p);
}

/* Reads `words` and keeps them as they are written. */
static struct ast_node *worded(struct parser *p, struct ast_show *n, enum ast_show_what what, unsigned words)
{
    struct sv parts[9];
    unsigned count = 0;

    while (words-- && count < ARRAY_LEN(parts) - 1) {
        if (count)
            parts[count++] = SV(" ");
        parts[count++] = parse_upper(p);
    }
    n->word = arena_concat(p->a, parts, count);
    return of_kind(p, n, what, 0);
}

static struct ast_node *replica_status(struct parser *p, struct ast_show *n, unsigned words)
{
    (void)worded(p, n, AST_SHOW_REPLICA_STATUS, words);
    for_channel(p, n);
    return done(p, n);
}

static struct ast_node *binlog_events(struct parser *p, struct ast_show *n, bool relay)
{
    (void)of_kind(p, n, AST_SHOW_BINLOG_EVENTS, 2);
    if (relay)
        n->word2 = SV("RELAYLOG");
    if (accept(p, K_IN))
        n->word = parse_ident_or_text(p);
    if (accept(p, K_FROM))
        n->value = parse_literal(p);
    n->limit = parse_limit(p);
    if (relay && accept2(p, K_FOR, K_CHANNEL)) {
        struct ast_name *c = NEW(p, NAME, name);

        c->name.name = parse_ident_or_text(p);
        n->account = done(p, c);
    }
    return done(p, n);
}

static struct ast_node *replication(struct parser *p, struct ast_show *n)
{
    unsigned k1 = peek(p, 1);

    switch (p->t->kind) {
    case K_MASTER:
        if (k1 == K_STATUS)
            return worded(p, n, AST_SHOW_MASTER_STATUS, 2);
        if (k1 == K_LOGS)
            return worded(p, n, AST_SHOW_BINARY_LOGS, 2);
        return NULL;
    case K_BINARY:
        if (k1 == K_LOGS)
            return worded(p, n, AST_SHOW_BINARY_LOGS, 2);
        return k1 == K_LOG ? worded(p, n, AST_SHOW_MASTER_STATUS, 3) : NULL;
    case K_BINLOG:
        if (k1 == K_STATUS)
            return worded(p, n, AST_SHOW_MASTER_STATUS, 2);
        return k1 == K_EVENTS ? binlog_events(p, n, false) : NULL;
    case K_RELAYLOG:
        return binlog_events(p, n, true);
    case K_SLAVE:
    case K_REPLICA:
        if (k1 == K_STATUS)
            return replica_status(p, n, 2);
        if (k1 == K_HOSTS)
            return worded(p, n, AST_SHOW_REPLICAS, 2);
        if (k1 == TK_STRING) { /* SHOW SLAVE 'name' STATUS (MariaDB) */
            next(p);
            n->word2 = parse_ident_or_text(p);
            expect(p, K_STATUS);
            n->word = SV("REPLICA STATUS");
            return of_kind(p, n, AST_SHOW_REPLICA_STATUS, 0);
        }
        return NULL;
    case K_ALL:
        if (k1 == K_SLAVES || k1 == K_REPLICAS)
            return worded(p, n, AST_SHOW_REPLICA_STATUS, 3);
        return NULL;
    case K_REPLICAS:
        return worded(p, n, AST_SHOW_REPLICAS, 1);
    default:
        return NULL;
    }
}

/* ---- the rest ---- */

static struct ast_node *show_engine(struct parser *p, struct ast_show *n)
{
    (void)of_kind(p, n, AST_SHOW_ENGINE, 1);
    n->word = is(p, K_ALL) ? parse_upper(p) : parse_ident_or_text(p);
    if (accept(p, K_TRANSACTION) && accept(p, K_STATUS)) {
        n->word2 = SV("TRANSACTION STATUS");
        return done(p, n);
    }
    if (!is(p, K_STATUS) && !is(p, K_MUTEX) && !is(p, K_LOGS))
        parser_error(p);
    n->word2 = parse_upper(p);
    return done(p, n);
}

static struct ast_node *show_grants(struct parser *p, struct ast_show *n)
{
    (void)of_kind(p, n, AST_SHOW_GRANTS, 1);
    if (accept(p, K_FOR)) {
        n->account = parse_account(p);
        if (accept(p, K_USING))
            parse_accounts(p, &n->using);
    }
    return done(p, n);
}

static struct ast_node *show_profile(struct parser *p, struct ast_show *n)
{
    uint32_t begin;

    (void)of_kind(p, n, AST_SHOW_PROFILE, 1);
    begin = p->t->begin;
    while (!is(p, K_FOR) && !is(p, K_LIMIT) && !is(p, TK_EOF) && !is(p, TK_SEMI) && !is(p, TK_ERROR))
        next(p);
    if (p->prev_end > begin)
        n->word = parse_text_since(p, begin);
    if (accept(p, K_FOR)) {
        expect(p, K_QUERY);
        n->value = parse_literal(p);
    }
    n->limit = parse_limit(p);
    return done(p, n);
}

static struct ast_node *warnings(struct parser *p, struct ast_show *n)
{
    (void)of_kind(p, n, is(p, K_WARNINGS) ? AST_SHOW_WARNINGS : AST_SHOW_ERRORS, 1);
    if (!n->count)
        n->limit = parse_limit(p);
    return done(p, n);
}

/* PROCEDURE | FUNCTION | PACKAGE [BODY] STATUS | CODE */
static struct ast_node *routine(struct parser *p, struct ast_show *n)
{
    bool function = is(p, K_FUNCTION);

    if (is(p, K_PACKAGE)) {
        bool body = peek(p, 1) == K_BODY;

        if (body && peek(p, 2) == K_CODE) {
            (void)worded(p, n, AST_SHOW_OTHER, 3);
            n->word = arena_printf(p->a, "%.*s ", SV_ARG(n->word));
            n->table = parse_table_name(p);
            return done(p, n);
        }

        return plain_list(p, n, body ? AST_SHOW_PACKAGE_BODY_STATUS : AST_SHOW_PACKAGE_STATUS, body ? 3 : 2);
    }
    if (peek(p, 1) == K_STATUS)
        return plain_list(p, n, function ? AST_SHOW_FUNCTION_STATUS : AST_SHOW_PROCEDURE_STATUS, 2);
    next(p);
    expect(p, K_CODE);
    n->what = function ? AST_SHOW_FUNCTION_CODE : AST_SHOW_PROCEDURE_CODE;
    n->table = parse_table_name(p);
    return done(p, n);
}

/* EXPLAIN [FORMAT=JSON] FOR n, ANALYZE [FORMAT=JSON] FOR n (MariaDB) */
static struct ast_node *show_explain(struct parser *p, struct ast_show *n)
{
    n->what = AST_SHOW_EXPLAIN;
    if (is(p, K_ANALYZE))
        n->word2 = SV("ANALYZE");
    next(p);
    if (accept(p, K_FORMAT)) {
        expect(p, TK_EQ);
        n->word = parse_ident_or_text(p);
    }
    expect(p, K_FOR);
    n->value = parse_expr(p);
    return done(p, n);
}

/* Tessera's own; NULL: none of them. */
static struct ast_node *tessera(struct parser *p, struct ast_show *n)
{
    switch (p->t->kind) {
    case K_SHARDS:
        return plain_list(p, n, AST_SHOW_SHARDS, 1);
    case K_TOPOLOGY:
        (void)of_kind(p, n, AST_SHOW_TOPOLOGY, 1);
        if (is(p, K_FROM) || is(p, K_IN))
            table_from(p, n);
        return done(p, n);
    case K_DDL:
        (void)of_kind(p, n, AST_SHOW_DDL, 1);
        if (is(p, TK_INT))
            n->value = parse_literal(p);
        return done(p, n);
    case K_TRANSACTIONS:
        return plain_list(p, n, AST_SHOW_TRANSACTIONS, 1);
    case K_DEADLOCKS:
        return plain_list(p, n, AST_SHOW_DEADLOCKS, 1);
    default:
        return NULL;
    }
}

/* Lists with LIKE or WHERE behind them. */
static struct ast_node *lists(struct parser *p, struct ast_show *n)
{
    switch (p->t->kind) {
    case K_DATABASES:
    case K_SCHEMAS:
        return plain_list(p, n, AST_SHOW_DATABASES, 1);
    case K_TABLES:
        return db_list(p, n, AST_SHOW_TABLES, 1);
    case K_TABLE:
        return peek(p, 1) == K_STATUS ? db_list(p, n, AST_SHOW_TABLE_STATUS, 2) : NULL;
    case K_OPEN:
        return db_list(p, n, AST_SHOW_OPEN_TABLES, 2);
    case K_TRIGGERS:
        return db_list(p, n, AST_SHOW_TRIGGERS, 1);
    case K_EVENTS:
        return db_list(p, n, AST_SHOW_EVENTS, 1);
    case K_COLUMNS:
    case K_FIELDS:
        return show_columns(p, n);
    case K_INDEX:
    case K_INDEXES:
    case K_KEYS:
        return show_index(p, n);
    case K_VARIABLES:
        return plain_list(p, n, AST_SHOW_VARIABLES, 1);
    case K_STATUS:
        return plain_list(p, n, AST_SHOW_STATUS, 1);
    case K_CHARACTER:
    case K_CHAR:
        return peek(p, 1) == K_SET ? plain_list(p, n, AST_SHOW_CHARSET, 2) : NULL;
    case K_CHARSET:
        return plain_list(p, n, AST_SHOW_CHARSET, 1);
    case K_COLLATION:
        return plain_list(p, n, AST_SHOW_COLLATION, 1);
    default:
        return NULL;
    }
}

static struct ast_node *others(struct parser *p, struct ast_show *n)
{
    switch (p->t->kind) {
    case K_CREATE:
        return show_create(p, n);
    case K_WARNINGS:
    case K_ERRORS:
        return warnings(p, n);
    case K_PROCESSLIST:
        return of_kind(p, n, AST_SHOW_PROCESSLIST, 1);
    case K_ENGINES:
        return of_kind(p, n, AST_SHOW_ENGINES, 1);
    case K_STORAGE:
        return peek(p, 1) == K_ENGINES ? of_kind(p, n, AST_SHOW_ENGINES, 2) : NULL;
    case K_ENGINE:
        return show_engine(p, n);
    case K_PLUGINS:
        (void)of_kind(p, n, AST_SHOW_PLUGINS, 1);
        if (accept(p, K_SONAME)) {
            n->word = SV("SONAME");
            if (is(p, TK_STRING)) {
                n->value = parse_string_literal(p);
                return done(p, n);
            }
        }
        like_or_where(p, n);
        return done(p, n);
    case K_PRIVILEGES:
        return of_kind(p, n, AST_SHOW_PRIVILEGES, 1);
    case K_GRANTS:
        return show_grants(p, n);
    case K_PROCEDURE:
    case K_FUNCTION:
    case K_PACKAGE:
        return routine(p, n);
    case K_PROFILES:
        return of_kind(p, n, AST_SHOW_PROFILES, 1);
    case K_PROFILE:
        return show_profile(p, n);
    case K_AUTHORS:
        return of_kind(p, n, AST_SHOW_AUTHORS, 1);
    case K_CONTRIBUTORS:
        return of_kind(p, n, AST_SHOW_CONTRIBUTORS, 1);
    case K_EXPLAIN:
    case K_ANALYZE:
        return show_explain(p, n);
    default:
        return NULL;
    }
}

static void show_words(struct parser *p, struct ast_show *n)
{
    if (is2(p, K_COUNT, TK_LPAREN)) {
        next(p);
        next(p);
        expect(p, TK_STAR);
        expect(p, TK_RPAREN);
        n->count = true;
        if (!is(p, K_WARNINGS) && !is(p, K_ERRORS))
            parser_error(p);
        return;
    }
    if (is(p, K_GLOBAL) || is(p, K_SESSION) || is(p, K_LOCAL)) {
        n->scope = is(p, K_GLOBAL)    ? AST_SCOPE_GLOBAL
                   : is(p, K_SESSION) ? AST_SCOPE_SESSION
                                      : AST_SCOPE_LOCAL;
        next(p);
        return;
    }
    n->extended = accept(p, K_EXTENDED);
    n->full = accept(p, K_FULL);
}

struct ast_node *parse_show(struct parser *p)
{
    struct ast_show *n = NEW(p, SHOW, show);
    uint32_t begin = p->t->begin;
    struct ast_node *r;

    next(p);
    if (is(p, K_PARSE_TREE)) {
        next(p);
        n->what = AST_SHOW_PARSE_TREE;
        begin = p->t->begin;
        (void)parse_text_stmt(p, AST_TEXT_OTHER, begin);
        n->word = parse_text_since(p, begin);
        return done(p, n);
    }
    show_words(p, n);
    r = lists(p, n);
    if (!r)
        r = others(p, n);
    if (!r)
        r = replication(p, n);
    if (!r)
        r = tessera(p, n);
    if (!r && is_ident(p) && p->maria) { /* tables of plugins: CLIENT_STATISTICS, LOCALES, .. */
        n->word = parse_upper(p);
        n->what = AST_SHOW_OTHER;
        like_or_where(p, n);
        r = done(p, n);
    }
    if (!r)
        parser_error(p);
    return r ? r : &n->node;
}
