/* Partition functions: compiling one from a table, and finding the partition of a row.
 *
 * A struct part is compiled at the first call of part_of and put into the table's `ext` by
 * compare-and-swap; it lives and dies with the table. Compiling classifies the partition columns
 * (part_value.c), parses the expression (part_expr.c), converts the bounds to values of the
 * columns' kinds and sorts those of LIST. A table whose partitioning cannot be compiled (which DDL
 * refuses, so only damage or a newer Tessera's work can make one) is `broken`: everything goes to
 * all partitions, and rows are not routed but refused.
 *
 * Locating: KEY and HASH hash the canonical bytes and search the ranges; RANGE searches the bounds,
 * whose tuples ascend; LIST searches its sorted tuples and falls back to DEFAULT. */
#include "router/part-int.h"

#include "types/cast.h"
#include "types/coll.h"

#include <stdlib.h>
#include <zlib.h>

/* --- the hash --- */

/* 2^32 divided by the golden ratio: spreads the checksum's low bits over the high ones, which
 * choose the partition. */
#define HASH_FACTOR UINT32_C(2654435769)

uint32_t part_hash_bytes(struct sv canonical)
{
    return (uint32_t)crc32(0, (const Bytef *)canonical.ptr, (uInt)canonical.len) * HASH_FACTOR;
}

