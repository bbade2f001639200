/* Sort and TopN.
 *
 * Each row is kept with a key that memcmp orders (types/sortkey.h): its first eight bytes stand as a number in the row's head and
 * in the entry (number, row) that is sorted; what is behind them, where there is anything, is one more string column of the row. Rows with NULL in
 * the first column are sorted apart, so that a number is all there is to compare for one numeric column. Entries are sorted by a
 * radix sort of those eight bytes that leaves out bytes that are equal everywhere; runs of equal ones by the rest of the key, and then
 * by the order in which rows came, which is in the row's link.
 *
 * TopN does the same but, whenever it holds twice what it may need, sorts and forgets the rest, and from then on refuses rows beyond
 * the last one kept.
 *
 * When memory is refused, the rows are sorted and written as a run; at the end the runs are merged, at most 32 at once. */
#include "executor/op-int.h"

#include "util/bytes.h"
#include "util/strbuf.h"

#include <stdlib.h>

enum { MERGE_FAN = 32, RUN_CHUNK_BYTES = 8 << 10, RADIX_MIN = 256 };

struct sort_entry {
    uint64_t prefix;
    char *row;
};

struct entries {
    struct sort_entry *e;
    uint64_t n, cap;
};

/* One run that is being merged: rows are read in small chunks. */
struct run {
    struct spool_reader in;
    struct row_store rows;
    uint64_t at; /* in rows */
    char *head;  /* NULL: ended */
};

struct sort {
    struct op op;
    struct row_layout *l; /* the child's columns, and the rest of the key */
    struct row_store rows;
    struct entries values, nulls; /* by the first column */
    const struct sort_col *order;
    uint32_t n_order;
    bool has_rest;
    uint64_t limit, offset; /* limit UINT64_MAX: sort all */
    uint64_t seq;
    struct vec **cols, **aligned; /* of a batch, and the rest */
    struct vec *rest;
    uint64_t *prefix;
    uint32_t *sel_rows;
    char **ptrs;
    struct strbuf scratch;
    struct arena scratch_mem, text;
    struct batch *out;
    uint64_t at, end;
    bool input_done;
    bool has_bound, bound_null; /* TopN: the last row that can still matter */
    uint64_t bound_prefix;
    struct sv bound_rest;
    struct arena bound_mem;
    size_t counted;
    /* runs */
    struct spool **runs;
    uint32_t n_runs, cap_runs;
    struct run *merging;
    uint32_t n_merging, *heap, n_heap;
    uint64_t picked; /* rows that the merge has passed */
};

/* ---- comparing ---- */

static struct sv rest_of(const struct sort *s, const char *row, struct strv *v)
{
    if (!s->has_rest)
        return SV("");
    memcpy(v, row + s->l->col[s->op.n_cols].off, sizeof(*v));
    return strv_get(v);
}

static int compare_rest(const struct sort *s, const char *a, const char *b)
{
    struct strv x, y;
    struct sv p = rest_of(s, a, &x), q = rest_of(s, b, &y);
    int c = memcmp(p.ptr, q.ptr, MIN(p.len, q.len));

    return c ? c : (p.len > q.len) - (p.len < q.len);
}

static bool first_is_null(const struct sort *s, const char *row)
{
    return !row_is_valid(row, s->order[0].col);
}

/* Rows of runs: the whole order. */
static int compare_rows(const struct sort *s, const char *a, const char *b)
{
    bool x = s->n_order && first_is_null(s, a), y = s->n_order && first_is_null(s, b);
    uint64_t p = row_hash(a), q = row_hash(b);

    if (x != y)
        return x != s->order[0].desc ? -1 : 1;
    if (p != q)
        return p < q ? -1 : 1;
    return compare_rest(s, a, b);
}

static int entry_cmp(const void *x, const void *y, void *arg)
{
    const struct sort_entry *a = x, *b = y;
    int c;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    c = compare_rest(arg, a->row, b->row);
    return c ? c : ((uintptr_t)row_next(a->row) > (uintptr_t)row_next(b->row)) - ((uintptr_t)row_next(a->row) < (uintptr_t)row_next(b->row));
}

/* ---- sorting ---- */

