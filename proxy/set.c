/* SET: user variables, session variables, NAMES, transaction characteristics, autocommit.
 *
 * The items of one SET are taken one after the other, each maybe with a round trip to a shard; what they change is put down in the
 * step and takes effect when all were right (all_set), so that a refused SET changes nothing and values are evaluated under what was
 * before the statement: after SET @x = 1, @y = @x, @y is what @x was.
 *
 * A session variable that Tessera does not own itself is judged by a real server: a side query runs under the new state, which makes
 * the shard connection take it (backend/sync.h sends it as SET and a refusal is the server's own error). From then on every
 * shard connection of this session gets it. So an unknown SET never pins a connection.
 *
 * Values: literals are used as they stand; words (ON, utf8mb4) become strings; anything else is evaluated by a shard as
 * SELECT expression, and its value taken. */
#include "proxy/command.h"

#include "proxy/env.h"

#include "catalog/snapshot.h"
#include "optimizer/optimizer.h"
#include "parser/deparse.h"
#include "parser/parse.h"
#include "proxy/proxy.h"
#include "proxy/uservar.h"

struct set_user {
    struct set_user *next;
    struct sv name, literal;
};

struct set_step {
    const struct ast_set *set;
    uint32_t at;               /* item under way */
    struct sync_state *wanted; /* as it will be */
    struct session_vars vars;  /* as they will be, like sql_mode */
    uint64_t sql_mode;
    struct sv name;            /* variable being set, in lower case */
    struct sv value;           /* its SQL literal; ptr NULL: DEFAULT */
    struct sideq_args q;
    struct warn_sink warned;
    bool is_user;
    bool is_for_next;          /* @@name without a scope: characteristics of the next transaction */
    bool in_loop, next_wanted;
    /* what waits for the end of the items */
    struct set_user *users, **users_end;
    bool has_autocommit, has_read_only, has_wait_timeout, has_insert_id, has_next;
    bool autocommit, read_only, has_later;
    struct sv later; /* isolation level, as in struct session */
    uint64_t wait_timeout_s, insert_id;
    struct txn_begin next;
};

static void next_item(struct session *s);

static struct set_step *step_of(struct session *s)
{
    return s->stmt->arg;
}

static void give_up(struct session *s)
{
    sync_unref(step_of(s)->wanted);
}

static void fail(struct session *s)
{
    give_up(s);
    s->stmt->give_up = NULL;
    session_reply_err(s, &s->stmt->diag);
}

static void autocommit_set(void *arg, const struct diag *d)
{
    struct session *s = arg;

    if (d)
        session_reply_err(s, d);
    else
        session_reply_done(s);
}

static void all_set(struct session *s)
{
    struct set_step *st = step_of(s);

    for (const struct set_user *u = st->users; u; u = u->next) { /* their literals are of the sql_mode before */
        if (!uservar_set(s, u->name, u->literal, &s->stmt->diag)) {
            fail(s);
            return;
        }
    }
    if (st->has_next && !txn_set_next(s->txn, &st->next, &s->stmt->diag)) {
        fail(s);
        return;
    }
    if (st->has_read_only)
        txn_set_session_read_only(s->txn, st->read_only);
    if (st->has_wait_timeout)
        s->wait_timeout_s = st->wait_timeout_s;
    if (st->has_insert_id)
        s->last_insert_id = st->insert_id;
    if (st->has_later) {
        s->has_isolation_later = true;
        s->isolation_later = st->later;
    }
    s->vars = st->vars;
    s->sql_mode = st->sql_mode;
    session_take_wanted(s, st->wanted);
    s->no_backslash = (s->sql_mode & MODE_NO_BACKSLASH_ESCAPES) != 0;
    s->stmt->give_up = NULL;
    if (st->has_autocommit)
        txn_set_autocommit(s->txn, st->autocommit, autocommit_set, s);
    else
        session_reply_done(s);
}

