/* The configuration: whatever bytes come, the loader says yes or names what is wrong. */
#include "conf/conf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct diag d = {0};
    struct arena a;
    struct strbuf errors;
    struct conf *c;

    arena_init(&a, 0);
    strbuf_init(&errors, &a);
    if (conf_parse(sv_make((const char *)data, size), "input", &c, &errors, &d))
        conf_unref(c);
    else
        CHECK(diag_is_set(&d) && errors.len);
    arena_free(&a);
    return 0;
}
