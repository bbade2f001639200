/* Pools of shard connections: one pool a worker and shard, found through the worker's WORKER_SLOT_POOLS. No locks.
 *
 * A connection is leased to one owner (a session's statement or transaction, a probe) and given back. Leases are
 * served from the idle stack, the most recently used first (one whose session state already fits is preferred
 * among the top few); else by a new connection while fewer than the cap exist; else the asker waits in line.
 * A server that cannot be reached fails askers at once (ER_SHARD_DOWN with the reason) for a window that grows
 * from 0.1 to 5 s; the first try after it, or the background probe, finds out whether it is back.
 * Life of a connection: idle_timeout and max_age end idle ones; an idle one is pinged every ping_ms. */
#ifndef BACKEND_POOL_H
#define BACKEND_POOL_H

#include "backend/bconn.h"

struct pool_set;

struct pool_config {
    uint32_t max_conns;         /* of this worker for this shard; 0: 64 */
    uint32_t max_waiters;       /* 0: 100000 */
    uint32_t idle_timeout_ms;   /* 0: 60 s */
    uint32_t max_age_ms;        /* 0: 1 h */
    uint32_t wait_timeout_ms;   /* in line for a connection; 0: 10 s */
    uint32_t ping_ms;           /* an idle connection is asked for a sign of life so often; 0: 15 s */
};

/* For SHOW; plain numbers of one worker, read through pool_stats on it. */
struct pool_stats {
    uint32_t open, idle, leased, connecting, waiting;
    uint64_t leases, waits, wait_us_total, connects, connect_errors, closed_idle, resets, lost, failed_fast;
    bool is_down;
    char down_text[256];
    uint64_t down_since_ms;
};

/* Who waits for a connection; embedded in the owner. Zero-initialised: not waiting. */
struct pool_waiter {
    struct pool_waiter *next, *prev;
    struct pool *pool; /* NULL: not waiting */
    uint64_t since_ns;  /* pool.c's */
    const struct sync_state *like;
    const char *owner_kind;
    void *owner;
    /* The lease is the waiter's (its owner_kind, owner). */
    void (*on_conn)(struct pool_waiter *pw, struct bconn *c);
    void (*on_fail)(struct pool_waiter *pw, const struct diag *d);
};

/* The worker's set (made on first use). On the worker, or before it started. */
struct pool_set *pool_set_of(struct worker *w);
/* Nobody waits any more, and what is lent is lost by whoever has it, as tasks of this turn; d says why. */
void pool_set_break(struct worker *w, const struct diag *d);
/* Closes everything; before worker_free, on the worker or after its end. */
void pool_set_free(struct worker *w);
/* Makes or changes the pool of shard `id`. A changed server (other address, user, ...) retires old connections
 * when they come back. server NULL: the shard is gone; waiting askers fail. */
void pool_configure(struct worker *w, uint32_t shard_id, struct bserver *server, const struct pool_config *cfg);
/* NULL: no such shard. */
struct pool *pool_of(struct worker *w, uint32_t shard_id);
struct bserver *pool_server(const struct pool *p);

enum pool_result {
    POOL_READY, /* *out is leased */
    POOL_WAIT,  /* pw is in line: on_conn or on_fail will come, never from inside this call */
    POOL_FAIL   /* *d is filled */
};
/* pw->on_conn, on_fail, owner_kind, owner and like (the session state wanted, or NULL) are set by the caller. */
enum pool_result pool_lease(struct pool *p, struct pool_waiter *pw, struct bconn **out, struct diag *d) MUST_CHECK;
/* Leaves the line; nothing happens if not waiting. */
void pool_cancel(struct pool_waiter *pw);

/* Gives a lease back. A connection with commands queued, paused or inside a transaction is closed (which rolls
 * back); one that is `unclean` is reset (COM_RESET_CONNECTION) first. Do not touch c afterwards. If it was lost
 * meanwhile, only forgets it. */
void pool_release(struct bconn *c);
/* Ends a lease by closing the connection. */
void pool_discard(struct bconn *c, const char *why);
/* Who is told when a leased connection that has no command queued is lost (a transaction's branch). NULL: nobody. */
void pool_set_on_lost(struct bconn *c, void (*on_lost)(struct bconn *c, void *owner, const struct diag *d));

void pool_get_stats(const struct pool *p, struct pool_stats *s);
bool pool_is_down(const struct pool *p);
uint32_t pool_max_conns(const struct pool *p);
/* A change on the server that makes learned facts stale (a schema dropped): sync differences become barriers again. */
void pool_forget_known(struct pool *p);
/* Closes idle connections and those that come back (drain). */
void pool_retire_all(struct pool *p);

#endif
