/* Which statement is done by which functions, and what is refused by name. */
#include "ddl/stmts.h"

#include "ddl/gather.h"

static const struct job_stmt create_table = {
    .kind = "CREATE TABLE", .locks = create_locks, .plan = create_plan, .before = gather_for_create};
static const struct job_stmt alter_table = {
    .kind = "ALTER TABLE", .locks = alter_locks, .plan = alter_plan, .before = gather_for_alter};
static const struct job_stmt create_index = {
    .kind = "CREATE INDEX", .locks = index_locks, .plan = index_plan, .before = gather_for_alter};
static const struct job_stmt drop_index = {.kind = "DROP INDEX", .locks = index_locks, .plan = index_plan};
static const struct job_stmt drop_table = {.kind = "DROP TABLE", .locks = drop_locks, .plan = drop_plan};
static const struct job_stmt drop_database = {.kind = "DROP DATABASE", .locks = dropdb_locks, .plan = dropdb_plan};
static const struct job_stmt rename_table = {.kind = "RENAME TABLE", .locks = rename_locks, .plan = rename_plan};
static const struct job_stmt truncate_table = {
    .kind = "TRUNCATE TABLE", .locks = truncate_locks, .plan = truncate_plan};
static const struct job_stmt create_database = {
    .kind = "CREATE DATABASE", .locks = database_locks, .plan = database_plan};
static const struct job_stmt alter_database = {
    .kind = "ALTER DATABASE", .locks = database_locks, .plan = database_plan};
static const struct job_stmt shard = {.kind = "SHARD", .locks = shard_locks, .plan = shard_plan};
static const struct job_stmt user = {.kind = "USER", .locks = user_locks, .plan = user_plan};
static const struct job_stmt show_ddl = {.kind = "SHOW DDL", .run = show_ddl_run};
static const struct job_stmt admin_table = {.kind = "TABLE MAINTENANCE", .run = admin_run};

/* DROP ... IF EXISTS of things that cannot exist here: MySQL's note, so that dumps load. */
static bool drop_absent(struct job *j, struct ast_node *ast, struct diag *d)
{
    const struct ast_drop *dr = AST_AS_CONST(drop, ast);

    (void)d;
    AST_EACH(slot, &dr->names) {
        const struct ast_table *t = (*slot)->kind == AST_TABLE ? AST_AS_CONST(table, *slot) : NULL;
        struct sv db = t && ast_ident_set(&t->db) ? t->db.name : j->db, name = t ? t->name.name : SV("");

        if (dr->object == AST_OBJ_TRIGGER)
            job_note(j, DDL_NOTE, 1360, "Trigger does not exist");
        else if (dr->object == AST_OBJ_PROCEDURE || dr->object == AST_OBJ_FUNCTION)
            job_note(j, DDL_NOTE, ER_SP_DOES_NOT_EXIST, "%s %.*s.%.*s does not exist",
                     dr->object == AST_OBJ_FUNCTION ? "FUNCTION" : "PROCEDURE", SV_ARG(db), SV_ARG(name));
        else if (dr->object == AST_OBJ_EVENT)
            job_note(j, DDL_NOTE, 1305, "Event %.*s does not exist", SV_ARG(name));
        else
            job_note(j, DDL_NOTE, ER_BAD_TABLE_ERROR, "Unknown table '%.*s.%.*s'", SV_ARG(db), SV_ARG(name));
    }
    return true;
}

static const struct job_stmt drop_nothing = {.kind = "DROP", .run = drop_absent};

static const struct job_stmt *drop_of(const struct ast_drop *dr, struct diag *d)
{
    const char *what = "DROP of this object";

    switch (dr->object) {
    case AST_OBJ_TABLE:
        if (!dr->temporary)
            return &drop_table;
        what = "DROP TEMPORARY TABLE";
        break;
    case AST_OBJ_DATABASE:
        return &drop_database;
    case AST_OBJ_USER:
        return &user;
    case AST_OBJ_VIEW:
        what = "DROP VIEW";
        break;
    case AST_OBJ_TRIGGER:
        what = "DROP TRIGGER";
        break;
    case AST_OBJ_PROCEDURE:
        what = "DROP PROCEDURE";
        break;
    case AST_OBJ_FUNCTION:
        what = "DROP FUNCTION";
        break;
    case AST_OBJ_EVENT:
        what = "DROP EVENT";
        break;
    case AST_OBJ_SEQUENCE:
        what = "DROP SEQUENCE";
        break;
    case AST_OBJ_ROLE:
        what = "DROP ROLE";
        break;
    case AST_OBJ_SERVER:
        what = "DROP SERVER";
        break;
    case AST_OBJ_PACKAGE:
    case AST_OBJ_PACKAGE_BODY:
        what = "DROP PACKAGE";
        break;
    }
    if (dr->if_exists)
        return &drop_nothing;
    (void)job_refuse(d, what);
    return NULL;
}

