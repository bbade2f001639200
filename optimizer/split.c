/* The several-places form of one SELECT: the fragment that every place gets, and what is done with the rows here.
 *
 * Plain: every output row is made at one place. The fragment is the statement with hidden columns behind its own (sort keys
 * that it does not select, weights); here the streams are merged in order, duplicates dropped, rows counted off. LIMIT goes down with
 * the offset added. Plain is also a GROUP BY that has all partition columns: no group has rows in two places. The other
 * aggregations are split_agg.c's.
 *
 * Hidden sort keys are named (tsr_h0, ...) and the fragment sorts by that name: an expression such as RAND() must not be
 * evaluated a second time for the order. */
#include "optimizer/split.h"

#include "types/coll.h"

#include <stdio.h>

bool split_refuse(struct split *s, const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    if (!s->no_more)
        opt_refuse(s->o, s->p, arena_vprintf(s->o->scratch, fmt, ap));
    va_end(ap);
    s->no_more = true;
    return false;
}

/* ---- equal expressions ---- */

static enum ast_walk literal_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    if ((*slot)->kind == AST_TYPE && AST_AS(type, *slot)->length >= 0)
        return AST_ABORT;
    return (*slot)->kind == AST_LIT && AST_AS(lit, *slot)->slot != AST_NO_SLOT ? AST_ABORT : AST_CONTINUE;
}

/* Literals make two expressions equal in this text only: the plan may not be used for another. */
static bool same_expr(struct opt *o, const struct ast_node *a, const struct ast_node *b)
{
    struct ast_node *n = (struct ast_node *)(uintptr_t)a;

    if (!ast_equal(a, b))
        return false;
    if (a != b && !ast_walk(&n, literal_pre, NULL, NULL))
        o->plan->uncacheable = true;
    return true;
}

bool split_same(const struct split *s, const struct ast_node *a, const struct ast_node *b)
{
    return same_expr(s->o, a, b);
}

/* ---- fragment columns ---- */

uint16_t split_add(struct split *s, struct fcol c)
{
    uint16_t at = s->n_out;

    if (s->n_cols == s->cap_cols) {
        uint16_t cap = s->cap_cols ? (uint16_t)(s->cap_cols * 2) : 16;
        struct fcol *grown = ARENA_NEW_N(s->o->scratch, struct fcol, cap);

        if (s->n_cols)
            memcpy(grown, s->cols, s->n_cols * sizeof *grown);
        s->cols = grown;
        s->cap_cols = cap;
    }
    if (c.width == 0 && c.kind != FCOL_ITEM)
        c.width = 1;
    if (s->n_out > 4000) {
        split_refuse(s, "more than 4000 columns over several places");
        return at;
    }
    s->cols[s->n_cols++] = c;
    s->n_out = (uint16_t)(s->n_out + c.width);
    return at;
}

uint16_t split_need(struct split *s, enum fcol_kind kind, struct ast_node *expr, struct expr_type type)
{
    uint16_t at = 0;

    for (unsigned i = 0; i < s->n_cols; i++) {
        const struct fcol *c = &s->cols[i];

        if (c->kind == kind && c->expr && split_same(s, c->expr, expr))
            return at;
        at = (uint16_t)(at + c->width);
    }
    if (kind == FCOL_WEIGHT || kind == FCOL_MIN_WEIGHT || kind == FCOL_MAX_WEIGHT || kind == FCOL_ORDER_WEIGHT ||
        kind == FCOL_MIN_ORDER_WEIGHT)
        type = (struct expr_type){EXPR_STRING, TYPE_COLL_BINARY};
    return split_add(s, (struct fcol){.kind = kind, .expr = expr, .type = type, .named = true});
}

struct merge_key split_key(uint16_t col, uint16_t weight, struct expr_type type, bool desc)
{
    return (struct merge_key){.col = col, .weight_col = weight, .desc = desc,
        .coll = type.cls == EXPR_STRING || type.cls == EXPR_UNSURE || type.cls == EXPR_ENUM ? type.coll : 0};
}

static bool is_float_ref(struct colref c)
{
    struct colref base = bind_base_column(c);

    return base.src && base.src->table && base.src->table->columns[base.col].type.code == TYPE_FLOAT;
}

bool split_is_float(const struct split *s, const struct ast_node *e)
{
    struct colref c;

    return e->kind == AST_COLUMN && bind_column_of(s->bl, e, &c) && is_float_ref(c);
}

