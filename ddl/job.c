/* The life of a job: claim, record, run, undo, finish; locks on objects. The engine's threads are in engine.c.
 *
 * Fencing. The runner holds GET_LOCK(token) on its metadata connection: who can get that lock knows that no runner
 * lives. Whoever takes a job over raises `epoch`; job_record and job_publish_begin write `WHERE epoch = mine` and look
 * at the number of rows, so a runner whose connection was cut (and whose named lock was thereby lost) stops at its next
 * write, and can never publish. Statements that such a runner still has under way on shards are harmless because ops
 * are idempotent in both directions.
 *
 * A lost metadata connection is not the end: the runner connects again, gets the named lock (the server drops the
 * old connection's) and reads the row. What it says is the truth, also about a publishing commit whose answer never
 * came. */
#include "ddl/job-int.h"

#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"
#include "util/rand.h"

#include <stdio.h>

static const char *const state_names[JOB_STATE_COUNT] = {"planning", "running", "undoing", "done", "failed"};

static const bool moves[JOB_STATE_COUNT][JOB_STATE_COUNT] = {
    [JOB_PLANNING] = {[JOB_RUNNING] = true},
    [JOB_RUNNING] = {[JOB_UNDOING] = true, [JOB_DONE] = true},
    [JOB_UNDOING] = {[JOB_FAILED] = true},
};

static void job_set_state(struct job *j, enum job_state s)
{
    CHECK(moves[j->state][s]);
    j->state = s;
}

/* ---- init, end ---- */

static struct sv dup_or_null(struct arena *a, struct sv s)
{
    return s.ptr ? arena_dup(a, s) : SV_NULL;
}

void job_init(struct job *j, struct ddl_engine *e, struct mconn *meta)
{
    *j = (struct job){.e = e,
                      .meta = meta,
                      .plan = json_object(),
                      .state = JOB_PLANNING,
                      .db = SV(""),
                      .table = SV(""),
                      .user = SV("")};
    j->plain.plain = true;
    arena_init(&j->arena, 0);
    CHECK(j->plan && json_object_set_new(j->plan, "steps", json_array()) == 0);
}

static json_t *env_to_json(const struct fan_env *v)
{
    json_t *o = json_object();
    const struct {
        const char *key;
        struct sv text;
    } texts[] = {
        {"charset", v->charset}, {"collation", v->collation}, {"sql_mode", v->sql_mode}, {"time_zone", v->time_zone}};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        if (texts[i].text.ptr)
            json_object_set_new(o, texts[i].key, job_json_text(texts[i].text));
    json_object_set_new(o, "no_fk", json_boolean(v->no_foreign_key_checks));
    json_object_set_new(o, "no_unique", json_boolean(v->no_unique_checks));
    json_object_set_new(o, "keep_zero", json_boolean(v->keep_zero));
    json_object_set_new(o, "lock_wait", json_integer(v->lock_wait_s));
    return o;
}

static void env_from_json(struct job *j, const json_t *o)
{
    j->env = (struct fan_env){
        .charset = dup_or_null(&j->arena, job_json_sv(o, "charset")),
        .collation = dup_or_null(&j->arena, job_json_sv(o, "collation")),
        .sql_mode = dup_or_null(&j->arena, job_json_sv(o, "sql_mode")),
        .time_zone = dup_or_null(&j->arena, job_json_sv(o, "time_zone")),
        .no_foreign_key_checks = json_is_true(json_object_get(o, "no_fk")),
        .no_unique_checks = json_is_true(json_object_get(o, "no_unique")),
        .keep_zero = json_is_true(json_object_get(o, "keep_zero")),
        .lock_wait_s = (uint32_t)job_json_u64(o, "lock_wait"),
    };
}

