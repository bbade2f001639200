#include "catalog/pin.h"

#include "util/clock.h"

void cat_pins_init(struct cat_pins *p)
{
    CHECK(pthread_mutex_init(&p->lock, NULL) == 0);
    p->current = NULL;
    atomic_init(&p->version, 0);
    list_init(&p->pins);
}

void cat_pins_free(struct cat_pins *p)
{
    CHECK(list_empty(&p->pins));
    cat_snapshot_unref(p->current);
    p->current = NULL;
    pthread_mutex_destroy(&p->lock);
}

void cat_pins_publish(struct cat_pins *p, struct cat_snapshot *s)
{
    struct cat_snapshot *drop = s;

    pthread_mutex_lock(&p->lock);
    if (!p->current || s->version > p->current->version) {
        drop = p->current;
        p->current = s;
        atomic_store_explicit(&p->version, s->version, memory_order_release);
    }
    pthread_mutex_unlock(&p->lock);
    cat_snapshot_unref(drop);
}

struct cat_snapshot *cat_pins_get(struct cat_pins *p)
{
    struct cat_snapshot *s;

    pthread_mutex_lock(&p->lock);
    s = p->current ? cat_snapshot_ref(p->current) : NULL;
    pthread_mutex_unlock(&p->lock);
    return s;
}

uint64_t cat_pins_lowest(struct cat_pins *p)
{
    uint64_t lowest;

    pthread_mutex_lock(&p->lock);
    lowest = p->current ? p->current->version : UINT64_MAX;
    list_each(&p->pins, n)
    {
        uint64_t v = atomic_load_explicit(
            &LIST_ENTRY(n, struct cat_pin, node)->lowest, memory_order_acquire);

        lowest = MIN(lowest, v);
    }
    pthread_mutex_unlock(&p->lock);
    return lowest;
}

bool cat_pins_wait(struct cat_pins *p, uint64_t version, uint64_t timeout_ms)
{
    uint64_t deadline = clock_mono_ms() + timeout_ms;

    while (cat_pins_lowest(p) < version) {
        if (clock_mono_ms() >= deadline)
            return false;
        clock_sleep_ms(1); /* workers refresh within a turn of their loops; a condition variable
                              would cost each return */
    }
    return true;
}

static void set_lowest(struct cat_pin *pin)
{
    atomic_store_explicit(&pin->lowest, pin->held.n ? pin->held.v[0].snapshot->version : UINT64_MAX,
        memory_order_release);
}

/* Drops what nobody borrows, except the newest. */
static void drop_unused(struct cat_pin *pin)
{
    size_t kept = 0;

    for (size_t i = 0; i < pin->held.n; i++) {
        if (pin->held.v[i].borrows == 0 && i + 1 < pin->held.n)
            cat_snapshot_unref(pin->held.v[i].snapshot);
        else
            pin->held.v[kept++] = pin->held.v[i];
    }
    pin->held.n = kept;
    set_lowest(pin);
}

void cat_pin_open(struct cat_pin *pin, struct cat_pins *p)
{
    *pin = (struct cat_pin){.pins = p};
    atomic_init(&pin->lowest, UINT64_MAX);
    pthread_mutex_lock(&p->lock);
    list_push_back(&p->pins, &pin->node);
    pthread_mutex_unlock(&p->lock);
    cat_pin_refresh_slow(pin);
}

void cat_pin_close(struct cat_pin *pin)
{
    pthread_mutex_lock(&pin->pins->lock);
    list_remove(&pin->node);
    pthread_mutex_unlock(&pin->pins->lock);
    array_each(&pin->held, it)
    {
        ASSERT(it->borrows == 0);
        cat_snapshot_unref(it->snapshot);
    }
    array_free(&pin->held);
}

void cat_pin_refresh_slow(struct cat_pin *pin)
{
    struct cat_pins *p = pin->pins;
    struct cat_snapshot *s;

    pthread_mutex_lock(&p->lock);
    s = p->current ? cat_snapshot_ref(p->current) : NULL;
    /* A pin that held nothing must be seen to hold this version before a newer one can be
     * published. */
    if (s && pin->held.n == 0)
        atomic_store_explicit(&pin->lowest, s->version, memory_order_release);
    pthread_mutex_unlock(&p->lock);
    if (!s)
        return;
    if (pin->held.n && array_last(&pin->held)->snapshot->version >= s->version)
        cat_snapshot_unref(s);
    else
        array_push(&pin->held, NULL, (struct cat_held){s, 0});
    drop_unused(pin);
}

static struct cat_held *held_of(struct cat_pin *pin, const struct cat_snapshot *s)
{
    for (size_t i = pin->held.n; i-- > 0;) {
        if (pin->held.v[i].snapshot == s)
            return &pin->held.v[i];
    }
    return NULL;
}

void cat_pin_borrow_again(struct cat_pin *pin, const struct cat_snapshot *s)
{
    struct cat_held *h = held_of(pin, s);

    CHECK(h && h->borrows > 0);
    h->borrows++;
}

void cat_pin_return(struct cat_pin *pin, const struct cat_snapshot *s)
{
    struct cat_held *h = held_of(pin, s);

    CHECK(h && h->borrows > 0);
    h->borrows--;
    if (UNLIKELY(h->borrows == 0 && h != array_last(&pin->held)))
        drop_unused(pin);
}
