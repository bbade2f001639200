/* MySQL's packets: frames, replies, login. Commands with parameters are in paramcodec.c, rows in rowtext.c and
 * rowbin.c.
 *
 * All parsers read through a struct rd, a cursor that becomes bad when something would reach over the end; its
 * result is tested once at the end of a parser. */
#include "net/packet.h"

#include "net/packet-int.h"
#include "util/strbuf.h"

const char *packet_com_name(unsigned com)
{
    static const char *const names[] = {
        [PCOM_SLEEP] = "COM_SLEEP",
        [PCOM_QUIT] = "COM_QUIT",
        [PCOM_INIT_DB] = "COM_INIT_DB",
        [PCOM_QUERY] = "COM_QUERY",
        [PCOM_FIELD_LIST] = "COM_FIELD_LIST",
        [PCOM_CREATE_DB] = "COM_CREATE_DB",
        [PCOM_DROP_DB] = "COM_DROP_DB",
        [PCOM_REFRESH] = "COM_REFRESH",
        [PCOM_SHUTDOWN] = "COM_SHUTDOWN",
        [PCOM_STATISTICS] = "COM_STATISTICS",
        [PCOM_PROCESS_INFO] = "COM_PROCESS_INFO",
        [PCOM_CONNECT] = "COM_CONNECT",
        [PCOM_PROCESS_KILL] = "COM_PROCESS_KILL",
        [PCOM_DEBUG] = "COM_DEBUG",
        [PCOM_PING] = "COM_PING",
        [PCOM_CHANGE_USER] = "COM_CHANGE_USER",
        [PCOM_BINLOG_DUMP] = "COM_BINLOG_DUMP",
        [PCOM_STMT_PREPARE] = "COM_STMT_PREPARE",
        [PCOM_STMT_EXECUTE] = "COM_STMT_EXECUTE",
        [PCOM_STMT_SEND_LONG_DATA] = "COM_STMT_SEND_LONG_DATA",
        [PCOM_STMT_CLOSE] = "COM_STMT_CLOSE",
        [PCOM_STMT_RESET] = "COM_STMT_RESET",
        [PCOM_SET_OPTION] = "COM_SET_OPTION",
        [PCOM_STMT_FETCH] = "COM_STMT_FETCH",
        [PCOM_RESET_CONNECTION] = "COM_RESET_CONNECTION",
    };

    return com < ARRAY_LEN(names) && names[com] ? names[com] : "unknown";
}

/* --- frames --- */

bool framer_scan(struct framer *f, const unsigned char *p, size_t n, size_t *pos, struct framer_start *s)
{
    for (;;) {
        size_t k = MIN((size_t)f->left, n - *pos);
        uint32_t len;

        f->left -= (uint32_t)k;
        *pos += k;
        if (f->left || n - *pos < PACKET_HEADER_BYTES)
            return false;
        len = get_u24(p + *pos);
        if (f->continued) {
            f->left = len;
            f->continued = len == PACKET_FRAME_MAX;
            *pos += PACKET_HEADER_BYTES;
            continue;
        }
        if (len && n - *pos == PACKET_HEADER_BYTES)
            return false; /* the first byte of the payload tells what it is */
        *s = (struct framer_start){len, p[*pos + 3], len ? p[*pos + PACKET_HEADER_BYTES] : -1};
        return true;
    }
}

/* --- OK, EOF, ERR --- */

bool packet_ok_parse(const unsigned char *p, size_t n, uint64_t caps, struct packet_ok *ok)
{
    struct rd r = {p, p + n, false};
    uint8_t header = rd_u8(&r);

    *ok = (struct packet_ok){0};
    if (header != 0x00 && header != 0xfe)
        return false;
    ok->affected_rows = rd_lenenc(&r);
    ok->insert_id = rd_lenenc(&r);
    ok->status = rd_u16(&r);
    ok->warnings = rd_u16(&r);
    if (r.bad)
        return false;
    /* The documentation has the text up to the packet's end where CLIENT_SESSION_TRACK is missing; every server
     * sends, and every client library reads, a length in front of it either way. */
    if (r.p < r.end)
        ok->info = rd_lenenc_sv(&r);
    if ((caps & CAP_SESSION_TRACK) && (ok->status & STATUS_SESSION_CHANGED))
        ok->track = rd_lenenc_sv(&r);
    return !r.bad;
}

