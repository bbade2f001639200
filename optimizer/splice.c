/* The one-place form: which tokens of the client's text are replaced, and by what.
 *
 * - A partitioned table's name becomes the physical one, with the logical name as alias where the statement gives none: then
 *   qualified columns, column names, metadata and error texts stay as the client knows them. Schema qualifiers stay.
 * - Where no alias may stand (target of INSERT and REPLACE, single-table DELETE in MariaDB, TABLE t), qualifiers of columns are
 *   replaced too.
 * - What only the session knows (LAST_INSERT_ID(), @user variables, @@variables of Tessera) becomes its value. If that happens inside
 *   a select item without alias, the item gets its source text as alias: it is the column's name.
 * A table whose physical name is the logical one needs no edit. */
#include "optimizer/opt-int.h"

void opt_edit_add(struct opt *o, struct edit e)
{
    struct edit_list *l = &o->edits;

    if (l->n == l->cap) {
        uint32_t cap = l->cap ? l->cap * 2 : 16;
        struct edit *grown = ARENA_NEW_N(o->scratch, struct edit, cap);

        if (l->n)
            memcpy(grown, l->items, l->n * sizeof *grown);
        l->items = grown;
        l->cap = cap;
    }
    l->items[l->n++] = e;
}

static struct sv alias_text(struct opt *o, struct sv name)
{
    struct strbuf b;

    strbuf_init(&b, o->arena);
    strbuf_puts(&b, " AS ");
    strbuf_put_ident(&b, name);
    return strbuf_sv(&b);
}

static bool alias_allowed(const struct opt *o, const struct source *s)
{
    const struct ast_node *owner = s->block->node;

    switch ((enum ast_kind)owner->kind) {
    case AST_TABLE_QUERY:
    case AST_INSERT:
        return false;
    case AST_DELETE:
        return AST_AS_CONST(delete, owner)->form != AST_DELETE_SINGLE || o->env->flavour == ENV_MYSQL8;
    default:
        return true;
    }
}

static bool edit_source(struct opt *o, const struct source *s)
{
    const struct ast_table *t;
    struct edit e = {.kind = EDIT_TABLE};

    if (s->kind != SRC_TABLE)
        return true;
    t = AST_AS_CONST(table, s->node);
    if (t->partitions.n && optcat_is_partitioned(s->table))
        return opt_unsupported(o, "PARTITION (...) behind the name of `%.*s`", SV_ARG(s->table->name));
    if (!optcat_renamed(s->table))
        return true;
    e.tok_begin = opt_token_at(o, t->name.begin);
    e.tok_end = opt_token_past(o, t->name.end);
    e.table = s->table;
    if (!ast_ident_set(&t->alias) && alias_allowed(o, s)) {
        if (t->period) {
            uint32_t at = opt_token_past(o, t->period->end);

            opt_edit_add(o, (struct edit){.tok_begin = at, .tok_end = at, .kind = EDIT_TEXT,
                .prefix = alias_text(o, t->name.name)});
        } else {
            e.suffix = alias_text(o, t->name.name);
        }
    }
    opt_edit_add(o, e);
    return true;
}

void opt_edit_copy(struct opt *o, const struct source *s, struct sv name)
{
    const struct ast_table *t = AST_AS_CONST(table, s->node);
    struct edit e = {.kind = EDIT_TEXT, .tok_begin = opt_token_at(o, t->name.begin), .tok_end = opt_token_past(o, t->name.end)};
    struct strbuf b;

    strbuf_init(&b, o->arena);
    strbuf_put_ident(&b, name);
    e.prefix = strbuf_sv(&b);
    if (!ast_ident_set(&t->alias) && alias_allowed(o, s))
        e.suffix = alias_text(o, t->name.name);
    opt_edit_add(o, e);
}

/* ---- session values, assigned variables, functions of note ---- */

enum { ITEM_DEPTH_MAX = 64 };

struct value_walk {
    struct opt *o;
    const struct ast_select_item *items[ITEM_DEPTH_MAX];
    bool touched[ITEM_DEPTH_MAX];
    unsigned n_items;
    bool in_do;
    struct ast_node *skip; /* left side of := */
};

static bool assigned(const struct opt *o, struct sv name)
{
    for (unsigned i = 0; i < o->placer.n_assigned; i++)
        if (sv_eq_nocase(o->placer.assigned[i], name))
            return true;
    return false;
}

