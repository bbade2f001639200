/* Listening sockets. Each worker accepts for itself on a socket of its own (SO_REUSEPORT spreads connections by hash);
 * a connection is counted against the worker with the fewest before it gets there, so that a burst spreads evenly,
 * and travels by that worker's mailbox when it is another one. */
#include "net/listen.h"

#include "net/packet.h"
#include "util/arena.h"
#include "util/log.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

enum { ACCEPTS_A_TURN = 64, BACKLOG = 4096, REST_MS = 100 };

struct listener {
    struct listen_group *group;
    struct worker *worker;
    int fd;
    bool armed;
    struct event ev;
    struct worker_timer rest; /* out of descriptors: wait a little instead of spinning */
};

struct listen_group {
    struct listen_config cfg;
    _Atomic uint32_t max_conns;
    _Atomic uint32_t open; /* listeners that have not closed yet */
    uint16_t port;
    uint32_t n;
    struct worker **workers;
    char *unix_path;
    struct listener *l;
};

struct handover {
    struct listen_group *group;
    int fd;
    struct sockaddr_storage peer;
};

void listen_conn_gone(struct worker *w, _Atomic uint32_t *count)
{
    atomic_fetch_sub_explicit(&w->sessions, 1, memory_order_relaxed);
    atomic_fetch_sub_explicit(count, 1, memory_order_relaxed);
}

static void take_over(struct worker *w, void *arg)
{
    struct handover *h = arg;
    struct listen_group *g = h->group;

    g->cfg.on_accept(w, h->fd, &h->peer, g->cfg.arg);
    xfree(h);
}

/* What a server says whose connections are used up, in place of its greeting. */
static void refuse(int fd)
{
    unsigned char buf[256], *end;

    end = packet_err_encode(buf + PACKET_HEADER_BYTES, ER_CON_COUNT_ERROR, diag_sqlstate(ER_CON_COUNT_ERROR),
                            sv_cstr(diag_format(ER_CON_COUNT_ERROR)));
    packet_put_header(buf, (size_t)(end - buf) - PACKET_HEADER_BYTES, 0);
    /* A fresh socket has room for it; if not, the client sees a closed connection. */
    if (send(fd, buf, (size_t)(end - buf), MSG_NOSIGNAL | MSG_DONTWAIT) < 0)
        log_debug(LOG_NET, "a refused client could not be told so");
    close(fd);
}

static void place(struct listener *l, int fd, const struct sockaddr_storage *peer)
{
    struct listen_group *g = l->group;
    uint32_t max = atomic_load_explicit(&g->max_conns, memory_order_relaxed), to;

    if (atomic_fetch_add_explicit(g->cfg.count, 1, memory_order_relaxed) >= max && max) {
        atomic_fetch_sub_explicit(g->cfg.count, 1, memory_order_relaxed);
        refuse(fd);
        return;
    }
    to = worker_pick(g->workers, g->n, l->worker->index);
    atomic_fetch_add_explicit(&g->workers[to]->sessions, 1, memory_order_relaxed);
    WORKER_COUNT(l->worker, accepts, 1);
    if (g->workers[to] == l->worker) {
        g->cfg.on_accept(l->worker, fd, peer, g->cfg.arg);
    } else {
        struct handover *h = xmalloc(sizeof(*h));

        *h = (struct handover){g, fd, *peer};
        WORKER_COUNT(l->worker, handovers, 1);
        worker_post(g->workers[to], take_over, h);
    }
}

static void arm(struct listener *l, bool on)
{
    if (l->armed == on)
        return;
    l->armed = on;
    if (on)
        CHECK(event_add(&l->ev, NULL) == 0);
    else
        event_del(&l->ev);
}

static void on_rested(struct worker_timer *t)
{
    struct listener *l = CONTAINER_OF(t, struct listener, rest);

    if (l->fd >= 0)
        arm(l, true);
}

