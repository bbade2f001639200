/* Accounts, users, roles, privileges. */
#include "parser/p-int.h"

struct ast_node *parse_account(struct parser *p)
{
    struct ast_account *n = NEW(p, ACCOUNT, account);

    if (is(p, K_CURRENT_USER)) {
        next(p);
        n->current = true;
        if (accept(p, TK_LPAREN))
            expect(p, TK_RPAREN);
        return done(p, n);
    }
    if (is(p, K_CURRENT_ROLE)) {
        n->word = parse_upper(p);
        if (accept(p, TK_LPAREN))
            expect(p, TK_RPAREN);
        return done(p, n);
    }
    n->user = is(p, TK_STRING) ? parse_ident_or_text(p) : parse_ident(p).name;
    if (is(p, TK_USERVAR) && p->t->begin == p->prev_end) {
        n->has_host = true;
        n->host = lex_ident(p->a, &p->lex, p->t);
        next(p);
        if (n->host.len == 0 && (is(p, TK_STRING) || is(p, TK_QUOTED)))
            n->host = parse_ident_or_text(p);
    }
    return done(p, n);
}

void parse_accounts(struct parser *p, struct ast_list *l)
{
    do
        add(p, l, parse_account(p));
    while (accept(p, TK_COMMA));
}

/* ---- IDENTIFIED .. ---- */

/* REPLACE 'current', RETAIN CURRENT PASSWORD behind a password. */
static void auth_tail(struct parser *p, struct ast_auth *a)
{
    if (is2(p, K_REPLACE, TK_STRING)) {
        next(p);
        a->replace = parse_string_literal(p);
    }
    if (is(p, K_RETAIN)) {
        next(p);
        expect(p, K_CURRENT);
        expect(p, K_PASSWORD);
        a->retain = true;
    }
}

/* A password or hash: a string, or PASSWORD('..') (MariaDB). */
static struct ast_node *secret(struct parser *p)
{
    if (is2(p, K_PASSWORD, TK_LPAREN))
        return parse_plain_call(p);
    if (is(p, TK_HEX))
        return parse_literal(p);
    return parse_string_literal(p);
}

static void auth_by(struct parser *p, struct ast_auth *a)
{
    a->how = AST_AUTH_BY;
    if (is(p, K_PASSWORD) && peek(p, 1) == TK_STRING) {
        next(p);
        a->how = AST_AUTH_BY_PASSWORD;
    } else if (is2(p, K_RANDOM, K_PASSWORD)) {
        next(p);
        next(p);
        a->how = AST_AUTH_BY_RANDOM;
        auth_tail(p, a);
        return;
    }
    a->secret = secret(p);
    auth_tail(p, a);
}

static struct ast_node *auth_plugin(struct parser *p)
{
    struct ast_auth *a = NEW(p, AUTH, auth);

    a->how = AST_AUTH_PLUGIN;
    if (is(p, TK_STRING)) {
        uint32_t begin = p->t->begin;

        a->plugin = (struct ast_ident){parse_ident_or_text(p), begin, 0};
        a->plugin.end = p->prev_end;
    } else {
        a->plugin = parse_ident(p);
    }
    if (accept(p, K_BY)) {
        auth_by(p, a);
    } else if (accept(p, K_AS) || accept(p, K_USING)) {
        a->how = AST_AUTH_AS;
        a->secret = secret(p);
        auth_tail(p, a);
    }
    return done(p, a);
}

/* IDENTIFIED .., at the word. */
static void identified(struct parser *p, struct ast_user_spec *u)
{
    next(p);
    if (is(p, K_BY)) {
        struct ast_auth *a = NEW(p, AUTH, auth);

        next(p);
        auth_by(p, a);
        add(p, &u->auths, done(p, a));
        return;
    }
    if (!p->maria || !accept(p, K_VIA))
        expect(p, K_WITH);
    do
        add(p, &u->auths, auth_plugin(p));
    while (p->maria && accept(p, K_OR)); /* alternatives; MySQL has AND, for further factors */
}

static struct ast_node *user_spec(struct parser *p, bool alter)
{
    struct ast_user_spec *u = NEW(p, USER_SPEC, user_spec);
    uint32_t begin;

