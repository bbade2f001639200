/* Steps: the new tables' names are free on the target shard -> nobody uses the tables (hold.c) -> gate on all old tables; new tables made from the old
 * definition; rows copied -> old tables renamed out of the way, still under the gate, so that nobody who planned by the
 * old version writes there -> catalog -> old tables dropped. Undone before the catalog by renaming back and dropping
 * the new tables.
 *
 * Rows are read as text over the connection that holds the gate's locks and written in batches. What text would not
 * carry goes as hexadecimal (binary strings, BIT, geometry) or as DOUBLE (FLOAT). TIMESTAMPs travel in UTC, character
 * data in utf8mb4. */
#include "ddl/gather.h"

#include "ddl/define.h"
#include "ddl/describe.h"
#include "ddl/gate.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "util/fault.h"

enum {
    GATHER_BATCH_BYTES = 512 << 10,
    GATHER_MAX_ROWS = 5000000,
    GATHER_RETIRED_BASE = 800000 /* partition numbers of old tables on their way out */
};

/* ---- what has to be moved ---- */

static bool movable(struct job *j, const struct cat_table *t, struct diag *d)
{
    (void)j;
    if (t->kind == CAT_SINGLE || (t->kind == CAT_PARTITIONED && t->part.by_default))
        return true;
    return diag_setf(d, ER_FOREIGN_KEY_ON_PARTITIONED,
                     "Table '%.*s' is partitioned as its CREATE TABLE said; it cannot be put on one shard for foreign "
                     "keys or unique keys",
                     SV_ARG(t->name));
}

static bool add_table(struct job *j, struct gather *g, const struct cat_table *t, struct diag *d)
{
    array_each(&g->tables, it)
        if (*it == t)
            return true;
    if (t->kind == CAT_SINGLE && t->parts[0].shard_id == g->shard)
        return true;
    if (!movable(j, t, d))
        return false;
    array_push(&g->tables, &j->arena, t);
    return true;
}

/* All of `all` to one shard. */
static bool gather_ties(struct job *j, const struct cat_db *db, const struct place_tables *all, struct gather *out,
                        struct diag *d)
{
    out->shard = place_tied_shard(all);
    if (!out->shard)
        out->shard = place_pick_shard(j, db);
    out->note = SV("foreign keys tie it to other tables, which stay together on one shard");
    for (size_t i = 0; i < all->n; i++)
        if (!add_table(j, out, all->v[i], d))
            return false;
    return true;
}

bool gather_for_create(struct job *j, struct ast_node *ast, struct gather *out, struct diag *d)
{
    struct ast_create_table *ct = AST_AS(create_table, ast);
    struct place_tables tied = {0};
    const struct cat_db *db;
    struct define def;
    struct sv db_name, name;

    *out = (struct gather){0};
    if (ct->like || ct->partition || ct->placement == AST_PLACEMENT_BROADCAST)
        return true;
    if (!job_table_name(j, ct->table, &db_name, &name, d) || !define_read(&j->arena, &ct->elements, &def, d))
        return false;
    db = cat_find_db(j->snap, db_name);
    if (!db || cat_find_table_any(j->snap, db_name, name))
        return true; /* the plan says what is wrong */
    place_tied(j, db_name, name, def.fks, def.n_fks, &tied);
    if (tied.n == 0)
        return true;
    if (ast_ident_set(&ct->shard) && cat_find_shard(j->snap, ct->shard.name)) {
        out->shard = cat_find_shard(j->snap, ct->shard.name)->id;
        out->note = SV("foreign keys tie it to other tables, which stay together on one shard");
        array_each(&tied, t)
            if (!add_table(j, out, *t, d))
                return false;
        return true;
    }
    return gather_ties(j, db, &tied, out, d);
}

static bool has_hidden(const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].hidden)
            return true;
    return false;
}

/* A unique key that the table cannot check while its rows are spread. */
static bool needs_one_shard(struct job *j, const struct cat_table *t, const struct define_key *k)
{
    if (k->type == AST_KEY_PRIMARY && has_hidden(t))
        return true;
    if (k->type != AST_KEY_PRIMARY && k->type != AST_KEY_UNIQUE)
        return false;
    (void)j;
    for (uint32_t i = 0; i < t->part.columns_n; i++)
        if (!define_key_covers(k, &t->columns[t->part.columns[i]].name, 1))
            return true;
    return false;
}

