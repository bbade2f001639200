/* Rows by number, more than memory has room for.
 *
 * Rows are appended to pages of about 32 KiB, each a row store of its own. Once row_pages_spill was called, only so many pages as were used last
 * are in memory; the others are spools, and are read again when a row in them is asked for. A page that was written
 * once is only dropped the next time: rows do not change. */
#include "executor/op-int.h"

enum { PAGE_BYTES = 32 << 10, PAGES_MIN = 8, PAGES_SPARE = 4 };

struct row_page {
    struct row_store rows;
    struct spool *disk;
    uint64_t stamp; /* of the last use */
    size_t bytes;   /* as counted */
    uint32_t n;     /* rows */
    bool loaded;
};

void row_pages_init(struct row_pages *p, struct op *o, struct row_layout *l)
{
    struct row_store probe;

    row_store_init_blocks(&probe, l, PAGE_BYTES);
    *p = (struct row_pages){.op = o, .l = l, .shift = probe.shift, .none = arena_calloc(o->cx->arena, 1, l->bytes)};
    p->max_loaded = MAX((uint32_t)PAGES_MIN, (op_batch_rows(o) >> p->shift) + PAGES_SPARE);
}

static void count_page(struct row_pages *p, struct row_page *g)
{
    size_t now = g->loaded ? row_store_bytes(&g->rows) : 0;

    p->bytes += now - g->bytes;
    g->bytes = now;
}

void row_pages_clear(struct row_pages *p)
{
    for (uint32_t i = 0; i < p->n_pages; i++) {
        row_store_free(&p->page[i].rows);
        spool_free(p->page[i].disk);
    }
    xfree(p->page);
    p->page = NULL;
    p->n_pages = p->cap_pages = p->n_loaded = 0;
    p->n = 0;
    p->bytes = 0;
    p->spilling = false;
}

/* Takes the page that was not used for the longest time out of memory; the last page, which is being filled, stays. */
static bool evict(struct row_pages *p)
{
    struct row_page *old = NULL;
    bool ok = true;

    for (uint32_t i = 0; i + 1 < p->n_pages; i++) {
        if (p->page[i].loaded && (!old || p->page[i].stamp < old->stamp))
            old = &p->page[i];
    }
    if (!old)
        return true;
    if (!old->disk) {
        old->disk = spool_new(p->op, p->l);
        for (uint32_t i = 0; i < old->n && ok; i++)
            ok = spool_put(old->disk, row_store_at(&old->rows, i));
        ok = ok && spool_end(old->disk);
    }
    row_store_free(&old->rows);
    old->loaded = false;
    count_page(p, old);
    p->n_loaded--;
    return ok;
}

static bool shrink(struct row_pages *p, uint32_t to)
{
    while (p->spilling && p->n_loaded > to) {
        uint32_t before = p->n_loaded;

        if (!evict(p)) {
            p->failed = true;
            return false;
        }
        if (p->n_loaded == before)
            break;
    }
    return true;
}

bool row_pages_spill(struct row_pages *p)
{
    p->spilling = true;
    return shrink(p, p->max_loaded);
}

static struct row_page *new_page(struct row_pages *p)
{
    struct row_page *g;

    if (p->n_pages == p->cap_pages) {
        p->cap_pages = p->cap_pages ? p->cap_pages * 2 : 16;
        p->page = xrealloc(p->page, p->cap_pages * sizeof(*p->page));
    }
    g = &p->page[p->n_pages++];
    *g = (struct row_page){.loaded = true, .stamp = ++p->clock};
    row_store_init_blocks(&g->rows, p->l, PAGE_BYTES);
    p->n_loaded++;
    return g;
}

bool row_pages_put(struct row_pages *p, struct vec *const *cols, const struct sel *sel)
{
    uint32_t room, full = UINT32_C(1) << p->shift;

    for (uint32_t from = 0; from < sel->n; from += room) {
        struct row_page *g = p->n_pages ? &p->page[p->n_pages - 1] : NULL;
        uint32_t rows[256];
        struct sel part = {rows, 0};

        if (!g || g->n == full) {
            g = new_page(p);
            if (!shrink(p, p->max_loaded))
                return false;
        }
        room = MIN(MIN(full - g->n, sel->n - from), (uint32_t)ARRAY_LEN(rows));
        for (; part.n < room; part.n++)
            rows[part.n] = SEL_ROW(sel, from + part.n);
        row_store_put(&g->rows, cols, &part, NULL, NULL);
        g->n += room;
        p->n += room;
        count_page(p, g);
    }
    return true;
}

static bool load(struct row_pages *p, struct row_page *g)
{
    struct spool_reader r;
    bool ok = true;

    if (!shrink(p, p->max_loaded - 1))
        return false;
    spool_open(&r, g->disk, &g->rows, false);
    while (spool_get(&r, &ok) && ok)
        ;
    spool_close(&r);
    g->loaded = true;
    p->n_loaded++;
    count_page(p, g);
    if (!ok)
        p->failed = true;
    return ok;
}

char *row_pages_at(struct row_pages *p, uint64_t i)
{
    struct row_page *g = &p->page[i >> p->shift];

    if (UNLIKELY(p->spilling)) {
        if (p->failed || (!g->loaded && !load(p, g)))
            return p->none;
        g->stamp = ++p->clock;
    }
    return row_store_at(&g->rows, i & ((UINT64_C(1) << p->shift) - 1));
}
