/* Window functions against their definitions, row by row: partitions of all sizes, peers, NULLs, both directions, every kind of frame,
 * batches of 3 and 1,024 rows, inputs that block. Rows of partitions are ordered by a sort below. */
#include "ops.h"

struct row {
    char *part;  /* NULL: NULL */
    bool key_null, val_null;
    int key, val, id; /* val in hundredths */
};

enum { N_ROWS = 400, N_MANY = 8000 };

/* part (general_ci), key int, val decimal(10,2), id */
static uint32_t fill(struct ops_fixture *f, struct ops_table *t, struct row *rows, uint32_t n, uint32_t parts)
{
    static const char *const names[] = {"a", "B", "b", "a rather long name", "c", "A", "d", "e"};

    ops_table_init(f, t, 4, n);
    t->types[0] = type_string(24, 45, DERIV_IMPLICIT);
    t->types[1] = type_int(false);
    t->types[2] = type_decimal(10, 2);
    t->types[3] = type_int(false);
    for (uint32_t i = 0; i < n; i++) {
        const char *c[4] = {NULL};
        struct row *r = &rows[i];
        uint32_t p = ops_rnd(f, parts + 1);

        *r = (struct row){.key = (int)ops_rnd(f, 30), .val = (int)ops_rnd(f, 2000) - 1000, .id = (int)i, .key_null = ops_rnd(f, 9) == 0,
            .val_null = ops_rnd(f, 6) == 0};
        c[0] = p == parts ? NULL : names[p % ARRAY_LEN(names)];
        c[1] = r->key_null ? NULL : arena_printf(&f->a, "%d", r->key).ptr;
        c[2] = r->val_null ? NULL : arena_printf(&f->a, "%s%d.%02d", r->val < 0 ? "-" : "", abs(r->val) / 100, abs(r->val) % 100).ptr;
        c[3] = arena_printf(&f->a, "%u", i).ptr;
        r->part = c[0] ? arena_strdup(&f->a, c[0]) : NULL;
        ops_table_add(f, t, c);
    }
    return n;
}

static bool same_part(const struct row *a, const struct row *b)
{
    if (!a->part || !b->part)
        return a->part == b->part;
    return coll_compare(45, sv_cstr(a->part), sv_cstr(b->part)) == 0;
}

static bool peer(const struct row *a, const struct row *b)
{
    return a->key_null == b->key_null && (a->key_null || a->key == b->key);
}

/* Rows i of [0, n) in order; is j in row i's frame? */
static bool in_frame(const struct op_frame *f, const struct row *r, uint32_t i, uint32_t j, bool desc)
{
    const struct op_frame_bound *b[2] = {&f->start, &f->end};

    for (int e = 0; e < 2; e++) {
        int64_t d = (int64_t)j - i, sign = e ? 1 : -1, n = (int64_t)b[e]->n;
        int64_t key = desc ? -r[j].key : r[j].key, cur = desc ? -r[i].key : r[i].key;

        switch (b[e]->how) {
        case OP_BOUND_UNBOUNDED_PRECEDING:
            if (e)
                return false;
            break;
        case OP_BOUND_UNBOUNDED_FOLLOWING:
            if (!e)
                return false;
            break;
        case OP_BOUND_CURRENT_ROW:
            if (f->range ? d * sign > 0 && !peer(&r[i], &r[j]) : d * sign > 0)
                return false;
            break;
        case OP_BOUND_PRECEDING:
        case OP_BOUND_FOLLOWING:
            if (b[e]->how == OP_BOUND_PRECEDING)
                n = -n;
            if (!f->range) {
                if ((d - n) * sign > 0)
                    return false;
            } else if (r[i].key_null) {
                if (!r[j].key_null && (e ? j > i : j < i))
                    return false;
            } else if (r[j].key_null) {
                if (e ? desc : !desc) /* before or behind all others */
                    return false;
            } else if ((key - (cur + n)) * sign > 0) {
                return false;
            }
            break;
        }
    }
    return true;
}

static const char *cents(struct ops_fixture *f, long v)
{
    return arena_printf(&f->a, "%s%ld.%02ld", v < 0 ? "-" : "", labs(v) / 100, labs(v) % 100).ptr;
}

