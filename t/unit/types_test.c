/* Values below expressions: decimals, doubles and times as text, protocols, stores and comparisons with columns, collations,
 * vectors and sort keys. Expectations that servers decide were asked from MySQL 9.7 and MariaDB 10.11. */
#include "types/agg.h"
#include "types/cast.h"
#include "types/coll.h"
#include "types/num.h"
#include "types/sortkey.h"
#include "util/strbuf.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>

static struct arena a;
static struct env env;

static void setup(void)
{
    arena_init(&a, 0);
    env_init(&env, ENV_MYSQL8);
    env.sql_mode |= MODE_NO_ZERO_DATE | MODE_NO_ZERO_IN_DATE;
}

static void teardown(void)
{
    arena_free(&a);
}

static const char *text_of(const struct value *v, const struct sql_type *t)
{
    struct strbuf b;

    if (v->kind == KIND_NULL)
        return "NULL";
    strbuf_init(&b, &a);
    value_print(v, t, &b);
    return strbuf_cstr(&b);
}

static uint32_t rnd_state = 1;

static uint32_t rnd(uint32_t n)
{
    rnd_state = rnd_state * 1664525u + 1013904223u;
    return (rnd_state >> 8) % n;
}

/* ---- decimals ---- */

static struct dec dec(const char *s)
{
    struct dec d;
    size_t used;

    ck_assert_msg(dec_parse(sv_cstr(s), &d, &used) != DEC_BAD && used == strlen(s), "%s", s);
    return d;
}

static const char *dec_text(const struct dec *d)
{
    char buf[DEC_TEXT_MAX + 40];

    return arena_dup(&a, (struct sv){buf, dec_print(d, buf)}).ptr;
}

static const struct {
    const char *x, *op, *y, *want;
} dec_ops[] = {
    {"1", "+", "2", "3"},
    {"0.1", "+", "0.22", "0.32"},
    {"-0.5", "+", "0.5", "0.0"},
    {"99999999999999999999999999999999999999", "+", "1", "100000000000000000000000000000000000000"},
    {"1", "-", "0.000000000000000000000000000001", "0.999999999999999999999999999999"},
    {"1.50", "*", "2.5", "3.750"},
    {"-3", "*", "0", "0"},
    {"123456789012345678901234567890", "*", "987654321098765432109876543210",
        "121932631137021795226185032733622923332237463801111263526900"},
    {"1", "/", "3", "0.333333333"},
    {"1.00", "/", "3.000", "0.333333333333333333"},
    {"10", "/", "2", "5.000000000"},
    {"-7", "/", "2", "-3.500000000"},
    {"100000000000000000000000000000000000000000000000000", "/", "7", "14285714285714285714285714285714285714285714285714.285714285"},
    {"7.5", "%", "2", "1.5"},
    {"-7.5", "%", "2", "-1.5"},
    {"5", "%", "0.3", "0.2"},
};

START_TEST(decimal_operations)
{
    struct dec x = dec(dec_ops[_i].x), y = dec(dec_ops[_i].y), r;

    switch (dec_ops[_i].op[0]) {
    case '+': ck_assert_int_eq(dec_add(&x, &y, &r), DEC_OK); break;
    case '-': ck_assert_int_eq(dec_sub(&x, &y, &r), DEC_OK); break;
    case '*': ck_assert_int_eq(dec_mul(&x, &y, &r), DEC_OK); break;
    case '/': ck_assert_int_eq(dec_div(&x, &y, 4, &r), DEC_OK); break;
    case '%': ck_assert_int_eq(dec_mod(&x, &y, &r), DEC_OK); break;
    }
    ck_assert_str_eq(dec_text(&r), dec_ops[_i].want);
}
END_TEST

static struct dec random_dec(void)
{
    char buf[80];
    unsigned n = 1 + rnd(rnd(2) ? 12 : 60), scale = rnd(MIN(n, 30u) + 1);
    size_t at = 0;

    if (rnd(2))
        buf[at++] = '-';
    for (unsigned i = 0; i < n; i++) {
        if (i == n - scale)
            buf[at++] = '.';
        buf[at++] = (char)('0' + (rnd(4) ? rnd(10) : rnd(2) * 9));
    }
    if (buf[at - 1] == '.')
        at--;
    buf[at] = '\0';
    return dec(buf[0] == '.' || (buf[0] == '-' && buf[1] == '.') ? "0.5" : buf);
}

