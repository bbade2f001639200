/* Session: one client connection, from accept to close. Lives on one worker and is touched by its thread only.
 *
 * Commands are taken one at a time: while one runs (SESSION_BUSY) the channel's input is paused, so that the command's
 * packet stays where it was read and can be relayed without a copy. A command ends with session_reply_*(), which sends the
 * last packet, frees the statement and goes on with the next packet.
 *
 * What outlives a statement is in struct session; what dies with it is in struct stmt, which is lent by the worker for the
 * time that a statement runs, so that an idle client costs little.
 *
 * Files: session.c life, input, replies; login.c; command.c the commands of the protocol; query.c statements by kind;
 * set.c SET and user variables; show.c; prepared.c; iquery.c statements that the proxy itself asks of a shard. */
#ifndef PROXY_SESSION_H
#define PROXY_SESSION_H

#include "executor/exec.h"
#include "net/chan.h"
#include "optimizer/cache.h"
#include "parser/ast.h"
#include "proxy/hold.h"
#include "proxy/stmt.h"
#include "proxy/vars.h"
#include "txn/txn.h"
#include "types/env.h"
#include "util/list.h"

struct auth_server;
struct cat_snapshot;
struct prepared_map;
struct proxy;
struct uservar;
struct prepared;
struct proxy_worker;
struct sideq;

enum session_state {
    SESSION_GREETED, /* handshake sent */
    SESSION_TLS,     /* TLS handshake under way; the login packet follows */
    SESSION_AUTH,    /* login packet taken, authentication goes on */
    SESSION_READY,   /* waits for a command */
    SESSION_BUSY,    /* a command runs */
    SESSION_ENDING,  /* last packet is being flushed */
    SESSION_GONE     /* client is gone; a command still runs and frees the session when it ends */
};
enum { SESSION_STATE_COUNT = SESSION_GONE + 1, SESSION_USER_MAX = 96, SESSION_HOST_MAX = 64,
    SESSION_WARNINGS_MAX = 65535 /* max_error_count can be no larger */
};

/* One running command. */
struct stmt {
    struct session *session;
    struct stmt *next_free;
    struct arena arena;
    struct diag diag;
    struct packet packet; /* of the command, unconsumed in the channel until the end */
    struct sv text;
    struct sv rest;       /* of the COM_QUERY, behind this statement */
    struct stmt_scan scan; /* its arrays are kept from statement to statement */
    struct ast_node *ast;
    struct plan *plan;
    struct plan_key key;
    struct plan_inputs inputs;
    struct env env;
    struct exec exec;
    struct exec_prepared prepared;
    struct prepared *executing;
    const struct warn_sink *said; /* EXECUTE: what preparing the statement has warned of; else NULL */
    struct sv db;              /* a prepared statement's own schema, where is_elsewhere */
    struct sync_state *wanted; /* with that schema; NULL: the session's */
    struct sync_state *wanted_parts; /* without sql_select_limit; NULL: the same */
    struct sync_state *wanted_taken; /* and with results in utf8mb4; NULL: the same */
    bool is_elsewhere;
    struct sideq *side; /* side query under way */
    struct warn_sink warnings;
    bool cacheable;
    bool binary;        /* rows to the client in the binary protocol */
    bool is_cancelled;  /* KILL QUERY, or the client is gone */
    bool more_follows;  /* another statement of the same COM_QUERY comes behind */
    bool no_warning_count; /* SHOW COUNT(*) WARNINGS */
    bool keep_warnings; /* SHOW WARNINGS leaves the list as it is */
    bool is_parked;     /* put aside by hold.c; the fields behind wake_at_ms are kept when it begins anew */
    uint64_t wake_at_ms; /* it tries again then, whatever the catalog; 0: never */
    struct list_node park_link;
    uint64_t park_until_ms;
    struct sv again;    /* text to begin anew with; ptr NULL: the command's packet */
    uint8_t tries;
    uint8_t first_seq;  /* the channel's sequence when it began: nothing was sent as long as it is that */
    bool txn_open;      /* txn_stmt_begin was called */
    bool is_rewritten;  /* infoschema.c has put in what the statement reads of information_schema */
    bool wrote;         /* it took locks or changed rows */
    const struct cat_snapshot *snapshot; /* borrowed from the worker's pin while the statement runs; NULL: not yet */
    void (*give_up)(struct session *s);  /* frees what arg holds when the step's side query is given up; NULL: nothing */
    void *arg;          /* of the step under way (set.c, show.c, ...) */
    uint64_t start_ns;
};

/* What every statement asks of the session's variables, kept beside them. */
struct session_view {
    uint64_t env_signature; /* of what plans depend on; 0: to be computed */
    uint64_t results;       /* of character_set_results as it was set, which plans' metadata name; 0: it was not */
    bool foreign_results;   /* results come to the client in another character set than UTF-8 */
    bool narrow_results;    /* not every character of the servers comes to the client */
    bool foreign_names;     /* months and days have other names than English ones */
    bool serializable;
};

