/* Deparser: session, transactions, SHOW, accounts, Tessera's own. */
#include "parser/d-int.h"

static void word(struct dep *d, const char *prefix, struct sv s)
{
    if (s.ptr) {
        put(d, prefix);
        put_sv(d, s);
    }
}

static void quoted(struct dep *d, const char *prefix, struct sv s)
{
    if (s.ptr) {
        put(d, prefix);
        put_string(d, s);
    }
}

/* ---- accounts ---- */

static void account(struct dep *d, const struct ast_account *n)
{
    if (n->current) {
        put(d, "CURRENT_USER");
        return;
    }
    if (n->word.ptr) {
        put_sv(d, n->word);
        return;
    }
    put_string(d, n->user);
    if (n->has_host)
        quoted(d, "@", n->host);
}

static void auth(struct dep *d, const struct ast_auth *n, const char *lead)
{
    put(d, lead);
    if (ast_ident_set(&n->plugin)) {
        put_name(d, &n->plugin);
        put(d, " ");
    }
    switch (n->how) {
    case AST_AUTH_BY:
        put_opt(d, "BY ", n->secret);
        break;
    case AST_AUTH_BY_PASSWORD:
        put_opt(d, "BY PASSWORD ", n->secret);
        break;
    case AST_AUTH_BY_RANDOM:
        put(d, "BY RANDOM PASSWORD");
        break;
    case AST_AUTH_AS:
        put_opt(d, n->secret->kind == AST_FUNC ? "USING " : "AS ", n->secret);
        break;
    case AST_AUTH_PLUGIN:
        d->b->len--; /* the blank */
        break;
    }
    put_opt(d, " REPLACE ", n->replace);
    put_if(d, n->retain, " RETAIN CURRENT PASSWORD");
}

/* Alternatives (MariaDB's OR) and factors (MySQL's AND) are told apart by flavor alone. */
static void user_spec(struct dep *d, const struct ast_user_spec *n)
{
    put_node(d, n->account);
    for (uint32_t i = 0; i < n->auths.n; i++) {
        const struct ast_auth *a = AST_AS_CONST(auth, n->auths.items[i]);
        bool with = ast_ident_set(&a->plugin);

        if (i == 0)
            auth(d, a, with ? " IDENTIFIED WITH " : " IDENTIFIED ");
        else if (d->maria)
            auth(d, a, " OR ");
        else
            auth(d, a, with ? " AND IDENTIFIED WITH " : " AND IDENTIFIED ");
    }
    word(d, " ", n->extra);
}

/* REQUIRE a AND b, WITH limit n limit n, the others as they are. */
static void user_options(struct dep *d, const struct ast_list *l)
{
    bool required = false, with = false;

    AST_EACH(slot, l)
    {
        const struct ast_option *o = AST_AS_CONST(option, *slot);
        struct sv name = o->name;

        if (sv_starts(name, SV("REQUIRE "))) {
            put(d, required ? " AND " : " REQUIRE ");
            required = true;
            name = sv_make(name.ptr + 8, name.len - 8);
        } else if (sv_starts(name, SV("MAX_"))) {
            put(d, with ? " " : " WITH ");
            with = true;
        } else {
            put(d, " ");
        }
        put_sv(d, name);
        if (o->value) {
            put(d, " ");
            if (o->value->kind == AST_NAME)
                put_sv(d, AST_AS_CONST(name, o->value)->name.name);
            else
                put_node(d, o->value);
        }
        put_if(d, o->value && o->value->kind != AST_NAME && (sv_eq_cstr(name, "PASSWORD EXPIRE INTERVAL") ||
                                                           sv_eq_cstr(name, "PASSWORD REUSE INTERVAL")),
               " DAY");
    }
}

static void create_user(struct dep *d, const struct ast_create_user *n)
{
    put(d, n->alter ? "ALTER USER " : n->or_replace ? "CREATE OR REPLACE USER " : "CREATE USER ");
    put_if(d, n->if_exists, n->alter ? "IF EXISTS " : "IF NOT EXISTS ");
    put_list(d, &n->users, ", ");
    if (n->default_role) {
        put(d, " DEFAULT ROLE ");
        put_sv(d, n->role_word);
        put_list(d, &n->roles, ", ");
    }
    user_options(d, &n->options);
}

