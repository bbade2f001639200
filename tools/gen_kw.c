/* Makes the perfect hash table of keywords (parser/kw_table.h, on standard output) from parser/kw.def: words are put
 * into buckets by one hash; for each bucket, largest first, a displacement is searched that sends all its words to free
 * slots. Run by make. */
#include "parser/kw_hash.h"

#include <stdio.h>
#include <stdlib.h>

static const char *const words[] = {
#define KW(name, flags) #name,
#include "parser/kw.def"
#undef KW
};

enum { NWORDS = sizeof words / sizeof words[0] };

static uint64_t hashes[NWORDS];
static int slots[KW_SLOTS];         /* word + 1, or 0 */
static unsigned displaced[KW_BUCKETS];
static int buckets[KW_BUCKETS][64]; /* words of a bucket */
static int sizes[KW_BUCKETS];

static int place(int bucket)
{
    for (unsigned d = 0; d < 65536; d++) {
        int n = 0;

        for (; n < sizes[bucket]; n++) {
            uint32_t s = kw_slot(hashes[buckets[bucket][n]], d);

            if (slots[s])
                break;
            slots[s] = buckets[bucket][n] + 1;
        }
        if (n == sizes[bucket]) {
            displaced[bucket] = d;
            return 1;
        }
        while (n-- > 0)
            slots[kw_slot(hashes[buckets[bucket][n]], d)] = 0;
    }
    return 0;
}

int main(void)
{
    for (int i = 0; i < NWORDS; i++) {
        size_t n = strlen(words[i]);
        uint32_t b;

        if (n > KW_MAX_LEN) {
            fprintf(stderr, "gen_kw: %s is longer than KW_MAX_LEN\n", words[i]);
            return EXIT_FAILURE;
        }
        hashes[i] = kw_mix(kw_fold(kw_load(words[i], n), n), n);
        b = kw_bucket(hashes[i]);
        buckets[b][sizes[b]++] = i;
    }
    for (int size = 63; size > 0; size--) {
        for (int b = 0; b < KW_BUCKETS; b++) {
            if (sizes[b] == size && !place(b)) {
                fprintf(stderr, "gen_kw: no displacement for bucket %d\n", b);
                return EXIT_FAILURE;
            }
        }
    }
    printf("/* Made by tools/gen_kw from parser/kw.def. */\n");
    printf("static const uint16_t kw_displacements[KW_BUCKETS] = {");
    for (int b = 0; b < KW_BUCKETS; b++)
        printf("%s%u,", b % 16 ? " " : "\n    ", displaced[b]);
    printf("\n};\nstatic const uint16_t kw_slots[KW_SLOTS] = {");
    for (int s = 0; s < KW_SLOTS; s++)
        printf("%s%d,", s % 16 ? " " : "\n    ", slots[s]);
    printf("\n};\n");
    printf("static const struct { struct kw_key key; uint8_t len; } kw_keys[] = {\n");
    for (int i = 0; i < NWORDS; i++) {
        size_t n = strlen(words[i]);
        struct kw_key k = kw_fold(kw_load(words[i], n), n);

        printf("    {{0x%llxu, 0x%llxu}, %zu}, /* %s */\n", (unsigned long long)k.a, (unsigned long long)k.b, n, words[i]);
    }
    printf("};\n");
    return EXIT_SUCCESS;
}
