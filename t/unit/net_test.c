/* Unit tests of net/. No server is needed: peers are in the process. */
#include "net/auth.h"
#include "net/chan.h"
#include "net/listen.h"
#include "net/packet.h"
#include "net/wheel.h"
#include "net/worker.h"
#include "util/clock.h"
#include "util/strbuf.h"

#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <netinet/in.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

/* Numbers that are the same in every run. */
static uint64_t rnd_state = 88172645463325252u;
static uint64_t rnd(void)
{
    rnd_state ^= rnd_state << 13;
    rnd_state ^= rnd_state >> 7;
    rnd_state ^= rnd_state << 17;
    return rnd_state;
}

/* --- timer wheel --- */

struct model_timer {
    struct worker_timer t;
    uint64_t fired_at;
    unsigned fired;
};
static struct wheel *model_wheel;
static uint64_t model_now;

static void model_fire(struct worker_timer *t)
{
    struct model_timer *m = CONTAINER_OF(t, struct model_timer, t);

    m->fired++;
    m->fired_at = model_wheel->tick;
    ck_assert_msg(m->fired_at >= m->t.due_tick && m->fired_at <= model_now, "fires when due");
}

START_TEST(wheel_fires_like_a_model)
{
    enum { N = 3000 };
    struct wheel *wh = calloc(1, sizeof(*wh));
    struct model_timer *m = calloc(N, sizeof(*m));
    static const uint64_t spans[] = {3, 255, 256, 300, 16000, 17000, 1100000, 70000000, 5000000000};
    unsigned removed = 0;

    model_wheel = wh;
    wh->tick = model_now = 1000003;
    for (unsigned round = 0; round < 400; round++) {
        for (unsigned i = 0; i < N; i++) {
            if (m[i].t.link || rnd() % 4)
                continue;
            m[i].fired = 0;
            m[i].t.fn = model_fire;
            m[i].t.due_tick = wh->tick + 1 + rnd() % spans[rnd() % ARRAY_LEN(spans)];
            wheel_add(wh, &m[i].t);
        }
        for (unsigned k = 0; k < 20; k++) {
            unsigned i = rnd() % N;

            removed += m[i].t.link != NULL;
            wheel_remove(wh, &m[i].t);
        }
        model_now = wh->tick + rnd() % spans[rnd() % 7];
        wheel_advance(wh, model_now);
        ck_assert_uint_eq(wh->tick, model_now);
        for (unsigned i = 0; i < N; i++) {
            if (m[i].t.link)
                ck_assert_msg(m[i].t.due_tick > model_now, "nothing due is left (%lu, now %lu)",
                              (unsigned long)m[i].t.due_tick, (unsigned long)model_now);
            ck_assert_msg(m[i].fired <= 1, "fires once");
        }
    }
    ck_assert_uint_gt(removed, 100);
    for (unsigned i = 0; i < N; i++)
        wheel_remove(wh, &m[i].t);
    ck_assert_uint_eq(wh->count, 0);
    ck_assert_msg(wheel_next(wh) == UINT64_MAX, "an empty wheel wants nothing");
    free(m);
    free(wh);
}
END_TEST

/* --- worker --- */

struct loop_test {
    unsigned posts, timers, tasks, freed;
    struct worker_timer timer;
    struct worker_task task;
    struct worker *w;
    uint64_t armed_ns, fired_ns;
};

static void count_task(struct worker_task *t)
{
    CONTAINER_OF(t, struct loop_test, task)->tasks++;
}

static void count_timer(struct worker_timer *t)
{
    struct loop_test *l = CONTAINER_OF(t, struct loop_test, timer);

    l->timers++;
    l->fired_ns = clock_mono_ns();
    worker_stop(l->w);
}

static void count_free(void *p)
{
    (*(unsigned *)p)++;
}

static void on_post(struct worker *w, void *arg)
{
    struct loop_test *l = arg;

    ck_assert_ptr_eq(worker_current(), w);
    l->posts++;
    worker_task_queue(w, &l->task);
    worker_task_queue(w, &l->task);
    worker_call_later(w, count_free, &l->freed);
    worker_free_later(w, malloc(10));
    if (l->posts == 4000) {
        l->armed_ns = w->now_ns;
        worker_timer_arm(w, &l->timer, 1000);
        worker_timer_arm(w, &l->timer, 50);
    }
}

static void *post_many(void *arg)
{
    struct loop_test *l = arg;

    for (int i = 0; i < 2000; i++)
        worker_post(l->w, on_post, l);
    return NULL;
}

START_TEST(worker_runs_posts_tasks_timers)
{
    struct loop_test l = {.timer.fn = count_timer, .task.fn = count_task, .w = worker_new(0)};
    pthread_t t[2];

    ck_assert(worker_start(l.w));
    for (int i = 0; i < 2; i++)
        ck_assert_int_eq(pthread_create(&t[i], NULL, post_many, &l), 0);
    for (int i = 0; i < 2; i++)
        pthread_join(t[i], NULL);
    worker_join(l.w);
    ck_assert_uint_eq(l.posts, 4000);
    ck_assert_uint_eq(l.freed, 4000);
    ck_assert_uint_eq(l.timers, 1);
    ck_assert_msg(l.tasks >= 1 && l.tasks <= 4000, "a task queued twice runs once");
    ck_assert_msg(l.fired_ns - l.armed_ns >= 50000000, "not early: %lu us",
                  (unsigned long)(l.fired_ns - l.armed_ns) / 1000);
    worker_free(l.w);
}
END_TEST

/* --- channels --- */

struct peer {
    struct chan c;
    struct worker *w;
    unsigned char *got; /* payloads, one after the other */
    size_t got_len, got_cap;
    unsigned packets, drained, closed, ready;
    enum chan_reason why;
    bool echo, lazy, reset_seq;
    enum chan_peek last_peek;
};

static void peer_input(struct chan *c)
{
    struct peer *p = CONTAINER_OF(c, struct peer, c);
    struct packet k;

    ck_assert_msg(chan_in_len(c) > 0, "on_input never comes empty");
    if (p->lazy) {
        chan_pause_input(c);
        return;
    }
    while (c->state == CHAN_OPEN && (p->last_peek = chan_peek(c, &k)) == CHAN_PEEK_PACKET) {
        p->packets++;
        if (p->echo) {
            struct iovec v = {k.ptr, k.len};

            chan_consume_packet(c, &k);
            c->seq = k.seq;
            chan_put_packet_iov(c, -1, &v, 1);
            if (p->reset_seq)
                c->seq = 0;
            continue;
        }
        if (p->got_len + k.len > p->got_cap) {
            p->got_cap = 2 * (p->got_len + k.len);
            p->got = realloc(p->got, p->got_cap);
        }
        if (k.len)
            memcpy(p->got + p->got_len, k.ptr, k.len);
        p->got_len += k.len;
        chan_consume_packet(c, &k);
        if (p->reset_seq)
            c->seq = 0;
    }
}

