/* String functions. Positions and lengths count characters (bytes for binary strings). LENGTH, HEX and the digests see the
 * bytes that the text has in its own character set. Searching (LOCATE, INSTR, FIND_IN_SET) is by collation; REPLACE,
 * TRIM and SUBSTRING_INDEX compare bytes, as MySQL's do. */
#include "types/func-int.h"

#include <openssl/evp.h>

static struct sv native_bytes(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i)
{
    struct sv s = arg_str(cx, c, args, i), out;

    if (type_is_string(&c->args[i].type) && coll_from_utf8(c->args[i].type.coll, s, cx->arena, &out))
        return out;
    return s;
}

static void set_str(const struct func_call *c, struct value *out, const char *p, size_t n)
{
    *out = value_str((struct sv){p, n}, c->coll);
}

/* ---- joining ---- */

static bool f_concat(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct strbuf b;

    strbuf_init(&b, cx->arena);
    for (uint32_t i = 0; i < c->n_args; i++) {
        strbuf_putsv(&b, arg_str(cx, c, args, i));
        if (func_too_long(cx, c, b.len, out))
            return true;
    }
    set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_concat_ws(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct strbuf b;
    struct sv sep;
    bool first = true;

    if (args[0].kind == KIND_NULL)
        return true;
    sep = arg_str(cx, c, args, 0);
    strbuf_init(&b, cx->arena);
    for (uint32_t i = 1; i < c->n_args; i++) {
        if (args[i].kind == KIND_NULL)
            continue;
        if (!first)
            strbuf_putsv(&b, sep);
        first = false;
        strbuf_putsv(&b, arg_str(cx, c, args, i));
        if (func_too_long(cx, c, b.len, out))
            return true;
    }
    set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_repeat(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = c->aux ? SV(" ") : arg_str(cx, c, args, 0);
    int64_t n = value_to_i64(&args[c->aux ? 0 : 1], cx->env);
    char *p;

    if (n <= 0 || s.len == 0) {
        set_str(c, out, "", 0);
        return true;
    }
    if ((uint64_t)n > UINT64_C(1) << 32 || func_too_long(cx, c, (uint64_t)n * s.len, out)) {
        (void)func_too_long(cx, c, UINT64_MAX, out);
        return true;
    }
    p = arena_alloc(cx->arena, (size_t)n * s.len);
    for (int64_t i = 0; i < n; i++)
        memcpy(p + (size_t)i * s.len, s.ptr, s.len);
    set_str(c, out, p, (size_t)n * s.len);
    return true;
}

static bool f_pad(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), pad = c->n_args > 2 ? arg_str(cx, c, args, 2) : SV(" ");
    int64_t want = value_to_i64(&args[1], cx->env);
    size_t have = coll_chars(c->coll, s), pad_chars = coll_chars(c->coll, pad), missing, keep;
    struct strbuf fill;

    if (want < 0)
        return true;
    if ((uint64_t)want <= have) {
        keep = coll_chars_prefix(c->coll, s, (size_t)want);
        set_str(c, out, s.ptr, keep);
        return true;
    }
    if (pad_chars == 0) {
        if (cx->env->flavour == ENV_MYSQL8)
            set_str(c, out, s.ptr, s.len);
        return true;
    }
    if (func_too_long(cx, c, (uint64_t)want, out))
        return true;
    missing = (size_t)want - have;
    strbuf_init(&fill, cx->arena);
    if (c->aux) /* RPAD */
        strbuf_putsv(&fill, s);
    for (; missing >= pad_chars; missing -= pad_chars)
        strbuf_putsv(&fill, pad);
    strbuf_put(&fill, pad.ptr, coll_chars_prefix(c->coll, pad, missing));
    if (!c->aux)
        strbuf_putsv(&fill, s);
    if (!func_too_long(cx, c, fill.len, out))
        set_str(c, out, fill.ptr, fill.len);
    return true;
}

/* ---- parts ---- */

static bool f_left(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    int64_t n = value_to_i64(&args[1], cx->env);
    size_t chars, skip;

    if (n <= 0 && !(args[1].kind == KIND_U64)) {
        set_str(c, out, "", 0);
        return true;
    }
    if (c->aux == 0) {
        set_str(c, out, s.ptr, coll_chars_prefix(c->coll, s, (size_t)n));
        return true;
    }
    chars = coll_chars(c->coll, s);
    skip = (uint64_t)n >= chars ? 0 : coll_chars_prefix(c->coll, s, chars - (size_t)n);
    set_str(c, out, s.ptr + skip, s.len - skip);
    return true;
}

static bool f_substring(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    int64_t pos = value_to_i64(&args[1], cx->env), len = c->n_args > 2 ? value_to_i64(&args[2], cx->env) : INT64_MAX;
    size_t chars, skip, take;

    if (c->n_args > 2 && args[2].kind == KIND_U64 && len < 0)
        len = INT64_MAX;
    set_str(c, out, "", 0);
    if (len <= 0 || pos == 0)
        return true;
    chars = coll_chars(c->coll, s);
    if (pos < 0) {
        if (0 - (uint64_t)pos > chars)
            return true;
        pos = (int64_t)chars + pos + 1;
    }
    if ((uint64_t)pos > chars)
        return true;
    skip = coll_chars_prefix(c->coll, s, (size_t)pos - 1);
    s = (struct sv){s.ptr + skip, s.len - skip};
    take = coll_chars_prefix(c->coll, s, (size_t)len);
    set_str(c, out, s.ptr, take);
    return true;
}

static const char *find_bytes(struct sv s, size_t from, struct sv needle)
{
    return from <= s.len ? memmem(s.ptr + from, s.len - from, needle.ptr, needle.len) : NULL;
}

static bool f_substring_index(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), d = arg_str(cx, c, args, 1);
    int64_t n = value_to_i64(&args[2], cx->env);
    const char *p;
    size_t at = 0;

    set_str(c, out, "", 0);
    if (n == 0 || d.len == 0 || s.len == 0)
        return true;
    if (n > 0) {
        set_str(c, out, s.ptr, s.len);
        for (; n && (p = find_bytes(s, at, d)); n--)
            at = (size_t)(p - s.ptr) + d.len;
        if (n == 0)
            set_str(c, out, s.ptr, at - d.len);
        return true;
    }
    at = s.len;
    while (n && at >= d.len) {
        at--;
        if (at + d.len <= s.len && memcmp(s.ptr + at, d.ptr, d.len) == 0) {
            n++;
            if (n == 0) {
                set_str(c, out, s.ptr + at + d.len, s.len - at - d.len);
                return true;
            }
            if (at < d.len)
                break;
            at -= d.len - 1;
        }
        if (at == 0)
            break;
    }
    set_str(c, out, s.ptr, s.len);
    return true;
}

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