void job_set_request(struct job *j, const struct ddl_request *q, const char *kind)
{
    struct arena *a = &j->arena;

    j->kind = arena_dup(a, sv_cstr(kind));
    j->statement = arena_dup(a, q->sql);
    j->db = arena_dup(a, q->db);
    j->user = arena_printf(a, "%.*s@%.*s", SV_ARG(q->user), SV_ARG(q->host));
    j->mariadb = q->mariadb_syntax;
    j->env = (struct fan_env){
        .charset = dup_or_null(a, q->charset),
        .collation = dup_or_null(a, q->collation),
        .sql_mode = dup_or_null(a, q->sql_mode),
        .time_zone = dup_or_null(a, q->time_zone),
        .no_foreign_key_checks = q->no_foreign_key_checks,
        .no_unique_checks = q->no_unique_checks,
        .lock_wait_s = q->lock_wait_s ? q->lock_wait_s : DDL_LOCK_WAIT_S,
    };
    json_object_set_new(j->plan, "env", env_to_json(&j->env));
}

void job_set_env(struct job *j)
{
    json_object_set_new(j->plan, "env", env_to_json(&j->env));
}

static void unclaim(struct job *j)
{
    struct diag d;

    diag_clear(&d);
    if (j->token.len && j->meta && !mconn_is_lost(j->meta) &&
        !mconn_execf(j->meta, &d, "DO RELEASE_LOCK(%Q)", &j->token))
        log_debug(LOG_DDL, "releasing a job's lock: %s", d.text);
    j->token = SV_NULL;
}

void job_end(struct job *j)
{
    gate_close(j->gate);
    unclaim(j);
    json_decref(j->plan);
    cat_snapshot_unref(j->snap);
    arena_free(&j->arena);
}

/* ---- catalog ---- */

bool job_refresh(struct job *j, struct diag *d)
{
    struct cat_snapshot *fresh, *base;
    uint64_t v;

    if (!metadb_version(j->meta, &v, d))
        return false;
    if (j->snap && j->snap->version == v)
        return true;
    if (cat_pins_version(j->e->cfg.pins) < v) {
        base = cat_pins_get(j->e->cfg.pins);
        if (!metadb_load(j->meta, base, &fresh, d)) {
            cat_snapshot_unref(base);
            return false;
        }
        cat_snapshot_unref(base);
        v = fresh->version;
        cat_pins_publish(j->e->cfg.pins, fresh);
        if (j->e->cfg.published)
            j->e->cfg.published(j->e->cfg.published_arg, v);
    }
    cat_snapshot_unref(j->snap);
    j->snap = cat_pins_get(j->e->cfg.pins);
    return true;
}

/* ---- locks ---- */

void job_lock_add(struct arena *a, struct job_lock_array *l, enum job_lock_mode mode, struct sv object)
{
    array_each(l, it) {
        if (!sv_eq(it->object, object))
            continue;
        if (mode == JOB_EXCLUSIVE)
            it->mode = mode;
        return;
    }
    array_push(l, a, (struct job_lock){arena_dup(a, object), mode});
}

void job_lock_table(struct arena *a, struct job_lock_array *l, enum job_lock_mode mode, struct sv db, struct sv table)
{
    job_lock_add(a, l, JOB_SHARED, SV("*"));
    job_lock_add(a, l, JOB_SHARED, arena_printf(a, "d:%.*s", SV_ARG(db)));
    job_lock_add(a, l, mode, arena_printf(a, "t:%.*s.%.*s", SV_ARG(db), SV_ARG(table)));
}

static struct sv lock_list(struct job *j, const struct job_lock_array *l)
{
    struct strbuf b;

    strbuf_init(&b, &j->arena);
    array_each(l, it) {
        if (b.len)
            strbuf_putc(&b, ',');
        mconn_put_quoted(&b, it->object);
    }
    return strbuf_sv(&b);
}

static bool conflicts(const struct job_lock_array *l, struct sv object, bool exclusive)
{
    array_each(l, it)
        if (sv_eq(it->object, object) && (exclusive || it->mode == JOB_EXCLUSIVE))
            return true;
    return false;
}

/* In the open transaction: the job that stands in the way, 0 if none. */
static bool find_conflict(struct job *j, const struct job_lock_array *l, uint64_t *blocker, struct diag *d)
{
    struct sv list = lock_list(j, l);
    struct mresult r;

    *blocker = 0;
    if (!mconn_queryf(j->meta, &j->arena, &r, d,
                      "SELECT obj, mode, job FROM tessera.ddl_lock WHERE obj IN (%S) AND job <> %lu", &list,
                      (unsigned long)j->id))
        return false;
    for (uint32_t i = 0; i < r.rows && !*blocker; i++)
        if (conflicts(l, mresult_cell(&r, i, 0), sv_eq(mresult_cell(&r, i, 1), SV("X"))))
            *blocker = mresult_u64(&r, i, 2);
    return true;
}

