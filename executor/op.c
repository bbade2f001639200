/* The common part of operators, and those that hold little: source, values, filter, project, limit, narrow, union. */
#include "executor/op-int.h"

#include "types/coll.h"

#include "util/acct.h"
#include "util/strbuf.h"

void *op_alloc(struct op_ctx *cx, const struct op_ops *ops, size_t size, struct op *const *children, uint32_t n_children)
{
    struct op *o = arena_calloc(cx->arena, 1, size);

    o->ops = ops;
    o->cx = cx;
    arena_init(&o->mem, 0);
    o->n_children = n_children;
    o->children = ARENA_NEW_N(cx->arena, struct op *, n_children + 1);
    for (uint32_t i = 0; i < n_children; i++)
        o->children[i] = children[i];
    return o;
}

void op_set_cols(struct op *o, const struct func_arg *cols, uint32_t n)
{
    o->cols = ARENA_NEW_N(o->cx->arena, struct func_arg, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        o->cols[i] = cols[i];
        o->cols[i].constant = NULL;
    }
    o->n_cols = n;
}

struct op *op_fail_new(struct op *o)
{
    op_close(o);
    return NULL;
}

uint32_t op_batch_rows(const struct op *o)
{
    return o->cx->batch_rows ? o->cx->batch_rows : VEC_ROWS_DEFAULT;
}

bool op_can_spill(const struct op *o)
{
    return o->cx->spill_dir != NULL;
}

bool op_try_charge(struct op *o)
{
    size_t held = o->mem.used_bytes + o->extra;

    o->peak = MAX(o->peak, held);
    if (!o->cx->acct || held == o->reserved)
        return true;
    if (held < o->reserved) {
        acct_release(o->cx->acct, o->reserved - held);
    } else if (!acct_try_reserve(o->cx->acct, held - o->reserved, NULL)) {
        if (!op_can_spill(o) || held > (o->cx->floor_bytes ? o->cx->floor_bytes : OP_FLOOR_BYTES))
            return false;
        acct_charge(o->cx->acct, held - o->reserved);
    }
    o->reserved = held;
    return true;
}

void op_force_charge(struct op *o)
{
    size_t held = o->mem.used_bytes + o->extra;

    o->peak = MAX(o->peak, held);
    if (!o->cx->acct)
        return;
    if (held < o->reserved)
        acct_release(o->cx->acct, o->reserved - held);
    else
        acct_charge(o->cx->acct, held - o->reserved);
    o->reserved = held;
}

bool op_charge(struct op *o)
{
    return op_try_charge(o) || diag_set(o->cx->diag, ER_OUT_OF_RESOURCES, o->ops->name);
}

bool op_cancelled(struct op *o)
{
    return o->cx->cancelled && *o->cx->cancelled && !diag_set(o->cx->diag, ER_QUERY_INTERRUPTED);
}

bool op_native_coll(struct op_ctx *cx, const struct func_arg *a, const char *what)
{
    const struct collation *c;

    if (!type_is_string(&a->type) || coll_id_is_native(a->type.coll))
        return true;
    c = coll_by_id(a->type.coll);
    return diag_setf(cx->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s in collation %s above the shards'",
        what, c ? c->name : "?");
}

struct batch *op_batch_new(struct op_ctx *cx, const struct func_arg *cols, uint32_t n, uint32_t cap, struct arena *text)
{
    struct batch *b = ARENA_NEW(cx->arena, struct batch);

    b->cols = ARENA_NEW_N(cx->arena, struct vec *, n + 1);
    b->n_cols = n;
    b->cap = cap;
    for (uint32_t i = 0; i < n; i++) {
        unsigned scale;
        enum vec_kind k = op_col_kind(&cols[i], &scale);

        b->cols[i] = vec_new_kind(cx->arena, &cols[i].type, k, scale, cap, text);
    }
    return b;
}

uint32_t op_n_cols(const struct op *o)
{
    return o->n_cols;
}

const struct sql_type *op_type(const struct op *o, uint32_t i)
{
    return &o->cols[i].type;
}

enum op_result op_next(struct op *o, struct batch **out)
{
    enum op_result r;

