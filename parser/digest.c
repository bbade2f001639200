/* digest_scan mixes each token into two 64-bit lanes by 64x64->128 bit multiplication (as wyhash does), a few
 * nanoseconds a token; words are read eight bytes at a time. digest_text reduces the token stream as MySQL's digests
 * do: first values, then lists of values, then lists of rows. */
#include "parser/digest.h"

#include "parser/kw_hash.h"

#define MIX_A 0xa0761d6478bd642fu
#define MIX_B 0xe7037ed1a0b428dbu
#define MIX_C 0x8ebc6af09c88c6e3u

static inline uint64_t mum(uint64_t a, uint64_t b)
{
    unsigned __int128 m = (unsigned __int128)a * b;

    return (uint64_t)m ^ (uint64_t)(m >> 64);
}

/* s, t: from the seed. Whoever does not know them cannot choose a y that sends a product to zero. */
struct mix {
    uint64_t a, b, s, t;
};

static inline void mix_pair(struct mix *m, uint64_t x, uint64_t y)
{
    m->a = mum(m->a ^ x ^ MIX_A, y ^ m->s);
    m->b = mum(m->b + x, y ^ m->t) ^ m->a;
}

static inline void mix_bytes(struct mix *m, unsigned kind, const char *p, size_t n)
{
    struct kw_key k;
    uint64_t tag = (uint64_t)kind << 40 | (uint64_t)n;

    while (n > 16) {
        memcpy(&k, p, sizeof k);
        mix_pair(m, k.a ^ tag, k.b);
        p += 16;
        n -= 16;
    }
    k = n ? kw_load(p, n) : (struct kw_key){0, 0};
    mix_pair(m, k.a + tag, k.b ^ tag * MIX_A);
}

static enum stmt_class classify(unsigned kind)
{
    switch (kind) {
    case K_SELECT:
    case TK_LPAREN:
    case K_VALUES:
    case K_TABLE:
        return STMT_SELECT;
    case K_WITH:
        return STMT_WITH;
    case K_INSERT:
        return STMT_INSERT;
    case K_REPLACE:
        return STMT_REPLACE;
    case K_UPDATE:
        return STMT_UPDATE;
    case K_DELETE:
        return STMT_DELETE;
    case K_BEGIN:
        return STMT_BEGIN;
    case K_COMMIT:
        return STMT_COMMIT;
    case K_ROLLBACK:
        return STMT_ROLLBACK;
    case K_SAVEPOINT:
        return STMT_SAVEPOINT;
    case K_SET:
        return STMT_SET;
    case K_USE:
        return STMT_USE;
    case K_SHOW:
        return STMT_SHOW;
    case K_CREATE:
    case K_ALTER:
    case K_DROP:
    case K_RENAME:
    case K_TRUNCATE:
        return STMT_DDL;
    case K_CALL:
        return STMT_CALL;
    case K_DO:
        return STMT_DO;
    case K_LOAD:
        return STMT_LOAD;
    case K_EXPLAIN:
    case K_DESCRIBE:
    case K_DESC:
        return STMT_EXPLAIN;
    case K_PREPARE:
    case K_EXECUTE:
    case K_DEALLOCATE:
        return STMT_PREPARED;
    default:
        return STMT_OTHER;
    }
}

void digest_scan(struct sv text, uint32_t from, const struct sql_opts *opts, struct literal_slot *slots, uint32_t max_slots,
                 struct digest *out)
{
    digest_scan_tokens(text, from, opts, slots, max_slots, NULL, 0, out);
}

