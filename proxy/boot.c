/* Order of start: libraries, metadata bootstrap, DDL engine, catalog feed (first snapshot), AUTO_INCREMENT, recovery of
 * transactions, workers, listeners. Order of stop: the reverse. */
#include "proxy/boot.h"

#include "backend/pool.h"
#include "catalog/mconn.h"
#include "catalog/snapshot.h"
#include "catalog/pin.h"
#include "conf/conf.h"
#include "ddl/ddl.h"
#include "executor/autoinc.h"
#include "executor/exec.h"
#include "net/auth.h"
#include "net/listen.h"
#include "optimizer/cache.h"
#include "proxy/command.h"
#include "proxy/feed.h"
#include "proxy/proxy.h"
#include "proxy/session.h"
#include "proxy/tls.h"
#include "txn/registry.h"
#include "util/clock.h"
#include "util/log.h"

enum { METADATA_WAIT_MS = 30000, TICK_MS = 250, INTERRUPT_MS = 2000 };

static const struct conf *conf_of(struct proxy *px)
{
    return atomic_load_explicit(&px->conf, memory_order_acquire);
}

/* ---- per worker ---- */

static void tick(struct worker_timer *t)
{
    struct proxy_worker *pw = CONTAINER_OF(t, struct proxy_worker, tick);

    hold_tick(pw);
    session_tick_all(pw);
    worker_timer_arm(pw->worker, t, TICK_MS);
}

static void arm_tick(struct worker *w, void *arg)
{
    struct proxy_worker *pw = arg;

    worker_timer_arm(w, &pw->tick, TICK_MS);
}

static void make_worker(struct proxy *px, uint32_t i)
{
    struct proxy_worker *pw = &px->per_worker[i];
    struct worker *w = worker_new(i);

    px->workers[i] = w;
    pw->proxy = px;
    pw->worker = w;
    list_init(&pw->sessions);
    list_init(&pw->parked);
    list_init(&pw->offloads.line);
    hold_report_init(&pw->in_use);
    pw->tick_ms = clock_mono_ms();
    pw->tick.fn = tick;
    w->slot[WORKER_SLOT_PROXY] = pw;
    w->slot[WORKER_SLOT_PLANS] = plan_cache_new((uint32_t)conf_of(px)->plan_cache_entries);
}

/* ---- the fleet's face ---- */

/* What sessions have that set nothing: the global variables that vars_take knows, and what SYSTEM means there. */
static void learn_vars(struct proxy *px, struct mconn *c, struct arena *a)
{
    struct mresult r;
    struct diag why = {0};

    vars_init(px);
    if (mconn_query(c, SV("SELECT @@system_time_zone"), a, &r, &why) && r.rows == 1)
        px->system_tz = vars_system_zone(mresult_cell(&r, 0, 0));
    if (px->system_tz == tz_unknown)
        log_warn(LOG_MAIN, "the shards' SYSTEM time zone is not this machine's: TIMESTAMP as a partition column needs SET time_zone");
    for (size_t i = 0; vars_names[i]; i++) {
        diag_clear(&why);
        if (mconn_queryf(c, a, &r, &why, "SELECT @@global.%I", &(struct sv){vars_names[i], strlen(vars_names[i])}) && r.rows == 1)
            vars_take(px, &px->vars, sv_cstr(vars_names[i]), mresult_cell(&r, 0, 0));
    }
}

/* Version string and flavour of the first shard that answers. */
static bool learn_fleet(struct proxy *px, const struct cat_snapshot *cat, struct diag *d)
{
    const struct conf *conf = conf_of(px);
    struct diag why = {0};

    for (size_t i = 0; i < cat->shards.n; i++) {
        struct mconn_params p;
        struct mconn *c;
        struct arena a;
        struct mresult r;
        const char *version;

        mconn_params_shard(&p, conf, &cat->shards.v[i]);
        p.connect_timeout_ms = 3000;
        diag_clear(&why);
        if (!mconn_open(&p, &c, &why))
            continue;
        px->is_mariadb = mconn_is_mariadb(c);
        version = conf->server_version.len ? conf->server_version.ptr : mconn_server_info(c);
        snprintf(px->server_version, sizeof(px->server_version), "%s", version);
        /* MariaDB before 11 greets so, for the sake of old replicas; clients know it by that, and what they then take it for
         * decides which collations and system tables they use. */
        snprintf(px->greeting_version, sizeof(px->greeting_version), "%s%s",
            px->is_mariadb && !conf->server_version.len && sv_starts(sv_cstr(version), SV("10.")) ? "5.5.5-" : "", version);
        px->charset_id = px->is_mariadb ? 45 : 255;
        arena_init(&a, 0);
        if (mconn_query(c, SV("SELECT @@global.sql_mode"), &a, &r, &why) && r.rows == 1) {
            struct sv bad;

            if (!env_mode_parse(mresult_cell(&r, 0, 0), &px->sql_mode, &bad))
                log_warn(LOG_MAIN, "sql_mode of the shards has the unknown name %.*s", SV_ARG(bad));
        }
        learn_vars(px, c, &a);
        arena_free(&a);
        mconn_close(c);
        return true;
    }
    if (!cat->shards.n)
        return diag_setf(d, ER_CONFIG, "no shard is known: name them in the configuration's /shards");
    return diag_setf(d, ER_SHARD_DOWN, "no shard can be reached; the last one says: %s", why.text);
}

