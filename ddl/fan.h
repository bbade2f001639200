/* Work on many servers at once, for control threads: a task a statement (or a few), a thread and a connection a lane.
 *
 * The environment of the statement's session (struct fan_env) is set on each connection, so that a definition means on
 * a shard what it meant to the client. Errors of shards arrive with physical names; ddl/job.c maps them. */
#ifndef DDL_FAN_H
#define DDL_FAN_H

#include "catalog/mconn.h"
#include "catalog/snapshot.h"

/* What of a session matters to the meaning of DDL. Views; live as long as the job. ptr NULL: the server's own. */
struct fan_env {
    struct sv charset, collation, sql_mode, time_zone;
    bool plain; /* the control plane's own: strict mode, nothing of the session's */
    /* Every connection takes a named lock on its server, `<mark>.<0..63>`: whoever takes a job over waits until all of
     * them are free (fan_wait_marks), i.e. until what the former runner had sent has ended there. len 0: none. */
    struct sv mark;
    bool no_foreign_key_checks, no_unique_checks;
    bool keep_zero;       /* NO_AUTO_VALUE_ON_ZERO in addition: a column that becomes AUTO_INCREMENT keeps its zeros */
    uint32_t lock_wait_s; /* lock_wait_timeout */
};

/* Sets the environment on a connection. charset: of literals without introducer; the text itself is always sent in
 * utf8mb4. */
bool fan_set_env(struct mconn *c, const struct fan_env *env, struct diag *d) MUST_CHECK;
/* mconn_open and fan_set_env. env NULL: strict mode. */
bool fan_open(const struct conf *conf, const struct cat_shard *shard, const struct fan_env *env, uint32_t read_ms,
              struct mconn **out, struct diag *d) MUST_CHECK;

struct fan_task {
    const struct cat_shard *shard;
    /* Called on a lane's thread; fills t->d on failure. a: the lane's own arena, reset behind each task. */
    bool (*run)(struct mconn *c, struct arena *a, struct fan_task *t);
    void *arg;
    struct sv sql; /* for fan_run_sql */
    uint64_t affected;
    bool ok;
    struct diag d;
};

/* Runs all tasks, `lanes` at once on each shard, each lane with a connection without a read limit (ALTER TABLE may take
 * hours), and returns when all have ended. stop_on_error: after a failure tasks that were not begun stay !ok with d
 * clear. True: all ok. False: d is the first failure in task order, with the shard's name in front where the connection
 * failed. */
bool fan_run_all(const struct conf *conf, struct fan_task *tasks, size_t n, const struct fan_env *env, unsigned lanes,
                 bool stop_on_error, struct diag *d) MUST_CHECK;
/* A run function: executes t->sql. */
bool fan_run_sql(struct mconn *c, struct arena *a, struct fan_task *t);

/* Waits until no connection with the mark is left on the shards that can be reached; none of the caller's own may be
 * open. False: ER_LOCK_WAIT_TIMEOUT, a statement still runs somewhere. */
bool fan_wait_marks(const struct conf *conf, const struct cat_snapshot *s, struct sv mark, uint64_t timeout_ms,
                    struct diag *d) MUST_CHECK;

/* True if the failure says nothing about the statement: the shard was away, or the connection broke. */
bool fan_is_away(const struct diag *d);

#endif
