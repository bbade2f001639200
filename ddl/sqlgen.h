/* Statements for shards made from trees: always from a copy, so that the session's tree stays as it was. Control
 * threads. */
#ifndef DDL_SQLGEN_H
#define DDL_SQLGEN_H

#include "ddl/define.h"
#include "ddl/job.h"

/* Text of a tree as the job's environment (sql_mode) wants it read. */
struct sv sqlgen_text(struct job *j, const struct ast_node *n);

/* CREATE TABLE of partition part_no (NAMES_BARE: under the bare name) of the logical table db.table. hidden: with the
 * hidden key. ptr NULL: d is set. */
struct sv sqlgen_create(struct job *j, const struct ast_create_table *ct, struct sv db, struct sv table, int part_no,
                        bool hidden, bool mariadb, struct diag *d);
/* CREATE TABLE db.name of the given columns alone, without keys, with the partitioning clause of ct. */
struct sv sqlgen_try_partitioning(struct job *j, const struct ast_create_table *ct, const struct define *def,
                                  const struct sv *cols, size_t n_cols, struct sv db, struct sv name, struct diag *d);
/* ALTER TABLE of one partition. */
struct sv sqlgen_alter(struct job *j, const struct ast_alter_table *at, struct sv db, struct sv phys, int part_no,
                       bool mariadb, struct diag *d);

#endif
