/* Column vectors and batches.
 *
 * A vector holds up to `cap` values of one SQL type (1,024 rows by default; tests use 3): a fixed-width array, a validity
 * bitmap (bit set: not NULL), and for strings 16-byte views whose long texts lie in the vector's heap arena or in memory
 * that somebody else keeps alive (pages, input cells). Decimals are scaled integers of 64, 128 or 256 bits with one
 * `scale` for the whole vector, which may exceed the type's displayed decimals (division).
 * A batch is the columns of up to cap rows and an optional selection: the rows that are alive, in order.
 *
 * Owner: the operator that makes it; valid until that operator's next call. To keep rows, copy them. One thread. */
#ifndef TYPES_VEC_H
#define TYPES_VEC_H

#include "types/value.h"

enum { VEC_ROWS_DEFAULT = 1024, VEC_ROWS_MAX = 65536, STRV_INLINE = 12 };

enum vec_kind {
    VEC_I64,
    VEC_U64,
    VEC_F64,
    VEC_DEC64,
    VEC_DEC128,
    VEC_DEC256,
    VEC_DATE,
    VEC_DATETIME,
    VEC_TIME,
    VEC_STR
};

/* String view of 16 bytes: up to 12 bytes inline, else the first four and a pointer. Unused inline bytes are zero. */
struct strv {
    uint32_t len;
    char head[4];
    union {
        char tail[8];
        const char *ptr;
    };
};
_Static_assert(sizeof(struct strv) == 16, "string views are 16 bytes");

static inline struct sv strv_get(const struct strv *s)
{
    return (struct sv){s->len <= STRV_INLINE ? s->head : s->ptr, s->len};
}
/* View without copying long text. */
struct strv strv_make(struct sv s);
bool strv_eq(const struct strv *a, const struct strv *b) PURE;

struct vec {
    struct sql_type type;
    uint8_t kind;  /* enum vec_kind */
    uint8_t scale; /* VEC_DEC*: digits of the scaled integers */
    bool is_const; /* one value, in row 0, stands for all rows */
    bool hex;      /* constant x'..': a number where a number is wanted */
    bool no_nulls; /* the bitmap is all ones (hint; may be false although it is) */
    uint32_t cap;
    uint64_t *valid;
    union {
        void *data;
        int64_t *i64; /* also DEC64, DATE, DATETIME, TIME */
        uint64_t *u64;
        double *f64;
        int128 *i128;
        struct i256 *i256;
        struct strv *str;
    };
    struct arena *heap; /* long strings; may be NULL for vectors that only view */
};

/* Rows an operation is about: rows[0..n-1], or 0..n-1 when rows is NULL. */
struct sel {
    const uint32_t *rows;
    uint32_t n;
};

#define SEL_ROW(s, k) ((s)->rows ? (s)->rows[k] : (uint32_t)(k))

struct batch {
    struct vec **cols;
    uint32_t n_cols;
    uint32_t cap;
    uint32_t n_rows;      /* rows in the vectors */
    const uint32_t *rows; /* selection, NULL: all */
    uint32_t n_sel;       /* rows alive: n_rows without a selection */
};

static inline struct sel batch_sel(const struct batch *b)
{
    return (struct sel){b->rows, b->n_sel};
}

/* The vector kind and scale for a type: DEC64 up to 18 digits, DEC128 up to 38. */
enum vec_kind vec_kind_of(const struct sql_type *t);
size_t vec_width(enum vec_kind k) PURE;

/* Vector of `cap` rows for type t, arrays in a. heap: where its long strings go (may be a itself). */
struct vec *vec_new(struct arena *a, const struct sql_type *t, uint32_t cap, struct arena *heap);
/* As vec_new with the physical form said (compiled expressions). */
struct vec *vec_new_kind(struct arena *a, const struct sql_type *t, enum vec_kind k, unsigned scale, uint32_t cap,
    struct arena *heap);
/* Vector of one constant. */
struct vec *vec_new_const(struct arena *a, const struct sql_type *t, const struct value *v);
void vec_clear(struct vec *v); /* all NULL */

static inline bool vec_is_valid(const struct vec *v, uint32_t row)
{
    row = v->is_const ? 0 : row;
    return v->valid[row >> 6] >> (row & 63) & 1;
}
static inline void vec_set_valid(struct vec *v, uint32_t row)
{
    v->valid[row >> 6] |= UINT64_C(1) << (row & 63);
}
static inline void vec_set_null(struct vec *v, uint32_t row)
{
    v->valid[row >> 6] &= ~(UINT64_C(1) << (row & 63));
    v->no_nulls = false;
}
static inline uint32_t vec_row(const struct vec *v, uint32_t row)
{
    return v->is_const ? 0 : row;
}

/* One cell as a value; text is a view of the cell, valid as long as the vector's content. */
void vec_get(const struct vec *v, uint32_t row, struct value *out);
/* Stores a value that is of the vector's class (numbers are converted between integer kinds and decimals rescaled; text is
 * copied to the heap). False: does not fit (a decimal too large for the physical width). */
bool vec_put(struct vec *v, uint32_t row, const struct value *in) MUST_CHECK;
/* Copies a cell; same physical kind and scale, or vec_put's conversion. Text is copied into dst's heap. */
bool vec_copy(struct vec *dst, uint32_t drow, const struct vec *src, uint32_t srow) MUST_CHECK;
/* As vec_copy for all rows of sel, to rows from..; without copying text when share is true (same lifetime). */
bool vec_copy_sel(struct vec *dst, uint32_t from, const struct vec *src, const struct sel *sel, bool share) MUST_CHECK;

/* A text-protocol cell (NULL: ptr NULL) into row; text longer than 12 bytes is copied to the heap, or viewed when view is
 * true (the caller keeps the bytes). False: malformed for the type. */
bool vec_put_text(struct vec *v, uint32_t row, struct sv cell, bool view) MUST_CHECK;
/* Appends the cell as the text protocol sends it, without the length prefix; false when NULL (nothing appended). `as`
 * is the column definition that the client was told (decimals, zerofill, BIT, ...); NULL: the vector's type. */
bool vec_print(const struct vec *v, uint32_t row, const struct sql_type *as, struct strbuf *b);
void vec_print_binary(const struct vec *v, uint32_t row, const struct sql_type *as, struct strbuf *b);

/* Hash of the cells so that equal values (by the column's collation) hash equally within one physical kind; combined into
 * hashes[k] for the k-th row of sel. NULLs hash alike. */
void vec_hash(const struct vec *v, const struct sel *sel, uint64_t *hashes);
/* Order of two cells of vectors of the same type: NULL first. */
int vec_cmp(const struct vec *a, uint32_t arow, const struct vec *b, uint32_t brow);
/* Same class and both NULL, or equal (GROUP BY's equality). */
bool vec_eq(const struct vec *a, uint32_t arow, const struct vec *b, uint32_t brow);

/* Batch with a vector for each type; arrays in a, all strings in heap (reset by batch_reset). */
struct batch *batch_new(struct arena *a, const struct sql_type *types, uint32_t n_cols, uint32_t cap, struct arena *heap);
/* No rows; the heap is not touched. */
void batch_clear(struct batch *b);
/* Decodes one text row (n_cols cells) behind the last row. False: malformed cell number *bad. The batch has room. */
bool batch_push_text(struct batch *b, const struct sv *cells, bool view, uint32_t *bad) MUST_CHECK;
/* Bytes that the batch's vectors take, with strings' texts. */
size_t batch_bytes(const struct batch *b);

#endif
