/* Unit tests of router/. The tests against live servers run where TESSERA_TEST_SERVERS (host:port
 * ..., root without a password) names some. */
#include "catalog/mconn.h"
#include "router/part-int.h"
#include "router/place.h"
#include "types/coll.h"
#include "types/temporal.h"
#include "util/rand.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena arena;
static struct env env;

static void setup(void)
{
    arena_init(&arena, 0);
    env_init(&env, ENV_MYSQL8);
}

static void teardown(void)
{
    arena_free(&arena);
}

/* --- making tables --- */

struct col_spec {
    const char *sql; /* type */
    uint8_t code;
    bool is_unsigned;
    uint8_t decimals;
    uint32_t length;
    const char *collation; /* NULL: binary */
    const char *members;   /* a,b,c */
};

enum spec_id {
    S_INT,
    S_BIGINT,
    S_UBIGINT,
    S_TINYINT,
    S_DEC,
    S_DEC0,
    S_DOUBLE,
    S_FLOAT,
    S_DATE,
    S_DATETIME,
    S_DATETIME3,
    S_TIME,
    S_TIME2,
    S_TIMESTAMP,
    S_TIMESTAMP6,
    S_YEAR,
    S_BIT,
    S_GENERAL,
    S_BIN,
    S_LATIN1,
    S_UNICODE,
    S_0900,
    S_CHAR,
    S_BINARY,
    S_VARBINARY,
    S_ENUM,
    S_SET,
    S_COUNT
};

static const struct col_spec specs[S_COUNT] = {
    [S_INT] = {"INT", TYPE_LONG, false, 0, 11, NULL, NULL},
    [S_BIGINT] = {"BIGINT", TYPE_LONGLONG, false, 0, 20, NULL, NULL},
    [S_UBIGINT] = {"BIGINT UNSIGNED", TYPE_LONGLONG, true, 0, 20, NULL, NULL},
    [S_TINYINT] = {"TINYINT", TYPE_TINY, false, 0, 4, NULL, NULL},
    [S_DEC] = {"DECIMAL(12,4)", TYPE_NEWDECIMAL, false, 4, 14, NULL, NULL},
    [S_DEC0] = {"DECIMAL(30,0)", TYPE_NEWDECIMAL, false, 0, 31, NULL, NULL},
    [S_DOUBLE] = {"DOUBLE", TYPE_DOUBLE, false, 31, 22, NULL, NULL},
    [S_FLOAT] = {"FLOAT", TYPE_FLOAT, false, 31, 12, NULL, NULL},
    [S_DATE] = {"DATE", TYPE_DATE, false, 0, 10, NULL, NULL},
    [S_DATETIME] = {"DATETIME", TYPE_DATETIME, false, 0, 19, NULL, NULL},
    [S_DATETIME3] = {"DATETIME(3)", TYPE_DATETIME, false, 3, 23, NULL, NULL},
    [S_TIME] = {"TIME", TYPE_TIME, false, 0, 10, NULL, NULL},
    [S_TIME2] = {"TIME(2)", TYPE_TIME, false, 2, 13, NULL, NULL},
    [S_TIMESTAMP] = {"TIMESTAMP NULL", TYPE_TIMESTAMP, false, 0, 19, NULL, NULL},
    [S_TIMESTAMP6] = {"TIMESTAMP(6) NULL", TYPE_TIMESTAMP, false, 6, 26, NULL, NULL},
    [S_YEAR] = {"YEAR", TYPE_YEAR, true, 0, 4, NULL, NULL},
    [S_BIT] = {"BIT(12)", TYPE_BIT, true, 0, 12, NULL, NULL},
    [S_GENERAL] = {"VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", TYPE_VAR_STRING,
        false, 0, 160, "utf8mb4_general_ci", NULL},
    [S_BIN] = {"VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", TYPE_VAR_STRING, false, 0,
        160, "utf8mb4_bin", NULL},
    [S_LATIN1] = {"VARCHAR(40) CHARACTER SET latin1 COLLATE latin1_swedish_ci", TYPE_VAR_STRING,
        false, 0, 40, "latin1_swedish_ci", NULL},
    [S_UNICODE] = {"VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", TYPE_VAR_STRING,
        false, 0, 160, "utf8mb4_unicode_ci", NULL},
    [S_0900] = {"VARCHAR(40) CHARACTER SET utf8mb4 COLLATE utf8mb4_0900_ai_ci", TYPE_VAR_STRING,
        false, 0, 160, "utf8mb4_0900_ai_ci", NULL},
    [S_CHAR] = {"CHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", TYPE_STRING, false, 0,
        80, "utf8mb4_general_ci", NULL},
    [S_BINARY] = {"BINARY(6)", TYPE_STRING, false, 0, 6, NULL, NULL},
    [S_VARBINARY] = {"VARBINARY(30)", TYPE_VAR_STRING, false, 0, 30, NULL, NULL},
    [S_ENUM] = {"ENUM('red','Green','blue')", TYPE_ENUM, false, 0, 20, "utf8mb4_general_ci",
        "red,Green,blue"},
    [S_SET] = {"SET('a','b','c')", TYPE_SET, false, 0, 20, "utf8mb4_general_ci", "a,b,c"},
};

static void fill_column(struct cat_table *t, struct cat_column *c, uint32_t i, enum spec_id id)
{
    const struct col_spec *s = &specs[id];
    const struct collation *coll = s->collation ? coll_by_name(sv_cstr(s->collation)) : NULL;
    uint32_t n = 0;

    *c = (struct cat_column){
        .name = arena_printf(&t->arena, "c%u", i), .ordinal = i, .nullable = true};
    c->type = (struct cat_type){.code = s->code,
        .is_unsigned = s->is_unsigned,
        .decimals = s->decimals,
        .length = s->length,
        .coll_id = coll ? coll->id : 63,
        .text = sv_cstr(s->sql)};
    if (coll)
        c->type.collation = sv_cstr(coll->name);
    if (s->members) {
        struct sv *m = ARENA_NEW_N(&t->arena, struct sv, 8);
        const char *p = s->members;

        while (*p) {
            size_t len = strcspn(p, ",");

            m[n++] = sv_make(p, len);
            p += len + (p[len] == ',');
        }
        c->type.members = m;
        c->type.members_n = n;
    }
}

static struct cat_table *new_table(const enum spec_id *cols, uint32_t n)
{
    struct cat_table *t = cat_table_new(SV("d"), SV("t"));
    struct cat_column *c = ARENA_NEW_N(&t->arena, struct cat_column, n);
    uint32_t *pc = ARENA_NEW_N(&t->arena, uint32_t, n);

    for (uint32_t i = 0; i < n; i++) {
        fill_column(t, &c[i], i, cols[i]);
        pc[i] = i;
    }
    t->id = 1;
    t->columns = c;
    t->columns_n = n;
    t->kind = CAT_PARTITIONED;
    t->part.columns = pc;
    t->part.columns_n = n;
    return t;
}

static struct cat_table *hashed_table(
    const enum spec_id *cols, uint32_t n, uint32_t parts, const char *expr)
{
    static uint32_t shards[LIMIT_PARTITIONS];
    struct cat_table *t = new_table(cols, n);

    for (uint32_t i = 0; i < parts; i++)
        shards[i] = 1 + i % 3;
    t->part.method = expr ? CAT_PART_HASH : CAT_PART_KEY;
    t->part.by_columns = !expr;
    if (expr)
        t->part.expr = sv_cstr(expr);
    cat_table_spread(t, parts, shards);
    return t;
}

/* bounds: partitions separated by |, tuples by ;, values by `,`; MAX, NULL, DEFAULT. */
static struct cat_table *bounded_table(const enum spec_id *cols, uint32_t n,
    enum cat_part_method method, const char *expr, const char *bounds)
{
    struct cat_table *t = new_table(cols, n);
    uint32_t parts_n = 1, i = 0, width = expr ? 1 : n;
    struct cat_part *parts;
    const char *p = bounds;

