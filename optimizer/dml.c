/* UPDATE and DELETE.
 *
 * One place: spliced like a query. Several places: the whole statement goes to each (a row to be changed is at exactly one of them,
 * because the block is pushable), counts are added. LIMIT would change that many rows at each place: refused there.
 * BROADCAST targets: the same statement on all shards, so it must say the same on all: read nothing but copies and call nothing
 * that differs. A partition column that is set may move rows: PLAN_MOVE. */
#include "optimizer/opt-int.h"

enum { TARGETS_MAX = 64 };

struct dml {
    struct opt *o;
    struct block *bl;
    const struct source *targets[TARGETS_MAX];
    unsigned n_targets;
    const struct ast_list *order;
    const struct ast_node *limit;
    struct ast_node *single, *where, *limit_node; /* of a statement of one table without WITH; single NULL: another one */
    const char *verb;
};

static bool add_target(struct dml *m, const struct source *s)
{
    for (unsigned i = 0; i < m->n_targets; i++)
        if (m->targets[i] == s)
            return true;
    if (m->n_targets == TARGETS_MAX)
        return opt_unsupported(m->o, "%s of more than %d tables at once", m->verb, TARGETS_MAX);
    m->targets[m->n_targets++] = s;
    return true;
}

static void whole_fragment(struct opt *o)
{
    struct tmpl t;

    tmpl_init(&t, o);
    tmpl_rest(&t, 0);
    o->plan->fragment = tmpl_finish(&t);
}

/* All sources are copies: what the statement does is the same on every shard. */
static bool plan_broadcast(struct dml *m)
{
    struct opt *o = m->o;

    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];

        if (s->kind == SRC_TABLE && s->table->kind != CAT_BROADCAST)
            return opt_unsupported(o, "%s of the BROADCAST table `%.*s` that reads `%.*s`, which is not on every shard", m->verb,
                SV_ARG(m->targets[0]->table->name), SV_ARG(s->table->name));
        if (s->kind == SRC_SYSTEM)
            return opt_unsupported(o, "%s of a BROADCAST table that reads the system table `%.*s`", m->verb, SV_ARG(s->name));
    }
    if (o->has_unstable)
        return opt_unsupported(o, "%.*s() in a write of the BROADCAST table `%.*s`: it gives another value on each shard",
            SV_ARG(o->unstable_name), SV_ARG(m->targets[0]->table->name));
    if (o->plan->n_assigned_vars)
        return opt_unsupported(o, "assignment of user variables (:=) in a write of a BROADCAST table");
    if (m->limit && !m->order->n)
        return opt_unsupported(o, "%s of a BROADCAST table with LIMIT and without ORDER BY", m->verb);
    o->plan->route.kind = ROUTE_ALL_SHARDS;
    o->plan->route.table = m->targets[0]->table;
    whole_fragment(o);
    return true;
}

static bool plan_several(struct dml *m, const struct dist *d)
{
    struct opt *o = m->o;
    bool keyed = m->limit || (o->plan->returns_rows && m->order->n), ok;

    opt_route_cond(o->plan, place_block_cond(&o->placer, m->bl, d));
    if (o->plan->n_assigned_vars) {
        opt_refuse(o, o->plan, arena_printf(o->scratch, "%s that assigns user variables (:=) over several places", m->verb));
        o->plan->route.one_place = true;
        return true;
    }
    if (!keyed) {
        whole_fragment(o);
        return true;
    }
    if (m->bl->n_sources != 1 || !m->single) {
        opt_refuse(o, o->plan, arena_printf(o->scratch, "%s of several tables with LIMIT over several places", m->verb));
        ok = false;
    } else {
        ok = opt_plan_keyed(o, m->bl, &(struct keyed_stmt){m->verb, m->single, m->where, m->limit_node, m->order});
    }
    o->plan->route.one_place = !ok;
    return ok || !diag_is_set(o->diag);
}

