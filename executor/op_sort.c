/* Sort, TopN and ordered merge.
 *
 * Sort copies its input into row chunks and makes one memcmp-able key a row (types/sortkey.h); entries of (first eight key
 * bytes, key, row) are sorted, rows with equal keys staying in the order in which they came. TopN does the same but, whenever
 * it holds twice what it may need, sorts and forgets the rest, and from then on refuses rows beyond the last one kept.
 * Merge compares the heads of its inputs column by column in a binary heap; it can give a row only when every input that has not
 * ended shows its head. External runs would be written where op_charge is refused and read back through the same merge. */
#include "executor/op-int.h"

#include "util/bytes.h"
#include "util/strbuf.h"

#include <stdlib.h>

struct sort_entry {
    uint64_t prefix;
    const char *key; /* behind the prefix */
    uint32_t len;
    uint32_t row;
};

struct sort {
    struct op op;
    struct arena *side;      /* TopN: rows and keys that survive are moved between two arenas */
    struct arena other;
    struct rows rows;
    struct sort_entry *entries;
    uint32_t n, cap;
    const struct sort_col *order;
    uint32_t n_order;
    uint64_t limit, offset; /* limit UINT64_MAX: sort all */
    struct batch *out;
    struct strbuf scratch;
    struct arena scratch_mem;
    uint32_t at;
    bool input_done, has_bound;
    struct sort_entry bound; /* TopN: the last entry that can still matter */
};

static int entry_cmp(const struct sort_entry *a, const struct sort_entry *b)
{
    int c;

    if (a->prefix != b->prefix)
        return a->prefix < b->prefix ? -1 : 1;
    c = memcmp(a->key, b->key, MIN(a->len, b->len));
    if (c)
        return c;
    return a->len != b->len ? (a->len < b->len ? -1 : 1) : 0;
}

static int entry_qsort(const void *x, const void *y)
{
    const struct sort_entry *a = x, *b = y;
    int c = entry_cmp(a, b);

    return c ? c : a->row < b->row ? -1 : a->row > b->row;
}

static struct sort_entry entry_of(struct sv key, uint32_t row)
{
    unsigned char head[8] = {0};
    struct sort_entry e = {.row = row};

    if (key.len)
        memcpy(head, key.ptr, MIN(key.len, sizeof(head)));
    for (int i = 0; i < 8; i++)
        e.prefix = e.prefix << 8 | head[i];
    e.key = key.len > 8 ? key.ptr + 8 : "";
    e.len = key.len > 8 ? (uint32_t)key.len - 8 : 0;
    return e;
}

static bool sort_add(struct sort *s, const struct batch *in, uint32_t row)
{
    struct sort_entry e;
    struct sv key;

    s->scratch.len = 0;
    sortkey_append(in, row, s->order, s->n_order, &s->scratch);
    key = strbuf_sv(&s->scratch);
    e = entry_of(key, s->rows.n);
    if (s->has_bound && entry_cmp(&e, &s->bound) >= 0)
        return true;
    if (e.len) {
        char *p = arena_alloc(s->side, e.len);

        memcpy(p, e.key, e.len);
        e.key = p;
    }
    if (s->n == s->cap) {
        uint32_t cap = s->cap ? s->cap * 2 : 1024;
        struct sort_entry *p = ARENA_NEW_N(s->side, struct sort_entry, cap);

        if (s->n)
            memcpy(p, s->entries, s->n * sizeof(*p));
        s->entries = p;
        s->cap = cap;
    }
    s->entries[s->n++] = e;
    if (!op_rows_append(&s->rows, in->cols, row))
        return diag_set(s->op.cx->diag, ER_INTERNAL, "copy of a row");
    return true;
}

/* TopN: sorts, keeps `keep` rows by moving them to the other arena. */
static bool compact(struct sort *s, uint32_t keep)
{
    struct rows old = s->rows;
    struct sort_entry *entries = s->entries;
    struct arena *from = s->side, *to = from == &s->op.mem ? &s->other : &s->op.mem;

    qsort(entries, s->n, sizeof(*entries), entry_qsort);
    keep = MIN(keep, s->n);
    op_rows_init(&s->rows, to, s->op.cols, s->op.n_cols, op_batch_rows(&s->op));
    s->side = to;
    s->cap = keep * 2 + 1024;
    s->entries = ARENA_NEW_N(to, struct sort_entry, s->cap);
    for (uint32_t i = 0; i < keep; i++) {
        uint32_t at;
        struct batch *b = rows_chunk(&old, entries[i].row, &at);

        s->entries[i] = entries[i];
        s->entries[i].row = i;
        if (entries[i].len) {
            char *p = arena_alloc(to, entries[i].len);

            memcpy(p, entries[i].key, entries[i].len);
            s->entries[i].key = p;
        }
        if (!op_rows_append(&s->rows, b->cols, at))
            return diag_set(s->op.cx->diag, ER_INTERNAL, "copy of a row");
    }
    s->n = keep;
    if (keep) {
        s->bound = s->entries[keep - 1];
        s->has_bound = true;
    }
    arena_free(from);
    return true;
}

