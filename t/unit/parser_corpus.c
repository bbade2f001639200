/* Reads files of SQL statements, parses each, writes it from its AST, parses that, and compares the two ASTs.
 *
 *   parser_corpus [-m] [-M MODE[,MODE..]] [-0] [-q] [-p] [-l] FILE..
 *     -m  MariaDB's flavor (else MySQL's)      -M  sql_mode: ansi_quotes, pipes, no_backslash, ignore_space, high_not
 *     -0  statements end with a NUL byte       -q  counts only      -p  print what the deparser wrote
 *     -d  only write what the deparser makes of each statement (or the statement itself, where it does not parse), NUL
 *         behind each, for asking servers whether they take that too
 *     -l  a line a statement: "ok" | "syntax" | "roundtrip", in the order of the file (for comparing with servers)
 * A file may begin with "-- flavor: mariadb" and "-- mode: .." lines. Without FILE: the corpus in t/sql/corpus below
 * $srcdir. Prints TAP, a test a file; statements that begin with "!" must not parse. What parses with any other sql_mode or in the
 * other flavor must be the same again there too (not of files with -0). */
#include "parser/deparse.h"
#include "parser/digest.h"
#include "parser/parse.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct {
    struct sql_opts sql;
    bool nul, quiet, print, lines, text;
    bool others; /* not the mode of the file: refusals are no news */
} opt;

struct counts {
    unsigned total, parsed, same;
};

static uint32_t mode_of(const char *s)
{
    static const struct {
        const char *name;
        uint32_t bit;
    } modes[] = {{"ansi_quotes", SQL_ANSI_QUOTES},
                 {"pipes", SQL_PIPES_AS_CONCAT},
                 {"no_backslash", SQL_NO_BACKSLASH_ESCAPES},
                 {"ignore_space", SQL_IGNORE_SPACE},
                 {"high_not", SQL_HIGH_NOT_PRECEDENCE}};
    uint32_t mode = 0;

    for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
        if (strstr(s, modes[i].name))
            mode |= modes[i].bit;
    }
    return mode;
}

static char *read_file(const char *path, size_t *len)
{
    FILE *f = fopen(path, "rb");
    size_t cap = 1 << 16;
    char *buf = xmalloc(cap);

    *len = 0;
    if (!f) {
        perror(path);
        exit(EXIT_FAILURE);
    }
    for (size_t n; (n = fread(buf + *len, 1, cap - *len - 1, f)) > 0;) {
        *len += n;
        if (cap - *len < 2)
            buf = xrealloc(buf, cap *= 2);
    }
    fclose(f);
    buf[*len] = '\0';
    return buf;
}

static void complain(const char *what, struct sv stmt, const char *why)
{
    if (!opt.quiet && !opt.lines && !opt.text)
        printf("# %s: %.*s\n#   %s\n", what, (int)MIN(stmt.len, (size_t)2000), stmt.ptr, why);
}

/* True: deparse and parse again give the same tree. */
static bool round_trip(struct arena *a, const struct sql_opts *sql, const struct ast_node *n, struct sv stmt)
{
    struct deparse_opts dopts = {.sql = sql};
    struct strbuf text, dump;
    struct parse_result again;
    struct diag d = {0};

    strbuf_init(&text, a);
    deparse(n, &dopts, &text);
    if (opt.text) {
        fwrite(text.ptr, 1, text.len, stdout);
        putchar('\0');
        return true;
    }
    if (opt.print)
        printf("# %s\n", strbuf_cstr(&text));
    if (!parser_parse(strbuf_sv(&text), 0, sql, a, &again, &d)) {
        complain("written text does not parse", stmt, strbuf_cstr(&text));
        complain("error", sv_cstr(d.text), "");
        return false;
    }
    if (ast_equal(n, again.stmt) && ast_equal(n, ast_copy(a, n)))
        return true;
    complain("trees differ", stmt, strbuf_cstr(&text));
    if (opt.print) {
        strbuf_init(&dump, a);
        ast_dump(n, &dump);
        strbuf_puts(&dump, "----\n");
        ast_dump(again.stmt, &dump);
        fputs(strbuf_cstr(&dump), stdout);
    }
    return false;
}

/* Parses the statement at *from and moves *from behind it; false: the text is at its end. */
static bool one(struct arena *a, const struct sql_opts *sql, struct sv text, uint32_t *from, struct counts *c)
{
    struct parse_result r;
    struct diag d = {0};
    struct digest dg;
    bool must_fail = false, ok;
    struct sv stmt;

    digest_scan(text, *from, sql, NULL, 0, &dg);
    if (dg.begin >= text.len || dg.end <= dg.begin)
        return false;
    if (text.ptr[dg.begin] == '!') {
        must_fail = true;
        *from = dg.begin + 1;
    }
    c->total++;
    ok = parser_parse(text, *from, sql, a, &r, &d);
    stmt = ok ? sv_make(text.ptr + r.begin, r.end - r.begin) : sv_make(text.ptr + dg.begin, dg.end - dg.begin);
    *from = ok ? r.next : dg.next;
    if (opt.others && (must_fail || !ok))
        return true;
    if (must_fail) {
        c->parsed += !ok;
        c->same += !ok;
        if (ok)
            complain("must not parse", stmt, "");
        return true;
    }
    if (!ok) {
        complain("does not parse", stmt, d.text);
        if (opt.lines)
            puts("syntax");
        if (opt.text)
            printf("%.*s%c", SV_ARG(stmt), '\0');
        return true;
    }
    c->parsed++;
    ok = round_trip(a, sql, r.stmt, stmt);
    c->same += ok;
    if (opt.lines)
        puts(ok ? "ok" : "roundtrip");
    return true;
}

