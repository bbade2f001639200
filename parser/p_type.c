/* Data types: of columns, of routine parameters, of CAST. */
#include "parser/p-int.h"

/* '(' n ')' if it is there. */
static void opt_length(struct parser *p, struct ast_type *t)
{
    if (!is(p, TK_LPAREN))
        return;
    next(p);
    t->length = parse_number(p);
    expect(p, TK_RPAREN);
}

/* '(' n [, m] ')' if it is there. */
static void opt_precision(struct parser *p, struct ast_type *t)
{
    if (!accept(p, TK_LPAREN))
        return;
    t->length = parse_number(p);
    if (accept(p, TK_COMMA))
        t->scale = parse_number(p);
    expect(p, TK_RPAREN);
}

static void number_options(struct parser *p, struct ast_type *t)
{
    for (;;) {
        if (accept(p, K_UNSIGNED))
            t->is_unsigned = true;
        else if (accept(p, K_SIGNED))
            t->is_signed = true;
        else if (accept(p, K_ZEROFILL))
            t->zerofill = true;
        else
            return;
    }
}

/* CHARACTER SET x, CHARSET x, ASCII, UNICODE, BYTE, BINARY, in the orders that MySQL has. */
void parse_charset_options(struct parser *p, struct ast_type *t)
{
    for (;;) {
        if (accept2(p, K_CHARACTER, K_SET) || accept2(p, K_CHAR, K_SET) || accept(p, K_CHARSET)) {
            t->charset = parse_charset_name(p);
        } else if (is(p, K_ASCII) || is(p, K_UNICODE) || is(p, K_BYTE)) {
            t->charset = is(p, K_ASCII) ? SV("ascii") : is(p, K_UNICODE) ? SV("ucs2") : SV("binary");
            next(p);
        } else if (is(p, K_BINARY)) {
            next(p);
            t->binary = true;
        } else {
            break;
        }
    }
    if (is(p, K_COLLATE)) {
        next(p);
        t->collation = parse_charset_name(p);
    }
}

static void enum_values(struct parser *p, struct ast_type *t)
{
    expect(p, TK_LPAREN);
    do {
        if (is(p, TK_HEX) || is(p, TK_BIT))
            add(p, &t->values, parse_literal(p));
        else
            add(p, &t->values, parse_string_literal(p));
    } while (accept(p, TK_COMMA));
    expect(p, TK_RPAREN);
}

/* CHAR, CHARACTER, NCHAR, each perhaps VARYING; NATIONAL .. */
static void char_type(struct parser *p, struct ast_type *t)
{
    if (is(p, K_NATIONAL) || is(p, K_NCHAR))
        t->national = true;
    if (accept(p, K_NATIONAL)) {
        if (accept(p, K_VARCHAR) || accept(p, K_VARCHARACTER)) {
            t->base = AST_TYPE_VARCHAR;
            opt_length(p, t);
            parse_charset_options(p, t);
            return;
        }
        if (!is(p, K_CHAR) && !is(p, K_CHARACTER))
            parser_error(p);
    }
    next(p);
    t->base = AST_TYPE_CHAR;
    if (accept(p, K_VARYING) || accept(p, K_VARCHAR) || accept(p, K_VARCHARACTER))
        t->base = AST_TYPE_VARCHAR;
    opt_length(p, t);
    parse_charset_options(p, t);
}

static void long_type(struct parser *p, struct ast_type *t)
{
    next(p);
    t->base = AST_TYPE_LONG;
    if (accept(p, K_VARBINARY)) {
        t->base = AST_TYPE_LONG_VARBINARY;
        return;
    }
    if (accept(p, K_VARCHAR) || accept(p, K_VARCHARACTER)) {
        /* LONG VARCHAR is LONG */
    } else if (is2(p, K_CHAR, K_VARYING) || is2(p, K_CHARACTER, K_VARYING)) {
        next(p);
        next(p);
    }
    parse_charset_options(p, t);
}

