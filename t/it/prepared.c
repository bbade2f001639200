/* Prepared statements through libmysqlclient, parameters and results of every type in their binary forms: the same steps on a
 * plain server and through Tessera, compared byte by byte. Prints TAP. Arguments: HOST PORT (plain) HOST PORT (Tessera). */
#include <mysql.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SIDES = 2, COLUMNS = 20, ROOM = 128, TRACE_MAX = 1 << 20 };

typedef __typeof__(*((MYSQL_BIND *)0)->is_null) bind_bool;

/* What a side gave: everything that is compared is written here. */
struct side {
    MYSQL *c;
    const char *name;
    char *trace;
    size_t len;
};

static struct side sides[SIDES];
static int tests, failures;

static void trace(struct side *s, const char *label, const void *data, size_t len)
{
    int n = snprintf(s->trace + s->len, TRACE_MAX - s->len, "%s ", label);
    s->len += (size_t)n;
    for (size_t i = 0; i < len && s->len + 4 < TRACE_MAX; i++)
        s->len += (size_t)snprintf(s->trace + s->len, TRACE_MAX - s->len, "%02x", ((const unsigned char *)data)[i]);
    if (s->len + 2 < TRACE_MAX)
        s->trace[s->len++] = '\n';
    s->trace[s->len] = 0;
}

static void trace_number(struct side *s, const char *label, unsigned long long v)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%llu", v);
    trace(s, label, text, (size_t)n);
}

static bool trace_error(struct side *s, MYSQL_STMT *st)
{
    trace_number(s, "error", mysql_stmt_errno(st));
    trace(s, mysql_stmt_error(st), mysql_stmt_sqlstate(st), 5);
    return false;
}

/* Compares the traces of both sides and begins new ones. */
static void done(const char *title)
{
    bool same = !strcmp(sides[0].trace, sides[1].trace);
    tests++;
    if (!same) {
        failures++;
        char *rest[SIDES] = {sides[0].trace, sides[1].trace};
        char *line[SIDES];
        do {
            for (int i = 0; i < SIDES; i++)
                line[i] = strsep(&rest[i], "\n");
        } while (line[0] && line[1] && !strcmp(line[0], line[1]));
        printf("# plain:   %.300s\n# tessera: %.300s\n", line[0] ? line[0] : "(end)", line[1] ? line[1] : "(end)");
    }
    printf("%s %d - %s\n", same ? "ok" : "not ok", tests, title);
    fflush(stdout);
    for (int i = 0; i < SIDES; i++) {
        sides[i].len = 0;
        sides[i].trace[0] = 0;
    }
}

static bool run(struct side *s, const char *sql)
{
    if (!mysql_query(s->c, sql)) {
        MYSQL_RES *r = mysql_store_result(s->c);
        if (r)
            mysql_free_result(r);
        return true;
    }
    printf("# %s: %s: %s\n", s->name, sql, mysql_error(s->c));
    trace_number(s, "error", mysql_errno(s->c));
    return false;
}

static MYSQL_STMT *prepare(struct side *s, const char *sql)
{
    MYSQL_STMT *st = mysql_stmt_init(s->c);
    if (!st)
        exit(99);
    if (mysql_stmt_prepare(st, sql, strlen(sql))) {
        trace_error(s, st);
        mysql_stmt_close(st);
        return NULL;
    }
    trace_number(s, "params", mysql_stmt_param_count(st));
    trace_number(s, "columns", mysql_stmt_field_count(st));
    return st;
}