/* Route, and fragment for several places. */
static bool plan_places(struct dml *m)
{
    struct opt *o = m->o;
    struct whole w = opt_whole(o);
    bool copies = false;

    for (unsigned i = 0; i < m->n_targets; i++) {
        const struct source *s = m->targets[i];

        if (s->kind == SRC_DERIVED || s->kind == SRC_FUNCTION || s->kind == SRC_RECURSIVE)
            return diag_setf(o->diag, ER_NON_UPDATABLE_TABLE, "The target table %.*s of the %s is not updatable", SV_ARG(s->name),
                m->verb);
        if (s->kind == SRC_SYSTEM)
            return opt_unsupported(o, "%s of the system table `%.*s`", m->verb, SV_ARG(s->name));
        copies |= s->table->kind == CAT_BROADCAST;
    }
    if (copies)
        return plan_broadcast(m);
    if (w.why.ptr) {
        struct dist d = place_block(&o->placer, m->bl);

        return opt_unsupported(o, "%s: %.*s", m->verb, SV_ARG(d.kind == DIST_NO ? d.reason : w.why));
    }
    opt_route_simple(o, &w);
    if (w.part) {
        struct dist d = place_block(&o->placer, m->bl);

        if (d.kind == DIST_PART) {
            return plan_several(m, &d);
        } else {
            opt_refuse(o, o->plan, d.kind == DIST_NO ? d.reason : SV("a partitioned table in a WITH clause only"));
            opt_route_cond(o->plan, place_any_cond(&o->placer, NULL));
            o->plan->route.one_place = true;
        }
    }
    return true;
}

/* ---- UPDATE ---- */

static bool is_partition_column(const struct colref c)
{
    const struct cat_table *t = c.src->table;

    for (uint32_t k = 0; optcat_is_partitioned(t) && k < t->part.columns_n; k++)
        if (t->part.columns[k] == c.col)
            return true;
    return false;
}

/* Columns that change by themselves when a row does. */
static bool has_on_update(const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->columns_n; i++)
        if (t->columns[i].on_update.len)
            return true;
    return false;
}

/* A partition column that is not assigned, but changes with the row. */
static bool follows(const struct cat_table *t, uint32_t k, const struct colref *cols, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if (cols[i].src->table == t && cols[i].col == t->part.columns[k])
            return false;
    return t->columns[t->part.columns[k]].on_update.len > 0;
}

static bool any_follows(const struct cat_table *t, const struct colref *cols, unsigned n)
{
    for (uint32_t k = 0; optcat_is_partitioned(t) && k < t->part.columns_n; k++)
        if (follows(t, k, cols, n))
            return true;
    return false;
}

struct uses_walk {
    const struct block *bl;
    const struct colref *assigned;
    unsigned n;
};

static enum ast_walk uses_pre(struct ast_node **slot, void *arg)
{
    struct uses_walk *w = arg;
    struct colref c;

    if (ast_is_query(*slot))
        return AST_PRUNE;
    if (!bind_column_of(w->bl, *slot, &c))
        return AST_CONTINUE;
    for (unsigned i = 0; i < w->n; i++)
        if (colref_eq(c, w->assigned[i]))
            return AST_ABORT;
    return AST_CONTINUE;
}

/* The row, the new values that are needed, what the text of the row does not say. */
static bool move_columns(struct dml *m, const struct ast_update *u, const struct colref *cols, struct move_plan *mv, struct tmpl *t)
{
    const struct source *s = cols[0].src;
    uint16_t *assigned = ARENA_NEW_N(m->o->arena, uint16_t, u->set.n + s->table->part.columns_n);

    mv->n_assigned = mv->n_checks = 0;
    mv->assigned = assigned;
    for (uint32_t i = 0; i < s->table->columns_n; i++) {
        tmpl_puts(t, i ? ", " : "SELECT ");
        opt_put_column(t, s, &s->table->columns[i]);
    }
    for (unsigned i = 0; i < u->set.n; i++) {
        struct ast_node *v = AST_AS(assignment, u->set.items[i])->value;
        struct uses_walk w = {m->bl, cols, i};

        if (!mv->frozen && !is_partition_column(cols[i]))
            continue;
        if (!ast_walk(&v, uses_pre, NULL, &w)) {
            opt_refuse(m->o, m->o->plan, SV("UPDATE of a partition column where a value uses a column that the same statement set before it"));
            return false;
        }
        assigned[mv->n_assigned++] = cols[i].col;
        tmpl_puts(t, ", ");
        if (v->kind == AST_DEFAULT && !AST_AS(default, v)->column) {
            tmpl_puts(t, "DEFAULT(");
            tmpl_ident(t, s->table->columns[cols[i].col].name);
            tmpl_puts(t, ")");
        } else {
            tmpl_node(t, v);
        }
    }
    mv->n_written = mv->n_assigned;
    for (uint32_t k = 0; k < s->table->part.columns_n; k++)
        if (follows(s->table, k, cols, u->set.n)) {
            assigned[mv->n_assigned++] = (uint16_t)s->table->part.columns[k];
            tmpl_puts(t, ", ");
            tmpl_puts(t, arena_dup(m->o->arena, s->table->columns[s->table->part.columns[k]].on_update).ptr);
        }
    for (uint32_t i = 0; i < s->table->columns_n; i++)
        if (opt_exact_form(&s->table->columns[i]) != EXACT_TEXT) {
            tmpl_puts(t, ", ");
            opt_put_exact(t, s, &s->table->columns[i]);
        }
    for (uint32_t i = 0; i < s->table->columns_n; i++)
        if (s->table->columns[i].type.code == TYPE_JSON && m->o->env->flavour != ENV_MARIADB) {
            mv->n_checks++;
            tmpl_puts(t, ", ");
            opt_put_json_check(t, s, &s->table->columns[i]);
        }
    tmpl_puts(t, " FROM ");
    tmpl_node(t, u->table);
    return true;
}

