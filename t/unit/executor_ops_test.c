/* Operators and expression programs without sockets: programs against the scalar evaluator and real servers' answers, trees of
 * operators over random rows against plain loops, with batches of 3 and 1,024 rows and inputs that block. */
#include "exprs.h"

#include "executor/op.h"
#include "util/acct.h"

#include <check.h>

static struct expr_case *cases;
static size_t n_cases;

static const uint32_t batch_sizes[] = {3, VEC_ROWS_DEFAULT};

struct fixture {
    struct arena a;
    struct env env;
    struct diag d;
    struct acct acct;
    struct warn_sink warnings;
    struct op_ctx cx;
};

static void setup(struct fixture *f, enum env_flavour flavour, uint32_t batch_rows)
{
    memset(f, 0, sizeof(*f));
    arena_init(&f->a, 0);
    f->env = expr_env(flavour);
    warn_sink_init(&f->warnings, &f->a, 10);
    f->env.warnings = &f->warnings;
    acct_init(&f->acct, NULL, "test", 0);
    f->cx = (struct op_ctx){.env = &f->env, .arena = &f->a, .acct = &f->acct, .diag = &f->d, .batch_rows = batch_rows};
}

static void teardown(struct fixture *f, struct op *root)
{
    op_close(root);
    ck_assert_int_eq(acct_used(&f->acct), 0);
    acct_close(&f->acct);
    arena_free(&f->a);
}

/* ---- programs ---- */

static int wrong;

static void differ(const char *how, const struct expr_case *c, struct sv got, const char *want)
{
    fprintf(stderr, "%s: %s: got %.*s, want %s\n", how, c->expr, SV_ARG(got), want);
    wrong++;
}

/* One expression, its literals as they are (folded) or lifted to columns (every row through the kernels). */
static void run_case(const struct expr_case *c, enum env_flavour flavour, uint32_t batch_rows, bool lift)
{
    enum { ROWS = 5 };
    struct fixture f;
    struct value lifted[64], scalar = value_null(), *rows;
    struct sql_type types[64];
    struct expr_reader r;
    const struct bexpr *x;
    struct op *root;
    struct batch *b;
    struct func_ctx cx;
    struct sv want, got;
    enum op_result res;
    uint32_t seen = 0;

    setup(&f, flavour, batch_rows);
    r = (struct expr_reader){.p = c->expr, .end = c->expr + strlen(c->expr), .a = &f.a, .env = &f.env, .d = &f.d};
    if (lift) {
        r.lifted = lifted;
        r.lifted_types = types;
    }
    x = expr_read(&r);
    cx = (struct func_ctx){&f.env, &f.a, &f.d, true};
    if (x)
        (void)!bexpr_eval(x, lifted, NULL, &cx, &scalar);
    want = expr_show(&scalar, x ? &x->type : NULL, &f.d, &f.a);
    if (!x) {
        teardown(&f, NULL);
        return;
    }
    diag_clear(&f.d);
    if (r.n_lifted == 0) {
        types[0] = type_int(false);
        lifted[0] = value_i64(1);
        r.n_lifted = 1;
    }
    rows = ARENA_NEW_N(&f.a, struct value, ROWS * r.n_lifted);
    for (uint32_t i = 0; i < ROWS * r.n_lifted; i++)
        rows[i] = lifted[i % r.n_lifted];
    root = op_values_new(&f.cx, types, r.n_lifted, rows, ROWS);
    root = op_project_new(&f.cx, root, &x, 1);
    if (!root) {
        got = expr_show(&scalar, NULL, &f.d, &f.a);
        if (!sv_eq(got, want))
            differ("compile", c, got, want.ptr);
        teardown(&f, NULL);
        return;
    }
    while ((res = op_next(root, &b)) == OP_BATCH) {
        for (uint32_t i = 0; i < b->n_sel; i++) {
            struct value v;

            vec_get(b->cols[0], i, &v);
            got = expr_show(&v, op_type(root, 0), &f.d, &f.a);
            if (!sv_eq(got, want))
                differ(lift ? "lifted" : "folded", c, got, arena_dup(&f.a, want).ptr);
            seen++;
        }
    }
    if (res == OP_ERROR) {
        got = expr_show(&scalar, NULL, &f.d, &f.a);
        if (!sv_eq(got, want))
            differ("error", c, got, arena_dup(&f.a, want).ptr);
    } else {
        ck_assert_uint_eq(seen, ROWS);
    }
    teardown(&f, root);
}

