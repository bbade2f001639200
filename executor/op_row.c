/* Kept rows and hash tables over them (op-int.h says how a row is laid out).
 *
 * Batches come as columns and are scattered into rows, column by column, so that each inner loop knows its width; results are
 * gathered the same way. A row in one piece costs one cache miss to find, compare and carry along, where columns would cost one
 * each; it can be written to disk as it is; and its address is its name, so tables hold addresses.
 *
 * Look-ups of a batch run in passes (slot, first row, comparison) that first ask for the memory that the next pass needs: with
 * tables larger than the caches nearly all of the time would otherwise be waiting. */
#include "executor/op-int.h"

#include "types/coll.h"
#include "util/hash.h"

enum { BLOCK_BYTES = 64 << 10, LINE = 64 };

/* ---- layout ---- */

enum vec_kind op_col_kind(const struct func_arg *a, unsigned *scale)
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

struct row_layout *row_layout_new(struct arena *a, const struct func_arg *cols, uint32_t n, uint32_t tail_bytes)
{
    struct row_layout *l = ARENA_NEW(a, struct row_layout);
    uint32_t at = ROW_HEAD + (n / 64 + 1) * 8;

    l->cols = cols;
    l->n_cols = n;
    l->scratch = a;
    l->col = ARENA_NEW_N(a, struct row_col, n + 1);
    l->str = ARENA_NEW_N(a, uint32_t, n + 1);
    l->convert = ARENA_NEW_N(a, struct vec *, n + 1);
    for (uint32_t i = 0; i < n; i++) {
        struct row_col *c = &l->col[i];
        unsigned scale;

        c->kind = (uint8_t)op_col_kind(&cols[i], &scale);
        c->scale = (uint8_t)scale;
        c->width = (uint8_t)vec_width((enum vec_kind)c->kind);
        c->coll = cols[i].type.coll;
        c->off = at;
        at += c->width;
        if (c->kind == VEC_STR) {
            const struct collation *coll = coll_by_id(c->coll);

            c->bytes = c->coll == TYPE_COLL_BINARY
                || (coll && (coll->impl == COLL_BYTES || (coll->impl == COLL_CODEPOINT && !coll->pad_space)));
            l->str[l->n_str++] = i;
        }
    }
    l->cells_end = at;
    l->tail = (at + 7u) & ~7u;
    l->bytes = l->tail + ((tail_bytes + 7u) & ~7u);
    return l;
}

/* ---- store ---- */

void row_store_init_blocks(struct row_store *s, struct row_layout *l, size_t bytes)
{
    *s = (struct row_store){.l = l};
    while (s->shift < 12 && ((size_t)l->bytes << (s->shift + 1)) <= bytes)
        s->shift++;
    arena_init(&s->heap, 0);
}

void row_store_init(struct row_store *s, struct row_layout *l)
{
    row_store_init_blocks(s, l, BLOCK_BYTES);
}

size_t row_block_bytes(const struct row_store *s)
{
    return sizeof(struct row_block) + LINE + ((size_t)s->l->bytes << s->shift);
}

void row_store_free(struct row_store *s)
{
    if (!s->l)
        return;
    for (uint32_t i = 0; i < s->n_blocks; i++)
        xfree(s->blocks[i]);
    xfree(s->blocks);
    arena_free(&s->heap);
    *s = (struct row_store){.l = s->l, .shift = s->shift};
    arena_init(&s->heap, 0);
}

void row_store_clear(struct row_store *s)
{
    size_t block = row_block_bytes(s);

    while (s->n_blocks > 1) {
        xfree(s->blocks[--s->n_blocks]);
        s->bytes -= block;
    }
    s->n = 0;
    s->has_nulls = false;
    if (s->n_blocks)
        s->blocks[0]->n = 0;
    arena_reset(&s->heap);
}

char *row_store_grow(struct row_store *s)
{
    size_t block = row_block_bytes(s);
    uint32_t at = (uint32_t)(s->n >> s->shift);
    struct row_block *b;

    if (at == s->n_blocks) {
        if (s->n_blocks == s->cap_blocks) {
            uint32_t cap = s->cap_blocks ? s->cap_blocks * 2 : 8;

            s->blocks = xrealloc(s->blocks, cap * sizeof(*s->blocks));
            s->cap_blocks = cap;
        }
        b = s->blocks[s->n_blocks++] = xmalloc(block);
        b->data = (char *)(((uintptr_t)(b + 1) + LINE - 1) & ~(uintptr_t)(LINE - 1));
        s->bytes += block;
    }
    b = s->blocks[at];
    b->n = 1;
    s->n++;
    return b->data;
}

