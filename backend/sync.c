#include "backend/sync.h"

#include "util/arena.h"
#include "util/hash.h"
#include "util/strbuf.h"

#define LOGIN_CHARSET "'utf8mb4'" /* as bconn.c logs in */

/* One allocation: the state, its variables, their texts. */
static struct sync_state *make(const struct sync_var *vars, size_t n, struct sv schema)
{
    size_t bytes = schema.len;
    struct sync_state *s;
    struct sync_var *v;
    char *p;

    for (size_t i = 0; i < n; i++)
        bytes += vars[i].name.len + vars[i].value.len;
    if (n > SYNC_VARS_MAX || bytes > SYNC_BYTES_MAX)
        return NULL;
    s = xmalloc(sizeof(*s) + n * sizeof(*v) + bytes);
    v = (struct sync_var *)(s + 1);
    p = (char *)(v + n);
    *s = (struct sync_state){.refs = 1, .n_vars = (uint32_t)n, .vars = v};
    for (size_t i = 0; i < n; i++) {
        v[i].name = sv_make(p, vars[i].name.len);
        memcpy(p, vars[i].name.ptr, vars[i].name.len);
        p += vars[i].name.len;
        v[i].value = sv_make(p, vars[i].value.len);
        memcpy(p, vars[i].value.ptr, vars[i].value.len);
        p += vars[i].value.len;
        s->vars_signature = hash_combine(s->vars_signature, hash_sv(v[i].name));
        s->vars_signature = hash_combine(s->vars_signature, hash_sv(v[i].value));
    }
    if (schema.len) {
        memcpy(p, schema.ptr, schema.len);
        s->schema = sv_make(p, schema.len);
    }
    s->signature = hash_combine(s->vars_signature, schema.len ? hash_sv(s->schema) : 0);
    return s;
}

struct sync_state *sync_new(void)
{
    return make(NULL, 0, SV_NULL);
}

struct sync_state *sync_ref(struct sync_state *s)
{
    s->refs++;
    return s;
}

void sync_unref(struct sync_state *s)
{
    if (s && --s->refs == 0)
        xfree(s);
}

/* The first variable not below name. */
static size_t find(const struct sync_state *s, struct sv name, bool *there)
{
    size_t lo = 0, hi = s->n_vars;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (sv_cmp(s->vars[mid].name, name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    *there = lo < s->n_vars && sv_eq(s->vars[lo].name, name);
    return lo;
}

struct sync_state *sync_with_var(const struct sync_state *s, struct sv name, struct sv value)
{
    struct sync_var vars[SYNC_VARS_MAX + 1];
    bool there;
    size_t at = find(s, name, &there), n = 0;

    for (size_t i = 0; i < s->n_vars; i++) {
        if (i == at && value.ptr)
            vars[n++] = (struct sync_var){name, value};
        if (i == at && there)
            continue;
        vars[n++] = s->vars[i];
    }
    if (at == s->n_vars && value.ptr)
        vars[n++] = (struct sync_var){name, value};
    return make(vars, n, s->schema);
}

struct sync_state *sync_with_schema(const struct sync_state *s, struct sv schema)
{
    return make(s->vars, s->n_vars, schema);
}

struct sv sync_get(const struct sync_state *s, struct sv name)
{
    bool there;
    size_t at = find(s, name, &there);

    return there ? s->vars[at].value : SV_NULL;
}

static void put_change(struct strbuf *out, bool old_names, struct sv name, struct sv value)
{
    strbuf_puts(out, out->len ? "," : "SET ");
    if (old_names && sv_eq(name, SV("transaction_isolation")))
        name = SV("tx_isolation");
    else if (old_names && sv_eq(name, SV("transaction_read_only")))
        name = SV("tx_read_only");
    strbuf_putsv(out, name);
    strbuf_putc(out, '=');
    strbuf_putsv(out, value);
}

/* character_set_connection and collation_connection change each other, so they are one thing: what settles both, or NULL for what a
 * connection has from its login. */
static const struct sync_var *connection_charset(const struct sync_state *s)
{
    bool there;
    size_t at = find(s, SV("collation_connection"), &there);

    if (!there)
        at = find(s, SV("character_set_connection"), &there);
    return there ? &s->vars[at] : NULL;
}

static void diff_connection_charset(const struct sync_state *from, const struct sync_state *to, struct strbuf *out)
{
    const struct sync_var *a = connection_charset(from), *b = connection_charset(to);

    if (a == b || (a && b && sv_eq(a->name, b->name) && sv_eq(a->value, b->value)))
        return;
    if (b)
        put_change(out, false, b->name, b->value);
    else
        put_change(out, false, SV("character_set_connection"), SV(LOGIN_CHARSET));
}

static bool is_connection_charset(struct sv name)
{
    return sv_eq(name, SV("character_set_connection")) || sv_eq(name, SV("collation_connection"));
}

/* DEFAULT is the server's global value, but a new connection has the character set that it logged in with. */
static void put_unset(struct strbuf *out, bool old_names, struct sv name)
{
    bool is_charset = sv_eq(name, SV("character_set_client")) || sv_eq(name, SV("character_set_results"));

    put_change(out, old_names, name, is_charset ? SV(LOGIN_CHARSET) : SV("DEFAULT"));
}

void sync_diff(const struct sync_state *from, const struct sync_state *to, bool old_names, struct strbuf *out)
{
    size_t i = 0, j = 0;

    if (from->vars_signature == to->vars_signature)
        return;
    while (i < from->n_vars || j < to->n_vars) {
        int cmp = i == from->n_vars ? 1 : j == to->n_vars ? -1 : sv_cmp(from->vars[i].name, to->vars[j].name);

        if (cmp < 0) {
            if (!is_connection_charset(from->vars[i].name))
                put_unset(out, old_names, from->vars[i].name);
            i++;
        } else if (cmp > 0) {
            if (!is_connection_charset(to->vars[j].name))
                put_change(out, old_names, to->vars[j].name, to->vars[j].value);
            j++;
        } else {
            if (!sv_eq(from->vars[i].value, to->vars[j].value) && !is_connection_charset(to->vars[j].name))
                put_change(out, old_names, to->vars[j].name, to->vars[j].value);
            i++;
            j++;
        }
    }
    diff_connection_charset(from, to, out);
}
