/* Servers print SHOW CREATE TABLE in one form: an item a line, names in backquotes, strings in single quotes with
 * backslash escapes (the connections of the control plane set neither ANSI_QUOTES nor NO_BACKSLASH_ESCAPES). It is
 * split at the commas of the outermost parentheses, outside quotes and comments, rather than at line ends, because
 * expressions may hold anything.
 *
 * An item's kind is told by its first word: a backquote is a column; CONSTRAINT `n` FOREIGN KEY | CHECK; PRIMARY KEY;
 * and a word that ends in KEY `n`. Nothing else is looked at: definitions are compared and reused as the server's own
 * text, so what a new server version prints passes through.
 *
 * shape_alter works item by item: constraints and keys that go, then columns, then those that come, in one ALTER TABLE,
 * so that the server does it atomically. A key whose definition changed is dropped and added. Column order is restored
 * by FIRST and AFTER. */
#include "ddl/shape.h"

#include <ctype.h>

/* Behind a quoted thing that starts at p; end if it is not closed. */
static const char *skip_quoted(const char *p, const char *end)
{
    char q = *p++;

    while (p < end) {
        if (*p == '\\' && q != '`') {
            p += p + 1 < end ? 2 : 1;
        } else if (*p == q) {
            if (p + 1 < end && p[1] == q)
                p += 2;
            else
                return p + 1;
        } else {
            p++;
        }
    }
    return end;
}

static bool is_quote(char c)
{
    return c == '`' || c == '\'' || c == '"';
}

/* Behind the next depth-0 comma or the closing parenthesis, which is left for the caller: returns its place. */
static const char *item_end(const char *p, const char *end)
{
    int depth = 0;

    while (p < end) {
        if (is_quote(*p)) {
            p = skip_quoted(p, end);
            continue;
        }
        if (*p == '(')
            depth++;
        else if (*p == ')' && depth-- == 0)
            return p;
        else if (*p == ',' && depth == 0)
            return p;
        p++;
    }
    return end;
}

/* Decoded identifier at the start of s (a backquote), *rest behind it. */
static struct sv take_ident(struct arena *a, struct sv s, struct sv *rest)
{
    const char *stop = skip_quoted(s.ptr, s.ptr + s.len);
    struct strbuf b;

    strbuf_init(&b, a);
    for (const char *p = s.ptr + 1; p + 1 < stop; p++) {
        strbuf_putc(&b, *p);
        if (*p == '`')
            p++;
    }
    *rest = sv_make(stop, (size_t)(s.ptr + s.len - stop));
    return sv_make(strbuf_cstr(&b), b.len);
}

static struct sv strip_suffix(struct arena *a, struct sv name, int part_no)
{
    struct sv suffix;

    if (part_no == NAMES_BARE)
        return name;
    suffix = arena_printf(a, "__p%d", part_no);
    if (name.len > suffix.len && memcmp(name.ptr + name.len - suffix.len, suffix.ptr, suffix.len) == 0)
        name.len -= suffix.len;
    return name;
}

static struct sv drop_word(struct sv s, const char *word)
{
    size_t n = strlen(word);

    if (s.len >= n && memcmp(s.ptr, word, n) == 0)
        return sv_trim(sv_make(s.ptr + n, s.len - n));
    return SV_NULL;
}

static struct sv quoted_ident(struct arena *a, struct sv name)
{
    struct strbuf b;

    strbuf_init(&b, a);
    strbuf_put_ident(&b, name);
    return strbuf_sv(&b);
}

/* Name behind the word KEY of `UNIQUE KEY `n` (..)`; false: the text is no key. */
static bool key_name(struct arena *a, struct sv def, struct sv *name)
{
    static const char *const heads[] = {"KEY ", "UNIQUE KEY ", "FULLTEXT KEY ", "SPATIAL KEY ", "VECTOR KEY "};

    for (size_t i = 0; i < ARRAY_LEN(heads); i++) {
        struct sv rest = drop_word(def, heads[i]);

        if (rest.ptr && rest.len && rest.ptr[0] == '`') {
            *name = take_ident(a, rest, &rest);
            return true;
        }
    }
    return false;
}

