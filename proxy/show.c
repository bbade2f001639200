/* SHOW, DESCRIBE, COM_FIELD_LIST.
 *
 * Three sources: the catalog (databases, tables, shards, ...), the session (warnings), and a shard (variables, columns, character
 * sets: the statement is sent with physical names, and the answer is given back with logical ones).
 * LIKE and WHERE over rows that Tessera made itself are judged by a shard too, so that collation and expressions are
 * MySQL's: the rows travel there as a derived table of literals. */
#include "proxy/command.h"

#include "catalog/snapshot.h"
#include "ddl/show.h"
#include "proxy/env.h"
#include "proxy/proxy.h"
#include "proxy/resultset.h"
#include "proxy/show.h"

/* PRI_KEY, UNIQUE_KEY, MULTIPLE_KEY, PART_KEY */
enum { KEY_FLAGS = 0x2 | 0x4 | 0x8 | 0x4000 };

struct show_rows {
    const struct rs_col *cols;
    uint32_t n_cols;
    struct sv *cells;
    size_t n_rows, cap;
};

struct show_step {
    struct show_rows rows;
    struct sideq_args q;
    struct sv meta;   /* query whose column definitions the rows get (with their own names); ptr NULL: made here */
    struct sv *cells; /* what is sent once they are there */
    size_t n_rows;
    struct sv hidden; /* SHOW COLUMNS, INDEX: Tessera's own column, to be left out; ptr NULL: none */
    struct sv suffix; /* SHOW CREATE DATABASE: behind the server's text */
    bool variables;
};

static void refuse(struct session *s, const char *what)
{
    diag_set(&s->stmt->diag, ER_NOT_SUPPORTED_YET, what);
    session_reply_err(s, &s->stmt->diag);
}

static struct sv source(const struct session *s, const struct ast_node *n)
{
    return sv_make(s->stmt->text.ptr + n->begin, n->end - n->begin);
}

/* ---- rows of our own ---- */

static struct sv *add_row(struct session *s, struct show_rows *r)
{
    if (r->n_rows == r->cap) {
        size_t cap = MAX(r->cap * 2, (size_t)16);
        struct sv *cells = ARENA_NEW_N(&s->stmt->arena, struct sv, cap * r->n_cols);

        if (r->n_rows)
            memcpy(cells, r->cells, r->n_rows * r->n_cols * sizeof(*cells));
        r->cells = cells;
        r->cap = cap;
    }
    return r->cells + r->n_cols * r->n_rows++;
}

static void have_meta(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct show_step *st = s->stmt->arg;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        session_reply_err(s, &r->diag);
        return;
    }
    if (r->n_cols != st->rows.n_cols) {
        resultset_send(s, st->rows.cols, st->rows.n_cols, st->cells, st->n_rows);
        return;
    }
    for (uint32_t i = 0; i < r->n_cols; i++) {
        r->cols[i].name = sv_cstr(st->rows.cols[i].name);
        r->cols[i].flags &= (uint16_t)~KEY_FLAGS; /* MySQL: of the dictionary's table below */
    }
    resultset_send_defs(s, r->cols, r->n_cols, st->cells, st->n_rows);
}

static void have_cells(struct session *s, struct sv *cells, size_t n_rows)
{
    struct show_step *st = s->stmt->arg;

    if (!st->meta.ptr) {
        resultset_send(s, st->rows.cols, st->rows.n_cols, cells, n_rows);
        return;
    }
    st->cells = cells;
    st->n_rows = n_rows;
    st->q = (struct sideq_args){.sql = st->meta, .done = have_meta, .arg = s};
    query_side(s, &st->q);
}

static void filtered(void *arg, struct sideq_result *r)
{
    struct session *s = arg;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag))
        session_reply_err(s, &r->diag);
    else
        have_cells(s, r->cells, r->n_rows);
}

