/* Connection to a shard: connect, TLS, login, then a pipeline of commands. On one worker; leased from a pool
 * (backend/pool.h) or stand-alone (bconn_new, bconn_start).
 *
 * Pipeline. Each bconn_send_*() appends one command's packet to the output (it leaves with everything else that is
 * written in this callback) and queues a struct bcmd, which the caller owns (embedded in its statement) and which
 * must stay until its last callback. Replies are taken in order; each goes to its own command's ops. Exactly one
 * *last* callback per command: on_ok with more == false, on_err, or on_lost. In it the command is already off the
 * queue: it may be reused or freed, further commands may be sent, the lease may be given back.
 *
 * A statement's result, by bcmd.mode:
 *   BCMD_ROWS    on_meta(n), on_coldef() each, on_row() with each row's payload (joined), on_ok(end of result)
 *   BCMD_RELAY   on_raw() with runs of bytes as they arrived, frame headers included, cut anywhere (also inside
 *                packets): from the first packet of the reply up to, not including, the final OK/EOF/ERR packet,
 *                which comes parsed by on_ok / on_err. Nothing is decoded. With meta_parsed the column definitions
 *                come by on_meta/on_coldef instead and only rows are in the runs. on_meta_end tells where rows begin
 *                (before the first on_raw that has rows): there a client without CAP_DEPRECATE_EOF is sent its EOF,
 *                and seq_shift raised by one. The bytes may be borrowed (chan_write_ref) and changed in place.
 *   BCMD_SWALLOW results are read and dropped; only on_ok / on_err / on_lost
 * Sequence ids in raw runs are the shard's plus bcmd.seq_shift, rewritten in place: 0 is right when the reply is
 * the first thing that answers the client's command and both sides agree on CAP_DEPRECATE_EOF.
 * bcmd.last_seq is the (shifted) id of the last packet seen: what the next packet to the client builds on.
 *
 * Back-pressure: bconn_pause() stops callbacks and reading, bconn_resume() goes on (not from inside resume).
 *
 * Loss: when the connection ends, every queued command gets on_lost, in order, with whether the server can have
 * got it whole: if not, it was certainly not executed and may be sent again elsewhere.
 *
 * Errors: diag texts name the shard. States and moves: bconn_moves in bconn.c. */
#ifndef BACKEND_BCONN_H
#define BACKEND_BCONN_H

#include "backend/sync.h"
#include "net/auth.h"
#include "net/chan.h"
#include "util/fault.h"

#include <sys/socket.h>

struct bconn;
struct bcmd;
struct pool;

enum { BCONN_STMTS_MAX = 256, BCONN_NAME_MAX = 64, BCONN_ADDRS_MAX = 4 };

/* How to reach and enter one server. Immutable once given to a pool or connection, which count references (atomic). */
struct bserver {
    _Atomic uint32_t refs;
    _Atomic uint64_t reached_ms; /* a worker got a connection then (monotonic): the pools of others need not wait any longer */
    _Atomic uint64_t failed_ms;  /* a worker could not get one then */
    char name[BCONN_NAME_MAX + 1]; /* the shard's name, for messages */
    char *host, *user, *password;  /* host: for messages and TLS */
    uint16_t port;
    unsigned n_addrs;              /* resolved; tried in order */
    struct {
        struct sockaddr_storage addr;
        unsigned len;
    } addrs[BCONN_ADDRS_MAX];
    struct ssl_ctx_st *tls;        /* NULL: plain; else TLS is required */
    const char *tls_name;          /* host, where it is a name */
    unsigned connect_timeout_ms;   /* connect + login; 0: 5000 */
    uint64_t extra_caps;           /* asked for beyond the usual (CAP_LOCAL_FILES, CAP_FOUND_ROWS, ...) */
};
/* Resolves host (blocking where it is a name: call on the main or a control thread; a host with a '/' is a Unix
 * socket's path). One reference. */
