/* INSERT and REPLACE.
 *
 * VALUES and SET: each row goes where its partition columns say, as they will be *stored* (part_route_row), which is not what a
 * comparison with them would say. The plan has every cell as a template, so that the executor can put the rows of a place
 * together, and for a single row the edits for relaying the client's text. Partition columns that are left out have
 * their default; AUTO_INCREMENT values come from Tessera, so the column is added where it is missing. An expression in a partition
 * column is evaluated by a shard first.
 *
 * INSERT ... SELECT: pushed to the partitions if what it selects is spread like the target and the partition columns are passed
 * through; to one place if the partition columns are constants; never otherwise, since rows would land in the wrong partition. */
#include "optimizer/opt-int.h"

#include "router/part.h"

enum { INSERT_CELLS_MAX = 4 << 20 };

struct ins {
    struct opt *o;
    struct ast_insert *a;
    struct block *bl; /* the target's */
    const struct cat_table *table;
    uint32_t *cols; /* ordinals of the columns given */
    uint32_t n_cols;
    struct insert_plan *p;
};

/* ---- columns ---- */

static bool check_twice(const struct ins *i)
{
    for (uint32_t x = 0; x < i->n_cols; x++)
        for (uint32_t y = 0; y < x; y++)
            if (i->cols[x] == i->cols[y])
                return diag_setf(i->o->diag, ER_FIELD_SPECIFIED_TWICE, "Column '%.*s' specified twice",
                    SV_ARG(i->table->columns[i->cols[x]].name));
    return true;
}

/* The columns that values are given for: the list, or all visible ones. */
static bool find_columns(struct ins *i)
{
    const struct cat_table *t = i->table;

    i->cols = ARENA_NEW_N(i->o->scratch, uint32_t, t->columns_n + i->a->columns.n + 1);
    if (i->a->columns.n == 0 && !i->a->set_form) { /* `t ()` is as good as no list */
        for (uint32_t c = 0; c < t->columns_n; c++)
            if (!optcat_column_invisible(t, (uint16_t)c))
                i->cols[i->n_cols++] = c;
        return true;
    }
    AST_EACH(slot, &i->a->columns)
    {
        const struct ast_column *c = AST_AS_CONST(column, *slot);
        int at = optcat_find_column(t, c->name.name);

        if (at < 0)
            return diag_setf(i->o->diag, ER_BAD_FIELD_ERROR, "Unknown column '%.*s' in '%s'", SV_ARG(c->name.name),
                i->o->env->flavour == ENV_MARIADB ? "INSERT INTO" : "field list");
        i->cols[i->n_cols++] = (uint32_t)at;
    }
    return check_twice(i);
}

static int32_t given_at(const struct ins *i, uint32_t ordinal)
{
    for (uint32_t c = 0; c < i->n_cols; c++)
        if (i->cols[c] == ordinal)
            return (int32_t)c;
    return -1;
}

/* A row without any value (`VALUES ()`) gives every column its default. */
static bool all_defaults(const struct ins *i)
{
    return i->a->columns.n == 0 && !i->a->set_form && i->a->rows.n && AST_AS(row, i->a->rows.items[0])->items.n == 0;
}

static bool check_arity(const struct ins *i)
{
    for (uint32_t r = 0; r < i->a->rows.n; r++)
        if (AST_AS(row, i->a->rows.items[r])->items.n != i->n_cols)
            return diag_setf(i->o->diag, ER_WRONG_VALUE_COUNT_ON_ROW, "Column count doesn't match value count at row %u", r + 1);
    return true;
}

/* ---- partition columns ---- */

static bool is_number_type(const struct cat_type *t)
{
    switch (t->code) {
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_LONG:
    case TYPE_LONGLONG:
    case TYPE_INT24:
    case TYPE_DECIMAL:
    case TYPE_NEWDECIMAL:
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
    case TYPE_YEAR:
        return true;
    default:
        return false;
    }
}

