/* The rules, in order:
 *   SINGLE, BROADCAST or PARTITION BY written: as written. What MySQL demands of partitioned tables is demanded: every
 * unique key has all partition columns (1503), no foreign keys (1506) except those to BROADCAST tables, which each
 * partition can check on its own shard. Database mode `single`: SINGLE. Else (`auto`, `local`): KEY over the primary
 * key, one partition a shard; without one over the first unique key of NOT NULL columns, the AUTO_INCREMENT column, or
 * a hidden key. Whatever stands against that makes the table SINGLE, with a note: a unique key that lacks the partition
 *   columns, a tie by foreign keys, a partition column that Tessera cannot compute from an INSERT (generated, prefix,
 * floating point). RANGE, LIST and HASH clauses are tried out on a shard as a table of the partition columns alone,
 * partitioned by the server itself: it checks the clause by MySQL's rules, and gives canonical expression and bounds
 * back. */
#include "ddl/place.h"

#include "catalog/names.h"
#include "ddl/describe.h"
#include "ddl/sqlgen.h"
#include "types/coll.h"
#include "types/value.h"
#include "util/log.h"

#include <ctype.h>

/* ---- shards ---- */

uint32_t *place_active_shards(struct job *j, size_t *n)
{
    uint32_t *ids = ARENA_NEW_N(&j->arena, uint32_t, j->snap->shards.n + 1);

    *n = 0;
    array_each(&j->snap->shards, s)
        if (s->state == CAT_SHARD_ACTIVE)
            ids[(*n)++] = s->id;
    return ids;
}

uint32_t place_pick_shard(struct job *j, const struct cat_db *db)
{
    size_t n, best = 0;
    uint32_t *ids = place_active_shards(j, &n);
    size_t *counts = ARENA_NEW_N(&j->arena, size_t, n + 1);

    if (db && db->home_shard)
        return db->home_shard;
    if (n == 0)
        return 0;
    array_each(&j->snap->tables, t)
        for (size_t i = 0; i < n; i++)
            counts[i] += (*t)->kind == CAT_SINGLE && (*t)->parts_n && (*t)->parts[0].shard_id == ids[i];
    for (size_t i = 1; i < n; i++)
        if (counts[i] < counts[best])
            best = i;
    return ids[best];
}

/* ---- ties ---- */

static void tie_add(struct job *j, struct place_tables *l, const struct cat_table *t)
{
    if (!t || t->kind == CAT_BROADCAST)
        return;
    array_each(l, it)
        if (*it == t)
            return;
    array_push(l, &j->arena, t);
}

static bool refers_to(const struct cat_table *t, struct sv db, struct sv name)
{
    for (uint32_t i = 0; i < t->fks_n; i++)
        if (sv_eq(t->fks[i].ref_db, db) && sv_eq(t->fks[i].ref_table, name))
            return true;
    return false;
}

static void add_children(struct job *j, struct place_tables *l, struct sv db, struct sv name)
{
    array_each(&j->snap->tables, t)
        if (refers_to(*t, db, name))
            tie_add(j, l, *t);
}

/* Follows ties until nothing new comes. */
static void close_ties(struct job *j, struct place_tables *l)
{
    for (size_t i = 0; i < l->n; i++) {
        const struct cat_table *t = l->v[i];

        for (uint32_t k = 0; k < t->fks_n; k++)
            tie_add(j, l, cat_find_table(j->snap, t->fks[k].ref_db, t->fks[k].ref_table));
        add_children(j, l, t->db, t->name);
    }
}

static void remove_self(struct place_tables *l, struct sv db, struct sv name)
{
    for (size_t i = 0; i < l->n; i++) {
        if (sv_eq(l->v[i]->db, db) && sv_eq(l->v[i]->name, name)) {
            array_remove(l, i);
            return;
        }
    }
}

void place_tied(struct job *j, struct sv db, struct sv name, const struct define_fk *fks, size_t n_fks,
                struct place_tables *out)
{
    for (size_t i = 0; i < n_fks; i++)
        tie_add(j, out, cat_find_table(j->snap, fks[i].db.ptr ? fks[i].db : db, fks[i].table));
    add_children(j, out, db, name);
    close_ties(j, out);
    remove_self(out, db, name);
}

