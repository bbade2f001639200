/* JSON_ARRAYAGG and JSON_OBJECTAGG: each row's piece of text is kept, all are joined at the end. On MySQL an object's names are sorted and the last
 * value of a name counts; MariaDB keeps all of them, prints [a,b] and {"k":v, "k":v}, and leaves out NULL names (an error on MySQL). */
#include "types/agg-int.h"
#include "types/func-json.h"

static bool refuse(const struct agg_call *c, const char *of, struct diag *d)
{
    return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of %s above the shards'", agg_name(c->spec.fn), of);
}

bool agg_json_bind(struct agg_call *c, const struct env *e, struct diag *d)
{
    uint32_t value = c->spec.fn == AGG_JSON_OBJECTAGG ? 1 : 0;
    bool mariadb = e->flavour == ENV_MARIADB;
    const char *why = json_arg_unknown(&c->args[value], mariadb);
    struct binder b = {.args = c->args, .n = c->n_args, .env = e};

    if (why)
        return refuse(c, why, d);
    if (c->args[value].type.code == TYPE_ENUM || c->args[value].type.code == TYPE_SET || c->args[0].type.code == TYPE_BIT)
        return refuse(c, "ENUM, SET or BIT values", d);
    if (value && !mariadb && type_is_string(&c->args[0].type) && c->args[0].type.coll == TYPE_COLL_BINARY)
        return refuse(c, "bytes as names", d);
    for (uint32_t i = 0; i < c->spec.n_order; i++) {
        const struct sql_type *t = &c->args[c->spec.order[i].arg].type;

        if (type_is_string(t) && !coll_id_is_native(t->coll))
            return refuse(c, "rows ordered in a collation that is not native", d);
    }
    c->type = json_type(&b);
    c->coll = c->type.coll;
    return true;
}

/* Appends the value's text. */
static bool put_value(struct func_ctx *cx, const struct agg_call *c, const struct value *v, const struct sql_type *t, struct strbuf *b)
{
    bool my = cx->env->flavour == ENV_MYSQL8;
    struct json *j;

    if (t->code == TYPE_JSON && v->kind != KIND_NULL) {
        size_t open = 0;

        for (size_t i = 0; i < v->s.len; i++)
            open += v->s.ptr[i] == '[' || v->s.ptr[i] == '{';
        if (open >= (my ? JSON_MAX_DEPTH_MYSQL : JSON_MAX_DEPTH_MARIADB - 1) - 1)
            return refuse(c, "so deep documents", cx->diag);
        strbuf_putsv(b, v->s);
        return true;
    }
    if (!json_of_value(cx, v, t, my, &j))
        return refuse(c, "values of this type", cx->diag);
    json_print(j, JSON_LOOSE, !my, b);
    return true;
}

bool agg_json_update(struct func_ctx *cx, const struct agg_call *c, const struct vec *const *args, const struct sel *sel, void *const *states,
    struct arena *grow)
{
    bool object = c->spec.fn == AGG_JSON_OBJECTAGG, my = cx->env->flavour == ENV_MYSQL8;

    for (uint32_t k = 0; k < sel->n; k++) {
        uint32_t row = SEL_ROW(sel, k);
        struct strbuf b, key;
        struct value name, v;

        strbuf_init(&b, cx->arena);
        strbuf_init(&key, cx->arena);
        if (object) {
            vec_get(args[0], row, &name);
            if (name.kind == KIND_NULL && my)
                return diag_set_remote(cx->diag, 3158, "22032", SV("JSON documents may not contain NULL member names."));
            if (name.kind == KIND_NULL)
                continue;
            strbuf_putc(&b, '"');
            json_escape(value_to_str(&name, &args[0]->type, cx->arena), !my, &b);
            strbuf_puts(&b, "\":");
        }
        vec_get(args[object], row, &v);
        if (!put_value(cx, c, &v, &args[object]->type, &b))
            return false;
        if (c->spec.n_order)
            agg_order_key(cx, c, args, row, &key);
        agg_add_item(states[k], strbuf_sv(&b), strbuf_sv(&key), grow);
    }
    return true;
}

bool agg_json_final(struct func_ctx *cx, const struct agg_call *c, const struct state_concat *s, struct value *out)
{
    bool object = c->spec.fn == AGG_JSON_OBJECTAGG, my = cx->env->flavour == ENV_MYSQL8;
    struct concat_item **items;
    struct json_error err;
    struct json *j;
    struct strbuf b;
    uint64_t from, end;

    *out = value_null();
    if (s->n == 0)
        return true;
    items = agg_items(c, s, cx->arena, &from, &end);
    strbuf_init(&b, cx->arena);
    strbuf_putc(&b, object ? '{' : '[');
    for (uint64_t i = from; i < end; i++) {
        if (i > from)
            strbuf_puts(&b, my || object ? ", " : ",");
        strbuf_putsv(&b, items[i]->text);
    }
    strbuf_putc(&b, object ? '}' : ']');
    /* MariaDB cuts an array as GROUP_CONCAT() is cut. */
    if (!my && !object && b.len - 2 > cx->env->group_concat_max_len)
        return refuse(c, "more than group_concat_max_len", cx->diag);
    if (my && object) {
        j = json_parse(strbuf_sv(&b), JSON_PRINTED, cx->arena, &err);
        if (!j)
            return refuse(c, "such values", cx->diag);
        strbuf_init(&b, cx->arena);
        json_print(j, JSON_LOOSE, false, &b);
    }
    *out = value_str(strbuf_sv(&b), c->coll);
    out->code = TYPE_JSON;
    return true;
}
