/* The catalog's storage: schema `tessera` on the metadata server, plain InnoDB tables. Blocking;
 * control threads only.
 *
 * Reading: metadb_load gives a whole snapshot from one consistent read. Writing: metadb_begin opens
 * a transaction and locks the version row; metadb_put_ and metadb_drop_ functions write rows;
 * metadb_commit raises the version by one, if it is still the one that the writer started from
 * (optimistic check: expected 0 means any), and commits. Every change of the schema goes through
 * that, so that the version orders all changes. Segments of AUTO_INCREMENT values and heartbeats
 * are outside of versions.
 *
 * Tables (metadb.c has the statements): version, node, shard, db, tbl, partition, sequence, user,
 * setting, ddl_job, trx_log (on every shard). */
#ifndef CATALOG_METADB_H
#define CATALOG_METADB_H

#include "catalog/mconn.h"
#include "catalog/snapshot.h"

enum { METADB_LAYOUT = 2 };

/* Makes the schema and its tables where they are missing, brings an older layout up. Idempotent,
 * under a named lock, so that several nodes may do it at once. A newer layout than this program's
 * is refused. */
bool metadb_create(struct mconn *c, struct diag *d) MUST_CHECK;
/* First content, in one transaction, only where the version is 0 (else nothing happens): shards of
 * the configuration, the user root@localhost or root@% by the bootstrap section. Version becomes 1.
 */
bool metadb_bootstrap(struct mconn *c, const struct conf *conf, struct diag *d) MUST_CHECK;
/* Table tessera.trx_log, the commit records' place, on a shard. Idempotent. */
bool metadb_prepare_shard(struct mconn *shard, struct diag *d) MUST_CHECK;

/* Connects to the metadata server, trying again with growing pauses until deadline_ms have passed
 * (0: one try) or *stop becomes true (may be NULL). */
bool metadb_connect(const struct conf *conf, uint64_t deadline_ms, const _Atomic bool *stop,
    struct mconn **out, struct diag *d) MUST_CHECK;

bool metadb_version(struct mconn *c, uint64_t *version, struct diag *d) MUST_CHECK;
/* One consistent snapshot. base (may be NULL): tables that have not changed since are shared with
 * it. */
bool metadb_load(struct mconn *c, const struct cat_snapshot *base, struct cat_snapshot **out,
    struct diag *d) MUST_CHECK;

/* ---- changes ---- */

struct metadb_tx {
    struct mconn *c;
    uint64_t version; /* before the change */
    bool open;
};

/* expected 0: any version. ER_METADATA with the text "changed meanwhile" and class DIAG_RETRY_TRX
 * if the version is another. */
bool metadb_begin(
    struct mconn *c, uint64_t expected, struct metadb_tx *tx, struct diag *d) MUST_CHECK;
/* Commits under version + 1, which *version gets. Rows written in the transaction carry that
 * number. A connection lost here has class DIAG_UNKNOWN_OUTCOME: load and look. */
bool metadb_commit(struct metadb_tx *tx, uint64_t *version, struct diag *d) MUST_CHECK;
/* Commits without a new version: for rows that are no schema (jobs). */
bool metadb_commit_same(struct metadb_tx *tx, struct diag *d) MUST_CHECK;
void metadb_rollback(struct metadb_tx *tx);

/* A new id for a database, a table, a group, a shard; unique for ever. In the transaction. */
enum metadb_id {
    METADB_ID_DB,
    METADB_ID_TABLE,
    METADB_ID_GROUP,
    METADB_ID_SHARD,
    METADB_ID_JOB,
    METADB_ID_NODE
};
bool metadb_new_id(
    struct metadb_tx *tx, enum metadb_id kind, uint64_t *id, struct diag *d) MUST_CHECK;

bool metadb_put_shard(struct metadb_tx *tx, const struct cat_shard *s, struct diag *d) MUST_CHECK;
bool metadb_drop_shard(struct metadb_tx *tx, uint32_t id, struct diag *d) MUST_CHECK;
bool metadb_put_db(struct metadb_tx *tx, const struct cat_db *db, struct diag *d) MUST_CHECK;
bool metadb_drop_db(
    struct metadb_tx *tx, uint64_t id, struct diag *d) MUST_CHECK; /* with its tables' rows */
