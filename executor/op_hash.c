/* Aggregation (also with ROLLUP) and DISTINCT, by hash.
 *
 * Groups are rows of a row set: keys, columns carried from the first row, and behind the cells the states of the aggregates. Each
 * batch's rows are found or added in it, and then each aggregate is told its rows and where their states are. A DISTINCT aggregate
 * has a set of its own over (group, what is compared): only rows that are new there reach it.
 *
 * When memory is refused the set is frozen: rows of groups that it has still reach them, rows of others are written, as the values
 * that the expressions gave, to one of 16 partitions by their hash. When the groups in memory have been given out, each partition is
 * aggregated like input, and may freeze again. So no state is ever written, and an aggregate may be whatever it likes; each
 * pass settles as many groups as fit. The set of a DISTINCT aggregate freezes in the same way: rows that it lacks are written,
 * and looked at, partition by partition, when the input has ended.
 *
 * ROLLUP runs each batch once for each of its levels, with the number of expressions that are rolled up as one more key. */
#include "executor/op-int.h"

#include "types/coll.h"

/* ---- a set that can freeze ---- */

/* Partitions that wait, in a list. */
struct part_list {
    struct part_list *next;
    struct spool *rows;
    uint32_t level;
};

static struct spool **new_parts(struct op *o, struct row_layout *l)
{
    struct spool **p = xcalloc(SPILL_FAN, sizeof(*p));

    for (uint32_t i = 0; i < SPILL_FAN; i++)
        p[i] = spool_new(o, l);
    return p;
}

static uint32_t part_level(uint32_t level)
{
    return MIN(level, 12u); /* deeper, a partition just loses what each pass settles */
}

/* Ends writing; partitions with rows join the list. */
static bool close_parts(struct spool ***parts, uint32_t level, struct part_list **list)
{
    bool ok = true;

    for (uint32_t i = SPILL_FAN; *parts && i-- > 0;) {
        struct spool *s = (*parts)[i];
        struct part_list *p;

        ok = spool_end(s) && ok;
        if (s->rows == 0) {
            spool_free(s);
            continue;
        }
        p = xcalloc(1, sizeof(*p));
        *p = (struct part_list){*list, s, level + 1};
        *list = p;
    }
    xfree(*parts);
    *parts = NULL;
    return ok;
}

static void free_parts(struct spool ***parts, struct part_list **list)
{
    for (uint32_t i = 0; *parts && i < SPILL_FAN; i++)
        spool_free((*parts)[i]);
    xfree(*parts);
    *parts = NULL;
    while (*list) {
        struct part_list *p = *list;

        *list = p->next;
        spool_free(p->rows);
        xfree(p);
    }
}

/* Rows of one partition as batches. */
struct part_reader {
    struct spool_reader in;
    struct row_store rows;
    struct batch *batch;
    uint64_t *hashes;
    char **ptrs;
    size_t counted;
};

static void part_reader_init(struct part_reader *r, struct op *o, struct row_layout *l)
{
    uint32_t cap = op_batch_rows(o);

    row_store_init(&r->rows, l);
    r->batch = op_batch_new(o->cx, l->cols, l->n_cols, cap, NULL);
    r->hashes = ARENA_NEW_N(o->cx->arena, uint64_t, cap);
    r->ptrs = ARENA_NEW_N(o->cx->arena, char *, cap);
}

/* The next rows; r->batch->n_rows 0: the end. */
static bool part_read(struct part_reader *r, struct op *o)
{
    uint32_t n = 0;
    bool ok = true;
    char *row;

    row_store_clear(&r->rows);
    while (n < r->batch->cap && r->rows.heap.used_bytes <= OP_BATCH_BYTES && (row = spool_get(&r->in, &ok)) != NULL) {
        r->hashes[n] = row_hash(row);
        r->ptrs[n++] = row;
    }
    if (!ok || op_cancelled(o))
        return false;
    for (uint32_t i = 0; i < r->batch->n_cols; i++)
        row_gather(r->rows.l, i, r->ptrs, n, r->batch->cols[i], NULL, 0);
    r->batch->n_rows = r->batch->n_sel = n;
    op_hold(o, &r->counted, row_store_bytes(&r->rows));
    return true;
}

/* ---- aggregation ---- */

/* Sums of 64-bit integers, as they mostly are, need neither 256 bits nor a look at the type for each row. */
struct short_sum {
    uint64_t low;
    int64_t high;
    uint64_t count;
};

enum agg_short { AGG_GENERAL, AGG_SHORT_COUNT, AGG_SHORT_SUM };

struct agg_one {
    struct agg_call call;
    enum agg_short how;
    unsigned short_scale;
    uint32_t offset;    /* in a group's room */
    uint32_t first_arg; /* in the program's results */
    uint32_t n_args;
    /* DISTINCT: group, what is compared, and the arguments where they are something else */
    bool distinct, frozen;
    uint32_t first_key, n_keys;
    bool own_args;
    struct row_layout *seen_l;
    struct row_set seen;
    struct row_store scratch;
    struct vec **seen_cols, **aligned;
    struct spool **parts;
    struct part_list *waiting;
    struct part_reader reader;
};

