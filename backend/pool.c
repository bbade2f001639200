/* Pools of shard connections; backend/pool.h has the contract.
 *
 * A connection is in one place (enum place): connecting, idle, leased, being reset or pinged (busy with our own
 * command), or lost (ended while leased: kept until its owner gives it back, so that the owner's pointer stays good).
 *
 * Waiters are served from a task, never from inside pool_release: so giving a connection back never runs another
 * session on top of one's own stack. While somebody waits, nobody else takes a free connection: first come, first
 * served.
 *
 * Down. A failed connect starts a window in which a lease that finds no idle connection fails at once; the window
 * doubles up to 5 s with each further failure. When it ends, the timer tries one connection by itself, so the
 * shard is found to be back without a statement having to try. */
#include "backend/pool.h"

#include "backend/bconn-int.h"
#include "util/arena.h"
#include "util/hash.h"
#include "util/log.h"

#include <stdio.h>

enum place { PLACE_CONNECTING, PLACE_IDLE, PLACE_LEASED, PLACE_SERVICE, PLACE_LOST };

enum {
    SWEEP_MS = 500,
    DOWN_FIRST_MS = 100,
    DOWN_MAX_MS = 5000,
    LOOK_ALIKE = 4,   /* idle connections looked at for one whose session state fits */
    KNOWN_SLOTS = 1024
};

struct pool {
    struct worker *worker;
    uint32_t shard_id;
    struct bserver *server;
    struct pool_config cfg;
    uint32_t generation;
    struct bconn *idle, *idle_tail; /* pool_next, pool_prev; most recently used first */
    struct bconn *all;              /* all_next, all_prev */
    struct pool_waiter *first, *last;
    uint32_t n_place[PLACE_LOST + 1];
    uint32_t n_waiting;
    struct worker_task serve;
    struct worker_timer sweep, probe;
    bool is_down, is_draining;
    uint64_t down_until_ms, down_since_ms, down_failed_ms;
    uint32_t down_window_ms;
    struct diag down_why;
    struct pool_stats stats;
    uint64_t known[KNOWN_SLOTS];
};

struct pool_set {
    struct worker *worker;
    struct pool **by_id;
    uint32_t n;
    struct kill_job *kills;
};

/* --- places and lists --- */

static uint32_t n_open(const struct pool *p)
{
    return p->n_place[PLACE_IDLE] + p->n_place[PLACE_LEASED] + p->n_place[PLACE_SERVICE];
}

static void set_place(struct pool *p, struct bconn *c, enum place to)
{
    p->n_place[c->pool_place]--;
    c->pool_place = (uint8_t)to;
    p->n_place[to]++;
}

static void idle_add(struct pool *p, struct bconn *c)
{
    set_place(p, c, PLACE_IDLE);
    c->pool_prev = NULL;
    c->pool_next = p->idle;
    if (p->idle)
        p->idle->pool_prev = c;
    else
        p->idle_tail = c;
    p->idle = c;
}

static void idle_remove(struct pool *p, struct bconn *c)
{
    if (c->pool_prev)
        c->pool_prev->pool_next = c->pool_next;
    else
        p->idle = c->pool_next;
    if (c->pool_next)
        c->pool_next->pool_prev = c->pool_prev;
    else
        p->idle_tail = c->pool_prev;
    c->pool_next = c->pool_prev = NULL;
}

/* The pool forgets c, and c ends. */
static void drop(struct pool *p, struct bconn *c, const char *why)
{
    if (c->pool_place == PLACE_IDLE)
        idle_remove(p, c);
    p->n_place[c->pool_place]--;
    if (c->all_prev)
        c->all_prev->all_next = c->all_next;
    else
        p->all = c->all_next;
    if (c->all_next)
        c->all_next->all_prev = c->all_prev;
    c->pool = NULL;
    if (c->pool_place == PLACE_LEASED)
        bconn_abandon(c, why);
    else
        bconn_close(c, why);
}

static void waiter_remove(struct pool *p, struct pool_waiter *pw)
{
    if (pw->prev)
        pw->prev->next = pw->next;
    else
        p->first = pw->next;
    if (pw->next)
        pw->next->prev = pw->prev;
    else
        p->last = pw->prev;
    pw->next = pw->prev = NULL;
    pw->pool = NULL;
    p->n_waiting--;
}

static void fail_waiters(struct pool *p, const struct diag *d)
{
    while (p->first) {
        struct pool_waiter *pw = p->first;

        waiter_remove(p, pw);
        p->stats.failed_fast++;
        pw->on_fail(pw, d);
    }
}

/* --- leasing --- */