/* Laws that hold whatever the digits: they reach all branches of long division and rounding. */
START_TEST(decimal_laws)
{
    for (int i = 0; i < 20000; i++) {
        struct dec x = random_dec(), y = random_dec(), s, d, q, m, t;
        size_t used;

        if (dec_add(&x, &y, &s) == DEC_OK) {
            ck_assert_int_eq(dec_sub(&s, &y, &d), DEC_OK);
            ck_assert_msg(dec_cmp(&d, &x) == 0, "%s + %s", dec_text(&x), dec_text(&y));
        }
        if (!dec_is_zero(&y) && dec_mod(&x, &y, &m) == DEC_OK) {
            /* x - m is a multiple of y; |m| < |y| */
            struct dec am = m, ay = y;

            am.neg = ay.neg = false;
            ck_assert_int_lt(dec_cmp(&am, &ay), 0);
            if (dec_sub(&x, &m, &d) == DEC_OK && dec_div(&d, &y, 0, &q) == DEC_OK) {
                struct dec w = q;

                (void)dec_rescale(&w, 0, DEC_TRUNCATE);
                ck_assert_msg(dec_cmp(&w, &q) == 0, "%s %% %s", dec_text(&x), dec_text(&y));
                if (dec_mul(&w, &y, &t) == DEC_OK)
                    ck_assert_msg(dec_cmp(&t, &d) == 0, "%s %% %s", dec_text(&x), dec_text(&y));
            }
        }
        ck_assert(dec_parse(sv_cstr(dec_text(&x)), &t, &used) == DEC_OK);
        ck_assert_int_eq(dec_cmp(&t, &x), 0);
        {
            struct i256 v = dec_to_i256(&x);

            t = dec_from_i256(v, x.scale);
            ck_assert_int_eq(dec_cmp(&t, &x), 0);
        }
    }
}
END_TEST

static const struct {
    const char *x;
    int scale;
    enum dec_round how;
    const char *want;
} dec_rounds[] = {
    {"2.5", 0, DEC_HALF_UP, "3"}, {"-2.5", 0, DEC_HALF_UP, "-3"}, {"2.4999", 0, DEC_HALF_UP, "2"},
    {"1.005", 2, DEC_HALF_UP, "1.01"}, {"149", -2, DEC_HALF_UP, "100"}, {"150", -2, DEC_HALF_UP, "200"},
    {"-1.1", 0, DEC_FLOOR, "-2"}, {"-1.1", 0, DEC_CEILING, "-1"}, {"1.1", 0, DEC_CEILING, "2"}, {"1.9", 0, DEC_TRUNCATE, "1"},
    {"1.5", 3, DEC_HALF_UP, "1.500"}, {"-0.4", 0, DEC_HALF_UP, "0"}, {"999.99", 1, DEC_HALF_UP, "1000.0"}, {"5", -3, DEC_HALF_UP, "0"},
};

START_TEST(decimal_rounding)
{
    struct dec x = dec(dec_rounds[_i].x);

    (void)dec_rescale(&x, dec_rounds[_i].scale, dec_rounds[_i].how);
    ck_assert_str_eq(dec_text(&x), dec_rounds[_i].want);
}
END_TEST

/* ---- doubles ---- */

START_TEST(double_text_round_trip)
{
    for (int i = 0; i < 20000; i++) {
        uint64_t bits = (uint64_t)rnd(1 << 24) << 40 ^ (uint64_t)rnd(1 << 24) << 20 ^ rnd(1 << 24);
        double f, g;
        char buf[NUM_TEXT_MAX];
        size_t n;

        memcpy(&f, &bits, 8);
        if (!__builtin_isfinite(f))
            continue;
        n = num_print_double(f, buf);
        ck_assert_int_eq(num_parse_double((struct sv){buf, n}, &g), NUM_OK);
        ck_assert_msg(f == g, "%.17g printed as %.*s", f, (int)n, buf);
    }
}
END_TEST

/* ---- protocol text and binary ---- */

static struct sql_type col(uint8_t code, uint16_t flags, uint32_t length, uint8_t decimals, uint16_t coll)
{
    struct sql_type t;

    type_from_coldef(&t, code, flags, coll, length, decimals);
    return t;
}

