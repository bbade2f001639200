/* Window functions.
 *
 * The rows of one partition are kept, each with the values of all functions' arguments and of the limits of RANGE frames behind its
 * own columns (op_pages.c: by pages, which go to disk when memory is refused). When the partition has ended they are given out in
 * order; each function keeps where it is: its frame as row numbers [start, end), and an aggregate's state over it. While a frame
 * only grows, rows are added to the state. A frame that loses rows is computed anew, in the order of its rows, as a server does it
 * (sums of doubles depend on the order); but long frames of aggregates that do not (exact ones) are put together from states of
 * blocks of 64 rows. */
#include "executor/op-int.h"

#include "types/coll.h"

enum { BLOCK = 64 };

struct win_fn {
    struct op_window_fn f;
    uint32_t first_arg; /* columns of the store */
    uint32_t limit[2];  /* of start and end; UINT32_MAX: none */
    struct agg_call call;
    void *state, *merged;
    char *blocks;         /* states of blocks of rows; NULL: not made for this partition */
    struct arena grow, block_grow;
    uint64_t from, to;    /* rows in the state */
    bool exact;           /* merging states gives what adding rows gives */
    struct func_call as;  /* LAG and LEAD with a default: the common type */
};

struct window {
    struct op op;
    struct vm *vm; /* arguments and limits */
    struct vec **vals, **cols, **aligned;
    uint32_t n_vals, n_part, n_order, n_fns;
    const uint32_t *part;
    const struct sort_col *order;
    struct win_fn *fns;
    struct row_layout *l;
    struct row_pages rows;
    struct batch *in; /* partly taken */
    uint32_t in_at;
    bool input_done, whole;
    uint64_t at, peer_start, peer_end, dense;
    struct batch *out, *args; /* args: one batch of arguments, gathered */
    char **ptrs;
    void **states;
    uint32_t *sel_rows;
    struct arena text;
    size_t counted;
};

/* ---- input ---- */

static bool same_partition(struct window *w, uint32_t row)
{
    const char *first = row_pages_at(&w->rows, 0);

    for (uint32_t i = 0; i < w->n_part; i++) {
        uint32_t c = w->part[i], r;
        const struct vec *v = w->aligned[c];
        bool valid;

        r = vec_row(v, row);
        valid = vec_is_valid(v, r);
        if (valid != row_is_valid(first, c) || (valid && !row_cell_equals(w->l, c, first, v, r)))
            return false;
    }
    return true;
}

/* Rows of the batch as long as they belong to the partition. False: error. */
static bool take_rows(struct window *w)
{
    struct sel sel = batch_sel(w->in);
    uint32_t n = 0;

    for (; w->in_at < sel.n; w->in_at++) {
        uint32_t row = SEL_ROW(&sel, w->in_at);
        struct sel one = {&row, 1};

        if (w->rows.n == 0) {
            if (!row_pages_put(&w->rows, w->aligned, &one))
                return false;
        } else if (!same_partition(w, row)) {
            w->whole = true;
            break;
        } else {
            w->sel_rows[n++] = row;
        }
    }
    sel = (struct sel){w->sel_rows, n};
    if (!row_pages_put(&w->rows, w->aligned, &sel))
        return false;
    if (w->in_at == w->in->n_sel)
        w->in = NULL;
    op_hold(&w->op, &w->counted, w->rows.bytes);
    if (op_try_charge(&w->op))
        return true;
    if (!op_can_spill(&w->op))
        return op_charge(&w->op);
    if (!row_pages_spill(&w->rows))
        return false;
    op_hold(&w->op, &w->counted, w->rows.bytes);
    op_force_charge(&w->op);
    return true;
}

static enum op_result read_partition(struct window *w)
{
    while (!w->whole) {
        struct sel sel;
        enum op_result r;

        if (!w->in) {
            r = w->input_done ? OP_DONE : op_next(w->op.children[0], &w->in);
            if (r == OP_DONE) {
                w->in = NULL;
                w->input_done = w->whole = true;
                break;
            }
            if (r != OP_BATCH) {
                w->in = NULL;
                return r;
            }
            w->in_at = 0;
            if (!vm_run(w->vm, w->in, w->vals, w->op.cx->diag))
                return OP_ERROR;
            for (uint32_t i = 0; i < w->in->n_cols; i++)
                w->cols[i] = w->in->cols[i];
            for (uint32_t i = 0; i < w->n_vals; i++)
                w->cols[w->in->n_cols + i] = w->vals[i];
            sel = batch_sel(w->in);
            if (!row_align(w->l, w->cols, &sel, w->aligned, w->op.cx->diag))
                return OP_ERROR;
        }
        if (!take_rows(w))
            return OP_ERROR;
    }
    return OP_BATCH;
}

