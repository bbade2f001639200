/* Commands of the protocol and statements by kind; see session.h for how a command ends. */
#ifndef PROXY_COMMAND_H
#define PROXY_COMMAND_H

#include "executor/sideq.h"
#include "proxy/session.h"

/* Takes the packet of s->stmt. */
void command_run(struct session *s);
/* The next statement of a COM_QUERY that holds several. */
void command_next_statement(struct session *s);
/* COM_RESET_CONNECTION and COM_CHANGE_USER: variables, prepared statements, user variables as after a login. */
void session_reset_state(struct session *s);

/* One statement of text. */
void query_run(struct session *s, struct sv text);
void query_use(struct session *s, struct sv db);
/* A parsed statement: what query_run does behind the parser (EXECUTE of a text statement too). */
void query_statement(struct session *s);
/* Plans s->stmt->ast if there is no plan yet, and executes. */
void query_execute(struct session *s);
/* Plans a statement with the session's environment. NULL: the statement's diag is set. */
struct plan *query_plan(struct session *s, struct ast_node *ast, struct sv text);
bool query_meta_is_stable(struct ast_node *ast);
/* The text that a shard gets for a statement, outside of an execution: at the plan's first place (metadata; into a), or at the one place
 * that `text` needs (false: several, or an error; the statement's diag is set). */
bool query_first_place_text(struct session *s, struct plan *p, const struct ast_node *ast, struct sv text,
    const struct stmt_scan *scan, struct sideq_args *a) MUST_CHECK;
bool query_one_shard_text(struct session *s, struct sv text, uint32_t *shard_id, struct sv *sql) MUST_CHECK;
/* Fills what an execution needs from the session. */
void query_init_exec(struct session *s, struct exec *e);
/* DDL: commits, submits the job, answers when it is done. */
void query_ddl(struct session *s, struct sv sql);

/* Side query of the running statement; cancelled when the client goes or KILL QUERY comes. */
void query_side(struct session *s, struct sideq_args *a);
/* The shard that is asked for what any shard can answer. */
uint32_t query_any_shard(struct session *s);

/* A cell as an SQL literal, by the column's type. */
struct sv literal_of_cell(struct arena *a, const struct packet_coldef *col, struct sv cell, bool no_backslash);
void set_run(struct session *s);
void show_run(struct session *s);
void explain_run(struct session *s);
void describe_run(struct session *s);
/* COM_FIELD_LIST. */
void fields_run(struct session *s, struct sv body);
/* KILL: connection, or only its statement. */
void kill_run(struct session *s, uint32_t id, bool query_only);

/* The variables that NAMES sets, from the collation id of the handshake. */
void session_apply_charset(struct session *s);
/* The collation of the handshake; NULL: one that the fleet's servers do not know or take for their default. */
const struct collation *session_handshake_collation(const struct session *s);
/* Whether statements in this character set can be read: bytes of ASCII must be themselves wherever they stand. */
bool session_reads_charset(struct sv name) PURE;
/* Its characters have no bytes of ASCII: no client's character set, nor that of results. */
bool session_is_wide(struct sv name) PURE;

#endif
