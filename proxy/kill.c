#include "proxy/kill.h"

#include "proxy/command.h"
#include "proxy/proxy.h"

struct kill_msg {
    struct worker *home;
    uint32_t asker; /* BUSY until answered, unless its worker has ended */
    uint32_t id;
    bool query_only, found;
};

static struct session *find(struct worker *w, uint32_t id)
{
    list_each (&proxy_worker_of(w)->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        if (s->id == id)
            return s;
    }
    return NULL;
}

static void answer(struct worker *w, void *arg)
{
    struct kill_msg *m = arg;
    struct session *s = find(w, m->asker);

    if (s && m->found) {
        session_reply_done(s);
    } else if (s) {
        diag_setf(&s->stmt->diag, ER_NO_SUCH_THREAD, "Unknown thread id: %u", m->id);
        session_reply_err(s, &s->stmt->diag);
    }
    xfree(m);
}

static void deliver(struct worker *w, void *arg)
{
    struct kill_msg *m = arg;
    struct session *s = find(w, m->id);

    if (s) {
        m->found = true;
        if (!m->query_only)
            s->kill_requested = true;
        if (s->id != m->asker) /* KILL CONNECTION_ID(): ends behind its answer */
            session_interrupt(s);
    }
    worker_post(m->home, answer, m);
}

void kill_run(struct session *s, uint32_t id, bool query_only)
{
    struct kill_msg *m = xcalloc(1, sizeof(*m));

    m->asker = s->id;
    m->home = s->worker;
    m->id = id;
    m->query_only = query_only;
    if ((id & 0xff) < s->proxy->n_workers)
        worker_post(s->proxy->workers[id & 0xff], deliver, m);
    else
        worker_post(s->worker, answer, m);
}
