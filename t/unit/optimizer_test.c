/* Unit tests of optimizer/. Most of them are data: optimizer_cases.txt beside this file, blocks of
 *     # what it shows
 *     statement (may take several lines)
 *     ----
 *     what is expected: plan_dump(), then the places for the statement's own values, then what the one place or the
 *     second of several gets
 * With OPTIMIZER_PRINT=1 in the environment the actual results are printed in that form, with 2 every place's text. */
#include "optimizer/cache.h"
#include "optimizer/explain.h"
#include "optimizer/optimizer.h"
#include "parser/parse.h"

#include "catalog/snapshot.h"
#include "types/coll.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct cat_snapshot *snap;
static struct arena arena;
static struct env env;

/* ---- a catalog ---- */

/* "name type[!][^]": ! NOT NULL, ^ AUTO_INCREMENT. */
struct column_spec {
    const char *name, *type;
};

static void fill_column(struct cat_column *c, uint32_t i, const struct column_spec *s)
{
    static const struct {
        const char *name;
        uint8_t code;
        uint16_t coll;
        uint32_t length;
        uint8_t decimals;
    } types[] = {
        {"int", TYPE_LONG, 63, 11, 0},
        {"bigint", TYPE_LONGLONG, 63, 20, 0},
        {"dec", TYPE_NEWDECIMAL, 63, 12, 2},
        {"datetime", TYPE_DATETIME, 63, 19, 0},
        {"str", TYPE_VARCHAR, 255, 200, 0},   /* utf8mb4_0900_ai_ci */
        {"gen", TYPE_VARCHAR, 45, 200, 0},    /* utf8mb4_general_ci */
        {"odd", TYPE_VARCHAR, 2, 50, 0},      /* latin2_czech_cs: not native */
        {"enum", TYPE_ENUM, 255, 40, 0},
        {"json", TYPE_JSON, 63, 100, 0},
    };
    size_t n = strcspn(s->type, "!^");

    *c = (struct cat_column){.name = sv_cstr(s->name), .ordinal = i, .nullable = !strchr(s->type, '!')};
    c->auto_increment = strchr(s->type, '^') != NULL;
    for (unsigned t = 0; t < ARRAY_LEN(types); t++)
        if (strlen(types[t].name) == n && memcmp(types[t].name, s->type, n) == 0) {
            c->type.code = types[t].code;
            c->type.coll_id = types[t].coll;
            c->type.length = types[t].length;
            c->type.decimals = types[t].decimals;
        }
    c->default_kind = c->nullable ? CAT_DEFAULT_NULL : CAT_DEFAULT_NONE;
}

static struct cat_table *make_table(const char *name, uint64_t id, const struct column_spec *cols, uint32_t n,
    enum cat_table_kind kind, const char *key, const char *key2, uint32_t parts, uint32_t first_shard, uint64_t group)
{
    struct cat_table *t = cat_table_new(SV("shop"), sv_cstr(name));
    struct cat_column *c = ARENA_NEW_N(&t->arena, struct cat_column, n);
    uint32_t *pc = ARENA_NEW_N(&t->arena, uint32_t, 2), shards[16], np = 0;

    for (uint32_t i = 0; i < n; i++) {
        fill_column(&c[i], i, &cols[i]);
        if (key && strcmp(cols[i].name, key) == 0)
            pc[np++] = i;
    }
    for (uint32_t i = 0; i < n; i++)
        if (key2 && strcmp(cols[i].name, key2) == 0)
            pc[np++] = i;
    t->id = id;
    t->columns = c;
    t->columns_n = n;
    t->kind = kind;
    t->group_id = group;
    t->part.columns = pc;
    t->part.columns_n = np;
    t->part.by_columns = true;
    t->part.method = kind == CAT_PARTITIONED ? CAT_PART_KEY : CAT_PART_NONE;
    for (uint32_t i = 0; i < parts; i++)
        shards[i] = (first_shard + i - 1) % 4 + 1;
    if (kind != CAT_BROADCAST)
        cat_table_spread(t, parts, shards);
    return t;
}

static void put_table(struct cat_builder *b, struct cat_table *t)
{
    struct diag d = {0};

    ck_assert_msg(cat_table_finish(t, &d), "%s: %s", t->name.ptr, d.text);
    cat_builder_put_table(b, t);
    cat_table_unref(t);
}

