/* ALTER TABLE, CREATE INDEX, DROP INDEX: what each partition can do by itself, done on all of them or on none.
 *
 * Planning: refusals; a scratch copy of the first partition (empty) is altered, which finds every error that does not
 * depend on rows before anything is touched, and tells what the change is: whether columns change, whether rows can
 * make it fail, whether it loses something. From that: columns change        -> under a gate: all partitions are
 * write-locked at once, nobody sees two shapes may fail, and loses   -> a rehearsal under the gate: every partition's
 * rows are copied and the copy is altered; only if all of them went well the tables themselves are else -> in parallel,
 * online as the server can; a failure on one partition is undone on the others by the inverse ALTER, which shape_alter
 *                            derives from the two definitions
 *
 * The op is one step. It reads the definition of each partition and does what is left to do: the old definition is in
 * the job, whatever differs from it is done. So it can be repeated, by whoever. If it fails with everything as it was
 * (j->clean) the job ends as undone; if it fails in between, which takes the loss of a server or of this process at the
 * wrong moment, it stays and is completed later. */
#include "ddl/define.h"
#include "ddl/describe.h"
#include "ddl/gate.h"
#include "ddl/place.h"
#include "ddl/sqlgen.h"
#include "ddl/stmts.h"

#include "catalog/names.h"
#include "util/fault.h"
#include "util/log.h"

enum { ALTER_SCRATCH_BASE = 900000 }; /* partition numbers of rehearsal copies */

/* ---- what an ALTER is ---- */

struct alter {
    struct ast_alter_table *at; /* a copy, without what only concerns the catalog */
    const struct cat_table *t;
    uint64_t auto_inc;          /* AUTO_INCREMENT=n; 0: none */
    struct ast_node *rename_to; /* RENAME TO */
    bool columns;               /* columns change */
    bool reorders;              /* a column gets another place or name: an old plan might take one for another */
    bool may_fail;              /* rows can make it fail */
    bool loses;                 /* something is gone behind it */
    struct shape_rename *renames;
    size_t n_renames;
    bool drop_hidden; /* the hidden key makes room for one of the table's own */
    struct sv max_of; /* a column that becomes AUTO_INCREMENT */
};

static const char *refused_op(enum ast_alter_op op)
{
    switch (op) {
    case AST_ALTER_PARTITION_BY:
        return "ALTER TABLE ... PARTITION BY";
    case AST_ALTER_REMOVE_PARTITIONING:
        return "ALTER TABLE ... REMOVE PARTITIONING";
    case AST_ALTER_PLACEMENT:
        return "ALTER TABLE ... SINGLE | BROADCAST";
    case AST_ALTER_ADD_PARTITION:
        return "ALTER TABLE ... ADD PARTITION";
    case AST_ALTER_DROP_PARTITION:
        return "ALTER TABLE ... DROP PARTITION";
    case AST_ALTER_TRUNCATE_PARTITION:
        return "ALTER TABLE ... TRUNCATE PARTITION";
    case AST_ALTER_DISCARD_PARTITION:
    case AST_ALTER_IMPORT_PARTITION:
    case AST_ALTER_DISCARD_TABLESPACE:
    case AST_ALTER_IMPORT_TABLESPACE:
        return "ALTER TABLE ... DISCARD | IMPORT TABLESPACE";
    case AST_ALTER_ANALYZE_PARTITION:
    case AST_ALTER_CHECK_PARTITION:
    case AST_ALTER_OPTIMIZE_PARTITION:
    case AST_ALTER_REBUILD_PARTITION:
    case AST_ALTER_REPAIR_PARTITION:
        return "ALTER TABLE ... ANALYZE | CHECK | OPTIMIZE | REBUILD | REPAIR PARTITION";
    case AST_ALTER_COALESCE_PARTITION:
        return "ALTER TABLE ... COALESCE PARTITION";
    case AST_ALTER_REORGANIZE_PARTITION:
        return "ALTER TABLE ... REORGANIZE PARTITION";
    case AST_ALTER_EXCHANGE_PARTITION:
        return "ALTER TABLE ... EXCHANGE PARTITION";
    case AST_ALTER_CONVERT_PARTITION:
    case AST_ALTER_CONVERT_TABLE:
        return "ALTER TABLE ... CONVERT PARTITION | TABLE";
    case AST_ALTER_MOVE_PARTITION:
        return "ALTER TABLE ... MOVE PARTITION";
    case AST_ALTER_SPLIT_PARTITION:
        return "ALTER TABLE ... SPLIT PARTITION";
    case AST_ALTER_MERGE_PARTITION:
        return "ALTER TABLE ... MERGE PARTITION";
    case AST_ALTER_SECONDARY:
        return "ALTER TABLE ... SECONDARY_LOAD";
    case AST_ALTER_ADD_VERSIONING:
    case AST_ALTER_DROP_VERSIONING:
        return "ALTER TABLE ... SYSTEM VERSIONING";
    case AST_ALTER_ADD_PERIOD:
    case AST_ALTER_DROP_PERIOD:
        return "ALTER TABLE ... PERIOD";
    case AST_ALTER_ADD_COLUMN:
    case AST_ALTER_DROP_COLUMN:
    case AST_ALTER_MODIFY_COLUMN:
    case AST_ALTER_CHANGE_COLUMN:
    case AST_ALTER_RENAME_COLUMN:
    case AST_ALTER_SET_DEFAULT:
    case AST_ALTER_DROP_DEFAULT:
    case AST_ALTER_COLUMN_VISIBILITY:
    case AST_ALTER_ADD_KEY:
    case AST_ALTER_ADD_CHECK:
    case AST_ALTER_DROP_KEY:
    case AST_ALTER_DROP_PRIMARY:
    case AST_ALTER_DROP_FOREIGN:
    case AST_ALTER_DROP_CHECK:
    case AST_ALTER_DROP_CONSTRAINT:
    case AST_ALTER_RENAME_KEY:
    case AST_ALTER_KEY_VISIBILITY:
    case AST_ALTER_CHECK_ENFORCED:
    case AST_ALTER_RENAME:
    case AST_ALTER_OPTION:
    case AST_ALTER_CONVERT:
    case AST_ALTER_ORDER:
    case AST_ALTER_DISABLE_KEYS:
    case AST_ALTER_ENABLE_KEYS:
    case AST_ALTER_FORCE:
    case AST_ALTER_ALGORITHM:
    case AST_ALTER_LOCK:
    case AST_ALTER_VALIDATION:
        return NULL;
    }
    return "this form of ALTER TABLE";
}