static void lease(struct pool *p, struct bconn *c, const struct pool_waiter *pw)
{
    idle_remove(p, c);
    set_place(p, c, PLACE_LEASED);
    c->owner_kind = pw->owner_kind;
    c->owner = pw->owner;
    c->on_lease_lost = NULL;
    p->stats.leases++;
}

/* The most recently used idle connection, or one near the top whose session state needs no change. */
static struct bconn *pick(const struct pool *p, const struct sync_state *like)
{
    struct bconn *first = NULL;
    unsigned seen = 0;

    for (struct bconn *c = p->idle; c && seen < LOOK_ALIKE; c = c->pool_next) {
        if (UNLIKELY(c->state != BCONN_IDLE))
            continue; /* lost; the pool is about to hear of it */
        if (!like || sync_equal(c->synced, like))
            return c;
        if (!first)
            first = c;
        seen++;
    }
    return first;
}

static const struct bconn_ops pool_conn_ops;

static void connect_one(struct pool *p)
{
    struct bconn *c = bconn_new(p->worker, p->server, &pool_conn_ops, p);

    c->pool = p;
    c->pool_generation = p->generation;
    c->pool_place = PLACE_CONNECTING;
    p->n_place[PLACE_CONNECTING]++;
    c->born_ms = worker_now_ms(p->worker);
    c->all_next = p->all;
    if (p->all)
        p->all->all_prev = c;
    p->all = c;
    p->stats.connects++;
    bconn_start(c);
}

/* Inside the window after a failed connect, unless another worker has reached the server since. */
static bool still_down(const struct pool *p)
{
    return p->is_down && worker_now_ms(p->worker) < p->down_until_ms &&
        !(p->server && atomic_load_explicit(&p->server->reached_ms, memory_order_relaxed) > p->down_failed_ms);
}

/* As many connection attempts as there are waiters, within the cap. */
static void connect_for_waiters(struct pool *p)
{
    /* While the server is down, the probe tries for all. */
    if (still_down(p))
        return;
    while (p->server && p->n_place[PLACE_CONNECTING] + p->n_place[PLACE_SERVICE] < p->n_waiting &&
           n_open(p) + p->n_place[PLACE_CONNECTING] < p->cfg.max_conns)
        connect_one(p);
}

static void ensure_sweep(struct pool *p)
{
    if (!worker_timer_armed(&p->sweep))
        worker_timer_arm(p->worker, &p->sweep, SWEEP_MS);
}

static void serve_task(struct worker_task *t)
{
    struct pool *p = CONTAINER_OF(t, struct pool, serve);

    struct bconn *c;

    while (p->first && (c = pick(p, p->first->like)) != NULL) {
        struct pool_waiter *pw = p->first;
        uint64_t waited = p->worker->now_ns - pw->since_ns;

        waiter_remove(p, pw);
        p->stats.wait_us_total += waited / 1000;
        lease(p, c, pw);
        pw->on_conn(pw, c);
    }
    if (p->first && n_open(p) == 0 && p->n_place[PLACE_CONNECTING] == 0 && p->is_down)
        fail_waiters(p, &p->down_why);
    else
        connect_for_waiters(p);
}

static void want_serve(struct pool *p)
{
    if (p->first)
        worker_task_queue(p->worker, &p->serve);
}

enum pool_result pool_lease(struct pool *p, struct pool_waiter *pw, struct bconn **out, struct diag *d)
{
    ASSERT_ON_WORKER(p->worker);
    ASSERT(!pw->pool);
    if (LIKELY(!p->first && (*out = pick(p, pw->like)) != NULL)) {
        lease(p, *out, pw);
        return POOL_READY;
    }
    if (!p->server) {
        char id[16];

        snprintf(id, sizeof(id), "%u", p->shard_id);
        diag_set(d, ER_UNKNOWN_SHARD, id);
        return POOL_FAIL;
    }
    if (n_open(p) == 0 && still_down(p)) {
        p->stats.failed_fast++;
        *d = p->down_why;
        return POOL_FAIL;
    }
    if (p->n_waiting >= p->cfg.max_waiters) {
        diag_set(d, ER_SHARD_DOWN, p->server->name, "too many statements wait for a connection");
        return POOL_FAIL;
    }
    pw->pool = p;
    pw->since_ns = p->worker->now_ns;
    pw->next = NULL;
    pw->prev = p->last;
    if (p->last)
        p->last->next = pw;
    else
        p->first = pw;
    p->last = pw;
    p->n_waiting++;
    p->stats.waits++;
    connect_for_waiters(p);
    if (p->idle)
        want_serve(p);
    ensure_sweep(p);
    return POOL_WAIT;
}

