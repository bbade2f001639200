/* CREATE, ALTER, DROP DATABASE: a schema of the same name on every shard.
 *
 * CREATE: schemas everywhere (a schema that is there already and empty is taken over, one with tables is not: it may be
 * somebody else's) -> catalog. The character set that the catalog gets is what the first shard says. DROP: catalog
 * first, then the schemas, like DROP TABLE. */
#include "ddl/define.h"
#include "ddl/place.h"
#include "ddl/stmts.h"

static struct sv db_object(struct job *j, struct sv name)
{
    return arena_printf(&j->arena, "d:%.*s", SV_ARG(name));
}

bool database_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    struct ast_create_database *c = AST_AS(create_database, ast);

    if (ast_ident_set(&c->name))
        j->db = c->name.name;
    if (!j->db.len)
        return diag_set(d, ER_NO_DB_ERROR);
    job_lock_add(&j->arena, l, JOB_SHARED, SV("*"));
    job_lock_add(&j->arena, l, JOB_EXCLUSIVE, db_object(j, j->db));
    return true;
}

/* ---- options ---- */

struct db_options {
    struct sv charset, collation;
    struct sv encryption, comment; /* ptr NULL: not given */
    bool has_mode;
    enum cat_db_mode mode;
};

static bool read_options(const struct ast_list *options, struct db_options *o, struct diag *d)
{
    *o = (struct db_options){0};
    AST_EACH(slot, options) {
        const struct ast_option *x = AST_AS_CONST(option, *slot);
        struct sv v = define_option_text(x), n = x->name;

        if (sv_starts(n, SV("DEFAULT ")))
            n = sv_make(n.ptr + 8, n.len - 8);
        if (sv_eq_nocase(n, SV("CHARACTER SET")) || sv_eq_nocase(n, SV("CHARSET"))) {
            o->charset = v;
        } else if (sv_eq_nocase(n, SV("COLLATE"))) {
            o->collation = v;
        } else if (sv_eq_nocase(n, SV("MODE"))) {
            o->has_mode = true;
            if (sv_eq_nocase(v, SV("auto")))
                o->mode = CAT_DB_AUTO;
            else if (sv_eq_nocase(v, SV("local")))
                o->mode = CAT_DB_LOCAL;
            else if (sv_eq_nocase(v, SV("single")))
                o->mode = CAT_DB_SINGLE;
            else
                return diag_setf(d, ER_PARSE_ERROR, "MODE of a database is auto, local or single");
        } else if (sv_eq_nocase(n, SV("READ ONLY"))) {
            return job_refuse(d, "READ ONLY databases");
        } else if (sv_eq_nocase(n, SV("ENCRYPTION"))) {
            o->encryption = v;
        } else if (sv_eq_nocase(n, SV("COMMENT"))) {
            o->comment = v;
        }
    }
    return true;
}

static struct sv options_clause(struct job *j, const struct db_options *o)
{
    struct strbuf b;

    strbuf_init(&b, &j->arena);
    if (o->charset.ptr)
        strbuf_putsv(&b, mconn_sql(&j->arena, " CHARACTER SET %I", &o->charset));
    if (o->collation.ptr)
        strbuf_putsv(&b, mconn_sql(&j->arena, " COLLATE %I", &o->collation));
    if (o->encryption.ptr)
        strbuf_putsv(&b, mconn_sql(&j->arena, " ENCRYPTION %Q", &o->encryption));
    if (o->comment.ptr)
        strbuf_putsv(&b, mconn_sql(&j->arena, " COMMENT %Q", &o->comment));
    return sv_make(strbuf_cstr(&b), b.len);
}

/* ---- CREATE ---- */

/* t->affected: 1: the schema is there, empty; 2: with tables. */
static bool probe_schema(struct mconn *c, struct arena *a, struct fan_task *t)
{
    const struct sv *name = t->arg;
    struct mresult r;

    if (!mconn_queryf(c, a, &r, &t->d,
                      "SELECT (SELECT COUNT(*) FROM information_schema.schemata WHERE schema_name = %Q), "
                      "(SELECT COUNT(*) FROM information_schema.tables WHERE table_schema = %Q)",
                      name, name))
        return false;
    t->affected = mresult_u64(&r, 0, 0) == 0 ? 0 : mresult_u64(&r, 0, 1) ? 2 : 1;
    return true;
}

