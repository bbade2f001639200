/* What the optimizer asks of the catalog, in its own words. Pure functions over a snapshot. */
#ifndef OPTIMIZER_OPTCAT_H
#define OPTIMIZER_OPTCAT_H

#include "catalog/snapshot.h"
#include "optimizer/bind.h"

static inline const struct cat_table *optcat_find(const struct cat_snapshot *s, struct sv db, struct sv name)
{
    return cat_find_table(s, db, name);
}

static inline bool optcat_has_db(const struct cat_snapshot *s, struct sv db)
{
    return cat_find_db(s, db) != NULL;
}

static inline uint16_t optcat_n_columns(const struct cat_table *t)
{
    return (uint16_t)t->columns_n;
}

static inline struct sv optcat_column_name(const struct cat_table *t, uint16_t col)
{
    return t->columns[col].name;
}

/* -1: none. */
static inline int optcat_find_column(const struct cat_table *t, struct sv name)
{
    const struct cat_column *c = cat_find_column(t, name);

    return c && !c->hidden ? (int)c->ordinal : -1;
}

/* Not part of `*`. */
static inline bool optcat_column_invisible(const struct cat_table *t, uint16_t col)
{
    return t->columns[col].invisible || t->columns[col].hidden;
}

/* The rows are spread over several places. A table of one partition is as good as a SINGLE one to whoever reads it. */
static inline bool optcat_is_partitioned(const struct cat_table *t)
{
    return t->kind == CAT_PARTITIONED && t->parts_n > 1;
}

static inline uint16_t optcat_n_keys(const struct cat_table *t)
{
    return t->kind == CAT_PARTITIONED ? (uint16_t)t->part.columns_n : 0;
}

/* Which of the table's partitions a place is. */
static inline uint32_t optcat_part_at(const struct cat_table *t, uint32_t place)
{
    return t->parts_n > 1 ? place : 0;
}

/* Characters of the column's set may be told in utf8mb4 and come back as others; its bytes are told instead. */
bool optcat_tells_bytes(const struct cat_column *c);

/* Some partition's physical name is not the logical one. */
static inline bool optcat_renamed(const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->parts_n; i++)
        if (!sv_eq(t->parts[i].phys_name, t->name) || !sv_eq(t->parts[i].phys_db, t->db))
            return true;
    return false;
}

static inline uint32_t optcat_single_shard(const struct cat_table *t)
{
    return t->parts_n ? t->parts[0].shard_id : 0;
}

/* Equality of the two columns means equal values under every comparison that routing uses: `=` between them is
 * transitive, and a constant that equals one equals the other. */
bool optcat_same_values(struct colref a, struct colref b);

#endif
