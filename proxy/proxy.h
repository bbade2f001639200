/* The process's one struct proxy: what all sessions share. Made and torn down by boot.c in an explicit order; after the
 * workers have started only the marked fields change. */
#ifndef PROXY_PROXY_H
#define PROXY_PROXY_H

#include "executor/exec.h"
#include "net/listen.h"
#include "net/worker.h"
#include "proxy/hold.h"
#include "proxy/vars.h"
#include "txn/recover.h"
#include "util/list.h"

#include <stdatomic.h>

struct conf;
struct cat_pins;
struct ddl_engine;
struct autoinc;
struct catalog_feed;
struct exec_shared;
struct session;
struct stmt;
struct txn_env;
struct ssl_ctx_st;

/* Per-worker state of the proxy (WORKER_SLOT_PROXY). */
struct proxy_worker {
    struct proxy *proxy;
    struct worker *worker;
    struct list sessions;
    struct stmt *free_stmts;
    uint32_t n_free_stmts;
    uint32_t next_id;
    bool draining;
    struct exec_gate offloads;
    struct list parked; /* statements put aside: hold.c, like all that follows but tick */
    struct hold_report in_use;
    uint64_t parked_version; /* catalog version with which they were last tried */
    uint64_t tick_ms;        /* last tick */
    struct worker_timer tick; /* once a second: timeouts of idle clients, drain */
};

struct proxy {
    _Atomic(const struct conf *) conf; /* swapped by SIGHUP; old ones are kept until the end */
    char server_version[64];
    char greeting_version[72];         /* the same, with what a MariaDB puts before it in the greeting */
    bool is_mariadb;                   /* flavour of the fleet */
    uint8_t charset_id;                /* of the greeting */
    uint64_t sql_mode;                 /* the shards' global one: what a new session has */
    struct session_vars vars;          /* the same */
    const struct tz *system_tz;        /* what SYSTEM is on the shards */
    struct worker **workers;
    struct proxy_worker *per_worker;
    uint32_t n_workers;
    uint32_t n_running; /* workers whose thread was started */
    struct listen_group *listeners, *unix_listener;
    _Atomic uint32_t n_conns;
    _Atomic bool draining;
    struct ssl_ctx_st *tls;         /* NULL: no TLS towards clients */
    struct ddl_engine *ddl;
    struct txn_env *txns;
    struct exec_shared *exec;
    struct catalog_feed *feed;
    struct recover *recovery;
    struct recover_catalog recover_catalog;
    uint64_t started_s;
};

static inline struct proxy_worker *proxy_worker_of(struct worker *w)
{
    return w->slot[WORKER_SLOT_PROXY];
}

#endif