static bool create_steps(struct job *j, const struct db_options *o, struct diag *d)
{
    size_t n = j->snap->shards.n;
    struct fan_task *probes = ARENA_NEW_N(&j->arena, struct fan_task, n + 1);
    struct sv clause = options_clause(j, o);
    json_t *sql, *x;

    if (n == 0)
        return diag_setf(d, ER_UNKNOWN_SHARD, "There is no shard; CREATE SHARD adds one");
    for (size_t i = 0; i < n; i++)
        probes[i] = (struct fan_task){.shard = &j->snap->shards.v[i], .run = probe_schema, .arg = &j->db};
    if (!fan_run_all(job_conf(j), probes, n, &j->plain, 1, true, d))
        return false;
    sql = job_sql_step(j);
    for (size_t i = 0; i < n; i++) {
        const struct cat_shard *s = probes[i].shard;

        if (probes[i].affected == 2)
            return diag_setf(d, ER_DB_CREATE_EXISTS,
                             "Can't create database '%.*s'; shard %.*s has a schema of that name with tables that "
                             "Tessera does not know",
                             SV_ARG(j->db), SV_ARG(s->name));
        if (probes[i].affected == 1)
            job_sql_item(sql, s->id,
                         clause.len ? mconn_sql(&j->arena, "ALTER DATABASE %I%S", &j->db, &clause) : SV("DO 0"),
                         SV_NULL);
        else
            job_sql_item(sql, s->id, mconn_sql(&j->arena, "CREATE DATABASE %I%S", &j->db, &clause),
                         mconn_sql(&j->arena, "DROP DATABASE IF EXISTS %I", &j->db));
    }
    x = json_pack("{s:s, s:i, s:i}", "what", "put", "mode", (int)o->mode, "new", 1);
    json_object_set_new(x, "name", job_json_text(j->db));
    job_step(j, "pub_db", x);
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    return true;
}

static bool name_ok(struct job *j, struct diag *d)
{
    if (j->db.len == 0 || j->db.len > LIMIT_IDENT_BYTES || j->db.ptr[j->db.len - 1] == ' ')
        return diag_set(d, ER_WRONG_DB_NAME, arena_dup(&j->arena, j->db).ptr);
    return !cat_is_virtual_db(j->db) || job_find_db(j, j->db, d);
}

static bool alter_steps(struct job *j, const struct cat_db *db, const struct db_options *o, struct diag *d)
{
    json_t *sql, *x;
    struct sv clause = options_clause(j, o), undo;

    (void)d;
    undo =
        mconn_sql(&j->arena, "ALTER DATABASE %I CHARACTER SET %I COLLATE %I", &db->name, &db->charset, &db->collation);
    if (clause.len) {
        sql = job_sql_step(j);
        array_each(&j->snap->shards, s)
            job_sql_item(sql, s->id, mconn_sql(&j->arena, "ALTER DATABASE %I%S", &db->name, &clause), undo);
    }
    x = json_pack("{s:s, s:i, s:i, s:I}", "what", "put", "mode", (int)(o->has_mode ? o->mode : db->mode), "new", 0,
                  "id", (json_int_t)db->id);
    json_object_set_new(x, "name", job_json_text(db->name));
    job_step(j, "pub_db", x);
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    return true;
}

bool database_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct ast_create_database *c = AST_AS(create_database, ast);
    const struct cat_db *db;
    struct db_options o;

    if (c->or_replace)
        return job_refuse(d, "CREATE OR REPLACE DATABASE");
    if (!name_ok(j, d) || !read_options(&c->options, &o, d))
        return false;
    if (c->alter) {
        db = job_find_db(j, j->db, d);
        return db && alter_steps(j, db, &o, d);
    }
    if (cat_find_db(j->snap, j->db)) {
        if (!c->if_not_exists)
            return diag_set(d, ER_DB_CREATE_EXISTS, arena_dup(&j->arena, j->db).ptr);
        job_note(j, DDL_NOTE, ER_DB_CREATE_EXISTS, "Can't create database '%.*s'; database exists", SV_ARG(j->db));
        if (j->r)
            j->r->affected = 1;
        return true;
    }
    if (j->r)
        j->r->affected = 1;
    return create_steps(j, &o, d);
}

/* ---- DROP ---- */

bool dropdb_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    struct ast_drop *dr = AST_AS(drop, ast);

    if (dr->names.n != 1)
        return diag_setf(d, ER_INTERNAL, "Internal error: DROP DATABASE of several");
    j->db = AST_AS(table, dr->names.items[0])->name.name;
    job_lock_add(&j->arena, l, JOB_SHARED, SV("*"));
    job_lock_add(&j->arena, l, JOB_EXCLUSIVE, db_object(j, j->db));
    return true;
}

