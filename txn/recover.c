/* Recovery's rounds. recover.h says what is done and why it is right to repeat it; here is how it stays right.
 *
 * The decision about a transaction is one fact: whether a commit record of it exists on one of the shards that its
 * branches name. Before the fence it may still come into being; after an abort record stands on each of them,
 * never. The insert of an abort record waits for a coordinator's uncommitted record (row lock) and then either
 * succeeds or meets the key: so the answer is read after it. Nobody deletes a record before all branches are
 * finished, so the answer is the same for every reader, at any time.
 *
 * Which records may go: (a) the coordinator got OK from every branch: it says so by the registry (purge). (b) Left
 * by a crash: a record is read first, then all its participants are scanned, twice, in rounds at least grace_ms
 * apart: if no scan shows a branch of it, none exists, since a branch can only have been prepared before its
 * record was committed. Two scans and an age, because a server that is just committing a branch may not show it
 * and crash before the commit is durable. (c) Abort records by age alone: what they keep out is a coordinator's
 * insert on a connection that was open before.
 *
 * A branch that decides (the primary, or the only one that wrote) never gets XA PREPARE, only XA COMMIT ONE PHASE.
 * If it is prepared all the same, its server prepared it on the way to that commit and then crashed. MariaDB with its binary log on leaves
 * such branches prepared, even ones whose commit it had already acknowledged, since the engine's commit is flushed
 * later. So a deciding branch is committed. It is known by its name (no primaries: it was the first one) or by the commit
 * record that it holds itself: seen by a dirty read on its own shard, as the branch is not committed.
 *
 * For the same reason an acknowledged XA COMMIT may come back as a prepared branch that needs its record: records
 * are deleted only after every shard has flushed its log once more.
 *
 * A shard that does not answer is tried again with growing pauses; meanwhile the rest goes on without it. */
#include "txn/recover.h"

#include "catalog/metadb.h"
#include "catalog/pin.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/hmap.h"
#include "util/log.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum {
    READ_TIMEOUT_MS = 30000,
    LOCK_WAIT_S = 3,         /* for a record that a coordinator is about to commit */
    DOWN_PAUSE_MIN_MS = 500, /* between tries of a shard that does not answer */
    DOWN_PAUSE_MAX_MS = 10000,
    TELL_EVERY_MS = 30000, /* a failure that stays the same is logged */
    PURGE_BATCH = 200,
    SWEEP_EVERY_MS = 30000,
    SWEEP_ROWS = 1000
};

/* A prepared branch, as a scan showed it. */
struct found {
    uint32_t shard_id;
    struct txn_gid gid;
    struct txn_bqual bqual;
    char gtrid[TXN_GTRID_MAX + 1];
    char xid[TXN_XID_TEXT_MAX];
};
ARRAY_OF(found_array, struct found);

/* What is known of a shard from round to round. */
struct rshard {
    uint32_t id;
    char name[65];
    struct mconn *conn;
    bool listed;  /* in this round's list */
    bool scanned; /* this round's XA RECOVER was answered */
    uint64_t next_try_ms, pause_ms;
    unsigned told_code; /* the failure that was logged last, and when */
    uint64_t told_ms;
};
ARRAY_OF(rshard_array, struct rshard);

/* First time that a scan showed a branch (key: xid text), or that an old record's branches were absent (key:
 * gtrid). */
struct sighting {
    char *key; /* heap */
    uint64_t first_ms, round;
};
HMAP_SV(sight_map, struct sighting);

/* An old commit record that might be deleted. */
struct old_record {
    uint32_t shard_id;
    struct sv gtrid, participants;
};
ARRAY_OF(old_array, struct old_record);

struct recover {
    struct recover_config cfg;
    struct recover_stats stats;
    struct rshard_array shards;
    struct sight_map seen, absent;
    struct arena arena; /* a round's */
    uint64_t round, last_sweep_ms;
    pthread_t thread;
    bool has_thread, all_done;
    _Atomic bool stop;
    int wake_fd;
};

#define COUNT(r, what) atomic_fetch_add_explicit(&(r)->stats.what, 1, memory_order_relaxed)
#define GAUGE(r, what, n) atomic_store_explicit(&(r)->stats.what, (n), memory_order_relaxed)

