/* Hierarchical timer wheel of a worker: private to net/worker.c and its test. Four levels of 256, 64, 64, 64 slots; a
 * timer sits in the level whose slot width fits its distance and moves down as its time comes nearer ("Hashed and
 * Hierarchical Timing Wheels", Varghese and Lauck, scheme 7). Adding and removing are O(1). One thread. */
#ifndef NET_WHEEL_H
#define NET_WHEEL_H

#include "net/worker.h"

enum { WHEEL_L0 = 256, WHEEL_LN = 64, WHEEL_LEVELS = 4 };

struct wheel {
    uint64_t tick; /* every timer due at or before this one has fired */
    uint64_t count;
    uint64_t used0[WHEEL_L0 / 64]; /* slots of level 0 that may be non-empty */
    struct worker_timer *slot0[WHEEL_L0];
    struct worker_timer *slot[WHEEL_LEVELS - 1][WHEEL_LN];
};

/* Adds t (not linked) with t->due_tick set; one that is due already fires at the next tick. */
void wheel_add(struct wheel *wh, struct worker_timer *t);
void wheel_remove(struct wheel *wh, struct worker_timer *t);
/* Fires what is due up to and including tick `now`; returns how many. */
unsigned wheel_advance(struct wheel *wh, uint64_t now);
/* The tick at which wheel_advance has something to do next (fire or move down); UINT64_MAX: nothing there. */
uint64_t wheel_next(const struct wheel *wh);

#endif
