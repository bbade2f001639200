/* SHOW of what belongs to the whole of Tessera: TABLE STATUS (over all partitions), PROCESSLIST (sessions of all workers), GRANTS. */
#include "proxy/show.h"

#include "catalog/snapshot.h"
#include "proxy/command.h"
#include "proxy/env.h"
#include "proxy/infoschema.h"
#include "proxy/proclist.h"
#include "proxy/proxy.h"
#include "proxy/resultset.h"

static struct sv source(const struct session *s, const struct ast_node *n)
{
    return sv_make(s->stmt->text.ptr + n->begin, n->end - n->begin);
}

/* ---- TABLE STATUS ---- */

void show_table_status(struct session *s, const struct ast_show *n, struct sv db)
{
    static const char columns[] =
        "SELECT TABLE_NAME AS `Name`, ENGINE AS `Engine`, VERSION AS `Version`, ROW_FORMAT AS `Row_format`, TABLE_ROWS AS `Rows`, "
        "AVG_ROW_LENGTH AS `Avg_row_length`, DATA_LENGTH AS `Data_length`, MAX_DATA_LENGTH AS `Max_data_length`, "
        "INDEX_LENGTH AS `Index_length`, DATA_FREE AS `Data_free`, AUTO_INCREMENT AS `Auto_increment`, CREATE_TIME AS "
        "`Create_time`, UPDATE_TIME AS `Update_time`, CHECK_TIME AS `Check_time`, TABLE_COLLATION AS `Collation`, CHECKSUM AS "
        "`Checksum`, CREATE_OPTIONS AS `Create_options`, TABLE_COMMENT AS `Comment`";
    struct strbuf b;

    strbuf_init(&b, &s->stmt->arena);
    if (n->where)
        strbuf_puts(&b, "SELECT * FROM (");
    strbuf_puts(&b, columns);
    if (s->proxy->is_mariadb)
        strbuf_puts(&b, ", MAX_INDEX_LENGTH AS `Max_index_length`, `TEMPORARY` AS `Temporary`");
    strbuf_puts(&b, " FROM information_schema.TABLES WHERE TABLE_SCHEMA = ");
    strbuf_put_quoted(&b, db, s->no_backslash);
    if (n->like) {
        strbuf_puts(&b, " AND TABLE_NAME LIKE ");
        strbuf_putsv(&b, source(s, n->like));
    }
    if (n->where) {
        strbuf_puts(&b, ") rows_ WHERE ");
        strbuf_putsv(&b, source(s, n->where));
    }
    strbuf_puts(&b, " ORDER BY 1");
    infoschema_query(s, strbuf_sv(&b), SV("SHOW TABLE STATUS FROM mysql LIKE ''"));
}

/* ---- PROCESSLIST ---- */

struct plist_step {
    struct sideq_args q;
    const struct packet_coldef *cols;
    uint32_t n_cols;
    bool full;
};

static void have_sessions(struct session *s, const struct proclist *list)
{
    struct plist_step *st = s->stmt->arg;
    struct arena *a = &s->stmt->arena;
    struct sv *cells = ARENA_NEW_N(a, struct sv, list->n * st->n_cols + 1);

    if (s->stmt->is_cancelled) {
        diag_set(&s->stmt->diag, ER_QUERY_INTERRUPTED);
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    for (size_t i = 0; i < list->n; i++)
        for (uint32_t c = 0; c < st->n_cols; c++)
            cells[i * st->n_cols + c] = proclist_cell(&list->v[i], &st->cols[c], st->full, a);
    resultset_send_defs(s, st->cols, st->n_cols, cells, list->n);
}

static void have_columns(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct plist_step *st = s->stmt->arg;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        session_reply_err(s, &r->diag);
        return;
    }
    st->cols = r->cols;
    st->n_cols = r->n_cols;
    proclist_gather(s, have_sessions);
}

void show_processlist(struct session *s, const struct ast_show *n)
{
    struct plist_step *st = ARENA_NEW(&s->stmt->arena, struct plist_step);

    s->stmt->arg = st;
    st->full = n->full;
    /* A shard's own sessions are not of interest; its columns are. */
    st->q = (struct sideq_args){
        .sql = n->full ? SV("SHOW FULL PROCESSLIST") : SV("SHOW PROCESSLIST"), .done = have_columns, .arg = s,
        .warnings = &s->stmt->warnings};
    query_side(s, &st->q);
}

/* ---- GRANTS ---- */

void show_grants(struct session *s, const struct ast_show *n)
{
    const struct ast_account *who = n->account ? AST_AS_CONST(account, n->account) : NULL;
    const struct cat_snapshot *cat = session_snapshot(s);
    struct arena *a = &s->stmt->arena;
    struct sv user = sv_cstr(s->user), host = SV("localhost"), row;
    const struct cat_user *u;
    struct rs_col col = {.type = WIRE_VAR_STRING, .length = 1024, .not_null = true};
    struct strbuf b;

    if (n->using.n || (who && who->word.len && !who->current)) {
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SHOW GRANTS of roles");
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    if (who && !who->current) {
        user = who->user;
        host = who->has_host ? who->host : SV("%");
        u = cat_find_account(cat, user, host);
    } else {
        u = cat_find_user(cat, user, sv_cstr(s->host));
        if (u)
            host = u->host;
    }
    if (!u && who && !who->current) {
        diag_set(&s->stmt->diag, ER_NONEXISTING_GRANT, arena_dup(a, user).ptr, arena_dup(a, host).ptr);
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    if (u && !u->super) {
        diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, "SHOW GRANTS of an account that has not been granted ALL ON *.*");
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    strbuf_init(&b, a);
    strbuf_puts(&b, "GRANT ALL PRIVILEGES ON *.* TO ");
    strbuf_put_ident(&b, user);
    strbuf_putc(&b, '@');
    strbuf_put_ident(&b, host);
    strbuf_puts(&b, " WITH GRANT OPTION");
    row = strbuf_sv(&b);
    col.name = arena_printf(a, "Grants for %.*s@%.*s", SV_ARG(user), SV_ARG(host)).ptr;
    resultset_send(s, &col, 1, &row, 1);
}