bool row_align(struct row_layout *l, struct vec *const *cols, const struct sel *sel, struct vec **out, struct diag *d)
{
    for (uint32_t i = 0; i < l->n_cols; i++) {
        const struct row_col *c = &l->col[i];
        struct vec *v = cols[i], *to;

        out[i] = v;
        if (v->kind == c->kind && v->scale == c->scale)
            continue;
        to = l->convert[i];
        if (!to || to->cap < v->cap)
            to = l->convert[i] = vec_new_kind(l->scratch, &l->cols[i].type, (enum vec_kind)c->kind, c->scale, v->cap, l->scratch);
        to->is_const = v->is_const;
        for (uint32_t k = 0; k < (v->is_const ? 1 : sel->n); k++) {
            uint32_t row = v->is_const ? 0 : SEL_ROW(sel, k);

            if (!vec_copy(to, row, v, row))
                return diag_set(d, ER_DATA_OUT_OF_RANGE, "DECIMAL", "conversion");
        }
        out[i] = to;
    }
    return true;
}

/* All of the rows that sel names are valid; false also where it would cost too much to know. */
static bool all_valid(const struct vec *v, const struct sel *sel)
{
    uint32_t words = sel->n / 64, rest = sel->n % 64;

    if (v->is_const)
        return v->valid[0] & 1;
    if (v->no_nulls)
        return true;
    if (sel->rows) {
        for (uint32_t k = 0; k < sel->n; k++) {
            if (!(v->valid[sel->rows[k] >> 6] >> (sel->rows[k] & 63) & 1))
                return false;
        }
        return true;
    }
    for (uint32_t w = 0; w < words; w++) {
        if (v->valid[w] != UINT64_MAX)
            return false;
    }
    return !rest || !(~v->valid[words] & ((UINT64_C(1) << rest) - 1));
}

#define SCATTER(T)                                                                            \
    for (uint32_t k = 0; k < sel->n; k++)                                                     \
        memcpy(rows[k] + off, (const T *)v->data + (SEL_ROW(sel, k) & mask), sizeof(T))

static void put_text(struct row_store *s, char *cell, const struct strv *from)
{
    struct strv v = *from;

    if (v.len > STRV_INLINE) {
        char *p = arena_alloc(&s->heap, v.len);

        memcpy(p, v.ptr, v.len);
        v.ptr = p;
    }
    memcpy(cell, &v, sizeof(v));
}

static void scatter(struct row_store *s, uint32_t c, const struct vec *v, const struct sel *sel, char *const *rows)
{
    const struct row_col *col = &s->l->col[c];
    uint32_t mask = v->is_const ? 0 : UINT32_MAX, off = col->off;

    if (!all_valid(v, sel)) {
        static const char zeros[32];

        s->has_nulls = true;
        for (uint32_t k = 0; k < sel->n; k++) {
            uint32_t row = SEL_ROW(sel, k) & mask;

            if (!vec_is_valid(v, row)) {
                rows[k][ROW_HEAD + (c >> 3)] = (char)(rows[k][ROW_HEAD + (c >> 3)] & ~(1 << (c & 7)));
                memcpy(rows[k] + off, zeros, col->width);
            } else if (col->kind == VEC_STR) {
                put_text(s, rows[k] + off, &v->str[row]);
            } else {
                memcpy(rows[k] + off, (const char *)v->data + (size_t)row * col->width, col->width);
            }
        }
        return;
    }
    if (col->kind == VEC_STR) {
        for (uint32_t k = 0; k < sel->n; k++)
            put_text(s, rows[k] + off, &v->str[SEL_ROW(sel, k) & mask]);
    } else if (col->width == 8) {
        SCATTER(uint64_t);
    } else if (col->width == 16) {
        SCATTER(uint128);
    } else {
        SCATTER(struct i256);
    }
}

