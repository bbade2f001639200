/* CREATE, ALTER, DROP SHARD.
 *
 * CREATE: the server is looked at (kind, version, InnoDB, durable settings) -> it gets schema `tessera` with the place
 * of commit records, all databases, and copies of all BROADCAST tables, made under a gate that holds until -> the
 * catalog has the shard. Plain tables do not move to it. DROP: only when nothing lives there: no partition, no
 * unfinished transaction. What is on the server stays there. Passwords of shards are kept in the catalog, the
 * statement's text is not. */
#include "ddl/define.h"
#include "ddl/gate.h"
#include "ddl/gather.h"
#include "ddl/stmts.h"

#include "util/fault.h"
#include "util/log.h"

enum { SHARD_MYSQL_MIN = 80030, SHARD_MARIADB_MIN = 101100 };

bool shard_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    (void)ast;
    (void)d;
    j->statement = SV("(the text of shard statements is not kept)");
    job_lock_add(&j->arena, l, JOB_EXCLUSIVE, SV("*"));
    return true;
}

static bool read_options(struct job *j, const struct ast_shard *s, struct cat_shard *out, struct diag *d)
{
    AST_EACH(slot, &s->options) {
        const struct ast_option *o = AST_AS_CONST(option, *slot);
        struct sv v = define_option_text(o);
        uint64_t n;

        if (sv_eq_nocase(o->name, SV("HOST"))) {
            out->host = v;
        } else if (sv_eq_nocase(o->name, SV("PORT"))) {
            if (!v.ptr || !sv_to_u64(v, &n) || n == 0 || n > UINT16_MAX)
                return diag_setf(d, ER_CONFIG, "PORT of a shard is a number from 1 to 65535");
            out->port = (uint16_t)n;
        } else if (sv_eq_nocase(o->name, SV("USER"))) {
            out->user = v;
        } else if (sv_eq_nocase(o->name, SV("PASSWORD"))) {
            out->password = v;
        } else {
            return diag_setf(d, ER_CONFIG, "A shard has no option %.*s (HOST, PORT, USER, PASSWORD)", SV_ARG(o->name));
        }
    }
    if (!out->host.len)
        return diag_setf(d, ER_CONFIG, "CREATE SHARD needs HOST = '...'");
    (void)j;
    return true;
}

/* ---- is the server fit? ---- */

static bool unfit(struct job *j, const struct cat_shard *s, struct diag *d, const char *why)
{
    return diag_set(d, ER_SHARD_UNFIT, arena_dup(&j->arena, s->name).ptr, why);
}

static void warn_unsafe(struct job *j, struct mconn *c, const struct cat_shard *s)
{
    struct mresult r;
    struct diag d;

    diag_clear(&d);
    if (!mconn_query(c, SV("SELECT @@innodb_flush_log_at_trx_commit, @@log_bin, @@sync_binlog"), &j->arena, &r, &d) ||
        !r.rows)
        return;
    if (mresult_u64(&r, 0, 0) != 1)
        job_note(j, DDL_WARNING, ER_SHARD_UNFIT,
                 "Shard '%.*s': innodb_flush_log_at_trx_commit is not 1; a crash of the server can lose commits",
                 SV_ARG(s->name));
    if (mresult_u64(&r, 0, 1) == 1 && mresult_u64(&r, 0, 2) != 1)
        job_note(j, DDL_WARNING, ER_SHARD_UNFIT,
                 "Shard '%.*s': sync_binlog is not 1; a crash of the server can lose prepared transactions",
                 SV_ARG(s->name));
}

/* A server is known by what it says of itself: two addresses may lead to the same one. */
static bool identity(struct mconn *c, struct arena *a, struct sv *out, struct diag *d)
{
    struct mresult r;

    if (!mconn_query(c, SV("SELECT CONCAT_WS('|', @@hostname, @@port, @@datadir)"), a, &r, d))
        return false;
    *out = r.rows ? mresult_cell(&r, 0, 0) : SV("");
    return true;
}

