/* Sessions: life of a client connection, its input loop, and the ends of commands.
 *
 * Input: on_input -> login_input() before login is through, then one command after the other through command_run().
 * A running command leaves its packet in the channel (input paused) until finish() consumes it.
 *
 * End: on_closed comes once. If a command runs then, it is cancelled and the session stays as SESSION_GONE until the
 * command's own end, which is what frees it: shard connections must be given back in order. */
#include "proxy/session.h"

#include "catalog/pin.h"
#include "catalog/snapshot.h"
#include "conf/conf.h"
#include "executor/sideq.h"
#include "net/auth.h"
#include "proxy/command.h"
#include "proxy/env.h"
#include "proxy/prepared.h"
#include "proxy/proxy.h"
#include "proxy/uservar.h"
#include "util/log.h"

#include <arpa/inet.h>
#include <netinet/in.h>

enum { STMTS_KEPT = 256, SCAN_KEPT_BYTES = 64 << 10, STMT_ARENA_LIMIT_BYTES = 256 << 20 };
/* max_error_count: the defaults of the two kinds of server. */
enum { WARNINGS_MYSQL = 1024, WARNINGS_MARIADB = 64 };

static const uint8_t moves[SESSION_STATE_COUNT] = {
    [SESSION_GREETED] = 1 << SESSION_TLS | 1 << SESSION_AUTH | 1 << SESSION_ENDING | 1 << SESSION_GONE,
    [SESSION_TLS] = 1 << SESSION_GREETED | 1 << SESSION_ENDING | 1 << SESSION_GONE,
    [SESSION_AUTH] = 1 << SESSION_READY | 1 << SESSION_ENDING | 1 << SESSION_GONE,
    [SESSION_READY] = 1 << SESSION_BUSY | 1 << SESSION_ENDING | 1 << SESSION_GONE | 1 << SESSION_AUTH,
    [SESSION_BUSY] = 1 << SESSION_READY | 1 << SESSION_ENDING | 1 << SESSION_GONE | 1 << SESSION_AUTH,
    [SESSION_ENDING] = 1 << SESSION_GONE,
};

void session_set_state(struct session *s, enum session_state to)
{
    ASSERT_ON_WORKER(s->worker);
    CHECK(moves[s->state] >> to & 1);
    s->state = to;
}

/* ---- statements ---- */

static struct stmt *stmt_get(struct session *s)
{
    struct proxy_worker *pw = proxy_worker_of(s->worker);
    struct stmt *st = pw->free_stmts;

    if (st) {
        pw->free_stmts = st->next_free;
        pw->n_free_stmts--;
    } else {
        st = xcalloc(1, sizeof(*st));
        arena_init(&st->arena, STMT_ARENA_LIMIT_BYTES);
    }
    st->session = s;
    warn_sink_init(&st->warnings, &st->arena, SESSION_WARNINGS_MAX);
    st->start_ns = s->worker->now_ns;
    return st;
}

/* Everything but the arena's first block and the scan's arrays is forgotten. */
static void stmt_put(struct session *s, struct stmt *st)
{
    struct proxy_worker *pw = proxy_worker_of(s->worker);

    if (pw->n_free_stmts >= STMTS_KEPT) {
        stmt_clear(st);
        arena_free(&st->arena);
        stmt_scan_free(&st->scan);
        xfree(st);
        return;
    }
    stmt_clear(st);
    if (st->scan.cap_slots * sizeof(*st->scan.slots) + st->scan.cap_tokens * sizeof(*st->scan.tokens) > SCAN_KEPT_BYTES)
        stmt_scan_free(&st->scan); /* of a bulk insert */
    st->next_free = pw->free_stmts;
    pw->free_stmts = st;
    pw->n_free_stmts++;
}

void stmt_clear(struct stmt *st)
{
    struct arena arena = st->arena;
    struct stmt_scan scan = st->scan;

    if (st->plan)
        plan_release(st->plan);
    if (st->snapshot)
        cat_pin_return(st->session->worker->slot[WORKER_SLOT_CATALOG], st->snapshot);
    if (st->wanted)
        sync_unref(st->wanted);
    if (st->wanted_parts)
        sync_unref(st->wanted_parts);
    if (st->wanted_taken)
        sync_unref(st->wanted_taken);
    arena_reset(&arena);
    memset(st, 0, sizeof(*st));
    st->arena = arena;
    st->scan = scan;
}