static void row_start(const struct row_layout *l, char *row)
{
    if (LIKELY(l->n_cols < 64)) {
        uint64_t bits = ~(UINT64_C(1) << l->n_cols); /* little-endian: bit i is column i's */

        memcpy(row + ROW_HEAD, &bits, sizeof(bits));
        return;
    }
    memset(row + ROW_HEAD, 0xff, (l->n_cols / 64 + 1) * 8);
    row[ROW_HEAD + (l->n_cols >> 3)] = (char)(row[ROW_HEAD + (l->n_cols >> 3)] & ~(1 << (l->n_cols & 7)));
}

void row_store_put(struct row_store *s, struct vec *const *cols, const struct sel *sel, const uint64_t *hashes, char **rows)
{
    char *local[256];

    /* In pieces, so that rows and their addresses stay in the first-level cache from column to column. */
    for (uint32_t from = 0; from < sel->n; from += ARRAY_LEN(local)) {
        struct sel part = {NULL, MIN(sel->n - from, (uint32_t)ARRAY_LEN(local))};
        uint32_t own[ARRAY_LEN(local)];

        for (uint32_t k = 0; k < part.n; k++) {
            local[k] = row_store_add(s);
            own[k] = SEL_ROW(sel, from + k);
            row_start(s->l, local[k]);
            if (hashes)
                row_set_hash(local[k], hashes[from + k]);
        }
        part.rows = !sel->rows && from == 0 ? NULL : own;
        for (uint32_t c = 0; c < s->l->n_cols; c++)
            scatter(s, c, cols[c], &part, local);
        if (rows)
            memcpy(rows + from, local, part.n * sizeof(*rows));
    }
}

void row_put_one(struct row_store *s, char *to, struct vec *const *cols, uint32_t row)
{
    struct sel one = {&row, 1};

    row_start(s->l, to);
    for (uint32_t c = 0; c < s->l->n_cols; c++)
        scatter(s, c, cols[c], &one, &to);
}

char *row_store_copy(struct row_store *s, const char *row)
{
    char *to = row_store_add(s);

    memcpy(to, row, s->l->cells_end);
    s->has_nulls = true; /* it may be */
    for (uint32_t i = 0; i < s->l->n_str; i++) {
        struct strv v;

        memcpy(&v, row + s->l->col[s->l->str[i]].off, sizeof(v));
        if (row_is_valid(row, s->l->str[i]))
            put_text(s, to + s->l->col[s->l->str[i]].off, &v);
    }
    return to;
}

/* ---- gathering ---- */

void row_get(const struct row_layout *l, uint32_t c, const char *row, struct vec *dst, uint32_t at)
{
    const struct row_col *col = &l->col[c];

    if (!row || !row_is_valid(row, c)) {
        vec_set_null(dst, at);
        return;
    }
    memcpy((char *)dst->data + (size_t)at * col->width, row + col->off, col->width);
    vec_set_valid(dst, at);
}

static void set_valid_range(struct vec *v, uint32_t from, uint32_t n)
{
    uint32_t at = from, end = from + n;

    for (; at < end && at % 64; at++)
        vec_set_valid(v, at);
    for (; at + 64 <= end; at += 64)
        v->valid[at / 64] = UINT64_MAX;
    for (; at < end; at++)
        vec_set_valid(v, at);
}

#define GATHER(T)                                                                     \
    for (uint32_t k = 0; k < n; k++)                                                  \
        memcpy((T *)dst->data + (at ? at[k] : from + k), rows[k] + off, sizeof(T))

void row_gather(const struct row_layout *l, uint32_t c, char *const *rows, uint32_t n, struct vec *dst, const uint32_t *at, uint32_t from)
{
    const struct row_col *col = &l->col[c];
    uint32_t off = col->off, byte = ROW_HEAD + (c >> 3);
    bool nulls = false;

    for (uint32_t k = 0; k < n && !nulls; k++)
        nulls = !rows[k] || !((unsigned char)rows[k][byte] >> (c & 7) & 1);
    if (nulls) {
        for (uint32_t k = 0; k < n; k++)
            row_get(l, c, rows[k], dst, at ? at[k] : from + k);
        return;
    }
    if (at) {
        for (uint32_t k = 0; k < n; k++)
            vec_set_valid(dst, at[k]);
    } else {
        set_valid_range(dst, from, n);
    }
    if (col->width == 8)
        GATHER(uint64_t);
    else if (col->width == 16)
        GATHER(struct strv);
    else
        GATHER(struct i256);
}