/* All functions over one frame: what the definitions say of row i of a partition. */
static const char *want_line(struct ops_fixture *f, const struct op_frame *fr, const struct row *r, uint32_t n, uint32_t i, bool desc)
{
    uint32_t rank = i, behind = i, dense = 1, count = 0, vals = 0, first = UINT32_MAX, last = 0, third = UINT32_MAX;
    long sum = 0, min = 0;
    const struct row *lag = i >= 2 ? &r[i - 2] : NULL;

    for (uint32_t j = 0; j < n; j++) {
        rank = peer(&r[i], &r[j]) && j < rank ? j : rank;
        behind = peer(&r[i], &r[j]) ? j + 1 : behind;
        dense += j && j <= i && !peer(&r[j - 1], &r[j]);
        if (!in_frame(fr, r, i, j, desc))
            continue;
        first = MIN(first, j);
        last = j;
        if (++count == 3)
            third = j;
        if (r[j].val_null)
            continue;
        sum += r[j].val;
        min = !vals || r[j].val < min ? r[j].val : min;
        vals++;
    }
    return arena_printf(&f->a, "%d|%u|%u|%u|%s|%s|%u|%s|%s|%s|%s|%s|%u|%s|%s|", r[i].id, i + 1, rank + 1, dense,
        n > 1 ? arena_printf(&f->a, "%.6f", (double)rank / (double)(n - 1)).ptr : "0.000000",
        arena_printf(&f->a, "%.6f", (double)behind / (double)n).ptr,
        n < 4 ? i + 1 : i < n % 4 * (n / 4 + 1) ? i / (n / 4 + 1) + 1 : n % 4 + (i - n % 4 * (n / 4 + 1)) / (n / 4) + 1,
        lag ? (lag->val_null ? "NULL" : cents(f, lag->val)) : "-7.00",
        i + 1 < n ? arena_printf(&f->a, "%d", r[i + 1].id).ptr : "NULL",
        first == UINT32_MAX ? "NULL" : arena_printf(&f->a, "%d", r[first].id).ptr,
        first == UINT32_MAX ? "NULL" : arena_printf(&f->a, "%d", r[last].id).ptr,
        third == UINT32_MAX ? "NULL" : arena_printf(&f->a, "%d", r[third].id).ptr, count, vals ? cents(f, sum) : "NULL",
        vals ? cents(f, min) : "NULL")
        .ptr;
}

static const struct op_frame frames[] = {
    {false, {OP_BOUND_UNBOUNDED_PRECEDING, 0, NULL}, {OP_BOUND_CURRENT_ROW, 0, NULL}},
    {true, {OP_BOUND_UNBOUNDED_PRECEDING, 0, NULL}, {OP_BOUND_CURRENT_ROW, 0, NULL}},
    {false, {OP_BOUND_UNBOUNDED_PRECEDING, 0, NULL}, {OP_BOUND_UNBOUNDED_FOLLOWING, 0, NULL}},
    {false, {OP_BOUND_PRECEDING, 2, NULL}, {OP_BOUND_FOLLOWING, 3, NULL}},
    {false, {OP_BOUND_FOLLOWING, 1, NULL}, {OP_BOUND_UNBOUNDED_FOLLOWING, 0, NULL}},
    {false, {OP_BOUND_PRECEDING, 5, NULL}, {OP_BOUND_PRECEDING, 2, NULL}},
    {false, {OP_BOUND_PRECEDING, 300, NULL}, {OP_BOUND_FOLLOWING, 2, NULL}},
    {true, {OP_BOUND_CURRENT_ROW, 0, NULL}, {OP_BOUND_UNBOUNDED_FOLLOWING, 0, NULL}},
    {true, {OP_BOUND_PRECEDING, 4, NULL}, {OP_BOUND_FOLLOWING, 2, NULL}},
    {true, {OP_BOUND_FOLLOWING, 1, NULL}, {OP_BOUND_FOLLOWING, 6, NULL}},
    {true, {OP_BOUND_UNBOUNDED_PRECEDING, 0, NULL}, {OP_BOUND_PRECEDING, 3, NULL}},
    {false, {OP_BOUND_PRECEDING, 280, NULL}, {OP_BOUND_UNBOUNDED_FOLLOWING, 0, NULL}},
};

