/* Channel: MySQL packets over one non-blocking socket, with or without TLS; the same struct for clients and shards.
 * Embedded in its owner (session, shard connection), touched by its worker's thread only.
 *
 * Input. One read() of up to 16 KiB an event (64 KiB for a channel whose last read was full), level-triggered, so no
 * read ends in EAGAIN in the steady state. The page goes back to the worker when it is empty: an idle channel has no
 * buffer. Two ways to take bytes, which may be mixed at packet borders:
 *   whole packets:  chan_peek() / chan_consume_packet(): payload as one view, without copy; packets of several frames
 *                   (16 MiB and more) are joined in place.
 *   raw:            chan_in() / chan_in_len() / chan_consume(), usually with a struct framer (net/packet.h): for
 *                   relaying rows without waiting for whole packets. The bytes may be changed in place (sequence ids).
 * A view stays valid while on_input runs, and after it as long as its bytes are not consumed and no further
 * input is read, that is, as long as input is paused (chan_pause_input).
 * What on_input leaves is kept; on_input comes again when more bytes arrive or after chan_resume_input().
 *
 * Output. Everything put while one callback runs leaves in one writev after it, without waiting for the socket to be
 * reported writable. Bytes are copied into pages of the worker (chan_write, chan_put_*) or borrowed
 * (chan_write_ref): borrowed memory must stay as it is until the callback has returned (or chan_flush was called);
 * what the socket does not take is copied then. High/low water: chan_out_full() tells the producer to stop,
 * on_drained to go on.
 *
 * Closing. on_closed comes exactly once, never from inside a call of this header, and is the last callback. After
 * it, or after chan_close(), the owner frees the memory with worker_free_later() (the channel code may still be on
 * the stack).
 *
 * States and moves: see chan_moves in chan.c. */
#ifndef NET_CHAN_H
#define NET_CHAN_H

#include "net/packet.h"
#include "net/worker.h"

#include <event2/event.h>
#include <event2/event_struct.h>
#include <sys/uio.h>

struct ssl_st;
struct ssl_ctx_st;
struct chan;
struct chan_outq;
struct chan_page;

enum chan_state {
    CHAN_NEW,        /* chan_init done, no socket */
    CHAN_CONNECTING, /* chan_connect under way */
    CHAN_TLS,        /* TLS handshake under way */
    CHAN_OPEN,
    CHAN_FLUSHING, /* chan_close_after_flush: input is ignored, output still leaves */
    CHAN_BROKEN,   /* failed or ended by the peer; on_closed is queued */
    CHAN_CLOSED    /* socket closed, no callback any more */
};

/* Why on_closed is called. */
enum chan_reason {
    CHAN_EOF,       /* the peer closed in order */
    CHAN_IO_ERROR,  /* read, write or connect failed: chan_errno */
    CHAN_TIMED_OUT, /* chan_set_timeout ran out */
    CHAN_TLS_ERROR, /* handshake or record error */
    CHAN_OVERFLOW,  /* more input without progress, or more output queued, than its maximum */
    CHAN_FLUSHED    /* chan_close_after_flush has finished (or its 5 s are over) */
};

struct chan_ops {
    /* Bytes have arrived (never empty). Consume what can be used. */
    void (*on_input)(struct chan *c);
    /* Queued output fell to the low-water mark after having been over the high one. May be NULL. */
    void (*on_drained)(struct chan *c);
    /* chan_connect succeeded, or the TLS handshake is complete. May be NULL where neither is used. */
    void (*on_ready)(struct chan *c);
    void (*on_closed)(struct chan *c, enum chan_reason why);
};

enum {
    CHAN_HIGH_WATER = 256 * 1024, /* default marks of queued output */
    CHAN_LOW_WATER = 64 * 1024,
    CHAN_OUT_MAX = 1 << 30,       /* queued output beyond this breaks the channel */
    CHAN_LINGER_MS = 5000         /* chan_close_after_flush gives up after this */
};

