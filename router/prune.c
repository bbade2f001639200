/* Pruning.
 *
 * A predicate becomes a union of boxes: one restriction for each partition column, which is any
 * value, a list of points (NULL is a point), or a range (which has no NULL in it). AND intersects
 * boxes pairwise, OR puts them together; where there would be more than LIMIT_RANGE_SETS, a
 * conjunct is left out or everything is allowed, which is sound: boxes only ever grow.
 *
 * Then each box is turned into partitions by the method:
 *   KEY, HASH    all columns points: each combination is hashed; short ranges of integers count
 *   RANGE        points of the leading columns, then one range: the partitions between its ends
 *   LIST         the partitions of the tuples in the box, and DEFAULT unless every point is listed
 *   expressions  points are evaluated; a range passes through an expression that is monotone
 *
 * Expressions over dates may give NULL for values that are not, so what a range gives includes
 * NULL's partition there.
 *
 * A literal becomes a restriction by types/cast.h's cast_compare, the one place that knows MySQL's
 * rules for comparing a column with a value; anything but an exact or a rounded answer restricts
 * nothing. */
#include "router/prune.h"

#include "router/part-int.h"
#include "types/cast.h"
#include "types/temporal.h"
#include "util/array.h"

/* --- sets --- */

static size_t words(uint32_t n)
{
    return (n + 63) / 64;
}

void partset_init(struct partset *s, uint32_t n, struct arena *a)
{
    s->n = n;
    s->bits = ARENA_NEW_N(a, uint64_t, words(n));
}

void partset_add(struct partset *s, uint32_t i)
{
    ASSERT(i < s->n);
    s->bits[i / 64] |= UINT64_C(1) << (i % 64);
}

void partset_add_range(struct partset *s, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i <= to && i < s->n; i++)
        partset_add(s, i);
}

void partset_add_all(struct partset *s)
{
    if (s->n)
        partset_add_range(s, 0, s->n - 1);
}

bool partset_has(const struct partset *s, uint32_t i)
{
    return i < s->n && (s->bits[i / 64] >> (i % 64) & 1);
}

uint32_t partset_count(const struct partset *s)
{
    uint32_t n = 0;

    for (size_t i = 0; i < words(s->n); i++)
        n += (uint32_t)__builtin_popcountll(s->bits[i]);
    return n;
}

uint32_t partset_next(const struct partset *s, uint32_t from)
{
    for (size_t w = from / 64; w < words(s->n); w++) {
        uint64_t bits = s->bits[w];

        if (w == from / 64)
            bits &= UINT64_MAX << (from % 64);
        if (bits)
            return (uint32_t)(w * 64) + (uint32_t)__builtin_ctzll(bits);
    }
    return s->n;
}

void partset_or(struct partset *to, const struct partset *from)
{
    for (size_t i = 0; i < words(to->n); i++)
        to->bits[i] |= from->bits[i];
}

void partset_and(struct partset *to, const struct partset *from)
{
    for (size_t i = 0; i < words(to->n); i++)
        to->bits[i] &= from->bits[i];
}

/* --- restrictions --- */

enum restr_kind { R_ANY, R_POINTS, R_RANGE };

struct restr {
    enum restr_kind kind;
    const struct value *points; /* stored values; R_POINTS */
    uint32_t n;
    bool has_lo, has_hi, hi_open; /* R_RANGE; an open lower end is treated as closed */
    struct value lo, hi;
};

ARRAY_OF(box_array, struct restr *); /* each box: columns_n restrictions */

struct pruner {
    const struct part *p;
    const struct env *e;
    struct arena *a;
};

static struct restr *new_box(struct pruner *pr)
{
    return ARENA_NEW_N(pr->a, struct restr, pr->p->columns_n);
}

static bool is_empty(const struct restr *r)
{
    return r->kind == R_POINTS && r->n == 0;
}

static int cmp(struct pruner *pr, uint32_t col, const struct value *a, const struct value *b)
{
    return part_value_cmp(&pr->p->columns[col], a, b);
}

static bool in_range(struct pruner *pr, uint32_t col, const struct restr *r, const struct value *v)
{
    int c;

    if (value_is_null(v) || (r->has_lo && cmp(pr, col, v, &r->lo) < 0))
        return false;
    if (!r->has_hi)
        return true;
    c = cmp(pr, col, v, &r->hi);
    return c < 0 || (c == 0 && !r->hi_open);
}

