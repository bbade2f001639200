/* Running a case file on both sides and comparing. Each side of a statement becomes an `outcome`: result sets with their
 * column definitions and rows as text, what the OK packets said, the warnings, or the error. Outcomes are then compared
 * part by part; what differs is printed. Nothing is freed before the program ends but what is large (rows). */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1 /* strcasestr */
#endif
#include "t/sql/sqltest.h"

#include <ctype.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SHOWN_MAX = 12, SHOWN_BYTES = 300, SIDES = 2 };

typedef __typeof__(*((MYSQL_BIND *)0)->is_null) bind_bool;

struct column {
    char *name, *org_name, *table, *org_table, *db;
    unsigned long length;
    unsigned flags, decimals, charset, type;
};

struct row_set {
    struct column *columns;
    size_t column_count;
    char **rows;              /* values joined by tabs, escaped, NULL as \N */
    size_t row_count;
    unsigned long long affected, insert_id;
    char *info;
    unsigned warnings;
};

struct outcome {
    struct row_set *sets;
    size_t set_count;
    struct row_set warnings, prepare_warnings;
    unsigned error;
    char state[8];
    char *text;
    bool unpreparable;        /* refused by 1295: run as text */
    bool lost;                /* the connection ended */
};

struct peer {
    char *name;
    MYSQL *conn[SIDES];       /* plain, tessera */
    bool multi;
};

struct judge {
    const struct judge_options *o;
    const struct case_file *f;
    struct peer *peers;
    size_t peer_count, current;
    bool prepared;
    struct judge_tally tally;
    char *database;
    bool broken;
    bool refused;                /* by the last statement, and tolerated */
};

/* --- text ---------------------------------------------------------------------------------------------------------- */

struct text {
    char *s;
    size_t len, cap;
};

static void put(struct text *t, const char *s, size_t len)
{
    if (t->len + len + 1 > t->cap) {
        t->cap = (t->len + len + 1) * 2;
        t->s = must_realloc(t->s, t->cap);
    }
    if (len)
        memcpy(t->s + t->len, s, len);
    t->len += len;
    t->s[t->len] = 0;
}

static void put_value(struct text *t, const char *s, size_t len)
{
    if (!s) {
        put(t, "\\N", 2);
        return;
    }
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)s[i];
        char hex[8];
        if (c == '\\' || c < 32 || c == 127) {
            int n = snprintf(hex, sizeof hex, "\\x%02x", c);
            put(t, hex, (size_t)n);
        } else {
            put(t, s + i, 1);
        }
    }
}

static char *copy(const char *s)
{
    return s ? must_copy(s, strlen(s)) : NULL;
}

/* --- one side --------------------------------------------------------------------------------------------------------- */

static void take_columns(struct row_set *set, const MYSQL_FIELD *fields, size_t count)
{
    set->column_count = count;
    set->columns = must_alloc(count * sizeof *set->columns);
    for (size_t i = 0; i < count; i++) {
        const MYSQL_FIELD *f = &fields[i];
        set->columns[i] = (struct column){
            .name = copy(f->name), .org_name = copy(f->org_name), .table = copy(f->table),
            .org_table = copy(f->org_table), .db = copy(f->db), .length = f->length, .flags = f->flags,
            .decimals = f->decimals, .charset = f->charsetnr, .type = f->type,
        };
    }
}

static void push_row(struct row_set *set, struct text *row, size_t *cap)
{
    if (set->row_count == *cap) {
        *cap = *cap ? *cap * 2 : 16;
        set->rows = must_realloc(set->rows, *cap * sizeof *set->rows);
    }
    if (!row->s)
        put(row, "", 0);
    set->rows[set->row_count++] = row->s;
}

static void take_rows(struct row_set *set, MYSQL_RES *res)
{
    size_t cap = 0;
    MYSQL_ROW row;
    while ((row = mysql_fetch_row(res))) {
        const unsigned long *lens = mysql_fetch_lengths(res);
        struct text t = {0};
        for (size_t i = 0; i < set->column_count; i++) {
            if (i)
                put(&t, "\t", 1);
            put_value(&t, row[i], lens[i]);
        }
        push_row(set, &t, &cap);
    }
}

static struct row_set *new_set(struct outcome *out)
{
    out->sets = must_realloc(out->sets, (out->set_count + 1) * sizeof *out->sets);
    struct row_set *set = &out->sets[out->set_count++];
    memset(set, 0, sizeof *set);
    return set;
}

static void take_error(struct outcome *out, unsigned code, const char *state, const char *text)
{
    out->error = code;
    snprintf(out->state, sizeof out->state, "%s", state);
    out->text = copy(text);
    out->lost = code >= 2000 && code < 3000 && code != 2027;
}

