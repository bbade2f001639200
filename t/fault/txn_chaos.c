/* kill -9 of a coordinator at every named fault point of a transaction over shards, of recovery at each of its
 * own, several recoveries at once, and coordinators that live beside a recovery that is far too eager: a
 * transaction is whole or absent, no branch is left in XA RECOVER, no lock is held. Skipped without servers
 * (t/unit/txn_rig.h); t/fault/txn_engine.sh starts some. */
#include "t/unit/txn_rig.h"

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
    if (one(&n, t, 4, TXN_NEED_READ, "SELECT bal FROM acct4 WHERE id=1", &v) || add(&n, t, 1, 1, -100) ||
        add(&n, t, 2, 1, 60) || add(&n, t, 3, 1, 40))
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
    ck_assert_msg(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "%s: status %x", recover_cases[_i].recovery,
                  status);
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

/* ---- shards that do not answer, branches of others ---- */

static bool first_server_away;

static bool list_with_hole(void *arg, struct arena *a, struct recover_shard_array *out)
{
    if (!list_shards(arg, a, out))
        return false;
    array_each (out, s) {
        if (first_server_away && server_of(s->id) == 0)
            s->params.port = 1;
    }
    return true;
}

/* The shard that may hold the record is away: nothing is decided. It comes back: all is. */
START_TEST(test_record_shard_away)
{
    struct chaos_case c = {"record's shard away", _i == 1, _i == 0, false};
    struct txn_env_config cfg = {.node_id = 1};
    struct txn_env *env;
    struct recover_config rc = {.list = list_with_hole};
    struct recover *r;
    int status;

    reset_data();
    status = run_child(chaos_child, _i ? "txn.primary_committed=crash" : "txn.all_prepared=crash");
    ck_assert(WIFSIGNALED(status));
    clock_sleep_ms(100);
    rc.env = env = txn_env_new(&cfg);
    r = recover_new(&rc);
    first_server_away = true; /* the primary is there */
    for (int i = 0; i < 3; i++)
        ck_assert(!recover_round(r));
    ck_assert_uint_eq(judge_prepared(), 2);
    ck_assert_uint_ge(counted(&recover_get_stats(r)->undecided), 1);
    ck_assert_uint_ge(counted(&recover_get_stats(r)->shards_down), 1);
    ck_assert_uint_ge(counted(&recover_get_stats(r)->in_doubt), 1); /* on two servers shard 3 is not seen */
    first_server_away = false;
    for (int i = 0; i < 100 && !recover_round(r); i++)
        clock_sleep_ms(50);
    recover_free(r);
    txn_env_free(env);
    check_whole(&c);
}
END_TEST

START_TEST(test_foreign_branches)
{
    static const char *const xids[] = {
        "'other','1',1",                   /* another format */
        "'tsr-1-1-1','77:1',1414746689",   /* of another shard */
        "'tsr-1-1-x','1:2',1414746689",
    };
    struct txn_env_config cfg = {.node_id = 1};
    struct txn_env *env = txn_env_new(&cfg);
    struct recover_config rc = {.env = env, .list = list_shards, .grace_ms = 1};
    struct recover *r = recover_new(&rc);
    struct diag d;

    reset_data();
    diag_clear(&d);
    for (size_t i = 0; i < ARRAY_LEN(xids); i++) {
        struct mconn *c = judge(0);

        ck_assert(mconn_execf(c, &d, "XA START %s", xids[i]));
        ck_assert(mconn_execf(c, &d, "UPDATE txn_test.acct1 SET bal=bal+1 WHERE id=%d", (int)i + 1));
        ck_assert(mconn_execf(c, &d, "XA END %s", xids[i]));
        ck_assert(mconn_execf(c, &d, "XA PREPARE %s", xids[i]));
        mconn_close(c);
    }
    for (int i = 0; i < 5; i++) {
        recover_round(r);
        clock_sleep_ms(20);
    }
    ck_assert_uint_eq(judge_prepared(), ARRAY_LEN(xids));
    ck_assert_uint_ge(counted(&recover_get_stats(r)->foreign), ARRAY_LEN(xids));
    recover_free(r);
    txn_env_free(env);
    for (size_t i = 0; i < ARRAY_LEN(xids); i++) {
        char sql[100];

        snprintf(sql, sizeof(sql), "XA ROLLBACK %s", xids[i]);
        judge_exec(0, sql);
    }
}
END_TEST

