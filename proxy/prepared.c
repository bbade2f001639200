/* Prepared statements.
 *
 * COM_STMT_PREPARE plans the statement and has one real shard prepare it (with physical names), which checks it and gives the
 * column definitions; only those and the number of parameters are kept. Execution: one place - the client's execute packet is
 * relayed in binary form to whichever shard the parameters lead to (executor/prepare.h); several places - the parameters go as
 * literals into each place's SQL text and the merged rows are encoded in binary form here.
 * Statements that are not planned (SET, SHOW, BEGIN, DDL, ...) are kept as text and run as such.
 *
 * A plan is renewed when the catalog has a newer version than the one it was made under, or the client's results are in another
 * character set. */
#include "proxy/prepared.h"

#include "catalog/snapshot.h"
#include "ddl/ddl.h"
#include "parser/deparse.h"
#include "parser/parse.h"
#include "proxy/command.h"
#include "proxy/env.h"
#include "proxy/infoschema.h"
#include "proxy/proxy.h"
#include "proxy/uservar.h"
#include "util/hash.h"

struct long_data {
    char *bytes;
    size_t len;
    bool too_long; /* over max_allowed_packet: told at EXECUTE */
};

struct prepared {
    struct prepared *next;
    uint32_t id;
    struct sv name; /* PREPARE name; ptr NULL: by id only */
    struct arena arena;
    struct sv text;
    struct ast_node *ast;
    struct stmt_scan scan; /* tokens and literals of the text */
    struct plan *plan; /* NULL: run as text */
    uint64_t results;  /* hash of the character_set_results that plan and cols were made under */
    bool is_planned;   /* kind of statement that has plans */
    uint32_t n_params;
    unsigned char *types; /* two bytes a parameter, as the client bound them last */
    unsigned char *kinds; /* of each parameter's last value that was not NULL; 0: none yet */
    struct long_data *longs;
    bool *is_long;
    bool *is_limit; /* stands in LIMIT or OFFSET */
    bool *is_shown; /* decides a column's type when it is executed */
    bool has_shown;
    bool types_late; /* MariaDB: a parameter gets its type by execution, wherever it is. MySQL: by what is around it, if anything is */
    uint64_t shown_as; /* kinds and lengths of those that cols are for; 0: none yet */
    uint32_t n_cols;
    struct packet_coldef *cols;
    struct exec_place_text *texts;
    uint32_t n_texts;
    struct sv db; /* the session's when it was prepared; its names mean that schema ever after */
    struct sideq_args q; /* while being prepared */
    struct warn_sink said; /* the warnings of that */
};

/* MariaDB's clients send the execution behind COM_STMT_PREPARE, before they know the id
 * (mariadb.com/kb/en/com_stmt_execute, "statement id -1"). */
#define LAST_PREPARED UINT32_MAX

struct prepared_map {
    struct prepared *first;
    uint32_t n, next_id;
    uint32_t last_id; /* of the last COM_STMT_PREPARE; 0: it failed */
    size_t long_bytes; /* long data that waits for its EXECUTE: of all statements together not more than a packet may have */
};

static struct prepared_map *map_of(struct session *s)
{
    if (!s->prepared)
        s->prepared = xcalloc(1, sizeof(*s->prepared));
    return s->prepared;
}

static void forget_long_data(struct prepared_map *m, struct prepared *p)
{
    for (uint32_t i = 0; p->longs && i < p->n_params; i++) {
        m->long_bytes -= p->longs[i].len;
        xfree(p->longs[i].bytes);
        p->longs[i] = (struct long_data){0};
        p->is_long[i] = false;
    }
}

static void free_one(struct prepared *p)
{
    if (p->plan)
        plan_release(p->plan);
    stmt_scan_free(&p->scan);
    arena_free(&p->arena);
    xfree(p);
}

static struct prepared **find_id(struct session *s, uint32_t id)
{
    struct prepared **at = &map_of(s)->first;

    if (id == LAST_PREPARED && s->proxy->is_mariadb)
        id = map_of(s)->last_id;
    while (*at && ((*at)->id != id || (*at)->name.ptr))
        at = &(*at)->next;
    return at;
}

static struct prepared **find_name(struct session *s, struct sv name)
{
    struct prepared **at = &map_of(s)->first;

    while (*at && !((*at)->name.ptr && sv_eq_nocase((*at)->name, name)))
        at = &(*at)->next;
    return at;
}

static void drop(struct session *s, struct prepared **at)
{
    struct prepared *p = *at;

    *at = p->next;
    s->prepared->n--;
    forget_long_data(s->prepared, p);
    free_one(p);
}

void prepared_free_all(struct session *s)
{
    if (!s->prepared)
        return;
    while (s->prepared->first)
        drop(s, &s->prepared->first);
    xfree(s->prepared);
    s->prepared = NULL;
}

