/* Hash tables of rows, aggregation and DISTINCT.
 *
 * A rowset keeps rows in chunks and finds them by the hash of their key columns: open addressing over row numbers, so growing
 * moves four bytes a row. Aggregation is a rowset of groups (keys, then columns carried from the first row) and an array of
 * states of fixed size by group number. A DISTINCT aggregate has a rowset of its own over (group, arguments): only rows that
 * are new there reach the aggregate. Spilling would partition by the hash's high bits where op_charge is refused. */
#include "executor/op-int.h"

#include "types/coll.h"

#include "util/hash.h"

/* ---- rows ---- */

void op_rows_init(struct rows *r, struct arena *mem, const struct func_arg *cols, uint32_t n_cols, uint32_t chunk_rows)
{
    *r = (struct rows){.mem = mem, .cols = cols, .n_cols = n_cols, .chunk_rows = chunk_rows};
}

static enum vec_kind kind_for(const struct func_arg *a, unsigned *scale)
{
    enum vec_kind k = vec_kind_of(&a->type);
    unsigned held;

    *scale = 0;
    if (type_kind_of(&a->type) != KIND_DEC)
        return k;
    *scale = a->dec_scale == FUNC_SCALE_OF_TYPE ? a->type.decimals : a->dec_scale;
    held = type_dec_precision(&a->type) - a->type.decimals + *scale;
    return held <= 18 ? VEC_DEC64 : held <= 38 ? VEC_DEC128 : VEC_DEC256;
}

static struct batch *new_chunk(struct rows *r)
{
    struct batch *b = ARENA_NEW(r->mem, struct batch);

    b->cols = ARENA_NEW_N(r->mem, struct vec *, r->n_cols + 1);
    b->n_cols = r->n_cols;
    b->cap = r->chunk_rows;
    for (uint32_t i = 0; i < r->n_cols; i++) {
        unsigned scale;
        enum vec_kind k = kind_for(&r->cols[i], &scale);

        b->cols[i] = vec_new_kind(r->mem, &r->cols[i].type, k, scale, r->chunk_rows, r->mem);
    }
    return b;
}

bool op_rows_append(struct rows *r, struct vec *const *cols, uint32_t row)
{
    uint32_t at = r->n % r->chunk_rows;
    struct batch *b;

    if (at == 0) {
        if (r->n_chunks == r->cap_chunks) {
            uint32_t cap = r->cap_chunks ? r->cap_chunks * 2 : 8;
            struct batch **chunks = ARENA_NEW_N(r->mem, struct batch *, cap);

            if (r->n_chunks)
                memcpy(chunks, r->chunks, r->n_chunks * sizeof(*chunks));
            r->chunks = chunks;
            r->cap_chunks = cap;
        }
        r->chunks[r->n_chunks++] = new_chunk(r);
    }
    b = r->chunks[r->n_chunks - 1];
    for (uint32_t i = 0; i < r->n_cols; i++) {
        if (!vec_copy(b->cols[i], at, cols[i], row))
            return false;
    }
    b->n_sel = b->n_rows = at + 1;
    r->n++;
    return true;
}

/* ---- rowset ---- */

void rowset_init(struct rowset *s, struct arena *mem, const struct func_arg *cols, uint32_t n_cols, uint32_t n_keys,
    uint32_t chunk_rows)
{
    *s = (struct rowset){.n_keys = n_keys};
    op_rows_init(&s->rows, mem, cols, n_cols, chunk_rows);
}

static void rowset_grow(struct rowset *s)
{
    uint32_t n = s->n_slots ? s->n_slots * 2 : 64, *slots = ARENA_NEW_N(s->rows.mem, uint32_t, n);

    for (uint32_t i = 0; i < s->rows.n; i++) {
        uint32_t at = (uint32_t)s->hashes[i] & (n - 1);

        while (slots[at])
            at = (at + 1) & (n - 1);
        slots[at] = i + 1;
    }
    s->slots = slots;
    s->n_slots = n;
}

static bool keys_equal(const struct rowset *s, uint32_t i, struct vec *const *cols, uint32_t row)
{
    uint32_t at;
    const struct batch *b = rows_chunk(&s->rows, i, &at);

    for (uint32_t k = 0; k < s->n_keys; k++) {
        if (!vec_eq(b->cols[k], at, cols[k], row))
            return false;
    }
    return true;
}

