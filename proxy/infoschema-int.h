/* Shared by infoschema.c (references in a statement, texts, execution) and infoschema_rows.c (which rows there are).
 * Everything lives in the statement's arena and holds copies of what the catalog said: the snapshot may be replaced while
 * shards are being asked. */
#ifndef PROXY_INFOSCHEMA_INT_H
#define PROXY_INFOSCHEMA_INT_H

#include "executor/sideq.h"
#include "proxy/infoschema.h"
#include "proxy/proclist.h"
#include "util/hmap.h"
#include "util/strbuf.h"

enum is_kind {
    IS_TABLE_ROWS, /* rows of the physical table of partition 0 */
    IS_TABLES,     /* the same, with sizes and times of all partitions taken together */
    IS_PARTITIONS, /* a row for each partition */
    IS_SCHEMATA,
    IS_NO_USER_ROWS, /* what user's databases do not have: views, triggers, routines, events */
    IS_PROCESSLIST
};

struct is_desc {
    const char *name;
    enum is_kind kind;
    const char *schema_col, *table_col;
};

/* Values that a top-level condition of WHERE allows for a column. */
struct is_filter {
    bool is_set;
    bool exact; /* by `=`: servers look the name up as it is */
    struct sv *names;
    uint32_t n;
};

struct is_part {
    struct sv name, description, comment;
};

/* A logical table and its rows. */
struct is_table {
    struct sv db, name, hidden; /* hidden: Tessera's own key column, or ptr NULL */
    struct sv method, expr;     /* PARTITIONS; method ptr NULL: not partitioned as the user sees it */
    struct is_part *parts;
    struct sv *rows;
    size_t n_rows, cap_rows;
};

/* A physical table. */
struct is_place {
    struct is_table *table;
    uint32_t part, shard_id;
    struct sv db, name;
};

HMAP_SV(is_place_map, struct is_place *);

struct is_ref {
    const struct is_desc *desc;
    const struct ast_node *node; /* AST_TABLE, or AST_TABLE_QUERY around it */
    struct is_filter schemas, tables;
    struct is_table *table_list;
    size_t n_tables;
    struct is_place *places;
    size_t n_places;
    struct is_place_map map; /* "db\001name" */
    const struct packet_coldef *cols;
    uint32_t n_cols; /* known after the first answer */
};

struct is_job {
    uint32_t ref, shard_id;
};

ARRAY_OF(is_ref_array, struct is_ref);
ARRAY_OF(is_job_array, struct is_job);

/* By name without regard to case; NULL: not one of those that Tessera answers. */
const struct is_desc *infoschema_desc(struct sv name);
/* What a reference needs of the catalog, with the filters that it has; adds the shards to be asked. */
void infoschema_rows_plan(struct session *s, struct is_ref *ref, uint32_t index, bool want_sizes, struct is_job_array *jobs);
/* The query that collects a reference's rows on a shard. */
struct sv infoschema_rows_sql(struct session *s, const struct is_ref *ref, uint32_t shard_id);
/* Takes in what it gave. */
void infoschema_rows_take(struct session *s, struct is_ref *ref, const struct sideq_result *r);
/* PROCESSLIST: the rows are the process's sessions. */
void infoschema_rows_sessions(struct session *s, struct is_ref *ref, const struct proclist *list);
/* Appends the derived table, in parentheses. */
void infoschema_rows_put(struct session *s, const struct is_ref *ref, struct strbuf *b);

#endif
