/* Arena: bump allocator in blocks. One owner, one thread at a time; everything in it dies at reset
 * or free.
 *
 * Small regime (parsing, binding, planning): allocation never returns NULL. Over `limit` bytes the
 * arena keeps giving but sets a sticky flag that its user tests at joints (arena_over_limit). True
 * exhaustion of the process's memory aborts with a line on stderr. Pointers are aligned to 8 bytes
 * (16 for requests of 16 bytes and more). In address-sanitizer builds each allocation is separate,
 * so that overruns are seen. */
#ifndef UTIL_ARENA_H
#define UTIL_ARENA_H

#include "util/sv.h"

#include <stdarg.h>

struct arena_block;

struct arena {
    char *pos, *end;
    struct arena_block *blocks; /* newest first */
    size_t used_bytes;          /* sum of all blocks' sizes */
    size_t limit_bytes;         /* 0: none */
    size_t block_bytes;         /* size of the next block */
};

/* limit_bytes 0: no limit. Allocates nothing yet. */
void arena_init(struct arena *a, size_t limit_bytes);
/* Frees all but the first (oldest) block, which is kept for reuse. */
void arena_reset(struct arena *a);
void arena_free(struct arena *a);

static inline bool arena_over_limit(const struct arena *a)
{
    return UNLIKELY(a->limit_bytes && a->used_bytes > a->limit_bytes);
}

void *arena_alloc_slow(struct arena *a, size_t n) __attribute__((malloc, returns_nonnull));

/* Uninitialised memory; n may be 0. */
static inline __attribute__((returns_nonnull)) void *arena_alloc(struct arena *a, size_t n)
{
#ifndef WITH_ASAN
    size_t need = (n + 15) & ~(size_t)15;

    if (LIKELY(need >= n && (size_t)(a->end - a->pos) >= need && a->pos)) {
        void *p = a->pos;

        a->pos += need;
        return p;
    }
#endif
    return arena_alloc_slow(a, n);
}

/* Zeroed memory for n objects of size bytes each; overflow aborts. */
void *arena_calloc(struct arena *a, size_t n, size_t size) __attribute__((malloc, returns_nonnull));
#define ARENA_NEW(a, type) ((type *)arena_calloc((a), 1, sizeof(type)))
#define ARENA_NEW_N(a, type, n) ((type *)arena_calloc((a), (n), sizeof(type)))

/* Copies; the copy is also NUL-terminated (the NUL is not counted). */
struct sv arena_dup(struct arena *a, struct sv s);
char *arena_strdup(struct arena *a, const char *s);
struct sv arena_printf(struct arena *a, const char *fmt, ...) PRINTF_LIKE(2, 3);
struct sv arena_vprintf(struct arena *a, const char *fmt, va_list ap) PRINTF_LIKE(2, 0);
/* Joins without a separator. */
struct sv arena_concat(struct arena *a, const struct sv *parts, size_t n);

/* malloc family that aborts on exhaustion: the only place outside util that may ask the heap. */
void *xmalloc(size_t n) __attribute__((malloc, returns_nonnull));
void *xcalloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));
void *xrealloc(void *p, size_t n) __attribute__((returns_nonnull));
char *xstrdup(const char *s) __attribute__((malloc, returns_nonnull));
void xfree(void *p);

#endif