static const struct {
    uint16_t kind;
    uint8_t base;
    char args; /* i: length and number options, p: precision, scale, options, l: length, t: text, g: spatial, -: none */
} simple_types[] = {
    {K_TINYINT, AST_TYPE_TINYINT, 'i'},       {K_INT1, AST_TYPE_TINYINT, 'i'},
    {K_SMALLINT, AST_TYPE_SMALLINT, 'i'},     {K_INT2, AST_TYPE_SMALLINT, 'i'},
    {K_MEDIUMINT, AST_TYPE_MEDIUMINT, 'i'},   {K_INT3, AST_TYPE_MEDIUMINT, 'i'},
    {K_MIDDLEINT, AST_TYPE_MEDIUMINT, 'i'},   {K_INT, AST_TYPE_INT, 'i'},
    {K_INTEGER, AST_TYPE_INT, 'i'},           {K_INT4, AST_TYPE_INT, 'i'},
    {K_BIGINT, AST_TYPE_BIGINT, 'i'},         {K_INT8, AST_TYPE_BIGINT, 'i'},
    {K_BOOL, AST_TYPE_BOOL, '-'},             {K_BOOLEAN, AST_TYPE_BOOL, '-'},
    {K_BIT, AST_TYPE_BIT, 'l'},               {K_DECIMAL, AST_TYPE_DECIMAL, 'p'},
    {K_DEC, AST_TYPE_DECIMAL, 'p'},           {K_NUMERIC, AST_TYPE_DECIMAL, 'p'},
    {K_FIXED, AST_TYPE_DECIMAL, 'p'},         {K_FLOAT, AST_TYPE_FLOAT, 'p'},
    {K_FLOAT4, AST_TYPE_FLOAT, 'p'},          {K_FLOAT8, AST_TYPE_DOUBLE, 'p'},
    {K_REAL, AST_TYPE_REAL, 'p'},             {K_DATE, AST_TYPE_DATE, '-'},
    {K_TIME, AST_TYPE_TIME, 'l'},             {K_DATETIME, AST_TYPE_DATETIME, 'l'},
    {K_TIMESTAMP, AST_TYPE_TIMESTAMP, 'l'},   {K_YEAR, AST_TYPE_YEAR, 'i'},
    {K_VARCHAR, AST_TYPE_VARCHAR, 't'},       {K_VARCHARACTER, AST_TYPE_VARCHAR, 't'},
    {K_BINARY, AST_TYPE_BINARY, 'l'},         {K_VARBINARY, AST_TYPE_VARBINARY, 'l'},
    {K_TINYTEXT, AST_TYPE_TINYTEXT, 't'},     {K_TEXT, AST_TYPE_TEXT, 't'},
    {K_MEDIUMTEXT, AST_TYPE_MEDIUMTEXT, 't'}, {K_LONGTEXT, AST_TYPE_LONGTEXT, 't'},
    {K_TINYBLOB, AST_TYPE_TINYBLOB, 'b'},     {K_BLOB, AST_TYPE_BLOB, 'l'},
    {K_MEDIUMBLOB, AST_TYPE_MEDIUMBLOB, 'b'}, {K_LONGBLOB, AST_TYPE_LONGBLOB, 'b'},
    {K_CLOB, AST_TYPE_LONGTEXT, 't'},         {K_RAW, AST_TYPE_VARBINARY, 'l'},
    {K_JSON, AST_TYPE_JSON, '-'},             {K_SERIAL, AST_TYPE_SERIAL, '-'},
    {K_VECTOR, AST_TYPE_VECTOR, 'l'},         {K_GEOMETRY, AST_TYPE_GEOMETRY, 'g'},
    {K_POINT, AST_TYPE_POINT, 'g'},           {K_LINESTRING, AST_TYPE_LINESTRING, 'g'},
    {K_POLYGON, AST_TYPE_POLYGON, 'g'},       {K_MULTIPOINT, AST_TYPE_MULTIPOINT, 'g'},
    {K_MULTILINESTRING, AST_TYPE_MULTILINESTRING, 'g'}, {K_MULTIPOLYGON, AST_TYPE_MULTIPOLYGON, 'g'},
    {K_GEOMETRYCOLLECTION, AST_TYPE_GEOMETRYCOLLECTION, 'g'},
    {K_UUID, AST_TYPE_UUID, 'g'},             {K_INET4, AST_TYPE_INET4, 'g'},
    {K_INET6, AST_TYPE_INET6, 'g'},
};

