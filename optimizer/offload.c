/* The offload: a query that no place has all tables of, and that has no fragment, runs over copies. The rows of its tables that may
 * matter go into temporary tables on one shard, each with the columns that the statement names and the keys that fit in them; then
 * the client's own statement runs there with the copies' names. So its answer is a server's, whatever is in it.
 *
 * Rows: of WHERE and ON, conjuncts over one table alone go down with its reading. They are conditions of the statement itself,
 * which looks at them again; what is not pushed costs time and nothing else. Functions that differ from call to call stay above.
 * Columns: any that the statement may mean by one of its names, so that a star, NATURAL or an ambiguous name says what it would. */
#include "catalog/names.h"
#include "optimizer/opt-int.h"

struct need {
    const struct source *s;
    bool *cols; /* by ordinal */
    bool all;
};

static void need_name(struct need *n, struct sv name)
{
    int col = optcat_find_column(n->s->table, name);

    if (col >= 0)
        n->cols[col] = true;
}

static enum ast_walk need_pre(struct ast_node **slot, void *arg)
{
    struct need *n = arg;

    if ((*slot)->kind == AST_COLUMN) {
        const struct ast_column *c = AST_AS_CONST(column, *slot);

        if (!ast_ident_set(&c->tbl) || sv_eq(c->tbl.name, n->s->name))
            need_name(n, c->name.name);
    } else if ((*slot)->kind == AST_JOIN) {
        const struct ast_join *j = AST_AS_CONST(join, *slot);

        n->all = n->all || j->natural;
        for (unsigned i = 0; i < j->using.n; i++)
            need_name(n, j->using.items[i].name);
    }
    return AST_CONTINUE;
}

/* The block has a star that is, or has, all of the source's columns. */
static bool has_star(const struct source *s)
{
    const struct block *bl = s->block;

    if (!bl->sel)
        return true; /* TABLE t */
    AST_EACH(slot, &bl->sel->items)
    {
        const struct ast_node *e = AST_AS_CONST(select_item, *slot)->expr;

        if (e->kind == AST_STAR &&
            (!ast_ident_set(&AST_AS_CONST(star, e)->tbl) || sv_eq(AST_AS_CONST(star, e)->tbl.name, s->name)))
            return true;
    }
    return false;
}

/* Ordinals of the columns that the copy of s needs. */
static uint16_t needed(struct opt *o, const struct source *s, const uint16_t **out)
{
    const struct cat_table *t = s->table;
    struct need n = {s, ARENA_NEW_N(o->scratch, bool, t->columns_n), has_star(s)};
    const struct cat_key *key = opt_row_key(t);
    uint16_t *cols = ARENA_NEW_N(o->arena, uint16_t, t->columns_n), n_cols = 0;

    ast_walk(&o->stmt, need_pre, NULL, &n);
    /* What tells rows apart: one that moves meanwhile may be read twice, and servers may demand a primary key. */
    for (uint32_t i = 0; key && i < key->parts_n; i++)
        n.cols[key->parts[i].column] = true;
    for (uint32_t i = 0; i < t->keys_n && AST_AS_CONST(table, s->node)->index_hints.n; i++)
        for (uint32_t k = 0; k < t->keys[i].parts_n; k++)
            if (t->keys[i].parts[k].column >= 0)
                n.cols[t->keys[i].parts[k].column] = true;
    for (uint16_t i = 0; i < t->columns_n; i++)
        if (n.cols[i] || (n.all && !optcat_column_invisible(t, i)))
            cols[n_cols++] = i;
    if (!n_cols) /* its rows are only counted */
        cols[n_cols++] = 0;
    *out = cols;
    return n_cols;
}

/* ---- the copy ---- */

static bool has_col(const struct offload_input *in, int32_t col)
{
    for (uint16_t i = 0; i < in->n_cols; i++)
        if (in->cols[i] == col)
            return true;
    return false;
}