    u->account = parse_account(p);
    if (is(p, K_IDENTIFIED)) {
        identified(p, u);
        while (!p->maria && is2(p, K_AND, K_IDENTIFIED)) {
            next(p);
            identified(p, u);
        }
    }
    /* Kept as text: further factors and what is done to them. */
    begin = p->t->begin;
    if (is2(p, K_INITIAL, K_AUTHENTICATION) || (alter && (is(p, K_DISCARD) || is(p, K_ADD) || is(p, K_MODIFY) ||
                                                          is(p, K_DROP) || is(p, TK_INT)))) {
        while (!is(p, TK_COMMA) && !is(p, TK_SEMI) && !is(p, TK_EOF) && !is(p, K_DEFAULT) && !is(p, K_REQUIRE) &&
               !is(p, K_ACCOUNT) && !is(p, TK_ERROR))
            next(p);
        u->extra = parse_text_since(p, begin);
    }
    return done(p, u);
}

/* ---- options of users ---- */

static void add_option(struct parser *p, struct ast_list *l, const char *name, struct ast_node *value)
{
    add(p, l, parse_option(p, name, value));
}

/* A number, perhaps with a sign; with a word other than 0, that word too (as a NAME). */
static struct ast_node *number_or(struct parser *p, unsigned word)
{
    unsigned k;

    if (word && is(p, word))
        return parse_option_value(p);
    k = peek(p, is(p, TK_MINUS) || is(p, TK_PLUS));
    if (k != TK_INT && k != TK_HEX && k != TK_DECIMAL && k != TK_FLOAT)
        parser_error(p);
    return parse_literal(p);
}

static void require(struct parser *p, struct ast_list *l)
{
    next(p);
    if (accept(p, K_NONE)) {
        add_option(p, l, "REQUIRE NONE", NULL);
        return;
    }
    do {
        if (accept(p, K_SSL)) {
            add_option(p, l, "REQUIRE SSL", NULL);
        } else if (accept(p, K_X509)) {
            add_option(p, l, "REQUIRE X509", NULL);
        } else if (is(p, K_ISSUER) || is(p, K_SUBJECT) || is(p, K_CIPHER)) {
            const char *name = is(p, K_ISSUER)    ? "REQUIRE ISSUER"
                               : is(p, K_SUBJECT) ? "REQUIRE SUBJECT"
                                                  : "REQUIRE CIPHER";

            next(p);
            add_option(p, l, name, parse_string_literal(p));
        } else {
            parser_error(p);
            return;
        }
        (void)accept(p, K_AND);
    } while (is(p, K_SSL) || is(p, K_X509) || is(p, K_ISSUER) || is(p, K_SUBJECT) || is(p, K_CIPHER));
}

static void resources(struct parser *p, struct ast_list *l)
{
    static const struct {
        uint16_t kind;
        const char *name;
    } names[] = {{K_MAX_QUERIES_PER_HOUR, "MAX_QUERIES_PER_HOUR"},
                 {K_MAX_UPDATES_PER_HOUR, "MAX_UPDATES_PER_HOUR"},
                 {K_MAX_CONNECTIONS_PER_HOUR, "MAX_CONNECTIONS_PER_HOUR"},
                 {K_MAX_USER_CONNECTIONS, "MAX_USER_CONNECTIONS"},
                 {K_MAX_STATEMENT_TIME, "MAX_STATEMENT_TIME"}};
    bool found = true;

    while (found) {
        found = false;
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (accept(p, names[i].kind)) {
                add_option(p, l, names[i].name, number_or(p, 0));
                found = true;
            }
        }
    }
}

/* PASSWORD EXPIRE .., HISTORY .., REUSE INTERVAL .., REQUIRE CURRENT .. */
static void password_option(struct parser *p, struct ast_list *l)
{
    next(p);
    if (accept(p, K_EXPIRE)) {
        if (accept(p, K_DEFAULT)) {
            add_option(p, l, "PASSWORD EXPIRE DEFAULT", NULL);
        } else if (accept(p, K_NEVER)) {
            add_option(p, l, "PASSWORD EXPIRE NEVER", NULL);
        } else if (accept(p, K_INTERVAL)) {
            add_option(p, l, "PASSWORD EXPIRE INTERVAL", number_or(p, 0));
            expect(p, K_DAY);
        } else {
            add_option(p, l, "PASSWORD EXPIRE", NULL);
        }
    } else if (accept(p, K_HISTORY)) {
        add_option(p, l, "PASSWORD HISTORY", number_or(p, K_DEFAULT));
    } else if (accept(p, K_REUSE)) {
        expect(p, K_INTERVAL);
        if (is(p, K_DEFAULT)) {
            add_option(p, l, "PASSWORD REUSE INTERVAL", parse_option_value(p));
        } else {
            add_option(p, l, "PASSWORD REUSE INTERVAL", number_or(p, 0));
            expect(p, K_DAY);
        }
    } else {
        expect(p, K_REQUIRE);
        expect(p, K_CURRENT);
        if (accept(p, K_DEFAULT))
            add_option(p, l, "PASSWORD REQUIRE CURRENT DEFAULT", NULL);
        else if (accept(p, K_OPTIONAL))
            add_option(p, l, "PASSWORD REQUIRE CURRENT OPTIONAL", NULL);
        else
            add_option(p, l, "PASSWORD REQUIRE CURRENT", NULL);
    }
}

