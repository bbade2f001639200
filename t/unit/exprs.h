/* For tests: expressions in prefix form, as in types_exprs.in, to bound expressions. (f arg...); literals as in SQL, D'..',
 * T'..', TS'..'; #n is column n. Aborts on malformed text: the files are ours. */
#ifndef T_UNIT_EXPRS_H
#define T_UNIT_EXPRS_H

#include "types/bexpr.h"
#include "types/coll.h"
#include "util/strbuf.h"

#include <stdio.h>
#include <stdlib.h>

struct expr_reader {
    const char *p, *end;
    struct arena *a;
    const struct env *env;
    struct diag *d;
    const struct sql_type *cols; /* types of #n */
    /* Where not NULL, literals become columns: their values are collected here. */
    struct value *lifted;
    struct sql_type *lifted_types;
    uint32_t n_lifted;
};

static inline struct sv expr_token(struct expr_reader *r)
{
    const char *s;

    while (r->p < r->end && *r->p == ' ')
        r->p++;
    s = r->p;
    if (*r->p == '(' || *r->p == ')')
        return (struct sv){r->p++, 1};
    while (r->p < r->end && *r->p != ' ' && *r->p != '(' && *r->p != ')' && *r->p != '\'')
        r->p++;
    if (r->p < r->end && *r->p == '(' && r->p > s) { /* decimal(10,2) */
        while (*r->p != ')')
            r->p++;
        r->p++;
    } else if (r->p < r->end && *r->p == '\'') {
        for (r->p++;; r->p++) {
            CHECK(r->p < r->end);
            if (*r->p == '\\')
                r->p++;
            else if (*r->p == '\'' && r->p + 1 < r->end && r->p[1] == '\'')
                r->p++;
            else if (*r->p == '\'')
                break;
        }
        r->p++;
    }
    return (struct sv){s, (size_t)(r->p - s)};
}

static inline struct sql_type expr_cast_type(const struct env *e, struct sv t)
{
    const char *paren = memchr(t.ptr, '(', t.len);
    struct sv name = {t.ptr, paren ? (size_t)(paren - t.ptr) : t.len};
    unsigned a = paren ? (unsigned)strtoul(paren + 1, NULL, 10) : 0, b = 0;
    struct sql_type r;

    if (paren && memchr(paren, ',', (size_t)(t.ptr + t.len - paren)))
        b = (unsigned)strtoul((const char *)memchr(paren, ',', (size_t)(t.ptr + t.len - paren)) + 1, NULL, 10);
    if (sv_eq_cstr(name, "signed"))
        return type_int(false);
    if (sv_eq_cstr(name, "unsigned"))
        return type_int(true);
    if (sv_eq_cstr(name, "json")) {
        r = type_string(1u << 20, 46, DERIV_IMPLICIT);
        r.code = TYPE_JSON;
        return r;
    }
    if (sv_eq_cstr(name, "double"))
        return type_double();
    if (sv_eq_cstr(name, "decimal"))
        return type_decimal(paren ? a : 10, b);
    if (sv_eq_cstr(name, "date"))
        return type_temporal(TYPE_DATE, 0);
    if (sv_eq_cstr(name, "datetime"))
        return type_temporal(TYPE_DATETIME, a);
    if (sv_eq_cstr(name, "time"))
        return type_temporal(TYPE_TIME, a);
    if (sv_eq_cstr(name, "year"))
        return type_temporal(TYPE_YEAR, 0);
    if (sv_eq_cstr(name, "binary")) {
        r = type_string(paren ? a : 1u << 20, TYPE_COLL_BINARY, DERIV_COERCIBLE);
        r.code = paren ? TYPE_STRING : TYPE_VAR_STRING;
        return r;
    }
    CHECK(sv_eq_cstr(name, "char"));
    return type_string(paren ? a : 1u << 20, e->coll_connection, DERIV_COERCIBLE);
}

