/* IDENTIFIED .., SET PASSWORD and the options of accounts. Two login methods are there, by password; the form of the stored
 * secret says which. What is not listed here is refused by name (1235): other plugins, alternatives and further factors, secrets
 * that are not written as strings, expiry. Of the options, those that would make an account safer are kept (REQUIRE SSL, ACCOUNT
 * LOCK) or refused; limits of use and comments are left out with a warning. */
#include "ddl/define.h"
#include "ddl/s_user.h"

#include "catalog/user.h"
#include "net/auth.h"

/* A string as it is written, not an expression nor a number. */
static bool string_of(const struct ast_node *n, bool hex, struct sv *out, struct diag *d)
{
    const struct ast_lit *l = n && n->kind == AST_LIT ? AST_AS_CONST(lit, n) : NULL;

    if (!l || (l->type != AST_LIT_STRING && !(hex && l->type == AST_LIT_HEX)))
        return job_refuse(d, "a password that is not written as a string");
    *out = l->value.len ? l->value : SV("");
    return true;
}

/* The one argument of PASSWORD('..'). */
static bool password_call(const struct ast_node *n, struct sv *out, struct diag *d)
{
    const struct ast_func *f = AST_AS_CONST(func, n);

    if (!sv_eq_nocase(f->name.name, SV("PASSWORD")) || f->args.n != 1 || ast_ident_set(&f->db))
        return job_refuse(d, "a password that is not written as a string");
    return string_of(f->args.items[0], false, out, d);
}

static void hash(struct job *j, enum auth_plugin plugin, struct sv password, struct cat_user *u)
{
    char buf[AUTH_SECRET_MAX];

    u->plugin = auth_plugin_name(plugin);
    u->secret = password.len ? arena_dup(&j->arena, auth_make_secret(plugin, password, buf)) : SV("");
}

/* A secret that the statement gives as it is to be stored. */
static bool take_hash(enum auth_plugin plugin, struct sv secret, struct cat_user *u, struct diag *d)
{
    enum user_secret_kind want = plugin == AUTH_NATIVE ? USER_SECRET_NATIVE : USER_SECRET_SHA2,
                          kind = user_secret_kind_of(secret);

    if (kind != USER_SECRET_EMPTY && kind != want)
        return diag_set(d, plugin == AUTH_NATIVE ? ER_PASSWD_LENGTH : ER_PASSWORD_FORMAT);
    u->plugin = auth_plugin_name(plugin);
    u->secret = secret;
    return true;
}

/* Where the statement names no plugin: the one that the password there is has, else the product's. */
static enum auth_plugin plugin_of(const struct job *j, const struct cat_user *u)
{
    switch (user_secret_kind_of(u->secret)) {
    case USER_SECRET_NATIVE:
        return AUTH_NATIVE;
    case USER_SECRET_SHA2:
        return AUTH_SHA2;
    case USER_SECRET_EMPTY:
    case USER_SECRET_BAD:
        break;
    }
    return j->mariadb ? AUTH_NATIVE : AUTH_SHA2;
}

static bool set_auth(struct job *j, const struct ast_auth *x, struct cat_user *u, bool alter, struct diag *d)
{
    bool named = ast_ident_set(&x->plugin);
    enum auth_plugin plugin = plugin_of(j, u);
    struct sv text;

    if (named && sv_eq_nocase(x->plugin.name, SV("mysql_native_password")))
        plugin = AUTH_NATIVE;
    else if (named && sv_eq_nocase(x->plugin.name, SV("caching_sha2_password")))
        plugin = AUTH_SHA2;
    else if (named)
        return job_refuse(d, arena_printf(&j->arena, "IDENTIFIED WITH %.*s", SV_ARG(x->plugin.name)).ptr);
    if (x->replace || x->retain)
        return job_refuse(d, x->retain ? "RETAIN CURRENT PASSWORD" : "REPLACE 'current password'");
    switch (x->how) {
    case AST_AUTH_BY:
        if (!string_of(x->secret, false, &text, d))
            return false;
        hash(j, plugin, text, u);
        return true;
    case AST_AUTH_AS:
        if (x->secret && x->secret->kind == AST_FUNC) {
            if (plugin != AUTH_NATIVE)
                return job_refuse(d, "PASSWORD() for another plugin than mysql_native_password");
            if (!password_call(x->secret, &text, d))
                return false;
            hash(j, plugin, text, u);
            return true;
        }
        return string_of(x->secret, true, &text, d) && take_hash(plugin, text, u, d);
    case AST_AUTH_BY_PASSWORD:
        if (named && plugin != AUTH_NATIVE)
            return job_refuse(d, "IDENTIFIED WITH caching_sha2_password BY PASSWORD");
        return string_of(x->secret, false, &text, d) && take_hash(AUTH_NATIVE, text, u, d);
    case AST_AUTH_PLUGIN:
        /* MySQL empties the password and lets its owner in for setting a new one only, which is not there yet. */
        if (alter && !j->mariadb)
            return job_refuse(d, "ALTER USER ... IDENTIFIED WITH a plugin without a password");
        hash(j, plugin, SV(""), u);
        return true;
    case AST_AUTH_BY_RANDOM:
        break;
    }
    return job_refuse(d, "IDENTIFIED BY RANDOM PASSWORD");
}