static struct op *make_window(struct ops_fixture *f, struct ops_table *t, struct op_frame fr, bool desc)
{
    static const uint32_t part[] = {0};
    const struct sort_col by[] = {{0, false}, {1, desc}, {3, false}}, order[] = {{1, desc}};
    const struct bexpr **x = ARENA_NEW_N(&f->a, const struct bexpr *, 16), *show[15];
    struct op_frame_bound *b[] = {&fr.start, &fr.end};
    struct op *o = op_sort_new(&f->cx, ops_source(f, t), by, 3);

    for (int e = 0; e < 2; e++) {
        bool minus = (b[e]->how == OP_BOUND_PRECEDING) != desc;

        b[e]->limit = ops_expr(f, t->types, arena_printf(&f->a, "(%s #1 %d)", minus ? "-" : "+", (int)b[e]->n).ptr);
    }
    x[0] = ops_expr(f, t->types, "#2");
    x[1] = ops_expr(f, t->types, "-7");
    x[2] = ops_expr(f, t->types, "#3");
    {
        struct op_window_fn fns[] = {{.fn = OP_WIN_ROW_NUMBER}, {.fn = OP_WIN_RANK}, {.fn = OP_WIN_DENSE_RANK}, {.fn = OP_WIN_PERCENT_RANK},
            {.fn = OP_WIN_CUME_DIST}, {.fn = OP_WIN_NTILE, .n = 4}, {.fn = OP_WIN_LAG, .args = x, .n_args = 2, .n = 2},
            {.fn = OP_WIN_LEAD, .args = x + 2, .n_args = 1, .n = 1}, {.fn = OP_WIN_FIRST_VALUE, .args = x + 2, .n_args = 1, .frame = fr},
            {.fn = OP_WIN_LAST_VALUE, .args = x + 2, .n_args = 1, .frame = fr},
            {.fn = OP_WIN_NTH_VALUE, .args = x + 2, .n_args = 1, .n = 3, .frame = fr},
            {.fn = OP_WIN_AGG, .agg = {.fn = AGG_COUNT_STAR}, .frame = fr}, {.fn = OP_WIN_AGG, .agg = {.fn = AGG_SUM}, .args = x, .n_args = 1, .frame = fr},
            {.fn = OP_WIN_AGG, .agg = {.fn = AGG_MIN}, .args = x, .n_args = 1, .frame = fr}};

        o = o ? op_window_new(&f->cx, o, part, 1, order, 1, fns, ARRAY_LEN(fns)) : NULL;
    }
    if (!o)
        return NULL;
    for (uint32_t i = 0; i < ARRAY_LEN(show); i++) {
        const struct sql_type *type = op_type(o, i + 3);

        show[i] = bexpr_column(&f->a, i + 3, *type);
    }
    return op_project_new(&f->cx, o, show, ARRAY_LEN(show));
}

/* Doubles of the fifth and sixth column to six digits. */
static const char *rounded(struct ops_fixture *f, const char *line)
{
    const char *cell[16];
    uint32_t n = 0;
    struct strbuf b;

    strbuf_init(&b, &f->a);
    for (const char *p = line; *p && n < 16; p = strchr(p, '|') + 1)
        cell[n++] = p;
    for (uint32_t i = 0; i < n; i++) {
        size_t len = (size_t)(strchr(cell[i], '|') - cell[i]);

        if (i == 4 || i == 5)
            strbuf_putsv(&b, arena_printf(&f->a, "%.6f", strtod(cell[i], NULL)));
        else
            strbuf_put(&b, cell[i], len);
        strbuf_putc(&b, '|');
    }
    return strbuf_cstr(&b);
}

static bool desc_order;

static int row_cmp(const void *x, const void *y)
{
    const struct row *a = x, *b = y;
    int c = a->part && b->part ? coll_compare(45, sv_cstr(a->part), sv_cstr(b->part)) : (a->part != NULL) - (b->part != NULL);

    if (!c && (a->key_null || b->key_null))
        c = b->key_null - a->key_null;
    else if (!c)
        c = (a->key > b->key) - (a->key < b->key);
    else
        return c;
    if (desc_order)
        c = -c;
    return c ? c : a->id - b->id;
}

