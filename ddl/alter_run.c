/* The step that alters all partitions (see s_alter.c for the plan behind it).
 *
 * Step: {"items": [{"s", "db", "name", "part", "sql"}], "s0": SHOW CREATE TABLE of a partition before, "s0_part": its
 * number, "gate": bool, "rehearse": bool, "renames": [[old column, new column]]}
 *
 *   1. read every partition's definition: those that are like s0 are to do, the others are done (all alike, else
 * nothing is touched)
 *   2. the gate, the rehearsal
 *   3. the first one to do; its definition afterwards is the new one
 *   4. the others, in parallel; their definitions must be the new one
 * A failure of the statement itself takes the done ones back, unless that would lose what the statement had dropped. */
#include "ddl/describe.h"
#include "ddl/gate.h"
#include "ddl/job-int.h"
#include "ddl/shape.h"

#include "catalog/names.h"
#include "util/fault.h"
#include "util/log.h"

enum { RUN_SCRATCH_BASE = 900000 };

struct target {
    const struct cat_shard *shard;
    struct sv db, name, sql;
    int part_no;
    struct shape now;
    bool done;
};

struct run {
    struct job *j;
    json_t *step;
    struct arena *a;
    struct target *targets;
    size_t n;
    struct shape before, after;
    bool have_after, gated;
    struct shape_rename *renames;
    size_t n_renames;
};

static bool read_step(struct run *r, struct diag *d)
{
    struct job *j = r->j;
    json_t *items = json_object_get(r->step, "items"), *renames = json_object_get(r->step, "renames"), *o;
    size_t i;

    if (!j->snap && !job_refresh(j, d))
        return false;
    r->n = json_array_size(items);
    r->targets = ARENA_NEW_N(r->a, struct target, r->n + 1);
    json_array_foreach(items, i, o) {
        r->targets[i] = (struct target){
            .shard = cat_find_shard_id(j->snap, (uint32_t)job_json_u64(o, "s")),
            .db = job_json_sv(o, "db"),
            .name = job_json_sv(o, "name"),
            .sql = job_json_sv(o, "sql"),
            .part_no = (int)json_integer_value(json_object_get(o, "part")),
        };
        if (!r->targets[i].shard)
            return diag_setf(d, ER_UNKNOWN_SHARD, "A shard of DDL job %lu is gone", (unsigned long)j->id);
    }
    r->n_renames = json_array_size(renames);
    r->renames = ARENA_NEW_N(r->a, struct shape_rename, r->n_renames + 1);
    json_array_foreach(renames, i, o) {
        r->renames[i].from = sv_cstr(json_string_value(json_array_get(o, 0)));
        r->renames[i].to = sv_cstr(json_string_value(json_array_get(o, 1)));
    }
    r->gated = json_is_true(json_object_get(r->step, "gate"));
    return shape_parse(r->a, job_json_sv(r->step, "s0"), (int)json_integer_value(json_object_get(r->step, "s0_part")),
                       &r->before, d);
}

/* ---- definitions ---- */

struct read_arg {
    struct target *t;
    struct arena a;
};

static bool read_one(struct mconn *c, struct arena *a, struct fan_task *t)
{
    struct read_arg *x = t->arg;

    (void)a;
    return describe_shape(c, x->t->db, x->t->name, x->t->part_no, &x->a, &x->t->now, &t->d);
}

/* The shapes' texts are copied from the lanes' arenas, which cannot be shared between threads. */
static void copy_shape(struct arena *a, struct shape *s)
{
    struct shape_item *items = ARENA_NEW_N(a, struct shape_item, s->n_items + 1);

    for (size_t i = 0; i < s->n_items; i++)
        items[i] = (struct shape_item){.kind = s->items[i].kind,
                                       .suffixed = s->items[i].suffixed,
                                       .name = arena_dup(a, s->items[i].name),
                                       .def = arena_dup(a, s->items[i].def),
                                       .body = arena_dup(a, s->items[i].body)};
    s->items = items;
    s->options = arena_dup(a, s->options);
}

