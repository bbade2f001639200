/* The durable form of a table's nested parts: JSON in tessera.tbl.body, readable by people and
 * stable over versions of Tessera. Members are only added, never renamed; what has its usual value
 * (empty text, zero, false) is left out. Text that is no UTF-8 (defaults of binary columns) is
 * written as {"hex": "..."}. */
#include "catalog/snapshot.h"

#include "util/strbuf.h"

#include <jansson.h>
#include <stdlib.h>

static const char *const part_methods[] = {"none", "key", "hash", "range", "list"};
static const char *const default_kinds[] = {"none", "null", "literal", "expr"};
static const char *const generated_kinds[] = {"no", "virtual", "stored"};
static const char *const key_kinds[] = {"primary", "unique", "plain", "fulltext", "spatial"};
static const char *const bound_kinds[] = {"value", "null", "maxvalue", "default"};

/* --- writing --- */

static json_t *text_json(struct sv s)
{
    static const char hex[] = "0123456789abcdef";
    json_t *v = json_stringn(s.ptr ? s.ptr : "", s.len);
    char *text;

    if (v)
        return v;
    text = xmalloc(2 * s.len + 1);
    for (size_t i = 0; i < s.len; i++) {
        text[2 * i] = hex[(unsigned char)s.ptr[i] >> 4];
        text[2 * i + 1] = hex[(unsigned char)s.ptr[i] & 15];
    }
    v = json_pack("{s:s#}", "hex", text, (int)(2 * s.len));
    xfree(text);
    CHECK(v);
    return v;
}

static void put_new(json_t *o, const char *key, json_t *v)
{
    CHECK(v && json_object_set_new(o, key, v) == 0);
}

static void put_text(json_t *o, const char *key, struct sv s)
{
    if (s.len)
        put_new(o, key, text_json(s));
}

static void put_int(json_t *o, const char *key, uint64_t v)
{
    if (v)
        put_new(o, key, json_integer((json_int_t)v));
}

static void put_bool(json_t *o, const char *key, bool v)
{
    if (v)
        put_new(o, key, json_true());
}

/* The list, or nothing where it is empty. */
static void put_list(json_t *o, const char *key, json_t *list)
{
    if (json_array_size(list))
        put_new(o, key, list);
    else
        json_decref(list);
}

static void append(json_t *list, json_t *v)
{
    CHECK(v && json_array_append_new(list, v) == 0);
}

static json_t *texts_json(const struct sv *v, uint32_t n)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < n; i++)
        append(list, text_json(v[i]));
    return list;
}

static json_t *ordinals_json(const uint32_t *v, uint32_t n)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < n; i++)
        append(list, json_integer(v[i]));
    return list;
}

static json_t *column_json(const struct cat_column *c)
{
    json_t *o = json_object();

    put_text(o, "name", c->name);
    put_text(o, "type", c->type.text);
    put_new(o, "code", json_integer(c->type.code));
    put_bool(o, "unsigned", c->type.is_unsigned);
    put_bool(o, "zerofill", c->type.zerofill);
    put_int(o, "length", c->type.length);
    put_int(o, "decimals", c->type.decimals);
    put_text(o, "charset", c->type.charset);
    put_text(o, "collation", c->type.collation);
    put_int(o, "coll_id", c->type.coll_id);
    put_list(o, "members", texts_json(c->type.members, c->type.members_n));
    put_bool(o, "nullable", c->nullable);
    put_bool(o, "auto_increment", c->auto_increment);
    put_bool(o, "invisible", c->invisible);
    put_bool(o, "hidden", c->hidden);
    if (c->default_kind != CAT_DEFAULT_NONE) {
        put_new(o, "default_kind", json_string(default_kinds[c->default_kind]));
        put_text(o, "default", c->default_text);
    }
    put_text(o, "on_update", c->on_update);
    if (c->generated != CAT_NOT_GENERATED) {
        put_new(o, "generated", json_string(generated_kinds[c->generated]));
        put_text(o, "generated_expr", c->generated_expr);
    }
    put_text(o, "comment", c->comment);
    return o;
}

static json_t *key_json(const struct cat_key *k)
{
    json_t *o = json_object(), *parts = json_array();

    put_text(o, "name", k->name);
    put_new(o, "kind", json_string(key_kinds[k->kind]));
    for (uint32_t i = 0; i < k->parts_n; i++) {
        json_t *p = json_object();

        if (k->parts[i].column >= 0)
            put_new(p, "column", json_integer(k->parts[i].column));
        put_text(p, "expr", k->parts[i].expr);
        put_int(p, "prefix", k->parts[i].prefix);
        put_bool(p, "desc", k->parts[i].desc);
        append(parts, p);
    }
    put_new(o, "parts", parts);
    put_bool(o, "invisible", k->invisible);
    put_text(o, "comment", k->comment);
    put_text(o, "algorithm", k->algorithm);
    put_text(o, "parser", k->parser);
    return o;
}

