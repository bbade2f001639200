/* The log: rings and one writer.
 *
 * Each thread that logs gets a byte ring on the heap, linked into one list under a mutex (once a
 * thread). The ring has one producer (the thread) and one consumer (whoever holds drain_lock: the
 * logger thread, log_flush or log_stop). A record is a 4-byte length and the finished line; records
 * wrap byte-wise. `head` is written by the producer with release, `tail` by the consumer with
 * release, which is all the synchronisation there is.
 *
 * Sleep and wake: the logger sets `asleep`, looks at the rings once more, then polls its eventfd. A
 * producer that has published a line clears `asleep` and, if it was set, writes the eventfd. Both
 * sides use sequentially consistent accesses there, so one of the two always sees the other. The
 * poll has a time limit, so even a lost wake-up would only delay a line.
 *
 * A thread's end marks its ring as orphaned; the consumer frees it once it is empty.
 *
 * Not done: ordering of lines between threads beyond a drain's round (lines carry their time). */
#include "util/log.h"

#include "util/arena.h"
#include "util/clock.h"
#include "util/hash.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <sys/eventfd.h>
#include <sys/uio.h>
#include <unistd.h>

enum { RING_BYTES = 64 * 1024, RATE_SLOTS = 64, LOGGER_POLL_MS = 500, HEAD_MAX = 80 };

struct log_ring {
    struct log_ring *next;
    _Atomic bool orphaned;
    _Atomic uint64_t lost;              /* lines that did not fit */
    uint64_t lost_told;                 /* consumer: how many of them were logged */
    _Alignas(64) _Atomic uint64_t head; /* producer */
    _Alignas(64) _Atomic uint64_t tail; /* consumer */
    char bytes[RING_BYTES];
};

/* One slot of a small direct-mapped table: a key that shares a slot with another just restarts its
 * count. */
struct log_rate {
    uint64_t key, window_s;
    uint32_t shown, hidden;
};

enum log_state { LOG_DIRECT, LOG_THREADED };

_Atomic int log_levels[LOG_CATS] = {LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO,
    LOG_INFO, LOG_INFO, LOG_INFO, LOG_INFO};

static const char *const level_names[] = {"error", "warn", "info", "debug"};
static const char *const cat_names[LOG_CATS] = {
    "main", "conf", "net", "session", "backend", "catalog", "plan", "exec", "txn", "ddl"};

static pthread_mutex_t list_lock = PTHREAD_MUTEX_INITIALIZER; /* rings */
static pthread_mutex_t drain_lock =
    PTHREAD_MUTEX_INITIALIZER; /* the file, and the consumer side of all rings */
static struct log_ring *rings;
static _Atomic int state = LOG_DIRECT;
static _Atomic bool asleep, stopping, want_reopen;
static _Atomic uint64_t lost_total;
static int out_fd = STDERR_FILENO;
static char *out_path;
static int wake_fd = -1;
static pthread_t logger;
static pthread_key_t ring_key;
static pthread_once_t ring_once = PTHREAD_ONCE_INIT;
static _Thread_local struct log_ring *my_ring;
static _Thread_local struct log_rate rate_text[RATE_SLOTS], rate_site[RATE_SLOTS];

void log_set_level(enum log_level level)
{
    for (int i = 0; i < LOG_CATS; i++)
        log_set_cat_level((enum log_cat)i, level);
}

void log_set_cat_level(enum log_cat cat, enum log_level level)
{
    atomic_store_explicit(&log_levels[cat], (int)level, memory_order_relaxed);
}

bool log_level_from_name(struct sv name, enum log_level *level)
{
    for (size_t i = 0; i < ARRAY_LEN(level_names); i++) {
        if (sv_eq_nocase(name, sv_cstr(level_names[i]))) {
            *level = (enum log_level)i;
            return true;
        }
    }
    return false;
}

const char *log_level_name(enum log_level level)
{
    return level_names[level];
}

const char *log_cat_name(enum log_cat cat)
{
    return cat_names[cat];
}

uint64_t log_lines_lost(void)
{
    return atomic_load_explicit(&lost_total, memory_order_relaxed);
}

static void write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t w = write(fd, p, n);

        if (w < 0 && errno == EINTR)
            continue;
        if (w <= 0)
            return; /* a full disk: nothing better can be done with a log line */
        p += w;
        n -= (size_t)w;
    }
}

/* --- rate limit --- */

/* False: do not show. *hidden: how many were held back in the window that just ended. */
static bool rate_pass(
    struct log_rate *table, uint64_t key, uint64_t now_s, uint32_t max, uint32_t *hidden)
{
    struct log_rate *r = &table[key % RATE_SLOTS];

    if (r->key != key || r->window_s != now_s) {
        if (r->key == key)
            *hidden += r->hidden;
        *r = (struct log_rate){.key = key, .window_s = now_s};
    }
    if (r->shown >= max) {
        r->hidden++;
        return false;
    }
    r->shown++;
    return true;
}