static inline struct value expr_literal(struct expr_reader *r, struct sv t)
{
    struct env e = *r->env;
    struct value v;

    if (sv_eq_nocase(t, SV("NULL")))
        return value_null();
    if (sv_eq_nocase(t, SV("TRUE")) || sv_eq_nocase(t, SV("FALSE")))
        return value_bool(t.len == 4);
    if (t.ptr[0] == 'B' && t.ptr[1] == '\'') {
        CHECK(value_parse_string((struct sv){t.ptr + 1, t.len - 1}, false, TYPE_COLL_BINARY, TYPE_COLL_BINARY, r->a, &v));
        return v;
    }
    if (t.ptr[0] == '\'') {
        CHECK(value_parse_string(t, false, 255, r->env->coll_connection, r->a, &v));
        return v;
    }
    if ((t.ptr[0] == 'x' || t.ptr[0] == 'b') && t.ptr[1] == '\'') {
        CHECK(value_parse_hex_bin(t, r->env->flavour == ENV_MARIADB, r->a, &v));
        return v;
    }
    if (t.ptr[0] == 'D' || t.ptr[0] == 'T') {
        size_t skip = t.ptr[1] == 'S' ? 3 : 2;
        struct sv text = {t.ptr + skip, t.len - skip - 1};
        const char *dot = memchr(text.ptr, '.', text.len);

        v = (struct value){.kind = t.ptr[0] == 'D' ? KIND_DATE : t.ptr[1] == 'S' ? KIND_DATETIME : KIND_TIME,
            .fsp = (uint8_t)(dot ? text.ptr + text.len - dot - 1 : 0)};
        if (v.kind == KIND_TIME)
            CHECK(temporal_parse_time(text, 6, &e, &v.t) <= TEMPORAL_NOTE);
        else
            CHECK(temporal_parse_datetime(text, v.kind == KIND_DATE, 6, &e, &v.t) <= TEMPORAL_NOTE);
        return v;
    }
    CHECK(value_parse_number(t, &v));
    return v;
}

static inline const struct bexpr *expr_leaf(struct expr_reader *r, struct value v)
{
    const struct bexpr *x = bexpr_const(r->a, v);

    if (r->lifted && v.code != TYPE_BIT) { /* x'41' is a number only as a literal */
        uint32_t n = r->n_lifted++;

        r->lifted[n] = v;
        r->lifted_types[n] = x->type;
        return bexpr_column(r->a, n, x->type);
    }
    return x;
}

/* NULL: binding failed, d says why. */
static inline const struct bexpr *expr_read(struct expr_reader *r)
{
    struct sv t = expr_token(r), name;
    const struct bexpr *args[64];
    struct func_bind_opts opts = {0};
    struct sql_type target;
    uint32_t n = 0;
    const struct func *f;
    char buf[64];
    struct value v;

    if (t.ptr[0] == '#') {
        uint32_t c = (uint32_t)strtoul(t.ptr + 1, NULL, 10);

        return bexpr_column(r->a, c, r->cols[c]);
    }
    if (t.ptr[0] != '(') {
        if (t.ptr[0] == '-' && t.len > 1) { /* -5 is a negated literal */
            v = expr_literal(r, (struct sv){t.ptr + 1, t.len - 1});
            args[0] = expr_leaf(r, v);
            return bexpr_call_id(r->a, FUNC_NEG, args, 1, r->env, r->d);
        }
        return expr_leaf(r, expr_literal(r, t));
    }
    name = expr_token(r);
    CHECK(name.len < sizeof(buf));
    memcpy(buf, name.ptr, name.len);
    buf[name.len] = '\0';
    f = func_find(name);
    if (!f) { /* is_null is "is null", not_in "not in" */
        for (char *p = buf; *p; p++)
            *p = *p == '_' ? ' ' : *p;
        f = func_find(sv_cstr(buf));
    }
    if (!f) {
        fprintf(stderr, "no function %s\n", buf);
        abort();
    }
    if (func_flags(f) & FUNC_HAS_UNIT)
        CHECK(temporal_unit_parse(expr_token(r), &opts.unit));
    if (func_flags(f) & FUNC_HAS_TARGET) {
        t = expr_token(r);
        if (sv_eq_cstr(name, "convert")) {
            target = type_string(1u << 20, coll_default_of(t, r->env->flavour == ENV_MARIADB)->id, DERIV_IMPLICIT);
        } else if (sv_eq_cstr(name, "collate")) {
            const struct collation *c = coll_by_name(t);

            target = type_string(1u << 20, c->id, DERIV_EXPLICIT);
        } else {
            target = expr_cast_type(r->env, t);
        }
        opts.target = &target;
    }
    for (;;) {
        while (*r->p == ' ')
            r->p++;
        if (*r->p == ')') {
            r->p++;
            break;
        }
        CHECK(n < ARRAY_LEN(args));
        args[n] = expr_read(r);
        if (!args[n++])
            return NULL;
    }
    return bexpr_call(r->a, f, args, n, &opts, r->env, r->d);
}

