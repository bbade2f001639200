/* The metadata store against real servers: those that TESSERA_TEST_SERVERS lists (host:port ...,
 * root without a password). Without it everything is skipped. The schema tessera on them is
 * dropped. */
#include "catalog/metadb.h"
#include "util/log.h"

#include <check.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct mconn *conn;
static struct conf *conf;
static char host[256];
static unsigned port;

static void setup(void)
{
    struct diag d = {0};
    struct mconn_params p;
    char text[512];

    arena_init(&arena, 0);
    snprintf(text, sizeof(text),
        "{\"shards\": [{\"name\": \"s1\", \"host\": \"%s\", \"port\": %u}, {\"name\": \"s2\", "
        "\"host\": \"h2\"}],"
        "\"bootstrap\": {\"root_password_hash\": \"*81F5E21E35407D884A6CD4A731AEBFB6AF209E1B\"}}",
        host, port);
    ck_assert_msg(conf_parse(sv_cstr(text), "test", &conf, NULL, &d), "%s", d.text);
    mconn_params_meta(&p, conf);
    ck_assert_msg(mconn_open(&p, &conn, &d), "%s", d.text);
    ck_assert_msg(mconn_execf(conn, &d, "DROP DATABASE IF EXISTS tessera"), "%s", d.text);
    ck_assert_msg(metadb_create(conn, &d) && metadb_create(conn, &d), "%s", d.text);
}

static void teardown(void)
{
    struct diag d = {0};

    ck_assert_msg(mconn_execf(conn, &d, "DROP DATABASE IF EXISTS tessera"), "%s", d.text);
    mconn_close(conn);
    conf_unref(conf);
    arena_free(&arena);
}

static struct cat_table *make_table(uint64_t id, struct sv name)
{
    static const uint32_t shards[] = {1, 2, 1};
    struct cat_table *t = cat_table_new(SV("shop"), name);
    struct cat_column *c = ARENA_NEW_N(&t->arena, struct cat_column, 2);
    struct cat_bound *b = ARENA_NEW_N(&t->arena, struct cat_bound, 4);
    uint32_t *pc = ARENA_NEW_N(&t->arena, uint32_t, 1);
    struct cat_part *parts;

    c[0] = (struct cat_column){
        .name = SV("id"), .auto_increment = true, .type = {.code = 8, .text = SV("bigint")}};
    c[1] = (struct cat_column){.name = SV("na'me"),
        .ordinal = 1,
        .comment = SV("\\ ' \" \xf0\x9f\x99\x82"),
        .type = {.code = 253, .text = SV("varchar(9)")}};
    t->id = id;
    t->columns = c;
    t->columns_n = 2;
    t->kind = CAT_PARTITIONED;
    t->auto_inc_start = 50;
    t->create_sql = SV("CREATE TABLE `t` (\n  `id` bigint\n)");
    t->part = (struct cat_partitioning){
        .method = CAT_PART_LIST, .columns = pc, .columns_n = 1, .by_columns = true};
    cat_table_spread(t, 3, shards);
    parts = (struct cat_part *)(uintptr_t)t->parts;
    b[0] = (struct cat_bound){CAT_BOUND_VALUE, SV("1")};
    b[1] = (struct cat_bound){CAT_BOUND_NULL, SV("")};
    b[2] = (struct cat_bound){CAT_BOUND_VALUE, SV("it's")};
    b[3] = (struct cat_bound){CAT_BOUND_DEFAULT, SV("")};
    parts[0].bounds = b;
    parts[0].tuples_n = 2;
    parts[1].bounds = b + 2;
    parts[1].tuples_n = 1;
    parts[2].bounds = b + 3;
    parts[2].tuples_n = 1;
    return t;
}

