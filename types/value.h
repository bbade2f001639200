/* One typed value: literals, parameters, routing keys, bounds, and the scalar form of everything that kernels do.
 * Text in a value is utf8mb4 (coll.h) or binary and owned by whoever made it. Any thread. */
#ifndef TYPES_VALUE_H
#define TYPES_VALUE_H

#include "types/decimal.h"
#include "types/temporal.h"
#include "types/type.h"

struct strbuf;

struct value {
    uint8_t kind; /* enum type_kind */
    uint8_t fsp;  /* DATETIME and TIME: digits that it was written with */
    uint8_t code; /* enum type_code where it matters (YEAR, BIT, FLOAT, JSON; TINY: an I64 that is TRUE or FALSE), else 0 */
    uint16_t coll; /* KIND_STR: collation id, 63 binary */
    union {
        int64_t i;  /* I64 */
        uint64_t u; /* U64 */
        double f;   /* F64 */
        struct dec d;
        int64_t t; /* packed DATE, DATETIME, TIME */
        struct sv s;
    };
};

static inline struct value value_null(void)
{
    return (struct value){.kind = KIND_NULL};
}
static inline struct value value_i64(int64_t v)
{
    return (struct value){.kind = KIND_I64, .i = v};
}
static inline struct value value_bool(bool v)
{
    return (struct value){.kind = KIND_I64, .code = TYPE_TINY, .i = v};
}
static inline struct value value_u64(uint64_t v)
{
    return (struct value){.kind = KIND_U64, .u = v};
}
static inline struct value value_f64(double v)
{
    return (struct value){.kind = KIND_F64, .f = v};
}
static inline struct value value_dec(struct dec v)
{
    return (struct value){.kind = KIND_DEC, .d = v};
}
static inline struct value value_str(struct sv s, uint16_t coll)
{
    return (struct value){.kind = KIND_STR, .coll = coll, .s = s};
}
static inline bool value_is_null(const struct value *v)
{
    return v->kind == KIND_NULL;
}

/* The type of a literal with this value. */
struct sql_type value_type(const struct value *v);

/* A numeric literal's text (the lexer's token, without sign): 12, 18446744073709551616, 1.50, .5, 1e3. Integers beyond
 * 64 bits become DECIMAL, as in MySQL. False: not a number. */
bool value_parse_number(struct sv text, struct value *out) MUST_CHECK;
/* The whole token of a string literal with its quotes ('it''s', "a", _utf8mb4'x', N'x' with the introducer cut off by the caller):
 * unescaped into arena a, converted from collation client's character set to utf8mb4, then typed with coll. */
bool value_parse_string(struct sv token, bool no_backslash, uint16_t client, uint16_t coll, struct arena *a,
    struct value *out) MUST_CHECK;
/* x'4142', 0x4142, b'0101', 0b01: a binary string, with code TYPE_BIT: a number in numeric context; but x'4142' is only a string
 * on MariaDB. */
bool value_parse_hex_bin(struct sv token, bool mariadb, struct arena *a, struct value *out) MUST_CHECK;

/* A cell of the text protocol by its column's type. NULL pointer text.ptr: NULL. False: malformed cell. Strings are
 * views of the cell. */
bool value_from_text(struct sv text, const struct sql_type *t, struct value *out) MUST_CHECK;
/* A parameter of COM_STMT_EXECUTE or a cell of a binary row: code and unsignedness as sent. *p moves behind it.
 * Strings are views. False: malformed. */
bool value_from_binary(const unsigned char **p, const unsigned char *end, enum type_code code, bool is_unsigned, uint16_t coll,
    struct value *out) MUST_CHECK;
/* Appends the text that the text protocol would send for a value of type t (t may be NULL: the value's own type).
 * NULL appends nothing. */
void value_print(const struct value *v, const struct sql_type *t, struct strbuf *b);
/* Appends an SQL literal that means this value on a server: 5, 1.50, 1.5e0, 'text', _binary'..', x'..', TIMESTAMP'..', NULL. */
void value_print_sql(const struct value *v, bool no_backslash, struct strbuf *b);
/* Appends the value in the binary protocol's encoding of type t (not for NULL). */
void value_print_binary(const struct value *v, const struct sql_type *t, struct strbuf *b);
/* Copies the value with its text into a. */
struct value value_dup(const struct value *v, struct arena *a);

/* MySQL's val_int(), val_real(), val_decimal(), val_str(): conversion for use in an expression, with the warnings that
 * go with it (1292 Truncated incorrect ...). NULL gives 0 or an empty text; the caller looks first. */
int64_t value_to_i64(const struct value *v, const struct env *e);
/* As value_to_i64 for bit operations and unsigned contexts: U64 keeps its bits. */
uint64_t value_to_u64_bits(const struct value *v, const struct env *e);
double value_to_f64(const struct value *v, const struct env *e);
struct dec value_to_dec(const struct value *v, const struct env *e);
/* A JSON value as a number: want 'd' double, 'i' integer, 'c' decimal. Strings are read as numbers, the rest is 0, with warning 3156. */
struct value value_json_number(const struct value *v, char want, const struct env *e);
/* Numbers and temporals are printed into a; strings are returned as they are. type may be NULL. */
struct sv value_to_str(const struct value *v, const struct sql_type *type, struct arena *a);
/* Truth as in WHERE: -1 unknown, 0, 1. */
int value_truth(const struct value *v, const struct env *e);
/* To packed DATETIME (from strings, numbers, dates; a TIME is taken today). False: invalid (warning 1292 given). */
bool value_to_datetime(const struct value *v, const struct env *e, int64_t *packed) MUST_CHECK;
bool value_to_date(const struct value *v, const struct env *e, int64_t *packed) MUST_CHECK;
bool value_to_time(const struct value *v, const struct env *e, int64_t *packed) MUST_CHECK;

/* How two types compare (MySQL's rules: both strings -> by collation; temporal with constant -> as temporal; int with int;
 * decimal with int/decimal -> decimal; else double). */
enum value_cmp_as {
    CMP_AS_INT,
    CMP_AS_DOUBLE,
    CMP_AS_DECIMAL,
    CMP_AS_STRING,
    CMP_AS_DATETIME,
    CMP_AS_TIME,
    CMP_AS_JSON /* documents: func_cmp.c's, not value_compare's */
};
enum value_cmp_as value_cmp_rule(const struct sql_type *a, const struct sql_type *b, bool a_const, bool b_const) PURE;
/* -1, 0, 1. Neither is NULL. coll: for CMP_AS_STRING. */
int value_compare(const struct value *a, const struct value *b, enum value_cmp_as as, uint16_t coll, const struct env *e);
/* Order of two values of one kind (keys and bounds of one column): NULL first. */
int value_cmp_same(const struct value *a, const struct value *b, uint16_t coll);

/* Appends the canonical bytes of a value for hashing: equal values of whatever numeric type give equal bytes (decimal text,
 * no trailing fractional zeros, no exponent below 1e15, "0" for -0); temporals as printed without trailing fractional
 * zeros; strings as the sort key of coll with padding removed. NULL appends nothing. */
void value_canonical(const struct value *v, uint16_t coll, struct strbuf *b);

#endif
