/* Expression programs: a bound expression tree (types/bexpr.h) compiled to a flat program over vectors.
 *
 * Compiled once at the start of an execution, from the types of the columns as they actually arrive; constants and
 * parameters are folded then. vm_run evaluates a program over the rows that are alive in a batch. Conditional forms
 * (CASE, IF, AND, OR, COALESCE, ...) evaluate their arms only for the rows that need them, so that errors and warnings
 * appear for the same rows as on a server. A program belongs to one operator and one thread. */
#ifndef EXECUTOR_VM_H
#define EXECUTOR_VM_H

#include "types/bexpr.h"

struct vm;

/* cols: types of the input batch's columns (collations as the binder has them); dec_scales may be NULL (types' own).
 * The program lives in arena a. NULL: error in d. */
struct vm *vm_compile(const struct bexpr *const *exprs, uint32_t n, const struct func_arg *cols, uint32_t n_cols,
    const struct value *params, uint32_t n_params, const struct env *e, struct arena *a, uint32_t batch_rows,
    struct diag *d) MUST_CHECK;
/* Frees the texts of the last results; the rest goes with the arena. NULL is allowed. */
void vm_free(struct vm *p);
/* Type and physical form of the i-th result. */
const struct sql_type *vm_type(const struct vm *p, uint32_t i);
struct func_arg vm_result(const struct vm *p, uint32_t i);
/* Evaluates all expressions over b's rows that are alive. out[i] is valid until the next run; it may be an input column
 * itself or a constant vector. Results stand at the rows' own positions. False: error in d. */
bool vm_run(struct vm *p, const struct batch *b, struct vec **out, struct diag *d) MUST_CHECK;
/* For a program of one expression: keeps the rows in which it is true: writes their numbers to rows (room for b->n_sel), count to *n. */
bool vm_filter(struct vm *p, const struct batch *b, uint32_t *rows, uint32_t *n, struct diag *d) MUST_CHECK;
/* Bytes held by the program's vectors. */
size_t vm_bytes(const struct vm *p);

#endif
