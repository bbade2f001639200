/* The catalog in MySQL. All statements about schema `tessera` on the metadata server are in this
 * file (jobs are ddl's).
 *
 * Layout: one row a database, table, partition, shard, user, setting, node; texts that a person may
 * read. A table's nested parts are JSON in tbl.body (table_json.c); where its partitions are stands
 * in `partition`, one row each, so that it can be asked in SQL. Every row carries the catalog
 * version that wrote it, which makes loading incremental: a table whose row is not newer than the
 * snapshot at hand is shared with it.
 *
 * Writers lock the row of `version` first (SELECT ... FOR UPDATE) and raise it last: all changes
 * are in one order, and a reader's consistent snapshot is exactly one version. Names are compared
 * as bytes (utf8mb4_bin).
 *
 * Segments of AUTO_INCREMENT and heartbeats do not touch `version`, so that they never wait for a
 * DDL transaction. */
#include "catalog/metadb.h"

#include "catalog/user.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"
#include "util/rand.h"

#include <stdio.h>

/* --- layout --- */

static const char *const layout_sql[] = {
    "CREATE TABLE IF NOT EXISTS tessera.version (id TINYINT UNSIGNED NOT NULL PRIMARY KEY, layout "
    "INT UNSIGNED NOT NULL, "
    "version BIGINT UNSIGNED NOT NULL, changed TIMESTAMP(6) NULL) ENGINE=InnoDB COMMENT='one row: "
    "the schema version'",
    "CREATE TABLE IF NOT EXISTS tessera.counter (name VARCHAR(32) NOT NULL PRIMARY KEY, next "
    "BIGINT UNSIGNED NOT NULL) "
    "ENGINE=InnoDB COMMENT='ids are given out from here'",
    "CREATE TABLE IF NOT EXISTS tessera.node (id INT UNSIGNED NOT NULL PRIMARY KEY, name "
    "VARCHAR(64) NOT NULL UNIQUE, "
    "host VARCHAR(255) NOT NULL, port INT UNSIGNED NOT NULL, stamp BIGINT UNSIGNED NOT NULL, "
    "started TIMESTAMP(6) NULL, "
    "beat TIMESTAMP(6) NULL, loaded BIGINT UNSIGNED NOT NULL, "
    "running TINYINT UNSIGNED NOT NULL, busy TEXT NOT NULL) ENGINE=InnoDB COMMENT='tesserads in front of this fleet'",
    "CREATE TABLE IF NOT EXISTS tessera.shard (id INT UNSIGNED NOT NULL PRIMARY KEY, name "
    "VARCHAR(64) NOT NULL UNIQUE, "
    "host VARCHAR(255) NOT NULL, port INT UNSIGNED NOT NULL, user VARCHAR(320) NOT NULL, password "
    "VARCHAR(4096) NOT NULL, "
    "state VARCHAR(16) NOT NULL, version BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB COMMENT='servers "
    "that hold rows'",
    "CREATE TABLE IF NOT EXISTS tessera.db (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, name "
    "VARCHAR(64) NOT NULL UNIQUE, "
    "state VARCHAR(16) NOT NULL, mode VARCHAR(16) NOT NULL, charset_name VARCHAR(64) NOT NULL, "
    "collation_name VARCHAR(64) NOT NULL, "
    "coll_id INT UNSIGNED NOT NULL, home_shard INT UNSIGNED NOT NULL, version BIGINT UNSIGNED NOT "
    "NULL) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS tessera.tbl (id BIGINT UNSIGNED NOT NULL PRIMARY KEY, db "
    "VARCHAR(64) NOT NULL, "
    "name VARCHAR(64) NOT NULL, state VARCHAR(16) NOT NULL, kind VARCHAR(16) NOT NULL, partitions "
    "INT UNSIGNED NOT NULL, "
    "group_id BIGINT UNSIGNED NOT NULL, note TEXT NOT NULL, body LONGTEXT NOT NULL, create_sql "
    "LONGTEXT NOT NULL, "
    "version BIGINT UNSIGNED NOT NULL, KEY by_name (db, name), KEY by_version (version)) "
    "ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS tessera.`partition` (table_id BIGINT UNSIGNED NOT NULL, ordinal "
    "INT UNSIGNED NOT NULL, "
    "name VARCHAR(64) NOT NULL, shard_id INT UNSIGNED NOT NULL, phys_db VARCHAR(64) NOT NULL, "
    "phys_name VARCHAR(64) NOT NULL, "
    "hash_lo INT UNSIGNED NOT NULL, hash_hi INT UNSIGNED NOT NULL, bounds LONGTEXT NOT NULL, "
    "comment TEXT NOT NULL, "
    "PRIMARY KEY (table_id, ordinal), KEY by_shard (shard_id)) ENGINE=InnoDB COMMENT='where "
    "partitions live'",
    "CREATE TABLE IF NOT EXISTS tessera.sequence (table_id BIGINT UNSIGNED NOT NULL PRIMARY KEY, "
    "next BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB COMMENT='AUTO_INCREMENT: first value that no "
    "tesserad has taken'",
    "CREATE TABLE IF NOT EXISTS tessera.user (name VARCHAR(80) NOT NULL, host VARCHAR(255) NOT "
    "NULL, plugin VARCHAR(64) NOT NULL, "
    "secret TEXT NOT NULL, locked TINYINT UNSIGNED NOT NULL, super TINYINT UNSIGNED NOT NULL, "
    "attrs TEXT NOT NULL, "
    "version BIGINT UNSIGNED NOT NULL, PRIMARY KEY (name, host)) ENGINE=InnoDB",
    "CREATE TABLE IF NOT EXISTS tessera.setting (name VARCHAR(128) NOT NULL PRIMARY KEY, value "
    "TEXT NOT NULL, "
    "version BIGINT UNSIGNED NOT NULL) ENGINE=InnoDB",
};

