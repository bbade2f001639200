/* The registry, weights and what is built on them.
 *
 * A native collation gives each character a sequence of weights (struct weights below): for *_bin the code point, for 8-bit
 * collations the sort order of the character's byte, for general_ci one table entry, for the UCA ones any number of 16-bit
 * weights (tables in coll_weights.inc; implicit weights and Hangul by rule). Comparison, hash and keys are loops
 * over that one iterator; ASCII takes a short cut. utf8mb4_0900_as_cs has three levels, compared one after the other; uca1400 has contractions,
 * whose characters weigh something else together (the longest counts). All others have one level and none.
 * Invalid UTF-8 weighs as 0x10FFFF plus the byte, one byte at a time: it sorts last and equals only itself. */
#include "types/coll.h"

#include "util/hash.h"
#include "util/strbuf.h"

struct cp_range {
    uint32_t from, to;
};

struct case_pair {
    uint32_t from, to;
};

struct coll_weights {
    const uint32_t *const *pages;
    const uint16_t *pool;
    const struct cp_range *fb40;
    size_t n_fb40;
    const struct cp_range *fb80;
    size_t n_fb80;
    uint16_t space;
    uint8_t hangul_by_jamo;
    uint8_t over_bmp_fffd;
    uint16_t dflt; /* further levels: the weight of characters that no page has */
    const struct coll_weights *level2, *level3;
    const struct contraction *contr; /* sorted */
    size_t n_contr;
    const uint16_t *contr_pool;
};

/* Characters that weigh something else together. */
struct contraction {
    uint32_t cp[3];
    uint8_t n, n_weights;
    uint16_t at; /* in the pool */
};

enum { W_IMPLICIT = (int)0xFFFFFFFF, CP_INVALID = (int)0xFFFFFFFF };

#include "types/coll_weights.inc"
#include "types/coll_weights_more.inc"

/* The first level of utf8mb4_0900_as_cs is that of _ai_ci (gen_coll.py checks it). */
static struct coll_weights w_0900_as_cs, w_1400;

#define COLL_ROW(id, name, cs, maxlen, pad, dflt, my, ma, madflt)                                                                \
    {id, 0, 0, pad, 0, my, ma, dflt || madflt, maxlen, name, cs, NULL},
static struct collation rows_[] = {
#include "types/coll_ids.def"
};
#undef COLL_ROW

#define COLL_ROW(id, name, cs, maxlen, pad, dflt, my, ma, madflt) (dflt) | (madflt) << 1,
static const uint8_t default_in[] = {
#include "types/coll_ids.def"
};
#undef COLL_ROW

enum { N_ROWS = ARRAY_LEN(rows_), MAX_ID = 4096 };

static uint16_t by_id[MAX_ID]; /* row + 1; the first of an id */

static bool has_suffix(const char *name, const char *suffix)
{
    size_t n = strlen(name), m = strlen(suffix);

    return n >= m && strcmp(name + n - m, suffix) == 0;
}

static enum coll_charset charset_code(const char *cs)
{
    if (!strcmp(cs, "binary"))
        return CS_BINARY;
    if (!strcmp(cs, "ascii"))
        return CS_ASCII;
    if (!strcmp(cs, "latin1"))
        return CS_LATIN1;
    if (!strcmp(cs, "utf8mb3"))
        return CS_UTF8MB3;
    if (!strcmp(cs, "utf8mb4"))
        return CS_UTF8MB4;
    return CS_OTHER;
}

