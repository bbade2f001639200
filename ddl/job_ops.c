/* Steps that need nothing of a statement's own: SQL on shards with its inverse, the check that names are free;
 * and what all steps share: connections with the job's environment, mapping of names in errors. */
#include "ddl/job-int.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "parser/lex.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"

/* ---- syntax errors: where in the client's text ---- */

enum { NEAR_TOKENS = 24, NEAR_BYTES = 80 };

static struct sv bare(struct sv text, const struct token *t)
{
    struct sv v = sv_make(text.ptr + t->begin, t->end - t->begin);

    return t->kind == TK_QUOTED && v.len >= 2 ? sv_make(v.ptr + 1, v.len - 2) : v;
}

static uint32_t take_tokens(struct sv text, uint32_t from, struct token *out)
{
    struct sql_opts opts = {0};
    struct lex l;
    uint32_t n = 0;

    lex_init(&l, text, from, &opts);
    while (n < NEAR_TOKENS) {
        lex_next(&l, &out[n]);
        if (out[n].kind == TK_EOF || out[n].kind == TK_ERROR)
            break;
        n++;
    }
    return n;
}

/* The place in the statement whose tokens go on like those of `near`, which a shard quoted from the text that was made of it;
 * UINT32_MAX: none. */
static uint32_t find_near(struct sv statement, struct sv near)
{
    struct token want[NEAR_TOKENS], here[NEAR_TOKENS];
    uint32_t n = take_tokens(near, 0, want), best = 0, at = UINT32_MAX, from = 0;

    for (;;) {
        uint32_t k = 0, m = take_tokens(statement, from, here);

        if (!m)
            return at;
        while (k < n && k < m && sv_eq_nocase(bare(near, &want[k]), bare(statement, &here[k])))
            k++;
        if (k > best) {
            best = k;
            at = here[0].begin;
        }
        from = here[0].end;
    }
}

/* "... near 'x' at line 1": x as the client wrote it. */
static void map_syntax(struct job *j, struct diag *d)
{
    static const struct sv head = {"near '", 6}, tail = {"' at line ", 10};
    struct sv text = sv_cstr(d->text);
    const char *b = memmem(text.ptr, text.len, head.ptr, head.len), *e = NULL;
    char out[sizeof d->text];
    uint32_t at, line = 1;
    size_t n;

    for (const char *p = b; p && (p = memmem(p, (size_t)(text.ptr + text.len - p), tail.ptr, tail.len)); p++)
        e = p;
    if (!e || !j->statement.len)
        return;
    b += head.len;
    at = e > b ? find_near(j->statement, sv_make(b, (size_t)(e - b))) : (uint32_t)j->statement.len;
    if (at == UINT32_MAX)
        return;
    for (uint32_t i = 0; i < at; i++)
        line += j->statement.ptr[i] == '\n';
    n = MIN(j->statement.len - at, (size_t)NEAR_BYTES);
    while (n && at + n < j->statement.len && ((unsigned char)j->statement.ptr[at + n] & 0xc0) == 0x80)
        n--;
    snprintf(out, sizeof out, "%.*s%.*s%.*s%u", (int)(b - text.ptr), text.ptr, (int)n, j->statement.ptr + at, (int)tail.len, tail.ptr,
             line);
    memcpy(d->text, out, sizeof out);
}

void job_map_diag(struct job *j, struct diag *d)
{
    struct arena a;
    struct sv text, logical;

    if (!d->is_remote)
        return;
    if (d->code == ER_PARSE_ERROR)
        map_syntax(j, d);
    if (!strstr(d->text, "__p"))
        return;
    arena_init(&a, 0);
    text = sv_cstr(d->text);
    logical = names_to_logical(&a, text, j->table);
    logical = names_of_scratch(&a, logical, j->table);
    if (logical.len < sizeof d->text) {
        memmove(d->text, logical.ptr, logical.len);
        d->text[logical.len] = '\0';
    }
    arena_free(&a);
}

static const struct cat_shard *shard_of(struct job *j, uint32_t id, struct diag *d)
{
    const struct cat_shard *s;

    if (!j->snap && !job_refresh(j, d))
        return NULL;
    s = cat_find_shard_id(j->snap, id);
    if (!s)
        (void)diag_setf(d, ER_UNKNOWN_SHARD, "Unknown shard number %u", id);
    return s;
}