/* Of a text's statements, those that parse with any other sql_mode and in the other flavor must round-trip there too. */
static struct counts other_modes(struct arena *a, const struct sql_opts *own, struct sv text, uint32_t begin)
{
    struct counts c = {0, 0, 0};

    for (uint32_t i = 0; i < 64; i++) {
        struct sql_opts sql = *own;
        uint32_t from = begin;

        sql.mode = i & 31;
        sql.flavor = i & 32 ? SQL_FLAVOR_MARIADB : SQL_FLAVOR_MYSQL;
        while ((sql.mode != own->mode || sql.flavor != own->flavor) && one(a, &sql, text, &from, &c))
            arena_reset(a);
    }
    return c;
}

static struct counts file(const char *path, struct counts *others)
{
    struct sql_opts sql = opt.sql;
    struct counts c = {0, 0, 0};
    struct arena a;
    size_t len;
    char *buf = read_file(path, &len);
    const char *p = buf;

    *others = c;
    arena_init(&a, 0);
    while (p[0] == '-' && p[1] == '-') {
        const char *nl = strchr(p, '\n');
        char line[200];

        snprintf(line, sizeof line, "%.*s", nl ? (int)(nl - p) : 0, p);
        if (strstr(line, "flavor: mariadb"))
            sql.flavor = SQL_FLAVOR_MARIADB;
        if (strstr(line, "mode:"))
            sql.mode |= mode_of(line);
        if (!nl)
            break;
        p = nl + 1;
    }
    if (opt.nul) {
        for (; p < buf + len; p += strlen(p) + 1) {
            uint32_t from = 0;
            struct counts before = c;

            (void)one(&a, &sql, sv_cstr(p), &from, &c);
            if (opt.lines && c.total == before.total)
                puts("empty");
            if (opt.text && c.total == before.total)
                printf("%s%c", p, '\0');
            arena_reset(&a);
        }
    } else {
        uint32_t from = (uint32_t)(p - buf);

        while (one(&a, &sql, sv_make(buf, len), &from, &c))
            arena_reset(&a);
        if (!opt.lines && !opt.text && !opt.print) {
            opt.others = true;
            *others = other_modes(&a, &sql, sv_make(buf, len), (uint32_t)(p - buf));
            opt.others = false;
        }
    }
    arena_free(&a);
    xfree(buf);
    return c;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* The .sql files of the corpus, sorted. */
static char **corpus_files(int *n)
{
    const char *src = getenv("srcdir");
    char dir[4096], path[4096 + 256];
    char **files = NULL;
    struct dirent *e;
    DIR *dp;

    snprintf(dir, sizeof dir, "%s/t/sql/corpus", src ? src : ".");
    dp = opendir(dir);
    *n = 0;
    while (dp && (e = readdir(dp))) {
        size_t len = strlen(e->d_name);

        if (len < 5 || strcmp(e->d_name + len - 4, ".sql") != 0)
            continue;
        snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        files = xrealloc(files, (size_t)(*n + 1) * sizeof *files);
        files[(*n)++] = xstrdup(path);
    }
    if (dp)
        closedir(dp);
    if (*n)
        qsort(files, (size_t)*n, sizeof *files, by_name);
    return files;
}

int main(int argc, char **argv)
{
    int c, n = 0, bad = 0;
    char **files;

    while ((c = getopt(argc, argv, "mM:0qpld")) != -1) {
        switch (c) {
        case 'm':
            opt.sql.flavor = SQL_FLAVOR_MARIADB;
            break;
        case 'M':
            opt.sql.mode |= mode_of(optarg);
            break;
        case '0':
            opt.nul = true;
            break;
        case 'q':
            opt.quiet = true;
            break;
        case 'p':
            opt.print = true;
            break;
        case 'l':
            opt.lines = true;
            break;
        case 'd':
            opt.text = true;
            break;
        default:
            return EXIT_FAILURE;
        }
    }
    files = argv + optind;
    n = argc - optind;
    if (n == 0)
        files = corpus_files(&n);
    if (!opt.lines && !opt.text)
        printf("1..%d\n", n);
    for (int i = 0; i < n; i++) {
        struct counts others, k = file(files[i], &others);
        bool ok = k.total > 0 && k.parsed == k.total && k.same == k.total && others.same == others.parsed;

        bad += !ok;
        if (!opt.lines && !opt.text)
            printf("%sok %d - %s: %u statements, %u parsed, %u the same again; in other modes %u of %u\n", ok ? "" : "not ",
                   i + 1, files[i], k.total, k.parsed, k.same, others.same, others.parsed);
    }
    if (optind == argc) {
        for (int i = 0; i < n; i++)
            xfree(files[i]);
        xfree(files);
    }
    return bad && !opt.lines && !opt.text ? EXIT_FAILURE : EXIT_SUCCESS;
}