static bool is_part_column(const struct cat_table *t, struct sv name)
{
    for (uint32_t i = 0; t->kind == CAT_PARTITIONED && i < t->part.columns_n; i++)
        if (sv_eq_nocase(t->columns[t->part.columns[i]].name, name))
            return true;
    return false;
}

static bool has_hidden_key(const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].hidden)
            return true;
    return false;
}

static void add_rename(struct job *j, struct alter *x, struct sv from, struct sv to)
{
    struct shape_rename *all;

    if (sv_eq(from, to))
        return;
    all = ARENA_NEW_N(&j->arena, struct shape_rename, x->n_renames + 1);
    if (x->n_renames)
        memcpy(all, x->renames, x->n_renames * sizeof *all);
    all[x->n_renames++] = (struct shape_rename){from, to};
    x->renames = all;
}

static bool keeps_primary(const struct alter *x)
{
    bool keeps = false;

    for (uint32_t i = 0; i < x->t->keys_n; i++)
        keeps = keeps || (x->t->keys[i].kind == CAT_KEY_PRIMARY && !has_hidden_key(x->t));
    AST_EACH(slot, &x->at->actions)
        keeps = keeps && AST_AS_CONST(alter_action, *slot)->op != AST_ALTER_DROP_PRIMARY;
    return keeps;
}

/* Unique keys that an action adds must contain the partition columns. */
static bool check_new_key(const struct alter *x, const struct define_key *k, struct diag *d)
{
    const struct cat_table *t = x->t;

    if (k->type == AST_KEY_PRIMARY && keeps_primary(x))
        return diag_set(d, ER_MULTIPLE_PRI_KEY);
    if (t->kind != CAT_PARTITIONED || (k->type != AST_KEY_PRIMARY && k->type != AST_KEY_UNIQUE))
        return true;
    for (uint32_t i = 0; i < t->part.columns_n; i++) {
        struct sv col = t->columns[t->part.columns[i]].name;

        if (!define_key_covers(k, &col, 1))
            return diag_set(d, ER_UNIQUE_KEY_NEED_ALL_FIELDS_IN_PF,
                            k->type == AST_KEY_PRIMARY ? "PRIMARY KEY" : "UNIQUE INDEX");
    }
    return true;
}

static bool is_placed(const struct ast_column_def *c)
{
    return c->first || ast_ident_set(&c->after);
}

