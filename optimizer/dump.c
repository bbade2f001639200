/* Plans as text. */
#include "catalog/snapshot.h"
#include "optimizer/optimizer.h"

static void dump_rvalue(const struct rvalue *v, struct strbuf *out)
{
    static const char *const names[] = {[SESSION_LAST_INSERT_ID] = "last_insert_id()", [SESSION_ROW_COUNT] = "row_count()",
        [SESSION_FOUND_ROWS] = "found_rows()", [SESSION_CONNECTION_ID] = "connection_id()", [SESSION_USER] = "user()",
        [SESSION_CURRENT_USER] = "current_user()", [SESSION_DATABASE] = "database()", [SESSION_USER_VAR] = "@",
        [SESSION_SYSTEM_VAR] = "@@"};

    if (!v) {
        strbuf_puts(out, "-");
        return;
    }
    switch (v->kind) {
    case RV_CONST:
        strbuf_putsv(out, v->text);
        return;
    case RV_LITERAL:
        strbuf_printf(out, ":%u", v->slot);
        return;
    case RV_PARAM:
        strbuf_printf(out, "?%u", v->slot);
        return;
    case RV_NEG:
        strbuf_puts(out, "-");
        dump_rvalue(v->arg, out);
        return;
    case RV_SESSION:
        strbuf_puts(out, names[v->value]);
        strbuf_putsv(out, v->text);
        return;
    case RV_CALL:
        strbuf_puts(out, func_name(v->call->func));
        strbuf_puts(out, "(");
        for (unsigned i = 0; i < v->call->n_args; i++) {
            strbuf_puts(out, i ? ", " : "");
            dump_rvalue(v->call->args[i], out);
        }
        strbuf_puts(out, ")");
        return;
    case RV_TYPED:
        strbuf_puts(out, v->type == TYPE_DATE ? "DATE " : v->type == TYPE_TIME ? "TIME " : "TIMESTAMP ");
        dump_rvalue(v->arg, out);
        return;
    }
}

static void dump_cond(const struct route_cond *c, struct strbuf *out)
{
    static const char *const ops[] = {[RCMP_EQ] = "=", [RCMP_LT] = "<", [RCMP_LE] = "<=", [RCMP_GT] = ">", [RCMP_GE] = ">=",
        [RCMP_NULLSAFE_EQ] = "<=>"};

    switch (c->kind) {
    case RC_TRUE:
        strbuf_puts(out, "true");
        return;
    case RC_FALSE:
        strbuf_puts(out, "false");
        return;
    case RC_ISNULL:
        strbuf_printf(out, "k%u null", c->key_col);
        return;
    case RC_CMP:
        strbuf_printf(out, "k%u %s ", c->key_col, ops[c->cmp]);
        dump_rvalue(c->values[0], out);
        return;
    case RC_IN:
        strbuf_printf(out, "k%u in", c->key_col);
        for (uint32_t i = 0; i < c->n_values; i++) {
            strbuf_puts(out, i ? "," : " ");
            dump_rvalue(c->values[i], out);
        }
        return;
    case RC_AND:
    case RC_OR:
        strbuf_puts(out, "(");
        for (uint32_t i = 0; i < c->n_args; i++) {
            strbuf_puts(out, i ? (c->kind == RC_AND ? " and " : " or ") : "");
            dump_cond(c->args[i], out);
        }
        strbuf_puts(out, ")");
        return;
    }
}

static void dump_route(const struct route *r, struct strbuf *out)
{
    switch (r->kind) {
    case ROUTE_ANY_SHARD:
        strbuf_puts(out, "any shard");
        break;
    case ROUTE_ONE_SHARD:
        strbuf_printf(out, "shard %u", r->shard_id);
        break;
    case ROUTE_ALL_SHARDS:
        strbuf_puts(out, "all shards");
        break;
    case ROUTE_PARTITIONS:
        strbuf_printf(out, "partitions of %.*s", SV_ARG(r->table->name));
        break;
    }
    if (r->cond) {
        strbuf_puts(out, " where ");
        dump_cond(r->cond, out);
    }
    if (r->point)
        strbuf_puts(out, ", point");
    if (r->also_shard)
        strbuf_printf(out, ", on shard %u", r->also_shard);
    if (r->split_only)
        strbuf_puts(out, ", split only");
    if (r->one_place)
        strbuf_puts(out, ", one place");
}

