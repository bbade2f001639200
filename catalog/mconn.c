/* Control connections over libmysqlclient, in Oracle's or MariaDB's build. The two differ in a few
 * options only (TLS, the type of a boolean); everything else is their common interface of the 5.7
 * generation: no prepared statements, no non-blocking calls.
 *
 * A connection is `lost` once the library reports a client error that ends it; from then on every
 * call fails with the first reason until mconn_reconnect. Statements are never retried here: only
 * the caller knows what may be done twice.
 *
 * Results are read whole (mysql_store_result) and copied into the caller's arena, or row by row
 * (mysql_use_result) in mconn_each. */
#include "catalog/mconn.h"

#include "catalog/snapshot.h"
#include "util/clock.h"

#include <mysql.h>
#include <stdio.h>

#ifdef LIBMARIADB
typedef my_bool lib_bool;
#else
typedef bool lib_bool;
#endif

/* Errors of the client library: 2000 to 2999, and Connector/C's own from 5000 on. Servers have 3000 to 4999 (MySQL's newer
 * ones, MariaDB's). */
enum { ERR_CLIENT_MIN = 2000, ERR_CLIENT_MAX = 2999, ERR_CONNECTOR_MIN = 5000, ERR_CONNECTOR_MAX = 5999 };

enum {
    ERR_TLS = 2026,      /* CR_SSL_CONNECTION_ERROR */
    ERR_SHUTDOWN = 1053, /* ER_SERVER_SHUTDOWN */
    ERR_KILLED = 1927,   /* ER_CONNECTION_KILLED (MariaDB) */
    ERR_IDLE = 4031,     /* ER_CLIENT_INTERACTION_TIMEOUT */
    CONNECT_TIMEOUT_MS = 10000
};

struct mconn {
    MYSQL *my;
    struct mconn_params p; /* texts in arena */
    struct conf_tls_client tls;
    struct arena arena;
    bool lost, deciding, mariadb;
    uint32_t version;
    struct diag why; /* of the loss */
};

/* --- parameters --- */

void mconn_params_meta(struct mconn_params *p, const struct conf *c)
{
    *p = (struct mconn_params){
        .host = c->metadata.host,
        .port = (uint16_t)c->metadata.port,
        .user = c->metadata.user,
        .password = c->metadata.password,
        .tls = &c->metadata.tls,
        .connect_timeout_ms = (uint32_t)c->metadata.connect_timeout_ms,
        .what = SV("the metadata server"),
    };
}

void mconn_params_shard(struct mconn_params *p, const struct conf *c, const struct cat_shard *s)
{
    *p = (struct mconn_params){
        .host = s->host,
        .port = s->port,
        .user = s->user.len ? s->user : c->backend.user,
        .password = s->user.len ? s->password : c->backend.password,
        .tls = &c->backend.tls,
        .connect_timeout_ms = (uint32_t)c->pool.connect_timeout_ms,
        .what = s->name,
    };
}

static struct sv keep(struct mconn *c, struct sv s)
{
    return arena_dup(&c->arena, s);
}

bool mconn_library_begin(void)
{
    return mysql_library_init(0, NULL, NULL) == 0;
}

void mconn_library_end(void)
{
    mysql_library_end();
}

void mconn_thread_begin(void)
{
    mysql_thread_init();
}

void mconn_thread_end(void)
{
    mysql_thread_end();
}

/* --- errors --- */

static bool is_loss(unsigned code)
{
    if (code == ERR_SHUTDOWN || code == ERR_KILLED || code == ERR_IDLE)
        return true;
    /* Client errors that leave the connection usable: commands out of sync and the like would be errors of ours. */
    if (code >= ERR_CLIENT_MIN && code <= ERR_CLIENT_MAX)
        return true;
#ifdef LIBMARIADB
    return code >= ERR_CONNECTOR_MIN && code <= ERR_CONNECTOR_MAX;
#else
    return false;
#endif
}

