/* UPDATE and DELETE with ORDER BY and LIMIT over several places: which rows they mean is known only when the rows of all places have been
 * put in order. So they are read first, under lock: their keys, merged and cut by the limit. Then each place is told its rows by
 * key. The first statement of a place is `read`'s fragment, the second `head` WHERE key IN (...) `tail`.
 *
 * What identifies a row is the primary key, or a unique key without NULLs. Columns whose text says less than they hold are read in
 * another form, and compared in one: FLOAT as DOUBLE, TIMESTAMP as seconds since 1970. */
#include "optimizer/opt-int.h"

#include "optimizer/split.h"

static bool identifies(const struct cat_table *t, const struct cat_key *k)
{
    if (k->kind != CAT_KEY_PRIMARY && k->kind != CAT_KEY_UNIQUE)
        return false;
    for (uint32_t i = 0; i < k->parts_n; i++)
        if (k->parts[i].column < 0 || t->columns[k->parts[i].column].nullable)
            return false;
    return k->parts_n > 0;
}

const struct cat_key *opt_row_key(const struct cat_table *t)
{
    for (uint32_t i = 0; i < t->keys_n; i++)
        if (identifies(t, &t->keys[i]))
            return &t->keys[i];
    return NULL;
}

void opt_put_column(struct tmpl *t, const struct source *s, const struct cat_column *c)
{
    if (s) {
        tmpl_ident(t, s->name);
        tmpl_puts(t, ".");
    }
    tmpl_ident(t, c->name);
}

void opt_put_json_check(struct tmpl *t, const struct source *s, const struct cat_column *c)
{
    tmpl_puts(t, "COALESCE(");
    opt_put_column(t, s, c);
    tmpl_puts(t, " = CAST(CAST(");
    opt_put_column(t, s, c);
    tmpl_puts(t, " AS CHAR) AS JSON) AND CAST(");
    opt_put_column(t, s, c);
    tmpl_puts(t, " AS BINARY) = CAST(CAST(CAST(");
    opt_put_column(t, s, c);
    tmpl_puts(t, " AS CHAR) AS JSON) AS BINARY), 1)");
}

void opt_put_exact(struct tmpl *t, const struct source *s, const struct cat_column *c)
{
    enum exact_form form = opt_exact_form(c);

    tmpl_puts(t, form == EXACT_EPOCH ? "UNIX_TIMESTAMP(" : form == EXACT_INDEX ? "CAST(" : "");
    opt_put_column(t, s, c);
    tmpl_puts(t, form == EXACT_EPOCH ? ")" : form == EXACT_DOUBLE ? " * 1e0" : form == EXACT_INDEX ? " AS UNSIGNED)" : "");
}

uint16_t opt_row_key_cols(struct opt *o, const struct cat_table *t, const uint16_t **cols)
{
    const struct cat_key *key = opt_row_key(t);
    uint16_t *c = ARENA_NEW_N(o->arena, uint16_t, key ? key->parts_n : 1);

    for (uint32_t i = 0; key && i < key->parts_n; i++)
        c[i] = (uint16_t)key->parts[i].column;
    *cols = c;
    return key ? (uint16_t)key->parts_n : 0;
}

uint32_t opt_clause_at(const struct opt *o, uint32_t from, int a, int b, int c)
{
    int depth = 0;

    for (uint32_t i = from; i < o->n_tokens; i++) {
        int k = o->tokens[i].kind;

        depth += (k == TK_LPAREN) - (k == TK_RPAREN);
        /* Behind a dot it is a name. */
        if (depth == 0 && (k == a || k == b || k == c) && (i == 0 || o->tokens[i - 1].kind != TK_DOT))
            return i;
    }
    return o->n_tokens;
}

bool opt_plan_keyed(struct opt *o, const struct block *bl, const struct keyed_stmt *st)
{
    const struct cat_table *t = bl->sources[0]->table;
    const struct cat_key *key = opt_row_key(t);
    struct keyed_plan *k = ARENA_NEW(o->arena, struct keyed_plan);
    struct ast_select *sel = AST_NEW(o->scratch, SELECT, select);
    struct tmpl tm;
    uint32_t where, order, limit, returning;

    if (!key) {
        opt_refuse(o, o->plan, arena_printf(o->scratch, "%s with %s over several places of `%.*s`, which has no key of columns that are NOT NULL",
            st->verb, st->limit ? "LIMIT" : "ORDER BY and RETURNING", SV_ARG(t->name)));
        return false;
    }
    k->table = t;
    k->n_key_cols = opt_row_key_cols(o, t, &k->key_cols);
    sel->from = st->from;
    sel->where = st->where;
    sel->order = *st->order;
    sel->limit = st->limit;
    if (!split_keys(o, bl, sel, k))
        return false;
    where = opt_clause_at(o, 0, K_WHERE, K_ORDER, K_LIMIT); /* one of them is there */
    order = opt_clause_at(o, where, K_ORDER, K_ORDER, K_ORDER);
    returning = o->plan->returns_rows ? opt_clause_at(o, where, K_RETURNING, K_RETURNING, K_RETURNING) : o->n_tokens;
    limit = MIN(opt_clause_at(o, where, K_LIMIT, K_LIMIT, K_LIMIT), returning);
    tmpl_init(&tm, o);
    tmpl_tokens(&tm, 0, where);
    k->head = tmpl_finish(&tm);
    tmpl_init(&tm, o);
    if (order < limit) {
        tmpl_puts(&tm, " ");
        tmpl_tokens(&tm, order, limit);
    }
    if (returning < o->n_tokens) {
        tmpl_puts(&tm, " ");
        tmpl_rest(&tm, returning);
    }
    k->tail = tmpl_finish(&tm);
    tmpl_init(&tm, o);
    if (st->where) {
        tmpl_puts(&tm, " WHERE (");
        tmpl_node(&tm, st->where);
        tmpl_puts(&tm, ")");
    }
    k->where = tmpl_finish(&tm);
    o->plan->keyed = k;
    return true;
}
