/* String views: pointer and length, never NUL-dependent. A view owns nothing; whoever made it says
 * how long the bytes live (usually: as long as the arena they are in). Passed by value. Pure
 * functions, any thread. */
#ifndef UTIL_SV_H
#define UTIL_SV_H

#include "util/attr.h"

#include <string.h>

struct sv {
    const char *ptr;
    size_t len;
};

#define SV(literal) ((struct sv){"" literal, sizeof(literal) - 1})
#define SV_NULL ((struct sv){NULL, 0})
/* For printf's "%.*s". */
#define SV_ARG(v) ((int)(v).len), ((v).ptr)

static inline struct sv sv_make(const char *ptr, size_t len)
{
    return (struct sv){ptr, len};
}

static inline struct sv sv_cstr(const char *s)
{
    return (struct sv){s, s ? strlen(s) : 0};
}

static inline bool sv_eq(struct sv a, struct sv b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static inline bool sv_eq_cstr(struct sv a, const char *b)
{
    return sv_eq(a, sv_cstr(b));
}

static inline bool sv_starts(struct sv a, struct sv prefix)
{
    return a.len >= prefix.len && memcmp(a.ptr, prefix.ptr, prefix.len) == 0;
}

/* Equal when ASCII letters are folded; other bytes must be the same. */
bool sv_eq_nocase(struct sv a, struct sv b) PURE;
/* memcmp order, shorter first. */
int sv_cmp(struct sv a, struct sv b) PURE;
/* As sv_cmp with ASCII letters folded. */
int sv_cmp_nocase(struct sv a, struct sv b) PURE;
struct sv sv_trim(struct sv a) PURE;
/* Decimal digits only, no sign, no blanks. False: not a number, or too large. */
bool sv_to_u64(struct sv a, uint64_t *out) MUST_CHECK;
bool sv_to_i64(struct sv a, int64_t *out) MUST_CHECK;

#endif
