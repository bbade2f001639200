/* What the lower floors see of a session: the parser's and optimizer's environments, session values in statements, the
 * state that shard connections must have; and side queries of a statement. */
#include "proxy/env.h"

#include "catalog/pin.h"
#include "catalog/snapshot.h"
#include "conf/conf.h"
#include "optimizer/cache.h"
#include "proxy/command.h"
#include "proxy/proxy.h"
#include "proxy/uservar.h"
#include "types/coll.h"
#include "util/clock.h"
#include "util/hash.h"
#include "util/log.h"

enum { COLL_UTF8MB4_GENERAL_CI = 45 };

const struct cat_snapshot *session_snapshot(struct session *s)
{
    struct cat_pin *pin = s->worker->slot[WORKER_SLOT_CATALOG];
    struct stmt *st = s->stmt;

    if (!st)
        return cat_pin_snapshot(pin); /* login: used at once */
    if (!st->snapshot) {
        cat_pin_refresh(pin);
        st->snapshot = cat_pin_borrow(pin);
    }
    return st->snapshot;
}

const struct sql_opts *session_sql_opts(struct session *s)
{
    uint64_t m = s->sql_mode;

    s->sql_opts.mode = (m & MODE_ANSI_QUOTES ? SQL_ANSI_QUOTES : 0) | (m & MODE_PIPES_AS_CONCAT ? SQL_PIPES_AS_CONCAT : 0) |
        (m & MODE_NO_BACKSLASH_ESCAPES ? SQL_NO_BACKSLASH_ESCAPES : 0) | (m & MODE_IGNORE_SPACE ? SQL_IGNORE_SPACE : 0) |
        (m & MODE_HIGH_NOT_PRECEDENCE ? SQL_HIGH_NOT_PRECEDENCE : 0);
    s->sql_opts.flavor = s->proxy->is_mariadb ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
    s->sql_opts.seed = hash_process_seed;
    return &s->sql_opts;
}

struct sv session_db(const struct session *s)
{
    return s->stmt && s->stmt->is_elsewhere ? s->stmt->db : s->db;
}

static bool is_one_of(struct sv name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (sv_eq_nocase(name, sv_cstr(names[i])))
            return true;
    return false;
}

void session_take_wanted(struct session *s, struct sync_state *wanted)
{
    static const char *const native[] = {"'utf8mb4'", "'utf8mb3'", "'utf8'"};
    static const char *const english[] = {"'en_US'", "'en_GB'", "0"};
    struct sv results = sync_get(wanted, SV("character_set_results"));
    struct sv names = sync_get(wanted, SV("lc_time_names"));

    sync_unref(s->wanted);
    s->wanted = wanted;
    s->view = (struct session_view){
        .results = results.ptr ? hash_sv(results) : 0,
        .foreign_results = results.ptr && !is_one_of(results, native, ARRAY_LEN(native)),
        .narrow_results = results.ptr && !sv_eq(results, SV("'utf8mb4'")),
        .foreign_names = names.ptr && !is_one_of(names, english, ARRAY_LEN(english)),
        .serializable = sv_eq(sync_get(wanted, session_isolation_var(s)), SV("'SERIALIZABLE'")),
    };
}

struct opt_env session_opt_env(struct session *s)
{
    return (struct opt_env){
        .db = session_db(s),
        .sql_mode = s->sql_mode,
        .flavour = s->proxy->is_mariadb ? ENV_MARIADB : ENV_MYSQL8,
        .foreign_results = s->view.foreign_results,
        .supports = OPT_INTO_VARS | OPT_ASSIGNED_VARS | OPT_FOUND_ROWS | OPT_INSERT_ID,
    };
}

uint64_t session_env_signature(struct session *s)
{
    if (s->stmt && s->stmt->is_elsewhere)
        return plan_env_signature(s->stmt->db, s->sql_mode, s->view.results, s->proxy->is_mariadb);
    if (!s->view.env_signature)
        s->view.env_signature = plan_env_signature(s->db, s->sql_mode, s->view.results, s->proxy->is_mariadb);
    return s->view.env_signature;
}

uint16_t session_collation(const struct session *s)
{
    return s->vars.collation;
}

const struct env *session_env(struct session *s)
{
    struct env *e = &s->stmt->env;

    env_init(e, s->proxy->is_mariadb ? ENV_MARIADB : ENV_MYSQL8);
    e->sql_mode = s->sql_mode;
    e->tz = s->vars.tz;
    e->coll_connection = s->vars.collation;
    e->div_precision_increment = s->vars.div_precision_increment;
    e->default_week_format = s->vars.default_week_format;
    e->group_concat_max_len = s->vars.group_concat_max_len;
    e->max_allowed_packet = s->vars.max_allowed_packet;
    e->now_us = s->vars.now_us ? s->vars.now_us : (int64_t)clock_real_us();
    e->last_insert_id = s->last_insert_id;
    e->row_count = s->row_count;
    e->found_rows = s->found_rows;
    e->connection_id = s->id;
    e->db = session_db(s);
    e->user = sv_cstr(s->user);
    e->host = sv_cstr(s->host);
    e->version = sv_cstr(s->proxy->server_version);
    e->warnings = &s->stmt->warnings;
    return e;
}

