/* What a table is, as a server says: reads a physical table's definition from its shard and fills the catalog's object
 * with it. The server is asked instead of the tree because only it knows defaults, inherited character sets, generated
 * names and what it silently changed. */
#ifndef DDL_DESCRIBE_H
#define DDL_DESCRIBE_H

#include "catalog/mconn.h"
#include "catalog/snapshot.h"
#include "ddl/shape.h"

/* The hidden key of a table without a primary key. */
#define DESCRIBE_HIDDEN "_tessera_row_id"

/* SHOW CREATE TABLE of a physical table, taken apart. The connection must be one of the control plane's own (plain
 * sql_mode). part_no as shape_parse. False with code 1146: the table is not there. */
bool describe_shape(struct mconn *c, struct sv db, struct sv phys, int part_no, struct arena *a, struct shape *out,
                    struct diag *d) MUST_CHECK;

/* Fills columns, keys, checks, foreign keys and options of t (whose kind, name and so on are set) from the physical
 * table. create_sql, partitioning and partitions are left alone. *shape (may be NULL) is in t's arena. */
bool describe_table(struct mconn *c, struct sv db, struct sv phys, int part_no, struct cat_table *t,
                    struct shape *shape, struct diag *d) MUST_CHECK;

#endif