static void classify(struct arena *a, struct sv def, int part_no, struct shape_item *it)
{
    struct sv rest;

    it->def = def;
    if (def.len && def.ptr[0] == '`') {
        it->kind = SHAPE_COLUMN;
        it->name = take_ident(a, def, &rest);
        it->body = sv_trim(rest);
        return;
    }
    if ((rest = drop_word(def, "CONSTRAINT ")).ptr && rest.len && rest.ptr[0] == '`') {
        struct sv phys = take_ident(a, rest, &rest);

        it->name = strip_suffix(a, phys, part_no);
        it->suffixed = it->name.len != phys.len;
        it->body = sv_trim(rest);
        it->kind = sv_starts(it->body, SV("FOREIGN KEY")) ? SHAPE_FOREIGN : SHAPE_CHECK;
        it->def = arena_concat(a, (struct sv[]){SV("CONSTRAINT "), quoted_ident(a, it->name), SV(" "), it->body}, 4);
        return;
    }
    it->body = def;
    if (sv_starts(def, SV("PRIMARY KEY"))) {
        it->kind = SHAPE_PRIMARY;
        it->name = SV("PRIMARY");
    } else if (key_name(a, def, &it->name)) {
        it->kind = SHAPE_KEY;
    } else {
        it->kind = SHAPE_OTHER;
    }
}

/* Takes ` AUTO_INCREMENT=n` out of the options. */
static void take_auto_increment(struct arena *a, struct shape *s)
{
    static const char word[] = "AUTO_INCREMENT=";
    const char *p = s->options.ptr, *end = p + s->options.len;

    while (p < end) {
        if (is_quote(*p)) {
            p = skip_quoted(p, end);
            continue;
        }
        if ((size_t)(end - p) > sizeof word - 1 && memcmp(p, word, sizeof word - 1) == 0) {
            const char *q = p + sizeof word - 1;

            while (q < end && isdigit((unsigned char)*q))
                q++;
            if (!sv_to_u64(sv_make(p + sizeof word - 1, (size_t)(q - p) - (sizeof word - 1)), &s->auto_increment))
                s->auto_increment = 0;
            while (q < end && *q == ' ')
                q++;
            s->options = sv_trim(arena_concat(
                a, (struct sv[]){{s->options.ptr, (size_t)(p - s->options.ptr)}, {q, (size_t)(end - q)}}, 2));
            return;
        }
        p++;
    }
}

bool shape_parse(struct arena *a, struct sv text, int part_no, struct shape *out, struct diag *d)
{
    const char *p = text.ptr, *end = text.ptr + text.len, *stop;
    size_t cap = 16;

    *out = (struct shape){0};
    while (p < end && *p != '(')
        p = is_quote(*p) ? skip_quoted(p, end) : p + 1;
    if (p == end || !sv_starts(text, SV("CREATE ")))
        return diag_setf(d, ER_INTERNAL, "Internal error: not a CREATE TABLE text: %.*s",
                         (int)MIN(text.len, (size_t)80), text.ptr);
    out->items = ARENA_NEW_N(a, struct shape_item, cap);
    do {
        p++;
        stop = item_end(p, end);
        if (stop == end)
            return diag_setf(d, ER_INTERNAL, "Internal error: CREATE TABLE text ends too early");
        if (out->n_items == cap) {
            struct shape_item *more = ARENA_NEW_N(a, struct shape_item, cap * 2);

            memcpy(more, out->items, cap * sizeof *more);
            out->items = more;
            cap *= 2;
        }
        classify(a, sv_trim(sv_make(p, (size_t)(stop - p))), part_no, &out->items[out->n_items++]);
        p = stop;
    } while (*p == ',');
    out->options = sv_trim(sv_make(p + 1, (size_t)(end - p) - 1));
    take_auto_increment(a, out);
    return true;
}

bool shape_equal(const struct shape *x, const struct shape *y)
{
    if (x->n_items != y->n_items || !sv_eq(x->options, y->options))
        return false;
    for (size_t i = 0; i < x->n_items; i++)
        if (!sv_eq(x->items[i].def, y->items[i].def))
            return false;
    return true;
}

const struct shape_item *shape_find(const struct shape *s, enum shape_kind kind, struct sv name)
{
    for (size_t i = 0; i < s->n_items; i++)
        if (s->items[i].kind == kind && sv_eq_nocase(s->items[i].name, name))
            return &s->items[i];
    return NULL;
}

