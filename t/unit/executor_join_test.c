/* Hash join and nested loop join of every kind, over random rows, against a loop over all pairs with the scalar evaluator: several kinds of keys,
 * NULLs, =, <=> and IN, with and without a residual, inputs that block, batches of 3 and 1,024 rows, in memory and spilled. */
#include "ops.h"

#include "util/fault.h"

static const char *const kind_names[] = {"inner", "left", "right", "full", "semi", "anti", "mark", "build semi", "build anti"};
enum { N_KINDS = 9 };

/* Key column 0 of both sides. */
static const struct variant {
    const char *name;
    int probe, build; /* index into types below */
} variants[] = {
    {"int = int", 0, 0}, {"int = decimal", 0, 1}, {"general_ci", 2, 2}, {"date = datetime", 3, 4}, {"double = int", 5, 0},
    {"0900_ai_ci", 6, 6}, {"unsigned = int", 7, 0}, {"decimal = decimal", 1, 8}, {"binary", 9, 9},
};
enum { N_VARIANTS = ARRAY_LEN(variants) };

static struct sql_type type_of(int i)
{
    switch (i) {
    case 0: return type_int(false);
    case 1: return type_decimal(10, 2);
    case 2: return type_string(40, 45, DERIV_IMPLICIT);
    case 3: return type_temporal(TYPE_DATE, 0);
    case 4: return type_temporal(TYPE_DATETIME, 0);
    case 5: return type_double();
    case 6: return type_string(40, 255, DERIV_IMPLICIT);
    case 7: return type_int(true);
    case 8: return type_decimal(40, 5);
    default: return type_string(40, TYPE_COLL_BINARY, DERIV_IMPLICIT);
    }
}

static const char *cell_of(struct ops_fixture *f, int type, uint32_t range)
{
    static const char *const words[] = {"a", "A", "b ", "b", "émile", "Emile", "a rather long name", "A Rather long Name ", "", "z",
        "a rather long name!", "c", "d", "e", "f", "g"};
    uint32_t v = ops_rnd(f, range);

    switch (type) {
    case 0: return arena_printf(&f->a, "%d", (int)v - 2).ptr;
    case 1: return arena_printf(&f->a, "%d.%s", (int)v - 2, v % 3 ? "00" : "50").ptr;
    case 3: return arena_printf(&f->a, "2024-01-%02u", v % 28 + 1).ptr;
    case 4: return arena_printf(&f->a, "2024-01-%02u %s", v % 28 + 1, v % 4 ? "00:00:00" : "12:30:00").ptr;
    case 5: return arena_printf(&f->a, "%g", v % 5 ? (double)v - 2 : -0.0).ptr;
    case 7: return arena_printf(&f->a, "%s", v == 3 ? "18446744073709551614" : arena_printf(&f->a, "%u", v).ptr).ptr;
    case 8: return arena_printf(&f->a, "%d.%s", (int)v - 2, v % 3 ? "00000" : "50000").ptr;
    default: return range > ARRAY_LEN(words) && v > 8 ? arena_printf(&f->a, "a word with number %u", v).ptr : words[v % ARRAY_LEN(words)];
    }
}

/* key, second key, long text that names the row */
static void fill(struct ops_fixture *f, struct ops_table *t, int type, uint32_t n, uint32_t range, char side)
{
    ops_table_init(f, t, 3, n);
    t->types[0] = type_of(type);
    t->types[1] = type_int(false);
    t->types[2] = type_string(60, 45, DERIV_IMPLICIT);
    for (uint32_t i = 0; i < n; i++) {
        const char *c[3];

        c[0] = ops_rnd(f, 12) == 0 ? NULL : cell_of(f, type, range);
        c[1] = ops_rnd(f, 12) == 0 ? NULL : arena_printf(&f->a, "%u", ops_rnd(f, 4)).ptr;
        c[2] = arena_printf(&f->a, i % 7 ? "%c%u" : "row number %c%u, told at some length", side, i).ptr;
        ops_table_add(f, t, c);
    }
}

struct cond {
    const struct bexpr *must; /* equalities and residual; NULL: none */
    const struct bexpr *in;   /* IN keys; NULL: none */
};

