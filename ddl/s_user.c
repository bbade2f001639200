/* CREATE, ALTER, DROP USER, SET PASSWORD, GRANT, REVOKE. Accounts are Tessera's own, rows of the catalog; shards know
 * nothing of them. Secrets are stored in the forms that MySQL has. Privileges: there is one, everything (GRANT ALL ON
 * *.*); finer ones are accepted and have no effect yet, with a warning, so that set-up scripts run. The statement's
 * text is not kept, because it may hold a password. */
#include "ddl/define.h"
#include "ddl/stmts.h"

#include "catalog/user.h"
#include "net/auth.h"

bool user_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    (void)ast;
    (void)d;
    j->statement = arena_concat(&j->arena, (struct sv[]){SV("(the text of account statements is not kept)")}, 1);
    job_lock_add(&j->arena, l, JOB_EXCLUSIVE, SV("users"));
    return true;
}

/* name and host of an account; CURRENT_USER is who asks. */
static void account_of(struct job *j, const struct ast_node *n, struct sv *name, struct sv *host)
{
    const struct ast_account *a = AST_AS_CONST(account, n);

    if (a->current) {
        const char *at = memrchr(j->user.ptr, '@', j->user.len);

        *name = at ? sv_make(j->user.ptr, (size_t)(at - j->user.ptr)) : j->user;
        *host = at ? sv_make(at + 1, j->user.len - name->len - 1) : SV("%");
        return;
    }
    *name = a->user.ptr ? a->user : SV("");
    *host = a->has_host && a->host.ptr ? a->host : SV("%");
}

static json_t *user_json(const struct cat_user *u)
{
    json_t *o = json_pack("{s:s, s:b, s:b}", "what", "put", "locked", u->locked, "super", u->super);

    json_object_set_new(o, "name", job_json_text(u->name));
    json_object_set_new(o, "host", job_json_text(u->host));
    json_object_set_new(o, "plugin", job_json_text(u->plugin));
    json_object_set_new(o, "secret", job_json_text(u->secret));
    json_object_set_new(o, "attrs", job_json_text(u->attrs));
    return o;
}

static bool is_native(struct sv plugin)
{
    return sv_eq_nocase(plugin, SV("mysql_native_password"));
}

/* IDENTIFIED ...: into the secret. */
static bool set_auth(struct job *j, const struct ast_auth *x, struct cat_user *u, struct diag *d)
{
    struct sv plugin = ast_ident_set(&x->plugin) ? x->plugin.name
                       : u->plugin.len           ? u->plugin
                                                 : SV("caching_sha2_password");
    struct sv text = x->secret && x->secret->kind == AST_LIT ? AST_AS_CONST(lit, x->secret)->value : SV_NULL;
    char buf[AUTH_SECRET_MAX];

    if (!sv_eq_nocase(plugin, SV("caching_sha2_password")) && !is_native(plugin))
        return job_refuse(d, arena_printf(&j->arena, "IDENTIFIED WITH %.*s", SV_ARG(plugin)).ptr);
    switch (x->how) {
    case AST_AUTH_BY:
        if (!text.ptr)
            return job_refuse(d, "a password that is not written as a string");
        u->secret = text.len
                        ? arena_dup(&j->arena, auth_make_secret(is_native(plugin) ? AUTH_NATIVE : AUTH_SHA2, text, buf))
                        : SV("");
        break;
    case AST_AUTH_BY_PASSWORD:
        plugin = SV("mysql_native_password");
        u->secret = text;
        break;
    case AST_AUTH_AS:
        u->secret = text;
        break;
    case AST_AUTH_PLUGIN:
        u->secret = SV("");
        break;
    case AST_AUTH_BY_RANDOM:
        return job_refuse(d, "IDENTIFIED BY RANDOM PASSWORD");
    }
    if (u->secret.len && user_secret_kind_of(u->secret) == USER_SECRET_BAD)
        return diag_setf(d, ER_CANNOT_USER, "The password hash doesn't have the expected format.");
    u->plugin =
        user_plugin_of(u->secret, is_native(plugin) ? SV("mysql_native_password") : SV("caching_sha2_password"));
    return true;
}

static void set_options(const struct ast_list *options, struct cat_user *u)
{
    AST_EACH(slot, options) {
        struct sv n = AST_AS_CONST(option, *slot)->name;

        if (sv_eq_nocase(n, SV("ACCOUNT LOCK")))
            u->locked = true;
        else if (sv_eq_nocase(n, SV("ACCOUNT UNLOCK")))
            u->locked = false;
    }
}

static struct sv title(struct arena *a, struct sv name, struct sv host)
{
    return arena_printf(a, "'%.*s'@'%.*s'", SV_ARG(name), SV_ARG(host));
}

/* The accounts of which the statement is not true (exist, do not exist), for 1396. */
static bool failed_users(struct diag *d, const char *what, struct strbuf *failed)
{
    return failed->len == 0 || diag_set(d, ER_CANNOT_USER, what, strbuf_cstr(failed));
}