static inline struct env expr_env(enum env_flavour flavour)
{
    struct env e;

    env_init(&e, flavour);
    e.sql_mode = MODE_STRICT_TRANS_TABLES | MODE_NO_ZERO_IN_DATE | MODE_NO_ZERO_DATE | MODE_ERROR_FOR_DIVISION_BY_ZERO |
        MODE_NO_ENGINE_SUBSTITUTION;
    e.now_us = INT64_C(1600000000123456);
    return e;
}

/* A line of the .tsv: expression and the wanted text for each flavour ("\N" NULL, "\e" empty, "\s" a blank at the end, "!code" error). */
struct expr_case {
    char *expr, *want[2];
    bool may_refuse; /* the line begins with ?: 1235 will do, too */
};

static inline struct expr_case *expr_cases(const char *file, size_t *n)
{
    const char *dir = getenv("TESSERA_SRCDIR");
    char path[4096], line[16384];
    struct expr_case *list = NULL;
    FILE *f;

    snprintf(path, sizeof(path), "%s/t/unit/%s", dir ? dir : ".", file);
    f = fopen(path, "r");
    *n = 0;
    if (!f) {
        perror(path);
        abort();
    }
    while (fgets(line, sizeof(line), f)) {
        char *a = strchr(line, '\t'), *b = a ? strchr(a + 1, '\t') : NULL, *e = b ? strchr(b, '\n') : NULL;

        CHECK(e);
        *a = *b = *e = '\0';
        list = realloc(list, (*n + 1) * sizeof(*list));
        list[(*n)++] = (struct expr_case){strdup(line + (line[0] == '?')), {strdup(a + 1), strdup(b + 1)}, line[0] == '?'};
    }
    fclose(f);
    return list;
}

/* A result as the .tsv shows it. */
static inline struct sv expr_show(const struct value *v, const struct sql_type *t, const struct diag *d, struct arena *a)
{
    struct strbuf b, out;

    if (diag_is_set(d))
        return arena_printf(a, "!%u", d->code);
    if (v->kind == KIND_NULL)
        return SV("\\N");
    strbuf_init(&b, a);
    strbuf_init(&out, a);
    value_print(v, t, &b);
    for (size_t i = 0; i < b.len; i++) {
        if (b.ptr[i] == '\\')
            strbuf_puts(&out, "\\\\");
        else if (b.ptr[i] == '\n')
            strbuf_puts(&out, "\\n");
        else if (b.ptr[i] == '\t')
            strbuf_puts(&out, "\\t");
        else
            strbuf_putc(&out, b.ptr[i]);
    }
    if (out.len && out.ptr[out.len - 1] == ' ') {
        out.len--;
        strbuf_puts(&out, "\\s");
    }
    return out.len ? strbuf_sv(&out) : SV("\\e");
}

#endif