static const char trx_log_sql[] =
    "CREATE TABLE IF NOT EXISTS tessera.trx_log (gtrid VARBINARY(64) NOT NULL PRIMARY KEY, state "
    "VARCHAR(8) NOT NULL, "
    "ts BIGINT UNSIGNED NOT NULL, participants TEXT NOT NULL, made TIMESTAMP(6) NULL DEFAULT "
    "CURRENT_TIMESTAMP(6), "
    "KEY by_time (made)) ENGINE=InnoDB COMMENT='decisions of two-phase commits'";

static const char lock_name[] = "tessera.layout";
enum { LOCK_WAIT_S = 60 };

static const char *const state_names[] = {"public", "creating", "dropping", "held"};
static const char *const shard_states[] = {"active", "draining", "joining"};
static const char *const db_modes[] = {"auto", "local", "single"};
static const char *const table_kinds[] = {"single", "broadcast", "partitioned"};
static const char *const id_names[] = {"db", "table", "group", "shard", "job", "node"};

static int name_index(struct sv name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (sv_eq_cstr(name, names[i]))
            return (int)i;
    }
    return 0;
}

/* Wraps what the server said, unless the connection was lost: then the class must stay. */
static bool meta_fail(struct diag *d, const char *what)
{
    struct diag inner = *d;

    if (inner.cls == DIAG_CONN_LOST || inner.cls == DIAG_UNKNOWN_OUTCOME ||
        inner.cls == DIAG_RETRY_TRX)
        return false;
    diag_clear(d);
    return diag_setf(d, ER_METADATA, "The metadata database failed (%s): %.400s", what, inner.text);
}

static bool take_lock(struct mconn *c, struct arena *a, struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(c, a, &r, d, "SELECT GET_LOCK('%s', %u)", lock_name, LOCK_WAIT_S))
        return false;
    return mresult_u64(&r, 0, 0) == 1 ||
           diag_setf(d, ER_METADATA, "another tesserad has held the lock on the metadata for %d s",
               LOCK_WAIT_S);
}

/* From the layouts before, one after the other. 1 -> 2: what nodes still use is told by table. */
static bool bring_up(struct mconn *c, struct diag *d)
{
    return mconn_exec(c, SV("ALTER TABLE tessera.node DROP COLUMN lowest, ADD COLUMN busy TEXT NOT NULL"), d) &&
           mconn_execf(c, d, "UPDATE tessera.version SET layout = %u WHERE id = 1", METADB_LAYOUT);
}

static bool create_tables(struct mconn *c, struct arena *a, struct diag *d)
{
    struct mresult r;

    if (!mconn_execf(c, d,
            "CREATE DATABASE IF NOT EXISTS tessera CHARACTER SET utf8mb4 COLLATE utf8mb4_bin"))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(layout_sql); i++) {
        if (!mconn_exec(c, sv_cstr(layout_sql[i]), d))
            return false;
    }
    if (!mconn_execf(
            c, d, "INSERT IGNORE INTO tessera.version VALUES (1, %u, 0, NOW(6))", METADB_LAYOUT))
        return false;
    if (!mconn_queryf(c, a, &r, d, "SELECT layout FROM tessera.version WHERE id = 1"))
        return false;
    if (r.rows != 1 || mresult_u64(&r, 0, 0) > METADB_LAYOUT)
        return diag_setf(d, ER_METADATA,
            "the metadata has layout %llu, which this tesserad is too old for (%d)",
            (unsigned long long)(r.rows ? mresult_u64(&r, 0, 0) : 0), METADB_LAYOUT);
    return mresult_u64(&r, 0, 0) == METADB_LAYOUT || bring_up(c, d);
}

bool metadb_create(struct mconn *c, struct diag *d)
{
    struct arena a;
    struct diag ignored = {0};
    bool ok;

    arena_init(&a, 0);
    ok = take_lock(c, &a, d);
    if (ok) {
        ok = create_tables(c, &a, d);
        if (!mconn_is_lost(c) && !mconn_execf(c, &ignored, "DO RELEASE_LOCK('%s')", lock_name))
            log_warn(LOG_CATALOG, "the lock on the metadata was not released: %s", ignored.text);
    }
    arena_free(&a);
    return ok || meta_fail(d, "making its tables");
}

bool metadb_prepare_shard(struct mconn *shard, struct diag *d)
{
    return mconn_execf(shard, d,
               "CREATE DATABASE IF NOT EXISTS tessera CHARACTER SET utf8mb4 COLLATE utf8mb4_bin") &&
           mconn_exec(shard, sv_make(trx_log_sql, sizeof(trx_log_sql) - 1), d);
}

bool metadb_connect(const struct conf *conf, uint64_t deadline_ms, const _Atomic bool *stop,
    struct mconn **out, struct diag *d)
{
    uint64_t end = clock_mono_ms() + deadline_ms, pause = 50;
    struct mconn_params p;

