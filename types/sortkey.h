/* Sort keys: multi-column ORDER BY as byte strings whose memcmp order is the order of the rows. NULL first ascending, last
 * descending, as in MySQL. Strings by their collation (native ones only; columns that carry WEIGHT_STRING are binary).
 * Pure functions over vectors, any thread. */
#ifndef TYPES_SORTKEY_H
#define TYPES_SORTKEY_H

#include "types/vec.h"

struct sort_col {
    uint32_t col; /* ordinal in the batch */
    bool desc;
};

/* Appends the key of one row. */
void sortkey_append(const struct batch *b, uint32_t row, const struct sort_col *cols, uint32_t n, struct strbuf *out);
/* Compares rows column by column: the slow check of the above, and what an ordered merge uses. */
int sortkey_compare_rows(const struct batch *x, uint32_t xrow, const struct batch *y, uint32_t yrow, const struct sort_col *cols,
    uint32_t n);

#endif