static void move_order(const struct ast_update *u, struct tmpl *t)
{
    for (unsigned i = 0; i < u->order.n; i++) {
        tmpl_puts(t, i ? ", " : " ORDER BY ");
        tmpl_node(t, u->order.items[i]);
    }
}

/* The rows under lock: by the statement's own clauses, and by keys that were read first. */
static bool move_select(struct dml *m, const struct ast_update *u, const struct colref *cols, struct move_plan *mv)
{
    struct tmpl t;

    tmpl_init(&t, m->o);
    if (!move_columns(m, u, cols, mv, &t))
        return false;
    if (u->where) {
        tmpl_puts(&t, " WHERE ");
        tmpl_node(&t, u->where);
    }
    move_order(u, &t);
    if (u->limit) {
        /* The clause begins with its keyword. */
        tmpl_puts(&t, " LIMIT ");
        tmpl_node(&t, AST_AS_CONST(limit, u->limit)->count);
    }
    tmpl_puts(&t, " FOR UPDATE");
    mv->select = tmpl_finish(&t);
    if (!m->o->plan->keyed)
        return true;
    tmpl_init(&t, m->o);
    if (!move_columns(m, u, cols, mv, &t))
        return false;
    mv->keyed_select = tmpl_finish(&t);
    tmpl_init(&t, m->o);
    move_order(u, &t);
    tmpl_puts(&t, " FOR UPDATE");
    mv->keyed_tail = tmpl_finish(&t);
    return true;
}

static const struct rvalue *const *new_keys(struct dml *m, const struct ast_update *u, const struct colref *cols)
{
    const struct cat_table *t = cols[0].src->table;
    const struct rvalue **keys = ARENA_NEW_N(m->o->arena, const struct rvalue *, t->part.columns_n);

    for (uint32_t k = 0; k < t->part.columns_n; k++)
        for (unsigned i = 0; i < u->set.n; i++)
            if (cols[i].col == t->part.columns[k])
                keys[k] = place_rvalue(&m->o->placer, AST_AS_CONST(assignment, u->set.items[i])->value);
    return keys;
}

/* Some partition column is assigned: rows may have to move. */
static bool plan_move(struct dml *m, const struct ast_update *u, const struct colref *cols)
{
    struct opt *o = m->o;
    struct move_plan *mv = ARENA_NEW(o->arena, struct move_plan);
    struct tmpl t;

    o->plan->kind = PLAN_MOVE;
    if (u->with || m->n_targets != 1 || u->table->kind != AST_TABLE)
        return opt_unsupported(o, "UPDATE of partition columns of `%.*s` in a statement over several tables",
            SV_ARG(m->targets[0]->table->name));
    if (o->plan->n_assigned_vars)
        return opt_unsupported(o, "UPDATE of partition columns that assigns user variables (:=)");
    mv->table = m->targets[0]->table;
    mv->ignore = u->ignore;
    mv->frozen = o->has_unstable || any_follows(mv->table, cols, u->set.n);
    mv->ordered = u->order.n > 0;
    for (unsigned i = 0; i < u->set.n; i++)
        mv->divides |= opt_divides(u->set.items[i]);
    mv->n_key_cols = opt_row_key_cols(o, mv->table, &mv->key_cols);
    tmpl_init(&t, o);
    tmpl_tokens(&t, 0, opt_clause_at(o, 0, K_WHERE, K_ORDER, K_LIMIT));
    mv->update = tmpl_finish(&t);
    tmpl_init(&t, o);
    move_order(u, &t);
    mv->order = tmpl_finish(&t);
    mv->new_keys = new_keys(m, u, cols);
    if (!move_select(m, u, cols, mv)) {
        *o->diag = o->plan->refusal;
        return false;
    }
    o->plan->move = mv;
    return true;
}

