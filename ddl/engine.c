/* The engine: control threads that take requests from one queue, and one that looks for jobs whose runner is gone.
 *
 * A thread keeps its metadata connection between requests. A request is parsed here, on the control thread; the text is
 * what is durable. Requests that must wait for another job's locks hold their thread while they wait; holders always
 * have a thread, so this cannot stop for ever, and an orphaned holder is adopted by the waiter itself. */
#include "ddl/job-int.h"

#include "ddl/gather.h"
#include "parser/parse.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"

enum { ENGINE_THREADS = 4, ENGINE_KEEP_DAYS = 30, ENGINE_RELOCK_TRIES = 5 };

struct item {
    struct list_node node;
    struct arena arena; /* of q's texts */
    struct ddl_request q;
    ddl_done_fn done;
    void *arg;
};

bool engine_stopping(const struct ddl_engine *e)
{
    return atomic_load_explicit(&e->stop, memory_order_relaxed);
}

/* ---- results ---- */

static struct ddl_result *result_new(void)
{
    struct ddl_result *r = xcalloc(1, sizeof *r);

    arena_init(&r->arena, 0);
    return r;
}

void ddl_result_free(struct ddl_result *r)
{
    if (!r)
        return;
    arena_free(&r->arena);
    xfree(r);
}

static void result_fail(struct ddl_result *r, const struct diag *d)
{
    r->ok = false;
    r->diag = *d;
}

/* ---- one request ---- */

static bool ensure_meta(struct ddl_engine *e, struct mconn **meta, struct diag *d)
{
    if (*meta && !mconn_is_lost(*meta)) {
        /* The server may have closed an idle connection: found out here, not in the middle. */
        struct diag d2;

        diag_clear(&d2);
        if (mconn_ping(*meta, &d2))
            return true;
    }
    mconn_close(*meta);
    *meta = NULL;
    return metadb_connect(e->cfg.conf, 0, &e->stop, meta, d);
}

/* Locks that the statement needs, held; the catalog as of then in j->snap. */
static bool hold_locks(struct job *j, const struct job_stmt *st, struct ast_node *ast, struct diag *d)
{
    struct job_lock_array had = {0}, want;

    for (int tries = 0; tries < ENGINE_RELOCK_TRIES; tries++) {
        bool covered = true;

        want = (struct job_lock_array){0};
        if (!job_refresh(j, d) || !st->locks(j, ast, &want, d))
            return false;
        array_each(&want, w) {
            bool found = false;

            array_each(&had, h)
                found = found || (sv_eq(h->object, w->object) && (h->mode == JOB_EXCLUSIVE || w->mode == JOB_SHARED));
            covered = covered && found;
        }
        if (covered && j->id)
            return true;
        if (!job_claim_new(j, &want, d))
            return false;
        had = want;
    }
    return diag_set(d, ER_LOCK_WAIT_TIMEOUT);
}

static void left_note(struct job *j, enum job_outcome o)
{
    if (o == JOB_LEFT_FORWARD)
        job_note(j, DDL_WARNING, ER_DDL_UNFINISHED, diag_format(ER_DDL_UNFINISHED), (unsigned long)j->id);
    else if (o == JOB_LEFT_BACK)
        job_note(j, DDL_WARNING, ER_DDL_UNDOING, diag_format(ER_DDL_UNDOING), (unsigned long)j->id);
}

static bool same_tables(const struct gather *x, const struct gather *y)
{
    if (x->tables.n != y->tables.n || x->shard != y->shard)
        return false;
    for (size_t i = 0; i < x->tables.n; i++)
        if (x->tables.v[i]->id != y->tables.v[i]->id || x->tables.v[i]->version != y->tables.v[i]->version)
            return false;
    return true;
}