/* ---- shards ---- */

static struct rshard *shard_by_id(struct recover *r, uint32_t id)
{
    array_each (&r->shards, s) {
        if (s->id == id && s->listed)
            return s;
    }
    return NULL;
}

static void shard_failed(struct recover *r, struct rshard *s, const struct diag *d)
{
    uint64_t now = clock_mono_ms();

    COUNT(r, errors);
    r->all_done = false;
    if (d->code != s->told_code || now - s->told_ms >= TELL_EVERY_MS) {
        log_warn(LOG_TXN, "recovery: shard %s: %u %s", s->name, d->code, d->text);
        s->told_code = d->code;
        s->told_ms = now;
    }
    if (!s->conn || mconn_is_lost(s->conn)) {
        mconn_close(s->conn);
        s->conn = NULL;
        s->pause_ms = MIN(MAX(s->pause_ms * 2, (uint64_t)DOWN_PAUSE_MIN_MS), (uint64_t)DOWN_PAUSE_MAX_MS);
        s->next_try_ms = now + s->pause_ms;
    }
}

static bool shard_connect(struct recover *r, struct rshard *s, const struct recover_shard *spec)
{
    struct mconn_params p = spec->params;
    struct diag d;

    diag_clear(&d);
    if (s->conn)
        return true;
    if (clock_mono_ms() < s->next_try_ms)
        return false;
    p.read_timeout_ms = READ_TIMEOUT_MS;
    if (!mconn_open(&p, &s->conn, &d)) {
        s->conn = NULL;
        shard_failed(r, s, &d);
        return false;
    }
    if (!mconn_execf(s->conn, &d, "SET SESSION innodb_lock_wait_timeout=%d, lock_wait_timeout=%d", LOCK_WAIT_S,
                     LOCK_WAIT_S) ||
        !metadb_prepare_shard(s->conn, &d)) {
        shard_failed(r, s, &d);
        mconn_close(s->conn);
        s->conn = NULL;
        return false;
    }
    s->pause_ms = 0;
    return true;
}

/* Takes this round's list over; closes what is no longer on it. Returns how many do not answer. */
static size_t shards_refresh(struct recover *r, const struct recover_shard_array *list)
{
    size_t down = 0;

    array_each (&r->shards, s)
        s->listed = s->scanned = false;
    for (size_t i = 0; i < list->n; i++) {
        const struct recover_shard *spec = &list->v[i];
        struct rshard *s = NULL;

        array_each (&r->shards, it) {
            if (it->id == spec->id)
                s = it;
        }
        if (!s) {
            s = array_add(&r->shards, NULL);
            s->id = spec->id;
        }
        snprintf(s->name, sizeof(s->name), "%.*s", SV_ARG(spec->name));
        s->listed = true;
        if (!shard_connect(r, s, spec))
            down++;
    }
    for (size_t i = r->shards.n; i-- > 0;) {
        if (r->shards.v[i].listed)
            continue;
        mconn_close(r->shards.v[i].conn);
        array_remove_swap(&r->shards, i);
    }
    return down;
}

/* ---- scanning ---- */

/* False: not one of ours. */
static bool parse_row(const struct mresult *res, uint32_t row, uint32_t shard_id, struct found *f)
{
    uint64_t format = mresult_u64(res, row, 0);
    uint64_t gtrid_len = mresult_u64(res, row, 1);
    uint64_t bqual_len = mresult_u64(res, row, 2);
    struct sv data = mresult_cell(res, row, 3);
    struct sv gtrid, bqual;
    char bqual_text[TXN_BQUAL_MAX + 1];

    if (format != TXN_FORMAT_ID || gtrid_len > TXN_GTRID_MAX || bqual_len > TXN_BQUAL_MAX ||
        gtrid_len + bqual_len != data.len)
        return false;
    gtrid = sv_make(data.ptr, gtrid_len);
    bqual = sv_make(data.ptr + gtrid_len, bqual_len);
    if (!txn_gid_parse(gtrid, &f->gid) || !txn_bqual_parse(bqual, &f->bqual))
        return false;
    if (f->bqual.shard_id != shard_id)
        return false; /* a copy of another shard's data */
    f->shard_id = shard_id;
    memcpy(f->gtrid, gtrid.ptr, gtrid.len);
    f->gtrid[gtrid.len] = '\0';
    memcpy(bqual_text, bqual.ptr, bqual.len);
    bqual_text[bqual.len] = '\0';
    txn_xid_text(f->gtrid, bqual_text, f->xid);
    return true;
}