/* ---- start ---- */

static bool start_control(struct proxy *px, struct conf *conf, struct diag *d)
{
    struct ddl_config dc = {.conf = conf, .published = feed_published, .settled = feed_settled};
    struct txn_env_config tc;
    struct recover_config rc;
    struct cat_snapshot *cat;
    bool ok;

    if (!ddl_bootstrap(conf, d))
        return false;
    px->feed = feed_open(px, conf, METADATA_WAIT_MS, d);
    if (!px->feed)
        return false;
    cat = cat_pins_get(feed_pins(px->feed));
    ok = learn_fleet(px, cat, d);
    cat_snapshot_unref(cat);
    if (!ok)
        return false;
    dc.pins = feed_pins(px->feed);
    dc.node_id = feed_node_id(px->feed);
    dc.published_arg = px->feed;
    if (!ddl_start(&dc, &px->ddl, d))
        return false;
    tc = (struct txn_env_config){.node_id = feed_node_id(px->feed), .start_stamp = feed_stamp(px->feed),
                                 .commit_timeout_ms = (uint32_t)conf->commit_timeout_ms};
    px->txns = txn_env_new(&tc);
    px->recover_catalog = (struct recover_catalog){.pins = feed_pins(px->feed), .conf = conf};
    rc = (struct recover_config){.env = px->txns, .list = recover_list_catalog, .list_arg = &px->recover_catalog,
        .interval_ms = (uint32_t)conf->recovery_interval_ms};
    px->recovery = recover_new(&rc);
    if (!recover_start(px->recovery, d))
        return false;
    px->exec = xcalloc(1, sizeof(*px->exec));
    acct_init(&px->exec->memory, NULL, "process", conf->memory_limit);
    px->exec->query_memory = conf->query_memory_limit;
    px->exec->autoinc = autoinc_start(conf, d);
    return px->exec->autoinc != NULL;
}

static bool start_listeners(struct proxy *px, const struct conf *conf, struct diag *d)
{
    struct listen_config lc = {
        .host = conf->listen.host.ptr,
        .port = (uint16_t)conf->listen.port,
        .backlog = (int)conf->listen.backlog,
        .max_conns = (uint32_t)conf->max_connections,
        .count = &px->n_conns,
        .workers = px->workers,
        .n_workers = px->n_workers,
        .on_accept = session_accept,
        .arg = px,
    };

    px->listeners = listen_open(&lc, d);
    if (!px->listeners)
        return false;
    if (conf->listen.socket.len) {
        lc.host = NULL;
        lc.unix_path = conf->listen.socket.ptr;
        px->unix_listener = listen_open(&lc, d);
        return px->unix_listener != NULL;
    }
    return true;
}

struct proxy *boot_start(struct conf *conf, struct diag *d)
{
    struct proxy *px = xcalloc(1, sizeof(*px));

    px->started_s = clock_real_us() / 1000000;
    atomic_store_explicit(&px->conf, conf, memory_order_release);
    px->n_workers = (uint32_t)conf->workers;
    px->workers = xcalloc(px->n_workers, sizeof(struct worker *));
    px->per_worker = xcalloc(px->n_workers, sizeof(*px->per_worker));
    auth_global_init();
    if (!tls_for_clients(conf, &px->tls, d) || !start_control(px, conf, d)) {
        boot_stop(px);
        return NULL;
    }
    for (uint32_t i = 0; i < px->n_workers; i++) {
        make_worker(px, i);
        feed_attach_worker(px->feed, px->workers[i]);
    }
    if (!start_listeners(px, conf, d)) {
        boot_stop(px);
        return NULL;
    }
    for (uint32_t i = 0; i < px->n_workers; i++) {
        if (!worker_start(px->workers[i])) {
            diag_set(d, ER_INTERNAL, "no thread for a worker");
            boot_stop(px);
            return NULL;
        }
        px->n_running++;
        worker_post(px->workers[i], arm_tick, &px->per_worker[i]);
    }
    if (!feed_start(px->feed, d)) {
        boot_stop(px);
        return NULL;
    }
    return px;
}