    mconn_params_meta(&p, conf);
    for (;;) {
        struct diag why = {0};
        uint64_t now;

        if (mconn_open(&p, out, &why))
            return true;
        now = clock_mono_ms();
        if (now >= end || (stop && atomic_load(stop))) {
            *d = why;
            return false;
        }
        log_warn(LOG_CATALOG, "%s; trying again", why.text);
        clock_sleep_ms(MIN(pause / 2 + rand_below(pause), end - now));
        pause = MIN(pause * 2, (uint64_t)2000);
    }
}

bool metadb_version(struct mconn *c, uint64_t *version, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(c, &a, &r, d, "SELECT version FROM tessera.version WHERE id = 1");
    if (ok && r.rows == 1)
        *version = mresult_u64(&r, 0, 0);
    else if (ok)
        ok = diag_setf(d, ER_METADATA, "tessera.version is empty");
    arena_free(&a);
    return ok || meta_fail(d, "reading the version");
}

/* --- loading --- */

struct load {
    struct mconn *c;
    const struct cat_snapshot *base;
    struct cat_builder b;
    struct arena *a;
    struct diag *d;
    uint64_t version;
};

static bool load_shards(struct load *l)
{
    struct mresult r;

    if (!mconn_queryf(l->c, l->a, &r, l->d,
            "SELECT id, name, host, port, user, password, state FROM tessera.shard"))
        return false;
    for (uint32_t i = 0; i < r.rows; i++) {
        struct cat_shard s = {
            .id = (uint32_t)mresult_u64(&r, i, 0),
            .name = mresult_cell(&r, i, 1),
            .host = mresult_cell(&r, i, 2),
            .port = (uint16_t)mresult_u64(&r, i, 3),
            .user = mresult_cell(&r, i, 4),
            .password = mresult_cell(&r, i, 5),
            .state = (enum cat_shard_state)name_index(
                mresult_cell(&r, i, 6), shard_states, ARRAY_LEN(shard_states)),
        };

        cat_builder_put_shard(&l->b, &s);
    }
    return true;
}

static bool load_dbs(struct load *l)
{
    struct mresult r;

    if (!mconn_queryf(l->c, l->a, &r, l->d,
            "SELECT id, name, state, mode, charset_name, collation_name, coll_id, home_shard FROM "
            "tessera.db"))
        return false;
    for (uint32_t i = 0; i < r.rows; i++) {
        struct cat_db db = {
            .id = mresult_u64(&r, i, 0),
            .name = mresult_cell(&r, i, 1),
            .state = (enum cat_state)name_index(
                mresult_cell(&r, i, 2), state_names, ARRAY_LEN(state_names)),
            .mode =
                (enum cat_db_mode)name_index(mresult_cell(&r, i, 3), db_modes, ARRAY_LEN(db_modes)),
            .charset = mresult_cell(&r, i, 4),
            .collation = mresult_cell(&r, i, 5),
            .coll_id = (uint16_t)mresult_u64(&r, i, 6),
            .home_shard = (uint32_t)mresult_u64(&r, i, 7),
        };

        cat_builder_put_db(&l->b, &db);
    }
    return true;
}

static bool load_users_and_settings(struct load *l)
{
    struct mresult r;

    if (!mconn_queryf(l->c, l->a, &r, l->d,
            "SELECT name, host, plugin, secret, locked, super, attrs FROM tessera.user"))
        return false;
    for (uint32_t i = 0; i < r.rows; i++) {
        struct cat_user u = {
            .name = mresult_cell(&r, i, 0),
            .host = mresult_cell(&r, i, 1),
            .plugin = mresult_cell(&r, i, 2),
            .secret = mresult_cell(&r, i, 3),
            .locked = mresult_u64(&r, i, 4) != 0,
            .super = mresult_u64(&r, i, 5) != 0,
            .attrs = mresult_cell(&r, i, 6),
        };

        cat_builder_put_user(&l->b, &u);
    }
    if (!mconn_queryf(l->c, l->a, &r, l->d, "SELECT name, value FROM tessera.setting"))
        return false;
    for (uint32_t i = 0; i < r.rows; i++)
        cat_builder_put_setting(&l->b, mresult_cell(&r, i, 0), mresult_cell(&r, i, 1));
    return true;
}

/* The partitions of one table: rows [first, first + n) of r. */
static bool fill_parts(
    struct load *l, struct cat_table *t, const struct mresult *r, uint32_t first, uint32_t n)
{
    struct arena *a = &t->arena;
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    struct cat_part *parts = ARENA_NEW_N(a, struct cat_part, n);

    for (uint32_t i = 0; i < n; i++) {
        uint32_t row = first + i, values;

        parts[i].ordinal = (uint32_t)mresult_u64(r, row, 1);
        parts[i].name = arena_dup(a, mresult_cell(r, row, 2));
        parts[i].shard_id = (uint32_t)mresult_u64(r, row, 3);
        parts[i].phys_db = arena_dup(a, mresult_cell(r, row, 4));
        parts[i].phys_name = arena_dup(a, mresult_cell(r, row, 5));
        parts[i].hash_lo = (uint32_t)mresult_u64(r, row, 6);
        parts[i].hash_hi = (uint32_t)mresult_u64(r, row, 7);
        if (!cat_bounds_from_json(mresult_cell(r, row, 8), a, &parts[i].bounds, &values, l->d))
            return false;
        parts[i].tuples_n = width ? values / width : 0;
        parts[i].comment = arena_dup(a, mresult_cell(r, row, 9));
    }
    t->parts = parts;
    t->parts_n = n;
    return true;
}

