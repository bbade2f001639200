/* JSON documents as the two kinds of server hold and print them.
 *
 * MySQL keeps a value: objects have each name once (the last one given wins) in the order of the names' length, then bytes;
 * numbers are integers of 64 bits, decimals or doubles; it prints ", " and ": " between. MariaDB keeps text: names stay in their order and
 * as often as they were given, scalars as they were written, and functions that give a document print ", " and ": ".
 * A node therefore holds both: what the token means and how it was written.
 *
 * Nodes live in an arena and may be shared between documents: whoever changes one copies it first (json_shallow). Any thread. */
#ifndef TYPES_JSON_H
#define TYPES_JSON_H

#include "types/decimal.h"
#include "util/strbuf.h"

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

enum json_number { JSON_INT, JSON_UINT, JSON_DECIMAL, JSON_DOUBLE };

/* Reading: a text by MySQL's rules; a text that a MySQL server printed (numbers keep their digits); MariaDB's rules. */
enum json_mode { JSON_TEXT, JSON_PRINTED, JSON_MARIADB };

enum { JSON_MAX_DEPTH_MYSQL = 100, JSON_MAX_DEPTH_MARIADB = 32 };

struct json {
    uint8_t kind;   /* enum json_kind */
    uint8_t number; /* enum json_number */
    bool truth;     /* BOOL */
    bool guessed;   /* PRINTED: the server may know it as another type than its text shows (a decimal, a date) */
    uint32_t n, cap;
    struct sv text; /* NUMBER: how it prints; STRING: the characters */
    struct sv raw;  /* MARIADB, scalars: as it was written */
    union {
        int64_t i;
        uint64_t u;
        double f;
    };
    struct json **items;  /* ARRAY, OBJECT */
    struct sv *names;     /* OBJECT: the characters */
    struct sv *raw_names; /* MARIADB: as written, without quotes */
};

/* What is wrong with a text. */
struct json_error {
    const char *text; /* MySQL's words; NULL: too deep (3157) */
    size_t at;        /* byte offset */
    bool lenient;     /* MARIADB: that server may take it, or part of it */
    bool at_end;      /* MARIADB: the text ends too early (4037), else a wrong character (4038) */
};

/* NULL: err says why. The nodes' texts are views of s where nothing was escaped. */
struct json *json_parse(struct sv s, enum json_mode mode, struct arena *a, struct json_error *err);

struct json *json_new(enum json_kind k, struct arena *a);
struct json *json_new_bool(bool v, struct arena *a);
struct json *json_new_i64(int64_t v, struct arena *a);
struct json *json_new_u64(uint64_t v, struct arena *a);
struct json *json_new_f64(double v, struct arena *a); /* prints with a fraction, as MySQL does */
struct json *json_new_dec(struct sv text, struct arena *a);
struct json *json_new_string(struct sv s, struct arena *a);
/* A copy whose list of items is its own. */
struct json *json_shallow(const struct json *j, struct arena *a);
void json_append(struct json *array, struct json *item, struct arena *a);
void json_insert(struct json *array, uint32_t at, struct json *item, struct arena *a);
/* Gives the member's place, or -1. */
int64_t json_find(const struct json *object, struct sv name);
/* Adds or replaces; sorted: in MySQL's order, else at the end, replacing the first of the name where `replace` says so. */
void json_put(struct json *object, struct sv name, struct json *value, bool sorted, bool replace, struct arena *a);
void json_erase(struct json *j, uint32_t at);
unsigned json_depth(const struct json *j);

enum json_style { JSON_LOOSE, JSON_COMPACT, JSON_PRETTY_MYSQL, JSON_PRETTY_MARIADB };
/* Appends the text. raw: scalars and names as they were written (MariaDB). */
void json_print(const struct json *j, enum json_style style, bool raw, struct strbuf *b);
/* Appends characters with JSON's escapes, without quotes. upper: digits of \u as MariaDB writes them. */
void json_escape(struct sv s, bool upper, struct strbuf *b);
/* The characters of an escaped piece (between quotes). False: a wrong escape. lenient: MariaDB's, where \x is x. */
bool json_unescape(struct sv s, bool lenient, struct arena *a, struct sv *out) MUST_CHECK;

/* MySQL's order of values: -1, 0, 1. */
int json_compare(const struct json *x, const struct json *y);
/* Whether a text is in it that a MySQL server may hold as something else: a date, a time, bytes. */
bool json_has_guessed_text(const struct json *j);
/* Appends a key whose memcmp order is that in which MySQL sorts documents: arrays and objects by their number of items only. */
void json_sort_key(struct sv text, struct strbuf *b);
int json_sort_cmp(struct sv x, struct sv y);
/* A number's value. */
double json_to_f64(const struct json *j);

/* ---- paths ---- */

enum json_leg_kind { JSON_LEG_MEMBER, JSON_LEG_ANY_MEMBER, JSON_LEG_CELL, JSON_LEG_ANY_CELL, JSON_LEG_RANGE, JSON_LEG_ELLIPSIS };

struct json_leg {
    uint8_t kind;
    bool from_end, to_end; /* `last - N` */
    uint32_t from, to;
    struct sv name;
};

struct json_path {
    struct json_leg *legs;
    uint32_t n;
    bool many; /* can match more than one value */
};

/* False: *at is the offset (MySQL's characters from 1) of what is wrong, *at_end as in json_error. */
bool json_path_parse(struct sv s, bool mariadb, struct arena *a, struct json_path *out, size_t *at, bool *at_end) MUST_CHECK;
/* Whether a name stands in a path of MySQL's without quotes. *unknown is set where that is not certain. */
bool json_is_identifier(struct sv name, bool *unknown);
/* Index of a cell leg in an array of n items. False: none. */
bool json_leg_index(const struct json_leg *l, uint32_t n, uint32_t *at) MUST_CHECK;

struct json_found {
    struct json **items;
    uint32_t n, cap;
};
/* Appends what the path leads to, in the document's order; a value once. one: stops at the first. mariadb: its rules for cells of
 * what is no array. */
void json_seek(struct json *j, const struct json_path *p, bool one, bool mariadb, struct arena *a, struct json_found *out);

#endif