static void scan(struct recover *r, struct found_array *found)
{
    uint64_t foreign = 0;

    array_each (&r->shards, s) {
        struct mresult res;
        struct diag d;

        if (!s->conn)
            continue;
        diag_clear(&d);
        if (!mconn_query(s->conn, SV("XA RECOVER"), &r->arena, &res, &d)) {
            shard_failed(r, s, &d);
            continue;
        }
        if (res.rows > 0 && res.cols < 4)
            continue;
        s->scanned = true;
        for (uint32_t i = 0; i < res.rows; i++) {
            struct found f;

            if (parse_row(&res, i, s->id, &f))
                array_push(found, &r->arena, f);
            else
                foreign++;
        }
    }
    if (foreign && atomic_load_explicit(&r->stats.foreign, memory_order_relaxed) != foreign)
        log_warn(LOG_TXN, "recovery: %" PRIu64 " prepared XA branches on the shards are not Tessera's: left alone",
                 foreign);
    GAUGE(r, foreign, foreign);
    (void)FAULT("recover.scanned");
}

static struct sighting *sight(struct recover *r, struct sight_map *m, struct sv key)
{
    bool is_new;
    struct sighting *s = sight_map_get(m, key);

    if (!s) {
        char *copy = xmalloc(key.len + 1);

        memcpy(copy, key.ptr, key.len);
        copy[key.len] = '\0';
        s = sight_map_put(m, sv_make(copy, key.len), &is_new);
        s->key = copy;
        s->first_ms = clock_mono_ms();
    }
    s->round = r->round;
    return s;
}

/* Forgets what this round did not see. */
static void sights_expire(struct recover *r, struct sight_map *m, uint64_t rounds_kept)
{
    size_t i = 0;
    struct sv key;
    struct sighting *s;
    struct {
        struct sv *v;
        size_t n, cap;
    } gone = {0};

    while (sight_map_next(m, &i, &key, &s)) {
        if (s->round + rounds_kept < r->round)
            array_push(&gone, &r->arena, key);
    }
    array_each (&gone, k) {
        char *copy = sight_map_get(m, *k)->key;

        sight_map_del(m, *k);
        xfree(copy);
    }
}

static void sights_free(struct sight_map *m)
{
    size_t i = 0;
    struct sighting *s;

    while (sight_map_next(m, &i, NULL, &s))
        xfree(s->key);
    sight_map_free(m);
}

/* Whose it is decides how soon it may be touched. */
static bool may_take_up(struct recover *r, const struct found *f)
{
    struct txn_env *env = r->cfg.env;
    struct sighting *s = sight(r, &r->seen, sv_cstr(f->xid));

    if (f->gid.node == txn_env_node(env)) {
        if (f->gid.start == txn_env_start(env))
            return !txn_env_is_live(env, f->gid.seq);
        if (f->gid.start < txn_env_start(env))
            return true;
    }
    return clock_mono_ms() - s->first_ms >= r->cfg.grace_ms;
}

/* ---- the decision ---- */

enum verdict { VERDICT_COMMIT, VERDICT_ROLLBACK, VERDICT_LATER };
enum record { RECORD_NONE, RECORD_COMMIT, RECORD_ABORT, RECORD_UNKNOWN };

static enum record read_record(struct recover *r, struct rshard *s, const char *gtrid)
{
    struct mresult res;
    struct diag d;
    struct sv state;

    diag_clear(&d);
    if (!s || !s->conn)
        return RECORD_UNKNOWN;
    if (!mconn_queryf(s->conn, &r->arena, &res, &d, "SELECT state FROM tessera.trx_log WHERE gtrid='%s'", gtrid)) {
        shard_failed(r, s, &d);
        return RECORD_UNKNOWN;
    }
    if (res.rows == 0)
        return RECORD_NONE;
    state = mresult_cell(&res, 0, 0);
    if (sv_eq_cstr(state, "C"))
        return RECORD_COMMIT;
    if (sv_eq_cstr(state, "A"))
        return RECORD_ABORT;
    log_error(LOG_TXN, "recovery: shard %s: record of transaction %s has the state '%.*s'", s->name, gtrid,
              SV_ARG(state));
    return RECORD_UNKNOWN;
}