static void create_role(struct dep *d, const struct ast_create_role *n)
{
    put(d, n->or_replace ? "CREATE OR REPLACE ROLE " : "CREATE ROLE ");
    put_if(d, n->if_not_exists, "IF NOT EXISTS ");
    put_list(d, &n->roles, ", ");
    put_opt(d, " WITH ADMIN ", n->admin);
}

static void grant_level(struct dep *d, const struct ast_grant *n)
{
    static const char *const objects[] = {"", "TABLE ", "FUNCTION ", "PROCEDURE ", "PACKAGE ", "PACKAGE BODY "};

    put(d, " ON ");
    put(d, objects[n->object]);
    switch (n->level) {
    case AST_LEVEL_NONE:
        break;
    case AST_LEVEL_CURRENT:
        put(d, "*");
        break;
    case AST_LEVEL_GLOBAL:
        put(d, "*.*");
        break;
    case AST_LEVEL_DB:
        put_name(d, &n->db);
        put(d, ".*");
        break;
    case AST_LEVEL_TABLE:
        put_path(d, NULL, &n->db, &n->name);
        break;
    }
}

static void grant(struct dep *d, const struct ast_grant *n)
{
    put(d, n->revoke ? "REVOKE " : "GRANT ");
    put_if(d, n->if_exists, "IF EXISTS ");
    if (n->proxy) {
        put_opt_list(d, "PROXY ON ", &n->roles);
    } else if (n->is_roles) {
        put_if(d, n->revoke && n->admin_option, "ADMIN OPTION FOR ");
        put_list(d, &n->roles, ", ");
    } else {
        put_if(d, n->all, "ALL PRIVILEGES");
        put_if(d, n->all && n->privs.n > 0, ", ");
        put_list(d, &n->privs, ", ");
        put_if(d, n->revoke && n->grant_option && n->level == AST_LEVEL_NONE, ", GRANT OPTION");
        if (n->level != AST_LEVEL_NONE)
            grant_level(d, n);
    }
    put(d, n->revoke ? " FROM " : " TO ");
    put_list(d, &n->users, ", ");
    user_options(d, &n->options);
    if (!n->revoke) {
        bool with = false;

        AST_EACH(o, &n->options)
        with = with || sv_starts(AST_AS_CONST(option, *o)->name, SV("MAX_"));
        put_if(d, n->grant_option, with ? " GRANT OPTION" : " WITH GRANT OPTION");
        put_if(d, n->admin_option, with || n->grant_option ? " ADMIN OPTION" : " WITH ADMIN OPTION");
    }
    word(d, " ", n->extra);
}

/* ---- SET ---- */

static void set_var(struct dep *d, const struct ast_set_var *n)
{
    static const char *const words[] = {"ON", "ALL", "BINARY", "ROW", "SYSTEM"};

    if (n->scope == AST_SCOPE_USER) {
        struct ast_uservar v = {.node = {.kind = AST_USERVAR}, .name = n->name.name};

        put_node(d, &v.node);
    } else {
        put_if(d, n->at, "@@");
        put(d, put_scope_word(n->scope));
        put_if(d, n->scope != AST_SCOPE_NONE, n->at ? "." : " ");
        if (sv_eq_nocase(n->base.name, SV("DEFAULT")) && ast_ident_set(&n->base)) {
            put_sv(d, n->base.name);
            put(d, ".");
            put_name(d, &n->name);
        } else {
            put_path(d, NULL, &n->base, &n->name);
        }
    }
    put(d, " = ");
    if (n->value->kind == AST_COLUMN) {
        const struct ast_column *c = AST_AS_CONST(column, n->value);

        for (size_t i = 0; i < ARRAY_LEN(words) && n->scope != AST_SCOPE_USER && !ast_ident_set(&c->tbl); i++) {
            if (sv_eq_nocase(c->name.name, sv_cstr(words[i]))) {
                put_sv(d, c->name.name);
                return;
            }
        }
    }
    put_node(d, n->value);
}

static void set_names(struct dep *d, const struct ast_set_names *n)
{
    put(d, n->charset ? "CHARACTER SET " : "NAMES ");
    if (n->name.ptr)
        put_string(d, n->name);
    else
        put(d, "DEFAULT");
    if (n->collation.ptr) {
        put(d, " COLLATE ");
        put_collation(d, n->collation);
    }
}