void session_drop_snapshots(struct session *s)
{
    struct cat_pin *pin = s->worker->slot[WORKER_SLOT_CATALOG];

    if (s->stmt && s->stmt->snapshot) {
        cat_pin_return(pin, s->stmt->snapshot);
        s->stmt->snapshot = NULL;
    }
    hold_forget(s);
}

/* ---- end of a session ---- */

static void free_session(struct session *s)
{
    struct proxy_worker *pw = proxy_worker_of(s->worker);

    ASSERT(!s->stmt);
    session_drop_snapshots(s);
    list_remove(&s->link);
    if (s->txn)
        txn_free(s->txn);
    if (s->wanted)
        sync_unref(s->wanted);
    if (s->schema_wanted)
        sync_unref(s->schema_wanted);
    prepared_free_all(s);
    uservar_free_all(s);
    xfree(s->auth);
    xfree(s->login_db);
    xfree((char *)(uintptr_t)s->db.ptr);
    arena_free(&s->warn_arena);
    listen_conn_gone(s->worker, &pw->proxy->n_conns);
    worker_free_later(s->worker, s);
}

/* The client is gone, or must go. */
static void gone(struct session *s)
{
    bool busy = s->state == SESSION_BUSY;

    session_set_state(s, SESSION_GONE);
    if (!busy) {
        free_session(s);
        return;
    }
    session_interrupt(s);
}

void session_interrupt(struct session *s)
{
    struct stmt *st = s->stmt;
    struct diag d = {0};

    if (!st) {
        if (s->state == SESSION_READY && s->kill_requested)
            session_end(s, true);
        return;
    }
    st->is_cancelled = true;
    if (st->is_parked) {
        hold_unpark(st);
        diag_set(&d, ER_QUERY_INTERRUPTED);
        session_reply_err(s, &d);
        return;
    }
    if (st->side) {
        struct sideq *q = st->side;

        st->side = NULL;
        sideq_cancel(q);
        if (st->give_up)
            st->give_up(s);
        st->give_up = NULL;
        diag_set(&d, ER_QUERY_INTERRUPTED);
        session_reply_err(s, &d);
        return;
    }
    exec_cancel(&st->exec);
}

void session_end(struct session *s, bool after_flush)
{
    if (s->state == SESSION_GONE)
        return;
    if (after_flush) {
        if (s->state != SESSION_ENDING) {
            session_set_state(s, SESSION_ENDING);
            chan_close_after_flush(&s->chan);
        }
        return;
    }
    chan_close(&s->chan);
    gone(s);
}

static void on_closed(struct chan *c, enum chan_reason why)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);

    if (why != CHAN_EOF && why != CHAN_FLUSHED) {
        char buf[160];

        log_debug(LOG_SESSION, "client %u (%s@%s): %s", s->id, s->user, s->host,
            chan_error_text(c, why, buf, sizeof(buf)));
    }
    gone(s);
}

/* ---- input ---- */

static void protocol_error(struct session *s, enum diag_code code)
{
    struct diag d = {0};

    diag_set(&d, code);
    chan_put_err(&s->chan, d.code, d.sqlstate, sv_cstr(d.text));
    session_end(s, true);
}

static void take_commands(struct session *s)
{
    while (s->state == SESSION_READY) {
        struct packet p;

        chan_reset_seq(&s->chan);
        switch (chan_peek(&s->chan, &p)) {
        case CHAN_PEEK_MORE:
            return;
        case CHAN_PEEK_TOO_LARGE:
            protocol_error(s, ER_NET_PACKET_TOO_LARGE);
            return;
        case CHAN_PEEK_BAD_SEQ:
            protocol_error(s, ER_NET_PACKETS_OUT_OF_ORDER);
            return;
        case CHAN_PEEK_PACKET:
            break;
        }
        s->stmt = stmt_get(s);
        s->stmt->packet = p;
        s->chan.seq = (uint8_t)(p.last_seq + 1);
        s->stmt->first_seq = s->chan.seq;
        s->statements++;
        chan_pause_input(&s->chan);
        session_set_state(s, SESSION_BUSY);
        command_run(s);
    }
}

static void on_input(struct chan *c)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);

    if (s->state == SESSION_GREETED || s->state == SESSION_AUTH)
        login_input(s);
    if (s->state == SESSION_READY)
        take_commands(s);
}

static void on_ready(struct chan *c)
{
    login_ready(CONTAINER_OF(c, struct session, chan));
}

static void on_drained(struct chan *c)
{
    struct session *s = CONTAINER_OF(c, struct session, chan);

    if (s->state == SESSION_BUSY)
        exec_client_drained(&s->stmt->exec);
}

