/* Statements by kind: plan cache, parser, transactions, DDL, and execution of plans.
 *
 * The way of a point select whose plan is known: digest_scan, plan cache, exec_start - no tree, nothing allocated outside the
 * statement's arena. Everything else goes through the parser and a switch over the kind of the statement. */
#include "proxy/command.h"

#include "catalog/pin.h"
#include "catalog/snapshot.h"
#include "ddl/ddl.h"
#include "optimizer/cache.h"
#include "parser/parse.h"
#include "proxy/env.h"
#include "proxy/infoschema.h"
#include "proxy/kill.h"
#include "proxy/prepared.h"
#include "proxy/proxy.h"
#include "proxy/resultset.h"
#include "proxy/uservar.h"
#include "util/log.h"

/* ---- executions ---- */

static struct session *session_of(struct exec *e)
{
    return CONTAINER_OF(e, struct stmt, exec)->session;
}

static uint16_t host_status(struct exec *e)
{
    return session_status(session_of(e));
}

static bool host_begin(struct exec *e, enum txn_need need, bool several, struct diag *d)
{
    struct session *s = session_of(e);
    struct txn_stmt st = {.need = need, .several = several};

    if (!txn_stmt_begin(s->txn, &st, d))
        return false;
    s->stmt->txn_open = true;
    s->stmt->wrote = need != TXN_NEED_READ;
    return true;
}

/* INSERT ... ON DUPLICATE KEY UPDATE: a row that is set to what it was counts 1 for these clients instead of 0. How many those are
 * follows from the rows given (n), the duplicates d and the rows affected: with i new ones, u changed ones and s same ones,
 * n = i + u + s and affected = i + 2u; d is u, or with IGNORE n - i - u (rows that were ignored give warnings). */
static void found_duplicates(struct session *s, struct packet_ok *ok)
{
    const struct plan *p = s->stmt->plan;
    bool sure = !p->insert_ignore || s->stmt->warnings.total == 0;
    uint64_t n[3], same;

    if (!exec_info_numbers(ok->info, n)) {
        if (ok->affected_rows == 0 && sure)
            ok->affected_rows = 1;
        return;
    }
    if (p->insert_ignore)
        same = sure ? n[1] : 0;
    else
        same = n[0] + n[1] - MIN(ok->affected_rows, n[0] + n[1]);
    ok->affected_rows += same;
    if (!p->insert_ignore && !p->insert_select && same) /* INSERT ... SELECT does not say it */
        ok->info = arena_printf(&s->stmt->arena, "Records: %llu  Duplicates: %llu  Warnings: %llu", (unsigned long long)n[0],
            (unsigned long long)(n[1] + same), (unsigned long long)n[2]);
}

/* CLIENT_FOUND_ROWS: an UPDATE tells the rows that matched. Shard connections are shared by clients with and without the flag, so
 * the numbers are taken from the info text. */
static void found_rows(struct session *s, struct packet_ok *ok)
{
    uint64_t n[3];

    if (s->stmt->plan->on_duplicate)
        found_duplicates(s, ok);
    else if (sv_starts(ok->info, SV("Rows matched: ")) && exec_info_numbers(ok->info, n))
        ok->affected_rows = n[0];
}

/* The statement and what the transaction made of it are over: tell the client. */
static void execution_over(void *arg, const struct diag *d)
{
    struct session *s = arg;
    struct stmt *st = s->stmt;
    const struct exec_outcome *o = &st->exec.outcome;

    st->txn_open = false;
    if (st->exec.client_torn) {
        /* Half a packet was sent: whatever came next would be read as its rest. */
        s->kill_requested = true;
        st->more_follows = false;
        session_reply_sent(s);
        return;
    }
    /* d says more than the statement's own error: that the whole transaction is gone. */
    if (!d && o->kind == EXEC_ERROR && hold_retry(s, &o->diag))
        return;
    if (d || o->kind == EXEC_ERROR) {
        session_reply_err(s, d ? d : &o->diag);
        return;
    }
    if (st->exec.last_insert_id)
        s->last_insert_id = st->exec.last_insert_id;
    else if (st->exec.generated_id && o->kind == EXEC_ROWS) /* INSERT ... RETURNING */
        s->last_insert_id = st->exec.generated_id;
    if (o->kind == EXEC_ROWS) {
        s->found_rows = o->rows;
        session_reply_rows_end(s, o->ok.warnings);
        return;
    }
    if (st->plan->sets_insert_id && o->ok.insert_id)
        s->last_insert_id = o->ok.insert_id;
    else if (st->exec.generated_id)
        s->last_insert_id = st->exec.generated_id;
    if (s->caps & CAP_FOUND_ROWS) {
        struct packet_ok ok = o->ok;

        found_rows(s, &ok);
        session_reply_ok(s, &ok);
        return;
    }
    session_reply_ok(s, &o->ok);
}