static void put_table(uint64_t id, struct sv name, uint64_t expected)
{
    struct cat_table *t = make_table(id, name);
    struct metadb_tx tx;
    struct diag d = {0};
    uint64_t v;

    ck_assert_msg(cat_table_finish(t, &d), "%s", d.text);
    ck_assert_msg(metadb_begin(conn, expected, &tx, &d) && metadb_put_table(&tx, t, &d) &&
                      metadb_commit(&tx, &v, &d),
        "%s", d.text);
    ck_assert_uint_eq(v, expected + 1);
    cat_table_unref(t);
}

static void put_db(void)
{
    struct cat_db db = {.id = 1,
        .name = SV("shop"),
        .mode = CAT_DB_LOCAL,
        .charset = SV("utf8mb4"),
        .collation = SV("utf8mb4_bin"),
        .home_shard = 2};
    struct metadb_tx tx;
    struct diag d = {0};
    uint64_t v;

    ck_assert_msg(
        metadb_begin(conn, 1, &tx, &d) && metadb_put_db(&tx, &db, &d) && metadb_commit(&tx, &v, &d),
        "%s", d.text);
}

START_TEST(bootstrap_once)
{
    struct cat_snapshot *s;
    struct diag d = {0};

    ck_assert_msg(
        metadb_bootstrap(conn, conf, &d) && metadb_bootstrap(conn, conf, &d), "%s", d.text);
    ck_assert_msg(metadb_load(conn, NULL, &s, &d), "%s", d.text);
    ck_assert_uint_eq(s->version, 1);
    ck_assert(
        s->shards.n == 2 && sv_eq(s->shards.v[1].name, SV("s2")) && s->shards.v[1].port == 3306);
    ck_assert(s->users.n == 2 && cat_find_user(s, SV("root"), SV("127.0.0.1"))->secret.len == 0);
    ck_assert(cat_find_user(s, SV("root"), SV("10.1.1.1"))->secret.len == 41);
    cat_snapshot_unref(s);
    ck_assert_msg(metadb_prepare_shard(conn, &d) && metadb_prepare_shard(conn, &d), "%s", d.text);
}
END_TEST

START_TEST(tables_come_back)
{
    struct cat_snapshot *one, *two, *three;
    const struct cat_table *t;
    struct metadb_tx tx;
    struct diag d = {0};
    uint64_t v;

    ck_assert(metadb_bootstrap(conn, conf, &d));
    put_db();
    put_table(1, SV("T`1"), 2);
    ck_assert_msg(metadb_load(conn, NULL, &one, &d), "%s", d.text);
    t = cat_find_table(one, SV("shop"), SV("T`1"));
    ck_assert(t && t->version == 3 && t->parts_n == 3 && t->parts[2].shard_id == 1);
    ck_assert(t->parts[0].tuples_n == 2 && t->parts[0].bounds[1].kind == CAT_BOUND_NULL);
    ck_assert(sv_eq(t->parts[1].bounds[0].text, SV("it's")) &&
              t->parts[2].bounds[0].kind == CAT_BOUND_DEFAULT);
    ck_assert(sv_eq(t->columns[1].comment, SV("\\ ' \" \xf0\x9f\x99\x82")) &&
              sv_eq(t->columns[1].name, SV("na'me")));
    ck_assert(sv_eq(t->create_sql, SV("CREATE TABLE `t` (\n  `id` bigint\n)")));
    ck_assert(cat_find_db(one, SV("shop"))->mode == CAT_DB_LOCAL &&
              cat_find_db(one, SV("shop"))->home_shard == 2);
    put_table(2, SV("T2"), 3);
    ck_assert_msg(metadb_load(conn, one, &two, &d), "%s", d.text);
    ck_assert_ptr_eq(cat_find_table(two, SV("shop"), SV("T`1")), t); /* shared */
    ck_assert_ptr_nonnull(cat_find_table(two, SV("shop"), SV("T2")));
    ck_assert(!metadb_begin(conn, 3, &tx, &d) && d.cls == DIAG_RETRY_TRX &&
              strstr(d.text, "has version 4, not 3"));
    diag_clear(&d);
    ck_assert(metadb_begin(conn, 4, &tx, &d) && metadb_drop_table(&tx, 1, &d));
    metadb_rollback(&tx);
    ck_assert(metadb_begin(conn, 4, &tx, &d) && metadb_drop_table(&tx, 1, &d) &&
              metadb_commit(&tx, &v, &d));
    ck_assert_msg(metadb_load(conn, two, &three, &d), "%s", d.text);
    ck_assert(!cat_find_table(three, SV("shop"), SV("T`1")) &&
              cat_find_table(three, SV("shop"), SV("T2")));
    ck_assert(metadb_begin(conn, 0, &tx, &d) && metadb_drop_db(&tx, 1, &d) &&
              metadb_drop_shard(&tx, 2, &d) && metadb_commit(&tx, &v, &d));
    cat_snapshot_unref(two);
    ck_assert_msg(metadb_load(conn, three, &two, &d), "%s", d.text);
    ck_assert(two->tables.n == 0 && two->dbs.n == 0 && two->shards.n == 1 && two->version == 6);
    cat_snapshot_unref(one);
    cat_snapshot_unref(two);
    cat_snapshot_unref(three);
}
END_TEST