static bool add_columns(struct job *j, struct alter *x, struct ast_alter_action *act, struct diag *d)
{
    struct ast_list one = {.items = &act->def, .n = 1}, *l = act->def ? &one : &act->defs;
    struct define def;

    x->columns = true;
    x->may_fail = true;
    if (!define_read(&j->arena, l, &def, d))
        return false;
    for (size_t i = 0; i < def.n_keys; i++)
        if (!check_new_key(x, &def.keys[i], d))
            return false;
    for (size_t i = 0; i < def.n_cols; i++)
        x->reorders = x->reorders || is_placed(def.cols[i].def);
    if (def.auto_column)
        x->max_of = def.auto_column->def->name.name;
    if (def.auto_column && job_places(j, x->t) > 1)
        return diag_setf(d, ER_NOT_ON_PARTITIONED,
                         "Adding an AUTO_INCREMENT column is not possible on the partitioned table '%.*s': each "
                         "partition would number its own rows",
                         SV_ARG(x->t->name));
    x->drop_hidden = x->drop_hidden || (def.auto_column && has_hidden_key(x->t));
    return true;
}

static bool add_key(struct job *j, struct alter *x, struct ast_alter_action *act, struct diag *d)
{
    struct ast_key_def *k = AST_AS(key_def, act->def);
    struct define_key key;

    if (k->scope == AST_KEY_GLOBAL || k->scope == AST_KEY_CLUSTERED)
        return job_refuse(d, "global indexes");
    if (k->type == AST_KEY_FOREIGN) {
        x->may_fail = true;
        return true; /* ties were looked at before (gather.c) and are checked in check_ties */
    }
    define_read_key(&j->arena, k, &key);
    if (k->type == AST_KEY_PRIMARY && has_hidden_key(x->t)) {
        if (x->t->kind != CAT_SINGLE)
            return diag_setf(d, ER_NOT_ON_PARTITIONED,
                             "Table '%.*s' is spread by a hidden key; a primary key needs it to be spread anew, which "
                             "ALTER TABLE does not do yet",
                             SV_ARG(x->t->name));
        x->drop_hidden = true;
    }
    x->may_fail = x->may_fail || k->type == AST_KEY_PRIMARY || k->type == AST_KEY_UNIQUE;
    x->columns = x->columns || k->type == AST_KEY_PRIMARY;
    return check_new_key(x, &key, d);
}

static bool change_column(struct job *j, struct alter *x, struct ast_alter_action *act, struct sv old, struct sv now,
                          struct diag *d)
{
    struct define_key k = {.type = AST_KEY_UNIQUE, .n_cols = 1};
    struct ast_column_def *def = act->def ? AST_AS(column_def, act->def) : NULL;
    bool prefix = false;

    x->columns = true;
    x->reorders = x->reorders || !sv_eq(old, now) || (def && is_placed(def));
    add_rename(j, x, old, now);
    if (is_part_column(x->t, old) && !sv_eq_nocase(old, now) && !x->t->part.by_columns)
        return diag_setf(d, ER_NOT_ON_PARTITIONED,
                         "Renaming column '%.*s' is not possible on the partitioned table '%.*s': its partitioning "
                         "expression uses it",
                         SV_ARG(old), SV_ARG(x->t->name));
    if (!def)
        return true;
    if (is_part_column(x->t, old) && def->generated)
        return diag_setf(d, ER_NOT_ON_PARTITIONED, "Partition column '%.*s' of table '%.*s' cannot be generated",
                         SV_ARG(old), SV_ARG(x->t->name));
    x->may_fail = true;
    if (def->auto_increment) {
        x->max_of = now;
        x->drop_hidden = x->drop_hidden || (x->t->kind == CAT_SINGLE && has_hidden_key(x->t));
    }
    if (def->key != AST_COLUMN_KEY_NONE) {
        k.cols = &old;
        k.prefix = &prefix;
        k.type = def->key == AST_COLUMN_KEY_PRIMARY ? AST_KEY_PRIMARY : AST_KEY_UNIQUE;
        if (!check_new_key(x, &k, d))
            return false;
    }
    return true;
}

/* A constraint is dropped by the kind that it has. */
static void resolve_constraint(struct alter *x, struct ast_alter_action *act)
{
    if (sv_eq_nocase(act->name.name, SV("PRIMARY"))) {
        act->op = AST_ALTER_DROP_PRIMARY;
        return;
    }
    for (uint32_t i = 0; i < x->t->fks_n; i++) {
        if (sv_eq_nocase(x->t->fks[i].name, act->name.name)) {
            act->op = AST_ALTER_DROP_FOREIGN;
            return;
        }
    }
    if (cat_find_key(x->t, act->name.name))
        act->op = AST_ALTER_DROP_KEY;
}

static bool read_option(struct job *j, struct alter *x, struct ast_alter_action *act, bool *keep, struct diag *d)
{
    const struct ast_option *o = AST_AS_CONST(option, act->def);

    (void)d;
    if (sv_eq_nocase(o->name, SV("AUTO_INCREMENT"))) {
        *keep = !define_option_u64(o, &x->auto_inc);
    } else if (sv_eq_nocase(o->name, SV("ENGINE")) && !sv_eq_nocase(define_option_text(o), SV("InnoDB"))) {
        job_note(j, DDL_NOTE, WARN_USING_OTHER_HANDLER,
                 "Using storage engine InnoDB for table '%.*s' (%.*s was asked for)", SV_ARG(x->t->name),
                 SV_ARG(define_option_text(o)));
        *keep = false;
    }
    return true;
}