/* Branches on their way through a one-phase commit when their server crashed come back prepared (MariaDB with its binary
 * log on): those that decide are committed, and the others with them. */
START_TEST(test_deciders)
{
    static const struct {
        uint32_t shard;
        int row;
        const char *gtrid, *bqual;
        bool record;
    } branches[] = {
        {1, 1, "tsr-1-1-2", "1:", true}, {2, 1, "tsr-1-1-2", "2:1", false},    /* the primary was opened first */
        {2, 2, "tsr-1-1-3", "2:1", true}, {3, 1, "tsr-1-1-3", "3:1.2", false}, /* second, behind a read */
        {3, 2, "tsr-1-1-4", "3:", false},                                   /* the only writer */
        {1, 2, "tsr-1-1-5", "1:2", true},                                   /* the only writer, behind a read */
        {3, 3, "tsr-1-1-6", "3:2", false},                                  /* not decided */
    };
    struct txn_env_config cfg = {.node_id = 1};
    struct txn_env *env = txn_env_new(&cfg);
    struct diag d;

    reset_data();
    diag_clear(&d);
    for (size_t i = 0; i < ARRAY_LEN(branches); i++) {
        struct mconn *c = judge(server_of(branches[i].shard));
        const char *g = branches[i].gtrid, *b = branches[i].bqual;

        ck_assert(mconn_execf(c, &d, "XA START '%s','%s',1414746689", g, b));
        ck_assert(mconn_execf(c, &d, "UPDATE txn_test.acct%u SET bal=bal+1 WHERE id=%d", branches[i].shard, branches[i].row));
        if (branches[i].record)
            ck_assert(mconn_execf(c, &d, "INSERT INTO tessera.trx_log (gtrid,state,ts,participants) VALUES ('%s','C',1,'')", g));
        ck_assert(mconn_execf(c, &d, "XA END '%s','%s',1414746689", g, b));
        ck_assert(mconn_execf(c, &d, "XA PREPARE '%s','%s',1414746689", g, b));
        mconn_close(c);
    }
    ck_assert_uint_ne(recover_all(env, 3600000), 0);
    txn_env_free(env);
    ck_assert_uint_eq(judge_prepared(), 0);
    for (size_t i = 0; i < ARRAY_LEN(branches); i++)
        ck_assert_msg(balance(branches[i].shard, branches[i].row) == START_BALANCE + (i < 6), "branch %s of %s", branches[i].bqual,
                      branches[i].gtrid);
}
END_TEST

/* Commit records that a crash left: kept while a branch needs them, deleted when none does. */
START_TEST(test_sweep)
{
    struct txn_env_config cfg = {.node_id = 1};
    struct txn_env *env;
    struct recover_config rc = {.list = list_shards, .grace_ms = 50, .keep_s = 1, .keep_abort_s = 1};
    struct recover *r;
    int status;

    reset_data();
    status = run_child(chaos_child, "txn.all_committed=crash");
    ck_assert(WIFSIGNALED(status));
    judge_exec(0, "INSERT INTO tessera.trx_log (gtrid,state,ts,participants) VALUES ('tsr-9-9-9','A',0,'')");
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 2);
    rc.env = env = txn_env_new(&cfg);
    r = recover_new(&rc);
    recover_round(r);
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 2); /* too young */
    for (int i = 0; i < 60 && judge_sum("SELECT COUNT(*) FROM tessera.trx_log") > 0; i++) {
        recover_round(r);
        clock_sleep_ms(60);
    }
    ck_assert_int_eq(judge_sum("SELECT COUNT(*) FROM tessera.trx_log"), 0);
    ck_assert_uint_ge(counted(&recover_get_stats(r)->swept), 1); /* shards that share a server each see it */
    recover_free(r);
    txn_env_free(env);
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
    status = run_child(transfer_child, "txn.before_prepare=sleep:1,txn.prepare_sent=sleep:8,txn.all_prepared=sleep:8,"
                                       "txn.primary_committed=sleep:4");
    recover_stop(r);
    recover_free(r);
    ck_assert_msg(WIFEXITED(status) && WEXITSTATUS(status) == 0, "status %x", status);
    ck_assert_uint_ne(recover_all(env, 1), 0);
    txn_env_free(env);
    ck_assert_uint_eq(judge_prepared(), 0);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

