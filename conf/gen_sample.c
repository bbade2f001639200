/* Prints the sample configuration, or with --describe the list of options; run by make. */
#include "conf/conf.h"

#include <stdio.h>

int main(int argc, char **argv)
{
    struct arena a;
    struct strbuf b;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    if (argc > 1 && strcmp(argv[1], "--describe") == 0)
        conf_describe(&b);
    else
        conf_sample(&b);
    fwrite(b.ptr, 1, b.len, stdout);
    arena_free(&a);
    return ferror(stdout) ? 1 : 0;
}
