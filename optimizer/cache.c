/* Open hashing over a fixed array of entries (as many as the limit, made at the start), with the order of use as a doubly linked
 * list of indices: a hit is one probe and a relink, no memory. */
#include "optimizer/cache.h"

#include "catalog/snapshot.h"
#include "util/hash.h"

enum { NIL = UINT32_MAX };

struct entry {
    struct plan_key key;
    struct plan *plan; /* NULL: free */
    uint32_t chain;    /* next of the same bucket, or next free entry */
    uint32_t newer, older;
};

struct plan_cache {
    struct entry *entries;
    uint32_t *buckets;
    uint32_t mask;
    uint32_t free, newest, oldest;
    struct plan_cache_stats stats;
};

struct plan_cache *plan_cache_new(uint32_t max_entries)
{
    struct plan_cache *c = xcalloc(1, sizeof *c);
    uint32_t n = 16;

    while (n < max_entries && n < (1u << 30))
        n *= 2;
    c->mask = n - 1;
    c->buckets = xmalloc(n * sizeof *c->buckets);
    c->entries = xcalloc(max_entries ? max_entries : 1, sizeof *c->entries);
    c->stats.max_entries = max_entries;
    c->newest = c->oldest = c->free = NIL;
    for (uint32_t i = 0; i < n; i++)
        c->buckets[i] = NIL;
    for (uint32_t i = max_entries; i > 0; i--) {
        c->entries[i - 1].chain = c->free;
        c->free = i - 1;
    }
    return c;
}

static uint32_t *bucket_of(struct plan_cache *c, const struct plan_key *k)
{
    return &c->buckets[(k->hash[0] ^ k->env) & c->mask];
}

static bool key_eq(const struct plan_key *a, const struct plan_key *b)
{
    return a->hash[0] == b->hash[0] && a->hash[1] == b->hash[1] && a->env == b->env;
}

static void unlink_use(struct plan_cache *c, struct entry *e)
{
    if (e->newer != NIL)
        c->entries[e->newer].older = e->older;
    else
        c->newest = e->older;
    if (e->older != NIL)
        c->entries[e->older].newer = e->newer;
    else
        c->oldest = e->newer;
}

static void link_newest(struct plan_cache *c, uint32_t i)
{
    struct entry *e = &c->entries[i];

    e->newer = NIL;
    e->older = c->newest;
    if (c->newest != NIL)
        c->entries[c->newest].newer = i;
    else
        c->oldest = i;
    c->newest = i;
}

static void drop(struct plan_cache *c, uint32_t i)
{
    struct entry *e = &c->entries[i];
    uint32_t *at = bucket_of(c, &e->key);

    while (*at != i)
        at = &c->entries[*at].chain;
    *at = e->chain;
    unlink_use(c, e);
    plan_release(e->plan);
    e->plan = NULL;
    e->chain = c->free;
    c->free = i;
    c->stats.entries--;
}

void plan_cache_clear(struct plan_cache *c)
{
    while (c->newest != NIL)
        drop(c, c->newest);
}

void plan_cache_free(struct plan_cache *c)
{
    if (!c)
        return;
    plan_cache_clear(c);
    xfree(c->entries);
    xfree(c->buckets);
    xfree(c);
}

static uint32_t find(struct plan_cache *c, const struct plan_key *k)
{
    uint32_t i = *bucket_of(c, k);

    while (i != NIL && !key_eq(&c->entries[i].key, k))
        i = c->entries[i].chain;
    return i;
}

uint64_t plan_env_signature(const struct opt_env *env, uint64_t extra)
{
    uint64_t parts[3] = {env->sql_mode, (uint64_t)env->flavour, extra};
    uint64_t h = hash64(parts, sizeof parts);

    return env->db.ptr ? hash64_seed(env->db.ptr, env->db.len, h) : ~h;
}

struct plan *plan_cache_get(struct plan_cache *c, const struct plan_key *k, const struct cat_snapshot *snap)
{
    uint32_t i = find(c, k);

    if (i == NIL) {
        c->stats.misses++;
        return NULL;
    }
    if (UNLIKELY(c->entries[i].plan->catalog_version != snap->version)) {
        c->stats.stale++;
        c->stats.misses++;
        drop(c, i);
        return NULL;
    }
    c->stats.hits++;
    if (c->newest != i) {
        unlink_use(c, &c->entries[i]);
        link_newest(c, i);
    }
    return plan_hold(c->entries[i].plan);
}

void plan_cache_put(struct plan_cache *c, const struct plan_key *k, struct plan *p)
{
    uint32_t i = find(c, k), *bucket;

    if (p->uncacheable || c->stats.max_entries == 0)
        return;
    if (i != NIL)
        drop(c, i);
    if (c->free == NIL) {
        drop(c, c->oldest);
        c->stats.evicted++;
    }
    i = c->free;
    c->free = c->entries[i].chain;
    bucket = bucket_of(c, k);
    c->entries[i].key = *k;
    c->entries[i].plan = plan_hold(p);
    c->entries[i].chain = *bucket;
    *bucket = i;
    link_newest(c, i);
    c->stats.entries++;
}

void plan_cache_stats(const struct plan_cache *c, struct plan_cache_stats *out)
{
    *out = c->stats;
}
