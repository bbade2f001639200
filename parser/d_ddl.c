/* Deparser: data types, tables, indexes, views, routines, databases. */
#include "parser/d-int.h"

/* ---- types, options ---- */

static bool is_text(enum ast_type_base base)
{
    return base == AST_TYPE_CHAR || base == AST_TYPE_VARCHAR;
}

void put_type(struct dep *d, const struct ast_type *t)
{
    if (t->schema.ptr) {
        deparse_ident(t->schema, d->o, d->b);
        put(d, ".");
    }
    if (t->national && is_text(t->base))
        put(d, t->base == AST_TYPE_CHAR ? "N" : "NATIONAL ");
    put(d, ast_type_text(t->base));
    if (t->base == AST_TYPE_INTERVAL)
        put(d, " ");
    put_sv(d, t->name);
    if (t->length >= 0) {
        put(d, "(");
        put_int(d, t->length);
        if (t->scale >= 0) {
            put(d, ",");
            put_int(d, t->scale);
        }
        put(d, ")");
    }
    if (t->values.n) {
        put(d, "(");
        put_list(d, &t->values, ",");
        put(d, ")");
    }
    put_if(d, t->is_signed, " SIGNED");
    put_if(d, t->is_unsigned, " UNSIGNED");
    put_if(d, t->zerofill, " ZEROFILL");
    if (t->charset.ptr) {
        put(d, " CHARACTER SET ");
        put_charset(d, t->charset);
    }
    put_if(d, t->binary, " BINARY");
    if (t->collation.ptr) {
        put(d, " COLLATE ");
        put_collation(d, t->collation);
    }
}

/* Whether an option is written NAME=value; else NAME value. */
static bool option_has_eq(struct sv name)
{
    static const char *const without[] = {"TABLESPACE", "STORAGE", "USING", "WITH PARSER", "COMMENT", "INTERVAL", "STARTS", "LIMIT",
                                          "INCREMENT BY", "START WITH", "MINVALUE", "MAXVALUE", "CACHE", "RESTART"};

    for (size_t i = 0; i < ARRAY_LEN(without); i++) {
        if (sv_eq_cstr(name, without[i]))
            return false;
    }
    return true;
}

static void option_value(struct dep *d, const struct ast_node *v)
{
    if (v->kind == AST_NAME) {
        struct sv s = AST_AS_CONST(name, v)->name.name;

        /* DEFAULT, DYNAMIC, ON: words, not quoted names */
        if (kw_find(s.ptr, s.len)) {
            put_sv(d, s);
            return;
        }
    }
    put_node(d, v);
}

static void option(struct dep *d, const struct ast_option *o)
{
    bool eq = o->named || option_has_eq(o->name);

    if (!o->named && sv_eq_cstr(o->name, "INTERVAL") && o->value && o->value->kind == AST_INTERVAL) { /* says it already */
        put_node(d, o->value);
        return;
    }
    if (o->named)
        deparse_ident(o->name, d->o, d->b);
    else
        put_sv(d, o->name);
    if (o->has_list) {
        put(d, "=(");
        put_list(d, &o->list, ",");
        put(d, ")");
    }
    if (o->value) {
        put(d, eq ? "=" : " ");
        option_value(d, o->value);
    }
}

void put_options(struct dep *d, const struct ast_list *l, const char *sep)
{
    AST_EACH(o, l)
    {
        put(d, sep);
        put_node(d, *o);
    }
}

static void charset_and_collation(struct dep *d, struct sv charset, struct sv collation)
{
    put_charset(d, charset);
    if (collation.ptr) {
        put(d, " COLLATE ");
        put_collation(d, collation);
    }
}

/* ---- columns, keys, checks ---- */

static const char *fk_action(enum ast_fk_action a)
{
    static const char *const words[] = {"", "RESTRICT", "CASCADE", "SET NULL", "NO ACTION", "SET DEFAULT"};

    return words[a];
}

static void references(struct dep *d, const struct ast_references *r)
{
    static const char *const matches[] = {"", " MATCH FULL", " MATCH PARTIAL", " MATCH SIMPLE"};

    put(d, "REFERENCES ");
    put_table(d, AST_AS_CONST(table, r->table), false);
    if (r->columns.n) {
        put(d, " ");
        put_names(d, &r->columns);
    }
    put(d, matches[r->match]);
    if (r->on_delete != AST_FK_NONE) {
        put(d, " ON DELETE ");
        put(d, fk_action(r->on_delete));
    }
    if (r->on_update != AST_FK_NONE) {
        put(d, " ON UPDATE ");
        put(d, fk_action(r->on_update));
    }
}

