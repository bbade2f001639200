/* Arena blocks: a list with the newest first; the current block is the one that pos and end point
 * into, which is the first but for oversized requests put behind it. Blocks double from 4 KiB to
 * 256 KiB, so that a small statement costs one malloc or none (the first block survives a reset)
 * and a large one few. In address-sanitizer builds every request is a block of its own. */
#include "util/arena.h"

#include <execinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { FIRST_BLOCK_BYTES = 4096, MAX_BLOCK_BYTES = 256 * 1024 };

struct arena_block {
    struct arena_block *next;
    size_t size; /* with this head */
    _Alignas(16) char data[];
};

NORETURN void check_failed(const char *file, int line, const char *what)
{
    void *frames[64];
    int n;

    fprintf(stderr, "%s:%d: check failed: %s\n", file, line, what);
    n = backtrace(frames, (int)ARRAY_LEN(frames));
    backtrace_symbols_fd(frames, n, STDERR_FILENO);
    abort();
}

static NORETURN void no_memory(size_t n)
{
    fprintf(stderr, "out of memory: %zu bytes were refused\n", n);
    abort();
}

void *xmalloc(size_t n)
{
    void *p = malloc(n ? n : 1);

    if (!p)
        no_memory(n);
    return p;
}

void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size ? size : 1);

    if (!p)
        no_memory(n);
    return p;
}

void *xrealloc(void *p, size_t n)
{
    p = realloc(p, n ? n : 1);
    if (!p)
        no_memory(n);
    return p;
}

char *xstrdup(const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(xmalloc(n), s, n);
}

void xfree(void *p)
{
    free(p);
}

void arena_init(struct arena *a, size_t limit_bytes)
{
    *a = (struct arena){.limit_bytes = limit_bytes, .block_bytes = FIRST_BLOCK_BYTES};
}

void *arena_alloc_slow(struct arena *a, size_t n)
{
    size_t need = (n + 15) & ~(size_t)15;
    size_t size;
    struct arena_block *b;
    void *p;

    CHECK(need >= n && need < SIZE_MAX / 2);
#ifdef WITH_ASAN
    size = sizeof(*b) + n;
#else
    size = MAX(a->block_bytes, sizeof(*b) + need);
    a->block_bytes = MIN(a->block_bytes * 2, (size_t)MAX_BLOCK_BYTES);
#endif
    b = xmalloc(size);
    b->size = size;
    a->used_bytes += size;
    p = b->data;
    if (a->blocks && sizeof(*b) + need == size) {
        /* A request that fills its block goes behind the current one, whose rest stays usable. */
        b->next = a->blocks->next;
        a->blocks->next = b;
    } else {
        b->next = a->blocks;
        a->blocks = b;
#ifndef WITH_ASAN
        a->pos = b->data + need;
        a->end = (char *)b + size;
#endif
    }
    return p;
}

void arena_reset(struct arena *a)
{
#ifdef WITH_ASAN
    arena_free(a);
#else
    struct arena_block *b = a->blocks;

    while (b && b->next) {
        struct arena_block *next = b->next;

        a->used_bytes -= b->size;
        xfree(b);
        b = next;
    }
    a->blocks = b;
    if (b && b->size > FIRST_BLOCK_BYTES * 4) {
        a->used_bytes -= b->size;
        xfree(b);
        a->blocks = b = NULL;
    }
    a->pos = b ? b->data : NULL;
    a->end = b ? (char *)b + b->size : NULL;
    a->block_bytes = FIRST_BLOCK_BYTES;
#endif
}

void arena_free(struct arena *a)
{
    struct arena_block *b = a->blocks;

    while (b) {
        struct arena_block *next = b->next;

        xfree(b);
        b = next;
    }
    arena_init(a, a->limit_bytes);
}

void *arena_calloc(struct arena *a, size_t n, size_t size)
{
    size_t bytes;

    CHECK(!__builtin_mul_overflow(n, size, &bytes));
    return memset(arena_alloc(a, bytes), 0, bytes);
}

struct sv arena_dup(struct arena *a, struct sv s)
{
    char *p = arena_alloc(a, s.len + 1);

    if (s.len)
        memcpy(p, s.ptr, s.len);
    p[s.len] = '\0';
    return (struct sv){p, s.len};
}

char *arena_strdup(struct arena *a, const char *s)
{
    size_t n = strlen(s) + 1;

    return memcpy(arena_alloc(a, n), s, n);
}

struct sv arena_vprintf(struct arena *a, const char *fmt, va_list ap)
{
    va_list again;
    char *p;
    int n;

    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    CHECK(n >= 0);
    p = arena_alloc(a, (size_t)n + 1);
    vsnprintf(p, (size_t)n + 1, fmt, again);
    va_end(again);
    return (struct sv){p, (size_t)n};
}

struct sv arena_printf(struct arena *a, const char *fmt, ...)
{
    va_list ap;
    struct sv s;

    va_start(ap, fmt);
    s = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return s;
}

struct sv arena_concat(struct arena *a, const struct sv *parts, size_t n)
{
    size_t len = 0;
    char *p, *q;

    for (size_t i = 0; i < n; i++)
        len += parts[i].len;
    p = q = arena_alloc(a, len + 1);
    for (size_t i = 0; i < n; i++) {
        if (parts[i].len)
            memcpy(q, parts[i].ptr, parts[i].len);
        q += parts[i].len;
    }
    *q = '\0';
    return (struct sv){p, len};
}
