/* Result sets being made, in a result's arena. */
#ifndef DDL_ROWS_H
#define DDL_ROWS_H

#include "ddl/ddl.h"
#include "util/array.h"

ARRAY_OF(rows_cells, struct sv);

struct rows {
    struct arena *a;
    const struct ddl_column *cols;
    size_t n_cols;
    struct rows_cells cells;
};

enum { ROWS_TEXT = 253, ROWS_NUMBER = 8 };

/* cols: copied as it is (static tables). */
void rows_init(struct rows *r, struct arena *a, const struct ddl_column *cols, size_t n_cols);
/* The next cell, left to right; copied. ptr NULL: NULL. */
void rows_put(struct rows *r, struct sv v);
void rows_puts(struct rows *r, const char *v);
void rows_putu(struct rows *r, uint64_t v);
/* The finished result set, in the arena. */
const struct ddl_rows *rows_end(struct rows *r);

#endif
