/* Pages: fixed 32 KiB pieces of memory for network buffers and spill, shared by counting. Each
 * thread keeps a magazine of free pages; a full or empty one exchanges half with a depot under a
 * mutex, so that the common path takes no lock. A page is freed by whoever drops the last
 * reference, on any thread. Never fails (memory exhausted: abort); the callers' own budgets bound
 * how many pages there are. */
#ifndef UTIL_PAGE_H
#define UTIL_PAGE_H

#include "util/attr.h"

#include <stdatomic.h>

enum { PAGE_BYTES = 32 * 1024 };

struct page {
    struct page *next; /* for the holder's own chain; NULL when fresh */
    _Atomic uint32_t refs;
    uint32_t begin, end; /* for the holder: bytes in use are data[begin, end); 0, 0 when fresh */
    uint32_t user;       /* for the holder; 0 when fresh */
    char data[];
};

enum { PAGE_DATA_BYTES = PAGE_BYTES - sizeof(struct page) };

/* One reference; contents undefined, holder's fields zero. */
struct page *page_alloc(void) __attribute__((returns_nonnull));
static inline void page_ref(struct page *p)
{
    atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
}

static inline bool page_is_shared(const struct page *p)
{
    return atomic_load_explicit(&p->refs, memory_order_acquire) > 1;
}

/* NULL is allowed. */
void page_unref(struct page *p);
/* Pages handed out and not yet back, in the whole process. */
size_t page_count_used(void);
/* Pages free in the depot (not in magazines). */
size_t page_count_depot(void);
/* A thread that ends gives its magazine to the depot by itself; tests call this to see no leaks. */
void page_thread_flush(void);
void page_depot_free(void);

#endif
