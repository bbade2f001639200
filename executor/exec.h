/* Execution of one plan: leases connections through the transaction, sends each place its SQL, relays or merges what
 * comes back, and reports once how it ended. Embedded in its owner (a session's statement); one worker's thread.
 *
 * The client gets rows (and the metadata before them) directly; the *last* packet of an answer - OK, the end of the rows,
 * an error - is the owner's to send, in on_done, because what the transaction does at the statement's end may still
 * turn success into an error.
 *
 * Order of calls: exec_init, exec_start, (exec_client_drained | exec_cancel)*, on_done. After on_done nothing is under way and
 * the memory may go. on_done may come before exec_start returns.
 *
 * Files: exec.c routing, lanes and the end; relay.c one place; fanout.c writes to several places; gather.c reads from several
 * places; insert.c splitting of rows, AUTO_INCREMENT; move.c updates of partition columns. */
#ifndef EXECUTOR_EXEC_H
#define EXECUTOR_EXEC_H

#include "backend/bconn.h"
#include "router/place.h"
#include "optimizer/optimizer.h"
#include "optimizer/plan.h"
#include "router/place.h"
#include "txn/txn.h"
#include "types/env.h"
#include "util/acct.h"
#include "util/list.h"

struct exec;
struct exec_lane;
struct exec_many;
struct cat_snapshot;
struct autoinc;

enum exec_kind {
    EXEC_OK,   /* no rows: ok holds counts */
    EXEC_ROWS, /* metadata and rows were sent */
    EXEC_ERROR /* diag; rows may have been sent before */
};

struct exec_outcome {
    enum exec_kind kind;
    struct packet_ok ok; /* info lives in the statement's arena */
    uint64_t rows;       /* sent to the client; exact where counted (see rows_counted) */
    struct diag diag;
};

/* What is behind an execution; one const table for each kind of owner. */
/* Takes the rows of a read that is a part of a statement (gather.c), instead of the client. */
struct exec_taker {
    void (*columns)(struct exec *e, const struct packet_coldef *cols, uint32_t n);
    bool (*row)(struct exec *e, const struct sv *cells, uint32_t n); /* false: the execution has failed */
    void (*done)(struct exec *e); /* all rows are there; not after a failure */
};

struct exec_host {
    /* Once, before the first connection is asked for: what the statement does and whether in several places (the owner's
     * txn_stmt_begin). False: refused with d. */
    bool (*begin)(struct exec *e, enum txn_need need, bool several, struct diag *d);
    /* The statement sets a user variable to a value that a shard sent. */
    void (*set_variable)(struct exec *e, struct sv name, const struct packet_coldef *col, struct sv cell);
    /* Status flags for packets in the middle of an answer. */
    uint16_t (*status)(struct exec *e);
    void (*on_done)(struct exec *e, const struct exec_outcome *o);
};

/* Statements of one worker that hold a connection while they wait for others (offload.c): there are never so many of them that the
 * others find none. */
struct exec_gate {
    uint32_t n_inside;
    struct list line;
};

/* Process-wide, made at start. */
struct exec_shared {
    struct autoinc *autoinc;
    struct acct memory;       /* of all queries */
    int64_t query_memory;     /* limit of one query in bytes; 0: none */
    uint32_t batch_rows;      /* 0: the default */
};

enum exec_state {
    EXEC_NEW,
    EXEC_LEASING, /* no connection yet */
    EXEC_RUNNING,
    EXEC_ENDING,  /* an error or a cancel: waits for what is still under way */
    EXEC_FINISHED
};

enum lane_state { LANE_NEW, LANE_LEASING, LANE_BUSY, LANE_WARNINGS, LANE_DONE };

/* One piece of the statement on one shard. */
struct exec_lane {
    struct bcmd cmd;
    struct exec *e;
    struct bconn *conn;
    const struct bcmd_ops *ops; /* of the statement's own reply */
    enum lane_state state;
    uint32_t shard_id, place, index;
    struct sv sql; /* several places: its text. One place: unused, see relay.c */
    struct txn_result result;
    struct packet_ok ok;
    bool failed;
    bool quiet; /* its warnings are nobody's */
    bool kept;   /* the connection is the strategy's: it does not go back with the lane */
    bool ask_id;     /* LAST_INSERT_ID() is to be asked for behind the statement (vars.c) */
    bool now_frozen; /* SET timestamp is in force on the connection */
    bool asks_vars;  /* vars.c has something to ask behind the statement and its warnings */
    uint32_t n_listed; /* rows of SHOW WARNINGS */
    struct warn_sink *warned; /* its warnings by themselves (gather.c); NULL: straight to the statement's */
    struct packet_coldef *var_cols; /* vars.c */
    uint32_t n_var_cols;
    const uint32_t *rows; /* insert.c: which rows of the statement the lane has, from 1; NULL: all */
    uint32_t n_rows;
    uint64_t stmt_hash; /* prepare.c */
    bool want_meta;
    void *arg; /* gather.c: its source */
};

