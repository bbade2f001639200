/* Asks a live server whether it takes statements: reads files of statements separated by NUL bytes, prepares each on the
 * server (nothing is executed) and prints a line a statement: "ok", "syntax" (error 1064, 1149), "empty" or the error's
 * number. Used to compare the parser with real servers over large corpora.
 *
 *   parser_judge HOST PORT USER DATABASE FILE.. */
#include "util/arena.h"

#include <mysql.h>
#include <stdio.h>
#include <stdlib.h>

static MYSQL *connect_to(char **argv)
{
    MYSQL *m = mysql_init(NULL);
    uint64_t port = 0;

    if (!sv_to_u64(sv_cstr(argv[2]), &port) ||
        !mysql_real_connect(m, argv[1], argv[3], "", argv[4], (unsigned)port, NULL, 0)) {
        fprintf(stderr, "%s\n", mysql_error(m));
        exit(EXIT_FAILURE);
    }
    mysql_set_character_set(m, "utf8mb4");
    return m;
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

static void judge(MYSQL *m, const char *text)
{
    MYSQL_STMT *s = mysql_stmt_init(m);
    unsigned code = mysql_stmt_prepare(s, text, strlen(text)) ? mysql_stmt_errno(s) : 0;

    if (code == 0)
        puts("ok");
    else if (code == 1065)
        puts("empty");
    else if (code == 1064 || code == 1149)
        puts("syntax");
    else
        printf("%u\n", code);
    mysql_stmt_close(s);
}

int main(int argc, char **argv)
{
    MYSQL *m;

    if (argc < 6) {
        fprintf(stderr, "usage: parser_judge HOST PORT USER DATABASE FILE..\n");
        return EXIT_FAILURE;
    }
    m = connect_to(argv);
    for (int i = 5; i < argc; i++) {
        size_t len;
        char *buf = read_file(argv[i], &len);

        for (const char *p = buf; p < buf + len; p += strlen(p) + 1) {
            judge(m, p);
            if (mysql_errno(m) >= 2000) { /* a statement that the server did not survive, or a packet too large */
                mysql_close(m);
                m = connect_to(argv);
            }
        }
        xfree(buf);
    }
    mysql_close(m);
    return EXIT_SUCCESS;
}
