/* Names of transactions and of their branches on the shards. Pure functions, any thread.
 *
 *   gtrid   tsr-<node>-<start>-<seq>        numbers in hex; unique over nodes, restarts and time
 *   bqual   <shard>:<shard>.<shard>. ...    in decimal: the branch's own shard, then the *primaries*: the shards
 *           whose
 *                                           branch may hold the commit record
 *   formatID TXN_FORMAT_ID
 *
 * The commit record is written in the branch that was opened first of those that write, and only branches behind
 * it are ever prepared. What will write is not known when a branch is opened, but what was opened before it is: so
 * each branch names the shards opened before it, and its prepared name alone tells recovery where the record can
 * be. A branch without primaries was the first and is never prepared. A list that does not fit in 64 bytes is cut;
 * commit then chooses the primary among the first ones (txn/commit.c). */
#ifndef TXN_XID_H
#define TXN_XID_H

#include "util/sv.h"

enum {
    TXN_FORMAT_ID = 0x54535241, /* "TSRA" */
    TXN_GTRID_MAX = 64,         /* bytes; XA's limits */
    TXN_BQUAL_MAX = 64,
    TXN_PRIMARIES_MAX = 12,
    TXN_XID_TEXT_MAX = 2 * 64 + 24 /* 'gtrid','bqual',format and a NUL */
};

struct txn_gid {
    uint32_t node;  /* the tesserad that coordinates */
    uint64_t start; /* microseconds since 1970 when it started: tells its incarnations apart */
    uint64_t seq;
};

struct txn_bqual {
    uint32_t shard_id;
    uint32_t n_primaries;
    uint32_t primaries[TXN_PRIMARIES_MAX];
};

static inline bool txn_gid_eq(const struct txn_gid *a, const struct txn_gid *b)
{
    return a->node == b->node && a->start == b->start && a->seq == b->seq;
}

/* NUL-terminated into buf (TXN_GTRID_MAX + 1 bytes); returns the length. */
size_t txn_gid_format(const struct txn_gid *g, char *buf);
/* False: not one of ours. Only the exact form that txn_gid_format writes is taken. */
bool txn_gid_parse(struct sv text, struct txn_gid *g) MUST_CHECK;
/* As above into TXN_BQUAL_MAX + 1 bytes. Cuts b->primaries to what fits (n_primaries tells how many are in the
 * text). */
size_t txn_bqual_format(struct txn_bqual *b, char *buf);
bool txn_bqual_parse(struct sv text, struct txn_bqual *b) MUST_CHECK;
/* `'gtrid','bqual',1414746689` as XA statements take it, into TXN_XID_TEXT_MAX bytes; returns the length. */
size_t txn_xid_text(const char *gtrid, const char *bqual, char *buf);

#endif
