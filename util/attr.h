/* Attributes, assertions and small macros used everywhere. Includes config.h, so that every file
 * that includes any header of ours sees the configuration.
 *
 * ASSERT  debug builds only; states what the code relies on.
 * CHECK   always; a contradiction after which going on could corrupt data: aborts with a line on
 * stderr. NEVER   "cannot happen" that has a safe way out: aborts in debug builds, is just true in
 * release builds. */
#ifndef UTIL_ATTR_H
#define UTIL_ATTR_H

#include "config.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MUST_CHECK __attribute__((warn_unused_result))
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN __attribute__((noreturn))
#define UNUSED __attribute__((unused))
#define PURE __attribute__((pure))
#define NONNULL __attribute__((nonnull))
#define LIKELY(x) __builtin_expect(!!(x), 1)
#define UNLIKELY(x) __builtin_expect(!!(x), 0)
#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))
#define CONTAINER_OF(ptr, type, member) ((type *)(void *)((char *)(ptr)-offsetof(type, member)))
/* The counter keeps the names apart, so that the macros nest. */
#define PICK__(a, b, op, n)                                 \
    ({                                                      \
        __typeof__(a) pick_a_##n = (a);                     \
        __typeof__(b) pick_b_##n = (b);                     \
        pick_a_##n op pick_b_##n ? pick_a_##n : pick_b_##n; \
    })
#define PICK_(a, b, op, n) PICK__(a, b, op, n)
#define MIN(a, b) PICK_(a, b, <, __COUNTER__)
#define MAX(a, b) PICK_(a, b, >, __COUNTER__)

/* Prints "file:line: what" and a backtrace on stderr and aborts. Any thread. */
NORETURN void check_failed(const char *file, int line, const char *what);

#define CHECK(x)                                  \
    do {                                          \
        if (UNLIKELY(!(x)))                       \
            check_failed(__FILE__, __LINE__, #x); \
    } while (0)

#if defined(WITH_DEBUG) || defined(WITH_SANITIZER)
#define ASSERT(x) CHECK(x)
#define NEVER(x)                          \
    ({                                    \
        bool never_x_ = (x);              \
        CHECK(!never_x_ && "never: " #x); \
        false;                            \
    })
#else
#define ASSERT(x) ((void)sizeof((x) ? 1 : 0))
#define NEVER(x) UNLIKELY(x)
#endif

#endif
