#include "t/unit/ddl_rig.h"

#include "ddl/describe.h"
#include "ddl/shape.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

static NORETURN void die(const char *what, const struct diag *d)
{
    fprintf(stderr, "ddl rig: %s: %s\n", what, d->text);
    abort();
}

bool rig_servers(struct rig *r, size_t need)
{
    const char *at = getenv("TESSERA_TEST_SERVERS");
    int used;

    memset(r, 0, sizeof *r);
    arena_init(&r->arena, 0);
    while (at && r->n < RIG_SHARDS && sscanf(at, " %127[^: ]:%u%n", r->hosts[r->n], &r->ports[r->n], &used) == 2) {
        at += used;
        r->n++;
    }
    return r->n >= need;
}

void rig_conf(struct rig *r, size_t n)
{
    char text[2048];
    int len = snprintf(text, sizeof text, "{\"node\": {\"name\": \"test\"}, \"shards\": [");
    struct diag d = {0};

    for (size_t i = 0; i < n; i++)
        len += snprintf(text + len, sizeof text - (size_t)len, "%s{\"name\": \"s%zu\", \"host\": \"%s\", \"port\": %u}",
                        i ? "," : "", i + 1, r->hosts[i], r->ports[i]);
    snprintf(text + len, sizeof text - (size_t)len, "]}");
    if (!conf_parse(sv_cstr(text), "test", &r->conf, NULL, &d))
        die("configuration", &d);
}

static struct mconn *open_server(struct rig *r, size_t i)
{
    struct mconn_params p = {
        .host = sv_cstr(r->hosts[i]), .user = SV("root"), .port = (uint16_t)r->ports[i], .what = SV("test server")};
    struct diag d = {0};
    struct mconn *c;

    if (!mconn_open(&p, &c, &d))
        die("connecting", &d);
    return c;
}

