/* Gathering: tables that have to be on one shard together (foreign keys, a unique key that lacks the partition key) are
 * moved there as SINGLE tables, rows and all, by a job of its own that runs in front of the statement that needs it.
 * Only tables that Tessera spread by itself are moved. */
#ifndef DDL_GATHER_H
#define DDL_GATHER_H

#include "ddl/job.h"
#include "ddl/place.h"
#include "parser/ast.h"

struct gather {
    struct place_tables tables; /* to be moved; empty: nothing to do */
    uint32_t shard;             /* where to */
    struct sv note;             /* why, for SHOW TOPOLOGY and the notes */
};

/* What has to be moved before CREATE TABLE, ALTER TABLE, CREATE INDEX can be carried out. False: it cannot (a table
 * that was spread on purpose, or is too large to be moved by the way). */
bool gather_for_create(struct job *j, struct ast_node *ast, struct gather *out, struct diag *d) MUST_CHECK;
bool gather_for_alter(struct job *j, struct ast_node *ast, struct gather *out, struct diag *d) MUST_CHECK;
/* Fills the plan of a job that moves the tables (locks are the caller's). */
bool gather_plan(struct job *j, const struct gather *g, struct diag *d) MUST_CHECK;

/* For copying a table somewhere else: its CREATE TABLE text; what gather_table needs to make it on shard `shard` and
 * fill it from `places` (taken over); doing so, reading over the connections of j->gate. */
bool gather_create_text(struct job *j, const struct cat_table *t, struct sv *out, struct diag *d) MUST_CHECK;
json_t *gather_table_json(struct job *j, const struct cat_table *t, uint32_t shard, json_t *places, struct sv create);
bool gather_table(struct job *j, json_t *table, struct diag *d) MUST_CHECK;

#endif