/* The default of a partition column. NULL: an expression. */
static const struct rvalue *default_key(struct ins *i, const struct cat_column *c)
{
    struct rvalue *v = ARENA_NEW(i->o->arena, struct rvalue);
    struct strbuf b;

    v->kind = RV_CONST;
    v->text = SV("NULL");
    strbuf_init(&b, i->o->arena);
    switch (c->default_kind) {
    case CAT_DEFAULT_EXPR:
        return NULL;
    case CAT_DEFAULT_NULL:
        return v;
    case CAT_DEFAULT_NONE:
        /* Strict mode refuses the row (1364) wherever it goes; else the type's own zero is stored. */
        if (!c->nullable)
            v->text = is_number_type(&c->type) ? SV("0") : SV("''");
        return v;
    case CAT_DEFAULT_LITERAL:
        break;
    }
    if (is_number_type(&c->type))
        strbuf_putsv(&b, c->default_text);
    else
        strbuf_put_quoted(&b, c->default_text, false);
    v->text = strbuf_sv(&b);
    return v;
}

static enum ast_walk column_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_COLUMN || (*slot)->kind == AST_DEFAULT ? AST_ABORT : AST_CONTINUE;
}

/* One key cell of one row. */
static bool plan_key(struct ins *i, uint32_t row, uint32_t k)
{
    const struct cat_table *t = i->table;
    uint32_t ordinal = t->part.columns[k], nk = t->part.columns_n;
    int32_t at = i->p->key_cells[k];
    struct ast_node *e = at >= 0 && (uint32_t)at < i->n_cols ? AST_AS(row, i->a->rows.items[row])->items.items[at] : NULL;
    struct sql_template *exprs = (struct sql_template *)(uintptr_t)i->p->key_exprs;
    struct tmpl tm;

    if (t->auto_inc_column == (int32_t)ordinal && i->p->auto_gen && i->p->auto_gen[row] == 1)
        return true;
    if (!e || (e->kind == AST_DEFAULT && !AST_AS(default, e)->ignore)) {
        const struct cat_column *c = &t->columns[ordinal];

        if (e && AST_AS(default, e)->column) {
            int of = optcat_find_column(t, AST_AS(column, AST_AS(default, e)->column)->name.name);

            if (of < 0)
                return diag_setf(i->o->diag, ER_BAD_FIELD_ERROR, "Unknown column '%.*s' in 'field list'",
                    SV_ARG(AST_AS(column, AST_AS(default, e)->column)->name.name));
            c = &t->columns[of];
        }
        i->p->keys[row * nk + k] = default_key(i, c);
        if (i->p->keys[row * nk + k])
            return true;
        if (at < 0)
            return opt_unsupported(i->o, "INSERT without a value for the partition column `%.*s`, whose default is an expression",
                SV_ARG(c->name));
        tmpl_init(&tm, i->o);
        tmpl_put(&tm, c->default_text);
        exprs[row * nk + k] = tmpl_finish(&tm);
        return true;
    }
    i->p->keys[row * nk + k] = place_rvalue(&i->o->placer, e);
    if (i->p->keys[row * nk + k])
        return true;
    if (!ast_walk(&e, column_pre, NULL, NULL))
        return opt_unsupported(i->o, "INSERT with an expression over other columns for the partition column `%.*s`",
            SV_ARG(t->columns[ordinal].name));
    i->p->divides |= opt_divides(e);
    i->p->unstable = i->o->has_unstable;
    tmpl_init(&tm, i->o);
    tmpl_node(&tm, e);
    exprs[row * nk + k] = tmpl_finish(&tm);
    return true;
}

