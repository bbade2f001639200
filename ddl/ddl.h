/* DDL: statements that change what exists, as durable jobs.
 *
 * A session hands a statement in as text (struct ddl_request) and is told once how it ended (ddl_done_fn). In between
 * the statement is a job: a row of tessera.ddl_job on the metadata server, carried out step by step by a control thread
 * of the engine through blocking connections, never on a worker. A job survives its session, and the process: any
 * tesserad that finds a job whose runner is gone completes it or undoes it (ddl/README: jobs, steps, locks).
 *
 * Call order: ddl_start (main thread, after the first snapshot was loaded; or ddl_bootstrap before that on a first
 * start) -> ddl_submit from any thread -> ddl_stop. The engine is one per process; its functions may be called by any
 * thread unless they say otherwise.
 *
 * Which statements: ddl_owns(ast). What is refused and what only gets a note is in ddl/README. The implicit commits
 * before and after a DDL statement are the session's. */
#ifndef DDL_DDL_H
#define DDL_DDL_H

#include "util/arena.h"
#include "util/diag.h"

struct ast_node;
struct cat_pins;
struct conf;
struct ddl_engine;

/* ---- what a session asks for ---- */

/* Everything that is read is copied by ddl_submit. */
struct ddl_request {
    struct sv sql;              /* the statement, in the character set `charset` */
    struct sv db;               /* current database; len 0: none */
    struct sv charset;          /* character_set_client, e.g. utf8mb4; ptr NULL: utf8mb4 */
    struct sv collation;        /* collation_connection; ptr NULL: the character set's default */
    struct sv sql_mode;         /* as the session's @@sql_mode reads; ptr NULL: the servers' default */
    struct sv time_zone;        /* ptr NULL: the servers' */
    struct sv user, host;       /* who asks, for SHOW DDL and CURRENT_USER */
    uint64_t session_id;        /* connection id, for SHOW DDL */
    bool no_foreign_key_checks; /* foreign_key_checks=0 */
    bool no_unique_checks;
    bool mariadb_syntax;  /* which dialect the parser is asked for (as the session's other statements) */
    uint32_t lock_wait_s; /* lock_wait_timeout of the session; 0: DDL_LOCK_WAIT_S */
};

enum { DDL_LOCK_WAIT_S = 50, DDL_WORKERS_MAX = 16 };

/* ---- how it ended ---- */

enum ddl_note_level { DDL_NOTE, DDL_WARNING, DDL_ERROR };

/* A row of SHOW WARNINGS. */
struct ddl_note {
    enum ddl_note_level level;
    uint16_t code;
    struct sv text;
};

/* A result set; cells row-major, ptr NULL: NULL. Types are protocol type codes (types/type.h). */
struct ddl_column {
    struct sv name;
    uint8_t type;
    uint32_t length; /* display width in characters */
};

struct ddl_rows {
    const struct ddl_column *cols;
    size_t n_cols;
    struct sv *cells;
    size_t n_rows;
};

struct ddl_result {
    struct arena arena; /* all that is below */
    bool ok;
    struct diag diag;  /* !ok: the error, with logical names */
    uint64_t affected; /* for the OK packet */
    const struct ddl_note *notes;
    size_t n_notes;              /* warning count of the OK packet; notes also come with errors (DROP TABLE) */
    const struct ddl_rows *rows; /* result set, or NULL (ANALYZE TABLE and the like) */
    uint64_t job_id;             /* 0: no job was written (refused, or IF NOT EXISTS) */
    uint64_t version;            /* catalog version that has the change, already loaded by this process; 0: unchanged */
};

/* Called exactly once for each submitted request, on a control thread: it must not block; a session posts r to its
 * worker's mailbox. The callee owns r from now on (ddl_result_free). Also called when the engine stops before the
 * statement was begun (1053). */
typedef void (*ddl_done_fn)(void *arg, struct ddl_result *r);

void ddl_result_free(struct ddl_result *r);

/* ---- the engine ---- */

struct ddl_config {
    struct conf *conf;     /* a reference is taken; servers, accounts, this node's name */
    struct cat_pins *pins; /* where snapshots are published; must have one already for ddl_start */
    uint32_t node_id;      /* of metadb_node_enter: this node's own heartbeat is not waited for */
    uint16_t threads;      /* control threads; 0: 4 */
    uint16_t shard_lanes;  /* statements at once on one shard within a step; 0: 2 */
    uint32_t
        barrier_ms; /* how long other nodes, and statements under way here, are waited for after a change; 0: 5,000 */
    uint32_t retry_ms; /* how long a job that must go on waits for a shard that is away before its client is
                        * answered (with a warning) and the background carries on; 0: 10,000 */
    uint32_t sweep_ms; /* how often jobs whose runner is gone are looked for; 0: 5,000 */
    /* Called on a control thread after a new snapshot was published in pins: make the workers refresh. May be NULL. */
    void (*published)(void *arg, uint64_t version);
    /* Whether all workers plan by `version` or a later one, and nothing under way here, transactions included, has used the
     * tables `ids` by an older definition. Called again and again; also starts looking. NULL: the pins tell. */
    bool (*settled)(void *arg, uint64_t version, const uint64_t *ids, size_t n);
    void *published_arg;
};

/* First start, before any snapshot is there: makes schema `tessera` and its tables on the metadata server where they
 * are missing (an older layout is brought up), registers the configuration's shards and root account if the fleet has
 * none yet, and makes `tessera`.`trx_log` on every registered shard that can be reached. Idempotent; several tesserads
 * may do it at once. A shard that is away is a line in the log, not an error: it is set up when a statement first needs
 * it. May block; the thread must have called mconn_thread_begin. False: d says what (ER_METADATA: the metadata server).
 */
bool ddl_bootstrap(struct conf *conf, struct diag *d) MUST_CHECK;

/* Starts the control threads, and one that finds jobs whose runner is gone, at once and then every few seconds. */
bool ddl_start(const struct ddl_config *c, struct ddl_engine **out, struct diag *d) MUST_CHECK;
/* Lets running steps end, leaves unfinished jobs to the next start, answers what was not begun with 1053, joins the
 * threads. e may be NULL. */
void ddl_stop(struct ddl_engine *e);

/* True if the statement is this folder's: everything that must go through ddl_submit. */
bool ddl_owns(const struct ast_node *stmt);

/* Queues the statement. done(arg, r) is called exactly once, maybe before this returns. Any thread; does not block. */
void ddl_submit(struct ddl_engine *e, const struct ddl_request *q, ddl_done_fn done, void *arg);
/* The same, waiting: for tests, tools, and control threads. */
struct ddl_result *ddl_execute(struct ddl_engine *e, const struct ddl_request *q);
/* Carries on every job whose runner is gone, now; returns how many jobs of the fleet are not finished. Control threads.
 */
size_t ddl_resume_all(struct ddl_engine *e);

#endif
