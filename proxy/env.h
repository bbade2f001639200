/* What the lower floors see of a session; see env.c. Worker's thread; results live as long as the statement. */
#ifndef PROXY_ENV_H
#define PROXY_ENV_H

#include "optimizer/optimizer.h"
#include "proxy/session.h"

/* The same one during the whole statement, which borrows it. */
const struct cat_snapshot *session_snapshot(struct session *s);
const struct sql_opts *session_sql_opts(struct session *s);
/* The schema of names without one: a prepared statement stays in the schema that it was prepared in. */
struct sv session_db(const struct session *s);
struct opt_env session_opt_env(struct session *s);
const struct env *session_env(struct session *s);
/* Of what plans depend on. */
uint64_t session_env_signature(struct session *s);
/* Collation of the client's texts (parameters). */
uint16_t session_collation(const struct session *s);
/* Fills s->stmt->inputs from how the text was read. */
void session_inputs(struct session *s, const struct stmt_scan *scan);
/* The value that SHOW VARIABLES shows for a variable that Tessera owns; ptr NULL: not one of them. */
struct sv session_shown_variable(struct session *s, struct sv name);
/* An SQL literal as uservar.h keeps them. */
bool session_literal_value(struct session *s, struct sv literal, struct value *out) MUST_CHECK;
/* The session has set this variable to 0 or OFF. */
bool session_flag_off(const struct session *s, struct sv name);
/* transaction_isolation, by the name that the fleet's servers know. */
struct sv session_isolation_var(const struct session *s);

#endif
