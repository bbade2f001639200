/* A main for fuzz targets where libFuzzer is not linked: feeds each file named on the command line to the target, then
 * each of its prefixes up to a limit, so that cut-off input is tried too. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { FILE_MAX_BYTES = 1 << 20, PREFIX_MAX_BYTES = 2048 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

/* Copies to a block of exactly that size, so that AddressSanitizer sees one byte too many. */
static void feed(const uint8_t *data, size_t len)
{
    uint8_t *copy = malloc(len + (len == 0));
    if (!copy)
        abort();
    for (size_t i = 0; i < len; i++)
        copy[i] = data[i];
    (void)LLVMFuzzerTestOneInput(copy, len);
    free(copy);
}

static int replay_file(const char *name)
{
    static uint8_t buf[FILE_MAX_BYTES];
    FILE *f = fopen(name, "rb");
    if (!f) {
        perror(name);
        return 1;
    }
    size_t len = fread(buf, 1, sizeof buf, f);
    fclose(f);
    fprintf(stderr, "%s\n", name);
    feed(buf, len);
    for (size_t i = 0; i < len && i < PREFIX_MAX_BYTES; i++)
        feed(buf, i);
    return 0;
}

int main(int argc, char **argv)
{
    int bad = 0;
    feed((const uint8_t *)"", 0);
    for (int i = 1; i < argc; i++)
        bad |= replay_file(argv[i]);
    return bad;
}
