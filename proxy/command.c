/* The commands of the protocol. Each either answers at once or starts something that ends in session_reply_*().
 *
 * Source: "Command Phase" of MySQL's client/server protocol documentation. */
#include "proxy/command.h"

#include "proxy/env.h"

#include "catalog/snapshot.h"
#include "proxy/kill.h"
#include "proxy/prepared.h"
#include "proxy/proxy.h"
#include "proxy/uservar.h"
#include "util/clock.h"
#include "util/log.h"

#include <ctype.h>

static void reply_code(struct session *s, enum diag_code code)
{
    struct diag d = {0};

    diag_set(&d, code);
    session_reply_err(s, &d);
}

static struct sv body(const struct session *s)
{
    const struct packet *p = &s->stmt->packet;

    return sv_make((const char *)p->ptr + 1, p->len - 1);
}

static struct sv without_end(struct sv text)
{
    while (text.len && (isspace((unsigned char)text.ptr[text.len - 1]) || text.ptr[text.len - 1] == ';'))
        text.len--;
    return text;
}

/* The text of a statement without the blanks and ';' at its end, as servers take it, and without the zero byte that ends it for some
 * clients (mysqlslap): servers take it as the end, shards would see it in the middle. */
static struct sv statement_text(struct sv text)
{
    text = without_end(text);
    if (text.len && !text.ptr[text.len - 1])
        text = without_end(sv_make(text.ptr, text.len - 1));
    return text;
}

static void com_query(struct session *s)
{
    struct packet_query q;

    if (!packet_query_parse(s->stmt->packet.ptr + 1, s->stmt->packet.len - 1, s->caps, &s->stmt->arena, &q)) {
        reply_code(s, ER_MALFORMED_PACKET);
        return;
    }
    query_run(s, statement_text(q.text));
}

static void com_statistics(struct session *s)
{
    struct proxy *px = s->proxy;
    uint64_t up_s = clock_real_us() / 1000000 - px->started_s;
    struct sv text = arena_printf(&s->stmt->arena,
        "Uptime: %llu  Threads: %u  Questions: %llu  Slow queries: 0  Opens: 0  Open tables: 0  Queries per second avg: 0.000",
        (unsigned long long)up_s, atomic_load_explicit(&px->n_conns, memory_order_relaxed),
        (unsigned long long)s->statements);

    chan_put_packet(&s->chan, text.ptr, text.len);
    session_reply_sent(s);
}

/* ---- reset ---- */

static void reset_over(void *arg, const struct diag *d)
{
    struct session *s = arg;

    (void)d;
    if (s->stmt->packet.ptr[0] == PCOM_CHANGE_USER)
        login_change_user(s);
    else
        session_reply_done(s);
}

void session_reset_state(struct session *s)
{
    struct sync_state *fresh = sync_new(), *next = sync_with_schema(fresh, s->db);

    CHECK(next);
    sync_unref(fresh);
    session_take_wanted(s, next);
    prepared_free_all(s);
    uservar_free_all(s);
    txn_reset_settings(s->txn);
    s->has_isolation_later = false;
    s->last_insert_id = 0;
    s->found_rows = 0;
    s->wait_timeout_s = 0;
    s->sql_mode = s->proxy->sql_mode;
    s->vars = s->proxy->vars;
    s->no_backslash = (s->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0;
    if (s->collation_id != s->proxy->charset_id)
        session_apply_charset(s);
}

static void reset_autocommit(void *arg, const struct diag *d)
{
    struct session *s = arg;

    (void)d;
    txn_set_autocommit(s->txn, true, reset_over, s);
}

static void com_reset_connection(struct session *s)
{
    session_reset_state(s);
    txn_rollback(s->txn, TXN_END, reset_autocommit, s);
}

/* Everything as after a fresh login, then the login itself. */
static void com_change_user(struct session *s)
{
    const struct packet *p = &s->stmt->packet;
    struct packet_login l;
    struct diag d = {0};

    if (!packet_change_user_parse(p->ptr, p->len, s->caps, &l)) {
        reply_code(s, ER_MALFORMED_PACKET);
        return;
    }
    if (l.charset)
        s->collation_id = l.charset;
    CHECK(session_set_db(s, SV(""), &d));
    com_reset_connection(s);
}

static void com_set_option(struct session *s)
{
    struct packet_ok ok = {0};
    struct sv b = body(s);

    if (b.len < 2 || get_u16(b.ptr) > 1) {
        reply_code(s, ER_UNKNOWN_COM_ERROR);
        return;
    }
    s->multi_statements = get_u16(b.ptr) == 0;
    ok.status = session_status(s);
    if (s->caps & CAP_DEPRECATE_EOF)
        chan_put_result_end(&s->chan, &ok, s->caps);
    else
        chan_put_eof(&s->chan, ok.status, 0);
    session_reply_sent(s);
}

static void com_kill(struct session *s)
{
    struct sv b = body(s);

    if (b.len < 4)
        reply_code(s, ER_MALFORMED_PACKET);
    else
        kill_run(s, get_u32(b.ptr), false);
}

void command_run(struct session *s)
{
    const struct packet *p = &s->stmt->packet;

    if (p->len == 0) {
        reply_code(s, ER_MALFORMED_PACKET);
        return;
    }
    if (s->db.len && s->db_version != session_snapshot(s)->version)
        session_check_db(s);
    switch (p->ptr[0]) {
    case PCOM_QUERY:
        com_query(s);
        return;
    case PCOM_STMT_PREPARE:
        prepared_prepare(s, statement_text(body(s)));
        return;
    case PCOM_STMT_EXECUTE:
        prepared_execute(s);
        return;
    case PCOM_STMT_CLOSE:
        prepared_close(s);
        return;
    case PCOM_STMT_RESET:
        prepared_reset(s);
        return;
    case PCOM_STMT_SEND_LONG_DATA:
        prepared_long_data(s);
        return;
    case PCOM_PING:
        session_reply_done(s);
        return;
    case PCOM_INIT_DB:
        query_use(s, body(s));
        return;
    case PCOM_QUIT:
        s->kill_requested = true; /* finish() closes behind the end of the command */
        session_reply_sent(s);
        return;
    case PCOM_FIELD_LIST:
        fields_run(s, body(s));
        return;
    case PCOM_STATISTICS:
        com_statistics(s);
        return;
    case PCOM_RESET_CONNECTION:
        com_reset_connection(s);
        return;
    case PCOM_CHANGE_USER:
        com_change_user(s);
        return;
    case PCOM_SET_OPTION:
        com_set_option(s);
        return;
    case PCOM_PROCESS_KILL:
        com_kill(s);
        return;
    case PCOM_DEBUG:
        session_reply_done(s);
        return;
    default:
        log_debug(LOG_SESSION, "client %u: %s is not served", s->id, packet_com_name(p->ptr[0]));
        reply_code(s, ER_UNKNOWN_COM_ERROR);
        return;
    }
}

/* ---- several statements in one COM_QUERY ---- */

void command_next_statement(struct session *s)
{
    struct stmt *st = s->stmt;
    struct sv rest = st->rest;
    struct packet packet = st->packet;

    /* The statement starts anew in the same packet. */
    stmt_clear(st);
    st->session = s;
    st->packet = packet;
    warn_sink_init(&st->warnings, &st->arena, SESSION_WARNINGS_MAX);
    st->start_ns = s->worker->now_ns;
    st->again = rest;
    st->first_seq = s->chan.seq;
    query_run(s, rest);
}
