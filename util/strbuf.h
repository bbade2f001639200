/* Growing text in an arena: SQL text, messages, packets that are built whole. The old pieces of a
 * buffer that grew stay in the arena until it is reset. One thread. Never larger than
 * STRBUF_MAX_BYTES: beyond it, appending is ignored and `overflow` is set, which the user tests
 * once at the end. */
#ifndef UTIL_STRBUF_H
#define UTIL_STRBUF_H

#include "util/arena.h"

enum { STRBUF_MAX_BYTES = 1 << 30 };

struct strbuf {
    struct arena *arena;
    char *ptr;
    size_t len, cap;
    bool overflow;
};

void strbuf_init(struct strbuf *b, struct arena *a);
/* Room for n more bytes at ptr + len, or NULL (overflow is set). */
char *strbuf_room(struct strbuf *b, size_t n);
void strbuf_put(struct strbuf *b, const void *p, size_t n);
void strbuf_putc(struct strbuf *b, char c);
void strbuf_puts(struct strbuf *b, const char *s);
void strbuf_putsv(struct strbuf *b, struct sv s);
void strbuf_printf(struct strbuf *b, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* `name` in backquotes, backquotes inside doubled. */
void strbuf_put_ident(struct strbuf *b, struct sv name);
/* 'text' in single quotes, escaped with backslashes (or, with no_backslash, by doubling quotes
 * only). */
void strbuf_put_quoted(struct strbuf *b, struct sv text, bool no_backslash);
/* Bytes as an SQL literal that every server reads alike: a string, or with `number` what x'41' is to MySQL, a number where one is
 * wanted. */
void strbuf_put_bytes(struct strbuf *b, struct sv bytes, bool number);
void strbuf_put_u64(struct strbuf *b, uint64_t v);

static inline struct sv strbuf_sv(const struct strbuf *b)
{
    return (struct sv){b->ptr, b->len};
}

/* The text NUL-terminated (the NUL is not counted in len). */
const char *strbuf_cstr(struct strbuf *b);

#endif