/* One moving job. What has to be moved is looked at again under the locks; where it has changed, nothing is done. */
static bool move_tables(struct job *j, const struct job_stmt *st, struct ast_node *ast, const struct ddl_request *q,
                        const struct gather *g, struct diag *d)
{
    struct job_lock_array locks = {0};
    struct gather now;
    struct job m;
    bool ok = false;

    job_init(&m, j->e, j->meta);
    job_set_request(&m, q, "MOVE TO ONE SHARD");
    m.r = j->r;
    array_each(&g->tables, t)
        job_lock_table(&m.arena, &locks, JOB_EXCLUSIVE, (*t)->db, (*t)->name);
    if (!job_claim_new(&m, &locks, d))
        goto out;
    if (!job_refresh(&m, d) || !st->before(&m, ast, &now, d) || !same_tables(g, &now)) {
        ok = !diag_is_set(d);
        job_discard(&m);
        goto out;
    }
    m.db = arena_dup(&m.arena, now.tables.v[0]->db);
    m.table = now.tables.n == 1 ? arena_dup(&m.arena, now.tables.v[0]->name) : SV("");
    if (!gather_plan(&m, &now, d) || !job_begin_running(&m, d)) {
        job_map_diag(&m, d);
        job_discard(&m);
        goto out;
    }
    (void)FAULT("ddl.after_job_written");
    switch (job_run(&m, d)) {
    case JOB_ENDED_DONE:
    case JOB_LEFT_DONE:
        ok = true;
        array_each(&now.tables, t)
            job_note(j, DDL_NOTE, ER_TABLE_SINGLE, "Table '%.*s' was moved to one shard: %.*s", SV_ARG((*t)->name),
                     SV_ARG(now.note));
        break;
    case JOB_LEFT_FORWARD:
    case JOB_LEFT_BACK:
    case JOB_ENDED_FAILED:
        break;
    }
out:
    job_end(&m);
    return ok;
}

/* Moves what must be on one shard before the statement can be planned: jobs of their own. */
static bool gather_before(struct job *j, const struct job_stmt *st, struct ast_node *ast, const struct ddl_request *q,
                          struct diag *d)
{
    for (int tries = 0; st->before && tries < ENGINE_RELOCK_TRIES; tries++) {
        struct gather g;

        if (!job_refresh(j, d) || !st->before(j, ast, &g, d))
            return false;
        if (g.tables.n == 0)
            return true;
        if (!move_tables(j, st, ast, q, &g, d))
            return false;
    }
    return true;
}

static bool carry_out(struct job *j, const struct job_stmt *st, struct ast_node *ast, const struct ddl_request *q,
                      struct ddl_result *r, struct diag *d)
{
    enum job_outcome o;

    (void)FAULT("ddl.before_job");
    if (!gather_before(j, st, ast, q, d))
        return false;
    if (!hold_locks(j, st, ast, d) || !st->plan(j, ast, d)) {
        job_map_diag(j, d);
        job_discard(j);
        return false;
    }
    if (!job_has_steps(j)) {
        job_discard(j);
        return true;
    }
    r->job_id = j->id;
    if (!job_begin_running(j, d))
        return false; /* the row may say running: whoever finds it undoes nothing */
    (void)FAULT("ddl.after_job_written");
    o = job_run(j, d);
    r->version = j->version;
    left_note(j, o);
    switch (o) {
    case JOB_ENDED_DONE:
    case JOB_LEFT_DONE:
        return true;
    case JOB_LEFT_FORWARD:
        /* Decided: the statement will be completed, whatever happens. The client is told so by a warning. */
        return j->version != 0 || !diag_is_set(d);
    case JOB_ENDED_FAILED:
    case JOB_LEFT_BACK:
        return false;
    }
    return false;
}

static bool handle_text(struct ddl_engine *e, struct mconn **meta, const struct ddl_request *q, struct ddl_result *r,
                        struct diag *d)
{
    struct sql_opts opts = {0};
    struct parse_result p;
    const struct job_stmt *st;
    struct arena a;
    struct job j;
    json_t *probe;
    bool ok = false;

