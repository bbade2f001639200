/* kill -9 at every fault point of every kind of DDL statement, on real servers (TESSERA_TEST_SERVERS), without a
 * tesserad: a child process runs the statement with a fault point armed and is killed there; this process then does
 * what a restarted tesserad does, and compares shards with the catalog. In a second round the process that resumes is
 * killed as well, while it undoes or completes. Prints TAP.
 *
 * Each point is armed for its first, second, .. passing until the statement gets through without being killed.
 * DDL_CHAOS_ONLY=text: only cases whose name contains it. */
#include "t/unit/ddl_rig.h"
#include "util/fault.h"
#include "util/log.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const dbs[] = {"chaos", "chaos2", NULL};

struct chaos_case {
    const char *name;
    const char *setup[6]; /* statements through the engine */
    const char *fill;     /* physical INSERT with two %u (partition), for partitioned table t; NULL: none */
    const char *sql;      /* the victim */
    bool fails;           /* it ends with an error when nobody is killed */
};

#define T_PLAIN "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(50)) PARTITION BY KEY (id) PARTITIONS 5"
#define T_FILL "INSERT INTO chaos.t__p%u VALUES (%u, 5, 'some text')"

static const struct chaos_case cases[] = {
    {"create",
     {0},
     NULL,
     "CREATE TABLE t (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, a INT, CHECK (a > 0)) PARTITION BY KEY (id) "
     "PARTITIONS 5",
     false},
    {"create broadcast", {0}, NULL, "CREATE TABLE t (id INT PRIMARY KEY) BROADCAST", false},
    {"drop", {T_PLAIN}, NULL, "DROP TABLE t", false},
    {"truncate", {T_PLAIN}, T_FILL, "TRUNCATE TABLE t", false},
    {"rename swap",
     {T_PLAIN, "CREATE TABLE u (id INT PRIMARY KEY)"},
     NULL,
     "RENAME TABLE t TO x, u TO t, x TO u",
     false},
    {"alter online", {T_PLAIN}, T_FILL, "ALTER TABLE t ADD KEY ka (a), COMMENT = 'x'", false},
    {"alter columns",
     {T_PLAIN},
     T_FILL,
     "ALTER TABLE t ADD COLUMN c INT NOT NULL DEFAULT 1 AFTER id, CHANGE b bb VARCHAR(60)",
     false},
    {"alter lossy",
     {T_PLAIN},
     T_FILL,
     "ALTER TABLE t DROP COLUMN a, MODIFY b VARCHAR(20), ADD UNIQUE KEY (id, b)",
     false},
    {"alter that fails", {T_PLAIN}, T_FILL, "ALTER TABLE t ADD CHECK (id < 4), ADD COLUMN z INT", true},
    {"create database", {0}, NULL, "CREATE DATABASE chaos2", false},
    {"drop database",
     {"CREATE DATABASE chaos2", "CREATE TABLE chaos2.t (id INT PRIMARY KEY)"},
     NULL,
     "DROP DATABASE chaos2",
     false},
    {"gather",
     {"CREATE TABLE t (id INT NOT NULL PRIMARY KEY, a INT, b VARCHAR(50))"},
     T_FILL,
     "CREATE TABLE child (id INT PRIMARY KEY, p INT, FOREIGN KEY (p) REFERENCES t (id))",
     false},
};

static const char *const points[] = {
    "ddl.before_job",    "ddl.after_job_written", "ddl.step_begin",    "ddl.some_done",     "ddl.all_done",
    "ddl.step_recorded", "ddl.before_publish",    "ddl.after_publish", "ddl.after_barrier", "ddl.before_finish",
    "ddl.undo_begin",    "ddl.some_undone",       "ddl.undo_recorded", "ddl.after_settle"};
static const char *const late_points[] = {"ddl.undo_begin",     "ddl.some_undone",   "ddl.undo_recorded",
                                          "ddl.step_begin",     "ddl.some_done",     "ddl.all_done",
                                          "ddl.before_publish", "ddl.after_publish", "ddl.before_finish"};

static unsigned n_tests, n_failed;

static void result(bool ok, const char *name, const char *why)
{
    n_tests++;
    n_failed += !ok;
    printf("%s %u - %s%s%s\n", ok ? "ok" : "not ok", n_tests, name, ok ? "" : ": ", ok ? "" : why);
    fflush(stdout);
}

static void run_ok(struct rig *r, const char *sql)
{
    struct ddl_result *res = rig_run(r, "chaos", sql);

    if (!res->ok) {
        fprintf(stderr, "%s: %u %s\n", sql, res->diag.code, res->diag.text);
        abort();
    }
    ddl_result_free(res);
}

static void prepare(const struct chaos_case *c)
{
    struct rig r;

    if (!rig_servers(&r, 2))
        abort();
    rig_wipe(&r, dbs);
    rig_conf(&r, r.n);
    rig_start(&r);
    run_ok(&r, "CREATE DATABASE chaos");
    for (size_t i = 0; i < 6 && c->setup[i]; i++)
        run_ok(&r, c->setup[i]);
    if (c->fill) {
        const struct cat_table *t = cat_find_table(rig_snapshot(&r), SV("chaos"), SV("t"));

        for (unsigned i = 0; i < t->parts_n; i++)
            rig_do(&r, t->parts[i].shard_id - 1, c->fill, i, i);
    }
    rig_stop(&r);
}