static bool make_table(struct load *l, const struct mresult *tables, uint32_t i,
    const struct mresult *parts, uint32_t *at)
{
    struct cat_table *t = cat_table_new(mresult_cell(tables, i, 1), mresult_cell(tables, i, 2));
    uint32_t first;
    bool ok;

    t->id = mresult_u64(tables, i, 0);
    t->state =
        (enum cat_state)name_index(mresult_cell(tables, i, 3), state_names, ARRAY_LEN(state_names));
    t->kind = (enum cat_table_kind)name_index(
        mresult_cell(tables, i, 4), table_kinds, ARRAY_LEN(table_kinds));
    t->group_id = mresult_u64(tables, i, 5);
    t->note = arena_dup(&t->arena, mresult_cell(tables, i, 6));
    t->create_sql = arena_dup(&t->arena, mresult_cell(tables, i, 8));
    t->version = mresult_u64(tables, i, 9);
    while (*at < parts->rows && mresult_u64(parts, *at, 0) < t->id)
        ++*at;
    for (first = *at; *at < parts->rows && mresult_u64(parts, *at, 0) == t->id; ++*at) {
    }
    ok = cat_table_from_json(t, mresult_cell(tables, i, 7), l->d) &&
         fill_parts(l, t, parts, first, *at - first) && cat_table_finish(t, l->d);
    if (ok)
        cat_builder_put_table(&l->b, t);
    cat_table_unref(t);
    return ok;
}

/* Tables that are as old as the base's are taken from it. */
static bool load_tables(struct load *l)
{
    uint64_t since = l->base ? l->base->version : 0;
    struct mresult ids, tables, parts;
    uint32_t at = 0;

    if (l->base) {
        if (!mconn_queryf(l->c, l->a, &ids, l->d, "SELECT id FROM tessera.tbl WHERE version <= %lu",
                (unsigned long)since))
            return false;
        for (uint32_t i = 0; i < ids.rows; i++) {
            const struct cat_table *t = cat_find_table_id(l->base, mresult_u64(&ids, i, 0));

            if (!t)
                return diag_setf(l->d, ER_INTERNAL,
                    "catalog: table %llu is older than version %llu, which lacks it",
                    (unsigned long long)mresult_u64(&ids, i, 0), (unsigned long long)since);
            cat_builder_put_table(&l->b, t);
        }
    }
    if (!mconn_queryf(l->c, l->a, &tables, l->d,
            "SELECT id, db, name, state, kind, group_id, note, body, create_sql, version FROM "
            "tessera.tbl "
            "WHERE version > %lu OR %u ORDER BY id",
            (unsigned long)since, l->base ? 0u : 1u) ||
        !mconn_queryf(l->c, l->a, &parts, l->d,
            "SELECT p.table_id, p.ordinal, p.name, p.shard_id, p.phys_db, p.phys_name, p.hash_lo, "
            "p.hash_hi, p.bounds, "
            "p.comment FROM tessera.`partition` p JOIN tessera.tbl t ON t.id = p.table_id "
            "WHERE t.version > %lu OR %u ORDER BY p.table_id, p.ordinal",
            (unsigned long)since, l->base ? 0u : 1u))
        return false;
    for (uint32_t i = 0; i < tables.rows; i++) {
        if (!make_table(l, &tables, i, &parts, &at))
            return false;
    }
    return true;
}

static bool load_in_snapshot(struct load *l)
{
    struct mresult r;

    if (!mconn_queryf(l->c, l->a, &r, l->d, "SELECT version FROM tessera.version WHERE id = 1"))
        return false;
    if (r.rows != 1)
        return diag_setf(l->d, ER_METADATA, "tessera.version is empty");
    l->version = mresult_u64(&r, 0, 0);
    if (l->base && l->base->version > l->version)
        return diag_setf(l->d, ER_METADATA, "the metadata went back from version %llu to %llu",
            (unsigned long long)l->base->version, (unsigned long long)l->version);
    return load_shards(l) && load_dbs(l) && load_users_and_settings(l) && load_tables(l);
}

bool metadb_load(
    struct mconn *c, const struct cat_snapshot *base, struct cat_snapshot **out, struct diag *d)
{
    struct arena a;
    struct load l = {.c = c, .base = base, .a = &a, .d = d};
    struct diag ignored = {0};
    bool ok;

    arena_init(&a, 0);
    cat_builder_begin(&l.b, NULL);
    ok = mconn_execf(c, d, "START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY") &&
         load_in_snapshot(&l);
    if (!mconn_is_lost(c) && !mconn_execf(c, &ignored, "COMMIT") && ok)
        log_warn(LOG_CATALOG, "ending a read of the metadata: %s", ignored.text);
    if (ok) {
        *out = cat_builder_finish(&l.b, l.version, d);
        ok = *out != NULL;
    } else {
        cat_builder_abort(&l.b);
    }
    arena_free(&a);
    return ok || meta_fail(d, "loading the catalog");
}

/* --- changes --- */