START_TEST(users_and_settings)
{
    struct cat_user u = {.name = SV("app"),
        .host = SV("10.%"),
        .plugin = SV("p"),
        .secret = SV("s"),
        .locked = true};
    struct cat_snapshot *s;
    struct metadb_tx tx;
    struct diag d = {0};
    uint64_t v, id;

    ck_assert(metadb_bootstrap(conn, conf, &d));
    ck_assert_msg(metadb_begin(conn, 0, &tx, &d) && metadb_put_user(&tx, &u, &d) &&
                      metadb_put_setting(&tx, SV("a"), SV("b"), &d) &&
                      metadb_put_setting(&tx, SV("x"), SV("y"), &d) &&
                      metadb_drop_user(&tx, SV("root"), SV("%"), &d) &&
                      metadb_drop_setting(&tx, SV("x"), &d) &&
                      metadb_new_id(&tx, METADB_ID_TABLE, &id, &d) && id == 1 &&
                      metadb_new_id(&tx, METADB_ID_TABLE, &id, &d) && id == 2 &&
                      metadb_commit(&tx, &v, &d),
        "%s", d.text);
    ck_assert_msg(metadb_load(conn, NULL, &s, &d), "%s", d.text);
    ck_assert(cat_find_account(s, SV("app"), SV("10.%"))->locked &&
              !cat_find_account(s, SV("root"), SV("%")));
    ck_assert(sv_eq(cat_setting(s, SV("a")), SV("b")) && !cat_setting(s, SV("x")).ptr);
    cat_snapshot_unref(s);
}
END_TEST

enum { SEQ_THREADS = 4, SEQ_EACH = 50 };

static uint64_t taken[SEQ_THREADS][SEQ_EACH];

static void *seq_taker(void *arg)
{
    struct diag d = {0};
    struct mconn_params p;
    struct mconn *c;

    mconn_thread_begin();
    mconn_params_meta(&p, conf);
    CHECK(mconn_open(&p, &c, &d));
    for (int i = 0; i < SEQ_EACH; i++)
        CHECK(metadb_seq_take(c, 1, 10, &taken[(uintptr_t)arg][i], &d));
    mconn_close(c);
    mconn_thread_end();
    return NULL;
}

