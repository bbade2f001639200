/* First start, and what every start makes sure of: the metadata's tables, this folder's own among them; commit records'
 * place on the shards. */
#include "ddl/ddl.h"
#include "ddl/fan.h"

#include "catalog/metadb.h"
#include "util/log.h"

static const char *const tables[] = {
    "CREATE TABLE IF NOT EXISTS tessera.ddl_job (id BIGINT UNSIGNED NOT NULL AUTO_INCREMENT PRIMARY KEY, state "
    "VARCHAR(16) NOT NULL, "
    "kind VARCHAR(32) NOT NULL, db VARCHAR(64) NOT NULL, tbl VARCHAR(64) NOT NULL, statement LONGTEXT NOT NULL, user "
    "VARCHAR(400) NOT NULL, "
    "steps LONGTEXT NOT NULL, n_steps INT UNSIGNED NOT NULL DEFAULT 0, step INT UNSIGNED NOT NULL, epoch BIGINT "
    "UNSIGNED NOT NULL, "
    "beat BIGINT UNSIGNED NOT NULL DEFAULT 0, token VARCHAR(64) NOT NULL, node VARCHAR(64) NOT NULL, error_code INT "
    "UNSIGNED NOT NULL DEFAULT 0, "
    "error TEXT NULL, created TIMESTAMP(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6), finished TIMESTAMP(6) NULL, KEY "
    "by_state (state)) "
    "ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COMMENT='DDL statements as jobs; state planning, running, undoing, done or "
    "failed'",
    /* The row with the empty name is what everybody locks who changes the table. */
    "CREATE TABLE IF NOT EXISTS tessera.ddl_lock (obj VARCHAR(160) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL, "
    "job BIGINT UNSIGNED NOT NULL, mode CHAR(1) NOT NULL, "
    "PRIMARY KEY (obj, job), KEY by_job (job)) ENGINE=InnoDB COMMENT='what DDL jobs hold; S shared, X exclusive'",
    "INSERT IGNORE INTO tessera.ddl_lock (obj, job, mode) VALUES ('', 0, 'S')",
};

static bool prepare(struct mconn *c, struct arena *a, struct fan_task *t)
{
    (void)a;
    return metadb_prepare_shard(c, &t->d);
}

static bool prepare_shards(struct conf *conf, struct mconn *meta, struct diag *d)
{
    struct cat_snapshot *s;
    struct fan_task *tasks;
    struct diag ignored;

    if (!metadb_load(meta, NULL, &s, d))
        return false;
    tasks = xcalloc(s->shards.n + 1, sizeof *tasks);
    for (size_t i = 0; i < s->shards.n; i++)
        tasks[i] = (struct fan_task){.shard = &s->shards.v[i], .run = prepare};
    diag_clear(&ignored);
    if (!fan_run_all(conf, tasks, s->shards.n, NULL, 1, false, &ignored))
        for (size_t i = 0; i < s->shards.n; i++)
            if (!tasks[i].ok)
                log_warn(LOG_DDL, "shard %.*s could not be set up yet: %s", SV_ARG(s->shards.v[i].name),
                         tasks[i].d.text);
    xfree(tasks);
    cat_snapshot_unref(s);
    return true;
}

bool ddl_bootstrap(struct conf *conf, struct diag *d)
{
    struct mconn *c = NULL;
    bool ok;

    if (!metadb_connect(conf, 0, NULL, &c, d))
        return false;
    ok = metadb_create(c, d);
    for (size_t i = 0; ok && i < ARRAY_LEN(tables); i++)
        ok = mconn_exec(c, sv_cstr(tables[i]), d);
    ok = ok && metadb_bootstrap(c, conf, d) && prepare_shards(conf, c, d);
    mconn_close(c);
    return ok;
}