static void user_options(struct parser *p, struct ast_list *l)
{
    if (is(p, K_REQUIRE))
        require(p, l);
    if (accept(p, K_WITH)) {
        uint32_t before = l->n;

        resources(p, l);
        if (l->n == before)
            parser_error(p);
    }
    for (;;) {
        switch (p->t->kind) {
        case K_PASSWORD:
            password_option(p, l);
            break;
        case K_FAILED_LOGIN_ATTEMPTS:
            next(p);
            add_option(p, l, "FAILED_LOGIN_ATTEMPTS", number_or(p, 0));
            break;
        case K_PASSWORD_LOCK_TIME:
            next(p);
            add_option(p, l, "PASSWORD_LOCK_TIME", number_or(p, K_UNBOUNDED));
            break;
        case K_ACCOUNT:
            next(p);
            if (accept(p, K_LOCK)) {
                add_option(p, l, "ACCOUNT LOCK", NULL);
            } else {
                expect(p, K_UNLOCK);
                add_option(p, l, "ACCOUNT UNLOCK", NULL);
            }
            break;
        case K_COMMENT:
            next(p);
            add_option(p, l, "COMMENT", parse_string_literal(p));
            break;
        case K_ATTRIBUTE:
            next(p);
            add_option(p, l, "ATTRIBUTE", parse_string_literal(p));
            break;
        default:
            return;
        }
    }
}

struct ast_node *parse_create_user(struct parser *p, struct ast_create_user *n)
{
    n->if_exists = n->alter ? accept_if_exists(p) : accept_if_not_exists(p);
    do
        add(p, &n->users, user_spec(p, n->alter));
    while (accept(p, TK_COMMA));
    if (is2(p, K_DEFAULT, K_ROLE)) {
        next(p);
        next(p);
        n->default_role = true;
        if (is(p, K_ALL) || is(p, K_NONE))
            n->role_word = parse_upper(p);
        else
            parse_accounts(p, &n->roles);
    }
    user_options(p, &n->options);
    return done(p, n);
}

struct ast_node *parse_create_role(struct parser *p, struct ast_create_role *n)
{
    n->if_not_exists = accept_if_not_exists(p);
    parse_accounts(p, &n->roles);
    if (is2(p, K_WITH, K_ADMIN)) {
        next(p);
        next(p);
        n->admin = parse_account(p);
    }
    return done(p, n);
}

/* SET ROLE .., SET DEFAULT ROLE .. TO | FOR ..; behind ROLE. */
struct ast_node *parse_set_role(struct parser *p, bool is_default)
{
    struct ast_set_role *n = NEW(p, SET_ROLE, set_role);

    n->is_default = is_default;
    if (accept(p, K_NONE)) {
        n->what = AST_ROLE_NONE;
    } else if (accept(p, K_DEFAULT)) {
        n->what = AST_ROLE_DEFAULT;
    } else if (accept(p, K_ALL)) {
        n->what = AST_ROLE_ALL;
        if (accept(p, K_EXCEPT)) {
            n->what = AST_ROLE_ALL_EXCEPT;
            parse_accounts(p, &n->roles);
        }
    } else {
        parse_accounts(p, &n->roles);
    }
    if (is_default && (accept(p, K_TO) || accept(p, K_FOR)))
        parse_accounts(p, &n->users);
    return done(p, n);
}

/* ---- GRANT, REVOKE ---- */

/* Of the words behind GRANT or REVOKE: is ON in front of TO or FROM? Then they are privileges, else roles. */
static bool has_on(struct parser *p)
{
    struct lex l = parser_lookahead(p);
    struct token t;
    unsigned level = 0;

    for (lex_next(&l, &t); t.kind > TK_ERROR && t.kind != TK_SEMI; lex_next(&l, &t)) {
        if (t.kind == TK_LPAREN)
            level++;
        else if (t.kind == TK_RPAREN && level)
            level--;
        else if (level == 0 && t.kind == K_ON)
            return true;
        else if (level == 0 && (t.kind == K_TO || t.kind == K_FROM))
            return false;
    }
    return false;
}

