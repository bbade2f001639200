/* CREATE, ALTER, DROP, RENAME USER, SET PASSWORD, GRANT, REVOKE. Accounts are Tessera's own, rows of the catalog; shards
 * know nothing of them. Secrets are stored in the forms that MySQL has (s_user_auth.c). Privileges are not checked: GRANT
 * and REVOKE are accepted and say so in a warning, so that set-up scripts run. A statement works on a list of changes over
 * the catalog's accounts, so that it sees what its earlier parts did, and becomes steps when all of it is right. The
 * statement's text is not kept, because it may hold a password. */
#include "ddl/define.h"
#include "ddl/s_user.h"
#include "ddl/stmts.h"

#include "catalog/user.h"
#include "net/auth.h"

struct change {
    struct cat_user user;
    bool gone;
};
ARRAY_OF(changes, struct change);

bool user_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    (void)ast;
    (void)d;
    j->statement = arena_concat(&j->arena, (struct sv[]){SV("(the text of account statements is not kept)")}, 1);
    job_lock_add(&j->arena, l, JOB_EXCLUSIVE, SV("users"));
    return true;
}

/* name and host of an account; CURRENT_USER is the account that who asks has logged in by. */
static bool account_of(struct job *j, const struct ast_node *n, struct sv *name, struct sv *host, struct diag *d)
{
    const struct ast_account *a = n ? AST_AS_CONST(account, n) : NULL;

    if (!a || a->current) {
        const char *at = memrchr(j->user.ptr, '@', j->user.len);
        const struct cat_user *u;

        *name = at ? sv_make(j->user.ptr, (size_t)(at - j->user.ptr)) : j->user;
        *host = at ? sv_make(at + 1, j->user.len - name->len - 1) : SV("%");
        u = cat_find_user(j->snap, *name, *host);
        if (u) {
            *name = u->name;
            *host = u->host;
        }
        return true;
    }
    if (a->word.len)
        return job_refuse(d, "roles");
    *name = a->user.ptr ? a->user : SV("");
    *host = a->has_host && a->host.ptr ? a->host : SV("%");
    return true;
}

/* The account as the statement has left it so far; NULL: there is none. */
static const struct cat_user *find(const struct job *j, const struct changes *c, struct sv name, struct sv host)
{
    for (size_t i = c->n; i-- > 0;)
        if (sv_eq(c->v[i].user.name, name) && sv_eq_nocase(c->v[i].user.host, host))
            return c->v[i].gone ? NULL : &c->v[i].user;
    return cat_find_account(j->snap, name, host);
}

static void put(struct job *j, struct changes *c, struct cat_user u, bool gone)
{
    array_push(c, &j->arena, ((struct change){u, gone}));
}

static void steps_of(struct job *j, const struct changes *c)
{
    array_each(c, x) {
        const struct cat_user *u = &x->user;
        json_t *o = json_pack("{s:s, s:b, s:b}", "what", x->gone ? "drop" : "put", "locked", u->locked, "super", u->super);

        json_object_set_new(o, "name", job_json_text(u->name));
        json_object_set_new(o, "host", job_json_text(u->host));
        json_object_set_new(o, "plugin", job_json_text(u->plugin));
        json_object_set_new(o, "secret", job_json_text(u->secret));
        json_object_set_new(o, "attrs", job_json_text(u->attrs));
        job_step(j, "pub_user", o);
    }
}

static struct sv title(struct arena *a, struct sv name, struct sv host)
{
    return arena_printf(a, "'%.*s'@'%.*s'", SV_ARG(name), SV_ARG(host));
}

/* An account of which the statement is not true: for 1396, in the words that each product has. */
static void add_failed(struct job *j, struct strbuf *failed, struct sv name, struct sv host, const char *why)
{
    strbuf_printf(failed, "%s%.*s%s", failed->len ? "," : "", SV_ARG(title(&j->arena, name, host)), j->mariadb ? "" : why);
}

#define IS_THERE " (User account already exists)"
#define IS_NOT_THERE " (User account does not exist)"

static bool failed_users(struct diag *d, const char *what, struct strbuf *failed)
{
    return failed->len == 0 || diag_set(d, ER_CANNOT_USER, what, strbuf_cstr(failed));
}