/* ---- variables that Tessera owns ---- */

static struct sv isolation(struct session *s)
{
    struct sv v = s->has_isolation_later ? s->isolation_later : sync_get(s->wanted, session_isolation_var(s));

    return v.len > 2 ? sv_make(v.ptr + 1, v.len - 2) : SV("REPEATABLE-READ");
}

static uint64_t count_errors(const struct session *s)
{
    uint64_t n = 0;

    for (uint32_t i = 0; i < s->warnings.n; i++)
        n += s->warnings.list[i].level == WARN_ERROR;
    return n;
}

/* False: not one of them. */
static bool system_variable(struct session *s, struct sv name, struct value *out)
{
    const struct conf *conf = atomic_load_explicit(&s->proxy->conf, memory_order_acquire);
    struct sv text = SV_NULL;
    uint64_t number = 0;

    if (sv_eq_nocase(name, SV("autocommit")))
        number = txn_autocommit(s->txn);
    else if (sv_eq_nocase(name, SV("last_insert_id")) || sv_eq_nocase(name, SV("identity")))
        number = s->last_insert_id;
    else if (sv_eq_nocase(name, SV("pseudo_thread_id")))
        number = s->id;
    else if (sv_eq_nocase(name, SV("warning_count")))
        number = s->warnings.total;
    else if (sv_eq_nocase(name, SV("error_count")))
        number = count_errors(s);
    else if (sv_eq_nocase(name, SV("port")))
        number = (uint64_t)conf->listen.port;
    else if (sv_eq_nocase(name, SV("max_connections")))
        number = (uint64_t)conf->max_connections;
    else if (sv_eq_nocase(name, SV("wait_timeout")) || sv_eq_nocase(name, SV("interactive_timeout")))
        number = s->wait_timeout_s ? s->wait_timeout_s : (uint64_t)conf->wait_timeout_s;
    else if (sv_eq_nocase(name, SV("insert_id")) || sv_eq_nocase(name, SV("read_only")) ||
        sv_eq_nocase(name, SV("super_read_only")))
        number = 0;
    else if (sv_eq_nocase(name, SV("transaction_read_only")) || sv_eq_nocase(name, SV("tx_read_only")))
        number = txn_is_read_only(s->txn);
    else if (sv_eq_nocase(name, SV("transaction_isolation")) || sv_eq_nocase(name, SV("tx_isolation")))
        text = isolation(s);
    else if (sv_eq_nocase(name, SV("version")))
        text = sv_cstr(s->proxy->server_version);
    else if (sv_eq_nocase(name, SV("version_comment")))
        text = SV("Tessera");
    else if (sv_eq_nocase(name, SV("hostname")))
        text = conf->node_name;
    else if (sv_eq_nocase(name, SV("socket")))
        text = conf->listen.socket;
    else if (sv_eq_nocase(name, SV("completion_type")))
        text = s->vars.completion == VARS_CHAIN ? SV("CHAIN") : s->vars.completion == VARS_RELEASE ? SV("RELEASE") : SV("NO_CHAIN");
    else if (sv_eq_nocase(name, SV("proxy_user")) || sv_eq_nocase(name, SV("external_user")))
        return *out = value_null(), true;
    else
        return false;
    *out = text.ptr ? value_str(text, COLL_UTF8MB4_GENERAL_CI) : value_i64((int64_t)number);
    return true;
}

struct sv session_shown_variable(struct session *s, struct sv name)
{
    struct value v;
    struct strbuf b;

    if (!system_variable(s, name, &v))
        return SV_NULL;
    if (sv_eq_nocase(name, SV("autocommit")) || sv_eq_nocase(name, SV("read_only")) ||
        sv_eq_nocase(name, SV("super_read_only")) ||
        sv_eq_nocase(name, SV("transaction_read_only")) || sv_eq_nocase(name, SV("tx_read_only")))
        return v.i ? SV("ON") : SV("OFF");
    strbuf_init(&b, &s->stmt->arena);
    value_print(&v, NULL, &b);
    return b.len ? strbuf_sv(&b) : SV("");
}

bool session_literal_value(struct session *s, struct sv literal, struct value *out)
{
    struct arena *a = &s->stmt->arena;
    unsigned char c = literal.len ? (unsigned char)literal.ptr[0] : 0;

    if (sv_eq_nocase(literal, SV("NULL"))) {
        *out = value_null();
        return true;
    }
    if (c == '\'')
        return value_parse_string(literal, s->no_backslash, s->vars.collation, s->vars.collation, a, out);
    if (c == '_') { /* a binary string, as strbuf_put_bytes writes it */
        size_t skip = sizeof "_binary " - 1;

        if (!sv_starts(literal, SV("_binary ")) || !value_parse_hex_bin(sv_make(literal.ptr + skip, literal.len - skip), false, a, out))
            return false;
        out->code = 0;
        return true;
    }
    if (c == '-') {
        if (!value_parse_number(sv_make(literal.ptr + 1, literal.len - 1), out))
            return false;
        if (out->kind == KIND_I64)
            out->i = -out->i;
        else if (out->kind == KIND_F64)
            out->f = -out->f;
        else if (out->kind == KIND_DEC)
            dec_neg(&out->d);
        else if (out->kind == KIND_U64 && out->u == UINT64_C(1) << 63)
            *out = value_i64(INT64_MIN);
        return true;
    }
    return value_parse_number(literal, out);
}

