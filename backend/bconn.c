/* Shard connection: life, login, sending, session state. Replies are taken in bparse.c, prepared statements kept in
 * bstmt.c; backend/bconn.h has the contract.
 *
 * Life. bconn_start connects (address after address), takes the greeting, goes to TLS if the server's entry wants
 * it, logs in, and is idle. Whatever ends it goes through bconn_fail(): the socket is closed at once, the state is
 * BCONN_CLOSED, and a task tells the queued commands (on_lost) and then the owner (on_closed). Nobody is called
 * from inside a call of his own.
 *
 * Whether a lost command can have been executed is read off the channel's counters: a command whose last byte was
 * never handed to the kernel was not.
 *
 * Barriers. A command with `barrier` makes everything queued behind it stay here until it has succeeded: the
 * channel holds the output that follows it. When it succeeds, output is released up to the end of the next
 * barrier; when it fails, what is held is dropped and those commands get its error, never having been sent.
 * Session state goes through this: a SET that this server has never been seen to accept must not be followed
 * blindly by the statement that relies on it. */
#include "backend/bconn-int.h"
#include "backend/pool.h"
#include "util/arena.h"
#include "util/hash.h"
#include "util/log.h"
#include "util/strbuf.h"

#include <stdio.h>

enum { BCONN_MAX_PACKET = 1 << 30, BCONN_CHARSET_MYSQL8 = 255, BCONN_CHARSET_OTHER = 45 };

#define M(s) (1u << BCONN_##s)
static const uint16_t bconn_moves[] = {
    [BCONN_NEW] = M(CONNECTING) | M(CLOSED),
    [BCONN_CONNECTING] = M(GREETING) | M(CONNECTING) | M(CLOSED),
    [BCONN_GREETING] = M(TLS) | M(LOGIN) | M(CONNECTING) | M(CLOSED),
    [BCONN_TLS] = M(LOGIN) | M(CLOSED),
    [BCONN_LOGIN] = M(IDLE) | M(CLOSED),
    [BCONN_IDLE] = M(BUSY) | M(CLOSED),
    [BCONN_BUSY] = M(IDLE) | M(CLOSED),
    [BCONN_CLOSED] = 0,
};
#undef M

void bconn_set_state(struct bconn *c, enum bconn_state to)
{
    CHECK(bconn_moves[c->state] & 1u << to);
    c->state = to;
}

/* --- the end --- */

static void forget_kills(struct bconn *c);

static void free_bconn(void *p)
{
    struct bconn *c = p;

    forget_kills(c);
    bserver_unref(c->server);
    sync_unref(c->synced);
    bconn_stmts_free(c);
    xfree(c->auth);
    xfree(c);
}

static void drop_queue(struct bconn *c)
{
    struct bcmd *list = c->first;

    c->first = c->last = NULL;
    c->n_queued = c->n_barriers = 0;
    while (list) {
        struct bcmd *cmd = list;

        list = cmd->next;
        cmd->conn = NULL;
        cmd->next = NULL;
        cmd->stmt = NULL;
        cmd->ops->on_lost(cmd, cmd->out_end <= c->chan.out_sent, &c->why);
    }
}

static void after_end(struct worker_task *t)
{
    struct bconn *c = CONTAINER_OF(t, struct bconn, task);

    c->is_ending = true;
    /* Handlers may send on this connection still; those commands are lost too. */
    while (c->first)
        drop_queue(c);
    if (!c->free_wanted && !c->told_closed) {
        c->told_closed = true;
        if (c->ops && c->ops->on_closed)
            c->ops->on_closed(c, &c->why);
    }
    c->is_ending = false;
    if (c->free_wanted)
        worker_call_later(c->chan.worker, free_bconn, c);
}

void bconn_fail(struct bconn *c, const struct diag *d)
{
    if (c->state == BCONN_CLOSED)
        return;
    bconn_set_state(c, BCONN_CLOSED);
    c->why = *d;
    chan_close(&c->chan);
    worker_task_queue(c->chan.worker, &c->task);
}

