/* The feed's thread beats every heartbeat_interval_ms: it writes the node's row (version that the workers plan by, tables of which
 * older definitions are in use). In between it asks for the catalog's version every POLL_MS, loads the snapshot when there is a
 * newer one, and beats as soon as what it has to say is new: DDL of other nodes waits for that. DDL of this process publishes by itself and only
 * has the workers told. Telling a worker means: refresh the pin, and make the pools fit the snapshot's shards. Names of servers are
 * resolved here, where it may block, once for all workers; the resulting struct bserver is shared by their pools. */
#include "proxy/feed.h"

#include "backend/pool.h"
#include "proxy/tls.h"
#include "catalog/metadb.h"
#include "catalog/pin.h"
#include "conf/conf.h"
#include "proxy/hold.h"
#include "proxy/proxy.h"
#include "util/clock.h"
#include "util/log.h"

#include <time.h>

struct pool_plan;

struct catalog_feed {
    struct proxy *proxy;
    const struct conf *conf;
    struct cat_pins pins;
    struct cat_pin *worker_pins; /* one a worker */
    struct pool_plan *first_plan; /* of the workers' start */
    struct ssl_ctx_st *shard_tls;
    pthread_mutex_t lock; /* conn and loading; taken by the feed's thread and by DDL's */
    struct mconn *conn;
    pthread_mutex_t stop_lock;
    pthread_cond_t stop_cond;
    bool stop;
    pthread_t thread;
    _Atomic bool started; /* read by DDL's threads */
    uint32_t node_id;
    uint64_t stamp;
    pthread_cond_t tried; /* with stop_lock: tried_ms has changed */
    uint64_t tried_ms;    /* when the last exchange with the metadata began, whatever became of it */
    uint64_t buried_ms;   /* when the last one ended that found this node taken for dead */
    uint64_t wanted_ms;   /* somebody waits for an exchange begun after that, with a beat */
    struct arena said_arena;
    uint64_t said_version; /* what the last beat said */
    struct sv said_busy;
    uint64_t next_beat_ms, next_warning_ms;
};

enum { POLL_MS = 100, BUSY_MAX_BYTES = 8000 };

struct cat_pins *feed_pins(struct catalog_feed *f)
{
    return &f->pins;
}

uint32_t feed_node_id(const struct catalog_feed *f)
{
    return f->node_id;
}

uint64_t feed_stamp(const struct catalog_feed *f)
{
    return f->stamp;
}

/* ---- workers ---- */

/* Pools of one worker as a snapshot has the shards. Servers are resolved by the caller, since that may block. */
struct pool_plan {
    struct catalog_feed *feed;
    _Atomic uint32_t refs;
    uint32_t n;
    struct {
        uint32_t shard_id;
        struct bserver *server;
    } shards[];
};