/* ---- drain, reload, stop ---- */

static void drain_worker(struct worker *w, void *arg)
{
    (void)arg;
    session_drain_all(proxy_worker_of(w));
}

void boot_drain(struct proxy *px)
{
    atomic_store_explicit(&px->draining, true, memory_order_release);
    listen_close(px->listeners);
    if (px->unix_listener)
        listen_close(px->unix_listener);
    for (uint32_t i = 0; i < px->n_workers; i++)
        worker_post(px->workers[i], drain_worker, NULL);
}

bool boot_is_drained(const struct proxy *px)
{
    return atomic_load_explicit(&px->n_conns, memory_order_acquire) == 0;
}

void boot_reload(struct proxy *px, struct conf *conf)
{
    /* Readers hold no reference: configurations that were replaced stay until the end, a few kilobytes each. */
    atomic_store_explicit(&px->conf, conf, memory_order_release);
    listen_set_max(px->listeners, (uint32_t)conf->max_connections);
    log_set_level((enum log_level)conf->log.level);
}

static void end_worker(struct proxy *px, struct worker *w)
{
    uint32_t w_index = w->index;

    session_end_all(&px->per_worker[w_index]);
    pool_set_free(w);
    plan_cache_free(w->slot[WORKER_SLOT_PLANS]);
    if (w->slot[WORKER_SLOT_CATALOG])
        feed_detach_worker(px->feed, w);
    worker_free(w);
    hold_report_free(&px->per_worker[w_index].in_use);
}

static void interrupt_worker(struct worker *w, void *arg)
{
    (void)arg;
    session_interrupt_all(proxy_worker_of(w));
}

static void break_worker(struct worker *w, void *arg)
{
    struct diag d = {0};

    (void)arg;
    diag_set(&d, ER_SERVER_SHUTDOWN);
    pool_set_break(w, &d);
}

static void wait_for_sessions(const struct proxy *px, uint64_t ms)
{
    uint64_t deadline_ms = clock_mono_ms() + ms;

    while (!boot_is_drained(px) && clock_mono_ms() < deadline_ms)
        clock_sleep_ms(5);
}

/* What still runs is interrupted, and what does not end by that loses its connections: so that when the workers stop, nothing is
 * under way any more but sessions that wait for DDL. */
static void end_statements(struct proxy *px)
{
    if (px->listeners && !atomic_load_explicit(&px->draining, memory_order_acquire))
        boot_drain(px);
    for (uint32_t i = 0; i < px->n_running; i++)
        worker_post(px->workers[i], interrupt_worker, NULL);
    wait_for_sessions(px, INTERRUPT_MS);
    for (uint32_t i = 0; i < px->n_running; i++)
        worker_post(px->workers[i], break_worker, NULL);
    wait_for_sessions(px, INTERRUPT_MS / 10);
}

void boot_stop(struct proxy *px)
{
    if (px->n_running)
        end_statements(px); /* before what they use */
    if (px->feed)
        feed_stop(px->feed);
    if (px->recovery)
        recover_stop(px->recovery);
    ddl_stop(px->ddl);
    if (px->exec)
        autoinc_stop(px->exec->autoinc);
    for (uint32_t i = 0; i < px->n_running; i++)
        worker_stop(px->workers[i]);
    for (uint32_t i = 0; i < px->n_running; i++)
        worker_join(px->workers[i]);
    for (uint32_t i = 0; i < px->n_workers; i++) {
        if (px->workers[i])
            end_worker(px, px->workers[i]);
    }
    if (px->listeners)
        listen_free(px->listeners);
    if (px->unix_listener)
        listen_free(px->unix_listener);
    if (px->recovery)
        recover_free(px->recovery);
    if (px->txns)
        txn_env_free(px->txns);
    xfree(px->exec);
    feed_free(px->feed);
    tls_free(px->tls);
    auth_global_free();
    xfree(px->workers);
    xfree(px->per_worker);
    xfree(px);
}