/* RANGE: users by id below 100, below 200, the rest. */
static void make_range(struct cat_table *t)
{
    static const char *const bounds[] = {"100", "200", NULL};
    struct cat_part *p = ARENA_NEW_N(&t->arena, struct cat_part, 3);

    for (uint32_t i = 0; i < 3; i++) {
        struct cat_bound *bo = ARENA_NEW(&t->arena, struct cat_bound);

        p[i] = t->parts[i];
        p[i].hash_lo = p[i].hash_hi = 0;
        bo->kind = bounds[i] ? CAT_BOUND_VALUE : CAT_BOUND_MAXVALUE;
        bo->text = bounds[i] ? sv_cstr(bounds[i]) : SV_NULL;
        p[i].bounds = bo;
        p[i].tuples_n = 1;
    }
    t->parts = p;
    t->part.method = CAT_PART_RANGE;
}

static void make_catalog(void)
{
    static const struct column_spec orders[] = {{"id", "bigint!"}, {"user_id", "int"}, {"name", "str"}, {"note", "odd"},
        {"price", "dec"}, {"made", "datetime"}, {"status", "enum"}, {"doc", "json"}};
    static const struct column_spec items[] = {{"order_id", "bigint!"}, {"n", "int!"}, {"sku", "gen"}, {"qty", "int"}};
    static const struct column_spec users[] = {{"id", "int!"}, {"name", "str"}, {"country", "str"}};
    static const struct column_spec cfg[] = {{"k", "str!"}, {"v", "str"}};
    static const struct column_spec countries[] = {{"code", "str!"}, {"title", "str"}};
    static const struct column_spec auto_t[] = {{"id", "bigint!^"}, {"a", "int"}, {"b", "str"}};
    static const struct column_spec pairs[] = {{"x", "int!"}, {"y", "int!"}, {"v", "int"}};
    struct cat_builder b;
    struct cat_db db = {.id = 1, .name = SV("shop"), .mode = CAT_DB_AUTO, .charset = SV("utf8mb4"), .collation = SV("utf8mb4_0900_ai_ci"), .coll_id = 255};
    struct cat_table *t;
    struct diag d = {0};

    cat_builder_begin(&b, NULL);
    for (uint32_t i = 1; i <= 4; i++) {
        char name[8];

        snprintf(name, sizeof name, "s%u", i);
        cat_builder_put_shard(&b, &(struct cat_shard){.id = i, .name = sv_cstr(name), .host = SV("127.0.0.1"), .port = (uint16_t)(3300 + i)});
    }
    cat_builder_put_db(&b, &db);
    put_table(&b, make_table("orders", 1, orders, ARRAY_LEN(orders), CAT_PARTITIONED, "id", NULL, 4, 1, 10));
    put_table(&b, make_table("items", 2, items, ARRAY_LEN(items), CAT_PARTITIONED, "order_id", NULL, 4, 1, 10));
    t = make_table("users", 3, users, ARRAY_LEN(users), CAT_PARTITIONED, "id", NULL, 3, 1, 11);
    make_range(t);
    put_table(&b, t);
    put_table(&b, make_table("cfg", 4, cfg, ARRAY_LEN(cfg), CAT_SINGLE, NULL, NULL, 1, 2, 0));
    put_table(&b, make_table("cfg3", 5, cfg, ARRAY_LEN(cfg), CAT_SINGLE, NULL, NULL, 1, 3, 0));
    put_table(&b, make_table("countries", 6, countries, ARRAY_LEN(countries), CAT_BROADCAST, NULL, NULL, 0, 1, 0));
    put_table(&b, make_table("logs", 7, auto_t, ARRAY_LEN(auto_t), CAT_PARTITIONED, "id", NULL, 4, 1, 12));
    put_table(&b, make_table("tiny", 8, users, ARRAY_LEN(users), CAT_PARTITIONED, "id", NULL, 1, 2, 13));
    put_table(&b, make_table("pairs", 9, pairs, ARRAY_LEN(pairs), CAT_PARTITIONED, "x", "y", 4, 1, 14));
    put_table(&b, make_table("pairs2", 10, pairs, ARRAY_LEN(pairs), CAT_PARTITIONED, "x", "y", 4, 1, 14));
    put_table(&b, make_table("things", 11, auto_t, ARRAY_LEN(auto_t), CAT_PARTITIONED, "a", NULL, 4, 1, 15));
    snap = cat_builder_finish(&b, 7, &d);
    ck_assert_msg(snap != NULL, "%s", d.text);
}

static void setup(void)
{
    arena_init(&arena, 0);
    env_init(&env, ENV_MYSQL8);
    env.user = SV("app");
    env.host = SV("localhost");
    env.last_insert_id = 42;
    env.connection_id = 9;
    env.db = SV("shop");
    make_catalog();
}

