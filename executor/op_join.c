/* Hash join.
 *
 * Build rows are kept in a row store, their normalised keys in front, and linked into a table. Each probe batch is hashed, its rows'
 * first candidates are fetched, and then one of three ways is taken:
 *   once     no two build rows have equal hashes: a probe row has at most one match, so the output is the probe's own vectors with
 *            a selection, and build columns gathered at the same positions. Nothing of the probe side is copied.
 *   pairs    matches are listed as (probe row, build row) until a batch is full, and both sides are gathered.
 *   exists   semi, anti and mark joins without a residual only look whether there is a match.
 * Outer rows without a match follow at the end of their probe batch; build rows at the end of the probe side, by the mark in each.
 *
 * Three-valued IN: a pair may be a match, no match, or unknown (a NULL among its IN keys). Where other keys correlate the
 * subquery, only they are hashed, and IN keys are compared along the chain. Otherwise IN keys are hashed; a probe row without
 * NULLs is unknown with build rows that have some (listed), one with NULLs with any build row.
 *
 * When memory is refused while building, rows are split by bits of their hash into 16 partitions; as many as half of those that
 * are in memory go to disk each time. Probe rows of partitions on disk go to disk too. Then each pair of partitions is joined in the
 * same way, splitting by further bits. A partition that does not get smaller (equal keys), and an uncorrelated IN, whose
 * unknowns need all rows, are joined by chunks: as many build rows as fit, the whole probe partition past them, and so
 * on, with two bits for each probe row to remember what it met. */
#include "executor/op-int.h"

#include "types/coll.h"

enum { MET_TRUE = 1, MET_UNKNOWN = 2 };

enum join_state {
    JOIN_BUILD,
    JOIN_PROBE,      /* a new probe batch is wanted */
    JOIN_PAIRS,      /* matches of the current probe batch are being listed */
    JOIN_REST,       /* the current probe batch's outer, semi or marked rows */
    JOIN_BUILD_REST, /* build rows by their mark */
    JOIN_NEXT,       /* the next task */
    JOIN_OVER
};

struct join_task {
    struct join_task *next;
    struct spool *build, *probe;
    uint32_t level;
    bool chunked, begun;
};

struct join {
    struct op op;
    enum op_join_kind kind;
    enum join_state state;
    uint32_t n_probe, n_build;
    /* keys: those that are not IN first */
    uint32_t n_keys, n_hash, n_plain;
    enum op_key_how *how;
    bool three;    /* unknown matters */
    bool any_null; /* three, and nothing but IN keys: unknowns are not found by hash */
    struct vm *probe_vm, *build_vm, *residual;
    struct row_layout *keys_l; /* normalised keys alone */
    struct vec **keys, **raw_keys;
    /* build */
    struct row_layout *l; /* keys, then build columns that are not keys themselves */
    uint32_t *map;        /* layout column by build column */
    struct vec **raw, **aligned;
    uint32_t *from;       /* layout column, minus n_keys -> build column */
    struct row_store rows, scratch;
    struct row_table table;
    char **nulls;
    uint32_t n_nulls, cap_nulls;
    bool dups, keep_null_keys;
    bool word; /* the key is one of 8 bytes */
    size_t counted;
    /* partitions of this level */
    uint32_t fan, keep, level;
    struct spool *part_build[SPILL_FAN], *part_probe[SPILL_FAN];
    struct join_task *tasks, *task;
    struct spool_reader build_in, probe_in;
    struct row_layout *probe_l;
    struct row_store probe_rows, probe_scratch;
    struct batch *probe_batch;
    struct vec **probe_aligned;
    bool last_pass;      /* chunked: no build rows are left; outer rows come by what they met */
    unsigned char *met;  /* chunked: two bits a probe row */
    uint64_t probe_no;   /* chunked: of the current batch's first row */
    size_t met_bytes;
    /* the current probe batch */
    struct batch *in;
    struct sel sel;
    uint32_t *sel_rows, *spill_rows;
    uint64_t *hashes;
    char **cand;
    unsigned char *state_of; /* MET_*, by k */
    bool *no_key;            /* a plain key is NULL: matches nothing */
    uint32_t k, walk;
    char *cur;
    bool started;
    /* output */
    uint32_t *pair_row, *pair_k, *out_rows;
    char **pair_ptr;
    bool *pair_unknown;
    struct batch once, dense, rest, build_out;
    struct vec **build_vecs, **null_probe, **null_build;
    bool *need_build; /* columns that the output or the residual looks at */
    struct vec *mark;
    struct batch *dense_probe;
    uint64_t rest_at;
};

static bool gives_pairs(enum op_join_kind k)
{
    return k == OP_JOIN_INNER || k == OP_JOIN_LEFT || k == OP_JOIN_RIGHT || k == OP_JOIN_FULL;
}

static bool gives_probe_rest(enum op_join_kind k)
{
    return k == OP_JOIN_LEFT || k == OP_JOIN_FULL || k == OP_JOIN_SEMI || k == OP_JOIN_ANTI || k == OP_JOIN_MARK;
}

static bool marks_build(enum op_join_kind k)
{
    return k == OP_JOIN_RIGHT || k == OP_JOIN_FULL || k == OP_JOIN_BUILD_SEMI || k == OP_JOIN_BUILD_ANTI;
}

static bool needs_build(enum op_join_kind k)
{
    return k == OP_JOIN_INNER || k == OP_JOIN_RIGHT || k == OP_JOIN_SEMI || k == OP_JOIN_BUILD_SEMI || k == OP_JOIN_BUILD_ANTI;
}

static void count_memory(struct join *j)
{
    /* Of the table so much as it will have. */
    size_t table = j->table.slots ? j->table.bytes : j->rows.n * 12;

    op_hold(&j->op, &j->counted,
        row_store_bytes(&j->rows) + row_store_bytes(&j->scratch) + row_store_bytes(&j->probe_rows) + row_store_bytes(&j->probe_scratch) + table
            + j->cap_nulls * sizeof(*j->nulls) + j->met_bytes);
}