static void put_default(const struct cat_column *c, struct strbuf *b)
{
    const struct sv current = SV("CURRENT_TIMESTAMP");
    bool now = c->default_text.len >= current.len && sv_eq_nocase(sv_make(c->default_text.ptr, current.len), current);

    if (c->default_kind == CAT_DEFAULT_LITERAL) {
        strbuf_puts(b, " DEFAULT ");
        if (c->type.code == TYPE_BIT) /* b'101' */
            strbuf_putsv(b, c->default_text);
        else
            strbuf_put_quoted(b, c->default_text, false);
    } else if (c->default_kind == CAT_DEFAULT_EXPR && !memchr(c->default_text.ptr, '`', c->default_text.len)) {
        /* One that reads columns needs columns that may not be here; only DEFAULT(c) would miss it. */
        strbuf_printf(b, now ? " DEFAULT %.*s" : " DEFAULT (%.*s)", SV_ARG(c->default_text));
    }
    if (c->on_update.len)
        strbuf_printf(b, " ON UPDATE %.*s", SV_ARG(c->on_update));
}

static void put_column(const struct cat_column *c, struct strbuf *b)
{
    strbuf_put_ident(b, c->name);
    strbuf_putc(b, ' ');
    strbuf_putsv(b, c->type.text);
    if (c->type.charset.len && c->type.collation.len)
        strbuf_printf(b, " CHARACTER SET %.*s COLLATE %.*s", SV_ARG(c->type.charset), SV_ARG(c->type.collation));
    /* MariaDB wants a default of an invisible column that is NOT NULL. */
    strbuf_puts(b, c->nullable || c->invisible ? " NULL" : " NOT NULL");
    if (c->generated == CAT_NOT_GENERATED)
        put_default(c, b);
    strbuf_puts(b, c->invisible ? " INVISIBLE" : "");
}

/* As much of the key as the copy has columns of, from its first on: joins are as fast as on a server, and the columns' flags are the same.
 * False: nothing. */
static bool put_key(const struct offload_input *in, const struct cat_key *k, unsigned number, struct strbuf *b)
{
    uint32_t n = 0;

    if (k->kind == CAT_KEY_FULLTEXT || k->kind == CAT_KEY_SPATIAL)
        return false;
    while (n < k->parts_n && k->parts[n].column >= 0 && has_col(in, k->parts[n].column))
        n++;
    if (!n)
        return false;
    if (n == k->parts_n && k->kind == CAT_KEY_PRIMARY) {
        strbuf_puts(b, ", PRIMARY KEY (");
    } else {
        strbuf_puts(b, n == k->parts_n && k->kind == CAT_KEY_UNIQUE ? ", UNIQUE KEY " : ", KEY ");
        if (k->kind == CAT_KEY_PRIMARY)
            strbuf_printf(b, "tsr_key_%u", number);
        else
            strbuf_put_ident(b, k->name);
        strbuf_puts(b, " (");
    }
    for (uint32_t i = 0; i < n; i++) {
        strbuf_puts(b, i ? ", " : "");
        strbuf_put_ident(b, in->table->columns[k->parts[i].column].name);
        if (k->parts[i].prefix)
            strbuf_printf(b, "(%u)", k->parts[i].prefix);
        strbuf_puts(b, k->parts[i].desc ? " DESC" : "");
    }
    strbuf_putc(b, ')');
    return true;
}

static struct sv create_text(struct opt *o, const struct offload_input *in)
{
    struct strbuf keys, b;
    int32_t counted = -1; /* the AUTO_INCREMENT column, where a key begins with it */

    strbuf_init(&keys, o->scratch);
    for (uint32_t i = 0; i < in->table->keys_n; i++) {
        const struct cat_key *k = &in->table->keys[i];

        if (put_key(in, k, i, &keys) && in->table->columns[k->parts[0].column].auto_increment)
            counted = k->parts[0].column;
    }
    strbuf_init(&b, o->arena);
    strbuf_puts(&b, "CREATE TEMPORARY TABLE ");
    strbuf_put_ident(&b, in->db);
    strbuf_putc(&b, '.');
    strbuf_put_ident(&b, in->name);
    for (uint16_t i = 0; i < in->n_cols; i++) {
        strbuf_puts(&b, i ? ", " : " (");
        put_column(&in->table->columns[in->cols[i]], &b);
        strbuf_puts(&b, in->cols[i] == counted ? " AUTO_INCREMENT" : "");
    }
    strbuf_putsv(&b, strbuf_sv(&keys));
    strbuf_puts(&b, ") ENGINE=InnoDB");
    return strbuf_sv(&b);
}

