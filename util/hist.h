/* Log-linear histogram of unsigned values (usually microseconds): 32 buckets for each power of two,
 * so that a quantile is at most 3.2 % off, over the whole range of 64 bits. One thread adds; any
 * thread may read or merge at the same time and sees values that are at most a moment old. */
#ifndef UTIL_HIST_H
#define UTIL_HIST_H

#include "util/attr.h"

#include <stdatomic.h>

enum { HIST_SUB_BITS = 5, HIST_BUCKETS = (64 - HIST_SUB_BITS + 1) << HIST_SUB_BITS };

struct hist {
    _Atomic uint64_t count, sum, max;
    _Atomic uint64_t bucket[HIST_BUCKETS];
};

void hist_init(struct hist *h);
void hist_add(struct hist *h, uint64_t v);
/* to += from. */
void hist_merge(struct hist *to, const struct hist *from);
/* The upper bound of the bucket that holds quantile q (0..1); 0 when empty; never above the
 * greatest value seen. */
uint64_t hist_quantile(const struct hist *h, double q);
uint64_t hist_mean(const struct hist *h);

static inline uint64_t hist_count(const struct hist *h)
{
    return atomic_load_explicit(&h->count, memory_order_relaxed);
}

static inline uint64_t hist_sum(const struct hist *h)
{
    return atomic_load_explicit(&h->sum, memory_order_relaxed);
}

static inline uint64_t hist_max(const struct hist *h)
{
    return atomic_load_explicit(&h->max, memory_order_relaxed);
}

#endif
