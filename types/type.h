/* SQL types as MySQL's protocol and dialect have them, and how each is held physically.
 *
 * A struct sql_type says what a column or an expression is (protocol type code, signedness, display length, decimals,
 * collation). The `kind` of a type says how its values are held, in a struct value and in a vector:
 *   KIND_I64/U64  every integer, YEAR and BIT (both U64);  KIND_F64  FLOAT (a float widened) and DOUBLE;
 *   KIND_DEC      DECIMAL, a scaled integer;
 *   KIND_DATE, KIND_DATETIME (also TIMESTAMP), KIND_TIME  packed integers that sort (temporal.h);
 *   KIND_STR      everything else: text in utf8mb4 whatever the column's character set (coll.h), binary as it is, JSON, ENUM
 *                 and SET by their names, geometry as its bytes.
 * Plain values without owner; pure functions, any thread. Source of the codes and flags: "Column Definition Packet"
 * of the client/server protocol. */
#ifndef TYPES_TYPE_H
#define TYPES_TYPE_H

#include "util/sv.h"

enum type_code {
    TYPE_DECIMAL = 0,
    TYPE_TINY = 1,
    TYPE_SHORT = 2,
    TYPE_LONG = 3,
    TYPE_FLOAT = 4,
    TYPE_DOUBLE = 5,
    TYPE_NULL = 6,
    TYPE_TIMESTAMP = 7,
    TYPE_LONGLONG = 8,
    TYPE_INT24 = 9,
    TYPE_DATE = 10,
    TYPE_TIME = 11,
    TYPE_DATETIME = 12,
    TYPE_YEAR = 13,
    TYPE_NEWDATE = 14,
    TYPE_VARCHAR = 15,
    TYPE_BIT = 16,
    TYPE_VECTOR = 242,
    TYPE_JSON = 245,
    TYPE_NEWDECIMAL = 246,
    TYPE_ENUM = 247,
    TYPE_SET = 248,
    TYPE_TINY_BLOB = 249,
    TYPE_MEDIUM_BLOB = 250,
    TYPE_LONG_BLOB = 251,
    TYPE_BLOB = 252,
    TYPE_VAR_STRING = 253,
    TYPE_STRING = 254,
    TYPE_GEOMETRY = 255
};

/* Column flags of the protocol. */
enum type_flag {
    TYPE_NOT_NULL = 1,
    TYPE_PRI_KEY = 2,
    TYPE_UNIQUE_KEY = 4,
    TYPE_MULTIPLE_KEY = 8,
    TYPE_BLOB_FLAG = 16,
    TYPE_UNSIGNED = 32,
    TYPE_ZEROFILL = 64,
    TYPE_BINARY = 128,
    TYPE_ENUM_FLAG = 256,
    TYPE_AUTO_INCREMENT = 512,
    TYPE_TIMESTAMP_FLAG = 1024,
    TYPE_SET_FLAG = 2048,
    TYPE_NO_DEFAULT = 4096,
    TYPE_IS_BOOL = 16384, /* ours, never sent: TRUE, FALSE, what a comparison gives */
    TYPE_COMPUTED = 8192, /* ours, never sent (the protocol's ON UPDATE, which nobody asks for): a function here gave it */
    TYPE_NUM = 32768
};

/* How strongly an expression holds to its collation: MySQL's coercibility values. Lower wins. */
enum type_deriv {
    DERIV_EXPLICIT = 0, /* COLLATE clause */
    DERIV_NONE = 1,     /* two different implicit ones met */
    DERIV_IMPLICIT = 2, /* column */
    DERIV_SYSCONST = 3,
    DERIV_COERCIBLE = 4, /* literal, parameter */
    DERIV_NUMERIC = 5,
    DERIV_IGNORABLE = 6 /* NULL */
};

enum type_kind {
    KIND_NULL, /* only of a NULL value or the type of the literal NULL */
    KIND_I64,
    KIND_U64,
    KIND_F64,
    KIND_DEC,
    KIND_DATE,
    KIND_DATETIME,
    KIND_TIME,
    KIND_STR
};

enum {
    TYPE_DECIMALS_FLOATING = 31, /* `decimals` of a float or string without fixed decimals (servers send 31 or 39) */
    TYPE_COLL_BINARY = 63,
    TYPE_MAX_FSP = 6
};

struct sql_type {
    uint8_t code;      /* enum type_code */
    uint8_t decimals;  /* scale; fractional second digits; 31 floating */
    uint8_t deriv;     /* enum type_deriv, for strings */
    uint16_t flags;    /* enum type_flag */
    uint16_t coll;     /* collation id; 63 binary. For columns the catalog's, see type_from_coldef */
    uint32_t length;   /* as the protocol: display width; for strings bytes (characters x maximal bytes of one); BIT: bits */
};

/* From a column definition packet. Note that a server reports the collation of the *result's* character set there, not
 * the column's; whoever knows better (the binder, from the catalog) sets t->coll. ENUM and SET columns, which arrive as
 * TYPE_STRING with a flag, become TYPE_ENUM and TYPE_SET. */
void type_from_coldef(struct sql_type *t, uint8_t code, uint16_t flags, uint16_t coll, uint32_t length, uint8_t decimals);

/* Constructors for expression types. Length 0: a sensible width. */
struct sql_type type_int(bool is_unsigned);               /* BIGINT [UNSIGNED] */
struct sql_type type_bool(void);                          /* what a comparison gives: INT(1) */
struct sql_type type_double(void);
struct sql_type type_decimal(unsigned precision, unsigned scale);
struct sql_type type_temporal(enum type_code code, unsigned fsp);
/* chars: maximal length in characters. */
struct sql_type type_string(uint32_t chars, uint16_t coll, enum type_deriv deriv);
struct sql_type type_null(void);

enum type_kind type_kind_of(const struct sql_type *t) PURE;
static inline bool type_is_unsigned(const struct sql_type *t)
{
    return (t->flags & TYPE_UNSIGNED) != 0;
}
bool type_is_string(const struct sql_type *t) PURE;   /* KIND_STR */
bool type_is_numeric(const struct sql_type *t) PURE;  /* I64 U64 F64 DEC */
bool type_is_temporal(const struct sql_type *t) PURE; /* DATE DATETIME TIME */
/* A MySQL server's document, which is a value; to MariaDB JSON is text. */
static inline bool type_is_json_value(const struct sql_type *t)
{
    return t->code == TYPE_JSON && (t->flags & TYPE_BLOB_FLAG) != 0;
}
/* Decimal digits that a DECIMAL holds (from its display length). */
unsigned type_dec_precision(const struct sql_type *t) PURE;
/* Length in characters of a string type (length / maximal bytes of a character of its character set). */
uint32_t type_chars(const struct sql_type *t) PURE;
/* "bigint unsigned", "decimal(10,2)", "varchar(20)", for messages and EXPLAIN. Writes at most cap bytes with the NUL. */
void type_print(const struct sql_type *t, char *buf, size_t cap);

#endif
