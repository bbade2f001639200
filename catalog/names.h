/* Physical names. Partition i of table t is the table `t__p<i>` on its shard; a table of one partition (SINGLE, a BROADCAST
 * copy, a partitioned table with PARTITIONS 1) keeps its bare name. Constraint names, which MySQL wants unique in a schema, carry
 * the same suffix as their table. names_part_no is the one place that decides which; whoever makes a physical name goes
 * through it. names_scope_text and names_to_logical map texts that a shard wrote back. Pure functions, any thread. */
#ifndef CATALOG_NAMES_H
#define CATALOG_NAMES_H

#include "util/arena.h"

enum {
    NAMES_MAX = 64, /* characters of an identifier, on the servers as here */
    NAMES_BARE = -1, /* no partition number: the bare name */
    /* Partition number of the scratch copies that DDL tries things out on. */
    NAMES_SCRATCH_PART = 999999,
    /* From here on: copies of tables that a query runs over (optimizer/offload.c), temporary and of one connection. */
    NAMES_COPY_FIRST = 900000
};

/* The number that partition i of n bears in physical names; NAMES_BARE: none. */
int names_part_no(uint32_t i, uint32_t n);
/* `t__p<part_no>` in the arena, or table itself for NAMES_BARE. */
struct sv names_physical(struct arena *a, struct sv table, int part_no);
/* Whether a table of that name and of n partitions gets names of at most NAMES_MAX. */
bool names_fit(struct sv table, uint32_t n);
/* `t__p<no>`, no with six digits: a table on its way in or out. A name that leaves no room is cut and hashed. */
struct sv names_scratch(struct arena *a, struct sv table, uint32_t no);
/* text with such a cut name, its number gone already, replaced by the table's. */
struct sv names_of_scratch(struct arena *a, struct sv text, struct sv table);
/* True if name is `<table>__p<digits>`; *part_no is the number. */
bool names_is_partition_of(struct sv name, struct sv table, uint32_t *part_no);
/* Splits `x__p<digits>` at its last `__p`; false: the name has no such end. */
bool names_split(struct sv name, struct sv *logical, uint32_t *part_no);
/* The tables that a statement is about: only their physical names are taken for such. A user's own table, alias or
 * value may look like one. */
struct cat_table;
struct names_scope {
    const struct cat_table *const *tables;
    size_t n;
    bool copies; /* the statement ran over copies of them */
};

/* text of a shard (an error, a warning) with physical names of the scope's tables, and of their constraints, replaced by
 * logical ones. Returns text itself where nothing was to be done. */
struct sv names_scope_text(struct arena *a, struct sv text, const struct names_scope *s);
/* The logical name where `name` is the physical one of a table of the scope, else name. */
struct sv names_scope_table(struct sv name, const struct names_scope *s);

/* The same where the tables are not in the catalog, or not yet: DDL. `table`: the logical table that the statement was
 * about, or len 0: any `__p<digits>` that ends an identifier is taken as a partition's. The generated constraint names of a
 * physical table (`t__p3_chk_1`, `t__p3_ibfk_1`) become those of the logical one. */
struct sv names_to_logical(struct arena *a, struct sv text, struct sv table);

#endif
