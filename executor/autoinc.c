/* Segments of AUTO_INCREMENT values: a map from table to what is left of its segment under one mutex that is held for a few
 * instructions, and a thread that serves those who found their segment used up: it takes the next one from the metadata, larger
 * while segments are used up quickly. Requests are served in order, so a second one for the same table usually finds the segment
 * that the first one brought. */
#include "executor/autoinc.h"

#include "catalog/metadb.h"
#include "conf/conf.h"
#include "util/clock.h"
#include "util/hmap.h"
#include "util/log.h"

#include <pthread.h>

/* Segments grow while they are used up quickly, so that a bulk load asks seldom and a quiet table wastes little. */
enum { SEGMENT_FIRST = 100, SEGMENT_MAX = 20000, SEGMENT_QUICK_MS = 1000 };

struct segment {
    uint64_t next, end; /* values [next, end) are ours */
    uint64_t size;      /* of the next one */
    uint64_t taken_ms;
};

HMAP_U64(segment_map, struct segment);

struct autoinc {
    pthread_mutex_t lock; /* all that follows but conf and conn */
    pthread_cond_t wake;
    struct segment_map segments;
    struct autoinc_req *first, **last;
    bool stop;
    pthread_t thread;
    const struct conf *conf;
    struct mconn *conn; /* the thread's */
};

bool autoinc_take(struct autoinc *a, uint64_t table_id, uint64_t n, uint64_t *first)
{
    struct segment *s;
    bool got = false;

    pthread_mutex_lock(&a->lock);
    s = segment_map_get(&a->segments, table_id);
    if (s && s->end - s->next >= n) {
        *first = s->next;
        s->next += n;
        got = true;
    }
    pthread_mutex_unlock(&a->lock);
    return got;
}

bool autoinc_note(struct autoinc *a, uint64_t table_id, uint64_t value)
{
    struct segment *s;
    bool done = false;

    pthread_mutex_lock(&a->lock);
    s = segment_map_get(&a->segments, table_id);
    if (s && s->next < s->end) {
        if (value < s->next) {
            done = true;
        } else if (value < s->end) {
            s->next = value + 1;
            done = s->next < s->end;
        }
    }
    pthread_mutex_unlock(&a->lock);
    return done;
}

void autoinc_forget(struct autoinc *a, uint64_t table_id)
{
    struct segment *s;

    pthread_mutex_lock(&a->lock);
    s = segment_map_get(&a->segments, table_id);
    if (s)
        s->next = s->end = 0;
    pthread_mutex_unlock(&a->lock);
}

void autoinc_request(struct autoinc *a, struct autoinc_req *r)
{
    r->next = NULL;
    diag_clear(&r->diag);
    pthread_mutex_lock(&a->lock);
    *a->last = r;
    a->last = &r->next;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
}

/* ---- the thread ---- */

static bool connected(struct autoinc *a, struct diag *d)
{
    if (a->conn && mconn_is_lost(a->conn)) {
        mconn_close(a->conn);
        a->conn = NULL;
    }
    return a->conn || metadb_connect(a->conf, 0, NULL, &a->conn, d);
}

static uint64_t segment_size(struct autoinc *a, uint64_t table_id, uint64_t n)
{
    uint64_t now = clock_mono_ms(), size = SEGMENT_FIRST;
    struct segment *s;

    pthread_mutex_lock(&a->lock);
    s = segment_map_get(&a->segments, table_id);
    if (s && s->size)
        size = now - s->taken_ms < SEGMENT_QUICK_MS ? MIN(s->size * 4, (uint64_t)SEGMENT_MAX) : s->size;
    pthread_mutex_unlock(&a->lock);
    return MAX(size, n);
}

/* The new values become the table's segment. What is left of the old one is thrown away unless the new one continues it. */
static void take_over(struct autoinc *a, struct autoinc_req *r, uint64_t first, uint64_t size)
{
    struct segment *s;

    pthread_mutex_lock(&a->lock);
    s = segment_map_get(&a->segments, r->table_id);
    if (!s)
        s = segment_map_put(&a->segments, r->table_id, NULL);
    if (s->end != first || s->next == s->end)
        s->next = first;
    s->end = first + size;
    s->size = size;
    s->taken_ms = clock_mono_ms();
    r->first = s->next;
    s->next += r->n;
    pthread_mutex_unlock(&a->lock);
}

static void serve(struct autoinc *a, struct autoinc_req *r)
{
    uint64_t first = 0, size;

    if (r->n && autoinc_take(a, r->table_id, r->n, &r->first))
        return;
    if (!r->n && autoinc_note(a, r->table_id, r->value))
        return;
    if (!connected(a, &r->diag))
        return;
    if (!r->n) {
        autoinc_forget(a, r->table_id);
        if (!metadb_seq_raise(a->conn, r->table_id, r->value, &r->diag))
            log_warn(LOG_EXEC, "AUTO_INCREMENT of table %llu: %s", (unsigned long long)r->table_id, r->diag.text);
        return;
    }
    size = segment_size(a, r->table_id, r->n);
    if (metadb_seq_take(a->conn, r->table_id, size, &first, &r->diag))
        take_over(a, r, first, size);
    else
        log_warn(LOG_EXEC, "AUTO_INCREMENT of table %llu: %s", (unsigned long long)r->table_id, r->diag.text);
}

static void answer(struct worker *w, void *arg)
{
    struct autoinc_req *r = arg;

    (void)w;
    r->fn(r);
}

static void *run(void *arg)
{
    struct autoinc *a = arg;

    mconn_thread_begin();
    pthread_mutex_lock(&a->lock);
    for (;;) {
        struct autoinc_req *r = a->first;
        bool stop = a->stop;

        if (!r && stop)
            break;
        if (!r) {
            pthread_cond_wait(&a->wake, &a->lock);
            continue;
        }
        a->first = r->next;
        if (!a->first)
            a->last = &a->first;
        pthread_mutex_unlock(&a->lock);
        if (stop)
            diag_set(&r->diag, ER_SERVER_SHUTDOWN);
        else
            serve(a, r);
        worker_post(r->worker, answer, r);
        pthread_mutex_lock(&a->lock);
    }
    pthread_mutex_unlock(&a->lock);
    mconn_close(a->conn);
    mconn_thread_end();
    return NULL;
}

struct autoinc *autoinc_start(const struct conf *conf, struct diag *d)
{
    struct autoinc *a = xcalloc(1, sizeof(*a));

    pthread_mutex_init(&a->lock, NULL);
    pthread_cond_init(&a->wake, NULL);
    a->last = &a->first;
    a->conf = conf;
    if (pthread_create(&a->thread, NULL, run, a) != 0) {
        diag_set(d, ER_INTERNAL, "no thread for AUTO_INCREMENT");
        xfree(a);
        return NULL;
    }
    return a;
}

void autoinc_stop(struct autoinc *a)
{
    if (!a)
        return;
    pthread_mutex_lock(&a->lock);
    a->stop = true;
    pthread_cond_signal(&a->wake);
    pthread_mutex_unlock(&a->lock);
    pthread_join(a->thread, NULL);
    segment_map_free(&a->segments);
    pthread_cond_destroy(&a->wake);
    pthread_mutex_destroy(&a->lock);
    xfree(a);
}
