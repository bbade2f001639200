/* Physical statements. The client's tree is copied, names of table and constraints are replaced, what only concerns
 * Tessera (placement, partitioning, scope of keys) or what the catalog does by itself (AUTO_INCREMENT=n) is taken out,
 * and the deparser writes the rest, quoting by the sql_mode that the shard's connection gets. */
#include "ddl/sqlgen.h"

#include "catalog/names.h"
#include "ddl/describe.h"
#include "ddl/job-int.h"
#include "ddl/shape.h"
#include "parser/deparse.h"

static bool mode_has(struct sv mode, const char *word)
{
    size_t n = strlen(word);

    for (size_t i = 0; i + n <= mode.len; i++)
        if ((i == 0 || mode.ptr[i - 1] == ',') && (i + n == mode.len || mode.ptr[i + n] == ',') &&
            sv_eq_nocase(sv_make(mode.ptr + i, n), sv_cstr(word)))
            return true;
    return false;
}

static uint32_t mode_bits(struct sv mode)
{
    static const struct {
        const char *name;
        uint32_t bits;
    } modes[] = {
        {"ANSI_QUOTES", SQL_ANSI_QUOTES},
        {"PIPES_AS_CONCAT", SQL_PIPES_AS_CONCAT},
        {"NO_BACKSLASH_ESCAPES", SQL_NO_BACKSLASH_ESCAPES},
        {"IGNORE_SPACE", SQL_IGNORE_SPACE},
        {"HIGH_NOT_PRECEDENCE", SQL_HIGH_NOT_PRECEDENCE},
        {"ANSI", SQL_ANSI_QUOTES | SQL_PIPES_AS_CONCAT | SQL_IGNORE_SPACE},
    };
    uint32_t bits = 0;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++)
        if (mode.ptr && mode_has(mode, modes[i].name))
            bits |= modes[i].bits;
    return bits;
}

void engine_sql_opts(const struct ddl_request *q, struct sql_opts *out)
{
    out->mode = mode_bits(q->sql_mode);
    out->flavor = q->mariadb_syntax ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
}

struct sv sqlgen_text(struct job *j, const struct ast_node *n)
{
    struct sql_opts opts = {.mode = mode_bits(j->env.sql_mode)};
    struct deparse_opts o = {.sql = &opts, .quote_all = true};
    struct strbuf b;

    strbuf_init(&b, &j->arena);
    deparse(n, &o, &b);
    return sv_make(strbuf_cstr(&b), b.len);
}

static void set_table(struct ast_node *n, struct sv db, struct sv name)
{
    struct ast_table *t = AST_AS(table, n);

    t->db = ast_ident_make(db);
    t->name = ast_ident_make(name);
}

/* The hidden key of a table without one: in front, so that it is the primary key of the table's rows. */
static void add_hidden(struct arena *a, struct ast_list *elements)
{
    struct ast_column_def *c = AST_NEW(a, COLUMN_DEF, column_def);
    struct ast_type *t = AST_NEW(a, TYPE, type);
    struct ast_list l = {0};

    t->base = AST_TYPE_BIGINT;
    t->length = t->scale = -1;
    t->is_unsigned = true;
    c->name = ast_ident_make(SV(DESCRIBE_HIDDEN));
    c->type = &t->node;
    c->null = AST_NULLABLE_NOT_NULL;
    c->auto_increment = true;
    c->key = AST_COLUMN_KEY_PRIMARY;
    c->visibility = AST_INVISIBLE;
    c->srid = -1;
    ast_list_add(a, &l, &c->node);
    AST_EACH(slot, elements)
        ast_list_add(a, &l, *slot);
    *elements = l;
}

/* What Tessera's dialect adds to keys and servers do not know. */
static void plain_keys(struct ast_list *elements)
{
    AST_EACH(slot, elements) {
        struct ast_key_def *k;

        if ((*slot)->kind != AST_KEY_DEF)
            continue;
        k = AST_AS(key_def, *slot);
        k->scope = AST_KEY_SCOPE_NONE;
        k->covering.n = 0;
        k->partition = NULL;
    }
}