static void teardown(void)
{
    cat_snapshot_unref(snap);
    arena_free(&arena);
}

/* ---- running a statement ---- */

static void variable(void *arg, enum session_value kind, bool global, struct sv name, struct value *out)
{
    (void)arg;
    (void)global;
    *out = value_null();
    if (kind == SESSION_USER_VAR && sv_eq_nocase(name, SV("five")))
        *out = value_i64(5);
    if (kind == SESSION_SYSTEM_VAR && sv_eq_nocase(name, SV("autocommit")))
        *out = value_i64(1);
}

struct statement {
    struct sql_opts opts;
    struct opt_env oe;
    struct parse_result r;
    struct digest digest;
    struct literal_slot slots[256];
    struct lex_token_pos tokens[1024];
    struct value params[8];
    struct plan_inputs in;
    struct plan *plan;
    struct diag d;
};

static void read_statement(struct statement *s, const char *sql, bool mariadb)
{
    struct sv text = sv_cstr(sql);

    memset(s, 0, sizeof *s);
    s->opts = (struct sql_opts){.flavor = mariadb ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL, .seed = 1};
    s->oe = (struct opt_env){.db = SV("shop"), .flavour = mariadb ? ENV_MARIADB : ENV_MYSQL8,
        .supports = OPT_INTO_VARS | OPT_ASSIGNED_VARS | OPT_FOUND_ROWS | OPT_INSERT_ID};
    digest_scan_tokens(text, 0, &s->opts, s->slots, ARRAY_LEN(s->slots), s->tokens, ARRAY_LEN(s->tokens), &s->digest);
    for (unsigned i = 0; i < ARRAY_LEN(s->params); i++)
        s->params[i] = value_i64(11 + i);
    s->in = (struct plan_inputs){.text = text, .literals = s->slots, .n_literals = s->digest.nslots, .tokens = s->tokens,
        .n_tokens = s->digest.ntokens, .params = s->params, .n_params = ARRAY_LEN(s->params), .env = &env, .variable = variable};
}

static bool plan_statement(struct statement *s, const char *sql, bool mariadb)
{
    struct opt_text t;

    read_statement(s, sql, mariadb);
    t = (struct opt_text){s->in.text, 0, &s->opts};
    if (!parser_parse(s->in.text, 0, &s->opts, &arena, &s->r, &s->d))
        return false;
    s->plan = optimizer_plan(s->r.stmt, &t, snap, &s->oe, &s->d);
    return s->plan != NULL;
}

static void show_places(const struct statement *s, struct strbuf *b)
{
    struct placeset places;
    struct diag d = {0};

    if (s->plan->route.split_only || (s->plan->insert && s->plan->insert->values_form && s->plan->insert->n_rows > 1))
        return;
    if (!optimizer_route(s->plan, &s->in, snap, &arena, &places, &d)) {
        strbuf_printf(b, "places: %u %s\n", d.code, d.text);
        return;
    }
    strbuf_puts(b, "places:");
    for (uint32_t i = 0; i < places.n; i++)
        strbuf_printf(b, " p%u@%u", places.items[i].partition, places.items[i].shard_id);
    strbuf_puts(b, "\n");
    if (places.n == 1) {
        strbuf_puts(b, "gets: ");
        optimizer_splice(s->plan, &s->in, places.items[0].partition, 77, b);
        strbuf_puts(b, "\n");
    } else if (s->plan->fragment.n_pieces) {
        strbuf_puts(b, "gets: ");
        optimizer_render(&s->plan->fragment, &s->in, s->plan->top ? &s->plan->top->limit : NULL, places.items[1].partition, &arena, b);
        strbuf_puts(b, "\n");
    }
}

/* For a comparison with real servers: every place's text, one a line. */
static void show_all(const char *sql, bool mariadb)
{
    struct statement s;
    struct explain e;
    struct diag d = {0};

    if (!plan_statement(&s, sql, mariadb) || !explain_plan(s.plan, &s.in, snap, &arena, &e, &d)) {
        plan_release(s.plan);
        printf("@refused\n");
        return;
    }
    printf("@kind %s%s\n@stages %.*s\n", s.plan->reads_only ? "read" : "write", s.plan->returns_rows ? " rows" : "",
        SV_ARG(e.stages));
    for (uint32_t i = 0; i < e.n_rows; i++)
        printf("@at %.*s|%.*s|%.*s\n", SV_ARG(e.rows[i].shard), SV_ARG(e.rows[i].place), SV_ARG(e.rows[i].sql));
    plan_release(s.plan);
}

