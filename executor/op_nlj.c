/* Nested loop join, by blocks.
 *
 * The inner side is kept (in memory, or in a temporary file when that is refused). The outer side comes in blocks: one batch while
 * the inner side is in memory, else as many rows as memory gives, since each block costs one reading of the file. A chunk of inner
 * rows and a batch of outer rows meet with the shorter side as constants, one row after another, against the longer one's
 * vectors, so that the condition always runs over many rows. Matches are copied to the output; but where the inner side is a single row
 * (a scalar subquery) the outer vectors are handed on with a selection. */
#include "executor/op-int.h"

enum { MET_TRUE = 1, MET_UNKNOWN = 2 };

enum nlj_state { NLJ_BUILD, NLJ_FETCH, NLJ_CHUNK, NLJ_MEET, NLJ_REST, NLJ_INNER_REST, NLJ_OVER };

struct nlj {
    struct op op;
    enum op_join_kind kind;
    enum nlj_state state;
    bool in, pairs, probe_rest, marks;
    uint32_t n_outer, n_inner;
    struct vm *cond;
    /* inner */
    struct row_layout *inner_l;
    struct row_store rows, scratch; /* in memory; rows of the current chunk of the file */
    struct spool *file;
    struct spool_reader reader;
    bool reading;
    uint64_t n_rows, chunk_from; /* of all; first of the current chunk */
    uint64_t chunk_at;           /* first of the next chunk */
    uint32_t chunk_n;
    bool chunk_whole;            /* the chunk is the whole inner side, and loaded */
    struct batch *inner;
    unsigned char *matched;      /* a bit an inner row */
    size_t matched_bytes;
    /* outer */
    struct row_layout *outer_l;
    struct row_store block;
    struct vec **outer_aligned, **inner_aligned;
    struct batch *sub, *outer; /* made of the block; the current one */
    struct sel sel;
    uint64_t block_at, rest_at; /* of the current batch */
    unsigned char *met; /* by row of the block or batch */
    uint64_t met_cap, met_n;
    bool outer_done, block_used;
    /* meeting */
    bool const_outer;
    uint32_t turn; /* of the constant side */
    uint32_t *live, *match, *out_rows;
    uint32_t n_match, match_at;
    bool given; /* out was handed on */
    struct batch *const_o, *const_i, pair, *out, direct, rest;
    struct vec **results;
    struct vec **null_outer, **null_inner;
    struct vec *mark;
    char **ptrs;
    size_t counted;
};

static void count_memory(struct nlj *j)
{
    op_hold(&j->op, &j->counted,
        row_store_bytes(&j->rows) + row_store_bytes(&j->scratch) + row_store_bytes(&j->block) + j->matched_bytes + j->met_cap);
}

/* ---- inner side ---- */

static bool inner_to_file(struct nlj *j)
{
    if (!j->file)
        j->file = spool_new(&j->op, j->inner_l);
    for (uint64_t i = 0; i < j->rows.n; i++) {
        if (!spool_put(j->file, row_store_at(&j->rows, i)))
            return false;
    }
    row_store_clear(&j->rows);
    count_memory(j);
    op_force_charge(&j->op);
    return true;
}

static bool inner_batch(struct nlj *j, const struct batch *in)
{
    struct sel sel = batch_sel(in);

    if (!row_align(j->inner_l, in->cols, &sel, j->inner_aligned, j->op.cx->diag))
        return false;
    row_store_put(&j->rows, j->inner_aligned, &sel, NULL, NULL);
    j->n_rows += sel.n;
    count_memory(j);
    if (j->file)
        return inner_to_file(j);
    if (op_try_charge(&j->op))
        return true;
    return op_can_spill(&j->op) ? inner_to_file(j) : op_charge(&j->op);
}

static bool inner_ended(struct nlj *j)
{
    if (j->marks) {
        j->matched_bytes = (size_t)(j->n_rows / 8 + 1);
        j->matched = xcalloc(j->matched_bytes, 1);
    }
    count_memory(j);
    op_force_charge(&j->op);
    if (j->file && !spool_end(j->file))
        return false;
    j->state = NLJ_FETCH;
    if (j->n_rows == 0 && !j->probe_rest)
        j->state = NLJ_OVER;
    return true;
}