static bool f_trim(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), r = c->n_args > 1 ? arg_str(cx, c, args, 1) : SV(" ");

    if (r.len && c->aux & TRIM_LEFT) {
        while (s.len >= r.len && memcmp(s.ptr, r.ptr, r.len) == 0) {
            s.ptr += r.len;
            s.len -= r.len;
        }
    }
    if (r.len && c->aux & TRIM_RIGHT) {
        while (s.len >= r.len && memcmp(s.ptr + s.len - r.len, r.ptr, r.len) == 0)
            s.len -= r.len;
    }
    set_str(c, out, s.ptr, s.len);
    return true;
}

static bool f_replace(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), from = arg_str(cx, c, args, 1), to = arg_str(cx, c, args, 2);
    struct strbuf b;
    const char *p;
    size_t at = 0;

    set_str(c, out, s.ptr, s.len);
    if (from.len == 0 || !find_bytes(s, 0, from))
        return true;
    strbuf_init(&b, cx->arena);
    while ((p = find_bytes(s, at, from))) {
        size_t found = (size_t)(p - s.ptr);

        strbuf_put(&b, s.ptr + at, found - at);
        strbuf_putsv(&b, to);
        at = found + from.len;
        if (func_too_long(cx, c, b.len, out))
            return true;
    }
    strbuf_put(&b, s.ptr + at, s.len - at);
    set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_insert(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), n = arg_str(cx, c, args, 3);
    int64_t pos = value_to_i64(&args[1], cx->env), len = value_to_i64(&args[2], cx->env);
    size_t chars = coll_chars(c->coll, s), a, z;
    struct strbuf b;

    set_str(c, out, s.ptr, s.len);
    if (pos < 1 || (uint64_t)pos > chars)
        return true;
    if (len < 0 || (uint64_t)len > chars - (size_t)pos + 1)
        len = (int64_t)(chars - (size_t)pos + 1);
    a = coll_chars_prefix(c->coll, s, (size_t)pos - 1);
    z = coll_chars_prefix(c->coll, s, (size_t)(pos - 1 + len));
    strbuf_init(&b, cx->arena);
    strbuf_put(&b, s.ptr, a);
    strbuf_putsv(&b, n);
    strbuf_put(&b, s.ptr + z, s.len - z);
    if (!func_too_long(cx, c, b.len, out))
        set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_reverse(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    char *p = arena_alloc(cx->arena, s.len);
    size_t at = 0;

    while (at < s.len) {
        size_t k = coll_chars_prefix(c->coll, (struct sv){s.ptr + at, s.len - at}, 1);

        memcpy(p + s.len - at - k, s.ptr + at, k);
        at += k;
    }
    set_str(c, out, p, s.len);
    return true;
}

