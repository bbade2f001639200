/* Physical names. Partition i of table t is the table `t__p<i>` on its shard; a table of one partition (SINGLE, a BROADCAST
 * copy, a partitioned table with PARTITIONS 1) keeps its bare name. Constraint names, which MySQL wants unique in a schema, carry
 * the same suffix as their table. names_part_no is the one place that decides which; whoever makes a physical name goes
 * through it. names_to_logical maps texts that a shard wrote (errors, warnings, SHOW CREATE TABLE) back. Pure functions, any thread. */
#ifndef CATALOG_NAMES_H
#define CATALOG_NAMES_H

#include "util/arena.h"

enum {
    NAMES_MAX = 64, /* characters of an identifier, on the servers as here */
    NAMES_BARE = -1, /* no partition number: the bare name */
    /* Partition number of the scratch copies that DDL tries things out on. */
    NAMES_SCRATCH_PART = 999999
};

/* The number that partition i of n bears in physical names; NAMES_BARE: none. */
int names_part_no(uint32_t i, uint32_t n);
/* `t__p<part_no>` in the arena, or table itself for NAMES_BARE. */
struct sv names_physical(struct arena *a, struct sv table, int part_no);
/* Whether a table of that name and of n partitions gets names of at most NAMES_MAX. */
bool names_fit(struct sv table, uint32_t n);
/* `t__p<no>`, no with six digits: a table on its way in or out. A name that leaves no room is cut and hashed. */
struct sv names_scratch(struct arena *a, struct sv table, uint32_t no);
/* True if name is `<table>__p<digits>`; *part_no is the number. */
bool names_is_partition_of(struct sv name, struct sv table, uint32_t *part_no);
/* Splits `x__p<digits>` at its last `__p`; false: the name has no such end. */
bool names_split(struct sv name, struct sv *logical, uint32_t *part_no);
/* text with each physical name in it replaced by the logical one. `table`: the logical table that the statement was about, or len 0: any `__p<digits>`
 * that ends an identifier is taken as a partition's. The generated constraint names of a physical table (`t__p3_chk_1`,
 * `t__p3_ibfk_1`) become those of the logical one. Returns text itself where nothing was to be done. */
struct sv names_to_logical(struct arena *a, struct sv text, struct sv table);

/* The logical name of a physical table's name: `t__p3` -> `t`; any other name is returned as it is. */
struct sv names_table_to_logical(struct sv name);

#endif