START_TEST(sequences_never_overlap)
{
    static bool used[SEQ_THREADS * SEQ_EACH];
    pthread_t t[SEQ_THREADS];
    struct diag d = {0};
    uint64_t v;

    memset(used, 0, sizeof(used));
    ck_assert(metadb_bootstrap(conn, conf, &d));
    put_db();
    put_table(1, SV("t"), 2);
    for (uintptr_t i = 0; i < SEQ_THREADS; i++)
        pthread_create(&t[i], NULL, seq_taker, (void *)i);
    for (int i = 0; i < SEQ_THREADS; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < SEQ_THREADS * SEQ_EACH; i++) {
        uint64_t first = taken[i / SEQ_EACH][i % SEQ_EACH];

        ck_assert_msg(
            first >= 50 && (first - 50) % 10 == 0 && (first - 50) / 10 < SEQ_THREADS * SEQ_EACH,
            "%llu", (unsigned long long)first);
        ck_assert_msg(!used[(first - 50) / 10], "%llu twice", (unsigned long long)first);
        used[(first - 50) / 10] = true;
    }
    ck_assert(metadb_seq_raise(conn, 1, 9999, &d) && metadb_seq_raise(conn, 1, 5, &d));
    ck_assert(metadb_seq_peek(conn, 1, &v, &d) && v == 10000);
    ck_assert(metadb_seq_take(conn, 1, 1, &v, &d) && v == 10000);
    ck_assert(metadb_seq_reset(conn, 1, 0, &d) && metadb_seq_take(conn, 1, 1, &v, &d) && v == 1);
    ck_assert(metadb_seq_peek(conn, 77, &v, &d) && v == 0);
    ck_assert(!metadb_seq_take(conn, 77, 1, &v, &d) && strstr(d.text, "no sequence for table 77"));
}
END_TEST

START_TEST(nodes_beat)
{
    uint32_t a, b, again;
    uint64_t sa, sb, sc, newest;
    struct metadb_node *nodes, one;
    struct arena mem;
    size_t n;
    bool dead, buried;
    struct diag d = {0};

    ck_assert(metadb_bootstrap(conn, conf, &d));
    arena_init(&mem, 0);
    ck_assert(metadb_nodes(conn, &mem, &nodes, &n, &d) && n == 0);
    ck_assert_msg(metadb_node_enter(conn, SV("a"), SV("h"), 1, &a, &sa, &d) &&
                      metadb_node_enter(conn, SV("b"), SV("h"), 2, &b, &sb, &d),
        "%s", d.text);
    ck_assert(a == 1 && b == 2);
    ck_assert_msg(metadb_node_beat(conn, a, sa, 7, SV("5,12"), &newest, &buried, &d) && newest == 1, "%s", d.text);
    ck_assert(metadb_node_beat(conn, b, sb, 6, SV_NULL, &newest, &buried, &d));
    ck_assert_msg(metadb_nodes(conn, &mem, &nodes, &n, &d) && n == 2, "%s", d.text);
    ck_assert(nodes[0].loaded == 7 && sv_eq(nodes[0].busy, SV("5,12")) && nodes[0].silent_ms < 10000);
    ck_assert(nodes[1].loaded == 6 && nodes[1].busy.len == 0 && nodes[1].stamp == sb);
    one = nodes[1];
    ck_assert(metadb_node_beat(conn, b, sb, 6, SV_NULL, &newest, &buried, &d));
    ck_assert(metadb_node_bury(conn, &one, &dead, &d) && !dead);
    ck_assert(metadb_nodes(conn, &mem, &nodes, &n, &d) && n == 2);
    ck_assert(metadb_node_bury(conn, &nodes[1], &dead, &d) && dead);
    ck_assert(metadb_nodes(conn, &mem, &nodes, &n, &d) && n == 1);
    ck_assert(metadb_node_beat(conn, b, sb, 6, SV_NULL, &newest, &buried, &d) && buried);
    ck_assert(metadb_node_beat(conn, b, sb, 6, SV_NULL, &newest, &buried, &d) && !buried);
    ck_assert(
        metadb_node_enter(conn, SV("a"), SV("h"), 1, &again, &sc, &d) && again == a && sc > sa);
    ck_assert(
        !metadb_node_beat(conn, a, sa, 7, SV_NULL, &newest, &buried, &d) && strstr(d.text, "another process"));
    diag_clear(&d);
    ck_assert(metadb_node_leave(conn, a, sc, &d));
    ck_assert(metadb_nodes(conn, &mem, &nodes, &n, &d) && n == 1 && nodes[0].id == b);
    arena_free(&mem);
}
END_TEST

