/* Channel: builders of the common packets, straight into the output. */
#include "net/chan.h"

#include "util/arena.h"

/* Room for a packet of at most n bytes; the header is filled by put_end. */
static unsigned char *put_begin(struct chan *c, size_t n)
{
    return chan_reserve(c, PACKET_HEADER_BYTES + n) + PACKET_HEADER_BYTES;
}

static void put_end(struct chan *c, unsigned char *begin, const unsigned char *end)
{
    size_t n = (size_t)(end - begin);

    if (LIKELY(n < PACKET_FRAME_MAX)) {
        packet_put_header(begin - PACKET_HEADER_BYTES, n, c->seq++);
        chan_commit(c, PACKET_HEADER_BYTES + n);
        return;
    }
    /* Several frames: a row of 16 MiB and more. Its bytes are moved once to make room for the headers between. */
    {
        unsigned char *copy = xmalloc(n);

        memcpy(copy, begin, n);
        chan_commit(c, 0);
        chan_put_packet(c, copy, n);
        xfree(copy);
    }
}

void chan_put_ok(struct chan *c, const struct packet_ok *ok, uint64_t caps)
{
    unsigned char *p = put_begin(c, packet_ok_size(ok));

    put_end(c, p, packet_ok_encode(p, ok, 0x00, caps));
}

void chan_put_result_end(struct chan *c, const struct packet_ok *ok, uint64_t caps)
{
    unsigned char *p;

    if (!(caps & CAP_DEPRECATE_EOF)) {
        chan_put_eof(c, ok->status, ok->warnings);
        return;
    }
    p = put_begin(c, packet_ok_size(ok));
    put_end(c, p, packet_ok_encode(p, ok, 0xfe, caps));
}

void chan_put_eof(struct chan *c, uint16_t status, uint16_t warnings)
{
    unsigned char *p = put_begin(c, 5);

    p[0] = 0xfe;
    put_u16(p + 1, warnings);
    put_u16(p + 3, status);
    put_end(c, p, p + 5);
}

void chan_put_err(struct chan *c, uint16_t code, const char *sqlstate, struct sv text)
{
    unsigned char *p = put_begin(c, packet_err_size(text));

    put_end(c, p, packet_err_encode(p, code, sqlstate, text));
}

void chan_put_column_count(struct chan *c, uint64_t n)
{
    unsigned char *p = put_begin(c, 9);

    put_end(c, p, put_lenenc(p, n));
}

void chan_put_coldef(struct chan *c, const struct packet_coldef *col)
{
    unsigned char *p = put_begin(c, packet_coldef_size(col));

    put_end(c, p, packet_coldef_encode(p, col));
}

void chan_put_text_row(struct chan *c, const struct sv *values, size_t n)
{
    unsigned char *p = put_begin(c, rowtext_size(values, n));

    put_end(c, p, rowtext_encode(p, values, n));
}

bool chan_put_binary_row(struct chan *c, const struct packet_coldef *cols, const struct sv *values, size_t n)
{
    unsigned char *p = put_begin(c, rowbin_size(cols, values, n)), *end = rowbin_from_text(p, cols, values, n);

    if (!end) {
        chan_commit(c, 0);
        return false;
    }
    put_end(c, p, end);
    return true;
}

void chan_put_prepare_ok(struct chan *c, const struct packet_prepare_ok *ok)
{
    unsigned char *p = put_begin(c, PACKET_PREPARE_OK_BYTES);

    put_end(c, p, packet_prepare_ok_encode(p, ok));
}