void pool_cancel(struct pool_waiter *pw)
{
    if (pw->pool)
        waiter_remove(pw->pool, pw);
}

void pool_set_on_lost(struct bconn *c, void (*on_lost)(struct bconn *c, void *owner, const struct diag *d))
{
    c->on_lease_lost = on_lost;
}

/* --- coming back --- */

static bool is_too_old(const struct pool *p, const struct bconn *c)
{
    return c->pool_generation != p->generation || p->is_draining ||
           worker_now_ms(p->worker) - c->born_ms > p->cfg.max_age_ms;
}

static void make_idle(struct pool *p, struct bconn *c)
{
    c->idle_since_ms = c->pinged_ms = worker_now_ms(p->worker);
    idle_add(p, c);
    want_serve(p);
    ensure_sweep(p);
}

static void reset_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct bconn *c = cmd->arg;

    (void)ok;
    (void)is_result;
    (void)more;
    (void)payload;
    if (c->pool)
        make_idle(c->pool, c);
}

static void reset_on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct bconn *c = cmd->arg;

    (void)err;
    (void)payload;
    if (c->pool)
        drop(c->pool, c, "it could not be reset");
}

static void service_on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    /* on_closed follows and takes it out of the pool. */
    (void)cmd;
    (void)maybe_done;
    (void)d;
}

static const struct bcmd_ops reset_ops = {.on_ok = reset_on_ok, .on_err = reset_on_err, .on_lost = service_on_lost};

void pool_release(struct bconn *c)
{
    struct pool *p = c->pool;

    c->owner = NULL;
    c->owner_kind = NULL;
    c->on_lease_lost = NULL;
    if (!p) {
        /* Its pool has gone meanwhile. */
        bconn_close(c, "its pool has gone");
        return;
    }
    ASSERT(c->pool_place == PLACE_LEASED || c->pool_place == PLACE_LOST);
    if (c->state != BCONN_IDLE || c->is_paused || bconn_in_trx(c) || c->n_kills || is_too_old(p, c)) {
        drop(p, c, "given back in the middle of something");
        want_serve(p);
        return;
    }
    if (c->unclean) {
        set_place(p, c, PLACE_SERVICE);
        p->stats.resets++;
        c->pool_cmd = (struct bcmd){.ops = &reset_ops, .mode = BCMD_SWALLOW, .arg = c};
        bconn_simple(c, &c->pool_cmd, PCOM_RESET_CONNECTION);
        return;
    }
    make_idle(p, c);
}

void pool_discard(struct bconn *c, const char *why)
{
    struct pool *p = c->pool;

    if (p) {
        drop(p, c, why);
        want_serve(p);
    } else {
        bconn_close(c, why);
    }
}

/* --- what connections tell --- */

static void on_ready(struct bconn *c)
{
    struct pool *p = c->arg;

    if (p->server)
        atomic_store_explicit(&p->server->reached_ms, worker_now_ms(p->worker), memory_order_relaxed);
    if (p->is_down) {
        log_info(LOG_BACKEND, "shard %s is reachable again", p->server ? p->server->name : "?");
        p->is_down = false;
        p->down_window_ms = 0;
        worker_timer_disarm(&p->probe);
    }
    if (is_too_old(p, c)) {
        drop(p, c, "no longer wanted");
        connect_for_waiters(p);
        return;
    }
    make_idle(p, c);
}

static void went_down(struct pool *p, const struct diag *d)
{
    uint64_t now = worker_now_ms(p->worker);

    p->stats.connect_errors++;
    if (p->server)
        atomic_store_explicit(&p->server->failed_ms, now, memory_order_relaxed);
    if (!p->is_down) {
        log_warn(LOG_BACKEND, "%s", d->text);
        p->is_down = true;
        p->down_since_ms = now;
        p->down_window_ms = DOWN_FIRST_MS;
    } else if (now >= p->down_until_ms) {
        p->down_window_ms = MIN(p->down_window_ms * 2, (uint32_t)DOWN_MAX_MS);
    }
    p->down_until_ms = now + p->down_window_ms;
    p->down_failed_ms = now;
    p->down_why = *d;
    worker_timer_arm(p->worker, &p->probe, p->down_window_ms);
}