static void find_impl(struct collation *c)
{
    static const struct {
        const char *name;
        enum coll_impl impl;
        const void *data;
    } impls[] = {
        {"binary", COLL_BYTES, NULL},
        {"utf8mb4_0900_bin", COLL_BYTES, NULL},
        {"utf8mb4_bin", COLL_CODEPOINT, NULL},
        {"utf8mb4_nopad_bin", COLL_CODEPOINT, NULL},
        {"utf8mb3_bin", COLL_CODEPOINT, NULL},
        {"utf8mb3_nopad_bin", COLL_CODEPOINT, NULL},
        {"ascii_bin", COLL_TABLE8, NULL},
        {"ascii_nopad_bin", COLL_TABLE8, NULL},
        {"latin1_bin", COLL_TABLE8, NULL},
        {"latin1_nopad_bin", COLL_TABLE8, NULL},
        {"ascii_general_ci", COLL_TABLE8, ascii_general_ci_sort},
        {"ascii_general_nopad_ci", COLL_TABLE8, ascii_general_ci_sort},
        {"latin1_swedish_ci", COLL_TABLE8, latin1_swedish_ci_sort},
        {"latin1_swedish_nopad_ci", COLL_TABLE8, latin1_swedish_ci_sort},
        {"latin1_german1_ci", COLL_TABLE8, latin1_german1_ci_sort},
        {"latin1_danish_ci", COLL_TABLE8, latin1_danish_ci_sort},
        {"latin1_general_ci", COLL_TABLE8, latin1_general_ci_sort},
        {"latin1_general_cs", COLL_TABLE8, latin1_general_cs_sort},
        {"latin1_spanish_ci", COLL_TABLE8, latin1_spanish_ci_sort},
        {"utf8mb4_general_ci", COLL_GENERAL, &w_general},
        {"utf8mb4_general_nopad_ci", COLL_GENERAL, &w_general},
        {"utf8mb3_general_ci", COLL_GENERAL, &w_general},
        {"utf8mb3_general_nopad_ci", COLL_GENERAL, &w_general},
        {"utf8mb4_unicode_ci", COLL_UCA, &w_unicode},
        {"utf8mb4_unicode_nopad_ci", COLL_UCA, &w_unicode},
        {"utf8mb3_unicode_ci", COLL_UCA, &w_unicode},
        {"utf8mb3_unicode_nopad_ci", COLL_UCA, &w_unicode},
        {"utf8mb4_unicode_520_ci", COLL_UCA, &w_520},
        {"utf8mb4_unicode_520_nopad_ci", COLL_UCA, &w_520},
        {"utf8mb3_unicode_520_ci", COLL_UCA, &w_520},
        {"utf8mb4_0900_ai_ci", COLL_UCA, &w_0900},
        {"utf8mb4_0900_as_cs", COLL_UCA, &w_0900_as_cs},
        {"utf8mb4_uca1400_ai_ci", COLL_UCA, &w_1400},
        {"utf8mb4_uca1400_nopad_ai_ci", COLL_UCA, &w_1400},
        {"utf8mb3_uca1400_ai_ci", COLL_UCA, &w_1400},
        {"utf8mb3_uca1400_nopad_ai_ci", COLL_UCA, &w_1400},
    };

    for (size_t i = 0; i < ARRAY_LEN(impls); i++) {
        if (!strcmp(c->name, impls[i].name)) {
            c->impl = (uint8_t)impls[i].impl;
            c->data = impls[i].data;
        }
    }
}

/* Before main: the table is constant from then on. */
__attribute__((constructor)) static void init_rows(void)
{
    w_0900_as_cs = w_0900;
    w_0900_as_cs.level2 = &w_0900_2;
    w_0900_as_cs.level3 = &w_0900_3;
    w_1400 = w_1400_plain;
    w_1400.contr = w_1400_contr;
    w_1400.n_contr = ARRAY_LEN(w_1400_contr);
    w_1400.contr_pool = w_1400_contr_pool;
    for (size_t i = 0; i < N_ROWS; i++) {
        struct collation *c = &rows_[i];

        c->charset = (uint8_t)charset_code(c->charset_name);
        c->ci = has_suffix(c->name, "_ci");
        find_impl(c);
        if (c->id < MAX_ID && !by_id[c->id])
            by_id[c->id] = (uint16_t)(i + 1);
    }
}

const struct collation *coll_by_id(uint16_t id)
{
    return id < MAX_ID && by_id[id] ? &rows_[by_id[id] - 1] : NULL;
}

const struct collation *coll_by_id_mariadb(uint16_t id)
{
    const struct collation *c = coll_by_id(id);

    for (; c && c < rows_ + N_ROWS && c->id == id; c++) {
        if (c->in_mariadb)
            return c;
    }
    return coll_by_id(id);
}

/* "utf8" and "utf8_xxx" are utf8mb3's. */
static struct sv mb3_name(struct sv name, char *buf, size_t cap)
{
    if (name.len >= 4 && sv_eq_nocase((struct sv){name.ptr, 4}, SV("utf8")) && (name.len == 4 || name.ptr[4] == '_') &&
        name.len + 3 < cap) {
        memcpy(buf, "utf8mb3", 7);
        memcpy(buf + 7, name.ptr + 4, name.len - 4);
        return (struct sv){buf, name.len + 3};
    }
    return name;
}

