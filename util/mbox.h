/* Mailbox: any thread posts {fn, arg}, one thread (the owner) drains and runs them in the order of
 * posting. A lock-free stack that the owner takes whole and turns round; the eventfd is written
 * only when the box goes from empty to non-empty, so a burst costs one wake-up. Messages to a
 * stopped owner stay until mbox_destroy, which gives them to `drop`. Life: mbox_init by the
 * creator; fd into the owner's loop (readable: mbox_drain); mbox_destroy when no thread posts any
 * more. */
#ifndef UTIL_MBOX_H
#define UTIL_MBOX_H

#include "util/attr.h"

#include <stdatomic.h>

typedef void mbox_fn(void *arg);

/* A message that the sender embeds in an object of its own; it belongs to the mailbox until its fn
 * is called. */
struct mbox_msg {
    struct mbox_msg *next;
    mbox_fn *fn;
    void *arg;
    bool heap;
};

struct mbox {
    _Alignas(64) _Atomic(struct mbox_msg *) head; /* newest first */
    int fd;                                       /* eventfd, non-blocking; -1 after destroy */
};

/* False: no eventfd to be had (errno). */
bool mbox_init(struct mbox *m) MUST_CHECK;
/* drop (may be NULL) is called for the arg of each message that was never run. */
void mbox_destroy(struct mbox *m, void (*drop)(mbox_fn *fn, void *arg));
/* Any thread; allocates the message. */
void mbox_post(struct mbox *m, mbox_fn *fn, void *arg);
/* Any thread; msg must live until fn runs. */
void mbox_post_msg(struct mbox *m, struct mbox_msg *msg, mbox_fn *fn, void *arg);
/* Owner only. Runs what is there, not what is posted meanwhile (that wakes again). Returns how many
 * ran. */
size_t mbox_drain(struct mbox *m);

#endif
