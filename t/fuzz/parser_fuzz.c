/* Parses any text; what parses is written and parsed again, and the two trees must be equal. The first byte chooses
 * flavor and sql_mode. */
#include "parser/deparse.h"
#include "parser/parse.h"

#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static NORETURN void differ(const char *what, struct sv from, struct strbuf *text)
{
    fprintf(stderr, "%s:\n%.*s\n%s\n", what, SV_ARG(from), strbuf_cstr(text));
    abort();
}

static void round_trip(struct arena *a, const struct sql_opts *sql, const struct parse_result *r, struct sv text)
{
    struct deparse_opts dopts = {.sql = sql};
    struct sv from = sv_make(text.ptr + r->begin, r->end - r->begin);
    struct parse_result again;
    struct strbuf out, dump;
    struct diag d = {0};

    strbuf_init(&out, a);
    deparse(r->stmt, &dopts, &out);
    if (!parser_parse(strbuf_sv(&out), 0, sql, a, &again, &d)) {
        /* A few parentheses more than the source had may be one level too deep. */
        if (strstr(d.text, "too deep"))
            return;
        fprintf(stderr, "%s\n", d.text);
        differ("what was written does not parse", from, &out);
    }
    if (!ast_equal(r->stmt, again.stmt)) {
        strbuf_init(&dump, a);
        ast_dump(r->stmt, &dump);
        strbuf_puts(&dump, "----\n");
        ast_dump(again.stmt, &dump);
        fputs(strbuf_cstr(&dump), stderr);
        differ("the trees differ", from, &out);
    }
    if (!ast_equal(r->stmt, ast_copy(a, r->stmt)))
        differ("the copy differs", from, &out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct sql_opts sql = {0};
    struct sv text;
    struct arena a;
    uint32_t from = 0;

    if (size < 2)
        return 0;
    sql.flavor = data[0] & 1 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
    sql.mode = data[0] >> 1 & 31;
    text = sv_make((const char *)data + 1, size - 1);
    arena_init(&a, 0);
    while (from < text.len) {
        struct parse_result r;
        struct diag d = {0};

        if (!parser_parse(text, from, &sql, &a, &r, &d))
            break;
        round_trip(&a, &sql, &r, text);
        CHECK(r.next > from);
        from = r.next;
        arena_reset(&a);
    }
    arena_free(&a);
    return 0;
}
