/* Worker: one thread with one event loop, and everything that belongs to that thread: clock, timers, mailbox, buffer
 * pages, deferred work and a slot for each upper floor. Sessions, shard connections and pools live on exactly one
 * worker and are touched by that thread only; another thread reaches them through worker_post().
 *
 * A turn of the loop: wait -> each ready event's callback -> (after every callback) tasks, then flush of all channels
 * written to -> at the end of the turn deferred frees. So memory handed to worker_free_later() lives until no
 * callback of this turn can touch it any more, and everything written to a channel in one callback leaves in one
 * writev.
 *
 * Order of calls: worker_new() for all, then fill slots and make listeners, then worker_start() each; at the end
 * worker_stop(), worker_join(), worker_free(). */
#ifndef NET_WORKER_H
#define NET_WORKER_H

#include "util/sv.h"

#include <stdatomic.h>

struct event_base;
struct worker;
struct chan;

enum {
    WORKER_PAGE_BYTES = 16 * 1024,  /* one read of a socket; also the unit of queued output */
    WORKER_BULK_BYTES = 64 * 1024,  /* read size of a channel whose last read filled its page */
    WORKER_PAGES_KEPT = 64,         /* free pages a worker keeps of each size */
    WORKER_MAX = 256                /* workers a process may have */
};

/* Per-worker state of the upper floors, one owner each. */
enum worker_slot {
    WORKER_SLOT_POOLS,   /* backend: struct pool_set */
    WORKER_SLOT_CATALOG, /* catalog: the pinned snapshot */
    WORKER_SLOT_PLANS,   /* optimizer: plan cache */
    WORKER_SLOT_TXN,     /* txn */
    WORKER_SLOT_EXEC,    /* executor */
    WORKER_SLOT_PROXY,   /* proxy: its sessions */
    WORKER_SLOT_TEST,    /* unit tests */
    WORKER_SLOT_COUNT
};

typedef void (*worker_fn)(struct worker *w, void *arg);

/* A timer embedded in what it guards. Zero-initialised: not armed. Coarse: fires up to WORKER_TICK_MS late, never
 * early. Arming, moving and disarming cost a few pointer writes and no system call. */
enum { WORKER_TICK_MS = 16 };
struct worker_timer {
    struct worker_timer *next, **link; /* link NULL: not armed */
    struct worker *worker;
    uint64_t due_tick; /* in WORKER_TICK_MS since the clock's zero */
    void (*fn)(struct worker_timer *t); /* runs on the worker; t is disarmed before and may be armed or freed in it */
};

/* Work for later in the same turn, after the running callback: the way out of deep stacks. Zero-initialised: not
 * queued. Queuing one that is queued does nothing. */
struct worker_task {
    struct worker_task *next;
    struct worker_task **link; /* NULL: not queued */
    void (*fn)(struct worker_task *t);
};

/* Counters that any thread may read while the worker runs (relaxed; only the worker writes). */
struct worker_stats {
    _Atomic uint64_t turns, events, posts;
    _Atomic uint64_t reads, writes, bytes_in, bytes_out;
    _Atomic uint64_t writes_blocked; /* a write that the socket took only a part of */
    _Atomic uint64_t accepts, handovers;
    _Atomic uint64_t timers_fired;
};

#define WORKER_COUNT(w, what, n)                                                                                       \
    atomic_store_explicit(&(w)->stats.what,                                                                            \
                          atomic_load_explicit(&(w)->stats.what, memory_order_relaxed) + (n), memory_order_relaxed)

struct worker_page;  /* a free page */
struct worker_priv;  /* loop internals: wheel, mailbox, deferred frees */
struct chan_scratch; /* chan.c: buffers that all channels of the worker share during a call */
void chan_scratch_free(struct chan_scratch *s);

