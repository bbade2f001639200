/* txn: names, tables of moves and the registry anywhere; and, against the servers that TESSERA_TEST_SERVERS lists (host:port
 * ..., root without a password, two or more), transactions over them, every named fault point with kill -9 of the
 * coordinator, and recovery. The servers' schemas `tessera` and `txn_test` are dropped and made anew. */
#include "backend/pool.h"
#include "catalog/metadb.h"
#include "txn/recover.h"
#include "txn/txn.h"
#include "txn/xa.h"
#include "txn/txn-int.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/rand.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- anywhere ---- */

static const struct {
    const char *text;
    bool ok;
    struct txn_gid gid;
    const char *what;
} gid_cases[] = {
    {"tsr-1-2-3", true, {1, 2, 3}, "small numbers"},
    {"tsr-ffffffff-ffffffffffffffff-ffffffffffffffff", true, {UINT32_MAX, UINT64_MAX, UINT64_MAX}, "largest"},
    {"tsr-0-0-0", true, {0, 0, 0}, "zeros"},
    {"tsr-100000000-1-1", false, {0}, "node over 32 bits"},
    {"tsr-1-10000000000000000-1", false, {0}, "start over 64 bits"},
    {"tsr-1-2", false, {0}, "number missing"},
    {"tsr-1-2-", false, {0}, "last number empty"},
    {"tsr-1-2-3-4", false, {0}, "one too many"},
    {"tsr-01-2-3", false, {0}, "leading zero: two texts for one value"},
    {"tsr-A-2-3", false, {0}, "capital"},
    {"tsr-1-2-3 ", false, {0}, "blank behind"},
    {"tsx-1-2-3", false, {0}, "another prefix"},
    {"", false, {0}, "empty"},
};

START_TEST(test_gid)
{
    struct txn_gid g;
    char text[TXN_GTRID_MAX + 1];

    ck_assert_msg(txn_gid_parse(sv_cstr(gid_cases[_i].text), &g) == gid_cases[_i].ok, "%s", gid_cases[_i].what);
    if (!gid_cases[_i].ok)
        return;
    ck_assert_msg(txn_gid_eq(&g, &gid_cases[_i].gid), "%s", gid_cases[_i].what);
    txn_gid_format(&g, text);
    ck_assert_str_eq(text, gid_cases[_i].text);
}
END_TEST

static const struct {
    const char *text;
    bool ok;
    uint32_t shard, n, last;
    const char *what;
} bqual_cases[] = {
    {"7:", true, 7, 0, 0, "the first branch"},
    {"7:1.22.333", true, 7, 3, 333, "three primaries"},
    {"4294967295:4294967295", true, UINT32_MAX, 1, UINT32_MAX, "largest"},
    {"7", false, 0, 0, 0, "no colon"},
    {":1", false, 0, 0, 0, "no shard"},
    {"7:1.", false, 0, 0, 0, "dot at the end"},
    {"7:.1", false, 0, 0, 0, "dot at the start"},
    {"7:1..2", false, 0, 0, 0, "two dots"},
    {"7:1.4294967296", false, 0, 0, 0, "over 32 bits"},
    {"7:1.2.3.4.5.6.7.8.9.10.11.12", true, 7, 12, 12, "as many as are kept"},
    {"7:1.2.3.4.5.6.7.8.9.10.11.12.13", false, 0, 0, 0, "one more"},
    {"7:1,2", false, 0, 0, 0, "another separator"},
};

START_TEST(test_bqual)
{
    struct txn_bqual b;
    char text[TXN_BQUAL_MAX + 1];

    ck_assert_msg(txn_bqual_parse(sv_cstr(bqual_cases[_i].text), &b) == bqual_cases[_i].ok, "%s", bqual_cases[_i].what);
    if (!bqual_cases[_i].ok)
        return;
    ck_assert_uint_eq(b.shard_id, bqual_cases[_i].shard);
    ck_assert_uint_eq(b.n_primaries, bqual_cases[_i].n);
    if (b.n_primaries)
        ck_assert_uint_eq(b.primaries[b.n_primaries - 1], bqual_cases[_i].last);
    txn_bqual_format(&b, text);
    ck_assert_str_eq(text, bqual_cases[_i].text);
}
END_TEST

START_TEST(test_bqual_cut)
{
    struct txn_bqual b = {.shard_id = UINT32_MAX, .n_primaries = TXN_PRIMARIES_MAX}, back;
    char text[TXN_BQUAL_MAX + 1];

    for (uint32_t i = 0; i < TXN_PRIMARIES_MAX; i++)
        b.primaries[i] = UINT32_MAX - i;
    ck_assert_uint_le(txn_bqual_format(&b, text), TXN_BQUAL_MAX);
    ck_assert_uint_lt(b.n_primaries, TXN_PRIMARIES_MAX);
    ck_assert(txn_bqual_parse(sv_cstr(text), &back));
    ck_assert_uint_eq(back.n_primaries, b.n_primaries);
    ck_assert_int_eq(memcmp(back.primaries, b.primaries, b.n_primaries * sizeof(b.primaries[0])), 0);
}
END_TEST

START_TEST(test_moves)
{
    for (int s = 0; s < TXN_STATE_COUNT; s++) {
        ck_assert_str_ne(txn_state_name((enum txn_state)s), "?");
        ck_assert(!txn_move_allowed((enum txn_state)s, (enum txn_state)s));
    }
    ck_assert(!txn_move_allowed(TXN_COMMITTING, TXN_ROLLING));
    ck_assert(!txn_move_allowed(TXN_ROLLING, TXN_DECIDING));
    ck_assert(!txn_move_allowed(TXN_IDLE, TXN_DECIDING));
    for (int s = 0; s < BRANCH_STATE_COUNT; s++) {
        ck_assert_str_ne(branch_state_name((enum branch_state)s), "?");
        ck_assert(!branch_move_allowed(BRANCH_ENDED, (enum branch_state)s));
        ck_assert(!branch_move_allowed(BRANCH_LOST, (enum branch_state)s));
    }
    ck_assert(!branch_move_allowed(BRANCH_COMMITTING, BRANCH_ROLLING));
}
END_TEST

static void count_kick(void *arg)
{
    ++*(int *)arg;
}