bool vec_pick(struct vec *dst, uint32_t from, const struct vec *src, const uint32_t *rows, uint32_t n)
{
    struct sel sel = {rows, n};
    uint32_t mask = src->is_const ? 0 : UINT32_MAX;
    size_t w = vec_width((enum vec_kind)src->kind);

    if (dst->kind != src->kind || dst->scale != src->scale) {
        for (uint32_t k = 0; k < n; k++) {
            if (!vec_copy(dst, from + k, src, rows[k]))
                return false;
        }
        return true;
    }
    if (all_valid(src, &sel)) {
        set_valid_range(dst, from, n);
    } else {
        for (uint32_t k = 0; k < n; k++) {
            if (vec_is_valid(src, rows[k] & mask))
                vec_set_valid(dst, from + k);
            else
                vec_set_null(dst, from + k);
        }
    }
    if (w == 8) {
        for (uint32_t k = 0; k < n; k++)
            dst->u64[from + k] = src->u64[rows[k] & mask];
    } else if (w == 16) {
        for (uint32_t k = 0; k < n; k++)
            dst->str[from + k] = src->str[rows[k] & mask];
    } else {
        for (uint32_t k = 0; k < n; k++)
            dst->i256[from + k] = src->i256[rows[k] & mask];
    }
    return true;
}

/* ---- equality ---- */

static bool text_equals(const struct row_col *col, const struct strv *a, const struct strv *b)
{
    if (strv_eq(a, b))
        return true;
    return !col->bytes && coll_compare(col->coll, strv_get(a), strv_get(b)) == 0;
}

static bool cell_equals(const struct row_col *col, const char *cell, const char *other)
{
    if (col->kind == VEC_STR) {
        struct strv a, b;

        memcpy(&a, cell, sizeof(a));
        memcpy(&b, other, sizeof(b));
        return text_equals(col, &a, &b);
    }
    if (col->kind == VEC_F64) {
        double a, b;

        memcpy(&a, cell, sizeof(a));
        memcpy(&b, other, sizeof(b));
        return a == b;
    }
    if (col->width == 8) {
        uint64_t a, b;

        memcpy(&a, cell, sizeof(a));
        memcpy(&b, other, sizeof(b));
        return a == b;
    }
    return memcmp(cell, other, col->width) == 0;
}

bool row_cell_equals(const struct row_layout *l, uint32_t c, const char *row, const struct vec *v, uint32_t at)
{
    const struct row_col *col = &l->col[c];

    return cell_equals(col, row + col->off, (const char *)v->data + (size_t)at * col->width);
}

bool row_equals(const struct row_layout *l, const char *row, struct vec *const *cols, uint32_t n, uint32_t at)
{
    for (uint32_t i = 0; i < n; i++) {
        const struct row_col *col = &l->col[i];
        const struct vec *v = cols[i];
        uint32_t r = vec_row(v, at);
        bool valid = vec_is_valid(v, r);

        if (row_is_valid(row, i) != valid)
            return false;
        if (valid && !cell_equals(col, row + col->off, (const char *)v->data + (size_t)r * col->width))
            return false;
    }
    return true;
}

bool row_equals_row(const struct row_layout *l, const char *a, const char *b, uint32_t first, uint32_t n)
{
    for (uint32_t i = first; i < first + n; i++) {
        const struct row_col *col = &l->col[i];
        bool valid = row_is_valid(a, i);

        if (row_is_valid(b, i) != valid)
            return false;
        if (valid && !cell_equals(col, a + col->off, b + col->off))
            return false;
    }
    return true;
}

void row_hash_cols(struct vec *const *cols, uint32_t n, const struct sel *sel, uint64_t *hashes)
{
    memset(hashes, 0, sel->n * sizeof(*hashes));
    for (uint32_t i = 0; i < n; i++)
        vec_hash(cols[i], sel, hashes);
}

/* ---- table ---- */