static const struct chan_ops client_ops = {
    .on_input = on_input,
    .on_drained = on_drained,
    .on_ready = on_ready,
    .on_closed = on_closed,
};

/* ---- end of a command ---- */

/* The statement and its packet; false: the session has ended or is about to. */
static bool give_back(struct session *s)
{
    struct stmt *st = s->stmt;

    s->stmt = NULL;
    if (s->state == SESSION_BUSY)
        chan_consume_packet(&s->chan, &st->packet);
    stmt_put(s, st);
    if (s->state == SESSION_GONE) {
        free_session(s);
        return false;
    }
    return s->state == SESSION_BUSY;
}

/* The next command is taken by on_input, which resuming the channel delivers as a task, and the next statement of the packet by a loop
 * here: so many of them do not grow the stack. */
static void finish(struct session *s)
{
    struct stmt *st = s->stmt;

    prepared_execution_over(s);
    hold_note(s);
    if (s->has_isolation_later && !txn_in_trans(s->txn))
        session_settle_isolation(s);
    if (st->more_follows && s->state == SESSION_BUSY) {
        s->next_wanted = true;
        if (s->in_loop)
            return;
        s->in_loop = true;
        while (s->next_wanted) {
            s->next_wanted = false;
            command_next_statement(s); /* may end the session; its memory lasts until the turn's end */
        }
        s->in_loop = false;
        return;
    }
    if (!give_back(s))
        return;
    session_set_state(s, SESSION_READY);
    s->idle_since_ms = worker_now_ms(s->worker);
    if (s->kill_requested || proxy_worker_of(s->worker)->draining) {
        if (s->kill_requested || !txn_in_trans(s->txn)) {
            session_end(s, true);
            return;
        }
    }
    chan_resume_input(&s->chan);
}

bool session_to_login(struct session *s)
{
    hold_note(s);
    if (!give_back(s))
        return false;
    if (s->kill_requested || proxy_worker_of(s->worker)->draining) {
        session_end(s, true);
        return false;
    }
    session_set_state(s, SESSION_AUTH);
    chan_resume_input(&s->chan);
    return true;
}

uint16_t session_status(const struct session *s)
{
    uint16_t st = 0;

    if (!s->txn || txn_autocommit(s->txn))
        st |= STATUS_AUTOCOMMIT;
    if (s->txn && txn_in_trans(s->txn)) {
        st |= STATUS_IN_TRANS;
        if (txn_is_read_only(s->txn))
            st |= STATUS_IN_TRANS_READONLY;
    }
    if (s->no_backslash)
        st |= STATUS_NO_BACKSLASH_ESCAPES;
    if (s->stmt && s->stmt->more_follows)
        st |= STATUS_MORE_RESULTS;
    return st;
}

static uint32_t warnings_max(const struct session *s)
{
    struct sv set = sync_get(s->wanted, SV("max_error_count"));
    uint64_t n;

    if (set.ptr && sv_to_u64(set, &n))
        return (uint32_t)MIN(n, (uint64_t)SESSION_WARNINGS_MAX);
    return s->proxy->is_mariadb ? WARNINGS_MARIADB : WARNINGS_MYSQL;
}

bool session_was_said(const struct session *s, unsigned code, struct sv text)
{
    return s->stmt->said && warn_count(s->stmt->said, code, text);
}

/* The statement's warnings become those that SHOW WARNINGS shows. */
void session_keep_warnings(struct session *s)
{
    struct stmt *st = s->stmt;

    if (st->keep_warnings)
        return;
    arena_free(&s->warn_arena); /* a session without warnings holds no block for them */
    warn_sink_init(&s->warnings, &s->warn_arena, 0);
    if (st->warnings.total) {
        s->warnings.max = warnings_max(s);
        warn_merge(&s->warnings, &st->warnings);
        for (uint32_t i = 0; i < s->warnings.n; i++)
            s->warnings.list[i].text = arena_dup(&s->warn_arena, s->warnings.list[i].text);
    }
}

static uint16_t warning_count(const struct session *s)
{
    if (s->stmt->no_warning_count)
        return 0;
    return (uint16_t)MIN(s->warnings.total, (uint64_t)UINT16_MAX);
}

/* The session state block of a new schema, for clients that follow it. Source: "OK_Packet", Session State Information. */
static struct sv schema_track(const struct session *s, unsigned char *buf)
{
    unsigned char *p = buf;