void place_tied_to(struct job *j, const struct cat_table *t, struct place_tables *out)
{
    tie_add(j, out, t);
    add_children(j, out, t->db, t->name); /* of BROADCAST tables too, which are no tie themselves */
    close_ties(j, out);
    remove_self(out, t->db, t->name);
}

uint32_t place_tied_shard(const struct place_tables *tied)
{
    uint32_t best = 0;
    size_t best_n = 0;

    array_each(tied, it) {
        size_t n = 0;

        if ((*it)->kind != CAT_SINGLE)
            continue;
        array_each(tied, o)
            n += (*o)->kind == CAT_SINGLE && (*o)->parts[0].shard_id == (*it)->parts[0].shard_id;
        if (n > best_n) {
            best_n = n;
            best = (*it)->parts[0].shard_id;
        }
    }
    return best;
}

/* Foreign keys that tie: all but those to BROADCAST tables. */
static bool has_ties(struct job *j, struct sv db, struct sv table, const struct define *def)
{
    struct place_tables tied = {0};

    for (size_t i = 0; i < def->n_fks; i++) {
        const struct cat_table *p =
            cat_find_table(j->snap, def->fks[i].db.ptr ? def->fks[i].db : db, def->fks[i].table);

        if (!p || p->kind != CAT_BROADCAST)
            return true;
    }
    place_tied(j, db, table, NULL, 0, &tied);
    return tied.n > 0;
}

/* ---- SINGLE, BROADCAST ---- */

static bool plan_single(struct job *j, const struct cat_db *db, struct sv table, const struct define *def,
                        const struct ast_create_table *ct, struct place *p, struct diag *d)
{
    struct place_tables tied = {0};
    uint32_t shard = 0;

    p->kind = CAT_SINGLE;
    p->n_parts = 1;
    p->parts = ARENA_NEW(&j->arena, struct place_part);
    p->parts->name = SV("p0");
    place_tied(j, db->name, table, def->fks, def->n_fks, &tied);
    if (ct && ast_ident_set(&ct->shard)) {
        const struct cat_shard *s = cat_find_shard(j->snap, ct->shard.name);

        if (!s)
            return diag_set(d, ER_UNKNOWN_SHARD, arena_dup(&j->arena, ct->shard.name).ptr);
        shard = s->id;
    }
    if (!shard)
        shard = place_tied_shard(&tied);
    if (!shard)
        shard = place_pick_shard(j, db);
    if (!shard)
        return diag_setf(d, ER_UNKNOWN_SHARD, "There is no active shard; CREATE SHARD adds one");
    p->parts->shard_id = shard;
    array_each(&tied, t)
        if ((*t)->kind != CAT_SINGLE || (*t)->parts[0].shard_id != shard)
            return diag_setf(d, ER_NOT_ON_PARTITIONED,
                             "Table '%.*s' is tied by foreign keys to '%.*s', which is not on the same shard",
                             SV_ARG(table), SV_ARG((*t)->name));
    return true;
}

static bool plan_broadcast(struct job *j, const struct cat_db *db, struct sv table, const struct define *def,
                           struct place *p, struct diag *d)
{
    p->kind = CAT_BROADCAST;
    if (has_ties(j, db->name, table, def))
        return diag_setf(d, ER_NOT_ON_PARTITIONED,
                         "BROADCAST table '%.*s' can have foreign keys to BROADCAST tables only", SV_ARG(table));
    return true;
}

/* ---- partitioned ---- */

static bool plan_spread(struct job *j, int64_t count, struct place *p, struct diag *d)
{
    size_t n_shards, n;
    uint32_t *shards = place_active_shards(j, &n_shards);

    if (n_shards == 0)
        return diag_setf(d, ER_UNKNOWN_SHARD, "There is no active shard; CREATE SHARD adds one");
    n = p->n_parts ? p->n_parts : count > 0 ? (size_t)count : n_shards;
    if (n > LIMIT_PARTITIONS)
        return diag_set(d, ER_TOO_MANY_PARTITIONS_ERROR);
    if (!p->parts)
        p->parts = ARENA_NEW_N(&j->arena, struct place_part, n);
    p->n_parts = n;
    for (size_t i = 0; i < n; i++) {
        if (!p->parts[i].name.ptr)
            p->parts[i].name = arena_printf(&j->arena, "p%zu", i);
        p->parts[i].shard_id = p->parts[i].shard_id ? p->parts[i].shard_id : shards[i % n_shards];
    }
    return true;
}