/* ---- build ---- */

static uint32_t part_of(const struct join *j, uint64_t hash)
{
    return j->fan == 1 ? 0 : spill_part(hash, j->level);
}

static bool split_rows(struct join *j)
{
    struct row_store old = j->rows;
    bool ok = true;

    row_store_init(&j->rows, j->l);
    for (uint32_t b = 0; b < old.n_blocks; b++) {
        struct row_block *block = old.blocks[b];
        uint32_t n = (uint64_t)b << old.shift < old.n ? block->n : 0;

        for (uint32_t i = 0; i < n && ok; i++) {
            const char *row = block->data + (size_t)i * j->l->bytes;
            uint32_t p = part_of(j, row_hash(row));

            if (p < j->keep)
                (void)row_store_copy(&j->rows, row);
            else
                ok = spool_put(j->part_build[p], row);
        }
        xfree(block);
        old.blocks[b] = NULL;
        old.bytes -= row_block_bytes(&old);
    }
    old.n_blocks = 0;
    row_store_free(&old);
    return ok;
}

/* Memory was refused: half of what is in memory goes to disk. */
static bool build_spill(struct join *j)
{
    if (!op_can_spill(&j->op))
        return op_charge(&j->op);
    if (j->keep == 0) { /* only buffers are left */
        op_force_charge(&j->op);
        return true;
    }
    if (j->keep == j->fan) {
        for (uint32_t p = 0; p < j->fan; p++) {
            j->part_build[p] = spool_new(&j->op, j->l);
            j->part_probe[p] = spool_new(&j->op, j->probe_l);
        }
    }
    j->keep /= 2;
    if (!split_rows(j))
        return false;
    count_memory(j);
    op_force_charge(&j->op);
    return true;
}

static bool build_charge(struct join *j)
{
    count_memory(j);
    return op_try_charge(&j->op) || build_spill(j);
}

static bool build_batch(struct join *j, const struct batch *in)
{
    struct op_ctx *cx = j->op.cx;
    struct sel sel = batch_sel(in), spill;
    uint32_t n = 0, n_spill = 0;

    if (!vm_run(j->build_vm, in, j->raw, cx->diag))
        return false;
    for (uint32_t i = 0; i + j->n_keys < j->l->n_cols; i++)
        j->raw[j->n_keys + i] = in->cols[j->from[i]];
    if (!row_align(j->l, j->raw, &sel, j->aligned, cx->diag))
        return false;
    if (!j->keep_null_keys) {
        for (uint32_t k = 0; k < sel.n; k++) {
            uint32_t row = SEL_ROW(&sel, k);
            bool null = false;

            for (uint32_t i = 0; i < j->n_plain; i++)
                null |= j->how[i] != OP_KEY_NULL_SAFE && !vec_is_valid(j->aligned[i], row);
            if (!null)
                j->sel_rows[n++] = row;
        }
        if (n < sel.n)
            sel = (struct sel){j->sel_rows, n};
    }
    row_hash_cols(j->aligned, j->n_hash, &sel, j->hashes);
    if (j->keep == j->fan) {
        row_store_put(&j->rows, j->aligned, &sel, j->hashes, NULL);
        return build_charge(j);
    }
    n = 0;
    for (uint32_t k = 0; k < sel.n; k++) {
        uint64_t h = j->hashes[k];
        uint32_t row = SEL_ROW(&sel, k);

        if (part_of(j, h) < j->keep) {
            j->out_rows[n] = row;
            j->hashes[n++] = h;
        } else { /* hashes of these are computed again: they are few loops away from the disk */
            j->spill_rows[n_spill++] = row;
        }
    }
    sel = (struct sel){j->out_rows, n};
    row_store_put(&j->rows, j->aligned, &sel, j->hashes, NULL);
    spill = (struct sel){j->spill_rows, n_spill};
    row_hash_cols(j->aligned, j->n_hash, &spill, j->hashes);
    row_store_put(&j->scratch, j->aligned, &spill, j->hashes, j->cand);
    for (uint32_t k = 0; k < n_spill; k++) {
        if (!spool_put(j->part_build[part_of(j, j->hashes[k])], j->cand[k]))
            return false;
    }
    count_memory(j);
    row_store_clear(&j->scratch);
    return build_charge(j);
}

/* Rows from a partition on disk. *more: stopped because this chunk is full. */
static bool build_from_spool(struct join *j, bool *more)
{
    enum { STEP = 256 };
    bool ok = true;

    *more = false;
    for (;;) {
        bool direct = j->keep == j->fan;
        struct row_store *into = direct ? &j->rows : &j->scratch;
        char *row = NULL;

        j->build_in.into = into;
        for (uint32_t i = 0; i < STEP && (row = spool_get(&j->build_in, &ok)) != NULL && ok; i++) {
            uint32_t p = part_of(j, row_hash(row));

            if (!direct && p < j->keep)
                (void)row_store_copy(&j->rows, row);
            else if (!direct && !spool_put(j->part_build[p], row))
                return false;
        }
        if (!ok || op_cancelled(&j->op))
            return false;
        count_memory(j);
        row_store_clear(&j->scratch);
        if (j->task->chunked) {
            if (!op_try_charge(&j->op)) {
                op_force_charge(&j->op);
                *more = j->build_in.left > 0;
                return true;
            }
        } else if (!build_charge(j)) {
            return false;
        }
        if (!row)
            return true;
    }
}