/* By prefix, keeping the order of equal ones; bytes in which all agree are left out. */
static void radix_sort(struct entries *t)
{
    static const unsigned digits = 8;
    struct sort_entry *from = t->e, *to = xmalloc(t->n * sizeof(*to)), *swap, *spare = to;
    uint64_t(*count)[256] = xcalloc(digits, sizeof(*count));

    for (uint64_t i = 0; i < t->n; i++) {
        for (unsigned d = 0; d < digits; d++)
            count[d][from[i].prefix >> d * 8 & 255]++;
    }
    for (unsigned d = 0; d < digits; d++) {
        uint64_t sum = 0;

        if (count[d][from[0].prefix >> d * 8 & 255] == t->n)
            continue;
        for (unsigned v = 0; v < 256; v++) {
            uint64_t c = count[d][v];

            count[d][v] = sum;
            sum += c;
        }
        for (uint64_t i = 0; i < t->n; i++)
            to[count[d][from[i].prefix >> d * 8 & 255]++] = from[i];
        swap = from;
        from = to;
        to = swap;
    }
    if (from != t->e) {
        memcpy(t->e, from, t->n * sizeof(*from));
        spare = from;
    }
    xfree(spare);
    xfree(count);
}

static void sort_entries(struct sort *s, struct entries *t)
{
    if (t->n < RADIX_MIN) {
        if (t->n)
            qsort_r(t->e, t->n, sizeof(*t->e), entry_cmp, s);
        return;
    }
    radix_sort(t);
    for (uint64_t i = 0, k; s->has_rest && i < t->n; i = k) {
        for (k = i + 1; k < t->n && t->e[k].prefix == t->e[i].prefix; k++)
            ;
        if (k - i > 1)
            qsort_r(t->e + i, k - i, sizeof(*t->e), entry_cmp, s);
    }
}

static void sort_all(struct sort *s)
{
    sort_entries(s, &s->values);
    sort_entries(s, &s->nulls);
}

static uint64_t n_rows(const struct sort *s)
{
    return s->values.n + s->nulls.n;
}

/* The i-th row in order, once sorted. */
static char *row_at(const struct sort *s, uint64_t i)
{
    const struct entries *first = s->n_order && s->order[0].desc ? &s->values : &s->nulls;
    const struct entries *second = first == &s->values ? &s->nulls : &s->values;

    return i < first->n ? first->e[i].row : second->e[i - first->n].row;
}

/* ---- taking rows ---- */

static void add_entry(struct entries *t, uint64_t prefix, char *row)
{
    if (t->n == t->cap) {
        t->cap = t->cap ? t->cap * 2 : 256;
        t->e = xrealloc(t->e, t->cap * sizeof(*t->e));
    }
    t->e[t->n++] = (struct sort_entry){prefix, row};
}

static uint64_t double_bits(double f)
{
    uint64_t u;

    if (f == 0)
        f = 0;
    memcpy(&u, &f, sizeof(u));
    return u >> 63 ? ~u : u | UINT64_C(1) << 63;
}

/* Prefixes of the rows of sel by k, and the rest of their keys by row. */
static void make_keys(struct sort *s, const struct batch *in, const struct sel *sel)
{
    const struct vec *v = s->n_order ? in->cols[s->order[0].col] : NULL;
    bool wide = v && (v->kind == VEC_STR || v->kind == VEC_DEC128 || v->kind == VEC_DEC256);

    arena_reset(&s->scratch_mem);
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        uint64_t u = 0;
        struct sv key;
        size_t skip = 0;

        if (v && !wide && vec_is_valid(v, row)) {
            uint32_t r = vec_row(v, row);

            u = v->kind == VEC_U64 ? v->u64[r] : v->kind == VEC_F64 ? double_bits(v->f64[r]) : v->u64[r] ^ UINT64_C(1) << 63;
            u = s->order[0].desc ? ~u : u;
        }
        if (s->has_rest) {
            strbuf_init(&s->scratch, &s->scratch_mem);
            sortkey_append(in, row, s->order + !wide, s->n_order - !wide, &s->scratch);
            key = strbuf_sv(&s->scratch);
            if (wide) { /* without the byte that says whether it is NULL */
                skip = 1;
                if (vec_is_valid(v, row)) {
                    unsigned char head[8] = {0};

                    memcpy(head, key.ptr + 1, MIN(key.len - 1, sizeof(head)));
                    for (int i = 0; i < 8; i++)
                        u = u << 8 | head[i];
                    skip = MIN(key.len, (size_t)9);
                }
            }
            s->rest->str[row] = strv_make(sv_make(key.ptr ? key.ptr + skip : "", key.len - skip));
            vec_set_valid(s->rest, row);
        }
        s->prefix[k] = u;
    }
}

