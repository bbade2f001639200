/* States by function:
 *   COUNT*          one counter
 *   SUM, AVG        decimals and integers exactly, in 256 bits at the argument's scale (65 digits and 10 more: no overflow
 *                   on the way); doubles as a double; a count
 *   MIN, MAX, ANY   the value; text in `grow`
 *   BIT_*           one word
 *   STD, VAR        Welford's recurrence on doubles: n, mean, sum of squares of differences; merging by Chan's formula
 *   GROUP_CONCAT    list of rows (text and order keys) in `grow`, sorted and joined at the end
 * A state is a plain struct in a slot of state_bytes, moved by memcpy when a hash table grows. */
#include "types/agg.h"

#include "types/agg-int.h"
#include "types/sortkey.h"

#include <math.h>
#include <stdlib.h>

struct state_sum {
    uint64_t count;
    double f;
    struct i256 sum;
    bool overflow;
};

struct state_value {
    bool set;
    uint32_t room, key_room; /* bytes at text and key_text */
    char *text, *key_text;
    struct value v;
    struct sv key; /* n_keys: what v is compared by */
};

struct state_var {
    uint64_t n;
    double mean, m2;
};

static const struct {
    const char *name;
    enum agg_fn fn;
} names[] = {
    {"count", AGG_COUNT}, {"sum", AGG_SUM}, {"avg", AGG_AVG}, {"min", AGG_MIN}, {"max", AGG_MAX}, {"bit_and", AGG_BIT_AND},
    {"bit_or", AGG_BIT_OR}, {"bit_xor", AGG_BIT_XOR}, {"std", AGG_STDDEV_POP}, {"stddev", AGG_STDDEV_POP},
    {"stddev_pop", AGG_STDDEV_POP}, {"stddev_samp", AGG_STDDEV_SAMP}, {"variance", AGG_VAR_POP}, {"var_pop", AGG_VAR_POP},
    {"var_samp", AGG_VAR_SAMP}, {"group_concat", AGG_GROUP_CONCAT}, {"any_value", AGG_ANY_VALUE},
    {"json_arrayagg", AGG_JSON_ARRAYAGG}, {"json_objectagg", AGG_JSON_OBJECTAGG},
};

bool agg_find(struct sv name, enum agg_fn *fn)
{
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (sv_eq_nocase(name, sv_cstr(names[i].name))) {
            *fn = names[i].fn;
            return true;
        }
    }
    return false;
}

const char *agg_name(enum agg_fn fn)
{
    switch (fn) {
    case AGG_COUNT_STAR: return "count(*)";
    case AGG_COUNT_SUM: return "count_sum";
    case AGG_AVG_MERGE: return "avg_merge";
    case AGG_VAR_MERGE: return "var_merge";
    case AGG_STDDEV_POP: return "stddev_pop";
    case AGG_VAR_POP: return "var_pop";
    default:
        for (size_t i = 0; i < ARRAY_LEN(names); i++) {
            if (names[i].fn == fn)
                return names[i].name;
        }
        return "?";
    }
}

/* ---- binding ---- */

static void bind_sum(struct agg_call *c, const struct env *e)
{
    const struct func_arg *a = &c->args[0];
    bool avg = c->spec.fn == AGG_AVG || c->spec.fn == AGG_AVG_MERGE;
    struct func_call f = {.vec_kind = 0xff};
    unsigned ints, scale, phys;

    if (arg_num_class(a) == NUM_DBL) {
        c->type = type_double();
        c->vec_kind = VEC_F64;
        return;
    }
    arg_digits(a, &ints, &scale);
    phys = arg_phys_scale(a);
    if (avg) {
        unsigned inc = e->div_precision_increment;

        scale = MIN(scale + inc, 30u);
        /* The quotient keeps its words of nine digits, here on MySQL too: AVG(x) * 3 may be 1.0000. */
        phys = dec_div_scale(phys, 0, inc);
        bind_set_decimal(&f, ints + scale, scale, MAX(phys, scale));
    } else {
        bind_set_decimal(&f, ints + scale + 22, scale, phys);
    }
    c->type = f.type;
    c->vec_kind = f.vec_kind;
    c->vec_scale = f.vec_scale;
}