static bool want(struct session *s, struct sv name, struct sv value)
{
    struct set_step *st = step_of(s);
    struct sync_state *next = sync_with_var(st->wanted, name, value);

    if (!next)
        return diag_set(&s->stmt->diag, ER_OUT_OF_RESOURCES, "session variables");
    sync_unref(st->wanted);
    st->wanted = next;
    return true;
}

/* ---- variables that Tessera owns ---- */

static struct sv unquoted(struct sv v)
{
    if (v.len >= 2 && (v.ptr[0] == '\'' || v.ptr[0] == '"'))
        return sv_make(v.ptr + 1, v.len - 2);
    return v;
}

static bool as_bool(struct session *s, bool *on)
{
    struct set_step *st = step_of(s);
    struct sv v = st->value.ptr ? unquoted(st->value) : SV("ON");

    if (sv_eq(v, SV("1")) || sv_eq_nocase(v, SV("ON")) || sv_eq_nocase(v, SV("TRUE"))) {
        *on = true;
        return true;
    }
    if (sv_eq(v, SV("0")) || sv_eq_nocase(v, SV("OFF")) || sv_eq_nocase(v, SV("FALSE"))) {
        *on = false;
        return true;
    }
    return diag_setf(&s->stmt->diag, ER_WRONG_VALUE_FOR_VAR, "Variable '%.*s' can't be set to the value of '%.*s'",
        SV_ARG(st->name), SV_ARG(v));
}

static bool isolation_name(struct session *s, struct sv *out)
{
    static const char *const names[] = {"READ-UNCOMMITTED", "READ-COMMITTED", "REPEATABLE-READ", "SERIALIZABLE"};
    struct set_step *st = step_of(s);
    struct sv v = st->value.ptr ? unquoted(st->value) : SV("REPEATABLE-READ");

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (sv_eq_nocase(v, sv_cstr(names[i])) || (v.len == 1 && v.ptr[0] == (char)('0' + i))) {
            *out = sv_cstr(names[i]);
            return true;
        }
    }
    return diag_setf(&s->stmt->diag, ER_WRONG_VALUE_FOR_VAR, "Variable '%.*s' can't be set to the value of '%.*s'",
        SV_ARG(st->name), SV_ARG(v));
}

struct sv session_isolation_var(const struct session *s)
{
    return s->proxy->is_mariadb ? SV("tx_isolation") : SV("transaction_isolation");
}

/* SET @@transaction_isolation, @@transaction_read_only: for the next transaction only. */
static bool next_allowed(struct session *s)
{
    return txn_get_state(s->txn) == TXN_IDLE || diag_set(&s->stmt->diag, ER_CANT_CHANGE_TX_CHARACTERISTICS);
}

static bool next_isolation(struct session *s)
{
    struct set_step *st = step_of(s);
    struct sv level = SV_NULL;

    if (!next_allowed(s) || !isolation_name(s, &level))
        return false;
    st->has_next = true;
    st->next.isolation = sv_eq(level, SV("READ-UNCOMMITTED")) ? TXN_ISO_READ_UNCOMMITTED
        : sv_eq(level, SV("READ-COMMITTED"))                  ? TXN_ISO_READ_COMMITTED
        : sv_eq(level, SV("SERIALIZABLE"))                    ? TXN_ISO_SERIALIZABLE
                                                              : TXN_ISO_REPEATABLE_READ;
    return true;
}

/* The session's level from the next transaction on: shards on which the one under way comes to work must not get it. level: a constant. */
static bool want_level(struct session *s, struct sv level)
{
    struct set_step *st = step_of(s);

    st->has_later = txn_in_trans(s->txn);
    st->later = level;
    return st->has_later || want(s, session_isolation_var(s), level);
}