static bool read_action(struct job *j, struct alter *x, struct ast_alter_action *act, bool *keep, struct diag *d)
{
    const char *refused = refused_op(act->op);

    if (refused)
        return job_refuse(d, refused);
    if (act->op == AST_ALTER_DROP_CONSTRAINT)
        resolve_constraint(x, act);
    if (act->op == AST_ALTER_ADD_COLUMN)
        return add_columns(j, x, act, d);
    if (act->op == AST_ALTER_ADD_KEY)
        return add_key(j, x, act, d);
    if (act->op == AST_ALTER_MODIFY_COLUMN)
        return change_column(j, x, act, AST_AS(column_def, act->def)->name.name,
                             AST_AS(column_def, act->def)->name.name, d);
    if (act->op == AST_ALTER_CHANGE_COLUMN)
        return change_column(j, x, act, act->name.name, AST_AS(column_def, act->def)->name.name, d);
    if (act->op == AST_ALTER_RENAME_COLUMN)
        return change_column(j, x, act, act->name.name, act->new_name.name, d);
    if (act->op == AST_ALTER_OPTION)
        return read_option(j, x, act, keep, d);
    if (act->op == AST_ALTER_RENAME) {
        x->rename_to = act->table;
        *keep = false;
    }
    if (act->op == AST_ALTER_DROP_COLUMN) {
        if (is_part_column(x->t, act->name.name))
            return diag_setf(
                d, ER_NOT_ON_PARTITIONED,
                "Dropping column '%.*s' is not possible on the partitioned table '%.*s': rows are spread by it",
                SV_ARG(act->name.name), SV_ARG(x->t->name));
        x->columns = x->loses = true;
    }
    if (act->op == AST_ALTER_DROP_PRIMARY && has_hidden_key(x->t))
        return diag_set(d, ER_CANT_DROP_FIELD_OR_KEY, "PRIMARY");
    if (act->op == AST_ALTER_CONVERT)
        x->columns = x->may_fail = true;
    if (act->op == AST_ALTER_ADD_CHECK || act->op == AST_ALTER_CHECK_ENFORCED)
        x->may_fail = true;
    return true;
}

static bool read_actions(struct job *j, struct alter *x, struct diag *d)
{
    struct ast_list *l = &x->at->actions;
    uint32_t kept = 0;

    for (uint32_t i = 0; i < l->n; i++) {
        bool keep = true;

        if (!read_action(j, x, AST_AS(alter_action, l->items[i]), &keep, d))
            return false;
        if (keep)
            l->items[kept++] = l->items[i];
    }
    l->n = kept;
    if (x->drop_hidden) {
        struct ast_alter_action *act = AST_NEW(&j->arena, ALTER_ACTION, alter_action);

        act->op = AST_ALTER_DROP_COLUMN;
        act->name = ast_ident_make(SV(DESCRIBE_HIDDEN));
        ast_list_add(&j->arena, l, &act->node);
    }
    return true;
}

/* Foreign keys that the statement adds: where the tables are now, can the servers check them? */
static bool check_ties(struct job *j, struct alter *x, struct diag *d)
{
    AST_EACH(slot, &x->at->actions) {
        const struct ast_alter_action *act = AST_AS_CONST(alter_action, *slot);
        const struct ast_key_def *k;
        const struct cat_table *p;
        struct define_fk fk;

        if (act->op != AST_ALTER_ADD_KEY || (k = AST_AS_CONST(key_def, act->def))->type != AST_KEY_FOREIGN)
            continue;
        define_read_fk(&j->arena, AST_AS_CONST(references, k->references), k->symbol.name, &k->parts, NULL, &fk);
        p = cat_find_table(j->snap, fk.db.ptr ? fk.db : j->db, fk.table);
        if (p && p->kind == CAT_BROADCAST)
            continue;
        if (x->t->kind == CAT_PARTITIONED)
            return diag_set(d, ER_FOREIGN_KEY_ON_PARTITIONED);
        if (x->t->kind == CAT_BROADCAST)
            return diag_setf(d, ER_NOT_ON_PARTITIONED,
                             "BROADCAST table '%.*s' can have foreign keys to BROADCAST tables only",
                             SV_ARG(x->t->name));
        if (p && (p->kind != CAT_SINGLE || p->parts[0].shard_id != x->t->parts[0].shard_id))
            return diag_setf(d, ER_NOT_ON_PARTITIONED,
                             "Table '%.*s' is to be tied by a foreign key to '%.*s', which is not on the same shard",
                             SV_ARG(x->t->name), SV_ARG(p->name));
    }
    return true;
}