/* ---- several threads ---- */

enum { THREADS = 2, PER_THREAD = 120 };

/* One worker thread moving money over and over; everything happens in callbacks. */
struct mover {
    struct node n;
    struct txn *t;
    struct piece p[2];
    struct txn_begin begin;
    char sql[2][128];
    int left, committed, failed;
    unsigned step;
    _Atomic bool done;
};

static void mover_step(void *arg, const struct diag *d);

static void mover_leased(void *arg, struct bconn *c, const struct diag *d);

static void mover_piece_end(struct piece *p, enum txn_done how)
{
    struct mover *m = p->owner;
    struct txn_result r = {how, p->code};

    txn_release(m->t, p->conn, &r);
    txn_stmt_end(m->t, how == TXN_DONE_OK, mover_step, m);
}

static void mover_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok;
    (void)is_result;
    (void)payload;
    if (!more)
        mover_piece_end(CONTAINER_OF(cmd, struct piece, cmd), TXN_DONE_OK);
}

static void mover_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);
    struct mover *m = p->owner;

    (void)payload;
    p->code = err->code;
    m->step = 4; /* roll back next */
    mover_piece_end(p, TXN_DONE_ERROR);
}

static void mover_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct piece *p = CONTAINER_OF(cmd, struct piece, cmd);
    struct mover *m = p->owner;

    (void)maybe_done;
    (void)d;
    m->step = 4;
    mover_piece_end(p, TXN_DONE_LOST);
}

static const struct bcmd_ops mover_ops = {.on_ok = mover_ok, .on_err = mover_err, .on_lost = mover_lost};

static void mover_send(struct mover *m, unsigned i, int amount)
{
    struct txn_stmt st = {.need = TXN_NEED_WRITE};
    struct piece *p = &m->p[i];
    struct diag d;

    diag_clear(&d);
    p->owner = m;
    p->code = 0;
    snprintf(m->sql[i], sizeof(m->sql[i]), "UPDATE acct%u SET bal=bal+(%d) WHERE id=%u", p->shard, amount,
             1 + (unsigned)rand_below(ROWS));
    ck_assert(txn_stmt_begin(m->t, &st, &d));
    txn_lease(m->t, p->shard, TXN_NEED_WRITE, m->n.state, mover_leased, p);
}

static void mover_leased(void *arg, struct bconn *c, const struct diag *d)
{
    struct piece *p = arg;
    struct mover *m = p->owner;

    ck_assert_msg(c != NULL, "%s", d ? d->text : "");
    p->conn = c;
    memset(&p->cmd, 0, sizeof(p->cmd));
    p->cmd.ops = &mover_ops;
    p->cmd.mode = BCMD_SWALLOW;
    bconn_query(c, &p->cmd, sv_cstr(m->sql[p - m->p]));
}

