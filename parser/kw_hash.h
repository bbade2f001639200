/* The hash of a word that keyword look-up uses, shared by the lexer and by the generator of its table (tools/gen_kw).
 * Letters are folded by setting bit 5: on the bytes that words consist of, this joins only the two cases of letters, so
 * the folded bytes of words of up to 16 bytes fit two integers and comparing these compares the words. */
#ifndef PARSER_KW_HASH_H
#define PARSER_KW_HASH_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { KW_SLOTS = 2048, KW_BUCKETS = 512, KW_MAX_LEN = 40 };

struct kw_key {
    uint64_t a, b;
};

/* First and last 8 bytes, overlapping where the word is shorter than 16; of less than 8 bytes, first and last 4. */
static inline struct kw_key kw_load(const char *p, size_t n)
{
    struct kw_key k = {0, 0};

    if (n >= 8) {
        memcpy(&k.a, p, 8);
        memcpy(&k.b, p + n - 8, 8);
    } else if (n >= 4) {
        uint32_t x, y;

        memcpy(&x, p, 4);
        memcpy(&y, p + n - 4, 4);
        k.a = x;
        k.b = y;
    } else {
        k.a = (uint64_t)(unsigned char)p[0] << 16 | (uint64_t)(unsigned char)p[n >> 1] << 8 | (unsigned char)p[n - 1];
    }
    return k;
}

static inline struct kw_key kw_fold(struct kw_key k, size_t n)
{
    uint64_t mask = n >= 8 ? 0x2020202020202020u : n >= 4 ? 0x20202020u : 0x202020u;

    k.a |= mask;
    if (n >= 4)
        k.b |= mask;
    return k;
}

static inline uint64_t kw_mix(struct kw_key k, size_t n)
{
    uint64_t h = (k.a ^ (uint64_t)n * 0x9e3779b97f4a7c15u) * 0xff51afd7ed558ccdu;

    h ^= k.b * 0xc4ceb9fe1a85ec53u;
    return h ^ h >> 29;
}

static inline uint32_t kw_bucket(uint64_t h)
{
    return (uint32_t)(h & (KW_BUCKETS - 1));
}

static inline uint32_t kw_slot(uint64_t h, uint32_t displacement)
{
    return (uint32_t)(((h >> 32) * (2 * displacement + 1) + (h >> 9)) >> 8) & (KW_SLOTS - 1);
}

#endif