static bool f_case_change(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);

    *out = value_str(c->aux ? coll_upper(c->coll, s, cx->arena) : coll_lower(c->coll, s, cx->arena), c->coll);
    return true;
}

/* ---- lengths and search ---- */

static bool f_length(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    uint16_t coll = type_is_string(&c->args[0].type) ? c->args[0].type.coll : TYPE_COLL_BINARY;

    if (c->aux == 0)
        *out = value_i64((int64_t)coll_chars(coll, s));
    else
        *out = value_i64((int64_t)coll_native_bytes(coll, s) * c->aux);
    return true;
}

static bool bind_search(struct binder *b)
{
    enum type_deriv deriv;
    uint32_t n = b->c->aux == 2 ? 2 : MIN(b->n, 2u);

    if (!func_unify_coll(b->args, n, b->f->name, &b->c->coll, &deriv, b->diag))
        return false;
    if (!b->c->coll)
        b->c->coll = b->env->coll_connection;
    if (!coll_id_is_native(b->c->coll))
        return diag_set(b->diag, ER_NOT_SUPPORTED_YET, "search in a collation that is not native above the shards");
    return bind_int(b);
}

static bool f_locate(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    bool instr = c->aux == 1;
    struct sv s = arg_str(cx, c, args, instr ? 0 : 1), n = arg_str(cx, c, args, instr ? 1 : 0);
    int64_t from = c->n_args > 2 ? value_to_i64(&args[2], cx->env) : 1;

    *out = value_i64(from < 1 ? 0 : (int64_t)coll_locate(c->coll, s, n, (size_t)from, cx->env->flavour == ENV_MARIADB));
    return true;
}

static bool f_find_in_set(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv x = arg_str(cx, c, args, 0), s = arg_str(cx, c, args, 1);
    size_t at = 0, i = 1;

    *out = value_i64(0);
    if (s.len == 0 || memchr(x.ptr, ',', x.len))
        return true;
    for (;; i++) {
        const char *comma = memchr(s.ptr + at, ',', s.len - at);
        size_t n = comma ? (size_t)(comma - s.ptr) - at : s.len - at;

        if (coll_compare(c->coll, x, (struct sv){s.ptr + at, n}) == 0) {
            *out = value_i64((int64_t)i);
            return true;
        }
        if (!comma)
            return true;
        at += n + 1;
    }
}

static bool f_ascii(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = native_bytes(cx, c, args, 0);
    int64_t v = 0;
    size_t k = 1;

    if (s.len && c->aux && type_is_string(&c->args[0].type) && (coll_by_id(c->args[0].type.coll) && coll_by_id(c->args[0].type.coll)->mbmaxlen > 1))
        k = coll_chars_prefix(255, s, 1);
    for (size_t i = 0; i < k && i < s.len; i++)
        v = v << 8 | (unsigned char)s.ptr[i];
    *out = value_i64(v);
    return true;
}

/* ---- numbers and text ---- */