bool rowset_add(struct rowset *s, struct vec *const *cols, uint32_t row, uint64_t hash, uint32_t *index, bool *added)
{
    uint32_t at;

    if ((s->rows.n + 1) * 4 > s->n_slots * 3)
        rowset_grow(s);
    *added = false;
    for (at = (uint32_t)hash & (s->n_slots - 1); s->slots[at]; at = (at + 1) & (s->n_slots - 1)) {
        uint32_t i = s->slots[at] - 1;

        if (s->hashes[i] == hash && keys_equal(s, i, cols, row)) {
            *index = i;
            return true;
        }
    }
    if (s->rows.n == s->cap_hashes) {
        uint32_t cap = s->cap_hashes ? s->cap_hashes * 2 : 64;
        uint64_t *hashes = ARENA_NEW_N(s->rows.mem, uint64_t, cap);

        if (s->rows.n)
            memcpy(hashes, s->hashes, s->rows.n * sizeof(*hashes));
        s->hashes = hashes;
        s->cap_hashes = cap;
    }
    *index = s->rows.n;
    s->hashes[s->rows.n] = hash;
    s->slots[at] = s->rows.n + 1;
    *added = true;
    return op_rows_append(&s->rows, cols, row);
}

/* ---- aggregation ---- */

struct agg_one {
    struct agg_call call;
    uint32_t offset;    /* in a group's state */
    uint32_t first_arg; /* in the program's results */
    uint32_t n_args;
    uint32_t first_key, n_keys; /* DISTINCT: what is compared */
    struct rowset *seen;
    struct vec **seen_cols;
};

struct aggregate {
    struct op op;
    struct vm *vm; /* groups, then all aggregates' arguments */
    struct vec **vals;
    uint32_t n_groups, n_aggs, n_first;
    const uint32_t *first_cols;
    struct agg_one *aggs;
    struct rowset groups; /* keys, then first_cols */
    struct func_arg *store_cols;
    struct vec **store_vecs;
    char **state_chunks;
    uint32_t n_state_chunks, cap_state_chunks, state_bytes;
    struct arena text; /* results and scratch */
    struct batch *out;
    uint64_t *hashes;
    uint32_t *group_of;
    void **states;
    uint32_t *rows;
    struct vec *group_vec; /* group numbers as a column, for DISTINCT */
    uint32_t emitted;
    bool input_done, scalar_made;
};

enum { STATE_CHUNK = 256 };

static void *state_of(struct aggregate *a, uint32_t group, const struct agg_one *g)
{
    return a->state_chunks[group / STATE_CHUNK] + (size_t)(group % STATE_CHUNK) * a->state_bytes + g->offset;
}

static void new_group_state(struct aggregate *a, uint32_t group)
{
    if (group / STATE_CHUNK == a->n_state_chunks) {
        if (a->n_state_chunks == a->cap_state_chunks) {
            uint32_t cap = a->cap_state_chunks ? a->cap_state_chunks * 2 : 16;
            char **p = ARENA_NEW_N(&a->op.mem, char *, cap);

            if (a->n_state_chunks)
                memcpy(p, a->state_chunks, a->n_state_chunks * sizeof(*p));
            a->state_chunks = p;
            a->cap_state_chunks = cap;
        }
        a->state_chunks[a->n_state_chunks++] = arena_alloc(&a->op.mem, (size_t)STATE_CHUNK * a->state_bytes);
    }
    for (uint32_t i = 0; i < a->n_aggs; i++)
        agg_init(&a->aggs[i].call, state_of(a, group, &a->aggs[i]));
}

/* Narrows the rows to those whose arguments are new in their group. */
static bool only_new(struct aggregate *a, struct agg_one *g, const struct sel *in, struct sel *out)
{
    uint32_t n = 0;

    for (uint32_t k = 0; k < in->n; k++) {
        uint32_t row = SEL_ROW(in, k);

        a->group_vec->i64[row] = a->group_of[k];
        vec_set_valid(a->group_vec, row);
        a->hashes[k] = 0;
    }
    for (uint32_t i = 0; i < g->seen->n_keys; i++)
        vec_hash(g->seen_cols[i], in, a->hashes);
    for (uint32_t k = 0; k < in->n; k++) {
        uint32_t row = SEL_ROW(in, k), index;
        bool added;

        if (!rowset_add(g->seen, g->seen_cols, row, a->hashes[k], &index, &added))
            return diag_set(a->op.cx->diag, ER_INTERNAL, "copy of a row");
        if (added) {
            a->rows[n] = row;
            a->states[n++] = state_of(a, a->group_of[k], g);
        }
    }
    *out = (struct sel){a->rows, n};
    return true;
}

