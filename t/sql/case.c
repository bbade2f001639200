/* Reading case files: directives and statements by lines, as t/sql/README has them. A directive holds for the next
 * statement only, except --default, which holds to the end of the file. */
#include "t/sql/sqltest.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void *must_alloc(size_t size)
{
    void *p = calloc(1, size ? size : 1);
    if (!p) {
        fputs("Bail out! out of memory\n", stdout);
        exit(99);
    }
    return p;
}

void *must_realloc(void *p, size_t size)
{
    p = realloc(p, size ? size : 1);
    if (!p) {
        fputs("Bail out! out of memory\n", stdout);
        exit(99);
    }
    return p;
}

char *must_copy(const char *text, size_t len)
{
    char *p = must_alloc(len + 1);
    memcpy(p, text, len);
    return p;
}

struct reader {
    FILE *f;
    const char *path;
    int line;
    char *buf;
    size_t cap;
    bool again;   /* the line in buf was not used yet */
};

/* Next line without its end, or NULL. */
static char *next_line(struct reader *r)
{
    if (r->again) {
        r->again = false;
        return r->buf;
    }
    ssize_t n = getline(&r->buf, &r->cap, r->f);
    if (n < 0)
        return NULL;
    r->line++;
    if (n > 0 && r->buf[n - 1] == '\n')
        r->buf[n - 1] = 0;
    return r->buf;
}

static bool complain(const struct reader *r, const char *what, const char *arg)
{
    printf("# %s:%d: %s: %s\n", r->path, r->line, what, arg);
    return false;
}

static const struct {
    const char *name;
    unsigned part;
} part_names[] = {
    {"rows", JUDGE_ROWS},         {"names", JUDGE_NAMES},       {"meta", JUDGE_META},
    {"affected", JUDGE_AFFECTED}, {"insert-id", JUDGE_INSERT_ID}, {"warnings", JUDGE_WARNINGS},
    {"info", JUDGE_INFO},         {"error-text", JUDGE_ERROR_TEXT}, {"error", JUDGE_ERROR | JUDGE_ERROR_TEXT},
};

/* "rows,meta: reason" to bits; the reason is for readers and must be there. */
static bool parse_parts(const struct reader *r, const char *arg, unsigned *out)
{
    const char *colon = strchr(arg, ':');
    if (!colon || !colon[1])
        return complain(r, "--skip wants PART,...: REASON", arg);
    const char *p = arg;
    while (p < colon) {
        size_t len = strcspn(p, ",:"), i;
        for (i = 0; i < sizeof part_names / sizeof *part_names; i++)
            if (strlen(part_names[i].name) == len && !memcmp(part_names[i].name, p, len))
                break;
        if (i == sizeof part_names / sizeof *part_names)
            return complain(r, "no such part to skip", p);
        *out |= part_names[i].part;
        p += len + (p[len] == ',');
    }
    return true;
}

/* One value of a --params list; returns what follows it, or NULL. */
static const char *parse_param(const char *p, struct case_param *out)
{
    out->type = MYSQL_TYPE_NULL;
    static const struct {
        const char *prefix;
        enum enum_field_types type;
    } prefixes[] = {{"date", MYSQL_TYPE_DATE}, {"datetime", MYSQL_TYPE_DATETIME}, {"time", MYSQL_TYPE_TIME},
                    {"blob", MYSQL_TYPE_BLOB}, {"double", MYSQL_TYPE_DOUBLE}};
    enum enum_field_types type = MYSQL_TYPE_STRING;
    for (size_t i = 0; i < sizeof prefixes / sizeof *prefixes; i++) {
        size_t n = strlen(prefixes[i].prefix);
        if (!strncmp(p, prefixes[i].prefix, n) && p[n] == '\'') {
            type = prefixes[i].type;
            p += n;
        }
    }
    if (*p == '\'') {
        const char *end = strchr(p + 1, '\'');
        if (!end)
            return NULL;
        out->type = type;
        out->len = (size_t)(end - p - 1);
        out->text = must_copy(p + 1, out->len);
        return end + 1;
    }
    size_t len = strcspn(p, ", ");
    if (len == 0)
        return NULL;
    out->text = must_copy(p, len);
    out->len = len;
    if (strcmp(out->text, "NULL"))
        out->type = strpbrk(out->text, ".eE") ? MYSQL_TYPE_DOUBLE : MYSQL_TYPE_LONGLONG;
    return p + len;
}

