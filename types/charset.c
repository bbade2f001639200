/* Conversion between character sets and utf8mb4. latin1 (MySQL's is cp1252 with the five holes as control characters) and the
 * Unicode forms are done here; the rest by iconv with the C library's name for the set. */
#include "types/coll.h"

#include <errno.h>
#include <iconv.h>

static const struct {
    const char *mysql, *lib;
} charset_names[] = {
    {"big5", "BIG5"}, {"dec8", "DEC-MCS"}, {"cp850", "CP850"}, {"hp8", "HP-ROMAN8"}, {"koi8r", "KOI8-R"}, {"koi8u", "KOI8-U"},
    {"latin2", "ISO-8859-2"}, {"latin5", "ISO-8859-9"}, {"latin7", "ISO-8859-13"}, {"ujis", "EUC-JP"}, {"sjis", "SHIFT_JIS"},
    {"cp932", "CP932"}, {"eucjpms", "EUC-JP-MS"}, {"hebrew", "ISO-8859-8"}, {"tis620", "TIS-620"}, {"euckr", "CP949"},
    {"gb2312", "EUC-CN"}, {"gbk", "GBK"}, {"gb18030", "GB18030"}, {"greek", "ISO-8859-7"}, {"cp1250", "CP1250"},
    {"cp1251", "CP1251"}, {"cp1256", "CP1256"}, {"cp1257", "CP1257"}, {"cp852", "CP852"}, {"cp866", "CP866"},
    {"armscii8", "ARMSCII-8"}, {"ucs2", "UCS-2BE"}, {"utf16", "UTF-16BE"}, {"utf16le", "UTF-16LE"}, {"utf32", "UTF-32BE"},
    {"macroman", "MACINTOSH"}, {"macce", "MACCENTRALEUROPE"}, {"geostd8", "GEORGIAN-PS"},
};

static const uint16_t latin1_high[32] = {0x20ac, 0x81, 0x201a, 0x192, 0x201e, 0x2026, 0x2020, 0x2021, 0x2c6, 0x2030, 0x160,
    0x2039, 0x152, 0x8d, 0x17d, 0x8f, 0x90, 0x2018, 0x2019, 0x201c, 0x201d, 0x2022, 0x2013, 0x2014, 0x2dc, 0x2122, 0x161, 0x203a,
    0x153, 0x9d, 0x17e, 0x178};

static const char *lib_name(const char *mysql)
{
    for (size_t i = 0; i < ARRAY_LEN(charset_names); i++) {
        if (!strcmp(charset_names[i].mysql, mysql))
            return charset_names[i].lib;
    }
    return NULL;
}

static bool is_ascii(struct sv s)
{
    for (size_t i = 0; i < s.len; i++) {
        if ((unsigned char)s.ptr[i] >= 0x80)
            return false;
    }
    return true;
}

/* unit: bytes of input to skip at a character that does not convert. */
static bool by_iconv(const char *to, const char *from, size_t unit, struct sv s, struct arena *a, struct sv *out)
{
    iconv_t cd = iconv_open(to, from);
    size_t cap = s.len * 4 + 16, left = cap, in_left = s.len;
    char *buf, *q;
    char *in;
    bool ok = true;

    *out = (struct sv){"", 0};
    if (cd == (iconv_t)-1)
        return false;
    buf = q = arena_alloc(a, cap);
    memcpy(&in, &s.ptr, sizeof(in)); /* iconv's input pointer is not const */
    while (in_left) {
        if (iconv(cd, &in, &in_left, &q, &left) != (size_t)-1)
            break;
        if (errno == E2BIG || left < 8)
            break;
        ok = false;
        unit = MIN(unit, in_left);
        in += unit;
        in_left -= unit;
        if (unit == 1 && strcmp(to, "UTF-8") != 0) { /* the rest of a utf8 character */
            while (in_left && ((unsigned char)*in & 0xc0) == 0x80) {
                in++;
                in_left--;
            }
        }
        {
            char mark[] = "?", *m = mark;
            size_t n = 1;
            iconv_t one = strcmp(to, "UTF-8") ? iconv_open(to, "UTF-8") : (iconv_t)-1;

            if (one == (iconv_t)-1) {
                *q++ = '?';
                left--;
            } else {
                (void)!iconv(one, &m, &n, &q, &left);
                iconv_close(one);
            }
        }
    }
    iconv_close(cd);
    *out = (struct sv){buf, (size_t)(q - buf)};
    return ok;
}