START_TEST(programs_equal_scalar)
{
    wrong = 0;
    for (size_t i = 0; i < n_cases; i++) {
        run_case(&cases[i], (enum env_flavour)(_i & 1), batch_sizes[_i >> 1 & 1], _i >> 2);
    }
    ck_assert_msg(wrong == 0, "%d differ", wrong);
}
END_TEST

/* ---- random rows ---- */

enum { N_SOURCES = 3, MAX_ROWS = 700 };

struct row {
    bool null[4];
    int k;      /* bigint */
    int amount; /* decimal(10,2), in cents */
    char name[24];
    double f;
};

struct data {
    struct row rows[N_SOURCES][MAX_ROWS];
    uint32_t n[N_SOURCES];
    struct op *src[N_SOURCES];
    uint32_t pushed[N_SOURCES];
};

static uint32_t rnd_state;

static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 1664525u + 1013904223u;
    return (rnd_state >> 8) % n;
}

static const char *const words[] = {"a", "A", "b ", "b", "émile", "Emile", "a rather long name", "A Rather long Name ", "", "z"};

static void make_data(struct data *d, uint32_t seed)
{
    rnd_state = seed;
    for (uint32_t s = 0; s < N_SOURCES; s++) {
        d->n[s] = rnd(MAX_ROWS);
        d->pushed[s] = 0;
        for (uint32_t i = 0; i < d->n[s]; i++) {
            struct row *r = &d->rows[s][i];

            for (int c = 0; c < 4; c++)
                r->null[c] = rnd(10) == 0;
            r->k = (int)rnd(20) - 10;
            r->amount = (int)rnd(200000) - 100000;
            snprintf(r->name, sizeof(r->name), "%s", words[rnd(ARRAY_LEN(words))]);
            r->f = (double)rnd(100) / 4;
        }
    }
}

static void make_sources(struct fixture *f, struct data *d)
{
    struct sql_type t[4] = {type_int(false), type_decimal(10, 2), type_string(24, 45, DERIV_IMPLICIT), type_double()};

    for (uint32_t s = 0; s < N_SOURCES; s++)
        d->src[s] = op_source_new(&f->cx, t, 4);
}

static void push_row(struct op *src, const struct row *r)
{
    char k[16], amount[24], dbl[32];
    struct sv cells[4];

    snprintf(k, sizeof(k), "%d", r->k);
    snprintf(amount, sizeof(amount), "%s%d.%02d", r->amount < 0 ? "-" : "", abs(r->amount) / 100, abs(r->amount) % 100);
    snprintf(dbl, sizeof(dbl), "%g", r->f);
    cells[0] = r->null[0] ? SV_NULL : sv_cstr(k);
    cells[1] = r->null[1] ? SV_NULL : sv_cstr(amount);
    cells[2] = r->null[2] ? SV_NULL : sv_cstr(r->name);
    cells[3] = r->null[3] ? SV_NULL : sv_cstr(dbl);
    ck_assert(op_source_push_row(src, cells));
}

/* Some rows into some source; false: all have ended. */
static bool feed(struct data *d)
{
    bool any = false;

    for (uint32_t s = 0; s < N_SOURCES; s++) {
        uint32_t n = rnd(40);

        if (d->pushed[s] > d->n[s])
            continue;
        any = true;
        while (n-- && d->pushed[s] < d->n[s] && !op_source_full(d->src[s]))
            push_row(d->src[s], &d->rows[s][d->pushed[s]++]);
        if (d->pushed[s] == d->n[s]) {
            op_source_end(d->src[s]);
            d->pushed[s]++;
        }
    }
    return any;
}