uint32_t part_of_hash(const struct part *p, uint32_t hash)
{
    uint32_t lo = 0, hi = p->n - 1;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (p->hash_hi[mid] < hash)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

bool part_hash_values(const struct part *p, const struct value *stored, const struct env *e,
    struct arena *a, uint32_t *hash)
{
    struct strbuf b;
    __int128 n;

    strbuf_init(&b, a);
    if (p->expr) {
        enum part_eval r = part_expr_eval(p->expr, p->columns, stored, e, &n);

        if (r == PART_EVAL_UNSURE)
            return false;
        if (r == PART_EVAL_NULL)
            strbuf_putc(&b, '\0');
        else
            part_put_i128(&b, n);
    } else {
        for (uint32_t i = 0; i < p->columns_n; i++) {
            if (i)
                strbuf_putc(&b, '\x1f');
            if (!part_canonical(&p->columns[i], &stored[i], e, &b))
                return false;
        }
    }
    *hash = part_hash_bytes(strbuf_sv(&b));
    return !b.overflow;
}

/* --- compiling --- */

static bool compile_columns(struct part *p, struct diag *d)
{
    const struct cat_table *t = p->table;
    struct part_column *c = ARENA_NEW_N(&p->arena, struct part_column, t->part.columns_n);

    p->columns_n = t->part.columns_n;
    p->columns = c;
    for (uint32_t i = 0; i < p->columns_n; i++) {
        if (t->part.columns[i] >= t->columns_n)
            return diag_setf(d, ER_INTERNAL, "a partition column that does not exist");
        if (!part_classify(&t->columns[t->part.columns[i]], &c[i], d))
            return false;
    }
    return true;
}

static bool bound_is_wrong(struct part *p, const struct cat_part *cp, struct diag *d)
{
    if (p->by_columns)
        return diag_set(d, ER_WRONG_TYPE_COLUMN_VALUE_ERROR);
    return diag_setf(d, ER_VALUES_IS_NOT_INT_TYPE_ERROR,
        "VALUES value for partition '%.*s' must have type INT", SV_ARG(cp->name));
}

/* A bound's text as a value of what it is compared with. */
static bool compile_bound(struct part *p, const struct cat_part *cp, uint32_t col,
    const struct cat_bound *from, struct part_bound *to, struct diag *d)
{
    const struct part_column *c = p->by_columns ? &p->columns[col] : NULL;
    struct env e;
    struct value v;
    int64_t i;
    uint64_t u;

    to->kind = from->kind;
    to->v = value_null();
    if (from->kind != CAT_BOUND_VALUE)
        return true;
    if (!c) {
        if (sv_to_i64(from->text, &i))
            to->v = value_i64(i);
        else if (sv_to_u64(from->text, &u))
            to->v = value_u64(u);
        else
            return bound_is_wrong(p, cp, d);
        return true;
    }
    env_init(&e, ENV_MYSQL8);
    e.sql_mode = 0; /* zero dates are possible bounds */
    v = value_str(from->text, c->cls == PART_BYTES ? TYPE_COLL_BINARY : c->type.coll);
    if (c->cls == PART_MEMBER || c->cls == PART_TIMESTAMP) /* MySQL allows neither with COLUMNS */
        return diag_setf(d, ER_FIELD_TYPE_NOT_ALLOWED_AS_PARTITION_FIELD,
            "Field '%.*s' is of a not allowed type for this type of partitioning",
            SV_ARG(c->column->name));
    if (cast_store(&v, &c->type, &e, &p->arena, &to->v) != CAST_EXACT)
        return bound_is_wrong(p, cp, d);
    if (to->v.kind == KIND_STR)
        to->v = value_dup(&to->v, &p->arena);
    return true;
}

static int tuple_cmp(const struct part *p, const struct part_bound *x, const struct part_bound *y)
{
    for (uint32_t i = 0; i < p->width; i++) {
        bool mx = x[i].kind == CAT_BOUND_MAXVALUE, my = y[i].kind == CAT_BOUND_MAXVALUE;
        int c;

        if (mx || my) {
            if (mx != my)
                return mx ? 1 : -1;
            continue;
        }
        if (p->by_columns) {
            c = part_value_cmp(&p->columns[i], &x[i].v, &y[i].v);
        } else if (value_is_null(&x[i].v) || value_is_null(&y[i].v)) {
            c = (int)!value_is_null(&x[i].v) - (int)!value_is_null(&y[i].v);
        } else {
            __int128 a = part_int_of(&x[i].v), b = part_int_of(&y[i].v);

            c = a < b ? -1 : a > b;
        }
        if (c)
            return c;
    }
    return 0;
}

static bool compile_range(struct part *p, struct diag *d)
{
    const struct cat_table *t = p->table;

    p->bounds = ARENA_NEW_N(&p->arena, struct part_bound, (size_t)p->n * p->width);
    for (uint32_t i = 0; i < p->n; i++) {
        if (t->parts[i].tuples_n != 1)
            return diag_setf(d, ER_INTERNAL, "a RANGE partition without a bound");
        for (uint32_t k = 0; k < p->width; k++) {
            if (!compile_bound(
                    p, &t->parts[i], k, &t->parts[i].bounds[k], &p->bounds[i * p->width + k], d))
                return false;
        }
        if (i > 0 && tuple_cmp(p, &p->bounds[(i - 1) * p->width], &p->bounds[i * p->width]) >= 0)
            return diag_set(d, ER_RANGE_NOT_INCREASING_ERROR);
    }
    return true;
}

/* A tuple of LIST while it is sorted; qsort has no argument to pass the part by, so each carries
 * it. */
struct list_tuple {
    const struct part *p;
    struct part_bound *values;
    uint32_t partition;
};

static int list_order(const void *a, const void *b)
{
    const struct list_tuple *x = a, *y = b;

    return tuple_cmp(x->p, x->values, y->values);
}

static bool compile_list(struct part *p, struct diag *d)
{
    const struct cat_table *t = p->table;
    struct list_tuple *list;
    uint32_t total = 0, n = 0;

    for (uint32_t i = 0; i < p->n; i++)
        total += t->parts[i].tuples_n;
    list = ARENA_NEW_N(&p->arena, struct list_tuple, total);
    for (uint32_t i = 0; i < p->n; i++) {
        for (uint32_t k = 0; k < t->parts[i].tuples_n; k++) {
            const struct cat_bound *from = &t->parts[i].bounds[(size_t)k * p->width];

            if (from->kind == CAT_BOUND_DEFAULT) {
                p->default_part = (int32_t)i;
                continue;
            }
            list[n] =
                (struct list_tuple){p, ARENA_NEW_N(&p->arena, struct part_bound, p->width), i};
            for (uint32_t c = 0; c < p->width; c++) {
                if (!compile_bound(p, &t->parts[i], c, &from[c], &list[n].values[c], d))
                    return false;
            }
            n++;
        }
    }
    if (n > 1)
        qsort(list, n, sizeof(*list), list_order);
    p->tuples_n = n;
    p->bounds = ARENA_NEW_N(&p->arena, struct part_bound, (size_t)n * p->width);
    p->tuple_part = ARENA_NEW_N(&p->arena, uint32_t, n);
    for (uint32_t i = 0; i < n; i++) {
        if (i > 0 && tuple_cmp(p, list[i - 1].values, list[i].values) == 0)
            return diag_set(d, ER_MULTIPLE_DEF_CONST_IN_LIST_PART_ERROR);
        memcpy(&p->bounds[(size_t)i * p->width], list[i].values, p->width * sizeof(*p->bounds));
        p->tuple_part[i] = list[i].partition;
    }
    return true;
}

/* Not YEAR and BIT, whose literals are read in ways of their own. */
static bool is_plain_int(const struct part_column *c)
{
    uint8_t code = c->type.code;

    return code == TYPE_TINY || code == TYPE_SHORT || code == TYPE_INT24 || code == TYPE_LONG ||
           code == TYPE_LONGLONG;
}

static bool compile_method(struct part *p, struct diag *d)
{
    switch (p->method) {
    case CAT_PART_KEY:
    case CAT_PART_HASH:
        p->hash_hi = ARENA_NEW_N(&p->arena, uint32_t, p->n);
        for (uint32_t i = 0; i < p->n; i++)
            p->hash_hi[i] = p->table->parts[i].hash_hi;
        p->int_key = p->by_columns && p->columns_n == 1 && is_plain_int(&p->columns[0]);
        return true;
    case CAT_PART_RANGE:
        return compile_range(p, d);
    case CAT_PART_LIST:
        return compile_list(p, d);
    case CAT_PART_NONE:
        break;
    }
    return diag_setf(d, ER_INTERNAL, "a partitioned table without a method");
}

static bool compile(struct part *p, struct diag *d)
{
    const struct cat_table *t = p->table;

    p->method = t->part.method;
    p->by_columns = t->part.by_columns;
    p->n = t->kind == CAT_SINGLE ? 1 : t->parts_n;
    p->default_part = -1;
    if (t->kind != CAT_PARTITIONED) {
        p->method = CAT_PART_NONE;
        return true;
    }
    p->width = t->part.by_columns ? t->part.columns_n : 1;
    if (!compile_columns(p, d))
        return false;
    if (!p->by_columns &&
        !part_expr_parse(t->part.expr, p->columns, p->columns_n, &p->arena, &p->expr, d))
        return false;
    return compile_method(p, d);
}

struct part *part_make(const struct cat_table *t)
{
    struct part *p = xcalloc(1, sizeof(*p));

    arena_init(&p->arena, 0);
    p->table = t;
    p->broken = !compile(p, &p->reason);
    return p;
}

void part_free(void *ext)
{
    struct part *p = ext;

    arena_free(&p->arena);
    xfree(p);
}

const struct part *part_of(const struct cat_table *t)
{
    struct cat_table *w =
        (struct cat_table *)(uintptr_t)t; /* `ext` is set once, by whoever is first */
    void *now = atomic_load_explicit(&w->ext, memory_order_acquire);
    struct part *p;

    if (LIKELY(now))
        return now;
    p = part_make(t);
    if (atomic_compare_exchange_strong_explicit(
            &w->ext, &now, p, memory_order_acq_rel, memory_order_acquire)) {
        w->ext_free =
            part_free; /* read only when the last reference goes, which is after this caller's */
        return p;
    }
    part_free(p);
    return now;
}

bool part_check(const struct cat_table *t, struct diag *d)
{
    struct part *p = part_make(t);
    bool ok = !p->broken;

    if (!ok && !diag_is_set(d))
        *d = p->reason;
    part_free(p);
    return ok;
}

/* --- locating --- */

int part_bound_cmp(const struct part *p, uint32_t i, const struct value *values, uint32_t n)
{
    const struct part_bound *b = &p->bounds[(size_t)i * p->width];

    for (uint32_t k = 0; k < n; k++) {
        int c;

        if (b[k].kind == CAT_BOUND_MAXVALUE)
            return 1;
        if (p->by_columns) {
            c = part_value_cmp(&p->columns[k], &b[k].v, &values[k]);
        } else if (value_is_null(&b[k].v) || value_is_null(&values[k])) {
            c = (int)!value_is_null(&b[k].v) - (int)!value_is_null(&values[k]);
        } else {
            __int128 x = part_int_of(&b[k].v), y = part_int_of(&values[k]);

            c = x < y ? -1 : x > y;
        }
        if (c)
            return c;
    }
    return 0;
}

uint32_t part_range_locate(const struct part *p, const struct value *tuple)
{
    uint32_t lo = 0, hi = p->n;

    /* The first partition whose bound is above the tuple. */
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (part_bound_cmp(p, mid, tuple, p->width) <= 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

int64_t part_list_locate(const struct part *p, const struct value *tuple)
{
    uint32_t lo = 0, hi = p->tuples_n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        int c = part_bound_cmp(p, mid, tuple, p->width);

        if (c == 0)
            return p->tuple_part[mid];
        if (c < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return p->default_part;
}

static enum part_result no_partition(
    const struct part *p, const struct value *v, struct arena *a, struct diag *d)
{
    struct strbuf b;

    if (!d)
        return PART_NONE;
    strbuf_init(&b, a);
    if (p->by_columns && (p->width > 1 || (p->columns[0].cls != PART_EXACT)))
        strbuf_puts(&b, "from column_list");
    else if (value_is_null(v))
        strbuf_puts(&b, "NULL");
    else
        value_print(v, NULL, &b);
    diag_setf(
        d, ER_NO_PARTITION_FOR_GIVEN_VALUE, "Table has no partition for value %s", strbuf_cstr(&b));
    return PART_NONE;
}

enum part_result part_route_stored(const struct part *p, const struct value *stored,
    const struct env *e, struct arena *a, uint32_t *partition, struct diag *d)
{
    const struct value *tuple = stored;
    struct value expr_value;
    uint32_t hash;
    int64_t at;

    *partition = 0;
    if (p->broken)
        return PART_UNSURE;
    if (p->method == CAT_PART_NONE)
        return PART_OK;
    if (p->method == CAT_PART_KEY || p->method == CAT_PART_HASH) {
        if (!part_hash_values(p, stored, e, a, &hash))
            return PART_UNSURE;
        *partition = part_of_hash(p, hash);
        return PART_OK;
    }
    if (p->expr) {
        __int128 n = 0;
        enum part_eval r = part_expr_eval(p->expr, p->columns, stored, e, &n);

        if (r == PART_EVAL_UNSURE)
            return PART_UNSURE;
        expr_value = r == PART_EVAL_NULL ? value_null() : part_int_value(n);
        tuple = &expr_value;
    }
    at = p->method == CAT_PART_RANGE ? (int64_t)part_range_locate(p, tuple)
                                     : part_list_locate(p, tuple);
    if (at < 0 || at >= (int64_t)p->n)
        return no_partition(p, tuple, a, d);
    *partition = (uint32_t)at;
    return PART_OK;
}

enum part_result part_route_row(const struct part *p, const struct value *values,
    const struct env *e, struct arena *a, uint32_t *partition, struct diag *d)
{
    struct value stored[LIMIT_PARTITION_COLUMNS];

    *partition = 0;
    if (p->broken || p->columns_n > LIMIT_PARTITION_COLUMNS)
        return PART_UNSURE;
    for (uint32_t i = 0; i < p->columns_n; i++) {
        if (!part_store_value(&p->columns[i], &values[i], e, a, &stored[i]))
            return PART_UNSURE;
    }
    return part_route_stored(p, stored, e, a, partition, d);
}

/* --- comparing functions --- */

/* Signed and unsigned integers compare with each other. */
static enum type_kind bound_kind(const struct part_column *c)
{
    enum type_kind k = type_kind_of(&c->type);

    return k == KIND_U64 ? KIND_I64 : k;
}

static bool same_columns(const struct part *a, const struct part *b)
{
    if (a->columns_n != b->columns_n)
        return false;
    for (uint32_t i = 0; i < a->columns_n; i++) {
        const struct part_column *x = &a->columns[i], *y = &b->columns[i];

        if (x->cls != y->cls || (x->cls == PART_TEXT && x->type.coll != y->type.coll))
            return false;
        /* ENUM and SET compare as text with each other: numbers mean the same only in the same list
         * of members. */
        if (x->cls == PART_MEMBER && !sv_eq(x->column->type.text, y->column->type.text))
            return false;
        /* Bounds compare within one kind of values. */
        if (a->bounds && a->by_columns && bound_kind(x) != bound_kind(y))
            return false;
        /* BINARY(n) is padded to its length. */
        if (x->cls == PART_BYTES && x->type.code != y->type.code &&
            (x->type.code == TYPE_STRING || y->type.code == TYPE_STRING))
            return false;
    }
    return true;
}

static bool same_expr(const struct part *a, const struct part *b)
{
    struct arena ar;
    struct strbuf x, y;
    bool same;

    if (!a->expr || !b->expr)
        return a->expr == b->expr;
    arena_init(&ar, 0);
    strbuf_init(&x, &ar);
    strbuf_init(&y, &ar);
    part_expr_print(a->expr, a->columns, SV(""), true, &x);
    part_expr_print(b->expr, b->columns, SV(""), true, &y);
    same = sv_eq(strbuf_sv(&x), strbuf_sv(&y));
    arena_free(&ar);
    return same;
}

bool part_same_function(const struct part *a, const struct part *b)
{
    if (a->broken || b->broken || a->method != b->method || a->n != b->n ||
        a->method == CAT_PART_NONE || a->width != b->width || a->tuples_n != b->tuples_n ||
        a->default_part != b->default_part || !same_columns(a, b) || !same_expr(a, b))
        return false;
    if (a->hash_hi)
        return memcmp(a->hash_hi, b->hash_hi, a->n * sizeof(*a->hash_hi)) == 0;
    for (uint32_t i = 0; i < (a->method == CAT_PART_RANGE ? a->n : a->tuples_n); i++) {
        if (tuple_cmp(a, &a->bounds[(size_t)i * a->width], &b->bounds[(size_t)i * a->width]) != 0 ||
            (a->tuple_part && a->tuple_part[i] != b->tuple_part[i]))
            return false;
    }
    return true;
}
