/* One message visits the workers one after the other, so that it needs no lock: each adds its own sessions. */
#include "proxy/proclist.h"

#include "proxy/command.h"
#include "proxy/proxy.h"

#include <stdlib.h>

struct round {
    struct session *asker; /* BUSY until answered */
    struct worker *home;
    uint32_t next;
    struct arena arena;
    struct proclist list;
    proclist_fn *done;
};

enum { INFO_BYTES_MAX = 64 * 1024, INFO_SHORT = 100 };

static void add_session(struct round *m, const struct session *s)
{
    struct arena *a = &m->arena;
    const struct stmt *st = s->stmt;
    struct proc *p;

    if (s->state != SESSION_READY && s->state != SESSION_BUSY && s->state != SESSION_AUTH)
        return;
    p = array_add(&m->list, a);
    p->id = s->id;
    p->user = s->state == SESSION_AUTH ? SV("unauthenticated user") : arena_dup(a, sv_cstr(s->user));
    p->host = arena_dup(a, sv_cstr(s->host));
    p->db = s->db.len ? arena_dup(a, s->db) : SV_NULL;
    p->state = SV("");
    if (s->state == SESSION_AUTH) {
        p->command = SV("Connect");
        p->state = SV("login");
    } else if (st) {
        p->command = st->executing ? SV("Execute") : SV("Query");
        p->state = SV("executing");
        p->info = st->text.len ? arena_dup(a, sv_make(st->text.ptr, MIN(st->text.len, (size_t)INFO_BYTES_MAX))) : SV_NULL;
        p->time_ms = st->start_ns ? (s->worker->now_ns - st->start_ns) / 1000000 : 0;
    } else {
        p->command = SV("Sleep");
        p->time_ms = s->idle_since_ms ? s->worker->now_ns / 1000000 - s->idle_since_ms : 0;
    }
}

static int by_id(const void *a, const void *b)
{
    const struct proc *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static void answer(struct worker *w, void *arg)
{
    struct round *m = arg;

    (void)w;
    if (m->list.n)
        qsort(m->list.v, m->list.n, sizeof(*m->list.v), by_id);
    m->done(m->asker, &m->list);
    arena_free(&m->arena);
    xfree(m);
}

static void visit(struct worker *w, void *arg)
{
    struct round *m = arg;
    struct proxy_worker *pw = proxy_worker_of(w);
    struct proxy *px = pw->proxy;

    list_each (&pw->sessions, n)
        add_session(m, CONTAINER_OF(n, struct session, link));
    m->next++;
    if (m->next < px->n_workers)
        worker_post(px->workers[m->next], visit, m);
    else
        worker_post(m->home, answer, m);
}

void proclist_gather(struct session *s, proclist_fn *done)
{
    struct round *m = xcalloc(1, sizeof(*m));

    m->asker = s;
    m->home = s->worker;
    m->done = done;
    arena_init(&m->arena, 0);
    worker_post(s->proxy->workers[0], visit, m);
}

struct sv proclist_cell(const struct proc *p, const struct packet_coldef *col, bool full, struct arena *a)
{
    struct sv name = col->name;

    if (sv_eq_nocase(name, SV("Id")))
        return arena_printf(a, "%u", p->id);
    if (sv_eq_nocase(name, SV("User")))
        return arena_dup(a, p->user);
    if (sv_eq_nocase(name, SV("Host")))
        return arena_dup(a, p->host);
    if (sv_eq_nocase(name, SV("db")))
        return p->db.ptr ? arena_dup(a, p->db) : SV_NULL;
    if (sv_eq_nocase(name, SV("Command")))
        return arena_dup(a, p->command);
    if (sv_eq_nocase(name, SV("Time")))
        return arena_printf(a, "%llu", (unsigned long long)p->time_ms / 1000);
    if (sv_eq_nocase(name, SV("Time_ms")))
        return arena_printf(a, "%llu.000", (unsigned long long)p->time_ms);
    if (sv_eq_nocase(name, SV("State")))
        return arena_dup(a, p->state);
    if (sv_eq_nocase(name, SV("Info")) || sv_eq_nocase(name, SV("Info_binary")))
        return p->info.ptr ? arena_dup(a, sv_make(p->info.ptr, full ? p->info.len : MIN(p->info.len, (size_t)INFO_SHORT)))
                           : SV_NULL;
    if (sv_eq_nocase(name, SV("Progress")))
        return SV("0.000");
    return col->flags & WIRE_FLAG_NOT_NULL ? SV("0") : SV_NULL;
}