static bool write_job(struct job *j, const struct job_lock_array *l, struct diag *d)
{
    struct mresult r;
    struct strbuf b;

    if (!j->id) {
        struct sv node = j->e->cfg.conf->node_name;

        if (!mconn_queryf(
                j->meta, &j->arena, &r, d,
                "INSERT INTO tessera.ddl_job (state, kind, db, tbl, statement, user, steps, step, epoch, token, node) "
                "VALUES ('planning', %Q, %Q, %Q, %Q, %Q, '{}', 0, 1, %Q, %Q)",
                &j->kind, &j->db, &j->table, &j->statement, &j->user, &j->token, &node))
            return false;
        j->id = r.insert_id;
        j->epoch = 1;
    } else if (!mconn_execf(j->meta, d, "DELETE FROM tessera.ddl_lock WHERE job = %lu", (unsigned long)j->id)) {
        return false;
    }
    if (l->n == 0)
        return true;
    strbuf_init(&b, &j->arena);
    array_each(l, it) {
        strbuf_puts(&b, b.len ? ",(" : "INSERT INTO tessera.ddl_lock (obj, job, mode) VALUES (");
        mconn_put_quoted(&b, it->object);
        strbuf_printf(&b, ", %lu, '%c')", (unsigned long)j->id, it->mode == JOB_EXCLUSIVE ? 'X' : 'S');
    }
    return mconn_exec(j->meta, strbuf_sv(&b), d);
}

/* One try. *blocker != 0: somebody is in the way and nothing was written. */
static bool try_locks(struct job *j, const struct job_lock_array *l, uint64_t *blocker, struct diag *d)
{
    struct mresult r;
    uint64_t id = j->id;
    struct diag d2;

    /* One row orders everybody who changes the table of locks; the transaction is short. */
    if (mconn_exec(j->meta, SV("START TRANSACTION"), d) &&
        mconn_query(j->meta, SV("SELECT job FROM tessera.ddl_lock WHERE obj = '' FOR UPDATE"), &j->arena, &r, d) &&
        find_conflict(j, l, blocker, d) && (*blocker || write_job(j, l, d)) &&
        mconn_exec(j->meta, *blocker ? SV("ROLLBACK") : SV("COMMIT"), d))
        return true;
    j->id = id;
    diag_clear(&d2);
    if (!mconn_is_lost(j->meta) && !mconn_exec(j->meta, SV("ROLLBACK"), &d2))
        log_warn(LOG_DDL, "rolling back: %s", d2.text);
    return false;
}

/* The job's connections to shards say whose they are. */
static void set_mark(struct job *j)
{
    j->env.mark = j->plain.mark = j->token;
}

/* What an earlier runner, or a connection of ours that broke, left running on shards must have ended before anything is
 * undone or repeated: a CREATE that arrives behind its DROP would stay. */
static bool wait_marks(struct job *j, struct diag *d)
{
    return (j->snap || job_refresh(j, d)) && fan_wait_marks(j->e->cfg.conf, j->snap, j->token, j->e->cfg.retry_ms, d);
}

static bool new_token(struct job *j, struct diag *d)
{
    struct mresult r;

    j->token = arena_printf(&j->arena, "tsr.job.%08x%016lx", j->e->cfg.node_id, (unsigned long)rand_u64());
    if (!mconn_queryf(j->meta, &j->arena, &r, d, "SELECT GET_LOCK(%Q, 5)", &j->token))
        return false;
    set_mark(j);
    if (r.rows && mresult_u64(&r, 0, 0) == 1)
        return true;
    return diag_set(d, ER_METADATA, "GET_LOCK did not give a job its lock");
}

/* The job in the way may have lost its runner: then its work comes first. False: it cannot be finished now, so there is
 * no point in waiting for it. */
