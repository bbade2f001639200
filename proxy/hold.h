/* Statements and DDL. What a worker's statements and transactions still use of older catalog versions is told to the
 * catalog's feed, and so to the jobs of all nodes (ddl/hold.c); statements that come to a table which DDL holds (CAT_HELD)
 * wait here, without catalog, plan or connection, and are run again from the client's text when there is a newer version.
 *
 * A worker that stood still (the process was stopped, the machine had no time) may have been passed over by other nodes' DDL.
 * Its timer is served before all that has come in meanwhile; there it waits until the feed has spoken with the metadata, or has
 * failed to within HOLD_STALL_MS. If the node was taken for dead, everything under way loses its connections: it may have
 * been planned for tables that are others now.
 *
 * All on the worker's thread, but for hold_is_settled and hold_print. */
#ifndef PROXY_HOLD_H
#define PROXY_HOLD_H

#include "util/array.h"
#include "util/strbuf.h"

#include <pthread.h>
#include <stdatomic.h>

struct cat_table;
struct diag;
struct proxy_worker;
struct session;
struct stmt;
struct worker;

/* Less than the silence after which other nodes may pass this one over (ddl/hold.c), heartbeat and poll taken off. */
enum { HOLD_STALL_MS = 3000, HOLD_TRIES = 3 };

/* A table that a transaction has used, by the version of its definition. */
struct hold_use {
    uint64_t id, version;
};
ARRAY_OF(hold_uses, struct hold_use);
ARRAY_OF(hold_ids, uint64_t);

/* What one worker told last. */
struct hold_report {
    pthread_mutex_t lock;
    uint64_t version;    /* new statements are planned by this one or a later one */
    struct hold_ids ids; /* tables of which older definitions are in use */
    bool any;            /* something is under way of which it is not known yet what it will use */
    _Atomic bool asked;  /* a fresh one is on its way */
};

void hold_report_init(struct hold_report *r);
void hold_report_free(struct hold_report *r);

/* Before a plan is executed. False: the statement was put aside, or has ended with an error; nothing touches it any more. */
bool hold_pass(struct session *s) MUST_CHECK;
/* The same for a statement that asks a shard about one table (SHOW COLUMNS and the like). */
bool hold_pass_table(struct session *s, const struct cat_table *t) MUST_CHECK;
/* The statement failed with d on a shard. True: it was planned for tables that DDL has changed since, nothing of it was sent or
 * is left, and it is run again: nothing touches it any more. */
bool hold_retry(struct session *s, const struct diag *d) MUST_CHECK;
/* A statement has ended: what its transaction has used. */
void hold_note(struct session *s);
void hold_forget(struct session *s);
/* Takes a statement that was put aside out again (KILL, the client is gone). */
void hold_unpark(struct stmt *st);

/* lock_wait_timeout as the session has set it. */
uint64_t hold_wait_s(struct session *s, uint64_t otherwise);

/* The worker's catalog may be newer: tells what is in use, and lets those who wait try again. */
void hold_refresh(struct proxy_worker *pw);
/* Every tick: time-outs, standstills. */
void hold_tick(struct proxy_worker *pw);
/* Any thread: has the worker tell anew. */
void hold_ask(struct proxy_worker *pw);
/* Any thread. */
bool hold_is_settled(struct hold_report *r, uint64_t version, const uint64_t *ids, size_t n);
/* Any thread: adds the ids, "*" for any, to a list with commas; lowers *version to the worker's. */
void hold_print(struct hold_report *r, struct strbuf *b, uint64_t *version);

#endif