    for (const char *q = bounds; *q; q++)
        parts_n += *q == '|';
    t->part.method = method;
    t->part.by_columns = !expr;
    if (expr)
        t->part.expr = sv_cstr(expr);
    t->parts = parts = ARENA_NEW_N(&t->arena, struct cat_part, parts_n);
    t->parts_n = parts_n;
    for (i = 0; i < parts_n; i++) {
        struct cat_bound *b = ARENA_NEW_N(&t->arena, struct cat_bound, 64);
        uint32_t k = 0;

        while (*p && *p != '|') {
            size_t len = strcspn(p, ",;|");
            struct sv v = sv_make(p, len);

            b[k].kind = sv_eq(v, SV("MAX"))       ? CAT_BOUND_MAXVALUE
                        : sv_eq(v, SV("NULL"))    ? CAT_BOUND_NULL
                        : sv_eq(v, SV("DEFAULT")) ? CAT_BOUND_DEFAULT
                                                  : CAT_BOUND_VALUE;
            b[k++].text = v;
            p += len;
            if (*p == ',' || *p == ';')
                p++;
        }
        if (*p == '|')
            p++;
        if (b[0].kind == CAT_BOUND_DEFAULT)
            k = width;
        parts[i] = (struct cat_part){.ordinal = i,
            .name = arena_printf(&t->arena, "p%u", i),
            .shard_id = 1 + i % 3,
            .phys_db = SV("d"),
            .phys_name = arena_printf(&t->arena, "t__p%u", i),
            .bounds = b,
            .tuples_n = k / width};
    }
    return t;
}

static void finish(struct cat_table *t)
{
    struct diag d = {0};

    ck_assert_msg(cat_table_finish(t, &d), "%s", d.text);
    ck_assert_msg(part_check(t, &d), "%s", d.text);
}

static struct value text_value(const char *s)
{
    return value_str(sv_cstr(s), coll_by_name(SV("utf8mb4_general_ci"))->id);
}

/* --- the format --- */

START_TEST(hash_vectors)
{
    /* Never change these: rows on the shards are where these numbers say. */
    static const struct {
        enum spec_id spec;
        const char *text; /* as an INSERT would write it; NULL */
        uint32_t hash;
    } t[] = {
#include "t/unit/router_vectors.inc"
    };

    env.sql_mode = 0; /* zero dates */
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *tab = hashed_table(&t[i].spec, 1, 4, NULL);
        const struct part *p;
        struct value v = t[i].text ? text_value(t[i].text) : value_null(), stored;
        uint32_t hash = 0;

        if (t[i].spec == S_BIT) /* a number: text would be taken as bytes */
            v = value_u64((uint64_t)strtoull(t[i].text, NULL, 10));
        finish(tab);
        p = part_of(tab);
        ck_assert_msg(part_store_value(&p->columns[0], &v, &env, &arena, &stored) &&
                          part_hash_values(p, &stored, &env, &arena, &hash),
            "%s '%s'", specs[t[i].spec].sql, t[i].text);
        if (getenv("ROUTER_VECTORS"))
            printf("        {%d, \"%s\", %uu},\n", t[i].spec, t[i].text, hash);
        else
            ck_assert_msg(hash == t[i].hash, "%s '%s': %u", specs[t[i].spec].sql, t[i].text, hash);
        cat_table_unref(tab);
    }
}
END_TEST

START_TEST(hash_arithmetic)
{
    /* CRC32('123456789') is 0xCBF43926, the check value of that polynomial. */
    ck_assert_uint_eq(
        part_hash_bytes(SV("123456789")), (uint32_t)(UINT64_C(0xCBF43926) * UINT64_C(2654435769)));
    ck_assert_uint_eq(part_hash_bytes(SV("")), 0);
}
END_TEST

START_TEST(equal_values_meet)
{
    static const struct {
        enum spec_id a;
        const char *x;
        enum spec_id b;
        const char *y;
    } t[] = {
        {S_INT, "7", S_UBIGINT, "7"},
        {S_INT, "7", S_DEC, "7.0000"},
        {S_DEC0, "100", S_DEC, "100"},
        {S_TINYINT, "-1", S_DEC, "-1"},
        {S_YEAR, "2024", S_INT, "2024"},
        {S_DATE, "2024-02-29", S_DATETIME, "2024-02-29 00:00:00"},
        {S_DATETIME, "2024-02-29 10:11:12", S_DATETIME3, "2024-02-29 10:11:12.000"},
        {S_TIME, "-01:02:03", S_TIME2, "-01:02:03.00"},
        {S_DOUBLE, "5", S_DOUBLE, "5.0"},
        {S_GENERAL, "abc", S_GENERAL, "ABC  "},
        {S_GENERAL, "a", S_CHAR, "A"},
        {S_LATIN1, "abc", S_LATIN1, "Abc "},
        {S_UNICODE, "e", S_UNICODE, "\xc3\x89 "},
        {S_0900, "e", S_0900, "\xc3\x89"},
        {S_BIN, "a", S_BIN, "a  "},
        {S_DOUBLE, "-0", S_DOUBLE, "0"},
        {S_DEC, "0.5", S_DEC, "0.50"},
        {S_ENUM, "RED", S_ENUM, "red"},
        {S_SET, "b,a", S_SET, "A,B"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *x = hashed_table(&t[i].a, 1, 1024, NULL),
                         *y = hashed_table(&t[i].b, 1, 1024, NULL);
        struct value vx = text_value(t[i].x), vy = text_value(t[i].y);
        uint32_t px, py;
        struct diag d = {0};

        ck_assert(part_route_row(part_of(x), &vx, &env, &arena, &px, &d) == PART_OK);
        ck_assert(part_route_row(part_of(y), &vy, &env, &arena, &py, &d) == PART_OK);
        ck_assert_msg(px == py, "%s '%s' is in %u, %s '%s' in %u", specs[t[i].a].sql, t[i].x, px,
            specs[t[i].b].sql, t[i].y, py);
        cat_table_unref(x);
        cat_table_unref(y);
    }
}
END_TEST

/* --- locating --- */

struct locate_case {
    const char *bounds, *expr;
    enum cat_part_method method;
    enum spec_id cols[2];
    uint32_t n;
    const char *values[2];
    int want; /* -1: 1526 */
    const char *error;
};

START_TEST(bounds_are_mysqls)
{
    static const struct locate_case t[] = {
        {"10|20|MAX", "`c0`", CAT_PART_RANGE, {S_INT}, 1, {"9"}, 0, NULL},
        {"10|20|MAX", "`c0`", CAT_PART_RANGE, {S_INT}, 1, {"10"}, 1, NULL},
        {"10|20|MAX", "`c0`", CAT_PART_RANGE, {S_INT}, 1, {NULL}, 0, NULL},
        {"10|20|MAX", "`c0`", CAT_PART_RANGE, {S_INT}, 1, {"2000000000"}, 2, NULL},
        {"10|20", "`c0`", CAT_PART_RANGE, {S_INT}, 1, {"20"}, -1,
            "Table has no partition for value 20"},
        {"2020|2024|MAX", "year(`c0`)", CAT_PART_RANGE, {S_DATE}, 1, {"2023-12-31"}, 1, NULL},
        {"738000|739000|MAX", "to_days(`c0`)", CAT_PART_RANGE, {S_DATE}, 1, {"2021-01-01"}, 1,
            NULL},
        {"0|1700000000|MAX", "unix_timestamp(`c0`)", CAT_PART_RANGE, {S_TIMESTAMP}, 1,
            {"2023-11-14 22:13:20"}, 2, NULL},
        {"0|1700000000|MAX", "unix_timestamp(`c0`)", CAT_PART_RANGE, {S_TIMESTAMP}, 1,
            {"2023-11-14 22:13:19"}, 1, NULL},
        {"1;2;NULL|3;4", "`c0`", CAT_PART_LIST, {S_INT}, 1, {"2"}, 0, NULL},
        {"1;2;NULL|3;4", "`c0`", CAT_PART_LIST, {S_INT}, 1, {NULL}, 0, NULL},
        {"1;2|3;4", "`c0`", CAT_PART_LIST, {S_INT}, 1, {NULL}, -1,
            "Table has no partition for value NULL"},
        {"1;2|3;4", "`c0`", CAT_PART_LIST, {S_INT}, 1, {"5"}, -1,
            "Table has no partition for value 5"},
        {"1;2|3;4|DEFAULT", "`c0`", CAT_PART_LIST, {S_INT}, 1, {"5"}, 2, NULL},
        {"0;2|1;3", "(`c0` + 7) MOD 4", CAT_PART_LIST, {S_INT}, 1, {"8"}, 1, NULL},
        {"5,b|5,m|9,a|MAX,MAX", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"5", "B"}, 1, NULL},
        {"5,b|5,m|9,a|MAX,MAX", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"5", "a"}, 0, NULL},
        {"5,b|5,m|9,a|MAX,MAX", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"5", NULL}, 0, NULL},
        {"5,b|5,m|9,a|MAX,MAX", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"7", "z"}, 2, NULL},
        {"5,b|5,m|9,a|MAX,MAX", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"9", "a"}, 3, NULL},
        {"5,b|9,a", NULL, CAT_PART_RANGE, {S_INT, S_GENERAL}, 2, {"9", "a"}, -1,
            "Table has no partition for value from column_list"},
        {"2024-01-01|2024-07-01", NULL, CAT_PART_RANGE, {S_DATE}, 1, {"2024-06-30"}, 1, NULL},
        {"1,a;2,b|1,b;NULL,NULL", NULL, CAT_PART_LIST, {S_INT, S_GENERAL}, 2, {"1", "B"}, 1, NULL},
        {"1,a;2,b|1,b;NULL,NULL", NULL, CAT_PART_LIST, {S_INT, S_GENERAL}, 2, {NULL, NULL}, 1,
            NULL},
        {"1,a;2,b|1,b;NULL,NULL", NULL, CAT_PART_LIST, {S_INT, S_GENERAL}, 2, {"2", "a"}, -1,
            "from column_list"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *tab =
            bounded_table(t[i].cols, t[i].n, t[i].method, t[i].expr, t[i].bounds);
        struct value v[2];
        uint32_t at;
        struct diag d = {0};
        enum part_result r;

        finish(tab);
        for (uint32_t k = 0; k < t[i].n; k++)
            v[k] = t[i].values[k] ? text_value(t[i].values[k]) : value_null();
        r = part_route_row(part_of(tab), v, &env, &arena, &at, &d);
        if (t[i].want < 0)
            ck_assert_msg(r == PART_NONE && d.code == ER_NO_PARTITION_FOR_GIVEN_VALUE &&
                              strstr(d.text, t[i].error),
                "case %zu: %s", i, d.text);
        else
            ck_assert_msg(r == PART_OK && at == (uint32_t)t[i].want,
                "case %zu: result %d, partition %u", i, r, at);
        cat_table_unref(tab);
    }
}
END_TEST