static bool adopt_if_orphan(struct job *j, uint64_t id, struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(j->meta, &j->arena, &r, d, "SELECT IS_FREE_LOCK(token) FROM tessera.ddl_job WHERE id = %lu",
                      (unsigned long)id))
        return false;
    if (r.rows == 0 || mresult_u64(&r, 0, 0) != 1 || engine_adopt(j->e, id))
        return true;
    if (!mconn_queryf(j->meta, &j->arena, &r, d,
                      "SELECT error FROM tessera.ddl_job WHERE id = %lu AND state IN ('running', 'undoing')",
                      (unsigned long)id))
        return false;
    if (r.rows == 0)
        return true;
    return diag_setf(d, ER_LOCK_WAIT_TIMEOUT, "DDL job %lu has to be finished first, and cannot be now: %s",
                     (unsigned long)id, mresult_cell(&r, 0, 0).ptr ? mresult_cell(&r, 0, 0).ptr : "");
}

bool job_claim_new(struct job *j, const struct job_lock_array *l, struct diag *d)
{
    uint64_t wait_s = j->env.lock_wait_s ? j->env.lock_wait_s : DDL_LOCK_WAIT_S;
    uint64_t deadline = clock_mono_ms() + wait_s * 1000, pause = 10, blocker;

    if (!j->token.len && !new_token(j, d))
        return false;
    for (;;) {
        if (!try_locks(j, l, &blocker, d))
            return false;
        if (!blocker)
            return true;
        if (!adopt_if_orphan(j, blocker, d))
            return false;
        if (engine_stopping(j->e))
            return diag_set(d, ER_SERVER_SHUTDOWN);
        if (clock_mono_ms() > deadline)
            return diag_setf(d, ER_LOCK_WAIT_TIMEOUT,
                             "Lock wait timeout exceeded; DDL job %lu holds what this statement needs",
                             (unsigned long)blocker);
        clock_sleep_ms(pause);
        pause = MIN(pause * 2, (uint64_t)200);
    }
}

/* ---- the row ---- */

static const char *lost_text(struct job *j)
{
    return arena_printf(&j->arena, "DDL job %lu was taken over by another tesserad", (unsigned long)j->id).ptr;
}

/* Fails with DIAG_INTERNAL's text where the job is not ours any more. */
static bool checked_update(struct job *j, struct sv sql, struct diag *d)
{
    struct mresult r;

    if (!mconn_query(j->meta, sql, &j->arena, &r, d))
        return false;
    if (r.affected == 1)
        return true;
    j->fenced = true;
    return diag_set(d, ER_METADATA, lost_text(j));
}

static bool update_row(struct job *j, unsigned step, struct diag *d)
{
    struct sv sql = mconn_sql(
        &j->arena, "UPDATE tessera.ddl_job SET step = %u, state = '%s', beat = beat + 1 WHERE id = %lu AND epoch = %lu",
        step, state_names[j->state], (unsigned long)j->id, (unsigned long)j->epoch);

    return checked_update(j, sql, d);
}

/* After a loss of the metadata connection: connect, get the token's lock, believe the row. */
static bool reclaim(struct job *j, struct diag *d)
{
    uint64_t deadline = clock_mono_ms() + j->e->cfg.retry_ms;
    struct mresult r;
    struct diag why;

    for (;;) {
        diag_clear(&why);
        if (mconn_reconnect(j->meta, &why) &&
            mconn_queryf(j->meta, &j->arena, &r, &why, "SELECT GET_LOCK(%Q, 10)", &j->token) && r.rows &&
            mresult_u64(&r, 0, 0) == 1 &&
            mconn_queryf(j->meta, &j->arena, &r, &why, "SELECT epoch, step, state FROM tessera.ddl_job WHERE id = %lu",
                         (unsigned long)j->id))
            break;
        if (clock_mono_ms() > deadline || engine_stopping(j->e)) {
            if (!diag_is_set(d))
                *d = why;
            return false;
        }
        clock_sleep_ms(200);
    }
    if (r.rows != 1 || mresult_u64(&r, 0, 0) != j->epoch) {
        j->fenced = true;
        diag_clear(d);
        return diag_set(d, ER_METADATA, lost_text(j));
    }
    j->step = (unsigned)mresult_u64(&r, 0, 1);
    for (int s = 0; s < JOB_STATE_COUNT; s++)
        if (sv_eq(mresult_cell(&r, 0, 2), sv_cstr(state_names[s])))
            j->state = (enum job_state)s;
    return true;
}