static void host_done(struct exec *e, const struct exec_outcome *o)
{
    struct session *s = session_of(e);

    if (s->stmt->txn_open)
        txn_stmt_end(s->txn, o->kind != EXEC_ERROR, execution_over, s);
    else
        execution_over(s, NULL);
}

static void host_set_variable(struct exec *e, struct sv name, const struct packet_coldef *col, struct sv cell)
{
    struct session *s = session_of(e);
    struct diag d = {0};

    if (!uservar_set(s, name, literal_of_cell(&s->stmt->arena, col, cell, s->no_backslash), &d))
        warn_add(&s->stmt->warnings, WARN_WARNING, d.code, "%s", d.text);
}

static const struct exec_host host = {
    .set_variable = host_set_variable,
    .begin = host_begin,
    .status = host_status,
    .on_done = host_done,
};

void query_init_exec(struct session *s, struct exec *e)
{
    struct stmt *st = s->stmt;

    e->host = &host;
    e->shared = s->proxy->exec;
    e->gate = &proxy_worker_of(s->worker)->offloads;
    e->worker = s->worker;
    e->client = &s->chan;
    e->caps = s->caps;
    e->binary = st->binary;
    e->serializable = s->view.serializable;
    e->txn = s->txn;
    e->wanted = st->wanted ? st->wanted : s->wanted;
    e->foreign_names = s->view.foreign_names;
    e->foreign_results = s->view.foreign_results;
    e->wanted_parts = st->wanted_parts ? st->wanted_parts : e->wanted;
    e->wanted_taken = st->wanted_taken ? st->wanted_taken : e->wanted_parts;
    e->select_limit = s->vars.select_limit;
    e->snapshot = session_snapshot(s);
    e->arena = &st->arena;
    e->warnings = &st->warnings;
    e->said = st->said;
    e->plan = st->plan;
    e->env = st->inputs.env;
    e->inputs = &st->inputs;
}

struct plan *query_plan(struct session *s, struct ast_node *ast, struct sv text)
{
    struct opt_env env = session_opt_env(s);
    struct opt_text t = {.text = text, .opts = session_sql_opts(s)};
    struct plan *p = optimizer_plan(ast, &t, session_snapshot(s), &env, &s->stmt->diag);

    if (p) {
        p->meta_is_stable = query_meta_is_stable(ast);
    }
    return p;
}

/* A state that differs from the one before it in one variable; *at keeps it. */
static bool derive_state(struct session *s, struct sync_state **at, struct sv name, struct sv value)
{
    struct stmt *st = s->stmt;
    const struct sync_state *from = st->wanted_parts ? st->wanted_parts : st->wanted ? st->wanted : s->wanted;

    if (*at)
        return true; /* the statement began anew */
    *at = sync_with_var(from, name, value);
    return *at || diag_set(&st->diag, ER_OUT_OF_RESOURCES, "session variables");
}

/* sql_select_limit would cut each piece of a statement that goes to several places, and the rows that a write reads first. Rows that
 * are read to be told to shards again must not lose what the client's character set lacks. */
static bool make_piece_states(struct session *s)
{
    struct stmt *st = s->stmt;

    if (s->vars.select_limit != UINT64_MAX &&
        !derive_state(s, &st->wanted_parts, SV("sql_select_limit"), SV("18446744073709551615")))
        return false;
    return !s->view.narrow_results || (st->plan->kind == PLAN_SELECT && !st->plan->offload) ||
        derive_state(s, &st->wanted_taken, SV("character_set_results"), SV("'utf8mb4'"));
}