const struct collation *coll_by_name(struct sv name)
{
    char buf[80];

    name = mb3_name(name, buf, sizeof(buf));
    for (size_t i = 0; i < N_ROWS; i++) {
        if (sv_eq_nocase(name, sv_cstr(rows_[i].name)))
            return &rows_[i];
    }
    return NULL;
}

const struct collation *coll_default_of(struct sv charset, bool mariadb)
{
    char buf[80];
    const struct collation *any = NULL;

    charset = mb3_name(charset, buf, sizeof(buf));
    for (size_t i = 0; i < N_ROWS; i++) {
        if (!default_in[i] || !sv_eq_nocase(charset, sv_cstr(rows_[i].charset_name)))
            continue;
        if (default_in[i] & (mariadb ? 2 : 1))
            return &rows_[i];
        any = &rows_[i];
    }
    return any;
}

const struct collation *coll_bin_of(struct sv charset)
{
    char buf[80];
    struct sv cs = mb3_name(charset, buf, sizeof(buf));

    for (size_t i = 0; i < N_ROWS; i++) {
        const struct collation *c = &rows_[i];

        if (sv_eq_nocase(cs, sv_cstr(c->charset_name)) &&
            (!strcmp(c->name, "binary") || (has_suffix(c->name, "_bin") && strlen(c->name) == cs.len + 4)))
            return c;
    }
    return NULL;
}

bool coll_id_is_native(uint16_t id)
{
    return coll_is_native(coll_by_id(id));
}

const struct collation *coll_all(size_t *n)
{
    *n = N_ROWS;
    return rows_;
}

/* ---- utf8 ---- */

unsigned coll_decode_utf8(const char *p, const char *end, uint32_t *cp)
{
    const unsigned char *s = (const unsigned char *)p;
    size_t n = (size_t)(end - p);

    if (n == 0)
        return 0;
    *cp = s[0];
    if (s[0] < 0x80)
        return 1;
    if (s[0] >= 0xc2 && s[0] < 0xe0 && n >= 2 && (s[1] & 0xc0) == 0x80) {
        *cp = (uint32_t)(s[0] & 0x1f) << 6 | (s[1] & 0x3fu);
        return 2;
    }
    if (s[0] >= 0xe0 && s[0] < 0xf0 && n >= 3 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80) {
        *cp = (uint32_t)(s[0] & 0xf) << 12 | (uint32_t)(s[1] & 0x3f) << 6 | (s[2] & 0x3fu);
        if (*cp >= 0x800 && (*cp < 0xd800 || *cp > 0xdfff))
            return 3;
    }
    if (s[0] >= 0xf0 && s[0] < 0xf5 && n >= 4 && (s[1] & 0xc0) == 0x80 && (s[2] & 0xc0) == 0x80 && (s[3] & 0xc0) == 0x80) {
        *cp = (uint32_t)(s[0] & 7) << 18 | (uint32_t)(s[1] & 0x3f) << 12 | (uint32_t)(s[2] & 0x3f) << 6 | (s[3] & 0x3fu);
        if (*cp >= 0x10000 && *cp <= 0x10ffff)
            return 4;
    }
    *cp = (uint32_t)CP_INVALID;
    return 1;
}

unsigned coll_encode_utf8(uint32_t cp, char *p)
{
    if (cp < 0x80) {
        p[0] = (char)cp;
        return 1;
    }
    if (cp < 0x800) {
        p[0] = (char)(0xc0 | cp >> 6);
        p[1] = (char)(0x80 | (cp & 0x3f));
        return 2;
    }
    if (cp < 0x10000) {
        p[0] = (char)(0xe0 | cp >> 12);
        p[1] = (char)(0x80 | (cp >> 6 & 0x3f));
        p[2] = (char)(0x80 | (cp & 0x3f));
        return 3;
    }
    p[0] = (char)(0xf0 | cp >> 18);
    p[1] = (char)(0x80 | (cp >> 12 & 0x3f));
    p[2] = (char)(0x80 | (cp >> 6 & 0x3f));
    p[3] = (char)(0x80 | (cp & 0x3f));
    return 4;
}

