/* The placement as JSON in a job, into the catalog's object and back; table groups; what SHOW CREATE TABLE says of it. */
#include "ddl/place.h"

/* ---- JSON ---- */

json_t *place_to_json(const struct place *p)
{
    json_t *o = json_object(), *cols = json_array(), *parts = json_array();

    json_object_set_new(o, "kind", json_integer(p->kind));
    json_object_set_new(o, "method", json_integer(p->method));
    json_object_set_new(o, "by_columns", json_boolean(p->by_columns));
    json_object_set_new(o, "linear", json_boolean(p->linear));
    json_object_set_new(o, "by_default", json_boolean(p->by_default));
    json_object_set_new(o, "expr", job_json_text(p->expr));
    json_object_set_new(o, "note", job_json_text(p->note));
    for (size_t i = 0; i < p->n_cols; i++)
        json_array_append_new(cols, job_json_text(p->cols[i]));
    for (size_t i = 0; i < p->n_parts; i++) {
        json_t *x = json_object();

        json_object_set_new(x, "name", job_json_text(p->parts[i].name));
        json_object_set_new(x, "shard", json_integer(p->parts[i].shard_id));
        json_object_set_new(x, "bounds", job_json_text(p->parts[i].bounds));
        json_object_set_new(x, "tuples", json_integer(p->parts[i].tuples_n));
        json_object_set_new(x, "comment", job_json_text(p->parts[i].comment));
        json_array_append_new(parts, x);
    }
    json_object_set_new(o, "cols", cols);
    json_object_set_new(o, "parts", parts);
    return o;
}

json_t *place_of_table(const struct cat_table *t)
{
    struct arena a;
    struct place p = {.kind = t->kind,
                      .method = t->part.method,
                      .by_columns = t->part.by_columns,
                      .linear = t->part.linear,
                      .by_default = t->part.by_default,
                      .expr = t->part.expr,
                      .note = t->note,
                      .n_cols = t->part.columns_n,
                      .n_parts = t->kind == CAT_BROADCAST ? 0 : t->parts_n};
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    json_t *o, *ranges = json_array();

    arena_init(&a, 0);
    p.cols = ARENA_NEW_N(&a, struct sv, p.n_cols + 1);
    for (size_t i = 0; i < p.n_cols; i++)
        p.cols[i] = t->columns[t->part.columns[i]].name;
    p.parts = ARENA_NEW_N(&a, struct place_part, p.n_parts + 1);
    for (size_t i = 0; i < p.n_parts; i++) {
        const struct cat_part *x = &t->parts[i];

        p.parts[i] = (struct place_part){
            .name = x->name, .shard_id = x->shard_id, .tuples_n = x->tuples_n, .comment = x->comment};
        if (x->bounds)
            p.parts[i].bounds = cat_bounds_to_json(x->bounds, x->tuples_n * width, &a);
        json_array_append_new(ranges, json_pack("[I,I]", (json_int_t)x->hash_lo, (json_int_t)x->hash_hi));
    }
    o = place_to_json(&p);
    json_object_set_new(o, "ranges", ranges); /* what splits and merges made of the even division */
    arena_free(&a);
    return o;
}

static bool apply_columns(const json_t *o, struct cat_table *t, struct diag *d)
{
    json_t *cols = json_object_get(o, "cols"), *x;
    uint32_t *ordinals = ARENA_NEW_N(&t->arena, uint32_t, json_array_size(cols) + 1);
    size_t i;

    json_array_foreach(cols, i, x) {
        struct sv name = sv_make(json_string_value(x), json_string_length(x));
        uint32_t k = 0;

        while (k < t->columns_n && !sv_eq_nocase(t->columns[k].name, name))
            k++;
        if (k == t->columns_n)
            return diag_setf(d, ER_INTERNAL, "Internal error: table '%.*s' lacks its partition column '%.*s'",
                             SV_ARG(t->name), SV_ARG(name));
        ordinals[i] = k;
    }
    t->part.columns = ordinals;
    t->part.columns_n = (uint32_t)json_array_size(cols);
    return true;
}

