/* CREATE TABLE: refusals, defaults and notes; the placement (place.c); one CREATE TABLE a partition, then the catalog.
 *
 *   absent   no table of these names is on the shards (from then on what is there is ours)
 *   sql      CREATE TABLE everywhere, in parallel; undone by DROP TABLE
 *   publish  definition read from the first partition, rows into the metadata
 *   barrier  other nodes have loaded it */
#include "ddl/define.h"
#include "ddl/describe.h"
#include "ddl/place.h"
#include "ddl/sqlgen.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "parser/parse.h"
#include "types/env.h"

bool create_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    struct ast_create_table *ct = AST_AS(create_table, ast);
    struct place_tables tied = {0};
    struct define def;
    struct sv db, name;

    if (!job_table_name(j, ct->table, &db, &name, d))
        return false;
    j->table = name;
    j->db = db;
    job_lock_table(&j->arena, l, JOB_EXCLUSIVE, db, name);
    if (!define_read(&j->arena, &ct->elements, &def, d))
        return false;
    place_tied(j, db, name, def.fks, def.n_fks, &tied);
    array_each(&tied, t)
        job_lock_table(&j->arena, l, JOB_SHARED, (*t)->db, (*t)->name);
    for (size_t i = 0; i < def.n_fks; i++)
        job_lock_table(&j->arena, l, JOB_SHARED, def.fks[i].db.ptr ? def.fks[i].db : db, def.fks[i].table);
    if (ct->like && job_table_name(j, ct->like, &db, &name, d))
        job_lock_table(&j->arena, l, JOB_SHARED, db, name);
    return !diag_is_set(d);
}

static bool refusals(const struct ast_create_table *ct, struct diag *d)
{
    if (ct->temporary)
        return job_refuse(d, "CREATE TEMPORARY TABLE");
    if (ct->or_replace)
        return job_refuse(d, "CREATE OR REPLACE TABLE");
    if (ct->query)
        return job_refuse(d, "CREATE TABLE ... SELECT");
    AST_EACH(slot, &ct->elements) {
        const struct ast_key_def *k;

        if ((*slot)->kind == AST_PERIOD_DEF)
            return job_refuse(d, "PERIOD FOR");
        if ((*slot)->kind != AST_KEY_DEF)
            continue;
        k = AST_AS_CONST(key_def, *slot);
        if (k->scope == AST_KEY_GLOBAL || k->scope == AST_KEY_CLUSTERED)
            return job_refuse(d, "global indexes");
    }
    if (define_option(&ct->options, "WITH SYSTEM VERSIONING") || define_option(&ct->options, "SYSTEM VERSIONING"))
        return job_refuse(d, "WITH SYSTEM VERSIONING");
    return true;
}

/* Engines that some server has; with any of them an application means a plain table. */
static bool is_engine(struct sv name)
{
    static const char *const known[] = {"InnoDB", "MyISAM",  "MEMORY", "HEAP",       "CSV",     "ARCHIVE", "Aria",
                                        "MARIA",  "RocksDB", "TokuDB", "NDBCLUSTER", "NDB",     "XtraDB",  "BDB",
                                        "ISAM",   "EXAMPLE", "Mroonga", "OQGRAPH",   "ColumnStore"};

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (sv_eq_nocase(name, sv_cstr(known[i])))
            return true;
    return false;
}

/* Two-phase commit needs InnoDB. Engines whose rows are somewhere else cannot be replaced. */
static bool set_engine(struct job *j, struct sv table, struct ast_list *options, struct diag *d)
{
    static const char *const foreign[] = {"FEDERATED", "MERGE",     "MRG_MYISAM", "CONNECT",
                                          "SPIDER",    "BLACKHOLE", "SEQUENCE",   "S3"};
    const struct ast_option *o = define_option(options, "ENGINE");
    struct sv engine = define_option_text(o);
    struct ast_option *mine;
    struct ast_name *name;

    for (size_t i = 0; engine.ptr && i < ARRAY_LEN(foreign); i++)
        if (sv_eq_nocase(engine, sv_cstr(foreign[i])))
            return job_refuse(d, arena_printf(&j->arena, "ENGINE=%s", foreign[i]).ptr);
    if (engine.ptr && !is_engine(engine)) {
        uint64_t mode;
        struct sv bad;

        if (!env_mode_parse(j->env.sql_mode, &mode, &bad) || (mode & MODE_NO_ENGINE_SUBSTITUTION))
            return diag_set(d, ER_UNKNOWN_STORAGE_ENGINE, arena_dup(&j->arena, engine).ptr);
        job_note(j, DDL_WARNING, ER_UNKNOWN_STORAGE_ENGINE, "Unknown storage engine '%.*s'", SV_ARG(engine));
    }
    if (engine.ptr && !sv_eq_nocase(engine, SV("InnoDB")))
        job_note(j, DDL_NOTE, WARN_USING_OTHER_HANDLER,
                 "Using storage engine InnoDB for table '%.*s' (%.*s was asked for)", SV_ARG(table), SV_ARG(engine));
    define_option_remove(options, "ENGINE");
    define_option_remove(options, "TYPE");
    name = AST_NEW(&j->arena, NAME, name);
    name->name = ast_ident_make(SV("InnoDB"));
    mine = AST_NEW(&j->arena, OPTION, option);
    mine->name = SV("ENGINE");
    mine->value = &name->node;
    ast_list_add(&j->arena, options, &mine->node);
    return true;
}

