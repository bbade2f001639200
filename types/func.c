/* Registry, binding and evaluation. The functions themselves are in func_num.c, func_cmp.c (comparison, logic, control, casts),
 * func_str.c and func_time.c; kern_*.c has vector kernels for the hot ones. Whatever has no kernel runs row by row through
 * its scalar function, which is also the reference that kernels are tested against. */
#include "types/func-int.h"

#include "util/hash.h"

#include <stdio.h>

/* ---- registry ---- */

struct table {
    const struct func *rows;
    const size_t *n;
};

static const struct table tables[] = {
    {funcs_num, &funcs_num_n}, {funcs_cmp, &funcs_cmp_n}, {funcs_str, &funcs_str_n}, {funcs_time, &funcs_time_n},
    {funcs_json, &funcs_json_n}, {funcs_regex, &funcs_regex_n}, {funcs_more, &funcs_more_n}};

enum { NAME_SLOTS = 1024 };
static const struct func *by_name[NAME_SLOTS];
static const struct func *by_id[FUNC_ID_END];
static const char *name_list[NAME_SLOTS];
static size_t n_names;

static uint32_t name_hash(struct sv name)
{
    uint32_t h = 2166136261u;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        h = (h ^ (c >= 'A' && c <= 'Z' ? c | 0x20 : c)) * 16777619u;
    }
    return h;
}

/* Before main; constant from then on. */
__attribute__((constructor)) static void init_registry(void)
{
    for (size_t t = 0; t < ARRAY_LEN(tables); t++) {
        for (size_t i = 0; i < *tables[t].n; i++) {
            const struct func *f = &tables[t].rows[i];
            uint32_t slot = name_hash(sv_cstr(f->name)) % NAME_SLOTS;

            CHECK(n_names < NAME_SLOTS * 3 / 4);
            while (by_name[slot])
                slot = (slot + 1) % NAME_SLOTS;
            by_name[slot] = f;
            name_list[n_names++] = f->name;
            if (f->id != FUNC_OTHER && !by_id[f->id])
                by_id[f->id] = f;
        }
    }
}

const struct func *func_find(struct sv name)
{
    for (uint32_t slot = name_hash(name) % NAME_SLOTS; by_name[slot]; slot = (slot + 1) % NAME_SLOTS) {
        if (sv_eq_nocase(name, sv_cstr(by_name[slot]->name)))
            return by_name[slot];
    }
    return NULL;
}

const struct func *func_by_id(enum func_id id)
{
    return id < FUNC_ID_END ? by_id[id] : NULL;
}

const char *func_name(const struct func *f)
{
    return f->name;
}

enum func_id func_id_of(const struct func *f)
{
    return f->id;
}

unsigned func_flags(const struct func *f)
{
    return f->flags & 255u;
}

size_t func_count(void)
{
    return n_names;
}

const char *func_name_at(size_t i)
{
    return name_list[i];
}

/* ---- collations ---- */

static bool mix_error(const struct func_arg *args, uint32_t n, const char *what, struct diag *d)
{
    const struct collation *x = NULL, *y = NULL;

    for (uint32_t i = 0; i < n; i++) {
        if (!type_is_string(&args[i].type))
            continue;
        if (!x)
            x = coll_by_id(args[i].type.coll);
        else if (!y && args[i].type.coll != x->id)
            y = coll_by_id(args[i].type.coll);
    }
    return diag_setf(d, ER_CANT_AGGREGATE_2COLLATIONS, "Illegal mix of collations (%s,IMPLICIT) and (%s,IMPLICIT) for operation '%s'",
        x ? x->name : "?", y ? y->name : "?", what);
}

static bool is_unicode(const struct collation *c)
{
    return c->charset == CS_UTF8MB4 || c->charset == CS_UTF8MB3 || !strncmp(c->charset_name, "utf", 3) ||
        !strcmp(c->charset_name, "ucs2");
}

/* MySQL's aggregation of (collation, derivation): the stronger derivation wins; among equals binary, then Unicode over other sets,
 * then *_bin; otherwise there is no collation. */