static struct sv result_of(const char *sql, bool mariadb)
{
    struct statement s;
    struct strbuf b;

    strbuf_init(&b, &arena);
    if (!plan_statement(&s, sql, mariadb)) {
        strbuf_printf(&b, "error %u: %s\n", s.d.code, s.d.text);
        return strbuf_sv(&b);
    }
    plan_dump(s.plan, &b);
    show_places(&s, &b);
    plan_release(s.plan);
    return strbuf_sv(&b);
}

/* ---- the cases ---- */

static char *read_cases(void)
{
    char path[4096];
    size_t len = 0, cap = 1 << 20;
    char *text = xmalloc(cap);
    const char *slash = strrchr(__FILE__, '/');
    FILE *f;

    snprintf(path, sizeof path, "%.*s/optimizer_cases.txt", slash ? (int)(slash - __FILE__) : 1, slash ? __FILE__ : ".");
    f = fopen(path, "r");
    ck_assert_msg(f != NULL, "no %s", path);
    len = fread(text, 1, cap - 1, f);
    fclose(f);
    text[len] = '\0';
    return text;
}

/* "# title\nsql\n----\nexpected\n\n" */
START_TEST(test_cases)
{
    char *text = read_cases(), *at = text;
    bool print = getenv("OPTIMIZER_PRINT") != NULL;
    unsigned n = 0, failed = 0;

    while (at && *at) {
        char *title = at, *sql, *want, *end;
        bool mariadb;
        struct sv got;

        while (*title == '\n')
            title++;
        if (!*title)
            break;
        ck_assert_msg(*title == '#', "case does not begin with #: %.40s", title);
        sql = strchr(title, '\n');
        ck_assert(sql != NULL);
        *sql++ = '\0';
        want = strstr(sql, "\n----\n");
        ck_assert_msg(want != NULL, "%s: no ----", title);
        *want = '\0';
        want += 6;
        end = strstr(want, "\n\n");
        at = end ? end + 2 : NULL;
        if (end)
            end[1] = '\0';
        mariadb = strstr(title, "[mariadb]") != NULL;
        got = result_of(sql, mariadb);
        n++;
        if (print && getenv("OPTIMIZER_PRINT")[0] == '2') {
            printf("@case %s\n@sql %s\n", title, sql);
            show_all(sql, mariadb);
        } else if (print)
            printf("%s\n%s\n----\n%.*s\n", title, sql, SV_ARG(got));
        else if (!sv_eq_cstr(got, want)) {
            failed++;
            fprintf(stderr, "%s\n%s\n--- want\n%s--- got\n%.*s\n", title, sql, want, SV_ARG(got));
        }
    }
    xfree(text);
    ck_assert_msg(failed == 0, "%u of %u cases", failed, n);
    ck_assert(print || n > 50);
}
END_TEST

/* A plan made from one text serves another with the same digest. */
START_TEST(test_reuse)
{
    struct statement a, b;
    struct placeset places;
    struct strbuf out;
    struct diag d = {0};

    ck_assert(plan_statement(&a, "SELECT name FROM orders WHERE id = 5 AND note='x'", false));
    read_statement(&b, "SELECT  name FROM /* c */ orders WHERE id=123456 AND note  = 'it''s'", false);
    ck_assert(a.digest.hash[0] == b.digest.hash[0]);
    ck_assert(optimizer_route(a.plan, &b.in, snap, &arena, &places, &d));
    ck_assert_uint_eq(places.n, 1);
    strbuf_init(&out, &arena);
    optimizer_splice(a.plan, &b.in, 2, 0, &out);
    ck_assert_str_eq(strbuf_cstr(&out), "SELECT  name FROM /* c */ `orders__p2` AS `orders` WHERE id=123456 AND note  = 'it''s'");
    plan_release(a.plan);
}
END_TEST