static bool plan_create(struct job *j, const struct ast_create_user *c, struct changes *out, struct diag *d)
{
    struct strbuf failed;

    if (c->or_replace)
        return job_refuse(d, "CREATE OR REPLACE USER");
    if (c->default_role)
        return job_refuse(d, "roles");
    strbuf_init(&failed, &j->arena);
    AST_EACH(slot, &c->users) {
        const struct ast_user_spec *s = AST_AS_CONST(user_spec, *slot);
        struct cat_user u = {0};
        const struct cat_user *old;

        if (!account_of(j, s->account, &u.name, &u.host, d))
            return false;
        old = find(j, out, u.name, u.host);
        if ((old != NULL) != c->alter) {
            if (c->if_exists)
                job_note(j, DDL_NOTE, c->alter ? 3162 : 3163, "Authorization ID %.*s %s.",
                         SV_ARG(title(&j->arena, u.name, u.host)), c->alter ? "does not exist" : "already exists");
            else
                add_failed(j, &failed, u.name, u.host, c->alter ? IS_NOT_THERE : IS_THERE);
            continue;
        }
        if (old)
            u = *old;
        else
            u.plugin = auth_plugin_name(j->mariadb ? AUTH_NATIVE : AUTH_SHA2);
        if (!user_identified(j, s, &u, c->alter, d) || !user_options(j, &c->options, &u, d))
            return false;
        put(j, out, u, false);
    }
    return failed_users(d, c->alter ? "ALTER USER" : "CREATE USER", &failed);
}

static bool plan_drop(struct job *j, const struct ast_drop *dr, struct changes *out, struct diag *d)
{
    struct strbuf failed;

    strbuf_init(&failed, &j->arena);
    AST_EACH(slot, &dr->names) {
        struct sv name, host;

        if (!account_of(j, *slot, &name, &host, d))
            return false;
        if (find(j, out, name, host))
            put(j, out, (struct cat_user){.name = name, .host = host}, true);
        else if (dr->if_exists)
            job_note(j, DDL_NOTE, 3162, "Authorization ID %.*s does not exist.", SV_ARG(title(&j->arena, name, host)));
        else
            add_failed(j, &failed, name, host, IS_NOT_THERE);
    }
    return failed_users(d, "DROP USER", &failed);
}

/* The new name is there before the old one goes: between the two steps both can log in. */
static bool plan_rename(struct job *j, const struct ast_rename_table *r, struct changes *out, struct diag *d)
{
    struct strbuf failed;

    strbuf_init(&failed, &j->arena);
    AST_EACH(slot, &r->pairs) {
        const struct ast_rename_pair *pair = AST_AS_CONST(rename_pair, *slot);
        struct sv from[2], to[2];
        const struct cat_user *old;
        struct cat_user u;

        if (!account_of(j, pair->from, &from[0], &from[1], d) || !account_of(j, pair->to, &to[0], &to[1], d))
            return false;
        old = find(j, out, from[0], from[1]);
        if (!old || find(j, out, to[0], to[1])) {
            add_failed(j, &failed, from[0], from[1], "");
            continue;
        }
        u = *old;
        u.name = to[0];
        u.host = to[1];
        put(j, out, u, false);
        put(j, out, (struct cat_user){.name = from[0], .host = from[1]}, true);
    }
    return failed_users(d, "RENAME USER", &failed);
}

static bool no_such_row(const struct job *j, struct diag *d)
{
    (void)diag_set(d, ER_PASSWORD_NO_MATCH);
    if (j->mariadb)
        memcpy(d->sqlstate, "28000", sizeof(d->sqlstate));
    return false;
}

static bool plan_password(struct job *j, const struct ast_set_password *s, struct changes *out, struct diag *d)
{
    const struct cat_user *old;
    struct cat_user u;
    struct sv name, host;

    if (!account_of(j, s->account, &name, &host, d))
        return false;
    old = cat_find_account(j->snap, name, host);
    if (!old)
        return no_such_row(j, d);
    u = *old;
    if (!user_set_password(j, s, &u, d))
        return false;
    put(j, out, u, false);
    return true;
}