bool opt_plan_update(struct opt *o)
{
    struct ast_update *u = AST_AS(update, o->stmt);
    const struct ast_list *exprs[2] = {&u->set, &u->order};
    struct dml m = {.o = o, .order = &u->order, .limit = u->limit, .verb = "UPDATE"};
    struct colref *cols = ARENA_NEW_N(o->scratch, struct colref, u->set.n ? u->set.n : 1);
    bool moves = false;

    if (u->table->kind == AST_TABLE && !u->with)
        m.single = u->table;
    m.where = u->where;
    m.limit_node = u->limit;
    o->plan->kind = PLAN_UPDATE;
    m.bl = bind_dml(&o->binder, o->stmt, u->with, u->table, u->where, exprs, ARRAY_LEN(exprs));
    if (!m.bl || !opt_edits_collect(o))
        return false;
    opt_edits_finish(o);
    for (unsigned i = 0; i < u->set.n; i++) {
        const struct ast_assignment *a = AST_AS_CONST(assignment, u->set.items[i]);
        struct colref same;

        if (!bind_column_of(m.bl, a->target, &cols[i])) {
            const struct ast_column *c = AST_AS_CONST(column, a->target);
            struct colref c2;

            if (bind_resolve(m.bl, c, &c2) == RESOLVE_AMBIGUOUS)
                return diag_setf(o->diag, ER_NON_UNIQ_ERROR, "Column '%.*s' in field list is ambiguous", SV_ARG(c->name.name));
            return diag_setf(o->diag, ER_BAD_FIELD_ERROR, "Unknown column '%.*s%s%.*s' in '%s'", SV_ARG(c->tbl.name),
                c->tbl.name.ptr ? "." : "", SV_ARG(c->name.name), o->env->flavour == ENV_MARIADB ? "SET" : "field list");
        }
        if (!add_target(&m, cols[i].src))
            return false;
        if (cols[i].src->kind == SRC_TABLE && is_partition_column(cols[i]) &&
            !(bind_column_of(m.bl, a->value, &same) && colref_eq(same, cols[i])))
            moves = true;
    }
    for (unsigned i = 0; i < m.n_targets; i++) {
        const struct cat_table *t = m.targets[i]->table;

        if (!t || !has_on_update(t))
            continue;
        o->plan->uses_temporals_now = true;
        moves |= any_follows(t, cols, u->set.n);
    }
    if (!plan_places(&m))
        return false;
    return !moves || plan_move(&m, u, cols);
}

/* ---- DELETE ---- */

/* A target of the multi-table forms is a source's alias or name; `db.` in front of it must go once the table has an alias. */
static bool find_target(struct dml *m, const struct ast_node *n)
{
    const struct ast_table *t = AST_AS_CONST(table, n);
    struct opt *o = m->o;

    for (unsigned i = 0; i < m->bl->n_sources; i++) {
        const struct source *s = m->bl->sources[i];

        if (!sv_eq(s->name, t->name.name) || (ast_ident_set(&t->db) && !sv_eq(s->db, t->db.name)))
            continue;
        if (ast_ident_set(&t->db) && s->table && optcat_renamed(s->table)) {
            struct strbuf b;

            strbuf_init(&b, o->arena);
            strbuf_put_ident(&b, s->name);
            opt_edit_add(o, (struct edit){.kind = EDIT_TEXT, .tok_begin = opt_token_at(o, t->db.begin),
                .tok_end = opt_token_past(o, t->name.end), .prefix = strbuf_sv(&b)});
        }
        return add_target(m, s);
    }
    return diag_setf(o->diag, ER_UNKNOWN_TABLE, "Unknown table '%.*s' in MULTI DELETE", SV_ARG(t->name.name));
}

bool opt_plan_delete(struct opt *o)
{
    struct ast_delete *d = AST_AS(delete, o->stmt);
    const struct ast_list *exprs[2] = {&d->order, &d->returning};
    struct dml m = {.o = o, .order = &d->order, .limit = d->limit, .verb = "DELETE"};

    if (d->form == AST_DELETE_SINGLE && !d->with)
        m.single = d->from;
    m.where = d->where;
    m.limit_node = d->limit;
    o->plan->kind = PLAN_DELETE;
    o->plan->returns_rows = d->returning.n > 0;
    m.bl = bind_dml(&o->binder, o->stmt, d->with, d->from, d->where, exprs, ARRAY_LEN(exprs));
    if (!m.bl || !opt_edits_collect(o))
        return false;
    if (d->form == AST_DELETE_SINGLE || d->form == AST_DELETE_HISTORY) {
        if (!add_target(&m, m.bl->sources[0]))
            return false;
        if (o->env->flavour == ENV_MARIADB)
            opt_edits_qualifiers(o, o->stmt, m.bl->sources[0]);
        opt_edits_names(o, &d->returning);
    } else {
        AST_EACH(slot, &d->targets)
        if (!find_target(&m, *slot))
            return false;
    }
    opt_edits_finish(o);
    return plan_places(&m);
}