/* Whether the row cannot be among those wanted any more. */
static bool beyond_bound(const struct sort *s, const struct batch *in, uint32_t row, uint64_t prefix)
{
    bool null = s->n_order && !vec_is_valid(in->cols[s->order[0].col], row);
    struct sv rest;
    int c;

    if (null != s->bound_null)
        return null == s->order[0].desc;
    if (prefix != s->bound_prefix)
        return prefix > s->bound_prefix;
    if (!s->has_rest)
        return true;
    rest = strv_get(&s->rest->str[row]);
    c = memcmp(rest.ptr, s->bound_rest.ptr, MIN(rest.len, s->bound_rest.len));
    return c > 0 || (c == 0 && rest.len >= s->bound_rest.len);
}

/* How many rows from the front can matter. */
static uint64_t wanted(const struct sort *s)
{
    return s->limit == UINT64_MAX ? UINT64_MAX : s->limit + s->offset;
}

static void count_memory(struct sort *s)
{
    uint64_t cap = s->values.cap + s->nulls.cap;
    size_t n = row_store_bytes(&s->rows) + (cap + MAX(s->values.n, s->nulls.n)) * sizeof(struct sort_entry) + s->text.used_bytes
        + s->bound_mem.used_bytes + s->scratch_mem.used_bytes;

    for (uint32_t i = 0; i < s->n_merging; i++)
        n += row_store_bytes(&s->merging[i].rows);
    op_hold(&s->op, &s->counted, n);
}

static void forget_rows(struct sort *s)
{
    row_store_free(&s->rows);
    xfree(s->values.e);
    xfree(s->nulls.e);
    s->values = s->nulls = (struct entries){0};
}

/* TopN: sorts, keeps `keep` rows. */
static void compact(struct sort *s, uint64_t keep)
{
    struct row_store old = s->rows;
    struct entries values = s->values, nulls = s->nulls;
    const struct sort view = *s;
    struct strv v;
    char *last = NULL;

    sort_all(s);
    keep = MIN(keep, n_rows(s));
    row_store_init(&s->rows, s->l);
    s->values = s->nulls = (struct entries){0};
    for (uint64_t i = 0; i < keep; i++) {
        char *row = row_at(&view, i);

        last = row_store_copy(&s->rows, row);
        row_set_next(last, row_next(row));
        add_entry(s->n_order && first_is_null(s, last) ? &s->nulls : &s->values, row_hash(last), last);
    }
    row_store_free(&old);
    xfree(values.e);
    xfree(nulls.e);
    if (last) {
        s->has_bound = true;
        s->bound_null = s->n_order && first_is_null(s, last);
        s->bound_prefix = row_hash(last);
        arena_reset(&s->bound_mem);
        s->bound_rest = arena_dup(&s->bound_mem, rest_of(s, last, &v));
    }
}

/* Writes what is in memory as a run. */
static bool write_run(struct sort *s)
{
    struct spool *run = spool_new(&s->op, s->l);
    uint64_t n;

    if (s->n_runs == s->cap_runs) {
        s->cap_runs = s->cap_runs ? s->cap_runs * 2 : 16;
        s->runs = xrealloc(s->runs, s->cap_runs * sizeof(struct spool *));
    }
    s->runs[s->n_runs++] = run;
    sort_all(s);
    n = MIN(n_rows(s), wanted(s));
    for (uint64_t i = 0; i < n; i++) {
        if (i + 8 < n)
            row_prefetch(s->l, row_at(s, i + 8));
        if (!spool_put(run, row_at(s, i)) || (i % 65536 == 0 && op_cancelled(&s->op)))
            return false;
    }
    forget_rows(s);
    count_memory(s);
    return spool_end(run);
}