START_TEST(test_registry)
{
    struct txn_env_config cfg = {.node_id = 9, .start_stamp = 0xabc};
    struct txn_env *env = txn_env_new(&cfg);
    struct txn_gid a = txn_env_next_gid(env), b = txn_env_next_gid(env);
    struct txn_purge *list;
    int kicks = 0;

    ck_assert(!txn_gid_eq(&a, &b));
    ck_assert_uint_eq(a.node, 9);
    ck_assert_uint_eq(a.start, 0xabc);
    txn_env_live_add(env, a.seq);
    ck_assert(txn_env_is_live(env, a.seq) && !txn_env_is_live(env, b.seq));
    txn_env_live_remove(env, a.seq);
    ck_assert(!txn_env_is_live(env, a.seq));
    ck_assert_uint_eq(txn_env_live_count(env), 0);
    txn_env_purge_later(env, 3, a.seq);
    txn_env_purge_later(env, 4, b.seq);
    ck_assert_uint_eq(txn_env_purge_take(env, &list), 2);
    ck_assert_uint_eq(list[1].shard_id, 4);
    xfree(list);
    ck_assert_uint_eq(txn_env_purge_take(env, &list), 0);
    xfree(list);
    txn_env_kick(env);
    txn_env_on_kick(env, count_kick, &kicks);
    txn_env_kick(env);
    txn_env_on_kick(env, NULL, NULL);
    txn_env_kick(env);
    ck_assert_int_eq(kicks, 1);
    txn_env_free(env);
}
END_TEST

/* ---- with servers ---- */

enum { SERVERS_MAX = 8, SHARDS = 4, PIECES_MAX = 8, ROWS = 4, START_BALANCE = 1000 };

static struct {
    char host[64];
    uint16_t port;
} servers[SERVERS_MAX];
static size_t n_servers;

static bool read_servers(void)
{
    const char *at = getenv("TESSERA_TEST_SERVERS");
    unsigned port;
    int used;

    while (at && n_servers < SERVERS_MAX && sscanf(at, " %63[^: ]:%u%n", servers[n_servers].host, &port, &used) == 2) {
        servers[n_servers++].port = (uint16_t)port;
        at += used;
    }
    return n_servers >= 2;
}

/* Shard i (from 1) is on server (i - 1) % n_servers: a server may hold several shards here. */
static size_t server_of(uint32_t shard)
{
    return (shard - 1) % n_servers;
}

static void params_of(struct mconn_params *p, size_t server, const char *db)
{
    memset(p, 0, sizeof(*p));
    p->host = sv_cstr(servers[server].host);
    p->port = servers[server].port;
    p->user = SV("root");
    p->password = SV("");
    p->db = sv_cstr(db);
    p->what = SV("test server");
}

static struct mconn *judge(size_t server)
{
    struct mconn_params p;
    struct mconn *c;
    struct diag d;

    diag_clear(&d);
    params_of(&p, server, "");
    ck_assert_msg(mconn_open(&p, &c, &d), "%s", d.text);
    return c;
}

static void judge_exec(size_t server, const char *sql)
{
    struct mconn *c = judge(server);
    struct diag d;

    diag_clear(&d);
    ck_assert_msg(mconn_exec(c, sv_cstr(sql), &d), "%s: %u %s", sql, d.code, d.text);
    mconn_close(c);
}

/* The first cell of the answer as a number, summed over servers. */
static int64_t judge_sum(const char *sql)
{
    int64_t sum = 0;

    for (size_t i = 0; i < n_servers; i++) {
        struct mconn *c = judge(i);
        struct arena a;
        struct mresult r;
        struct diag d;

        arena_init(&a, 0);
        diag_clear(&d);
        ck_assert_msg(mconn_query(c, sv_cstr(sql), &a, &r, &d), "%s: %u %s", sql, d.code, d.text);
        if (r.rows)
            sum += mresult_i64(&r, 0, 0);
        arena_free(&a);
        mconn_close(c);
    }
    return sum;
}

static uint32_t judge_prepared(void)
{
    uint32_t n = 0;

    for (size_t i = 0; i < n_servers; i++) {
        struct mconn *c = judge(i);
        struct arena a;
        struct mresult r;
        struct diag d;

        arena_init(&a, 0);
        diag_clear(&d);
        ck_assert_msg(mconn_query(c, SV("XA RECOVER"), &a, &r, &d), "%s", d.text);
        n += r.rows;
        arena_free(&a);
        mconn_close(c);
    }
    return n;
}

static int64_t balance(uint32_t shard, int id)
{
    struct mconn *c = judge(server_of(shard));
    struct arena a;
    struct mresult r;
    struct diag d;
    int64_t v;

    arena_init(&a, 0);
    diag_clear(&d);
    ck_assert_msg(mconn_queryf(c, &a, &r, &d, "SELECT bal FROM txn_test.acct%u WHERE id=%d", shard, id), "%s", d.text);
    v = r.rows ? mresult_i64(&r, 0, 0) : INT64_MIN;
    arena_free(&a);
    mconn_close(c);
    return v;
}

static void reset_data(void)
{
    for (size_t i = 0; i < n_servers; i++) {
        struct mconn *c = judge(i);
        struct diag d;

        diag_clear(&d);
        ck_assert_msg(metadb_prepare_shard(c, &d), "%s", d.text);
        ck_assert_msg(mconn_exec(c, SV("SET lock_wait_timeout=20"), &d), "%s", d.text);
        ck_assert_msg(mconn_exec(c, SV("DELETE FROM tessera.trx_log"), &d), "%s", d.text);
        ck_assert_msg(mconn_exec(c, SV("CREATE DATABASE IF NOT EXISTS txn_test"), &d), "%s", d.text);
        for (uint32_t s = 1; s <= SHARDS; s++) {
            if (server_of(s) != i)
                continue;
            ck_assert_msg(mconn_execf(c, &d, "CREATE TABLE IF NOT EXISTS txn_test.acct%u (id INT PRIMARY KEY, bal BIGINT NOT NULL) ENGINE=InnoDB", s),
                          "%s", d.text);
            ck_assert_msg(mconn_execf(c, &d, "DELETE FROM txn_test.acct%u", s), "%s", d.text);
            for (int id = 1; id <= ROWS; id++)
                ck_assert_msg(mconn_execf(c, &d, "INSERT INTO txn_test.acct%u VALUES (%d,%d)", s, id, START_BALANCE), "%s", d.text);
        }
        mconn_close(c);
    }
}

static int64_t total(void)
{
    int64_t sum = 0;

    for (uint32_t s = 1; s <= SHARDS; s++)
        for (int id = 1; id <= ROWS; id++)
            sum += balance(s, id);
    return sum;
}

/* A coordinator: worker, pools, env, on the calling thread. */
struct node {
    struct worker *w;
    struct txn_env *env;
    struct sync_state *state;
};