struct session {
    struct chan chan;
    struct list_node link; /* proxy's list of the worker */
    struct proxy *proxy;
    struct worker *worker;
    enum session_state state;
    uint32_t id;
    uint64_t caps;
    char user[SESSION_USER_MAX];
    char host[SESSION_HOST_MAX];
    uint32_t collation_id; /* of the handshake */
    struct auth_server *auth; /* during login */
    unsigned char nonce[PACKET_NONCE_BYTES]; /* the greeting's: COM_CHANGE_USER answers the same one */
    char *login_db;           /* during login */
    struct txn *txn;
    struct sync_state *wanted; /* schema and session variables of the shard connections */
    struct sync_state *schema_wanted; /* the same as infoschema.c needs it, made from the state of signature schema_base */
    uint64_t schema_base;
    struct sv db;              /* on the heap; ptr NULL: none */
    uint64_t db_version;       /* catalog version in which db was last seen to exist */
    uint64_t sql_mode;
    struct session_vars vars;
    struct sql_opts sql_opts;
    struct session_view view;
    struct uservar *uservars;
    struct prepared_map *prepared;
    uint64_t last_insert_id;
    int64_t row_count;
    uint64_t found_rows;
    struct arena warn_arena;
    struct warn_sink warnings; /* of the statement before, for SHOW WARNINGS */
    struct stmt *stmt;
    struct hold_uses txn_uses; /* tables that the open transaction has used: DDL waits for its end */
    bool has_isolation_later;  /* SET SESSION TRANSACTION inside a transaction: from the next one on */
    struct sv isolation_later; /* SQL text, a constant; ptr NULL: DEFAULT */
    uint64_t statements;
    uint64_t wait_timeout_s; /* 0: the configuration's */
    uint64_t idle_since_ms; /* the last command ended then */
    bool is_loopback;
    bool is_unix; /* through the Unix socket */
    bool is_tls;
    bool kill_requested;
    bool in_loop, next_wanted; /* session.c finish(): several statements of one packet */
    bool multi_statements;
    bool schema_changed; /* the client has not been told yet (CAP_SESSION_TRACK) */
    bool no_backslash;
};

/* A connection was accepted on w (listen.h's callback; arg: struct proxy). */
void session_accept(struct worker *w, int fd, const struct sockaddr_storage *peer, void *arg);
/* The only place where the state changes. */
void session_set_state(struct session *s, enum session_state to);
/* Ends the session: at once (after_flush false), or when what is queued has been sent. */
void session_end(struct session *s, bool after_flush);
/* The server's greeting was sent by session_accept(); this takes what the client sends until SESSION_READY. */
void login_input(struct session *s);
void login_ready(struct session *s); /* TLS is up */
void login_start(struct session *s);
/* COM_CHANGE_USER, everything being reset already: ends the command and authenticates by its packet. */
void login_change_user(struct session *s);
/* The running command ends without an answer and the session is in SESSION_AUTH; false: it ends, as the client is gone or was to go. */
bool session_to_login(struct session *s) MUST_CHECK;

/* Forgets everything but the arena's first block and the scan's arrays. */
void stmt_clear(struct stmt *st);
/* Flags for OK and EOF packets. */
uint16_t session_status(const struct session *s);
/* The running statement uses no catalog any more, and so do not the transactions before it (DDL waits for nobody but others). */
void session_drop_snapshots(struct session *s);

/* --- end of a command; each may free s->stmt and start the next command --- */

void session_reply_ok(struct session *s, const struct packet_ok *ok);
/* OK with nothing affected. */
void session_reply_done(struct session *s);
void session_reply_err(struct session *s, const struct diag *d);
/* The rows were sent; only the end of the result is missing. */
void session_reply_rows_end(struct session *s, uint16_t warnings);
/* Whether preparing the statement that runs has warned of this. */
bool session_was_said(const struct session *s, unsigned code, struct sv text) PURE;
/* The statement's warnings become those that SHOW WARNINGS shows; for those who send the last packet themselves. */
void session_keep_warnings(struct session *s);
/* Everything was sent already. */
void session_reply_sent(struct session *s);

/* The schema changed (USE, COM_INIT_DB, connect). Empty: none. */
bool session_set_db(struct session *s, struct sv db, struct diag *d) MUST_CHECK;
/* The catalog has changed: a current schema that was dropped is none any more. */
void session_check_db(struct session *s);
/* SET SESSION TRANSACTION ISOLATION LEVEL of inside a transaction takes effect: the transaction is over, or about to be. */
void session_settle_isolation(struct session *s);
/* The schema and variables of the shards' connections become these; takes the reference. The only place where they change. */
void session_take_wanted(struct session *s, struct sync_state *wanted);
/* A session variable for the shards' connections; value: SQL text, ptr NULL: the server's global value. */
bool session_set_shard_var(struct session *s, struct sv name, struct sv value, struct diag *d) MUST_CHECK;
/* KILL: the running command ends with 1317 as soon as what is under way allows; the connection too if kill_requested. */
void session_interrupt(struct session *s);

/* --- all sessions of a worker (boot.c) --- */

/* A few times a second: idle clients over wait_timeout. */
void session_tick_all(struct proxy_worker *pw);
/* Idle clients without a transaction go now, the others behind their statement or transaction. */
void session_drain_all(struct proxy_worker *pw);
/* The process ends: idle clients go, commands that run are interrupted. */
void session_interrupt_all(struct proxy_worker *pw);
/* The worker's thread has ended: frees what is left. */
void session_end_all(struct proxy_worker *pw);

#endif