static bool apply_parts(const json_t *o, struct cat_table *t, struct diag *d)
{
    json_t *parts = json_object_get(o, "parts"), *ranges = json_object_get(o, "ranges"), *x;
    size_t n = json_array_size(parts), i;
    uint32_t *shards = ARENA_NEW_N(&t->arena, uint32_t, n + 1);
    struct cat_part *v;

    json_array_foreach(parts, i, x)
        shards[i] = (uint32_t)job_json_u64(x, "shard");
    cat_table_spread(t, (uint32_t)n, shards);
    v = ARENA_NEW_N(&t->arena, struct cat_part, n + 1);
    memcpy(v, t->parts, n * sizeof *v);
    json_array_foreach(parts, i, x) {
        struct sv bounds = job_json_sv(x, "bounds");
        uint32_t n_bounds;

        v[i].name = arena_dup(&t->arena, job_json_sv(x, "name"));
        v[i].comment = arena_dup(&t->arena, job_json_sv(x, "comment"));
        v[i].tuples_n = (uint32_t)job_json_u64(x, "tuples");
        if (bounds.len && !cat_bounds_from_json(arena_dup(&t->arena, bounds), &t->arena, &v[i].bounds, &n_bounds, d))
            return false;
        if (t->part.method != CAT_PART_KEY && t->part.method != CAT_PART_HASH)
            v[i].hash_lo = v[i].hash_hi = 0;
        else if (json_array_size(ranges) == n) {
            v[i].hash_lo = (uint32_t)json_integer_value(json_array_get(json_array_get(ranges, i), 0));
            v[i].hash_hi = (uint32_t)json_integer_value(json_array_get(json_array_get(ranges, i), 1));
        }
    }
    t->parts = v;
    t->parts_n = (uint32_t)n;
    return true;
}

bool place_apply(const json_t *o, struct cat_table *t, struct diag *d)
{
    t->kind = (enum cat_table_kind)job_json_u64(o, "kind");
    t->note = arena_dup(&t->arena, job_json_sv(o, "note"));
    t->part = (struct cat_partitioning){
        .method = (enum cat_part_method)job_json_u64(o, "method"),
        .by_columns = json_is_true(json_object_get(o, "by_columns")),
        .linear = json_is_true(json_object_get(o, "linear")),
        .by_default = json_is_true(json_object_get(o, "by_default")),
        .expr = arena_dup(&t->arena, job_json_sv(o, "expr")),
    };
    t->parts = NULL;
    t->parts_n = 0;
    if (t->kind == CAT_BROADCAST)
        return true;
    return apply_columns(o, t, d) && apply_parts(o, t, d);
}

/* ---- groups ---- */

static bool same_key_type(const struct cat_column *x, const struct cat_column *y)
{
    static const uint8_t ints[] = {1, 2, 3, 8, 9};
    bool xi = memchr(ints, x->type.code, sizeof ints) != NULL, yi = memchr(ints, y->type.code, sizeof ints) != NULL;

    /* Equal values meet whatever the integer's width; other types must be the same. */
    if (xi || yi)
        return xi && yi;
    return x->type.code == y->type.code && x->type.coll_id == y->type.coll_id && x->type.decimals == y->type.decimals;
}

static bool same_bounds(const struct cat_part *x, const struct cat_part *y, uint32_t width)
{
    if (x->tuples_n != y->tuples_n)
        return false;
    for (uint32_t i = 0; i < x->tuples_n * width; i++)
        if (x->bounds[i].kind != y->bounds[i].kind || !sv_eq(x->bounds[i].text, y->bounds[i].text))
            return false;
    return true;
}

static bool equal_partitioning(const struct cat_table *x, const struct cat_table *y)
{
    uint32_t width = x->part.by_columns ? x->part.columns_n : 1;

    if (y->kind != CAT_PARTITIONED || x->part.method != y->part.method || x->part.by_columns != y->part.by_columns ||
        x->part.columns_n != y->part.columns_n || x->parts_n != y->parts_n)
        return false;
    /* Expressions over columns of other names are equal only if there is none but the column. */
    if (!x->part.by_columns && !sv_eq(x->part.expr, y->part.expr))
        return false;
    for (uint32_t i = 0; i < x->part.columns_n; i++)
        if (!same_key_type(&x->columns[x->part.columns[i]], &y->columns[y->part.columns[i]]))
            return false;
    for (uint32_t i = 0; i < x->parts_n; i++) {
        const struct cat_part *p = &x->parts[i], *q = &y->parts[i];

        if (p->shard_id != q->shard_id || p->hash_lo != q->hash_lo || p->hash_hi != q->hash_hi ||
            !same_bounds(p, q, width))
            return false;
    }
    return true;
}

uint64_t place_find_group(const struct cat_snapshot *s, const struct cat_table *t)
{
    if (t->kind != CAT_PARTITIONED)
        return 0;
    array_each(&s->tables, it)
        if ((*it)->id != t->id && (*it)->group_id && equal_partitioning(t, *it))
            return (*it)->group_id;
    return 0;
}