static bool f_hex(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    static const char digits[] = "0123456789ABCDEF";
    struct sv s;
    char *p;

    if (args[0].kind != KIND_STR && args[0].kind != KIND_DATE && args[0].kind != KIND_DATETIME && args[0].kind != KIND_TIME) {
        uint64_t u = value_to_u64_bits(&args[0], cx->env);
        char buf[17];
        size_t n = 16;

        do {
            buf[--n] = digits[u & 15];
            u >>= 4;
        } while (u);
        *out = value_str(arena_dup(cx->arena, (struct sv){buf + n, 16 - n}), c->coll);
        return true;
    }
    s = native_bytes(cx, c, args, 0);
    if (func_too_long(cx, c, s.len * 2, out))
        return true;
    p = arena_alloc(cx->arena, s.len * 2);
    for (size_t i = 0; i < s.len; i++) {
        p[2 * i] = digits[(unsigned char)s.ptr[i] >> 4];
        p[2 * i + 1] = digits[(unsigned char)s.ptr[i] & 15];
    }
    set_str(c, out, p, s.len * 2);
    return true;
}

static int hex_value(char ch)
{
    if (ch >= '0' && ch <= '9')
        return ch - '0';
    ch |= 0x20;
    return ch >= 'a' && ch <= 'f' ? ch - 'a' + 10 : -1;
}

static bool f_unhex(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    char *p = arena_alloc(cx->arena, s.len / 2 + 1);
    size_t n = 0, i = 0;

    if (s.len % 2) {
        int v = hex_value(s.ptr[i++]);

        if (v < 0)
            return true;
        p[n++] = (char)v;
    }
    for (; i < s.len; i += 2) {
        int h = hex_value(s.ptr[i]), l = hex_value(s.ptr[i + 1]);

        if (h < 0 || l < 0) {
            if (cx->env->flavour == ENV_MYSQL8)
                warn_add(cx->env->warnings, WARN_WARNING, 1411, "Incorrect string value: '%.*s' for function unhex", SV_ARG(s));
            return true;
        }
        p[n++] = (char)(h << 4 | l);
    }
    set_str(c, out, p, n);
    return true;
}

static size_t print_base(uint64_t v, unsigned base, char *buf) /* 64 bytes */
{
    char tmp[64];
    size_t n = 0;

    do {
        tmp[n++] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[v % base];
        v /= base;
    } while (v);
    for (size_t i = 0; i < n; i++)
        buf[i] = tmp[n - 1 - i];
    return n;
}

static bool f_bin(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    char buf[64];
    size_t n = print_base(value_to_u64_bits(&args[0], cx->env), (unsigned)c->aux, buf);

    *out = value_str(arena_dup(cx->arena, (struct sv){buf, n}), c->coll);
    return true;
}

static bool f_conv(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    int64_t from = value_to_i64(&args[1], cx->env), to = value_to_i64(&args[2], cx->env);
    uint64_t v = 0, fb = from < 0 ? 0 - (uint64_t)from : (uint64_t)from, tb = to < 0 ? 0 - (uint64_t)to : (uint64_t)to;
    bool neg = false, over = false;
    char buf[66];
    size_t i = 0, n = 0;

    if (fb < 2 || fb > 36 || tb < 2 || tb > 36)
        return true;
    if (s.len == 0)
        return true;
    s = sv_trim(s);
    if (i < s.len && (s.ptr[i] == '-' || s.ptr[i] == '+'))
        neg = s.ptr[i++] == '-';
    for (; i < s.len; i++) {
        char ch = s.ptr[i];
        uint64_t d = ch >= '0' && ch <= '9' ? (uint64_t)(ch - '0') : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'z' ? (uint64_t)((ch | 0x20) - 'a') + 10 : 99;

        if (d >= fb)
            break;
        if (__builtin_mul_overflow(v, fb, &v) || __builtin_add_overflow(v, d, &v)) {
            over = true;
            break;
        }
    }
    if (over)
        v = UINT64_MAX;
    else if (neg)
        v = 0 - v;
    if (to < 0 && (int64_t)v < 0) {
        buf[n++] = '-';
        v = 0 - v;
    }
    n += print_base(v, (unsigned)tb, buf + n);
    *out = value_str(arena_dup(cx->arena, (struct sv){buf, n}), c->coll);
    return true;
}

