/* JSON documents: reading, building, printing, order. Paths are in json_path.c.
 *
 * One reader serves both kinds of server. In MySQL's modes it refuses what that server refuses and says so in its words; in MariaDB's it keeps the
 * text of scalars, does not merge names, and goes no deeper than that server. What MariaDB takes although it is no JSON ("1.", "\x") is an
 * error here: callers above the shards refuse such text, they do not answer. */
#include "types/json.h"

#include "types/coll.h"
#include "types/num.h"

#include <math.h>
#include <stdlib.h>

/* ---- building ---- */

struct json *json_new(enum json_kind k, struct arena *a)
{
    struct json *j = ARENA_NEW(a, struct json);

    j->kind = (uint8_t)k;
    return j;
}

struct json *json_new_bool(bool v, struct arena *a)
{
    struct json *j = json_new(JSON_BOOL, a);

    j->truth = v;
    return j;
}

static struct json *new_number(enum json_number n, struct sv text, struct arena *a)
{
    struct json *j = json_new(JSON_NUMBER, a);

    j->number = (uint8_t)n;
    j->text = text;
    return j;
}

struct json *json_new_i64(int64_t v, struct arena *a)
{
    char buf[24];
    struct json *j = new_number(JSON_INT, arena_dup(a, (struct sv){buf, num_print_i64(v, buf)}), a);

    j->i = v;
    return j;
}

struct json *json_new_u64(uint64_t v, struct arena *a)
{
    char buf[24];
    struct json *j = new_number(JSON_UINT, arena_dup(a, (struct sv){buf, num_print_u64(v, buf)}), a);

    j->u = v;
    return j;
}

struct json *json_new_f64(double v, struct arena *a)
{
    char buf[NUM_TEXT_MAX + 3];
    size_t n = num_print_double(v, buf);
    struct json *j;

    if (!memchr(buf, '.', n) && !memchr(buf, 'e', n)) {
        buf[n++] = '.';
        buf[n++] = '0';
    }
    j = new_number(JSON_DOUBLE, arena_dup(a, (struct sv){buf, n}), a);
    j->f = v;
    return j;
}

struct json *json_new_dec(struct sv text, struct arena *a)
{
    struct json *j = new_number(JSON_DECIMAL, text, a);

    (void)num_parse_double(text, &j->f);
    return j;
}

struct json *json_new_string(struct sv s, struct arena *a)
{
    struct json *j = json_new(JSON_STRING, a);

    j->text = s;
    return j;
}

static void make_room(struct json *j, struct arena *a)
{
    uint32_t cap = j->cap ? j->cap * 2 : 8;
    struct json **items;

    if (j->n < j->cap)
        return;
    items = ARENA_NEW_N(a, struct json *, cap);
    if (j->n)
        memcpy(items, j->items, j->n * sizeof(*items));
    if (j->kind == JSON_OBJECT) {
        struct sv *names = ARENA_NEW_N(a, struct sv, 2 * (size_t)cap);

        if (j->n) {
            memcpy(names, j->names, j->n * sizeof(*names));
            memcpy(names + cap, j->raw_names, j->n * sizeof(*names));
        }
        j->names = names;
        j->raw_names = names + cap;
    }
    j->items = items;
    j->cap = cap;
}

struct json *json_shallow(const struct json *j, struct arena *a)
{
    struct json *c = ARENA_NEW(a, struct json);

    *c = *j;
    c->items = NULL;
    c->names = c->raw_names = NULL;
    c->n = c->cap = 0;
    for (uint32_t i = 0; i < j->n; i++) {
        make_room(c, a);
        c->items[i] = j->items[i];
        if (j->kind == JSON_OBJECT) {
            c->names[i] = j->names[i];
            c->raw_names[i] = j->raw_names[i];
        }
        c->n++;
    }
    return c;
}

void json_insert(struct json *array, uint32_t at, struct json *item, struct arena *a)
{
    make_room(array, a);
    memmove(array->items + at + 1, array->items + at, (array->n - at) * sizeof(struct json *));
    array->items[at] = item;
    array->n++;
}