static void note_function(struct opt *o, const struct ast_func *f)
{
    static const char *const now[] = {"now", "sysdate", "current_timestamp", "localtime", "localtimestamp", "curdate",
        "current_date", "curtime", "current_time", "utc_timestamp", "utc_date", "utc_time", "unix_timestamp"};
    static const char *const each[] = {"rand", "uuid", "uuid_short", "sys_guid", "random_bytes", "sleep", "get_lock",
        "release_lock", "gen_random_uuid"};

    if (sv_eq_nocase(f->name.name, SV("get_lock")))
        o->takes_lock = true;
    if (f->args.n && sv_eq_nocase(f->name.name, SV("last_insert_id")))
        o->plan->sets_insert_id = true;
    for (unsigned i = 0; i < ARRAY_LEN(now); i++)
        if (sv_eq_nocase(f->name.name, sv_cstr(now[i])))
            o->has_temporal_now = true;
    for (unsigned i = 0; i < ARRAY_LEN(each); i++)
        if (sv_eq_nocase(f->name.name, sv_cstr(each[i]))) {
            o->has_unstable = true;
            o->unstable_name = f->name.name;
        }
}

static void edit_value(struct value_walk *w, const struct ast_node *n, enum session_value v, bool global, struct sv name)
{
    struct opt *o = w->o;
    uint32_t b = opt_token_at(o, n->begin), e = opt_token_past(o, n->end);
    struct edit ed = {.tok_begin = b, .tok_end = e, .kind = EDIT_SESSION_VALUE, .value = v,
        .global = global};

    ed.name = arena_dup(o->arena, name);
    /* `-@x` with a negative value must not become a comment. */
    if (b > 0 && (o->tokens[b - 1].kind == TK_MINUS || o->tokens[b - 1].kind == TK_PLUS))
        ed.prefix = SV(" ");
    o->plan->n_found_rows += v == SESSION_FOUND_ROWS;
    if (v == SESSION_LAST_INSERT_ID || v == SESSION_CONNECTION_ID) {
        ed.prefix = SV("CAST(");
        ed.suffix = SV(" AS UNSIGNED)");
    }
    opt_edit_add(o, ed);
    for (unsigned i = 0; i < w->n_items; i++)
        w->touched[i] = true;
}

static enum ast_walk value_pre(struct ast_node **slot, void *arg)
{
    struct value_walk *w = arg;
    struct ast_node *n = *slot;
    enum session_value v;
    bool global;
    struct sv name;

    switch ((enum ast_kind)n->kind) {
    case AST_SELECT_ITEM:
        if (w->n_items == ITEM_DEPTH_MAX)
            return AST_ABORT;
        w->items[w->n_items] = AST_AS_CONST(select_item, n);
        w->touched[w->n_items++] = false;
        return AST_CONTINUE;
    case AST_INTO:
        return AST_PRUNE;
    case AST_ASSIGN:
        w->skip = AST_AS(assign, n)->var;
        return AST_CONTINUE;
    case AST_FUNC:
        note_function(w->o, AST_AS_CONST(func, n));
        break;
    default:
        break;
    }
    if (n == w->skip)
        return AST_PRUNE;
    if (!place_session_value(n, &v, &global, &name) || (v == SESSION_USER_VAR && assigned(w->o, name)))
        return AST_CONTINUE;
    edit_value(w, n, v, global, name);
    return AST_PRUNE;
}

/* A column's name that is the text of its expression: literals and blanks are in it, which other statements of the plan's digest have
 * otherwise. */
static void name_is_of_text(struct opt *o, const struct ast_select_item *it)
{
    uint32_t b = opt_token_at(o, it->expr_begin), e = opt_token_past(o, it->expr_end);

    for (uint32_t i = b; i < e; i++)
        if (lex_is_literal(o->tokens[i].kind) || (i > b && o->tokens[i].begin > o->tokens[i - 1].end))
            o->plan->uncacheable = true;
}

static enum ast_walk value_post(struct ast_node **slot, void *arg)
{
    struct value_walk *w = arg;
    const struct ast_select_item *it;
    struct opt *o = w->o;

    if ((*slot)->kind != AST_SELECT_ITEM)
        return AST_CONTINUE;
    it = w->items[--w->n_items];
    if (w->touched[w->n_items] && !ast_ident_set(&it->alias) && !w->in_do && it->expr_end > it->expr_begin) {
        uint32_t at = opt_token_past(o, it->expr_end);
        struct sv name = sv_make(o->text.ptr + it->expr_begin, it->expr_end - it->expr_begin);

        name.len = MIN(name.len, (size_t)64);
        name_is_of_text(o, it);
        opt_edit_add(o, (struct edit){.tok_begin = at, .tok_end = at, .kind = EDIT_TEXT,
            .prefix = alias_text(o, name)});
    }
    return AST_CONTINUE;
}