/* Records step and state; goes through losses of the connection. */
static bool job_record(struct job *j, unsigned step, struct diag *d)
{
    for (int tries = 0; tries < 3; tries++) {
        enum job_state want = j->state;

        diag_clear(d);
        if (update_row(j, step, d)) {
            j->step = step;
            return true;
        }
        if (j->fenced || !mconn_is_lost(j->meta) || !reclaim(j, d))
            return false;
        j->state = want;
    }
    return false;
}

bool job_begin_running(struct job *j, struct diag *d)
{
    char *text = json_dumps(j->plan, JSON_COMPACT | JSON_ENSURE_ASCII);
    struct sv steps, sql;
    bool ok;

    CHECK(text != NULL);
    steps = sv_cstr(text);
    sql = mconn_sql(&j->arena,
                    "UPDATE tessera.ddl_job SET state = 'running', db = %Q, tbl = %Q, steps = %Q, n_steps = %u, beat = "
                    "beat + 1 WHERE id = %lu AND epoch = %lu",
                    &j->db, &j->table, &steps, (unsigned)json_array_size(json_object_get(j->plan, "steps")),
                    (unsigned long)j->id, (unsigned long)j->epoch);
    ok = checked_update(j, sql, d);
    free(text);
    if (ok)
        job_set_state(j, JOB_RUNNING);
    return ok;
}

void job_discard(struct job *j)
{
    struct diag d;

    diag_clear(&d);
    if (!j->id)
        return;
    if (!mconn_exec(j->meta, SV("START TRANSACTION"), &d) ||
        !mconn_execf(j->meta, &d, "DELETE FROM tessera.ddl_lock WHERE job = %lu", (unsigned long)j->id) ||
        !mconn_execf(j->meta, &d, "DELETE FROM tessera.ddl_job WHERE id = %lu", (unsigned long)j->id) ||
        !mconn_exec(j->meta, SV("COMMIT"), &d))
        log_warn(LOG_DDL, "DDL job %lu could not be removed, it will be later: %s", (unsigned long)j->id, d.text);
    j->id = 0;
}

static bool finish(struct job *j, enum job_state s, const struct diag *why, struct diag *d)
{
    struct sv text = why ? sv_cstr(why->text) : SV_NULL;

    for (int tries = 0; tries < 3; tries++) {
        diag_clear(d);
        if (mconn_exec(j->meta, SV("START TRANSACTION"), d) &&
            checked_update(j,
                           mconn_sql(&j->arena,
                                     "UPDATE tessera.ddl_job SET state = '%s', step = %u, error_code = %u, error = "
                                     "COALESCE(%Q, error), beat = beat + 1, "
                                     "finished = UTC_TIMESTAMP(6), steps = '{}' WHERE id = %lu AND epoch = %lu",
                                     state_names[s], j->step, why ? why->code : 0u, &text, (unsigned long)j->id,
                                     (unsigned long)j->epoch),
                           d) &&
            mconn_execf(j->meta, d, "DELETE FROM tessera.ddl_lock WHERE job = %lu", (unsigned long)j->id) &&
            mconn_exec(j->meta, SV("COMMIT"), d)) {
            job_set_state(j, s);
            return true;
        }
        if (j->fenced || !mconn_is_lost(j->meta))
            return false;
        if (!reclaim(j, d))
            return false;
        if (j->state == s)
            return true;
    }
    return false;
}

/* ---- publishing ---- */

/* The step that a publishing transaction records: undoing, the one that it is at. */
static unsigned step_behind(const struct job *j)
{
    return j->state == JOB_UNDOING ? j->step : j->step + 1;
}

bool job_publish_begin(struct job *j, struct metadb_tx *tx, struct diag *d)
{
    (void)FAULT("ddl.before_publish");
    return metadb_begin(j->meta, 0, tx, d) && update_row(j, step_behind(j), d);
}

