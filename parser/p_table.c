/* What tables consist of: columns, keys, checks, options, partitions; and CREATE TABLE. Used by ALTER TABLE too. */
#include "parser/p-int.h"

/* ---- values of options ---- */

static struct ast_node *name_value(struct parser *p)
{
    struct ast_name *n = NEW(p, NAME, name);

    n->name = parse_label(p);
    return done(p, n);
}

/* The value behind an option's name: a number, a string, a word. */
struct ast_node *parse_option_value(struct parser *p)
{
    switch (p->t->kind) {
    case TK_INT:
    case TK_DECIMAL:
    case TK_FLOAT:
    case TK_HEX:
    case TK_BIT:
    case TK_MINUS:
    case TK_PLUS:
    case TK_STRING:
    case TK_NSTRING:
    case TK_CHARSET:
        return parse_literal(p);
    case TK_PARAM: /* alone: COLLATE behind it is the next option */
        return parse_param(p);
    case TK_USERVAR:
        return parse_user_var(p);
    default:
        return name_value(p);
    }
}

/* Reads `words` (already known to stand here) and an option's value. */
static struct ast_node *option(struct parser *p, const char *name, unsigned words)
{
    struct ast_option *o = NEW(p, OPTION, option);

    while (words--)
        next(p);
    o->name = sv_cstr(name);
    accept_eq(p);
    o->value = parse_option_value(p);
    return done(p, o);
}

/* name = value, at the name: the options of MariaDB's engines. */
static struct ast_node *name_option(struct parser *p)
{
    struct ast_option *o = NEW(p, OPTION, option);

    o->name = parse_label(p).name;
    o->named = true;
    next(p);
    o->value = parse_option_value(p);
    return done(p, o);
}

static struct ast_node *bare_option(struct parser *p, const char *name, unsigned words)
{
    struct ast_option *o = NEW(p, OPTION, option);

    while (words--)
        next(p);
    o->name = sv_cstr(name);
    return done(p, o);
}

static struct ast_node *charset_option(struct parser *p, const char *name, unsigned words)
{
    struct ast_option *o = NEW(p, OPTION, option);

    while (words--)
        next(p);
    o->name = sv_cstr(name);
    accept_eq(p);
    if (is(p, TK_STRING))
        o->value = parse_string_literal(p);
    else
        o->value = name_value(p);
    return done(p, o);
}

/* [DEFAULT] CHARACTER SET [=] x, [DEFAULT] COLLATE [=] x; NULL: neither stands here. */
struct ast_node *parse_charset_option(struct parser *p)
{
    unsigned skip = is(p, K_DEFAULT) ? 1 : 0, k = peek(p, skip);

    if ((k == K_CHARACTER || k == K_CHAR) && peek(p, skip + 1) == K_SET)
        return charset_option(p, "CHARACTER SET", skip + 2);
    if (k == K_CHARSET)
        return charset_option(p, "CHARACTER SET", skip + 1);
    if (k == K_COLLATE)
        return charset_option(p, "COLLATE", skip + 1);
    return NULL;
}

/* ---- columns ---- */

static enum ast_fk_action fk_action(struct parser *p)
{
    if (accept(p, K_RESTRICT))
        return AST_FK_RESTRICT;
    if (accept(p, K_CASCADE))
        return AST_FK_CASCADE;
    if (accept(p, K_SET)) {
        if (accept(p, K_DEFAULT))
            return AST_FK_SET_DEFAULT;
        expect(p, K_NULL);
        return AST_FK_SET_NULL;
    }
    expect(p, K_NO);
    expect(p, K_ACTION);
    return AST_FK_NO_ACTION;
}

static struct ast_node *references_clause(struct parser *p)
{
    struct ast_references *r = NEW(p, REFERENCES, references);

    expect(p, K_REFERENCES);
    r->table = parse_table_name(p);
    if (is(p, TK_LPAREN))
        parse_ident_list(p, &r->columns, false);
    if (accept(p, K_MATCH)) {
        if (accept(p, K_FULL))
            r->match = AST_FK_MATCH_FULL;
        else if (accept(p, K_PARTIAL))
            r->match = AST_FK_MATCH_PARTIAL;
        else {
            expect(p, K_SIMPLE);
            r->match = AST_FK_MATCH_SIMPLE;
        }
    }
    while (is(p, K_ON)) {
        next(p);
        if (accept(p, K_DELETE)) {
            r->on_delete = fk_action(p);
        } else {
            expect(p, K_UPDATE);
            r->on_update = fk_action(p);
        }
    }
    return done(p, r);
}

