/* Side query: a statement that Tessera itself asks of a shard outside any transaction - checking a SET, evaluating an
 * expression, column definitions for a merged result, SHOW. The whole result is collected in an arena (it is small: a cap
 * is enforced). Worker's thread. */
#ifndef EXECUTOR_SIDEQ_H
#define EXECUTOR_SIDEQ_H

#include "backend/pool.h"
#include "catalog/names.h"

enum { SIDEQ_BYTES_MAX = 16 << 20 };

struct sideq_result {
    struct packet_coldef *cols; /* PREPARE: the statement's result columns */
    uint32_t n_cols;
    struct sv *cells; /* row-major, ptr NULL: NULL */
    size_t n_rows;
    struct packet_ok ok;
    struct diag diag; /* set: failed */
};

struct sideq;
typedef void sideq_fn(void *arg, struct sideq_result *r);

enum sideq_kind { SIDEQ_QUERY, SIDEQ_PREPARE /* definitions only; nothing stays prepared */, SIDEQ_FIELDS };

struct offload_plan;

struct sideq_args {
    uint32_t shard_id;
    struct sync_state *wanted;
    struct sv sql;   /* QUERY, PREPARE: the text; FIELDS: table name (wildcards: all columns). Must live until the end */
    enum sideq_kind kind;
    const struct offload_plan *copies; /* the statement is its last: empty copies are made first, for this statement only */
    struct names_scope names; /* tables whose physical names in definitions, cells and errors become logical ones */
    struct warn_sink *warnings; /* if set: gets what SHOW WARNINGS has behind the statement */
    struct arena *arena; /* of the result and of the query itself */
    sideq_fn *done;      /* exactly once, maybe before sideq_start returns; not after sideq_cancel */
    void *arg;
};

struct sideq *sideq_start(struct worker *w, const struct sideq_args *a);
/* done will not be called; the query goes on in the background if it was sent (the arena must stay until... it does
 * not: what arrives later is dropped). Only before done. */
void sideq_cancel(struct sideq *q);

#endif
