/* Time. Monotonic for durations and deadlines, real for what people and servers read. A loop reads
 * the clock once a turn into a struct clock and everybody in that turn uses the copy. Any thread; a
 * struct clock has one owner. */
#ifndef UTIL_CLOCK_H
#define UTIL_CLOCK_H

#include "util/attr.h"

enum { CLOCK_TEXT_MAX = 32 };

struct clock {
    uint64_t mono_ns; /* since some point in the past */
    uint64_t real_us; /* since 1970-01-01 UTC */
};

uint64_t clock_mono_ns(void);
uint64_t clock_mono_us(void);
uint64_t clock_mono_ms(void);
uint64_t clock_real_us(void);
void clock_update(struct clock *c);

static inline uint64_t clock_ms(const struct clock *c)
{
    return c->mono_ns / 1000000;
}

static inline uint64_t clock_us(const struct clock *c)
{
    return c->mono_ns / 1000;
}

/* `2026-01-31T12:00:00.123456Z` into buf (CLOCK_TEXT_MAX bytes); returns buf. */
char *clock_format_utc(uint64_t real_us, char *buf);
/* Sleeps; for control threads and tests only, never on a worker. */
void clock_sleep_ms(uint64_t ms);

#endif
