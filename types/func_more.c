/* Functions of text, networks, identifiers and encodings that are met less often, and those about types and collations. */
#include "types/func-int.h"

#include <arpa/inet.h>
#include <zlib.h>

static void set_str(const struct func_call *c, struct value *out, const char *p, size_t n)
{
    *out = value_str((struct sv){p, n}, c->coll);
}

static void set_buf(const struct func_call *c, struct value *out, const struct strbuf *b)
{
    set_str(c, out, b->ptr ? b->ptr : "", b->len);
}

/* Bytes of a text in its own character set. */
static struct sv own_bytes(struct func_ctx *cx, const struct func_call *c, const struct value *args, uint32_t i)
{
    struct sv s = arg_str(cx, c, args, i), out;

    return type_is_string(&c->args[i].type) && coll_from_utf8(c->args[i].type.coll, s, cx->arena, &out) ? out : s;
}

/* ---- text ---- */

static bool soundex_letter(uint32_t cp)
{
    return (cp >= 'A' && cp <= 'Z') || (cp >= 'a' && cp <= 'z') || cp >= 0xc0;
}

static char soundex_code(uint32_t cp)
{
    cp = cp >= 'a' && cp <= 'z' ? cp - 32 : cp;
    return cp >= 'A' && cp <= 'Z' ? "01230120022455012623010202"[cp - 'A'] : '0';
}

static bool f_soundex(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    struct strbuf b;
    char last = 0;
    size_t letters = 0;

    strbuf_init(&b, cx->arena);
    for (const char *p = s.ptr, *end = p + s.len; p < end;) {
        uint32_t cp;
        unsigned n = coll_decode_utf8(p, end, &cp);
        char code = soundex_code(cp);

        if (soundex_letter(cp) && !letters) {
            if (cp >= 'a' && cp <= 'z')
                strbuf_putc(&b, (char)(cp - 32));
            else
                strbuf_put(&b, p, n);
            last = code;
            letters = 1;
        } else if (soundex_letter(cp) && code != '0' && code != last) {
            strbuf_putc(&b, code);
            last = code;
            letters++;
        }
        p += n;
    }
    for (; letters && letters < 4; letters++)
        strbuf_putc(&b, '0');
    set_buf(c, out, &b);
    return true;
}

static bool f_export_set(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint64_t bits = value_to_u64_bits(&args[0], cx->env);
    struct sv on = arg_str(cx, c, args, 1), off = arg_str(cx, c, args, 2), sep = c->n_args > 3 ? arg_str(cx, c, args, 3) : SV(",");
    int64_t n = c->n_args > 4 ? value_to_i64(&args[4], cx->env) : 64;
    struct strbuf b;

    n = n < 0 || n > 64 ? 64 : n;
    if (func_too_long(cx, c, (uint64_t)n * (MAX(on.len, off.len) + sep.len), out))
        return true;
    strbuf_init(&b, cx->arena);
    for (int64_t i = 0; i < n; i++) {
        if (i)
            strbuf_putsv(&b, sep);
        strbuf_putsv(&b, bits >> i & 1 ? on : off);
    }
    set_buf(c, out, &b);
    return true;
}

static bool f_make_set(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint64_t bits;
    struct strbuf b;
    bool any = false;

    if (args[0].kind == KIND_NULL)
        return true;
    bits = value_to_u64_bits(&args[0], cx->env);
    strbuf_init(&b, cx->arena);
    for (uint32_t i = 1; i < c->n_args && i <= 64; i++) {
        if (!(bits >> (i - 1) & 1) || args[i].kind == KIND_NULL)
            continue;
        if (any)
            strbuf_putc(&b, ',');
        any = true;
        strbuf_putsv(&b, arg_str(cx, c, args, i));
    }
    set_buf(c, out, &b);
    return true;
}