/* ---- what the change does to columns: told by an altered scratch copy ---- */

static bool int_width(uint8_t code, int *w)
{
    static const struct {
        uint8_t code, width;
    } rows[] = {{1, 1}, {2, 2}, {9, 3}, {3, 4}, {8, 8}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        if (rows[i].code == code) {
            *w = rows[i].width;
            return true;
        }
    }
    return false;
}

/* True if every value of the old type is the same value in the new one, and back again. */
static bool safe_change(const struct cat_column *o, const struct cat_column *n)
{
    int ow, nw;

    if (o->generated != n->generated)
        return false;
    if (sv_eq(o->type.text, n->type.text) && o->type.coll_id == n->type.coll_id)
        return true;
    if (int_width(o->type.code, &ow) && int_width(n->type.code, &nw))
        return o->type.is_unsigned == n->type.is_unsigned && nw >= ow;
    if (o->type.code != n->type.code || o->type.coll_id != n->type.coll_id ||
        o->type.is_unsigned != n->type.is_unsigned)
        return false;
    if (o->type.code == 253 || o->type.code == 254 || o->type.code == 252)
        return n->type.length >= o->type.length && (o->type.coll_id != 63 || o->type.code != 254);
    if (o->type.code == 246)
        return n->type.decimals >= o->type.decimals &&
               n->type.length - n->type.decimals >= o->type.length - o->type.decimals;
    return false;
}

/* True if rows stay in the partition that they are in. */
static bool same_partition(const struct cat_column *o, const struct cat_column *n)
{
    int w;

    if (int_width(o->type.code, &w) && int_width(n->type.code, &w))
        return true;
    if (o->type.code == 253 || o->type.code == 254)
        return n->type.code == o->type.code && o->type.coll_id == n->type.coll_id;
    return o->type.code == n->type.code && o->type.decimals == n->type.decimals && o->type.coll_id == n->type.coll_id;
}

static struct sv new_name(const struct alter *x, struct sv old)
{
    for (size_t i = 0; i < x->n_renames; i++)
        if (sv_eq_nocase(x->renames[i].from, old))
            return x->renames[i].to;
    return old;
}

static bool judge_columns(struct alter *x, const struct cat_table *now, struct diag *d)
{
    for (uint32_t i = 0; i < x->t->columns_n; i++) {
        const struct cat_column *o = &x->t->columns[i], *n = NULL;
        struct sv name = new_name(x, o->name);

        for (uint32_t k = 0; k < now->columns_n && !n; k++)
            if (sv_eq_nocase(now->columns[k].name, name))
                n = &now->columns[k];
        if (is_part_column(x->t, o->name) && (!n || !same_partition(o, n)))
            return diag_setf(d, ER_NOT_ON_PARTITIONED,
                             "Changing the type of column '%.*s' is not possible on the partitioned table '%.*s': rows "
                             "are spread by it",
                             SV_ARG(o->name), SV_ARG(x->t->name));
        if (n && !safe_change(o, n))
            x->loses = true;
    }
    return true;
}

/* The statement on an empty copy. Actions on CHECK constraints by name are left out: a copy has other names. */
static bool try_on_scratch(struct job *j, struct alter *x, struct mconn *c, struct diag *d)
{
    struct job_place p = job_place_at(j, x->t, 0);
    struct sv scratch = names_scratch(&j->arena, x->t->name, NAMES_SCRATCH_PART), sql;
    struct ast_alter_table *at = AST_AS(alter_table, ast_copy(&j->arena, &x->at->node));
    struct cat_table *now = cat_table_new(x->t->db, x->t->name);
    uint32_t kept = 0;
    struct diag d2;
    bool ok;

    for (uint32_t i = 0; i < at->actions.n; i++) {
        enum ast_alter_op op = AST_AS(alter_action, at->actions.items[i])->op;

        if (op != AST_ALTER_DROP_CHECK && op != AST_ALTER_DROP_CONSTRAINT && op != AST_ALTER_CHECK_ENFORCED &&
            op != AST_ALTER_DROP_FOREIGN)
            at->actions.items[kept++] = at->actions.items[i];
    }
    at->actions.n = kept;
    ok = fan_set_env(c, NULL, d) && mconn_execf(c, d, "DROP TABLE IF EXISTS %I.%I", &p.db, &scratch) &&
         mconn_execf(c, d, "CREATE TABLE %I.%I LIKE %I.%I", &p.db, &scratch, &p.db, &p.name);
    if (ok && kept) {
        sql = sqlgen_alter(j, at, p.db, scratch, NAMES_SCRATCH_PART, mconn_is_mariadb(c), d);
        ok = sql.ptr && fan_set_env(c, &j->env, d) && mconn_exec(c, sql, d);
    }
    ok = ok && fan_set_env(c, NULL, d) && describe_table(c, p.db, scratch, NAMES_SCRATCH_PART, now, NULL, d) &&
         judge_columns(x, now, d);
    diag_clear(&d2);
    if (!mconn_is_lost(c) && !mconn_execf(c, &d2, "DROP TABLE IF EXISTS %I.%I", &p.db, &scratch))
        log_warn(LOG_DDL, "dropping %.*s: %s", SV_ARG(scratch), d2.text);
    cat_table_unref(now);
    return ok;
}