/* The next chunk of inner rows; j->chunk_n 0: the end. */
static bool next_chunk(struct nlj *j)
{
    uint32_t n = 0;
    bool ok = true;
    char *row;

    j->chunk_from = j->chunk_at;
    if (j->file) {
        if (!j->reading)
            spool_open(&j->reader, j->file, &j->scratch, false);
        j->reading = true;
        row_store_clear(&j->scratch);
        while (n < j->inner->cap && j->scratch.heap.used_bytes <= OP_BATCH_BYTES && (row = spool_get(&j->reader, &ok)) != NULL)
            j->ptrs[n++] = row;
        if (!ok)
            return false;
    } else {
        for (; n < j->inner->cap && j->chunk_at + n < j->rows.n; n++)
            j->ptrs[n] = row_store_at(&j->rows, j->chunk_at + n);
        if (j->chunk_whole && n == j->rows.n) { /* as it is from the last time */
            j->chunk_at += n;
            j->chunk_n = n;
            return true;
        }
    }
    for (uint32_t i = 0; i < j->n_inner; i++)
        row_gather(j->inner_l, i, j->ptrs, n, j->inner->cols[i], NULL, 0);
    j->inner->n_rows = j->inner->n_sel = n;
    j->chunk_n = n;
    j->chunk_at += n;
    j->chunk_whole = !j->file && n && n == j->rows.n;
    return !op_cancelled(&j->op);
}

static void rewind_chunks(struct nlj *j)
{
    if (j->reading)
        spool_close(&j->reader);
    j->reading = false;
    j->chunk_at = 0;
}

/* ---- outer side ---- */

static void want_met(struct nlj *j, uint64_t n)
{
    if (n > j->met_cap) {
        j->met = xrealloc(j->met, n);
        j->met_cap = n;
    }
    memset(j->met, 0, n);
    j->met_n = n;
}

/* A block of outer rows: OP_BATCH when there is one. */
static enum op_result fetch_block(struct nlj *j)
{
    for (;;) {
        struct batch *in = NULL;
        enum op_result r = j->outer_done ? OP_DONE : op_next(j->op.children[0], &in);
        struct sel sel;

        if (r == OP_BLOCKED || r == OP_ERROR)
            return r;
        if (r == OP_DONE) {
            j->outer_done = true;
            if (j->block.n == 0)
                return OP_DONE;
            want_met(j, j->block.n);
            return OP_BATCH;
        }
        sel = batch_sel(in);
        if (!j->file) {
            j->outer = in;
            j->sel = sel;
            want_met(j, sel.n);
            return OP_BATCH;
        }
        if (!row_align(j->outer_l, in->cols, &sel, j->outer_aligned, j->op.cx->diag))
            return OP_ERROR;
        row_store_put(&j->block, j->outer_aligned, &sel, NULL, NULL);
        count_memory(j);
        if (op_try_charge(&j->op))
            continue;
        op_force_charge(&j->op);
        want_met(j, j->block.n);
        return OP_BATCH;
    }
}

/* The batch of the block that begins at row `from`; false: there is none. */
static bool block_batch(struct nlj *j, uint64_t from)
{
    uint32_t n = 0;

    j->block_at = from;
    j->turn = 0;
    if (!j->file)
        return from == 0;
    for (; n < j->sub->cap && from + n < j->block.n; n++)
        j->ptrs[n] = row_store_at(&j->block, from + n);
    for (uint32_t i = 0; i < j->n_outer; i++)
        row_gather(j->outer_l, i, j->ptrs, n, j->sub->cols[i], NULL, 0);
    j->sub->n_rows = j->sub->n_sel = n;
    j->outer = j->sub;
    j->sel = batch_sel(j->sub);
    return n > 0;
}

/* ---- meeting ---- */