static bool latin1_to_utf8(struct sv s, struct arena *a, struct sv *out)
{
    char *buf;
    size_t n = 0;

    if (is_ascii(s)) {
        *out = s;
        return true;
    }
    buf = arena_alloc(a, s.len * 3);
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        n += coll_encode_utf8(c >= 0x80 && c < 0xa0 ? latin1_high[c - 0x80] : c, buf + n);
    }
    *out = (struct sv){buf, n};
    return true;
}

static bool utf8_to_8bit(struct sv s, unsigned max, struct arena *a, struct sv *out)
{
    const char *p = s.ptr, *end = p + s.len;
    size_t n = 0;
    bool ok = true;
    char *buf;

    if (is_ascii(s)) {
        *out = s;
        return true;
    }
    buf = arena_alloc(a, s.len);
    while (p < end) {
        uint32_t cp;
        unsigned c = '?';

        p += coll_decode_utf8(p, end, &cp);
        if (cp < 0x80 || (max > 0x80 && cp >= 0xa0 && cp < 0x100))
            c = cp;
        else if (max > 0x80) {
            for (unsigned i = 0; i < 32; i++)
                c = latin1_high[i] == cp ? 0x80 + i : c;
        }
        ok &= c != '?' || cp == '?';
        buf[n++] = (char)c;
    }
    *out = (struct sv){buf, n};
    return ok;
}

static bool check_utf8(uint32_t max_cp, struct sv s, struct arena *a, struct sv *out)
{
    const char *p = s.ptr, *end = p + s.len;
    char *buf;
    size_t n = 0;
    uint32_t cp;
    bool ok = true;

    while (p < end && ok) {
        p += coll_decode_utf8(p, end, &cp);
        ok = cp <= max_cp;
    }
    *out = s;
    if (ok)
        return true;
    buf = arena_alloc(a, s.len);
    for (p = s.ptr; p < end;) {
        unsigned k = coll_decode_utf8(p, end, &cp);

        if (cp <= max_cp) {
            memcpy(buf + n, p, k);
            n += k;
        } else {
            buf[n++] = '?';
        }
        p += k;
    }
    *out = (struct sv){buf, n};
    return false;
}

static size_t unit_of(const char *cs)
{
    return !strcmp(cs, "utf32") ? 4 : !strcmp(cs, "ucs2") || !strncmp(cs, "utf16", 5) ? 2 : 1;
}

bool coll_to_utf8(uint16_t id, struct sv s, struct arena *a, struct sv *out)
{
    const struct collation *c = coll_by_id(id);
    const char *lib;

    *out = s;
    if (!c)
        return false;
    switch ((enum coll_charset)c->charset) {
    case CS_BINARY:
        return true;
    case CS_UTF8MB3:
    case CS_UTF8MB4:
        return check_utf8(0x10ffff, s, a, out);
    case CS_LATIN1:
        return latin1_to_utf8(s, a, out);
    case CS_ASCII:
        return is_ascii(s) ? true : check_utf8(0x7f, s, a, out);
    case CS_OTHER:
        break;
    }
    lib = lib_name(c->charset_name);
    if (!lib) {
        *out = SV_NULL;
        return false;
    }
    return by_iconv("UTF-8", lib, unit_of(c->charset_name), s, a, out);
}

bool coll_from_utf8(uint16_t id, struct sv s, struct arena *a, struct sv *out)
{
    const struct collation *c = coll_by_id(id);
    const char *lib;

    *out = s;
    if (!c)
        return false;
    switch ((enum coll_charset)c->charset) {
    case CS_BINARY:
    case CS_UTF8MB4:
        return true;
    case CS_UTF8MB3:
        return check_utf8(0xffff, s, a, out);
    case CS_LATIN1:
        return utf8_to_8bit(s, 0x100, a, out);
    case CS_ASCII:
        return utf8_to_8bit(s, 0x80, a, out);
    case CS_OTHER:
        break;
    }
    lib = lib_name(c->charset_name);
    if (!lib) {
        *out = SV_NULL;
        return false;
    }
    return by_iconv(lib, "UTF-8", 1, s, a, out);
}

size_t coll_native_bytes(uint16_t id, struct sv s)
{
    const struct collation *c = coll_by_id(id);

    if (!c || c->charset == CS_BINARY || c->charset == CS_UTF8MB3 || c->charset == CS_UTF8MB4)
        return s.len;
    if (c->charset == CS_LATIN1 || c->charset == CS_ASCII)
        return coll_chars(id, s);
    {
        struct arena tmp;
        struct sv out;
        size_t n;

        arena_init(&tmp, 0);
        (void)!coll_from_utf8(id, s, &tmp, &out);
        n = out.len;
        arena_free(&tmp);
        return n;
    }
}