/* NULL: the column can be a partition column; else why not. */
static const char *unfit_column(const struct define *def, struct sv name)
{
    const struct define_column *c = define_column(def, name);
    const struct ast_type *t;

    if (!c)
        return NULL; /* the server will say 1072 or 1054 */
    if (c->generated)
        return "is generated";
    t = c->def->type ? AST_AS_CONST(type, c->def->type) : NULL;
    if (!t)
        return NULL;
    switch (t->base) {
    case AST_TYPE_FLOAT:
    case AST_TYPE_DOUBLE:
    case AST_TYPE_REAL:
        return "is a floating point number";
    case AST_TYPE_JSON:
    case AST_TYPE_GEOMETRY:
    case AST_TYPE_POINT:
    case AST_TYPE_LINESTRING:
    case AST_TYPE_POLYGON:
    case AST_TYPE_MULTIPOINT:
    case AST_TYPE_MULTILINESTRING:
    case AST_TYPE_MULTIPOLYGON:
    case AST_TYPE_GEOMETRYCOLLECTION:
    case AST_TYPE_VECTOR:
    case AST_TYPE_XMLTYPE:
    case AST_TYPE_UUID:
    case AST_TYPE_INET4:
    case AST_TYPE_INET6:
    case AST_TYPE_OTHER:
    case AST_TYPE_TINYBLOB:
    case AST_TYPE_BLOB:
    case AST_TYPE_MEDIUMBLOB:
    case AST_TYPE_LONGBLOB:
    case AST_TYPE_TINYTEXT:
    case AST_TYPE_TEXT:
    case AST_TYPE_MEDIUMTEXT:
    case AST_TYPE_LONGTEXT:
    case AST_TYPE_LONG:
    case AST_TYPE_LONG_VARBINARY:
        return "has a type that rows are not spread by";
    case AST_TYPE_TINYINT:
    case AST_TYPE_SMALLINT:
    case AST_TYPE_MEDIUMINT:
    case AST_TYPE_INT:
    case AST_TYPE_BIGINT:
    case AST_TYPE_BOOL:
    case AST_TYPE_BIT:
    case AST_TYPE_DECIMAL:
    case AST_TYPE_DATE:
    case AST_TYPE_TIME:
    case AST_TYPE_DATETIME:
    case AST_TYPE_TIMESTAMP:
    case AST_TYPE_YEAR:
    case AST_TYPE_CHAR:
    case AST_TYPE_VARCHAR:
    case AST_TYPE_BINARY:
    case AST_TYPE_VARBINARY:
    case AST_TYPE_ENUM:
    case AST_TYPE_SET:
    case AST_TYPE_SERIAL:
    case AST_TYPE_SIGNED:
    case AST_TYPE_UNSIGNED:
    case AST_TYPE_INTERVAL:
        return NULL;
    }
    return NULL;
}

/* The first key that keeps rows from being spread by cols, NULL if none. */
static const struct define_key *uncovered_key(const struct define *def, const struct sv *cols, size_t n_cols)
{
    for (size_t i = 0; i < def->n_keys; i++)
        if ((def->keys[i].type == AST_KEY_PRIMARY || def->keys[i].type == AST_KEY_UNIQUE) &&
            !define_key_covers(&def->keys[i], cols, n_cols))
            return &def->keys[i];
    return NULL;
}

static bool whole_not_null(const struct define *def, const struct define_key *k)
{
    for (size_t i = 0; i < k->n_cols; i++) {
        const struct define_column *c = k->cols[i].ptr && !k->prefix[i] ? define_column(def, k->cols[i]) : NULL;

        if (!c || (!c->not_null && k->type != AST_KEY_PRIMARY))
            return false;
    }
    return true;
}

