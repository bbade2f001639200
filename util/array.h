/* Typed dynamic arrays. ARRAY_OF(tag, type) defines `struct tag {type *v; size_t n, cap;}`; a
 * zeroed struct is an empty array. The macros take a pointer to such a struct and, where it may
 * grow, the arena it grows in, or NULL for the heap (then array_free ends it). An array that grew
 * in an arena leaves its old piece there until the arena is reset: reserve first where the size is
 * known. One owner, one thread. Macro arguments are evaluated once, except the array pointer: give
 * a variable.
 *
 *     ARRAY_OF(name_array, struct sv);
 *     struct name_array names = {0};
 *     array_push(&names, arena, SV("a"));
 *     array_each (&names, it) use(*it); */
#ifndef UTIL_ARRAY_H
#define UTIL_ARRAY_H

#include "util/arena.h"

#define ARRAY_OF(tag, type) \
    struct tag {            \
        type *v;            \
        size_t n, cap;      \
    }

/* For the macros: returns the place of cap elements that begin with the old `n`; *cap becomes the
 * new capacity. */
void *array_grow(
    void *v, size_t n, size_t *cap, size_t need, size_t elem_bytes, struct arena *arena);

#define array_reserve(a, arena_, need_)                                                        \
    do {                                                                                       \
        size_t array_need_ = (need_);                                                          \
        if (UNLIKELY(array_need_ > (a)->cap))                                                  \
            (a)->v =                                                                           \
                array_grow((a)->v, (a)->n, &(a)->cap, array_need_, sizeof(*(a)->v), (arena_)); \
    } while (0)

/* Pointer to a new zeroed last element; valid until the array grows again. */
#define array_add(a, arena_)                                               \
    ({                                                                     \
        array_reserve((a), (arena_), (a)->n + 1);                          \
        (__typeof__((a)->v))memset(&(a)->v[(a)->n++], 0, sizeof(*(a)->v)); \
    })

#define array_push(a, arena_, ...)                        \
    do {                                                  \
        __typeof__(*(a)->v) array_value_ = (__VA_ARGS__); \
        array_reserve((a), (arena_), (a)->n + 1);         \
        (a)->v[(a)->n++] = array_value_;                  \
    } while (0)

#define array_append(a, arena_, from_, count_)                                \
    do {                                                                      \
        size_t array_count_ = (count_);                                       \
        array_reserve((a), (arena_), (a)->n + array_count_);                  \
        if (array_count_)                                                     \
            memcpy((a)->v + (a)->n, (from_), array_count_ * sizeof(*(a)->v)); \
        (a)->n += array_count_;                                               \
    } while (0)

#define array_insert(a, arena_, at_, ...)                                                        \
    do {                                                                                         \
        __typeof__(*(a)->v) array_value_ = (__VA_ARGS__);                                        \
        size_t array_at_ = (at_);                                                                \
        array_reserve((a), (arena_), (a)->n + 1);                                                \
        memmove(                                                                                 \
            (a)->v + array_at_ + 1, (a)->v + array_at_, ((a)->n - array_at_) * sizeof(*(a)->v)); \
        (a)->v[array_at_] = array_value_;                                                        \
        (a)->n++;                                                                                \
    } while (0)

/* Removes element i, keeping the order. */
#define array_remove(a, i_)                                                                       \
    do {                                                                                          \
        size_t array_i_ = (i_);                                                                   \
        ASSERT(array_i_ < (a)->n);                                                                \
        memmove(                                                                                  \
            (a)->v + array_i_, (a)->v + array_i_ + 1, ((a)->n - array_i_ - 1) * sizeof(*(a)->v)); \
        (a)->n--;                                                                                 \
    } while (0)

/* Removes element i by moving the last one there. */
#define array_remove_swap(a, i_)             \
    do {                                     \
        size_t array_i_ = (i_);              \
        ASSERT(array_i_ < (a)->n);           \
        (a)->v[array_i_] = (a)->v[--(a)->n]; \
    } while (0)

#define array_last(a) (&(a)->v[(a)->n - 1])
#define array_pop(a) ((a)->v[--(a)->n])
#define array_clear(a) ((void)((a)->n = 0))
/* Heap arrays only. */
#define array_free(a)                 \
    do {                              \
        xfree((a)->v);                \
        memset((a), 0, sizeof(*(a))); \
    } while (0)
#define array_each(a, it) for (__typeof__(&*(a)->v) it = (a)->v; it < (a)->v + (a)->n; it++)

#endif
