/* Expressions against what real servers answered (types_exprs.tsv, made by tools/gen_exprs.py). */
#include "exprs.h"

#include <check.h>

static struct expr_case *cases;
static size_t n_cases;
static int wrong;

/* No such function, collation or syntax there. */
static bool unknown_to_server(const char *want)
{
    static const char *const errors[] = {"!", "!1046", "!1064", "!1273", "!1305"};

    for (size_t i = 0; i < ARRAY_LEN(errors); i++)
        if (!strcmp(want, errors[i]))
            return true;
    return false;
}

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
    struct sv got;

    arena_init(&a, 0);
    warn_sink_init(&w, &a, 10);
    e.warnings = &w;
    r = (struct expr_reader){.p = c->expr, .end = c->expr + strlen(c->expr), .a = &a, .env = &e, .d = &d};
    x = expr_read(&r);
    if (x && !bexpr_eval(x, NULL, NULL, &cx, &v))
        ck_assert(diag_is_set(&d));
    got = expr_show(&v, x ? &x->type : NULL, &d, &a);
    if (unknown_to_server(c->want[flavour])) {
        /* that server does not know the expression */
    } else if (c->may_refuse && d.code == ER_NOT_SUPPORTED_YET) {
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

/* ---- collations ---- */

static struct sv unhex(const char *s, struct arena *a)
{
    size_t n = strlen(s) / 2;
    char *p = arena_alloc(a, n + 1);

    for (size_t i = 0; i < n; i++) {
        char two[3] = {s[1 + 2 * i], s[2 + 2 * i], '\0'};

        p[i] = (char)strtoul(two, NULL, 16);
    }
    return (struct sv){p, n};
}

static int sign(int c)
{
    return (c > 0) - (c < 0);
}

/* types_colls.tsv: collation, a, b, STRCMP(a, b), a LIKE b, LOCATE(b, a), WEIGHT_STRING(a); made by tools/gen_coll.py. */
START_TEST(collations_as_servers_say)
{
    const char *dir = getenv("TESSERA_SRCDIR");
    char path[4096], line[16384], *f[7];
    struct arena a;
    FILE *in;
    int n = 0;

    snprintf(path, sizeof(path), "%s/t/unit/types_colls.tsv", dir ? dir : ".");
    in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s", path);
    wrong = 0;
    arena_init(&a, 0);
    while (fgets(line, sizeof(line), in)) {
        const struct collation *c;
        struct strbuf key, ox, oy;
        struct sv x, y, w;
        char *save = NULL;
        int cmp, like, at, order;
        bool ok;

        for (int i = 0; i < 7; i++)
            ck_assert((f[i] = strtok_r(i ? NULL : line, "\t\n", &save)) != NULL);
        c = coll_by_name(sv_cstr(f[0]));
        ck_assert(coll_is_native(c));
        x = unhex(f[1], &a);
        y = unhex(f[2], &a);
        w = unhex(f[6], &a);
        cmp = coll_compare(c->id, x, y);
        like = coll_like(c->id, x, y, '\\');
        at = (int)coll_locate(c->id, x, y, 1, strstr(c->name, "uca1400") || strstr(c->name, "general"));
        strbuf_init(&key, &a);
        coll_sortkey(c->id, x, &key);
        strbuf_init(&ox, &a);
        strbuf_init(&oy, &a);
        coll_orderkey(c->id, x, &ox);
        coll_orderkey(c->id, y, &oy);
        order = sign(sv_cmp(strbuf_sv(&ox), strbuf_sv(&oy)));
        /* A padding collation's key lacks the weights of trailing blanks. */
        ok = cmp == (int)strtol(f[3], NULL, 10) && order == cmp && (c->pad_space ? key.len == 0 || sv_starts(w, strbuf_sv(&key)) : sv_eq(w, strbuf_sv(&key)));
        ok = ok && (cmp != 0 || coll_hash(c->id, x, 7) == coll_hash(c->id, y, 7));
        if (!ok || like != (int)strtol(f[4], NULL, 10) || at != (int)strtol(f[5], NULL, 10)) {
            fprintf(stderr, "%s %s %s: compare %d (want %s), like %d (%s), locate %d (%s), order %d, key of %zu bytes, want %s\n", f[0], f[1], f[2], cmp,
                f[3], like, f[4], at, f[5], order, key.len, f[6]);
            wrong++;
        }
        n++;
    }
    arena_free(&a);
    fclose(in);
    ck_assert_msg(wrong == 0 && n > 0, "%d of %d pairs differ", wrong, n);
}
END_TEST

/* doc/sql.md names every function of the registry. */
START_TEST(documented)
{
    const char *dir = getenv("TESSERA_SRCDIR");
    char path[4096], *text;
    size_t n, missing = 0;
    FILE *in;

    snprintf(path, sizeof(path), "%s/doc/sql.md", dir ? dir : ".");
    in = fopen(path, "r");
    ck_assert_msg(in != NULL, "%s", path);
    text = calloc(1, 1 << 20);
    n = fread(text, 1, (1 << 20) - 1, in);
    fclose(in);
    ck_assert(n > 0);
    for (size_t i = 0; i < func_count(); i++) {
        char quoted[64];

        snprintf(quoted, sizeof(quoted), "`%s`", func_name_at(i));
        if (!strstr(text, quoted)) {
            fprintf(stderr, "doc/sql.md does not name %s\n", quoted);
            missing++;
        }
    }
    free(text);
    ck_assert_int_eq(missing, 0);
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
    tcase_add_test(t, collations_as_servers_say);
    tcase_add_test(t, documented);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