static void trx_access(struct dep *d, enum ast_access a)
{
    put_if(d, a == AST_ACCESS_READ_ONLY, "READ ONLY");
    put_if(d, a == AST_ACCESS_READ_WRITE, "READ WRITE");
}

static void set_trx(struct dep *d, const struct ast_set_trx *n)
{
    static const char *const levels[] = {"", "READ UNCOMMITTED", "READ COMMITTED", "REPEATABLE READ", "SERIALIZABLE"};

    put(d, put_scope_word(n->scope));
    put(d, n->scope == AST_SCOPE_NONE ? "TRANSACTION " : " TRANSACTION ");
    if (n->isolation != AST_ISOLATION_NONE) {
        put(d, "ISOLATION LEVEL ");
        put(d, levels[n->isolation]);
        put_if(d, n->access != AST_ACCESS_NONE, ", ");
    }
    trx_access(d, n->access);
}

static void set_password(struct dep *d, const struct ast_set_password *n)
{
    put_opt(d, "PASSWORD FOR ", n->account);
    put_if(d, !n->account, "PASSWORD");
    if (n->value)
        put_opt(d, " = ", n->value);
    else
        put(d, " TO RANDOM");
    put_opt(d, " REPLACE ", n->replace);
    put_if(d, n->retain, " RETAIN CURRENT PASSWORD");
}

static void set_role(struct dep *d, const struct ast_set_role *n)
{
    static const char *const words[] = {"", "NONE", "ALL", "DEFAULT", "ALL EXCEPT "};

    put(d, n->is_default ? "DEFAULT ROLE " : "ROLE ");
    put(d, words[n->what]);
    put_list(d, &n->roles, ", ");
    put_opt_list(d, d->maria ? " FOR " : " TO ", &n->users);
}

static void set(struct dep *d, const struct ast_set *n)
{
    put(d, n->stmt ? "SET STATEMENT " : "SET ");
    put_list(d, &n->items, ", ");
    put_opt(d, " FOR ", n->stmt);
}

/* ---- transactions ---- */

static void yes_no(struct dep *d, enum ast_yesno v, const char *yes, const char *no)
{
    put_if(d, v == AST_YES, yes);
    put_if(d, v == AST_NO, no);
}

static void trx(struct dep *d, const struct ast_trx *n)
{
    switch (n->op) {
    case AST_TRX_BEGIN:
        put(d, n->work ? "BEGIN WORK" : "BEGIN");
        return;
    case AST_TRX_START:
        put(d, "START TRANSACTION");
        put_if(d, n->snapshot, " WITH CONSISTENT SNAPSHOT");
        put_if(d, n->snapshot && n->access != AST_ACCESS_NONE, ",");
        put_if(d, n->access != AST_ACCESS_NONE, " ");
        trx_access(d, n->access);
        return;
    case AST_TRX_COMMIT:
    case AST_TRX_ROLLBACK:
        put(d, n->op == AST_TRX_COMMIT ? "COMMIT" : "ROLLBACK");
        put_if(d, n->work, " WORK");
        yes_no(d, n->chain, " AND CHAIN", " AND NO CHAIN");
        yes_no(d, n->release, " RELEASE", " NO RELEASE");
        return;
    case AST_TRX_SAVEPOINT:
        put(d, "SAVEPOINT ");
        break;
    case AST_TRX_ROLLBACK_TO:
        put(d, n->work ? "ROLLBACK WORK TO SAVEPOINT " : "ROLLBACK TO SAVEPOINT ");
        break;
    case AST_TRX_RELEASE:
        put(d, "RELEASE SAVEPOINT ");
        break;
    }
    put_name(d, &n->savepoint);
}

static void xa(struct dep *d, const struct ast_xa *n)
{
    static const char *const words[] = {"START ", "END ", "PREPARE ", "COMMIT ", "ROLLBACK ", "RECOVER"};

    put(d, "XA ");
    put(d, words[n->op]);
    put_opt(d, "", n->gtrid);
    put_opt(d, ", ", n->bqual);
    put_opt(d, ", ", n->format);
    word(d, " ", n->word);
}

static void lock_item(struct dep *d, const struct ast_lock_item *n)
{
    static const char *const words[] = {" READ", " READ LOCAL", " WRITE", " LOW_PRIORITY WRITE", " WRITE CONCURRENT"};

    put_node(d, n->table);
    put(d, words[n->type]);
}