/* The rows as SELECT ... UNION ALL SELECT ..., restricted by LIKE on the first column or by WHERE. */
static void filter(struct session *s, const struct ast_show *n)
{
    struct show_step *st = s->stmt->arg;
    const struct show_rows *r = &st->rows;
    struct strbuf b;

    if (!r->n_rows) {
        have_cells(s, NULL, 0);
        return;
    }
    strbuf_init(&b, &s->stmt->arena);
    strbuf_puts(&b, "SELECT * FROM (");
    for (size_t i = 0; i < r->n_rows; i++) {
        strbuf_puts(&b, i ? " UNION ALL SELECT " : "SELECT ");
        for (uint32_t c = 0; c < r->n_cols; c++) {
            struct sv cell = r->cells[i * r->n_cols + c];
            struct sv name = sv_cstr(r->cols[c].name);

            if (c)
                strbuf_putc(&b, ',');
            if (cell.ptr)
                strbuf_put_quoted(&b, cell, s->no_backslash);
            else
                strbuf_puts(&b, "NULL");
            if (!i) {
                const char *paren = memchr(name.ptr, '(', name.len);

                if (c == 0 && n->like && paren) /* the pattern is part of the shown name only */
                    name.len = (size_t)(paren - name.ptr) - 1;
                strbuf_puts(&b, " AS ");
                strbuf_put_ident(&b, name);
            }
        }
    }
    strbuf_puts(&b, ") rows_ WHERE ");
    if (n->like) {
        struct sv name = sv_cstr(r->cols[0].name);
        const char *paren = memchr(name.ptr, '(', name.len);

        if (paren)
            name.len = (size_t)(paren - name.ptr) - 1;
        strbuf_put_ident(&b, name);
        strbuf_puts(&b, " LIKE ");
        strbuf_putsv(&b, source(s, n->like));
    } else {
        strbuf_putsv(&b, source(s, n->where));
    }
    st->q = (struct sideq_args){.sql = strbuf_sv(&b), .done = filtered, .arg = s};
    query_side(s, &st->q);
}

static void send_rows(struct session *s, const struct ast_show *n, const struct show_rows *r, struct sv meta)
{
    struct show_step *st = ARENA_NEW(&s->stmt->arena, struct show_step);

    s->stmt->arg = st;
    st->rows = *r;
    st->meta = meta;
    if (n && (n->like || n->where))
        filter(s, n);
    else
        have_cells(s, r->cells, r->n_rows);
}

/* `Tables_in_shop (pattern)`: MySQL puts the pattern of LIKE into the column's name. */
static const char *with_pattern(struct session *s, struct sv name, const struct ast_show *n)
{
    struct arena *a = &s->stmt->arena;

    if (n->like && n->like->kind == AST_LIT)
        return arena_printf(a, "%.*s (%.*s)", SV_ARG(name), SV_ARG(AST_AS_CONST(lit, n->like)->value)).ptr;
    return arena_dup(a, name).ptr;
}

static void show_databases(struct session *s, const struct ast_show *n)
{
    static const char *const virtuals[] = {"information_schema", "mysql", "performance_schema", "sys"};
    const struct cat_snapshot *cat = session_snapshot(s);
    struct rs_col *cols = ARENA_NEW_N(&s->stmt->arena, struct rs_col, 1);
    struct show_rows r = {.cols = cols, .n_cols = 1};
    size_t v = 0;

    cols[0] = (struct rs_col){.name = with_pattern(s, SV("Database"), n), .type = WIRE_VAR_STRING, .length = 64,
        .not_null = true};
    for (size_t i = 0; i < cat->dbs.n; i++) {
        if (cat->dbs.v[i].state != CAT_PUBLIC)
            continue;
        while (v < ARRAY_LEN(virtuals) && sv_cmp(sv_cstr(virtuals[v]), cat->dbs.v[i].name) < 0)
            *add_row(s, &r) = sv_cstr(virtuals[v++]);
        *add_row(s, &r) = cat->dbs.v[i].name;
    }
    while (v < ARRAY_LEN(virtuals))
        *add_row(s, &r) = sv_cstr(virtuals[v++]);
    send_rows(s, n, &r, SV("SHOW DATABASES WHERE FALSE"));
}

