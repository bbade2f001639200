/* Where a new table's rows will live: decided from its tree and the catalog before anything is made. The decision is
 * JSON in the job (place_to_json) and becomes the partitioning part of the catalog's object when the table is
 * published. Control threads. */
#ifndef DDL_PLACE_H
#define DDL_PLACE_H

#include "ddl/define.h"
#include "ddl/job.h"

struct place_part {
    struct sv name;
    uint32_t shard_id;
    struct sv bounds; /* catalog's JSON of bounds (RANGE, LIST), or empty */
    uint32_t tuples_n;
    struct sv comment;
};

struct place {
    enum cat_table_kind kind;
    enum cat_part_method method;
    bool by_columns, linear, by_default;
    bool hidden;     /* a hidden key column is to be added */
    struct sv *cols; /* partition columns, or those that the expression reads */
    size_t n_cols;
    struct sv expr;
    struct place_part *parts; /* SINGLE: one; BROADCAST: none */
    size_t n_parts;
    struct sv note; /* why the table is SINGLE although it might be spread; empty: it is meant to be */
};

/* What decides where a table's rows may live. db: of the table. */
bool place_plan(struct job *j, const struct cat_db *db, struct sv table, struct ast_create_table *ct,
                const struct define *def, struct place *out, struct diag *d) MUST_CHECK;

/* ---- ties by foreign keys ---- */

ARRAY_OF(place_tables, const struct cat_table *);

/* The tables that foreign keys tie to one that has these keys, directly or over others, without BROADCAST ones and
 * without itself: parents (where they exist) and, for `name`, tables that already refer to it. */
void place_tied(struct job *j, struct sv db, struct sv name, const struct define_fk *fks, size_t n_fks,
                struct place_tables *out);
/* The same for a table that exists (itself is not in the result). */
void place_tied_to(struct job *j, const struct cat_table *t, struct place_tables *out);
/* The shard where the tied tables should be: where most of those that are SINGLE already are; 0: any. */
uint32_t place_tied_shard(const struct place_tables *tied);
/* The active shard with the fewest SINGLE tables (db's home shard if it has one). 0: there is no active shard. */
uint32_t place_pick_shard(struct job *j, const struct cat_db *db);
/* Ids of active shards in order. */
uint32_t *place_active_shards(struct job *j, size_t *n);

json_t *place_to_json(const struct place *p);
/* Fills kind, partitioning and partitions of t, whose columns are there already, from the JSON. */
bool place_apply(const json_t *o, struct cat_table *t, struct diag *d) MUST_CHECK;
/* The catalog's object back into JSON (ALTER, RENAME, ...): place_apply of it on the new columns gives the same
 * placement. */
json_t *place_of_table(const struct cat_table *t);
/* Sets t->group_id: that of a table with equal partitioning, or 0 if there is none yet. */
uint64_t place_find_group(const struct cat_snapshot *s, const struct cat_table *t);
/* What SHOW CREATE TABLE prints behind the server's text: MySQL's partitioning in MySQL's comment, Tessera's own words in `/ *!99980 .. * /`
 * (TESSERA_VERSION_COMMENT), or empty. */
struct sv place_print(const struct cat_table *t, const struct cat_db *db, const struct cat_snapshot *s,
                      struct arena *a);

#endif