START_TEST(expressions_evaluate)
{
    static const struct {
        const char *expr;
        enum spec_id spec;
        const char *value;
        const char *want; /* NULL: NULL; "?": unsure */
    } t[] = {
        {"`c0` + 3 * 2", S_INT, "1", "7"},
        {"(c0 + 3) * 2", S_INT, "1", "8"},
        {"-c0 - 1", S_INT, "5", "-6"},
        {"c0 DIV 3", S_INT, "-7", "-2"},
        {"c0 % 3", S_INT, "-7", "-1"},
        {"mod(c0, 0)", S_INT, "7", NULL},
        {"abs(c0)", S_INT, "-7", "7"},
        {"floor(c0)", S_DEC, "-1.5", "-2"},
        {"ceiling(c0)", S_DEC, "-1.5", "-1"},
        {"year(c0)", S_DATE, "2024-05-06", "2024"},
        {"quarter(c0)", S_DATE, "2024-05-06", "2"},
        {"month(c0)", S_DATE, "2024-05-06", "5"},
        {"day(c0)", S_DATE, "2024-05-06", "6"},
        {"dayofyear(c0)", S_DATE, "2024-12-31", "366"},
        {"dayofweek(c0)", S_DATE, "2024-05-06", "2"},
        {"dayofweek(c0)", S_DATE, "2024-05-05", "1"},
        {"weekday(c0)", S_DATE, "2024-05-06", "0"},
        {"to_days(c0)", S_DATE, "2024-05-06", "739377"},
        {"yearweek(c0)", S_DATE, "2024-01-01", "202353"},
        {"to_seconds(c0)", S_DATETIME, "2009-11-29 13:43:32", "63426721412"},
        {"hour(c0)", S_TIME, "-100:20:30", "100"},
        {"time_to_sec(c0)", S_TIME, "-00:01:01", "-61"},
        {"microsecond(c0)", S_TIME2, "00:00:00.25", "250000"},
        {"extract(month from c0)", S_DATE, "2024-05-06", "5"},
        {"c0 + 1", S_BIGINT, "9223372036854775807", "?"},
        {"c0 - 5", S_UBIGINT, "3", "?"},
        {"c0", S_UBIGINT, "18446744073709551615", "18446744073709551615"},
        {"year(c0)", S_DATE, NULL, NULL},
        {"datediff(c0, c0)", S_DATE, "2024-05-06", "0"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *tab = hashed_table(&t[i].spec, 1, 2, t[i].expr);
        struct value v = t[i].value ? text_value(t[i].value) : value_null(), stored;
        const struct part *p;
        struct strbuf b;
        __int128 n = 0;
        enum part_eval r;

        finish(tab);
        p = part_of(tab);
        ck_assert(part_store_value(&p->columns[0], &v, &env, &arena, &stored));
        r = part_expr_eval(p->expr, p->columns, &stored, &env, &n);
        strbuf_init(&b, &arena);
        if (r == PART_EVAL_OK)
            part_put_i128(&b, n);
        else
            strbuf_puts(&b, r == PART_EVAL_NULL ? "NULL" : "?");
        ck_assert_msg(sv_eq_cstr(strbuf_sv(&b), t[i].want ? t[i].want : "NULL"), "%s of %s: %s",
            t[i].expr, t[i].value, strbuf_cstr(&b));
        cat_table_unref(tab);
    }
}
END_TEST

START_TEST(what_cannot_be_is_refused)
{
    static const struct {
        enum spec_id spec;
        enum cat_part_method method;
        const char *expr, *bounds;
        unsigned code;
    } t[] = {
        {S_FLOAT, CAT_PART_KEY, NULL, NULL, 1235},
        {S_INT, CAT_PART_HASH, "rand()", NULL, 1564},
        {S_INT, CAT_PART_HASH, "5 + 1", NULL, 1486},
        {S_GENERAL, CAT_PART_HASH, "c0", NULL, 1491},
        {S_DEC, CAT_PART_HASH, "c0", NULL, 1491},
        {S_INT, CAT_PART_HASH, "year(c0)", NULL, 1486},
        {S_TIMESTAMP, CAT_PART_HASH, "year(c0)", NULL, 1486},
        {S_TIMESTAMP6, CAT_PART_HASH, "unix_timestamp(c0)", NULL, 1486},
        {S_INT, CAT_PART_HASH, "c0 / 2", NULL, 1235},
        {S_INT, CAT_PART_HASH, "c0 +", NULL, 1235},
        {S_INT, CAT_PART_HASH, "nope", NULL, 1054},
        {S_INT, CAT_PART_HASH, "((c0)", NULL, 1235},
        {S_INT, CAT_PART_HASH, "c0 + 1.5", NULL, 1235},
        {S_INT, CAT_PART_RANGE, "c0", "10|10", 1493},
        {S_INT, CAT_PART_RANGE, "c0", "10|5", 1493},
        {S_INT, CAT_PART_RANGE, "c0", "x|y", 1697},
        {S_INT, CAT_PART_LIST, "c0", "1;2|2", 1495},
        {S_INT, CAT_PART_RANGE, NULL, "1.5|2", 1654},
        {S_TINYINT, CAT_PART_RANGE, NULL, "1|500", 1654},
        {S_GENERAL, CAT_PART_LIST, NULL, "a|A", 1495},
        {S_ENUM, CAT_PART_LIST, NULL, "red|blue", 1659},
    };
    struct cat_column c = {.name = SV("c"), .type = {.code = TYPE_JSON, .text = SV("json")}};
    struct diag d = {0};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *tab =
            t[i].bounds ? bounded_table(&t[i].spec, 1, t[i].method, t[i].expr, t[i].bounds)
                        : hashed_table(&t[i].spec, 1, 2, t[i].expr);

        diag_clear(&d);
        ck_assert_msg(!part_check(tab, &d) && d.code == t[i].code, "case %zu (%s): %u %s", i,
            t[i].expr, d.code, d.text);
        cat_table_unref(tab);
    }
    diag_clear(&d);
    ck_assert(!part_check_column(&c, &d) && d.code == 1659);
    c.type = (struct cat_type){.code = TYPE_STRING, .text = SV("uuid"), .coll_id = 45};
    diag_clear(&d);
    ck_assert(!part_check_column(&c, &d) && d.code == 1659);
    c.type = (struct cat_type){.code = TYPE_VAR_STRING,
        .text = SV("varchar(9)"),
        .collation = SV("utf8mb4_thai_520_w2"),
        .coll_id = 1};
    diag_clear(&d);
    ck_assert_msg(!part_check_column(&c, &d) && d.code == 1235, "%s", d.text);
}
END_TEST