/* ---- frames ---- */

static bool peers(const struct window *w, const char *a, const char *b)
{
    for (uint32_t i = 0; i < w->n_order; i++) {
        if (!row_equals_row(w->l, a, b, w->order[i].col, 1))
            return false;
    }
    return true;
}

static void get_cell(const struct window *w, uint32_t col, const char *row, struct value *out)
{
    struct vec v = {.type = w->l->cols[col].type, .kind = w->l->col[col].kind, .scale = w->l->col[col].scale, .cap = 1};
    uint64_t valid = row_is_valid(row, col);
    union {
        uint64_t u;
        uint128 w;
        struct i256 i;
        struct strv s;
    } cell;

    memcpy(&cell, row + w->l->col[col].off, w->l->col[col].width);
    v.valid = &valid;
    v.data = &cell;
    vec_get(&v, 0, out);
    if (out->kind == KIND_STR) { /* short texts are in the view itself, which is the row's */
        const struct strv *in_row = (const struct strv *)(const void *)(row + w->l->col[col].off);

        out->s = strv_get(in_row);
    }
}

/* -1, 0, 1: the order column of a row against a limit, in the window's direction. */
static int against(struct window *w, uint64_t i, const struct value *limit, const struct sql_type *limit_type)
{
    const struct sort_col *o = &w->order[0];
    const struct sql_type *t = &w->l->cols[o->col].type;
    struct value v;
    int c;

    get_cell(w, o->col, row_pages_at(&w->rows, i), &v);
    if (value_is_null(&v))
        c = -1;
    else
        c = value_compare(&v, limit, value_cmp_rule(t, limit_type, false, false), t->coll, w->op.cx->env);
    return o->desc ? -c : c;
}

