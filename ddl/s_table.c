/* DROP TABLE, TRUNCATE TABLE, RENAME TABLE.
 *
 * DROP: the shards can be reached -> nobody uses the tables (hold.c) -> the catalog forgets them (decided from here on) ->
 * DROP TABLE IF EXISTS on the shards until it is done. TRUNCATE: nobody uses the table -> write locks on all partitions (so
 * that the table is empty everywhere at one moment) -> (decided) TRUNCATE each -> the catalog gives the table a new id,
 * with which its AUTO_INCREMENT sequence begins again on every node. RENAME: nobody uses the tables -> a marker table on each shard -> one atomic
 * RENAME TABLE a shard that renames all partitions and the marker along, so that it can be told afterwards whether it
 * happened, even where names are swapped -> catalog -> markers dropped. Undone by the reverse statement. */
#include "ddl/describe.h"
#include "ddl/gate.h"
#include "ddl/place.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "util/fault.h"

/* ---- DROP TABLE ---- */

bool drop_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    struct ast_drop *dr = AST_AS(drop, ast);

    AST_EACH(slot, &dr->names) {
        struct sv db, name;

        if (!job_table_name(j, *slot, &db, &name, d))
            return false;
        job_lock_table(&j->arena, l, JOB_EXCLUSIVE, db, name);
        if (dr->names.n == 1) {
            j->db = db;
            j->table = name;
        }
    }
    return true;
}

/* 3730 where a table outside the list refers to t. */
static bool check_children(struct job *j, const struct cat_table *t, const struct place_tables *dropped, struct diag *d)
{
    if (j->env.no_foreign_key_checks)
        return true;
    array_each(&j->snap->tables, it) {
        bool goes = false;

        array_each(dropped, x)
            goes = goes || *x == *it;
        for (uint32_t i = 0; !goes && i < (*it)->fks_n; i++) {
            const struct cat_fk *f = &(*it)->fks[i];

            if (sv_eq(f->ref_db, t->db) && sv_eq(f->ref_table, t->name))
                return diag_setf(
                    d, ER_FK_CANNOT_DROP_PARENT,
                    "Cannot drop table '%.*s' referenced by a foreign key constraint '%.*s' on table '%.*s'.",
                    SV_ARG(t->name), SV_ARG(f->name), SV_ARG((*it)->name));
        }
    }
    return true;
}

static bool collect_dropped(struct job *j, struct ast_drop *dr, struct place_tables *out, struct diag *d)
{
    struct strbuf missing;

    strbuf_init(&missing, &j->arena);
    AST_EACH(slot, &dr->names) {
        const struct cat_table *t;
        struct sv db, name;

        if (!job_table_name(j, *slot, &db, &name, d) || (!dr->if_exists && !job_find_db(j, db, d)))
            return false;
        t = cat_find_table(j->snap, db, name);
        if (t) {
            bool twice = false;

            array_each(out, x)
                twice = twice || *x == t;
            if (!twice)
                array_push(out, &j->arena, t);
            continue;
        }
        if (dr->if_exists) {
            job_note(j, DDL_NOTE, ER_BAD_TABLE_ERROR, "Unknown table '%.*s.%.*s'", SV_ARG(db), SV_ARG(name));
        } else {
            strbuf_printf(&missing, "%s%.*s.%.*s", missing.len ? "," : "", SV_ARG(db), SV_ARG(name));
        }
    }
    if (missing.len)
        return diag_set(d, ER_BAD_TABLE_ERROR, strbuf_cstr(&missing));
    return true;
}

static void drop_items(struct job *j, json_t *step, const struct cat_table *t)
{
    for (size_t i = 0; i < job_places(j, t); i++) {
        struct job_place p = job_place_at(j, t, i);

        job_sql_item(step, p.shard_id, mconn_sql(&j->arena, "DROP TABLE IF EXISTS %I.%I", &p.db, &p.name), SV_NULL);
    }
}