/* The statement's id in COM_STMT_CLOSE, RESET and SEND_LONG_DATA, which begin alike. */
static bool packet_stmt_id(const struct packet *pk, uint32_t *id)
{
    if (pk->len < 5)
        return false;
    *id = get_u32(pk->ptr + 1);
    return true;
}

static void unknown(struct session *s, uint32_t id, const char *where)
{
    diag_setf(&s->stmt->diag, ER_UNKNOWN_STMT_HANDLER, "Unknown prepared statement handler (%u) given to %s", id, where);
    session_reply_err(s, &s->stmt->diag);
}

/* ---- making one ---- */

static bool has_plan(const struct ast_node *n)
{
    return ast_is_query(n) || n->kind == AST_INSERT || n->kind == AST_UPDATE || n->kind == AST_DELETE ||
        n->kind == AST_DO || n->kind == AST_CALL;
}

static void mark_limit(struct prepared *p, const struct ast_node *n)
{
    if (n && n->kind == AST_PARAM)
        p->is_limit[AST_AS_CONST(param, n)->ordinal] = true;
}

static enum ast_walk mark_shown(struct ast_node **slot, void *arg)
{
    struct prepared *p = arg;

    if ((*slot)->kind == AST_PARAM)
        p->has_shown = p->is_shown[AST_AS_CONST(param, *slot)->ordinal] = true;
    return AST_CONTINUE;
}

static enum ast_walk mark_params(struct ast_node **slot, void *arg)
{
    if ((*slot)->kind == AST_LIMIT) {
        const struct ast_limit *l = AST_AS_CONST(limit, *slot);

        mark_limit(arg, l->count);
        mark_limit(arg, l->offset);
        mark_limit(arg, l->rows_examined);
    } else if ((*slot)->kind == AST_SELECT_ITEM) {
        struct ast_node **e = &AST_AS(select_item, *slot)->expr;

        if (((struct prepared *)arg)->types_late)
            (void)ast_walk(e, mark_shown, NULL, arg);
        else if ((*e)->kind == AST_PARAM)
            (void)mark_shown(e, arg);
    }
    return AST_CONTINUE;
}

/* Parses and plans text. NULL: the statement's diag is set. */
static struct prepared *make(struct session *s, struct sv text)
{
    struct prepared *p;
    struct diag *d = &s->stmt->diag;
    struct parse_result r;

    if (map_of(s)->n >= PREPARED_MAX) {
        diag_setf(d, 1461, "Can't create more than max_prepared_stmt_count statements (current value: %d)", PREPARED_MAX);
        return NULL;
    }
    p = xcalloc(1, sizeof(*p));
    arena_init(&p->arena, 0);
    p->text = arena_dup(&p->arena, text);
    if (!parser_parse(p->text, 0, session_sql_opts(s), &p->arena, &r, d)) {
        free_one(p);
        return NULL;
    }
    if (r.more) {
        diag_setf(d, ER_PARSE_ERROR, "You have an error in your SQL syntax; several statements cannot be prepared at once");
        free_one(p);
        return NULL;
    }
    if (r.stmt->kind == AST_PREPARE || r.stmt->kind == AST_EXECUTE ||
        (r.stmt->kind == AST_SIMPLE && AST_AS_CONST(simple, r.stmt)->op == AST_SIMPLE_DEALLOCATE)) {
        diag_set(d, ER_UNSUPPORTED_PS);
        free_one(p);
        return NULL;
    }
    /* Without the ';'. What ends in an executable comment ends behind r.end. */
    if (memchr(p->text.ptr + r.end, ';', p->text.len - r.end))
        p->text.len = r.end;
    p->ast = r.stmt;
    p->db = s->db.len ? arena_dup(&p->arena, s->db) : SV_NULL;
    p->n_params = r.nparams;
    stmt_scan_run(&p->scan, p->text, session_sql_opts(s), true);
    p->is_planned = has_plan(p->ast);
    if (p->n_params) {
        p->types = ARENA_NEW_N(&p->arena, unsigned char, 2 * p->n_params);
        p->kinds = ARENA_NEW_N(&p->arena, unsigned char, p->n_params);
        p->longs = ARENA_NEW_N(&p->arena, struct long_data, p->n_params);
        p->is_long = ARENA_NEW_N(&p->arena, bool, p->n_params);
        p->is_limit = ARENA_NEW_N(&p->arena, bool, p->n_params);
        p->is_shown = ARENA_NEW_N(&p->arena, bool, p->n_params);
        p->types_late = s->proxy->is_mariadb;
        (void)ast_walk(&p->ast, mark_params, NULL, p);
    }
    if (p->is_planned) {
        p->plan = query_plan(s, p->ast, p->text);
        p->results = s->view.results;
        if (!p->plan) {
            free_one(p);
            return NULL;
        }
    }
    return p;
}