bool metadb_begin(struct mconn *c, uint64_t expected, struct metadb_tx *tx, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    *tx = (struct metadb_tx){.c = c};
    arena_init(&a, 0);
    ok = mconn_execf(c, d, "START TRANSACTION");
    tx->open = ok;
    ok = ok &&
         mconn_queryf(c, &a, &r, d, "SELECT version FROM tessera.version WHERE id = 1 FOR UPDATE");
    if (ok && r.rows != 1)
        ok = diag_setf(d, ER_METADATA, "tessera.version is empty");
    if (ok) {
        tx->version = mresult_u64(&r, 0, 0);
        if (expected && tx->version != expected) {
            ok = diag_setf(d, ER_METADATA,
                "the schema changed meanwhile: it has version %llu, not %llu",
                (unsigned long long)tx->version, (unsigned long long)expected);
            d->cls = DIAG_RETRY_TRX;
        }
    }
    arena_free(&a);
    if (!ok) {
        metadb_rollback(tx);
        return meta_fail(d, "beginning a change");
    }
    return true;
}

static bool commit(struct metadb_tx *tx, struct diag *d)
{
    bool ok;

    mconn_set_deciding(tx->c, true);
    ok = mconn_execf(tx->c, d, "COMMIT");
    mconn_set_deciding(tx->c, false);
    tx->open = false;
    return ok || meta_fail(d, "committing a change");
}

bool metadb_commit(struct metadb_tx *tx, uint64_t *version, struct diag *d)
{
    if (FAULT("metadb.before_commit")) {
        metadb_rollback(tx);
        return diag_setf(d, ER_METADATA, "fault point metadb.before_commit");
    }
    if (!mconn_execf(tx->c, d,
            "UPDATE tessera.version SET version = %lu, changed = NOW(6) WHERE id = 1",
            (unsigned long)(tx->version + 1))) {
        metadb_rollback(tx);
        return meta_fail(d, "raising the version");
    }
    if (!commit(tx, d))
        return false;
    *version = tx->version + 1;
    (void)FAULT("metadb.after_commit");
    return true;
}

bool metadb_commit_same(struct metadb_tx *tx, struct diag *d)
{
    return commit(tx, d);
}

void metadb_rollback(struct metadb_tx *tx)
{
    struct diag ignored = {0};

    if (tx->open && !mconn_is_lost(tx->c) && !mconn_execf(tx->c, &ignored, "ROLLBACK"))
        log_warn(LOG_CATALOG, "rolling back a change of the metadata: %s", ignored.text);
    tx->open = false;
}

bool metadb_new_id(struct metadb_tx *tx, enum metadb_id kind, uint64_t *id, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_execf(tx->c, d,
             "INSERT INTO tessera.counter VALUES ('%s', 1) ON DUPLICATE KEY UPDATE next = next",
             id_names[kind]) &&
         mconn_queryf(tx->c, &a, &r, d,
             "SELECT next FROM tessera.counter WHERE name = '%s' FOR UPDATE", id_names[kind]) &&
         mconn_execf(tx->c, d, "UPDATE tessera.counter SET next = next + 1 WHERE name = '%s'",
             id_names[kind]);
    if (ok)
        *id = mresult_u64(&r, 0, 0);
    arena_free(&a);
    return ok || meta_fail(d, "giving out an id");
}

static unsigned long next_version(const struct metadb_tx *tx)
{
    return (unsigned long)(tx->version + 1);
}

bool metadb_put_shard(struct metadb_tx *tx, const struct cat_shard *s, struct diag *d)
{
    return mconn_execf(tx->c, d,
               "REPLACE INTO tessera.shard (id, name, host, port, user, password, state, version) "
               "VALUES (%u, %Q, %Q, %u, %Q, %Q, '%s', %lu)",
               s->id, &s->name, &s->host, (unsigned)s->port, s->user.ptr ? &s->user : &SV(""),
               s->password.ptr ? &s->password : &SV(""), shard_states[s->state],
               next_version(tx)) ||
           meta_fail(d, "writing a shard");
}

bool metadb_drop_shard(struct metadb_tx *tx, uint32_t id, struct diag *d)
{
    return mconn_execf(tx->c, d, "DELETE FROM tessera.shard WHERE id = %u", id) ||
           meta_fail(d, "dropping a shard");
}

bool metadb_put_db(struct metadb_tx *tx, const struct cat_db *db, struct diag *d)
{
    return mconn_execf(tx->c, d,
               "REPLACE INTO tessera.db (id, name, state, mode, charset_name, collation_name, "
               "coll_id, home_shard, version) "
               "VALUES (%lu, %Q, '%s', '%s', %Q, %Q, %u, %u, %lu)",
               (unsigned long)db->id, &db->name, state_names[db->state], db_modes[db->mode],
               db->charset.ptr ? &db->charset : &SV(""),
               db->collation.ptr ? &db->collation : &SV(""), (unsigned)db->coll_id, db->home_shard,
               next_version(tx)) ||
           meta_fail(d, "writing a database");
}

bool metadb_drop_db(struct metadb_tx *tx, uint64_t id, struct diag *d)
{
    unsigned long n = (unsigned long)id;

    static const char of_db[] = "table_id IN (SELECT t.id FROM tessera.tbl t JOIN tessera.db d ON "
                                "d.name = t.db WHERE d.id =";

    return (mconn_execf(tx->c, d, "DELETE FROM tessera.`partition` WHERE %s %lu)", of_db, n) &&
               mconn_execf(tx->c, d, "DELETE FROM tessera.sequence WHERE %s %lu)", of_db, n) &&
               mconn_execf(tx->c, d,
                   "DELETE FROM tessera.tbl WHERE db = (SELECT name FROM tessera.db WHERE id = "
                   "%lu)",
                   n) &&
               mconn_execf(tx->c, d, "DELETE FROM tessera.db WHERE id = %lu", n)) ||
           meta_fail(d, "dropping a database");
}