static bool sort_consume(struct sort *s, const struct batch *in)
{
    struct sel sel = batch_sel(in);
    const struct batch held = {.cols = s->aligned, .n_cols = s->op.n_cols};
    uint64_t need = wanted(s);

    for (uint32_t i = 0; i < s->op.n_cols; i++)
        s->cols[i] = in->cols[i];
    if (s->has_rest)
        s->cols[s->op.n_cols] = s->rest;
    if (!row_align(s->l, s->cols, &sel, s->aligned, s->op.cx->diag))
        return false;
    make_keys(s, &held, &sel);
    if (s->has_bound) {
        uint32_t n = 0;

        for (uint32_t k = 0; k < sel.n; k++) {
            uint32_t row = SEL_ROW(&sel, k);

            if (beyond_bound(s, &held, row, s->prefix[k]))
                continue;
            s->prefix[n] = s->prefix[k];
            s->sel_rows[n++] = row;
        }
        sel = (struct sel){s->sel_rows, n};
    }
    row_store_put(&s->rows, s->aligned, &sel, s->prefix, s->ptrs);
    for (uint32_t k = 0; k < sel.n; k++) {
        char *row = s->ptrs[k];

        row_set_next(row, (char *)(uintptr_t)s->seq++);
        add_entry(s->n_order && first_is_null(s, row) ? &s->nulls : &s->values, s->prefix[k], row);
    }
    if (need < UINT32_MAX / 4 && n_rows(s) >= need * 2 + op_batch_rows(&s->op))
        compact(s, need);
    count_memory(s);
    if (op_try_charge(&s->op))
        return true;
    if (!op_can_spill(&s->op))
        return op_charge(&s->op);
    return write_run(s);
}

/* ---- merging runs ---- */

static bool run_fill(struct sort *s, struct run *r)
{
    bool ok = true;
    char *row;

    if (r->at < r->rows.n) {
        r->head = row_store_at(&r->rows, r->at++);
        return true;
    }
    row_store_clear(&r->rows);
    r->at = 0;
    while (r->rows.n < UINT64_C(1) << r->rows.shift && r->rows.heap.used_bytes <= RUN_CHUNK_BYTES) {
        row = spool_get(&r->in, &ok);
        if (!ok)
            return false;
        if (!row)
            break;
    }
    r->head = r->rows.n ? row_store_at(&r->rows, r->at++) : NULL;
    return !op_cancelled(&s->op);
}

static bool run_less(const struct sort *s, uint32_t x, uint32_t y)
{
    int c = compare_rows(s, s->merging[x].head, s->merging[y].head);

    return c ? c < 0 : x < y;
}

static void sift_down(struct sort *s, uint32_t i)
{
    for (;;) {
        uint32_t l = 2 * i + 1, min = i, t;

        if (l < s->n_heap && run_less(s, s->heap[l], s->heap[min]))
            min = l;
        if (l + 1 < s->n_heap && run_less(s, s->heap[l + 1], s->heap[min]))
            min = l + 1;
        if (min == i)
            return;
        t = s->heap[i];
        s->heap[i] = s->heap[min];
        s->heap[min] = t;
        i = min;
    }
}

/* Opens the first n runs. */
static bool merge_open(struct sort *s, uint32_t n)
{
    s->merging = xcalloc(n, sizeof(*s->merging));
    s->heap = xcalloc(n, sizeof(*s->heap));
    s->n_heap = 0;
    for (uint32_t i = 0; i < n; i++) {
        struct run *r = &s->merging[i];

        row_store_init_blocks(&r->rows, s->l, RUN_CHUNK_BYTES);
        spool_open(&r->in, s->runs[i], &r->rows, true);
        s->n_merging = i + 1;
        if (!run_fill(s, r))
            return false;
        if (r->head)
            s->heap[s->n_heap++] = i;
    }
    for (uint32_t i = s->n_heap; i-- > 0;)
        sift_down(s, i);
    count_memory(s);
    op_force_charge(&s->op);
    return true;
}

