/* CREATE, ALTER, DROP, RENAME, TRUNCATE: dispatch by the object's word, and all objects but tables, routines, accounts
 * (p_table.c, p_alter.c, p_program.c, p_account.c). */
#include "parser/p-int.h"

/* WAIT n, NOWAIT (MariaDB); NULL: neither. NOWAIT is WAIT 0. */
struct ast_node *parse_wait(struct parser *p)
{
    struct ast_lit *n;

    if (is2(p, K_WAIT, TK_INT)) {
        next(p);
        return parse_literal(p);
    }
    if (!is(p, K_NOWAIT))
        return NULL;
    n = NEW(p, LIT, lit);
    n->type = AST_LIT_INT;
    n->value = SV("0");
    n->slot = AST_NO_SLOT;
    next(p);
    return done(p, n);
}

/* Takes the rest of the statement as text: balanced parentheses are all that is asked of it. */
struct ast_node *parse_text_stmt(struct parser *p, enum ast_text_kind kind, uint32_t begin)
{
    struct ast_text_stmt *n = NEW(p, TEXT_STMT, text_stmt);
    unsigned level = 0;

    n->node.begin = begin;
    n->stmt = kind;
    while (!is(p, TK_EOF) && !is(p, TK_ERROR) && !(is(p, TK_SEMI) && level == 0)) {
        if (is(p, TK_LPAREN))
            level++;
        if (is(p, TK_RPAREN) && level-- == 0) {
            parser_error(p);
            break;
        }
        next(p);
    }
    if (is(p, TK_ERROR) || level)
        parser_error(p);
    n->text = parse_text_since(p, begin);
    return done(p, n);
}

/* ---- databases ---- */

static struct ast_node *database_option(struct parser *p)
{
    struct ast_node *o = parse_charset_option(p);
    struct ast_option *n;
    bool string = false;

    if (o)
        return o;
    n = NEW(p, OPTION, option);
    if (is(p, K_DEFAULT) && peek(p, 1) == K_ENCRYPTION)
        next(p);
    if (is(p, K_ENCRYPTION) || is(p, K_COMMENT) || is(p, K_MODE)) {
        n->name = kw_text(p->t->kind);
        string = !is(p, K_MODE);
        next(p);
    } else if (is2(p, K_READ, K_ONLY)) {
        next(p);
        next(p);
        n->name = SV("READ ONLY");
    } else if (is2(p, K_UPGRADE, K_DATA)) {
        next(p);
        next(p);
        expect(p, K_DIRECTORY);
        expect(p, K_NAME);
        n->name = SV("UPGRADE DATA DIRECTORY NAME");
        return done(p, n);
    } else {
        return NULL;
    }
    accept_eq(p);
    if (string && !is(p, TK_STRING))
        parser_error(p);
    n->value = parse_option_value(p);
    return done(p, n);
}

static struct ast_node *database(struct parser *p, struct ast_create_database *n)
{
    struct ast_node *o;
    bool option; /* ALTER DATABASE without a name */

    next(p);
    n->if_not_exists = accept_if_not_exists(p);
    option = is(p, K_CHARSET) || ((is(p, K_ENCRYPTION) || is(p, K_COMMENT)) &&
                                  (peek(p, 1) == TK_STRING || peek(p, 1) == TK_EQ));
    if (!n->alter || (is_ident(p) && !option))
        n->name = parse_ident(p);
    while ((o = database_option(p)) != NULL) {
        add(p, &n->options, o);
        (void)accept(p, TK_COMMA);
    }
    if (n->alter && !n->options.n)
        parser_error(p);
    return done(p, n);
}

/* ---- indexes ---- */

/* ALGORITHM [=] x, LOCK [=] x */
static void index_options(struct parser *p, struct ast_list *l)
{
    while (is(p, K_ALGORITHM) || is(p, K_LOCK)) {
        struct ast_option *o = NEW(p, OPTION, option);

        o->name = kw_text(p->t->kind);
        next(p);
        accept_eq(p);
        o->value = parse_option_value(p);
        add(p, l, done(p, o));
    }
}

static struct ast_node *create_index(struct parser *p, uint32_t begin, bool or_replace)
{
    struct ast_create_index *n = NEW(p, CREATE_INDEX, create_index);
    struct ast_key_def *k = NEW(p, KEY_DEF, key_def);