void query_execute(struct session *s)
{
    struct stmt *st = s->stmt;

    if (!st->plan) {
        st->plan = query_plan(s, st->ast, st->text);
        if (!st->plan) {
            session_reply_err(s, &st->diag);
            return;
        }
        if (!st->plan->uncacheable && st->cacheable)
            plan_cache_put(s->worker->slot[WORKER_SLOT_PLANS], &st->key, st->plan);
    }
    if (UNLIKELY(st->plan->is_held) && !hold_pass(s))
        return;
    if (!make_piece_states(s)) {
        session_reply_err(s, &st->diag);
        return;
    }
    if (!st->inputs.text.ptr)
        session_inputs(s, &st->scan);
    query_init_exec(s, &st->exec);
    exec_start(&st->exec);
}

/* ---- transactions ---- */

static void trx_done(void *arg, const struct diag *d)
{
    struct session *s = arg;

    if (d)
        session_reply_err(s, d);
    else
        session_reply_done(s);
}

static void trx_release(void *arg, const struct diag *d)
{
    struct session *s = arg;

    s->kill_requested = true; /* RELEASE: the connection ends behind the answer */
    trx_done(s, d);
}

static void run_trx(struct session *s)
{
    const struct ast_trx *t = AST_AS_CONST(trx, s->stmt->ast);
    enum vars_completion usual = s->vars.completion;
    bool release = t->release == AST_YES || (t->release == AST_UNSTATED && usual == VARS_RELEASE);
    bool chain = t->chain == AST_YES || (t->chain == AST_UNSTATED && usual == VARS_CHAIN);
    enum txn_completion how = chain ? TXN_CHAIN : TXN_END;
    struct txn_begin begin = {0};

    switch (t->op) {
    case AST_TRX_BEGIN:
    case AST_TRX_START:
        session_settle_isolation(s); /* the transaction that ends now comes to no further shard */
        begin.consistent_snapshot = t->snapshot;
        begin.access = t->access == AST_ACCESS_READ_ONLY ? TXN_READ_ONLY
            : t->access == AST_ACCESS_READ_WRITE       ? TXN_READ_WRITE
                                                       : TXN_ACCESS_DEFAULT;
        txn_begin(s->txn, &begin, trx_done, s);
        return;
    case AST_TRX_COMMIT:
        txn_commit(s->txn, how, release ? trx_release : trx_done, s);
        return;
    case AST_TRX_ROLLBACK:
        txn_rollback(s->txn, how, release ? trx_release : trx_done, s);
        return;
    case AST_TRX_SAVEPOINT:
        txn_savepoint(s->txn, t->savepoint.name, trx_done, s);
        return;
    case AST_TRX_ROLLBACK_TO:
        txn_rollback_to(s->txn, t->savepoint.name, trx_done, s);
        return;
    case AST_TRX_RELEASE:
        txn_release_savepoint(s->txn, t->savepoint.name, trx_done, s);
        return;
    }
}

/* ---- USE ---- */

void query_use(struct session *s, struct sv db)
{
    struct stmt *st = s->stmt;

    if (!db.len) {
        diag_set(&st->diag, ER_NO_DB_ERROR);
        session_reply_err(s, &st->diag);
    } else if (!session_set_db(s, db, &st->diag)) {
        session_reply_err(s, &st->diag);
    } else {
        session_reply_done(s);
    }
}

/* ---- DDL: a job on the control threads, which posts its end back to this worker ---- */

struct ddl_wait {
    struct session *session;
    struct worker *worker;
    struct ddl_result *result;
    bool tells_info; /* ALTER TABLE and what is one */
};

static void send_ddl_rows(struct session *s, const struct ddl_rows *rows)
{
    struct rs_col *cols = ARENA_NEW_N(&s->stmt->arena, struct rs_col, rows->n_cols);

    for (size_t i = 0; i < rows->n_cols; i++)
        cols[i] = (struct rs_col){.name = arena_dup(&s->stmt->arena, rows->cols[i].name).ptr,
            .type = rows->cols[i].type, .length = rows->cols[i].length};
    resultset_send(s, cols, (uint32_t)rows->n_cols, rows->cells, rows->n_rows);
}