static void merge_close(struct sort *s)
{
    for (uint32_t i = 0; i < s->n_merging; i++) {
        spool_close(&s->merging[i].in);
        row_store_free(&s->merging[i].rows);
        spool_free(s->runs[i]);
    }
    if (s->n_merging) {
        s->n_runs -= s->n_merging;
        memmove(s->runs, s->runs + s->n_merging, s->n_runs * sizeof(struct spool *));
    }
    s->n_merging = 0;
    xfree(s->merging);
    xfree(s->heap);
    s->merging = NULL;
    s->heap = NULL;
}

/* Behind the head at the top of the heap. *moved: its chunk of rows was read anew. */
static bool merge_advance(struct sort *s, bool *moved)
{
    struct run *r = &s->merging[s->heap[0]];

    *moved = r->at == r->rows.n;
    if (!run_fill(s, r))
        return false;
    if (!r->head)
        s->heap[0] = s->heap[--s->n_heap];
    sift_down(s, 0);
    return true;
}

/* Merges the oldest runs into one, until few enough are left to merge them all. The new one takes their place in the order. */
static bool merge_down(struct sort *s)
{
    while (s->n_runs > MERGE_FAN) {
        struct spool *to = spool_new(&s->op, s->l);
        uint32_t n = MIN((uint32_t)MERGE_FAN, s->n_runs - MERGE_FAN + 1);
        uint64_t left = wanted(s);
        bool moved, ok = merge_open(s, n);

        while (ok && s->n_heap && left--)
            ok = spool_put(to, s->merging[s->heap[0]].head) && merge_advance(s, &moved);
        ok = spool_end(to) && ok;
        merge_close(s);
        memmove(s->runs + 1, s->runs, s->n_runs * sizeof(struct spool *));
        s->runs[0] = to;
        s->n_runs++;
        if (!ok)
            return false;
    }
    return merge_open(s, s->n_runs);
}

/* Rows to the output; their texts are copied where they will not stay. */
static void take_rows(struct sort *s, uint32_t n, bool copy)
{
    struct batch *b = s->out;

    for (uint32_t k = 0; k < n; k++)
        row_prefetch(s->l, s->ptrs[k]);
    for (uint32_t i = 0; i < b->n_cols; i++) {
        struct vec *v = b->cols[i];

        row_gather(s->l, i, s->ptrs, n, v, NULL, b->n_rows);
        for (uint32_t k = b->n_rows; copy && v->kind == VEC_STR && k < b->n_rows + n; k++) {
            if (vec_is_valid(v, k) && v->str[k].len > STRV_INLINE)
                v->str[k].ptr = arena_dup(&s->text, strv_get(&v->str[k])).ptr;
        }
    }
    b->n_rows += n;
    b->n_sel = b->n_rows;
}

static enum op_result merge_next(struct sort *s, struct batch **out)
{
    uint32_t n = 0;
    struct batch *b = s->out;

    b->n_rows = b->n_sel = 0;
    arena_reset(&s->text);
    while (s->n_heap && s->picked < wanted(s) && b->n_rows + n < b->cap && (b->n_rows == 0 || s->text.used_bytes <= OP_BATCH_BYTES)) {
        struct run *r = &s->merging[s->heap[0]];
        bool moved;

        if (s->picked++ >= s->offset)
            s->ptrs[n++] = r->head;
        if (n && r->at == r->rows.n) { /* its rows go away with the next step */
            take_rows(s, n, true);
            n = 0;
        }
        if (!merge_advance(s, &moved))
            return OP_ERROR;
    }
    take_rows(s, n, true);
    count_memory(s);
    op_force_charge(&s->op);
    if (b->n_rows == 0)
        return OP_DONE;
    *out = b;
    return OP_BATCH;
}

/* ---- the operator ---- */

static bool input_ended(struct sort *s)
{
    s->input_done = true;
    if (s->n_runs) {
        if (n_rows(s) && !write_run(s))
            return false;
        return merge_down(s);
    }
    sort_all(s);
    s->at = MIN(s->offset, n_rows(s));
    s->end = MIN(n_rows(s), wanted(s));
    return true;
}

static enum op_result sort_next(struct op *o, struct batch **out)
{
    struct sort *s = (struct sort *)o;
    uint32_t n = 0;