static bool simple_type(struct parser *p, struct ast_type *t)
{
    for (size_t i = 0; i < ARRAY_LEN(simple_types); i++) {
        if (!is(p, simple_types[i].kind))
            continue;
        next(p);
        t->base = (enum ast_type_base)simple_types[i].base;
        switch (simple_types[i].args) {
        case 'i':
            opt_length(p, t);
            number_options(p, t);
            break;
        case 'p':
            opt_precision(p, t);
            number_options(p, t);
            break;
        case 'l':
            opt_length(p, t);
            break;
        case 't':
            opt_length(p, t);
            parse_charset_options(p, t);
            break;
        case 'g':
            if (p->maria)
                opt_precision(p, t);
            break;
        default:
            break;
        }
        return true;
    }
    return false;
}

struct ast_type *parse_type_new(struct parser *p)
{
    struct ast_type *t = NEW(p, TYPE, type);

    t->length = t->scale = -1;
    return t;
}

/* A word that is a function's in front of "(", where a type's length stands. */
static bool is_function_word(const struct parser *p)
{
    struct sv w = lex_text(&p->lex, p->t);
    unsigned k = kw_find(w.ptr, w.len);

    return k && (kw_flags[k] & (KW_CALL | KW_SOFT));
}

struct ast_node *parse_data_type(struct parser *p)
{
    struct ast_type *t = parse_type_new(p);

    if (p->maria && is_ident(p) && peek(p, 1) == TK_DOT) {
        t->schema = parse_ident(p).name;
        next(p);
        if (is(p, TK_IDENT)) { /* words behind a dot are not keywords for the lexer */
            struct sv w = lex_text(&p->lex, p->t);
            unsigned k = kw_find(w.ptr, w.len);

            if (k)
                p->t->kind = (uint16_t)k;
        }
    }
    switch (p->t->kind) {
    case K_DOUBLE:
        next(p);
        (void)accept(p, K_PRECISION);
        t->base = AST_TYPE_DOUBLE;
        opt_precision(p, t);
        number_options(p, t);
        return done(p, t);
    case K_CHAR:
    case K_CHARACTER:
    case K_NCHAR:
    case K_NATIONAL:
        char_type(p, t);
        return done(p, t);
    case K_NVARCHAR:
        next(p);
        t->base = AST_TYPE_VARCHAR;
        t->national = true;
        opt_length(p, t);
        parse_charset_options(p, t);
        return done(p, t);
    case K_LONG:
        long_type(p, t);
        return done(p, t);
    case K_ENUM:
    case K_SET:
        t->base = is(p, K_ENUM) ? AST_TYPE_ENUM : AST_TYPE_SET;
        next(p);
        enum_values(p, t);
        parse_charset_options(p, t);
        return done(p, t);
    default:
        break;
    }
    if (simple_type(p, t))
        return done(p, t);
    if (is_ident(p) && !is_function_word(p)) {
        /* A type that a plugin brings, or one of another SQL dialect's (MariaDB's XMLTYPE, VARCHAR2 ..). */
        t->base = AST_TYPE_OTHER;
        t->name = parse_upper(p);
        opt_precision(p, t);
        parse_charset_options(p, t);
        return done(p, t);
    }
    parser_error(p);
    return &t->node;
}

struct ast_node *parse_cast_type(struct parser *p)
{
    struct ast_type *t;

    if (is(p, K_SIGNED) || is(p, K_UNSIGNED)) {
        t = parse_type_new(p);
        t->base = is(p, K_SIGNED) ? AST_TYPE_SIGNED : AST_TYPE_UNSIGNED;
        next(p);
        if (!accept(p, K_INTEGER))
            (void)accept(p, K_INT);
        return done(p, t);
    }
    if (is(p, K_INTERVAL)) { /* INTERVAL DAY_SECOND(n) (MariaDB) */
        t = parse_type_new(p);
        t->base = AST_TYPE_INTERVAL;
        next(p);
        t->name = parse_upper(p);
        opt_length(p, t);
        return done(p, t);
    }
    return parse_data_type(p);
}