/* Links all rows; sees whether hashes repeat, and lists rows with a NULL among IN keys. */
static void build_table(struct join *j)
{
    row_table_init(&j->table, j->rows.n + j->rows.n / 4);
    j->dups = false;
    j->n_nulls = 0;
    for (uint32_t b = 0; b < j->rows.n_blocks; b++) {
        enum { AHEAD = 16 };
        struct row_block *block = j->rows.blocks[b];
        uint32_t n = (uint64_t)b << j->rows.shift < j->rows.n ? block->n : 0;
        size_t width = j->l->bytes;

        for (uint32_t i = 0; i < n; i++) {
            char *row = block->data + i * width;
            uint64_t h = row_hash(row);

            if (i + AHEAD < n)
                __builtin_prefetch(&j->table.slots[row_hash(row + AHEAD * width) & j->table.mask], 1);
            for (const char *r = j->dups ? NULL : row_chain(&j->table, h); r && !j->dups; r = row_next(r))
                j->dups = row_hash(r) == h;
            row_table_link(&j->table, row, h);
            for (uint32_t c = 0; j->any_null && c < j->n_keys; c++) {
                if (row_is_valid(row, c))
                    continue;
                if (j->n_nulls == j->cap_nulls) {
                    j->cap_nulls = j->cap_nulls ? j->cap_nulls * 2 : 64;
                    j->nulls = xrealloc(j->nulls, j->cap_nulls * sizeof(*j->nulls));
                }
                j->nulls[j->n_nulls++] = row;
                break;
            }
        }
    }
    count_memory(j);
    op_force_charge(&j->op);
}

/* ---- candidates ---- */

/* 0 no match, MET_TRUE or MET_UNKNOWN: IN keys of a row against those at `at`. */
static int compare_in(const struct join *j, const char *row, uint32_t at)
{
    int met = MET_TRUE;

    for (uint32_t i = j->any_null ? 0 : j->n_hash; i < j->n_keys; i++) {
        const struct vec *v = j->keys[i];
        uint32_t r = vec_row(v, at);

        if (!row_is_valid(row, i) || !vec_is_valid(v, r))
            met = MET_UNKNOWN;
        else if (!row_cell_equals(j->l, i, row, v, r))
            return 0;
    }
    return met;
}

/* The hashed keys of a build row and of a probe row. */
static inline bool same_keys(const struct join *j, const char *r, uint32_t row)
{
    if (j->word && row_word_equals(j->l, r, j->keys[0], row))
        return true;
    return row_equals(j->l, r, j->keys, j->n_hash, row);
}

static bool probe_has_null(const struct join *j, uint32_t row)
{
    for (uint32_t i = 0; i < j->n_keys; i++) {
        if (!vec_is_valid(j->keys[i], row))
            return true;
    }
    return false;
}

/* The next build row that may go with the k-th probe row; NULL: no more. */
static char *next_cand(struct join *j, uint32_t k, bool *unknown)
{
    uint32_t row = SEL_ROW(&j->sel, k);
    uint64_t h = j->hashes[k];

    *unknown = false;
    if (!j->started) {
        j->started = true;
        j->cur = j->cand[k];
        j->walk = 0;
    }
    if (j->any_null && probe_has_null(j, row)) {
        while (j->walk < j->rows.n) {
            char *r = row_store_at(&j->rows, j->walk++);

            *unknown = true; /* it cannot be true */
            if (compare_in(j, r, row))
                return r;
        }
        return NULL;
    }
    while (j->cur) {
        char *r = j->cur;

        j->cur = row_next(r);
        if (row_hash(r) != h || !same_keys(j, r, row))
            continue;
        if (j->three && !j->any_null) {
            int met = compare_in(j, r, row);

            if (!met)
                continue;
            *unknown = met == MET_UNKNOWN;
        }
        return r;
    }
    while (j->any_null && j->walk < j->n_nulls) {
        char *r = j->nulls[j->walk++];

        *unknown = true;
        if (compare_in(j, r, row))
            return r;
    }
    return NULL;
}

/* Lists matches from where it stopped; returns how many. */
static uint32_t list_pairs(struct join *j)
{
    uint32_t n = 0, cap = j->dense.cap;
    bool some = !gives_pairs(j->kind) && !marks_build(j->kind);

    while (j->k < j->sel.n && n < cap) {
        bool unknown;
        char *r = j->no_key[j->k] || (some && j->state_of[j->k] & MET_TRUE) ? NULL : next_cand(j, j->k, &unknown);

        if (!r) {
            j->k++;
            j->started = false;
            continue;
        }
        j->pair_row[n] = SEL_ROW(&j->sel, j->k);
        j->pair_k[n] = j->k;
        j->pair_unknown[n] = unknown;
        j->pair_ptr[n++] = r;
    }
    return n;
}

/* ---- output ---- */

/* Build columns of the rows to dst, at the positions. */
static void gather_build(struct join *j, struct vec **dst, char *const *rows, uint32_t n, const uint32_t *at)
{
    for (uint32_t i = 0; i < j->n_build; i++) {
        if (j->need_build[i])
            row_gather(j->l, j->map[i], rows, n, dst[i], at, 0);
    }
}

/* No two build rows match one probe row: one batch at most. */
static bool join_once(struct join *j, struct batch **out)
{
    uint32_t n = 0, n_out = 0;
    struct batch *b = &j->once;
    bool outer = gives_probe_rest(j->kind) && !j->met;

    for (uint32_t k = 0; k < j->sel.n; k++) {
        uint32_t row = SEL_ROW(&j->sel, k);
        char *r = j->no_key[k] ? NULL : j->cand[k];

        while (r && (row_hash(r) != j->hashes[k] || !same_keys(j, r, row)))
            r = row_next(r);
        j->state_of[k] = 0;
        if (!r)
            continue;
        j->pair_row[n] = row;
        j->pair_k[n] = k;
        j->pair_ptr[n++] = r;
    }
    for (uint32_t i = 0; i < j->n_probe; i++)
        b->cols[i] = j->in->cols[i];
    b->n_rows = j->in->n_rows;
    gather_build(j, b->cols + j->n_probe, j->pair_ptr, n, j->pair_row);
    b->rows = j->pair_row;
    b->n_sel = n;
    for (uint32_t i = 0; i < n; i++)
        j->state_of[j->pair_k[i]] = MET_TRUE;
    if (j->residual && n) {
        if (!vm_filter(j->residual, b, j->out_rows, &n_out, j->op.cx->diag))
            return false;
        for (uint32_t i = 0, o = 0; i < n; i++) {
            if (o < n_out && j->out_rows[o] == j->pair_row[i]) {
                j->pair_ptr[o] = j->pair_ptr[i];
                o++;
            } else {
                j->state_of[j->pair_k[i]] = 0;
            }
        }
        n = n_out;
        b->rows = j->out_rows;
        b->n_sel = n;
    }
    if (marks_build(j->kind)) {
        for (uint32_t i = 0; i < n; i++)
            row_mark(j->l, j->pair_ptr[i]);
    }
    if (outer) { /* the others too, in the same batch */
        for (uint32_t k = 0; k < j->sel.n; k++) {
            for (uint32_t i = 0; !j->state_of[k] && i < j->n_build; i++)
                vec_set_null(b->cols[j->n_probe + i], SEL_ROW(&j->sel, k));
        }
        b->rows = j->sel.rows;
        b->n_sel = j->sel.n;
    }
    *out = b->n_sel ? b : NULL;
    return true;
}

