/* The log. A caller formats its line into a ring of its own thread and goes on; one logger thread
 * drains the rings and writes. Nobody ever waits: a line that does not fit is dropped and counted,
 * and the count is logged. Before log_start and after log_stop lines are written directly (then the
 * caller does wait for the file).
 *
 * Repetition: the same text more than LOG_SAME_PER_S times a second, or one call site more than
 * LOG_SITE_PER_S times a second, on one thread, is suppressed; the next line let through says how
 * many were not shown.
 *
 *     log_warn(LOG_BACKEND, "shard %s: %s", name, why);
 *
 * A line: time (UTC), level, category, text. Control characters in the text are shown as \xHH, so
 * that nothing from a client can forge a line. Any thread. log_start, log_stop and log_reopen: the
 * main thread (log_reopen: any). */
#ifndef UTIL_LOG_H
#define UTIL_LOG_H

#include "util/diag.h"

#include <stdatomic.h>

enum log_level { LOG_ERROR, LOG_WARN, LOG_INFO, LOG_DEBUG };

enum log_cat {
    LOG_MAIN,    /* start, stop, signals */
    LOG_CONF,    /* configuration */
    LOG_NET,     /* listeners, sockets, protocol */
    LOG_SESSION, /* client sessions */
    LOG_BACKEND, /* shard connections, pools, probes */
    LOG_CATALOG, /* metadata, versions */
    LOG_PLAN,    /* planner, plan cache */
    LOG_EXEC,    /* executor */
    LOG_TXN,     /* transactions, recovery */
    LOG_DDL,     /* jobs */
    LOG_CATS
};

enum { LOG_LINE_MAX = 2048, LOG_SAME_PER_S = 5, LOG_SITE_PER_S = 100 };

/* The least important level that is written, of each category. Read without a lock. */
extern _Atomic int log_levels[LOG_CATS];

static inline bool log_is_on(enum log_cat cat, enum log_level level)
{
    return (int)level <= atomic_load_explicit(&log_levels[cat], memory_order_relaxed);
}

void log_write(enum log_cat cat, enum log_level level, const char *fmt, ...) PRINTF_LIKE(3, 4);

#define log_at(cat, level, ...)                     \
    do {                                            \
        if (log_is_on((cat), (level)))              \
            log_write((cat), (level), __VA_ARGS__); \
    } while (0)
#define log_error(cat, ...) log_at((cat), LOG_ERROR, __VA_ARGS__)
#define log_warn(cat, ...) log_at((cat), LOG_WARN, __VA_ARGS__)
#define log_info(cat, ...) log_at((cat), LOG_INFO, __VA_ARGS__)
#define log_debug(cat, ...)                           \
    do {                                              \
        if (UNLIKELY(log_is_on((cat), LOG_DEBUG)))    \
            log_write((cat), LOG_DEBUG, __VA_ARGS__); \
    } while (0)

/* All categories. */
void log_set_level(enum log_level level);
void log_set_cat_level(enum log_cat cat, enum log_level level);
bool log_level_from_name(struct sv name, enum log_level *level) MUST_CHECK;
const char *log_level_name(enum log_level level);
const char *log_cat_name(enum log_cat cat);

/* Opens the file for appending (NULL or "": stderr). False: ER_CONFIG with the reason; the log is
 * as before. */
bool log_open(const char *path, struct diag *d) MUST_CHECK;
/* Opens the same path again, as log rotation wants. A failure is logged to the old file. */
void log_reopen(void);
/* Starts the logger thread. */
bool log_start(struct diag *d) MUST_CHECK;
/* Drains, stops the thread. Lines after it are written directly. */
void log_stop(void);
/* Waits until all lines that were written before the call are in the file. Not for workers. */
void log_flush(void);
/* Lines lost because a ring was full, since the process started. */
uint64_t log_lines_lost(void);

#endif
