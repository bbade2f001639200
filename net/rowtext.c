/* Rows of the text protocol ("ProtocolText::ResultsetRow"): length-encoded strings one after the other, 0xfb for
 * NULL. */
#include "net/packet-int.h"
#include "net/packet.h"

bool rowtext_decode(const unsigned char *p, size_t n, struct sv *values, size_t n_values)
{
    const unsigned char *end = p + n;

    for (size_t i = 0; i < n_values; i++) {
        uint64_t len;

        if (UNLIKELY(p == end))
            return false;
        if (LIKELY(*p < 0xfb)) {
            len = *p++;
        } else if (*p == 0xfb) {
            values[i] = SV_NULL;
            p++;
            continue;
        } else if (!get_lenenc(&p, end, &len)) {
            return false;
        }
        if (UNLIKELY(len > (size_t)(end - p)))
            return false;
        values[i] = sv_make((const char *)p, (size_t)len);
        p += len;
    }
    return p == end;
}

size_t rowtext_size(const struct sv *values, size_t n)
{
    size_t size = 0;

    for (size_t i = 0; i < n; i++)
        size += values[i].ptr ? lenenc_size(values[i].len) + values[i].len : 1;
    return size;
}

unsigned char *rowtext_encode(unsigned char *p, const struct sv *values, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (values[i].ptr)
            p = put_lenenc_sv(p, values[i]);
        else
            *p++ = 0xfb;
    }
    return p;
}