/* REPLACE: without a snapshot over the shards a row that moves meanwhile may be read twice. */
static struct sv head_text(struct opt *o, const struct offload_input *in)
{
    struct strbuf b;

    strbuf_init(&b, o->arena);
    strbuf_puts(&b, "REPLACE INTO ");
    strbuf_put_ident(&b, in->db);
    strbuf_putc(&b, '.');
    strbuf_put_ident(&b, in->name);
    for (uint16_t i = 0; i < in->n_cols; i++) {
        strbuf_puts(&b, i ? ", " : " (");
        strbuf_put_ident(&b, in->table->columns[in->cols[i]].name);
    }
    strbuf_puts(&b, ") VALUES ");
    return strbuf_sv(&b);
}

/* ---- the reading ---- */

/* Depends on nothing but its arguments, and fails for none of them: the statement itself may never look at this condition. */
static bool is_harmless(const struct ast_func *f)
{
    static const char *const names[] = {"year", "month", "day", "dayofmonth", "dayofweek", "quarter", "date", "hour", "minute", "second", "substring",
        "substr", "left", "right", "lower", "upper", "trim", "ltrim", "rtrim", "length", "char_length", "ifnull", "coalesce", "nullif", "if",
        "concat", "date_add", "date_sub"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (sv_eq_nocase(f->name.name, sv_cstr(names[i])))
            return true;
    return false;
}

static enum ast_walk column_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_COLUMN ? AST_ABORT : AST_CONTINUE;
}

/* A comparison; or arithmetic of constants: what has a column in it may overflow. */
static bool is_harmless_binary(struct ast_node *n)
{
    switch (AST_AS_CONST(binary, n)->op) {
    case AST_OP_EQ:
    case AST_OP_NULL_EQ:
    case AST_OP_NE:
    case AST_OP_LT:
    case AST_OP_LE:
    case AST_OP_GT:
    case AST_OP_GE:
        return true;
    default:
        return ast_walk(&n, column_pre, NULL, NULL);
    }
}

static enum ast_walk push_pre(struct ast_node **slot, void *arg)
{
    const struct source *s = arg;
    struct ast_node *n = *slot;
    struct colref c;

    switch ((enum ast_kind)n->kind) {
    case AST_COLUMN:
        return bind_column_of(s->block, n, &c) && c.src == s ? AST_CONTINUE : AST_ABORT;
    case AST_FUNC:
        return is_harmless(AST_AS_CONST(func, n)) ? AST_CONTINUE : AST_ABORT;
    case AST_BINARY:
        return is_harmless_binary(n) ? AST_CONTINUE : AST_ABORT;
    case AST_UNARY:
        return AST_AS(unary, n)->arg->kind == AST_LIT || AST_AS(unary, n)->op == AST_OP_NOT ? AST_CONTINUE : AST_ABORT;
    case AST_LIT:
    case AST_PARAM:
    case AST_LOGIC:
    case AST_BETWEEN:
    case AST_IS:
    case AST_ROW:
    case AST_CASE:
    case AST_WHEN:
    case AST_CAST:
    case AST_INTERVAL:
    case AST_COLLATE:
        return AST_CONTINUE;
    case AST_LIKE: /* a regular expression may be none */
        return AST_AS(like, n)->op == AST_OP_LIKE ? AST_CONTINUE : AST_ABORT;
    case AST_IN:
        return AST_AS(in, n)->query ? AST_ABORT : AST_CONTINUE;
    default:
        return AST_ABORT;
    }
}

/* A condition on rows of s alone, which gives the same wherever and how often it is looked at. */
static bool is_pushed(const struct source *s, const struct conjunct *c)
{
    struct ast_node *e = c->expr;

    return c->block == s->block && ast_walk(&e, push_pre, NULL, (void *)(uintptr_t)s);
}