static bool bind_concat(struct agg_call *c, const struct env *e, struct diag *d)
{
    enum type_deriv deriv;
    uint16_t coll;

    if (!func_unify_coll(c->args, c->spec.n_value_args, "group_concat", &coll, &deriv, d))
        return false;
    c->coll = coll ? coll : e->coll_connection;
    c->type = type_string(e->group_concat_max_len, c->coll, deriv);
    for (uint32_t i = 0; i < c->spec.n_order; i++) {
        const struct sql_type *t = &c->args[c->spec.order[i].arg].type;

        if (type_is_string(t) && !coll_id_is_native(t->coll))
            return diag_set(d, ER_NOT_SUPPORTED_YET, "GROUP_CONCAT ordered in a collation that is not native above the shards");
    }
    return true;
}

bool agg_bind(const struct agg_spec *s, const struct func_arg *args, uint32_t n_args, const struct env *e, struct arena *a,
    struct agg_call *c, struct diag *d)
{
    uint32_t want = 1;

    *c = (struct agg_call){.spec = *s, .n_args = n_args, .vec_kind = 0xff};
    c->args = ARENA_NEW_N(a, struct func_arg, n_args + 1);
    if (n_args)
        memcpy(c->args, args, n_args * sizeof(*args));
    if ((s->fn == AGG_GROUP_CONCAT || s->fn == AGG_JSON_ARRAYAGG || s->fn == AGG_JSON_OBJECTAGG) && !c->spec.n_value_args)
        c->spec.n_value_args = n_args;
    if (s->fn == AGG_COUNT_STAR)
        want = 0;
    else if (s->fn == AGG_COUNT || s->fn == AGG_GROUP_CONCAT || s->fn == AGG_JSON_ARRAYAGG)
        want = MAX(n_args, 1u);
    else if (s->fn == AGG_JSON_OBJECTAGG)
        want = 2;
    else if (s->fn == AGG_AVG_MERGE)
        want = 2;
    else if (s->fn == AGG_VAR_MERGE)
        want = 3;
    if (n_args != want + (s->fn == AGG_COUNT || s->fn == AGG_GROUP_CONCAT || s->fn == AGG_JSON_ARRAYAGG ? 0 : s->n_keys))
        return diag_set(d, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, agg_name(s->fn));
    c->state_bytes = sizeof(struct state_sum);
    switch (s->fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
    case AGG_COUNT_SUM:
        c->type = type_int(false);
        c->state_bytes = sizeof(uint64_t);
        break;
    case AGG_SUM:
    case AGG_AVG:
    case AGG_AVG_MERGE:
        bind_sum(c, e);
        break;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_ANY_VALUE:
        c->type = args[0].type;
        c->coll = c->type.coll;
        if (s->fn != AGG_ANY_VALUE && (c->type.code == TYPE_JSON || c->type.code == TYPE_GEOMETRY))
            return diag_setf(d, ER_NOT_SUPPORTED_YET,
                "This version of Tessera doesn't yet support '%s of JSON or spatial values above the shards'", agg_name(s->fn));
        if (s->fn != AGG_ANY_VALUE && !s->n_keys && type_is_string(&c->type) && !coll_id_is_native(c->coll))
            return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s in collation %s above the shards'",
                agg_name(s->fn), coll_by_id(c->coll) ? coll_by_id(c->coll)->name : "?");
        if (type_kind_of(&c->type) == KIND_DEC) {
            struct func_call f = {.vec_kind = 0xff};

            bind_set_decimal(&f, type_dec_precision(&c->type), c->type.decimals, arg_phys_scale(&args[0]));
            c->vec_kind = f.vec_kind;
            c->vec_scale = f.vec_scale;
        }
        c->state_bytes = sizeof(struct state_value);
        break;
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        if (e->flavour == ENV_MYSQL8 && type_is_string(&args[0].type) && args[0].type.coll == TYPE_COLL_BINARY)
            return diag_set(d, ER_NOT_SUPPORTED_YET, "bit aggregates of binary strings above the shards");
        c->type = type_int(true);
        c->state_bytes = sizeof(uint64_t);
        break;
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
    case AGG_VAR_MERGE:
        c->type = type_double();
        c->state_bytes = sizeof(struct state_var);
        break;
    case AGG_GROUP_CONCAT:
        if (!bind_concat(c, e, d))
            return false;
        c->state_bytes = sizeof(struct state_concat);
        break;
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
        if (!agg_json_bind(c, e, d))
            return false;
        c->state_bytes = sizeof(struct state_concat);
        break;
    }
    if (c->vec_kind == 0xff) {
        c->vec_kind = (uint8_t)vec_kind_of(&c->type);
        c->vec_scale = type_kind_of(&c->type) == KIND_DEC ? c->type.decimals : 0;
    }
    return true;
}

