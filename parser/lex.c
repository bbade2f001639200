/* The lexer is one function that switches on the class of a token's first byte, with a helper a class. Its little
 * context is what MySQL's has: behind a dot every word is an identifier; a word directly followed by a dot and a word
 * is one too; some function names are keywords only in front of "("; hints exist only behind the verb of a statement.
 * Versioned comments just open and close: what is inside is lexed like any text, or skipped as a whole. */
#include "parser/lex.h"

#include "parser/kw_hash.h"
#include "parser/kw_table.h"

enum {
    C_WORD = 1,  /* may stand in an unquoted identifier */
    C_DIGIT = 2,
    C_SPACE = 4,
    C_XDIGIT = 8,
    C_HOST = 16 /* may stand in @name */
};

#define L (C_WORD | C_HOST)
#define X (C_WORD | C_XDIGIT | C_HOST)
#define D (C_WORD | C_DIGIT | C_XDIGIT | C_HOST)
#define S C_SPACE
static const uint8_t classes[256] = {
    ['\t'] = S, ['\n'] = S, ['\v'] = S, ['\f'] = S, ['\r'] = S, [' '] = S,   ['$'] = L, ['.'] = C_HOST,
    ['0'] = D,  ['1'] = D,  ['2'] = D,  ['3'] = D,  ['4'] = D,  ['5'] = D,   ['6'] = D, ['7'] = D,
    ['8'] = D,  ['9'] = D,  ['A'] = X,  ['B'] = X,  ['C'] = X,  ['D'] = X,   ['E'] = X, ['F'] = X,
    ['a'] = X,  ['b'] = X,  ['c'] = X,  ['d'] = X,  ['e'] = X,  ['f'] = X,   ['_'] = L, ['G' ... 'Z'] = L,
    ['g' ... 'z'] = L, [0x80 ... 0xff] = L,
};
#undef L
#undef X
#undef D
#undef S

const uint8_t kw_flags[TK_KIND_COUNT] = {
#define KW(name, flags) [K_##name] = (flags),
#include "parser/kw.def"
#undef KW
};

static const char *const kw_names[] = {
#define KW(name, flags) #name,
#include "parser/kw.def"
#undef KW
};

#define IS(c, class) (classes[(unsigned char)(c)] & (class))

unsigned kw_find(const char *word, size_t n)
{
    struct kw_key k;
    uint64_t h;
    unsigned i;

    if (n - 1 >= KW_MAX_LEN)
        return 0;
    k = kw_fold(kw_load(word, n), n);
    h = kw_mix(k, n);
    i = kw_slots[kw_slot(h, kw_displacements[kw_bucket(h)])];
    if (!i--)
        return 0;
    if (kw_keys[i].len != n || kw_keys[i].key.a != k.a || kw_keys[i].key.b != k.b)
        return 0;
    if (n > 16 && !sv_eq_nocase(sv_make(word, n), sv_make(kw_names[i], n)))
        return 0;
    return TK_KEYWORD_FIRST + i;
}

struct sv kw_text(unsigned kind)
{
    unsigned i = kind - TK_KEYWORD_FIRST;

    return i < ARRAY_LEN(kw_names) ? sv_cstr(kw_names[i]) : SV("");
}

void lex_init(struct lex *l, struct sv text, uint32_t from, const struct sql_opts *opts)
{
    bool maria = opts->flavor == SQL_FLAVOR_MARIADB;

    *l = (struct lex){
        .text = text.ptr ? text.ptr : "",
        .opts = opts,
        .mysql_version = opts->mysql_version ? opts->mysql_version : 80400,
        .maria_version = opts->maria_version ? opts->maria_version : maria ? 101100 : 0,
        .reserved = maria ? KW_RM | KW_FM : KW_R8 | KW_FN,
    };
    l->pos = l->text + from;
    l->end = l->text + text.len;
}

/* Behind the end of a comment whose inside starts at p (the marks of one comment inside another are balanced, as in
 * skipped versioned comments, if `nested`); NULL: not closed. */