static void peer_drained(struct chan *c)
{
    CONTAINER_OF(c, struct peer, c)->drained++;
}

static void peer_ready(struct chan *c)
{
    CONTAINER_OF(c, struct peer, c)->ready++;
}

static void peer_closed(struct chan *c, enum chan_reason why)
{
    struct peer *p = CONTAINER_OF(c, struct peer, c);

    p->closed++;
    p->why = why;
}

static const struct chan_ops peer_ops = {peer_input, peer_drained, peer_ready, peer_closed};

static struct {
    struct worker *w;
    struct peer a, b;
    int fd[2];
} t;

static void post_open(struct worker *w, void *arg)
{
    (void)w;
    (void)arg;
    chan_open(&t.a.c, t.fd[0]);
    chan_open(&t.b.c, t.fd[1]);
}

static void set_up_pair(void)
{
    memset(&t, 0, sizeof(t));
    t.w = worker_new(0);
    ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, t.fd), 0);
    chan_init(&t.a.c, t.w, &peer_ops, 1u << 30);
    chan_init(&t.b.c, t.w, &peer_ops, 1u << 30);
    worker_post(t.w, post_open, NULL);
    worker_turn(t.w, 100);
    ck_assert_int_eq(t.b.c.state, CHAN_OPEN);
}

static void post_close(struct worker *w, void *arg)
{
    (void)w;
    chan_close(arg);
}

static void tear_down_pair(void)
{
    worker_post(t.w, post_close, &t.a.c);
    worker_post(t.w, post_close, &t.b.c);
    worker_turn(t.w, 100);
    free(t.a.got);
    free(t.b.got);
    worker_free(t.w);
}

/* Runs turns until *n reaches want, at most about 10 s. */
static void turns_until(const unsigned *n, unsigned want, const char *what)
{
    uint64_t end = clock_mono_ns() + UINT64_C(10000000000);

    while (*n < want && clock_mono_ns() < end)
        worker_turn(t.w, 50);
    ck_assert_msg(*n >= want, "%s: %u of %u", what, *n, want);
}

static const size_t sizes[] = {0,         1,           100,         4091,        4096,        16379,
                               16384,     65536,       200000,      0xfffffe,    0xffffff,    0x1000000,
                               0x1ffffff, 2 * 0xffffff, 0x2000005};

static struct {
    const unsigned char *data;
    size_t n;
    bool by_ref;
} to_put;

static void post_put(struct worker *w, void *arg)
{
    struct chan *c = arg;
    struct iovec v[3];

    (void)w;
    if (!to_put.by_ref) {
        chan_put_packet(c, to_put.data, to_put.n);
        return;
    }
    v[0] = (struct iovec){(void *)(uintptr_t)to_put.data, to_put.n / 3};
    v[1] = (struct iovec){(void *)(uintptr_t)(to_put.data + to_put.n / 3), to_put.n / 2};
    v[2] = (struct iovec){(void *)(uintptr_t)(to_put.data + to_put.n / 3 + to_put.n / 2),
                          to_put.n - to_put.n / 3 - to_put.n / 2};
    chan_put_packet_iov(c, -1, v, 3);
}

START_TEST(chan_carries_packets_of_all_sizes)
{
    size_t n = sizes[_i / 2];
    unsigned char *data = malloc(n + 1);

    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(i * 7 + (i >> 13));
    set_up_pair();
    t.b.echo = true;
    to_put.data = data;
    to_put.n = n;
    to_put.by_ref = _i % 2;
    worker_post(t.w, post_put, &t.a.c);
    worker_turn(t.w, 100);
    /* The answer has the same ids as the question. */
    t.a.c.seq = 0;
    turns_until(&t.a.packets, 1, "echo");
    ck_assert_uint_eq(t.a.got_len, n);
    ck_assert_msg(n == 0 || memcmp(t.a.got, data, n) == 0, "the bytes are the same (%zu)", n);
    ck_assert_uint_eq(t.a.c.seq, n / 0xffffff + 1);
    ck_assert_ptr_null(t.a.c.in);
    ck_assert_ptr_null(t.b.c.in);
    ck_assert_uint_eq(t.a.c.backlog_bytes + t.b.c.backlog_bytes, 0);
    tear_down_pair();
    free(data);
}
END_TEST

/* Writes a stream of packets in random cuts from a thread. */
struct cutter {
    int fd;
    const unsigned char *p;
    size_t n;
};

static void *cut_and_write(void *arg)
{
    struct cutter *k = arg;
    uint64_t s = 42;

    for (size_t at = 0; at < k->n;) {
        size_t len;
        ssize_t w;

        s = s * 6364136223846793005u + 1442695040888963407u;
        len = MIN((size_t)(s >> 33) % ((s >> 20) % 4 ? 40 : 30000) + 1, k->n - at);
        w = write(k->fd, k->p + at, len);
        if (w > 0) {
            at += (size_t)w;
        } else {
            struct pollfd pf = {k->fd, POLLOUT, 0};

            poll(&pf, 1, 100);
        }
    }
    return NULL;
}

START_TEST(chan_takes_any_cuts)
{
    enum { PACKETS = 3000 };
    size_t cap = 40 << 20, n = 0, payload = 0;
    unsigned char *stream = malloc(cap), *all = malloc(cap);
    pthread_t th;
    struct cutter k;

    for (unsigned i = 0; i < PACKETS; i++) {
        size_t len = rnd() % 10 ? rnd() % 300 : rnd() % 40000;

        packet_put_header(stream + n, len, (uint8_t)i);
        for (size_t j = 0; j < len; j++)
            all[payload + j] = stream[n + 4 + j] = (unsigned char)rnd();
        n += 4 + len;
        payload += len;
    }
    memset(&t, 0, sizeof(t));
    set_up_pair();
    worker_post(t.w, post_close, &t.a.c);
    {
        /* A raw descriptor in place of channel a. */
        int fd = dup(t.fd[0]);

        worker_turn(t.w, 100);
        k = (struct cutter){fd, stream, n};
        ck_assert_int_eq(pthread_create(&th, NULL, cut_and_write, &k), 0);
        turns_until(&t.b.packets, PACKETS, "packets");
        pthread_join(th, NULL);
        close(fd);
    }
    ck_assert_uint_eq(t.b.got_len, payload);
    ck_assert_msg(memcmp(t.b.got, all, payload) == 0, "same bytes");
    turns_until(&t.b.closed, 1, "the end is seen");
    ck_assert_int_eq(t.b.why, CHAN_EOF);
    tear_down_pair();
    free(stream);
    free(all);
}
END_TEST

