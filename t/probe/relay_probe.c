/* The bare minimum of a proxy on net/ and backend/: takes any login, relays each text statement to one server
 * through the pool, and nothing else: no parser, no plan, no session state. Its cost is the floor under Tessera's
 * own (net/README has figures). Not built by default: make t/probe/relay_probe.
 *
 *     relay_probe LISTEN-PORT SERVER-PORT WORKERS [SCHEMA]
 *
 * Runs until it is killed; on SIGUSR1 prints its workers' counters. */
#include "backend/pool.h"
#include "net/listen.h"
#include "util/arena.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum state { LOGIN, AUTH, IDLE, WAITING, RUNNING };

struct session {
    struct chan chan;
    enum state state;
    uint64_t caps;
    struct auth_server auth;
    struct pool_waiter pw;
    struct bcmd cmd;
    struct bconn *conn;
    struct packet packet; /* the statement, still in the channel's input while waiting */
};

static struct pool_config pool_cfg = {.max_conns = 64};
static struct bserver *server;
static _Thread_local struct sync_state *wanted; /* states stay on their worker */
static const char *schema;
static _Atomic uint32_t conns, next_id;
static struct worker *workers[WORKER_MAX];
static unsigned n_workers;

static void send_statement(struct session *s)
{
    struct packet *p = &s->packet;
    enum bcmd_kind kind = p->ptr[0] == PCOM_QUERY ? BCMD_QUERY : BCMD_OK;

    s->state = RUNNING;
    if (wanted)
        bconn_sync(s->conn, wanted);
    s->cmd.mode = BCMD_RELAY;
    s->cmd.seq_shift = 0;
    bconn_command(s->conn, &s->cmd, kind, p->ptr, p->len);
    chan_consume_packet(&s->chan, p);
}

static void done(struct session *s)
{
    pool_release(s->conn);
    s->conn = NULL;
    s->state = IDLE;
    chan_reset_seq(&s->chan);
    chan_resume_input(&s->chan);
}

static struct session *of_cmd(struct bcmd *cmd)
{
    return CONTAINER_OF(cmd, struct session, cmd);
}

static void on_raw(struct bcmd *cmd, unsigned char *bytes, size_t n)
{
    struct session *s = of_cmd(cmd);

    chan_write_ref(&s->chan, bytes, n);
    if (chan_out_full(&s->chan))
        bconn_pause(s->conn);
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct session *s = of_cmd(cmd);

    (void)payload;
    s->chan.seq = cmd->last_seq;
    if (is_result)
        chan_put_result_end(&s->chan, ok, s->caps);
    else
        chan_put_ok(&s->chan, ok, s->caps);
    if (!more)
        done(s);
}

static void on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct session *s = of_cmd(cmd);

    (void)payload;
    s->chan.seq = cmd->last_seq;
    chan_put_err(&s->chan, err->code, err->sqlstate, err->text);
    done(s);
}

static void on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct session *s = of_cmd(cmd);

    (void)maybe_done;
    if (!s->conn)
        return; /* the client has gone, and we discarded it */
    chan_put_err(&s->chan, d->code, d->sqlstate, sv_cstr(d->text));
    chan_close_after_flush(&s->chan);
    pool_release(s->conn);
    s->conn = NULL;
}

/* For a client without CAP_DEPRECATE_EOF, the EOF between definitions and rows, and later ids are one higher. */
static void on_meta_end(struct bcmd *cmd)
{
    struct session *s = of_cmd(cmd);

    if (s->caps & CAP_DEPRECATE_EOF)
        return;
    s->chan.seq = (uint8_t)(cmd->last_seq + 1);
    chan_put_eof(&s->chan, s->conn->status, 0);
    cmd->seq_shift++;
}

static const struct bcmd_ops cmd_ops = {
    .on_meta_end = on_meta_end, .on_raw = on_raw, .on_ok = on_ok, .on_err = on_err, .on_lost = on_lost};

static void on_conn(struct pool_waiter *pw, struct bconn *c)
{
    struct session *s = CONTAINER_OF(pw, struct session, pw);

    s->conn = c;
    send_statement(s);
}

