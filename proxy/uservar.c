#include "proxy/uservar.h"

struct uservar {
    struct uservar *next;
    struct sv name, literal;
    bool no_backslash; /* how the literal is to be read */
    char bytes[];
};

static struct uservar **find(struct session *s, struct sv name)
{
    struct uservar **at = &s->uservars;

    while (*at && !sv_eq_nocase((*at)->name, name))
        at = &(*at)->next;
    return at;
}

bool uservar_set(struct session *s, struct sv name, struct sv literal, struct diag *d)
{
    struct uservar **at = find(s, name), *old = *at, *v;

    if (literal.len > USERVAR_BYTES_MAX)
        return diag_set(d, ER_OUT_OF_RESOURCES, "user variable");
    if (!old) {
        size_t n = 0;

        for (v = s->uservars; v; v = v->next)
            n++;
        if (n >= USERVARS_MAX)
            return diag_set(d, ER_OUT_OF_RESOURCES, "user variables");
    }
    v = xmalloc(sizeof(*v) + name.len + literal.len);
    memcpy(v->bytes, name.ptr, name.len);
    memcpy(v->bytes + name.len, literal.ptr, literal.len);
    v->name = sv_make(v->bytes, name.len);
    v->literal = sv_make(v->bytes + name.len, literal.len);
    v->no_backslash = s->no_backslash;
    v->next = old ? old->next : NULL;
    *at = v;
    xfree(old);
    return true;
}

struct sv uservar_get(const struct session *s, struct sv name)
{
    for (const struct uservar *v = s->uservars; v; v = v->next) {
        struct value x;
        struct strbuf b;

        if (!sv_eq_nocase(v->name, name))
            continue;
        /* A string that was set under another sql_mode. */
        if (v->no_backslash == s->no_backslash || v->literal.ptr[0] != '\'' || !memchr(v->literal.ptr, '\\', v->literal.len) ||
            !value_parse_string(v->literal, v->no_backslash, s->vars.collation, s->vars.collation, &s->stmt->arena, &x))
            return v->literal;
        strbuf_init(&b, &s->stmt->arena);
        value_print_sql(&x, s->no_backslash, &b);
        return strbuf_sv(&b);
    }
    return SV("NULL");
}

void uservar_free_all(struct session *s)
{
    while (s->uservars) {
        struct uservar *v = s->uservars;

        s->uservars = v->next;
        xfree(v);
    }
}