static bool want_isolation(struct session *s)
{
    static const char *const levels[] = {"'READ-UNCOMMITTED'", "'READ-COMMITTED'", "'REPEATABLE-READ'", "'SERIALIZABLE'"};
    struct set_step *st = step_of(s);
    struct sv level = SV_NULL;

    if (st->is_for_next)
        return next_isolation(s);
    if (!st->value.ptr)
        return want_level(s, SV_NULL);
    if (!isolation_name(s, &level))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(levels); i++) {
        if (sv_eq(sv_make(levels[i] + 1, strlen(levels[i]) - 2), level))
            return want_level(s, sv_cstr(levels[i]));
    }
    return false;
}

/* True: it was one of ours and is done or under way. */
static bool set_owned(struct session *s)
{
    struct set_step *st = step_of(s);
    bool on;

    if (sv_eq(st->name, SV("autocommit"))) {
        if (as_bool(s, &on)) {
            st->has_autocommit = true;
            st->autocommit = on;
            next_item(s);
        } else {
            fail(s);
        }
        return true;
    }
    if (sv_eq(st->name, SV("transaction_isolation")) || sv_eq(st->name, SV("tx_isolation"))) {
        if (want_isolation(s))
            next_item(s);
        else
            fail(s);
        return true;
    }
    if (sv_eq(st->name, SV("transaction_read_only")) || sv_eq(st->name, SV("tx_read_only"))) {
        if (!as_bool(s, &on) || (st->is_for_next && !next_allowed(s))) {
            fail(s);
            return true;
        }
        on = on && st->value.ptr;
        if (st->is_for_next) {
            st->has_next = true;
            st->next.access = on ? TXN_READ_ONLY : TXN_READ_WRITE;
        } else {
            st->has_read_only = true;
            st->read_only = on;
        }
        next_item(s);
        return true;
    }
    if (sv_eq(st->name, SV("wait_timeout")) || sv_eq(st->name, SV("interactive_timeout"))) {
        uint64_t seconds = 0;

        if (st->value.ptr && !sv_to_u64(st->value, &seconds)) {
            diag_setf(&s->stmt->diag, ER_WRONG_TYPE_FOR_VAR, "Incorrect argument type to variable '%.*s'", SV_ARG(st->name));
            fail(s);
            return true;
        }
        st->has_wait_timeout = true;
        st->wait_timeout_s = st->value.ptr ? MAX(seconds, (uint64_t)1) : 0;
        next_item(s);
        return true;
    }
    if (sv_eq(st->name, SV("last_insert_id")) || sv_eq(st->name, SV("identity"))) {
        if (!st->value.ptr || !sv_to_u64(st->value, &st->insert_id)) {
            diag_setf(&s->stmt->diag, ER_WRONG_VALUE_FOR_VAR, "Variable '%.*s' can't be set to the value of '%.*s'",
                SV_ARG(st->name), SV_ARG(st->value));
            fail(s);
        } else {
            st->has_insert_id = true;
            next_item(s);
        }
        return true;
    }
    return false;
}

/* ---- variables that the shards own ---- */

/* Changing it can change the collation of literals. */
static bool is_charset(struct sv name)
{
    return sv_eq(name, SV("names")) || sv_eq(name, SV("character_set_connection")) || sv_eq(name, SV("collation_connection"));
}

static void have_value_told(void *arg, struct sideq_result *r);

/* What asks for the value that counts here; ptr NULL: Tessera computes nothing with this variable. */
static struct sv asks_value(struct session *s, struct sv name)
{
    if (sv_eq(name, SV("sql_mode")))
        return SV("SELECT @@session.sql_mode LIMIT 1"); /* LIMIT: sql_select_limit may be 0 */
    if (sv_eq(name, SV("names")))
        return SV("SELECT @@session.collation_connection, @@session.character_set_client LIMIT 1");
    if (is_charset(name))
        return SV("SELECT @@session.collation_connection LIMIT 1");
    if (sv_eq(name, SV("character_set_results")))
        return SV("SELECT CAST(@@session.character_set_results AS BINARY) LIMIT 1"); /* not in that character set */
    if (sv_eq(name, SV("character_set_client")))
        return SV("SELECT @@session.character_set_client LIMIT 1");
    for (size_t i = 0; vars_names[i]; i++) {
        if (sv_eq(name, sv_cstr(vars_names[i])))
            return arena_printf(&s->stmt->arena, "SELECT @@session.%.*s LIMIT 1", SV_ARG(name));
    }
    return SV_NULL;
}