static void ddl_over(struct worker *w, void *arg)
{
    struct ddl_wait *wait = arg;
    struct session *s = wait->session;
    struct ddl_result *r = wait->result;
    struct packet_ok ok = {.affected_rows = r->affected};

    cat_pin_refresh(w->slot[WORKER_SLOT_CATALOG]);
    for (size_t i = 0; i < r->n_notes; i++) {
        const struct ddl_note *n = &r->notes[i];
        enum warn_level level = n->level == DDL_NOTE ? WARN_NOTE : n->level == DDL_WARNING ? WARN_WARNING : WARN_ERROR;

        if (session_was_said(s, n->code, n->text))
            continue;
        warn_add(&s->stmt->warnings, level, n->code, "%.*s", SV_ARG(n->text));
    }
    if (!r->ok)
        session_reply_err(s, &r->diag);
    else if (r->rows)
        send_ddl_rows(s, r->rows);
    else {
        if (wait->tells_info)
            ok.info = arena_printf(&s->stmt->arena, "Records: %llu  Duplicates: 0  Warnings: %llu",
                (unsigned long long)r->affected, (unsigned long long)s->stmt->warnings.total);
        session_reply_ok(s, &ok);
    }
    ddl_result_free(r);
    xfree(wait);
}

static void ddl_done(void *arg, struct ddl_result *r)
{
    struct ddl_wait *wait = arg;

    wait->result = r;
    worker_post(wait->worker, ddl_over, wait);
}

static void ddl_begin(void *arg, const struct diag *d)
{
    struct session *s = arg;
    struct stmt *st = s->stmt;
    struct ddl_wait *wait;
    struct ddl_request q = {
        .sql = st->text,
        .db = s->db,
        .sql_mode = env_mode_print(s->sql_mode, &st->arena),
        .user = sv_cstr(s->user),
        .host = sv_cstr(s->host),
        .session_id = s->id,
        .no_foreign_key_checks = session_flag_off(s, SV("foreign_key_checks")),
        .no_unique_checks = session_flag_off(s, SV("unique_checks")),
        .mariadb_syntax = s->proxy->is_mariadb,
        .lock_wait_s = (uint32_t)MIN(hold_wait_s(s, 0), (uint64_t)UINT32_MAX),
    };

    if (d) {
        session_reply_err(s, d);
        return;
    }
    session_drop_snapshots(s); /* or the job would wait for the statement that waits for it */
    wait = xcalloc(1, sizeof(*wait));
    wait->session = s;
    wait->worker = s->worker;
    wait->tells_info = s->stmt->ast->kind == AST_ALTER_TABLE || s->stmt->ast->kind == AST_CREATE_INDEX ||
        s->stmt->ast->kind == AST_DROP_INDEX;
    ddl_submit(s->proxy->ddl, &q, ddl_done, wait);
}

void query_ddl(struct session *s, struct sv sql)
{
    s->stmt->text = sql;
    txn_implicit_commit(s->txn, ddl_begin, s);
}

/* ---- by kind ---- */

static void unsupported(struct session *s, const char *what)
{
    diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, what);
    session_reply_err(s, &s->stmt->diag);
}

/* The statement's first words, as it is named in an error. */
static const char *first_words(struct session *s)
{
    struct sv text = sv_trim(s->stmt->ast->kind == AST_TEXT_STMT ? AST_AS_CONST(text_stmt, s->stmt->ast)->text : s->stmt->text);
    struct strbuf b;
    size_t at = 0;

    strbuf_init(&b, &s->stmt->arena);
    for (int word = 0; word < 3; word++) {
        size_t begin = at;

        while (at < text.len && ((text.ptr[at] | 0x20) >= 'a' && (text.ptr[at] | 0x20) <= 'z'))
            at++;
        if (at == begin || (at < text.len && memchr("_0123456789$.=(", text.ptr[at], 15)))
            break; /* a name, not a word of the statement */
        if (word)
            strbuf_putc(&b, ' ');
        for (size_t i = begin; i < at; i++)
            strbuf_putc(&b, (char)(text.ptr[i] & ~0x20));
        while (at < text.len && memchr(" \t\r\n", text.ptr[at], 4))
            at++;
    }
    return b.len ? strbuf_cstr(&b) : "this statement";
}