/* Result rows as text, one line each. */
static char **drain(struct fixture *f, struct op *root, struct data *d, uint32_t *n)
{
    char **lines = ARENA_NEW_N(&f->a, char *, 4 * MAX_ROWS);

    *n = 0;
    for (;;) {
        struct batch *b;
        struct sel sel;

        switch (op_next(root, &b)) {
        case OP_BLOCKED:
            ck_assert(feed(d));
            continue;
        case OP_DONE:
            return lines;
        case OP_ERROR:
            ck_abort_msg("%s", f->d.text);
        case OP_BATCH:
            break;
        }
        ck_assert_uint_gt(b->n_sel, 0);
        sel = batch_sel(b);
        for (uint32_t k = 0; k < sel.n; k++) {
            struct strbuf line;

            strbuf_init(&line, &f->a);
            for (uint32_t c = 0; c < b->n_cols; c++) {
                if (c)
                    strbuf_putc(&line, '|');
                if (!vec_print(b->cols[c], SEL_ROW(&sel, k), op_type(root, c), &line))
                    strbuf_puts(&line, "NULL");
            }
            ck_assert_uint_lt(*n, 4 * MAX_ROWS);
            lines[*n] = arena_strdup(&f->a, strbuf_cstr(&line));
            ++*n;
        }
    }
}

static const struct bexpr *expr(struct fixture *f, struct op *in, const char *text)
{
    struct sql_type *t = ARENA_NEW_N(&f->a, struct sql_type, op_n_cols(in));
    struct expr_reader r = {.p = text, .end = text + strlen(text), .a = &f->a, .env = &f->env, .d = &f->d, .cols = t};
    const struct bexpr *x;

    for (uint32_t i = 0; i < op_n_cols(in); i++)
        t[i] = *op_type(in, i);
    x = expr_read(&r);
    ck_assert_msg(x != NULL, "%s: %s", text, f->d.text);
    return x;
}