static int truth_of(struct ops_fixture *f, const struct bexpr *x, const struct value *row)
{
    struct arena tmp;
    struct func_ctx cx = {&f->env, &tmp, &f->d, true};
    struct value v;
    int truth;

    if (!x)
        return 1;
    arena_init(&tmp, 0);
    ck_assert_msg(bexpr_eval(x, row, NULL, &cx, &v), "%s", f->d.text);
    truth = value_is_null(&v) ? -1 : value_truth(&v, &f->env);
    arena_free(&tmp);
    return truth;
}

static void print_side(struct strbuf *b, const struct ops_table *t, uint32_t row, bool null)
{
    struct value none = value_null();

    for (uint32_t i = 0; i < t->n_cols; i++)
        ops_cell_print(b, null ? &none : &t->values[row][i], &t->types[i]);
}

static void want_row(struct ops_fixture *f, struct ops_lines *out, const struct ops_table *p, int64_t i, const struct ops_table *b, int64_t k,
    bool both, const char *more)
{
    struct strbuf s;

    strbuf_init(&s, &f->a);
    if (i >= 0 || both)
        print_side(&s, p, (uint32_t)MAX(i, 0), i < 0);
    if (k >= 0 || both)
        print_side(&s, b, (uint32_t)MAX(k, 0), k < 0);
    strbuf_puts(&s, more);
    ops_line_add(f, out, arena_strdup(&f->a, strbuf_cstr(&s)));
}

/* What SQL says, pair by pair. */
static void want_join(struct ops_fixture *f, enum op_join_kind kind, const struct ops_table *p, const struct ops_table *b, struct cond c,
    struct ops_lines *out)
{
    bool pairs = kind <= OP_JOIN_FULL, *matched = ARENA_NEW_N(&f->a, bool, b->n + 1);
    struct value row[2 * OPS_MAX_COLS];

    for (uint32_t i = 0; i < p->n; i++) {
        bool yes = false, maybe = false;

        memcpy(row, p->values[i], p->n_cols * sizeof(*row));
        for (uint32_t k = 0; k < b->n; k++) {
            int in;

            memcpy(row + p->n_cols, b->values[k], b->n_cols * sizeof(*row));
            if (truth_of(f, c.must, row) != 1)
                continue;
            in = truth_of(f, c.in, row);
            maybe |= in == -1;
            if (in != 1)
                continue;
            yes = matched[k] = true;
            if (pairs)
                want_row(f, out, p, i, b, k, true, "");
        }
        if ((kind == OP_JOIN_LEFT || kind == OP_JOIN_FULL) && !yes)
            want_row(f, out, p, i, b, -1, true, "");
        if (kind == OP_JOIN_SEMI && yes)
            want_row(f, out, p, i, b, -1, false, "");
        if (kind == OP_JOIN_ANTI && !yes && !maybe)
            want_row(f, out, p, i, b, -1, false, "");
        if (kind == OP_JOIN_MARK)
            want_row(f, out, p, i, b, -1, false, yes ? "1|" : maybe ? "NULL|" : "0|");
    }
    for (uint32_t k = 0; k < b->n; k++) {
        if ((kind == OP_JOIN_RIGHT || kind == OP_JOIN_FULL) && !matched[k])
            want_row(f, out, p, -1, b, k, true, "");
        if ((kind == OP_JOIN_BUILD_SEMI && matched[k]) || (kind == OP_JOIN_BUILD_ANTI && !matched[k]))
            want_row(f, out, p, -1, b, k, false, "");
    }
}

static void same_lines(struct ops_fixture *f, struct ops_lines *got, struct ops_lines *want, const char *what)
{
    (void)f;
    ops_sort_lines(got);
    ops_sort_lines(want);
    for (uint32_t i = 0; i < got->n && i < want->n; i++)
        ck_assert_msg(!strcmp(got->line[i], want->line[i]), "%s: line %u of %u: got %s, want %s", what, i, want->n, got->line[i], want->line[i]);
    ck_assert_msg(got->n == want->n, "%s: %u rows, want %u", what, got->n, want->n);
}

