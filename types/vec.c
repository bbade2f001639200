/* Vectors are accessed in two ways: kernels use the arrays and the bitmap directly, everything else goes cell by cell through
 * vec_get and vec_put. Strings of up to 12 bytes live in the view; longer ones are copied to the heap by vec_put and vec_copy, or
 * only viewed where the caller says that the bytes stay. Unused inline bytes are zero, so equality is two 8-byte compares. */
#include "types/vec.h"

#include "types/coll.h"
#include "types/json.h"
#include "util/hash.h"
#include "util/strbuf.h"

struct strv strv_make(struct sv s)
{
    struct strv v = {.len = (uint32_t)s.len};

    if (s.len <= STRV_INLINE) {
        if (s.len)
            memcpy(v.head, s.ptr, MIN(s.len, (size_t)4));
        if (s.len > 4)
            memcpy(v.tail, s.ptr + 4, s.len - 4);
    } else {
        memcpy(v.head, s.ptr, 4);
        v.ptr = s.ptr;
    }
    return v;
}

bool strv_eq(const struct strv *a, const struct strv *b)
{
    if (a->len != b->len || memcmp(a->head, b->head, 4) != 0)
        return false;
    if (a->len <= STRV_INLINE)
        return memcmp(a->tail, b->tail, 8) == 0;
    return a->ptr == b->ptr || memcmp(a->ptr, b->ptr, a->len) == 0;
}

enum vec_kind vec_kind_of(const struct sql_type *t)
{
    unsigned p;

    switch (type_kind_of(t)) {
    case KIND_I64:
        return VEC_I64;
    case KIND_U64:
        return VEC_U64;
    case KIND_F64:
        return VEC_F64;
    case KIND_DEC:
        p = type_dec_precision(t);
        return p <= 18 ? VEC_DEC64 : p <= 38 ? VEC_DEC128 : VEC_DEC256;
    case KIND_DATE:
        return VEC_DATE;
    case KIND_DATETIME:
        return VEC_DATETIME;
    case KIND_TIME:
        return VEC_TIME;
    case KIND_NULL:
    case KIND_STR:
        break;
    }
    return VEC_STR;
}

size_t vec_width(enum vec_kind k)
{
    return k == VEC_DEC128 || k == VEC_STR ? 16 : k == VEC_DEC256 ? 32 : 8;
}

struct vec *vec_new_kind(struct arena *a, const struct sql_type *t, enum vec_kind k, unsigned scale, uint32_t cap,
    struct arena *heap)
{
    struct vec *v = ARENA_NEW(a, struct vec);

    v->type = *t;
    v->kind = (uint8_t)k;
    v->scale = (uint8_t)scale;
    v->cap = cap;
    v->valid = ARENA_NEW_N(a, uint64_t, (cap + 63) / 64 + 1);
    v->data = arena_calloc(a, cap, vec_width(k));
    v->heap = heap;
    return v;
}

struct vec *vec_new(struct arena *a, const struct sql_type *t, uint32_t cap, struct arena *heap)
{
    return vec_new_kind(a, t, vec_kind_of(t), type_kind_of(t) == KIND_DEC ? t->decimals : 0, cap, heap);
}

struct vec *vec_new_const(struct arena *a, const struct sql_type *t, const struct value *v)
{
    enum vec_kind k = vec_kind_of(t);
    unsigned scale = type_kind_of(t) == KIND_DEC ? t->decimals : 0;
    struct vec *r;

    if (v->kind == KIND_DEC && type_kind_of(t) == KIND_DEC) { /* all its digits, also those that are not displayed */
        unsigned p;

        scale = v->d.scale;
        p = dec_int_digits(&v->d) + scale;
        if ((p > 18 && k == VEC_DEC64) || p > 38)
            k = p > 38 ? VEC_DEC256 : VEC_DEC128;
    }
    r = vec_new_kind(a, t, k, scale, 1, a);
    r->is_const = true;
    r->hex = v->kind == KIND_STR && v->code == TYPE_BIT;
    if (v->kind != KIND_NULL)
        CHECK(vec_put(r, 0, v));
    return r;
}

void vec_clear(struct vec *v)
{
    memset(v->valid, 0, ((v->cap + 63) / 64) * sizeof(uint64_t));
    v->no_nulls = false;
}

