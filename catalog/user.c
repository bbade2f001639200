#include "catalog/user.h"

#include <arpa/inet.h>

static bool all_hex(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        char c = p[i];

        if (!((c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F')))
            return false;
    }
    return true;
}

/* $A$ 3 digits $ 20 bytes of salt, 43 of digest: "caching_sha2_password" stores its digest so. */
enum { NATIVE_LEN = 41, SHA2_LEN = 70 };

enum user_secret_kind user_secret_kind_of(struct sv secret)
{
    if (secret.len == 0)
        return USER_SECRET_EMPTY;
    if (secret.len == NATIVE_LEN && secret.ptr[0] == '*' && all_hex(secret.ptr + 1, NATIVE_LEN - 1))
        return USER_SECRET_NATIVE;
    if (secret.len == SHA2_LEN && sv_starts(secret, SV("$A$")) && all_hex(secret.ptr + 3, 3) &&
        secret.ptr[6] == '$')
        return USER_SECRET_SHA2;
    return USER_SECRET_BAD;
}

struct sv user_plugin_of(struct sv secret, struct sv fallback)
{
    switch (user_secret_kind_of(secret)) {
    case USER_SECRET_NATIVE:
        return SV("mysql_native_password");
    case USER_SECRET_SHA2:
        return SV("caching_sha2_password");
    case USER_SECRET_EMPTY:
    case USER_SECRET_BAD:
        return fallback;
    }
    return fallback;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

/* % and _ as in LIKE, with a backslash before them taken literally. Iterative: on a mismatch the
 * last % takes one more. */
static bool like(struct sv p, struct sv s)
{
    size_t i = 0, k = 0, star = SIZE_MAX, mark = 0;

    while (k < s.len) {
        bool escaped = i + 1 < p.len && p.ptr[i] == '\\';
        size_t at = i + escaped;

        if (i < p.len && !escaped && p.ptr[i] == '%') {
            star = i++;
            mark = k;
        } else if (i < p.len &&
                   ((!escaped && p.ptr[i] == '_') || lower(p.ptr[at]) == lower(s.ptr[k]))) {
            i = at + 1;
            k++;
        } else if (star != SIZE_MAX) {
            i = star + 1;
            k = ++mark;
        } else {
            return false;
        }
    }
    while (i < p.len && p.ptr[i] == '%')
        i++;
    return i == p.len;
}

static bool parse_ip4(struct sv s, uint32_t *out)
{
    char text[INET_ADDRSTRLEN];
    struct in_addr a;

    if (s.len == 0 || s.len >= sizeof(text))
        return false;
    memcpy(text, s.ptr, s.len);
    text[s.len] = '\0';
    if (inet_pton(AF_INET, text, &a) != 1)
        return false;
    *out = ntohl(a.s_addr);
    return true;
}

/* address/mask or address/bits. */
static bool net_matches(struct sv pattern, size_t slash, struct sv host)
{
    struct sv left = sv_make(pattern.ptr, slash),
              right = sv_make(pattern.ptr + slash + 1, pattern.len - slash - 1);
    uint32_t net, mask, ip;
    uint64_t bits;

    if (!parse_ip4(left, &net) || !parse_ip4(host, &ip))
        return false;
    if (sv_to_u64(right, &bits) && bits <= 32)
        mask = bits == 0 ? 0 : UINT32_MAX << (32 - bits);
    else if (!parse_ip4(right, &mask))
        return false;
    return (ip & mask) == (net & mask);
}

static bool is_loopback(struct sv host)
{
    return sv_eq_nocase(host, SV("localhost")) || sv_starts(host, SV("127.")) ||
           sv_eq(host, SV("::1")) || sv_starts(host, SV("::ffff:127."));
}

bool user_host_matches(struct sv pattern, struct sv host)
{
    const char *slash = pattern.len ? memchr(pattern.ptr, '/', pattern.len) : NULL;

    if (pattern.len == 0 || like(pattern, host))
        return true;
    if (is_loopback(host) && sv_eq_nocase(pattern, SV("localhost")))
        return true;
    return slash && net_matches(pattern, (size_t)(slash - pattern.ptr), host);
}

/* 0: literal host, 1: net, 2: pattern; the smaller, the more specific. */
static int host_class(struct sv host)
{
    if (host.len == 0)
        return 2;
    if (memchr(host.ptr, '%', host.len) || memchr(host.ptr, '_', host.len))
        return 2;
    return memchr(host.ptr, '/', host.len) ? 1 : 0;
}

/* Bytes before the first wildcard. */
static size_t fixed_prefix(struct sv host)
{
    size_t n = 0;

    while (n < host.len && host.ptr[n] != '%' && host.ptr[n] != '_')
        n++;
    return n;
}

int user_compare(const struct cat_user *a, const struct cat_user *b)
{
    int ca = host_class(a->host), cb = host_class(b->host);
    size_t fa = fixed_prefix(a->host), fb = fixed_prefix(b->host);

    if (ca != cb)
        return ca - cb;
    if (ca == 2 && fa != fb)
        return fa > fb ? -1 : 1;
    if (!a->name.len != !b->name.len)
        return a->name.len ? -1 : 1;
    return sv_cmp_nocase(a->host, b->host) ? sv_cmp_nocase(a->host, b->host)
                                           : sv_cmp(a->name, b->name);
}