void agg_init(const struct agg_call *c, void *state)
{
    memset(state, 0, c->state_bytes);
    if (c->spec.fn == AGG_BIT_AND)
        *(uint64_t *)state = UINT64_MAX;
}

/* ---- sums ---- */

static void i256_add(struct i256 *a, const struct i256 *b)
{
    uint128 c = 0;

    for (int i = 0; i < 4; i++) {
        c += (uint128)a->w[i] + b->w[i];
        a->w[i] = (uint64_t)c;
        c >>= 64;
    }
}

static struct i256 i256_of(int128 v)
{
    uint64_t ext = v < 0 ? UINT64_MAX : 0;

    return (struct i256){{(uint64_t)v, (uint64_t)((uint128)v >> 64), ext, ext}};
}

/* The argument as an integer at its physical scale. */
static struct i256 scaled_arg(struct func_ctx *cx, const struct func_arg *a, const struct vec *v, uint32_t row)
{
    struct value x;
    struct dec d;

    row = vec_row(v, row);
    switch ((enum vec_kind)v->kind) {
    case VEC_I64:
    case VEC_DEC64:
        return i256_of(v->i64[row]);
    case VEC_U64:
        return i256_of((int128)v->u64[row]);
    case VEC_DEC128:
        return i256_of(v->i128[row]);
    case VEC_DEC256:
        return v->i256[row];
    case VEC_F64:
    case VEC_DATE:
    case VEC_DATETIME:
    case VEC_TIME:
    case VEC_STR:
        break;
    }
    vec_get(v, row, &x);
    d = value_to_dec(&x, cx->env);
    (void)dec_rescale(&d, (int)arg_phys_scale(a), DEC_HALF_UP);
    return dec_to_i256(&d);
}

static void update_sum(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states)
{
    const struct vec *v = args[0], *n = c->spec.fn == AGG_AVG_MERGE ? args[1] : NULL;

    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        struct state_sum *s = states[k];
        struct value x;

        if (!vec_is_valid(v, row))
            continue;
        if (n) {
            vec_get(n, row, &x);
            s->count += (uint64_t)value_to_i64(&x, NULL);
        } else {
            s->count++;
        }
        if (c->type.code == TYPE_DOUBLE) {
            if (v->kind == VEC_F64) {
                s->f += v->f64[vec_row(v, row)];
            } else {
                vec_get(v, row, &x);
                s->f += value_to_f64(&x, cx->env);
            }
        } else {
            struct i256 i = scaled_arg(cx, &c->args[0], v, row);

            i256_add(&s->sum, &i);
        }
    }
}