START_TEST(functions_compare)
{
    static const enum spec_id i = S_INT, b = S_UBIGINT, dec = S_DEC, dbl = S_DOUBLE, s = S_GENERAL,
                              u = S_UNICODE;
    struct cat_table *t[] = {hashed_table(&i, 1, 4, NULL), hashed_table(&b, 1, 4, NULL),
        hashed_table(&dec, 1, 4, NULL), hashed_table(&dbl, 1, 4, NULL),
        hashed_table(&i, 1, 5, NULL), hashed_table(&s, 1, 4, NULL), hashed_table(&u, 1, 4, NULL),
        hashed_table(&i, 1, 4, "c0 + 1"), hashed_table(&b, 1, 4, "(`c0`+1)"),
        hashed_table(&i, 1, 4, "c0 + 2"), bounded_table(&i, 1, CAT_PART_RANGE, "c0", "1|2"),
        bounded_table(&b, 1, CAT_PART_RANGE, "c0", "1|2"),
        bounded_table(&i, 1, CAT_PART_RANGE, "c0", "1|3"),
        bounded_table(&dec, 1, CAT_PART_RANGE, NULL, "1|2"),
        bounded_table(&i, 1, CAT_PART_RANGE, NULL, "1|2"),
        bounded_table(&i, 1, CAT_PART_LIST, "c0", "1|2"),
        bounded_table(&i, 1, CAT_PART_LIST, "c0", "2|1")};
    static const char groups[] = "aaabcdeffghhijklm";

    for (size_t x = 0; x < ARRAY_LEN(t); x++) {
        for (size_t y = 0; y < ARRAY_LEN(t); y++)
            ck_assert_msg(
                part_same_function(part_of(t[x]), part_of(t[y])) == (groups[x] == groups[y]),
                "tables %zu and %zu", x, y);
    }
    for (size_t x = 0; x < ARRAY_LEN(t); x++)
        cat_table_unref(t[x]);
}
END_TEST

/* --- pruning by brute force --- */

struct shape {
    enum spec_id cols[2];
    uint32_t n;
    enum cat_part_method method;
    const char *expr, *bounds;
    uint32_t parts;
};

static const struct shape shapes[] = {
    {{S_INT}, 1, CAT_PART_KEY, NULL, NULL, 7},
    {{S_INT}, 1, CAT_PART_HASH, "c0 DIV 3", NULL, 5},
    {{S_INT, S_GENERAL}, 2, CAT_PART_KEY, NULL, NULL, 6},
    {{S_DEC}, 1, CAT_PART_KEY, NULL, NULL, 6},
    {{S_DATE}, 1, CAT_PART_HASH, "year(c0)", NULL, 6},
    {{S_DATE}, 1, CAT_PART_HASH, "month(c0)", NULL, 6},
    {{S_GENERAL}, 1, CAT_PART_KEY, NULL, NULL, 9},
    {{S_DOUBLE}, 1, CAT_PART_KEY, NULL, NULL, 9},
    {{S_INT}, 1, CAT_PART_RANGE, "c0", "-5|0|3|7|MAX", 5},
    {{S_INT}, 1, CAT_PART_RANGE, "-c0", "-5|0|3|7", 4},
    {{S_INT}, 1, CAT_PART_RANGE, "c0 * 2 - 1", "-5|0|3|7|MAX", 5},
    {{S_DATE}, 1, CAT_PART_RANGE, "to_days(c0)", "739251|739300|739400|MAX", 4},
    {{S_DATE}, 1, CAT_PART_RANGE, "year(c0)", "2023|2024|2025|MAX", 4},
    {{S_DATE}, 1, CAT_PART_RANGE, NULL, "2023-06-01|2024-01-01|2024-02-10|MAX", 4},
    {{S_INT, S_INT}, 2, CAT_PART_RANGE, NULL, "-3,4|0,0|0,5|2,MAX|4,-2|MAX,MAX", 6},
    {{S_INT, S_GENERAL}, 2, CAT_PART_RANGE, NULL, "0,c|0,x|3,a|3,m|MAX,b", 5},
    {{S_GENERAL}, 1, CAT_PART_RANGE, NULL, "b|f|m|MAX", 4},
    {{S_INT}, 1, CAT_PART_LIST, "c0", "1;2;3;NULL|-1;-2;0|7;8|DEFAULT", 4},
    {{S_INT}, 1, CAT_PART_LIST, "c0 + 1", "1;2;3;NULL|-1;-2;0|4;5;6;7;8", 3},
    {{S_INT, S_INT}, 2, CAT_PART_LIST, NULL, "0,0;1,1;2,2|0,1;1,0;NULL,NULL|3,NULL;NULL,3|DEFAULT",
        4},
    {{S_TINYINT}, 1, CAT_PART_KEY, NULL, NULL, 8},
    {{S_UBIGINT}, 1, CAT_PART_RANGE, "c0", "2|5|MAX", 3},
    {{S_DATETIME3}, 1, CAT_PART_RANGE, "to_seconds(c0)", "63871545600|63900000000|MAX", 3},
    {{S_ENUM}, 1, CAT_PART_KEY, NULL, NULL, 5},
    {{S_TIMESTAMP}, 1, CAT_PART_RANGE, "unix_timestamp(c0)", "1700000000|1710000000|MAX", 3},
};

static const char *const words[] = {
    "", "a", "B", "b ", "c", "m", "N", "x", "zz", "\xc3\xa4", "red", "BLUE", "green"};
static const char *const dates[] = {"2023-05-31", "2023-06-01", "2023-12-31", "2024-01-01",
    "2024-01-02", "2024-02-09", "2024-02-10", "2025-07-01"};

static struct value random_value(struct rng *r, enum spec_id spec)
{
    static char buf[16][40];
    static unsigned turn;
    char *b = buf[turn++ % 16];

    if (rng_below(r, 10) == 0)
        return value_null();
    switch (spec) {
    case S_DATE:
    case S_DATETIME3:
    case S_TIMESTAMP:
        if (spec != S_DATE && rng_below(r, 2)) {
            snprintf(b, 40, "%s %02u:00:00", dates[rng_below(r, ARRAY_LEN(dates))],
                (unsigned)rng_below(r, 24));
            return text_value(b);
        }
        return text_value(dates[rng_below(r, ARRAY_LEN(dates))]);
    case S_GENERAL:
        return text_value(words[rng_below(r, 10)]);
    case S_ENUM:
        return text_value(words[10 + rng_below(r, 3)]);
    default:
        break;
    }
    if (spec == S_UBIGINT)
        return value_u64(rng_below(r, 8));
    if (spec == S_DOUBLE || spec == S_DEC || rng_below(r, 8) == 0) {
        struct dec d;

        (void)dec_from_i64(0);
        d = dec_from_i128((int128)rng_below(r, 40) - 20, 1);
        return rng_below(r, 4) ? value_dec(d) : value_f64(dec_to_double(&d));
    }
    if (rng_below(r, 30) == 0)
        return value_i64((int64_t)rng_below(r, 2000000) - 1000000);
    if (rng_below(r, 30) == 0)
        return text_value("3x");
    return value_i64((int64_t)rng_below(r, 21) - 10);
}