/* how: 0 one key; 1 null-safe; 2 both keys; 3 IN; 4 row IN; 5 correlated IN. */
static struct op *make_hash_join(struct ops_fixture *f, enum op_join_kind kind, int how, const struct bexpr *residual, struct ops_table *p,
    struct ops_table *b, struct cond *c)
{
    struct sql_type both[2 * OPS_MAX_COLS];
    struct op_join_key keys[2];
    const char *k1 = "(= #0 #3)", *k2 = "(= #1 #4)";
    uint32_t n = how == 2 || how >= 4 ? 2 : 1;

    memcpy(both, p->types, 3 * sizeof(*both));
    memcpy(both + 3, b->types, 3 * sizeof(*both));
    keys[0] = (struct op_join_key){ops_expr(f, p->types, "#0"), ops_expr(f, b->types, "#0"), how == 1 ? OP_KEY_NULL_SAFE : how >= 3 ? OP_KEY_IN : OP_KEY_EQ};
    keys[1] = (struct op_join_key){ops_expr(f, p->types, "#1"), ops_expr(f, b->types, "(+ #1 0)"), how == 4 ? OP_KEY_IN : OP_KEY_EQ};
    if (how == 1)
        k1 = "(<=> #0 #3)";
    if (how == 2)
        k1 = "(and (= #0 #3) (= #1 #4))";
    *c = (struct cond){how == 5 ? ops_expr(f, both, k2) : how < 3 ? ops_expr(f, both, k1) : NULL,
        how >= 3 ? ops_expr(f, both, how == 4 ? "(and (= #0 #3) (= #1 #4))" : k1) : NULL};
    if (residual && c->must) {
        const struct bexpr *args[] = {c->must, residual};

        c->must = bexpr_call_id(&f->a, FUNC_AND, args, 2, &f->env, &f->d);
    } else if (residual) {
        c->must = residual;
    }
    return op_hash_join_new(&f->cx, ops_source(f, p), ops_source(f, b), kind, keys, n, residual);
}

static const struct bexpr *residual_of(struct ops_fixture *f, const struct ops_table *p, const struct ops_table *b)
{
    struct sql_type both[2 * OPS_MAX_COLS];

    memcpy(both, p->types, 3 * sizeof(*both));
    memcpy(both + 3, b->types, 3 * sizeof(*both));
    return ops_expr(f, both, "(or (<> #1 #4) (> #2 #5))");
}

static void sizes(struct ops_fixture *f, uint32_t round, uint32_t *np, uint32_t *nb)
{
    *np = round == 0 ? 0 : 1 + ops_rnd(f, 80);
    *nb = round == 1 ? 0 : 1 + ops_rnd(f, 60);
}

START_TEST(hash_join)
{
    const struct variant *v = &variants[_i];

    for (uint32_t round = 0; round < 6; round++) { /* an empty side, the other, neither; the same spilled */
        for (int run = 0; run < N_KINDS * 6 * 2; run++) {
            enum op_join_kind kind = (enum op_join_kind)(run % N_KINDS);
            int how = run / N_KINDS % 6;
            bool res = run / (N_KINDS * 6), spill = round >= 3;
            struct ops_fixture f;
            struct ops_table p, b, *all[] = {&p, &b};
            struct ops_lines got, want = {0};
            struct cond c;
            struct op *o;
            uint32_t np, nb;
            char what[120];

            if (_i && ((uint32_t)run + round * 5 + (uint32_t)_i) % 7) /* all of it with integers, a part with each other type */
                continue;
            snprintf(what, sizeof(what), "%s, %s join, how %d%s%s round %u", v->name, kind_names[kind], how, res ? ", residual" : "",
                spill ? ", spilled" : "", round);
            ops_setup(&f, run & 1 ? ENV_MYSQL8 : ENV_MARIADB, (run + round) % 3 ? VEC_ROWS_DEFAULT : 3, spill, 17 + (uint32_t)(run * 31 + _i) + round * 1000);
            sizes(&f, round % 3, &np, &nb);
            fill(&f, &p, v->probe, np, round % 3 == 2 ? 60 : 9, 'p');
            fill(&f, &b, v->build, nb, round % 3 == 2 ? 60 : 9, 'b');
            o = make_hash_join(&f, kind, how, res ? residual_of(&f, &p, &b) : NULL, &p, &b, &c);
            ck_assert_msg(o != NULL, "%s: %s", what, f.d.text);
            want_join(&f, kind, &p, &b, c, &want);
            ck_assert_msg(ops_drain(&f, o, all, 2, run % 5 ? 40 : 1, &got) == OP_DONE, "%s: %s", what, f.d.text);
            same_lines(&f, &got, &want, what);
            ck_assert_msg(!spill || nb == 0 || np == 0 || op_get_stats(o).spilled_bytes > 0 || nb < 20, "%s: nothing spilled", what);
            ops_teardown(&f, o);
        }
    }
}
END_TEST