/* Columns that a plain CREATE TABLE is partitioned by. False: none fits, *why says so. */
static bool choose_columns(struct job *j, const struct define *def, struct place *p, const char **why)
{
    const struct define_key *k = def->primary;

    *why = NULL;
    for (size_t i = 0; !k && i < def->n_keys; i++)
        if (def->keys[i].type == AST_KEY_UNIQUE && whole_not_null(def, &def->keys[i]))
            k = &def->keys[i];
    if (k) {
        if (!whole_not_null(def, k)) {
            *why = "its primary key holds only part of a column";
            return false;
        }
        p->cols = k->cols;
        p->n_cols = k->n_cols;
    } else if (def->auto_column) {
        p->cols = ARENA_NEW(&j->arena, struct sv);
        p->cols[0] = def->auto_column->def->name.name;
        p->n_cols = 1;
    } else {
        p->hidden = true;
        p->cols = ARENA_NEW(&j->arena, struct sv);
        p->cols[0] = SV(DESCRIBE_HIDDEN);
        p->n_cols = 1;
    }
    return true;
}

static struct sv key_title(struct arena *a, const struct define_key *k)
{
    struct strbuf b;

    strbuf_init(&b, a);
    strbuf_puts(&b, k->type == AST_KEY_PRIMARY ? "its primary key (" : "its unique key (");
    for (size_t i = 0; i < k->n_cols; i++) {
        strbuf_puts(&b, i ? ", " : "");
        if (k->cols[i].ptr)
            strbuf_putsv(&b, k->cols[i]);
        else
            strbuf_puts(&b, "expression");
    }
    strbuf_puts(&b, ") does not contain the partition key");
    return strbuf_sv(&b);
}

/* Empty: the table can be spread by default; else why not. */
static struct sv why_not_spread(struct job *j, const struct cat_db *db, struct sv table, const struct define *def,
                                struct place *p)
{
    const struct define_key *k;
    const char *why;

    if (j->force_single.len)
        return j->force_single;
    if (!names_fit(table, LIMIT_PARTITIONS))
        return SV("its name leaves no room for the names of partitions");
    if (!choose_columns(j, def, p, &why))
        return sv_cstr(why);
    for (size_t i = 0; i < p->n_cols; i++)
        if ((why = unfit_column(def, p->cols[i])) != NULL)
            return arena_printf(&j->arena, "its key column '%.*s' %s", SV_ARG(p->cols[i]), why);
    if ((k = uncovered_key(def, p->cols, p->n_cols)) != NULL)
        return key_title(&j->arena, k);
    if (has_ties(j, db->name, table, def))
        return SV("foreign keys tie it to other tables, which stay together on one shard");
    return SV("");
}

static bool plan_default(struct job *j, const struct cat_db *db, struct sv table, const struct define *def,
                         struct place *p, struct diag *d)
{
    struct sv why;

    if (db->mode == CAT_DB_SINGLE)
        return plan_single(j, db, table, def, NULL, p, d);
    why = why_not_spread(j, db, table, def, p);
    if (why.len) {
        *p = (struct place){.note = arena_dup(&j->arena, why)};
        return plan_single(j, db, table, def, NULL, p, d);
    }
    p->kind = CAT_PARTITIONED;
    p->method = CAT_PART_KEY;
    p->by_columns = p->by_default = true;
    return plan_spread(j, -1, p, d);
}

/* ---- PARTITION BY as written ---- */

static bool check_written(struct job *j, const struct cat_db *db, struct sv table, const struct define *def,
                          struct place *p, struct diag *d)
{
    const struct define_key *k = uncovered_key(def, p->cols, p->n_cols);

