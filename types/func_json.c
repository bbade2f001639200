/* JSON functions of both kinds of server.
 *
 * On MySQL a document is a value: arguments are JSON values or texts that must parse (else error 3141), results are of type JSON, in the server's
 * normal form. On MariaDB a document is text: functions give text, wrong documents give NULL and a warning, and "is JSON" is a property of an
 * expression, which TYPE_JSON stands for here, too; a column does not show it (LONGTEXT), so such columns are refused where it counts.
 * What cannot be told from a text (the exact type of a number that a shard printed) is refused when func_ctx.exact. */
#include "types/func-json.h"

#include <openssl/evp.h>

bool json_refuse(struct func_ctx *cx, const struct func_call *c, const char *of)
{
    return diag_setf(cx->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of %s above the shards'", c->f->name, of);
}

/* An error of a server's own that the table of errors lacks. */
static bool raise(struct func_ctx *cx, unsigned code, const char *state, const char *fmt, ...) PRINTF_LIKE(4, 5);
static bool raise(struct func_ctx *cx, unsigned code, const char *state, const char *fmt, ...)
{
    struct sv text;
    va_list ap;

    va_start(ap, fmt);
    text = arena_vprintf(cx->arena, fmt, ap);
    va_end(ap);
    return diag_set_remote(cx->diag, (uint16_t)code, state, text);
}

static const char *name_of(const struct func_call *c)
{
    return c->f->id == FUNC_CAST ? "cast_as_json" : !strcmp(c->f->name, "->") || !strcmp(c->f->name, "->>") ? "json_extract"
        : c->f->name;
}

static bool is_mariadb(const struct func_ctx *cx)
{
    return cx->env->flavour == ENV_MARIADB;
}

/* ---- arguments ---- */

static bool bad_text(struct func_ctx *cx, const struct func_call *c, uint32_t arg, const struct json_error *err)
{
    if (!err->text)
        return raise(cx, 3157, "22032", "The JSON document exceeds the maximum depth.");
    return raise(cx, 3141, "22032", "Invalid JSON text in argument %u to function %s: \"%s\" at position %zu.", arg + 1, name_of(c), err->text, err->at);
}

bool json_doc(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, struct json **out)
{
    const struct sql_type *t = &c->args[i].type;
    struct json_error err;
    bool value = t->code == TYPE_JSON;

    *out = NULL;
    if (args[i].kind == KIND_NULL)
        return true;
    if (is_mariadb(cx)) {
        *out = json_parse(arg_str(cx, c, args, i), JSON_MARIADB, cx->arena, &err);
        if (*out)
            return true;
        if (cx->exact || err.lenient)
            return json_refuse(cx, c, "a text that is no JSON");
        if (err.at_end)
            warn_add(cx->env->warnings, WARN_WARNING, 4037, "Unexpected end of JSON text in argument %u to function '%s'", i + 1, name_of(c));
        else
            warn_add(cx->env->warnings, WARN_WARNING, 4038, "Syntax error in JSON text in argument %u to function '%s' at position %zu", i + 1,
                name_of(c), err.at + 1);
        return true;
    }
    if (!value && !type_is_string(t))
        return raise(cx, 3146, "22032",
            "Invalid data type for JSON data in argument %u to function %s; a JSON string or JSON type is required.", i + 1, name_of(c));
    if (!value && t->coll == TYPE_COLL_BINARY)
        return raise(cx, 3144, "22032", "Cannot create a JSON value from a string with CHARACTER SET 'binary'.");
    *out = json_parse(args[i].s, value ? JSON_PRINTED : JSON_TEXT, cx->arena, &err);
    return *out || bad_text(cx, c, i, &err);
}

enum { PATH_ANY = 0, PATH_SINGLE = 1 };

/* A path. *ok false: the result is NULL (argument NULL, or MariaDB's warning). */
static bool path_of(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, int rule, struct json_path *p, bool *ok)
{
    size_t at;
    bool at_end;

    *ok = false;
    if (args[i].kind == KIND_NULL)
        return true;
    if (!json_path_parse(arg_str(cx, c, args, i), is_mariadb(cx), cx->arena, p, &at, &at_end)) {
        if (at == SIZE_MAX)
            return json_refuse(cx, c, "a path in this form");
        if (!is_mariadb(cx))
            return raise(cx, 3143, "42000", "Invalid JSON path expression. The error is around character position %zu.", at);
        if (cx->exact)
            return json_refuse(cx, c, "a path that is none");
        if (at_end)
            warn_add(cx->env->warnings, WARN_WARNING, 4041, "Unexpected end of JSON path in argument %u to function '%s'", i + 1, name_of(c));
        else
            warn_add(cx->env->warnings, WARN_WARNING, 4042, "Syntax error in JSON path in argument %u to function '%s' at position %zu", i + 1,
                name_of(c), at);
        return true;
    }
    if (rule == PATH_SINGLE && p->many) {
        if (!is_mariadb(cx))
            return raise(cx, 3149, "42000",
                "In this situation, path expressions may not contain the * and ** tokens or an array range.");
        warn_add(cx->env->warnings, WARN_WARNING, 4044, "Wildcards or range in JSON path not allowed in argument %u to function '%s'", i + 1, name_of(c));
        return true;
    }
    for (uint32_t k = 0; is_mariadb(cx) && k + 1 < p->n; k++) {
        if (p->legs[k].kind == JSON_LEG_ELLIPSIS && p->legs[k + 1].kind != JSON_LEG_MEMBER)
            return json_refuse(cx, c, "a path in this form");
    }
    *ok = true;
    return true;
}

/* What MariaDB makes of names given twice hangs on the function. */
static bool has_twins(const struct json *j)
{
    for (uint32_t i = 0; i < j->n; i++) {
        if (has_twins(j->items[i]) || (j->kind == JSON_OBJECT && json_find(j, j->names[i]) != (int64_t)i))
            return true;
    }
    return false;
}

/* What an SQL value is inside a document. */
static bool json_of(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, struct json **out)
{
    const struct value *v = &args[i];
    const struct sql_type *t = &c->args[i].type;
    bool my = !is_mariadb(cx);

    if (v->kind == KIND_NULL) {
        *out = json_new(JSON_NULL, cx->arena);
        return true;
    }
    if (t->code == TYPE_JSON)
        return json_doc(cx, c, args, i, out);
    return json_of_value(cx, v, t, my, out) || diag_is_set(cx->diag) || json_refuse(cx, c, "a value of this type");
}

bool json_of_value(struct func_ctx *cx, const struct value *v, const struct sql_type *t, bool my, struct json **out)
{
    char buf[48];

    switch ((enum type_kind)v->kind) {
    case KIND_NULL:
        *out = json_new(JSON_NULL, cx->arena);
        return true;
    case KIND_I64:
        *out = t->flags & TYPE_IS_BOOL ? json_new_bool(v->i != 0, cx->arena) : json_new_i64(v->i, cx->arena);
        return true;
    case KIND_U64:
        if (t->code == TYPE_BIT)
            return false;
        *out = json_new_u64(v->u, cx->arena);
        return true;
    case KIND_F64:
        *out = json_new_f64(v->f, cx->arena);
        if (!my)
            (*out)->text = value_to_str(v, t, cx->arena);
        return t->code != TYPE_FLOAT;
    case KIND_DEC:
        *out = json_new_dec(value_to_str(v, t, cx->arena), cx->arena);
        return true;
    case KIND_DATE:
    case KIND_DATETIME:
    case KIND_TIME:
        if (v->kind == KIND_DATE || !my)
            *out = json_new_string(value_to_str(v, t, cx->arena), cx->arena);
        else
            *out = json_new_string(arena_dup(cx->arena, (struct sv){buf, v->kind == KIND_TIME ? temporal_print_time(v->t, 6, buf)
                                                                                             : temporal_print_datetime(v->t, 6, buf)}), cx->arena);
        (*out)->guessed = true;
        return true;
    case KIND_STR:
        break;
    }
    if (my && t->coll == TYPE_COLL_BINARY) { /* VARBINARY and literals are of type 15 inside documents; of the others the shards do not say enough */
        size_t cap = (v->s.len + 2) / 3 * 4 + 16;
        char *p = arena_alloc(cx->arena, cap + 1);

        if (t->code != TYPE_VAR_STRING || v->s.len > INT32_MAX / 2)
            return false;
        memcpy(p, "base64:type15:", 14);
        cap = 14 + (size_t)EVP_EncodeBlock((unsigned char *)p + 14, (const unsigned char *)v->s.ptr, (int)v->s.len);
        *out = json_new_string((struct sv){p, cap}, cx->arena);
        (*out)->guessed = true;
        return cap <= 14 + 76; /* longer ones are broken into lines */
    }
    *out = json_new_string(v->s, cx->arena);
    return coll_is_valid(46, v->s);
}

/* ---- results ---- */

bool json_give(struct func_ctx *cx, const struct func_call *c, const struct json *j, struct value *out)
{
    struct strbuf b;

    if (!is_mariadb(cx) && json_depth(j) > JSON_MAX_DEPTH_MYSQL)
        return raise(cx, 3157, "22032", "The JSON document exceeds the maximum depth.");
    strbuf_init(&b, cx->arena);
    json_print(j, JSON_LOOSE, is_mariadb(cx), &b);
    *out = value_str(strbuf_sv(&b), c->type.coll);
    out->code = c->type.code == TYPE_JSON ? TYPE_JSON : 0;
    return true;
}

static void give_text(const struct func_call *c, struct sv s, struct value *out)
{
    *out = value_str(s.ptr ? s : SV(""), c->type.coll);
}

struct sql_type json_type(const struct binder *b)
{
    struct sql_type t;

    if (b->env->flavour == ENV_MYSQL8) {
        t = type_string(UINT32_MAX / 4, 46, DERIV_IMPLICIT);
    } else {
        uint16_t coll = b->n && type_is_string(&b->args[0].type) && b->args[0].type.coll != TYPE_COLL_BINARY ? b->args[0].type.coll
                                                                                                           : b->env->coll_connection;
        t = type_string(UINT32_MAX / 4, coll, DERIV_COERCIBLE);
    }
    t.code = TYPE_JSON;
    t.flags |= b->env->flavour == ENV_MYSQL8 ? TYPE_BLOB_FLAG : 0; /* as that server says of its documents, which sort by value */
    return t;
}

const char *json_arg_unknown(const struct func_arg *a, bool mariadb)
{
    const struct sql_type *t = &a->type;

    /* AVG keeps more digits than it shows, and MySQL prints them inside documents. */
    if (!mariadb && a->dec_scale != FUNC_SCALE_OF_TYPE && type_kind_of(t) == KIND_DEC && a->dec_scale != t->decimals)
        return "a number with hidden digits";
    if (a->constant || t->flags & (TYPE_COMPUTED | TYPE_IS_BOOL))
        return NULL;
    if ((t->code == TYPE_LONG || t->code == TYPE_LONGLONG) && t->length == 1)
        return "a number that may be a condition's";
    return mariadb && type_is_string(t) && t->code != TYPE_JSON ? "text of a shard that may be JSON" : NULL;
}

/* Arguments from..n, each step-th, become values of the document. */
static bool bind_values(struct binder *b, uint32_t from, uint32_t step)
{
    for (uint32_t i = from; i < b->n; i += step) {
        const char *why = json_arg_unknown(&b->args[i], b->env->flavour == ENV_MARIADB);

        if (why)
            return diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of %s above the shards'", b->f->name, why);
    }
    b->c->type = json_type(b);
    b->c->coll = b->c->type.coll;
    return true;
}

static bool bind_json(struct binder *b)
{
    return bind_values(b, 0, 1);
}

/* All arguments are documents or paths. */
static bool bind_docs(struct binder *b)
{
    b->c->type = json_type(b);
    b->c->coll = b->c->type.coll;
    return true;
}

/* JSON_KEYS is no JSON to MariaDB. */
static bool bind_keys(struct binder *b)
{
    (void)!bind_docs(b);
    if (b->env->flavour == ENV_MARIADB)
        b->c->type.code = TYPE_VAR_STRING;
    return true;
}

static bool bind_text_in(struct binder *b, uint16_t mysql, uint16_t mariadb)
{
    b->c->coll = b->env->flavour == ENV_MYSQL8 ? mysql : mariadb;
    b->c->type = type_string(UINT32_MAX / 4, b->c->coll, DERIV_COERCIBLE);
    return true;
}

/* utf8mb4_bin, whatever the connection's. */
static bool bind_text(struct binder *b)
{
    return bind_text_in(b, 46, 46);
}

static bool bind_type(struct binder *b)
{
    return bind_text_in(b, 46, 33);
}

static bool bind_value(struct binder *b)
{
    return bind_text_in(b, 309, json_type(b).coll);
}

static bool bind_pretty(struct binder *b)
{
    (void)!bind_text_in(b, 46, json_type(b).coll);
    if (b->env->flavour == ENV_MARIADB)
        b->c->type.code = TYPE_JSON;
    return true;
}

/* ---- building ---- */

static bool f_array(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j = json_new(JSON_ARRAY, cx->arena), *item;

    for (uint32_t i = 0; i < c->n_args; i++) {
        if (!json_of(cx, c, args, i, &item))
            return false;
        if (!item)
            return true;
        json_append(j, item, cx->arena);
    }
    return json_give(cx, c, j, out);
}

static bool bind_object(struct binder *b)
{
    if (b->n % 2)
        return diag_set(b->diag, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, b->f->name);
    return bind_values(b, 1, 2);
}

static bool f_object(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j = json_new(JSON_OBJECT, cx->arena), *item;
    bool my = !is_mariadb(cx);

    for (uint32_t i = 0; i < c->n_args; i += 2) {
        struct sv name;

        if (args[i].kind == KIND_NULL && my)
            return raise(cx, 3158, "22032", "JSON documents may not contain NULL member names.");
        if (my && args[i].kind == KIND_STR && c->args[i].type.coll == TYPE_COLL_BINARY)
            return raise(cx, 3144, "22032", "Cannot create a JSON value from a string with CHARACTER SET 'binary'.");
        name = arg_str(cx, c, args, i);
        if (!json_of(cx, c, args, i + 1, &item))
            return false;
        if (!item)
            return true;
        json_put(j, name, item, my, my, cx->arena);
    }
    return json_give(cx, c, j, out);
}

static bool f_quote(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct strbuf b;

    if (args[0].kind == KIND_STR && c->args[0].type.coll == TYPE_COLL_BINARY)
        return is_mariadb(cx) ? json_refuse(cx, c, "bytes")
                              : raise(cx, 3144, "22032", "Cannot create a JSON value from a string with CHARACTER SET 'binary'.");
    if (args[0].kind != KIND_STR || (c->args[0].type.code == TYPE_JSON && is_mariadb(cx))) {
        if (!is_mariadb(cx))
            return raise(cx, 3064, "HY000", "Incorrect type for argument 1 in function json_quote.");
        return args[0].kind != KIND_STR || json_refuse(cx, c, "a JSON value");
    }
    strbuf_init(&b, cx->arena);
    strbuf_putc(&b, '"');
    json_escape(args[0].s, is_mariadb(cx), &b);
    strbuf_putc(&b, '"');
    give_text(c, strbuf_sv(&b), out);
    return true;
}

static bool f_unquote(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    struct json_error err;
    struct json *j;

    if (!is_mariadb(cx)) {
        if (args[0].kind != KIND_STR)
            return raise(cx, 3064, "HY000", "Incorrect type for argument 1 in function json_unquote.");
        if (s.len < 2 || s.ptr[0] != '"' || s.ptr[s.len - 1] != '"') {
            give_text(c, s, out);
            return true;
        }
        j = json_parse(s, JSON_TEXT, cx->arena, &err);
        if (!j)
            return bad_text(cx, c, 0, &err);
        give_text(c, j->text, out);
        return true;
    }
    j = json_parse(s, JSON_MARIADB, cx->arena, &err);
    if (!j && (cx->exact || err.lenient) && memchr(s.ptr ? s.ptr : "", '"', s.len))
        return json_refuse(cx, c, "a text that is no JSON");
    if (!j && err.at_end)
        warn_add(cx->env->warnings, WARN_WARNING, 4037, "Unexpected end of JSON text in argument 1 to function 'json_unquote'");
    else if (!j)
        warn_add(cx->env->warnings, WARN_WARNING, 4038, "Syntax error in JSON text in argument 1 to function 'json_unquote' at position %zu", err.at + 1);
    give_text(c, j && j->kind == JSON_STRING ? j->text : s, out);
    return true;
}

/* ---- asking ---- */

static bool f_valid(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json_error err;
    struct sv s;

    if (!is_mariadb(cx) && (args[0].kind != KIND_STR || c->args[0].type.coll == TYPE_COLL_BINARY)) {
        *out = value_i64(c->args[0].type.code == TYPE_JSON);
        return true;
    }
    s = arg_str(cx, c, args, 0);
    if (json_parse(s, is_mariadb(cx) ? JSON_MARIADB : JSON_TEXT, cx->arena, &err)) {
        *out = value_i64(1);
        return true;
    }
    if (!err.text && !is_mariadb(cx))
        return bad_text(cx, c, 0, &err);
    /* MariaDB takes some texts that are no JSON, and notes what it does not take. */
    if (is_mariadb(cx) && (cx->exact || err.lenient))
        return json_refuse(cx, c, "a text that is no JSON");
    *out = value_i64(0);
    return true;
}

static bool f_type(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    static const char *const names[] = {"NULL", "BOOLEAN", NULL, "STRING", "ARRAY", "OBJECT"};
    static const char *const numbers[] = {"INTEGER", "UNSIGNED INTEGER", "DECIMAL", "DOUBLE"};
    struct json *j;
    const char *s;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    if (!j)
        return true;
    if (j->guessed)
        return json_refuse(cx, c, "a JSON value whose type its text does not show");
    s = j->kind == JSON_NUMBER ? numbers[j->number] : names[j->kind];
    if (is_mariadb(cx) && j->kind == JSON_NUMBER)
        s = memchr(j->raw.ptr, '.', j->raw.len) ? "DOUBLE" : "INTEGER";
    give_text(c, sv_cstr(s), out);
    return true;
}

static bool f_depth(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    if (j)
        *out = value_i64(json_depth(j));
    return true;
}

/* The one value that args[i] leads to in args[0]. *j NULL: the result is NULL. */
static bool at_path(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i, struct json **j)
{
    struct json_found f = {0};
    struct json_path p;
    bool ok;

    if (!json_doc(cx, c, args, 0, j))
        return false;
    if (i >= c->n_args || !*j)
        return true;
    if (!path_of(cx, c, args, i, c->aux && !is_mariadb(cx) ? PATH_ANY : PATH_SINGLE, &p, &ok))
        return false;
    if (ok)
        json_seek(*j, &p, false, is_mariadb(cx), cx->arena, &f);
    *j = NULL;
    if (f.n == 1 && (!p.many || c->aux == 2))
        *j = f.items[0];
    else if (f.n >= 1 && c->aux == 1) {
        *j = json_new(JSON_ARRAY, cx->arena);
        for (uint32_t k = 0; k < f.n; k++)
            json_append(*j, f.items[k], cx->arena);
    }
    return true;
}

/* c->aux 1: MySQL takes paths to many values and counts them; 2: takes them when they lead to one. */
static bool f_length(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;

    if (!at_path(cx, c, args, 1, &j))
        return false;
    if (j)
        *out = value_i64(j->kind >= JSON_ARRAY ? j->n : 1);
    return true;
}

/* MySQL's JSON_KEYS takes no value for the array of itself, as other functions do. */
static bool path_is_literal(struct json *j, const struct json_path *p)
{
    for (uint32_t i = 0; i < p->n; i++) {
        const struct json_leg *l = &p->legs[i];
        int64_t at;
        uint32_t k;

        if (l->kind == JSON_LEG_CELL && (j->kind != JSON_ARRAY || !json_leg_index(l, j->n, &k)))
            return false;
        at = l->kind == JSON_LEG_CELL ? k : j->kind == JSON_OBJECT ? json_find(j, l->name) : -1;
        if (at < 0)
            return false;
        j = j->items[at];
    }
    return true;
}

static bool f_keys(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j, *r = json_new(JSON_ARRAY, cx->arena);
    struct json_path p;
    bool ok;

    if (!at_path(cx, c, args, 1, &j))
        return false;
    if (!j || j->kind != JSON_OBJECT)
        return true;
    if (c->n_args > 1 && !is_mariadb(cx)) {
        if (!json_doc(cx, c, args, 0, &j) || !path_of(cx, c, args, 1, PATH_SINGLE, &p, &ok))
            return false;
        if (!path_is_literal(j, &p))
            return true;
        (void)!at_path(cx, c, args, 1, &j);
    }
    for (uint32_t i = 0; i < j->n; i++) {
        struct json *name = json_new_string(j->names[i], cx->arena);

        name->raw = j->raw_names[i];
        for (uint32_t k = 0; k < r->n && name; k++)
            name = sv_eq(r->items[k]->text, name->text) ? NULL : name;
        if (name)
            json_append(r, name, cx->arena);
    }
    return json_give(cx, c, r, out);
}

static bool f_extract(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json_found f = {0};
    struct json *j, *r;
    bool many = c->n_args > 2, ok;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    for (uint32_t i = 1; i < c->n_args; i++) {
        struct json_path p;

        if (!j && args[i].kind == KIND_NULL)
            continue;
        if (!path_of(cx, c, args, i, PATH_ANY, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (is_mariadb(cx) && c->n_args > 2 && (p.many || i > 1))
            return json_refuse(cx, c, "several paths"); /* it gives them in the document's order */
        if (j && is_mariadb(cx) && p.many && has_twins(j))
            return json_refuse(cx, c, "a document that has a name twice");
        many |= p.many;
        if (j) {
            struct json_found one = {0};

            json_seek(j, &p, is_mariadb(cx) && !p.many, is_mariadb(cx), cx->arena, &one);
            if (f.n == 0 && c->n_args == 2) {
                f = one;
                continue;
            }
            r = json_new(JSON_ARRAY, cx->arena);
            for (uint32_t k = 0; k < f.n + one.n; k++)
                json_append(r, k < f.n ? f.items[k] : one.items[k - f.n], cx->arena);
            f = (struct json_found){r->items, r->n, r->cap};
        }
    }
    if (!j || f.n == 0)
        return true;
    if (!many)
        r = f.items[0];
    else {
        r = json_new(JSON_ARRAY, cx->arena);
        for (uint32_t k = 0; k < f.n; k++)
            json_append(r, f.items[k], cx->arena);
    }
    if (c->aux && r->kind == JSON_STRING) { /* ->> */
        give_text(c, r->text, out);
        return true;
    }
    return json_give(cx, c, r, out);
}

static bool bind_extract(struct binder *b)
{
    if (!b->c->aux)
        return bind_docs(b);
    b->c->coll = 46;
    b->c->type = type_string(UINT32_MAX / 4, 46, DERIV_COERCIBLE);
    return true;
}

/* JSON_VALUE without clauses: text, NULL where there is none. MariaDB gives scalars only, and JSON_QUERY what is none. */
static bool f_value(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;
    struct strbuf b;

    if (!is_mariadb(cx)) {
        struct json_error err;

        if (args[0].kind == KIND_STR && c->args[0].type.code != TYPE_JSON && !json_parse(args[0].s, JSON_TEXT, cx->arena, &err)) {
            if (!err.text)
                return bad_text(cx, c, 0, &err);
            warn_add(cx->env->warnings, WARN_WARNING, 3141, "Invalid JSON text in argument 1 to function json_value: \"%s\" at position %zu.",
                err.text, err.at);
            return true;
        }
    }
    if (!at_path(cx, c, args, 1, &j))
        return false;
    if (!j || j->kind == JSON_NULL)
        return true;
    if (j->kind == JSON_STRING) {
        if (!is_mariadb(cx) && coll_chars(46, j->text) > 512)
            return true;
        give_text(c, j->text, out);
        return true;
    }
    if (is_mariadb(cx) && j->kind >= JSON_ARRAY)
        return true;
    if (is_mariadb(cx) && j->kind == JSON_BOOL) {
        give_text(c, j->truth ? SV("1") : SV("0"), out);
        return true;
    }
    strbuf_init(&b, cx->arena);
    json_print(j, JSON_LOOSE, is_mariadb(cx), &b);
    if (is_mariadb(cx) || coll_chars(46, strbuf_sv(&b)) <= 512)
        give_text(c, strbuf_sv(&b), out);
    return true;
}

static bool f_exists(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json_found f = {0};
    struct json_path p;
    struct json *j;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j) || !path_of(cx, c, args, 1, PATH_ANY, &p, &ok))
        return false;
    if (!j || !ok)
        return true;
    for (uint32_t i = 0; i < p.n; i++) {
        if (p.legs[i].kind == JSON_LEG_RANGE)
            return json_refuse(cx, c, "a path with a range");
    }
    if (p.many && has_twins(j))
        return json_refuse(cx, c, "a document that has a name twice");
    json_seek(j, &p, true, true, cx->arena, &f);
    *out = value_i64(f.n > 0);
    return true;
}

/* ---- containing ---- */

static bool contains(const struct json *t, const struct json *x)
{
    if (t->kind == JSON_ARRAY) {
        uint32_t n = x->kind == JSON_ARRAY ? x->n : 1;

        for (uint32_t i = 0; i < n; i++) {
            const struct json *want = x->kind == JSON_ARRAY ? x->items[i] : x;
            bool ok = false;

            for (uint32_t k = 0; k < t->n && !ok; k++)
                ok = contains(t->items[k], want);
            if (!ok)
                return false;
        }
        return true;
    }
    if (t->kind == JSON_OBJECT && x->kind == JSON_OBJECT) {
        for (uint32_t i = 0; i < x->n; i++) {
            int64_t at = json_find(t, x->names[i]);

            if (at < 0 || !contains(t->items[at], x->items[i]))
                return false;
        }
        return true;
    }
    return t->kind == x->kind && t->kind < JSON_ARRAY && json_compare(t, x) == 0;
}

static bool f_contains(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json_found f = {0};
    struct json_path p;
    struct json *j, *x;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j) || !json_doc(cx, c, args, 1, &x))
        return false;
    if (c->n_args > 2 && !path_of(cx, c, args, 2, PATH_SINGLE, &p, &ok))
        return false;
    if (!j || !x || (c->n_args > 2 && !ok))
        return true;
    if (c->n_args > 2) {
        json_seek(j, &p, true, is_mariadb(cx), cx->arena, &f);
        if (f.n == 0) {
            if (is_mariadb(cx))
                *out = value_i64(0);
            return true;
        }
        j = f.items[0];
    }
    *out = value_i64(contains(j, x));
    return true;
}

