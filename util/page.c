#include "util/page.h"
#include "util/arena.h"

#include <pthread.h>
#include <stdlib.h>

enum {
    MAGAZINE_MAX = 64, /* pages a thread keeps: 2 MiB */
    DEPOT_MAX = 2048 /* pages kept free for all: 64 MiB; beyond it they go back to the allocator */
};

struct magazine {
    struct page *top;
    unsigned n;
    bool registered;
};

static _Thread_local struct magazine magazine;
static pthread_mutex_t depot_lock = PTHREAD_MUTEX_INITIALIZER;
static struct page *depot;
static size_t depot_n;
static _Atomic size_t pages_used;
static pthread_key_t thread_end_key;
static pthread_once_t thread_end_once = PTHREAD_ONCE_INIT;

static void page_to_heap(struct page *p)
{
    free(p);
}

static struct page *page_from_heap(void)
{
    struct page *p = aligned_alloc(4096, PAGE_BYTES);

    if (!p)
        check_failed(__FILE__, __LINE__, "out of memory for pages");
    return p;
}

/* Moves pages from the magazine to the depot until `keep` are left. */
static void spill_to_depot(struct magazine *m, unsigned keep)
{
    struct page *surplus = NULL;

    pthread_mutex_lock(&depot_lock);
    while (m->n > keep) {
        struct page *p = m->top;

        m->top = p->next;
        m->n--;
        if (depot_n < DEPOT_MAX) {
            p->next = depot;
            depot = p;
            depot_n++;
        } else {
            p->next = surplus;
            surplus = p;
        }
    }
    pthread_mutex_unlock(&depot_lock);
    while (surplus) {
        struct page *next = surplus->next;

        page_to_heap(surplus);
        surplus = next;
    }
}

static void at_thread_end(void *arg)
{
    (void)arg;
    spill_to_depot(&magazine, 0);
    magazine.registered = false;
}

static void make_key(void)
{
    CHECK(pthread_key_create(&thread_end_key, at_thread_end) == 0);
}

static void register_thread(struct magazine *m)
{
    pthread_once(&thread_end_once, make_key);
    pthread_setspecific(thread_end_key, m);
    m->registered = true;
}

static struct page *refill(struct magazine *m)
{
    struct page *p;

    if (UNLIKELY(!m->registered))
        register_thread(m);
    pthread_mutex_lock(&depot_lock);
    while (depot && m->n < MAGAZINE_MAX / 2) {
        p = depot;
        depot = p->next;
        depot_n--;
        p->next = m->top;
        m->top = p;
        m->n++;
    }
    pthread_mutex_unlock(&depot_lock);
    p = m->top;
    if (!p)
        return page_from_heap();
    m->top = p->next;
    m->n--;
    return p;
}

struct page *page_alloc(void)
{
    struct magazine *m = &magazine;
    struct page *p = m->top;

    if (LIKELY(p)) {
        m->top = p->next;
        m->n--;
    } else {
        p = refill(m);
    }
    p->next = NULL;
    p->begin = p->end = p->user = 0;
    atomic_init(&p->refs, 1);
    atomic_fetch_add_explicit(&pages_used, 1, memory_order_relaxed);
    return p;
}

void page_unref(struct page *p)
{
    struct magazine *m = &magazine;

    if (!p)
        return;
    ASSERT(atomic_load_explicit(&p->refs, memory_order_relaxed) > 0);
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    atomic_fetch_sub_explicit(&pages_used, 1, memory_order_relaxed);
#ifdef WITH_ASAN
    page_to_heap(p); /* so that use after the last reference is seen */
    (void)m;
#else
    if (UNLIKELY(!m->registered))
        register_thread(m);
    if (UNLIKELY(m->n >= MAGAZINE_MAX))
        spill_to_depot(m, MAGAZINE_MAX / 2);
    p->next = m->top;
    m->top = p;
    m->n++;
#endif
}

size_t page_count_used(void)
{
    return atomic_load_explicit(&pages_used, memory_order_relaxed);
}

size_t page_count_depot(void)
{
    size_t n;

    pthread_mutex_lock(&depot_lock);
    n = depot_n;
    pthread_mutex_unlock(&depot_lock);
    return n;
}

void page_thread_flush(void)
{
    spill_to_depot(&magazine, 0);
}

void page_depot_free(void)
{
    struct page *p;

    pthread_mutex_lock(&depot_lock);
    p = depot;
    depot = NULL;
    depot_n = 0;
    pthread_mutex_unlock(&depot_lock);
    while (p) {
        struct page *next = p->next;

        page_to_heap(p);
        p = next;
    }
}