static bool parse_params(const struct reader *r, const char *arg, struct case_step *s)
{
    struct case_params set = {0};
    while (*arg) {
        set.items = must_realloc(set.items, (set.count + 1) * sizeof *set.items);
        memset(&set.items[set.count], 0, sizeof *set.items);
        const char *next = parse_param(arg, &set.items[set.count]);
        if (!next)
            return complain(r, "bad parameter", arg);
        set.count++;
        arg = next + strspn(next, ", ");
    }
    s->params = must_realloc(s->params, (s->param_sets + 1) * sizeof *s->params);
    s->params[s->param_sets++] = set;
    return true;
}

static bool parse_number(const struct reader *r, const char *arg, long *out)
{
    char *end;
    errno = 0;
    *out = strtol(arg, &end, 10);
    if (errno || end == arg || *out < 0)
        return complain(r, "wants a number", arg);
    return true;
}

/* A directive that describes the next statement. */
static bool describe(const struct reader *r, const char *word, const char *arg, struct case_step *s)
{
    long n;
    if (!strcmp(word, "skip"))
        return parse_parts(r, arg, &s->skip);
    if (!strcmp(word, "params"))
        return parse_params(r, arg, s);
    if (!strcmp(word, "ordered") || !strcmp(word, "unordered")) {
        s->order = *word == 'o' ? ORDER_YES : ORDER_NO;
        return true;
    }
    if (!strcmp(word, "each")) {
        s->each = true;
        return true;
    }
    if (!strcmp(word, "approx")) {
        s->approx = true;
        return true;
    }
    if (!strcmp(word, "only")) {
        if (!strcmp(arg, "text"))
            s->text_only = true;
        else if (!strcmp(arg, "prepared"))
            s->prepared_only = true;
        else if (!strcmp(arg, "refused"))
            s->side = SIDE_PLAIN, s->after_refusal = true;
        else if (!strcmp(arg, "plain") || !strcmp(arg, "tessera"))
            s->side = *arg == 'p' ? SIDE_PLAIN : SIDE_TESSERA;
        else if (!strcmp(arg, "mariadb") || !strcmp(arg, "mysql"))
            s->only_kind = arg[1] == 'a' ? "mariadb" : "mysql";
        else
            return complain(r, "--only wants text, prepared, plain, tessera, refused, mariadb or mysql", arg);
        return true;
    }
    if (!strcmp(word, "repeat"))
        return parse_number(r, arg, &s->repeat);
    if (!strcmp(word, "error") && !strcmp(arg, "any")) {
        s->any_error = true;
        return true;
    }
    if (!strcmp(word, "error") || !strcmp(word, "tolerate")) {
        if (!parse_number(r, arg, &n))
            return false;
        *(*word == 'e' ? &s->plain_error : &s->tolerate) = (unsigned)n;
        return true;
    }
    if (!strcmp(word, "tessera-error")) {
        if (!parse_number(r, arg, &n))
            return false;
        s->tessera_error = (unsigned)n;
        const char *text = arg + strcspn(arg, " ");
        text += strspn(text, " ");
        s->tessera_error_text = *text ? must_copy(text, strlen(text)) : NULL;
        return true;
    }
    return complain(r, "unknown directive", word);
}

static void push(struct case_file *f, const struct case_step *s)
{
    f->steps = must_realloc(f->steps, (f->count + 1) * sizeof *f->steps);
    f->steps[f->count++] = *s;
}