START_TEST(nested_loop)
{
    static const char *const conds[] = {NULL, "(= #0 #3)", "(< #1 #4)", "(and (= #0 #3) (= #1 #4))", "(or (= #0 #3) (< #1 #4))"};

    for (int run = 0; run < N_KINDS * 5 * 2 * 6; run++) {
        enum op_join_kind kind = (enum op_join_kind)(run % N_KINDS);
        const char *text = conds[run / N_KINDS % 5];
        bool in = run / (N_KINDS * 5) % 2, spill = run / (N_KINDS * 10) % 2;
        uint32_t round = (uint32_t)run / (N_KINDS * 20), np, nb;
        struct ops_fixture f;
        struct ops_table p, b, *all[] = {&p, &b};
        struct ops_lines got, want = {0};
        struct sql_type both[2 * OPS_MAX_COLS];
        struct cond c = {0};
        const struct bexpr *x = NULL;
        struct op *o;
        char what[120];

        if (_i && (run + _i) % 7)
            continue;
        snprintf(what, sizeof(what), "%s, %s join on %s%s%s", variants[_i].name, kind_names[kind], text ? text : "nothing", in ? " in" : "",
            spill ? ", spilled" : "");
        ops_setup(&f, run & 1 ? ENV_MYSQL8 : ENV_MARIADB, run % 3 ? VEC_ROWS_DEFAULT : 3, spill, 99 + (uint32_t)(run * 31 + _i));
        sizes(&f, round, &np, &nb);
        if (round == 2 && run % 2)
            nb = 1;
        np = MIN(np, 60u);
        nb = MIN(nb, 50u);
        fill(&f, &p, variants[_i].probe, np, 9, 'p');
        fill(&f, &b, variants[_i].build, nb, 9, 'b');
        memcpy(both, p.types, 3 * sizeof(*both));
        memcpy(both + 3, b.types, 3 * sizeof(*both));
        x = text ? ops_expr(&f, both, text) : NULL;
        if (in && (kind == OP_JOIN_ANTI || kind == OP_JOIN_MARK))
            c.in = x;
        else
            c.must = x;
        o = op_nested_loop_new(&f.cx, ops_source(&f, &p), ops_source(&f, &b), kind, x, in);
        ck_assert_msg(o != NULL, "%s: %s", what, f.d.text);
        want_join(&f, kind, &p, &b, c, &want);
        ck_assert_msg(ops_drain(&f, o, all, 2, run % 5 ? 40 : 1, &got) == OP_DONE, "%s: %s", what, f.d.text);
        same_lines(&f, &got, &want, what);
        ops_teardown(&f, o);
    }
}
END_TEST

/* Many rows of one key: partitions do not help, chunks do. */
START_TEST(one_key_spilled)
{
    for (int run = 0; run < N_KINDS * 2; run++) {
        enum op_join_kind kind = (enum op_join_kind)(run % N_KINDS);
        bool res = run >= N_KINDS;
        struct ops_fixture f;
        struct ops_table p, b, *all[] = {&p, &b};
        struct ops_lines got, want = {0};
        struct cond c;
        struct op *o;

        ops_setup(&f, ENV_MYSQL8, VEC_ROWS_DEFAULT, true, 5);
        fill(&f, &p, 0, 40, 2, 'p');
        fill(&f, &b, 0, 900, 2, 'b');
        o = make_hash_join(&f, kind, 0, res ? residual_of(&f, &p, &b) : NULL, &p, &b, &c);
        want_join(&f, kind, &p, &b, c, &want);
        ck_assert_msg(ops_drain(&f, o, all, 2, 200, &got) == OP_DONE, "%s", f.d.text);
        same_lines(&f, &got, &want, kind_names[kind]);
        ops_teardown(&f, o);
    }
}
END_TEST

