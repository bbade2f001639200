#include "ddl/show.h"

#include "ddl/rows.h"
#include "util/strbuf.h"

#define TEXT_COL(name_, len_)                                                   \
    {                                                                           \
        .name = {name_, sizeof(name_) - 1}, .type = ROWS_TEXT, .length = (len_) \
    }
#define NUM_COL(name_)                                                        \
    {                                                                         \
        .name = {name_, sizeof(name_) - 1}, .type = ROWS_NUMBER, .length = 20 \
    }

const struct ddl_rows *show_shards(const struct cat_snapshot *s, bool (*is_down)(void *arg, uint32_t shard_id), void *arg,
                                   struct arena *a)
{
    static const struct ddl_column cols[] = {TEXT_COL("Name", 64),  TEXT_COL("Host", 255), NUM_COL("Port"),
                                             TEXT_COL("State", 16), NUM_COL("Partitions"), NUM_COL("Tables")};
    static const char *const states[] = {
        [CAT_SHARD_ACTIVE] = "active", [CAT_SHARD_DRAINING] = "draining", [CAT_SHARD_JOINING] = "joining"};
    struct rows r;

    rows_init(&r, a, cols, ARRAY_LEN(cols));
    array_each(&s->shards, sh) {
        uint64_t partitions = 0, tables = 0;

        array_each(&s->tables, t) {
            bool here = (*t)->kind == CAT_BROADCAST;

            for (uint32_t i = 0; (*t)->kind != CAT_BROADCAST && i < (*t)->parts_n; i++) {
                if ((*t)->parts[i].shard_id != sh->id)
                    continue;
                here = true;
                partitions += (*t)->kind == CAT_PARTITIONED;
            }
            tables += here;
        }
        rows_put(&r, sh->name);
        rows_put(&r, sh->host);
        rows_putu(&r, sh->port);
        if (!is_down || !is_down(arg, sh->id))
            rows_puts(&r, states[sh->state]);
        else if (sh->state == CAT_SHARD_ACTIVE)
            rows_puts(&r, "down");
        else
            rows_put(&r, arena_printf(a, "%s, down", states[sh->state]));
        rows_putu(&r, partitions);
        rows_putu(&r, tables);
    }
    return rows_end(&r);
}

static bool find_db(const struct cat_snapshot *s, struct sv db, struct arena *a, struct diag *d)
{
    if (!db.len)
        return diag_set(d, ER_NO_DB_ERROR);
    if (cat_is_virtual_db(db))
        return diag_set(d, ER_NOT_SUPPORTED_YET, "this of a system table, which every shard has of its own");
    return cat_find_db(s, db) || diag_set(d, ER_BAD_DB_ERROR, arena_dup(a, db).ptr);
}

static const struct cat_table *find(const struct cat_snapshot *s, struct sv db, struct sv table, struct arena *a,
                                    struct diag *d)
{
    const struct cat_table *t;

    if (!find_db(s, db, a, d))
        return NULL;
    t = cat_find_table(s, db, table);
    if (!t)
        (void)diag_set(d, ER_NO_SUCH_TABLE, arena_dup(a, db).ptr, arena_dup(a, table).ptr);
    return t;
}

static void put_tuple(struct strbuf *b, const struct cat_bound *v, uint32_t width)
{
    static const char *const words[] = {
        [CAT_BOUND_NULL] = "NULL", [CAT_BOUND_MAXVALUE] = "MAXVALUE", [CAT_BOUND_DEFAULT] = "DEFAULT"};

    strbuf_putc(b, '(');
    for (uint32_t k = 0; k < width; k++) {
        strbuf_puts(b, k ? ", " : "");
        if (v[k].kind == CAT_BOUND_VALUE)
            strbuf_putsv(b, v[k].text);
        else
            strbuf_puts(b, words[v[k].kind]);
    }
    strbuf_putc(b, ')');
}

static struct sv bounds(const struct cat_table *t, const struct cat_part *p, struct arena *a)
{
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    struct strbuf b;