static bool is_in(struct pruner *pr, uint32_t col, const struct restr *r, const struct value *v)
{
    if (r->kind == R_ANY)
        return true;
    if (r->kind == R_RANGE)
        return in_range(pr, col, r, v);
    for (uint32_t i = 0; i < r->n; i++) {
        if (cmp(pr, col, &r->points[i], v) == 0)
            return true;
    }
    return false;
}

static struct restr keep_points(
    struct pruner *pr, uint32_t col, const struct restr *points, const struct restr *other)
{
    struct value *v = ARENA_NEW_N(pr->a, struct value, points->n);
    struct restr out = {.kind = R_POINTS, .points = v};

    for (uint32_t i = 0; i < points->n; i++) {
        if (is_in(pr, col, other, &points->points[i]))
            v[out.n++] = points->points[i];
    }
    return out;
}

static struct restr intersect(
    struct pruner *pr, uint32_t col, const struct restr *x, const struct restr *y)
{
    struct restr out;

    if (x->kind == R_ANY)
        return *y;
    if (y->kind == R_ANY)
        return *x;
    if (x->kind == R_POINTS)
        return keep_points(pr, col, x, y);
    if (y->kind == R_POINTS)
        return keep_points(pr, col, y, x);
    out = *x;
    if (y->has_lo && (!out.has_lo || cmp(pr, col, &y->lo, &out.lo) > 0)) {
        out.has_lo = true;
        out.lo = y->lo;
    }
    if (y->has_hi) {
        int c = out.has_hi ? cmp(pr, col, &y->hi, &out.hi) : -1;

        if (c < 0 || (c == 0 && y->hi_open)) {
            out.has_hi = true;
            out.hi = y->hi;
            out.hi_open = y->hi_open;
        }
    }
    if (out.has_lo && out.has_hi && cmp(pr, col, &out.lo, &out.hi) > 0)
        return (struct restr){.kind = R_POINTS};
    return out;
}

static const struct restr restr_none = {.kind = R_POINTS};
static const struct restr restr_not_null = {.kind = R_RANGE};

static struct restr point(struct pruner *pr, const struct value *v)
{
    struct value *copy = ARENA_NEW(pr->a, struct value);

    *copy = *v;
    return (struct restr){.kind = R_POINTS, .points = copy, .n = 1};
}

static bool is_int(const struct value *v)
{
    return v->kind == KIND_I64 || v->kind == KIND_U64;
}

static struct restr below(const struct value *v, bool open)
{
    /* Open ends of integers become closed ones, which pass through expressions. */
    if (open && is_int(v) && part_int_of(v) > INT64_MIN)
        return (struct restr){
            .kind = R_RANGE, .has_hi = true, .hi = part_int_value(part_int_of(v) - 1)};
    return (struct restr){.kind = R_RANGE, .has_hi = true, .hi = *v, .hi_open = open};
}

static struct restr above(const struct value *v, bool open)
{
    if (open && is_int(v) && part_int_of(v) < UINT64_MAX)
        return (struct restr){
            .kind = R_RANGE, .has_lo = true, .lo = part_int_value(part_int_of(v) + 1)};
    return (struct restr){.kind = R_RANGE, .has_lo = true, .lo = *v};
}

static struct restr compare_member(
    struct pruner *pr, const struct part_column *c, enum prune_op op, const struct value *v)
{
    struct value stored;

    /* `<` compares names, which are not in the order of the numbers. */
    if ((op != PRUNE_EQ && op != PRUNE_NULLSAFE_EQ) ||
        !part_store_value(c, v, pr->e, pr->a, &stored))
        return restr_not_null;
    return point(pr, &stored);
}

/* What `column op v` says of the column. */
static struct restr compare(
    struct pruner *pr, uint32_t col, enum prune_op op, const struct value *v)
{
    const struct part_column *c = &pr->p->columns[col];
    struct value out;
    int side = 0;

    if (value_is_null(v))
        return op == PRUNE_NULLSAFE_EQ ? point(pr, v) : restr_none;
    if (c->cls == PART_MEMBER)
        return compare_member(pr, c, op, v);
    switch (cast_compare(v, &c->type, pr->e, pr->a, &out, &side)) {
    case CAST_EXACT:
        if (op == PRUNE_EQ || op == PRUNE_NULLSAFE_EQ)
            return point(pr, &out);
        if (op == PRUNE_LT || op == PRUNE_LE)
            return below(&out, op == PRUNE_LT);
        return above(&out, op == PRUNE_GT);
    case CAST_ROUNDED: /* out is the greatest value below v */
        if (op == PRUNE_LT || op == PRUNE_LE)
            return below(&out, false);
        return op == PRUNE_GT || op == PRUNE_GE ? above(&out, true) : restr_not_null;
    case CAST_TRUNCATED:
    case CAST_OUT_OF_RANGE:
    case CAST_INVALID:
        break;
    }
    return restr_not_null;
}