/* Fetches all rows; each column in the binary form that its type has, or as kind where that is not MYSQL_TYPE_NULL. */
static bool fetch(struct side *s, MYSQL_STMT *st, enum enum_field_types kind)
{
    static char buf[COLUMNS][ROOM];
    MYSQL_BIND b[COLUMNS] = {0};
    unsigned long len[COLUMNS] = {0};
    bind_bool null[COLUMNS] = {0}, error[COLUMNS] = {0};
    MYSQL_RES *meta = mysql_stmt_result_metadata(st);
    if (!meta)
        return trace_error(s, st);
    unsigned n = mysql_num_fields(meta);
    const MYSQL_FIELD *f = mysql_fetch_fields(meta);
    for (unsigned i = 0; i < n && i < COLUMNS; i++) {
        trace(s, "column", f[i].name, strlen(f[i].name));
        trace_number(s, "type", f[i].type);
        trace_number(s, "flags", f[i].flags & (UNSIGNED_FLAG | ZEROFILL_FLAG | ENUM_FLAG | SET_FLAG | AUTO_INCREMENT_FLAG));
        b[i] = (MYSQL_BIND){.buffer_type = kind == MYSQL_TYPE_NULL ? f[i].type : kind, .buffer = buf[i], .buffer_length = ROOM,
                            .length = &len[i], .is_null = &null[i], .error = &error[i],
                            .is_unsigned = (f[i].flags & UNSIGNED_FLAG) != 0};
    }
    mysql_free_result(meta);
    if (mysql_stmt_bind_result(st, b) || mysql_stmt_store_result(st))
        return trace_error(s, st);
    trace_number(s, "rows", mysql_stmt_num_rows(st));
    int rc;
    do {
        memset(buf, 0, sizeof buf);
        memset(len, 0, sizeof len);
        rc = mysql_stmt_fetch(st);
        trace_number(s, "fetch", (unsigned)rc);
        if (rc == 1)
            return trace_error(s, st);
        for (unsigned i = 0; rc != MYSQL_NO_DATA && i < n && i < COLUMNS; i++) {
            if (null[i])
                trace(s, "null", "", 0);
            else
                trace(s, "value", buf[i], len[i] < ROOM ? len[i] : ROOM);
        }
    } while (rc != MYSQL_NO_DATA);
    mysql_stmt_free_result(st);
    return true;
}

static bool execute(struct side *s, MYSQL_STMT *st, MYSQL_BIND *params)
{
    if (!st)
        return false;
    if ((params && mysql_stmt_bind_param(st, params)) || mysql_stmt_execute(st))
        return trace_error(s, st);
    if (mysql_stmt_field_count(st) > 0)
        return fetch(s, st, MYSQL_TYPE_NULL);
    trace_number(s, "affected", mysql_stmt_affected_rows(st));
    return true;
}

static void create(struct side *s)
{
    run(s, "DROP DATABASE IF EXISTS itprep");
    run(s, "CREATE DATABASE itprep");
    run(s, "USE itprep");
    run(s, "SET time_zone = '+00:00'");
    run(s, "CREATE TABLE t (id INT NOT NULL PRIMARY KEY, c1 TINYINT, c2 TINYINT UNSIGNED, c3 SMALLINT, c4 SMALLINT UNSIGNED, c5 MEDIUMINT, "
           "c6 INT, c7 INT UNSIGNED, c8 BIGINT, c9 BIGINT UNSIGNED, c10 FLOAT, c11 DOUBLE, c12 DECIMAL(20,5), c13 DATE, c14 TIME(6), "
           "c15 DATETIME(6), c16 TIMESTAMP(3) NULL, c17 VARCHAR(50), c18 BLOB, c19 YEAR) PARTITION BY KEY (id) PARTITIONS 4");
    run(s, "CREATE TABLE u (id INT NOT NULL PRIMARY KEY, b BIT(12), e ENUM('x','y'), st SET('a','b'), ch CHAR(5), bi BINARY(4), tx LONGTEXT) "
           "PARTITION BY KEY (id) PARTITIONS 4");
}