static bool plan_keys(struct ins *i)
{
    uint32_t nk = i->table->part.columns_n, n = i->p->n_rows * nk;
    int32_t *cells = ARENA_NEW_N(i->o->arena, int32_t, nk ? nk : 1);

    i->p->keys = ARENA_NEW_N(i->o->arena, const struct rvalue *, n ? n : 1);
    i->p->key_exprs = ARENA_NEW_N(i->o->arena, struct sql_template, n ? n : 1);
    i->p->key_cells = cells;
    for (uint32_t k = 0; k < nk; k++) {
        cells[k] = given_at(i, i->table->part.columns[k]);
        if (cells[k] < 0 && i->p->auto_added && (int32_t)i->table->part.columns[k] == i->table->auto_inc_column)
            cells[k] = i->p->auto_col;
    }
    for (uint32_t r = 0; r < i->p->n_rows; r++)
        for (uint32_t k = 0; k < nk; k++)
            if (!plan_key(i, r, k))
                return false;
    return true;
}

/* ---- AUTO_INCREMENT ---- */

static bool plan_auto(struct ins *i)
{
    const struct cat_table *t = i->table;
    uint8_t *gen;

    i->p->auto_col = -1;
    if (t->auto_inc_column < 0)
        return true;
    gen = ARENA_NEW_N(i->o->arena, uint8_t, i->p->n_rows);
    i->p->auto_values = ARENA_NEW_N(i->o->arena, const struct rvalue *, i->p->n_rows);
    i->p->auto_gen = gen;
    i->p->auto_col = given_at(i, (uint32_t)t->auto_inc_column);
    if (i->p->auto_col < 0) {
        i->p->auto_added = true;
        i->p->auto_col = (int32_t)i->n_cols;
        memset(gen, 1, i->p->n_rows);
        return true;
    }
    for (uint32_t r = 0; r < i->p->n_rows; r++) {
        const struct ast_node *e = AST_AS(row, i->a->rows.items[r])->items.items[i->p->auto_col];

        if (e->kind == AST_DEFAULT || (e->kind == AST_LIT && AST_AS_CONST(lit, e)->type == AST_LIT_NULL)) {
            gen[r] = 1;
            continue;
        }
        i->p->auto_values[r] = place_rvalue(&i->o->placer, e);
        if (!i->p->auto_values[r])
            return opt_unsupported(i->o, "INSERT with an expression for the AUTO_INCREMENT column `%.*s`",
                SV_ARG(t->columns[t->auto_inc_column].name));
        gen[r] = 2;
    }
    return true;
}

/* ---- text ---- */

static void plan_head(struct ins *i)
{
    struct tmpl t;
    bool first = true;

    tmpl_init(&t, i->o);
    tmpl_puts(&t, i->a->replace ? "REPLACE " : "INSERT ");
    if (i->a->hints.ptr) {
        tmpl_puts(&t, "/*+ ");
        tmpl_put(&t, i->a->hints);
        tmpl_puts(&t, " */ ");
    }
    tmpl_puts(&t, i->a->ignore ? "IGNORE INTO " : "INTO ");
    if (ast_ident_set(&AST_AS(table, i->a->table)->db)) {
        tmpl_ident(&t, AST_AS(table, i->a->table)->db.name);
        tmpl_puts(&t, ".");
    }
    tmpl_table(&t, i->table);
    tmpl_puts(&t, " (");
    for (uint32_t c = 0; c < i->n_cols; c++, first = false) {
        tmpl_puts(&t, first ? "" : ", ");
        tmpl_ident(&t, i->table->columns[i->cols[c]].name);
    }
    if (i->p->auto_added) {
        tmpl_puts(&t, first ? "" : ", ");
        tmpl_ident(&t, i->table->columns[i->table->auto_inc_column].name);
    }
    tmpl_puts(&t, ") VALUES ");
    i->p->head = tmpl_finish(&t);
}