static void pool_plan_unref(struct pool_plan *p)
{
    if (atomic_fetch_sub_explicit(&p->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < p->n; i++) {
        if (p->shards[i].server)
            bserver_unref(p->shards[i].server);
    }
    xfree(p);
}

static struct pool_plan *make_pool_plan(struct catalog_feed *f, const struct cat_snapshot *s)
{
    const struct conf *conf = f->conf;
    struct pool_plan *p = xcalloc(1, sizeof(*p) + s->shards.n * sizeof(p->shards[0]));

    p->feed = f;
    p->refs = 1;
    for (size_t i = 0; i < s->shards.n; i++) {
        const struct cat_shard *sh = &s->shards.v[i];
        struct sv user = sh->user.len ? sh->user : conf->backend.user;
        struct sv password = sh->user.len ? sh->password : conf->backend.password;
        struct arena a;
        struct diag d = {0};
        struct bserver *server;

        arena_init(&a, 0);
        server = bserver_new(sh->name, arena_dup(&a, sh->host).ptr, sh->port, arena_dup(&a, user).ptr,
            arena_dup(&a, password).ptr, f->shard_tls, &d);
        if (server) {
            server->connect_timeout_ms = (unsigned)conf->pool.connect_timeout_ms;
            p->shards[p->n].shard_id = sh->id;
            p->shards[p->n++].server = server;
        } else {
            log_warn(LOG_BACKEND, "shard %.*s: %s", SV_ARG(sh->name), d.text);
        }
        arena_free(&a);
    }
    return p;
}

static void configure_pools(struct worker *w, struct pool_plan *p)
{
    const struct conf *conf = p->feed->conf;
    struct pool_config cfg = {
        .max_conns = (uint32_t)conf->pool.max_per_worker,
        .idle_timeout_ms = (uint32_t)conf->pool.idle_timeout_ms,
        .wait_timeout_ms = (uint32_t)conf->pool.wait_timeout_ms,
        .ping_ms = (uint32_t)conf->pool.probe_interval_ms,
    };

    for (uint32_t i = 0; i < p->n; i++)
        pool_configure(w, p->shards[i].shard_id, p->shards[i].server, &cfg);
}

static void on_worker(struct worker *w, void *arg)
{
    struct pool_plan *p = arg;

    cat_pin_refresh(w->slot[WORKER_SLOT_CATALOG]);
    configure_pools(w, p);
    pool_plan_unref(p);
    hold_refresh(proxy_worker_of(w));
}

void feed_attach_worker(struct catalog_feed *f, struct worker *w)
{
    struct cat_pin *pin = &f->worker_pins[w->index];

    cat_pin_open(pin, &f->pins);
    cat_pin_refresh(pin);
    w->slot[WORKER_SLOT_CATALOG] = pin;
    /* One for all workers, so that their pools share what is known of each server. */
    if (!f->first_plan)
        f->first_plan = make_pool_plan(f, cat_pin_snapshot(pin));
    configure_pools(w, f->first_plan);
}

void feed_detach_worker(struct catalog_feed *f, struct worker *w)
{
    (void)f;
    cat_pin_close(w->slot[WORKER_SLOT_CATALOG]);
    w->slot[WORKER_SLOT_CATALOG] = NULL;
}

static void tell_workers(struct catalog_feed *f, const struct cat_snapshot *s)
{
    struct pool_plan *p = make_pool_plan(f, s);

    for (uint32_t i = 0; i < f->proxy->n_workers; i++) {
        atomic_fetch_add_explicit(&p->refs, 1, memory_order_relaxed);
        worker_post(f->proxy->workers[i], on_worker, p);
    }
    pool_plan_unref(p);
}

/* ---- loading; with f->lock ---- */

static bool connected(struct catalog_feed *f, uint64_t wait_ms, struct diag *d)
{
    if (f->conn && mconn_is_lost(f->conn)) {
        mconn_close(f->conn);
        f->conn = NULL;
    }
    return f->conn || metadb_connect(f->conf, wait_ms, NULL, &f->conn, d);
}

static bool load(struct catalog_feed *f, struct diag *d)
{
    struct cat_snapshot *base = cat_pins_get(&f->pins), *next = NULL;
    bool ok = metadb_load(f->conn, base, &next, d);

    if (ok) {
        struct cat_snapshot *keep = cat_snapshot_ref(next);

        log_info(LOG_CATALOG, "catalog version %llu", (unsigned long long)next->version);
        cat_pins_publish(&f->pins, next);
        if (f->started)
            tell_workers(f, keep);
        cat_snapshot_unref(keep);
    }
    cat_snapshot_unref(base);
    return ok;
}

bool feed_reload(void *feed, uint64_t v, struct diag *d)
{
    struct catalog_feed *f = feed;
    bool ok = true;

    pthread_mutex_lock(&f->lock);
    if (cat_pins_version(&f->pins) < v)
        ok = connected(f, 0, d) && load(f, d);
    pthread_mutex_unlock(&f->lock);
    return ok;
}

void feed_published(void *feed, uint64_t version)
{
    struct catalog_feed *f = feed;
    struct cat_snapshot *s = cat_pins_get(&f->pins);

    (void)version;
    if (f->started)
        tell_workers(f, s);
    cat_snapshot_unref(s);
}

bool feed_settled(void *feed, uint64_t version, const uint64_t *ids, size_t n)
{
    struct catalog_feed *f = feed;
    bool ok = true;

    /* Jobs that are carried on while the process starts: no statement has run yet, but the first may run any moment. */
    if (!f->started)
        return cat_pins_lowest(&f->pins) >= version;
    for (uint32_t i = 0; i < f->proxy->n_workers; i++) {
        if (hold_is_settled(&f->proxy->per_worker[i].in_use, version, ids, n))
            continue;
        hold_ask(&f->proxy->per_worker[i]);
        ok = false;
    }
    return ok;
}

bool feed_was_buried(struct catalog_feed *f, uint64_t from_ms, uint64_t to_ms, uint64_t wait_ms)
{
    struct timespec until;
    bool buried;

    if (!f->started)
        return false;
    clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += (time_t)(wait_ms / 1000);
    pthread_mutex_lock(&f->stop_lock);
    f->wanted_ms = to_ms;
    pthread_cond_signal(&f->stop_cond);
    while (f->tried_ms < to_ms && !f->stop) {
        if (pthread_cond_timedwait(&f->tried, &f->stop_lock, &until) != 0)
            break;
    }
    buried = f->buried_ms >= from_ms;
    pthread_mutex_unlock(&f->stop_lock);
    return buried;
}

/* What the workers say together. */
static struct sv in_use(struct catalog_feed *f, struct arena *a, uint64_t *version)
{
    struct strbuf b;

    strbuf_init(&b, a);
    *version = cat_pins_version(&f->pins);
    for (uint32_t i = 0; i < f->proxy->n_workers; i++)
        hold_print(&f->proxy->per_worker[i].in_use, &b, version);
    if (b.len > BUSY_MAX_BYTES)
        return SV("*");
    return strbuf_sv(&b);
}

static bool say(struct catalog_feed *f, struct diag *d)
{
    uint64_t version, newest, now_ms = clock_mono_ms();
    bool buried = false;
    struct arena a;
    struct sv busy;

    arena_init(&a, 0);
    busy = in_use(f, &a, &version);
    if (now_ms >= f->next_beat_ms || version != f->said_version || !sv_eq(busy, f->said_busy)) {
        if (metadb_node_beat(f->conn, f->node_id, f->stamp, version, busy, &newest, &buried, d)) {
            arena_reset(&f->said_arena);
            f->said_version = version;
            f->said_busy = arena_dup(&f->said_arena, busy);
        }
        f->next_beat_ms = now_ms + (uint64_t)f->conf->heartbeat_interval_ms;
    }
    /* Statements end without telling. */
    if (version < cat_pins_version(&f->pins) || busy.len) {
        for (uint32_t i = 0; i < f->proxy->n_workers; i++)
            hold_ask(&f->proxy->per_worker[i]);
    }
    arena_free(&a);
    return buried;
}

static void poll_metadata(struct catalog_feed *f)
{
    struct diag d = {0};
    uint64_t newest = 0, began_ms = clock_mono_ms();
    bool buried = false;

    pthread_mutex_lock(&f->stop_lock);
    if (f->wanted_ms > f->tried_ms)
        f->next_beat_ms = 0;
    pthread_mutex_unlock(&f->stop_lock);
    pthread_mutex_lock(&f->lock);
    if (connected(f, 0, &d) && metadb_version(f->conn, &newest, &d) &&
        (newest <= cat_pins_version(&f->pins) || load(f, &d)))
        buried = say(f, &d);
    pthread_mutex_unlock(&f->lock);
    pthread_mutex_lock(&f->stop_lock);
    f->tried_ms = began_ms;
    if (buried)
        f->buried_ms = clock_mono_ms();
    pthread_cond_broadcast(&f->tried);
    pthread_mutex_unlock(&f->stop_lock);
    if (buried)
        log_warn(LOG_CATALOG, "the other nodes had taken this one for dead");
    if (diag_is_set(&d) && began_ms >= f->next_warning_ms) {
        log_warn(LOG_CATALOG, "metadata: %s", d.text);
        f->next_warning_ms = began_ms + (uint64_t)f->conf->heartbeat_interval_ms;
    }
}

static void *run(void *arg)
{
    struct catalog_feed *f = arg;

    mconn_thread_begin();
    pthread_mutex_lock(&f->stop_lock);
    while (!f->stop) {
        struct timespec until;
        uint64_t ms = MIN((uint64_t)f->conf->heartbeat_interval_ms, (uint64_t)POLL_MS);

        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += (time_t)(ms / 1000);
        until.tv_nsec += (long)(ms % 1000) * 1000000;
        if (until.tv_nsec >= 1000000000) {
            until.tv_sec++;
            until.tv_nsec -= 1000000000;
        }
        pthread_cond_timedwait(&f->stop_cond, &f->stop_lock, &until);
        if (f->stop)
            break;
        pthread_mutex_unlock(&f->stop_lock);
        poll_metadata(f);
        pthread_mutex_lock(&f->stop_lock);
    }
    pthread_mutex_unlock(&f->stop_lock);
    mconn_thread_end();
    return NULL;
}

/* ---- life ---- */

struct catalog_feed *feed_open(struct proxy *px, const struct conf *conf, uint64_t wait_ms, struct diag *d)
{
    struct catalog_feed *f = xcalloc(1, sizeof(*f));

    f->proxy = px;
    f->conf = conf;
    cat_pins_init(&f->pins);
    arena_init(&f->said_arena, 0);
    pthread_mutex_init(&f->lock, NULL);
    pthread_mutex_init(&f->stop_lock, NULL);
    pthread_cond_init(&f->stop_cond, NULL);
    pthread_cond_init(&f->tried, NULL);
    f->worker_pins = xcalloc(px->n_workers, sizeof(*f->worker_pins));
    if (!connected(f, wait_ms, d) ||
        !metadb_node_enter(f->conn, conf->node_name, conf->listen.host, (uint16_t)conf->listen.port, &f->node_id, &f->stamp, d) ||
        !load(f, d)) {
        feed_free(f);
        return NULL;
    }
    return f;
}

bool feed_start(struct catalog_feed *f, struct diag *d)
{
    f->started = true;
    if (pthread_create(&f->thread, NULL, run, f) == 0)
        return true;
    f->started = false;
    return diag_set(d, ER_INTERNAL, "no thread for the catalog feed");
}

void feed_stop(struct catalog_feed *f)
{
    struct diag d = {0};

    if (!f || !f->started)
        return;
    pthread_mutex_lock(&f->stop_lock);
    f->stop = true;
    pthread_cond_signal(&f->stop_cond);
    pthread_cond_broadcast(&f->tried);
    pthread_mutex_unlock(&f->stop_lock);
    pthread_join(f->thread, NULL);
    f->started = false;
    if (f->conn && !metadb_node_leave(f->conn, f->node_id, f->stamp, &d))
        log_warn(LOG_CATALOG, "leaving the node table: %s", d.text);
}

void feed_free(struct catalog_feed *f)
{
    if (!f)
        return;
    mconn_close(f->conn);
    arena_free(&f->said_arena);
    if (f->first_plan)
        pool_plan_unref(f->first_plan);
    xfree(f->worker_pins);
    cat_pins_free(&f->pins);
    pthread_mutex_destroy(&f->lock);
    pthread_mutex_destroy(&f->stop_lock);
    pthread_cond_destroy(&f->stop_cond);
    pthread_cond_destroy(&f->tried);
    xfree(f);
}
