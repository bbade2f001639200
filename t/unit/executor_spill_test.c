/* What accumulates, spilled: sort, TopN, aggregates with and without DISTINCT, DISTINCT and ROLLUP give with memory that is always
 * refused what they give in memory. ROLLUP is compared with an aggregate for each of its levels. */
#include "ops.h"

#include "util/fault.h"

/* int key, string key, amount, long text */
static void fill(struct ops_fixture *f, struct ops_table *t, uint32_t n, uint32_t range)
{
    static const char *const words[] = {"a", "A", "b ", "b", "émile", "Emile", "a rather long name", "A Rather long Name ", "", "z"};

    ops_table_init(f, t, 4, n);
    t->types[0] = type_int(false);
    t->types[1] = type_string(24, 45, DERIV_IMPLICIT);
    t->types[2] = type_decimal(10, 2);
    t->types[3] = type_string(80, 255, DERIV_IMPLICIT);
    for (uint32_t i = 0; i < n; i++) {
        const char *c[4];

        c[0] = ops_rnd(f, 12) == 0 ? NULL : arena_printf(&f->a, "%d", (int)ops_rnd(f, range) - 5).ptr;
        c[1] = ops_rnd(f, 12) == 0 ? NULL : words[ops_rnd(f, ARRAY_LEN(words))];
        c[2] = ops_rnd(f, 12) == 0 ? NULL : arena_printf(&f->a, "%d.%02u", (int)ops_rnd(f, 20) - 10, ops_rnd(f, 100)).ptr;
        c[3] = ops_rnd(f, 12) == 0 ? NULL : arena_printf(&f->a, "text that is rather long, and number %u", ops_rnd(f, range)).ptr;
        ops_table_add(f, t, c);
    }
}

static struct op *make_aggregate(struct ops_fixture *f, struct ops_table *t, int how, struct op *in)
{
    static const uint32_t first[] = {3};
    static const struct agg_order by = {0, true};
    const struct bexpr **g = ARENA_NEW_N(&f->a, const struct bexpr *, 3), **x = ARENA_NEW_N(&f->a, const struct bexpr *, 4);

    g[0] = ops_expr(f, t->types, "#0");
    g[1] = ops_expr(f, t->types, "#1");
    for (int i = 0; i < 4; i++)
        x[i] = ops_expr(f, t->types, arena_printf(&f->a, "#%d", i).ptr);
    {
        struct op_agg aggs[] = {{{.fn = AGG_COUNT_STAR}, NULL, 0}, {{.fn = AGG_SUM}, x + 2, 1}, {{.fn = AGG_MIN}, x + 3, 1},
            {{.fn = AGG_MAX}, x + 1, 1}, {{.fn = AGG_COUNT, .distinct = true}, x + 3, 1}, {{.fn = AGG_SUM, .distinct = true}, x + 2, 1},
            {{.fn = AGG_GROUP_CONCAT, .distinct = true, .order = &by, .n_order = 1}, x + 2, 1},
            {{.fn = AGG_AVG}, x + 2, 1}};
        bool plain = how & 1;

        switch (how >> 1) {
        case 0:
            return op_aggregate_new(&f->cx, in, g, 1, aggs, plain ? 4 : ARRAY_LEN(aggs), NULL, 0);
        case 1:
            return op_aggregate_new(&f->cx, in, g, 2, aggs, plain ? 2 : ARRAY_LEN(aggs), first, plain ? 0 : 0);
        case 2:
            return op_aggregate_new(&f->cx, in, NULL, 0, aggs, plain ? 4 : ARRAY_LEN(aggs), NULL, 0);
        default:
            return op_rollup_new(&f->cx, in, g, 2, aggs, plain ? 4 : ARRAY_LEN(aggs), NULL, 0);
        }
    }
}

static void compare(const struct ops_lines *x, const struct ops_lines *y, const char *what)
{
    for (uint32_t i = 0; i < x->n && i < y->n; i++)
        ck_assert_msg(!strcmp(x->line[i], y->line[i]), "%s: line %u: %s, in memory %s", what, i, x->line[i], y->line[i]);
    ck_assert_msg(x->n == y->n, "%s: %u rows, in memory %u", what, x->n, y->n);
}

