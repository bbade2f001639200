/* Ordered merge: the heads of the inputs are compared column by column in a binary heap; a row can be given only when every input that
 * has not ended shows its head. */
#include "executor/op-int.h"

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
    m->order = op_copy_order(cx, order, n_order);
    m->n_order = n_order;
    m->out = op_batch_new(cx, m->op.cols, m->op.n_cols, op_batch_rows(&m->op), &m->text);
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
