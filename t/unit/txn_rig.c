#include "t/unit/txn_rig.h"

static struct {
    char host[64];
    uint16_t port;
} servers[SERVERS_MAX];
static size_t n_servers;

bool rig_read_servers(void)
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
size_t server_of(uint32_t shard)
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

struct mconn *judge(size_t server)
{
    struct mconn_params p;
    struct mconn *c;
    struct diag d;

    diag_clear(&d);
    params_of(&p, server, "");
    ck_assert_msg(mconn_open(&p, &c, &d), "%s", d.text);
    return c;
}

void judge_exec(size_t server, const char *sql)
{
    struct mconn *c = judge(server);
    struct diag d;

    diag_clear(&d);
    ck_assert_msg(mconn_exec(c, sv_cstr(sql), &d), "%s: %u %s", sql, d.code, d.text);
    mconn_close(c);
}

/* The first cell of the answer as a number, summed over servers. */
int64_t judge_sum(const char *sql)
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

uint32_t judge_prepared(void)
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

int64_t balance(uint32_t shard, int id)
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

void reset_data(void)
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
            ck_assert_msg(mconn_execf(c, &d,
                                      "CREATE TABLE IF NOT EXISTS txn_test.acct%u (id INT PRIMARY KEY, "
                                      "bal BIGINT NOT NULL) ENGINE=InnoDB",
                                      s),
                          "%s", d.text);
            ck_assert_msg(mconn_execf(c, &d, "DELETE FROM txn_test.acct%u", s), "%s", d.text);
            for (int id = 1; id <= ROWS; id++)
                ck_assert_msg(mconn_execf(c, &d, "INSERT INTO txn_test.acct%u VALUES (%d,%d)", s, id, START_BALANCE),
                              "%s", d.text);
        }
        mconn_close(c);
    }
}

int64_t total(void)
{
    int64_t sum = 0;

    for (uint32_t s = 1; s <= SHARDS; s++)
        for (int id = 1; id <= ROWS; id++)
            sum += balance(s, id);
    return sum;
}

void node_open_env(struct node *n, struct txn_env *env, uint32_t worker)
{
    struct sync_state *empty = sync_new();

    n->w = worker_new(worker);
    n->env = env;
    n->state = sync_with_schema(empty, SV("txn_test"));
    sync_unref(empty);
    for (uint32_t s = 1; s <= SHARDS_ALL; s++) {
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

void node_open_timeout(struct node *n, uint32_t id, uint32_t timeout_ms)
{
    struct txn_env_config cfg = {.node_id = id, .commit_timeout_ms = timeout_ms};

    node_open_env(n, txn_env_new(&cfg), 0);
}

void node_open(struct node *n, uint32_t id, uint64_t start)
{
    struct txn_env_config cfg = {.node_id = id, .start_stamp = start, .commit_timeout_ms = 20000};

    node_open_env(n, txn_env_new(&cfg), 0);
}

void node_close(struct node *n, bool with_env)
{
    sync_unref(n->state);
    pool_set_free(n->w);
    worker_free(n->w);
    if (with_env)
        txn_env_free(n->env);
}

/* Turns until *done, at most 30 s. */
void pump(struct node *n, const bool *done)
{
    uint64_t end = clock_mono_ms() + 30000;

    worker_settle(n->w);
    while (!*done) {
        ck_assert_msg(clock_mono_ms() < end, "no callback within 30 s");
        worker_turn(n->w, 20);
    }
}

/* Lets what goes on in the background come to its end. */
void pump_ms(struct node *n, unsigned ms)
{
    uint64_t end = clock_mono_ms() + ms;

    worker_settle(n->w);
    while (clock_mono_ms() < end)
        worker_turn(n->w, 5);
}

void on_done(void *arg, const struct diag *d)
{
    struct waited *w = arg;

    ck_assert(!w->done);
    w->done = true;
    if (d)
        w->d = *d;
    else
        diag_clear(&w->d);
}

struct diag last;

void op_run(struct worker *w, void *arg)
{
    struct op *o = arg;

    (void)w;
    o->fn(o);
}

uint16_t op_call(struct node *n, struct op *o)
{
    worker_post(n->w, op_run, o);
    pump(n, &o->w.done);
    last = o->w.d;
    return o->w.d.code;
}

void do_begin(struct op *o)
{
    txn_begin(o->t, o->begin, on_done, &o->w);
}

void do_commit(struct op *o)
{
    txn_commit(o->t, o->how, on_done, &o->w);
}

void do_rollback(struct op *o)
{
    txn_rollback(o->t, o->how, on_done, &o->w);
}

void do_implicit_commit(struct op *o)
{
    txn_implicit_commit(o->t, on_done, &o->w);
}

void do_autocommit(struct op *o)
{
    txn_set_autocommit(o->t, o->on, on_done, &o->w);
}

void do_savepoint(struct op *o)
{
    txn_savepoint(o->t, sv_cstr(o->name), on_done, &o->w);
}

void do_rollback_to(struct op *o)
{
    txn_rollback_to(o->t, sv_cstr(o->name), on_done, &o->w);
}

void do_release(struct op *o)
{
    txn_release_savepoint(o->t, sv_cstr(o->name), on_done, &o->w);
}

void do_stmt_end(struct op *o)
{
    txn_stmt_end(o->t, o->on, on_done, &o->w);
}

void do_free(struct op *o)
{
    txn_free(o->t);
    o->w.done = true;
}

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

static const struct bcmd_ops piece_ops = {
    .on_row = piece_row,
    .on_ok = piece_ok,
    .on_err = piece_err,
    .on_lost = piece_lost,
};

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
uint16_t stmt_start(struct node *n, struct txn *t, struct piece *ps, size_t n_ps)
{
    struct start st = {.op = {.fn = do_start, .t = t}, .node = n, .ps = ps, .n = n_ps};

    return op_call(n, &st.op);
}

/* One logical statement of n pieces, all sent at once. Returns the client's error code, 0 for OK. */
uint16_t stmt(struct node *n, struct txn *t, struct piece *ps, size_t n_ps)
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

uint16_t one(struct node *n, struct txn *t, uint32_t shard, enum txn_need need, const char *sql, int64_t *value)
{
    struct piece p = {.shard = shard, .need = need, .sql = sql};
    uint16_t code = stmt(n, t, &p, 1);

    if (value)
        *value = p.value;
    return code;
}

uint16_t add(struct node *n, struct txn *t, uint32_t shard, int id, int amount)
{
    char sql[128];

    snprintf(sql, sizeof(sql), "UPDATE acct%u SET bal=bal+(%d) WHERE id=%d", shard, amount, id);
    return one(n, t, shard, TXN_NEED_WRITE, sql, NULL);
}

uint32_t listed_shards = SHARDS;

bool list_shards(void *arg, struct arena *a, struct recover_shard_array *out)
{
    (void)arg;
    for (uint32_t s = 1; s <= listed_shards; s++) {
        struct recover_shard *r = array_add(out, a);

        r->id = s;
        r->name = arena_printf(a, "s%u", s);
        params_of(&r->params, server_of(s), "");
    }
    return true;
}

/* Recovery on this thread until nothing is left; returns the rounds it took, 0 if it never ended. */
unsigned recover_all(struct txn_env *env, uint32_t grace_ms)
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

