/* Private to chan.c (input, life), chanout.c (output) and chantls.c (TLS). */
#ifndef NET_CHAN_INT_H
#define NET_CHAN_INT_H

#include "net/chan.h"

enum {
    CHAN_IOV = 30,             /* pieces put before they are written without waiting for the callback's end */
    CHAN_TLS_READ = 32 * 1024, /* ciphertext read at once */
    CHAN_TLS_RECORD = 16 * 1024
};

/* A piece of queued output: bytes data[start, end). In a worker's page, or larger on the heap. */
struct chan_page {
    struct chan_page *next;
    uint32_t start, end, cap;
    bool on_heap;
    unsigned char data[];
};

/* Output put since the last flush; at the head of a worker's page, whose rest is room for small packets. */
struct chan_outq {
    uint32_t n;
    uint32_t borrowed; /* bit i: v[i] is not ours */
    size_t bytes;
    unsigned char *room, *room_end;
    struct chan_page *more; /* further room, newest first */
    struct iovec v[CHAN_IOV];
    unsigned char data[];
};

_Static_assert(CHAN_IOV <= 32, "borrowed has a bit for each");

/* Shared by all channels of a worker, for the length of one call. */
struct chan_scratch {
    unsigned char *cipher; /* made by OpenSSL, on its way to the socket */
    size_t cipher_len, cipher_cap;
    unsigned char read[CHAN_TLS_READ];
    unsigned char plain[CHAN_TLS_RECORD];
};

struct chan_scratch *chan_scratch_of(struct worker *w);
/* The channel has failed or ended: stops events, queues on_closed. Never calls back. */
void chan_break(struct chan *c, enum chan_reason why, int err);
/* Room for at least n more bytes of input; false: over the maximum (the channel is then broken). */
bool chan_in_room(struct chan *c, size_t n) MUST_CHECK;
void chan_arm_read(struct chan *c, bool on);
void chan_arm_write(struct chan *c, bool on);
void chan_set_state(struct chan *c, enum chan_state to);

/* Bytes for the socket as they are: written now if nothing waits, queued otherwise. */
void chan_raw_out(struct chan *c, const struct iovec *v, uint32_t n);
void chan_on_writable(struct chan *c);
void chan_free_output(struct chan *c);
/* Held or queued output moves on after the handshake. */
void chan_append_page_bytes(struct chan *c, struct chan_page **first, struct chan_page **last, const void *p, size_t n);

/* Feeds ciphertext and moves what it decrypts to the input buffer. False: the channel broke. */
bool chan_tls_feed(struct chan *c, const unsigned char *p, size_t n) MUST_CHECK;
void chan_tls_out(struct chan *c, const struct iovec *v, uint32_t n);
/* Queues the close_notify alert. */
void chan_tls_bye(struct chan *c);
void chan_tls_free(struct chan *c);

#endif