static void constraint_head(struct dep *d, bool constraint, bool if_not_exists, const struct ast_ident *symbol)
{
    if (!constraint)
        return;
    put(d, "CONSTRAINT ");
    put_if(d, if_not_exists, "IF NOT EXISTS ");
    if (ast_ident_set(symbol)) {
        put_name(d, symbol);
        put(d, " ");
    }
}

static void check_def(struct dep *d, const struct ast_check_def *c)
{
    constraint_head(d, c->constraint, c->if_not_exists, &c->symbol);
    put_opt(d, "CHECK (", c->expr);
    put(d, ")");
    put_if(d, c->enforced == AST_ENFORCED, " ENFORCED");
    put_if(d, c->enforced == AST_NOT_ENFORCED, " NOT ENFORCED");
}

static void generated(struct dep *d, const struct ast_column_def *c)
{
    static const char *const kinds[] = {"", " VIRTUAL", " STORED", " PERSISTENT"};

    if (c->generated) {
        put_opt(d, c->always ? " GENERATED ALWAYS AS (" : " AS (", c->generated);
        put(d, ")");
        put(d, kinds[c->storage_kind]);
    }
    if (c->versioning == AST_VERSIONING_ROW_START || c->versioning == AST_VERSIONING_ROW_END) {
        put(d, c->always ? " GENERATED ALWAYS AS ROW " : " AS ROW ");
        put(d, c->versioning == AST_VERSIONING_ROW_START ? "START" : "END");
    }
    put_if(d, c->versioning == AST_VERSIONING_WITH, " WITH SYSTEM VERSIONING");
    put_if(d, c->versioning == AST_VERSIONING_WITHOUT, " WITHOUT SYSTEM VERSIONING");
}

static void word_attribute(struct dep *d, const char *name, struct sv word)
{
    if (word.ptr) {
        put(d, name);
        put_sv(d, word);
    }
}

static void column_default(struct dep *d, const struct ast_column_def *c)
{
    if (!c->defval)
        return;
    put(d, c->default_paren ? " DEFAULT (" : " DEFAULT ");
    if (c->default_paren)
        put_node(d, c->defval);
    else
        put_expr(d, c->defval, PREC_UNARY);
    put_if(d, c->default_paren, ")");
}

static void column_def(struct dep *d, const struct ast_column_def *c)
{
    put_name(d, &c->name);
    put_opt(d, " ", c->type);
    generated(d, c);
    put_if(d, c->null == AST_NULLABLE_NULL, " NULL");
    put_if(d, c->null == AST_NULLABLE_NOT_NULL, " NOT NULL");
    column_default(d, c);
    put_opt(d, " ON UPDATE ", c->on_update);
    put_if(d, c->auto_increment, " AUTO_INCREMENT");
    put_if(d, c->key == AST_COLUMN_KEY_PRIMARY, " PRIMARY KEY");
    put_if(d, c->key == AST_COLUMN_KEY_UNIQUE, " UNIQUE");
    put_if(d, c->visibility == AST_VISIBLE, " VISIBLE");
    put_if(d, c->visibility == AST_INVISIBLE, " INVISIBLE");
    put_if(d, c->compressed, " COMPRESSED");
    put_if(d, c->not_secondary, " NOT SECONDARY");
    if (c->srid >= 0) {
        put(d, " SRID ");
        put_int(d, c->srid);
    }
    word_attribute(d, " COLUMN_FORMAT ", c->format);
    word_attribute(d, " STORAGE ", c->storage);
    put_opt(d, " ENGINE_ATTRIBUTE ", c->engine_attr);
    put_opt(d, " SECONDARY_ENGINE_ATTRIBUTE ", c->secondary_attr);
    put_opt(d, " COMMENT ", c->comment);
    put_options(d, &c->options, " ");
    put_opt(d, " ", c->references);
    put_options(d, &c->checks, " ");
    put_if(d, c->first, " FIRST");
    if (ast_ident_set(&c->after)) {
        put(d, " AFTER ");
        put_name(d, &c->after);
    }
}

static void key_part(struct dep *d, const struct ast_key_part *k)
{
    static const char *const dirs[] = {"", " ASC", " DESC"};

    if (k->expr) {
        put_opt(d, "(", k->expr);
        put(d, ")");
    } else {
        put_name(d, &k->name);
    }
    if (k->length >= 0) {
        put(d, "(");
        put_int(d, k->length);
        put(d, ")");
    }
    put(d, dirs[k->dir]);
}

static void key_parts(struct dep *d, const struct ast_key_def *k)
{
    put(d, "(");
    put_list(d, &k->parts, ", ");
    if (k->without_overlaps) {
        put_if(d, k->parts.n > 0, ", ");
        put_name(d, &k->period);
        put(d, " WITHOUT OVERLAPS");
    }
    put(d, ")");
}

