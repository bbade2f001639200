#include "util/acct.h"

void acct_init(struct acct *a, struct acct *parent, const char *name, int64_t limit_bytes)
{
    a->parent = parent;
    a->name = name;
    atomic_init(&a->used, 0);
    atomic_init(&a->peak, 0);
    atomic_init(&a->limit, limit_bytes);
}

static void add(struct acct *a, int64_t n)
{
    int64_t now = atomic_fetch_add_explicit(&a->used, n, memory_order_relaxed) + n;
    int64_t peak = atomic_load_explicit(&a->peak, memory_order_relaxed);

    while (now > peak && !atomic_compare_exchange_weak_explicit(
                             &a->peak, &peak, now, memory_order_relaxed, memory_order_relaxed)) {
    }
}

static void sub(struct acct *a, int64_t n)
{
    int64_t was = atomic_fetch_sub_explicit(&a->used, n, memory_order_relaxed);

    ASSERT(was >= n);
    (void)was;
}

void acct_charge(struct acct *a, size_t bytes)
{
    for (; a; a = a->parent)
        add(a, (int64_t)bytes);
}

void acct_release(struct acct *a, size_t bytes)
{
    for (; a; a = a->parent)
        sub(a, (int64_t)bytes);
}

bool acct_try_reserve(struct acct *a, size_t bytes, const struct acct **who)
{
    int64_t n = (int64_t)bytes;

    for (struct acct *at = a; at; at = at->parent) {
        int64_t limit = atomic_load_explicit(&at->limit, memory_order_relaxed);
        int64_t used = atomic_load_explicit(&at->used, memory_order_relaxed);

        for (;;) {
            if (limit > 0 && (bytes > (size_t)INT64_MAX || n > limit - used)) {
                for (struct acct *undo = a; undo != at; undo = undo->parent)
                    sub(undo, n);
                if (who)
                    *who = at;
                return false;
            }
            if (atomic_compare_exchange_weak_explicit(
                    &at->used, &used, used + n, memory_order_relaxed, memory_order_relaxed))
                break;
        }
        add(at, 0);
    }
    return true;
}

void acct_close(struct acct *a)
{
    int64_t left = atomic_exchange_explicit(&a->used, 0, memory_order_relaxed);

    if (left > 0 && a->parent)
        acct_release(a->parent, (size_t)left);
    a->parent = NULL;
}

int64_t acct_left(const struct acct *a)
{
    int64_t left = INT64_MAX;

    for (; a; a = a->parent) {
        int64_t limit = atomic_load_explicit(&a->limit, memory_order_relaxed);

        if (limit > 0)
            left = MIN(left, MAX(limit - acct_used(a), (int64_t)0));
    }
    return left;
}