static int cmp_lines(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

START_TEST(aggregate_by_key)
{
    static struct data d;
    struct fixture f;
    struct op *u, *o;
    const struct bexpr *group, *amount, *name;
    const struct bexpr *const *a1, *const *a2;
    char **got, *want[32];
    uint32_t n, n_want = 0;

    setup(&f, ENV_MYSQL8, batch_sizes[_i & 1]);
    make_data(&d, 77 + (uint32_t)_i);
    make_sources(&f, &d);
    u = op_union_all_new(&f.cx, d.src, N_SOURCES, NULL);
    group = expr(&f, u, "#0");
    amount = expr(&f, u, "#1");
    name = expr(&f, u, "#2");
    a1 = &amount;
    a2 = &name;
    {
        struct op_agg aggs[] = {{{.fn = AGG_COUNT_STAR}, NULL, 0}, {{.fn = AGG_SUM}, a1, 1}, {{.fn = AGG_AVG}, a1, 1},
            {{.fn = AGG_MIN}, a1, 1}, {{.fn = AGG_MAX}, a1, 1}, {{.fn = AGG_COUNT, .distinct = true}, a2, 1},
            {{.fn = AGG_COUNT}, a2, 1}};

        o = op_aggregate_new(&f.cx, u, &group, 1, aggs, ARRAY_LEN(aggs), NULL, 0);
    }
    ck_assert_msg(o != NULL, "%s", f.d.text);
    got = drain(&f, o, &d, &n);
    for (int k = -11; k < 10; k++) { /* -11: the NULL group */
        long count = 0, n_amount = 0, sum = 0, min = 0, max = 0, names = 0, distinct = 0;
        bool seen[8] = {false};
        char line[256];

        for (uint32_t s = 0; s < N_SOURCES; s++) {
            for (uint32_t i = 0; i < d.n[s]; i++) {
                const struct row *r = &d.rows[s][i];
                static const int class_of[] = {0, 0, 1, 1, 2, 2, 3, 3, 4, 5};

                if (r->null[0] ? k != -11 : r->k != k)
                    continue;
                count++;
                if (!r->null[1]) {
                    min = n_amount == 0 || r->amount < min ? r->amount : min;
                    max = n_amount == 0 || r->amount > max ? r->amount : max;
                    sum += r->amount;
                    n_amount++;
                }
                if (!r->null[2]) {
                    names++;
                    for (size_t w = 0; w < ARRAY_LEN(words); w++) {
                        if (!strcmp(words[w], r->name) && !seen[class_of[w]]) {
                            seen[class_of[w]] = true;
                            distinct++;
                        }
                    }
                }
            }
        }
        if (count == 0)
            continue;
        {
            char key[16] = "NULL", nums[4][40];
            struct dec ds = dec_from_i128(sum, 2), dn = dec_from_i64(n_amount), q;
            long v[4] = {sum, 0, min, max};

            if (k != -11)
                snprintf(key, sizeof(key), "%d", k);
            for (int c = 0; c < 4; c++) {
                if (n_amount == 0) {
                    snprintf(nums[c], sizeof(nums[c]), "NULL");
                } else if (c == 1) {
                    size_t len;

                    (void)dec_div(&ds, &dn, 4, &q);
                    (void)dec_rescale(&q, 6, DEC_HALF_UP);
                    len = dec_print(&q, nums[c]);
                    nums[c][len] = '\0';
                } else {
                    snprintf(nums[c], sizeof(nums[c]), "%s%ld.%02ld", v[c] < 0 ? "-" : "", labs(v[c]) / 100, labs(v[c]) % 100);
                }
            }
            snprintf(line, sizeof(line), "%s|%ld|%s|%s|%s|%s|%ld|%ld", key, count, nums[0], nums[1], nums[2], nums[3], distinct,
                names);
        }
        want[n_want++] = arena_strdup(&f.a, line);
    }
    qsort(got, n, sizeof(*got), cmp_lines);
    qsort(want, n_want, sizeof(*want), cmp_lines);
    ck_assert_uint_eq(n, n_want);
    for (uint32_t i = 0; i < n; i++)
        ck_assert_str_eq(got[i], want[i]);
    teardown(&f, o);
}
END_TEST

/* Sorted inputs merged = everything sorted = TopN without a bound that matters. */
static struct row all[N_SOURCES * MAX_ROWS];

static int row_cmp(const void *x, const void *y)
{
    const struct row *a = x, *b = y;

    /* name in general_ci descending, then k ascending, then amount */
    if (a->null[2] || b->null[2]) {
        if (a->null[2] != b->null[2])
            return a->null[2] ? 1 : -1;
    } else {
        int c = coll_compare(45, sv_cstr(a->name), sv_cstr(b->name));

        if (c)
            return -c;
    }
    if (a->null[0] || b->null[0]) {
        if (a->null[0] != b->null[0])
            return a->null[0] ? -1 : 1;
    } else if (a->k != b->k) {
        return a->k < b->k ? -1 : 1;
    }
    if (a->null[1] || b->null[1])
        return b->null[1] - a->null[1];
    return (a->amount > b->amount) - (a->amount < b->amount);
}

static const struct sort_col order[] = {{2, true}, {0, false}, {1, false}};

static char *key_line(struct arena *a, const struct row *r)
{
    /* What the order decides: k and amount, and the name's weights. */
    struct sv k = r->null[0] ? SV("NULL") : arena_printf(a, "%d", r->k);
    struct sv m = r->null[1] ? SV("NULL") : arena_printf(a, "%s%d.%02d", r->amount < 0 ? "-" : "", abs(r->amount) / 100, abs(r->amount) % 100);

    return arena_strdup(a, arena_printf(a, "%.*s|%.*s", SV_ARG(k), SV_ARG(m)).ptr);
}

START_TEST(ordered)
{
    static struct data d;
    struct fixture f;
    struct op *o, *in;
    const struct bexpr *cols[2];
    char **got;
    uint32_t n, total = 0, limit = UINT32_MAX, offset = 0;
    int how = _i >> 1 & 3;

    setup(&f, ENV_MARIADB, batch_sizes[_i & 1]);
    make_data(&d, 123 + (uint32_t)_i);
    for (uint32_t s = 0; s < N_SOURCES; s++) {
        memcpy(all + total, d.rows[s], d.n[s] * sizeof(all[0]));
        total += d.n[s];
        if (how == 0)
            qsort(d.rows[s], d.n[s], sizeof(struct row), row_cmp);
    }
    qsort(all, total, sizeof(all[0]), row_cmp);
    make_sources(&f, &d);
    if (how == 0) {
        in = op_merge_new(&f.cx, d.src, N_SOURCES, order, 3);
    } else {
        in = op_union_all_new(&f.cx, d.src, N_SOURCES, NULL);
        if (how == 1) {
            in = op_sort_new(&f.cx, in, order, 3);
        } else {
            limit = how == 2 ? 10 : 100;
            offset = how == 2 ? 0 : 37;
            in = op_topn_new(&f.cx, in, order, 3, limit, offset);
        }
    }
    ck_assert(in != NULL);
    cols[0] = expr(&f, in, "#0");
    cols[1] = expr(&f, in, "#1");
    o = op_project_new(&f.cx, in, cols, 2);
    got = drain(&f, o, &d, &n);
    ck_assert_uint_eq(n, MIN(total > offset ? total - offset : 0, limit));
    for (uint32_t i = 0; i < n; i++)
        ck_assert_str_eq(got[i], key_line(&f.a, &all[i + offset]));
    teardown(&f, o);
}
END_TEST

START_TEST(filter_distinct_limit)
{
    static struct data d;
    struct fixture f;
    struct op *o, *u;
    const struct bexpr *cols[1];
    char **got;
    uint32_t n;

    setup(&f, ENV_MYSQL8, batch_sizes[_i & 1]);
    make_data(&d, 5 + (uint32_t)_i);
    make_sources(&f, &d);
    u = op_union_all_new(&f.cx, d.src, N_SOURCES, NULL);
    o = op_filter_new(&f.cx, u, expr(&f, u, "(and (> #0 0) (or (is_null #1) (< #1 100.5)))"));
    ck_assert(o != NULL);
    cols[0] = expr(&f, o, "(% #0 3)");
    o = op_project_new(&f.cx, o, cols, 1);
    o = op_distinct_new(&f.cx, o, 0);
    if (_i & 2)
        o = op_limit_new(&f.cx, o, 2, 1);
    got = drain(&f, o, &d, &n);
    qsort(got, n, sizeof(*got), cmp_lines);
    if (_i & 2) {
        ck_assert_uint_eq(n, 2);
    } else {
        ck_assert_uint_eq(n, 3);
        ck_assert_str_eq(got[0], "0");
        ck_assert_str_eq(got[2], "2");
    }
    teardown(&f, o);
}
END_TEST

START_TEST(scalar_aggregates_of_nothing)
{
    struct fixture f;
    struct sql_type t[2] = {type_int(false), type_string(10, 45, DERIV_IMPLICIT)};
    struct op *src, *o;
    const struct bexpr *arg;
    const struct bexpr *const *args = &arg;
    struct data d = {0};
    char **got;
    uint32_t n, first = 1;

    setup(&f, ENV_MYSQL8, batch_sizes[_i]);
    src = op_source_new(&f.cx, t, 2);
    arg = expr(&f, src, "#0");
    {
        struct op_agg aggs[] = {{{.fn = AGG_COUNT_STAR}, NULL, 0}, {{.fn = AGG_SUM}, args, 1}, {{.fn = AGG_BIT_AND}, args, 1},
            {{.fn = AGG_GROUP_CONCAT}, args, 1}, {{.fn = AGG_COUNT_SUM}, args, 1}};

        o = op_aggregate_new(&f.cx, src, NULL, 0, aggs, ARRAY_LEN(aggs), &first, 1);
    }
    ck_assert_msg(o != NULL, "%s", f.d.text);
    {
        struct batch *b;

        ck_assert_int_eq(op_next(o, &b), OP_BLOCKED);
    }
    op_source_end(src);
    got = drain(&f, o, &d, &n);
    ck_assert_uint_eq(n, 1);
    ck_assert_str_eq(got[0], "0|NULL|18446744073709551615|NULL|0|NULL");
    teardown(&f, o);
}
END_TEST

START_TEST(two_phase)
{
    struct fixture f;
    struct sql_type t[5] = {type_decimal(32, 2), type_int(false), type_int(false), type_double(), type_double()};
    static const char *const rows[][5] = {{"10.50", "3", "2", "8", "1"}, {"-2.25", "1", "1", "5", "0"}, {NULL, "0", "0", NULL, NULL}};
    struct op *src, *o;
    const struct bexpr *e[5];
    struct data d = {0};
    char **got;
    uint32_t n;
    struct agg_split split;
    struct agg_spec avg = {.fn = AGG_AVG}, var = {.fn = AGG_VAR_POP};
    const struct bexpr *avg_args[2], *var_args[3], *count_args[1];

    setup(&f, ENV_MYSQL8, batch_sizes[_i]);
    src = op_source_new(&f.cx, t, 5);
    for (int i = 0; i < 5; i++) {
        char text[4] = {'#', (char)('0' + i), 0};

        e[i] = expr(&f, src, text);
    }
    avg_args[0] = e[0];
    avg_args[1] = count_args[0] = e[1];
    var_args[0] = e[2];
    var_args[1] = e[3];
    var_args[2] = e[4];
    {
        struct op_agg aggs[3];

        ck_assert(agg_split(&avg, &split));
        aggs[0] = (struct op_agg){split.merge, avg_args, 2};
        ck_assert(agg_split(&var, &split));
        aggs[1] = (struct op_agg){split.merge, var_args, 3};
        aggs[2] = (struct op_agg){{.fn = AGG_COUNT_SUM}, count_args, 1};
        o = op_aggregate_new(&f.cx, src, NULL, 0, aggs, 3, NULL, 0);
    }
    ck_assert_msg(o != NULL, "%s", f.d.text);
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct sv cells[5];

        for (int c = 0; c < 5; c++)
            cells[c] = sv_cstr(rows[i][c]);
        ck_assert(op_source_push_row(src, cells));
    }
    op_source_end(src);
    got = drain(&f, o, &d, &n);
    /* values 3, 5 (mean 4, variance 1) and 5: variance of {3,5,5} is 8/9 */
    ck_assert_str_eq(got[0], "2.062500|0.888888888888889|4");
    teardown(&f, o);
}
END_TEST