bool drop_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct ast_drop *dr = AST_AS(drop, ast);
    struct place_tables tables = {0};
    json_t *ids = json_array(), *places = json_array(), *sql;

    if (!collect_dropped(j, dr, &tables, d))
        goto failed;
    array_each(&tables, t) {
        json_t *one = job_places_json(j, *t);

        if (!check_children(j, *t, &tables, d)) {
            json_decref(one);
            goto failed;
        }
        json_array_append_new(ids, json_integer((json_int_t)(*t)->id));
        json_array_extend(places, one);
        json_decref(one);
    }
    if (tables.n == 0) {
        json_decref(ids);
        json_decref(places);
        return true;
    }
    /* Checked above; on the shards the order of the tables must not matter. */
    j->env.no_foreign_key_checks = true;
    job_set_env(j);
    job_step_alive(j, places);
    job_step_hold(j, &tables);
    job_step(j, "pub_drop", json_pack("{s:o}", "ids", ids));
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    sql = job_sql_step(j);
    array_each(&tables, t)
        drop_items(j, sql, *t);
    return true;
failed:
    json_decref(ids);
    json_decref(places);
    return false;
}

static bool pub_drop_run(struct job *j, json_t *step, struct diag *d)
{
    struct metadb_tx tx = {0};
    json_t *ids = json_object_get(step, "ids"), *x;
    size_t i;

    if (!job_publish_begin(j, &tx, d))
        goto failed;
    json_array_foreach(ids, i, x) {
        if (!metadb_drop_table(&tx, (uint64_t)json_integer_value(x), d))
            goto failed;
    }
    return job_publish_commit(j, &tx, d);
failed:
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_drop = {.name = "pub_drop", .run = pub_drop_run, .publishes = true};

/* ---- TRUNCATE TABLE ---- */

bool truncate_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    if (!job_table_name(j, AST_AS(truncate, ast)->table, &j->db, &j->table, d))
        return false;
    job_lock_table(&j->arena, l, JOB_EXCLUSIVE, j->db, j->table);
    return true;
}

bool truncate_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    const struct cat_table *t = job_find_table(j, j->db, j->table, d);
    json_t *o;

    (void)ast;
    if (!t)
        return false;
    array_each(&j->snap->tables, it)
        for (uint32_t i = 0; *it != t && !j->env.no_foreign_key_checks && i < (*it)->fks_n; i++) {
            const struct cat_fk *f = &(*it)->fks[i];

            if (sv_eq(f->ref_db, t->db) && sv_eq(f->ref_table, t->name))
                return diag_setf(
                    d, ER_TRUNCATE_ILLEGAL_FK,
                    "Cannot truncate a table referenced in a foreign key constraint (`%.*s`.`%.*s`, CONSTRAINT `%.*s`)",
                    SV_ARG((*it)->db), SV_ARG((*it)->name), SV_ARG(f->name));
        }
    job_step_hold_one(j, t);
    if (t->fks_n == 0)
        job_step(j, "gate", json_pack("{s:o}", "items", job_places_json(j, t)));
    else
        job_step_alive(j, job_places_json(j, t));
    job_set_no_return(j);
    job_step(j, "truncate", json_pack("{s:o, s:b}", "items", job_places_json(j, t), "gate", t->fks_n == 0));
    o = json_pack("{s:I, s:o}", "id", (json_int_t)t->id, "place", place_of_table(t));
    json_object_set_new(o, "db", job_json_text(t->db));
    json_object_set_new(o, "name", job_json_text(t->name));
    job_step(j, "pub_truncate", o);
    job_step(j, "barrier", NULL);
    return true;
}

static bool truncate_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *items = json_object_get(step, "items"), *o;
    bool gated = json_is_true(json_object_get(step, "gate"));
    size_t i;

    if (gated && !job_take_gate(j, items, d))
        return false;
    json_array_foreach(items, i, o) {
        struct sv db = job_json_sv(o, "db"), name = job_json_sv(o, "name");
        uint32_t shard = (uint32_t)job_json_u64(o, "s");
        struct mconn *own = NULL, *c = gated ? gate_conn(j->gate, shard) : NULL;
        bool ok;

        if (!c && !job_open_shard(j, shard, true, &own, d))
            return false;
        ok = mconn_execf(c ? c : own, d, "TRUNCATE TABLE %I.%I", &db, &name);
        mconn_close(own);
        if (!ok)
            return false;
        (void)FAULT("ddl.some_done");
    }
    (void)FAULT("ddl.all_done");
    return true;
}

const struct job_op job_op_truncate = {.name = "truncate", .run = truncate_run};