static unsigned char big[1 << 20];

static void post_fill(struct worker *w, void *arg)
{
    struct chan *c = arg;

    (void)w;
    for (int i = 0; i < 100 && !chan_out_full(c); i++)
        chan_write_ref(c, big, sizeof(big));
}

static size_t raw_bytes;
static void eat_raw(struct chan *c)
{
    struct peer *p = CONTAINER_OF(c, struct peer, c);

    if (p->lazy) {
        chan_pause_input(c);
        return;
    }
    raw_bytes += chan_in_len(c);
    chan_consume(c, chan_in_len(c));
}
static const struct chan_ops raw_ops = {eat_raw, peer_drained, peer_ready, peer_closed};

static void post_resume_raw(struct worker *w, void *arg)
{
    struct peer *p = arg;

    (void)w;
    p->lazy = false;
    chan_resume_input(&p->c);
}

START_TEST(chan_tells_full_and_drained)
{
    uint64_t out;

    set_up_pair();
    raw_bytes = 0;
    t.b.c.ops = &raw_ops;
    t.b.lazy = true;
    worker_post(t.w, post_fill, &t.a.c);
    for (int i = 0; i < 10; i++)
        worker_turn(t.w, 10);
    ck_assert_msg(chan_out_pending(&t.a.c) > CHAN_HIGH_WATER, "more is queued than the high mark");
    ck_assert_msg(t.a.c.out_put < 10 * sizeof(big), "the producer was stopped");
    ck_assert_uint_eq(t.a.drained, 0);
    ck_assert_msg(t.b.c.in_cap <= WORKER_BULK_BYTES, "a paused reader takes no more than its buffer");
    worker_post(t.w, post_resume_raw, &t.b);
    turns_until(&t.a.drained, 1, "drained");
    for (int i = 0; i < 20; i++)
        worker_turn(t.w, 5);
    out = t.a.c.out_put;
    ck_assert_uint_eq(raw_bytes, out);
    ck_assert_uint_eq(t.a.c.out_sent, out);
    ck_assert_ptr_null(t.b.c.in);
    tear_down_pair();
}
END_TEST

static void post_bye(struct worker *w, void *arg)
{
    struct chan *c = arg;

    (void)w;
    chan_write(c, big, sizeof(big));
    chan_close_after_flush(c);
}

START_TEST(chan_closes_after_flush)
{
    set_up_pair();
    raw_bytes = 0;
    t.b.c.ops = &raw_ops;
    worker_post(t.w, post_bye, &t.a.c);
    turns_until(&t.a.closed, 1, "flushed");
    ck_assert_int_eq(t.a.why, CHAN_FLUSHED);
    turns_until(&t.b.closed, 1, "the peer sees the end");
    ck_assert_int_eq(t.b.why, CHAN_EOF);
    ck_assert_uint_eq(raw_bytes, sizeof(big));
    tear_down_pair();
}
END_TEST

static void post_hold(struct worker *w, void *arg)
{
    struct chan *c = arg;

    (void)w;
    chan_write(c, "one", 3);
    chan_hold(c);
    chan_write(c, "two", 3);
    chan_write(c, "three", 5);
}

static void post_release(struct worker *w, void *arg)
{
    struct chan *c = arg;

    (void)w;
    chan_write(c, "four", 4);
    chan_release(c, 6);
}

static void post_drop(struct worker *w, void *arg)
{
    struct chan *c = arg;

    (void)w;
    chan_drop_held(c);
    chan_write(c, "5", 1);
}

START_TEST(chan_holds_releases_drops)
{
    set_up_pair();
    raw_bytes = 0;
    t.b.c.ops = &raw_ops;
    worker_post(t.w, post_hold, &t.a.c);
    for (int i = 0; i < 4; i++)
        worker_turn(t.w, 10);
    ck_assert_uint_eq(raw_bytes, 3);
    ck_assert_uint_eq(t.a.c.out_sent, 3);
    ck_assert_uint_eq(t.a.c.out_put, 11);
    worker_post(t.w, post_release, &t.a.c);
    for (int i = 0; i < 4; i++)
        worker_turn(t.w, 10);
    ck_assert_uint_eq(raw_bytes, 6);
    worker_post(t.w, post_drop, &t.a.c);
    for (int i = 0; i < 4; i++)
        worker_turn(t.w, 10);
    ck_assert_uint_eq(raw_bytes, 7);
    ck_assert_uint_eq(t.a.c.out_put, 7);
    ck_assert_uint_eq(t.a.c.out_sent, 7);
    tear_down_pair();
}
END_TEST

START_TEST(chan_refuses_bad_frames)
{
    static const struct {
        const char *what;
        unsigned char bytes[8];
        size_t n;
        enum chan_peek want;
    } cases[] = {
        {"nothing but a piece of a header", {1, 0}, 2, CHAN_PEEK_MORE},
        {"half a packet", {4, 0, 0, 0, 'a'}, 5, CHAN_PEEK_MORE},
        {"wrong id", {1, 0, 0, 1, 'a'}, 5, CHAN_PEEK_BAD_SEQ},
        {"too large", {0, 0, 2, 0, 'a'}, 5, CHAN_PEEK_TOO_LARGE},
        {"whole", {1, 0, 0, 0, 'a'}, 5, CHAN_PEEK_MORE},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        set_up_pair();
        t.b.c.max_packet = 1000;
        t.b.last_peek = 99;
        to_put.data = cases[i].bytes;
        to_put.n = cases[i].n;
        ck_assert_int_eq(write(t.fd[0], cases[i].bytes, cases[i].n), (ssize_t)cases[i].n);
        for (int k = 0; k < 3; k++)
            worker_turn(t.w, 10);
        ck_assert_msg(t.b.last_peek == cases[i].want, "%s: %d", cases[i].what, t.b.last_peek);
        tear_down_pair();
    }
}
END_TEST

static void post_timeout(struct worker *w, void *arg)
{
    (void)w;
    chan_set_timeout(arg, 5000);
    chan_set_timeout(arg, 30);
}

START_TEST(chan_times_out_and_notices_hangup_while_paused)
{
    set_up_pair();
    t.b.lazy = true;
    t.b.c.eager_eof = true;
    ck_assert_int_eq(write(t.fd[0], "\5\0\0\0ab", 6), 6);
    worker_post(t.w, post_timeout, &t.a.c);
    turns_until(&t.a.closed, 1, "timeout");
    ck_assert_int_eq(t.a.why, CHAN_TIMED_OUT);
    turns_until(&t.b.closed, 1, "hang-up");
    ck_assert_int_eq(t.b.why, CHAN_EOF);
    tear_down_pair();
}
END_TEST