static void plan_tail(struct ins *i)
{
    struct tmpl t;

    tmpl_init(&t, i->o);
    if (ast_ident_set(&i->a->row_alias)) {
        tmpl_puts(&t, " AS ");
        tmpl_ident(&t, i->a->row_alias.name);
        for (uint32_t c = 0; c < i->a->row_columns.n; c++) {
            tmpl_puts(&t, c ? ", " : " (");
            tmpl_ident(&t, i->a->row_columns.items[c].name);
        }
        tmpl_puts(&t, i->a->row_columns.n ? ")" : "");
    }
    for (uint32_t c = 0; c < i->a->on_dup.n; c++) {
        tmpl_puts(&t, c ? ", " : " ON DUPLICATE KEY UPDATE ");
        tmpl_node(&t, i->a->on_dup.items[c]);
    }
    for (uint32_t c = 0; c < i->a->returning.n; c++) {
        struct sv name;

        tmpl_puts(&t, c ? ", " : " RETURNING ");
        tmpl_node(&t, i->a->returning.items[c]);
        if (opt_name_of_item(i->o, AST_AS_CONST(select_item, i->a->returning.items[c]), &name)) {
            tmpl_puts(&t, " AS ");
            tmpl_ident(&t, name);
        }
    }
    i->p->tail = tmpl_finish(&t);
}

static bool plan_cells(struct ins *i)
{
    uint32_t total;
    struct sql_template *cells;

    i->p->n_cols = i->n_cols + (i->p->auto_added ? 1 : 0);
    if (__builtin_mul_overflow(i->p->n_rows, i->p->n_cols, &total) || total > INSERT_CELLS_MAX)
        return opt_unsupported(i->o, "INSERT of more than %d values in one statement", INSERT_CELLS_MAX);
    cells = ARENA_NEW_N(i->o->arena, struct sql_template, total ? total : 1);
    for (uint32_t r = 0; r < i->p->n_rows; r++)
        for (uint32_t c = 0; c < i->p->n_cols; c++) {
            struct tmpl t;

            tmpl_init(&t, i->o);
            if (c < i->n_cols && !(i->p->auto_col == (int32_t)c && i->p->auto_gen[r] == 1))
                tmpl_node(&t, AST_AS(row, i->a->rows.items[r])->items.items[c]);
            else
                tmpl_puts(&t, "DEFAULT");
            cells[r * i->p->n_cols + c] = tmpl_finish(&t);
        }
    i->p->cells = cells;
    return true;
}

/* ---- ON DUPLICATE KEY UPDATE ---- */

/* ON UPDATE CURRENT_TIMESTAMP of a partition column would move the row. */
static bool check_follows(struct ins *i)
{
    const struct cat_table *t = i->table;

    for (uint32_t k = 0; i->a->on_dup.n && optcat_is_partitioned(t) && k < t->part.columns_n; k++)
        if (t->columns[t->part.columns[k]].on_update.len)
            return opt_unsupported(i->o, "ON DUPLICATE KEY UPDATE where the partition column `%.*s` has ON UPDATE",
                SV_ARG(t->columns[t->part.columns[k]].name));
    return true;
}

/* The time of a row may come from a column's default, or from its ON UPDATE: the same for all rows of the statement. */
static bool gives_now(const struct ins *i)
{
    const struct cat_table *t = i->table;

    for (uint32_t c = 0; c < t->columns_n; c++) {
        const struct cat_column *col = &t->columns[c];
        bool given = false;

        if (col->on_update.len && i->a->on_dup.n)
            return true;
        for (uint32_t k = 0; k < i->n_cols; k++)
            given |= i->cols[k] == c;
        if (given || col->default_kind != CAT_DEFAULT_EXPR || col->default_text.len < 3)
            continue;
        if (sv_eq_nocase(sv_make(col->default_text.ptr, 3), SV("now")) ||
            (col->default_text.len >= 17 && sv_eq_nocase(sv_make(col->default_text.ptr, 17), SV("current_timestamp"))))
            return true;
    }
    return false;
}

/* The row that is updated has the same partition columns as the new one (every unique key holds them): setting one to the new
 * row's value is no move. */