size_t packet_ok_size(const struct packet_ok *ok)
{
    return 1 + 9 + 9 + 4 + 9 + ok->info.len + 9 + ok->track.len;
}

unsigned char *packet_ok_encode(unsigned char *p, const struct packet_ok *ok, uint8_t header, uint64_t caps)
{
    bool track = (caps & CAP_SESSION_TRACK) && ok->track.len;
    /* The flag says that a block follows, so it must not come without one. */
    uint16_t status = track ? ok->status | STATUS_SESSION_CHANGED : ok->status & (uint16_t)~STATUS_SESSION_CHANGED;

    *p++ = header;
    p = put_lenenc(p, ok->affected_rows);
    p = put_lenenc(p, ok->insert_id);
    put_u16(p, status);
    put_u16(p + 2, ok->warnings);
    p += 4;
    if (ok->info.len || track)
        p = put_lenenc_sv(p, ok->info);
    if (track)
        p = put_lenenc_sv(p, ok->track);
    return p;
}

bool packet_eof_parse(const unsigned char *p, size_t n, struct packet_ok *ok)
{
    *ok = (struct packet_ok){0};
    if (n < 1 || p[0] != 0xfe || n >= 9)
        return false;
    if (n >= 5) {
        ok->warnings = get_u16(p + 1);
        ok->status = get_u16(p + 3);
    }
    return true;
}

bool packet_track_next(struct sv *rest, struct packet_track *t)
{
    struct rd r = rd_of(*rest), in;
    struct sv data;

    *t = (struct packet_track){0};
    if (rest->len == 0)
        return false;
    t->type = rd_u8(&r);
    data = rd_lenenc_sv(&r);
    if (r.bad)
        return false;
    in = rd_of(data);
    switch (t->type) {
    case TRACK_SYSVAR:
        t->name = rd_lenenc_sv(&in);
        t->value = rd_lenenc_sv(&in);
        break;
    case TRACK_SCHEMA:
    case TRACK_CHANGED:
    case TRACK_TRX_CHARS:
    case TRACK_TRX_STATE:
        t->value = rd_lenenc_sv(&in);
        break;
    case TRACK_GTIDS:
        rd_u8(&in); /* encoding specification */
        t->value = rd_lenenc_sv(&in);
        break;
    default:
        t->value = data;
        break;
    }
    if (in.bad)
        return false;
    *rest = sv_make((const char *)r.p, (size_t)(r.end - r.p));
    return true;
}

static void put_lenenc_buf(struct strbuf *b, struct sv s)
{
    unsigned char head[9];

    strbuf_put(b, head, (size_t)(put_lenenc(head, s.len) - head));
    strbuf_putsv(b, s);
}

void packet_track_put(struct strbuf *b, const struct packet_track *t)
{
    size_t inner = lenenc_size(t->value.len) + t->value.len;
    unsigned char head[9];

    if (t->type == TRACK_SYSVAR)
        inner += lenenc_size(t->name.len) + t->name.len;
    else if (t->type == TRACK_GTIDS)
        inner++;
    strbuf_putc(b, (char)t->type);
    strbuf_put(b, head, (size_t)(put_lenenc(head, inner) - head));
    if (t->type == TRACK_SYSVAR)
        put_lenenc_buf(b, t->name);
    else if (t->type == TRACK_GTIDS)
        strbuf_putc(b, '\0');
    put_lenenc_buf(b, t->value);
}

bool packet_err_parse(const unsigned char *p, size_t n, struct packet_err *e)
{
    struct rd r = {p, p + n, false};

    *e = (struct packet_err){.sqlstate = "HY000"};
    if (rd_u8(&r) != 0xff)
        return false;
    e->code = rd_u16(&r);
    /* Before the login is through (1040, 1129, ...) servers leave the SQLSTATE out. */
    if (r.end - r.p >= 6 && r.p[0] == '#') {
        memcpy(e->sqlstate, r.p + 1, 5);
        r.p += 6;
    }
    e->text = rd_rest(&r);
    return !r.bad;
}