static void take_results(MYSQL *c, struct outcome *out)
{
    for (;;) {
        MYSQL_RES *res = mysql_store_result(c);
        if (!res && mysql_field_count(c) > 0) {
            take_error(out, mysql_errno(c), mysql_sqlstate(c), mysql_error(c));
            return;
        }
        struct row_set *set = new_set(out);
        if (res) {
            take_columns(set, mysql_fetch_fields(res), mysql_num_fields(res));
            take_rows(set, res);
            mysql_free_result(res);
        } else {
            set->affected = mysql_affected_rows(c);
            set->insert_id = mysql_insert_id(c);
        }
        set->info = copy(mysql_info(c));
        set->warnings = mysql_warning_count(c);
        int more = mysql_next_result(c);
        if (more > 0)
            take_error(out, mysql_errno(c), mysql_sqlstate(c), mysql_error(c));
        if (more != 0)
            return;
    }
}

static void run_text(MYSQL *c, const char *sql, struct outcome *out)
{
    if (mysql_real_query(c, sql, strlen(sql)))
        take_error(out, mysql_errno(c), mysql_sqlstate(c), mysql_error(c));
    else
        take_results(c, out);
}

struct bound {
    MYSQL_BIND *binds;
    long long *ints;
    double *doubles;
    MYSQL_TIME *times;
};

static void bind_time(const struct case_param *p, MYSQL_TIME *t, MYSQL_BIND *b)
{
    const char *s = p->text;
    b->buffer_type = p->type;
    b->buffer = t;
    t->time_type = p->type == MYSQL_TYPE_DATE ? MYSQL_TIMESTAMP_DATE
                   : p->type == MYSQL_TYPE_TIME ? MYSQL_TIMESTAMP_TIME : MYSQL_TIMESTAMP_DATETIME;
    if (p->type == MYSQL_TYPE_TIME) {
        t->neg = *s == '-';
        sscanf(s + t->neg, "%u:%u:%u", &t->hour, &t->minute, &t->second);
    } else {
        sscanf(s, "%u-%u-%u %u:%u:%u", &t->year, &t->month, &t->day, &t->hour, &t->minute, &t->second);
    }
    const char *dot = strchr(s, '.');
    if (dot) {
        char digits[7] = "000000";
        for (int i = 0; i < 6 && isdigit((unsigned char)dot[i + 1]); i++)
            digits[i] = dot[i + 1];
        t->second_part = strtoul(digits, NULL, 10);
    }
}

static void bind_params(const struct case_params *set, struct bound *b)
{
    b->binds = must_alloc(set->count * sizeof *b->binds);
    b->ints = must_alloc(set->count * sizeof *b->ints);
    b->doubles = must_alloc(set->count * sizeof *b->doubles);
    b->times = must_alloc(set->count * sizeof *b->times);
    for (size_t i = 0; i < set->count; i++) {
        struct case_param *p = &set->items[i];
        MYSQL_BIND *m = &b->binds[i];
        m->buffer_type = p->type;
        if (p->type == MYSQL_TYPE_LONGLONG) {
            b->ints[i] = strtoll(p->text, NULL, 10);
            m->buffer = &b->ints[i];
        } else if (p->type == MYSQL_TYPE_DOUBLE) {
            b->doubles[i] = strtod(p->text, NULL);
            m->buffer = &b->doubles[i];
        } else if (p->type == MYSQL_TYPE_DATE || p->type == MYSQL_TYPE_DATETIME || p->type == MYSQL_TYPE_TIME) {
            bind_time(p, &b->times[i], m);
        } else if (p->type != MYSQL_TYPE_NULL) {
            m->buffer = p->text;
            m->buffer_length = p->len;
        }
    }
}

/* Fetches all rows of an executed statement, every column as text, converted by the client library. */
static bool take_prepared_rows(MYSQL_STMT *st, MYSQL_RES *meta, struct row_set *set)
{
    size_t n = set->column_count, cap = 0;
    MYSQL_BIND *binds = must_alloc(n * sizeof *binds);
    bind_bool *nulls = must_alloc(n * sizeof *nulls);
    unsigned long *lens = must_alloc(n * sizeof *lens);
    const MYSQL_FIELD *fields = mysql_fetch_fields(meta);
    for (size_t i = 0; i < n; i++) {
        unsigned long room = fields[i].max_length > 64 ? fields[i].max_length : 64;
        binds[i] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = must_alloc(room + 1),
                                .buffer_length = room + 1, .is_null = &nulls[i], .length = &lens[i]};
    }
    bool ok = !mysql_stmt_bind_result(st, binds);
    int rc;
    while (ok && !(rc = mysql_stmt_fetch(st))) {
        struct text t = {0};
        for (size_t i = 0; i < n; i++) {
            if (i)
                put(&t, "\t", 1);
            size_t len = lens[i] < binds[i].buffer_length ? lens[i] : binds[i].buffer_length;
            put_value(&t, nulls[i] ? NULL : binds[i].buffer, len);
        }
        push_row(set, &t, &cap);
    }
    if (ok && rc != MYSQL_NO_DATA)
        ok = false;
    for (size_t i = 0; i < n; i++)
        free(binds[i].buffer);
    free(binds);
    free(nulls);
    free(lens);
    return ok;
}