static bool action_needs_one_shard(struct job *j, const struct cat_table *t, struct ast_alter_action *act)
{
    struct ast_list one = {.items = &act->def, .n = act->def != NULL}, *l = act->def ? &one : &act->defs;
    struct define_key key;
    struct define def;
    struct diag d;

    if (act->op == AST_ALTER_ADD_KEY) {
        if (AST_AS(key_def, act->def)->type == AST_KEY_FOREIGN)
            return false;
        define_read_key(&j->arena, AST_AS(key_def, act->def), &key);
        return needs_one_shard(j, t, &key);
    }
    if (act->op != AST_ALTER_ADD_COLUMN && act->op != AST_ALTER_MODIFY_COLUMN && act->op != AST_ALTER_CHANGE_COLUMN)
        return false;
    diag_clear(&d);
    if (!define_read(&j->arena, l, &def, &d))
        return false;
    for (size_t i = 0; i < def.n_keys; i++)
        if (needs_one_shard(j, t, &def.keys[i]))
            return true;
    /* A table that is spread by a hidden AUTO_INCREMENT column, or that would number its rows on each partition. */
    return def.auto_column && (act->op == AST_ALTER_ADD_COLUMN || has_hidden(t));
}

static bool collect_fk_ties(struct job *j, const struct cat_table *t, const struct ast_alter_table *at,
                            struct place_tables *all)
{
    bool any = false;

    AST_EACH(slot, &at->actions) {
        const struct ast_alter_action *act = AST_AS_CONST(alter_action, *slot);
        const struct ast_key_def *k;
        struct define_fk fk;
        const struct cat_table *p;

        if (act->op != AST_ALTER_ADD_KEY || (k = AST_AS_CONST(key_def, act->def))->type != AST_KEY_FOREIGN)
            continue;
        define_read_fk(&j->arena, AST_AS_CONST(references, k->references), k->symbol.name, &k->parts, NULL, &fk);
        p = cat_find_table(j->snap, fk.db.ptr ? fk.db : t->db, fk.table);
        if (p && p->kind == CAT_BROADCAST)
            continue;
        any = true;
        place_tied(j, t->db, t->name, &fk, 1, all);
    }
    if (any)
        place_tied_to(j, t, all); /* what it is tied to already comes along */
    return any;
}

bool gather_for_alter(struct job *j, struct ast_node *ast, struct gather *out, struct diag *d)
{
    struct ast_alter_table *at =
        ast->kind == AST_ALTER_TABLE ? AST_AS(alter_table, ast) : alter_from_index(&j->arena, ast);
    struct place_tables all = {0};
    const struct cat_table *t;
    struct sv db, name;

    *out = (struct gather){0};
    if (!job_table_name(j, at->table, &db, &name, d))
        return false;
    t = cat_find_table(j->snap, db, name);
    if (!t || t->kind == CAT_BROADCAST)
        return true;
    if (collect_fk_ties(j, t, at, &all)) {
        bool listed = false;

        array_each(&all, it)
            listed = listed || *it == t;
        if (!listed)
            array_push(&all, &j->arena, t);
        return gather_ties(j, cat_find_db(j->snap, db), &all, out, d);
    }
    if (t->kind != CAT_PARTITIONED || !t->part.by_default)
        return true;
    AST_EACH(slot, &at->actions) {
        if (!action_needs_one_shard(j, t, AST_AS(alter_action, *slot)))
            continue;
        out->shard = place_pick_shard(j, cat_find_db(j->snap, db));
        out->note = SV("it has a unique key that does not contain the key by which it was spread");
        return add_table(j, out, t, d);
    }
    return true;
}

/* ---- the plan ---- */

/* The server's estimate: moving a large table by the way would block it for long. */
static bool small_enough(struct job *j, const struct cat_table *t, struct diag *d)
{
    uint64_t rows = 0;

    for (size_t i = 0; i < job_places(j, t); i++) {
        struct job_place p = job_place_at(j, t, i);
        struct mconn *c;
        struct mresult r;
        bool ok;

        if (!job_open_shard(j, p.shard_id, false, &c, d))
            return false;
        ok =
            mconn_queryf(c, &j->arena, &r, d,
                         "SELECT table_rows FROM information_schema.tables WHERE table_schema = %Q AND table_name = %Q",
                         &p.db, &p.name);
        mconn_close(c);
        if (!ok)
            return false;
        rows += r.rows ? mresult_u64(&r, 0, 0) : 0;
    }
    if (rows <= GATHER_MAX_ROWS)
        return true;
    return diag_setf(d, ER_NOT_ON_PARTITIONED,
                     "Table '%.*s' has about %lu rows, too many to be moved to one shard by the way", SV_ARG(t->name),
                     (unsigned long)rows);
}