size_t packet_err_size(struct sv text)
{
    return 9 + text.len;
}

unsigned char *packet_err_encode(unsigned char *p, uint16_t code, const char *sqlstate, struct sv text)
{
    *p++ = 0xff;
    put_u16(p, code);
    p[2] = '#';
    memcpy(p + 3, sqlstate, 5);
    return put_sv(p + 8, text);
}

/* --- columns --- */

bool packet_coldef_parse(const unsigned char *p, size_t n, struct packet_coldef *c)
{
    struct rd r = {p, p + n, false};
    struct sv fixed;
    struct rd f;

    *c = (struct packet_coldef){0};
    c->catalog = rd_lenenc_sv(&r);
    c->schema = rd_lenenc_sv(&r);
    c->table = rd_lenenc_sv(&r);
    c->org_table = rd_lenenc_sv(&r);
    c->name = rd_lenenc_sv(&r);
    c->org_name = rd_lenenc_sv(&r);
    fixed = rd_lenenc_sv(&r);
    if (r.bad)
        return false;
    f = rd_of(fixed);
    c->charset = rd_u16(&f);
    c->length = rd_u32(&f);
    c->type = rd_u8(&f);
    c->flags = rd_u16(&f);
    c->decimals = rd_u8(&f);
    if (f.bad)
        return false;
    if (r.p < r.end && *r.p == 0xfb)
        return true; /* COM_FIELD_LIST: the default is NULL */
    if (r.p < r.end)
        c->def_value = rd_lenenc_sv(&r);
    return !r.bad;
}

size_t packet_coldef_size(const struct packet_coldef *c)
{
    return c->catalog.len + c->schema.len + c->table.len + c->org_table.len + c->name.len + c->org_name.len +
           c->def_value.len + 8 * 9 + 13;
}

unsigned char *packet_coldef_encode(unsigned char *p, const struct packet_coldef *c)
{
    p = put_lenenc_sv(p, c->catalog.len ? c->catalog : SV("def"));
    p = put_lenenc_sv(p, c->schema);
    p = put_lenenc_sv(p, c->table);
    p = put_lenenc_sv(p, c->org_table);
    p = put_lenenc_sv(p, c->name);
    p = put_lenenc_sv(p, c->org_name);
    *p++ = 12;
    put_u16(p, c->charset);
    put_u32(p + 2, c->length);
    p[6] = c->type;
    put_u16(p + 7, c->flags);
    p[9] = c->decimals;
    put_u16(p + 10, 0);
    p += 12;
    if (c->def_value.ptr)
        p = put_lenenc_sv(p, c->def_value);
    return p;
}

void packet_coldef_copy(struct arena *a, struct packet_coldef *to, const struct packet_coldef *from)
{
    *to = *from;
    to->catalog = arena_dup(a, from->catalog);
    to->schema = arena_dup(a, from->schema);
    to->table = arena_dup(a, from->table);
    to->org_table = arena_dup(a, from->org_table);
    to->name = arena_dup(a, from->name);
    to->org_name = arena_dup(a, from->org_name);
    if (from->def_value.ptr)
        to->def_value = arena_dup(a, from->def_value);
}

bool packet_prepare_ok_parse(const unsigned char *p, size_t n, struct packet_prepare_ok *ok)
{
    struct rd r = {p, p + n, false};

    *ok = (struct packet_prepare_ok){0};
    if (rd_u8(&r) != 0)
        return false;
    ok->stmt_id = rd_u32(&r);
    ok->columns = rd_u16(&r);
    ok->params = rd_u16(&r);
    if (r.end - r.p >= 3) {
        rd_u8(&r);
        ok->warnings = rd_u16(&r);
    }
    return !r.bad;
}

unsigned char *packet_prepare_ok_encode(unsigned char *p, const struct packet_prepare_ok *ok)
{
    p[0] = 0;
    put_u32(p + 1, ok->stmt_id);
    put_u16(p + 5, ok->columns);
    put_u16(p + 7, ok->params);
    p[9] = 0;
    put_u16(p + 10, ok->warnings);
    return p + PACKET_PREPARE_OK_BYTES;
}