static void variable(void *arg, enum session_value kind, bool global, struct sv name, struct value *out)
{
    struct session *s = arg;

    (void)global;
    *out = value_null();
    if (kind == SESSION_USER_VAR) {
        if (!session_literal_value(s, uservar_get(s, name), out))
            *out = value_null();
    } else if (!system_variable(s, name, out)) {
        *out = value_null();
    }
}

void session_inputs(struct session *s, const struct stmt_scan *scan)
{
    struct plan_inputs *in = &s->stmt->inputs;

    in->text = s->stmt->text;
    in->literals = scan->slots;
    in->n_literals = scan->digest.nslots;
    in->tokens = scan->tokens;
    in->n_tokens = scan->digest.ntokens;
    in->env = session_env(s);
    in->seed = s->id >> 8; /* the low bits are the worker's */
    in->variable = variable;
    in->arg = s;
}

bool session_flag_off(const struct session *s, struct sv name)
{
    struct sv v = sync_get(s->wanted, name);

    return v.ptr && (sv_eq(v, SV("0")) || sv_eq_nocase(v, SV("'OFF'")) || sv_eq_nocase(v, SV("'0'")));
}

/* ---- character sets of the handshake ---- */

bool session_reads_charset(struct sv name)
{
    /* A backslash, a backquote or a letter may be the second byte of a character of these. */
    static const char *const ambiguous[] = {"big5", "cp932", "gb18030", "gbk", "sjis"};

    return !is_one_of(name, ambiguous, ARRAY_LEN(ambiguous));
}

bool session_is_wide(struct sv name)
{
    static const char *const wide[] = {"ucs2", "utf16", "utf16le", "utf32"};

    return is_one_of(name, wide, ARRAY_LEN(wide));
}

const struct collation *session_handshake_collation(const struct session *s)
{
    uint16_t id = (uint16_t)s->collation_id;
    const struct collation *c = s->proxy->is_mariadb ? coll_by_id_mariadb(id) : coll_by_id(id);

    if (!c || !(s->proxy->is_mariadb ? c->in_mariadb : c->in_mysql) || session_is_wide(sv_cstr(c->charset_name)))
        return NULL; /* no client's: the server's default stays */
    return c;
}

void session_apply_charset(struct session *s)
{
    /* utf8mb4 with the server's default collation is what pooled connections have from their own login, so the usual client needs
     * nothing. */
    static const char *const names[] = {"character_set_client", "character_set_connection", "character_set_results"};
    const struct collation *c = session_handshake_collation(s);
    struct diag d = {0};
    bool ok = true;
    char value[80];
    int n;

    if (!c)
        return;
    n = snprintf(value, sizeof(value), "'%s'", c->charset_name);
    for (size_t k = 0; k < ARRAY_LEN(names); k++)
        ok = ok && session_set_shard_var(s, sv_cstr(names[k]), sv_make(value, (size_t)n), &d);
    n = snprintf(value, sizeof(value), "'%s'", c->name);
    if (!ok || !session_set_shard_var(s, SV("collation_connection"), sv_make(value, (size_t)n), &d))
        log_warn(LOG_SESSION, "client %u: %s", s->id, d.text);
    s->vars.collation = c->id;
}

/* ---- side queries ---- */

uint32_t query_any_shard(struct session *s)
{
    const struct cat_snapshot *cat = session_snapshot(s);
    size_t n = cat->shards.n;

    if (!n)
        return 0;
    /* Spread by session; a shard that is known to be down is passed over. */
    for (size_t i = 0; i < n; i++) {
        const struct cat_shard *sh = &cat->shards.v[((s->id >> 8) + i) % n];
        struct pool *p = pool_of(s->worker, sh->id);

        if (p && !pool_is_down(p))
            return sh->id;
    }
    return cat->shards.v[0].id;
}

void query_side(struct session *s, struct sideq_args *a)
{
    struct sideq *q;

    if (!a->shard_id)
        a->shard_id = query_any_shard(s);
    if (!a->wanted)
        a->wanted = s->stmt->wanted ? s->stmt->wanted : s->wanted;
    if (!a->arena)
        a->arena = &s->stmt->arena;
    s->stmt->side = NULL;
    q = sideq_start(s->worker, a);
    /* NULL: done was called, and the statement may be gone. */
    if (q)
        s->stmt->side = q;
}
