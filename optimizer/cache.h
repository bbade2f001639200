/* Plan cache: one for each worker, used on its thread only. Keyed by the statement's 128-bit digest and a signature of what else
 * planning depends on (current database, sql_mode, kind of servers). Holds a reference to each plan; plans of another
 * catalog version are dropped when they are met. Least recently used entries go first. */
#ifndef OPTIMIZER_CACHE_H
#define OPTIMIZER_CACHE_H

#include "optimizer/optimizer.h"

struct plan_cache;

struct plan_key {
    uint64_t hash[2]; /* digest_scan's */
    uint64_t env; /* plan_env_signature */
};

struct plan_cache_stats {
    uint64_t hits, misses, stale, evicted;
    uint32_t entries, max_entries;
};

/* max_entries 0: nothing is kept. */
struct plan_cache *plan_cache_new(uint32_t max_entries);
void plan_cache_free(struct plan_cache *c); /* NULL is allowed */
/* A signature of what planning depends on besides the text and the catalog. extra: whatever the caller's key needs in addition (0). */
uint64_t plan_env_signature(const struct opt_env *env, uint64_t extra);
/* A plan made for the snapshot's version, with a reference for the caller (plan_release); NULL: none. */
struct plan *plan_cache_get(struct plan_cache *c, const struct plan_key *k, const struct cat_snapshot *snap);
/* Keeps a reference of its own; replaces what was there. Uncacheable plans are ignored. */
void plan_cache_put(struct plan_cache *c, const struct plan_key *k, struct plan *p);
void plan_cache_clear(struct plan_cache *c);
void plan_cache_stats(const struct plan_cache *c, struct plan_cache_stats *out);

#endif