static void run_simple(struct session *s)
{
    const struct ast_simple *n = AST_AS_CONST(simple, s->stmt->ast);

    switch (n->op) {
    case AST_SIMPLE_USE:
        query_use(s, n->name.name);
        return;
    case AST_SIMPLE_DEALLOCATE:
        prepared_deallocate(s, n->name.name);
        return;
    case AST_SIMPLE_UNLOCK_TABLES:
        session_reply_done(s);
        return;
    case AST_SIMPLE_HELP:
        unsupported(s, "HELP");
        return;
    case AST_SIMPLE_SHUTDOWN:
        unsupported(s, "SHUTDOWN");
        return;
    case AST_SIMPLE_RESTART:
        unsupported(s, "RESTART");
        return;
    case AST_SIMPLE_LOCK_INSTANCE:
    case AST_SIMPLE_UNLOCK_INSTANCE:
        unsupported(s, "LOCK INSTANCE");
        return;
    case AST_SIMPLE_BACKUP:
        unsupported(s, "BACKUP");
        return;
    }
}

static void run_kill(struct session *s)
{
    const struct ast_kill *k = AST_AS_CONST(kill, s->stmt->ast);
    uint64_t id;

    if (!k->id || k->id->kind != AST_LIT || !sv_to_u64(AST_AS_CONST(lit, k->id)->value, &id) ||
        (k->what != AST_KILL_PLAIN && k->what != AST_KILL_CONNECTION && k->what != AST_KILL_QUERY)) {
        unsupported(s, "KILL by user, query id or expression");
        return;
    }
    kill_run(s, (uint32_t)id, k->what == AST_KILL_QUERY);
}

/* LOCK TABLES, FLUSH TABLES WITH READ LOCK: dumps hold it around their inserts. It commits, as in MySQL, and says that nothing is locked. */
static void tables_not_locked(void *arg, const struct diag *d)
{
    struct session *s = arg;

    if (d) {
        session_reply_err(s, d);
        return;
    }
    warn_add(&s->stmt->warnings, WARN_WARNING, ER_NOT_SUPPORTED_YET, "%s takes no lock over shards: other clients are not held off",
        s->stmt->ast->kind == AST_FLUSH ? "FLUSH TABLES" : "LOCK TABLES");
    session_reply_done(s);
}

void query_statement(struct session *s)
{
    struct ast_node *n = s->stmt->ast;

    if (ddl_owns(n)) {
        query_ddl(s, s->stmt->text);
        return;
    }
    switch ((enum ast_kind)n->kind) {
    case AST_SELECT:
    case AST_SETOP:
    case AST_VALUES:
    case AST_TABLE_QUERY:
    case AST_PARENQ:
    case AST_INSERT:
    case AST_UPDATE:
    case AST_DELETE:
    case AST_DO:
    case AST_CALL:
        if (!infoschema_run(s))
            query_execute(s);
        return;
    case AST_TRX:
        run_trx(s);
        return;
    case AST_SET:
        set_run(s);
        return;
    case AST_SHOW:
        show_run(s);
        return;
    case AST_SIMPLE:
        run_simple(s);
        return;
    case AST_EXPLAIN:
        explain_run(s);
        return;
    case AST_DESCRIBE:
        describe_run(s);
        return;
    case AST_KILL:
        run_kill(s);
        return;
    case AST_PREPARE:
        prepared_prepare_text(s);
        return;
    case AST_EXECUTE:
        prepared_execute_text(s);
        return;
    case AST_LOCK_TABLES:
        txn_implicit_commit(s->txn, tables_not_locked, s);
        return;
    case AST_FLUSH: /* commits, as in MySQL; caches and logs are each shard's own */
        txn_implicit_commit(s->txn, AST_AS_CONST(flush, n)->word.len ? tables_not_locked : trx_done, s);
        return;
    default: /* every other kind of node: not a statement that runs yet */
        unsupported(s, first_words(s));
        return;
    }
}

static bool may_be_cached(enum stmt_class cls)
{
    return cls == STMT_SELECT || cls == STMT_INSERT || cls == STMT_REPLACE || cls == STMT_UPDATE || cls == STMT_DELETE ||
        cls == STMT_WITH;
}

