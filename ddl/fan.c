/* Lanes: for each shard min(lanes, its tasks) threads; lane k of n takes every n-th task of its shard, in order. The
 * last lane runs on the caller's thread, and so does every lane for which the system has no thread: slower, never
 * wrong. A lane opens its connection at its first task and again after a loss, so that one broken connection costs one
 * task. */
#include "ddl/fan.h"

#include "catalog/snapshot.h"
#include "util/clock.h"

#include <pthread.h>
#include <stdatomic.h>

bool fan_set_env(struct mconn *c, const struct fan_env *e, struct diag *d)
{
    struct arena a;
    struct strbuf b;
    bool ok;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    strbuf_puts(&b, "SET sql_quote_show_create=1");
    if (!e || e->plain) {
        strbuf_puts(&b, ", sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'");
    } else {
        struct {
            const char *name;
            struct sv value;
        } texts[] = {{"sql_mode", e->sql_mode}, {"time_zone", e->time_zone}};

        for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
            if (!texts[i].value.ptr)
                continue;
            strbuf_printf(&b, ", %s=", texts[i].name);
            mconn_put_quoted(&b, texts[i].value);
        }
        if (e->collation.ptr && sv_starts(e->collation, SV("utf8mb4"))) {
            strbuf_puts(&b, ", collation_connection=");
            mconn_put_quoted(&b, e->collation);
        }
        if (e->no_foreign_key_checks)
            strbuf_puts(&b, ", foreign_key_checks=0");
        if (e->no_unique_checks)
            strbuf_puts(&b, ", unique_checks=0");
        if (e->keep_zero)
            strbuf_puts(&b, ", sql_mode=CONCAT(@@sql_mode, ',NO_AUTO_VALUE_ON_ZERO')");
        if (e->lock_wait_s)
            strbuf_printf(&b, ", lock_wait_timeout=%u", e->lock_wait_s);
    }
    ok = mconn_exec(c, strbuf_sv(&b), d);
    arena_free(&a);
    return ok;
}

enum { FAN_SLOTS = 64 };

static bool take_mark(struct mconn *c, struct sv mark, struct diag *d)
{
    static _Atomic unsigned next; /* relaxed: any order will do */
    unsigned slot = atomic_fetch_add_explicit(&next, 1, memory_order_relaxed) % FAN_SLOTS;

    return mconn_execf(c, d, "DO GET_LOCK('%S.%u', 0)", &mark, slot);
}

bool fan_open(const struct conf *conf, const struct cat_shard *shard, const struct fan_env *env, uint32_t read_ms,
              struct mconn **out, struct diag *d)
{
    struct mconn_params p = {0};

    mconn_params_shard(&p, conf, shard);
    p.read_timeout_ms = read_ms;
    p.connect_timeout_ms = (uint32_t)conf->pool.connect_timeout_ms;
    if (!mconn_open(&p, out, d)) {
        struct diag why = *d;
        struct arena a;

        /* Whatever the reason, wrong account included: the shard cannot be used. */
        arena_init(&a, 0);
        diag_clear(d);
        (void)diag_set(d, ER_SHARD_DOWN, arena_dup(&a, shard->name).ptr, why.text);
        arena_free(&a);
        return false;
    }
    if (fan_set_env(*out, env, d) && (!env || !env->mark.len || take_mark(*out, env->mark, d)))
        return true;
    mconn_close(*out);
    *out = NULL;
    return false;
}

/* One look at one shard. A shard that is away has no connections that matter: when it is back they are gone. */
static bool marks_free(const struct conf *conf, const struct cat_shard *shard, struct sv mark, bool *all_free,
                       struct diag *d)
{
    struct mresult r;
    struct mconn *c;
    struct strbuf b;
    struct arena a;
    struct diag d2;
    bool ok = true;

    diag_clear(&d2);
    *all_free = true;
    if (!fan_open(conf, shard, NULL, 10000, &c, &d2))
        return true;
    arena_init(&a, 0);
    strbuf_init(&b, &a);
    for (unsigned i = 0; i < FAN_SLOTS; i++)
        strbuf_printf(&b, "%sIS_FREE_LOCK('%.*s.%u')", i ? "+" : "SELECT ", SV_ARG(mark), i);
    ok = mconn_query(c, strbuf_sv(&b), &a, &r, &d2);
    if (ok)
        *all_free = mresult_u64(&r, 0, 0) == FAN_SLOTS;
    else if (!fan_is_away(&d2))
        *d = d2;
    mconn_close(c);
    arena_free(&a);
    return ok || !diag_is_set(d);
}

bool fan_wait_marks(const struct conf *conf, const struct cat_snapshot *s, struct sv mark, uint64_t timeout_ms,
                    struct diag *d)
{
    uint64_t deadline = clock_mono_ms() + timeout_ms, pause = 5;