static bool find_db(struct session *s, struct sv given, struct sv *db)
{
    *db = given.ptr ? given : s->db;
    if (!db->len)
        return diag_set(&s->stmt->diag, ER_NO_DB_ERROR);
    if (!cat_find_db(session_snapshot(s), *db) && !cat_is_virtual_db(*db))
        return diag_setf(&s->stmt->diag, ER_BAD_DB_ERROR, "Unknown database '%.*s'", SV_ARG(*db));
    return true;
}

static void relay(struct session *s, struct sv sql, uint32_t shard_id);

static void show_tables(struct session *s, const struct ast_show *n)
{
    const struct cat_snapshot *cat = session_snapshot(s);
    struct rs_col *cols = ARENA_NEW_N(&s->stmt->arena, struct rs_col, 2);
    struct show_rows r = {.cols = cols, .n_cols = n->full ? 2 : 1};
    struct sv db;
    size_t first, count;

    if (!find_db(s, n->db.name, &db)) {
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    if (cat_is_virtual_db(db)) {
        relay(s, s->stmt->text, query_any_shard(s));
        return;
    }
    cols[0] = (struct rs_col){
        .name = with_pattern(s, arena_printf(&s->stmt->arena, "Tables_in_%.*s", SV_ARG(db)), n),
        .type = WIRE_VAR_STRING, .length = 64, .not_null = true};
    cols[1] = (struct rs_col){.name = "Table_type", .type = WIRE_VAR_STRING, .length = 11, .not_null = true};
    count = cat_tables_of(cat, db, &first);
    for (size_t i = first; i < first + count; i++) {
        struct sv *row;

        if (!cat_table_is_visible(cat->tables.v[i]))
            continue;
        row = add_row(s, &r);
        row[0] = cat->tables.v[i]->name;
        if (n->full)
            row[1] = SV("BASE TABLE");
    }
    send_rows(s, n, &r, n->full ? SV("SHOW FULL TABLES FROM mysql WHERE FALSE") : SV("SHOW TABLES FROM mysql WHERE FALSE"));
}

/* ---- warnings ---- */

static void show_warnings(struct session *s, const struct ast_show *n, bool errors_only)
{
    const struct rs_col cols[] = {
        {"Level", WIRE_VAR_STRING, 7, true, false},
        {"Code", WIRE_LONG, s->proxy->is_mariadb ? 4 : 5, true, true},
        {"Message", WIRE_VAR_STRING, 512, true, false},
    };
    static const struct rs_col count_warnings[] = {{"@@session.warning_count", WIRE_LONGLONG, 21, false, true}};
    static const struct rs_col count_errors[] = {{"@@session.error_count", WIRE_LONGLONG, 21, false, true}};
    static const char *const levels[] = {"Note", "Warning", "Error"};
    struct show_rows r = {.cols = cols, .n_cols = 3};
    const struct warn_sink *w = &s->warnings;
    uint64_t errors = 0, skip = 0, most = UINT64_MAX;

    for (uint32_t i = 0; i < w->n; i++)
        errors += w->list[i].level == WARN_ERROR;
    if (n->count) {
        struct sv v = arena_printf(&s->stmt->arena, "%llu", (unsigned long long)(errors_only ? errors : w->total));

        s->stmt->keep_warnings = s->stmt->no_warning_count = true;
        resultset_send(s, errors_only ? count_errors : count_warnings, 1, &v, 1);
        return;
    }
    if (n->limit) {
        const struct ast_limit *l = AST_AS_CONST(limit, n->limit);

        if (l->count && l->count->kind == AST_LIT && !sv_to_u64(AST_AS_CONST(lit, l->count)->value, &most))
            most = UINT64_MAX;
        if (l->offset && l->offset->kind == AST_LIT && !sv_to_u64(AST_AS_CONST(lit, l->offset)->value, &skip))
            skip = 0;
    }
    for (uint32_t i = 0; i < w->n && r.n_rows < most; i++) {
        struct sv *row;

        if ((errors_only && w->list[i].level != WARN_ERROR) || (skip && skip--))
            continue;
        row = add_row(s, &r);
        row[0] = sv_cstr(levels[w->list[i].level]);
        row[1] = arena_printf(&s->stmt->arena, "%u", w->list[i].code);
        row[2] = arena_dup(&s->stmt->arena, w->list[i].text);
    }
    s->stmt->keep_warnings = s->stmt->no_warning_count = true;
    resultset_send(s, r.cols, r.n_cols, r.cells, r.n_rows);
}

/* ---- answered by a shard ---- */

/* Rows of SHOW VARIABLES whose values only the session knows. */
static void own_variables(struct session *s, struct sideq_result *r)
{
    for (size_t i = 0; i < r->n_rows && r->n_cols == 2; i++) {
        struct sv *row = r->cells + i * 2;
        struct sv value = session_shown_variable(s, row[0]);

        if (value.ptr)
            row[1] = value;
    }
}

/* A copy: the table's object may be replaced while a shard is asked. */
static struct sv hidden_column(struct session *s, const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->columns_n; i++) {
        if (t->columns[i].hidden)
            return arena_dup(&s->stmt->arena, t->columns[i].name);
    }
    return SV_NULL;
}