/* The texts' collation: all arguments but the first. */
static bool bind_rest(struct binder *b)
{
    enum type_deriv deriv;
    uint32_t n = MIN(b->n - 1, b->c->aux ? (uint32_t)b->c->aux : UINT32_MAX);

    if (!func_unify_coll(b->args + 1, n, b->f->name, &b->c->coll, &deriv, b->diag))
        return false;
    if (!b->c->coll)
        b->c->coll = b->env->coll_connection;
    b->c->type = type_string(1u << 28, b->c->coll, deriv);
    return true;
}

/* ---- about types ---- */

enum { ABOUT_COLLATION, ABOUT_CHARSET };

static bool bind_about(struct binder *b)
{
    b->c->coll = 33;
    b->c->type = type_string(64, 33, DERIV_SYSCONST);
    return true;
}

static bool f_about(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct sql_type *t = &c->args[0].type;
    const struct collation *k = coll_by_id(type_is_string(t) ? t->coll : TYPE_COLL_BINARY);

    (void)args;
    if (cx->env->flavour == ENV_MARIADB)
        k = coll_by_id_mariadb(type_is_string(t) ? t->coll : TYPE_COLL_BINARY);
    *out = value_str(sv_cstr(!k ? "binary" : c->aux == ABOUT_CHARSET ? k->charset_name : k->name), c->coll);
    return true;
}

static bool f_coercibility(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct sql_type *t = &c->args[0].type;

    (void)cx;
    *out = value_i64(type_kind_of(t) == KIND_NULL ? DERIV_IGNORABLE : type_is_string(t) ? t->deriv : DERIV_NUMERIC);
    (void)args;
    return true;
}

/* ---- UUIDs ---- */

static int hex_of(char ch)
{
    return ch >= '0' && ch <= '9' ? ch - '0' : (ch | 0x20) >= 'a' && (ch | 0x20) <= 'f' ? (ch | 0x20) - 'a' + 10 : -1;
}

/* 32 digits, with hyphens at their places, and with braces around those. */
static bool uuid_parse(struct sv s, unsigned char raw[16])
{
    bool hyphens;
    size_t n = 0;

    if (s.len == 38 && s.ptr[0] == '{' && s.ptr[37] == '}')
        s = (struct sv){s.ptr + 1, 36};
    hyphens = s.len == 36;
    if (s.len != 36 && s.len != 32)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        int v;

        if (hyphens && (i == 8 || i == 13 || i == 18 || i == 23)) {
            if (s.ptr[i] != '-')
                return false;
            continue;
        }
        v = hex_of(s.ptr[i]);
        if (v < 0)
            return false;
        raw[n / 2] = (unsigned char)(n % 2 ? raw[n / 2] << 4 | v : v);
        n++;
    }
    return true;
}

static bool f_is_uuid(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    unsigned char raw[16];

    *out = value_i64(uuid_parse(arg_str(cx, c, args, 0), raw));
    return true;
}

/* Time-low and time-high change places, so that values made one after the other lie together. */
static void uuid_swap(unsigned char r[16], bool back)
{
    unsigned char s[8];

    if (back) {
        memcpy(s, r + 4, 4);
        memcpy(s + 4, r + 2, 2);
        memcpy(s + 6, r, 2);
    } else {
        memcpy(s, r + 6, 2);
        memcpy(s + 2, r + 4, 2);
        memcpy(s + 4, r, 4);
    }
    memcpy(r, s, 8);
}

static bool bad_uuid(struct func_ctx *cx, const struct func_call *c, struct sv s)
{
    return diag_set_remote(cx->diag, 1411, "HY000",
        arena_printf(cx->arena, "Incorrect string value: '%.*s' for function %s", SV_ARG(s), c->f->name));
}

static bool f_uuid_to_bin(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    unsigned char *raw = arena_alloc(cx->arena, 16);

    if (args[0].kind == KIND_NULL)
        return true;
    if (!uuid_parse(s, raw))
        return bad_uuid(cx, c, s);
    if (c->n_args > 1 && args[1].kind != KIND_NULL && value_to_i64(&args[1], cx->env))
        uuid_swap(raw, false);
    set_str(c, out, (const char *)raw, 16);
    return true;
}