/* A prepared statement's text at one place, as a shard gets it. */
struct exec_place_text {
    struct sv text;
    uint64_t hash, signature; /* signature: of the session state that the hash was made under */
};

/* What a binary execution (COM_STMT_EXECUTE) brings for the one-place form. */
struct exec_prepared {
    const void *payload; /* COM_STMT_EXECUTE with all types, command byte first */
    size_t len;
    struct arena *arena;           /* of the client's statement: for texts */
    struct exec_place_text *texts; /* by partition; NULL: the text is another at each execution */
    uint32_t n_texts;
    uint64_t types;                /* hash of the parameters' kinds */
};

struct exec {
    const struct exec_host *host;
    struct exec_shared *shared;
    struct exec_gate *gate; /* the worker's */
    struct worker *worker;
    struct chan *client; /* NULL: rows are dropped (nobody reads them) */
    uint64_t caps;       /* the client's */
    bool serializable;   /* isolation level: plain reads lock */
    bool foreign_names;  /* lc_time_names is not English */
    bool foreign_results; /* strings for the client come in another character set than UTF-8 */
    bool binary;         /* rows in the binary protocol */
    struct txn *txn;
    struct sync_state *wanted; /* what a whole statement of the client's runs under */
    /* What pieces and steps run under that Tessera makes of it: without sql_select_limit, which would cut each of them. */
    struct sync_state *wanted_parts;
    struct sync_state *wanted_taken; /* the same, for rows that Tessera reads itself: strings in utf8mb4, whatever the client's results are in */
    uint64_t select_limit; /* sql_select_limit: most rows of a query without LIMIT; UINT64_MAX: no limit */
    const struct cat_snapshot *snapshot;
    struct arena *arena; /* of the statement */
    struct warn_sink *warnings;
    const struct warn_sink *said; /* execution of a prepared statement: what preparing it has already warned of; else NULL */
    const struct env *env;
    struct plan *plan;
    struct plan_inputs *inputs;
    const struct exec_prepared *prepared;
    struct packet_coldef *result_defs; /* metadata of the result where the caller has it (prepared statements) */
    uint32_t n_result_defs;

    /* exec.c's own */
    enum exec_state state;
    bool cancelled, client_full, in_start;
    bool meta_sent;   /* relay: packets that the channel did not number itself were sent behind those that it did */
    bool client_torn; /* a packet to the client will never be complete: nothing can follow it but the connection's end */
    struct exec_lane one;
    struct exec_lane *lanes;
    uint32_t n_lanes, n_done;
    void (*step_done)(struct exec *e); /* all lanes of the step have ended */
    void (*drained)(struct exec *e);   /* of a strategy that writes rows itself (gather): the client can take more */
    const struct exec_lane *first_warner; /* the lane whose deprecations are the statement's */
    void *step;                        /* the strategy's state */
    struct offload *offload;           /* set while offload.c runs the statement */
    const struct exec_taker *taker;    /* set while gather.c reads for another strategy */
    void *taker_arg;
    struct exec_outcome outcome;
    uint64_t relayed_rows;
    uint64_t returned_bytes; /* kept by returning.c */
    uint64_t last_insert_id; /* set by LAST_INSERT_ID(expr) in a query, or by a shard in INSERT ... RETURNING; 0: none */
    uint64_t generated_id; /* first AUTO_INCREMENT value that was generated; 0: none */
};

/* Everything but exec.c's own fields must be set. */
void exec_start(struct exec *e);
/* Stops the statement on the shards; on_done comes with ER_QUERY_INTERRUPTED unless the end was already there. */
void exec_cancel(struct exec *e);
/* What a server says, when it parses the statement, of constructs that no shard gets to see: they were taken out of its text. */
void exec_deprecations(const struct plan *p, const struct env *env, struct warn_sink *to);
/* The three numbers of an info text ("Rows matched: 3  Changed: 1  Warnings: 0"); false: it has other ones. */
bool exec_info_numbers(struct sv info, uint64_t out[3]);
/* The client's channel can take more. */
void exec_client_drained(struct exec *e);

#endif