/* ---- from one shape to another ---- */

struct alter_ctx {
    struct arena *a;
    struct strbuf out;
    int part_no;
};

static void action(struct alter_ctx *c)
{
    if (c->out.len)
        strbuf_puts(&c->out, ", ");
}

static struct sv rename_to(const struct shape_rename *r, size_t n, struct sv from)
{
    for (size_t i = 0; i < n; i++)
        if (sv_eq_nocase(r[i].from, from))
            return r[i].to;
    return from;
}

static struct sv rename_from(const struct shape_rename *r, size_t n, struct sv to)
{
    for (size_t i = 0; i < n; i++)
        if (sv_eq_nocase(r[i].to, to))
            return r[i].from;
    return to;
}

static struct sv physical_constraint(struct alter_ctx *c, const struct shape_item *it)
{
    return it->suffixed ? arena_printf(c->a, "%.*s__p%d", SV_ARG(it->name), c->part_no) : it->name;
}

static bool same_in(const struct shape *s, const struct shape_item *it)
{
    const struct shape_item *o = shape_find(s, it->kind, it->name);

    return o && sv_eq(o->def, it->def);
}

static void drop_items(struct alter_ctx *c, const struct shape *from, const struct shape *to)
{
    for (size_t i = 0; i < from->n_items; i++) {
        const struct shape_item *it = &from->items[i];

        if (it->kind == SHAPE_COLUMN || it->kind == SHAPE_OTHER || same_in(to, it))
            continue;
        action(c);
        if (it->kind == SHAPE_PRIMARY) {
            strbuf_puts(&c->out, "DROP PRIMARY KEY");
        } else {
            strbuf_puts(&c->out, it->kind == SHAPE_KEY       ? "DROP KEY "
                                 : it->kind == SHAPE_FOREIGN ? "DROP FOREIGN KEY "
                                                             : "DROP CONSTRAINT ");
            strbuf_put_ident(&c->out, it->kind == SHAPE_KEY ? it->name : physical_constraint(c, it));
        }
    }
}

static void add_items(struct alter_ctx *c, const struct shape *from, const struct shape *to)
{
    for (size_t i = 0; i < to->n_items; i++) {
        const struct shape_item *it = &to->items[i];

        if (it->kind == SHAPE_COLUMN || it->kind == SHAPE_OTHER || same_in(from, it))
            continue;
        action(c);
        strbuf_puts(&c->out, "ADD ");
        if (it->kind == SHAPE_FOREIGN || it->kind == SHAPE_CHECK) {
            strbuf_puts(&c->out, "CONSTRAINT ");
            strbuf_put_ident(&c->out, physical_constraint(c, it));
            strbuf_putc(&c->out, ' ');
            strbuf_putsv(&c->out, it->body);
        } else {
            strbuf_putsv(&c->out, it->def);
        }
    }
}

static void put_position(struct alter_ctx *c, struct sv after)
{
    if (after.ptr) {
        strbuf_puts(&c->out, " AFTER ");
        strbuf_put_ident(&c->out, after);
    } else {
        strbuf_puts(&c->out, " FIRST");
    }
}

/* The columns in the order that they have while the actions are applied one after the other, as a server does it. */
struct order {
    struct sv *names;
    size_t n;
};

static size_t order_find(const struct order *o, struct sv name)
{
    size_t i = 0;

    while (i < o->n && !sv_eq_nocase(o->names[i], name))
        i++;
    return i;
}

/* Puts name behind `before` (SV_NULL: first). Returns true if it was not there already. */
static bool order_put(struct order *o, struct sv name, struct sv before)
{
    size_t at = order_find(o, name), want;

    if (at < o->n) {
        if (before.ptr ? at > 0 && sv_eq_nocase(o->names[at - 1], before) : at == 0)
            return false;
        memmove(o->names + at, o->names + at + 1, (o->n - at - 1) * sizeof *o->names);
        o->n--;
    }
    want = before.ptr ? order_find(o, before) + 1 : 0;
    memmove(o->names + want + 1, o->names + want, (o->n - want) * sizeof *o->names);
    o->names[want] = name;
    o->n++;
    return true;
}