static void node_open(struct node *n, uint32_t id, uint64_t start)
{
    struct txn_env_config cfg = {.node_id = id, .start_stamp = start, .commit_timeout_ms = 20000};
    struct sync_state *empty = sync_new();

    n->w = worker_new(0);
    n->env = txn_env_new(&cfg);
    n->state = sync_with_schema(empty, SV("txn_test"));
    sync_unref(empty);
    for (uint32_t s = 1; s <= SHARDS; s++) {
        struct pool_config pc = {0};
        struct diag d;
        char name[16];
        struct bserver *b;

        diag_clear(&d);
        snprintf(name, sizeof(name), "s%u", s);
        b = bserver_new(sv_cstr(name), servers[server_of(s)].host, servers[server_of(s)].port, "root", "", NULL, &d);
        ck_assert_msg(b != NULL, "%s", d.text);
        pool_configure(n->w, s, b, &pc);
        bserver_unref(b);
    }
}

static void node_close(struct node *n)
{
    sync_unref(n->state);
    pool_set_free(n->w);
    worker_free(n->w);
    txn_env_free(n->env);
}

/* Turns until *done, at most 30 s. */
static void pump(struct node *n, const bool *done)
{
    uint64_t end = clock_mono_ms() + 30000;

    worker_settle(n->w);
    while (!*done) {
        ck_assert_msg(clock_mono_ms() < end, "no callback within 30 s");
        worker_turn(n->w, 20);
    }
}

/* Lets what goes on in the background come to its end. */
static void pump_ms(struct node *n, unsigned ms)
{
    uint64_t end = clock_mono_ms() + ms;

    worker_settle(n->w);
    while (clock_mono_ms() < end)
        worker_turn(n->w, 5);
}

struct waited {
    bool done;
    struct diag d;
};

static void on_done(void *arg, const struct diag *d)
{
    struct waited *w = arg;

    ck_assert(!w->done);
    w->done = true;
    if (d)
        w->d = *d;
    else
        diag_clear(&w->d);
}

static struct diag last;

/* One call, made on the worker. */
struct op {
    void (*fn)(struct op *o);
    struct txn *t;
    const struct txn_begin *begin;
    const char *name;
    enum txn_completion how;
    bool on;
    struct waited w;
};

static void op_run(struct worker *w, void *arg)
{
    struct op *o = arg;

    (void)w;
    o->fn(o);
}

static uint16_t op_call(struct node *n, struct op *o)
{
    worker_post(n->w, op_run, o);
    pump(n, &o->w.done);
    last = o->w.d;
    return o->w.d.code;
}

static void do_begin(struct op *o)
{
    txn_begin(o->t, o->begin, on_done, &o->w);
}

static void do_commit(struct op *o)
{
    txn_commit(o->t, o->how, on_done, &o->w);
}

static void do_rollback(struct op *o)
{
    txn_rollback(o->t, o->how, on_done, &o->w);
}

static void do_implicit_commit(struct op *o)
{
    txn_implicit_commit(o->t, on_done, &o->w);
}

static void do_autocommit(struct op *o)
{
    txn_set_autocommit(o->t, o->on, on_done, &o->w);
}

static void do_savepoint(struct op *o)
{
    txn_savepoint(o->t, sv_cstr(o->name), on_done, &o->w);
}

static void do_rollback_to(struct op *o)
{
    txn_rollback_to(o->t, sv_cstr(o->name), on_done, &o->w);
}

static void do_release(struct op *o)
{
    txn_release_savepoint(o->t, sv_cstr(o->name), on_done, &o->w);
}

static void do_stmt_end(struct op *o)
{
    txn_stmt_end(o->t, o->on, on_done, &o->w);
}

static void do_free(struct op *o)
{
    txn_free(o->t);
    o->w.done = true;
}

static void do_commit_and_free(struct op *o)
{
    static struct waited never;

    never = (struct waited){0};
    txn_commit(o->t, TXN_END, on_done, &never);
    txn_free(o->t);
    o->w.done = true;
    o->on = never.done;
}

#define OP(n, t_, fn_, ...) op_call((n), &(struct op){.fn = (fn_), .t = (t_), __VA_ARGS__})
#define BEGIN(n, t) OP(n, t, do_begin, .begin = NULL)
#define COMMIT(n, t) OP(n, t, do_commit, .how = TXN_END)
#define ROLLBACK(n, t) OP(n, t, do_rollback, .how = TXN_END)
#define SAVEPOINT(n, t, name_) OP(n, t, do_savepoint, .name = (name_))
#define ROLLBACK_TO(n, t, name_) OP(n, t, do_rollback_to, .name = (name_))
#define RELEASE(n, t, name_) OP(n, t, do_release, .name = (name_))
#define STMT_END(n, t, ok) OP(n, t, do_stmt_end, .on = (ok))
#define FREE(n, t) OP(n, t, do_free, .on = false)

struct piece {
    uint32_t shard;
    enum txn_need need;
    const char *sql;
    /* result */
    uint16_t code;
    bool lost, done;
    int64_t value; /* first cell of the first row */
    uint64_t affected;
    struct txn *t;
    struct bconn *conn;
    struct bcmd cmd;
};

static void piece_end(struct piece *p, enum txn_done how)
{
    struct txn_result r = {how, p->code};

    p->done = true;
    txn_release(p->t, p->conn, &r);
}

static void piece_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);
    struct sv v;

    if (p->value == INT64_MIN && rowtext_decode(payload, n, &v, 1) && v.ptr && !sv_to_i64(v, &p->value))
        p->value = -1;
}

static void piece_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);

    (void)is_result;
    (void)payload;
    p->affected = ok->affected_rows;
    if (!more)
        piece_end(p, TXN_DONE_OK);
}

static void piece_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);

    (void)payload;
    p->code = err->code;
    piece_end(p, TXN_DONE_ERROR);
}

static void piece_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);

    (void)maybe_done;
    p->code = d->code;
    p->lost = true;
    piece_end(p, TXN_DONE_LOST);
}

static const struct bcmd_ops piece_ops = {.on_row = piece_row, .on_ok = piece_ok, .on_err = piece_err, .on_lost = piece_lost};

static void piece_leased(void *arg, struct bconn *c, const struct diag *d)
{
    struct piece *p = arg;

    if (!c) {
        p->code = d->code;
        p->done = true;
        return;
    }
    p->conn = c;
    memset(&p->cmd, 0, sizeof(p->cmd));
    p->cmd.ops = &piece_ops;
    p->cmd.mode = BCMD_ROWS;
    bconn_query(c, &p->cmd, sv_cstr(p->sql));
}

struct start {
    struct op op;
    struct node *node;
    struct piece *ps;
    size_t n;
};

