/* One call of optimizer_plan: tokens, names, where the tables are, then the planner of the statement's kind.
 *
 * What is scratch (tokens, scopes, distributions) and what belongs to the plan (edits, templates, conditions) is in two
 * arenas from the start: nothing is copied at the end, and a cached plan holds no garbage. */
#include "optimizer/opt-int.h"

#include <stdio.h>

bool opt_unsupported(struct opt *o, const char *fmt, ...)
{
    char what[DIAG_TEXT_MAX - 80];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    return diag_set(o->diag, ER_NOT_SUPPORTED_YET, what);
}

void opt_refuse(struct opt *o, struct plan *p, struct sv what)
{
    char text[DIAG_TEXT_MAX - 80];

    (void)o;
    snprintf(text, sizeof text, "%.*s", SV_ARG(what));
    diag_set(&p->refusal, ER_NOT_SUPPORTED_YET, text);
    p->fragment = (struct sql_template){NULL, 0};
    p->top = NULL;
}

static bool read_tokens(struct opt *o, const struct sql_opts *opts)
{
    struct lex l;
    struct token t;
    uint32_t cap = 0;

    lex_init(&l, o->text, o->from, opts);
    for (lex_next(&l, &t); t.kind != TK_EOF && (t.kind != TK_SEMI || o->n_tokens == 0); lex_next(&l, &t)) {
        if (t.kind == TK_SEMI) /* empty statements in front */
            continue;
        if (t.kind == TK_ERROR)
            return diag_setf(o->diag, ER_INTERNAL, "Internal error: a statement that was parsed does not lex");
        if (o->n_tokens == cap) {
            struct token *grown;

            cap = cap ? cap * 2 : 64;
            grown = arena_alloc(o->scratch, cap * sizeof *grown);
            if (o->n_tokens)
                memcpy(grown, o->tokens, o->n_tokens * sizeof *grown);
            o->tokens = grown;
        }
        o->tokens[o->n_tokens++] = t;
    }
    return true;
}

/* ---- the whole statement ---- */

struct whole opt_whole(const struct opt *o)
{
    struct whole w = {0};

    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];
        uint32_t shard;

        if (s->kind != SRC_TABLE || s->table->kind == CAT_BROADCAST)
            continue;
        if (optcat_is_partitioned(s->table)) {
            if (!w.part)
                w.part = s->table;
            else if (!w.why.ptr && !cat_same_group(w.part, s->table))
                w.why = arena_printf(o->scratch, "tables `%.*s` and `%.*s`, which are partitioned differently, in one query",
                    SV_ARG(w.part->name), SV_ARG(s->table->name));
            continue;
        }
        shard = optcat_single_shard(s->table);
        if (!w.single)
            w.single = s->table;
        else if (!w.why.ptr && shard != optcat_single_shard(w.single))
            w.why = arena_printf(o->scratch, "tables `%.*s` and `%.*s`, which are on different shards, in one query",
                SV_ARG(w.single->name), SV_ARG(s->table->name));
    }
    return w;
}

void opt_route_simple(struct opt *o, const struct whole *w)
{
    struct route *r = &o->plan->route;

    r->kind = w->part ? ROUTE_PARTITIONS : w->single ? ROUTE_ONE_SHARD : ROUTE_ANY_SHARD;
    r->table = w->part;
    if (w->single && w->part)
        r->also_shard = optcat_single_shard(w->single);
    else if (w->single)
        r->shard_id = optcat_single_shard(w->single);
}

void opt_route_cond(struct plan *p, const struct route_cond *c)
{
    struct route *r = &p->route;

    r->cond = c;
    if (c && c->kind == RC_CMP && c->cmp == RCMP_EQ && !c->other && optcat_n_keys(r->table) == 1)
        r->point = c->values[0];
}

/* ---- DO and the like ---- */