static bool sort_consume(struct sort *s, const struct batch *in)
{
    struct sel sel = batch_sel(in);
    uint64_t need = s->limit == UINT64_MAX ? UINT64_MAX : s->limit + s->offset;

    for (uint32_t k = 0; k < sel.n; k++) {
        if (!sort_add(s, in, SEL_ROW(&sel, k)))
            return false;
    }
    if (need < UINT32_MAX / 4 && s->n >= need * 2 + op_batch_rows(&s->op) && !compact(s, (uint32_t)need))
        return false;
    s->op.extra = s->other.used_bytes;
    return op_charge(&s->op);
}

static enum op_result sort_next(struct op *o, struct batch **out)
{
    struct sort *s = (struct sort *)o;
    struct batch *b = s->out;
    uint32_t end;

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
            s->input_done = true;
            if (s->n)
                qsort(s->entries, s->n, sizeof(*s->entries), entry_qsort);
            s->at = (uint32_t)MIN(s->offset, (uint64_t)s->n);
            break;
        }
    }
    end = s->limit == UINT64_MAX ? s->n : (uint32_t)MIN((uint64_t)s->n, s->limit + s->offset);
    if (s->at >= end)
        return OP_DONE;
    batch_clear(b);
    for (; s->at < end && b->n_rows < b->cap; s->at++) {
        uint32_t at;
        struct batch *chunk = rows_chunk(&s->rows, s->entries[s->at].row, &at);
        struct sel one = {&at, 1};

        for (uint32_t i = 0; i < o->n_cols; i++) {
            if (!vec_copy_sel(b->cols[i], b->n_rows, chunk->cols[i], &one, true)) {
                diag_set(o->cx->diag, ER_INTERNAL, "copy of a row");
                return OP_ERROR;
            }
        }
        b->n_sel = ++b->n_rows;
    }
    *out = b;
    return OP_BATCH;
}

static void sort_close(struct op *o)
{
    struct sort *s = (struct sort *)o;

    arena_free(&s->other);
    arena_free(&s->scratch_mem);
}

static const struct op_ops sort_ops = {"sort", sort_next, sort_close};
static const struct op_ops topn_ops = {"top-n", sort_next, sort_close};

/* A batch whose vectors are held as the columns are. */
static struct batch *batch_like(struct op *o, struct arena *text)
{
    struct batch *b = ARENA_NEW(o->cx->arena, struct batch);

    b->cols = ARENA_NEW_N(o->cx->arena, struct vec *, o->n_cols + 1);
    b->n_cols = o->n_cols;
    b->cap = op_batch_rows(o);
    for (uint32_t i = 0; i < o->n_cols; i++) {
        const struct func_arg *c = &o->cols[i];
        unsigned scale = 0;
        enum vec_kind k = vec_kind_of(&c->type);

        if (type_kind_of(&c->type) == KIND_DEC) {
            unsigned held;

            scale = c->dec_scale == FUNC_SCALE_OF_TYPE ? c->type.decimals : c->dec_scale;
            held = type_dec_precision(&c->type) - c->type.decimals + scale;
            k = held <= 18 ? VEC_DEC64 : held <= 38 ? VEC_DEC128 : VEC_DEC256;
        }
        b->cols[i] = vec_new_kind(o->cx->arena, &c->type, k, scale, b->cap, text);
    }
    return b;
}

static struct sort_col *copy_order(struct op_ctx *cx, const struct sort_col *order, uint32_t n)
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

    op_set_cols(&s->op, child->cols, child->n_cols);
    arena_init(&s->other, 0);
    arena_init(&s->scratch_mem, 0);
    strbuf_init(&s->scratch, &s->scratch_mem);
    s->side = &s->op.mem;
    s->order = copy_order(cx, order, n_order);
    s->n_order = n_order;
    s->limit = limit;
    s->offset = offset;
    if (limit != UINT64_MAX && offset > UINT64_MAX - 1 - limit)
        s->limit = UINT64_MAX - 1 - offset;
    op_rows_init(&s->rows, s->side, s->op.cols, s->op.n_cols, op_batch_rows(&s->op));
    s->out = batch_like(&s->op, NULL);
    for (uint32_t i = 0; i < n_order; i++) {
        if (order[i].col >= child->n_cols) {
            diag_set(cx->diag, ER_INTERNAL, "an order names a column that its input lacks");
            return op_fail_new(&s->op);
        }
    }
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

/* ---- merge ---- */

struct merge_input {
    struct batch *batch; /* NULL: none shown */
    uint32_t at;         /* in its selection */
    bool ended;
};

struct merge {
    struct op op;
    struct merge_input *in;
    uint32_t *heap; /* inputs with a head, smallest first */
    uint32_t n_heap, n_missing;
    const struct sort_col *order;
    uint32_t n_order;
    struct batch *out;
    struct arena text;
};

static uint32_t head_row(const struct merge_input *in)
{
    return in->batch->rows ? in->batch->rows[in->at] : in->at;
}