struct chan {
    struct worker *worker;
    const struct chan_ops *ops;
    int fd;
    uint8_t state; /* enum chan_state, changed in chan.c only */
    uint8_t reason;
    uint8_t seq;           /* id that the next packet must have, in either direction */
    bool eager_eof : 1;    /* set by the owner: report the peer's close at once even while input is paused and unread */
    bool paused : 1;       /* the rest is chan.c's own */
    bool read_armed : 1;
    bool write_armed : 1;
    bool over_high : 1;
    bool bulk_next : 1;
    bool in_bulk : 1;
    bool in_heap : 1;
    bool eof_seen : 1;
    bool join_done : 1;
    bool wants_input : 1;  /* task: deliver input */
    bool holding : 1;
    bool is_dirty : 1;
    bool delivering : 1;
    int chan_errno;
    /* input: bytes in[in_start, in_end) of in_cap */
    unsigned char *in;
    uint32_t in_start, in_end, in_cap;
    uint32_t in_joined; /* payload bytes of a packet of several frames that are joined already, behind its first
                           header */
    uint8_t join_seq;   /* id of its next frame */
    uint32_t max_packet; /* largest payload chan_peek joins */
    /* output */
    struct chan_outq *out;              /* put since the last flush; NULL: nothing */
    struct chan_page *backlog, *backlog_end; /* the socket did not take these yet */
    struct chan_page *held, *held_end;  /* chan_hold */
    size_t backlog_bytes, held_bytes;
    size_t reserved; /* between chan_reserve and chan_commit */
    uint32_t high_water, low_water;
    uint64_t out_put;  /* payload bytes put so far, held ones included */
    uint64_t out_sent; /* of those, handed to the kernel (with TLS: encrypted and no ciphertext waiting) */
    struct chan *dirty_next;
    struct ssl_st *ssl;
    const unsigned char *tls_in; /* ciphertext being fed */
    size_t tls_in_len;
    struct worker_task task; /* on_input after resume, on_closed */
    struct worker_timer timer;
    struct event ev_read, ev_write;
};

/* Any use starts here; max_packet is the largest payload chan_peek accepts (0: 64 MiB). */
void chan_init(struct chan *c, struct worker *w, const struct chan_ops *ops, uint32_t max_packet);
/* Takes over a connected socket (made non-blocking, TCP_NODELAY) and starts reading. */
void chan_open(struct chan *c, int fd);
/* Starts a non-blocking connect to a TCP or Unix address; on_ready when done, on_closed when it failed or took
 * longer than timeout_ms (0: the system's own). False: failed at once, chan_errno says why, no callback follows. */
struct sockaddr;
bool chan_connect(struct chan *c, const struct sockaddr *addr, unsigned addr_len, unsigned timeout_ms) MUST_CHECK;
/* Switches to TLS; unread input is taken as ciphertext. server_name (client side, may be NULL) for SNI and, where
 * the context verifies, the certificate's name. on_ready when the handshake is complete. False: OpenSSL refused;
 * the channel is unchanged. */
bool chan_start_tls(struct chan *c, struct ssl_ctx_st *ctx, bool server, const char *server_name) MUST_CHECK;
/* Text for logs and errors: "Connection refused", an OpenSSL reason, ... In buf. */
const char *chan_error_text(const struct chan *c, enum chan_reason why, char *buf, size_t n);

/* Closes at once; queued output is dropped; no callback follows. Idempotent. */
void chan_close(struct chan *c);
/* Sends what is queued, then closes and calls on_closed(CHAN_FLUSHED). */
void chan_close_after_flush(struct chan *c);
/* on_closed(CHAN_TIMED_OUT) unless moved or cleared (ms 0) before. Cheap: may be set for every statement. */
void chan_set_timeout(struct chan *c, uint64_t ms);

static inline bool chan_is_open(const struct chan *c)
{
    return c->state == CHAN_OPEN;
}

/* --- input --- */

static inline unsigned char *chan_in(const struct chan *c)
{
    return c->in + c->in_start;
}

static inline size_t chan_in_len(const struct chan *c)
{
    return c->in_end - c->in_start;
}

void chan_consume(struct chan *c, size_t n);