struct aggregate {
    struct op op;
    struct vm *vm; /* groups, then all aggregates' arguments */
    struct vec **vals, **run_vals; /* ... and the columns that are carried */
    uint32_t n_vals, n_groups, n_aggs, n_first, n_keys;
    const uint32_t *first_cols;
    struct agg_one *aggs;
    bool rollup, some_distinct;
    struct row_layout *l; /* keys, level, first_cols; states behind */
    struct row_set groups;
    struct vec **store_vecs, **aligned, **levels, **nulls;
    uint32_t state_bytes;
    /* partitions: groups, level, arguments, carried columns */
    struct row_layout *in_l;
    struct row_store in_rows;
    struct vec **in_vecs, **in_aligned;
    struct spool **parts;
    struct part_list *waiting;
    struct part_reader reader;
    uint32_t level;
    bool frozen, reading;
    size_t counted, frozen_held;
    struct arena text; /* results and scratch */
    struct batch *out;
    uint64_t *hashes;
    char **found;
    uint32_t *fresh, *rows;
    void **states;
    struct vec *group_vec; /* addresses of groups as a column, for DISTINCT */
    uint64_t emitted;
    bool input_done, scalar_made;
};

static void count_memory(struct aggregate *a)
{
    size_t n = row_set_bytes(&a->groups) + row_store_bytes(&a->in_rows) + a->text.used_bytes;

    for (uint32_t i = 0; i < a->n_aggs; i++)
        n += a->aggs[i].distinct ? row_set_bytes(&a->aggs[i].seen) : 0;
    op_hold(&a->op, &a->counted, n);
}

/* Freezes what can be frozen. */
static bool charge(struct aggregate *a)
{
    struct op *o = &a->op;
    bool more = false;

    count_memory(a);
    if (op_try_charge(o))
        return true;
    if (!op_can_spill(o))
        return op_charge(o);
    if (!a->frozen && a->n_keys) {
        a->frozen = more = true;
        a->parts = new_parts(o, a->in_l);
    } else {
        for (uint32_t i = 0; i < a->n_aggs; i++) {
            struct agg_one *g = &a->aggs[i];

            if (!g->distinct || g->frozen)
                continue;
            g->frozen = more = true;
            g->parts = new_parts(o, g->seen_l);
        }
    }
    if (more)
        a->frozen_held = o->mem.used_bytes + a->counted;
    /* What still grows is in the states (GROUP_CONCAT, long MIN and MAX): a little may pass. */
    if (o->mem.used_bytes + a->counted > a->frozen_held + a->frozen_held / 4 + 4 * OP_FLOOR_BYTES)
        return op_charge(o);
    op_force_charge(o);
    return true;
}

static void *state_of(const struct aggregate *a, char *row, const struct agg_one *g)
{
    return row + a->l->tail + g->offset;
}

/* ---- states of the common aggregates ---- */

static void short_init(const struct agg_one *g, void *state)
{
    if (g->how == AGG_GENERAL)
        agg_init(&g->call, state);
    else
        memset(state, 0, g->how == AGG_SHORT_COUNT ? sizeof(uint64_t) : sizeof(struct short_sum));
}

/* Which aggregates: COUNT over nothing or one argument, SUM and AVG of what is held in 64 bits with a sign. */
static enum agg_short short_of(const struct agg_one *g)
{
    enum agg_fn fn = g->call.spec.fn;
    unsigned scale;

    if (fn == AGG_COUNT_STAR || (fn == AGG_COUNT && g->n_args == 1))
        return AGG_SHORT_COUNT;
    if ((fn != AGG_SUM && fn != AGG_AVG) || g->call.type.code == TYPE_DOUBLE)
        return AGG_GENERAL;
    if (type_kind_of(&g->call.args[0].type) == KIND_I64)
        return AGG_SHORT_SUM;
    return type_kind_of(&g->call.args[0].type) == KIND_DEC && op_col_kind(&g->call.args[0], &scale) == VEC_DEC64 ? AGG_SHORT_SUM : AGG_GENERAL;
}

static void short_add(char *state, int64_t v)
{
    struct short_sum *s = (struct short_sum *)(void *)state;
    uint64_t low = s->low + (uint64_t)v;

    s->high += (v >> 63) + (low < s->low);
    s->low = low;
    s->count++;
}

/* Values that are held in another way than was bound. */
static void short_add_any(const struct agg_one *g, const struct vec *v, const struct sel *sel, char *const *rows, uint32_t off)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        struct short_sum *s = (struct short_sum *)(void *)(rows[k] + off);
        struct value x;
        struct dec d;
        int128 i = 0;
        uint128 sum;

        vec_get(v, SEL_ROW(sel, k), &x);
        if (x.kind == KIND_NULL)
            continue;
        d = value_to_dec(&x, NULL);
        (void)dec_rescale(&d, (int)g->short_scale, DEC_HALF_UP);
        if (!dec_to_i128(&d, &i)) /* beyond its type */
            i = d.neg ? INT64_MIN : INT64_MAX;
        sum = ((uint128)(uint64_t)s->high << 64 | s->low) + (uint128)i;
        s->low = (uint64_t)sum;
        s->high = (int64_t)(uint64_t)(sum >> 64);
        s->count++;
    }
}