    *out = NULL;
    if (o->failed)
        return OP_ERROR;
    if (o->done)
        return OP_DONE;
    r = op_cancelled(o) ? OP_ERROR : o->ops->next(o, out);
    switch (r) {
    case OP_BATCH:
        o->rows += (*out)->n_sel;
        o->batches++;
        break;
    case OP_BLOCKED:
        break;
    case OP_DONE:
        o->done = true;
        break;
    case OP_ERROR:
        o->failed = true;
        break;
    }
    return r;
}

void op_close(struct op *o)
{
    if (!o || o->closed)
        return;
    o->closed = true;
    for (uint32_t i = 0; i < o->n_children; i++)
        op_close(o->children[i]);
    if (o->ops->close)
        o->ops->close(o);
    spill_close(o);
    arena_free(&o->mem);
    if (o->cx->acct && o->reserved)
        acct_release(o->cx->acct, o->reserved);
    o->reserved = 0;
}

struct op_stats op_get_stats(const struct op *o)
{
    return (struct op_stats){o->ops->name, o->rows, o->batches, o->peak, o->spilled};
}

uint32_t op_n_children(const struct op *o)
{
    return o->n_children;
}

struct op *op_child(const struct op *o, uint32_t i)
{
    return o->children[i];
}

struct vm *op_compile(struct op_ctx *cx, const struct bexpr *const *exprs, uint32_t n, const struct op *child)
{
    return op_compile_cols(cx, exprs, n, child->cols, child->n_cols);
}

struct vm *op_compile_cols(struct op_ctx *cx, const struct bexpr *const *exprs, uint32_t n, const struct func_arg *cols, uint32_t n_cols)
{
    return vm_compile(exprs, n, cols, n_cols, cx->params, cx->n_params, cx->env, cx->arena,
        cx->batch_rows ? cx->batch_rows : VEC_ROWS_DEFAULT,
        cx->diag);
}

enum op_run_result op_run(struct op *root, struct op_sink *s)
{
    for (;;) {
        struct batch *b;

        switch (op_next(root, &b)) {
        case OP_BLOCKED:
            return OP_RUN_BLOCKED;
        case OP_DONE:
            return OP_RUN_DONE;
        case OP_ERROR:
            return OP_RUN_ERROR;
        case OP_BATCH:
            switch (s->batch(s, root, b)) {
            case SINK_OK:
                break;
            case SINK_FULL:
                return OP_RUN_SINK_FULL;
            case SINK_ERROR:
                return OP_RUN_ERROR;
            }
        }
    }
}

/* ---- source ---- */

/* Batches in a ring of lists: free ones, and filled ones in order; the last of the filled may be growing. Each has its own arena
 * for long texts. */
struct source_batch {
    struct source_batch *next;
    struct source_batch *next_all; /* every batch of the source, for closing */
    struct batch *batch;
    struct arena text;
};

struct source {
    struct op op;
    struct source_batch *head, *tail, *free, *given, *all;
    uint32_t n_queued;
    bool ended;
};

enum { SOURCE_FULL_BATCHES = 8, SOURCE_LOW_BATCHES = 3, SOURCE_FULL_BYTES = 4 << 20, SOURCE_PRESSED_BYTES = 1 << 20 };
/* A batch of long rows ends early (op-int.h: OP_BATCH_BYTES). */

static struct source_batch *source_take_free(struct source *s)
{
    struct source_batch *b = s->free;
    struct sql_type *types;

    if (b) {
        s->free = b->next;
        b->next = NULL;
        return b;
    }
    b = ARENA_NEW(&s->op.mem, struct source_batch);
    arena_init(&b->text, 0);
    types = ARENA_NEW_N(&s->op.mem, struct sql_type, s->op.n_cols + 1);
    for (uint32_t i = 0; i < s->op.n_cols; i++)
        types[i] = s->op.cols[i].type;
    b->batch = batch_new(&s->op.mem, types, s->op.n_cols, op_batch_rows(&s->op), &b->text);
    b->next_all = s->all;
    s->all = b;
    return b;
}

static void source_give_back(struct source *s)
{
    struct source_batch *b = s->given;

    if (!b)
        return;
    s->given = NULL;
    batch_clear(b->batch);
    s->op.extra -= b->text.used_bytes;
    arena_reset(&b->text);
    s->op.extra += b->text.used_bytes;
    b->next = s->free;
    s->free = b;
}