void vec_get(const struct vec *v, uint32_t row, struct value *out)
{
    row = vec_row(v, row);
    if (!vec_is_valid(v, row)) {
        *out = value_null();
        return;
    }
    out->code = 0;
    out->fsp = 0;
    out->coll = v->type.coll;
    switch ((enum vec_kind)v->kind) {
    case VEC_I64:
        out->kind = KIND_I64;
        out->code = v->type.flags & TYPE_IS_BOOL ? TYPE_TINY : 0;
        out->i = v->i64[row];
        return;
    case VEC_U64:
        out->kind = KIND_U64;
        out->code = v->type.code == TYPE_YEAR || v->type.code == TYPE_BIT ? v->type.code : 0;
        out->u = v->u64[row];
        return;
    case VEC_F64:
        out->kind = KIND_F64;
        out->code = v->type.code == TYPE_FLOAT ? TYPE_FLOAT : 0;
        out->f = v->f64[row];
        return;
    case VEC_DEC64:
        out->kind = KIND_DEC;
        out->d = dec_from_i128(v->i64[row], v->scale);
        return;
    case VEC_DEC128:
        out->kind = KIND_DEC;
        out->d = dec_from_i128(v->i128[row], v->scale);
        return;
    case VEC_DEC256:
        out->kind = KIND_DEC;
        out->d = dec_from_i256(v->i256[row], v->scale);
        return;
    case VEC_DATE:
        out->kind = KIND_DATE;
        out->t = v->i64[row];
        return;
    case VEC_DATETIME:
        out->kind = KIND_DATETIME;
        out->fsp = v->type.decimals;
        out->t = v->i64[row];
        return;
    case VEC_TIME:
        out->kind = KIND_TIME;
        out->fsp = v->type.decimals;
        out->t = v->i64[row];
        return;
    case VEC_STR:
        out->kind = KIND_STR;
        out->code = v->hex ? TYPE_BIT : v->type.code == TYPE_JSON ? TYPE_JSON : 0;
        out->s = strv_get(&v->str[row]);
        return;
    }
}

static bool put_dec(struct vec *v, uint32_t row, struct dec d)
{
    int128 i;

    if (d.scale != v->scale && dec_rescale(&d, v->scale, DEC_HALF_UP) == DEC_OVERFLOW)
        return false;
    if (d.scale != v->scale) {
        /* The digits that fit are fewer than the vector's scale: append zeros as long as 256 bits allow. */
        if (!dec_is_zero(&d))
            return false;
        d.scale = v->scale;
    }
    if (v->kind == VEC_DEC256) {
        v->i256[row] = dec_to_i256(&d);
        return true;
    }
    if (!dec_to_i128(&d, &i))
        return false;
    if (v->kind == VEC_DEC128) {
        v->i128[row] = i;
        return true;
    }
    if (i > INT64_MAX || i < INT64_MIN)
        return false;
    v->i64[row] = (int64_t)i;
    return true;
}

static void put_str(struct vec *v, uint32_t row, struct sv s, bool view)
{
    if (s.len > STRV_INLINE && !view) {
        char *p = arena_alloc(v->heap, s.len);

        memcpy(p, s.ptr, s.len);
        s.ptr = p;
    }
    v->str[row] = strv_make(s);
}

bool vec_put(struct vec *v, uint32_t row, const struct value *in)
{
    if (in->kind == KIND_NULL) {
        vec_set_null(v, row);
        return true;
    }
    switch ((enum vec_kind)v->kind) {
    case VEC_I64:
        v->i64[row] = value_to_i64(in, NULL);
        break;
    case VEC_U64:
        v->u64[row] = value_to_u64_bits(in, NULL);
        break;
    case VEC_F64:
        v->f64[row] = value_to_f64(in, NULL);
        break;
    case VEC_DEC64:
    case VEC_DEC128:
    case VEC_DEC256:
        if (!put_dec(v, row, in->kind == KIND_DEC ? in->d : value_to_dec(in, NULL)))
            return false;
        break;
    case VEC_DATE:
    case VEC_DATETIME:
        v->i64[row] = in->kind == KIND_DATE || in->kind == KIND_DATETIME ? in->t : 0;
        if (in->kind != KIND_DATE && in->kind != KIND_DATETIME && !value_to_datetime(in, NULL, &v->i64[row]))
            return false;
        if (v->kind == VEC_DATE)
            v->i64[row] = temporal_date_part(v->i64[row]);
        break;
    case VEC_TIME:
        if (!value_to_time(in, NULL, &v->i64[row]))
            return false;
        break;
    case VEC_STR:
        if (in->kind == KIND_STR)
            put_str(v, row, in->s, false);
        else
            put_str(v, row, value_to_str(in, NULL, v->heap), true);
        break;
    }
    vec_set_valid(v, row);
    return true;
}