static bool pub_truncate_run(struct job *j, json_t *step, struct diag *d)
{
    struct metadb_tx tx = {0};

    if (job_publish_begin(j, &tx, d) && metadb_drop_table(&tx, job_json_u64(step, "id"), d) &&
        job_put_table(j, &tx, json_object_get(step, "place"), job_json_sv(step, "db"), job_json_sv(step, "name"), 0, 0,
                      d) &&
        job_publish_commit(j, &tx, d)) {
        gate_close(j->gate);
        j->gate = NULL;
        return true;
    }
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_truncate = {.name = "pub_truncate", .run = pub_truncate_run, .publishes = true};

/* ---- RENAME TABLE ---- */

static bool pair_names(struct job *j, const struct ast_node *pair, struct sv from[2], struct sv to[2], struct diag *d)
{
    const struct ast_rename_pair *p = AST_AS_CONST(rename_pair, pair);

    if (p->from->kind != AST_TABLE)
        return diag_setf(d, ER_INTERNAL, "Internal error: RENAME of something else");
    return job_table_name(j, p->from, &from[0], &from[1], d) && job_table_name(j, p->to, &to[0], &to[1], d);
}

bool rename_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    AST_EACH(slot, &AST_AS(rename_table, ast)->pairs) {
        struct place_tables tied = {0};
        const struct cat_table *t;
        struct sv from[2], to[2];

        if (!pair_names(j, *slot, from, to, d))
            return false;
        job_lock_table(&j->arena, l, JOB_EXCLUSIVE, from[0], from[1]);
        job_lock_table(&j->arena, l, JOB_EXCLUSIVE, to[0], to[1]);
        /* The definitions of tables that refer to this one change with its name. */
        if ((t = cat_find_table(j->snap, from[0], from[1])) != NULL)
            place_tied_to(j, t, &tied);
        array_each(&tied, x)
            job_lock_table(&j->arena, l, JOB_EXCLUSIVE, (*x)->db, (*x)->name);
    }
    return true;
}

/* What is called what while the pairs are applied one after the other. */
struct renaming {
    const struct cat_table *t;
    struct sv db, name;
};
ARRAY_OF(renamings, struct renaming);

static struct renaming *find_renaming(struct renamings *r, struct sv db, struct sv name)
{
    array_each(r, it)
        if (sv_eq(it->db, db) && sv_eq(it->name, name))
            return it;
    return NULL;
}

/* ", `a`.`x` TO `b`.`y`" for the partitions of one pair on one shard. */
static void put_pair(struct job *j, struct strbuf *b, uint32_t shard, const struct cat_table *t,
                     const struct sv from[2], const struct sv to[2])
{
    for (size_t i = 0; i < job_places(j, t); i++) {
        struct job_place p = job_place_at(j, t, i);
        struct sv x, y;

        if (p.shard_id != shard)
            continue;
        x = names_physical(&j->arena, from[1], p.part_no);
        y = names_physical(&j->arena, to[1], p.part_no);
        strbuf_putsv(b, mconn_sql(&j->arena, ", %I.%I TO %I.%I", &from[0], &x, &to[0], &y));
    }
}

struct pair {
    const struct cat_table *t;
    struct sv from[2], to[2];
};
ARRAY_OF(pairs, struct pair);

static bool read_pairs(struct job *j, struct ast_rename_table *rt, struct pairs *out, struct renamings *names,
                       struct diag *d)
{
    AST_EACH(slot, &rt->pairs) {
        struct renaming *r;
        struct pair p;

        if (!pair_names(j, *slot, p.from, p.to, d))
            return false;
        r = find_renaming(names, p.from[0], p.from[1]);
        p.t = r ? r->t : cat_find_table(j->snap, p.from[0], p.from[1]);
        if (p.t && !r) {
            bool gone = false; /* renamed away by an earlier pair */

            array_each(names, it)
                gone = gone || it->t == p.t;
            if (gone)
                p.t = NULL;
        }
        if (!p.t) {
            if (rt->if_exists) {
                job_note(j, DDL_NOTE, ER_NO_SUCH_TABLE, "Table '%.*s.%.*s' doesn't exist", SV_ARG(p.from[0]),
                         SV_ARG(p.from[1]));
                continue;
            }
            return diag_set(d, ER_NO_SUCH_TABLE, arena_dup(&j->arena, p.from[0]).ptr,
                            arena_dup(&j->arena, p.from[1]).ptr);
        }
        if (!job_find_db(j, p.to[0], d))
            return false;
        if (find_renaming(names, p.to[0], p.to[1]))
            return diag_set(d, ER_TABLE_EXISTS_ERROR, arena_dup(&j->arena, p.to[1]).ptr);
        {
            const struct cat_table *there = cat_find_table_any(j->snap, p.to[0], p.to[1]);
            bool moved = false;

            array_each(names, it)
                moved = moved || it->t == there;
            if (there && !moved)
                return diag_set(d, ER_TABLE_EXISTS_ERROR, arena_dup(&j->arena, p.to[1]).ptr);
        }
        if (p.t->kind == CAT_PARTITIONED && !names_fit(p.to[1], p.t->parts_n))
            return diag_set(d, ER_TOO_LONG_IDENT, arena_dup(&j->arena, p.to[1]).ptr);
        if (r)
            *r = (struct renaming){p.t, p.to[0], p.to[1]};
        else
            array_push(names, &j->arena, (struct renaming){p.t, p.to[0], p.to[1]});
        array_push(out, &j->arena, p);
    }
    return true;
}

