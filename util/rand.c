#include "util/rand.h"

#include <errno.h>
#include <sys/random.h>

static _Thread_local struct rng thread_rng;
static _Thread_local bool thread_seeded;

void rand_secure(void *p, size_t n)
{
    char *at = p;

    while (n) {
        ssize_t got = getrandom(at, n, 0);

        if (got < 0 && errno == EINTR)
            continue;
        CHECK(got > 0);
        at += got;
        n -= (size_t)got;
    }
}

/* SplitMix64, which the authors of xoshiro give for seeding. */
void rng_seed(struct rng *r, uint64_t seed)
{
    for (int i = 0; i < 4; i++) {
        uint64_t z;

        seed += UINT64_C(0x9e3779b97f4a7c15);
        z = seed;
        z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
        z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
        r->s[i] = z ^ z >> 31;
    }
}

static inline uint64_t rotl(uint64_t x, int k)
{
    return x << k | x >> (64 - k);
}

uint64_t rng_u64(struct rng *r)
{
    uint64_t *s = r->s, out = rotl(s[1] * 5, 7) * 9, t = s[1] << 17;

    s[2] ^= s[0];
    s[3] ^= s[1];
    s[1] ^= s[2];
    s[0] ^= s[3];
    s[2] ^= t;
    s[3] = rotl(s[3], 45);
    return out;
}

/* Lemire's method: the high half of a product, with the few biased values thrown away. */
uint64_t rng_below(struct rng *r, uint64_t n)
{
    uint64_t floor = (0 - n) % n;

    for (;;) {
        unsigned __int128 m = (unsigned __int128)rng_u64(r) * n;

        if ((uint64_t)m >= floor)
            return (uint64_t)(m >> 64);
    }
}

static struct rng *mine(void)
{
    if (UNLIKELY(!thread_seeded)) {
        rand_secure(&thread_rng, sizeof(thread_rng));
        thread_rng.s[0] |= 1; /* all zeros would stay zeros */
        thread_seeded = true;
    }
    return &thread_rng;
}

uint64_t rand_u64(void)
{
    return rng_u64(mine());
}

uint64_t rand_below(uint64_t n)
{
    return rng_below(mine(), n);
}

double rand_double(void)
{
    return (double)(rand_u64() >> 11) * 0x1p-53;
}