/* --- TLS --- */

static SSL_CTX *server_ctx(void)
{
    EVP_PKEY *key = EVP_RSA_gen(2048);
    X509 *x = X509_new();
    SSL_CTX *ctx = SSL_CTX_new(TLS_server_method());
    X509_NAME *name = X509_get_subject_name(x);

    ASN1_INTEGER_set(X509_get_serialNumber(x), 1);
    X509_gmtime_adj(X509_getm_notBefore(x), -60);
    X509_gmtime_adj(X509_getm_notAfter(x), 3600);
    X509_set_pubkey(x, key);
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"localhost", -1, -1, 0);
    X509_set_issuer_name(x, name);
    ck_assert_int_gt(X509_sign(x, key, EVP_sha256()), 0);
    ck_assert_int_eq(SSL_CTX_use_certificate(ctx, x), 1);
    ck_assert_int_eq(SSL_CTX_use_PrivateKey(ctx, key), 1);
    X509_free(x);
    EVP_PKEY_free(key);
    return ctx;
}

static SSL_CTX *ctx_s, *ctx_c;

static void post_tls(struct worker *w, void *arg)
{
    (void)w;
    (void)arg;
    ck_assert(chan_start_tls(&t.b.c, ctx_s, true, NULL));
    ck_assert(chan_start_tls(&t.a.c, ctx_c, false, "localhost"));
    /* What is put before the handshake is through goes out behind it. */
    chan_put_packet(&t.a.c, "early", 5);
}

START_TEST(chan_speaks_tls)
{
    size_t n = 3000000;
    unsigned char *data = malloc(n);

    for (size_t i = 0; i < n; i++)
        data[i] = (unsigned char)(i * 13);
    ctx_s = server_ctx();
    ctx_c = SSL_CTX_new(TLS_client_method());
    if (_i)
        SSL_CTX_set_max_proto_version(ctx_c, TLS1_2_VERSION);
    set_up_pair();
    t.b.echo = t.b.reset_seq = true;
    t.a.reset_seq = true;
    worker_post(t.w, post_tls, NULL);
    turns_until(&t.a.ready, 1, "client ready");
    t.a.c.seq = 0;
    turns_until(&t.a.packets, 1, "early packet");
    ck_assert_uint_eq(t.b.ready, 1);
    to_put.data = data;
    to_put.n = n;
    to_put.by_ref = true;
    t.a.got_len = 0;
    worker_post(t.w, post_put, &t.a.c);
    worker_turn(t.w, 100);
    t.a.c.seq = 0;
    turns_until(&t.a.packets, 2, "large packet");
    ck_assert_uint_eq(t.a.got_len, n);
    ck_assert_msg(memcmp(t.a.got, data, n) == 0, "same bytes");
    worker_post(t.w, post_bye, &t.a.c);
    turns_until(&t.a.closed, 1, "flushed");
    turns_until(&t.b.closed, 1, "the peer sees the end");
    tear_down_pair();
    SSL_CTX_free(ctx_s);
    SSL_CTX_free(ctx_c);
    free(data);
}
END_TEST

static void post_tls_server(struct worker *w, void *arg)
{
    (void)w;
    (void)arg;
    ck_assert(chan_start_tls(&t.b.c, ctx_s, true, NULL));
}

START_TEST(chan_tls_garbage_ends_that_channel)
{
    ctx_s = server_ctx();
    set_up_pair();
    worker_post(t.w, post_tls_server, NULL);
    worker_turn(t.w, 10);
    ck_assert_int_eq(write(t.fd[0], "GET / HTTP/1.0\r\n\r\n", 18), 18);
    turns_until(&t.b.closed, 1, "closed");
    ck_assert_int_eq(t.b.why, CHAN_TLS_ERROR);
    tear_down_pair();
    SSL_CTX_free(ctx_s);
}
END_TEST

/* --- listeners --- */

static _Atomic uint32_t conns;
static _Atomic uint32_t placed[3];

static void on_accept(struct worker *w, int fd, const struct sockaddr_storage *peer, void *arg)
{
    (void)arg;
    ck_assert_ptr_eq(worker_current(), w);
    ck_assert_int_eq(peer->ss_family, AF_INET);
    atomic_fetch_add(&placed[w->index], 1);
    close(fd);
}

static int connect_to(uint16_t port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    ck_assert_int_eq(connect(fd, (struct sockaddr *)&a, sizeof(a)), 0);
    return fd;
}

START_TEST(listeners_spread_evenly_and_refuse_over_the_limit)
{
    struct worker *w[3];
    struct diag d = {0};
    struct listen_group *g;
    unsigned char buf[300];
    int fds[31], last;
    ssize_t n;
    struct packet_err e;

    atomic_store(&conns, 0);
    for (unsigned i = 0; i < 3; i++) {
        w[i] = worker_new(i);
        atomic_store(&placed[i], 0);
    }
    g = listen_open(&(struct listen_config){.host = "127.0.0.1",
                                            .count = &conns,
                                            .max_conns = 30,
                                            .workers = w,
                                            .n_workers = 3,
                                            .on_accept = on_accept},
                    &d);
    ck_assert_msg(g != NULL, "%s", d.text);
    ck_assert_uint_ne(listen_port(g), 0);
    for (unsigned i = 0; i < 3; i++)
        ck_assert(worker_start(w[i]));
    for (unsigned i = 0; i < 30; i++)
        fds[i] = connect_to(listen_port(g));
    for (int i = 0; i < 200 && atomic_load(&placed[0]) + atomic_load(&placed[1]) + atomic_load(&placed[2]) < 30; i++)
        usleep(10000);
    for (unsigned i = 0; i < 3; i++)
        ck_assert_msg(atomic_load(&placed[i]) == 10, "worker %u has %u", i, atomic_load(&placed[i]));
    last = connect_to(listen_port(g));
    n = recv(last, buf, sizeof(buf), 0);
    ck_assert_msg(n > 4 && packet_err_parse(buf + 4, (size_t)n - 4, &e) && e.code == 1040, "error 1040");
    close(last);
    listen_close(g);
    for (unsigned i = 0; i < 30; i++)
        close(fds[i]);
    for (unsigned i = 0; i < 3; i++) {
        worker_stop(w[i]);
        worker_join(w[i]);
    }
    listen_free(g);
    for (unsigned i = 0; i < 3; i++)
        worker_free(w[i]);
}
END_TEST

/* --- codec --- */

static unsigned char wire[70000];