/* --- predicates to boxes --- */

static void boxes_of(struct pruner *pr, const struct prune_cond *c, struct box_array *out);

static void add_any(struct pruner *pr, struct box_array *out)
{
    array_push(out, pr->a, new_box(pr));
}

static void add_one(struct pruner *pr, uint32_t col, struct restr r, struct box_array *out)
{
    struct restr *box;

    if (is_empty(&r))
        return;
    box = new_box(pr);
    box[col] = r;
    array_push(out, pr->a, box);
}

static void boxes_of_in(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    struct value *points = ARENA_NEW_N(pr->a, struct value, c->values_n);
    struct restr all = {.kind = R_POINTS, .points = points};

    for (uint32_t i = 0; i < c->values_n; i++) {
        struct restr r = compare(pr, c->col, PRUNE_EQ, &c->values[i]);

        if (r.kind != R_POINTS) {
            add_one(pr, c->col, r, out);
            return;
        }
        if (r.n)
            points[all.n++] = r.points[0];
    }
    add_one(pr, c->col, all, out);
}

static bool add_to_box(struct pruner *pr, struct restr *box, uint32_t col, struct restr r)
{
    box[col] = intersect(pr, col, &box[col], &r);
    return !is_empty(&box[col]);
}

static void boxes_of_tuple_in(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    for (uint32_t row = 0; row + c->columns_n <= c->values_n; row += c->columns_n) {
        struct restr *box = new_box(pr);
        bool alive = true;

        for (uint32_t i = 0; alive && i < c->columns_n; i++)
            alive = add_to_box(
                pr, box, c->columns[i], compare(pr, c->columns[i], PRUNE_EQ, &c->values[row + i]));
        if (alive)
            array_push(out, pr->a, box);
    }
}

/* (a, b) < (x, y) is a < x, or a = x and b < y; so one box for each length of the equal part. */
static void boxes_of_tuple_cmp(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    bool less = c->op == PRUNE_LT || c->op == PRUNE_LE;

    for (uint32_t equal = 0; equal < c->columns_n; equal++) {
        struct restr *box = new_box(pr);
        bool alive = true, last = equal + 1 == c->columns_n;
        enum prune_op op = last ? c->op : less ? PRUNE_LT : PRUNE_GT;

        for (uint32_t i = 0; alive && i < equal; i++)
            alive = add_to_box(
                pr, box, c->columns[i], compare(pr, c->columns[i], PRUNE_EQ, &c->values[i]));
        if (alive && add_to_box(pr, box, c->columns[equal],
                         compare(pr, c->columns[equal], op, &c->values[equal])))
            array_push(out, pr->a, box);
    }
}

static void boxes_and(
    struct pruner *pr, const struct box_array *x, const struct box_array *y, struct box_array *out)
{
    if (x->n * y->n > LIMIT_RANGE_SETS) {
        *out = x->n < y->n ? *x : *y; /* leaving a conjunct out is sound */
        return;
    }
    for (size_t i = 0; i < x->n; i++) {
        for (size_t k = 0; k < y->n; k++) {
            struct restr *box = new_box(pr);
            bool alive = true;

            for (uint32_t col = 0; alive && col < pr->p->columns_n; col++) {
                box[col] = intersect(pr, col, &x->v[i][col], &y->v[k][col]);
                alive = !is_empty(&box[col]);
            }
            if (alive)
                array_push(out, pr->a, box);
        }
    }
}

static void boxes_of_and(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    struct box_array now = {0};

    add_any(pr, &now);
    for (uint32_t i = 0; i < c->args_n; i++) {
        struct box_array arg = {0}, both = {0};

        boxes_of(pr, c->args[i], &arg);
        boxes_and(pr, &now, &arg, &both);
        now = both;
    }
    *out = now;
}

static void boxes_of_or(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    for (uint32_t i = 0; i < c->args_n; i++) {
        struct box_array arg = {0};

        boxes_of(pr, c->args[i], &arg);
        array_append(out, pr->a, arg.v, arg.n);
        if (out->n > LIMIT_RANGE_SETS) {
            out->n = 0;
            add_any(pr, out);
            return;
        }
    }
}