static bool read_shapes(struct run *r, struct diag *d)
{
    struct fan_task *tasks = ARENA_NEW_N(r->a, struct fan_task, r->n + 1);
    struct read_arg *args = ARENA_NEW_N(r->a, struct read_arg, r->n + 1);
    bool ok;

    for (size_t i = 0; i < r->n; i++) {
        args[i].t = &r->targets[i];
        arena_init(&args[i].a, 0);
        tasks[i] = (struct fan_task){.shard = r->targets[i].shard, .run = read_one, .arg = &args[i]};
    }
    ok = fan_run_all(job_conf(r->j), tasks, r->n, &r->j->plain, job_lanes(r->j), true, d);
    for (size_t i = 0; i < r->n; i++) {
        if (ok)
            copy_shape(r->a, &r->targets[i].now);
        arena_free(&args[i].a);
    }
    return ok;
}

static bool differs(struct run *r, const struct target *t, struct diag *d)
{
    char *logical = arena_strdup(r->a, arena_dup(r->a, r->j->table).ptr),
         *shard = arena_strdup(r->a, arena_dup(r->a, t->shard->name).ptr);

    return diag_set(d, ER_DDL_SHAPES_DIFFER, logical, shard, arena_dup(r->a, t->name).ptr);
}

/* What is like s0 is to do. */
static bool classify(struct run *r, struct diag *d)
{
    r->have_after = false;
    for (size_t i = 0; i < r->n; i++) {
        struct target *t = &r->targets[i];

        t->done = !shape_equal(&t->now, &r->before);
        if (!t->done)
            continue;
        if (!r->have_after) {
            r->after = t->now;
            r->have_after = true;
        } else if (!shape_equal(&t->now, &r->after)) {
            return differs(r, t, d);
        }
    }
    return true;
}

static size_t count_done(const struct run *r)
{
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++)
        n += r->targets[i].done;
    return n;
}

/* ---- scratch copies for the rehearsal ---- */

static struct sv scratch_name(struct run *r, size_t i)
{
    return names_scratch(r->a, r->j->table, (uint32_t)(RUN_SCRATCH_BASE + i));
}

static bool each_scratch(struct run *r, bool create, struct diag *d)
{
    struct fan_task *tasks = ARENA_NEW_N(r->a, struct fan_task, 2 * r->n + 1);
    size_t n = 0;

    for (size_t i = 0; i < r->n; i++) {
        struct target *t = &r->targets[i];
        struct sv name = scratch_name(r, i);

        tasks[n++] = (struct fan_task){
            .shard = t->shard, .run = fan_run_sql, .sql = mconn_sql(r->a, "DROP TABLE IF EXISTS %I.%I", &t->db, &name)};
        if (create && !t->done)
            tasks[n++] = (struct fan_task){
                .shard = t->shard,
                .run = fan_run_sql,
                .sql = mconn_sql(r->a, "CREATE TABLE %I.%I LIKE %I.%I", &t->db, &name, &t->db, &t->name)};
    }
    /* One lane a shard: a copy is made behind its old one's end. */
    return fan_run_all(job_conf(r->j), tasks, n, &r->j->plain, 1, true, d);
}

static void drop_scratch(struct run *r)
{
    struct diag d;

    diag_clear(&d);
    if (!each_scratch(r, false, &d))
        log_warn(LOG_DDL, "DDL job %lu: dropping scratch copies: %s", (unsigned long)r->j->id, d.text);
}

static bool is_generated(const struct shape_item *it)
{
    return memmem(it->body.ptr, it->body.len, " GENERATED ALWAYS AS ", 21) != NULL;
}

static struct sv copy_columns(struct run *r)
{
    struct strbuf b;

    strbuf_init(&b, r->a);
    for (size_t i = 0; i < r->before.n_items; i++) {
        const struct shape_item *it = &r->before.items[i];

        if (it->kind != SHAPE_COLUMN || is_generated(it))
            continue;
        strbuf_puts(&b, b.len ? "," : "");
        strbuf_put_ident(&b, it->name);
    }
    return strbuf_sv(&b);
}

/* The statement for a scratch copy: the same text with the copy's name in its head. */
static struct sv scratch_sql(struct run *r, const struct target *t, size_t i)
{
    struct strbuf head;
    const char *p;
    struct sv name = scratch_name(r, i);