static void on_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct session *s = CONTAINER_OF(pw, struct session, pw);

    chan_consume_packet(&s->chan, &s->packet);
    chan_put_err(&s->chan, d->code, d->sqlstate, sv_cstr(d->text));
    s->state = IDLE;
    chan_reset_seq(&s->chan);
    chan_resume_input(&s->chan);
}

static void log_in(struct session *s, enum auth_step step)
{
    struct packet_ok ok = {.status = STATUS_AUTOCOMMIT};

    switch (step) {
    case AUTH_SEND:
        s->state = AUTH;
        chan_put_packet(&s->chan, s->auth.out, s->auth.out_len);
        return;
    case AUTH_SEND_OK:
        chan_put_packet(&s->chan, s->auth.out, s->auth.out_len);
        break;
    case AUTH_OK:
        break;
    case AUTH_WAIT:
    case AUTH_DENIED:
    case AUTH_BROKEN:
        chan_put_err(&s->chan, 1045, "28000", SV("Access denied"));
        chan_close_after_flush(&s->chan);
        return;
    }
    chan_put_ok(&s->chan, &ok, s->caps);
    s->state = IDLE;
    chan_reset_seq(&s->chan);
}

static void take_packet(struct session *s, struct packet *p)
{
    struct packet_login l;
    struct diag d = {0};

    switch (s->state) {
    case LOGIN:
        if (!packet_login_parse(p->ptr, p->len, &l)) {
            chan_close_after_flush(&s->chan);
            return;
        }
        s->caps &= l.caps;
        chan_consume_packet(&s->chan, p);
        log_in(s, auth_server_start(&s->auth, l.user, SV(""), l.plugin, l.auth, &d));
        return;
    case AUTH:
        chan_consume_packet(&s->chan, p);
        log_in(s, auth_server_feed(&s->auth, p->ptr, p->len, &d));
        return;
    case IDLE:
        if (p->len == 0 || p->ptr[0] == PCOM_QUIT) {
            chan_close_after_flush(&s->chan);
            return;
        }
        s->packet = *p;
        chan_pause_input(&s->chan);
        s->state = WAITING;
        switch (pool_lease(pool_of(s->chan.worker, 0), &s->pw, &s->conn, &d)) {
        case POOL_READY:
            send_statement(s);
            return;
        case POOL_WAIT:
            return;
        case POOL_FAIL:
            on_fail(&s->pw, &d);
            return;
        }
        return;
    case WAITING:
    case RUNNING:
        return;
    }
}

static void on_input(struct chan *c)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);
    struct packet p;

    while (chan_is_open(c) && !c->paused) {
        switch (chan_peek(c, &p)) {
        case CHAN_PEEK_MORE:
            return;
        case CHAN_PEEK_PACKET:
            take_packet(s, &p);
            break;
        case CHAN_PEEK_TOO_LARGE:
        case CHAN_PEEK_BAD_SEQ:
            chan_close_after_flush(c);
            return;
        }
    }
}

static void on_drained(struct chan *c)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);

    if (s->conn)
        bconn_resume(s->conn);
}

static void on_closed(struct chan *c, enum chan_reason why)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);

    (void)why;
    pool_cancel(&s->pw);
    if (s->conn) {
        pool_discard(s->conn, "the client has gone");
        s->conn = NULL;
    }
    listen_conn_gone(c->worker, &conns);
    /* on_lost of a discarded command comes in this turn; the memory goes after it. */
    worker_free_later(c->worker, s);
}

static const struct chan_ops chan_ops = {.on_input = on_input, .on_drained = on_drained, .on_closed = on_closed};

