#include "types/env.h"

#include <stdarg.h>
#include <stdio.h>

struct mode_name {
    const char *name;
    uint64_t bits; /* what SET gives */
};

/* In MySQL's printing order. The combinations at the end print only what they expand to, except ANSI and TRADITIONAL
 * themselves, which keep their own bit as well. */
static const struct mode_name mode_names[] = {
    {"REAL_AS_FLOAT", MODE_REAL_AS_FLOAT},
    {"PIPES_AS_CONCAT", MODE_PIPES_AS_CONCAT},
    {"ANSI_QUOTES", MODE_ANSI_QUOTES},
    {"IGNORE_SPACE", MODE_IGNORE_SPACE},
    {"ONLY_FULL_GROUP_BY", MODE_ONLY_FULL_GROUP_BY},
    {"NO_UNSIGNED_SUBTRACTION", MODE_NO_UNSIGNED_SUBTRACTION},
    {"NO_DIR_IN_CREATE", MODE_NO_DIR_IN_CREATE},
    {"ANSI", MODE_ANSI},
    {"NO_AUTO_VALUE_ON_ZERO", MODE_NO_AUTO_VALUE_ON_ZERO},
    {"NO_BACKSLASH_ESCAPES", MODE_NO_BACKSLASH_ESCAPES},
    {"STRICT_TRANS_TABLES", MODE_STRICT_TRANS_TABLES},
    {"STRICT_ALL_TABLES", MODE_STRICT_ALL_TABLES},
    {"NO_ZERO_IN_DATE", MODE_NO_ZERO_IN_DATE},
    {"NO_ZERO_DATE", MODE_NO_ZERO_DATE},
    {"ALLOW_INVALID_DATES", MODE_ALLOW_INVALID_DATES},
    {"INVALID_DATES", MODE_ALLOW_INVALID_DATES},
    {"ERROR_FOR_DIVISION_BY_ZERO", MODE_ERROR_FOR_DIVISION_BY_ZERO},
    {"TRADITIONAL", MODE_TRADITIONAL},
    {"HIGH_NOT_PRECEDENCE", MODE_HIGH_NOT_PRECEDENCE},
    {"NO_ENGINE_SUBSTITUTION", MODE_NO_ENGINE_SUBSTITUTION},
    {"PAD_CHAR_TO_FULL_LENGTH", MODE_PAD_CHAR_TO_FULL_LENGTH},
    {"TIME_TRUNCATE_FRACTIONAL", MODE_TIME_TRUNCATE_FRACTIONAL},
    {"TIME_ROUND_FRACTIONAL", MODE_TIME_ROUND_FRACTIONAL},
    {"NO_AUTO_CREATE_USER", 0},
    {"NO_KEY_OPTIONS", 0},
    {"NO_TABLE_OPTIONS", 0},
    {"NO_FIELD_OPTIONS", 0},
    {"EMPTY_STRING_IS_NULL", 0},
    {"SIMULTANEOUS_ASSIGNMENT", 0},
    {"IGNORE_BAD_TABLE_OPTIONS", 0},
};

#define ANSI_PARTS (MODE_REAL_AS_FLOAT | MODE_PIPES_AS_CONCAT | MODE_ANSI_QUOTES | MODE_IGNORE_SPACE)

static uint64_t expand(uint64_t m)
{
    if (m & MODE_ANSI)
        m |= ANSI_PARTS | MODE_ONLY_FULL_GROUP_BY;
    if (m & MODE_TRADITIONAL)
        m |= MODE_STRICT | MODE_NO_ZERO_IN_DATE | MODE_NO_ZERO_DATE | MODE_ERROR_FOR_DIVISION_BY_ZERO |
            MODE_NO_ENGINE_SUBSTITUTION;
    return m;
}

static bool mode_by_name(struct sv name, uint64_t *bits)
{
    for (size_t i = 0; i < ARRAY_LEN(mode_names); i++) {
        if (sv_eq_nocase(name, sv_cstr(mode_names[i].name))) {
            *bits |= mode_names[i].bits;
            return true;
        }
    }
    return false;
}