/* CREATE TABLE a LIKE b: b's printed text with a's name; foreign keys are not copied, as in MySQL. */
static bool expand_like(struct job *j, struct ast_create_table *ct, struct ast_create_table **out, struct diag *d)
{
    struct sql_opts opts = {0};
    struct parse_result p;
    const struct cat_table *t;
    struct ast_create_table *made;
    struct sv db, name;
    uint32_t kept = 0;

    if (!job_table_name(j, ct->like, &db, &name, d) || !(t = job_find_table(j, db, name, d)))
        return false;
    if (memmem(t->create_sql.ptr, t->create_sql.len, "CONSTRAINT", 10) && (t->fks_n || t->checks_n))
        opts.mode = 0;
    if (!parser_parse(arena_dup(&j->arena, t->create_sql), 0, &opts, &j->arena, &p, d))
        return false;
    made = AST_AS(create_table, p.stmt);
    made->table = ct->table;
    made->if_not_exists = ct->if_not_exists;
    for (uint32_t i = 0; i < made->elements.n; i++) {
        struct ast_node *n = made->elements.items[i];

        if (n->kind == AST_KEY_DEF && AST_AS(key_def, n)->type == AST_KEY_FOREIGN)
            continue;
        if (n->kind == AST_CHECK_DEF) /* names of constraints are generated anew */
            AST_AS(check_def, n)->symbol = (struct ast_ident){0};
        made->elements.items[kept++] = n;
    }
    made->elements.n = kept;
    *out = made;
    return true;
}

static bool plan_steps(struct job *j, struct ast_create_table *ct, const struct cat_db *db, struct sv name,
                       const struct define *def, struct diag *d)
{
    struct place place;
    uint64_t auto_inc = 0;
    json_t *absent = json_array(), *sql, *o;
    size_t n;
    struct sv text = SV_NULL;
    bool mariadb = false;
    struct mconn *c;

    if (!place_plan(j, db, name, ct, def, &place, d)) {
        json_decref(absent);
        return false;
    }
    if (place.note.len)
        job_note(j, DDL_NOTE, ER_TABLE_SINGLE, "Table '%.*s' is not spread over the shards: %.*s", SV_ARG(name),
                 SV_ARG(place.note));
    (void)define_option_u64(define_option(&ct->options, "AUTO_INCREMENT"), &auto_inc);
    n = place.kind == CAT_BROADCAST ? j->snap->shards.n : place.n_parts;
    if (n == 0) {
        json_decref(absent);
        return diag_setf(d, ER_UNKNOWN_SHARD, "There is no shard; CREATE SHARD adds one");
    }
    {
        uint32_t first = place.kind == CAT_BROADCAST ? j->snap->shards.v[0].id : place.parts[0].shard_id;

        if (!job_open_shard(j, first, false, &c, d)) {
            json_decref(absent);
            return false;
        }
        mariadb = mconn_is_mariadb(c);
        mconn_close(c);
    }
    job_step(j, "absent", json_pack("{s:o}", "items", absent));
    sql = job_sql_step(j);
    for (size_t i = 0; i < n; i++) {
        uint32_t shard = place.kind == CAT_BROADCAST ? j->snap->shards.v[i].id : place.parts[i].shard_id;
        int part_no = place.kind == CAT_PARTITIONED ? names_part_no((uint32_t)i, (uint32_t)n) : NAMES_BARE;
        struct sv phys = names_physical(&j->arena, name, part_no);

        /* The text is the same for all unpartitioned copies. */
        if (!text.ptr || part_no != NAMES_BARE)
            text = sqlgen_create(j, ct, db->name, name, part_no, place.hidden, mariadb, d);
        if (!text.ptr)
            return false;
        job_sql_item(sql, shard, text, mconn_sql(&j->arena, "DROP TABLE IF EXISTS %I.%I", &db->name, &phys));
        o = json_object();
        json_object_set_new(o, "s", json_integer(shard));
        json_object_set_new(o, "db", job_json_text(db->name));
        json_object_set_new(o, "name", job_json_text(phys));
        json_array_append_new(absent, o);
    }
    o = json_pack("{s:I}", "auto_inc", (json_int_t)auto_inc);
    json_object_set_new(o, "db", job_json_text(db->name));
    json_object_set_new(o, "name", job_json_text(name));
    json_object_set_new(o, "place", place_to_json(&place));
    job_step(j, "pub_create", o);
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    return true;
}

bool create_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct ast_create_table *ct = AST_AS(create_table, ast_copy(&j->arena, ast));
    const struct cat_db *db;
    struct define def;
    struct sv db_name, name;

    if (!refusals(ct, d) || !job_table_name(j, ct->table, &db_name, &name, d) || !(db = job_find_db(j, db_name, d)))
        return false;
    if (cat_find_table_any(j->snap, db_name, name)) {
        if (!ct->if_not_exists)
            return diag_set(d, ER_TABLE_EXISTS_ERROR, arena_dup(&j->arena, name).ptr);
        job_note(j, DDL_NOTE, ER_TABLE_EXISTS_ERROR, "Table '%.*s' already exists", SV_ARG(name));
        return true;
    }
    if (ct->like && !expand_like(j, ct, &ct, d))
        return false;
    return set_engine(j, name, &ct->options, d) && define_read(&j->arena, &ct->elements, &def, d) &&
           plan_steps(j, ct, db, name, &def, d);
}

static bool pub_create_run(struct job *j, json_t *step, struct diag *d)
{
    struct metadb_tx tx = {0};

    if (job_publish_begin(j, &tx, d) && job_put_table(j, &tx, json_object_get(step, "place"), job_json_sv(step, "db"),
                                                      job_json_sv(step, "name"), 0, job_json_u64(step, "auto_inc"), d))
        return job_publish_commit(j, &tx, d);
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_create = {.name = "pub_create", .run = pub_create_run, .publishes = true};