static bool same_as_another(struct job *j, struct mconn *c, const struct cat_shard *s, struct diag *d)
{
    struct sv mine, theirs;

    if (!identity(c, &j->arena, &mine, d))
        return false;
    array_each(&j->snap->shards, o) {
        struct mconn *oc;
        struct diag d2;
        bool ok;

        if (o->id == s->id)
            continue;
        diag_clear(&d2);
        if (!job_open_shard(j, o->id, false, &oc, &d2))
            continue; /* a shard that is away does not keep another from being added */
        ok = identity(oc, &j->arena, &theirs, &d2);
        mconn_close(oc);
        if (ok && sv_eq(mine, theirs))
            return unfit(j, s, d, arena_printf(&j->arena, "it is the server of shard '%.*s'", SV_ARG(o->name)).ptr);
    }
    return true;
}

static bool look_at(struct job *j, const struct cat_shard *s, struct diag *d)
{
    struct mconn *c;
    struct mresult r;
    uint32_t version;
    bool ok;

    if (!fan_open(job_conf(j), s, NULL, 10000, &c, d))
        return false;
    version = mconn_version(c);
    ok = mconn_is_mariadb(c) ? version >= SHARD_MARIADB_MIN || unfit(j, s, d, "MariaDB 10.11 or newer is needed")
                             : version >= SHARD_MYSQL_MIN || unfit(j, s, d, "MySQL 8.0.30 or newer is needed");
    ok =
        ok &&
        mconn_query(
            c, SV("SELECT 1 FROM information_schema.engines WHERE engine = 'InnoDB' AND support IN ('YES', 'DEFAULT')"),
            &j->arena, &r, d) &&
        (r.rows || unfit(j, s, d, "it has no InnoDB"));
    ok = ok && mconn_query(c, SV("SELECT @@lower_case_table_names, @@read_only"), &j->arena, &r, d) &&
         (mresult_u64(&r, 0, 0) == 0 || unfit(j, s, d, "lower_case_table_names must be 0")) &&
         (mresult_u64(&r, 0, 1) == 0 || unfit(j, s, d, "it is read-only"));
    ok = ok && same_as_another(j, c, s, d);
    if (ok)
        warn_unsafe(j, c, s);
    mconn_close(c);
    return ok;
}

/* Tables of BROADCAST tables' names must not be there: they would be somebody else's. */
static bool names_free(struct job *j, const struct cat_shard *s, struct diag *d)
{
    struct mconn *c;
    bool ok = true;

    if (!fan_open(job_conf(j), s, NULL, 10000, &c, d))
        return false;
    array_each(&j->snap->tables, t) {
        struct mresult r;

        if ((*t)->kind != CAT_BROADCAST)
            continue;
        ok =
            ok &&
            mconn_queryf(c, &j->arena, &r, d,
                         "SELECT 1 FROM information_schema.tables WHERE table_schema = %Q AND table_name = %Q",
                         &(*t)->db, &(*t)->name) &&
            (r.rows == 0 || unfit(j, s, d,
                                  arena_printf(&j->arena, "it has a table '%.*s.%.*s', which is a BROADCAST table here",
                                               SV_ARG((*t)->db), SV_ARG((*t)->name))
                                      .ptr));
    }
    mconn_close(c);
    return ok;
}

/* ---- planning ---- */

static json_t *shard_json(const struct cat_shard *s)
{
    json_t *o = json_pack("{s:I, s:i, s:i}", "id", (json_int_t)s->id, "port", (int)s->port, "state", (int)s->state);

    json_object_set_new(o, "name", job_json_text(s->name));
    json_object_set_new(o, "host", job_json_text(s->host));
    json_object_set_new(o, "user", job_json_text(s->user));
    json_object_set_new(o, "password", job_json_text(s->password));
    return o;
}

void shard_of_json(const json_t *o, struct cat_shard *s)
{
    *s = (struct cat_shard){.id = (uint32_t)job_json_u64(o, "id"),
                            .port = (uint16_t)job_json_u64(o, "port"),
                            .state = (enum cat_shard_state)job_json_u64(o, "state"),
                            .name = job_json_sv(o, "name"),
                            .host = job_json_sv(o, "host"),
                            .user = job_json_sv(o, "user"),
                            .password = job_json_sv(o, "password")};
}

