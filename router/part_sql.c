/* Partition functions as SQL text for the shards. Each canonical form of part_value.c has its twin
 * here; the test against live servers in t/unit/router_test.c holds the two together. */
#include "router/part-int.h"

#include "types/coll.h"

static void put_text_cast(struct strbuf *out, struct sv expr, bool fraction)
{
    if (fraction)
        strbuf_printf(out, "TRIM(TRAILING '.' FROM TRIM(TRAILING '0' FROM CAST(%.*s AS CHAR)))",
            SV_ARG(expr));
    else
        strbuf_printf(out, "CAST(%.*s AS CHAR)", SV_ARG(expr));
}

/* The bytes that one trailing space adds to a sort key; empty where the collation does not pad. */
static struct sv pad_weight(uint16_t coll, struct arena *a)
{
    const struct collation *c = coll_by_id(coll);
    struct strbuf one, two;

    if (!c || !c->pad_space)
        return SV("");
    strbuf_init(&one, a);
    strbuf_init(&two, a);
    coll_sortkey(coll, SV("x"), &one);
    coll_sortkey(coll, SV(" x"), &two);
    ASSERT(two.len >= one.len);
    return sv_make(two.ptr, two.len - one.len);
}

static void put_weights(struct strbuf *out, struct sv col, uint16_t coll, struct arena *a)
{
    struct sv pad = pad_weight(coll, a);

    if (!pad.len) {
        strbuf_printf(out, "WEIGHT_STRING(%.*s)", SV_ARG(col));
        return;
    }
    strbuf_puts(out, "TRIM(TRAILING x'");
    for (size_t i = 0; i < pad.len; i++)
        strbuf_printf(out, "%02x", (unsigned char)pad.ptr[i]);
    strbuf_printf(out, "' FROM WEIGHT_STRING(%.*s))", SV_ARG(col));
}

/* The canonical form of one column as an expression; col: its name with the alias, quoted. */
static void put_canonical(
    struct strbuf *out, const struct part_column *c, struct sv col, struct arena *a)
{
    bool fraction = c->type.decimals > 0 && c->type.decimals < TYPE_DECIMALS_FLOATING;

    switch (c->cls) {
    case PART_EXACT:
        put_text_cast(out, arena_printf(a, "%.*s + 0", SV_ARG(col)),
            fraction && type_kind_of(&c->type) == KIND_DEC);
        return;
    case PART_DATE:
        if (c->type.code == TYPE_DATETIME)
            put_text_cast(out, arena_printf(a, "%.*s + 0", SV_ARG(col)), fraction);
        else
            put_text_cast(out, arena_printf(a, "(%.*s + 0) * 1000000", SV_ARG(col)), false);
        return;
    case PART_TIME:
        put_text_cast(out, arena_printf(a, "%.*s + 0", SV_ARG(col)), fraction);
        return;
    case PART_TIMESTAMP:
        put_text_cast(out, arena_printf(a, "UNIX_TIMESTAMP(%.*s)", SV_ARG(col)), fraction);
        return;
    case PART_FLOAT:
        put_text_cast(out,
            arena_printf(a, "IF(ABS(%.*s) >= 1e15, 0, CAST(FLOOR(%.*s) AS SIGNED))", SV_ARG(col),
                SV_ARG(col)),
            false);
        return;
    case PART_BYTES:
        strbuf_putsv(out, col);
        return;
    case PART_TEXT:
        put_weights(out, col, c->type.coll, a);
        return;
    case PART_MEMBER:
        put_text_cast(out, arena_printf(a, "%.*s + 0", SV_ARG(col)), false);
        return;
    }
}

