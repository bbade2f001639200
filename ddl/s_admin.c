/* ANALYZE, CHECK, CHECKSUM, OPTIMIZE, REPAIR TABLE: on every physical table, the answers put together as one server
 * would give them; and SHOW DDL. None of them is a job.
 *
 * Where all partitions say the same, one row says it. A message that only some partitions have names the shard. CHECK
 * TABLE also compares the partitions' definitions with each other and counts rows that are not in the partition where
 * they belong. The checksum of a partitioned table is the sum of its partitions', as the servers sum up their rows' (so
 * it is what one server would say, unless the table has a hidden key). */
#include "ddl/describe.h"
#include "ddl/rows.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "router/part.h"

static const struct ddl_column admin_cols[] = {
    {.name = {"Table", 5}, .type = ROWS_TEXT, .length = 128},
    {.name = {"Op", 2}, .type = ROWS_TEXT, .length = 10},
    {.name = {"Msg_type", 8}, .type = ROWS_TEXT, .length = 10},
    {.name = {"Msg_text", 8}, .type = ROWS_TEXT, .length = 393216 / 4},
};
static const struct ddl_column checksum_cols[] = {
    {.name = {"Table", 5}, .type = ROWS_TEXT, .length = 128},
    {.name = {"Checksum", 8}, .type = ROWS_NUMBER, .length = 21},
};

static const char *const verbs[] = {"ANALYZE", "CHECK", "OPTIMIZE", "REPAIR", "CHECKSUM"};
static const char *const ops[] = {"analyze", "check", "optimize", "repair", "checksum"};

/* What one physical table said. */
struct said {
    struct arena arena;
    struct mresult r;
    struct job_place place;
    struct sv extra; /* CHECK: what Tessera found itself; empty: nothing */
    struct sv sql, count_sql;
    const struct cat_table *t;
    bool check;
};

static bool ask(struct mconn *c, struct arena *a, struct fan_task *t)
{
    struct said *s = t->arg;
    struct mresult r;

    if (!mconn_query(c, s->sql, &s->arena, &s->r, &t->d))
        return false;
    if (!s->count_sql.len)
        return true;
    if (!mconn_query(c, s->count_sql, a, &r, &t->d))
        return false;
    if (r.rows && mresult_u64(&r, 0, 0))
        s->extra =
            arena_printf(&s->arena, "%llu rows of table '%.*s' on shard '%.*s' belong to other partitions",
                         (unsigned long long)mresult_u64(&r, 0, 0), SV_ARG(s->place.name), SV_ARG(t->shard->name));
    return true;
}

static struct sv count_misplaced(struct job *j, const struct cat_table *t, size_t i)
{
    struct job_place p = job_place_at(j, t, i);
    struct strbuf b;
    struct sv head = mconn_sql(&j->arena, "SELECT COUNT(*) FROM %I.%I WHERE NOT (", &p.db, &p.name);

    strbuf_init(&b, &j->arena);
    strbuf_putsv(&b, head);
    part_filter_sql(part_of(t), (uint32_t)i, SV(""), &b);
    strbuf_puts(&b, ")");
    return strbuf_sv(&b);
}

static void row(struct rows *r, struct sv title, const char *op, const char *type, struct sv text)
{
    rows_put(r, title);
    rows_puts(r, op);
    rows_puts(r, type);
    rows_put(r, text);
}

/* Each different message once, in the order met; the first one of type status last. */
static void merge(struct job *j, struct rows *out, struct sv title, const char *op, const struct cat_table *t,
                  struct said *all, size_t n)
{
    struct arena *a = out->a;
    struct sv status = SV_NULL;
    struct rows_cells seen = {0};