/* Whether f's own commit is the decision (head of this file). False also where that cannot be asked: later, then. */
static bool is_decider(struct recover *r, const struct found *f, bool *unknown)
{
    struct rshard *s = shard_by_id(r, f->shard_id);
    struct diag d;

    if (f->bqual.n_primaries == 0)
        return true;
    diag_clear(&d);
    if (!s || !s->conn) {
        *unknown = true;
        return false;
    }
    if (!mconn_exec(s->conn, SV("SET TRANSACTION ISOLATION LEVEL READ UNCOMMITTED"), &d)) {
        shard_failed(r, s, &d);
        *unknown = true;
        return false;
    }
    switch (read_record(r, s, f->gtrid)) {
    case RECORD_COMMIT:
        return true;
    case RECORD_NONE:
    case RECORD_ABORT:
        return false;
    case RECORD_UNKNOWN:
        break;
    }
    *unknown = true;
    return false;
}

/* After this the coordinator cannot commit with a record on s, or has done it. */
static enum record write_fence(struct recover *r, struct rshard *s, const char *gtrid)
{
    struct diag d, told;

    diag_clear(&d);
    if (FAULT("recover.before_fence"))
        return RECORD_UNKNOWN;
    if (mconn_execf(s->conn, &d,
                    "INSERT INTO tessera.trx_log (gtrid,state,ts,participants) VALUES ('%s','A',%lu,'')", gtrid,
                    (unsigned long)(clock_real_us() / 1000))) {
        COUNT(r, fenced);
        (void)FAULT("recover.fenced");
        return RECORD_ABORT;
    }
    if (d.code == ER_DUP_ENTRY)
        return read_record(r, s, gtrid);
    if (d.code != ER_LOCK_WAIT_TIMEOUT) { /* else: the coordinator has the record in an open transaction; later */
        diag_clear(&told);
        diag_setf(&told, d.code, "%s (the outcome of transaction %s is recorded here first; until then its branches stay prepared)",
            d.text, gtrid);
        shard_failed(r, s, &told);
    }
    return RECORD_UNKNOWN;
}

static enum verdict decide(struct recover *r, const struct found *f)
{
    enum record records[TXN_PRIMARIES_MAX];
    bool unknown = false;

    for (uint32_t i = 0; i < f->bqual.n_primaries; i++) {
        struct rshard *s = shard_by_id(r, f->bqual.primaries[i]);

        records[i] = read_record(r, s, f->gtrid);
        if (records[i] == RECORD_COMMIT)
            return VERDICT_COMMIT;
        if (records[i] == RECORD_UNKNOWN) {
            unknown = true;
            if (!s)
                log_error(LOG_TXN,
                          "recovery: transaction %s may have its record on shard %" PRIu32 ", which does not exist",
                          f->gtrid, f->bqual.primaries[i]);
        }
    }
    if (unknown)
        return VERDICT_LATER;
    for (uint32_t i = 0; i < f->bqual.n_primaries; i++) {
        if (records[i] == RECORD_NONE)
            records[i] = write_fence(r, shard_by_id(r, f->bqual.primaries[i]), f->gtrid);
        if (records[i] == RECORD_COMMIT)
            return VERDICT_COMMIT;
        if (records[i] != RECORD_ABORT)
            return VERDICT_LATER;
    }
    return VERDICT_ROLLBACK;
}

static void finish(struct recover *r, const struct found *f, enum verdict v)
{
    struct rshard *s = shard_by_id(r, f->shard_id);
    bool commit = v == VERDICT_COMMIT;
    struct diag d;

    diag_clear(&d);
    if (!s || !s->conn || FAULT("recover.before_finish")) {
        r->all_done = false;
        return;
    }
    if (mconn_execf(s->conn, &d, "XA %s %s", commit ? "COMMIT" : "ROLLBACK", f->xid)) {
        if (commit)
            COUNT(r, committed);
        else
            COUNT(r, rolled_back);
        log_info(LOG_TXN, "recovery: %s the branch of transaction %s on shard %s",
                 commit ? "committed" : "rolled back", f->gtrid, s->name);
        (void)FAULT("recover.finished");
        return;
    }
    /* 1397: finished by somebody else, or (MariaDB) still bound to the connection that prepared it; the next scan
     * knows. */
    if (d.code == ER_XAER_NOTA) {
        COUNT(r, busy);
        r->all_done = false;
    } else {
        shard_failed(r, s, &d);
    }
}