START_TEST(group_concat_ordered)
{
    static const char *const names[] = {"b", "a", "c", "a", NULL, "B"};
    static const struct agg_order by = {0, true};
    struct fixture f;
    struct sql_type t = type_string(10, 45, DERIV_IMPLICIT);
    struct op *src, *o;
    const struct bexpr *arg;
    const struct bexpr *const *args = &arg;
    struct data d = {0};
    char **got;
    uint32_t n;

    setup(&f, ENV_MYSQL8, batch_sizes[_i]);
    src = op_source_new(&f.cx, &t, 1);
    arg = expr(&f, src, "#0");
    {
        struct op_agg aggs[] = {{{.fn = AGG_GROUP_CONCAT, .order = &by, .n_order = 1, .separator = SV(";")}, args, 1},
            {{.fn = AGG_GROUP_CONCAT, .distinct = true, .order = &by, .n_order = 1}, args, 1}, {{.fn = AGG_GROUP_CONCAT}, args, 1},
            {{.fn = AGG_MIN}, args, 1}, {{.fn = AGG_MAX}, args, 1}};

        o = op_aggregate_new(&f.cx, src, NULL, 0, aggs, ARRAY_LEN(aggs), NULL, 0);
    }
    ck_assert_msg(o != NULL, "%s", f.d.text);
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sv cell = sv_cstr(names[i]);

        ck_assert(op_source_push_row(src, &cell));
    }
    op_source_end(src);
    got = drain(&f, o, &d, &n);
    ck_assert_str_eq(got[0], "c;b;B;a;a|c,b,a|b,a,c,a,B|a|c");
    teardown(&f, o);
}
END_TEST