bool job_publish_commit(struct job *j, struct metadb_tx *tx, struct diag *d)
{
    uint64_t v;
    unsigned step = j->step, behind = step_behind(j);

    if (!metadb_commit(tx, &v, d)) {
        if (d->cls != DIAG_UNKNOWN_OUTCOME && !mconn_is_lost(j->meta))
            return false;
        if (!reclaim(j, d))
            return false;
        if (j->step == step)
            return false; /* it did not happen */
        diag_clear(d);
        v = 0;
    } else {
        j->step = behind;
    }
    (void)FAULT("ddl.after_publish");
    j->version = v;
    /* Committed: what follows is telling. The regular refresh does it where this fails. */
    {
        struct diag d2;

        diag_clear(&d2);
        if (!job_refresh(j, &d2))
            log_warn(LOG_DDL, "DDL job %lu is published, loading version %lu failed: %s", (unsigned long)j->id,
                     (unsigned long)v, d2.text);
        else
            j->version = j->snap->version;
    }
    return true;
}

/* ---- running ---- */

static json_t *steps_of(struct job *j)
{
    return json_object_get(j->plan, "steps");
}

static unsigned no_return_of(struct job *j)
{
    const json_t *n = json_object_get(j->plan, "no_return");

    return n ? (unsigned)json_integer_value(n) : UINT32_MAX;
}

static const struct job_op *op_of(const json_t *step)
{
    static const struct job_op *const ops[] = {
        &job_op_sql,       &job_op_absent,       &job_op_barrier,    &job_op_pub_create, &job_op_pub_drop,
        &job_op_truncate,  &job_op_pub_truncate, &job_op_rename,     &job_op_pub_rename, &job_op_alter,
        &job_op_pub_alter, &job_op_gather,       &job_op_pub_gather, &job_op_pub_db,     &job_op_shard,
        &job_op_pub_shard, &job_op_pub_user,     &job_op_alive,      &job_op_gate,       &job_op_retire,
        &job_op_hold,      &job_op_settle,       &job_op_release,
    };
    struct sv name = job_json_sv(step, "op");

    for (size_t i = 0; i < ARRAY_LEN(ops); i++)
        if (sv_eq_cstr(name, ops[i]->name))
            return ops[i];
    return NULL;
}

/* Failures that pass by themselves. */
static bool worth_retrying(const struct diag *d)
{
    return fan_is_away(d) || d->code == ER_LOCK_WAIT_TIMEOUT || d->code == ER_LOCK_DEADLOCK ||
           d->code == ER_CON_COUNT_ERROR || d->code == ER_METADATA;
}

/* Runs fn until it works, or `retry_ms` have passed, or trying again is pointless. */
static bool with_retries(struct job *j, const struct job_op *op, json_t *step, bool undo, bool patient, struct diag *d)
{
    uint64_t deadline = clock_mono_ms() + j->e->cfg.retry_ms, pause = 50;

    for (;;) {
        diag_clear(d);
        if (undo ? !op->undo || op->undo(j, step, d) : op->run(j, step, d))
            return true;
        job_map_diag(j, d);
        if (j->fenced)
            return false;
        /* Steps before the point of no return fail at once: the statement can be undone and said to have failed. */
        if (!patient || j->clean || !worth_retrying(d) || clock_mono_ms() > deadline || engine_stopping(j->e))
            return false;
        if (mconn_is_lost(j->meta)) {
            unsigned at = j->step;

            if (!reclaim(j, d))
                return false;
            if (j->step != at)
                return true;
        }
        if (fan_is_away(d)) {
            struct diag d2;

            /* What was sent over the broken connection may still be running there. The op takes a gate again. */
            gate_close(j->gate);
            j->gate = NULL;
            diag_clear(&d2);
            if (!wait_marks(j, &d2))
                log_info(LOG_DDL, "DDL job %lu: %s", (unsigned long)j->id, d2.text);
        }
        clock_sleep_ms(pause);
        pause = MIN(pause * 2, (uint64_t)1000);
    }
}

static bool run_forward(struct job *j, struct diag *d)
{
    size_t n = json_array_size(steps_of(j));

    while (j->step < n) {
        json_t *step = json_array_get(steps_of(j), j->step);
        const struct job_op *op = op_of(step);
        unsigned at = j->step;

        diag_clear(d);
        if (!op)
            return diag_setf(d, ER_INTERNAL, "Internal error: DDL job %lu has a step that this version does not know",
                             (unsigned long)j->id);
        (void)FAULT("ddl.step_begin");
        if (engine_stopping(j->e) && j->step < no_return_of(j))
            return diag_set(d, ER_SERVER_SHUTDOWN);
        if (!with_retries(j, op, step, false, j->step >= no_return_of(j), d))
            return false;
        if (!op->publishes && !job_record(j, at + 1, d))
            return false;
        (void)FAULT("ddl.step_recorded");
    }
    return true;
}