static void simple(struct dep *d, const struct ast_simple *n)
{
    static const char *const words[] = {"USE ", "UNLOCK TABLES", "DEALLOCATE PREPARE ", "HELP ", "SHUTDOWN",
                                        "RESTART", "LOCK INSTANCE FOR BACKUP", "UNLOCK INSTANCE", "BACKUP"};

    if (n->op == AST_SIMPLE_DEALLOCATE && n->word.ptr) {
        put(d, "DROP PREPARE ");
        put_name(d, &n->name);
        return;
    }
    put(d, words[n->op]);
    if (ast_ident_set(&n->name))
        put_name(d, &n->name);
    put_opt(d, "", n->value);
    word(d, " ", n->word);
}

static void kill(struct dep *d, const struct ast_kill *n)
{
    static const char *const words[] = {"", "CONNECTION ", "QUERY ", "QUERY ID ", "USER ",
                                        "QUERY USER ", "CONNECTION USER "};

    put(d, "KILL ");
    if (n->word.ptr) {
        put_sv(d, n->word);
        put(d, " ");
    }
    put(d, words[n->what]);
    if (n->id->kind == AST_FUNC) { /* USER() is no USER */
        put(d, "(");
        put_node(d, n->id);
        put(d, ")");
    } else {
        put_node(d, n->id);
    }
}

static void flush_item(struct dep *d, const struct ast_option *o)
{
    put_sv(d, o->name);
    if (o->has_list) {
        put(d, " = (");
        put_list(d, &o->list, ", ");
        put(d, ")");
    }
    put_opt(d, " FOR CHANNEL ", o->value);
}

static void plain_tables(struct dep *d, const struct ast_list *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        put_if(d, i > 0, ", ");
        put_table(d, AST_AS_CONST(table, l->items[i]), false);
    }
}

static void flush(struct dep *d, const struct ast_flush *n)
{
    put(d, n->no_binlog ? "FLUSH NO_WRITE_TO_BINLOG " : "FLUSH ");
    if (n->has_tables) {
        put(d, "TABLES");
        put_if(d, n->tables.n > 0, " ");
        plain_tables(d, &n->tables);
        word(d, " ", n->word);
        return;
    }
    for (uint32_t i = 0; i < n->items.n; i++) {
        put_if(d, i > 0, ", ");
        flush_item(d, AST_AS_CONST(option, n->items.items[i]));
    }
}

static void admin_table(struct dep *d, const struct ast_admin_table *n)
{
    static const char *const words[] = {"ANALYZE ", "CHECK ", "OPTIMIZE ", "REPAIR ", "CHECKSUM "};

    put(d, words[n->op]);
    put_if(d, n->no_binlog, "NO_WRITE_TO_BINLOG ");
    put(d, n->view ? "VIEW " : "TABLE ");
    plain_tables(d, &n->tables);
    word(d, " ", n->word);
    word(d, " ", n->extra);
}

/* ---- EXPLAIN, DESCRIBE, SHOW ---- */

static void explain(struct dep *d, const struct ast_explain *n)
{
    put(d, n->analyze_stmt ? "ANALYZE" : n->analyze ? "EXPLAIN ANALYZE" : "EXPLAIN");
    word(d, " ", n->word);
    quoted(d, " FORMAT=", n->format);
    if (n->into.ptr) {
        struct ast_uservar v = {.node = {.kind = AST_USERVAR}, .name = n->into};

        put_opt(d, " INTO ", &v.node);
    }
    if (n->schema.ptr) {
        struct ast_ident id = ast_ident_make(n->schema);

        put(d, " FOR SCHEMA ");
        put_name(d, &id);
    }
    put_opt(d, " FOR CONNECTION ", n->connection);
    put_opt(d, " ", n->stmt);
}

static void describe(struct dep *d, const struct ast_describe *n)
{
    put(d, "DESCRIBE ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    if (ast_ident_set(&n->column)) {
        put(d, " ");
        put_name(d, &n->column);
    }
    put_opt(d, " ", n->like);
}

