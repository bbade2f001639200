/* Time zones from the system's zoneinfo files (RFC 8536, "TZif"): the 64-bit transitions of version 2, and behind the last
 * one the POSIX rule of the footer, which is expanded to transitions up to 2100 when the file is loaded. */
#include "types/temporal.h"

#include <stdio.h>
#include <stdlib.h>

struct tz {
    int32_t first_offset; /* before the first transition */
    uint32_t n;
    const int64_t *at; /* UTC seconds, ascending */
    const int32_t *offset;
};

static const struct tz utc, unknown;
const struct tz *const tz_utc = &utc;
const struct tz *const tz_unknown = &unknown;

int32_t tz_offset_at_utc(const struct tz *z, int64_t utc_s)
{
    uint32_t lo = 0, hi;

    if (!z)
        return 0;
    hi = z->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;

        if (z->at[mid] <= utc_s)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo == 0 ? z->first_offset : z->offset[lo - 1];
}

int64_t tz_local_to_utc(const struct tz *z, int64_t local_s)
{
    int32_t before = tz_offset_at_utc(z, local_s - 86400), after = tz_offset_at_utc(z, local_s + 86400);
    int64_t x = local_s - before;

    if (before == after)
        return x;
    if (tz_offset_at_utc(z, x) == before)
        return x;
    x = local_s - after;
    if (tz_offset_at_utc(z, x) == after)
        return x;
    /* In the gap of a switch to summer time: the moment of the switch. */
    for (uint32_t i = 0; i < z->n; i++) {
        if (z->at[i] > local_s - 86400 * 2 && z->at[i] + z->offset[i] > local_s)
            return z->at[i];
    }
    return x;
}

/* ---- POSIX rule ---- */

struct rule {
    int month, week, day; /* Mm.w.d */
    int32_t time;
};

static const char *parse_name(const char *p)
{
    if (*p == '<') {
        while (*p && *p != '>')
            p++;
        return *p ? p + 1 : NULL;
    }
    while ((*p >= 'A' && *p <= 'Z') || (*p >= 'a' && *p <= 'z'))
        p++;
    return p;
}

static const char *parse_hms(const char *p, int32_t *secs)
{
    int sign = 1;
    int32_t part[3] = {0};

    if (*p == '-' || *p == '+')
        sign = *p++ == '-' ? -1 : 1;
    for (int i = 0; i < 3; i++) {
        char *end;

        if (*p < '0' || *p > '9')
            return NULL;
        part[i] = (int32_t)strtol(p, &end, 10);
        p = end;
        if (*p != ':')
            break;
        p++;
    }
    *secs = sign * (part[0] * 3600 + part[1] * 60 + part[2]);
    return p;
}

static const char *parse_rule(const char *p, struct rule *r)
{
    int used = 0;

    r->time = 7200;
    if (sscanf(p, ",M%d.%d.%d%n", &r->month, &r->week, &r->day, &used) != 3 || r->month < 1 || r->month > 12)
        return NULL;
    p += used;
    if (*p == '/')
        p = parse_hms(p + 1, &r->time);
    return p;
}

static int64_t rule_moment(const struct rule *r, uint32_t year)
{
    int64_t first = temporal_daynr(year, (uint32_t)r->month, 1);
    int wday = (int)((temporal_weekday(first) + 1) % 7); /* 0 Sunday */
    int day = 1 + (r->day - wday + 7) % 7 + (r->week - 1) * 7;

    while (day > (int)temporal_days_in_month(year, (uint32_t)r->month))
        day -= 7;
    return (first - temporal_daynr(1970, 1, 1) + day - 1) * 86400 + r->time;
}

struct builder {
    int64_t *at;
    int32_t *offset;
    uint32_t n;
};

static void add_rule_years(struct builder *b, const char *rule)
{
    int32_t std, dst;
    struct rule on, off;
    const char *p = parse_name(rule);

    if (!p || !(p = parse_hms(p, &std)))
        return;
    std = -std;
    if (*p == '\0') {
        if (b->n == 0) {
            b->at[0] = 0;
            b->offset[0] = std;
            b->n = 1;
        }
        return;
    }
    dst = std + 3600;
    if (!(p = parse_name(p)))
        return;
    if (*p != ',') {
        if (!(p = parse_hms(p, &dst)))
            return;
        dst = -dst;
    }
    if (!(p = parse_rule(p, &on)) || !(p = parse_rule(p, &off)))
        return;
    for (uint32_t y = 1970; y <= 2100; y++) {
        int64_t t_on = rule_moment(&on, y) - std, t_off = rule_moment(&off, y) - dst;
        bool on_first = t_on < t_off;

        for (int k = 0; k < 2; k++) {
            bool turn_on = (k == 0) == on_first;
            int64_t t = turn_on ? t_on : t_off;

            if (b->n && t <= b->at[b->n - 1])
                continue;
            b->at[b->n] = t;
            b->offset[b->n++] = turn_on ? dst : std;
        }
    }
}

/* ---- the file ---- */