void json_append(struct json *array, struct json *item, struct arena *a)
{
    json_insert(array, array->n, item, a);
}

/* MySQL's order of member names: shorter ones first. */
static int name_cmp(struct sv x, struct sv y)
{
    return x.len != y.len ? (x.len < y.len ? -1 : 1) : sv_cmp(x, y);
}

int64_t json_find(const struct json *object, struct sv name)
{
    for (uint32_t i = 0; i < object->n; i++) {
        if (sv_eq(object->names[i], name))
            return i;
    }
    return -1;
}

static void put_at(struct json *o, uint32_t at, struct sv name, struct sv raw, struct json *value, struct arena *a)
{
    make_room(o, a);
    memmove(o->items + at + 1, o->items + at, (o->n - at) * sizeof(struct json *));
    memmove(o->names + at + 1, o->names + at, (o->n - at) * sizeof(struct sv));
    memmove(o->raw_names + at + 1, o->raw_names + at, (o->n - at) * sizeof(struct sv));
    o->items[at] = value;
    o->names[at] = name;
    o->raw_names[at] = raw;
    o->n++;
}

static void put_sorted(struct json *o, struct sv name, struct json *value, struct arena *a)
{
    uint32_t lo = 0, hi = o->n;

    while (lo < hi) {
        uint32_t mid = (lo + hi) / 2;

        if (name_cmp(o->names[mid], name) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    if (lo < o->n && sv_eq(o->names[lo], name))
        o->items[lo] = value;
    else
        put_at(o, lo, name, name, value, a);
}

void json_put(struct json *object, struct sv name, struct json *value, bool sorted, bool replace, struct arena *a)
{
    struct strbuf raw;
    int64_t at;

    if (sorted) {
        put_sorted(object, name, value, a);
        return;
    }
    at = replace ? json_find(object, name) : -1;
    if (at >= 0) {
        object->items[at] = value;
        return;
    }
    strbuf_init(&raw, a);
    json_escape(name, true, &raw);
    put_at(object, object->n, name, raw.ptr ? strbuf_sv(&raw) : SV(""), value, a);
}

void json_erase(struct json *j, uint32_t at)
{
    uint32_t rest = j->n - at - 1;

    memmove(j->items + at, j->items + at + 1, rest * sizeof(struct json *));
    if (j->kind == JSON_OBJECT) {
        memmove(j->names + at, j->names + at + 1, rest * sizeof(struct sv));
        memmove(j->raw_names + at, j->raw_names + at + 1, rest * sizeof(struct sv));
    }
    j->n--;
}

unsigned json_depth(const struct json *j)
{
    unsigned most = 0;

    for (uint32_t i = 0; i < j->n; i++) {
        unsigned d = json_depth(j->items[i]);

        most = MAX(most, d);
    }
    return most + 1;
}

/* ---- reading ---- */

struct reader {
    const char *start, *p, *end;
    enum json_mode mode;
    struct arena *a;
    struct json_error *err;
    unsigned depth;
};

static void *fail(struct reader *r, const char *at, const char *text)
{
    bool lenient = !text || !strncmp(text, "Miss ", 5) || strstr(text, "escape") || strstr(text, "followed") || strstr(text, "encoding") ||
        strstr(text, "surrogate");

    *r->err = (struct json_error){text, (size_t)(at - r->start), lenient, at >= r->end};
    return NULL;
}

static void skip_blanks(struct reader *r)
{
    while (r->p < r->end && (*r->p == ' ' || *r->p == '\t' || *r->p == '\n' || *r->p == '\r'))
        r->p++;
}

static int hex4(const char *p, const char *end)
{
    int v = 0;

    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        char ch = p[i];
        int d = ch >= '0' && ch <= '9' ? ch - '0' : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f' ? (ch | 0x20) - 'a' + 10 : -1;

        if (d < 0)
            return -1;
        v = v << 4 | d;
    }
    return v;
}

/* One escape at p (behind the backslash) to at most 4 bytes of buf. Gives the bytes consumed; 0: wrong, *why says. */
static unsigned one_escape(const char *p, const char *end, bool lenient, char *buf, unsigned *n, const char **why)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *at;
    int hi, lo;

    *why = "Invalid escape character in string.";
    if (p == end)
        return 0;
    at = memchr(from, *p, 8);
    if (at) {
        buf[0] = to[at - from];
        *n = 1;
        return 1;
    }
    if (*p != 'u') {
        if (!lenient)
            return 0;
        buf[0] = *p;
        *n = 1;
        return 1;
    }
    hi = hex4(p + 1, end);
    *why = "Incorrect hex digit after \\u escape in string.";
    if (hi < 0)
        return 0;
    *why = "The surrogate pair in string is invalid.";
    if (hi >= 0xd800 && hi < 0xe000) {
        if (hi >= 0xdc00 || end - p < 7 || p[5] != '\\' || p[6] != 'u')
            return 0;
        lo = hex4(p + 7, end);
        if (lo < 0xdc00 || lo > 0xdfff)
            return 0;
        *n = coll_encode_utf8(0x10000u + (((uint32_t)hi - 0xd800) << 10) + ((uint32_t)lo - 0xdc00), buf);
        return 11;
    }
    *n = coll_encode_utf8((uint32_t)hi, buf);
    return 5;
}