static void fail_text(struct bconn *c, const char *text)
{
    struct diag d = {0};

    if (bconn_usable(c)) {
        log_info(LOG_BACKEND, "shard %s, connection %u: %s", c->server->name, c->conn_id, text);
        diag_set(&d, ER_SHARD_LOST, c->server->name);
    } else {
        diag_set(&d, ER_SHARD_DOWN, c->server->name, text);
    }
    bconn_fail(c, &d);
}

void bconn_fail_protocol(struct bconn *c, const char *what)
{
    char text[128];

    snprintf(text, sizeof(text), "protocol error: %s", what);
    log_warn(LOG_BACKEND, "shard %s: %s", c->server->name, text);
    fail_text(c, text);
}

void bconn_close(struct bconn *c, const char *why)
{
    struct diag d = {0};

    if (c->free_wanted)
        return;
    c->free_wanted = true;
    if (c->state == BCONN_CLOSED) {
        /* Unless after_end is running or to come, which frees it then. */
        if (!c->task.link && !c->is_ending)
            worker_call_later(c->chan.worker, free_bconn, c);
        return;
    }
    if (c->state == BCONN_IDLE) {
        bconn_begin(c);
        chan_put_packet(&c->chan, "\1", 1);
        chan_flush(&c->chan);
    }
    diag_set(&d, ER_SHARD_DOWN, c->server->name, why);
    bconn_fail(c, &d);
}

void bconn_break(struct bconn *c, const struct diag *d)
{
    bconn_fail(c, d);
}

/* --- connecting and logging in --- */

static const struct chan_ops shard_chan_ops;

static void connect_next(struct bconn *c)
{
    while (c->addr_at < c->server->n_addrs) {
        unsigned i = c->addr_at++;

        chan_init(&c->chan, c->chan.worker, &shard_chan_ops, BCONN_MAX_PACKET);
        if (c->state != BCONN_CONNECTING)
            bconn_set_state(c, BCONN_CONNECTING);
        if (chan_connect(&c->chan, (const struct sockaddr *)&c->server->addrs[i].addr, c->server->addrs[i].len,
                         c->server->connect_timeout_ms))
            return;
    }
    {
        char text[128];

        fail_text(c, chan_error_text(&c->chan, CHAN_IO_ERROR, text, sizeof(text)));
    }
}

static void start_task(struct worker_task *t)
{
    struct bconn *c = CONTAINER_OF(t, struct bconn, task);

    c->task.fn = after_end;
    if (c->state == BCONN_NEW)
        connect_next(c);
    else
        after_end(t);
}

struct bconn *bconn_new(struct worker *w, struct bserver *server, const struct bconn_ops *ops, void *arg)
{
    struct bconn *c = xcalloc(1, sizeof(*c));

    chan_init(&c->chan, w, &shard_chan_ops, BCONN_MAX_PACKET);
    c->server = bserver_ref(server);
    c->ops = ops;
    c->arg = arg;
    c->synced = sync_new();
    c->task.fn = after_end;
    return c;
}

void bconn_start(struct bconn *c)
{
    ASSERT_ON_WORKER(c->chan.worker);
    ASSERT(c->state == BCONN_NEW);
    c->task.fn = start_task;
    worker_task_queue(c->chan.worker, &c->task);
}

static void parse_version(struct bconn *c, struct sv v)
{
    unsigned part[3] = {0};
    size_t at = 0;

    if (sv_starts(v, SV("5.5.5-")))
        v = sv_make(v.ptr + 6, v.len - 6); /* MariaDB says so for the sake of old replicas */
    snprintf(c->version_text, sizeof(c->version_text), "%.*s", (int)MIN(v.len, sizeof(c->version_text) - 1), v.ptr);
    for (size_t i = 0; i < v.len && at < 3; i++) {
        if (v.ptr[i] >= '0' && v.ptr[i] <= '9')
            part[at] = MIN(part[at] * 10 + (unsigned)(v.ptr[i] - '0'), 9999u);
        else if (v.ptr[i] == '.')
            at++;
        else
            break;
    }
    c->version = part[0] * 10000 + part[1] * 100 + part[2];
    c->is_mariadb = strstr(c->version_text, "MariaDB") != NULL;
}