/* ---- planning ---- */

bool alter_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    struct ast_alter_table *at = AST_AS(alter_table, ast);
    const struct cat_table *t;
    struct place_tables tied = {0};

    if (!job_table_name(j, at->table, &j->db, &j->table, d))
        return false;
    job_lock_table(&j->arena, l, JOB_EXCLUSIVE, j->db, j->table);
    if ((t = cat_find_table(j->snap, j->db, j->table)) != NULL)
        place_tied_to(j, t, &tied);
    array_each(&tied, x)
        job_lock_table(&j->arena, l, JOB_EXCLUSIVE, (*x)->db, (*x)->name);
    AST_EACH(slot, &at->actions) {
        const struct ast_alter_action *act = AST_AS_CONST(alter_action, *slot);
        struct sv db, name;

        if (act->op == AST_ALTER_RENAME && act->table && job_table_name(j, act->table, &db, &name, d))
            job_lock_table(&j->arena, l, JOB_EXCLUSIVE, db, name);
        if (act->op == AST_ALTER_ADD_KEY && AST_AS_CONST(key_def, act->def)->type == AST_KEY_FOREIGN &&
            job_table_name(j, AST_AS_CONST(references, AST_AS_CONST(key_def, act->def)->references)->table, &db, &name,
                           d))
            job_lock_table(&j->arena, l, JOB_SHARED, db, name);
    }
    return !diag_is_set(d);
}

/* Numbers of generated names go on behind those that the table has. */
static unsigned highest_number(const struct cat_table *t, const char *infix, bool fks)
{
    unsigned best = 0;
    uint32_t n = fks ? t->fks_n : t->checks_n;

    for (uint32_t i = 0; i < n; i++) {
        struct sv name = fks ? t->fks[i].name : t->checks[i].name;
        size_t head = t->name.len + strlen(infix);
        uint64_t v;

        if (name.len > head && sv_starts(name, t->name) && memcmp(name.ptr + t->name.len, infix, strlen(infix)) == 0 &&
            sv_to_u64(sv_make(name.ptr + head, name.len - head), &v) && v > best && v < 100000)
            best = (unsigned)v;
    }
    return best;
}

static bool alter_items(struct job *j, struct alter *x, bool mariadb, json_t *items, struct diag *d)
{
    json_t *o;
    size_t i;

    json_array_foreach(items, i, o) {
        int part_no = (int)json_integer_value(json_object_get(o, "part"));
        struct sv sql = sqlgen_alter(j, x->at, job_json_sv(o, "db"), job_json_sv(o, "name"), part_no, mariadb, d);

        if (!sql.ptr)
            return false;
        json_object_set_new(o, "sql", job_json_text(sql));
    }
    return true;
}

/* The table's row with renamed partition columns; ids and places stay. */
static json_t *publish_json(const struct alter *x, const struct cat_table *t, bool self)
{
    json_t *place = place_of_table(t), *cols = json_object_get(place, "cols"), *c, *o;
    size_t i;

    json_array_foreach(cols, i, c) {
        struct sv old = sv_make(json_string_value(c), json_string_length(c));

        if (self)
            json_array_set_new(cols, i, job_json_text(new_name(x, old)));
    }
    o = json_pack("{s:I, s:o, s:I}", "id", (json_int_t)t->id, "place", place, "auto_inc",
                  (json_int_t)(self && x->auto_inc ? x->auto_inc : t->auto_inc_start));
    json_object_set_new(o, "db", job_json_text(t->db));
    json_object_set_new(o, "name", job_json_text(t->name));
    return o;
}

