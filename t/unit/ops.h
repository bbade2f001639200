/* For tests of operators: tables of text cells that are fed to sources little by little, results as sorted lines, expressions from
 * text. */
#ifndef T_UNIT_OPS_H
#define T_UNIT_OPS_H

#include "exprs.h"

#include "executor/op.h"
#include "util/acct.h"

#include <check.h>

struct ops_fixture {
    struct arena a;
    struct env env;
    struct diag d;
    struct acct acct, disk;
    struct warn_sink warnings;
    struct op_ctx cx;
    bool cancelled;
    bool strict; /* sources, too, are under the limit */
    uint32_t rnd;
};

static inline uint32_t ops_rnd(struct ops_fixture *f, uint32_t n)
{
    f->rnd = f->rnd * 1664525u + 1013904223u;
    return (f->rnd >> 8) % n;
}

/* spill: memory is refused from the first byte, everything goes through temporary files. */
static inline void ops_setup(struct ops_fixture *f, enum env_flavour flavour, uint32_t batch_rows, bool spill, uint32_t seed)
{
    memset(f, 0, sizeof(*f));
    arena_init(&f->a, 0);
    f->env = expr_env(flavour);
    warn_sink_init(&f->warnings, &f->a, 10);
    f->env.warnings = &f->warnings;
    acct_init(&f->acct, NULL, "test", 0);
    acct_init(&f->disk, NULL, "disk", 0);
    f->rnd = seed;
    f->cx = (struct op_ctx){.env = &f->env, .arena = &f->a, .acct = &f->acct, .diag = &f->d, .batch_rows = batch_rows,
        .cancelled = &f->cancelled, .spill_acct = &f->disk};
    if (spill) {
        f->cx.spill_dir = "/tmp";
        f->cx.floor_bytes = 1;
        acct_set_limit(&f->acct, 1);
    }
}

static inline void ops_teardown(struct ops_fixture *f, struct op *root)
{
    op_close(root);
    ck_assert_int_eq(acct_used(&f->acct), 0);
    ck_assert_int_eq(acct_used(&f->disk), 0);
    acct_close(&f->acct);
    acct_close(&f->disk);
    arena_free(&f->a);
}

enum { OPS_MAX_COLS = 8 };

struct ops_table {
    struct sql_type types[OPS_MAX_COLS];
    uint32_t n_cols, n;
    struct sv (*cells)[OPS_MAX_COLS]; /* by row */
    struct value (*values)[OPS_MAX_COLS];
    struct op *src;
    uint32_t pushed;
};

static inline void ops_table_init(struct ops_fixture *f, struct ops_table *t, uint32_t n_cols, uint32_t max_rows)
{
    t->n_cols = n_cols;
    t->n = t->pushed = 0;
    t->cells = arena_calloc(&f->a, max_rows + 1, sizeof(*t->cells));
    t->values = arena_calloc(&f->a, max_rows + 1, sizeof(*t->values));
}

/* One row; a NULL text is NULL. */
static inline void ops_table_add(struct ops_fixture *f, struct ops_table *t, const char *const *cells)
{
    for (uint32_t i = 0; i < t->n_cols; i++) {
        t->cells[t->n][i] = cells[i] ? arena_dup(&f->a, sv_cstr(cells[i])) : SV_NULL;
        t->values[t->n][i] = value_null();
        if (cells[i])
            ck_assert_msg(value_from_text(t->cells[t->n][i], &t->types[i], &t->values[t->n][i]), "%s", cells[i]);
    }
    t->n++;
}

static inline struct op *ops_source(struct ops_fixture *f, struct ops_table *t)
{
    return t->src = op_source_new(&f->cx, t->types, t->n_cols);
}

/* Up to `most` rows (one: 1) to each table; false: all have ended. */
static inline bool ops_feed(struct ops_fixture *f, struct ops_table **t, uint32_t n_tables, uint32_t most)
{
    bool any = false;
    int64_t limit = f->acct.limit;

    if (!f->strict)
        acct_set_limit(&f->acct, 0); /* sources cannot spill */
    for (uint32_t s = 0; s < n_tables; s++) {
        uint32_t n = most == 1 ? 1 : ops_rnd(f, most);

        if (t[s]->pushed > t[s]->n)
            continue;
        any = true;
        while (n-- && t[s]->pushed < t[s]->n && !op_source_full(t[s]->src))
            ck_assert(op_source_push_row(t[s]->src, t[s]->cells[t[s]->pushed++]));
        if (t[s]->pushed == t[s]->n) {
            op_source_end(t[s]->src);
            t[s]->pushed++;
        }
    }
    acct_set_limit(&f->acct, limit);
    return any;
}

struct ops_lines {
    char **line;
    uint32_t n, cap;
};

static inline void ops_line_add(struct ops_fixture *f, struct ops_lines *l, char *line)
{
    if (l->n == l->cap) {
        char **p = ARENA_NEW_N(&f->a, char *, l->cap * 2 + 64);

        if (l->n)
            memcpy(p, l->line, l->n * sizeof(*p));
        l->line = p;
        l->cap = l->cap * 2 + 64;
    }
    l->line[l->n++] = line;
}

static inline void ops_cell_print(struct strbuf *b, const struct value *v, const struct sql_type *t)
{
    if (v->kind == KIND_NULL)
        strbuf_puts(b, "NULL");
    else
        value_print(v, t, b);
    strbuf_putc(b, '|');
}

/* Pulls to the end; rows in the order in which they came. most: of ops_feed. */
static inline enum op_result ops_drain(struct ops_fixture *f, struct op *root, struct ops_table **t, uint32_t n_tables, uint32_t most,
    struct ops_lines *out)
{
    *out = (struct ops_lines){0};
    for (;;) {
        struct batch *b;
        struct sel sel;
        enum op_result r = op_next(root, &b);

        if (r == OP_BLOCKED) {
            ck_assert(ops_feed(f, t, n_tables, most));
            continue;
        }
        if (r != OP_BATCH)
            return r;
        ck_assert_uint_gt(b->n_sel, 0);
        ck_assert_uint_eq(b->n_cols, op_n_cols(root));
        sel = batch_sel(b);
        for (uint32_t k = 0; k < sel.n; k++) {
            struct strbuf line;

            strbuf_init(&line, &f->a);
            for (uint32_t c = 0; c < b->n_cols; c++) {
                struct value v;

                vec_get(b->cols[c], SEL_ROW(&sel, k), &v);
                ops_cell_print(&line, &v, op_type(root, c));
            }
            ops_line_add(f, out, arena_strdup(&f->a, strbuf_cstr(&line)));
        }
    }
}

static inline int ops_cmp_lines(const void *x, const void *y)
{
    return strcmp(*(char *const *)x, *(char *const *)y);
}

static inline void ops_sort_lines(struct ops_lines *l)
{
    if (l->n)
        qsort(l->line, l->n, sizeof(*l->line), ops_cmp_lines);
}

/* An expression in prefix form over columns of these types. */
static inline const struct bexpr *ops_expr(struct ops_fixture *f, const struct sql_type *types, const char *text)
{
    struct expr_reader r = {.p = text, .end = text + strlen(text), .a = &f->a, .env = &f->env, .d = &f->d, .cols = types};
    const struct bexpr *x = expr_read(&r);

    ck_assert_msg(x != NULL, "%s: %s", text, f->d.text);
    return x;
}

static inline int ops_run_suite(Suite *s)
{
    SRunner *sr = srunner_create(s);
    int failed;

    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed != 0;
}

#endif