static uint8_t latin1_of(uint32_t cp)
{
    if (cp < 0x80 || (cp >= 0xa0 && cp < 0x100))
        return (uint8_t)cp;
    for (unsigned i = 0x80; i < 0xa0; i++) {
        if (latin1_to_unicode[i] == cp)
            return (uint8_t)i;
    }
    return '?';
}

/* ---- weights ---- */

struct weights {
    const struct collation *c;
    const struct coll_weights *t; /* UCA: the level's table */
    const char *p, *end;
    const uint16_t *more; /* rest of the current character's weights */
    unsigned n_more;
    uint16_t buf[8];
};

static void weights_init(struct weights *w, const struct collation *c, struct sv s)
{
    w->c = c;
    w->t = c->data;
    w->p = s.ptr;
    w->end = s.ptr + s.len;
    w->n_more = 0;
}

/* Levels that count: 3 for utf8mb4_0900_as_cs, else 1. */
static unsigned levels_of(const struct collation *c)
{
    return c->impl == COLL_UCA && ((const struct coll_weights *)c->data)->level3 ? 3 : 1;
}

static void weights_init_level(struct weights *w, const struct collation *c, struct sv s, unsigned level)
{
    const struct coll_weights *t = c->data;

    weights_init(w, c, s);
    if (level > 1)
        w->t = level == 2 ? t->level2 : t->level3;
}

static bool in_ranges(const struct cp_range *r, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (cp > r[mid].to)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && r[lo].from <= cp && cp <= r[lo].to;
}

static uint32_t entry_of(const struct coll_weights *t, uint32_t cp)
{
    const uint32_t *page = t->pages[cp >> 8];

    return page ? page[cp & 255] : t->dflt ? t->dflt : (uint32_t)W_IMPLICIT;
}

static int contraction_cmp(const struct contraction *c, const uint32_t *cp)
{
    for (int i = 0; i < 3; i++) {
        if (c->cp[i] != cp[i])
            return c->cp[i] < cp[i] ? -1 : 1;
    }
    return 0;
}