void row_table_init(struct row_table *t, uint64_t n)
{
    uint64_t slots = 64;

    while (slots < n)
        slots *= 2;
    *t = (struct row_table){.slots = xcalloc(slots, sizeof(*t->slots)), .mask = slots - 1, .bytes = slots * sizeof(*t->slots)};
}

void row_table_free(struct row_table *t)
{
    xfree(t->slots);
    *t = (struct row_table){0};
}

void row_table_fill(struct row_table *t, struct row_store *s)
{
    enum { AHEAD = 16 };
    size_t width = s->l->bytes;

    for (uint32_t i = 0; i < s->n_blocks; i++) {
        struct row_block *b = s->blocks[i];
        uint32_t n = (uint64_t)i << s->shift < s->n ? b->n : 0;
        char *row = b->data;

        for (uint32_t k = 0; k < n; k++, row += width) {
            if (k + AHEAD < n)
                __builtin_prefetch(&t->slots[row_hash(row + AHEAD * width) & t->mask], 1);
            row_table_link(t, row, row_hash(row));
        }
    }
}

void row_skip_others(const struct row_layout *l, char **rows, const uint64_t *hashes, uint32_t n)
{
    for (int round = 0; round < 2; round++) {
        for (uint32_t k = 0; k < n; k++) {
            if (!rows[k] || row_hash(rows[k]) == hashes[k])
                continue;
            rows[k] = row_next(rows[k]);
            if (rows[k])
                row_prefetch(l, rows[k]);
        }
    }
}

void row_set_init(struct row_set *s, struct row_layout *l, uint32_t n_keys)
{
    *s = (struct row_set){.n_keys = n_keys};
    row_store_init(&s->rows, l);
}

void row_set_free(struct row_set *s)
{
    row_store_free(&s->rows);
    row_table_free(&s->table);
}

/* From row r on. */
static char *find_one(const struct row_set *s, char *r, struct vec *const *cols, uint32_t row, uint64_t hash)
{
    for (; r; r = row_next(r)) {
        if (row_hash(r) == hash && row_equals(s->rows.l, r, cols, s->n_keys, row))
            return r;
    }
    return NULL;
}

/* find_one for a single key of 8 bytes. */
static char *find_word(const struct row_set *s, char *r, const struct vec *key, uint32_t row, uint64_t hash)
{
    for (; r; r = row_next(r)) {
        if (row_hash(r) == hash && row_word_equals(s->rows.l, r, key, row))
            return r;
    }
    return NULL;
}

void row_set_find(struct row_set *s, struct vec *const *cols, const struct sel *sel, const uint64_t *hashes, bool frozen, char **found,
    uint32_t *fresh, uint32_t *n_fresh)
{
    const struct row_layout *l = s->rows.l;
    bool word = s->n_keys == 1 && row_key_is_word(l);

    *n_fresh = 0;
    if (!s->table.slots || (!frozen && s->rows.n + sel->n > s->table.mask)) {
        row_table_free(&s->table);
        row_table_init(&s->table, (s->rows.n + sel->n) * 2);
        row_table_fill(&s->table, &s->rows);
    }
    for (uint32_t k = 0; k < sel->n; k++)
        __builtin_prefetch(&s->table.slots[hashes[k] & s->table.mask], 1);
    for (uint32_t k = 0; k < sel->n; k++) {
        found[k] = row_chain(&s->table, hashes[k]);
        if (found[k])
            row_prefetch(l, found[k]);
    }
    row_skip_others(l, found, hashes, sel->n);
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        bool by_word = word && vec_is_valid(cols[0], row);
        char *r = found[k];

        found[k] = by_word ? find_word(s, r, cols[0], row, hashes[k]) : find_one(s, r, cols, row, hashes[k]);
        if (found[k] || frozen)
            continue;
        if (*n_fresh) { /* it may have come with this batch: then it is in front of r */
            r = row_chain(&s->table, hashes[k]);
            found[k] = by_word ? find_word(s, r, cols[0], row, hashes[k]) : find_one(s, r, cols, row, hashes[k]);
            if (found[k])
                continue;
        }
        found[k] = row_store_add(&s->rows);
        row_put_one(&s->rows, found[k], cols, row);
        row_set_hash(found[k], hashes[k]);
        row_table_link(&s->table, found[k], hashes[k]);
        fresh[(*n_fresh)++] = k;
    }
}