static void put_login(struct bconn *c, bool ssl_request)
{
    struct arena a;
    struct strbuf attrs;
    struct packet_login l = {
        .caps = c->caps,
        .max_packet = BCONN_MAX_PACKET,
        .is_ssl_request = ssl_request,
        .charset = !c->is_mariadb && c->version >= 80000 ? BCONN_CHARSET_MYSQL8 : BCONN_CHARSET_OTHER,
        .user = sv_cstr(c->server->user),
    };
    unsigned char *p, *end;

    arena_init(&a, 0);
    strbuf_init(&attrs, &a);
    packet_attr_put(&attrs, SV("program_name"), SV("tesserad"));
    packet_attr_put(&attrs, SV("_client_name"), SV("tessera"));
    l.attrs = strbuf_sv(&attrs);
    if (!ssl_request) {
        l.auth = sv_make((const char *)c->auth->out, c->auth->out_len);
        l.plugin = auth_plugin_name(c->auth->plugin);
    }
    p = chan_reserve(&c->chan, PACKET_HEADER_BYTES + packet_login_size(&l));
    end = packet_login_encode(p + PACKET_HEADER_BYTES, &l);
    packet_put_header(p, (size_t)(end - p) - PACKET_HEADER_BYTES, c->chan.seq++);
    chan_commit(&c->chan, (size_t)(end - p));
    arena_free(&a);
}

static void send_login(struct bconn *c)
{
    unsigned char nonce[PACKET_NONCE_BYTES];
    enum auth_plugin plugin = c->auth->plugin;

    /* The response depends on whether the transport is secure now. */
    memcpy(nonce, c->auth->nonce, sizeof(nonce));
    auth_client_init(c->auth, auth_plugin_name(plugin), nonce, sv_cstr(c->server->password),
                     c->chan.ssl != NULL || c->server->addrs[c->addr_at - 1].addr.ss_family == AF_UNIX);
    bconn_set_state(c, BCONN_LOGIN);
    put_login(c, false);
}

static void take_greeting(struct bconn *c, const struct packet *p)
{
    const uint64_t wanted = CAP_LONG_PASSWORD | CAP_LONG_FLAG | CAP_PROTOCOL_41 | CAP_TRANSACTIONS |
                            CAP_SECURE_CONNECTION | CAP_MULTI_RESULTS | CAP_PS_MULTI_RESULTS | CAP_PLUGIN_AUTH |
                            CAP_PLUGIN_AUTH_LENENC | CAP_CONNECT_ATTRS | CAP_SESSION_TRACK | CAP_DEPRECATE_EOF;
    struct packet_greeting g;
    struct packet_err err;
    char text[400];

    if (!packet_greeting_parse(p->ptr, p->len, &g, &err)) {
        if (err.code == 0) {
            bconn_fail_protocol(c, "malformed handshake packet");
            return;
        }
        snprintf(text, sizeof(text), "error %u: %.*s", err.code, (int)MIN(err.text.len, (size_t)300), err.text.ptr);
        fail_text(c, text);
        return;
    }
    parse_version(c, g.version);
    c->conn_id = g.conn_id;
    c->status = g.status;
    c->caps = (g.caps & (wanted | c->server->extra_caps)) | CAP_PROTOCOL_41 | CAP_SECURE_CONNECTION;
    if (!(g.caps & CAP_PROTOCOL_41) || !(g.caps & CAP_PLUGIN_AUTH)) {
        fail_text(c, "the server is too old: it lacks protocol 4.1 or login plugins");
        return;
    }
    c->auth = xcalloc(1, sizeof(*c->auth));
    auth_client_init(c->auth, g.plugin, g.nonce, SV(""), false);
    chan_consume_packet(&c->chan, p);
    if (!c->server->tls) {
        send_login(c);
        return;
    }
    if (!(g.caps & CAP_SSL)) {
        fail_text(c, "the server offers no TLS, which its entry asks for");
        return;
    }
    c->caps |= CAP_SSL;
    put_login(c, true);
    bconn_set_state(c, BCONN_TLS);
    if (!chan_start_tls(&c->chan, c->server->tls, false, c->server->tls_name))
        fail_text(c, "TLS cannot be started");
}