static bool final_sum(struct func_ctx *cx, const struct agg_call *c, const struct state_sum *s, struct value *out)
{
    bool avg = c->spec.fn == AGG_AVG || c->spec.fn == AGG_AVG_MERGE;
    struct dec d, n, q;

    *out = value_null();
    if (s->count == 0)
        return true;
    if (c->type.code == TYPE_DOUBLE) {
        double f = avg ? s->f / (double)s->count : s->f;

        if (!isfinite(f))
            return diag_set(cx->diag, ER_DATA_OUT_OF_RANGE, "DOUBLE", agg_name(c->spec.fn));
        *out = value_f64(f);
        return true;
    }
    d = dec_from_i256(s->sum, arg_phys_scale(&c->args[0]));
    if (avg) {
        n = dec_from_u64(s->count);
        (void)dec_div(&d, &n, cx->env->div_precision_increment, &q);
        d = q;
    }
    *out = value_dec(d);
    return true;
}

/* ---- values ---- */

/* A copy of text in room that is used again. */
static struct sv keep_text(struct sv text, char **at, uint32_t *room, struct arena *grow)
{
    if (text.len > *room) {
        *room = (uint32_t)text.len * 2;
        *at = arena_alloc(grow, *room);
    }
    if (text.len)
        memcpy(*at, text.ptr, text.len);
    return sv_make(text.len ? *at : "", text.len);
}

static void keep_value(struct state_value *s, const struct value *v, struct sv key, struct arena *grow)
{
    s->set = true;
    s->v = *v;
    if (v->kind == KIND_STR)
        s->v.s = keep_text(v->s, &s->text, &s->room, grow);
    if (key.ptr)
        s->key = keep_text(key, &s->key_text, &s->key_room, grow);
}

/* key: of the value; ptr NULL: the value itself is compared. */
static void offer_value(const struct agg_call *c, struct state_value *s, const struct value *v, struct sv key, struct arena *grow)
{
    int r;

    if (s->set) {
        if (c->spec.fn == AGG_ANY_VALUE)
            return;
        r = key.ptr ? sv_cmp(key, s->key) : value_cmp_same(v, &s->v, c->coll);
        if (c->spec.fn == AGG_MIN ? r >= 0 : r <= 0)
            return;
    }
    keep_value(s, v, key, grow);
}

static void update_value(const struct agg_call *c, const struct vec *const *args, const struct sel *sel, void *const *states,
    struct arena *grow)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        struct value x, key;

        vec_get(args[0], SEL_ROW(sel, k), &x);
        if (x.kind == KIND_NULL) {
            struct state_value *s = states[k];

            if (c->spec.fn == AGG_ANY_VALUE && !s->set)
                keep_value(s, &x, SV_NULL, grow);
            continue;
        }
        key = value_null();
        if (c->spec.n_keys)
            vec_get(args[1], SEL_ROW(sel, k), &key);
        offer_value(c, states[k], &x, key.kind == KIND_STR ? sv_make(key.s.ptr ? key.s.ptr : "", key.s.len) : SV_NULL, grow);
    }
}

/* ---- variance ---- */

static void var_add(struct state_var *s, uint64_t n, double mean, double m2)
{
    double delta = mean - s->mean, total = (double)(s->n + n);

    if (n == 0)
        return;
    if (n == 1 && m2 == 0) { /* Welford's step, in the same order of operations as a server's */
        s->n++;
        s->mean += delta / (double)s->n;
        s->m2 += delta * (mean - s->mean);
        return;
    }
    s->m2 += m2 + delta * delta * (double)s->n * (double)n / total;
    s->mean += delta * (double)n / total;
    s->n += n;
}

static void update_var(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        struct value x[3];

        vec_get(args[0], row, &x[0]);
        if (x[0].kind == KIND_NULL)
            continue;
        if (c->spec.fn != AGG_VAR_MERGE) {
            var_add(states[k], 1, value_to_f64(&x[0], cx->env), 0);
        } else { /* count, sum, population variance */
            uint64_t n = value_to_u64_bits(&x[0], NULL);

            vec_get(args[1], row, &x[1]);
            vec_get(args[2], row, &x[2]);
            if (n)
                var_add(states[k], n, value_to_f64(&x[1], cx->env) / (double)n, value_to_f64(&x[2], cx->env) * (double)n);
        }
    }
}