static bool one_or_all(struct func_ctx *cx, const struct func_call *c, const struct value *args, bool *all, bool *ok)
{
    struct sv s = arg_str(cx, c, args, 1);

    *ok = true;
    *all = sv_eq_nocase(s, SV("all"));
    if (*all || sv_eq_nocase(s, SV("one")))
        return true;
    if (!is_mariadb(cx))
        return raise(cx, 3154, "42000", "The oneOrAll argument to %s may take these values: 'one' or 'all'.", name_of(c));
    warn_add(cx->env->warnings, WARN_WARNING, 4046, "Argument 2 to function '%s' must be \"one\" or \"all\".", name_of(c));
    *ok = false;
    return true;
}

static bool f_contains_path(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;
    bool all, ok, any = false;

    if (args[0].kind == KIND_NULL || args[1].kind == KIND_NULL)
        return true;
    if (!json_doc(cx, c, args, 0, &j) || !one_or_all(cx, c, args, &all, &ok))
        return false;
    if (!j || !ok)
        return true;
    for (uint32_t i = 2; is_mariadb(cx) && i < c->n_args; i++) {
        if (args[i].kind == KIND_NULL)
            return true;
    }
    for (uint32_t i = 2; i < c->n_args; i++) {
        struct json_found f = {0};
        struct json_path p;

        if (!path_of(cx, c, args, i, PATH_ANY, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (is_mariadb(cx) && p.many && has_twins(j))
            return json_refuse(cx, c, "a document that has a name twice");
        json_seek(j, &p, true, is_mariadb(cx), cx->arena, &f);
        any = f.n > 0;
        if (any != all)
            break;
    }
    *out = value_i64(any);
    return true;
}

static bool in_array(const struct json *array, const struct json *x)
{
    if (array->kind != JSON_ARRAY)
        return array->kind == x->kind && json_compare(array, x) == 0;
    for (uint32_t i = 0; i < array->n; i++) {
        if (json_compare(array->items[i], x) == 0)
            return true;
    }
    return false;
}

static bool f_member_of(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *x, *j;

    if (args[0].kind == KIND_NULL || args[1].kind == KIND_NULL)
        return true;
    if (!json_of(cx, c, args, 0, &x) || !json_doc(cx, c, args, 1, &j))
        return false;
    *out = value_i64(in_array(j, x));
    return true;
}

static bool f_overlaps(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *x, *y;
    bool any = false;

    if (!json_doc(cx, c, args, 0, &x) || !json_doc(cx, c, args, 1, &y))
        return false;
    if (!x || !y)
        return true;
    for (uint32_t i = 0; is_mariadb(cx) && i < x->n + y->n; i++) {
        if ((i < x->n ? x->items[i] : y->items[i - x->n])->kind >= JSON_ARRAY)
            return json_refuse(cx, c, "documents with arrays or objects in them");
    }
    if (x->kind == JSON_ARRAY && y->kind == JSON_ARRAY) {
        for (uint32_t i = 0; i < x->n && !any; i++)
            any = in_array(y, x->items[i]);
    } else if (x->kind == JSON_OBJECT && y->kind == JSON_OBJECT) {
        for (uint32_t i = 0; i < x->n && !any; i++) {
            int64_t at = json_find(y, x->names[i]);

            any = at >= 0 && json_compare(x->items[i], y->items[at]) == 0;
        }
    } else {
        any = x->kind == JSON_ARRAY ? in_array(x, y) : in_array(y, x);
    }
    *out = value_i64(any);
    return true;
}

/* ---- changing ---- */

/* Where a path of single steps leads: a place to be written; NULL: nowhere. The parent and the index in it, where there is one. */
struct place {
    struct json **slot, *parent;
    uint32_t at;
};

static struct place place_of(struct json **root, const struct json_path *p, uint32_t n, bool mariadb)
{
    struct place w = {root, NULL, 0};

    for (uint32_t i = 0; i < n; i++) {
        const struct json_leg *l = &p->legs[i];
        struct json *j = *w.slot;
        int64_t at = -1;
        uint32_t k;

        if (l->kind == JSON_LEG_MEMBER && j->kind == JSON_OBJECT)
            at = json_find(j, l->name);
        else if (l->kind == JSON_LEG_CELL && j->kind == JSON_ARRAY && json_leg_index(l, j->n, &k))
            at = k;
        else if (l->kind == JSON_LEG_CELL && j->kind != JSON_ARRAY && json_leg_index(l, 1, &k) && !(mariadb && l->from_end))
            continue; /* the one cell of what is no array is itself */
        if (at < 0)
            return (struct place){NULL, NULL, 0};
        w = (struct place){&j->items[at], j, (uint32_t)at};
    }
    return w;
}

enum { SET_REPLACE = 1, SET_INSERT = 2 };

/* Puts x behind the last leg, which leads nowhere yet. */
static bool put_new(struct func_ctx *cx, const struct func_call *c, struct json **root, const struct json_path *p, struct json *x)
{
    const struct json_leg *l = &p->legs[p->n - 1];
    struct place w = place_of(root, p, p->n - 1, is_mariadb(cx));
    struct json *j = w.slot ? *w.slot : NULL;

    if (!j)
        return true;
    if (l->kind == JSON_LEG_MEMBER) {
        if (j->kind == JSON_OBJECT)
            json_put(j, l->name, x, !is_mariadb(cx), true, cx->arena);
        return true;
    }
    if (is_mariadb(cx) && l->from_end)
        return json_refuse(cx, c, "a path in this form");
    if (j->kind != JSON_ARRAY) {
        struct json *array = json_new(JSON_ARRAY, cx->arena);

        json_append(array, j, cx->arena);
        *w.slot = j = array;
    }
    json_insert(j, l->from_end ? 0 : j->n, x, cx->arena);
    return true;
}

static bool f_set(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j, *x;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    for (uint32_t i = 1; i + 1 < c->n_args; i += 2) {
        struct json_path p;
        struct place w;

        if (!path_of(cx, c, args, i, PATH_SINGLE, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (!j)
            continue;
        if (!json_of(cx, c, args, i + 1, &x))
            return false;
        if (!x)
            return true;
        w = place_of(&j, &p, p.n, is_mariadb(cx));
        if (w.slot && c->aux & SET_REPLACE)
            *w.slot = x;
        else if (!w.slot && c->aux & SET_INSERT && !put_new(cx, c, &j, &p, x))
            return false;
    }
    return j ? json_give(cx, c, j, out) : true;
}

static bool bind_pairs(struct binder *b)
{
    if (b->n % 2 == 0)
        return diag_set(b->diag, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, b->f->name);
    return bind_values(b, 2, 2);
}

static bool f_remove(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    for (uint32_t i = 1; i < c->n_args; i++) {
        struct json_path p;
        struct place w;

        if (!path_of(cx, c, args, i, PATH_SINGLE, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (p.n == 0) {
            if (!is_mariadb(cx))
                return raise(cx, 3153, "42000", "The path expression '$' is not allowed in this context.");
            warn_add(cx->env->warnings, WARN_WARNING, 4051, "Path expression '$' is not allowed in argument %u to function 'json_remove'.", i + 1);
            return true;
        }
        if (!j)
            continue;
        w = place_of(&j, &p, p.n, is_mariadb(cx));
        if (!w.slot || !w.parent)
            continue;
        if (is_mariadb(cx)) { /* there a cell of what is no array is not removed */
            struct place up = place_of(&j, &p, p.n - 1, true);

            if (p.legs[p.n - 1].kind == JSON_LEG_CELL && up.slot && (*up.slot)->kind != JSON_ARRAY)
                continue;
        }
        json_erase(w.parent, w.at);
    }
    return j ? json_give(cx, c, j, out) : true;
}

static bool f_array_append(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j, *x;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    for (uint32_t i = 1; i + 1 < c->n_args; i += 2) {
        struct json_path p;
        struct place w;

        if (!path_of(cx, c, args, i, PATH_SINGLE, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (!j)
            continue;
        if (!json_of(cx, c, args, i + 1, &x))
            return false;
        w = place_of(&j, &p, p.n, is_mariadb(cx));
        if (!w.slot && is_mariadb(cx))
            return true;
        if (!w.slot)
            continue;
        if (!x)
            return true;
        if ((*w.slot)->kind != JSON_ARRAY) {
            struct json *array = json_new(JSON_ARRAY, cx->arena);

            json_append(array, *w.slot, cx->arena);
            *w.slot = array;
        }
        json_append(*w.slot, x, cx->arena);
    }
    return j ? json_give(cx, c, j, out) : true;
}

static bool f_array_insert(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j, *x;
    bool ok;

    if (!json_doc(cx, c, args, 0, &j))
        return false;
    for (uint32_t i = 1; i + 1 < c->n_args; i += 2) {
        const struct json_leg *l;
        struct json_path p;
        struct place w;
        uint32_t at = 0;

        if (!path_of(cx, c, args, i, PATH_SINGLE, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (p.n == 0 || p.legs[p.n - 1].kind != JSON_LEG_CELL) {
            if (!is_mariadb(cx))
                return raise(cx, 3165, "42000", "A path expression is not a path to a cell in an array.");
            return !cx->exact || json_refuse(cx, c, "a path in this form");
        }
        if (!j)
            continue;
        if (!json_of(cx, c, args, i + 1, &x))
            return false;
        if (!x)
            return true;
        l = &p.legs[p.n - 1];
        if (is_mariadb(cx) && l->from_end)
            return json_refuse(cx, c, "a path in this form");
        w = place_of(&j, &p, p.n - 1, is_mariadb(cx));
        if (!w.slot || (*w.slot)->kind != JSON_ARRAY)
            continue;
        if (!json_leg_index(l, (*w.slot)->n, &at))
            at = l->from_end ? 0 : (*w.slot)->n;
        json_insert(*w.slot, at, x, cx->arena);
    }
    return j ? json_give(cx, c, j, out) : true;
}

/* ---- merging ---- */

static struct json *merge_patch(struct json *t, struct json *patch, bool mariadb, struct arena *a)
{
    struct json *r;

    if (patch->kind != JSON_OBJECT)
        return patch;
    r = t && t->kind == JSON_OBJECT ? json_shallow(t, a) : json_new(JSON_OBJECT, a);
    for (uint32_t i = 0; i < patch->n; i++) {
        int64_t at = json_find(r, patch->names[i]);

        if (patch->items[i]->kind == JSON_NULL) {
            if (at >= 0)
                json_erase(r, (uint32_t)at);
            continue;
        }
        json_put(r, patch->names[i], merge_patch(at >= 0 ? r->items[at] : NULL, patch->items[i], mariadb, a), !mariadb, true, a);
        if (mariadb && at < 0)
            r->raw_names[r->n - 1] = patch->raw_names[i];
    }
    return r;
}

static struct json *merge_preserve(struct json *x, struct json *y, bool mariadb, struct arena *a)
{
    struct json *r;

    if (x->kind == JSON_OBJECT && y->kind == JSON_OBJECT) {
        r = json_shallow(x, a);
        for (uint32_t i = 0; i < y->n; i++) {
            int64_t at = json_find(r, y->names[i]);

            json_put(r, y->names[i], at >= 0 ? merge_preserve(r->items[at], y->items[i], mariadb, a) : y->items[i], !mariadb, true, a);
            if (mariadb && at < 0)
                r->raw_names[r->n - 1] = y->raw_names[i];
        }
        return r;
    }
    if (x->kind == JSON_ARRAY) {
        r = json_shallow(x, a);
    } else {
        r = json_new(JSON_ARRAY, a);
        json_append(r, x, a);
    }
    for (uint32_t i = 0; y->kind == JSON_ARRAY && i < y->n; i++)
        json_append(r, y->items[i], a);
    if (y->kind != JSON_ARRAY)
        json_append(r, y, a);
    return r;
}

static bool f_merge(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *r = NULL, *j;
    bool unknown = false;

    if (c->aux == 2 && !is_mariadb(cx))
        warn_add(cx->env->warnings, WARN_WARNING, 1287, "'JSON_MERGE' is deprecated and will be removed in a future release. Please use "
            "JSON_MERGE_PRESERVE/JSON_MERGE_PATCH instead");
    for (uint32_t i = 0; i < c->n_args; i++) {
        if (!json_doc(cx, c, args, i, &j))
            return false;
        if (j && is_mariadb(cx) && has_twins(j))
            return json_refuse(cx, c, "a document that has a name twice");
        if (!j && (c->aux || (is_mariadb(cx) && args[i].kind != KIND_NULL)))
            return true;
        if (!j) { /* NULL makes the result unknown until something that is no object comes */
            unknown = true;
        } else if (c->aux) {
            r = r ? merge_preserve(r, j, is_mariadb(cx), cx->arena) : j;
        } else {
            unknown &= j->kind == JSON_OBJECT;
            /* The first document stays as it is. */
            r = i == 0 ? j : merge_patch(r, j, is_mariadb(cx), cx->arena);
        }
    }
    return unknown || !r ? true : json_give(cx, c, r, out);
}

/* ---- searching ---- */

struct search {
    struct func_ctx *cx;
    uint16_t coll;
    struct sv pattern;
    uint32_t escape;
    bool all;
    bool unknown;       /* a name that may be an identifier or not */
    struct json *found; /* array of paths */
};

static void search_in(struct search *s, const struct json *j, struct sv path)
{
    struct strbuf b;
    struct json *p;

    if (!s->all && s->found->n)
        return;
    if (j->kind == JSON_STRING || (is_mariadb(s->cx) && j->kind == JSON_NUMBER)) {
        if (!coll_like(s->coll, j->kind == JSON_STRING ? j->text : j->raw, s->pattern, s->escape))
            return;
        for (uint32_t i = 0; i < s->found->n; i++) {
            if (sv_eq(s->found->items[i]->text, path))
                return;
        }
        p = json_new_string(path, s->cx->arena);
        if (is_mariadb(s->cx))
            p->raw = path;
        json_append(s->found, p, s->cx->arena);
        return;
    }
    for (uint32_t i = 0; i < j->n; i++) {
        strbuf_init(&b, s->cx->arena);
        strbuf_putsv(&b, path);
        if (j->kind == JSON_ARRAY) {
            strbuf_printf(&b, "[%u]", i);
        } else if (is_mariadb(s->cx) || json_is_identifier(j->names[i], &s->unknown)) {
            strbuf_putc(&b, '.');
            strbuf_putsv(&b, is_mariadb(s->cx) ? j->raw_names[i] : j->names[i]);
        } else {
            strbuf_puts(&b, ".\"");
            json_escape(j->names[i], false, &b);
            strbuf_putc(&b, '"');
        }
        search_in(s, j->items[i], strbuf_sv(&b));
    }
}

static bool bind_search(struct binder *b)
{
    (void)!bind_docs(b);
    b->c->coll = 46;
    if (b->env->flavour == ENV_MARIADB) {
        b->c->coll = type_is_string(&b->args[2].type) ? b->args[2].type.coll : b->env->coll_connection;
        if (!coll_id_is_native(b->c->coll))
            return diag_set(b->diag, ER_NOT_SUPPORTED_YET, "json_search() in this collation above the shards");
    }
    return true;
}

static bool f_search(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct search s = {.cx = cx, .coll = c->coll, .escape = '\\', .found = json_new(JSON_ARRAY, cx->arena)};
    struct json *j;
    bool ok;

    if (args[0].kind == KIND_NULL || args[1].kind == KIND_NULL || args[2].kind == KIND_NULL)
        return true;
    if (!json_doc(cx, c, args, 0, &j) || !one_or_all(cx, c, args, &s.all, &ok))
        return false;
    if (!j || !ok)
        return true;
    if (c->n_args > 3 && args[3].kind != KIND_NULL) {
        struct sv e = arg_str(cx, c, args, 3);

        if (coll_chars(46, e) > 1)
            return raise(cx, 1210, "HY000", "Incorrect arguments to ESCAPE");
        if (e.len)
            (void)coll_decode_utf8(e.ptr, e.ptr + e.len, &s.escape);
    }
    if (is_mariadb(cx) && has_twins(j))
        return json_refuse(cx, c, "a document that has a name twice");
    s.pattern = arg_str(cx, c, args, 2);
    if (c->n_args <= 4)
        search_in(&s, j, SV("$"));
    for (uint32_t i = 4; i < c->n_args; i++) {
        struct json_found f = {0};
        struct json_path p;

        if (!path_of(cx, c, args, i, PATH_ANY, &p, &ok))
            return false;
        if (!ok)
            return true;
        if (p.many)
            return json_refuse(cx, c, "a path to several values");
        json_seek(j, &p, true, is_mariadb(cx), cx->arena, &f);
        for (uint32_t k = 0; k < p.n; k++) {
            if (p.legs[k].kind == JSON_LEG_CELL)
                return json_refuse(cx, c, "a path with cells");
        }
        if (f.n)
            search_in(&s, f.items[0], arg_str(cx, c, args, i));
    }
    if (s.found->n == 0)
        return true;
    if (s.unknown)
        return json_refuse(cx, c, "documents with such names");
    return json_give(cx, c, s.found->n == 1 ? s.found->items[0] : s.found, out);
}

/* ---- forms of text ---- */

static bool f_format(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum json_style style = c->aux == 2 ? JSON_COMPACT : c->aux == 3 ? JSON_LOOSE : is_mariadb(cx) ? JSON_PRETTY_MARIADB : JSON_PRETTY_MYSQL;
    struct json *j;
    struct strbuf b;

    if (c->n_args > 1)
        return json_refuse(cx, c, "another width");
    if (!json_doc(cx, c, args, 0, &j))
        return false;
    if (!j)
        return true;
    strbuf_init(&b, cx->arena);
    json_print(j, style, is_mariadb(cx), &b);
    give_text(c, strbuf_sv(&b), out);
    out->code = c->type.code == TYPE_JSON ? TYPE_JSON : 0;
    return true;
}

static bool f_cast_json(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct json *j;

    if (type_is_string(&c->args[0].type) ? !json_doc(cx, c, args, 0, &j) : !json_of(cx, c, args, 0, &j))
        return false;
    return j ? json_give(cx, c, j, out) : true;
}

bool json_bind_cast(struct binder *b)
{
    if (b->env->flavour == ENV_MARIADB)
        return diag_set(b->diag, ER_NOT_SUPPORTED_YET, "CAST AS JSON");
    b->c->scalar = f_cast_json;
    return bind_json(b);
}

/* A number as MariaDB normalises it: 1.25E4. */
static void put_normal_number(struct sv s, struct strbuf *b)
{
    char digits[64];
    size_t i = 0, n = 0;
    int64_t point = 0, e = 0;
    bool neg = s.len && s.ptr[0] == '-', dot = false, down;

    for (i = neg; i < s.len && (s.ptr[i] | 0x20) != 'e'; i++) {
        if (s.ptr[i] == '.') {
            dot = true;
            continue;
        }
        if (n || s.ptr[i] != '0') {
            if (n < sizeof(digits))
                digits[n] = s.ptr[i];
            n++;
            point += !dot;
        } else {
            point -= dot;
        }
    }
    if (i < s.len) {
        down = s.ptr[++i] == '-';
        for (i += s.ptr[i] == '-' || s.ptr[i] == '+'; i < s.len; i++)
            e = MIN(e * 10 + (s.ptr[i] - '0'), INT64_C(1000000000));
        e = down ? -e : e;
    }
    n = MIN(n, sizeof(digits));
    while (n && digits[n - 1] == '0')
        n--;
    if (n == 0) {
        strbuf_puts(b, "0.0E0");
        return;
    }
    if (neg)
        strbuf_putc(b, '-');
    strbuf_putc(b, digits[0]);
    strbuf_putc(b, '.');
    strbuf_put(b, n > 1 ? digits + 1 : "0", n > 1 ? n - 1 : 1);
    strbuf_printf(b, "E%lld", (long long)(e + point - 1));
}

struct member {
    struct sv name;
    uint32_t at;
};

static int member_cmp(const void *x, const void *y)
{
    const struct member *p = x, *q = y;
    int c = sv_cmp(p->name, q->name);

    return c ? c : (p->at > q->at) - (p->at < q->at);
}

static void put_normal(const struct json *j, struct strbuf *b)
{
    struct member *order;

    if (j->kind == JSON_NUMBER) {
        put_normal_number(j->raw, b);
        return;
    }
    if (j->kind < JSON_ARRAY) {
        json_print(j, JSON_COMPACT, true, b);
        return;
    }
    order = ARENA_NEW_N(b->arena, struct member, j->n + 1);
    for (uint32_t i = 0; i < j->n; i++)
        order[i] = (struct member){j->kind == JSON_OBJECT ? j->raw_names[i] : SV(""), i};
    if (j->kind == JSON_OBJECT)
        qsort(order, j->n, sizeof(*order), member_cmp);
    strbuf_putc(b, j->kind == JSON_OBJECT ? '{' : '[');
    for (uint32_t i = 0; i < j->n; i++) {
        if (i)
            strbuf_putc(b, ',');
        if (j->kind == JSON_OBJECT) {
            strbuf_putc(b, '"');
            strbuf_putsv(b, order[i].name);
            strbuf_puts(b, "\":");
        }
        put_normal(j->items[order[i].at], b);
    }
    strbuf_putc(b, j->kind == JSON_OBJECT ? '}' : ']');
}

static bool f_normalize(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct strbuf b[2];
    struct json *j;

    for (uint32_t i = 0; i < c->n_args; i++) {
        if (!json_doc(cx, c, args, i, &j))
            return false;
        if (!j)
            return true;
        if (has_twins(j))
            return json_refuse(cx, c, "a document that has a name twice");
        strbuf_init(&b[i], cx->arena);
        put_normal(j, &b[i]);
    }
    if (c->aux)
        *out = value_i64(sv_eq(strbuf_sv(&b[0]), strbuf_sv(&b[1])));
    else
        give_text(c, strbuf_sv(&b[0]), out);
    return true;
}

#define N FUNC_NULL_ANY
#define MY FUNC_MYSQL
#define MA FUNC_MARIADB
const struct func funcs_json[] = {
    {"json_array", FUNC_OTHER, 0, UINT16_MAX, 0, bind_json, f_array, 1},
    {"json_object", FUNC_OTHER, 0, UINT16_MAX, 0, bind_object, f_object, 1},
    {"json_quote", FUNC_OTHER, 1, 1, N, bind_text, f_quote, 0},
    {"json_unquote", FUNC_OTHER, 1, 1, N, bind_text, f_unquote, 0},
    {"json_extract", FUNC_OTHER, 2, UINT16_MAX, 0, bind_extract, f_extract, 0},
    {"->", FUNC_OTHER, 2, 2, MY, bind_extract, f_extract, 0},
    {"->>", FUNC_OTHER, 2, 2, MY, bind_extract, f_extract, 1},
    {"json_value", FUNC_OTHER, 2, 2, N, bind_value, f_value, 2},
    {"json_exists", FUNC_OTHER, 2, 2, N | MA, bind_bool, f_exists, 0},
    {"json_valid", FUNC_OTHER, 1, 1, N, bind_bool, f_valid, 0},
    {"json_type", FUNC_OTHER, 1, 1, N, bind_type, f_type, 0},
    {"json_depth", FUNC_OTHER, 1, 1, N, bind_int, f_depth, 0},
    {"json_length", FUNC_OTHER, 1, 2, N, bind_int, f_length, 1},
    {"json_keys", FUNC_OTHER, 1, 2, N, bind_keys, f_keys, 0},
    {"json_contains", FUNC_OTHER, 2, 3, N, bind_bool, f_contains, 0},
    {"json_contains_path", FUNC_OTHER, 3, UINT16_MAX, 0, bind_bool, f_contains_path, 0},
    {"member of", FUNC_OTHER, 2, 2, MY, bind_bool, f_member_of, 0},
    {"json_overlaps", FUNC_OTHER, 2, 2, N, bind_bool, f_overlaps, 0},
    {"json_set", FUNC_OTHER, 3, UINT16_MAX, 0, bind_pairs, f_set, SET_REPLACE | SET_INSERT},
    {"json_insert", FUNC_OTHER, 3, UINT16_MAX, 0, bind_pairs, f_set, SET_INSERT},
    {"json_replace", FUNC_OTHER, 3, UINT16_MAX, 0, bind_pairs, f_set, SET_REPLACE},
    {"json_remove", FUNC_OTHER, 2, UINT16_MAX, 0, bind_docs, f_remove, 0},
    {"json_array_append", FUNC_OTHER, 3, UINT16_MAX, 0, bind_pairs, f_array_append, 1},
    {"json_array_insert", FUNC_OTHER, 3, UINT16_MAX, 0, bind_pairs, f_array_insert, 1},
    {"json_merge_patch", FUNC_OTHER, 2, UINT16_MAX, 0, bind_docs, f_merge, 0},
    {"json_merge_preserve", FUNC_OTHER, 2, UINT16_MAX, 0, bind_docs, f_merge, 1},
    {"json_merge", FUNC_OTHER, 2, UINT16_MAX, 0, bind_docs, f_merge, 2},
    {"json_search", FUNC_OTHER, 3, UINT16_MAX, 0, bind_search, f_search, 0},
    {"json_pretty", FUNC_OTHER, 1, 2, N, bind_pretty, f_format, 0},
    {"json_detailed", FUNC_OTHER, 1, 2, N | MA, bind_pretty, f_format, 0},
    {"json_compact", FUNC_OTHER, 1, 1, N | MA, bind_docs, f_format, 2},
    {"json_loose", FUNC_OTHER, 1, 1, N | MA, bind_docs, f_format, 3},
    {"json_normalize", FUNC_OTHER, 1, 1, N | MA, bind_docs, f_normalize, 0},
    {"json_equals", FUNC_OTHER, 2, 2, N | MA, bind_bool, f_normalize, 1},
};
const size_t funcs_json_n = ARRAY_LEN(funcs_json);
#undef N
#undef MY
#undef MA
