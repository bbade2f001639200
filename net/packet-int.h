/* Private to the codec: a reading cursor that remembers that it went bad, and two writers. */
#ifndef NET_PACKET_INT_H
#define NET_PACKET_INT_H

#include "util/bytes.h"
#include "util/sv.h"

struct rd {
    const unsigned char *p, *end;
    bool bad; /* something would have reached over the end; everything read since is zero or empty */
};

static inline struct rd rd_of(struct sv s)
{
    const unsigned char *p = (const unsigned char *)(s.ptr ? s.ptr : "");

    return (struct rd){p, p + s.len, false};
}

static inline bool rd_has(struct rd *r, size_t n)
{
    if (!r->bad && (size_t)(r->end - r->p) >= n)
        return true;
    r->bad = true;
    return false;
}

static inline uint8_t rd_u8(struct rd *r)
{
    return rd_has(r, 1) ? *r->p++ : 0;
}

static inline uint16_t rd_u16(struct rd *r)
{
    uint16_t v = 0;

    if (rd_has(r, 2)) {
        v = get_u16(r->p);
        r->p += 2;
    }
    return v;
}

static inline uint32_t rd_u32(struct rd *r)
{
    uint32_t v = 0;

    if (rd_has(r, 4)) {
        v = get_u32(r->p);
        r->p += 4;
    }
    return v;
}

static inline void rd_skip(struct rd *r, size_t n)
{
    if (rd_has(r, n))
        r->p += n;
}

static inline void rd_bytes(struct rd *r, void *to, size_t n)
{
    if (rd_has(r, n)) {
        memcpy(to, r->p, n);
        r->p += n;
    }
}

static inline struct sv rd_sv(struct rd *r, uint64_t n)
{
    struct sv s = {"", 0};

    if (rd_has(r, n)) {
        s = sv_make((const char *)r->p, (size_t)n);
        r->p += n;
    }
    return s;
}

static inline uint64_t rd_lenenc(struct rd *r)
{
    uint64_t v = 0;

    if (r->bad || !get_lenenc(&r->p, r->end, &v))
        r->bad = true;
    return v;
}

static inline struct sv rd_lenenc_sv(struct rd *r)
{
    uint64_t n = rd_lenenc(r);

    return rd_sv(r, n);
}

static inline struct sv rd_rest(struct rd *r)
{
    return rd_sv(r, (uint64_t)(r->end - r->p));
}

/* Up to a NUL, which must be there. */
static inline struct sv rd_cstr(struct rd *r)
{
    const unsigned char *nul = !r->bad && r->p < r->end ? memchr(r->p, 0, (size_t)(r->end - r->p)) : NULL;
    struct sv s = {"", 0};

    if (!nul) {
        r->bad = true;
        return s;
    }
    s = sv_make((const char *)r->p, (size_t)(nul - r->p));
    r->p = nul + 1;
    return s;
}

/* Up to a NUL or the end. */
static inline struct sv rd_cstr_or_rest(struct rd *r)
{
    if (!r->bad && r->p < r->end && !memchr(r->p, 0, (size_t)(r->end - r->p)))
        return rd_rest(r);
    return rd_cstr(r);
}

static inline unsigned char *put_sv(unsigned char *p, struct sv s)
{
    if (s.len)
        memcpy(p, s.ptr, s.len);
    return p + s.len;
}

static inline unsigned char *put_lenenc_sv(unsigned char *p, struct sv s)
{
    return put_sv(put_lenenc(p, s.len), s);
}

#endif