/* Truth of column (stored value s) op v: -1 unknown. The plain evaluator that pruning is held
 * against. */
static int plain_cmp(
    const struct part_column *c, const struct value *s, enum prune_op op, const struct value *v)
{
    struct sql_type vt = value_type(v);
    struct value x = *s;
    int r;

    if (value_is_null(s) || value_is_null(v))
        return op == PRUNE_NULLSAFE_EQ ? value_is_null(s) && value_is_null(v) : -1;
    if (c->cls == PART_MEMBER && x.kind == KIND_U64) /* compares by its name */
        x = value_str(c->column->type.members[x.u - 1], c->type.coll);
    r = value_compare(&x, v, value_cmp_rule(&c->type, &vt, false, true), c->type.coll, &env);
    switch (op) {
    case PRUNE_EQ:
    case PRUNE_NULLSAFE_EQ:
        return r == 0;
    case PRUNE_LT:
        return r < 0;
    case PRUNE_LE:
        return r <= 0;
    case PRUNE_GT:
        return r > 0;
    case PRUNE_GE:
        return r >= 0;
    }
    return -1;
}

static int plain_tuple(const struct part *p, const struct prune_cond *c, const struct value *row)
{
    /* (a, b) op (x, y) as a op' x OR (a = x AND b op y), with SQL's three values. */
    bool less = c->op == PRUNE_LT || c->op == PRUNE_LE;

    for (uint32_t i = 0; i < c->columns_n; i++) {
        uint32_t col = c->columns[i];
        bool last = i + 1 == c->columns_n;
        int eq, t = plain_cmp(&p->columns[col], &row[col],
                    last   ? c->op
                    : less ? PRUNE_LT
                           : PRUNE_GT,
                    &c->values[i]);

        if (last || t == 1)
            return t;
        eq = plain_cmp(&p->columns[col], &row[col], PRUNE_EQ, &c->values[i]);
        if (eq != 1)
            return eq;
    }
    return 0;
}

static int plain_eval(const struct part *p, const struct prune_cond *c, const struct value *row)
{
    int out;

    switch (c->kind) {
    case PRUNE_TRUE:
        return 1;
    case PRUNE_FALSE:
        return 0;
    case PRUNE_AND:
    case PRUNE_OR:
        out = c->kind == PRUNE_AND;
        for (uint32_t i = 0; i < c->args_n; i++) {
            int t = plain_eval(p, c->args[i], row);

            if (c->kind == PRUNE_AND)
                out = out == 0 || t == 0 ? 0 : out == -1 || t == -1 ? -1 : 1;
            else
                out = out == 1 || t == 1 ? 1 : out == -1 || t == -1 ? -1 : 0;
        }
        return out;
    case PRUNE_CMP:
        return plain_cmp(&p->columns[c->col], &row[c->col], c->op, &c->values[0]);
    case PRUNE_IN:
        out = 0;
        for (uint32_t i = 0; i < c->values_n; i++) {
            int t = plain_cmp(&p->columns[c->col], &row[c->col], PRUNE_EQ, &c->values[i]);

            out = out == 1 || t == 1 ? 1 : out == -1 || t == -1 ? -1 : 0;
        }
        return out;
    case PRUNE_IS_NULL:
        return value_is_null(&row[c->col]);
    case PRUNE_NOT_NULL:
        return !value_is_null(&row[c->col]);
    case PRUNE_TUPLE_IN:
        for (uint32_t k = 0; k < c->values_n; k += c->columns_n) {
            bool all = true;

            for (uint32_t i = 0; i < c->columns_n; i++)
                all = all && plain_cmp(&p->columns[c->columns[i]], &row[c->columns[i]], PRUNE_EQ,
                                 &c->values[k + i]) == 1;
            if (all)
                return 1;
        }
        return 0;
    case PRUNE_TUPLE_CMP:
        return plain_tuple(p, c, row);
    }
    return 1;
}

static const struct prune_cond *random_cond(struct rng *r, const struct shape *s, unsigned depth)
{
    struct prune_cond *c = ARENA_NEW(&arena, struct prune_cond);
    uint64_t what = rng_below(r, depth < 3 ? 10 : 7);
    struct value *v = ARENA_NEW_N(&arena, struct value, 16);
    uint32_t *cols = ARENA_NEW_N(&arena, uint32_t, 2);

    c->col = (uint32_t)rng_below(r, s->n);
    c->values = v;
    c->op = (enum prune_op)rng_below(r, 6);
    for (int i = 0; i < 16; i++)
        v[i] = random_value(r, s->cols[c->col]);
    if (what >= 7) {
        const struct prune_cond **args = ARENA_NEW_N(&arena, const struct prune_cond *, 4);

        c->kind = rng_below(r, 2) ? PRUNE_AND : PRUNE_OR;
        c->args_n = 1 + (uint32_t)rng_below(r, 3);
        for (uint32_t i = 0; i < c->args_n; i++)
            args[i] = random_cond(r, s, depth + 1);
        c->args = args;
    } else if (what == 6) {
        c->kind = rng_below(r, 3) ? PRUNE_IS_NULL : PRUNE_NOT_NULL;
    } else if (what == 5) {
        c->kind = PRUNE_IN;
        c->values_n = 1 + (uint32_t)rng_below(r, 4);
    } else if (what == 4 && s->n == 2) {
        c->kind = rng_below(r, 2) ? PRUNE_TUPLE_IN : PRUNE_TUPLE_CMP;
        cols[0] = (uint32_t)rng_below(r, 2);
        cols[1] = 1 - cols[0];
        c->columns = cols;
        c->columns_n = 2;
        c->values_n = c->kind == PRUNE_TUPLE_IN ? 4 : 2;
        c->op = (enum prune_op)(PRUNE_LT + rng_below(r, 4));
        for (uint32_t i = 0; i < c->values_n; i++)
            v[i] = random_value(r, s->cols[cols[i % 2]]);
    } else {
        c->kind = PRUNE_CMP;
        c->values_n = 1;
    }
    return c;
}

static struct cat_table *shape_table(const struct shape *s)
{
    return s->bounds ? bounded_table(s->cols, s->n, s->method, s->expr, s->bounds)
                     : hashed_table(s->cols, s->n, s->parts, s->expr);
}

enum { PROP_ROWS = 120, PROP_CONDS = 400 };

static void prune_shape(const struct shape *s, size_t number, uint64_t seed, uint64_t *pruned)
{
    static struct value rows[PROP_ROWS][2];
    static uint32_t where[PROP_ROWS];
    struct cat_table *t = shape_table(s);
    const struct part *p;
    struct rng r;
    unsigned n = 0;

    finish(t);
    p = part_of(t);
    rng_seed(&r, seed);
    for (int tries = 0; n < PROP_ROWS && tries < 2000; tries++) {
        bool ok = true;

        for (uint32_t k = 0; ok && k < s->n; k++) {
            struct value v = random_value(&r, s->cols[k]);

            ok = part_store_value(&p->columns[k], &v, &env, &arena, &rows[n][k]);
            if (ok)
                rows[n][k] = value_dup(&rows[n][k], &arena);
        }
        if (ok && part_route_stored(p, rows[n], &env, &arena, &where[n], NULL) == PART_OK)
            n++;
    }
    ck_assert_msg(n > 50, "shape %zu: too few rows", number);
    for (int i = 0; i < PROP_CONDS; i++) {
        const struct prune_cond *c = random_cond(&r, s, 0);
        struct partset set;
        uint32_t one;

        prune(p, c, &env, &arena, &set);
        for (unsigned k = 0; k < n; k++)
            ck_assert_msg(plain_eval(p, c, rows[k]) != 1 || partset_has(&set, where[k]),
                "shape %zu, condition %d, row %u in partition %u", number, i, k, where[k]);
        *pruned += partset_count(&set) < p->n;
        if (c->kind == PRUNE_CMP && c->op == PRUNE_EQ &&
            prune_point(p, &c->values[0], &env, &arena, &one)) {
            for (unsigned k = 0; k < n; k++)
                ck_assert_msg(
                    plain_eval(p, c, rows[k]) != 1 || where[k] == one, "shape %zu: point", number);
        }
    }
    cat_table_unref(t);
}