/* The k-th outer row has found what it needs. */
static bool settled(const struct nlj *j, uint32_t k)
{
    return !j->pairs && !j->marks && j->met[j->block_at + k] & MET_TRUE;
}

static void remember(struct nlj *j, uint32_t outer_k, uint32_t inner_row, unsigned char met)
{
    uint64_t i = j->chunk_from + inner_row;

    j->met[j->block_at + outer_k] |= met;
    if (j->marks && met & MET_TRUE)
        j->matched[i / 8] = (unsigned char)(j->matched[i / 8] | 1 << i % 8);
}

/* Rows of the pair batch that match: positions in the long side's vectors; in: unknown ones are only remembered. */
static bool evaluate(struct nlj *j, uint32_t outer_k, uint32_t inner_row, const uint32_t *k_of)
{
    struct sel sel = batch_sel(&j->pair);
    struct diag *d = j->op.cx->diag;

    j->n_match = 0;
    if (!j->cond) {
        for (uint32_t k = 0; k < sel.n; k++)
            j->match[j->n_match++] = SEL_ROW(&sel, k);
    } else if (!j->in) {
        if (!vm_filter(j->cond, &j->pair, j->match, &j->n_match, d))
            return false;
    } else {
        if (!vm_run(j->cond, &j->pair, j->results, d))
            return false;
        for (uint32_t k = 0; k < sel.n; k++) {
            uint32_t row = SEL_ROW(&sel, k);
            struct value v;

            vec_get(j->results[0], row, &v);
            if (v.kind == KIND_NULL)
                remember(j, j->const_outer ? outer_k : k_of[k], j->const_outer ? row : inner_row, MET_UNKNOWN);
            else if (value_truth(&v, j->op.cx->env) == 1)
                j->match[j->n_match++] = row;
        }
    }
    for (uint32_t m = 0, k = 0; m < j->n_match; m++) {
        if (j->const_outer) {
            remember(j, outer_k, j->match[m], MET_TRUE);
            continue;
        }
        while (SEL_ROW(&sel, k) != j->match[m])
            k++;
        remember(j, k_of[k], inner_row, MET_TRUE);
    }
    j->match_at = 0;
    if (!j->pairs)
        j->n_match = 0;
    return true;
}

static bool const_row(struct batch *dst, const struct batch *src, uint32_t row, struct diag *d)
{
    for (uint32_t i = 0; i < dst->n_cols; i++) {
        if (!vec_pick(dst->cols[i], 0, src->cols[i], &row, 1))
            return diag_set(d, ER_DATA_OUT_OF_RANGE, "DECIMAL", "JOIN");
    }
    return true;
}

/* The next constant row against the long side. */
static bool meet_one(struct nlj *j)
{
    struct diag *d = j->op.cx->diag;
    uint32_t t = j->turn++, n = 0, *k_of = j->live + j->inner->cap;

    if (j->const_outer) {
        if (settled(j, t))
            return true;
        if (!const_row(j->const_o, j->outer, SEL_ROW(&j->sel, t), d))
            return false;
        for (uint32_t i = 0; i < j->n_outer; i++)
            j->pair.cols[i] = j->const_o->cols[i];
        for (uint32_t i = 0; i < j->n_inner; i++)
            j->pair.cols[j->n_outer + i] = j->inner->cols[i];
        j->pair.rows = NULL;
        j->pair.n_rows = j->pair.n_sel = j->chunk_n;
        return evaluate(j, t, 0, NULL);
    }
    for (uint32_t k = 0; k < j->sel.n; k++) {
        if (settled(j, k))
            continue;
        k_of[n] = k;
        j->live[n++] = SEL_ROW(&j->sel, k);
    }
    if (n == 0)
        return true;
    if (!const_row(j->const_i, j->inner, t, d))
        return false;
    for (uint32_t i = 0; i < j->n_outer; i++)
        j->pair.cols[i] = j->outer->cols[i];
    for (uint32_t i = 0; i < j->n_inner; i++)
        j->pair.cols[j->n_outer + i] = j->const_i->cols[i];
    j->pair.rows = j->live;
    j->pair.n_rows = j->outer->n_rows;
    j->pair.n_sel = n;
    return evaluate(j, 0, t, k_of);
}

