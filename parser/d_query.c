/* Deparser: queries, table references, DML. */
#include "parser/d-int.h"

/* ---- table references ---- */

static void period_point(struct dep *d, enum ast_period_unit unit, const struct ast_node *n)
{
    put_if(d, unit == AST_PERIOD_UNIT_TIMESTAMP, "TIMESTAMP ");
    put_if(d, unit == AST_PERIOD_UNIT_TRANSACTION, "TRANSACTION ");
    put_expr(d, n, PREC_BIT_OR);
}

static void period(struct dep *d, const struct ast_period *p)
{
    switch (p->type) {
    case AST_PERIOD_AS_OF:
        put(d, " FOR SYSTEM_TIME AS OF ");
        period_point(d, p->unit, p->from);
        break;
    case AST_PERIOD_BETWEEN:
    case AST_PERIOD_FROM_TO:
        put(d, p->type == AST_PERIOD_BETWEEN ? " FOR SYSTEM_TIME BETWEEN " : " FOR SYSTEM_TIME FROM ");
        period_point(d, p->unit, p->from);
        put(d, p->type == AST_PERIOD_BETWEEN ? " AND " : " TO ");
        period_point(d, p->to_unit, p->to);
        break;
    case AST_PERIOD_ALL:
        put(d, " FOR SYSTEM_TIME ALL");
        break;
    case AST_PERIOD_BEFORE:
        put(d, " BEFORE SYSTEM_TIME ");
        period_point(d, p->unit, p->from);
        break;
    case AST_PERIOD_PORTION:
        put(d, " FOR PORTION OF ");
        put_name(d, &p->name);
        put(d, " FROM ");
        put_expr(d, p->from, PREC_BIT_OR);
        put(d, " TO ");
        put_expr(d, p->to, PREC_BIT_OR);
        break;
    }
}

static void table_name(struct dep *d, const struct ast_table *t, bool *renamed)
{
    struct deparse_table to = {SV_NULL, SV_NULL, false};

    *renamed = false;
    if (d->o->table && d->o->table(t, &to, d->o->arg)) {
        struct ast_ident db = ast_ident_make(to.db), name = ast_ident_make(to.name);

        put_path(d, NULL, &db, &name);
        *renamed = !to.no_alias && !sv_eq(to.name, t->name.name);
        return;
    }
    put_path(d, NULL, &t->db, &t->name);
}

void put_table(struct dep *d, const struct ast_table *t, bool can_alias)
{
    bool renamed;

    table_name(d, t, &renamed);
    if (t->partitions.n && !(can_alias && t->star)) {
        put(d, " PARTITION ");
        put_names(d, &t->partitions);
    }
    if (t->period)
        period(d, AST_AS_CONST(period, t->period));
    if (ast_ident_set(&t->alias)) {
        put(d, " AS ");
        put_name(d, &t->alias);
    } else if (renamed && can_alias) {
        put(d, " AS ");
        put_name(d, &t->name);
    }
    AST_EACH(h, &t->index_hints)
    {
        put(d, " ");
        put_node(d, *h);
    }
    put_if(d, t->star, ".*");
}

static void index_hint(struct dep *d, const struct ast_index_hint *h)
{
    static const char *const actions[] = {"USE INDEX", "FORCE INDEX", "IGNORE INDEX"};
    static const char *const scopes[] = {"", " FOR JOIN", " FOR ORDER BY", " FOR GROUP BY"};

    put(d, actions[h->action]);
    put(d, scopes[h->scope]);
    put(d, " ");
    put_names(d, &h->names);
}

/* An operand of a join. */
static void join_side(struct dep *d, const struct ast_node *n, bool paren)
{
    put_if(d, paren, "(");
    put_node(d, n);
    put_if(d, paren, ")");
}