static json_t *fk_json(const struct cat_fk *f)
{
    json_t *o = json_object();

    put_text(o, "name", f->name);
    put_new(o, "columns", ordinals_json(f->columns, f->columns_n));
    put_text(o, "ref_db", f->ref_db);
    put_text(o, "ref_table", f->ref_table);
    put_new(o, "ref_columns", texts_json(f->ref_columns, f->columns_n));
    put_text(o, "on_delete", f->on_delete);
    put_text(o, "on_update", f->on_update);
    return o;
}

static json_t *part_json(const struct cat_partitioning *p)
{
    json_t *o = json_object();

    put_new(o, "method", json_string(part_methods[p->method]));
    put_bool(o, "by_columns", p->by_columns);
    put_bool(o, "linear", p->linear);
    put_bool(o, "by_default", p->by_default);
    put_list(o, "columns", ordinals_json(p->columns, p->columns_n));
    put_text(o, "expr", p->expr);
    return o;
}

/* Takes the tree over. */
static struct sv dump(json_t *o, struct arena *a)
{
    char *text = json_dumps(o, JSON_COMPACT | JSON_ENCODE_ANY);
    struct sv s;

    CHECK(text);
    s = arena_dup(a, sv_cstr(text));
    free(text); /* jansson's */
    json_decref(o);
    return s;
}

struct sv cat_table_to_json(const struct cat_table *t, struct arena *a)
{
    json_t *o = json_object(), *list = json_array();

    for (uint32_t i = 0; i < t->columns_n; i++)
        append(list, column_json(&t->columns[i]));
    put_new(o, "columns", list);
    list = json_array();
    for (uint32_t i = 0; i < t->keys_n; i++)
        append(list, key_json(&t->keys[i]));
    put_list(o, "keys", list);
    list = json_array();
    for (uint32_t i = 0; i < t->checks_n; i++) {
        json_t *c = json_object();

        put_text(c, "name", t->checks[i].name);
        put_text(c, "expr", t->checks[i].expr);
        put_bool(c, "not_enforced", t->checks[i].not_enforced);
        append(list, c);
    }
    put_list(o, "checks", list);
    list = json_array();
    for (uint32_t i = 0; i < t->fks_n; i++)
        append(list, fk_json(&t->fks[i]));
    put_list(o, "foreign_keys", list);
    put_text(o, "engine", t->engine);
    put_text(o, "charset", t->charset);
    put_text(o, "collation", t->collation);
    put_int(o, "coll_id", t->coll_id);
    put_text(o, "comment", t->comment);
    put_text(o, "row_format", t->row_format);
    put_int(o, "auto_inc_start", t->auto_inc_start);
    put_text(o, "options", t->options);
    if (t->part.method != CAT_PART_NONE)
        put_new(o, "partitioning", part_json(&t->part));
    return dump(o, a);
}

struct sv cat_bounds_to_json(const struct cat_bound *bounds, uint32_t n, struct arena *a)
{
    json_t *list = json_array();

    for (uint32_t i = 0; i < n; i++) {
        if (bounds[i].kind == CAT_BOUND_VALUE)
            append(list, text_json(bounds[i].text));
        else if (bounds[i].kind == CAT_BOUND_NULL)
            append(list, json_null());
        else
            append(list, json_pack("{s:s}", "kind", bound_kinds[bounds[i].kind]));
    }
    return dump(list, a);
}

/* --- reading --- */

struct reader {
    struct arena *a;
    struct diag *d;
    bool ok;
};

static void bad(struct reader *r, const char *what)
{
    r->ok = false;
    diag_setf(r->d, ER_INTERNAL, "catalog: a table's stored form is damaged at \"%s\"", what);
}

static unsigned hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? (unsigned)(c - '0')
           : c >= 'a' && c <= 'f' ? (unsigned)(c - 'a' + 10)
                                  : 16;
}

static struct sv text_of(struct reader *r, const json_t *v, const char *what)
{
    const json_t *hex = json_object_get(v, "hex");
    const char *p = json_string_value(hex);
    size_t n = json_string_length(hex) / 2;
    char *out;

    if (json_is_string(v))
        return arena_dup(r->a, sv_make(json_string_value(v), json_string_length(v)));
    if (!p || json_string_length(hex) % 2) {
        bad(r, what);
        return SV_NULL;
    }
    out = arena_alloc(r->a, n + 1);
    for (size_t i = 0; i < n; i++) {
        unsigned hi = hex_digit(p[2 * i]), lo = hex_digit(p[2 * i + 1]);

        if (hi > 15 || lo > 15)
            bad(r, what);
        out[i] = (char)(hi << 4 | lo);
    }
    out[n] = '\0';
    return sv_make(out, n);
}

