/* Private to the operators: the common head of each, rows kept in memory, hash tables over them, and rows written to disk.
 *
 * A kept row is a piece of memory laid out by a row_layout: 8 bytes for whoever links rows, 8 bytes of hash (sorts keep the
 * front of the key there), one bit a column (set: not NULL) and one more bit as a mark, the cells (fixed width; strings are
 * views, long ones with their text in the store's heap), and room for its owner (aggregate states). Rows never move. */
#ifndef EXECUTOR_OP_INT_H
#define EXECUTOR_OP_INT_H

#include "executor/op.h"

struct spill_file;

struct op_ops {
    const char *name;
    /* Fills *out. The common part counts, watches cancellation and remembers the end. */
    enum op_result (*next)(struct op *o, struct batch **out);
    void (*close)(struct op *o); /* may be NULL */
};

struct op {
    const struct op_ops *ops;
    struct op_ctx *cx;
    struct func_arg *cols; /* output: types and physical scales */
    uint32_t n_cols;
    struct op **children;
    uint32_t n_children;
    struct arena mem; /* what accumulates: charged by op_charge */
    size_t extra;     /* bytes held elsewhere, also charged */
    size_t reserved;  /* with the account */
    size_t peak;
    uint64_t rows, batches;
    uint64_t spilled;        /* bytes written */
    struct spill_file *file; /* made when first needed */
    bool done, failed, closed;
};

/* Sets up the head of an operator that sits at the start of a larger struct of `size` bytes. children are copied. */
void *op_alloc(struct op_ctx *cx, const struct op_ops *ops, size_t size, struct op *const *children, uint32_t n_children);
void op_set_cols(struct op *o, const struct func_arg *cols, uint32_t n);
/* Closes o (and its children) and returns NULL: for constructors that fail. */
struct op *op_fail_new(struct op *o);
uint32_t op_batch_rows(const struct op *o);
/* OP_BATCH_BYTES: a batch whose long values take more is handed on before it has that many rows.
 * OP_FLOOR_BYTES: so much an operator that can spill may hold whatever the limit says, so that it gets on. */
enum { OP_BATCH_BYTES = 512 << 10, OP_FLOOR_BYTES = 256 << 10 };
/* Brings the reservation in line with what o holds. False: refused; error 1041 is set. */
bool op_charge(struct op *o) MUST_CHECK;
/* The same for operators that can spill: false means that they should, now; no error is set. */
bool op_try_charge(struct op *o) MUST_CHECK;
/* Brings the reservation in line, beyond the limit where it must be: buffers of what is being spilled. */
void op_force_charge(struct op *o);
/* Bytes that o holds outside its arena change from *counted to now. */
static inline void op_hold(struct op *o, size_t *counted, size_t now)
{
    o->extra += now - *counted;
    *counted = now;
}
bool op_can_spill(const struct op *o);
/* True, with error 1317, when the query was cancelled: for long work between two batches. */
bool op_cancelled(struct op *o);
struct vm *op_compile(struct op_ctx *cx, const struct bexpr *const *exprs, uint32_t n, const struct op *child);
/* The same over columns that are nobody's output. */
struct vm *op_compile_cols(struct op_ctx *cx, const struct bexpr *const *exprs, uint32_t n, const struct func_arg *cols, uint32_t n_cols);
/* How a column is held. */
enum vec_kind op_col_kind(const struct func_arg *a, unsigned *scale);
/* A batch whose vectors are held as the columns say; text: where long strings go, NULL if they are only viewed. */
struct batch *op_batch_new(struct op_ctx *cx, const struct func_arg *cols, uint32_t n, uint32_t cap, struct arena *text);
/* False, and 1235 naming `what`, for a string column whose collation is not native. */
bool op_native_coll(struct op_ctx *cx, const struct func_arg *a, const char *what) MUST_CHECK;

/* A constant NULL for each column, held as the columns are. */
struct vec **op_null_columns(struct op_ctx *cx, const struct func_arg *cols, uint32_t n);
struct sort_col *op_copy_order(struct op_ctx *cx, const struct sort_col *order, uint32_t n);
/* The output columns of a join. */
void op_join_cols(struct op *o, enum op_join_kind kind, struct op *probe, struct op *build);

