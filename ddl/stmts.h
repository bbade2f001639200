/* The statements' functions, for the table in stmts.c. See struct job_stmt. */
#ifndef DDL_STMTS_H
#define DDL_STMTS_H

#include "ddl/job.h"
#include "parser/ast.h"

#define STMT_JOB(name)                                                                                \
    bool name##_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d); \
    bool name##_plan(struct job *j, struct ast_node *ast, struct diag *d)

STMT_JOB(create); /* s_create.c */
STMT_JOB(drop);   /* s_table.c */
STMT_JOB(truncate);
STMT_JOB(rename);
STMT_JOB(alter);    /* s_alter.c */
STMT_JOB(index);    /* CREATE INDEX, DROP INDEX: s_alter.c */
STMT_JOB(database); /* CREATE, ALTER DATABASE: s_db.c */
STMT_JOB(dropdb);
STMT_JOB(shard); /* s_shard.c */
STMT_JOB(user);  /* CREATE, ALTER, DROP USER, SET PASSWORD, RENAME USER, GRANT, REVOKE: s_user.c */

bool show_ddl_run(struct job *j, struct ast_node *ast, struct diag *d); /* SHOW DDL: s_admin.c */
/* ALTER TABLE .. RENAME TO, under alter_locks. */
bool rename_to_plan(struct job *j, struct ast_node *from, struct ast_node *to, struct diag *d);
/* The shard in a job's JSON; views. */
void shard_of_json(const json_t *o, struct cat_shard *s);
/* CREATE INDEX, DROP INDEX as an ALTER TABLE tree. */
struct ast_alter_table *alter_from_index(struct arena *a, const struct ast_node *ast);

bool admin_run(struct job *j, struct ast_node *ast, struct diag *d); /* ANALYZE, CHECK, .. TABLE: s_admin.c */

#endif