    if (s->db.len > LIMIT_IDENT_BYTES)
        return SV_NULL;
    *p++ = 1; /* SESSION_TRACK_SCHEMA */
    p = put_lenenc(p, lenenc_size(s->db.len) + s->db.len);
    p = put_lenenc(p, s->db.len);
    if (s->db.len)
        memcpy(p, s->db.ptr, s->db.len);
    return sv_make((const char *)buf, (size_t)(p - buf) + s->db.len);
}

void session_reply_ok(struct session *s, const struct packet_ok *ok)
{
    struct packet_ok out = *ok;
    unsigned char track[1 + 3 + 3 + LIMIT_IDENT_BYTES];

    session_keep_warnings(s);
    s->row_count = (int64_t)ok->affected_rows;
    if (s->state == SESSION_BUSY) {
        out.status = session_status(s);
        out.warnings = warning_count(s);
        out.track = s->schema_changed ? schema_track(s, track) : SV_NULL;
        s->schema_changed = false;
        chan_put_ok(&s->chan, &out, s->caps);
    }
    finish(s);
}

void session_reply_done(struct session *s)
{
    static const struct packet_ok nothing;

    session_reply_ok(s, &nothing);
}

/* Texts are MySQL's; MariaDB leaves out the end of some. */
static struct sv mariadb_text(const struct diag *d)
{
    static const struct {
        unsigned code;
        struct sv end;
    } longer[] = {
        {ER_UNIQUE_KEY_NEED_ALL_FIELDS_IN_PF, {" (prefixed columns are not considered).", 39}},
        {ER_CANT_EXECUTE_IN_READ_ONLY_TRANSACTION, {".", 1}},
    };
    struct sv text = sv_cstr(d->text);

    for (size_t i = 0; i < ARRAY_LEN(longer); i++) {
        struct sv end = longer[i].end;

        if (d->code == longer[i].code && text.len > end.len && !memcmp(text.ptr + text.len - end.len, end.ptr, end.len))
            text.len -= end.len;
    }
    return text;
}

void session_reply_err(struct session *s, const struct diag *d)
{
    struct stmt *st = s->stmt;

    struct sv text = s->proxy->is_mariadb ? mariadb_text(d) : sv_cstr(d->text);

    s->row_count = -1;
    st->more_follows = false;
    warn_add(&st->warnings, WARN_ERROR, d->code, "%.*s", SV_ARG(text));
    session_keep_warnings(s);
    if (s->state == SESSION_BUSY)
        chan_put_err(&s->chan, d->code, d->sqlstate, text);
    finish(s);
}

void session_reply_rows_end(struct session *s, uint16_t warnings)
{
    struct packet_ok end = {0};

    session_keep_warnings(s);
    s->row_count = -1;
    if (s->state == SESSION_BUSY) {
        end.status = session_status(s);
        end.warnings = MAX(warnings, warning_count(s));
        chan_put_result_end(&s->chan, &end, s->caps);
    }
    finish(s);
}

void session_reply_sent(struct session *s)
{
    finish(s);
}

/* ---- start ---- */

static void name_peer(struct session *s, const struct sockaddr_storage *peer)
{
    if (peer->ss_family == AF_INET) {
        const struct sockaddr_in *in = (const void *)peer;

        inet_ntop(AF_INET, &in->sin_addr, s->host, sizeof(s->host));
        s->is_loopback = ntohl(in->sin_addr.s_addr) >> 24 == 127;
    } else if (peer->ss_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const void *)peer;

        inet_ntop(AF_INET6, &in6->sin6_addr, s->host, sizeof(s->host));
        s->is_loopback = IN6_IS_ADDR_LOOPBACK(&in6->sin6_addr);
    } else {
        s->is_loopback = s->is_unix = true;
    }
    if (s->is_loopback)
        memcpy(s->host, "localhost", sizeof("localhost"));
}