/* Matches that wait go to the output batch, as far as it has room. */
static bool copy_matches(struct nlj *j)
{
    struct batch *b = j->out;
    uint32_t n = MIN(j->n_match - j->match_at, b->cap - b->n_rows), row = j->turn - 1;
    const uint32_t *rows = j->match + j->match_at;
    bool ok = true;

    for (uint32_t k = 0; k < n; k++)
        j->out_rows[k] = j->const_outer ? SEL_ROW(&j->sel, row) : row;
    for (uint32_t i = 0; i < j->n_outer && ok; i++)
        ok = vec_pick(b->cols[i], b->n_rows, j->outer->cols[i], j->const_outer ? j->out_rows : rows, n);
    for (uint32_t i = 0; i < j->n_inner && ok; i++)
        ok = vec_pick(b->cols[j->n_outer + i], b->n_rows, j->inner->cols[i], j->const_outer ? rows : j->out_rows, n);
    b->n_rows += n;
    b->n_sel = b->n_rows;
    j->match_at += n;
    return ok || diag_set(j->op.cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "JOIN");
}

static void give(struct nlj *j, struct batch **out)
{
    *out = j->out;
    j->given = true;
}

/* Pairs of the current chunk and outer batch; *out: a batch is ready. When nothing is left the state moves on. */
static bool meet(struct nlj *j, struct batch **out)
{
    for (;;) {
        if (j->match_at < j->n_match) {
            if (!j->const_outer && j->n_rows == 1) {
                j->direct = j->pair;
                j->direct.rows = j->match;
                j->direct.n_sel = j->n_match;
                j->match_at = j->n_match;
                *out = &j->direct;
                return true;
            }
            if (!copy_matches(j))
                return false;
            if (j->out->n_rows == j->out->cap) {
                give(j, out);
                return true;
            }
            continue;
        }
        if (j->turn < (j->const_outer ? j->sel.n : j->chunk_n)) {
            if (!meet_one(j))
                return false;
            if (j->turn % 64 == 0 && op_cancelled(&j->op))
                return false;
            continue;
        }
        if (block_batch(j, j->block_at + (j->file ? j->sub->cap : 1))) {
            j->const_outer = j->chunk_n >= j->sel.n;
            continue;
        }
        j->state = NLJ_CHUNK;
        /* What was copied views texts of this chunk. */
        if (j->out->n_rows && j->file)
            give(j, out);
        return true;
    }
}

/* ---- the rest ---- */

static void outer_rest(struct nlj *j, struct batch **out)
{
    struct batch *b = &j->rest;
    uint32_t n = 0;

    for (uint32_t k = 0; k < j->sel.n; k++) {
        uint32_t row = SEL_ROW(&j->sel, k);
        unsigned char met = j->met[j->block_at + k];

        if (j->kind == OP_JOIN_MARK) {
            j->mark->i64[row] = met & MET_TRUE ? 1 : 0;
            if (met == MET_UNKNOWN)
                vec_set_null(j->mark, row);
            else
                vec_set_valid(j->mark, row);
        } else if (j->kind == OP_JOIN_SEMI ? !(met & MET_TRUE) : met != 0) {
            continue;
        }
        j->out_rows[n++] = row;
    }
    for (uint32_t i = 0; i < j->n_outer; i++)
        b->cols[i] = j->outer->cols[i];
    for (uint32_t i = 0; j->pairs && i < j->n_inner; i++)
        b->cols[j->n_outer + i] = j->null_inner[i];
    if (j->kind == OP_JOIN_MARK)
        b->cols[j->n_outer] = j->mark;
    b->n_rows = j->outer->n_rows;
    b->rows = j->out_rows;
    b->n_sel = n;
    *out = n ? b : NULL;
}

