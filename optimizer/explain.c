/* The same three steps as an execution (route, then splice or render), with the texts kept instead of sent. Rows of an INSERT are put
 * together by partition as the executor does; AUTO_INCREMENT values are not drawn, they show as DEFAULT. */
#include "optimizer/explain.h"

#include "catalog/snapshot.h"
#include "optimizer/optcat.h"

struct ex {
    const struct plan_inputs *in;
    const struct cat_snapshot *snap;
    struct arena *a;
    struct explain *out;
    uint32_t cap;
    struct diag *d;
};

static void add(struct ex *x, const struct cat_table *t, uint32_t partition, uint32_t shard_id, struct sv sql)
{
    const struct cat_shard *s = cat_find_shard_id(x->snap, shard_id);
    struct explain_row *r;

    if (x->out->n_rows == x->cap) {
        uint32_t cap = x->cap ? x->cap * 2 : 8;
        struct explain_row *grown = ARENA_NEW_N(x->a, struct explain_row, cap);

        if (x->out->n_rows)
            memcpy(grown, x->out->rows, x->out->n_rows * sizeof *grown);
        x->out->rows = grown;
        x->cap = cap;
    }
    r = &x->out->rows[x->out->n_rows++];
    r->shard = s ? s->name : SV("?");
    r->sql = sql;
    if (t && t->kind == CAT_PARTITIONED && partition < t->parts_n)
        r->place = arena_printf(x->a, "%.*s %.*s", SV_ARG(t->name), SV_ARG(t->parts[partition].name));
    else
        r->place = SV("");
}

static struct sv insert_text(struct ex *x, const struct insert_plan *p, const uint32_t *part_of_row, uint32_t part)
{
    struct strbuf b;
    bool first = true;

    strbuf_init(&b, x->a);
    optimizer_render(&p->head, x->in, NULL, part, x->a, &b);
    for (uint32_t r = 0; r < p->n_rows; r++) {
        if (part_of_row[r] != part)
            continue;
        strbuf_puts(&b, first ? "(" : ", (");
        first = false;
        for (uint32_t c = 0; c < p->n_cols; c++) {
            strbuf_puts(&b, c ? ", " : "");
            optimizer_render(&p->cells[r * p->n_cols + c], x->in, NULL, part, x->a, &b);
        }
        strbuf_puts(&b, ")");
    }
    optimizer_render(&p->tail, x->in, NULL, part, x->a, &b);
    return strbuf_sv(&b);
}

/* Partition of a row; UINT32_MAX: known only when it runs (a generated value, an expression). */
static bool row_partition(struct ex *x, const struct insert_plan *p, uint32_t row, uint32_t *out)
{
    const struct part *part = part_of(p->table);
    struct value *v = ARENA_NEW_N(x->a, struct value, part->columns_n);

    *out = UINT32_MAX;
    for (uint32_t k = 0; k < part->columns_n; k++) {
        const struct rvalue *rv = p->keys[row * part->columns_n + k];

        if (!rv || !optimizer_value(rv, x->in, x->a, &v[k]))
            return true;
    }
    switch (part_route_row(part, v, x->in->env, x->a, out, x->d)) {
    case PART_OK:
        return true;
    case PART_NONE:
        return false;
    case PART_UNSURE:
        break;
    }
    *out = UINT32_MAX;
    return true;
}

static bool explain_insert(struct ex *x, const struct insert_plan *p)
{
    uint32_t *part = ARENA_NEW_N(x->a, uint32_t, p->n_rows ? p->n_rows : 1);

    if (p->table->kind == CAT_BROADCAST) {
        struct placeset all;

        placeset_all_shards(&all, x->snap, x->a);
        for (uint32_t i = 0; i < all.n; i++)
            add(x, NULL, 0, all.items[i].shard_id, insert_text(x, p, part, 0));
        return true;
    }
    for (uint32_t r = 0; r < p->n_rows; r++)
        if (!row_partition(x, p, r, &part[r]))
            return false;
    for (uint32_t i = 0; i < p->table->parts_n; i++)
        for (uint32_t r = 0; r < p->n_rows; r++)
            if (part[r] == i) {
                add(x, p->table, i, p->table->parts[i].shard_id, insert_text(x, p, part, i));
                break;
            }
    for (uint32_t r = 0; r < p->n_rows; r++)
        if (part[r] == UINT32_MAX) {
            struct explain_row *last;

            add(x, NULL, 0, 0, insert_text(x, p, part, UINT32_MAX));
            last = &x->out->rows[x->out->n_rows - 1];
            last->shard = SV("(by the value)");
            break;
        }
    return true;
}