/* CHECK (expr) [[NOT] ENFORCED]; at CHECK, CONSTRAINT [symbol] was read. */
static struct ast_node *check_def(struct parser *p, bool constraint, struct ast_ident symbol, uint32_t begin)
{
    struct ast_check_def *c = NEW(p, CHECK_DEF, check_def);

    c->node.begin = begin;
    c->constraint = constraint;
    c->symbol = symbol;
    expect(p, K_CHECK);
    expect(p, TK_LPAREN);
    c->expr = parse_expr(p);
    expect(p, TK_RPAREN);
    if (accept(p, K_ENFORCED))
        c->enforced = AST_ENFORCED;
    else if (accept2(p, K_NOT, K_ENFORCED))
        c->enforced = AST_NOT_ENFORCED;
    return done(p, c);
}

static void default_value(struct parser *p, struct ast_column_def *c)
{
    switch (p->t->kind) {
    case TK_LPAREN:
        c->default_paren = true;
        next(p);
        c->defval = parse_expr(p);
        expect(p, TK_RPAREN);
        break;
    case TK_MINUS:
    case TK_PLUS:
    case TK_STRING:
    case TK_NSTRING:
    case TK_CHARSET:
    case TK_INT:
    case TK_DECIMAL:
    case TK_FLOAT:
    case TK_HEX:
    case TK_BIT:
    case K_NULL:
    case K_TRUE:
    case K_FALSE:
        c->defval = parse_literal(p);
        break;
    default:
        c->defval = parse_simple_expr(p);
        c->default_paren = c->defval->kind == AST_ASSIGN; /* @a := 1 (MariaDB) is written as an expression */
        break;
    }
}

/* AS (expr) [VIRTUAL | STORED | PERSISTENT], AS ROW START | END; at AS. */
static void generated(struct parser *p, struct ast_column_def *c)
{
    expect(p, K_AS);
    if (is(p, K_ROW)) {
        next(p);
        if (is(p, K_START))
            c->versioning = AST_VERSIONING_ROW_START;
        else
            c->versioning = AST_VERSIONING_ROW_END;
        if (!accept(p, K_START))
            expect(p, K_END);
        return;
    }
    expect(p, TK_LPAREN);
    c->generated = parse_expr(p);
    expect(p, TK_RPAREN);
    if (accept(p, K_VIRTUAL))
        c->storage_kind = AST_GENERATED_VIRTUAL;
    else if (accept(p, K_STORED))
        c->storage_kind = AST_GENERATED_STORED;
    else if (accept(p, K_PERSISTENT))
        c->storage_kind = AST_GENERATED_PERSISTENT;
}

/* Attributes that start with NOT. */
static bool not_attribute(struct parser *p, struct ast_column_def *c)
{
    switch (peek(p, 1)) {
    case K_NULL:
        c->null = AST_NULLABLE_NOT_NULL;
        break;
    case K_SECONDARY:
        c->not_secondary = true;
        break;
    default:
        return false;
    }
    next(p);
    next(p);
    return true;
}

static bool key_attribute(struct parser *p, struct ast_column_def *c)
{
    if (is(p, K_UNIQUE)) {
        next(p);
        (void)(accept(p, K_KEY) || accept(p, K_INDEX));
        c->key = AST_COLUMN_KEY_UNIQUE;
        return true;
    }
    if (is2(p, K_PRIMARY, K_KEY) || is(p, K_KEY)) {
        (void)accept(p, K_PRIMARY);
        next(p);
        c->key = AST_COLUMN_KEY_PRIMARY;
        return true;
    }
    return false;
}

/* CONSTRAINT [symbol] CHECK .., CHECK .. behind a column. */
static bool check_attribute(struct parser *p, struct ast_column_def *c)
{
    uint32_t begin = p->t->begin;
    struct ast_ident symbol = {SV_NULL, 0, 0};
    bool constraint = false;

    if (is(p, K_CONSTRAINT) && (peek(p, 1) == K_CHECK || peek(p, 2) == K_CHECK)) {
        next(p);
        constraint = true;
        if (!is(p, K_CHECK))
            symbol = parse_ident(p);
    } else if (!is(p, K_CHECK)) {
        return false;
    }
    add(p, &c->checks, check_def(p, constraint, symbol, begin));
    return true;
}