static void take_login_reply(struct bconn *c, const struct packet *p)
{
    struct diag d = {0}, out = {0};
    struct packet_ok ok;

    switch (auth_client_feed(c->auth, p->ptr, p->len, &d)) {
    case AUTH_SEND:
        chan_consume_packet(&c->chan, p);
        chan_put_packet(&c->chan, c->auth->out, c->auth->out_len);
        return;
    case AUTH_WAIT:
        chan_consume_packet(&c->chan, p);
        return;
    case AUTH_OK:
        if (!packet_ok_parse(p->ptr, p->len, c->caps, &ok)) {
            bconn_fail_protocol(c, "malformed OK after login");
            return;
        }
        chan_consume_packet(&c->chan, p);
        c->status = ok.status;
        xfree(c->auth);
        c->auth = NULL;
        chan_set_timeout(&c->chan, 0);
        bconn_set_state(c, BCONN_IDLE);
        if (c->ops && c->ops->on_ready)
            c->ops->on_ready(c);
        return;
    case AUTH_SEND_OK:
    case AUTH_DENIED:
    case AUTH_BROKEN:
        break;
    }
    diag_setf(&out, ER_SHARD_DOWN, "Shard '%s' does not let us in: %.300s", c->server->name, d.text);
    bconn_fail(c, &out);
}

static void take_login_packets(struct bconn *c)
{
    struct packet p;

    while (c->state == BCONN_GREETING || c->state == BCONN_LOGIN) {
        switch (chan_peek(&c->chan, &p)) {
        case CHAN_PEEK_MORE:
            return;
        case CHAN_PEEK_PACKET:
            if (c->state == BCONN_GREETING)
                take_greeting(c, &p);
            else
                take_login_reply(c, &p);
            break;
        case CHAN_PEEK_TOO_LARGE:
        case CHAN_PEEK_BAD_SEQ:
            bconn_fail_protocol(c, "packets out of order during login");
            return;
        }
    }
}

/* --- the channel's callbacks --- */

static struct bconn *of_chan(struct chan *ch)
{
    return CONTAINER_OF(ch, struct bconn, chan);
}

static void on_input(struct chan *ch)
{
    struct bconn *c = of_chan(ch);

    take_login_packets(c);
    if (bconn_usable(c))
        bconn_parse(c);
}

static void on_ready(struct chan *ch)
{
    struct bconn *c = of_chan(ch);

    if (c->state == BCONN_CONNECTING) {
        bconn_set_state(c, BCONN_GREETING);
        chan_set_timeout(ch, c->server->connect_timeout_ms);
    } else if (c->state == BCONN_TLS) {
        send_login(c);
    }
}

static void on_chan_closed(struct chan *ch, enum chan_reason why)
{
    struct bconn *c = of_chan(ch);
    char text[300];

    if (c->state == BCONN_CONNECTING && c->addr_at < c->server->n_addrs) {
        connect_next(c);
        return;
    }
    fail_text(c, chan_error_text(ch, why, text, sizeof(text)));
}

static const struct chan_ops shard_chan_ops = {
    .on_input = on_input,
    .on_ready = on_ready,
    .on_closed = on_chan_closed,
};

void bconn_pause(struct bconn *c)
{
    c->is_paused = true;
    chan_pause_input(&c->chan);
}

void bconn_resume(struct bconn *c)
{
    c->is_paused = false;
    chan_resume_input(&c->chan);
}

/* --- sending --- */

void bconn_queue(struct bconn *c, struct bcmd *cmd, enum bcmd_kind kind)
{
    ASSERT_ON_WORKER(c->chan.worker);
    ASSERT(!cmd->conn && cmd->ops);
    cmd->conn = c;
    cmd->next = NULL;
    cmd->kind = (uint8_t)kind;
    cmd->phase = BPHASE_FIRST;
    cmd->stmt = NULL;
    if (c->last)
        c->last->next = cmd;
    else
        c->first = cmd;
    c->last = cmd;
    c->n_queued++;
    if (!bconn_usable(c)) {
        cmd->out_end = UINT64_MAX; /* never sent */
        if (!c->is_ending && c->state == BCONN_CLOSED)
            worker_task_queue(c->chan.worker, &c->task);
        return;
    }
    cmd->out_end = c->chan.out_put;
    cmd->reply_seq = c->chan.seq;
    if (c->state == BCONN_IDLE) {
        bconn_set_state(c, BCONN_BUSY);
        c->in_seq = cmd->reply_seq;
    }
    if (cmd->barrier && c->n_barriers++ == 0)
        chan_hold(&c->chan);
}