static void short_update(const struct agg_one *g, const struct vec *v, const struct sel *sel, char *const *rows, uint32_t off)
{
    uint32_t mask;

    if (g->how == AGG_SHORT_COUNT && g->n_args == 0) {
        for (uint32_t k = 0; k < sel->n; k++)
            ++*(uint64_t *)(void *)(rows[k] + off);
        return;
    }
    mask = v->is_const ? 0 : UINT32_MAX;
    if (g->how == AGG_SHORT_COUNT) {
        for (uint32_t k = 0; k < sel->n; k++)
            *(uint64_t *)(void *)(rows[k] + off) += vec_is_valid(v, SEL_ROW(sel, k));
        return;
    }
    if ((v->kind != VEC_I64 && v->kind != VEC_DEC64) || v->scale != g->short_scale) {
        short_add_any(g, v, sel, rows, off);
        return;
    }
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k) & mask;

        if (vec_is_valid(v, row))
            short_add(rows[k] + off, v->i64[row]);
    }
}

static bool short_final(struct func_ctx *cx, const struct agg_one *g, const void *state, struct vec *out, uint32_t row)
{
    const struct short_sum *s = state;
    struct dec d, n, q;
    struct value v;

    if (g->how == AGG_SHORT_COUNT) {
        out->i64[row] = *(const int64_t *)state;
        vec_set_valid(out, row);
        return true;
    }
    if (s->count == 0) {
        vec_set_null(out, row);
        return true;
    }
    if (g->call.spec.fn == AGG_SUM && out->kind == VEC_DEC128 && out->scale == g->short_scale) {
        out->i128[row] = (int128)((uint128)(uint64_t)s->high << 64 | s->low);
        vec_set_valid(out, row);
        return true;
    }
    d = dec_from_i128((int128)((uint128)(uint64_t)s->high << 64 | s->low), g->short_scale);
    if (g->call.spec.fn == AGG_AVG) {
        n = dec_from_u64(s->count);
        (void)dec_div(&d, &n, cx->env->div_precision_increment, &q);
        d = q;
    }
    v = value_dec(d);
    return vec_put(out, row, &v) || diag_set(cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", agg_name(g->call.spec.fn));
}

/* ---- DISTINCT aggregates ---- */

/* Tells the aggregate those rows of the batch (group, keys, arguments) that are new; writes those that a frozen set lacks. */
static bool offer_distinct(struct aggregate *a, struct agg_one *g, const struct sel *in, const struct vec *const *args, uint32_t level)
{
    struct func_ctx cx = {a->op.cx->env, &a->text, a->op.cx->diag, true};
    struct sel rows;
    uint32_t n = 0, n_fresh;

    if (!row_align(g->seen_l, g->seen_cols, in, g->aligned, cx.diag))
        return false;
    row_hash_cols(g->aligned, g->n_keys + 1, in, a->hashes);
    row_set_find(&g->seen, g->aligned, in, a->hashes, g->frozen, a->found, a->fresh, &n_fresh);
    for (uint32_t k = 0; k < n_fresh; k++) {
        uint32_t row = SEL_ROW(in, a->fresh[k]);

        a->states[n] = state_of(a, (char *)(uintptr_t)a->group_vec->u64[row], g);
        a->rows[n++] = row;
    }
    for (uint32_t k = 0; g->frozen && k < in->n; k++) {
        uint32_t row = SEL_ROW(in, k);
        struct sel one = {&row, 1};
        char *at;

        if (a->found[k])
            continue;
        row_store_clear(&g->scratch);
        row_store_put(&g->scratch, g->aligned, &one, &a->hashes[k], &at);
        if (!spool_put(g->parts[spill_part(a->hashes[k], part_level(level))], at))
            return false;
    }
    rows = (struct sel){a->rows, n};
    return agg_update(&cx, &g->call, args, &rows, a->states, &a->op.mem);
}

/* What the frozen sets lacked. */
static bool finish_distinct(struct aggregate *a)
{
    for (uint32_t i = 0; i < a->n_aggs; i++) {
        struct agg_one *g = &a->aggs[i];

        if (!g->distinct)
            continue;
        row_set_free(&g->seen);
        if (!close_parts(&g->parts, 0, &g->waiting))
            return false;
        g->frozen = false;
        while (g->waiting) {
            struct part_list *p = g->waiting;
            struct part_reader *r = &g->reader;
            bool ok = true;

            g->waiting = p->next;
            spool_open(&r->in, p->rows, &r->rows, true);
            do {
                struct sel all;

                arena_reset(&a->text);
                ok = part_read(r, &a->op);
                all = batch_sel(r->batch);
                if (!ok || all.n == 0)
                    break;
                for (uint32_t c = 0; c < g->seen_l->n_cols; c++)
                    g->seen_cols[c] = r->batch->cols[c];
                memcpy(a->group_vec->u64, r->batch->cols[0]->u64, all.n * sizeof(uint64_t));
                ok = offer_distinct(a, g, &all, (const struct vec *const *)(r->batch->cols + 1 + (g->own_args ? g->n_keys : 0)), p->level)
                    && charge(a);
            } while (ok);
            spool_close(&r->in);
            spool_free(p->rows);
            ok = close_parts(&g->parts, p->level, &g->waiting) && ok;
            xfree(p);
            row_set_free(&g->seen);
            g->frozen = false;
            g->seen_cols[0] = a->group_vec;
            if (!ok)
                return false;
        }
    }
    count_memory(a);
    op_force_charge(&a->op);
    return !op_cancelled(&a->op);
}

/* ---- groups ---- */

static bool update_aggs(struct aggregate *a, const struct sel *sel, char *const *groups)
{
    struct func_ctx cx = {a->op.cx->env, &a->text, a->op.cx->diag, true};

    for (uint32_t i = 0; i < a->n_aggs; i++) {
        struct agg_one *g = &a->aggs[i];
        const struct vec *const *args = (const struct vec *const *)(a->vals + g->first_arg);

        if (g->how != AGG_GENERAL) {
            short_update(g, g->n_args ? args[0] : NULL, sel, groups, a->l->tail + g->offset);
            continue;
        }
        if (!g->distinct) {
            for (uint32_t k = 0; k < sel->n; k++)
                a->states[k] = state_of(a, groups[k], g);
            if (!agg_update(&cx, &g->call, args, sel, a->states, &a->op.mem))
                return false;
            continue;
        }
        for (uint32_t j = 0; j < g->n_keys; j++)
            g->seen_cols[j + 1] = a->vals[g->first_key + j];
        for (uint32_t j = 0; g->own_args && j < g->n_args; j++)
            g->seen_cols[1 + g->n_keys + j] = a->vals[g->first_arg + j];
        if (!offer_distinct(a, g, sel, args, 0))
            return false;
    }
    return true;
}

/* Rows that the frozen set lacks go to their partitions. */
static bool spill_rows(struct aggregate *a, const struct sel *sel, const uint64_t *hashes, struct vec *level)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < a->n_groups; i++)
        a->in_vecs[n++] = a->store_vecs[i];
    if (a->rollup)
        a->in_vecs[n++] = level;
    for (uint32_t i = a->n_groups; i < a->n_vals + a->n_first; i++)
        a->in_vecs[n++] = a->vals[i];
    if (!row_align(a->in_l, a->in_vecs, sel, a->in_aligned, a->op.cx->diag))
        return false;
    row_store_clear(&a->in_rows);
    row_store_put(&a->in_rows, a->in_aligned, sel, hashes, a->found);
    for (uint32_t k = 0; k < sel->n; k++) {
        if (!spool_put(a->parts[spill_part(hashes[k], part_level(a->level))], a->found[k]))
            return false;
    }
    return true;
}