static const struct {
    const char *what;
    uint8_t code;
    uint16_t flags;
    uint32_t length;
    uint8_t decimals;
    const char *text;
} cells[] = {
    {"int", TYPE_LONG, 0, 11, 0, "-2147483648"},
    {"bigint unsigned", TYPE_LONGLONG, TYPE_UNSIGNED, 20, 0, "18446744073709551615"},
    {"zerofill", TYPE_LONG, TYPE_UNSIGNED | TYPE_ZEROFILL, 10, 0, "0000000042"},
    {"decimal", TYPE_NEWDECIMAL, 0, 12, 2, "-12345678.90"},
    {"decimal 65", TYPE_NEWDECIMAL, 0, 67, 30, "-12345678901234567890123456789012345.123456789012345678901234567890"},
    {"decimal zerofill", TYPE_NEWDECIMAL, TYPE_UNSIGNED | TYPE_ZEROFILL, 7, 2, "0001.50"},
    {"double", TYPE_DOUBLE, 0, 22, 31, "1.5e300"},
    {"double(10,3)", TYPE_DOUBLE, 0, 10, 3, "1.500"},
    {"float", TYPE_FLOAT, 0, 12, 31, "1.1"},
    {"float big", TYPE_FLOAT, 0, 12, 31, "16777200"},
    {"year", TYPE_YEAR, TYPE_UNSIGNED | TYPE_ZEROFILL, 4, 0, "2026"},
    {"date", TYPE_DATE, 0, 10, 0, "2026-11-20"},
    {"zero date", TYPE_DATE, 0, 10, 0, "0000-00-00"},
    {"datetime(6)", TYPE_DATETIME, 0, 26, 6, "2026-11-20 23:59:59.000001"},
    {"timestamp", TYPE_TIMESTAMP, 0, 19, 0, "2026-11-20 00:00:00"},
    {"time(3)", TYPE_TIME, 0, 14, 3, "-838:59:58.999"},
    {"varchar", TYPE_VAR_STRING, 0, 80, 0, "na\303\257ve"},
    {"enum", TYPE_STRING, TYPE_ENUM_FLAG, 40, 0, "large"},
};

START_TEST(cells_round_trip)
{
    struct sql_type t = col(cells[_i].code, cells[_i].flags, cells[_i].length, cells[_i].decimals, 255);
    struct vec *v = vec_new(&a, &t, 4, &a);
    struct strbuf b, bin;
    struct value x, y;
    const unsigned char *p;

    ck_assert_msg(vec_put_text(v, 2, sv_cstr(cells[_i].text), false), "%s", cells[_i].what);
    strbuf_init(&b, &a);
    ck_assert(vec_print(v, 2, NULL, &b));
    ck_assert_str_eq(strbuf_cstr(&b), cells[_i].text);
    strbuf_init(&b, &a);
    ck_assert(!vec_print(v, 1, NULL, &b));
    vec_get(v, 2, &x);
    strbuf_init(&bin, &a);
    value_print_binary(&x, &t, &bin);
    p = (const unsigned char *)bin.ptr;
    ck_assert(value_from_binary(&p, p + bin.len, (enum type_code)(cells[_i].flags & TYPE_ENUM_FLAG ? TYPE_STRING : cells[_i].code),
        cells[_i].flags & TYPE_UNSIGNED, 255, &y));
    ck_assert_ptr_eq(p, bin.ptr + bin.len);
    if (x.kind == KIND_DATETIME)
        y.kind = KIND_DATETIME;
    ck_assert_str_eq(text_of(&y, &t), cells[_i].text);
}
END_TEST

/* ---- columns ---- */

static struct value literal(const char *s)
{
    struct value v;

    if (s[0] == '\'') {
        ck_assert(value_parse_string(sv_cstr(s), false, 255, 255, &a, &v));
    } else if (s[0] == '-') {
        v = literal(s + 1);
        if (v.kind == KIND_I64)
            v.i = -v.i;
        else if (v.kind == KIND_F64)
            v.f = -v.f;
        else
            dec_neg(&v.d);
    } else {
        ck_assert_msg(value_parse_number(sv_cstr(s), &v), "%s", s);
    }
    return v;
}

static struct sql_type named(const char *n)
{
    struct sql_type t;