bool job_open_shard(struct job *j, uint32_t shard_id, bool env, struct mconn **out, struct diag *d)
{
    const struct cat_shard *s;
    struct cat_shard new_shard;

    /* Number 0: the shard that the job is about to add. */
    if (shard_id == 0 && json_object_get(j->plan, "new_shard")) {
        shard_of_json(json_object_get(j->plan, "new_shard"), &new_shard);
        return fan_open(job_conf(j), &new_shard, env ? &j->env : &j->plain, 0, out, d);
    }
    s = shard_of(j, shard_id, d);

    return s && fan_open(job_conf(j), s, env ? &j->env : &j->plain, 0, out, d);
}

bool job_fan(struct job *j, struct fan_task *tasks, size_t n, bool stop_on_error, struct diag *d)
{
    if (fan_run_all(job_conf(j), tasks, n, &j->env, job_lanes(j), stop_on_error, d))
        return true;
    job_map_diag(j, d);
    return false;
}

/* ---- sql ---- */

json_t *job_sql_step(struct job *j)
{
    return job_step(j, "sql", json_pack("{s:[]}", "items"));
}

void job_sql_item(json_t *step, uint32_t shard_id, struct sv sql, struct sv undo)
{
    json_t *o = json_pack("{s:i}", "s", (int)shard_id);

    json_object_set_new(o, "do", job_json_text(sql));
    if (undo.ptr)
        json_object_set_new(o, "undo", job_json_text(undo));
    json_array_append_new(json_object_get(step, "items"), o);
}

/* The first item's warnings are the statement's. */
struct item_warnings {
    struct arena arena;
    struct mresult r;
};

static bool run_item(struct mconn *c, struct arena *a, struct fan_task *t)
{
    struct item_warnings *w = t->arg;
    struct mresult r;

    if (!mconn_query(c, t->sql, a, &r, &t->d))
        return false;
    t->affected = r.affected;
    if (w && r.warnings && !mconn_warnings(c, &w->arena, &w->r, &t->d))
        return false;
    (void)FAULT("ddl.some_done");
    return true;
}

static bool undo_item(struct mconn *c, struct arena *a, struct fan_task *t)
{
    (void)a;
    if (!mconn_exec(c, t->sql, &t->d))
        return false;
    (void)FAULT("ddl.some_undone");
    return true;
}

static void pass_warnings(struct job *j, const struct item_warnings *w)
{
    for (uint32_t i = 0; i < w->r.rows; i++) {
        struct sv level = mresult_cell(&w->r, i, 0),
                  text = names_to_logical(&j->arena, mresult_cell(&w->r, i, 2), j->table);

        /* Steps drop with IF EXISTS so that they can be repeated: what is not there is no news for the user. */
        if (mresult_u64(&w->r, i, 1) == ER_BAD_TABLE_ERROR)
            continue;
        job_note(j, sv_eq(level, SV("Note")) ? DDL_NOTE : DDL_WARNING, (unsigned)mresult_u64(&w->r, i, 1), "%.*s",
                 SV_ARG(text));
    }
}

/* Undoing goes on where one item fails; doing stops. Items without the text have nothing to do. */
static bool each_item(struct job *j, json_t *step, const char *key, struct diag *d)
{
    json_t *items = json_object_get(step, "items"), *o;
    struct fan_task *tasks = ARENA_NEW_N(&j->arena, struct fan_task, json_array_size(items) + 1);
    struct item_warnings w = {0};
    bool undo = key[0] == 'u', ok;
    size_t i, n = 0;

    json_array_foreach(items, i, o) {
        struct fan_task *t = &tasks[n];

        t->sql = job_json_sv(o, key);
        if (!t->sql.ptr)
            continue;
        t->shard = shard_of(j, (uint32_t)job_json_u64(o, "s"), d);
        if (!t->shard)
            return false;
        t->run = undo ? undo_item : run_item;
        t->arg = !undo && n == 0 && j->r ? &w : NULL;
        n++;
    }
    arena_init(&w.arena, 0);
    ok = job_fan(j, tasks, n, !undo, d);
    if (ok)
        pass_warnings(j, &w);
    arena_free(&w.arena);
    return ok;
}

