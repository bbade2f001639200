/* Little-endian integers at unaligned addresses (the order of MySQL's protocol) and length-encoded
 * integers. Pure functions, any thread. Sources: "Protocol::FixedLengthInteger" and
 * "Protocol::LengthEncodedInteger" of MySQL's client/server protocol documentation. */
#ifndef UTIL_BYTES_H
#define UTIL_BYTES_H

#include "util/attr.h"

#include <string.h>

static inline uint16_t get_u16(const void *p)
{
    uint16_t v;

    memcpy(&v, p, 2);
    return v;
}

static inline uint32_t get_u24(const void *p)
{
    const unsigned char *b = p;

    return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16;
}

static inline uint32_t get_u32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, 4);
    return v;
}

static inline uint64_t get_u64(const void *p)
{
    uint64_t v;

    memcpy(&v, p, 8);
    return v;
}

static inline void put_u16(void *p, uint16_t v)
{
    memcpy(p, &v, 2);
}

static inline void put_u24(void *p, uint32_t v)
{
    unsigned char *b = p;

    b[0] = (unsigned char)v;
    b[1] = (unsigned char)(v >> 8);
    b[2] = (unsigned char)(v >> 16);
}

static inline void put_u32(void *p, uint32_t v)
{
    memcpy(p, &v, 4);
}

static inline void put_u64(void *p, uint64_t v)
{
    memcpy(p, &v, 8);
}

_Static_assert(
    __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "bytes.h is written for little-endian machines");

/* Bytes that put_lenenc writes for v: 1, 3, 4 or 9. */
static inline size_t lenenc_size(uint64_t v)
{
    return v < 251 ? 1 : v < 0x10000 ? 3 : v < 0x1000000 ? 4 : 9;
}

/* Writes v at p, which has room for lenenc_size(v) bytes; returns the first byte behind it. */
static inline unsigned char *put_lenenc(void *p, uint64_t v)
{
    unsigned char *b = p;

    if (v < 251) {
        b[0] = (unsigned char)v;
        return b + 1;
    }
    if (v < 0x10000) {
        b[0] = 0xfc;
        put_u16(b + 1, (uint16_t)v);
        return b + 3;
    }
    if (v < 0x1000000) {
        b[0] = 0xfd;
        put_u24(b + 1, (uint32_t)v);
        return b + 4;
    }
    b[0] = 0xfe;
    put_u64(b + 1, v);
    return b + 9;
}

/* Reads a length-encoded integer from *p, not beyond end, and moves *p behind it. False: cut short,
 * or one of the markers 0xfb (NULL) and 0xff, which are no integers; *p is then unchanged. */
MUST_CHECK static inline bool get_lenenc(
    const unsigned char **p, const unsigned char *end, uint64_t *v)
{
    const unsigned char *b = *p;
    size_t n = (size_t)(end - b);

    if (n < 1)
        return false;
    if (b[0] < 0xfb) {
        *v = b[0];
        *p = b + 1;
        return true;
    }
    if (b[0] == 0xfc && n >= 3) {
        *v = get_u16(b + 1);
        *p = b + 3;
        return true;
    }
    if (b[0] == 0xfd && n >= 4) {
        *v = get_u24(b + 1);
        *p = b + 4;
        return true;
    }
    if (b[0] == 0xfe && n >= 9) {
        *v = get_u64(b + 1);
        *p = b + 9;
        return true;
    }
    return false;
}

#endif