/* The first row that is not before the limit, or (behind) the first that is behind it. */
static uint64_t range_bound(struct window *w, uint32_t limit_col, bool behind)
{
    uint64_t low = 0, high = w->rows.n;
    struct value limit;

    get_cell(w, limit_col, row_pages_at(&w->rows, w->at), &limit);
    if (value_is_null(&limit))
        return behind ? w->peer_end : w->peer_start;
    while (low < high) {
        uint64_t mid = low + (high - low) / 2;
        int c = against(w, mid, &limit, &w->l->cols[limit_col].type);

        if (behind ? c <= 0 : c < 0)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

static uint64_t bound_at(struct window *w, const struct win_fn *f, bool end)
{
    const struct op_frame_bound *b = end ? &f->f.frame.end : &f->f.frame.start;
    uint64_t n = w->rows.n, i = w->at, past = i + end;

    switch (b->how) {
    case OP_BOUND_UNBOUNDED_PRECEDING:
        return 0;
    case OP_BOUND_UNBOUNDED_FOLLOWING:
        return n;
    case OP_BOUND_CURRENT_ROW:
        return !f->f.frame.range ? past : end ? w->peer_end : w->peer_start;
    case OP_BOUND_PRECEDING:
        if (f->f.frame.range)
            return range_bound(w, f->limit[end], end);
        return past > b->n ? past - b->n : 0;
    case OP_BOUND_FOLLOWING:
        if (f->f.frame.range)
            return range_bound(w, f->limit[end], end);
        return b->n >= n - past ? n : past + b->n;
    }
    return n;
}

/* ---- aggregates ---- */

static bool add_rows(struct window *w, struct win_fn *f, void *state, uint64_t from, uint64_t to, struct arena *grow)
{
    struct func_ctx cx = {w->op.cx->env, &w->text, w->op.cx->diag, true};
    const struct vec *args[8];

    while (from < to) {
        uint32_t n = (uint32_t)MIN(to - from, (uint64_t)w->args->cap);
        struct sel sel = {NULL, n};

        for (uint32_t k = 0; k < n; k++) {
            w->ptrs[k] = row_pages_at(&w->rows, from + k);
            w->states[k] = state;
        }
        for (uint32_t i = 0; i < f->f.n_args; i++) {
            struct vec *v = w->args->cols[f->first_arg - w->op.children[0]->n_cols + i];

            row_gather(w->l, f->first_arg + i, w->ptrs, n, v, NULL, 0);
            args[i] = v;
        }
        if (!agg_update(&cx, &f->call, args, &sel, w->states, grow))
            return false;
        from += n;
    }
    return true;
}

/* States of all whole blocks of the partition. */
static bool make_blocks(struct window *w, struct win_fn *f)
{
    uint64_t n = w->rows.n / BLOCK;
    size_t bytes = (f->call.state_bytes + 15u) & ~(size_t)15;

    f->blocks = xmalloc(n * bytes + 16);
    w->op.extra += n * bytes + 16;
    for (uint64_t b = 0; b < n; b++) {
        agg_init(&f->call, f->blocks + b * bytes);
        if (!add_rows(w, f, f->blocks + b * bytes, b * BLOCK, (b + 1) * BLOCK, &f->block_grow))
            return false;
    }
    return op_try_charge(&w->op) || (op_can_spill(&w->op) ? (op_force_charge(&w->op), true) : op_charge(&w->op));
}

static void drop_blocks(struct window *w, struct win_fn *f)
{
    size_t bytes = (f->call.state_bytes + 15u) & ~(size_t)15;

    if (f->blocks)
        w->op.extra -= w->rows.n / BLOCK * bytes + 16;
    xfree(f->blocks);
    f->blocks = NULL;
    arena_free(&f->block_grow);
}

/* f->state becomes that of the rows [from, to). */
static bool move_frame(struct window *w, struct win_fn *f, uint64_t from, uint64_t to)
{
    struct func_ctx cx = {w->op.cx->env, &w->text, w->op.cx->diag, true};
    size_t bytes = (f->call.state_bytes + 15u) & ~(size_t)15;
    uint64_t at = from;

    if (f->from == from && f->to <= to && f->to > f->from) {
        at = f->to;
    } else {
        agg_init(&f->call, f->state);
        arena_reset(&f->grow);
        if (f->exact && to - from >= 4 * BLOCK) {
            uint64_t first = (from + BLOCK - 1) / BLOCK, last = to / BLOCK;

            if (!f->blocks && !make_blocks(w, f))
                return false;
            if (!add_rows(w, f, f->state, from, first * BLOCK, &f->grow))
                return false;
            for (uint64_t b = first; b < last; b++) {
                if (!agg_merge(&cx, &f->call, f->state, f->blocks + b * bytes, &f->grow))
                    return false;
            }
            at = last * BLOCK;
        }
    }
    f->from = from;
    f->to = to;
    return at >= to || add_rows(w, f, f->state, at, to, &f->grow);
}

/* ---- values ---- */

/* A cell of the store as the result's; row NULL: NULL. */
static bool put_cell(struct window *w, const struct win_fn *f, uint32_t col, const char *row, struct vec *dst, uint32_t to)
{
    struct func_ctx cx = {w->op.cx->env, &w->text, w->op.cx->diag, true};
    struct value v, as;

    if (row && dst->kind == w->l->col[col].kind && dst->scale == w->l->col[col].scale) {
        row_get(w->l, col, row, dst, to);
        if (w->rows.spilling && dst->kind == VEC_STR && vec_is_valid(dst, to) && dst->str[to].len > STRV_INLINE) /* its page may go */
            dst->str[to].ptr = arena_dup(&w->text, strv_get(&dst->str[to])).ptr;
        return true;
    }
    v = value_null();
    if (row)
        get_cell(w, col, row, &v);
    as = v;
    if (f->as.f && !value_is_null(&v) && !func_to_result(&cx, &f->as, &v, &w->l->cols[col].type, &as))
        return false;
    return vec_put(dst, to, &as) || diag_set(cx.diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "window function");
}

static bool lag_value(struct window *w, struct win_fn *f, struct vec *dst, uint32_t to)
{
    uint64_t n = w->rows.n, i = w->at;
    bool there = f->f.fn == OP_WIN_LAG ? f->f.n <= i : f->f.n < n - i;

    if (there)
        return put_cell(w, f, f->first_arg, row_pages_at(&w->rows, f->f.fn == OP_WIN_LAG ? i - f->f.n : i + f->f.n), dst, to);
    if (f->f.n_args > 1)
        return put_cell(w, f, f->first_arg + 1, row_pages_at(&w->rows, i), dst, to);
    return put_cell(w, f, f->first_arg, NULL, dst, to);
}

static bool frame_value(struct window *w, struct win_fn *f, struct vec *dst, uint32_t to)
{
    struct func_ctx cx = {w->op.cx->env, &w->text, w->op.cx->diag, true};
    uint64_t start = bound_at(w, f, false), end = bound_at(w, f, true), at = start;
    bool some;

    end = MAX(end, start);
    if (f->f.fn == OP_WIN_AGG)
        return move_frame(w, f, MIN(start, w->rows.n), MIN(end, w->rows.n)) && agg_final(&cx, &f->call, f->state, dst, to);
    some = start < end;
    if (f->f.fn == OP_WIN_LAST_VALUE)
        at = end - 1;
    if (f->f.fn == OP_WIN_NTH_VALUE) {
        some = f->f.n - 1 < end - start;
        at = start + f->f.n - 1;
    }
    return put_cell(w, f, f->first_arg, some ? row_pages_at(&w->rows, at) : NULL, dst, to);
}

static int64_t ntile(uint64_t i, uint64_t n, uint64_t groups)
{
    uint64_t small = n / groups, longer = n % groups;

    if (i < longer * (small + 1))
        return (int64_t)(i / (small + 1)) + 1;
    return (int64_t)(longer + (i - longer * (small + 1)) / small) + 1;
}

static bool function_value(struct window *w, struct win_fn *f, struct vec *dst, uint32_t to)
{
    uint64_t n = w->rows.n, rank = w->peer_start;

    switch (f->f.fn) {
    case OP_WIN_ROW_NUMBER:
        dst->i64[to] = (int64_t)w->at + 1;
        break;
    case OP_WIN_RANK:
        dst->i64[to] = (int64_t)rank + 1;
        break;
    case OP_WIN_DENSE_RANK:
        dst->i64[to] = (int64_t)w->dense;
        break;
    case OP_WIN_PERCENT_RANK:
        dst->f64[to] = n > 1 ? (double)rank / (double)(n - 1) : 0;
        break;
    case OP_WIN_CUME_DIST:
        dst->f64[to] = (double)w->peer_end / (double)n;
        break;
    case OP_WIN_NTILE:
        dst->i64[to] = ntile(w->at, n, f->f.n);
        break;
    case OP_WIN_LAG:
    case OP_WIN_LEAD:
        return lag_value(w, f, dst, to);
    case OP_WIN_FIRST_VALUE:
    case OP_WIN_LAST_VALUE:
    case OP_WIN_NTH_VALUE:
    case OP_WIN_AGG:
        return frame_value(w, f, dst, to);
    }
    vec_set_valid(dst, to);
    return true;
}

/* ---- output ---- */

static void next_row(struct window *w)
{
    if (w->at < w->peer_end)
        return;
    w->peer_start = w->at;
    w->dense++;
    for (w->peer_end = w->at + 1; w->peer_end < w->rows.n; w->peer_end++) {
        if (!peers(w, row_pages_at(&w->rows, w->at), row_pages_at(&w->rows, w->peer_end)))
            break;
    }
}

static bool give_rows(struct window *w)
{
    struct batch *b = w->out;
    uint32_t n = 0, n_in = w->op.children[0]->n_cols;
    uint64_t from = w->at;

    arena_reset(&w->text);
    for (; n < b->cap && w->at < w->rows.n && (n == 0 || w->text.used_bytes <= OP_BATCH_BYTES); n++, w->at++) {
        next_row(w);
        for (uint32_t i = 0; i < w->n_fns; i++) {
            if (!function_value(w, &w->fns[i], b->cols[n_in + i], n))
                return false;
        }
        if (n % 64 == 0 && op_cancelled(&w->op))
            return false;
    }
    for (uint32_t k = 0; k < n; k++)
        w->ptrs[k] = row_pages_at(&w->rows, from + k);
    for (uint32_t i = 0; i < n_in; i++)
        row_gather(w->l, i, w->ptrs, n, b->cols[i], NULL, 0);
    b->n_rows = b->n_sel = n;
    if (w->rows.spilling) {
        op_hold(&w->op, &w->counted, w->rows.bytes);
        op_force_charge(&w->op);
    }
    return !w->rows.failed;
}

static void forget_partition(struct window *w)
{
    for (uint32_t i = 0; i < w->n_fns; i++) {
        drop_blocks(w, &w->fns[i]);
        w->fns[i].from = w->fns[i].to = 0;
    }
    row_pages_clear(&w->rows);
    op_hold(&w->op, &w->counted, 0);
    w->at = w->peer_start = w->peer_end = w->dense = 0;
    w->whole = false;
}

static enum op_result window_next(struct op *o, struct batch **out)
{
    struct window *w = (struct window *)o;

    if (w->whole && w->at == w->rows.n) {
        if (w->input_done)
            return OP_DONE;
        forget_partition(w);
    }
    if (!w->whole) {
        enum op_result r = read_partition(w);

        if (r != OP_BATCH)
            return r;
        if (w->rows.n == 0)
            return OP_DONE;
    }
    if (!give_rows(w))
        return OP_ERROR;
    *out = w->out;
    return OP_BATCH;
}

static void window_close(struct op *o)
{
    struct window *w = (struct window *)o;

    vm_free(w->vm);
    for (uint32_t i = 0; w->fns && i < w->n_fns; i++) {
        xfree(w->fns[i].blocks);
        arena_free(&w->fns[i].grow);
        arena_free(&w->fns[i].block_grow);
    }
    if (w->l)
        row_pages_clear(&w->rows);
    arena_free(&w->text);
}

static const struct op_ops window_ops = {"window", window_next, window_close};

/* ---- construction ---- */

static struct func_arg plain(struct sql_type t)
{
    return (struct func_arg){t, NULL, FUNC_SCALE_OF_TYPE};
}

/* The type of a function's result. */
static bool bind_fn(struct window *w, struct win_fn *f, const struct func_arg *cols, struct func_arg *out)
{
    struct op_ctx *cx = w->op.cx;
    bool mysql = cx->env->flavour == ENV_MYSQL8;
    const struct func_arg *args = cols + f->first_arg;

    switch (f->f.fn) {
    case OP_WIN_ROW_NUMBER:
    case OP_WIN_RANK:
    case OP_WIN_DENSE_RANK:
        *out = plain(type_int(mysql));
        return true;
    case OP_WIN_NTILE:
        *out = plain(type_int(mysql));
        return f->f.n || diag_set(cx->diag, ER_WRONG_ARGUMENTS, "ntile");
    case OP_WIN_PERCENT_RANK:
    case OP_WIN_CUME_DIST:
        *out = plain(type_double());
        return true;
    case OP_WIN_LAG:
    case OP_WIN_LEAD:
        *out = args[0];
        if (f->f.n_args < 2)
            return true;
        if (!func_bind(func_by_id(FUNC_COALESCE), args, 2, NULL, cx->env, cx->arena, &f->as, cx->diag))
            return false;
        *out = (struct func_arg){f->as.type, NULL, type_kind_of(&f->as.type) == KIND_DEC ? f->as.vec_scale : FUNC_SCALE_OF_TYPE};
        return true;
    case OP_WIN_NTH_VALUE:
        *out = args[0];
        return f->f.n || diag_set(cx->diag, ER_WRONG_ARGUMENTS, "nth_value");
    case OP_WIN_FIRST_VALUE:
    case OP_WIN_LAST_VALUE:
        *out = args[0];
        return true;
    case OP_WIN_AGG:
        break;
    }
    if (f->f.agg.distinct || f->f.n_args > 8)
        return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "<window function>(DISTINCT ..)");
    if (!agg_bind(&f->f.agg, args, f->f.n_args, cx->env, cx->arena, &f->call, cx->diag))
        return false;
    f->state = arena_alloc(cx->arena, f->call.state_bytes + 16);
    f->exact = f->call.type.code != TYPE_DOUBLE && f->f.agg.fn != AGG_GROUP_CONCAT && f->f.agg.fn != AGG_ANY_VALUE;
    *out = (struct func_arg){f->call.type, NULL, type_kind_of(&f->call.type) == KIND_DEC ? f->call.vec_scale : FUNC_SCALE_OF_TYPE};
    return true;
}

/* Arguments and limits behind the child's columns. */
static bool bind_values(struct window *w, const struct op_window_fn *fns)
{
    struct op_ctx *cx = w->op.cx;
    struct op *child = w->op.children[0];
    uint32_t n = 0, max = 0;
    const struct bexpr **exprs;

    for (uint32_t i = 0; i < w->n_fns; i++)
        max += fns[i].n_args + 2;
    exprs = ARENA_NEW_N(cx->arena, const struct bexpr *, max + 1);
    for (uint32_t i = 0; i < w->n_fns; i++) {
        struct win_fn *f = &w->fns[i];
        const struct op_frame_bound *b[] = {&fns[i].frame.start, &fns[i].frame.end};

        f->f = fns[i];
        arena_init(&f->grow, 0);
        arena_init(&f->block_grow, 0);
        f->first_arg = child->n_cols + n;
        for (uint32_t k = 0; k < fns[i].n_args; k++)
            exprs[n++] = fns[i].args[k];
        for (int e = 0; e < 2; e++) {
            f->limit[e] = UINT32_MAX;
            if (!fns[i].frame.range || (b[e]->how != OP_BOUND_PRECEDING && b[e]->how != OP_BOUND_FOLLOWING))
                continue;
            if (!b[e]->limit || w->n_order != 1)
                return diag_set(cx->diag, ER_INTERNAL, "a RANGE frame without its limit or its one order column");
            f->limit[e] = child->n_cols + n;
            exprs[n++] = b[e]->limit;
        }
    }
    w->n_vals = n;
    w->vm = op_compile(cx, exprs, n, child);
    return w->vm != NULL;
}

struct op *op_window_new(struct op_ctx *cx, struct op *child, const uint32_t *part_cols, uint32_t n_part, const struct sort_col *order,
    uint32_t n_order, const struct op_window_fn *fns, uint32_t n_fns)
{
    struct window *w = op_alloc(cx, &window_ops, sizeof(*w), &child, 1);
    uint32_t cap = op_batch_rows(&w->op), n_in = child->n_cols;
    uint32_t *part = ARENA_NEW_N(cx->arena, uint32_t, n_part + 1);
    struct func_arg *cols, *out = ARENA_NEW_N(cx->arena, struct func_arg, n_in + n_fns + 1);

    arena_init(&w->text, 0);
    for (uint32_t i = 0; i < n_part; i++)
        part[i] = part_cols[i];
    w->part = part;
    w->n_part = n_part;
    w->order = op_copy_order(cx, order, n_order);
    w->n_order = n_order;
    w->fns = ARENA_NEW_N(cx->arena, struct win_fn, n_fns + 1);
    w->n_fns = n_fns;
    if (!bind_values(w, fns))
        return op_fail_new(&w->op);
    cols = ARENA_NEW_N(cx->arena, struct func_arg, n_in + w->n_vals + 1);
    for (uint32_t i = 0; i < n_in + w->n_vals; i++)
        cols[i] = i < n_in ? child->cols[i] : vm_result(w->vm, i - n_in);
    for (uint32_t i = 0; i < n_in; i++)
        out[i] = child->cols[i];
    for (uint32_t i = 0; i < n_fns; i++) {
        if (!bind_fn(w, &w->fns[i], cols, &out[n_in + i]))
            return op_fail_new(&w->op);
    }
    for (uint32_t i = 0; i < n_part + n_order; i++) {
        uint32_t c = i < n_part ? part[i] : order[i - n_part].col;

        if (c >= n_in)
            diag_set(cx->diag, ER_INTERNAL, "a window names a column that its input lacks");
        if (c >= n_in || !op_native_coll(cx, &cols[c], "windows"))
            return op_fail_new(&w->op);
    }
    op_set_cols(&w->op, out, n_in + n_fns);
    w->l = row_layout_new(cx->arena, cols, n_in + w->n_vals, 0);
    row_pages_init(&w->rows, &w->op, w->l);
    w->vals = ARENA_NEW_N(cx->arena, struct vec *, w->n_vals + 1);
    w->cols = ARENA_NEW_N(cx->arena, struct vec *, n_in + w->n_vals + 1);
    w->aligned = ARENA_NEW_N(cx->arena, struct vec *, n_in + w->n_vals + 1);
    w->out = op_batch_new(cx, w->op.cols, w->op.n_cols, cap, &w->text);
    w->args = op_batch_new(cx, cols + n_in, w->n_vals, cap, NULL);
    w->ptrs = ARENA_NEW_N(cx->arena, char *, cap);
    w->states = ARENA_NEW_N(cx->arena, void *, cap);
    w->sel_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    for (uint32_t i = 0; i < n_fns; i++) {
        const struct agg_call *c = &w->fns[i].call;

        if (fns[i].fn == OP_WIN_AGG)
            w->out->cols[n_in + i] = vec_new_kind(cx->arena, &c->type, (enum vec_kind)c->vec_kind, c->vec_scale, cap, &w->text);
    }
    return &w->op;
}