    if (!strcmp(n, "int"))
        return col(TYPE_LONG, 0, 11, 0, 63);
    if (!strcmp(n, "tinyint unsigned"))
        return col(TYPE_TINY, TYPE_UNSIGNED, 3, 0, 63);
    if (!strcmp(n, "bigint"))
        return col(TYPE_LONGLONG, 0, 20, 0, 63);
    if (!strcmp(n, "bigint unsigned"))
        return col(TYPE_LONGLONG, TYPE_UNSIGNED, 20, 0, 63);
    if (!strcmp(n, "decimal(10,2)"))
        return col(TYPE_NEWDECIMAL, 0, 12, 2, 63);
    if (!strcmp(n, "decimal(20,2)"))
        return col(TYPE_NEWDECIMAL, 0, 22, 2, 63);
    if (!strcmp(n, "double"))
        return col(TYPE_DOUBLE, 0, 22, 31, 63);
    if (!strcmp(n, "float"))
        return col(TYPE_FLOAT, 0, 12, 31, 63);
    if (!strcmp(n, "date"))
        return col(TYPE_DATE, 0, 10, 0, 63);
    if (!strcmp(n, "datetime"))
        return col(TYPE_DATETIME, 0, 19, 0, 63);
    if (!strcmp(n, "time"))
        return col(TYPE_TIME, 0, 10, 0, 63);
    if (!strcmp(n, "year"))
        return col(TYPE_YEAR, TYPE_UNSIGNED, 4, 0, 63);
    if (!strcmp(n, "varchar(3)"))
        return col(TYPE_VAR_STRING, 0, 12, 0, 255);
    if (!strcmp(n, "char(3)"))
        return col(TYPE_STRING, 0, 12, 0, 255);
    if (!strcmp(n, "latin1"))
        return col(TYPE_VAR_STRING, 0, 10, 0, 8);
    if (!strcmp(n, "binary(3)"))
        return col(TYPE_STRING, TYPE_BINARY, 3, 0, 63);
    if (!strcmp(n, "bit(8)"))
        return col(TYPE_BIT, TYPE_UNSIGNED, 8, 0, 63);
    ck_assert_str_eq(n, "enum");
    t = col(TYPE_STRING, TYPE_ENUM_FLAG, 20, 0, 255);
    return t;
}

static const struct {
    const char *type, *v;
    enum cast_result r;
    const char *want;
} stores[] = {
    {"int", "5", CAST_EXACT, "5"},
    {"int", "'5'", CAST_EXACT, "5"},
    {"int", "' 5 '", CAST_EXACT, "5"},
    {"int", "5.5", CAST_ROUNDED, "6"},
    {"int", "'5.5'", CAST_ROUNDED, "6"},
    {"int", "2.5e0", CAST_ROUNDED, "2"},
    {"int", "'1e3'", CAST_EXACT, "1000"},
    {"int", "'5abc'", CAST_TRUNCATED, "5"},
    {"int", "'abc'", CAST_INVALID, "0"},
    {"int", "2147483648", CAST_OUT_OF_RANGE, "2147483647"},
    {"int", "-1e20", CAST_OUT_OF_RANGE, "-2147483648"},
    {"tinyint unsigned", "-1", CAST_OUT_OF_RANGE, "0"},
    {"tinyint unsigned", "255.4", CAST_ROUNDED, "255"},
    {"bigint unsigned", "18446744073709551615", CAST_EXACT, "18446744073709551615"},
    {"bigint unsigned", "18446744073709551616", CAST_OUT_OF_RANGE, "18446744073709551615"},
    {"decimal(10,2)", "1.005", CAST_ROUNDED, "1.01"},
    {"decimal(10,2)", "'12.5'", CAST_EXACT, "12.50"},
    {"decimal(10,2)", "123456789", CAST_OUT_OF_RANGE, "99999999.99"},
    {"decimal(10,2)", "99999999.995", CAST_OUT_OF_RANGE, "99999999.99"},
    {"float", "0.1", CAST_ROUNDED, "0.1"},
    {"float", "0.5", CAST_EXACT, "0.5"},
    {"float", "1e40", CAST_OUT_OF_RANGE, "3.40282e38"},
    {"date", "'2026-11-20'", CAST_EXACT, "2026-11-20"},
    {"date", "'2026-11-20 10:00:00'", CAST_ROUNDED, "2026-11-20"},
    {"date", "'2026-02-30'", CAST_INVALID, "0000-00-00"},
    {"date", "20261120", CAST_EXACT, "2026-11-20"},
    {"datetime", "'2026-11-20 10:00:00.6'", CAST_ROUNDED, "2026-11-20 10:00:01"},
    {"datetime", "'2026-11-20x'", CAST_TRUNCATED, "2026-11-20 00:00:00"},
    {"time", "'10:20'", CAST_EXACT, "10:20:00"},
    {"time", "'900:00:00'", CAST_OUT_OF_RANGE, "838:59:59"},
    {"year", "70", CAST_EXACT, "1970"},
    {"year", "'69'", CAST_EXACT, "2069"},
    {"year", "2200", CAST_OUT_OF_RANGE, "0000"},
    {"varchar(3)", "'abc'", CAST_EXACT, "abc"},
    {"varchar(3)", "'abcd'", CAST_TRUNCATED, "abc"},
    {"varchar(3)", "'ab   '", CAST_ROUNDED, "ab "},
    {"varchar(3)", "'\303\251\303\251\303\251'", CAST_EXACT, "\303\251\303\251\303\251"},
    {"varchar(3)", "12", CAST_EXACT, "12"},
    {"char(3)", "'a '", CAST_EXACT, "a"},
    {"latin1", "'\303\251'", CAST_EXACT, "\303\251"},
    {"latin1", "'\316\251'", CAST_INVALID, "?"},
    {"bit(8)", "255", CAST_EXACT, "\377"},
    {"bit(8)", "256", CAST_OUT_OF_RANGE, "\377"},
    {"enum", "'a'", CAST_INVALID, "NULL"},
};

