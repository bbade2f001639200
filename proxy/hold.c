/* Two kinds of users of a table are known: a statement under way, by its plan (struct plan.tables), and an open transaction,
 * by what its statements have used. A use is stale when the worker's newest snapshot has the table by another version, or not at all:
 * exactly those are what a job waits for that has published the table as held, or changed. Nothing is counted on the path of a
 * statement; the worker looks through its sessions when it is asked.
 *
 * Putting aside: the plan and the snapshot go back, the session stays busy, and the statement stands in the worker's list until the
 * catalog has another version; then the command is dispatched again as if it had just come. So nothing that a plan points to is held
 * while it waits, and no way of executing a statement needs to know of it. */
#include "proxy/command.h"

#include "backend/pool.h"
#include "catalog/pin.h"
#include "proxy/env.h"
#include "proxy/feed.h"
#include "proxy/proxy.h"
#include "util/log.h"

/* RETRY_MS: the feed has seen a newer version by then, if there is one. */
enum { WAIT_MAX_S = 31536000, RETRY_MS = 500 };

static struct cat_pin *pin_of(struct proxy_worker *pw)
{
    return pw->worker->slot[WORKER_SLOT_CATALOG];
}

/* ---- what is in use ---- */

void hold_report_init(struct hold_report *r)
{
    *r = (struct hold_report){0};
    pthread_mutex_init(&r->lock, NULL);
}

void hold_report_free(struct hold_report *r)
{
    pthread_mutex_destroy(&r->lock);
    array_free(&r->ids);
}

static bool is_stale(const struct cat_snapshot *now, uint64_t id, uint64_t version)
{
    const struct cat_table *t = cat_find_table_id(now, id);

    return !t || t->version != version;
}

static void add_id(struct hold_ids *ids, uint64_t id)
{
    array_each(ids, it)
        if (*it == id)
            return;
    array_push(ids, NULL, id);
}

/* A statement under way. One without a plan yet will be planned by the snapshot that it has. */
static void tell_stmt(struct hold_report *r, const struct cat_snapshot *now, const struct stmt *st)
{
    if (!st->snapshot || st->snapshot == now)
        return;
    if (!st->plan) {
        r->any = true;
        return;
    }
    for (uint16_t i = 0; i < st->plan->n_tables; i++)
        if (is_stale(now, st->plan->tables[i]->id, st->plan->tables[i]->version))
            add_id(&r->ids, st->plan->tables[i]->id);
}

static void report(struct proxy_worker *pw)
{
    struct hold_report *r = &pw->in_use;
    const struct cat_snapshot *now = cat_pin_snapshot(pin_of(pw));

    if (!now)
        return;
    pthread_mutex_lock(&r->lock);
    r->version = now->version;
    r->ids.n = 0;
    r->any = false;
    list_each (&pw->sessions, n) {
        const struct session *s = CONTAINER_OF(n, struct session, link);

        if (s->stmt)
            tell_stmt(r, now, s->stmt);
        for (size_t i = 0; i < s->txn_uses.n; i++)
            if (is_stale(now, s->txn_uses.v[i].id, s->txn_uses.v[i].version))
                add_id(&r->ids, s->txn_uses.v[i].id);
    }
    pthread_mutex_unlock(&r->lock);
}

static void asked(struct worker *w, void *arg)
{
    struct proxy_worker *pw = arg;

    atomic_store_explicit(&pw->in_use.asked, false, memory_order_relaxed);
    cat_pin_refresh(w->slot[WORKER_SLOT_CATALOG]);
    hold_refresh(pw);
}

void hold_ask(struct proxy_worker *pw)
{
    if (!atomic_exchange_explicit(&pw->in_use.asked, true, memory_order_relaxed))
        worker_post(pw->worker, asked, pw);
}

bool hold_is_settled(struct hold_report *r, uint64_t version, const uint64_t *ids, size_t n)
{
    bool ok;

    pthread_mutex_lock(&r->lock);
    ok = r->version >= version && !(r->any && n);
    for (size_t i = 0; ok && i < n; i++)
        for (size_t k = 0; ok && k < r->ids.n; k++)
            ok = r->ids.v[k] != ids[i];
    pthread_mutex_unlock(&r->lock);
    return ok;
}

void hold_print(struct hold_report *r, struct strbuf *b, uint64_t *version)
{
    pthread_mutex_lock(&r->lock);
    *version = MIN(*version, r->version);
    if (r->any)
        strbuf_puts(b, b->len ? ",*" : "*");
    for (size_t i = 0; i < r->ids.n; i++)
        strbuf_printf(b, "%s%llu", b->len ? "," : "", (unsigned long long)r->ids.v[i]);
    pthread_mutex_unlock(&r->lock);
}