static const struct contraction *find_contraction(const struct coll_weights *t, const uint32_t cp[3])
{
    size_t lo = 0, hi = t->n_contr;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (contraction_cmp(&t->contr[mid], cp) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < t->n_contr && contraction_cmp(&t->contr[lo], cp) == 0 ? &t->contr[lo] : NULL;
}

/* cp has been taken. Takes the rest of the longest contraction that begins with it; false: none does. */
static bool take_contraction(struct weights *w, uint32_t cp)
{
    uint32_t cps[3] = {cp, 0, 0};
    const struct contraction *c = NULL;
    const char *p = w->p, *behind[3] = {NULL, NULL, NULL};
    unsigned n;

    /* No character below U+0100 begins one but by the table. */
    if (cp < w->t->contr[0].cp[0] || w->p == w->end)
        return false;
    for (n = 1; n < 3 && p < w->end; n++) {
        p += coll_decode_utf8(p, w->end, &cps[n]);
        behind[n] = p;
        if (cps[n] == (uint32_t)CP_INVALID)
            break;
    }
    for (; n > 1 && !c; n--) {
        for (unsigned i = n; i < 3; i++)
            cps[i] = 0;
        c = find_contraction(w->t, cps);
    }
    if (!c)
        return false;
    w->p = behind[c->n - 1];
    w->more = w->t->contr_pool + c->at;
    w->n_more = c->n_weights;
    return true;
}

/* Sequences that are not in the page tables. Puts them into w->buf. */
static void computed_weights(struct weights *w, const struct coll_weights *t, uint32_t cp)
{
    uint32_t base = 0xfbc0;

    if (t->hangul_by_jamo && cp >= 0xac00 && cp < 0xd7a4) {
        uint32_t s = cp - 0xac00, jamo[3] = {0x1100 + s / 588, 0x1161 + s % 588 / 28, 0x11a7 + s % 28};
        unsigned n = 0;

        for (unsigned i = 0; i < (s % 28 ? 3u : 2u); i++) {
            uint32_t e = entry_of(t, jamo[i]);

            if (e && e < 0x10000)
                w->buf[n++] = (uint16_t)e;
        }
        w->more = w->buf;
        w->n_more = n;
        return;
    }
    if (in_ranges(t->fb40, t->n_fb40, cp))
        base = 0xfb40;
    else if (in_ranges(t->fb80, t->n_fb80, cp))
        base = 0xfb80;
    w->buf[0] = (uint16_t)(base + (cp >> 15));
    w->buf[1] = (uint16_t)((cp & 0x7fff) | 0x8000);
    w->more = w->buf;
    w->n_more = 2;
}

/* Next weight; false at the end. Weights of zero are skipped for UCA. */
static bool weights_next(struct weights *w, uint32_t *out)
{
    const struct coll_weights *t;
    uint32_t cp, e;
    unsigned n;

    for (;;) {
        if (w->n_more) {
            w->n_more--;
            *out = *w->more++;
            return true;
        }
        if (w->p == w->end)
            return false;
        if (w->c->impl == COLL_BYTES) {
            *out = (unsigned char)*w->p++;
            return true;
        }
        n = coll_decode_utf8(w->p, w->end, &cp);
        if (UNLIKELY(cp == (uint32_t)CP_INVALID)) {
            *out = 0x110000u + (unsigned char)*w->p++;
            return true;
        }
        w->p += n;
        switch ((enum coll_impl)w->c->impl) {
        case COLL_NOT_NATIVE:
        case COLL_BYTES:
        case COLL_CODEPOINT:
            *out = cp;
            return true;
        case COLL_TABLE8:
            *out = latin1_of(cp);
            if (w->c->data)
                *out = ((const uint8_t *)w->c->data)[*out];
            return true;
        case COLL_GENERAL:
            t = w->c->data;
            *out = cp > 0xffff ? 0xfffd : entry_of(t, cp);
            return true;
        case COLL_UCA:
            t = w->t;
            if (cp > 0xffff && t->over_bmp_fffd) {
                *out = 0xfffd;
                return true;
            }
            if (t->n_contr && take_contraction(w, cp))
                continue;
            e = entry_of(t, cp);
            if (e == 0)
                continue;
            if (e < 0x10000) {
                *out = e;
                return true;
            }
            if (e == (uint32_t)W_IMPLICIT) {
                computed_weights(w, t, cp);
            } else {
                w->more = t->pool + (e & 0xffffff);
                w->n_more = e >> 24 & 0x7f;
            }
            continue;
        }
    }
}

static uint32_t space_weight(const struct collation *c)
{
    switch ((enum coll_impl)c->impl) {
    case COLL_TABLE8:
        return c->data ? ((const uint8_t *)c->data)[' '] : ' ';
    case COLL_GENERAL:
    case COLL_UCA:
        return ((const struct coll_weights *)c->data)->space;
    case COLL_NOT_NATIVE:
    case COLL_BYTES:
    case COLL_CODEPOINT:
        break;
    }
    return ' ';
}

static const struct collation *coll_or_bin(uint16_t id)
{
    const struct collation *c = coll_by_id(id);

    return c ? c : coll_by_id(46);
}

static int compare_level(const struct collation *c, struct sv a, struct sv b, bool pad, unsigned level)
{
    struct weights x, y;
    uint32_t wx, wy, sp;
    bool hx, hy;

    weights_init_level(&x, c, a, level);
    weights_init_level(&y, c, b, level);
    sp = space_weight(c);
    for (;;) {
        hx = weights_next(&x, &wx);
        hy = weights_next(&y, &wy);
        if (!hx && !hy)
            return 0;
        if (!hx || !hy) {
            if (!pad)
                return hx ? 1 : -1;
            if (!hx)
                wx = sp;
            else
                wy = sp;
        }
        if (wx != wy)
            return wx < wy ? -1 : 1;
    }
}

static int compare_weights(const struct collation *c, struct sv a, struct sv b, bool pad)
{
    unsigned levels = levels_of(c);
    int r = compare_level(c, a, b, pad, 1);

    for (unsigned i = 2; i <= levels && r == 0; i++)
        r = compare_level(c, a, b, pad, i);
    return r;
}

static int sign_of(int c)
{
    return (c > 0) - (c < 0);
}

int coll_compare(uint16_t id, struct sv a, struct sv b)
{
    const struct collation *c = coll_or_bin(id);

    if (c->impl == COLL_BYTES)
        return sign_of(sv_cmp(a, b));
    /* Equal bytes in front weigh the same; back up to a character's start. */
    if (a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0))
        return 0;
    return compare_weights(c, a, b, c->pad_space);
}

