/* Listening sockets: one a worker with SO_REUSEPORT (TCP), so accepting needs no lock; a connection that lands on a
 * worker with more sessions than another is handed to the one with the fewest. Unix sockets are accepted by worker
 * 0 and spread in the same way. Over the limit of connections the client gets error 1040 and is closed here.
 *
 * Order: listen_open() before worker_start() (main thread), listen_close() posts itself to the workers,
 * listen_free() after the workers ended. */
#ifndef NET_LISTEN_H
#define NET_LISTEN_H

#include "net/worker.h"
#include "util/diag.h"

#include <sys/socket.h>

struct listen_group;

struct listen_config {
    const char *host;      /* numeric or name; NULL or "*": all addresses */
    uint16_t port;         /* 0 with a host: any free one, see listen_port() */
    const char *unix_path; /* instead of host and port; a stale socket file is replaced */
    int backlog;           /* 0: 4096 */
    uint32_t max_conns;    /* over all listeners that share `count`; 0: no limit */
    _Atomic uint32_t *count; /* the process's number of client connections; the owner of a session gives its place
                                back by
                                listen_conn_gone() */
    struct worker *const *workers;
    uint32_t n_workers;
    /* Runs on the worker that got the connection; fd is non-blocking, close-on-exec, and now the callee's. */
    void (*on_accept)(struct worker *w, int fd, const struct sockaddr_storage *peer, void *arg);
    void *arg;
};

/* NULL with d set: cannot bind, and so on. */
struct listen_group *listen_open(const struct listen_config *cfg, struct diag *d) MUST_CHECK;
uint16_t listen_port(const struct listen_group *g);
/* New max_conns (reload). Any thread. */
void listen_set_max(struct listen_group *g, uint32_t max_conns);
/* Stops accepting (drain). Any thread; returns when all workers have been told. */
void listen_close(struct listen_group *g);
void listen_free(struct listen_group *g);
/* A session ended: its worker's and the process's count go down. On the session's worker. */
void listen_conn_gone(struct worker *w, _Atomic uint32_t *count);

#endif