bool json_unescape(struct sv s, bool lenient, struct arena *a, struct sv *out)
{
    const char *p = s.ptr, *end = p + s.len, *why;
    struct strbuf b;

    if (!memchr(s.ptr, '\\', s.len)) {
        *out = s;
        return true;
    }
    strbuf_init(&b, a);
    while (p < end) {
        char buf[4];
        unsigned n, used;

        if (*p != '\\') {
            strbuf_putc(&b, *p++);
            continue;
        }
        used = one_escape(p + 1, end, lenient, buf, &n, &why);
        if (!used)
            return false;
        strbuf_put(&b, buf, n);
        p += 1 + used;
    }
    *out = b.ptr ? strbuf_sv(&b) : SV("");
    return true;
}

/* At the opening quote; gives the characters, and the piece between the quotes. */
static bool read_string(struct reader *r, struct sv *text, struct sv *raw)
{
    const char *start = r->p + 1, *p = start, *why;
    bool plain = true;

    for (; p < r->end && *p != '"';) {
        uint32_t cp;
        unsigned n, used;
        char buf[4];

        if ((unsigned char)*p < 0x20)
            return fail(r, p, "Invalid encoding in string.") != NULL;
        if (*p == '\\') {
            used = one_escape(p + 1, r->end, false, buf, &n, &why);
            if (!used)
                return fail(r, p, why) != NULL;
            plain = false;
            p += 1 + used;
            continue;
        }
        n = coll_decode_utf8(p, r->end, &cp);
        if (cp == 0xffffffffu)
            return fail(r, p, "Invalid encoding in string.") != NULL;
        p += n;
    }
    if (p == r->end)
        return fail(r, p, "Missing a closing quotation mark in string.") != NULL;
    *raw = (struct sv){start, (size_t)(p - start)};
    *text = *raw;
    r->p = p + 1;
    return plain || json_unescape(*raw, false, r->a, text);
}

static bool digits(struct reader *r)
{
    const char *from = r->p;

    while (r->p < r->end && *r->p >= '0' && *r->p <= '9')
        r->p++;
    return r->p > from;
}

/* Whether MySQL calls an exponent too large whatever stands before it (0e400). */
static bool exponent_too_large(struct sv s)
{
    const char *e = memchr(s.ptr, 'e', s.len), *dot = memchr(s.ptr, '.', s.len);
    int64_t v = 0, most;

    e = e ? e : memchr(s.ptr, 'E', s.len);
    if (!e || e[1] == '-')
        return false;
    most = 308 + (dot ? e - dot - 1 : 0);
    for (const char *p = e + 1 + (e[1] == '+'); p < s.ptr + s.len && v <= most; p++)
        v = v * 10 + (*p - '0');
    return v > most;
}

