/* References to information_schema in a statement, and how the statement runs; see infoschema.h for the steps.
 *
 * The shards are asked one after the other: a statement has one side query at a time, which is what KILL and a client that
 * goes away know how to stop. Filters: conditions of the form `column = 'x'` and `column IN ('x', ..)` that are ANDed at the top of
 * the WHERE of the reference's own SELECT. They only ever leave out rows which that WHERE would leave out too, so outer joins are no
 * matter: such a condition is never true for a row of NULLs. */
#include "proxy/infoschema-int.h"

#include "catalog/snapshot.h"
#include "parser/parse.h"
#include "proxy/command.h"
#include "proxy/env.h"
#include "proxy/proxy.h"
#include "proxy/resultset.h"

#include <stdlib.h>

enum { REFS_MAX = 64, TEXT_BYTES_MAX = 8 << 20 };
/* PRI_KEY, UNIQUE_KEY, MULTIPLE_KEY, PART_KEY */
enum { KEY_FLAGS = 0x2 | 0x4 | 0x8 | 0x4000 };

/* A piece of the statement's text that is replaced. */
struct is_edit {
    uint32_t begin, end;
    struct sv text;
};

ARRAY_OF(is_edit_array, struct is_edit);

struct infoschema {
    struct session *session;
    struct sv text, meta; /* meta ptr NULL: the statement itself, prepared */
    struct is_ref_array refs;
    struct is_job_array jobs;
    size_t job;
    struct sideq_args q;
    bool has_user_tables, is_plain; /* is_plain: a query that reads nothing but system tables and returns rows */
    struct sv final;
    uint32_t final_shard;
    struct packet_coldef *defs;
    uint32_t n_defs;
};

/* ---- finding references ---- */

struct finder {
    struct session *s;
    struct infoschema *is; /* NULL: only whether there are any */
    struct ast_idents ctes;
    bool found;
    const struct ast_node *from_table_query;
};

static bool is_cte(const struct finder *f, struct sv name)
{
    for (uint32_t i = 0; i < f->ctes.n; i++) {
        if (sv_eq_nocase(f->ctes.items[i].name, name))
            return true;
    }
    return false;
}

static const struct is_desc *desc_of(const struct finder *f, const struct ast_table *t)
{
    struct sv db = ast_ident_set(&t->db) ? t->db.name : session_db(f->s);

    if (!db.len || !sv_eq_nocase(db, SV("information_schema")) || (!ast_ident_set(&t->db) && is_cte(f, t->name.name)))
        return NULL;
    return infoschema_desc(t->name.name);
}

static enum ast_walk find_ctes(struct ast_node **slot, void *arg)
{
    struct finder *f = arg;

    if ((*slot)->kind == AST_CTE)
        ast_idents_add(&f->s->stmt->arena, &f->ctes, AST_AS(cte, *slot)->name);
    return AST_CONTINUE;
}

static enum ast_walk find_refs(struct ast_node **slot, void *arg)
{
    struct finder *f = arg;
    const struct ast_node *n = *slot;
    const struct ast_table *t;
    const struct is_desc *d;
    struct sv db;

    if (n->kind == AST_TABLE_QUERY)
        f->from_table_query = n;
    if (n->kind != AST_TABLE)
        return AST_CONTINUE;
    t = AST_AS_CONST(table, n);
    d = desc_of(f, t);
    if (d) {
        bool whole = f->from_table_query && AST_AS_CONST(table_query, f->from_table_query)->table == n;

        f->found = true;
        if (!f->is)
            return AST_ABORT;
        array_push(&f->is->refs, &f->s->stmt->arena,
            ((struct is_ref){.desc = d, .node = whole ? f->from_table_query : n}));
    } else if (f->is && !is_cte(f, t->name.name)) {
        db = ast_ident_set(&t->db) ? t->db.name : session_db(f->s);
        if (!db.len || !cat_is_virtual_db(db))
            f->is->has_user_tables = true;
    }
    return AST_CONTINUE;
}