START_TEST(column_stores)
{
    struct sql_type t = named(stores[_i].type);
    struct value v = literal(stores[_i].v), out;
    enum cast_result r = cast_store(&v, &t, &env, &a, &out);

    ck_assert_msg(r == stores[_i].r, "%s <- %s: %d, want %d", stores[_i].type, stores[_i].v, r, stores[_i].r);
    ck_assert_str_eq(text_of(&out, &t), stores[_i].want);
}
END_TEST

static const struct {
    const char *type, *v;
    enum cast_result r;
    const char *want;
    int side;
} compares[] = {
    {"int", "'5'", CAST_EXACT, "5", 0},
    {"int", "5.0", CAST_EXACT, "5", 0},
    {"int", "5e0", CAST_EXACT, "5", 0},
    {"int", "5.5", CAST_ROUNDED, "5", 0},
    {"int", "-5.5", CAST_ROUNDED, "-6", 0},
    {"int", "'5abc'", CAST_TRUNCATED, "NULL", 0},
    {"int", "'abc'", CAST_TRUNCATED, "NULL", 0},
    {"int", "3000000000", CAST_OUT_OF_RANGE, "2147483647", 1},
    {"tinyint unsigned", "-1", CAST_OUT_OF_RANGE, "0", -1},
    {"bigint", "9007199254740993", CAST_EXACT, "9007199254740993", 0},
    {"bigint", "9007199254740993e0", CAST_TRUNCATED, "NULL", 0},
    {"bigint", "'9007199254740993'", CAST_TRUNCATED, "NULL", 0},
    {"decimal(10,2)", "1.5", CAST_EXACT, "1.50", 0},
    {"decimal(10,2)", "1.555", CAST_ROUNDED, "1.55", 0},
    {"decimal(10,2)", "0.1e0", CAST_EXACT, "0.10", 0},
    {"decimal(20,2)", "0.1e0", CAST_TRUNCATED, "NULL", 0},
    {"double", "'0.1'", CAST_EXACT, "0.1", 0},
    {"float", "0.1", CAST_ROUNDED, "0.1", 0},
    {"date", "'2026-11-20'", CAST_EXACT, "2026-11-20", 0},
    {"date", "'2026-11-20 10:00:00'", CAST_ROUNDED, "2026-11-20", 0},
    {"date", "20261120", CAST_EXACT, "2026-11-20", 0},
    {"date", "'oops'", CAST_INVALID, "NULL", 0},
    {"datetime", "'2026-11-20'", CAST_EXACT, "2026-11-20 00:00:00", 0},
    {"datetime", "'2026-11-20 10:00:00.5'", CAST_ROUNDED, "2026-11-20 10:00:00", 0},
    {"time", "'10:00'", CAST_EXACT, "10:00:00", 0},
    {"year", "26", CAST_TRUNCATED, "NULL", 0},
    {"year", "2026", CAST_EXACT, "2026", 0},
    {"varchar(3)", "'abcd'", CAST_EXACT, "abcd", 0},
    {"varchar(3)", "5", CAST_TRUNCATED, "NULL", 0},
    {"latin1", "'\316\251'", CAST_TRUNCATED, "NULL", 0},
    {"enum", "'a'", CAST_INVALID, "NULL", 0},
};

START_TEST(column_comparisons)
{
    struct sql_type t = named(compares[_i].type);
    struct value v = literal(compares[_i].v), out;
    int side;
    enum cast_result r = cast_compare(&v, &t, &env, &a, &out, &side);

    ck_assert_msg(r == compares[_i].r, "%s = %s: %d, want %d", compares[_i].type, compares[_i].v, r, compares[_i].r);
    ck_assert_int_eq(side, compares[_i].side);
    if (r == CAST_EXACT || r == CAST_ROUNDED)
        ck_assert_str_eq(text_of(&out, &t), compares[_i].want);
}
END_TEST

