#include "optimizer/optcat.h"

#include "optimizer/plan.h"
#include "types/type.h"

/* Columns of one class compare with each other and with constants by value, exactly and transitively. Floats are in none: what
 * equals a double need not equal an integer that equals it. */
enum value_class { CLASS_NONE, CLASS_EXACT, CLASS_DATE, CLASS_DATETIME, CLASS_TIMESTAMP, CLASS_TIME, CLASS_TEXT };

static enum value_class class_of(const struct cat_type *t)
{
    switch (t->code) {
    case TYPE_TINY:
    case TYPE_SHORT:
    case TYPE_LONG:
    case TYPE_LONGLONG:
    case TYPE_INT24:
    case TYPE_DECIMAL:
    case TYPE_NEWDECIMAL:
        return CLASS_EXACT;
    case TYPE_DATE:
    case TYPE_NEWDATE:
        return CLASS_DATE;
    case TYPE_DATETIME:
        return CLASS_DATETIME;
    case TYPE_TIMESTAMP:
        return CLASS_TIMESTAMP;
    case TYPE_TIME:
        return CLASS_TIME;
    case TYPE_VARCHAR:
    case TYPE_VAR_STRING:
    case TYPE_STRING:
    case TYPE_TINY_BLOB:
    case TYPE_MEDIUM_BLOB:
    case TYPE_LONG_BLOB:
    case TYPE_BLOB:
        return CLASS_TEXT;
    default:
        return CLASS_NONE;
    }
}

bool optcat_same_values(struct colref a, struct colref b)
{
    const struct cat_type *x, *y;

    if (!a.src || !b.src)
        return false;
    x = &a.src->table->columns[a.col].type;
    y = &b.src->table->columns[b.col].type;
    return class_of(x) != CLASS_NONE && class_of(x) == class_of(y) &&
        (class_of(x) != CLASS_TEXT || x->coll_id == y->coll_id);
}

bool optcat_tells_bytes(const struct cat_column *c)
{
    static const char *const both_ways[] = {"utf8mb4", "utf8mb3", "utf8", "latin1", "ascii", "utf16", "utf16le", "utf32", "ucs2", "binary"};

    if (!c->type.charset.len || c->type.code == TYPE_ENUM || c->type.code == TYPE_SET)
        return false;
    for (unsigned i = 0; i < ARRAY_LEN(both_ways); i++)
        if (sv_eq_nocase(c->type.charset, sv_cstr(both_ways[i])))
            return false;
    return true;
}

enum exact_form opt_exact_form(const struct cat_column *c)
{
    switch (c->type.code) {
    case TYPE_FLOAT:
        return EXACT_DOUBLE;
    case TYPE_TIMESTAMP:
        return EXACT_EPOCH;
    case TYPE_ENUM:
    case TYPE_SET:
        return EXACT_INDEX;
    default:
        return EXACT_TEXT;
    }
}