static const char *skip_comment(const char *p, const char *end, bool nested)
{
    for (; end - p >= 2; p++) {
        if (p[0] == '*' && p[1] == '/')
            return p + 2;
        if (nested && p[0] == '/' && p[1] == '*') {
            p = skip_comment(p + 2, end, false);
            if (!p)
                return NULL;
            p--;
        }
    }
    return NULL;
}

static const char *skip_line(const char *p, const char *end)
{
    const char *nl = memchr(p, '\n', (size_t)(end - p));

    return nl ? nl + 1 : end;
}

/* Of "/" "*" "!" and the like: is the content SQL? Sets *p behind the mark and the version. */
static bool versioned_is_sql(const struct lex *l, const char **p)
{
    const char *q = *p + 2;
    bool maria = false;
    uint32_t version = 0;
    unsigned digits = 0;

    if (*q == 'T') {
        *p = q + 2;
        return true;
    }
    if (*q == 'M') {
        maria = true;
        q++;
    }
    q++;
    while (digits < 6 && q + digits < l->end && IS(q[digits], C_DIGIT)) {
        version = version * 10 + (uint32_t)(q[digits] - '0');
        digits++;
    }
    if (digits < 5) {
        version = 0;
        digits = 0;
    }
    *p = q + digits;
    if (!maria && version == TESSERA_VERSION_COMMENT && digits == 5)
        return true;
    if (maria)
        return l->maria_version && version <= l->maria_version;
    if (l->opts->flavor == SQL_FLAVOR_MARIADB)
        return version <= l->maria_version && (version < 50700 || version > 99999);
    return version <= l->mysql_version;
}

/* A "/" "*" at p. Behind the comment, or behind the opening mark of one whose content is SQL; NULL: not closed.
 * *hint: it is an optimizer hint, in full. */
static const char *enter_comment(struct lex *l, const char *p, bool *hint)
{
    char c = l->end - p > 2 ? p[2] : '\0';

    if (c == '!' || ((c == 'M' || c == 'T') && l->end - p > 3 && p[3] == '!')) {
        if (versioned_is_sql(l, &p)) {
            if (l->comments == UINT8_MAX)
                return NULL;
            l->comments++;
            return p;
        }
        return skip_comment(p, l->end, true);
    }
    if (c == '+' && (l->prev == K_SELECT || l->prev == K_INSERT || l->prev == K_REPLACE || l->prev == K_UPDATE ||
                     l->prev == K_DELETE))
        *hint = true;
    return skip_comment(p + 2, l->end, false);
}

/* The first byte of the next token, behind blanks and comments; the text's end; NULL: a comment is not closed (pos
 * stays at it). *hint_end: the token is a hint that ends there. */
static const char *skip_blanks(struct lex *l, const char **hint_end)
{
    const char *p = l->pos, *end = l->end, *q;
    bool hint = false;

    for (;;) {
        while (p < end && IS(*p, C_SPACE))
            p++;
        if (p == end)
            return p;
        if (*p == '#') {
            p = skip_line(p, end);
        } else if (*p == '-' && end - p >= 2 && p[1] == '-' && (end - p == 2 || (unsigned char)p[2] <= ' ')) {
            p = skip_line(p, end);
        } else if (*p == '/' && end - p >= 2 && p[1] == '*') {
            q = enter_comment(l, p, &hint);
            if (!q) {
                l->pos = p;
                return NULL;
            }
            if (hint) {
                *hint_end = q;
                return p;
            }
            p = q;
        } else if (*p == '*' && l->comments && end - p >= 2 && p[1] == '/') {
            l->comments--;
            p += 2;
        } else {
            return p;
        }
    }
}

/* Behind the closing quote of a string or name that opens at p - 1; NULL: not closed. */
static const char *scan_quoted(const char *p, const char *end, char quote, bool backslash, uint16_t *flags)
{
    for (; p < end; p++) {
        if (*p == quote) {
            if (p + 1 == end || p[1] != quote)
                return p + 1;
            *flags |= TOKEN_ESCAPED;
            p++;
        } else if (*p == '\\' && backslash) {
            *flags |= TOKEN_ESCAPED;
            p++;
        }
    }
    return NULL;
}