static bool f_format(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    char text[NUM_TEXT_MAX], *p;
    int64_t d = args[1].kind == KIND_NULL ? 0 : value_to_i64(&args[1], cx->env);
    size_t n, ints, w = 0;

    if (args[0].kind == KIND_NULL || args[1].kind == KIND_NULL)
        return true;
    d = d < 0 ? 0 : MIN(d, INT64_C(30));
    if (args[0].kind == KIND_DEC || args[0].kind == KIND_I64 || args[0].kind == KIND_U64) {
        struct dec x = value_to_dec(&args[0], cx->env);

        (void)dec_rescale(&x, (int)d, DEC_HALF_UP);
        n = dec_print(&x, text);
    } else {
        n = num_print_fixed(num_round(value_to_f64(&args[0], cx->env), (int)d, false), (unsigned)d, text);
    }
    p = arena_alloc(cx->arena, n * 2);
    for (ints = 0; ints < n && text[ints] != '.'; ints++)
        ;
    for (size_t i = 0; i < n; i++) {
        p[w++] = text[i];
        if (i + 1 < ints && text[i] != '-' && (ints - i - 1) % 3 == 0)
            p[w++] = ',';
    }
    set_str(c, out, p, w);
    return true;
}

static bool f_char(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct strbuf b;

    strbuf_init(&b, cx->arena);
    for (uint32_t i = 0; i < c->n_args; i++) {
        uint32_t v;
        bool started = false;

        if (args[i].kind == KIND_NULL)
            continue;
        v = (uint32_t)value_to_i64(&args[i], cx->env);
        for (int s = 24; s >= 0; s -= 8) {
            if (v >> s & 255 || started || s == 0) {
                strbuf_putc(&b, (char)(v >> s));
                started = true;
            }
        }
    }
    set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_quote(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s;
    struct strbuf b;

    if (args[0].kind == KIND_NULL) {
        set_str(c, out, "NULL", 4);
        return true;
    }
    s = arg_str(cx, c, args, 0);
    strbuf_init(&b, cx->arena);
    strbuf_putc(&b, '\'');
    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];

        if (ch == '\'' || ch == '\\' || ch == '\0' || ch == 26)
            strbuf_putc(&b, '\\');
        strbuf_putc(&b, ch == '\0' ? '0' : ch == 26 ? 'Z' : ch);
    }
    strbuf_putc(&b, '\'');
    set_str(c, out, b.ptr, b.len);
    return true;
}

/* ---- digests ---- */

static bool digest(struct func_ctx *cx, const struct func_call *c, struct sv s, const EVP_MD *md, struct value *out)
{
    unsigned char raw[EVP_MAX_MD_SIZE];
    unsigned n = 0;
    char *p;

    if (EVP_Digest(s.ptr, s.len, raw, &n, md, NULL) != 1)
        return diag_set(cx->diag, ER_INTERNAL, "message digest");
    p = arena_alloc(cx->arena, n * 2);
    for (unsigned i = 0; i < n; i++) {
        p[2 * i] = "0123456789abcdef"[raw[i] >> 4];
        p[2 * i + 1] = "0123456789abcdef"[raw[i] & 15];
    }
    set_str(c, out, p, n * 2);
    return true;
}

static bool f_md5(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    return digest(cx, c, native_bytes(cx, c, args, 0), c->aux ? EVP_sha1() : EVP_md5(), out);
}

static bool f_sha2(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const EVP_MD *md = NULL;

    switch (value_to_i64(&args[1], cx->env)) {
    case 0:
    case 256: md = EVP_sha256(); break;
    case 224: md = EVP_sha224(); break;
    case 384: md = EVP_sha384(); break;
    case 512: md = EVP_sha512(); break;
    }
    return md ? digest(cx, c, native_bytes(cx, c, args, 0), md, out) : true;
}

