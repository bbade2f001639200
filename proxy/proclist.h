/* All client sessions of the process: a message goes round the workers and comes back. */
#ifndef PROXY_PROCLIST_H
#define PROXY_PROCLIST_H

#include "net/packet.h"
#include "util/arena.h"
#include "util/array.h"

struct session;

struct proc {
    uint32_t id;
    struct sv user, host, db, command, state, info; /* ptr NULL: NULL */
    uint64_t time_ms;
};

ARRAY_OF(proclist, struct proc);

typedef void proclist_fn(struct session *s, const struct proclist *list);

/* done comes on s's worker, with a list (in order of ids) that is valid until it returns. s must be BUSY until then. */
void proclist_gather(struct session *s, proclist_fn *done);
/* What a column of SHOW PROCESSLIST or information_schema.PROCESSLIST shows of a session, by the column's name; zero or NULL in
 * columns that have no meaning here. */
struct sv proclist_cell(const struct proc *p, const struct packet_coldef *col, bool full, struct arena *a);

#endif
