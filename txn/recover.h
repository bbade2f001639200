/* Recovery: finishes the branches that nobody finishes any more. One per process, on a control thread of its own
 * that may block.
 *
 * A round: XA RECOVER on every shard that answers; of the prepared branches that are ours (formatID and `tsr-`;
 * others' are left alone) those are taken up that
 *   - this process coordinated and has given up (they are not live in the registry), or
 *   - an earlier incarnation of this node coordinated (same node, older start): it cannot come back, or
 *   - another node coordinated and two scans at least grace_ms apart have seen.
 * A branch that decides (recover.c) is committed. Each other one names the shards that may hold its commit record.
 * Found there: XA COMMIT. Not found on any: an abort record is inserted on all of them under the key that the
 * commit record would have, so that a coordinator that was only slow fails to commit; then XA ROLLBACK. A shard
 * that may hold the record and does not answer leaves the branch for a later round. Every step may be repeated,
 * by anybody, at the same time as others.
 *
 * A round also deletes commit records that are of no use: at once those of transactions that this process saw
 * through to the end, and, from time to time, old ones that a crash left behind (see recover.c, sweep).
 *
 * Order of calls: recover_new, recover_start; recover_stop, recover_free before the env is freed. */
#ifndef TXN_RECOVER_H
#define TXN_RECOVER_H

#include "catalog/mconn.h"
#include "txn/registry.h"
#include "util/array.h"

struct recover;

struct recover_shard {
    uint32_t id;
    struct sv name;
    struct mconn_params params; /* texts in the arena given to the list function, or longer-lived */
};
ARRAY_OF(recover_shard_array, struct recover_shard);

/* Appends all shards there are (in arena a). Called on the recovery thread before each round. False: not known at
 * the moment (the round is skipped). */
typedef bool recover_list_fn(void *arg, struct arena *a, struct recover_shard_array *out);

struct recover_config {
    struct txn_env *env;
    recover_list_fn *list;
    void *list_arg;
    uint32_t interval_ms;   /* between rounds; 0: 1,000. A kick starts one at once */
    uint32_t grace_ms;      /* for other nodes' branches; 0: 10,000 */
    uint32_t keep_s;        /* a forgotten commit record is looked at from this age on; 0: 600 */
    uint32_t keep_abort_s;  /* abort records are deleted from this age on; 0: 86,400. Longer than any connection of a
                             * stopped coordinator lives (wait_timeout) */
};

struct recover_stats {
    _Atomic uint64_t rounds;
    _Atomic uint64_t committed, rolled_back; /* branches finished */
    _Atomic uint64_t fenced;                 /* abort records written */
    _Atomic uint64_t undecided;              /* left for later: a shard with the record did not answer */
    _Atomic uint64_t busy; /* left for later: the branch still hangs on a connection, or another node was faster */
    _Atomic uint64_t purged, swept;          /* records deleted: at once; old ones */
    _Atomic uint64_t errors;
    _Atomic uint64_t in_doubt;     /* now: prepared branches of ours that are not live, as of the last round */
    _Atomic uint64_t foreign;      /* now: prepared branches that are not ours */
    _Atomic uint64_t shards_down;  /* now */
};

struct recover *recover_new(const struct recover_config *cfg) __attribute__((returns_nonnull));
bool recover_start(struct recover *r, struct diag *d) MUST_CHECK;
/* Ends the thread after the statement that it is at. */
void recover_stop(struct recover *r);
void recover_free(struct recover *r);
/* Any thread. */
void recover_kick(struct recover *r);
const struct recover_stats *recover_get_stats(const struct recover *r);
/* One round on the calling thread, which must have called mconn_thread_begin; not while the thread of
 * recover_start runs. True: everything that is ours was finished, and all shards answered. */
bool recover_round(struct recover *r);

/* A list function for the shards of the catalog. */
struct cat_pins;
struct recover_catalog {
    struct cat_pins *pins;
    const struct conf *conf;
};
bool recover_list_catalog(void *arg, struct arena *a, struct recover_shard_array *out);

#endif