static void take_prepared(MYSQL *c, MYSQL_STMT *st, struct outcome *out)
{
    int more;
    do {
        struct row_set *set = new_set(out);
        if (mysql_stmt_field_count(st) > 0) {
            bool ok = !mysql_stmt_store_result(st);
            MYSQL_RES *meta = ok ? mysql_stmt_result_metadata(st) : NULL;
            if (meta) {
                take_columns(set, mysql_fetch_fields(meta), mysql_num_fields(meta));
                ok = take_prepared_rows(st, meta, set);
                mysql_free_result(meta);
            }
            if (!ok || !meta) {
                out->set_count--; /* an error in front of the definitions or behind them is the same to a client */
                take_error(out, mysql_stmt_errno(st), mysql_stmt_sqlstate(st), mysql_stmt_error(st));
                return;
            }
            mysql_stmt_free_result(st);
        } else {
            set->affected = mysql_stmt_affected_rows(st);
            set->insert_id = mysql_stmt_insert_id(st);
        }
        set->info = copy(mysql_info(c));
        set->warnings = mysql_warning_count(c);
        more = mysql_stmt_next_result(st);
        if (more > 0)
            take_error(out, mysql_stmt_errno(st), mysql_stmt_sqlstate(st), mysql_stmt_error(st));
    } while (more == 0);
}

static void fetch_warnings(MYSQL *c, struct outcome *out, struct row_set *to)
{
    struct outcome w = {0};
    run_text(c, "SHOW WARNINGS", &w);
    if (w.set_count > 0)
        *to = w.sets[0];
    else if (w.lost)
        out->lost = true;
}

/* Prepares once, executes for each set of parameters; the result sets of all executions are one after the other.
 * prepare_warns: MySQL's PREPARE has warnings of its own; MariaDB's leaves those of the statement before. */
static void run_prepared(MYSQL *c, const char *sql, const struct case_step *s, bool prepare_warns, struct outcome *out)
{
    MYSQL_STMT *st = mysql_stmt_init(c);
    bind_bool yes = 1;
    if (!st || mysql_stmt_attr_set(st, STMT_ATTR_UPDATE_MAX_LENGTH, &yes)) {
        take_error(out, mysql_errno(c), mysql_sqlstate(c), mysql_error(c));
        return;
    }
    if (mysql_stmt_prepare(st, sql, strlen(sql))) {
        take_error(out, mysql_stmt_errno(st), mysql_stmt_sqlstate(st), mysql_stmt_error(st));
        out->unpreparable = out->error == 1295;
    } else {
        if (prepare_warns && !(s->skip & JUDGE_WARNINGS))
            fetch_warnings(c, out, &out->prepare_warnings);
        size_t runs = s->param_sets ? s->param_sets : 1;
        for (size_t i = 0; i < runs && !out->error; i++) {
            struct bound b = {0};
            if (s->param_sets)
                bind_params(&s->params[i], &b);
            if ((b.binds && mysql_stmt_bind_param(st, b.binds)) || mysql_stmt_execute(st))
                take_error(out, mysql_stmt_errno(st), mysql_stmt_sqlstate(st), mysql_stmt_error(st));
            else
                take_prepared(c, st, out);
            free(b.binds);
            free(b.ints);
            free(b.doubles);
            free(b.times);
        }
    }
    if (!out->lost)
        mysql_stmt_close(st);
}

/* The statement with its parameters written in, for the text protocol. */
static char *with_params(const char *sql, const struct case_params *set)
{
    struct text t = {0};
    size_t n = 0;
    char quote = 0;
    for (const char *p = sql; *p; p++) {
        if (quote) {
            if (*p == quote)
                quote = 0;
        } else if (*p == '\'' || *p == '"' || *p == '`') {
            quote = *p;
        } else if (*p == '?' && n < set->count) {
            const struct case_param *v = &set->items[n++];
            bool quoted = v->type != MYSQL_TYPE_NULL && v->type != MYSQL_TYPE_LONGLONG && v->type != MYSQL_TYPE_DOUBLE;
            if (quoted)
                put(&t, "'", 1);
            for (size_t i = 0; i < v->len; i++) {
                if (quoted && v->text[i] == '\\')
                    put(&t, "\\", 1);
                put(&t, v->text + i, 1);
            }
            if (quoted)
                put(&t, "'", 1);
            continue;
        }
        put(&t, p, 1);
    }
    if (!t.s)
        put(&t, "", 0);
    return t.s;
}

static void run_side(const struct judge *j, MYSQL *c, const struct case_step *s, const char *sql, bool prepared, struct outcome *out)
{
    if (prepared) {
        run_prepared(c, sql, s, !strcmp(j->o->kind, "mysql"), out);
        return;
    }
    if (s->param_sets == 0)
        run_text(c, sql, out);
    for (size_t i = 0; i < s->param_sets && !out->error; i++) {
        char *with = with_params(sql, &s->params[i]);
        run_text(c, with, out);
        free(with);
    }
}

