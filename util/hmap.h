/* Typed hash maps: open addressing, linear probing, at most 3/4 full, deletion by shifting back (no
 * tombstones). HMAP_SV(tag, value_type), HMAP_SV_NOCASE and HMAP_U64 define `struct tag` and
 * functions; HMAP_DEFINE is the general form. A zeroed struct is an empty map on the heap; set
 * .arena to build it in an arena (old tables stay there until it is reset; then tag_free must not
 * be called). Keys that are views are not copied: the caller keeps the bytes.
 *
 *     HMAP_SV(name_map, struct thing *);
 *     struct name_map m = {.arena = a};
 *     *name_map_put(&m, SV("x"), NULL) = thing;
 *     struct thing **t = name_map_get(&m, SV("x"));
 *     for (size_t i = 0; name_map_next(&m, &i, &key, &value);) ...
 *
 * Pointers to values are valid until the next put or del. Reading is safe from any number of
 * threads; changing needs one owner. */
#ifndef UTIL_HMAP_H
#define UTIL_HMAP_H

#include "util/arena.h"
#include "util/hash.h"

enum { HMAP_FIRST_CAP = 8 };

#define HMAP_DEFINE(tag, key_type, value_type, hash_fn, eq_fn)                                    \
    struct tag##_slot {                                                                           \
        key_type key;                                                                             \
        value_type value;                                                                         \
        uint32_t hash; /* 0: empty */                                                             \
    };                                                                                            \
    struct tag {                                                                                  \
        struct tag##_slot *slots;                                                                 \
        size_t n, cap; /* cap: 0 or a power of two */                                             \
        struct arena *arena;                                                                      \
    };                                                                                            \
    static inline UNUSED uint32_t tag##_hash(key_type key)                                        \
    {                                                                                             \
        uint64_t h = hash_fn(key);                                                                \
        return (uint32_t)(h ^ h >> 32) | 1;                                                       \
    }                                                                                             \
    static inline UNUSED size_t tag##_home(const struct tag *m, uint32_t hash)                    \
    {                                                                                             \
        return (size_t)(hash >> 1) & (m->cap - 1);                                                \
    }                                                                                             \
    static inline UNUSED struct tag##_slot *tag##_find(const struct tag *m, key_type key)         \
    {                                                                                             \
        uint32_t hash;                                                                            \
        if (m->n == 0)                                                                            \
            return NULL;                                                                          \
        hash = tag##_hash(key);                                                                   \
        for (size_t i = tag##_home(m, hash);; i = (i + 1) & (m->cap - 1)) {                       \
            struct tag##_slot *s = &m->slots[i];                                                  \
            if (s->hash == 0)                                                                     \
                return NULL;                                                                      \
            if (s->hash == hash && eq_fn(s->key, key))                                            \
                return s;                                                                         \
        }                                                                                         \
    }                                                                                             \
    /* NULL: not there. */                                                                        \
    static inline UNUSED value_type *tag##_get(const struct tag *m, key_type key)                 \
    {                                                                                             \
        struct tag##_slot *s = tag##_find(m, key);                                                \
        return s ? &s->value : NULL;                                                              \
    }                                                                                             \
    static inline UNUSED void tag##_resize(struct tag *m, size_t cap)                             \
    {                                                                                             \
        struct tag##_slot *old = m->slots;                                                        \
        size_t old_cap = m->cap;                                                                  \
        m->slots = m->arena ? ARENA_NEW_N(m->arena, struct tag##_slot, cap)                       \
                            : (struct tag##_slot *)xcalloc(cap, sizeof(*old));                    \
        m->cap = cap;                                                                             \
        for (size_t i = 0; i < old_cap; i++) {                                                    \
            size_t at;                                                                            \
            if (old[i].hash == 0)                                                                 \
                continue;                                                                         \
            for (at = tag##_home(m, old[i].hash); m->slots[at].hash; at = (at + 1) & (cap - 1)) { \
            }                                                                                     \
            m->slots[at] = old[i];                                                                \
        }                                                                                         \
        if (!m->arena)                                                                            \
            xfree(old);                                                                           \
    }                                                                                             \
    static inline UNUSED void tag##_reserve(struct tag *m, size_t n)                              \
    {                                                                                             \
        size_t cap = m->cap ? m->cap : (size_t)HMAP_FIRST_CAP;                                    \
        while (n > cap / 4 * 3)                                                                   \
            cap *= 2;                                                                             \
        if (cap != m->cap)                                                                        \
            tag##_resize(m, cap);                                                                 \
    }                                                                                             \
    /* The value of the key, a zeroed one if it is new (*is_new, where asked for, says which). */ \
    static inline UNUSED value_type *tag##_put(struct tag *m, key_type key, bool *is_new)         \
    {                                                                                             \
        uint32_t hash = tag##_hash(key);                                                          \
        size_t i;                                                                                 \
        tag##_reserve(m, m->n + 1);                                                               \
        for (i = tag##_home(m, hash); m->slots[i].hash; i = (i + 1) & (m->cap - 1)) {             \
            if (m->slots[i].hash == hash && eq_fn(m->slots[i].key, key)) {                        \
                if (is_new)                                                                       \
                    *is_new = false;                                                              \
                return &m->slots[i].value;                                                        \
            }                                                                                     \
        }                                                                                         \
        memset(&m->slots[i], 0, sizeof(m->slots[i]));                                             \
        m->slots[i].key = key;                                                                    \
        m->slots[i].hash = hash;                                                                  \
        m->n++;                                                                                   \
        if (is_new)                                                                               \
            *is_new = true;                                                                       \
        return &m->slots[i].value;                                                                \
    }                                                                                             \
    static inline UNUSED bool tag##_del(struct tag *m, key_type key)                              \
    {                                                                                             \
        struct tag##_slot *s = tag##_find(m, key);                                                \
        size_t hole, i;                                                                           \
        if (!s)                                                                                   \
            return false;                                                                         \
        hole = (size_t)(s - m->slots);                                                            \
        for (i = (hole + 1) & (m->cap - 1); m->slots[i].hash; i = (i + 1) & (m->cap - 1)) {       \
            size_t home = tag##_home(m, m->slots[i].hash);                                        \
            if (((i - home) & (m->cap - 1)) >= ((i - hole) & (m->cap - 1))) {                     \
                m->slots[hole] = m->slots[i];                                                     \
                hole = i;                                                                         \
            }                                                                                     \
        }                                                                                         \
        m->slots[hole].hash = 0;                                                                  \
        m->n--;                                                                                   \
        return true;                                                                              \
    }                                                                                             \
    /* Iteration in no order: start with *i = 0; key and value may be NULL. The map must not      \
     * change meanwhile. */                                                                       \
    static inline UNUSED bool tag##_next(                                                         \
        const struct tag *m, size_t *i, key_type *key, value_type **value)                        \
    {                                                                                             \
        for (; *i < m->cap; ++*i) {                                                               \
            struct tag##_slot *s = &m->slots[*i];                                                 \
            if (s->hash == 0)                                                                     \
                continue;                                                                         \
            if (key)                                                                              \
                *key = s->key;                                                                    \
            if (value)                                                                            \
                *value = &s->value;                                                               \
            ++*i;                                                                                 \
            return true;                                                                          \
        }                                                                                         \
        return false;                                                                             \
    }                                                                                             \
    static inline UNUSED void tag##_clear(struct tag *m)                                          \
    {                                                                                             \
        if (m->cap)                                                                               \
            memset(m->slots, 0, m->cap * sizeof(*m->slots));                                      \
        m->n = 0;                                                                                 \
    }                                                                                             \
    /* Heap maps only. */                                                                         \
    static inline UNUSED void tag##_free(struct tag *m)                                           \
    {                                                                                             \
        ASSERT(!m->arena);                                                                        \
        xfree(m->slots);                                                                          \
        memset(m, 0, sizeof(*m));                                                                 \
    }                                                                                             \
    struct tag

static inline bool hmap_u64_eq(uint64_t a, uint64_t b)
{
    return a == b;
}

#define HMAP_SV(tag, value_type) HMAP_DEFINE(tag, struct sv, value_type, hash_sv, sv_eq)
#define HMAP_SV_NOCASE(tag, value_type) \
    HMAP_DEFINE(tag, struct sv, value_type, hash_sv_nocase, sv_eq_nocase)
#define HMAP_U64(tag, value_type) HMAP_DEFINE(tag, uint64_t, value_type, mix64, hmap_u64_eq)

#endif