static void do_start(struct op *o)
{
    struct start *st = CONTAINER_OF(o, struct start, op);
    struct txn_stmt ts = {.several = st->n > 1};

    for (size_t i = 0; i < st->n; i++)
        ts.need = MAX(ts.need, st->ps[i].need);
    diag_clear(&o->w.d);
    o->w.done = true;
    if (!txn_stmt_begin(o->t, &ts, &o->w.d))
        return;
    for (size_t i = 0; i < st->n; i++) {
        struct piece *p = &st->ps[i];

        p->t = o->t;
        p->code = 0;
        p->done = p->lost = false;
        p->value = INT64_MIN;
        txn_lease(o->t, p->shard, p->need, st->node->state, piece_leased, p);
    }
}

/* Begins a statement of n pieces and sends what can be sent. */
static uint16_t stmt_start(struct node *n, struct txn *t, struct piece *ps, size_t n_ps)
{
    struct start st = {.op = {.fn = do_start, .t = t}, .node = n, .ps = ps, .n = n_ps};

    return op_call(n, &st.op);
}

/* One logical statement of n pieces, all sent at once. Returns the client's error code, 0 for OK. */
static uint16_t stmt(struct node *n, struct txn *t, struct piece *ps, size_t n_ps)
{
    uint16_t code = stmt_start(n, t, ps, n_ps);

    if (code)
        return code;
    for (size_t i = 0; i < n_ps; i++) {
        pump(n, &ps[i].done);
        if (!code)
            code = ps[i].code;
    }
    STMT_END(n, t, code == 0);
    return last.code ? last.code : code;
}

static uint16_t one(struct node *n, struct txn *t, uint32_t shard, enum txn_need need, const char *sql, int64_t *value)
{
    struct piece p = {.shard = shard, .need = need, .sql = sql};
    uint16_t code = stmt(n, t, &p, 1);

    if (value)
        *value = p.value;
    return code;
}

static uint16_t add(struct node *n, struct txn *t, uint32_t shard, int id, int amount)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "UPDATE acct%u SET bal=bal+(%d) WHERE id=%d", shard, amount, id);
    return one(n, t, shard, TXN_NEED_WRITE, sql, NULL);
}

static uint64_t counted(_Atomic uint64_t *c)
{
    return atomic_load(c);
}

static bool list_shards(void *arg, struct arena *a, struct recover_shard_array *out)
{
    (void)arg;
    for (uint32_t s = 1; s <= SHARDS; s++) {
        struct recover_shard *r = array_add(out, a);

        r->id = s;
        r->name = arena_printf(a, "s%u", s);
        params_of(&r->params, server_of(s), "");
    }
    return true;
}

/* Recovery on this thread until nothing is left; returns the rounds it took, 0 if it never ended. */
static unsigned recover_all(struct txn_env *env, uint32_t grace_ms)
{
    struct recover_config cfg = {.env = env, .list = list_shards, .grace_ms = grace_ms};
    struct recover *r = recover_new(&cfg);
    unsigned rounds = 0;

    while (rounds < 200) {
        rounds++;
        if (recover_round(r))
            break;
        clock_sleep_ms(50);
    }
    recover_free(r);
    return rounds < 200 ? rounds : 0;
}

static struct node node;
static struct txn *txn;

static void setup(void)
{
    reset_data();
    node_open(&node, 1, 0);
    txn = txn_new(node.env, node.w);
}

static void teardown(void)
{
    FREE(&node, txn);
    pump_ms(&node, 30);
    node_close(&node);
    ck_assert_uint_eq(judge_prepared(), 0);
}

START_TEST(test_autocommit)
{
    struct txn_counters *c = txn_env_counters(node.env);
    int64_t v;

    ck_assert_uint_eq(add(&node, txn, 1, 1, 5), 0);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE + 5);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 5);
    ck_assert_uint_eq(counted(&c->branches), 0);
    ck_assert(txn_is_quiet(txn) && !txn_in_trans(txn));
    ck_assert_uint_eq(one(&node, txn, 9, TXN_NEED_READ, "SELECT 1", &v), ER_UNKNOWN_SHARD);
}
END_TEST

START_TEST(test_one_shard)
{
    struct txn_counters *c = txn_env_counters(node.env);
    int64_t v;

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 5), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 2, -5), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE + 5);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_COMMITTED);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 5);
    ck_assert_uint_eq(counted(&c->committed_one_phase), 1);
    ck_assert_uint_eq(counted(&c->committed_two_phase), 0);
    /* an error in the first statement leaves the transaction open and usable */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_WRITE, "INSERT INTO acct1 VALUES (1,1)", NULL), 1062);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(ROLLBACK(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 5);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
}
END_TEST

START_TEST(test_two_shards)
{
    struct txn_counters *c = txn_env_counters(node.env);
    int64_t v;

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(one(&node, txn, 3, TXN_NEED_READ, "SELECT bal FROM acct3 WHERE id=1", &v), 0);
    ck_assert_uint_eq(one(&node, txn, 4, TXN_NEED_LOCK, "SELECT bal FROM acct4 WHERE id=1 FOR UPDATE", &v), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 5), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, -5), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 5);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 5);
    ck_assert_uint_eq(counted(&c->committed_two_phase), 1);
    ck_assert_uint_eq(txn_env_live_count(node.env), 0);
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 1);
    ck_assert_uint_ne(recover_all(node.env, 1), 0);
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 0);
    /* again, rolled back */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 7), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, -7), 0);
    ck_assert_uint_eq(ROLLBACK(&node, txn), 0);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 5);
}
END_TEST

START_TEST(test_four_shards_answer_at_decision)
{
    txn_set_answer_at_decision(txn, true);
    for (int i = 0; i < 3; i++) {
        ck_assert_uint_eq(BEGIN(&node, txn), 0);
        for (uint32_t s = 1; s <= SHARDS; s++)
            ck_assert_uint_eq(add(&node, txn, s, 1, s % 2 ? 1 : -1), 0);
        ck_assert_uint_eq(COMMIT(&node, txn), 0);
    }
    pump_ms(&node, 100);
    ck_assert_int_eq(balance(4, 1), START_BALANCE - 3);
    ck_assert_uint_eq(txn_env_live_count(node.env), 0);
}
END_TEST

