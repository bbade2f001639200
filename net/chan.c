/* Channel: life, input and packets. Output is in chanout.c, TLS in chantls.c; net/chan.h has the contract.
 *
 * Reading. The read event is persistent and level-triggered: no epoll_ctl in the steady state, and one read an event,
 * since what is left makes the event fire again. Pausing is lazy: the event is taken away only if bytes arrive while
 * the channel is paused and there is no room left for them, so that the short pauses of a relay cost nothing.
 *
 * The buffer. A page of the worker while bytes are unread; none in between. It is compacted and grown only when not
 * paused and only when reading, so views into it hold during on_input and through a pause. It is given back after the
 * flush that follows on_input, because other channels may have borrowed its bytes for their output.
 *
 * Ends. Whatever goes wrong ends in chan_break(), which only changes the state and queues a task; on_closed is called
 * from that task. So no call of the channel's owner is ever answered by a callback from below it on the stack. */
#include "net/chan-int.h"

#include "util/arena.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/err.h>
#include <stdio.h>
#include <sys/socket.h>
#include <unistd.h>

/* Allowed moves, a bit for each target. */
#define M(s) (1u << CHAN_##s)
static const uint8_t chan_moves[] = {
    [CHAN_NEW] = M(CONNECTING) | M(OPEN) | M(CLOSED),
    [CHAN_CONNECTING] = M(OPEN) | M(BROKEN) | M(CLOSED),
    [CHAN_TLS] = M(OPEN) | M(BROKEN) | M(CLOSED),
    [CHAN_OPEN] = M(TLS) | M(FLUSHING) | M(BROKEN) | M(CLOSED),
    [CHAN_FLUSHING] = M(BROKEN) | M(CLOSED),
    [CHAN_BROKEN] = M(CLOSED),
    [CHAN_CLOSED] = 0,
};
#undef M

void chan_set_state(struct chan *c, enum chan_state to)
{
    CHECK(chan_moves[c->state] & 1u << to);
    c->state = (uint8_t)to;
}

static void chan_task(struct worker_task *t);
static void on_timer(struct worker_timer *t);

void chan_init(struct chan *c, struct worker *w, const struct chan_ops *ops, uint32_t max_packet)
{
    *c = (struct chan){
        .worker = w,
        .ops = ops,
        .fd = -1,
        .state = CHAN_NEW,
        .max_packet = max_packet ? max_packet : 64u << 20,
        .high_water = CHAN_HIGH_WATER,
        .low_water = CHAN_LOW_WATER,
        .task.fn = chan_task,
        .timer.fn = on_timer,
    };
}

struct chan_scratch *chan_scratch_of(struct worker *w)
{
    if (UNLIKELY(!w->scratch)) {
        w->scratch = xmalloc(sizeof(*w->scratch));
        w->scratch->cipher = NULL;
        w->scratch->cipher_len = w->scratch->cipher_cap = 0;
    }
    return w->scratch;
}

void chan_scratch_free(struct chan_scratch *s)
{
    xfree(s->cipher);
    xfree(s);
}

/* --- events --- */

void chan_arm_read(struct chan *c, bool on)
{
    if (c->read_armed == on)
        return;
    c->read_armed = on;
    if (on)
        CHECK(event_add(&c->ev_read, NULL) == 0);
    else
        event_del(&c->ev_read);
}

void chan_arm_write(struct chan *c, bool on)
{
    if (c->write_armed == on)
        return;
    c->write_armed = on;
    if (on)
        CHECK(event_add(&c->ev_write, NULL) == 0);
    else
        event_del(&c->ev_write);
}

void chan_break(struct chan *c, enum chan_reason why, int err)
{
    if (c->state == CHAN_BROKEN || c->state == CHAN_CLOSED)
        return;
    chan_set_state(c, CHAN_BROKEN);
    c->reason = (uint8_t)why;
    c->chan_errno = err;
    chan_arm_read(c, false);
    chan_arm_write(c, false);
    worker_timer_disarm(&c->timer);
    worker_task_queue(c->worker, &c->task);
}

