/* Unit tests of backend/: against a MariaDB server of their own where mariadbd is found (127.0.0.1, free port,
 * temporary folder), and against peers in the process that misbehave. */
#include "backend/pool.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/strbuf.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* --- a server --- */

static char dir[256];
static uint16_t port;
static pid_t server_pid;
static struct worker *w;

static uint16_t free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)) != 0 || getsockname(fd, (struct sockaddr *)&a, &len) != 0)
        return 0;
    close(fd);
    return ntohs(a.sin_port);
}

static void write_cert(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    X509_NAME *name = X509_get_subject_name(x);
    char path[300];
    FILE *f;

    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 36000);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    X509_sign(x, key, EVP_sha256());
    snprintf(path, sizeof(path), "%s/cert.pem", dir);
    f = fopen(path, "w");
    PEM_write_X509(f, x);
    fclose(f);
    snprintf(path, sizeof(path), "%s/key.pem", dir);
    f = fopen(path, "w");
    PEM_write_PrivateKey(f, key, NULL, NULL, 0, NULL, NULL);
    fclose(f);
    X509_free(x);
    EVP_PKEY_free(key);
}

static pid_t spawn(char *const *argv)
{
    pid_t pid = fork();

    if (pid == 0) {
        int fd;
        char log[300];

        snprintf(log, sizeof(log), "%s/log", dir);
        fd = open(log, O_WRONLY | O_CREAT | O_APPEND, 0600);
        dup2(fd, 1);
        dup2(fd, 2);
        execvp(argv[0], argv);
        _exit(127);
    }
    return pid;
}

static bool port_answers(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    bool ok = connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0;

    close(fd);
    return ok;
}

#define ARG(literal) ((char *)(uintptr_t)(literal))

static bool start_server(void)
{
    char data[300], sock[300], p[32], cert[300], key[300], pidfile[300];
    char *argv[] = {ARG("mariadbd"),
                    ARG("--no-defaults"),
                    data,
                    sock,
                    p,
                    pidfile,
                    cert,
                    key,
                    ARG("--bind-address=127.0.0.1"),
                    ARG("--innodb-buffer-pool-size=16M"),
                    ARG("--innodb-log-file-size=8M"),
                    ARG("--max-allowed-packet=64M"),
                    ARG("--local-infile=1"),
                    ARG("--skip-name-resolve"),
                    ARG("--performance-schema=0"),
                    ARG("--innodb-flush-log-at-trx-commit=0"),
                    geteuid() == 0 ? ARG("--user=root") : ARG("--skip-slave-start"),
                    NULL};

    snprintf(data, sizeof(data), "--datadir=%s/data", dir);
    snprintf(sock, sizeof(sock), "--socket=%s/s", dir);
    snprintf(p, sizeof(p), "--port=%u", port);
    snprintf(pidfile, sizeof(pidfile), "--pid-file=%s/pid", dir);
    snprintf(cert, sizeof(cert), "--ssl-cert=%s/cert.pem", dir);
    snprintf(key, sizeof(key), "--ssl-key=%s/key.pem", dir);
    server_pid = spawn(argv);
    for (int i = 0; i < 300; i++) {
        if (port_answers())
            return true;
        if (waitpid(server_pid, NULL, WNOHANG) == server_pid)
            break;
        usleep(50000);
    }
    server_pid = 0;
    return false;
}

static bool make_server(void)
{
    char data[300];
    char *argv[] = {ARG("mariadb-install-db"),
                    ARG("--no-defaults"),
                    data,
                    ARG("--auth-root-authentication-method=normal"),
                    ARG("--skip-test-db"),
                    geteuid() == 0 ? ARG("--user=root") : NULL,
                    NULL};
    int status;

    snprintf(dir, sizeof(dir), "%s/tessera-backend-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    if (!mkdtemp(dir))
        return false;
    snprintf(data, sizeof(data), "--datadir=%s/data", dir);
    if (waitpid(spawn(argv), &status, 0) < 0 || status != 0)
        return false;
    write_cert();
    port = free_port();
    return start_server();
}

static void stop_server(void)
{
    if (!server_pid)
        return;
    kill(server_pid, SIGKILL);
    waitpid(server_pid, NULL, 0);
    server_pid = 0;
}

static void remove_dir(void)
{
    char cmd[400];

    if (!dir[0])
        return;
    snprintf(cmd, sizeof(cmd), "rm -rf '%s'", dir);
    if (system(cmd) != 0)
        fprintf(stderr, "cannot remove %s\n", dir);
}

/* --- helpers --- */

static struct bserver *server_of(const char *user, const char *password)
{
    struct diag d = {0};
    struct bserver *s = bserver_new(SV("s1"), "127.0.0.1", port, user, password, NULL, &d);

    ck_assert_msg(s != NULL, "%s", d.text);
    return s;
}

static void set_up(void)
{
    w = worker_new(0);
    worker_adopt(w);
}

static void tear_down(void)
{
    pool_set_free(w);
    worker_turn(w, 0);
    worker_turn(w, 0);
    worker_adopt(NULL);
    worker_free(w);
}

#define TURNS_UNTIL(cond)                                                                                              \
    do {                                                                                                               \
        uint64_t end_ = clock_mono_ns() + UINT64_C(20000000000);                                                       \
        while (!(cond) && clock_mono_ns() < end_)                                                                      \
            worker_turn(w, 20);                                                                                        \
        ck_assert_msg((cond), "%s", #cond);                                                                            \
    } while (0)

struct one_conn {
    struct bconn *c;
    unsigned ready, closed;
    struct diag why;
};

static void one_ready(struct bconn *c)
{
    ((struct one_conn *)c->arg)->ready++;
}

static void one_closed(struct bconn *c, const struct diag *d)
{
    struct one_conn *o = c->arg;

    o->closed++;
    o->why = *d;
}

static const struct bconn_ops one_ops = {one_ready, one_closed};

static void open_conn(struct one_conn *o, struct bserver *s)
{
    *o = (struct one_conn){0};
    o->c = bconn_new(w, s, &one_ops, o);
    bconn_start(o->c);
    TURNS_UNTIL(o->ready || o->closed);
}

static void open_good(struct one_conn *o)
{
    struct bserver *s = server_of("root", "");

    open_conn(o, s);
    bserver_unref(s);
    ck_assert_msg(o->ready == 1, "%s", o->why.text);
}

/* A command that records all it is told as text. */
struct rec {
    struct bcmd cmd;
    char text[4000];
    size_t len;
    unsigned ends; /* last callbacks */
    unsigned rows;
    bool maybe_done;
    struct diag lost;
    uint16_t err;
    unsigned char *raw; /* BCMD_RELAY */
    size_t raw_len, raw_cap, raw_limit;
    unsigned pauses;
    unsigned seq_at; /* order of ends */
    struct packet_ok ok;
    const char *file;
};
static unsigned seq_counter;

static void note(struct rec *r, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (r->len < sizeof(r->text))
        r->len += (size_t)vsnprintf(r->text + r->len, sizeof(r->text) - r->len, fmt, ap);
    va_end(ap);
}

static struct rec *rec_of(struct bcmd *cmd)
{
    return CONTAINER_OF(cmd, struct rec, cmd);
}

static void rec_end(struct rec *r)
{
    r->ends++;
    r->seq_at = ++seq_counter;
    ck_assert_ptr_null(r->cmd.conn);
}

static void rec_meta(struct bcmd *cmd, uint32_t n)
{
    note(rec_of(cmd), "meta %u;", n);
}

static void rec_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    ck_assert_uint_gt(payload.len, 0);
    note(rec_of(cmd), "col %u %.*s %u;", i, SV_ARG(col->name), col->type);
}

static void rec_meta_end(struct bcmd *cmd)
{
    note(rec_of(cmd), "rows;");
}

static void rec_prepared(struct bcmd *cmd, const struct packet_prepare_ok *ok)
{
    note(rec_of(cmd), "prepared %u %u;", ok->params, ok->columns);
}

static void rec_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct rec *r = rec_of(cmd);
    struct sv v[8];
    size_t cols = 1;

    r->rows++;
    if (r->rows > 20 || cmd->kind != BCMD_QUERY)
        return;
    while (cols < 8 && !rowtext_decode(payload, n, v, cols))
        cols++;
    for (size_t i = 0; i < cols; i++)
        note(r, "%s%.*s", i ? "," : "", (int)MIN(v[i].len, (size_t)40), v[i].ptr ? v[i].ptr : "");
    note(r, ";");
}

