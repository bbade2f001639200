/* Deparser: data types and definitions. */
#include "parser/d-int.h"

static bool is_text(enum ast_type_base base)
{
    return base == AST_TYPE_CHAR || base == AST_TYPE_VARCHAR;
}

void put_type(struct dep *d, const struct ast_type *t)
{
    put_if(d, t->national && is_text(t->base), "NATIONAL ");
    put(d, ast_type_text(t->base));
    if (t->base == AST_TYPE_INTERVAL)
        put(d, " ");
    put_sv(d, t->name);
    if (t->length >= 0) {
        put(d, "(");
        put_int(d, t->length);
        if (t->scale >= 0) {
            put(d, ",");
            put_int(d, t->scale);
        }
        put(d, ")");
    }
    if (t->values.n) {
        put(d, "(");
        put_list(d, &t->values, ",");
        put(d, ")");
    }
    put_if(d, t->is_signed, " SIGNED");
    put_if(d, t->is_unsigned, " UNSIGNED");
    put_if(d, t->zerofill, " ZEROFILL");
    if (t->charset.ptr) {
        put(d, " CHARACTER SET ");
        put_sv(d, t->charset);
    }
    put_if(d, t->binary, " BINARY");
    if (t->collation.ptr) {
        put(d, " COLLATE ");
        put_sv(d, t->collation);
    }
}

bool put_ddl_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_TYPE:
        put_type(d, AST_AS_CONST(type, n));
        return true;
    default:
        return false;
    }
}