static void free_input(struct chan *c)
{
    if (!c->in)
        return;
    if (c->in_heap)
        xfree(c->in);
    else
        worker_page_put(c->worker, c->in, c->in_bulk);
    c->in = NULL;
    c->in_start = c->in_end = c->in_cap = 0;
    c->in_heap = c->in_bulk = false;
}

void chan_close(struct chan *c)
{
    if (c->state == CHAN_CLOSED)
        return;
    /* Other channels may still have to write bytes of this one's input. */
    if (c->in)
        worker_flush(c->worker);
    if (c->fd >= 0) {
        chan_arm_read(c, false);
        chan_arm_write(c, false);
        close(c->fd);
        c->fd = -1;
    }
    chan_set_state(c, CHAN_CLOSED);
    if (c->is_dirty) {
        struct chan **at = &c->worker->dirty;

        while (*at != c)
            at = &(*at)->dirty_next;
        *at = c->dirty_next;
        c->is_dirty = false;
    }
    worker_timer_disarm(&c->timer);
    worker_task_cancel(c->worker, &c->task);
    free_input(c);
    chan_free_output(c);
    chan_tls_free(c);
}

static void on_timer(struct worker_timer *t)
{
    struct chan *c = CONTAINER_OF(t, struct chan, timer);

    chan_break(c, c->state == CHAN_FLUSHING ? CHAN_FLUSHED : CHAN_TIMED_OUT, ETIMEDOUT);
}

void chan_set_timeout(struct chan *c, uint64_t ms)
{
    if (ms == 0)
        worker_timer_disarm(&c->timer);
    else if (c->state != CHAN_BROKEN && c->state != CHAN_CLOSED)
        worker_timer_arm(c->worker, &c->timer, ms);
}

void chan_close_after_flush(struct chan *c)
{
    if (c->state == CHAN_BROKEN || c->state == CHAN_CLOSED || c->state == CHAN_FLUSHING || c->state == CHAN_NEW)
        return;
    if (c->state != CHAN_OPEN) {
        chan_break(c, CHAN_FLUSHED, 0);
        return;
    }
    chan_flush(c);
    if (c->ssl)
        chan_tls_bye(c);
    if (c->state != CHAN_OPEN)
        return;
    chan_set_state(c, CHAN_FLUSHING);
    chan_arm_read(c, false);
    if (c->backlog_bytes == 0)
        chan_break(c, CHAN_FLUSHED, 0);
    else
        worker_timer_arm(c->worker, &c->timer, CHAN_LINGER_MS);
}

/* --- input --- */

static size_t in_max(const struct chan *c)
{
    /* Frames of a long packet bring their headers; what follows it may come in the same read. */
    return (size_t)c->max_packet + c->max_packet / PACKET_FRAME_MAX * 4 + 8 + 2 * WORKER_BULK_BYTES;
}

bool chan_in_room(struct chan *c, size_t n)
{
    size_t len = chan_in_len(c), cap;
    unsigned char *to;

    if (c->in_cap - c->in_end >= n)
        return true;
    if (!c->in) {
        c->in_bulk = c->bulk_next || n > WORKER_PAGE_BYTES;
        c->in = worker_page_get(c->worker, c->in_bulk);
        c->in_cap = c->in_bulk ? WORKER_BULK_BYTES : WORKER_PAGE_BYTES;
        if (c->in_cap >= n)
            return true;
    }
    if (c->in_cap - len >= n && c->in_start >= len) {
        memcpy(c->in, c->in + c->in_start, len);
    } else {
        cap = MAX((size_t)c->in_cap, (size_t)WORKER_PAGE_BYTES);
        while (cap - len < n)
            cap *= 2;
        if (cap < WORKER_BULK_BYTES)
            cap = WORKER_BULK_BYTES;
        if (len + n > in_max(c)) {
            chan_break(c, CHAN_OVERFLOW, EMSGSIZE);
            return false;
        }
        if (cap == c->in_cap) {
            memmove(c->in, c->in + c->in_start, len);
        } else {
            bool bulk = cap == WORKER_BULK_BYTES;

            to = bulk ? worker_page_get(c->worker, true) : xmalloc(cap);
            memcpy(to, c->in + c->in_start, len);
            free_input(c);
            c->in = to;
            c->in_cap = (uint32_t)cap;
            c->in_bulk = bulk;
            c->in_heap = !bulk;
        }
    }
    c->in_start = 0;
    c->in_end = (uint32_t)len;
    return true;
}