static void judge(struct session *s, struct sv sql, sideq_fn *done);

static void judged(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct set_step *st = step_of(s);

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        s->stmt->diag = r->diag;
        fail(s);
        return;
    }
    for (uint32_t i = 0; i < st->warned.n; i++) {
        const struct warning *w = &st->warned.list[i];

        if (!session_was_said(s, w->code, w->text))
            warn_add(&s->stmt->warnings, w->level, w->code, "%.*s", SV_ARG(w->text));
    }
    if (asks_value(s, st->name).ptr)
        judge(s, asks_value(s, st->name), have_value_told);
    else
        next_item(s);
}

/* The connection comes with the new state; setting it once more tells what the server warns of. */
static void judge(struct session *s, struct sv sql, sideq_fn *done)
{
    struct set_step *st = step_of(s);

    warn_sink_init(&st->warned, &s->stmt->arena, UINT16_MAX);
    st->q = (struct sideq_args){
        .wanted = st->wanted,
        .sql = sql,
        .warnings = &st->warned,
        .done = done,
        .arg = s,
    };
    query_side(s, &st->q);
}

/* The server has judged the value: names in it may have been completed or left out, numbers cut. */
static void have_value_told(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct set_step *st = step_of(s);
    struct sv bad;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        s->stmt->diag = r->diag;
        fail(s);
        return;
    }
    if (r->n_rows == 1 && r->cells[0].ptr) {
        struct sv client = sv_eq(st->name, SV("names")) ? r->cells[1] : sv_eq(st->name, SV("character_set_client")) ? r->cells[0] : SV_NULL;

        if (client.ptr && !session_reads_charset(client)) {
            diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, arena_printf(&s->stmt->arena, "character_set_client = %.*s", SV_ARG(client)).ptr);
            fail(s);
            return;
        }
        if (sv_eq(st->name, SV("character_set_results")) && session_is_wide(r->cells[0])) {
            diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, arena_printf(&s->stmt->arena, "character_set_results = %.*s", SV_ARG(r->cells[0])).ptr);
            fail(s);
            return;
        }
        if (sv_eq(st->name, SV("sql_mode")))
            (void)!env_mode_parse(r->cells[0], &st->sql_mode, &bad);
        else if (sv_eq(st->name, SV("timestamp"))) /* which tells the clock's time where it is DEFAULT */
            st->vars.now_us = sync_get(st->wanted, st->name).ptr ? vars_microseconds(r->cells[0]) : 0;
        else
            (void)vars_take(s->proxy, &st->vars, is_charset(st->name) ? SV("collation_connection") : st->name, r->cells[0]);
    }
    next_item(s);
}

/* What works on one connection of one server only, and would give other answers here without a word. */
static bool is_kept(struct session *s)
{
    struct set_step *st = step_of(s);
    bool on;

    if (sv_eq(st->name, SV("insert_id")) && st->value.ptr && !sv_eq(st->value, SV("0")))
        return diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SET insert_id");
    if (!sv_eq(st->name, SV("sql_auto_is_null")))
        return true;
    if (!as_bool(s, &on))
        return false;
    return !on || !st->value.ptr || diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "sql_auto_is_null = 1");
}

/* Each of the two settles both: the one set last counts. */
static bool want_connection_charset(struct session *s)
{
    struct set_step *st = step_of(s);

    if (sv_eq(st->name, SV("character_set_connection")))
        return want(s, SV("collation_connection"), SV_NULL);
    if (sv_eq(st->name, SV("collation_connection")))
        return want(s, SV("character_set_connection"), SV_NULL);
    return true;
}

