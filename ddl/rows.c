#include "ddl/rows.h"

void rows_init(struct rows *r, struct arena *a, const struct ddl_column *cols, size_t n_cols)
{
    *r = (struct rows){.a = a, .cols = cols, .n_cols = n_cols};
}

void rows_put(struct rows *r, struct sv v)
{
    array_push(&r->cells, r->a, v.ptr ? arena_dup(r->a, v) : SV_NULL);
}

void rows_puts(struct rows *r, const char *v)
{
    rows_put(r, sv_cstr(v));
}

void rows_putu(struct rows *r, uint64_t v)
{
    rows_put(r, arena_printf(r->a, "%llu", (unsigned long long)v));
}

const struct ddl_rows *rows_end(struct rows *r)
{
    struct ddl_rows *out = ARENA_NEW(r->a, struct ddl_rows);

    *out =
        (struct ddl_rows){.cols = r->cols, .n_cols = r->n_cols, .cells = r->cells.v, .n_rows = r->cells.n / r->n_cols};
    return out;
}