void bconn_pop(struct bconn *c, bool ok)
{
    struct bcmd *cmd = c->first;

    c->first = cmd->next;
    if (!c->first)
        c->last = NULL;
    c->n_queued--;
    cmd->conn = NULL;
    cmd->next = NULL;
    if (c->first)
        c->in_seq = c->first->reply_seq;
    if (!c->first)
        bconn_set_state(c, BCONN_IDLE);
    if (cmd->barrier) {
        c->n_barriers--;
        if (ok) {
            struct bcmd *next = c->first;

            while (next && !next->barrier)
                next = next->next;
            chan_release(&c->chan, next ? next->out_end : UINT64_MAX);
        }
    }
}

struct bcmd *bconn_detach_behind(struct bconn *c)
{
    struct bcmd *list = c->first;

    c->first = c->last = NULL;
    c->n_queued = c->n_barriers = 0;
    chan_drop_held(&c->chan);
    if (c->state == BCONN_BUSY)
        bconn_set_state(c, BCONN_IDLE);
    return list;
}

void bconn_fail_list(struct bconn *c, struct bcmd *list, const struct packet_err *err, struct sv payload)
{
    while (list) {
        struct bcmd *cmd = list;

        list = cmd->next;
        cmd->conn = NULL;
        cmd->next = NULL;
        if (cmd->stmt) {
            bconn_stmt_failed(c, cmd->stmt);
            cmd->stmt = NULL;
        }
        cmd->ops->on_err(cmd, err, payload);
    }
}

void bconn_query_iov(struct bconn *c, struct bcmd *cmd, const struct iovec *iov, size_t n)
{
    bconn_begin(c);
    if (bconn_usable(c))
        chan_put_packet_iov(&c->chan, PCOM_QUERY, iov, n);
    bconn_queue(c, cmd, BCMD_QUERY);
}

void bconn_query(struct bconn *c, struct bcmd *cmd, struct sv text)
{
    struct iovec v = {(void *)(uintptr_t)text.ptr, text.len};

    bconn_query_iov(c, cmd, &v, 1);
}

void bconn_command(struct bconn *c, struct bcmd *cmd, enum bcmd_kind kind, const void *payload, size_t n)
{
    struct iovec v = {(char *)(uintptr_t)payload + 1, n - 1};

    CHECK(n >= 1);
    bconn_begin(c);
    if (bconn_usable(c))
        chan_put_packet_iov(&c->chan, *(const unsigned char *)payload, &v, n > 1);
    bconn_queue(c, cmd, kind);
}

void bconn_simple(struct bconn *c, struct bcmd *cmd, enum packet_com com)
{
    unsigned char b = (unsigned char)com;

    if (com == PCOM_RESET_CONNECTION) {
        bconn_stmts_free(c);
        sync_unref(c->synced);
        c->synced = sync_new();
        c->unclean = false;
    }
    bconn_command(c, cmd, com == PCOM_STATISTICS ? BCMD_STRING : BCMD_OK, &b, 1);
}

void bconn_no_reply(struct bconn *c, const void *payload, size_t n)
{
    if (!bconn_usable(c))
        return;
    bconn_begin(c);
    chan_put_packet(&c->chan, payload, n);
}

void bconn_infile_data(struct bconn *c, const void *p, size_t n)
{
    if (!bconn_usable(c) || n == 0)
        return;
    c->chan.seq = c->in_seq;
    chan_put_packet(&c->chan, p, n);
    c->in_seq = c->chan.seq;
}

void bconn_infile_end(struct bconn *c)
{
    if (!bconn_usable(c))
        return;
    c->chan.seq = c->in_seq;
    chan_put_packet(&c->chan, "", 0);
    c->in_seq = c->chan.seq;
    if (c->first && c->first->phase == BPHASE_INFILE)
        c->first->phase = BPHASE_FIRST;
    /* Input that came meanwhile was left lying. */
    if (chan_in_len(&c->chan) && !c->is_paused) {
        chan_pause_input(&c->chan);
        chan_resume_input(&c->chan);
    }
}

/* --- commands of its own --- */