static void key_words(struct dep *d, const struct ast_key_def *k)
{
    static const char *const scopes[] = {"", "GLOBAL ", "LOCAL ", "CLUSTERED "};

    switch (k->type) {
    case AST_KEY_PRIMARY:
        put(d, "PRIMARY KEY");
        return;
    case AST_KEY_FOREIGN:
        put(d, "FOREIGN KEY");
        return;
    case AST_KEY_UNIQUE:
        put(d, "UNIQUE ");
        break;
    case AST_KEY_FULLTEXT:
        put(d, "FULLTEXT ");
        break;
    case AST_KEY_SPATIAL:
        put(d, "SPATIAL ");
        break;
    case AST_KEY_VECTOR:
        put(d, "VECTOR ");
        break;
    case AST_KEY_INDEX:
        break;
    }
    put(d, scopes[k->scope]);
    put(d, "INDEX");
}

/* `table`: of CREATE INDEX, NULL in a table's definition. */
static void key_def(struct dep *d, const struct ast_key_def *k, const struct ast_node *table)
{
    constraint_head(d, k->constraint, false, &k->symbol);
    key_words(d, k);
    put_if(d, k->if_not_exists, " IF NOT EXISTS");
    if (ast_ident_set(&k->name)) {
        put(d, " ");
        put_name(d, &k->name);
    }
    word_attribute(d, " USING ", k->algorithm);
    if (table) {
        put(d, " ON ");
        put_table(d, AST_AS_CONST(table, table), false);
    }
    put(d, " ");
    key_parts(d, k);
    put_opt(d, " ", k->references);
    put_options(d, &k->options, " ");
    if (k->covering.n) {
        put(d, " COVERING ");
        put_names(d, &k->covering);
    }
    put_opt(d, " ", k->partition);
}

static void period_name(struct dep *d, const struct ast_ident *name)
{
    if (sv_eq_nocase(name->name, SV("SYSTEM_TIME")))
        put_sv(d, name->name);
    else
        put_name(d, name);
}

static void period_def(struct dep *d, const struct ast_period_def *n)
{
    put(d, n->if_not_exists ? "PERIOD IF NOT EXISTS FOR " : "PERIOD FOR ");
    period_name(d, &n->name);
    put(d, " (");
    put_name(d, &n->from);
    put(d, ", ");
    put_name(d, &n->to);
    put(d, ")");
}

/* ---- partitions ---- */

static void partition_def(struct dep *d, const struct ast_partition_def *n, bool sub)
{
    put(d, sub ? "SUBPARTITION " : "PARTITION ");
    put_name(d, &n->name);
    switch (n->bound) {
    case AST_PART_BOUND_NONE:
        break;
    case AST_PART_LESS_THAN:
    case AST_PART_IN:
        put(d, n->bound == AST_PART_IN ? " VALUES IN (" : " VALUES LESS THAN (");
        put_list(d, &n->values, ", ");
        put(d, ")");
        break;
    case AST_PART_LESS_THAN_MAXVALUE:
        put(d, " VALUES LESS THAN MAXVALUE");
        break;
    case AST_PART_DEFAULT:
        put(d, " DEFAULT");
        break;
    case AST_PART_CURRENT:
        put(d, " CURRENT");
        break;
    case AST_PART_HISTORY:
        put(d, " HISTORY");
        break;
    }
    put_options(d, &n->options, " ");
    if (ast_ident_set(&n->shard)) {
        put(d, " ON SHARD ");
        put_name(d, &n->shard);
    }
    if (n->subs.n) {
        put(d, " (");
        for (uint32_t i = 0; i < n->subs.n; i++) {
            put_if(d, i > 0, ", ");
            partition_def(d, AST_AS_CONST(partition_def, n->subs.items[i]), true);
        }
        put(d, ")");
    }
}

static void partition_method(struct dep *d, const struct ast_partition_by *n)
{
    put_if(d, n->linear, "LINEAR ");
    switch (n->method) {
    case AST_PART_HASH:
        put(d, "HASH ");
        break;
    case AST_PART_KEY:
        put(d, "KEY ");
        if (n->algorithm >= 0) {
            put(d, "ALGORITHM=");
            put_int(d, n->algorithm);
            put(d, " ");
        }
        put_names(d, &n->columns);
        break;
    case AST_PART_RANGE:
        put(d, "RANGE ");
        break;
    case AST_PART_LIST:
        put(d, "LIST ");
        break;
    case AST_PART_RANGE_COLUMNS:
    case AST_PART_LIST_COLUMNS:
        put(d, n->method == AST_PART_RANGE_COLUMNS ? "RANGE COLUMNS " : "LIST COLUMNS ");
        put_names(d, &n->columns);
        break;
    case AST_PART_SYSTEM_TIME:
        put(d, "SYSTEM_TIME");
        put_options(d, &n->options, " ");
        break;
    }
    if (n->expr) {
        put_opt(d, "(", n->expr);
        put(d, ")");
    }
}