static bool plan_create(struct job *j, const struct ast_create_user *c, struct diag *d)
{
    const char *what = c->alter ? "ALTER USER" : "CREATE USER";
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

        account_of(j, s->account, &u.name, &u.host);
        old = cat_find_account(j->snap, u.name, u.host);
        if ((old != NULL) != c->alter) {
            if (c->if_exists)
                job_note(j, DDL_NOTE, c->alter ? 3162 : 3163, "Authorization ID %.*s %s.",
                         SV_ARG(title(&j->arena, u.name, u.host)), c->alter ? "does not exist" : "already exists");
            else
                strbuf_printf(&failed, "%s%.*s", failed.len ? "," : "", SV_ARG(title(&j->arena, u.name, u.host)));
            continue;
        }
        if (old)
            u = *old;
        else
            u.plugin = SV("caching_sha2_password");
        if (s->auths.n > 1)
            return job_refuse(d, "several authentication factors");
        if (s->auths.n && !set_auth(j, AST_AS_CONST(auth, s->auths.items[0]), &u, d))
            return false;
        set_options(&c->options, &u);
        job_step(j, "pub_user", user_json(&u));
    }
    return failed_users(d, what, &failed);
}

static bool plan_drop(struct job *j, const struct ast_drop *dr, struct diag *d)
{
    struct strbuf failed;

    strbuf_init(&failed, &j->arena);
    AST_EACH(slot, &dr->names) {
        struct sv name, host;
        json_t *o;

        account_of(j, *slot, &name, &host);
        if (!cat_find_account(j->snap, name, host)) {
            if (dr->if_exists)
                job_note(j, DDL_NOTE, 3162, "Authorization ID %.*s does not exist.",
                         SV_ARG(title(&j->arena, name, host)));
            else
                strbuf_printf(&failed, "%s%.*s", failed.len ? "," : "", SV_ARG(title(&j->arena, name, host)));
            continue;
        }
        o = json_pack("{s:s}", "what", "drop");
        json_object_set_new(o, "name", job_json_text(name));
        json_object_set_new(o, "host", job_json_text(host));
        job_step(j, "pub_user", o);
    }
    return failed_users(d, "DROP USER", &failed);
}

static bool plan_password(struct job *j, const struct ast_set_password *s, struct diag *d)
{
    struct ast_account current = {.node.kind = AST_ACCOUNT, .current = true};
    struct ast_auth auth = {.node.kind = AST_AUTH, .how = AST_AUTH_BY, .secret = s->value};
    const struct cat_user *old;
    struct cat_user u;
    struct sv name, host;

    account_of(j, s->account ? s->account : &current.node, &name, &host);
    old = cat_find_account(j->snap, name, host);
    if (!old)
        old = s->account ? NULL : cat_find_user(j->snap, name, host);
    if (!old)
        return diag_setf(d, ER_CANNOT_USER, "Can't find any matching row in the user table");
    if (!s->value)
        return job_refuse(d, "SET PASSWORD TO RANDOM");
    /* MariaDB: SET PASSWORD = PASSWORD('..'), or the hash. */
    if (s->value->kind == AST_FUNC && AST_AS(func, s->value)->args.n == 1)
        auth.secret = AST_AS(func, s->value)->args.items[0];
    else if (auth.secret->kind == AST_LIT && user_secret_kind_of(AST_AS(lit, auth.secret)->value) == USER_SECRET_NATIVE)
        auth.how = AST_AUTH_BY_PASSWORD;
    u = *old;
    if (!set_auth(j, &auth, &u, d))
        return false;
    job_step(j, "pub_user", user_json(&u));
    return true;
}

static bool plan_grant(struct job *j, const struct ast_grant *g, struct diag *d)
{
    struct strbuf failed;

    if (g->is_roles)
        return job_refuse(d, "roles");
    if (g->proxy)
        return job_refuse(d, "GRANT PROXY");
    strbuf_init(&failed, &j->arena);
    AST_EACH(slot, &g->users) {
        const struct ast_user_spec *s = AST_AS_CONST(user_spec, *slot);
        const struct cat_user *old;
        struct cat_user u;
        struct sv name, host;

        account_of(j, s->account, &name, &host);
        old = cat_find_account(j->snap, name, host);
        if (!old) {
            strbuf_printf(&failed, "%s%.*s", failed.len ? "," : "", SV_ARG(title(&j->arena, name, host)));
            continue;
        }
        u = *old;
        if (s->auths.n && !set_auth(j, AST_AS_CONST(auth, s->auths.items[0]), &u, d))
            return false;
        if (g->all && g->level == AST_LEVEL_GLOBAL)
            u.super = !g->revoke;
        else
            job_note(j, DDL_WARNING, ER_NOT_SUPPORTED_YET, "Privileges other than ALL ON *.* have no effect yet");
        job_step(j, "pub_user", user_json(&u));
    }
    if (failed.len)
        return diag_setf(d, ER_CANNOT_USER, "There is no such grant defined for user %s", strbuf_cstr(&failed));
    return true;
}

bool user_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    bool ok = false;

    job_set_no_return(j);
    if (ast->kind == AST_CREATE_USER)
        ok = plan_create(j, AST_AS(create_user, ast), d);
    else if (ast->kind == AST_DROP)
        ok = plan_drop(j, AST_AS(drop, ast), d);
    else if (ast->kind == AST_SET)
        ok = plan_password(j, AST_AS(set_password, AST_AS(set, ast)->items.items[0]), d);
    else if (ast->kind == AST_GRANT)
        ok = plan_grant(j, AST_AS(grant, ast), d);
    if (!ok || json_array_size(json_object_get(j->plan, "steps")) == 0)
        return ok;
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