static struct json *read_number(struct reader *r)
{
    const char *from = r->p;
    bool whole = true, neg = *r->p == '-';
    struct json *j;
    struct sv text;
    uint64_t u;
    double f = 0;

    r->p += neg;
    if (r->p < r->end && *r->p == '0')
        r->p++;
    else if (!digits(r))
        return fail(r, r->p, "Invalid value.");
    if (r->p < r->end && *r->p == '.') {
        whole = false;
        r->p++;
        if (!digits(r))
            return fail(r, r->p, "Miss fraction part in number.");
    }
    if (r->p < r->end && (*r->p | 0x20) == 'e') {
        whole = false;
        r->p++;
        if (r->p < r->end && (*r->p == '+' || *r->p == '-'))
            r->p++;
        if (!digits(r))
            return fail(r, r->p, "Miss exponent in number.");
    }
    text = (struct sv){from, (size_t)(r->p - from)};
    if (whole && sv_to_u64((struct sv){from + neg, text.len - neg}, &u) && (!neg || u <= UINT64_C(1) << 63)) {
        if (neg || u <= INT64_MAX)
            j = json_new_i64(neg ? (int64_t)(0 - u) : (int64_t)u, r->a);
        else
            j = json_new_u64(u, r->a);
        j->guessed = r->mode == JSON_PRINTED && !neg;
    } else {
        enum num_status st = num_parse_double(text, &f);

        if (r->mode == JSON_TEXT && (st == NUM_OUT_OF_RANGE || !isfinite(f) || exponent_too_large(text)))
            return fail(r, from, "Number too big to be stored in double.");
        j = json_new_f64(f, r->a);
        j->guessed = r->mode == JSON_PRINTED;
        if (r->mode == JSON_PRINTED)
            j->text = text;
    }
    j->raw = text;
    return j;
}

static struct json *read_value(struct reader *r);

static bool enter(struct reader *r)
{
    if (++r->depth > (r->mode == JSON_MARIADB ? JSON_MAX_DEPTH_MARIADB - 1u : (unsigned)JSON_MAX_DEPTH_MYSQL))
        return fail(r, r->p, NULL) != NULL;
    r->p++;
    skip_blanks(r);
    return true;
}

static struct json *read_array(struct reader *r)
{
    struct json *j = json_new(JSON_ARRAY, r->a);

    if (!enter(r))
        return NULL;
    if (r->p < r->end && *r->p == ']') {
        r->p++;
        r->depth--;
        return j;
    }
    for (;;) {
        struct json *item = read_value(r);

        if (!item)
            return NULL;
        json_append(j, item, r->a);
        skip_blanks(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            continue;
        }
        if (r->p == r->end || *r->p != ']')
            return fail(r, r->p, "Missing a comma or ']' after an array element.");
        r->p++;
        r->depth--;
        return j;
    }
}

static int member_cmp(const void *x, const void *y)
{
    const struct sv *const *p = x, *const *q = y;
    int c = name_cmp(**p, **q);

    return c ? c : (*p > *q) - (*p < *q);
}

/* Members sorted, the last of each name kept. */
static struct json *sort_members(struct json *j, struct arena *a)
{
    const struct sv **order = ARENA_NEW_N(a, const struct sv *, j->n + 1);
    struct json *s = json_new(JSON_OBJECT, a);

    for (uint32_t i = 0; i < j->n; i++)
        order[i] = &j->names[i];
    qsort(order, j->n, sizeof(*order), member_cmp);
    for (uint32_t i = 0; i < j->n; i++) {
        size_t from = (size_t)(order[i] - j->names);

        if (i + 1 < j->n && sv_eq(*order[i], *order[i + 1]))
            continue;
        put_at(s, s->n, *order[i], j->raw_names[from], j->items[from], a);
    }
    return s;
}

static struct json *read_object(struct reader *r)
{
    struct json *j = json_new(JSON_OBJECT, r->a);
    bool in_order = true;