    n->node.begin = begin;
    n->or_replace = or_replace;
    n->online = accept(p, K_ONLINE);
    if (!parse_key_words(p, k, false))
        parser_error(p);
    k->if_not_exists = accept_if_not_exists(p);
    k->name = parse_ident(p);
    if (accept(p, K_USING) || accept(p, K_TYPE))
        k->algorithm = parse_upper(p);
    expect(p, K_ON);
    n->table = parse_table_name(p);
    parse_key_parts(p, k);
    n->wait = parse_wait(p);
    for (;;) {
        uint32_t before = k->options.n;

        parse_key_tail(p, k);
        index_options(p, &n->options);
        if (k->options.n == before && !is(p, K_ALGORITHM) && !is(p, K_LOCK))
            break;
        if (p->failed)
            break;
    }
    n->key = done(p, k);
    return done(p, n);
}

static struct ast_node *drop_index(struct parser *p, uint32_t begin, bool online)
{
    struct ast_drop_index *n = NEW(p, DROP_INDEX, drop_index);

    n->node.begin = begin;
    n->online = online;
    next(p);
    n->if_exists = accept_if_exists(p);
    n->name = is(p, K_PRIMARY) ? parse_label(p) : parse_ident(p);
    expect(p, K_ON);
    n->table = parse_table_name(p);
    n->wait = parse_wait(p);
    index_options(p, &n->options);
    return done(p, n);
}

/* ---- views ---- */

/* DEFINER [=] account. NULL: not there. */
static struct ast_node *definer(struct parser *p)
{
    if (!is(p, K_DEFINER))
        return NULL;
    next(p);
    expect(p, TK_EQ);
    return parse_account(p);
}

static struct ast_node *view(struct parser *p, struct ast_create_view *n)
{
    expect(p, K_VIEW);
    n->if_not_exists = accept_if_not_exists(p);
    n->table = parse_table_name(p);
    if (is(p, TK_LPAREN))
        parse_ident_list(p, &n->columns, false);
    expect(p, K_AS);
    n->query = parse_query(p);
    if (accept(p, K_WITH)) {
        n->check = AST_VIEW_CHECK_PLAIN;
        if (accept(p, K_CASCADED))
            n->check = AST_VIEW_CHECK_CASCADED;
        else if (accept(p, K_LOCAL))
            n->check = AST_VIEW_CHECK_LOCAL;
        expect(p, K_CHECK);
        expect(p, K_OPTION);
    }
    return done(p, n);
}

/* ---- sequences ---- */

/* [+ | -] digits */
static struct ast_node *sequence_number(struct parser *p)
{
    bool sign = is(p, TK_MINUS) || is(p, TK_PLUS);

    if (peek(p, sign) != TK_INT)
        parser_error(p);
    return parse_literal(p);
}

static struct ast_node *sequence_option(struct parser *p)
{
    static const struct {
        uint16_t kind, skip1, skip2;
        const char *name;
    } valued[] = {{K_INCREMENT, K_BY, TK_EQ, "INCREMENT BY"}, {K_MINVALUE, TK_EQ, 0, "MINVALUE"},
                  {K_MAXVALUE, TK_EQ, 0, "MAXVALUE"},         {K_START, K_WITH, TK_EQ, "START WITH"},
                  {K_CACHE, TK_EQ, 0, "CACHE"}};
    static const struct {
        uint16_t kind;
        const char *name;
    } bare[] = {{K_NOMINVALUE, "NO MINVALUE"}, {K_NOMAXVALUE, "NO MAXVALUE"}, {K_NOCACHE, "NOCACHE"},
                {K_CYCLE, "CYCLE"},            {K_NOCYCLE, "NOCYCLE"}};
    struct ast_option *o = NEW(p, OPTION, option);

    for (size_t i = 0; i < ARRAY_LEN(valued); i++) {
        if (!is(p, valued[i].kind) || (valued[i].kind == K_START && peek(p, 1) == K_TRANSACTION))
            continue;
        next(p);
        (void)(accept(p, valued[i].skip1) || (valued[i].skip2 && accept(p, valued[i].skip2)));
        o->name = sv_cstr(valued[i].name);
        o->value = sequence_number(p);
        return done(p, o);
    }
    for (size_t i = 0; i < ARRAY_LEN(bare); i++) {
        if (accept(p, bare[i].kind)) {
            o->name = sv_cstr(bare[i].name);
            return done(p, o);
        }
    }
    if (is(p, K_NO)) {
        unsigned k = peek(p, 1);

        if (k == K_MINVALUE || k == K_MAXVALUE || k == K_CACHE || k == K_CYCLE) {
            next(p);
            next(p);
            o->name = k == K_MINVALUE   ? SV("NO MINVALUE")
                      : k == K_MAXVALUE ? SV("NO MAXVALUE")
                      : k == K_CACHE    ? SV("NOCACHE")
                                        : SV("NOCYCLE");
            return done(p, o);
        }
    }
    if (is(p, K_RESTART)) {
        next(p);
        o->name = SV("RESTART");
        if (accept(p, K_WITH) || accept(p, TK_EQ) || is(p, TK_INT) || is(p, TK_MINUS) || is(p, TK_PLUS))
            o->value = sequence_number(p);
        return done(p, o);
    }
    return parse_table_option(p);
}

