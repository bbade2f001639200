/* The statement environment: all that a statement's meaning depends on besides its text and the data. Filled by the
 * session (or a DDL job) at a statement's start and const for everybody below; only the sink of warnings is written.
 * Belongs to one execution; used by one thread at a time. */
#ifndef TYPES_ENV_H
#define TYPES_ENV_H

#include "util/arena.h"
#include "util/diag.h"

/* sql_mode bits, with MySQL's numbering (also MariaDB's for the ones that it shares). */
#define MODE_REAL_AS_FLOAT (UINT64_C(1) << 0)
#define MODE_PIPES_AS_CONCAT (UINT64_C(1) << 1)
#define MODE_ANSI_QUOTES (UINT64_C(1) << 2)
#define MODE_IGNORE_SPACE (UINT64_C(1) << 3)
#define MODE_ONLY_FULL_GROUP_BY (UINT64_C(1) << 5)
#define MODE_NO_UNSIGNED_SUBTRACTION (UINT64_C(1) << 6)
#define MODE_NO_DIR_IN_CREATE (UINT64_C(1) << 7)
#define MODE_ANSI (UINT64_C(1) << 18)
#define MODE_NO_AUTO_VALUE_ON_ZERO (UINT64_C(1) << 19)
#define MODE_NO_BACKSLASH_ESCAPES (UINT64_C(1) << 20)
#define MODE_STRICT_TRANS_TABLES (UINT64_C(1) << 21)
#define MODE_STRICT_ALL_TABLES (UINT64_C(1) << 22)
#define MODE_NO_ZERO_IN_DATE (UINT64_C(1) << 23)
#define MODE_NO_ZERO_DATE (UINT64_C(1) << 24)
#define MODE_ALLOW_INVALID_DATES (UINT64_C(1) << 25)
#define MODE_ERROR_FOR_DIVISION_BY_ZERO (UINT64_C(1) << 26)
#define MODE_TRADITIONAL (UINT64_C(1) << 27)
#define MODE_HIGH_NOT_PRECEDENCE (UINT64_C(1) << 29)
#define MODE_NO_ENGINE_SUBSTITUTION (UINT64_C(1) << 30)
#define MODE_PAD_CHAR_TO_FULL_LENGTH (UINT64_C(1) << 31)
#define MODE_TIME_TRUNCATE_FRACTIONAL (UINT64_C(1) << 32)
#define MODE_TIME_ROUND_FRACTIONAL (UINT64_C(1) << 33) /* MariaDB */
#define MODE_STRICT (MODE_STRICT_TRANS_TABLES | MODE_STRICT_ALL_TABLES)

/* Name list as in SET sql_mode = 'A,B' (combinations such as ANSI and TRADITIONAL expanded, unknown-to-one-flavour names
 * accepted) to bits. False: *bad is the unknown name. */
bool env_mode_parse(struct sv names, uint64_t *mode, struct sv *bad) MUST_CHECK;
/* Bits to the comma-separated list, in MySQL's order, in arena a. */
struct sv env_mode_print(uint64_t mode, struct arena *a);

enum env_flavour { ENV_MYSQL8, ENV_MARIADB };

enum warn_level { WARN_NOTE, WARN_WARNING, WARN_ERROR };

struct warning {
    enum warn_level level;
    uint16_t code;
    struct sv text; /* in the sink's arena */
};

/* Warnings of a statement: the first `max` (max_error_count) are kept, all are counted. */
struct warn_sink {
    struct arena *arena;
    struct warning *list;
    uint32_t n, cap, max;
    uint64_t total;
};

void warn_sink_init(struct warn_sink *w, struct arena *a, uint32_t max);
/* Sink may be NULL (nothing is kept then). */
void warn_add(struct warn_sink *w, enum warn_level level, unsigned code, const char *fmt, ...) PRINTF_LIKE(4, 5);
/* Appends the warnings of another list (those that a shard reported). */
void warn_merge(struct warn_sink *w, const struct warn_sink *from);
/* How often the list has this warning. */
uint32_t warn_count(const struct warn_sink *w, unsigned code, struct sv text);
/* Whether the code says that a statement uses something deprecated: said of the statement's text, once when it is parsed. */
bool warn_is_deprecation(unsigned code);

/* A time zone. Fixed offset, or the transitions of a zoneinfo file. Immutable after loading. */
struct tz;
/* "SYSTEM", "+05:30" ('-13:59' to '+14:00') or a name of the zoneinfo database. The result lives in arena a.
 * NULL: unknown (1298 is the caller's to raise). */
const struct tz *tz_load(struct arena *a, struct sv name);
extern const struct tz *const tz_utc;
/* A zone that nobody here knows (the servers' SYSTEM, elsewhere): offset 0 where something must be computed, but nothing may be
 * decided by it. */
extern const struct tz *const tz_unknown;
/* Seconds to add to UTC at the moment utc_s to get local time. */
int32_t tz_offset_at_utc(const struct tz *z, int64_t utc_s);
/* Local wall-clock seconds (as if it were UTC) to UTC seconds. Times in a gap move to the gap's end as MySQL does;
 * ambiguous ones take the first (summer time). */
int64_t tz_local_to_utc(const struct tz *z, int64_t local_s);

struct env {
    uint64_t sql_mode;
    enum env_flavour flavour;
    const struct tz *tz; /* NULL: UTC */
    int64_t now_us;      /* UTC microseconds since 1970, frozen at the statement's start (SET TIMESTAMP) */
    uint16_t coll_connection;
    uint16_t coll_database;
    uint16_t coll_results;
    uint8_t div_precision_increment; /* 4 */
    uint8_t default_week_format;
    uint32_t group_concat_max_len; /* bytes */
    uint64_t max_allowed_packet;
    uint64_t last_insert_id;
    int64_t row_count;
    uint64_t found_rows;
    uint32_t connection_id;
    struct sv db; /* ptr NULL: none selected */
    struct sv user;
    struct sv host;
    struct sv version;
    struct warn_sink *warnings; /* may be NULL */
};

/* Defaults of a fresh MySQL 8 (or MariaDB) server, UTC, utf8mb4, now_us 0. */
void env_init(struct env *e, enum env_flavour flavour);

#endif