/* A directive that is a step of its own; false: it is not one of these. */
static bool act(struct reader *r, const char *word, char *arg, struct case_step *s, bool *ok)
{
    *ok = true;
    if (!strcmp(word, "connection")) {
        s->action = ACTION_CONNECT;
        char *flags = arg + strcspn(arg, " ");
        if (*flags)
            *flags++ = 0;
        s->found_rows = strstr(flags, "found_rows") != NULL;
        s->multi = strstr(flags, "multi") != NULL;
    } else if (!strcmp(word, "close")) {
        s->action = ACTION_CLOSE;
    } else if (!strcmp(word, "reap")) {
        s->action = ACTION_REAP;
    } else if (!strcmp(word, "sleep")) {
        s->action = ACTION_SLEEP;
        *ok = parse_number(r, arg, &s->number);
    } else {
        return false;
    }
    s->sql = must_copy(arg, strlen(arg));
    return true;
}

/* The rows after a "----" line, up to an empty line. */
static void read_expected(struct reader *r, struct case_step *s)
{
    char *line = next_line(r);
    if (!line)
        return;
    if (strcmp(line, "----")) {
        r->again = true;
        return;
    }
    s->has_expect = true;
    while ((line = next_line(r)) && *line) {
        s->expect = must_realloc(s->expect, (s->expect_count + 1) * sizeof *s->expect);
        s->expect[s->expect_count++] = must_copy(line, strlen(line));
    }
}

/* A statement: lines up to one that ends in a semicolon. */
static bool read_statement(struct reader *r, char *line, struct case_step *s)
{
    size_t len = 0;
    char *sql = NULL;
    s->line = r->line;
    for (;;) {
        size_t n = strlen(line);
        while (n > 0 && isspace((unsigned char)line[n - 1]))
            n--;
        bool last = n > 0 && line[n - 1] == ';';
        n -= last;
        sql = must_realloc(sql, len + n + 2);
        if (len > 0)
            sql[len++] = '\n';
        memcpy(sql + len, line, n);
        len += n;
        sql[len] = 0;
        if (last)
            break;
        line = next_line(r);
        if (!line)
            return complain(r, "no semicolon at the end of the last statement", sql);
    }
    s->sql = sql;
    read_expected(r, s);
    return true;
}

static bool read_all(struct reader *r, struct case_file *out)
{
    struct case_step defaults = {0}, s = {0};
    char *line;
    while ((line = next_line(r))) {
        if (!*line || *line == '#')
            continue;
        if (strncmp(line, "--", 2) || isspace((unsigned char)line[2])) {
            if (!read_statement(r, line, &s))
                return false;
            push(out, &s);
            s = defaults;
            continue;
        }
        char *word = line + 2, *arg = word + strcspn(word, " ");
        if (*arg)
            *arg++ = 0;
        arg += strspn(arg, " ");
        bool ok;
        struct case_step other = {.line = r->line};
        if (!strcmp(word, "default")) {
            char *what = arg, *rest = what + strcspn(what, " ");
            if (*rest)
                *rest++ = 0;
            if (!describe(r, what, rest, &defaults))
                return false;
            s = defaults;
        } else if (!strcmp(word, "send")) {
            s.action = ACTION_SEND;
        } else if (act(r, word, arg, &other, &ok)) {
            if (!ok)
                return false;
            /* What was said before --reap holds for what it takes in. */
            if (other.action == ACTION_REAP) {
                s.action = ACTION_REAP;
                s.line = other.line;
                s.sql = other.sql;
                other = s;
                s = defaults;
            }
            push(out, &other);
        } else if (!describe(r, word, arg, &s)) {
            return false;
        }
    }
    return true;
}

bool case_load(const char *path, struct case_file *out)
{
    struct reader r = {.path = path, .f = fopen(path, "r")};
    *out = (struct case_file){.path = must_copy(path, strlen(path))};
    if (!r.f) {
        printf("# %s: %s\n", path, strerror(errno));
        return false;
    }
    const char *base = strrchr(path, '/');
    base = base ? base + 1 : path;
    out->name = must_copy(base, strcspn(base, "."));
    bool ok = read_all(&r, out);
    fclose(r.f);
    free(r.buf);
    return ok;
}