struct bserver *bserver_new(struct sv name, const char *host, uint16_t port, const char *user, const char *password,
                            struct ssl_ctx_st *tls, struct diag *d) MUST_CHECK;
struct bserver *bserver_ref(struct bserver *s);
void bserver_unref(struct bserver *s);
/* The last attempt of any worker to connect has failed. Any thread. */
static inline bool bserver_is_down(const struct bserver *s)
{
    return atomic_load_explicit(&s->failed_ms, memory_order_relaxed) > atomic_load_explicit(&s->reached_ms, memory_order_relaxed);
}

enum bconn_state {
    BCONN_NEW,
    BCONN_CONNECTING,
    BCONN_GREETING, /* connected, waiting for the handshake packet */
    BCONN_TLS,
    BCONN_LOGIN,
    BCONN_IDLE,   /* logged in, no command queued */
    BCONN_BUSY,   /* commands queued */
    BCONN_CLOSED  /* ended; queued commands get on_lost, then on_closed is called */
};

enum bcmd_kind { /* the shape of the reply */
    BCMD_QUERY,    /* OK, ERR, LOCAL INFILE, or results */
    BCMD_OK,       /* OK, EOF or ERR only: PING, INIT_DB, RESET_CONNECTION, STMT_RESET, SET_OPTION */
    BCMD_PREPARE,  /* COM_STMT_PREPARE */
    BCMD_EXECUTE,  /* as BCMD_QUERY with binary rows */
    BCMD_FETCH,    /* rows, then EOF */
    BCMD_FIELDS,   /* COM_FIELD_LIST: column definitions, then EOF */
    BCMD_STRING    /* COM_STATISTICS: one packet, given to on_row, then on_ok */
};
enum bcmd_mode { BCMD_ROWS, BCMD_RELAY, BCMD_SWALLOW };

struct bcmd_ops {
    /* A result begins: number of columns. Modes ROWS, and RELAY with meta_parsed; PREPARE: on_prepared instead.
     * NULL allowed. */
    void (*on_meta)(struct bcmd *cmd, uint32_t n_columns);
    /* One column definition (PREPARE: parameters first, i < params, then columns), with its payload. NULL allowed. */
    void (*on_coldef)(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload);
    /* All column definitions are through; rows (or the end) follow. NULL allowed. */
    void (*on_meta_end)(struct bcmd *cmd);
    void (*on_prepared)(struct bcmd *cmd, const struct packet_prepare_ok *ok);
    void (*on_row)(struct bcmd *cmd, unsigned char *payload, size_t n);
    void (*on_raw)(struct bcmd *cmd, unsigned char *bytes, size_t n);
    /* OK, or the end of a result. is_result: rows (maybe none) came before it. more: another result of the same command
     * follows. payload: the packet as it came (ok's views point into it). PREPARE: last callback, after all
     * definitions. */
    void (*on_ok)(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload);
    /* The server's error; last callback. */
    void (*on_err)(struct bcmd *cmd, const struct packet_err *err, struct sv payload);
    /* The server asks for a file: answer with bconn_infile_data() and bconn_infile_end(). NULL: an empty file is
     * sent. */
    void (*on_infile)(struct bcmd *cmd, struct sv name);
    /* The connection ended before the last reply; last callback. maybe_done: the server can have got the whole command.
     * d: CR_SERVER_LOST, ER_SHARD_DOWN or ER_SHARD_LOST with the shard's name. */
    void (*on_lost)(struct bcmd *cmd, bool maybe_done, const struct diag *d);
};

/* One queued command. The caller sets ops, mode, meta_parsed, seq_shift, arg; sending sets the rest. */
struct bcmd {
    const struct bcmd_ops *ops;
    void *arg;
    struct bconn *conn; /* while queued */
    struct bcmd *next;
    uint64_t out_end;   /* chan.out_put behind its packet */
    uint8_t kind, mode; /* enum bcmd_kind, enum bcmd_mode */
    bool meta_parsed;
    bool barrier;       /* what is queued behind waits for this command's success; its failure fails them unsent */
    uint8_t seq_shift;
    uint8_t last_seq;
    uint64_t relayed_rows; /* RELAY: rows of the results so far; the caller sets it to 0 */
    uint8_t reply_seq;  /* where its reply's sequence begins: behind all frames of the command */
    uint8_t phase;      /* bparse.c */
    bool is_own;        /* bconn's own: freed by it */
    struct bstmt *stmt; /* BCMD_PREPARE: what it prepares */
};