/* GRANT for an account that is not there: MariaDB makes it if the statement says how it logs in. */
static bool grant_new(struct job *j, const struct ast_grant *g, const struct ast_user_spec *s, struct sv name, struct sv host,
                      struct diag *d)
{
    if (g->revoke)
        return g->all && g->grant_option
                   ? diag_set(d, ER_REVOKE_GRANTS)
                   : diag_set(d, ER_NONEXISTING_GRANT, arena_dup(&j->arena, name).ptr, arena_dup(&j->arena, host).ptr);
    if (!j->mariadb)
        return diag_set(d, ER_CANT_CREATE_USER_WITH_GRANT);
    return s->auths.n ? true : no_such_row(j, d);
}

static bool plan_grant(struct job *j, const struct ast_grant *g, struct changes *out, struct diag *d)
{
    bool everything = g->all && (g->level == AST_LEVEL_GLOBAL || g->grant_option);

    if (g->is_roles)
        return job_refuse(d, "roles");
    if (g->proxy)
        return job_refuse(d, "GRANT PROXY");
    if (g->extra.len)
        return job_refuse(d, arena_printf(&j->arena, "GRANT ... %.*s", SV_ARG(g->extra)).ptr);
    AST_EACH(slot, &g->users) {
        const struct ast_user_spec *s = AST_AS_CONST(user_spec, *slot);
        const struct cat_user *old;
        struct cat_user u = {.plugin = auth_plugin_name(AUTH_NATIVE)};

        if (!account_of(j, s->account, &u.name, &u.host, d))
            return false;
        old = find(j, out, u.name, u.host);
        if (old)
            u = *old;
        else if (!grant_new(j, g, s, u.name, u.host, d))
            return false;
        if ((s->auths.n || s->extra.len || g->options.n) && !j->mariadb)
            return job_refuse(d, "GRANT with IDENTIFIED, REQUIRE or limits");
        if (!user_identified(j, s, &u, true, d) || !user_options(j, &g->options, &u, d))
            return false;
        if (everything)
            u.super = !g->revoke;
        put(j, out, u, false);
    }
    if (!everything || g->revoke)
        job_note(j, DDL_WARNING, ER_NOT_SUPPORTED_YET,
                 "This version of Tessera doesn't check privileges yet: every account may do everything, whatever is granted to it "
                 "or revoked from it");
    return true;
}

bool user_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct changes changes = {0};
    bool ok = false;

    job_set_no_return(j);
    if (ast->kind == AST_CREATE_USER)
        ok = plan_create(j, AST_AS(create_user, ast), &changes, d);
    else if (ast->kind == AST_DROP)
        ok = plan_drop(j, AST_AS(drop, ast), &changes, d);
    else if (ast->kind == AST_RENAME_TABLE)
        ok = plan_rename(j, AST_AS(rename_table, ast), &changes, d);
    else if (ast->kind == AST_SET)
        ok = plan_password(j, AST_AS(set_password, AST_AS(set, ast)->items.items[0]), &changes, d);
    else if (ast->kind == AST_GRANT)
        ok = plan_grant(j, AST_AS(grant, ast), &changes, d);
    if (!ok || !changes.n)
        return ok;
    steps_of(j, &changes);
    job_step(j, "barrier", NULL);
    return true;
}

static bool pub_user_run(struct job *j, json_t *step, struct diag *d)
{
    struct cat_user u = {.name = job_json_sv(step, "name"),
                         .host = job_json_sv(step, "host"),
                         .plugin = job_json_sv(step, "plugin"),
                         .secret = job_json_sv(step, "secret"),
                         .attrs = job_json_sv(step, "attrs"),
                         .locked = json_is_true(json_object_get(step, "locked")),
                         .super = json_is_true(json_object_get(step, "super"))};
    bool put = sv_eq(job_json_sv(step, "what"), SV("put"));
    struct metadb_tx tx = {0};

    if (job_publish_begin(j, &tx, d) &&
        (put ? metadb_put_user(&tx, &u, d) : metadb_drop_user(&tx, u.name, u.host, d)) &&
        job_publish_commit(j, &tx, d)) {
        auth_cache_clear();
        return true;
    }
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_user = {.name = "pub_user", .run = pub_user_run, .publishes = true};
