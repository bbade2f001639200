/* Mapping texts back goes by `__p<digits>`: each place where that stands is looked at, and taken out where what is before it
 * and behind it says that it ends a physical name. With the tables known (names_scope_text) that is one of their names or of their
 * constraints', with a number that the table has; in DDL (names_to_logical), where constraints are only about to be, any name. */
#include "catalog/names.h"

#include "catalog/snapshot.h"
#include "util/strbuf.h"

#include <ctype.h>

enum {
    SUFFIX_MAX = 7,    /* __p and four digits: LIMIT_PARTITIONS */
    SCRATCH_SUFFIX = 9 /* __p and six digits */
};

int names_part_no(uint32_t i, uint32_t n)
{
    return n == 1 ? NAMES_BARE : (int)i;
}

struct sv names_physical(struct arena *a, struct sv table, int part_no)
{
    return part_no == NAMES_BARE ? table : arena_printf(a, "%.*s__p%d", SV_ARG(table), part_no);
}

bool names_fit(struct sv table, uint32_t n)
{
    return n == 1 || table.len <= NAMES_MAX - SUFFIX_MAX;
}

/* FNV-1a: another process may look for the name. */
static uint64_t fnv(struct sv s)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < s.len; i++)
        h = (h ^ (unsigned char)s.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

struct sv names_scratch(struct arena *a, struct sv table, uint32_t no)
{
    size_t keep = NAMES_MAX - SCRATCH_SUFFIX - 17;

    if (table.len <= NAMES_MAX - SCRATCH_SUFFIX)
        return arena_printf(a, "%.*s__p%06u", SV_ARG(table), no);
    while (keep > 0 && ((unsigned char)table.ptr[keep] & 0xc0) == 0x80) /* not inside a character */
        keep--;
    return arena_printf(a, "%.*s_%016llx__p%06u", (int)keep, table.ptr,
                        (unsigned long long)fnv(table), no);
}

bool names_split(struct sv name, struct sv *logical, uint32_t *part_no)
{
    size_t i = name.len;
    uint64_t n;

    while (i > 0 && isdigit((unsigned char)name.ptr[i - 1]))
        i--;
    if (i == name.len || i < 4 || memcmp(name.ptr + i - 3, "__p", 3) != 0 ||
        (name.ptr[i] == '0' && i + 1 < name.len) || !sv_to_u64(sv_make(name.ptr + i, name.len - i), &n) || n > UINT32_MAX)
        return false;
    *logical = sv_make(name.ptr, i - 3);
    *part_no = (uint32_t)n;
    return true;
}

bool names_is_partition_of(struct sv name, struct sv table, uint32_t *part_no)
{
    struct sv logical;

    return names_split(name, &logical, part_no) && sv_eq(logical, table);
}

/* A byte that may be part of an unquoted identifier. */
static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (unsigned char)c >= 0x80;
}

/* Does the name that ends at text[at] (where a `__p` begins) fit? With a table: its name or, for constraints, anything
 * if the suffix ends the identifier. */
static bool takes_suffix(struct sv text, size_t at, size_t behind, struct sv table)
{
    bool ends = behind == text.len || !is_word(text.ptr[behind]);

    if (at == 0)
        return false;
    if (ends)
        return true;
    if (text.ptr[behind] != '_')
        return false;
    if (!table.len)
        return true;
    return at >= table.len && memcmp(text.ptr + at - table.len, table.ptr, table.len) == 0;
}

/* Where names may begin: the value in "Duplicate entry '..' for key '..'" is the user's. */
static size_t behind_value(struct sv text)
{
    static const struct sv head = {"Duplicate entry '", 17}, tail = {"' for key '", 11};

    if (!sv_starts(text, head))
        return 0;
    for (size_t i = text.len; i-- > head.len;)
        if (text.len - i >= tail.len && memcmp(text.ptr + i, tail.ptr, tail.len) == 0)
            return i;
    return 0;
}

/* Whether `name` ends at text[at], and begins there as well. */
static bool stands_before(struct sv text, size_t at, struct sv name)
{
    return name.len && name.len <= at && memcmp(text.ptr + at - name.len, name.ptr, name.len) == 0 &&
           (name.len == at || !is_word(text.ptr[at - name.len - 1]));
}