START_TEST(ok_round_trip)
{
    static const struct {
        const char *what;
        struct packet_ok ok;
        uint64_t caps;
    } cases[] = {
        {"plain", {.affected_rows = 1, .insert_id = 2, .status = 2, .warnings = 3}, 0},
        {"large numbers", {.affected_rows = 70000, .insert_id = UINT64_MAX, .status = 2}, CAP_SESSION_TRACK},
        {"info without tracking", {.status = 2, .info = {"Rows matched: 1", 15}}, 0},
        {"info with tracking", {.status = 2, .info = {"Rows matched: 1", 15}}, CAP_SESSION_TRACK},
        {"tracking", {.status = 2 | STATUS_SESSION_CHANGED, .track = {"\1\4\3abc", 6}}, CAP_SESSION_TRACK},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct packet_ok *in = &cases[i].ok;
        unsigned char *end = packet_ok_encode(wire, in, 0, cases[i].caps);
        struct packet_ok out;

        ck_assert_uint_le((size_t)(end - wire), packet_ok_size(in));
        ck_assert_msg(packet_ok_parse(wire, (size_t)(end - wire), cases[i].caps, &out), "%s", cases[i].what);
        ck_assert_msg(out.affected_rows == in->affected_rows && out.insert_id == in->insert_id &&
                          out.status == in->status && out.warnings == in->warnings && sv_eq(out.info, in->info) &&
                          sv_eq(out.track, in->track),
                      "%s", cases[i].what);
    }
}
END_TEST

START_TEST(session_track_round_trip)
{
    struct arena a;
    struct strbuf b;
    struct packet_track in[] = {
        {TRACK_SYSVAR, SV("autocommit"), SV("OFF")},
        {TRACK_SCHEMA, SV_NULL, SV("shop")},
        {TRACK_TRX_STATE, SV_NULL, SV("T_______")},
        {TRACK_GTIDS, SV_NULL, SV("uuid:1")},
        {TRACK_CHANGED, SV_NULL, SV("1")},
    };
    struct packet_track out;
    struct sv rest;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    for (size_t i = 0; i < ARRAY_LEN(in); i++)
        packet_track_put(&b, &in[i]);
    rest = strbuf_sv(&b);
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        ck_assert(packet_track_next(&rest, &out));
        ck_assert(out.type == in[i].type && sv_eq(out.name, in[i].name) && sv_eq(out.value, in[i].value));
    }
    ck_assert(!packet_track_next(&rest, &out));
    ck_assert_uint_eq(rest.len, 0);
    rest = sv_make(strbuf_sv(&b).ptr, 9);
    ck_assert_msg(!packet_track_next(&rest, &out) && rest.len == 9, "cut short");
    arena_free(&a);
}
END_TEST

START_TEST(err_and_coldef_round_trip)
{
    struct packet_err e;
    struct packet_coldef c = {.schema = SV("shop"),
                              .table = SV("o"),
                              .org_table = SV("orders"),
                              .name = SV("n"),
                              .org_name = SV("name"),
                              .length = 1020,
                              .charset = 255,
                              .type = WIRE_VAR_STRING,
                              .flags = WIRE_FLAG_NOT_NULL,
                              .decimals = 31},
                         out;
    unsigned char *end = packet_err_encode(wire, 1062, "23000", SV("Duplicate entry"));

    ck_assert(packet_err_parse(wire, (size_t)(end - wire), &e));
    ck_assert(e.code == 1062 && strcmp(e.sqlstate, "23000") == 0 && sv_eq_cstr(e.text, "Duplicate entry"));
    ck_assert(packet_err_parse((const unsigned char *)"\xff\x10\x04Too many connections", 23, &e));
    ck_assert(e.code == 1040 && strcmp(e.sqlstate, "HY000") == 0);
    end = packet_coldef_encode(wire, &c);
    ck_assert_uint_le((size_t)(end - wire), packet_coldef_size(&c));
    ck_assert(packet_coldef_parse(wire, (size_t)(end - wire), &out));
    ck_assert(sv_eq(out.schema, c.schema) && sv_eq(out.org_name, c.org_name) && out.length == c.length &&
              out.charset == c.charset && out.type == c.type && out.flags == c.flags && out.decimals == c.decimals);
    for (size_t n = 0; n < (size_t)(end - wire); n++)
        ck_assert_msg(!packet_coldef_parse(wire, n, &out) || n >= (size_t)(end - wire), "cut at %zu", n);
}
END_TEST

START_TEST(login_round_trip)
{
    struct packet_greeting g = {.version = SV("8.0.36-tessera"),
                                .conn_id = 77,
                                .caps = CAP_PROTOCOL_41 | CAP_PLUGIN_AUTH | CAP_SECURE_CONNECTION | CAP_DEPRECATE_EOF,
                                .charset = 45,
                                .status = 2,
                                .plugin = SV("caching_sha2_password")},
                           g2;
    struct packet_login l = {.caps = CAP_PROTOCOL_41 | CAP_PLUGIN_AUTH | CAP_SECURE_CONNECTION |
                                     CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_WITH_DB | CAP_CONNECT_ATTRS,
                             .max_packet = 1 << 24,
                             .charset = 255,
                             .user = SV("app"),
                             .auth = SV("12345678901234567890"),
                             .db = SV("shop"),
                             .plugin = SV("mysql_native_password"),
                             .attrs = SV("\1k\2vv")},
                        l2;
    struct packet_err err;
    struct sv rest, key, value;
    unsigned char *end;

    auth_make_nonce(g.nonce);
    end = packet_greeting_encode(wire, &g);
    ck_assert(packet_greeting_parse(wire, (size_t)(end - wire), &g2, &err));
    ck_assert(sv_eq(g.version, g2.version) && g.conn_id == g2.conn_id && g.caps == g2.caps && g.charset == g2.charset &&
              sv_eq(g.plugin, g2.plugin) && memcmp(g.nonce, g2.nonce, sizeof(g.nonce)) == 0);
    end = packet_login_encode(wire, &l);
    ck_assert_uint_le((size_t)(end - wire), packet_login_size(&l));
    ck_assert(packet_login_parse(wire, (size_t)(end - wire), &l2));
    ck_assert(sv_eq(l.user, l2.user) && sv_eq(l.auth, l2.auth) && sv_eq(l.db, l2.db) && sv_eq(l.plugin, l2.plugin) &&
              sv_eq(l.attrs, l2.attrs) && l.charset == l2.charset && !l2.is_ssl_request);
    rest = l2.attrs;
    ck_assert(packet_attr_next(&rest, &key, &value) && sv_eq_cstr(key, "k") && sv_eq_cstr(value, "vv"));
    ck_assert(!packet_attr_next(&rest, &key, &value));
    l.caps |= CAP_SSL;
    l.is_ssl_request = true;
    end = packet_login_encode(wire, &l);
    ck_assert_int_eq(end - wire, 32);
    ck_assert(packet_login_parse(wire, 32, &l2) && l2.is_ssl_request);
    ck_assert(!packet_login_parse(wire, 31, &l2));
    wire[1] &= (unsigned char)~(CAP_PROTOCOL_41 >> 8);
    ck_assert(!packet_login_parse(wire, 32, &l2));
}
END_TEST