START_TEST(pruning_never_loses_a_row)
{
    uint64_t pruned = 0;

    for (uint64_t seed = 1; seed <= 5; seed++)
        prune_shape(&shapes[_i], (size_t)_i, seed, &pruned);
    ck_assert_msg(pruned > 300, "shape %d: only %llu of %d conditions pruned anything", _i,
        (unsigned long long)pruned, 5 * PROP_CONDS);
}
END_TEST

START_TEST(pruning_is_tight)
{
    static const struct {
        int shape;
        enum prune_op op;
        int64_t v, v2; /* v2: with AND <= v2, where >= v */
        const char *want;
    } t[] = {
        {8, PRUNE_EQ, 3, 0, "3"},
        {8, PRUNE_LT, 0, 0, "0,1"},
        {8, PRUNE_GE, 7, 0, "4"},
        {8, PRUNE_GE, 0, 6, "2,3"},
        {9, PRUNE_GE, 0, 0, "0,1,2"},
        {17, PRUNE_EQ, 7, 0, "2"},
        {17, PRUNE_EQ, 99, 0, "3"},
        {18, PRUNE_EQ, 3, 0, "2"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct cat_table *tab = shape_table(&shapes[t[i].shape]);
        struct value v[2] = {value_i64(t[i].v), value_i64(t[i].v2)};
        struct prune_cond a = {.kind = PRUNE_CMP, .op = t[i].op, .values = &v[0], .values_n = 1};
        struct prune_cond b = {.kind = PRUNE_CMP, .op = PRUNE_LE, .values = &v[1], .values_n = 1};
        const struct prune_cond *args[] = {&a, &b};
        struct prune_cond both = {.kind = PRUNE_AND, .args = args, .args_n = t[i].v2 ? 2 : 1};
        struct partset set;
        struct strbuf s;

        strbuf_init(&s, &arena);
        prune(part_of(tab), &both, &env, &arena, &set);
        for (uint32_t k = partset_next(&set, 0); k < set.n; k = partset_next(&set, k + 1))
            strbuf_printf(&s, "%s%u", s.len ? "," : "", k);
        ck_assert_msg(sv_eq_cstr(strbuf_sv(&s), t[i].want), "case %zu: %s", i, strbuf_cstr(&s));
        cat_table_unref(tab);
    }
}
END_TEST

START_TEST(local_times_that_happen_twice)
{
    static const enum spec_id ts = S_TIMESTAMP;
    struct cat_table *t = hashed_table(&ts, 1, 16, NULL);
    struct value plain = text_value("2024-06-15 12:00:00"),
                 twice = text_value("2024-10-27 02:30:00");
    uint32_t a, b;

    finish(t);
    ck_assert(part_route_row(part_of(t), &plain, &env, &arena, &a, NULL) == PART_OK);
    env.tz = tz_load(&arena, SV("+02:00"));
    plain = text_value("2024-06-15 14:00:00");
    ck_assert(part_route_row(part_of(t), &plain, &env, &arena, &b, NULL) == PART_OK && a == b);
    env.tz = tz_load(&arena, SV("Europe/Berlin"));
    if (env.tz) { /* no zoneinfo on this machine otherwise */
        ck_assert(part_route_row(part_of(t), &plain, &env, &arena, &b, NULL) == PART_OK && a == b);
        ck_assert(part_route_row(part_of(t), &twice, &env, &arena, &b, NULL) == PART_UNSURE);
    }
    cat_table_unref(t);
}
END_TEST

START_TEST(sets_of_partitions)
{
    static const uint32_t sizes[] = {1, 63, 64, 65, 200};

    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        struct partset a, b;
        uint32_t n = sizes[i];

        partset_init(&a, n, &arena);
        partset_init(&b, n, &arena);
        ck_assert(partset_count(&a) == 0 && partset_next(&a, 0) == n);
        partset_add(&a, n - 1);
        ck_assert(partset_next(&a, 0) == n - 1 && partset_has(&a, n - 1) && !partset_has(&a, n));
        partset_add_all(&b);
        ck_assert_uint_eq(partset_count(&b), n);
        partset_and(&b, &a);
        ck_assert_uint_eq(partset_count(&b), 1);
        partset_or(&b, &a);
        ck_assert_uint_eq(partset_count(&b), 1);
    }
}
END_TEST

START_TEST(places_and_shards)
{
    static const enum spec_id i = S_INT;
    struct cat_table *t = hashed_table(&i, 1, 6, NULL), *u = hashed_table(&i, 1, 6, NULL);
    struct cat_builder b;
    struct cat_db db = {.id = 1, .name = SV("d")};
    struct cat_snapshot *s;
    struct diag d = {0};
    struct placeset places;
    struct partset set;
    uint32_t ids[6];

    t->group_id = 9;
    u->id = 2;
    finish(t);
    cat_builder_begin(&b, NULL);
    for (uint32_t k = 1; k <= 4; k++)
        cat_builder_put_shard(&b, &(struct cat_shard){.id = k,
                                      .name = arena_printf(&arena, "s%u", k),
                                      .host = SV("h"),
                                      .state = k == 2 ? CAT_SHARD_DRAINING : CAT_SHARD_ACTIVE});
    cat_builder_put_db(&b, &db);
    cat_builder_put_table(&b, t);
    s = cat_builder_finish(&b, 1, &d);
    ck_assert_msg(s, "%s", d.text);
    ck_assert_ptr_eq(router_find_group(s, u), t);
    ck_assert(router_choose_shards(s, t, 6, ids) && ids[1] == 2);
    ck_assert(router_choose_shards(s, NULL, 6, ids));
    ck_assert(ids[0] == 4 && ids[1] == 1 && ids[2] == 3 &&
              ids[3] == 4); /* the emptiest first, never the draining one */
    ck_assert_uint_eq(router_choose_single(s, &db), 4);
    db.home_shard = 3;
    ck_assert_uint_eq(router_choose_single(s, &db), 3);
    ck_assert_uint_eq(router_any_shard(s, 3, 0), 3);
    ck_assert_uint_ne(router_any_shard(s, 2, 7), 2);
    partset_init(&set, 6, &arena);
    partset_add(&set, 4);
    placeset_of_parts(&places, t, &set, &arena);
    ck_assert(places.n == 1 && places.items[0].partition == 4 && places.items[0].shard_id == 2);
    partset_add(&set, 5);
    placeset_of_parts(&places, t, &set, &arena);
    ck_assert(places.n == 2 && places.items[1].shard_id == 3);
    placeset_all_shards(&places, s, &arena);
    ck_assert_uint_eq(places.n, 4);
    cat_snapshot_unref(s);
    cat_table_unref(t);
    cat_table_unref(u);
}
END_TEST

/* --- against live servers --- */