static unsigned warning_count(const struct outcome *o)
{
    return o->error == 0 && o->set_count > 0 ? o->sets[o->set_count - 1].warnings : 0;
}

static void free_rows(struct outcome *o)
{
    for (size_t i = 0; i < o->set_count; i++) {
        for (size_t k = 0; k < o->sets[i].row_count; k++)
            free(o->sets[i].rows[k]);
        free(o->sets[i].rows);
    }
    free(o->sets);
}

/* --- comparing ---------------------------------------------------------------------------------------------------------- */

static void print_clipped(const char *label, const char *s)
{
    printf("#   %s", label);
    size_t n = 0;
    for (; *s && n < SHOWN_BYTES; s++, n++) {
        if (*s == '\n')
            fputs("\n#     ", stdout);
        else
            putchar(*s);
    }
    puts(*s ? "..." : "");
}

static void report(struct judge *j, const struct case_step *s, const char *sql, const char *what, const char *plain,
                   const char *tessera)
{
    if (j->tally.wrong >= SHOWN_MAX && !j->o->verbose)
        return;
    printf("# %s:%d: %s\n", j->f->path, s->line, what);
    print_clipped("", sql);
    if (plain)
        print_clipped("plain:   ", plain);
    if (tessera)
        print_clipped("tessera: ", tessera);
    fflush(stdout);
}

/* Whether a statement orders its result: ORDER BY outside parentheses and quotes. */
static bool has_order_by(const char *sql)
{
    int depth = 0;
    char quote = 0;
    for (const char *p = sql; *p; p++) {
        if (quote) {
            if (*p == quote)
                quote = 0;
        } else if (*p == '\'' || *p == '"' || *p == '`') {
            quote = *p;
        } else if (*p == '(') {
            depth++;
        } else if (*p == ')') {
            depth--;
        } else if (depth == 0 && !strncasecmp(p, "order", 5) && isspace((unsigned char)p[5])) {
            const char *q = p + 5;
            while (isspace((unsigned char)*q))
                q++;
            if (!strncasecmp(q, "by", 2))
                return true;
        }
    }
    return !strncasecmp(sql, "show", 4) || !strncasecmp(sql, "desc", 4);
}