static struct ast_node *sequence(struct parser *p, struct ast_create_sequence *n)
{
    struct ast_node *o;

    next(p);
    n->if_not_exists = n->alter ? accept_if_exists(p) : accept_if_not_exists(p);
    n->table = parse_table_name(p);
    while ((o = sequence_option(p)) != NULL)
        add(p, &n->options, o);
    return done(p, n);
}

/* ---- shards ---- */

static struct ast_node *shard(struct parser *p, enum ast_shard_op op, uint32_t begin)
{
    struct ast_shard *n = NEW(p, SHARD, shard);

    n->node.begin = begin;
    n->op = op;
    next(p);
    n->if_exists = op == AST_SHARD_CREATE ? accept_if_not_exists(p) : accept_if_exists(p);
    n->name = parse_ident(p);
    if (op == AST_SHARD_ALTER && accept(p, K_DRAIN)) {
        n->op = AST_SHARD_DRAIN;
        return done(p, n);
    }
    while (op != AST_SHARD_DROP && p->t->kind >= TK_KEYWORD_FIRST) {
        struct ast_option *o = NEW(p, OPTION, option);

        o->name = parse_upper(p); /* what options there are, the catalog knows */
        accept_eq(p);
        o->value = parse_option_value(p);
        add(p, &n->options, done(p, o));
        (void)accept(p, TK_COMMA);
    }
    if (op == AST_SHARD_ALTER && !n->options.n)
        parser_error(p);
    return done(p, n);
}

/* ---- CREATE and ALTER ---- */

/* Objects of which the text is kept; at the object's word. NULL: not one of them. */
static struct ast_node *text_object(struct parser *p, uint32_t begin)
{
    unsigned k1 = peek(p, 1);

    switch (p->t->kind) {
    case K_SERVER:
        return parse_text_stmt(p, AST_TEXT_SERVER, begin);
    case K_TABLESPACE:
        return parse_text_stmt(p, AST_TEXT_TABLESPACE, begin);
    case K_UNDO:
        return k1 == K_TABLESPACE ? parse_text_stmt(p, AST_TEXT_TABLESPACE, begin) : NULL;
    case K_LOGFILE:
        return k1 == K_GROUP ? parse_text_stmt(p, AST_TEXT_TABLESPACE, begin) : NULL;
    case K_RESOURCE:
        return k1 == K_GROUP ? parse_text_stmt(p, AST_TEXT_RESOURCE_GROUP, begin) : NULL;
    case K_SPATIAL:
        return k1 == K_REFERENCE ? parse_text_stmt(p, AST_TEXT_SPATIAL_REF, begin) : NULL;
    case K_INSTANCE:
        return parse_text_stmt(p, AST_TEXT_INSTANCE, begin);
    case K_LIBRARY:
        return parse_text_stmt(p, AST_TEXT_LIBRARY, begin);
    case K_JSON:
        return parse_text_stmt(p, AST_TEXT_DUALITY_VIEW, begin);
    default:
        return NULL;
    }
}

/* Clauses in front of VIEW and routines: ALGORITHM, DEFINER, SQL SECURITY. */
struct definition_head {
    struct sv algorithm, security;
    struct ast_node *definer;
};

static struct definition_head definition_head(struct parser *p)
{
    struct definition_head h = {SV_NULL, SV_NULL, NULL};

    if (accept(p, K_ALGORITHM)) {
        expect(p, TK_EQ);
        h.algorithm = parse_upper(p);
    }
    h.definer = definer(p);
    if (is2(p, K_SQL, K_SECURITY)) {
        next(p);
        next(p);
        h.security = parse_upper(p);
    }
    return h;
}

static struct ast_node *view_or_routine(struct parser *p, uint32_t begin, bool alter, bool or_replace)
{
    struct definition_head h = definition_head(p);
    struct ast_create_routine *r;

