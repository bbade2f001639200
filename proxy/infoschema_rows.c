/* Rows of information_schema: which tables Tessera answers, what it asks of which shard, and what it makes of the answers.
 *
 * A logical table's row is the row of its physical table of partition 0, with the logical names put in; sizes and times of
 * tables are taken together over all partitions if the statement can see them. Rows are kept by logical table, so that they
 * come in the catalog's order, not in that of the shards. */
#include "proxy/infoschema-int.h"

#include "catalog/names.h"
#include "catalog/snapshot.h"
#include "proxy/command.h"
#include "proxy/env.h"
#include "proxy/proxy.h"

/* ---- which ---- */

static const struct is_desc descs[] = {
    {"TABLES", IS_TABLES, "TABLE_SCHEMA", "TABLE_NAME"},
    {"COLUMNS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"STATISTICS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"KEY_COLUMN_USAGE", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"TABLE_CONSTRAINTS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"REFERENTIAL_CONSTRAINTS", IS_TABLE_ROWS, "CONSTRAINT_SCHEMA", "TABLE_NAME"},
    {"CHECK_CONSTRAINTS", IS_TABLE_ROWS, "CONSTRAINT_SCHEMA", "TABLE_NAME"},
    {"PARTITIONS", IS_PARTITIONS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"SCHEMATA", IS_SCHEMATA, "SCHEMA_NAME", NULL},
    {"VIEWS", IS_NO_USER_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"TRIGGERS", IS_NO_USER_ROWS, "TRIGGER_SCHEMA", "EVENT_OBJECT_TABLE"},
    {"ROUTINES", IS_NO_USER_ROWS, "ROUTINE_SCHEMA", NULL},
    {"PARAMETERS", IS_NO_USER_ROWS, "SPECIFIC_SCHEMA", NULL},
    {"EVENTS", IS_NO_USER_ROWS, "EVENT_SCHEMA", NULL},
    {"PROCESSLIST", IS_PROCESSLIST, NULL, NULL},
    /* MySQL only */
    {"TABLES_EXTENSIONS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"COLUMNS_EXTENSIONS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"TABLE_CONSTRAINTS_EXTENSIONS", IS_TABLE_ROWS, "CONSTRAINT_SCHEMA", "TABLE_NAME"},
    {"SCHEMATA_EXTENSIONS", IS_SCHEMATA, "SCHEMA_NAME", NULL},
    {"ST_GEOMETRY_COLUMNS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"VIEW_TABLE_USAGE", IS_NO_USER_ROWS, "VIEW_SCHEMA", NULL},
    {"VIEW_ROUTINE_USAGE", IS_NO_USER_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    /* MariaDB only */
    {"GEOMETRY_COLUMNS", IS_TABLE_ROWS, "G_TABLE_SCHEMA", "G_TABLE_NAME"},
    {"PERIODS", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
    {"KEY_PERIOD_USAGE", IS_TABLE_ROWS, "TABLE_SCHEMA", "TABLE_NAME"},
};

static const char *const system_dbs[] = {"information_schema", "mysql", "performance_schema", "sys"};

const struct is_desc *infoschema_desc(struct sv name)
{
    for (size_t i = 0; i < ARRAY_LEN(descs); i++) {
        if (sv_eq_nocase(name, sv_cstr(descs[i].name)))
            return &descs[i];
    }
    return NULL;
}

static bool passes(const struct is_filter *f, struct sv name)
{
    if (!f->is_set)
        return true;
    for (uint32_t i = 0; i < f->n; i++) {
        if (f->exact ? sv_eq(f->names[i], name) : sv_eq_nocase(f->names[i], name))
            return true;
    }
    return false;
}

/* ---- what the catalog says ---- */

static bool is_number(const struct cat_column *c)
{
    return c->type.code < WIRE_NULL || c->type.code == WIRE_LONGLONG || c->type.code == WIRE_INT24 ||
        c->type.code == WIRE_YEAR || c->type.code == WIRE_NEWDECIMAL;
}

static void put_bound(struct strbuf *b, const struct cat_table *t, const struct cat_bound *v, uint32_t k)
{
    switch (v->kind) {
    case CAT_BOUND_NULL:
        strbuf_puts(b, "NULL");
        return;
    case CAT_BOUND_MAXVALUE:
        strbuf_puts(b, "MAXVALUE");
        return;
    case CAT_BOUND_DEFAULT:
        strbuf_puts(b, "DEFAULT");
        return;
    case CAT_BOUND_VALUE:
        if (t->part.by_columns && !is_number(&t->columns[t->part.columns[k]]))
            strbuf_put_quoted(b, v->text, false);
        else
            strbuf_putsv(b, v->text);
        return;
    }
}

/* PARTITION_DESCRIPTION: the bounds, in parentheses where a LIST has tuples. */
static struct sv description(struct arena *a, const struct cat_table *t, const struct cat_part *p)
{
    uint32_t width = t->part.by_columns ? t->part.columns_n : 1;
    bool tuples = t->part.method == CAT_PART_LIST && width > 1;
    struct strbuf b;

    if (t->part.method != CAT_PART_RANGE && t->part.method != CAT_PART_LIST)
        return SV_NULL;
    strbuf_init(&b, a);
    for (uint32_t i = 0; i < p->tuples_n; i++) {
        strbuf_puts(&b, i ? tuples ? ",(" : "," : tuples ? "(" : "");
        for (uint32_t k = 0; k < width; k++) {
            strbuf_puts(&b, k ? "," : "");
            put_bound(&b, t, &p->bounds[(size_t)i * width + k], k);
        }
        strbuf_puts(&b, tuples ? ")" : "");
    }
    return strbuf_sv(&b);
}

static void copy_partitioning(struct arena *a, const struct cat_table *t, struct is_table *out)
{
    static const char *const methods[][2] = {
        [CAT_PART_NONE] = {"", ""},
        [CAT_PART_KEY] = {"KEY", "KEY"},
        [CAT_PART_HASH] = {"HASH", "HASH"},
        [CAT_PART_RANGE] = {"RANGE", "RANGE COLUMNS"},
        [CAT_PART_LIST] = {"LIST", "LIST COLUMNS"},
    };
    struct strbuf b;

    strbuf_init(&b, a);
    strbuf_puts(&b, t->part.linear ? "LINEAR " : "");
    strbuf_puts(&b, methods[t->part.method][t->part.by_columns]);
    out->method = strbuf_sv(&b);
    strbuf_init(&b, a);
    strbuf_putsv(&b, t->part.expr);
    for (uint32_t i = 0; t->part.by_columns && i < t->part.columns_n; i++) {
        const struct cat_column *c = &t->columns[t->part.columns[i]];

        if (c->hidden)
            continue;
        strbuf_puts(&b, b.len ? "," : "");
        strbuf_put_ident(&b, c->name);
    }
    out->expr = b.len ? strbuf_sv(&b) : SV("");
    out->parts = ARENA_NEW_N(a, struct is_part, t->parts_n);
    for (uint32_t i = 0; i < t->parts_n; i++) {
        out->parts[i].name = arena_dup(a, t->parts[i].name);
        out->parts[i].description = description(a, t, &t->parts[i]);
        out->parts[i].comment = arena_dup(a, t->parts[i].comment);
    }
}

static void copy_table(struct arena *a, const struct cat_table *t, struct is_table *out)
{
    out->db = arena_dup(a, t->db);
    out->name = arena_dup(a, t->name);
    for (uint32_t i = 0; i < t->columns_n; i++) {
        if (t->columns[i].hidden)
            out->hidden = arena_dup(a, t->columns[i].name);
    }
    if (t->kind == CAT_PARTITIONED && !t->part.by_default)
        copy_partitioning(a, t, out);
}

static struct sv map_key(struct arena *a, struct sv db, struct sv name)
{
    return arena_printf(a, "%.*s\001%.*s", SV_ARG(db), SV_ARG(name));
}

static void add_place(struct session *s, struct is_ref *ref, const struct cat_table *t, struct is_table *table, uint32_t part)
{
    struct arena *a = &s->stmt->arena;
    struct is_place *p = &ref->places[ref->n_places++];

    p->table = table;
    p->part = part;
    p->shard_id = t->kind == CAT_BROADCAST ? query_any_shard(s) : t->parts[part].shard_id;
    p->db = arena_dup(a, cat_phys_db(t, part));
    p->name = arena_dup(a, cat_phys_name(t, part));
    *is_place_map_put(&ref->map, map_key(a, p->db, p->name), NULL) = p;
}

static void add_jobs(struct session *s, struct is_ref *ref, uint32_t index, struct is_job_array *jobs)
{
    const struct cat_snapshot *cat = session_snapshot(s);

    for (size_t i = 0; i < cat->shards.n; i++) {
        for (size_t k = 0; k < ref->n_places; k++) {
            if (ref->places[k].shard_id != cat->shards.v[i].id)
                continue;
            array_push(jobs, &s->stmt->arena, ((struct is_job){index, cat->shards.v[i].id}));
            break;
        }
    }
}

void infoschema_rows_plan(struct session *s, struct is_ref *ref, uint32_t index, bool want_sizes, struct is_job_array *jobs)
{
    const struct cat_snapshot *cat = session_snapshot(s);
    struct arena *a = &s->stmt->arena;
    bool all_parts = ref->desc->kind == IS_PARTITIONS || (ref->desc->kind == IS_TABLES && want_sizes);
    const struct cat_table **found;
    size_t places = 0;

    ref->map.arena = a;
    if (ref->desc->kind == IS_PROCESSLIST)
        array_push(jobs, a, ((struct is_job){index, query_any_shard(s)}));
    if (ref->desc->kind != IS_TABLE_ROWS && ref->desc->kind != IS_TABLES && ref->desc->kind != IS_PARTITIONS)
        return;
    found = ARENA_NEW_N(a, const struct cat_table *, cat->tables.n + 1);
    for (size_t i = 0; i < cat->tables.n; i++) {
        const struct cat_table *t = cat->tables.v[i];

        if (!cat_table_is_visible(t) || !passes(&ref->schemas, t->db) || !passes(&ref->tables, t->name))
            continue;
        found[ref->n_tables++] = t;
        places += all_parts && t->kind == CAT_PARTITIONED ? t->parts_n : 1;
    }
    ref->table_list = ARENA_NEW_N(a, struct is_table, ref->n_tables + 1);
    ref->places = ARENA_NEW_N(a, struct is_place, places + 1);
    for (size_t i = 0; i < ref->n_tables; i++) {
        uint32_t n = all_parts && found[i]->kind == CAT_PARTITIONED ? found[i]->parts_n : 1;

        copy_table(a, found[i], &ref->table_list[i]);
        for (uint32_t k = 0; k < n; k++)
            add_place(s, ref, found[i], &ref->table_list[i], k);
    }
    add_jobs(s, ref, index, jobs);
}

/* ---- literals ---- */

/* Plain ASCII as it is, everything else in hexadecimal, and always with its character set: right whatever the session's are, and
 * of one collation, since a column of VALUES may not mix that of the session with the character set's own. */
static void put_text(struct strbuf *b, struct sv v)
{
    bool plain = true;

    for (size_t i = 0; i < v.len && plain; i++)
        plain = v.ptr[i] >= ' ' && v.ptr[i] < 0x7f && v.ptr[i] != '\\' && v.ptr[i] != '\'';
    strbuf_puts(b, "_utf8mb4");
    if (plain) {
        strbuf_putc(b, '\'');
        strbuf_putsv(b, v);
        strbuf_putc(b, '\'');
        return;
    }
    strbuf_puts(b, " 0x");
    for (size_t i = 0; i < v.len; i++)
        strbuf_printf(b, "%02x", (unsigned char)v.ptr[i]);
}

/* Typed so that the UNION with the server's own column keeps that column's type. */
static void put_cell(struct strbuf *b, const struct packet_coldef *col, struct sv v)
{
    if (!v.ptr) {
        strbuf_puts(b, "NULL");
        return;
    }
    switch (col->type) {
    case WIRE_TINY:
    case WIRE_SHORT:
    case WIRE_LONG:
    case WIRE_INT24:
    case WIRE_LONGLONG:
        if (col->flags & WIRE_FLAG_UNSIGNED) {
            strbuf_puts(b, "CAST(");
            strbuf_putsv(b, v);
            strbuf_puts(b, " AS UNSIGNED)");
            return;
        }
        strbuf_putsv(b, v);
        return;
    case WIRE_DECIMAL:
    case WIRE_NEWDECIMAL:
    case WIRE_FLOAT:
    case WIRE_DOUBLE:
        strbuf_putsv(b, v);
        return;
    case WIRE_TIMESTAMP:
    case WIRE_DATETIME:
        strbuf_puts(b, "TIMESTAMP'");
        strbuf_putsv(b, v);
        strbuf_putc(b, '\'');
        return;
    default:
        put_text(b, v);
        return;
    }
}

/* ---- asking ---- */

static void put_names(struct strbuf *b, const struct is_ref *ref, uint32_t shard_id, struct sv db)
{
    bool first = true;

    strbuf_printf(b, "(%s=", ref->desc->schema_col);
    put_text(b, db);
    strbuf_printf(b, " AND %s IN (", ref->desc->table_col);
    for (size_t i = 0; i < ref->n_places; i++) {
        if (ref->places[i].shard_id != shard_id || !sv_eq(ref->places[i].db, db))
            continue;
        strbuf_puts(b, first ? "" : ",");
        put_text(b, ref->places[i].name);
        first = false;
    }
    strbuf_puts(b, "))");
}

struct sv infoschema_rows_sql(struct session *s, const struct is_ref *ref, uint32_t shard_id)
{
    const struct sv *db = NULL;
    struct strbuf b;

    strbuf_init(&b, &s->stmt->arena);
    /* MySQL's CHECK_CONSTRAINTS does not say of which table. */
    if (!s->proxy->is_mariadb && sv_eq_cstr(SV("CHECK_CONSTRAINTS"), ref->desc->name)) {
        strbuf_puts(&b, "SELECT c.*, TABLE_NAME FROM information_schema.CHECK_CONSTRAINTS c JOIN (SELECT CONSTRAINT_SCHEMA AS s_, "
                        "CONSTRAINT_NAME AS n_, TABLE_NAME FROM information_schema.TABLE_CONSTRAINTS WHERE CONSTRAINT_TYPE="
                        "'CHECK') k ON CONSTRAINT_SCHEMA=s_ AND CONSTRAINT_NAME=n_ WHERE ");
    } else {
        strbuf_printf(&b, "SELECT * FROM information_schema.%s WHERE ", ref->desc->name);
    }
    if (ref->desc->kind == IS_PROCESSLIST) {
        strbuf_puts(&b, "ID = 0"); /* no rows, but the warning that reading it gives */
        return strbuf_sv(&b);
    }
    if (!ref->n_places) {
        strbuf_puts(&b, "FALSE");
        return strbuf_sv(&b);
    }
    /* Places are in order of databases. */
    for (size_t i = 0; i < ref->n_places; i++) {
        if (ref->places[i].shard_id != shard_id || (db && sv_eq(*db, ref->places[i].db)))
            continue;
        strbuf_puts(&b, db ? " OR " : "");
        db = &ref->places[i].db;
        put_names(&b, ref, shard_id, *db);
    }
    return strbuf_sv(&b);
}

/* ---- answers ---- */

static uint32_t find_col(const struct is_ref *ref, const char *name)
{
    uint32_t i = 0;

    while (i < ref->n_cols && !sv_eq_nocase(ref->cols[i].name, sv_cstr(name)))
        i++;
    return i;
}

static struct sv *cell_of(const struct is_ref *ref, struct sv *row, const char *name)
{
    uint32_t i = find_col(ref, name);

    return i < ref->n_cols ? &row[i] : NULL;
}

static void set_cell(const struct is_ref *ref, struct sv *row, const char *name, struct sv value)
{
    struct sv *c = cell_of(ref, row, name);

    if (c)
        *c = value;
}

static struct sv *add_row(struct arena *a, const struct is_ref *ref, struct is_table *t, const struct sv *cells)
{
    struct sv *row;

    if (t->n_rows == t->cap_rows) {
        size_t cap = MAX(t->cap_rows * 2, (size_t)4);
        struct sv *rows = ARENA_NEW_N(a, struct sv, cap * ref->n_cols);

        if (t->n_rows)
            memcpy(rows, t->rows, t->n_rows * ref->n_cols * sizeof(*rows));
        t->rows = rows;
        t->cap_rows = cap;
    }
    row = t->rows + t->n_rows++ * ref->n_cols;
    memcpy(row, cells, ref->n_cols * sizeof(*row));
    return row;
}

/* Rows that speak of the hidden key do not exist for the client, and the columns behind it stand one place further ahead. */
static bool is_hidden(struct session *s, const struct is_ref *ref, const struct is_table *t, struct sv *row)
{
    struct sv *column = cell_of(ref, row, "COLUMN_NAME"), *constraint = cell_of(ref, row, "CONSTRAINT_NAME"), *at;
    uint64_t n;

    if (!t->hidden.ptr)
        return false;
    if (column && column->ptr && sv_eq_nocase(*column, t->hidden))
        return true;
    if (!column && constraint && constraint->ptr && sv_eq_nocase(*constraint, SV("PRIMARY")))
        return true;
    at = sv_eq_cstr(SV("COLUMNS"), ref->desc->name) ? cell_of(ref, row, "ORDINAL_POSITION") : NULL;
    if (at && at->ptr && sv_to_u64(*at, &n) && n > 1)
        *at = arena_printf(&s->stmt->arena, "%llu", (unsigned long long)n - 1);
    return false;
}

static void to_logical(struct session *s, const struct is_ref *ref, const struct is_place *p, struct sv *row)
{
    static const char *const names[] = {"CONSTRAINT_NAME", "UNIQUE_CONSTRAINT_NAME", "REFERENCED_TABLE_NAME", "INDEX_NAME"};

    set_cell(ref, row, ref->desc->table_col, p->table->name);
    if (sv_eq(p->name, p->table->name))
        return;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct sv *c = cell_of(ref, row, names[i]);

        if (c && c->ptr)
            *c = names_to_logical(&s->stmt->arena, *c, SV_NULL);
    }
}

static struct sv number(struct session *s, uint64_t v)
{
    return arena_printf(&s->stmt->arena, "%llu", (unsigned long long)v);
}

/* Adds the sizes of one more partition to the table's row. */
static void merge_sizes(struct session *s, const struct is_ref *ref, struct sv *into, struct sv *row)
{
    static const char *const sums[] = {"TABLE_ROWS", "DATA_LENGTH", "INDEX_LENGTH", "DATA_FREE"};
    static const char *const latest[] = {"UPDATE_TIME", "CHECK_TIME"};
    struct sv *x, *y;
    uint64_t a = 0, b = 0;

    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        x = cell_of(ref, into, sums[i]), y = cell_of(ref, row, sums[i]);
        if (x && x->ptr && y && y->ptr && sv_to_u64(*x, &a) && sv_to_u64(*y, &b))
            *x = number(s, a + b);
    }
    x = cell_of(ref, into, "AUTO_INCREMENT"), y = cell_of(ref, row, "AUTO_INCREMENT");
    if (x && y && y->ptr && (!x->ptr || (sv_to_u64(*x, &a) && sv_to_u64(*y, &b) && b > a)))
        *x = *y;
    for (size_t i = 0; i < ARRAY_LEN(latest); i++) {
        x = cell_of(ref, into, latest[i]), y = cell_of(ref, row, latest[i]);
        if (x && y && y->ptr && (!x->ptr || sv_cmp(*y, *x) > 0))
            *x = *y;
    }
    x = cell_of(ref, into, "CREATE_TIME"), y = cell_of(ref, row, "CREATE_TIME");
    if (x && x->ptr && y && y->ptr && sv_cmp(*y, *x) < 0)
        *x = *y;
    x = cell_of(ref, into, "TABLE_ROWS"), y = cell_of(ref, into, "DATA_LENGTH");
    if (x && x->ptr && y && y->ptr && sv_to_u64(*x, &a) && sv_to_u64(*y, &b))
        set_cell(ref, into, "AVG_ROW_LENGTH", number(s, a ? b / a : 0));
}

static void partition_fields(struct session *s, const struct is_ref *ref, const struct is_place *p, struct sv *row)
{
    const struct is_table *t = p->table;

    set_cell(ref, row, "PARTITION_NAME", t->parts[p->part].name);
    set_cell(ref, row, "PARTITION_ORDINAL_POSITION", number(s, p->part + 1));
    set_cell(ref, row, "PARTITION_METHOD", t->method);
    set_cell(ref, row, "PARTITION_EXPRESSION", t->expr);
    set_cell(ref, row, "PARTITION_DESCRIPTION", t->parts[p->part].description);
    set_cell(ref, row, "PARTITION_COMMENT", t->parts[p->part].comment);
    set_cell(ref, row, "NODEGROUP", SV("default"));
}

static void take_row(struct session *s, struct is_ref *ref, const struct is_place *p, struct sv *cells)
{
    struct arena *a = &s->stmt->arena;
    struct is_table *t = p->table;
    bool of_parts = ref->desc->kind == IS_PARTITIONS && t->method.ptr;
    struct sv *row;

    if (is_hidden(s, ref, t, cells))
        return;
    to_logical(s, ref, p, cells);
    if (of_parts) {
        partition_fields(s, ref, p, cells);
    } else if (ref->desc->kind != IS_TABLE_ROWS && t->n_rows) {
        merge_sizes(s, ref, t->rows, cells);
        return;
    }
    row = add_row(a, ref, t, cells);
    if (ref->desc->kind == IS_TABLES && t->method.ptr) {
        struct sv *options = cell_of(ref, row, "CREATE_OPTIONS");

        if (options && options->ptr)
            *options = options->len ? arena_printf(a, "%.*s partitioned", SV_ARG(*options)) : SV("partitioned");
    }
}

void infoschema_rows_take(struct session *s, struct is_ref *ref, const struct sideq_result *r)
{
    uint32_t db, name;

    if (!ref->cols)
        ref->cols = r->cols, ref->n_cols = r->n_cols;
    if (!ref->desc->table_col || r->n_cols != ref->n_cols)
        return;
    db = find_col(ref, ref->desc->schema_col);
    name = find_col(ref, ref->desc->table_col);
    for (size_t i = 0; i < r->n_rows && db < r->n_cols && name < r->n_cols; i++) {
        struct sv *row = r->cells + i * r->n_cols;
        struct is_place **p = is_place_map_get(&ref->map, map_key(&s->stmt->arena, row[db], row[name]));

        if (p)
            take_row(s, ref, *p, row);
    }
}

void infoschema_rows_sessions(struct session *s, struct is_ref *ref, const struct proclist *list)
{
    struct arena *a = &s->stmt->arena;
    struct sv *row = ARENA_NEW_N(a, struct sv, ref->n_cols + 1);

    ref->table_list = ARENA_NEW(a, struct is_table);
    ref->n_tables = 1;
    for (size_t i = 0; i < list->n; i++) {
        for (uint32_t c = 0; c < ref->n_cols; c++)
            row[c] = proclist_cell(&list->v[i], &ref->cols[c], true, a);
        add_row(a, ref, ref->table_list, row);
    }
}

/* ---- the derived table ---- */

/* Rows of the system schemas are the shard's own. */
static void put_system_rows(const struct is_ref *ref, struct strbuf *b)
{
    const struct is_desc *d = ref->desc;
    bool any = false;

    for (size_t i = 0; d->schema_col && i < ARRAY_LEN(system_dbs); i++) {
        if (!passes(&ref->schemas, sv_cstr(system_dbs[i])))
            continue;
        if (any)
            strbuf_puts(b, ",");
        else
            strbuf_printf(b, "%s IN (", d->schema_col);
        strbuf_printf(b, "'%s'", system_dbs[i]);
        any = true;
    }
    if (!any) {
        strbuf_puts(b, "FALSE");
        return;
    }
    strbuf_putc(b, ')');
    if (d->table_col && ref->tables.is_set && ref->tables.n) {
        strbuf_printf(b, " AND %s IN (", d->table_col);
        for (uint32_t i = 0; i < ref->tables.n; i++) {
            strbuf_puts(b, i ? "," : "");
            put_text(b, ref->tables.names[i]);
        }
        strbuf_putc(b, ')');
    }
}

static void put_schemata(struct session *s, const struct is_ref *ref, struct strbuf *b)
{
    const struct cat_snapshot *cat = session_snapshot(s);

    strbuf_printf(b, "%s IN (", ref->desc->schema_col);
    for (size_t i = 0; i < ARRAY_LEN(system_dbs); i++)
        strbuf_printf(b, "%s'%s'", i ? "," : "", system_dbs[i]);
    for (size_t i = 0; i < cat->dbs.n; i++) {
        if (cat->dbs.v[i].state != CAT_PUBLIC)
            continue;
        strbuf_putc(b, ',');
        put_text(b, cat->dbs.v[i].name);
    }
    strbuf_putc(b, ')');
}

void infoschema_rows_put(struct session *s, const struct is_ref *ref, struct strbuf *b)
{
    uint32_t n_cols = ref->n_cols;
    bool any = false;

    strbuf_printf(b, "(SELECT * FROM information_schema.%s WHERE ", ref->desc->name);
    if (ref->desc->kind == IS_SCHEMATA)
        put_schemata(s, ref, b);
    else
        put_system_rows(ref, b);
    if (n_cols && !s->proxy->is_mariadb && sv_eq_cstr(SV("CHECK_CONSTRAINTS"), ref->desc->name))
        n_cols--; /* the table's name, see infoschema_rows_sql */
    for (size_t i = 0; i < ref->n_tables; i++) {
        const struct is_table *t = &ref->table_list[i];

        for (size_t k = 0; k < t->n_rows; k++) {
            const struct sv *row = t->rows + k * ref->n_cols;

            strbuf_puts(b, any ? "," : " UNION ALL VALUES ");
            strbuf_puts(b, s->proxy->is_mariadb ? "(" : "ROW(");
            for (uint32_t c = 0; c < n_cols; c++) {
                strbuf_puts(b, c ? "," : "");
                put_cell(b, &ref->cols[c], row[c]);
            }
            strbuf_putc(b, ')');
            any = true;
        }
    }
    strbuf_putc(b, ')');
}