/* The table's row and one row for each partition, old ones replaced. */
bool metadb_put_table(struct metadb_tx *tx, const struct cat_table *t, struct diag *d) MUST_CHECK;
/* Nothing happens where the table is in another state, or not there any more. */
bool metadb_set_table_state(struct metadb_tx *tx, uint64_t id, enum cat_state from, enum cat_state to,
    struct diag *d) MUST_CHECK;
bool metadb_drop_table(struct metadb_tx *tx, uint64_t id, struct diag *d) MUST_CHECK;
bool metadb_put_user(struct metadb_tx *tx, const struct cat_user *u, struct diag *d) MUST_CHECK;
bool metadb_drop_user(
    struct metadb_tx *tx, struct sv name, struct sv host, struct diag *d) MUST_CHECK;
bool metadb_put_setting(
    struct metadb_tx *tx, struct sv name, struct sv value, struct diag *d) MUST_CHECK;
bool metadb_drop_setting(struct metadb_tx *tx, struct sv name, struct diag *d) MUST_CHECK;

/* ---- AUTO_INCREMENT ---- */

/* Takes n values: *first..*first + n - 1 are the caller's alone. The sequence begins at the table's
 * auto_inc_start (1 where 0). Autocommit. */
bool metadb_seq_take(
    struct mconn *c, uint64_t table_id, uint64_t n, uint64_t *first, struct diag *d) MUST_CHECK;
/* Makes sure that values up to and with `used` are never handed out (explicit values, ALTER TABLE
 * ... AUTO_INCREMENT). */
bool metadb_seq_raise(struct mconn *c, uint64_t table_id, uint64_t used, struct diag *d) MUST_CHECK;
/* The next value, not taken; 0: no such sequence. */
bool metadb_seq_peek(struct mconn *c, uint64_t table_id, uint64_t *next, struct diag *d) MUST_CHECK;
/* TRUNCATE TABLE: begins again. */
bool metadb_seq_reset(struct mconn *c, uint64_t table_id, uint64_t next, struct diag *d) MUST_CHECK;

/* ---- nodes ---- */

/* Enters this process under its name (an old row of the same name is taken over with a new stamp).
 * *node_id is small and stable for the name; *stamp is unique for this start of it (the start stamp
 * of XA ids). */
bool metadb_node_enter(struct mconn *c, struct sv name, struct sv host, uint16_t port,
    uint32_t *node_id, uint64_t *stamp, struct diag *d) MUST_CHECK;
/* Heartbeat: the version by which all of this node's new statements are planned, and the tables (ids, with commas
 * between; "*": any) of which older definitions are still in use. *newest is the catalog's version, *buried says that the
 * others had taken this node for dead, until now. False with class
 * DIAG_USER: the row has another stamp, i.e. another process took the name over. */
bool metadb_node_beat(struct mconn *c, uint32_t node_id, uint64_t stamp, uint64_t loaded,
    struct sv busy, uint64_t *newest, bool *buried, struct diag *d) MUST_CHECK;
bool metadb_node_leave(
    struct mconn *c, uint32_t node_id, uint64_t stamp, struct diag *d) MUST_CHECK;

struct metadb_node {
    uint32_t id;
    struct sv name, busy;
    uint64_t stamp, loaded;
    uint64_t silent_ms; /* since its last heartbeat, by the metadata server's clock */
    uint64_t beat;      /* of that heartbeat: changes with each */
};
/* The nodes that run, as far as their rows say. */
bool metadb_nodes(struct mconn *c, struct arena *a, struct metadb_node **nodes, size_t *n,
    struct diag *d) MUST_CHECK;
/* Takes a node for dead, unless it has shown itself since `beat`: *dead says whether. Its next heartbeat brings it
 * back. */
bool metadb_node_bury(
    struct mconn *c, const struct metadb_node *node, bool *dead, struct diag *d) MUST_CHECK;

#endif
