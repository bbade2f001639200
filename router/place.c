#include "router/place.h"

#include "router/part-int.h"

void placeset_one(struct placeset *out, uint32_t partition, uint32_t shard_id)
{
    out->one = (struct placeref){partition, shard_id};
    out->items = &out->one;
    out->n = 1;
}

void placeset_of_parts(
    struct placeset *out, const struct cat_table *t, const struct partset *parts, struct arena *a)
{
    uint32_t n = partset_count(parts), at = 0;
    struct placeref *v;

    if (n == 1) {
        at = partset_next(parts, 0);
        placeset_one(out, at, router_shard_of(t, at));
        return;
    }
    v = ARENA_NEW_N(a, struct placeref, n);
    for (uint32_t i = partset_next(parts, 0); i < parts->n; i = partset_next(parts, i + 1))
        v[at++] = (struct placeref){i, router_shard_of(t, i)};
    *out = (struct placeset){.n = n, .items = v};
}

void placeset_all_shards(struct placeset *out, const struct cat_snapshot *s, struct arena *a)
{
    struct placeref *v = ARENA_NEW_N(a, struct placeref, s->shards.n);

    for (size_t i = 0; i < s->shards.n; i++)
        v[i] = (struct placeref){0, s->shards.v[i].id};
    *out = (struct placeset){.n = (uint32_t)s->shards.n, .items = v};
}

uint32_t router_shard_of(const struct cat_table *t, uint32_t i)
{
    return i < t->parts_n ? t->parts[i].shard_id : 0;
}

uint32_t router_any_shard(const struct cat_snapshot *s, uint32_t preferred, uint64_t seed)
{
    const struct cat_shard *p = preferred ? cat_find_shard_id(s, preferred) : NULL;
    size_t active = 0;

    if (p && p->state == CAT_SHARD_ACTIVE)
        return p->id;
    for (size_t i = 0; i < s->shards.n; i++)
        active += s->shards.v[i].state == CAT_SHARD_ACTIVE;
    if (!active)
        return 0;
    seed %= active;
    for (size_t i = 0; i < s->shards.n; i++) {
        if (s->shards.v[i].state == CAT_SHARD_ACTIVE && seed-- == 0)
            return s->shards.v[i].id;
    }
    return 0;
}

/* Partitions and SINGLE tables on each shard, in the order of s->shards; in a. */
static uint32_t *loads(const struct cat_snapshot *s, struct arena *a)
{
    uint32_t *n = ARENA_NEW_N(a, uint32_t, s->shards.n);

    for (size_t t = 0; t < s->tables.n; t++) {
        const struct cat_table *tab = s->tables.v[t];

        for (uint32_t i = 0; i < tab->parts_n; i++) {
            const uint32_t *at = cat_id_map_get(&s->shard_ids, tab->parts[i].shard_id);

            if (at)
                n[*at]++;
        }
    }
    return n;
}

/* Index of the active shard with the least load; s->shards.n: none. */
static size_t least_loaded(const struct cat_snapshot *s, const uint32_t *load)
{
    size_t best = s->shards.n;

    for (size_t i = 0; i < s->shards.n; i++) {
        if (s->shards.v[i].state == CAT_SHARD_ACTIVE &&
            (best == s->shards.n || load[i] < load[best]))
            best = i;
    }
    return best;
}

bool router_choose_shards(
    const struct cat_snapshot *s, const struct cat_table *group, uint32_t n, uint32_t *ids)
{
    struct arena a;
    size_t at;
    bool ok;

    if (group && group->parts_n == n) {
        for (uint32_t i = 0; i < n; i++)
            ids[i] = group->parts[i].shard_id;
        return true;
    }
    arena_init(&a, 0);
    at = least_loaded(s, loads(s, &a));
    ok = at < s->shards.n;
    for (uint32_t i = 0; ok && i < n; i++) {
        ids[i] = s->shards.v[at].id;
        do {
            at = (at + 1) % s->shards.n;
        } while (s->shards.v[at].state != CAT_SHARD_ACTIVE);
    }
    arena_free(&a);
    return ok;
}

uint32_t router_choose_single(const struct cat_snapshot *s, const struct cat_db *db)
{
    const struct cat_shard *home =
        db && db->home_shard ? cat_find_shard_id(s, db->home_shard) : NULL;
    struct arena a;
    size_t at;

    if (home && home->state == CAT_SHARD_ACTIVE)
        return home->id;
    arena_init(&a, 0);
    at = least_loaded(s, loads(s, &a));
    arena_free(&a);
    return at < s->shards.n ? s->shards.v[at].id : 0;
}

const struct cat_table *router_find_group(const struct cat_snapshot *s, const struct cat_table *t)
{
    struct part *mine = part_make(t);
    const struct cat_table *found = NULL;
    size_t first, n = cat_tables_of(s, t->db, &first);

    for (size_t i = first; i < first + n && !found; i++) {
        const struct cat_table *other = s->tables.v[i];

        if (other->id != t->id && cat_table_is_visible(other) && other->group_id &&
            part_same_function(part_of(other), mine))
            found = other;
    }
    part_free(mine);
    return found;
}