enum { PART_ROWS_AT_ONCE = 256 };

/* The rows of partitions [first, first + n) in one statement. */
static bool put_parts(
    struct metadb_tx *tx, const struct cat_table *t, uint32_t first, uint32_t n, struct diag *d)
{
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    struct arena a;
    struct strbuf b;
    bool ok;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    strbuf_puts(&b, "INSERT INTO tessera.`partition` (table_id, ordinal, name, shard_id, phys_db, "
                    "phys_name, hash_lo, hash_hi, "
                    "bounds, comment) VALUES ");
    for (uint32_t i = first; i < first + n; i++) {
        const struct cat_part *p = &t->parts[i];
        struct sv bounds = cat_bounds_to_json(p->bounds, p->tuples_n * width, &a);

        strbuf_putsv(
            &b, mconn_sql(&a, "%s(%lu, %u, %Q, %u, %Q, %Q, %u, %u, %Q, %Q)", i > first ? ", " : "",
                    (unsigned long)t->id, p->ordinal, p->name.ptr ? &p->name : &SV(""), p->shard_id,
                    &p->phys_db, &p->phys_name, p->hash_lo, p->hash_hi, &bounds,
                    p->comment.ptr ? &p->comment : &SV("")));
    }
    ok = mconn_exec(tx->c, strbuf_sv(&b), d);
    arena_free(&a);
    return ok;
}

static bool put_table_rows(
    struct metadb_tx *tx, const struct cat_table *t, struct arena *a, struct diag *d)
{
    struct sv body = cat_table_to_json(t, a);

    if (!mconn_execf(tx->c, d,
            "REPLACE INTO tessera.tbl (id, db, name, state, kind, partitions, group_id, note, "
            "body, create_sql, version) "
            "VALUES (%lu, %Q, %Q, '%s', '%s', %u, %lu, %Q, %Q, %Q, %lu)",
            (unsigned long)t->id, &t->db, &t->name, state_names[t->state], table_kinds[t->kind],
            t->parts_n, (unsigned long)t->group_id, t->note.ptr ? &t->note : &SV(""), &body,
            t->create_sql.ptr ? &t->create_sql : &SV(""), next_version(tx)) ||
        !mconn_execf(
            tx->c, d, "DELETE FROM tessera.`partition` WHERE table_id = %lu", (unsigned long)t->id))
        return false;
    for (uint32_t i = 0; i < t->parts_n; i += PART_ROWS_AT_ONCE) {
        if (!put_parts(tx, t, i, MIN(t->parts_n - i, (uint32_t)PART_ROWS_AT_ONCE), d))
            return false;
    }
    for (uint32_t i = 0; i < t->columns_n; i++) {
        if (t->columns[i].auto_increment)
            return mconn_execf(tx->c, d, "INSERT IGNORE INTO tessera.sequence VALUES (%lu, %lu)",
                (unsigned long)t->id, (unsigned long)MAX(t->auto_inc_start, UINT64_C(1)));
    }
    return true;
}

bool metadb_put_table(struct metadb_tx *tx, const struct cat_table *t, struct diag *d)
{
    struct arena a;
    bool ok;

    arena_init(&a, 0);
    ok = put_table_rows(tx, t, &a, d);
    arena_free(&a);
    return ok || meta_fail(d, "writing a table");
}

bool metadb_set_table_state(
    struct metadb_tx *tx, uint64_t id, enum cat_state from, enum cat_state to, struct diag *d)
{
    return mconn_execf(tx->c, d,
               "UPDATE tessera.tbl SET state = '%s', version = %lu WHERE id = %lu AND state = '%s'",
               state_names[to], next_version(tx), (unsigned long)id, state_names[from]) ||
           meta_fail(d, "writing a table's state");
}

bool metadb_drop_table(struct metadb_tx *tx, uint64_t id, struct diag *d)
{
    unsigned long n = (unsigned long)id;

    return (mconn_execf(tx->c, d, "DELETE FROM tessera.tbl WHERE id = %lu", n) &&
               mconn_execf(tx->c, d, "DELETE FROM tessera.`partition` WHERE table_id = %lu", n) &&
               mconn_execf(tx->c, d, "DELETE FROM tessera.sequence WHERE table_id = %lu", n)) ||
           meta_fail(d, "dropping a table");
}

bool metadb_put_user(struct metadb_tx *tx, const struct cat_user *u, struct diag *d)
{
    return mconn_execf(tx->c, d,
               "REPLACE INTO tessera.user (name, host, plugin, secret, locked, super, attrs, "
               "version) "
               "VALUES (%Q, %Q, %Q, %Q, %u, %u, %Q, %lu)",
               u->name.ptr ? &u->name : &SV(""), &u->host, u->plugin.ptr ? &u->plugin : &SV(""),
               u->secret.ptr ? &u->secret : &SV(""), (unsigned)u->locked, (unsigned)u->super,
               u->attrs.ptr ? &u->attrs : &SV(""), next_version(tx)) ||
           meta_fail(d, "writing a user");
}