static void inner_rest(struct nlj *j, struct batch **out)
{
    struct batch *b = &j->rest;
    bool wanted = j->kind == OP_JOIN_BUILD_SEMI;
    uint32_t n = 0, first = j->pairs ? j->n_outer : 0;

    for (uint32_t k = 0; k < j->chunk_n; k++) {
        uint64_t i = j->chunk_from + k;

        if ((j->matched[i / 8] >> i % 8 & 1) == wanted)
            j->out_rows[n++] = k;
    }
    for (uint32_t i = 0; i < first; i++)
        b->cols[i] = j->null_outer[i];
    for (uint32_t i = 0; i < j->n_inner; i++)
        b->cols[first + i] = j->inner->cols[i];
    b->n_rows = j->chunk_n;
    b->rows = j->out_rows;
    b->n_sel = n;
    *out = n ? b : NULL;
}

/* ---- the operator ---- */

static enum op_result run_build(struct nlj *j)
{
    for (;;) {
        struct batch *in;
        enum op_result r = op_next(j->op.children[1], &in);

        if (r == OP_BLOCKED || r == OP_ERROR)
            return r;
        if (r == OP_DONE)
            return inner_ended(j) ? OP_BATCH : OP_ERROR;
        if (!inner_batch(j, in))
            return OP_ERROR;
    }
}

static enum op_result run_fetch(struct nlj *j, struct batch **out)
{
    enum op_result r;

    if (j->out->n_rows) { /* it views the batch that is given back now */
        give(j, out);
        return OP_BATCH;
    }
    if (j->block_used)
        row_store_clear(&j->block);
    j->block_used = false;
    r = fetch_block(j);
    if (r == OP_DONE) {
        rewind_chunks(j);
        j->state = j->marks ? NLJ_INNER_REST : NLJ_OVER;
        return OP_BATCH;
    }
    if (r == OP_BATCH) {
        rewind_chunks(j);
        j->block_used = true;
        j->rest_at = 0;
        j->state = NLJ_CHUNK;
    }
    return r;
}

static enum op_result run_chunk(struct nlj *j)
{
    if (!next_chunk(j))
        return OP_ERROR;
    (void)block_batch(j, 0);
    j->const_outer = j->chunk_n >= j->sel.n;
    j->n_match = j->match_at = 0;
    j->state = j->chunk_n ? NLJ_MEET : NLJ_REST;
    return OP_BATCH;
}

static enum op_result nlj_next(struct op *o, struct batch **out)
{
    struct nlj *j = (struct nlj *)o;
    enum op_result r = OP_BATCH;

    *out = NULL;
    if (j->given)
        j->out->n_rows = j->out->n_sel = 0;
    j->given = false;
    while (!*out && r == OP_BATCH) {
        switch (j->state) {
        case NLJ_BUILD:
            r = run_build(j);
            break;
        case NLJ_FETCH:
            r = run_fetch(j, out);
            break;
        case NLJ_CHUNK:
            r = run_chunk(j);
            break;
        case NLJ_MEET:
            if (!meet(j, out))
                r = OP_ERROR;
            break;
        case NLJ_REST:
            if (!j->probe_rest || !block_batch(j, j->rest_at)) {
                j->state = NLJ_FETCH;
            } else {
                outer_rest(j, out);
                j->rest_at += j->file ? j->sub->cap : 1;
            }
            break;
        case NLJ_INNER_REST:
            if (!next_chunk(j))
                r = OP_ERROR;
            else if (j->chunk_n == 0)
                j->state = NLJ_OVER;
            else
                inner_rest(j, out);
            break;
        case NLJ_OVER:
            return OP_DONE;
        }
    }
    return r;
}

static void nlj_close(struct op *o)
{
    struct nlj *j = (struct nlj *)o;

    vm_free(j->cond);
    if (j->reading)
        spool_close(&j->reader);
    spool_free(j->file);
    row_store_free(&j->rows);
    row_store_free(&j->scratch);
    row_store_free(&j->block);
    xfree(j->matched);
    xfree(j->met);
}

static const struct op_ops nlj_ops = {"nested loop", nlj_next, nlj_close};

static struct batch *const_batch(struct op_ctx *cx, const struct func_arg *cols, uint32_t n)
{
    struct batch *b = op_batch_new(cx, cols, n, 1, cx->arena);

