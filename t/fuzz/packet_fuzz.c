/* Fuzz target of the packet codec. First byte of the input: what is tried with the rest.
 *   0  the framer: any way of cutting the bytes gives the same packets as one piece
 *   1  a server's packets as a client reads them: greeting, login dialogue, OK, ERR, definitions
 *   2  a client's packets as a server reads them: handshake response, login dialogue, COM_QUERY, COM_STMT_EXECUTE, ...
 *   3  rows: text and binary; what decodes is encoded again and must decode to the same
 * What was parsed is encoded again where there is an encoder, and must parse to the same. */
#include "net/auth.h"
#include "net/packet.h"
#include "util/strbuf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned hash_of(unsigned h, size_t v)
{
    return (h ^ (unsigned)v) * 16777619u;
}

/* Number and places of packets, when the input is shown in pieces whose lengths come from `cuts`. */
static unsigned walk(const unsigned char *p, size_t n, uint32_t cuts, unsigned *packets)
{
    struct framer f = {0};
    struct framer_start s;
    size_t at = 0, have = cuts ? 0 : n;
    unsigned h = 2166136261u;

    *packets = 0;
    for (;;) {
        size_t pos = 0;

        while (framer_scan(&f, p + at, have - at, &pos, &s)) {
            h = hash_of(hash_of(hash_of(h, at + pos), s.len), (size_t)(s.first + 1));
            (*packets)++;
            framer_enter(&f, &s, &pos);
        }
        CHECK(have - at - pos <= PACKET_HEADER_BYTES);
        at += pos;
        if (have == n)
            return hash_of(h, at);
        cuts = cuts * 1664525 + 1013904223;
        have = MIN(n, have + 1 + (cuts >> 24) % 13);
    }
}

static void try_framer(const unsigned char *p, size_t n)
{
    unsigned one, many, h = walk(p, n, 0, &one);

    for (uint32_t i = 1; i < 6; i++) {
        CHECK(walk(p, n, i * 77, &many) == h);
        CHECK(one == many);
    }
}

static bool ok_same(const struct packet_ok *a, const struct packet_ok *b)
{
    return a->affected_rows == b->affected_rows && a->insert_id == b->insert_id && a->warnings == b->warnings &&
           sv_eq(a->info, b->info) && sv_eq(a->track, b->track);
}

static void try_ok(const unsigned char *p, size_t n, uint64_t caps)
{
    struct packet_ok ok, again;
    struct packet_track t;
    unsigned char *buf, *end;

    if (!packet_ok_parse(p, n, caps, &ok))
        return;
    for (struct sv rest = ok.track; packet_track_next(&rest, &t);)
        continue;
    buf = malloc(packet_ok_size(&ok));
    end = packet_ok_encode(buf, &ok, p[0], caps);
    CHECK((size_t)(end - buf) <= packet_ok_size(&ok));
    CHECK(packet_ok_parse(buf, (size_t)(end - buf), caps, &again) && ok_same(&ok, &again));
    free(buf);
}