static void on_closed(struct bconn *c, const struct diag *d)
{
    struct pool *p = c->arg;
    enum place was = c->pool_place;

    if (!c->pool)
        return;
    if (was == PLACE_LEASED) {
        void (*tell)(struct bconn *, void *, const struct diag *) = c->on_lease_lost;

        p->stats.lost++;
        set_place(p, c, PLACE_LOST);
        c->on_lease_lost = NULL;
        if (tell)
            tell(c, c->owner, d);
    } else {
        if (was == PLACE_CONNECTING && c->pool_generation == p->generation)
            went_down(p, d);
        drop(p, c, "lost");
    }
    want_serve(p);
}

static const struct bconn_ops pool_conn_ops = {.on_ready = on_ready, .on_closed = on_closed};

/* --- timers --- */

static void probe_fired(struct worker_timer *t)
{
    struct pool *p = CONTAINER_OF(t, struct pool, probe);

    if (p->server && p->is_down && p->n_place[PLACE_CONNECTING] == 0 && n_open(p) < p->cfg.max_conns)
        connect_one(p);
}

static void ping_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct bconn *c = cmd->arg;
    uint64_t since = c->idle_since_ms;

    reset_on_ok(cmd, ok, is_result, more, payload);
    c->idle_since_ms = since; /* a ping is no use */
}

static const struct bcmd_ops ping_ops = {.on_ok = ping_on_ok, .on_err = reset_on_err, .on_lost = service_on_lost};

static void sweep_idle(struct pool *p, uint64_t now)
{
    struct bconn *c = p->idle_tail;

    while (c) {
        struct bconn *prev = c->pool_prev;

        if (now - c->idle_since_ms >= p->cfg.idle_timeout_ms || is_too_old(p, c)) {
            p->stats.closed_idle++;
            drop(p, c, "idle");
        } else if (now - c->pinged_ms >= p->cfg.ping_ms && c->state == BCONN_IDLE) {
            idle_remove(p, c);
            set_place(p, c, PLACE_SERVICE);
            c->pool_cmd = (struct bcmd){.ops = &ping_ops, .mode = BCMD_SWALLOW, .arg = c};
            bconn_simple(c, &c->pool_cmd, PCOM_PING);
        }
        c = prev;
    }
}

static void sweep_fired(struct worker_timer *t)
{
    struct pool *p = CONTAINER_OF(t, struct pool, sweep);
    uint64_t now = worker_now_ms(p->worker);

    sweep_idle(p, now);
    while (p->first && p->worker->now_ns - p->first->since_ns > (uint64_t)p->cfg.wait_timeout_ms * 1000000) {
        struct pool_waiter *pw = p->first;
        struct diag d = {0};
        char text[80];

        if (p->is_down && n_open(p) == 0) {
            d = p->down_why;
        } else {
            snprintf(text, sizeof(text), "no connection became free within %u ms", p->cfg.wait_timeout_ms);
            diag_set(&d, ER_SHARD_DOWN, p->server ? p->server->name : "?", text);
        }
        waiter_remove(p, pw);
        pw->on_fail(pw, &d);
    }
    connect_for_waiters(p);
    if (p->first || p->all)
        ensure_sweep(p);
}

/* --- sets --- */

struct pool_set *pool_set_of(struct worker *w)
{
    struct pool_set *s = w->slot[WORKER_SLOT_POOLS];

    if (!s) {
        s = xcalloc(1, sizeof(*s));
        s->worker = w;
        w->slot[WORKER_SLOT_POOLS] = s;
    }
    return s;
}

struct kill_job **pool_set_kills(struct worker *w)
{
    return &pool_set_of(w)->kills;
}

struct pool *pool_of(struct worker *w, uint32_t shard_id)
{
    struct pool_set *s = w->slot[WORKER_SLOT_POOLS];

    return s && shard_id < s->n ? s->by_id[shard_id] : NULL;
}

struct bserver *pool_server(const struct pool *p)
{
    return p->server;
}

static bool same_server(const struct bserver *a, const struct bserver *b)
{
    return a == b || (a && b && strcmp(a->host, b->host) == 0 && a->port == b->port && strcmp(a->user, b->user) == 0 &&
                      strcmp(a->password, b->password) == 0 && a->tls == b->tls && a->extra_caps == b->extra_caps);
}

static void set_config(struct pool *p, const struct pool_config *cfg)
{
    p->cfg = *cfg;
    if (!p->cfg.max_conns)
        p->cfg.max_conns = 64;
    if (!p->cfg.max_waiters)
        p->cfg.max_waiters = 100000;
    if (!p->cfg.idle_timeout_ms)
        p->cfg.idle_timeout_ms = 60000;
    if (!p->cfg.max_age_ms)
        p->cfg.max_age_ms = 3600000;
    if (!p->cfg.wait_timeout_ms)
        p->cfg.wait_timeout_ms = 10000;
    if (!p->cfg.ping_ms)
        p->cfg.ping_ms = 15000;
}