static void at_eof(struct chan *c)
{
    if (c->paused && chan_in_len(c) && !c->eager_eof) {
        c->eof_seen = true;
        chan_arm_read(c, false);
    } else {
        chan_break(c, CHAN_EOF, 0);
    }
}

/* One read of a plain socket into the buffer. True: there is something new. */
static bool read_plain(struct chan *c)
{
    size_t room;
    ssize_t n;

    if (c->in && chan_in_len(c) == 0)
        c->in_start = c->in_end = 0;
    if (!c->paused && !chan_in_room(c, c->in && chan_in_len(c) ? 4096 : 1))
        return false;
    if (c->paused && !c->in && !chan_in_room(c, 1))
        return false;
    room = c->in_cap - c->in_end;
    if (room == 0) {
        chan_arm_read(c, false); /* paused and full */
        return false;
    }
    n = recv(c->fd, c->in + c->in_end, room, 0);
    WORKER_COUNT(c->worker, reads, 1);
    if (n > 0) {
        WORKER_COUNT(c->worker, bytes_in, (uint64_t)n);
        c->in_end += (uint32_t)n;
        c->bulk_next = (size_t)n == room || (c->in_bulk && n > WORKER_PAGE_BYTES);
        return true;
    }
    if (chan_in_len(c) == 0)
        free_input(c);
    if (n == 0)
        at_eof(c);
    else if (errno != EAGAIN && errno != EINTR)
        chan_break(c, CHAN_IO_ERROR, errno);
    return false;
}

/* One read of ciphertext. True: there is new plaintext. */
static bool read_tls(struct chan *c)
{
    struct chan_scratch *s = chan_scratch_of(c->worker);
    size_t before = chan_in_len(c);
    ssize_t n;

    if (c->paused && before) {
        /* Decrypting might move unread bytes that the owner looks at. */
        chan_arm_read(c, false);
        return false;
    }
    n = recv(c->fd, s->read, sizeof(s->read), 0);
    WORKER_COUNT(c->worker, reads, 1);
    if (n > 0) {
        WORKER_COUNT(c->worker, bytes_in, (uint64_t)n);
        return chan_tls_feed(c, s->read, (size_t)n) && chan_in_len(c) > before;
    }
    if (n == 0)
        at_eof(c);
    else if (errno != EAGAIN && errno != EINTR)
        chan_break(c, CHAN_IO_ERROR, errno);
    return false;
}

/* Hands unread bytes to the owner, then lets nothing borrowed stay behind, then gives an empty buffer back. */
static void deliver(struct chan *c)
{
    c->delivering = true;
    c->ops->on_input(c);
    c->delivering = false;
    if (c->state == CHAN_CLOSED)
        return;
    if (c->in && chan_in_len(c) == 0) {
        worker_flush(c->worker);
        free_input(c);
    }
    if (c->eof_seen && !c->paused)
        chan_break(c, CHAN_EOF, 0);
}

static bool takes_input(const struct chan *c)
{
    return (c->state == CHAN_OPEN || c->state == CHAN_TLS) && !c->paused;
}

static void on_readable(evutil_socket_t fd, short what, void *arg)
{
    struct chan *c = arg;
    struct worker *w = c->worker;

    (void)fd;
    (void)what;
    worker_enter(w);
    if ((c->ssl ? read_tls(c) : read_plain(c)) && takes_input(c))
        deliver(c);
    worker_settle(w);
}