bool metadb_drop_user(struct metadb_tx *tx, struct sv name, struct sv host, struct diag *d)
{
    return mconn_execf(tx->c, d, "DELETE FROM tessera.user WHERE name = %Q AND host = %Q",
               name.ptr ? &name : &SV(""), &host) ||
           meta_fail(d, "dropping a user");
}

bool metadb_put_setting(struct metadb_tx *tx, struct sv name, struct sv value, struct diag *d)
{
    return mconn_execf(tx->c, d,
               "REPLACE INTO tessera.setting (name, value, version) VALUES (%Q, %Q, %lu)", &name,
               value.ptr ? &value : &SV(""), next_version(tx)) ||
           meta_fail(d, "writing a setting");
}

bool metadb_drop_setting(struct metadb_tx *tx, struct sv name, struct diag *d)
{
    return mconn_execf(tx->c, d, "DELETE FROM tessera.setting WHERE name = %Q", &name) ||
           meta_fail(d, "dropping a setting");
}

/* --- the first content --- */

static bool put_first_users(struct metadb_tx *tx, const struct conf *conf, struct diag *d)
{
    struct cat_user root = {.name = SV("root"),
        .host = SV("localhost"),
        .plugin = SV("caching_sha2_password"),
        .super = true};

    if (conf->bootstrap.root_on_loopback && !metadb_put_user(tx, &root, d))
        return false;
    if (!conf->bootstrap.root_password_hash.len)
        return true;
    root.secret = conf->bootstrap.root_password_hash;
    root.plugin = user_plugin_of(root.secret, root.plugin);
    if (user_secret_kind_of(root.secret) == USER_SECRET_BAD)
        return diag_setf(d, ER_CONFIG,
            "config: /bootstrap/root_password_hash: is neither *HEX (mysql_native_password) nor "
            "$A$... (caching_sha2_password)");
    root.host = SV("%");
    return metadb_put_user(tx, &root, d);
}

bool metadb_bootstrap(struct mconn *c, const struct conf *conf, struct diag *d)
{
    struct metadb_tx tx;
    uint64_t version;
    bool ok = true;

    if (!metadb_begin(c, 0, &tx, d))
        return false;
    if (tx.version != 0) {
        metadb_rollback(&tx);
        return true;
    }
    for (size_t i = 0; ok && i < conf->shards_n; i++) {
        struct cat_shard s = {.name = conf->shards[i].name,
            .host = conf->shards[i].host,
            .port = (uint16_t)conf->shards[i].port};
        uint64_t id;

        ok = metadb_new_id(&tx, METADB_ID_SHARD, &id, d);
        s.id = (uint32_t)id;
        ok = ok && metadb_put_shard(&tx, &s, d);
    }
    ok = ok && put_first_users(&tx, conf, d);
    if (!ok) {
        metadb_rollback(&tx);
        return false;
    }
    return metadb_commit(&tx, &version, d);
}

/* --- AUTO_INCREMENT --- */

bool metadb_seq_take(
    struct mconn *c, uint64_t table_id, uint64_t n, uint64_t *first, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(c, &a, &r, d,
        "UPDATE tessera.sequence SET next = LAST_INSERT_ID(next) + %lu WHERE table_id = %lu",
        (unsigned long)n, (unsigned long)table_id);
    if (ok && r.affected != 1)
        ok = diag_setf(
            d, ER_METADATA, "there is no sequence for table %llu", (unsigned long long)table_id);
    if (ok)
        *first = r.insert_id;
    arena_free(&a);
    return ok || meta_fail(d, "taking AUTO_INCREMENT values");
}

bool metadb_seq_raise(struct mconn *c, uint64_t table_id, uint64_t used, struct diag *d)
{
    if (used == UINT64_MAX)
        used--; /* the next value must fit; taking it then fails as MySQL's does */
    return mconn_execf(c, d,
               "UPDATE tessera.sequence SET next = %lu WHERE table_id = %lu AND next < %lu",
               (unsigned long)(used + 1), (unsigned long)table_id, (unsigned long)(used + 1)) ||
           meta_fail(d, "raising AUTO_INCREMENT");
}

bool metadb_seq_peek(struct mconn *c, uint64_t table_id, uint64_t *next, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(c, &a, &r, d, "SELECT next FROM tessera.sequence WHERE table_id = %lu",
        (unsigned long)table_id);
    *next = ok && r.rows ? mresult_u64(&r, 0, 0) : 0;
    arena_free(&a);
    return ok || meta_fail(d, "reading AUTO_INCREMENT");
}

bool metadb_seq_reset(struct mconn *c, uint64_t table_id, uint64_t next, struct diag *d)
{
    return mconn_execf(c, d, "UPDATE tessera.sequence SET next = %lu WHERE table_id = %lu",
               (unsigned long)MAX(next, UINT64_C(1)), (unsigned long)table_id) ||
           meta_fail(d, "resetting AUTO_INCREMENT");
}

/* --- nodes --- */

/* The id of the node's old row, or the smallest free one. */
static bool choose_node_id(
    struct mconn *c, struct sv name, uint32_t *id, uint64_t *old_stamp, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    *id = 1;
    *old_stamp = 0;
    arena_init(&a, 0);
    ok = mconn_queryf(
        c, &a, &r, d, "SELECT id, name, stamp FROM tessera.node ORDER BY id FOR UPDATE");
    for (uint32_t i = 0; ok && i < r.rows; i++) {
        if (mresult_u64(&r, i, 0) == *id)
            ++*id;
    }
    for (uint32_t i = 0; ok && i < r.rows; i++) {
        if (sv_eq(mresult_cell(&r, i, 1), name)) {
            *id = (uint32_t)mresult_u64(&r, i, 0);
            *old_stamp = mresult_u64(&r, i, 2);
        }
    }
    arena_free(&a);
    if (ok && *id >= LIMIT_NODES)
        return diag_setf(d, ER_METADATA,
            "there are %d tesserads in tessera.node already; delete the rows of those that are "
            "gone",
            LIMIT_NODES - 1);
    return ok;
}