static enum op_result source_next(struct op *o, struct batch **out)
{
    struct source *s = (struct source *)o;
    struct source_batch *b = s->head;

    source_give_back(s);
    if (!b)
        return s->ended ? OP_DONE : OP_BLOCKED;
    s->head = b->next;
    if (!s->head)
        s->tail = NULL;
    b->next = NULL;
    s->n_queued--;
    s->given = b;
    *out = b->batch;
    return OP_BATCH;
}

static void source_close(struct op *o)
{
    struct source *s = (struct source *)o;

    for (struct source_batch *b = s->all; b; b = b->next_all)
        arena_free(&b->text);
    s->all = NULL;
}

static const struct op_ops source_ops = {"shard rows", source_next, source_close};

struct op *op_source_new(struct op_ctx *cx, const struct sql_type *types, uint32_t n_cols)
{
    struct source *s = op_alloc(cx, &source_ops, sizeof(*s), NULL, 0);
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, n_cols + 1);

    for (uint32_t i = 0; i < n_cols; i++)
        cols[i] = (struct func_arg){types[i], NULL, FUNC_SCALE_OF_TYPE};
    op_set_cols(&s->op, cols, n_cols);
    return &s->op;
}

bool op_source_push_row(struct op *src, const struct sv *cells)
{
    struct source *s = (struct source *)src;
    struct source_batch *b = s->tail;
    size_t before;
    uint32_t bad;

    if (src->done || src->closed)
        return true; /* nobody wants it any more */
    if (!b || b->batch->n_rows == b->batch->cap || b->text.used_bytes > OP_BATCH_BYTES) {
        b = source_take_free(s);
        if (s->tail)
            s->tail->next = b;
        else
            s->head = b;
        s->tail = b;
        s->n_queued++;
    }
    before = b->text.used_bytes;
    if (!batch_push_text(b->batch, cells, false, &bad)) {
        char type[64];

        type_print(&src->cols[bad].type, type, sizeof(type));
        return diag_setf(src->cx->diag, ER_INTERNAL, "Internal error: a shard sent '%.*s' in column %u of type %s",
            (int)MIN(cells[bad].len, (size_t)40), cells[bad].ptr ? cells[bad].ptr : "", bad + 1, type);
    }
    src->extra += b->text.used_bytes - before;
    if (src->mem.used_bytes + src->extra == src->reserved)
        return true;
    /* The operators above hold what the limit allows and cannot go on without rows: the queue, which is short then, may exceed it. */
    if (op_can_spill(src) && s->n_queued <= 2 && src->extra <= SOURCE_FULL_BYTES) {
        op_force_charge(src);
        return true;
    }
    return op_charge(src);
}

/* Memory is short: queues stay short, so that the operators above have it. */
static bool source_pressed(const struct op *o)
{
    return op_can_spill(o) && o->cx->acct && acct_left(o->cx->acct) < SOURCE_PRESSED_BYTES;
}

void op_source_end(struct op *src)
{
    ((struct source *)src)->ended = true;
}

bool op_source_full(const struct op *src)
{
    const struct source *s = (const struct source *)src;

    return s->n_queued >= SOURCE_FULL_BATCHES || (s->n_queued && src->extra > SOURCE_FULL_BYTES) || (s->n_queued > 1 && source_pressed(src));
}

bool op_source_wants_rows(const struct op *src)
{
    const struct source *s = (const struct source *)src;

    return !s->ended && !src->done && s->n_queued <= SOURCE_LOW_BATCHES && !(s->n_queued && (src->extra > SOURCE_FULL_BYTES || source_pressed(src)));
}

/* ---- values ---- */

struct values {
    struct op op;
    const struct value *values;
    uint32_t n_rows, at;
    struct batch *batch;
    struct arena text;
};

static enum op_result values_next(struct op *o, struct batch **out)
{
    struct values *v = (struct values *)o;

