/* txn: names, tables of moves and the registry anywhere; transactions on the servers of t/unit/txn_rig.h where
 * there are any. kill -9 and recovery are in t/fault/txn_chaos.c. */
#include "t/unit/txn_rig.h"

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
    node_close(&node, true);
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
    ck_assert_uint_eq(one(&node, txn, 99, TXN_NEED_READ, "SELECT 1", &v), ER_UNKNOWN_SHARD);
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

/* A statement that is cancelled at the very moment at which it ends: the KILL that is on its way must not meet the
 * next statement of the transaction. How long it sleeps goes over the time that a KILL takes to arrive. */
START_TEST(test_cancelled_at_its_end)
{
    unsigned n_cancelled = 0, n_late = 0;

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    for (int i = 0; i < 400; i++) {
        char sql[64];
        struct piece p = {.shard = 1, .need = TXN_NEED_READ, .sql = sql};
        int64_t one_row;

        snprintf(sql, sizeof(sql), "SELECT SLEEP(0.0%04d)", i % 100 * 40);
        ck_assert_uint_eq(stmt_start(&node, txn, &p, 1), 0);
        bconn_cancel_query(p.conn);
        pump(&node, &p.done);
        /* MariaDB answers with an error, MySQL with a row that says that it was woken. */
        n_cancelled += p.code == 1317 || p.value == 1;
        n_late += p.code == 0 && p.value == 0 && p.conn->n_kills;
        STMT_END(&node, txn, true);
        ck_assert_uint_eq(last.code, 0);
        ck_assert_msg(!one(&node, txn, 1, TXN_NEED_READ, "SELECT SLEEP(0.001)", &one_row) && !one_row,
            "run %d: the KILL of the statement before has hit", i);
    }
    ck_assert_msg(n_cancelled && n_late, "%u cancelled, %u too late: the race was not run", n_cancelled, n_late);
    ck_assert_uint_eq(ROLLBACK(&node, txn), 0);
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
    ck_assert_uint_eq(STMT_END(&node, victim, false), 1213); /* said again: it is the whole transaction that is gone */
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
    /* until a statement has run: one that is refused does not use it up */
    ck_assert(txn_set_next(txn, &ro, &d));
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    ck_assert_uint_eq(one(&node, txn, 1, TXN_NEED_READ, "SELECT bal FROM acct1 WHERE id=1", &v), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    /* the session's is for transactions that begin later; a reset forgets both */
    ck_assert_uint_eq(OP(&node, txn, do_begin, .begin = NULL), 0);
    txn_set_session_read_only(txn, true);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 0), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION);
    ck_assert(txn_set_next(txn, &ro, &d));
    txn_reset_settings(txn);
    ck_assert(!txn_is_read_only(txn));
    txn_set_session_read_only(txn, true);
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
    ck_assert_uint_eq(STMT_END(&node, txn, false), 9002);
    ck_assert(!txn_in_trans(txn));
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

static void do_commit_and_free(struct op *o)
{
    static struct waited never;

    never = (struct waited){0};
    txn_commit(o->t, TXN_END, on_done, &never);
    txn_free(o->t);
    o->w.done = true;
    o->on = never.done;
}

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
    struct piece ps[] = {
        {.shard = 1, .sql = "SELECT SLEEP(0.2)"},
        {.shard = 1, .sql = "SELECT 2"},
        {.shard = 1, .sql = "SELECT 3"},
    };

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

static void give_back_unused(void *arg, struct bconn *c, const struct diag *d)
{
    struct op *o = arg;
    struct txn_result r = {TXN_DONE_UNUSED, 0};

    ck_assert(c && !d);
    txn_release(o->t, c, &r);
    o->w.done = true;
}

static void do_lease_unused(struct op *o)
{
    struct txn_stmt st = {.need = TXN_NEED_WRITE};
    struct diag d;

    diag_clear(&d);
    ck_assert(txn_stmt_begin(o->t, &st, &d));
    txn_lease(o->t, 1, TXN_NEED_WRITE, node.state, give_back_unused, o);
}

