/* Session state that a shard connection must have before a statement of a session runs on it: the default schema and
 * session variables as SQL texts. A state is an immutable, sorted set with a 64-bit signature; changing one gives
 * a new one. Two states with the same signature are equal, and then nothing is sent.
 *
 * Names are those of MySQL's session variables in lower case, without @@ (`sql_mode`, `time_zone`, `autocommit`,
 * `transaction_isolation`, `character_set_client`, ...); a value is the SQL text that stands behind `=` in SET
 * ('ANSI', 1, DEFAULT is never stored: unset it instead). A variable that a state does not name has the server's
 * global value.
 *
 * Counted references without atomics: a state stays on its worker. */
#ifndef BACKEND_SYNC_H
#define BACKEND_SYNC_H

#include "util/sv.h"

struct sync_var {
    struct sv name, value;
};

struct sync_state {
    uint32_t refs;
    uint32_t n_vars;
    uint64_t signature; /* of everything */
    uint64_t vars_signature;
    struct sv schema;   /* ptr NULL or empty: none wanted (a connection that has one keeps it) */
    const struct sync_var *vars; /* sorted by name */
};

enum { SYNC_VARS_MAX = 128, SYNC_BYTES_MAX = 64 * 1024 };

/* The state of a new connection: no schema, no variables. The caller owns one reference. */
struct sync_state *sync_new(void);
struct sync_state *sync_ref(struct sync_state *s);
void sync_unref(struct sync_state *s);
/* New states (one reference for the caller; s is not changed or freed). NULL: over SYNC_VARS_MAX or
 * SYNC_BYTES_MAX. value ptr NULL unsets. */
struct sync_state *sync_with_var(const struct sync_state *s, struct sv name, struct sv value) MUST_CHECK;
struct sync_state *sync_with_schema(const struct sync_state *s, struct sv schema) MUST_CHECK;
/* The value's text, or ptr NULL. */
struct sv sync_get(const struct sync_state *s, struct sv name) PURE;

static inline bool sync_equal(const struct sync_state *a, const struct sync_state *b)
{
    return a == b || a->signature == b->signature;
}

/* Writes "SET a=1,b=DEFAULT" that leads from one state's variables to another's; nothing when they are equal.
 * old_names: for MariaDB before 11.1, which calls transaction_isolation and transaction_read_only tx_isolation and
 * tx_read_only. */
struct strbuf;
void sync_diff(const struct sync_state *from, const struct sync_state *to, bool old_names, struct strbuf *out);

#endif