static void dump_keys(const char *what, const struct merge_key *k, uint16_t n, struct strbuf *out)
{
    if (!n)
        return;
    strbuf_printf(out, " %s(", what);
    for (uint16_t i = 0; i < n; i++) {
        strbuf_printf(out, "%s%u", i ? ", " : "", k[i].col);
        if (k[i].weight_col != NO_COL)
            strbuf_printf(out, " by %u", k[i].weight_col);
        if (k[i].desc)
            strbuf_puts(out, " desc");
    }
    strbuf_puts(out, ")");
}

static void dump_bexpr(const struct bexpr *b, struct strbuf *out)
{
    switch ((enum bexpr_kind)b->kind) {
    case BEXPR_CONST:
        value_print_sql(&b->value, false, out);
        return;
    case BEXPR_COLUMN:
        strbuf_printf(out, "#%u", b->ordinal);
        return;
    case BEXPR_PARAM:
        strbuf_printf(out, "?%u", b->ordinal);
        return;
    case BEXPR_AGG:
        strbuf_puts(out, "agg");
        return;
    case BEXPR_CALL:
        strbuf_puts(out, func_name(b->func));
        strbuf_puts(out, "(");
        for (uint32_t i = 0; i < b->n_args; i++) {
            strbuf_puts(out, i ? ", " : "");
            dump_bexpr(b->args[i], out);
        }
        strbuf_puts(out, ")");
        return;
    }
}

static void dump_agg(const struct merge_agg *a, struct strbuf *out)
{
    strbuf_puts(out, a->spec.fn == AGG_COUNT_STAR ? "count(*" : agg_name(a->spec.fn));
    if (a->spec.fn != AGG_COUNT_STAR)
        strbuf_puts(out, a->spec.distinct ? "(distinct " : "(");
    for (uint16_t i = 0; i < a->n_args; i++)
        strbuf_printf(out, a->weights && a->weights[i] != NO_COL ? "%s%u by %u" : "%s%u", i ? "," : "",
            a->args[i], a->weights ? a->weights[i] : 0);
    for (uint32_t i = 0; i < a->spec.n_order; i++)
        strbuf_printf(out, "%s%u%s", i ? "," : " order ", a->spec.order[i].arg, a->spec.order[i].desc ? " desc" : "");
    strbuf_puts(out, ")");
}

void plan_dump_top(const struct plan_top *t, struct strbuf *out)
{
    strbuf_puts(out, "top:");
    if (!t->n_merge_order && !t->aggregate && !t->distinct && !t->n_sort && !t->limit.count)
        strbuf_puts(out, " concat");
    dump_keys("merge", t->merge_order, t->n_merge_order, out);
    if (t->aggregate) {
        dump_keys("group", t->groups, t->n_groups, out);
        strbuf_puts(out, " agg[");
        for (uint16_t i = 0; i < t->n_aggs; i++) {
            strbuf_puts(out, i ? ", " : "");
            dump_agg(&t->aggs[i], out);
        }
        strbuf_puts(out, "]");
    }
    if (t->having) {
        strbuf_puts(out, " having ");
        dump_bexpr(t->having, out);
    }
    for (uint16_t i = 0; i < t->n_project; i++) {
        strbuf_puts(out, i ? ", " : " project[");
        dump_bexpr(t->project[i], out);
    }
    if (t->n_project)
        strbuf_puts(out, "]");
    if (t->distinct)
        dump_keys("distinct", t->distinct_keys, t->n_distinct_keys, out);
    dump_keys("sort", t->sort, t->n_sort, out);
    if (t->limit.count || t->limit.offset) {
        strbuf_puts(out, " limit ");
        dump_rvalue(t->limit.count, out);
        if (t->limit.offset) {
            strbuf_puts(out, " offset ");
            dump_rvalue(t->limit.offset, out);
        }
    }
    if (t->n_hidden)
        strbuf_printf(out, " hidden %u", t->n_hidden);
    strbuf_puts(out, "\n");
}

void plan_dump_template(const struct sql_template *t, struct strbuf *out)
{
    for (size_t i = 0; i < t->n_pieces; i++) {
        const struct piece *p = &t->pieces[i];

        switch (p->kind) {
        case PIECE_TEXT:
            strbuf_putsv(out, p->text);
            break;
        case PIECE_TABLE:
            strbuf_printf(out, "{%.*s}", SV_ARG(p->table->name));
            break;
        case PIECE_LITERAL:
            strbuf_printf(out, "{:%u}", p->slot);
            break;
        case PIECE_PARAM:
            strbuf_printf(out, "{?%u}", p->slot);
            break;
        case PIECE_SESSION_VALUE:
            strbuf_printf(out, "{session %d%.*s}", (int)p->value, SV_ARG(p->name));
            break;
        case PIECE_PLACE:
            strbuf_puts(out, "{place}");
            break;
        case PIECE_LIMIT_SUM:
            strbuf_puts(out, "{limit}");
            break;
        }
    }
}

