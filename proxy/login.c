/* Login: greeting, optional TLS, authentication, default schema. What a client does wrong here ends its connection with
 * MySQL's error where the protocol has one; nothing of it reaches a shard.
 *
 * Source: "Connection Phase" of MySQL's client/server protocol documentation. */
#include "proxy/session.h"

#include "catalog/snapshot.h"
#include "conf/conf.h"
#include "net/auth.h"
#include "proxy/command.h"
#include "proxy/proxy.h"
#include "proxy/users.h"
#include "types/coll.h"
#include "util/log.h"

enum { LOGIN_PACKET_MAX = 64 * 1024 };

static const uint64_t server_caps = CAP_LONG_PASSWORD | CAP_FOUND_ROWS | CAP_LONG_FLAG | CAP_CONNECT_WITH_DB |
    CAP_NO_SCHEMA | CAP_ODBC | CAP_IGNORE_SPACE | CAP_PROTOCOL_41 | CAP_INTERACTIVE | CAP_IGNORE_SIGPIPE |
    CAP_TRANSACTIONS | CAP_RESERVED | CAP_SECURE_CONNECTION | CAP_MULTI_STATEMENTS | CAP_MULTI_RESULTS |
    CAP_PS_MULTI_RESULTS | CAP_SESSION_TRACK | CAP_PLUGIN_AUTH | CAP_CONNECT_ATTRS | CAP_PLUGIN_AUTH_LENENC | CAP_DEPRECATE_EOF |
    CAP_QUERY_ATTRIBUTES;

void login_start(struct session *s)
{
    struct packet_greeting g = {
        .version = sv_cstr(s->proxy->greeting_version),
        .conn_id = s->id,
        .caps = server_caps | (s->proxy->tls ? CAP_SSL : 0),
        .charset = s->proxy->charset_id,
        .status = STATUS_AUTOCOMMIT,
        .plugin = auth_plugin_name(s->proxy->is_mariadb ? AUTH_NATIVE : AUTH_SHA2),
    };
    unsigned char buf[256];
    unsigned char *end;

    auth_make_nonce(s->nonce);
    memcpy(g.nonce, s->nonce, sizeof(g.nonce));
    s->auth = xcalloc(1, sizeof(*s->auth));
    auth_server_init(s->auth, g.nonce, false);
    CHECK(packet_greeting_size(&g) <= sizeof(buf));
    end = packet_greeting_encode(buf, &g);
    chan_reset_seq(&s->chan);
    chan_put_packet(&s->chan, buf, (size_t)(end - buf));
}

static void refuse(struct session *s, const struct diag *d)
{
    chan_put_err(&s->chan, d->code, d->sqlstate, sv_cstr(d->text));
    session_end(s, true);
}

static void deny(struct session *s)
{
    struct diag d = {0};

    diag_set(&d, ER_ACCESS_DENIED_ERROR, s->user, s->host, s->auth->used_password ? "YES" : "NO");
    log_info(LOG_SESSION, "login refused: %s", d.text);
    refuse(s, &d);
}

