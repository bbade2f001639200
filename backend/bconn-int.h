/* Private to backend/: bconn.c (life, login, commands), bparse.c (replies), bstmt.c (prepared statements), bserver.c,
 * pool.c. */
#ifndef BACKEND_BCONN_INT_H
#define BACKEND_BCONN_INT_H

#include "backend/bconn.h"

/* Where a command's reply is. */
enum bphase {
    BPHASE_FIRST,     /* the first packet of a reply or of a further result */
    BPHASE_META,      /* column definitions */
    BPHASE_META_EOF,  /* the EOF behind them (servers without CAP_DEPRECATE_EOF) */
    BPHASE_ROWS,      /* rows up to the final packet */
    BPHASE_PARAMS,    /* PREPARE: parameter definitions */
    BPHASE_PARAMS_EOF,
    BPHASE_PREP_COLS, /* PREPARE: column definitions */
    BPHASE_PREP_EOF,
    BPHASE_INFILE     /* the file is being sent */
};

void bconn_set_state(struct bconn *c, enum bconn_state to);
/* Ends the connection for the reason in d. Callbacks follow as a task. */
void bconn_fail(struct bconn *c, const struct diag *d);
void bconn_fail_protocol(struct bconn *c, const char *what);
/* Takes replies from the channel's input. */
void bconn_parse(struct bconn *c);
/* The first of the queue has had its last packet: takes it off. ok: it succeeded, which a barrier's followers wait
 * for. */
void bconn_pop(struct bconn *c, bool ok);
/* A barrier failed: takes off what waits behind it, unsent; then on_err for each. */
struct bcmd *bconn_detach_behind(struct bconn *c);
void bconn_fail_list(struct bconn *c, struct bcmd *list, const struct packet_err *err, struct sv payload);

/* Queues cmd whose packet was just put. */
void bconn_queue(struct bconn *c, struct bcmd *cmd, enum bcmd_kind kind);
/* Ids of a new command begin at 0; gives the output its turn. */
static inline void bconn_begin(struct bconn *c)
{
    c->chan.seq = 0;
}

void bconn_stmts_free(struct bconn *c);
void bconn_stmt_prepared(struct bconn *c, struct bstmt *st, const struct packet_prepare_ok *ok);
void bconn_stmt_failed(struct bconn *c, struct bstmt *st);

/* pool.c: differences in session state that the server has taken before. */
bool pool_knows(const struct pool *p, uint64_t hash);
void pool_learns(struct pool *p, uint64_t hash);
/* The worker's KILLs under way. */
struct kill_job;
struct kill_job **pool_set_kills(struct worker *w);
void bconn_end_kills(struct worker *w);

#endif