static void drop_columns(struct alter_ctx *c, const struct shape *from, const struct shape *to,
                         const struct shape_rename *r, size_t n, struct order *o, bool *lossy)
{
    for (size_t i = 0; i < from->n_items; i++) {
        struct sv name;

        if (from->items[i].kind != SHAPE_COLUMN)
            continue;
        name = rename_to(r, n, from->items[i].name);
        if (shape_find(to, SHAPE_COLUMN, name)) {
            o->names[o->n++] = name;
            continue;
        }
        action(c);
        strbuf_puts(&c->out, "DROP COLUMN ");
        strbuf_put_ident(&c->out, from->items[i].name);
        *lossy = true;
    }
}

static void alter_columns(struct alter_ctx *c, const struct shape *from, const struct shape *to,
                          const struct shape_rename *r, size_t n, bool *lossy, bool *lost_back)
{
    struct order o = {.names = ARENA_NEW_N(c->a, struct sv, from->n_items + to->n_items + 1)};
    struct sv before = SV_NULL;

    drop_columns(c, from, to, r, n, &o, lossy);
    for (size_t i = 0; i < to->n_items; i++) {
        const struct shape_item *it = &to->items[i], *old;
        bool moved;

        if (it->kind != SHAPE_COLUMN)
            continue;
        old = shape_find(from, SHAPE_COLUMN, rename_from(r, n, it->name));
        moved = order_put(&o, it->name, before);
        if (!old || moved || !sv_eq(old->body, it->body) || !sv_eq(old->name, it->name)) {
            action(c);
            if (old) {
                strbuf_puts(&c->out, "CHANGE COLUMN ");
                strbuf_put_ident(&c->out, old->name);
                strbuf_putc(&c->out, ' ');
            } else {
                strbuf_puts(&c->out, "ADD COLUMN ");
                *lost_back = true;
            }
            strbuf_putsv(&c->out, it->def);
            if (moved)
                put_position(c, before);
        }
        before = it->name;
    }
}

struct sv shape_alter(struct arena *a, const struct shape *from, const struct shape *to,
                      const struct shape_rename *renames, size_t n_renames, int part_no, bool *lossy, bool *lost_back)
{
    struct alter_ctx c = {.a = a, .part_no = part_no};

    strbuf_init(&c.out, a);
    *lossy = *lost_back = false;
    drop_items(&c, from, to);
    alter_columns(&c, from, to, renames, n_renames, lossy, lost_back);
    add_items(&c, from, to);
    if (!sv_eq(from->options, to->options)) {
        action(&c);
        strbuf_putsv(&c.out, to->options);
        /* What only `from` prints must be said to be gone: of the usual options that is the comment. */
        if (memmem(from->options.ptr, from->options.len, " COMMENT=", 9) &&
            !memmem(to->options.ptr, to->options.len, " COMMENT=", 9))
            strbuf_puts(&c.out, " COMMENT=''");
    }
    return sv_make(strbuf_cstr(&c.out), c.out.len);
}

struct sv shape_print(struct arena *a, const struct shape *s, struct sv table, struct sv hidden, struct sv tail)
{
    struct sv hidden_key = SV_NULL;
    struct strbuf b;
    bool first = true;

    strbuf_init(&b, a);
    if (hidden.len)
        hidden_key = arena_concat(a, (struct sv[]){SV("PRIMARY KEY ("), quoted_ident(a, hidden), SV(")")}, 3);
    strbuf_puts(&b, "CREATE TABLE ");
    strbuf_put_ident(&b, table);
    strbuf_puts(&b, " (");
    for (size_t i = 0; i < s->n_items; i++) {
        const struct shape_item *it = &s->items[i];

        if (hidden.len && ((it->kind == SHAPE_COLUMN && sv_eq(it->name, hidden)) ||
                           (it->kind == SHAPE_PRIMARY && sv_starts(it->def, hidden_key))))
            continue;
        strbuf_puts(&b, first ? "\n  " : ",\n  ");
        strbuf_putsv(&b, it->def);
        first = false;
    }
    strbuf_puts(&b, "\n) ");
    strbuf_putsv(&b, s->options);
    if (tail.len) {
        strbuf_putc(&b, '\n');
        strbuf_putsv(&b, tail);
    }
    return sv_make(strbuf_cstr(&b), b.len);
}
