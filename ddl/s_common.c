/* What several statements need: names, look-ups with MySQL's errors, the physical tables of a logical one, and putting
 * a table into the catalog as its shard describes it. */
#include "ddl/describe.h"
#include "ddl/job.h"
#include "ddl/place.h"

#include "catalog/names.h"
#include "router/part.h"

bool job_refuse(struct diag *d, const char *what)
{
    return diag_set(d, ER_NOT_SUPPORTED_YET, what);
}

bool job_table_name(struct job *j, const struct ast_node *table, struct sv *db, struct sv *name, struct diag *d)
{
    const struct ast_table *t = AST_AS_CONST(table, table);

    *name = t->name.name;
    *db = ast_ident_set(&t->db) ? t->db.name : j->db;
    if (!db->len)
        return diag_set(d, ER_NO_DB_ERROR);
    return true;
}

const struct cat_db *job_find_db(struct job *j, struct sv name, struct diag *d)
{
    const struct cat_db *db;

    if (cat_is_virtual_db(name)) {
        const char *at = memchr(j->user.ptr, '@', j->user.len);
        size_t n = at ? (size_t)(at - j->user.ptr) : j->user.len;
        char *user = arena_dup(&j->arena, sv_make(j->user.ptr, n)).len
                         ? arena_strdup(&j->arena, arena_dup(&j->arena, sv_make(j->user.ptr, n)).ptr)
                         : arena_strdup(&j->arena, "");

        (void)diag_set(d, ER_DBACCESS_DENIED_ERROR, user,
                       at ? arena_dup(&j->arena, sv_make(at + 1, j->user.len - n - 1)).ptr : "",
                       arena_dup(&j->arena, name).ptr);
        return NULL;
    }
    db = cat_find_db(j->snap, name);
    if (!db)
        (void)diag_set(d, ER_BAD_DB_ERROR, arena_dup(&j->arena, name).ptr);
    return db;
}

const struct cat_table *job_find_table(struct job *j, struct sv db, struct sv name, struct diag *d)
{
    const struct cat_table *t;

    if (!job_find_db(j, db, d))
        return NULL;
    t = cat_find_table(j->snap, db, name);
    if (!t)
        (void)diag_set(d, ER_NO_SUCH_TABLE, arena_dup(&j->arena, db).ptr, arena_dup(&j->arena, name).ptr);
    return t;
}

/* ---- physical tables ---- */

size_t job_places(struct job *j, const struct cat_table *t)
{
    return t->kind == CAT_BROADCAST ? j->snap->shards.n : t->parts_n;
}

struct job_place job_place_at(struct job *j, const struct cat_table *t, size_t i)
{
    if (t->kind == CAT_BROADCAST)
        return (struct job_place){j->snap->shards.v[i].id, t->db, t->name, NAMES_BARE};
    return (struct job_place){t->parts[i].shard_id, t->parts[i].phys_db, t->parts[i].phys_name,
                              names_part_no((uint32_t)i, t->parts_n)};
}

json_t *job_places_json(struct job *j, const struct cat_table *t)
{
    json_t *all = json_array();

    for (size_t i = 0; i < job_places(j, t); i++) {
        struct job_place p = job_place_at(j, t, i);
        json_t *o = json_object();

        json_object_set_new(o, "s", json_integer(p.shard_id));
        json_object_set_new(o, "db", job_json_text(p.db));
        json_object_set_new(o, "name", job_json_text(p.name));
        json_object_set_new(o, "part", json_integer(p.part_no));
        json_array_append_new(all, o);
    }
    return all;
}

void job_step_alive(struct job *j, json_t *places)
{
    job_step(j, "alive", json_pack("{s:o}", "items", places));
}

/* ---- into the catalog ---- */

/* Where the definition is read: the first partition; of BROADCAST tables the first shard's copy. */
static bool describe(struct job *j, struct cat_table *t, struct shape *shape, struct diag *d)
{
    struct mconn *c;
    struct job_place p;
    bool ok;

    if (job_places(j, t) == 0)
        return diag_setf(d, ER_UNKNOWN_SHARD, "There is no shard; CREATE SHARD adds one");
    p = job_place_at(j, t, 0);
    if (!job_open_shard(j, p.shard_id, false, &c, d))
        return false;
    ok = describe_table(c, p.db, p.name, p.part_no, t, shape, d);
    mconn_close(c);
    return ok;
}

static bool same_columns_known(const struct cat_table *t)
{
    return t->columns_n > 0;
}

/* Partitions are needed to know where to read, columns to know the partition columns: kind and parts first, the
 * columns' ordinals behind. */
static bool fill(struct job *j, struct cat_table *t, const json_t *place, struct diag *d)
{
    struct sv hidden = SV_NULL;
    struct shape shape;
    json_t *early = json_deep_copy(place);
    bool ok;

    json_object_set_new(early, "cols", json_array());
    json_object_set_new(early, "method", json_integer(CAT_PART_KEY));
    ok = place_apply(early, t, d);
    json_decref(early);
    if (!ok || !describe(j, t, &shape, d) || !same_columns_known(t) || !place_apply(place, t, d))
        return false;
    if (t->kind == CAT_PARTITIONED && !part_check(t, d)) {
        if (t->part.by_default) {
            struct sv why = arena_dup(&j->arena, sv_cstr(d->text));

            diag_clear(d);
            return diag_setf(d, ER_PARTITION_UNFIT, "%.*s", SV_ARG(why));
        }
        return false;
    }
    for (uint32_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].hidden)
            hidden = t->columns[i].name;
    t->create_sql = shape_print(&t->arena, &shape, t->name, hidden,
                                place_print(t, cat_find_db(j->snap, t->db), j->snap, &t->arena));
    return true;
}

bool job_put_table(struct job *j, struct metadb_tx *tx, const json_t *place, struct sv db, struct sv name, uint64_t id,
                   uint64_t auto_inc_start, struct diag *d)
{
    struct cat_table *t = cat_table_new(db, name);
    bool ok = fill(j, t, place, d);

    t->id = id;
    t->state = CAT_PUBLIC;
    t->auto_inc_start = auto_inc_start;
    if (ok && !id)
        ok = metadb_new_id(tx, METADB_ID_TABLE, &t->id, d);
    if (ok && t->kind == CAT_PARTITIONED) {
        t->group_id = place_find_group(j->snap, t);
        if (!t->group_id)
            ok = metadb_new_id(tx, METADB_ID_GROUP, &t->group_id, d);
    }
    ok = ok && cat_table_finish(t, d) && metadb_put_table(tx, t, d);
    cat_table_unref(t);
    return ok;
}