static bool on_shard(struct job *j, const struct pairs *ps, uint32_t shard)
{
    array_each(ps, p)
        for (size_t i = 0; i < job_places(j, p->t); i++)
            if (job_place_at(j, p->t, i).shard_id == shard)
                return true;
    return false;
}

static void rename_steps(struct job *j, const struct pairs *ps, const struct renamings *names)
{
    json_t *marks, *renames = json_array(), *tables = json_array(), *drops = json_array(), *o;
    struct sv m0 = arena_printf(&j->arena, "ddl_%lu_0", (unsigned long)j->id),
              m1 = arena_printf(&j->arena, "ddl_%lu_1", (unsigned long)j->id);
    struct place_tables held = {0};
    struct sv drop_marks = mconn_sql(&j->arena, "DROP TABLE IF EXISTS tessera.%I, tessera.%I", &m0, &m1);

    {
        json_t *places = json_array();

        array_each(&j->snap->shards, s)
            if (on_shard(j, ps, s->id))
                json_array_append_new(places, json_pack("{s:I}", "s", (json_int_t)s->id));
        job_step_alive(j, places);
    }
    array_each(names, r)
        array_push(&held, &j->arena, r->t);
    job_step_hold(j, &held);
    marks = job_sql_step(j);
    array_each(&j->snap->shards, s) {
        struct strbuf forth, back;

        if (!on_shard(j, ps, s->id))
            continue;
        job_sql_item(marks, s->id, mconn_sql(&j->arena, "CREATE TABLE tessera.%I (a INT) ENGINE=InnoDB", &m0),
                     drop_marks);
        strbuf_init(&forth, &j->arena);
        strbuf_init(&back, &j->arena);
        strbuf_putsv(&forth, mconn_sql(&j->arena, "RENAME TABLE tessera.%I TO tessera.%I", &m0, &m1));
        strbuf_putsv(&back, mconn_sql(&j->arena, "RENAME TABLE tessera.%I TO tessera.%I", &m1, &m0));
        array_each(ps, p)
            put_pair(j, &forth, s->id, p->t, p->from, p->to);
        for (size_t i = ps->n; i-- > 0;)
            put_pair(j, &back, s->id, ps->v[i].t, ps->v[i].to, ps->v[i].from);
        o = json_pack("{s:I}", "s", (json_int_t)s->id);
        json_object_set_new(o, "do", job_json_text(strbuf_sv(&forth)));
        json_object_set_new(o, "undo", job_json_text(strbuf_sv(&back)));
        json_object_set_new(o, "from", job_json_text(m0));
        json_object_set_new(o, "to", job_json_text(m1));
        json_array_append_new(renames, o);
        o = json_pack("{s:I}", "s", (json_int_t)s->id);
        json_object_set_new(o, "do", job_json_text(drop_marks));
        json_array_append_new(drops, o);
    }
    job_step(j, "rename", json_pack("{s:o}", "items", renames));
    array_each(names, r) {
        o = json_pack("{s:I, s:o, s:I}", "id", (json_int_t)r->t->id, "place", place_of_table(r->t), "auto_inc",
                      (json_int_t)r->t->auto_inc_start);
        json_object_set_new(o, "db", job_json_text(r->db));
        json_object_set_new(o, "name", job_json_text(r->name));
        json_array_append_new(tables, o);
    }
    /* Children outside the list are described again: their definition names the parent. */
    array_each(names, r) {
        array_each(&j->snap->tables, t) {
            bool child = false, listed = false;

            for (uint32_t i = 0; i < (*t)->fks_n; i++)
                child = child || (sv_eq((*t)->fks[i].ref_db, r->t->db) && sv_eq((*t)->fks[i].ref_table, r->t->name));
            array_each(names, x)
                listed = listed || x->t == *t;
            if (!child || listed)
                continue;
            o = json_pack("{s:I, s:o, s:I}", "id", (json_int_t)(*t)->id, "place", place_of_table(*t), "auto_inc",
                          (json_int_t)(*t)->auto_inc_start);
            json_object_set_new(o, "db", job_json_text((*t)->db));
            json_object_set_new(o, "name", job_json_text((*t)->name));
            json_array_append_new(tables, o);
        }
    }
    job_step(j, "pub_rename", json_pack("{s:o}", "tables", tables));
    job_set_no_return(j);
    job_step(j, "barrier", NULL);
    job_step(j, "sql", json_pack("{s:o}", "items", drops));
}