/* ---- rows (op_row.c) ---- */

enum { ROW_HEAD = 16 };

struct row_col {
    uint32_t off; /* of the cell */
    uint8_t kind, scale, width;
    uint16_t coll;
    bool bytes; /* string whose equality is that of its bytes */
};

struct row_layout {
    const struct func_arg *cols;
    uint32_t n_cols;
    struct row_col *col;
    uint32_t cells_end; /* behind the last cell */
    uint32_t tail;      /* where the owner's room begins, 8-aligned */
    uint32_t bytes;     /* a row, a multiple of 8 */
    uint32_t n_str;
    uint32_t *str; /* columns that are strings */
    struct arena *scratch;
    struct vec **convert; /* by column: made when a vector comes in another form */
};

/* tail_bytes: the owner's room. Lives in a. */
struct row_layout *row_layout_new(struct arena *a, const struct func_arg *cols, uint32_t n, uint32_t tail_bytes);

static inline char *row_next(const char *row)
{
    char *p;

    memcpy(&p, row, sizeof(p));
    return p;
}
static inline void row_set_next(char *row, char *next)
{
    memcpy(row, &next, sizeof(next));
}
static inline uint64_t row_hash(const char *row)
{
    uint64_t h;

    memcpy(&h, row + 8, sizeof(h));
    return h;
}
static inline void row_set_hash(char *row, uint64_t h)
{
    memcpy(row + 8, &h, sizeof(h));
}
static inline bool row_is_valid(const char *row, uint32_t col)
{
    return (unsigned char)row[ROW_HEAD + (col >> 3)] >> (col & 7) & 1;
}
/* The mark: the bit behind the columns'. */
static inline bool row_marked(const struct row_layout *l, const char *row)
{
    return row_is_valid(row, l->n_cols);
}
static inline void row_mark(const struct row_layout *l, char *row)
{
    row[ROW_HEAD + (l->n_cols >> 3)] = (char)(row[ROW_HEAD + (l->n_cols >> 3)] | 1 << (l->n_cols & 7));
}

struct row_block {
    char *data; /* begins with a cache line */
    uint32_t n;
};

/* Rows in blocks of a fixed number of rows; the i-th can be found. */
struct row_store {
    struct row_layout *l;
    struct row_block **blocks;
    uint32_t n_blocks, cap_blocks;
    uint32_t shift;   /* 1 << shift rows a block */
    uint64_t n;
    size_t bytes;     /* of blocks */
    struct arena heap; /* long strings */
    bool has_nulls;   /* some cell is NULL */
};