static const char *const show_words[] = {
    [AST_SHOW_DATABASES] = "DATABASES",
    [AST_SHOW_TABLES] = "TABLES",
    [AST_SHOW_TABLE_STATUS] = "TABLE STATUS",
    [AST_SHOW_OPEN_TABLES] = "OPEN TABLES",
    [AST_SHOW_COLUMNS] = "COLUMNS",
    [AST_SHOW_INDEX] = "INDEX",
    [AST_SHOW_TRIGGERS] = "TRIGGERS",
    [AST_SHOW_EVENTS] = "EVENTS",
    [AST_SHOW_VARIABLES] = "VARIABLES",
    [AST_SHOW_STATUS] = "STATUS",
    [AST_SHOW_WARNINGS] = "WARNINGS",
    [AST_SHOW_ERRORS] = "ERRORS",
    [AST_SHOW_PROCESSLIST] = "PROCESSLIST",
    [AST_SHOW_ENGINES] = "ENGINES",
    [AST_SHOW_ENGINE] = "ENGINE ",
    [AST_SHOW_PLUGINS] = "PLUGINS",
    [AST_SHOW_PRIVILEGES] = "PRIVILEGES",
    [AST_SHOW_CHARSET] = "CHARACTER SET",
    [AST_SHOW_COLLATION] = "COLLATION",
    [AST_SHOW_GRANTS] = "GRANTS",
    [AST_SHOW_CREATE_TABLE] = "CREATE TABLE ",
    [AST_SHOW_CREATE_VIEW] = "CREATE VIEW ",
    [AST_SHOW_CREATE_DATABASE] = "CREATE DATABASE",
    [AST_SHOW_CREATE_PROCEDURE] = "CREATE PROCEDURE ",
    [AST_SHOW_CREATE_FUNCTION] = "CREATE FUNCTION ",
    [AST_SHOW_CREATE_TRIGGER] = "CREATE TRIGGER ",
    [AST_SHOW_CREATE_EVENT] = "CREATE EVENT ",
    [AST_SHOW_CREATE_SEQUENCE] = "CREATE SEQUENCE ",
    [AST_SHOW_CREATE_SERVER] = "CREATE SERVER ",
    [AST_SHOW_CREATE_PACKAGE] = "CREATE PACKAGE ",
    [AST_SHOW_CREATE_PACKAGE_BODY] = "CREATE PACKAGE BODY ",
    [AST_SHOW_CREATE_USER] = "CREATE USER",
    [AST_SHOW_PROCEDURE_STATUS] = "PROCEDURE STATUS",
    [AST_SHOW_FUNCTION_STATUS] = "FUNCTION STATUS",
    [AST_SHOW_PACKAGE_STATUS] = "PACKAGE STATUS",
    [AST_SHOW_PACKAGE_BODY_STATUS] = "PACKAGE BODY STATUS",
    [AST_SHOW_PROCEDURE_CODE] = "PROCEDURE CODE ",
    [AST_SHOW_FUNCTION_CODE] = "FUNCTION CODE ",
    [AST_SHOW_PROFILES] = "PROFILES",
    [AST_SHOW_PROFILE] = "PROFILE",
    [AST_SHOW_AUTHORS] = "AUTHORS",
    [AST_SHOW_CONTRIBUTORS] = "CONTRIBUTORS",
    [AST_SHOW_MASTER_STATUS] = "",
    [AST_SHOW_BINARY_LOGS] = "",
    [AST_SHOW_BINLOG_EVENTS] = "",
    [AST_SHOW_REPLICA_STATUS] = "",
    [AST_SHOW_REPLICAS] = "",
    [AST_SHOW_EXPLAIN] = "",
    [AST_SHOW_OTHER] = "",
    [AST_SHOW_PARSE_TREE] = "PARSE_TREE ",
    [AST_SHOW_SHARDS] = "SHARDS",
    [AST_SHOW_TOPOLOGY] = "TOPOLOGY",
    [AST_SHOW_DDL] = "DDL",
    [AST_SHOW_TRANSACTIONS] = "TRANSACTIONS",
    [AST_SHOW_DEADLOCKS] = "DEADLOCKS",
};