static struct sv strip_spaces(const struct collation *c, struct sv s)
{
    if (c->pad_space && c->impl != COLL_BYTES) {
        while (s.len && s.ptr[s.len - 1] == ' ')
            s.len--;
    }
    return s;
}

uint64_t coll_hash(uint16_t id, struct sv s, uint64_t seed)
{
    const struct collation *c = coll_or_bin(id);
    struct weights w;
    uint32_t buf[128], sp, spaces = 0;
    size_t n = 0;
    uint64_t h = seed;

    s = strip_spaces(c, s);
    if (c->impl == COLL_BYTES || c->impl == COLL_CODEPOINT || c->impl == COLL_NOT_NATIVE)
        return hash64_seed(s.ptr, s.len, seed);
    sp = space_weight(c);
    weights_init(&w, c, s);
    /* Other characters weigh as spaces too (no-break space): runs are held back until something follows. */
    for (;;) {
        uint32_t x;

        if (!weights_next(&w, &x))
            break;
        if (c->pad_space && x == sp) {
            spaces++;
            continue;
        }
        do {
            if (n == ARRAY_LEN(buf)) {
                h = hash64_seed(buf, sizeof(buf), h);
                n = 0;
            }
            buf[n++] = spaces ? sp : x;
        } while (spaces && spaces--);
    }
    h = hash64_seed(buf, n * sizeof(buf[0]), h);
    for (unsigned level = 2; level <= levels_of(c); level++) {
        uint32_t x;

        n = 0;
        for (weights_init_level(&w, c, s, level); weights_next(&w, &x);) {
            if (n == ARRAY_LEN(buf)) {
                h = hash64_seed(buf, sizeof(buf), h);
                n = 0;
            }
            buf[n++] = x;
        }
        h = hash64_seed(buf, n * sizeof(buf[0]), h);
    }
    return h;
}

/* Bytes of one weight in WEIGHT_STRING(). */
static unsigned weight_bytes(const struct collation *c)
{
    switch ((enum coll_impl)c->impl) {
    case COLL_BYTES:
    case COLL_TABLE8:
        return 1;
    case COLL_CODEPOINT:
        return c->charset == CS_UTF8MB4 ? 3 : 2;
    case COLL_GENERAL:
    case COLL_UCA:
        return 2;
    case COLL_NOT_NATIVE:
        break;
    }
    return 3;
}

static void put_weight(struct strbuf *b, uint32_t w, unsigned bytes)
{
    char buf[4];

    for (unsigned i = 0; i < bytes; i++)
        buf[i] = (char)(w >> 8 * (bytes - 1 - i));
    strbuf_put(b, buf, bytes);
}

void coll_sortkey(uint16_t id, struct sv s, struct strbuf *b)
{
    const struct collation *c = coll_or_bin(id);
    unsigned bytes = weight_bytes(c);
    uint32_t x, sp = space_weight(c), spaces = 0;
    struct weights w;

    if (c->impl == COLL_BYTES) {
        strbuf_putsv(b, s);
        return;
    }
    weights_init(&w, c, s);
    while (weights_next(&w, &x)) {
        if (c->pad_space && x == sp) {
            spaces++;
            continue;
        }
        for (; spaces; spaces--)
            put_weight(b, sp, bytes);
        put_weight(b, x, bytes);
    }
    for (unsigned level = 2; level <= levels_of(c); level++) {
        put_weight(b, 0, bytes);
        for (weights_init_level(&w, c, s, level); weights_next(&w, &x);)
            put_weight(b, x, bytes);
    }
}

/* Runs of the pad's weight are followed by what decides between them and endless padding: 1 a smaller weight comes (the
 * longer run is greater), 2 the end, 3 a greater one comes (the longer run is smaller). */
void coll_orderkey(uint16_t id, struct sv s, struct strbuf *b)
{
    const struct collation *c = coll_or_bin(id);
    uint32_t x, sp = space_weight(c), run;
    struct weights w;
    bool more;

    weights_init(&w, c, s);
    more = weights_next(&w, &x);
    if (!c->pad_space) {
        for (; more; more = weights_next(&w, &x))
            put_weight(b, x + 1, 3);
        put_weight(b, 0, 3);
        for (unsigned level = 2; level <= levels_of(c); level++) {
            for (weights_init_level(&w, c, s, level); weights_next(&w, &x);)
                put_weight(b, x + 1, 3);
            put_weight(b, 0, 3);
        }
        return;
    }
    for (;;) {
        for (; more && x != sp; more = weights_next(&w, &x))
            put_weight(b, x, 3);
        for (run = 0; more && x == sp; more = weights_next(&w, &x))
            run++;
        put_weight(b, sp, 3);
        if (!more) {
            put_weight(b, 2, 1);
            return;
        }
        put_weight(b, x < sp ? 1 : 3, 1);
        put_weight(b, x < sp ? run : ~run, 4);
    }
}