void digest_scan_tokens(struct sv text, uint32_t from, const struct sql_opts *opts, struct literal_slot *slots,
                        uint32_t max_slots, struct lex_token_pos *tokens, uint32_t max_tokens, struct digest *out)
{
    struct lex l;
    struct token t;
    struct mix m = {opts->seed ^ MIX_C, opts->seed * MIX_B + MIX_A, mum(opts->seed ^ MIX_B, MIX_C) ^ MIX_A,
                    mum(opts->seed ^ MIX_A, MIX_B) ^ MIX_C};
    unsigned n = 0, first = TK_EOF;

    lex_init(&l, text, from, opts);
    *out = (struct digest){.begin = from, .end = from};
    for (;; n++) {
        lex_next(&l, &t);
        if (t.kind <= TK_ERROR)
            break;
        if (t.kind == TK_SEMI) {
            if (n == 0 && l.comments == 0) { /* empty statement in front */
                n--;
                continue;
            }
            break;
        }
        if (n == 0) {
            out->begin = t.begin;
            out->cls = classify(t.kind);
            first = t.kind;
        } else if (n == 1 && first == K_START && t.kind == K_TRANSACTION) {
            out->cls = STMT_BEGIN;
        }
        out->end = t.end;
        if (n < max_tokens)
            tokens[n] = (struct lex_token_pos){t.begin, t.end};
        if (lex_is_literal(t.kind)) {
            if (t.slot < max_slots)
                slots[t.slot] = (struct literal_slot){t.begin, t.end, t.kind, t.flags};
            mix_pair(&m, t.kind, t.kind | (uint64_t)(t.flags & TOKEN_QUOTED_HEX) << 16); /* what it means, not its value */
        } else if (t.kind >= TK_LPAREN && (t.kind < TK_KEYWORD_FIRST || (kw_flags[t.kind] & l.reserved & (KW_R8 | KW_RM)))) {
            mix_pair(&m, t.kind, t.kind);
        } else {
            /* COUNT( is not COUNT ( */
            unsigned kind = t.kind < TK_KEYWORD_FIRST                  ? t.kind
                            : kw_flags[t.kind] & (KW_CALL | KW_SOFT) ? (unsigned)TK_KEYWORD_FIRST
                                                                       : (unsigned)TK_IDENT;

            mix_bytes(&m, kind, l.text + t.begin, t.end - t.begin);
        }
    }
    out->error = t.kind == TK_ERROR;
    out->nslots = l.literals;
    out->nparams = l.params;
    out->ntokens = n;
    out->next = t.kind == TK_SEMI ? t.end : (uint32_t)text.len;
    mix_pair(&m, n, n);
    out->hash[0] = m.a;
    out->hash[1] = m.b;
    if (t.kind == TK_SEMI) {
        struct lex rest = l;

        lex_next(&rest, &t);
        out->more = t.kind != TK_EOF;
    }
}

/* ---- text ---- */

/* Tokens that stand for reduced values; behind all real kinds. */
enum {
    D_VALUE = TK_KIND_COUNT, /* ? */
    D_VALUES,                /* ?, ... */
    D_ROW_ONE,               /* (?) */
    D_ROW_ONE_LIST,          /* (?) , more of them in a comment */
    D_ROW,                   /* (...) */
    D_ROW_LIST,              /* (...) , more of them in a comment */
    D_IN_LIST                /* IN (...) */
};

struct dtoken {
    uint16_t kind;
    uint32_t begin, end;
};

struct dstack {
    struct dtoken *t;
    size_t n, cap;
};

static unsigned top(const struct dstack *s, size_t depth)
{
    return s->n > depth ? s->t[s->n - 1 - depth].kind : TK_EOF;
}

static bool ends_value(unsigned kind)
{
    return kind == TK_IDENT || kind == TK_QUOTED || kind == TK_RPAREN || kind == TK_USERVAR || kind >= D_VALUE;
}

/* A value is on top: takes off a sign in front of it, joins it to a list in front of it. */
static void reduce_value(struct dstack *s)
{
    unsigned sign = top(s, 1);

    if ((sign == TK_MINUS || sign == TK_PLUS) && s->n > 2 && !ends_value(top(s, 2))) {
        s->n--;
        s->t[s->n - 1].kind = D_VALUE;
    }
    if (top(s, 1) == TK_COMMA && (top(s, 2) == D_VALUE || top(s, 2) == D_VALUES)) {
        s->n -= 2;
        s->t[s->n - 1].kind = D_VALUES;
    }
}

/* A ")" is on top: folds rows of values, and lists of such rows. */
static void reduce_row(struct dstack *s)
{
    bool one = top(s, 1) == D_VALUE;
    unsigned row = one ? D_ROW_ONE : D_ROW, list = one ? D_ROW_ONE_LIST : D_ROW_LIST;

    if ((!one && top(s, 1) != D_VALUES) || top(s, 2) != TK_LPAREN)
        return;
    s->n -= 2;
    if (top(s, 1) == K_IN) {
        s->n--;
        s->t[s->n - 1].kind = D_IN_LIST;
        return;
    }
    s->t[s->n - 1].kind = (uint16_t)row;
    if (top(s, 1) == TK_COMMA && (top(s, 2) == row || top(s, 2) == list)) {
        s->n -= 2;
        s->t[s->n - 1].kind = (uint16_t)list;
    }
}