/* The operands that belong to one kind of SHOW each. */
static void show_operands(struct dep *d, const struct ast_show *n)
{
    switch (n->what) {
    case AST_SHOW_ENGINE:
        if (sv_eq_cstr(n->word, "ALL"))
            put_sv(d, n->word);
        else
            put_string(d, n->word);
        word(d, " ", n->word2);
        break;
    case AST_SHOW_PLUGINS:
        word(d, " ", n->word);
        put_opt(d, " ", n->value);
        break;
    case AST_SHOW_PROFILE:
        word(d, " ", n->word);
        put_opt(d, " FOR QUERY ", n->value);
        break;
    case AST_SHOW_BINLOG_EVENTS:
        put(d, n->word2.ptr ? "RELAYLOG EVENTS" : "BINLOG EVENTS");
        quoted(d, " IN ", n->word);
        put_opt(d, " FROM ", n->value);
        put_opt(d, " ", n->limit);
        if (n->account)
            quoted(d, " FOR CHANNEL ", AST_AS_CONST(name, n->account)->name.name);
        break;
    case AST_SHOW_REPLICA_STATUS:
        put_sv(d, n->word);
        quoted(d, " FOR CHANNEL ", n->word2);
        break;
    case AST_SHOW_EXPLAIN:
        put(d, n->word2.ptr ? "ANALYZE" : "EXPLAIN");
        word(d, " FORMAT=", n->word);
        put_opt(d, " FOR ", n->value);
        break;
    case AST_SHOW_DDL:
        put_opt(d, " ", n->value);
        break;
    case AST_SHOW_GRANTS:
        put_opt(d, " FOR ", n->account);
        put_opt_list(d, " USING ", &n->using);
        break;
    case AST_SHOW_CREATE_USER:
        put_opt(d, " ", n->account);
        break;
    default:
        put_sv(d, n->word);
        break;
    }
}

static void show(struct dep *d, const struct ast_show *n)
{
    bool create_db = n->what == AST_SHOW_CREATE_DATABASE;

    put(d, "SHOW ");
    put_if(d, n->extended, "EXTENDED ");
    put_if(d, n->full, "FULL ");
    put_if(d, n->count, "COUNT(*) ");
    if (n->scope != AST_SCOPE_NONE) {
        put(d, put_scope_word(n->scope));
        put(d, " ");
    }
    put(d, show_words[n->what]);
    put_if(d, n->if_not_exists, " IF NOT EXISTS");
    show_operands(d, n);
    if (n->table) {
        put_if(d, n->what == AST_SHOW_COLUMNS || n->what == AST_SHOW_INDEX || n->what == AST_SHOW_TOPOLOGY, " FROM ");
        put_table(d, AST_AS_CONST(table, n->table), false);
    }
    if (ast_ident_set(&n->db)) {
        put(d, create_db ? " " : " FROM ");
        put_name(d, &n->db);
    }
    put_opt(d, " LIKE ", n->like);
    put_opt(d, " WHERE ", n->where);
    if (n->what != AST_SHOW_BINLOG_EVENTS)
        put_opt(d, " ", n->limit);
}

/* ---- Tessera's own ---- */

static void shard(struct dep *d, const struct ast_shard *n)
{
    static const char *const words[] = {"CREATE SHARD ", "ALTER SHARD ", "DROP SHARD ", "ALTER SHARD "};

    put(d, words[n->op]);
    put_if(d, n->if_exists, n->op == AST_SHARD_CREATE ? "IF NOT EXISTS " : "IF EXISTS ");
    put_name(d, &n->name);
    put_if(d, n->op == AST_SHARD_DRAIN, " DRAIN");
    put_options(d, &n->options, " ");
}

static void rebalance(struct dep *d, const struct ast_rebalance *n)
{
    put(d, "REBALANCE");
    if (ast_ident_set(&n->db)) {
        put(d, " DATABASE ");
        put_name(d, &n->db);
    }
    put_if(d, n->tables.n > 0, " TABLE ");
    plain_tables(d, &n->tables);
}

static bool put_account_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_ACCOUNT:
        account(d, AST_AS_CONST(account, n));
        return true;
    case AST_USER_SPEC:
        user_spec(d, AST_AS_CONST(user_spec, n));
        return true;
    case AST_AUTH:
        auth(d, AST_AS_CONST(auth, n), "");
        return true;
    case AST_CREATE_USER:
        create_user(d, AST_AS_CONST(create_user, n));
        return true;
    case AST_CREATE_ROLE:
        create_role(d, AST_AS_CONST(create_role, n));
        return true;
    case AST_GRANT:
        grant(d, AST_AS_CONST(grant, n));
        return true;
    case AST_PRIV:
        put_sv(d, AST_AS_CONST(priv, n)->name);
        if (AST_AS_CONST(priv, n)->columns.n) {
            put(d, " ");
            put_names(d, &AST_AS_CONST(priv, n)->columns);
        }
        return true;
    default:
        return false;
    }
}