/* --- producer --- */

static void ring_orphan(void *arg)
{
    struct log_ring *r = arg;

    my_ring = NULL;
    atomic_store_explicit(&r->orphaned, true, memory_order_release);
}

static void ring_key_make(void)
{
    CHECK(pthread_key_create(&ring_key, ring_orphan) == 0);
}

static struct log_ring *ring_mine(void)
{
    struct log_ring *r = my_ring;

    if (LIKELY(r))
        return r;
    pthread_once(&ring_once, ring_key_make);
    r = xcalloc(1, sizeof(*r) + 64);
    pthread_setspecific(ring_key, r);
    my_ring = r;
    pthread_mutex_lock(&list_lock);
    r->next = rings;
    rings = r;
    pthread_mutex_unlock(&list_lock);
    return r;
}

static void ring_copy_in(struct log_ring *r, uint64_t at, const char *p, size_t n)
{
    size_t off = at % RING_BYTES, first = MIN(n, RING_BYTES - off);

    memcpy(r->bytes + off, p, first);
    memcpy(r->bytes, p + first, n - first);
}

static void ring_put(struct log_ring *r, const char *line, size_t n)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_relaxed);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_acquire);
    uint32_t len = (uint32_t)n;
    uint64_t one = 1;

    if (RING_BYTES - (head - tail) < n + sizeof(len)) {
        atomic_fetch_add_explicit(&r->lost, 1, memory_order_relaxed);
        atomic_fetch_add_explicit(&lost_total, 1, memory_order_relaxed);
        return;
    }
    ring_copy_in(r, head, (const char *)&len, sizeof(len));
    ring_copy_in(r, head + sizeof(len), line, n);
    atomic_store_explicit(&r->head, head + sizeof(len) + n, memory_order_seq_cst);
    if (atomic_load_explicit(&asleep, memory_order_seq_cst) && atomic_exchange(&asleep, false)) {
        while (write(wake_fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
}

/* Writes the line's text behind `at`, control characters made visible; returns its end. */
static size_t put_visible(char *line, size_t at, const char *text, size_t n)
{
    static const char hex[] = "0123456789abcdef";

    for (size_t i = 0; i < n && at + 5 < LOG_LINE_MAX; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c >= 0x20 && c != 0x7f) {
            line[at++] = (char)c;
        } else {
            line[at++] = '\\';
            line[at++] = 'x';
            line[at++] = hex[c >> 4];
            line[at++] = hex[c & 15];
        }
    }
    return at;
}

static size_t put_head(char *line, enum log_cat cat, enum log_level level, uint64_t now_us)
{
    char when[CLOCK_TEXT_MAX];

    return (size_t)snprintf(line, HEAD_MAX, "%s %-5s [%s] ", clock_format_utc(now_us, when),
        level_names[level], cat_names[cat]);
}

void log_write(enum log_cat cat, enum log_level level, const char *fmt, ...)
{
    char text[LOG_LINE_MAX - HEAD_MAX - 64], line[LOG_LINE_MAX + 64];
    uint64_t now_us = clock_real_us();
    uint32_t hidden = 0;
    int saved = errno, n;
    va_list ap;
    size_t len;

    va_start(ap, fmt);
    n = vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    len = n < 0 ? 0 : MIN((size_t)n, sizeof(text) - 1);
    if (!rate_pass(
            rate_site, (uint64_t)(uintptr_t)fmt, now_us / 1000000, LOG_SITE_PER_S, &hidden) ||
        !rate_pass(rate_text, hash64(text, len) | 1, now_us / 1000000, LOG_SAME_PER_S, &hidden)) {
        errno = saved;
        return;
    }
    len = put_visible(line, put_head(line, cat, level, now_us), text, len);
    if (hidden)
        len += (size_t)snprintf(line + len, 64, " (%u like it were not shown)", hidden);
    line[len++] = '\n';
    if (atomic_load_explicit(&state, memory_order_acquire) == LOG_THREADED) {
        ring_put(ring_mine(), line, len);
    } else {
        pthread_mutex_lock(&drain_lock);
        write_all(out_fd, line, len);
        pthread_mutex_unlock(&drain_lock);
    }
    errno = saved;
}

/* --- consumer: all of it under drain_lock --- */

static void ring_copy_out(const struct log_ring *r, uint64_t at, char *p, size_t n)
{
    size_t off = at % RING_BYTES, first = MIN(n, RING_BYTES - off);

    memcpy(p, r->bytes + off, first);
    memcpy(p + first, r->bytes, n - first);
}

static bool ring_drain(struct log_ring *r)
{
    uint64_t head = atomic_load_explicit(&r->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&r->tail, memory_order_relaxed);
    uint64_t lost = atomic_load_explicit(&r->lost, memory_order_relaxed);
    char buf[8 * (LOG_LINE_MAX + 64)];
    size_t n = 0;
    bool any = head != tail;

    while (tail != head) {
        uint32_t len;

        ring_copy_out(r, tail, (char *)&len, sizeof(len));
        if (n + len > sizeof(buf)) {
            write_all(out_fd, buf, n);
            n = 0;
        }
        ring_copy_out(r, tail + sizeof(len), buf + n, len);
        n += len;
        tail += sizeof(len) + len;
        atomic_store_explicit(&r->tail, tail, memory_order_release);
    }
    write_all(out_fd, buf, n);
    if (lost != r->lost_told) {
        n = put_head(buf, LOG_MAIN, LOG_WARN, clock_real_us());
        n += (size_t)snprintf(buf + n, 128,
            "%llu lines of one thread were lost: its log buffer was full\n",
            (unsigned long long)(lost - r->lost_told));
        write_all(out_fd, buf, n);
        r->lost_told = lost;
    }
    return any;
}

static void reopen_locked(void)
{
    int fd;

    if (!out_path)
        return;
    fd = open(out_path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
    if (fd < 0) {
        char line[256];
        size_t n = put_head(line, LOG_MAIN, LOG_ERROR, clock_real_us());

        n +=
            (size_t)snprintf(line + n, 128, "the log could not be opened again: errno %d\n", errno);
        write_all(out_fd, line, n);
        return;
    }
    if (out_fd != STDERR_FILENO)
        close(out_fd);
    out_fd = fd;
}

/* Takes drain_lock, then (for the list alone) list_lock. */
static bool drain_all(void)
{
    struct log_ring **at;
    bool any = false;

    pthread_mutex_lock(&drain_lock);
    if (atomic_exchange(&want_reopen, false))
        reopen_locked();
    pthread_mutex_lock(&list_lock);
    for (at = &rings; *at;) {
        struct log_ring *r = *at;
        bool orphan = atomic_load_explicit(&r->orphaned, memory_order_acquire);

        any |= ring_drain(r);
        if (orphan) {
            *at = r->next;
            xfree(r);
        } else {
            at = &r->next;
        }
    }
    pthread_mutex_unlock(&list_lock);
    pthread_mutex_unlock(&drain_lock);
    return any;
}

static void *logger_main(void *arg)
{
    sigset_t all;

    (void)arg;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, NULL);
    while (!atomic_load(&stopping)) {
        struct pollfd p = {.fd = wake_fd, .events = POLLIN};
        uint64_t count;

        if (drain_all())
            continue;
        atomic_store(&asleep, true);
        if (!drain_all() && !atomic_load(&stopping) && poll(&p, 1, LOGGER_POLL_MS) > 0 &&
            read(wake_fd, &count, sizeof(count)) < 0) {
            /* nothing to read: somebody else's wake-up, harmless */
        }
        atomic_store(&asleep, false);
    }
    return NULL;
}

/* --- life --- */

bool log_open(const char *path, struct diag *d)
{
    int fd = STDERR_FILENO;
    char *copy = NULL;

    if (path && path[0]) {
        fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0640);
        if (fd < 0)
            return diag_setf(d, ER_CONFIG, "log file %s: %s", path, strerrordesc_np(errno));
        copy = xstrdup(path);
    }
    pthread_mutex_lock(&drain_lock);
    if (out_fd != STDERR_FILENO)
        close(out_fd);
    out_fd = fd;
    xfree(out_path);
    out_path = copy;
    pthread_mutex_unlock(&drain_lock);
    return true;
}