bool env_mode_parse(struct sv names, uint64_t *mode, struct sv *bad)
{
    uint64_t bits = 0;

    while (names.len) {
        const char *comma = memchr(names.ptr, ',', names.len);
        size_t n = comma ? (size_t)(comma - names.ptr) : names.len;
        struct sv one = sv_trim((struct sv){names.ptr, n});

        if (one.len && !mode_by_name(one, &bits)) {
            *bad = one;
            return false;
        }
        n += comma ? 1 : 0;
        names.ptr += n;
        names.len -= n;
    }
    *mode = expand(bits);
    return true;
}

struct sv env_mode_print(uint64_t mode, struct arena *a)
{
    char buf[1024];
    size_t n = 0;

    for (size_t i = 0; i < ARRAY_LEN(mode_names); i++) {
        if (mode_names[i].bits == 0 || !(mode & mode_names[i].bits) || !strcmp(mode_names[i].name, "INVALID_DATES"))
            continue;
        n += (size_t)snprintf(buf + n, sizeof(buf) - n, "%s%s", n ? "," : "", mode_names[i].name);
    }
    return arena_dup(a, (struct sv){buf, n});
}

void warn_sink_init(struct warn_sink *w, struct arena *a, uint32_t max)
{
    *w = (struct warn_sink){.arena = a, .max = max};
}

static void keep(struct warn_sink *w, enum warn_level level, unsigned code, struct sv text)
{
    w->total++;
    if (w->n >= w->max)
        return;
    if (w->n == w->cap) {
        uint32_t cap = w->cap ? w->cap * 2 : 8;
        struct warning *list = ARENA_NEW_N(w->arena, struct warning, cap);

        if (w->n)
            memcpy(list, w->list, w->n * sizeof(*list));
        w->list = list;
        w->cap = cap;
    }
    w->list[w->n++] = (struct warning){level, (uint16_t)code, arena_dup(w->arena, text)};
}

void warn_add(struct warn_sink *w, enum warn_level level, unsigned code, const char *fmt, ...)
{
    char buf[512];
    va_list ap;
    int n;

    if (!w)
        return;
    if (w->n >= w->max) {
        w->total++;
        return;
    }
    va_start(ap, fmt);
    n = vsnprintf(buf, sizeof(buf), fmt, ap);
    va_end(ap);
    keep(w, level, code, (struct sv){buf, (size_t)MIN(n < 0 ? 0 : n, (int)sizeof(buf) - 1)});
}

void warn_merge(struct warn_sink *w, const struct warn_sink *from)
{
    if (!w)
        return;
    for (uint32_t i = 0; i < from->n; i++)
        keep(w, from->list[i].level, from->list[i].code, from->list[i].text);
    w->total += from->total - from->n;
}

uint32_t warn_count(const struct warn_sink *w, unsigned code, struct sv text)
{
    uint32_t n = 0;

    for (uint32_t i = 0; i < w->n; i++)
        n += w->list[i].code == code && sv_eq(w->list[i].text, text);
    return n;
}

bool warn_is_deprecation(unsigned code)
{
    /* MySQL's ER_WARN_DEPRECATED_...: syntax, syntax without a replacement, utf8 as an alias, NATIONAL, utf8mb3 and its
     * collations, functions */
    static const uint16_t codes[] = {1287, 1554, 1681, 3719, 3720, 3778, 3909};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        if (codes[i] == code)
            return true;
    }
    return false;
}

void env_init(struct env *e, enum env_flavour flavour)
{
    *e = (struct env){
        .sql_mode = MODE_STRICT_TRANS_TABLES | MODE_ERROR_FOR_DIVISION_BY_ZERO | MODE_NO_ENGINE_SUBSTITUTION,
        .flavour = flavour,
        .tz = tz_utc,
        .coll_connection = 255,
        .coll_database = 255,
        .coll_results = 255,
        .div_precision_increment = 4,
        .group_concat_max_len = 1024,
        .max_allowed_packet = 64u << 20,
    };
    if (flavour == ENV_MYSQL8) {
        e->sql_mode |= MODE_ONLY_FULL_GROUP_BY | MODE_NO_ZERO_IN_DATE | MODE_NO_ZERO_DATE;
    } else {
        e->coll_connection = e->coll_database = e->coll_results = 45;
        e->group_concat_max_len = 1u << 20;
        e->max_allowed_packet = 16u << 20;
    }
}