/* Absent: empty, but never a NULL pointer. */
static struct sv get_text(struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    return v ? text_of(r, v, key) : SV("");
}

static uint64_t get_int(struct reader *r, const json_t *o, const char *key)
{
    const json_t *v = json_object_get(o, key);

    if (v && !json_is_integer(v))
        bad(r, key);
    return v ? (uint64_t)json_integer_value(v) : 0;
}

static bool get_bool(const json_t *o, const char *key)
{
    return json_is_true(json_object_get(o, key));
}

static int get_name(
    struct reader *r, const json_t *o, const char *key, const char *const *names, size_t n)
{
    const char *text = json_string_value(json_object_get(o, key));

    if (!text)
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (strcmp(text, names[i]) == 0)
            return (int)i;
    }
    bad(r, key);
    return 0;
}

static const struct sv *get_texts(struct reader *r, const json_t *o, const char *key, uint32_t *n)
{
    const json_t *list = json_object_get(o, key);
    struct sv *v;

    *n = (uint32_t)json_array_size(list);
    v = ARENA_NEW_N(r->a, struct sv, *n);
    for (uint32_t i = 0; i < *n; i++)
        v[i] = text_of(r, json_array_get(list, i), key);
    return v;
}

static const uint32_t *get_ordinals(struct reader *r, const json_t *o, const char *key, uint32_t *n)
{
    const json_t *list = json_object_get(o, key);
    uint32_t *v;

    *n = (uint32_t)json_array_size(list);
    v = ARENA_NEW_N(r->a, uint32_t, *n);
    for (uint32_t i = 0; i < *n; i++) {
        const json_t *e = json_array_get(list, i);

        if (!json_is_integer(e) || json_integer_value(e) < 0 ||
            json_integer_value(e) > LIMIT_COLUMNS)
            bad(r, key);
        v[i] = (uint32_t)json_integer_value(e);
    }
    return v;
}

static void read_column(struct reader *r, const json_t *o, uint32_t ordinal, struct cat_column *c)
{
    c->ordinal = ordinal;
    c->name = get_text(r, o, "name");
    c->type.text = get_text(r, o, "type");
    c->type.code = (uint8_t)get_int(r, o, "code");
    c->type.is_unsigned = get_bool(o, "unsigned");
    c->type.zerofill = get_bool(o, "zerofill");
    c->type.length = (uint32_t)get_int(r, o, "length");
    c->type.decimals = (uint8_t)get_int(r, o, "decimals");
    c->type.charset = get_text(r, o, "charset");
    c->type.collation = get_text(r, o, "collation");
    c->type.coll_id = (uint16_t)get_int(r, o, "coll_id");
    c->type.members = get_texts(r, o, "members", &c->type.members_n);
    c->nullable = get_bool(o, "nullable");
    c->auto_increment = get_bool(o, "auto_increment");
    c->invisible = get_bool(o, "invisible");
    c->hidden = get_bool(o, "hidden");
    c->default_kind = (enum cat_default_kind)get_name(
        r, o, "default_kind", default_kinds, ARRAY_LEN(default_kinds));
    c->default_text = get_text(r, o, "default");
    c->on_update = get_text(r, o, "on_update");
    c->generated = (enum cat_generated)get_name(
        r, o, "generated", generated_kinds, ARRAY_LEN(generated_kinds));
    c->generated_expr = get_text(r, o, "generated_expr");
    c->comment = get_text(r, o, "comment");
}

static void read_key(struct reader *r, const json_t *o, struct cat_key *k)
{
    const json_t *list = json_object_get(o, "parts");
    struct cat_key_part *parts;

    k->name = get_text(r, o, "name");
    k->kind = (enum cat_key_kind)get_name(r, o, "kind", key_kinds, ARRAY_LEN(key_kinds));
    k->parts_n = (uint32_t)json_array_size(list);
    k->parts = parts = ARENA_NEW_N(r->a, struct cat_key_part, k->parts_n);
    for (uint32_t i = 0; i < k->parts_n; i++) {
        const json_t *p = json_array_get(list, i);

        parts[i].column = json_object_get(p, "column") ? (int32_t)get_int(r, p, "column") : -1;
        parts[i].expr = get_text(r, p, "expr");
        parts[i].prefix = (uint32_t)get_int(r, p, "prefix");
        parts[i].desc = get_bool(p, "desc");
    }
    k->invisible = get_bool(o, "invisible");
    k->comment = get_text(r, o, "comment");
    k->algorithm = get_text(r, o, "algorithm");
    k->parser = get_text(r, o, "parser");
}

