/* Tokens and templates. A template is made from the statement's own tokens, not from the tree: what the client wrote is
 * what a shard gets, except for the edits and the clauses that the split replaces. One blank stands for whatever blanks and comments
 * stood between two tokens, nothing where nothing stood (`COUNT(*)` must not become `COUNT (*)`). */
#include "optimizer/opt-int.h"

/* Index of the first token with begin >= byte. */
uint32_t opt_token_at(const struct opt *o, uint32_t byte)
{
    uint32_t lo = 0, hi = o->n_tokens;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (o->tokens[mid].begin < byte)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

uint32_t opt_token_past(const struct opt *o, uint32_t byte)
{
    return opt_token_at(o, byte);
}

void tmpl_init(struct tmpl *t, struct opt *o)
{
    *t = (struct tmpl){.o = o};
    strbuf_init(&t->text, o->scratch);
}

static void add_piece(struct tmpl *t, struct piece p)
{
    if (t->n == t->cap) {
        uint32_t cap = t->cap ? t->cap * 2 : 8;
        struct piece *grown = ARENA_NEW_N(t->o->scratch, struct piece, cap);

        if (t->n)
            memcpy(grown, t->pieces, t->n * sizeof *grown);
        t->pieces = grown;
        t->cap = cap;
    }
    t->pieces[t->n++] = p;
}

static void flush(struct tmpl *t)
{
    if (t->text.len == 0)
        return;
    add_piece(t, (struct piece){.kind = PIECE_TEXT, .text = arena_dup(t->o->arena, strbuf_sv(&t->text))});
    t->text.len = 0;
}

void tmpl_puts(struct tmpl *t, const char *s)
{
    strbuf_puts(&t->text, s);
}

void tmpl_put(struct tmpl *t, struct sv s)
{
    strbuf_putsv(&t->text, s);
}

void tmpl_ident(struct tmpl *t, struct sv name)
{
    strbuf_put_ident(&t->text, name);
}

void tmpl_table(struct tmpl *t, const struct cat_table *table)
{
    if (!optcat_renamed(table)) {
        tmpl_ident(t, table->name);
        return;
    }
    flush(t);
    add_piece(t, (struct piece){.kind = PIECE_TABLE, .table = table});
}

void tmpl_limit_sum(struct tmpl *t)
{
    flush(t);
    add_piece(t, (struct piece){.kind = PIECE_LIMIT_SUM});
}

void tmpl_place(struct tmpl *t)
{
    flush(t);
    add_piece(t, (struct piece){.kind = PIECE_PLACE});
}

void tmpl_rvalue(struct tmpl *t, const struct rvalue *v)
{
    switch (v->kind) {
    case RV_CONST:
        tmpl_put(t, v->text);
        return;
    case RV_LITERAL:
        tmpl_put(t, v->binary ? SV("_binary ") : SV(""));
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_LITERAL, .slot = v->slot});
        return;
    case RV_PARAM:
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_PARAM, .slot = v->slot});
        return;
    case RV_NEG:
        tmpl_puts(t, "- ");
        tmpl_rvalue(t, v->arg);
        return;
    case RV_SESSION:
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_SESSION_VALUE, .value = v->value, .global = v->global, .name = v->text});
        return;
    case RV_CALL: /* only to find places */
        return;
    case RV_TYPED:
        tmpl_puts(t, v->type == TYPE_DATE ? "DATE " : v->type == TYPE_TIME ? "TIME " : "TIMESTAMP ");
        tmpl_rvalue(t, v->arg);
        return;
    }
}

static void put_edit(struct tmpl *t, const struct edit *e)
{
    tmpl_put(t, e->prefix);
    switch (e->kind) {
    case EDIT_TEXT:
        break;
    case EDIT_TABLE:
        tmpl_table(t, e->table);
        break;
    case EDIT_SESSION_VALUE:
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_SESSION_VALUE, .value = e->value, .global = e->global, .name = e->name});
        break;
    case EDIT_AUTO_INCREMENT: /* only of INSERT's one-place form, which has no template */
        break;
    }
    tmpl_put(t, e->suffix);
}