static bool check_on_dup(struct ins *i)
{
    AST_EACH(slot, &i->a->on_dup)
    {
        const struct ast_assignment *a = AST_AS_CONST(assignment, *slot);
        struct colref c, v;
        const struct ast_node *value = a->value;

        if (!bind_column_of(i->bl, a->target, &c) || c.src->table != i->table)
            continue;
        if (value->kind == AST_VALUES_OF)
            value = AST_AS_CONST(values_of, value)->column;
        else if (value->kind == AST_FUNC && AST_AS_CONST(func, value)->args.n == 1 &&
            sv_eq_nocase(AST_AS_CONST(func, value)->name.name, SV("last_insert_id")))
            value = AST_AS_CONST(func, value)->args.items[0]; /* id = LAST_INSERT_ID(id): the usual way to learn it */
        else if (value->kind == AST_COLUMN && ast_ident_set(&i->a->row_alias) &&
            sv_eq(AST_AS_CONST(column, value)->tbl.name, i->a->row_alias.name)) {
            if (sv_eq_nocase(AST_AS_CONST(column, value)->name.name, i->table->columns[c.col].name))
                continue;
        }
        for (uint32_t k = 0; optcat_is_partitioned(i->table) && k < i->table->part.columns_n; k++)
            if (i->table->part.columns[k] == c.col && !(bind_column_of(i->bl, value, &v) && colref_eq(v, c)))
                return opt_unsupported(i->o, "ON DUPLICATE KEY UPDATE of the partition column `%.*s`",
                    SV_ARG(i->table->columns[c.col].name));
    }
    return true;
}

/* ---- the one-place form of a single row ---- */

/* The AUTO_INCREMENT value into the client's text: in place of NULL or DEFAULT, or as a column and a cell more. */
static void edit_auto(struct ins *i)
{
    struct opt *o = i->o;
    const struct ast_node *row = i->a->rows.items[0];
    uint32_t at;

    if (i->p->auto_col < 0 || i->p->auto_gen[0] != 1)
        return;
    if (!i->p->auto_added) {
        const struct ast_node *e = AST_AS_CONST(row, row)->items.items[i->p->auto_col];

        opt_edit_add(o, (struct edit){.kind = EDIT_AUTO_INCREMENT, .tok_begin = opt_token_at(o, e->begin),
            .tok_end = opt_token_past(o, e->end)});
        return;
    }
    if (i->a->columns.n == 0 || i->a->set_form || i->n_cols == 0)
        return; /* insert_plan's head and cells are the only form */
    at = opt_token_past(o, i->a->columns.items[i->a->columns.n - 1]->end);
    {
        struct strbuf b;

        strbuf_init(&b, o->arena);
        strbuf_puts(&b, ", ");
        strbuf_put_ident(&b, i->table->columns[i->table->auto_inc_column].name);
        opt_edit_add(o, (struct edit){.kind = EDIT_TEXT, .tok_begin = at, .tok_end = at, .prefix = strbuf_sv(&b)});
    }
    /* In front of the row's closing parenthesis: the row's node ends behind it. */
    at = opt_token_past(o, row->end) - 1;
    opt_edit_add(o, (struct edit){.kind = EDIT_AUTO_INCREMENT, .tok_begin = at, .tok_end = at, .prefix = SV(", ")});
}

static bool plan_values(struct ins *i)
{
    struct opt *o = i->o;
    struct insert_plan *p = i->p;

    p->values_form = true;
    p->n_rows = i->a->rows.n;
    if (all_defaults(i))
        i->n_cols = 0;
    if (!check_arity(i) || !plan_auto(i))
        return false;
    if (p->n_rows == 1)
        edit_auto(i);
    /* Cells are made of tokens with edits applied: those that the text itself needs, not the values that a row is given. */
    opt_edits_finish(o);
    if (i->table->kind == CAT_PARTITIONED && !plan_keys(i))
        return false;
    plan_head(i);
    plan_tail(i);
    return plan_cells(i);
}