static void rec_raw(struct bcmd *cmd, unsigned char *bytes, size_t n)
{
    struct rec *r = rec_of(cmd);

    if (r->raw_len + n > r->raw_cap) {
        r->raw_cap = 2 * (r->raw_len + n);
        r->raw = realloc(r->raw, r->raw_cap);
    }
    memcpy(r->raw + r->raw_len, bytes, n);
    r->raw_len += n;
    if (r->raw_limit && r->raw_len > r->raw_limit) {
        bconn_pause(cmd->conn);
        r->pauses++;
    }
}

static void rec_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct rec *r = rec_of(cmd);

    (void)payload;
    r->ok = *ok;
    r->ok.info = r->ok.track = SV_NULL;
    note(r, "%s%s;", is_result ? "end" : "ok", more ? " more" : "");
    if (!more)
        rec_end(r);
}

static void rec_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct rec *r = rec_of(cmd);

    ck_assert_uint_gt(payload.len, 0);
    r->err = err->code;
    note(r, "err %u;", err->code);
    rec_end(r);
}

static void rec_infile(struct bcmd *cmd, struct sv name)
{
    struct rec *r = rec_of(cmd);

    note(r, "infile %.*s;", SV_ARG(name));
    bconn_infile_data(cmd->conn, r->file, strlen(r->file));
    bconn_infile_end(cmd->conn);
}

static void rec_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct rec *r = rec_of(cmd);

    r->maybe_done = maybe_done;
    r->lost = *d;
    note(r, "lost %d;", maybe_done);
    rec_end(r);
}

static const struct bcmd_ops rec_ops = {
    .on_meta = rec_meta,
    .on_coldef = rec_coldef,
    .on_meta_end = rec_meta_end,
    .on_prepared = rec_prepared,
    .on_row = rec_row,
    .on_raw = rec_raw,
    .on_ok = rec_ok,
    .on_err = rec_err,
    .on_infile = rec_infile,
    .on_lost = rec_lost,
};

static struct rec *rec_new(enum bcmd_mode mode)
{
    struct rec *r = calloc(1, sizeof(*r));

    r->cmd = (struct bcmd){.ops = &rec_ops, .mode = (uint8_t)mode};
    return r;
}

static void rec_free(struct rec *r)
{
    free(r->raw);
    free(r);
}

/* Runs one statement and compares what the handler was told. */
static void run(struct bconn *c, const char *sql, const char *want)
{
    struct rec *r = rec_new(BCMD_ROWS);

    bconn_query(c, &r->cmd, sv_cstr(sql));
    TURNS_UNTIL(r->ends);
    if (want)
        ck_assert_msg(strcmp(r->text, want) == 0, "%s: '%s', not '%s'", sql, r->text, want);
    ck_assert_uint_eq(r->ends, 1);
    rec_free(r);
}

/* --- tests with a server --- */

START_TEST(queries_by_rows)
{
    struct one_conn o;

    open_good(&o);
    ck_assert(o.c->is_mariadb && o.c->version >= 101100 && o.c->conn_id);
    ck_assert_int_eq(o.c->state, BCONN_IDLE);
    run(o.c, "SELECT 1, 'abc' AS x, NULL", "meta 3;col 0 1 3;col 1 x 253;col 2 NULL 6;rows;1,abc,;end;");
    run(o.c, "DO 1", "ok;");
    run(o.c, "SELECT nonsense", "err 1054;");
    run(o.c, "SELECT 1 FROM DUAL WHERE 0", "meta 1;col 0 1 3;rows;end;");
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(pipeline_keeps_order_and_uses_one_write)
{
    struct one_conn o;
    struct rec *r[50];
    uint64_t writes;

    open_good(&o);
    writes = atomic_load(&w->stats.writes);
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        char sql[64];

        r[i] = rec_new(i % 3 == 2 ? BCMD_SWALLOW : BCMD_ROWS);
        snprintf(sql, sizeof(sql), i % 5 == 4 ? "SELECT nonsense" : "SELECT %u", i);
        bconn_query(o.c, &r[i]->cmd, sv_cstr(sql));
    }
    ck_assert_uint_eq(o.c->n_queued, ARRAY_LEN(r));
    TURNS_UNTIL(r[ARRAY_LEN(r) - 1]->ends);
    ck_assert_msg(atomic_load(&w->stats.writes) - writes == 1, "one write, not %lu",
                  (unsigned long)(atomic_load(&w->stats.writes) - writes));
    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        char want[100];

        if (i % 5 == 4)
            snprintf(want, sizeof(want), "err 1054;");
        else if (i % 3 == 2)
            snprintf(want, sizeof(want), "end;");
        else
            snprintf(want, sizeof(want), "meta 1;col 0 %u 3;rows;%u;end;", i, i);
        ck_assert_msg(strcmp(r[i]->text, want) == 0, "%u: '%s', not '%s'", i, r[i]->text, want);
        ck_assert(i == 0 || r[i]->seq_at > r[i - 1]->seq_at);
    }
    for (unsigned i = 0; i < ARRAY_LEN(r); i++)
        rec_free(r[i]);
    bconn_close(o.c, "end of test");
}
END_TEST