/* Expected values are MySQL's for the same rows. */
START_TEST(statistics)
{
    static const char *const xs[] = {"1", "0", "0"};
    struct fixture f;
    struct sql_type t = type_int(false);
    struct op *src, *o;
    const struct bexpr *arg, *e[5];
    const struct bexpr *const *args = &arg;
    struct data d = {0};
    char **got;
    uint32_t n;

    setup(&f, _i & 1 ? ENV_MARIADB : ENV_MYSQL8, batch_sizes[_i >> 1]);
    src = op_source_new(&f.cx, &t, 1);
    arg = expr(&f, src, "#0");
    {
        struct op_agg aggs[] = {{{.fn = AGG_STDDEV_POP}, args, 1}, {{.fn = AGG_VAR_POP}, args, 1}, {{.fn = AGG_VAR_SAMP}, args, 1},
            {{.fn = AGG_AVG}, args, 1}, {{.fn = AGG_SUM}, args, 1}};

        o = op_aggregate_new(&f.cx, src, NULL, 0, aggs, ARRAY_LEN(aggs), NULL, 0);
    }
    for (size_t i = 0; i < ARRAY_LEN(xs); i++) {
        struct sv cell = sv_cstr(xs[i]);

        ck_assert(op_source_push_row(src, &cell));
    }
    op_source_end(src);
    e[0] = expr(&f, o, "#0");
    e[1] = expr(&f, o, "#1");
    e[2] = expr(&f, o, "#2");
    e[3] = expr(&f, o, "(* #3 3)");
    e[4] = expr(&f, o, "(* (/ #4 3) 3)");
    o = op_project_new(&f.cx, o, e, 5);
    ck_assert(o != NULL);
    got = drain(&f, o, &d, &n);
    ck_assert_str_eq(got[0], _i & 1 ? "0.4714045207910317|0.22222222222222224|0.33333333333333337|1.0000|1.0000"
                                    : "0.4714045207910317|0.22222222222222224|0.33333333333333337|1.0000|0.9999");
    teardown(&f, o);
}
END_TEST

