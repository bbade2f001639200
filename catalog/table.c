/* Tables: making, checking, look-ups inside one. The durable form is in table_json.c. */
#include "catalog/names.h"
#include "catalog/snapshot.h"

#include <stdio.h>

struct cat_table *cat_table_new(struct sv db, struct sv name)
{
    struct cat_table *t = xcalloc(1, sizeof(*t));

    arena_init(&t->arena, 0);
    atomic_init(&t->refs, 1);
    t->db = arena_dup(&t->arena, db);
    t->name = arena_dup(&t->arena, name);
    t->auto_inc_column = t->primary = -1;
    return t;
}

struct cat_table *cat_table_ref(const struct cat_table *t)
{
    struct cat_table *w =
        (struct cat_table *)(uintptr_t)t; /* the count is the one thing that changes */

    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

void cat_table_unref(const struct cat_table *t)
{
    struct cat_table *w = (struct cat_table *)(uintptr_t)t;
    void *ext;

    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    ext = atomic_load_explicit(&w->ext, memory_order_acquire);
    if (ext)
        w->ext_free(ext);
    arena_free(&w->arena);
    xfree(w);
}

static const struct cat_bound *clone_bounds(struct arena *a, const struct cat_bound *from, size_t n)
{
    struct cat_bound *to = ARENA_NEW_N(a, struct cat_bound, n);

    for (size_t i = 0; i < n; i++)
        to[i] = (struct cat_bound){from[i].kind, arena_dup(a, from[i].text)};
    return to;
}

/* Values in one tuple of a partition's bounds. */
static uint32_t bound_width(const struct cat_partitioning *p)
{
    return p->by_columns ? p->columns_n : 1;
}

static void clone_parts(struct cat_table *to, const struct cat_table *from)
{
    struct arena *a = &to->arena;
    struct cat_part *parts = ARENA_NEW_N(a, struct cat_part, from->parts_n);

    for (uint32_t i = 0; i < from->parts_n; i++) {
        parts[i] = from->parts[i];
        parts[i].name = arena_dup(a, from->parts[i].name);
        parts[i].phys_db = arena_dup(a, from->parts[i].phys_db);
        parts[i].phys_name = arena_dup(a, from->parts[i].phys_name);
        parts[i].comment = arena_dup(a, from->parts[i].comment);
        parts[i].bounds = clone_bounds(
            a, from->parts[i].bounds, (size_t)from->parts[i].tuples_n * bound_width(&from->part));
    }
    to->parts = parts;
    to->parts_n = from->parts_n;
}

struct cat_table *cat_table_clone(const struct cat_table *t)
{
    struct cat_table *c = cat_table_new(t->db, t->name);
    struct diag d = {0};
    struct arena a;

