#include "types/sortkey.h"

#include "types/coll.h"
#include "types/json.h"
#include "util/strbuf.h"

static void put_be(struct strbuf *b, uint64_t v)
{
    char buf[8];

    for (int i = 0; i < 8; i++)
        buf[i] = (char)(v >> 8 * (7 - i));
    strbuf_put(b, buf, 8);
}

static const uint64_t sign_bit = UINT64_C(1) << 63;

/* Positive doubles get the sign bit, negative ones are inverted: the order of the bits is then that of the numbers. */
static uint64_t double_bits(double f)
{
    uint64_t u;

    if (f == 0)
        f = 0;
    memcpy(&u, &f, 8);
    return u & sign_bit ? ~u : u | sign_bit;
}

static void append_cell(const struct vec *v, uint32_t row, struct strbuf *b)
{
    uint128 u;

    switch ((enum vec_kind)v->kind) {
    case VEC_I64:
    case VEC_DEC64:
    case VEC_DATE:
    case VEC_DATETIME:
    case VEC_TIME:
        put_be(b, (uint64_t)v->i64[row] ^ sign_bit);
        return;
    case VEC_U64:
        put_be(b, v->u64[row]);
        return;
    case VEC_F64:
        put_be(b, double_bits(v->f64[row]));
        return;
    case VEC_DEC128:
        u = (uint128)v->i128[row];
        put_be(b, (uint64_t)(u >> 64) ^ sign_bit);
        put_be(b, (uint64_t)u);
        return;
    case VEC_DEC256:
        put_be(b, v->i256[row].w[3] ^ sign_bit);
        for (int i = 2; i >= 0; i--)
            put_be(b, v->i256[row].w[i]);
        return;
    case VEC_STR:
        if (type_is_json_value(&v->type)) {
            json_sort_key(strv_get(&v->str[row]), b);
            return;
        }
        coll_orderkey(v->type.coll, strv_get(&v->str[row]), b);
        return;
    }
}

void sortkey_append(const struct batch *b, uint32_t row, const struct sort_col *cols, uint32_t n, struct strbuf *out)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct vec *v = b->cols[cols[i].col];
        uint32_t r = vec_row(v, row);
        size_t at = out->len;
        bool valid = vec_is_valid(v, r);

        strbuf_putc(out, valid ? 1 : 0);
        if (valid)
            append_cell(v, r, out);
        if (cols[i].desc && !out->overflow) {
            for (size_t k = at; k < out->len; k++)
                out->ptr[k] = (char)~out->ptr[k];
        }
    }
}

int sortkey_compare_rows(const struct batch *x, uint32_t xrow, const struct batch *y, uint32_t yrow, const struct sort_col *cols,
    uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        int c = vec_cmp(x->cols[cols[i].col], xrow, y->cols[cols[i].col], yrow);

        if (c)
            return cols[i].desc ? -c : c;
    }
    return 0;
}