static bool broadcast_json(struct job *j, json_t *tables, json_t *gate, struct diag *d)
{
    array_each(&j->snap->tables, t) {
        json_t *all, *first;
        struct sv create;

        if ((*t)->kind != CAT_BROADCAST || j->snap->shards.n == 0)
            continue;
        if (!gather_create_text(j, *t, &create, d))
            return false;
        all = job_places_json(j, *t);
        first = json_array();
        json_array_append(first, json_array_get(all, 0));
        json_array_extend(gate, all);
        json_decref(all);
        json_array_append_new(tables, gather_table_json(j, *t, 0, first, create));
    }
    return true;
}

static bool plan_create(struct job *j, const struct ast_shard *a, struct cat_shard *s, struct diag *d)
{
    json_t *dbs = json_array(), *tables = json_array(), *gate = json_array(), *o;
    struct place_tables copied = {0};

    if (!read_options(j, a, s, d) || !look_at(j, s, d) || !names_free(j, s, d) || !broadcast_json(j, tables, gate, d)) {
        json_decref(dbs);
        json_decref(tables);
        json_decref(gate);
        return false;
    }
    array_each(&j->snap->dbs, db)
        json_array_append_new(
            dbs, job_json_text(mconn_sql(&j->arena, "CREATE DATABASE IF NOT EXISTS %I CHARACTER SET %I COLLATE %I",
                                         &db->name, &db->charset, &db->collation)));
    array_each(&j->snap->tables, t)
        if ((*t)->kind == CAT_BROADCAST && j->snap->shards.n)
            array_push(&copied, &j->arena, *t);
    json_object_set_new(j->plan, "new_shard", shard_json(s));
    /* Who planned a write of a BROADCAST table without the new shard would leave its copy behind. */
    if (copied.n)
        job_step_hold(j, &copied);
    o = json_pack("{s:o, s:o, s:o}", "dbs", dbs, "tables", tables, "gate", gate);
    job_step(j, "shard", o);
    job_step(j, "pub_shard", json_pack("{s:s, s:o}", "what", "new", "shard", shard_json(s)));
    job_set_no_return(j);
    if (copied.n)
        job_step_release(j, &copied);
    job_step(j, "barrier", NULL);
    return true;
}

static bool plan_alter(struct job *j, const struct ast_shard *a, const struct cat_shard *old, struct diag *d)
{
    struct cat_shard s = *old;

    if (a->op == AST_SHARD_DRAIN) {
        s.state = CAT_SHARD_DRAINING;
    } else if (!read_options(j, a, &s, d) || !look_at(j, &s, d)) {
        return false;
    }
    job_set_no_return(j);
    job_step(j, "pub_shard", json_pack("{s:s, s:o}", "what", "put", "shard", shard_json(&s)));
    job_step(j, "barrier", NULL);
    return true;
}

/* Branches of Tessera's transactions that the server still holds. */
static bool no_branches(struct job *j, const struct cat_shard *s, struct diag *d)
{
    struct mresult r;
    struct mconn *c;
    bool ok;

    if (!fan_open(job_conf(j), s, NULL, 10000, &c, d))
        return false;
    ok = mconn_query(c, SV("XA RECOVER"), &j->arena, &r, d);
    mconn_close(c);
    for (uint32_t i = 0; ok && i < r.rows; i++)
        if (sv_starts(mresult_cell(&r, i, 3), SV("tsr-")))
            return diag_setf(d, ER_SHARD_UNFIT, "Shard '%.*s' still holds prepared transactions", SV_ARG(s->name));
    return ok;
}

static bool plan_drop(struct job *j, const struct cat_shard *s, struct diag *d)
{
    if (j->snap->shards.n == 1)
        return diag_setf(d, ER_SHARD_UNFIT, "Shard '%.*s' is the last one", SV_ARG(s->name));
    array_each(&j->snap->tables, t)
        for (uint32_t i = 0; (*t)->kind != CAT_BROADCAST && i < (*t)->parts_n; i++)
            if ((*t)->parts[i].shard_id == s->id)
                return diag_setf(d, ER_SHARD_UNFIT, "Shard '%.*s' cannot be dropped: table '%.*s.%.*s' has rows there",
                                 SV_ARG(s->name), SV_ARG((*t)->db), SV_ARG((*t)->name));
    array_each(&j->snap->dbs, db)
        if (db->home_shard == s->id)
            return diag_setf(d, ER_SHARD_UNFIT, "Shard '%.*s' cannot be dropped: it is the home of database '%.*s'",
                             SV_ARG(s->name), SV_ARG(db->name));
    if (!no_branches(j, s, d))
        return false;
    job_set_no_return(j);
    job_step(j, "pub_shard", json_pack("{s:s, s:o}", "what", "drop", "shard", shard_json(s)));
    job_step(j, "barrier", NULL);
    return true;
}

