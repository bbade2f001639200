/* Holding tables still, and the version barrier.
 *
 * A statement is planned by one version of the catalog and may run for long. What must not happen is that it meets tables of
 * another shape, in other places or under other names than those that it was planned for: it might write a row where nobody
 * looks for it. So a change of that kind is made while nobody uses the table:
 *
 *   hold     the catalog says that the tables are held (CAT_HELD). Statements planned by this version or a later one wait
 *            for the next, in every tesserad, unless their transaction has used the table before: as behind MySQL's metadata lock
 *   settle   until every node plans by this version, and nothing that used the tables before is under way any more:
 *            statements have ended, transactions too. At most lock_wait_timeout, else 1205 and the hold is undone
 *   ...      the change itself, and the catalog's: which makes the tables public again, or forgets them
 *   barrier  the other nodes plan by the new version before the client is answered
 *
 * A node says in its row (tessera.node) which version it plans by and of which tables it still uses older definitions. One
 * that has been silent for NODE_LEASE_MS, and stays so for NODE_WATCH_MS while this job looks, is taken for dead: its
 * row is marked, and it does not serve before it has loaded the catalog again (proxy/hold.c). The second time is there
 * because the metadata server may have been away for all of them. */
#include "ddl/job-int.h"
#include "ddl/place.h"

#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"

#include <stdio.h>

enum {
    NODE_LEASE_MS = 5000,
    NODE_WATCH_MS = 3000,
    POLL_LOCAL_MS = 2,
    POLL_NODES_MS = 20
};

/* ---- hold ---- */

void job_step_hold(struct job *j, const struct place_tables *tables)
{
    json_t *ids = json_array();

    array_each(tables, t)
        json_array_append_new(ids, json_integer((json_int_t)(*t)->id));
    job_step(j, "hold", json_pack("{s:O}", "ids", ids));
    job_step(j, "settle", json_pack("{s:o}", "ids", ids));
}

void job_step_hold_one(struct job *j, const struct cat_table *t)
{
    struct place_tables one = {0};

    array_push(&one, &j->arena, t);
    job_step_hold(j, &one);
}

void job_step_release(struct job *j, const struct place_tables *tables)
{
    json_t *ids = json_array();

    array_each(tables, t)
        json_array_append_new(ids, json_integer((json_int_t)(*t)->id));
    job_step(j, "release", json_pack("{s:o}", "ids", ids));
}

static bool set_states(struct job *j, json_t *step, enum cat_state from, enum cat_state to, struct diag *d)
{
    struct metadb_tx tx = {0};
    json_t *ids = json_object_get(step, "ids"), *x;
    size_t i;

    if (!job_publish_begin(j, &tx, d))
        goto failed;
    json_array_foreach(ids, i, x) {
        if (!metadb_set_table_state(&tx, (uint64_t)json_integer_value(x), from, to, d))
            goto failed;
    }
    return job_publish_commit(j, &tx, d);
failed:
    metadb_rollback(&tx);
    return false;
}

static bool hold_run(struct job *j, json_t *step, struct diag *d)
{
    return set_states(j, step, CAT_PUBLIC, CAT_HELD, d);
}

static bool release_run(struct job *j, json_t *step, struct diag *d)
{
    return set_states(j, step, CAT_HELD, CAT_PUBLIC, d);
}

const struct job_op job_op_hold = {.name = "hold", .run = hold_run, .undo = release_run, .publishes = true};
const struct job_op job_op_release = {.name = "release", .run = release_run, .publishes = true};

/* ---- other nodes ---- */

/* A node that was silent when it was first looked at. */
struct silent {
    uint32_t id;
    uint64_t beat, since_ms;
};
ARRAY_OF(silents, struct silent);

struct watch {
    struct arena a;
    struct silents silents;
    const uint64_t *ids;
    size_t n_ids;
    uint64_t version;
    char late[128]; /* who is waited for */
};

static bool uses(struct sv busy, const uint64_t *ids, size_t n)
{
    for (size_t at = 0; n && at < busy.len;) {
        size_t end = at;
        uint64_t id;

        while (end < busy.len && busy.ptr[end] != ',')
            end++;
        if (busy.ptr[at] == '*')
            return true;
        for (size_t i = 0; i < n; i++)
            if (sv_to_u64(sv_make(busy.ptr + at, end - at), &id) && id == ids[i])
                return true;
        at = end + 1;
    }
    return false;
}

