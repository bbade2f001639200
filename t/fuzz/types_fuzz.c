/* Values from hostile bytes: the first byte chooses, the rest is the input. Text that parses must print and parse again to the same;
 * nothing may crash or read beyond the input. */
#include "types/agg.h"
#include "types/bexpr.h"
#include "types/cast.h"
#include "types/coll.h"
#include "types/json.h"
#include "types/num.h"
#include "types/sortkey.h"
#include "util/strbuf.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t codes[] = {TYPE_TINY, TYPE_LONG, TYPE_LONGLONG, TYPE_FLOAT, TYPE_DOUBLE, TYPE_NEWDECIMAL, TYPE_DATE, TYPE_DATETIME,
    TYPE_TIMESTAMP, TYPE_TIME, TYPE_YEAR, TYPE_BIT, TYPE_VAR_STRING, TYPE_STRING, TYPE_BLOB, TYPE_JSON};

static struct sql_type some_type(uint8_t b, uint8_t c)
{
    static const uint16_t colls[] = {255, 45, 46, 63, 8, 33, 224, 11};
    struct sql_type t;
    bool temporal = codes[b % sizeof(codes)] >= TYPE_TIMESTAMP && codes[b % sizeof(codes)] <= TYPE_DATETIME;

    type_from_coldef(&t, codes[b % sizeof(codes)], c & 1 ? TYPE_UNSIGNED : 0, colls[c >> 1 & 7], 1u + (uint32_t)c % 67,
        temporal ? c % 7 : c % 31);
    return t;
}

static void texts(struct sv s, const struct env *e, struct arena *a)
{
    struct dec d, back;
    size_t used;
    double f, g;
    int64_t p, q;
    char buf[NUM_TEXT_MAX];

    if (dec_parse(s, &d, &used) != DEC_BAD) {
        size_t n = dec_print(&d, buf);

        CHECK(dec_parse((struct sv){buf, n}, &back, &used) != DEC_BAD && used == n && dec_cmp(&d, &back) == 0);
    }
    if (num_parse_double(s, &f) == NUM_OK) {
        size_t n = num_print_double(f, buf);

        CHECK(num_parse_double((struct sv){buf, n}, &g) == NUM_OK && f == g);
    }
    if (temporal_parse_datetime(s, false, 6, e, &p) <= TEMPORAL_NOTE) {
        size_t n = temporal_print_datetime(p, 6, buf);

        CHECK(temporal_parse_datetime((struct sv){buf, n}, false, 6, NULL, &q) == TEMPORAL_OK && p == q);
    }
    if (temporal_parse_time(s, 6, e, &p) <= TEMPORAL_NOTE) {
        size_t n = temporal_print_time(p, 6, buf);

        CHECK(temporal_parse_time((struct sv){buf, n}, 6, NULL, &q) == TEMPORAL_OK && p == q);
    }
    (void)!tz_load(a, s);
}

static void columns(uint8_t b, uint8_t c, struct sv s, const struct env *e, struct arena *a)
{
    struct sql_type t = some_type(b, c);
    struct value v = value_str(s, b & 128 ? 63 : 255), out, again;
    struct strbuf text;
    int side;

    if (cast_store(&v, &t, e, a, &out) <= CAST_ROUNDED && out.kind != KIND_NULL) {
        /* What a column holds goes in again unchanged. */
        CHECK(cast_store(&out, &t, e, a, &again) == CAST_EXACT || t.code == TYPE_BIT || type_is_string(&t) ||
            type_kind_of(&t) == KIND_F64);
    }
    (void)cast_compare(&v, &t, e, a, &out, &side);
    strbuf_init(&text, a);
    if (value_from_text(s, &t, &out)) {
        value_print(&out, &t, &text);
        value_print_binary(&out, &t, &text);
        value_print_sql(&out, false, &text);
        value_canonical(&out, t.coll, &text);
    }
    {
        const unsigned char *p = (const unsigned char *)s.ptr;

        (void)!value_from_binary(&p, p + s.len, (enum type_code)t.code, c & 1, t.coll, &out);
    }
}