static void final_var(const struct agg_call *c, const struct state_var *s, struct value *out)
{
    enum agg_fn fn = c->spec.fn == AGG_VAR_MERGE ? c->spec.merge_of : c->spec.fn;
    bool samp = fn == AGG_VAR_SAMP || fn == AGG_STDDEV_SAMP;
    double v;

    *out = value_null();
    if (s->n <= (samp ? 1u : 0u))
        return;
    v = s->m2 / (double)(s->n - (samp ? 1 : 0));
    *out = value_f64(fn == AGG_STDDEV_POP || fn == AGG_STDDEV_SAMP ? sqrt(v) : v);
}

/* ---- GROUP_CONCAT ---- */

/* A server sorts the rows of its temporary table without looking at their NULL bits: NULL sorts as the zero of its type. */
static const struct vec *zero_like(const struct vec *v, const struct sql_type *t, struct arena *a)
{
    struct vec *zero = vec_new_kind(a, t, (enum vec_kind)v->kind, v->scale, 1, a);
    struct value x = value_i64(0);

    switch ((enum vec_kind)v->kind) {
    case VEC_STR:
        x = value_str(SV(""), t->coll);
        break;
    case VEC_DATE:
    case VEC_DATETIME:
        if (!value_from_text(SV("0000-00-00"), t, &x))
            return v;
        break;
    case VEC_TIME:
        if (!value_from_text(SV("00:00:00"), t, &x))
            return v;
        break;
    case VEC_I64:
    case VEC_U64:
    case VEC_F64:
    case VEC_DEC64:
    case VEC_DEC128:
    case VEC_DEC256:
        break;
    }
    return vec_put(zero, 0, &x) ? zero : v;
}

void agg_order_key(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, uint32_t row, struct strbuf *b)
{
    for (uint32_t i = 0; i < c->spec.n_order; i++) {
        const struct vec *v = args[c->spec.order[i].arg];
        struct vec *cols[1];
        struct batch one = {.cols = cols, .n_cols = 1};
        struct sort_col sc = {0, c->spec.order[i].desc};
        bool null = !vec_is_valid(v, row);

        if (null)
            v = zero_like(v, &c->args[c->spec.order[i].arg].type, cx->arena);
        memcpy(cols, &v, sizeof(v));
        sortkey_append(&one, null && vec_is_valid(v, 0) ? 0 : row, &sc, 1, b);
    }
}

static void update_concat(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states, struct arena *grow)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        struct state_concat *s = states[k];
        struct strbuf b, key;
        bool null = false;

        strbuf_init(&b, cx->arena);
        for (uint32_t i = 0; i < c->spec.n_value_args && !null; i++) {
            struct value x;

            vec_get(args[i], row, &x);
            null = x.kind == KIND_NULL;
            if (!null)
                strbuf_putsv(&b, value_to_str(&x, &args[i]->type, cx->arena));
        }
        if (null)
            continue;
        strbuf_init(&key, cx->arena);
        if (c->spec.n_order)
            agg_order_key(cx, c, args, row, &key);
        agg_add_item(s, b.ptr ? strbuf_sv(&b) : SV(""), strbuf_sv(&key), grow);
    }
}

void agg_add_item(struct state_concat *s, struct sv text, struct sv key, struct arena *grow)
{
    struct concat_item *it = ARENA_NEW(grow, struct concat_item);

    it->text = arena_dup(grow, text);
    it->key = arena_dup(grow, key);
    it->seq = s->n++;
    if (s->last)
        s->last->next = it;
    else
        s->first = it;
    s->last = it;
}

static int item_cmp(const void *x, const void *y)
{
    const struct concat_item *a = *(const struct concat_item *const *)x, *b = *(const struct concat_item *const *)y;
    int c = sv_cmp(a->key, b->key);

    return c ? c : a->seq < b->seq ? -1 : a->seq > b->seq;
}

struct concat_item **agg_items(const struct agg_call *c, const struct state_concat *s, struct arena *a, uint64_t *from, uint64_t *end)
{
    struct concat_item **items = ARENA_NEW_N(a, struct concat_item *, s->n + 1);
    uint64_t n = 0;