static json_t *single_place(const struct cat_table *t, uint32_t shard, struct sv note)
{
    struct place_part part = {.name = SV("p0"), .shard_id = shard};
    struct place p = {.kind = CAT_SINGLE, .parts = &part, .n_parts = 1, .note = note};

    (void)t;
    return place_to_json(&p);
}

/* CREATE TABLE under the logical name, hidden columns included, as the first place has it. */
bool gather_create_text(struct job *j, const struct cat_table *t, struct sv *out, struct diag *d)
{
    struct job_place p = job_place_at(j, t, 0);
    struct shape s;
    struct mconn *c;
    bool ok;

    if (!job_open_shard(j, p.shard_id, false, &c, d))
        return false;
    ok = describe_shape(c, p.db, p.name, p.part_no, &j->arena, &s, d);
    mconn_close(c);
    if (ok)
        *out = shape_print(&j->arena, &s, t->name, SV_NULL, SV_NULL);
    return ok;
}

/* SELECT list and column list for copying. */
static void copy_lists(struct job *j, const struct cat_table *t, struct sv *columns, struct sv *select,
                       struct sv *kinds)
{
    struct strbuf c, s, k;

    strbuf_init(&c, &j->arena);
    strbuf_init(&s, &j->arena);
    strbuf_init(&k, &j->arena);
    for (uint32_t i = 0; i < t->columns_n; i++) {
        const struct cat_column *col = &t->columns[i];
        uint8_t code = col->type.code;
        bool text = (code == 253 || code == 254 || code == 252) && col->type.coll_id != 63;
        bool binary = !text && (code == 252 || code == 253 || code == 254 || code == 255 || code == 16 || code == 242);

        if (col->generated != CAT_NOT_GENERATED)
            continue;
        /* MariaDB's UUID and INET types are text on the wire. */
        if (sv_eq_nocase(col->type.text, SV("uuid")) || sv_starts(col->type.text, SV("inet")))
            binary = false;
        strbuf_puts(&c, c.len ? "," : "");
        strbuf_put_ident(&c, col->name);
        strbuf_puts(&s, s.len ? "," : "");
        strbuf_puts(&s, binary ? "HEX(" : "");
        strbuf_put_ident(&s, col->name);
        strbuf_puts(&s, binary ? ")" : code == 4 ? "+0e0" : "");
        strbuf_putc(&k, binary ? 'x' : 't');
    }
    *columns = strbuf_sv(&c);
    *select = strbuf_sv(&s);
    *kinds = strbuf_sv(&k);
}

json_t *gather_table_json(struct job *j, const struct cat_table *t, uint32_t shard, json_t *places, struct sv create)
{
    json_t *o = json_pack("{s:I, s:o, s:I, s:I}", "s", (json_int_t)shard, "items", places, "id", (json_int_t)t->id,
                          "auto_inc", (json_int_t)t->auto_inc_start);
    struct sv columns, select, kinds;

    copy_lists(j, t, &columns, &select, &kinds);
    json_object_set_new(o, "db", job_json_text(t->db));
    json_object_set_new(o, "name", job_json_text(t->name));
    json_object_set_new(o, "create", job_json_text(create));
    json_object_set_new(o, "columns", job_json_text(columns));
    json_object_set_new(o, "select", job_json_text(select));
    json_object_set_new(o, "kinds", job_json_text(kinds));
    return o;
}

static struct sv retired_name(struct arena *a, struct sv table, size_t i)
{
    return names_scratch(a, table, (uint32_t)(GATHER_RETIRED_BASE + i));
}

static bool stays(const struct cat_table *t, uint32_t shard)
{
    return t->parts_n == 1 && t->parts[0].shard_id == shard;
}

