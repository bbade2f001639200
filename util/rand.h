/* Random numbers: a generator per thread (xoshiro256**, Blackman and Vigna 2018), seeded from
 * getrandom at its first use; and the kernel's own bytes for secrets. Never for placement of rows.
 */
#ifndef UTIL_RAND_H
#define UTIL_RAND_H

#include "util/attr.h"

struct rng {
    uint64_t s[4];
};

/* Explicit generator: the same seed gives the same numbers (tests, simulations). One owner. */
void rng_seed(struct rng *r, uint64_t seed);
uint64_t rng_u64(struct rng *r);
/* Uniform in [0, n), n > 0. */
uint64_t rng_below(struct rng *r, uint64_t n);

/* This thread's generator. */
uint64_t rand_u64(void);
uint64_t rand_below(uint64_t n);
/* Uniform in [0, 1). */
double rand_double(void);
/* From the kernel: salts, nonces, seeds. Aborts if the kernel has none. */
void rand_secure(void *p, size_t n);

#endif
