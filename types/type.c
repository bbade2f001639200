/* Types are plain values. The display length is the one thing that holds a DECIMAL's precision (length minus sign and point), as
 * in the protocol; type_dec_precision undoes that. */
#include "types/type.h"

#include "types/coll.h"

#include <stdio.h>

void type_from_coldef(struct sql_type *t, uint8_t code, uint16_t flags, uint16_t coll, uint32_t length, uint8_t decimals)
{
    if (flags & TYPE_ENUM_FLAG)
        code = TYPE_ENUM;
    else if (flags & TYPE_SET_FLAG)
        code = TYPE_SET;
    else if (code == TYPE_DECIMAL)
        code = TYPE_NEWDECIMAL;
    else if (code == TYPE_NEWDATE)
        code = TYPE_DATE;
    *t = (struct sql_type){
        .code = code, .decimals = decimals, .deriv = DERIV_IMPLICIT, .flags = flags & ~(TYPE_IS_BOOL | TYPE_COMPUTED), .coll = coll, .length = length};
    if (type_is_temporal(t) && decimals > TYPE_MAX_FSP)
        t->decimals = 0; /* servers send 31 or 39 for a few temporal expressions; texts then say */
}

struct sql_type type_int(bool is_unsigned)
{
    return (struct sql_type){.code = TYPE_LONGLONG,
        .flags = (uint16_t)(TYPE_BINARY | TYPE_NUM | (is_unsigned ? TYPE_UNSIGNED : 0)),
        .coll = TYPE_COLL_BINARY,
        .deriv = DERIV_NUMERIC,
        .length = is_unsigned ? 20 : 21};
}

struct sql_type type_bool(void)
{
    return (struct sql_type){
        .code = TYPE_LONGLONG, .flags = TYPE_BINARY | TYPE_NUM | TYPE_IS_BOOL, .coll = TYPE_COLL_BINARY, .deriv = DERIV_NUMERIC, .length = 1};
}

struct sql_type type_double(void)
{
    return (struct sql_type){.code = TYPE_DOUBLE,
        .decimals = TYPE_DECIMALS_FLOATING,
        .flags = TYPE_BINARY | TYPE_NUM,
        .coll = TYPE_COLL_BINARY,
        .deriv = DERIV_NUMERIC,
        .length = 23};
}

struct sql_type type_decimal(unsigned precision, unsigned scale)
{
    scale = MIN(scale, 38u); /* MySQL: 30, MariaDB: 38 */
    precision = MAX(precision, scale);
    precision = precision < 1 ? 1 : MIN(precision, 65u);
    return (struct sql_type){.code = TYPE_NEWDECIMAL,
        .decimals = (uint8_t)scale,
        .flags = TYPE_BINARY | TYPE_NUM,
        .coll = TYPE_COLL_BINARY,
        .deriv = DERIV_NUMERIC,
        .length = precision + (scale ? 1 : 0) + 1};
}

struct sql_type type_temporal(enum type_code code, unsigned fsp)
{
    uint32_t len = code == TYPE_DATE ? 10 : code == TYPE_TIME ? 10 : code == TYPE_YEAR ? 4 : 19;

    return (struct sql_type){.code = (uint8_t)code,
        .decimals = (uint8_t)fsp,
        .flags = TYPE_BINARY,
        .coll = TYPE_COLL_BINARY,
        .deriv = DERIV_NUMERIC,
        .length = len + (fsp ? fsp + 1 : 0)};
}

struct sql_type type_string(uint32_t chars, uint16_t coll, enum type_deriv deriv)
{
    const struct collation *c = coll_by_id(coll);
    uint64_t bytes = (uint64_t)chars * (c ? c->mbmaxlen : 4);

    return (struct sql_type){.code = TYPE_VAR_STRING,
        .decimals = TYPE_DECIMALS_FLOATING,
        .flags = coll == TYPE_COLL_BINARY ? TYPE_BINARY : 0,
        .coll = coll,
        .deriv = (uint8_t)deriv,
        .length = (uint32_t)MIN(bytes, (uint64_t)UINT32_MAX)};
}

struct sql_type type_null(void)
{
    return (struct sql_type){
        .code = TYPE_NULL, .flags = TYPE_BINARY, .coll = TYPE_COLL_BINARY, .deriv = DERIV_IGNORABLE, .length = 0};
}

enum type_kind type_kind_of(const struct sql_type *t)
{
    switch ((enum type_code)t->code) {
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_LONG:
    case TYPE_LONGLONG:
    case TYPE_INT24:
        return t->flags & TYPE_UNSIGNED ? KIND_U64 : KIND_I64;
    case TYPE_YEAR:
    case TYPE_BIT:
        return KIND_U64;
    case TYPE_FLOAT:
    case TYPE_DOUBLE:
        return KIND_F64;
    case TYPE_DECIMAL:
    case TYPE_NEWDECIMAL:
        return KIND_DEC;
    case TYPE_DATE:
    case TYPE_NEWDATE:
        return KIND_DATE;
    case TYPE_DATETIME:
    case TYPE_TIMESTAMP:
        return KIND_DATETIME;
    case TYPE_TIME:
        return KIND_TIME;
    case TYPE_NULL:
        return KIND_NULL;
    case TYPE_VARCHAR:
    case TYPE_VECTOR:
    case TYPE_JSON:
    case TYPE_ENUM:
    case TYPE_SET:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_GEOMETRY:
        return KIND_STR;
    }
    return KIND_STR;
}

