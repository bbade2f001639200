/* Operators alone, one thread, over generated batches: hash aggregate by an integer key with a million groups, hash join of ten
 * million rows with a million, sort of ten million rows. Prints milliseconds and rows a second of each run.
 *   executor_bench [aggregate|join|sort|all] [runs] [memory limit in MiB, 0: none] [directory for temporary files]
 * bench/executor.py compares with DuckDB on the same rows in one interleaved run. */
#include "executor/op-int.h"

#include "types/env.h"
#include "util/acct.h"
#include "util/clock.h"

#include <stdio.h>
#include <stdlib.h>
#include <time.h>

enum { ROWS = 10000000, KEYS = 1000000 };

static int64_t *group_key, *sort_key, *number;

static int64_t scattered(int64_t i)
{
    return (int64_t)((uint64_t)i * UINT64_C(2654435761) & UINT64_C(0xffffffff));
}

/* A source whose batches view arrays. */
struct slices {
    struct op op;
    int64_t *const *data;
    uint64_t n, at;
    struct batch *out;
};

static enum op_result slices_next(struct op *o, struct batch **out)
{
    struct slices *s = (struct slices *)o;
    uint32_t n = (uint32_t)MIN(s->n - s->at, (uint64_t)s->out->cap);

    if (n == 0)
        return OP_DONE;
    for (uint32_t i = 0; i < o->n_cols; i++)
        s->out->cols[i]->i64 = s->data[i] + s->at;
    s->at += n;
    s->out->n_rows = s->out->n_sel = n;
    *out = s->out;
    return OP_BATCH;
}

static const struct op_ops slices_ops = {"slices", slices_next, NULL};

static struct op *slices_new(struct op_ctx *cx, int64_t *const *data, uint32_t n_cols, uint64_t n)
{
    struct slices *s = op_alloc(cx, &slices_ops, sizeof(*s), NULL, 0);
    struct func_arg cols[4];

    for (uint32_t i = 0; i < n_cols; i++)
        cols[i] = (struct func_arg){type_int(false), NULL, FUNC_SCALE_OF_TYPE};
    op_set_cols(&s->op, cols, n_cols);
    s->data = data;
    s->n = n;
    s->out = op_batch_new(cx, s->op.cols, n_cols, op_batch_rows(&s->op), NULL);
    for (uint32_t i = 0; i < n_cols; i++)
        memset(s->out->cols[i]->valid, 0xff, (s->out->cap + 63) / 64 * 8);
    return &s->op;
}

static const struct bexpr *column(struct op_ctx *cx, uint32_t i)
{
    return bexpr_column(cx->arena, i, type_int(false));
}

static struct op *make_aggregate(struct op_ctx *cx)
{
    static int64_t *data[2];
    const struct bexpr *key = column(cx, 0), *value = column(cx, 1);
    struct op_agg aggs[] = {{{.fn = AGG_SUM}, &value, 1}, {{.fn = AGG_COUNT_STAR}, NULL, 0}};

    data[0] = group_key;
    data[1] = number;
    return op_aggregate_new(cx, slices_new(cx, data, 2, ROWS), &key, 1, aggs, 2, NULL, 0);
}

static struct op *make_join(struct op_ctx *cx)
{
    static int64_t *probe[2], *build[2], *keys;
    struct op_join_key key = {column(cx, 0), column(cx, 0), OP_KEY_EQ};

    if (!keys) {
        keys = xmalloc(KEYS * sizeof(*keys));
        for (int64_t i = 0; i < KEYS; i++)
            keys[i] = (i * 611953 % KEYS) * 7919 + 13;
    }
    probe[0] = group_key;
    probe[1] = number;
    build[0] = keys;
    build[1] = number;
    return op_hash_join_new(cx, slices_new(cx, probe, 2, ROWS), slices_new(cx, build, 2, KEYS), OP_JOIN_INNER, &key, 1, NULL);
}

static struct op *make_sort(struct op_ctx *cx)
{
    static int64_t *data[2];
    struct sort_col by = {0, false};

    data[0] = sort_key;
    data[1] = number;
    return op_sort_new(cx, slices_new(cx, data, 2, ROWS), &by, 1);
}

static const struct {
    const char *name;
    struct op *(*make)(struct op_ctx *cx);
    uint64_t rows; /* that must come */
} things[] = {{"aggregate", make_aggregate, KEYS}, {"join", make_join, ROWS}, {"sort", make_sort, ROWS}};

static double cpu_seconds(void)
{
    return (double)clock() / CLOCKS_PER_SEC;
}

static void run(size_t which, int64_t limit, const char *dir)
{
    struct arena a;
    struct acct acct;
    struct diag d = {0};
    struct env env;
    struct op_ctx cx = {.env = &env, .arena = &a, .acct = &acct, .diag = &d, .spill_dir = dir};
    struct op *o;
    struct batch *b;
    enum op_result r;
    uint64_t start = clock_mono_ns(), n = 0, ns, sum = 0;
    double cpu = cpu_seconds();
    struct op_stats stats;

    arena_init(&a, 0);
    acct_init(&acct, NULL, "bench", limit);
    env_init(&env, ENV_MYSQL8);
    o = things[which].make(&cx);
    CHECK(o != NULL);
    while ((r = op_next(o, &b)) == OP_BATCH) {
        struct sel sel = batch_sel(b);

        n += b->n_sel;
        for (uint32_t k = 0; k < sel.n; k++)
            sum += b->cols[0]->u64[SEL_ROW(&sel, k)];
    }
    ns = clock_mono_ns() - start;
    cpu = cpu_seconds() - cpu;
    if (r != OP_DONE || n != things[which].rows) {
        fprintf(stderr, "%s: %s\n", things[which].name, r == OP_DONE ? "wrong number of rows" : d.text);
        exit(EXIT_FAILURE);
    }
    stats = op_get_stats(o);
    printf("%-10s %8.1f ms (cpu %8.1f) %8.2f M rows/s  peak %5.1f MiB  spilled %6.1f MiB  (%llx)\n", things[which].name, (double)ns / 1e6, cpu * 1e3,
        (double)ROWS * 1e3 / (double)ns, (double)acct_peak(&acct) / (1 << 20), (double)stats.spilled_bytes / (1 << 20),
        (unsigned long long)sum);
    op_close(o);
    acct_close(&acct);
    arena_free(&a);
}

int main(int argc, char **argv)
{
    uint64_t runs = 3, mib = 0;

    if ((argc > 2 && !sv_to_u64(sv_cstr(argv[2]), &runs)) || (argc > 3 && !sv_to_u64(sv_cstr(argv[3]), &mib)))
        return EXIT_FAILURE;
    group_key = xmalloc(ROWS * sizeof(*group_key));
    sort_key = xmalloc(ROWS * sizeof(*sort_key));
    number = xmalloc(ROWS * sizeof(*number));
    for (int64_t i = 0; i < ROWS; i++) {
        group_key[i] = scattered(i) % KEYS * 7919 + 13;
        sort_key[i] = scattered(i);
        number[i] = i;
    }
    for (int64_t i = 0; i < KEYS; i++) /* each group has rows */
        group_key[i] = i * 7919 + 13;
    for (size_t t = 0; t < ARRAY_LEN(things); t++) {
        for (uint64_t i = 0; i < runs; i++) {
            if (argc < 2 || !strcmp(argv[1], "all") || !strcmp(argv[1], things[t].name))
                run(t, (int64_t)mib << 20, argc > 4 ? argv[4] : "/tmp");
        }
    }
    return EXIT_SUCCESS;
}
