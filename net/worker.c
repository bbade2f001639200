/* The event loop of one thread.
 *
 * libevent is used for readiness only: one base without locks, persistent read events, one timer event that stands for
 * the whole wheel. event_base_loop(EVLOOP_ONCE) is one turn: it waits once and runs the callbacks of everything
 * that was ready; what must happen after a turn (deferred frees, reading the clock anew) is done here between two
 * calls.
 *
 * The wheel's timer event is armed for the next tick at which there is something to do, and moved only when an earlier
 * one comes: a statement's timeout lies behind what is armed already, so arming it touches the wheel alone.
 *
 * Other threads reach a worker through its mailbox, whose eventfd is an ordinary event of the loop. */
#include "net/worker.h"

#include "net/wheel.h"
#include "util/arena.h"
#include "util/clock.h"
#include "util/mbox.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>

struct later {
    void (*fn)(void *p);
    void *p;
};

struct worker_priv {
    struct mbox mbox;
    struct event ev_mbox, ev_wheel;
    struct wheel wheel;
    uint64_t armed_tick; /* ev_wheel; UINT64_MAX: not armed */
    struct later *later;
    size_t n_later, cap_later;
    pthread_t thread;
    bool has_thread;
    bool is_settling;
    bool is_firing;
    _Atomic bool stop;
};

struct worker_page {
    struct worker_page *next;
};

struct post {
    struct mbox_msg msg;
    worker_fn fn;
    void *arg;
    struct worker *worker;
};

static _Thread_local struct worker *current;

struct worker *worker_current(void)
{
    return current;
}

void worker_clock_read(struct worker *w)
{
    w->now_ns = clock_mono_ns();
    w->clock_is_fresh = true;
}

static uint64_t tick_of_ms(uint64_t ms)
{
    return ms / WORKER_TICK_MS;
}

/* --- timers --- */

static void arm_wheel_event(struct worker *w)
{
    struct worker_priv *p = w->priv;
    uint64_t next = wheel_next(&p->wheel), now_ms, at_ms;
    struct timeval tv;

    if (next == UINT64_MAX || next >= p->armed_tick)
        return;
    p->armed_tick = next;
    now_ms = worker_now_ms(w);
    at_ms = next * WORKER_TICK_MS;
    at_ms = at_ms > now_ms ? at_ms - now_ms : 1;
    tv.tv_sec = (time_t)(at_ms / 1000);
    tv.tv_usec = (suseconds_t)(at_ms % 1000 * 1000);
    CHECK(evtimer_add(&p->ev_wheel, &tv) == 0);
}

static void on_wheel(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    struct worker_priv *p = w->priv;
    unsigned fired;

    (void)fd;
    (void)what;
    worker_enter(w);
    p->armed_tick = UINT64_MAX;
    p->is_firing = true;
    fired = wheel_advance(&p->wheel, tick_of_ms(worker_now_ms(w)));
    p->is_firing = false;
    WORKER_COUNT(w, timers_fired, fired);
    arm_wheel_event(w);
    worker_settle(w);
}

void worker_timer_arm(struct worker *w, struct worker_timer *t, uint64_t ms)
{
    struct worker_priv *p = w->priv;
    uint64_t now_ms = worker_now_ms(w);

    ASSERT(t->fn);
    if (p->wheel.count == 0 && !p->is_firing)
        p->wheel.tick = tick_of_ms(now_ms); /* nothing there: no need to walk over the time that passed */
    wheel_remove(&p->wheel, t);
    t->due_tick = tick_of_ms(now_ms + MIN(ms, UINT64_C(1) << 40) + WORKER_TICK_MS - 1);
    t->worker = w;
    wheel_add(&p->wheel, t);
    if (!p->is_firing && t->due_tick < p->armed_tick)
        arm_wheel_event(w);
}

void worker_timer_disarm(struct worker_timer *t)
{
    if (t->link)
        wheel_remove(&t->worker->priv->wheel, t);
}

/* --- tasks, flush, deferred frees --- */

void worker_task_queue(struct worker *w, struct worker_task *t)
{
    if (t->link)
        return;
    t->next = NULL;
    t->link = w->tasks_end;
    *w->tasks_end = t;
    w->tasks_end = &t->next;
}