/* One batch of pairs; *out NULL and *n 0: there are no more. */
static bool join_pairs(struct join *j, struct batch **out, uint32_t *n)
{
    struct batch *b = &j->dense;
    uint32_t n_out = 0;

    *out = NULL;
    *n = list_pairs(j);
    if (*n == 0)
        return true;
    if (gives_pairs(j->kind) || j->residual) {
        for (uint32_t i = 0; i < j->n_probe; i++) {
            b->cols[i] = j->dense_probe->cols[i];
            if (!vec_pick(b->cols[i], 0, j->in->cols[i], j->pair_row, *n))
                return diag_set(j->op.cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", "JOIN");
        }
        gather_build(j, b->cols + j->n_probe, j->pair_ptr, *n, NULL);
        b->n_rows = b->n_sel = *n;
        b->rows = NULL;
    }
    if (j->residual) {
        if (!vm_filter(j->residual, b, j->out_rows, &n_out, j->op.cx->diag))
            return false;
        b->rows = j->out_rows;
        b->n_sel = n_out;
    } else {
        n_out = *n;
    }
    for (uint32_t i = 0; i < n_out; i++) {
        uint32_t p = j->residual ? j->out_rows[i] : i;

        j->state_of[j->pair_k[p]] |= j->pair_unknown[p] ? MET_UNKNOWN : MET_TRUE;
        if (marks_build(j->kind))
            row_mark(j->l, j->pair_ptr[p]);
    }
    if (gives_pairs(j->kind) && n_out)
        *out = b;
    return true;
}

/* Semi, anti and mark joins without a residual. */
static void join_exists(struct join *j)
{
    for (uint32_t k = 0; k < j->sel.n; k++) {
        bool unknown = false;
        unsigned char met = 0;

        j->started = false;
        while (!j->no_key[k] && !(met & MET_TRUE) && next_cand(j, k, &unknown)) {
            met |= unknown ? MET_UNKNOWN : MET_TRUE;
            if (unknown && j->any_null)
                break; /* what is left cannot be true */
        }
        j->state_of[k] |= met;
    }
}

/* Outer, semi, anti and marked rows of the current probe batch. */
static void probe_rest(struct join *j, struct batch **out)
{
    struct batch *b = &j->rest;
    uint32_t n = 0;

    *out = NULL;
    if (!gives_probe_rest(j->kind))
        return;
    for (uint32_t k = 0; k < j->sel.n; k++) {
        uint32_t row = SEL_ROW(&j->sel, k);
        unsigned char met = j->state_of[k];

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
    if (n == 0)
        return;
    for (uint32_t i = 0; i < j->n_probe; i++)
        b->cols[i] = j->in->cols[i];
    for (uint32_t i = 0; (j->kind == OP_JOIN_LEFT || j->kind == OP_JOIN_FULL) && i < j->n_build; i++)
        b->cols[j->n_probe + i] = j->null_build[i];
    if (j->kind == OP_JOIN_MARK)
        b->cols[j->n_probe] = j->mark;
    b->n_rows = j->in->n_rows;
    b->rows = j->out_rows;
    b->n_sel = n;
    *out = b;
}

static void build_rest(struct join *j, struct batch **out)
{
    struct batch *b = &j->build_out;
    bool marked = j->kind == OP_JOIN_BUILD_SEMI;
    uint32_t n = 0, first = gives_pairs(j->kind) ? j->n_probe : 0;

    for (; j->rest_at < j->rows.n && n < b->cap; j->rest_at++) {
        char *row = row_store_at(&j->rows, j->rest_at);

        if (row_marked(j->l, row) == marked)
            j->pair_ptr[n++] = row;
    }
    for (uint32_t i = 0; i < first; i++)
        b->cols[i] = j->null_probe[i];
    for (uint32_t i = 0; i < j->n_build; i++)
        b->cols[first + i] = j->build_vecs[i];
    gather_build(j, b->cols + first, j->pair_ptr, n, NULL);
    b->n_rows = b->n_sel = n;
    *out = n ? b : NULL;
}

/* ---- probe ---- */

static bool spill_probe(struct join *j, const struct batch *in, const struct sel *spill)
{
    if (!row_align(j->probe_l, in->cols, spill, j->probe_aligned, j->op.cx->diag))
        return false;
    row_hash_cols(j->keys, j->n_hash, spill, j->hashes);
    row_store_put(&j->probe_scratch, j->probe_aligned, spill, NULL, j->cand);
    for (uint32_t k = 0; k < spill->n; k++) {
        row_set_hash(j->cand[k], j->hashes[k]);
        if (!spool_put(j->part_probe[part_of(j, j->hashes[k])], j->cand[k]))
            return false;
    }
    count_memory(j);
    op_force_charge(&j->op);
    row_store_clear(&j->probe_scratch);
    return true;
}

/* What the current rows met in earlier chunks, or remembers it. */
static void met_load(struct join *j)
{
    for (uint32_t k = 0; k < j->sel.n; k++) {
        uint64_t no = j->probe_no + SEL_ROW(&j->sel, k);

        j->state_of[k] = j->met ? j->met[no / 4] >> (no % 4 * 2) & 3 : 0;
    }
}

static void met_store(struct join *j)
{
    for (uint32_t k = 0; j->met && k < j->sel.n; k++) {
        uint64_t no = j->probe_no + SEL_ROW(&j->sel, k);

        j->met[no / 4] = (unsigned char)(j->met[no / 4] | j->state_of[k] << (no % 4 * 2));
    }
}

static bool probe_start(struct join *j, struct batch *in)
{
    struct sel sel = batch_sel(in), spill;
    uint32_t n = 0, n_spill = 0;

    j->in = in;
    if (!vm_run(j->probe_vm, in, j->raw_keys, j->op.cx->diag) || !row_align(j->keys_l, j->raw_keys, &sel, j->keys, j->op.cx->diag))
        return false;
    row_hash_cols(j->keys, j->n_hash, &sel, j->hashes);
    if (j->keep < j->fan) {
        for (uint32_t k = 0; k < sel.n; k++) {
            if (part_of(j, j->hashes[k]) < j->keep)
                j->sel_rows[n++] = SEL_ROW(&sel, k);
            else
                j->spill_rows[n_spill++] = SEL_ROW(&sel, k);
        }
        spill = (struct sel){j->spill_rows, n_spill};
        if (n_spill && !spill_probe(j, in, &spill))
            return false;
        sel = (struct sel){j->sel_rows, n};
        if (n_spill)
            row_hash_cols(j->keys, j->n_hash, &sel, j->hashes);
    }
    j->sel = sel;
    met_load(j);
    if (j->last_pass)
        return true;
    for (uint32_t k = 0; k < sel.n; k++)
        __builtin_prefetch(&j->table.slots[j->hashes[k] & j->table.mask]);
    memset(j->no_key, 0, sel.n * sizeof(*j->no_key));
    for (uint32_t i = 0; i < j->n_plain; i++) {
        for (uint32_t k = 0; j->how[i] != OP_KEY_NULL_SAFE && k < sel.n; k++)
            j->no_key[k] |= !vec_is_valid(j->keys[i], SEL_ROW(&sel, k));
    }
    for (uint32_t k = 0; k < sel.n; k++) {
        j->cand[k] = row_chain(&j->table, j->hashes[k]);
        if (j->cand[k])
            row_prefetch(j->l, j->cand[k]);
    }
    row_skip_others(j->l, j->cand, j->hashes, sel.n);
    j->k = 0;
    j->started = false;
    return true;
}

static enum op_result next_probe_batch(struct join *j, struct batch **in)
{
    bool ok = true;

    if (!j->task)
        return op_next(j->op.children[0], in);
    j->probe_no += j->probe_rows.n;
    row_store_clear(&j->probe_rows);
    while (j->probe_rows.n < j->probe_batch->cap) {
        char *row = spool_get(&j->probe_in, &ok);

        if (!ok)
            return OP_ERROR;
        if (!row)
            break;
        j->cand[j->probe_rows.n - 1] = row;
        if (j->probe_rows.heap.used_bytes > OP_BATCH_BYTES)
            break;
    }
    if (j->probe_rows.n == 0)
        return OP_DONE;
    if (op_cancelled(&j->op))
        return OP_ERROR;
    for (uint32_t i = 0; i < j->n_probe; i++)
        row_gather(j->probe_l, i, j->cand, (uint32_t)j->probe_rows.n, j->probe_batch->cols[i], NULL, 0);
    j->probe_batch->n_rows = j->probe_batch->n_sel = (uint32_t)j->probe_rows.n;
    *in = j->probe_batch;
    return OP_BATCH;
}

/* ---- tasks ---- */

static void forget_build(struct join *j)
{
    row_store_free(&j->rows);
    row_table_free(&j->table);
    j->n_nulls = 0;
    count_memory(j);
    op_force_charge(&j->op);
}

/* Partitions on disk become tasks. */
static bool make_tasks(struct join *j)
{
    for (uint32_t p = j->fan; j->keep < j->fan && p-- > 0;) {
        struct join_task *t;
        bool same;

        if (!spool_end(j->part_build[p]) || !spool_end(j->part_probe[p]))
            return false;
        if ((j->part_probe[p]->rows == 0 && !marks_build(j->kind)) || (j->part_build[p]->rows == 0 && needs_build(j->kind))) {
            spool_free(j->part_build[p]);
            spool_free(j->part_probe[p]);
        } else {
            t = xcalloc(1, sizeof(*t));
            same = j->task && j->part_build[p]->rows == j->task->build->rows;
            *t = (struct join_task){j->tasks, j->part_build[p], j->part_probe[p], j->level + 1,
                j->fan == 1 || same || j->level + 1 >= SPILL_MAX_LEVEL, false};
            j->tasks = t;
        }
        j->part_build[p] = j->part_probe[p] = NULL;
    }
    return true;
}

static void free_task(struct join *j)
{
    struct join_task *t = j->task;

    if (!t)
        return;
    spool_close(&j->build_in);
    spool_close(&j->probe_in);
    spool_free(t->build);
    spool_free(t->probe);
    xfree(t);
    xfree(j->met);
    j->met = NULL;
    j->met_bytes = 0;
    j->task = NULL;
}

/* The probe side ended. */
static bool after_probe(struct join *j)
{
    struct join_task *t = j->task;

    j->rest_at = 0;
    if (t && t->chunked) {
        spool_close(&j->probe_in);
        if (j->last_pass) {
            forget_build(j);
            free_task(j);
            j->state = JOIN_NEXT;
            return true;
        }
        j->state = marks_build(j->kind) ? JOIN_BUILD_REST : JOIN_BUILD;
        if (j->state == JOIN_BUILD)
            forget_build(j);
        return true;
    }
    if (!make_tasks(j))
        return false;
    j->state = marks_build(j->kind) ? JOIN_BUILD_REST : JOIN_NEXT;
    return true;
}

static bool next_task(struct join *j)
{
    struct join_task *t;

    forget_build(j);
    free_task(j);
    t = j->task = j->tasks;
    if (!t) {
        j->state = JOIN_OVER;
        return true;
    }
    j->tasks = t->next;
    j->level = t->level;
    j->fan = j->keep = t->chunked ? 1 : SPILL_FAN;
    j->last_pass = false;
    spool_open(&j->build_in, t->build, &j->rows, true);
    if (t->chunked && gives_probe_rest(j->kind)) {
        j->met_bytes = (size_t)(t->probe->rows / 4 + 1);
        j->met = xcalloc(j->met_bytes, 1);
    }
    j->state = JOIN_BUILD;
    return true;
}

static bool begin_probe(struct join *j)
{
    struct join_task *t = j->task;

    build_table(j);
    if (t) {
        spool_open(&j->probe_in, t->probe, &j->probe_rows, !t->chunked);
        row_store_clear(&j->probe_rows);
        j->probe_no = 0;
    }
    j->state = JOIN_PROBE;
    if (!t && j->rows.n == 0 && j->keep == j->fan && needs_build(j->kind))
        j->state = JOIN_OVER;
    return true;
}

static enum op_result run_build(struct join *j)
{
    bool more;

    if (!j->task) {
        for (;;) {
            struct batch *in;

            switch (op_next(j->op.children[1], &in)) {
            case OP_BLOCKED:
                return OP_BLOCKED;
            case OP_ERROR:
                return OP_ERROR;
            case OP_DONE:
                return begin_probe(j) ? OP_BATCH : OP_ERROR;
            case OP_BATCH:
                if (!build_batch(j, in))
                    return OP_ERROR;
                break;
            }
        }
    }
    if (j->task->chunked && j->task->begun && j->build_in.left == 0) { /* all chunks were seen */
        j->last_pass = true;
        if (!gives_probe_rest(j->kind)) {
            forget_build(j);
            j->state = JOIN_NEXT;
            return OP_BATCH;
        }
        return begin_probe(j) ? OP_BATCH : OP_ERROR;
    }
    j->task->begun = true;
    if (!build_from_spool(j, &more))
        return OP_ERROR;
    if (!more && !j->task->chunked)
        spool_close(&j->build_in);
    return begin_probe(j) ? OP_BATCH : OP_ERROR;
}

static enum op_result run_probe(struct join *j, struct batch **out)
{
    struct batch *in;
    enum op_result r = next_probe_batch(j, &in);

    if (r == OP_DONE)
        return after_probe(j) ? OP_BATCH : OP_ERROR;
    if (r != OP_BATCH)
        return r;
    if (!probe_start(j, in))
        return OP_ERROR;
    if (j->last_pass) {
        j->state = JOIN_REST;
    } else if (gives_pairs(j->kind) && !j->dups && !j->three) {
        if (!join_once(j, out))
            return OP_ERROR;
        met_store(j);
    } else if (gives_pairs(j->kind) || marks_build(j->kind) || j->residual) {
        j->state = JOIN_PAIRS;
    } else {
        join_exists(j);
        j->state = JOIN_REST;
    }
    return OP_BATCH;
}

static enum op_result join_next(struct op *o, struct batch **out)
{
    struct join *j = (struct join *)o;
    enum op_result r = OP_BATCH;
    uint32_t n;

    *out = NULL;
    while (!*out && r == OP_BATCH) {
        switch (j->state) {
        case JOIN_BUILD:
            r = run_build(j);
            break;
        case JOIN_PROBE:
            r = run_probe(j, out);
            break;
        case JOIN_PAIRS:
            if (!join_pairs(j, out, &n))
                r = OP_ERROR;
            else if (n == 0)
                j->state = JOIN_REST;
            if (r == OP_BATCH && !*out && op_cancelled(o))
                r = OP_ERROR;
            break;
        case JOIN_REST:
            if (j->met && !j->last_pass)
                met_store(j);
            else
                probe_rest(j, out);
            j->state = JOIN_PROBE;
            break;
        case JOIN_BUILD_REST:
            build_rest(j, out);
            if (!*out && j->task && j->task->chunked) {
                forget_build(j);
                j->state = JOIN_BUILD;
            } else if (!*out) {
                j->state = JOIN_NEXT;
            }
            break;
        case JOIN_NEXT:
            if (!next_task(j))
                r = OP_ERROR;
            break;
        case JOIN_OVER:
            return OP_DONE;
        }
    }
    return r;
}

static void join_close(struct op *o)
{
    struct join *j = (struct join *)o;

    vm_free(j->probe_vm);
    vm_free(j->build_vm);
    vm_free(j->residual);
    row_store_free(&j->rows);
    row_store_free(&j->scratch);
    row_store_free(&j->probe_rows);
    row_store_free(&j->probe_scratch);
    row_table_free(&j->table);
    xfree(j->nulls);
    for (uint32_t p = 0; p < SPILL_FAN; p++) {
        spool_free(j->part_build[p]);
        spool_free(j->part_probe[p]);
    }
    do {
        free_task(j);
        j->task = j->tasks;
        j->tasks = j->task ? j->task->next : NULL;
    } while (j->task);
}

static const struct op_ops join_ops = {"hash join", join_next, join_close};

/* ---- construction ---- */

static unsigned phys_scale(const struct func_arg *a)
{
    return type_kind_of(&a->type) != KIND_DEC ? 0 : a->dec_scale == FUNC_SCALE_OF_TYPE ? a->type.decimals : a->dec_scale;
}

static unsigned int_digits(const struct func_arg *a)
{
    return type_kind_of(&a->type) == KIND_DEC ? type_dec_precision(&a->type) - a->type.decimals : 20;
}

static bool refuse(struct op_ctx *cx, const struct func_arg *a, const struct func_arg *b)
{
    char x[64], y[64];

    type_print(&a->type, x, sizeof(x));
    type_print(&b->type, y, sizeof(y));
    return diag_setf(cx->diag, ER_NOT_SUPPORTED_YET,
        "This version of Tessera doesn't yet support 'a hash join of %s with %s above the shards without conversion'", x, y);
}

static bool is_json(const struct func_arg *a)
{
    return a->type.code == TYPE_JSON || a->type.code == TYPE_GEOMETRY;
}

/* The form in which values of a and b are compared. */
static bool key_form(struct op_ctx *cx, const struct func_arg *a, const struct func_arg *b, struct func_arg *out)
{
    enum type_kind x = type_kind_of(&a->type), y = type_kind_of(&b->type);

    *out = *a;
    out->constant = NULL;
    if (x == KIND_NULL || y == KIND_NULL) {
        if (x == KIND_NULL)
            *out = *b;
        if (x == y)
            out->type = type_int(false);
        out->constant = NULL;
        return op_native_coll(cx, out, "joins");
    }
    if (x == KIND_STR && y == KIND_STR) {
        if (a->type.coll != b->type.coll || is_json(a) || is_json(b))
            return refuse(cx, a, b);
        return op_native_coll(cx, out, "joins");
    }
    if (type_is_numeric(&a->type) && type_is_numeric(&b->type)) {
        unsigned scale = MAX(phys_scale(a), phys_scale(b)), ints = MAX(int_digits(a), int_digits(b)), shown = MIN(scale, 30u);

        if (x == KIND_F64 || y == KIND_F64)
            *out = (struct func_arg){type_double(), NULL, FUNC_SCALE_OF_TYPE};
        else if (x != y || (x == KIND_DEC && (phys_scale(a) != phys_scale(b) || int_digits(a) != int_digits(b))))
            *out = (struct func_arg){type_decimal(MIN(ints + shown, 65u), shown), NULL, (uint8_t)scale};
        return true;
    }
    if ((x == KIND_TIME) != (y == KIND_TIME) || !type_is_temporal(&a->type) || !type_is_temporal(&b->type))
        return refuse(cx, a, b);
    if (x == KIND_DATE)
        out->type = b->type;
    return true;
}

static bool same_form(const struct func_arg *a, const struct func_arg *b)
{
    unsigned s, t;

    return op_col_kind(a, &s) == op_col_kind(b, &t) && s == t && a->type.coll == b->type.coll;
}

/* Keys in the order in which they are hashed, programs that give them, and the build rows' layout. */
static bool bind_keys(struct join *j, const struct op_join_key *keys, uint32_t n)
{
    struct op_ctx *cx = j->op.cx;
    struct op *probe = j->op.children[0], *build = j->op.children[1];
    const struct bexpr **pe = ARENA_NEW_N(cx->arena, const struct bexpr *, n + 1), **be = ARENA_NEW_N(cx->arena, const struct bexpr *, n + 1);
    struct func_arg *forms = ARENA_NEW_N(cx->arena, struct func_arg, n + 1);
    struct func_arg *cols = ARENA_NEW_N(cx->arena, struct func_arg, n + j->n_build + 1);
    uint32_t at = 0, n_in = 0;

    for (uint32_t i = 0; i < n; i++)
        n_in += keys[i].how == OP_KEY_IN;
    j->three = n_in && (j->kind == OP_JOIN_ANTI || j->kind == OP_JOIN_MARK);
    j->any_null = j->three && n_in == n;
    j->n_keys = n;
    j->n_hash = j->three && !j->any_null ? n - n_in : n;
    j->n_plain = j->three ? n - n_in : n;
    j->how = ARENA_NEW_N(cx->arena, enum op_key_how, n + 1);
    for (int in = 0; in < 2; in++) {
        for (uint32_t i = 0; i < n; i++) {
            if ((keys[i].how == OP_KEY_IN) != in)
                continue;
            pe[at] = keys[i].probe;
            be[at] = keys[i].build;
            j->how[at++] = keys[i].how;
        }
    }
    j->probe_vm = op_compile(cx, pe, n, probe);
    j->build_vm = j->probe_vm ? op_compile(cx, be, n, build) : NULL;
    if (!j->build_vm)
        return false;
    for (uint32_t i = 0; i < n; i++) {
        struct func_arg a = vm_result(j->probe_vm, i), b = vm_result(j->build_vm, i);

        if (!key_form(cx, &a, &b, &forms[i]))
            return false;
        cols[i] = forms[i];
    }
    j->keys_l = row_layout_new(cx->arena, forms, n, 0);
    j->map = ARENA_NEW_N(cx->arena, uint32_t, j->n_build + 1);
    j->from = ARENA_NEW_N(cx->arena, uint32_t, j->n_build + 1);
    at = n;
    for (uint32_t c = 0; c < j->n_build; c++) {
        j->map[c] = UINT32_MAX;
        for (uint32_t i = 0; i < n; i++) {
            if (be[i]->kind == BEXPR_COLUMN && be[i]->ordinal == c && same_form(&forms[i], &build->cols[c]))
                j->map[c] = i;
        }
        if (j->map[c] != UINT32_MAX)
            continue;
        j->from[at - n] = c;
        j->map[c] = at;
        cols[at++] = build->cols[c];
    }
    j->l = row_layout_new(cx->arena, cols, at, 0);
    j->word = j->n_hash == 1 && row_key_is_word(j->l);
    return true;
}

static void find_needed(const struct bexpr *x, uint32_t first, bool *need)
{
    if (x->kind == BEXPR_COLUMN && x->ordinal >= first)
        need[x->ordinal - first] = true;
    for (uint32_t i = 0; x->kind == BEXPR_CALL && i < x->n_args; i++)
        find_needed(x->args[i], first, need);
}

static struct vec *null_column(struct op_ctx *cx, const struct func_arg *a)
{
    unsigned scale;
    enum vec_kind k = op_col_kind(a, &scale);
    struct vec *v = vec_new_kind(cx->arena, &a->type, k, scale, 1, NULL);

    v->is_const = true;
    return v;
}

struct vec **op_null_columns(struct op_ctx *cx, const struct func_arg *cols, uint32_t n)
{
    struct vec **v = ARENA_NEW_N(cx->arena, struct vec *, n + 1);

    for (uint32_t i = 0; i < n; i++)
        v[i] = null_column(cx, &cols[i]);
    return v;
}

void op_join_cols(struct op *o, enum op_join_kind kind, struct op *probe, struct op *build)
{
    struct func_arg *cols = ARENA_NEW_N(o->cx->arena, struct func_arg, probe->n_cols + build->n_cols + 1);
    bool only_build = kind == OP_JOIN_BUILD_SEMI || kind == OP_JOIN_BUILD_ANTI;
    uint32_t n = 0;

    for (uint32_t i = 0; i < probe->n_cols && !only_build; i++)
        cols[n++] = probe->cols[i];
    for (uint32_t i = 0; i < build->n_cols && (gives_pairs(kind) || only_build); i++)
        cols[n++] = build->cols[i];
    if (kind == OP_JOIN_MARK)
        cols[n++] = (struct func_arg){type_bool(), NULL, FUNC_SCALE_OF_TYPE};
    op_set_cols(o, cols, n);
}

static void make_room(struct join *j)
{
    struct op_ctx *cx = j->op.cx;
    struct op *probe = j->op.children[0], *build = j->op.children[1];
    uint32_t cap = op_batch_rows(&j->op), n = j->n_probe + j->n_build + 1;
    struct sql_type mark = type_bool();
    struct batch *b = op_batch_new(cx, build->cols, j->n_build, cap, NULL), *all[] = {&j->once, &j->dense, &j->rest, &j->build_out};

    j->build_vecs = b->cols;
    j->null_build = op_null_columns(cx, build->cols, j->n_build);
    j->null_probe = op_null_columns(cx, probe->cols, j->n_probe);
    j->dense_probe = op_batch_new(cx, probe->cols, j->n_probe, cap, cx->arena);
    j->probe_batch = op_batch_new(cx, probe->cols, j->n_probe, cap, NULL);
    j->mark = vec_new(cx->arena, &mark, cap, NULL);
    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        all[i]->cols = ARENA_NEW_N(cx->arena, struct vec *, n);
        all[i]->n_cols = i < 2 ? j->n_probe + j->n_build : j->op.n_cols;
        all[i]->cap = cap;
        for (uint32_t c = 0; i < 2 && c < j->n_build; c++)
            all[i]->cols[j->n_probe + c] = b->cols[c];
    }
    j->keys = ARENA_NEW_N(cx->arena, struct vec *, j->n_keys + 1);
    j->raw_keys = ARENA_NEW_N(cx->arena, struct vec *, j->n_keys + 1);
    j->raw = ARENA_NEW_N(cx->arena, struct vec *, j->l->n_cols + 1);
    j->aligned = ARENA_NEW_N(cx->arena, struct vec *, j->l->n_cols + 1);
    j->probe_aligned = ARENA_NEW_N(cx->arena, struct vec *, j->n_probe + 1);
    j->sel_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->spill_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->hashes = ARENA_NEW_N(cx->arena, uint64_t, cap);
    j->cand = ARENA_NEW_N(cx->arena, char *, cap + 1);
    j->state_of = ARENA_NEW_N(cx->arena, unsigned char, cap);
    j->no_key = ARENA_NEW_N(cx->arena, bool, cap);
    j->pair_row = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->pair_k = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->out_rows = ARENA_NEW_N(cx->arena, uint32_t, cap);
    j->pair_ptr = ARENA_NEW_N(cx->arena, char *, cap);
    j->pair_unknown = ARENA_NEW_N(cx->arena, bool, cap);
}

struct op *op_hash_join_new(struct op_ctx *cx, struct op *probe, struct op *build, enum op_join_kind kind, const struct op_join_key *keys,
    uint32_t n_keys, const struct bexpr *residual)
{
    struct op *children[] = {probe, build};
    struct join *j = op_alloc(cx, &join_ops, sizeof(*j), children, 2);
    struct func_arg *both = ARENA_NEW_N(cx->arena, struct func_arg, probe->n_cols + build->n_cols + 1);

    j->kind = kind;
    j->n_probe = probe->n_cols;
    j->n_build = build->n_cols;
    op_join_cols(&j->op, kind, probe, build);
    if (n_keys == 0) {
        diag_set(cx->diag, ER_INTERNAL, "a hash join without keys");
        return op_fail_new(&j->op);
    }
    if (!bind_keys(j, keys, n_keys))
        return op_fail_new(&j->op);
    for (uint32_t i = 0; i < probe->n_cols + build->n_cols; i++)
        both[i] = i < probe->n_cols ? probe->cols[i] : build->cols[i - probe->n_cols];
    if (residual) {
        j->residual = op_compile_cols(cx, &residual, 1, both, probe->n_cols + build->n_cols);
        if (!j->residual)
            return op_fail_new(&j->op);
    }
    j->need_build = ARENA_NEW_N(cx->arena, bool, j->n_build + 1);
    for (uint32_t i = 0; i < j->n_build; i++)
        j->need_build[i] = gives_pairs(kind) || kind == OP_JOIN_BUILD_SEMI || kind == OP_JOIN_BUILD_ANTI;
    if (residual)
        find_needed(residual, j->n_probe, j->need_build);
    j->keep_null_keys = kind == OP_JOIN_RIGHT || kind == OP_JOIN_FULL || kind == OP_JOIN_BUILD_ANTI;
    j->probe_l = row_layout_new(cx->arena, probe->cols, j->n_probe, 0);
    row_store_init(&j->rows, j->l);
    row_store_init(&j->scratch, j->l);
    row_store_init(&j->probe_rows, j->probe_l);
    row_store_init(&j->probe_scratch, j->probe_l);
    j->fan = j->keep = j->any_null ? 1 : SPILL_FAN;
    make_room(j);
    return &j->op;
}
