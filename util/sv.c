#include "util/sv.h"

static inline unsigned char fold(unsigned char c)
{
    return c >= 'A' && c <= 'Z' ? (unsigned char)(c | 0x20) : c;
}

bool sv_eq_nocase(struct sv a, struct sv b)
{
    return a.len == b.len && sv_cmp_nocase(a, b) == 0;
}

int sv_cmp(struct sv a, struct sv b)
{
    size_t n = MIN(a.len, b.len);
    int c = n ? memcmp(a.ptr, b.ptr, n) : 0;

    if (c != 0)
        return c;
    return a.len < b.len ? -1 : a.len > b.len;
}

int sv_cmp_nocase(struct sv a, struct sv b)
{
    size_t n = MIN(a.len, b.len);

    for (size_t i = 0; i < n; i++) {
        int c = (int)fold((unsigned char)a.ptr[i]) - (int)fold((unsigned char)b.ptr[i]);

        if (c != 0)
            return c;
    }
    return a.len < b.len ? -1 : a.len > b.len;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct sv sv_trim(struct sv a)
{
    while (a.len && is_blank(a.ptr[0])) {
        a.ptr++;
        a.len--;
    }
    while (a.len && is_blank(a.ptr[a.len - 1]))
        a.len--;
    return a;
}

bool sv_to_u64(struct sv a, uint64_t *out)
{
    uint64_t v = 0;

    if (a.len == 0)
        return false;
    for (size_t i = 0; i < a.len; i++) {
        unsigned d = (unsigned char)a.ptr[i] - (unsigned)'0';

        if (d > 9 || __builtin_mul_overflow(v, (uint64_t)10, &v) ||
            __builtin_add_overflow(v, (uint64_t)d, &v))
            return false;
    }
    *out = v;
    return true;
}

bool sv_to_i64(struct sv a, int64_t *out)
{
    bool neg = a.len && a.ptr[0] == '-';
    uint64_t v;

    if (neg) {
        a.ptr++;
        a.len--;
    }
    if (!sv_to_u64(a, &v) || v > (uint64_t)INT64_MAX + neg)
        return false;
    *out = neg ? (int64_t)(0 - v) : (int64_t)v;
    return true;
}