/* ---- INSERT ... SELECT ---- */

static void whole_fragment(struct opt *o)
{
    struct tmpl t;

    tmpl_init(&t, o);
    tmpl_rest(&t, 0);
    o->plan->fragment = tmpl_finish(&t);
}

/* Partition columns are passed through from a source that is spread in the same way. */
static bool passes_key(const struct ins *i, const struct dist *d)
{
    if (d->kind != DIST_PART || !d->has_key || !cat_same_group(d->table, i->table))
        return false;
    for (uint32_t k = 0; k < i->table->part.columns_n; k++)
        if (given_at(i, i->table->part.columns[k]) != (int32_t)d->key[k].col)
            return false;
    return true;
}

/* All partition columns get values that are known when the statement starts: all rows go to one place. */
static bool constant_key(struct ins *i, const struct query *q)
{
    const struct block *bl = q->block;
    uint32_t nk = i->table->part.columns_n;

    if (!bl || !bl->outs_known)
        return false;
    i->p->keys = ARENA_NEW_N(i->o->arena, const struct rvalue *, nk);
    for (uint32_t k = 0; k < nk; k++) {
        int32_t at = given_at(i, i->table->part.columns[k]);

        if (at >= (int32_t)bl->n_outs || (at >= 0 && !bl->outs[at].expr))
            return false;
        i->p->keys[k] = at < 0 ? default_key(i, &i->table->columns[i->table->part.columns[k]])
                               : place_rvalue(&i->o->placer, bl->outs[at].expr);
        if (!i->p->keys[k])
            return false;
    }
    i->p->n_rows = 1;
    return true;
}

/* The target is on one shard: what is selected must lead to one place there. */
static bool select_to_one(struct ins *i)
{
    struct opt *o = i->o;

    opt_route_cond(o->plan, place_any_cond(&o->placer, i->bl->sources[0]));
    o->plan->route.one_place = true;
    opt_refuse(o, o->plan, SV("INSERT ... SELECT of rows from several places"));
    return true;
}

/* RETURNING answers in the order in which rows are inserted. */
static bool query_is_ordered(const struct ast_node *q)
{
    return ((const struct ast_query *)(const void *)q)->order.n > 0;
}

static bool select_into_partitions(struct ins *i, const struct query *q, const struct whole *w)
{
    struct opt *o = i->o;
    struct dist d = place_query(&o->placer, q);

    if (i->table->auto_inc_column >= 0 && given_at(i, (uint32_t)i->table->auto_inc_column) < 0)
        return opt_unsupported(o, "INSERT ... SELECT into `%.*s` without its AUTO_INCREMENT column", SV_ARG(i->table->name));
    if (!optcat_is_partitioned(i->table)) /* one partition: the shard checks the rest */
        return !w->part || select_to_one(i);
    if (passes_key(i, &d)) {
        opt_route_cond(o->plan, place_query_cond(&o->placer, q));
        o->plan->insert = NULL;
        whole_fragment(o);
        if (o->plan->returns_rows && query_is_ordered(i->a->query))
            opt_refuse(o, o->plan, SV("INSERT ... SELECT ... ORDER BY ... RETURNING over several places"));
        return true;
    }
    if (constant_key(i, q)) {
        bool reads_part = false;

        for (unsigned s = 0; s < o->binder.n_sources; s++)
            reads_part |= o->binder.sources[s]->kind == SRC_TABLE && o->binder.sources[s]->block != i->bl &&
                optcat_is_partitioned(o->binder.sources[s]->table);
        if (reads_part) {
            opt_route_cond(o->plan, place_any_cond(&o->placer, i->bl->sources[0]));
            if (!o->plan->route.cond)
                return opt_unsupported(o, "INSERT ... SELECT into `%.*s` of rows from several places", SV_ARG(i->table->name));
        }
        o->plan->route.point = NULL;
        o->plan->route.one_place = true;
        opt_refuse(o, o->plan, SV("INSERT ... SELECT of rows from several places"));
        return true;
    }
    return opt_unsupported(o, "INSERT ... SELECT into `%.*s` whose partition columns are not passed through from a table that is "
                              "partitioned in the same way%s%.*s",
        SV_ARG(i->table->name), d.kind == DIST_NO ? ": " : "", SV_ARG(d.kind == DIST_NO ? d.reason : SV("")));
}