/* Tessera's hidden key column is not shown. */
static void drop_hidden(struct sv hidden, struct sideq_result *r)
{
    size_t to = 0;
    uint32_t name_col = r->n_cols > 4 && sv_eq(r->cols[4].name, SV("Column_name")) ? 4 : 0;

    for (size_t i = 0; i < r->n_rows; i++) {
        if (sv_eq_nocase(hidden, r->cells[i * r->n_cols + name_col]))
            continue;
        if (to != i)
            memcpy(r->cells + to * r->n_cols, r->cells + i * r->n_cols, r->n_cols * sizeof(*r->cells));
        to++;
    }
    r->n_rows = to;
}

static void relayed(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct show_step *st = s->stmt->arg;

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        session_reply_err(s, &r->diag);
        return;
    }
    if (st->variables)
        own_variables(s, r);
    if (st->hidden.ptr)
        drop_hidden(st->hidden, r);
    if (st->suffix.len && r->n_rows == 1 && r->n_cols == 2)
        r->cells[1] = arena_printf(&s->stmt->arena, "%.*s%.*s", SV_ARG(r->cells[1]), SV_ARG(st->suffix));
    if (!r->n_cols)
        session_reply_ok(s, &r->ok);
    else
        resultset_send_defs(s, r->cols, r->n_cols, r->cells, r->n_rows);
}

static struct show_step *relay_step(struct session *s)
{
    struct show_step *st = ARENA_NEW(&s->stmt->arena, struct show_step);

    s->stmt->arg = st;
    return st;
}

/* t: the table that is asked about, or NULL. */
static struct names_scope scope_of(struct session *s, const struct cat_table *t)
{
    const struct cat_table **one = ARENA_NEW_N(&s->stmt->arena, const struct cat_table *, 1);

    one[0] = t;
    return (struct names_scope){.tables = one, .n = t != NULL};
}

static void relay_with(struct session *s, struct show_step *st, const struct cat_table *t, struct sv sql, uint32_t shard_id)
{
    st->q = (struct sideq_args){.sql = sql, .shard_id = shard_id, .names = scope_of(s, t),
        .warnings = &s->stmt->warnings, .done = relayed, .arg = s};
    query_side(s, &st->q);
}

static void relay(struct session *s, struct sv sql, uint32_t shard_id)
{
    relay_with(s, relay_step(s), NULL, sql, shard_id);
}

/* The shard and physical name of a table's first partition. */
static bool first_place(struct session *s, const struct cat_table *t, uint32_t *shard_id, struct sv *db, struct sv *name)
{
    *shard_id = t->kind == CAT_BROADCAST ? query_any_shard(s) : t->parts[0].shard_id;
    *db = cat_phys_db(t, 0);
    *name = cat_phys_name(t, 0);
    return true;
}