static bool add_steps(struct job *j, struct alter *x, struct mconn *c, struct diag *d)
{
    json_t *items = job_places_json(j, x->t), *o, *tables = json_array(), *renames = json_array();
    bool alone = job_places(j, x->t) == 1, tied = x->t->fks_n > 0;
    struct place_tables ties = {0};
    struct mresult r;
    struct job_place p = job_place_at(j, x->t, 0);

    place_tied_to(j, x->t, &ties);
    tied = tied || ties.n > 0;
    if (!alter_items(j, x, mconn_is_mariadb(c), items, d) || !fan_set_env(c, NULL, d) ||
        !mconn_queryf(c, &j->arena, &r, d, "SHOW CREATE TABLE %I.%I", &p.db, &p.name)) {
        json_decref(items);
        json_decref(tables);
        json_decref(renames);
        return false;
    }
    for (size_t i = 0; i < x->n_renames; i++) {
        o = json_array();
        json_array_append_new(o, job_json_text(x->renames[i].from));
        json_array_append_new(o, job_json_text(x->renames[i].to));
        json_array_append_new(renames, o);
    }
    if (x->max_of.len && !alone) {
        /* A server would number rows with 0 by itself, and not know the other partitions' numbers. */
        j->env.keep_zero = true;
        job_set_env(j);
    }
    if (x->columns && (!alone || x->reorders))
        job_step_hold_one(j, x->t);
    job_set_no_return(j); /* the op itself says when it left everything as it was */
    o = json_pack("{s:o, s:i, s:b, s:b, s:o}", "items", items, "s0_part", p.part_no, "gate",
                  !alone && x->columns && !tied, "rehearse", !alone && x->may_fail && x->loses && !tied, "renames",
                  renames);
    json_object_set_new(o, "s0", job_json_text(mresult_cell(&r, 0, 1)));
    if (x->at->actions.n)
        job_step(j, "alter", o);
    else
        json_decref(o);
    json_array_append_new(tables, publish_json(x, x->t, true));
    array_each(&ties, t)
        for (uint32_t i = 0; x->n_renames && i < (*t)->fks_n; i++)
            if (sv_eq((*t)->fks[i].ref_db, x->t->db) && sv_eq((*t)->fks[i].ref_table, x->t->name)) {
                json_array_append_new(tables, publish_json(x, *t, false));
                break;
            }
    o = json_pack("{s:o, s:I, s:I}", "tables", tables, "raise", (json_int_t)x->auto_inc, "id", (json_int_t)x->t->id);
    json_object_set_new(o, "max_of", job_json_text(x->max_of));
    job_step(j, "pub_alter", o);
    job_step(j, "barrier", NULL);
    return true;
}

static bool plan_alter(struct job *j, struct ast_alter_table *at, struct diag *d)
{
    struct alter x = {.at = AST_AS(alter_table, ast_copy(&j->arena, &at->node))};
    unsigned n_checks, n_fks;
    struct ast_node *root;
    struct mconn *c;
    bool ok;

    x.t = cat_find_table(j->snap, j->db, j->table);
    if (!x.t && at->if_exists && job_find_db(j, j->db, d)) {
        job_note(j, DDL_NOTE, ER_NO_SUCH_TABLE, "Table '%.*s.%.*s' doesn't exist", SV_ARG(j->db), SV_ARG(j->table));
        return true;
    }
    if (!job_find_table(j, j->db, j->table, d) || !read_actions(j, &x, d) || !check_ties(j, &x, d))
        return false;
    if (x.rename_to) {
        if (x.at->actions.n || x.auto_inc)
            return job_refuse(d, "ALTER TABLE ... RENAME TO together with other changes");
        return rename_to_plan(j, at->table, x.rename_to, d);
    }
    if (x.at->actions.n == 0 && !x.auto_inc)
        return true;
    if (!job_open_shard(j, job_place_at(j, x.t, 0).shard_id, false, &c, d))
        return false;
    n_checks = highest_number(x.t, "_chk_", false);
    n_fks = highest_number(x.t, "_ibfk_", true);
    root = &x.at->node;
    if (job_place_at(j, x.t, 0).part_no != NAMES_BARE)
        define_name_constraints(&j->arena, &root, x.t->name, !mconn_is_mariadb(c), &n_checks, &n_fks);
    ok = (x.at->actions.n == 0 || job_places(j, x.t) == 1 || x.t->fks_n || try_on_scratch(j, &x, c, d)) &&
         add_steps(j, &x, c, d);
    mconn_close(c);
    return ok;
}

bool alter_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    return plan_alter(j, AST_AS(alter_table, ast), d);
}

/* ---- CREATE INDEX, DROP INDEX: as ALTER TABLE ---- */

static void pass_option(struct arena *a, struct ast_alter_table *at, const struct ast_list *options, const char *name,
                        enum ast_alter_op op)
{
    const struct ast_option *o = define_option(options, name);
    struct ast_alter_action *act;

    if (!o || !define_option_text(o).ptr)
        return;
    act = AST_NEW(a, ALTER_ACTION, alter_action);
    act->op = op;
    act->word = define_option_text(o);
    ast_list_add(a, &at->actions, &act->node);
}