    arena_init(&a, 0);
    CHECK(cat_table_from_json(c, cat_table_to_json(t, &a), &d));
    arena_free(&a);
    c->id = t->id;
    c->version = t->version;
    c->state = t->state;
    c->kind = t->kind;
    c->group_id = t->group_id;
    c->create_sql = arena_dup(&c->arena, t->create_sql);
    c->note = arena_dup(&c->arena, t->note);
    clone_parts(c, t);
    return c;
}

void cat_table_spread(struct cat_table *t, uint32_t n, const uint32_t *shard_ids)
{
    struct arena *a = &t->arena;
    struct cat_part *parts = ARENA_NEW_N(a, struct cat_part, n);

    for (uint32_t i = 0; i < n; i++) {
        parts[i].ordinal = i;
        parts[i].name = arena_printf(a, "p%u", i);
        parts[i].shard_id = shard_ids[i];
        parts[i].phys_db = arena_dup(a, t->db);
        parts[i].phys_name = names_physical(a, t->name, names_part_no(i, n));
        /* Boundaries i * 2^32 / n, rounded down: fixed for ever, since tables of one group are made
         * at different times. */
        parts[i].hash_lo = (uint32_t)(((uint64_t)i << 32) / n);
        parts[i].hash_hi = (uint32_t)((((uint64_t)i + 1) << 32) / n - 1);
    }
    t->parts = parts;
    t->parts_n = n;
}

/* --- finishing --- */

static bool broken(const struct cat_table *t, struct diag *d, const char *what)
{
    return diag_setf(
        d, ER_INTERNAL, "catalog: table %.*s.%.*s: %s", SV_ARG(t->db), SV_ARG(t->name), what);
}

static bool finish_columns(struct cat_table *t, struct diag *d)
{
    t->column_map = (struct cat_name_map){.arena = &t->arena};
    t->auto_inc_column = -1;
    for (uint32_t i = 0; i < t->columns_n; i++) {
        bool is_new;

        if (t->columns[i].ordinal != i || t->columns[i].name.len == 0)
            return broken(t, d, "a column without a name or with a wrong ordinal");
        *cat_name_map_put(&t->column_map, t->columns[i].name, &is_new) = i;
        if (!is_new)
            return broken(t, d, "two columns of one name");
        if (t->columns[i].auto_increment)
            t->auto_inc_column = (int32_t)i;
    }
    return true;
}

static bool finish_keys(struct cat_table *t, struct diag *d)
{
    t->primary = -1;
    for (uint32_t i = 0; i < t->keys_n; i++) {
        const struct cat_key *k = &t->keys[i];

        if (k->parts_n == 0)
            return broken(t, d, "a key without columns");
        if (k->kind == CAT_KEY_PRIMARY)
            t->primary = (int32_t)i;
        for (uint32_t p = 0; p < k->parts_n; p++) {
            if (k->parts[p].column >= (int32_t)t->columns_n ||
                (k->parts[p].column < 0 && !k->parts[p].expr.len))
                return broken(t, d, "a key with an unknown column");
        }
    }
    for (uint32_t i = 0; i < t->fks_n; i++) {
        for (uint32_t c = 0; c < t->fks[i].columns_n; c++) {
            if (t->fks[i].columns[c] >= t->columns_n)
                return broken(t, d, "a foreign key with an unknown column");
        }
    }
    return true;
}

static bool is_hashed(const struct cat_table *t)
{
    return t->part.method == CAT_PART_KEY || t->part.method == CAT_PART_HASH;
}

static bool finish_hash_ranges(const struct cat_table *t, struct diag *d)
{
    uint64_t next = 0;

    for (uint32_t i = 0; i < t->parts_n; i++) {
        if (t->parts[i].hash_lo != next || t->parts[i].hash_hi < t->parts[i].hash_lo)
            return broken(t, d, "hash ranges with a gap or an overlap");
        next = (uint64_t)t->parts[i].hash_hi + 1;
    }
    return next == UINT64_C(1) << 32 ||
           broken(t, d, "hash ranges that do not cover all of hash space");
}

static bool finish_parts(struct cat_table *t, struct diag *d)
{
    for (uint32_t i = 0; i < t->parts_n; i++) {
        const struct cat_part *p = &t->parts[i];

        if (p->ordinal != i || !p->phys_name.len || !p->phys_db.len ||
            (t->kind == CAT_PARTITIONED && !p->name.len))
            return broken(t, d, "a partition without a name or with a wrong ordinal");
    }
    switch (t->kind) {
    case CAT_SINGLE:
        return t->parts_n == 1 || broken(t, d, "SINGLE, but not with one partition");
    case CAT_BROADCAST:
        return t->parts_n == 0 || broken(t, d, "BROADCAST, but with partitions");
    case CAT_PARTITIONED:
        break;
    }
    if (t->parts_n == 0 || t->parts_n > LIMIT_PARTITIONS || t->part.method == CAT_PART_NONE)
        return broken(t, d, "partitioned, but without partitions or method");
    if (t->part.columns_n == 0 || t->part.columns_n > LIMIT_PARTITION_COLUMNS ||
        t->part.by_columns != (t->part.expr.len == 0))
        return broken(t, d, "a partition key without columns, or too many");
    for (uint32_t i = 0; i < t->part.columns_n; i++) {
        if (t->part.columns[i] >= t->columns_n)
            return broken(t, d, "a partition key with an unknown column");
    }
    return !is_hashed(t) || finish_hash_ranges(t, d);
}

bool cat_table_finish(struct cat_table *t, struct diag *d)
{
    if (!t->db.len || !t->name.len || t->columns_n == 0 || t->columns_n > LIMIT_COLUMNS)
        return broken(t, d, "no name, or no columns, or too many");
    return finish_columns(t, d) && finish_keys(t, d) && finish_parts(t, d);
}

/* --- look-ups --- */

const struct cat_column *cat_find_column(const struct cat_table *t, struct sv name)
{
    const uint32_t *i = cat_name_map_get(&t->column_map, name);

    return i ? &t->columns[*i] : NULL;
}

const struct cat_key *cat_find_key(const struct cat_table *t, struct sv name)
{
    for (uint32_t i = 0; i < t->keys_n; i++) {
        if (sv_eq_nocase(t->keys[i].name, name))
            return &t->keys[i];
    }
    return NULL;
}

const struct cat_part *cat_find_part(const struct cat_table *t, struct sv name)
{
    for (uint32_t i = 0; i < t->parts_n; i++) {
        if (sv_eq_nocase(t->parts[i].name, name))
            return &t->parts[i];
    }
    return NULL;
}

struct sv cat_phys_name(const struct cat_table *t, uint32_t i)
{
    if (t->parts_n == 0)
        return t->name;
    ASSERT(i < t->parts_n);
    return t->parts[i].phys_name;
}

struct sv cat_phys_db(const struct cat_table *t, uint32_t i)
{
    if (t->parts_n == 0)
        return t->db;
    ASSERT(i < t->parts_n);
    return t->parts[i].phys_db;
}

bool cat_same_group(const struct cat_table *a, const struct cat_table *b)
{
    return a == b || (a->group_id != 0 && a->group_id == b->group_id && a->parts_n == b->parts_n);
}

bool cat_key_has_part_columns(const struct cat_table *t, const struct cat_key *k)
{
    for (uint32_t i = 0; i < t->part.columns_n; i++) {
        bool found = false;

        for (uint32_t p = 0; p < k->parts_n && !found; p++)
            found = k->parts[p].column == (int32_t)t->part.columns[i] && k->parts[p].prefix == 0;
        if (!found)
            return false;
    }
    return true;
}