/* A statement that is cancelled when it has its connection, before it sent anything, costs the transaction nothing. */
START_TEST(test_lease_unused)
{
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    OP(&node, txn, do_lease_unused, .on = true);
    ck_assert_uint_eq(STMT_END(&node, txn, false), 0);
    ck_assert(txn_in_trans(txn));
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 1);
    /* also where XA START was all that went out */
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    OP(&node, txn, do_lease_unused, .on = true);
    ck_assert_uint_eq(STMT_END(&node, txn, false), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE + 2);
}
END_TEST

/* ---- what goes over the wire ---- */

static uint64_t writes(void)
{
    return atomic_load_explicit(&node.w->stats.writes, memory_order_relaxed);
}

START_TEST(test_round_trips)
{
    uint64_t before;

    /* connections there, session states learned */
    for (int i = 0; i < 2; i++) {
        ck_assert_uint_eq(BEGIN(&node, txn), 0);
        ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
        ck_assert_uint_eq(add(&node, txn, 2, 1, 1), 0);
        ck_assert_uint_eq(COMMIT(&node, txn), 0);
    }
    before = writes();
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(writes() - before, 0);
    ck_assert_uint_eq(SAVEPOINT(&node, txn, "a"), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(writes() - before, 1); /* XA START, SAVEPOINT, UPDATE */
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_uint_eq(writes() - before, 2); /* XA END, XA COMMIT ONE PHASE */
    before = writes();
    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 1), 0);
    ck_assert_uint_eq(writes() - before, 2);
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    /* record and XA END, XA END and XA PREPARE; the primary's XA COMMIT ONE PHASE; the other's XA COMMIT */
    ck_assert_uint_eq(writes() - before, 2 + 2 + 1 + 1);
    before = writes();
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0); /* SET autocommit=1 rides along */
    ck_assert_uint_le(writes() - before, 2);
    before = writes();
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
    ck_assert_uint_eq(writes() - before, 1);
}
END_TEST

/* ---- connections lost while committing ---- */

static const struct {
    enum txn_state at;
    uint32_t shard; /* 1 is the primary */
    uint16_t code;
    enum txn_outcome outcome;
    bool both_possible;
} lost_cases[] = {
    {TXN_PREPARING, 2, ER_SHARD_LOST, TXN_ABORTED, false},
    {TXN_PREPARING, 1, ER_SHARD_LOST, TXN_ABORTED, false},
    {TXN_DECIDING, 1, ER_UNKNOWN_OUTCOME, TXN_IN_DOUBT, true},
    {TXN_DECIDING, 2, 0, TXN_COMMITTED, false},
    {TXN_COMMITTING, 2, 0, TXN_COMMITTED, false},
};

static void do_break(struct op *o)
{
    struct diag d;

    diag_clear(&d);
    diag_set(&d, CR_SERVER_LOST);
    for (size_t i = 0; i < o->t->branches.n; i++) {
        struct branch *br = o->t->branches.v[i];

        if (br->shard_id == (uint32_t)o->how && br->conn)
            bconn_break(br->conn, &d);
    }
    o->w.done = true;
}

static void do_break_group(struct op *o)
{
    /* In the second phase the branch is the group's: its connection is known from before. */
    struct diag d;

    diag_clear(&d);
    diag_set(&d, CR_SERVER_LOST);
    bconn_break((struct bconn *)(uintptr_t)o->name, &d);
    o->w.done = true;
}