/* Expressions that are equal only because their literals are must not be cached. */
START_TEST(test_uncacheable)
{
    static const struct {
        const char *msg, *sql;
        bool uncacheable;
    } t[] = {
        {"point", "SELECT * FROM orders WHERE id = 5", false},
        {"two different sums", "SELECT SUM(price * 2), SUM(price * 3) FROM orders", false},
        {"two equal sums", "SELECT SUM(price * 2), SUM(price * 2) FROM orders", true},
        {"position", "SELECT id, name FROM orders ORDER BY 2", true},
        {"equal group", "SELECT user_id + 1, COUNT(*) FROM orders GROUP BY user_id + 1", true},
    };

    for (unsigned i = 0; i < ARRAY_LEN(t); i++) {
        struct statement s;

        ck_assert_msg(plan_statement(&s, t[i].sql, false), "%s: %s", t[i].msg, s.d.text);
        ck_assert_msg(s.plan->uncacheable == t[i].uncacheable, "%s", t[i].msg);
        plan_release(s.plan);
    }
}
END_TEST

START_TEST(test_explain)
{
    struct statement s;
    struct explain e;
    struct diag d = {0};

    ck_assert(plan_statement(&s, "SELECT id FROM orders ORDER BY id LIMIT 3", false));
    ck_assert(explain_plan(s.plan, &s.in, snap, &arena, &e, &d));
    ck_assert_uint_eq(e.n_rows, 4);
    ck_assert(sv_eq(e.rows[2].shard, SV("s3")) && sv_eq(e.rows[2].place, SV("orders p2")));
    ck_assert(sv_eq(e.rows[2].sql, SV("SELECT id FROM `orders__p2` AS `orders` ORDER BY id LIMIT 3")));
    ck_assert(e.stages.len > 0);
    plan_release(s.plan);

    ck_assert(plan_statement(&s, "INSERT INTO pairs VALUES (1,2,3),(1,2,4),(7,8,9)", false));
    ck_assert(explain_plan(s.plan, &s.in, snap, &arena, &e, &d));
    ck_assert(e.n_rows == 1 || e.n_rows == 2);
    plan_release(s.plan);

    ck_assert(plan_statement(&s, "SELECT * FROM orders o, orders p WHERE o.user_id = p.user_id", false));
    ck_assert(explain_plan(s.plan, &s.in, snap, &arena, &e, &d));
    ck_assert_uint_eq(e.n_rows, 4 + 4 + 1); /* each table's places, and the statement over the copies */
    ck_assert(e.stages.len > 0);
    plan_release(s.plan);
}
END_TEST

/* A new value of the partition column that leads to the same place moves nothing. */
START_TEST(test_move)
{
    struct statement s;
    struct placeset places;
    struct diag d = {0};

    ck_assert(plan_statement(&s, "UPDATE users SET id = 50, name = 'x' WHERE id = 7", false));
    ck_assert_int_eq(s.plan->kind, PLAN_MOVE);
    ck_assert(optimizer_route(s.plan, &s.in, snap, &arena, &places, &d));
    ck_assert(optimizer_move_is_local(s.plan, &s.in, &places, &arena));
    plan_release(s.plan);
    ck_assert(plan_statement(&s, "UPDATE users SET id = 150, name = 'x' WHERE id = 7", false));
    ck_assert(optimizer_route(s.plan, &s.in, snap, &arena, &places, &d));
    ck_assert(!optimizer_move_is_local(s.plan, &s.in, &places, &arena));
    plan_release(s.plan);
}
END_TEST

START_TEST(test_cache)
{
    struct plan_cache *c = plan_cache_new(2);
    struct plan_key k1 = {{1, 1}, 1}, k2 = {{2, 2}, 1}, k3 = {{3, 3}, 1};
    struct statement s;
    struct plan *p;

    ck_assert(plan_statement(&s, "SELECT 1", false));
    plan_cache_put(c, &k1, s.plan);
    plan_cache_put(c, &k2, s.plan);
    p = plan_cache_get(c, &k1, snap->version);
    ck_assert(p == s.plan);
    plan_release(p);
    plan_cache_put(c, &k3, s.plan);
    ck_assert_msg(plan_cache_get(c, &k2, snap->version) == NULL, "the least recently used one goes");
    ck_assert_msg(plan_cache_get(c, &k1, snap->version + 1) == NULL, "another version is stale");
    ck_assert(plan_cache_get_stats(c).stale == 1 && plan_cache_get_stats(c).evicted == 1);
    plan_release(s.plan);
    plan_cache_free(c);
}
END_TEST

int main(void)
{
    Suite *suite = suite_create("optimizer");
    TCase *tc = tcase_create("plans");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, test_cases);
    tcase_add_test(tc, test_reuse);
    tcase_add_test(tc, test_uncacheable);
    tcase_add_test(tc, test_explain);
    tcase_add_test(tc, test_move);
    tcase_add_test(tc, test_cache);
    suite_add_tcase(suite, tc);
    sr = srunner_create(suite);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_ENV);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
