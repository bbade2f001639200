/* Private to the operators: the common head of each, and the row store that accumulating operators share. */
#ifndef EXECUTOR_OP_INT_H
#define EXECUTOR_OP_INT_H

#include "executor/op.h"

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
    bool done, failed, closed;
};

/* Sets up the head of an operator that sits at the start of a larger struct of `size` bytes. children are copied. */
void *op_alloc(struct op_ctx *cx, const struct op_ops *ops, size_t size, struct op *const *children, uint32_t n_children);
void op_set_cols(struct op *o, const struct func_arg *cols, uint32_t n);
/* Closes o (and its children) and returns NULL: for constructors that fail. */
struct op *op_fail_new(struct op *o);
uint32_t op_batch_rows(const struct op *o);
/* A batch whose long values take more is handed on before it has that many rows. */
enum { OP_BATCH_BYTES = 512 << 10 };
/* Brings the reservation in line with what o holds. False: refused; error 1041 is set. A spilling operator would write out here and
 * try again. */
bool op_charge(struct op *o) MUST_CHECK;
struct vm *op_compile(struct op_ctx *cx, const struct bexpr *const *exprs, uint32_t n, const struct op *child);

/* ---- row store: rows kept in chunks of vectors ---- */

struct rows {
    struct arena *mem;
    const struct func_arg *cols;
    uint32_t n_cols, chunk_rows;
    struct batch **chunks;
    uint32_t n_chunks, cap_chunks;
    uint32_t n; /* rows */
};

void op_rows_init(struct rows *r, struct arena *mem, const struct func_arg *cols, uint32_t n_cols, uint32_t chunk_rows);
/* Appends one row from the batch's vectors. */
bool op_rows_append(struct rows *r, struct vec *const *cols, uint32_t row) MUST_CHECK;
static inline struct batch *rows_chunk(const struct rows *r, uint32_t i, uint32_t *row)
{
    *row = i % r->chunk_rows;
    return r->chunks[i / r->chunk_rows];
}

/* ---- set of rows by hash of the first n_keys columns ---- */

struct rowset {
    struct rows rows;
    uint32_t n_keys;
    uint32_t *slots; /* row + 1; 0 free */
    uint64_t *hashes; /* by row */
    uint32_t n_slots, cap_hashes;
};

void rowset_init(struct rowset *s, struct arena *mem, const struct func_arg *cols, uint32_t n_cols, uint32_t n_keys,
    uint32_t chunk_rows);
/* The number of the row that equals cols[..][row] in its keys; added when there is none (*added). */
bool rowset_add(struct rowset *s, struct vec *const *cols, uint32_t row, uint64_t hash, uint32_t *index, bool *added) MUST_CHECK;

#endif
