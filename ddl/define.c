/* Reading definitions out of trees, and changing constraint names in them. A key can be written in two places (a
 * column's attribute, an element of its own), a foreign key too; both become one list here, in the order of the text.
 * Trees are changed only in copies that the caller made. */
#include "ddl/define.h"

#include "catalog/names.h"

static struct sv *one_col(struct arena *a, struct sv name)
{
    struct sv *v = ARENA_NEW(a, struct sv);

    *v = name;
    return v;
}

void define_read_key(struct arena *a, const struct ast_key_def *k, struct define_key *out)
{
    *out = (struct define_key){.type = k->type, .name = k->name.name, .n_cols = k->parts.n};
    if (!out->name.ptr && k->type != AST_KEY_PRIMARY)
        out->name = k->symbol.name;
    out->cols = ARENA_NEW_N(a, struct sv, k->parts.n + 1);
    out->prefix = ARENA_NEW_N(a, bool, k->parts.n + 1);
    for (size_t i = 0; i < k->parts.n; i++) {
        const struct ast_key_part *p = AST_AS_CONST(key_part, k->parts.items[i]);

        out->cols[i] = p->expr ? SV_NULL : p->name.name;
        out->prefix[i] = p->length > 0;
    }
}

void define_read_fk(struct arena *a, const struct ast_references *r, struct sv symbol, const struct ast_list *parts,
                    const struct ast_ident *column, struct define_fk *out)
{
    const struct ast_table *t = AST_AS_CONST(table, r->table);

    *out = (struct define_fk){.symbol = symbol, .db = t->db.name, .table = t->name.name};
    if (column) {
        out->cols = one_col(a, column->name);
        out->n_cols = 1;
        return;
    }
    out->n_cols = parts->n;
    out->cols = ARENA_NEW_N(a, struct sv, parts->n + 1);
    for (size_t i = 0; i < parts->n; i++)
        out->cols[i] = AST_AS_CONST(key_part, parts->items[i])->name.name;
}

static void read_column(struct arena *a, const struct ast_column_def *c, struct define *t)
{
    struct define_column *col = &t->cols[t->n_cols++];
    bool serial = c->type && AST_AS_CONST(type, c->type)->base == AST_TYPE_SERIAL;

    col->def = c;
    col->auto_increment = c->auto_increment || serial;
    col->generated = c->generated != NULL;
    col->not_null = c->null == AST_NULLABLE_NOT_NULL || c->key == AST_COLUMN_KEY_PRIMARY || serial;
    if (col->auto_increment)
        t->auto_column = col;
    if (c->key != AST_COLUMN_KEY_NONE || serial) {
        struct define_key *k = &t->keys[t->n_keys++];

        *k = (struct define_key){.type = c->key == AST_COLUMN_KEY_PRIMARY ? AST_KEY_PRIMARY : AST_KEY_UNIQUE,
                                 .n_cols = 1};
        k->cols = one_col(a, c->name.name);
        k->prefix = ARENA_NEW(a, bool);
    }
    if (c->references)
        define_read_fk(a, AST_AS_CONST(references, c->references), SV_NULL, NULL, &c->name, &t->fks[t->n_fks++]);
}

bool define_read(struct arena *a, const struct ast_list *elements, struct define *out, struct diag *d)
{
    *out = (struct define){.cols = ARENA_NEW_N(a, struct define_column, elements->n + 1),
                           .keys = ARENA_NEW_N(a, struct define_key, elements->n + 1),
                           .fks = ARENA_NEW_N(a, struct define_fk, elements->n + 1)};
    AST_EACH(slot, elements) {
        const struct ast_node *n = *slot;

        if (n->kind == AST_COLUMN_DEF) {
            read_column(a, AST_AS_CONST(column_def, n), out);
        } else if (n->kind == AST_KEY_DEF) {
            const struct ast_key_def *k = AST_AS_CONST(key_def, n);

            if (k->type == AST_KEY_FOREIGN)
                define_read_fk(a, AST_AS_CONST(references, k->references), k->symbol.name, &k->parts, NULL,
                               &out->fks[out->n_fks++]);
            else
                define_read_key(a, k, &out->keys[out->n_keys++]);
        }
    }
    for (size_t i = 0; i < out->n_keys; i++) {
        if (out->keys[i].type != AST_KEY_PRIMARY)
            continue;
        if (out->primary)
            return diag_set(d, ER_MULTIPLE_PRI_KEY);
        out->primary = &out->keys[i];
    }
    return true;
}

const struct define_column *define_column(const struct define *t, struct sv name)
{
    for (size_t i = 0; i < t->n_cols; i++)
        if (sv_eq_nocase(t->cols[i].def->name.name, name))
            return &t->cols[i];
    return NULL;
}