static void accepted(struct session *s)
{
    struct diag d = {0};
    struct packet_ok ok = {.status = session_status(s)};

    const struct collation *c = session_handshake_collation(s);

    xfree(s->auth);
    s->auth = NULL;
    if (c && !session_reads_charset(sv_cstr(c->charset_name))) {
        diag_setf(&d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support 'character_set_client = %s'", c->charset_name);
        refuse(s, &d);
        return;
    }
    if (s->collation_id != s->proxy->charset_id)
        session_apply_charset(s);
    if (s->login_db) {
        bool found = session_set_db(s, sv_cstr(s->login_db), &d);

        xfree(s->login_db);
        s->login_db = NULL;
        if (!found) {
            refuse(s, &d);
            return;
        }
    }
    s->schema_changed = false; /* it asked for it itself */
    chan_put_ok(&s->chan, &ok, s->caps);
    chan_set_timeout(&s->chan, 0);
    session_set_state(s, SESSION_READY);
}

static void on_step(struct session *s, enum auth_step step, const struct diag *d)
{
    switch (step) {
    case AUTH_SEND:
        chan_put_packet(&s->chan, s->auth->out, s->auth->out_len);
        return;
    case AUTH_WAIT:
        return;
    case AUTH_SEND_OK:
        chan_put_packet(&s->chan, s->auth->out, s->auth->out_len);
        accepted(s);
        return;
    case AUTH_OK:
        accepted(s);
        return;
    case AUTH_DENIED:
        deny(s);
        return;
    case AUTH_BROKEN:
        refuse(s, d);
        return;
    }
}

/* Takes user, schema and flags from the login packet and starts authentication. */
static void take_login(struct session *s, const struct packet_login *l)
{
    const struct conf *conf = atomic_load_explicit(&s->proxy->conf, memory_order_acquire);
    struct diag d = {0};
    struct sv secret;
    size_t n = MIN(l->user.len, sizeof(s->user) - 1);

    s->caps = l->caps & (server_caps | CAP_SSL);
    s->collation_id = l->charset;
    if (n)
        memcpy(s->user, l->user.ptr, n);
    s->user[n] = '\0';
    s->multi_statements = (s->caps & CAP_MULTI_STATEMENTS) != 0;
    if ((l->caps & CAP_CONNECT_WITH_DB) && l->db.len) {
        s->login_db = xmalloc(l->db.len + 1);
        memcpy(s->login_db, l->db.ptr, l->db.len);
        s->login_db[l->db.len] = '\0';
    }
    if (s->state == SESSION_GREETED)
        session_set_state(s, SESSION_AUTH);
    if (conf->listen.tls.required && !s->is_tls && !s->is_unix) {
        diag_set(&d, ER_SECURE_TRANSPORT_REQUIRED);
        log_info(LOG_SESSION, "login of '%s'@'%s' refused: no TLS", s->user, s->host);
        refuse(s, &d);
        return;
    }
    secret = users_secret(s, sv_cstr(s->user));
    on_step(s, auth_server_start(s->auth, sv_cstr(s->user), secret, l->plugin, l->auth, &d), &d);
}

static void first_packet(struct session *s, const struct packet *packet)
{
    struct packet_login l;
    struct diag d = {0};
    struct arena a;
    struct sv p;

    /* A copy: consuming gives the channel's page away, and answers are numbered from the consumed packet on. */
    arena_init(&a, 0);
    p = arena_dup(&a, sv_make((const char *)packet->ptr, packet->len));
    chan_consume_packet(&s->chan, packet);
    if (!packet_login_parse((const unsigned char *)p.ptr, p.len, &l) || !(l.caps & CAP_PROTOCOL_41)) {
        diag_set(&d, ER_HANDSHAKE_ERROR);
        refuse(s, &d);
    } else if (!l.is_ssl_request) {
        take_login(s, &l);
    } else if (!s->proxy->tls || s->is_tls || !chan_start_tls(&s->chan, s->proxy->tls, true, NULL)) {
        diag_set(&d, ER_HANDSHAKE_ERROR);
        refuse(s, &d);
    } else {
        session_set_state(s, SESSION_TLS);
    }
    arena_free(&a);
}

void login_change_user(struct session *s)
{
    const struct packet *packet = &s->stmt->packet;
    struct packet_login l;
    struct arena a;
    struct sv p;
    bool parsed;

    arena_init(&a, 0);
    p = arena_dup(&a, sv_make((const char *)packet->ptr, packet->len)); /* the command's end consumes it */
    if (session_to_login(s)) {
        const struct conf *conf = atomic_load_explicit(&s->proxy->conf, memory_order_acquire);

        s->auth = xcalloc(1, sizeof(*s->auth));
        auth_server_init(s->auth, s->nonce, s->is_tls);
        chan_set_timeout(&s->chan, (uint64_t)conf->connect_timeout_ms);
        parsed = packet_change_user_parse((const unsigned char *)p.ptr, p.len, s->caps, &l);
        CHECK(parsed); /* as command.c has done */
        l.caps |= CAP_CONNECT_WITH_DB;
        if (!l.charset)
            l.charset = (uint8_t)s->collation_id;
        take_login(s, &l);
    }
    arena_free(&a);
}

void login_ready(struct session *s)
{
    s->is_tls = true;
    s->auth->is_secure = true;
    session_set_state(s, SESSION_GREETED);
}

void login_input(struct session *s)
{
    while (s->state == SESSION_GREETED || s->state == SESSION_AUTH) {
        struct diag d = {0};
        struct packet p;
        enum chan_peek got = chan_peek(&s->chan, &p);

        if (got == CHAN_PEEK_MORE) {
            if (chan_in_len(&s->chan) <= LOGIN_PACKET_MAX)
                return;
            got = CHAN_PEEK_TOO_LARGE;
        }
        if (got != CHAN_PEEK_PACKET || p.len > LOGIN_PACKET_MAX) {
            if (got == CHAN_PEEK_BAD_SEQ)
                diag_set(&d, ER_NET_PACKETS_OUT_OF_ORDER);
            else
                diag_set(&d, ER_HANDSHAKE_ERROR);
            refuse(s, &d);
            return;
        }
        if (s->state == SESSION_GREETED) {
            first_packet(s, &p);
        } else {
            enum auth_step step;

            /* Fed before it is consumed; the machine keeps no view of it. */
            step = auth_server_feed(s->auth, p.ptr, p.len, &d);
            chan_consume_packet(&s->chan, &p);
            on_step(s, step, &d);
        }
    }
}