    /* The text is kept as JSON and as utf8mb4; bytes that are neither cannot be. */
    probe = json_stringn(q->sql.ptr, q->sql.len);
    if (!probe)
        return diag_setf(d, ER_INVALID_CHARACTER_STRING,
                         "Invalid utf8mb4 character string in a data definition statement");
    json_decref(probe);
    arena_init(&a, 0);
    engine_sql_opts(q, &opts);
    if (!parser_parse(q->sql, 0, &opts, &a, &p, d))
        goto out;
    st = job_stmt_of(p.stmt, d);
    if (!st) {
        if (!diag_is_set(d))
            (void)diag_setf(d, ER_INTERNAL, "Internal error: not a DDL statement");
        goto out;
    }
    if (!ensure_meta(e, meta, d))
        goto out;
    job_init(&j, e, *meta);
    job_set_request(&j, q, st->kind);
    j.r = r;
    ok = st->run ? job_refresh(&j, d) && st->run(&j, p.stmt, d) : carry_out(&j, st, p.stmt, q, r, d);
    if (!ok && d->code == ER_PARTITION_UNFIT) {
        /* Tessera chose to spread the table and then found that it cannot compute where its rows go: one shard it is.
         */
        struct sv why = arena_dup(&a, sv_cstr(d->text));

        job_end(&j);
        if (!ensure_meta(e, meta, d))
            goto out;
        diag_clear(d);
        r->n_notes = 0;
        job_init(&j, e, *meta);
        job_set_request(&j, q, st->kind);
        j.r = r;
        j.force_single = why;
        ok = carry_out(&j, st, p.stmt, q, r, d);
    }
    job_end(&j);
out:
    arena_free(&a);
    return ok;
}

static void handle(struct ddl_engine *e, struct mconn **meta, struct item *it)
{
    struct ddl_result *r = result_new();
    struct diag d;

    diag_clear(&d);
    if (engine_stopping(e))
        (void)diag_set(&d, ER_SERVER_SHUTDOWN);
    else
        r->ok = handle_text(e, meta, &it->q, r, &d);
    if (!r->ok)
        result_fail(r, &d);
    it->done(it->arg, r);
    arena_free(&it->arena);
    xfree(it);
}

/* ---- orphans ---- */

bool engine_adopt(struct ddl_engine *e, uint64_t id)
{
    struct mconn *meta = NULL;
    struct diag d, why;
    struct job j;
    bool ours = false, ended = true;

    diag_clear(&d);
    diag_clear(&why);
    if (!metadb_connect(e->cfg.conf, 0, &e->stop, &meta, &d)) {
        log_warn(LOG_DDL, "DDL job %lu cannot be looked at: %s", (unsigned long)id, d.text);
        return false;
    }
    job_init(&j, e, meta);
    if (!job_adopt(&j, id, &ours, &d)) {
        log_warn(LOG_DDL, "DDL job %lu cannot be taken over: %s", (unsigned long)id, d.text);
        ended = false;
    } else if (ours) {
        enum job_outcome o;

        log_info(LOG_DDL, "DDL job %lu (%.*s) had lost its runner: %s it", (unsigned long)id, SV_ARG(j.kind),
                 j.state == JOB_UNDOING ? "undoing" : "completing");
        o = job_run(&j, &why);
        ended = o == JOB_ENDED_DONE || o == JOB_ENDED_FAILED;
    }
    job_end(&j);
    mconn_close(meta);
    return ended;
}

/* Ids of jobs that are not finished and have no runner. */
static bool orphans(struct mconn *meta, struct arena *a, struct mresult *r, struct diag *d)
{
    return mconn_query(meta,
                       SV("SELECT id FROM tessera.ddl_job WHERE state IN ('planning', 'running', 'undoing') AND "
                          "IS_FREE_LOCK(token) = 1 "
                          "ORDER BY id"),
                       a, r, d);
}