static uint32_t be32(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static const struct tz *parse_tzif(struct arena *a, const unsigned char *p, size_t len)
{
    const unsigned char *end = p + len, *types, *idx;
    uint32_t n_trans, n_types, n_chars, n_leap, n_std, n_ut;
    struct builder b;
    struct tz *z;
    size_t body;

    for (int round = 0; round < 2; round++) {
        size_t tsize = round == 0 ? 4 : 8;

        if (end - p < 44 || memcmp(p, "TZif", 4) != 0 || p[4] < '2')
            return NULL;
        n_ut = be32(p + 20);
        n_std = be32(p + 24);
        n_leap = be32(p + 28);
        n_trans = be32(p + 32);
        n_types = be32(p + 36);
        n_chars = be32(p + 40);
        if (n_trans > 10000 || n_types > 256 || n_types == 0 || n_chars > 10000 || n_leap > 1000 || n_std > 256 || n_ut > 256)
            return NULL;
        p += 44;
        body = n_trans * (tsize + 1) + n_types * 6 + n_chars + n_leap * (tsize + 4) + n_std + n_ut;
        if ((size_t)(end - p) < body)
            return NULL;
        if (round == 0)
            p += body;
    }
    b = (struct builder){ARENA_NEW_N(a, int64_t, n_trans + 270), ARENA_NEW_N(a, int32_t, n_trans + 270), 0};
    idx = p + (size_t)n_trans * 8;
    types = idx + n_trans;
    for (uint32_t i = 0; i < n_trans; i++) {
        if (idx[i] >= n_types)
            return NULL;
        b.at[i] = (int64_t)((uint64_t)be32(p + i * 8) << 32 | be32(p + i * 8 + 4));
        b.offset[i] = (int32_t)be32(types + idx[i] * 6);
    }
    b.n = n_trans;
    z = ARENA_NEW(a, struct tz);
    z->first_offset = (int32_t)be32(types);
    p += body;
    if (end - p > 2 && *p == '\n' && end[-1] == '\n') {
        struct sv rule = arena_dup(a, (struct sv){(const char *)p + 1, (size_t)(end - p) - 2});

        add_rule_years(&b, rule.ptr);
    }
    z->n = b.n;
    z->at = b.at;
    z->offset = b.offset;
    return z;
}

static const struct tz *load_file(struct arena *a, const char *path)
{
    enum { MAX_BYTES = 256 * 1024 };
    FILE *f = fopen(path, "rb");
    unsigned char *buf;
    size_t n;

    if (!f)
        return NULL;
    buf = arena_alloc(a, MAX_BYTES);
    n = fread(buf, 1, MAX_BYTES, f);
    fclose(f);
    return parse_tzif(a, buf, n);
}

/* [+-]H[H]:MM */
static bool parse_offset(struct sv s, int32_t *secs)
{
    size_t i = 1;
    int h = 0, m = 0;

    if (s.len < 5 || s.len > 6 || (s.ptr[0] != '+' && s.ptr[0] != '-'))
        return false;
    for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++)
        h = h * 10 + s.ptr[i] - '0';
    if (i == 1 || i + 3 != s.len || s.ptr[i] != ':' || s.ptr[i + 1] < '0' || s.ptr[i + 1] > '5' || s.ptr[i + 2] < '0' ||
        s.ptr[i + 2] > '9')
        return false;
    m = (s.ptr[i + 1] - '0') * 10 + s.ptr[i + 2] - '0';
    *secs = h * 3600 + m * 60;
    if (s.ptr[0] == '-') {
        *secs = -*secs;
        return *secs > -14 * 3600;
    }
    return *secs <= 14 * 3600;
}

const struct tz *tz_load(struct arena *a, struct sv name)
{
    char path[300];
    int32_t secs;

    if (parse_offset(name, &secs)) {
        struct tz *z = ARENA_NEW(a, struct tz);

        z->first_offset = secs;
        return z;
    }
    if (sv_eq_nocase(name, SV("UTC")))
        return tz_utc;
    if (sv_eq_nocase(name, SV("SYSTEM"))) {
        const char *tzvar = getenv("TZ");
        const struct tz *z;

        if (tzvar && *tzvar && *tzvar != ':' && strlen(tzvar) < 200 && !sv_eq_nocase(sv_cstr(tzvar), SV("SYSTEM"))) {
            z = tz_load(a, sv_cstr(tzvar));
            if (z)
                return z;
        }
        z = load_file(a, "/etc/localtime");
        return z ? z : tz_utc;
    }
    if (name.len == 0 || name.len > 200 || name.ptr[0] == '/' || name.ptr[0] == '.' || memchr(name.ptr, '\0', name.len))
        return NULL;
    for (size_t i = 0; i + 1 < name.len; i++) {
        if (name.ptr[i] == '.' && name.ptr[i + 1] == '.')
            return NULL;
    }
    snprintf(path, sizeof(path), "/usr/share/zoneinfo/%.*s", SV_ARG(name));
    return load_file(a, path);
}
