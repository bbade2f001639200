/* A table's stored form: damaged text is refused or read; what is read and finishes is written and
 * read again the same. */
#include "router/part.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct cat_table *t = cat_table_new(SV("d"), SV("t")), *again;
    struct diag d = {0};
    struct arena a;

    arena_init(&a, 0);
    if (cat_table_from_json(t, sv_make((const char *)data, size), &d)) {
        uint32_t shards[3] = {1, 2, 3};

        t->kind = t->part.method == CAT_PART_NONE ? CAT_BROADCAST : CAT_PARTITIONED;
        if (t->kind == CAT_PARTITIONED)
            cat_table_spread(t, 3, shards);
        if (cat_table_finish(t, &d)) {
            struct sv one = cat_table_to_json(t, &a);

            again = cat_table_clone(t);
            CHECK(sv_eq(one, cat_table_to_json(again, &a)));
            (void)part_of(t)->broken;
            cat_table_unref(again);
        }
    }
    arena_free(&a);
    cat_table_unref(t);
    return 0;
}