static void set_session_var(struct session *s)
{
    struct set_step *st = step_of(s);

    if (set_owned(s))
        return;
    if (!is_kept(s) || !want_connection_charset(s) || !want(s, st->name, st->value)) {
        fail(s);
        return;
    }
    if (sv_eq(st->name, session_isolation_var(s)) || sv_eq(st->name, SV("transaction_isolation"))) {
        judge(s, SV("DO 0"), judged); /* the kinds of server have different names for it */
        return;
    }
    judge(s, arena_printf(&s->stmt->arena, "SET SESSION %.*s = %.*s", SV_ARG(st->name),
        SV_ARG(st->value.ptr ? st->value : SV("DEFAULT"))), judged);
}

static void have_value(struct session *s)
{
    struct set_step *st = step_of(s);

    struct set_user *u;

    if (!st->is_user) {
        set_session_var(s);
        return;
    }
    u = ARENA_NEW(&s->stmt->arena, struct set_user);
    u->name = st->name;
    u->literal = st->value.ptr ? st->value : SV("NULL");
    *st->users_end = u;
    st->users_end = &u->next;
    next_item(s);
}

/* ---- values ---- */

struct sv literal_of_cell(struct arena *a, const struct packet_coldef *col, struct sv cell, bool no_backslash)
{
    struct strbuf b;

    if (!cell.ptr)
        return SV("NULL");
    switch (col->type) {
    case WIRE_DECIMAL:
    case WIRE_NEWDECIMAL:
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_LONG:
    case WIRE_INT24:
    case WIRE_LONGLONG:
    case WIRE_YEAR:
        return arena_dup(a, cell);
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
        return memchr(cell.ptr, 'e', cell.len) ? arena_dup(a, cell) : arena_printf(a, "%.*se0", SV_ARG(cell));
    default:
        break;
    }
    strbuf_init(&b, a);
    if (col->type == WIRE_BIT) { /* a number, as everywhere but on the wire */
        uint64_t n = 0;

        for (size_t i = 0; i < cell.len; i++)
            n = n << 8 | (unsigned char)cell.ptr[i];
        strbuf_put_u64(&b, n);
        return strbuf_sv(&b);
    }
    if (col->charset == 63 && col->type >= WIRE_TINY_BLOB) {
        strbuf_put_bytes(&b, cell, false);
    } else {
        strbuf_put_quoted(&b, cell, no_backslash);
    }
    return strbuf_sv(&b);
}

static void evaluated(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct set_step *st = step_of(s);
    struct diag *d = &s->stmt->diag;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        *d = r->diag;
    } else if (r->n_cols != 1) {
        diag_setf(d, 1241, "Operand should contain 1 column(s)");
    } else if (r->n_rows > 1) {
        diag_setf(d, 1242, "Subquery returns more than 1 row");
    }
    if (diag_is_set(d)) {
        fail(s);
        return;
    }
    st->value = r->n_rows ? literal_of_cell(&s->stmt->arena, &r->cols[0], r->cells[0], s->no_backslash) : SV("NULL");
    have_value(s);
}

/* SELECT value on a shard, with what only the session knows put in. */
static void evaluate(struct session *s, struct ast_node *value)
{
    struct set_step *st = step_of(s);
    struct sv sql = arena_printf(&s->stmt->arena, "SELECT %.*s", (int)(value->end - value->begin),
        s->stmt->text.ptr + value->begin);

    if (!query_one_shard_text(s, sql, &st->q.shard_id, &st->q.sql)) {
        fail(s);
        return;
    }
    st->q.wanted = s->wanted;
    st->q.done = evaluated;
    st->q.arg = s;
    query_side(s, &st->q);
}