    if (t->part.method == CAT_PART_KEY || t->part.method == CAT_PART_HASH)
        return arena_printf(a, "hash %08x-%08x", p->hash_lo, p->hash_hi);
    strbuf_init(&b, a);
    strbuf_puts(&b, t->part.method == CAT_PART_RANGE ? "less than " : "in ");
    for (uint32_t i = 0; i < p->tuples_n; i++) {
        strbuf_puts(&b, i ? ", " : "");
        put_tuple(&b, p->bounds + (size_t)i * width, width);
    }
    return strbuf_sv(&b);
}

static void topology_row(struct rows *r, const struct cat_table *t, const char *kind, struct sv part,
                         const struct cat_shard *sh, struct sv phys, struct sv range)
{
    rows_put(r, t->name);
    rows_puts(r, kind);
    rows_put(r, part);
    rows_put(r, sh ? sh->name : SV("?"));
    rows_put(r, phys);
    rows_put(r, range);
}

static void topology_rows(struct rows *r, const struct cat_snapshot *s, const struct cat_table *t, struct arena *a)
{
    switch (t->kind) {
    case CAT_SINGLE:
        topology_row(r, t, "single", SV_NULL, cat_find_shard_id(s, t->parts[0].shard_id), t->parts[0].phys_name,
                     t->note.len ? t->note : SV_NULL);
        break;
    case CAT_BROADCAST:
        array_each(&s->shards, sh)
            topology_row(r, t, "broadcast", SV_NULL, sh, t->name, SV_NULL);
        break;
    case CAT_PARTITIONED:
        for (uint32_t i = 0; i < t->parts_n; i++)
            topology_row(r, t, "partitioned", t->parts[i].name, cat_find_shard_id(s, t->parts[i].shard_id),
                         t->parts[i].phys_name, bounds(t, &t->parts[i], a));
        break;
    }
}

const struct ddl_rows *show_topology(const struct cat_snapshot *s, struct sv db, struct sv table, struct arena *a,
                                     struct diag *d)
{
    static const struct ddl_column cols[] = {TEXT_COL("Table", 64),          TEXT_COL("Kind", 16),
                                             TEXT_COL("Partition", 64),      TEXT_COL("Shard", 64),
                                             TEXT_COL("Physical_table", 64), TEXT_COL("Bounds", 1024)};
    const struct cat_table *t = NULL;
    size_t first, n;
    struct rows r;

    if (!find_db(s, db, a, d) || (table.ptr && !(t = find(s, db, table, a, d))))
        return NULL;
    rows_init(&r, a, cols, ARRAY_LEN(cols));
    if (t) {
        topology_rows(&r, s, t, a);
    } else {
        n = cat_tables_of(s, db, &first);
        for (size_t i = first; i < first + n; i++)
            if (cat_table_is_visible(s->tables.v[i]))
                topology_rows(&r, s, s->tables.v[i], a);
    }
    return rows_end(&r);
}

const struct ddl_rows *show_create_table(const struct cat_snapshot *s, struct sv db, struct sv table, struct arena *a,
                                         struct diag *d)
{
    static const struct ddl_column cols[] = {TEXT_COL("Table", 64), TEXT_COL("Create Table", 1024)};
    const struct cat_table *t = find(s, db, table, a, d);
    struct rows r;

    if (!t)
        return NULL;
    rows_init(&r, a, cols, ARRAY_LEN(cols));
    rows_put(&r, t->name);
    rows_put(&r, t->create_sql);
    return rows_end(&r);
}

struct sv show_database_mode(const struct cat_db *db)
{
    static const struct sv modes[] = {
        [CAT_DB_AUTO] = {"", 0},
        [CAT_DB_LOCAL] = {" /*!99980 MODE = local */", 25},
        [CAT_DB_SINGLE] = {" /*!99980 MODE = single */", 26},
    };

    return modes[db->mode];
}