START_TEST(test_savepoints)
{
    int64_t v;

    /* outside a transaction */
    ck_assert_uint_eq(SAVEPOINT(&node, txn, "a"), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "a"), ER_SP_DOES_NOT_EXIST);
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(SAVEPOINT(&node, txn, "a"), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 10), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 10), 0); /* a branch younger than the savepoint */
    ck_assert_uint_eq(SAVEPOINT(&node, txn, "b"), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 100), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "B"), 0);
    ck_assert_uint_eq(one(&node, txn, 2, TXN_NEED_READ, "SELECT bal FROM acct2 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE + 10);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 1000), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "a"), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "b"), ER_SP_DOES_NOT_EXIST);
    ck_assert_uint_eq(one(&node, txn, 2, TXN_NEED_READ, "SELECT bal FROM acct2 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE + 1);
    /* the savepoint is still there, also after more work */
    ck_assert_uint_eq(add(&node, txn, 2, 1, 7), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "a"), 0);
    ck_assert_uint_eq(RELEASE(&node, txn, "a"), 0);
    ck_assert_uint_eq(RELEASE(&node, txn, "a"), ER_SP_DOES_NOT_EXIST);
    /* the same name again and again */
    for (int i = 0; i < 12; i++) {
        ck_assert_uint_eq(SAVEPOINT(&node, txn, i % 2 ? "x" : "y"), 0);
        ck_assert_uint_eq(add(&node, txn, 1, 2, 1), 0);
    }
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "y"), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 1);
    ck_assert_int_eq(balance(2, 1), START_BALANCE);
    ck_assert_int_eq(balance(1, 2), START_BALANCE + 10);
}
END_TEST

START_TEST(test_many_savepoints_at_once)
{
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    for (int i = 0; i < 20; i++) {
        char name[8];

        snprintf(name, sizeof(name), "p%d", i);
        ck_assert_uint_eq(SAVEPOINT(&node, txn, name), 0);
    }
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(ROLLBACK_TO(&node, txn, "p7"), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
}
END_TEST

START_TEST(test_statement_atomicity)
{
    struct piece ok_and_bad[] = {
        {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=1"},
        {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=2"},
        {.shard = 2, .need = TXN_NEED_WRITE, .sql = "INSERT INTO acct2 VALUES (1,1)"},
    };
    struct piece good[] = {
        {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=1"},
        {.shard = 2, .need = TXN_NEED_WRITE, .sql = "UPDATE acct2 SET bal=bal-1 WHERE id=1"},
    };
    struct txn_counters *c = txn_env_counters(node.env);

    /* outside a transaction: its own */
    ck_assert_uint_eq(stmt(&node, txn, ok_and_bad, 3), 1062);
    ck_assert(!txn_in_trans(txn));
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_uint_eq(stmt(&node, txn, good, 2), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 1);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 1);
    ck_assert_uint_eq(counted(&c->committed_two_phase), 1);
    /* inside: only the statement is undone */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 3, 5), 0);
    ck_assert_uint_eq(stmt(&node, txn, ok_and_bad, 3), 1062);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(stmt(&node, txn, good, 2), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 2);
    ck_assert_int_eq(balance(1, 2), START_BALANCE);
    ck_assert_int_eq(balance(1, 3), START_BALANCE + 5);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 2);
}
END_TEST

START_TEST(test_deadlock)
{
    struct txn *other = txn_new(node.env, node.w), *victim, *winner;
    struct piece a = {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=2"};
    struct piece b = {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=1"};

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(BEGIN(&node, other), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 1), 0);
    ck_assert_uint_eq(add(&node, other, 2, 2, 1), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, other, 1, 2, 1), 0);
    ck_assert_uint_eq(stmt_start(&node, txn, &a, 1), 0);
    pump_ms(&node, 100);
    ck_assert_uint_eq(stmt_start(&node, other, &b, 1), 0);
    while (!(a.done && a.code) && !(b.done && b.code))
        pump_ms(&node, 10);
    victim = a.done && a.code ? txn : other;
    winner = victim == txn ? other : txn;
    ck_assert_uint_eq(victim == txn ? a.code : b.code, 1213);
    ck_assert_uint_eq(STMT_END(&node, victim, false), 0);
    ck_assert(!txn_in_trans(victim));
    ck_assert_int_eq(txn_get_outcome(victim), TXN_ABORTED);
    pump(&node, victim == txn ? &b.done : &a.done);
    ck_assert_uint_eq(STMT_END(&node, winner, true), 0);
    ck_assert_uint_eq(COMMIT(&node, winner), 0);
    ck_assert_int_eq(balance(2, 1), START_BALANCE + (winner == txn));
    ck_assert_int_eq(balance(2, 2), START_BALANCE + (winner == other));
    FREE(&node, other);
}
END_TEST

START_TEST(test_lock_wait_timeout)
{
    struct txn *other = txn_new(node.env, node.w);
    struct sync_state *short_wait = sync_with_var(node.state, SV("innodb_lock_wait_timeout"), SV("1"));
    struct sync_state *normal = node.state;
    struct piece both[] = {
        {.shard = 2, .need = TXN_NEED_WRITE, .sql = "UPDATE acct2 SET bal=bal+1 WHERE id=1"},
        {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+1 WHERE id=1"},
    };

    ck_assert_uint_eq(BEGIN(&node, other), 0);
    ck_assert_uint_eq(add(&node, other, 1, 1, 1), 0);
    node.state = short_wait;
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 2, 1), 0);
    ck_assert_uint_eq(stmt(&node, txn, both, 2), 1205);
    ck_assert(txn_in_trans(txn)); /* the statement only */
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    node.state = normal;
    ck_assert_int_eq(balance(2, 1), START_BALANCE);
    ck_assert_int_eq(balance(2, 2), START_BALANCE + 1);
    ck_assert_uint_eq(ROLLBACK(&node, other), 0);
    sync_unref(short_wait);
    FREE(&node, other);
}
END_TEST

START_TEST(test_read_only)
{
    struct txn_begin ro = {.access = TXN_READ_ONLY};
    struct diag d;
    int64_t v;

    diag_clear(&d);
    ck_assert_uint_eq(OP(&node, txn, do_begin, .begin = &ro), 0);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    /* what was taken for a read and writes after all is refused by the shard */
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "UPDATE acct1 SET bal=0 WHERE id=1", &v), 1792);
    ck_assert(!txn_set_next(txn, &ro, &d));
    ck_assert_uint_eq(d.code, ER_CANT_CHANGE_TX_CHARACTERISTICS);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    /* one statement only */
    ck_assert(txn_set_next(txn, &ro, &d));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    txn_set_session_read_only(txn, true);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    ck_assert_uint_eq(OP(&node, txn, do_begin, .begin = &(struct txn_begin){.access = TXN_READ_WRITE}), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 2);
}
END_TEST