static size_t resume_with(struct ddl_engine *e, struct mconn *meta)
{
    struct mresult r;
    struct arena a;
    struct diag d;
    size_t left = 0;

    arena_init(&a, 0);
    diag_clear(&d);
    if (!orphans(meta, &a, &r, &d)) {
        log_warn(LOG_DDL, "looking for unfinished DDL jobs: %s", d.text);
        left = 1;
    } else {
        for (uint32_t i = 0; i < r.rows; i++)
            left += !engine_adopt(e, mresult_u64(&r, i, 0));
    }
    arena_free(&a);
    return left;
}

static size_t unfinished(struct mconn *meta)
{
    struct mresult r;
    struct arena a;
    struct diag d;
    size_t n = 1;

    arena_init(&a, 0);
    diag_clear(&d);
    if (mconn_query(meta, SV("SELECT COUNT(*) FROM tessera.ddl_job WHERE state IN ('planning', 'running', 'undoing')"),
                    &a, &r, &d))
        n = (size_t)mresult_u64(&r, 0, 0);
    arena_free(&a);
    return n;
}

size_t ddl_resume_all(struct ddl_engine *e)
{
    struct mconn *meta = NULL;
    struct diag d;
    size_t left;

    diag_clear(&d);
    if (!metadb_connect(e->cfg.conf, 0, &e->stop, &meta, &d))
        return 1;
    (void)resume_with(e, meta);
    left = unfinished(meta);
    mconn_close(meta);
    return left;
}

static void purge(struct mconn *meta)
{
    struct diag d;

    diag_clear(&d);
    if (!mconn_execf(meta, &d,
                     "DELETE FROM tessera.ddl_job WHERE state IN ('done', 'failed') AND finished < UTC_TIMESTAMP(6) - "
                     "INTERVAL %u DAY",
                     (unsigned)ENGINE_KEEP_DAYS))
        log_debug(LOG_DDL, "removing old DDL jobs: %s", d.text);
}

static void *sweeper_main(void *arg)
{
    struct ddl_engine *e = arg;
    struct mconn *meta = NULL;
    uint64_t next = 0, next_purge = clock_mono_ms() + 600000;

    mconn_thread_begin();
    while (!engine_stopping(e)) {
        struct diag d;

        if (clock_mono_ms() < next) {
            clock_sleep_ms(50);
            continue;
        }
        diag_clear(&d);
        if (ensure_meta(e, &meta, &d))
            (void)resume_with(e, meta);
        else if (!engine_stopping(e))
            log_warn(LOG_DDL, "looking for unfinished DDL jobs: %s", d.text);
        if (meta && clock_mono_ms() > next_purge) {
            purge(meta);
            next_purge = clock_mono_ms() + 3600000;
        }
        next = clock_mono_ms() + e->cfg.sweep_ms;
    }
    mconn_close(meta);
    mconn_thread_end();
    return NULL;
}

/* ---- threads, queue ---- */

static struct item *take(struct ddl_engine *e)
{
    struct item *it = NULL;

    pthread_mutex_lock(&e->lock);
    while (list_empty(&e->queue) && !engine_stopping(e))
        pthread_cond_wait(&e->wake, &e->lock);
    if (!list_empty(&e->queue)) {
        it = CONTAINER_OF(e->queue.head.next, struct item, node);
        list_remove(&it->node);
    }
    pthread_mutex_unlock(&e->lock);
    return it;
}

static void *runner_main(void *arg)
{
    struct ddl_engine *e = arg;
    struct mconn *meta = NULL;
    struct item *it;

    mconn_thread_begin();
    while ((it = take(e)) != NULL)
        handle(e, &meta, it);
    mconn_close(meta);
    mconn_thread_end();
    return NULL;
}