/* Rows whose keys are in store_vecs and whose arguments are in vals. level: of ROLLUP. */
static bool aggregate_rows(struct aggregate *a, const struct sel *in, struct vec *level)
{
    uint32_t n_fresh, n = 0, n_spill = 0, *keep = a->fresh;
    struct sel sel = *in, spill;

    if (a->rollup)
        a->store_vecs[a->n_groups] = level;
    for (uint32_t i = 0; i < a->n_first; i++)
        a->store_vecs[a->n_keys + i] = a->vals[a->n_vals + i];
    if (!row_align(a->l, a->store_vecs, &sel, a->aligned, a->op.cx->diag))
        return false;
    row_hash_cols(a->aligned, a->n_keys, &sel, a->hashes);
    row_set_find(&a->groups, a->aligned, &sel, a->hashes, a->frozen, a->found, a->fresh, &n_fresh);
    for (uint32_t k = 0; k < n_fresh; k++) {
        for (uint32_t i = 0; i < a->n_aggs; i++)
            short_init(&a->aggs[i], state_of(a, a->found[a->fresh[k]], &a->aggs[i]));
    }
    if (a->frozen) {
        uint32_t *out = ARENA_NEW_N(&a->text, uint32_t, sel.n);
        uint64_t *hashes = ARENA_NEW_N(&a->text, uint64_t, sel.n);

        for (uint32_t k = 0; k < sel.n; k++) {
            if (a->found[k]) {
                a->found[n] = a->found[k];
                keep[n++] = SEL_ROW(&sel, k);
            } else {
                hashes[n_spill] = a->hashes[k];
                out[n_spill++] = SEL_ROW(&sel, k);
            }
        }
        sel = (struct sel){memcpy(ARENA_NEW_N(&a->text, uint32_t, n), keep, n * sizeof(*keep)), n};
        spill = (struct sel){out, n_spill};
        if (n_spill) {
            char **groups = ARENA_NEW_N(&a->text, char *, n + 1);

            memcpy(groups, a->found, n * sizeof(*groups));
            if (!spill_rows(a, &spill, hashes, level))
                return false;
            memcpy(a->found, groups, n * sizeof(*groups));
        }
    }
    if (a->some_distinct) {
        char **groups = ARENA_NEW_N(&a->text, char *, sel.n + 1);

        memcpy(groups, a->found, sel.n * sizeof(*groups));
        for (uint32_t k = 0; k < sel.n; k++) {
            a->group_vec->u64[SEL_ROW(&sel, k)] = (uint64_t)(uintptr_t)groups[k];
            vec_set_valid(a->group_vec, SEL_ROW(&sel, k));
        }
        return update_aggs(a, &sel, groups);
    }
    return update_aggs(a, &sel, a->found);
}