static bool merge_less(const struct merge *m, uint32_t x, uint32_t y)
{
    const struct merge_input *a = &m->in[x], *b = &m->in[y];
    int c = sortkey_compare_rows(a->batch, head_row(a), b->batch, head_row(b), m->order, m->n_order);

    return c ? c < 0 : x < y;
}

static void sift_down(struct merge *m, uint32_t i)
{
    for (;;) {
        uint32_t l = 2 * i + 1, r = l + 1, min = i, t;

        if (l < m->n_heap && merge_less(m, m->heap[l], m->heap[min]))
            min = l;
        if (r < m->n_heap && merge_less(m, m->heap[r], m->heap[min]))
            min = r;
        if (min == i)
            return;
        t = m->heap[i];
        m->heap[i] = m->heap[min];
        m->heap[min] = t;
        i = min;
    }
}

static void heap_push(struct merge *m, uint32_t x)
{
    uint32_t i = m->n_heap++;

    m->heap[i] = x;
    while (i && merge_less(m, m->heap[i], m->heap[(i - 1) / 2])) {
        uint32_t p = (i - 1) / 2, t = m->heap[i];

        m->heap[i] = m->heap[p];
        m->heap[p] = t;
        i = p;
    }
}

/* Asks every input that shows nothing. */
static enum op_result fetch(struct merge *m)
{
    bool blocked = false;

    for (uint32_t i = 0; i < m->op.n_children && m->n_missing; i++) {
        struct merge_input *in = &m->in[i];

        if (in->batch || in->ended)
            continue;
        switch (op_next(m->op.children[i], &in->batch)) {
        case OP_ERROR:
            return OP_ERROR;
        case OP_BLOCKED:
            blocked = true;
            break;
        case OP_DONE:
            in->ended = true;
            m->n_missing--;
            break;
        case OP_BATCH:
            in->at = 0;
            m->n_missing--;
            heap_push(m, i);
            break;
        }
    }
    return blocked ? OP_BLOCKED : OP_BATCH;
}

static bool take_row(struct merge *m)
{
    uint32_t i = m->heap[0];
    struct merge_input *in = &m->in[i];
    struct batch *b = m->out;

    for (uint32_t c = 0; c < m->op.n_cols; c++) {
        if (!vec_copy(b->cols[c], b->n_rows, in->batch->cols[c], head_row(in)))
            return diag_set(m->op.cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "ORDER BY");
    }
    b->n_sel = ++b->n_rows;
    if (++in->at < in->batch->n_sel) {
        sift_down(m, 0);
        return true;
    }
    in->batch = NULL;
    m->n_missing++;
    m->heap[0] = m->heap[--m->n_heap];
    sift_down(m, 0);
    return true;
}

static enum op_result merge_next(struct op *o, struct batch **out)
{
    struct merge *m = (struct merge *)o;
    struct batch *b = m->out;

    batch_clear(b);
    arena_reset(&m->text);
    while (b->n_rows < b->cap && (b->n_rows == 0 || m->text.used_bytes <= OP_BATCH_BYTES)) {
        if (m->n_missing) {
            enum op_result r = fetch(m);

            if (r == OP_ERROR)
                return OP_ERROR;
            if (r == OP_BLOCKED) {
                if (b->n_rows == 0)
                    return OP_BLOCKED;
                break;
            }
        }
        if (m->n_heap == 0)
            break;
        if (!take_row(m))
            return OP_ERROR;
    }
    if (b->n_rows == 0)
        return OP_DONE;
    *out = b;
    return OP_BATCH;
}

static void merge_close(struct op *o)
{
    arena_free(&((struct merge *)o)->text);
}

static const struct op_ops merge_ops = {"merge", merge_next, merge_close};

struct op *op_merge_new(struct op_ctx *cx, struct op *const *children, uint32_t n, const struct sort_col *order, uint32_t n_order)
{
    struct merge *m = op_alloc(cx, &merge_ops, sizeof(*m), children, n);

    arena_init(&m->text, 0);
    op_set_cols(&m->op, children[0]->cols, children[0]->n_cols);
    m->in = ARENA_NEW_N(cx->arena, struct merge_input, n + 1);
    m->heap = ARENA_NEW_N(cx->arena, uint32_t, n + 1);
    m->n_missing = n;
    m->order = copy_order(cx, order, n_order);
    m->n_order = n_order;
    m->out = batch_like(&m->op, &m->text);
    for (uint32_t i = 0; i < n_order; i++) {
        if (order[i].col >= m->op.n_cols) {
            diag_set(cx->diag, ER_INTERNAL, "an order names a column that its input lacks");
            return op_fail_new(&m->op);
        }
    }
    for (uint32_t i = 1; i < n; i++) {
        if (children[i]->n_cols != m->op.n_cols) {
            diag_set(cx->diag, ER_INTERNAL, "inputs of a merge differ in their number of columns");
            return op_fail_new(&m->op);
        }
    }
    return &m->op;
}