    if (v->at == v->n_rows)
        return OP_DONE;
    batch_clear(v->batch);
    arena_reset(&v->text);
    while (v->at < v->n_rows && v->batch->n_rows < v->batch->cap) {
        for (uint32_t i = 0; i < o->n_cols; i++) {
            if (!vec_put(v->batch->cols[i], v->batch->n_rows, &v->values[(size_t)v->at * o->n_cols + i])) {
                diag_set(o->cx->diag, ER_DATA_OUT_OF_RANGE, "constant", "VALUES");
                return OP_ERROR;
            }
        }
        v->batch->n_sel = ++v->batch->n_rows;
        v->at++;
    }
    *out = v->batch;
    return OP_BATCH;
}

static void values_close(struct op *o)
{
    arena_free(&((struct values *)o)->text);
}

static const struct op_ops values_ops = {"values", values_next, values_close};

struct op *op_values_new(struct op_ctx *cx, const struct sql_type *types, uint32_t n_cols, const struct value *values,
    uint32_t n_rows)
{
    struct values *v = op_alloc(cx, &values_ops, sizeof(*v), NULL, 0);
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, n_cols + 1);

    for (uint32_t i = 0; i < n_cols; i++)
        cols[i] = (struct func_arg){types[i], NULL, FUNC_SCALE_OF_TYPE};
    op_set_cols(&v->op, cols, n_cols);
    arena_init(&v->text, 0);
    v->values = values;
    v->n_rows = n_rows;
    v->batch = batch_new(cx->arena, types, n_cols, op_batch_rows(&v->op), &v->text);
    return &v->op;
}

/* ---- filter ---- */

struct filter {
    struct op op;
    struct vm *vm;
    uint32_t *rows;
    struct batch out;
};

static enum op_result filter_next(struct op *o, struct batch **out)
{
    struct filter *f = (struct filter *)o;

    for (;;) {
        struct batch *in;
        enum op_result r = op_next(o->children[0], &in);
        uint32_t n;

        if (r != OP_BATCH)
            return r;
        if (!vm_filter(f->vm, in, f->rows, &n, o->cx->diag))
            return OP_ERROR;
        if (n == 0)
            continue;
        f->out = *in;
        f->out.rows = f->rows;
        f->out.n_sel = n;
        *out = &f->out;
        return OP_BATCH;
    }
}

static void filter_close(struct op *o)
{
    vm_free(((struct filter *)o)->vm);
}

static const struct op_ops filter_ops = {"filter", filter_next, filter_close};

struct op *op_filter_new(struct op_ctx *cx, struct op *child, const struct bexpr *pred)
{
    struct filter *f = op_alloc(cx, &filter_ops, sizeof(*f), &child, 1);

    op_set_cols(&f->op, child->cols, child->n_cols);
    f->rows = ARENA_NEW_N(cx->arena, uint32_t, op_batch_rows(&f->op));
    f->vm = op_compile(cx, &pred, 1, child);
    return f->vm ? &f->op : op_fail_new(&f->op);
}

/* ---- project ---- */

struct project {
    struct op op;
    struct vm *vm;
    struct batch out;
};

static enum op_result project_next(struct op *o, struct batch **out)
{
    struct project *p = (struct project *)o;
    struct batch *in;
    enum op_result r = op_next(o->children[0], &in);

    if (r != OP_BATCH)
        return r;
    if (!vm_run(p->vm, in, p->out.cols, o->cx->diag))
        return OP_ERROR;
    p->out.cap = in->cap;
    p->out.n_rows = in->n_rows;
    p->out.rows = in->rows;
    p->out.n_sel = in->n_sel;
    *out = &p->out;
    return OP_BATCH;
}

static void project_close(struct op *o)
{
    vm_free(((struct project *)o)->vm);
}

static const struct op_ops project_ops = {"project", project_next, project_close};

struct op *op_project_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *exprs, uint32_t n)
{
    struct project *p = op_alloc(cx, &project_ops, sizeof(*p), &child, 1);
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, n + 1);

    p->vm = op_compile(cx, exprs, n, child);
    if (!p->vm)
        return op_fail_new(&p->op);
    for (uint32_t i = 0; i < n; i++)
        cols[i] = vm_result(p->vm, i);
    op_set_cols(&p->op, cols, n);
    p->out.cols = ARENA_NEW_N(cx->arena, struct vec *, n + 1);
    p->out.n_cols = n;
    return &p->op;
}

/* ---- limit ---- */

struct limit {
    struct op op;
    uint64_t skip, left;
    uint32_t *rows;
    struct batch out;
};