    strbuf_init(&head, r->a);
    strbuf_put_ident(&head, t->name);
    p = memmem(t->sql.ptr, t->sql.len, head.ptr, head.len);
    if (!p)
        return SV_NULL;
    return arena_concat(r->a,
                        (struct sv[]){{t->sql.ptr, (size_t)(p - t->sql.ptr)},
                                      sv_cstr(arena_printf(r->a, "`%.*s`", SV_ARG(name)).ptr),
                                      {p + head.len, (size_t)(t->sql.ptr + t->sql.len - p) - head.len}},
                        3);
}

struct rehearsal {
    struct run *r;
    const struct cat_shard *shard;
    struct sv cols;
    struct diag d;
    pthread_t thread;
    bool started, ok;
};

static bool rehearse_one(struct rehearsal *x, struct mconn *c, struct arena *a, size_t i)
{
    struct run *r = x->r;
    struct target *t = &r->targets[i];
    struct sv name = names_scratch(a, r->j->table, (uint32_t)(RUN_SCRATCH_BASE + i)),
              sql = job_json_sv(json_array_get(json_object_get(r->step, "items"), i), "scratch");

    /* The copy must not fail: whatever is in the table goes over as it is. */
    if (!mconn_exec(c, SV("SET sql_mode='NO_AUTO_VALUE_ON_ZERO'"), &x->d) ||
        !mconn_execf(c, &x->d, "INSERT INTO %I.%I (%S) SELECT %S FROM %I.%I", &t->db, &name, &x->cols, &x->cols, &t->db,
                     &t->name) ||
        !mconn_exec(c, SV("SET sql_mode=DEFAULT"), &x->d) || !fan_set_env(c, &r->j->env, &x->d) ||
        !mconn_exec(c, sql, &x->d))
        return false;
    return mconn_execf(c, &x->d, "TRUNCATE TABLE %I.%I", &t->db, &name);
}

/* On the connection that holds the shard's locks. */
static void *rehearse_shard(void *arg)
{
    struct rehearsal *x = arg;
    struct mconn *c = gate_conn(x->r->j->gate, x->shard->id);
    struct arena a;

    arena_init(&a, 0);
    x->ok = true;
    for (size_t i = 0; x->ok && i < x->r->n; i++)
        if (x->r->targets[i].shard->id == x->shard->id && !x->r->targets[i].done)
            x->ok = rehearse_one(x, c, &a, i);
    arena_free(&a);
    return NULL;
}

static void *rehearse_main(void *arg)
{
    mconn_thread_begin();
    (void)rehearse_shard(arg);
    mconn_thread_end();
    return NULL;
}

/* Runs fn(x) for each shard of the run at the same time. */
static bool on_shards(struct run *r, void *(*main_fn)(void *), void *(*here_fn)(void *), struct sv cols, struct diag *d)
{
    struct rehearsal *all = ARENA_NEW_N(r->a, struct rehearsal, r->n + 1);
    size_t n = 0;
    bool ok = true;

    for (size_t i = 0; i < r->n; i++) {
        bool seen = false;

        for (size_t k = 0; k < n && !seen; k++)
            seen = all[k].shard->id == r->targets[i].shard->id;
        if (seen)
            continue;
        all[n] = (struct rehearsal){.r = r, .shard = r->targets[i].shard, .cols = cols};
        diag_clear(&all[n].d);
        n++;
    }
    for (size_t i = 0; i + 1 < n; i++)
        all[i].started = pthread_create(&all[i].thread, NULL, main_fn, &all[i]) == 0;
    for (size_t i = 0; i < n; i++)
        if (!all[i].started)
            (void)here_fn(&all[i]);
    for (size_t i = 0; i < n; i++) {
        if (all[i].started)
            (void)pthread_join(all[i].thread, NULL);
        if (!all[i].ok && ok) {
            *d = all[i].d;
            ok = false;
        }
    }
    return ok;
}

static bool take_gate(struct run *r, bool scratch, struct diag *d)
{
    json_t *all, *o;
    bool ok;

    if (!r->gated)
        return true;
    all = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct target *t = &r->targets[i];

        for (int k = 0; k < 1 + (scratch && !t->done); k++) {
            o = json_pack("{s:I}", "s", (json_int_t)t->shard->id);
            json_object_set_new(o, "db", job_json_text(t->db));
            json_object_set_new(o, "name", job_json_text(k ? scratch_name(r, i) : t->name));
            json_array_append_new(all, o);
        }
    }
    if (scratch) {
        /* A gate that is held lacks the copies. */
        gate_close(r->j->gate);
        r->j->gate = NULL;
    }
    ok = job_take_gate(r->j, all, d);
    json_decref(all);
    return ok;
}