bool user_identified(struct job *j, const struct ast_user_spec *s, struct cat_user *u, bool alter, struct diag *d)
{
    if (s->extra.len)
        return job_refuse(d, sv_eq_nocase(s->extra, SV("DISCARD OLD PASSWORD")) ? "DISCARD OLD PASSWORD" : "several authentication factors");
    if (s->auths.n > 1)
        return job_refuse(d, j->mariadb ? "IDENTIFIED VIA ... OR ..." : "several authentication factors");
    return !s->auths.n || set_auth(j, AST_AS_CONST(auth, s->auths.items[0]), u, alter, d);
}

bool user_set_password(struct job *j, const struct ast_set_password *s, struct cat_user *u, struct diag *d)
{
    struct sv text;

    if (!s->value)
        return job_refuse(d, "SET PASSWORD TO RANDOM");
    if (s->replace || s->retain)
        return job_refuse(d, s->retain ? "RETAIN CURRENT PASSWORD" : "REPLACE 'current password'");
    if (s->value->kind == AST_FUNC) {
        if (!j->mariadb)
            return job_refuse(d, "SET PASSWORD = PASSWORD(...)");
        if (!password_call(s->value, &text, d))
            return false;
    } else if (!string_of(s->value, false, &text, d)) {
        return false;
    } else if (j->mariadb) { /* the string is the hash there */
        return take_hash(AUTH_NATIVE, text, u, d);
    }
    hash(j, plugin_of(j, u), text, u);
    return true;
}

/* ---- options ---- */

enum effect {
    EFFECT_NONE,   /* what Tessera does anyway */
    EFFECT_LOCK,
    EFFECT_UNLOCK,
    EFFECT_TLS,
    EFFECT_NO_TLS,
    EFFECT_WARN,   /* left out: the account can do more than was asked, but nobody gets in who should not */
    EFFECT_REFUSE  /* leaving it out would make the account easier to enter */
};

static const struct {
    const char *name;
    enum effect effect;
    bool zero_is_none; /* a number of 0, or DEFAULT, asks for nothing */
} effects[] = {
    {"ACCOUNT LOCK", EFFECT_LOCK, false},
    {"ACCOUNT UNLOCK", EFFECT_UNLOCK, false},
    {"REQUIRE SSL", EFFECT_TLS, false},
    {"REQUIRE NONE", EFFECT_NO_TLS, false},
    {"PASSWORD EXPIRE NEVER", EFFECT_NONE, false},
    {"PASSWORD EXPIRE DEFAULT", EFFECT_NONE, false},
    {"PASSWORD REQUIRE CURRENT DEFAULT", EFFECT_NONE, false},
    {"PASSWORD REQUIRE CURRENT OPTIONAL", EFFECT_NONE, false},
    {"PASSWORD HISTORY", EFFECT_REFUSE, true},
    {"PASSWORD REUSE INTERVAL", EFFECT_REFUSE, true},
    {"FAILED_LOGIN_ATTEMPTS", EFFECT_REFUSE, true},
    {"PASSWORD_LOCK_TIME", EFFECT_REFUSE, true},
    {"MAX_QUERIES_PER_HOUR", EFFECT_WARN, true},
    {"MAX_UPDATES_PER_HOUR", EFFECT_WARN, true},
    {"MAX_CONNECTIONS_PER_HOUR", EFFECT_WARN, true},
    {"MAX_USER_CONNECTIONS", EFFECT_WARN, true},
    {"MAX_STATEMENT_TIME", EFFECT_WARN, true},
    {"COMMENT", EFFECT_WARN, false},
    {"ATTRIBUTE", EFFECT_WARN, false},
};

/* REQUIRE X509, ISSUER, SUBJECT, CIPHER; PASSWORD EXPIRE [INTERVAL n DAY]; PASSWORD REQUIRE CURRENT; and whatever comes. */
static enum effect effect_of(const struct ast_option *o)
{
    uint64_t n;

    for (size_t i = 0; i < ARRAY_LEN(effects); i++) {
        if (!sv_eq_nocase(o->name, sv_cstr(effects[i].name)))
            continue;
        if (effects[i].zero_is_none &&
            (define_option_u64(o, &n) ? n == 0 : sv_eq_nocase(define_option_text(o), SV("DEFAULT"))))
            return EFFECT_NONE;
        return effects[i].effect;
    }
    return EFFECT_REFUSE;
}

bool user_options(struct job *j, const struct ast_list *options, struct cat_user *u, struct diag *d)
{
    AST_EACH(slot, options) {
        const struct ast_option *o = AST_AS_CONST(option, *slot);

        switch (effect_of(o)) {
        case EFFECT_NONE:
            break;
        case EFFECT_LOCK:
            u->locked = true;
            break;
        case EFFECT_UNLOCK:
            u->locked = false;
            break;
        case EFFECT_TLS:
            u->attrs = SV(USER_ATTRS_TLS);
            break;
        case EFFECT_NO_TLS:
            u->attrs = SV("");
            break;
        case EFFECT_WARN:
            job_note(j, DDL_WARNING, ER_NOT_SUPPORTED_YET, "%.*s of an account has no effect yet: it is not kept", SV_ARG(o->name));
            break;
        case EFFECT_REFUSE:
            return job_refuse(d, arena_printf(&j->arena, "%.*s of an account", SV_ARG(o->name)).ptr);
        }
    }
    return true;
}
