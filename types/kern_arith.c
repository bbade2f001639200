/* Vector kernels of arithmetic, comparison and logic for operands that are already held alike. Each loop has no branch on
 * data other than overflow; NULLs are combined word by word. Whatever does not fit these shapes goes row by row. */
#include "types/func-int.h"

/* out's validity = and of the arguments', for the rows of sel. Without a selection by words, else by rows. */
static void and_valid(const struct vec *const *args, uint32_t n, const struct sel *sel, struct vec *out)
{
    if (!sel->rows) {
        uint32_t words = (sel->n + 63) / 64;

        for (uint32_t w = 0; w < words; w++) {
            uint64_t v = ~UINT64_C(0);

            for (uint32_t i = 0; i < n; i++)
                v &= args[i]->is_const ? (args[i]->valid[0] & 1 ? ~UINT64_C(0) : 0) : args[i]->valid[w];
            out->valid[w] = v;
        }
        return;
    }
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = sel->rows[k];
        bool v = true;

        for (uint32_t i = 0; i < n; i++)
            v &= vec_is_valid(args[i], row);
        if (v)
            vec_set_valid(out, row);
        else
            vec_set_null(out, row);
    }
}

/* Steps of 0 for constants. */
#define STEP(v) ((v)->is_const ? 0u : 1u)
#define EACH(row, k, sel) for (uint32_t k = 0, row; k < (sel)->n && (row = SEL_ROW(sel, k), true); k++)

#define INT_KERNEL(name, type, field, builtin, what)                                                                   \
    static bool name(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel, \
        struct vec *out)                                                                                               \
    {                                                                                                                  \
        const type *a = args[0]->field, *b = args[1]->field;                                                           \
        uint32_t sa = STEP(args[0]), sb = STEP(args[1]);                                                               \
        type *r = out->field;                                                                                          \
        bool over = false;                                                                                             \
                                                                                                                       \
        and_valid(args, 2, sel, out);                                                                                  \
        EACH(row, k, sel)                                                                                              \
        {                                                                                                              \
            type t;                                                                                                    \
            bool o = builtin(a[row * sa], b[row * sb], &t);                                                            \
                                                                                                                       \
            r[row] = t;                                                                                                \
            over |= o & vec_is_valid(out, row);                                                                        \
        }                                                                                                              \
        return over ? func_out_of_range(cx, c, what) : true;                                                           \
    }

INT_KERNEL(add_i64, int64_t, i64, __builtin_add_overflow, "BIGINT")
INT_KERNEL(sub_i64, int64_t, i64, __builtin_sub_overflow, "BIGINT")
INT_KERNEL(mul_i64, int64_t, i64, __builtin_mul_overflow, "BIGINT")
INT_KERNEL(add_u64, uint64_t, u64, __builtin_add_overflow, "BIGINT UNSIGNED")
INT_KERNEL(sub_u64, uint64_t, u64, __builtin_sub_overflow, "BIGINT UNSIGNED")
INT_KERNEL(mul_u64, uint64_t, u64, __builtin_mul_overflow, "BIGINT UNSIGNED")
INT_KERNEL(add_i128, int128, i128, __builtin_add_overflow, "DECIMAL")
INT_KERNEL(sub_i128, int128, i128, __builtin_sub_overflow, "DECIMAL")

/* dec64 times dec64 into 128 bits never overflows. */
static bool mul_dec64_128(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    const int64_t *a = args[0]->i64, *b = args[1]->i64;
    uint32_t sa = STEP(args[0]), sb = STEP(args[1]);

    (void)cx, (void)c;
    and_valid(args, 2, sel, out);
    EACH(row, k, sel)
    out->i128[row] = (int128)a[row * sa] * b[row * sb];
    return true;
}

#define F64_KERNEL(name, op)                                                                                           \
    static bool name(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel, \
        struct vec *out)                                                                                               \
    {                                                                                                                  \
        const double *a = args[0]->f64, *b = args[1]->f64;                                                             \
        uint32_t sa = STEP(args[0]), sb = STEP(args[1]);                                                               \
        bool over = false;                                                                                             \
                                                                                                                       \
        and_valid(args, 2, sel, out);                                                                                  \
        EACH(row, k, sel)                                                                                              \
        {                                                                                                              \
            double t = a[row * sa] op b[row * sb];                                                                     \
                                                                                                                       \
            out->f64[row] = t;                                                                                         \
            over |= !__builtin_isfinite(t) & vec_is_valid(out, row);                                                   \
        }                                                                                                              \
        return over ? func_out_of_range(cx, c, "DOUBLE") : true;                                                       \
    }

F64_KERNEL(add_f64, +)
F64_KERNEL(sub_f64, -)
F64_KERNEL(mul_f64, *)

/* Chooses by the vectors as they come; falls back to rows. */
static bool run_rows(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    struct value v[2], r;

    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);

        for (uint32_t i = 0; i < c->n_args; i++)
            vec_get(args[i], row, &v[i]);
        if (!func_eval_scalar(cx, c, v, &r))
            return false;
        if (!vec_put(out, row, &r))
            return func_out_of_range(cx, c, "DECIMAL");
    }
    return true;
}