static const struct cat_table *find_table(struct session *s, struct sv given_db, struct sv name, bool *is_virtual)
{
    struct sv db = given_db.ptr ? given_db : s->db;
    const struct cat_table *t;

    *is_virtual = false;
    if (!db.len) {
        diag_set(&s->stmt->diag, ER_NO_DB_ERROR);
        return NULL;
    }
    if (cat_is_virtual_db(db)) {
        *is_virtual = true;
        return NULL;
    }
    t = cat_find_table(session_snapshot(s), db, name);
    if (!t)
        diag_setf(&s->stmt->diag, ER_NO_SUCH_TABLE, "Table '%.*s.%.*s' doesn't exist", SV_ARG(db), SV_ARG(name));
    return t;
}

/* SHOW COLUMNS | INDEX of a table: `head` FROM physical table, and the rest of the statement. */
static void show_of_table(struct session *s, const char *head, const struct ast_node *table, struct sv db,
    const struct ast_node *like, const struct ast_node *where)
{
    const struct ast_table *tn = AST_AS_CONST(table, table);
    struct show_step *st;
    const struct cat_table *t;
    struct sv phys_db, phys;
    struct strbuf b;
    uint32_t shard_id;
    bool is_virtual;

    t = find_table(s, db.ptr ? db : tn->db.name, tn->name.name, &is_virtual);
    if (is_virtual) {
        relay(s, s->stmt->text, query_any_shard(s));
        return;
    }
    if (t && !hold_pass_table(s, t))
        return;
    if (!t || !first_place(s, t, &shard_id, &phys_db, &phys)) {
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    strbuf_init(&b, &s->stmt->arena);
    strbuf_puts(&b, head);
    strbuf_put_ident(&b, phys);
    strbuf_puts(&b, " FROM ");
    strbuf_put_ident(&b, phys_db);
    if (like) {
        strbuf_puts(&b, " LIKE ");
        strbuf_putsv(&b, source(s, like));
    } else if (where) {
        strbuf_puts(&b, " WHERE ");
        strbuf_putsv(&b, source(s, where));
    }
    st = relay_step(s);
    st->hidden = hidden_column(s, t);
    relay_with(s, st, t, strbuf_sv(&b), shard_id);
}

void describe_run(struct session *s)
{
    const struct ast_describe *n = AST_AS_CONST(describe, s->stmt->ast);
    struct ast_lit pattern = {.node = {.kind = AST_LIT}};
    struct sv head = SV("SHOW COLUMNS FROM ");

    (void)pattern;
    if (ast_ident_set(&n->column)) {
        const struct ast_table *tn = AST_AS_CONST(table, n->table);
        const struct cat_table *t;
        struct sv phys_db, phys;
        struct show_step *st;
        struct strbuf b;
        uint32_t shard_id;
        bool is_virtual;

        t = find_table(s, tn->db.name, tn->name.name, &is_virtual);
        if (is_virtual) {
            relay(s, s->stmt->text, query_any_shard(s));
            return;
        }
        if (t && !hold_pass_table(s, t))
            return;
        if (!t || !first_place(s, t, &shard_id, &phys_db, &phys)) {
            session_reply_err(s, &s->stmt->diag);
            return;
        }
        strbuf_init(&b, &s->stmt->arena);
        strbuf_puts(&b, "DESCRIBE ");
        strbuf_put_ident(&b, phys_db);
        strbuf_putc(&b, '.');
        strbuf_put_ident(&b, phys);
        strbuf_putc(&b, ' ');
        strbuf_put_ident(&b, n->column.name);
        st = relay_step(s);
        st->hidden = hidden_column(s, t);
        relay_with(s, st, t, strbuf_sv(&b), shard_id);
        return;
    }
    show_of_table(s, head.ptr, n->table, SV_NULL, n->like, NULL);
}

/* ---- COM_FIELD_LIST ---- */

static void fields_done(void *arg, struct sideq_result *r)
{
    struct session *s = arg;
    struct packet_ok end = {.status = session_status(s)};

    s->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        session_reply_err(s, &r->diag);
        return;
    }
    if (s->state == SESSION_BUSY) {
        for (uint32_t i = 0; i < r->n_cols; i++)
            chan_put_coldef(&s->chan, &r->cols[i]);
        if (s->caps & CAP_DEPRECATE_EOF)
            chan_put_result_end(&s->chan, &end, s->caps);
        else
            chan_put_eof(&s->chan, end.status, 0);
    }
    session_reply_sent(s);
}