    if (s->limit == 0)
        return OP_DONE;
    while (!s->input_done) {
        struct batch *in;

        switch (op_next(o->children[0], &in)) {
        case OP_BLOCKED:
            return OP_BLOCKED;
        case OP_ERROR:
            return OP_ERROR;
        case OP_BATCH:
            if (!sort_consume(s, in))
                return OP_ERROR;
            break;
        case OP_DONE:
            if (!input_ended(s))
                return OP_ERROR;
            break;
        }
    }
    if (s->merging)
        return merge_next(s, out);
    s->out->n_rows = s->out->n_sel = 0;
    for (; s->at < s->end && n < s->out->cap; s->at++)
        s->ptrs[n++] = row_at(s, s->at);
    if (n == 0)
        return OP_DONE;
    take_rows(s, n, false);
    *out = s->out;
    return OP_BATCH;
}

static void sort_close(struct op *o)
{
    struct sort *s = (struct sort *)o;

    merge_close(s);
    forget_rows(s);
    for (uint32_t i = 0; i < s->n_runs; i++)
        spool_free(s->runs[i]);
    xfree(s->runs);
    arena_free(&s->scratch_mem);
    arena_free(&s->text);
    arena_free(&s->bound_mem);
}

static const struct op_ops sort_ops = {"sort", sort_next, sort_close};
static const struct op_ops topn_ops = {"top-n", sort_next, sort_close};

struct sort_col *op_copy_order(struct op_ctx *cx, const struct sort_col *order, uint32_t n)
{
    struct sort_col *c = ARENA_NEW_N(cx->arena, struct sort_col, n + 1);

    if (n)
        memcpy(c, order, n * sizeof(*c));
    return c;
}

static struct op *sort_new(struct op_ctx *cx, const struct op_ops *ops, struct op *child, const struct sort_col *order,
    uint32_t n_order, uint64_t limit, uint64_t offset)
{
    struct sort *s = op_alloc(cx, ops, sizeof(*s), &child, 1);
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, child->n_cols + 1);
    uint32_t cap = op_batch_rows(&s->op), n = child->n_cols;
    unsigned scale;

    op_set_cols(&s->op, child->cols, n);
    for (uint32_t i = 0; i < n; i++)
        cols[i] = s->op.cols[i];
    arena_init(&s->scratch_mem, 0);
    arena_init(&s->text, 0);
    arena_init(&s->bound_mem, 0);
    s->limit = limit;
    s->offset = offset;
    if (limit != UINT64_MAX && offset > UINT64_MAX - 1 - limit)
        s->limit = UINT64_MAX - 1 - offset;
    for (uint32_t i = 0; i < n_order; i++) {
        if (order[i].col >= n) {
            diag_set(cx->diag, ER_INTERNAL, "an order names a column that its input lacks");
            return op_fail_new(&s->op);
        }
    }
    s->order = op_copy_order(cx, order, n_order);
    s->n_order = n_order;
    s->has_rest = n_order > 1 || (n_order == 1 && vec_width(op_col_kind(&cols[order[0].col], &scale)) != 8);
    cols[n] = (struct func_arg){type_string(UINT32_MAX / 4, TYPE_COLL_BINARY, DERIV_IMPLICIT), NULL, FUNC_SCALE_OF_TYPE};
    s->l = row_layout_new(cx->arena, cols, n + s->has_rest, 0);
    row_store_init(&s->rows, s->l);
    s->rest = vec_new(cx->arena, &cols[n].type, cap, NULL);
    s->cols = ARENA_NEW_N(cx->arena, struct vec *, n + 2);
    s->aligned = ARENA_NEW_N(cx->arena, struct vec *, n + 2);
    s->prefix = ARENA_NEW_N(cx->arena, uint64_t, cap);
    s->sel_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    s->ptrs = ARENA_NEW_N(cx->arena, char *, cap);
    s->out = op_batch_new(cx, s->op.cols, n, cap, NULL);
    return &s->op;
}

struct op *op_sort_new(struct op_ctx *cx, struct op *child, const struct sort_col *order, uint32_t n_order)
{
    return sort_new(cx, &sort_ops, child, order, n_order, UINT64_MAX, 0);
}

struct op *op_topn_new(struct op_ctx *cx, struct op *child, const struct sort_col *order, uint32_t n_order, uint64_t limit,
    uint64_t offset)
{
    return sort_new(cx, &topn_ops, child, order, n_order, limit, offset);
}
