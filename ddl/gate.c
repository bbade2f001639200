#include "ddl/gate.h"

#include "ddl/job-int.h"
#include "util/clock.h"
#include "util/log.h"

struct gate_shard {
    uint32_t id;
    struct mconn *conn;
};

struct gate {
    struct gate_shard *shards;
    size_t n;
};

void gate_close(struct gate *g)
{
    if (!g)
        return;
    for (size_t i = 0; i < g->n; i++) {
        struct diag d;

        diag_clear(&d);
        if (g->shards[i].conn && !mconn_is_lost(g->shards[i].conn) &&
            !mconn_exec(g->shards[i].conn, SV("UNLOCK TABLES"), &d))
            log_debug(LOG_DDL, "UNLOCK TABLES: %s", d.text); /* closing does it as well */
        mconn_close(g->shards[i].conn);
    }
    xfree(g->shards);
    xfree(g);
}

struct mconn *gate_conn(struct gate *g, uint32_t shard_id)
{
    for (size_t i = 0; i < g->n; i++)
        if (g->shards[i].id == shard_id)
            return g->shards[i].conn;
    return NULL;
}

bool gate_holds(struct gate *g)
{
    struct diag d;

    for (size_t i = 0; i < g->n; i++) {
        diag_clear(&d);
        if (!mconn_ping(g->shards[i].conn, &d))
            return false;
    }
    return true;
}

/* Shard ids in ascending order, each once: everybody locks in that order. */
static void collect_shards(struct gate *g, const struct gate_table *tables, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        size_t at = 0;

        while (at < g->n && g->shards[at].id < tables[i].shard_id)
            at++;
        if (at < g->n && g->shards[at].id == tables[i].shard_id)
            continue;
        memmove(g->shards + at + 1, g->shards + at, (g->n - at) * sizeof *g->shards);
        g->shards[at] = (struct gate_shard){.id = tables[i].shard_id};
        g->n++;
    }
}

static bool lock_shard(struct job *j, struct gate_shard *s, const struct gate_table *tables, size_t n, struct diag *d)
{
    struct arena a;
    struct strbuf b;
    bool ok;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    for (size_t i = 0; i < n; i++) {
        if (tables[i].shard_id != s->id)
            continue;
        strbuf_puts(&b, b.len ? ", " : "LOCK TABLES ");
        strbuf_put_ident(&b, tables[i].db);
        strbuf_putc(&b, '.');
        strbuf_put_ident(&b, tables[i].name);
        strbuf_puts(&b, " WRITE");
    }
    ok = mconn_execf(s->conn, d, "SET lock_wait_timeout=%d", (int)GATE_TRY_S) && mconn_exec(s->conn, strbuf_sv(&b), d);
    arena_free(&a);
    (void)j;
    return ok;
}

static bool try_lock(struct job *j, struct gate *g, const struct gate_table *tables, size_t n, struct diag *d)
{
    for (size_t i = 0; i < g->n; i++)
        if (!lock_shard(j, &g->shards[i], tables, n, d))
            return false;
    return true;
}

static void let_go(struct gate *g)
{
    struct diag d;

    for (size_t i = 0; i < g->n; i++) {
        diag_clear(&d);
        if (!mconn_exec(g->shards[i].conn, SV("UNLOCK TABLES"), &d))
            log_debug(LOG_DDL, "UNLOCK TABLES: %s", d.text);
    }
}

bool gate_open(struct job *j, const struct gate_table *tables, size_t n, uint32_t wait_s, bool env, struct gate **out,
               struct diag *d)
{
    struct gate *g = xcalloc(1, sizeof *g);
    uint64_t deadline = clock_mono_ms() + (uint64_t)wait_s * 1000;

    *out = NULL;
    g->shards = xcalloc(n + 1, sizeof *g->shards);
    collect_shards(g, tables, n);
    for (size_t i = 0; i < g->n; i++)
        if (!job_open_shard(j, g->shards[i].id, env, &g->shards[i].conn, d))
            goto failed;
    while (!try_lock(j, g, tables, n, d)) {
        if (d->code != ER_LOCK_WAIT_TIMEOUT || clock_mono_ms() > deadline || engine_stopping(j->e))
            goto failed;
        diag_clear(d);
        let_go(g);
        clock_sleep_ms(50);
    }
    *out = g;
    return true;
failed:
    gate_close(g);
    return false;
}