    if (k)
        return diag_set(d, ER_UNIQUE_KEY_NEED_ALL_FIELDS_IN_PF,
                        k->type == AST_KEY_PRIMARY ? "PRIMARY KEY" : "UNIQUE INDEX");
    for (size_t i = 0; i < p->n_cols; i++) {
        const char *why = unfit_column(def, p->cols[i]);

        if (why)
            return diag_setf(d, ER_PARTITION_ENTRY_ERROR, "Table '%.*s' cannot be partitioned by column '%.*s': it %s",
                             SV_ARG(table), SV_ARG(p->cols[i]), why);
        if (!define_column(def, p->cols[i]) && !p->hidden)
            return diag_set(d, ER_KEY_COLUMN_DOES_NOT_EXITS, arena_dup(&j->arena, p->cols[i]).ptr);
    }
    if (has_ties(j, db->name, table, def))
        return diag_set(d, ER_FOREIGN_KEY_ON_PARTITIONED);
    return true;
}

static void written_columns(struct job *j, const struct ast_partition_by *by, struct place *p)
{
    p->n_cols = by->columns.n;
    p->cols = ARENA_NEW_N(&j->arena, struct sv, by->columns.n + 1);
    for (size_t i = 0; i < by->columns.n; i++)
        p->cols[i] = by->columns.items[i].name;
}

struct column_names {
    struct job *j;
    struct place *p;
};

static enum ast_walk collect_column(struct ast_node **slot, void *arg)
{
    struct column_names *c = arg;
    struct sv name, *more;

    if ((*slot)->kind != AST_COLUMN)
        return AST_CONTINUE;
    name = AST_AS(column, *slot)->name.name;
    for (size_t i = 0; i < c->p->n_cols; i++)
        if (sv_eq_nocase(c->p->cols[i], name))
            return AST_CONTINUE;
    more = ARENA_NEW_N(&c->j->arena, struct sv, c->p->n_cols + 1);
    if (c->p->n_cols)
        memcpy(more, c->p->cols, c->p->n_cols * sizeof *more);
    more[c->p->n_cols++] = name;
    c->p->cols = more;
    return AST_CONTINUE;
}

static bool plan_key(struct job *j, const struct define *def, const struct ast_partition_by *by, struct place *p,
                     struct diag *d)
{
    const char *why;

    p->method = CAT_PART_KEY;
    p->by_columns = true;
    written_columns(j, by, p);
    if (p->n_cols == 0 && !choose_columns(j, def, p, &why))
        return diag_setf(d, ER_PARTITION_ENTRY_ERROR, "PARTITION BY KEY () is not possible: %s", why);
    return true;
}

static bool plan_parts(struct job *j, const struct ast_partition_by *by, struct place *p, struct diag *d)
{
    size_t n = by->parts.n;

    p->parts = ARENA_NEW_N(&j->arena, struct place_part, n + 1);
    p->n_parts = n;
    for (size_t i = 0; i < n; i++) {
        const struct ast_partition_def *pd = AST_AS_CONST(partition_def, by->parts.items[i]);

        p->parts[i].name = pd->name.name;
        p->parts[i].comment = define_option_text(define_option(&pd->options, "COMMENT"));
        if (ast_ident_set(&pd->shard)) {
            const struct cat_shard *s = cat_find_shard(j->snap, pd->shard.name);

            if (!s)
                return diag_set(d, ER_UNKNOWN_SHARD, arena_dup(&j->arena, pd->shard.name).ptr);
            p->parts[i].shard_id = s->id;
        }
    }
    return true;
}

/* One partition description of information_schema.partitions into bounds: literals, NULL, MAXVALUE, DEFAULT, tuples in
 * parentheses, separated by commas. */