static bool arith(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    static const func_kernel_fn i64[] = {add_i64, sub_i64, mul_i64}, u64[] = {add_u64, sub_u64, mul_u64},
                                f64[] = {add_f64, sub_f64, mul_f64}, i128[] = {add_i128, sub_i128, NULL};
    unsigned op = c->f->id - FUNC_ADD;
    enum vec_kind a = (enum vec_kind)args[0]->kind, b = (enum vec_kind)args[1]->kind, o = (enum vec_kind)out->kind;

    if (a == b && a == o) {
        if (a == VEC_I64)
            return i64[op](cx, c, args, sel, out);
        if (a == VEC_U64)
            return u64[op](cx, c, args, sel, out);
        if (a == VEC_F64)
            return f64[op](cx, c, args, sel, out);
        if (a == VEC_DEC64 && op < 2 && args[0]->scale == args[1]->scale && out->scale == args[0]->scale)
            return i64[op](cx, c, args, sel, out);
        if (a == VEC_DEC64 && op == 2 && out->scale == args[0]->scale + args[1]->scale)
            return mul_i64(cx, c, args, sel, out);
        if (a == VEC_DEC128 && op < 2 && args[0]->scale == args[1]->scale && out->scale == args[0]->scale)
            return i128[op](cx, c, args, sel, out);
    }
    if (op == 2 && a == VEC_DEC64 && b == VEC_DEC64 && o == VEC_DEC128 && out->scale == args[0]->scale + args[1]->scale)
        return mul_dec64_128(cx, c, args, sel, out);
    return run_rows(cx, c, args, sel, out);
}

func_kernel_fn kernel_arith(const struct func_call *c)
{
    enum func_id id = c->f->id;

    return id == FUNC_ADD || id == FUNC_SUB || id == FUNC_MUL ? arith : NULL;
}

/* ---- comparison ---- */

#define CMP_LOOP(type, field)                                                                                          \
    do {                                                                                                               \
        const type *pa = args[0]->field, *pb = args[1]->field;                                                           \
        EACH(row, k, sel)                                                                                              \
        {                                                                                                              \
            type x = pa[row * sa], y = pb[row * sb];                                                                     \
                                                                                                                       \
            out->i64[row] = (x < y ? lt : 0) | (x == y ? eq : 0) | (x > y ? gt : 0);                                   \
        }                                                                                                              \
    } while (0)

static bool compare(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    enum func_id id = c->f->id;
    int64_t lt = id == FUNC_LT || id == FUNC_LE || id == FUNC_NE, eq = id == FUNC_EQ || id == FUNC_LE || id == FUNC_GE,
            gt = id == FUNC_GT || id == FUNC_GE || id == FUNC_NE;
    uint32_t sa = STEP(args[0]), sb = STEP(args[1]);
    enum vec_kind a = (enum vec_kind)args[0]->kind, b = (enum vec_kind)args[1]->kind;
    bool times = (a == VEC_DATE || a == VEC_DATETIME) && (b == VEC_DATE || b == VEC_DATETIME);

    if (!times && (a != b || args[0]->scale != args[1]->scale))
        return run_rows(cx, c, args, sel, out);
    and_valid(args, 2, sel, out);
    switch (a) {
    case VEC_I64:
    case VEC_DEC64:
    case VEC_DATE:
    case VEC_DATETIME:
    case VEC_TIME:
        CMP_LOOP(int64_t, i64);
        return true;
    case VEC_U64:
        CMP_LOOP(uint64_t, u64);
        return true;
    case VEC_F64:
        CMP_LOOP(double, f64);
        return true;
    case VEC_DEC128:
        CMP_LOOP(int128, i128);
        return true;
    case VEC_DEC256:
        return run_rows(cx, c, args, sel, out);
    case VEC_STR:
        break;
    }
    if (c->cmp != CMP_AS_STRING)
        return run_rows(cx, c, args, sel, out);
    EACH(row, k, sel)
    {
        int r;

        if (!vec_is_valid(out, row))
            continue;
        r = coll_compare(c->coll, strv_get(&args[0]->str[row * sa]), strv_get(&args[1]->str[row * sb]));
        out->i64[row] = r < 0 ? lt : r == 0 ? eq : gt;
    }
    return true;
}

func_kernel_fn kernel_compare(const struct func_call *c)
{
    enum func_id id = c->f->id;

    return id >= FUNC_EQ && id <= FUNC_GE ? compare : NULL;
}

/* ---- NULL tests ---- */

static bool is_null(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    bool want = c->f->id == FUNC_IS_NOT_NULL;

    (void)cx;
    EACH(row, k, sel)
    {
        out->i64[row] = vec_is_valid(args[0], row) == want;
        vec_set_valid(out, row);
    }
    return true;
}

func_kernel_fn kernel_logic(const struct func_call *c)
{
    return c->f->id == FUNC_IS_NULL || c->f->id == FUNC_IS_NOT_NULL ? is_null : NULL;
}