static bool plan_do(struct opt *o)
{
    struct block *bl = bind_new_block(&o->binder, o->stmt, NULL, NULL);
    struct whole w;

    AST_EACH(slot, &AST_AS(do, o->stmt)->exprs)
    if (!bind_expr(&o->binder, bl, AST_AS(select_item, *slot)->expr, bl->ctx, NULL))
        return false;
    if (!opt_edits_collect(o))
        return false;
    w = opt_whole(o);
    if (w.why.ptr)
        return opt_unsupported(o, "%.*s", SV_ARG(w.why));
    opt_route_simple(o, &w);
    if (w.part) {
        o->plan->route.one_place = true;
        opt_route_cond(o->plan, place_any_cond(&o->placer, NULL));
        opt_refuse(o, o->plan, SV("DO with a subquery over a partitioned table"));
    }
    o->plan->kind = PLAN_OTHER;
    o->plan->reads_only = true;
    return true;
}

static bool plan_statement(struct opt *o)
{
    if (ast_is_query(o->stmt))
        return opt_plan_query(o);
    switch ((enum ast_kind)o->stmt->kind) {
    case AST_INSERT:
        return opt_plan_insert(o);
    case AST_UPDATE:
        return opt_plan_update(o);
    case AST_DELETE:
        return opt_plan_delete(o);
    case AST_DO:
        return plan_do(o);
    default:
        return opt_unsupported(o, "%s statement", ast_kind_name(o->stmt->kind));
    }
}

/* DDL wants to know which tables a statement uses while it runs. */
static void keep_tables(struct opt *o)
{
    const struct cat_table **all = ARENA_NEW_N(o->arena, const struct cat_table *, o->binder.n_sources + 1u);
    struct plan *p = o->plan;

    p->tables = all;
    for (unsigned i = 0; i < o->binder.n_sources; i++) {
        const struct source *s = o->binder.sources[i];
        bool known = s->kind != SRC_TABLE;

        for (unsigned k = 0; k < p->n_tables && !known; k++)
            known = all[k] == s->table;
        if (known)
            continue;
        all[p->n_tables++] = s->table;
        p->is_held |= s->table->state == CAT_HELD;
    }
    p->uncacheable |= p->is_held;
}

static uint16_t count_params(const struct opt *o)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < o->n_tokens; i++)
        n += o->tokens[i].kind == TK_PARAM;
    return (uint16_t)MIN(n, (uint32_t)UINT16_MAX);
}

struct plan *optimizer_plan(const struct ast_node *stmt, const struct opt_text *text, const struct cat_snapshot *snap,
    const struct opt_env *env, struct diag *d)
{
    struct plan *p = xcalloc(1, sizeof *p);
    struct arena scratch;
    struct opt o = {
        .scratch = &scratch,
        .arena = &p->arena,
        .plan = p,
        .diag = d,
        .env = env,
        .snap = snap,
        .text = text->text,
        .from = text->from,
        /* The walker's interface is for trees that may change; nothing here changes the statement. */
        .stmt = (struct ast_node *)(uintptr_t)stmt,
    };
    bool ok;

    diag_clear(d);
    arena_init(&scratch, 0);
    arena_init(&p->arena, 0);
    p->refs = 1;
    p->catalog_version = snap->version;
    o.binder = (struct binder){.arena = &scratch, .snap = snap, .env = env, .diag = d};
    o.placer = (struct placer){.arena = &scratch, .plan_arena = &p->arena, .b = &o.binder};
    ok = read_tokens(&o, text->opts);
    if (ok) {
        p->n_params = count_params(&o);
        opt_find_assigned(&o);
        ok = plan_statement(&o);
        if (ok && o.binder.sequence)
            ok = opt_unsupported(&o, "sequences in a statement");
    }
    if (ok) {
        keep_tables(&o);
        p->expr_params = o.expr_params;
        p->n_expr_params = o.n_expr_params;
        if (p->returns_rows && p->n_into_vars)
            p->returns_rows = false;
        if (p->offload)
            opt_offload_finish(&o);
    } else {
        plan_release(p);
        p = NULL;
    }
    arena_free(&scratch);
    return p;
}

void plan_release(struct plan *p)
{
    if (!p || --p->refs)
        return;
    arena_free(&p->arena);
    xfree(p);
}
