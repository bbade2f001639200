/* Hashing inside one process: XXH3 inlined (the tail of short keys is what counts) and a 64-bit
 * mix. These values may change with the library: nothing durable or shared between nodes may depend
 * on them. The hash that decides where rows live is router/part.h's and has nothing to do with this
 * one. Pure functions, any thread. */
#ifndef UTIL_HASH_H
#define UTIL_HASH_H

#include "util/sv.h"

#define XXH_INLINE_ALL
#include <xxhash.h>

struct hash128 {
    uint64_t lo, hi;
};

/* Set once before main from getrandom; keys that clients choose are hashed with it, so that nobody
 * can prepare collisions. */
extern uint64_t hash_process_seed;

static inline uint64_t hash64(const void *p, size_t n)
{
    return XXH3_64bits(p, n);
}

static inline uint64_t hash64_seed(const void *p, size_t n, uint64_t seed)
{
    return XXH3_64bits_withSeed(p, n, seed);
}

static inline struct hash128 hash128(const void *p, size_t n)
{
    XXH128_hash_t h = XXH3_128bits(p, n);

    return (struct hash128){h.low64, h.high64};
}

static inline bool hash128_eq(struct hash128 a, struct hash128 b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

/* Bijective; the finaliser of MurmurHash3's 64-bit variant. */
static inline uint64_t mix64(uint64_t x)
{
    x ^= x >> 33;
    x *= UINT64_C(0xff51afd7ed558ccd);
    x ^= x >> 33;
    x *= UINT64_C(0xc4ceb9fe1a85ec53);
    x ^= x >> 33;
    return x;
}

static inline uint64_t hash_combine(uint64_t a, uint64_t b)
{
    return mix64(a + UINT64_C(0x9e3779b97f4a7c15) + (b ^ (b >> 29)) * UINT64_C(0x9fb21c651e98df25));
}

static inline uint64_t hash_sv(struct sv s)
{
    return hash64_seed(s.ptr, s.len, hash_process_seed);
}

/* Equal for texts that sv_eq_nocase calls equal. */
uint64_t hash_sv_nocase(struct sv s) PURE;

#endif