static bool read_bounds(struct job *j, struct sv text, uint32_t width, struct place_part *part, struct diag *d)
{
    struct arena *a = &j->arena;
    struct cat_bound *b = ARENA_NEW_N(a, struct cat_bound, text.len + 1);
    const char *p = text.ptr, *end = p + text.len;
    uint32_t n = 0;

    while (p < end) {
        if (strchr(" ,()", *p)) {
            p++;
            continue;
        }
        if (*p == '_') { /* introducer */
            while (p < end && *p != '\'' && *p != ' ')
                p++;
            continue;
        }
        if (*p == '\'') {
            struct strbuf s;

            strbuf_init(&s, a);
            for (p++; p < end; p++) {
                if (*p == '\'' && (p + 1 == end || p[1] != '\''))
                    break;
                if ((*p == '\'' || *p == '\\') && p + 1 < end)
                    p++;
                strbuf_putc(&s, *p);
            }
            p++;
            b[n++] = (struct cat_bound){CAT_BOUND_VALUE, s.len ? strbuf_sv(&s) : SV("")};
        } else if (p[0] == '0' && end - p > 2 && (p[1] | 0x20) == 'x') {
            /* How binary strings are described that are no plain text. */
            const char *stop = p + 2;
            struct value v;

            while (stop < end && isxdigit((unsigned char)*stop))
                stop++;
            if (!value_parse_hex_bin(sv_make(p, (size_t)(stop - p)), false, a, &v))
                return diag_setf(d, ER_INTERNAL, "Internal error: partition bounds '%.*s'", SV_ARG(text));
            if (memchr(v.s.ptr, 0, v.s.len) || !coll_is_valid(255, v.s))
                return diag_set(d, ER_NOT_SUPPORTED_YET, "a partition bound that is no text");
            b[n++] = (struct cat_bound){CAT_BOUND_VALUE, v.s};
            p = stop;
        } else {
            const char *stop = p;
            struct sv word;

            while (stop < end && !strchr(" ,()", *stop))
                stop++;
            word = sv_make(p, (size_t)(stop - p));
            b[n].kind = sv_eq_nocase(word, SV("MAXVALUE"))  ? CAT_BOUND_MAXVALUE
                        : sv_eq_nocase(word, SV("NULL"))    ? CAT_BOUND_NULL
                        : sv_eq_nocase(word, SV("DEFAULT")) ? CAT_BOUND_DEFAULT
                                                            : CAT_BOUND_VALUE;
            b[n].text = arena_dup(a, b[n].kind == CAT_BOUND_VALUE ? word : SV(""));
            n++;
            p = stop;
        }
    }
    /* DEFAULT stands for all columns of the tuple. */
    if (n == 1 && b[0].kind == CAT_BOUND_DEFAULT)
        for (; n < width; n++)
            b[n] = b[0];
    if (width == 0 || n == 0 || n % width)
        return diag_setf(d, ER_INTERNAL, "Internal error: partition bounds '%.*s'", SV_ARG(text));
    part->tuples_n = n / width;
    part->bounds = cat_bounds_to_json(b, n, a);
    return true;
}

static bool read_scratch(struct job *j, struct mconn *c, struct sv db, struct sv name,
                         const struct ast_partition_by *by, struct place *p, struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(c, &j->arena, &r, d,
                      "SELECT partition_name, partition_expression, partition_description, partition_method FROM "
                      "information_schema.partitions "
                      "WHERE table_schema = %Q AND table_name = %Q AND (subpartition_ordinal_position IS NULL OR "
                      "subpartition_ordinal_position = 1) "
                      "ORDER BY partition_ordinal_position",
                      &db, &name))
        return false;
    if (r.rows == 0)
        return diag_setf(d, ER_INTERNAL, "Internal error: the server did not partition a table");
    if (!p->by_columns)
        p->expr = mresult_cell(&r, 0, 1);
    if (p->method == CAT_PART_HASH)
        return true;
    if (p->n_parts != r.rows)
        return diag_setf(d, ER_INTERNAL, "Internal error: the server made another number of partitions");
    for (uint32_t i = 0; i < r.rows; i++) {
        /* DEFAULT is described there as 0 or MAXVALUE. */
        bool is_default = AST_AS_CONST(partition_def, by->parts.items[i])->bound == AST_PART_DEFAULT;

        if (!read_bounds(j, is_default ? SV("DEFAULT") : mresult_cell(&r, i, 2),
                         p->by_columns ? (uint32_t)p->n_cols : 1, &p->parts[i], d))
            return false;
    }
    return true;
}