static struct op *small_join(struct ops_fixture *f, struct ops_table *p, struct ops_table *b, bool hash)
{
    struct cond c;

    fill(f, p, 0, 300, 30, 'p');
    fill(f, b, 0, 300, 30, 'b');
    if (hash)
        return make_hash_join(f, OP_JOIN_INNER, 0, NULL, p, b, &c);
    return op_nested_loop_new(&f->cx, ops_source(f, p), ops_source(f, b), OP_JOIN_INNER, NULL, false);
}

/* A query under its limit: sources, two joins, an aggregate and a sort share it. */
START_TEST(small_limit)
{
    struct ops_fixture f[2];
    struct ops_lines got[2];
    struct op *o[2];

    for (int small = 0; small < 2; small++) {
        struct ops_fixture *x = &f[small];
        struct ops_table p, b, c, *all[] = {&p, &b, &c};
        struct op_join_key key;
        const struct bexpr *group, *arg;
        struct sort_col by[] = {{1, true}, {0, false}};

        ops_setup(x, ENV_MYSQL8, VEC_ROWS_DEFAULT, false, 5);
        if (small) {
            x->strict = true;
            x->cx.spill_dir = "/tmp";
            acct_set_limit(&x->acct, 1 << 20);
        }
        fill(x, &p, 0, 20000, 9000, 'p');
        fill(x, &b, 0, 12000, 9000, 'b');
        fill(x, &c, 0, 9000, 9000, 'c');
        key = (struct op_join_key){ops_expr(x, p.types, "#0"), ops_expr(x, b.types, "#0"), OP_KEY_EQ};
        o[small] = op_hash_join_new(&x->cx, ops_source(x, &p), ops_source(x, &b), OP_JOIN_INNER, &key, 1, NULL);
        o[small] = op_hash_join_new(&x->cx, o[small], ops_source(x, &c), OP_JOIN_LEFT, &key, 1, NULL);
        group = ops_expr(x, p.types, "#2");
        arg = ops_expr(x, p.types, "#0");
        {
            struct op_agg aggs[] = {{{.fn = AGG_COUNT_STAR}, NULL, 0}, {{.fn = AGG_SUM}, &arg, 1}};

            o[small] = op_aggregate_new(&x->cx, o[small], &group, 1, aggs, 2, NULL, 0);
        }
        o[small] = op_sort_new(&x->cx, o[small], by, 2);
        ck_assert_msg(ops_drain(x, o[small], all, 3, 2000, &got[small]) == OP_DONE, "%s", x->d.text);
    }
    ck_assert_uint_gt(got[0].n, 1000);
    ck_assert_uint_eq(got[0].n, got[1].n);
    for (uint32_t i = 0; i < got[0].n; i++)
        ck_assert_str_eq(got[0].line[i], got[1].line[i]);
    ck_assert_uint_gt(op_get_stats(o[1]).spilled_bytes, 0);
    ck_assert_uint_gt(op_get_stats(op_child(o[1], 0)).spilled_bytes, 0);
    ck_assert_msg(acct_peak(&f[1].acct) < 8 << 20, "%ld bytes at the peak", (long)acct_peak(&f[1].acct));
    ops_teardown(&f[0], o[0]);
    ops_teardown(&f[1], o[1]);
}
END_TEST

START_TEST(memory_refused)
{
    struct ops_fixture f;
    struct ops_table p, b, *all[] = {&p, &b};
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 64, false, 5);
    o = small_join(&f, &p, &b, _i);
    acct_set_limit(&f.acct, 1);
    ck_assert_int_eq(ops_drain(&f, o, all, 2, 100, &got), OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_OUT_OF_RESOURCES);
    ck_assert_msg(strstr(f.d.text, _i ? "hash join" : "nested loop") != NULL, "%s", f.d.text);
    ops_teardown(&f, o);
}
END_TEST

START_TEST(cancelled)
{
    struct ops_fixture f;
    struct ops_table p, b, *all[] = {&p, &b};
    struct op *o;
    struct batch *out;
    enum op_result r;

    ops_setup(&f, ENV_MYSQL8, 3, _i >> 1, 5);
    o = small_join(&f, &p, &b, _i & 1);
    for (int i = 0; (r = op_next(o, &out)) == OP_BLOCKED || (r == OP_BATCH && i < 5); i += r == OP_BATCH)
        (void)ops_feed(&f, all, 2, 30);
    ck_assert_int_eq(r, OP_BATCH);
    f.cancelled = true;
    ck_assert_int_eq(op_next(o, &out), OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_QUERY_INTERRUPTED);
    ops_teardown(&f, o);
}
END_TEST