/* Without the ';', which a shard would take as the start of another statement. next: where the next one starts. */
static void cut_statement(struct stmt *st, struct sv text, uint32_t next, bool more)
{
    uint32_t end = next;

    if (end && end <= text.len && text.ptr[end - 1] == ';')
        end--;
    st->text.len = end;
    if (more) {
        st->rest = sv_make(text.ptr + next, text.len - next);
        st->more_follows = true;
    }
}

void query_run(struct session *s, struct sv text)
{
    struct stmt *st = s->stmt;
    const struct digest *g = &st->scan.digest;
    struct parse_result r;
    bool parser_cuts;

    stmt_scan_run(&st->scan, text, session_sql_opts(s), false);
    st->text = text;
    if (g->cls == STMT_EMPTY && !g->error && !g->ntokens && sv_trim(text).len) { /* a comment */
        session_reply_done(s);
        return;
    }
    if (g->cls == STMT_EMPTY && !g->error && !g->ntokens) {
        diag_set(&st->diag, ER_EMPTY_QUERY);
        session_reply_err(s, &st->diag);
        return;
    }
    /* A ';' may be one of a stored program's body: where such a statement ends only the parser knows. */
    parser_cuts = g->more && !may_be_cached(g->cls);
    if (!g->error && !parser_cuts && (!g->more || s->multi_statements))
        cut_statement(st, text, g->next, g->more);
    st->cacheable = may_be_cached(g->cls) && !g->error && st->scan.fits && (!g->more || st->more_follows);
    if (st->cacheable) {
        st->key = (struct plan_key){.hash = {g->hash[0], g->hash[1]}, .env = session_env_signature(s)};
        st->plan = plan_cache_get(s->worker->slot[WORKER_SLOT_PLANS], &st->key, session_snapshot(s)->version);
        if (st->plan) {
            query_execute(s);
            return;
        }
    }
    if (!parser_parse(st->text, 0, session_sql_opts(s), &st->arena, &r, &st->diag)) {
        session_reply_err(s, &st->diag);
        return;
    }
    if (parser_cuts && (!r.more || s->multi_statements)) {
        cut_statement(st, text, r.next, r.more);
    } else if (r.more) {
        struct sv rest = sv_make(text.ptr + r.next, text.len - r.next);

        diag_setf(&st->diag, ER_PARSE_ERROR,
            "You have an error in your SQL syntax; check the manual that corresponds to your %s server version for the right "
            "syntax to use near '%.80s' at line 1", s->proxy->is_mariadb ? "MariaDB" : "MySQL",
            arena_dup(&st->arena, sv_trim(rest)).ptr);
        session_reply_err(s, &st->diag);
        return;
    }
    if (r.nparams) {
        diag_setf(&st->diag, ER_PARSE_ERROR,
            "You have an error in your SQL syntax; check the manual that corresponds to your %s server version for the right "
            "syntax to use near '?' at line 1", s->proxy->is_mariadb ? "MariaDB" : "MySQL");
        session_reply_err(s, &st->diag);
        return;
    }
    st->ast = r.stmt;
    if (!st->scan.fits)
        stmt_scan_run(&st->scan, st->text, session_sql_opts(s), true);
    query_statement(s);
}

/* ---- texts for one place, outside of an execution ---- */

static bool place_text(struct session *s, struct plan *p, struct sv text, const struct stmt_scan *scan, bool first,
    uint32_t *shard_id, struct sv *sql)
{
    struct stmt *st = s->stmt;
    struct placeset places;
    struct strbuf b;
    uint32_t place = 0;

    st->text = text;
    session_inputs(s, scan);
    if (first && p->route.kind == ROUTE_PARTITIONS) {
        const struct cat_table *t = p->route.table;

        /* Where a SINGLE table that it reads is, too. */
        while (p->route.also_shard && !p->route.split_only && place < t->parts_n && t->parts[place].shard_id != p->route.also_shard)
            place++;
        if (place == t->parts_n) {
            st->diag = p->refusal;
            return st->diag.code ? false : diag_set(&st->diag, ER_NOT_SUPPORTED_YET, "this statement over several places");
        }
        *shard_id = t->parts[place].shard_id;
    } else if (first && p->route.kind == ROUTE_ONE_SHARD) {
        *shard_id = p->route.shard_id;
    } else if (first) {
        *shard_id = query_any_shard(s);
    } else {
        if (!optimizer_route(p, &st->inputs, session_snapshot(s), &st->arena, &places, &st->diag))
            return false;
        if (places.n != 1)
            return diag_set(&st->diag, ER_NOT_SUPPORTED_YET, "a subquery over several shards here");
        place = places.items[0].partition;
        *shard_id = places.items[0].shard_id;
    }
    strbuf_init(&b, &st->arena);
    optimizer_splice(p, &st->inputs, place, 0, &b);
    *sql = strbuf_sv(&b);
    return true;
}