static void mix(const struct collation **c, uint8_t *deriv, const struct collation *nc, uint8_t nd, bool *none)
{
    bool take = false;

    if (*c == nc) {
        *deriv = MIN(*deriv, nd);
        return;
    }
    if (strcmp((*c)->charset_name, nc->charset_name) != 0) {
        if ((*c)->charset == CS_BINARY)
            take = nd < *deriv;
        else if (nc->charset == CS_BINARY)
            take = nd <= *deriv;
        else if (nd == *deriv && is_unicode(*c) != is_unicode(nc))
            take = is_unicode(nc);
        else if (nd == *deriv && is_unicode(*c))
            take = nc->charset == CS_UTF8MB4;
        else if (nd == *deriv)
            *none = true;
        else
            take = nd < *deriv;
    } else if (nd != *deriv) {
        take = nd < *deriv;
    } else if (*deriv == DERIV_EXPLICIT) {
        *none = true;
    } else {
        size_t x = strlen((*c)->name), y = strlen(nc->name);
        bool bx = x > 4 && !strcmp((*c)->name + x - 4, "_bin"), by = y > 4 && !strcmp(nc->name + y - 4, "_bin");

        if (bx == by)
            *none = true;
        take = by;
    }
    if (take) {
        *c = nc;
        *deriv = nd;
    }
}

bool func_unify_coll(const struct func_arg *args, uint32_t n, const char *what, uint16_t *coll, enum type_deriv *deriv,
    struct diag *d)
{
    const struct collation *c = NULL;
    uint8_t cd = DERIV_IGNORABLE;
    bool none = false;

    for (uint32_t i = 0; i < n; i++) {
        const struct collation *nc;

        if (!type_is_string(&args[i].type))
            continue;
        nc = coll_by_id(args[i].type.coll);
        if (!nc)
            nc = coll_by_id(46);
        if (!c) {
            c = nc;
            cd = args[i].type.deriv;
        } else {
            mix(&c, &cd, nc, args[i].type.deriv, &none);
        }
    }
    if (none)
        return mix_error(args, n, what, d);
    *coll = c ? c->id : 0;
    *deriv = c ? (enum type_deriv)cd : DERIV_COERCIBLE;
    return true;
}

/* ---- types ---- */

unsigned env_max_scale(const struct env *e)
{
    return e->flavour == ENV_MARIADB ? 38 : 30;
}

unsigned arg_phys_scale(const struct func_arg *a)
{
    if (a->dec_scale != FUNC_SCALE_OF_TYPE && type_kind_of(&a->type) == KIND_DEC)
        return a->dec_scale;
    return type_kind_of(&a->type) == KIND_DEC || type_is_temporal(&a->type) ? a->type.decimals : 0;
}

enum num_class arg_num_class(const struct func_arg *a)
{
    switch (type_kind_of(&a->type)) {
    case KIND_I64:
    case KIND_U64:
    case KIND_DATE:
    case KIND_NULL:
        return NUM_INT;
    case KIND_DEC:
        return NUM_DEC;
    case KIND_DATETIME:
    case KIND_TIME:
        return a->type.decimals ? NUM_DEC : NUM_INT;
    case KIND_STR:
        if (a->constant && a->constant->code == TYPE_BIT)
            return NUM_INT;
        return NUM_DBL;
    case KIND_F64:
        break;
    }
    return NUM_DBL;
}

bool arg_is_unsigned(const struct func_arg *a)
{
    return type_kind_of(&a->type) == KIND_U64 || (a->constant && a->constant->kind == KIND_STR && a->constant->code == TYPE_BIT) ||
        (type_kind_of(&a->type) == KIND_DEC && a->type.flags & TYPE_UNSIGNED);
}

void arg_digits(const struct func_arg *a, unsigned *int_digits, unsigned *scale)
{
    enum type_kind k = type_kind_of(&a->type);

    *scale = 0;
    if (k == KIND_DATE)
        *int_digits = 8;
    else if (k == KIND_DATETIME || k == KIND_TIME) {
        *int_digits = k == KIND_TIME ? 7 : 14;
        *scale = a->type.decimals;
    } else if (a->constant && a->constant->kind == KIND_STR && a->constant->code == TYPE_BIT) {
        *int_digits = 20;
    } else if (k == KIND_NULL) {
        *int_digits = 1;
    } else if (k == KIND_STR || k == KIND_F64) {
        *int_digits = 35;
        *scale = 30;
    } else {
        unsigned p = type_dec_precision(&a->type);

        *scale = k == KIND_DEC ? a->type.decimals : 0;
        *int_digits = p - *scale;
    }
}