/* `_chk_1`, `_ibfk_1`: what servers append to a table's name when they name its constraints. */
static bool generated_tail(struct sv text, size_t at)
{
    struct sv rest = sv_make(text.ptr + at, text.len - at);

    return sv_starts(rest, SV("_chk_")) || sv_starts(rest, SV("_ibfk_"));
}

/* Whether a physical table of t has that number. */
static bool is_number_of(const struct cat_table *t, uint64_t no, bool copies)
{
    return (t->parts_n > 1 && no < t->parts_n) || (copies && no >= NAMES_COPY_FIRST && no < NAMES_SCRATCH_PART);
}

/* Whether the digits [from, to) behind `__p`, which begins at text[at], end a physical name of t. */
static bool ends_name_of(struct sv text, size_t at, size_t to, const struct cat_table *t, bool copies)
{
    bool ends = to == text.len || !is_word(text.ptr[to]);
    uint64_t no;

    if (!sv_to_u64(sv_make(text.ptr + at + 3, to - at - 3), &no) || !is_number_of(t, no, copies))
        return false;
    if (stands_before(text, at, t->name))
        return ends || generated_tail(text, to);
    for (uint32_t i = 0; ends && i < t->checks_n; i++)
        if (stands_before(text, at, t->checks[i].name))
            return true;
    for (uint32_t i = 0; ends && i < t->fks_n; i++)
        if (stands_before(text, at, t->fks[i].name))
            return true;
    return false;
}

struct sv names_scope_text(struct arena *a, struct sv text, const struct names_scope *s)
{
    struct strbuf b;
    size_t done = 0;

    if (!s->n || !text.len || !memmem(text.ptr, text.len, "__p", 3))
        return text;
    strbuf_init(&b, a);
    for (size_t i = behind_value(text); i + 3 < text.len;) {
        size_t to = i + 3;
        bool found = false;

        while (to < text.len && isdigit((unsigned char)text.ptr[to]))
            to++;
        if (to > i + 3 && memcmp(text.ptr + i, "__p", 3) == 0)
            for (size_t k = 0; k < s->n && !found; k++)
                found = ends_name_of(text, i, to, s->tables[k], s->copies);
        if (!found) {
            i++;
            continue;
        }
        strbuf_put(&b, text.ptr + done, i - done);
        done = i = to;
    }
    strbuf_put(&b, text.ptr + done, text.len - done);
    return sv_make(strbuf_cstr(&b), b.len);
}

struct sv names_scope_table(struct sv name, const struct names_scope *s)
{
    struct sv logical;
    uint32_t part_no;

    if (!s->n || !names_split(name, &logical, &part_no))
        return name;
    for (size_t i = 0; i < s->n; i++)
        if (is_number_of(s->tables[i], part_no, s->copies) && sv_eq(s->tables[i]->name, logical))
            return logical;
    return name;
}

struct sv names_to_logical(struct arena *a, struct sv text, struct sv table)
{
    struct strbuf b;
    size_t done = 0;

    if (!text.len || !memmem(text.ptr, text.len, "__p", 3))
        return text;
    strbuf_init(&b, a);
    for (size_t i = behind_value(text); i + 3 < text.len;) {
        size_t j = i + 3;

        if (memcmp(text.ptr + i, "__p", 3) != 0) {
            i++;
            continue;
        }
        while (j < text.len && isdigit((unsigned char)text.ptr[j]))
            j++;
        if (j == i + 3 || !takes_suffix(text, i, j, table)) {
            i++;
            continue;
        }
        strbuf_put(&b, text.ptr + done, i - done);
        done = i = j;
    }
    strbuf_put(&b, text.ptr + done, text.len - done);
    return sv_make(strbuf_cstr(&b), b.len);
}

static struct sv names_table_to_logical(struct sv name)
{
    struct sv logical;
    uint32_t part_no;

    return names_split(name, &logical, &part_no) ? logical : name;
}

struct sv names_of_scratch(struct arena *a, struct sv text, struct sv table)
{
    struct sv cut = names_table_to_logical(names_scratch(a, table, 0));
    const char *at = table.len && !sv_eq(cut, table) ? memmem(text.ptr, text.len, cut.ptr, cut.len) : NULL;

    if (!at)
        return text;
    return arena_concat(a, (struct sv[]){{text.ptr, (size_t)(at - text.ptr)}, table,
                                         {at + cut.len, (size_t)(text.ptr + text.len - at) - cut.len}}, 3);
}