static int by_text(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Equal but for the last digits of floating point numbers. */
static bool nearly_equal(const char *a, const char *b)
{
    while (*a || *b) {
        size_t n = strcspn(a, "\t"), m = strcspn(b, "\t");
        if (n != m || memcmp(a, b, n)) {
            char *ea, *eb;
            double x = strtod(a, &ea), y = strtod(b, &eb);
            if (ea != a + n || eb != b + m || fabs(x - y) > 1e-9 * fmax(fabs(x), fabs(y)))
                return false;
        }
        a += n + (a[n] != 0);
        b += m + (b[m] != 0);
    }
    return true;
}

static bool same_rows(struct row_set *a, struct row_set *b, bool ordered, bool approx, char *why, size_t room, size_t *at)
{
    if (!ordered && a->row_count > 1)
        qsort(a->rows, a->row_count, sizeof *a->rows, by_text);
    if (!ordered && b->row_count > 1)
        qsort(b->rows, b->row_count, sizeof *b->rows, by_text);
    size_t n = a->row_count < b->row_count ? a->row_count : b->row_count;
    for (*at = 0; *at < n; (*at)++) {
        const char *x = a->rows[*at], *y = b->rows[*at];
        if (strcmp(x, y) && !(approx && nearly_equal(x, y))) {
            snprintf(why, room, "row %zu differs (%zu and %zu rows%s)", *at + 1, a->row_count, b->row_count,
                     ordered ? "" : ", both sorted");
            return false;
        }
    }
    snprintf(why, room, "%zu and %zu rows", a->row_count, b->row_count);
    return a->row_count == b->row_count;
}

static bool same_text(const char *a, const char *b)
{
    return a == b || (a && b && !strcmp(a, b));
}

static void describe_column(const struct column *c, char *buf, size_t room)
{
    snprintf(buf, room, "%s (%s.%s/%s.%s) type %u length %lu flags 0x%x decimals %u charset %u", c->name,
             c->db ? c->db : "", c->table ? c->table : "", c->org_table ? c->org_table : "",
             c->org_name ? c->org_name : "", c->type, c->length, c->flags, c->decimals, c->charset);
}

/* A server's own temporary tables change key flags, lengths and decimals of what passes through them, depending on how it
 * chose to run the statement: where a statement may be run so, only what a client's driver acts on is compared. */
static bool may_use_temporary(const char *sql)
{
    static const char *const signs[] = {"group by", "distinct", "union", "join", "order by", "(select"};
    for (size_t i = 0; i < sizeof signs / sizeof *signs; i++)
        if (strcasestr(sql, signs[i]))
            return true;
    return false;
}

/* A result's collation id says its character set and nothing else: MySQL sends the id that the client gave at login, which connections
 * shared by many clients cannot all have. */
static bool is_utf8mb4(unsigned id)
{
    return id == 45 || id == 46 || (id >= 224 && id <= 247) || (id >= 255 && id <= 323);
}

static bool same_charset(unsigned p, unsigned q)
{
    return p == q || (is_utf8mb4(p) && is_utf8mb4(q));
}

static bool own_tables(const struct column *c)
{
    static const char *const schemas[] = {"information_schema", "mysql"};
    for (size_t i = 0; c->db && i < sizeof schemas / sizeof *schemas; i++)
        if (!strcasecmp(c->db, schemas[i]))
            return true;
    return c->db && !*c->db && c->table && *c->table;
}

static bool is_integer(unsigned type)
{
    return type == MYSQL_TYPE_TINY || type == MYSQL_TYPE_SHORT || type == MYSQL_TYPE_INT24 || type == MYSQL_TYPE_LONG ||
           type == MYSQL_TYPE_LONGLONG || type == MYSQL_TYPE_YEAR;
}

static bool same_meta(const struct column *p, const struct column *q, bool loose)
{
    enum { NUMBER = 0x8000, PART_KEY = 0x4000, NO_DEFAULT = 0x1000, ON_UPDATE = 0x2000, BINARY = 0x80, KEYS = 0x0e, NULLS = 1, COUNTED = 0x200 };
    unsigned ignored = NUMBER | PART_KEY | NO_DEFAULT | ON_UPDATE | BINARY | (loose ? KEYS | NULLS | COUNTED : 0);
    /* Where the server answers out of its own dictionary, the origins are its private tables, and types vary with the path. */
    if (own_tables(p) || own_tables(q))
        return true;
    bool expression = p->org_table && !*p->org_table;
    /* A temporary table makes an expression's JSON a BLOB of bytes that only says that it is JSON. */
    if (loose && expression && p->type == MYSQL_TYPE_JSON && q->type == MYSQL_TYPE_JSON)
        return true;
    bool types = p->type == q->type || (loose && expression && is_integer(p->type) && is_integer(q->type));
    if (!types || !same_charset(p->charset, q->charset) || ((p->flags ^ q->flags) & ~ignored & ~(loose && expression ? (unsigned)UNSIGNED_FLAG : 0)))
        return false;
    /* From 31 on, decimals say "not fixed", in several ways. */
    bool scale = p->decimals == q->decimals || (p->decimals >= 31 && q->decimals >= 31);
    if (!loose && (p->length != q->length || !scale))
        return false;
    if (!same_text(p->table, q->table) || !same_text(p->org_table, q->org_table) || !same_text(p->db, q->db))
        return false;
    return expression || same_text(p->org_name, q->org_name);
}

static bool same_columns(struct judge *j, const struct case_step *s, const char *sql, const struct row_set *a,
                         const struct row_set *b)
{
    char x[512], y[512], what[64];
    bool loose = may_use_temporary(sql);
    if (a->column_count != b->column_count) {
        snprintf(x, sizeof x, "%zu", a->column_count);
        snprintf(y, sizeof y, "%zu", b->column_count);
        report(j, s, sql, "number of columns", x, y);
        return false;
    }
    for (size_t i = 0; i < a->column_count; i++) {
        const struct column *p = &a->columns[i], *q = &b->columns[i];
        bool names = (s->skip & JUDGE_NAMES) || same_text(p->name, q->name);
        bool meta = (s->skip & JUDGE_META) || same_meta(p, q, loose);
        if (names && meta)
            continue;
        describe_column(p, x, sizeof x);
        describe_column(q, y, sizeof y);
        snprintf(what, sizeof what, "definition of column %zu", i + 1);
        report(j, s, sql, what, x, y);
        return false;
    }
    return true;
}

static bool same_number(struct judge *j, const struct case_step *s, const char *sql, const char *what,
                        unsigned long long a, unsigned long long b)
{
    char x[32], y[32];
    if (a == b)
        return true;
    snprintf(x, sizeof x, "%lld", (long long)a);
    snprintf(y, sizeof y, "%lld", (long long)b);
    report(j, s, sql, what, x, y);
    return false;
}

static bool same_set(struct judge *j, const struct case_step *s, const char *sql, struct row_set *a, struct row_set *b)
{
    char why[128];
    size_t at;
    if (!same_columns(j, s, sql, a, b))
        return false;
    bool ordered = s->order == ORDER_YES || (s->order == ORDER_GUESS && has_order_by(sql));
    if (!(s->skip & JUDGE_ROWS) && !same_rows(a, b, ordered, s->approx, why, sizeof why, &at)) {
        report(j, s, sql, why, at < a->row_count ? a->rows[at] : "(no such row)",
               at < b->row_count ? b->rows[at] : "(no such row)");
        return false;
    }
    if (a->column_count > 0)
        return true;
    if (!(s->skip & JUDGE_AFFECTED) && !same_number(j, s, sql, "affected rows", a->affected, b->affected))
        return false;
    if (!(s->skip & JUDGE_INSERT_ID) && !same_number(j, s, sql, "insert id", a->insert_id, b->insert_id))
        return false;
    if (!(s->skip & JUDGE_INFO) && !same_text(a->info, b->info)) {
        report(j, s, sql, "info", a->info ? a->info : "(none)", b->info ? b->info : "(none)");
        return false;
    }
    return true;
}

/* Messages of a syntax error agree from "near" on: what stands before it names the server's product. */
static const char *comparable(const struct outcome *o)
{
    const char *near_part = o->error == 1064 ? strstr(o->text, "near '") : NULL;
    return near_part ? near_part : o->text;
}

static void describe_error(const struct outcome *o, char *buf, size_t room)
{
    if (o->error)
        snprintf(buf, room, "ERROR %u (%s): %s", o->error, o->state, o->text);
    else
        snprintf(buf, room, "done");
}

static bool same_error(struct judge *j, const struct case_step *s, const char *sql, const struct outcome *a,
                       const struct outcome *b)
{
    char x[1024], y[1024];
    bool same = a->error == b->error && !strcmp(a->state, b->state);
    if (same && a->error && !(s->skip & JUDGE_ERROR_TEXT))
        same = !strcmp(comparable(a), comparable(b));
    if (same || ((s->skip & JUDGE_ERROR) && a->error && b->error))
        return true;
    describe_error(a, x, sizeof x);
    describe_error(b, y, sizeof y);
    report(j, s, sql, "outcome", x, y);
    return false;
}

static bool same_warnings(struct judge *j, const struct case_step *s, const char *sql, const char *what, struct row_set *a,
                          struct row_set *b)
{
    char why[128];
    size_t at;
    if (same_rows(a, b, false, false, why, sizeof why, &at))
        return true;
    report(j, s, sql, what, at < a->row_count ? a->rows[at] : "(no such row)",
           at < b->row_count ? b->rows[at] : "(no such row)");
    return false;
}

static bool same_outcome(struct judge *j, const struct case_step *s, const char *sql, struct outcome *a, struct outcome *b)
{
    if (!same_error(j, s, sql, a, b))
        return false;
    if (!same_number(j, s, sql, "number of results", a->set_count, b->set_count))
        return false;
    for (size_t i = 0; i < a->set_count; i++)
        if (!same_set(j, s, sql, &a->sets[i], &b->sets[i]))
            return false;
    if (s->skip & JUDGE_WARNINGS)
        return true;
    if (!same_number(j, s, sql, "warning count", warning_count(a), warning_count(b)))
        return false;
    return same_warnings(j, s, sql, "warnings of the preparation", &a->prepare_warnings, &b->prepare_warnings) &&
           same_warnings(j, s, sql, "warnings", &a->warnings, &b->warnings);
}

static bool as_expected(struct judge *j, const struct case_step *s, const char *sql, struct outcome *b)
{
    struct row_set want = {.rows = s->expect, .row_count = s->expect_count}, none = {0};
    char why[128], y[1024];
    size_t at;
    if (b->error || b->set_count == 0) {
        describe_error(b, y, sizeof y);
        report(j, s, sql, "outcome", "rows", y);
        return false;
    }
    struct row_set *got = b->set_count ? &b->sets[0] : &none;
    bool ordered = s->order == ORDER_YES || (s->order == ORDER_GUESS && has_order_by(sql));
    if (same_rows(&want, got, ordered, s->approx, why, sizeof why, &at))
        return true;
    report(j, s, sql, why, at < want.row_count ? want.rows[at] : "(no such row)",
           at < got->row_count ? got->rows[at] : "(no such row)");
    return false;
}

/* --- steps ------------------------------------------------------------------------------------------------------------- */

static MYSQL *open_side(struct judge *j, int side, const struct case_step *s)
{
    const struct judge_options *o = j->o;
    MYSQL *c = mysql_init(NULL);
    unsigned connect_timeout = 10, read_timeout = 60;
    if (!c)
        return NULL;
    mysql_options(c, MYSQL_OPT_CONNECT_TIMEOUT, &connect_timeout);
    mysql_options(c, MYSQL_OPT_READ_TIMEOUT, &read_timeout);
    mysql_options(c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    unsigned long flags = CLIENT_MULTI_RESULTS | (s && s->found_rows ? CLIENT_FOUND_ROWS : 0) |
                          (s && s->multi ? CLIENT_MULTI_STATEMENTS : 0);
    if (!mysql_real_connect(c, side ? o->tessera_host : o->plain_host, o->user, o->password, NULL,
                            side ? o->tessera_port : o->plain_port, NULL, flags)) {
        printf("# %s: cannot connect to %s: %s\n", j->f->path, side ? "Tessera" : "the plain server", mysql_error(c));
        mysql_close(c);
        return NULL;
    }
    for (size_t i = 0; side && i < o->init_count; i++) {
        struct outcome out = {0};
        run_text(c, o->init[i], &out);
        if (out.error)
            printf("# %s: %s: %s\n", j->f->path, o->init[i], out.text);
    }
    return c;
}

static bool plain_sql(struct judge *j, MYSQL *c, const char *format, const char *name)
{
    char sql[256];
    snprintf(sql, sizeof sql, format, name);
    struct outcome out = {0};
    run_text(c, sql, &out);
    if (out.error)
        printf("# %s: %s: ERROR %u: %s\n", j->f->path, sql, out.error, out.text);
    return out.error == 0;
}

/* Makes a connection current; opens it on both sides if it is new. */
static bool use_peer(struct judge *j, const char *name, const struct case_step *s)
{
    for (size_t i = 0; i < j->peer_count; i++) {
        if (j->peers[i].name && !strcmp(j->peers[i].name, name)) {
            j->current = i;
            return true;
        }
    }
    j->peers = must_realloc(j->peers, (j->peer_count + 1) * sizeof *j->peers);
    struct peer *p = &j->peers[j->peer_count];
    *p = (struct peer){.name = must_copy(name, strlen(name)), .multi = s && s->multi};
    bool first = j->peer_count == 0;
    j->current = j->peer_count++;
    for (int side = 0; side < SIDES; side++) {
        p->conn[side] = open_side(j, side, s);
        if (!p->conn[side])
            return false;
        if (first && (!plain_sql(j, p->conn[side], "DROP DATABASE IF EXISTS `%s`", j->database) ||
                      !plain_sql(j, p->conn[side], "CREATE DATABASE `%s`", j->database)))
            return false;
        if (!plain_sql(j, p->conn[side], "USE `%s`", j->database))
            return false;
    }
    return true;
}

static void close_peer(struct judge *j, const char *name)
{
    for (size_t i = 0; i < j->peer_count; i++) {
        struct peer *p = &j->peers[i];
        if (!p->name || strcmp(p->name, name))
            continue;
        for (int side = 0; side < SIDES; side++)
            if (p->conn[side])
                mysql_close(p->conn[side]);
        *p = (struct peer){0};
    }
}

static void wrong(struct judge *j)
{
    j->tally.wrong++;
}

/* What the two sides did against what the step and the other side say. */
static void decide(struct judge *j, const struct case_step *s, const char *sql, struct outcome out[SIDES])
{
    struct outcome *a = &out[0], *b = &out[1];
    char y[1024];
    if (a->lost || b->lost) {
        j->broken = true;
        describe_error(a->lost ? a : b, y, sizeof y);
        report(j, s, sql, a->lost ? "the plain server's connection ended" : "Tessera's connection ended", NULL, y);
        wrong(j);
        return;
    }
    if (s->side != SIDE_TESSERA && a->error != s->plain_error && !s->any_error) {
        describe_error(a, y, sizeof y);
        report(j, s, sql, s->plain_error ? "the case wants another error" : "the plain server refuses", y, NULL);
        wrong(j);
        return;
    }
    if (s->side == SIDE_PLAIN)
        return;
    if (s->tessera_error) {
        describe_error(b, y, sizeof y);
        if (b->error != s->tessera_error || (s->tessera_error_text && !strstr(b->text, s->tessera_error_text))) {
            report(j, s, sql, "another outcome than --tessera-error says", NULL, y);
            wrong(j);
        }
        return;
    }
    if (s->tolerate && (!a->error || s->any_error) && b->error == s->tolerate) {
        j->tally.tolerated++;
        j->refused = true;
        return;
    }
    bool ok;
    if (s->has_expect)
        ok = as_expected(j, s, sql, b);
    else if (s->side == SIDE_TESSERA)
        ok = b->error == 0 || (describe_error(b, y, sizeof y), report(j, s, sql, "refused", NULL, y), false);
    else
        ok = same_outcome(j, s, sql, a, b);
    if (!ok)
        wrong(j);
}

static void run_step(struct judge *j, const struct case_step *s, const char *sql)
{
    struct peer *p = &j->peers[j->current];
    struct outcome out[SIDES] = {{0}, {0}};
    bool prepared = j->prepared && !s->text_only && !p->multi;
    j->tally.statements++;
    for (int side = 0; side < SIDES; side++) {
        if (s->side == (side ? SIDE_PLAIN : SIDE_TESSERA))
            continue;
        run_side(j, p->conn[side], s, sql, prepared, &out[side]);
        if (side == 0 && out[0].unpreparable) {
            out[0] = (struct outcome){0};
            prepared = false;
            run_side(j, p->conn[0], s, sql, false, &out[0]);
        }
    }
    if (s->side == SIDE_BOTH && !(s->skip & JUDGE_WARNINGS) && (warning_count(&out[0]) || warning_count(&out[1]))) {
        for (int side = 0; side < SIDES; side++)
            if (!out[side].error)
                fetch_warnings(p->conn[side], &out[side], &out[side].warnings);
    }
    decide(j, s, sql, out);
    free_rows(&out[0]);
    free_rows(&out[1]);
}

/* The first value of each row that Tessera gives is a statement, which is run on both. */
static void run_each(struct judge *j, const struct case_step *s)
{
    MYSQL *c = j->peers[j->current].conn[1];
    MYSQL_RES *res = NULL;
    MYSQL_ROW row;
    if (mysql_real_query(c, s->sql, strlen(s->sql)) || !(res = mysql_store_result(c))) {
        report(j, s, s->sql, "no statements", NULL, mysql_error(c));
        wrong(j);
        return;
    }
    while ((row = mysql_fetch_row(res)))
        if (row[0])
            run_step(j, s, row[0]);
    mysql_free_result(res);
}

static void send_step(struct judge *j, const struct case_step *s)
{
    struct peer *p = &j->peers[j->current];
    for (int side = 0; side < SIDES; side++) {
        if (mysql_send_query(p->conn[side], s->sql, strlen(s->sql))) {
            report(j, s, s->sql, "cannot send", side ? NULL : "failed", side ? "failed" : NULL);
            wrong(j);
            j->broken = true;
        }
    }
}

static void reap_step(struct judge *j, const struct case_step *s)
{
    struct peer *p = &j->peers[j->current];
    struct outcome out[SIDES] = {{0}, {0}};
    j->tally.statements++;
    for (int side = 0; side < SIDES; side++) {
        MYSQL *c = p->conn[side];
        if (mysql_read_query_result(c))
            take_error(&out[side], mysql_errno(c), mysql_sqlstate(c), mysql_error(c));
        else
            take_results(c, &out[side]);
    }
    decide(j, s, "(what was sent)", out);
}

/* The statement for one turn of --repeat. */
static char *numbered(const char *sql, long i)
{
    struct text t = {0};
    char number[24];
    int n = snprintf(number, sizeof number, "%ld", i);
    for (const char *p = sql; *p; p++) {
        if (!strncmp(p, "{i}", 3)) {
            put(&t, number, (size_t)n);
            p += 2;
        } else {
            put(&t, p, 1);
        }
    }
    return t.s;
}

static void one_step(struct judge *j, const struct case_step *s)
{
    if ((s->prepared_only && !j->prepared) || (s->only_kind && strcmp(s->only_kind, j->o->kind)) || (s->after_refusal && !j->refused))
        return;
    j->refused = false;
    if (j->o->verbose)
        printf("# %s:%d: %s\n", j->f->name, s->line, s->sql ? s->sql : "");
    switch (s->action) {
    case ACTION_CONNECT:
        j->broken = !use_peer(j, s->sql, s);
        break;
    case ACTION_CLOSE:
        close_peer(j, s->sql);
        break;
    case ACTION_SLEEP:
        usleep((useconds_t)s->number * 1000);
        break;
    case ACTION_SEND:
        send_step(j, s);
        break;
    case ACTION_REAP:
        reap_step(j, s);
        break;
    case ACTION_RUN:
        if (!j->peers[j->current].name) {
            report(j, s, s->sql, "this connection was closed", NULL, NULL);
            j->broken = true;
            break;
        }
        if (s->each) {
            run_each(j, s);
            break;
        }
        if (s->repeat == 0) {
            run_step(j, s, s->sql);
            break;
        }
        for (long i = 1; i <= s->repeat && !j->broken; i++) {
            char *sql = numbered(s->sql, i);
            run_step(j, s, sql);
            free(sql);
        }
        break;
    }
}

bool judge_answers(const struct judge_options *o)
{
    MYSQL *c = mysql_init(NULL);
    bool ok = c && mysql_real_connect(c, o->tessera_host, o->user, o->password, NULL, o->tessera_port, NULL, 0);
    if (c)
        mysql_close(c);
    return ok;
}

struct judge_tally judge_run(const struct judge_options *o, const struct case_file *f, bool prepared)
{
    struct judge j = {.o = o, .f = f, .prepared = prepared};
    struct text name = {0};
    put(&name, "case_", 5);
    put(&name, f->name, strlen(f->name));
    j.database = name.s;
    if (!use_peer(&j, "default", NULL)) {
        j.tally.wrong++;
        j.broken = true;
    }
    for (size_t i = 0; i < f->count && !j.broken; i++)
        one_step(&j, &f->steps[i]);
    if (j.broken)
        printf("# %s: the rest of this file was not run\n", f->path);
    /* Other connections may hold locks that the drop would wait for. */
    for (size_t i = 1; i < j.peer_count; i++)
        if (j.peers[i].name)
            close_peer(&j, j.peers[i].name);
    if (j.peer_count > 0 && j.peers[0].name) {
        for (int side = 0; side < SIDES; side++)
            if (j.peers[0].conn[side] && !j.broken)
                (void)plain_sql(&j, j.peers[0].conn[side], "DROP DATABASE IF EXISTS `%s`", j.database);
        close_peer(&j, "default");
    }
    if (j.broken && j.tally.wrong == 0)
        j.tally.wrong = 1;
    return j.tally;
}