static void put_token(struct tmpl *t, const struct token *k)
{
    if (lex_is_literal(k->kind)) {
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_LITERAL, .slot = k->slot});
    } else if (k->kind == TK_PARAM) {
        flush(t);
        add_piece(t, (struct piece){.kind = PIECE_PARAM, .slot = k->slot});
    } else {
        tmpl_put(t, sv_make(t->o->text.ptr + k->begin, k->end - k->begin));
    }
}

/* The first edit at or behind a token; edits are sorted. */
static uint32_t edit_from(const struct opt *o, uint32_t token)
{
    uint32_t i = 0;

    while (i < o->edits.n && o->edits.items[i].tok_begin < token)
        i++;
    return i;
}

void tmpl_tokens(struct tmpl *t, uint32_t begin, uint32_t end)
{
    const struct opt *o = t->o;
    uint32_t e = edit_from(o, begin);

    for (uint32_t i = begin; i < end;) {
        const struct edit *ed = e < o->edits.n && o->edits.items[e].tok_begin == i ? &o->edits.items[e] : NULL;

        if (ed && ed->tok_end > end)
            ed = NULL;
        if (i > begin && o->tokens[i].begin > o->tokens[i - 1].end)
            tmpl_puts(t, " ");
        if (ed) {
            put_edit(t, ed);
            e++;
            if (ed->tok_end > i) {
                i = ed->tok_end;
                continue;
            }
            /* An insertion: maybe another edit begins at the same token. */
            tmpl_puts(t, " ");
            if (e < o->edits.n && o->edits.items[e].tok_begin == i && o->edits.items[e].tok_end <= end) {
                put_edit(t, &o->edits.items[e]);
                i = MAX(i + 1, (uint32_t)o->edits.items[e].tok_end);
                e++;
                continue;
            }
        }
        put_token(t, &o->tokens[i]);
        i++;
    }
}

void tmpl_rest(struct tmpl *t, uint32_t begin)
{
    const struct opt *o = t->o;

    tmpl_tokens(t, begin, o->n_tokens);
    for (uint32_t e = edit_from(o, o->n_tokens); e < o->edits.n; e++)
        put_edit(t, &o->edits.items[e]);
}

void tmpl_range(struct tmpl *t, uint32_t begin_byte, uint32_t end_byte)
{
    tmpl_tokens(t, opt_token_at(t->o, begin_byte), opt_token_past(t->o, end_byte));
}

/* The parentheses around operands are not part of their nodes' ranges: a range that cuts a pair is widened to have both. */
static void balance(const struct opt *o, uint32_t *begin, uint32_t *end)
{
    int depth = 0, lowest = 0;

    for (uint32_t i = *begin; i < *end; i++) {
        depth += (o->tokens[i].kind == TK_LPAREN) - (o->tokens[i].kind == TK_RPAREN);
        lowest = MIN(lowest, depth);
    }
    for (int missing = -lowest; missing > 0 && *begin > 0 && o->tokens[*begin - 1].kind == TK_LPAREN; missing--)
        (*begin)--;
    for (int open = depth - lowest; open > 0 && *end < o->n_tokens && o->tokens[*end].kind == TK_RPAREN; open--)
        (*end)++;
}

void tmpl_node(struct tmpl *t, const struct ast_node *n)
{
    uint32_t b = opt_token_at(t->o, n->begin), e = opt_token_past(t->o, n->end);

    if (n->begin == n->end && n->kind == AST_STAR) {
        tmpl_puts(t, "*");
        return;
    }
    if (n->begin == n->end && n->kind == AST_COLUMN) { /* made by the planner: a column of `*` */
        tmpl_ident(t, AST_AS_CONST(column, n)->tbl.name);
        tmpl_puts(t, ".");
        tmpl_ident(t, AST_AS_CONST(column, n)->name.name);
        return;
    }
    balance(t->o, &b, &e);
    tmpl_tokens(t, b, e);
}

struct sql_template tmpl_finish(struct tmpl *t)
{
    struct piece *p;

    flush(t);
    p = ARENA_NEW_N(t->o->arena, struct piece, t->n ? t->n : 1);
    if (t->n)
        memcpy(p, t->pieces, t->n * sizeof *p);
    return (struct sql_template){p, t->n};
}