void row_store_init(struct row_store *s, struct row_layout *l);
/* With blocks of about so many bytes. */
void row_store_init_blocks(struct row_store *s, struct row_layout *l, size_t bytes);
void row_store_free(struct row_store *s);
size_t row_block_bytes(const struct row_store *s);
/* No rows; the first block stays. */
void row_store_clear(struct row_store *s);
static inline size_t row_store_bytes(const struct row_store *s)
{
    return s->bytes + s->heap.used_bytes;
}
char *row_store_grow(struct row_store *s);
/* Room for one row, uninitialised. */
static inline char *row_store_add(struct row_store *s)
{
    struct row_block *b;

    if ((s->n & ((UINT64_C(1) << s->shift) - 1)) == 0)
        return row_store_grow(s);
    b = s->blocks[s->n_blocks - 1];
    s->n++;
    return b->data + (size_t)b->n++ * s->l->bytes;
}
static inline char *row_store_at(const struct row_store *s, uint64_t i)
{
    return s->blocks[i >> s->shift]->data + (size_t)(i & ((UINT64_C(1) << s->shift) - 1)) * s->l->bytes;
}
/* The vectors of cols[0..l->n_cols-1] as the layout holds them: those that come otherwise are converted. False: does not fit, error. */
bool row_align(struct row_layout *l, struct vec *const *cols, const struct sel *sel, struct vec **out, struct diag *d) MUST_CHECK;
/* Appends the rows of sel; cols are as the layout holds them. rows[k], which may be NULL, gets each. hashes may be NULL. */
void row_store_put(struct row_store *s, struct vec *const *cols, const struct sel *sel, const uint64_t *hashes, char **rows);
/* One row into memory of the layout's size. */
void row_put_one(struct row_store *s, char *to, struct vec *const *cols, uint32_t row);
/* Column c of n rows to dst: to position at[k] (NULL: from + k). A NULL row gives NULL. Texts are viewed. */
void row_gather(const struct row_layout *l, uint32_t c, char *const *rows, uint32_t n, struct vec *dst, const uint32_t *at, uint32_t from);
/* One cell as a vector's: column c of `row` to dst[at]. */
void row_get(const struct row_layout *l, uint32_t c, const char *row, struct vec *dst, uint32_t at);
/* Copies a row of another store of the same layout. */
char *row_store_copy(struct row_store *s, const char *row);
/* Columns [0, n) of the row against the vectors, NULL equal to NULL. */
bool row_equals(const struct row_layout *l, const char *row, struct vec *const *cols, uint32_t n, uint32_t at);
/* Column c of the row against v[at] (no constant); both are valid. */
bool row_cell_equals(const struct row_layout *l, uint32_t c, const char *row, const struct vec *v, uint32_t at);
/* The first column is 8 bytes that are equal when their bits are. */
static inline bool row_key_is_word(const struct row_layout *l)
{
    return l->col[0].width == 8 && l->col[0].kind != VEC_F64;
}
/* row_equals for one such column. */
static inline bool row_word_equals(const struct row_layout *l, const char *row, const struct vec *v, uint32_t at)
{
    uint64_t key;

    at = vec_row(v, at);
    memcpy(&key, row + l->col[0].off, sizeof(key));
    return key == v->u64[at] && (row[ROW_HEAD] & 1) && (v->valid[at >> 6] >> (at & 63) & 1);
}
/* Asks for a row's memory. */
static inline void row_prefetch(const struct row_layout *l, const char *row)
{
    __builtin_prefetch(row, 1);
    if (((uintptr_t)row & 63) + l->bytes > 64)
        __builtin_prefetch(row + 64, 1);
}
/* Columns [first, first + n) of two rows; n at most the layout's columns. */
bool row_equals_row(const struct row_layout *l, const char *a, const char *b, uint32_t first, uint32_t n);
/* Hashes of columns' values, 0 combined with each. */
void row_hash_cols(struct vec *const *cols, uint32_t n, const struct sel *sel, uint64_t *hashes);
/* Copies cells of one vector to another: rows[k] to from + k. Texts are viewed. False: it came in another form and does not fit. */
bool vec_pick(struct vec *dst, uint32_t from, const struct vec *src, const uint32_t *rows, uint32_t n) MUST_CHECK;

/* ---- hash table over rows that somebody keeps (op_row.c) ----
 *
 * Slots of 8 bytes: 48 bits of address of the first row of a chain (linked through row_next), and 16 bits, of which each row of the
 * chain has set one by its hash: a look-up that misses mostly ends there. Slots are chosen by low bits of the hash, that bit by its
 * highest four; partitions of spilled operators by bits in between. */
struct row_table {
    uint64_t *slots;
    uint64_t mask;
    size_t bytes;
};

static inline uint64_t row_tag(uint64_t hash)
{
    return UINT64_C(1) << (48 + (hash >> 60));
}
static inline char *row_chain(const struct row_table *t, uint64_t hash)
{
    uint64_t s = t->slots[hash & t->mask];

    return s & row_tag(hash) ? (char *)(uintptr_t)(s & ((UINT64_C(1) << 48) - 1)) : NULL;
}
/* Slots for n rows, all free. */
void row_table_init(struct row_table *t, uint64_t n);
void row_table_free(struct row_table *t);
static inline void row_table_link(struct row_table *t, char *row, uint64_t hash)
{
    uint64_t *s = &t->slots[hash & t->mask];

    row_set_next(row, (char *)(uintptr_t)(*s & ((UINT64_C(1) << 48) - 1)));
    *s = (*s & (UINT64_C(0xffff) << 48)) | row_tag(hash) | (uint64_t)(uintptr_t)row;
}
/* Links all rows of s, by the hashes that they carry. */
void row_table_fill(struct row_table *t, struct row_store *s);