static bool f_to_base64(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = native_bytes(cx, c, args, 0);
    size_t cap = (s.len + 2) / 3 * 4, n;
    unsigned char *flat;
    struct strbuf b;

    if (func_too_long(cx, c, cap + cap / 76, out))
        return true;
    flat = arena_alloc(cx->arena, cap + 1);
    n = (size_t)EVP_EncodeBlock(flat, (const unsigned char *)s.ptr, (int)s.len);
    strbuf_init(&b, cx->arena);
    for (size_t i = 0; i < n; i += 76) {
        if (i)
            strbuf_putc(&b, '\n');
        strbuf_put(&b, flat + i, MIN((size_t)76, n - i));
    }
    set_str(c, out, b.ptr ? b.ptr : "", b.len);
    return true;
}

static bool f_from_base64(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    char *flat = arena_alloc(cx->arena, s.len + 1);
    unsigned char *raw = arena_alloc(cx->arena, s.len + 4);
    size_t n = 0, pad = 0;
    int len;

    for (size_t i = 0; i < s.len; i++) {
        char ch = s.ptr[i];

        if (ch == ' ' || (ch >= '\t' && ch <= '\r'))
            continue;
        if (ch == '=')
            pad++;
        else if (pad)
            return true;
        flat[n++] = ch;
    }
    if (n % 4 || pad > 2)
        return true;
    len = EVP_DecodeBlock(raw, (const unsigned char *)flat, (int)n);
    if (len < 0)
        return true;
    set_str(c, out, (const char *)raw, (size_t)len - pad);
    return true;
}

static bool f_inet_aton(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    uint64_t r = 0, part = 0;
    unsigned dots = 0;
    bool digit = false;

    for (size_t i = 0; i < s.len; i++) {
        if (s.ptr[i] == '.') {
            if (!digit || ++dots > 3)
                return true;
            r = r << 8 | part;
            part = 0;
            digit = false;
        } else if (s.ptr[i] >= '0' && s.ptr[i] <= '9') {
            part = part * 10 + (uint64_t)(s.ptr[i] - '0');
            digit = true;
            if (part > 255)
                return true;
        } else {
            return true;
        }
    }
    if (!digit)
        return true;
    if (dots == 1) /* 127.1 is 127.0.0.1 */
        r <<= 16;
    else if (dots == 2)
        r <<= 8;
    *out = value_u64(r << 8 | part);
    return true;
}

static bool f_inet_ntoa(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint64_t u = value_to_u64_bits(&args[0], cx->env);

    if (u > UINT32_MAX)
        return true;
    *out = value_str(arena_printf(cx->arena, "%u.%u.%u.%u", (unsigned)(u >> 24), (unsigned)(u >> 16 & 255), (unsigned)(u >> 8 & 255),
        (unsigned)(u & 255)), c->coll);
    return true;
}