/* Everything but a plain read for the client. */
static enum ast_walk find_effects(struct ast_node **slot, void *arg)
{
    (void)arg;
    if ((*slot)->kind == AST_ASSIGN || (*slot)->kind == AST_INTO)
        return AST_ABORT;
    return AST_CONTINUE;
}

bool infoschema_reads(struct session *s, struct ast_node *ast)
{
    struct finder f = {.s = s};

    if (s->stmt->is_rewritten || !ast)
        return false;
    ast_walk(&ast, find_ctes, NULL, &f);
    ast_walk(&ast, find_refs, NULL, &f);
    return f.found;
}

/* The name of a reference in the statement. */
static struct sv ref_name(const struct is_ref *ref)
{
    const struct ast_table *t;

    if (ref->node->kind != AST_TABLE)
        return SV_NULL;
    t = AST_AS_CONST(table, ref->node);
    return ast_ident_set(&t->alias) ? t->alias.name : t->name.name;
}

/* ---- filters ---- */

struct scope {
    struct session *s;
    struct is_ref *refs[REFS_MAX]; /* of one FROM */
    uint32_t n;
};

static void collect_from(struct infoschema *is, const struct ast_node *from, struct scope *sc)
{
    if (!from)
        return;
    if (from->kind == AST_JOIN) {
        collect_from(is, AST_AS_CONST(join, from)->left, sc);
        collect_from(is, AST_AS_CONST(join, from)->right, sc);
        return;
    }
    for (size_t i = 0; i < is->refs.n && sc->n < REFS_MAX; i++) {
        if (is->refs.v[i].node == from)
            sc->refs[sc->n++] = &is->refs.v[i];
    }
}

/* A constant string; ptr NULL: not one. */
static struct sv constant(const struct session *s, const struct ast_node *n)
{
    if (n->kind == AST_LIT && AST_AS_CONST(lit, n)->type == AST_LIT_STRING && AST_AS_CONST(lit, n)->value.ptr)
        return AST_AS_CONST(lit, n)->value;
    if (n->kind == AST_FUNC && !AST_AS_CONST(func, n)->args.n && !ast_ident_set(&AST_AS_CONST(func, n)->db) &&
        (sv_eq_nocase(AST_AS_CONST(func, n)->name.name, SV("DATABASE")) ||
            sv_eq_nocase(AST_AS_CONST(func, n)->name.name, SV("SCHEMA"))) && session_db(s).len)
        return session_db(s);
    return SV_NULL;
}

/* The column that a side of a comparison is; COLLATE and BINARY only make it stricter. */
static const struct ast_column *column_of(const struct ast_node *n, bool *stricter)
{
    if (n->kind == AST_COLLATE || (n->kind == AST_UNARY && AST_AS_CONST(unary, n)->op == AST_OP_BINARY)) {
        *stricter = true;
        n = n->kind == AST_COLLATE ? AST_AS_CONST(collate, n)->arg : AST_AS_CONST(unary, n)->arg;
    }
    return n->kind == AST_COLUMN ? AST_AS_CONST(column, n) : NULL;
}

static void restrict_ref(struct is_ref *ref, const struct ast_column *c, bool exact, struct sv *names, uint32_t n)
{
    const struct is_desc *d = ref->desc;
    struct is_filter *f = NULL;

    if (ast_ident_set(&c->tbl)) {
        if (!sv_eq_nocase(ref_name(ref), c->tbl.name))
            return;
    }
    if (d->schema_col && sv_eq_nocase(c->name.name, sv_cstr(d->schema_col)))
        f = &ref->schemas;
    else if (d->table_col && sv_eq_nocase(c->name.name, sv_cstr(d->table_col)))
        f = &ref->tables;
    if (f && !f->is_set)
        *f = (struct is_filter){.is_set = true, .exact = exact, .names = names, .n = n};
}