struct bconn_ops {
    /* Logged in. */
    void (*on_ready)(struct bconn *c);
    /* Ended, for whatever reason, after all on_lost; last callback. d says why (ER_SHARD_DOWN before the login was
     * through). */
    void (*on_closed)(struct bconn *c, const struct diag *d);
};

struct bstmt; /* a prepared statement of this connection */
struct bconn_stmts;

/* Public for pool.c and for reading; changed through the calls below only. */
struct bconn {
    struct chan chan;
    const struct bconn_ops *ops;
    void *arg;
    struct bserver *server;
    enum bconn_state state;
    struct bcmd *first, *last; /* queue; first is the one being answered */
    uint32_t n_queued;
    uint32_t n_barriers;       /* of them, queued barriers: output behind the first one is held */
    uint32_t conn_id;          /* the server's thread id */
    uint64_t caps;             /* negotiated */
    uint16_t status;           /* last status flags seen */
    bool is_mariadb;
    bool is_paused;
    bool unclean;              /* set by the owner: temporary tables, locks or the like may exist: reset before reuse */
    bool free_wanted;          /* closed by its owner: no on_closed */
    bool is_ending, told_closed;
    uint8_t n_kills;           /* KILL QUERYs under way */
    uint8_t in_seq;            /* id of the reply's next packet */
    uint32_t version;          /* 80046, 101119 */
    struct sync_state *synced; /* what the connection has once its queue is done */
    struct bconn_stmts *stmts;
    struct framer framer;      /* BCMD_RELAY: the packet being passed on */
    uint32_t meta_left, meta_seen; /* column definitions */
    struct packet_prepare_ok prepared;
    struct auth_client *auth;  /* during login */
    unsigned addr_at;
    char version_text[48];
    struct diag why;
    struct worker_task task;   /* after the end */
    /* pool.c */
    struct pool *pool;
    struct bconn *pool_next, *pool_prev;
    struct bconn *all_next, *all_prev;
    struct bcmd pool_cmd;      /* its pings and resets */
    uint64_t idle_since_ms, pinged_ms, born_ms;
    uint32_t pool_generation;
    uint8_t pool_place;
    const char *owner_kind;    /* lease: what kind of owner and which, for SHOW and assertions */
    void *owner;
    void (*on_lease_lost)(struct bconn *c, void *owner, const struct diag *d);
};

/* A connection on w; nothing happens before bconn_start. */
struct bconn *bconn_new(struct worker *w, struct bserver *server, const struct bconn_ops *ops, void *arg);
/* Connects and logs in; on_ready or on_closed follows (never from inside). */
void bconn_start(struct bconn *c);
/* Closes (with COM_QUIT if idle) and frees c after the turn; do not touch it afterwards. Queued commands get
 * on_lost, as a task of this turn; on_closed is not called. Also how a connection is freed after its on_closed. */
void bconn_close(struct bconn *c, const char *why);

/* bconn_close of one that may be in the middle of a statement: the server would go on with it until it has something to
 * send, so it is told to stop (KILL, by a side connection of this worker). */
void bconn_abandon(struct bconn *c, const char *why);

/* Ends a leased connection as if the server had: queued commands get on_lost with d (as tasks), the lease goes on
 * until it is given back. For the holder who finds that what is on the connection must not go on. */
void bconn_break(struct bconn *c, const struct diag *d);