static void put_weighed(struct tmpl *t, const struct fcol *c)
{
    bool filled = c->kind == FCOL_ORDER_WEIGHT || c->kind == FCOL_MIN_ORDER_WEIGHT;

    tmpl_puts(t, filled ? "COALESCE(" : "");
    tmpl_node(t, c->expr);
    tmpl_puts(t, filled ? ", '')" : "");
}

static void put_weight(struct split *s, struct tmpl *t, const struct fcol *c)
{
    struct expr_type e = opt_type_of(s->o, s->bl, c->expr);
    const struct collation *coll = e.coll ? coll_by_id(e.coll) : NULL;

    /* Trailing spaces do not count in PAD SPACE collations, but WEIGHT_STRING gives them weights. */
    if (coll) {
        tmpl_puts(t, coll->pad_space ? "WEIGHT_STRING(RTRIM(" : "WEIGHT_STRING(");
        put_weighed(t, c);
        tmpl_puts(t, coll->pad_space ? "))" : ")");
        return;
    }
    /* The collation is the shard's to know: it is asked whether a trailing space counts. */
    tmpl_puts(t, "WEIGHT_STRING(IF(CONCAT(LEFT(");
    put_weighed(t, c);
    tmpl_puts(t, ", 0), 'a') = CONCAT(LEFT(");
    put_weighed(t, c);
    tmpl_puts(t, ", 0), 'a '), RTRIM(");
    put_weighed(t, c);
    tmpl_puts(t, "), ");
    put_weighed(t, c);
    tmpl_puts(t, "))");
}

static void put_aggregate(struct tmpl *t, const struct fcol *c)
{
    tmpl_puts(t, c->func);
    tmpl_puts(t, c->distinct ? "(DISTINCT " : "(");
    if (c->args)
        for (unsigned i = 0; i < c->args->n; i++) {
            tmpl_puts(t, i ? ", " : "");
            tmpl_node(t, c->args->items[i]);
            tmpl_puts(t, c->as_number ? " + 0" : "");
        }
    else if (c->expr)
        tmpl_node(t, c->expr);
    else
        tmpl_puts(t, "*");
    tmpl_puts(t, c->all_digits ? ") + 0e0" : ")");
}

static void put_alias(struct tmpl *t, unsigned n)
{
    char name[24];

    snprintf(name, sizeof name, " AS tsr_h%u", n);
    tmpl_puts(t, name);
}

static bool joins_by_name(const struct ast_node *from)
{
    const struct ast_join *j;

    if (!from || from->kind != AST_JOIN)
        return false;
    j = AST_AS_CONST(join, from);
    return j->natural || j->using.n || joins_by_name(j->left) || joins_by_name(j->right);
}

/* A star, written out if it has columns of type FLOAT. What it means over NATURAL JOIN and USING is left to the shards. */
static void put_star(struct split *s, struct tmpl *t, const struct fcol *c, unsigned out)
{
    bool any = false;

    for (unsigned i = out; i < out + c->width && !joins_by_name(s->sel->from); i++)
        any |= is_float_ref(s->bl->outs[i].ref);
    if (!any) {
        tmpl_node(t, c->item->expr);
        return;
    }
    for (unsigned i = out; i < out + c->width; i++) {
        const struct outcol *x = &s->bl->outs[i];

        tmpl_puts(t, i > out ? ", " : "");
        tmpl_ident(t, x->ref.src->name);
        tmpl_puts(t, ".");
        tmpl_ident(t, x->name);
        tmpl_puts(t, is_float_ref(x->ref) ? " + 0e0" : "");
    }
}

void split_put_cols(struct split *s, struct tmpl *t)
{
    unsigned out = 0;

    for (unsigned i = 0; i < s->n_cols; out += s->cols[i++].width) {
        const struct fcol *c = &s->cols[i];

        tmpl_puts(t, i ? ", " : "");
        switch (c->kind) {
        case FCOL_ITEM:
            if (c->item->expr->kind == AST_STAR)
                put_star(s, t, c, out);
            else
                tmpl_range(t, c->item->expr_begin, c->item->expr_end);
            tmpl_puts(t, split_is_float(s, c->item->expr) ? " + 0e0" : "");
            if (ast_ident_set(&c->item->alias)) {
                tmpl_puts(t, " AS ");
                tmpl_ident(t, c->item->alias.name);
            }
            continue;
        case FCOL_EXPR:
            tmpl_node(t, c->expr);
            tmpl_puts(t, split_is_float(s, c->expr) ? " + 0e0" : "");
            break;
        case FCOL_NUMBER:
            tmpl_puts(t, "(");
            tmpl_node(t, c->expr);
            tmpl_puts(t, ") + 0");
            break;
        case FCOL_WEIGHT:
        case FCOL_ORDER_WEIGHT:
            put_weight(s, t, c);
            break;
        case FCOL_MIN_WEIGHT:
        case FCOL_MAX_WEIGHT:
        case FCOL_MIN_ORDER_WEIGHT:
            tmpl_puts(t, c->kind == FCOL_MAX_WEIGHT ? "MAX(" : "MIN(");
            put_weight(s, t, c);
            tmpl_puts(t, ")");
            break;
        case FCOL_AGG:
            put_aggregate(t, c);
            break;
        case FCOL_KEY:
            opt_put_exact(t, NULL, c->column);
            break;
        case FCOL_PLACE:
            tmpl_place(t);
            break;
        }
        if (c->named)
            put_alias(t, i);
    }
}

