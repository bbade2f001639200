/* Regular expressions, by PCRE2.
 *
 * MariaDB uses that library itself, so its patterns run here as they are (Unicode properties on, caseless in a collation that is neither binary nor
 * case-sensitive; newline is LF). Errors of patterns, and matches that need more than the library's limits, are refused: the servers' limits are their own.
 *
 * MySQL uses ICU. Its syntax is read here by icu_check(), which lets pass only what means the same to both: literals, groups, alternatives,
 * quantifiers, anchors, lookahead, back references, simple classes, \d \w \s. What differs is refused by name: set operations and
 * nested sets, [:punct:] (symbols), \b (word boundaries of Unicode), properties, named groups, flags, look-behind, unusual braces. Texts are looked
 * at, too: \w and \s and [:classes:] only over ASCII; other line ends than LF beside . ^ $; and without case only letters whose
 * folding is one to one (ß and ss are equal to ICU, to PCRE2 they are not). */
#include "types/func-int.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

enum { RX_CASELESS = 1, RX_ASCII_ONLY = 2, RX_LINES = 4 };

struct regex {
    pcre2_code *code;
    unsigned traits;
    uint32_t groups;
};

static bool refuse(const struct func_call *c, const char *of, struct diag *d)
{
    return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of %s above the shards'", c->f->name, of);
}

/* ---- patterns that mean the same to ICU and PCRE2 ---- */

struct icu {
    const char *p, *end;
    unsigned traits, depth, groups;
    uint64_t looks; /* which open groups are lookahead: not to be repeated */
    const char *why;
};