static const char *const samples[S_COUNT][14] = {
    [S_INT] = {"0", "1", "-1", "2147483647", "-2147483648", "42"},
    [S_BIGINT] = {"0", "-9223372036854775808", "9223372036854775807", "123456789012"},
    [S_UBIGINT] = {"0", "18446744073709551615", "9223372036854775808"},
    [S_TINYINT] = {"-128", "127", "0"},
    [S_DEC] = {"0", "1.5", "-1.5", "100", "0.0001", "-0.0100", "12345678.9000", "10", "-0"},
    [S_DEC0] = {"0", "100", "123456789012345678901234567890", "-5000"},
    [S_DOUBLE] = {"0", "1.5", "-1.5", "1e14", "999999999999999", "1e15", "1e300", "-0.0", "-1e-300",
        "3"},
    [S_DATE] = {"2024-02-29", "1000-01-01", "9999-12-31", "0000-00-00", "2024-00-00"},
    [S_DATETIME] = {"2024-02-29 01:02:03", "1000-01-01 00:00:00", "9999-12-31 23:59:59",
        "0000-00-00 00:00:00"},
    [S_DATETIME3] = {"2024-02-29 01:02:03.500", "2024-02-29 01:02:03", "2024-02-29 01:02:03.007",
        "1000-01-01 00:00:00.100"},
    [S_TIME] = {"00:00:00", "01:02:03", "-01:02:03", "838:59:59", "-838:59:59"},
    [S_TIME2] = {"00:00:00.50", "-00:00:00.50", "01:02:03.04", "10:00:00"},
    [S_TIMESTAMP] = {"2024-02-29 01:02:03", "1970-01-01 00:00:01", "2038-01-19 03:14:07",
        "0000-00-00 00:00:00"},
    [S_TIMESTAMP6] = {"2024-02-29 01:02:03.000001", "2024-02-29 01:02:03.5", "2024-02-29 01:02:03"},
    [S_YEAR] = {"2024", "1901", "0000", "2155"},
    [S_BIT] = {"0", "1", "4095", "1000"},
    [S_GENERAL] = {"", "a", "A", "a ", "abc", "\xc3\xa4\xc3\x9f", "\xf0\x9f\x98\x80", "a\tb",
        "x' \"\\", "\xe4\xb8\xad\xe6\x96\x87", " "},
    [S_BIN] = {"", "a", "A", "a ", "\xc3\xa4\xc3\x9f", "\xf0\x9f\x98\x80", "\xe4\xb8\xad"},
    [S_LATIN1] = {"", "a", "A", "a ", "\xc3\xa4\xc3\x9f", "\xc3\x9c", "z", "\xe2\x82\xac"},
    [S_UNICODE] = {"", "a", "A", "a ", "\xc3\xa4\xc3\x9f", "\xf0\x9f\x98\x80", "a\tb",
        "\xe4\xb8\xad\xe6\x96\x87", "a\xc2\xa0", "-"},
    [S_0900] = {"", "a", "A", "a ", "\xc3\xa4\xc3\x9f", "\xf0\x9f\x98\x80", "a\tb",
        "\xe4\xb8\xad\xe6\x96\x87", "o\xcc\x88", "\xea\xb0\x80"},
    [S_CHAR] = {"", "a", "A  ", "abc", "\xc3\xa4"},
    [S_BINARY] = {"", "a", "abcdef", "a "},
    [S_VARBINARY] = {"", "a", "a ", "\xff\x01z"},
    [S_ENUM] = {"red", "Green", "blue"},
    [S_SET] = {"", "a", "a,b", "a,b,c", "c"},
};

static struct mconn *conn;

static void live_exec(const char *sql)
{
    struct diag d = {0};

    ck_assert_msg(mconn_exec(conn, sv_cstr(sql), &d), "%s: %s", sql, d.text);
}

/* Every sample in one column: Tessera's hash of what was inserted, and of the cell that comes back,
 * against the server's. */
static void live_hash(enum spec_id spec)
{
    struct cat_table *t = hashed_table(&spec, 1, 4, NULL);
    const struct part *p = part_of(t);
    struct diag d = {0};
    struct mresult r;
    struct strbuf b;
    uint32_t hash;

    finish(t);
    live_exec("DROP TABLE IF EXISTS tessera_router_test.t");
    ck_assert_msg(
        mconn_execf(conn, &d,
            "CREATE TABLE tessera_router_test.t (i INT AUTO_INCREMENT PRIMARY KEY, c0 %s)",
            specs[spec].sql),
        "%s", d.text);
    live_exec("INSERT INTO tessera_router_test.t (c0) VALUES (NULL)");
    for (size_t i = 0; i < ARRAY_LEN(samples[spec]) && samples[spec][i]; i++) {
        struct sv v = sv_cstr(samples[spec][i]);

        if (spec == S_BIT || spec == S_DOUBLE || spec == S_FLOAT)
            ck_assert_msg(
                mconn_execf(conn, &d, "INSERT INTO tessera_router_test.t (c0) VALUES (%S)", &v),
                "%s: %s", v.ptr, d.text);
        else
            ck_assert_msg(
                mconn_execf(conn, &d, "INSERT INTO tessera_router_test.t (c0) VALUES (%s%Q)",
                    spec == S_VARBINARY ? "_binary" : "", &v),
                "%s: %s", v.ptr, d.text);
    }
    strbuf_init(&b, &arena);
    strbuf_puts(&b, "SELECT ");
    strbuf_puts(&b, spec == S_BIT ? "`t`.c0 + 0, " : "`t`.c0, ");
    part_hash_sql(p, SV("t"), &b);
    for (uint32_t i = 0; i < p->n; i++) {
        strbuf_puts(&b, ", ");
        part_filter_sql(p, i, SV(""), &b);
    }
    strbuf_puts(&b, " FROM tessera_router_test.t AS t ORDER BY i");
    ck_assert_msg(
        mconn_query(conn, strbuf_sv(&b), &arena, &r, &d), "%s: %s", strbuf_cstr(&b), d.text);
    for (uint32_t i = 0; i < r.rows; i++) {
        const char *text = i ? samples[spec][i - 1] : NULL;
        struct sv cell = mresult_cell(&r, i, 0);
        struct value given = text ? text_value(text) : value_null(), stored;

        if (spec == S_BIT && text)
            given = value_u64((uint64_t)strtoull(text, NULL, 10));
        ck_assert_msg(part_store_value(&p->columns[0], &given, &env, &arena, &stored) &&
                          part_hash_values(p, &stored, &env, &arena, &hash),
            "%s '%s': unsure", specs[spec].sql, text);
        ck_assert_msg(hash == mresult_u64(&r, i, 1), "%s '%s': %u here, %llu on the server",
            specs[spec].sql, text, hash, (unsigned long long)mresult_u64(&r, i, 1));
        for (uint32_t k = 0; k < p->n; k++)
            ck_assert_msg(mresult_u64(&r, i, 2 + k) == (part_of_hash(p, hash) == k),
                "%s '%s': filter %u", specs[spec].sql, text, k);
        if (spec == S_BIT)
            continue;
        ck_assert(value_from_text(cell, &p->columns[0].type, &stored));
        ck_assert_msg(
            part_hash_values(p, &stored, &env, &arena, &hash) && hash == mresult_u64(&r, i, 1),
            "%s: cell '%.*s'", specs[spec].sql, SV_ARG(cell));
    }
    cat_table_unref(t);
}

