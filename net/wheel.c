#include "net/wheel.h"

static void put_first(struct worker_timer **slot, struct worker_timer *t)
{
    t->next = *slot;
    if (t->next)
        t->next->link = &t->next;
    t->link = slot;
    *slot = t;
}

static void unlink_timer(struct worker_timer *t)
{
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    t->link = NULL;
    t->next = NULL;
}

static void place(struct wheel *wh, struct worker_timer *t)
{
    uint64_t due = MAX(t->due_tick, wh->tick + 1);
    uint64_t away = due - wh->tick;

    if (away < WHEEL_L0) {
        unsigned i = due % WHEEL_L0;

        wh->used0[i / 64] |= UINT64_C(1) << (i % 64);
        put_first(&wh->slot0[i], t);
        return;
    }
    for (unsigned level = 0;; level++) {
        unsigned shift = 8 + 6 * level;

        if (away < UINT64_C(1) << (shift + 6)) {
            put_first(&wh->slot[level][(due >> shift) % WHEEL_LN], t);
            return;
        }
        if (level == WHEEL_LEVELS - 2) {
            /* Farther than the wheel: parked in its last slot, and placed anew from there. */
            put_first(&wh->slot[level][((wh->tick >> shift) + WHEEL_LN - 1) % WHEEL_LN], t);
            return;
        }
    }
}

void wheel_add(struct wheel *wh, struct worker_timer *t)
{
    ASSERT(!t->link);
    wh->count++;
    place(wh, t);
}

void wheel_remove(struct wheel *wh, struct worker_timer *t)
{
    if (!t->link)
        return;
    unlink_timer(t);
    wh->count--;
}

/* At a border of level 0, moves the slot of each level that begins here one level down. */
static void cascade(struct wheel *wh)
{
    for (unsigned level = 0; level < WHEEL_LEVELS - 1; level++) {
        unsigned shift = 8 + 6 * level;
        unsigned i = (wh->tick >> shift) % WHEEL_LN;
        struct worker_timer *list = wh->slot[level][i];

        wh->slot[level][i] = NULL;
        /* place() counts from tick + 1, but what is due at this very tick must go into this tick's own slot. */
        while (list) {
            struct worker_timer *t = list;

            list = t->next;
            t->link = NULL;
            if (t->due_tick <= wh->tick) {
                unsigned s = wh->tick % WHEEL_L0;

                wh->used0[s / 64] |= UINT64_C(1) << (s % 64);
                put_first(&wh->slot0[s], t);
            } else {
                place(wh, t);
            }
        }
        if (i != 0)
            break;
    }
}

static unsigned fire_slot(struct wheel *wh, unsigned i)
{
    struct worker_timer *list = wh->slot0[i];
    unsigned fired = 0;

    wh->used0[i / 64] &= ~(UINT64_C(1) << (i % 64));
    if (!list)
        return 0;
    /* The list gets a head of its own, so that timers may be removed by those that fire before them. */
    wh->slot0[i] = NULL;
    list->link = &list;
    while (list) {
        struct worker_timer *t = list;

        unlink_timer(t);
        wh->count--;
        t->fn(t);
        fired++;
    }
    return fired;
}

/* Distance from tick to the next used slot of level 0, at most WHEEL_L0. */
static unsigned next_in_level0(const struct wheel *wh)
{
    for (unsigned d = 1; d <= WHEEL_L0;) {
        unsigned i = (wh->tick + d) % WHEEL_L0;
        uint64_t bits = wh->used0[i / 64] >> (i % 64);

        if (bits)
            return MIN(d + (unsigned)__builtin_ctzll(bits), (unsigned)WHEEL_L0);
        d += 64 - i % 64;
    }
    return WHEEL_L0;
}

uint64_t wheel_next(const struct wheel *wh)
{
    uint64_t border = (wh->tick / WHEEL_L0 + 1) * WHEEL_L0;

    if (wh->count == 0)
        return UINT64_MAX;
    return MIN(wh->tick + next_in_level0(wh), border);
}

unsigned wheel_advance(struct wheel *wh, uint64_t now)
{
    unsigned fired = 0;

    while (wh->tick < now) {
        uint64_t next = wheel_next(wh);

        if (next > now) {
            wh->tick = now;
            break;
        }
        wh->tick = next;
        if (next % WHEEL_L0 == 0)
            cascade(wh);
        fired += fire_slot(wh, next % WHEEL_L0);
    }
    return fired;
}