static void use_condition(struct scope *sc, const struct ast_node *n)
{
    const struct ast_column *c = NULL;
    bool stricter = false, exact = false;
    struct sv *names;
    uint32_t count = 0;

    if (n->kind == AST_LOGIC && AST_AS_CONST(logic, n)->op == AST_OP_AND) {
        AST_EACH (arg, &AST_AS_CONST(logic, n)->args)
            use_condition(sc, *arg);
        return;
    }
    if (n->kind == AST_BINARY && AST_AS_CONST(binary, n)->op == AST_OP_EQ) {
        const struct ast_binary *x = AST_AS_CONST(binary, n);
        const struct ast_node *value = x->right;

        c = column_of(x->left, &stricter);
        if (!c) {
            c = column_of(x->right, &stricter);
            value = x->left;
        }
        names = ARENA_NEW_N(&sc->s->stmt->arena, struct sv, 1);
        names[0] = constant(sc->s, value);
        exact = true;
        count = names[0].ptr != NULL;
    } else if (n->kind == AST_IN && !AST_AS_CONST(in, n)->negated && !AST_AS_CONST(in, n)->query) {
        const struct ast_in *x = AST_AS_CONST(in, n);

        c = column_of(x->arg, &stricter);
        names = ARENA_NEW_N(&sc->s->stmt->arena, struct sv, x->list.n + 1);
        for (; count < x->list.n; count++) {
            names[count] = constant(sc->s, x->list.items[count]);
            if (!names[count].ptr)
                return;
        }
    } else {
        return;
    }
    for (uint32_t i = 0; c && count && i < sc->n; i++)
        restrict_ref(sc->refs[i], c, exact, names, count);
}

static enum ast_walk find_filters(struct ast_node **slot, void *arg)
{
    struct infoschema *is = arg;

    if ((*slot)->kind == AST_SELECT) {
        const struct ast_select *sel = AST_AS_CONST(select, *slot);
        struct scope sc = {.s = is->session};

        collect_from(is, sel->from, &sc);
        if (sel->where && sc.n)
            use_condition(&sc, sel->where);
    }
    return AST_CONTINUE;
}

/* ---- the text ---- */

/* `information_schema.tables.table_name`: a derived table has no schema. */
struct qualifiers {
    struct infoschema *is;
    struct is_edit_array edits;
};

static enum ast_walk find_qualifiers(struct ast_node **slot, void *arg)
{
    struct qualifiers *q = arg;
    const struct ast_node *n = *slot;
    const struct ast_ident *db, *tbl;

    if (n->kind == AST_COLUMN)
        db = &AST_AS_CONST(column, n)->db, tbl = &AST_AS_CONST(column, n)->tbl;
    else if (n->kind == AST_STAR)
        db = &AST_AS_CONST(star, n)->db, tbl = &AST_AS_CONST(star, n)->tbl;
    else
        return AST_CONTINUE;
    if (ast_ident_set(db) && sv_eq_nocase(db->name, SV("information_schema")) && infoschema_desc(tbl->name))
        array_push(&q->edits, &q->is->session->stmt->arena, ((struct is_edit){db->begin, tbl->begin, SV("")}));
    return AST_CONTINUE;
}

/* MySQL names a result column of information_schema as its view does, however it was written; of a derived table, as it was written. */
static void name_items(struct qualifiers *q, const struct ast_node *ast)
{
    const struct infoschema *is = q->is;

    if (is->session->proxy->is_mariadb || is->is_plain || ast->kind != AST_SELECT)
        return;
    AST_EACH (slot, &AST_AS_CONST(select, ast)->items) {
        const struct ast_select_item *item = AST_AS_CONST(select_item, *slot);
        const struct ast_column *c = item->expr->kind == AST_COLUMN ? AST_AS_CONST(column, item->expr) : NULL;

        for (size_t i = 0; c && !ast_ident_set(&item->alias) && i < is->refs.n; i++) {
            const struct is_ref *ref = &is->refs.v[i];

            if (ast_ident_set(&c->tbl) && !sv_eq_nocase(c->tbl.name, ref_name(ref)))
                continue;
            for (uint32_t k = 0; k < ref->n_cols; k++) {
                struct strbuf b;

                if (!sv_eq_nocase(c->name.name, ref->cols[k].name))
                    continue;
                strbuf_init(&b, &is->session->stmt->arena);
                strbuf_puts(&b, " AS ");
                strbuf_put_ident(&b, ref->cols[k].name);
                array_push(&q->edits, &is->session->stmt->arena, ((struct is_edit){c->node.end, c->node.end, strbuf_sv(&b)}));
                c = NULL;
                break;
            }
            if (!c)
                break;
        }
    }
}