static bool update_aggs(struct aggregate *a, const struct sel *sel)
{
    struct func_ctx cx = {a->op.cx->env, &a->text, a->op.cx->diag, true};

    for (uint32_t i = 0; i < a->n_aggs; i++) {
        struct agg_one *g = &a->aggs[i];
        const struct vec *const *args = (const struct vec *const *)(a->vals + g->first_arg);
        struct sel rows = *sel;

        if (g->seen) {
            for (uint32_t j = 0; j < g->n_keys; j++)
                g->seen_cols[j + 1] = a->vals[g->first_key + j];
            if (!only_new(a, g, sel, &rows))
                return false;
        } else {
            for (uint32_t k = 0; k < sel->n; k++)
                a->states[k] = state_of(a, a->group_of[k], g);
        }
        if (!agg_update(&cx, &g->call, args, &rows, a->states, &a->op.mem))
            return false;
    }
    return true;
}

static bool consume(struct aggregate *a, const struct batch *in)
{
    struct sel sel = batch_sel(in);

    arena_reset(&a->text);
    if (!vm_run(a->vm, in, a->vals, a->op.cx->diag))
        return false;
    for (uint32_t i = 0; i < a->n_groups; i++)
        a->store_vecs[i] = a->vals[i];
    for (uint32_t i = 0; i < a->n_first; i++)
        a->store_vecs[a->n_groups + i] = in->cols[a->first_cols[i]];
    memset(a->hashes, 0, sel.n * sizeof(*a->hashes));
    for (uint32_t i = 0; i < a->n_groups; i++)
        vec_hash(a->store_vecs[i], &sel, a->hashes);
    for (uint32_t k = 0; k < sel.n; k++) {
        bool added;

        if (!rowset_add(&a->groups, a->store_vecs, SEL_ROW(&sel, k), a->hashes[k], &a->group_of[k], &added))
            return diag_set(a->op.cx->diag, ER_INTERNAL, "copy of a row");
        if (added)
            new_group_state(a, a->group_of[k]);
    }
    return update_aggs(a, &sel);
}

static bool emit_groups(struct aggregate *a, struct batch **out)
{
    struct func_ctx cx = {a->op.cx->env, &a->text, a->op.cx->diag, true};
    struct batch *b = a->out;

    batch_clear(b);
    arena_reset(&a->text);
    while (a->emitted < a->groups.rows.n && b->n_rows < b->cap) {
        uint32_t at, row = b->n_rows;
        const struct batch *chunk = rows_chunk(&a->groups.rows, a->emitted, &at);

        for (uint32_t i = 0; i < a->n_groups + a->n_first; i++) {
            uint32_t to = i < a->n_groups ? i : i + a->n_aggs;

            if (!vec_copy(b->cols[to], row, chunk->cols[i], at))
                return diag_set(cx.diag, ER_INTERNAL, "copy of a row");
        }
        for (uint32_t i = 0; i < a->n_aggs; i++) {
            if (!agg_final(&cx, &a->aggs[i].call, state_of(a, a->emitted, &a->aggs[i]), b->cols[a->n_groups + i], row))
                return false;
        }
        b->n_sel = ++b->n_rows;
        a->emitted++;
    }
    *out = b;
    return true;
}

static enum op_result aggregate_next(struct op *o, struct batch **out)
{
    struct aggregate *a = (struct aggregate *)o;

    while (!a->input_done) {
        struct batch *in;

        switch (op_next(o->children[0], &in)) {
        case OP_BLOCKED:
            return OP_BLOCKED;
        case OP_ERROR:
            return OP_ERROR;
        case OP_DONE:
            a->input_done = true;
            break;
        case OP_BATCH:
            if (!consume(a, in) || !op_charge(o))
                return OP_ERROR;
            break;
        }
    }
    if (a->n_groups == 0 && a->groups.rows.n == 0 && !a->scalar_made) {
        /* No input and no GROUP BY: one row of empty aggregates; carried columns are NULL. */
        struct sql_type null = type_null();
        struct value v = value_null();
        bool added;
        uint32_t index;

        a->scalar_made = true;
        for (uint32_t i = 0; i < a->n_first; i++)
            a->store_vecs[i] = vec_new_const(&o->mem, &null, &v);
        if (!rowset_add(&a->groups, a->store_vecs, 0, 0, &index, &added))
            return OP_ERROR;
        new_group_state(a, 0);
    }
    if (a->emitted == a->groups.rows.n)
        return OP_DONE;
    return emit_groups(a, out) ? OP_BATCH : OP_ERROR;
}