struct own_cmd {
    struct bcmd cmd;
    uint64_t known_hash;       /* sync: what the server accepts if this succeeds */
    struct sync_state *before; /* sync: the state if it fails; NULL: not a sync command */
    char what[100];
};

static void own_free(struct own_cmd *o)
{
    sync_unref(o->before);
    xfree(o);
}

static void own_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct own_cmd *o = CONTAINER_OF(cmd, struct own_cmd, cmd);
    struct bconn *c = cmd->arg;

    (void)ok;
    (void)is_result;
    (void)payload;
    if (more)
        return;
    if (o->before && c->pool)
        pool_learns(c->pool, o->known_hash);
    own_free(o);
}

static void own_on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct own_cmd *o = CONTAINER_OF(cmd, struct own_cmd, cmd);
    struct bconn *c = cmd->arg;

    (void)payload;
    log_info(LOG_BACKEND, "shard %s refused '%s': %u %.*s", c->server->name, o->what, err->code,
             (int)MIN(err->text.len, (size_t)200), err->text.ptr);
    if (o->before && cmd->barrier) {
        /* What waits behind it fails unsent (bparse.c), so this is the state that is left. */
        sync_unref(c->synced);
        c->synced = sync_ref(o->before);
    } else if (o->before) {
        /* Statements behind it ran, or run, in a wrong state: end their transaction with the connection. */
        struct diag d = {0};

        diag_set_remote(&d, err->code, err->sqlstate, err->text);
        bconn_fail(c, &d);
    }
    own_free(o);
}

static void own_on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    (void)maybe_done;
    (void)d;
    own_free(CONTAINER_OF(cmd, struct own_cmd, cmd));
}

static const struct bcmd_ops own_ops = {.on_ok = own_on_ok, .on_err = own_on_err, .on_lost = own_on_lost};

static struct own_cmd *own_new(struct bconn *c, struct sv what)
{
    struct own_cmd *o = xcalloc(1, sizeof(*o));

    o->cmd.ops = &own_ops;
    o->cmd.mode = BCMD_SWALLOW;
    o->cmd.arg = c;
    snprintf(o->what, sizeof(o->what), "%.*s", (int)MIN(what.len, sizeof(o->what) - 1), what.ptr);
    return o;
}

void bconn_query_forget(struct bconn *c, struct sv text)
{
    bconn_query(c, &own_new(c, text)->cmd, text);
}

/* --- session state --- */

static struct own_cmd *sync_cmd(struct bconn *c, struct sv text, uint64_t kind)
{
    struct own_cmd *o = own_new(c, text);

    o->known_hash = hash_combine(kind, hash_sv(text));
    o->before = sync_ref(c->synced);
    o->cmd.barrier = !c->pool || !pool_knows(c->pool, o->known_hash);
    return o;
}

/* The text is built in memory that is free after this call: short ones are copied by the channel, long ones are not. */
static void sync_vars(struct bconn *c, struct sync_state *wanted)
{
    struct arena a;
    struct strbuf b;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    sync_diff(c->synced, wanted, c->is_mariadb && c->version < 110100, &b);
    if (b.len) {
        bconn_query(c, &sync_cmd(c, strbuf_sv(&b), 1)->cmd, strbuf_sv(&b));
        if (b.len > 200)
            chan_flush(&c->chan);
    }
    arena_free(&a);
}

void bconn_sync(struct bconn *c, struct sync_state *wanted)
{
    if (LIKELY(sync_equal(c->synced, wanted)) || !bconn_usable(c))
        return;
    if (wanted->schema.len && !sv_eq(wanted->schema, c->synced->schema)) {
        struct own_cmd *o = sync_cmd(c, wanted->schema, 2);
        struct sync_state *now = sync_with_schema(c->synced, wanted->schema);
        struct iovec v = {(void *)(uintptr_t)wanted->schema.ptr, wanted->schema.len};

        bconn_begin(c);
        chan_put_packet_iov(&c->chan, PCOM_INIT_DB, &v, 1);
        bconn_queue(c, &o->cmd, BCMD_OK);
        if (now) {
            sync_unref(c->synced);
            c->synced = now;
        }
    }
    if (c->synced->vars_signature != wanted->vars_signature) {
        sync_vars(c, wanted);
    }
    sync_unref(c->synced);
    c->synced = sync_ref(wanted);
}