    for (size_t i = 0; i < n; i++) {
        if (all[i].extra.len)
            row(out, title, op, "error", all[i].extra);
        for (uint32_t k = 0; k < all[i].r.rows; k++) {
            struct sv type = mresult_cell(&all[i].r, k, 2),
                      text = names_to_logical(a, mresult_cell(&all[i].r, k, 3), t->name);
            bool known = false;

            if (sv_eq(type, SV("status"))) {
                if (!status.ptr || sv_eq(status, SV("OK")) || sv_starts(status, SV("Table is already")))
                    status = sv_starts(text, SV("Table is already")) && status.ptr ? status : arena_dup(a, text);
                continue;
            }
            array_each(&seen, x)
                known = known || sv_eq(*x, text);
            if (known)
                continue;
            array_push(&seen, a, arena_dup(a, text));
            row(out, title, op, arena_dup(a, type).ptr, text);
        }
    }
    row(out, title, op, "status", status.ptr ? status : SV("OK"));
    (void)j;
}

static void checksum(struct rows *out, struct sv title, const struct cat_table *t, struct said *all, size_t n)
{
    uint64_t sum = 0;
    bool null = false;

    for (size_t i = 0; i < n; i++) {
        struct sv v = all[i].r.rows ? mresult_cell(&all[i].r, 0, 1) : SV_NULL;

        null = null || !v.ptr;
        if (i == 0 || t->kind == CAT_PARTITIONED)
            sum += all[i].r.rows ? mresult_u64(&all[i].r, 0, 1) : 0;
    }
    rows_put(out, title);
    if (null)
        rows_put(out, SV_NULL);
    else
        rows_putu(out, sum & UINT32_MAX);
}

/* Definitions of all partitions against the first one's. */
static void compare_shapes(struct job *j, const struct cat_table *t, struct said *all, size_t n)
{
    struct shape first = {0}, s;

    for (size_t i = 0; i < n; i++) {
        const struct cat_shard *sh = cat_find_shard_id(j->snap, all[i].place.shard_id);
        struct mconn *c = NULL;
        struct diag d;

        diag_clear(&d);
        if (!job_open_shard(j, all[i].place.shard_id, false, &c, &d) ||
            !describe_shape(c, all[i].place.db, all[i].place.name, all[i].place.part_no, &j->arena, i ? &s : &first,
                            &d)) {
            all[i].extra = arena_dup(&all[i].arena, sv_cstr(d.text));
            mconn_close(c);
            continue;
        }
        mconn_close(c);
        if (i && !shape_equal(&first, &s))
            all[i].extra =
                arena_printf(&all[i].arena,
                             "The definition of table '%.*s' on shard '%.*s' differs from that of the first partition",
                             SV_ARG(all[i].place.name), SV_ARG(sh->name));
    }
    (void)t;
}

static bool admin_table(struct job *j, const struct ast_admin_table *a, const struct cat_table *t, struct sv title,
                        struct rows *out, struct diag *d)
{
    size_t n = job_places(j, t);
    struct said *all = ARENA_NEW_N(&j->arena, struct said, n + 1);
    struct fan_task *tasks = ARENA_NEW_N(&j->arena, struct fan_task, n + 1);
    bool ok;

    for (size_t i = 0; i < n; i++) {
        struct said *s = &all[i];

        arena_init(&s->arena, 0);
        s->place = job_place_at(j, t, i);
        s->t = t;
        s->sql = mconn_sql(
            &j->arena, "%s %sTABLE %I.%I %S", verbs[a->op],
            a->no_binlog && a->op != AST_ADMIN_CHECK && a->op != AST_ADMIN_CHECKSUM ? "NO_WRITE_TO_BINLOG " : "",
            &s->place.db, &s->place.name, a->extra.len ? &a->extra : &a->word);
        if (a->op == AST_ADMIN_CHECK && t->kind == CAT_PARTITIONED)
            s->count_sql = count_misplaced(j, t, i);
        tasks[i] = (struct fan_task){.shard = cat_find_shard_id(j->snap, s->place.shard_id), .run = ask, .arg = s};
    }
    ok = job_fan(j, tasks, n, false, d);
    if (ok && a->op == AST_ADMIN_CHECK && n > 1)
        compare_shapes(j, t, all, n);
    if (ok && a->op == AST_ADMIN_CHECKSUM)
        checksum(out, title, t, all, n);
    else if (ok)
        merge(j, out, title, ops[a->op], t, all, n);
    for (size_t i = 0; i < n; i++)
        arena_free(&all[i].arena);
    return ok;
}