/* Collations of the fragment's columns, for the executor. */
void split_finish_cols(struct split *s)
{
    uint16_t *colls = ARENA_NEW_N(s->o->arena, uint16_t, s->n_out ? s->n_out : 1);
    unsigned at = 0;

    for (unsigned i = 0; i < s->n_cols; i++) {
        const struct fcol *c = &s->cols[i];

        if (c->kind == FCOL_ITEM && c->item->expr->kind == AST_STAR) {
            for (unsigned k = 0; k < c->width; k++)
                colls[at + k] = opt_type_of_ref(s->o, s->bl->outs[at + k].ref).coll;
        } else {
            colls[at] = c->type.coll;
        }
        at += c->width;
    }
    s->p->col_colls = colls;
    s->p->n_col_colls = s->n_out;
}

/* ---- clauses ---- */

void split_put_head(struct split *s, struct tmpl *t, bool distinct)
{
    static const struct {
        int64_t bit;
        const char *word;
    } opts[] = {
        {AST_SEL_HIGH_PRIORITY, "HIGH_PRIORITY "},
        {AST_SEL_STRAIGHT_JOIN, "STRAIGHT_JOIN "},
        {AST_SEL_SMALL_RESULT, "SQL_SMALL_RESULT "},
        {AST_SEL_BIG_RESULT, "SQL_BIG_RESULT "},
        {AST_SEL_BUFFER_RESULT, "SQL_BUFFER_RESULT "},
        {AST_SEL_NO_CACHE, "SQL_NO_CACHE "},
    };

    if (s->sel->with) {
        tmpl_node(t, s->sel->with);
        tmpl_puts(t, " ");
    }
    tmpl_puts(t, "SELECT ");
    if (s->sel->hints.ptr) {
        tmpl_puts(t, "/*+ ");
        tmpl_put(t, s->sel->hints);
        tmpl_puts(t, " */ ");
    }
    for (unsigned i = 0; i < ARRAY_LEN(opts); i++)
        if (s->sel->opts & opts[i].bit)
            tmpl_puts(t, opts[i].word);
    if (distinct)
        tmpl_puts(t, "DISTINCT ");
}

void split_put_from_where(struct split *s, struct tmpl *t)
{
    tmpl_puts(t, " FROM ");
    tmpl_node(t, s->sel->from);
    if (s->sel->where) {
        tmpl_puts(t, " WHERE ");
        tmpl_node(t, s->sel->where);
    }
}

void split_put_locks(struct split *s, struct tmpl *t)
{
    AST_EACH(slot, &s->sel->locks)
    {
        tmpl_puts(t, " ");
        tmpl_node(t, *slot);
    }
}

static void put_list(struct tmpl *t, const char *head, const struct ast_list *l)
{
    for (unsigned i = 0; i < l->n; i++) {
        tmpl_puts(t, i ? ", " : head);
        tmpl_node(t, l->items[i]);
    }
}

bool split_limit(struct opt *o, const struct ast_node *limit, struct limit_spec *out)
{
    const struct ast_limit *l = AST_AS_CONST(limit, limit);

    *out = (struct limit_spec){NULL, NULL};
    if (!limit)
        return true;
    if (l->with_ties || l->rows_examined) {
        opt_refuse(o, o->plan, l->with_ties ? SV("FETCH ... WITH TIES over several places")
                                            : SV("LIMIT ROWS EXAMINED over several places"));
        return false;
    }
    out->count = l->count ? place_rvalue(&o->placer, l->count) : NULL;
    out->offset = l->offset ? place_rvalue(&o->placer, l->offset) : NULL;
    if ((l->count && !out->count) || (l->offset && !out->offset)) {
        opt_refuse(o, o->plan, SV("LIMIT by other than a number or a parameter over several places"));
        return false;
    }
    return true;
}