    if (is(p, K_VIEW) || h.algorithm.ptr || h.security.ptr) {
        struct ast_create_view *v = NEW(p, CREATE_VIEW, create_view);

        v->node.begin = begin;
        v->alter = alter;
        v->or_replace = or_replace;
        v->algorithm = h.algorithm;
        v->definer = h.definer;
        v->security = h.security;
        return view(p, v);
    }
    r = NEW(p, CREATE_ROUTINE, create_routine);
    r->node.begin = begin;
    r->alter = alter;
    r->or_replace = or_replace;
    r->definer = h.definer;
    return parse_create_routine(p, r);
}

static struct ast_node *create_table(struct parser *p, uint32_t begin, bool or_replace, bool temporary)
{
    struct ast_create_table *t = NEW(p, CREATE_TABLE, create_table);

    t->node.begin = begin;
    t->or_replace = or_replace;
    t->temporary = temporary;
    next(p);
    return parse_create_table(p, t);
}

static struct ast_node *create_sequence(struct parser *p, uint32_t begin, bool or_replace, bool temporary, bool alter)
{
    struct ast_create_sequence *s = NEW(p, CREATE_SEQUENCE, create_sequence);

    s->node.begin = begin;
    s->or_replace = or_replace;
    s->temporary = temporary;
    s->alter = alter;
    return sequence(p, s);
}

static struct ast_node *create_database(struct parser *p, uint32_t begin, bool or_replace, bool alter)
{
    struct ast_create_database *d = NEW(p, CREATE_DATABASE, create_database);

    d->node.begin = begin;
    d->or_replace = or_replace;
    d->alter = alter;
    return database(p, d);
}

static struct ast_node *create_user(struct parser *p, uint32_t begin, bool or_replace, bool alter)
{
    struct ast_create_user *u = NEW(p, CREATE_USER, create_user);

    u->node.begin = begin;
    u->or_replace = or_replace;
    u->alter = alter;
    next(p);
    return parse_create_user(p, u);
}

struct ast_node *parse_create(struct parser *p)
{
    uint32_t begin = p->t->begin;
    bool or_replace, temporary;
    struct ast_node *n;

    next(p);
    or_replace = accept2(p, K_OR, K_REPLACE);
    temporary = accept(p, K_TEMPORARY);
    switch (p->t->kind) {
    case K_TABLE:
        return create_table(p, begin, or_replace, temporary);
    case K_SEQUENCE:
        return create_sequence(p, begin, or_replace, temporary, false);
    case K_DATABASE:
    case K_SCHEMA:
        return create_database(p, begin, or_replace, false);
    case K_USER:
        return create_user(p, begin, or_replace, false);
    case K_ROLE: {
        struct ast_create_role *r = NEW(p, CREATE_ROLE, create_role);

        r->node.begin = begin;
        r->or_replace = or_replace;
        next(p);
        return parse_create_role(p, r);
    }
    case K_SHARD:
        return shard(p, AST_SHARD_CREATE, begin);
    case K_INDEX:
    case K_UNIQUE:
    case K_FULLTEXT:
    case K_GLOBAL:
    case K_LOCAL:
    case K_CLUSTERED:
    case K_VECTOR:
    case K_ONLINE:
        return create_index(p, begin, or_replace);
    case K_SPATIAL:
        if (peek(p, 1) == K_INDEX)
            return create_index(p, begin, or_replace);
        break;
    default:
        break;
    }
    n = text_object(p, begin);
    return n ? n : view_or_routine(p, begin, false, or_replace);
}

static struct ast_node *alter_table(struct parser *p, uint32_t begin)
{
    struct ast_alter_table *t = NEW(p, ALTER_TABLE, alter_table);

    t->node.begin = begin;
    t->online = accept(p, K_ONLINE);
    t->ignore = accept(p, K_IGNORE);
    expect(p, K_TABLE);
    return parse_alter_table(p, t);
}

struct ast_node *parse_alter(struct parser *p)
{
    uint32_t begin = p->t->begin;
    struct ast_node *n;

    next(p);
    switch (p->t->kind) {
    case K_TABLE:
    case K_IGNORE:
    case K_ONLINE:
        return alter_table(p, begin);
    case K_DATABASE:
    case K_SCHEMA:
        return create_database(p, begin, false, true);
    case K_SEQUENCE:
        return create_sequence(p, begin, false, false, true);
    case K_USER:
        return create_user(p, begin, false, true);
    case K_SHARD:
        return shard(p, AST_SHARD_ALTER, begin);
    default:
        break;
    }
    n = text_object(p, begin);
    return n ? n : view_or_routine(p, begin, true, false);
}

