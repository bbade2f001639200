/* Branch: one transaction on one shard, between XA START and its end, with the shard's connection. Private to txn/.
 *
 * Life: xa_open -> (connection from the pool) -> xa_grant queues what stands before a statement, XA START the
 * first time, and hands the connection out -> statements -> one *step* after another (xa_step_*): a step is a run
 * of commands written together whose replies are awaited together, and ends in the step's callback with
 * br->step.how. -> xa_close gives connection and memory back. xa_detach makes a branch end by itself, with nobody
 * waiting.
 *
 * A command that stands before a statement ("prefix") and fails ends the connection: what was written behind it, the
 * statement among them, ran in a state that nobody wanted, but under autocommit=0, and is rolled back by the
 * server with the connection. All on the worker's thread. */
#ifndef TXN_XA_H
#define TXN_XA_H

#include "backend/pool.h"
#include "txn/registry.h"
#include "util/list.h"

struct commit_group;
struct txn;
struct branch;

enum branch_state {
    BRANCH_WAITING,    /* for a connection */
    BRANCH_CONNECTED,  /* has one; XA START not queued yet */
    BRANCH_ACTIVE,     /* XA START queued; statements may run */
    BRANCH_PREPARING,  /* XA END, XA PREPARE queued */
    BRANCH_PREPARED,
    BRANCH_COMMITTING, /* XA COMMIT (ONE PHASE) queued */
    BRANCH_ROLLING,    /* XA ROLLBACK queued */
    BRANCH_ENDED,      /* committed or rolled back: the connection is free */
    BRANCH_LOST        /* connection lost, or given up with the branch still open */
};
#define BRANCH_STATE_COUNT (BRANCH_LOST + 1)
const char *branch_state_name(enum branch_state s);
bool branch_move_allowed(enum branch_state from, enum branch_state to);

enum xa_how {
    XA_STEP_OK,
    XA_STEP_ERROR, /* the server refused: step.diag */
    XA_STEP_LOST   /* the connection ended first; whether the server did it is unknown unless !step.maybe_done */
};

enum xa_role {
    XA_ROLE_START,  /* prefixes */
    XA_ROLE_PREFIX,
    XA_ROLE_IGNORED, /* of a step: its error shows in what follows */
    XA_ROLE_DECIDES  /* of a step: its reply is the step's outcome */
};

struct xa_cmd {
    struct bcmd cmd;
    struct branch *br;
    bool in_use;
    uint8_t role; /* enum xa_role */
    char text[40];
};

enum { XA_CMDS = 8 };

struct branch {
    struct txn *txn; /* NULL: detached */
    struct txn_env *env;
    struct worker *worker;
    enum branch_state state;
    uint32_t shard_id;
    struct bconn *conn; /* BRANCH_CONNECTED and later, until given back */
    struct pool_waiter pw;
    void (*on_open)(struct branch *br, const struct diag *d); /* after BRANCH_WAITING; d: it failed */
    struct txn_bqual bqual;
    char xid[TXN_XID_TEXT_MAX];
    uint8_t xid_len;
    /* what the transaction did here: txn.c */
    uint8_t need;          /* enum txn_need: the strongest so far */
    uint8_t need_before;   /* before the running statement */
    uint8_t now_need;      /* of the lease that is out */
    bool leased;
    uint32_t order;        /* as the how many-th the transaction opened it, from 0 */
    bool started;          /* XA START was answered with OK */
    bool end_sent;         /* XA END went out */
    bool prepare_sent;     /* XA PREPARE went out, and was not refused */
    struct commit_group *group;
    bool stmt_saved;       /* the running statement's savepoint is set */
    bool stmt_wrote;       /* the running statement wrote here, and no savepoint undoes it */
    uint32_t saved;        /* of the transaction's savepoints, how many (from the oldest) are set here */
    struct list waiters;   /* leases that wait for this branch */
    /* the step under way */
    struct {
        uint32_t left;     /* replies to come; 0: no step under way */
        enum xa_how how;
        bool maybe_done;   /* XA_STEP_LOST */
        uint16_t code;     /* XA_STEP_ERROR: the server's */
        struct diag diag;
        void (*fn)(struct branch *br);
    } step;
    uint32_t queued;       /* own commands whose reply is to come, prefixes included */
    bool closed;           /* xa_close was called: the last reply frees it */
    bool detached;
    struct xa_cmd cmds[XA_CMDS];
};

/* A branch in BRANCH_WAITING; like: the session state wanted (for choosing the connection). POOL_READY: it is
 * connected, on_open is not called. POOL_WAIT: on_open comes later. POOL_FAIL: *d; close it. */
struct branch *xa_new(struct txn *t, struct txn_env *env, struct worker *w, uint32_t shard_id)
    __attribute__((returns_nonnull));
enum pool_result xa_open(struct branch *br, const struct sync_state *like, struct diag *d) MUST_CHECK;
/* Gives the connection back (closes it where its state is not certainly clean) and frees br. No step may be under
 * way, except in BRANCH_LOST. */
void xa_close(struct branch *br);
/* Nobody waits any more: the step under way, or the one begun next, is br's last; then it closes itself. */
void xa_detach(struct branch *br);
/* Ends the connection with what is on it: the running step becomes XA_STEP_LOST. */
void xa_give_up(struct branch *br, const char *why);

/* The holder of the lease found the connection lost. False: known already. */
bool xa_mark_lost(struct branch *br);

/* --- before a statement --- */

/* characteristics: text of SET TRANSACTION ..., static, or NULL. */
void xa_start(struct branch *br, const char *gtrid, const char *characteristics);
void xa_savepoint(struct branch *br, int32_t number); /* < 0: the statement's */
void xa_read_view(struct branch *br); /* the branch's consistent read view is opened now (REPEATABLE READ) */

/* --- steps; fn comes exactly once, never from inside the call --- */

typedef void xa_step_fn(struct branch *br);
void xa_step_read_view(struct branch *br, xa_step_fn *fn);
void xa_step_rollback_to(struct branch *br, int32_t number, xa_step_fn *fn);
void xa_step_prepare(struct branch *br, xa_step_fn *fn);
/* The commit record, then XA END. The result is the insert's. sql must stay valid until the running callback
 * returns. */
void xa_step_record(struct branch *br, struct sv sql, xa_step_fn *fn);
void xa_step_commit_one_phase(struct branch *br, xa_step_fn *fn);
/* The same with a commit record in front, whose result does not matter. sql as above. */
void xa_step_commit_marked(struct branch *br, struct sv sql, xa_step_fn *fn);
void xa_step_commit(struct branch *br, xa_step_fn *fn); /* of a prepared branch */
void xa_step_rollback(struct branch *br, xa_step_fn *fn);

/* The error codes that mean: this whole branch is rolled back, or can only be. */
bool xa_code_is_rollback(uint16_t code);

#endif