/* --- login --- */

bool packet_greeting_parse(const unsigned char *p, size_t n, struct packet_greeting *g, struct packet_err *err)
{
    struct rd r = {p, p + n, false};
    unsigned data_len;
    size_t part2;

    *g = (struct packet_greeting){0};
    *err = (struct packet_err){0};
    if (n && p[0] == 0xff) {
        if (!packet_err_parse(p, n, err))
            err->code = 0;
        return false;
    }
    if (rd_u8(&r) != 10)
        return false;
    g->version = rd_cstr(&r);
    g->conn_id = rd_u32(&r);
    rd_bytes(&r, g->nonce, 8);
    rd_u8(&r);
    g->caps = rd_u16(&r);
    if (r.bad || r.p == r.end)
        return false; /* no protocol 4.1 without the rest */
    g->charset = rd_u8(&r);
    g->status = rd_u16(&r);
    g->caps |= (uint64_t)rd_u16(&r) << 16;
    data_len = rd_u8(&r);
    rd_skip(&r, 10);
    part2 = data_len > 8 ? MAX(data_len - 8u, 13u) : 13;
    if (r.bad || (size_t)(r.end - r.p) < 12)
        return false;
    memcpy(g->nonce + 8, r.p, 12);
    rd_skip(&r, MIN(part2, (size_t)(r.end - r.p)));
    if (g->caps & CAP_PLUGIN_AUTH) {
        const unsigned char *nul = r.p < r.end ? memchr(r.p, 0, (size_t)(r.end - r.p)) : NULL;

        /* Some old servers do not end the name. */
        g->plugin = sv_make((const char *)r.p, (size_t)((nul ? nul : r.end) - r.p));
    }
    return !r.bad;
}

size_t packet_greeting_size(const struct packet_greeting *g)
{
    return g->version.len + g->plugin.len + 64;
}

unsigned char *packet_greeting_encode(unsigned char *p, const struct packet_greeting *g)
{
    *p++ = 10;
    p = put_sv(p, g->version);
    *p++ = 0;
    put_u32(p, g->conn_id);
    memcpy(p + 4, g->nonce, 8);
    p[12] = 0;
    put_u16(p + 13, (uint16_t)g->caps);
    p[15] = g->charset;
    put_u16(p + 16, g->status);
    put_u16(p + 18, (uint16_t)(g->caps >> 16));
    p[20] = PACKET_NONCE_BYTES + 1;
    memset(p + 21, 0, 10);
    memcpy(p + 31, g->nonce + 8, 12);
    p[43] = 0;
    p = put_sv(p + 44, g->plugin);
    *p++ = 0;
    return p;
}

bool packet_login_parse(const unsigned char *p, size_t n, struct packet_login *l)
{
    struct rd r = {p, p + n, false};

    *l = (struct packet_login){0};
    l->caps = rd_u32(&r);
    if (r.bad || !(l->caps & CAP_PROTOCOL_41))
        return false; /* the form before 4.1 */
    l->max_packet = rd_u32(&r);
    l->charset = rd_u8(&r);
    rd_skip(&r, 23);
    if (r.bad)
        return false;
    if (r.p == r.end && (l->caps & CAP_SSL)) {
        l->is_ssl_request = true;
        return true;
    }
    l->user = rd_cstr(&r);
    if (l->caps & CAP_PLUGIN_AUTH_LENENC) {
        l->auth = rd_lenenc_sv(&r);
    } else if (l->caps & CAP_SECURE_CONNECTION) {
        l->auth = rd_sv(&r, rd_u8(&r));
    } else {
        l->auth = rd_cstr(&r);
    }
    /* Clients were seen that announce a schema and send none. */
    if ((l->caps & CAP_CONNECT_WITH_DB) && r.p < r.end)
        l->db = rd_cstr(&r);
    if ((l->caps & CAP_PLUGIN_AUTH) && r.p < r.end)
        l->plugin = rd_cstr_or_rest(&r);
    if ((l->caps & CAP_CONNECT_ATTRS) && r.p < r.end)
        l->attrs = rd_lenenc_sv(&r);
    if ((l->caps & CAP_ZSTD) && r.p < r.end)
        l->zstd_level = rd_u8(&r);
    return !r.bad;
}