static struct is_edit edit_of(struct infoschema *is, const struct is_ref *ref)
{
    const struct ast_table *t = AST_AS_CONST(table,
        ref->node->kind == AST_TABLE ? ref->node : AST_AS_CONST(table_query, ref->node)->table);
    struct is_edit e = {.begin = ast_ident_set(&t->db) ? t->db.begin : t->name.begin, .end = t->name.end};
    struct strbuf b;

    strbuf_init(&b, &is->session->stmt->arena);
    if (ref->node->kind != AST_TABLE) {
        e.begin = ref->node->begin;
        strbuf_puts(&b, "SELECT * FROM ");
    }
    infoschema_rows_put(is->session, ref, &b);
    if (!ast_ident_set(&t->alias)) {
        strbuf_puts(&b, " AS ");
        strbuf_put_ident(&b, t->name.name);
    }
    e.text = strbuf_sv(&b);
    return e;
}

static int by_begin(const void *a, const void *b)
{
    const struct is_edit *x = a, *y = b;

    return x->begin < y->begin ? -1 : x->begin > y->begin;
}

static bool make_text(struct infoschema *is, struct ast_node *ast, struct sv *out)
{
    struct session *s = is->session;
    struct qualifiers q = {.is = is};
    struct strbuf b;
    uint32_t at = 0;

    ast_walk(&ast, find_qualifiers, NULL, &q);
    name_items(&q, ast);
    for (size_t i = 0; i < is->refs.n; i++)
        array_push(&q.edits, &s->stmt->arena, edit_of(is, &is->refs.v[i]));
    qsort(q.edits.v, q.edits.n, sizeof(*q.edits.v), by_begin);
    strbuf_init(&b, &s->stmt->arena);
    for (size_t i = 0; i < q.edits.n; i++) {
        strbuf_put(&b, is->text.ptr + at, q.edits.v[i].begin - at);
        strbuf_putsv(&b, q.edits.v[i].text);
        at = q.edits.v[i].end;
    }
    strbuf_put(&b, is->text.ptr + at, is->text.len - at);
    if (b.overflow || b.len > TEXT_BYTES_MAX)
        return diag_set(&s->stmt->diag, ER_OUT_OF_RESOURCES,
            "information_schema: too many rows; add conditions on the schema's and table's name");
    *out = strbuf_sv(&b);
    return true;
}

/* ---- execution ---- */

static void run_next_job(struct infoschema *is);

static void fail(struct infoschema *is, const struct diag *d)
{
    session_reply_err(is->session, d);
}

static void have_rows(void *arg, struct sideq_result *r)
{
    struct infoschema *is = arg;

    is->session->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        fail(is, &r->diag);
        return;
    }
    for (uint32_t i = 0; i < r->n_cols && is->n_defs == r->n_cols; i++) {
        struct packet_coldef *c = &is->defs[i];

        if (c->type != r->cols[i].type)
            continue;
        /* Some of a server's answers are final only when the statement runs: flags of expressions, and on MySQL the decimals
         * of texts, while keys are those of the data dictionary under its views. */
        if (!c->org_name.len)
            c->flags = r->cols[i].flags;
        if (!is->session->proxy->is_mariadb) {
            c->flags &= (uint16_t)~KEY_FLAGS;
            c->decimals = r->cols[i].decimals;
        }
    }
    resultset_send_defs(is->session, is->n_defs == r->n_cols ? is->defs : r->cols, r->n_cols, r->cells, r->n_rows);
}