    for (struct concat_item *i = s->first; i; i = i->next)
        items[n++] = i;
    if (c->spec.n_order)
        qsort(items, n, sizeof(*items), item_cmp);
    *end = c->spec.limit ? MIN(n, c->spec.limit > UINT64_MAX - c->spec.offset ? n : c->spec.offset + c->spec.limit) : n;
    *from = c->spec.offset;
    return items;
}

static void final_concat(struct func_ctx *cx, const struct agg_call *c, const struct state_concat *s, struct value *out)
{
    struct concat_item **items;
    struct sv sep = c->spec.separator.ptr ? c->spec.separator : SV(",");
    uint64_t from, end, max = cx->env->group_concat_max_len;
    struct strbuf b;

    *out = value_null();
    if (s->n == 0)
        return;
    items = agg_items(c, s, cx->arena, &from, &end);
    strbuf_init(&b, cx->arena);
    for (uint64_t i = from; i < end; i++) {
        if (i > from)
            strbuf_putsv(&b, sep);
        strbuf_putsv(&b, items[i]->text);
        if (b.len > max) {
            struct sv cut = {b.ptr, max};

            /* Whole characters only. */
            while (c->coll != TYPE_COLL_BINARY && cut.len && ((unsigned char)b.ptr[cut.len] & 0xc0) == 0x80)
                cut.len--;
            b.len = cut.len;
            warn_add(cx->env->warnings, WARN_WARNING, 1260, "Row %llu was cut by GROUP_CONCAT()", (unsigned long long)(i + 1));
            break;
        }
    }
    *out = value_str(b.ptr ? strbuf_sv(&b) : SV(""), c->coll);
}

/* ---- entry points ---- */

static void update_count(const struct agg_call *c, const struct vec *const *args, const struct sel *sel, void *const *states)
{
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        bool all = true;

        for (uint32_t i = 0; i < c->n_args - c->spec.n_keys; i++)
            all &= vec_is_valid(args[i], row);
        *(uint64_t *)states[k] += all;
    }
}

static uint64_t bit_op(enum agg_fn fn, uint64_t a, uint64_t b)
{
    return fn == AGG_BIT_AND ? a & b : fn == AGG_BIT_OR ? a | b : a ^ b;
}

bool agg_update(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel,
    void *const *states, struct arena *grow)
{
    struct value x;

    switch (c->spec.fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        update_count(c, args, sel, states);
        return true;
    case AGG_COUNT_SUM:
        for (uint32_t k = 0; k < sel->n; k++) {
            vec_get(args[0], SEL_ROW(sel, k), &x);
            *(uint64_t *)states[k] += (uint64_t)value_to_i64(&x, NULL);
        }
        return true;
    case AGG_SUM:
    case AGG_AVG:
    case AGG_AVG_MERGE:
        update_sum(cx, c, args, sel, states);
        return true;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_ANY_VALUE:
        update_value(c, args, sel, states, grow);
        return true;
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        for (uint32_t k = 0; k < sel->n; k++) {
            vec_get(args[0], SEL_ROW(sel, k), &x);
            if (x.kind != KIND_NULL)
                *(uint64_t *)states[k] = bit_op(c->spec.fn, *(uint64_t *)states[k], value_to_u64_bits(&x, cx->env));
        }
        return true;
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
    case AGG_VAR_MERGE:
        update_var(cx, c, args, sel, states);
        return true;
    case AGG_GROUP_CONCAT:
        update_concat(cx, c, args, sel, states, grow);
        return true;
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
        return agg_json_update(cx, c, args, sel, states, grow);
    }
    return diag_set(cx->diag, ER_INTERNAL, "aggregate that was not bound");
}