static void dump_insert(const struct insert_plan *p, struct strbuf *out)
{
    strbuf_printf(out, "insert: %u rows of %u", p->n_rows, p->n_cols);
    if (p->auto_col >= 0)
        strbuf_printf(out, ", auto %d%s", p->auto_col, p->auto_added ? " added" : "");
    strbuf_puts(out, "\n");
    if (!p->values_form)
        return;
    strbuf_puts(out, "head: ");
    plan_dump_template(&p->head, out);
    for (uint32_t r = 0; r < p->n_rows; r++) {
        uint32_t nk = p->keys ? p->table->part.columns_n : 0;

        strbuf_puts(out, "\nrow: ");
        for (uint32_t c = 0; c < p->n_cols; c++) {
            strbuf_puts(out, c ? ", " : "");
            plan_dump_template(&p->cells[r * p->n_cols + c], out);
        }
        for (uint32_t k = 0; k < nk; k++) {
            strbuf_puts(out, k ? ", " : " key ");
            dump_rvalue(p->keys[r * nk + k], out);
            if (p->key_exprs[r * nk + k].n_pieces) {
                strbuf_puts(out, " expr ");
                plan_dump_template(&p->key_exprs[r * nk + k], out);
            }
        }
        if (p->auto_col >= 0)
            strbuf_printf(out, " gen %u", p->auto_gen[r]);
    }
    if (p->tail.n_pieces) {
        strbuf_puts(out, "\ntail: ");
        plan_dump_template(&p->tail, out);
    }
    strbuf_puts(out, "\n");
}

void plan_dump(const struct plan *p, struct strbuf *out)
{
    static const char *const kinds[] = {[PLAN_SELECT] = "select", [PLAN_INSERT] = "insert", [PLAN_UPDATE] = "update",
        [PLAN_DELETE] = "delete", [PLAN_MOVE] = "move", [PLAN_OTHER] = "other"};

    strbuf_printf(out, "%s: ", kinds[p->kind]);
    dump_route(&p->route, out);
    strbuf_puts(out, p->uncacheable ? ", uncacheable" : "");
    strbuf_puts(out, p->uses_temporals_now ? ", now" : "");
    strbuf_puts(out, "\n");
    if (p->fragment.n_pieces) {
        strbuf_puts(out, "fragment: ");
        plan_dump_template(&p->fragment, out);
        strbuf_puts(out, "\n");
    }
    if (p->top)
        plan_dump_top(p->top, out);
    for (uint16_t i = 0; i < p->n_expr_params && p->top; i++) {
        strbuf_printf(out, "%s?%u=", i ? ", " : "values: ", i);
        dump_rvalue(p->expr_params[i], out);
        strbuf_puts(out, i + 1 == p->n_expr_params ? "\n" : "");
    }
    if (p->insert)
        dump_insert(p->insert, out);
    if (p->move) {
        strbuf_puts(out, "move: ");
        plan_dump_template(&p->move->select, out);
        strbuf_puts(out, "\n");
    }
    if (p->keyed) {
        strbuf_puts(out, "keys: ");
        plan_dump_template(&p->keyed->read->fragment, out);
        strbuf_puts(out, "\n");
        plan_dump_top(p->keyed->read->top, out);
        strbuf_puts(out, "then: ");
        plan_dump_template(&p->keyed->head, out);
        strbuf_puts(out, "{keys}");
        plan_dump_template(&p->keyed->tail, out);
        strbuf_puts(out, "\n");
    }
    for (uint16_t i = 0; i < p->n_set_branches; i++) {
        strbuf_printf(out, "branch %u: ", i);
        plan_dump(p->set_branches[i], out);
    }
    if (p->refusal.code)
        strbuf_printf(out, p->offload ? "offload: %s\n" : "refused: %s\n", p->refusal.text);
    for (uint16_t i = 0; p->refusal.code && p->offload && i < p->offload->n_inputs; i++) {
        strbuf_puts(out, "copy: ");
        plan_dump_template(&p->offload->inputs[i].read->fragment, out);
        strbuf_puts(out, "\n");
    }
}