/* Twenty parameters, one for each column, each sent in the column's own binary type. */
static void insert_all(struct side *s)
{
    int32_t id = 1, c6 = INT32_MIN;
    int8_t c1 = -128;
    uint8_t c2 = 255;
    int16_t c3 = -32768, c19 = 2024;
    uint16_t c4 = 65535;
    int32_t c5 = -8388608;
    uint32_t c7 = UINT32_MAX;
    int64_t c8 = INT64_MIN;
    uint64_t c9 = UINT64_MAX;
    float c10 = 1.25f;
    double c11 = -1e300;
    char c12[] = "-123456789012345.12345", c17[] = "text with ' and \\ and \xc3\xa9", c18[] = "\0\1\2\xff";
    MYSQL_TIME c13 = {.year = 2024, .month = 2, .day = 29, .time_type = MYSQL_TIMESTAMP_DATE};
    MYSQL_TIME c14 = {.hour = 22, .minute = 59, .second = 58, .second_part = 999999, .neg = 1, .time_type = MYSQL_TIMESTAMP_TIME};
    MYSQL_TIME c15 = {.year = 9999, .month = 12, .day = 31, .hour = 23, .minute = 59, .second = 59, .second_part = 123456,
                      .time_type = MYSQL_TIMESTAMP_DATETIME};
    MYSQL_TIME c16 = {.year = 2024, .month = 1, .day = 1, .time_type = MYSQL_TIMESTAMP_DATETIME};
    MYSQL_BIND b[COLUMNS] = {
        {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id}, {.buffer_type = MYSQL_TYPE_TINY, .buffer = &c1},
        {.buffer_type = MYSQL_TYPE_TINY, .buffer = &c2, .is_unsigned = 1}, {.buffer_type = MYSQL_TYPE_SHORT, .buffer = &c3},
        {.buffer_type = MYSQL_TYPE_SHORT, .buffer = &c4, .is_unsigned = 1}, {.buffer_type = MYSQL_TYPE_LONG, .buffer = &c5},
        {.buffer_type = MYSQL_TYPE_LONG, .buffer = &c6}, {.buffer_type = MYSQL_TYPE_LONG, .buffer = &c7, .is_unsigned = 1},
        {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &c8}, {.buffer_type = MYSQL_TYPE_LONGLONG, .buffer = &c9, .is_unsigned = 1},
        {.buffer_type = MYSQL_TYPE_FLOAT, .buffer = &c10}, {.buffer_type = MYSQL_TYPE_DOUBLE, .buffer = &c11},
        {.buffer_type = MYSQL_TYPE_NEWDECIMAL, .buffer = c12, .buffer_length = sizeof c12 - 1},
        {.buffer_type = MYSQL_TYPE_DATE, .buffer = &c13}, {.buffer_type = MYSQL_TYPE_TIME, .buffer = &c14},
        {.buffer_type = MYSQL_TYPE_DATETIME, .buffer = &c15}, {.buffer_type = MYSQL_TYPE_TIMESTAMP, .buffer = &c16},
        {.buffer_type = MYSQL_TYPE_VAR_STRING, .buffer = c17, .buffer_length = sizeof c17 - 1},
        {.buffer_type = MYSQL_TYPE_BLOB, .buffer = c18, .buffer_length = 4}, {.buffer_type = MYSQL_TYPE_SHORT, .buffer = &c19},
    };
    MYSQL_STMT *st = prepare(s, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    execute(s, st, b);
    /* Again with other values and the types as bound before. */
    for (id = 2; st && id < 10; id++) {
        c8 = id;
        c13.day = (unsigned)id;
        c14 = (MYSQL_TIME){.second = (unsigned)id, .time_type = MYSQL_TIMESTAMP_TIME};
        if (mysql_stmt_execute(st))
            trace_error(s, st);
    }
    if (st)
        mysql_stmt_close(st);
}

static void insert_nulls(struct side *s)
{
    int32_t id = 20;
    bind_bool yes = 1;
    MYSQL_BIND b[COLUMNS] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &id}};
    for (int i = 1; i < COLUMNS; i++)
        b[i] = i % 2 ? (MYSQL_BIND){.buffer_type = MYSQL_TYPE_NULL}
                     : (MYSQL_BIND){.buffer_type = MYSQL_TYPE_LONG, .buffer = &id, .is_null = &yes};
    MYSQL_STMT *st = prepare(s, "INSERT INTO t VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)");
    execute(s, st, b);
    if (st)
        mysql_stmt_close(st);
}

static void select_with(struct side *s, const char *sql, enum enum_field_types type, const char *value)
{
    MYSQL_STMT *st = prepare(s, sql);
    long long number = strtoll(value, NULL, 10);
    double real = strtod(value, NULL);
    MYSQL_BIND b = {.buffer_type = type, .buffer = &number};
    if (type == MYSQL_TYPE_DOUBLE)
        b.buffer = &real;
    char text[ROOM];
    if (type == MYSQL_TYPE_STRING || type == MYSQL_TYPE_NEWDECIMAL) {
        snprintf(text, sizeof text, "%s", value);
        b.buffer = text;
        b.buffer_length = strlen(value);
    }
    execute(s, st, &b);
    if (st)
        mysql_stmt_close(st);
}

