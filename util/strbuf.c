#include "util/strbuf.h"

#include <stdio.h>

void strbuf_init(struct strbuf *b, struct arena *a)
{
    *b = (struct strbuf){.arena = a};
}

char *strbuf_room(struct strbuf *b, size_t n)
{
    if (UNLIKELY(n > STRBUF_MAX_BYTES - b->len)) {
        b->overflow = true;
        return NULL;
    }
    if (b->cap - b->len < n) {
        size_t cap = MAX(b->cap * 2, (size_t)128);
        char *p;

        while (cap - b->len < n)
            cap *= 2;
        p = arena_alloc(b->arena, cap);
        if (b->len)
            memcpy(p, b->ptr, b->len);
        b->ptr = p;
        b->cap = cap;
    }
    return b->ptr + b->len;
}

void strbuf_put(struct strbuf *b, const void *p, size_t n)
{
    char *to = n ? strbuf_room(b, n) : NULL;

    if (to) {
        memcpy(to, p, n);
        b->len += n;
    }
}

void strbuf_putc(struct strbuf *b, char c)
{
    strbuf_put(b, &c, 1);
}

void strbuf_puts(struct strbuf *b, const char *s)
{
    strbuf_put(b, s, strlen(s));
}

void strbuf_putsv(struct strbuf *b, struct sv s)
{
    strbuf_put(b, s.ptr, s.len);
}

void strbuf_printf(struct strbuf *b, const char *fmt, ...)
{
    va_list ap, again;
    char *to;
    int n;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    CHECK(n >= 0);
    to = strbuf_room(b, (size_t)n + 1);
    if (to) {
        vsnprintf(to, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    }
    va_end(again);
    va_end(ap);
}

void strbuf_put_ident(struct strbuf *b, struct sv name)
{
    strbuf_putc(b, '`');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '`')
            strbuf_putc(b, '`');
        strbuf_putc(b, name.ptr[i]);
    }
    strbuf_putc(b, '`');
}

/* The escapes of "String Literals" in MySQL's manual; the same set as mysql_real_escape_string. */
void strbuf_put_quoted(struct strbuf *b, struct sv text, bool no_backslash)
{
    strbuf_putc(b, '\'');
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '\'') {
            strbuf_puts(b, "''");
        } else if (!no_backslash && (c == '\\' || c == '\0' || c == '\n' || c == '\r' || c == 26)) {
            strbuf_putc(b, '\\');
            strbuf_putc(b, c == '\0' ? '0' : c == '\n' ? 'n' : c == '\r' ? 'r' : c == 26 ? 'Z' : c);
        } else {
            strbuf_putc(b, c);
        }
    }
    strbuf_putc(b, '\'');
}

void strbuf_put_bytes(struct strbuf *b, struct sv bytes, bool number)
{
    static const char hex[] = "0123456789ABCDEF";

    if (number)
        strbuf_puts(b, bytes.len ? "0x" : "b'");
    else
        strbuf_puts(b, "_binary x'");
    for (size_t i = 0; i < bytes.len; i++) {
        strbuf_putc(b, hex[(unsigned char)bytes.ptr[i] >> 4]);
        strbuf_putc(b, hex[bytes.ptr[i] & 15]);
    }
    if (!number || !bytes.len)
        strbuf_putc(b, '\'');
}

void strbuf_put_u64(struct strbuf *b, uint64_t v)
{
    strbuf_printf(b, "%llu", (unsigned long long)v);
}

const char *strbuf_cstr(struct strbuf *b)
{
    char *p = strbuf_room(b, 1);

    if (!p)
        return "";
    *p = '\0';
    return b->ptr;
}
