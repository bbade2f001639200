#include "optimizer/cache.h"

#include "util/hash.h"
#include "util/list.h"

struct entry {
    struct list_node lru; /* front: used last */
    struct entry *next;   /* in its bucket */
    struct plan_key key;
    struct plan *plan;
};

struct plan_cache {
    struct entry **buckets;
    uint32_t n_buckets, max;
    struct list lru;
    struct plan_cache_stats stats;
};

struct plan_cache *plan_cache_new(uint32_t entries)
{
    struct plan_cache *c = xcalloc(1, sizeof(*c));

    c->max = entries;
    c->n_buckets = 64;
    while (c->n_buckets < entries && c->n_buckets < 1u << 20)
        c->n_buckets *= 2;
    c->buckets = xcalloc(c->n_buckets, sizeof(struct entry *));
    list_init(&c->lru);
    return c;
}

static struct entry **slot_of(struct plan_cache *c, const struct plan_key *k)
{
    struct entry **at = &c->buckets[(k->hash[0] ^ k->env) & (c->n_buckets - 1)];

    while (*at && ((*at)->key.hash[0] != k->hash[0] || (*at)->key.hash[1] != k->hash[1] || (*at)->key.env != k->env))
        at = &(*at)->next;
    return at;
}

static void drop(struct plan_cache *c, struct entry **at)
{
    struct entry *e = *at;

    *at = e->next;
    list_remove(&e->lru);
    plan_release(e->plan);
    xfree(e);
    c->stats.entries--;
}

struct plan *plan_cache_get(struct plan_cache *c, const struct plan_key *k, uint64_t catalog_version)
{
    struct entry **at = slot_of(c, k), *e = *at;

    if (!e) {
        c->stats.misses++;
        return NULL;
    }
    if (UNLIKELY(e->plan->catalog_version != catalog_version)) {
        drop(c, at);
        c->stats.stale++;
        c->stats.misses++;
        return NULL;
    }
    c->stats.hits++;
    if (c->lru.head.next != &e->lru) {
        list_remove(&e->lru);
        list_push_front(&c->lru, &e->lru);
    }
    return plan_hold(e->plan);
}

void plan_cache_put(struct plan_cache *c, const struct plan_key *k, struct plan *p)
{
    struct entry **at = slot_of(c, k), *e;

    if (!c->max)
        return;
    if (*at)
        drop(c, at);
    if (c->stats.entries >= c->max) {
        e = LIST_ENTRY(c->lru.head.prev, struct entry, lru);
        drop(c, slot_of(c, &e->key));
        c->stats.evicted++;
        at = slot_of(c, k);
    }
    e = xcalloc(1, sizeof(*e));
    e->key = *k;
    e->plan = plan_hold(p);
    e->next = *at;
    *at = e;
    list_push_front(&c->lru, &e->lru);
    c->stats.entries++;
}

void plan_cache_clear(struct plan_cache *c)
{
    while (!list_empty(&c->lru)) {
        struct entry *e = LIST_ENTRY(c->lru.head.next, struct entry, lru);

        drop(c, slot_of(c, &e->key));
    }
}

void plan_cache_free(struct plan_cache *c)
{
    if (!c)
        return;
    plan_cache_clear(c);
    xfree(c->buckets);
    xfree(c);
}

struct plan_cache_stats plan_cache_get_stats(const struct plan_cache *c)
{
    return c->stats;
}

uint64_t plan_env_signature(struct sv db, uint64_t sql_mode, uint64_t results, unsigned flavour)
{
    uint64_t h = hash_combine(hash64(db.ptr ? db.ptr : "", db.len), hash_combine(sql_mode, flavour));

    return results ? hash_combine(h, results) : h;
}