static void join(struct dep *d, const struct ast_join *j)
{
    static const char *const words[] = {", ", "JOIN ", "CROSS JOIN ", "STRAIGHT_JOIN ", "LEFT JOIN ", "RIGHT JOIN "};
    bool comma = j->type == AST_JOIN_COMMA;
    bool left_comma = j->left->kind == AST_JOIN && AST_AS_CONST(join, j->left)->type == AST_JOIN_COMMA;
    bool right_comma = j->right->kind == AST_JOIN && AST_AS_CONST(join, j->right)->type == AST_JOIN_COMMA;

    join_side(d, j->left, !comma && left_comma);
    put_if(d, !comma, " ");
    put_if(d, j->natural, "NATURAL ");
    put(d, words[j->type]);
    join_side(d, j->right, comma ? right_comma : j->right->kind == AST_JOIN);
    put_opt(d, " ON ", j->on);
    if (j->using.n) {
        put(d, " USING ");
        put_names(d, &j->using);
    }
}

static void derived(struct dep *d, const struct ast_derived *t)
{
    put(d, t->lateral ? "LATERAL (" : "(");
    put_node(d, t->query);
    put(d, ")");
    if (t->period)
        period(d, AST_AS_CONST(period, t->period));
    if (ast_ident_set(&t->alias)) {
        put(d, " AS ");
        put_name(d, &t->alias);
    }
    if (t->columns.n) {
        put(d, " ");
        put_names(d, &t->columns);
    }
}

static void jt_columns(struct dep *d, const struct ast_list *l)
{
    put_opt_list(d, "COLUMNS (", l);
    put(d, ")");
}

static void jt_column(struct dep *d, const struct ast_jt_column *c)
{
    if (c->column == AST_JT_NESTED) {
        put_opt(d, "NESTED PATH ", c->path);
        put(d, " ");
        jt_columns(d, &c->columns);
        return;
    }
    put_name(d, &c->name);
    if (c->column == AST_JT_ORDINALITY) {
        put(d, " FOR ORDINALITY");
        return;
    }
    put_opt(d, " ", c->type);
    put(d, c->column == AST_JT_EXISTS ? " EXISTS PATH " : " PATH ");
    put_node(d, c->path);
    put_opt(d, " ", c->on_empty);
    put_if(d, c->on_empty != NULL, " ON EMPTY");
    put_opt(d, " ", c->on_error);
    put_if(d, c->on_error != NULL, " ON ERROR");
}

static void json_table(struct dep *d, const struct ast_json_table *j)
{
    put_opt(d, "JSON_TABLE(", j->expr);
    put_opt(d, ", ", j->path);
    put(d, " ");
    jt_columns(d, &j->columns);
    put(d, ") AS ");
    put_name(d, &j->alias);
}

/* ---- queries ---- */

static void select_opts(struct dep *d, int64_t opts)
{
    put_if(d, opts & AST_SEL_ALL, " ALL");
    put_if(d, opts & AST_SEL_DISTINCT, " DISTINCT");
    put_if(d, opts & AST_SEL_HIGH_PRIORITY, " HIGH_PRIORITY");
    put_if(d, opts & AST_SEL_STRAIGHT_JOIN, " STRAIGHT_JOIN");
    put_if(d, opts & AST_SEL_SMALL_RESULT, " SQL_SMALL_RESULT");
    put_if(d, opts & AST_SEL_BIG_RESULT, " SQL_BIG_RESULT");
    put_if(d, opts & AST_SEL_BUFFER_RESULT, " SQL_BUFFER_RESULT");
    put_if(d, opts & AST_SEL_CACHE, " SQL_CACHE");
    put_if(d, opts & AST_SEL_NO_CACHE, " SQL_NO_CACHE");
    put_if(d, opts & AST_SEL_CALC_FOUND_ROWS, " SQL_CALC_FOUND_ROWS");
}

static void hints(struct dep *d, struct sv text)
{
    if (text.ptr) {
        put(d, " /*+");
        put_sv(d, text);
        put(d, "*/");
    }
}