/* In a child: armed, either the statement (sql) or resuming (NULL). Returns how the child ended: 0 got through, 1 was
 * killed. */
static int child(const char *sql, const char *arm)
{
    int status;
    pid_t pid;

    fflush(NULL);
    pid = fork();
    if (pid == 0) {
        struct ddl_result *res;
        struct diag d = {0};
        struct rig r;

        if (!rig_servers(&r, 2))
            _exit(3);
        rig_conf(&r, r.n);
        if (!sql && !fault_arm(sv_cstr(arm), &d))
            _exit(4);
        rig_start(&r);
        if (sql) {
            if (!fault_arm(sv_cstr(arm), &d))
                _exit(4);
            res = rig_run(&r, "chaos", sql);
            ddl_result_free(res);
        } else {
            for (int i = 0; i < 50 && ddl_resume_all(r.engine); i++)
                usleep(100000);
        }
        rig_stop(&r);
        _exit(0);
    }
    if (pid < 0 || waitpid(pid, &status, 0) != pid)
        abort();
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
        return 1;
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 0) {
        printf("# child ended with status %x\n", status);
        return 2;
    }
    return 0;
}

static uint64_t count(const char *text)
{
    uint64_t n;

    return sv_to_u64(sv_cstr(text), &n) ? n : 0;
}

/* A restart: everything is finished, and the catalog and the shards agree; then the statement again, which must leave
 * them so. */
static const char *recover(const struct chaos_case *c, struct rig *r, bool through)
{
    struct ddl_result *res;
    const char *wrong;

    if (!rig_servers(r, 2))
        abort();
    rig_conf(r, r->n);
    rig_start(r);
    for (int i = 0; i < 100 && ddl_resume_all(r->engine); i++)
        usleep(100000);
    wrong = rig_check(r, dbs);
    if (!wrong && c->fill && strcmp(c->name, "truncate") != 0) {
        const struct cat_table *t = cat_find_table(rig_snapshot(r), SV("chaos"), SV("t"));
        unsigned rows = 0;

        for (unsigned i = 0; t && i < t->parts_n; i++)
            rows += (unsigned)count(
                rig_ask(r, t->parts[i].shard_id - 1, "SELECT COUNT(*) FROM chaos.`%s`", t->parts[i].phys_name.ptr));
        if (rows != (strstr(c->name, "gather") ? (unsigned)r->n : 5))
            wrong = "rows are missing";
    }
    if (wrong || through)
        return wrong;
    res = rig_run(r, "chaos", c->sql);
    if (!res->ok && res->diag.code == ER_LOCK_WAIT_TIMEOUT)
        wrong = "locks are left";
    ddl_result_free(res);
    return wrong ? wrong : rig_check(r, dbs);
}

/* Returns 0 when the statement got through: no later passing exists. */
static int one(const struct chaos_case *c, const char *point, unsigned nth, const char *late, unsigned late_nth)
{
    char name[256], arm[96];
    const char *wrong;
    struct rig r;
    int killed, killed_late = 1;

    snprintf(arm, sizeof arm, "%s=crash@%u", point, nth);
    prepare(c);
    killed = child(c->sql, arm);
    if (killed == 1 && late) {
        snprintf(arm, sizeof arm, "%s=crash@%u", late, late_nth);
        killed_late = child(NULL, arm);
    }
    if ((killed != 1 && nth > 1) || (late && killed_late != 1 && late_nth > 1))
        return 0;
    if (late)
        snprintf(name, sizeof name, "%s, killed at %s %u, then at %s %u%s", c->name, point, nth, late, late_nth,
                 killed_late == 1 ? "" : " (not passed)");
    else
        snprintf(name, sizeof name, "%s, killed at %s %u%s", c->name, point, nth, killed == 1 ? "" : " (not passed)");
    if (killed == 2) {
        result(false, name, "the child broke");
        return 0;
    }
    wrong = recover(c, &r, killed != 1);
    result(!wrong, name, wrong ? wrong : "");
    rig_stop(&r);
    return late ? killed_late == 1 : killed == 1;
}

static void run_case(const struct chaos_case *c)
{
    for (size_t p = 0; p < ARRAY_LEN(points); p++) {
        unsigned nth = 1;

        while (nth < 8 && one(c, points[p], nth, NULL, 0))
            nth++;
    }
    for (size_t p = 0; p < ARRAY_LEN(late_points); p++)
        for (unsigned nth = 1; nth < 3 && one(c, "ddl.some_done", 2, late_points[p], nth); nth++)
            ;
}

int main(void)
{
    const char *only = getenv("DDL_CHAOS_ONLY");
    struct rig r;

    if (!rig_servers(&r, 2)) {
        printf("1..0 # SKIP TESSERA_TEST_SERVERS names no two servers\n");
        return 0;
    }
    arena_free(&r.arena);
    if (!mconn_library_begin())
        return 1;
    mconn_thread_begin();
    log_set_level(LOG_ERROR);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (!only || strstr(cases[i].name, only))
            run_case(&cases[i]);
    printf("1..%u\n", n_tests);
    return n_failed ? 1 : 0;
}