void fields_run(struct session *s, struct sv body)
{
    const char *nul = memchr(body.ptr, '\0', body.len);
    struct sv table = nul ? sv_make(body.ptr, (size_t)(nul - body.ptr)) : body;
    struct sv wild = nul ? sv_make(nul + 1, body.len - table.len - 1) : SV_NULL;
    struct show_step *st = relay_step(s);
    const struct cat_table *t;
    struct sv phys_db, phys;
    struct strbuf b;
    uint32_t shard_id;
    bool is_virtual;

    t = find_table(s, SV_NULL, table, &is_virtual);
    if (t && !hold_pass_table(s, t))
        return;
    strbuf_init(&b, &s->stmt->arena);
    if (is_virtual) {
        shard_id = query_any_shard(s);
        strbuf_putsv(&b, table);
    } else if (!t || !first_place(s, t, &shard_id, &phys_db, &phys)) {
        session_reply_err(s, &s->stmt->diag);
        return;
    } else {
        strbuf_putsv(&b, phys);
    }
    strbuf_putc(&b, '\0');
    strbuf_putsv(&b, wild);
    st->q = (struct sideq_args){.kind = SIDEQ_FIELDS, .sql = strbuf_sv(&b), .shard_id = shard_id,
        .names = scope_of(s, t), .done = fields_done, .arg = s};
    query_side(s, &st->q);
}

/* ---- SHOW ---- */

static void show_ddl_rows(struct session *s, const struct ast_show *n, const struct ddl_rows *rows)
{
    struct rs_col *cols = ARENA_NEW_N(&s->stmt->arena, struct rs_col, rows->n_cols);
    struct show_rows r = {.cols = cols, .n_cols = (uint32_t)rows->n_cols, .cells = rows->cells, .n_rows = rows->n_rows};

    for (size_t i = 0; i < rows->n_cols; i++)
        cols[i] = (struct rs_col){.name = arena_dup(&s->stmt->arena, rows->cols[i].name).ptr,
            .type = rows->cols[i].type, .length = rows->cols[i].length, .not_null = n->what == AST_SHOW_CREATE_TABLE};
    send_rows(s, n, &r, SV_NULL);
}

static bool shard_is_down(void *arg, uint32_t shard_id)
{
    struct pool *p = pool_of(arg, shard_id);

    return p && pool_server(p) && bserver_is_down(pool_server(p));
}

static void show_catalog(struct session *s, const struct ast_show *n)
{
    const struct cat_snapshot *cat = session_snapshot(s);
    const struct ast_table *t = n->table ? AST_AS_CONST(table, n->table) : NULL;
    struct sv db = t && t->db.name.ptr ? t->db.name : s->db;
    struct arena *a = &s->stmt->arena;
    const struct ddl_rows *rows;

    if (n->what == AST_SHOW_CREATE_TABLE && cat_is_virtual_db(db)) {
        relay(s, s->stmt->text, query_any_shard(s));
        return;
    }
    if (n->what == AST_SHOW_SHARDS)
        rows = show_shards(cat, shard_is_down, s->worker, a);
    else if (n->what == AST_SHOW_TOPOLOGY)
        rows = show_topology(cat, db, t ? t->name.name : SV_NULL, a, &s->stmt->diag);
    else
        rows = show_create_table(cat, db, t->name.name, a, &s->stmt->diag);
    if (!rows)
        session_reply_err(s, &s->stmt->diag);
    else
        show_ddl_rows(s, n, rows);
}