/* FOR UPDATE and FOR SHARE of the source's block, as far as they are about it. */
static void put_locks(struct tmpl *t, const struct source *s)
{
    const struct ast_query *q = (const struct ast_query *)(const void *)s->block->node;

    if (!ast_is_query(s->block->node))
        return;
    AST_EACH(slot, &q->locks)
    {
        const struct ast_locking *l = AST_AS_CONST(locking, *slot);
        bool mine = l->tables.n == 0;

        for (unsigned i = 0; i < l->tables.n; i++)
            mine = mine || sv_eq(AST_AS_CONST(table, l->tables.items[i])->name.name, s->name);
        if (!mine)
            continue;
        tmpl_puts(t, " ");
        if (l->tables.n)
            tmpl_puts(t, l->strength == AST_LOCK_UPDATE ? "FOR UPDATE" : "FOR SHARE");
        else
            tmpl_node(t, *slot);
        if (l->tables.n && l->wait != AST_WAIT_NONE)
            tmpl_puts(t, l->wait == AST_WAIT_NOWAIT ? " NOWAIT" : " SKIP LOCKED");
        return;
    }
}

/* In the order in which they were written: the list has them the other way round. */
static void put_conjuncts(struct tmpl *t, const struct source *s, const struct conjunct *c, const char **and)
{
    if (!c)
        return;
    put_conjuncts(t, s, c->next, and);
    if (!is_pushed(s, c))
        return;
    tmpl_puts(t, *and);
    tmpl_node(t, c->expr);
    tmpl_puts(t, ")");
    *and = " AND (";
}

static struct sql_template read_text(struct opt *o, const struct source *s, struct offload_input *in)
{
    const struct cat_table *t = in->table;
    const char *and = " WHERE (";
    struct tmpl tm;

    tmpl_init(&tm, o);
    for (uint16_t i = 0; i < in->n_cols; i++) {
        const struct cat_column *c = &t->columns[in->cols[i]];

        tmpl_puts(&tm, i ? ", " : "SELECT ");
        if (optcat_tells_bytes(c)) {
            tmpl_puts(&tm, "CAST(");
            opt_put_column(&tm, s, c);
            tmpl_puts(&tm, " AS BINARY)");
        } else {
            opt_put_exact(&tm, s, c);
        }
    }
    for (uint16_t i = 0; i < in->n_cols && o->env->flavour != ENV_MARIADB; i++) {
        if (t->columns[in->cols[i]].type.code != TYPE_JSON)
            continue;
        tmpl_puts(&tm, ", ");
        opt_put_json_check(&tm, s, &t->columns[in->cols[i]]);
        in->n_checks++;
    }
    tmpl_puts(&tm, " FROM ");
    tmpl_ident(&tm, s->db);
    tmpl_puts(&tm, ".");
    tmpl_table(&tm, t);
    tmpl_puts(&tm, " AS ");
    tmpl_ident(&tm, s->name);
    put_conjuncts(&tm, s, s->ctx->conjuncts, &and);
    put_locks(&tm, s);
    return tmpl_finish(&tm);
}

/* Where rows are that some use of the table may need: a CTE's table has as many as the CTE. */
static const struct route_cond *all_uses_cond(struct opt *o, const struct source *s)
{
    const struct route_cond *all = place_source_cond(&o->placer, s);

    for (unsigned i = s->id + 1u; i < o->binder.n_sources && all; i++)
        if (o->binder.sources[i]->node == s->node)
            all = place_or(&o->placer, all, place_source_cond(&o->placer, o->binder.sources[i]));
    return all;
}

static struct plan *read_plan(struct opt *o, const struct source *s, struct offload_input *in)
{
    struct plan *p = ARENA_NEW(o->arena, struct plan);
    struct route *r = &p->route;

    p->refs = 1;
    p->kind = PLAN_SELECT;
    p->returns_rows = true;
    p->fragment = read_text(o, s, in);
    if (optcat_is_partitioned(in->table)) {
        r->kind = ROUTE_PARTITIONS;
        r->table = in->table;
        opt_route_cond(p, all_uses_cond(o, s));
    } else if (in->table->kind == CAT_BROADCAST) {
        r->kind = ROUTE_ANY_SHARD;
        if (o->binder.has_locks && o->snap->shards.n) { /* as opt_plan_query: locks exclude each other on one server only */
            r->kind = ROUTE_ONE_SHARD;
            r->shard_id = o->snap->shards.v[0].id;
        }
    } else {
        r->kind = ROUTE_ONE_SHARD;
        r->shard_id = optcat_single_shard(in->table);
    }
    return p;
}