static void chan_task(struct worker_task *t)
{
    struct chan *c = CONTAINER_OF(t, struct chan, task);

    if (c->state == CHAN_BROKEN) {
        enum chan_reason why = c->reason;

        chan_close(c);
        c->ops->on_closed(c, why);
        return;
    }
    if (c->wants_input) {
        c->wants_input = false;
        if (takes_input(c) && chan_in_len(c)) {
            deliver(c);
        } else if (c->in && chan_in_len(c) == 0) {
            worker_flush(c->worker);
            free_input(c);
        }
    }
}

void chan_consume(struct chan *c, size_t n)
{
    ASSERT(n <= chan_in_len(c));
    c->in_start += (uint32_t)n;
    if (c->in_start == c->in_end && !c->delivering && c->in) {
        /* The page is to go back, but not before what borrowed it has been written. */
        c->wants_input = true;
        worker_task_queue(c->worker, &c->task);
    }
}

void chan_pause_input(struct chan *c)
{
    c->paused = true;
}

void chan_resume_input(struct chan *c)
{
    if (!c->paused)
        return;
    c->paused = false;
    if (c->state != CHAN_OPEN && c->state != CHAN_TLS)
        return;
    if (!c->eof_seen)
        chan_arm_read(c, true);
    if (chan_in_len(c)) {
        c->wants_input = true;
        worker_task_queue(c->worker, &c->task);
    } else if (c->eof_seen) {
        chan_break(c, CHAN_EOF, 0);
    }
}

/* --- packets --- */

/* Joins the frames of a long packet in place: each further frame's header is cut out by moving what follows down. */
static enum chan_peek peek_joined(struct chan *c, struct packet *p)
{
    unsigned char *b = chan_in(c);

    if (c->in_joined == 0) {
        if (chan_in_len(c) < PACKET_HEADER_BYTES + (size_t)PACKET_FRAME_MAX)
            return CHAN_PEEK_MORE;
        c->in_joined = PACKET_FRAME_MAX;
        c->join_seq = (uint8_t)(b[3] + 1);
        c->join_done = false;
    }
    while (!c->join_done) {
        size_t at = PACKET_HEADER_BYTES + (size_t)c->in_joined, have = chan_in_len(c) - at, len;

        if (have < PACKET_HEADER_BYTES)
            return CHAN_PEEK_MORE;
        len = get_u24(b + at);
        if (b[at + 3] != c->join_seq)
            return CHAN_PEEK_BAD_SEQ;
        if (len + c->in_joined > c->max_packet)
            return CHAN_PEEK_TOO_LARGE;
        if (have < PACKET_HEADER_BYTES + len)
            return CHAN_PEEK_MORE;
        memmove(b + at, b + at + PACKET_HEADER_BYTES, have - PACKET_HEADER_BYTES);
        c->in_end -= PACKET_HEADER_BYTES;
        c->in_joined += (uint32_t)len;
        c->join_seq++;
        c->join_done = len < PACKET_FRAME_MAX;
    }
    *p = (struct packet){b + PACKET_HEADER_BYTES, c->in_joined, PACKET_HEADER_BYTES + (size_t)c->in_joined, b[3],
                         (uint8_t)(c->join_seq - 1)};
    return CHAN_PEEK_PACKET;
}

enum chan_peek chan_peek(struct chan *c, struct packet *p)
{
    unsigned char *b = chan_in(c);
    size_t have = chan_in_len(c), len;

    if (have < PACKET_HEADER_BYTES)
        return CHAN_PEEK_MORE;
    if (b[3] != c->seq)
        return CHAN_PEEK_BAD_SEQ;
    len = get_u24(b);
    if (len > c->max_packet)
        return CHAN_PEEK_TOO_LARGE;
    if (UNLIKELY(len == PACKET_FRAME_MAX))
        return peek_joined(c, p);
    if (have < PACKET_HEADER_BYTES + len)
        return CHAN_PEEK_MORE;
    *p = (struct packet){b + PACKET_HEADER_BYTES, len, PACKET_HEADER_BYTES + len, b[3], b[3]};
    return CHAN_PEEK_PACKET;
}