    array_each(&s->shards, shard) {
        bool all_free;

        for (;;) {
            if (!marks_free(conf, shard, mark, &all_free, d))
                return false;
            if (all_free)
                break;
            if (clock_mono_ms() > deadline)
                return diag_setf(d, ER_LOCK_WAIT_TIMEOUT, "A statement of the former runner still runs on shard '%.*s'",
                                 SV_ARG(shard->name));
            clock_sleep_ms(pause);
            pause = MIN(pause * 2, (uint64_t)100);
        }
    }
    return true;
}

bool fan_is_away(const struct diag *d)
{
    return d->cls == DIAG_CONN_LOST || d->cls == DIAG_RETRY_UNSENT || d->cls == DIAG_UNKNOWN_OUTCOME;
}

struct fan {
    const struct conf *conf;
    struct fan_task *tasks;
    size_t n;
    const struct fan_env *env;
    bool stop_on_error;
    _Atomic bool failed; /* relaxed: only saves work */
};

struct lane {
    struct fan *fan;
    const struct cat_shard *shard;
    unsigned nr, of;
    pthread_t thread;
    bool started;
};

static void run_task(struct lane *la, struct mconn **c, struct arena *a, struct fan_task *t)
{
    if (!*c || mconn_is_lost(*c)) {
        mconn_close(*c);
        *c = NULL;
        if (!fan_open(la->fan->conf, la->shard, la->fan->env, 0, c, &t->d))
            return;
    }
    t->ok = t->run(*c, a, t);
}

static void lane_run(struct lane *la)
{
    struct fan *f = la->fan;
    struct mconn *c = NULL;
    struct arena a;
    unsigned seen = 0;

    arena_init(&a, 0);
    for (size_t i = 0; i < f->n; i++) {
        struct fan_task *t = &f->tasks[i];

        if (t->shard->id != la->shard->id || seen++ % la->of != la->nr)
            continue;
        if (f->stop_on_error && atomic_load_explicit(&f->failed, memory_order_relaxed))
            break;
        run_task(la, &c, &a, t);
        arena_reset(&a);
        if (!t->ok)
            atomic_store_explicit(&f->failed, true, memory_order_relaxed);
    }
    mconn_close(c);
    arena_free(&a);
}

static void *lane_main(void *arg)
{
    mconn_thread_begin();
    lane_run(arg);
    mconn_thread_end();
    return NULL;
}

/* Fills out (if not NULL) and returns the number of lanes. */
static size_t count_lanes(struct fan_task *tasks, size_t n, unsigned lanes, struct lane *out)
{
    size_t made = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned on_shard = 0, of;
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++)
            seen = tasks[j].shard->id == tasks[i].shard->id;
        if (seen)
            continue;
        for (size_t j = i; j < n; j++)
            on_shard += tasks[j].shard->id == tasks[i].shard->id;
        of = MIN(lanes ? lanes : 1, on_shard);
        for (unsigned k = 0; k < of; k++, made++)
            if (out)
                out[made] = (struct lane){.shard = tasks[i].shard, .nr = k, .of = of};
    }
    return made;
}

bool fan_run_all(const struct conf *conf, struct fan_task *tasks, size_t n, const struct fan_env *env, unsigned lanes,
                 bool stop_on_error, struct diag *d)
{
    struct fan f = {.conf = conf, .tasks = tasks, .n = n, .env = env, .stop_on_error = stop_on_error};
    size_t n_lanes = count_lanes(tasks, n, lanes, NULL);
    struct lane *all = xcalloc(n_lanes + 1, sizeof *all);

    (void)count_lanes(tasks, n, lanes, all);
    for (size_t i = 0; i < n; i++) {
        tasks[i].ok = false;
        diag_clear(&tasks[i].d);
    }
    for (size_t i = 0; i < n_lanes; i++) {
        all[i].fan = &f;
        all[i].started = i + 1 < n_lanes && i < LIMIT_DDL_PARALLEL * 4 &&
                         pthread_create(&all[i].thread, NULL, lane_main, &all[i]) == 0;
    }
    for (size_t i = 0; i < n_lanes; i++)
        if (!all[i].started)
            lane_run(&all[i]);
    for (size_t i = 0; i < n_lanes; i++)
        if (all[i].started)
            (void)pthread_join(all[i].thread, NULL);
    xfree(all);
    for (size_t i = 0; i < n; i++) {
        if (tasks[i].ok || !diag_is_set(&tasks[i].d))
            continue;
        *d = tasks[i].d;
        return false;
    }
    return true;
}

bool fan_run_sql(struct mconn *c, struct arena *a, struct fan_task *t)
{
    (void)a;
    return mconn_exec(c, t->sql, &t->d);
}