static void group_by(struct dep *d, const struct ast_select *s)
{
    if (!s->group.n)
        return;
    put(d, " GROUP BY ");
    put_if(d, s->grouping == AST_GROUP_ROLLUP, "ROLLUP (");
    put_if(d, s->grouping == AST_GROUP_CUBE, "CUBE (");
    put_list(d, &s->group, ", ");
    put_if(d, s->grouping == AST_GROUP_ROLLUP || s->grouping == AST_GROUP_CUBE, ")");
    put_if(d, s->grouping == AST_GROUP_WITH_ROLLUP, " WITH ROLLUP");
    put_if(d, s->grouping == AST_GROUP_WITH_CUBE, " WITH CUBE");
}

static void select_body(struct dep *d, const struct ast_select *s)
{
    put(d, "SELECT");
    hints(d, s->hints);
    select_opts(d, s->opts);
    put_opt_list(d, " ", &s->items);
    put_if(d, s->dual, " FROM DUAL");
    put_opt(d, " FROM ", s->from);
    put_opt(d, " WHERE ", s->where);
    group_by(d, s);
    put_opt(d, " HAVING ", s->having);
    put_opt_list(d, " WINDOW ", &s->windows);
    put_opt(d, " QUALIFY ", s->qualify);
}

static bool has_tail(const struct ast_node *n)
{
    const struct ast_query *q = (const struct ast_query *)(const void *)n;

    return q->order.n || q->limit || q->into || q->locks.n || q->with ||
           (n->kind == AST_SELECT && AST_AS_CONST(select, n)->procedure);
}

/* An operand of a set operation. */
static void operand(struct dep *d, const struct ast_node *n, const struct ast_setop *parent, bool right)
{
    bool paren = ast_is_query(n) && (has_tail(n) || n->kind == AST_PARENQ);

    if (n->kind == AST_SETOP && !paren) {
        bool tight = AST_AS_CONST(setop, n)->op == AST_INTERSECT, parent_tight = parent->op == AST_INTERSECT;

        paren = right ? !tight || parent_tight : !tight && parent_tight;
    }
    put_if(d, paren, "(");
    put_node(d, n);
    put_if(d, paren, ")");
}

static void setop(struct dep *d, const struct ast_setop *n)
{
    static const char *const words[] = {" UNION ", " EXCEPT ", " INTERSECT "};

    operand(d, n->left, n, false);
    put(d, words[n->op]);
    put_if(d, n->all, "ALL ");
    operand(d, n->right, n, true);
}

static void query(struct dep *d, const struct ast_node *n)
{
    const struct ast_query *q = (const struct ast_query *)(const void *)n;

    put_opt(d, "", q->with);
    put_if(d, q->with != NULL, " ");
    switch (n->kind) {
    case AST_SELECT:
        select_body(d, AST_AS_CONST(select, n));
        break;
    case AST_VALUES:
        put_opt_list(d, "VALUES ", &AST_AS_CONST(values, n)->rows);
        break;
    case AST_TABLE_QUERY:
        put(d, "TABLE ");
        put_table(d, AST_AS_CONST(table, AST_AS_CONST(table_query, n)->table), false);
        break;
    case AST_SETOP:
        setop(d, AST_AS_CONST(setop, n));
        break;
    default:
        put_opt(d, "(", AST_AS_CONST(parenq, n)->query);
        put(d, ")");
        break;
    }
    put_opt_list(d, " ORDER BY ", &q->order);
    put_opt(d, " ", q->limit);
    if (n->kind == AST_SELECT)
        put_opt(d, " PROCEDURE ", AST_AS_CONST(select, n)->procedure);
    put_opt(d, " ", q->into);
    AST_EACH(l, &q->locks)
    {
        put(d, " ");
        put_node(d, *l);
    }
}

static void cte(struct dep *d, const struct ast_cte *c)
{
    put_name(d, &c->name);
    if (c->columns.n) {
        put(d, " ");
        put_names(d, &c->columns);
    }
    put_opt(d, " AS (", c->query);
    put(d, ")");
    if (c->cycle.n) {
        put(d, " CYCLE ");
        put_names_bare(d, &c->cycle);
        put(d, " RESTRICT");
    }
}