struct assign_walk {
    struct opt *o;
    struct sv *names;
    uint16_t n, cap;
};

static void assign_add(struct assign_walk *w, struct sv name)
{
    for (unsigned i = 0; i < w->n; i++)
        if (sv_eq_nocase(w->names[i], name))
            return;
    if (w->n == w->cap) {
        uint16_t cap = w->cap ? (uint16_t)(w->cap * 2) : 4;
        struct sv *grown = ARENA_NEW_N(w->o->arena, struct sv, cap);

        if (w->n)
            memcpy(grown, w->names, w->n * sizeof *grown);
        w->names = grown;
        w->cap = cap;
    }
    w->names[w->n++] = arena_dup(w->o->arena, name);
}

static enum ast_walk assign_pre(struct ast_node **slot, void *arg)
{
    if ((*slot)->kind == AST_ASSIGN && AST_AS(assign, *slot)->var->kind == AST_USERVAR)
        assign_add(arg, AST_AS_CONST(uservar, AST_AS(assign, *slot)->var)->name);
    return AST_CONTINUE;
}

/* SELECT ... INTO @a, @b: the clause is taken out, the row goes to the session. */
static bool edit_into(struct opt *o)
{
    const struct ast_query *q = (const struct ast_query *)(const void *)o->stmt;
    const struct ast_into *into;
    struct sv *names;
    uint32_t b, e;

    if (!ast_is_query(o->stmt) || !q->into)
        return true;
    into = AST_AS_CONST(into, q->into);
    if (into->target != AST_INTO_VARS)
        return opt_unsupported(o, "SELECT ... INTO %s", into->target == AST_INTO_OUTFILE ? "OUTFILE" : "DUMPFILE");
    if (!(o->env->supports & OPT_INTO_VARS))
        return opt_unsupported(o, "SELECT ... INTO @variable");
    names = ARENA_NEW_N(o->arena, struct sv, into->vars.n);
    for (unsigned i = 0; i < into->vars.n; i++) {
        if (into->vars.items[i]->kind != AST_USERVAR)
            return opt_unsupported(o, "SELECT ... INTO a variable of a stored program");
        names[i] = arena_dup(o->arena, AST_AS_CONST(uservar, into->vars.items[i])->name);
    }
    o->plan->into_vars = names;
    o->plan->n_into_vars = (uint16_t)into->vars.n;
    o->plan->into_behind = o->stmt->kind == AST_SELECT && AST_AS_CONST(select, o->stmt)->from &&
        AST_AS_CONST(select, o->stmt)->from->begin < into->node.begin;
    b = opt_token_at(o, into->node.begin);
    e = opt_token_past(o, into->node.end);
    opt_edit_add(o, (struct edit){.tok_begin = b, .tok_end = e, .kind = EDIT_TEXT});
    return true;
}

bool opt_edits_collect(struct opt *o)
{
    struct value_walk w = {.o = o, .in_do = o->stmt->kind == AST_DO};

    for (unsigned i = 0; i < o->binder.n_sources; i++)
        if (!edit_source(o, o->binder.sources[i]))
            return false;
    if (!edit_into(o))
        return false;
    if (o->plan->n_assigned_vars && !(o->env->supports & OPT_ASSIGNED_VARS))
        return opt_unsupported(o, "assignment of the user variable @%.*s inside a statement", SV_ARG(o->plan->assigned_vars[0]));
    if (!ast_walk(&o->stmt, value_pre, value_post, &w))
        return opt_unsupported(o, "select items nested more than %d deep", ITEM_DEPTH_MAX);
    /* The lock would be a pooled connection's: its next user could take it too, and it would outlive its client. */
    if (o->takes_lock)
        return opt_unsupported(o, "GET_LOCK");
    if (o->plan->sets_insert_id && !(o->env->supports & OPT_INSERT_ID))
        return opt_unsupported(o, "LAST_INSERT_ID(value) in a query");
    o->plan->uses_temporals_now = o->has_temporal_now;
    return true;
}

void opt_find_assigned(struct opt *o)
{
    struct assign_walk w = {o, NULL, 0, 0};

    ast_walk(&o->stmt, assign_pre, NULL, &w);
    o->plan->assigned_vars = o->placer.assigned = w.names;
    o->plan->n_assigned_vars = o->placer.n_assigned = w.n;
}

/* ---- qualifiers of a target without alias ---- */

struct qualifier_walk {
    struct opt *o;
    const struct source *target;
};