/* Every shard has the schema with the same options. */
static void show_create_database(struct session *s, const struct ast_show *n)
{
    const struct cat_db *db = cat_find_db(session_snapshot(s), n->db.name);
    struct show_step *st = relay_step(s);

    if (!db && !cat_is_virtual_db(n->db.name)) {
        diag_setf(&s->stmt->diag, ER_BAD_DB_ERROR, "Unknown database '%.*s'", SV_ARG(n->db.name));
        session_reply_err(s, &s->stmt->diag);
        return;
    }
    if (db)
        st->suffix = show_database_mode(db);
    relay_with(s, st, NULL, s->stmt->text, query_any_shard(s));
}

void show_run(struct session *s)
{
    const struct ast_show *n = AST_AS_CONST(show, s->stmt->ast);
    struct show_step *st;
    const char *head;
    struct sv db;

    switch (n->what) {
    case AST_SHOW_DATABASES:
        show_databases(s, n);
        return;
    case AST_SHOW_TABLES:
        show_tables(s, n);
        return;
    case AST_SHOW_COLUMNS:
        head = n->extended ? n->full ? "SHOW EXTENDED FULL COLUMNS FROM " : "SHOW EXTENDED COLUMNS FROM "
            : n->full      ? "SHOW FULL COLUMNS FROM "
                           : "SHOW COLUMNS FROM ";
        show_of_table(s, head, n->table, n->db.name, n->like, n->where);
        return;
    case AST_SHOW_INDEX:
        show_of_table(s, n->extended ? "SHOW EXTENDED INDEX FROM " : "SHOW INDEX FROM ", n->table, n->db.name, NULL,
            n->where);
        return;
    case AST_SHOW_WARNINGS:
        show_warnings(s, n, false);
        return;
    case AST_SHOW_ERRORS:
        show_warnings(s, n, true);
        return;
    case AST_SHOW_VARIABLES:
        st = relay_step(s);
        st->variables = n->scope != AST_SCOPE_GLOBAL;
        relay_with(s, st, NULL, s->stmt->text, query_any_shard(s));
        return;
    case AST_SHOW_TABLE_STATUS:
        if (!find_db(s, n->db.name, &db))
            session_reply_err(s, &s->stmt->diag);
        else if (cat_is_virtual_db(db))
            relay(s, s->stmt->text, query_any_shard(s));
        else
            show_table_status(s, n, db);
        return;
    case AST_SHOW_PROCESSLIST:
        show_processlist(s, n);
        return;
    case AST_SHOW_GRANTS:
        show_grants(s, n);
        return;
    case AST_SHOW_OPEN_TABLES:
        /* Tables are not opened here: the columns, no rows. */
        relay(s, SV("SHOW OPEN TABLES WHERE FALSE"), query_any_shard(s));
        return;
    case AST_SHOW_TRIGGERS: /* user's databases have none of these, on no shard */
    case AST_SHOW_EVENTS:
        if (!find_db(s, n->db.name, &db)) {
            session_reply_err(s, &s->stmt->diag);
            return;
        }
        relay(s, s->stmt->text, query_any_shard(s));
        return;
    case AST_SHOW_PROCEDURE_STATUS:
    case AST_SHOW_FUNCTION_STATUS:
    case AST_SHOW_PACKAGE_STATUS:
    case AST_SHOW_PACKAGE_BODY_STATUS:
    case AST_SHOW_STATUS:
    case AST_SHOW_ENGINES:
    case AST_SHOW_PLUGINS:
    case AST_SHOW_PRIVILEGES:
    case AST_SHOW_CHARSET:
    case AST_SHOW_COLLATION:
        relay(s, s->stmt->text, query_any_shard(s));
        return;
    case AST_SHOW_CREATE_DATABASE:
        show_create_database(s, n);
        return;
    case AST_SHOW_CREATE_TABLE:
    case AST_SHOW_SHARDS:
    case AST_SHOW_TOPOLOGY:
        show_catalog(s, n);
        return;
    default: /* what is left has no distributed meaning yet */
        refuse(s, arena_printf(&s->stmt->arena, "%.*s", SV_ARG(s->stmt->text)).ptr);
        return;
    }
}