void session_accept(struct worker *w, int fd, const struct sockaddr_storage *peer, void *arg)
{
    struct proxy *px = arg;
    struct proxy_worker *pw = proxy_worker_of(w);
    const struct conf *conf = atomic_load_explicit(&px->conf, memory_order_acquire);
    struct session *s = xcalloc(1, sizeof(*s));

    s->proxy = px;
    s->worker = w;
    /* The worker's index in the low byte: KILL finds the worker by it. */
    s->id = (++pw->next_id & 0xffffff) << 8 | w->index;
    s->state = SESSION_GREETED;
    name_peer(s, peer);
    list_push_back(&pw->sessions, &s->link);
    arena_init(&s->warn_arena, 0);
    warn_sink_init(&s->warnings, &s->warn_arena, SESSION_WARNINGS_MAX);
    session_take_wanted(s, sync_new());
    s->txn = txn_new(px->txns, w);
    s->sql_mode = px->sql_mode;
    s->vars = px->vars;
    s->no_backslash = (s->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0;
    chan_init(&s->chan, w, &client_ops, (uint32_t)conf->max_allowed_packet);
    s->chan.eager_eof = true;
    chan_open(&s->chan, fd);
    chan_set_timeout(&s->chan, (uint64_t)conf->connect_timeout_ms);
    login_start(s);
}

bool session_set_db(struct session *s, struct sv db, struct diag *d)
{
    struct sync_state *next;
    char *copy;

    if (db.len && !cat_find_db(session_snapshot(s), db) && !cat_is_virtual_db(db))
        return diag_setf(d, ER_BAD_DB_ERROR, "Unknown database '%.*s'", SV_ARG(db));
    if (sv_eq_nocase(db, SV("tessera"))) /* Tessera's own tables; they are the metadata server's to show */
        return diag_setf(d, ER_BAD_DB_ERROR, "Unknown database '%.*s'", SV_ARG(db));
    next = sync_with_schema(s->wanted, db);
    CHECK(next);
    session_take_wanted(s, next);
    s->schema_changed = true;
    copy = db.len ? xmalloc(db.len + 1) : NULL; /* not an arena: its first block would be a page a session */
    if (copy) {
        memcpy(copy, db.ptr, db.len);
        copy[db.len] = '\0';
    }
    xfree((char *)(uintptr_t)s->db.ptr); /* db may have been it */
    s->db = copy ? sv_make(copy, db.len) : SV_NULL;
    return true;
}

void session_check_db(struct session *s)
{
    struct diag d = {0};

    s->db_version = session_snapshot(s)->version;
    if (!cat_find_db(session_snapshot(s), s->db) && !cat_is_virtual_db(s->db) && !session_set_db(s, SV(""), &d))
        log_warn(LOG_SESSION, "client %u: %s", s->id, d.text);
}

bool session_set_shard_var(struct session *s, struct sv name, struct sv value, struct diag *d)
{
    struct sync_state *next = sync_with_var(s->wanted, name, value);

    if (!next)
        return diag_set(d, ER_OUT_OF_RESOURCES, "session variables");
    session_take_wanted(s, next);
    return true;
}

void session_settle_isolation(struct session *s)
{
    struct diag d = {0};

    if (s->has_isolation_later && !session_set_shard_var(s, session_isolation_var(s), s->isolation_later, &d))
        log_warn(LOG_SESSION, "client %u: %s", s->id, d.text);
    s->has_isolation_later = false;
}

/* ---- all sessions of a worker ---- */

void session_tick_all(struct proxy_worker *pw)
{
    const struct conf *conf = atomic_load_explicit(&pw->proxy->conf, memory_order_acquire);
    uint64_t now_ms = worker_now_ms(pw->worker);

    list_each (&pw->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        uint64_t most_s = s->wait_timeout_s ? s->wait_timeout_s : (uint64_t)conf->wait_timeout_s;

        if (s->state == SESSION_READY && s->idle_since_ms && now_ms - s->idle_since_ms > most_s * 1000)
            session_end(s, true);
    }
}

void session_drain_all(struct proxy_worker *pw)
{
    pw->draining = true;
    list_each (&pw->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        if (s->state == SESSION_GREETED || s->state == SESSION_TLS || s->state == SESSION_AUTH ||
            (s->state == SESSION_READY && !txn_in_trans(s->txn)))
            session_end(s, true);
    }
}

void session_interrupt_all(struct proxy_worker *pw)
{
    pw->draining = true;
    list_each (&pw->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        s->kill_requested = true;
        if (s->state == SESSION_BUSY || s->state == SESSION_GONE)
            session_interrupt(s);
        else
            session_end(s, true);
    }
}

void session_end_all(struct proxy_worker *pw)
{
    list_each (&pw->sessions, n) {
        struct session *s = CONTAINER_OF(n, struct session, link);

        chan_close(&s->chan);
        if (s->stmt) {
            /* The loop has ended: nothing calls back any more. */
            stmt_put(s, s->stmt);
            s->stmt = NULL;
        }
        free_session(s);
    }
    while (pw->free_stmts) {
        struct stmt *st = pw->free_stmts;

        pw->free_stmts = st->next_free;
        arena_free(&st->arena);
        stmt_scan_free(&st->scan);
        xfree(st);
    }
}