static void aggregate_close(struct op *o)
{
    struct aggregate *a = (struct aggregate *)o;

    vm_free(a->vm);
    arena_free(&a->text);
}

static const struct op_ops aggregate_ops = {"aggregate", aggregate_next, aggregate_close};

/* DISTINCT needs equality in the arguments' own collations; where those are not native, the keys are weights. */
static bool bind_distinct(struct aggregate *a, struct agg_one *g)
{
    struct op_ctx *cx = a->op.cx;
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, g->n_keys + 1);

    cols[0] = (struct func_arg){type_int(false), NULL, FUNC_SCALE_OF_TYPE};
    for (uint32_t i = 0; i < g->n_keys; i++) {
        cols[i + 1] = vm_result(a->vm, g->first_key + i);
        if (type_is_string(&cols[i + 1].type) && !coll_id_is_native(cols[i + 1].type.coll))
            return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "DISTINCT in a collation that is not native above the shards");
    }
    g->seen = ARENA_NEW(cx->arena, struct rowset);
    rowset_init(g->seen, &a->op.mem, cols, g->n_keys + 1, g->n_keys + 1, op_batch_rows(&a->op));
    g->seen_cols = ARENA_NEW_N(cx->arena, struct vec *, g->n_keys + 1);
    g->seen_cols[0] = a->group_vec;
    return true;
}

static bool bind_aggs(struct aggregate *a, const struct op_agg *aggs, struct func_arg *out_cols)
{
    struct op_ctx *cx = a->op.cx;
    uint32_t at = a->n_groups;

    for (uint32_t i = 0; i < a->n_aggs; i++) {
        struct agg_one *g = &a->aggs[i];
        struct func_arg *args = ARENA_NEW_N(cx->arena, struct func_arg, aggs[i].n_args + 1);
        enum agg_fn fn = aggs[i].spec.fn;

        g->first_arg = at;
        g->n_args = aggs[i].n_args;
        for (uint32_t j = 0; j < g->n_args; j++)
            args[j] = vm_result(a->vm, at + j);
        at += g->n_args;
        g->n_keys = aggs[i].spec.n_keys ? aggs[i].spec.n_keys
            : fn == AGG_GROUP_CONCAT && aggs[i].spec.n_value_args ? aggs[i].spec.n_value_args : g->n_args;
        g->first_key = aggs[i].spec.n_keys ? at - g->n_keys : g->first_arg;
        if (!agg_bind(&aggs[i].spec, args, g->n_args, cx->env, cx->arena, &g->call, cx->diag))
            return false;
        g->offset = a->state_bytes;
        a->state_bytes += (g->call.state_bytes + 15u) & ~15u;
        out_cols[a->n_groups + i] =
            (struct func_arg){g->call.type, NULL, type_kind_of(&g->call.type) == KIND_DEC ? g->call.vec_scale : FUNC_SCALE_OF_TYPE};
        if (aggs[i].spec.distinct && fn != AGG_MIN && fn != AGG_MAX && g->n_args && !bind_distinct(a, g))
            return false;
    }
    return true;
}

struct op *op_aggregate_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first)
{
    struct aggregate *a = op_alloc(cx, &aggregate_ops, sizeof(*a), &child, 1);
    uint32_t n = n_groups, cap = op_batch_rows(&a->op), n_out = n_groups + n_aggs + n_first;
    struct func_arg *out_cols = ARENA_NEW_N(cx->arena, struct func_arg, n_out + 1);
    const struct bexpr **exprs;
    struct sql_type group_type = type_int(false);