static void put_limit(struct split *s, struct tmpl *t)
{
    const struct limit_spec *l = &s->top->limit;

    if (!l->count)
        return;
    tmpl_puts(t, " LIMIT ");
    if (l->offset)
        tmpl_limit_sum(t);
    else
        tmpl_rvalue(t, l->count);
}

/* ---- names ---- */

static enum ast_walk aggregate_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    if (ast_is_query(*slot))
        return AST_PRUNE;
    return (*slot)->kind == AST_AGG && !AST_AS(agg, *slot)->over ? AST_ABORT : AST_CONTINUE;
}

bool split_has_aggregate(struct ast_node *e)
{
    return e && !ast_walk(&e, aggregate_pre, NULL, NULL);
}

/* A literal position; 0: none. */
static unsigned position_of(struct opt *o, const struct ast_node *e)
{
    uint64_t n;

    if (e->kind != AST_LIT || AST_AS_CONST(lit, e)->type != AST_LIT_INT)
        return 0;
    /* The literal decides what is sorted: such a plan is for this text only. */
    o->plan->uncacheable = true;
    return sv_to_u64(AST_AS_CONST(lit, e)->value, &n) && n <= UINT16_MAX ? (unsigned)n : UINT16_MAX + 1u;
}

int split_output_of(struct opt *o, const struct block *bl, const struct ast_node *e)
{
    unsigned pos = position_of(o, e);
    struct colref c;

    if (pos)
        return pos <= bl->n_outs ? (int)pos - 1 : -1;
    if (e->kind == AST_COLUMN && !ast_ident_set(&AST_AS_CONST(column, e)->tbl))
        for (unsigned i = 0; i < bl->n_outs; i++)
            if (bl->outs[i].name.ptr && sv_eq_nocase(bl->outs[i].name, AST_AS_CONST(column, e)->name.name))
                return (int)i;
    if (bind_column_of(bl, e, &c))
        for (unsigned i = 0; i < bl->n_outs; i++)
            if (bl->outs[i].ref.src && colref_eq(bl->outs[i].ref, c))
                return (int)i;
    for (unsigned i = 0; i < bl->n_outs; i++)
        if (bl->outs[i].expr && same_expr(o, bl->outs[i].expr, e))
            return (int)i;
    return -1;
}

struct ast_node *split_deref(struct split *s, struct ast_node *e, bool alias_first)
{
    unsigned pos = position_of(s->o, e);
    struct colref c;

    if (pos) {
        if (pos <= s->bl->n_outs && s->bl->outs[pos - 1].expr)
            return s->bl->outs[pos - 1].expr;
        split_refuse(s, "ORDER BY or GROUP BY the position of a column of `*` over several places");
        return NULL;
    }
    if (e->kind != AST_COLUMN || ast_ident_set(&AST_AS(column, e)->tbl))
        return e;
    if (!alias_first && bind_column_of(s->bl, e, &c) && c.src->block == s->bl)
        return e;
    for (unsigned i = 0; i < s->sel->items.n; i++) {
        const struct ast_select_item *it = AST_AS_CONST(select_item, s->sel->items.items[i]);

        if (ast_ident_set(&it->alias) && sv_eq_nocase(it->alias.name, AST_AS(column, e)->name.name))
            return it->expr;
    }
    return e;
}

/* ---- unknown names ---- */

struct names_walk {
    const struct split *s;
    const struct ast_column *unknown;
};

static bool is_alias(const struct split *s, const struct ast_column *c)
{
    if (ast_ident_set(&c->tbl))
        return false;
    for (unsigned i = 0; i < s->bl->n_outs; i++)
        if (s->bl->outs[i].name.ptr && sv_eq_nocase(s->bl->outs[i].name, c->name.name))
            return true;
    return false;
}

static enum ast_walk names_pre(struct ast_node **slot, void *arg)
{
    struct names_walk *w = arg;
    struct colref c;

    if (ast_is_query(*slot))
        return AST_PRUNE;
    if ((*slot)->kind != AST_COLUMN || is_alias(w->s, AST_AS_CONST(column, *slot)))
        return AST_CONTINUE;
    if (bind_resolve(w->s->bl, AST_AS_CONST(column, *slot), &c) != RESOLVE_UNKNOWN)
        return AST_PRUNE;
    w->unknown = AST_AS_CONST(column, *slot);
    return AST_ABORT;
}