static inline const char *scan_word(const char *p, const char *end)
{
    while (p < end && IS(*p, C_WORD))
        p++;
    return p;
}

static const char *scan_string(const struct lex *l, const char *p, struct token *t, unsigned kind)
{
    char quote = *p;
    bool backslash = !(l->opts->mode & SQL_NO_BACKSLASH_ESCAPES);

    t->kind = (uint16_t)kind;
    if (quote == '"') {
        if (l->opts->mode & SQL_ANSI_QUOTES) {
            t->kind = TK_QUOTED;
            backslash = false;
        } else {
            t->flags = TOKEN_DOUBLE;
        }
    }
    return scan_quoted(p + 1, l->end, quote, backslash, &t->flags);
}

/* X'..' and B'..' behind the quote at p; NULL: malformed. */
static const char *scan_quoted_digits(const struct lex *l, const char *p, bool hex)
{
    const char *start = p;

    while (p < l->end && (hex ? IS(*p, C_XDIGIT) : *p == '0' || *p == '1'))
        p++;
    if (p == l->end || *p != '\'' || (hex && (p - start) % 2))
        return NULL;
    return p + 1;
}

/* An exponent without digits, with c at p behind it. MySQL takes the number and the exponent as nothing, and gives the one
 * byte behind as the token ("1 1.e*1" is 1 * 1); to MariaDB it is an error. */
static const char *scan_bad_exponent(const struct lex *l, const char *p, struct token *t)
{
    static const char bytes[] = "(),;{}+*/%^~!&|-.";
    static const uint8_t kinds[] = {TK_LPAREN, TK_RPAREN,  TK_COMMA, TK_SEMI,  TK_LBRACE, TK_RBRACE, TK_PLUS,  TK_STAR, TK_SLASH,
                                    TK_PERCENT, TK_CARET, TK_TILDE, TK_BANG, TK_AMP,    TK_PIPE,   TK_MINUS, TK_DOT};
    const char *at;

    if (l->opts->flavor == SQL_FLAVOR_MARIADB || p >= l->end || !(at = memchr(bytes, *p, sizeof bytes - 1)))
        return NULL;
    t->kind = kinds[at - bytes];
    return p + 1;
}

/* Fraction and exponent of a number whose dot is at p. */
static const char *scan_fraction(const struct lex *l, const char *p, struct token *t)
{
    t->kind = TK_DECIMAL;
    for (p++; p < l->end && IS(*p, C_DIGIT); p++)
        ;
    if (p == l->end || (*p != 'e' && *p != 'E'))
        return p;
    p++;
    if (p < l->end && (*p == '+' || *p == '-'))
        p++;
    if (p == l->end || !IS(*p, C_DIGIT))
        return scan_bad_exponent(l, p, t);
    t->kind = TK_FLOAT;
    while (p < l->end && IS(*p, C_DIGIT))
        p++;
    return p;
}

/* A token that starts with a digit: a number, or an identifier such as 1st. */
static const char *scan_number(const struct lex *l, const char *start, struct token *t)
{
    const char *p = start, *end = l->end, *q;

    if (l->prev == TK_DOT) {
        t->kind = TK_IDENT;
        return scan_word(p, end);
    }
    if (*p == '0' && end - p > 2 && (p[1] == 'x' || p[1] == 'b')) {
        bool hex = p[1] == 'x';

        for (q = p + 2; q < end && (hex ? IS(*q, C_XDIGIT) : *q == '0' || *q == '1'); q++)
            ;
        if (q > p + 2 && (q == end || !IS(*q, C_WORD))) {
            t->kind = hex ? TK_HEX : TK_BIT;
            return q;
        }
    }
    while (p < end && IS(*p, C_DIGIT))
        p++;
    t->kind = TK_INT;
    if (p == end)
        return p;
    if (*p == '.')
        return scan_fraction(l, p, t);
    if (!IS(*p, C_WORD))
        return p;
    if (*p == 'e' || *p == 'E') {
        q = p + 1;
        if (q < end && (*q == '+' || *q == '-'))
            q++;
        if (q < end && IS(*q, C_DIGIT)) {
            const char *digits = q;

            while (q < end && IS(*q, C_DIGIT))
                q++;
            if (digits[-1] == '+' || digits[-1] == '-' || q == end || !IS(*q, C_WORD)) {
                t->kind = TK_FLOAT;
                return q;
            }
        }
    }
    t->kind = TK_IDENT;
    return scan_word(p, end);
}

