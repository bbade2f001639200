/* SHOW statements about what exists, as pure functions over a snapshot: any thread that holds one, workers too. Rows
 * live in the arena that is given. NULL: d is set (1046, 1049, 1146). SHOW DDL reads the metadata database and goes
 * through ddl_submit. */
#ifndef DDL_SHOW_H
#define DDL_SHOW_H

#include "catalog/snapshot.h"
#include "ddl/ddl.h"

/* Name, Host, Port, State, Partitions, Tables. is_down: whether a shard's server cannot be reached, as the caller knows; NULL: nothing
 * is known. */
const struct ddl_rows *show_shards(const struct cat_snapshot *s, bool (*is_down)(void *arg, uint32_t shard_id), void *arg,
                                   struct arena *a);
/* Table, Kind, Partition, Shard, Physical_table, Bounds: one row a physical table; table.ptr NULL: of all tables of db. */
const struct ddl_rows *show_topology(const struct cat_snapshot *s, struct sv db, struct sv table, struct arena *a,
                                     struct diag *d);
/* Table, Create Table. */
const struct ddl_rows *show_create_table(const struct cat_snapshot *s, struct sv db, struct sv table, struct arena *a,
                                         struct diag *d);
/* What SHOW CREATE DATABASE has behind a server's own text; empty for the usual mode. */
struct sv show_database_mode(const struct cat_db *db);

#endif