void log_reopen(void)
{
    atomic_store(&want_reopen, true);
    if (atomic_load(&state) == LOG_DIRECT)
        drain_all();
    else if (atomic_exchange(&asleep, false))
        (void)!write(wake_fd, &(uint64_t){1}, sizeof(uint64_t));
}

bool log_start(struct diag *d)
{
    int err;

    CHECK(atomic_load(&state) == LOG_DIRECT);
    if (wake_fd < 0) /* one is left open by log_stop */
        wake_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    if (wake_fd < 0)
        return diag_setf(d, ER_CONFIG, "the log's eventfd: %s", strerrordesc_np(errno));
    atomic_store(&stopping, false);
    err = pthread_create(&logger, NULL, logger_main, NULL);
    if (err)
        return diag_setf(d, ER_CONFIG, "the log's thread: %s", strerrordesc_np(err));
    atomic_store_explicit(&state, LOG_THREADED, memory_order_release);
    return true;
}

void log_stop(void)
{
    if (atomic_load(&state) != LOG_THREADED)
        return;
    /* A thread that still saw LOG_THREADED puts its line into its ring; the eventfd stays open for
     * it, and the last drain or, at worst, the next log_flush brings the line out. */
    atomic_store(&state, LOG_DIRECT);
    atomic_store(&stopping, true);
    (void)!write(wake_fd, &(uint64_t){1}, sizeof(uint64_t));
    pthread_join(logger, NULL);
    drain_all();
}

void log_flush(void)
{
    drain_all();
}
