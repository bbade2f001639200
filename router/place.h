/* Places: from partitions to shards, and which shards new partitions go to. Pure functions over a
 * snapshot. */
#ifndef ROUTER_PLACE_H
#define ROUTER_PLACE_H

#include "router/prune.h"

/* One place that a statement goes to. */
struct placeref {
    uint32_t partition; /* ordinal; 0 where there are no partitions */
    uint32_t shard_id;
};

/* Places in order of partition. One place needs no memory: items then points at `one`, so a
 * placeset is not copied by value. */
struct placeset {
    uint32_t n;
    const struct placeref *items;
    struct placeref one;
};

void placeset_one(struct placeset *out, uint32_t partition, uint32_t shard_id);
/* The members of a set of partitions of t. */
void placeset_of_parts(
    struct placeset *out, const struct cat_table *t, const struct partset *parts, struct arena *a);
/* All shards that hold copies of BROADCAST tables: every shard of the snapshot. */
void placeset_all_shards(struct placeset *out, const struct cat_snapshot *s, struct arena *a);

/* The shard of partition i (SINGLE: 0). BROADCAST: 0, i.e. any. */
uint32_t router_shard_of(const struct cat_table *t, uint32_t i);
/* An active shard for a statement that may run anywhere: `preferred` if it is active (0: no wish),
 * else spread by `seed`. 0: there is no active shard. */
uint32_t router_any_shard(const struct cat_snapshot *s, uint32_t preferred, uint64_t seed);

/* Shards for n new partitions: those of `group` (a table with equal partitioning, may be NULL)
 * partition by partition, else the active shards in turn, beginning with the one that has the
 * fewest partitions. ids has room for n. False: no active shard. */
bool router_choose_shards(const struct cat_snapshot *s, const struct cat_table *group, uint32_t n,
    uint32_t *ids) MUST_CHECK;
/* The active shard with the fewest SINGLE tables and partitions; home_shard of db if it is set and
 * active. 0: none. */
uint32_t router_choose_single(const struct cat_snapshot *s, const struct cat_db *db);
/* A public table whose partitioning equals t's (part_same_function) and that has a group; NULL:
 * none. t may be unfinished (see part_check). The same database only. */
const struct cat_table *router_find_group(const struct cat_snapshot *s, const struct cat_table *t);

#endif