/* ---- literals ---- */

static const struct {
    const char *token, *want;
} strings[] = {
    {"'a'", "a"}, {"'it''s'", "it's"}, {"\"say \"\"x\"\"\"", "say \"x\""}, {"'a\\nb'", "a\nb"}, {"'100\\%'", "100\\%"},
    {"'\\q\\''", "q'"}, {"''", ""}, {"'a\\\\'", "a\\"},
};

START_TEST(string_literals)
{
    struct value v;

    ck_assert(value_parse_string(sv_cstr(strings[_i].token), false, 255, 255, &a, &v));
    ck_assert_str_eq(text_of(&v, NULL), strings[_i].want);
}
END_TEST

START_TEST(canonical_forms)
{
    static const struct {
        const char *x, *y;
    } same[] = {{"5", "5.0"}, {"5", "5e0"}, {"1.50", "1.5"}, {"1e3", "1000"}, {"-1.0", "-1"}, {"'a'", "'A  '"}, {"'\303\251'", "'E'"}};

    for (size_t i = 0; i < ARRAY_LEN(same); i++) {
        struct value x = literal(same[i].x), y = literal(same[i].y);
        struct strbuf bx, by;

        strbuf_init(&bx, &a);
        strbuf_init(&by, &a);
        value_canonical(&x, 45, &bx);
        value_canonical(&y, 45, &by);
        ck_assert_msg(sv_eq(strbuf_sv(&bx), strbuf_sv(&by)), "%s and %s", same[i].x, same[i].y);
    }
}
END_TEST

/* ---- collations ---- */

static const struct {
    const char *coll, *x, *y;
    int want;
} colls[] = {
    {"utf8mb4_bin", "a", "a ", 0}, {"utf8mb4_0900_bin", "a", "a ", -1}, {"binary", "a", "A", 1}, {"utf8mb4_general_ci", "a", "A", 0},
    {"utf8mb4_general_ci", "\303\237", "s", 0}, {"utf8mb4_unicode_ci", "\303\237", "ss", 0}, {"utf8mb4_0900_ai_ci", "\303\237", "SS", 0},
    {"utf8mb4_0900_ai_ci", "a", "a ", -1}, {"utf8mb4_0900_ai_ci", "\303\251", "E", 0}, {"utf8mb4_0900_ai_ci", "\352\260\200", "\341\204\200\341\205\241", 0},
    {"latin1_swedish_ci", "\303\244", "z", 1}, {"latin1_swedish_ci", "\303\251", "e", 0}, {"latin1_bin", "\342\202\254", "z", 1},
    {"utf8mb4_general_ci", "a\t", "a", -1}, {"utf8mb4_general_ci", "a", "a  ", 0}, {"ascii_general_ci", "abc", "ABD", -1},
    {"utf8mb4_general_ci", "\360\237\230\200", "\360\237\230\201", 0}, {"utf8mb4_bin", "\360\237\230\200", "\357\277\277", 1},
};

START_TEST(collation_order)
{
    const struct collation *c = coll_by_name(sv_cstr(colls[_i].coll));
    struct sv x = sv_cstr(colls[_i].x), y = sv_cstr(colls[_i].y);

    ck_assert_msg(c != NULL && coll_is_native(c), "%s", colls[_i].coll);
    ck_assert_msg(coll_compare(c->id, x, y) == colls[_i].want, "%s: %s %s", colls[_i].coll, colls[_i].x, colls[_i].y);
    ck_assert_int_eq(coll_compare(c->id, y, x), -colls[_i].want);
}
END_TEST

static struct sv random_text(void)
{
    static const char *const parts[] = {"a", "A", "b", " ", "  ", "\t", "\303\251", "\303\237", "ss", "\302\240", "\360\237\230\200",
        "\343\201\202", "\352\260\200", "z", "\001", "\xff", "\314\201", "0", "9"};
    struct strbuf b;
    unsigned n = rnd(6);

    strbuf_init(&b, &a);
    while (n--)
        strbuf_puts(&b, parts[rnd(ARRAY_LEN(parts))]);
    return b.ptr ? strbuf_sv(&b) : SV("");
}

