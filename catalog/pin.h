/* The current snapshot, and who still uses which version.
 *
 * One struct cat_pins a process holds the newest snapshot. Each worker (and each control thread
 * that plans) has a struct cat_pin: statements borrow the worker's newest snapshot and give it
 * back, both without atomics or locks; a snapshot stays pinned by the worker while a statement or a
 * transaction there has it borrowed, and the newest one always. A worker learns of a new version by
 * cat_pin_refresh, which its loop calls when told (mailbox) or once a turn: one relaxed load when
 * nothing is new.
 *
 * The version barrier: cat_pins_lowest says the lowest version that any pin still has; DDL waits
 * until it has reached the wanted one. A transaction that wrote under an old version keeps its
 * borrow until it ends. */
#ifndef CATALOG_PIN_H
#define CATALOG_PIN_H

#include "catalog/snapshot.h"
#include "util/list.h"

#include <pthread.h>

struct cat_pins {
    pthread_mutex_t lock; /* pins, and replacing `current` */
    struct cat_snapshot *current;
    _Atomic uint64_t version; /* of current; 0: none */
    struct list pins;
};

struct cat_held {
    const struct cat_snapshot *snapshot;
    uint32_t borrows;
};

ARRAY_OF(cat_held_array, struct cat_held);

/* Owner: one thread. */
struct cat_pin {
    struct cat_pins *pins;
    struct list_node node;
    struct cat_held_array held; /* oldest first; the last is the newest */
    _Atomic uint64_t lowest;    /* version of held[0]; UINT64_MAX: none */
};

void cat_pins_init(struct cat_pins *p);
/* All pins must be closed. */
void cat_pins_free(struct cat_pins *p);
/* Makes s (whose reference is taken over) the current snapshot; an older or equal version than the
 * current one is dropped instead. Any thread. */
void cat_pins_publish(struct cat_pins *p, struct cat_snapshot *s);
/* A new reference to the current snapshot, or NULL. Any thread. */
struct cat_snapshot *cat_pins_get(struct cat_pins *p);
static inline uint64_t cat_pins_version(const struct cat_pins *p)
{
    return atomic_load_explicit(&p->version, memory_order_acquire);
}

/* Lowest version that any pin holds; the current one's where nobody holds an older. Any thread. */
uint64_t cat_pins_lowest(struct cat_pins *p);
/* Waits (control threads) until cat_pins_lowest has reached version, at most timeout_ms. False: not
 * reached. */
bool cat_pins_wait(struct cat_pins *p, uint64_t version, uint64_t timeout_ms) MUST_CHECK;

/* The pin's owner thread, all that follows. */
void cat_pin_open(struct cat_pin *pin, struct cat_pins *p);
void cat_pin_close(struct cat_pin *pin); /* nothing may be borrowed */
void cat_pin_refresh_slow(struct cat_pin *pin);
/* Takes the current snapshot if it is newer than the pin's newest; drops what nobody borrows any
 * more. */
static inline void cat_pin_refresh(struct cat_pin *pin)
{
    if (UNLIKELY(pin->held.n == 0 ||
                 array_last(&pin->held)->snapshot->version != cat_pins_version(pin->pins)))
        cat_pin_refresh_slow(pin);
}

/* The pin's newest snapshot without borrowing: valid until the next refresh. NULL before the first
 * one was published. */
static inline const struct cat_snapshot *cat_pin_snapshot(const struct cat_pin *pin)
{
    return pin->held.n ? array_last(&pin->held)->snapshot : NULL;
}

/* Borrows the newest; to be given back exactly once. NULL: none yet. */
static inline const struct cat_snapshot *cat_pin_borrow(struct cat_pin *pin)
{
    if (UNLIKELY(pin->held.n == 0))
        return NULL;
    array_last(&pin->held)->borrows++;
    return array_last(&pin->held)->snapshot;
}

/* One more borrow of a snapshot that is borrowed already. */
void cat_pin_borrow_again(struct cat_pin *pin, const struct cat_snapshot *s);
void cat_pin_return(struct cat_pin *pin, const struct cat_snapshot *s);

#endif
