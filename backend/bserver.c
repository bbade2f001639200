#include "backend/bconn-int.h"
#include "util/arena.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <openssl/ssl.h>
#include <stdio.h>
#include <sys/un.h>

static bool resolve(struct bserver *s, struct diag *d)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *list = NULL;
    char port[8];
    int err;

    snprintf(port, sizeof(port), "%u", s->port);
    err = getaddrinfo(s->host, port, &hints, &list);
    if (err)
        return diag_set(d, ER_SHARD_DOWN, s->name, gai_strerror(err));
    for (struct addrinfo *ai = list; ai && s->n_addrs < BCONN_ADDRS_MAX; ai = ai->ai_next) {
        if (ai->ai_addrlen > sizeof(s->addrs[0].addr))
            continue;
        memcpy(&s->addrs[s->n_addrs].addr, ai->ai_addr, ai->ai_addrlen);
        s->addrs[s->n_addrs++].len = ai->ai_addrlen;
    }
    freeaddrinfo(list);
    if (s->n_addrs == 0)
        return diag_set(d, ER_SHARD_DOWN, s->name, "its host has no address");
    return true;
}

static bool set_unix_path(struct bserver *s, struct diag *d)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(s->host);

    if (n >= sizeof(un.sun_path))
        return diag_set(d, ER_SHARD_DOWN, s->name, "its socket's path is too long");
    memcpy(un.sun_path, s->host, n + 1);
    memcpy(&s->addrs[0].addr, &un, sizeof(un));
    s->addrs[0].len = sizeof(un);
    s->n_addrs = 1;
    return true;
}

struct bserver *bserver_new(struct sv name, const char *host, uint16_t port, const char *user, const char *password,
                            struct ssl_ctx_st *tls, struct diag *d)
{
    struct bserver *s = xcalloc(1, sizeof(*s));
    size_t n = MIN(name.len, sizeof(s->name) - 1);
    unsigned char bin[16];

    atomic_init(&s->refs, 1);
    if (n)
        memcpy(s->name, name.ptr, n);
    s->host = xstrdup(host);
    s->user = xstrdup(user);
    s->password = xstrdup(password ? password : "");
    s->port = port;
    s->connect_timeout_ms = 5000;
    if (tls && SSL_CTX_up_ref(tls) == 1)
        s->tls = tls;
    if (!strchr(host, '/') && inet_pton(AF_INET, host, bin) != 1 && inet_pton(AF_INET6, host, bin) != 1)
        s->tls_name = s->host;
    if (strchr(host, '/') ? !set_unix_path(s, d) : !resolve(s, d)) {
        bserver_unref(s);
        return NULL;
    }
    return s;
}

struct bserver *bserver_ref(struct bserver *s)
{
    atomic_fetch_add_explicit(&s->refs, 1, memory_order_relaxed);
    return s;
}

void bserver_unref(struct bserver *s)
{
    /* acq_rel: the last one sees all uses of the others before it frees. */
    if (!s || atomic_fetch_sub_explicit(&s->refs, 1, memory_order_acq_rel) != 1)
        return;
    xfree(s->host);
    xfree(s->user);
    xfree(s->password);
    SSL_CTX_free(s->tls);
    xfree(s);
}