START_TEST(test_isolation_of_next)
{
    struct txn_begin rc = {.isolation = TXN_ISO_READ_COMMITTED};
    struct diag d;
    int64_t v;

    diag_clear(&d);
    ck_assert(txn_set_next(txn, &rc, &d));
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    judge_exec(server_of(1), "UPDATE txn_test.acct1 SET bal=7 WHERE id=1");
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, 7);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_uint_eq(BEGIN(&node, txn), 0); /* repeatable read again */
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    judge_exec(server_of(1), "UPDATE txn_test.acct1 SET bal=8 WHERE id=1");
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, 7);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
}
END_TEST

START_TEST(test_consistent_snapshot)
{
    uint32_t shards[] = {1, 2};
    struct txn_begin o = {.consistent_snapshot = true, .shards = shards, .n_shards = 2};
    int64_t v;

    ck_assert_uint_eq(OP(&node, txn, do_begin, .begin = &o), 0);
    judge_exec(server_of(2), "UPDATE txn_test.acct2 SET bal=7 WHERE id=1");
    ck_assert_uint_eq(one(&node, txn, 2, TXN_NEED_READ, "SELECT bal FROM acct2 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, START_BALANCE);
    ck_assert_uint_eq(one(&node, txn, 3, TXN_NEED_READ, "SELECT bal FROM acct3 WHERE id=1", &v), ER_SHARD_DOWN);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_uint_eq(one(&node, txn, 2, TXN_NEED_READ, "SELECT bal FROM acct2 WHERE id=1", &v), 0);
    ck_assert_int_eq(v, 7);
}
END_TEST

START_TEST(test_autocommit_off)
{
    ck_assert_uint_eq(OP(&node, txn, do_autocommit, .on = false), 0);
    ck_assert(!txn_in_trans(txn));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(add(&node, txn, 2, 1, -1), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_uint_eq(OP(&node, txn, do_autocommit, .on = true), 0);
    ck_assert(!txn_in_trans(txn));
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 1);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 1);
    /* BEGIN inside commits; AND CHAIN begins */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 2);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(OP(&node, txn, do_commit, .how = TXN_CHAIN), 0);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(OP(&node, txn, do_rollback, .how = TXN_CHAIN), 0);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(OP(&node, txn, do_implicit_commit, .on = true), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 3);
}
END_TEST

START_TEST(test_no_record_table)
{
    struct txn_counters *c = txn_env_counters(node.env);

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, -1), 0);
    judge_exec(server_of(1), "DROP TABLE tessera.trx_log");
    ck_assert_uint_eq(COMMIT(&node, txn), ER_METADATA);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_int_eq(balance(2, 1), START_BALANCE);
    ck_assert_uint_eq(counted(&c->commits_failed), 1);
    ck_assert_uint_eq(txn_env_live_count(node.env), 0);
}
END_TEST

START_TEST(test_fenced)
{
    char sql[256];

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, -1), 0);
    snprintf(sql, sizeof(sql), "INSERT INTO tessera.trx_log (gtrid,state,ts,participants) VALUES ('%.*s','A',0,'')",
             SV_ARG(txn_gtrid(txn)));
    judge_exec(server_of(1), sql);
    ck_assert_uint_eq(COMMIT(&node, txn), ER_TXN_FENCED);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
}
END_TEST

static uint32_t conn_id_of(struct txn *t, uint32_t shard)
{
    array_each (&t->branches, b) {
        if ((*b)->shard_id == shard)
            return (*b)->conn->conn_id;
    }
    ck_abort_msg("no branch");
    return 0;
}

static void kill_conn(uint32_t shard, uint32_t id)
{
    char sql[64];

    snprintf(sql, sizeof(sql), "KILL CONNECTION %u", id);
    judge_exec(server_of(shard), sql);
    pump_ms(&node, 100);
}

START_TEST(test_connection_lost_idle)
{
    /* between statements: told at the next one, once */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, -1), 0);
    kill_conn(2, conn_id_of(txn, 2));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_SHARD_LOST);
    ck_assert(!txn_in_trans(txn));
    ck_assert_uint_eq(add(&node, txn, 1, 2, 1), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_int_eq(balance(1, 2), START_BALANCE + 1);
    /* told by COMMIT */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    kill_conn(1, conn_id_of(txn, 1));
    ck_assert_uint_eq(COMMIT(&node, txn), ER_SHARD_LOST);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    /* ROLLBACK need not know */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    kill_conn(1, conn_id_of(txn, 1));
    ck_assert_uint_eq(ROLLBACK(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
}
END_TEST

START_TEST(test_connection_lost_in_statement)
{
    struct piece p = {.shard = 1, .need = TXN_NEED_WRITE, .sql = "UPDATE acct1 SET bal=bal+SLEEP(20) WHERE id=1"};

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, -1), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 2, -1), 0);
    ck_assert_uint_eq(stmt_start(&node, txn, &p, 1), 0);
    pump_ms(&node, 100);
    kill_conn(1, conn_id_of(txn, 1));
    pump(&node, &p.done);
    ck_assert(p.lost);
    ck_assert_uint_eq(STMT_END(&node, txn, false), 0);
    ck_assert(!txn_in_trans(txn));
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

START_TEST(test_free_in_transaction)
{
    struct txn *t = txn_new(node.env, node.w);
    struct op o = {.fn = do_commit_and_free};

    ck_assert_uint_eq(BEGIN(&node, t), 0);
    ck_assert_uint_eq(add(&node, t, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, t, 2, 1, -1), 0);
    FREE(&node, t);
    pump_ms(&node, 50);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0); /* no lock is left */
    /* in the middle of a commit: it is carried on, nobody is called */
    t = txn_new(node.env, node.w);
    ck_assert_uint_eq(BEGIN(&node, t), 0);
    ck_assert_uint_eq(add(&node, t, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, t, 2, 1, -1), 0);
    o.t = t;
    op_call(&node, &o);
    pump_ms(&node, 300);
    ck_assert(!o.on);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 2);
    ck_assert_int_eq(balance(2, 1), START_BALANCE - 1);
    ck_assert_uint_eq(txn_env_live_count(node.env), 0);
}
END_TEST