void bconn_assume(struct bconn *c, struct sync_state *now)
{
    struct sync_state *old = c->synced;

    c->synced = sync_ref(now);
    sync_unref(old);
}

/* --- KILL QUERY --- */

struct kill_job {
    struct bconn *side;   /* the connection that says KILL */
    struct bconn *target; /* NULL: gone meanwhile */
    struct bcmd cmd;
    uint32_t conn_id;
    bool whole;           /* the connection, which we have closed or are closing; else the statement it runs */
    struct kill_job *next, **link; /* of the worker's jobs */
};

static void kill_done(struct kill_job *k, const char *why)
{
    struct bconn *target = k->target;

    *k->link = k->next;
    if (k->next)
        k->next->link = k->link;
    bconn_close(k->side, why);
    xfree(k);
    if (target)
        target->n_kills--;
}

static void kill_on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok;
    (void)is_result;
    (void)payload;
    if (!more)
        kill_done(cmd->arg, "done");
}

static void kill_on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    (void)payload;
    log_debug(LOG_BACKEND, "KILL: %u %.*s", err->code, (int)MIN(err->text.len, (size_t)200), err->text.ptr);
    kill_done(cmd->arg, "done");
}

static void kill_on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    (void)maybe_done;
    log_info(LOG_BACKEND, "KILL: %s", d->text);
    kill_done(cmd->arg, "lost");
}

static const struct bcmd_ops kill_cmd_ops = {.on_ok = kill_on_ok, .on_err = kill_on_err, .on_lost = kill_on_lost};

static void kill_on_ready(struct bconn *side)
{
    struct kill_job *k = side->arg;
    char text[64];
    int n = snprintf(text, sizeof(text), "KILL %s %u", k->whole ? "CONNECTION" : "QUERY", k->conn_id);

    if (!k->whole && (!k->target || k->target->state != BCONN_BUSY)) {
        kill_done(k, "nothing to kill any more");
        return;
    }
    k->cmd = (struct bcmd){.ops = &kill_cmd_ops, .arg = k, .mode = BCMD_SWALLOW};
    bconn_query(side, &k->cmd, sv_make(text, (size_t)n));
}

static void kill_on_closed(struct bconn *side, const struct diag *d)
{
    log_info(LOG_BACKEND, "KILL: %s", d->text);
    /* With the KILL under way its on_lost has ended the job, and this is not called. */
    kill_done(side->arg, "lost");
}

static const struct bconn_ops kill_conn_ops = {.on_ready = kill_on_ready, .on_closed = kill_on_closed};

static void start_kill(struct bconn *c, bool whole)
{
    struct kill_job **list = pool_set_kills(c->chan.worker), *k = xcalloc(1, sizeof(*k));

    k->whole = whole;
    k->target = whole ? NULL : c;
    k->conn_id = c->conn_id;
    k->next = *list;
    if (k->next)
        k->next->link = &k->next;
    k->link = list;
    *list = k;
    if (!whole)
        c->n_kills++;
    k->side = bconn_new(c->chan.worker, c->server, &kill_conn_ops, k);
    bconn_start(k->side);
}

void bconn_cancel_query(struct bconn *c)
{
    if (c->state == BCONN_BUSY && !c->n_kills)
        start_kill(c, false);
}

void bconn_abandon(struct bconn *c, const char *why)
{
    if (c->state == BCONN_BUSY)
        start_kill(c, true);
    bconn_close(c, why);
}

static void forget_kills(struct bconn *c)
{
    struct kill_job *k = c->n_kills ? *pool_set_kills(c->chan.worker) : NULL;

    for (; k; k = k->next) {
        if (k->target == c)
            k->target = NULL;
    }
}

void bconn_end_kills(struct worker *w)
{
    struct kill_job **list = pool_set_kills(w);

    while (*list) {
        struct bconn *side = (*list)->side;

        /* The KILL, its only command, is part of the job that goes now; the connection goes when its worker turns again. */
        if ((*list)->cmd.conn) {
            side->first = side->last = NULL;
            side->n_queued = side->n_barriers = 0;
        }
        kill_done(*list, "shutdown");
    }
}