bool gather_plan(struct job *j, const struct gather *g, struct diag *d)
{
    json_t *absent = json_array(), *tables = json_array(), *gate = json_array(), *sql, *o;

    for (size_t i = 0; i < g->tables.n; i++) {
        const struct cat_table *t = g->tables.v[i];
        struct sv create;
        json_t *places;

        if (!small_enough(j, t, d) || !gather_create_text(j, t, &create, d)) {
            json_decref(absent);
            json_decref(tables);
            json_decref(gate);
            return false;
        }
        places = job_places_json(j, t);
        json_array_extend(gate, places);
        if (stays(t, g->shard)) {
            /* Its only partition is there already, under the name that it will have: only the catalog changes. */
            json_array_clear(places);
            o = gather_table_json(j, t, g->shard, places, create);
            json_object_set_new(o, "stays", json_true());
            json_object_set_new(o, "place", single_place(t, g->shard, g->note));
            json_array_append_new(tables, o);
            continue;
        }
        o = gather_table_json(j, t, g->shard, places, create);
        json_object_set_new(o, "place", single_place(t, g->shard, g->note));
        json_array_append_new(tables, o);
        o = json_pack("{s:I}", "s", (json_int_t)g->shard);
        json_object_set_new(o, "db", job_json_text(t->db));
        json_object_set_new(o, "name", job_json_text(t->name));
        json_array_append_new(absent, o);
    }
    j->env.no_foreign_key_checks = j->env.no_unique_checks = true;
    job_set_env(j);
    job_step(j, "absent", json_pack("{s:o}", "items", absent));
    job_step_hold(j, &g->tables);
    job_step(j, "gather", json_pack("{s:O, s:o}", "tables", tables, "gate", gate));
    job_step(j, "retire", json_pack("{s:O}", "tables", tables));
    job_step(j, "pub_gather", json_pack("{s:o}", "tables", tables));
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    sql = job_sql_step(j);
    for (size_t i = 0; i < g->tables.n; i++) {
        for (size_t k = 0; !stays(g->tables.v[i], g->shard) && k < job_places(j, g->tables.v[i]); k++) {
            struct job_place p = job_place_at(j, g->tables.v[i], k);
            struct sv retired = retired_name(&j->arena, g->tables.v[i]->name, k);

            job_sql_item(sql, p.shard_id, mconn_sql(&j->arena, "DROP TABLE IF EXISTS %I.%I", &p.db, &retired), SV_NULL);
        }
    }
    return true;
}

/* ---- the step ---- */

struct copy {
    struct mconn *to;
    struct arena *a;
    struct strbuf b;
    struct sv head, kinds;
    struct diag *d;
    uint64_t rows;
    bool ok;
};

static bool flush(struct copy *x)
{
    if (x->ok && x->b.len > x->head.len)
        x->ok = mconn_exec(x->to, strbuf_sv(&x->b), x->d);
    x->b.len = 0;
    strbuf_putsv(&x->b, x->head);
    return x->ok;
}

static bool copy_row(void *arg, const struct sv *cells, uint32_t n)
{
    struct copy *x = arg;

    strbuf_puts(&x->b, x->b.len > x->head.len ? ",(" : "(");
    for (uint32_t i = 0; i < n; i++) {
        strbuf_puts(&x->b, i ? "," : "");
        if (!cells[i].ptr) {
            strbuf_puts(&x->b, "NULL");
        } else if (i < x->kinds.len && x->kinds.ptr[i] == 'x') {
            strbuf_puts(&x->b, "x'");
            strbuf_putsv(&x->b, cells[i]);
            strbuf_putc(&x->b, '\'');
        } else {
            mconn_put_quoted(&x->b, cells[i]);
        }
    }
    strbuf_putc(&x->b, ')');
    x->rows++;
    return x->b.len < GATHER_BATCH_BYTES || flush(x);
}

static bool copy_from(struct job *j, struct mconn *to, const json_t *table, const json_t *place, struct diag *d)
{
    struct sv db = job_json_sv(table, "db"), name = job_json_sv(table, "name"), columns = job_json_sv(table, "columns"),
              select = job_json_sv(table, "select");
    struct sv from_db = job_json_sv(place, "db"), from = job_json_sv(place, "name");
    struct mconn *c = gate_conn(j->gate, (uint32_t)job_json_u64(place, "s"));
    struct arena a;
    struct copy x = {.to = to, .a = &a, .kinds = job_json_sv(table, "kinds"), .d = d, .ok = true};
    bool ok;

    arena_init(&a, 0);
    x.head = mconn_sql(&a, "INSERT INTO %I.%I (%S) VALUES ", &db, &name, &columns);
    strbuf_init(&x.b, &a);
    strbuf_putsv(&x.b, x.head);
    ok = mconn_exec(c, SV("SET time_zone='+00:00'"), d) &&
         mconn_each(c, mconn_sql(&a, "SELECT %S FROM %I.%I", &select, &from_db, &from), copy_row, &x, d) && x.ok &&
         flush(&x);
    arena_free(&a);
    return ok;
}

bool gather_table(struct job *j, json_t *table, struct diag *d)
{
    struct sv db = job_json_sv(table, "db"), name = job_json_sv(table, "name");
    json_t *items = json_object_get(table, "items"), *o;
    struct mconn *to;
    size_t i;
    bool ok;

    if (json_is_true(json_object_get(table, "stays")))
        return true;
    if (!job_open_shard(j, (uint32_t)job_json_u64(table, "s"), false, &to, d))
        return false;
    ok = mconn_exec(
             to, SV("SET foreign_key_checks=0, unique_checks=0, time_zone='+00:00', sql_mode='NO_AUTO_VALUE_ON_ZERO'"),
             d) &&
         mconn_execf(to, d, "DROP TABLE IF EXISTS %I.%I", &db, &name) && mconn_execf(to, d, "USE %I", &db) &&
         mconn_exec(to, job_json_sv(table, "create"), d);
    json_array_foreach(items, i, o) {
        ok = ok && copy_from(j, to, table, o, d);
        if (ok)
            (void)FAULT("ddl.some_done");
    }
    mconn_close(to);
    return ok;
}