/* ---- transactions ---- */

static bool txn_has_used(const struct session *s, uint64_t id)
{
    for (size_t i = 0; i < s->txn_uses.n; i++)
        if (s->txn_uses.v[i].id == id)
            return true;
    return false;
}

void hold_forget(struct session *s)
{
    array_free(&s->txn_uses);
    s->txn_uses = (struct hold_uses){0};
}

void hold_note(struct session *s)
{
    const struct plan *p = s->stmt->plan;

    if (!s->txn || !txn_in_trans(s->txn)) {
        if (s->txn_uses.n)
            hold_forget(s);
        return;
    }
    for (uint16_t i = 0; p && s->stmt->snapshot && i < p->n_tables; i++)
        if (!txn_has_used(s, p->tables[i]->id))
            array_push(&s->txn_uses, NULL, ((struct hold_use){p->tables[i]->id, p->tables[i]->version}));
}

/* ---- putting aside, trying again ---- */

uint64_t hold_wait_s(struct session *s, uint64_t otherwise)
{
    uint64_t v;

    return sv_to_u64(sync_get(s->wanted, SV("lock_wait_timeout")), &v) ? v : otherwise;
}

static void park(struct session *s)
{
    struct stmt *st = s->stmt;
    struct proxy_worker *pw = proxy_worker_of(s->worker);

    hold_note(s);
    if (st->plan)
        plan_release(st->plan);
    st->plan = NULL;
    if (st->snapshot)
        cat_pin_return(pin_of(pw), st->snapshot);
    st->snapshot = NULL;
    if (!st->park_until_ms)
        st->park_until_ms = worker_now_ms(s->worker) + hold_wait_s(s, WAIT_MAX_S) * 1000;
    st->is_parked = true;
    list_push_back(&pw->parked, &st->park_link);
}

void hold_unpark(struct stmt *st)
{
    list_remove(&st->park_link);
    st->is_parked = false;
}

/* The statement begins anew, from the client's packet. */
static void run_again(struct session *s)
{
    struct stmt *st = s->stmt, was = *st;

    if (was.is_cancelled) {
        diag_set(&st->diag, ER_QUERY_INTERRUPTED);
        session_reply_err(s, &st->diag);
        return;
    }
    stmt_clear(st);
    st->session = s;
    st->packet = was.packet;
    st->again = was.again;
    st->tries = was.tries;
    st->park_until_ms = was.park_until_ms;
    st->start_ns = was.start_ns;
    st->first_seq = was.first_seq;
    warn_sink_init(&st->warnings, &st->arena, SESSION_WARNINGS_MAX);
    if (was.again.ptr)
        query_run(s, was.again);
    else
        command_run(s);
}

static void wake(struct proxy_worker *pw)
{
    struct list now;
    struct list_node *n;

    if (list_empty(&pw->parked))
        return;
    list_init(&now);
    list_splice(&now, &pw->parked);
    while ((n = list_pop_front(&now)) != NULL) {
        struct stmt *st = CONTAINER_OF(n, struct stmt, park_link);

        st->is_parked = false;
        run_again(st->session);
    }
}

/* Who waits for nothing but a turn of the loop. */
static void try_again(struct worker *w, void *arg)
{
    (void)arg;
    wake(proxy_worker_of(w));
}

void hold_refresh(struct proxy_worker *pw)
{
    report(pw);
    if (pw->parked_version != cat_pin_snapshot(pin_of(pw))->version) {
        pw->parked_version = cat_pin_snapshot(pin_of(pw))->version;
        wake(pw);
    }
}

/* ---- held tables ---- */

static void deadlock_over(void *arg, const struct diag *d)
{
    struct session *s = arg;

    (void)d;
    session_reply_err(s, &s->stmt->diag);
}

/* Whether the open transaction stands in the way of DDL: of the job that holds the table, or of one that another waiter's
 * transaction waits for. MySQL's lock manager finds the cycle; here the transaction that would close it gives way. */
static bool is_in_the_way(struct session *s)
{
    const struct cat_snapshot *now = session_snapshot(s);

    for (size_t i = 0; i < s->txn_uses.n; i++) {
        const struct cat_table *t = cat_find_table_id(now, s->txn_uses.v[i].id);

        if (t && t->state == CAT_HELD)
            return true;
    }
    return false;
}