/* ---- deleting records ---- */

static bool delete_batch(struct recover *r, struct rshard *s, const struct txn_purge *list, const size_t *which,
                         size_t n)
{
    struct strbuf b;
    struct diag d;

    diag_clear(&d);
    strbuf_init(&b, &r->arena);
    strbuf_puts(&b, "DELETE FROM tessera.trx_log WHERE state='C' AND gtrid IN (");
    for (size_t i = 0; i < n; i++) {
        struct txn_gid gid = {txn_env_node(r->cfg.env), txn_env_start(r->cfg.env), list[which[i]].seq};
        char text[TXN_GTRID_MAX + 1];

        txn_gid_format(&gid, text);
        strbuf_printf(&b, "%s'%s'", i ? "," : "", text);
    }
    strbuf_putc(&b, ')');
    if (!mconn_exec(s->conn, strbuf_sv(&b), &d)) {
        if (d.code != ER_LOCK_WAIT_TIMEOUT)
            shard_failed(r, s, &d);
        return false;
    }
    atomic_fetch_add_explicit(&r->stats.purged, n, memory_order_relaxed);
    return true;
}

/* What the servers have acknowledged so far outlives them after this. False: not on all shards. */
static bool flush_logs(struct recover *r)
{
    bool all = true;

    array_each (&r->shards, s) {
        struct diag d;

        diag_clear(&d);
        if (!s->conn) {
            all = false;
        } else if (!mconn_exec(s->conn, SV("FLUSH NO_WRITE_TO_BINLOG ENGINE LOGS"), &d)) {
            shard_failed(r, s, &d);
            all = false;
        }
    }
    return all;
}

/* Records whose transactions this process saw through to the end. */
static void purge(struct recover *r)
{
    struct txn_purge *list;
    size_t n = txn_env_purge_take(r->cfg.env, &list);

    if (n && FAULT("recover.before_purge")) {
        xfree(list);
        return;
    }
    if (n && !flush_logs(r)) {
        for (size_t i = 0; i < n; i++)
            txn_env_purge_later(r->cfg.env, list[i].shard_id, list[i].seq);
        xfree(list);
        return;
    }
    array_each (&r->shards, s) {
        size_t which[PURGE_BATCH], k = 0;

        for (size_t i = 0; i < n && s->conn; i++) {
            if (list[i].shard_id != s->id)
                continue;
            which[k++] = i;
            if (k < PURGE_BATCH)
                continue;
            if (delete_batch(r, s, list, which, k))
                for (size_t j = 0; j < k; j++)
                    list[which[j]].shard_id = 0; /* done; ids are from 1 */
            k = 0;
        }
        if (k && s->conn && delete_batch(r, s, list, which, k))
            for (size_t j = 0; j < k; j++)
                list[which[j]].shard_id = 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (list[i].shard_id && shard_by_id(r, list[i].shard_id))
            txn_env_purge_later(r->cfg.env, list[i].shard_id, list[i].seq);
    }
    xfree(list);
}

/* Before the scan: old commit records, to be compared with what the scan shows. Deletes old abort records. */
static void sweep_read(struct recover *r, struct old_array *old)
{
    array_each (&r->shards, s) {
        struct mresult res;
        struct diag d;

        if (!s->conn)
            continue;
        diag_clear(&d);
        if (!mconn_queryf(s->conn, &r->arena, &res, &d,
                          "SELECT gtrid, participants FROM tessera.trx_log WHERE state='C' AND "
                          "made < NOW(6) - INTERVAL %u SECOND ORDER BY made LIMIT %d",
                          (unsigned)r->cfg.keep_s, SWEEP_ROWS) ||
            !mconn_execf(s->conn, &d,
                         "DELETE FROM tessera.trx_log WHERE state='A' AND made < NOW(6) - INTERVAL %u SECOND "
                         "ORDER BY made LIMIT %d",
                         (unsigned)r->cfg.keep_abort_s, SWEEP_ROWS)) {
            shard_failed(r, s, &d);
            continue;
        }
        for (uint32_t i = 0; i < res.rows; i++)
            array_push(old, &r->arena,
                       (struct old_record){s->id, mresult_cell(&res, i, 0), mresult_cell(&res, i, 1)});
    }
}

