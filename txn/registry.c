#include "txn/registry.h"

#include "util/array.h"
#include "util/clock.h"
#include "util/hmap.h"

#include <pthread.h>

/* Records whose deletion was put off (their shard is down, say) are found again by recovery's sweep of old
 * records: so the list may be cut. */
enum { PURGE_MAX = 200000 };

ARRAY_OF(purge_array, struct txn_purge);
HMAP_U64(live_map, bool);

struct txn_env {
    uint32_t node_id, commit_timeout_ms;
    uint64_t start;
    _Atomic uint64_t seq;
    struct txn_counters counters;
    pthread_mutex_t lock; /* what follows */
    struct live_map live;
    struct purge_array purge;
    void (*kick)(void *arg);
    void *kick_arg;
};

struct txn_env *txn_env_new(const struct txn_env_config *cfg)
{
    struct txn_env *env = xcalloc(1, sizeof(*env));

    env->node_id = cfg->node_id;
    env->start = cfg->start_stamp ? cfg->start_stamp : clock_real_us();
    env->commit_timeout_ms = cfg->commit_timeout_ms ? cfg->commit_timeout_ms : 60000;
    atomic_init(&env->seq, 1);
    CHECK(pthread_mutex_init(&env->lock, NULL) == 0);
    return env;
}

void txn_env_free(struct txn_env *env)
{
    if (!env)
        return;
    live_map_free(&env->live);
    array_free(&env->purge);
    pthread_mutex_destroy(&env->lock);
    xfree(env);
}

struct txn_counters *txn_env_counters(struct txn_env *env)
{
    return &env->counters;
}

uint32_t txn_env_node(const struct txn_env *env)
{
    return env->node_id;
}

uint64_t txn_env_start(const struct txn_env *env)
{
    return env->start;
}

uint32_t txn_env_commit_timeout_ms(const struct txn_env *env)
{
    return env->commit_timeout_ms;
}

struct txn_gid txn_env_next_gid(struct txn_env *env)
{
    return (struct txn_gid){.node = env->node_id,
                            .start = env->start,
                            .seq = atomic_fetch_add_explicit(&env->seq, 1, memory_order_relaxed)};
}

void txn_env_live_add(struct txn_env *env, uint64_t seq)
{
    pthread_mutex_lock(&env->lock);
    *live_map_put(&env->live, seq, NULL) = true;
    pthread_mutex_unlock(&env->lock);
}

void txn_env_live_remove(struct txn_env *env, uint64_t seq)
{
    pthread_mutex_lock(&env->lock);
    live_map_del(&env->live, seq);
    pthread_mutex_unlock(&env->lock);
}

bool txn_env_is_live(struct txn_env *env, uint64_t seq)
{
    bool found;

    pthread_mutex_lock(&env->lock);
    found = live_map_get(&env->live, seq) != NULL;
    pthread_mutex_unlock(&env->lock);
    return found;
}

size_t txn_env_live_count(struct txn_env *env)
{
    size_t n;

    pthread_mutex_lock(&env->lock);
    n = env->live.n;
    pthread_mutex_unlock(&env->lock);
    return n;
}

void txn_env_purge_later(struct txn_env *env, uint32_t shard_id, uint64_t seq)
{
    pthread_mutex_lock(&env->lock);
    if (env->purge.n < PURGE_MAX)
        array_push(&env->purge, NULL, (struct txn_purge){shard_id, seq});
    pthread_mutex_unlock(&env->lock);
}

size_t txn_env_purge_take(struct txn_env *env, struct txn_purge **list)
{
    size_t n;

    pthread_mutex_lock(&env->lock);
    n = env->purge.n;
    *list = env->purge.v;
    memset(&env->purge, 0, sizeof(env->purge));
    pthread_mutex_unlock(&env->lock);
    return n;
}

void txn_env_on_kick(struct txn_env *env, void (*fn)(void *arg), void *arg)
{
    pthread_mutex_lock(&env->lock);
    env->kick = fn;
    env->kick_arg = arg;
    pthread_mutex_unlock(&env->lock);
}

void txn_env_kick(struct txn_env *env)
{
    /* Called under the lock, so that after txn_env_on_kick(NULL) nobody is inside fn any more. */
    pthread_mutex_lock(&env->lock);
    if (env->kick)
        env->kick(env->kick_arg);
    pthread_mutex_unlock(&env->lock);
}