#ifdef WITH_FAULTS
/* A full disk, a disk that cannot be read, a directory that is not there: this query ends, nothing stays behind. */
START_TEST(disk_fails)
{
    static const struct {
        const char *fault, *dir;
        unsigned code;
    } cases[] = {{"spill.write=error@3", "/tmp", ER_DISK_FULL}, {"spill.read=error@2", "/tmp", ER_ERROR_ON_READ},
        {"spill.open=error", "/tmp", ER_CANT_CREATE_FILE}, {NULL, "/nonexistent directory", ER_CANT_CREATE_FILE}};
    struct ops_fixture f;
    struct ops_table p, b, *all[] = {&p, &b};
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 64, true, 5);
    f.cx.spill_dir = cases[_i / 2].dir;
    if (cases[_i / 2].fault)
        ck_assert(fault_arm(sv_cstr(cases[_i / 2].fault), &f.d));
    o = small_join(&f, &p, &b, _i & 1);
    if (cases[_i / 2].code == ER_DISK_FULL && !(_i & 1))
        fault_disarm_all(), ck_assert(fault_arm(SV("spill.write=error"), &f.d));
    ck_assert_int_eq(ops_drain(&f, o, all, 2, 100, &got), OP_ERROR);
    fault_disarm_all();
    ck_assert_msg(f.d.code == cases[_i / 2].code, "%s", f.d.text);
    ops_teardown(&f, o);
}
END_TEST
#endif

START_TEST(disk_limit)
{
    struct ops_fixture f;
    struct ops_table p, b, *all[] = {&p, &b};
    struct ops_lines got;
    struct op *o;

    ops_setup(&f, ENV_MYSQL8, 64, true, 5);
    acct_set_limit(&f.disk, 100000);
    o = small_join(&f, &p, &b, true);
    ck_assert_int_eq(ops_drain(&f, o, all, 2, 100, &got), OP_ERROR);
    ck_assert_uint_eq(f.d.code, ER_DISK_FULL);
    ops_teardown(&f, o);
}
END_TEST

/* Types that are not compared as they are held are refused, not guessed. */
START_TEST(keys_refused)
{
    static const struct {
        int probe, build;
    } cases[] = {{0, 2}, {2, 6}, {3, 2}, {3, 0}};
    struct ops_fixture f;
    struct ops_table p, b;
    struct cond c;

    ops_setup(&f, ENV_MYSQL8, 64, false, 5);
    fill(&f, &p, cases[_i].probe, 1, 5, 'p');
    fill(&f, &b, cases[_i].build, 1, 5, 'b');
    (void)c;
    {
        struct op_join_key key = {ops_expr(&f, p.types, "#0"), ops_expr(&f, b.types, "#0"), OP_KEY_EQ};

        ck_assert(op_hash_join_new(&f.cx, ops_source(&f, &p), ops_source(&f, &b), OP_JOIN_INNER, &key, 1, NULL) == NULL);
    }
    ck_assert_uint_eq(f.d.code, ER_NOT_SUPPORTED_YET);
    ops_teardown(&f, NULL);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("executor_join");
    TCase *t = tcase_create("join");

    tcase_set_timeout(t, 120);
    tcase_add_loop_test(t, hash_join, 0, N_VARIANTS);
    tcase_add_loop_test(t, nested_loop, 0, N_VARIANTS);
    tcase_add_test(t, one_key_spilled);
    tcase_add_test(t, small_limit);
    tcase_add_loop_test(t, memory_refused, 0, 2);
    tcase_add_loop_test(t, cancelled, 0, 4);
#ifdef WITH_FAULTS
    tcase_add_loop_test(t, disk_fails, 0, 8);
#endif
    tcase_add_test(t, disk_limit);
    tcase_add_loop_test(t, keys_refused, 0, 4);
    suite_add_tcase(s, t);
    return ops_run_suite(s);
}