bool split_check_names(struct split *s, struct ast_node *e, enum split_clause clause)
{
    static const char *const mysql[] = {"order clause", "group statement", "having clause"};
    static const char *const mariadb[] = {"ORDER BY", "GROUP BY", "HAVING"};
    struct names_walk w = {s, NULL};
    const struct ast_column *c;

    if (!e || s->bl->outer || !s->bl->outs_known)
        return true;
    for (unsigned i = 0; i < s->bl->n_sources; i++)
        if (bind_n_columns(s->bl->sources[i]) == 0)
            return true;
    if (ast_walk(&e, names_pre, NULL, &w))
        return true;
    c = w.unknown;
    s->no_more = true;
    return diag_setf(s->o->diag, ER_BAD_FIELD_ERROR, "Unknown column '%.*s%s%.*s' in '%s'", SV_ARG(c->tbl.name),
        c->tbl.name.ptr ? "." : "", SV_ARG(c->name.name),
        s->o->env->flavour == ENV_MARIADB ? mariadb[clause] : mysql[clause]);
}

static bool check_all_names(struct split *s)
{
    AST_EACH(slot, &s->sel->order)
    if (!split_check_names(s, *slot, SPLIT_ORDER))
        return false;
    AST_EACH(slot, &s->sel->group)
    if (!split_check_names(s, *slot, SPLIT_GROUP))
        return false;
    return split_check_names(s, s->sel->having, SPLIT_HAVING);
}

/* ---- plain ---- */

static struct expr_type type_of_out(const struct split *s, unsigned i)
{
    const struct outcol *c = &s->bl->outs[i];

    return c->expr ? opt_type_of(s->o, s->bl, c->expr) : opt_type_of_ref(s->o, c->ref);
}

/* A name for a column of an expanded star, to put into WEIGHT_STRING(): qualified by its source. */
static struct ast_node *expr_of_out(struct split *s, unsigned i)
{
    const struct outcol *c = &s->bl->outs[i];
    struct ast_column *col;

    if (c->expr)
        return c->expr;
    col = AST_NEW(s->o->scratch, COLUMN, column);
    col->tbl = ast_ident_make(c->ref.src->name);
    col->name = ast_ident_make(c->name);
    return &col->node;
}

static uint16_t weight_for(struct split *s, struct ast_node *e, struct expr_type t)
{
    return t.cls == EXPR_UNSURE ? split_need(s, FCOL_WEIGHT, e, t) : NO_COL;
}

/* One ORDER BY item of the plain form. named: the fragment sorts by the alias of this column instead of the item's text; NO_COL: by
 * the text. */
static bool plain_order_item(struct split *s, const struct ast_order_item *it, struct merge_key *k, uint16_t *named)
{
    int out = split_output_of(s->o, s->bl, it->expr);
    struct ast_node *e = out >= 0 ? expr_of_out(s, (unsigned)out) : it->expr;
    struct expr_type t = out >= 0 ? type_of_out(s, (unsigned)out) : opt_type_of(s->o, s->bl, it->expr);
    uint16_t col;

    *named = NO_COL;
    if (t.cls == EXPR_OTHER)
        return split_refuse(s, "ORDER BY a JSON or geometry value over several places");
    if (t.cls == EXPR_ENUM && split_has_aggregate(e)) /* found by name, sorted by number */
        return split_refuse(s, "ORDER BY MIN or MAX of an ENUM or SET over several places");
    if (out >= 0) {
        col = t.cls == EXPR_ENUM ? split_need(s, FCOL_NUMBER, e, (struct expr_type){EXPR_NUMBER, 0}) : (uint16_t)out;
    } else {
        col = split_need(s, t.cls == EXPR_ENUM ? FCOL_NUMBER : FCOL_EXPR, e, t);
        *named = col;
    }
    *k = split_key(col, weight_for(s, e, t), t.cls == EXPR_ENUM ? (struct expr_type){EXPR_NUMBER, 0} : t,
        it->dir == AST_DIR_DESC);
    return true;
}

/* Entry of the column list that gives fragment column col. */
static unsigned entry_of(const struct split *s, uint16_t col)
{
    unsigned at = 0, i = 0;

    while (i + 1 < s->n_cols && at + s->cols[i].width <= col)
        at += s->cols[i++].width;
    return i;
}

static void put_order(struct split *s, struct tmpl *t, const uint16_t *named)
{
    for (unsigned i = 0; i < s->sel->order.n; i++) {
        const struct ast_order_item *it = AST_AS_CONST(order_item, s->sel->order.items[i]);
        char name[24];

        int out = s->bl->distinct ? split_output_of(s->o, s->bl, it->expr) : -1;

        if (out >= 0 && !split_is_float(s, expr_of_out(s, (unsigned)out)))
            out = -1;
        tmpl_puts(t, i ? ", " : " ORDER BY ");
        if (named[i] == NO_COL && out < 0) {
            tmpl_node(t, &it->node);
            continue;
        }
        /* Beside DISTINCT MySQL orders only by what is selected, which is the other form of a FLOAT here: by its position. */
        if (named[i] == NO_COL)
            snprintf(name, sizeof name, "%d", out + 1);
        else
            snprintf(name, sizeof name, "tsr_h%u", entry_of(s, named[i]));
        tmpl_puts(t, name);
        tmpl_puts(t, it->dir == AST_DIR_DESC ? " DESC" : "");
    }
}