static void privilege(struct parser *p, struct ast_grant *g)
{
    struct ast_priv *n = NEW(p, PRIV, priv);

    if (is(p, K_ALL)) {
        next(p);
        (void)accept(p, K_PRIVILEGES);
        g->all = true;
        return;
    }
    n->name = parse_upper(p);
    while (p->t->kind == TK_IDENT ||
           (p->t->kind >= TK_KEYWORD_FIRST && !is(p, K_ON) && !is(p, K_FROM) && !is(p, K_TO))) {
        struct sv parts[3] = {n->name, SV(" "), SV("")};

        parts[2] = parse_upper(p);
        n->name = arena_concat(p->a, parts, 3);
    }
    if (is(p, TK_LPAREN))
        parse_ident_list(p, &n->columns, false);
    add(p, &g->privs, done(p, n));
}

static void grant_level(struct parser *p, struct ast_grant *g)
{
    if (accept(p, K_TABLE)) {
        g->object = AST_GRANT_TABLE;
    } else if (accept(p, K_FUNCTION)) {
        g->object = AST_GRANT_FUNCTION;
    } else if (accept(p, K_PROCEDURE)) {
        g->object = AST_GRANT_PROCEDURE;
    } else if (is(p, K_PACKAGE) && peek(p, 1) != TK_DOT && peek(p, 1) != K_TO && peek(p, 1) != K_FROM) {
        next(p);
        g->object = accept(p, K_BODY) ? AST_GRANT_PACKAGE_BODY : AST_GRANT_PACKAGE;
    }
    if (accept(p, TK_STAR)) {
        g->level = AST_LEVEL_CURRENT;
        if (accept(p, TK_DOT)) {
            expect(p, TK_STAR);
            g->level = AST_LEVEL_GLOBAL;
        }
        return;
    }
    g->level = AST_LEVEL_TABLE;
    g->name = parse_ident(p);
    if (accept(p, TK_DOT)) {
        g->db = g->name;
        g->name = (struct ast_ident){SV_NULL, 0, 0};
        if (accept(p, TK_STAR))
            g->level = AST_LEVEL_DB;
        else
            g->name = parse_ident(p);
    }
}

static void grantees(struct parser *p, struct ast_grant *g)
{
    do {
        if (g->revoke) {
            struct ast_user_spec *u = NEW(p, USER_SPEC, user_spec);

            u->account = parse_account(p);
            add(p, &g->users, done(p, u));
        } else {
            add(p, &g->users, user_spec(p, false));
        }
    } while (accept(p, TK_COMMA));
}

static void grant_options(struct parser *p, struct ast_grant *g)
{
    if (is(p, K_REQUIRE))
        require(p, &g->options);
    if (is(p, K_WITH)) {
        next(p);
        for (;;) {
            if (accept2(p, K_GRANT, K_OPTION))
                g->grant_option = true;
            else if (accept2(p, K_ADMIN, K_OPTION))
                g->admin_option = true;
            else {
                uint32_t before = g->options.n;

                resources(p, &g->options);
                if (g->options.n == before)
                    break;
            }
        }
    }
    if (is(p, K_AS) || is2(p, K_IGNORE, K_UNKNOWN)) {
        uint32_t begin = p->t->begin;

        while (!is(p, TK_EOF) && !is(p, TK_SEMI) && !is(p, TK_ERROR))
            next(p);
        g->extra = parse_text_since(p, begin);
    }
}

static void privileges_or_roles(struct parser *p, struct ast_grant *g)
{
    if (is2(p, K_PROXY, K_ON)) {
        next(p);
        next(p);
        g->proxy = true;
        parse_accounts(p, &g->roles);
    } else if (has_on(p)) {
        do
            privilege(p, g);
        while (accept(p, TK_COMMA));
        expect(p, K_ON);
        grant_level(p, g);
    } else if (g->revoke && is(p, K_ALL)) {
        next(p);
        (void)accept(p, K_PRIVILEGES);
        expect(p, TK_COMMA);
        expect(p, K_GRANT);
        expect(p, K_OPTION);
        g->all = g->grant_option = true;
    } else {
        g->is_roles = true;
        if (g->revoke && is2(p, K_ADMIN, K_OPTION)) {
            next(p);
            next(p);
            expect(p, K_FOR);
            g->admin_option = true;
        }
        parse_accounts(p, &g->roles);
    }
}

struct ast_node *parse_grant(struct parser *p)
{
    struct ast_grant *g = NEW(p, GRANT, grant);

    g->revoke = is(p, K_REVOKE);
    next(p);
    g->if_exists = g->revoke && accept_if_exists(p);
    privileges_or_roles(p, g);
    expect(p, g->revoke ? K_FROM : K_TO);
    grantees(p, g);
    grant_options(p, g);
    return done(p, g);
}
