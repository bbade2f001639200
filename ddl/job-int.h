/* Private to job.c, job_ops.c and engine.c: the engine's body and the life of a job. */
#ifndef DDL_JOB_INT_H
#define DDL_JOB_INT_H

#include "ddl/gate.h"
#include "ddl/job.h"
#include "util/list.h"

#include <pthread.h>
#include <stdatomic.h>

struct ddl_engine {
    struct ddl_config cfg; /* defaults filled in; conf is a reference */
    pthread_mutex_t lock;  /* queue */
    pthread_cond_t wake;
    struct list queue; /* struct item */
    _Atomic bool stop;
    pthread_t threads[DDL_WORKERS_MAX + 1]; /* the last one looks for jobs without a runner */
    unsigned n_threads;
};

/* How job_run left a job. */
enum job_outcome {
    JOB_ENDED_DONE,
    JOB_ENDED_FAILED,
    JOB_LEFT_DONE,    /* complete; only its row is still open */
    JOB_LEFT_FORWARD, /* decided; will be completed later */
    JOB_LEFT_BACK     /* will be undone (or, where the metadata is away, decided) later */
};

void job_init(struct job *j, struct ddl_engine *e, struct mconn *meta);
void job_set_request(struct job *j, const struct ddl_request *q, const char *kind);
void job_end(struct job *j);
/* Writes the row in state planning with its locks, waiting for others'. Called again with more locks: replaces them. */
bool job_claim_new(struct job *j, const struct job_lock_array *l, struct diag *d) MUST_CHECK;
/* Removes the row of a job that did nothing, with its locks. */
void job_discard(struct job *j);
bool job_has_steps(struct job *j);
bool job_begin_running(struct job *j, struct diag *d) MUST_CHECK;
/* Runs or undoes to the end. why: the error of the statement, set unless ENDED_DONE or LEFT_DONE. */
enum job_outcome job_run(struct job *j, struct diag *why);
/* Makes j the job `id` if its runner is gone; *free_now: it is ours and has to be run. */
bool job_adopt(struct job *j, uint64_t id, bool *free_now, struct diag *d) MUST_CHECK;

struct sql_opts;
/* How the parser is to read the session's text. */
void engine_sql_opts(const struct ddl_request *q, struct sql_opts *out);
bool engine_stopping(const struct ddl_engine *e);
/* Carries job `id` on with a connection of its own if its runner is gone. True: it has ended. */
bool engine_adopt(struct ddl_engine *e, uint64_t id);

#endif