static bool consume(struct aggregate *a, const struct batch *in)
{
    struct sel sel = batch_sel(in);

    arena_reset(&a->text);
    if (!vm_run(a->vm, in, a->vals, a->op.cx->diag))
        return false;
    for (uint32_t i = 0; i < a->n_first; i++)
        a->vals[a->n_vals + i] = in->cols[a->first_cols[i]];
    for (uint32_t r = 0; r <= (a->rollup ? a->n_groups : 0); r++) {
        for (uint32_t i = 0; i < a->n_groups; i++)
            a->store_vecs[i] = i + r < a->n_groups ? a->vals[i] : a->nulls[i];
        if (!aggregate_rows(a, &sel, a->rollup ? a->levels[r] : NULL))
            return false;
    }
    return charge(a);
}

/* The same with rows of a partition; its columns are groups, level, arguments, carried ones. */
static bool consume_part(struct aggregate *a, const struct batch *in)
{
    struct sel sel = batch_sel(in);
    uint32_t n = 0;

    arena_reset(&a->text);
    for (uint32_t i = 0; i < a->n_groups; i++)
        a->store_vecs[i] = a->vals[i] = in->cols[n++];
    n += a->rollup;
    for (uint32_t i = a->n_groups; i < a->n_vals + a->n_first; i++)
        a->vals[i] = in->cols[n++];
    return aggregate_rows(a, &sel, a->rollup ? in->cols[a->n_groups] : NULL) && charge(a);
}

static bool emit_groups(struct aggregate *a, struct batch **out)
{
    struct func_ctx cx = {a->op.cx->env, &a->text, a->op.cx->diag, true};
    struct batch *b = a->out;
    uint32_t n = 0;

    arena_reset(&a->text);
    while (a->emitted + n < a->groups.rows.n && n < b->cap) {
        a->found[n] = row_store_at(&a->groups.rows, a->emitted + n);
        n++;
    }
    for (uint32_t i = 0; i < a->n_groups + a->n_first; i++) {
        bool first = i >= a->n_groups;

        row_gather(a->l, first ? i - a->n_groups + a->n_keys : i, a->found, n, b->cols[first ? i + a->n_aggs : i], NULL, 0);
    }
    if (a->rollup) {
        struct vec *v = b->cols[b->n_cols - 1];

        row_gather(a->l, a->n_groups, a->found, n, v, NULL, 0);
        for (uint32_t k = 0; k < n; k++)
            v->i64[k] = (INT64_C(1) << v->i64[k]) - 1;
    }
    for (uint32_t i = 0; i < a->n_aggs; i++) {
        for (uint32_t k = 0; k < n; k++) {
            const struct agg_one *g = &a->aggs[i];
            void *state = state_of(a, a->found[k], g);
            struct vec *v = b->cols[a->n_groups + i];

            if (g->how == AGG_GENERAL ? !agg_final(&cx, &g->call, state, v, k) : !short_final(&cx, g, state, v, k))
                return false;
        }
    }
    a->emitted += n;
    b->n_rows = b->n_sel = n;
    *out = b;
    return true;
}

/* No input and no GROUP BY, or ROLLUP on MySQL: one row of empty aggregates; groups and carried columns are NULL. */
static void make_scalar(struct aggregate *a)
{
    char *row = row_store_add(&a->groups.rows);
    struct vec **nulls = op_null_columns(a->op.cx, a->l->cols, a->l->n_cols);

    if (a->rollup)
        nulls[a->n_groups] = a->levels[a->n_groups];
    row_put_one(&a->groups.rows, row, nulls, 0);
    for (uint32_t i = 0; i < a->n_aggs; i++)
        short_init(&a->aggs[i], state_of(a, row, &a->aggs[i]));
}

/* The input, or a partition, has ended. */
static bool input_ended(struct aggregate *a)
{
    a->input_done = true;
    if (a->reading) {
        spool_close(&a->reader.in);
        spool_free(a->reader.in.s);
        a->reading = false;
    }
    if (!close_parts(&a->parts, a->level, &a->waiting))
        return false;
    a->frozen = false;
    return !a->some_distinct || finish_distinct(a);
}

static void next_part(struct aggregate *a)
{
    struct part_list *p = a->waiting;

    a->waiting = p->next;
    row_set_free(&a->groups);
    arena_reset(&a->op.mem);
    count_memory(a);
    op_force_charge(&a->op);
    a->level = p->level;
    spool_open(&a->reader.in, p->rows, &a->reader.rows, true);
    xfree(p);
    a->reading = true;
    a->input_done = false;
    a->emitted = 0;
}

static enum op_result aggregate_next(struct op *o, struct batch **out)
{
    struct aggregate *a = (struct aggregate *)o;