/* ---- the statement over the copies ---- */

static enum ast_walk match_pre(struct ast_node **slot, void *arg)
{
    (void)arg;
    return (*slot)->kind == AST_MATCH ? AST_ABORT : AST_CONTINUE;
}

/* Why there is no offload; ptr NULL: there is. */
static struct sv obstacle(struct opt *o)
{
    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];

        if (s->kind != SRC_TABLE)
            continue;
        if (AST_AS_CONST(table, s->node)->period)
            return SV("FOR SYSTEM_TIME in a query over several places");
        /* MySQL opens a temporary table once in a statement, and a CTE's tables once for each of its uses. */
        for (unsigned k = 0; k < i && o->env->flavour != ENV_MARIADB; k++)
            if (o->binder.sources[k]->node == s->node)
                return SV("a WITH clause's query that is used more than once, over several places,");
    }
    return ast_walk(&o->stmt, match_pre, NULL, NULL) ? SV_NULL : SV("MATCH ... AGAINST in a query over several places");
}

static const struct offload_input *input_of(const struct offload_plan *f, const struct source *const *by, const struct source *s)
{
    for (uint16_t i = 0; i < f->n_inputs; i++)
        if (by[i]->node == s->node)
            return &f->inputs[i];
    return NULL;
}

/* The statement's edits with the copies' names. */
static void last_edits(struct opt *o, struct offload_plan *f, const struct source *const *by)
{
    struct opt sub = *o;
    struct plan scratch = {0};

    sub.plan = &scratch;
    sub.edits = (struct edit_list){0};
    for (uint32_t i = 0; i < o->edits.n; i++)
        if (o->edits.items[i].kind != EDIT_TABLE)
            opt_edit_add(&sub, o->edits.items[i]);
    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];

        if (s->kind == SRC_TABLE)
            opt_edit_copy(&sub, s, input_of(f, by, s)->name);
    }
    opt_edits_finish(&sub);
    f->edits = scratch.edits;
    f->n_edits = scratch.n_edits;
}

void opt_plan_offload(struct opt *o, enum opt_offload role)
{
    struct offload_plan *f = ARENA_NEW(o->arena, struct offload_plan);
    struct offload_input *inputs = ARENA_NEW_N(o->arena, struct offload_input, o->binder.n_sources + 1u);
    const struct source **by = ARENA_NEW_N(o->scratch, const struct source *, o->binder.n_sources + 1u);
    struct sv why = obstacle(o);

    if (why.ptr) {
        if (role != OPT_OFFLOAD_SPARE)
            opt_refuse(o, o->plan, why);
        return;
    }
    f->inputs = inputs;
    f->only = role == OPT_OFFLOAD_ONLY;
    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];
        struct offload_input *in = &inputs[f->n_inputs];

        /* A CTE's table is bound once for each use of the CTE, but stands in the text once. */
        if (s->kind != SRC_TABLE || input_of(f, by, s))
            continue;
        by[f->n_inputs] = s;
        in->table = s->table;
        in->db = arena_dup(o->arena, s->db);
        in->name = names_scratch(o->arena, s->table->name, NAMES_COPY_FIRST + f->n_inputs);
        f->n_inputs++;
        in->n_cols = needed(o, s, &in->cols);
        in->create = create_text(o, in);
        in->head = head_text(o, in);
        in->read = read_plan(o, s, in);
    }
    last_edits(o, f, by);
    o->plan->offload = f;
}

/* What the plan says of itself is known at its end. */
void opt_offload_finish(struct opt *o)
{
    struct offload_plan *f = (struct offload_plan *)(uintptr_t)o->plan->offload;
    struct plan *last = ARENA_NEW(o->arena, struct plan);

    *last = *o->plan;
    last->offload = NULL;
    last->route = (struct route){.kind = ROUTE_ANY_SHARD};
    last->edits = f->edits;
    last->n_edits = f->n_edits;
    last->fragment = (struct sql_template){NULL, 0};
    last->top = NULL;
    last->uses_temporals_now = false; /* one connection */
    f->last = last;
}