static bool fail(struct mconn *c, struct diag *d)
{
    unsigned code = mysql_errno(c->my);
    struct sv text = sv_cstr(mysql_error(c->my));

    if (!is_loss(code))
        return diag_set_remote(d, (uint16_t)code, mysql_sqlstate(c->my), text);
    c->lost = true;
    diag_clear(&c->why);
    diag_setf(&c->why, CR_SERVER_LOST, "%.*s: %.*s (%u)", SV_ARG(c->p.what), SV_ARG(text), code);
    if (diag_is_set(d))
        return false;
    *d = c->why;
    if (c->deciding)
        d->cls = DIAG_UNKNOWN_OUTCOME;
    return false;
}

static bool usable(struct mconn *c, struct diag *d)
{
    if (!c->lost)
        return true;
    if (!diag_is_set(d))
        *d = c->why;
    return false;
}

/* --- connecting --- */

static bool is_loopback(struct sv host)
{
    return sv_starts(host, SV("127.")) || sv_eq(host, SV("::1")) ||
           sv_eq_nocase(host, SV("localhost"));
}

static void set_tls(struct mconn *c, MYSQL *my, int mode)
{
    const char *ca = c->tls.ca.len ? c->tls.ca.ptr : NULL,
               *cert = c->tls.cert.len ? c->tls.cert.ptr : NULL;
    const char *key = c->tls.key.len ? c->tls.key.ptr : NULL;
#ifdef LIBMARIADB
    lib_bool on = mode != CONF_TLS_DISABLED, verify = mode >= CONF_TLS_VERIFY_CA;

    if (!on)
        return;
    mysql_ssl_set(my, key, cert, ca, NULL, NULL);
    mysql_options(my, MYSQL_OPT_SSL_ENFORCE, &on);
    mysql_options(my, MYSQL_OPT_SSL_VERIFY_SERVER_CERT, &verify);
#else
    static const unsigned modes[] = {SSL_MODE_DISABLED, SSL_MODE_PREFERRED, SSL_MODE_REQUIRED,
        SSL_MODE_VERIFY_CA, SSL_MODE_VERIFY_IDENTITY};
    bool get_key = true;

    mysql_options(my, MYSQL_OPT_SSL_MODE, &modes[mode]);
    mysql_options(my, MYSQL_OPT_SSL_CA, ca);
    mysql_options(my, MYSQL_OPT_SSL_CERT, cert);
    mysql_options(my, MYSQL_OPT_SSL_KEY, key);
    mysql_options(my, MYSQL_OPT_GET_SERVER_PUBLIC_KEY, &get_key);
#endif
}

