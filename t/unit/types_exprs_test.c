/* Expressions against what real servers answered (types_exprs.tsv, made by tools/gen_exprs.py). */
#include "exprs.h"

#include <check.h>

static struct expr_case *cases;
static size_t n_cases;
static int wrong;

static void one(const struct expr_case *c, enum env_flavour flavour)
{
    struct arena a;
    struct env e = expr_env(flavour);
    struct diag d = {0};
    struct func_ctx cx = {&e, &a, &d, false};
    struct expr_reader r;
    struct warn_sink w;
    struct value v = value_null();
    const struct bexpr *x;
    bool may_refuse = c->expr[0] == '?';
    const char *expr = c->expr + may_refuse;
    struct sv got;

    arena_init(&a, 0);
    warn_sink_init(&w, &a, 10);
    e.warnings = &w;
    r = (struct expr_reader){.p = expr, .end = expr + strlen(expr), .a = &a, .env = &e, .d = &d};
    x = expr_read(&r);
    if (x && !bexpr_eval(x, NULL, NULL, &cx, &v))
        ck_assert(diag_is_set(&d));
    got = expr_show(&v, x ? &x->type : NULL, &d, &a);
    if (!strcmp(c->want[flavour], "!") || !strcmp(c->want[flavour], "!1046") || !strcmp(c->want[flavour], "!1305") || !strcmp(c->want[flavour], "!1064")) {
        /* that server does not know the expression */
    } else if (may_refuse && d.code == ER_NOT_SUPPORTED_YET) {
        /* not answered above the shards */
    } else if (!sv_eq_cstr(got, c->want[flavour])) {
        fprintf(stderr, "%s: %s: got %.*s, want %s %s\n", flavour == ENV_MYSQL8 ? "mysql" : "mariadb", c->expr, SV_ARG(got),
            c->want[flavour], d.text);
        wrong++;
    }
    arena_free(&a);
}

START_TEST(as_servers_say)
{
    wrong = 0;
    for (size_t i = 0; i < n_cases; i++)
        one(&cases[i], (enum env_flavour)_i);
    ck_assert_msg(wrong == 0, "%d of %zu expressions differ", wrong, n_cases);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("types_exprs");
    TCase *t = tcase_create("exprs");
    SRunner *sr;
    int failed;

    cases = expr_cases("types_exprs.tsv", &n_cases);
    tcase_add_loop_test(t, as_servers_say, 0, 2);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
