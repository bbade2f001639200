/* What the tests of txn that need servers share: the servers that TESSERA_TEST_SERVERS lists (host:port ..., root
 * without a password, two or more), a look at them past Tessera (judge), a coordinator on the calling thread
 * (node), and calls of txn that wait for their callback. */
#ifndef T_UNIT_TXN_RIG_H
#define T_UNIT_TXN_RIG_H

#include "backend/pool.h"
#include "catalog/metadb.h"
#include "txn/recover.h"
#include "txn/txn-int.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/rand.h"

#include <check.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shards up to SHARDS have tables; the others up to SHARDS_ALL are more connections to the same servers. */
enum { SERVERS_MAX = 8, SHARDS = 4, SHARDS_ALL = 16, ROWS = 4, START_BALANCE = 1000 };

/* False: no servers to be had. */
bool rig_read_servers(void);
/* Shard i (from 1) is on server (i - 1) % number of servers: a server may hold several shards here. */
size_t server_of(uint32_t shard);
struct mconn *judge(size_t server);
void judge_exec(size_t server, const char *sql);
/* The first cell of the answer as a number, summed over servers. */
int64_t judge_sum(const char *sql);
uint32_t judge_prepared(void);
int64_t balance(uint32_t shard, int id);
int64_t total(void);
/* Tables txn_test.acct<shard> (id 1..ROWS, START_BALANCE each), and no commit record. */
void reset_data(void);

/* A coordinator: worker, pools, env. */
struct node {
    struct worker *w;
    struct txn_env *env;
    struct sync_state *state;
};
void node_open(struct node *n, uint32_t id, uint64_t start);
/* With an env of somebody else's. */
void node_open_env(struct node *n, struct txn_env *env, uint32_t worker);
void node_close(struct node *n, bool with_env);
/* The same with deadlines of a commit's phases. */
void node_open_timeout(struct node *n, uint32_t id, uint32_t timeout_ms);
/* Turns until *done, at most 30 s. */
void pump(struct node *n, const bool *done);
/* Lets what goes on in the background come to its end. */
void pump_ms(struct node *n, unsigned ms);

struct waited {
    bool done;
    struct diag d;
};
void on_done(void *arg, const struct diag *d);
extern struct diag last; /* of the latest call */

/* One call, made on the worker. */
struct op {
    void (*fn)(struct op *o);
    struct txn *t;
    const struct txn_begin *begin;
    const char *name;
    enum txn_completion how;
    bool on;
    struct waited w;
};

void op_run(struct worker *w, void *arg);
uint16_t op_call(struct node *n, struct op *o);
void do_begin(struct op *o);
void do_commit(struct op *o);
void do_rollback(struct op *o);
void do_implicit_commit(struct op *o);
void do_autocommit(struct op *o);
void do_savepoint(struct op *o);
void do_rollback_to(struct op *o);
void do_release(struct op *o);
void do_stmt_end(struct op *o);
void do_free(struct op *o);

#define OP(n, t_, fn_, ...) op_call((n), &(struct op){.fn = (fn_), .t = (t_), __VA_ARGS__})
#define BEGIN(n, t) OP(n, t, do_begin, .begin = NULL)
#define COMMIT(n, t) OP(n, t, do_commit, .how = TXN_END)
#define ROLLBACK(n, t) OP(n, t, do_rollback, .how = TXN_END)
#define SAVEPOINT(n, t, name_) OP(n, t, do_savepoint, .name = (name_))
#define ROLLBACK_TO(n, t, name_) OP(n, t, do_rollback_to, .name = (name_))
#define RELEASE(n, t, name_) OP(n, t, do_release, .name = (name_))
#define STMT_END(n, t, ok) OP(n, t, do_stmt_end, .on = (ok))
#define FREE(n, t) OP(n, t, do_free, .on = false)

struct piece {
    uint32_t shard;
    enum txn_need need;
    const char *sql;
    /* result */
    uint16_t code;
    bool lost, done;
    int64_t value; /* first cell of the first row */
    uint64_t affected;
    struct txn *t;
    void *owner;
    struct bconn *conn;
    struct bcmd cmd;
};

/* Begins a statement of n pieces and sends what can be sent. */
uint16_t stmt_start(struct node *n, struct txn *t, struct piece *ps, size_t n_ps);
/* One logical statement of n pieces, all sent at once. Returns the client's error code, 0 for OK. */
uint16_t stmt(struct node *n, struct txn *t, struct piece *ps, size_t n_ps);
uint16_t one(struct node *n, struct txn *t, uint32_t shard, enum txn_need need, const char *sql, int64_t *value);
/* Adds to a balance. */
uint16_t add(struct node *n, struct txn *t, uint32_t shard, int id, int amount);

extern uint32_t listed_shards; /* shards 1 to this one */
bool list_shards(void *arg, struct arena *a, struct recover_shard_array *out);
/* Recovery on this thread until nothing is left; returns the rounds it took, 0 if it never ended. */
unsigned recover_all(struct txn_env *env, uint32_t grace_ms);

static inline uint64_t counted(const _Atomic uint64_t *c)
{
    return atomic_load((_Atomic uint64_t *)(uintptr_t)c);
}

#endif
