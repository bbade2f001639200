/* EXPLAIN: for each place that the statement goes to, its shard, partition and the SQL that it gets; behind them what Tessera
 * does with the answers. The statement is planned and routed, nothing is executed. */
#include "proxy/command.h"

#include "optimizer/explain.h"
#include "parser/parse.h"
#include "proxy/env.h"
#include "proxy/resultset.h"

enum { SQL_SHOWN_MAX = 4096 };

enum { COL_SHARD, COL_PLACE, COL_SQL, COLS };

static const struct rs_col columns[COLS] = {
    [COL_SHARD] = {"shard", WIRE_VAR_STRING, 64, false, false},
    [COL_PLACE] = {"place", WIRE_VAR_STRING, 64, false, false},
    [COL_SQL] = {"sql", WIRE_VAR_STRING, SQL_SHOWN_MAX, false, false},
};

static void send_rows(struct session *s, const struct explain *x)
{
    struct sv *cells = ARENA_NEW_N(&s->stmt->arena, struct sv, (x->n_rows + 1) * COLS);
    size_t n = 0;

    for (uint32_t i = 0; i < x->n_rows; i++) {
        struct sv *row = cells + COLS * n++;
        struct sv sql = x->rows[i].sql;

        row[COL_SHARD] = x->rows[i].shard;
        row[COL_PLACE] = x->rows[i].place.len ? x->rows[i].place : SV_NULL;
        row[COL_SQL] = sv_make(sql.ptr, MIN(sql.len, (size_t)SQL_SHOWN_MAX));
    }
    if (x->stages.len) {
        struct sv *row = cells + COLS * n++;

        row[COL_SHARD] = SV("tessera");
        row[COL_PLACE] = SV_NULL;
        row[COL_SQL] = x->stages;
    }
    resultset_send(s, columns, COLS, cells, n);
}

void explain_run(struct session *s)
{
    const struct ast_explain *n = AST_AS_CONST(explain, s->stmt->ast);
    struct stmt *st = s->stmt;
    struct explain x = {0};
    struct stmt_scan scan = {0};
    struct plan *p;
    struct sv whole = st->text;
    struct parse_result again;
    bool ok;

    if (!n->stmt || n->analyze || n->analyze_stmt) {
        diag_set(&st->diag, ER_NOT_SUPPORTED_YET, !n->stmt ? "EXPLAIN FOR CONNECTION" : "EXPLAIN ANALYZE");
        session_reply_err(s, &st->diag);
        return;
    }
    /* The inner statement by itself: edits count its tokens, literals its slots. */
    st->text = sv_make(whole.ptr + n->stmt->begin, whole.len - n->stmt->begin);
    if (!parser_parse(st->text, 0, session_sql_opts(s), &st->arena, &again, &st->diag)) {
        session_reply_err(s, &st->diag);
        return;
    }
    stmt_scan_run(&scan, st->text, session_sql_opts(s), true);
    p = query_plan(s, again.stmt, st->text);
    ok = p != NULL;
    if (ok) {
        session_inputs(s, &scan);
        ok = explain_plan(p, &st->inputs, session_snapshot(s), &st->arena, &x, &st->diag);
        plan_release(p);
    }
    stmt_scan_free(&scan);
    if (!ok)
        session_reply_err(s, &st->diag);
    else
        send_rows(s, &x);
}