    for (;;) {
        while (!a->input_done) {
            struct batch *in = NULL;
            enum op_result r = OP_DONE;

            if (!a->reading) {
                r = op_next(o->children[0], &in);
            } else if (!part_read(&a->reader, o)) {
                return OP_ERROR;
            } else if (a->reader.batch->n_rows) {
                in = a->reader.batch;
                r = OP_BATCH;
            }
            if (r == OP_BLOCKED || r == OP_ERROR)
                return r;
            if (r == OP_DONE ? !input_ended(a) : a->reading ? !consume_part(a, in) : !consume(a, in))
                return OP_ERROR;
        }
        if ((a->n_groups == 0 || (a->rollup && o->cx->env->flavour == ENV_MYSQL8)) && a->groups.rows.n == 0 && !a->scalar_made)
            make_scalar(a);
        a->scalar_made = true;
        if (a->emitted < a->groups.rows.n)
            return emit_groups(a, out) ? OP_BATCH : OP_ERROR;
        if (!a->waiting)
            return OP_DONE;
        next_part(a);
    }
}

static void aggregate_close(struct op *o)
{
    struct aggregate *a = (struct aggregate *)o;

    vm_free(a->vm);
    arena_free(&a->text);
    row_set_free(&a->groups);
    row_store_free(&a->in_rows);
    row_store_free(&a->reader.rows);
    if (a->reading) {
        spool_close(&a->reader.in);
        spool_free(a->reader.in.s);
    }
    free_parts(&a->parts, &a->waiting);
    for (uint32_t i = 0; a->aggs && i < a->n_aggs; i++) {
        struct agg_one *g = &a->aggs[i];

        row_set_free(&g->seen);
        row_store_free(&g->scratch);
        row_store_free(&g->reader.rows);
        free_parts(&g->parts, &g->waiting);
    }
}

static const struct op_ops aggregate_ops = {"aggregate", aggregate_next, aggregate_close};
static const struct op_ops rollup_ops = {"rollup", aggregate_next, aggregate_close};

/* DISTINCT needs equality in the arguments' own collations; where those are not native, the keys are weights. */
static bool bind_distinct(struct aggregate *a, struct agg_one *g)
{
    struct op_ctx *cx = a->op.cx;
    uint32_t n = 1 + g->n_keys;
    struct func_arg *cols;

    g->own_args = g->first_key != g->first_arg || g->n_keys != g->n_args;
    n += g->own_args ? g->n_args : 0;
    cols = ARENA_NEW_N(cx->arena, struct func_arg, n + 1);
    cols[0] = (struct func_arg){type_int(true), NULL, FUNC_SCALE_OF_TYPE};
    for (uint32_t i = 0; i < g->n_keys; i++) {
        cols[i + 1] = vm_result(a->vm, g->first_key + i);
        if (!op_native_coll(cx, &cols[i + 1], "DISTINCT"))
            return false;
    }
    for (uint32_t i = 0; g->own_args && i < g->n_args; i++)
        cols[1 + g->n_keys + i] = vm_result(a->vm, g->first_arg + i);
    g->distinct = a->some_distinct = true;
    g->seen_l = row_layout_new(cx->arena, cols, n, 0);
    row_set_init(&g->seen, g->seen_l, g->n_keys + 1);
    row_store_init(&g->scratch, g->seen_l);
    part_reader_init(&g->reader, &a->op, g->seen_l);
    g->seen_cols = ARENA_NEW_N(cx->arena, struct vec *, n);
    g->aligned = ARENA_NEW_N(cx->arena, struct vec *, n);
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
        g->how = aggs[i].spec.distinct ? AGG_GENERAL : short_of(g);
        g->short_scale = g->how != AGG_SHORT_SUM || type_kind_of(&g->call.args[0].type) != KIND_DEC ? 0
            : g->call.args[0].dec_scale == FUNC_SCALE_OF_TYPE ? g->call.args[0].type.decimals : g->call.args[0].dec_scale;
        g->offset = a->state_bytes;
        a->state_bytes += g->how == AGG_SHORT_COUNT ? (uint32_t)sizeof(uint64_t) : g->how == AGG_SHORT_SUM ? (uint32_t)sizeof(struct short_sum)
            : (g->call.state_bytes + 7u) & ~7u;
        out_cols[a->n_groups + i] =
            (struct func_arg){g->call.type, NULL, type_kind_of(&g->call.type) == KIND_DEC ? g->call.vec_scale : FUNC_SCALE_OF_TYPE};
        if (aggs[i].spec.distinct && fn != AGG_MIN && fn != AGG_MAX && g->n_args && !bind_distinct(a, g))
            return false;
    }
    return true;
}