START_TEST(test_lease_waits_and_cancel)
{
    struct piece ps[] = {{.shard = 1, .sql = "SELECT SLEEP(0.2)"}, {.shard = 1, .sql = "SELECT 2"}, {.shard = 1, .sql = "SELECT 3"}};

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(stmt_start(&node, txn, ps, 3), 0); /* one connection: one after the other */
    pump_ms(&node, 50);
    ck_assert(!ps[1].done && !ps[1].conn);
    ck_assert(txn_lease_cancel(txn, &ps[2]));
    ck_assert(!txn_lease_cancel(txn, &ps[2]));
    pump(&node, &ps[1].done);
    ck_assert(ps[0].done && ps[1].value == 2);
    ck_assert(!ps[2].done);
    ck_assert_uint_eq(STMT_END(&node, txn, true), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
}
END_TEST

/* ---- kill -9 at every step ---- */

struct chaos_case {
    const char *faults;
    bool may_commit, may_abort; /* what the outcome may be */
    bool may_survive;           /* the point is not passed, or does not kill */
};

static const struct chaos_case chaos_cases[] = {
    {"txn.xa_start_sent=crash", false, true, false},
    {"txn.xa_start_sent=crash@2", false, true, false},
    {"txn.xa_start_sent=crash@3", false, true, false},
    {"txn.before_prepare=crash", false, true, false},
    {"txn.before_prepare=error", false, true, true},
    {"txn.prepare_sent=crash", false, true, false},
    {"txn.some_prepared=crash", false, true, false},
    {"txn.some_prepared=crash@2", false, true, false},
    {"txn.record_written=crash", false, true, false},
    {"txn.all_prepared=crash", false, true, false},
    {"txn.all_prepared=error", false, true, true},
    {"txn.primary_commit_sent=crash", true, true, false},
    {"txn.primary_committed=crash", true, false, false},
    {"txn.commit_sent=crash", true, false, false},
    {"txn.some_committed=crash", true, false, false},
    {"txn.some_committed=crash@2", true, false, false},
    {"txn.all_committed=crash", true, false, false},
    {"txn.all_prepared=error,txn.rollback_sent=crash", false, true, false},
};

/* Moves 100 from shard 1 to 2 and 3, having read 4. The child's exit status: 0 committed, 1 not. */
static void chaos_child(const char *faults)
{
    struct node n;
    struct txn *t;
    struct diag d;
    int64_t v;
    uint16_t code;

    diag_clear(&d);
    node_open(&n, 1, 0);
    t = txn_new(n.env, n.w);
    if (!fault_arm(sv_cstr(faults), &d))
        _exit(90);
    BEGIN(&n, t);
    if (one(&n, t, 4, TXN_NEED_READ, "SELECT bal FROM acct4 WHERE id=1", &v) || add(&n, t, 1, 1, -100) || add(&n, t, 2, 1, 60) ||
        add(&n, t, 3, 1, 40))
        _exit(91);
    code = COMMIT(&n, t);
    pump_ms(&n, 50);
    _exit(code ? 1 : 0);
}

static void check_whole(const struct chaos_case *c)
{
    int64_t b1 = balance(1, 1), b2 = balance(2, 1), b3 = balance(3, 1);
    bool committed = b1 == START_BALANCE - 100;

    ck_assert_uint_eq(judge_prepared(), 0);
    ck_assert_msg(b1 + b2 + b3 == 3 * START_BALANCE, "%s: sum %lld", c->faults, (long long)(b1 + b2 + b3));
    ck_assert_msg(committed ? b2 == START_BALANCE + 60 && b3 == START_BALANCE + 40
                            : b1 == START_BALANCE && b2 == START_BALANCE && b3 == START_BALANCE,
                  "%s: half a transaction", c->faults);
    ck_assert_msg(committed ? c->may_commit : c->may_abort, "%s: %s", c->faults, committed ? "committed" : "aborted");
    for (uint32_t s = 1; s <= SHARDS; s++) { /* no lock is left */
        char sql[160];

        snprintf(sql, sizeof(sql), "UPDATE txn_test.acct%u SET bal=bal+0", s);
        judge_exec(server_of(s), sql);
    }
}

static int run_child(void (*fn)(const char *arg), const char *arg)
{
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0) {
        signal(SIGPIPE, SIG_IGN);
        fn(arg);
        _exit(99);
    }
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    return status;
}

START_TEST(test_chaos)
{
    const struct chaos_case *c = &chaos_cases[_i];
    struct txn_env_config cfg = {.node_id = 1};
    struct txn_env *env;
    int status;

    reset_data();
    status = run_child(chaos_child, c->faults);
    if (c->may_survive)
        ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) < 2, "%s: status %x", c->faults, status);
    else
        ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", c->faults, status);
    env = txn_env_new(&cfg); /* the same node, later: takes its branches up at once */
    ck_assert_msg(recover_all(env, 3600000) != 0, "%s: recovery does not end", c->faults);
    txn_env_free(env);
    check_whole(c);
}
END_TEST

static void recover_child(const char *faults)
{
    struct txn_env_config cfg = {.node_id = 2};
    struct txn_env *env = txn_env_new(&cfg);
    struct diag d;

    diag_clear(&d);
    if (!fault_arm(sv_cstr(faults), &d))
        _exit(90);
    recover_all(env, 20);
    _exit(0);
}

static const struct {
    const char *coordinator, *recovery;
    bool commits;
} recover_cases[] = {
    {"txn.all_prepared=crash", "recover.scanned=crash", false},
    {"txn.all_prepared=crash", "recover.before_fence=crash", false},
    {"txn.all_prepared=crash", "recover.fenced=crash", false},
    {"txn.all_prepared=crash", "recover.fenced=crash@2", false},
    {"txn.all_prepared=crash", "recover.before_finish=crash", false},
    {"txn.all_prepared=crash", "recover.finished=crash", false},
    {"txn.primary_committed=crash", "recover.before_finish=crash", true},
    {"txn.primary_committed=crash", "recover.finished=crash", true},
};

/* Another node's recovery is killed half-way, then this node's ends it. */
START_TEST(test_recovery_killed)
{
    struct chaos_case c = {recover_cases[_i].recovery, recover_cases[_i].commits, !recover_cases[_i].commits, false};
    struct txn_env_config cfg = {.node_id = 3};
    struct txn_env *env;
    int status;

    reset_data();
    status = run_child(chaos_child, recover_cases[_i].coordinator);
    ck_assert(WIFSIGNALED(status));
    status = run_child(recover_child, recover_cases[_i].recovery);
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", recover_cases[_i].recovery, status);
    env = txn_env_new(&cfg);
    ck_assert_uint_ne(recover_all(env, 20), 0);
    txn_env_free(env);
    check_whole(&c);
}
END_TEST

START_TEST(test_two_recoveries_at_once)
{
    struct chaos_case c = {"two recoveries", false, true, false};
    pid_t pids[3];
    int status;

    reset_data();
    status = run_child(chaos_child, "txn.all_prepared=crash");
    ck_assert(WIFSIGNALED(status));
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        pids[i] = fork();
        if (pids[i] == 0) {
            struct txn_env_config cfg = {.node_id = (uint32_t)(10 + i)};

            _exit(recover_all(txn_env_new(&cfg), 10) ? 0 : 1);
        }
    }
    for (size_t i = 0; i < ARRAY_LEN(pids); i++) {
        ck_assert_int_eq(waitpid(pids[i], &status, 0), pids[i]);
        ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    check_whole(&c);
}
END_TEST