static void try_server_packets(const unsigned char *p, size_t n)
{
    struct packet_greeting g, g2;
    struct packet_err err;
    struct packet_coldef c, c2;
    struct packet_ok ok;
    struct packet_prepare_ok prep;
    struct auth_client a;
    struct diag d = {0};
    unsigned char *buf, *end;

    if (packet_greeting_parse(p, n, &g, &err)) {
        buf = malloc(packet_greeting_size(&g));
        end = packet_greeting_encode(buf, &g);
        CHECK((size_t)(end - buf) <= packet_greeting_size(&g));
        if (g.caps & CAP_PLUGIN_AUTH)
            CHECK(packet_greeting_parse(buf, (size_t)(end - buf), &g2, &err) && sv_eq(g.plugin, g2.plugin) &&
                  sv_eq(g.version, g2.version) && g.caps == g2.caps);
        auth_client_init(&a, g.plugin, g.nonce, SV("secret"), false);
        free(buf);
    } else {
        static const unsigned char nonce[PACKET_NONCE_BYTES] = "abcdefghijklmnopqrst";

        auth_client_init(&a, SV("caching_sha2_password"), nonce, SV("secret"), n % 2);
    }
    if (auth_client_feed(&a, p, n, &d) == AUTH_SEND)
        CHECK(a.out_len <= sizeof(a.out));
    try_ok(p, n, 0);
    try_ok(p, n, CAP_SESSION_TRACK);
    if (packet_eof_parse(p, n, &ok))
        CHECK(n < 9);
    if (packet_prepare_ok_parse(p, n, &prep)) {
        unsigned char b[PACKET_PREPARE_OK_BYTES];

        packet_prepare_ok_encode(b, &prep);
    }
    if (packet_coldef_parse(p, n, &c)) {
        buf = malloc(packet_coldef_size(&c));
        end = packet_coldef_encode(buf, &c);
        CHECK((size_t)(end - buf) <= packet_coldef_size(&c));
        CHECK(packet_coldef_parse(buf, (size_t)(end - buf), &c2) && sv_eq(c.org_name, c2.org_name) &&
              c.length == c2.length && c.type == c2.type);
        free(buf);
    }
}

static void try_client_packets(const unsigned char *p, size_t n)
{
    static const unsigned char nonce[PACKET_NONCE_BYTES] = "abcdefghijklmnopqrst";
    struct packet_login l, l2;
    struct packet_query q;
    struct packet_execute e;
    struct auth_server *s = malloc(sizeof(*s));
    struct sv key, value;
    struct diag d = {0};
    struct arena a;
    unsigned char types[32] = {WIRE_LONGLONG, 0, WIRE_VAR_STRING, 0, WIRE_DATETIME, 0, WIRE_TIME, 0};

    arena_init(&a, 0);
    auth_server_init(s, nonce, n % 2);
    if (packet_login_parse(p, n, &l) && !l.is_ssl_request) {
        unsigned char *buf = malloc(packet_login_size(&l)), *end;

        for (struct sv rest = l.attrs; packet_attr_next(&rest, &key, &value);)
            continue;
        if (l.auth.len < 256 || (l.caps & CAP_PLUGIN_AUTH_LENENC)) {
            end = packet_login_encode(buf, &l);
            CHECK((size_t)(end - buf) <= packet_login_size(&l));
            CHECK(packet_login_parse(buf, (size_t)(end - buf), &l2) && sv_eq(l.user, l2.user) &&
                  sv_eq(l.auth, l2.auth) && sv_eq(l.db, l2.db));
        }
        free(buf);
        CHECK(auth_server_start(s, l.user, SV("*2470C0C06DEE42FD1618BB99005ADCA2EC9D1E19"), l.plugin, l.auth, &d) !=
              AUTH_OK);
    } else {
        s->state = n % 3 ? AUTH_S_SWITCHED : AUTH_S_SHA2_FULL;
        s->plugin = n % 2 ? AUTH_NATIVE : AUTH_SHA2;
        CHECK(auth_server_feed(s, p, n, &d) != AUTH_OK);
    }
    if (packet_change_user_parse(p, n, CAP_PLUGIN_AUTH | CAP_SECURE_CONNECTION | CAP_CONNECT_ATTRS, &l))
        CHECK(l.user.len < n);
    for (int attrs = 0; attrs < 2; attrs++) {
        uint64_t caps = attrs ? CAP_QUERY_ATTRIBUTES : 0;
        struct wire_value v;
        char buf[WIRE_TEXT_MAX];

        if (packet_query_parse(p, n, caps, &a, &q)) {
            for (uint32_t i = 0; i < q.n_params; i++) {
                if (wire_param_value(&q.params[i], &v))
                    CHECK(v.kind == WIRE_KIND_BYTES || wire_value_text(&v, 31, buf).len <= sizeof(buf));
            }
        }
        for (uint32_t n_params = 0; n_params < 5; n_params += 2) {
            if (!packet_execute_parse(p, n, caps, n_params, types, NULL, &a, &e) || attrs || !e.params)
                continue;
            /* Built again, it says the same. */
            struct strbuf b;
            struct packet_execute e2;

            strbuf_init(&b, &a);
            packet_execute_build(&b, e.stmt_id, e.flags, e.params, n_params);
            CHECK(packet_execute_parse((unsigned char *)b.ptr, b.len, 0, n_params, types, NULL, &a, &e2));
            for (uint32_t i = 0; i < n_params; i++) {
                CHECK(e2.params[i].is_null == e.params[i].is_null && sv_eq(e2.params[i].bytes, e.params[i].bytes));
                if (wire_param_value(&e.params[i], &v))
                    CHECK(v.kind == WIRE_KIND_BYTES || wire_value_text(&v, 6, buf).len <= sizeof(buf));
            }
        }
    }
    arena_free(&a);
    free(s);
}