static void long_data(struct side *s)
{
    int32_t id = 50;
    char part[1000];
    memset(part, 'x', sizeof part);
    MYSQL_BIND b[2] = {{.buffer_type = MYSQL_TYPE_LONG, .buffer = &id}, {.buffer_type = MYSQL_TYPE_STRING}};
    MYSQL_STMT *st = prepare(s, "INSERT INTO u (id, tx) VALUES (?, ?)");
    if (!st)
        return;
    for (int round = 0; round < 2; round++, id++) {
        if (mysql_stmt_bind_param(st, b)) {
            trace_error(s, st);
            break;
        }
        for (int i = 0; i < 300; i++)
            if (mysql_stmt_send_long_data(st, 1, part, sizeof part))
                trace_error(s, st);
        if (mysql_stmt_execute(st))
            trace_error(s, st);
        trace_number(s, "affected", mysql_stmt_affected_rows(st));
    }
    /* Reset forgets what was sent. */
    if (mysql_stmt_bind_param(st, b) || mysql_stmt_send_long_data(st, 1, part, sizeof part) || mysql_stmt_reset(st))
        trace_error(s, st);
    char text[] = "short";
    b[1] = (MYSQL_BIND){.buffer_type = MYSQL_TYPE_STRING, .buffer = text, .buffer_length = 5};
    execute(s, st, b);
    mysql_stmt_close(st);
    st = prepare(s, "SELECT id, LENGTH(tx), LEFT(tx, 10) FROM u WHERE id >= 50 ORDER BY id");
    execute(s, st, NULL);
    if (st)
        mysql_stmt_close(st);
}

/* A statement goes on working, or is refused as the plain server does, when its table changes under it. */
static void table_changes(struct side *s)
{
    run(s, "CREATE TABLE ch (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4");
    run(s, "INSERT INTO ch VALUES (1, 10), (2, 20)");
    MYSQL_STMT *st = prepare(s, "SELECT v FROM ch WHERE id = ?");
    int32_t id = 1;
    MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    execute(s, st, &b);
    run(s, "ALTER TABLE ch ADD COLUMN w INT DEFAULT 3");
    execute(s, st, &b);
    run(s, "DROP TABLE ch");
    execute(s, st, &b);
    run(s, "CREATE TABLE ch (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4");
    run(s, "INSERT INTO ch VALUES (1, 11)");
    execute(s, st, &b);
    if (st)
        mysql_stmt_close(st);
}

static void many(struct side *s)
{
    enum { N = 500 };
    static MYSQL_STMT *st[N];
    int32_t id = 0;
    MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    char sql[64];
    for (int i = 0; i < N; i++) {
        snprintf(sql, sizeof sql, "SELECT c8 + %d FROM t WHERE id = ?", i);
        st[i] = prepare(s, sql);
    }
    for (int i = N - 1; i >= 0; i -= 7) {
        id = 1 + i % 9;
        execute(s, st[i], &b);
    }
    for (int i = 0; i < N; i++)
        if (st[i])
            mysql_stmt_close(st[i]);
}

static void errors(struct side *s)
{
    static const char *const bad[] = {"SELEC", "SELECT * FROM nope", "SELECT nope FROM t WHERE id = ?", "SELECT ? FROM", "INSERT INTO t (id) VALUES (?, ?)"};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        MYSQL_STMT *st = mysql_stmt_init(s->c);
        if (!st)
            exit(99);
        if (mysql_stmt_prepare(st, bad[i], strlen(bad[i]))) {
            trace_number(s, "error", mysql_stmt_errno(st));
            trace(s, "state", mysql_stmt_sqlstate(st), 5);
        } else {
            trace(s, "prepared", bad[i], strlen(bad[i]));
        }
        mysql_stmt_close(st);
    }
    int32_t id = 1;
    MYSQL_BIND b = {.buffer_type = MYSQL_TYPE_LONG, .buffer = &id};
    MYSQL_STMT *st = prepare(s, "INSERT INTO t (id) VALUES (?)");
    execute(s, st, &b);
    id = 70;
    execute(s, st, &b);
    if (st)
        mysql_stmt_close(st);
}

/* All rows through several conversions of the client library, which needs each column's type to be right. */
static void converted(struct side *s)
{
    static const enum enum_field_types kinds[] = {MYSQL_TYPE_STRING, MYSQL_TYPE_LONGLONG, MYSQL_TYPE_DOUBLE};
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        MYSQL_STMT *st = prepare(s, "SELECT id, c1, c2, c3, c4, c5, c6, c7, c8, c9, c10, c11, c12, c19 FROM t ORDER BY id");
        if (!st)
            return;
        if (mysql_stmt_execute(st))
            trace_error(s, st);
        else
            fetch(s, st, kinds[i]);
        mysql_stmt_close(st);
    }
}