static bool plain_distinct(struct split *s)
{
    struct merge_key *k = ARENA_NEW_N(s->o->arena, struct merge_key, s->bl->n_outs);

    for (unsigned i = 0; i < s->bl->n_outs; i++) {
        struct expr_type t = type_of_out(s, i);

        if (t.cls == EXPR_OTHER)
            return split_refuse(s, "DISTINCT of a JSON or geometry value over several places");
        k[i] = split_key((uint16_t)i, weight_for(s, expr_of_out(s, i), t), t, false);
    }
    s->top->distinct = true;
    s->top->distinct_keys = k;
    s->top->n_distinct_keys = s->bl->n_outs;
    return true;
}

static void plain_items(struct split *s)
{
    unsigned out = 0;

    AST_EACH(slot, &s->sel->items)
    {
        const struct ast_select_item *it = AST_AS_CONST(select_item, *slot);
        struct fcol c = {.kind = FCOL_ITEM, .item = it, .expr = it->expr, .width = 1};

        if (it->expr->kind == AST_STAR) {
            const struct ast_star *star = AST_AS_CONST(star, it->expr);

            c.width = 0;
            while (out + c.width < s->bl->n_outs && !s->bl->outs[out + c.width].expr &&
                (!ast_ident_set(&star->tbl) || sv_eq(s->bl->outs[out + c.width].ref.src->name, star->tbl.name)) &&
                /* `t.*, t.*` are two items */
                (c.width == 0 || !colref_eq(s->bl->outs[out].ref, s->bl->outs[out + c.width].ref)))
                c.width++;
        } else {
            c.type = opt_type_of(s->o, s->bl, it->expr);
        }
        out += c.width;
        split_add(s, c);
    }
}

static bool split_plain(struct split *s, bool distinct_here)
{
    uint32_t n = s->sel->order.n;
    struct merge_key *keys = ARENA_NEW_N(s->o->arena, struct merge_key, n ? n : 1);
    uint16_t *named = ARENA_NEW_N(s->o->scratch, uint16_t, n ? n : 1);
    bool hidden_order = false, counts = (s->sel->opts & AST_SEL_CALC_FOUND_ROWS) != 0;
    uint16_t visible;
    struct tmpl t;

    if (!s->bl->outs_known && (n || s->bl->distinct))
        return split_refuse(s, "`*` over tables whose columns are not known here, with ORDER BY or DISTINCT over several places");
    if (s->bl->outs_known)
        plain_items(s);
    visible = s->n_out;
    for (unsigned i = 0; i < n; i++) {
        if (!plain_order_item(s, AST_AS_CONST(order_item, s->sel->order.items[i]), &keys[i], &named[i]))
            return false;
        hidden_order |= named[i] != NO_COL;
    }
    if (distinct_here && !plain_distinct(s))
        return false;
    if (s->no_more)
        return false;

    tmpl_init(&t, s->o);
    split_put_head(s, &t, s->bl->distinct);
    if (s->bl->outs_known)
        split_put_cols(s, &t);
    else
        put_list(&t, "", &s->sel->items);
    split_put_from_where(s, &t);
    put_list(&t, " GROUP BY ", &s->sel->group);
    if (s->sel->having) {
        tmpl_puts(&t, " HAVING ");
        tmpl_node(&t, s->sel->having);
    }
    put_list(&t, " WINDOW ", &s->sel->windows);
    put_order(s, &t, named);
    if (!counts && !(distinct_here && hidden_order))
        put_limit(s, &t);
    split_put_locks(s, &t);

    if (distinct_here) {
        s->top->sort = keys;
        s->top->n_sort = (uint16_t)n;
    } else {
        s->top->merge_order = keys;
        s->top->n_merge_order = (uint16_t)n;
    }
    s->top->n_hidden = (uint16_t)(s->n_out - visible);
    s->p->n_visible = visible;
    split_finish_cols(s);
    s->p->fragment = tmpl_finish(&t);
    s->p->top = s->top;
    return true;
}

/* ---- keys ---- */

