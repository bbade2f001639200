#include "proxy/uservar.h"

struct uservar {
    struct uservar *next;
    struct sv name, literal;
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
    v->next = old ? old->next : NULL;
    *at = v;
    xfree(old);
    return true;
}

struct sv uservar_get(const struct session *s, struct sv name)
{
    for (const struct uservar *v = s->uservars; v; v = v->next) {
        if (sv_eq_nocase(v->name, name))
            return v->literal;
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
