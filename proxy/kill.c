#include "proxy/kill.h"

#include "proxy/command.h"
#include "proxy/proxy.h"

struct kill_msg {
    struct session *asker; /* BUSY until answered */
    struct worker *home;
    uint32_t id;
    bool query_only, found;
};

static void answer(struct worker *w, void *arg)
{
    struct kill_msg *m = arg;
    struct session *s = m->asker;

    (void)w;
    if (m->found) {
        session_reply_done(s);
    } else {
        diag_setf(&s->stmt->diag, ER_NO_SUCH_THREAD, "Unknown thread id: %u", m->id);
        session_reply_err(s, &s->stmt->diag);
    }
    xfree(m);
}

static void deliver(struct worker *w, void *arg)
{
    struct kill_msg *m = arg;
    struct proxy_worker *pw = proxy_worker_of(w);

    list_each (&pw->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        if (s->id != m->id)
            continue;
        m->found = true;
        if (!m->query_only)
            s->kill_requested = true;
        if (s == m->asker)
            break; /* KILL CONNECTION_ID(): ends behind its answer */
        session_interrupt(s);
        break;
    }
    worker_post(m->home, answer, m);
}

void kill_run(struct session *s, uint32_t id, bool query_only)
{
    struct kill_msg *m = xcalloc(1, sizeof(*m));

    m->asker = s;
    m->home = s->worker;
    m->id = id;
    m->query_only = query_only;
    if ((id & 0xff) < s->proxy->n_workers)
        worker_post(s->proxy->workers[id & 0xff], deliver, m);
    else
        worker_post(s->worker, answer, m);
}
