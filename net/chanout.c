/* Channel: output.
 *
 * What is put while a callback runs is collected in c->out, an array of pieces at the head of a page of the worker:
 * copies go into the page behind it, borrowed memory is only pointed to. The flush after the callback tries one
 * writev. What the socket does not take is copied into the backlog (pages of bytes as they go out: with TLS,
 * ciphertext), which the write event drains; as long as there is a backlog everything goes there. So the usual
 * case touches no list and no event, and borrowed memory never outlives the flush.
 *
 * A held channel (chan_hold) collects plain bytes in c->held in the same way. */
#include "net/chan-int.h"

#include "util/arena.h"

#include <errno.h>
#include <sys/socket.h>

static struct chan_page *page_new(struct chan *c, size_t min_cap)
{
    struct chan_page *p;
    size_t cap = WORKER_PAGE_BYTES - sizeof(*p);

    if (min_cap <= cap) {
        p = worker_page_get(c->worker, false);
        p->on_heap = false;
    } else {
        cap = min_cap;
        p = xmalloc(sizeof(*p) + cap);
        p->on_heap = true;
    }
    p->next = NULL;
    p->start = p->end = 0;
    p->cap = (uint32_t)cap;
    return p;
}

static void page_free(struct chan *c, struct chan_page *p)
{
    if (p->on_heap)
        xfree(p);
    else
        worker_page_put(c->worker, p, false);
}

static void pages_free(struct chan *c, struct chan_page **first, struct chan_page **last)
{
    while (*first) {
        struct chan_page *next = (*first)->next;

        page_free(c, *first);
        *first = next;
    }
    *last = NULL;
}

void chan_append_page_bytes(struct chan *c, struct chan_page **first, struct chan_page **last, const void *p, size_t n)
{
    while (n) {
        struct chan_page *to = *last;
        size_t k;

        if (!to || to->end == to->cap) {
            to = page_new(c, 1);
            if (*last)
                (*last)->next = to;
            else
                *first = to;
            *last = to;
        }
        k = MIN(n, (size_t)(to->cap - to->end));
        memcpy(to->data + to->end, p, k);
        to->end += (uint32_t)k;
        p = (const char *)p + k;
        n -= k;
    }
}

static void out_free(struct chan *c)
{
    struct chan_outq *q = c->out;

    if (!q)
        return;
    c->out = NULL;
    while (q->more) {
        struct chan_page *next = q->more->next;

        page_free(c, q->more);
        q->more = next;
    }
    worker_page_put(c->worker, q, false);
}

void chan_free_output(struct chan *c)
{
    out_free(c);
    pages_free(c, &c->backlog, &c->backlog_end);
    pages_free(c, &c->held, &c->held_end);
    c->backlog_bytes = c->held_bytes = 0;
}

static bool takes_output(const struct chan *c)
{
    return c->state == CHAN_OPEN || c->state == CHAN_TLS || c->state == CHAN_CONNECTING;
}

/* The collector with a free piece, and the channel on the worker's list for the flush. */
static struct chan_outq *out_ready(struct chan *c)
{
    struct chan_outq *q = c->out;

    if (q && q->n == CHAN_IOV) {
        chan_flush(c);
        q = c->out;
    }
    if (!q) {
        q = worker_page_get(c->worker, false);
        q->n = q->borrowed = 0;
        q->bytes = 0;
        q->more = NULL;
        q->room = q->data;
        q->room_end = (unsigned char *)q + WORKER_PAGE_BYTES;
        c->out = q;
    }
    if (!c->is_dirty) {
        c->is_dirty = true;
        c->dirty_next = c->worker->dirty;
        c->worker->dirty = c;
    }
    return q;
}

unsigned char *chan_reserve(struct chan *c, size_t n)
{
    struct chan_outq *q = out_ready(c);

    CHECK(n <= CHAN_OUT_MAX);
    c->reserved = n;
    if ((size_t)(q->room_end - q->room) < n) {
        struct chan_page *p = page_new(c, n);

        p->next = q->more;
        q->more = p;
        q->room = p->data;
        q->room_end = p->data + p->cap;
    }
    return q->room;
}

static void out_add(struct chan_outq *q, unsigned char *p, size_t n, bool borrowed)
{
    struct iovec *last = q->n ? &q->v[q->n - 1] : NULL;

    q->bytes += n;
    if (last && (unsigned char *)last->iov_base + last->iov_len == p && (q->borrowed >> (q->n - 1) & 1) == borrowed) {
        last->iov_len += n;
        return;
    }
    q->borrowed |= (uint32_t)borrowed << q->n;
    q->v[q->n++] = (struct iovec){p, n};
}