static bool rehearse(struct run *r, struct diag *d)
{
    bool ok;

    for (size_t i = 0; i < r->n; i++) {
        struct sv sql = scratch_sql(r, &r->targets[i], i);

        if (!sql.ptr)
            return diag_setf(d, ER_INTERNAL, "Internal error: ALTER TABLE text without its table");
        json_object_set_new(json_array_get(json_object_get(r->step, "items"), i), "scratch", job_json_text(sql));
    }
    ok = each_scratch(r, true, d) && take_gate(r, true, d) &&
         on_shards(r, rehearse_main, rehearse_shard, copy_columns(r), d);
    if (!ok) {
        /* Copies are locked by the gate, which is of no use any more. */
        gate_close(r->j->gate);
        r->j->gate = NULL;
        drop_scratch(r);
    }
    return ok;
}

/* ---- altering ---- */

static bool alter_one(struct run *r, struct mconn *c, struct target *t, struct diag *d)
{
    (void)r;
    if (!mconn_exec(c, t->sql, d))
        return false;
    t->done = true;
    (void)FAULT("ddl.some_done");
    return true;
}

static bool alter_task(struct mconn *c, struct arena *a, struct fan_task *t)
{
    (void)a;
    return alter_one(NULL, c, t->arg, &t->d);
}

/* The first one by itself: what is wrong with the statement is found out here. */
static bool alter_first(struct run *r, struct diag *d)
{
    struct target *t = &r->targets[0];
    struct mconn *own = NULL, *c = r->gated ? gate_conn(r->j->gate, t->shard->id) : NULL, *plain;
    struct mresult w;
    bool ok;

    if (!c && !job_open_shard(r->j, t->shard->id, true, &own, d))
        return false;
    c = c ? c : own;
    ok = alter_one(r, c, t, d);
    if (ok && r->j->r && mconn_warnings(c, r->a, &w, d))
        for (uint32_t i = 0; i < w.rows; i++) {
            struct sv level = mresult_cell(&w, i, 0),
                      text = names_to_logical(r->a, mresult_cell(&w, i, 2), r->j->table);

            job_note(r->j, sv_eq(level, SV("Note")) ? DDL_NOTE : DDL_WARNING, (unsigned)mresult_u64(&w, i, 1), "%.*s",
                     SV_ARG(text));
        }
    mconn_close(own);
    if (!ok || !job_open_shard(r->j, t->shard->id, false, &plain, d))
        return false;
    ok = describe_shape(plain, t->db, t->name, t->part_no, r->a, &t->now, d);
    mconn_close(plain);
    r->after = t->now;
    r->have_after = ok;
    return ok;
}

static void *alter_shard(void *arg)
{
    struct rehearsal *x = arg;
    struct mconn *c = gate_conn(x->r->j->gate, x->shard->id);

    x->ok = true;
    for (size_t i = 0; x->ok && i < x->r->n; i++)
        if (x->r->targets[i].shard->id == x->shard->id && !x->r->targets[i].done)
            x->ok = alter_one(x->r, c, &x->r->targets[i], &x->d);
    return NULL;
}

static void *alter_main(void *arg)
{
    mconn_thread_begin();
    (void)alter_shard(arg);
    mconn_thread_end();
    return NULL;
}

static bool alter_rest(struct run *r, struct diag *d)
{
    struct fan_task *tasks = ARENA_NEW_N(r->a, struct fan_task, r->n + 1);
    size_t n = 0;

    if (r->gated)
        return on_shards(r, alter_main, alter_shard, SV_NULL, d);
    for (size_t i = 0; i < r->n; i++)
        if (!r->targets[i].done)
            tasks[n++] = (struct fan_task){.shard = r->targets[i].shard, .run = alter_task, .arg = &r->targets[i]};
    return job_fan(r->j, tasks, n, true, d);
}

static bool verify(struct run *r, struct diag *d)
{
    if (!read_shapes(r, d))
        return false;
    for (size_t i = 0; i < r->n; i++)
        if (!shape_equal(&r->targets[i].now, &r->after))
            return differs(r, &r->targets[i], d);
    return true;
}

