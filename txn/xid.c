#include "txn/xid.h"

#include <inttypes.h>
#include <stdio.h>

/* No leading zeros, no sign, no capitals: one text for each value, so that texts may be compared instead of
 * values. */
static bool take_number(struct sv *s, unsigned base, uint64_t max, uint64_t *out)
{
    uint64_t v = 0;
    size_t n = 0;

    while (n < s->len) {
        char c = s->ptr[n];
        unsigned digit;

        if (c >= '0' && c <= '9')
            digit = (unsigned)(c - '0');
        else if (base == 16 && c >= 'a' && c <= 'f')
            digit = (unsigned)(c - 'a') + 10;
        else
            break;
        if (n == 1 && v == 0)
            return false;
        if (v > (max - digit) / base)
            return false;
        v = v * base + digit;
        n++;
    }
    if (n == 0)
        return false;
    s->ptr += n;
    s->len -= n;
    *out = v;
    return true;
}

static bool take_char(struct sv *s, char c)
{
    if (s->len == 0 || s->ptr[0] != c)
        return false;
    s->ptr++;
    s->len--;
    return true;
}

size_t txn_gid_format(const struct txn_gid *g, char *buf)
{
    int n = snprintf(buf, TXN_GTRID_MAX + 1, "tsr-%" PRIx32 "-%" PRIx64 "-%" PRIx64, g->node, g->start, g->seq);

    ASSERT(n > 0 && n <= TXN_GTRID_MAX);
    return (size_t)n;
}

bool txn_gid_parse(struct sv text, struct txn_gid *g)
{
    uint64_t node;

    if (!sv_starts(text, SV("tsr-")))
        return false;
    text.ptr += 4;
    text.len -= 4;
    if (!take_number(&text, 16, UINT32_MAX, &node) || !take_char(&text, '-') ||
        !take_number(&text, 16, UINT64_MAX, &g->start) || !take_char(&text, '-') ||
        !take_number(&text, 16, UINT64_MAX, &g->seq))
        return false;
    g->node = (uint32_t)node;
    return text.len == 0;
}

size_t txn_bqual_format(struct txn_bqual *b, char *buf)
{
    int len = snprintf(buf, TXN_BQUAL_MAX + 1, "%" PRIu32 ":", b->shard_id);
    uint32_t fit = 0;

    while (fit < b->n_primaries && fit < TXN_PRIMARIES_MAX) {
        char one[12];
        int n = snprintf(one, sizeof(one), fit ? ".%" PRIu32 : "%" PRIu32, b->primaries[fit]);

        if (len + n > TXN_BQUAL_MAX)
            break;
        memcpy(buf + len, one, (size_t)n + 1);
        len += n;
        fit++;
    }
    b->n_primaries = fit;
    return (size_t)len;
}

bool txn_bqual_parse(struct sv text, struct txn_bqual *b)
{
    uint64_t v;

    b->n_primaries = 0;
    if (!take_number(&text, 10, UINT32_MAX, &v) || !take_char(&text, ':'))
        return false;
    b->shard_id = (uint32_t)v;
    while (text.len > 0) {
        if (b->n_primaries == TXN_PRIMARIES_MAX || (b->n_primaries && !take_char(&text, '.')) ||
            !take_number(&text, 10, UINT32_MAX, &v))
            return false;
        b->primaries[b->n_primaries++] = (uint32_t)v;
    }
    return true;
}

size_t txn_xid_text(const char *gtrid, const char *bqual, char *buf)
{
    int n = snprintf(buf, TXN_XID_TEXT_MAX, "'%s','%s',%d", gtrid, bqual, TXN_FORMAT_ID);

    ASSERT(n > 0 && n < TXN_XID_TEXT_MAX);
    return (size_t)n;
}