static void partition_by(struct dep *d, const struct ast_partition_by *n)
{
    put(d, "PARTITION BY ");
    partition_method(d, n);
    if (n->count >= 0) {
        put(d, " PARTITIONS ");
        put_int(d, n->count);
    }
    if (n->sub) {
        const struct ast_partition_by *s = AST_AS_CONST(partition_by, n->sub);

        put(d, " SUBPARTITION BY ");
        partition_method(d, s);
        if (s->count >= 0) {
            put(d, " SUBPARTITIONS ");
            put_int(d, s->count);
        }
    }
    if (n->parts.n) {
        put_opt_list(d, " (", &n->parts);
        put(d, ")");
    }
}

/* ---- CREATE TABLE ---- */

static void create_table(struct dep *d, const struct ast_create_table *n)
{
    put(d, "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    put_if(d, n->temporary, "TEMPORARY ");
    put(d, n->if_not_exists ? "TABLE IF NOT EXISTS " : "TABLE ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    if (n->like) {
        put(d, " LIKE ");
        put_table(d, AST_AS_CONST(table, n->like), false);
        return;
    }
    if (n->elements.n) {
        put_opt_list(d, " (", &n->elements);
        put(d, ")");
    }
    put_options(d, &n->options, " ");
    if (n->placement == AST_PLACEMENT_SINGLE) {
        put(d, " SINGLE");
        if (ast_ident_set(&n->shard)) {
            put(d, " ON SHARD ");
            put_name(d, &n->shard);
        }
    }
    put_if(d, n->placement == AST_PLACEMENT_BROADCAST, " BROADCAST");
    put_opt(d, " ", n->partition);
    put_if(d, n->dup == AST_DUP_REPLACE, " REPLACE");
    put_if(d, n->dup == AST_DUP_IGNORE, " IGNORE");
    put_opt(d, " AS ", n->query);
}

/* ---- ALTER TABLE ---- */

static const char *const alter_words[] = {
    [AST_ALTER_ADD_COLUMN] = "ADD COLUMN ",
    [AST_ALTER_DROP_COLUMN] = "DROP COLUMN ",
    [AST_ALTER_MODIFY_COLUMN] = "MODIFY COLUMN ",
    [AST_ALTER_CHANGE_COLUMN] = "CHANGE COLUMN ",
    [AST_ALTER_RENAME_COLUMN] = "RENAME COLUMN ",
    [AST_ALTER_SET_DEFAULT] = "ALTER COLUMN ",
    [AST_ALTER_DROP_DEFAULT] = "ALTER COLUMN ",
    [AST_ALTER_COLUMN_VISIBILITY] = "ALTER COLUMN ",
    [AST_ALTER_ADD_KEY] = "ADD ",
    [AST_ALTER_ADD_CHECK] = "ADD ",
    [AST_ALTER_ADD_PERIOD] = "ADD ",
    [AST_ALTER_DROP_PERIOD] = "DROP PERIOD ",
    [AST_ALTER_ADD_VERSIONING] = "ADD SYSTEM VERSIONING",
    [AST_ALTER_DROP_VERSIONING] = "DROP SYSTEM VERSIONING",
    [AST_ALTER_DROP_KEY] = "DROP INDEX ",
    [AST_ALTER_DROP_PRIMARY] = "DROP PRIMARY KEY",
    [AST_ALTER_DROP_FOREIGN] = "DROP FOREIGN KEY ",
    [AST_ALTER_DROP_CHECK] = "DROP CHECK ",
    [AST_ALTER_DROP_CONSTRAINT] = "DROP CONSTRAINT ",
    [AST_ALTER_RENAME_KEY] = "RENAME INDEX ",
    [AST_ALTER_KEY_VISIBILITY] = "ALTER INDEX ",
    [AST_ALTER_CHECK_ENFORCED] = "ALTER ",
    [AST_ALTER_RENAME] = "RENAME TO ",
    [AST_ALTER_OPTION] = "",
    [AST_ALTER_CONVERT] = "CONVERT TO CHARACTER SET ",
    [AST_ALTER_ORDER] = "ORDER BY ",
    [AST_ALTER_DISABLE_KEYS] = "DISABLE KEYS",
    [AST_ALTER_ENABLE_KEYS] = "ENABLE KEYS",
    [AST_ALTER_DISCARD_TABLESPACE] = "DISCARD TABLESPACE",
    [AST_ALTER_IMPORT_TABLESPACE] = "IMPORT TABLESPACE",
    [AST_ALTER_FORCE] = "FORCE",
    [AST_ALTER_ALGORITHM] = "ALGORITHM=",
    [AST_ALTER_LOCK] = "LOCK=",
    [AST_ALTER_VALIDATION] = "",
    [AST_ALTER_SECONDARY] = "SECONDARY_",
    [AST_ALTER_PLACEMENT] = "",
    [AST_ALTER_PARTITION_BY] = "",
    [AST_ALTER_REMOVE_PARTITIONING] = "REMOVE PARTITIONING",
    [AST_ALTER_ADD_PARTITION] = "ADD PARTITION",
    [AST_ALTER_DROP_PARTITION] = "DROP PARTITION ",
    [AST_ALTER_TRUNCATE_PARTITION] = "TRUNCATE PARTITION ",
    [AST_ALTER_DISCARD_PARTITION] = "DISCARD PARTITION ",
    [AST_ALTER_IMPORT_PARTITION] = "IMPORT PARTITION ",
    [AST_ALTER_ANALYZE_PARTITION] = "ANALYZE PARTITION ",
    [AST_ALTER_CHECK_PARTITION] = "CHECK PARTITION ",
    [AST_ALTER_OPTIMIZE_PARTITION] = "OPTIMIZE PARTITION ",
    [AST_ALTER_REBUILD_PARTITION] = "REBUILD PARTITION ",
    [AST_ALTER_REPAIR_PARTITION] = "REPAIR PARTITION ",
    [AST_ALTER_COALESCE_PARTITION] = "COALESCE PARTITION ",
    [AST_ALTER_REORGANIZE_PARTITION] = "REORGANIZE PARTITION",
    [AST_ALTER_EXCHANGE_PARTITION] = "EXCHANGE PARTITION ",
    [AST_ALTER_CONVERT_PARTITION] = "CONVERT PARTITION ",
    [AST_ALTER_CONVERT_TABLE] = "CONVERT TABLE ",
    [AST_ALTER_MOVE_PARTITION] = "MOVE PARTITION ",
    [AST_ALTER_SPLIT_PARTITION] = "SPLIT PARTITION ",
    [AST_ALTER_MERGE_PARTITION] = "MERGE PARTITIONS ",
};

static void name_and_word(struct dep *d, const struct ast_alter_action *a, const char *sep)
{
    put_name(d, &a->name);
    put(d, sep);
    put_sv(d, a->word);
}

static void paren_defs(struct dep *d, const struct ast_alter_action *a)
{
    put_opt_list(d, " (", &a->defs);
    put(d, ")");
}

/* What stands behind the words of a column's, key's or constraint's action; false: another action. */
static bool alter_objects(struct dep *d, const struct ast_alter_action *a)
{
    switch (a->op) {
    case AST_ALTER_ADD_COLUMN:
        if (a->defs.n) {
            put_opt_list(d, "(", &a->defs);
            put(d, ")");
            return true;
        }
        put_node(d, a->def);
        return true;
    case AST_ALTER_MODIFY_COLUMN:
    case AST_ALTER_ADD_KEY:
    case AST_ALTER_ADD_CHECK:
    case AST_ALTER_ADD_PERIOD:
    case AST_ALTER_OPTION:
    case AST_ALTER_PARTITION_BY:
        put_node(d, a->def);
        return true;
    case AST_ALTER_CHANGE_COLUMN:
        put_name(d, &a->name);
        put_opt(d, " ", a->def);
        return true;
    case AST_ALTER_RENAME_COLUMN:
    case AST_ALTER_RENAME_KEY:
        put_name(d, &a->name);
        put(d, " TO ");
        put_name(d, &a->new_name);
        return true;
    case AST_ALTER_SET_DEFAULT:
        put_name(d, &a->name);
        put(d, a->all ? " SET DEFAULT (" : " SET DEFAULT ");
        put_expr(d, a->value, a->all ? PREC_ANY : PREC_UNARY);
        put_if(d, a->all, ")");
        return true;
    case AST_ALTER_DROP_DEFAULT:
        put_name(d, &a->name);
        put(d, " DROP DEFAULT");
        return true;
    case AST_ALTER_COLUMN_VISIBILITY:
        name_and_word(d, a, " SET ");
        return true;
    case AST_ALTER_KEY_VISIBILITY:
        name_and_word(d, a, " ");
        return true;
    case AST_ALTER_CHECK_ENFORCED:
        put(d, a->all ? "CONSTRAINT " : "CHECK ");
        name_and_word(d, a, " ");
        return true;
    case AST_ALTER_DROP_COLUMN:
    case AST_ALTER_DROP_CONSTRAINT:
        name_and_word(d, a, a->word.ptr ? " " : "");
        return true;
    case AST_ALTER_DROP_KEY:
    case AST_ALTER_DROP_FOREIGN:
    case AST_ALTER_DROP_CHECK:
        put_name(d, &a->name);
        return true;
    case AST_ALTER_DROP_PERIOD:
        put(d, "FOR ");
        period_name(d, &a->name);
        return true;
    default:
        return false;
    }
}

static void partition_names(struct dep *d, const struct ast_alter_action *a)
{
    put_if(d, a->all, "ALL");
    put_names_bare(d, &a->names);
}

static void alter_partitions(struct dep *d, const struct ast_alter_action *a)
{
    switch (a->op) {
    case AST_ALTER_ADD_PARTITION:
        put_opt(d, " PARTITIONS ", a->value);
        if (a->defs.n)
            paren_defs(d, a);
        break;
    case AST_ALTER_REORGANIZE_PARTITION:
        if (a->defs.n) {
            put(d, " ");
            partition_names(d, a);
            put(d, " INTO");
            paren_defs(d, a);
        }
        break;
    case AST_ALTER_COALESCE_PARTITION:
        put_node(d, a->value);
        break;
    case AST_ALTER_EXCHANGE_PARTITION:
        put_name(d, &a->name);
        put(d, " WITH TABLE ");
        put_table(d, AST_AS_CONST(table, a->table), false);
        if (a->word.ptr) {
            put(d, " ");
            put_sv(d, a->word);
            put(d, " VALIDATION");
        }
        break;
    case AST_ALTER_CONVERT_PARTITION:
        put_name(d, &a->name);
        put(d, " TO TABLE ");
        put_table(d, AST_AS_CONST(table, a->table), false);
        break;
    case AST_ALTER_CONVERT_TABLE:
        put_table(d, AST_AS_CONST(table, a->table), false);
        put_opt_list(d, " TO ", &a->defs);
        break;
    case AST_ALTER_MOVE_PARTITION:
    case AST_ALTER_MERGE_PARTITION:
        partition_names(d, a);
        put(d, a->op == AST_ALTER_MOVE_PARTITION ? " TO SHARD " : " INTO ");
        put_name(d, &a->new_name);
        break;
    case AST_ALTER_SPLIT_PARTITION:
        put_name(d, &a->name);
        put_opt(d, " INTO ", a->value);
        if (a->defs.n) {
            put(d, " INTO");
            paren_defs(d, a);
        }
        break;
    case AST_ALTER_DISCARD_PARTITION:
    case AST_ALTER_IMPORT_PARTITION:
        partition_names(d, a);
        put(d, " TABLESPACE");
        break;
    default:
        partition_names(d, a);
        put_if(d, a->word.ptr != NULL, " ");
        put_sv(d, a->word);
        break;
    }
}

static void alter_action(struct dep *d, const struct ast_alter_action *a)
{
    put(d, alter_words[a->op]);
    put_if(d, a->no_binlog && a->op == AST_ALTER_ADD_PARTITION, " NO_WRITE_TO_BINLOG");
    put_if(d, a->no_binlog && a->op == AST_ALTER_REORGANIZE_PARTITION, " NO_WRITE_TO_BINLOG");
    put_if(d, a->no_binlog && a->op != AST_ALTER_ADD_PARTITION && a->op != AST_ALTER_REORGANIZE_PARTITION,
           "NO_WRITE_TO_BINLOG ");
    put_if(d, a->if_exists, "IF EXISTS ");
    put_if(d, a->if_not_exists, a->op == AST_ALTER_ADD_PARTITION ? " IF NOT EXISTS" : "IF NOT EXISTS ");
    if (alter_objects(d, a))
        return;
    switch (a->op) {
    case AST_ALTER_RENAME:
        put_table(d, AST_AS_CONST(table, a->table), false);
        break;
    case AST_ALTER_CONVERT:
        charset_and_collation(d, a->word.ptr ? a->word : SV("DEFAULT"), a->word2);
        break;
    case AST_ALTER_ORDER:
        put_list(d, &a->defs, ", ");
        break;
    case AST_ALTER_ALGORITHM:
    case AST_ALTER_LOCK:
    case AST_ALTER_SECONDARY:
        put_sv(d, a->word);
        break;
    case AST_ALTER_VALIDATION:
        put_sv(d, a->word);
        put(d, " VALIDATION");
        break;
    case AST_ALTER_PLACEMENT:
        put_sv(d, a->word);
        if (ast_ident_set(&a->name)) {
            put(d, " ON SHARD ");
            put_name(d, &a->name);
        }
        break;
    default:
        if (a->op >= AST_ALTER_ADD_PARTITION)
            alter_partitions(d, a);
        break;
    }
}

static void wait(struct dep *d, const struct ast_node *n)
{
    put_opt(d, " WAIT ", n);
}

static void alter_table(struct dep *d, const struct ast_alter_table *n)
{
    put(d, "ALTER ");
    put_if(d, n->online, "ONLINE ");
    put_if(d, n->ignore, "IGNORE ");
    put(d, n->if_exists ? "TABLE IF EXISTS " : "TABLE ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    wait(d, n->wait);
    for (uint32_t i = 0; i < n->actions.n; i++) {
        const struct ast_alter_action *a = AST_AS_CONST(alter_action, n->actions.items[i]);

        /* Partitioning follows the other actions without a comma. */
        put(d, i == 0 || a->op == AST_ALTER_PARTITION_BY || a->op == AST_ALTER_REMOVE_PARTITIONING ? " " : ", ");
        put_node(d, &a->node);
    }
}

/* ---- other definitions ---- */

static void create_index(struct dep *d, const struct ast_create_index *n)
{
    put(d, "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    put_if(d, n->online, "ONLINE ");
    key_def(d, AST_AS_CONST(key_def, n->key), n->table);
    wait(d, n->wait);
    put_options(d, &n->options, " ");
}

static void drop_index(struct dep *d, const struct ast_drop_index *n)
{
    put(d, n->online ? "DROP ONLINE INDEX " : "DROP INDEX ");
    put_if(d, n->if_exists, "IF EXISTS ");
    put_name(d, &n->name);
    put(d, " ON ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    wait(d, n->wait);
    put_options(d, &n->options, " ");
}

static void drop(struct dep *d, const struct ast_drop *n)
{
    static const char *const words[] = {"TABLE ", "VIEW ", "DATABASE ", "TRIGGER ", "PROCEDURE ", "FUNCTION ",
                                        "EVENT ", "SEQUENCE ", "USER ", "ROLE ", "SERVER ", "PACKAGE ", "PACKAGE BODY "};

    put(d, "DROP ");
    put_if(d, n->temporary, "TEMPORARY ");
    put(d, words[n->object]);
    put_if(d, n->if_exists, "IF EXISTS ");
    for (uint32_t i = 0; i < n->names.n; i++) {
        put_if(d, i > 0, ", ");
        if (n->names.items[i]->kind == AST_TABLE)
            put_table(d, AST_AS_CONST(table, n->names.items[i]), false);
        else
            put_node(d, n->names.items[i]);
    }
    wait(d, n->wait);
    put_if(d, n->behavior == AST_DROP_RESTRICT, " RESTRICT");
    put_if(d, n->behavior == AST_DROP_CASCADE, " CASCADE");
}

static void rename_table(struct dep *d, const struct ast_rename_table *n)
{
    bool user = n->pairs.n && AST_AS_CONST(rename_pair, n->pairs.items[0])->from->kind == AST_ACCOUNT;

    put(d, user ? "RENAME USER " : "RENAME TABLE ");
    put_if(d, n->if_exists, "IF EXISTS ");
    put_list(d, &n->pairs, ", ");
}

static void rename_side(struct dep *d, const struct ast_node *n)
{
    if (n->kind == AST_TABLE)
        put_table(d, AST_AS_CONST(table, n), false);
    else
        put_node(d, n);
}

static void create_database(struct dep *d, const struct ast_create_database *n)
{
    put(d, n->alter ? "ALTER " : "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    put(d, "DATABASE");
    put_if(d, n->if_not_exists, " IF NOT EXISTS");
    if (ast_ident_set(&n->name)) {
        put(d, " ");
        put_name(d, &n->name);
    }
    put_options(d, &n->options, " ");
}

static void definer(struct dep *d, const struct ast_node *n)
{
    if (n) {
        put_opt(d, "DEFINER=", n);
        put(d, " ");
    }
}

static void create_view(struct dep *d, const struct ast_create_view *n)
{
    static const char *const checks[] = {"", " WITH CHECK OPTION", " WITH CASCADED CHECK OPTION",
                                         " WITH LOCAL CHECK OPTION"};

    put(d, n->alter ? "ALTER " : "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    if (n->algorithm.ptr) {
        put(d, "ALGORITHM=");
        put_sv(d, n->algorithm);
        put(d, " ");
    }
    definer(d, n->definer);
    if (n->security.ptr) {
        put(d, "SQL SECURITY ");
        put_sv(d, n->security);
        put(d, " ");
    }
    put(d, n->if_not_exists ? "VIEW IF NOT EXISTS " : "VIEW ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    if (n->columns.n) {
        put(d, " ");
        put_names(d, &n->columns);
    }
    put_opt(d, " AS ", n->query);
    put(d, checks[n->check]);
}

static void create_sequence(struct dep *d, const struct ast_create_sequence *n)
{
    put(d, n->alter ? "ALTER " : "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    put_if(d, n->temporary, "TEMPORARY ");
    put(d, "SEQUENCE ");
    put_if(d, n->if_not_exists, n->alter ? "IF EXISTS " : "IF NOT EXISTS ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    put_options(d, &n->options, " ");
}

static void create_routine(struct dep *d, const struct ast_create_routine *n)
{
    static const char *const words[] = {"", "", "", "TRIGGER ", "PROCEDURE ", "FUNCTION ", "EVENT ",
                                        "", "", "", "",         "",           ""};

    put(d, n->alter ? "ALTER " : "CREATE ");
    put_if(d, n->or_replace, "OR REPLACE ");
    definer(d, n->definer);
    put_if(d, n->aggregate, "AGGREGATE ");
    put(d, words[n->object]);
    put_if(d, n->if_not_exists, "IF NOT EXISTS ");
    put_path(d, NULL, &n->db, &n->name);
    put(d, " ");
    put_sv(d, n->head);
    put_if(d, n->head.len > 0, " ");
    put_if(d, n->object == AST_OBJ_EVENT && n->body.len > 0, "DO ");
    put_sv(d, n->body);
}

static bool put_table_part(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_TYPE:
        put_type(d, AST_AS_CONST(type, n));
        return true;
    case AST_OPTION:
        option(d, AST_AS_CONST(option, n));
        return true;
    case AST_NAME:
        put_name(d, &AST_AS_CONST(name, n)->name);
        return true;
    case AST_COLUMN_DEF:
        column_def(d, AST_AS_CONST(column_def, n));
        return true;
    case AST_KEY_DEF:
        key_def(d, AST_AS_CONST(key_def, n), NULL);
        return true;
    case AST_KEY_PART:
        key_part(d, AST_AS_CONST(key_part, n));
        return true;
    case AST_REFERENCES:
        references(d, AST_AS_CONST(references, n));
        return true;
    case AST_CHECK_DEF:
        check_def(d, AST_AS_CONST(check_def, n));
        return true;
    case AST_PERIOD_DEF:
        period_def(d, AST_AS_CONST(period_def, n));
        return true;
    case AST_PARTITION_BY:
        partition_by(d, AST_AS_CONST(partition_by, n));
        return true;
    case AST_PARTITION_DEF:
        partition_def(d, AST_AS_CONST(partition_def, n), false);
        return true;
    case AST_MAXVALUE:
        put(d, "MAXVALUE");
        return true;
    case AST_ALTER_ACTION:
        alter_action(d, AST_AS_CONST(alter_action, n));
        return true;
    default:
        return false;
    }
}

bool put_ddl_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_CREATE_TABLE:
        create_table(d, AST_AS_CONST(create_table, n));
        return true;
    case AST_ALTER_TABLE:
        alter_table(d, AST_AS_CONST(alter_table, n));
        return true;
    case AST_CREATE_INDEX:
        create_index(d, AST_AS_CONST(create_index, n));
        return true;
    case AST_DROP_INDEX:
        drop_index(d, AST_AS_CONST(drop_index, n));
        return true;
    case AST_DROP:
        drop(d, AST_AS_CONST(drop, n));
        return true;
    case AST_RENAME_TABLE:
        rename_table(d, AST_AS_CONST(rename_table, n));
        return true;
    case AST_RENAME_PAIR:
        rename_side(d, AST_AS_CONST(rename_pair, n)->from);
        wait(d, AST_AS_CONST(rename_pair, n)->wait);
        put(d, " TO ");
        rename_side(d, AST_AS_CONST(rename_pair, n)->to);
        return true;
    case AST_TRUNCATE:
        put(d, "TRUNCATE TABLE ");
        put_table(d, AST_AS_CONST(table, AST_AS_CONST(truncate, n)->table), false);
        wait(d, AST_AS_CONST(truncate, n)->wait);
        return true;
    case AST_CREATE_DATABASE:
        create_database(d, AST_AS_CONST(create_database, n));
        return true;
    case AST_CREATE_VIEW:
        create_view(d, AST_AS_CONST(create_view, n));
        return true;
    case AST_CREATE_SEQUENCE:
        create_sequence(d, AST_AS_CONST(create_sequence, n));
        return true;
    case AST_CREATE_ROUTINE:
        create_routine(d, AST_AS_CONST(create_routine, n));
        return true;
    default:
        return put_table_part(d, n);
    }
}
