#include "util/hash.h"
#include "util/rand.h"

uint64_t hash_process_seed;

static __attribute__((constructor)) void hash_seed_init(void)
{
    rand_secure(&hash_process_seed, sizeof(hash_process_seed));
}

uint64_t hash_sv_nocase(struct sv s)
{
    char buf[256];
    uint64_t h = hash_process_seed;
    size_t at = 0;

    do {
        size_t n = MIN(s.len - at, sizeof(buf));

        for (size_t i = 0; i < n; i++) {
            char c = s.ptr[at + i];

            buf[i] = c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
        }
        h = hash64_seed(buf, n, h);
        at += n;
    } while (at < s.len);
    return h;
}