static void strings(uint8_t b, struct sv s, struct arena *a)
{
    static const uint16_t colls[] = {255, 45, 46, 63, 8, 33, 224, 246, 47, 11, 278, 2304, 2308};
    uint16_t id = colls[b % ARRAY_LEN(colls)];
    struct sv x = {s.ptr, s.len / 2}, y = {s.ptr + s.len / 2, s.len - s.len / 2}, out;
    struct strbuf kx, ky;
    int c = coll_compare(id, x, y), k;

    strbuf_init(&kx, a);
    strbuf_init(&ky, a);
    coll_orderkey(id, x, &kx);
    coll_orderkey(id, y, &ky);
    k = sv_cmp(strbuf_sv(&kx), strbuf_sv(&ky));
    CHECK((k > 0) - (k < 0) == c);
    CHECK(c != 0 || coll_hash(id, x, 1) == coll_hash(id, y, 1));
    (void)coll_like(id, x, y, '\\');
    (void)coll_locate(id, x, y, 1, b & 128);
    (void)coll_upper(id, s, a);
    (void)coll_lower(id, s, a);
    (void)!coll_to_utf8(id, s, a, &out);
    (void)!coll_from_utf8(id, s, a, &out);
}

/* A function by number over strings, numbers and NULL. */
static void functions(uint8_t b, uint8_t c, struct sv s, const struct env *e, struct arena *a)
{
    const struct func *f = func_find(sv_cstr(func_name_at((b | (unsigned)(c & 3) << 8) % func_count())));
    struct sql_type target = some_type(c, b);
    struct func_bind_opts opts = {(enum temporal_unit)(c % 20), &target};
    struct value args[4], out;
    struct func_arg fa[4];
    struct func_call call;
    struct diag d = {0};
    struct func_ctx cx = {e, a, &d, false};
    size_t part = s.len / 3;

    for (uint32_t i = 0; i < 4; i++) {
        struct sv one = {s.ptr + part * MIN(i, 2u), part};

        args[i] = value_str(one, 255);
        if (c >> i & 1 && !value_parse_number(one, &args[i]))
            args[i] = i & 1 ? value_null() : value_i64((int64_t)part);
        if (args[i].kind == KIND_STR && b & 128 && i == 0) {
            struct json_error err;
            struct json *j = json_parse(one, e->flavour == ENV_MARIADB ? JSON_MARIADB : JSON_TEXT, a, &err);
            struct strbuf text;

            strbuf_init(&text, a);
            if (j) {
                json_print(j, JSON_LOOSE, e->flavour == ENV_MARIADB, &text);
                args[i] = value_str(strbuf_sv(&text), 46);
                args[i].code = TYPE_JSON;
            }
        }
        fa[i] = (struct func_arg){value_type(&args[i]), b & 64 ? NULL : &args[i], FUNC_SCALE_OF_TYPE};
    }
    for (uint32_t n = 0; n <= 4; n++) {
        diag_clear(&d);
        if (func_bind(f, fa, n, &opts, e, a, &call, &d) && func_eval_scalar(&cx, &call, args, &out) && out.kind != KIND_NULL) {
            struct strbuf text;

            strbuf_init(&text, a);
            value_print(&out, &call.type, &text);
        } else if (!diag_is_set(&d)) {
            CHECK(out.kind == KIND_NULL);
        }
    }
}