static bool is_charset(const char *p, size_t n)
{
    static const char *const names[] = {
        "armscii8", "ascii", "big5", "binary", "cp1250", "cp1251", "cp1256", "cp1257", "cp850", "cp852", "cp866",
        "cp932", "dec8", "eucjpms", "euckr", "gb18030", "gb2312", "gbk", "geostd8", "greek", "hebrew", "hp8",
        "keybcs2", "koi8r", "koi8u", "latin1", "latin2", "latin5", "latin7", "macce", "macroman", "sjis", "swe7",
        "tis620", "ucs2", "ujis", "utf16", "utf16le", "utf32", "utf8", "utf8mb3", "utf8mb4"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (sv_eq_nocase(sv_make(p, n), sv_cstr(names[i])))
            return true;
    }
    return false;
}

static bool paren_follows(const struct lex *l, const char *p)
{
    if (l->opts->mode & SQL_IGNORE_SPACE) {
        while (p < l->end && IS(*p, C_SPACE))
            p++;
    }
    return p < l->end && *p == '(';
}

static const char *scan_ident(const struct lex *l, const char *start, struct token *t)
{
    const char *p = scan_word(start + 1, l->end);
    unsigned k;

    t->kind = TK_IDENT;
    if (l->prev == TK_DOT)
        return p;
    if (p < l->end && *p == '.' && l->end - p > 1 && IS(p[1], C_WORD) && l->prev != TK_ATAT)
        return p;
    if (*start == '_' && is_charset(start + 1, (size_t)(p - start - 1))) {
        t->kind = TK_CHARSET;
        return p;
    }
    k = kw_find(start, (size_t)(p - start));
    if (k && (!(kw_flags[k] & (KW_CALL | KW_SOFT)) || paren_follows(l, p)))
        t->kind = (uint16_t)k;
    return p;
}

static const char *scan_at(const struct lex *l, const char *p, struct token *t)
{
    if (l->end - p < 2) {
        t->kind = TK_USERVAR;
        return p + 1;
    }
    p++;
    if (*p == '@') {
        t->kind = TK_ATAT;
        return p + 1;
    }
    t->kind = TK_USERVAR;
    if (*p == '\'' || *p == '"' || *p == '`')
        return scan_quoted(p + 1, l->end, *p, *p != '`' && !(l->opts->mode & SQL_NO_BACKSLASH_ESCAPES), &t->flags);
    while (p < l->end && IS(*p, C_HOST))
        p++;
    return p;
}