/* Candidates that have another hash give way to the next in their chain, twice: in a loop over all, so that the waits for memory overlap. */
void row_skip_others(const struct row_layout *l, char **rows, const uint64_t *hashes, uint32_t n);

/* Rows that differ in their first n_keys columns. */
struct row_set {
    struct row_store rows;
    struct row_table table;
    uint32_t n_keys;
};

void row_set_init(struct row_set *s, struct row_layout *l, uint32_t n_keys);
void row_set_free(struct row_set *s);
static inline size_t row_set_bytes(const struct row_set *s)
{
    return row_store_bytes(&s->rows) + s->table.bytes;
}
/* For each row of sel, the kept row with equal keys. Where there is none the row is kept, fresh[] gets its k (*n_fresh of them) and
 * the owner's room in it is uninitialised; but when frozen nothing is added and found[k] is NULL. cols are as the layout holds them. */
void row_set_find(struct row_set *s, struct vec *const *cols, const struct sel *sel, const uint64_t *hashes, bool frozen, char **found,
    uint32_t *fresh, uint32_t *n_fresh);

/* ---- rows on disk (op_spill.c) ---- */

/* Rows of one layout appended to the operator's temporary file and read back in that order, once or more often. */
struct spool {
    struct op *op;
    struct row_layout *l;
    uint32_t *blocks; /* of the file */
    uint32_t n_blocks, cap_blocks;
    uint32_t given; /* blocks from the front that were given back */
    char *buf;
    uint32_t len; /* in buf */
    uint64_t rows;
    uint64_t bytes;
    bool closed;
};

struct spool_reader {
    struct spool *s;
    struct row_store *into;
    uint32_t block, pos, len;
    uint64_t left; /* rows */
    char *buf;
    bool consume;
};

enum { SPILL_BLOCK = 32 << 10, SPILL_FAN = 16, SPILL_FAN_BITS = 4, SPILL_MAX_LEVEL = 6 };

/* Which partition a hash belongs to, `level` splittings deep. */
static inline uint32_t spill_part(uint64_t hash, uint32_t level)
{
    return (uint32_t)(hash >> (56 - SPILL_FAN_BITS * (level + 1))) & (SPILL_FAN - 1);
}

struct spool *spool_new(struct op *o, struct row_layout *l);
/* False: the disk refused, error set. */
bool spool_put(struct spool *s, const char *row) MUST_CHECK;
/* No more rows come: writes the rest, gives the buffer back. */
bool spool_end(struct spool *s) MUST_CHECK;
void spool_free(struct spool *s);
/* Reads from the start. consume: what was read is given back to the disk (once only). Rows are appended to `into`. */
void spool_open(struct spool_reader *r, struct spool *s, struct row_store *into, bool consume);
/* The next row; NULL with *ok true: the end; with *ok false: error. */
char *spool_get(struct spool_reader *r, bool *ok);
void spool_close(struct spool_reader *r);
void spill_close(struct op *o);

/* ---- many rows by number (op_pages.c) ---- */

struct row_page;

struct row_pages {
    struct op *op;
    struct row_layout *l;
    struct row_page *page;
    uint32_t n_pages, cap_pages, n_loaded, max_loaded, shift;
    uint64_t n, clock;
    size_t bytes;  /* in memory */
    bool spilling; /* only max_loaded pages are in memory */
    bool failed;   /* the disk refused, error set: rows are not what they should be */
    char *none;    /* given then */
};

void row_pages_init(struct row_pages *p, struct op *o, struct row_layout *l);
/* No rows, and nothing held. */
void row_pages_clear(struct row_pages *p);
/* From now on, until cleared, few pages stay in memory. False: error. */
bool row_pages_spill(struct row_pages *p) MUST_CHECK;
/* Appends; cols are as the layout holds them. False: error. */
bool row_pages_put(struct row_pages *p, struct vec *const *cols, const struct sel *sel) MUST_CHECK;
/* The i-th row. Once spilling, it is there until max_loaded - 1 other pages were asked for; a batch of neighbours is. Where the disk fails: a row
 * of nothing, and p->failed is set. */
char *row_pages_at(struct row_pages *p, uint64_t i);

#endif