static void boxes_of(struct pruner *pr, const struct prune_cond *c, struct box_array *out)
{
    struct value null = value_null();

    switch (c->kind) {
    case PRUNE_TRUE:
        add_any(pr, out);
        return;
    case PRUNE_FALSE:
        return;
    case PRUNE_AND:
        boxes_of_and(pr, c, out);
        return;
    case PRUNE_OR:
        boxes_of_or(pr, c, out);
        return;
    case PRUNE_CMP:
        add_one(pr, c->col, compare(pr, c->col, c->op, &c->values[0]), out);
        return;
    case PRUNE_IN:
        boxes_of_in(pr, c, out);
        return;
    case PRUNE_IS_NULL:
        /* Zero dates are NULL to IS NULL where the column is NOT NULL. */
        if (!pr->p->columns[c->col].column->nullable &&
            (pr->p->columns[c->col].cls == PART_DATE ||
                pr->p->columns[c->col].cls == PART_TIMESTAMP)) {
            add_any(pr, out);
            return;
        }
        add_one(pr, c->col, point(pr, &null), out);
        return;
    case PRUNE_NOT_NULL:
        add_one(pr, c->col, restr_not_null, out);
        return;
    case PRUNE_TUPLE_IN:
        boxes_of_tuple_in(pr, c, out);
        return;
    case PRUNE_TUPLE_CMP:
        boxes_of_tuple_cmp(pr, c, out);
        return;
    }
}

/* --- boxes to partitions --- */

enum { MAX_COMBINATIONS = 65536, MAX_RANGE_POINTS = 1024 };

/* A short range of integers as points. Only where points help: hashes. */
static void range_to_points(struct pruner *pr, struct restr *r)
{
    uint32_t max = MIN(pr->p->n * 4, (uint32_t)MAX_RANGE_POINTS);
    struct value *v;
    __int128 lo, hi;

    if (r->kind != R_RANGE || !r->has_lo || !r->has_hi || !is_int(&r->lo) || !is_int(&r->hi))
        return;
    lo = part_int_of(&r->lo);
    hi = part_int_of(&r->hi);
    if (hi - lo >= max)
        return;
    v = ARENA_NEW_N(pr->a, struct value, max);
    *r = (struct restr){.kind = R_POINTS, .points = v};
    for (__int128 i = lo; i <= hi; i++)
        v[r->n++] = part_int_value(i);
}

static bool all_points(const struct pruner *pr, const struct restr *box)
{
    uint64_t combinations = 1;

    for (uint32_t i = 0; i < pr->p->columns_n; i++) {
        if (box[i].kind != R_POINTS)
            return false;
        combinations *= box[i].n;
        if (combinations > MAX_COMBINATIONS)
            return false;
    }
    return true;
}

/* The partition of every combination of points. False: one is unsure. */
static bool add_points(struct pruner *pr, const struct restr *box, struct partset *out)
{
    const struct part *p = pr->p;
    uint32_t at[LIMIT_PARTITION_COLUMNS] = {0}, k;
    struct value v[LIMIT_PARTITION_COLUMNS];

    do {
        uint32_t partition;
        enum part_result r;

        for (uint32_t i = 0; i < p->columns_n; i++)
            v[i] = box[i].points[at[i]];
        r = part_route_stored(p, v, pr->e, pr->a, &partition, NULL);
        if (r == PART_UNSURE)
            return false;
        if (r == PART_OK)
            partset_add(out, partition);
        for (k = 0; k < p->columns_n && ++at[k] == box[k].n; k++)
            at[k] = 0;
    } while (k < p->columns_n);
    return true;
}

/* The first partition whose bound compares with the first n values as wanted (min 1: above; 0: not
 * below); p->n: none. */