bool agg_merge(struct func_ctx *cx, const struct agg_call *c, void *a, const void *b, struct arena *grow)
{
    switch (c->spec.fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
    case AGG_COUNT_SUM:
        *(uint64_t *)a += *(const uint64_t *)b;
        return true;
    case AGG_SUM:
    case AGG_AVG:
    case AGG_AVG_MERGE: {
        struct state_sum *x = a;
        const struct state_sum *y = b;

        x->count += y->count;
        x->f += y->f;
        i256_add(&x->sum, &y->sum);
        return true;
    }
    case AGG_MIN:
    case AGG_MAX:
    case AGG_ANY_VALUE: {
        const struct state_value *y = b;

        if (y->set)
            offer_value(c, a, &y->v, y->key, grow);
        return true;
    }
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        *(uint64_t *)a = bit_op(c->spec.fn, *(uint64_t *)a, *(const uint64_t *)b);
        return true;
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
    case AGG_VAR_MERGE: {
        const struct state_var *y = b;

        var_add(a, y->n, y->mean, y->m2);
        return true;
    }
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
    case AGG_GROUP_CONCAT: {
        struct state_concat *x = a;

        for (const struct concat_item *i = ((const struct state_concat *)b)->first; i; i = i->next)
            agg_add_item(x, i->text, i->key, grow);
        return true;
    }
    }
    return diag_set(cx->diag, ER_INTERNAL, "aggregate that was not bound");
}

bool agg_final(struct func_ctx *cx, const struct agg_call *c, void *state, struct vec *out, uint32_t row)
{
    struct value v = value_null();

    switch (c->spec.fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
    case AGG_COUNT_SUM:
        v = value_i64((int64_t)*(uint64_t *)state);
        break;
    case AGG_SUM:
    case AGG_AVG:
    case AGG_AVG_MERGE:
        if (!final_sum(cx, c, state, &v))
            return false;
        break;
    case AGG_MIN:
    case AGG_MAX:
    case AGG_ANY_VALUE:
        if (((struct state_value *)state)->set)
            v = ((struct state_value *)state)->v;
        break;
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
        v = value_u64(*(uint64_t *)state);
        break;
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
    case AGG_VAR_MERGE:
        final_var(c, state, &v);
        break;
    case AGG_GROUP_CONCAT:
        final_concat(cx, c, state, &v);
        break;
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
        if (!agg_json_final(cx, c, state, &v))
            return false;
        break;
    }
    if (!vec_put(out, row, &v))
        return diag_set(cx->diag, ER_DATA_OUT_OF_RANGE, "DECIMAL", agg_name(c->spec.fn));
    return true;
}

bool agg_split(const struct agg_spec *s, struct agg_split *out)
{
    *out = (struct agg_split){.n = 1, .merge = *s};
    out->partial[0] = s->fn;
    if (s->distinct && s->fn != AGG_MIN && s->fn != AGG_MAX)
        return false;
    switch (s->fn) {
    case AGG_COUNT_STAR:
    case AGG_COUNT:
        out->merge.fn = AGG_COUNT_SUM;
        return true;
    case AGG_SUM:
    case AGG_MIN:
    case AGG_MAX:
    case AGG_BIT_AND:
    case AGG_BIT_OR:
    case AGG_BIT_XOR:
    case AGG_ANY_VALUE:
        return true;
    case AGG_AVG:
        out->n = 2;
        out->partial[0] = AGG_SUM;
        out->partial[1] = AGG_COUNT;
        out->merge.fn = AGG_AVG_MERGE;
        return true;
    case AGG_STDDEV_POP:
    case AGG_STDDEV_SAMP:
    case AGG_VAR_POP:
    case AGG_VAR_SAMP:
        out->n = 3;
        out->partial[0] = AGG_COUNT;
        out->partial[1] = AGG_SUM;
        out->partial[2] = AGG_VAR_POP;
        out->merge.fn = AGG_VAR_MERGE;
        out->merge.merge_of = s->fn;
        return true;
    case AGG_GROUP_CONCAT:
    case AGG_JSON_ARRAYAGG:
    case AGG_JSON_OBJECTAGG:
    case AGG_COUNT_SUM:
    case AGG_AVG_MERGE:
    case AGG_VAR_MERGE:
        break;
    }
    return false;
}