static void on_accept(struct worker *w, int fd, const struct sockaddr_storage *peer, void *arg)
{
    struct session *s = xcalloc(1, sizeof(*s));
    struct packet_greeting g = {.version = SV("8.0.36-relay"),
                                .conn_id = atomic_fetch_add(&next_id, 1),
                                .caps = CAP_PROTOCOL_41 | CAP_PLUGIN_AUTH | CAP_SECURE_CONNECTION | CAP_DEPRECATE_EOF |
                                        CAP_LONG_PASSWORD | CAP_LONG_FLAG | CAP_TRANSACTIONS | CAP_CONNECT_WITH_DB |
                                        CAP_MULTI_RESULTS | CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_ATTRS,
                                .charset = 45,
                                .status = STATUS_AUTOCOMMIT,
                                .plugin = SV("mysql_native_password")};
    unsigned char buf[256];

    (void)peer;
    (void)arg;
    s->caps = g.caps;
    s->cmd.ops = &cmd_ops;
    s->pw = (struct pool_waiter){
        .on_conn = on_conn, .on_fail = on_fail, .owner = s, .owner_kind = "session", .like = wanted};
    chan_init(&s->chan, w, &chan_ops, 0);
    chan_open(&s->chan, fd);
    auth_make_nonce(g.nonce);
    auth_server_init(&s->auth, g.nonce, false);
    chan_put_packet(&s->chan, buf, (size_t)(packet_greeting_encode(buf, &g) - buf));
}

static void set_up(struct worker *w, void *arg)
{
    (void)arg;
    if (schema && !wanted) {
        struct sync_state *s = sync_new();

        wanted = sync_with_schema(s, sv_cstr(schema));
        sync_unref(s);
    }
    pool_configure(w, 0, server, &pool_cfg);
}

static void print_stats(void)
{
    struct rusage ru;

    getrusage(RUSAGE_SELF, &ru);
    printf("cpu %ld us\n",
           (long)((ru.ru_utime.tv_sec + ru.ru_stime.tv_sec) * 1000000 + ru.ru_utime.tv_usec + ru.ru_stime.tv_usec));
    for (unsigned i = 0; i < n_workers; i++)
        printf("worker %u: turns %lu events %lu reads %lu writes %lu blocked %lu sessions %d\n", i,
               (unsigned long)atomic_load(&workers[i]->stats.turns),
               (unsigned long)atomic_load(&workers[i]->stats.events),
               (unsigned long)atomic_load(&workers[i]->stats.reads),
               (unsigned long)atomic_load(&workers[i]->stats.writes),
               (unsigned long)atomic_load(&workers[i]->stats.writes_blocked), atomic_load(&workers[i]->sessions));
    fflush(stdout);
}

int main(int argc, char **argv)
{
    struct listen_group *g;
    struct diag d = {0};
    sigset_t set;

    if (argc < 4) {
        fprintf(stderr, "usage: relay_probe LISTEN-PORT SERVER-PORT WORKERS [SCHEMA]\n");
        return 2;
    }
    signal(SIGPIPE, SIG_IGN);
    sigemptyset(&set);
    sigaddset(&set, SIGUSR1);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
    n_workers = (unsigned)strtoul(argv[3], NULL, 10);
    n_workers = MIN(MAX(n_workers, 1u), (unsigned)WORKER_MAX);
    schema = argc > 4 ? argv[4] : NULL;
    auth_global_init();
    server = bserver_new(SV("s"), "127.0.0.1", (uint16_t)strtoul(argv[2], NULL, 10), "root", "", NULL, &d);
    if (!server) {
        fprintf(stderr, "%s\n", d.text);
        return 1;
    }
    for (unsigned i = 0; i < n_workers; i++)
        workers[i] = worker_new(i);
    g = listen_open(&(struct listen_config){.host = "127.0.0.1",
                                            .port = (uint16_t)strtoul(argv[1], NULL, 10),
                                            .count = &conns,
                                            .workers = workers,
                                            .n_workers = n_workers,
                                            .on_accept = on_accept},
                    &d);
    if (!g) {
        fprintf(stderr, "%s\n", d.text);
        return 1;
    }
    for (unsigned i = 0; i < n_workers; i++) {
        worker_post(workers[i], set_up, NULL);
        if (!worker_start(workers[i]))
            return 1;
    }
    for (;;) {
        int sig;

        if (sigwait(&set, &sig) == 0 && sig == SIGTERM)
            break;
        print_stats();
    }
    print_stats();
    return 0;
}
