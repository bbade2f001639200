/* Plan cache: one a worker, no lock. Keyed by the statement's digest (token stream with literals as `?`) and the environment that
 * a plan depends on (current database, sql_mode, dialect). An entry of another catalog version is dropped when it is met. Least
 * recently used ones go when it is full. */
#ifndef OPTIMIZER_CACHE_H
#define OPTIMIZER_CACHE_H

#include "optimizer/plan.h"

struct plan_cache;

struct plan_key {
    uint64_t hash[2]; /* digest_scan's */
    uint64_t env;     /* signature of database, sql_mode, dialect */
};

struct plan_cache_stats {
    uint64_t hits, misses, stale, evicted, entries;
};

/* entries 0: caches nothing. */
struct plan_cache *plan_cache_new(uint32_t entries) __attribute__((returns_nonnull));
void plan_cache_free(struct plan_cache *c); /* NULL is allowed */
/* The plan with a reference for the caller, or NULL. */
struct plan *plan_cache_get(struct plan_cache *c, const struct plan_key *k, uint64_t catalog_version);
/* The cache takes a reference of its own; an entry of the same key is replaced. */
void plan_cache_put(struct plan_cache *c, const struct plan_key *k, struct plan *p);
void plan_cache_clear(struct plan_cache *c);
struct plan_cache_stats plan_cache_get_stats(const struct plan_cache *c);
/* The env part of a key. results: a hash of character_set_results as it was set, 0: it was not; a plan's metadata name it. */
uint64_t plan_env_signature(struct sv db, uint64_t sql_mode, uint64_t results, unsigned flavour);

#endif