static struct op *make_case(struct ops_fixture *x, struct ops_table *t, int what, uint32_t n)
{
    static const struct sort_col orders[][3] = {{{0, false}}, {{0, true}}, {{1, false}, {0, true}}, {{2, true}, {3, false}},
        {{3, true}, {2, false}, {0, false}}};
    static const uint32_t n_orders[] = {1, 1, 2, 2, 3};
    struct op *in = ops_source(x, t), *o;

    if (what < 8)
        o = make_aggregate(x, t, what, in);
    else if (what < 10)
        o = op_distinct_new(&x->cx, in, what == 8 ? 1 : 0);
    else if (what < 15)
        o = op_sort_new(&x->cx, in, orders[what - 10], n_orders[what - 10]);
    else
        o = op_topn_new(&x->cx, in, orders[what - 15], n_orders[what - 15], n / 2 + 3, (uint64_t)(what % 3 * 7));
    ck_assert_msg(o != NULL, "%s", x->d.text);
    return o;
}

/* Both ways; sorted where the order is nobody's. */
static void both_ways(int what, uint32_t n, uint32_t range, uint32_t batch_rows, uint32_t seed)
{
    struct ops_fixture f[2];
    struct ops_lines got[2];
    struct op *o[2];
    char name[60];

    snprintf(name, sizeof(name), "case %d of %u rows", what, n);
    for (int spill = 0; spill < 2; spill++) {
        struct ops_fixture *x = &f[spill];
        struct ops_table t, *all[] = {&t};

        ops_setup(x, ENV_MYSQL8, batch_rows, spill, seed);
        x->env.group_concat_max_len = 1 << 20;
        fill(x, &t, n, range);
        o[spill] = make_case(x, &t, what, n);
        ck_assert_msg(ops_drain(x, o[spill], all, 1, 60, &got[spill]) == OP_DONE, "%s: %s", name, x->d.text);
        if (what < 10)
            ops_sort_lines(&got[spill]);
        /* few groups that are all seen at once leave nothing to write */
        ck_assert_msg(!spill || n < 100 || (n < 1000 && what < 9) || what == 5 || op_get_stats(o[spill]).spilled_bytes > 0, "%s: nothing was spilled", name);
    }
    if (what == 8) /* any row of a key may be kept */
        ck_assert_uint_eq(got[0].n, got[1].n);
    else
        compare(&got[1], &got[0], name);
    ops_teardown(&f[0], o[0]);
    ops_teardown(&f[1], o[1]);
}

START_TEST(spilled_as_in_memory)
{
    both_ways(_i, 0, 10, 3, 1);
    both_ways(_i, 30, 10, 3, 2 + (uint32_t)_i);
    both_ways(_i, 500, 12, 64, 3 + (uint32_t)_i);
    both_ways(_i, 1500, 900, VEC_ROWS_DEFAULT, 4 + (uint32_t)_i);
}
END_TEST

#ifdef WITH_FAULTS
/* A full disk, a disk that cannot be read, a cancelled query: an error that says so, and nothing stays behind. */
START_TEST(disk_fails)
{
    static const struct {
        const char *fault;
        unsigned code;
    } cases[] = {{"spill.write=error", ER_DISK_FULL}, {"spill.read=error", ER_ERROR_ON_READ}, {NULL, ER_QUERY_INTERRUPTED}};
    static const int what[] = {0, 3, 6, 9, 11, 16};
    struct ops_fixture f;
    struct ops_table t, *all[] = {&t};
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 64, true, 8);
    fill(&f, &t, 1500, 900);
    o = make_case(&f, &t, what[_i / 3], 1500);
    if (cases[_i % 3].fault) {
        ck_assert(fault_arm(sv_cstr(cases[_i % 3].fault), &f.d));
    } else {
        struct batch *b;

        for (int i = 0; i < 10; i++) {
            if (op_next(o, &b) == OP_BLOCKED)
                (void)ops_feed(&f, all, 1, 60);
        }
        f.cancelled = true;
    }
    ck_assert_int_eq(ops_drain(&f, o, all, 1, 60, &got), OP_ERROR);
    fault_disarm_all();
    ck_assert_msg(f.d.code == cases[_i % 3].code, "%s", f.d.text);
    ops_teardown(&f, o);
}
END_TEST
#endif