static bool select_into_broadcast(struct ins *i, const struct query *q)
{
    struct opt *o = i->o;

    for (unsigned s = 0; s < o->binder.n_sources; s++) {
        const struct source *src = o->binder.sources[s];

        if (src->kind == SRC_SYSTEM || (src->kind == SRC_TABLE && src->table->kind != CAT_BROADCAST))
            return opt_unsupported(o, "INSERT ... SELECT into the BROADCAST table `%.*s` from `%.*s`, which is not the same on every shard",
                SV_ARG(i->table->name), SV_ARG(src->name));
    }
    if (place_query(&o->placer, q).kind == DIST_NO)
        return opt_unsupported(o, "INSERT ... SELECT into a BROADCAST table: %.*s", SV_ARG(place_query(&o->placer, q).reason));
    if (i->table->auto_inc_column >= 0)
        return opt_unsupported(o, "INSERT ... SELECT into the BROADCAST table `%.*s`, which has an AUTO_INCREMENT column",
            SV_ARG(i->table->name));
    whole_fragment(o);
    return true;
}

static bool plan_from_select(struct ins *i, const struct query *q)
{
    struct opt *o = i->o;
    struct whole w = opt_whole(o);

    opt_edits_finish(o);
    i->p->auto_col = -1;
    if (i->table->kind == CAT_BROADCAST)
        return select_into_broadcast(i, q);
    if (w.why.ptr)
        return opt_unsupported(o, "INSERT ... SELECT: %.*s", SV_ARG(w.why));
    opt_route_simple(o, &w);
    if (i->table->kind == CAT_PARTITIONED)
        return select_into_partitions(i, q, &w);
    o->plan->insert = NULL;
    return !w.part || select_to_one(i);
}

/* ---- the statement ---- */

static bool plan_target(struct ins *i)
{
    struct opt *o = i->o;
    struct source *s;
    struct join *j = ARENA_NEW(o->scratch, struct join);

    i->bl = bind_new_block(&o->binder, o->stmt, NULL, NULL);
    s = bind_table(&o->binder, i->bl, i->a->table);
    if (!s)
        return false;
    if (s->kind != SRC_TABLE)
        return opt_unsupported(o, "INSERT into the system table `%.*s`", SV_ARG(s->name));
    j->kind = JOIN_SOURCE;
    j->src = s;
    i->bl->from = j;
    i->table = s->table;
    return true;
}

static bool bind_values(struct ins *i)
{
    struct opt *o = i->o;

    AST_EACH(row, &i->a->rows)
    AST_EACH(cell, &AST_AS(row, *row)->items)
    if (!bind_expr(&o->binder, i->bl, *cell, i->bl->ctx, NULL))
        return false;
    AST_EACH(slot, &i->a->on_dup)
    if (!bind_expr(&o->binder, i->bl, AST_AS(assignment, *slot)->value, i->bl->ctx, NULL))
        return false;
    return true;
}

/* Subqueries in values: only where they see the same everywhere. */
static bool check_subqueries(struct ins *i)
{
    for (unsigned s = 1; s < i->o->binder.n_sources; s++) {
        const struct source *src = i->o->binder.sources[s];

        if (src->kind == SRC_TABLE && src->table->kind != CAT_BROADCAST && i->table->kind != CAT_SINGLE)
            return opt_unsupported(i->o, "subquery over `%.*s` in the values of an INSERT into `%.*s`", SV_ARG(src->name),
                SV_ARG(i->table->name));
    }
    return true;
}