static void plain_select(struct side *s, const char *sql)
{
    MYSQL_STMT *st = prepare(s, sql);
    execute(s, st, NULL);
    if (st)
        mysql_stmt_close(st);
}

static void other_types(struct side *s)
{
    run(s, "INSERT INTO u VALUES (1, b'101010101010', 'y', 'a,b', 'ab', 'cd', 'text'), (2, 0, 'x', '', '', '', ''), "
           "(3, NULL, NULL, NULL, NULL, NULL, NULL)");
    plain_select(s, "SELECT * FROM u WHERE id < 10 ORDER BY id");
    plain_select(s, "SELECT * FROM u WHERE id = 1");
    plain_select(s, "SELECT 1, -1, 1.5, 1e10, 'x', NULL, CAST('2024-01-01' AS DATE), CAST(5 AS UNSIGNED), 1 = 1, x'4142'");
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return 2;
    for (int i = 0; i < SIDES; i++) {
        struct side *s = &sides[i];
        s->name = i ? "tessera" : "plain";
        s->trace = calloc(1, TRACE_MAX);
        s->c = mysql_init(NULL);
        if (!s->trace || !s->c)
            return 99;
        mysql_options(s->c, MYSQL_SET_CHARSET_NAME, "utf8mb4");
        if (!mysql_real_connect(s->c, argv[1 + 2 * i], "root", "", NULL, (unsigned)strtoul(argv[2 + 2 * i], NULL, 10), NULL, 0)) {
            printf("Bail out! %s: %s\n", s->name, mysql_error(s->c));
            return 99;
        }
    }
#define BOTH(title_, call_)                                                                                                       \
    do {                                                                                                                          \
        for (struct side *s = sides; s < sides + SIDES; s++)                                                                      \
            call_;                                                                                                                \
        done(title_);                                                                                                             \
    } while (0)
    BOTH("tables of all types", create(s));
    BOTH("parameters of every binary type, executed again with the types known", insert_all(s));
    BOTH("NULL of either kind", insert_nulls(s));
    BOTH("a point select in binary", select_with(s, "SELECT * FROM t WHERE id = ?", MYSQL_TYPE_LONGLONG, "1"));
    BOTH("with NULLs", select_with(s, "SELECT * FROM t WHERE id = ?", MYSQL_TYPE_STRING, "20"));
    BOTH("no row", select_with(s, "SELECT * FROM t WHERE id = ?", MYSQL_TYPE_LONGLONG, "-5"));
    BOTH("over all shards, ordered", select_with(s, "SELECT * FROM t WHERE id > ? ORDER BY id", MYSQL_TYPE_LONGLONG, "0"));
    BOTH("a key given as double", select_with(s, "SELECT id, c8 FROM t WHERE id = ?", MYSQL_TYPE_DOUBLE, "3"));
    BOTH("a key given as double that is no integer", select_with(s, "SELECT id, c8 FROM t WHERE id = ?", MYSQL_TYPE_DOUBLE, "3.5"));
    BOTH("a key given as decimal", select_with(s, "SELECT id, c8 FROM t WHERE id = ?", MYSQL_TYPE_NEWDECIMAL, "4.0"));
    BOTH("conversions by the client library", converted(s));
    BOTH("BIT, ENUM, SET, CHAR, BINARY, literals", other_types(s));
    BOTH("aggregates in binary", plain_select(s, "SELECT COUNT(*), SUM(c1), AVG(c3), MIN(c13), MAX(c15), SUM(c12), MIN(c17) FROM t"));
    BOTH("groups in binary", plain_select(s, "SELECT c19, COUNT(*), SUM(c8) FROM t WHERE id > 1 GROUP BY c19 ORDER BY c19"));
    BOTH("long data in pieces, and reset", long_data(s));
    BOTH("the table changes under a statement", table_changes(s));
    BOTH("500 statements open", many(s));
    BOTH("errors at prepare and execute", errors(s));
    for (int i = 0; i < SIDES; i++) {
        run(&sides[i], "DROP DATABASE itprep");
        mysql_close(sides[i].c);
        free(sides[i].trace);
    }
    mysql_library_end();
    printf("1..%d\n", tests);
    return failures > 0;
}