START_TEST(execute_round_trip)
{
    struct arena a;
    struct strbuf b;
    struct packet_param in[] = {
        {.type = WIRE_LONGLONG, .bytes = SV("\1\0\0\0\0\0\0\0")},
        {.type = WIRE_VAR_STRING, .bytes = SV("hello")},
        {.type = WIRE_NULL, .is_null = true},
        {.type = WIRE_DATETIME, .bytes = SV("\xea\x07\x0b\x14\x11\x12\x13")},
        {.type = WIRE_TINY, .is_unsigned = true, .bytes = SV("\xff")},
    };
    unsigned char types[2 * ARRAY_LEN(in)] = {0}, copy[200];
    struct packet_execute e;
    struct wire_value v;
    char buf[WIRE_TEXT_MAX];
    static const char *const want[] = {"1", "hello", NULL, "2026-11-20 17:18:19", "255"};
    size_t n;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    packet_execute_build(&b, 9, 0, in, ARRAY_LEN(in));
    n = b.len;
    memcpy(copy, b.ptr, n);
    ck_assert(packet_execute_parse(copy, n, 0, ARRAY_LEN(in), types, NULL, &a, &e));
    ck_assert(e.stmt_id == 9 && e.new_types && e.n_params == ARRAY_LEN(in) && e.n_attrs == 0);
    for (size_t i = 0; i < ARRAY_LEN(in); i++) {
        ck_assert_msg(wire_param_value(&e.params[i], &v), "parameter %zu", i);
        if (want[i])
            ck_assert_msg(sv_eq_cstr(wire_value_text(&v, 31, buf), want[i]), "parameter %zu", i);
        else
            ck_assert_int_eq(v.kind, WIRE_KIND_NULL);
    }
    /* Bound before: the second packet brings no types. */
    memmove(copy + 12, copy + 12 + 2 * ARRAY_LEN(in), n - 12 - 2 * ARRAY_LEN(in));
    copy[11] = 0;
    n -= 2 * ARRAY_LEN(in);
    ck_assert(packet_execute_parse(copy, n, 0, ARRAY_LEN(in), types, NULL, &a, &e));
    ck_assert(e.params[4].is_unsigned && e.params[1].type == WIRE_VAR_STRING && !e.new_types);
    ck_assert_msg(!packet_execute_parse(copy, n, 0, ARRAY_LEN(in), NULL, NULL, &a, &e), "types were never told");
    for (size_t cut = 0; cut < n; cut++)
        ck_assert_msg(!packet_execute_parse(copy, cut, 0, ARRAY_LEN(in), types, NULL, &a, &e), "cut at %zu", cut);
    arena_free(&a);
}
END_TEST

START_TEST(query_attributes)
{
    /* two attributes: bitmap 01 (the first is NULL), types with names "a" and "" */
    static const unsigned char two[] = {2, 1, 1, 1, WIRE_STRING, 0, 1, 'a', WIRE_TINY, 0, 0, 7, 'S', '1'};
    static const unsigned char none[] = {0, 1, 'S', '1'};
    struct arena a;
    struct packet_query p;

    arena_init(&a, 0);
    ck_assert(packet_query_parse(two, sizeof(two), CAP_QUERY_ATTRIBUTES, &a, &p));
    ck_assert(p.n_params == 2 && p.params[0].is_null && sv_eq_cstr(p.params[0].name, "a") && sv_eq_cstr(p.text, "S1"));
    ck_assert(packet_query_parse(none, sizeof(none), CAP_QUERY_ATTRIBUTES, &a, &p));
    ck_assert(p.n_params == 0 && sv_eq_cstr(p.text, "S1"));
    ck_assert(packet_query_parse(none + 2, 2, 0, &a, &p) && sv_eq_cstr(p.text, "S1"));
    for (size_t i = 0; i < 12; i++)
        ck_assert_msg(!packet_query_parse(two, i, CAP_QUERY_ATTRIBUTES, &a, &p), "cut at %zu", i);
    arena_free(&a);
}
END_TEST

/* With query attributes negotiated the count stands before the values of every statement with parameters, flag or not
 * (Connector/J sends it so). */
START_TEST(execute_with_count)
{
    unsigned char one[] = {PCOM_STMT_EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, WIRE_STRING, 0, 0, 2, 'h', 'i'};
    unsigned char null[] = {PCOM_STMT_EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0};
    unsigned char none[] = {PCOM_STMT_EXECUTE, 1, 0, 0, 0, 0, 1, 0, 0, 0};
    unsigned char types[2] = {0};
    struct packet_execute e;
    struct arena a;

    arena_init(&a, 0);
    ck_assert(packet_execute_parse(one, sizeof(one), CAP_QUERY_ATTRIBUTES, 1, types, NULL, &a, &e));
    ck_assert(e.n_params == 1 && e.n_attrs == 0 && !e.params[0].is_null && sv_eq_cstr(e.params[0].bytes, "hi"));
    for (size_t i = 0; i < sizeof(one); i++)
        ck_assert_msg(!packet_execute_parse(one, i, CAP_QUERY_ATTRIBUTES, 1, types, NULL, &a, &e), "cut at %zu", i);
    ck_assert(packet_execute_parse(null, sizeof(null), CAP_QUERY_ATTRIBUTES, 1, types, NULL, &a, &e));
    ck_assert_msg(e.params[0].is_null, "NULL of a type that was never told");
    ck_assert(packet_execute_parse(none, sizeof(none), CAP_QUERY_ATTRIBUTES, 0, NULL, NULL, &a, &e));
    ck_assert(e.n_params == 0 && e.n_attrs == 0);
    arena_free(&a);
}
END_TEST