START_TEST(memory_refused)
{
    struct fixture f;
    struct sql_type t = type_string(1000, 45, DERIV_IMPLICIT);
    struct op *src, *o;
    char text[500];
    struct sv cell = {text, sizeof(text)};
    enum op_result r = OP_BLOCKED;
    struct sort_col by = {0, false};

    setup(&f, ENV_MYSQL8, 64);
    acct_set_limit(&f.acct, 600 * 1024);
    src = op_source_new(&f.cx, &t, 1);
    o = _i ? op_distinct_new(&f.cx, src, 0) : op_sort_new(&f.cx, src, &by, 1);
    for (uint32_t i = 0; i < 100000 && r != OP_ERROR; i++) {
        struct batch *b;

        memset(text, 'a' + (int)(i % 26), sizeof(text));
        snprintf(text, sizeof(text), "%u", i);
        if (!op_source_push_row(src, &cell))
            break;
        if (op_source_full(src))
            while ((r = op_next(o, &b)) == OP_BATCH)
                ;
    }
    ck_assert_int_eq(r, OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_OUT_OF_RESOURCES);
    ck_assert_msg(strstr(f.d.text, _i ? "distinct" : "sort") != NULL, "%s", f.d.text);
    teardown(&f, o);
}
END_TEST

START_TEST(union_of_types)
{
    struct fixture f;
    struct sql_type ti = type_int(false), td = type_decimal(10, 3), ts = type_string(20, 45, DERIV_IMPLICIT), u;
    struct op *src[2], *o;
    struct func_arg args[2] = {{ti, NULL, FUNC_SCALE_OF_TYPE}, {td, NULL, FUNC_SCALE_OF_TYPE}};
    struct sv cell;
    struct data d = {0};
    char **got;
    uint32_t n;

    setup(&f, ENV_MYSQL8, batch_sizes[_i & 1]);
    if (_i & 2)
        args[1].type = ts;
    ck_assert(func_unify_types(args, 2, "UNION", &f.env, &u, &f.d));
    src[0] = op_source_new(&f.cx, &ti, 1);
    src[1] = op_source_new(&f.cx, &args[1].type, 1);
    o = op_union_all_new(&f.cx, src, 2, &u);
    ck_assert(o != NULL);
    o = op_distinct_new(&f.cx, o, 0);
    cell = SV("5");
    ck_assert(op_source_push_row(src[0], &cell));
    cell = _i & 2 ? SV("5") : SV("5.000");
    ck_assert(op_source_push_row(src[1], &cell));
    cell = SV("1.250");
    ck_assert(op_source_push_row(src[1], &cell));
    op_source_end(src[0]);
    op_source_end(src[1]);
    got = drain(&f, o, &d, &n);
    ck_assert_uint_eq(n, 2);
    ck_assert_str_eq(got[0], _i & 2 ? "5" : "5.000");
    ck_assert_str_eq(got[1], "1.250");
    teardown(&f, o);
}
END_TEST

