/* Transactions over shards. A struct txn belongs to a session (or to a DDL job's execution) and lives as long as
 * it does, through any number of transactions, one after the other. It lives on one worker's thread; every call is
 * made there, nothing blocks, and what has to wait for a shard ends in a callback.
 *
 * Who asks for a connection to a shard asks here (txn_lease), never the pool itself:
 *   - no transaction open: a pool connection, given back after the statement. No XA, no extra bytes on the wire.
 *   - a transaction is open: the connection of this transaction's *branch* on that shard. The first touch of a
 *     shard opens the branch: `XA START` (and what must stand before it) is queued on the connection and leaves in
 *     the same write as the statement that the caller puts behind it. The connection stays with the branch until
 *     the transaction ends.
 *   - a statement that needs more than one place and writes, outside a transaction, gets one of its own (TXN_STMT).
 *
 * Order of calls for a statement (proxy's session = S, executor = E):
 *     S  txn_stmt_begin(t, &st)              once a logical statement; says what it may do and in how many places
 *     E    txn_lease(...) -> cb(conn)        as often as there are pieces of the statement
 *     E    (sends on conn; reads the reply)
 *     E    txn_release(t, conn, &result)     as soon as the reply was read to its end, or the connection was lost
 *     S  txn_stmt_end(t, ok, cb)             undoes the statement if !ok, ends TXN_STMT by commit or rollback
 * A statement inside a transaction that fails in one place is thereby undone in all; its error is the caller's. What
 * txn_stmt_end reports itself (commit failed, outcome unknown, transaction had to be rolled back) goes to the
 * client instead of the statement's OK, or of its own error. So: **the OK of a statement goes to the client only after txn_stmt_end has
 * called back**, except where txn_stmt_is_plain() says that nothing can come after the shard's own OK (then
 * txn_stmt_end calls back at once).
 *
 * Callbacks are called exactly once, maybe before the function that took them returns. The struct diag of a
 * callback is valid inside it. One operation at a time: begin, commit, rollback, savepoint calls and txn_stmt_end
 * must not be made while another one of them is under way or a lease is out (ASSERT).
 *
 * What is promised: see txn/README (atomicity, what is in doubt when, what recovery does). */
#ifndef TXN_TXN_H
#define TXN_TXN_H

#include "util/diag.h"

struct bconn;      /* backend/bconn.h */
struct sync_state; /* backend/sync.h: the session state that a statement wants */
struct txn;
struct txn_env;    /* txn/registry.h: what all transactions of a process share */
struct worker;

/* ---- what a session sees ---- */

enum txn_state {
    TXN_IDLE,       /* no transaction: each statement by itself */
    TXN_OPEN,       /* BEGIN, or the first statement under autocommit=0 */
    TXN_STMT,       /* implicit transaction around one statement */
    TXN_SAVEPOINT,  /* a savepoint command, or undoing a statement, is under way on the branches */
    TXN_PREPARING,  /* commit: prepares and the commit record are under way */
    TXN_DECIDING,   /* commit: the one-phase commit of the branch that decides is under way */
    TXN_COMMITTING, /* commit: decided; the other branches are being committed */
    TXN_ROLLING     /* rollback is under way */
};
#define TXN_STATE_COUNT (TXN_ROLLING + 1)
const char *txn_state_name(enum txn_state s);

/* What became of the latest transaction. */
enum txn_outcome {
    TXN_OUTCOME_OPEN, /* none yet, or it is still running */
    TXN_COMMITTED,
    TXN_ABORTED,
    TXN_IN_DOUBT /* the connection was lost while deciding: recovery finds out; the client got ER_UNKNOWN_OUTCOME */
};

/* Isolation level of the branches of the next transaction only (SET TRANSACTION without SESSION). The session's
 * own level is part of the wanted session state and is none of our business. */
