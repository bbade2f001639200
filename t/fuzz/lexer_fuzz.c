/* Lexes any text: tokens go forward, do not overlap, stay inside, and decode; the digest sees the same literals, and its
 * text keeps within its limit. The first byte chooses flavor and sql_mode. */
#include "parser/digest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void decode(struct arena *a, const struct lex *l, const struct token *t)
{
    struct sv s = SV("");

    if (t->kind == TK_STRING || t->kind == TK_NSTRING)
        s = lex_string(a, l, t);
    else if (t->kind == TK_HEX || t->kind == TK_BIT)
        s = lex_bytes(a, l, t);
    else if (t->kind == TK_IDENT || t->kind == TK_QUOTED || t->kind == TK_USERVAR || t->kind >= TK_KEYWORD_FIRST)
        s = lex_ident(a, l, t);
    CHECK(s.len <= t->end - t->begin);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sql_opts sql = {.seed = 1};
    struct literal_slot slots[16];
    struct digest d;
    struct token t;
    struct arena a;
    struct strbuf b;
    struct lex l;
    struct sv text;
    uint32_t end = 0, literals = 0;

    if (size < 1)
        return 0;
    sql.flavor = data[0] & 1 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
    sql.mode = data[0] >> 1 & 31;
    text = sv_make((const char *)data + 1, size - 1);
    arena_init(&a, 0);
    lex_init(&l, text, 0, &sql);
    for (;;) {
        lex_next(&l, &t);
        CHECK(t.begin >= end && t.end >= t.begin && t.end <= text.len);
        if (t.kind <= TK_ERROR)
            break;
        CHECK(t.end > t.begin);
        end = t.end;
        decode(&a, &l, &t);
        literals += lex_is_literal(t.kind);
    }
    CHECK(literals == l.literals);
    digest_scan(text, 0, &sql, slots, 16, &d);
    CHECK(d.begin <= d.end && d.end <= d.next && d.next <= text.len && d.nslots <= literals);
    for (uint32_t i = 0; i < d.nslots && i < 16; i++)
        CHECK(slots[i].begin < slots[i].end && slots[i].end <= d.end);
    strbuf_init(&b, &a);
    digest_text(text, 0, &sql, 100, &b);
    CHECK(b.len <= 100);
    arena_free(&a);
    return 0;
}