struct worker {
    struct event_base *base;
    uint32_t index;
    uint32_t page_count[2]; /* free pages kept: [0] WORKER_PAGE_BYTES, [1] WORKER_BULK_BYTES */
    uint64_t now_ns;        /* monotonic clock at the start of this turn */
    bool clock_is_fresh;    /* now_ns was read in this turn */
    struct worker_page *pages[2];
    struct chan *dirty;     /* channels with unflushed output, by chan.dirty_next */
    struct worker_task *tasks, **tasks_end;
    struct chan_scratch *scratch;
    void *slot[WORKER_SLOT_COUNT];
    _Atomic int32_t sessions; /* client connections placed here; written by listeners of all workers */
    struct worker_stats stats;
    struct worker_priv *priv;
};

/* Makes a worker with its loop; no thread yet. Aborts when the system gives no epoll or eventfd. */
struct worker *worker_new(uint32_t index);
/* Starts the thread, named tsr-w<index>. False: the system refused a thread. */
bool worker_start(struct worker *w) MUST_CHECK;
/* Runs the loop on the calling thread until worker_stop(); instead of worker_start(), for tests and tools. */
void worker_run(struct worker *w);
/* One turn on the calling thread, waiting at most max_ms (0: only what is ready). For tests. */
void worker_turn(struct worker *w, unsigned max_ms);
/* Makes the calling thread the worker's until worker_adopt(NULL), so that it may use channels and pools between
 * calls of worker_turn(). For tests and tools. */
void worker_adopt(struct worker *w);
/* Any thread: the loop ends after the turn that sees this. Does not wait. */
void worker_stop(struct worker *w);
/* Waits for the thread's end. Not on the worker. */
void worker_join(struct worker *w);
/* After join (or without a start). Runs deferred frees and posts that are left; slots must have been emptied. */
void worker_free(struct worker *w);

/* The worker of the calling thread, or NULL on other threads. */
struct worker *worker_current(void);
#define ASSERT_ON_WORKER(w) ASSERT(worker_current() == (w))

/* Any thread: has fn(w, arg) run on w, in the order of posts from one thread. Wakes w (a system call only when its
 * mailbox was empty). Allocates; not for the path of a statement. */
void worker_post(struct worker *w, worker_fn fn, void *arg);

/* Arms (or moves) t to fire in ms milliseconds, counted from the turn's clock. fn must be set. */
void worker_timer_arm(struct worker *w, struct worker_timer *t, uint64_t ms);
void worker_timer_disarm(struct worker_timer *t);
static inline bool worker_timer_armed(const struct worker_timer *t)
{
    return t->link != NULL;
}

/* Runs t->fn after the callback that is running now. */
void worker_task_queue(struct worker *w, struct worker_task *t);
void worker_task_cancel(struct worker *w, struct worker_task *t);

/* xfree(p) at the end of the turn; fn(p) for the second form. */
void worker_free_later(struct worker *w, void *p);
void worker_call_later(struct worker *w, void (*fn)(void *p), void *p);

/* A page of WORKER_PAGE_BYTES (bulk: WORKER_BULK_BYTES) from the free list, uninitialised; the most recently used
 * first. */
void *worker_page_get(struct worker *w, bool bulk);
void worker_page_put(struct worker *w, void *page, bool bulk);

/* Callbacks of events that upper floors add to w->base themselves begin with worker_enter() (reads the clock once a
 * turn) and end with worker_settle() (queued tasks, flush of written channels); those of channels, timers and posts
 * do it by themselves. */
void worker_clock_read(struct worker *w);
static inline void worker_enter(struct worker *w)
{
    if (!w->clock_is_fresh)
        worker_clock_read(w);
}
void worker_settle(struct worker *w);
/* Only the flush: after it no channel refers to borrowed memory. */
void worker_flush(struct worker *w);

/* Milliseconds of the turn's monotonic clock. */
static inline uint64_t worker_now_ms(const struct worker *w)
{
    return w->now_ns / 1000000;
}

/* The fewest-sessions rule: the index in ws[0..n) of the worker to place a new client on, seen from worker `self`,
 * which wins ties. Any thread. */
uint32_t worker_pick(struct worker *const *ws, uint32_t n, uint32_t self);

#endif