bool split_keys(struct opt *o, const struct block *bl, struct ast_select *sel, struct keyed_plan *k)
{
    struct plan *p = ARENA_NEW(o->arena, struct plan);
    struct block named_block = *bl;
    struct split s = {.o = o, .p = p, .bl = &named_block, .sel = sel, .top = ARENA_NEW(o->arena, struct plan_top)};
    uint32_t n = sel->order.n;
    struct merge_key *keys = ARENA_NEW_N(o->arena, struct merge_key, n ? n : 1);
    uint16_t *named = ARENA_NEW_N(o->scratch, uint16_t, n ? n : 1);
    struct tmpl t;

    named_block.outs_known = true; /* none is named */
    p->kind = PLAN_SELECT;
    p->route = o->plan->route;
    p->uses_temporals_now = o->plan->uses_temporals_now;
    if (!split_limit(o, sel->limit, &s.top->limit))
        return false;
    for (uint16_t i = 0; i < k->n_key_cols; i++)
        split_add(&s, (struct fcol){.kind = FCOL_KEY, .column = &k->table->columns[k->key_cols[i]]});
    for (unsigned i = 0; i < n; i++) {
        const struct ast_order_item *it = AST_AS_CONST(order_item, sel->order.items[i]);

        if (!split_check_names(&s, it->expr, SPLIT_ORDER))
            return false;
        if (it->expr->kind == AST_LIT) {
            opt_refuse(o, o->plan, SV("ORDER BY a literal in an UPDATE or DELETE over several places"));
            return false;
        }
        if (!plain_order_item(&s, it, &keys[i], &named[i]))
            break;
    }
    split_add(&s, (struct fcol){.kind = FCOL_PLACE});
    if (s.no_more || diag_is_set(&p->refusal)) {
        o->plan->refusal = p->refusal;
        return false;
    }
    tmpl_init(&t, o);
    split_put_head(&s, &t, false);
    split_put_cols(&s, &t);
    split_put_from_where(&s, &t);
    put_order(&s, &t, named);
    put_limit(&s, &t);
    tmpl_puts(&t, " FOR UPDATE");
    s.top->merge_order = keys;
    s.top->n_merge_order = (uint16_t)n;
    p->n_visible = s.n_out;
    split_finish_cols(&s);
    p->fragment = tmpl_finish(&t);
    p->top = s.top;
    k->read = p;
    return true;
}

/* ---- choice ---- */

static bool distinct_covers_key(const struct split *s)
{
    for (unsigned k = 0; k < optcat_n_keys(s->d->table); k++) {
        bool found = false;

        for (unsigned i = 0; i < s->bl->n_outs && s->d->has_key && !found; i++)
            found = s->bl->outs[i].ref.src && place_equal(&s->o->placer, s->d->key[k], s->bl->outs[i].ref, s->bl->ctx);
        if (!found)
            return false;
    }
    return true;
}

/* GROUP BY, with names and positions resolved, has every partition column. */
static bool groups_cover_key(struct split *s)
{
    struct ast_list l = {ARENA_NEW_N(s->o->scratch, struct ast_node *, s->sel->group.n + 1), 0, 0};

    AST_EACH(slot, &s->sel->group)
    {
        struct ast_node *e = split_deref(s, AST_AS(order_item, *slot)->expr, false);

        if (!e)
            return false;
        l.items[l.n++] = e;
    }
    return place_covers_key(&s->o->placer, s->bl, &l, s->d);
}

/* TABLE t is SELECT * FROM t. */
static struct ast_select *select_of_table(struct opt *o, struct ast_table_query *t)
{
    struct ast_select *sel = AST_NEW(o->scratch, SELECT, select);
    struct ast_select_item *it = AST_NEW(o->scratch, SELECT_ITEM, select_item);

    it->expr = ast_new(o->scratch, AST_STAR);
    ast_list_add(o->scratch, &sel->items, &it->node);
    sel->with = t->with;
    sel->order = t->order;
    sel->limit = t->limit;
    sel->locks = t->locks;
    sel->from = t->table;
    return sel;
}

/* ---- aggregates that stand in a subquery and are of a query around it ---- */

struct outer_walk {
    const struct block *bl; /* where the names are resolved */
    const struct ast_node *query;
    bool own, outer; /* columns of its own, of others */
    bool found;
};

static enum ast_walk columns_pre(struct ast_node **slot, void *arg)
{
    struct outer_walk *w = arg;
    struct colref c;

    if (ast_is_query(*slot))
        return AST_PRUNE;
    if ((*slot)->kind == AST_COLUMN) {
        bool known = bind_column_of(w->bl, *slot, &c) && c.src;

        w->own |= !known || c.src->block == w->bl;
        w->outer |= known && c.src->block != w->bl;
    }
    return AST_CONTINUE;
}