START_TEST(by_definition)
{
    for (int run = 0; run < 8; run++) {
        static struct row rows[N_ROWS];
        struct ops_fixture f;
        struct ops_table t, *all[] = {&t};
        struct ops_lines got;
        struct op *o;
        uint32_t n, at = 0;

        desc_order = run & 1;
        ops_setup(&f, run & 2 ? ENV_MARIADB : ENV_MYSQL8, run & 4 ? 3 : VEC_ROWS_DEFAULT, false, 40 + (uint32_t)run);
        n = fill(&f, &t, rows, run == 0 ? 0 : run < 4 ? N_ROWS : 60, run & 1 ? 7 : 1);
        qsort(rows, n, sizeof(*rows), row_cmp);
        o = make_window(&f, &t, frames[_i], desc_order);
        ck_assert_msg(o != NULL, "%s", f.d.text);
        ck_assert_msg(ops_drain(&f, o, all, 1, 50, &got) == OP_DONE, "%s", f.d.text);
        ck_assert_uint_eq(got.n, n);
        for (uint32_t from = 0, to; from < n; from = to) {
            for (to = from + 1; to < n && same_part(&rows[from], &rows[to]); to++)
                ;
            for (uint32_t i = 0; i < to - from; i++, at++) {
                const char *line = want_line(&f, &frames[_i], rows + from, to - from, i, desc_order);

                ck_assert_msg(!strcmp(rounded(&f, got.line[at]), line), "frame %d, run %d, row %u: %s, want %s", _i, run, at,
                    rounded(&f, got.line[at]), line);
            }
        }
        ops_teardown(&f, o);
    }
}
END_TEST

/* Partitions that do not fit: the same rows as in memory. */
START_TEST(spilled)
{
    struct ops_fixture f[2];
    struct ops_lines got[2];
    struct op *o[2];

    for (int spill = 0; spill < 2; spill++) {
        static struct row rows[N_MANY];
        struct ops_table t, *all[] = {&t};

        ops_setup(&f[spill], ENV_MYSQL8, _i & 1 ? 3 : 200, spill, 3);
        fill(&f[spill], &t, rows, _i & 1 ? N_ROWS : N_MANY, 1);
        o[spill] = make_window(&f[spill], &t, frames[_i], _i & 1);
        ck_assert_msg(ops_drain(&f[spill], o[spill], all, 1, 300, &got[spill]) == OP_DONE, "%s", f[spill].d.text);
    }
    ck_assert_uint_eq(got[0].n, got[1].n);
    for (uint32_t i = 0; i < got[0].n; i++)
        ck_assert_str_eq(got[0].line[i], got[1].line[i]);
    ck_assert(_i & 1 || op_get_stats(op_child(o[1], 0)).spilled_bytes > 0);
    ops_teardown(&f[0], o[0]);
    ops_teardown(&f[1], o[1]);
}
END_TEST

START_TEST(refused)
{
    struct ops_fixture f;
    struct ops_table t, *all[] = {&t};
    static struct row rows[N_ROWS];
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 64, false, 1);
    fill(&f, &t, rows, N_ROWS, 2);
    o = make_window(&f, &t, frames[0], false);
    acct_set_limit(&f.acct, 100000);
    ck_assert_int_eq(ops_drain(&f, o, all, 1, 50, &got), OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_OUT_OF_RESOURCES);
    ops_teardown(&f, o);
}
END_TEST

START_TEST(cancelled)
{
    struct ops_fixture f;
    struct ops_table t, *all[] = {&t};
    static struct row rows[N_ROWS];
    struct batch *b;
    struct op *o;
    enum op_result r;

    ops_setup(&f, ENV_MYSQL8, 3, false, 1);
    fill(&f, &t, rows, N_ROWS, 2);
    o = make_window(&f, &t, frames[6], false);
    while ((r = op_next(o, &b)) == OP_BLOCKED)
        (void)ops_feed(&f, all, 1, 50);
    ck_assert_int_eq(r, OP_BATCH);
    f.cancelled = true;
    ck_assert_int_eq(op_next(o, &b), OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_QUERY_INTERRUPTED);
    ops_teardown(&f, o);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("executor_window");
    TCase *t = tcase_create("window");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, by_definition, 0, ARRAY_LEN(frames));
    tcase_add_loop_test(t, spilled, 0, ARRAY_LEN(frames));
    tcase_add_test(t, refused);
    tcase_add_test(t, cancelled);
    suite_add_tcase(s, t);
    return ops_run_suite(s);
}