/* Walks over relayed bytes: packets, with ids that follow each other from first_seq. */
static unsigned count_packets(const unsigned char *p, size_t n, uint8_t first_seq)
{
    unsigned count = 0;
    size_t at = 0;

    while (at < n) {
        ck_assert_msg(n - at >= 4 && p[at + 3] == (uint8_t)(first_seq + count), "packet %u has id %u", count,
                      p[at + 3]);
        at += 4 + get_u24(p + at);
        count++;
    }
    ck_assert_uint_eq(at, n);
    return count;
}

START_TEST(relay_gives_the_bytes)
{
    static const struct {
        const char *sql;
        unsigned packets; /* in the runs: count, definitions, rows */
        const char *text, *text_parsed;
    } cases[] = {
        {"SELECT 1", 3, "rows;end;", "meta 1;col 0 1 3;rows;end;"},
        {"SELECT 1 FROM DUAL WHERE 0", 2, "rows;end;", "meta 1;col 0 1 3;rows;end;"},
        {"SELECT 1, 2, 3 UNION ALL SELECT 4, 5, 6", 6, "rows;end;", "meta 3;col 0 1 3;col 1 2 3;col 2 3 3;rows;end;"},
        {"DO 1", 0, "ok;", "ok;"},
        {"SELECT nonsense", 0, "err 1054;", "err 1054;"},
        {"SELECT seq FROM mysql.seq_1_to_3000", 3002, "rows;end;", "meta 1;col 0 seq 8;rows;end;"},
        {"SELECT REPEAT('x', 20000000)", 4, "rows;end;", "meta 1;col 0 REPEAT('x', 20000000) 251;rows;end;"},
        {"SELECT seq, IF(seq < 2, 1, (SELECT 1 UNION SELECT 2)) FROM mysql.seq_1_to_3", 0, NULL, NULL},
    };
    struct one_conn o;

    open_good(&o);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        for (int parsed = 0; parsed < 2; parsed++) {
            for (int shift = 0; shift < 300; shift += 77) {
                struct rec *r = rec_new(BCMD_RELAY);
                unsigned n;

                r->cmd.meta_parsed = parsed;
                r->cmd.seq_shift = (uint8_t)shift;
                bconn_query(o.c, &r->cmd, sv_cstr(cases[i].sql));
                TURNS_UNTIL(r->ends);
                if (!cases[i].text) {
                    ck_assert_msg(strstr(r->text, "err 1242;"), "%s", r->text);
                    rec_free(r);
                    continue;
                }
                ck_assert_msg(strcmp(r->text, parsed ? cases[i].text_parsed : cases[i].text) == 0, "%s: %s",
                              cases[i].sql, r->text);
                n = r->raw_len ? count_packets(r->raw, r->raw_len, r->raw[3]) : 0;
                if (parsed && cases[i].packets) {
                    ck_assert_uint_lt(n, cases[i].packets); /* definitions came parsed */
                } else {
                    ck_assert_msg(n == cases[i].packets, "%s: %u packets", cases[i].sql, n);
                    ck_assert(n == 0 || r->raw[3] == (uint8_t)(1 + shift));
                    ck_assert_uint_eq(r->cmd.last_seq, (uint8_t)(1 + n + (unsigned)shift));
                }
                rec_free(r);
            }
        }
    }
    ck_assert_ptr_null(o.c->chan.in);
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(relay_pauses_and_resumes)
{
    struct one_conn o;
    struct rec *r = rec_new(BCMD_RELAY), *after = rec_new(BCMD_ROWS);
    unsigned pauses = 0;

    open_good(&o);
    r->raw_limit = 300000;
    bconn_query(o.c, &r->cmd, SV("SELECT REPEAT('y', 1000) FROM mysql.seq_1_to_3000"));
    bconn_query(o.c, &after->cmd, SV("SELECT 'after'"));
    while (!r->ends) {
        worker_turn(w, 50);
        if (o.c->is_paused) {
            size_t had = r->raw_len;

            for (int i = 0; i < 5; i++)
                worker_turn(w, 2);
            ck_assert_msg(r->raw_len == had, "nothing comes while paused");
            ck_assert_uint_le(o.c->chan.in_cap, WORKER_BULK_BYTES);
            r->raw_limit = had + 300000;
            bconn_resume(o.c);
            pauses++;
        }
    }
    ck_assert_uint_ge(pauses, 8);
    ck_assert_uint_eq(count_packets(r->raw, r->raw_len, 1), 3002);
    TURNS_UNTIL(after->ends);
    ck_assert_ptr_nonnull(strstr(after->text, "after;end;"));
    rec_free(r);
    rec_free(after);
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(several_results)
{
    struct one_conn o;
    struct rec *r;

    open_good(&o);
    run(o.c, "CREATE DATABASE IF NOT EXISTS t1", NULL);
    run(o.c, "CREATE OR REPLACE PROCEDURE t1.p() BEGIN SELECT 1; SELECT 2, 3; END", "ok;");
    run(o.c, "CALL t1.p()", "meta 1;col 0 1 3;rows;1;end more;meta 2;col 0 2 3;col 1 3 3;rows;2,3;end more;ok;");
    r = rec_new(BCMD_RELAY);
    bconn_query(o.c, &r->cmd, SV("CALL t1.p()"));
    TURNS_UNTIL(r->ends);
    ck_assert_str_eq(r->text, "rows;end more;rows;end more;ok;");
    rec_free(r);
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(local_infile)
{
    struct bserver *s = server_of("root", "");
    struct one_conn o;
    struct rec *r = rec_new(BCMD_ROWS);

    s->extra_caps = CAP_LOCAL_FILES;
    open_conn(&o, s);
    bserver_unref(s);
    run(o.c, "CREATE DATABASE IF NOT EXISTS t1", NULL);
    run(o.c, "CREATE OR REPLACE TABLE t1.l (a INT, b TEXT)", "ok;");
    r->file = "1\tone\n2\ttwo\n";
    bconn_query(o.c, &r->cmd, SV("LOAD DATA LOCAL INFILE 'some/name' INTO TABLE t1.l"));
    TURNS_UNTIL(r->ends);
    ck_assert_str_eq(r->text, "infile some/name;ok;");
    ck_assert_uint_eq(r->ok.affected_rows, 2);
    rec_free(r);
    /* Nobody to give the file: an empty one. */
    r = rec_new(BCMD_SWALLOW);
    bconn_query(o.c, &r->cmd, SV("LOAD DATA LOCAL INFILE 'x' INTO TABLE t1.l"));
    TURNS_UNTIL(r->ends);
    ck_assert_str_eq(r->text, "ok;");
    rec_free(r);
    run(o.c, "SELECT * FROM t1.l ORDER BY a", "meta 2;col 0 a 3;col 1 b 252;rows;1,one;2,two;end;");
    bconn_close(o.c, "end of test");
}
END_TEST

static void prepare(struct bconn *c, uint64_t hash, const char *sql, const char *want)
{
    struct rec *r = rec_new(BCMD_ROWS);
    struct iovec v = {(void *)(uintptr_t)sql, strlen(sql)};

    bconn_stmt_prepare(c, &r->cmd, hash, &v, 1);
    TURNS_UNTIL(r->ends);
    ck_assert_msg(strcmp(r->text, want) == 0, "%s: %s", sql, r->text);
    rec_free(r);
}

START_TEST(prepared_statements)
{
    struct one_conn o;
    const struct bstmt *st;
    struct rec *r;
    struct arena a;
    struct strbuf b;
    struct packet_param p[2] = {{.type = WIRE_LONGLONG, .bytes = SV("\5\0\0\0\0\0\0\0")},
                                {.type = WIRE_VAR_STRING, .bytes = SV("text")}};

    open_good(&o);
    arena_init(&a, 0);
    strbuf_init(&b, &a);
    r = rec_new(BCMD_ROWS);
    {
        struct iovec v = {(void *)(uintptr_t) "SELECT CAST(? AS SIGNED) AS n, CONCAT(?, '!') AS s", 50};

        bconn_stmt_prepare(o.c, &r->cmd, 11, &v, 1);
    }
    ck_assert_uint_eq(bconn_stmt_find(o.c, 11)->id, 0);
    TURNS_UNTIL(r->ends);
    rec_free(r);
    st = bconn_stmt_find(o.c, 11);
    ck_assert(st && st->id && st->params == 2 && st->columns == 2);
    packet_execute_build(&b, 0, 0, p, 2);
    r = rec_new(BCMD_RELAY);
    bconn_stmt_execute(o.c, &r->cmd, st, b.ptr, b.len);
    TURNS_UNTIL(r->ends);
    ck_assert_str_eq(r->text, "rows;end;");
    ck_assert_uint_eq(count_packets(r->raw, r->raw_len, 1), 4);
    {
        const unsigned char *row = r->raw;
        struct packet_coldef cols[2];
        struct wire_value v[2];

        for (int i = 0; i < 3; i++) {
            if (i)
                ck_assert(packet_coldef_parse(row + 4, get_u24(row), &cols[i - 1]));
            row += 4 + get_u24(row);
        }
        ck_assert(rowbin_decode(row + 4, get_u24(row), cols, 2, v));
        ck_assert(v[0].kind == WIRE_KIND_INT && v[0].i == 5);
        ck_assert(sv_eq_cstr(v[1].s, "text!"));
    }
    rec_free(r);
    prepare(o.c, 12, "SELECT nonsense", "err 1054;");
    ck_assert_ptr_null(bconn_stmt_find(o.c, 12));
    bconn_stmt_forget(o.c, 11);
    ck_assert_ptr_null(bconn_stmt_find(o.c, 11));
    /* Far over the cap: the oldest go. */
    for (unsigned i = 0; i < BCONN_STMTS_MAX + 50; i++)
        prepare(o.c, 1000 + i, "SELECT 1", "prepared 0 1;col 0 1 3;ok;");
    ck_assert_ptr_null(bconn_stmt_find(o.c, 1000));
    ck_assert_ptr_nonnull(bconn_stmt_find(o.c, 1000 + BCONN_STMTS_MAX + 49));
    run(o.c, "SHOW SESSION STATUS LIKE 'Prepared_stmt_count'", NULL);
    bconn_close(o.c, "end of test");
    arena_free(&a);
}
END_TEST

static struct sync_state *state_of(const char *schema, const char *const *pairs)
{
    struct sync_state *s = sync_new(), *n;

    n = sync_with_schema(s, sv_cstr(schema));
    sync_unref(s);
    for (s = n; *pairs; pairs += 2, s = n) {
        n = sync_with_var(s, sv_cstr(pairs[0]), sv_cstr(pairs[1]));
        ck_assert_ptr_nonnull(n);
        sync_unref(s);
    }
    return s;
}

START_TEST(session_state)
{
    struct one_conn o;
    struct sync_state *a =
        state_of("t1", (const char *[]){"sql_mode", "'ANSI'", "time_zone", "'+03:00'", "autocommit", "1",
                                        "transaction_isolation", "'READ-COMMITTED'", NULL});
    struct sync_state *b =
        state_of("t1", (const char *[]){"transaction_isolation", "'READ-COMMITTED'", "autocommit", "1", "time_zone",
                                        "'+03:00'", "sql_mode", "'ANSI'", NULL});
    struct sync_state *c = state_of("mysql", (const char *[]){"time_zone", "'+05:00'", NULL});
    struct sync_state *bad = state_of("no_such_schema", (const char *[]){"time_zone", "'+05:00'", NULL});
    const char *ask = "SELECT DATABASE(), @@sql_mode LIKE '%ANSI%', @@time_zone, @@tx_isolation";
    struct rec *r;
    char want[300];
    uint64_t put;

    ck_assert(a != b && a->signature == b->signature && sync_equal(a, b));
    ck_assert(sv_eq_cstr(sync_get(a, SV("time_zone")), "'+03:00'") && !sync_get(a, SV("tim")).ptr);
    open_good(&o);
    run(o.c, "CREATE DATABASE IF NOT EXISTS t1", NULL);
    bconn_sync(o.c, a);
    snprintf(want, sizeof(want), "meta 4;col 0 DATABASE() 253;col 1 @@sql_mode LIKE '%%ANSI%%' 3;col 2 @@time_zone "
                                 "253;col 3 @@tx_isolation 253;rows;");
    r = rec_new(BCMD_ROWS);
    bconn_query(o.c, &r->cmd, sv_cstr(ask));
    TURNS_UNTIL(r->ends);
    ck_assert_msg(strstr(r->text, "rows;t1,1,+03:00,READ-COMMITTED;end;"), "%s", r->text);
    rec_free(r);
    put = o.c->chan.out_put;
    bconn_sync(o.c, b);
    ck_assert_msg(o.c->chan.out_put == put, "an equal state costs nothing");
    bconn_sync(o.c, c);
    r = rec_new(BCMD_ROWS);
    bconn_query(o.c, &r->cmd, sv_cstr(ask));
    TURNS_UNTIL(r->ends);
    ck_assert_msg(strstr(r->text, "rows;mysql,0,+05:00,REPEATABLE-READ;end;"), "%s", r->text);
    rec_free(r);
    /* Refused: what follows is not executed, and the state is what it was. */
    bconn_sync(o.c, bad);
    r = rec_new(BCMD_ROWS);
    bconn_query(o.c, &r->cmd, SV("CREATE TABLE mysql.never (a INT)"));
    TURNS_UNTIL(r->ends);
    ck_assert_str_eq(r->text, "err 1049;");
    rec_free(r);
    ck_assert(sync_equal(o.c->synced, c));
    run(o.c, "SELECT DATABASE()", "meta 1;col 0 DATABASE() 253;rows;mysql;end;");
    run(o.c, "SELECT * FROM mysql.never", "err 1146;");
    sync_unref(a);
    sync_unref(b);
    sync_unref(c);
    sync_unref(bad);
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(barriers)
{
    struct one_conn o;
    struct rec *r[6];

    open_good(&o);
    for (unsigned i = 0; i < 6; i++) {
        static const char *const sql[] = {"SELECT 0", "DO 1", "SELECT 2", "SELECT nonsense", "SELECT 4", "SELECT 5"};

        r[i] = rec_new(BCMD_SWALLOW);
        r[i]->cmd.barrier = i == 1 || i == 3;
        bconn_query(o.c, &r[i]->cmd, sv_cstr(sql[i]));
    }
    TURNS_UNTIL(r[5]->ends);
    ck_assert_str_eq(r[2]->text, "end;");
    ck_assert_str_eq(r[3]->text, "err 1054;");
    ck_assert_str_eq(r[4]->text, "err 1054;");
    ck_assert_str_eq(r[5]->text, "err 1054;");
    ck_assert(!o.c->chan.holding && o.c->n_barriers == 0);
    for (unsigned i = 0; i < 6; i++)
        rec_free(r[i]);
    run(o.c, "SELECT 7", "meta 1;col 0 7 3;rows;7;end;");
    bconn_close(o.c, "end of test");
}
END_TEST

START_TEST(login_with_password_and_tls)
{
    struct one_conn o;
    struct bserver *s;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct diag d = {0};

    open_good(&o);
    run(o.c, "CREATE OR REPLACE USER app@'%' IDENTIFIED BY 'secret'", "ok;");
    bconn_close(o.c, "done");
    s = server_of("app", "secret");
    open_conn(&o, s);
    ck_assert_msg(o.ready, "%s", o.why.text);
    run(o.c, "SELECT 1", NULL);
    bconn_close(o.c, "done");
    bserver_unref(s);
    s = server_of("app", "wrong");
    open_conn(&o, s);
    ck_assert(o.closed && o.why.code == ER_SHARD_DOWN && strstr(o.why.text, "Access denied"));
    bconn_close(o.c, "done");
    bserver_unref(s);
    s = bserver_new(SV("s1"), "127.0.0.1", port, "app", "secret", ctx, &d);
    open_conn(&o, s);
    ck_assert_msg(o.ready, "%s", o.why.text);
    run(o.c, "SELECT VARIABLE_VALUE <> '' FROM information_schema.SESSION_STATUS WHERE VARIABLE_NAME = 'Ssl_cipher'",
        "meta 1;col 0 VARIABLE_VALUE <> '' 3;rows;1;end;");
    bconn_close(o.c, "done");
    bserver_unref(s);
    SSL_CTX_free(ctx);
}
END_TEST

START_TEST(kill_query_and_lost_connections)
{
    struct one_conn o, other;
    struct rec *r = rec_new(BCMD_ROWS), *behind;
    char sql[64];

    open_good(&o);
    open_good(&other);
    bconn_query(o.c, &r->cmd, SV("SELECT SLEEP(30), NOW() FROM mysql.seq_1_to_10"));
    worker_turn(w, 20);
    bconn_cancel_query(o.c);
    TURNS_UNTIL(r->ends);
    ck_assert_msg(strstr(r->text, "err 1317;"), "%s", r->text);
    TURNS_UNTIL(o.c->n_kills == 0);
    run(o.c, "SELECT 1", NULL);
    rec_free(r);
    r = rec_new(BCMD_ROWS);
    behind = rec_new(BCMD_ROWS);
    bconn_query(o.c, &r->cmd, SV("SELECT SLEEP(30)"));
    worker_turn(w, 20);
    snprintf(sql, sizeof(sql), "KILL %u", o.c->conn_id);
    run(other.c, sql, "ok;");
    bconn_query(o.c, &behind->cmd, SV("SELECT 2"));
    TURNS_UNTIL(o.closed && behind->ends);
    ck_assert_msg(r->ends == 1 && behind->ends == 1, "'%s' '%s'", r->text, behind->text);
    ck_assert_int_eq(behind->lost.code, ER_SHARD_LOST);
    rec_free(behind);
    behind = rec_new(BCMD_ROWS);
    bconn_query(o.c, &behind->cmd, SV("SELECT 3"));
    ck_assert_msg(behind->ends == 0, "never from inside");
    TURNS_UNTIL(behind->ends);
    ck_assert_str_eq(behind->text, "lost 0;");
    ck_assert_uint_eq(o.closed, 1);
    rec_free(r);
    rec_free(behind);
    bconn_close(o.c, "end of test");
    bconn_close(other.c, "end of test");
}
END_TEST

/* With TESSERA_TEST_MYSQL_PORT: a MySQL 8 or 9 on 127.0.0.1 with root and no password. */
static char secret_seen[200];
static size_t secret_len;

static void secret_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct sv v;

    (void)cmd;
    ck_assert(rowtext_decode(payload, n, &v, 1) && v.len <= sizeof(secret_seen));
    memcpy(secret_seen, v.ptr, v.len);
    secret_len = v.len;
}

START_TEST(mysql_logins)
{
    struct bcmd_ops ops = rec_ops;
    struct bserver *s;
    struct one_conn o;
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    struct diag d = {0};
    struct rec *r = rec_new(BCMD_ROWS);
    uint16_t was = port;

    port = (uint16_t)strtoul(getenv("TESSERA_TEST_MYSQL_PORT"), NULL, 10);
    open_good(&o);
    ck_assert(!o.c->is_mariadb && o.c->version >= 80000);
    run(o.c, "DROP USER IF EXISTS tsr_app", "ok;");
    run(o.c, "CREATE USER tsr_app IDENTIFIED WITH caching_sha2_password BY 'p\xc3\xa4ss'", "ok;");
    ops.on_row = secret_row;
    r->cmd.ops = &ops;
    bconn_query(o.c, &r->cmd, SV("SELECT authentication_string FROM mysql.user WHERE user = 'tsr_app'"));
    TURNS_UNTIL(r->ends);
    ck_assert_uint_eq(secret_len, 70);
    ck_assert_int_eq(auth_secret_plugin(sv_make(secret_seen, secret_len)), AUTH_SHA2);
    ck_assert_msg(auth_check_password(sv_make(secret_seen, secret_len), SV("p\xc3\xa4ss")), "the server's own secret");
    rec_free(r);
    for (int i = 0; i < 4; i++) {
        /* Full exchange by RSA, fast path, TLS, wrong password. */
        s = bserver_new(SV("s1"), "127.0.0.1", port, "tsr_app", i == 3 ? "wrong" : "p\xc3\xa4ss",
                        i == 2 ? ctx : NULL, &d);
        struct one_conn p;

        open_conn(&p, s);
        ck_assert_msg(p.ready == (i < 3), "%d: %s", i, p.why.text);
        if (p.ready)
            run(p.c, "SELECT 1", "meta 1;col 0 1 8;rows;1;end;");
        bconn_close(p.c, "done");
        bserver_unref(s);
    }
    run(o.c, "DROP USER tsr_app", "ok;");
    run(o.c, "CREATE DATABASE IF NOT EXISTS t1", NULL);
    {
        struct sync_state *a = state_of("t1", (const char *[]){"time_zone", "'+03:00'", "transaction_isolation",
                                                              "'READ-COMMITTED'", "transaction_read_only", "1", NULL});

        bconn_sync(o.c, a);
        run(o.c, "SELECT @@transaction_isolation, @@transaction_read_only",
            "meta 2;col 0 @@transaction_isolation 253;col 1 @@transaction_read_only 8;rows;READ-COMMITTED,1;end;");
        sync_unref(a);
    }
    bconn_close(o.c, "done");
    SSL_CTX_free(ctx);
    port = was;
}
END_TEST

/* --- pools --- */

struct asker {
    struct pool_waiter pw;
    struct bconn *c;
    unsigned got, failed;
    struct diag d;
};

static void asker_conn(struct pool_waiter *pw, struct bconn *c)
{
    struct asker *a = CONTAINER_OF(pw, struct asker, pw);

    a->got++;
    a->c = c;
    ck_assert_ptr_eq(c->owner, a);
}

static void asker_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct asker *a = CONTAINER_OF(pw, struct asker, pw);

    a->failed++;
    a->d = *d;
}

static enum pool_result ask(struct pool *p, struct asker *a)
{
    enum pool_result r;

    *a = (struct asker){.pw = {.on_conn = asker_conn, .on_fail = asker_fail, .owner_kind = "test", .owner = a}};
    r = pool_lease(p, &a->pw, &a->c, &a->d);
    if (r == POOL_READY)
        a->got = 1;
    else if (r == POOL_FAIL)
        a->failed = 1;
    return r;
}

static unsigned leases_lost;
static void lease_lost(struct bconn *c, void *owner, const struct diag *d)
{
    (void)c;
    (void)d;
    ck_assert_ptr_nonnull(owner);
    leases_lost++;
}

START_TEST(pool_leases_in_turn)
{
    struct bserver *s = server_of("root", "");
    struct asker a[6];
    struct pool_stats st;
    struct bconn *first;
    struct pool *p;
    struct rec *r;

    pool_configure(w, 3, s, &(struct pool_config){.max_conns = 2, .wait_timeout_ms = 300});
    bserver_unref(s);
    p = pool_of(w, 3);
    ck_assert(p && !pool_of(w, 0) && !pool_of(w, 4));
    for (int i = 0; i < 5; i++)
        ck_assert_int_eq(ask(p, &a[i]), POOL_WAIT);
    pool_cancel(&a[3].pw);
    TURNS_UNTIL(a[0].got && a[1].got);
    ck_assert(!a[2].got && !a[3].got && !a[4].got);
    pool_get_stats(p, &st);
    ck_assert(st.open == 2 && st.leased == 2 && st.waiting == 2 && st.connects == 2);
    first = a[0].c;
    pool_release(a[0].c);
    ck_assert_msg(!a[2].got, "never from inside");
    TURNS_UNTIL(a[2].got);
    ck_assert_ptr_eq(a[2].c, first);
    TURNS_UNTIL(a[4].failed);
    ck_assert_int_eq(a[4].d.code, ER_SHARD_DOWN);
    /* The last one given back is the first one lent. */
    pool_release(a[1].c);
    pool_release(a[2].c);
    ck_assert_int_eq(ask(p, &a[0]), POOL_READY);
    ck_assert_ptr_eq(a[0].c, first);
    /* A transaction left open is rolled back with its connection. */
    run(a[0].c, "CREATE DATABASE IF NOT EXISTS t1", NULL);
    run(a[0].c, "CREATE OR REPLACE TABLE t1.x (a INT) ENGINE=InnoDB", "ok;");
    run(a[0].c, "BEGIN", "ok;");
    run(a[0].c, "INSERT INTO t1.x VALUES (1)", "ok;");
    ck_assert(bconn_in_trx(a[0].c));
    pool_release(a[0].c);
    ck_assert_int_eq(ask(p, &a[0]), POOL_READY);
    run(a[0].c, "DO SLEEP(0.1)", NULL);
    run(a[0].c, "SELECT COUNT(*) FROM t1.x", "meta 1;col 0 COUNT(*) 8;rows;0;end;");
    /* Unclean: reset before it is lent again. */
    run(a[0].c, "SET @v = 5", "ok;");
    a[0].c->unclean = true;
    first = a[0].c;
    pool_release(a[0].c);
    ask(p, &a[0]);
    TURNS_UNTIL(a[0].got);
    ck_assert_ptr_eq(a[0].c, first);
    run(a[0].c, "SELECT @v", "meta 1;col 0 @v 251;rows;;end;");
    pool_get_stats(p, &st);
    ck_assert_uint_eq(st.resets, 1);
    /* Given back with a command under way. */
    r = rec_new(BCMD_ROWS);
    bconn_query(a[0].c, &r->cmd, SV("SELECT SLEEP(10)"));
    pool_release(a[0].c);
    TURNS_UNTIL(r->ends);
    ck_assert(strstr(r->text, "lost "));
    rec_free(r);
    /* The server does not go on with it. */
    ask(p, &a[0]);
    TURNS_UNTIL(a[0].got);
    for (int i = 0;; i++) {
        r = rec_new(BCMD_ROWS);
        bconn_query(a[0].c, &r->cmd,
                    SV("SELECT COUNT(*) AS n FROM information_schema.processlist WHERE info LIKE '%SLEEP(10%' "
                       "AND info NOT LIKE '%processlist%'"));
        TURNS_UNTIL(r->ends);
        if (strstr(r->text, "rows;0;end;"))
            break;
        ck_assert_msg(i < 100, "still there: %s", r->text);
        rec_free(r);
        run(a[0].c, "DO SLEEP(0.02)", NULL);
    }
    rec_free(r);
    pool_release(a[0].c);
}
END_TEST

/* The worker ends while a KILL is at any point of its way. */
START_TEST(kill_at_shutdown)
{
    struct bserver *s = server_of("root", "");
    struct asker a;
    struct rec *r = rec_new(BCMD_ROWS);

    pool_configure(w, 3, s, &(struct pool_config){.max_conns = 2, .wait_timeout_ms = 300});
    bserver_unref(s);
    ck_assert_int_eq(ask(pool_of(w, 3), &a), POOL_WAIT);
    TURNS_UNTIL(a.got);
    bconn_query(a.c, &r->cmd, SV("SELECT SLEEP(1)"));
    worker_turn(w, 1);
    pool_release(a.c);
    TURNS_UNTIL(r->ends);
    rec_free(r);
    for (int i = 0; i < _i; i++)
        worker_turn(w, 1);
}
END_TEST

START_TEST(pool_prefers_a_fitting_state)
{
    struct bserver *s = server_of("root", "");
    struct sync_state *state = state_of("", (const char *[]){"time_zone", "'+07:00'", NULL});
    struct asker a, b;
    struct pool *p;
    uint64_t put;
    struct rec *r;

    pool_configure(w, 0, s, &(struct pool_config){.max_conns = 4});
    bserver_unref(s);
    p = pool_of(w, 0);
    ask(p, &a);
    ask(p, &b);
    TURNS_UNTIL(a.got && b.got);
    bconn_sync(a.c, state);
    run(a.c, "SELECT @@time_zone", "meta 1;col 0 @@time_zone 253;rows;+07:00;end;");
    /* Known now: the same difference is no barrier on another connection. */
    bconn_sync(b.c, state);
    ck_assert_uint_eq(b.c->n_barriers, 0);
    ck_assert_uint_eq(b.c->n_queued, 1);
    run(b.c, "DO 1", "ok;");
    pool_forget_known(p);
    r = rec_new(BCMD_SWALLOW);
    bconn_simple(b.c, &r->cmd, PCOM_RESET_CONNECTION);
    TURNS_UNTIL(r->ends);
    rec_free(r);
    bconn_sync(b.c, state);
    ck_assert_uint_eq(b.c->n_barriers, 1);
    run(b.c, "DO 1", "ok;");
    r = rec_new(BCMD_SWALLOW);
    bconn_simple(b.c, &r->cmd, PCOM_RESET_CONNECTION);
    TURNS_UNTIL(r->ends);
    rec_free(r);
    pool_release(a.c);
    pool_release(b.c);
    b = (struct asker){.pw = {.on_conn = asker_conn, .on_fail = asker_fail, .like = state, .owner = &b}};
    ck_assert_int_eq(pool_lease(p, &b.pw, &b.c, &b.d), POOL_READY);
    ck_assert_ptr_eq(b.c, a.c);
    put = b.c->chan.out_put;
    bconn_sync(b.c, state);
    ck_assert_uint_eq(b.c->chan.out_put, put);
    pool_release(b.c);
    sync_unref(state);
}
END_TEST

START_TEST(pool_sees_a_server_go_and_come)
{
    struct bserver *s = server_of("root", "");
    struct asker a, b, c;
    struct pool_stats st;
    struct pool *p;
    uint64_t t0;

    pool_configure(w, 0, s, &(struct pool_config){.max_conns = 4});
    bserver_unref(s);
    p = pool_of(w, 0);
    ask(p, &a);
    ask(p, &b);
    TURNS_UNTIL(a.got && b.got);
    pool_release(b.c);
    leases_lost = 0;
    pool_set_on_lost(a.c, lease_lost);
    stop_server();
    TURNS_UNTIL(leases_lost == 1);
    pool_get_stats(p, &st);
    ck_assert_msg(st.open == 0 && st.idle == 0 && st.leased == 1, "open %u idle %u leased %u", st.open, st.idle,
                  st.leased);
    pool_release(a.c);
    ask(p, &b);
    TURNS_UNTIL(b.failed);
    ck_assert_int_eq(b.d.code, ER_SHARD_DOWN);
    ck_assert(strstr(b.d.text, "s1") && strstr(b.d.text, "refused"));
    t0 = clock_mono_ns();
    ck_assert_int_eq(ask(p, &c), POOL_FAIL);
    ck_assert_msg(clock_mono_ns() - t0 < 50000000, "at once");
    ck_assert(pool_is_down(p));
    ck_assert(start_server());
    TURNS_UNTIL(!pool_is_down(p));
    ask(p, &c);
    TURNS_UNTIL(c.got);
    run(c.c, "SELECT 1", NULL);
    pool_release(c.c);
}
END_TEST

START_TEST(pool_closes_and_pings_idle_ones)
{
    struct bserver *s = server_of("root", "");
    struct pool_stats st;
    struct asker a;
    struct pool *p;

    pool_configure(w, 0, s, &(struct pool_config){.max_conns = 4, .idle_timeout_ms = 2500, .ping_ms = 600});
    p = pool_of(w, 0);
    ask(p, &a);
    TURNS_UNTIL(a.got);
    pool_release(a.c);
    TURNS_UNTIL((pool_get_stats(p, &st), st.closed_idle == 1));
    ck_assert_uint_eq(st.open, 0);
    /* Another server in its place: what comes back is retired. */
    ask(p, &a);
    TURNS_UNTIL(a.got);
    bserver_unref(s);
    s = server_of("root", "x");
    pool_configure(w, 0, s, &(struct pool_config){.max_conns = 4});
    bserver_unref(s);
    pool_release(a.c);
    pool_get_stats(p, &st);
    ck_assert_uint_eq(st.open, 0);
    pool_configure(w, 0, NULL, &(struct pool_config){0});
    ck_assert_int_eq(ask(p, &a), POOL_FAIL);
    ck_assert_int_eq(a.d.code, ER_UNKNOWN_SHARD);
}
END_TEST

/* --- servers that misbehave --- */

struct script {
    const char *what;
    const char *bytes[4]; /* sent one after the other; before each but the first, something is read */
    size_t n[4];
    bool usable;          /* the login is good; then one query is sent */
    uint16_t code;        /* of the end, or of the query's error */
};

static int script_fd;
static const struct script *script;

static void *play(void *arg)
{
    int fd = accept(script_fd, NULL, NULL);
    char buf[4096];

    (void)arg;
    for (int i = 0; i < 4 && script->bytes[i]; i++) {
        if (i && recv(fd, buf, sizeof(buf), 0) <= 0)
            break;
        if (send(fd, script->bytes[i], script->n[i], MSG_NOSIGNAL) < 0)
            break;
    }
    usleep(30000);
    close(fd);
    return NULL;
}

#define GREETING                                                                                                       \
    "\x4a\0\0\0\x0a"                                                                                                   \
    "8.0.36\0\1\0\0\0abcdefgh\0\xff\xff\x2d\2\0\xff\xdf\x15\0\0\0\0\0\0\0\0\0\0ijklmnopqrst\0mysql_native_password\0"
#define OK2 "\7\0\0\2\0\0\0\2\0\0\0"
#define S(x) x, sizeof(x) - 1

static const struct script scripts[] = {
    {"closes at once", {"", NULL}, {0}, false, ER_SHARD_DOWN},
    {"no MySQL server", {"HTTP/1.0 400 Bad Request\r\n\r\n", NULL}, {28}, false, ER_SHARD_DOWN},
    {"refuses", {"\x17\0\0\0\xff\x10\x04Too many connections", NULL}, {27}, false, ER_SHARD_DOWN},
    {"cut greeting", {GREETING, NULL}, {30}, false, ER_SHARD_DOWN},
    {"greeting of garbage", {"\5\0\0\0\x0a\x41\x42\x43\x44", NULL}, {9}, false, ER_SHARD_DOWN},
    {"unknown method",
     {GREETING,
      "\x2c\0\0\2\xfe"
      "authentication_windows\0aaaaaaaaaaaaaaaaaaaa",
      NULL},
     {sizeof(GREETING) - 1, 48},
     false,
     ER_SHARD_DOWN},
    {"wrong id", {GREETING, "\7\0\0\5\0\0\0\2\0\0\0", NULL}, {sizeof(GREETING) - 1, 11}, false, ER_SHARD_DOWN},
    {"closes after login", {GREETING, OK2, "", NULL}, {sizeof(GREETING) - 1, 11, 0}, true, ER_SHARD_LOST},
    {"column count of nothing",
     {GREETING, OK2, "\0\0\0\1", NULL},
     {sizeof(GREETING) - 1, 11, 4},
     true,
     ER_SHARD_LOST},
    {"huge column count",
     {GREETING, OK2, "\4\0\0\1\xfd\xff\xff\xff", NULL},
     {sizeof(GREETING) - 1, 11, 8},
     true,
     ER_SHARD_LOST},
    {"short definition",
     {GREETING, OK2, "\1\0\0\1\1\2\0\0\2\1\1", NULL},
     {sizeof(GREETING) - 1, 11, 11},
     true,
     ER_SHARD_LOST},
    {"ids out of order",
     {GREETING, OK2, "\1\0\0\1\1\2\0\0\7\1\1", NULL},
     {sizeof(GREETING) - 1, 11, 11},
     true,
     ER_SHARD_LOST},
    {"cut OK", {GREETING, OK2, "\3\0\0\1\0\0\0", NULL}, {sizeof(GREETING) - 1, 11, 7}, true, ER_SHARD_LOST},
    {"an answer too many",
     {GREETING, OK2, "\7\0\0\1\0\0\0\2\0\0\0\7\0\0\2\0\0\0\2\0\0\0", NULL},
     {sizeof(GREETING) - 1, 11, 22},
     true,
     0},
};

START_TEST(misbehaving_servers)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    struct bserver *s;
    struct one_conn o;
    struct diag d = {0};
    pthread_t th;

    script = &scripts[_i / 2];
    script_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(script_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ck_assert_int_eq(listen(script_fd, 1), 0);
    ck_assert_int_eq(getsockname(script_fd, (struct sockaddr *)&a, &len), 0);
    ck_assert_int_eq(pthread_create(&th, NULL, play, NULL), 0);
    s = bserver_new(SV("s1"), "127.0.0.1", ntohs(a.sin_port), "root", "", NULL, &d);
    open_conn(&o, s);
    ck_assert_msg(o.ready == script->usable, "%s: %s", script->what, o.why.text);
    if (script->usable) {
        struct rec *r = rec_new(_i % 2 ? BCMD_RELAY : BCMD_ROWS);

        bconn_query(o.c, &r->cmd, SV("SELECT 1"));
        TURNS_UNTIL(r->ends);
        if (script->code && !(_i % 2 && strcmp(script->what, "short definition") == 0))
            ck_assert_msg(r->lost.code == script->code && r->maybe_done, "%s: %s %s", script->what, r->text,
                          r->lost.text);
        rec_free(r);
        TURNS_UNTIL(o.closed);
    } else {
        ck_assert_msg(o.why.code == script->code, "%s: %s", script->what, o.why.text);
    }
    pthread_join(th, NULL);
    bconn_close(o.c, "end of test");
    bserver_unref(s);
    close(script_fd);
}
END_TEST

START_TEST(connect_times_out)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof(a);
    struct one_conn o;
    struct diag d = {0};
    struct bserver *s;

    /* Takes connections and never says a word. */
    script_fd = socket(AF_INET, SOCK_STREAM, 0);
    ck_assert_int_eq(bind(script_fd, (struct sockaddr *)&a, sizeof(a)), 0);
    ck_assert_int_eq(listen(script_fd, 1), 0);
    ck_assert_int_eq(getsockname(script_fd, (struct sockaddr *)&a, &len), 0);
    s = bserver_new(SV("s1"), "127.0.0.1", ntohs(a.sin_port), "root", "", NULL, &d);
    s->connect_timeout_ms = 100;
    open_conn(&o, s);
    ck_assert(o.closed && strstr(o.why.text, "timed out"));
    bconn_close(o.c, "end of test");
    bserver_unref(s);
    close(script_fd);
}
END_TEST