/* Operators and punctuation of up to three bytes at p; the byte behind them. */
static const char *scan_operator(const struct lex *l, const char *p, struct token *t)
{
    char c1 = l->end - p > 1 ? p[1] : '\0', c2 = l->end - p > 2 ? p[2] : '\0';

#define ONE(k) (t->kind = (k), p + 1)
#define TWO(k) (t->kind = (k), p + 2)
#define THREE(k) (t->kind = (k), p + 3)
    switch (*p) {
    case '(':
        return ONE(TK_LPAREN);
    case ')':
        return ONE(TK_RPAREN);
    case ',':
        return ONE(TK_COMMA);
    case ';':
        return ONE(TK_SEMI);
    case '{':
        return ONE(TK_LBRACE);
    case '}':
        return ONE(TK_RBRACE);
    case '?':
        return ONE(TK_PARAM);
    case '+':
        return ONE(TK_PLUS);
    case '*':
        return ONE(TK_STAR);
    case '/':
        return ONE(TK_SLASH);
    case '%':
        return ONE(TK_PERCENT);
    case '^':
        return ONE(TK_CARET);
    case '~':
        return ONE(TK_TILDE);
    case '=':
        return ONE(TK_EQ);
    case '!':
        return c1 == '=' ? TWO(TK_NE) : ONE(TK_BANG);
    case '<':
        if (c1 == '=')
            return c2 == '>' ? THREE(TK_NULL_EQ) : TWO(TK_LE);
        return c1 == '>' ? TWO(TK_NE) : c1 == '<' ? TWO(TK_SHL) : ONE(TK_LT);
    case '>':
        return c1 == '=' ? TWO(TK_GE) : c1 == '>' ? TWO(TK_SHR) : ONE(TK_GT);
    case '&':
        return c1 == '&' ? TWO(TK_AMP2) : ONE(TK_AMP);
    case '|':
        return c1 == '|' ? TWO(TK_PIPE2) : ONE(TK_PIPE);
    case ':':
        return c1 == '=' ? TWO(TK_ASSIGN) : ONE(TK_COLON);
    case '-':
        if (c1 == '>')
            return c2 == '>' ? THREE(TK_ARROW2) : TWO(TK_ARROW);
        return ONE(TK_MINUS);
    case '.':
        return ONE(TK_DOT);
    case '\\':
        return c1 == 'N' ? TWO(K_NULL) : NULL;
    default:
        return NULL;
    }
#undef ONE
#undef TWO
#undef THREE
}

static bool ident_before(const struct lex *l, const char *p)
{
    return p == l->pos && (l->prev == TK_IDENT || l->prev == TK_QUOTED);
}

static const char *scan_token(struct lex *l, const char *p, struct token *t)
{
    char c = *p;

    if (IS(c, C_WORD)) {
        if (IS(c, C_DIGIT))
            return scan_number(l, p, t);
        if (l->end - p > 1 && p[1] == '\'' && l->prev != TK_DOT) {
            if (c == 'x' || c == 'X' || c == 'b' || c == 'B') {
                bool hex = (c | 0x20) == 'x';

                t->kind = hex ? TK_HEX : TK_BIT;
                t->flags = hex ? TOKEN_QUOTED_HEX : 0;
                return scan_quoted_digits(l, p + 2, hex);
            }
            if (c == 'n' || c == 'N')
                return scan_string(l, p + 1, t, TK_NSTRING);
        }
        return scan_ident(l, p, t);
    }
    switch (c) {
    case '\'':
    case '"':
        return scan_string(l, p, t, TK_STRING);
    case '`':
        t->kind = TK_QUOTED;
        return scan_quoted(p + 1, l->end, '`', false, &t->flags);
    case '@':
        return scan_at(l, p, t);
    case '.':
        if (l->end - p > 1 && IS(p[1], C_DIGIT) && !ident_before(l, p))
            return scan_fraction(l, p, t);
        break;
    default:
        break;
    }
    return scan_operator(l, p, t);
}

void lex_next(struct lex *l, struct token *t)
{
    const char *hint_end = NULL;
    const char *p = skip_blanks(l, &hint_end), *end;

    t->flags = 0;
    t->slot = 0;
    if (UNLIKELY(!p || p == l->end)) {
        t->kind = !p || l->comments ? TK_ERROR : TK_EOF;
        t->begin = (uint32_t)((p ? p : l->pos) - l->text);
        t->end = (uint32_t)(l->end - l->text);
        l->prev = t->kind;
        if (p)
            l->pos = p;
        return;
    }
    t->begin = (uint32_t)(p - l->text);
    if (UNLIKELY(hint_end)) {
        t->kind = TK_HINT;
        end = hint_end;
    } else {
        end = scan_token(l, p, t);
    }
    if (UNLIKELY(!end || end > l->end)) {
        t->kind = TK_ERROR;
        t->end = (uint32_t)(l->end - l->text);
        l->pos = p;
        l->prev = TK_ERROR;
        return;
    }
    t->end = (uint32_t)(end - l->text);
    if (lex_is_literal(t->kind))
        t->slot = l->literals++;
    else if (t->kind == TK_PARAM)
        t->slot = l->params++;
    l->prev = t->kind;
    l->pos = end;
}