/* ---- DROP, RENAME, TRUNCATE ---- */

static struct ast_node *drop_names(struct parser *p, struct ast_drop *n, bool list)
{
    n->if_exists = accept_if_exists(p);
    do {
        if (n->object == AST_OBJ_USER || n->object == AST_OBJ_ROLE)
            add(p, &n->names, parse_account(p));
        else if (n->object == AST_OBJ_SERVER) {
            struct ast_table *t = NEW(p, TABLE, table);

            t->name = (struct ast_ident){parse_ident_or_text(p), t->node.begin, p->prev_end};
            add(p, &n->names, done(p, t));
        } else
            add(p, &n->names, parse_table_name(p));
    } while (list && accept(p, TK_COMMA));
    n->wait = parse_wait(p);
    if (accept(p, K_RESTRICT))
        n->behavior = AST_DROP_RESTRICT;
    else if (accept(p, K_CASCADE))
        n->behavior = AST_DROP_CASCADE;
    return done(p, n);
}

struct ast_node *parse_drop(struct parser *p)
{
    static const struct {
        uint16_t kind;
        uint8_t object;
        bool list;
    } objects[] = {{K_TABLE, AST_OBJ_TABLE, true},         {K_TABLES, AST_OBJ_TABLE, true},
                   {K_VIEW, AST_OBJ_VIEW, true},           {K_DATABASE, AST_OBJ_DATABASE, false},
                   {K_SCHEMA, AST_OBJ_DATABASE, false},    {K_TRIGGER, AST_OBJ_TRIGGER, false},
                   {K_PROCEDURE, AST_OBJ_PROCEDURE, false}, {K_FUNCTION, AST_OBJ_FUNCTION, false},
                   {K_EVENT, AST_OBJ_EVENT, false},        {K_SEQUENCE, AST_OBJ_SEQUENCE, true},
                   {K_USER, AST_OBJ_USER, true},           {K_ROLE, AST_OBJ_ROLE, true},
                   {K_SERVER, AST_OBJ_SERVER, false},      {K_PACKAGE, AST_OBJ_PACKAGE, false}};
    uint32_t begin = p->t->begin;
    struct ast_drop *n = NEW(p, DROP, drop);
    struct ast_node *text;

    next(p);
    if (is(p, K_INDEX) || is2(p, K_ONLINE, K_INDEX)) {
        bool online = accept(p, K_ONLINE);

        return drop_index(p, begin, online);
    }
    if (is(p, K_PREPARE)) {
        struct ast_simple *s = NEW(p, SIMPLE, simple);

        s->node.begin = begin;
        s->op = AST_SIMPLE_DEALLOCATE;
        s->word = SV("DROP");
        next(p);
        s->name = parse_ident(p);
        return done(p, s);
    }
    if (is(p, K_SHARD))
        return shard(p, AST_SHARD_DROP, begin);
    n->temporary = accept(p, K_TEMPORARY);
    for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
        if (!is(p, objects[i].kind))
            continue;
        next(p);
        n->object = (enum ast_object)objects[i].object;
        if (n->object == AST_OBJ_PACKAGE && accept(p, K_BODY))
            n->object = AST_OBJ_PACKAGE_BODY;
        return drop_names(p, n, objects[i].list);
    }
    text = text_object(p, begin);
    if (text)
        return text;
    parser_error(p);
    return &n->node;
}

struct ast_node *parse_rename(struct parser *p)
{
    struct ast_rename_table *n = NEW(p, RENAME_TABLE, rename_table);
    bool user;

    next(p);
    user = accept(p, K_USER);
    if (!user && !accept(p, K_TABLES))
        expect(p, K_TABLE);
    n->if_exists = accept_if_exists(p);
    do {
        struct ast_rename_pair *r = NEW(p, RENAME_PAIR, rename_pair);

        r->from = user ? parse_account(p) : parse_table_name(p);
        r->wait = user ? NULL : parse_wait(p);
        expect(p, K_TO);
        r->to = user ? parse_account(p) : parse_table_name(p);
        add(p, &n->pairs, done(p, r));
    } while (accept(p, TK_COMMA));
    return done(p, n);
}

struct ast_node *parse_truncate(struct parser *p)
{
    struct ast_truncate *n = NEW(p, TRUNCATE, truncate);

    next(p);
    (void)accept(p, K_TABLE);
    n->table = parse_table_name(p);
    n->wait = parse_wait(p);
    return done(p, n);
}