static inline bool bconn_usable(const struct bconn *c)
{
    return c->state == BCONN_IDLE || c->state == BCONN_BUSY;
}
/* Fault points are about what the servers have got: while any is armed, output leaves before the point is passed. */
static inline void bconn_flush_for_fault(struct bconn *c)
{
#ifdef WITH_FAULTS
    if (UNLIKELY(atomic_load_explicit(&fault_armed_count, memory_order_relaxed) != 0) && bconn_usable(c))
        chan_flush(&c->chan);
#else
    (void)c;
#endif
}
static inline bool bconn_in_trx(const struct bconn *c)
{
    return (c->status & STATUS_IN_TRANS) != 0;
}

/* --- commands; c must be usable (else the command gets on_lost, unsent, as a task) --- */

/* COM_QUERY whose text is the pieces of iov, borrowed until the running callback returns. */
void bconn_query_iov(struct bconn *c, struct bcmd *cmd, const struct iovec *iov, size_t n);
void bconn_query(struct bconn *c, struct bcmd *cmd, struct sv text);
/* Any command from its payload (command byte first), borrowed likewise; kind says what the reply looks like. */
void bconn_command(struct bconn *c, struct bcmd *cmd, enum bcmd_kind kind, const void *payload, size_t n);
/* COM_PING, COM_RESET_CONNECTION, ...: a command byte alone. */
void bconn_simple(struct bconn *c, struct bcmd *cmd, enum packet_com com);
/* A statement whose result does not matter (SAVEPOINT cleanup, ...): an error is logged, nothing else. */
void bconn_query_forget(struct bconn *c, struct sv text);
/* Commands without a reply (STMT_CLOSE, STMT_SEND_LONG_DATA, QUIT). */
void bconn_no_reply(struct bconn *c, const void *payload, size_t n);
/* From on_infile on, until bconn_infile_end: pieces of the file, copied; chan_out_full(&c->chan) says when to wait. */
void bconn_infile_data(struct bconn *c, const void *p, size_t n);
void bconn_infile_end(struct bconn *c);

/* Appends what makes the connection's session state equal to `wanted`: nothing at all where it is already. A
 * difference that has been accepted by this server before is pipelined; a new one is a barrier (one round trip,
 * once). If the server refuses, commands behind it fail unsent with its error (new difference) or the connection
 * is closed (known one). */
void bconn_sync(struct bconn *c, struct sync_state *wanted);
/* The session state was changed behind sync's back (a SET relayed as it is): names the state that it has now. */
void bconn_assume(struct bconn *c, struct sync_state *now);

void bconn_pause(struct bconn *c);
void bconn_resume(struct bconn *c);

/* KILL QUERY <conn_id> by a short-lived side connection of the same worker. Fire and forget: the command on c then
 * ends by its own reply, usually error 1317. A pool does not lease c again before the KILL is through. */
void bconn_cancel_query(struct bconn *c);

/* --- prepared statements --- */

/* Statements are known by a 64-bit hash of physical text, schema and sql_mode that the caller computes. */
struct bstmt {
    uint64_t hash;
    uint32_t id; /* the server's; 0: prepare under way */
    uint16_t params, columns;
    struct bstmt *next_same, *lru_next, *lru_prev;
    uint32_t uses;
};
/* NULL: not prepared here. Marks it used. */
struct bstmt *bconn_stmt_find(struct bconn *c, uint64_t hash);
/* Sends COM_STMT_PREPARE; cmd's ops see the definitions; when its on_ok comes, bconn_stmt_find finds it. Evicts
 * (COM_STMT_CLOSE) the least recently used over the cap. */
void bconn_stmt_prepare(struct bconn *c, struct bcmd *cmd, uint64_t hash, const struct iovec *iov, size_t n);
/* COM_STMT_EXECUTE: payload with command byte whose statement id is overwritten with st's on its way out (copied). */
void bconn_stmt_execute(struct bconn *c, struct bcmd *cmd, const struct bstmt *st, const void *payload, size_t n);
void bconn_stmt_forget(struct bconn *c, uint64_t hash);

#endif