static void wait_for_table(struct session *s)
{
    struct stmt *st = s->stmt;

    if (txn_in_trans(s->txn) && is_in_the_way(s)) {
        diag_set(&st->diag, ER_LOCK_DEADLOCK);
        txn_rollback(s->txn, TXN_END, deadlock_over, s);
        return;
    }
    park(s);
}

bool hold_pass_table(struct session *s, const struct cat_table *t)
{
    if (t->state != CAT_HELD || txn_has_used(s, t->id))
        return true;
    wait_for_table(s);
    return false;
}

bool hold_pass(struct session *s)
{
    const struct plan *p = s->stmt->plan;

    for (uint16_t i = 0; p->is_held && i < p->n_tables; i++) {
        if (p->tables[i]->state == CAT_HELD && !txn_has_used(s, p->tables[i]->id)) {
            wait_for_table(s);
            return false;
        }
    }
    return true;
}

/* ---- statements that met other tables than they were planned for ---- */

/* What a shard says when its tables are not those of the plan. */
static bool tells_of_change(unsigned code)
{
    switch (code) {
    case 1051: /* unknown table */
    case 1054: /* unknown column */
    case 1072: /* key column doesn't exist */
    case 1136: /* column count doesn't match */
    case 1146: /* no such table */
    case 1176: /* key doesn't exist */
    case 1364: /* field has no default */
    case 1412: /* table definition has changed */
    case 1615: /* prepared statement needs to be re-prepared */
        return true;
    default:
        return false;
    }
}

bool hold_retry(struct session *s, const struct diag *d)
{
    struct stmt *st = s->stmt;
    const struct plan *p = st->plan;
    const struct cat_snapshot *now;
    bool stale = false;

    if (!p || !st->snapshot || st->tries >= HOLD_TRIES || !tells_of_change(d->code) || s->chan.seq != st->first_seq ||
        st->exec.meta_sent || st->exec.relayed_rows || st->exec.outcome.rows || s->state != SESSION_BUSY)
        return false;
    cat_pin_refresh(s->worker->slot[WORKER_SLOT_CATALOG]);
    now = cat_pin_snapshot(s->worker->slot[WORKER_SLOT_CATALOG]);
    for (uint16_t i = 0; i < p->n_tables && now != st->snapshot; i++)
        stale = stale || is_stale(now, p->tables[i]->id, p->tables[i]->version);
    /* The optimizer knew the table, so a change must be on its way here; once it is believed in. */
    if (!stale && (d->code != ER_NO_SUCH_TABLE || st->tries))
        return false;
    log_debug(LOG_SESSION, "client %u: planned again after error %u of a shard", s->id, d->code);
    st->tries++;
    park(s);
    st->wake_at_ms = stale ? 0 : worker_now_ms(s->worker) + RETRY_MS;
    if (stale)
        worker_post(s->worker, try_again, NULL);
    return true;
}

/* ---- standstill ---- */

static void look_at_clock(struct proxy_worker *pw)
{
    uint64_t now_ms = worker_now_ms(pw->worker), still_ms = now_ms - pw->tick_ms;
    struct diag d = {0};

    pw->tick_ms = now_ms;
    if (still_ms <= HOLD_STALL_MS)
        return;
    log_warn(LOG_SESSION, "worker %u stood still for %llu ms", pw->worker->index, (unsigned long long)still_ms);
    if (!feed_was_buried(pw->proxy->feed, now_ms - still_ms, now_ms, HOLD_STALL_MS))
        return;
    diag_setf(&d, ER_SHARD_LOST, "This tesserad stood still for %llu ms and was taken for dead: what was under way is given up",
        (unsigned long long)still_ms);
    pool_set_break(pw->worker, &d);
}

static bool is_due(const struct stmt *st, uint64_t now_ms)
{
    return st->wake_at_ms && now_ms >= st->wake_at_ms;
}

void hold_tick(struct proxy_worker *pw)
{
    uint64_t now_ms = worker_now_ms(pw->worker);
    bool impatient = false;

    look_at_clock(pw);
    cat_pin_refresh(pin_of(pw));
    hold_refresh(pw);
    list_each (&pw->parked, n)
        impatient |= is_due(CONTAINER_OF(n, struct stmt, park_link), now_ms);
    if (impatient)
        wake(pw);
    list_each (&pw->parked, n) {
        struct stmt *st = CONTAINER_OF(n, struct stmt, park_link);

        if (now_ms < st->park_until_ms)
            continue;
        hold_unpark(st);
        diag_set(&st->diag, ER_LOCK_WAIT_TIMEOUT);
        session_reply_err(st->session, &st->diag);
    }
}