START_TEST(rows_text_to_binary_and_back)
{
    static const struct {
        uint8_t type;
        bool is_unsigned;
        const char *text;
        const char *back; /* NULL: as text; "!": no value of the type */
    } cases[] = {
        {WIRE_TINY, false, "-128", NULL},
        {WIRE_TINY, true, "255", NULL},
        {WIRE_SHORT, false, "-32768", NULL},
        {WIRE_YEAR, true, "2026", NULL},
        {WIRE_LONG, false, "-2147483648", NULL},
        {WIRE_INT24, true, "16777215", NULL},
        {WIRE_LONGLONG, false, "-9223372036854775808", NULL},
        {WIRE_LONGLONG, true, "18446744073709551615", NULL},
        {WIRE_LONGLONG, true, "18446744073709551616", "!"},
        {WIRE_LONGLONG, false, "1x", "!"},
        {WIRE_LONGLONG, false, "", "!"},
        {WIRE_DOUBLE, false, "0.1", NULL},
        {WIRE_DOUBLE, false, "1e20", NULL},
        {WIRE_DOUBLE, false, "-1.5e-30", NULL},
        {WIRE_DOUBLE, false, "100000000000000", NULL},
        {WIRE_DOUBLE, false, "1000000000000000", "1e15"},
        {WIRE_DOUBLE, false, "0.000000000000001", NULL},
        {WIRE_DOUBLE, false, "1.7976931348623157e308", NULL},
        {WIRE_FLOAT, false, "0.1", NULL},
        {WIRE_FLOAT, false, "3.40282e38", NULL},
        {WIRE_DATE, false, "2026-02-28", NULL},
        {WIRE_DATE, false, "0000-00-00", NULL},
        {WIRE_DATE, false, "2026-02", "!"},
        {WIRE_DATETIME, false, "2026-02-28 00:00:00", NULL},
        {WIRE_DATETIME, false, "2026-02-28 23:59:59.123456", NULL},
        {WIRE_TIMESTAMP, false, "2026-02-28 23:59:59.100", "2026-02-28 23:59:59.100000"},
        {WIRE_TIME, false, "-838:59:59", NULL},
        {WIRE_TIME, false, "00:00:00.000001", NULL},
        {WIRE_TIME, false, "1:2", "!"},
        {WIRE_NEWDECIMAL, false, "-12345.678900", NULL},
        {WIRE_VAR_STRING, false, "", NULL},
        {WIRE_BLOB, false, "bytes", NULL},
        {WIRE_JSON, false, "{\"a\": 1}", NULL},
        {WIRE_BIT, false, "\5", NULL},
        {WIRE_ENUM, false, "small", NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct packet_coldef col[3] = {{.type = WIRE_LONG},
                                       {.type = cases[i].type, .flags = cases[i].is_unsigned ? WIRE_FLAG_UNSIGNED : 0},
                                       {.type = WIRE_VAR_STRING}};
        struct sv in[3] = {SV("7"), sv_cstr(cases[i].text), SV_NULL}, got;
        struct wire_value v[3];
        char buf[WIRE_TEXT_MAX];
        unsigned char *end;
        const char *want = cases[i].back ? cases[i].back : cases[i].text;

        end = rowbin_from_text(wire, col, in, 3);
        if (strcmp(want, "!") == 0) {
            ck_assert_msg(end == NULL, "'%s' is no value of type %u", cases[i].text, cases[i].type);
            continue;
        }
        ck_assert_msg(end != NULL, "'%s' as type %u", cases[i].text, cases[i].type);
        ck_assert_uint_le((size_t)(end - wire), rowbin_size(col, in, 3));
        ck_assert(rowbin_decode(wire, (size_t)(end - wire), col, 3, v));
        got = wire_value_text(&v[1], 31, buf);
        ck_assert_msg(sv_eq_cstr(got, want), "type %u: '%.*s', not '%s'", cases[i].type, SV_ARG(got), want);
        ck_assert(v[0].kind == WIRE_KIND_INT && v[0].i == 7 && v[2].kind == WIRE_KIND_NULL);
        for (size_t n = 0; n < (size_t)(end - wire); n++)
            ck_assert(!rowbin_decode(wire, n, col, 3, v));
    }
}
END_TEST

START_TEST(rows_text)
{
    static char long_text[70000];
    struct sv in[] = {SV("a"), SV(""), SV_NULL, {long_text, 300}, {long_text, 65536 + 10}}, out[5];
    unsigned char *buf = malloc(rowtext_size(in, 5)), *end = rowtext_encode(buf, in, 5);

    ck_assert_uint_eq((size_t)(end - buf), rowtext_size(in, 5));
    ck_assert(rowtext_decode(buf, (size_t)(end - buf), out, 5));
    for (int i = 0; i < 5; i++)
        ck_assert((in[i].ptr == NULL) == (out[i].ptr == NULL) && sv_eq(in[i], out[i]));
    ck_assert(!rowtext_decode(buf, (size_t)(end - buf), out, 4));
    ck_assert(!rowtext_decode(buf, (size_t)(end - buf) - 1, out, 5));
    free(buf);
}
END_TEST

START_TEST(framer_finds_packets_in_any_cut)
{
    enum { PACKETS = 500 };
    size_t n = 0, starts[PACKETS];
    unsigned char *s = malloc(40 << 20);

    for (unsigned i = 0; i < PACKETS; i++) {
        size_t len = i == 250 ? 0xffffff : i == 300 ? 0 : rnd() % 60;

        starts[i] = n;
        packet_put_header(s + n, len, (uint8_t)i);
        memset(s + n + 4, (int)i, len);
        n += 4 + len;
        if (i == 250) {
            packet_put_header(s + n, 3, (uint8_t)(i + 1));
            n += 4 + 3;
        }
    }
    for (unsigned round = 0; round < 30; round++) {
        struct framer f = {0};
        struct framer_start st;
        size_t have = 0, at = 0;
        unsigned found = 0;

        while (at < n) {
            size_t pos = 0;

            have = MIN(n, MAX(have, at) + 1 + (rnd() % 3 ? rnd() % 9 : rnd() % 2000000));
            while (framer_scan(&f, s + at, have - at, &pos, &st)) {
                ck_assert_uint_lt(found, PACKETS);
                ck_assert_msg(at + pos == starts[found], "packet %u at %zu", found, at + pos);
                ck_assert_int_eq(st.first, st.len ? (int)(found & 255) : -1);
                found++;
                framer_enter(&f, &st, &pos);
            }
            ck_assert_msg(have - at - pos <= 4, "at most a header is left");
            at += pos;
            if (have == n && at == n)
                break;
        }
        ck_assert_uint_eq(found, PACKETS);
        ck_assert(framer_at_border(&f));
    }
    free(s);
}
END_TEST

/* --- login methods --- */

/* Runs both machines against each other; true: let in. */
static bool dance(struct sv secret, struct sv password, struct sv first_plugin, bool secure, unsigned *packets)
{
    unsigned char nonce[PACKET_NONCE_BYTES];
    struct auth_server *s = calloc(1, sizeof(*s));
    struct auth_client *c = calloc(1, sizeof(*c));
    struct diag d = {0};
    enum auth_step step, back;
    bool in = false;

    *packets = 0;
    auth_make_nonce(nonce);
    auth_server_init(s, nonce, secure);
    auth_client_init(c, first_plugin, nonce, password, secure);
    step = auth_server_start(s, SV("app"), secret, auth_plugin_name(c->plugin), sv_make((char *)c->out, c->out_len),
                             &d);
    for (int i = 0; i < 10; i++) {
        if (step == AUTH_OK || step == AUTH_SEND_OK) {
            in = true;
            if (step == AUTH_SEND_OK)
                ck_assert_int_eq(auth_client_feed(c, s->out, s->out_len, &d), AUTH_WAIT);
            ck_assert_int_eq(auth_client_feed(c, (const unsigned char *)"\0\0\0\2\0\0\0", 7, &d), AUTH_OK);
            break;
        }
        if (step != AUTH_SEND)
            break;
        back = auth_client_feed(c, s->out, s->out_len, &d);
        ck_assert_int_eq(back, AUTH_SEND);
        (*packets)++;
        step = auth_server_feed(s, c->out, c->out_len, &d);
    }
    if (!in)
        ck_assert_int_eq(step, AUTH_DENIED);
    free(s);
    free(c);
    return in;
}

START_TEST(login_methods_agree)
{
    static const char *const plugins[] = {"mysql_native_password", "caching_sha2_password", "something_else"};
    char native[AUTH_SECRET_MAX], sha2[AUTH_SECRET_MAX];
    struct sv pw = SV("p\xc3\xa4ss wort, 33 bytes and more: 0123456789");
    struct sv secrets[2] = {auth_make_secret(AUTH_NATIVE, pw, native), auth_make_secret(AUTH_SHA2, pw, sha2)};
    unsigned n;

    auth_global_init();
    for (int secure = 0; secure < 2; secure++) {
        for (int p = 0; p < 3; p++) {
            for (int s = 0; s < 2; s++) {
                auth_cache_clear();
                ck_assert(!dance(secrets[s], SV("wrong"), sv_cstr(plugins[p]), secure, &n));
                ck_assert(!dance(secrets[s], SV(""), sv_cstr(plugins[p]), secure, &n));
                ck_assert_msg(dance(secrets[s], pw, sv_cstr(plugins[p]), secure, &n), "%d %d %d", secure, p, s);
                if (s == 1) {
                    ck_assert_msg(dance(secrets[s], pw, SV("caching_sha2_password"), secure, &n), "again");
                    ck_assert_msg(n == 0, "the second time is fast: %u", n);
                }
                ck_assert(!dance(secrets[s], SV("wrong"), sv_cstr(plugins[p]), secure, &n));
            }
            ck_assert_msg(!dance(SV_NULL, pw, sv_cstr(plugins[p]), secure, &n), "an unknown user");
            ck_assert_msg(!dance(SV_NULL, SV(""), sv_cstr(plugins[p]), secure, &n), "an unknown user");
            ck_assert_msg(dance(SV(""), SV(""), sv_cstr(plugins[p]), secure, &n), "empty password");
            ck_assert_msg(!dance(SV(""), pw, sv_cstr(plugins[p]), secure, &n), "a password where none is set");
        }
    }
    auth_global_free();
}
END_TEST

START_TEST(secrets_have_mysqls_form)
{
    /* Made by MySQL 9.7 for IDENTIFIED BY 'password'. */
    static const char theirs[] = "$A$00A$W6Y2E\x14\x1b"
                                 "j!\x07"
                                 "Ng`FWGlJ[\x1f"
                                 "Xlf4r7fuqvwoCrxYRpeGjMCxoJ4m1uAu70W4mNFLLMA";
    char buf[AUTH_SECRET_MAX];
    struct sv s = auth_make_secret(AUTH_NATIVE, SV("password"), buf);

    ck_assert_msg(sv_eq_cstr(s, "*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"), "PASSWORD('password')");
    ck_assert(auth_check_password(s, SV("password")) && !auth_check_password(s, SV("Password")));
    ck_assert_int_eq(auth_secret_plugin(s), AUTH_NATIVE);
    s = auth_make_secret(AUTH_SHA2, SV("password"), buf);
    ck_assert_uint_eq(s.len, 70);
    ck_assert_int_eq(auth_secret_plugin(s), AUTH_SHA2);
    ck_assert(auth_check_password(s, SV("password")) && !auth_check_password(s, SV("Password")));
    ck_assert_uint_eq(sizeof(theirs) - 1, 70);
    ck_assert(auth_check_password(sv_make(theirs, 70), SV("password")) &&
              !auth_check_password(sv_make(theirs, 70), SV("passwort")));
    ck_assert_int_eq(auth_secret_plugin(SV("!nonsense")), AUTH_OTHER);
    ck_assert(!auth_check_password(SV("!nonsense"), SV("x")));
}
END_TEST

static Suite *make_suite(void)
{
    Suite *s = suite_create("net");
    TCase *c = tcase_create("loop");

    tcase_set_timeout(c, 60);
    tcase_add_test(c, wheel_fires_like_a_model);
    tcase_add_test(c, worker_runs_posts_tasks_timers);
    suite_add_tcase(s, c);
    c = tcase_create("chan");
    tcase_set_timeout(c, 120);
    tcase_add_loop_test(c, chan_carries_packets_of_all_sizes, 0, 2 * (int)ARRAY_LEN(sizes));
    tcase_add_test(c, chan_takes_any_cuts);
    tcase_add_test(c, chan_tells_full_and_drained);
    tcase_add_test(c, chan_closes_after_flush);
    tcase_add_test(c, chan_holds_releases_drops);
    tcase_add_test(c, chan_refuses_bad_frames);
    tcase_add_test(c, chan_times_out_and_notices_hangup_while_paused);
    tcase_add_loop_test(c, chan_speaks_tls, 0, 2);
    tcase_add_test(c, chan_tls_garbage_ends_that_channel);
    tcase_add_test(c, listeners_spread_evenly_and_refuse_over_the_limit);
    suite_add_tcase(s, c);
    c = tcase_create("codec");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, ok_round_trip);
    tcase_add_test(c, session_track_round_trip);
    tcase_add_test(c, err_and_coldef_round_trip);
    tcase_add_test(c, login_round_trip);
    tcase_add_test(c, execute_round_trip);
    tcase_add_test(c, query_attributes);
    tcase_add_test(c, execute_with_count);
    tcase_add_test(c, rows_text);
    tcase_add_test(c, rows_text_to_binary_and_back);
    tcase_add_test(c, framer_finds_packets_in_any_cut);
    suite_add_tcase(s, c);
    c = tcase_create("auth");
    tcase_set_timeout(c, 60);
    tcase_add_test(c, login_methods_agree);
    tcase_add_test(c, secrets_have_mysqls_form);
    suite_add_tcase(s, c);
    return s;
}

int main(void)
{
    SRunner *sr = srunner_create(make_suite());
    int failed;

    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