struct sv sqlgen_create(struct job *j, const struct ast_create_table *ct, struct sv db, struct sv table, int part_no,
                        bool hidden, bool mariadb, struct diag *d)
{
    struct arena *a = &j->arena;
    struct ast_node *root = ast_copy(a, &ct->node);
    struct ast_create_table *c = AST_AS(create_table, root);
    bool part = part_no != NAMES_BARE;

    set_table(c->table, db, names_physical(a, table, part_no));
    c->if_not_exists = c->or_replace = false;
    c->placement = AST_PLACEMENT_NONE;
    c->shard = (struct ast_ident){0};
    c->partition = NULL;
    define_option_remove(&c->options, "AUTO_INCREMENT");
    plain_keys(&c->elements);
    if (hidden)
        add_hidden(a, &c->elements);
    if (part) {
        unsigned n_checks = 0, n_fks = 0;

        define_name_constraints(a, &root, table, !mariadb, &n_checks, &n_fks);
        if (!define_suffix_constraints(a, &root, arena_printf(a, "__p%d", part_no), !mariadb, d))
            return SV_NULL;
    }
    return sqlgen_text(j, root);
}

struct sv sqlgen_try_partitioning(struct job *j, const struct ast_create_table *ct, const struct define *def,
                                  const struct sv *cols, size_t n_cols, struct sv db, struct sv name, struct diag *d)
{
    struct arena *a = &j->arena;
    struct ast_create_table *c = AST_NEW(a, CREATE_TABLE, create_table);
    struct ast_table *t = AST_NEW(a, TABLE, table);

    c->table = &t->node;
    set_table(c->table, db, name);
    for (size_t i = 0; i < n_cols; i++) {
        const struct define_column *col = define_column(def, cols[i]);
        struct ast_column_def *x;

        if (!col) {
            (void)diag_set(d, ER_KEY_COLUMN_DOES_NOT_EXITS, arena_dup(a, cols[i]).ptr);
            return SV_NULL;
        }
        x = AST_AS(column_def, ast_copy(a, &col->def->node));
        x->key = AST_COLUMN_KEY_NONE;
        x->auto_increment = false;
        x->defval = x->on_update = x->comment = x->references = NULL;
        x->checks.n = 0;
        if (x->type && AST_AS(type, x->type)->base == AST_TYPE_SERIAL) {
            AST_AS(type, x->type)->base = AST_TYPE_BIGINT;
            AST_AS(type, x->type)->is_unsigned = true;
            AST_AS(type, x->type)->length = -1;
        }
        ast_list_add(a, &c->elements, &x->node);
    }
    if (n_cols == 0) {
        (void)diag_setf(
            d, ER_PARTITION_ENTRY_ERROR,
            "Constant, random or timezone-dependent expressions in (sub)partitioning function are not allowed");
        return SV_NULL;
    }
    /* The table's character set decides how strings compare. */
    AST_EACH(slot, &ct->options) {
        struct sv option = AST_AS_CONST(option, *slot)->name;

        if (sv_eq_nocase(option, SV("CHARACTER SET")) || sv_eq_nocase(option, SV("CHARSET")) ||
            sv_eq_nocase(option, SV("COLLATE")) || sv_eq_nocase(option, SV("DEFAULT CHARACTER SET")) ||
            sv_eq_nocase(option, SV("DEFAULT CHARSET")) || sv_eq_nocase(option, SV("DEFAULT COLLATE")))
            ast_list_add(a, &c->options, ast_copy(a, *slot));
    }
    c->partition = ast_copy(a, ct->partition);
    AST_EACH(slot, &AST_AS(partition_by, c->partition)->parts) {
        struct ast_partition_def *pd = AST_AS(partition_def, *slot);

        pd->shard = (struct ast_ident){0};
        pd->options.n = 0;
    }
    return sqlgen_text(j, &c->node);
}

struct sv sqlgen_alter(struct job *j, const struct ast_alter_table *at, struct sv db, struct sv phys, int part_no,
                       bool mariadb, struct diag *d)
{
    struct arena *a = &j->arena;
    struct ast_node *root = ast_copy(a, &at->node);
    struct ast_alter_table *x = AST_AS(alter_table, root);

    set_table(x->table, db, phys);
    x->if_exists = false;
    AST_EACH(slot, &x->actions) {
        struct ast_alter_action *act = AST_AS(alter_action, *slot);
        struct ast_list one = {.items = &act->def, .n = act->def != NULL};

        plain_keys(&one);
        plain_keys(&act->defs);
    }
    if (part_no != NAMES_BARE && !define_suffix_constraints(a, &root, arena_printf(a, "__p%d", part_no), !mariadb, d))
        return SV_NULL;
    return sqlgen_text(j, root);
}
