/* The SQL judge: runs case files on a plain server and through Tessera over several shards, and compares everything that a
 * client can see. Built on libmysqlclient and nothing of Tessera, so that no part of the project tests itself. Single
 * threaded; memory that cannot be had ends the program. The format of the case files is in t/sql/README. */
#ifndef T_SQL_SQLTEST_H
#define T_SQL_SQLTEST_H

#include <mysql.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a statement's two outcomes are compared in. */
enum judge_part {
    JUDGE_ROWS = 1 << 0,
    JUDGE_NAMES = 1 << 1,    /* column names */
    JUDGE_META = 1 << 2,     /* types, flags, lengths, decimals, character sets, origin */
    JUDGE_AFFECTED = 1 << 3,
    JUDGE_INSERT_ID = 1 << 4,
    JUDGE_WARNINGS = 1 << 5,
    JUDGE_INFO = 1 << 6,     /* "Rows matched: 1  Changed: 1  Warnings: 0" */
    JUDGE_ERROR_TEXT = 1 << 7,
    JUDGE_ERROR = 1 << 8,    /* code and SQLSTATE */
};

enum case_side { SIDE_BOTH, SIDE_PLAIN, SIDE_TESSERA };
enum case_order { ORDER_GUESS, ORDER_YES, ORDER_NO };
enum case_action { ACTION_RUN, ACTION_SEND, ACTION_REAP, ACTION_CONNECT, ACTION_CLOSE, ACTION_SLEEP };

/* One value for a parameter marker. */
struct case_param {
    enum enum_field_types type; /* LONGLONG, DOUBLE, STRING, BLOB, NULL, DATE, DATETIME, TIME */
    char *text;                 /* as in the file, without quotes */
    size_t len;
};

struct case_params {
    struct case_param *items;
    size_t count;
};

/* One statement or other action of a case file, with the directives that stood before it. */
struct case_step {
    enum case_action action;
    int line;
    char *sql;                   /* statement; connection's name; for SLEEP the milliseconds are in number */
    long number;
    enum case_side side;
    enum case_order order;
    unsigned skip;               /* judge_part bits */
    bool approx;                 /* numbers may differ in the last digits */
    bool text_only, prepared_only;
    bool each;                   /* what Tessera gives are statements to run and compare */
    bool after_refusal;          /* only if Tessera refused what --tolerate let it, just before */
    const char *only_kind;       /* "mariadb", "mysql" or NULL */
    long repeat;                 /* {i} runs from 1 to this; 0: once, nothing replaced */
    bool any_error;              /* the plain server may refuse: Tessera then must too */
    unsigned plain_error;        /* the plain server must refuse with this */
    unsigned tolerate;           /* Tessera may refuse with this */
    unsigned tessera_error;      /* Tessera must refuse with this */
    char *tessera_error_text;    /* and its text must contain this */
    struct case_params *params;  /* each one execution */
    size_t param_sets;
    char **expect;               /* rows that Tessera must give, tab-separated; NULL: compare with the plain server */
    size_t expect_count;
    bool has_expect;
    bool found_rows, multi;      /* flags of a new connection */
};

struct case_file {
    char *path;
    char *name;                  /* without folder and ending: also names its database */
    struct case_step *steps;
    size_t count;
};

/* Reads a case file. On a mistake in it prints where and returns false. The result is never freed. */
bool case_load(const char *path, struct case_file *out);

struct judge_options {
    const char *plain_host, *tessera_host, *user, *password, *kind;
    unsigned plain_port, tessera_port;
    char **init;                 /* statements for each new connection to Tessera */
    size_t init_count;
    bool verbose;
};

struct judge_tally {
    size_t statements, wrong, tolerated;
};

/* Runs a case file in text or prepared mode; details of what differs go to stdout as TAP comments. */
struct judge_tally judge_run(const struct judge_options *o, const struct case_file *f, bool prepared);

/* Whether Tessera takes a connection: where it does not, the file before has ended it. */
bool judge_answers(const struct judge_options *o);

/* malloc family that ends the program instead of returning NULL. */
void *must_alloc(size_t size);
void *must_realloc(void *p, size_t size);
char *must_copy(const char *text, size_t len);

#endif