void bind_set_decimal(struct func_call *c, unsigned precision, unsigned scale, unsigned phys)
{
    unsigned held;

    c->type = type_decimal(precision, scale);
    phys = MIN(phys, (unsigned)DEC_MAX_INTERNAL_SCALE);
    held = type_dec_precision(&c->type) - c->type.decimals + phys;
    c->vec_kind = held <= 18 ? VEC_DEC64 : held <= 38 ? VEC_DEC128 : VEC_DEC256;
    c->vec_scale = (uint8_t)phys;
}

bool bind_bool(struct binder *b)
{
    b->c->type = type_bool();
    return true;
}

bool bind_int(struct binder *b)
{
    b->c->type = type_int(false);
    return true;
}

bool bind_uint(struct binder *b)
{
    b->c->type = type_int(true);
    return true;
}

bool bind_double(struct binder *b)
{
    b->c->type = type_double();
    return true;
}

enum { LONG_TEXT = 1 << 28 };

bool bind_string(struct binder *b)
{
    enum type_deriv deriv;
    uint16_t coll;

    if (!func_unify_coll(b->args, b->n, b->f->name, &coll, &deriv, b->diag))
        return false;
    b->c->coll = coll ? coll : b->env->coll_connection;
    b->c->type = type_string(LONG_TEXT, b->c->coll, deriv);
    return true;
}

bool bind_string_first(struct binder *b)
{
    struct func_arg first = b->args[0];

    b->c->coll = type_is_string(&first.type) ? first.type.coll : b->env->coll_connection;
    b->c->type = type_string(LONG_TEXT, b->c->coll, type_is_string(&first.type) ? (enum type_deriv)first.type.deriv : DERIV_COERCIBLE);
    return true;
}

bool bind_string_conn(struct binder *b)
{
    b->c->coll = b->env->coll_connection;
    b->c->type = type_string(LONG_TEXT, b->c->coll, DERIV_COERCIBLE);
    return true;
}

bool bind_string_binary(struct binder *b)
{
    b->c->coll = TYPE_COLL_BINARY;
    b->c->type = type_string(LONG_TEXT, TYPE_COLL_BINARY, DERIV_COERCIBLE);
    return true;
}

struct unify {
    bool any, only_bool, str, temporal, date, datetime, time, num, i64, u64, big_u64, dec, f64, year, json, other_than_json;
    unsigned ints, scale, phys, fsp;
    uint32_t chars;
};

static void unify_add(struct unify *u, const struct func_arg *a)
{
    enum type_kind k = type_kind_of(&a->type);
    unsigned i = 0, s = 0;

    if (k == KIND_NULL)
        return;
    u->only_bool = (!u->any || u->only_bool) && a->type.flags & TYPE_IS_BOOL;
    u->any = true;
    u->other_than_json |= a->type.code != TYPE_JSON;
    u->json |= a->type.code == TYPE_JSON;
    u->chars = MAX(u->chars, type_chars(&a->type));
    u->str |= k == KIND_STR;
    u->date |= k == KIND_DATE;
    u->datetime |= k == KIND_DATETIME;
    u->time |= k == KIND_TIME;
    if (k == KIND_DATE || k == KIND_DATETIME || k == KIND_TIME) {
        u->temporal = true;
        u->fsp = MAX(u->fsp, k == KIND_DATE ? 0u : (unsigned)a->type.decimals);
        return;
    }
    if (k == KIND_STR)
        return;
    u->num = true;
    u->i64 |= k == KIND_I64;
    u->u64 |= k == KIND_U64;
    u->big_u64 |= k == KIND_U64 && (a->type.code == TYPE_LONGLONG || a->type.code == TYPE_BIT);
    u->dec |= k == KIND_DEC;
    u->f64 |= k == KIND_F64;
    if (k != KIND_F64) {
        arg_digits(a, &i, &s);
        u->ints = MAX(u->ints, i);
        u->scale = MAX(u->scale, s);
        u->phys = MAX(u->phys, arg_phys_scale(a));
    }
}