    arena_init(&a->text, 0);
    for (uint32_t i = 0; i < n_aggs; i++)
        n += aggs[i].n_args;
    exprs = ARENA_NEW_N(cx->arena, const struct bexpr *, n + 1);
    for (uint32_t i = 0; i < n_groups; i++)
        exprs[i] = groups[i];
    n = n_groups;
    for (uint32_t i = 0; i < n_aggs; i++) {
        for (uint32_t j = 0; j < aggs[i].n_args; j++)
            exprs[n++] = aggs[i].args[j];
    }
    a->n_groups = n_groups;
    a->n_aggs = n_aggs;
    a->n_first = n_first;
    a->first_cols = first_cols;
    a->aggs = ARENA_NEW_N(cx->arena, struct agg_one, n_aggs + 1);
    a->vals = ARENA_NEW_N(cx->arena, struct vec *, n + 1);
    a->group_vec = vec_new(cx->arena, &group_type, cap, NULL);
    a->vm = op_compile(cx, exprs, n, child);
    if (!a->vm)
        return op_fail_new(&a->op);
    a->store_cols = ARENA_NEW_N(cx->arena, struct func_arg, n_groups + n_first + 1);
    a->store_vecs = ARENA_NEW_N(cx->arena, struct vec *, n_groups + n_first + 1);
    for (uint32_t i = 0; i < n_groups; i++)
        out_cols[i] = a->store_cols[i] = vm_result(a->vm, i);
    for (uint32_t i = 0; i < n_first; i++)
        out_cols[n_groups + n_aggs + i] = a->store_cols[n_groups + i] = child->cols[first_cols[i]];
    if (!bind_aggs(a, aggs, out_cols))
        return op_fail_new(&a->op);
    op_set_cols(&a->op, out_cols, n_out);
    rowset_init(&a->groups, &a->op.mem, a->store_cols, n_groups + n_first, n_groups, cap);
    a->hashes = ARENA_NEW_N(cx->arena, uint64_t, cap);
    a->group_of = ARENA_NEW_N(cx->arena, uint32_t, cap);
    a->states = ARENA_NEW_N(cx->arena, void *, cap);
    a->rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    a->out = ARENA_NEW(cx->arena, struct batch);
    a->out->cols = ARENA_NEW_N(cx->arena, struct vec *, n_out + 1);
    a->out->n_cols = n_out;
    a->out->cap = cap;
    for (uint32_t i = 0; i < n_out; i++) {
        bool agg = i >= n_groups && i < n_groups + n_aggs;
        unsigned scale;
        enum vec_kind k = kind_for(&out_cols[i], &scale);

        if (agg)
            k = (enum vec_kind)a->aggs[i - n_groups].call.vec_kind;
        a->out->cols[i] = vec_new_kind(cx->arena, &out_cols[i].type, k, scale, cap, &a->text);
    }
    return &a->op;
}

/* ---- distinct ---- */

struct distinct {
    struct op op;
    struct rowset seen;
    uint64_t *hashes;
    uint32_t *rows;
    uint32_t n_keys;
    struct batch out;
};

static enum op_result distinct_next(struct op *o, struct batch **out)
{
    struct distinct *d = (struct distinct *)o;

    for (;;) {
        struct batch *in;
        enum op_result r = op_next(o->children[0], &in);
        struct sel sel;
        uint32_t n = 0, index;

        if (r != OP_BATCH)
            return r;
        sel = batch_sel(in);
        memset(d->hashes, 0, sel.n * sizeof(*d->hashes));
        for (uint32_t i = 0; i < d->n_keys; i++)
            vec_hash(in->cols[i], &sel, d->hashes);
        for (uint32_t k = 0; k < sel.n; k++) {
            bool added;

            if (!rowset_add(&d->seen, in->cols, SEL_ROW(&sel, k), d->hashes[k], &index, &added)) {
                diag_set(o->cx->diag, ER_INTERNAL, "copy of a row");
                return OP_ERROR;
            }
            if (added)
                d->rows[n++] = SEL_ROW(&sel, k);
        }
        if (!op_charge(o))
            return OP_ERROR;
        if (n == 0)
            continue;
        d->out = *in;
        d->out.rows = d->rows;
        d->out.n_sel = n;
        *out = &d->out;
        return OP_BATCH;
    }
}

static const struct op_ops distinct_ops = {"distinct", distinct_next, NULL};

struct op *op_distinct_new(struct op_ctx *cx, struct op *child, uint32_t n_keys)
{
    struct distinct *d = op_alloc(cx, &distinct_ops, sizeof(*d), &child, 1);
    uint32_t cap = op_batch_rows(&d->op);

    op_set_cols(&d->op, child->cols, child->n_cols);
    d->n_keys = n_keys ? MIN(n_keys, child->n_cols) : child->n_cols;
    rowset_init(&d->seen, &d->op.mem, d->op.cols, d->n_keys, d->n_keys, cap);
    d->hashes = ARENA_NEW_N(cx->arena, uint64_t, cap);
    d->rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    return &d->op;
}