bool vec_copy(struct vec *dst, uint32_t drow, const struct vec *src, uint32_t srow)
{
    struct value tmp;

    srow = vec_row(src, srow);
    if (!vec_is_valid(src, srow)) {
        vec_set_null(dst, drow);
        return true;
    }
    if (dst->kind != src->kind || dst->scale != src->scale) {
        vec_get(src, srow, &tmp);
        if (tmp.kind == KIND_STR || dst->kind != VEC_STR)
            return vec_put(dst, drow, &tmp);
        put_str(dst, drow, value_to_str(&tmp, &src->type, dst->heap), true);
        vec_set_valid(dst, drow);
        return true;
    }
    if (src->kind == VEC_STR) {
        put_str(dst, drow, strv_get(&src->str[srow]), false);
    } else {
        size_t w = vec_width((enum vec_kind)src->kind);

        memcpy((char *)dst->data + drow * w, (const char *)src->data + srow * w, w);
    }
    vec_set_valid(dst, drow);
    return true;
}

bool vec_copy_sel(struct vec *dst, uint32_t from, const struct vec *src, const struct sel *sel, bool share)
{
    if (share && dst->kind == VEC_STR && src->kind == VEC_STR) {
        for (uint32_t k = 0; k < sel->n; k++) {
            uint32_t row = vec_row(src, SEL_ROW(sel, k));

            dst->str[from + k] = src->str[row];
            if (vec_is_valid(src, row))
                vec_set_valid(dst, from + k);
            else
                vec_set_null(dst, from + k);
        }
        return true;
    }
    for (uint32_t k = 0; k < sel->n; k++) {
        if (!vec_copy(dst, from + k, src, SEL_ROW(sel, k)))
            return false;
    }
    return true;
}

/* ---- text ---- */

/* "-123.45" straight to a scaled int64; false: take the slow way. */
static bool fast_dec64(struct sv s, unsigned scale, int64_t *out)
{
    bool neg = s.len && s.ptr[0] == '-', point = false;
    unsigned frac = 0;
    int64_t v = 0;

    if (s.len > 19)
        return false;
    for (size_t i = neg; i < s.len; i++) {
        if (s.ptr[i] == '.' && !point) {
            point = true;
            continue;
        }
        if (s.ptr[i] < '0' || s.ptr[i] > '9')
            return false;
        v = v * 10 + (s.ptr[i] - '0');
        frac += point;
    }
    if (frac != scale || s.len == neg)
        return false;
    *out = neg ? -v : v;
    return true;
}

bool vec_put_text(struct vec *v, uint32_t row, struct sv cell, bool view)
{
    struct value tmp;

    if (!cell.ptr) {
        vec_set_null(v, row);
        return true;
    }
    if (v->kind == VEC_STR) {
        put_str(v, row, cell, view);
    } else if (v->kind == VEC_DEC64 && fast_dec64(cell, v->scale, &v->i64[row])) {
        /* done */
    } else {
        if (!value_from_text(cell, &v->type, &tmp))
            return false;
        return vec_put(v, row, &tmp);
    }
    vec_set_valid(v, row);
    return true;
}

bool vec_print(const struct vec *v, uint32_t row, const struct sql_type *as, struct strbuf *b)
{
    struct value tmp;

    if (!vec_is_valid(v, row))
        return false;
    if (v->kind == VEC_STR) {
        strbuf_putsv(b, strv_get(&v->str[vec_row(v, row)]));
        return true;
    }
    vec_get(v, row, &tmp);
    if (as && type_is_string(as) && !type_is_string(&v->type))
        as = NULL; /* a string result that is held typed: its own layout */
    value_print(&tmp, as ? as : &v->type, b);
    return true;
}

void vec_print_binary(const struct vec *v, uint32_t row, const struct sql_type *as, struct strbuf *b)
{
    struct value tmp;

    vec_get(v, row, &tmp);
    value_print_binary(&tmp, as ? as : &v->type, b);
}

/* ---- hash and comparison ---- */

static const uint64_t null_hash = UINT64_C(0x9ae16a3b2f90404f);

static uint64_t cell_hash(const struct vec *v, uint32_t row)
{
    switch ((enum vec_kind)v->kind) {
    case VEC_I64:
    case VEC_U64:
    case VEC_DEC64:
    case VEC_DATE:
    case VEC_DATETIME:
    case VEC_TIME:
        return mix64(v->u64[row]);
    case VEC_F64: {
        double f = v->f64[row] == 0 ? 0 : v->f64[row]; /* -0 equals 0 */
        uint64_t u;

        memcpy(&u, &f, 8);
        return mix64(u);
    }
    case VEC_DEC128:
        return hash64(&v->i128[row], 16);
    case VEC_DEC256:
        return hash64(&v->i256[row], 32);
    case VEC_STR:
        return coll_hash(v->type.coll, strv_get(&v->str[row]), 0);
    }
    return 0;
}