bool type_is_string(const struct sql_type *t)
{
    return type_kind_of(t) == KIND_STR;
}

bool type_is_numeric(const struct sql_type *t)
{
    enum type_kind k = type_kind_of(t);

    return k == KIND_I64 || k == KIND_U64 || k == KIND_F64 || k == KIND_DEC;
}

bool type_is_temporal(const struct sql_type *t)
{
    enum type_kind k = type_kind_of(t);

    return k == KIND_DATE || k == KIND_DATETIME || k == KIND_TIME;
}

unsigned type_dec_precision(const struct sql_type *t)
{
    unsigned extra = (t->decimals ? 1u : 0u) + (t->flags & TYPE_UNSIGNED ? 0u : 1u);
    unsigned p;

    if (t->code == TYPE_TINY || t->code == TYPE_SHORT || t->code == TYPE_INT24 || t->code == TYPE_LONG ||
        t->code == TYPE_LONGLONG || t->code == TYPE_YEAR || t->code == TYPE_BIT) {
        static const uint8_t digits[] = {[TYPE_TINY] = 3, [TYPE_SHORT] = 5, [TYPE_LONG] = 10, [TYPE_LONGLONG] = 19,
            [TYPE_INT24] = 8, [TYPE_YEAR] = 4, [TYPE_BIT] = 20};

        p = digits[t->code] + (t->code == TYPE_LONGLONG && t->flags & TYPE_UNSIGNED ? 1u : 0u);
        return t->length && t->length < p && t->code != TYPE_BIT ? t->length : p;
    }
    p = t->length > extra ? t->length - extra : 1;
    p = MAX(p, (unsigned)t->decimals);
    return MIN(p, 65u);
}

uint32_t type_chars(const struct sql_type *t)
{
    const struct collation *c;

    if (!type_is_string(t))
        return t->length;
    c = coll_by_id(t->coll);
    return c && c->mbmaxlen ? t->length / c->mbmaxlen : t->length;
}

static const char *base_name(const struct sql_type *t)
{
    bool bin = t->coll == TYPE_COLL_BINARY;

    switch ((enum type_code)t->code) {
    case TYPE_TINY: return "tinyint";
    case TYPE_SHORT: return "smallint";
    case TYPE_LONG: return "int";
    case TYPE_INT24: return "mediumint";
    case TYPE_LONGLONG: return "bigint";
    case TYPE_FLOAT: return "float";
    case TYPE_DOUBLE: return "double";
    case TYPE_NULL: return "null";
    case TYPE_TIMESTAMP: return "timestamp";
    case TYPE_DATE: return "date";
    case TYPE_NEWDATE: return "date";
    case TYPE_TIME: return "time";
    case TYPE_DATETIME: return "datetime";
    case TYPE_YEAR: return "year";
    case TYPE_BIT: return "bit";
    case TYPE_VECTOR: return "vector";
    case TYPE_JSON: return "json";
    case TYPE_DECIMAL: return "decimal";
    case TYPE_NEWDECIMAL: return "decimal";
    case TYPE_ENUM: return "enum";
    case TYPE_SET: return "set";
    case TYPE_TINY_BLOB: return bin ? "tinyblob" : "tinytext";
    case TYPE_MEDIUM_BLOB: return bin ? "mediumblob" : "mediumtext";
    case TYPE_LONG_BLOB: return bin ? "longblob" : "longtext";
    case TYPE_BLOB: return bin ? "blob" : "text";
    case TYPE_VARCHAR: return bin ? "varbinary" : "varchar";
    case TYPE_VAR_STRING: return bin ? "varbinary" : "varchar";
    case TYPE_STRING: return bin ? "binary" : "char";
    case TYPE_GEOMETRY: return "geometry";
    }
    return "unknown";
}

void type_print(const struct sql_type *t, char *buf, size_t cap)
{
    const char *name = base_name(t);
    const char *uns = type_is_numeric(t) && t->flags & TYPE_UNSIGNED && t->code != TYPE_YEAR && t->code != TYPE_BIT
        ? " unsigned"
        : "";

    if (t->code == TYPE_NEWDECIMAL || t->code == TYPE_DECIMAL)
        snprintf(buf, cap, "%s(%u,%u)%s", name, type_dec_precision(t), t->decimals, uns);
    else if (type_is_temporal(t) && t->decimals && type_kind_of(t) != KIND_DATE)
        snprintf(buf, cap, "%s(%u)", name, t->decimals);
    else if (t->code == TYPE_VARCHAR || t->code == TYPE_VAR_STRING || t->code == TYPE_STRING)
        snprintf(buf, cap, "%s(%u)", name, type_chars(t));
    else if (t->code == TYPE_BIT)
        snprintf(buf, cap, "%s(%u)", name, t->length);
    else
        snprintf(buf, cap, "%s%s", name, uns);
}
