/* What all transactions of a process share: its identity, the sequence of ids, which transactions are between
 * their first prepare and their last commit (recovery leaves those alone), which commit records may be deleted,
 * counters.
 *
 * Made before the workers start and freed after they and the recovery thread have ended. Any thread. The only lock is
 * taken by commits over several shards (twice each) and by the recovery thread; it is held for a few instructions
 * and never together with another one. */
#ifndef TXN_REGISTRY_H
#define TXN_REGISTRY_H

#include "txn/xid.h"

#include <stdatomic.h>

struct txn_env;

struct txn_env_config {
    uint32_t node_id;           /* of this tesserad; no other one that runs has it */
    uint64_t start_stamp;       /* 0: the clock, in microseconds */
    uint32_t commit_timeout_ms; /* each phase of a commit or rollback; 0: 60 s. Then its connection is given up */
};

struct txn_counters {
    _Atomic uint64_t branches;            /* XA START */
    _Atomic uint64_t committed_empty;     /* nothing was written */
    _Atomic uint64_t committed_one_phase; /* one shard was written */
    _Atomic uint64_t committed_two_phase;
    _Atomic uint64_t rolled_back;    /* by the client or after an error */
    _Atomic uint64_t commits_failed; /* a prepare or the record failed: rolled back */
    _Atomic uint64_t fenced;         /* of those: recovery was faster */
    _Atomic uint64_t in_doubt;
    _Atomic uint64_t left_to_recovery; /* decided, but a branch could not be told */
    _Atomic uint64_t stmt_undone;
};

#define TXN_COUNT(env, what) atomic_fetch_add_explicit(&txn_env_counters(env)->what, 1, memory_order_relaxed)

struct txn_env *txn_env_new(const struct txn_env_config *cfg) __attribute__((returns_nonnull));
void txn_env_free(struct txn_env *env);
struct txn_counters *txn_env_counters(struct txn_env *env);
uint32_t txn_env_node(const struct txn_env *env);
uint64_t txn_env_start(const struct txn_env *env);
uint32_t txn_env_commit_timeout_ms(const struct txn_env *env);

/* A new id. */
struct txn_gid txn_env_next_gid(struct txn_env *env);

/* From before the first prepare is sent until its branches are all ended, or given up (connections closed). */
void txn_env_live_add(struct txn_env *env, uint64_t seq);
void txn_env_live_remove(struct txn_env *env, uint64_t seq);
bool txn_env_is_live(struct txn_env *env, uint64_t seq);
size_t txn_env_live_count(struct txn_env *env);

/* All branches of this process's transaction seq have committed: its record on shard_id is of no use any more. */
struct txn_purge {
    uint32_t shard_id;
    uint64_t seq;
};
void txn_env_purge_later(struct txn_env *env, uint32_t shard_id, uint64_t seq);
/* Takes all that wait; the caller frees *list with xfree. Returns how many. */
size_t txn_env_purge_take(struct txn_env *env, struct txn_purge **list);

/* Recovery is called (from any thread, must not block) when there is something for it to do at once. NULL: nobody. */
void txn_env_on_kick(struct txn_env *env, void (*fn)(void *arg), void *arg);
void txn_env_kick(struct txn_env *env);

#endif