void chan_consume_packet(struct chan *c, const struct packet *p)
{
    chan_consume(c, p->wire_len);
    c->in_joined = 0;
    c->join_done = false;
    c->seq = (uint8_t)(p->last_seq + 1);
}

/* --- sockets --- */

static void on_writable(evutil_socket_t fd, short what, void *arg)
{
    struct chan *c = arg;
    struct worker *w = c->worker;

    (void)fd;
    (void)what;
    worker_enter(w);
    if (c->state == CHAN_CONNECTING) {
        int err = 0;
        socklen_t len = sizeof(err);

        if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &err, &len) != 0)
            err = errno;
        if (err) {
            chan_break(c, CHAN_IO_ERROR, err);
        } else {
            chan_arm_write(c, false);
            worker_timer_disarm(&c->timer);
            chan_set_state(c, CHAN_OPEN);
            chan_arm_read(c, true);
            if (c->ops->on_ready)
                c->ops->on_ready(c);
        }
    } else {
        chan_on_writable(c);
    }
    worker_settle(w);
}

static void set_up_socket(struct chan *c, int fd)
{
    int one = 1, flags = fcntl(fd, F_GETFL);

    if (!(flags & O_NONBLOCK))
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    /* Fails on Unix sockets, which need none. */
    setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
    setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof(one));
    c->fd = fd;
    CHECK(event_assign(&c->ev_read, c->worker->base, fd, EV_READ | EV_PERSIST, on_readable, c) == 0);
    CHECK(event_assign(&c->ev_write, c->worker->base, fd, EV_WRITE | EV_PERSIST, on_writable, c) == 0);
}

void chan_open(struct chan *c, int fd)
{
    ASSERT_ON_WORKER(c->worker);
    set_up_socket(c, fd);
    chan_set_state(c, CHAN_OPEN);
    chan_arm_read(c, true);
}

bool chan_connect(struct chan *c, const struct sockaddr *addr, unsigned addr_len, unsigned timeout_ms)
{
    int fd = socket(addr->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    ASSERT_ON_WORKER(c->worker);
    if (fd < 0) {
        c->chan_errno = errno;
        return false;
    }
    if (connect(fd, addr, addr_len) != 0 && errno != EINPROGRESS) {
        c->chan_errno = errno;
        close(fd);
        return false;
    }
    set_up_socket(c, fd);
    chan_set_state(c, CHAN_CONNECTING);
    chan_arm_write(c, true);
    if (timeout_ms)
        worker_timer_arm(c->worker, &c->timer, timeout_ms);
    return true;
}

const char *chan_error_text(const struct chan *c, enum chan_reason why, char *buf, size_t n)
{
    switch (why) {
    case CHAN_EOF:
        snprintf(buf, n, "closed by the other side");
        break;
    case CHAN_IO_ERROR: {
        char text[128];

        snprintf(buf, n, "%s", strerror_r(c->chan_errno, text, sizeof(text)));
        break;
    }
    case CHAN_TIMED_OUT:
        snprintf(buf, n, "timed out");
        break;
    case CHAN_TLS_ERROR: {
        char text[256];

        if (c->chan_errno)
            ERR_error_string_n((unsigned long)(unsigned)c->chan_errno, text, sizeof(text));
        else
            snprintf(text, sizeof(text), "protocol error");
        snprintf(buf, n, "TLS: %s", text);
        break;
    }
    case CHAN_OVERFLOW:
        snprintf(buf, n, "a packet or queue grew over its limit");
        break;
    case CHAN_FLUSHED:
        snprintf(buf, n, "closed");
        break;
    }
    return buf;
}