bool rename_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    struct renamings names = {0};
    struct pairs ps = {0};

    if (!read_pairs(j, AST_AS(rename_table, ast), &ps, &names, d))
        return false;
    if (ps.n)
        rename_steps(j, &ps, &names);
    return true;
}

bool rename_to_plan(struct job *j, struct ast_node *from, struct ast_node *to, struct diag *d)
{
    struct ast_rename_table *rt = AST_NEW(&j->arena, RENAME_TABLE, rename_table);
    struct ast_rename_pair *p = AST_NEW(&j->arena, RENAME_PAIR, rename_pair);

    p->from = from;
    p->to = to;
    ast_list_add(&j->arena, &rt->pairs, &p->node);
    return rename_plan(j, &rt->node, d);
}

/* One shard's atomic RENAME TABLE, if the marker says that it has not happened yet. t->arg: the item; t->affected: 1 to
 * undo. */
static bool rename_item(struct mconn *c, struct arena *a, struct fan_task *t)
{
    bool undo = t->affected != 0;
    struct sv marker = job_json_sv(t->arg, undo ? "to" : "from"), sql = job_json_sv(t->arg, undo ? "undo" : "do");
    struct mresult r;

    if (!mconn_queryf(c, a, &r, &t->d,
                      "SELECT 1 FROM information_schema.tables WHERE table_schema = 'tessera' AND table_name = %Q",
                      &marker))
        return false;
    if (r.rows == 0)
        return true;
    if (!mconn_exec(c, sql, &t->d))
        return false;
    (void)(undo ? FAULT("ddl.some_undone") : FAULT("ddl.some_done"));
    return true;
}

static bool rename_all(struct job *j, json_t *step, bool undo, struct diag *d)
{
    json_t *items = json_object_get(step, "items"), *o;
    struct fan_task *tasks = ARENA_NEW_N(&j->arena, struct fan_task, json_array_size(items) + 1);
    size_t i;

    if (!j->snap && !job_refresh(j, d))
        return false;
    json_array_foreach(items, i, o) {
        tasks[i] = (struct fan_task){.shard = cat_find_shard_id(j->snap, (uint32_t)job_json_u64(o, "s")),
                                     .run = rename_item,
                                     .arg = o,
                                     .affected = undo};
        if (!tasks[i].shard)
            return diag_setf(d, ER_UNKNOWN_SHARD, "A shard of DDL job %lu is gone", (unsigned long)j->id);
    }
    if (!job_fan(j, tasks, json_array_size(items), !undo, d))
        return false;
    if (!undo)
        (void)FAULT("ddl.all_done");
    return true;
}

static bool rename_run(struct job *j, json_t *step, struct diag *d)
{
    return rename_all(j, step, false, d);
}

static bool rename_undo(struct job *j, json_t *step, struct diag *d)
{
    return rename_all(j, step, true, d);
}

const struct job_op job_op_rename = {.name = "rename", .run = rename_run, .undo = rename_undo};

static bool pub_rename_run(struct job *j, json_t *step, struct diag *d)
{
    struct metadb_tx tx = {0};
    json_t *tables = json_object_get(step, "tables"), *x;
    size_t i;

    if (!job_publish_begin(j, &tx, d))
        goto failed;
    json_array_foreach(tables, i, x) {
        if (!job_put_table(j, &tx, json_object_get(x, "place"), job_json_sv(x, "db"), job_json_sv(x, "name"),
                           job_json_u64(x, "id"), job_json_u64(x, "auto_inc"), d))
            goto failed;
    }
    return job_publish_commit(j, &tx, d);
failed:
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_rename = {.name = "pub_rename", .run = pub_rename_run, .publishes = true};