enum txn_isolation {
    TXN_ISO_SESSION,
    TXN_ISO_READ_UNCOMMITTED,
    TXN_ISO_READ_COMMITTED,
    TXN_ISO_REPEATABLE_READ,
    TXN_ISO_SERIALIZABLE
};
enum txn_access { TXN_ACCESS_DEFAULT, TXN_READ_ONLY, TXN_READ_WRITE };

struct txn_begin {
    enum txn_access access;
    enum txn_isolation isolation;
    /* WITH CONSISTENT SNAPSHOT: a branch with a read view is opened on each of these shards before the callback comes
     * (the session passes all shards; NULL: none yet, a view is then opened at the first touch). A shard that
     * cannot be reached is left out and refuses this transaction's statements later. */
    bool consistent_snapshot;
    const uint32_t *shards;
    size_t n_shards;
};

/* What a statement does in one place. Decides which branches are prepared, which only end, and which savepoints
 * are needed. */
enum txn_need {
    TXN_NEED_READ,  /* consistent or dirty read; leaves no lock behind that others may wait for */
    TXN_NEED_LOCK,  /* FOR UPDATE, FOR SHARE, any read under SERIALIZABLE: writes nothing, but its locks must last */
    TXN_NEED_WRITE  /* may change rows (also: calls of functions and procedures that nobody looked into) */
};

/* A logical statement. */
struct txn_stmt {
    enum txn_need need; /* the strongest that any of its pieces has */
    bool several;       /* more than one piece (statement on a shard) may be sent: places, partitions or steps */
};

enum txn_done {
    TXN_DONE_OK,
    TXN_DONE_ERROR,
    TXN_DONE_LOST,
    TXN_DONE_UNUSED /* nothing of the statement was sent on it (cancelled before): there is nothing to undo */
};

/* How a piece ended, told to txn_release. */
struct txn_result {
    enum txn_done done;
    uint16_t error_code; /* TXN_DONE_ERROR: the shard's error code (1213 and its like end the whole transaction) */
};

/* d NULL: success. */
typedef void txn_done_fn(void *arg, const struct diag *d);
/* Success: conn, ready for a command, with what must stand before it already queued, d NULL. Else conn NULL and d. */
typedef void txn_lease_fn(void *arg, struct bconn *conn, const struct diag *d);

/* ---- life ---- */

/* On worker w's thread (the calling one). autocommit is on. */
struct txn *txn_new(struct txn_env *env, struct worker *w) __attribute__((returns_nonnull));
/* Ends it whatever state it is in: open branches are rolled back in the background; a commit that is under way is
 * carried on in the background to its end; no callback is called any more. */
void txn_free(struct txn *t);

enum txn_state txn_get_state(const struct txn *t);
enum txn_outcome txn_get_outcome(const struct txn *t);
/* SERVER_STATUS_IN_TRANS for the client's packets: as MySQL, set from BEGIN on, or from the first lease under
 * autocommit=0. */
bool txn_in_trans(const struct txn *t);
bool txn_is_read_only(const struct txn *t);
/* The global id of the open transaction (valid until it ends), or an empty view if it has no branch yet. */
struct sv txn_gtrid(const struct txn *t);
size_t txn_branch_count(const struct txn *t);
/* The session may be moved, parked, or its connection multiplexed: no branch and no lease is there. */
bool txn_is_quiet(const struct txn *t);

/* ---- transaction commands of the client; each commits an open transaction first where MySQL does ---- */

/* BEGIN, START TRANSACTION. o NULL: defaults. */
void txn_begin(struct txn *t, const struct txn_begin *o, txn_done_fn *cb, void *arg);
/* AND CHAIN: a new one with the same access and isolation; RELEASE is the session's. */
enum txn_completion { TXN_END, TXN_CHAIN };
/* COMMIT. Errors: ER_TXN_ABORTED-class (a prepare failed; everything is rolled back), ER_UNKNOWN_OUTCOME (in
 * doubt), the shard's own error. Whatever the error, the transaction is over. */