/* Equal strings have equal hash and sort key; order keys order as the comparison does. */
START_TEST(collation_laws)
{
    const struct collation *all;
    size_t n;

    all = coll_all(&n);
    for (size_t c = 0; c < n; c++) {
        if (!coll_is_native(&all[c]) || coll_by_id(all[c].id) != &all[c])
            continue;
        for (int i = 0; i < 2000; i++) {
            uint16_t id = all[c].id;
            struct sv x = random_text(), y = random_text();
            int cmp = coll_compare(id, x, y), key;
            struct strbuf sx, sy, ox, oy;

            strbuf_init(&sx, &a);
            strbuf_init(&sy, &a);
            strbuf_init(&ox, &a);
            strbuf_init(&oy, &a);
            coll_sortkey(id, x, &sx);
            coll_sortkey(id, y, &sy);
            coll_orderkey(id, x, &ox);
            coll_orderkey(id, y, &oy);
            key = sv_cmp(strbuf_sv(&ox), strbuf_sv(&oy));
            ck_assert_msg((key > 0) - (key < 0) == cmp, "%s: order of '%.*s' and '%.*s': %d, key %d", all[c].name, SV_ARG(x), SV_ARG(y), cmp, key);
            if (cmp == 0) {
                ck_assert_msg(coll_hash(id, x, 7) == coll_hash(id, y, 7), "%s: hash of '%.*s' '%.*s'", all[c].name, SV_ARG(x), SV_ARG(y));
                ck_assert_msg(sv_eq(strbuf_sv(&sx), strbuf_sv(&sy)), "%s: key of '%.*s' '%.*s'", all[c].name, SV_ARG(x), SV_ARG(y));
            }
        }
        arena_reset(&a);
    }
}
END_TEST

START_TEST(registry)
{
    ck_assert_str_eq(coll_by_id(255)->name, "utf8mb4_0900_ai_ci");
    ck_assert_str_eq(coll_by_id(8)->name, "latin1_swedish_ci");
    ck_assert_int_eq(coll_by_name(SV("UTF8_GENERAL_CI"))->id, 33);
    ck_assert_int_eq(coll_default_of(SV("utf8mb4"), false)->id, 255);
    ck_assert_int_eq(coll_default_of(SV("utf8mb4"), true)->id, 45);
    ck_assert_int_eq(coll_bin_of(SV("utf8mb4"))->id, 46);
    ck_assert_ptr_null(coll_by_name(SV("nonsense")));
    ck_assert(coll_id_is_native(2304));
    ck_assert(!coll_id_is_native(2306));
    ck_assert(coll_by_id(2304)->in_mariadb);
}
END_TEST

START_TEST(charset_conversion)
{
    static const struct {
        const char *coll, *native, *utf8;
    } t[] = {{"latin1_swedish_ci", "\200\351", "\342\202\254\303\251"}, {"cp1251_general_ci", "\343", "\320\263"},
        {"gbk_chinese_ci", "\304\343", "\344\275\240"}, {"sjis_japanese_ci", "\202\240", "\343\201\202"}, {"utf8mb4_bin", "x", "x"}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        uint16_t id = coll_by_name(sv_cstr(t[i].coll))->id;
        struct sv out;

        ck_assert_msg(coll_to_utf8(id, sv_cstr(t[i].native), &a, &out) && sv_eq_cstr(out, t[i].utf8), "%s", t[i].coll);
        ck_assert_msg(coll_from_utf8(id, sv_cstr(t[i].utf8), &a, &out) && sv_eq_cstr(out, t[i].native), "%s", t[i].coll);
    }
}
END_TEST

/* ---- time zones ---- */

START_TEST(time_zones)
{
    const struct tz *z = tz_load(&a, SV("+05:30"));

    ck_assert_int_eq(tz_offset_at_utc(z, 0), 19800);
    ck_assert_ptr_null(tz_load(&a, SV("+15:00")));
    ck_assert_ptr_null(tz_load(&a, SV("../etc/passwd")));
    ck_assert_ptr_null(tz_load(&a, SV("No/Where")));
    z = tz_load(&a, SV("Europe/Berlin"));
    if (!z)
        return; /* no zoneinfo on this machine */
    ck_assert_int_eq(tz_offset_at_utc(z, 1700000000), 3600);  /* November 2023 */
    ck_assert_int_eq(tz_offset_at_utc(z, 1690000000), 7200);  /* July 2023 */
    ck_assert_int_eq(tz_offset_at_utc(z, 3000000000), 3600);  /* January 2065: by the rule */
    ck_assert_int_eq(tz_local_to_utc(z, 1690000000 + 7200), 1690000000);
    /* 2023-03-26 02:30 does not exist: the moment of the switch, 01:00 UTC */
    ck_assert_int_eq(tz_local_to_utc(z, 1679797800), 1679792400);
}
END_TEST