/* Arms of CASE and AND are evaluated only for the rows that need them. */
START_TEST(lazy_arms)
{
    struct fixture f;
    struct sql_type t = type_int(false);
    struct value v[4] = {value_i64(0), value_i64(INT64_MAX), value_null(), value_i64(2)};
    struct op *in, *o;
    const struct bexpr *e[3];
    struct data d = {0};
    char **got;
    uint32_t n;

    setup(&f, ENV_MYSQL8, batch_sizes[_i]);
    in = op_values_new(&f.cx, &t, 1, v, 4);
    e[0] = expr(&f, in, "(case (= #0 9223372036854775807) -1 (+ #0 1))");
    e[1] = expr(&f, in, "(and (< #0 5) (= (+ #0 1) 3))");
    e[2] = expr(&f, in, "(coalesce #0 7)");
    o = op_project_new(&f.cx, in, e, 3);
    got = drain(&f, o, &d, &n);
    ck_assert_uint_eq(n, 4);
    ck_assert_str_eq(got[0], "1|0|0");
    ck_assert_str_eq(got[1], "-1|0|9223372036854775807");
    ck_assert_str_eq(got[2], "NULL|NULL|7");
    ck_assert_str_eq(got[3], "3|1|2");
    teardown(&f, o);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("executor_ops");
    TCase *t = tcase_create("ops");
    SRunner *sr;
    int failed;

    cases = expr_cases("types_exprs.tsv", &n_cases);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, programs_equal_scalar, 0, 8);
    tcase_add_loop_test(t, aggregate_by_key, 0, 4);
    tcase_add_loop_test(t, ordered, 0, 16);
    tcase_add_loop_test(t, filter_distinct_limit, 0, 4);
    tcase_add_loop_test(t, scalar_aggregates_of_nothing, 0, 2);
    tcase_add_loop_test(t, two_phase, 0, 2);
    tcase_add_loop_test(t, group_concat_ordered, 0, 2);
    tcase_add_loop_test(t, statistics, 0, 4);
    tcase_add_loop_test(t, memory_refused, 0, 2);
    tcase_add_loop_test(t, union_of_types, 0, 4);
    tcase_add_loop_test(t, lazy_arms, 0, 2);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