/* ---- printing ---- */

static bool is_number(const struct cat_column *c)
{
    static const uint8_t codes[] = {1, 2, 3, 8, 9, 13};

    return memchr(codes, c->type.code, sizeof codes) != NULL;
}

static void print_bounds(struct strbuf *b, const struct cat_table *t, const struct cat_part *p)
{
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    bool range = t->part.method == CAT_PART_RANGE;

    if (p->tuples_n && p->bounds[0].kind == CAT_BOUND_DEFAULT) {
        strbuf_puts(b, " DEFAULT");
        return;
    }
    strbuf_puts(b, range ? " VALUES LESS THAN (" : " VALUES IN (");
    for (uint32_t i = 0; i < p->tuples_n; i++) {
        strbuf_puts(b, i ? "," : "");
        if (!range && width > 1)
            strbuf_putc(b, '(');
        for (uint32_t k = 0; k < width; k++) {
            const struct cat_bound *v = &p->bounds[i * width + k];

            strbuf_puts(b, k ? "," : "");
            if (v->kind == CAT_BOUND_MAXVALUE)
                strbuf_puts(b, "MAXVALUE");
            else if (v->kind == CAT_BOUND_NULL)
                strbuf_puts(b, "NULL");
            else if (!t->part.by_columns || is_number(&t->columns[t->part.columns[k]]))
                strbuf_putsv(b, v->text);
            else
                mconn_put_quoted(b, v->text);
        }
        if (!range && width > 1)
            strbuf_putc(b, ')');
    }
    strbuf_putc(b, ')');
}

static void print_method(struct strbuf *b, const struct cat_table *t)
{
    static const char *const heads[][2] = {
        [CAT_PART_NONE] = {"", ""},
        [CAT_PART_KEY] = {"KEY (", "KEY ("},
        [CAT_PART_HASH] = {"HASH (", "HASH ("},
        [CAT_PART_RANGE] = {"RANGE (", "RANGE COLUMNS("},
        [CAT_PART_LIST] = {"LIST (", "LIST COLUMNS("},
    };
    bool hidden = t->part.columns_n == 1 && t->columns[t->part.columns[0]].hidden;

    strbuf_puts(b, t->part.linear ? "PARTITION BY LINEAR " : "PARTITION BY ");
    strbuf_puts(b, heads[t->part.method][t->part.by_columns]);
    if (!t->part.by_columns)
        strbuf_putsv(b, t->part.expr);
    for (uint32_t i = 0; t->part.by_columns && !hidden && i < t->part.columns_n; i++) {
        strbuf_puts(b, i ? "," : "");
        strbuf_put_ident(b, t->columns[t->part.columns[i]].name);
    }
    strbuf_putc(b, ')');
}

static void print_parts(struct strbuf *b, const struct cat_table *t)
{
    if (t->part.method == CAT_PART_KEY || t->part.method == CAT_PART_HASH) {
        strbuf_printf(b, "\nPARTITIONS %u", t->parts_n);
        return;
    }
    for (uint32_t i = 0; i < t->parts_n; i++) {
        strbuf_puts(b, i ? ",\n " : "\n(");
        strbuf_puts(b, "PARTITION ");
        strbuf_put_ident(b, t->parts[i].name);
        print_bounds(b, t, &t->parts[i]);
        if (t->parts[i].comment.len) {
            strbuf_puts(b, " COMMENT = ");
            mconn_put_quoted(b, t->parts[i].comment);
        }
    }
    strbuf_putc(b, ')');
}

struct sv place_print(const struct cat_table *t, const struct cat_db *db, const struct cat_snapshot *s, struct arena *a)
{
    struct strbuf b;

    (void)s;
    strbuf_init(&b, a);
    switch (t->kind) {
    case CAT_SINGLE:
        if (!t->note.len && db && db->mode != CAT_DB_SINGLE)
            strbuf_puts(&b, "/*!99980 SINGLE */");
        break;
    case CAT_BROADCAST:
        strbuf_puts(&b, "/*!99980 BROADCAST */");
        break;
    case CAT_PARTITIONED:
        if (t->part.by_default)
            break;
        strbuf_puts(&b, t->part.by_columns && t->part.method != CAT_PART_KEY ? "/*!50500 " : "/*!50100 ");
        print_method(&b, t);
        print_parts(&b, t);
        strbuf_puts(&b, " */");
        break;
    }
    return b.len ? strbuf_sv(&b) : SV("");
}