bool func_unify_types(const struct func_arg *args, uint32_t n, const char *what, const struct env *e, struct sql_type *out,
    struct diag *d)
{
    struct unify u = {0};
    enum type_deriv deriv;
    uint16_t coll;

    for (uint32_t i = 0; i < n; i++)
        unify_add(&u, &args[i]);
    if (!u.any) {
        *out = type_null();
        return true;
    }
    if (u.only_bool && e->flavour == ENV_MARIADB) {
        *out = type_bool();
        return true;
    }
    if (u.json && !u.other_than_json) {
        *out = args[0].type;
        for (uint32_t i = 0; i < n; i++)
            *out = args[i].type.code == TYPE_JSON ? args[i].type : *out;
        return true;
    }
    if (!u.str && u.temporal && !u.num) {
        enum type_code code = u.datetime || (u.date && u.time) ? TYPE_DATETIME : u.date ? TYPE_DATE : TYPE_TIME;

        *out = type_temporal(code, u.fsp);
        return true;
    }
    if (!u.str && !u.temporal) {
        if (u.f64)
            *out = type_double();
        else if (u.dec || (u.i64 && u.big_u64))
            *out = type_decimal(u.ints + u.scale, u.scale);
        else
            *out = type_int(!u.i64);
        return true;
    }
    if (!func_unify_coll(args, n, what, &coll, &deriv, d))
        return false;
    *out = type_string(u.chars, coll ? coll : e->coll_connection, deriv);
    return true;
}

bool func_to_result(struct func_ctx *cx, const struct func_call *c, const struct value *v, const struct sql_type *from,
    struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);

    *out = *v;
    if (v->kind == KIND_NULL || v->kind == k) {
        if (k == KIND_STR)
            out->coll = c->type.coll;
        return true;
    }
    switch (k) {
    case KIND_NULL:
        return true;
    case KIND_I64:
        *out = value_i64(value_to_i64(v, cx->env));
        return true;
    case KIND_U64:
        *out = value_u64(value_to_u64_bits(v, cx->env));
        return true;
    case KIND_F64:
        *out = value_f64(value_to_f64(v, cx->env));
        return true;
    case KIND_DEC:
        *out = value_dec(value_to_dec(v, cx->env));
        return true;
    case KIND_DATE:
    case KIND_DATETIME:
        out->kind = (uint8_t)k;
        if (!value_to_datetime(v, cx->env, &out->t))
            *out = value_null();
        return true;
    case KIND_TIME:
        out->kind = KIND_TIME;
        if (!value_to_time(v, cx->env, &out->t))
            *out = value_null();
        return true;
    case KIND_STR:
        *out = value_str(value_to_str(v, from, cx->arena), c->type.coll);
        return true;
    }
    return true;
}

/* ---- binding ---- */

/* Whether the result may be JSON because an argument is: text that a MariaDB shard sent does not show that. */
static bool gives_argument(const struct binder *b)
{
    static const char *const names[] = {"nvl", "nvl2", "greatest", "least"};
    enum func_id id = b->f->id;
    bool gives = id == FUNC_CASE || id == FUNC_IF || id == FUNC_IFNULL || id == FUNC_COALESCE || id == FUNC_NULLIF, unknown = false;

    if (b->env->flavour != ENV_MARIADB || type_kind_of(&b->c->type) != KIND_STR)
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        gives |= !strcmp(b->f->name, names[i]);
    for (uint32_t i = 0; i < b->n; i++)
        unknown |= type_is_string(&b->args[i].type) && !b->args[i].constant && !(b->args[i].type.flags & TYPE_COMPUTED);
    return gives && unknown;
}