/* A UNION that no shard has all tables of: its first branch, which gives the columns' names and number. */
static void first_branch_text(struct session *s, struct plan *p, const struct ast_node *ast, uint32_t *shard_id, struct sv *sql)
{
    const struct route *r = &p->set_branches[0]->route;
    struct strbuf b;

    while (ast->kind == AST_SETOP || ast->kind == AST_PARENQ)
        ast = ast->kind == AST_SETOP ? AST_AS_CONST(setop, ast)->left : AST_AS_CONST(parenq, ast)->query;
    *shard_id = r->kind == ROUTE_PARTITIONS ? r->table->parts[0].shard_id : r->kind == ROUTE_ONE_SHARD ? r->shard_id : query_any_shard(s);
    strbuf_init(&b, &s->stmt->arena);
    optimizer_splice_part(p, &s->stmt->inputs, 0, 0, ast->begin, ast->end, &b);
    *sql = strbuf_sv(&b);
}

bool query_first_place_text(struct session *s, struct plan *p, const struct ast_node *ast, struct sv text,
    const struct stmt_scan *scan, struct sideq_args *a)
{
    struct sv was = s->stmt->text;
    bool ok;

    if (p->offload && p->offload->only) {
        struct strbuf b;

        s->stmt->text = text;
        session_inputs(s, scan);
        strbuf_init(&b, &s->stmt->arena);
        optimizer_splice(p->offload->last, &s->stmt->inputs, 0, 0, &b);
        a->copies = p->offload;
        a->shard_id = query_any_shard(s);
        a->sql = strbuf_sv(&b);
        ok = true;
    } else {
        ok = place_text(s, p, text, scan, true, &a->shard_id, &a->sql);
    }
    if (ok && p->route.split_only && p->n_set_branches)
        first_branch_text(s, p, ast, &a->shard_id, &a->sql);
    s->stmt->text = was;
    return ok;
}

bool query_one_shard_text(struct session *s, struct sv text, uint32_t *shard_id, struct sv *sql)
{
    struct stmt *st = s->stmt;
    struct sv was = st->text;
    struct stmt_scan scan = {0};
    struct parse_result r;
    struct plan *p = NULL;
    bool ok = parser_parse(text, 0, session_sql_opts(s), &st->arena, &r, &st->diag);

    if (ok && infoschema_reads(s, r.stmt))
        ok = diag_set(&st->diag, ER_NOT_SUPPORTED_YET, "reading information_schema here; SELECT ... INTO @variable does it");
    if (ok) {
        stmt_scan_run(&scan, text, session_sql_opts(s), true);
        p = query_plan(s, r.stmt, text);
        ok = p && place_text(s, p, text, &scan, false, shard_id, sql);
    }
    if (p)
        plan_release(p);
    stmt_scan_free(&scan);
    st->text = was;
    st->inputs.text = SV_NULL;
    return ok;
}

/* A literal or parameter in a select list can change the type or the name of a column. */
static enum ast_walk find_literal(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_LIT || (*slot)->kind == AST_PARAM ? AST_ABORT : AST_CONTINUE;
}

bool query_meta_is_stable(struct ast_node *ast)
{
    if (ast->kind != AST_SELECT)
        return false;
    AST_EACH (item, &AST_AS(select, ast)->items) {
        struct ast_node *n = *item;

        if (!ast_walk(&n, find_literal, NULL, NULL))
            return false;
    }
    return true;
}