static void have_defs(void *arg, struct sideq_result *r)
{
    struct infoschema *is = arg;

    is->session->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        fail(is, &r->diag);
        return;
    }
    is->defs = r->cols;
    is->n_defs = r->n_cols;
    is->q = (struct sideq_args){.sql = is->final, .shard_id = is->final_shard, .warnings = &is->session->stmt->warnings,
        .done = have_rows, .arg = is};
    query_side(is->session, &is->q);
}

/* Only system tables: the definitions of the statement as it was written, then the rows. */
static void run_plain(struct infoschema *is, struct sv text)
{
    struct session *s = is->session;
    enum sideq_kind kind = is->meta.ptr ? SIDEQ_QUERY : SIDEQ_PREPARE;
    struct sv original = is->meta;

    if (!query_one_shard_text(s, text, &is->final_shard, &is->final) ||
        (!original.ptr && !query_one_shard_text(s, is->text, &is->final_shard, &original))) {
        fail(is, &s->stmt->diag);
        return;
    }
    is->q = (struct sideq_args){.kind = kind, .sql = original, .shard_id = is->final_shard, .done = have_defs, .arg = is};
    query_side(s, &is->q);
}

/* The new text as any other statement, but not through the plan cache. */
static void run_planned(struct infoschema *is, struct sv text)
{
    struct session *s = is->session;
    struct stmt *st = s->stmt;
    struct parse_result r;

    if (!parser_parse(text, 0, session_sql_opts(s), &st->arena, &r, &st->diag)) {
        fail(is, &st->diag);
        return;
    }
    st->text = text;
    st->ast = r.stmt;
    st->cacheable = false;
    stmt_scan_run(&st->scan, text, session_sql_opts(s), true);
    if (st->binary) { /* an execution without parameters */
        struct strbuf b;

        strbuf_init(&b, &st->arena);
        packet_execute_build(&b, 0, 0, NULL, 0);
        st->prepared = (struct exec_prepared){.payload = b.ptr, .len = b.len, .arena = &st->arena};
        st->exec.prepared = &st->prepared;
    }
    query_statement(s);
}

static void rewrite(struct infoschema *is)
{
    struct session *s = is->session;
    struct sv text;

    if (!make_text(is, s->stmt->ast, &text)) {
        fail(is, &s->stmt->diag);
        return;
    }
    if (is->is_plain)
        run_plain(is, text);
    else
        run_planned(is, text);
}

static struct infoschema *is_of(struct session *s)
{
    return s->stmt->arg;
}

static void have_sessions(struct session *s, const struct proclist *list)
{
    struct infoschema *is = is_of(s);
    struct diag d = {0};

    if (s->stmt->is_cancelled) { /* with the client its packet is gone, and so is the text */
        diag_set(&d, ER_QUERY_INTERRUPTED);
        fail(is, &d);
        return;
    }
    infoschema_rows_sessions(s, &is->refs.v[is->jobs.v[is->job].ref], list);
    is->job++;
    run_next_job(is);
}

static void job_done(void *arg, struct sideq_result *r)
{
    struct infoschema *is = arg;
    struct is_ref *ref = &is->refs.v[is->jobs.v[is->job].ref];

    is->session->stmt->side = NULL;
    if (diag_is_set(&r->diag)) {
        fail(is, &r->diag);
        return;
    }
    infoschema_rows_take(is->session, ref, r);
    if (ref->desc->kind == IS_PROCESSLIST) {
        proclist_gather(is->session, have_sessions);
        return;
    }
    is->job++;
    run_next_job(is);
}

static void run_next_job(struct infoschema *is)
{
    struct session *s = is->session;
    const struct is_job *j;

    if (is->job == is->jobs.n) {
        rewrite(is);
        return;
    }
    j = &is->jobs.v[is->job];
    is->q = (struct sideq_args){
        .wanted = s->schema_wanted,
        .sql = infoschema_rows_sql(s, &is->refs.v[j->ref], j->shard_id),
        .shard_id = j->shard_id,
        /* MySQL calls PROCESSLIST deprecated when it is read. */
        .warnings = is->refs.v[j->ref].desc->kind == IS_PROCESSLIST ? &s->stmt->warnings : NULL,
        .done = job_done,
        .arg = is,
    };
    query_side(s, &is->q);
}