/* Layouts of groups and of partitions, and the room for a batch. */
static void make_room(struct aggregate *a, const struct func_arg *store_cols, const struct func_arg *carried, uint32_t n_out)
{
    struct op_ctx *cx = a->op.cx;
    uint32_t cap = op_batch_rows(&a->op), n = 0, n_in = a->n_vals + a->n_first + 1;
    struct func_arg *in_cols = ARENA_NEW_N(cx->arena, struct func_arg, n_in);

    for (uint32_t i = 0; i < a->n_vals; i++) {
        if (a->rollup && i == a->n_groups)
            in_cols[n++] = store_cols[a->n_groups];
        in_cols[n++] = vm_result(a->vm, i);
    }
    if (a->rollup && a->n_vals == a->n_groups)
        in_cols[n++] = store_cols[a->n_groups];
    for (uint32_t i = 0; i < a->n_first; i++)
        in_cols[n++] = carried[i];
    a->l = row_layout_new(cx->arena, store_cols, a->n_keys + a->n_first, a->state_bytes);
    row_set_init(&a->groups, a->l, a->n_keys);
    a->in_l = row_layout_new(cx->arena, in_cols, n, 0);
    row_store_init(&a->in_rows, a->in_l);
    part_reader_init(&a->reader, &a->op, a->in_l);
    a->in_vecs = ARENA_NEW_N(cx->arena, struct vec *, n_in);
    a->in_aligned = ARENA_NEW_N(cx->arena, struct vec *, n_in);
    a->store_vecs = ARENA_NEW_N(cx->arena, struct vec *, a->l->n_cols + 1);
    a->aligned = ARENA_NEW_N(cx->arena, struct vec *, a->l->n_cols + 1);
    a->hashes = ARENA_NEW_N(cx->arena, uint64_t, cap);
    a->found = ARENA_NEW_N(cx->arena, char *, cap);
    a->fresh = ARENA_NEW_N(cx->arena, uint32_t, cap);
    a->states = ARENA_NEW_N(cx->arena, void *, cap);
    a->rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    a->nulls = op_null_columns(cx, store_cols, a->n_groups);
    a->levels = ARENA_NEW_N(cx->arena, struct vec *, a->n_groups + 1);
    for (uint32_t i = 0; i <= a->n_groups; i++) {
        struct sql_type t = type_int(false);
        struct value v = value_i64(i);

        a->levels[i] = vec_new_const(cx->arena, &t, &v);
    }
    a->out = op_batch_new(cx, a->op.cols, n_out, cap, &a->text);
    for (uint32_t i = 0; i < a->n_aggs; i++) {
        const struct agg_call *c = &a->aggs[i].call;

        a->out->cols[a->n_groups + i] = vec_new_kind(cx->arena, &c->type, (enum vec_kind)c->vec_kind, c->vec_scale, cap, &a->text);
    }
}

static struct op *aggregate_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first, bool rollup)
{
    struct aggregate *a = op_alloc(cx, rollup ? &rollup_ops : &aggregate_ops, sizeof(*a), &child, 1);
    uint32_t n = n_groups, n_out = n_groups + n_aggs + n_first + rollup;
    struct func_arg *out_cols = ARENA_NEW_N(cx->arena, struct func_arg, n_out + 1);
    struct func_arg *store_cols = ARENA_NEW_N(cx->arena, struct func_arg, n_groups + n_first + 2);
    struct func_arg *carried = ARENA_NEW_N(cx->arena, struct func_arg, n_first + 1);
    const struct bexpr **exprs;
    struct sql_type group_type = type_int(true);

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
    a->n_vals = n;
    a->n_groups = n_groups;
    a->n_keys = n_groups + rollup;
    a->n_first = n_first;
    a->first_cols = first_cols;
    a->rollup = rollup;
    a->vals = ARENA_NEW_N(cx->arena, struct vec *, n + n_first + 1);
    a->group_vec = vec_new(cx->arena, &group_type, op_batch_rows(&a->op), NULL);
    a->vm = op_compile(cx, exprs, n, child);
    if (!a->vm)
        return op_fail_new(&a->op);
    a->aggs = ARENA_NEW_N(cx->arena, struct agg_one, n_aggs + 1);
    a->n_aggs = n_aggs;
    for (uint32_t i = 0; i < n_groups; i++) {
        out_cols[i] = store_cols[i] = vm_result(a->vm, i);
        out_cols[i].constant = store_cols[i].constant = NULL;
    }
    if (rollup)
        out_cols[n_out - 1] = store_cols[n_groups] = (struct func_arg){type_int(false), NULL, FUNC_SCALE_OF_TYPE};
    for (uint32_t i = 0; i < n_first; i++)
        out_cols[n_groups + n_aggs + i] = store_cols[a->n_keys + i] = carried[i] = child->cols[first_cols[i]];
    if (!bind_aggs(a, aggs, out_cols))
        return op_fail_new(&a->op);
    op_set_cols(&a->op, out_cols, n_out);
    make_room(a, store_cols, carried, n_out);
    return &a->op;
}

struct op *op_aggregate_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first)
{
    return aggregate_new(cx, child, groups, n_groups, aggs, n_aggs, first_cols, n_first, false);
}

struct op *op_rollup_new(struct op_ctx *cx, struct op *child, const struct bexpr *const *groups, uint32_t n_groups,
    const struct op_agg *aggs, uint32_t n_aggs, const uint32_t *first_cols, uint32_t n_first)
{
    return aggregate_new(cx, child, groups, n_groups, aggs, n_aggs, first_cols, n_first, true);
}

/* ---- distinct ---- */

struct distinct {
    struct op op;
    struct row_layout *l, *all_l; /* keys; whole rows */
    struct row_set seen;
    struct row_store scratch;
    struct vec **aligned, **all_aligned;
    uint64_t *hashes;
    char **found;
    uint32_t *rows, *spill;
    uint32_t n_keys, level;
    bool frozen, reading, input_done;
    struct spool **parts;
    struct part_list *waiting;
    struct part_reader reader;
    size_t counted;
    struct batch out;
};