static void missing(struct rows *out, const struct ast_admin_table *a, struct sv title, const struct diag *d)
{
    if (a->op == AST_ADMIN_CHECKSUM) {
        rows_put(out, title);
        rows_put(out, SV_NULL);
        return;
    }
    row(out, title, ops[a->op], "Error", sv_cstr(d->text));
    row(out, title, ops[a->op], "status", SV("Operation failed"));
}

bool admin_run(struct job *j, struct ast_node *ast, struct diag *d)
{
    const struct ast_admin_table *a = AST_AS_CONST(admin_table, ast);
    struct rows out;

    if (a->view)
        return job_refuse(d, "CHECK | REPAIR VIEW");
    if (a->op == AST_ADMIN_CHECKSUM)
        rows_init(&out, &j->r->arena, checksum_cols, ARRAY_LEN(checksum_cols));
    else
        rows_init(&out, &j->r->arena, admin_cols, ARRAY_LEN(admin_cols));
    AST_EACH(slot, &a->tables) {
        const struct cat_table *t;
        struct sv db, name, title;
        struct diag d2;

        if (!job_table_name(j, *slot, &db, &name, d))
            return false;
        title = arena_printf(&j->arena, "%.*s.%.*s", SV_ARG(db), SV_ARG(name));
        diag_clear(&d2);
        t = job_find_table(j, db, name, &d2);
        j->table = name;
        if (!t)
            missing(&out, a, title, &d2);
        else if (!admin_table(j, a, t, title, &out, d))
            return false;
    }
    j->r->rows = rows_end(&out);
    return true;
}

/* ---- SHOW DDL [n] ---- */

static const struct ddl_column ddl_cols[] = {
    {.name = {"Id", 2}, .type = ROWS_NUMBER, .length = 20},
    {.name = {"State", 5}, .type = ROWS_TEXT, .length = 16},
    {.name = {"Kind", 4}, .type = ROWS_TEXT, .length = 32},
    {.name = {"Db", 2}, .type = ROWS_TEXT, .length = 64},
    {.name = {"Table", 5}, .type = ROWS_TEXT, .length = 64},
    {.name = {"Step", 4}, .type = ROWS_NUMBER, .length = 20},
    {.name = {"Steps", 5}, .type = ROWS_NUMBER, .length = 20},
    {.name = {"Node", 4}, .type = ROWS_TEXT, .length = 64},
    {.name = {"User", 4}, .type = ROWS_TEXT, .length = 320},
    {.name = {"Created", 7}, .type = ROWS_TEXT, .length = 26},
    {.name = {"Finished", 8}, .type = ROWS_TEXT, .length = 26},
    {.name = {"Statement", 9}, .type = ROWS_TEXT, .length = 1024},
    {.name = {"Error", 5}, .type = ROWS_TEXT, .length = 512},
};

enum { SHOW_DDL_ROWS = 100 };

bool show_ddl_run(struct job *j, struct ast_node *ast, struct diag *d)
{
    const struct ast_show *s = AST_AS_CONST(show, ast);
    struct sv where = SV("");
    struct mresult r;
    struct rows out;
    uint64_t id;

    if (s->value) {
        if (s->value->kind != AST_LIT || !sv_to_u64(AST_AS_CONST(lit, s->value)->value, &id))
            return diag_setf(d, ER_PARSE_ERROR, "SHOW DDL takes the number of a job");
        where = mconn_sql(&j->arena, "WHERE id = %lu", (unsigned long)id);
    }
    if (!mconn_queryf(j->meta, &j->arena, &r, d,
                      "SELECT id, state, kind, db, tbl, step, n_steps, node, user, created, finished, statement, error "
                      "FROM tessera.ddl_job %S ORDER BY id DESC LIMIT %d",
                      &where, (int)SHOW_DDL_ROWS))
        return false;
    rows_init(&out, &j->r->arena, ddl_cols, ARRAY_LEN(ddl_cols));
    for (uint32_t i = 0; i < r.rows; i++)
        for (uint32_t k = 0; k < r.cols; k++)
            rows_put(&out, mresult_cell(&r, i, k));
    j->r->rows = rows_end(&out);
    return true;
}