static uint32_t first_bound(const struct part *p, const struct value *v, uint32_t n, int min)
{
    uint32_t lo = 0, hi = p->n;

    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (part_bound_cmp(p, mid, v, n) < min)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* RANGE COLUMNS: v holds the first k values; column k and those behind it are still open. */
static void add_range_columns(
    struct pruner *pr, const struct restr *box, struct value *v, uint32_t k, struct partset *out)
{
    const struct part *p = pr->p;
    const struct restr *r = &box[k];
    uint32_t from, to;

    if (k == p->width) {
        from = part_range_locate(p, v);
        if (from < p->n)
            partset_add(out, from);
        return;
    }
    if (r->kind == R_POINTS) {
        for (uint32_t i = 0; i < r->n; i++) {
            v[k] = r->points[i];
            add_range_columns(pr, box, v, k + 1, out);
        }
        return;
    }
    for (uint32_t i = k; i < p->width; i++)
        v[i] = value_null();
    if (r->kind == R_RANGE && r->has_lo)
        v[k] = r->lo;
    from = part_range_locate(p, v);
    if (from == p->n)
        return;
    if (r->kind == R_RANGE && r->has_hi) {
        v[k] = r->hi;
        to = first_bound(p, v, k + 1, r->hi_open && k + 1 == p->width ? 0 : 1);
    } else {
        to = k ? first_bound(p, v, k, 1) : p->n - 1;
    }
    if (from <= to)
        partset_add_range(out, from, MIN(to, p->n - 1));
}

static void add_list_columns(struct pruner *pr, const struct restr *box, struct partset *out)
{
    const struct part *p = pr->p;

    for (uint32_t t = 0; t < p->tuples_n; t++) {
        bool in = true;

        for (uint32_t i = 0; in && i < p->width; i++)
            in = is_in(pr, i, &box[i], &p->bounds[(size_t)t * p->width + i].v);
        if (in)
            partset_add(out, p->tuple_part[t]);
    }
    if (p->default_part >= 0)
        partset_add(out, (uint32_t)p->default_part);
}

/* --- expressions --- */

/* The expression's values for a range of its column: [lo, hi], each end maybe open. False: nothing
 * is known. */
struct expr_range {
    bool has_lo, has_hi;
    __int128 lo, hi;
};

static bool eval_at(struct pruner *pr, uint32_t col, const struct value *v, __int128 *out)
{
    struct value stored[LIMIT_PARTITION_COLUMNS];

    for (uint32_t i = 0; i < pr->p->columns_n; i++)
        stored[i] = value_null();
    stored[col] = *v;
    return part_expr_eval(pr->p->expr, pr->p->columns, stored, pr->e, out) == PART_EVAL_OK;
}

/* The function rises strictly at v: col < v means f(col) < f(v), or f(col) is NULL. */
static bool rises_at(const struct part_expr *x, const struct value *v)
{
    struct datetime t;

    if (x->node != PN_FUNC || (v->kind != KIND_DATE && v->kind != KIND_DATETIME))
        return false;
    temporal_unpack_datetime(v->t, &t);
    if (x->fn == FN_TO_DAYS)
        return t.hour == 0 && t.minute == 0 && t.second == 0 && t.usec == 0;
    return (x->fn == FN_TO_SECONDS || x->fn == FN_UNIX_TIMESTAMP) && t.usec == 0;
}

static bool range_through_expr(struct pruner *pr, const struct restr *box, struct expr_range *out)
{
    uint32_t col = 0;
    int dir = part_expr_monotone(pr->p->expr, &col);
    const struct restr *r = &box[col];
    struct expr_range x = {0};

    if (dir == 0 || r->kind != R_RANGE)
        return false;
    x.has_lo = r->has_lo && eval_at(pr, col, &r->lo, &x.lo);
    x.has_hi = r->has_hi && eval_at(pr, col, &r->hi, &x.hi);
    if (x.has_hi && r->hi_open && rises_at(pr->p->expr, &r->hi))
        x.hi--;
    *out = x;
    if (dir < 0)
        *out = (struct expr_range){x.has_hi, x.has_lo, x.hi, x.lo};
    return out->has_lo || out->has_hi;
}

static void add_stored_int(struct pruner *pr, const struct value *v, struct partset *out)
{
    const struct part *p = pr->p;
    int64_t at =
        p->method == CAT_PART_RANGE ? (int64_t)part_range_locate(p, v) : part_list_locate(p, v);

    if (at >= 0 && at < (int64_t)p->n)
        partset_add(out, (uint32_t)at);
}

static void add_expr_range(struct pruner *pr, const struct expr_range *x, struct partset *out)
{
    const struct part *p = pr->p;
    struct value lo = part_int_value(x->lo), hi = part_int_value(x->hi), null = value_null();
    uint32_t from, to;

    if (part_expr_makes_null(p->expr))
        add_stored_int(pr, &null, out);
    if (p->method == CAT_PART_RANGE) {
        from = x->has_lo ? part_range_locate(p, &lo) : 0;
        to = x->has_hi ? part_range_locate(p, &hi) : p->n - 1;
        if (from < p->n && from <= to)
            partset_add_range(out, from, MIN(to, p->n - 1));
        return;
    }
    for (uint32_t t = 0; t < p->tuples_n; t++) {
        const struct value *v = &p->bounds[t].v;

        if (!value_is_null(v) && (!x->has_lo || part_int_of(v) >= x->lo) &&
            (!x->has_hi || part_int_of(v) <= x->hi))
            partset_add(out, p->tuple_part[t]);
    }
    if (p->default_part >= 0)
        partset_add(out, (uint32_t)p->default_part);
}

/* HASH of an expression: a short range of its values. False: not short. */
static bool add_expr_hashes(struct pruner *pr, const struct expr_range *x, struct partset *out)
{
    const struct part *p = pr->p;
    struct strbuf b;

    if (!x->has_lo || !x->has_hi || x->hi - x->lo >= MIN(p->n * 4, (uint32_t)MAX_RANGE_POINTS))
        return false;
    for (__int128 i = x->lo; i <= x->hi; i++) {
        strbuf_init(&b, pr->a);
        part_put_i128(&b, i);
        partset_add(out, part_of_hash(p, part_hash_bytes(strbuf_sv(&b))));
    }
    if (part_expr_makes_null(p->expr))
        partset_add(out, part_of_hash(p, part_hash_bytes(sv_make("", 1))));
    return true;
}

static void add_box(struct pruner *pr, struct restr *box, struct partset *out)
{
    const struct part *p = pr->p;
    bool hashed = p->method == CAT_PART_KEY || p->method == CAT_PART_HASH;
    struct value v[LIMIT_PARTITION_COLUMNS];
    struct expr_range x;

    for (uint32_t i = 0; i < p->columns_n && (hashed || p->expr); i++)
        range_to_points(pr, &box[i]);
    if (all_points(pr, box)) {
        if (!add_points(pr, box, out))
            partset_add_all(out);
    } else if (p->expr) {
        if (!range_through_expr(pr, box, &x) || (hashed && !add_expr_hashes(pr, &x, out)))
            partset_add_all(out);
        else if (!hashed)
            add_expr_range(pr, &x, out);
    } else if (p->method == CAT_PART_RANGE) {
        add_range_columns(pr, box, v, 0, out);
    } else if (p->method == CAT_PART_LIST) {
        add_list_columns(pr, box, out);
    } else {
        partset_add_all(out);
    }
}

void prune(const struct part *p, const struct prune_cond *c, const struct env *e, struct arena *a,
    struct partset *out)
{
    struct pruner pr = {p, e, a};
    struct box_array boxes = {0};

    partset_init(out, p->n, a);
    if (!c || p->broken || p->method == CAT_PART_NONE || p->columns_n > LIMIT_PARTITION_COLUMNS) {
        partset_add_all(out);
        return;
    }
    boxes_of(&pr, c, &boxes);
    for (size_t i = 0; i < boxes.n; i++)
        add_box(&pr, boxes.v[i], out);
}

/* Digits of v at the end of buf (24 bytes). */
static struct sv int_digits(const struct value *v, char *buf)
{
    bool neg = v->kind == KIND_I64 && v->i < 0;
    uint64_t u = neg ? -(uint64_t)v->i : v->u;
    char *p = buf + 24;

    do {
        *--p = (char)('0' + u % 10);
        u /= 10;
    } while (u);
    if (neg)
        *--p = '-';
    return sv_make(p, (size_t)(buf + 24 - p));
}

bool prune_point(const struct part *p, const struct value *v, const struct env *e, struct arena *a,
    uint32_t *partition)
{
    struct pruner pr = {p, e, a};
    const struct part_column *c = p->columns;
    struct value stored;
    char digits[24];
    int side;

    /* An integer beyond the column's range is in no row: whichever partition it names is right. */
    if (LIKELY(p->int_key && is_int(v))) {
        *partition = part_of_hash(p, part_hash_bytes(int_digits(v, digits)));
        return true;
    }
    if (p->broken || p->columns_n != 1 || p->method == CAT_PART_NONE || value_is_null(v))
        return false;
    if (c->cls == PART_MEMBER) {
        struct restr r = compare_member(&pr, c, PRUNE_EQ, v);

        if (r.kind != R_POINTS || r.n != 1)
            return false;
        stored = r.points[0];
    } else if (cast_compare(v, &c->type, e, a, &stored, &side) != CAST_EXACT) {
        return false;
    }
    return part_route_stored(p, &stored, e, a, partition, NULL) == PART_OK;
}
