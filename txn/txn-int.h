/* What txn.c (states, begin), stmt.c (statements, leases), savepoint.c and commit.c share. Private to txn/. */
#ifndef TXN_TXN_INT_H
#define TXN_TXN_INT_H

#include "txn/txn.h"
#include "txn/xa.h"
#include "util/array.h"
#include "util/fault.h"

ARRAY_OF(branch_array, struct branch *);

/* A savepoint that the client set. The shards know it as tsr_<number>. */
struct savepoint {
    char *name; /* heap */
    int32_t number;
};
ARRAY_OF(savepoint_array, struct savepoint);

/* What happens when the end of a transaction that is under way is reached. */
enum txn_after { TXN_AFTER_NOTHING, TXN_AFTER_BEGIN };

/* A request for a connection that could not be served at once. */
struct txn_wait {
    struct list_node node; /* on branch.waiters, or on txn.plain_waits */
    struct txn *txn;
    uint32_t shard_id;
    enum txn_need need;
    struct sync_state *want; /* one reference; NULL: any */
    txn_lease_fn *cb;
    void *arg;
    struct pool_waiter pw; /* outside a transaction */
};

/* The second phase of a commit over several shards: alive until each branch knows the decision, maybe longer than the
 * transaction object that began it. */
struct commit_group {
    struct txn_env *env;
    struct txn_gid gid;
    uint32_t primary_shard;
    uint32_t left;
    bool incomplete;    /* a branch could not be told: recovery's */
    struct txn *waiter; /* NULL: the client has its answer */
    struct worker *worker;
    struct branch_array branches;
    struct worker_timer timer;
};

struct txn {
    struct txn_env *env;
    struct worker *worker;
    enum txn_state state;
    enum txn_outcome outcome;
    bool autocommit, session_read_only, answer_at_decision;
    bool has_next;
    bool orphan; /* txn_free was called while an end was under way */
    struct txn_begin next; /* SET TRANSACTION */
    struct txn_begin cur;  /* of the open one */

    /* the open transaction */
    bool has_gid, is_registered; /* live in env */
    struct txn_gid gid;
    char gtrid[TXN_GTRID_MAX + 1];
    struct branch_array branches;
    uint32_t opened[TXN_PRIMARIES_MAX]; /* shards in the order in which their branches were opened */
    uint32_t n_opened;
    struct savepoint_array savepoints;
    bool has_snapshot; /* read views on all shards were opened at its begin */
    bool marked;       /* the only writer's one-phase commit carried a record */
    bool doomed;       /* must be rolled back as a whole; why: doom */
    struct diag doom;
    bool is_late; /* the one before was lost while no call was under way: late says why */
    struct diag late;

    /* the running statement */
    bool in_stmt;
    struct txn_stmt stmt;
    bool stmt_ended_ok; /* what the caller said of the statement that has ended */
    bool stmt_failed; /* found out here, not by the caller: why */
    struct diag stmt_diag;
    uint32_t leases;        /* out, of both kinds */
    struct list plain_waits;

    /* the operation under way */
    txn_done_fn *cb;
    void *arg;
    enum txn_after after;
    struct txn_begin after_begin;
    uint32_t pending; /* branches' steps awaited */
    bool failed;      /* the first failure: fail */
    struct diag fail;
    struct branch *primary;
    struct txn_wait *spare_wait;
    char *record_sql;
    struct worker_timer timer;
    void (*after_kills)(struct txn *t); /* waits for the timer: txn_wait_for_kills */

    /* session states made from the caller's: as wanted, with autocommit */
    struct sync_state *want_from, *want_plain, *want_branch;
};

/* Moves t->state by the table of allowed moves. */
void txn_set_state(struct txn *t, enum txn_state to);
bool txn_move_allowed(enum txn_state from, enum txn_state to);

/* From xa.c: the connection of br (which is t's) is gone; br->state is BRANCH_LOST already. */
void txn_branch_lost(struct txn *t, struct branch *br, const struct diag *d);
/* The whole transaction can only be rolled back from here on. */
void txn_doom(struct txn *t, const struct diag *d);
/* Fails what waits for br, takes it off t and closes it. */
void txn_drop_branch(struct txn *t, struct branch *br);
/* `want` with autocommit on (plain) or off (branch). A reference of t's, valid until the next call; NULL: too
 * large. */
struct sync_state *txn_want(struct txn *t, struct sync_state *want, bool branch);
/* XA START on a connected branch, and what a transaction of this kind needs with it. */
void txn_start_branch(struct txn *t, struct branch *br);

/* --- stmt.c --- */

/* Forgets all leases that wait; their callbacks are not called. */
void txn_cancel_waits(struct txn *t);

/* --- savepoint.c --- */

/* Queues the savepoints that br lacks, before something is written there. */
void txn_savepoints_to_branch(struct txn *t, struct branch *br);
void txn_savepoints_clear(struct txn *t);
/* Undoes the failed statement on all branches, then txn_op_done(d); or rolls the transaction back where that
 * cannot be. */
void txn_undo_stmt(struct txn *t, const struct diag *d);

/* --- commit.c --- */

/* A KILL of a cancelled statement that has not been through yet could hit what comes next on its connection: an interrupted commit is one
 * whose outcome is not known, an interrupted ROLLBACK TO or statement fails for nothing. True: some are under way, then(t) is called
 * when they should be through. */
bool txn_wait_for_kills(struct txn *t, void (*then)(struct txn *t)) MUST_CHECK;
/* Both end in txn_finish. d: what the client is told in the end (NULL: nothing, success). */
void txn_commit_start(struct txn *t);
void txn_rollback_start(struct txn *t, const struct diag *d);
/* Rolls back in the background, without an operation; t is idle afterwards. */
void txn_abandon(struct txn *t);
/* The transaction is over: outcome, counters, callback. */
void txn_finish(struct txn *t, enum txn_outcome outcome, const struct diag *d);
/* Ends an operation that leaves the transaction open. */
void txn_op_done(struct txn *t, const struct diag *d);
void txn_op_begin(struct txn *t, txn_done_fn *cb, void *arg);
/* An error found while no call was under way, once. */
bool txn_take_late_error(struct txn *t, struct diag *d) MUST_CHECK;
/* autocommit=0: the transaction that the next statement, or savepoint, begins. */
void txn_open_now(struct txn *t);
/* The implicit one around a statement. */
void txn_open_stmt(struct txn *t);
/* Opens the transaction that t->after_begin describes (which may open branches), then txn_op_done. */
void txn_begin_now(struct txn *t);

/* The commit records' table has gtrid (primary key), state ('C' committed, 'A' aborted by recovery), ts (ms since
 * 1970, when written), participants (shard ids). */
#define TXN_RECORD_INSERT "INSERT INTO tessera.trx_log (gtrid,state,ts,participants) VALUES ("

#endif