static void drop_idle(struct pool *p, const char *why)
{
    while (p->idle)
        drop(p, p->idle, why);
}

void pool_configure(struct worker *w, uint32_t shard_id, struct bserver *server, const struct pool_config *cfg)
{
    struct pool_set *s = pool_set_of(w);
    struct pool *p;

    if (shard_id >= s->n) {
        s->by_id = xrealloc(s->by_id, (shard_id + 1) * sizeof(struct pool *));
        while (s->n <= shard_id)
            s->by_id[s->n++] = NULL;
    }
    p = s->by_id[shard_id];
    if (!p) {
        p = s->by_id[shard_id] = xcalloc(1, sizeof(*p));
        p->worker = w;
        p->shard_id = shard_id;
        p->serve.fn = serve_task;
        p->sweep.fn = sweep_fired;
        p->probe.fn = probe_fired;
    }
    set_config(p, cfg);
    if (!same_server(p->server, server)) {
        struct bserver *old = p->server;

        p->generation++;
        p->server = server ? bserver_ref(server) : NULL;
        p->is_down = false;
        p->down_window_ms = 0;
        pool_forget_known(p);
        drop_idle(p, "the shard's entry has changed");
        if (!server) {
            struct diag d = {0};

            diag_set(&d, ER_UNKNOWN_SHARD, old->name);
            fail_waiters(p, &d);
        } else {
            connect_for_waiters(p);
        }
        bserver_unref(old);
    }
}

void pool_set_break(struct worker *w, const struct diag *d)
{
    struct pool_set *s = w->slot[WORKER_SLOT_POOLS];

    if (!s)
        return;
    for (uint32_t i = 0; i < s->n; i++) {
        struct pool *p = s->by_id[i];

        if (!p)
            continue;
        fail_waiters(p, d);
        for (struct bconn *c = p->all, *next; c; c = next) {
            next = c->all_next;
            if (c->pool_place == PLACE_LEASED)
                bconn_break(c, d);
        }
    }
}

void pool_set_free(struct worker *w)
{
    struct pool_set *s = w->slot[WORKER_SLOT_POOLS];
    struct diag d = {0};

    if (!s)
        return;
    diag_set(&d, ER_SERVER_SHUTDOWN);
    bconn_end_kills(w);
    for (uint32_t i = 0; i < s->n; i++) {
        struct pool *p = s->by_id[i];

        if (!p)
            continue;
        fail_waiters(p, &d);
        for (struct bconn *c = p->all, *next; c; c = next) {
            next = c->all_next;
            /* A leased one is its owner's to close. */
            if (c->pool_place == PLACE_LEASED || c->pool_place == PLACE_LOST) {
                c->pool = NULL;
                c->ops = NULL;
            } else {
                drop(p, c, "shutdown");
            }
        }
        worker_timer_disarm(&p->sweep);
        worker_timer_disarm(&p->probe);
        worker_task_cancel(w, &p->serve);
        bserver_unref(p->server);
        xfree(p);
    }
    xfree(s->by_id);
    xfree(s);
    w->slot[WORKER_SLOT_POOLS] = NULL;
}

void pool_get_stats(const struct pool *p, struct pool_stats *s)
{
    *s = p->stats;
    s->idle = p->n_place[PLACE_IDLE] + p->n_place[PLACE_SERVICE];
    s->leased = p->n_place[PLACE_LEASED] + p->n_place[PLACE_LOST];
    s->connecting = p->n_place[PLACE_CONNECTING];
    s->open = n_open(p);
    s->waiting = p->n_waiting;
    s->is_down = p->is_down;
    s->down_since_ms = p->down_since_ms;
    snprintf(s->down_text, sizeof(s->down_text), "%.255s", p->is_down ? p->down_why.text : "");
}

uint32_t pool_max_conns(const struct pool *p)
{
    return p->cfg.max_conns;
}

bool pool_is_down(const struct pool *p)
{
    return p->is_down && n_open(p) == 0;
}

void pool_retire_all(struct pool *p)
{
    p->is_draining = true;
    drop_idle(p, "draining");
}

/* --- learned facts --- */

bool pool_knows(const struct pool *p, uint64_t hash)
{
    return p->known[hash % KNOWN_SLOTS] == hash;
}

void pool_learns(struct pool *p, uint64_t hash)
{
    p->known[hash % KNOWN_SLOTS] = hash;
}

void pool_forget_known(struct pool *p)
{
    memset(p->known, 0, sizeof(p->known));
}