void part_hash_sql(const struct part *p, struct sv alias, struct strbuf *out)
{
    struct arena a;

    arena_init(&a, 0);
    strbuf_puts(out, "((CRC32(CONCAT(");
    if (p->expr) {
        struct strbuf x;

        strbuf_init(&x, &a);
        part_expr_print(p->expr, p->columns, alias, false, &x);
        strbuf_puts(out, "IFNULL(");
        put_text_cast(out, strbuf_sv(&x), false);
        strbuf_puts(out, ", x'00')");
    } else {
        for (uint32_t i = 0; i < p->columns_n; i++) {
            struct strbuf col;

            strbuf_init(&col, &a);
            part_put_column(&col, alias, p->columns[i].column->name);
            strbuf_puts(out, i ? ", x'1f', IFNULL(" : "IFNULL(");
            put_canonical(out, &p->columns[i], strbuf_sv(&col), &a);
            strbuf_puts(out, ", x'00')");
        }
    }
    strbuf_puts(out, ")) * 2654435769) & 4294967295)");
    arena_free(&a);
}

/* --- conditions --- */

/* Column k of the tuple, or the expression. */
static void put_tuple_item(const struct part *p, uint32_t k, struct sv alias, struct strbuf *out)
{
    if (p->expr)
        part_expr_print(p->expr, p->columns, alias, false, out);
    else
        part_put_column(out, alias, p->columns[k].column->name);
}

/* The row's tuple is below bound i: NULL is below everything, MAXVALUE above. Never NULL itself. */
static void put_below(
    const struct part *p, uint32_t i, uint32_t k, struct sv alias, struct strbuf *out)
{
    const struct part_bound *b = &p->bounds[(size_t)i * p->width + k];

    if (b->kind == CAT_BOUND_MAXVALUE) {
        strbuf_puts(out, "TRUE");
        return;
    }
    strbuf_putc(out, '(');
    put_tuple_item(p, k, alias, out);
    strbuf_puts(out, " IS NULL OR ");
    put_tuple_item(p, k, alias, out);
    strbuf_puts(out, " < ");
    value_print_sql(&b->v, false, out);
    if (k + 1 < p->width) {
        strbuf_puts(out, " OR (");
        put_tuple_item(p, k, alias, out);
        strbuf_puts(out, " = ");
        value_print_sql(&b->v, false, out);
        strbuf_puts(out, " AND ");
        put_below(p, i, k + 1, alias, out);
        strbuf_putc(out, ')');
    }
    strbuf_putc(out, ')');
}

/* Some tuple of LIST that belongs to partition `part` (any partition: part == p->n). */
static void put_listed(const struct part *p, uint32_t part, struct sv alias, struct strbuf *out)
{
    bool any = false;

    strbuf_putc(out, '(');
    for (uint32_t t = 0; t < p->tuples_n; t++) {
        if (part != p->n && p->tuple_part[t] != part)
            continue;
        strbuf_puts(out, any ? " OR (" : "(");
        any = true;
        for (uint32_t k = 0; k < p->width; k++) {
            strbuf_puts(out, k ? " AND " : "");
            put_tuple_item(p, k, alias, out);
            strbuf_puts(out, " <=> ");
            value_print_sql(&p->bounds[(size_t)t * p->width + k].v, false, out);
        }
        strbuf_putc(out, ')');
    }
    strbuf_puts(out, any ? ")" : "FALSE)");
}

void part_filter_sql(const struct part *p, uint32_t i, struct sv alias, struct strbuf *out)
{
    switch (p->method) {
    case CAT_PART_NONE:
        strbuf_puts(out, "TRUE");
        return;
    case CAT_PART_KEY:
    case CAT_PART_HASH:
        part_hash_sql(p, alias, out);
        strbuf_printf(out, " BETWEEN %u AND %u", i ? p->hash_hi[i - 1] + 1 : 0, p->hash_hi[i]);
        return;
    case CAT_PART_RANGE:
        if (i) {
            strbuf_puts(out, "NOT ");
            put_below(p, i - 1, 0, alias, out);
            strbuf_puts(out, " AND ");
        }
        put_below(p, i, 0, alias, out);
        return;
    case CAT_PART_LIST:
        put_listed(p, i, alias, out);
        if (p->default_part == (int32_t)i) {
            strbuf_puts(out, " OR NOT ");
            put_listed(p, p->n, alias, out);
        }
        return;
    }
}
