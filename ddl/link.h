/* Links: blocking connections of the control plane to servers, through libmysqlclient, and statements sent to many of
 * them at once. For control threads only. A link belongs to one thread at a time. Connections are made in utf8mb4, with the environment
 * that the statement's session had, so that a definition means on a shard what it meant to the client.
 *
 * Errors of a server arrive as they are (diag_set_remote); the caller maps names. A link that lost its connection says so in
 * link_lost and fails every further call with CR_SERVER_LOST. */
#ifndef DDL_LINK_H
#define DDL_LINK_H

#include "ddl/ddl.h"

/* What of a session matters to the meaning of DDL. Views; live as long as the job. */
struct link_env {
    struct sv charset, collation; /* of literals without introducer; ptr NULL: utf8mb4 */
    struct sv sql_mode;           /* ptr NULL: the server's */
    struct sv time_zone;
    bool no_foreign_key_checks, no_unique_checks;
    uint32_t lock_wait_s; /* lock_wait_timeout; 0: the server's */
};

struct link;

enum { LINK_CONNECT_MS = 3000, LINK_READ_S = 60 };

/* read_s: limit of one answer; 0: none (ALTER TABLE may take hours; TCP keepalive finds dead peers). env NULL: strict mode without oddities.
 * False: ER_SHARD_DOWN with the server's name (ER_METADATA if it has none), or what the server said. */
bool link_open(const struct ddl_server *s, const struct link_env *env, uint32_t read_s, struct link **out, struct diag *d) MUST_CHECK;
void link_close(struct link *l); /* NULL is allowed */

/* One statement without a result set. affected, warnings may be NULL. */
bool link_exec(struct link *l, struct sv sql, uint64_t *affected, unsigned *warnings, struct diag *d) MUST_CHECK;
bool link_execf(struct link *l, struct diag *d, const char *fmt, ...) PRINTF_LIKE(3, 4) MUST_CHECK;
/* A statement with a result set, whole, in the arena; cells NUL-terminated. */
bool link_query(struct link *l, struct sv sql, struct arena *a, struct ddl_rows *out, struct diag *d) MUST_CHECK;
bool link_queryf(struct link *l, struct arena *a, struct ddl_rows *out, struct diag *d, const char *fmt, ...)
    PRINTF_LIKE(5, 6) MUST_CHECK;
/* The warnings of the last statement, appended to notes (an arena array of ddl_note: *n elements, capacity by doubling). */
bool link_warnings(struct link *l, struct arena *a, struct ddl_note **notes, size_t *n, struct diag *d) MUST_CHECK;

bool link_lost(const struct link *l);
bool link_is_mariadb(const struct link *l);
unsigned link_version(const struct link *l); /* 80036, 101119 */
uint64_t link_insert_id(const struct link *l);
uint64_t link_thread_id(const struct link *l);

/* 'text' as an SQL literal, for link_execf: in the arena, NUL-terminated. */
const char *link_quote(struct arena *a, struct sv text);
/* `name`, doubled backquotes. */
const char *link_ident(struct arena *a, struct sv name);

/* Cell (row, col) of rows. */
static inline struct sv link_cell(const struct ddl_rows *r, size_t row, size_t col)
{
    return r->cells[row * r->n_cols + col];
}
uint64_t link_cell_u64(const struct ddl_rows *r, size_t row, size_t col);

/* ---- many at once ---- */

/* One piece of work on one server. run is called on a thread of its own lane with a link to `server` (opened with env, no read limit; NULL if it
 * could not be opened, then d is set and run is not called). Tasks of one server share its lanes' links. */
struct link_task {
    const struct ddl_server *server;
    bool (*run)(struct link *l, struct link_task *t); /* fills t->d on failure */
    void *arg;
    struct sv sql;      /* for link_run_sql */
    uint64_t affected;
    bool ok;
    struct diag d;
};

/* Runs all tasks, `lanes` at once on each server, and returns when all have ended. stop_on_error: tasks not yet begun
 * are not run after one failed (they stay !ok with d clear). True: all ok. False: d is the first failure in task order. */
bool link_run_all(struct link_task *tasks, size_t n, const struct link_env *env, unsigned lanes, bool stop_on_error,
                  struct diag *d) MUST_CHECK;
/* A run function: executes t->sql. */
bool link_run_sql(struct link *l, struct link_task *t);

#endif