/* What parses prints, and that parses again to the same; a document equals itself and sorts beside itself. */
static void json(uint8_t b, struct sv s, struct arena *a)
{
    enum json_mode mode = b % 3 == 0 ? JSON_TEXT : b % 3 == 1 ? JSON_PRINTED : JSON_MARIADB;
    size_t cut = s.len ? (unsigned char)s.ptr[0] % s.len : 0, at;
    struct sv doc = {s.ptr + cut, s.len - cut}, path = {s.ptr, cut};
    struct json_error err;
    struct json_path p;
    struct json *j = json_parse(doc, mode, a, &err), *again;
    struct strbuf x, y;
    bool end;

    if (!j) {
        CHECK(err.at <= doc.len);
        return;
    }
    strbuf_init(&x, a);
    strbuf_init(&y, a);
    json_print(j, JSON_LOOSE, mode == JSON_MARIADB, &x);
    again = json_parse(strbuf_sv(&x), mode == JSON_TEXT ? JSON_PRINTED : mode, a, &err);
    CHECK(again && json_compare(j, again) == 0);
    json_print(again, JSON_LOOSE, mode == JSON_MARIADB, &y);
    CHECK(sv_eq(strbuf_sv(&x), strbuf_sv(&y)));
    CHECK(json_sort_cmp(strbuf_sv(&x), strbuf_sv(&y)) == 0 && json_depth(j) <= JSON_MAX_DEPTH_MYSQL + 1u);
    json_print(j, b & 64 ? JSON_PRETTY_MYSQL : JSON_PRETTY_MARIADB, false, &y);
    if (json_path_parse(path, mode == JSON_MARIADB, a, &p, &at, &end)) {
        struct json_found f = {0};

        json_seek(j, &p, b & 32, mode == JSON_MARIADB, a, &f);
        CHECK(p.many || f.n <= 1);
    }
}

/* A pattern and a text from the input, for one of the functions of regular expressions. */
static void regex(uint8_t b, uint8_t c, struct sv s, const struct env *e, struct arena *a)
{
    static const char *const names[] = {"regexp", "regexp_instr", "regexp_substr", "regexp_replace"};
    static const uint16_t colls[] = {255, 45, 46, 2304};
    const struct func *f = func_find(sv_cstr(names[b % 4]));
    size_t part = s.len / 3;
    struct value args[3], out;
    struct func_arg fa[3];
    struct func_call call;
    struct diag d = {0};
    struct func_ctx cx = {e, a, &d, (b & 128) != 0};

    for (uint32_t i = 0; i < 3; i++) {
        args[i] = value_str((struct sv){s.ptr + i * part, part}, colls[c % 4]);
        fa[i] = (struct func_arg){value_type(&args[i]), b & 64 ? &args[i] : NULL, FUNC_SCALE_OF_TYPE};
    }
    if (!func_bind(f, fa, b % 4 == 3 ? 3 : 2, NULL, e, a, &call, &d) || !func_eval_scalar(&cx, &call, args, &out))
        CHECK(diag_is_set(&d));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena a;
    struct env e;
    struct warn_sink w;
    struct value v;
    struct sv s;
    char *copy;

    if (size < 3 || size > 4096)
        return 0;
    arena_init(&a, 0);
    env_init(&e, data[1] & 64 ? ENV_MARIADB : ENV_MYSQL8);
    e.max_allowed_packet = 1 << 16;
    warn_sink_init(&w, &a, 4);
    e.warnings = &w;
    copy = malloc(size - 3 + 1); /* exact, so that reading beyond it is seen */
    memcpy(copy, data + 3, size - 3);
    s = (struct sv){copy, size - 3};
    switch (data[0] % 7) {
    case 0: texts(s, &e, &a); break;
    case 1: columns(data[1], data[2], s, &e, &a); break;
    case 2: strings(data[1], s, &a); break;
    case 3: functions(data[1], data[2], s, &e, &a); break;
    case 5: json(data[1], s, &a); break;
    case 6: regex(data[1], data[2], s, &e, &a); break;
    case 4:
        (void)!value_parse_number(s, &v);
        (void)!value_parse_hex_bin(s, (s.len & 1) != 0, &a, &v);
        (void)!value_parse_string(s, data[1] & 1, 255, 45, &a, &v);
        break;
    }
    free(copy);
    arena_free(&a);
    return 0;
}