bool func_bind(const struct func *f, const struct func_arg *args, uint32_t n_args, const struct func_bind_opts *opts,
    const struct env *e, struct arena *a, struct func_call *c, struct diag *d)
{
    static const struct func_bind_opts none;
    struct binder b = {.f = f, .n = n_args, .opts = opts ? opts : &none, .env = e, .arena = a, .c = c, .diag = d};

    if (n_args < f->min_args || n_args > f->max_args)
        return diag_set(d, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, f->name);
    *c = (struct func_call){.f = f, .n_args = n_args, .aux = f->aux, .scalar = f->scalar, .vec_kind = 0xff};
    c->unit = (uint8_t)b.opts->unit;
    c->args = ARENA_NEW_N(a, struct func_arg, n_args + 1);
    if (n_args)
        memcpy(c->args, args, n_args * sizeof(*args));
    b.args = c->args;
    for (uint32_t i = 0; i < n_args; i++) {
        if (args[i].type.code == TYPE_GEOMETRY || args[i].type.code == TYPE_VECTOR)
            return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of a spatial or vector value "
                "above the shards'", f->name);
        if (args[i].type.code == TYPE_JSON && !func_takes_json(f, i, n_args, e->flavour == ENV_MARIADB))
            return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of a JSON value above the shards'", f->name);
    }
    if (f->flags & (e->flavour == ENV_MARIADB ? FUNC_MYSQL : FUNC_MARIADB))
        return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of the other kind of server'", f->name);
    if (!f->bind(&b))
        return false;
    c->type.flags |= gives_argument(&b) ? 0 : TYPE_COMPUTED;
    if (c->vec_kind == 0xff) {
        c->vec_kind = (uint8_t)vec_kind_of(&c->type);
        c->vec_scale = type_kind_of(&c->type) == KIND_DEC ? c->type.decimals : 0;
    }
    if (!c->kernel) {
        c->kernel = kernel_arith(c);
        if (!c->kernel)
            c->kernel = kernel_compare(c);
        if (!c->kernel)
            c->kernel = kernel_logic(c);
    }
    return true;
}

/* ---- evaluation ---- */

bool func_out_of_range(struct func_ctx *cx, const struct func_call *c, const char *what)
{
    return diag_set(cx->diag, ER_DATA_OUT_OF_RANGE, what, c->f->name);
}

void func_warn_div_zero(struct func_ctx *cx)
{
    if (cx->env->sql_mode & MODE_ERROR_FOR_DIVISION_BY_ZERO)
        warn_add(cx->env->warnings, WARN_WARNING, 1365, "Division by 0");
}

bool func_too_long(struct func_ctx *cx, const struct func_call *c, uint64_t bytes, struct value *out)
{
    if (bytes <= cx->env->max_allowed_packet)
        return false;
    warn_add(cx->env->warnings, WARN_WARNING, 1301, "Result of %s() was larger than max_allowed_packet (%llu) - truncated", c->f->name,
        (unsigned long long)cx->env->max_allowed_packet);
    *out = value_null();
    return true;
}

bool func_eval_scalar(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    *out = value_null();
    if (c->f->flags & FUNC_NULL_ANY) {
        for (uint32_t i = 0; i < c->n_args; i++) {
            if (args[i].kind == KIND_NULL)
                return true;
        }
    }
    if (!c->scalar(cx, c, args, out))
        return false;
    if (out->kind == KIND_STR)
        out->coll = c->type.coll;
    if (out->kind == KIND_I64 && c->type.flags & TYPE_IS_BOOL)
        out->code = TYPE_TINY;
    if (out->kind == KIND_F64 && out->f == 0 && cx->env->flavour == ENV_MARIADB)
        out->f = 0; /* a negative zero has no sign there once it is text */
    return true;
}

bool func_eval(struct func_ctx *cx, const struct func_call *c, const struct vec *const *args, const struct sel *sel,
    struct vec *out)
{
    struct value small[8], *vals = small, r;

    if (c->kernel)
        return c->kernel(cx, c, args, sel, out);
    if (c->n_args > ARRAY_LEN(small))
        vals = ARENA_NEW_N(cx->arena, struct value, c->n_args);
    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);

        for (uint32_t i = 0; i < c->n_args; i++)
            vec_get(args[i], row, &vals[i]);
        if (!func_eval_scalar(cx, c, vals, &r))
            return false;
        if (r.kind == KIND_STR && out->kind == VEC_STR) {
            /* Results are made in the batch's arena or are views of arguments: no copy. */
            out->str[row] = strv_make(r.s);
            vec_set_valid(out, row);
        } else if (!vec_put(out, row, &r)) {
            return func_out_of_range(cx, c, "DECIMAL");
        }
    }
    return true;
}