size_t packet_login_size(const struct packet_login *l)
{
    return 32 + l->user.len + l->auth.len + l->db.len + l->plugin.len + l->attrs.len + 32;
}

unsigned char *packet_login_encode(unsigned char *p, const struct packet_login *l)
{
    put_u32(p, (uint32_t)l->caps);
    put_u32(p + 4, l->max_packet);
    p[8] = l->charset;
    memset(p + 9, 0, 23);
    p += 32;
    if (l->is_ssl_request)
        return p;
    p = put_sv(p, l->user);
    *p++ = 0;
    if (l->caps & CAP_PLUGIN_AUTH_LENENC) {
        p = put_lenenc_sv(p, l->auth);
    } else if (l->caps & CAP_SECURE_CONNECTION) {
        ASSERT(l->auth.len < 256);
        *p++ = (unsigned char)l->auth.len;
        p = put_sv(p, l->auth);
    } else {
        p = put_sv(p, l->auth);
        *p++ = 0;
    }
    if (l->caps & CAP_CONNECT_WITH_DB) {
        p = put_sv(p, l->db);
        *p++ = 0;
    }
    if (l->caps & CAP_PLUGIN_AUTH) {
        p = put_sv(p, l->plugin);
        *p++ = 0;
    }
    if (l->caps & CAP_CONNECT_ATTRS)
        p = put_lenenc_sv(p, l->attrs);
    if (l->caps & CAP_ZSTD)
        *p++ = l->zstd_level;
    return p;
}

bool packet_attr_next(struct sv *rest, struct sv *key, struct sv *value)
{
    struct rd r = rd_of(*rest);

    if (rest->len == 0)
        return false;
    *key = rd_lenenc_sv(&r);
    *value = rd_lenenc_sv(&r);
    if (r.bad)
        return false;
    *rest = sv_make((const char *)r.p, (size_t)(r.end - r.p));
    return true;
}

void packet_attr_put(struct strbuf *b, struct sv key, struct sv value)
{
    put_lenenc_buf(b, key);
    put_lenenc_buf(b, value);
}

bool packet_auth_switch_parse(const unsigned char *p, size_t n, struct sv *plugin, struct sv *data)
{
    struct rd r = {p, p + n, false};

    if (rd_u8(&r) != 0xfe)
        return false;
    if (n == 1) {
        /* "Protocol::OldAuthSwitchRequest" */
        *plugin = SV("mysql_old_password");
        *data = SV_NULL;
        return true;
    }
    *plugin = rd_cstr(&r);
    *data = rd_rest(&r);
    /* The nonce is sent with a NUL behind it. */
    if (data->len && data->ptr[data->len - 1] == '\0')
        data->len--;
    return !r.bad;
}

size_t packet_auth_switch_size(struct sv plugin, struct sv data)
{
    return plugin.len + data.len + 3;
}

unsigned char *packet_auth_switch_encode(unsigned char *p, struct sv plugin, struct sv data)
{
    *p++ = 0xfe;
    p = put_sv(p, plugin);
    *p++ = 0;
    p = put_sv(p, data);
    *p++ = 0;
    return p;
}

bool packet_change_user_parse(const unsigned char *p, size_t n, uint64_t caps, struct packet_login *l)
{
    struct rd r = {p, p + n, false};

    *l = (struct packet_login){.caps = caps};
    if (rd_u8(&r) != PCOM_CHANGE_USER)
        return false;
    l->user = rd_cstr(&r);
    if (caps & CAP_SECURE_CONNECTION)
        l->auth = rd_sv(&r, rd_u8(&r));
    else
        l->auth = rd_cstr(&r);
    l->db = rd_cstr(&r);
    if (r.p < r.end) {
        l->charset = rd_u8(&r);
        if (r.p < r.end)
            rd_u8(&r);
    }
    if ((caps & CAP_PLUGIN_AUTH) && r.p < r.end)
        l->plugin = rd_cstr_or_rest(&r);
    if ((caps & CAP_CONNECT_ATTRS) && r.p < r.end)
        l->attrs = rd_lenenc_sv(&r);
    return !r.bad;
}