static bool run_back(struct job *j, struct diag *d)
{
    for (;;) {
        json_t *step = json_array_get(steps_of(j), j->step);
        const struct job_op *op = step ? op_of(step) : NULL;

        (void)FAULT("ddl.undo_begin");
        if (op && !with_retries(j, op, step, true, true, d))
            return false;
        if (j->step == 0)
            return true;
        if (!job_record(j, j->step - 1, d))
            return false;
        (void)FAULT("ddl.undo_recorded");
    }
}

static void remember_error(struct job *j, const struct diag *why)
{
    struct sv text = sv_cstr(why->text);
    struct diag d;

    diag_clear(&d);
    if (!mconn_is_lost(j->meta) &&
        !mconn_execf(j->meta, &d,
                     "UPDATE tessera.ddl_job SET error_code = %u, error = %Q WHERE id = %lu AND epoch = %lu",
                     (unsigned)why->code, &text, (unsigned long)j->id, (unsigned long)j->epoch))
        log_warn(LOG_DDL, "DDL job %lu: %s", (unsigned long)j->id, d.text);
}

enum job_outcome job_run(struct job *j, struct diag *why)
{
    struct diag d;

    diag_clear(&d);
    if (j->state == JOB_RUNNING) {
        if (run_forward(j, why)) {
            (void)FAULT("ddl.before_finish");
            if (finish(j, JOB_DONE, NULL, &d))
                return JOB_ENDED_DONE;
            log_warn(LOG_DDL, "DDL job %lu is complete, its row could not be closed: %s", (unsigned long)j->id, d.text);
            return JOB_LEFT_DONE;
        }
        gate_close(j->gate);
        j->gate = NULL;
        remember_error(j, why);
        if (j->fenced || (j->step >= no_return_of(j) && !j->clean) || mconn_is_lost(j->meta)) {
            log_warn(LOG_DDL, "DDL job %lu (%.*s) stands at step %u and will be carried on: %s", (unsigned long)j->id,
                     SV_ARG(j->kind), j->step, why->text);
            return j->step >= no_return_of(j) ? JOB_LEFT_FORWARD : JOB_LEFT_BACK;
        }
        job_set_state(j, JOB_UNDOING);
        if (!job_record(j, j->step, &d))
            return JOB_LEFT_BACK;
    }
    gate_close(j->gate);
    j->gate = NULL;
    if (wait_marks(j, &d) && run_back(j, &d)) {
        (void)FAULT("ddl.before_finish");
        if (finish(j, JOB_FAILED, diag_is_set(why) ? why : NULL, &d))
            return JOB_ENDED_FAILED;
    }
    log_warn(LOG_DDL, "DDL job %lu (%.*s) is being undone, at step %u: %s", (unsigned long)j->id, SV_ARG(j->kind),
             j->step, d.text);
    return JOB_LEFT_BACK;
}

/* ---- taking over ---- */