static enum ast_walk outer_pre(struct ast_node **slot, void *arg)
{
    struct outer_walk *w = arg;

    if (ast_is_query(*slot) && *slot != w->query)
        return AST_PRUNE;
    if ((*slot)->kind != AST_AGG || AST_AS(agg, *slot)->over)
        return AST_CONTINUE;
    w->own = w->outer = false;
    for (uint32_t i = 0; i < AST_AS(agg, *slot)->args.n; i++)
        (void)ast_walk(&AST_AS(agg, *slot)->args.items[i], columns_pre, NULL, w);
    w->found |= w->outer && !w->own;
    return AST_PRUNE;
}

static bool has_outer_aggregate(const struct query *q)
{
    struct outer_walk w = {.bl = q->block, .query = q->node};
    struct ast_node *n = q->node;

    if (!q->block)
        return has_outer_aggregate(q->left) || (q->right && has_outer_aggregate(q->right));
    (void)ast_walk(&n, outer_pre, NULL, &w);
    return w.found;
}

bool split_select(struct opt *o, struct plan *p, const struct query *q, const struct dist *d)
{
    struct split s = {.o = o, .p = p, .q = q, .bl = q->block, .d = d};
    struct opt sub = *o;
    bool grouped_here, ok;

    sub.plan = p; /* refusals and flags are the branch's */
    s.o = &sub;
    s.top = ARENA_NEW(o->arena, struct plan_top);
    if (q->node->kind == AST_VALUES)
        return split_refuse(&s, "VALUES with a subquery over several places");
    s.sel = q->node->kind == AST_TABLE_QUERY ? select_of_table(o, AST_AS(table_query, q->node)) : AST_AS(select, q->node);
    if (s.sel->qualify) {
        opt_refuse(o, p, SV("QUALIFY over several places"));
        return false;
    }
    if (p->n_assigned_vars) {
        opt_refuse(o, p, SV("assignment of user variables (:=) over several places"));
        return false;
    }
    if (o->plan->sets_insert_id) {
        opt_refuse(o, p, SV("LAST_INSERT_ID(value) over several places"));
        return false;
    }
    if (!split_limit(&sub, s.sel->limit, &s.top->limit))
        return false;
    for (const struct subquery *x = s.bl->subqueries; x; x = x->next)
        if (has_outer_aggregate(x->query))
            return split_refuse(&s, "aggregate in a subquery that is of the query around it, over several places");
    if (s.sel->grouping != AST_GROUP_PLAIN)
        return split_refuse(&s, "WITH ROLLUP, CUBE or GROUPING SETS over several places");
    if (!check_all_names(&s))
        return false;
    grouped_here = s.bl->aggregated && !(s.sel->group.n && groups_cover_key(&s));
    if (s.no_more)
        return false;
    if (s.bl->has_windows && (grouped_here || !place_windows_local(&o->placer, s.bl, d)))
        return split_refuse(&s, "window function that is not partitioned by the partition columns of `%.*s`",
            SV_ARG(d->table->name));
    ok = grouped_here ? split_aggregate(&s) : split_plain(&s, s.bl->distinct && !distinct_covers_key(&s));
    o->expr_params = sub.expr_params;
    o->n_expr_params = sub.n_expr_params;
    o->cap_expr_params = sub.cap_expr_params;
    if (p->uncacheable)
        o->plan->uncacheable = true;
    return ok && !s.no_more;
}

bool split_union_key(struct opt *o, const struct query *q, uint16_t col, struct merge_key *out)
{
    struct expr_type t = {EXPR_NULL, 0};
    bool first = true;

    for (const struct query *stack[64], **sp = (stack[0] = q, stack + 1); sp > stack;) {
        const struct query *x = *--sp;
        const struct outcol *c;
        struct expr_type u;

        if (!x->block) {
            if (sp + 2 > stack + ARRAY_LEN(stack))
                return false;
            *sp++ = x->left;
            if (x->right)
                *sp++ = x->right;
            continue;
        }
        if (!x->block->outs_known || col >= x->block->n_outs)
            return false;
        c = &x->block->outs[col];
        u = c->expr ? opt_type_of(o, x->block, c->expr) : opt_type_of_ref(o, c->ref);
        t = first ? u : opt_type_unify(t, u);
        first = false;
    }
    if (t.cls == EXPR_UNSURE || t.cls == EXPR_OTHER || t.cls == EXPR_ENUM)
        return false;
    *out = split_key(col, NO_COL, t, false);
    return true;
}