    if (!enter(r))
        return NULL;
    if (r->p < r->end && *r->p == '}') {
        r->p++;
        r->depth--;
        return j;
    }
    for (;;) {
        struct sv name, raw;
        struct json *item;

        skip_blanks(r);
        if (r->p == r->end || *r->p != '"')
            return fail(r, r->p, "Missing a name for object member.");
        if (!read_string(r, &name, &raw))
            return NULL;
        skip_blanks(r);
        if (r->p == r->end || *r->p != ':')
            return fail(r, r->p, "Missing a colon after a name of object member.");
        r->p++;
        item = read_value(r);
        if (!item)
            return NULL;
        in_order &= j->n == 0 || name_cmp(j->names[j->n - 1], name) < 0;
        put_at(j, j->n, name, raw, item, r->a);
        skip_blanks(r);
        if (r->p < r->end && *r->p == ',') {
            r->p++;
            continue;
        }
        if (r->p == r->end || *r->p != '}')
            return fail(r, r->p, "Missing a comma or '}' after an object member.");
        r->p++;
        r->depth--;
        return in_order || r->mode == JSON_MARIADB ? j : sort_members(j, r->a);
    }
}

static struct json *read_word(struct reader *r)
{
    static const char *const words[] = {"null", "true", "false"};

    for (int i = 0; i < 3; i++) {
        size_t n = strlen(words[i]), k = 0;

        if (*r->p != words[i][0])
            continue;
        while (k < n && r->p + k < r->end && r->p[k] == words[i][k])
            k++;
        if (k < n)
            return fail(r, r->p + k, "Invalid value.");
        r->p += n;
        return i ? json_new_bool(i == 1, r->a) : json_new(JSON_NULL, r->a);
    }
    return fail(r, r->p, "Invalid value.");
}

/* Whether a string may be what MySQL prints of a date, a time or bytes. */
static bool maybe_typed(struct sv s)
{
    return (s.len >= 8 && s.ptr[0] >= '0' && s.ptr[0] <= '9') || (s.len >= 8 && s.ptr[0] == '-' && s.ptr[1] >= '0' && s.ptr[1] <= '9') ||
        sv_starts(s, SV("base64:type"));
}

static struct json *read_value(struct reader *r)
{
    struct json *j;
    struct sv text, raw;

    skip_blanks(r);
    if (r->p == r->end)
        return fail(r, r->p, "Invalid value.");
    switch (*r->p) {
    case '{':
        return read_object(r);
    case '[':
        return read_array(r);
    case '"':
        if (!read_string(r, &text, &raw))
            return NULL;
        j = json_new_string(text, r->a);
        j->raw = raw;
        j->guessed = r->mode == JSON_PRINTED && maybe_typed(text);
        return j;
    default:
        return *r->p == '-' || (*r->p >= '0' && *r->p <= '9') ? read_number(r) : read_word(r);
    }
}

struct json *json_parse(struct sv s, enum json_mode mode, struct arena *a, struct json_error *err)
{
    struct reader r = {.start = s.ptr ? s.ptr : "", .mode = mode, .a = a, .err = err};
    struct json *j;

    r.p = r.start;
    r.end = r.start + s.len;
    skip_blanks(&r);
    if (r.p == r.end)
        return fail(&r, mode == JSON_MARIADB ? r.end : r.p, "The document is empty.");
    j = read_value(&r);
    if (!j)
        return NULL;
    skip_blanks(&r);
    if (r.p < r.end)
        return fail(&r, r.p, "The document root must not be followed by other values.");
    return j;
}

/* ---- printing ---- */

void json_escape(struct sv s, bool upper, struct strbuf *b)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";

    for (size_t i = 0; i < s.len; i++) {
        const char *at = memchr(from, s.ptr[i], 7);

        if (at) {
            strbuf_putc(b, '\\');
            strbuf_putc(b, to[at - from]);
        } else if ((unsigned char)s.ptr[i] < 0x20) {
            strbuf_printf(b, upper ? "\\u%04X" : "\\u%04x", (unsigned)s.ptr[i]);
        } else {
            strbuf_putc(b, s.ptr[i]);
        }
    }
}

