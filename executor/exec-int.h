/* Private to executor/: what the strategies (relay, fanout, gather, insert, move) share. */
#ifndef EXECUTOR_EXEC_INT_H
#define EXECUTOR_EXEC_INT_H

#include "executor/exec.h"

/* ---- exec.c ---- */

/* Ends the execution; the outcome must be filled. Nothing may be under way. */
void exec_finish(struct exec *e);
/* Notes the first error; what is still running is waited for. */
void exec_fail(struct exec *e, const struct diag *d);
bool exec_failed(const struct exec *e);
void exec_set_state(struct exec *e, enum exec_state to);

/* Tells the owner what is coming (exec_host.begin); false: the outcome has the error, call exec_finish. */
bool exec_begin(struct exec *e, bool several) MUST_CHECK;
/* A step: lanes are leased and sent at once; when the last one has ended, done(e) is called (also after errors: look at
 * exec_failed). lanes[i].sql, shard_id, ops, cmd.mode are set by the caller. */
void exec_step(struct exec *e, struct exec_lane *lanes, uint32_t n, enum txn_need need, void (*done)(struct exec *e));
/* New lanes in the statement's arena. */
struct exec_lane *exec_lanes_new(struct exec *e, uint32_t n);
/* A lane's statement has ended: fetches its warnings if it has any, gives the connection back, ends the step after the last. */
void exec_lane_ok(struct exec_lane *l, const struct packet_ok *ok);
void exec_lane_err(struct exec_lane *l, const struct packet_err *err);
void exec_lane_lost(struct exec_lane *l, const struct diag *d);
/* The same as callbacks of the lane's command; a reply that others follow ends nothing. */
void exec_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload);
void exec_on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload);
void exec_on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d);
/* The lane's statement and what was asked behind it are over: the connection goes back. */
void exec_lane_over(struct exec_lane *l);
/* The execution failed or was cancelled, and nothing of this lane was sent (or what was sent has no effect). */
void exec_lane_drop(struct exec_lane *l);
/* Fragments do not have the statement's SQL_CALC_FOUND_ROWS, which MySQL calls deprecated. */
void exec_calc_deprecated(struct exec *e);
/* A row of SHOW WARNINGS; texts point into it. False: it is none. */
bool exec_warning_of_row(unsigned char *payload, size_t n, struct warning *out);
/* Ops for statements without rows: keeps the counts in l->ok. */
extern const struct bcmd_ops exec_count_ops;

/* A shard's error with logical names. */
/* The tables of the statement, whose physical names are mapped back. */
struct names_scope exec_scope(const struct exec *e);
void exec_logical_coldef(const struct exec *e, struct packet_coldef *col);
void exec_remote_error(struct exec *e, const struct packet_err *err, struct diag *d);
/* The number N of a text that ends in "at row N"; 0: another text. *len: of the text in front of the number. */
uint64_t exec_row_number(struct sv text, size_t *len);
/* What kind of touch the plan is for the transaction. */
enum txn_need exec_need(const struct exec *e);

/* The one-place text of the statement at a place, in the statement's arena (relay.c). */
struct sv relay_text(struct exec *e, uint32_t place);
/* Relays the statement on a connection that the caller has; ends in exec_finish. */
void relay_on(struct exec *e, struct bconn *c);
extern const struct bcmd_ops exec_into_ops;
void into_done(struct exec *e);
/* Sets the shift of sequence ids of a relayed reply, once its command is sent. */
void relay_align(struct exec_lane *l);
/* Text in UTF-8 as a literal that means the same whatever character set the statement is in. */
void exec_put_text(struct sv text, bool no_backslash, struct strbuf *b);
void exec_put_hex_text(struct sv text, struct strbuf *b);
/* Bytes of a string in that character set. */
void exec_put_hex(struct sv charset, struct sv bytes, struct strbuf *b);
/* A TIMESTAMP from its exact form; stored under time_zone +00:00. */
void exec_put_epoch(struct sv seconds, struct strbuf *b);
/* A cell of the text protocol (of a read under wanted_taken) as an SQL literal; a column of a key as it is compared with the literal of its exact form
 * (literal.c). */
void exec_put_literal(struct exec *e, const struct packet_coldef *c, struct sv cell, struct strbuf *b);
/* The value that an expression gives to the partition column, from what a shard said of the expression. False: its text does not say all
 * that a server would store of it (d: 1235). divides: the expression has a division. */
bool exec_key_value(struct exec *e, const struct part_column *to, const struct packet_coldef *c, struct sv cell, bool divides,
    struct value *out, struct diag *d);
void exec_put_key_column(const struct cat_column *c, struct strbuf *b);
/* True: the execution has failed by a warning that is an error in strict mode. */
bool exec_refuse_conversions(struct exec *e);
/* The outcome of a write from the counts of its lanes (fanout.c). */
void exec_add_counts(struct exec *e);
/* The info texts of several replies added up (fanout.c). */
struct sv exec_sum_info(struct exec *e, const struct exec_lane *lanes, uint32_t n);

/* ---- vars.c ---- */

/* Puts what must stand before the statement on the lane's connection. */
void vars_before(struct exec_lane *l);
/* Whether something is to be asked behind the statement; and asks it: the lane goes on by itself. */
bool vars_wanted(const struct plan *p);
void vars_ask(struct exec_lane *l);
void vars_before_id(struct exec_lane *l); /* plan.asks_insert_id */
/* True: LAST_INSERT_ID() is being asked for plan.asks_insert_id, behind the statement's warnings. */
bool vars_ask_id(struct exec_lane *l);
/* SELECT ... INTO variables: a row of the result, and its end (fills the outcome). */
void into_row(struct exec *e, const struct packet_coldef *defs, uint32_t n, const struct sv *cells);
void into_over(struct exec *e);
void into_start(struct exec *e, uint32_t place, uint32_t shard_id);

/* ---- returning.c ---- */

/* The lane's statement answers with rows, which are kept. */
void returning_collect(struct exec_lane *l);
/* The metadata that the lane got goes to the client; then the lane's next row, if there is one left. */
void returning_begin(struct exec *e, const struct exec_lane *l);
void returning_next(struct exec *e, const struct exec_lane *l);

/* ---- strategies; each ends in exec_finish ---- */
void relay_start(struct exec *e, uint32_t place, uint32_t shard_id);
void fanout_start(struct exec *e, const struct placeset *places);
void returning_start(struct exec *e, const struct placeset *places);
void gather_start(struct exec *e, const struct placeset *places);
/* begun: exec_begin was called. */
void offload_start(struct exec *e, bool begun);
/* True: the statement was waiting for a connection, and ends (or has ended) by the cancel. */
bool offload_cancel(struct exec *e) MUST_CHECK;
/* The copies' tables, without rows, on c: to have a statement over them prepared. c is to be reset then. */
void offload_make_empty(struct bconn *c, const struct offload_plan *p);
/* Gives back what the offload holds. */
void offload_close(struct exec *e);
void insert_start(struct exec *e);
/* True: the statement was waiting before its first lane, and ends (or has ended) by the cancel. */
bool insert_cancel(struct exec *e);
void keyed_start(struct exec *e, const struct placeset *places);
/* PLAN_MOVE from its second step on: the lanes read the rows; none: there are no rows. */
void move_rows(struct exec *e, struct exec_lane *lanes, uint32_t n);
void move_start(struct exec *e, const struct placeset *places);

#endif