static MYSQL *connect_once(struct mconn *c, int tls_mode, bool *ok)
{
    MYSQL *my = mysql_init(NULL);
    unsigned protocol = MYSQL_PROTOCOL_TCP,
             timeout = MAX((c->p.connect_timeout_ms + 999) / 1000, 1u);
    unsigned read_s = (c->p.read_timeout_ms + 999) / 1000;

    CHECK(my);
    mysql_options(my, MYSQL_OPT_PROTOCOL,
        &protocol); /* "localhost" would mean the library's own socket path */
    mysql_options(my, MYSQL_OPT_CONNECT_TIMEOUT, &timeout);
    mysql_options(my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (read_s)
        mysql_options(my, MYSQL_OPT_READ_TIMEOUT, &read_s);
    set_tls(c, my, tls_mode);
    *ok = mysql_real_connect(my, c->p.host.ptr, c->p.user.ptr, c->p.password.ptr,
              c->p.db.len ? c->p.db.ptr : NULL, c->p.port, NULL, CLIENT_MULTI_RESULTS) != NULL;
    return my;
}

/* What the texts written here rely on, whatever the server's own settings are. */
static const char session_sql[] =
    "SET SESSION sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION', SESSION "
    "time_zone='+00:00', SESSION autocommit=1, "
    "SESSION wait_timeout=28800, SESSION sql_safe_updates=0, SESSION sql_select_limit=DEFAULT";

static bool set_session(struct mconn *c, struct diag *d)
{
    const char *isolation = "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ";

    return mconn_exec(c, sv_make(session_sql, sizeof(session_sql) - 1), d) &&
           mconn_exec(c, sv_cstr(isolation), d);
}

bool mconn_reconnect(struct mconn *c, struct diag *d)
{
    bool ok;
    int mode = c->tls.mode;
    MYSQL *my;

    if (c->my)
        mysql_close(c->my);
    if (mode == CONF_TLS_PREFERRED && is_loopback(c->p.host))
        mode = CONF_TLS_DISABLED;
    my = connect_once(c, mode, &ok);
    if (!ok && mode == CONF_TLS_PREFERRED && mysql_errno(my) == ERR_TLS) {
        mysql_close(my);
        my = connect_once(c, CONF_TLS_DISABLED, &ok);
    }
    c->my = my;
    c->lost = !ok;
    if (!ok) {
        diag_clear(&c->why);
        diag_setf(&c->why, ER_SHARD_DOWN, "%.*s at %.*s:%u cannot be reached: %s (%u)",
            SV_ARG(c->p.what), SV_ARG(c->p.host), c->p.port, mysql_error(my), mysql_errno(my));
        if (!diag_is_set(d))
            *d = c->why;
        return false;
    }
    c->mariadb = strstr(mysql_get_server_info(my), "MariaDB") != NULL;
    c->version = (uint32_t)mysql_get_server_version(my);
    return set_session(c, d);
}

bool mconn_open(const struct mconn_params *p, struct mconn **out, struct diag *d)
{
    struct mconn *c = xcalloc(1, sizeof(*c));

    arena_init(&c->arena, 0);
    c->p = *p;
    c->p.host = keep(c, p->host);
    c->p.user = keep(c, p->user);
    c->p.password = keep(c, p->password);
    c->p.db = keep(c, p->db);
    c->p.what = keep(c, p->what);
    if (p->connect_timeout_ms == 0)
        c->p.connect_timeout_ms = CONNECT_TIMEOUT_MS;
    c->tls.mode = p->tls ? p->tls->mode : CONF_TLS_PREFERRED;
    if (p->tls) {
        c->tls.ca = keep(c, p->tls->ca);
        c->tls.cert = keep(c, p->tls->cert);
        c->tls.key = keep(c, p->tls->key);
    }
    c->p.tls = &c->tls;
    if (!mconn_reconnect(c, d)) {
        mconn_close(c);
        return false;
    }
    *out = c;
    return true;
}

void mconn_close(struct mconn *c)
{
    if (!c)
        return;
    if (c->my)
        mysql_close(c->my);
    arena_free(&c->arena);
    xfree(c);
}

bool mconn_is_lost(const struct mconn *c)
{
    return c->lost;
}

bool mconn_ping(struct mconn *c, struct diag *d)
{
    return usable(c, d) && (mysql_ping(c->my) == 0 || fail(c, d));
}

bool mconn_is_mariadb(const struct mconn *c)
{
    return c->mariadb;
}

uint32_t mconn_version(const struct mconn *c)
{
    return c->version;
}

const char *mconn_server_info(const struct mconn *c)
{
    return c->my ? mysql_get_server_info(c->my) : "";
}

uint64_t mconn_thread_id(const struct mconn *c)
{
    return c->my ? mysql_thread_id(c->my) : 0;
}

void mconn_set_deciding(struct mconn *c, bool deciding)
{
    c->deciding = deciding;
}

/* --- statements --- */

static void copy_result(MYSQL_RES *res, struct arena *a, struct mresult *r)
{
    uint32_t cols = mysql_num_fields(res), rows = (uint32_t)mysql_num_rows(res);
    const MYSQL_FIELD *fields = mysql_fetch_fields(res);
    struct sv *names = ARENA_NEW_N(a, struct sv, cols),
              *cells = ARENA_NEW_N(a, struct sv, (size_t)cols * rows);
    uint8_t *types = ARENA_NEW_N(a, uint8_t, cols);
    MYSQL_ROW row;
    size_t at = 0;

    for (uint32_t i = 0; i < cols; i++) {
        names[i] = arena_dup(a, sv_make(fields[i].name, fields[i].name_length));
        types[i] = (uint8_t)fields[i].type;
    }
    while ((row = mysql_fetch_row(res))) {
        const unsigned long *len = mysql_fetch_lengths(res);

        for (uint32_t i = 0; i < cols; i++, at++)
            cells[at] = row[i] ? arena_dup(a, sv_make(row[i], len[i])) : SV_NULL;
    }
    r->cols = cols;
    r->rows = rows;
    r->names = names;
    r->types = types;
    r->cells = cells;
}

/* Reads and drops the results behind the first of a multi-result answer. */
static bool drop_rest(struct mconn *c, struct diag *d)
{
    int more;

    while ((more = mysql_next_result(c->my)) == 0) {
        MYSQL_RES *res = mysql_store_result(c->my);

        if (res)
            mysql_free_result(res);
    }
    return more < 0 || fail(c, d);
}

bool mconn_query(struct mconn *c, struct sv sql, struct arena *a, struct mresult *r, struct diag *d)
{
    MYSQL_RES *res;

    if (r)
        *r = (struct mresult){0};
    if (!usable(c, d))
        return false;
    if (mysql_real_query(c->my, sql.ptr, (unsigned long)sql.len) != 0)
        return fail(c, d);
    res = mysql_store_result(c->my);
    if (!res && mysql_errno(c->my))
        return fail(c, d);
    if (r) {
        r->affected = res ? 0 : mysql_affected_rows(c->my);
        r->insert_id = mysql_insert_id(c->my);
        r->warnings = mysql_warning_count(c->my);
    }
    if (res && r)
        copy_result(res, a, r);
    if (res)
        mysql_free_result(res);
    return !mysql_more_results(c->my) || drop_rest(c, d);
}

bool mconn_exec(struct mconn *c, struct sv sql, struct diag *d)
{
    return mconn_query(c, sql, NULL, NULL, d);
}

bool mconn_each(struct mconn *c, struct sv sql,
    bool (*fn)(void *arg, const struct sv *cells, uint32_t cols), void *arg, struct diag *d)
{
    struct sv *cells;
    MYSQL_RES *res;
    MYSQL_ROW row;
    uint32_t cols;
    bool go_on = true, ok;

    if (!usable(c, d))
        return false;
    if (mysql_real_query(c->my, sql.ptr, (unsigned long)sql.len) != 0)
        return fail(c, d);
    res = mysql_use_result(c->my);
    if (!res)
        return mysql_errno(c->my) == 0 || fail(c, d);
    cols = mysql_num_fields(res);
    cells = xcalloc(cols, sizeof(*cells));
    while ((row = mysql_fetch_row(res))) {
        const unsigned long *len = mysql_fetch_lengths(res);

        for (uint32_t i = 0; i < cols && go_on; i++)
            cells[i] = row[i] ? sv_make(row[i], len[i]) : SV_NULL;
        go_on = go_on && fn(arg, cells, cols);
    }
    ok = mysql_errno(c->my) == 0 || fail(c, d);
    xfree(cells);
    mysql_free_result(res);
    return ok && (!mysql_more_results(c->my) || drop_rest(c, d));
}

bool mconn_warnings(struct mconn *c, struct arena *a, struct mresult *r, struct diag *d)
{
    return mconn_query(c, SV("SHOW WARNINGS"), a, r, d);
}

uint64_t mresult_u64(const struct mresult *r, uint32_t row, uint32_t col)
{
    uint64_t v;

    return sv_to_u64(mresult_cell(r, row, col), &v) ? v : 0;
}

int64_t mresult_i64(const struct mresult *r, uint32_t row, uint32_t col)
{
    int64_t v;

    return sv_to_i64(mresult_cell(r, row, col), &v) ? v : 0;
}

/* --- texts --- */

void mconn_put_quoted(struct strbuf *b, struct sv s)
{
    strbuf_put_quoted(b, s, false);
}

static void put_sv_arg(struct strbuf *b, char how, const struct sv *s)
{
    if (how == 'S')
        strbuf_putsv(b, *s);
    else if (how == 'I')
        strbuf_put_ident(b, *s);
    else if (!s || !s->ptr)
        strbuf_puts(b, "NULL");
    else
        mconn_put_quoted(b, *s);
}

static const char *put_arg(struct strbuf *b, const char *f, va_list *ap)
{
    switch (*f) {
    case 'Q':
    case 'I':
    case 'S':
        put_sv_arg(b, *f, va_arg(*ap, const struct sv *));
        return f + 1;
    case 'u':
        strbuf_printf(b, "%u", va_arg(*ap, unsigned));
        return f + 1;
    case 'd':
        strbuf_printf(b, "%d", va_arg(*ap, int));
        return f + 1;
    case 'x':
        strbuf_printf(b, "%x", va_arg(*ap, unsigned));
        return f + 1;
    case 's':
        strbuf_puts(b, va_arg(*ap, const char *));
        return f + 1;
    case '%':
        strbuf_putc(b, '%');
        return f + 1;
    case 'l':
        CHECK(f[1] == 'u' || f[1] == 'd');
        if (f[1] == 'u')
            strbuf_printf(b, "%lu", va_arg(*ap, unsigned long));
        else
            strbuf_printf(b, "%ld", va_arg(*ap, long));
        return f + 2;
    }
    check_failed(__FILE__, __LINE__, "mconn_sql: unknown conversion");
}

static struct sv make_sql(struct arena *a, const char *fmt, va_list *ap)
{
    struct strbuf b;

    strbuf_init(&b, a);
    while (*fmt) {
        size_t n = strcspn(fmt, "%");

        strbuf_put(&b, fmt, n);
        fmt += n;
        if (*fmt == '%')
            fmt = put_arg(&b, fmt + 1, ap);
    }
    strbuf_cstr(&b);
    CHECK(!b.overflow);
    return strbuf_sv(&b);
}

struct sv mconn_sql(struct arena *a, const char *fmt, ...)
{
    struct sv s;
    va_list ap;

    va_start(ap, fmt);
    s = make_sql(a, fmt, &ap);
    va_end(ap);
    return s;
}

bool mconn_execf(struct mconn *c, struct diag *d, const char *fmt, ...)
{
    struct arena a;
    struct sv sql;
    va_list ap;
    bool ok;

    arena_init(&a, 0);
    va_start(ap, fmt);
    sql = make_sql(&a, fmt, &ap);
    va_end(ap);
    ok = mconn_exec(c, sql, d);
    arena_free(&a);
    return ok;
}

bool mconn_queryf(
    struct mconn *c, struct arena *a, struct mresult *r, struct diag *d, const char *fmt, ...)
{
    struct sv sql;
    va_list ap;

    va_start(ap, fmt);
    sql = make_sql(a, fmt, &ap);
    va_end(ap);
    return mconn_query(c, sql, a, r, d);
}

bool mconn_cancel(const struct mconn_params *p, uint64_t thread_id, struct diag *d)
{
    struct mconn *c;
    bool ok;

    if (!mconn_open(p, &c, d))
        return false;
    ok = mconn_execf(c, d, "KILL QUERY %lu", (unsigned long)thread_id);
    mconn_close(c);
    return ok;
}