    for (uint32_t i = 0; i < n; i++)
        b->cols[i]->is_const = true;
    return b;
}

static void make_room(struct nlj *j, struct op *outer, struct op *inner, const struct func_arg *both)
{
    struct op_ctx *cx = j->op.cx;
    uint32_t cap = op_batch_rows(&j->op), n = j->n_outer + j->n_inner;
    struct sql_type mark = type_bool();

    j->inner_l = row_layout_new(cx->arena, inner->cols, j->n_inner, 0);
    j->outer_l = row_layout_new(cx->arena, outer->cols, j->n_outer, 0);
    row_store_init(&j->rows, j->inner_l);
    row_store_init(&j->scratch, j->inner_l);
    row_store_init(&j->block, j->outer_l);
    j->inner = op_batch_new(cx, inner->cols, j->n_inner, cap, NULL);
    j->sub = op_batch_new(cx, outer->cols, j->n_outer, cap, NULL);
    j->const_o = const_batch(cx, outer->cols, j->n_outer);
    j->const_i = const_batch(cx, inner->cols, j->n_inner);
    j->out = op_batch_new(cx, both, n, cap, cx->arena);
    j->pair = (struct batch){.cols = ARENA_NEW_N(cx->arena, struct vec *, n + 1), .n_cols = n, .cap = cap};
    j->rest = (struct batch){.cols = ARENA_NEW_N(cx->arena, struct vec *, n + 2), .n_cols = j->op.n_cols, .cap = cap};
    j->null_outer = op_null_columns(cx, outer->cols, j->n_outer);
    j->null_inner = op_null_columns(cx, inner->cols, j->n_inner);
    j->mark = vec_new(cx->arena, &mark, cap, NULL);
    j->outer_aligned = ARENA_NEW_N(cx->arena, struct vec *, j->n_outer + 1);
    j->inner_aligned = ARENA_NEW_N(cx->arena, struct vec *, j->n_inner + 1);
    j->results = ARENA_NEW_N(cx->arena, struct vec *, 1);
    j->ptrs = ARENA_NEW_N(cx->arena, char *, cap);
    j->live = ARENA_NEW_N(cx->arena, uint32_t, cap * 2);
    j->match = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->out_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
}

struct op *op_nested_loop_new(struct op_ctx *cx, struct op *outer, struct op *inner, enum op_join_kind kind, const struct bexpr *cond,
    bool in)
{
    struct op *children[] = {outer, inner};
    struct nlj *j = op_alloc(cx, &nlj_ops, sizeof(*j), children, 2);
    struct func_arg *both = ARENA_NEW_N(cx->arena, struct func_arg, outer->n_cols + inner->n_cols + 1);

    j->kind = kind;
    j->in = in && cond && (kind == OP_JOIN_ANTI || kind == OP_JOIN_MARK);
    j->pairs = kind == OP_JOIN_INNER || kind == OP_JOIN_LEFT || kind == OP_JOIN_RIGHT || kind == OP_JOIN_FULL;
    j->probe_rest = kind == OP_JOIN_LEFT || kind == OP_JOIN_FULL || kind == OP_JOIN_SEMI || kind == OP_JOIN_ANTI || kind == OP_JOIN_MARK;
    j->marks = kind == OP_JOIN_RIGHT || kind == OP_JOIN_FULL || kind == OP_JOIN_BUILD_SEMI || kind == OP_JOIN_BUILD_ANTI;
    j->n_outer = outer->n_cols;
    j->n_inner = inner->n_cols;
    op_join_cols(&j->op, kind, outer, inner);
    for (uint32_t i = 0; i < outer->n_cols + inner->n_cols; i++)
        both[i] = i < outer->n_cols ? outer->cols[i] : inner->cols[i - outer->n_cols];
    make_room(j, outer, inner, both);
    if (cond) {
        j->cond = op_compile_cols(cx, &cond, 1, both, outer->n_cols + inner->n_cols);
        if (!j->cond)
            return op_fail_new(&j->op);
    }
    return &j->op;
}