bool ddl_start(const struct ddl_config *c, struct ddl_engine **out, struct diag *d)
{
    struct ddl_engine *e = xcalloc(1, sizeof *e);
    unsigned n = c->threads ? c->threads : ENGINE_THREADS;

    e->cfg = *c;
    e->cfg.conf = conf_ref(c->conf);
    e->cfg.shard_lanes = c->shard_lanes ? c->shard_lanes : 2;
    e->cfg.barrier_ms = c->barrier_ms ? c->barrier_ms : 5000;
    e->cfg.retry_ms = c->retry_ms ? c->retry_ms : 10000;
    e->cfg.sweep_ms = c->sweep_ms ? c->sweep_ms : 5000;
    pthread_mutex_init(&e->lock, NULL);
    pthread_cond_init(&e->wake, NULL);
    list_init(&e->queue);
    n = MIN(n, (unsigned)DDL_WORKERS_MAX);
    for (unsigned i = 0; i <= n; i++) {
        int rc = pthread_create(&e->threads[i], NULL, i < n ? runner_main : sweeper_main, e);

        if (rc != 0) {
            ddl_stop(e);
            return diag_setf(d, ER_INTERNAL, "Internal error: no thread for DDL: %s", strerror(rc));
        }
        e->n_threads++;
    }
    *out = e;
    return true;
}

void ddl_stop(struct ddl_engine *e)
{
    if (!e)
        return;
    pthread_mutex_lock(&e->lock);
    atomic_store_explicit(&e->stop, true, memory_order_relaxed);
    pthread_cond_broadcast(&e->wake);
    pthread_mutex_unlock(&e->lock);
    for (unsigned i = 0; i < e->n_threads; i++)
        (void)pthread_join(e->threads[i], NULL);
    pthread_cond_destroy(&e->wake);
    pthread_mutex_destroy(&e->lock);
    conf_unref(e->cfg.conf);
    xfree(e);
}

static struct sv dup_or_null(struct arena *a, struct sv s)
{
    return s.ptr ? arena_dup(a, s) : SV_NULL;
}

void ddl_submit(struct ddl_engine *e, const struct ddl_request *q, ddl_done_fn done, void *arg)
{
    struct item *it = xcalloc(1, sizeof *it);

    arena_init(&it->arena, 0);
    it->q = *q;
    it->q.sql = arena_dup(&it->arena, q->sql);
    it->q.db = arena_dup(&it->arena, q->db);
    it->q.charset = dup_or_null(&it->arena, q->charset);
    it->q.collation = dup_or_null(&it->arena, q->collation);
    it->q.sql_mode = dup_or_null(&it->arena, q->sql_mode);
    it->q.time_zone = dup_or_null(&it->arena, q->time_zone);
    it->q.user = arena_dup(&it->arena, q->user);
    it->q.host = arena_dup(&it->arena, q->host);
    it->done = done;
    it->arg = arg;
    pthread_mutex_lock(&e->lock);
    list_push_back(&e->queue, &it->node);
    pthread_cond_signal(&e->wake);
    pthread_mutex_unlock(&e->lock);
}

struct waiter {
    pthread_mutex_t lock;
    pthread_cond_t wake;
    struct ddl_result *r;
};

static void waiter_done(void *arg, struct ddl_result *r)
{
    struct waiter *w = arg;

    pthread_mutex_lock(&w->lock);
    w->r = r;
    pthread_cond_signal(&w->wake);
    pthread_mutex_unlock(&w->lock);
}

struct ddl_result *ddl_execute(struct ddl_engine *e, const struct ddl_request *q)
{
    struct waiter w = {.lock = PTHREAD_MUTEX_INITIALIZER, .wake = PTHREAD_COND_INITIALIZER};

    ddl_submit(e, q, waiter_done, &w);
    pthread_mutex_lock(&w.lock);
    while (!w.r)
        pthread_cond_wait(&w.wake, &w.lock);
    pthread_mutex_unlock(&w.lock);
    pthread_mutex_destroy(&w.lock);
    pthread_cond_destroy(&w.wake);
    return w.r;
}