void chan_commit(struct chan *c, size_t n)
{
    struct chan_outq *q = c->out;

    ASSERT(q && n <= c->reserved);
    c->reserved = 0;
    if (!n)
        return;
    c->out_put += n;
    out_add(q, q->room, n, false);
    q->room += n;
}

void chan_write(struct chan *c, const void *p, size_t n)
{
    while (n) {
        size_t k = MIN(n, (size_t)WORKER_PAGE_BYTES / 2);

        memcpy(chan_reserve(c, k), p, k);
        chan_commit(c, k);
        p = (const char *)p + k;
        n -= k;
    }
}

void chan_write_ref(struct chan *c, const void *p, size_t n)
{
    if (!n)
        return;
    c->out_put += n;
    out_add(out_ready(c), (unsigned char *)(uintptr_t)p, n, true);
}

void chan_put_packet(struct chan *c, const void *payload, size_t n)
{
    struct iovec v = {(void *)(uintptr_t)payload, n};

    if (n < 4096) {
        unsigned char *p = chan_reserve(c, PACKET_HEADER_BYTES + n);

        packet_put_header(p, n, c->seq++);
        if (n)
            memcpy(p + PACKET_HEADER_BYTES, payload, n);
        chan_commit(c, PACKET_HEADER_BYTES + n);
        return;
    }
    chan_put_packet_iov(c, -1, &v, 1);
    chan_flush(c); /* the payload is only borrowed there */
}

static void put_head(struct chan *c, size_t len, int first)
{
    unsigned char *p = chan_reserve(c, PACKET_HEADER_BYTES + 1);

    packet_put_header(p, len, c->seq++);
    if (first >= 0)
        p[PACKET_HEADER_BYTES] = (unsigned char)first;
    chan_commit(c, PACKET_HEADER_BYTES + (first >= 0));
}

void chan_put_packet_iov(struct chan *c, int first, const struct iovec *iov, size_t n)
{
    size_t total = first >= 0, frame, left;

    for (size_t i = 0; i < n; i++)
        total += iov[i].iov_len;
    frame = MIN(total, (size_t)PACKET_FRAME_MAX);
    put_head(c, frame, first);
    total -= frame;
    left = frame - (first >= 0);
    for (size_t i = 0; i < n; i++) {
        const char *p = iov[i].iov_base;
        size_t have = iov[i].iov_len;

        while (have) {
            size_t k;

            if (left == 0) {
                frame = left = MIN(total, (size_t)PACKET_FRAME_MAX);
                put_head(c, frame, -1);
                total -= frame;
            }
            k = MIN(have, left);
            /* Short pieces are cheaper to copy than to point to. */
            if (k <= 256)
                chan_write(c, p, k);
            else
                chan_write_ref(c, p, k);
            p += k;
            have -= k;
            left -= k;
        }
    }
    /* A full frame says that another one follows, be it empty. */
    if (frame == PACKET_FRAME_MAX)
        put_head(c, 0, -1);
}

/* --- to the socket --- */

static ssize_t send_some(struct chan *c, struct iovec *v, size_t n)
{
    ssize_t k;

    WORKER_COUNT(c->worker, writes, 1);
    do {
        if (n == 1) {
            k = send(c->fd, v[0].iov_base, v[0].iov_len, MSG_NOSIGNAL);
        } else {
            struct msghdr m = {.msg_iov = v, .msg_iovlen = n};

            k = sendmsg(c->fd, &m, MSG_NOSIGNAL);
        }
    } while (k < 0 && errno == EINTR);
    if (k > 0)
        WORKER_COUNT(c->worker, bytes_out, (uint64_t)k);
    if (k < 0 && errno == EAGAIN)
        k = 0;
    if (k < 0)
        chan_break(c, CHAN_IO_ERROR, errno);
    return k;
}