bool job_adopt(struct job *j, uint64_t id, bool *free_now, struct diag *d)
{
    struct arena *a = &j->arena;
    struct mresult r;
    json_error_t je;
    struct sv token, text;

    *free_now = false;
    if (!mconn_queryf(
            j->meta, a, &r, d,
            "SELECT token FROM tessera.ddl_job WHERE id = %lu AND state IN ('planning', 'running', 'undoing')",
            (unsigned long)id))
        return false;
    if (r.rows == 0)
        return true;
    token = mresult_cell(&r, 0, 0);
    if (!mconn_queryf(j->meta, a, &r, d, "SELECT GET_LOCK(%Q, 0)", &token))
        return false;
    if (mresult_u64(&r, 0, 0) != 1)
        return true; /* its runner lives */
    j->token = token;
    if (!mconn_queryf(
            j->meta, a, &r, d,
            "SELECT state, kind, db, tbl, statement, user, steps, step, epoch FROM tessera.ddl_job WHERE id = %lu "
            "AND state IN ('planning', 'running', 'undoing')",
            (unsigned long)id))
        return false;
    if (r.rows == 0)
        return true; /* it ended in between */
    j->id = id;
    if (sv_eq(mresult_cell(&r, 0, 0), SV("planning"))) {
        job_discard(j);
        return true;
    }
    j->state = sv_eq(mresult_cell(&r, 0, 0), SV("undoing")) ? JOB_UNDOING : JOB_RUNNING;
    j->kind = mresult_cell(&r, 0, 1);
    j->db = mresult_cell(&r, 0, 2);
    j->table = mresult_cell(&r, 0, 3);
    j->statement = mresult_cell(&r, 0, 4);
    j->user = mresult_cell(&r, 0, 5);
    text = mresult_cell(&r, 0, 6);
    j->step = (unsigned)mresult_u64(&r, 0, 7);
    j->epoch = mresult_u64(&r, 0, 8) + 1;
    json_decref(j->plan);
    j->plan = json_loadb(text.ptr, text.len, 0, &je);
    if (!j->plan) {
        j->plan = json_object();
        return diag_setf(d, ER_INTERNAL, "Internal error: steps of DDL job %lu: %s", (unsigned long)id, je.text);
    }
    env_from_json(j, json_object_get(j->plan, "env"));
    set_mark(j);
    if (!wait_marks(j, d))
        return false;
    if (!checked_update(j,
                        mconn_sql(a,
                                  "UPDATE tessera.ddl_job SET epoch = epoch + 1, beat = beat + 1, node = %Q WHERE id = "
                                  "%lu AND epoch = %lu",
                                  &j->e->cfg.conf->node_name, (unsigned long)id, (unsigned long)(j->epoch - 1)),
                        d))
        return false;
    *free_now = true;
    /* A dead runner's statement has nobody who waits: what can be undone is undone. */
    if (j->state == JOB_RUNNING && j->step < no_return_of(j)) {
        job_set_state(j, JOB_UNDOING);
        return job_record(j, j->step, d);
    }
    return true;
}

/* ---- planning ---- */

json_t *job_json_text(struct sv s)
{
    json_t *t = json_stringn(s.ptr ? s.ptr : "", s.len);

    /* Text that is no UTF-8 (a client in binary) is kept byte by byte as Latin-1 would be lossy to guess: refuse to
     * lose it. */
    CHECK(t != NULL);
    return t;
}

struct sv job_json_sv(const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return json_is_string(v) ? sv_make(json_string_value(v), json_string_length(v)) : SV_NULL;
}

uint64_t job_json_u64(const json_t *o, const char *key)
{
    return (uint64_t)json_integer_value(json_object_get(o, key));
}

json_t *job_step(struct job *j, const char *op, json_t *fields)
{
    json_t *o = fields ? fields : json_object();

    json_object_set_new(o, "op", json_string(op));
    json_array_append_new(steps_of(j), o);
    return o;
}

void job_set_no_return(struct job *j)
{
    json_object_set_new(j->plan, "no_return", json_integer((json_int_t)json_array_size(steps_of(j))));
}

bool job_has_steps(struct job *j)
{
    return json_array_size(steps_of(j)) > 0;
}

void job_note(struct job *j, enum ddl_note_level level, unsigned code, const char *fmt, ...)
{
    struct ddl_note *all;
    va_list ap;

    if (!j->r || j->r->n_notes >= LIMIT_WARNINGS)
        return;
    all = ARENA_NEW_N(&j->r->arena, struct ddl_note, j->r->n_notes + 1);
    if (j->r->n_notes)
        memcpy(all, j->r->notes, j->r->n_notes * sizeof *all);
    va_start(ap, fmt);
    all[j->r->n_notes] = (struct ddl_note){level, (uint16_t)code, arena_vprintf(&j->r->arena, fmt, ap)};
    va_end(ap);
    j->r->notes = all;
    j->r->n_notes++;
}

const struct conf *job_conf(const struct job *j)
{
    return j->e->cfg.conf;
}

unsigned job_lanes(const struct job *j)
{
    return j->e->cfg.shard_lanes;
}