static bool sql_run(struct job *j, json_t *step, struct diag *d)
{
    if (!each_item(j, step, "do", d))
        return false;
    (void)FAULT("ddl.all_done");
    return true;
}

static bool sql_undo(struct job *j, json_t *step, struct diag *d)
{
    return each_item(j, step, "undo", d);
}

const struct job_op job_op_sql = {.name = "sql", .run = sql_run, .undo = sql_undo};

/* ---- absent: {"items": [{"s": shard, "db": schema, "name": table}]} ---- */

static bool probe_absent(struct mconn *c, struct arena *a, struct fan_task *t)
{
    const json_t *o = t->arg;
    struct sv db = job_json_sv(o, "db"), name = job_json_sv(o, "name");
    const struct cat_shard *s = t->shard;
    struct mresult r;

    if (!mconn_queryf(c, a, &r, &t->d,
                      "SELECT 1 FROM information_schema.tables WHERE table_schema = %Q AND table_name = %Q", &db,
                      &name))
        return false;
    if (r.rows == 0)
        return true;
    return diag_setf(&t->d, ER_TABLE_EXISTS_ERROR,
                     "Table '%.*s' already exists on shard %.*s, but Tessera does not know it", SV_ARG(name),
                     SV_ARG(s->name));
}

static bool absent_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *items = json_object_get(step, "items"), *o;
    size_t i, n = json_array_size(items);
    struct fan_task *tasks = ARENA_NEW_N(&j->arena, struct fan_task, n + 1);

    json_array_foreach(items, i, o) {
        tasks[i] =
            (struct fan_task){.shard = shard_of(j, (uint32_t)job_json_u64(o, "s"), d), .run = probe_absent, .arg = o};
        if (!tasks[i].shard)
            return false;
    }
    return fan_run_all(job_conf(j), tasks, n, &j->plain, job_lanes(j), true, d);
}

const struct job_op job_op_absent = {.name = "absent", .run = absent_run};

/* ---- alive: {"items": [{"s": shard}]}: all shards can be reached; else the statement fails before it did anything
 * ---- */

static bool probe_alive(struct mconn *c, struct arena *a, struct fan_task *t)
{
    (void)a;
    return mconn_ping(c, &t->d);
}

static bool alive_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *items = json_object_get(step, "items"), *o;
    size_t i, n = 0;
    struct fan_task *tasks = ARENA_NEW_N(&j->arena, struct fan_task, json_array_size(items) + 1);

    json_array_foreach(items, i, o) {
        uint32_t id = (uint32_t)job_json_u64(o, "s");
        bool seen = false;

        for (size_t k = 0; k < n && !seen; k++)
            seen = tasks[k].shard->id == id;
        if (seen)
            continue;
        tasks[n] = (struct fan_task){.shard = shard_of(j, id, d), .run = probe_alive};
        if (!tasks[n].shard)
            return false;
        n++;
    }
    return fan_run_all(job_conf(j), tasks, n, &j->plain, 1, true, d);
}

const struct job_op job_op_alive = {.name = "alive", .run = alive_run};

/* ---- gate: {"items": [{"s": shard, "db": schema, "name": table}]}: write locks on all of them from here on, in
 * j->gate ---- */

bool job_take_gate(struct job *j, const json_t *items, struct diag *d)
{
    size_t i, n = json_array_size(items);
    struct gate_table *tables = ARENA_NEW_N(&j->arena, struct gate_table, n + 1);
    json_t *o;

    if (j->gate && gate_holds(j->gate))
        return true;
    gate_close(j->gate);
    j->gate = NULL;
    json_array_foreach(items, i, o)
        tables[i] = (struct gate_table){(uint32_t)job_json_u64(o, "s"), job_json_sv(o, "db"), job_json_sv(o, "name")};
    return gate_open(j, tables, n, j->env.lock_wait_s ? j->env.lock_wait_s : DDL_LOCK_WAIT_S, true, &j->gate, d);
}

static bool gate_run(struct job *j, json_t *step, struct diag *d)
{
    return job_take_gate(j, json_object_get(step, "items"), d);
}

const struct job_op job_op_gate = {.name = "gate", .run = gate_run};
