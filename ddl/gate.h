/* Gate: write locks (LOCK TABLES) on all physical tables of a logical table, on all shards at once, so that several
 * partitions change their shape in one cut and nobody reads or writes half of it. One connection a shard holds the
 * shard's locks; statements on the locked tables run on that connection. If the process dies, the servers drop the
 * locks; a job that finds its gate gone takes it again.
 *
 * A transaction over shards may hold what the gate waits for and wait for what the gate has. Nobody sees such a cycle,
 * so the gate waits a short time on each shard, lets go of everything, and tries again until its own time is over.
 * Control threads. */
#ifndef DDL_GATE_H
#define DDL_GATE_H

#include "ddl/job.h"

struct gate;

struct gate_table {
    uint32_t shard_id;
    struct sv db, name; /* physical */
};

enum { GATE_TRY_S = 3 };

/* False: ER_LOCK_WAIT_TIMEOUT after wait_s seconds, or what a shard said; then nothing is held. env as job_open_shard.
 */
bool gate_open(struct job *j, const struct gate_table *tables, size_t n, uint32_t wait_s, bool env, struct gate **out,
               struct diag *d) MUST_CHECK;
/* The connection that holds the shard's locks; NULL: none of the tables is there. */
struct mconn *gate_conn(struct gate *g, uint32_t shard_id);
/* Whether all connections, and so the locks, are still there (one round trip each). */
bool gate_holds(struct gate *g);
/* Lets go. NULL is allowed. */
void gate_close(struct gate *g);

/* Takes j->gate over the physical tables [{"s", "db", "name"}] if it is not held already. */
bool job_take_gate(struct job *j, const json_t *items, struct diag *d) MUST_CHECK;

#endif