static const char *routine_title(const struct ast_create_routine *r)
{
    switch (r->object) {
    case AST_OBJ_TRIGGER:
        return "CREATE TRIGGER";
    case AST_OBJ_PROCEDURE:
        return r->alter ? "ALTER PROCEDURE" : "CREATE PROCEDURE";
    case AST_OBJ_FUNCTION:
        return r->alter ? "ALTER FUNCTION" : "CREATE FUNCTION";
    case AST_OBJ_EVENT:
        return r->alter ? "ALTER EVENT" : "CREATE EVENT";
    case AST_OBJ_PACKAGE:
    case AST_OBJ_PACKAGE_BODY:
        return "CREATE PACKAGE";
    case AST_OBJ_TABLE:
    case AST_OBJ_VIEW:
    case AST_OBJ_DATABASE:
    case AST_OBJ_SEQUENCE:
    case AST_OBJ_USER:
    case AST_OBJ_ROLE:
    case AST_OBJ_SERVER:
        break;
    }
    return "stored programs";
}

static const char *text_title(const struct ast_text_stmt *t)
{
    switch (t->stmt) {
    case AST_TEXT_TABLESPACE:
        return "tablespaces";
    case AST_TEXT_SERVER:
        return "CREATE SERVER";
    case AST_TEXT_RESOURCE_GROUP:
        return "resource groups";
    case AST_TEXT_SPATIAL_REF:
        return "spatial reference systems";
    case AST_TEXT_LIBRARY:
        return "CREATE LIBRARY";
    case AST_TEXT_DUALITY_VIEW:
        return "JSON duality views";
    case AST_TEXT_RENAME_USER:
        return "RENAME USER";
    case AST_TEXT_REPLICATION:
    case AST_TEXT_PLUGIN:
    case AST_TEXT_INSTANCE:
    case AST_TEXT_CACHE_INDEX:
    case AST_TEXT_BINLOG:
    case AST_TEXT_DIAGNOSTICS:
    case AST_TEXT_COMPOUND:
    case AST_TEXT_OTHER:
        break;
    }
    return NULL;
}

static const struct job_stmt *rename_of(const struct ast_rename_table *r)
{
    return r->pairs.n && AST_AS_CONST(rename_pair, r->pairs.items[0])->from->kind == AST_ACCOUNT ? &user : &rename_table;
}

static const struct job_stmt *set_of(const struct ast_set *s)
{
    /* SET PASSWORD alone; mixed with variables it is the session's to refuse. */
    return s->items.n == 1 && !s->stmt && s->items.items[0]->kind == AST_SET_PASSWORD ? &user : NULL;
}

const struct job_stmt *job_stmt_of(const struct ast_node *ast, struct diag *d)
{
    const char *refused = NULL;

    switch ((enum ast_kind)ast->kind) {
    case AST_CREATE_TABLE:
        return &create_table;
    case AST_ALTER_TABLE:
        return &alter_table;
    case AST_CREATE_INDEX:
        return &create_index;
    case AST_DROP_INDEX:
        return &drop_index;
    case AST_DROP:
        return drop_of(AST_AS_CONST(drop, ast), d);
    case AST_RENAME_TABLE:
        return rename_of(AST_AS_CONST(rename_table, ast));
    case AST_TRUNCATE:
        return &truncate_table;
    case AST_CREATE_DATABASE:
        return AST_AS_CONST(create_database, ast)->alter ? &alter_database : &create_database;
    case AST_SHARD:
        return &shard;
    case AST_CREATE_USER:
    case AST_GRANT:
        return &user;
    case AST_SET:
        return set_of(AST_AS_CONST(set, ast));
    case AST_ADMIN_TABLE:
        return &admin_table;
    case AST_SHOW:
        return AST_AS_CONST(show, ast)->what == AST_SHOW_DDL ? &show_ddl : NULL;
    case AST_CREATE_VIEW:
        refused = AST_AS_CONST(create_view, ast)->alter ? "ALTER VIEW" : "CREATE VIEW";
        break;
    case AST_CREATE_SEQUENCE:
        refused = "CREATE SEQUENCE";
        break;
    case AST_CREATE_ROUTINE:
        refused = routine_title(AST_AS_CONST(create_routine, ast));
        break;
    case AST_CREATE_ROLE:
        refused = "CREATE ROLE";
        break;
    case AST_DDL_JOB:
        refused = "PAUSE | CONTINUE | CANCEL DDL";
        break;
    case AST_CHECK_INDEX:
        refused = "CHECK GLOBAL INDEX";
        break;
    case AST_REBALANCE:
        refused = "REBALANCE";
        break;
    case AST_TEXT_STMT:
        refused = text_title(AST_AS_CONST(text_stmt, ast));
        break;
    default: /* every other kind of node belongs to somebody else */
        break;
    }
    if (refused)
        (void)job_refuse(d, refused);
    return NULL;
}

bool ddl_owns(const struct ast_node *stmt)
{
    struct diag d;

    diag_clear(&d);
    return job_stmt_of(stmt, &d) != NULL || diag_is_set(&d);
}