/* Whether a silent node may be passed over. */
static bool is_dead(struct job *j, struct watch *w, const struct metadb_node *node, bool *dead, struct diag *d)
{
    struct silent *s = NULL;

    *dead = false;
    if (node->silent_ms < NODE_LEASE_MS)
        return true;
    array_each(&w->silents, it)
        if (it->id == node->id)
            s = it;
    if (!s) {
        array_push(&w->silents, &w->a, ((struct silent){node->id, node->beat, clock_mono_ms()}));
        return true;
    }
    if (s->beat != node->beat) {
        s->beat = node->beat;
        s->since_ms = clock_mono_ms();
    }
    if (clock_mono_ms() - s->since_ms < NODE_WATCH_MS)
        return true;
    if (!metadb_node_bury(j->meta, node, dead, d))
        return false;
    if (*dead)
        log_warn(LOG_DDL, "DDL job %lu: node %.*s has been silent for %lu ms and is taken for dead", (unsigned long)j->id,
                 SV_ARG(node->name), (unsigned long)node->silent_ms);
    return true;
}

static bool others_there(struct job *j, struct watch *w, bool *there, struct diag *d)
{
    struct metadb_node *nodes;
    struct arena a;
    size_t n;
    bool ok;

    *there = true;
    arena_init(&a, 0);
    ok = metadb_nodes(j->meta, &a, &nodes, &n, d);
    for (size_t i = 0; ok && i < n; i++) {
        bool dead = false;

        if (nodes[i].id == j->e->cfg.node_id ||
            (nodes[i].loaded >= w->version && !uses(nodes[i].busy, w->ids, w->n_ids)))
            continue;
        ok = is_dead(j, w, &nodes[i], &dead, d);
        if (!dead) {
            *there = false;
            snprintf(w->late, sizeof w->late, "%.*s", SV_ARG(nodes[i].name));
        }
    }
    arena_free(&a);
    return ok;
}

static bool here_there(struct job *j, const struct watch *w)
{
    const struct ddl_config *cfg = &j->e->cfg;

    if (cfg->settled)
        return cfg->settled(cfg->published_arg, w->version, w->ids, w->n_ids);
    return cat_pins_lowest(cfg->pins) >= w->version;
}

/* True: all are there; false: the time is over, or d is set. */
static bool wait_for_all(struct job *j, struct watch *w, uint64_t ms, struct diag *d)
{
    uint64_t deadline = clock_mono_ms() + ms, next = 0;
    bool others = false, here = false;

    for (;;) {
        here = here || here_there(j, w);
        if (!others && clock_mono_ms() >= next) {
            if (!others_there(j, w, &others, d))
                return false;
            next = clock_mono_ms() + POLL_NODES_MS;
        }
        if (here && others)
            return true;
        if (!here)
            snprintf(w->late, sizeof w->late, "this node");
        if (clock_mono_ms() > deadline || engine_stopping(j->e))
            return false;
        clock_sleep_ms(here ? POLL_NODES_MS : POLL_LOCAL_MS);
    }
}

static uint64_t newest(struct job *j)
{
    return j->version ? j->version : cat_pins_version(j->e->cfg.pins);
}

/* ---- settle ---- */

static bool settle_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *all = json_object_get(step, "ids"), *x;
    uint64_t *ids = ARENA_NEW_N(&j->arena, uint64_t, json_array_size(all) + 1),
             wait_s = j->env.lock_wait_s ? j->env.lock_wait_s : DDL_LOCK_WAIT_S;
    struct watch w = {.ids = ids, .version = newest(j)};
    bool ok;

    json_array_foreach(all, w.n_ids, x)
        ids[w.n_ids] = (uint64_t)json_integer_value(x);
    arena_init(&w.a, 0);
    ok = wait_for_all(j, &w, wait_s * 1000, d);
    arena_free(&w.a);
    if (ok)
        (void)FAULT("ddl.after_settle");
    if (ok || diag_is_set(d))
        return ok;
    if (engine_stopping(j->e))
        return diag_set(d, ER_SERVER_SHUTDOWN);
    log_info(LOG_DDL, "DDL job %lu: its tables are still in use (%s)", (unsigned long)j->id, w.late);
    return diag_set(d, ER_LOCK_WAIT_TIMEOUT);
}

const struct job_op job_op_settle = {.name = "settle", .run = settle_run};

/* ---- barrier ---- */

/* Never fails: what is published is published. A node that is late meets no table of another shape: what could hurt it
 * was made while it did not use it. */
static bool barrier_run(struct job *j, json_t *step, struct diag *d)
{
    struct watch w = {.version = newest(j)};

    (void)step;
    arena_init(&w.a, 0);
    if (!wait_for_all(j, &w, j->e->cfg.barrier_ms, d) && !engine_stopping(j->e))
        log_info(LOG_DDL, "DDL job %lu: not all nodes plan by version %lu (%s)", (unsigned long)j->id,
                 (unsigned long)w.version, diag_is_set(d) ? d->text : w.late);
    diag_clear(d);
    arena_free(&w.a);
    (void)FAULT("ddl.after_barrier");
    return true;
}

const struct job_op job_op_barrier = {.name = "barrier", .run = barrier_run};
