/* AUTO_INCREMENT values: unique over the fleet, growing on each node. The process takes segments from the metadata
 * (metadb_seq_take) and hands values out of them; a segment that is left at the end is lost, as a restart of one server
 * loses values too.
 *
 * autoinc_take is one short critical section; when the segment is used up, the request goes to a thread of its own, which
 * may block on the metadata server, and the answer comes back through the worker's mailbox. */
#ifndef EXECUTOR_AUTOINC_H
#define EXECUTOR_AUTOINC_H

#include "net/worker.h"
#include "util/diag.h"

struct autoinc;
struct conf;

/* Starts the thread; it connects when the first segment is needed. */
struct autoinc *autoinc_start(const struct conf *conf, struct diag *d) MUST_CHECK;
/* Requests that wait are answered with 1053. Workers must still run or have ended with their mailboxes. */
void autoinc_stop(struct autoinc *a);

/* n consecutive values from *first on, if the segment has them. Any thread. */
bool autoinc_take(struct autoinc *a, uint64_t table_id, uint64_t n, uint64_t *first) MUST_CHECK;
/* An explicit value is being inserted: values up to it must not be generated any more. True: done; false: the metadata must be
 * told (autoinc_raise). Any thread. */
bool autoinc_note(struct autoinc *a, uint64_t table_id, uint64_t value) MUST_CHECK;

/* One waiting request; embedded in the asker, which must stay until fn was called. */
struct autoinc_req {
    struct autoinc_req *next;
    struct worker *worker;
    uint64_t table_id, n; /* n 0: raise to `value` */
    uint64_t value;
    uint64_t first;       /* result */
    struct diag diag;
    void (*fn)(struct autoinc_req *r); /* on the worker; always later, never inside autoinc_request */
};
/* worker, fn, and (table_id, n) or (table_id, value) set by the caller. On the worker. */
void autoinc_request(struct autoinc *a, struct autoinc_req *r);
/* TRUNCATE and ALTER TABLE ... AUTO_INCREMENT on any node: the segment of the table is forgotten. Any thread. */
void autoinc_forget(struct autoinc *a, uint64_t table_id);

#endif