/* CREATE TABLE of the partition columns alone, with the partitioning clause, on one shard; read back; dropped. */
static bool try_out(struct job *j, const struct cat_db *db, struct sv table, const struct ast_create_table *ct,
                    const struct define *def, struct place *p, struct diag *d)
{
    struct sv name = arena_printf(&j->arena, "tessera_try_%lu", (unsigned long)j->id), sql;
    uint32_t shard = place_pick_shard(j, NULL);
    struct mconn *c;
    struct diag d2;
    bool ok;

    sql = sqlgen_try_partitioning(j, ct, def, p->cols, p->n_cols, db->name, name, d);
    if (!sql.ptr)
        return false;
    if (!job_open_shard(j, shard, true, &c, d))
        return false;
    ok = mconn_exec(c, sql, d);
    if (ok) {
        ok = fan_set_env(c, NULL, d) &&
             read_scratch(j, c, db->name, name, AST_AS_CONST(partition_by, ct->partition), p, d);
        diag_clear(&d2);
        if (!mconn_execf(c, &d2, "DROP TABLE IF EXISTS %I.%I", &db->name, &name))
            log_warn(LOG_DDL, "dropping %.*s: %s", SV_ARG(name), d2.text);
    }
    mconn_close(c);
    (void)table;
    return ok;
}

static bool plan_written(struct job *j, const struct cat_db *db, struct sv table, struct ast_create_table *ct,
                         const struct define *def, struct place *p, struct diag *d)
{
    struct ast_partition_by *by = AST_AS(partition_by, ct->partition);
    struct column_names names = {j, p};

    p->kind = CAT_PARTITIONED;
    p->linear = by->linear;
    if (by->count == 0 || (by->sub && AST_AS_CONST(partition_by, by->sub)->count == 0))
        return diag_set(d, ER_NO_PARTS_ERROR, by->count == 0 ? "partitions" : "subpartitions");
    if (by->sub) {
        job_note(j, DDL_NOTE, ER_TABLE_SINGLE,
                 "Subpartitions of table '%.*s' are left out: its partitions are spread over the shards",
                 SV_ARG(table));
        by->sub = NULL;
        AST_EACH(slot, &by->parts)
            AST_AS(partition_def, *slot)->subs.n = 0;
    }
    if (!plan_parts(j, by, p, d))
        return false;
    switch (by->method) {
    case AST_PART_KEY:
        if (!plan_key(j, def, by, p, d))
            return false;
        break;
    case AST_PART_HASH:
        p->method = CAT_PART_HASH;
        break;
    case AST_PART_RANGE:
    case AST_PART_RANGE_COLUMNS:
        p->method = CAT_PART_RANGE;
        break;
    case AST_PART_LIST:
    case AST_PART_LIST_COLUMNS:
        p->method = CAT_PART_LIST;
        break;
    case AST_PART_SYSTEM_TIME:
        return diag_set(d, ER_NOT_SUPPORTED_YET, "PARTITION BY SYSTEM_TIME");
    }
    if (by->method == AST_PART_RANGE_COLUMNS || by->method == AST_PART_LIST_COLUMNS) {
        p->by_columns = true;
        written_columns(j, by, p);
    } else if (by->method != AST_PART_KEY) {
        (void)ast_walk(&by->expr, collect_column, NULL, &names);
    }
    if (!check_written(j, db, table, def, p, d))
        return false;
    if (by->method != AST_PART_KEY && !try_out(j, db, table, ct, def, p, d))
        return false;
    if (by->parts.n == 0) {
        p->parts = NULL;
        p->n_parts = 0;
    }
    return plan_spread(j, by->count, p, d) &&
           (names_fit(table, (uint32_t)p->n_parts) ||
            diag_set(d, ER_TOO_LONG_IDENT, arena_dup(&j->arena, table).ptr));
}

bool place_plan(struct job *j, const struct cat_db *db, struct sv table, struct ast_create_table *ct,
                const struct define *def, struct place *out, struct diag *d)
{
    *out = (struct place){0};
    switch (ct->placement) {
    case AST_PLACEMENT_SINGLE:
        return plan_single(j, db, table, def, ct, out, d);
    case AST_PLACEMENT_BROADCAST:
        return plan_broadcast(j, db, table, def, out, d);
    case AST_PLACEMENT_NONE:
        break;
    }
    return ct->partition ? plan_written(j, db, table, ct, def, out, d) : plan_default(j, db, table, def, out, d);
}