static bool f_bin_to_uuid(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    unsigned char r[16];

    if (args[0].kind == KIND_NULL)
        return true;
    if (s.len != 16)
        return bad_uuid(cx, c, s);
    memcpy(r, s.ptr, 16);
    if (c->n_args > 1 && args[1].kind != KIND_NULL && value_to_i64(&args[1], cx->env))
        uuid_swap(r, true);
    *out = value_str(arena_printf(cx->arena, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x", r[0], r[1], r[2], r[3], r[4],
        r[5], r[6], r[7], r[8], r[9], r[10], r[11], r[12], r[13], r[14], r[15]), c->coll);
    return true;
}

/* ---- addresses ---- */

static bool ipv4_parse(struct sv s, unsigned char raw[4])
{
    unsigned part = 0, digits = 0, n = 0;

    if (s.len < 7 || s.len > 15)
        return false;
    for (size_t i = 0; i <= s.len; i++) {
        if (i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9') {
            part = part * 10 + (unsigned)(s.ptr[i] - '0');
            if (++digits > 3 || part > 255)
                return false;
        } else if ((i == s.len || s.ptr[i] == '.') && digits && n < 4) {
            raw[n++] = (unsigned char)part;
            part = digits = 0;
        } else {
            return false;
        }
    }
    return n == 4;
}

static bool ipv6_parse(struct sv s, unsigned char raw[16])
{
    char buf[64];

    if (s.len < 2 || s.len > 39 || memchr(s.ptr, 0, s.len))
        return false;
    memcpy(buf, s.ptr, s.len);
    buf[s.len] = '\0';
    return inet_pton(AF_INET6, buf, raw) == 1;
}

static bool f_inet6_aton(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    unsigned char *raw = arena_alloc(cx->arena, 16);

    if (ipv4_parse(s, raw))
        set_str(c, out, (const char *)raw, 4);
    else if (ipv6_parse(s, raw))
        set_str(c, out, (const char *)raw, 16);
    else if (cx->env->flavour == ENV_MYSQL8)
        warn_add(cx->env->warnings, WARN_WARNING, 1411, "Incorrect string value: ''%.*s'' for function %s", SV_ARG(s), c->f->name);
    return true;
}

/* The longest run of zero words is written as two colons; addresses of IPv4 in the last words as such. */
static bool f_inet6_ntoa(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0);
    const unsigned char *r = (const unsigned char *)s.ptr;
    unsigned best = 0, best_len = 0, run = 0, w[8];
    struct strbuf b;

    strbuf_init(&b, cx->arena);
    if (args[0].kind == KIND_STR && c->args[0].type.coll == TYPE_COLL_BINARY && s.len == 4) {
        strbuf_printf(&b, "%u.%u.%u.%u", r[0], r[1], r[2], r[3]);
        set_buf(c, out, &b);
        return true;
    }
    if (args[0].kind != KIND_STR || c->args[0].type.coll != TYPE_COLL_BINARY || s.len != 16) {
        if (cx->env->flavour == ENV_MYSQL8)
            warn_add(cx->env->warnings, WARN_WARNING, 1411, "Incorrect string value: ''%.*s'' for function %s", SV_ARG(s), c->f->name);
        return true;
    }
    for (unsigned i = 0; i < 8; i++) {
        w[i] = (unsigned)r[2 * i] << 8 | r[2 * i + 1];
        run = w[i] ? 0 : run + 1;
        if (run > best_len) {
            best_len = run;
            best = i + 1 - run;
        }
    }
    for (unsigned i = 0; i < 8; i++) {
        if (best_len && i == best) {
            strbuf_puts(&b, i ? ":" : "::");
            i += best_len - 1;
            if (i == 7 && best)
                strbuf_putc(&b, ':');
            continue;
        }
        /* ::1.2.3.4 and ::ffff:1.2.3.4 */
        if (i == 6 && best == 0 && (best_len == 6 || (best_len == 5 && w[5] == 0xffff))) {
            strbuf_printf(&b, "%s%u.%u.%u.%u", best_len == 5 ? ":" : "", r[12], r[13], r[14], r[15]);
            break;
        }
        strbuf_printf(&b, "%s%x", i && !(best_len && i == best + best_len && best == 0) ? ":" : "", w[i]);
    }
    set_buf(c, out, &b);
    return true;
}