void vec_hash(const struct vec *v, const struct sel *sel, uint64_t *hashes)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = vec_row(v, SEL_ROW(sel, k));

        hashes[k] = hash_combine(hashes[k], vec_is_valid(v, row) ? cell_hash(v, row) : null_hash);
    }
}

static int cmp_i128(int128 a, int128 b)
{
    return (a > b) - (a < b);
}

static int cmp_valid(const struct vec *a, uint32_t i, const struct vec *b, uint32_t j)
{
    struct value x, y;

    if (a->kind == b->kind && a->scale == b->scale) {
        switch ((enum vec_kind)a->kind) {
        case VEC_I64:
        case VEC_DEC64:
        case VEC_DATE:
        case VEC_DATETIME:
        case VEC_TIME:
            return (a->i64[i] > b->i64[j]) - (a->i64[i] < b->i64[j]);
        case VEC_U64:
            return (a->u64[i] > b->u64[j]) - (a->u64[i] < b->u64[j]);
        case VEC_F64:
            return (a->f64[i] > b->f64[j]) - (a->f64[i] < b->f64[j]);
        case VEC_DEC128:
            return cmp_i128(a->i128[i], b->i128[j]);
        case VEC_STR:
            return coll_compare(a->type.coll, strv_get(&a->str[i]), strv_get(&b->str[j]));
        case VEC_DEC256:
            break;
        }
    }
    vec_get(a, i, &x);
    vec_get(b, j, &y);
    return value_cmp_same(&x, &y, a->type.coll);
}

int vec_cmp(const struct vec *a, uint32_t i, const struct vec *b, uint32_t j)
{
    bool va, vb;

    i = vec_row(a, i);
    j = vec_row(b, j);
    va = vec_is_valid(a, i);
    vb = vec_is_valid(b, j);
    if (!va || !vb)
        return va - vb;
    if (type_is_json_value(&a->type) && type_is_json_value(&b->type))
        return json_sort_cmp(strv_get(&a->str[i]), strv_get(&b->str[j]));
    return cmp_valid(a, i, b, j);
}

bool vec_eq(const struct vec *a, uint32_t i, const struct vec *b, uint32_t j)
{
    bool va, vb;

    i = vec_row(a, i);
    j = vec_row(b, j);
    va = vec_is_valid(a, i);
    vb = vec_is_valid(b, j);
    if (!va || !vb)
        return va == vb;
    if (a->kind == VEC_STR && b->kind == VEC_STR && strv_eq(&a->str[i], &b->str[j]))
        return true;
    return cmp_valid(a, i, b, j) == 0;
}

/* ---- batches ---- */

struct batch *batch_new(struct arena *a, const struct sql_type *types, uint32_t n_cols, uint32_t cap, struct arena *heap)
{
    struct batch *b = ARENA_NEW(a, struct batch);

    b->cols = ARENA_NEW_N(a, struct vec *, n_cols + 1);
    b->n_cols = n_cols;
    b->cap = cap;
    for (uint32_t i = 0; i < n_cols; i++)
        b->cols[i] = vec_new(a, &types[i], cap, heap);
    return b;
}

void batch_clear(struct batch *b)
{
    for (uint32_t i = 0; i < b->n_cols; i++) {
        if (b->cols[i] && !b->cols[i]->is_const)
            vec_clear(b->cols[i]);
    }
    b->n_rows = b->n_sel = 0;
    b->rows = NULL;
}

bool batch_push_text(struct batch *b, const struct sv *cells, bool view, uint32_t *bad)
{
    uint32_t row = b->n_rows;

    ASSERT(row < b->cap && !b->rows);
    for (uint32_t i = 0; i < b->n_cols; i++) {
        if (!vec_put_text(b->cols[i], row, cells[i], view)) {
            *bad = i;
            return false;
        }
    }
    b->n_sel = ++b->n_rows;
    return true;
}

size_t batch_bytes(const struct batch *b)
{
    size_t n = sizeof(*b);

    for (uint32_t i = 0; i < b->n_cols; i++) {
        const struct vec *v = b->cols[i];

        n += sizeof(*v) + v->cap * vec_width((enum vec_kind)v->kind) + v->cap / 8 + 8;
        if (v->kind != VEC_STR)
            continue;
        for (uint32_t r = 0; r < (v->is_const ? 1 : b->n_rows); r++)
            n += vec_is_valid(v, r) && v->str[r].len > STRV_INLINE ? v->str[r].len : 0;
    }
    return n;
}