START_TEST(sql_modes)
{
    uint64_t m;
    struct sv bad;

    ck_assert(env_mode_parse(SV("ansi, NO_ZERO_DATE"), &m, &bad));
    ck_assert(m & MODE_ANSI_QUOTES && m & MODE_PIPES_AS_CONCAT && m & MODE_NO_ZERO_DATE);
    ck_assert(!env_mode_parse(SV("ANSI,BOGUS"), &m, &bad));
    ck_assert(sv_eq_cstr(bad, "BOGUS"));
    ck_assert(env_mode_parse(SV("STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"), &m, &bad));
    ck_assert(sv_eq_cstr(env_mode_print(m, &a), "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"));
}
END_TEST

/* ---- sort keys ---- */

START_TEST(sort_keys_order_as_rows)
{
    enum { ROWS = 60 };
    struct sql_type t[] = {type_int(false), type_decimal(10, 2), type_decimal(30, 2), type_decimal(60, 5),
        type_string(20, _i ? 255 : 45, DERIV_IMPLICIT), type_double(), type_temporal(TYPE_TIME, 3), type_int(true)};
    struct batch *b = batch_new(&a, t, ARRAY_LEN(t), ROWS, &a);

    for (uint32_t r = 0; r < ROWS; r++) {
        struct value v[ARRAY_LEN(t)] = {value_i64((int)rnd(5) - 2), value_dec(dec_from_i128((int)rnd(500) - 250, 2)),
            value_dec(dec_from_i128(((int128)rnd(3) - 1) * ((int128)1 << 90), 2)), value_dec(random_dec()), value_str(random_text(), 45),
            value_f64(((int)rnd(9) - 4) / 4.0), {.kind = KIND_TIME, .t = temporal_time_from_us((int64_t)rnd(9) * 1000 - 4000)},
            value_u64(rnd(2) ? UINT64_MAX - rnd(2) : rnd(3))};

        for (uint32_t c = 0; c < ARRAY_LEN(t); c++) {
            if (rnd(6) == 0)
                vec_set_null(b->cols[c], r);
            else if (!vec_put(b->cols[c], r, &v[c]))
                vec_set_null(b->cols[c], r);
        }
        b->n_sel = ++b->n_rows;
    }
    for (uint32_t x = 0; x < ROWS; x++) {
        for (uint32_t y = 0; y < ROWS; y++) {
            struct sort_col cols[3];
            struct strbuf kx, ky;
            int want, got;

            for (int k = 0; k < 3; k++)
                cols[k] = (struct sort_col){rnd(ARRAY_LEN(t)), rnd(2)};
            strbuf_init(&kx, &a);
            strbuf_init(&ky, &a);
            sortkey_append(b, x, cols, 3, &kx);
            sortkey_append(b, y, cols, 3, &ky);
            want = sortkey_compare_rows(b, x, b, y, cols, 3);
            got = sv_cmp(strbuf_sv(&kx), strbuf_sv(&ky));
            ck_assert_int_eq((got > 0) - (got < 0), (want > 0) - (want < 0));
        }
    }
}
END_TEST

int main(void)
{
    Suite *s = suite_create("types");
    TCase *t = tcase_create("types");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(t, setup, teardown);
    tcase_set_timeout(t, 60);
    tcase_add_loop_test(t, decimal_operations, 0, ARRAY_LEN(dec_ops));
    tcase_add_test(t, decimal_laws);
    tcase_add_loop_test(t, decimal_rounding, 0, ARRAY_LEN(dec_rounds));
    tcase_add_test(t, double_text_round_trip);
    tcase_add_loop_test(t, cells_round_trip, 0, ARRAY_LEN(cells));
    tcase_add_loop_test(t, column_stores, 0, ARRAY_LEN(stores));
    tcase_add_loop_test(t, column_comparisons, 0, ARRAY_LEN(compares));
    tcase_add_loop_test(t, string_literals, 0, ARRAY_LEN(strings));
    tcase_add_test(t, canonical_forms);
    tcase_add_loop_test(t, collation_order, 0, ARRAY_LEN(colls));
    tcase_add_test(t, collation_laws);
    tcase_add_test(t, registry);
    tcase_add_test(t, charset_conversion);
    tcase_add_test(t, time_zones);
    tcase_add_test(t, sql_modes);
    tcase_add_loop_test(t, sort_keys_order_as_rows, 0, 2);
    suite_add_tcase(s, t);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}