enum { IP_V4, IP_V6, IP_COMPAT, IP_MAPPED };

static bool f_is_ip(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    static const unsigned char zeros[12], mapped[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    unsigned char raw[16];
    struct sv s;
    bool r;

    if (args[0].kind == KIND_NULL) {
        *out = cx->env->flavour == ENV_MARIADB ? value_i64(0) : value_null();
        return true;
    }
    s = arg_str(cx, c, args, 0);
    if (c->aux == IP_V4)
        r = ipv4_parse(s, raw);
    else if (c->aux == IP_V6)
        r = ipv6_parse(s, raw);
    else if (s.len != 16 || args[0].kind != KIND_STR || c->args[0].type.coll != TYPE_COLL_BINARY)
        r = false;
    else if (c->aux == IP_COMPAT)
        r = memcmp(s.ptr, zeros, 12) == 0 && memcmp(s.ptr + 12, zeros, 2 + (s.ptr[14] == 0 && ((unsigned char)s.ptr[15] <= 1))) != 0;
    else
        r = memcmp(s.ptr, mapped, 12) == 0;
    *out = value_i64(r);
    return true;
}

/* ---- sizes and times in words ---- */

static bool f_format_size(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    static const char *const sizes[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    static const struct {
        double at;
        const char *name;
    } times[] = {{864e14, "d"}, {36e14, "h"}, {6e13, "min"}, {1e12, "s"}, {1e9, "ms"}, {1e6, "us"}, {1e3, "ns"}};
    double v = value_to_f64(&args[0], cx->env), x = v < 0 ? -v : v, by = 1;
    const char *unit = c->aux ? "ps" : "bytes";

    if (c->aux) {
        for (unsigned i = 0; i < ARRAY_LEN(times) && by == 1; i++) {
            if (x >= times[i].at) {
                by = times[i].at;
                unit = times[i].name;
            }
        }
    } else {
        for (unsigned i = 0; i < ARRAY_LEN(sizes) && x / by >= 1024; i++) {
            by *= 1024;
            unit = sizes[i];
        }
    }
    if (by == 1)
        *out = value_str(arena_printf(cx->arena, c->aux ? "%3d %s" : "%4d %s", (int)v, unit), c->coll);
    else if (x / by >= 100000)
        *out = value_str(arena_printf(cx->arena, "%4.2e %s", v / by, unit), c->coll);
    else
        *out = value_str(arena_printf(cx->arena, "%4.2f %s", v / by, unit), c->coll);
    return true;
}

/* ---- compression ---- */

static bool f_compress(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = own_bytes(cx, c, args, 0);
    uLongf n = compressBound(s.len);
    unsigned char *p = arena_alloc(cx->arena, n + 5);

    if (s.len == 0) {
        set_str(c, out, "", 0);
        return true;
    }
    /* Another release of zlib may give other bytes for the same text. */
    if (cx->exact)
        return diag_setf(cx->diag, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support 'compress() above the shards'");
    if (compress(p + 4, &n, (const Bytef *)s.ptr, s.len) != Z_OK)
        return diag_set(cx->diag, ER_INTERNAL, "compression");
    for (unsigned i = 0; i < 4; i++)
        p[i] = (unsigned char)(s.len >> 8 * i);
    if (p[3 + n] == ' ') /* not to be lost in a CHAR column */
        p[4 + n++] = '.';
    set_str(c, out, (const char *)p, n + 4);
    return true;
}

static uint32_t said_length(struct sv s)
{
    const unsigned char *p = (const unsigned char *)s.ptr;

    return ((uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24) & 0x3fffffff;
}

static bool f_uncompress(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = own_bytes(cx, c, args, 0);
    uLongf n;
    char *p;
    int rc;

    if (c->aux) {
        if (s.len == 0 || s.len > 4 || cx->env->flavour == ENV_MYSQL8)
            *out = value_i64(s.len > 4 ? said_length(s) : 0);
        if (s.len > 0 && s.len <= 4)
            warn_add(cx->env->warnings, WARN_WARNING, 1259, "ZLIB: Input data corrupted");
        return true;
    }
    if (s.len == 0) {
        set_str(c, out, "", 0);
        return true;
    }
    if (s.len <= 4) {
        warn_add(cx->env->warnings, WARN_WARNING, 1259, "ZLIB: Input data corrupted");
        return true;
    }
    n = said_length(s);
    if (n > cx->env->max_allowed_packet) {
        warn_add(cx->env->warnings, WARN_WARNING, 1256, "Uncompressed data size too large; the maximum size is %llu (probably, length of "
            "uncompressed data was corrupted)", (unsigned long long)cx->env->max_allowed_packet);
        return true;
    }
    p = arena_alloc(cx->arena, n + 1);
    rc = uncompress((Bytef *)p, &n, (const Bytef *)s.ptr + 4, s.len - 4);
    if (rc == Z_OK)
        set_str(c, out, p, n);
    else if (rc == Z_BUF_ERROR)
        warn_add(cx->env->warnings, WARN_WARNING, 1258, "ZLIB: Not enough room in the output buffer (probably, length of uncompressed data was corrupted)");
    else
        warn_add(cx->env->warnings, WARN_WARNING, 1259, "ZLIB: Input data corrupted");
    return true;
}

static uint32_t crc32c(uint32_t crc, struct sv s)
{
    crc = ~crc;
    for (size_t i = 0; i < s.len; i++) {
        crc ^= (unsigned char)s.ptr[i];
        for (int k = 0; k < 8; k++)
            crc = crc >> 1 ^ (0x82f63b78u & (0u - (crc & 1)));
    }
    return ~crc;
}

static bool f_crc32c(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    bool seed = c->n_args > 1;

    *out = value_u64(crc32c(seed ? (uint32_t)value_to_u64_bits(&args[0], cx->env) : 0, own_bytes(cx, c, args, seed ? 1 : 0)));
    return true;
}

/* ---- character sets ---- */

static bool bind_convert(struct binder *b)
{
    const struct collation *to = b->opts->target ? coll_by_id(b->opts->target->coll) : NULL;
    const struct collation *from = type_is_string(&b->args[0].type) ? coll_by_id(b->args[0].type.coll) : NULL;

    CHECK(b->opts->target);
    if (!to || to->charset == CS_OTHER || (from && from->charset == CS_BINARY && to->charset != CS_BINARY))
        return diag_setf(b->diag, ER_NOT_SUPPORTED_YET,
            "This version of Tessera doesn't yet support 'CONVERT() between these character sets above the shards'");
    b->c->coll = to->id;
    b->c->type = type_string(1u << 28, to->id, DERIV_IMPLICIT);
    return true;
}

/* Text stays utf8mb4 here: characters that the set lacks become '?'; as bytes it is what its own set has. */
static bool f_convert(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct collation *to = coll_by_id(c->coll);
    struct sv s = arg_str(cx, c, args, 0), bytes, back;

    if (to->charset == CS_BINARY) {
        *out = value_str(own_bytes(cx, c, args, 0), c->coll);
        return true;
    }
    if (coll_from_utf8(c->coll, s, cx->arena, &bytes) && coll_to_utf8(c->coll, bytes, cx->arena, &back)) {
        *out = value_str(back, c->coll);
        return true;
    }
    /* MariaDB warns by character. */
    if (cx->exact && cx->env->flavour == ENV_MARIADB)
        return diag_setf(cx->diag, ER_NOT_SUPPORTED_YET,
            "This version of Tessera doesn't yet support 'CONVERT() of characters that a set lacks above the shards'");
    (void)!coll_to_utf8(c->coll, bytes, cx->arena, &back);
    *out = value_str(back, c->coll);
    return true;
}

/* ---- MariaDB's Oracle names ---- */

static bool bind_nvl2(struct binder *b)
{
    if (!func_unify_types(b->args + 1, 2, b->f->name, b->env, &b->c->type, b->diag))
        return false;
    if (type_kind_of(&b->c->type) == KIND_DEC)
        bind_set_decimal(b->c, type_dec_precision(&b->c->type), b->c->type.decimals, MAX(arg_phys_scale(&b->args[1]), arg_phys_scale(&b->args[2])));
    b->c->coll = b->c->type.coll;
    return true;
}

static bool f_nvl2(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    uint32_t i = args[0].kind == KIND_NULL ? 2 : 1;

    return func_to_result(cx, c, &args[i], &c->args[i].type, out);
}

#define N FUNC_NULL_ANY
#define MY FUNC_MYSQL
#define MA FUNC_MARIADB
const struct func funcs_more[] = {
    {"soundex", FUNC_OTHER, 1, 1, N, bind_string_first, f_soundex, 0},
    {"export_set", FUNC_OTHER, 3, 5, N, bind_rest, f_export_set, 3},
    {"make_set", FUNC_OTHER, 2, UINT16_MAX, 0, bind_rest, f_make_set, 0},
    {"collation", FUNC_OTHER, 1, 1, 0, bind_about, f_about, ABOUT_COLLATION},
    {"charset", FUNC_OTHER, 1, 1, 0, bind_about, f_about, ABOUT_CHARSET},
    {"coercibility", FUNC_OTHER, 1, 1, 0, bind_int, f_coercibility, 0},
    {"is_uuid", FUNC_OTHER, 1, 1, N | MY, bind_bool, f_is_uuid, 0},
    {"uuid_to_bin", FUNC_OTHER, 1, 2, MY, bind_string_binary, f_uuid_to_bin, 0},
    {"bin_to_uuid", FUNC_OTHER, 1, 2, MY, bind_string_conn, f_bin_to_uuid, 0},
    {"inet6_aton", FUNC_OTHER, 1, 1, N, bind_string_binary, f_inet6_aton, 0},
    {"inet6_ntoa", FUNC_OTHER, 1, 1, N, bind_string_conn, f_inet6_ntoa, 0},
    {"is_ipv4", FUNC_OTHER, 1, 1, 0, bind_bool, f_is_ip, IP_V4},
    {"is_ipv6", FUNC_OTHER, 1, 1, 0, bind_bool, f_is_ip, IP_V6},
    {"is_ipv4_compat", FUNC_OTHER, 1, 1, 0, bind_bool, f_is_ip, IP_COMPAT},
    {"is_ipv4_mapped", FUNC_OTHER, 1, 1, 0, bind_bool, f_is_ip, IP_MAPPED},
    {"format_bytes", FUNC_OTHER, 1, 1, N | MY, bind_string_conn, f_format_size, 0},
    {"format_pico_time", FUNC_OTHER, 1, 1, N | MY, bind_string_conn, f_format_size, 1},
    {"compress", FUNC_OTHER, 1, 1, N, bind_string_binary, f_compress, 0},
    {"uncompress", FUNC_OTHER, 1, 1, N, bind_string_binary, f_uncompress, 0},
    {"uncompressed_length", FUNC_OTHER, 1, 1, N, bind_int, f_uncompress, 1},
    {"crc32c", FUNC_OTHER, 1, 2, N | MA, bind_uint, f_crc32c, 0},
    {"convert", FUNC_CONVERT, 1, 1, FUNC_HAS_TARGET | N, bind_convert, f_convert, 0},
    {"nvl2", FUNC_OTHER, 3, 3, MA, bind_nvl2, f_nvl2, 0},
};
const size_t funcs_more_n = ARRAY_LEN(funcs_more);
#undef N
#undef MY
#undef MA