void chan_raw_out(struct chan *c, const struct iovec *v, uint32_t n)
{
    size_t sent = 0;

    if (c->backlog_bytes == 0) {
        ssize_t k = send_some(c, (struct iovec *)(uintptr_t)v, n);

        if (k < 0)
            return;
        sent = (size_t)k;
        if (!c->ssl)
            c->out_sent += sent;
    }
    for (uint32_t i = 0; i < n; i++) {
        if (sent >= v[i].iov_len) {
            sent -= v[i].iov_len;
            continue;
        }
        chan_append_page_bytes(c, &c->backlog, &c->backlog_end, (char *)v[i].iov_base + sent, v[i].iov_len - sent);
        c->backlog_bytes += v[i].iov_len - sent;
        sent = 0;
    }
    if (c->backlog_bytes) {
        if (!c->write_armed)
            WORKER_COUNT(c->worker, writes_blocked, 1);
        chan_arm_write(c, true);
        if (c->backlog_bytes > CHAN_OUT_MAX)
            chan_break(c, CHAN_OVERFLOW, ENOBUFS);
    }
}

void chan_flush(struct chan *c)
{
    struct chan_outq *q = c->out;

    if (!q)
        return;
    if (!takes_output(c)) {
        out_free(c);
        return;
    }
    if (UNLIKELY(c->holding || c->state != CHAN_OPEN)) {
        for (uint32_t i = 0; i < q->n; i++)
            chan_append_page_bytes(c, &c->held, &c->held_end, q->v[i].iov_base, q->v[i].iov_len);
        c->held_bytes += q->bytes;
    } else if (q->n) {
        if (c->ssl)
            chan_tls_out(c, q->v, q->n);
        else
            chan_raw_out(c, q->v, q->n);
    }
    out_free(c);
}

void worker_flush(struct worker *w)
{
    while (w->dirty) {
        struct chan *c = w->dirty;

        w->dirty = c->dirty_next;
        c->is_dirty = false;
        chan_flush(c);
    }
}

void chan_on_writable(struct chan *c)
{
    struct iovec v[16];
    size_t n = 0;
    ssize_t k;

    for (struct chan_page *p = c->backlog; p && n < ARRAY_LEN(v); p = p->next)
        v[n++] = (struct iovec){p->data + p->start, p->end - p->start};
    if (n) {
        k = send_some(c, v, n);
        if (k < 0)
            return;
        if (!c->ssl)
            c->out_sent += (size_t)k;
        c->backlog_bytes -= (size_t)k;
        while (k > 0) {
            struct chan_page *p = c->backlog;
            size_t have = p->end - p->start;

            if ((size_t)k < have) {
                p->start += (uint32_t)k;
                break;
            }
            k -= (ssize_t)have;
            c->backlog = p->next;
            if (!c->backlog)
                c->backlog_end = NULL;
            page_free(c, p);
        }
    }
    if (c->backlog_bytes == 0) {
        chan_arm_write(c, false);
        if (c->state == CHAN_FLUSHING) {
            chan_break(c, CHAN_FLUSHED, 0);
            return;
        }
    }
    if (c->over_high && c->backlog_bytes <= c->low_water) {
        c->over_high = false;
        if (c->ops->on_drained && c->state == CHAN_OPEN)
            c->ops->on_drained(c);
    }
}

size_t chan_out_pending(const struct chan *c)
{
    return (c->out ? c->out->bytes : 0) + c->backlog_bytes + c->held_bytes;
}

bool chan_out_full(struct chan *c)
{
    if (chan_out_pending(c) <= c->high_water)
        return false;
    chan_flush(c);
    if (c->backlog_bytes <= c->high_water)
        return false;
    c->over_high = true;
    return true;
}

/* --- holding back --- */

void chan_hold(struct chan *c)
{
    chan_flush(c);
    c->holding = true;
}

void chan_release(struct chan *c, uint64_t upto)
{
    uint64_t from;

    if (!c->holding)
        return;
    chan_flush(c);
    from = c->out_put - c->held_bytes;
    while (c->held && from < upto) {
        struct chan_page *p = c->held;
        size_t n = MIN((uint64_t)(p->end - p->start), upto - from);
        struct iovec v = {p->data + p->start, n};

        if (c->state == CHAN_OPEN) {
            if (c->ssl)
                chan_tls_out(c, &v, 1);
            else
                chan_raw_out(c, &v, 1);
        }
        from += n;
        c->held_bytes -= n;
        p->start += (uint32_t)n;
        if (p->start == p->end) {
            c->held = p->next;
            if (!c->held)
                c->held_end = NULL;
            page_free(c, p);
        }
    }
    c->holding = upto != UINT64_MAX;
}

void chan_drop_held(struct chan *c)
{
    if (!c->holding)
        return;
    chan_flush(c);
    c->holding = false;
    c->out_put -= c->held_bytes;
    pages_free(c, &c->held, &c->held_end);
    c->held_bytes = 0;
}