/* The reading of the keys, then what is done with those of each place. */
static bool explain_keyed(struct ex *x, const struct plan *p, const struct placeset *places)
{
    const struct keyed_plan *k = p->keyed;

    for (uint32_t i = 0; i < places->n; i++) {
        struct strbuf b;

        strbuf_init(&b, x->a);
        optimizer_render(&k->read->fragment, x->in, &k->read->top->limit, places->items[i].partition, x->a, &b);
        add(x, p->route.table, places->items[i].partition, places->items[i].shard_id, strbuf_sv(&b));
    }
    for (uint32_t i = 0; i < places->n; i++) {
        const struct sql_template *head = p->move ? &p->move->keyed_select : &k->head;
        struct strbuf b;

        strbuf_init(&b, x->a);
        optimizer_render(head, x->in, NULL, places->items[i].partition, x->a, &b);
        strbuf_puts(&b, " WHERE (");
        for (uint16_t c = 0; c < k->n_key_cols; c++) {
            strbuf_puts(&b, c ? ", " : "");
            strbuf_put_ident(&b, k->table->columns[k->key_cols[c]].name);
        }
        strbuf_puts(&b, ") IN (keys)");
        optimizer_render(p->move ? &p->move->keyed_tail : &k->tail, x->in, NULL, places->items[i].partition, x->a, &b);
        add(x, p->route.table, places->items[i].partition, places->items[i].shard_id, strbuf_sv(&b));
    }
    return true;
}

/* What is read of each table, and the statement over the copies. */
static bool explain_offload(struct ex *x, const struct offload_plan *f)
{
    struct strbuf b;

    for (uint16_t i = 0; i < f->n_inputs; i++) {
        const struct plan *read = f->inputs[i].read;
        struct placeset places;

        if (!optimizer_route(read, x->in, x->snap, x->a, &places, x->d))
            return false;
        for (uint32_t k = 0; k < places.n; k++) {
            strbuf_init(&b, x->a);
            optimizer_render(&read->fragment, x->in, NULL, places.items[k].partition, x->a, &b);
            add(x, read->route.table, places.items[k].partition, places.items[k].shard_id, strbuf_sv(&b));
        }
    }
    strbuf_init(&b, x->a);
    optimizer_splice(f->last, x->in, 0, 0, &b);
    add(x, NULL, 0, 0, strbuf_sv(&b));
    x->out->rows[x->out->n_rows - 1].shard = SV("(any)");
    x->out->stages = SV("rows are copied to one shard, where the statement runs over the copies");
    return true;
}

static bool explain_one(struct ex *x, const struct plan *p, bool branch)
{
    struct placeset places;
    bool several;

    if (p->n_set_branches && p->route.split_only) {
        for (uint16_t i = 0; i < p->n_set_branches; i++)
            if (!explain_one(x, p->set_branches[i], true))
                return false;
        return true;
    }
    if (p->insert && p->insert->values_form)
        return explain_insert(x, p->insert);
    if (!optimizer_route(p, x->in, x->snap, x->a, &places, x->d))
        return false;
    if (places.n == 0)
        return explain_offload(x, p->offload);
    several = places.n > 1 || branch;
    if (several && p->n_set_branches) {
        for (uint16_t i = 0; i < p->n_set_branches; i++)
            if (!explain_one(x, p->set_branches[i], true))
                return false;
        return true;
    }
    if (several && p->keyed)
        return explain_keyed(x, p, &places);
    if (several && !p->fragment.n_pieces) {
        *x->d = p->refusal;
        return x->d->code ? false : diag_set(x->d, ER_NOT_SUPPORTED_YET, "this statement over several places");
    }
    for (uint32_t i = 0; i < places.n; i++) {
        struct strbuf b;

        strbuf_init(&b, x->a);
        if (p->kind == PLAN_MOVE && !optimizer_move_is_local(p, x->in, &places, x->a))
            optimizer_render(&p->move->select, x->in, NULL, places.items[i].partition, x->a, &b);
        else if (several)
            optimizer_render(&p->fragment, x->in, p->top ? &p->top->limit : NULL, places.items[i].partition, x->a, &b);
        else
            optimizer_splice(p, x->in, places.items[i].partition, 0, &b);
        add(x, p->route.table, places.items[i].partition, places.items[i].shard_id, strbuf_sv(&b));
    }
    return true;
}

bool explain_plan(const struct plan *p, const struct plan_inputs *in, const struct cat_snapshot *snap, struct arena *a,
    struct explain *out, struct diag *d)
{
    struct ex x = {in, snap, a, out, 0, d};

    *out = (struct explain){.stages = SV("")};
    if (!explain_one(&x, p, false))
        return false;
    if (p->keyed && out->n_rows > 1) {
        struct strbuf b;

        strbuf_init(&b, a);
        strbuf_puts(&b, "keys under lock, ");
        plan_dump_top(p->keyed->read->top, &b);
        b.len = sv_trim(strbuf_sv(&b)).len;
        strbuf_puts(&b, p->kind == PLAN_MOVE ? "; rows of these keys move, in one transaction" : "; rows by key, in one transaction");
        out->stages = strbuf_sv(&b);
    } else if (p->kind == PLAN_MOVE) {
        out->stages = SV("rows whose place changes are carried to where they belong, then changed, in one transaction");
    } else if (out->n_rows > 1 && p->top) {
        struct strbuf b;

        strbuf_init(&b, a);
        plan_dump_top(p->top, &b);
        out->stages = sv_trim(strbuf_sv(&b));
    }
    return true;
}