/* Two columns, and random rows of every shape: filters agree with routing. */
static void live_shape(const struct shape *s, size_t number)
{
    struct cat_table *t = shape_table(s);
    const struct part *p = part_of(t);
    struct diag d = {0};
    struct mresult r;
    struct strbuf b;
    struct rng g;
    uint32_t where[60], n = 0;

    finish(t);
    rng_seed(&g, number);
    live_exec("DROP TABLE IF EXISTS tessera_router_test.t");
    ck_assert_msg(mconn_execf(conn, &d,
                      "CREATE TABLE tessera_router_test.t (i INT PRIMARY KEY, c0 %s, c1 %s)",
                      specs[s->cols[0]].sql, s->n > 1 ? specs[s->cols[1]].sql : "INT"),
        "%s", d.text);
    for (int tries = 0; tries < 300 && n < ARRAY_LEN(where); tries++) {
        struct value v[2], stored[2];
        struct sv text[2] = {SV("NULL"), SV("NULL")};
        bool ok = true;

        for (uint32_t k = 0; ok && k < s->n; k++) {
            v[k] = random_value(&g, s->cols[k]);
            ok = part_store_value(&p->columns[k], &v[k], &env, &arena, &stored[k]);
            strbuf_init(&b, &arena);
            value_print_sql(&v[k], false, &b);
            text[k] = strbuf_sv(&b);
        }
        if (!ok || part_route_row(p, v, &env, &arena, &where[n], NULL) != PART_OK)
            continue;
        if (mconn_execf(conn, &d, "INSERT INTO tessera_router_test.t VALUES (%u, %S, %S)", n,
                &text[0], &text[1]))
            n++;
        diag_clear(&d); /* what a strict server refuses is not in the table */
    }
    strbuf_init(&b, &arena);
    strbuf_puts(&b, "SELECT i");
    for (uint32_t i = 0; i < p->n; i++) {
        strbuf_puts(&b, ", (");
        part_filter_sql(p, i, SV(""), &b);
        strbuf_puts(&b, ")");
    }
    strbuf_puts(&b, " FROM tessera_router_test.t ORDER BY i");
    ck_assert_msg(
        mconn_query(conn, strbuf_sv(&b), &arena, &r, &d), "%s: %s", strbuf_cstr(&b), d.text);
    ck_assert_uint_eq(r.rows, n);
    for (uint32_t i = 0; i < n; i++) {
        for (uint32_t k = 0; k < p->n; k++)
            ck_assert_msg(sv_eq(mresult_cell(&r, i, 1 + k), where[i] == k ? SV("1") : SV("0")),
                "shape %zu row %u: partition %u here, filter %u is '%.*s' on the server", number, i,
                where[i], k, SV_ARG(mresult_cell(&r, i, 1 + k)));
    }
    cat_table_unref(t);
}

/* Text of every kind: each sample alone and behind a letter. */
static size_t text_samples(struct sv *out, size_t max)
{
    static const uint32_t points[] = {0x20, 0x21, 0x27, 0x2d, 0x30, 0x41, 0x5a, 0x5f, 0x61, 0x7a,
        0x7e, 0xa0, 0xad, 0xb5, 0xc0, 0xc6, 0xdf, 0xe9, 0xf1, 0xff, 0x131, 0x149, 0x17f, 0x1c4,
        0x250, 0x300, 0x308, 0x391, 0x3c2, 0x410, 0x44f, 0x5d0, 0x627, 0x64b, 0x905, 0xe01, 0x1100,
        0x1e9e, 0x1ea0, 0x2003, 0x200d, 0x20ac, 0x2126, 0x2160, 0x3042, 0x30a2, 0x30fc, 0x3400,
        0x4e2d, 0x9fa5, 0xac00, 0xd7a3, 0xf900, 0xfb01, 0xff21, 0x10400, 0x1d400, 0x1f600, 0x20000,
        0x2f800};
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(points) && n + 2 <= max; i++) {
        char buf[4];
        struct sv c = sv_make(buf, coll_encode_utf8(points[i], buf));

        out[n++] = arena_dup(&arena, c);
        out[n++] = arena_printf(&arena, "K%.*s ", SV_ARG(c));
    }
    return n;
}

/* One collation that both sides know: a column of it, all samples. */
static void live_collation(const struct collation *c)
{
    enum spec_id spec = S_GENERAL;
    struct cat_table *t = hashed_table(&spec, 1, 4, NULL);
    struct cat_type *type = &((struct cat_column *)(uintptr_t)t->columns)[0].type;
    struct sv text[160];
    size_t n = text_samples(text, ARRAY_LEN(text));
    const struct part *p;
    struct diag d = {0};
    struct mresult r;
    struct strbuf b;

    type->collation = sv_cstr(c->name);
    type->coll_id = c->id;
    finish(t);
    p = part_of(t);
    live_exec("DROP TABLE IF EXISTS tessera_router_test.t");
    if (!mconn_execf(conn, &d,
            "CREATE TABLE tessera_router_test.t (i INT PRIMARY KEY, c0 VARCHAR(40) CHARACTER SET "
            "%s COLLATE %s)",
            c->charset_name, c->name)) {
        cat_table_unref(t); /* not on this server */
        return;
    }
    for (size_t i = 0; i < n; i++) {
        struct diag ignored = {0};

        if (!mconn_execf(conn, &ignored, "INSERT INTO tessera_router_test.t VALUES (%u, %Q)",
                (unsigned)i, &text[i]))
            continue; /* not in this character set */
    }
    strbuf_init(&b, &arena);
    strbuf_puts(&b, "SELECT i, c0, ");
    part_hash_sql(p, SV(""), &b);
    strbuf_puts(&b, " FROM tessera_router_test.t ORDER BY i");
    ck_assert_msg(
        mconn_query(conn, strbuf_sv(&b), &arena, &r, &d), "%s: %s", strbuf_cstr(&b), d.text);
    ck_assert_uint_gt(r.rows, 10);
    for (uint32_t i = 0; i < r.rows; i++) {
        struct value v = value_str(text[mresult_u64(&r, i, 0)], 45), stored;
        uint32_t hash;

        ck_assert(part_store_value(&p->columns[0], &v, &env, &arena, &stored) &&
                  part_hash_values(p, &stored, &env, &arena, &hash));
        ck_assert_msg(hash == mresult_u64(&r, i, 2), "%s: '%.*s' (sample %llu)", c->name,
            SV_ARG(mresult_cell(&r, i, 1)), (unsigned long long)mresult_u64(&r, i, 0));
    }
    cat_table_unref(t);
}

START_TEST(live_servers_agree)
{
    size_t colls_n;
    const struct collation *colls = coll_all(&colls_n);
    const char *at = getenv("TESSERA_TEST_SERVERS");
    char host[256];
    unsigned port;
    int used;

    for (; at && sscanf(at, " %200[^: ]:%5u%n", host, &port, &used) == 2; at += used) {
        struct mconn_params p = {.host = sv_cstr(host),
            .port = (uint16_t)port,
            .user = SV("root"),
            .what = SV("test server")};
        struct diag d = {0};

        ck_assert_msg(mconn_open(&p, &conn, &d), "%s", d.text);
        live_exec("CREATE DATABASE IF NOT EXISTS tessera_router_test CHARACTER SET utf8mb4 COLLATE "
                  "utf8mb4_general_ci");
        live_exec("SET sql_mode = ''"); /* zero dates */
        env.sql_mode = 0;
        for (int s = 0; s < S_COUNT; s++) {
            if (s != S_FLOAT && (s != S_0900 || !mconn_is_mariadb(conn)))
                live_hash((enum spec_id)s);
        }
        live_exec("SET sql_mode = 'STRICT_ALL_TABLES'");
        for (size_t i = 0; i < colls_n; i++) {
            if (coll_is_native(&colls[i]) && colls[i].charset != CS_BINARY &&
                (mconn_is_mariadb(conn) ? colls[i].in_mariadb : colls[i].in_mysql))
                live_collation(&colls[i]);
        }
        env.sql_mode = MODE_STRICT_ALL_TABLES;
        for (size_t s = 0; s < ARRAY_LEN(shapes); s++)
            live_shape(&shapes[s], s);
        live_exec("DROP DATABASE tessera_router_test");
        mconn_close(conn);
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("router");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    CHECK(mconn_library_begin());
    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_set_timeout(tc, 120);
    tcase_add_test(tc, hash_arithmetic);
    tcase_add_test(tc, hash_vectors);
    tcase_add_test(tc, equal_values_meet);
    tcase_add_test(tc, bounds_are_mysqls);
    tcase_add_test(tc, expressions_evaluate);
    tcase_add_test(tc, what_cannot_be_is_refused);
    tcase_add_test(tc, functions_compare);
    tcase_add_loop_test(tc, pruning_never_loses_a_row, 0, (int)ARRAY_LEN(shapes));
    tcase_add_test(tc, pruning_is_tight);
    tcase_add_test(tc, local_times_that_happen_twice);
    tcase_add_test(tc, sets_of_partitions);
    tcase_add_test(tc, places_and_shards);
    tcase_add_test(tc, live_servers_agree);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    mconn_library_end();
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