static void keep(struct session *s, struct prepared *p)
{
    struct prepared_map *m = map_of(s);

    p->id = ++m->next_id;
    if (!p->name.ptr)
        m->last_id = p->id;
    p->next = m->first;
    m->first = p;
    m->n++;
}

/* ---- COM_STMT_PREPARE ---- */

static void send_prepared(struct session *s, struct prepared *p)
{
    struct chan *c = &s->chan;
    struct packet_prepare_ok ok = {.stmt_id = p->id, .columns = (uint16_t)p->n_cols, .params = (uint16_t)p->n_params,
        .warnings = (uint16_t)p->said.total};
    static const struct packet_coldef param = {
        .catalog = {"def", 3}, .name = {"?", 1}, .type = WIRE_VAR_STRING, .charset = 63, .flags = WIRE_FLAG_BINARY};

    warn_merge(&s->stmt->warnings, &p->said);
    if (p->name.ptr) {
        session_reply_ok(s, &(struct packet_ok){.info = SV("Statement prepared")});
        return;
    }
    if (!s->proxy->is_mariadb || p->said.total) /* MariaDB leaves those of the statement before */
        session_keep_warnings(s);
    if (s->state == SESSION_BUSY) {
        chan_put_prepare_ok(c, &ok);
        for (uint32_t i = 0; i < p->n_params; i++)
            chan_put_coldef(c, &param);
        if (p->n_params && !(s->caps & CAP_DEPRECATE_EOF))
            chan_put_eof(c, session_status(s), 0);
        for (uint32_t i = 0; i < p->n_cols; i++)
            chan_put_coldef(c, &p->cols[i]);
        if (p->n_cols && !(s->caps & CAP_DEPRECATE_EOF))
            chan_put_eof(c, session_status(s), 0);
    }
    session_reply_sent(s);
}

static void give_up(struct session *s)
{
    free_one(s->stmt->arg);
}

/* What the first branch of a UNION was prepared for, as columns of the UNION. */
static void belong_to_no_table(const struct plan *p, struct packet_coldef *cols, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        cols[i].table = cols[i].org_table = cols[i].schema = SV("");
        cols[i].org_name = p->set_distinct || (p->top && p->top->n_sort) ? cols[i].name : SV("");
        cols[i].flags &= WIRE_FLAG_UNSIGNED | WIRE_FLAG_BINARY | WIRE_FLAG_NUM | WIRE_FLAG_BLOB;
    }
}

