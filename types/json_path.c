/* JSON paths: $.name, $."name", [n], [last - n], [a to b], .*, [*], **.
 *
 * The two kinds of server read the same paths with other details: MySQL lets blanks stand between the legs and wants identifiers as in
 * ECMAScript; MariaDB takes anything up to the next leg as a name, and [-1]. What could be read in two ways is not answered here:
 * *at is then SIZE_MAX, and the caller refuses the path by name. */
#include "types/json.h"

#include "types/coll.h"

struct scan {
    const char *start, *p, *end;
    bool mariadb;
    struct arena *a;
    bool unknown; /* a form whose meaning is not certain */
};

static void blanks(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r'))
        s->p++;
}

static bool at_char(const struct scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

/* Letters that are such to everybody. */
static bool sure_letter(uint32_t cp)
{
    static const struct {
        uint32_t from, to;
    } r[] = {{'A', 'Z'}, {'a', 'z'}, {'_', '_'}, {'$', '$'}, {0xc0, 0xd6}, {0xd8, 0xf6}, {0xf8, 0x24f}, {0x391, 0x3a1}, {0x3a3, 0x3ff},
        {0x400, 0x481}, {0x48a, 0x52f}, {0x5d0, 0x5ea}, {0x3041, 0x3096}, {0x30a1, 0x30fa}, {0x4e00, 0x9fa5}, {0xac00, 0xd7a3}};

    for (unsigned i = 0; i < ARRAY_LEN(r); i++) {
        if (cp >= r[i].from && cp <= r[i].to)
            return cp != 0x3f6;
    }
    return false;
}

bool json_is_identifier(struct sv name, bool *unknown)
{
    bool ok = name.len > 0;

    for (const char *p = name.ptr, *end = p + name.len; p < end;) {
        uint32_t cp;
        bool first = p == name.ptr;

        p += coll_decode_utf8(p, end, &cp);
        *unknown |= cp >= 0x80 && !sure_letter(cp);
        ok &= sure_letter(cp) || (!first && cp >= '0' && cp <= '9');
    }
    return ok;
}

static bool quoted_name(struct scan *s, struct json_leg *l)
{
    const char *from = ++s->p;
    struct json_error err;
    struct json *j;

    while (s->p < s->end && *s->p != '"')
        s->p += *s->p == '\\' && s->p + 1 < s->end ? 2 : 1;
    if (s->p >= s->end) {
        s->p = s->end;
        return false;
    }
    s->p++;
    if (s->mariadb) {
        l->name = (struct sv){from, (size_t)(s->p - 1 - from)};
        s->unknown |= memchr(l->name.ptr, '\\', l->name.len) != NULL;
        return true;
    }
    j = json_parse((struct sv){from - 1, (size_t)(s->p - from + 1)}, JSON_TEXT, s->a, &err);
    if (!j)
        return false;
    l->name = j->text;
    return true;
}

static bool plain_name(struct scan *s, struct json_leg *l)
{
    const char *from = s->p, *stops = s->mariadb ? ".[" : " \t\n\r.[*";
    bool letters = true;

    while (s->p < s->end && !memchr(stops, *s->p, strlen(stops)))
        s->p++;
    l->name = (struct sv){from, (size_t)(s->p - from)};
    if (l->name.len == 0)
        return false;
    for (const char *p = from; p < s->p;) {
        uint32_t cp;
        unsigned n = coll_decode_utf8(p, s->p, &cp);

        if (s->mariadb)
            s->unknown |= cp < 0x80 && !((cp | 0x20) >= 'a' && (cp | 0x20) <= 'z') && !(cp >= '0' && cp <= '9') && cp != '_' && cp != '-' && cp != '$';
        else if (cp >= 0x80 && !sure_letter(cp))
            s->unknown = true;
        else
            letters &= sure_letter(cp) || (p > from && cp >= '0' && cp <= '9');
        p += n;
    }
    return s->mariadb || letters;
}

static bool index_number(struct scan *s, uint32_t *v)
{
    uint64_t u = 0;
    const char *from = s->p;

    while (s->p < s->end && *s->p >= '0' && *s->p <= '9' && u <= UINT32_MAX)
        u = u * 10 + (uint64_t)(*s->p++ - '0');
    if (s->p == from || u > UINT32_MAX) {
        s->unknown |= s->mariadb && u > UINT32_MAX;
        s->p = from;
        return false;
    }
    *v = (uint32_t)u;
    return true;
}

/* n, last, last - n. */
static bool one_index(struct scan *s, bool *from_end, uint32_t *v)
{
    *from_end = false;
    *v = 0;
    blanks(s);
    if ((size_t)(s->end - s->p) >= 4 && memcmp(s->p, "last", 4) == 0) {
        s->p += 4;
        *from_end = true;
        blanks(s);
        if (!at_char(s, '-'))
            return true;
        s->p++;
        blanks(s);
        return index_number(s, v);
    }
    if (s->mariadb && at_char(s, '-')) { /* [-1] is the last */
        s->p++;
        *from_end = true;
        if (!index_number(s, v))
            return false;
        s->unknown |= *v == 0;
        *v -= *v != 0;
        return true;
    }
    return index_number(s, v);
}

static bool cell(struct scan *s, struct json_leg *l)
{
    s->p++;
    blanks(s);
    if (at_char(s, '*')) {
        s->p++;
        l->kind = JSON_LEG_ANY_CELL;
    } else {
        l->kind = JSON_LEG_CELL;
        if (!one_index(s, &l->from_end, &l->from))
            return false;
        if (s->p < s->end && (*s->p == ' ' || *s->p == '\t' || *s->p == '\n' || *s->p == '\r')) {
            blanks(s);
            if ((size_t)(s->end - s->p) >= 3 && memcmp(s->p, "to", 2) == 0 && (s->p[2] == ' ' || s->p[2] == '\t')) {
                s->p += 2;
                l->kind = JSON_LEG_RANGE;
                if (!one_index(s, &l->to_end, &l->to))
                    return false;
                if (l->from_end == l->to_end && (l->from_end ? l->from < l->to : l->from > l->to)) {
                    s->unknown |= s->mariadb;
                    return false;
                }
            }
        }
    }
    blanks(s);
    if (!at_char(s, ']')) {
        s->p += s->p < s->end;
        return false;
    }
    s->p++;
    return true;
}

static bool one_leg(struct scan *s, struct json_leg *l)
{
    if (at_char(s, '[')) {
        s->unknown |= s->mariadb && s->p + 1 < s->end && (s->p[1] == ' ' || s->p[1] == '*') && s->p[1] == ' ';
        return cell(s, l);
    }
    if (at_char(s, '.')) {
        s->p++;
        if (!s->mariadb)
            blanks(s);
        if (s->p == s->end)
            return false;
        if (at_char(s, '*') && !(s->mariadb && s->p + 1 < s->end && s->p[1] == '*')) {
            s->p++;
            l->kind = JSON_LEG_ANY_MEMBER;
            return true;
        }
        l->kind = JSON_LEG_MEMBER;
        return at_char(s, '"') ? quoted_name(s, l) : plain_name(s, l);
    }
    if (at_char(s, '*')) {
        s->p++;
        if (!at_char(s, '*'))
            return false;
        s->p++;
        l->kind = JSON_LEG_ELLIPSIS;
        return !at_char(s, '*');
    }
    return false;
}

bool json_path_parse(struct sv text, bool mariadb, struct arena *a, struct json_path *out, size_t *at, bool *at_end)
{
    struct scan s = {.start = text.ptr ? text.ptr : "", .mariadb = mariadb, .a = a};
    uint32_t cap = 0;
    bool ok = true;

    *out = (struct json_path){0};
    s.p = s.start;
    s.end = s.start + text.len;
    if (!mariadb)
        blanks(&s);
    if (!at_char(&s, '$')) {
        *at = s.p < s.end ? (size_t)(s.p - s.start) + 1 : text.len;
        *at_end = s.p == s.end;
        return false;
    }
    s.p++;
    for (;;) {
        struct json_leg leg = {0};

        if (!mariadb)
            blanks(&s);
        if (s.p == s.end)
            break;
        if (out->n == cap) {
            struct json_leg *more = ARENA_NEW_N(a, struct json_leg, cap ? cap * 2 : 8);

            if (cap)
                memcpy(more, out->legs, cap * sizeof(*more));
            cap = cap ? cap * 2 : 8;
            out->legs = more;
        }
        ok = one_leg(&s, &leg);
        if (!ok)
            break;
        out->legs[out->n++] = leg;
        out->many |= leg.kind != JSON_LEG_MEMBER && leg.kind != JSON_LEG_CELL;
    }
    if (ok && out->n && out->legs[out->n - 1].kind == JSON_LEG_ELLIPSIS)
        ok = false;
    *at = s.unknown ? SIZE_MAX : (size_t)(s.p - s.start) + (mariadb && s.p < s.end);
    *at_end = s.p == s.end;
    return ok && !s.unknown;
}

/* ---- seeking ---- */

bool json_leg_index(const struct json_leg *l, uint32_t n, uint32_t *at)
{
    if (l->from >= n)
        return false;
    *at = l->from_end ? n - 1 - l->from : l->from;
    return true;
}

/* First and one past the last of a range in n items. */
static void range_of(const struct json_leg *l, uint32_t n, uint32_t *from, uint32_t *to)
{
    *from = l->from_end ? (l->from >= n ? 0 : n - 1 - l->from) : l->from;
    if (l->to_end)
        *to = l->to >= n ? 0 : n - l->to;
    else
        *to = l->to >= n ? n : l->to + 1;
}

struct seek {
    const struct json_path *path;
    bool one, mariadb, unique;
    struct arena *a;
    struct json_found *out;
};

static void found(struct seek *k, struct json *j)
{
    struct json_found *o = k->out;

    for (uint32_t i = 0; k->unique && i < o->n; i++) {
        if (o->items[i] == j)
            return;
    }
    if (o->n == o->cap) {
        uint32_t cap = o->cap ? o->cap * 2 : 8;
        struct json **more = ARENA_NEW_N(k->a, struct json *, cap);

        if (o->n)
            memcpy(more, o->items, o->n * sizeof(*more));
        o->items = more;
        o->cap = cap;
    }
    o->items[o->n++] = j;
}

static void seek_from(struct seek *k, struct json *j, uint32_t leg);

static void seek_cells(struct seek *k, struct json *j, const struct json_leg *l, uint32_t leg)
{
    bool array = j->kind == JSON_ARRAY;
    uint32_t n = array ? j->n : 1, from, to;

    if (l->kind == JSON_LEG_ANY_CELL) {
        from = 0;
        to = array ? n : 0;
    } else if (l->kind == JSON_LEG_RANGE) {
        range_of(l, n, &from, &to);
    } else {
        if (!json_leg_index(l, n, &from) || (!array && k->mariadb && l->from_end))
            return;
        to = from + 1;
    }
    for (uint32_t i = from; i < to && !(k->one && k->out->n); i++)
        seek_from(k, array ? j->items[i] : j, leg + 1);
}

static void seek_from(struct seek *k, struct json *j, uint32_t leg)
{
    const struct json_leg *l;
    int64_t at;

    if (k->one && k->out->n)
        return;
    if (leg == k->path->n) {
        found(k, j);
        return;
    }
    l = &k->path->legs[leg];
    switch ((enum json_leg_kind)l->kind) {
    case JSON_LEG_MEMBER:
        at = j->kind == JSON_OBJECT ? json_find(j, l->name) : -1;
        if (at >= 0)
            seek_from(k, j->items[at], leg + 1);
        return;
    case JSON_LEG_ANY_MEMBER:
        for (uint32_t i = 0; j->kind == JSON_OBJECT && i < j->n; i++)
            seek_from(k, j->items[i], leg + 1);
        return;
    case JSON_LEG_CELL:
    case JSON_LEG_ANY_CELL:
    case JSON_LEG_RANGE:
        seek_cells(k, j, l, leg);
        return;
    case JSON_LEG_ELLIPSIS:
        seek_from(k, j, leg + 1);
        for (uint32_t i = 0; i < j->n; i++)
            seek_from(k, j->items[i], leg);
        return;
    }
}

void json_seek(struct json *j, const struct json_path *p, bool one, bool mariadb, struct arena *a, struct json_found *out)
{
    struct seek k = {.path = p, .one = one, .mariadb = mariadb, .a = a, .out = out};

    for (uint32_t i = 0; i < p->n; i++)
        k.unique |= p->legs[i].kind == JSON_LEG_ELLIPSIS;
    seek_from(&k, j, 0);
}