static enum op_result limit_next(struct op *o, struct batch **out)
{
    struct limit *l = (struct limit *)o;

    while (l->left) {
        struct batch *in;
        enum op_result r = op_next(o->children[0], &in);
        uint32_t first, n;
        struct sel sel;

        if (r != OP_BATCH)
            return r;
        first = (uint32_t)MIN(l->skip, (uint64_t)in->n_sel);
        l->skip -= first;
        n = (uint32_t)MIN(l->left, (uint64_t)(in->n_sel - first));
        if (n == 0)
            continue;
        l->left -= n;
        sel = batch_sel(in);
        for (uint32_t k = 0; k < n; k++)
            l->rows[k] = SEL_ROW(&sel, first + k);
        l->out = *in;
        l->out.rows = l->rows;
        l->out.n_sel = n;
        *out = &l->out;
        return OP_BATCH;
    }
    return OP_DONE;
}

static const struct op_ops limit_ops = {"limit", limit_next, NULL};

struct op *op_limit_new(struct op_ctx *cx, struct op *child, uint64_t limit, uint64_t offset)
{
    struct limit *l = op_alloc(cx, &limit_ops, sizeof(*l), &child, 1);

    op_set_cols(&l->op, child->cols, child->n_cols);
    l->skip = offset;
    l->left = limit;
    l->rows = ARENA_NEW_N(cx->arena, uint32_t, op_batch_rows(&l->op));
    return &l->op;
}

/* ---- narrow ---- */

struct narrow {
    struct op op;
    struct batch out;
};

static enum op_result narrow_next(struct op *o, struct batch **out)
{
    struct narrow *w = (struct narrow *)o;
    struct batch *in;
    enum op_result r = op_next(o->children[0], &in);

    if (r != OP_BATCH)
        return r;
    w->out = *in;
    w->out.n_cols = o->n_cols;
    *out = &w->out;
    return OP_BATCH;
}

static const struct op_ops narrow_ops = {"narrow", narrow_next, NULL};

struct op *op_narrow_new(struct op_ctx *cx, struct op *child, uint32_t n)
{
    struct narrow *w = op_alloc(cx, &narrow_ops, sizeof(*w), &child, 1);

    op_set_cols(&w->op, child->cols, n);
    return &w->op;
}

/* ---- union ---- */

struct union_all {
    struct op op;
    uint32_t turn;
    bool *same;  /* child's columns are held as the result's: batches pass through */
    bool *ended;
    struct batch *batch; /* converted rows */
    struct arena text;
};

/* One cell as the result column's kind: numbers and temporals become text where the types unify to a string. */
static bool union_convert(struct union_all *u, const struct batch *in)
{
    struct func_ctx cx = {u->op.cx->env, &u->text, u->op.cx->diag, true};
    struct sel sel = batch_sel(in);

    batch_clear(u->batch);
    arena_reset(&u->text);
    for (uint32_t i = 0; i < u->op.n_cols; i++) {
        struct vec *dst = u->batch->cols[i];
        const struct vec *src = in->cols[i];

        for (uint32_t k = 0; k < sel.n; k++) {
            if (src->kind == VEC_TIME && dst->kind == VEC_DATETIME) { /* a time of today */
                struct value v, as = {.kind = KIND_DATETIME};

                vec_get(src, SEL_ROW(&sel, k), &v);
                if (v.kind == KIND_NULL || !value_to_datetime(&v, cx.env, &as.t))
                    as = value_null();
                if (!vec_put(dst, k, &as))
                    return diag_set(cx.diag, ER_DATA_OUT_OF_RANGE, "DATETIME", "UNION");
            } else if (dst->kind == VEC_STR || src->kind != VEC_STR || (dst->kind == src->kind && dst->scale == src->scale)) {
                if (!vec_copy(dst, k, src, SEL_ROW(&sel, k)))
                    return diag_set(cx.diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "UNION");
            } else {
                struct value v;

                vec_get(src, SEL_ROW(&sel, k), &v);
                if (!vec_put(dst, k, &v))
                    return diag_set(cx.diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "UNION");
            }
        }
    }
    u->batch->n_rows = u->batch->n_sel = sel.n;
    return true;
}