static void limit(struct dep *d, const struct ast_limit *l)
{
    if (l->fetch) {
        if (l->offset) {
            put_opt(d, "OFFSET ", l->offset);
            put(d, " ROWS");
        }
        if (l->count || l->with_ties || !l->offset) {
            put(d, l->offset ? " FETCH FIRST " : "FETCH FIRST ");
            put_opt(d, "", l->count);
            put(d, l->count ? " ROWS" : "ROWS");
            put(d, l->with_ties ? " WITH TIES" : " ONLY");
        }
        return;
    }
    put(d, "LIMIT");
    if (l->offset && l->count && l->offset->kind == AST_PARAM && l->count->kind == AST_PARAM &&
        AST_AS_CONST(param, l->offset)->ordinal < AST_AS_CONST(param, l->count)->ordinal) {
        /* Parameters are bound by position. */
        put_opt(d, " ", l->offset);
        put_opt(d, ", ", l->count);
    } else {
        put_opt(d, " ", l->count);
        put_opt(d, " OFFSET ", l->offset);
    }
    put_opt(d, " ROWS EXAMINED ", l->rows_examined);
}

void put_data_format(struct dep *d, const struct ast_node *n)
{
    const struct ast_data_format *f = AST_AS_CONST(data_format, n);

    put_if(d, f->terminated || f->enclosed || f->escaped, " FIELDS");
    put_opt(d, " TERMINATED BY ", f->terminated);
    put_opt(d, f->optionally ? " OPTIONALLY ENCLOSED BY " : " ENCLOSED BY ", f->enclosed);
    put_opt(d, " ESCAPED BY ", f->escaped);
    put_if(d, f->lines_starting || f->lines_terminated, " LINES");
    put_opt(d, " STARTING BY ", f->lines_starting);
    put_opt(d, " TERMINATED BY ", f->lines_terminated);
}

static void charset_clause(struct dep *d, struct sv cs)
{
    if (cs.ptr) {
        put(d, " CHARACTER SET ");
        put_charset(d, cs);
    }
}

static void into(struct dep *d, const struct ast_into *n)
{
    static const char *const words[] = {"INTO OUTFILE ", "INTO DUMPFILE ", "INTO "};

    put(d, words[n->target]);
    put_opt(d, "", n->file);
    charset_clause(d, n->charset);
    if (n->format)
        put_data_format(d, n->format);
    put_list(d, &n->vars, ", ");
}

static void locking(struct dep *d, const struct ast_locking *n)
{
    static const char *const words[] = {"FOR UPDATE", "FOR SHARE", "LOCK IN SHARE MODE"};

    put(d, words[n->strength]);
    if (n->tables.n) {
        put(d, " OF ");
        for (uint32_t i = 0; i < n->tables.n; i++) {
            const struct ast_table *t = AST_AS_CONST(table, n->tables.items[i]);

            put_if(d, i > 0, ", ");
            put_path(d, NULL, &t->db, &t->name); /* an alias: not mapped */
        }
    }
    put_if(d, n->wait == AST_WAIT_NOWAIT, " NOWAIT");
    put_if(d, n->wait == AST_WAIT_SKIP_LOCKED, " SKIP LOCKED");
    put_opt(d, " WAIT ", n->seconds);
}

static void bound(struct dep *d, const struct ast_bound *b)
{
    static const char *const words[] = {"UNBOUNDED PRECEDING", " PRECEDING", "CURRENT ROW", " FOLLOWING",
                                        "UNBOUNDED FOLLOWING"};

    put_opt(d, "", b->value);
    put(d, words[b->type]);
}