/* ---- LIKE, LOCATE ---- */

/* One character's weights against another's. */
static bool char_equal(const struct collation *c, const char *a, unsigned na, const char *b, unsigned nb)
{
    if (na == nb && memcmp(a, b, na) == 0)
        return true;
    if (c->impl == COLL_BYTES || c->impl == COLL_CODEPOINT || c->impl == COLL_NOT_NATIVE)
        return false;
    if ((na == 4 || nb == 4) && c->impl == COLL_UCA && ((const struct coll_weights *)c->data)->over_bmp_fffd)
        return false; /* beyond the table each is itself here, though they weigh alike */
    return compare_weights(c, (struct sv){a, na}, (struct sv){b, nb}, false) == 0;
}

static unsigned char_len(const struct collation *c, const char *p, const char *end)
{
    uint32_t cp;

    return c->impl == COLL_BYTES && c->charset == CS_BINARY ? (p < end ? 1 : 0) : coll_decode_utf8(p, end, &cp);
}

bool coll_like(uint16_t id, struct sv s, struct sv pattern, uint32_t escape)
{
    const struct collation *c = coll_or_bin(id);
    const char *p = pattern.ptr, *pe = p + pattern.len, *t = s.ptr, *te = t + s.len;
    const char *star_p = NULL, *star_t = NULL;
    char esc[4];
    unsigned esc_len = escape ? coll_encode_utf8(escape, esc) : 0;

    for (;;) {
        if (p < pe) {
            unsigned np = char_len(c, p, pe), nt;
            const char *lit = p;
            bool escaped = false;

            if (esc_len && np == esc_len && memcmp(p, esc, np) == 0 && p + np < pe) {
                lit = p + np;
                np = char_len(c, lit, pe);
                escaped = true;
            }
            if (!escaped && *p == '%') {
                star_p = ++p;
                star_t = t;
                continue;
            }
            if (t < te) {
                nt = char_len(c, t, te);
                if ((!escaped && *p == '_') || char_equal(c, t, nt, lit, np)) {
                    t += nt;
                    p = lit + np;
                    continue;
                }
            }
        } else if (t == te) {
            return true;
        }
        if (!star_p || star_t >= te)
            return false;
        star_t += char_len(c, star_t, te);
        t = star_t;
        p = star_p;
    }
}

/* Whether the text at p begins with needle. Characters without weights count for nothing. */
static bool found_at(const struct collation *c, const char *p, const char *end, struct sv needle, bool by_bytes)
{
    struct weights x, y;
    uint32_t wx, wy;

    if (needle.len == 0)
        return true;
    if ((size_t)(end - p) >= needle.len && memcmp(p, needle.ptr, needle.len) == 0)
        return true;
    if (c->impl == COLL_NOT_NATIVE || c->impl == COLL_BYTES || c->impl == COLL_CODEPOINT || p == end)
        return false;
    if (by_bytes && c->impl != COLL_TABLE8)
        return (size_t)(end - p) >= needle.len && compare_weights(c, (struct sv){p, needle.len}, needle, false) == 0;
    /* At each level the needle's weights must be the first ones. */
    for (unsigned level = 1; level <= levels_of(c); level++) {
        weights_init_level(&x, c, (struct sv){p, (size_t)(end - p)}, level);
        weights_init_level(&y, c, needle, level);
        while (weights_next(&y, &wy)) {
            if (!weights_next(&x, &wx) || wx != wy)
                return false;
        }
    }
    return true;
}

size_t coll_locate(uint16_t id, struct sv s, struct sv needle, size_t from, bool by_bytes)
{
    const struct collation *c = coll_or_bin(id);
    const char *p = s.ptr, *end = p + s.len;
    size_t pos = 1;

    if (from == 0)
        return 0;
    for (; pos < from && p < end; pos++)
        p += char_len(c, p, end);
    if (pos < from)
        return 0;
    for (;; pos++) {
        if (found_at(c, p, end, needle, by_bytes))
            return pos;
        if (p == end)
            return 0;
        p += char_len(c, p, end);
    }
}