/* Every participant that exists was scanned in this round, and none showed a branch. */
static bool is_finished(struct recover *r, const struct old_record *o, const struct found_array *found)
{
    struct sv rest = o->participants;

    for (size_t i = 0; i < found->n; i++)
        if (sv_eq_cstr(o->gtrid, found->v[i].gtrid))
            return false;
    while (rest.len > 0) {
        const char *comma = memchr(rest.ptr, ',', rest.len);
        size_t len = comma ? (size_t)(comma - rest.ptr) : rest.len;
        uint64_t id;
        struct rshard *s;

        if (!sv_to_u64(sv_make(rest.ptr, len), &id) || id > UINT32_MAX)
            return false;
        s = shard_by_id(r, (uint32_t)id);
        if (s && !s->scanned)
            return false;
        rest.ptr += comma ? len + 1 : len;
        rest.len -= comma ? len + 1 : len;
    }
    return true;
}

static void sweep_delete(struct recover *r, const struct old_array *old, const struct found_array *found)
{
    if (old->n && !flush_logs(r))
        return;
    for (size_t i = 0; i < old->n; i++) {
        const struct old_record *o = &old->v[i];
        struct rshard *s = shard_by_id(r, o->shard_id);
        struct txn_gid gid;
        struct diag d;

        if (!s || !s->conn || !txn_gid_parse(o->gtrid, &gid) || !is_finished(r, o, found))
            continue;
        if (clock_mono_ms() - sight(r, &r->absent, o->gtrid)->first_ms < r->cfg.grace_ms)
            continue;
        diag_clear(&d);
        if (mconn_execf(s->conn, &d, "DELETE FROM tessera.trx_log WHERE state='C' AND gtrid=%Q", &o->gtrid))
            COUNT(r, swept);
        else
            shard_failed(r, s, &d);
    }
}

/* ---- rounds ---- */

/* Deciding branches are finished first: the others of their transactions wait for the record that they hold. */
static size_t take_up(struct recover *r, struct found_array *found)
{
    size_t in_doubt = 0, n = 0;
    struct found *rest = ARENA_NEW_N(&r->arena, struct found, found->n + 1);

    array_each (found, f) {
        bool unknown = false;

        if (atomic_load_explicit(&r->stop, memory_order_relaxed))
            return in_doubt;
        if (f->gid.node == txn_env_node(r->cfg.env) && f->gid.start == txn_env_start(r->cfg.env) &&
            txn_env_is_live(r->cfg.env, f->gid.seq))
            continue;
        in_doubt++;
        if (!may_take_up(r, f))
            r->all_done = false;
        else if (is_decider(r, f, &unknown))
            finish(r, f, VERDICT_COMMIT);
        else if (unknown)
            r->all_done = false;
        else
            rest[n++] = *f;
    }
    for (size_t i = 0; i < n && !atomic_load_explicit(&r->stop, memory_order_relaxed); i++) {
        enum verdict v = decide(r, &rest[i]);

        if (v == VERDICT_LATER) {
            COUNT(r, undecided);
            r->all_done = false;
        } else {
            finish(r, &rest[i], v);
        }
    }
    return in_doubt;
}

bool recover_round(struct recover *r)
{
    struct recover_shard_array list = {0};
    struct found_array found = {0};
    struct old_array old = {0};
    bool sweeps;

    arena_reset(&r->arena);
    r->round++;
    r->all_done = true;
    if (!r->cfg.list(r->cfg.list_arg, &r->arena, &list))
        return false;
    GAUGE(r, shards_down, shards_refresh(r, &list));
    sweeps = clock_mono_ms() - r->last_sweep_ms >= MIN((uint64_t)SWEEP_EVERY_MS, (uint64_t)r->cfg.grace_ms);
    if (sweeps) {
        sweep_read(r, &old);
        r->last_sweep_ms = clock_mono_ms();
    }
    scan(r, &found);
    GAUGE(r, in_doubt, take_up(r, &found));
    if (atomic_load_explicit(&r->stop, memory_order_relaxed))
        return false;
    purge(r);
    if (sweeps)
        sweep_delete(r, &old, &found);
    sights_expire(r, &r->seen, 0);
    sights_expire(r, &r->absent, 1000);
    COUNT(r, rounds);
    array_each (&r->shards, s)
        r->all_done = r->all_done && s->scanned;
    return r->all_done;
}