/* ---- taking back ---- */

static bool back_task(struct mconn *c, struct arena *a, struct fan_task *t)
{
    if (!fan_run_sql(c, a, t))
        return false;
    (void)FAULT("ddl.some_undone");
    return true;
}

/* Where the inverse gives back less than there was (a dropped column's contents) nothing is taken back. */
static bool take_back(struct run *r)
{
    struct fan_task *tasks = ARENA_NEW_N(r->a, struct fan_task, r->n + 1);
    struct shape_rename *back = ARENA_NEW_N(r->a, struct shape_rename, r->n_renames + 1);
    struct diag d;
    size_t n = 0;

    diag_clear(&d);
    for (size_t i = 0; i < r->n_renames; i++)
        back[i] = (struct shape_rename){r->renames[i].to, r->renames[i].from};
    gate_close(r->j->gate);
    r->j->gate = NULL;
    if (!read_shapes(r, &d))
        goto failed;
    for (size_t i = 0; i < r->n; i++) {
        struct target *t = &r->targets[i];
        bool lossy, lost_back;
        struct sv actions;

        if (shape_equal(&t->now, &r->before))
            continue;
        actions = shape_alter(r->a, &t->now, &r->before, back, r->n_renames, t->part_no, &lossy, &lost_back);
        if (lost_back || !actions.len) {
            (void)diag_setf(&d, ER_INTERNAL, "what was dropped cannot be brought back");
            goto failed;
        }
        tasks[n++] = (struct fan_task){.shard = t->shard,
                                       .run = back_task,
                                       .sql = mconn_sql(r->a, "ALTER TABLE %I.%I %S", &t->db, &t->name, &actions)};
    }
    if (!fan_run_all(job_conf(r->j), tasks, n, &r->j->plain, job_lanes(r->j), false, &d) || !read_shapes(r, &d))
        goto failed;
    for (size_t i = 0; i < r->n; i++)
        if (!shape_equal(&r->targets[i].now, &r->before) && !differs(r, &r->targets[i], &d))
            goto failed;
    return true;
failed:
    log_warn(LOG_DDL, "DDL job %lu: the partitions that were altered already could not be taken back: %s",
             (unsigned long)r->j->id, d.text);
    return false;
}

static bool alter_all(struct run *r, struct diag *d)
{
    bool rehearsed = json_is_true(json_object_get(r->step, "rehearse"));

    if (rehearsed && count_done(r) < r->n) {
        if (!rehearse(r, d))
            return false;
    } else if (!take_gate(r, false, d)) {
        return false;
    }
    if ((count_done(r) == 0 && !alter_first(r, d)) || !alter_rest(r, d))
        return false;
    if (rehearsed) {
        struct gate *g = r->j->gate;

        /* Copies may also be left by an earlier runner. Dropping them means letting go of their locks first. The tables
         * have their new shape: only the catalog is behind. */
        r->j->gate = NULL;
        gate_close(g);
        drop_scratch(r);
    }
    (void)FAULT("ddl.all_done");
    return verify(r, d);
}

static bool alter_run(struct job *j, json_t *step, struct diag *d)
{
    struct arena a;
    struct run r = {.j = j, .step = step, .a = &a};
    bool ok = false;

    arena_init(&a, 0);
    if (read_step(&r, d) && read_shapes(&r, d) && classify(&r, d)) {
        ok = alter_all(&r, d);
        if (!ok && count_done(&r) == 0) {
            /* A connection that broke in the middle says nothing about the statement: it may still be running there. */
            j->clean = !fan_is_away(d);
        } else if (!ok && !fan_is_away(d) && d->code != ER_DDL_SHAPES_DIFFER) {
            j->clean = take_back(&r);
        }
        if (!ok)
            job_map_diag(j, d);
    } else if (j->step == 0 && count_done(&r) == 0 && r.n && fan_is_away(d) && j->r) {
        /* A shard was away before anything was begun. A client waits for the answer: it gets the error at once. */
        j->clean = !json_is_true(json_object_get(step, "begun"));
    }
    json_object_set_new(step, "begun", json_true());
    arena_free(&a);
    return ok;
}

const struct job_op job_op_alter = {.name = "alter", .run = alter_run};