static void take_value(struct session *s, struct ast_node *value)
{
    struct set_step *st = step_of(s);
    struct arena *a = &s->stmt->arena;

    switch ((enum ast_kind)value->kind) {
    case AST_DEFAULT:
        st->value = SV_NULL;
        have_value(s);
        return;
    case AST_COLUMN: {
        const struct ast_column *c = AST_AS_CONST(column, value);

        if (!st->is_user && !ast_ident_set(&c->tbl)) {
            struct strbuf b;

            strbuf_init(&b, a);
            strbuf_put_quoted(&b, c->name.name, false);
            st->value = strbuf_sv(&b);
            have_value(s);
            return;
        }
        break;
    }
    case AST_LIT: {
        const struct ast_lit *l = AST_AS_CONST(lit, value);

        if (l->type == AST_LIT_NULL || l->type == AST_LIT_INT || l->type == AST_LIT_DECIMAL || l->type == AST_LIT_FLOAT ||
            (l->type == AST_LIT_STRING && l->nslots <= 1 && l->raw.len && l->raw.ptr[0] == '\'')) {
            st->value = l->type == AST_LIT_NULL ? SV("NULL") : arena_dup(a, l->raw);
            have_value(s);
            return;
        }
        break;
    }
    case AST_USERVAR:
        st->value = uservar_get(s, AST_AS_CONST(uservar, value)->name);
        have_value(s);
        return;
    default: /* any other expression is evaluated by a shard */
        break;
    }
    evaluate(s, value);
}

/* ---- items ---- */

static struct sv lower(struct arena *a, struct sv name)
{
    struct sv out = arena_dup(a, name);
    char *p = (char *)(uintptr_t)out.ptr;

    for (size_t i = 0; i < out.len; i++) {
        if (p[i] >= 'A' && p[i] <= 'Z')
            p[i] = (char)(p[i] | 0x20);
    }
    return out;
}

static void set_var(struct session *s, const struct ast_set_var *v)
{
    struct set_step *st = step_of(s);

    if (v->scope == AST_SCOPE_GLOBAL || v->scope == AST_SCOPE_PERSIST || v->scope == AST_SCOPE_PERSIST_ONLY) {
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SET GLOBAL (set it on each shard, or in its option file)");
        fail(s);
        return;
    }
    st->is_user = v->scope == AST_SCOPE_USER;
    st->is_for_next = v->at && v->scope == AST_SCOPE_NONE;
    st->name = st->is_user ? v->name.name : lower(&s->stmt->arena, v->name.name);
    take_value(s, v->value);
}

static void set_names(struct session *s, const struct ast_set_names *n)
{
    struct arena *a = &s->stmt->arena;
    struct sv cs = n->name.ptr ? lower(a, n->name) : SV_NULL, quoted = SV_NULL;
    bool ok;

    if (cs.ptr) {
        struct strbuf b;

        strbuf_init(&b, a);
        strbuf_put_quoted(&b, cs, false);
        quoted = strbuf_sv(&b);
    }
    ok = want(s, SV("character_set_client"), quoted) && want(s, SV("character_set_results"), quoted);
    if (n->charset)
        ok = ok && want(s, SV("character_set_connection"), SV("@@character_set_database")) &&
            want(s, SV("collation_connection"), SV_NULL);
    else
        ok = ok && want(s, SV("character_set_connection"), quoted) &&
            want(s, SV("collation_connection"), SV_NULL);
    if (ok && n->collation.ptr) {
        struct strbuf b;

        strbuf_init(&b, a);
        strbuf_put_quoted(&b, n->collation, false);
        ok = want(s, SV("collation_connection"), strbuf_sv(&b));
    }
    if (!ok) {
        fail(s);
        return;
    }
    step_of(s)->name = SV("names");
    judge(s, arena_printf(&s->stmt->arena, "SET %.*s", (int)(n->node.end - n->node.begin), s->stmt->text.ptr + n->node.begin),
        judged);
}