static void *recover_main(void *arg)
{
    struct recover *r = arg;

    pthread_setname_np(pthread_self(), "tsr-recover");
    mconn_thread_begin();
    while (!atomic_load_explicit(&r->stop, memory_order_relaxed)) {
        struct pollfd p = {.fd = r->wake_fd, .events = POLLIN};
        uint64_t n;

        recover_round(r);
        if (poll(&p, 1, (int)r->cfg.interval_ms) > 0 && read(r->wake_fd, &n, sizeof(n)) < 0 && errno != EAGAIN)
            log_error(LOG_TXN, "recovery: eventfd: errno %d", errno);
    }
    array_each (&r->shards, s)
        mconn_close(s->conn);
    array_clear(&r->shards);
    mconn_thread_end();
    return NULL;
}

struct recover *recover_new(const struct recover_config *cfg)
{
    struct recover *r = xcalloc(1, sizeof(*r));

    r->cfg = *cfg;
    if (!r->cfg.interval_ms)
        r->cfg.interval_ms = 1000;
    if (!r->cfg.grace_ms)
        r->cfg.grace_ms = 10000;
    if (!r->cfg.keep_s)
        r->cfg.keep_s = 600;
    if (!r->cfg.keep_abort_s)
        r->cfg.keep_abort_s = 86400;
    arena_init(&r->arena, 0);
    r->wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    CHECK(r->wake_fd >= 0);
    return r;
}

static void kick_cb(void *arg)
{
    recover_kick(arg);
}

bool recover_start(struct recover *r, struct diag *d)
{
    int err;

    ASSERT(!r->has_thread);
    atomic_store(&r->stop, false);
    err = pthread_create(&r->thread, NULL, recover_main, r);
    if (err)
        return diag_setf(d, ER_INTERNAL, "no thread for recovery: errno %d", err);
    r->has_thread = true;
    txn_env_on_kick(r->cfg.env, kick_cb, r);
    return true;
}

void recover_stop(struct recover *r)
{
    if (!r->has_thread)
        return;
    txn_env_on_kick(r->cfg.env, NULL, NULL);
    atomic_store(&r->stop, true);
    recover_kick(r);
    pthread_join(r->thread, NULL);
    r->has_thread = false;
}

void recover_kick(struct recover *r)
{
    uint64_t one = 1;

    if (write(r->wake_fd, &one, sizeof(one)) < 0)
        return; /* full: it is awake anyway */
}

const struct recover_stats *recover_get_stats(const struct recover *r)
{
    return &r->stats;
}

void recover_free(struct recover *r)
{
    if (!r)
        return;
    recover_stop(r);
    array_each (&r->shards, s)
        mconn_close(s->conn);
    array_free(&r->shards);
    sights_free(&r->seen);
    sights_free(&r->absent);
    arena_free(&r->arena);
    close(r->wake_fd);
    xfree(r);
}

bool recover_list_catalog(void *arg, struct arena *a, struct recover_shard_array *out)
{
    const struct recover_catalog *rc = arg;
    struct cat_snapshot *snap = cat_pins_get(rc->pins);

    if (!snap)
        return false;
    array_each (&snap->shards, shard) {
        struct recover_shard *s = array_add(out, a);

        s->id = shard->id;
        s->name = arena_dup(a, shard->name);
        mconn_params_shard(&s->params, rc->conf, shard);
        s->params.host = arena_dup(a, s->params.host);
        s->params.user = arena_dup(a, s->params.user);
        s->params.password = arena_dup(a, s->params.password);
        s->params.what = arena_dup(a, s->params.what);
    }
    cat_snapshot_unref(snap);
    return true;
}