static void checked(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct prepared *p = s->stmt->arg;

    s->stmt->side = NULL;
    s->stmt->give_up = NULL;
    if (diag_is_set(&r->diag) && p->is_planned) {
        s->stmt->diag = r->diag; /* r is in p's arena */
        free_one(p);
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    if (p->plan && p->plan->route.split_only && p->plan->n_set_branches)
        belong_to_no_table(p->plan, r->cols, r->n_cols);
    /* SELECT ... INTO answers with OK, whatever the statement that the shard has prepared would give. */
    if (p->plan && !p->plan->n_into_vars) {
        p->n_cols = r->n_cols;
        p->cols = r->cols;
    }
    keep(s, p);
    send_prepared(s, p);
}

/* Texts of the places do not change between executions unless values of the session are in them. */
static void make_texts(struct session *s, struct prepared *p)
{
    const struct cat_table *t = p->plan->route.table;

    for (uint16_t i = 0; i < p->plan->n_edits; i++) {
        if (p->plan->edits[i].kind == EDIT_SESSION_VALUE || p->plan->edits[i].kind == EDIT_AUTO_INCREMENT)
            return;
    }
    (void)s;
    p->n_texts = t && t->parts_n ? t->parts_n : 1;
    p->texts = ARENA_NEW_N(&p->arena, struct exec_place_text, p->n_texts);
}

/* What a shard is given to prepare; false: nothing. DDL and SET are prepared for MySQL's warnings of deprecated syntax only, as they
 * were written: what a shard does not understand is ours. */
static bool text_for_shard(struct session *s, struct prepared *p, struct sideq_args *a)
{
    if (p->plan)
        return query_first_place_text(s, p->plan, p->ast, p->text, &p->scan, a);
    a->sql = p->text;
    return !s->proxy->is_mariadb && (ddl_owns(p->ast) || p->ast->kind == AST_SET);
}

/* Statements that run as text have no plan. */
static struct names_scope names_of(const struct prepared *p)
{
    return p->plan ? (struct names_scope){.tables = p->plan->tables, .n = p->plan->n_tables, .copies = p->plan->offload != NULL} : (struct names_scope){.n = 0};
}

/* Has a shard check what was made, and tells the client. */
static void check(struct session *s, struct prepared *p)
{
    struct stmt *st = s->stmt;
    bool asks;

    for (uint16_t i = 0; p->plan && i < p->plan->n_tables; i++) {
        if (p->plan->tables[i]->state == CAT_HELD && !hold_pass_table(s, p->plan->tables[i])) {
            free_one(p);
            return;
        }
    }
    p->q = (struct sideq_args){.kind = SIDEQ_PREPARE, .names = names_of(p), .warnings = &p->said, .arena = &p->arena, .done = checked,
        .arg = s};
    asks = text_for_shard(s, p, &p->q);
    warn_sink_init(&p->said, &p->arena, UINT16_MAX);
    if (p->plan) {
        make_texts(s, p);
        exec_deprecations(p->plan, session_env(s), &p->said);
    }
    if (!asks) {
        keep(s, p);
        send_prepared(s, p);
        return;
    }
    st->arg = p;
    st->give_up = give_up;
    p->q.sql = arena_dup(&p->arena, p->q.sql);
    query_side(s, &p->q);
}

void prepared_prepare(struct session *s, struct sv text)
{
    struct prepared *p = make(s, text);

    map_of(s)->last_id = 0;
    if (p)
        check(s, p);
    else
        session_reply_err(s, &s->stmt->diag);
}

/* ---- execution ---- */

/* The statement that runs is p: in p's schema, wherever the session is now. */
static bool enter_schema(struct session *s, const struct prepared *p)
{
    struct stmt *st = s->stmt;

    if (sv_eq(p->db, s->db))
        return true;
    st->wanted = sync_with_schema(s->wanted, p->db);
    if (!st->wanted)
        return diag_set(&st->diag, ER_OUT_OF_RESOURCES, "session variables");
    st->db = p->db.len ? arena_dup(&st->arena, p->db) : SV_NULL;
    st->is_elsewhere = true;
    return true;
}

static bool renew(struct session *s, struct prepared *p)
{
    if (!p->is_planned ||
        (p->plan && p->plan->catalog_version == session_snapshot(s)->version && p->results == s->view.results))
        return true;
    if (p->plan)
        plan_release(p->plan);
    p->plan = query_plan(s, p->ast, p->text);
    if (!p->plan)
        return false; /* the next execution tries again */
    p->results = s->view.results;
    p->texts = NULL;
    p->n_texts = 0;
    p->cols = NULL; /* its tables may have other columns now */
    p->n_cols = 0;
    make_texts(s, p);
    return true;
}

/* The parser of execute packets gives a temporal's bytes without its length byte, which value_from_binary wants. */
static bool param_value(struct session *s, const struct packet_param *in, struct value *out)
{
    struct wire_value w;
    struct strbuf b;

    if (!wire_param_value(in, &w))
        return false;
    if (w.kind == WIRE_KIND_DATE || w.kind == WIRE_KIND_DATETIME || w.kind == WIRE_KIND_TIME) {
        char buf[WIRE_TEXT_MAX];
        struct sv text = wire_value_text(&w, w.t.micros ? 6 : 0, buf);

        /* As text: the column's own type decides how it is read, as in the text protocol. */
        *out = value_str(arena_dup(&s->stmt->arena, text), session_collation(s));
        return true;
    }
    switch (w.kind) {
    case WIRE_KIND_INT:
        *out = value_i64(w.i);
        return true;
    case WIRE_KIND_UINT:
        *out = value_u64(w.u);
        return true;
    case WIRE_KIND_FLOAT:
        *out = value_f64((double)w.f);
        return true;
    case WIRE_KIND_DOUBLE:
        *out = value_f64(w.d);
        return true;
    case WIRE_KIND_BYTES:
        if (in->type == WIRE_NEWDECIMAL || in->type == WIRE_DECIMAL)
            return value_parse_number(w.s, out) || (*out = value_str(w.s, session_collation(s)), true);
        strbuf_init(&b, &s->stmt->arena);
        *out = value_str(w.s, in->type >= WIRE_TINY_BLOB && in->type <= WIRE_BLOB ? 63 : session_collation(s));
        return true;
    case WIRE_KIND_NULL:
        *out = value_null();
        return true;
    case WIRE_KIND_DATE:
    case WIRE_KIND_DATETIME:
    case WIRE_KIND_TIME:
        break;
    }
    return false;
}

/* Types that a server compares alike. */
static unsigned char kind_of(const struct packet_param *in)
{
    switch (in->type) {
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_INT24:
    case WIRE_LONG:
    case WIRE_LONGLONG:
    case WIRE_YEAR:
        return in->is_unsigned ? 2 : 1;
    case WIRE_DECIMAL:
    case WIRE_NEWDECIMAL:
        return 3;
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
        return 4;
    case WIRE_TINY_BLOB:
    case WIRE_MEDIUM_BLOB:
    case WIRE_LONG_BLOB:
    case WIRE_BLOB:
        return 5;
    case WIRE_DATE:
    case WIRE_NEWDATE:
    case WIRE_TIME:
    case WIRE_DATETIME:
    case WIRE_TIMESTAMP:
        return (unsigned char)(0x80 | in->type);
    default:
        return 6;
    }
}

/* What a server makes of a parameter of LIMIT, whatever its type: a whole number. False: diag is set, as the servers do it;
 * where: the name that they give to the binary execution, or NULL for EXECUTE ... USING. */
static bool limit_value(struct session *s, const char *where, struct value *v)
{
    struct stmt *st = s->stmt;
    bool maria = s->proxy->is_mariadb;
    struct env env = {.warnings = maria && where ? &st->warnings : NULL};

    if (!maria && (v->kind == KIND_F64 || v->kind == KIND_DEC || (v->kind == KIND_STR && !where)))
        return diag_setf(&st->diag, ER_WRONG_ARGUMENTS, "Incorrect arguments to %s", where ? where : "EXECUTE");
    if (!maria && v->kind == KIND_I64 && v->i < 0)
        return diag_setf(&st->diag, 1690, "%s value is out of range in '%s'",
            where ? "SIGNED INTEGER" : "unsigned integer", where ? where : "EXECUTE");
    if (v->kind == KIND_U64)
        return true;
    if (maria && !where && value_to_i64(v, NULL) < 0)
        return diag_setf(&st->diag, ER_WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE");
    *v = value_u64(value_to_u64_bits(v, &env));
    return true;
}

/* The parameter as the shard gets it, where the statement is relayed. */
static void set_whole(struct packet_param *in, uint64_t n, struct arena *a)
{
    unsigned char bytes[8];

    put_u64(bytes, n);
    *in = (struct packet_param){.type = WIRE_LONGLONG, .is_unsigned = true, .name = in->name,
        .bytes = arena_dup(a, sv_make((const char *)bytes, sizeof(bytes)))};
}

static bool param_values(struct session *s, const struct prepared *p, struct packet_param *params)
{
    struct stmt *st = s->stmt;
    struct value *v = ARENA_NEW_N(&st->arena, struct value, p->n_params);

    for (uint32_t i = 0; i < p->n_params; i++) {
        struct packet_param *in = &params[i];

        if (in->is_long_data || !in->is_null)
            p->kinds[i] = kind_of(in);
        if (in->is_long_data && p->longs[i].too_long) {
            return diag_setf(&st->diag, ER_UNKNOWN_ERROR, "Parameter of prepared statement which is set through "
                "mysql_send_long_data() is longer than 'max_allowed_packet' bytes");
        } else if (in->is_long_data) {
            v[i] = value_str(sv_make(p->longs[i].bytes, p->longs[i].len), session_collation(s));
        } else if (in->is_null) {
            v[i] = value_null();
        } else if (!param_value(s, in, &v[i])) {
            return diag_set(&st->diag, ER_MALFORMED_PACKET);
        }
        if (p->is_limit[i]) {
            if (!limit_value(s, "mysqld_stmt_execute", &v[i]))
                return false;
            set_whole(in, v[i].u, &st->arena);
            p->kinds[i] = kind_of(in);
        }
    }
    st->inputs.params = v;
    st->inputs.n_params = p->n_params;
    return true;
}

/* Appends what stands for parameter i. False: the statement's diag is set. */
typedef bool (*put_param_fn)(struct session *s, const struct prepared *p, uint32_t i, const void *arg, struct strbuf *b);

/* Appends text with each `?` replaced. */
static bool put_text(struct session *s, const struct prepared *p, struct sv text, put_param_fn put, const void *arg, struct strbuf *b)
{
    struct lex l;
    struct token t;
    uint32_t at = 0;

    lex_init(&l, text, 0, session_sql_opts(s));
    for (lex_next(&l, &t); t.kind > TK_ERROR; lex_next(&l, &t)) {
        if (t.kind != TK_PARAM)
            continue;
        strbuf_put(b, text.ptr + at, t.begin - at);
        at = t.end;
        if (!put(s, p, t.slot, arg, b))
            return false;
    }
    strbuf_put(b, text.ptr + at, text.len - at);
    return true;
}

static bool put_value(struct session *s, const struct prepared *p, uint32_t i, const void *arg, struct strbuf *b)
{
    (void)p;
    (void)arg;
    value_print_sql(&s->stmt->inputs.params[i], s->no_backslash, b);
    return true;
}

/* The parameters go into the text as literals: what is read of information_schema is collected anew for each execution. */
static void run_infoschema(struct session *s, struct prepared *p)
{
    struct stmt *st = s->stmt;
    struct parse_result r;
    struct strbuf b;

    strbuf_init(&b, &st->arena);
    (void)put_text(s, p, p->text, put_value, NULL, &b);
    st->inputs.params = NULL;
    st->inputs.n_params = 0;
    if (!parser_parse(strbuf_sv(&b), 0, session_sql_opts(s), &st->arena, &r, &st->diag)) {
        session_reply_err(s, &st->diag);
        return;
    }
    st->text = strbuf_sv(&b);
    st->ast = r.stmt;
    query_statement(s);
}

static void run(struct session *s, struct prepared *p, const struct packet_execute *e)
{
    struct stmt *st = s->stmt;

    if (p->is_planned && infoschema_reads(s, p->ast)) {
        run_infoschema(s, p);
        return;
    }
    st->text = p->text;
    st->ast = p->ast;
    if (!p->is_planned) {
        query_statement(s);
        return;
    }
    session_inputs(s, &p->scan);
    st->plan = plan_hold(p->plan);
    st->exec.result_defs = p->n_cols ? p->cols : NULL;
    st->exec.n_result_defs = p->n_cols;
    if (p->plan->n_edits || p->plan->route.kind != ROUTE_ALL_SHARDS) {
        struct strbuf b;
        struct packet_param *params = e->params;

        strbuf_init(&b, &st->arena);
        for (uint32_t i = 0; i < p->n_params; i++) {
            if (!params[i].is_long_data)
                continue;
            params[i].is_long_data = false;
            params[i].type = params[i].type == WIRE_NULL ? WIRE_BLOB : params[i].type;
            params[i].bytes = sv_make(p->longs[i].bytes, p->longs[i].len);
        }
        packet_execute_build(&b, 0, 0, params, p->n_params);
        st->prepared = (struct exec_prepared){.payload = b.ptr, .len = b.len, .arena = &p->arena, .texts = p->texts,
            .n_texts = p->n_texts, .types = p->n_params ? hash64(p->kinds, p->n_params) : 0};
        st->exec.prepared = &st->prepared;
    }
    query_execute(s);
}

/* ---- columns whose types are those of parameters ----
 *
 * Servers give them types when they execute. So a shard is asked once more, with literals of the parameters' types in place of them;
 * again when other types or lengths come. The names are those of the statement as it was prepared. */

/* Never 0. */
static uint64_t shown_hash(const struct session *s, const struct prepared *p)
{
    uint64_t h = 1;

    for (uint32_t i = 0; i < p->n_params; i++) {
        const struct value *v = &s->stmt->inputs.params[i];
        uint64_t one[] = {h, i, p->kinds[i], v->kind == KIND_STR ? v->s.len : v->kind == KIND_DEC ? v->d.scale : 0};

        if (p->is_shown[i])
            h = hash64(one, sizeof(one)) | 1;
    }
    return h;
}

static bool put_typed(struct session *s, const struct prepared *p, uint32_t i, const void *arg, struct strbuf *b)
{
    const struct value *v = &s->stmt->inputs.params[i];
    unsigned char type = p->kinds[i] & 0x7f;

    (void)arg;
    if (!p->is_shown[i]) {
        strbuf_putc(b, '?');
        return true;
    }
    if (v->kind == KIND_I64 || v->kind == KIND_U64) {
        /* A parameter is as wide as its type, a literal as its digits. */
        strbuf_puts(b, "COALESCE(");
        value_print_sql(v, s->no_backslash, b);
        strbuf_puts(b, v->kind == KIND_I64 ? ", -9223372036854775807)" : ", 18446744073709551615)");
        return true;
    }
    if (v->kind == KIND_STR && (p->kinds[i] & 0x80)) {
        bool is_date = type == WIRE_DATE || type == WIRE_NEWDATE;

        strbuf_puts(b, type == WIRE_TIME ? "TIME'" : is_date ? "DATE'" : "TIMESTAMP'");
        strbuf_putsv(b, v->s);
        /* In MySQL a moment that is a parameter has microseconds, given or not. */
        strbuf_puts(b, s->proxy->is_mariadb || is_date || memchr(v->s.ptr, '.', v->s.len) ? "'" : ".000000'");
        return true;
    }
    value_print_sql(v, s->no_backslash, b);
    return true;
}

static void ask_shown(struct session *s);

static void shown_known(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct stmt *st = s->stmt;
    struct prepared *p = st->executing;

    st->side = NULL;
    if (diag_is_set(&r->diag)) {
        st->diag = r->diag;
        session_reply_err(s, &st->diag);
        return;
    }
    if (!p->n_cols) {
        p->cols = r->cols;
        p->n_cols = r->n_cols;
        ask_shown(s);
        return;
    }
    for (uint32_t i = 0; i < p->n_cols && i < r->n_cols; i++) {
        p->cols[i].type = r->cols[i].type;
        p->cols[i].length = r->cols[i].length;
        p->cols[i].charset = r->cols[i].charset;
        p->cols[i].flags = r->cols[i].flags;
        p->cols[i].decimals = r->cols[i].decimals;
    }
    p->shown_as = shown_hash(s, p);
    run(s, p, st->arg);
}

static void ask_shown(struct session *s)
{
    struct stmt *st = s->stmt;
    struct prepared *p = st->executing;
    struct arena *a = p->n_cols ? &st->arena : &p->arena;
    struct strbuf b;

    p->q = (struct sideq_args){.kind = SIDEQ_PREPARE, .names = names_of(p), .arena = a, .done = shown_known, .arg = s};
    if (!query_first_place_text(s, p->plan, p->ast, p->text, &p->scan, &p->q)) {
        session_reply_err(s, &st->diag);
        return;
    }
    strbuf_init(&b, &st->arena);
    if (p->n_cols)
        (void)put_text(s, p, p->q.sql, put_typed, NULL, &b);
    else
        strbuf_putsv(&b, p->q.sql);
    p->q.sql = strbuf_sv(&b);
    query_side(s, &p->q);
}

void prepared_execute(struct session *s)
{
    struct stmt *st = s->stmt;
    const struct packet *pk = &st->packet;
    struct packet_execute e;
    struct prepared *p;
    uint32_t id = 0;

    if (!packet_execute_id(pk->ptr, pk->len, &id) || !(p = *find_id(s, id))) {
        unknown(s, id, "mysqld_stmt_execute");
        return;
    }
    if (!packet_execute_parse(pk->ptr, pk->len, s->caps, p->n_params, p->types, p->is_long, &st->arena, &e)) {
        diag_set(&st->diag, ER_MALFORMED_PACKET);
        session_reply_err(s, &st->diag);
        return;
    }
    st->binary = true;
    st->executing = p;
    st->said = &p->said;
    if (!enter_schema(s, p) || !renew(s, p) || !param_values(s, p, e.params)) {
        session_reply_err(s, &st->diag);
        return;
    }
    if (p->has_shown && p->plan && p->plan->kind == PLAN_SELECT && !p->plan->route.split_only && !infoschema_reads(s, p->ast) &&
        (!p->n_cols || p->shown_as != shown_hash(s, p))) {
        struct packet_execute *kept = ARENA_NEW(&st->arena, struct packet_execute);

        *kept = e;
        st->arg = kept;
        ask_shown(s);
        return;
    }
    run(s, p, &e);
}

void prepared_execution_over(struct session *s)
{
    struct prepared *p = s->stmt->executing;

    if (p)
        forget_long_data(s->prepared, p);
}

/* ---- the rest of the protocol's commands ---- */

void prepared_close(struct session *s)
{
    const struct packet *pk = &s->stmt->packet;
    uint32_t id;

    if (packet_stmt_id(pk, &id) && *find_id(s, id))
        drop(s, find_id(s, id));
    session_reply_sent(s); /* no answer */
}

void prepared_reset(struct session *s)
{
    const struct packet *pk = &s->stmt->packet;
    struct prepared *p;
    uint32_t id = 0;

    if (!packet_stmt_id(pk, &id) || !(p = *find_id(s, id))) {
        unknown(s, id, "mysqld_stmt_reset");
        return;
    }
    forget_long_data(s->prepared, p);
    session_reply_done(s);
}

void prepared_long_data(struct session *s)
{
    enum { HEAD = 1 + 4 + 2 };
    const struct packet *pk = &s->stmt->packet;
    struct prepared *p;
    uint32_t id, n;

    /* No answer, whatever happens: a wrong id is found out at execution. */
    if (pk->len >= HEAD && packet_stmt_id(pk, &id) && (p = *find_id(s, id)) &&
        (n = get_u16(pk->ptr + 5)) < p->n_params) {
        struct long_data *l = &p->longs[n];
        size_t more = pk->len - HEAD;

        if (l->too_long || more > s->chan.max_packet - s->prepared->long_bytes) {
            s->prepared->long_bytes -= l->len;
            xfree(l->bytes);
            *l = (struct long_data){.too_long = true};
            p->is_long[n] = true;
        } else {
            s->prepared->long_bytes += more;
            l->bytes = xrealloc(l->bytes, l->len + more);
            if (more)
                memcpy(l->bytes + l->len, pk->ptr + HEAD, more);
            l->len += more;
            p->is_long[n] = true;
        }
    }
    session_reply_sent(s);
}

/* ---- PREPARE, EXECUTE, DEALLOCATE ---- */

void prepared_prepare_text(struct session *s)
{
    const struct ast_prepare *n = AST_AS_CONST(prepare, s->stmt->ast);
    struct stmt *st = s->stmt;
    struct prepared *p, **old;
    struct sv text = SV_NULL;

    if (n->from->kind == AST_LIT) {
        text = AST_AS_CONST(lit, n->from)->value;
    } else if (n->from->kind == AST_USERVAR) {
        struct sv lit = uservar_get(s, AST_AS_CONST(uservar, n->from)->name);
        struct value v;

        if (session_literal_value(s, lit, &v) && v.kind == KIND_STR)
            text = v.s;
        else
            text = lit;
    } else {
        diag_set(&st->diag, ER_NOT_SUPPORTED_YET, "PREPARE from an expression");
        session_reply_err(s, &st->diag);
        return;
    }
    old = find_name(s, n->name.name);
    if (*old)
        drop(s, old);
    p = make(s, text);
    if (!p) {
        session_reply_err(s, &st->diag);
        return;
    }
    p->name = arena_dup(&p->arena, n->name.name);
    check(s, p);
}

/* A parameter is a value: hex and bit literals are the strings that they spell, no numbers. */
static void put_literal(struct session *s, const struct ast_lit *l, struct strbuf *b)
{
    struct deparse_opts o = {.sql = session_sql_opts(s)};

    if ((l->type == AST_LIT_HEX || l->type == AST_LIT_BIT) && !l->charset.ptr)
        strbuf_put_bytes(b, l->value, false);
    else
        deparse(&l->node, &o, b);
}

/* The whole number that an argument of EXECUTE is for LIMIT. */
static bool put_limit(struct session *s, const struct ast_node *a, struct strbuf *b)
{
    struct strbuf literal;
    struct value v;

    strbuf_init(&literal, &s->stmt->arena);
    if (a->kind == AST_LIT)
        put_literal(s, AST_AS_CONST(lit, a), &literal);
    else
        strbuf_putsv(&literal, uservar_get(s, AST_AS_CONST(uservar, a)->name));
    if (!session_literal_value(s, strbuf_sv(&literal), &v))
        v = value_null();
    if (!limit_value(s, NULL, &v))
        return false;
    strbuf_put_u64(b, v.u);
    return true;
}

static bool put_arg(struct session *s, const struct prepared *p, uint32_t i, const void *arg, struct strbuf *b)
{
    const struct ast_node *a = ((const struct ast_list *)arg)->items[i];
    struct value v;

    if (a->kind != AST_USERVAR && a->kind != AST_LIT)
        return diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "EXECUTE ... USING an expression");
    if (p->is_limit[i])
        return put_limit(s, a, b);
    if (a->kind == AST_LIT) {
        put_literal(s, AST_AS_CONST(lit, a), b);
    } else {
        if (!session_literal_value(s, uservar_get(s, AST_AS_CONST(uservar, a)->name), &v))
            v = value_null();
        value_print_sql(&v, s->no_backslash, b);
    }
    return true;
}

void prepared_execute_text(struct session *s)
{
    const struct ast_execute *n = AST_AS_CONST(execute, s->stmt->ast);
    struct stmt *st = s->stmt;
    struct prepared *p = n->immediate ? NULL : *find_name(s, n->name.name);
    struct strbuf b;

    if (!p) {
        diag_setf(&st->diag, ER_UNKNOWN_STMT_HANDLER, "Unknown prepared statement handler (%.*s) given to EXECUTE",
            SV_ARG(n->name.name));
        session_reply_err(s, &st->diag);
        return;
    }
    if (n->args.n != p->n_params) {
        diag_setf(&st->diag, ER_WRONG_ARGUMENTS, "Incorrect arguments to EXECUTE");
        session_reply_err(s, &st->diag);
        return;
    }
    strbuf_init(&b, &st->arena);
    if (!put_text(s, p, p->text, put_arg, &n->args, &b) || !enter_schema(s, p)) {
        session_reply_err(s, &st->diag);
        return;
    }
    st->said = &p->said;
    query_run(s, strbuf_sv(&b));
}

void prepared_deallocate(struct session *s, struct sv name)
{
    struct prepared **at = find_name(s, name);

    if (!*at) {
        diag_setf(&s->stmt->diag, ER_UNKNOWN_STMT_HANDLER,
            "Unknown prepared statement handler (%.*s) given to DEALLOCATE PREPARE", SV_ARG(name));
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    drop(s, at);
    session_reply_done(s);
}