/* The rarer attributes; false: none of them stands here. */
static bool rare_attribute(struct parser *p, struct ast_column_def *c)
{
    switch (p->t->kind) {
    case K_COLUMN_FORMAT:
        next(p);
        c->format = parse_upper(p);
        return true;
    case K_STORAGE:
        next(p);
        c->storage = parse_upper(p);
        return true;
    case K_ENGINE_ATTRIBUTE:
        next(p);
        accept_eq(p);
        c->engine_attr = parse_string_literal(p);
        return true;
    case K_SECONDARY_ENGINE_ATTRIBUTE:
        next(p);
        accept_eq(p);
        c->secondary_attr = parse_string_literal(p);
        return true;
    case K_VISIBLE:
    case K_INVISIBLE:
        c->visibility = is(p, K_VISIBLE) ? AST_VISIBLE : AST_INVISIBLE;
        next(p);
        return true;
    case K_SRID:
        next(p);
        c->srid = parse_number(p);
        return true;
    case K_COMPRESSED:
        next(p);
        c->compressed = true;
        if (accept(p, TK_EQ))
            (void)parse_ident(p);
        parse_charset_options(p, AST_AS(type, c->type));
        return true;
    case K_WITH:
    case K_WITHOUT:
        if (peek(p, 1) != K_SYSTEM)
            return false;
        c->versioning = is(p, K_WITH) ? AST_VERSIONING_WITH : AST_VERSIONING_WITHOUT;
        next(p);
        next(p);
        expect(p, K_VERSIONING);
        return true;
    case K_REFERENCES:
        c->references = references_clause(p);
        return true;
    case K_CONSTRAINT: /* CONSTRAINT symbol REFERENCES ..: the symbol means nothing there */
        if (!p->maria || peek(p, 2) != K_REFERENCES)
            return false;
        next(p);
        next(p);
        c->references = references_clause(p);
        return true;
    default:
        break;
    }
    /* name = value: options of MariaDB's engines, REF_SYSTEM_ID */
    if ((p->t->kind == TK_IDENT || p->t->kind == TK_QUOTED || p->t->kind >= TK_KEYWORD_FIRST) && peek(p, 1) == TK_EQ) {
        add(p, &c->options, name_option(p));
        return true;
    }
    return false;
}

static bool column_attribute(struct parser *p, struct ast_column_def *c)
{
    switch (p->t->kind) {
    case K_NULL:
        next(p);
        c->null = AST_NULLABLE_NULL;
        return true;
    case K_NOT:
        return not_attribute(p, c);
    case K_DEFAULT:
        next(p);
        default_value(p, c);
        return true;
    case K_ON:
        next(p);
        expect(p, K_UPDATE);
        c->on_update = parse_simple_expr(p);
        return true;
    case K_AUTO_INCREMENT:
        next(p);
        c->auto_increment = true;
        return true;
    case K_SERIAL:
        next(p);
        expect(p, K_DEFAULT);
        expect(p, K_VALUE);
        c->null = AST_NULLABLE_NOT_NULL;
        c->auto_increment = true;
        c->key = AST_COLUMN_KEY_UNIQUE;
        return true;
    case K_COMMENT:
        next(p);
        accept_eq(p);
        c->comment = parse_string_literal(p);
        return true;
    case K_COLLATE:
        next(p);
        AST_AS(type, c->type)->collation = parse_charset_name(p);
        return true;
    case K_GENERATED:
        next(p);
        expect(p, K_ALWAYS);
        c->always = true;
        generated(p, c);
        return true;
    case K_AS:
        if (c->generated)
            return false;
        generated(p, c);
        return true;
    default:
        return key_attribute(p, c) || check_attribute(p, c) || rare_attribute(p, c);
    }
}

/* name type attributes; with `place`, FIRST and AFTER too. */
struct ast_node *parse_column_def(struct parser *p, bool place)
{
    struct ast_column_def *c = NEW(p, COLUMN_DEF, column_def);

    c->srid = -1;
    c->name = parse_ident(p);
    while (p->maria && accept(p, TK_DOT)) /* [[db.]table.]column */
        c->name = parse_ident(p);
    c->type = parse_data_type(p);
    while (column_attribute(p, c))
        ;
    if (place && accept(p, K_FIRST)) {
        c->first = true;
    } else if (place && accept(p, K_AFTER)) {
        c->after = parse_ident(p);
    }
    return done(p, c);
}