#define N FUNC_NULL_ANY
const struct func funcs_str[] = {
    {"concat", FUNC_OTHER, 1, UINT16_MAX, N, bind_string, f_concat, 0},
    {"||", FUNC_OTHER, 2, 2, N, bind_string, f_concat, 0},
    {"concat_ws", FUNC_OTHER, 2, UINT16_MAX, 0, bind_string, f_concat_ws, 0},
    {"repeat", FUNC_OTHER, 2, 2, N, bind_string_first, f_repeat, 0},
    {"space", FUNC_OTHER, 1, 1, N, bind_string_conn, f_repeat, 1},
    {"lpad", FUNC_OTHER, 2, 3, N, bind_string_first, f_pad, 0},
    {"rpad", FUNC_OTHER, 2, 3, N, bind_string_first, f_pad, 1},
    {"left", FUNC_OTHER, 2, 2, N, bind_string_first, f_left, 0},
    {"right", FUNC_OTHER, 2, 2, N, bind_string_first, f_left, 1},
    {"substring", FUNC_OTHER, 2, 3, N, bind_string_first, f_substring, 0},
    {"substr", FUNC_OTHER, 2, 3, N, bind_string_first, f_substring, 0},
    {"mid", FUNC_OTHER, 2, 3, N, bind_string_first, f_substring, 0},
    {"substring_index", FUNC_OTHER, 3, 3, N, bind_string_first, f_substring_index, 0},
    {"trim", FUNC_OTHER, 1, 2, N, bind_string_first, f_trim, TRIM_LEFT | TRIM_RIGHT},
    {"trim_both", FUNC_OTHER, 1, 2, N, bind_string_first, f_trim, TRIM_LEFT | TRIM_RIGHT},
    {"trim_leading", FUNC_OTHER, 1, 2, N, bind_string_first, f_trim, TRIM_LEFT},
    {"trim_trailing", FUNC_OTHER, 1, 2, N, bind_string_first, f_trim, TRIM_RIGHT},
    {"ltrim", FUNC_OTHER, 1, 1, N, bind_string_first, f_trim, TRIM_LEFT},
    {"rtrim", FUNC_OTHER, 1, 1, N, bind_string_first, f_trim, TRIM_RIGHT},
    {"replace", FUNC_OTHER, 3, 3, N, bind_string, f_replace, 0},
    {"insert", FUNC_OTHER, 4, 4, N, bind_string_first, f_insert, 0},
    {"reverse", FUNC_OTHER, 1, 1, N, bind_string_first, f_reverse, 0},
    {"upper", FUNC_OTHER, 1, 1, N, bind_string_first, f_case_change, 1},
    {"ucase", FUNC_OTHER, 1, 1, N, bind_string_first, f_case_change, 1},
    {"lower", FUNC_OTHER, 1, 1, N, bind_string_first, f_case_change, 0},
    {"lcase", FUNC_OTHER, 1, 1, N, bind_string_first, f_case_change, 0},
    {"length", FUNC_OTHER, 1, 1, N, bind_int, f_length, 1},
    {"octet_length", FUNC_OTHER, 1, 1, N, bind_int, f_length, 1},
    {"bit_length", FUNC_OTHER, 1, 1, N, bind_int, f_length, 8},
    {"char_length", FUNC_OTHER, 1, 1, N, bind_int, f_length, 0},
    {"character_length", FUNC_OTHER, 1, 1, N, bind_int, f_length, 0},
    {"locate", FUNC_OTHER, 2, 3, N, bind_search, f_locate, 0},
    {"position", FUNC_OTHER, 2, 2, N, bind_search, f_locate, 0},
    {"instr", FUNC_OTHER, 2, 2, N, bind_search, f_locate, 1},
    {"find_in_set", FUNC_OTHER, 2, 2, N, bind_search, f_find_in_set, 2},
    {"ascii", FUNC_OTHER, 1, 1, N, bind_int, f_ascii, 0},
    {"ord", FUNC_OTHER, 1, 1, N, bind_int, f_ascii, 1},
    {"hex", FUNC_OTHER, 1, 1, N, bind_string_conn, f_hex, 0},
    {"unhex", FUNC_OTHER, 1, 1, N, bind_string_binary, f_unhex, 0},
    {"bin", FUNC_OTHER, 1, 1, N, bind_string_conn, f_bin, 2},
    {"oct", FUNC_OTHER, 1, 1, N, bind_string_conn, f_bin, 8},
    {"conv", FUNC_OTHER, 3, 3, N, bind_string_conn, f_conv, 0},
    {"format", FUNC_OTHER, 2, 2, 0, bind_string_conn, f_format, 0},
    {"char", FUNC_OTHER, 1, UINT16_MAX, 0, bind_string_binary, f_char, 0},
    {"quote", FUNC_OTHER, 1, 1, 0, bind_string_first, f_quote, 0},
    {"md5", FUNC_OTHER, 1, 1, N, bind_string_conn, f_md5, 0},
    {"sha", FUNC_OTHER, 1, 1, N, bind_string_conn, f_md5, 1},
    {"sha1", FUNC_OTHER, 1, 1, N, bind_string_conn, f_md5, 1},
    {"sha2", FUNC_OTHER, 2, 2, N, bind_string_conn, f_sha2, 0},
    {"to_base64", FUNC_OTHER, 1, 1, N, bind_string_conn, f_to_base64, 0},
    {"from_base64", FUNC_OTHER, 1, 1, N, bind_string_binary, f_from_base64, 0},
    {"inet_aton", FUNC_OTHER, 1, 1, N, bind_uint, f_inet_aton, 0},
    {"inet_ntoa", FUNC_OTHER, 1, 1, N, bind_string_conn, f_inet_ntoa, 0},
};
const size_t funcs_str_n = ARRAY_LEN(funcs_str);
#undef N