bool define_key_covers(const struct define_key *k, const struct sv *cols, size_t n_cols)
{
    for (size_t i = 0; i < n_cols; i++) {
        bool found = false;

        for (size_t j = 0; j < k->n_cols && !found; j++)
            found = k->cols[j].ptr && !k->prefix[j] && sv_eq_nocase(k->cols[j], cols[i]);
        if (!found)
            return false;
    }
    return true;
}

/* ---- options ---- */

static bool option_is(const struct ast_node *n, const char *name)
{
    return n->kind == AST_OPTION && sv_eq_nocase(AST_AS_CONST(option, n)->name, sv_cstr(name));
}

const struct ast_option *define_option(const struct ast_list *options, const char *name)
{
    const struct ast_option *found = NULL;

    AST_EACH(slot, options)
        if (option_is(*slot, name))
            found = AST_AS_CONST(option, *slot);
    return found;
}

struct sv define_option_text(const struct ast_option *o)
{
    if (!o || !o->value)
        return SV_NULL;
    if (o->value->kind == AST_LIT)
        return AST_AS_CONST(lit, o->value)->value;
    if (o->value->kind == AST_NAME)
        return AST_AS_CONST(name, o->value)->name.name;
    return SV_NULL;
}

bool define_option_u64(const struct ast_option *o, uint64_t *out)
{
    struct sv text = define_option_text(o);

    return text.ptr && sv_to_u64(text, out);
}

void define_option_remove(struct ast_list *options, const char *name)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < options->n; i++)
        if (!option_is(options->items[i], name))
            options->items[kept++] = options->items[i];
    options->n = kept;
}

/* ---- constraint names ---- */

struct naming {
    struct arena *a;
    struct sv table, suffix;
    bool checks;
    unsigned *n_checks, *n_fks;
    struct diag *d;
};

static enum ast_walk name_one(struct ast_node **slot, void *arg)
{
    struct naming *c = arg;
    struct ast_node *n = *slot;

    if (n->kind == AST_CHECK_DEF && c->checks) {
        struct ast_check_def *k = AST_AS(check_def, n);

        if (!ast_ident_set(&k->symbol)) {
            k->constraint = true;
            k->symbol = ast_ident_make(arena_printf(c->a, "%.*s_chk_%u", SV_ARG(c->table), ++*c->n_checks));
        }
    } else if (n->kind == AST_KEY_DEF && AST_AS(key_def, n)->type == AST_KEY_FOREIGN) {
        struct ast_key_def *k = AST_AS(key_def, n);

        /* FOREIGN KEY name (..): MySQL takes the index name where there is no CONSTRAINT symbol. */
        if (!ast_ident_set(&k->symbol)) {
            k->constraint = true;
            k->symbol = ast_ident_set(&k->name)
                            ? ast_ident_make(k->name.name)
                            : ast_ident_make(arena_printf(c->a, "%.*s_ibfk_%u", SV_ARG(c->table), ++*c->n_fks));
        }
    }
    return AST_CONTINUE;
}

void define_name_constraints(struct arena *a, struct ast_node **root, struct sv table, bool checks, unsigned *n_checks,
                             unsigned *n_fks)
{
    struct naming c = {.a = a, .table = table, .checks = checks, .n_checks = n_checks, .n_fks = n_fks};

    (void)ast_walk(root, name_one, NULL, &c);
}

static bool put_suffix(struct naming *c, struct ast_ident *id)
{
    if (!ast_ident_set(id))
        return true;
    if (id->name.len + c->suffix.len > NAMES_MAX)
        return diag_set(c->d, ER_TOO_LONG_IDENT, arena_dup(c->a, id->name).ptr);
    *id = ast_ident_make(arena_concat(c->a, (struct sv[]){id->name, c->suffix}, 2));
    return true;
}

static enum ast_walk suffix_one(struct ast_node **slot, void *arg)
{
    struct naming *c = arg;
    struct ast_node *n = *slot;
    bool ok = true;

    if (n->kind == AST_CHECK_DEF && c->checks) {
        ok = put_suffix(c, &AST_AS(check_def, n)->symbol);
    } else if (n->kind == AST_KEY_DEF && AST_AS(key_def, n)->type == AST_KEY_FOREIGN) {
        ok = put_suffix(c, &AST_AS(key_def, n)->symbol);
    } else if (n->kind == AST_ALTER_ACTION) {
        struct ast_alter_action *x = AST_AS(alter_action, n);

        if (x->op == AST_ALTER_DROP_FOREIGN ||
            (c->checks && (x->op == AST_ALTER_DROP_CHECK || x->op == AST_ALTER_DROP_CONSTRAINT ||
                           x->op == AST_ALTER_CHECK_ENFORCED)))
            ok = put_suffix(c, &x->name);
    }
    return ok ? AST_CONTINUE : AST_ABORT;
}

bool define_suffix_constraints(struct arena *a, struct ast_node **root, struct sv suffix, bool checks, struct diag *d)
{
    struct naming c = {.a = a, .suffix = suffix, .checks = checks, .d = d};

    return ast_walk(root, suffix_one, NULL, &c);
}