static void set_trx(struct session *s, const struct ast_set_trx *t)
{
    static const char *const levels[] = {
        [AST_ISOLATION_READ_UNCOMMITTED] = "'READ-UNCOMMITTED'",
        [AST_ISOLATION_READ_COMMITTED] = "'READ-COMMITTED'",
        [AST_ISOLATION_REPEATABLE_READ] = "'REPEATABLE-READ'",
        [AST_ISOLATION_SERIALIZABLE] = "'SERIALIZABLE'",
    };
    static const enum txn_isolation once[] = {
        [AST_ISOLATION_NONE] = TXN_ISO_SESSION,
        [AST_ISOLATION_READ_UNCOMMITTED] = TXN_ISO_READ_UNCOMMITTED,
        [AST_ISOLATION_READ_COMMITTED] = TXN_ISO_READ_COMMITTED,
        [AST_ISOLATION_REPEATABLE_READ] = TXN_ISO_REPEATABLE_READ,
        [AST_ISOLATION_SERIALIZABLE] = TXN_ISO_SERIALIZABLE,
    };
    struct txn_begin next = {
        .isolation = once[t->isolation],
        .access = t->access == AST_ACCESS_READ_ONLY ? TXN_READ_ONLY
            : t->access == AST_ACCESS_READ_WRITE    ? TXN_READ_WRITE
                                                    : TXN_ACCESS_DEFAULT,
    };

    if (t->scope == AST_SCOPE_GLOBAL) {
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SET GLOBAL TRANSACTION");
        fail(s);
        return;
    }
    if (t->scope == AST_SCOPE_NONE) {
        if (txn_set_next(s->txn, &next, &s->stmt->diag))
            next_item(s);
        else
            fail(s);
        return;
    }
    if (t->access != AST_ACCESS_NONE)
        txn_set_session_read_only(s->txn, t->access == AST_ACCESS_READ_ONLY);
    if (t->isolation == AST_ISOLATION_NONE || want_level(s, sv_cstr(levels[t->isolation])))
        next_item(s);
    else
        fail(s);
}

static void run_item(struct session *s)
{
    struct set_step *st = step_of(s);
    struct ast_node *n;

    if (s->stmt->is_cancelled) {
        diag_set(&s->stmt->diag, ER_QUERY_INTERRUPTED);
        fail(s);
        return;
    }
    if (st->at == st->set->items.n) {
        all_set(s);
        return;
    }
    n = st->set->items.items[st->at++];
    switch ((enum ast_kind)n->kind) {
    case AST_SET_VAR:
        set_var(s, AST_AS_CONST(set_var, n));
        return;
    case AST_SET_NAMES:
        set_names(s, AST_AS_CONST(set_names, n));
        return;
    case AST_SET_TRX:
        set_trx(s, AST_AS_CONST(set_trx, n));
        return;
    default: /* SET ROLE, SET PASSWORD mixed in, SET RESOURCE GROUP */
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET,
            n->kind == AST_SET_PASSWORD ? "SET PASSWORD together with variables"
            : n->kind == AST_SET_ROLE   ? "roles"
                                        : "SET of this kind");
        fail(s);
        return;
    }
}

/* A loop, not a call from item to item: a SET can have any number of them. */
static void next_item(struct session *s)
{
    struct set_step *st = step_of(s);

    st->next_wanted = true;
    if (st->in_loop)
        return;
    st->in_loop = true;
    while (s->stmt && s->stmt->arg == st && st->next_wanted) {
        st->next_wanted = false;
        run_item(s);
    }
    if (s->stmt && s->stmt->arg == st)
        st->in_loop = false;
}

void set_run(struct session *s)
{
    struct set_step *st = ARENA_NEW(&s->stmt->arena, struct set_step);

    st->users_end = &st->users;
    st->set = AST_AS_CONST(set, s->stmt->ast);
    st->wanted = sync_ref(s->wanted);
    st->vars = s->vars;
    st->sql_mode = s->sql_mode;
    s->stmt->arg = st;
    s->stmt->give_up = give_up;
    if (st->set->stmt) {
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SET STATEMENT ... FOR");
        fail(s);
        return;
    }
    next_item(s);
}