void rig_do(struct rig *r, size_t i, const char *fmt, ...)
{
    struct mconn *c = open_server(r, i);
    struct diag d = {0};
    char sql[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    if (!mconn_exec(c, sv_cstr(sql), &d))
        die(sql, &d);
    mconn_close(c);
}

const char *rig_ask(struct rig *r, size_t i, const char *fmt, ...)
{
    struct mconn *c = open_server(r, i);
    struct mresult res;
    struct diag d = {0};
    char sql[4096];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(sql, sizeof sql, fmt, ap);
    va_end(ap);
    if (!mconn_query(c, sv_cstr(sql), &r->arena, &res, &d))
        die(sql, &d);
    mconn_close(c);
    return res.rows && mresult_cell(&res, 0, 0).ptr ? mresult_cell(&res, 0, 0).ptr : "";
}

void rig_wipe(struct rig *r, const char *const *dbs)
{
    for (size_t i = 0; i < r->n; i++) {
        rig_do(r, i, "SET GLOBAL lock_wait_timeout=60");
        rig_do(r, i, "DROP DATABASE IF EXISTS tessera");
        for (size_t k = 0; dbs[k]; k++)
            rig_do(r, i, "DROP DATABASE IF EXISTS `%s`", dbs[k]);
    }
}

void rig_start(struct rig *r)
{
    struct ddl_config c = {
        .conf = r->conf, .pins = &r->pins, .node_id = 1, .barrier_ms = 2000, .retry_ms = 3000, .sweep_ms = 200,
        .settled = r->settled, .published_arg = r};
    struct cat_snapshot *s;
    struct mconn *meta;
    struct diag d = {0};

    cat_pins_init(&r->pins);
    if (!ddl_bootstrap(r->conf, &d))
        die("bootstrap", &d);
    if (!metadb_connect(r->conf, 0, NULL, &meta, &d) || !metadb_load(meta, NULL, &s, &d))
        die("loading", &d);
    mconn_close(meta);
    cat_pins_publish(&r->pins, s);
    cat_pin_open(&r->pin, &r->pins);
    if (!ddl_start(&c, &r->engine, &d))
        die("starting", &d);
}

void rig_stop(struct rig *r)
{
    ddl_stop(r->engine);
    cat_pin_close(&r->pin);
    cat_pins_free(&r->pins);
    conf_unref(r->conf);
    arena_free(&r->arena);
}

struct ddl_result *rig_run(struct rig *r, const char *db, const char *sql)
{
    struct ddl_request q = {
        .sql = sv_cstr(sql), .db = sv_cstr(db), .user = SV("root"), .host = SV("localhost"), .lock_wait_s = 5};
    struct ddl_result *res;

    /* A worker whose statement waits holds no snapshot. */
    cat_pin_close(&r->pin);
    res = ddl_execute(r->engine, &q);
    cat_pin_open(&r->pin, &r->pins);
    return res;
}

const struct cat_snapshot *rig_snapshot(struct rig *r)
{
    cat_pin_refresh(&r->pin);
    return cat_pin_snapshot(&r->pin);
}

/* ---- catalog against shards ---- */

static const struct cat_table *owner(const struct cat_snapshot *s, uint32_t shard, struct sv db, struct sv phys)
{
    array_each(&s->tables, t) {
        if ((*t)->kind == CAT_BROADCAST && sv_eq((*t)->db, db) && sv_eq((*t)->name, phys))
            return *t;
        for (uint32_t i = 0; (*t)->kind != CAT_BROADCAST && i < (*t)->parts_n; i++)
            if ((*t)->parts[i].shard_id == shard && sv_eq((*t)->parts[i].phys_db, db) &&
                sv_eq((*t)->parts[i].phys_name, phys))
                return *t;
    }
    return NULL;
}

static const char *check_foreign(struct rig *r, const struct cat_snapshot *s, size_t i, const char *const *dbs)
{
    struct mconn *c = open_server(r, i);
    const char *wrong = NULL;
    struct diag d = {0};
    struct mresult res;

    for (size_t k = 0; dbs[k] && !wrong; k++) {
        struct sv db = sv_cstr(dbs[k]);

        if (!mconn_queryf(c, &r->arena, &res, &d,
                          "SELECT table_name FROM information_schema.tables WHERE table_schema = %Q", &db))
            die("tables", &d);
        for (uint32_t n = 0; n < res.rows && !wrong; n++)
            if (!owner(s, (uint32_t)i + 1, db, mresult_cell(&res, n, 0)))
                wrong = arena_printf(&r->arena, "shard %zu has a table %s.%s that the catalog lacks", i + 1, dbs[k],
                                     mresult_cell(&res, n, 0).ptr)
                            .ptr;
        if (!mconn_queryf(c, &r->arena, &res, &d, "SELECT 1 FROM information_schema.schemata WHERE schema_name = %Q",
                          &db))
            die("schemas", &d);
        if ((res.rows == 1) != (cat_find_db(s, db) != NULL) && !wrong)
            wrong =
                arena_printf(&r->arena, "shard %zu: schema %s is %s", i + 1, dbs[k], res.rows ? "there" : "not there")
                    .ptr;
    }
    if (!mconn_query(c,
                     SV("SELECT table_name FROM information_schema.tables WHERE table_schema = 'tessera' AND "
                        "table_name LIKE 'ddl\\_%\\_%'"),
                     &r->arena, &res, &d))
        die("markers", &d);
    if (res.rows && !wrong)
        wrong = arena_printf(&r->arena, "shard %zu has a marker %s", i + 1, mresult_cell(&res, 0, 0).ptr).ptr;
    mconn_close(c);
    return wrong;
}

static const char *check_table(struct rig *r, const struct cat_snapshot *s, const struct cat_table *t)
{
    size_t n = t->kind == CAT_BROADCAST ? s->shards.n : t->parts_n;
    struct shape first = {0}, now;

    for (size_t i = 0; i < n; i++) {
        uint32_t shard = t->kind == CAT_BROADCAST ? s->shards.v[i].id : t->parts[i].shard_id;
        struct sv phys = t->kind == CAT_BROADCAST ? t->name : t->parts[i].phys_name;
        struct mconn *c = open_server(r, shard - 1);
        struct diag d = {0};
        bool ok = describe_shape(c, t->db, phys, names_part_no((uint32_t)i, (uint32_t)n), &r->arena,
                                 i ? &now : &first, &d);

        mconn_close(c);
        if (!ok)
            return arena_printf(&r->arena, "partition %zu of %s: %s", i, t->name.ptr, d.text).ptr;
        if (i && !shape_equal(&first, &now))
            return arena_printf(&r->arena, "partition %zu of %s has another definition", i, t->name.ptr).ptr;
    }
    if (t->state != CAT_PUBLIC)
        return arena_printf(&r->arena, "table %s is not public", t->name.ptr).ptr;
    for (size_t k = 0, cols = 0; k < first.n_items; k++) {
        if (first.items[k].kind != SHAPE_COLUMN)
            continue;
        if (cols >= t->columns_n || !sv_eq(t->columns[cols].name, first.items[k].name))
            return arena_printf(&r->arena, "table %s: column %s is not in the catalog's place", t->name.ptr,
                                first.items[k].name.ptr)
                .ptr;
        cols++;
    }
    return NULL;
}

const char *rig_check(struct rig *r, const char *const *dbs)
{
    const struct cat_snapshot *s = rig_snapshot(r);
    const char *left = rig_ask(r, 0, "SELECT COUNT(*) FROM tessera.ddl_job WHERE state NOT IN ('done', 'failed')");
    const char *locks = rig_ask(r, 0, "SELECT COUNT(*) FROM tessera.ddl_lock WHERE job <> 0");
    const char *wrong = NULL;

    if (strcmp(left, "0") != 0 || strcmp(locks, "0") != 0)
        return arena_printf(&r->arena, "%s jobs and %s locks are left", left, locks).ptr;
    for (size_t i = 0; i < s->shards.n && !wrong; i++)
        wrong = check_foreign(r, s, i, dbs);
    array_each(&s->tables, t)
        if (!wrong)
            wrong = check_table(r, s, *t);
    return wrong;
}
