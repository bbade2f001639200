/* Channel: TLS. OpenSSL never sees the socket: a BIO of our own takes ciphertext from the bytes just read and
 * collects what OpenSSL writes in a buffer that all channels of the worker share, so that an idle connection keeps
 * no buffers of its own and several records leave in one write. Decryption goes on until everything read is used
 * up: no ciphertext waits anywhere but inside OpenSSL's incomplete record. */
#include "net/chan-int.h"

#include "util/arena.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <pthread.h>

static BIO_METHOD *bio_method;
static pthread_once_t bio_once = PTHREAD_ONCE_INIT;

static int bio_read(BIO *b, char *buf, int n)
{
    struct chan *c = BIO_get_data(b);
    size_t k = MIN((size_t)MAX(n, 0), c->tls_in_len);

    BIO_clear_retry_flags(b);
    if (k == 0) {
        BIO_set_retry_read(b);
        return -1;
    }
    memcpy(buf, c->tls_in, k);
    c->tls_in += k;
    c->tls_in_len -= k;
    return (int)k;
}

static int bio_write(BIO *b, const char *buf, int n)
{
    struct chan *c = BIO_get_data(b);
    struct chan_scratch *s = chan_scratch_of(c->worker);
    size_t need;

    BIO_clear_retry_flags(b);
    if (n <= 0)
        return 0;
    need = s->cipher_len + (size_t)n;
    if (need > s->cipher_cap) {
        s->cipher_cap = MAX(need, s->cipher_cap * 2 + 4096);
        s->cipher = xrealloc(s->cipher, s->cipher_cap);
    }
    memcpy(s->cipher + s->cipher_len, buf, (size_t)n);
    s->cipher_len = need;
    return n;
}

static long bio_ctrl(BIO *b, int cmd, long num, void *ptr)
{
    (void)b;
    (void)num;
    (void)ptr;
    return cmd == BIO_CTRL_FLUSH ? 1 : 0;
}

static void make_bio_method(void)
{
    bio_method = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "tessera channel");
    CHECK(bio_method);
    BIO_meth_set_read(bio_method, bio_read);
    BIO_meth_set_write(bio_method, bio_write);
    BIO_meth_set_ctrl(bio_method, bio_ctrl);
}

void chan_tls_free(struct chan *c)
{
    SSL_free(c->ssl);
    c->ssl = NULL;
}

/* Ciphertext collected during a call goes to the socket. */
static void send_cipher(struct chan *c)
{
    struct chan_scratch *s = chan_scratch_of(c->worker);
    struct iovec v = {s->cipher, s->cipher_len};

    if (s->cipher_len == 0)
        return;
    s->cipher_len = 0;
    chan_raw_out(c, &v, 1);
    if (s->cipher_cap > 256 * 1024) {
        xfree(s->cipher);
        s->cipher = NULL;
        s->cipher_cap = 0;
    }
}

void chan_tls_bye(struct chan *c)
{
    ERR_clear_error();
    SSL_shutdown(c->ssl);
    send_cipher(c);
}

static void tls_failed(struct chan *c)
{
    unsigned long e = ERR_peek_error();

    ERR_clear_error();
    send_cipher(c); /* the alert that tells the peer */
    chan_break(c, CHAN_TLS_ERROR, (int)e);
}

/* Goes on with the handshake. False: not complete, or broken. */
static bool shake_hands(struct chan *c)
{
    int r = SSL_do_handshake(c->ssl);

    if (r == 1) {
        send_cipher(c);
        if (c->state != CHAN_TLS)
            return false;
        chan_set_state(c, CHAN_OPEN);
        /* What was put meanwhile was held. */
        if (!c->holding) {
            c->holding = true;
            chan_release(c, UINT64_MAX);
        }
        if (c->ops->on_ready)
            c->ops->on_ready(c);
        return c->state == CHAN_OPEN;
    }
    if (SSL_get_error(c->ssl, r) != SSL_ERROR_WANT_READ) {
        tls_failed(c);
        return false;
    }
    send_cipher(c);
    return false;
}