static bool distinct_charge(struct distinct *d)
{
    struct op *o = &d->op;

    op_hold(o, &d->counted, row_set_bytes(&d->seen) + row_store_bytes(&d->scratch));
    if (op_try_charge(o))
        return true;
    if (!op_can_spill(o))
        return op_charge(o);
    if (!d->frozen) {
        d->frozen = true;
        d->parts = new_parts(o, d->all_l);
    }
    op_force_charge(o);
    return true;
}

/* *n rows of the batch are new: d->rows. */
static bool distinct_batch(struct distinct *d, struct batch *in, uint32_t *n)
{
    struct sel sel = batch_sel(in), spill;
    uint32_t n_spill = 0;

    *n = 0;
    if (!row_align(d->l, in->cols, &sel, d->aligned, d->op.cx->diag))
        return false;
    row_hash_cols(d->aligned, d->n_keys, &sel, d->hashes);
    row_set_find(&d->seen, d->aligned, &sel, d->hashes, d->frozen, d->found, d->rows, n);
    for (uint32_t k = 0; k < *n; k++)
        d->rows[k] = SEL_ROW(&sel, d->rows[k]);
    if (d->frozen) {
        for (uint32_t k = 0; k < sel.n; k++) {
            if (d->found[k])
                continue;
            d->spill[n_spill] = SEL_ROW(&sel, k);
            d->hashes[n_spill++] = d->hashes[k];
        }
        spill = (struct sel){d->spill, n_spill};
        if (!row_align(d->all_l, in->cols, &spill, d->all_aligned, d->op.cx->diag))
            return false;
        row_store_clear(&d->scratch);
        row_store_put(&d->scratch, d->all_aligned, &spill, d->hashes, d->found);
        for (uint32_t k = 0; k < n_spill; k++) {
            if (!spool_put(d->parts[spill_part(d->hashes[k], part_level(d->level))], d->found[k]))
                return false;
        }
    }
    return distinct_charge(d);
}

static bool distinct_next_part(struct distinct *d, bool *more)
{
    struct part_list *p;

    if (d->reading) {
        spool_close(&d->reader.in);
        spool_free(d->reader.in.s);
        d->reading = false;
    }
    d->input_done = true;
    if (!close_parts(&d->parts, d->level, &d->waiting))
        return false;
    d->frozen = false;
    p = d->waiting;
    *more = p != NULL;
    if (!p)
        return true;
    d->waiting = p->next;
    row_set_free(&d->seen);
    d->level = p->level;
    spool_open(&d->reader.in, p->rows, &d->reader.rows, true);
    d->reading = true;
    xfree(p);
    return true;
}

static enum op_result distinct_next(struct op *o, struct batch **out)
{
    struct distinct *d = (struct distinct *)o;

    for (;;) {
        struct batch *in = NULL;
        uint32_t n;
        bool more;

        if (!d->input_done) {
            enum op_result r = op_next(o->children[0], &in);

            if (r == OP_BLOCKED || r == OP_ERROR)
                return r;
        } else if (d->reading) {
            if (!part_read(&d->reader, o))
                return OP_ERROR;
            in = d->reader.batch->n_rows ? d->reader.batch : NULL;
        }
        if (!in) {
            if (!distinct_next_part(d, &more))
                return OP_ERROR;
            if (!more)
                return OP_DONE;
            continue;
        }
        if (!distinct_batch(d, in, &n))
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

static void distinct_close(struct op *o)
{
    struct distinct *d = (struct distinct *)o;

    row_set_free(&d->seen);
    row_store_free(&d->scratch);
    row_store_free(&d->reader.rows);
    if (d->reading) {
        spool_close(&d->reader.in);
        spool_free(d->reader.in.s);
    }
    free_parts(&d->parts, &d->waiting);
}

static const struct op_ops distinct_ops = {"distinct", distinct_next, distinct_close};

struct op *op_distinct_new(struct op_ctx *cx, struct op *child, uint32_t n_keys)
{
    struct distinct *d = op_alloc(cx, &distinct_ops, sizeof(*d), &child, 1);
    uint32_t cap = op_batch_rows(&d->op);

    op_set_cols(&d->op, child->cols, child->n_cols);
    d->n_keys = n_keys ? MIN(n_keys, child->n_cols) : child->n_cols;
    d->l = row_layout_new(cx->arena, d->op.cols, d->n_keys, 0);
    d->all_l = row_layout_new(cx->arena, d->op.cols, d->op.n_cols, 0);
    row_set_init(&d->seen, d->l, d->n_keys);
    row_store_init(&d->scratch, d->all_l);
    part_reader_init(&d->reader, &d->op, d->all_l);
    d->aligned = ARENA_NEW_N(cx->arena, struct vec *, d->n_keys + 1);
    d->all_aligned = ARENA_NEW_N(cx->arena, struct vec *, d->op.n_cols + 1);
    d->hashes = ARENA_NEW_N(cx->arena, uint64_t, cap);
    d->found = ARENA_NEW_N(cx->arena, char *, cap);
    d->rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    d->spill = ARENA_NEW_N(cx->arena, uint32_t, cap);
    return &d->op;
}
