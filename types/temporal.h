/* DATE, DATETIME, TIMESTAMP, TIME and YEAR: parsing of all the formats that MySQL lets pass, packing into integers that
 * sort, printing, arithmetic.
 *
 * Packed form: DATE and DATETIME share one: ((year*13+month)<<5|day)<<41 | (hour<<12|minute<<6|second)<<24 | microsecond, so
 * that a date compares with a datetime as it stands and zero or incomplete dates keep their parts. TIME: the same
 * without the date, negative as a negative number. Pure functions, any thread. */
#ifndef TYPES_TEMPORAL_H
#define TYPES_TEMPORAL_H

#include "types/env.h"

struct datetime {
    uint32_t year, month, day;
    uint32_t hour, minute, second, usec; /* hour of a TIME: up to 838 */
    bool neg;                            /* TIME only */
};

enum temporal_status {
    TEMPORAL_OK,
    TEMPORAL_NOTE,         /* a DATETIME's time part was cut off to make a DATE, or fractional digits were rounded off */
    TEMPORAL_TRUNCATED,    /* garbage behind the value */
    TEMPORAL_OUT_OF_RANGE, /* TIME beyond 838:59:59: clamped */
    TEMPORAL_INVALID       /* no date, or one that sql_mode forbids: the result is zero (SQL: NULL or the zero date) */
};

#define TEMPORAL_TIME_MAX_US INT64_C(3020399000000) /* 838:59:59 */

int64_t temporal_pack_datetime(const struct datetime *t);
void temporal_unpack_datetime(int64_t packed, struct datetime *t);
int64_t temporal_pack_time(const struct datetime *t);
void temporal_unpack_time(int64_t packed, struct datetime *t);
/* Packed TIME to signed microseconds and back. */
int64_t temporal_time_to_us(int64_t packed);
int64_t temporal_time_from_us(int64_t us);
/* Date part of a packed DATETIME. */
static inline int64_t temporal_date_part(int64_t packed)
{
    return packed & ~((INT64_C(1) << 41) - 1);
}

/* Text to packed. want_date: only the date is wanted (the time part gives TEMPORAL_NOTE when not zero). fsp: digits to
 * round to (0..6). */
enum temporal_status temporal_parse_datetime(struct sv s, bool want_date, unsigned fsp, const struct env *e, int64_t *packed);
enum temporal_status temporal_parse_time(struct sv s, unsigned fsp, const struct env *e, int64_t *packed);
/* Numbers: 20260101, 260101, 20260101235959. nanoseconds of the fraction apart. */
enum temporal_status temporal_datetime_from_number(int64_t v, uint32_t nanos, bool want_date, unsigned fsp, const struct env *e,
    int64_t *packed);
enum temporal_status temporal_time_from_number(int64_t v, uint32_t nanos, unsigned fsp, const struct env *e, int64_t *packed);
/* YEAR as stored: 0, 1901..2155; two digits as MySQL maps them. text: 0 written as a string means 2000. */
enum temporal_status temporal_year_from_number(int64_t v, bool from_text, unsigned *year);

/* Rounds (or under TIME_TRUNCATE_FRACTIONAL, and on MariaDB without TIME_ROUND_FRACTIONAL, cuts) to fsp digits. A datetime that would pass the year 9999 is
 * TEMPORAL_OVERFLOW. */
#define TEMPORAL_OVERFLOW INT64_MIN
int64_t temporal_round_datetime(int64_t packed, unsigned fsp, const struct env *e);
int64_t temporal_round_time(int64_t packed, unsigned fsp, const struct env *e);

/* Returns the length; no NUL. buf has 32 bytes. */
size_t temporal_print_date(int64_t packed, char *buf);
size_t temporal_print_datetime(int64_t packed, unsigned fsp, char *buf);
size_t temporal_print_time(int64_t packed, unsigned fsp, char *buf);
/* 20260101235959 etc., without the fraction. */
int64_t temporal_datetime_to_number(int64_t packed, bool date_only);
int64_t temporal_time_to_number(int64_t packed);

/* Days since year 0 as TO_DAYS(); 0 for a zero date. */
int64_t temporal_daynr(uint32_t year, uint32_t month, uint32_t day);
void temporal_from_daynr(int64_t daynr, struct datetime *t);
/* Seconds since 1970 of the wall-clock reading, as if it were UTC. */
int64_t temporal_to_epoch(const struct datetime *t);
/* False: outside years 0..9999. */
bool temporal_from_epoch(int64_t secs, uint32_t usec, struct datetime *t) MUST_CHECK;
bool temporal_date_is_valid(const struct datetime *t, const struct env *e) PURE;
unsigned temporal_days_in_month(uint32_t year, uint32_t month) PURE;
/* 0 Monday .. 6 Sunday. */
unsigned temporal_weekday(int64_t daynr) PURE;
/* Week number. mode's bits: 1 Monday first, 2 weeks 1..53 of the year that the week belongs to (given in *year) rather than 0..53, 4
 * the first week is the first one that starts in the year (else: the first with four days). */
unsigned temporal_week(const struct datetime *t, unsigned mode, uint32_t *year);

enum temporal_unit {
    UNIT_MICROSECOND,
    UNIT_SECOND,
    UNIT_MINUTE,
    UNIT_HOUR,
    UNIT_DAY,
    UNIT_WEEK,
    UNIT_MONTH,
    UNIT_QUARTER,
    UNIT_YEAR,
    UNIT_SECOND_MICROSECOND,
    UNIT_MINUTE_MICROSECOND,
    UNIT_MINUTE_SECOND,
    UNIT_HOUR_MICROSECOND,
    UNIT_HOUR_SECOND,
    UNIT_HOUR_MINUTE,
    UNIT_DAY_MICROSECOND,
    UNIT_DAY_SECOND,
    UNIT_DAY_MINUTE,
    UNIT_DAY_HOUR,
    UNIT_YEAR_MONTH
};

/* False: unknown name ("DAY", "hour_minute", ...). */
bool temporal_unit_parse(struct sv name, enum temporal_unit *unit) MUST_CHECK;

struct interval {
    int64_t months; /* years and months */
    int64_t days;
    int64_t us;
};

/* t + interval. False: out of range (SQL: NULL and warning 1441). */
bool temporal_add(struct datetime *t, const struct interval *iv) MUST_CHECK;

#endif