static bool stop_after_three(void *arg, const struct sv *cells, uint32_t cols)
{
    *(unsigned *)arg += cols == 1 && cells[0].len == 1;
    return *(unsigned *)arg < 3;
}

START_TEST(connection_behaves)
{
    struct diag d = {0};
    struct mresult r;
    struct mconn_params p;
    unsigned n = 0;

    ck_assert(mconn_is_mariadb(conn) == (strstr(mconn_server_info(conn), "MariaDB") != NULL) &&
              mconn_version(conn) > 80000);
    ck_assert(
        !mconn_query(conn, SV("SELECT * FROM nowhere.x"), &arena, &r, &d) && !mconn_is_lost(conn));
    ck_assert_msg(d.code == ER_NO_SUCH_TABLE || d.code == ER_BAD_DB_ERROR, "%u %s", d.code, d.text);
    diag_clear(&d);
    ck_assert(mconn_queryf(
        conn, &arena, &r, &d, "SELECT NULL, '', 1 + 1, @@time_zone, @@character_set_results"));
    ck_assert(!mresult_cell(&r, 0, 0).ptr && mresult_cell(&r, 0, 1).len == 0 &&
              mresult_cell(&r, 0, 1).ptr && mresult_u64(&r, 0, 2) == 2);
    ck_assert(sv_eq(mresult_cell(&r, 0, 3), SV("+00:00")) &&
              sv_eq(mresult_cell(&r, 0, 4), SV("utf8mb4")));
    ck_assert(
        mconn_each(conn, SV("SELECT 1 UNION ALL SELECT 2 UNION ALL SELECT 3 UNION ALL SELECT 4"),
            stop_after_three, &n, &d) &&
        n == 3);
    ck_assert(mconn_ping(conn, &d));
    mconn_params_meta(&p, conf);
    ck_assert_msg(mconn_execf(conn, &d, "DO SLEEP(0)"), "%s", d.text);
    ck_assert(!mconn_execf(conn, &d, "KILL CONNECTION %lu", (unsigned long)mconn_thread_id(conn)) ||
              !mconn_ping(conn, &d));
    diag_clear(&d);
    if (!mconn_is_lost(conn))
        ck_assert(!mconn_ping(conn, &d) && d.cls == DIAG_CONN_LOST);
    diag_clear(&d);
    ck_assert(!mconn_execf(conn, &d, "SELECT 1") && d.cls == DIAG_CONN_LOST &&
              strstr(d.text, "the metadata server"));
    diag_clear(&d);
    ck_assert_msg(mconn_reconnect(conn, &d) && mconn_execf(conn, &d, "SELECT 1"), "%s", d.text);
}
END_TEST

static int run_on_server(void)
{
    Suite *s = suite_create("metadb");
    TCase *tc = tcase_create(host);
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, bootstrap_once);
    tcase_add_test(tc, tables_come_back);
    tcase_add_test(tc, users_and_settings);
    tcase_add_test(tc, sequences_never_overlap);
    tcase_add_test(tc, nodes_beat);
    tcase_add_test(tc, connection_behaves);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_fork_status(sr, CK_NOFORK);
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    if (failed)
        srunner_print(sr, CK_NORMAL);
    srunner_free(sr);
    return failed;
}

int main(void)
{
    const char *at = getenv("TESSERA_TEST_SERVERS");
    int n = 0, used;

    if (!at || !*at) {
        printf("1..0 # SKIP TESSERA_TEST_SERVERS names no server\n");
        return EXIT_SUCCESS;
    }
    log_set_level(LOG_ERROR);
    CHECK(mconn_library_begin());
    for (; sscanf(at, " %200[^: ]:%5u%n", host, &port, &used) == 2; at += used)
        printf("%sok %d - metadata on %s:%u\n", run_on_server() ? "not " : "", ++n, host, port);
    printf("1..%d\n", n);
    mconn_library_end();
    return EXIT_SUCCESS;
}