bool chan_tls_feed(struct chan *c, const unsigned char *p, size_t n)
{
    ERR_clear_error();
    c->tls_in = p;
    c->tls_in_len = n;
    if (c->state == CHAN_TLS && !shake_hands(c))
        return c->state != CHAN_BROKEN && c->state != CHAN_CLOSED;
    while (c->ssl) {
        size_t got = 0;
        int r;

        if (!chan_in_room(c, 1))
            return false;
        r = SSL_read_ex(c->ssl, c->in + c->in_end, c->in_cap - c->in_end, &got);
        if (r == 1) {
            c->in_end += (uint32_t)got;
            continue;
        }
        switch (SSL_get_error(c->ssl, r)) {
        case SSL_ERROR_WANT_READ:
            send_cipher(c);
            return c->state == CHAN_OPEN;
        case SSL_ERROR_ZERO_RETURN:
            send_cipher(c);
            if (chan_in_len(c) == 0)
                chan_break(c, CHAN_EOF, 0);
            else
                c->eof_seen = true;
            return c->state == CHAN_OPEN;
        default:
            tls_failed(c);
            return false;
        }
    }
    return false;
}

/* Small pieces share a record: every record costs some 30 bytes and an own pass of the cipher. */
void chan_tls_out(struct chan *c, const struct iovec *v, uint32_t n)
{
    struct chan_scratch *s = chan_scratch_of(c->worker);
    size_t have = 0, total = 0, done;

    ERR_clear_error();
    for (uint32_t i = 0; i < n; i++) {
        const unsigned char *p = v[i].iov_base;
        size_t len = v[i].iov_len;

        total += len;
        while (len) {
            size_t k = MIN(len, sizeof(s->plain) - have);

            memcpy(s->plain + have, p, k);
            have += k;
            p += k;
            len -= k;
            if (have == sizeof(s->plain)) {
                if (SSL_write_ex(c->ssl, s->plain, have, &done) != 1) {
                    tls_failed(c);
                    return;
                }
                have = 0;
            }
        }
    }
    if (have && SSL_write_ex(c->ssl, s->plain, have, &done) != 1) {
        tls_failed(c);
        return;
    }
    /* Whoever asks whether a command can have arrived must be told yes from here on: ciphertext is not counted. */
    c->out_sent += total;
    send_cipher(c);
}

bool chan_start_tls(struct chan *c, struct ssl_ctx_st *ctx, bool server, const char *server_name)
{
    BIO *bio;
    unsigned char *early = NULL;
    size_t n_early;

    ASSERT(c->state == CHAN_OPEN && !c->ssl);
    pthread_once(&bio_once, make_bio_method);
    chan_flush(c);
    ERR_clear_error();
    c->ssl = SSL_new(ctx);
    bio = c->ssl ? BIO_new(bio_method) : NULL;
    if (!bio) {
        chan_tls_free(c);
        return false;
    }
    BIO_set_data(bio, c);
    BIO_set_init(bio, 1);
    SSL_set_bio(c->ssl, bio, bio);
    SSL_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS);
    SSL_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_IGNORE_UNEXPECTED_EOF);
    if (!server && server_name) {
        /* What SSL_set_tlsext_host_name does, whose cast drops const. */
        if (SSL_ctrl(c->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name,
                     (void *)(uintptr_t)server_name) != 1 ||
            SSL_set1_host(c->ssl, server_name) != 1) {
            chan_tls_free(c);
            return false;
        }
    }
    if (c->state != CHAN_OPEN)
        return true; /* the flush above broke it: on_closed is on its way */
    chan_set_state(c, CHAN_TLS);
    if (server)
        SSL_set_accept_state(c->ssl);
    else
        SSL_set_connect_state(c->ssl);
    /* Bytes behind the request are the peer's first ones of TLS. */
    n_early = chan_in_len(c);
    if (n_early) {
        early = xmalloc(n_early);
        memcpy(early, chan_in(c), n_early);
        chan_consume(c, n_early);
    }
    if (n_early || !server) {
        if (chan_tls_feed(c, early, n_early) && chan_in_len(c) && c->state == CHAN_OPEN) {
            c->wants_input = true;
            worker_task_queue(c->worker, &c->task);
        }
    }
    xfree(early);
    return true;
}