static void task_unlink(struct worker *w, struct worker_task *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    else
        w->tasks_end = t->link;
    t->link = NULL;
}

void worker_task_cancel(struct worker *w, struct worker_task *t)
{
    if (t->link)
        task_unlink(w, t);
}

void worker_settle(struct worker *w)
{
    struct worker_priv *p = w->priv;

    if (p->is_settling)
        return;
    p->is_settling = true;
    WORKER_COUNT(w, events, 1);
    for (;;) {
        struct worker_task *t = w->tasks;

        if (!t) {
            worker_flush(w);
            if (!w->tasks)
                break;
            continue;
        }
        task_unlink(w, t);
        t->fn(t);
    }
    p->is_settling = false;
}

void worker_call_later(struct worker *w, void (*fn)(void *p), void *what)
{
    struct worker_priv *p = w->priv;

    if (p->n_later == p->cap_later) {
        p->cap_later = MAX(p->cap_later * 2, (size_t)64);
        p->later = xrealloc(p->later, p->cap_later * sizeof(*p->later));
    }
    p->later[p->n_later++] = (struct later){fn, what};
}

void worker_free_later(struct worker *w, void *p)
{
    if (p)
        worker_call_later(w, xfree, p);
}

static void end_turn(struct worker *w)
{
    struct worker_priv *p = w->priv;

    worker_settle(w);
    /* What is freed may put off more. */
    for (size_t i = 0; i < p->n_later; i++) {
        struct later l = p->later[i];

        l.fn(l.p);
    }
    p->n_later = 0;
    WORKER_COUNT(w, turns, 1);
    w->clock_is_fresh = false;
}

/* --- pages --- */

void *worker_page_get(struct worker *w, bool bulk)
{
    struct worker_page *p = w->pages[bulk];

    if (p) {
        w->pages[bulk] = p->next;
        w->page_count[bulk]--;
        return p;
    }
    return xmalloc(bulk ? WORKER_BULK_BYTES : WORKER_PAGE_BYTES);
}

void worker_page_put(struct worker *w, void *page, bool bulk)
{
    struct worker_page *p = page;

#ifdef WITH_SANITIZER
    /* A page that is used after it was given back must show. */
    xfree(p);
    (void)w;
    (void)bulk;
#else
    if (w->page_count[bulk] >= WORKER_PAGES_KEPT) {
        xfree(p);
        return;
    }
    p->next = w->pages[bulk];
    w->pages[bulk] = p;
    w->page_count[bulk]++;
#endif
}

/* --- mailbox --- */

static void run_post(void *arg)
{
    struct post *m = arg;
    struct worker *w = m->worker;

    m->fn(w, m->arg);
    xfree(m);
}

static void drop_post(mbox_fn *fn, void *arg)
{
    (void)fn;
    xfree(arg);
}

void worker_post(struct worker *w, worker_fn fn, void *arg)
{
    struct post *m = xmalloc(sizeof(*m));

    m->fn = fn;
    m->arg = arg;
    m->worker = w;
    mbox_post_msg(&w->priv->mbox, &m->msg, run_post, m);
}

static void on_mbox(evutil_socket_t fd, short what, void *arg)
{
    struct worker *w = arg;
    size_t n;

    (void)fd;
    (void)what;
    worker_enter(w);
    n = mbox_drain(&w->priv->mbox);
    WORKER_COUNT(w, posts, n);
    worker_settle(w);
}

/* --- life --- */

struct worker *worker_new(uint32_t index)
{
    struct worker *w = xcalloc(1, sizeof(*w));
    struct worker_priv *p = xcalloc(1, sizeof(*p));
    struct event_config *cfg = event_config_new();