static bool gather_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *t;
    size_t i;

    if (!job_take_gate(j, json_object_get(step, "gate"), d))
        return false;
    json_array_foreach(tables, i, t) {
        if (!gather_table(j, t, d))
            return false;
    }
    (void)FAULT("ddl.all_done");
    return true;
}

static bool gather_undo(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *t;
    size_t i;

    json_array_foreach(tables, i, t) {
        struct sv db = job_json_sv(t, "db"), name = job_json_sv(t, "name");
        struct mconn *c;
        bool ok;

        if (json_is_true(json_object_get(t, "stays")))
            continue;
        if (!job_open_shard(j, (uint32_t)job_json_u64(t, "s"), true, &c, d))
            return false;
        ok = mconn_execf(c, d, "DROP TABLE IF EXISTS %I.%I", &db, &name);
        mconn_close(c);
        if (!ok)
            return false;
        (void)FAULT("ddl.some_undone");
    }
    return true;
}

const struct job_op job_op_gather = {.name = "gather", .run = gather_run, .undo = gather_undo};

/* ---- retire ---- */

static bool retire_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *t, *o;
    size_t i, k;

    json_array_foreach(tables, i, t) {
        json_array_foreach(json_object_get(t, "items"), k, o) {
            struct sv db = job_json_sv(o, "db"), name = job_json_sv(o, "name"),
                      retired = retired_name(&j->arena, job_json_sv(t, "name"), k);
            struct mconn *c = j->gate ? gate_conn(j->gate, (uint32_t)job_json_u64(o, "s")) : NULL;

            if (!c)
                return diag_setf(d, ER_SHARD_LOST,
                                 "The connection that holds the tables' locks was lost while rows were moved");
            if (!mconn_execf(c, d, "ALTER TABLE %I.%I RENAME TO %I.%I", &db, &name, &db, &retired))
                return false;
            (void)FAULT("ddl.some_done");
        }
    }
    (void)FAULT("ddl.all_done");
    return true;
}

/* Whichever of the two names is there becomes the old one. */
static bool retire_undo(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *t, *o;
    size_t i, k;

    json_array_foreach(tables, i, t) {
        json_array_foreach(json_object_get(t, "items"), k, o) {
            struct sv db = job_json_sv(o, "db"), name = job_json_sv(o, "name"),
                      retired = retired_name(&j->arena, job_json_sv(t, "name"), k);
            struct mresult r;
            struct mconn *c;
            bool ok;

            if (!job_open_shard(j, (uint32_t)job_json_u64(o, "s"), false, &c, d))
                return false;
            ok = mconn_queryf(c, &j->arena, &r, d,
                              "SELECT 1 FROM information_schema.tables WHERE table_schema = %Q AND table_name = %Q",
                              &db, &retired) &&
                 (r.rows == 0 || mconn_execf(c, d, "RENAME TABLE %I.%I TO %I.%I", &db, &retired, &db, &name));
            mconn_close(c);
            if (!ok)
                return false;
            (void)FAULT("ddl.some_undone");
        }
    }
    return true;
}

const struct job_op job_op_retire = {.name = "retire", .run = retire_run, .undo = retire_undo};

static bool pub_gather_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *t;
    struct metadb_tx tx = {0};
    size_t i;

    /* What was copied is what there is only while the locks have been held. */
    if (!j->gate || !gate_holds(j->gate))
        return diag_setf(d, ER_SHARD_LOST,
                         "The connection that holds the tables' locks was lost while rows were moved");
    if (!job_publish_begin(j, &tx, d))
        goto failed;
    json_array_foreach(tables, i, t) {
        if (!job_put_table(j, &tx, json_object_get(t, "place"), job_json_sv(t, "db"), job_json_sv(t, "name"),
                           job_json_u64(t, "id"), job_json_u64(t, "auto_inc"), d))
            goto failed;
    }
    if (!job_publish_commit(j, &tx, d))
        goto failed;
    gate_close(j->gate);
    j->gate = NULL;
    return true;
failed:
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_gather = {.name = "pub_gather", .run = pub_gather_run, .publishes = true};