static bool values_into_broadcast(struct ins *i)
{
    struct opt *o = i->o;

    if (o->has_unstable)
        return opt_unsupported(o, "%.*s() in a write of the BROADCAST table `%.*s`: it gives another value on each shard",
            SV_ARG(o->unstable_name), SV_ARG(i->table->name));
    return true;
}

/* How the session learns LAST_INSERT_ID() of a table whose shard numbers the rows: the OK packet tells it where every row has a generated
 * number; but that of a row with a number of its own stands there too, and is none. */
static void learn_insert_id(struct ins *i)
{
    struct plan *p = i->o->plan;

    if (i->table->kind != CAT_SINGLE || i->table->auto_inc_column < 0 || p->asks_insert_id || p->sets_insert_id)
        return;
    if (given_at(i, (uint32_t)i->table->auto_inc_column) < 0 && !i->a->on_dup.n)
        p->sets_insert_id = true;
    else
        p->asks_insert_id = true;
}

bool opt_plan_insert(struct opt *o)
{
    struct ins i = {.o = o, .a = AST_AS(insert, o->stmt)};
    struct query *q = NULL;

    o->plan->kind = PLAN_INSERT;
    o->plan->returns_rows = i.a->returning.n > 0;
    if (!plan_target(&i))
        return false;
    if (i.a->query) {
        q = bind_query(&o->binder, i.a->query, NULL, NULL, NULL);
        if (!q)
            return false;
    }
    if (!bind_values(&i) || !bind_items(&o->binder, i.bl, &i.a->returning) || !opt_edits_collect(o))
        return false;
    opt_edits_qualifiers(o, o->stmt, i.bl->sources[0]);
    opt_edits_names(o, &i.a->returning);
    i.p = ARENA_NEW(o->arena, struct insert_plan);
    i.p->table = i.table;
    i.p->replace = i.a->replace;
    i.p->ignore = i.a->ignore;
    i.p->on_duplicate = i.a->on_dup.n > 0;
    o->plan->on_duplicate = i.p->on_duplicate;
    o->plan->insert_ignore = i.p->ignore;
    o->plan->insert_select = q != NULL;
    o->plan->insert = i.p;
    o->plan->route.table = i.table;
    o->plan->route.kind = i.table->kind == CAT_BROADCAST ? ROUTE_ALL_SHARDS : ROUTE_PARTITIONS;
    if (i.table->kind != CAT_SINGLE && o->plan->n_assigned_vars)
        return opt_unsupported(o, "INSERT that assigns user variables (:=) into the partitioned or BROADCAST table `%.*s`",
            SV_ARG(i.table->name));
    o->plan->asks_insert_id = o->plan->returns_rows && (o->plan->sets_insert_id ||
        (i.table->kind == CAT_SINGLE && i.table->auto_inc_column >= 0));
    if (!find_columns(&i) || !check_follows(&i) || !check_on_dup(&i))
        return false;
    learn_insert_id(&i);
    o->plan->uses_temporals_now |= gives_now(&i);
    if (i.table->kind == CAT_BROADCAST && !values_into_broadcast(&i))
        return false;
    if (q)
        return plan_from_select(&i, q);
    if (!check_subqueries(&i))
        return false;
    if (i.table->kind == CAT_SINGLE) {
        /* The shard numbers rows, splits nothing, checks everything. */
        struct whole w = opt_whole(o);

        if (w.why.ptr || w.part)
            return opt_unsupported(o, "INSERT into `%.*s` with a subquery over a table that is elsewhere", SV_ARG(i.table->name));
        o->plan->insert = NULL;
        opt_route_simple(o, &w);
        opt_edits_finish(o);
        return true;
    }
    return plan_values(&i);
}