    CHECK(cfg);
    w->priv = p;
    w->index = index;
    w->tasks_end = &w->tasks;
    event_config_set_flag(cfg, EVENT_BASE_FLAG_NOLOCK);
    w->base = event_base_new_with_config(cfg);
    event_config_free(cfg);
    CHECK(w->base && "an event base");
    /* Timers before what has come in: who watches the clock (proxy/hold.c) must see a standstill before anything goes on. */
    CHECK(event_base_priority_init(w->base, 2) == 0);
    CHECK(mbox_init(&p->mbox) && "an eventfd");
    CHECK(event_assign(&p->ev_mbox, w->base, p->mbox.fd, EV_READ | EV_PERSIST, on_mbox, w) == 0);
    CHECK(event_add(&p->ev_mbox, NULL) == 0);
    CHECK(evtimer_assign(&p->ev_wheel, w->base, on_wheel, w) == 0);
    CHECK(event_priority_set(&p->ev_wheel, 0) == 0);
    p->armed_tick = UINT64_MAX;
    worker_clock_read(w);
    p->wheel.tick = tick_of_ms(worker_now_ms(w));
    return w;
}

void worker_run(struct worker *w)
{
    current = w;
    end_turn(w); /* what was put off before the loop began */
    while (!atomic_load_explicit(&w->priv->stop, memory_order_acquire)) {
        event_base_loop(w->base, EVLOOP_ONCE);
        end_turn(w);
    }
    atomic_store_explicit(&w->priv->stop, false, memory_order_relaxed);
    current = NULL;
}

static void on_turn_limit(evutil_socket_t fd, short what, void *arg)
{
    (void)fd;
    (void)what;
    (void)arg;
}

void worker_turn(struct worker *w, unsigned max_ms)
{
    struct worker *was = current;
    struct event limit;

    current = w;
    worker_enter(w);
    worker_settle(w);
    evtimer_assign(&limit, w->base, on_turn_limit, NULL);
    if (max_ms) {
        struct timeval tv = {max_ms / 1000, max_ms % 1000 * 1000};

        evtimer_add(&limit, &tv);
    }
    event_base_loop(w->base, max_ms ? EVLOOP_ONCE : EVLOOP_NONBLOCK);
    evtimer_del(&limit);
    end_turn(w);
    current = was;
}

void worker_adopt(struct worker *w)
{
    current = w;
}

static void *thread_main(void *arg)
{
    worker_run(arg);
    return NULL;
}

bool worker_start(struct worker *w)
{
    sigset_t all, old;
    char name[16];

    /* Signals are the main thread's. */
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    w->priv->has_thread = pthread_create(&w->priv->thread, NULL, thread_main, w) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    if (!w->priv->has_thread)
        return false;
    snprintf(name, sizeof(name), "tsr-w%u", w->index);
    pthread_setname_np(w->priv->thread, name);
    return true;
}

static void post_stop(struct worker *w, void *arg)
{
    (void)arg;
    atomic_store_explicit(&w->priv->stop, true, memory_order_release);
}

void worker_stop(struct worker *w)
{
    worker_post(w, post_stop, NULL);
}

void worker_join(struct worker *w)
{
    if (w->priv->has_thread)
        CHECK(pthread_join(w->priv->thread, NULL) == 0);
    w->priv->has_thread = false;
}

void worker_free(struct worker *w)
{
    struct worker_priv *p = w->priv;
    struct worker *was = current;

    ASSERT(!p->has_thread);
    current = w;
    worker_clock_read(w);
    mbox_drain(&p->mbox);
    end_turn(w);
    current = was;
    event_del(&p->ev_mbox);
    evtimer_del(&p->ev_wheel);
    mbox_destroy(&p->mbox, drop_post);
    event_base_free(w->base);
    for (int i = 0; i < 2; i++) {
        while (w->pages[i]) {
            struct worker_page *next = w->pages[i]->next;

            xfree(w->pages[i]);
            w->pages[i] = next;
        }
    }
    if (w->scratch)
        chan_scratch_free(w->scratch);
    xfree(p->later);
    xfree(p);
    xfree(w);
}

uint32_t worker_pick(struct worker *const *ws, uint32_t n, uint32_t self)
{
    uint32_t best = self;
    int32_t least = atomic_load_explicit(&ws[self]->sessions, memory_order_relaxed);

    for (uint32_t i = 0; i < n; i++) {
        int32_t s = atomic_load_explicit(&ws[i]->sessions, memory_order_relaxed);

        if (s < least) {
            least = s;
            best = i;
        }
    }
    return best;
}