static void frame(struct dep *d, const struct ast_frame *f)
{
    static const char *const units[] = {"ROWS ", "RANGE ", "GROUPS "};
    static const char *const excludes[] = {"", " EXCLUDE CURRENT ROW", " EXCLUDE GROUP", " EXCLUDE TIES",
                                           " EXCLUDE NO OTHERS"};

    put(d, units[f->unit]);
    put_opt(d, f->stop ? "BETWEEN " : "", f->start);
    put_opt(d, " AND ", f->stop);
    put(d, excludes[f->exclude]);
}

static void window_spec(struct dep *d, const struct ast_window_spec *w)
{
    const char *sep = "";

    if (w->name_only) {
        put_name(d, &w->ref);
        return;
    }
    put(d, "(");
    if (ast_ident_set(&w->ref)) {
        put_name(d, &w->ref);
        sep = " ";
    }
    if (w->partition.n) {
        put(d, sep);
        put_opt_list(d, "PARTITION BY ", &w->partition);
        sep = " ";
    }
    if (w->order.n) {
        put(d, sep);
        put_opt_list(d, "ORDER BY ", &w->order);
        sep = " ";
    }
    put_opt(d, sep, w->frame);
    put(d, ")");
}

/* ---- DML ---- */

static const char *priority_word(enum ast_priority p)
{
    switch (p) {
    case AST_PRIORITY_LOW:
        return " LOW_PRIORITY";
    case AST_PRIORITY_DELAYED:
        return " DELAYED";
    case AST_PRIORITY_HIGH:
        return " HIGH_PRIORITY";
    case AST_PRIORITY_CONCURRENT:
        return " CONCURRENT";
    case AST_PRIORITY_NONE:
        break;
    }
    return "";
}

static void insert_source(struct dep *d, const struct ast_insert *n)
{
    if (n->set_form) {
        const struct ast_row *r = AST_AS_CONST(row, n->rows.items[0]);

        put(d, " SET ");
        for (uint32_t i = 0; i < n->columns.n; i++) {
            put_if(d, i > 0, ", ");
            put_node(d, n->columns.items[i]);
            put(d, " = ");
            put_node(d, r->items.items[i]);
        }
        return;
    }
    if (n->has_columns) {
        put(d, " (");
        put_list(d, &n->columns, ", ");
        put(d, ")");
    }
    put_opt_list(d, " VALUES ", &n->rows);
    if (n->query) {
        const struct ast_node *first = n->query;
        bool paren;

        while (first->kind == AST_SETOP)
            first = AST_AS_CONST(setop, first)->left;
        paren = first->kind == AST_VALUES; /* else VALUES would be the statement's own */
        put(d, paren ? " (" : " ");
        put_node(d, n->query);
        put_if(d, paren, ")");
    }
}

static void insert(struct dep *d, const struct ast_insert *n)
{
    put(d, n->replace ? "REPLACE" : "INSERT");
    hints(d, n->hints);
    put(d, priority_word(n->priority));
    put_if(d, n->ignore, " IGNORE");
    put(d, " INTO ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    insert_source(d, n);
    if (ast_ident_set(&n->row_alias)) {
        put(d, " AS ");
        put_name(d, &n->row_alias);
        if (n->row_columns.n) {
            put(d, " ");
            put_names(d, &n->row_columns);
        }
    }
    put_opt_list(d, " ON DUPLICATE KEY UPDATE ", &n->on_dup);
    put_opt_list(d, " RETURNING ", &n->returning);
}

static void update(struct dep *d, const struct ast_update *n)
{
    put_opt(d, "", n->with);
    put(d, n->with ? " UPDATE" : "UPDATE");
    hints(d, n->hints);
    put_if(d, n->low_priority, " LOW_PRIORITY");
    put_if(d, n->ignore, " IGNORE");
    put_opt(d, " ", n->table);
    put_opt_list(d, " SET ", &n->set);
    put_opt(d, " WHERE ", n->where);
    put_opt_list(d, " ORDER BY ", &n->order);
    put_opt(d, " ", n->limit);
}

/* The one table of a single-table DELETE: alias in front of PARTITION. */
static void delete_table(struct dep *d, const struct ast_table *t)
{
    struct ast_table copy = *t;
    bool renamed;

    copy.partitions.n = 0;
    table_name(d, &copy, &renamed);
    if (t->period)
        period(d, AST_AS_CONST(period, t->period));
    if (ast_ident_set(&t->alias) || renamed) {
        put(d, " AS ");
        put_name(d, ast_ident_set(&t->alias) ? &t->alias : &t->name);
    }
    if (t->partitions.n) {
        put(d, " PARTITION ");
        put_names(d, &t->partitions);
    }
}

/* Targets are names or aliases of the tables in FROM: those keep their names as aliases, so targets stay. */
static void delete_targets(struct dep *d, const struct ast_list *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        const struct ast_table *t = AST_AS_CONST(table, l->items[i]);

        put_if(d, i > 0, ", ");
        put_path(d, NULL, d->o->table ? NULL : &t->db, &t->name);
        put_if(d, t->star, ".*");
    }
}

