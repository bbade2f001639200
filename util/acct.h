/* Memory accounts: a tree (process > worker or group > query > operator). What is charged to a node
 * counts in all its ancestors. Charging never fails (small things that must go on); reserving may
 * be refused by any limit on the way up and then changes nothing, and the one who asked spills or
 * fails. Any thread; a child ends before its parent. */
#ifndef UTIL_ACCT_H
#define UTIL_ACCT_H

#include "util/attr.h"

#include <stdatomic.h>

struct acct {
    struct acct *parent;
    const char *name; /* static text, for messages */
    _Atomic int64_t used, peak;
    _Atomic int64_t limit; /* 0: none */
};

void acct_init(struct acct *a, struct acct *parent, const char *name, int64_t limit_bytes);
/* Gives what is still charged back to the ancestors. */
void acct_close(struct acct *a);
void acct_charge(struct acct *a, size_t bytes);
/* False: refused; *who (may be NULL) is the account whose limit it was. */
bool acct_try_reserve(struct acct *a, size_t bytes, const struct acct **who) MUST_CHECK;
void acct_release(struct acct *a, size_t bytes);
/* Bytes that could be reserved now (INT64_MAX: no limit on the way up). */
int64_t acct_left(const struct acct *a);

static inline void acct_set_limit(struct acct *a, int64_t limit_bytes)
{
    atomic_store_explicit(&a->limit, limit_bytes, memory_order_relaxed);
}

static inline int64_t acct_used(const struct acct *a)
{
    return atomic_load_explicit(&a->used, memory_order_relaxed);
}

static inline int64_t acct_peak(const struct acct *a)
{
    return atomic_load_explicit(&a->peak, memory_order_relaxed);
}

#endif