static void on_connection(evutil_socket_t fd, short what, void *arg)
{
    struct listener *l = arg;

    (void)what;
    worker_enter(l->worker);
    for (int i = 0; i < ACCEPTS_A_TURN && l->fd >= 0; i++) {
        struct sockaddr_storage peer = {0};
        socklen_t len = sizeof(peer);
        int conn = accept4(fd, (struct sockaddr *)&peer, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

        if (conn >= 0) {
            place(l, conn, &peer);
            continue;
        }
        if (errno == EINTR || errno == ECONNABORTED)
            continue;
        if (errno != EAGAIN) {
            log_warn(LOG_NET, "accept: %s; trying again in %d ms", strerror(errno), REST_MS);
            arm(l, false);
            worker_timer_arm(l->worker, &l->rest, REST_MS);
        }
        break;
    }
    worker_settle(l->worker);
}

/* --- opening --- */

/* SO_REUSEPORT would let a second process share the port and take half of the connections: a socket without it tells. */
static bool is_taken(const struct sockaddr *addr, socklen_t len)
{
    int one = 1, fd = socket(addr->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool taken;

    if (fd < 0)
        return false;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
    taken = bind(fd, addr, len) != 0 && errno == EADDRINUSE;
    close(fd);
    return taken;
}

static int open_socket(const struct sockaddr *addr, socklen_t len, int backlog, struct diag *d, const char *what)
{
    int one = 1, fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        goto fail;
    if (addr->sa_family != AF_UNIX) {
        setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
        if (setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &one, sizeof(one)) != 0)
            goto fail;
    }
    if (bind(fd, addr, len) != 0 || listen(fd, backlog) != 0)
        goto fail;
    return fd;
fail:
    diag_setf(d, ER_CONFIG, "cannot listen on %s: %s", what, strerror(errno));
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool add_listener(struct listen_group *g, struct worker *w, int fd)
{
    struct listener *l = &g->l[atomic_load(&g->open)];

    *l = (struct listener){.group = g, .worker = w, .fd = fd, .rest.fn = on_rested};
    CHECK(event_assign(&l->ev, w->base, fd, EV_READ | EV_PERSIST, on_connection, l) == 0);
    arm(l, true);
    atomic_fetch_add(&g->open, 1);
    return true;
}

static bool open_unix(struct listen_group *g, struct diag *d)
{
    struct sockaddr_un un = {.sun_family = AF_UNIX};
    size_t n = strlen(g->unix_path);
    struct stat st;
    int fd;

    if (n >= sizeof(un.sun_path))
        return diag_setf(d, ER_CONFIG, "the socket path %s is too long", g->unix_path);
    memcpy(un.sun_path, g->unix_path, n + 1);
    if (lstat(g->unix_path, &st) == 0 && S_ISSOCK(st.st_mode))
        unlink(g->unix_path);
    fd = open_socket((struct sockaddr *)&un, sizeof(un), g->cfg.backlog, d, g->unix_path);
    return fd >= 0 && add_listener(g, g->workers[0], fd);
}

static bool open_tcp(struct listen_group *g, struct diag *d)
{
    struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM}, *ai = NULL;
    const char *host = g->cfg.host && strcmp(g->cfg.host, "*") != 0 ? g->cfg.host : NULL;
    struct sockaddr_storage addr = {0};
    socklen_t len;
    char port[8], what[300];
    int err;

    snprintf(port, sizeof(port), "%u", g->cfg.port);
    snprintf(what, sizeof(what), "%s:%s", host ? host : "*", port);
    if (!host)
        hints.ai_family = AF_INET;
    err = getaddrinfo(host, port, &hints, &ai);
    if (err)
        return diag_setf(d, ER_CONFIG, "cannot listen on %s: %s", what, gai_strerror(err));
    len = ai->ai_addrlen;
    memcpy(&addr, ai->ai_addr, len);
    freeaddrinfo(ai);
    if (g->cfg.port && is_taken((struct sockaddr *)&addr, len))
        return diag_setf(d, ER_CONFIG, "cannot listen on %s: %s", what, strerror(EADDRINUSE));
    for (uint32_t i = 0; i < g->n; i++) {
        int fd = open_socket((struct sockaddr *)&addr, len, g->cfg.backlog, d, what);
        socklen_t got = sizeof(addr);

        if (fd < 0)
            return false;
        /* The first one finds the free port for all. */
        CHECK(getsockname(fd, (struct sockaddr *)&addr, &got) == 0);
        add_listener(g, g->workers[i], fd);
    }
    g->port = ntohs(addr.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&addr)->sin6_port
                                               : ((struct sockaddr_in *)&addr)->sin_port);
    return true;
}

static void close_listener(struct listener *l)
{
    if (l->fd < 0)
        return;
    arm(l, false);
    worker_timer_disarm(&l->rest);
    close(l->fd);
    l->fd = -1;
    atomic_fetch_sub(&l->group->open, 1);
}

struct listen_group *listen_open(const struct listen_config *cfg, struct diag *d)
{
    struct listen_group *g = xcalloc(1, sizeof(*g));

    ASSERT(cfg->n_workers > 0 && cfg->count && cfg->on_accept);
    g->cfg = *cfg;
    if (!g->cfg.backlog)
        g->cfg.backlog = BACKLOG;
    atomic_init(&g->max_conns, cfg->max_conns);
    g->n = cfg->n_workers;
    g->workers = xcalloc(g->n, sizeof(struct worker *));
    memcpy(g->workers, cfg->workers, g->n * sizeof(struct worker *));
    g->cfg.workers = g->workers;
    g->l = xcalloc(g->n, sizeof(*g->l));
    for (uint32_t i = 0; i < g->n; i++) {
        ASSERT(g->workers[i]->index == i);
        g->l[i].fd = -1;
    }
    if (cfg->unix_path)
        g->unix_path = xstrdup(cfg->unix_path);
    if (!(cfg->unix_path ? open_unix(g, d) : open_tcp(g, d))) {
        listen_free(g);
        return NULL;
    }
    return g;
}

uint16_t listen_port(const struct listen_group *g)
{
    return g->port;
}

void listen_set_max(struct listen_group *g, uint32_t max_conns)
{
    atomic_store_explicit(&g->max_conns, max_conns, memory_order_relaxed);
}

static void post_close(struct worker *w, void *arg)
{
    struct listener *l = arg;

    ASSERT(l->worker == w);
    (void)w;
    close_listener(l);
}

void listen_close(struct listen_group *g)
{
    for (uint32_t i = 0; i < g->n; i++) {
        if (g->l[i].worker)
            worker_post(g->l[i].worker, post_close, &g->l[i]);
    }
}

void listen_free(struct listen_group *g)
{
    if (!g)
        return;
    for (uint32_t i = 0; i < g->n; i++)
        close_listener(&g->l[i]);
    if (g->unix_path)
        unlink(g->unix_path);
    xfree(g->unix_path);
    xfree(g->workers);
    xfree(g->l);
    xfree(g);
}
