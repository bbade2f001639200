/* A mutator of libFuzzer's that knows SQL tokens: half of the time it moves, copies, replaces and wraps tokens, also those of
 * another input, so that most of what it makes still parses; else libFuzzer's own mutations of bytes. For targets whose first byte
 * chooses flavor and sql_mode and whose rest is SQL text. */
#include "parser/lex.h"

#include <stdlib.h>

enum { MAX_TOKENS = 600, MAX_MOVED = 4096 };

/* Weak: the main that only replays files has none. */
__attribute__((weak)) size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed);
size_t LLVMFuzzerCustomCrossOver(
    const uint8_t *a, size_t an, const uint8_t *b, size_t bn, uint8_t *out, size_t max, unsigned seed);

struct span {
    size_t begin, end;
};

static uint64_t state;

static uint32_t below(uint32_t n)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (uint32_t)((state >> 20) % n);
}

static uint32_t tokens_of(const uint8_t *d, size_t n, struct span *out)
{
    struct sql_opts o = {.flavor = d[0] & 1 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL, .mode = d[0] >> 1 & 31};
    struct token t;
    struct lex l;
    uint32_t count = 0;

    lex_init(&l, sv_make((const char *)d + 1, n - 1), 0, &o);
    for (lex_next(&l, &t); t.kind > TK_ERROR && count < MAX_TOKENS; lex_next(&l, &t))
        out[count++] = (struct span){t.begin + 1, t.end + 1};
    return count;
}

static struct sv some_word(void)
{
    static const char *const pieces[] = {"1", "0", "-1", "+2", "1.5", ".5", "1e3", "0x31", "x'31'", "b'01'", "'a'", "\"a\"", "n'a'",
        "_utf8mb4'a'", "_binary x'00'", "`a`", "`select`", "`a``b`", "a", "b.c", "a.b.c", "@a", "@`x y`", "@'h'", "@@x", "@@global.y",
        "?", "(", ")", ",", ".", ";", "=", ":=", "<=>", "->", "->>", "'$'", "*", "+", "-", "!", "~", "||", "&&", "|", "&", "^", "%", "/",
        "<<", ">>", "{", "}", "{d '2001-01-01'}", "\\N", "(1)", "(a)", "(select 1)", "(values (1))", "(values row(1))", "/*! ",
        "/*!50000 ", "/*!99999 x */", "*/", "/* c */", "/*M!100100 ", "-- x\n", "count(*)", "sum(a) over (partition by b)",
        "a in (1,2)", "interval 1 day", "case when 1 then 2 end", "'u'@'h'", "''", "``", "collate utf8mb4_bin",
        "character set utf8mb4", "is not null", "order by", "limit 1", "where 1"};

    if (below(2))
        return sv_cstr(pieces[below(ARRAY_LEN(pieces))]);
    return kw_text(TK_KEYWORD_FIRST + below(TK_KIND_COUNT - TK_KEYWORD_FIRST));
}

/* Replaces what is at `at` by text, with a blank in front (blanks & 1) and behind (blanks & 2); the new size. */
static size_t put(uint8_t *d, size_t n, size_t max, struct span at, struct sv text, unsigned blanks)
{
    size_t len = text.len + (blanks & 1) + (blanks >> 1 & 1);
    uint8_t *p;

    if (n - (at.end - at.begin) + len > max)
        return n;
    memmove(d + at.begin + len, d + at.end, n - at.end);
    p = d + at.begin;
    if (blanks & 1)
        *p++ = ' ';
    memcpy(p, text.ptr, text.len);
    if (blanks & 2)
        p[text.len] = ' ';
    return n - (at.end - at.begin) + len;
}

static size_t mutate_tokens(uint8_t *d, size_t n, size_t max, const struct span *t, uint32_t count)
{
    uint32_t first = below(count), last = first + below(below(4) ? 2 : 8), other = below(count);
    char moved[MAX_MOVED];
    struct span range;
    struct sv text = SV("");

    last = MIN(last, count - 1);
    range = (struct span){t[first].begin, t[last].end};
    if (range.end - range.begin <= sizeof moved) {
        memcpy(moved, d + range.begin, range.end - range.begin);
        text = sv_make(moved, range.end - range.begin);
    }
    switch (below(8)) {
    case 0:
        return put(d, n, max, range, SV(""), 0);
    case 1:
    case 2:
        return put(d, n, max, t[first], some_word(), below(4));
    case 3:
        return put(d, n, max, (struct span){range.begin, range.begin}, some_word(), 3);
    case 4:
        return put(d, n, max, (struct span){t[other].begin, t[other].begin}, text, 3);
    case 5:
        return put(d, n, max, t[other], text, below(4));
    case 6: {
        bool comment = below(2);

        n = put(d, n, max, (struct span){range.end, range.end}, comment ? SV("*/") : SV(")"), below(4));
        return put(d, n, max, (struct span){range.begin, range.begin}, comment ? SV("/*!50000 ") : SV("("), below(4));
    }
    default:
        d[0] = (uint8_t)below(64);
        return n;
    }
}

size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max, unsigned seed)
{
    static struct span t[MAX_TOKENS];
    uint32_t count;

    state = seed * UINT64_C(0x9E3779B97F4A7C15) + 1;
    if (size < 3 || below(2))
        return LLVMFuzzerMutate(data, size, max);
    for (uint32_t i = 1 + below(3); i > 0; i--) {
        count = tokens_of(data, size, t);
        if (!count)
            return LLVMFuzzerMutate(data, size, max);
        size = mutate_tokens(data, size, max, t, count);
    }
    return size;
}

size_t LLVMFuzzerCustomCrossOver(
    const uint8_t *a, size_t an, const uint8_t *b, size_t bn, uint8_t *out, size_t max, unsigned seed)
{
    static struct span ta[MAX_TOKENS], tb[MAX_TOKENS];
    uint32_t na, nb, at, from, last;
    struct span gone;

    state = seed * UINT64_C(0x9E3779B97F4A7C15) + 7;
    if (an < 3 || bn < 3 || an > max || !(na = tokens_of(a, an, ta)) || !(nb = tokens_of(b, bn, tb)))
        return 0;
    memcpy(out, a, an);
    at = below(na);
    gone = (struct span){ta[at].begin, below(2) ? ta[MIN(at + below(3), na - 1)].end : ta[at].begin};
    from = below(nb);
    last = MIN(from + below(below(3) ? 4 : 20), nb - 1);
    return put(out, an, max, gone, sv_make((const char *)b + tb[from].begin, tb[last].end - tb[from].begin), 3);
}