void txn_commit(struct txn *t, enum txn_completion how, txn_done_fn *cb, void *arg);
/* ROLLBACK. Never fails: what cannot be reached is rolled back by its server when the connection ends. */
void txn_rollback(struct txn *t, enum txn_completion how, txn_done_fn *cb, void *arg);
/* Before a statement that commits implicitly (DDL, SET autocommit=1, LOCK TABLES, ...): commits what is open, if
 * anything. */
void txn_implicit_commit(struct txn *t, txn_done_fn *cb, void *arg);
/* SET autocommit. 0 -> 1 inside a transaction commits it. */
void txn_set_autocommit(struct txn *t, bool on, txn_done_fn *cb, void *arg);
bool txn_autocommit(const struct txn *t);
/* SET TRANSACTION ... (without SESSION or GLOBAL): for the next transaction. Error 1568 inside one. */
bool txn_set_next(struct txn *t, const struct txn_begin *next, struct diag *d) MUST_CHECK;
/* SET SESSION TRANSACTION READ ONLY | READ WRITE, transaction_read_only: default access from now on. */
void txn_set_session_read_only(struct txn *t, bool on);
/* What SET TRANSACTION said of the next transaction and of the session's is forgotten (COM_RESET_CONNECTION). */
void txn_reset_settings(struct txn *t);
/* Answer the client when the outcome is decided, while the other branches still commit (default: when all have). A
 * read that the same session sends next may then not see its own write on another shard for a moment. */
void txn_set_answer_at_decision(struct txn *t, bool on);

/* SAVEPOINT n, ROLLBACK TO n (1305 if there is none), RELEASE SAVEPOINT n. Names compare without case. Outside a
 * transaction they do what MySQL does: SAVEPOINT nothing, the others 1305. Lazy: on branches that exist the
 * command is queued and leaves with the next statement there, so SAVEPOINT and RELEASE cost no round trip;
 * ROLLBACK TO waits for its answers. */
void txn_savepoint(struct txn *t, struct sv name, txn_done_fn *cb, void *arg);
void txn_rollback_to(struct txn *t, struct sv name, txn_done_fn *cb, void *arg);
void txn_release_savepoint(struct txn *t, struct sv name, txn_done_fn *cb, void *arg);

/* ---- statements ---- */

/* False: refused (1792: a write in a read-only transaction); txn_stmt_end must then not be called. */
bool txn_stmt_begin(struct txn *t, const struct txn_stmt *st, struct diag *d) MUST_CHECK;
/* Nothing is sent by txn_stmt_end if the statement succeeds: its OK may be relayed as it comes. */
bool txn_stmt_is_plain(const struct txn *t);
/* Between txn_stmt_begin and txn_stmt_end. A branch that another piece holds: the lease waits for its release, in
 * order. Without a transaction several leases of one shard get several connections. `want` is the session state
 * that the piece needs (NULL: any), without autocommit and transaction_read_only, which are txn's own; it must
 * stay valid until cb. Errors: ER_SHARD_DOWN and what connecting gives; 1792. */
void txn_lease(struct txn *t, uint32_t shard_id, enum txn_need need, struct sync_state *want, txn_lease_fn *cb,
               void *arg);
/* Takes back a lease that has not been given yet (cb is not called any more). False: there is none with this arg. */
bool txn_lease_cancel(struct txn *t, void *arg);
void txn_release(struct txn *t, struct bconn *c, const struct txn_result *r);
/* ok false: the statement failed or was cancelled; all its pieces have been released. cb's diag: NULL, or an error
 * that must be shown instead of success. After a failed statement diag tells only what the statement's own error
 * does not say: that the whole transaction is gone (txn_get_outcome) is not repeated when that error says it
 * (1213, 1205 with ...). */
void txn_stmt_end(struct txn *t, bool ok, txn_done_fn *cb, void *arg);

#endif