static bool from_has(const struct ast_node *n, struct sv name)
{
    if (!n)
        return false;
    if (n->kind == AST_JOIN)
        return from_has(AST_AS_CONST(join, n)->left, name) || from_has(AST_AS_CONST(join, n)->right, name);
    if (n->kind == AST_TABLE) {
        const struct ast_table *t = AST_AS_CONST(table, n);

        return sv_eq(ast_ident_set(&t->alias) ? t->alias.name : t->name.name, name);
    }
    return n->kind == AST_DERIVED && sv_eq(AST_AS_CONST(derived, n)->alias.name, name);
}

static enum ast_walk qualifier_pre(struct ast_node **slot, void *arg)
{
    struct qualifier_walk *w = arg;
    struct ast_node *n = *slot;
    const struct ast_ident *tbl;
    uint32_t at;

    /* A query that has a table of that name hides the target. */
    if (n->kind == AST_SELECT && from_has(AST_AS(select, n)->from, w->target->name))
        return AST_PRUNE;
    if (n->kind != AST_COLUMN && n->kind != AST_STAR)
        return AST_CONTINUE;
    tbl = n->kind == AST_COLUMN ? &AST_AS(column, n)->tbl : &AST_AS(star, n)->tbl;
    if (!ast_ident_set(tbl) || !sv_eq(tbl->name, w->target->name) || tbl->begin == tbl->end)
        return AST_CONTINUE;
    at = opt_token_at(w->o, tbl->begin);
    opt_edit_add(w->o, (struct edit){.tok_begin = at, .tok_end = at + 1, .kind = EDIT_TABLE,
        .table = w->target->table});
    return AST_CONTINUE;
}

void opt_edits_qualifiers(struct opt *o, struct ast_node *root, const struct source *target)
{
    struct qualifier_walk w = {o, target};

    if (!target->table || !optcat_renamed(target->table) || ast_ident_set(&AST_AS_CONST(table, target->node)->alias))
        return;
    ast_walk(&root, qualifier_pre, NULL, &w);
}

bool opt_name_of_item(const struct opt *o, const struct ast_select_item *it, struct sv *name)
{
    enum { NAME_MAX_BYTES = 255 };

    if (ast_ident_set(&it->alias) || it->expr->kind == AST_COLUMN || it->expr->kind == AST_STAR || it->expr->kind == AST_LIT ||
        it->expr->kind == AST_PARAM || it->expr_end <= it->expr_begin || it->expr_end - it->expr_begin > NAME_MAX_BYTES)
        return false;
    *name = sv_make(o->text.ptr + it->expr_begin, it->expr_end - it->expr_begin);
    return true;
}

void opt_edits_names(struct opt *o, const struct ast_list *items)
{
    AST_EACH(slot, items)
    {
        const struct ast_select_item *it = AST_AS_CONST(select_item, *slot);
        uint32_t at = opt_token_past(o, it->expr_end);
        struct sv name;

        if (!opt_name_of_item(o, it, &name))
            continue;
        o->plan->uncacheable = true; /* another text of the same digest has another name there */
        opt_edit_add(o, (struct edit){.tok_begin = at, .tok_end = at, .kind = EDIT_TEXT, .prefix = alias_text(o, name)});
    }
}

/* ---- the end ---- */

/* By place; at one place insertions first (a table's alias in front of what follows). Equal ones come from CTEs that are used twice. */
static int edit_order(const struct edit *a, const struct edit *b)
{
    if (a->tok_begin != b->tok_begin)
        return a->tok_begin < b->tok_begin ? -1 : 1;
    return a->tok_end == b->tok_end ? 0 : a->tok_end < b->tok_end ? -1 : 1;
}

void opt_edits_finish(struct opt *o)
{
    struct edit_list *l = &o->edits;
    uint32_t n = 0;

    /* Insertion sort: few, and nearly sorted. */
    for (uint32_t i = 1; i < l->n; i++) {
        struct edit e = l->items[i];
        uint32_t k = i;

        for (; k > 0 && edit_order(&e, &l->items[k - 1]) < 0; k--)
            l->items[k] = l->items[k - 1];
        l->items[k] = e;
    }
    for (uint32_t i = 0; i < l->n; i++)
        if (n == 0 || edit_order(&l->items[n - 1], &l->items[i]) != 0 || l->items[i].kind != l->items[n - 1].kind)
            l->items[n++] = l->items[i];
    l->n = n;
    if (n) {
        struct edit *e = ARENA_NEW_N(o->arena, struct edit, n);

        memcpy(e, l->items, n * sizeof *e);
        o->plan->edits = e;
        o->plan->n_edits = n;
    }
}