static bool icu_no(struct icu *k, const char *why)
{
    k->why = why;
    return false;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_word(char c)
{
    return is_digit(c) || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z');
}

/* Behind a backslash. */
static bool icu_escape(struct icu *k, bool in_class)
{
    char c;

    if (k->p == k->end)
        return icu_no(k, "a pattern that ends in a backslash");
    c = *k->p++;
    if ((unsigned char)c >= 0x80 || c < ' ')
        return icu_no(k, "an escape in a pattern");
    if (!is_word(c))
        return c != '<' && c != '>' ? true : icu_no(k, "an escape in a pattern");
    if (memchr("tnrf", c, 4))
        return true;
    if (memchr("dDwWsS", c, 6)) {
        k->traits |= c == 'd' || c == 'D' ? 0 : RX_ASCII_ONLY;
        return !in_class || memchr("dws", c, 3) ? true : icu_no(k, "a negated escape in a class");
    }
    if (!in_class && c >= '1' && c <= '9' && (unsigned)(c - '0') <= k->groups && (k->p == k->end || !is_digit(*k->p)))
        return true;
    return icu_no(k, "an escape in a pattern");
}

static bool icu_posix(struct icu *k)
{
    static const char *const names[] = {"[:alpha:]", "[:digit:]", "[:alnum:]", "[:space:]", "[:xdigit:]"};

    for (unsigned i = 0; i < ARRAY_LEN(names); i++) {
        size_t n = strlen(names[i]);

        if ((size_t)(k->end - k->p) >= n && memcmp(k->p, names[i], n) == 0) {
            k->p += n;
            k->traits |= RX_ASCII_ONLY;
            return true;
        }
    }
    return icu_no(k, "a set in a class of a pattern");
}

static bool icu_class(struct icu *k)
{
    bool any = false;

    if (k->p < k->end && *k->p == '^')
        k->p++;
    for (; k->p < k->end && *k->p != ']'; any = true) {
        char c = *k->p;

        if (c == '[') {
            if (!icu_posix(k))
                return false;
            continue;
        }
        k->p++;
        if (c == '\\') {
            if (!icu_escape(k, true))
                return false;
        } else if (c == '&' && k->p < k->end && *k->p == '&') {
            return icu_no(k, "a set operation in a pattern");
        } else if (c == '-' && any && !(k->p < k->end && *k->p == ']')) {
            return icu_no(k, "a hyphen within a class of a pattern");
        } else if (c == '-' && !any && k->p < k->end && *k->p == '-') {
            return icu_no(k, "a hyphen within a class of a pattern");
        } else if ((unsigned char)c >= 0x80) {
            uint32_t cp;

            k->p += coll_decode_utf8(k->p - 1, k->end, &cp) - 1;
        } else if (c < ' ' || c == '{' || c == '}' || c == '$' || c == ':') {
            return icu_no(k, "a character in a class of a pattern");
        }
        if (k->p + 1 < k->end && *k->p == '-' && k->p[1] != ']') {
            char to = k->p[1];

            if (!is_word(c) || !is_word(to) || to < c || (is_digit(c) != is_digit(to)) || ((c & 0x20) != (to & 0x20)))
                return icu_no(k, "such a range in a class of a pattern");
            k->p += 2;
        }
    }
    if (k->p == k->end || !any)
        return icu_no(k, "such a class in a pattern");
    k->p++;
    return true;
}

/* ?, *, +, {n}, {n,}, {n,m}, lazy or possessive. */
static bool icu_quantifier(struct icu *k)
{
    if (k->p == k->end || !memchr("?*+{", *k->p, 4))
        return true;
    if (*k->p++ == '{') {
        unsigned n = 0, m = 0;
        const char *from = k->p;

        while (k->p < k->end && is_digit(*k->p) && n < 1000)
            n = n * 10 + (unsigned)(*k->p++ - '0');
        if (k->p == from || n >= 1000)
            return icu_no(k, "such an interval in a pattern");
        if (k->p < k->end && *k->p == ',') {
            from = ++k->p;
            while (k->p < k->end && is_digit(*k->p) && m < 1000)
                m = m * 10 + (unsigned)(*k->p++ - '0');
            if (m >= 1000 || (k->p > from && m < n))
                return icu_no(k, "such an interval in a pattern");
        }
        if (k->p == k->end || *k->p++ != '}')
            return icu_no(k, "such an interval in a pattern");
    }
    if (k->p < k->end && (*k->p == '?' || *k->p == '+'))
        k->p++;
    return k->p < k->end && memchr("?*+{", *k->p, 4) ? icu_no(k, "two quantifiers in a pattern") : true;
}

static bool icu_group(struct icu *k)
{
    if (++k->depth > 50)
        return icu_no(k, "so deep a pattern");
    if (k->p < k->end && *k->p == '?') {
        if (k->p + 1 == k->end || !memchr(":=!", k->p[1], 3))
            return icu_no(k, "such a group in a pattern");
        k->looks |= k->p[1] == ':' ? 0 : UINT64_C(1) << k->depth;
        k->p += 2;
    } else {
        k->groups++;
    }
    return true;
}

static bool icu_check(struct icu *k)
{
    while (k->p < k->end) {
        char c = *k->p++;

        switch (c) {
        case '(':
            if (!icu_group(k))
                return false;
            continue;
        case ')':
            if (k->depth == 0)
                return icu_no(k, "such a group in a pattern");
            if (k->looks >> k->depth & 1 && k->p < k->end && memchr("?*+{", *k->p, 4))
                return icu_no(k, "a repeated lookahead in a pattern");
            k->looks &= ~(UINT64_C(1) << k->depth--);
            break;
        case '|':
            continue;
        case '[':
            if (!icu_class(k))
                return false;
            break;
        case '\\':
            if (!icu_escape(k, false))
                return false;
            break;
        case '^':
        case '$':
            k->traits |= RX_LINES;
            if (k->p < k->end && memchr("?*+{", *k->p, 4))
                return icu_no(k, "a repeated anchor in a pattern");
            continue;
        case '.':
            k->traits |= RX_LINES;
            break;
        case '*':
        case '+':
        case '?':
        case '{':
        case '}':
            return icu_no(k, "such a quantifier in a pattern");
        default:
            if ((unsigned char)c >= 0x80) {
                uint32_t cp;

                k->p += coll_decode_utf8(k->p - 1, k->end, &cp) - 1;
            } else if (c < ' ' && c != '\n' && c != '\t') {
                return icu_no(k, "a control character in a pattern");
            }
        }
        if (!icu_quantifier(k))
            return false;
    }
    return k->depth == 0 || icu_no(k, "such a group in a pattern");
}

/* Whether a text is such that both libraries see the same in it. */
static bool icu_text(struct sv s, unsigned traits)
{
    for (const char *p = s.ptr, *end = p + s.len; p < end;) {
        uint32_t cp;
        bool plain;

        p += coll_decode_utf8(p, end, &cp);
        if (cp < 0x80) {
            if ((cp == '\r' || cp == '\v' || cp == '\f') && traits & (RX_LINES | RX_ASCII_ONLY))
                return false;
            continue;
        }
        if (traits & RX_ASCII_ONLY || cp == 0xffffffffu)
            return false;
        if (traits & RX_LINES && (cp == 0x85 || cp == 0x2028 || cp == 0x2029))
            return false;
        /* One to one in both: Latin, Greek and Cyrillic letters of two cases; scripts without case. */
        plain = (cp >= 0xa0 && cp < 0x250 && cp != 0xdf && cp != 0xb5 && cp != 0x130 && cp != 0x131 && cp != 0x149 && cp != 0x17f && cp != 0x1f0 &&
                    !(cp >= 0x1c4 && cp <= 0x1cc) && !(cp >= 0x1f1 && cp <= 0x1f3) && cp < 0x1c0) ||
            (cp >= 0x391 && cp <= 0x3a9 && cp != 0x3a3) || (cp >= 0x3b1 && cp <= 0x3c9 && cp != 0x3c2 && cp != 0x3c3) || (cp >= 0x410 && cp <= 0x44f) ||
            (cp >= 0x5d0 && cp <= 0x5ea) || (cp >= 0x3041 && cp <= 0x30ff) || (cp >= 0x4e00 && cp <= 0x9fff) || (cp >= 0xac00 && cp <= 0xd7a3) ||
            (cp >= 0x2010 && cp <= 0x2027) || (cp >= 0x2030 && cp <= 0x205e) || (cp >= 0x20a0 && cp <= 0x20bf) || (cp >= 0x1f300 && cp <= 0x1f6ff);
        if (traits & RX_CASELESS && !plain)
            return false;
    }
    return true;
}

/* ---- compiling ---- */

static void *arena_malloc(size_t n, void *a)
{
    return arena_alloc(a, n);
}

static void arena_no_free(void *p, void *a)
{
    (void)p;
    (void)a;
}

/* match_type: letters as MySQL's fifth argument. False: error in d. */
static bool compile(const struct func_call *c, const struct env *e, struct sv pattern, struct sv match_type, struct arena *a, struct regex *r,
    struct diag *d)
{
    const struct collation *coll = coll_by_id(c->coll);
    pcre2_general_context *g = pcre2_general_context_create(arena_malloc, arena_no_free, a);
    pcre2_compile_context *cc = pcre2_compile_context_create(g);
    uint32_t flags = PCRE2_UTF | PCRE2_UCP;
    bool caseless = coll && coll->charset != CS_BINARY && coll->ci;
    int code;
    size_t at;

    if (!coll_is_valid(46, pattern))
        return refuse(c, "a pattern that is no text", d);
    for (size_t i = 0; i < match_type.len; i++) {
        switch (match_type.ptr[i]) {
        case 'c': caseless = false; break;
        case 'i': caseless = true; break;
        case 'm': flags |= PCRE2_MULTILINE; break;
        case 'n': flags |= PCRE2_DOTALL; break;
        case 'u': return refuse(c, "match type 'u'", d);
        default: return diag_set(d, ER_WRONG_ARGUMENTS, c->f->name);
        }
    }
    *r = (struct regex){.traits = caseless ? RX_CASELESS : 0};
    flags |= caseless ? PCRE2_CASELESS : 0;
    (void)pcre2_set_newline(cc, PCRE2_NEWLINE_LF);
    if (e->flavour == ENV_MYSQL8) {
        struct icu k = {.p = pattern.ptr, .end = pattern.ptr + pattern.len};

        if (pattern.len == 0)
            return diag_set_remote(d, 3685, "HY000", SV("Illegal argument to a regular expression."));
        if (!icu_check(&k))
            return refuse(c, k.why, d);
        r->traits |= k.traits;
        if (!icu_text(pattern, r->traits & RX_CASELESS))
            return refuse(c, "a letter in a pattern", d);
    }
    r->code = pcre2_compile((PCRE2_SPTR)(pattern.ptr ? pattern.ptr : ""), pattern.len, flags, &code, &at, cc);
    if (!r->code)
        return refuse(c, "a pattern that is none", d);
    (void)pcre2_pattern_info(r->code, PCRE2_INFO_CAPTURECOUNT, &r->groups);
    return true;
}

static bool bind_regex(struct binder *b)
{
    bool my = b->env->flavour == ENV_MYSQL8, replace = b->c->aux == 3;
    uint32_t last = replace ? 6 : b->c->aux == 1 ? 6 : b->c->aux == 2 ? 5 : 3;
    const struct value *match = b->n == last ? b->args[last - 1].constant : NULL;
    enum type_deriv deriv;

    if (!my && b->n > (replace ? 3u : 2u))
        return diag_set(b->diag, ER_WRONG_PARAMCOUNT_TO_NATIVE_FCT, b->f->name);
    for (uint32_t i = 0; i < (replace ? 3u : 2u); i++) {
        if (type_is_string(&b->args[i].type) && b->args[i].type.coll == TYPE_COLL_BINARY)
            return refuse(b->c, "bytes", b->diag);
    }
    if (!func_unify_coll(b->args, 2, b->f->name, &b->c->coll, &deriv, b->diag))
        return false;
    if (!b->c->coll)
        b->c->coll = b->env->coll_connection;
    if (b->args[1].constant && b->args[1].constant->kind == KIND_STR && (b->n < last || last == 2 || match)) {
        struct regex *r = ARENA_NEW(b->arena, struct regex);

        if (match && match->kind != KIND_STR)
            match = NULL;
        if (!compile(b->c, b->env, b->args[1].constant->s, match ? match->s : SV(""), b->arena, r, b->diag))
            return false;
        b->c->data = r;
    }
    if (b->c->aux == 0)
        return bind_bool(b);
    if (b->c->aux == 1)
        return bind_int(b);
    b->c->type = type_string(1u << 28, b->c->coll, deriv);
    return true;
}

/* ---- matching ---- */

struct run {
    struct sv s, rest; /* rest: from the position asked for */
    const struct regex *r;
    pcre2_match_data *m;
    size_t from, to; /* of the match, bytes in s */
};

/* The text, the compiled pattern and room for a match. pos_arg: number of the argument with the position (0: none). */
static bool prepare(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t pos_arg, uint32_t match_arg, struct run *k)
{
    pcre2_general_context *g = pcre2_general_context_create(arena_malloc, arena_no_free, cx->arena);
    int64_t pos = pos_arg && pos_arg < c->n_args ? value_to_i64(&args[pos_arg], cx->env) : 1;
    struct regex *own;

    k->s = arg_str(cx, c, args, 0);
    k->s.ptr = k->s.ptr ? k->s.ptr : "";
    k->r = c->data;
    if (!k->r) {
        own = ARENA_NEW(cx->arena, struct regex);
        if (!compile(c, cx->env, arg_str(cx, c, args, 1), match_arg && match_arg < c->n_args ? arg_str(cx, c, args, match_arg) : SV(""), cx->arena, own,
                cx->diag))
            return false;
        k->r = own;
    }
    if (!coll_is_valid(46, k->s) || (cx->env->flavour == ENV_MYSQL8 && !icu_text(k->s, k->r->traits)))
        return refuse(c, "a text in which the servers' libraries see something else", cx->diag);
    k->m = pcre2_match_data_create_from_pattern(k->r->code, g);
    k->rest = k->s;
    if (pos < 1 && c->aux == 3)
        return diag_set_remote(cx->diag, 1583, "42000", SV("Incorrect parameters in the call to native function 'regexp_replace'"));
    if (pos < 1 || (uint64_t)pos > coll_chars(46, k->s) + (c->aux == 3 || pos_arg == 0))
        if (pos != 1)
            return diag_set_remote(cx->diag, 3686, "HY000", SV("Index out of bounds in regular expression search."));
    if (pos > 1) {
        size_t skip = coll_chars_prefix(46, k->s, (size_t)pos - 1);

        k->rest = (struct sv){k->s.ptr + skip, k->s.len - skip};
    }
    return true;
}

/* 1 found, 0 not, -1 error. */
static int match_from(struct func_ctx *cx, const struct func_call *c, struct run *k, size_t from, uint32_t flags)
{
    pcre2_general_context *g = pcre2_general_context_create(arena_malloc, arena_no_free, cx->arena);
    pcre2_match_context *mc = pcre2_match_context_create(g);
    int rc;

    (void)pcre2_set_match_limit(mc, 1000000);
    rc = pcre2_match(k->r->code, (PCRE2_SPTR)k->s.ptr, k->s.len, from, flags | PCRE2_NO_UTF_CHECK, k->m, mc);
    if (rc == PCRE2_ERROR_NOMATCH)
        return 0;
    if (rc < 0) {
        (void)refuse(c, "so long a search", cx->diag);
        return -1;
    }
    k->from = pcre2_get_ovector_pointer(k->m)[0];
    k->to = pcre2_get_ovector_pointer(k->m)[1];
    return 1;
}

/* The next match behind the last one, as ICU's find() goes on: behind an empty match one character further. */
static int next_match(struct func_ctx *cx, const struct func_call *c, struct run *k)
{
    size_t at = k->to;
    uint32_t cp;

    if (k->from == k->to) {
        if (at >= k->s.len)
            return 0;
        at += coll_decode_utf8(k->s.ptr + at, k->s.ptr + k->s.len, &cp);
    }
    return match_from(cx, c, k, at, 0);
}

static int nth_match(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t nth_arg, struct run *k)
{
    int64_t n = nth_arg < c->n_args ? value_to_i64(&args[nth_arg], cx->env) : 1;
    int r = match_from(cx, c, k, (size_t)(k->rest.ptr - k->s.ptr), 0);

    for (; r == 1 && n > 1; n--)
        r = next_match(cx, c, k);
    return r;
}

static bool f_like(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct run k;
    int r;

    if (!prepare(cx, c, args, 0, 2, &k))
        return false;
    r = match_from(cx, c, &k, 0, 0);
    *out = value_i64(c->f->id == FUNC_NOT_REGEXP ? !r : r);
    return r >= 0;
}

static bool f_instr(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct run k;
    bool behind = c->n_args > 4 && value_to_i64(&args[4], cx->env) == 1;
    int r;

    if (!prepare(cx, c, args, 2, 5, &k))
        return false;
    r = nth_match(cx, c, args, 3, &k);
    *out = value_i64(r == 1 ? (int64_t)coll_chars(46, (struct sv){k.s.ptr, behind ? k.to : k.from}) + 1 : 0);
    return r >= 0;
}

static bool f_substr(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct run k;
    int r;

    if (!prepare(cx, c, args, 2, 4, &k))
        return false;
    r = nth_match(cx, c, args, 3, &k);
    if (r == 1)
        *out = value_str((struct sv){k.s.ptr + k.from, k.to - k.from}, c->coll);
    else if (r == 0 && cx->env->flavour == ENV_MARIADB)
        *out = value_str(SV(""), c->coll);
    return r >= 0;
}

static void put_group(const struct run *k, uint32_t g, struct strbuf *b)
{
    const size_t *o = pcre2_get_ovector_pointer(k->m);

    if (g < pcre2_get_ovector_count(k->m) && o[2 * g] != PCRE2_UNSET)
        strbuf_put(b, k->s.ptr + o[2 * g], o[2 * g + 1] - o[2 * g]);
}

/* The replacement's text: $1 and \x on MySQL, \1 on MariaDB. */
static bool put_replacement(struct func_ctx *cx, const struct func_call *c, const struct run *k, struct sv r, struct strbuf *b)
{
    bool my = cx->env->flavour == ENV_MYSQL8;

    for (size_t i = 0; i < r.len; i++) {
        if (r.ptr[i] == '\\') {
            if (++i == r.len)
                break;
            if (!my && is_digit(r.ptr[i]))
                put_group(k, (uint32_t)(r.ptr[i] - '0'), b);
            else if (my && (r.ptr[i] == 'u' || r.ptr[i] == 'U'))
                return refuse(c, "\\u in a replacement", cx->diag);
            else
                strbuf_putc(b, r.ptr[i]);
        } else if (my && r.ptr[i] == '$') {
            uint32_t g = 0, n = 0;

            if (i + 1 == r.len || !is_digit(r.ptr[i + 1]))
                return i + 1 < r.len && r.ptr[i + 1] == '{' ? refuse(c, "a group's name in a replacement", cx->diag)
                    : diag_set_remote(cx->diag, 3887, "HY000", SV("A capture group has an invalid name."));
            for (; i + 1 < r.len && is_digit(r.ptr[i + 1]) && g * 10 + (uint32_t)(r.ptr[i + 1] - '0') <= k->r->groups; n++)
                g = g * 10 + (uint32_t)(r.ptr[++i] - '0');
            if (!n)
                return diag_set_remote(cx->diag, 3686, "HY000", SV("Index out of bounds in regular expression search."));
            put_group(k, g, b);
        } else {
            strbuf_putc(b, r.ptr[i]);
        }
    }
    return true;
}

static bool f_replace(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv with = arg_str(cx, c, args, 2);
    int64_t nth = c->n_args > 4 ? value_to_i64(&args[4], cx->env) : 0, seen = 0;
    bool my = cx->env->flavour == ENV_MYSQL8;
    struct strbuf b;
    struct run k;
    size_t done = 0;
    int r;

    if (!prepare(cx, c, args, 3, 5, &k))
        return false;
    strbuf_init(&b, cx->arena);
    r = k.s.len == 0 && my ? 0 : match_from(cx, c, &k, (size_t)(k.rest.ptr - k.s.ptr), 0);
    while (r == 1) {
        if (!my && k.from == k.to)
            break; /* MariaDB ends at the first empty match */
        if (nth <= 0 || ++seen == nth) {
            strbuf_put(&b, k.s.ptr + done, k.from - done);
            if (!put_replacement(cx, c, &k, with, &b))
                return false;
            done = k.to;
        }
        if ((nth > 0 && seen == nth) || func_too_long(cx, c, b.len, out))
            break;
        r = next_match(cx, c, &k);
    }
    if (r < 0)
        return false;
    if (func_too_long(cx, c, b.len + k.s.len - done, out))
        return true;
    strbuf_put(&b, k.s.ptr + done, k.s.len - done);
    *out = value_str(b.ptr ? strbuf_sv(&b) : SV(""), c->coll);
    return true;
}

#define N FUNC_NULL_ANY
const struct func funcs_regex[] = {
    {"regexp", FUNC_REGEXP, 2, 2, N, bind_regex, f_like, 0},
    {"not regexp", FUNC_NOT_REGEXP, 2, 2, N, bind_regex, f_like, 0},
    {"regexp_like", FUNC_OTHER, 2, 3, N | FUNC_MYSQL, bind_regex, f_like, 0},
    {"regexp_instr", FUNC_OTHER, 2, 6, N, bind_regex, f_instr, 1},
    {"regexp_substr", FUNC_OTHER, 2, 5, N, bind_regex, f_substr, 2},
    {"regexp_replace", FUNC_OTHER, 3, 6, N, bind_regex, f_replace, 3},
};
const size_t funcs_regex_n = ARRAY_LEN(funcs_regex);
#undef N