/* 3730 where a table of another database refers to one of this. */
static bool check_referred(struct job *j, struct diag *d)
{
    array_each(&j->snap->tables, t)
        for (uint32_t i = 0; !sv_eq((*t)->db, j->db) && !j->env.no_foreign_key_checks && i < (*t)->fks_n; i++)
            if (sv_eq((*t)->fks[i].ref_db, j->db))
                return diag_setf(
                    d, ER_FK_CANNOT_DROP_PARENT,
                    "Cannot drop table '%.*s' referenced by a foreign key constraint '%.*s' on table '%.*s'.",
                    SV_ARG((*t)->fks[i].ref_table), SV_ARG((*t)->fks[i].name), SV_ARG((*t)->name));
    return true;
}

bool dropdb_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct ast_drop *dr = AST_AS(drop, ast);
    const struct cat_db *db;
    json_t *sql, *x, *shards;
    struct place_tables held = {0};
    size_t first, tables;

    if (cat_is_virtual_db(j->db))
        return job_find_db(j, j->db, d) != NULL;
    db = cat_find_db(j->snap, j->db);
    if (!db && dr->if_exists) {
        job_note(j, DDL_NOTE, ER_DB_DROP_EXISTS, "Can't drop database '%.*s'; database doesn't exist", SV_ARG(j->db));
        return true;
    }
    if (!db)
        return diag_set(d, ER_DB_DROP_EXISTS, arena_dup(&j->arena, j->db).ptr);
    if (!check_referred(j, d))
        return false;
    tables = cat_tables_of(j->snap, j->db, &first);
    j->env.no_foreign_key_checks = true;
    job_set_env(j);
    shards = json_array();
    array_each(&j->snap->shards, s)
        json_array_append_new(shards, json_pack("{s:I}", "s", (json_int_t)s->id));
    job_step_alive(j, shards);
    for (size_t i = first; i < first + tables; i++)
        array_push(&held, &j->arena, j->snap->tables.v[i]);
    if (tables)
        job_step_hold(j, &held);
    x = json_pack("{s:s, s:I}", "what", "drop", "id", (json_int_t)db->id);
    job_step(j, "pub_db", x);
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    sql = job_sql_step(j);
    array_each(&j->snap->shards, s)
        job_sql_item(sql, s->id, mconn_sql(&j->arena, "DROP DATABASE IF EXISTS %I", &j->db), SV_NULL);
    if (j->r)
        j->r->affected = tables;
    return true;
}

/* ---- publishing ---- */

/* What the first shard says of the schema's character set. */
static bool read_charset(struct job *j, struct cat_db *db, struct diag *d)
{
    struct mresult r;
    struct mconn *c;
    bool ok;

    if (!job_open_shard(j, j->snap->shards.v[0].id, false, &c, d))
        return false;
    ok = mconn_queryf(
        c, &j->arena, &r, d,
        "SELECT s.default_character_set_name, s.default_collation_name, (SELECT l.id FROM "
        "information_schema.collations l WHERE "
        "l.collation_name = s.default_collation_name) FROM information_schema.schemata s WHERE s.schema_name = %Q",
        &db->name);
    mconn_close(c);
    if (!ok)
        return false;
    if (r.rows != 1)
        return diag_set(d, ER_BAD_DB_ERROR, arena_dup(&j->arena, db->name).ptr);
    db->charset = mresult_cell(&r, 0, 0);
    db->collation = mresult_cell(&r, 0, 1);
    db->coll_id = (uint16_t)mresult_u64(&r, 0, 2);
    return true;
}

static bool put_db(struct job *j, struct metadb_tx *tx, json_t *step, struct diag *d)
{
    struct cat_db db = {.name = job_json_sv(step, "name"),
                        .id = job_json_u64(step, "id"),
                        .mode = (enum cat_db_mode)job_json_u64(step, "mode"),
                        .state = CAT_PUBLIC};
    const struct cat_db *old = cat_find_db(j->snap, db.name);

    if (old)
        db.home_shard = old->home_shard;
    return (job_json_u64(step, "new") == 0 || metadb_new_id(tx, METADB_ID_DB, &db.id, d)) && read_charset(j, &db, d) &&
           metadb_put_db(tx, &db, d);
}

static bool pub_db_run(struct job *j, json_t *step, struct diag *d)
{
    struct metadb_tx tx = {0};
    bool put = sv_eq(job_json_sv(step, "what"), SV("put"));

    if ((j->snap || job_refresh(j, d)) && job_publish_begin(j, &tx, d) &&
        (put ? put_db(j, &tx, step, d) : metadb_drop_db(&tx, job_json_u64(step, "id"), d)))
        return job_publish_commit(j, &tx, d);
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_db = {.name = "pub_db", .run = pub_db_run, .publishes = true};
