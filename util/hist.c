#include "util/hist.h"

enum { SUB = 1 << HIST_SUB_BITS };

static unsigned bucket_of(uint64_t v)
{
    unsigned shift;

    if (v < SUB)
        return (unsigned)v;
    shift = 63u - (unsigned)__builtin_clzll(v) - HIST_SUB_BITS;
    return ((shift + 1) << HIST_SUB_BITS) + (unsigned)(v >> shift) - SUB;
}

static uint64_t bucket_top(unsigned b)
{
    unsigned shift;

    if (b < SUB)
        return b;
    shift = (b >> HIST_SUB_BITS) - 1;
    return (((uint64_t)SUB + (b & (SUB - 1))) << shift) + ((UINT64_C(1) << shift) - 1);
}

static inline void bump(_Atomic uint64_t *p, uint64_t n)
{
    /* One writer: no locked instruction is needed. */
    atomic_store_explicit(
        p, atomic_load_explicit(p, memory_order_relaxed) + n, memory_order_relaxed);
}

void hist_init(struct hist *h)
{
    atomic_init(&h->count, 0);
    atomic_init(&h->sum, 0);
    atomic_init(&h->max, 0);
    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        atomic_init(&h->bucket[i], 0);
}

void hist_add(struct hist *h, uint64_t v)
{
    bump(&h->bucket[bucket_of(v)], 1);
    bump(&h->count, 1);
    bump(&h->sum, v);
    if (v > hist_max(h))
        atomic_store_explicit(&h->max, v, memory_order_relaxed);
}

void hist_merge(struct hist *to, const struct hist *from)
{
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        uint64_t n = atomic_load_explicit(&from->bucket[i], memory_order_relaxed);

        if (n)
            bump(&to->bucket[i], n);
    }
    bump(&to->count, hist_count(from));
    bump(&to->sum, hist_sum(from));
    if (hist_max(from) > hist_max(to))
        atomic_store_explicit(&to->max, hist_max(from), memory_order_relaxed);
}

uint64_t hist_quantile(const struct hist *h, double q)
{
    uint64_t total = 0, seen = 0, want;

    for (unsigned i = 0; i < HIST_BUCKETS; i++)
        total += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
    if (total == 0)
        return 0;
    want = (uint64_t)(q * (double)total);
    want = MIN(MAX(want, (uint64_t)1), total);
    for (unsigned i = 0; i < HIST_BUCKETS; i++) {
        seen += atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
        if (seen >= want)
            return MIN(bucket_top(i), hist_max(h));
    }
    return hist_max(h);
}

uint64_t hist_mean(const struct hist *h)
{
    uint64_t n = hist_count(h);

    return n ? hist_sum(h) / n : 0;
}