static enum op_result union_next(struct op *o, struct batch **out)
{
    struct union_all *u = (struct union_all *)o;
    uint32_t blocked = 0;

    for (uint32_t tried = 0; tried < o->n_children; tried++) {
        uint32_t i = u->turn;
        struct batch *in;

        u->turn = (u->turn + 1) % o->n_children;
        if (u->ended[i])
            continue;
        switch (op_next(o->children[i], &in)) {
        case OP_ERROR:
            return OP_ERROR;
        case OP_DONE:
            u->ended[i] = true;
            continue;
        case OP_BLOCKED:
            blocked++;
            continue;
        case OP_BATCH:
            break;
        }
        if (u->same[i]) {
            *out = in;
            return OP_BATCH;
        }
        if (!union_convert(u, in))
            return OP_ERROR;
        *out = u->batch;
        return OP_BATCH;
    }
    return blocked ? OP_BLOCKED : OP_DONE;
}

static void union_close(struct op *o)
{
    arena_free(&((struct union_all *)o)->text);
}

static const struct op_ops union_ops = {"union all", union_next, union_close};

static bool held_alike(const struct func_arg *a, const struct func_arg *b)
{
    const struct sql_type *x = &a->type, *y = &b->type;
    enum vec_kind k = vec_kind_of(x);

    if (k != vec_kind_of(y) || a->dec_scale != b->dec_scale)
        return false;
    switch (k) {
    case VEC_I64:
    case VEC_F64:
        return true;
    case VEC_U64:
        return x->code == y->code || (x->code != TYPE_BIT && y->code != TYPE_BIT && x->code != TYPE_YEAR && y->code != TYPE_YEAR);
    case VEC_STR:
        return x->coll == y->coll;
    case VEC_DEC64:
    case VEC_DEC128:
    case VEC_DEC256:
    case VEC_DATE:
    case VEC_DATETIME:
    case VEC_TIME:
        break;
    }
    return x->decimals == y->decimals;
}

struct op *op_union_all_new(struct op_ctx *cx, struct op *const *children, uint32_t n, const struct sql_type *types)
{
    struct union_all *u = op_alloc(cx, &union_ops, sizeof(*u), children, n);
    uint32_t n_cols = children[0]->n_cols;
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, n_cols + 1);
    struct sql_type *plain = ARENA_NEW_N(cx->arena, struct sql_type, n_cols + 1);
    bool all_same = true;

    arena_init(&u->text, 0);
    for (uint32_t i = 0; i < n_cols; i++) {
        cols[i] = children[0]->cols[i];
        if (types)
            cols[i] = (struct func_arg){types[i], NULL, FUNC_SCALE_OF_TYPE};
        plain[i] = cols[i].type;
    }
    op_set_cols(&u->op, cols, n_cols);
    u->same = ARENA_NEW_N(cx->arena, bool, n + 1);
    u->ended = ARENA_NEW_N(cx->arena, bool, n + 1);
    for (uint32_t c = 0; c < n; c++) {
        u->same[c] = true;
        if (children[c]->n_cols != n_cols) {
            diag_set(cx->diag, ER_INTERNAL, "inputs of UNION differ in their number of columns");
            return op_fail_new(&u->op);
        }
        for (uint32_t i = 0; i < n_cols; i++)
            u->same[c] &= held_alike(&children[c]->cols[i], &cols[i]);
        all_same &= u->same[c];
    }
    if (!all_same) {
        u->batch = batch_new(cx->arena, plain, 0, op_batch_rows(&u->op), &u->text);
        u->batch->cols = ARENA_NEW_N(cx->arena, struct vec *, n_cols + 1);
        u->batch->n_cols = n_cols;
        for (uint32_t i = 0; i < n_cols; i++) {
            bool phys = type_kind_of(&cols[i].type) == KIND_DEC && cols[i].dec_scale != FUNC_SCALE_OF_TYPE;

            u->batch->cols[i] = phys ? vec_new_kind(cx->arena, &cols[i].type, VEC_DEC256, cols[i].dec_scale, op_batch_rows(&u->op), &u->text)
                                     : vec_new(cx->arena, &cols[i].type, op_batch_rows(&u->op), &u->text);
        }
    }
    return &u->op;
}
