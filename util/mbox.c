#include "util/mbox.h"
#include "util/arena.h"

#include <errno.h>
#include <sys/eventfd.h>
#include <unistd.h>

bool mbox_init(struct mbox *m)
{
    atomic_init(&m->head, NULL);
    m->fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
    return m->fd >= 0;
}

static struct mbox_msg *take_in_order(struct mbox *m)
{
    struct mbox_msg *s = atomic_exchange_explicit(&m->head, NULL, memory_order_acquire),
                    *out = NULL;

    while (s) {
        struct mbox_msg *next = s->next;

        s->next = out;
        out = s;
        s = next;
    }
    return out;
}

void mbox_destroy(struct mbox *m, void (*drop)(mbox_fn *fn, void *arg))
{
    struct mbox_msg *s = take_in_order(m);

    while (s) {
        struct mbox_msg *next = s->next;
        mbox_fn *fn = s->fn;
        void *arg = s->arg;

        if (s->heap)
            xfree(s);
        if (drop)
            drop(fn, arg);
        s = next;
    }
    if (m->fd >= 0)
        close(m->fd);
    m->fd = -1;
}

static void push(struct mbox *m, struct mbox_msg *msg)
{
    struct mbox_msg *old = atomic_load_explicit(&m->head, memory_order_relaxed);
    uint64_t one = 1;

    do {
        msg->next = old;
    } while (!atomic_compare_exchange_weak_explicit(
        &m->head, &old, msg, memory_order_release, memory_order_relaxed));
    /* msg may be gone already: the owner can have run it. */
    if (!old) {
        while (write(m->fd, &one, sizeof(one)) < 0 && errno == EINTR) {
        }
    }
}

void mbox_post(struct mbox *m, mbox_fn *fn, void *arg)
{
    struct mbox_msg *msg = xmalloc(sizeof(*msg));

    *msg = (struct mbox_msg){.fn = fn, .arg = arg, .heap = true};
    push(m, msg);
}

void mbox_post_msg(struct mbox *m, struct mbox_msg *msg, mbox_fn *fn, void *arg)
{
    *msg = (struct mbox_msg){.fn = fn, .arg = arg};
    push(m, msg);
}

size_t mbox_drain(struct mbox *m)
{
    uint64_t count;
    struct mbox_msg *s;
    size_t n = 0;

    /* The counter is cleared first: a post after the exchange below finds the box empty and writes
     * again. */
    while (read(m->fd, &count, sizeof(count)) < 0 && errno == EINTR) {
    }
    s = take_in_order(m);
    while (s) {
        struct mbox_msg *next = s->next;
        mbox_fn *fn = s->fn;
        void *arg = s->arg;

        if (s->heap)
            xfree(s);
        fn(arg);
        n++;
        s = next;
    }
    return n;
}