START_TEST(test_lost_while_committing)
{
    struct op commit = {.fn = do_commit, .t = txn}, brk = {.fn = do_break, .t = txn};
    struct bconn *conn2 = NULL;
    uint16_t want = lost_cases[_i].code;
    bool there;

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, -100), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 60), 0);
    ck_assert_uint_eq(add(&node, txn, 3, 1, 40), 0);
    for (size_t i = 0; i < txn->branches.n; i++)
        if (txn->branches.v[i]->shard_id == 2)
            conn2 = txn->branches.v[i]->conn;
    brk.how = (enum txn_completion)lost_cases[_i].shard;
    if (lost_cases[_i].at == TXN_COMMITTING) {
        brk.fn = do_break_group;
        brk.name = (const char *)conn2;
    }
    worker_post(node.w, op_run, &commit);
    while (txn_get_state(txn) != lost_cases[_i].at && !commit.w.done)
        worker_turn(node.w, 1);
    ck_assert(!commit.w.done);
    op_call(&node, &brk);
    pump(&node, &commit.w.done);
    ck_assert_msg(commit.w.d.code == want, "case %d: %u %s", _i, commit.w.d.code, commit.w.d.text);
    ck_assert_int_eq(txn_get_outcome(txn), lost_cases[_i].outcome);
    ck_assert(txn_get_state(txn) == TXN_IDLE);
    pump_ms(&node, 50);
    ck_assert_uint_eq(txn_env_live_count(node.env), 0);
    ck_assert_uint_ne(recover_all(node.env, 1), 0);
    there = balance(1, 1) != START_BALANCE;
    if (!lost_cases[_i].both_possible)
        ck_assert(there == (lost_cases[_i].outcome == TXN_COMMITTED));
    ck_assert_int_eq(balance(1, 1), there ? START_BALANCE - 100 : START_BALANCE);
    ck_assert_int_eq(balance(2, 1), there ? START_BALANCE + 60 : START_BALANCE);
    ck_assert_int_eq(balance(3, 1), there ? START_BALANCE + 40 : START_BALANCE);
    ck_assert_uint_eq(add(&node, txn, 1, 1, 1), 0);
}
END_TEST

static struct bconn *conn_of(struct txn *t, uint32_t shard)
{
    for (size_t i = 0; i < t->branches.n; i++)
        if (t->branches.v[i]->shard_id == shard)
            return t->branches.v[i]->conn;
    ck_abort_msg("no branch");
    return NULL;
}

static void do_hold(struct op *o)
{
    chan_hold(&conn_of(o->t, 1)->chan);
    o->w.done = true;
}

static void do_let_go(struct op *o)
{
    chan_release(&conn_of(o->t, 1)->chan, UINT64_MAX);
    o->w.done = true;
}

/* The others are prepared, the record is not on its way yet, and another node's recovery loses patience. */
START_TEST(test_slow_coordinator)
{
    struct txn_env_config cfg = {.node_id = 6};
    struct txn_env *env = txn_env_new(&cfg);
    struct recover_config rc = {.env = env, .list = list_shards, .grace_ms = 1};
    struct recover *r = recover_new(&rc);
    struct op commit = {.fn = do_commit, .t = txn};

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, -100), 0);
    ck_assert_uint_eq(add(&node, txn, 2, 1, 60), 0);
    ck_assert_uint_eq(add(&node, txn, 3, 1, 40), 0);
    OP(&node, txn, do_hold, .on = true);
    worker_post(node.w, op_run, &commit);
    pump_ms(&node, 100);
    ck_assert(txn_get_state(txn) == TXN_PREPARING);
    ck_assert_uint_eq(judge_prepared(), 2);
    for (int i = 0; i < 3; i++) {
        recover_round(r);
        clock_sleep_ms(10);
    }
    ck_assert_uint_eq(counted(&recover_get_stats(r)->fenced), 2); /* shard 3's branch names 1 and 2 */
    recover_free(r);
    OP(&node, txn, do_let_go, .on = true);
    pump(&node, &commit.w.done);
    ck_assert_msg(commit.w.d.code == ER_TXN_FENCED, "%u %s", commit.w.d.code, commit.w.d.text);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_ABORTED);
    pump_ms(&node, 50);
    ck_assert_uint_ne(recover_all(env, 1), 0);
    txn_env_free(env);
    for (uint32_t s = 1; s <= 3; s++)
        ck_assert_int_eq(balance(s, 1), START_BALANCE);
}
END_TEST

START_TEST(test_lost_in_one_phase)
{
    struct op commit = {.fn = do_commit, .t = txn}, brk = {.fn = do_break, .t = txn, .how = (enum txn_completion)1};

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    ck_assert_uint_eq(add(&node, txn, 1, 1, -100), 0);
    worker_post(node.w, op_run, &commit);
    while (txn_get_state(txn) != TXN_DECIDING)
        worker_turn(node.w, 1);
    op_call(&node, &brk);
    pump(&node, &commit.w.done);
    ck_assert_uint_eq(commit.w.d.code, ER_UNKNOWN_OUTCOME);
    ck_assert_int_eq(commit.w.d.cls, DIAG_UNKNOWN_OUTCOME);
    ck_assert_int_eq(txn_get_outcome(txn), TXN_IN_DOUBT);
}
END_TEST