static Suite *make_suite(bool have_server)
{
    Suite *s = suite_create("backend");
    TCase *c = tcase_create("peer");

    tcase_set_timeout(c, 60);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_loop_test(c, misbehaving_servers, 0, 2 * (int)ARRAY_LEN(scripts));
    tcase_add_test(c, connect_times_out);
    suite_add_tcase(s, c);
    if (getenv("TESSERA_TEST_MYSQL_PORT")) {
        c = tcase_create("mysql");
        tcase_set_timeout(c, 60);
        tcase_add_checked_fixture(c, set_up, tear_down);
        tcase_add_test(c, mysql_logins);
        suite_add_tcase(s, c);
    }
    if (!have_server)
        return s;
    c = tcase_create("server");
    tcase_set_timeout(c, 120);
    tcase_add_checked_fixture(c, set_up, tear_down);
    tcase_add_test(c, queries_by_rows);
    tcase_add_test(c, pipeline_keeps_order_and_uses_one_write);
    tcase_add_test(c, relay_gives_the_bytes);
    tcase_add_test(c, relay_pauses_and_resumes);
    tcase_add_test(c, several_results);
    tcase_add_test(c, local_infile);
    tcase_add_test(c, prepared_statements);
    tcase_add_test(c, session_state);
    tcase_add_test(c, barriers);
    tcase_add_test(c, login_with_password_and_tls);
    tcase_add_test(c, kill_query_and_lost_connections);
    tcase_add_test(c, pool_leases_in_turn);
    tcase_add_loop_test(c, kill_at_shutdown, 0, 12);
    tcase_add_test(c, pool_prefers_a_fitting_state);
    tcase_add_test(c, pool_closes_and_pings_idle_ones);
    tcase_add_test(c, pool_sees_a_server_go_and_come);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    SRunner *sr;
    int failed;

    signal(SIGPIPE, SIG_IGN);
    log_set_level(LOG_ERROR);
    /* One process: the server's child must be this one's, and a test stops and starts it. */
    sr = srunner_create(make_suite(make_server()));
    srunner_set_fork_status(sr, CK_NOFORK);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    stop_server();
    remove_dir();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