static void delete(struct dep *d, const struct ast_delete *n)
{
    put_opt(d, "", n->with);
    put(d, n->with ? " DELETE" : "DELETE");
    hints(d, n->hints);
    put_if(d, n->form == AST_DELETE_HISTORY, " HISTORY");
    put_if(d, n->low_priority, " LOW_PRIORITY");
    put_if(d, n->quick, " QUICK");
    put_if(d, n->ignore, " IGNORE");
    switch (n->form) {
    case AST_DELETE_SINGLE:
    case AST_DELETE_HISTORY:
        put(d, " FROM ");
        delete_table(d, AST_AS_CONST(table, n->from));
        break;
    case AST_DELETE_FROM:
        put(d, " ");
        delete_targets(d, &n->targets);
        put_opt(d, " FROM ", n->from);
        break;
    case AST_DELETE_USING:
        put(d, " FROM ");
        delete_targets(d, &n->targets);
        put_opt(d, " USING ", n->from);
        break;
    }
    put_opt(d, " WHERE ", n->where);
    put_opt_list(d, " ORDER BY ", &n->order);
    put_opt(d, " ", n->limit);
    put_opt_list(d, " RETURNING ", &n->returning);
}

static void load(struct dep *d, const struct ast_load *n)
{
    put(d, n->xml ? "LOAD XML" : "LOAD DATA");
    put(d, priority_word(n->priority));
    put_if(d, n->local, " LOCAL");
    put_opt(d, " INFILE ", n->file);
    put_if(d, n->dup == AST_DUP_REPLACE, " REPLACE");
    put_if(d, n->dup == AST_DUP_IGNORE, " IGNORE");
    put(d, " INTO TABLE ");
    put_table(d, AST_AS_CONST(table, n->table), false);
    charset_clause(d, n->charset);
    put_opt(d, " ROWS IDENTIFIED BY ", n->row_tag);
    if (n->format)
        put_data_format(d, n->format);
    if (n->skip) {
        put_opt(d, " IGNORE ", n->skip);
        put(d, " LINES");
    }
    if (n->columns.n) {
        put_opt_list(d, " (", &n->columns);
        put(d, ")");
    }
    put_opt_list(d, " SET ", &n->set);
}

static void handler(struct dep *d, const struct ast_handler *n)
{
    const struct ast_table *t = AST_AS_CONST(table, n->table);

    put(d, "HANDLER ");
    put_path(d, NULL, &t->db, &t->name);
    switch (n->op) {
    case AST_HANDLER_OPEN:
        put(d, " OPEN");
        if (ast_ident_set(&t->alias)) {
            put(d, " AS ");
            put_name(d, &t->alias);
        }
        break;
    case AST_HANDLER_CLOSE:
        put(d, " CLOSE");
        break;
    case AST_HANDLER_READ:
        put(d, " READ ");
        if (ast_ident_set(&n->index)) {
            put_name(d, &n->index);
            put(d, " ");
        }
        put_sv(d, n->read);
        if (n->key.n) {
            put_opt_list(d, " (", &n->key);
            put(d, ")");
        }
        put_opt(d, " WHERE ", n->where);
        put_opt(d, " ", n->limit);
        break;
    }
}