/* ---- case ---- */

static uint32_t map_case(const struct case_pair *t, size_t n, uint32_t cp)
{
    size_t lo = 0, hi = n;

    while (lo < hi) {
        size_t mid = (lo + hi) / 2;

        if (t[mid].from < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < n && t[lo].from == cp ? t[lo].to : cp;
}

static struct sv change_case(uint16_t id, struct sv s, struct arena *a, bool up)
{
    const struct collation *c = coll_or_bin(id);
    const struct case_pair *t;
    size_t n, len = 0;
    const char *p = s.ptr, *end = p + s.len;
    bool is_0900 = strstr(c->name, "_0900_") != NULL, is_520 = strstr(c->name, "_520_") != NULL,
         is_1400 = strstr(c->name, "_uca1400_") != NULL;
    char *buf;

    if (c->charset == CS_BINARY || s.len == 0)
        return s;
    if (is_1400) {
        t = up ? upper_1400 : lower_1400;
        n = up ? ARRAY_LEN(upper_1400) : ARRAY_LEN(lower_1400);
    } else if (is_0900) {
        t = up ? upper_0900 : lower_0900;
        n = up ? ARRAY_LEN(upper_0900) : ARRAY_LEN(lower_0900);
    } else if (is_520) {
        t = up ? upper_520 : lower_520;
        n = up ? ARRAY_LEN(upper_520) : ARRAY_LEN(lower_520);
    } else {
        t = up ? upper_old : lower_old;
        n = up ? ARRAY_LEN(upper_old) : ARRAY_LEN(lower_old);
    }
    buf = arena_alloc(a, s.len * 2 + 4); /* no pair grows from one to more than two bytes, or two to more than three */
    while (p < end) {
        uint32_t cp, to;
        unsigned k;

        if ((unsigned char)*p < 0x80) {
            char ch = *p++;

            if (up ? ch >= 'a' && ch <= 'z' : ch >= 'A' && ch <= 'Z')
                ch ^= 0x20;
            buf[len++] = ch;
            continue;
        }
        k = coll_decode_utf8(p, end, &cp);
        to = cp == (uint32_t)CP_INVALID ? cp : map_case(t, n, cp);
        if (c->charset == CS_ASCII || (c->charset == CS_LATIN1 && (to > 0xff || cp < 0xc0 || to < 0xc0)))
            to = cp;
        if (to == cp) {
            memcpy(buf + len, p, k);
            len += k;
        } else {
            len += coll_encode_utf8(to, buf + len);
        }
        p += k;
    }
    return (struct sv){buf, len};
}

struct sv coll_upper(uint16_t id, struct sv s, struct arena *a)
{
    return change_case(id, s, a, true);
}

struct sv coll_lower(uint16_t id, struct sv s, struct arena *a)
{
    return change_case(id, s, a, false);
}

/* ---- lengths ---- */

size_t coll_chars(uint16_t id, struct sv s)
{
    const struct collation *c = coll_or_bin(id);
    const char *p = s.ptr, *end = p + s.len;
    size_t n = 0;
    uint32_t cp;

    if (c->charset == CS_BINARY)
        return s.len;
    for (; p < end; n++)
        p += coll_decode_utf8(p, end, &cp);
    return n;
}

size_t coll_chars_prefix(uint16_t id, struct sv s, size_t n_chars)
{
    const struct collation *c = coll_or_bin(id);
    const char *p = s.ptr, *end = p + s.len;
    uint32_t cp;

    if (c->charset == CS_BINARY)
        return MIN(n_chars, s.len);
    for (; p < end && n_chars; n_chars--)
        p += coll_decode_utf8(p, end, &cp);
    return (size_t)(p - s.ptr);
}

bool coll_is_valid(uint16_t id, struct sv s)
{
    const struct collation *c = coll_or_bin(id);
    const char *p = s.ptr, *end = p + s.len;
    uint32_t cp;

    if (c->charset == CS_BINARY)
        return true;
    while (p < end) {
        p += coll_decode_utf8(p, end, &cp);
        if (cp == (uint32_t)CP_INVALID || (cp > 0xffff && c->charset == CS_UTF8MB3))
            return false;
    }
    return true;
}