/* ---- keys ---- */

void parse_key_parts(struct parser *p, struct ast_key_def *k)
{
    expect(p, TK_LPAREN);
    do {
        struct ast_key_part *part = NEW(p, KEY_PART, key_part);

        part->length = -1;
        if (accept(p, TK_LPAREN)) {
            part->expr = parse_expr(p);
            expect(p, TK_RPAREN);
        } else {
            part->name = parse_ident(p);
            if (accept(p, TK_LPAREN)) {
                part->length = parse_number(p);
                expect(p, TK_RPAREN);
            }
            if (is2(p, K_WITHOUT, K_OVERLAPS)) {
                next(p);
                next(p);
                k->without_overlaps = true;
                k->period = part->name;
                break;
            }
        }
        if (accept(p, K_ASC))
            part->dir = AST_DIR_ASC;
        else if (accept(p, K_DESC))
            part->dir = AST_DIR_DESC;
        add(p, &k->parts, done(p, part));
    } while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

/* One option behind a key's columns; NULL: none stands here. */
static struct ast_node *key_option(struct parser *p)
{
    switch (p->t->kind) {
    case K_USING:
    case K_TYPE:
        return option(p, "USING", 1);
    case K_KEY_BLOCK_SIZE:
        return option(p, "KEY_BLOCK_SIZE", 1);
    case K_COMMENT:
        return option(p, "COMMENT", 1);
    case K_WITH:
        if (peek(p, 1) != K_PARSER)
            return NULL;
        return option(p, "WITH PARSER", 2);
    case K_VISIBLE:
        return bare_option(p, "VISIBLE", 1);
    case K_INVISIBLE:
        return bare_option(p, "INVISIBLE", 1);
    case K_IGNORED:
        return bare_option(p, "IGNORED", 1);
    case K_NOT:
        return peek(p, 1) == K_IGNORED ? bare_option(p, "NOT IGNORED", 2) : NULL;
    case K_ENGINE_ATTRIBUTE:
        return option(p, "ENGINE_ATTRIBUTE", 1);
    case K_SECONDARY_ENGINE_ATTRIBUTE:
        return option(p, "SECONDARY_ENGINE_ATTRIBUTE", 1);
    default:
        break;
    }
    if (is(p, K_ALGORITHM) || is(p, K_LOCK)) /* of CREATE INDEX */
        return NULL;
    return is_ident(p) && peek(p, 1) == TK_EQ ? name_option(p) : NULL;
}

/* Options, COVERING (..), PARTITION BY .. behind a key's columns. */
void parse_key_tail(struct parser *p, struct ast_key_def *k)
{
    for (;;) {
        struct ast_node *o = key_option(p);

        if (o) {
            add(p, &k->options, o);
        } else if (is2(p, K_COVERING, TK_LPAREN)) {
            next(p);
            parse_ident_list(p, &k->covering, false);
        } else if (is2(p, K_PARTITION, K_BY) && (k->scope != AST_KEY_SCOPE_NONE || k->covering.n)) {
            k->partition = parse_partition_by(p);
        } else {
            break;
        }
    }
    done(p, k);
}

/* Name, USING, columns, options; behind the words of the key's kind. */
void parse_key_rest(struct parser *p, struct ast_key_def *k)
{
    k->if_not_exists = accept_if_not_exists(p);
    if (is_ident(p) && !(is(p, K_TYPE) && peek(p, 1) != TK_LPAREN))
        k->name = parse_ident(p);
    if (accept(p, K_USING) || accept(p, K_TYPE))
        k->algorithm = parse_upper(p);
    parse_key_parts(p, k);
    if (k->type == AST_KEY_FOREIGN) {
        k->references = references_clause(p);
        done(p, k);
    } else {
        parse_key_tail(p, k);
    }
}

static enum ast_key_scope scope_here(struct parser *p)
{
    switch (p->t->kind) {
    case K_GLOBAL:
        return AST_KEY_GLOBAL;
    case K_LOCAL:
        return AST_KEY_LOCAL;
    case K_CLUSTERED:
        return AST_KEY_CLUSTERED;
    default:
        return AST_KEY_SCOPE_NONE;
    }
}

/* [UNIQUE] [GLOBAL|LOCAL|CLUSTERED] [FULLTEXT|SPATIAL|VECTOR] INDEX|KEY: sets type and scope; `bare`: INDEX|KEY may be
 * missing. False: no key starts here (nothing was read). */
bool parse_key_words(struct parser *p, struct ast_key_def *k, bool bare)
{
    unsigned k0 = p->t->kind, k1 = peek(p, 1);
    bool word = k1 == K_INDEX || k1 == K_KEY;

    k->type = AST_KEY_INDEX;
    switch (k0) {
    case K_INDEX:
    case K_KEY:
        next(p);
        return true;
    case K_UNIQUE:
        k->type = AST_KEY_UNIQUE;
        next(p);
        if ((k->scope = scope_here(p)) != AST_KEY_SCOPE_NONE)
            next(p);
        break;
    case K_FULLTEXT:
    case K_SPATIAL:
        k->type = k0 == K_FULLTEXT ? AST_KEY_FULLTEXT : AST_KEY_SPATIAL;
        next(p);
        break;
    case K_VECTOR:
        if (!word)
            return false;
        k->type = AST_KEY_VECTOR;
        next(p);
        break;
    case K_GLOBAL:
    case K_LOCAL:
    case K_CLUSTERED:
        if (!word && k1 != K_UNIQUE)
            return false;
        k->scope = scope_here(p);
        next(p);
        if (accept(p, K_UNIQUE))
            k->type = AST_KEY_UNIQUE;
        break;
    default:
        return false;
    }
    if (!accept(p, K_INDEX) && !accept(p, K_KEY) && !bare)
        parser_error(p);
    return true;
}

/* A key or a check at the current token, with CONSTRAINT in front perhaps; NULL: a column stands here. */
struct ast_node *parse_constraint(struct parser *p)
{
    struct ast_key_def *k = NEW(p, KEY_DEF, key_def);
    uint32_t begin = p->t->begin;
    bool if_not_exists = false;

    if (accept(p, K_CONSTRAINT)) {
        k->constraint = true;
        if_not_exists = accept_if_not_exists(p);
        if (!is(p, K_PRIMARY) && !is(p, K_UNIQUE) && !is(p, K_FOREIGN) && !is(p, K_CHECK))
            k->symbol = parse_ident(p);
    }
    if (is(p, K_CHECK)) {
        struct ast_node *c = check_def(p, k->constraint, k->symbol, begin);

        AST_AS(check_def, c)->if_not_exists = if_not_exists;
        return c;
    }
    if (is2(p, K_PRIMARY, K_KEY)) {
        next(p);
        next(p);
        k->type = AST_KEY_PRIMARY;
    } else if (is2(p, K_FOREIGN, K_KEY)) {
        next(p);
        next(p);
        k->type = AST_KEY_FOREIGN;
    } else if (k->constraint && !is(p, K_UNIQUE)) {
        parser_error(p);
        return &k->node;
    } else if (!parse_key_words(p, k, true)) {
        return NULL;
    }
    parse_key_rest(p, k);
    k->if_not_exists |= if_not_exists;
    return &k->node;
}

static struct ast_node *period_def(struct parser *p)
{
    struct ast_period_def *d = NEW(p, PERIOD_DEF, period_def);

    next(p);
    d->if_not_exists = accept_if_not_exists(p);
    expect(p, K_FOR);
    d->name = is(p, K_SYSTEM_TIME) ? parse_label(p) : parse_ident(p);
    expect(p, TK_LPAREN);
    d->from = parse_ident(p);
    expect(p, TK_COMMA);
    d->to = parse_ident(p);
    expect(p, TK_RPAREN);
    return done(p, d);
}

/* Key, check, period or column. */
struct ast_node *parse_table_element(struct parser *p, bool place)
{
    struct ast_node *n;

    if (is2(p, K_PERIOD, K_FOR) || (p->maria && is2(p, K_PERIOD, K_IF)))
        return period_def(p);
    n = parse_constraint(p);
    return n ? n : parse_column_def(p, place);
}

/* ---- partitions ---- */

static struct ast_node *partition_value(struct parser *p)
{
    if (is(p, K_MAXVALUE)) {
        struct ast_maxvalue *m = NEW(p, MAXVALUE, maxvalue);

        next(p);
        return done(p, m);
    }
    return parse_expr(p);
}

static void value_list(struct parser *p, struct ast_list *l)
{
    expect(p, TK_LPAREN);
    do {
        if (is(p, TK_LPAREN)) { /* a row of LIST COLUMNS, or an expression in parentheses */
            struct ast_row *r = NEW(p, ROW, row);

            next(p);
            do
                add(p, &r->items, partition_value(p));
            while (accept(p, TK_COMMA));
            expect(p, TK_RPAREN);
            done(p, r);
            if (r->items.n == 1 && !is(p, TK_COMMA) && !is(p, TK_RPAREN))
                parser_error(p);
            add(p, l, r->items.n == 1 ? r->items.items[0] : &r->node);
        } else {
            add(p, l, partition_value(p));
        }
    } while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

/* Options of a partition, without commas. */
static void partition_options(struct parser *p, struct ast_list *l)
{
    for (;;) {
        struct ast_node *o;

        switch (p->t->kind) {
        case K_STORAGE:
            if (peek(p, 1) != K_ENGINE)
                return;
            o = option(p, "ENGINE", 2);
            break;
        case K_ENGINE:
            o = option(p, "ENGINE", 1);
            break;
        case K_COMMENT:
            o = option(p, "COMMENT", 1);
            break;
        case K_DATA:
            o = option(p, "DATA DIRECTORY", 2);
            break;
        case K_INDEX:
            o = option(p, "INDEX DIRECTORY", 2);
            break;
        case K_MAX_ROWS:
            o = option(p, "MAX_ROWS", 1);
            break;
        case K_MIN_ROWS:
            o = option(p, "MIN_ROWS", 1);
            break;
        case K_TABLESPACE:
            o = option(p, "TABLESPACE", 1);
            break;
        case K_NODEGROUP:
            o = option(p, "NODEGROUP", 1);
            break;
        default:
            if (!is_ident(p) || peek(p, 1) != TK_EQ)
                return;
            o = name_option(p);
            break;
        }
        add(p, l, o);
    }
}

static void on_shard(struct parser *p, struct ast_partition_def *d)
{
    if (is2(p, K_ON, K_SHARD)) {
        next(p);
        next(p);
        d->shard = parse_ident(p);
    }
}

static void partition_bound(struct parser *p, struct ast_partition_def *d)
{
    if (is(p, K_VALUES)) {
        next(p);
        if (accept(p, K_LESS)) {
            expect(p, K_THAN);
            if (accept(p, K_MAXVALUE)) {
                d->bound = AST_PART_LESS_THAN_MAXVALUE;
            } else {
                d->bound = AST_PART_LESS_THAN;
                value_list(p, &d->values);
            }
        } else {
            expect(p, K_IN);
            d->bound = AST_PART_IN;
            if (is2(p, TK_LPAREN, K_DEFAULT) && peek(p, 2) == TK_RPAREN) {
                next(p);
                next(p);
                next(p);
                d->bound = AST_PART_DEFAULT;
            } else {
                value_list(p, &d->values);
            }
        }
    } else if (accept(p, K_DEFAULT)) {
        d->bound = AST_PART_DEFAULT;
    } else if (accept(p, K_CURRENT)) {
        d->bound = AST_PART_CURRENT;
    } else if (accept(p, K_HISTORY)) {
        d->bound = AST_PART_HISTORY;
    }
}

struct ast_node *parse_partition_def(struct parser *p)
{
    struct ast_partition_def *d = NEW(p, PARTITION_DEF, partition_def);

    if (!p->maria || is(p, K_PARTITION))
        expect(p, K_PARTITION);
    d->name = parse_ident(p);
    partition_bound(p, d);
    partition_options(p, &d->options);
    on_shard(p, d);
    if (accept(p, TK_LPAREN)) {
        do {
            struct ast_partition_def *s = NEW(p, PARTITION_DEF, partition_def);

            expect(p, K_SUBPARTITION);
            s->name = parse_ident(p);
            partition_options(p, &s->options);
            on_shard(p, s);
            add(p, &d->subs, done(p, s));
        } while (accept(p, TK_COMMA));
        expect(p, TK_RPAREN);
    }
    return done(p, d);
}

void parse_partition_defs(struct parser *p, struct ast_list *l)
{
    expect(p, TK_LPAREN);
    do
        add(p, l, parse_partition_def(p));
    while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

/* SYSTEM_TIME [INTERVAL n unit [STARTS t]] [LIMIT n] [AUTO] (MariaDB) */
static void system_time(struct parser *p, struct ast_partition_by *b)
{
    for (;;) {
        if (is(p, K_INTERVAL)) {
            struct ast_node *e = parse_simple_expr(p);

            if (e->kind != AST_INTERVAL) /* INTERVAL(a, b): the function */
                parser_error(p);
            add(p, &b->options, parse_option(p, "INTERVAL", e));
        } else if (accept(p, K_STARTS)) {
            add(p, &b->options, parse_option(p, "STARTS", parse_simple_expr(p)));
        } else if (accept(p, K_LIMIT)) {
            add(p, &b->options, parse_option(p, "LIMIT", parse_literal(p)));
        } else if (accept(p, K_AUTO)) {
            add(p, &b->options, parse_option(p, "AUTO", NULL));
        } else {
            return;
        }
    }
}

static struct ast_node *partition_function(struct parser *p)
{
    struct ast_node *e;

    p->values_func = true;
    e = parse_expr(p);
    p->values_func = false;
    return e;
}

static void partition_method(struct parser *p, struct ast_partition_by *b)
{
    b->linear = accept(p, K_LINEAR);
    if (accept(p, K_HASH)) {
        b->method = AST_PART_HASH;
        expect(p, TK_LPAREN);
        b->expr = partition_function(p);
        expect(p, TK_RPAREN);
    } else if (accept(p, K_KEY)) {
        b->method = AST_PART_KEY;
        if (accept(p, K_ALGORITHM)) {
            accept_eq(p);
            b->algorithm = parse_number(p);
        }
        parse_ident_list(p, &b->columns, true);
    } else if (is(p, K_RANGE) || is(p, K_LIST)) {
        bool range = is(p, K_RANGE);

        next(p);
        if (accept(p, K_COLUMNS)) {
            b->method = range ? AST_PART_RANGE_COLUMNS : AST_PART_LIST_COLUMNS;
            parse_ident_list(p, &b->columns, false);
        } else {
            b->method = range ? AST_PART_RANGE : AST_PART_LIST;
            expect(p, TK_LPAREN);
            b->expr = partition_function(p);
            expect(p, TK_RPAREN);
        }
    } else {
        expect(p, K_SYSTEM_TIME);
        b->method = AST_PART_SYSTEM_TIME;
        system_time(p, b);
    }
}

static struct ast_partition_by *partition_new(struct parser *p)
{
    struct ast_partition_by *b = NEW(p, PARTITION_BY, partition_by);

    b->algorithm = b->count = -1;
    return b;
}

struct ast_node *parse_partition_by(struct parser *p)
{
    struct ast_partition_by *b = partition_new(p);

    expect(p, K_PARTITION);
    expect(p, K_BY);
    partition_method(p, b);
    if (accept(p, K_PARTITIONS))
        b->count = parse_number(p);
    if (is(p, K_SUBPARTITION)) {
        struct ast_partition_by *s = partition_new(p);

        next(p);
        expect(p, K_BY);
        partition_method(p, s);
        if (accept(p, K_SUBPARTITIONS))
            s->count = parse_number(p);
        b->sub = done(p, s);
    }
    if (is(p, TK_LPAREN) && (peek(p, 1) == K_PARTITION || (p->maria && kind_is_ident(p, peek(p, 1)))))
        parse_partition_defs(p, &b->parts);
    return done(p, b);
}

/* ---- table options ---- */

static const uint16_t value_options[] = {
    K_ENGINE,           K_TYPE,          K_MAX_ROWS,          K_MIN_ROWS,          K_AVG_ROW_LENGTH,
    K_PASSWORD,         K_COMMENT,       K_AUTO_INCREMENT,    K_PACK_KEYS,         K_STATS_AUTO_RECALC,
    K_STATS_PERSISTENT, K_STATS_SAMPLE_PAGES, K_CHECKSUM,     K_TABLE_CHECKSUM,    K_PAGE_CHECKSUM,
    K_DELAY_KEY_WRITE,  K_ROW_FORMAT,    K_INSERT_METHOD,     K_TABLESPACE,        K_STORAGE,
    K_CONNECTION,       K_KEY_BLOCK_SIZE, K_COMPRESSION,      K_ENCRYPTION,        K_AUTOEXTEND_SIZE,
    K_ENGINE_ATTRIBUTE, K_SECONDARY_ENGINE, K_SECONDARY_ENGINE_ATTRIBUTE, K_TRANSACTIONAL, K_SEQUENCE,
    K_NODEGROUP,
};

static bool is_value_option(unsigned kind)
{
    for (size_t i = 0; i < ARRAY_LEN(value_options); i++) {
        if (value_options[i] == kind)
            return true;
    }
    return false;
}

static struct ast_node *union_option(struct parser *p)
{
    struct ast_option *o = NEW(p, OPTION, option);

    next(p);
    o->name = SV("UNION");
    o->has_list = true;
    accept_eq(p);
    expect(p, TK_LPAREN);
    if (!is(p, TK_RPAREN))
        parse_table_names(p, &o->list);
    expect(p, TK_RPAREN);
    return done(p, o);
}

/* One table option; NULL: none stands here. */
struct ast_node *parse_table_option(struct parser *p)
{
    struct ast_node *o = parse_charset_option(p);

    if (o)
        return o;
    switch (p->t->kind) {
    case K_UNION:
        return peek(p, 1) == TK_EQ || peek(p, 1) == TK_LPAREN ? union_option(p) : NULL;
    case K_DATA:
    case K_INDEX:
        if (peek(p, 1) != K_DIRECTORY)
            return NULL;
        return option(p, is(p, K_DATA) ? "DATA DIRECTORY" : "INDEX DIRECTORY", 2);
    case K_START:
        return peek(p, 1) == K_TRANSACTION ? bare_option(p, "START TRANSACTION", 2) : NULL;
    case K_WITH:
        if (peek(p, 1) != K_SYSTEM || peek(p, 2) != K_VERSIONING)
            return NULL;
        return bare_option(p, "WITH SYSTEM VERSIONING", 3);
    default:
        break;
    }
    if (is_value_option(p->t->kind)) {
        struct ast_option *n = NEW(p, OPTION, option);

        n->name = is(p, K_TYPE) ? SV("ENGINE") : kw_text(p->t->kind);
        next(p);
        accept_eq(p);
        n->value = parse_option_value(p);
        return done(p, n);
    }
    /* MariaDB's engines have options of their own */
    return is_ident(p) && peek(p, 1) == TK_EQ ? name_option(p) : NULL;
}

/* SINGLE [ON SHARD s], BROADCAST, one of them and once; false: neither. */
static bool placement(struct parser *p, struct ast_create_table *c)
{
    if (c->placement != AST_PLACEMENT_NONE && (is(p, K_SINGLE) || is(p, K_BROADCAST)))
        parser_error(p);
    if (is(p, K_SINGLE)) {
        next(p);
        c->placement = AST_PLACEMENT_SINGLE;
        if (is2(p, K_ON, K_SHARD)) {
            next(p);
            next(p);
            c->shard = parse_ident(p);
        }
        return true;
    }
    if (is(p, K_BROADCAST)) {
        next(p);
        c->placement = AST_PLACEMENT_BROADCAST;
        return true;
    }
    return false;
}

static void table_options(struct parser *p, struct ast_create_table *c)
{
    for (;;) {
        struct ast_node *o;

        if (is(p, TK_COMMA))
            next(p);
        if (is2(p, K_PARTITION, K_BY)) {
            if (c->partition)
                parser_error(p);
            c->partition = parse_partition_by(p);
            continue;
        }
        if (placement(p, c))
            continue;
        o = parse_table_option(p);
        if (!o)
            return;
        add(p, &c->options, o);
    }
}

/* CREATE .. TABLE .. behind the word TABLE. */
struct ast_node *parse_create_table(struct parser *p, struct ast_create_table *c)
{
    c->if_not_exists = accept_if_not_exists(p);
    c->table = parse_table_name(p);
    if (accept(p, K_LIKE)) {
        c->like = parse_table_name(p);
        return done(p, c);
    }
    if (is2(p, TK_LPAREN, K_LIKE)) {
        next(p);
        next(p);
        c->like = parse_table_name(p);
        expect(p, TK_RPAREN);
        return done(p, c);
    }
    if (is(p, TK_LPAREN) && !query_starts(p)) {
        next(p);
        do
            add(p, &c->elements, parse_table_element(p, false));
        while (accept(p, TK_COMMA));
        expect(p, TK_RPAREN);
    }
    table_options(p, c);
    if (accept(p, K_REPLACE))
        c->dup = AST_DUP_REPLACE;
    else if (accept(p, K_IGNORE))
        c->dup = AST_DUP_IGNORE;
    if (accept(p, K_AS) || query_starts(p))
        c->query = parse_query(p);
    else if (c->dup != AST_DUP_NONE)
        parser_error(p);
    return done(p, c);
}