static bool put_set_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_SET:
        set(d, AST_AS_CONST(set, n));
        return true;
    case AST_SET_VAR:
        set_var(d, AST_AS_CONST(set_var, n));
        return true;
    case AST_SET_NAMES:
        set_names(d, AST_AS_CONST(set_names, n));
        return true;
    case AST_SET_TRX:
        set_trx(d, AST_AS_CONST(set_trx, n));
        return true;
    case AST_SET_PASSWORD:
        set_password(d, AST_AS_CONST(set_password, n));
        return true;
    case AST_SET_ROLE:
        set_role(d, AST_AS_CONST(set_role, n));
        return true;
    default:
        return false;
    }
}

static bool put_tessera_node(struct dep *d, const struct ast_node *n)
{
    static const char *const jobs[] = {"PAUSE DDL ", "CONTINUE DDL ", "CANCEL DDL "};

    switch (n->kind) {
    case AST_SHARD:
        shard(d, AST_AS_CONST(shard, n));
        return true;
    case AST_DDL_JOB:
        put(d, jobs[AST_AS_CONST(ddl_job, n)->op]);
        put_node(d, AST_AS_CONST(ddl_job, n)->job);
        return true;
    case AST_CHECK_INDEX:
        put(d, "CHECK GLOBAL INDEX ");
        put_name(d, &AST_AS_CONST(check_index, n)->name);
        put(d, " ON ");
        put_table(d, AST_AS_CONST(table, AST_AS_CONST(check_index, n)->table), false);
        put_if(d, AST_AS_CONST(check_index, n)->repair, " REPAIR");
        return true;
    case AST_REBALANCE:
        rebalance(d, AST_AS_CONST(rebalance, n));
        return true;
    default:
        return false;
    }
}

bool put_misc_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_TRX:
        trx(d, AST_AS_CONST(trx, n));
        return true;
    case AST_XA:
        xa(d, AST_AS_CONST(xa, n));
        return true;
    case AST_LOCK_TABLES:
        put_opt_list(d, "LOCK TABLES ", &AST_AS_CONST(lock_tables, n)->items);
        put_opt(d, " WAIT ", AST_AS_CONST(lock_tables, n)->wait);
        return true;
    case AST_LOCK_ITEM:
        lock_item(d, AST_AS_CONST(lock_item, n));
        return true;
    case AST_SIMPLE:
        simple(d, AST_AS_CONST(simple, n));
        return true;
    case AST_PREPARE:
        put(d, "PREPARE ");
        put_name(d, &AST_AS_CONST(prepare, n)->name);
        put_opt(d, " FROM ", AST_AS_CONST(prepare, n)->from);
        return true;
    case AST_EXECUTE:
        put(d, AST_AS_CONST(execute, n)->immediate ? "EXECUTE IMMEDIATE " : "EXECUTE ");
        if (AST_AS_CONST(execute, n)->from)
            put_node(d, AST_AS_CONST(execute, n)->from);
        else
            put_name(d, &AST_AS_CONST(execute, n)->name);
        put_opt_list(d, " USING ", &AST_AS_CONST(execute, n)->args);
        return true;
    case AST_KILL:
        kill(d, AST_AS_CONST(kill, n));
        return true;
    case AST_FLUSH:
        flush(d, AST_AS_CONST(flush, n));
        return true;
    case AST_ADMIN_TABLE:
        admin_table(d, AST_AS_CONST(admin_table, n));
        return true;
    case AST_EXPLAIN:
        explain(d, AST_AS_CONST(explain, n));
        return true;
    case AST_DESCRIBE:
        describe(d, AST_AS_CONST(describe, n));
        return true;
    case AST_SHOW:
        show(d, AST_AS_CONST(show, n));
        return true;
    case AST_TEXT_STMT:
        put_sv(d, AST_AS_CONST(text_stmt, n)->text);
        return true;
    default:
        return put_account_node(d, n) || put_set_node(d, n) || put_tessera_node(d, n);
    }
}