bool shard_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    const struct ast_shard *a = AST_AS_CONST(shard, ast);
    const struct cat_shard *old = cat_find_shard(j->snap, a->name.name);
    struct cat_shard s = {.name = a->name.name, .port = 3306, .state = CAT_SHARD_ACTIVE};

    if (a->op == AST_SHARD_CREATE) {
        if (!old)
            return plan_create(j, a, &s, d);
        if (!a->if_exists)
            return diag_setf(d, ER_SHARD_UNFIT, "Shard '%.*s' already exists", SV_ARG(a->name.name));
        job_note(j, DDL_NOTE, ER_SHARD_UNFIT, "Shard '%.*s' already exists", SV_ARG(a->name.name));
        return true;
    }
    if (!old) {
        if (!a->if_exists)
            return diag_set(d, ER_UNKNOWN_SHARD, arena_dup(&j->arena, a->name.name).ptr);
        job_note(j, DDL_NOTE, ER_UNKNOWN_SHARD, "Unknown shard '%.*s'", SV_ARG(a->name.name));
        return true;
    }
    return a->op == AST_SHARD_DROP ? plan_drop(j, old, d) : plan_alter(j, a, old, d);
}

/* ---- steps ---- */

static bool shard_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *dbs = json_object_get(step, "dbs"), *tables = json_object_get(step, "tables"), *o;
    struct mconn *c;
    size_t i;
    bool ok;

    if (!job_open_shard(j, 0, false, &c, d))
        return false;
    ok = metadb_prepare_shard(c, d);
    json_array_foreach(dbs, i, o) {
        ok = ok && mconn_exec(c, sv_make(json_string_value(o), json_string_length(o)), d);
        if (ok)
            (void)FAULT("ddl.some_done");
    }
    mconn_close(c);
    if (ok && json_array_size(tables))
        ok = job_take_gate(j, json_object_get(step, "gate"), d);
    json_array_foreach(tables, i, o) {
        ok = ok && gather_table(j, o, d);
    }
    if (ok)
        (void)FAULT("ddl.all_done");
    return ok;
}

/* Databases stay, empty: a later CREATE SHARD takes them. */
static bool shard_undo(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *o;
    struct mconn *c;
    size_t i;
    bool ok = true;

    if (!json_array_size(tables))
        return true;
    if (!job_open_shard(j, 0, false, &c, d))
        return false;
    json_array_foreach(tables, i, o) {
        struct sv db = job_json_sv(o, "db"), name = job_json_sv(o, "name");

        ok = ok && mconn_execf(c, d, "DROP TABLE IF EXISTS %I.%I", &db, &name);
    }
    mconn_close(c);
    return ok;
}

const struct job_op job_op_shard = {.name = "shard", .run = shard_run, .undo = shard_undo};

static bool pub_shard_run(struct job *j, json_t *step, struct diag *d)
{
    struct sv what = job_json_sv(step, "what");
    struct metadb_tx tx = {0};
    struct cat_shard s;
    uint64_t id;
    bool ok;

    shard_of_json(json_object_get(step, "shard"), &s);
    if (j->gate && !gate_holds(j->gate))
        return diag_setf(d, ER_SHARD_LOST, "The connection that holds the BROADCAST tables' locks was lost");
    ok = job_publish_begin(j, &tx, d);
    if (ok && sv_eq(what, SV("new"))) {
        ok = metadb_new_id(&tx, METADB_ID_SHARD, &id, d);
        s.id = (uint32_t)id;
    }
    ok = ok && (sv_eq(what, SV("drop")) ? metadb_drop_shard(&tx, s.id, d) : metadb_put_shard(&tx, &s, d)) &&
         job_publish_commit(j, &tx, d);
    if (!ok)
        metadb_rollback(&tx);
    return ok;
}

const struct job_op job_op_pub_shard = {.name = "pub_shard", .run = pub_shard_run, .publishes = true};