struct ast_alter_table *alter_from_index(struct arena *a, const struct ast_node *ast)
{
    struct ast_alter_table *at = AST_NEW(a, ALTER_TABLE, alter_table);
    struct ast_alter_action *act = AST_NEW(a, ALTER_ACTION, alter_action);
    const struct ast_list *options;

    if (ast->kind == AST_CREATE_INDEX) {
        const struct ast_create_index *ci = AST_AS_CONST(create_index, ast);

        at->table = ci->table;
        at->wait = ci->wait;
        act->op = AST_ALTER_ADD_KEY;
        act->def = ast_copy(a, ci->key);
        options = &ci->options;
    } else {
        const struct ast_drop_index *di = AST_AS_CONST(drop_index, ast);

        at->table = di->table;
        at->wait = di->wait;
        act->op = sv_eq_nocase(di->name.name, SV("PRIMARY")) ? AST_ALTER_DROP_PRIMARY : AST_ALTER_DROP_KEY;
        act->if_exists = di->if_exists;
        act->name = di->name;
        options = &di->options;
    }
    ast_list_add(a, &at->actions, &act->node);
    pass_option(a, at, options, "ALGORITHM", AST_ALTER_ALGORITHM);
    pass_option(a, at, options, "LOCK", AST_ALTER_LOCK);
    return at;
}

bool index_locks(struct job *j, struct ast_node *ast, struct job_lock_array *l, struct diag *d)
{
    return alter_locks(j, &alter_from_index(&j->arena, ast)->node, l, d);
}

bool index_plan(struct job *j, struct ast_node *ast, struct diag *d)
{
    if (ast->kind == AST_CREATE_INDEX && AST_AS(create_index, ast)->or_replace)
        return job_refuse(d, "CREATE OR REPLACE INDEX");
    return plan_alter(j, alter_from_index(&j->arena, ast), d);
}

/* ---- publishing ---- */

struct max_arg {
    struct sv column;
    uint64_t max;
};

static bool ask_max(struct mconn *c, struct arena *a, const struct job_place *p, struct max_arg *m, struct diag *d)
{
    struct mresult r;

    if (!mconn_queryf(c, a, &r, d, "SELECT MAX(%I) FROM %I.%I", &m->column, &p->db, &p->name))
        return false;
    m->max = r.rows && mresult_i64(&r, 0, 0) > 0 ? MAX(m->max, mresult_u64(&r, 0, 0)) : m->max;
    return true;
}

/* A column that has become AUTO_INCREMENT goes on behind the values that it holds; so does one whose table was filled
 * by hand. The gate's locks keep other connections out: its own are used. */
static bool raise_sequence(struct job *j, const struct cat_table *t, struct sv column, struct diag *d)
{
    struct max_arg m = {.column = column};

    for (size_t i = 0; i < job_places(j, t); i++) {
        struct job_place p = job_place_at(j, t, i);
        struct mconn *own = NULL, *c = j->gate ? gate_conn(j->gate, p.shard_id) : NULL;
        bool ok;

        if (!c && !job_open_shard(j, p.shard_id, false, &own, d))
            return false;
        ok = ask_max(c ? c : own, &j->arena, &p, &m, d);
        mconn_close(own);
        if (!ok)
            return false;
        if (t->kind == CAT_BROADCAST)
            break;
    }
    return m.max == 0 || metadb_seq_raise(j->meta, t->id, m.max, d);
}

static bool pub_alter_run(struct job *j, json_t *step, struct diag *d)
{
    json_t *tables = json_object_get(step, "tables"), *x;
    uint64_t raise = job_json_u64(step, "raise");
    struct metadb_tx tx = {0};
    size_t i;

    if (raise > 1 && !metadb_seq_raise(j->meta, job_json_u64(step, "id"), raise - 1, d))
        return false;
    if (!job_publish_begin(j, &tx, d))
        goto failed;
    json_array_foreach(tables, i, x) {
        if (!job_put_table(j, &tx, json_object_get(x, "place"), job_json_sv(x, "db"), job_json_sv(x, "name"),
                           job_json_u64(x, "id"), job_json_u64(x, "auto_inc"), d))
            goto failed;
    }
    if (job_json_sv(step, "max_of").len && j->snap) {
        const struct cat_table *t = cat_find_table_id(j->snap, job_json_u64(step, "id"));

        if (t && !raise_sequence(j, t, job_json_sv(step, "max_of"), d))
            goto failed;
    }
    return job_publish_commit(j, &tx, d);
failed:
    metadb_rollback(&tx);
    return false;
}

const struct job_op job_op_pub_alter = {.name = "pub_alter", .run = pub_alter_run, .publishes = true};
