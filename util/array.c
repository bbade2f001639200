#include "util/array.h"

enum { FIRST_CAP = 8 };

void *array_grow(
    void *v, size_t n, size_t *cap, size_t need, size_t elem_bytes, struct arena *arena)
{
    size_t bytes, to = MAX(*cap + *cap / 2, MAX(need, (size_t)FIRST_CAP));
    void *p;

    CHECK(need < SIZE_MAX / 4 && !__builtin_mul_overflow(to, elem_bytes, &bytes));
    if (arena) {
        p = arena_alloc(arena, bytes);
        if (n)
            memcpy(p, v, n * elem_bytes);
    } else {
        p = xrealloc(v, bytes);
    }
    *cap = to;
    return p;
}