/* ROLLUP: the groups of each level are those of an aggregate by its keys. */
START_TEST(rollup_levels)
{
    enum env_flavour flavour = _i & 1 ? ENV_MARIADB : ENV_MYSQL8;
    uint32_t n = _i & 2 ? 0 : 300;
    struct ops_lines want = {0}, got;
    struct ops_fixture f;

    ops_setup(&f, flavour, 64, false, 9);
    for (uint32_t level = 0; level <= 3; level++) { /* 3: ROLLUP itself */
        struct ops_table t, *all[] = {&t};
        const struct bexpr *g[2], *x[1];
        struct op *in, *o;

        f.rnd = 9;
        fill(&f, &t, n, 6);
        in = ops_source(&f, &t);
        g[0] = ops_expr(&f, t.types, "#0");
        g[1] = ops_expr(&f, t.types, "(* #2 0)");
        x[0] = ops_expr(&f, t.types, "#2");
        {
            struct op_agg aggs[] = {{{.fn = AGG_COUNT_STAR}, NULL, 0}, {{.fn = AGG_SUM, .distinct = true}, x, 1}};

            o = level == 3 ? op_rollup_new(&f.cx, in, g, 2, aggs, 2, NULL, 0)
                : op_aggregate_new(&f.cx, in, g, 2 - level, aggs, 2, NULL, 0);
        }
        ck_assert_msg(o != NULL, "%s", f.d.text);
        ck_assert_int_eq(ops_drain(&f, o, all, 1, 50, &got), OP_DONE);
        for (uint32_t i = 0; level < 3 && i < got.n; i++) {
            const char *line = got.line[i], *second = strchr(line, '|') + 1;
            struct sv text;

            if (level == 0)
                text = arena_printf(&f.a, "%s0|", line);
            else if (level == 1)
                text = arena_printf(&f.a, "%.*sNULL|%s1|", (int)(second - line), line, second);
            else
                text = arena_printf(&f.a, "NULL|NULL|%s3|", line);
            if (n || flavour == ENV_MYSQL8)
                ops_line_add(&f, &want, arena_strdup(&f.a, text.ptr));
        }
        op_close(o);
    }
    ops_sort_lines(&want);
    ops_sort_lines(&got);
    compare(&got, &want, "rollup");
    ops_teardown(&f, NULL);
}
END_TEST

/* A sort whose runs are more than one merge takes. */
START_TEST(many_runs)
{
    static const struct sort_col by[] = {{3, false}, {0, false}};
    struct ops_fixture f;
    struct ops_table t, *all[] = {&t};
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 3, true, 77);
    fill(&f, &t, 400, 1000);
    o = op_sort_new(&f.cx, ops_source(&f, &t), by, 2);
    ck_assert_int_eq(ops_drain(&f, o, all, 1, 4, &got), OP_DONE);
    ck_assert_uint_eq(got.n, 400);
    ops_teardown(&f, o);
}
END_TEST

/* One group's GROUP_CONCAT cannot be written. */
START_TEST(refused_in_the_end)
{
    struct ops_fixture f;
    struct ops_table t, *all[] = {&t};
    struct ops_lines got;
    const struct bexpr *x;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 1024, true, 77);
    fill(&f, &t, 40000, 1000);
    x = ops_expr(&f, t.types, "#3");
    {
        struct op_agg agg = {{.fn = AGG_GROUP_CONCAT}, &x, 1};

        o = op_aggregate_new(&f.cx, ops_source(&f, &t), NULL, 0, &agg, 1, NULL, 0);
    }
    ck_assert_int_eq(ops_drain(&f, o, all, 1, 3000, &got), OP_ERROR);
    ck_assert_msg(f.d.code == ER_OUT_OF_RESOURCES && strstr(f.d.text, "aggregate"), "%s", f.d.text);
    ops_teardown(&f, o);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("executor_spill");
    TCase *t = tcase_create("spill");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, spilled_as_in_memory, 0, 20);
#ifdef WITH_FAULTS
    tcase_add_loop_test(t, disk_fails, 0, 18);
#endif
    tcase_add_loop_test(t, rollup_levels, 0, 4);
    tcase_add_test(t, many_runs);
    tcase_add_test(t, refused_in_the_end);
    suite_add_tcase(s, t);
    return ops_run_suite(s);
}