/* The session's own state, except what would change the rows that are collected: they come in utf8mb4, all of them. */
static bool want_state(struct session *s)
{
    static const char *const vars[][2] = {
        {"character_set_client", "'utf8mb4'"},
        {"character_set_results", "'utf8mb4'"},
        {"collation_connection", NULL},
        {"character_set_connection", "'utf8mb4'"},
        {"sql_select_limit", NULL},
        {"sql_mode", NULL},
    };
    struct sync_state *st, *next;

    if (s->schema_wanted && s->schema_base == s->wanted->signature)
        return true;
    st = sync_ref(s->wanted);
    for (size_t i = 0; i < ARRAY_LEN(vars); i++) {
        next = sync_with_var(st, sv_cstr(vars[i][0]), vars[i][1] ? sv_cstr(vars[i][1]) : SV_NULL);
        sync_unref(st);
        if (!next)
            return diag_set(&s->stmt->diag, ER_OUT_OF_RESOURCES, "session variables");
        st = next;
    }
    if (s->schema_wanted)
        sync_unref(s->schema_wanted);
    s->schema_wanted = st;
    s->schema_base = s->wanted->signature;
    return true;
}

/* Whether the statement can see a size or a time of a table: else one partition says all that is asked. */
static bool mentions_sizes(struct sv text)
{
    static const char *const words[] = {"TABLE_ROWS", "_LENGTH", "DATA_FREE", "AUTO_INCREMENT", "_TIME", "*"};

    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
        size_t n = strlen(words[w]);

        for (size_t i = 0; i + n <= text.len; i++) {
            if (sv_eq_nocase(sv_make(text.ptr + i, n), sv_make(words[w], n)))
                return true;
        }
    }
    return false;
}

static void start(struct session *s, struct infoschema *is)
{
    struct stmt *st = s->stmt;
    struct ast_node *ast = st->ast;
    bool sizes = mentions_sizes(is->text);
    struct finder f = {.s = s, .is = is};

    is->session = s;
    ast_walk(&ast, find_ctes, NULL, &f);
    ast_walk(&ast, find_refs, NULL, &f);
    ast_walk(&ast, find_filters, NULL, is);
    is->is_plain = ast_is_query(ast) && !is->has_user_tables && ast_walk(&ast, find_effects, NULL, NULL);
    st->arg = is;
    st->is_rewritten = true;
    if (is->refs.n > REFS_MAX) {
        diag_set(&st->diag, ER_NOT_SUPPORTED_YET, "so many references to information_schema in one statement");
        session_reply_err(s, &st->diag);
        return;
    }
    if (!want_state(s)) {
        session_reply_err(s, &st->diag);
        return;
    }
    for (size_t i = 0; i < is->refs.n; i++) {
        bool whole = is->refs.v[i].node->kind == AST_TABLE_QUERY;

        infoschema_rows_plan(s, &is->refs.v[i], (uint32_t)i, sizes || whole, &is->jobs);
    }
    run_next_job(is);
}

bool infoschema_run(struct session *s)
{
    struct infoschema *is;

    if (!infoschema_reads(s, s->stmt->ast))
        return false;
    is = ARENA_NEW(&s->stmt->arena, struct infoschema);
    is->text = s->stmt->text;
    start(s, is);
    return true;
}

void infoschema_query(struct session *s, struct sv text, struct sv meta)
{
    struct stmt *st = s->stmt;
    struct infoschema *is = ARENA_NEW(&st->arena, struct infoschema);
    struct parse_result r;

    if (!parser_parse(text, 0, session_sql_opts(s), &st->arena, &r, &st->diag)) {
        session_reply_err(s, &st->diag);
        return;
    }
    st->ast = r.stmt;
    is->text = text;
    is->meta = meta;
    start(s, is);
}