/* Doubled quotes to single ones. */
static struct sv undouble(struct arena *a, struct sv s, char quote)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        out[n++] = s.ptr[i];
        if (s.ptr[i] == quote && i + 1 < s.len)
            i++;
    }
    out[n] = '\0';
    return sv_make(out, n);
}

static struct sv unescape(struct arena *a, struct sv s, char quote)
{
    char *out = arena_alloc(a, s.len + 1);
    size_t n = 0;

    for (size_t i = 0; i < s.len; i++) {
        char c = s.ptr[i];

        if (c == quote && i + 1 < s.len) {
            i++;
        } else if (c == '\\' && i + 1 < s.len) {
            c = s.ptr[++i];
            switch (c) {
            case 'n':
                c = '\n';
                break;
            case 't':
                c = '\t';
                break;
            case 'r':
                c = '\r';
                break;
            case 'b':
                c = '\b';
                break;
            case '0':
                c = '\0';
                break;
            case 'Z':
                c = '\032';
                break;
            case '%':
            case '_': /* stay escaped for LIKE */
                out[n++] = '\\';
                break;
            default:
                break;
            }
        }
        out[n++] = c;
    }
    out[n] = '\0';
    return sv_make(out, n);
}

struct sv lex_string(struct arena *a, const struct lex *l, const struct token *t)
{
    struct sv s = lex_text(l, t);
    char quote;

    if (t->kind == TK_NSTRING) {
        s.ptr++;
        s.len--;
    }
    quote = s.ptr[0];
    s = sv_make(s.ptr + 1, s.len - 2);
    if (!(t->flags & TOKEN_ESCAPED))
        return s;
    if (quote == '`' || (l->opts->mode & SQL_NO_BACKSLASH_ESCAPES) || t->kind == TK_QUOTED)
        return undouble(a, s, quote);
    return unescape(a, s, quote);
}

struct sv lex_ident(struct arena *a, const struct lex *l, const struct token *t)
{
    struct sv s = lex_text(l, t);
    struct token name = *t;

    if (t->kind == TK_USERVAR) {
        s = sv_make(s.ptr + 1, s.len - 1);
        if (s.len == 0 || (s.ptr[0] != '\'' && s.ptr[0] != '"' && s.ptr[0] != '`'))
            return s;
        name.begin++;
        return lex_string(a, l, &name);
    }
    return t->kind == TK_QUOTED ? lex_string(a, l, t) : s;
}

static unsigned hex_digit(char c)
{
    return c <= '9' ? (unsigned)(c - '0') : (unsigned)((c | 0x20) - 'a' + 10);
}

struct sv lex_bytes(struct arena *a, const struct lex *l, const struct token *t)
{
    struct sv s = lex_text(l, t);
    unsigned bits = t->kind == TK_HEX ? 4 : 1, acc = 0, have;
    size_t n, out = 0;
    char *p;

    /* Both forms have two bytes in front: X' or 0x. */
    s = sv_make(s.ptr + 2, s.len - 2 - (s.ptr[1] == '\''));
    n = (s.len * bits + 7) / 8;
    p = arena_alloc(a, n + 1);
    have = (unsigned)(n * 8 - s.len * bits);
    for (size_t i = 0; i < s.len; i++) {
        acc = acc << bits | hex_digit(s.ptr[i]);
        have += bits;
        if (have == 8) {
            p[out++] = (char)acc;
            acc = have = 0;
        }
    }
    p[out] = '\0';
    return sv_make(p, out);
}