enum chan_peek {
    CHAN_PEEK_MORE,     /* not whole yet; on_input comes again */
    CHAN_PEEK_PACKET,   /* *p is filled */
    CHAN_PEEK_TOO_LARGE, /* over max_packet: answer ER_NET_PACKET_TOO_LARGE and close */
    CHAN_PEEK_BAD_SEQ   /* sequence id is not c->seq: answer ER_NET_PACKETS_OUT_OF_ORDER and close */
};

/* The next whole packet, not consumed. */
enum chan_peek chan_peek(struct chan *c, struct packet *p) MUST_CHECK;
/* Consumes the packet that the last chan_peek gave; c->seq becomes the id after its last frame. */
void chan_consume_packet(struct chan *c, const struct packet *p);
/* Before each command: ids start again at 0. */
static inline void chan_reset_seq(struct chan *c)
{
    c->seq = 0;
}

/* Stops on_input. The socket itself is left armed until bytes arrive, so a short pause costs no system call, and a peer
 * that hangs up is still noticed. */
void chan_pause_input(struct chan *c);
/* on_input follows (as a task, not inside this call) if unread bytes are there. */
void chan_resume_input(struct chan *c);

/* --- output --- */

/* n contiguous bytes to write to (n up to 1 GiB); chan_commit says how many were used. No other output call in
 * between. */
unsigned char *chan_reserve(struct chan *c, size_t n) __attribute__((returns_nonnull));
void chan_commit(struct chan *c, size_t n);
/* Raw bytes, copied. */
void chan_write(struct chan *c, const void *p, size_t n);
/* Raw bytes, borrowed until the running callback has returned. Adjacent pieces are merged. */
void chan_write_ref(struct chan *c, const void *p, size_t n);
/* One payload as one packet (several frames from 16 MiB - 1 on), with c->seq, which is raised. Copied. */
void chan_put_packet(struct chan *c, const void *payload, size_t n);
/* The same, the payload being `first` (1 byte, the command; -1: none) and the pieces of iov, which are borrowed. */
void chan_put_packet_iov(struct chan *c, int first, const struct iovec *iov, size_t n);
/* Writes now instead of after the callback; borrowed memory is free after it. */
void chan_flush(struct chan *c);

/* Bytes queued and not taken by the socket yet. */
size_t chan_out_pending(const struct chan *c);
/* The producer should stop until on_drained. */
bool chan_out_full(struct chan *c);

/* From here on, output is collected but not sent, until chan_release() sends it or chan_drop_held() forgets it. For
 * commands that may only go out once the answer to an earlier one is known. chan_release sends up to the byte `upto`
 * (as out_put counts) and goes on holding what is behind it; UINT64_MAX: everything, and the hold ends. */
void chan_hold(struct chan *c);
void chan_release(struct chan *c, uint64_t upto);
void chan_drop_held(struct chan *c);

/* Builders of the common packets, with c->seq. caps: what was negotiated on this channel (enum packet_cap). */
void chan_put_ok(struct chan *c, const struct packet_ok *ok, uint64_t caps);
/* The end of a result's rows: OK with header 0xfe, or EOF without CAP_DEPRECATE_EOF. */
void chan_put_result_end(struct chan *c, const struct packet_ok *ok, uint64_t caps);
/* EOF (only where CAP_DEPRECATE_EOF is missing: behind column definitions). */
void chan_put_eof(struct chan *c, uint16_t status, uint16_t warnings);
void chan_put_err(struct chan *c, uint16_t code, const char *sqlstate, struct sv text);
void chan_put_column_count(struct chan *c, uint64_t n);
void chan_put_coldef(struct chan *c, const struct packet_coldef *col);
/* One row of the text protocol; a value with ptr NULL is NULL. */
void chan_put_text_row(struct chan *c, const struct sv *values, size_t n);
/* One row of the binary protocol from text values (see rowbin_from_text). False: a value does not fit its type;
 * nothing is put. */
bool chan_put_binary_row(struct chan *c, const struct packet_coldef *cols, const struct sv *values,
                         size_t n) MUST_CHECK;
void chan_put_prepare_ok(struct chan *c, const struct packet_prepare_ok *ok);

#endif