static void push(struct dstack *s, const struct token *t)
{
    unsigned before = top(s, 0), kind = t->kind;

    if (lex_is_literal(kind) || kind == TK_PARAM || (kind == K_NULL && before != K_IS && before != K_NOT))
        kind = D_VALUE;
    s->t[s->n++] = (struct dtoken){(uint16_t)kind, t->begin, t->end};
    if (kind == D_VALUE)
        reduce_value(s);
    else if (kind == TK_RPAREN)
        reduce_row(s);
}

/* Unreserved words that are part of the grammar of queries and DML; others are taken for identifiers there. */
static bool clause_word(unsigned kind)
{
    static const uint16_t words[] = {
        K_ANY,       K_BEGIN,    K_BOOLEAN,   K_CURRENT,   K_DATE,      K_DAY,      K_DUPLICATE, K_END,     K_ESCAPE,
        K_EXPANSION, K_FOLLOWING, K_HOUR,     K_LANGUAGE,  K_LOCKED,    K_MINUTE,   K_MODE,      K_MONTH,   K_NOWAIT,
        K_OFFSET,    K_PARTITION, K_PRECEDING, K_QUARTER,  K_QUERY,     K_QUICK,    K_RECURSIVE, K_ROLLUP,  K_ROW,
        K_SECOND,    K_SEPARATOR, K_SHARE,    K_SKIP,      K_SOME,      K_SQL_NO_CACHE, K_TIME,  K_TIMESTAMP,
        K_UNBOUNDED, K_UNKNOWN,  K_VALUE,     K_WEEK,      K_WINDOW,    K_YEAR,
    };

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (words[i] == kind)
            return true;
    }
    return false;
}

static bool is_dml(unsigned first)
{
    enum stmt_class c = classify(first);

    return c >= STMT_SELECT && c <= STMT_DELETE;
}

static void put_dtoken(const struct lex *l, const struct dtoken *d, struct strbuf *out)
{
    struct token t = {.kind = d->kind, .begin = d->begin, .end = d->end, .flags = TOKEN_ESCAPED};

    switch (d->kind) {
    case D_VALUE:
        strbuf_puts(out, "?");
        break;
    case D_VALUES:
        strbuf_puts(out, "...");
        break;
    case D_ROW_ONE:
        strbuf_puts(out, "(?)");
        break;
    case D_ROW_ONE_LIST:
        strbuf_puts(out, "(?) /* , ... */");
        break;
    case D_ROW:
        strbuf_puts(out, "(...)");
        break;
    case D_ROW_LIST:
        strbuf_puts(out, "(...) /* , ... */");
        break;
    case D_IN_LIST:
        strbuf_puts(out, "IN (...)");
        break;
    case TK_IDENT:
    case TK_QUOTED:
        strbuf_put_ident(out, lex_ident(out->arena, l, &t));
        break;
    default:
        if (d->kind >= TK_KEYWORD_FIRST && d->kind < TK_KIND_COUNT)
            strbuf_putsv(out, kw_text(d->kind));
        else
            strbuf_putsv(out, lex_text(l, &t));
        break;
    }
}

void digest_text(struct sv text, uint32_t from, const struct sql_opts *opts, size_t max_bytes, struct strbuf *out)
{
    struct dstack s = {NULL, 0, max_bytes / 2 + 16}; /* a token takes two bytes at least */
    size_t start = out->len;
    bool dml;
    struct lex l;
    struct token t;

    s.t = arena_alloc(out->arena, s.cap * sizeof *s.t);
    lex_init(&l, text, from, opts);
    while (s.n < s.cap - 1) {
        lex_next(&l, &t);
        if (t.kind <= TK_ERROR || (t.kind == TK_SEMI && s.n))
            break;
        if (t.kind != TK_SEMI && t.kind != TK_HINT)
            push(&s, &t);
    }
    dml = s.n && is_dml(s.t[0].kind);
    for (size_t i = 0; i < s.n && out->len - start < max_bytes; i++) {
        if (i)
            strbuf_putc(out, ' ');
        unsigned kind = s.t[i].kind;

        if (dml && kind >= TK_KEYWORD_FIRST && kind < TK_KIND_COUNT && lex_is_ident(kind, l.reserved) &&
            !clause_word(kind) && (i + 1 == s.n || s.t[i + 1].kind != TK_LPAREN))
            s.t[i].kind = TK_IDENT;
        put_dtoken(&l, &s.t[i], out);
    }
    if (out->len - start > max_bytes) {
        out->len = start + max_bytes;
        while (out->len > start && ((unsigned char)out->ptr[out->len] & 0xc0) == 0x80)
            out->len--;
    }
}
