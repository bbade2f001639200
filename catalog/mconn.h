/* Blocking connections for the control plane: metadata, DDL on shards, recovery, statistics,
 * probes. A thin wrapper of libmysqlclient (Oracle's or MariaDB's build). Never on a worker. A
 * struct mconn belongs to one thread at a time.
 *
 * Every thread that uses it calls mconn_thread_begin first and mconn_thread_end last. Errors of the
 * server arrive in the diag as the server sent them (code, SQLSTATE, text); lost connections have
 * class DIAG_CONN_LOST, or DIAG_UNKNOWN_OUTCOME where the caller says that the statement may have
 * taken effect. After a loss every call fails until mconn_reconnect. */
#ifndef CATALOG_MCONN_H
#define CATALOG_MCONN_H

#include "conf/conf.h"
#include "util/strbuf.h"

struct mconn;

/* Where and as whom; texts are copied by mconn_open. */
struct mconn_params {
    struct sv host, user, password;
    uint16_t port;
    struct sv db;                      /* default schema; empty: none */
    const struct conf_tls_client *tls; /* NULL: preferred */
    uint32_t connect_timeout_ms;       /* 0: 10,000 */
    uint32_t read_timeout_ms;          /* of one answer; 0: none (long DDL) */
    struct sv what;                    /* for messages: "metadata", "shard s1" */
};

/* From the configuration: the metadata server; a shard (its own account or the service account). */
void mconn_params_meta(struct mconn_params *p, const struct conf *c);
struct cat_shard;
void mconn_params_shard(struct mconn_params *p, const struct conf *c, const struct cat_shard *s);

bool mconn_library_begin(void) MUST_CHECK; /* once, main thread, before any other thread */
void mconn_library_end(void);
void mconn_thread_begin(void);
void mconn_thread_end(void);

/* Connects: utf8mb4, autocommit on, sql_mode emptied to what the control plane writes by
 * ('NO_BACKSLASH_ESCAPES' off, ANSI off), time zone UTC, lock_wait_timeout as the server has it.
 * False: ER_SHARD_DOWN-like error naming `what` and the reason. */
bool mconn_open(const struct mconn_params *p, struct mconn **out, struct diag *d) MUST_CHECK;
void mconn_close(struct mconn *c); /* NULL is allowed */
bool mconn_reconnect(struct mconn *c, struct diag *d) MUST_CHECK;
/* A connection in this state fails every call. */
bool mconn_is_lost(const struct mconn *c);
bool mconn_ping(struct mconn *c, struct diag *d) MUST_CHECK;
bool mconn_is_mariadb(const struct mconn *c);
/* 80036, 100011, ...: major * 10000 + minor * 100 + patch. */
uint32_t mconn_version(const struct mconn *c);
const char *mconn_server_info(const struct mconn *c);
uint64_t mconn_thread_id(const struct mconn *c);

/* A result held in an arena. cells row-major; ptr NULL: NULL. Further results of a multi-result
 * answer are read and dropped. */
struct mresult {
    uint32_t cols, rows;
    const struct sv *names; /* of columns */
    const uint8_t *types;   /* protocol type codes */
    const struct sv *cells;
    uint64_t affected, insert_id;
    uint32_t warnings;
};

static inline struct sv mresult_cell(const struct mresult *r, uint32_t row, uint32_t col)
{
    ASSERT(row < r->rows && col < r->cols);
    return r->cells[(size_t)row * r->cols + col];
}

/* Numbers from cells: 0 for NULL and for what is none. */
uint64_t mresult_u64(const struct mresult *r, uint32_t row, uint32_t col);
int64_t mresult_i64(const struct mresult *r, uint32_t row, uint32_t col);

/* One statement; r (may be NULL: rows are dropped) is filled with texts in a. */
bool mconn_query(
    struct mconn *c, struct sv sql, struct arena *a, struct mresult *r, struct diag *d) MUST_CHECK;
/* A statement without a result that matters. */
bool mconn_exec(struct mconn *c, struct sv sql, struct diag *d) MUST_CHECK;
/* SQL from a format. Besides printf's own, which are for numbers and trusted text only, there are
 * the arguments
 *
 *   %Q  struct sv *  quoted string; NULL pointer or ptr NULL: the word NULL
 *   %I  struct sv *  quoted identifier
 *   %S  struct sv *  raw SQL text
 *   %u %d %x  unsigned, int, unsigned;  %lu %ld  (unsigned) long;  %s  const char *, raw;  %%
 *
 * and nothing else. */
struct sv mconn_sql(struct arena *a, const char *fmt, ...);
bool mconn_execf(struct mconn *c, struct diag *d, const char *fmt, ...) MUST_CHECK;
bool mconn_queryf(struct mconn *c, struct arena *a, struct mresult *r, struct diag *d,
    const char *fmt, ...) MUST_CHECK;
/* Rows one by one as they come from the server (large results); fn returns false to stop (the rest
 * is read and dropped). */
bool mconn_each(struct mconn *c, struct sv sql,
    bool (*fn)(void *arg, const struct sv *cells, uint32_t cols), void *arg,
    struct diag *d) MUST_CHECK;
/* Warnings of the last statement, as SHOW WARNINGS gives them: level, code, text. */
bool mconn_warnings(struct mconn *c, struct arena *a, struct mresult *r, struct diag *d) MUST_CHECK;

/* Marks that a loss from now on leaves the outcome unknown (a COMMIT is being sent), until the next
 * call with false. */
void mconn_set_deciding(struct mconn *c, bool deciding);
/* Any other thread: KILL QUERY on a side connection. */
bool mconn_cancel(const struct mconn_params *p, uint64_t thread_id, struct diag *d) MUST_CHECK;
/* As strbuf_put_quoted with backslashes: the connections made here never run under
 * NO_BACKSLASH_ESCAPES. */
void mconn_put_quoted(struct strbuf *b, struct sv s);

#endif