static void read_fk(struct reader *r, const json_t *o, struct cat_fk *f)
{
    uint32_t n;

    f->name = get_text(r, o, "name");
    f->columns = get_ordinals(r, o, "columns", &f->columns_n);
    f->ref_db = get_text(r, o, "ref_db");
    f->ref_table = get_text(r, o, "ref_table");
    f->ref_columns = get_texts(r, o, "ref_columns", &n);
    if (n != f->columns_n)
        bad(r, "ref_columns");
    f->on_delete = get_text(r, o, "on_delete");
    f->on_update = get_text(r, o, "on_update");
}

static void read_lists(struct reader *r, const json_t *root, struct cat_table *t)
{
    const json_t *columns = json_object_get(root, "columns"), *keys = json_object_get(root, "keys");
    const json_t *checks = json_object_get(root, "checks"),
                 *fks = json_object_get(root, "foreign_keys");
    struct cat_column *c;
    struct cat_key *k;
    struct cat_check *ch;
    struct cat_fk *f;

    t->columns_n = (uint32_t)json_array_size(columns);
    t->columns = c = ARENA_NEW_N(r->a, struct cat_column, t->columns_n);
    for (uint32_t i = 0; i < t->columns_n; i++)
        read_column(r, json_array_get(columns, i), i, &c[i]);
    t->keys_n = (uint32_t)json_array_size(keys);
    t->keys = k = ARENA_NEW_N(r->a, struct cat_key, t->keys_n);
    for (uint32_t i = 0; i < t->keys_n; i++)
        read_key(r, json_array_get(keys, i), &k[i]);
    t->checks_n = (uint32_t)json_array_size(checks);
    t->checks = ch = ARENA_NEW_N(r->a, struct cat_check, t->checks_n);
    for (uint32_t i = 0; i < t->checks_n; i++) {
        const json_t *o = json_array_get(checks, i);

        ch[i] = (struct cat_check){
            get_text(r, o, "name"), get_text(r, o, "expr"), get_bool(o, "not_enforced")};
    }
    t->fks_n = (uint32_t)json_array_size(fks);
    t->fks = f = ARENA_NEW_N(r->a, struct cat_fk, t->fks_n);
    for (uint32_t i = 0; i < t->fks_n; i++)
        read_fk(r, json_array_get(fks, i), &f[i]);
}

bool cat_table_from_json(struct cat_table *t, struct sv json, struct diag *d)
{
    struct reader r = {&t->arena, d, true};
    json_t *root = json_loadb(
        json.ptr ? json.ptr : "", json.len, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
    const json_t *part;

    if (!json_is_object(root)) {
        json_decref(root);
        bad(&r, "(all)");
        return false;
    }
    read_lists(&r, root, t);
    t->engine = get_text(&r, root, "engine");
    t->charset = get_text(&r, root, "charset");
    t->collation = get_text(&r, root, "collation");
    t->coll_id = (uint16_t)get_int(&r, root, "coll_id");
    t->comment = get_text(&r, root, "comment");
    t->row_format = get_text(&r, root, "row_format");
    t->auto_inc_start = get_int(&r, root, "auto_inc_start");
    t->options = get_text(&r, root, "options");
    part = json_object_get(root, "partitioning");
    t->part.method =
        (enum cat_part_method)get_name(&r, part, "method", part_methods, ARRAY_LEN(part_methods));
    t->part.by_columns = get_bool(part, "by_columns");
    t->part.linear = get_bool(part, "linear");
    t->part.by_default = get_bool(part, "by_default");
    t->part.columns = get_ordinals(&r, part, "columns", &t->part.columns_n);
    t->part.expr = get_text(&r, part, "expr");
    json_decref(root);
    return r.ok;
}

bool cat_bounds_from_json(
    struct sv json, struct arena *a, const struct cat_bound **bounds, uint32_t *n, struct diag *d)
{
    struct reader r = {a, d, true};
    json_t *list = json_loadb(json.ptr ? json.ptr : "", json.len, JSON_ALLOW_NUL, NULL);
    struct cat_bound *v;

    *n = 0;
    *bounds = NULL;
    if (!json_is_array(list)) {
        json_decref(list);
        bad(&r, "bounds");
        return false;
    }
    *n = (uint32_t)json_array_size(list);
    *bounds = v = ARENA_NEW_N(a, struct cat_bound, *n);
    for (uint32_t i = 0; i < *n; i++) {
        const json_t *e = json_array_get(list, i);

        v[i].text = SV("");
        if (json_is_null(e))
            v[i].kind = CAT_BOUND_NULL;
        else if (json_object_get(e, "kind"))
            v[i].kind =
                (enum cat_bound_kind)get_name(&r, e, "kind", bound_kinds, ARRAY_LEN(bound_kinds));
        else
            v[i].text = text_of(&r, e, "bounds");
    }
    json_decref(list);
    return r.ok;
}
