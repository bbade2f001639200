/* Statements by kind: plan cache, parser, transactions, DDL, and execution of plans.
 *
 * The way of a point select whose plan is known: digest_scan, plan cache, exec_start - no tree, nothing allocated outside the
 * statement's arena. Everything else goes through the parser and a switch over the kind of the statement. */
#include "proxy/command.h"

#include "catalog/pin.h"
#include "catalog/snapshot.h"
#include "ddl/ddl.h"
#include "optimizer/cache.h"
#include "parser/parser.h"
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
    return true;
}

/* The statement and what the transaction made of it are over: tell the client. */
static void execution_over(void *arg, const struct diag *d)
{
    struct session *s = arg;
    struct stmt *st = s->stmt;
    const struct exec_outcome *o = &st->exec.outcome;

    st->txn_open = false;
    if (o->kind == EXEC_ERROR) {
        session_reply_err(s, &o->diag);
        return;
    }
    if (d) {
        session_reply_err(s, d);
        return;
    }
    if (o->kind == EXEC_ROWS) {
        s->found_rows = o->rows;
        session_reply_rows_end(s, o->ok.warnings);
        return;
    }
    if (st->exec.generated_id)
        s->last_insert_id = st->exec.generated_id;
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

static const struct exec_host host = {
    .begin = host_begin,
    .status = host_status,
    .on_done = host_done,
};

void query_init_exec(struct session *s, struct exec *e)
{
    struct stmt *st = s->stmt;

    e->host = &host;
    e->shared = s->proxy->exec;
    e->worker = s->worker;
    e->client = &s->chan;
    e->caps = s->caps;
    e->binary = st->binary;
    e->txn = s->txn;
    e->wanted = s->wanted;
    e->snapshot = session_snapshot(s);
    e->arena = &st->arena;
    e->warnings = &st->warnings;
    e->plan = st->plan;
    e->env = session_env(s);
    e->inputs = &st->inputs;
}

void query_execute(struct session *s)
{
    struct stmt *st = s->stmt;

    if (!st->plan) {
        struct opt_env env = session_opt_env(s);

        st->plan = optimizer_plan(st->ast, st->text, &st->tokens, session_snapshot(s), &env, &st->diag);
        if (!st->plan) {
            session_reply_err(s, &st->diag);
            return;
        }
        if (!st->plan->uncacheable && st->cacheable)
            plan_cache_put(s->worker->slot[WORKER_SLOT_PLANS], &st->key, st->plan);
    }
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
    bool release = t->release == AST_YES;
    enum txn_completion how = t->chain == AST_YES ? TXN_CHAIN : TXN_END;
    struct txn_begin begin = {0};

    switch (t->op) {
    case AST_TRX_BEGIN:
    case AST_TRX_START:
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

        warn_add(&s->stmt->warnings, level, n->code, "%.*s", SV_ARG(n->text));
    }
    if (!r->ok)
        session_reply_err(s, &r->diag);
    else if (r->rows)
        send_ddl_rows(s, r->rows);
    else
        session_reply_ok(s, &ok);
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
    };

    if (d) {
        session_reply_err(s, d);
        return;
    }
    wait = xcalloc(1, sizeof(*wait));
    wait->session = s;
    wait->worker = s->worker;
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
        query_execute(s);
        return;
    case AST_SIMPLE_SHUTDOWN:
    case AST_SIMPLE_RESTART:
    case AST_SIMPLE_LOCK_INSTANCE:
    case AST_SIMPLE_UNLOCK_INSTANCE:
    case AST_SIMPLE_BACKUP:
        unsupported(s, ast_kind_name(AST_SIMPLE));
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
    case AST_FLUSH:
        session_reply_done(s);
        return;
    default: /* every other kind of node: not a statement that runs yet */
        unsupported(s, ast_kind_name((enum ast_kind)n->kind));
        return;
    }
}

static bool may_be_cached(enum stmt_class cls)
{
    return cls == STMT_SELECT || cls == STMT_INSERT || cls == STMT_REPLACE || cls == STMT_UPDATE || cls == STMT_DELETE ||
        cls == STMT_WITH;
}

void query_run(struct session *s, struct sv text)
{
    struct stmt *st = s->stmt;
    struct digest *g = &st->digest;

    st->text = text;
    session_scan(s, text);
    if (g->cls == STMT_EMPTY && !g->error) {
        diag_set(&st->diag, ER_EMPTY_QUERY);
        session_reply_err(s, &st->diag);
        return;
    }
    if (g->more && s->multi_statements) {
        st->rest = sv_make(text.ptr + g->next, text.len - g->next);
        st->text.len = g->end;
        st->more_follows = true;
    } else if (!g->more && !g->error) {
        st->text.len = g->end; /* without the ';' that a shard would refuse behind nothing else */
    }
    st->inputs.text = st->text;
    st->cacheable = may_be_cached(g->cls) && !g->error && st->slots_fit;
    if (st->cacheable) {
        session_plan_key(s, &st->key);
        st->plan = plan_cache_get(s->worker->slot[WORKER_SLOT_PLANS], &st->key, session_snapshot(s));
        if (st->plan) {
            query_execute(s);
            return;
        }
    }
    st->ast = parse_statement(&st->arena, st->text, session_sql_opts(s), &st->diag);
    if (!st->ast) {
        session_reply_err(s, &st->diag);
        return;
    }
    query_statement(s);
}
