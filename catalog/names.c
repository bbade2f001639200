#include "catalog/names.h"

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

struct sv names_to_logical(struct arena *a, struct sv text, struct sv table)
{
    struct strbuf b;
    size_t done = 0;

    if (!text.len || !memmem(text.ptr, text.len, "__p", 3))
        return text;
    strbuf_init(&b, a);
    for (size_t i = 0; i + 3 < text.len;) {
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

struct sv names_table_to_logical(struct sv name)
{
    struct sv logical;
    uint32_t part_no;

    return names_split(name, &logical, &part_no) ? logical : name;
}