/* A server that answers no commit (here: a global read lock) is given up after the deadline. */
START_TEST(test_commit_deadline)
{
    struct node n;
    struct txn *t;
    struct mconn *c = judge(server_of(2));
    struct diag d;
    uint16_t code;

    diag_clear(&d);
    node_open_timeout(&n, 1, 300);
    t = txn_new(n.env, n.w);
    ck_assert_uint_eq(BEGIN(&n, t), 0);
    ck_assert_uint_eq(add(&n, t, 1, 1, -100), 0);
    ck_assert_uint_eq(add(&n, t, 2, 1, 100), 0);
    ck_assert_msg(mconn_exec(c, SV("FLUSH TABLES WITH READ LOCK"), &d), "%s", d.text);
    code = COMMIT(&n, t);
    ck_assert_msg(mconn_exec(c, SV("UNLOCK TABLES"), &d), "%s", d.text);
    ck_assert_uint_eq(code, ER_SHARD_LOST);
    ck_assert_int_eq(txn_get_outcome(t), TXN_ABORTED);
    pump_ms(&n, 50);
    ck_assert_uint_ne(recover_all(n.env, 1), 0);
    ck_assert_int_eq(balance(1, 1), START_BALANCE);
    ck_assert_int_eq(balance(2, 1), START_BALANCE);
    mconn_close(c);
    FREE(&n, t);
    pump_ms(&n, 20);
    node_close(&n, true);
}
END_TEST

/* More branches than a name can list: the first one takes the record, although it only read. */
START_TEST(test_wide)
{
    struct txn_counters *c = txn_env_counters(node.env);
    char sql[128];

    ck_assert_uint_eq(BEGIN(&node, txn), 0);
    for (uint32_t s = 1; s <= SHARDS_ALL - 2; s++)
        ck_assert_uint_eq(one(&node, txn, s, TXN_NEED_READ, "SELECT 1", NULL), 0);
    for (uint32_t s = SHARDS_ALL - 1; s <= SHARDS_ALL; s++) {
        snprintf(sql, sizeof(sql), "UPDATE acct%zu SET bal=bal+(%d) WHERE id=1", server_of(s) + 1,
                 s == SHARDS_ALL ? 5 : -5);
        ck_assert_uint_eq(one(&node, txn, s, TXN_NEED_WRITE, sql, NULL), 0);
    }
    ck_assert_uint_eq(COMMIT(&node, txn), 0);
    ck_assert_uint_eq(counted(&c->committed_two_phase), 1);
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log WHERE participants='1,15,16'"), 1);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
    listed_shards = SHARDS_ALL;
    ck_assert_uint_ne(recover_all(node.env, 1), 0);
    listed_shards = SHARDS;
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 0);
}
END_TEST

enum { TRANSFERS = 60 };

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
    ck_assert_uint_eq(counted(&recover_get_stats(r)->committed), 0);
    ck_assert_uint_eq(counted(&recover_get_stats(r)->rolled_back), 0);
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
    TCase *tc = tcase_create("live");

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, test_autocommit);
    tcase_add_test(tc, test_one_shard);
    tcase_add_test(tc, test_two_shards);
    tcase_add_test(tc, test_four_shards_answer_at_decision);
    tcase_add_test(tc, test_savepoints);
    tcase_add_test(tc, test_many_savepoints_at_once);
    tcase_add_test(tc, test_statement_atomicity);
    tcase_add_test(tc, test_cancelled_at_its_end);
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
    tcase_add_test(tc, test_lease_unused);
    tcase_add_test(tc, test_round_trips);
    tcase_add_loop_test(tc, test_lost_while_committing, 0, ARRAY_LEN(lost_cases));
    tcase_add_test(tc, test_slow_coordinator);
    tcase_add_test(tc, test_lost_in_one_phase);
    tcase_add_test(tc, test_commit_deadline);
    tcase_add_test(tc, test_wide);
    suite_add_tcase(s, tc);
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
    if (rig_read_servers())
        srunner_add_suite(sr, suite_servers());
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    mconn_thread_end();
    mconn_library_end();
    return failed ? 1 : 0;
}