static void try_rows(const unsigned char *p, size_t n)
{
    static const uint8_t types[] = {WIRE_TINY,  WIRE_SHORT,     WIRE_LONG,       WIRE_LONGLONG,
                                    WIRE_FLOAT, WIRE_DOUBLE,    WIRE_DATE,       WIRE_DATETIME,
                                    WIRE_TIME,  WIRE_TIMESTAMP, WIRE_NEWDECIMAL, WIRE_VAR_STRING,
                                    WIRE_BLOB,  WIRE_JSON,      WIRE_YEAR,       WIRE_BIT};
    struct sv values[9], again[9];
    struct packet_coldef cols[8] = {0};
    struct wire_value v[8];
    size_t n_cols;

    if (n < 9)
        return;
    n_cols = 1 + p[0] % 8;
    for (size_t i = 0; i < n_cols; i++) {
        cols[i].type = types[p[1 + i] % ARRAY_LEN(types)];
        cols[i].flags = p[1 + i] & 0x80 ? WIRE_FLAG_UNSIGNED : 0;
    }
    p += 9;
    n -= 9;
    if (rowtext_decode(p, n, values, n_cols)) {
        size_t size = rowtext_size(values, n_cols);
        unsigned char *buf = malloc(size + 1), *end = rowtext_encode(buf, values, n_cols);

        CHECK((size_t)(end - buf) == size && rowtext_decode(buf, size, again, n_cols));
        for (size_t i = 0; i < n_cols; i++)
            CHECK(sv_eq(values[i], again[i]) && !values[i].ptr == !again[i].ptr);
        free(buf);
        buf = malloc(rowbin_size(cols, values, n_cols));
        end = rowbin_from_text(buf, cols, values, n_cols);
        if (end) {
            CHECK((size_t)(end - buf) <= rowbin_size(cols, values, n_cols));
            /* Times out of their range do not come from a server; they need not decode. */
            if (!rowbin_decode(buf, (size_t)(end - buf), cols, n_cols, v))
                v[0].kind = WIRE_KIND_NULL;
        }
        free(buf);
    }
    if (rowbin_decode(p, n, cols, n_cols, v)) {
        char text[8][WIRE_TEXT_MAX];
        unsigned char *buf;

        for (size_t i = 0; i < n_cols; i++) {
            values[i] = wire_value_text(&v[i], 31, text[i]);
            CHECK(v[i].kind == WIRE_KIND_BYTES || values[i].len <= WIRE_TEXT_MAX);
        }
        buf = malloc(rowbin_size(cols, values, n_cols));
        CHECK(rowbin_from_text(buf, cols, values, n_cols) != NULL);
        free(buf);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char *copy;

    if (size < 1)
        return 0;
    /* Of its own, so that one byte too far is seen. */
    copy = malloc(size);
    memcpy(copy, data + 1, size - 1);
    copy = realloc(copy, size > 1 ? size - 1 : 1);
    switch (data[0] % 4) {
    case 0:
        try_framer(copy, size - 1);
        break;
    case 1:
        try_server_packets(copy, size - 1);
        break;
    case 2:
        try_client_packets(copy, size - 1);
        break;
    default:
        try_rows(copy, size - 1);
        break;
    }
    free(copy);
    return 0;
}