static void mover_step(void *arg, const struct diag *d)
{
    struct mover *m = arg;

    switch (m->step++) {
    case 0:
        if (m->left-- == 0) {
            txn_free(m->t);
            atomic_store(&m->done, true);
            return;
        }
        m->p[0].shard = 1 + (uint32_t)rand_below(SHARDS);
        m->p[1].shard = 1 + (uint32_t)rand_below(SHARDS);
        txn_begin(m->t, NULL, mover_step, m);
        return;
    case 1:
        mover_send(m, 0, -7);
        return;
    case 2:
        mover_send(m, 1, 7);
        return;
    case 3:
        m->step = 5;
        txn_commit(m->t, TXN_END, mover_step, m);
        return;
    case 4:
        m->step = 5;
        m->failed++;
        txn_rollback(m->t, TXN_END, mover_step, m);
        return;
    case 5:
        if (d)
            m->failed++;
        else
            m->committed++;
        m->step = 0;
        mover_step(m, NULL);
        return;
    }
}

static void mover_start(struct worker *w, void *arg)
{
    (void)w;
    mover_step(arg, NULL);
}

START_TEST(test_threads)
{
    struct txn_env_config cfg = {.node_id = 7};
    struct txn_env *env = txn_env_new(&cfg);
    struct recover_config rc = {.env = env, .list = list_shards, .grace_ms = 1, .interval_ms = 1};
    struct recover *r = recover_new(&rc);
    static struct mover movers[THREADS];
    struct diag d;

    reset_data();
    diag_clear(&d);
    memset(movers, 0, sizeof(movers));
    ck_assert_msg(recover_start(r, &d), "%s", d.text);
    for (uint32_t i = 0; i < THREADS; i++) {
        node_open_env(&movers[i].n, env, i);
        movers[i].t = txn_new(env, movers[i].n.w);
        movers[i].left = PER_THREAD;
        ck_assert(worker_start(movers[i].n.w));
        worker_post(movers[i].n.w, mover_start, &movers[i]);
    }
    for (uint32_t i = 0; i < THREADS; i++) {
        while (!atomic_load(&movers[i].done))
            clock_sleep_ms(5);
    }
    clock_sleep_ms(100);
    for (uint32_t i = 0; i < THREADS; i++) {
        worker_stop(movers[i].n.w);
        worker_join(movers[i].n.w);
        ck_assert_int_gt(movers[i].committed, PER_THREAD / 2); /* deadlocks of two movers are no surprise */
        node_close(&movers[i].n, false);
    }
    recover_stop(r);
    recover_free(r);
    ck_assert_uint_eq(txn_env_live_count(env), 0);
    txn_env_free(env);
    ck_assert_uint_eq(judge_prepared(), 0);
    ck_assert_int_eq(total(), (int64_t)SHARDS * ROWS * START_BALANCE);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("txn chaos");
    TCase *chaos = tcase_create("chaos");
    SRunner *sr;
    int failed;

    if (!rig_read_servers()) {
        printf("1..0 # SKIP TESSERA_TEST_SERVERS names no two servers\n");
        return 0;
    }
    tcase_set_timeout(chaos, 120);
    tcase_add_loop_test(chaos, test_chaos, 0, ARRAY_LEN(chaos_cases));
    tcase_add_loop_test(chaos, test_recovery_killed, 0, ARRAY_LEN(recover_cases));
    tcase_add_test(chaos, test_two_recoveries_at_once);
    tcase_add_loop_test(chaos, test_record_shard_away, 0, 2);
    tcase_add_test(chaos, test_foreign_branches);
    tcase_add_test(chaos, test_deciders);
    tcase_add_test(chaos, test_sweep);
    tcase_add_test(chaos, test_eager_recovery);
    tcase_add_test(chaos, test_threads);
    suite_add_tcase(s, chaos);
    sr = srunner_create(s);
    signal(SIGPIPE, SIG_IGN);
    if (!mconn_library_begin())
        return 99;
    mconn_thread_begin();
    log_set_level(getenv("TXN_TEST_LOG") ? LOG_DEBUG : LOG_ERROR);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    mconn_thread_end();
    mconn_library_end();
    return failed ? 1 : 0;
}