bool metadb_node_enter(struct mconn *c, struct sv name, struct sv host, uint16_t port,
    uint32_t *node_id, uint64_t *stamp, struct diag *d)
{
    struct metadb_tx tx;
    uint64_t old;

    /* The lock on the version's row also orders nodes that enter at the same time. */
    if (!metadb_begin(c, 0, &tx, d))
        return false;
    if (!choose_node_id(c, name, node_id, &old, d)) {
        metadb_rollback(&tx);
        return meta_fail(d, "entering this node");
    }
    *stamp = MAX(clock_real_us() / 1000,
        old + 1); /* a start has a stamp of its own even if the clock went back */
    if (!mconn_execf(c, d,
            "REPLACE INTO tessera.node (id, name, host, port, stamp, started, busy, beat, loaded, running) "
            "VALUES (%u, %Q, %Q, %u, %lu, NOW(6), '', NOW(6), %lu, 1)",
            *node_id, &name, &host, (unsigned)port, (unsigned long)*stamp,
            (unsigned long)tx.version)) {
        metadb_rollback(&tx);
        return meta_fail(d, "entering this node");
    }
    return metadb_commit_same(&tx, d);
}

bool metadb_node_beat(struct mconn *c, uint32_t node_id, uint64_t stamp, uint64_t loaded,
    struct sv busy, uint64_t *newest, bool *buried, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok = true;

    arena_init(&a, 0);
    *buried = false;
    for (unsigned running = 2; ok && running-- > 0;) {
        ok = mconn_queryf(c, &a, &r, d,
            "UPDATE tessera.node SET beat = NOW(6), running = 1, loaded = %lu, busy = %Q WHERE id = %u "
            "AND stamp = %lu AND running = %u",
            (unsigned long)loaded, busy.ptr ? &busy : &SV(""), node_id, (unsigned long)stamp, running);
        if (ok && r.affected) {
            *buried = running == 0;
            break;
        }
    }
    ok = ok && mconn_queryf(c, &a, &r, d,
             "SELECT v.version, (SELECT COUNT(*) FROM tessera.node WHERE id = %u AND stamp = %lu) "
             "FROM tessera.version v "
             "WHERE v.id = 1",
             node_id, (unsigned long)stamp);
    if (ok && r.rows == 1 && mresult_u64(&r, 0, 1) == 1) {
        *newest = mresult_u64(&r, 0, 0);
    } else if (ok) {
        ok = diag_setf(d, ER_METADATA,
            "this node's row in tessera.node belongs to another process: two tesserads have one "
            "name");
    } else {
        meta_fail(d, "heartbeat");
    }
    arena_free(&a);
    return ok;
}

bool metadb_node_leave(struct mconn *c, uint32_t node_id, uint64_t stamp, struct diag *d)
{
    return mconn_execf(c, d,
               "UPDATE tessera.node SET running = 0, beat = NOW(6) WHERE id = %u AND stamp = %lu",
               node_id, (unsigned long)stamp) ||
           meta_fail(d, "leaving");
}

bool metadb_nodes(
    struct mconn *c, struct arena *a, struct metadb_node **nodes, size_t *n, struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(c, a, &r, d,
            "SELECT id, name, stamp, loaded, busy, GREATEST(TIMESTAMPDIFF(MICROSECOND, beat, NOW(6)), 0) "
            "DIV 1000, TIMESTAMPDIFF(MICROSECOND, '2000-01-01', beat) FROM tessera.node WHERE running = 1"))
        return meta_fail(d, "looking at the nodes' versions");
    *n = r.rows;
    *nodes = ARENA_NEW_N(a, struct metadb_node, r.rows + 1u);
    for (uint32_t i = 0; i < r.rows; i++)
        (*nodes)[i] = (struct metadb_node){.id = (uint32_t)mresult_u64(&r, i, 0),
            .name = mresult_cell(&r, i, 1),
            .stamp = mresult_u64(&r, i, 2),
            .loaded = mresult_u64(&r, i, 3),
            .busy = mresult_cell(&r, i, 4),
            .silent_ms = mresult_u64(&r, i, 5),
            .beat = mresult_u64(&r, i, 6)};
    return true;
}

bool metadb_node_bury(
    struct mconn *c, const struct metadb_node *node, bool *dead, struct diag *d)
{
    struct arena a;
    struct mresult r;
    bool ok;

    arena_init(&a, 0);
    ok = mconn_queryf(c, &a, &r, d,
        "UPDATE tessera.node SET running = 0 WHERE id = %u AND stamp = %lu AND "
        "TIMESTAMPDIFF(MICROSECOND, '2000-01-01', beat) = %lu",
        node->id, (unsigned long)node->stamp, (unsigned long)node->beat);
    *dead = ok && r.affected == 1;
    arena_free(&a);
    return ok || meta_fail(d, "taking a node for dead");
}