static void put_string(struct sv text, struct sv raw, bool as_written, struct strbuf *b)
{
    strbuf_putc(b, '"');
    if (as_written && raw.ptr)
        strbuf_putsv(b, raw);
    else
        json_escape(text, as_written, b);
    strbuf_putc(b, '"');
}

static void new_line(enum json_style style, unsigned level, struct strbuf *b)
{
    strbuf_putc(b, '\n');
    for (unsigned i = 0; i < level * (style == JSON_PRETTY_MARIADB ? 4 : 2); i++)
        strbuf_putc(b, ' ');
}

static void print_at(const struct json *j, enum json_style style, bool raw, unsigned level, struct strbuf *b)
{
    bool object = j->kind == JSON_OBJECT;
    /* MariaDB leaves an array of one scalar in its line. */
    bool pretty = style == JSON_PRETTY_MYSQL || (style == JSON_PRETTY_MARIADB && (object || j->n != 1 || j->items[0]->kind >= JSON_ARRAY));

    switch ((enum json_kind)j->kind) {
    case JSON_NULL:
        strbuf_puts(b, "null");
        return;
    case JSON_BOOL:
        strbuf_puts(b, j->truth ? "true" : "false");
        return;
    case JSON_NUMBER:
        strbuf_putsv(b, raw && j->raw.ptr ? j->raw : j->text);
        return;
    case JSON_STRING:
        put_string(j->text, j->raw, raw, b);
        return;
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    strbuf_putc(b, object ? '{' : '[');
    for (uint32_t i = 0; i < j->n; i++) {
        if (i)
            strbuf_puts(b, style == JSON_LOOSE ? ", " : ",");
        if (pretty)
            new_line(style, level + 1, b);
        if (object) {
            put_string(j->names[i], j->raw_names[i], raw, b);
            strbuf_puts(b, style == JSON_COMPACT ? ":" : ": ");
            if (style == JSON_PRETTY_MARIADB && j->items[i]->kind >= JSON_ARRAY)
                new_line(style, level + 1, b);
        }
        print_at(j->items[i], style, raw, level + 1, b);
    }
    if (pretty && (j->n || (style == JSON_PRETTY_MARIADB && object)))
        new_line(style, level, b);
    strbuf_putc(b, object ? '}' : ']');
}

void json_print(const struct json *j, enum json_style style, bool raw, struct strbuf *b)
{
    print_at(j, style, raw, 0, b);
}

/* ---- order ---- */

double json_to_f64(const struct json *j)
{
    if (j->kind == JSON_BOOL)
        return j->truth;
    return j->number == JSON_INT ? (double)j->i : j->number == JSON_UINT ? (double)j->u : j->f;
}

static struct dec to_dec(const struct json *j)
{
    struct dec d = dec_zero;
    size_t used;

    if (j->number == JSON_INT)
        return dec_from_i64(j->i);
    if (j->number == JSON_UINT)
        return dec_from_u64(j->u);
    if (j->number == JSON_DECIMAL)
        (void)dec_parse(j->text, &d, &used);
    else
        (void)dec_from_double(j->f, &d);
    return d;
}

static int number_cmp(const struct json *x, const struct json *y)
{
    struct dec a, b;
    double p, q;

    if (x->number == JSON_DOUBLE || y->number == JSON_DOUBLE) {
        p = json_to_f64(x);
        q = json_to_f64(y);
        /* Beyond 2^53 a double says which integer it is; only decimals can tell. */
        if (fabs(p) < 9007199254740992.0 || fabs(q) < 9007199254740992.0 || fabs(p) > 1e60 || fabs(q) > 1e60)
            return (p > q) - (p < q);
    }
    a = to_dec(x);
    b = to_dec(y);
    return dec_cmp(&a, &b);
}

bool json_has_guessed_text(const struct json *j)
{
    bool any = j->kind == JSON_STRING && j->guessed;

    for (uint32_t i = 0; i < j->n && !any; i++)
        any = json_has_guessed_text(j->items[i]);
    return any;
}

int json_compare(const struct json *x, const struct json *y)
{
    static const uint8_t rank[] = {[JSON_NULL] = 0, [JSON_NUMBER] = 1, [JSON_STRING] = 2, [JSON_OBJECT] = 3, [JSON_ARRAY] = 4, [JSON_BOOL] = 5};
    int c;

    if (x->kind != y->kind)
        return rank[x->kind] < rank[y->kind] ? -1 : 1;
    switch ((enum json_kind)x->kind) {
    case JSON_NULL:
        return 0;
    case JSON_BOOL:
        return (int)x->truth - (int)y->truth;
    case JSON_NUMBER:
        return number_cmp(x, y);
    case JSON_STRING:
        c = sv_cmp(x->text, y->text);
        return (c > 0) - (c < 0);
    case JSON_OBJECT:
        if (x->n != y->n)
            return x->n < y->n ? -1 : 1;
        for (uint32_t i = 0; i < x->n; i++) {
            c = sv_cmp(x->names[i], y->names[i]);
            if (c == 0)
                c = json_compare(x->items[i], y->items[i]);
            if (c)
                return c < 0 ? -1 : 1;
        }
        return 0;
    case JSON_ARRAY:
        for (uint32_t i = 0; i < x->n && i < y->n; i++) {
            c = json_compare(x->items[i], y->items[i]);
            if (c)
                return c;
        }
        return (x->n > y->n) - (x->n < y->n);
    }
    return 0;
}

static void put_be(uint64_t v, struct strbuf *b)
{
    for (int i = 0; i < 8; i++)
        strbuf_putc(b, (char)(v >> 8 * (7 - i)));
}

static void put_sort_key(const struct json *j, struct strbuf *b)
{
    static const char rank[] = {[JSON_NULL] = 0, [JSON_NUMBER] = 2, [JSON_STRING] = 4, [JSON_OBJECT] = 5, [JSON_ARRAY] = 6, [JSON_BOOL] = 7};
    uint64_t bits, sign = UINT64_C(1) << 63;
    double f;

    strbuf_putc(b, rank[j->kind]);
    switch ((enum json_kind)j->kind) {
    case JSON_NULL:
        return;
    case JSON_BOOL:
        strbuf_putc(b, j->truth);
        return;
    case JSON_NUMBER:
        f = json_to_f64(j);
        f = f == 0 ? 0 : f;
        memcpy(&bits, &f, 8);
        put_be(bits & sign ? ~bits : bits | sign, b);
        /* Integers that are one double differ in what it lacks. */
        put_be((j->number == JSON_INT ? (uint64_t)j->i - (uint64_t)(int64_t)MIN(f, 9223372036854774784.0)
                   : j->number == JSON_UINT ? j->u - (f >= 18446744073709549568.0 ? UINT64_C(18446744073709549568) : (uint64_t)f)
                                            : 0) + sign, b);
        return;
    case JSON_STRING:
        for (size_t i = 0; i < j->text.len; i++) {
            strbuf_putc(b, j->text.ptr[i]);
            if (!j->text.ptr[i])
                strbuf_putc(b, (char)255);
        }
        put_be(0, b);
        return;
    case JSON_OBJECT:
    case JSON_ARRAY:
        put_be(j->n, b);
        return;
    }
}

void json_sort_key(struct sv text, struct strbuf *b)
{
    struct json_error err;
    struct arena a;
    struct json *j;

    arena_init(&a, 0);
    j = json_parse(text, JSON_PRINTED, &a, &err);
    if (j)
        put_sort_key(j, b);
    else
        strbuf_putc(b, 9);
    arena_free(&a);
}

int json_sort_cmp(struct sv x, struct sv y)
{
    struct strbuf kx, ky;
    struct arena a;
    int c;

    arena_init(&a, 0);
    strbuf_init(&kx, &a);
    strbuf_init(&ky, &a);
    json_sort_key(x, &kx);
    json_sort_key(y, &ky);
    c = sv_cmp(strbuf_sv(&kx), strbuf_sv(&ky));
    arena_free(&a);
    return c;
}