bool put_query_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_SELECT:
    case AST_VALUES:
    case AST_TABLE_QUERY:
    case AST_SETOP:
    case AST_PARENQ:
        query(d, n);
        return true;
    case AST_WITH:
        put(d, AST_AS_CONST(with, n)->recursive ? "WITH RECURSIVE " : "WITH ");
        put_list(d, &AST_AS_CONST(with, n)->ctes, ", ");
        return true;
    case AST_CTE:
        cte(d, AST_AS_CONST(cte, n));
        return true;
    case AST_SELECT_ITEM:
        put_node(d, AST_AS_CONST(select_item, n)->expr);
        if (ast_ident_set(&AST_AS_CONST(select_item, n)->alias)) {
            put(d, " AS ");
            put_name(d, &AST_AS_CONST(select_item, n)->alias);
        }
        return true;
    case AST_ORDER_ITEM: {
        static const char *const dirs[] = {"", " ASC", " DESC"};

        put_node(d, AST_AS_CONST(order_item, n)->expr);
        put(d, dirs[AST_AS_CONST(order_item, n)->dir]);
        return true;
    }
    case AST_LIMIT:
        limit(d, AST_AS_CONST(limit, n));
        return true;
    case AST_INTO:
        into(d, AST_AS_CONST(into, n));
        return true;
    case AST_LOCKING:
        locking(d, AST_AS_CONST(locking, n));
        return true;
    case AST_WINDOW_DEF:
        put_name(d, &AST_AS_CONST(window_def, n)->name);
        put_opt(d, " AS ", AST_AS_CONST(window_def, n)->spec);
        return true;
    case AST_WINDOW_SPEC:
        window_spec(d, AST_AS_CONST(window_spec, n));
        return true;
    case AST_FRAME:
        frame(d, AST_AS_CONST(frame, n));
        return true;
    case AST_BOUND:
        bound(d, AST_AS_CONST(bound, n));
        return true;
    case AST_TABLE:
        put_table(d, AST_AS_CONST(table, n), true);
        return true;
    case AST_DERIVED:
        derived(d, AST_AS_CONST(derived, n));
        return true;
    case AST_JSON_TABLE:
        json_table(d, AST_AS_CONST(json_table, n));
        return true;
    case AST_JT_COLUMN:
        jt_column(d, AST_AS_CONST(jt_column, n));
        return true;
    case AST_JOIN:
        join(d, AST_AS_CONST(join, n));
        return true;
    case AST_INDEX_HINT:
        index_hint(d, AST_AS_CONST(index_hint, n));
        return true;
    case AST_INSERT:
        insert(d, AST_AS_CONST(insert, n));
        return true;
    case AST_ASSIGNMENT:
        put_node(d, AST_AS_CONST(assignment, n)->target);
        put_opt(d, " = ", AST_AS_CONST(assignment, n)->value);
        return true;
    case AST_UPDATE:
        update(d, AST_AS_CONST(update, n));
        return true;
    case AST_DELETE:
        delete(d, AST_AS_CONST(delete, n));
        return true;
    case AST_LOAD:
        load(d, AST_AS_CONST(load, n));
        return true;
    case AST_CALL:
        put(d, "CALL ");
        put_path(d, &AST_AS_CONST(call, n)->db, &AST_AS_CONST(call, n)->package, &AST_AS_CONST(call, n)->name);
        put(d, "(");
        put_list(d, &AST_AS_CONST(call, n)->args, ", ");
        put(d, ")");
        return true;
    case AST_DO:
        put_opt_list(d, "DO ", &AST_AS_CONST(do, n)->exprs);
        return true;
    case AST_HANDLER:
        handler(d, AST_AS_CONST(handler, n));
        return true;
    default:
        return false;
    }
}
