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
            mix_pair(&m, t.kind, t.kind);
        } else if (t.kind >= TK_LPAREN && (t.kind < TK_KEYWORD_FIRST || (kw_flags[t.kind] & l.reserved & (KW_R8 | KW_RM)))) {
            mix_pair(&m, t.kind, t.kind);
        } else {
            mix_bytes(&m, t.kind < TK_KEYWORD_FIRST ? t.kind : TK_IDENT, l.text + t.begin, t.end - t.begin);
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