/* ---- a coordinator that lives, under a recovery that is far too eager ---- */

enum { TRANSFERS = 60 };

static void transfer_child(const char *faults)
{
    struct node n;
    struct txn *t;
    struct diag d;
    int bad = 0;

    diag_clear(&d);
    node_open(&n, 5, 0);
    t = txn_new(n.env, n.w);
    if (*faults && !fault_arm(sv_cstr(faults), &d))
        _exit(90);
    for (int i = 0; i < TRANSFERS; i++) {
        uint32_t from = 1 + (uint32_t)rand_below(SHARDS), to = 1 + (uint32_t)rand_below(SHARDS);
        int id = 1 + (int)rand_below(ROWS), amount = (int)rand_below(50);
        uint16_t code;

        BEGIN(&n, t);
        if (add(&n, t, from, id, -amount) || add(&n, t, to, id, amount)) {
            ROLLBACK(&n, t);
            continue;
        }
        code = COMMIT(&n, t);
        if (code && code != ER_TXN_FENCED && code != ER_LOCK_WAIT_TIMEOUT && code != ER_XAER_NOTA)
            bad++;
    }
    FREE(&n, t);
    pump_ms(&n, 20);
    _exit(bad ? 1 : 0);
}

START_TEST(test_eager_recovery)
{
    struct txn_env_config cfg = {.node_id = 6};
    struct txn_env *env = txn_env_new(&cfg);
    struct recover_config rc = {.env = env, .list = list_shards, .grace_ms = 1, .interval_ms = 1};
    struct recover *r = recover_new(&rc);
    struct diag d;
    int status;

    reset_data();
    diag_clear(&d);
    ck_assert_msg(recover_start(r, &d), "%s", d.text);
    status = run_child(transfer_child, "txn.before_prepare=sleep:1,txn.prepare_sent=sleep:8,txn.all_prepared=sleep:8,txn.primary_committed=sleep:4");
    recover_stop(r);
    recover_free(r);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    ck_assert_uint_ne(recover_all(env, 1), 0);
    txn_env_free(env);
    ck_assert_uint_eq(judge_prepared(), 0);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

/* The recovery thread beside a working coordinator of the same process leaves its transactions alone. */
START_TEST(test_own_recovery)
{
    struct recover_config rc = {.env = node.env, .list = list_shards, .grace_ms = 1, .interval_ms = 1};
    struct recover *r = recover_new(&rc);
    struct txn_counters *c = txn_env_counters(node.env);
    struct diag d;
    uint64_t end;

    diag_clear(&d);
    ck_assert_msg(recover_start(r, &d), "%s", d.text);
    for (int i = 0; i < TRANSFERS; i++) {
        ck_assert_uint_eq(BEGIN(&node, txn), 0);
        ck_assert_uint_eq(add(&node, txn, 1 + (uint32_t)i % SHARDS, 1, -1), 0);
        ck_assert_uint_eq(add(&node, txn, 1 + (uint32_t)(i + 1) % SHARDS, 1, 1), 0);
        ck_assert_msg(COMMIT(&node, txn) == 0, "%s", last.text);
    }
    ck_assert_uint_eq(counted(&c->committed_two_phase), TRANSFERS);
    end = clock_mono_ms() + 10000;
    while (judge_sum("SELECT COUNT(*) FROM tessera.trx_log WHERE state='C'") > 0 && clock_mono_ms() < end)
        clock_sleep_ms(20);
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log WHERE state='C'"), 0);
    ck_assert_uint_eq(counted((_Atomic uint64_t *)(uintptr_t)&recover_get_stats(r)->committed), 0);
    ck_assert_uint_eq(counted((_Atomic uint64_t *)(uintptr_t)&recover_get_stats(r)->rolled_back), 0);
    recover_stop(r);
    recover_free(r);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

static Suite *suite_anywhere(void)
{
    Suite *s = suite_create("txn");
    TCase *tc = tcase_create("pure");

    tcase_add_loop_test(tc, test_gid, 0, ARRAY_LEN(gid_cases));
    tcase_add_loop_test(tc, test_bqual, 0, ARRAY_LEN(bqual_cases));
    tcase_add_test(tc, test_bqual_cut);
    tcase_add_test(tc, test_moves);
    tcase_add_test(tc, test_registry);
    suite_add_tcase(s, tc);
    return s;
}

static Suite *suite_servers(void)
{
    Suite *s = suite_create("txn on servers");
    TCase *tc = tcase_create("live"), *chaos = tcase_create("chaos");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_autocommit);
    tcase_add_test(tc, test_one_shard);
    tcase_add_test(tc, test_two_shards);
    tcase_add_test(tc, test_four_shards_answer_at_decision);
    tcase_add_test(tc, test_savepoints);
    tcase_add_test(tc, test_many_savepoints_at_once);
    tcase_add_test(tc, test_statement_atomicity);
    tcase_add_test(tc, test_deadlock);
    tcase_add_test(tc, test_lock_wait_timeout);
    tcase_add_test(tc, test_read_only);
    tcase_add_test(tc, test_isolation_of_next);
    tcase_add_test(tc, test_consistent_snapshot);
    tcase_add_test(tc, test_autocommit_off);
    tcase_add_test(tc, test_no_record_table);
    tcase_add_test(tc, test_fenced);
    tcase_add_test(tc, test_connection_lost_idle);
    tcase_add_test(tc, test_connection_lost_in_statement);
    tcase_add_test(tc, test_free_in_transaction);
    tcase_add_test(tc, test_lease_waits_and_cancel);
    tcase_add_test(tc, test_own_recovery);
    suite_add_tcase(s, tc);
    tcase_set_timeout(chaos, 120);
    tcase_add_loop_test(chaos, test_chaos, 0, ARRAY_LEN(chaos_cases));
    tcase_add_loop_test(chaos, test_recovery_killed, 0, ARRAY_LEN(recover_cases));
    tcase_add_test(chaos, test_two_recoveries_at_once);
    tcase_add_test(chaos, test_eager_recovery);
    suite_add_tcase(s, chaos);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(suite_anywhere());
    int failed;

    signal(SIGPIPE, SIG_IGN);
    if (!mconn_library_begin())
        return 99;
    mconn_thread_begin();
    log_set_level(getenv("TXN_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
    if (read_servers())
        srunner_add_suite(sr, suite_servers());
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    mconn_thread_end();
    mconn_library_end();
    return failed ? 1 : 0;
}
