/* The deparser's outside and expressions. Each file of the deparser (deparse.c, d_query.c, d_ddl.c, d_misc.c) has one
 * switch over the node kinds that it writes and answers false for others; put_node asks them in turn. */
#include "parser/d-int.h"

/* ---- names and literals ---- */

static bool plain_word(struct sv s)
{
    if (s.len == 0 || (s.ptr[0] >= '0' && s.ptr[0] <= '9'))
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned char c = (unsigned char)s.ptr[i];

        if (!(c == '_' || c == '$' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z')))
            return false;
    }
    return true;
}

static void quote_ident(struct dep *d, struct sv name)
{
    if (!(d->mode & SQL_ANSI_QUOTES)) {
        strbuf_put_ident(d->b, name);
        return;
    }
    strbuf_putc(d->b, '"');
    for (size_t i = 0; i < name.len; i++) {
        if (name.ptr[i] == '"')
            strbuf_putc(d->b, '"');
        strbuf_putc(d->b, name.ptr[i]);
    }
    strbuf_putc(d->b, '"');
}

static void ident(struct dep *d, struct sv name)
{
    if (d->o->quote_all || !plain_word(name) || kw_find(name.ptr, name.len) || name.ptr[0] == '_')
        quote_ident(d, name);
    else
        strbuf_putsv(d->b, name);
}

/* A name of a character set or collation that is read as one without quotes. */
static bool plain_set_name(struct sv name)
{
    unsigned kw = kw_find(name.ptr, name.len);

    return plain_word(name) && (!kw || !(kw_flags[kw] & (KW_R8 | KW_RM | KW_CALL | KW_SOFT)) || sv_eq_cstr(name, "DEFAULT"));
}

void put_charset(struct dep *d, struct sv name)
{
    if (plain_set_name(name) || sv_eq_cstr(name, "binary"))
        put_sv(d, name);
    else
        put_string(d, name);
}

void put_collation(struct dep *d, struct sv name)
{
    if (plain_set_name(name)) /* not binary: a reserved word, which MariaDB does not take there */
        put_sv(d, name);
    else
        put_string(d, name);
}

void put_int(struct dep *d, int64_t v)
{
    strbuf_printf(d->b, "%lld", (long long)v);
}

void put_name(struct dep *d, const struct ast_ident *id)
{
    ident(d, id->name);
}

void put_path(struct dep *d, const struct ast_ident *a, const struct ast_ident *b, const struct ast_ident *c)
{
    if (a && ast_ident_set(a)) {
        put_name(d, a);
        put(d, ".");
    }
    if (b && ast_ident_set(b)) {
        put_name(d, b);
        put(d, ".");
    }
    put_name(d, c);
}

void put_names_bare(struct dep *d, const struct ast_idents *l)
{
    for (uint32_t i = 0; i < l->n; i++) {
        put_if(d, i > 0, ", ");
        put_name(d, &l->items[i]);
    }
}

void put_names(struct dep *d, const struct ast_idents *l)
{
    put(d, "(");
    put_names_bare(d, l);
    put(d, ")");
}

void put_string(struct dep *d, struct sv s)
{
    strbuf_put_quoted(d->b, s, d->mode & SQL_NO_BACKSLASH_ESCAPES);
}

static void hex_bytes(struct dep *d, struct sv s)
{
    static const char digits[] = "0123456789ABCDEF";

    for (size_t i = 0; i < s.len; i++) {
        strbuf_putc(d->b, digits[(unsigned char)s.ptr[i] >> 4]);
        strbuf_putc(d->b, digits[(unsigned char)s.ptr[i] & 15]);
    }
}

static void bits(struct dep *d, struct sv s)
{
    for (size_t i = 0; i < s.len * 8; i++)
        strbuf_putc(d->b, (unsigned char)s.ptr[i / 8] >> (7 - i % 8) & 1 ? '1' : '0');
}

static void literal(struct dep *d, const struct ast_lit *n)
{
    if (n->charset.ptr) {
        put(d, "_");
        put_sv(d, n->charset);
        if (n->type != AST_LIT_STRING)
            put(d, " ");
    }
    switch (n->type) {
    case AST_LIT_NULL:
        put(d, "NULL");
        break;
    case AST_LIT_TRUE:
        put(d, "TRUE");
        break;
    case AST_LIT_FALSE:
        put(d, "FALSE");
        break;
    case AST_LIT_INT:
    case AST_LIT_DECIMAL:
    case AST_LIT_FLOAT:
        put_sv(d, n->value);
        break;
    case AST_LIT_STRING:
        put_string(d, n->value);
        break;
    case AST_LIT_HEX:
        if (!n->charset.ptr && n->raw.ptr) {
            put_sv(d, n->raw);
            break;
        }
        put(d, n->quoted ? "X'" : "0x");
        hex_bytes(d, n->value);
        put_if(d, n->quoted, "'");
        break;
    case AST_LIT_BIT:
        if (!n->charset.ptr && n->raw.ptr) {
            put_sv(d, n->raw);
            break;
        }
        put(d, "B'");
        bits(d, n->value);
        put(d, "'");
        break;
    case AST_LIT_DATE:
    case AST_LIT_TIME:
    case AST_LIT_TIMESTAMP: {
        static const char *const words[] = {"DATE ", "TIME ", "TIMESTAMP "}, *const marks[] = {"{d ", "{t ", "{ts "};

        put(d, n->odbc ? marks[n->type - AST_LIT_DATE] : words[n->type - AST_LIT_DATE]);
        put_string(d, n->value);
        put_if(d, n->odbc, "}");
        break;
    }
    }
}

static void user_var(struct dep *d, struct sv name)
{
    bool plain = name.len > 0;

    for (size_t i = 0; i < name.len; i++) {
        unsigned char c = (unsigned char)name.ptr[i];

        plain = plain && (c == '_' || c == '$' || c == '.' || (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') ||
                          (c >= 'a' && c <= 'z'));
    }
    put(d, "@");
    if (plain)
        put_sv(d, name);
    else
        strbuf_put_ident(d->b, name);
}

const char *put_scope_word(enum ast_scope s)
{
    switch (s) {
    case AST_SCOPE_GLOBAL:
        return "GLOBAL";
    case AST_SCOPE_SESSION:
        return "SESSION";
    case AST_SCOPE_LOCAL:
        return "LOCAL";
    case AST_SCOPE_PERSIST:
        return "PERSIST";
    case AST_SCOPE_PERSIST_ONLY:
        return "PERSIST_ONLY";
    case AST_SCOPE_NONE:
    case AST_SCOPE_USER:
        break;
    }
    return "";
}

/* ---- precedence ---- */

static enum prec op_prec(enum ast_op op)
{
    switch (op) {
    case AST_OP_OR:
        return PREC_OR;
    case AST_OP_XOR:
        return PREC_XOR;
    case AST_OP_AND:
        return PREC_AND;
    case AST_OP_NOT:
        return PREC_NOT;
    case AST_OP_EQ:
    case AST_OP_NULL_EQ:
    case AST_OP_NE:
    case AST_OP_LT:
    case AST_OP_LE:
    case AST_OP_GT:
    case AST_OP_GE:
        return PREC_COMPARE;
    case AST_OP_LIKE:
    case AST_OP_REGEXP:
    case AST_OP_SOUNDS_LIKE:
    case AST_OP_MEMBER_OF:
        return PREC_PREDICATE;
    case AST_OP_BIT_OR:
        return PREC_BIT_OR;
    case AST_OP_BIT_AND:
        return PREC_BIT_AND;
    case AST_OP_SHL:
    case AST_OP_SHR:
        return PREC_SHIFT;
    case AST_OP_ADD:
    case AST_OP_SUB:
        return PREC_ADD;
    case AST_OP_MUL:
    case AST_OP_DIV:
    case AST_OP_INT_DIV:
    case AST_OP_MOD:
        return PREC_MUL;
    case AST_OP_BIT_XOR:
        return PREC_BIT_XOR;
    case AST_OP_CONCAT:
        return PREC_CONCAT;
    case AST_OP_NEG:
    case AST_OP_PLUS:
    case AST_OP_BIT_NOT:
    case AST_OP_BANG:
    case AST_OP_BINARY:
        return PREC_UNARY;
    case AST_OP_JSON_GET:
    case AST_OP_JSON_GET_TEXT:
        return PREC_POSTFIX;
    }
    return PREC_PRIMARY;
}

static enum prec prec_of(const struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_ASSIGN:
        return PREC_ANY;
    case AST_LOGIC:
        return op_prec(AST_AS_CONST(logic, n)->op);
    case AST_UNARY:
        if (AST_AS_CONST(unary, n)->op == AST_OP_NOT && (d->mode & SQL_HIGH_NOT_PRECEDENCE))
            return PREC_UNARY;
        return op_prec(AST_AS_CONST(unary, n)->op);
    case AST_BINARY:
        return op_prec(AST_AS_CONST(binary, n)->op);
    case AST_IS:
        return AST_AS_CONST(is, n)->what == AST_IS_NULL ? PREC_COMPARE : PREC_IS;
    case AST_QUANT:
        return PREC_COMPARE;
    case AST_BETWEEN:
    case AST_IN:
    case AST_LIKE:
        return PREC_PREDICATE;
    case AST_COLLATE:
        return PREC_POSTFIX;
    case AST_INTERVAL:
        return PREC_UNARY;
    case AST_LIT: {
        const struct ast_lit *l = AST_AS_CONST(lit, n);

        /* Made by rewriting: a signed number. */
        return l->type >= AST_LIT_INT && l->type <= AST_LIT_FLOAT && l->value.len && l->value.ptr[0] == '-'
                   ? PREC_UNARY
                   : PREC_PRIMARY;
    }
    default:
        return PREC_PRIMARY;
    }
}

/* ---- expressions ---- */

void put_list(struct dep *d, const struct ast_list *l, const char *sep)
{
    for (uint32_t i = 0; i < l->n; i++) {
        put_if(d, i > 0, sep);
        put_node(d, l->items[i]);
    }
}

void put_opt(struct dep *d, const char *prefix, const struct ast_node *n)
{
    if (n) {
        put(d, prefix);
        put_node(d, n);
    }
}

void put_opt_list(struct dep *d, const char *prefix, const struct ast_list *l)
{
    if (l->n) {
        put(d, prefix);
        put_list(d, l, ", ");
    }
}

static void unary(struct dep *d, const struct ast_unary *n)
{
    size_t at;

    if (n->op == AST_OP_NOT) {
        put(d, "NOT ");
        put_expr(d, n->arg, d->mode & SQL_HIGH_NOT_PRECEDENCE ? PREC_UNARY : PREC_NOT);
        return;
    }
    put(d, ast_op_text(n->op));
    put_if(d, n->op == AST_OP_BINARY, " ");
    at = d->b->len;
    put_expr(d, n->arg, PREC_UNARY);
    if (at < d->b->len && d->b->ptr[at] == '-' && n->op == AST_OP_NEG) {
        /* "--" may start a comment */
        size_t len = d->b->len - at;

        if (strbuf_room(d->b, 1)) {
            memmove(d->b->ptr + at + 1, d->b->ptr + at, len);
            d->b->ptr[at] = ' ';
            d->b->len++;
        }
    }
}

static void binary(struct dep *d, const struct ast_binary *n)
{
    enum prec prec = op_prec(n->op);

    switch (n->op) {
    case AST_OP_SOUNDS_LIKE:
        put_expr(d, n->left, PREC_BIT_OR);
        put(d, " SOUNDS LIKE ");
        put_expr(d, n->right, PREC_BIT_OR);
        return;
    case AST_OP_MEMBER_OF:
        put_expr(d, n->left, PREC_BIT_OR);
        put(d, " MEMBER OF (");
        put_expr(d, n->right, PREC_UNARY);
        put(d, ")");
        return;
    case AST_OP_JSON_GET:
    case AST_OP_JSON_GET_TEXT:
        put_expr(d, n->left, prec);
        put(d, ast_op_text(n->op));
        put_node(d, n->right);
        return;
    default:
        break;
    }
    put_expr(d, n->left, prec);
    put(d, " ");
    put(d, ast_op_text(n->op));
    put(d, " ");
    put_expr(d, n->right, prec + 1);
}

static void logic(struct dep *d, const struct ast_logic *n)
{
    for (uint32_t i = 0; i < n->args.n; i++) {
        if (i) {
            put(d, " ");
            put(d, ast_op_text(n->op));
            put(d, " ");
        }
        put_expr(d, n->args.items[i], op_prec(n->op) + 1);
    }
}

static void in_list(struct dep *d, const struct ast_in *n)
{
    put_expr(d, n->arg, PREC_BIT_OR);
    put(d, n->negated ? " NOT IN (" : " IN (");
    if (n->query)
        put_node(d, n->query);
    else
        put_list(d, &n->list, ", ");
    put(d, ")");
}

static void like(struct dep *d, const struct ast_like *n)
{
    put_expr(d, n->arg, PREC_BIT_OR);
    put(d, n->negated ? " NOT " : " ");
    put(d, ast_op_text(n->op));
    put(d, " ");
    put_expr(d, n->pattern, n->op == AST_OP_LIKE ? PREC_UNARY : PREC_BIT_OR);
    if (n->escape) {
        put(d, " ESCAPE ");
        put_expr(d, n->escape, PREC_UNARY);
    }
}

static void is_test(struct dep *d, const struct ast_is *n)
{
    static const char *const words[] = {"NULL", "TRUE", "FALSE", "UNKNOWN", "JSON"};

    put_expr(d, n->arg, PREC_COMPARE);
    put(d, n->negated ? " IS NOT " : " IS ");
    put(d, words[n->what]);
}

static void interval(struct dep *d, const struct ast_interval *n)
{
    bool simple = n->value->kind == AST_LIT || n->value->kind == AST_PARAM || n->value->kind == AST_COLUMN ||
                  n->value->kind == AST_USERVAR || n->value->kind == AST_FUNC;

    put(d, simple ? "INTERVAL " : "INTERVAL (");
    put_expr(d, n->value, PREC_ANY);
    put(d, simple ? " " : ") ");
    put(d, ast_unit_text(n->unit));
}

/* The name of a function of any kind without a schema. */
static void bare_func_name(struct dep *d, struct sv name, bool quoted)
{
    unsigned kw = kw_find(name.ptr, name.len);

    /* A keyword that is anyone's function might begin a clause where it comes to stand: SELECT SQL_CACHE (a, b). */
    if (quoted || !plain_word(name) || name.ptr[0] == '_' || (kw && !kw_is_call(kw)))
        quote_ident(d, name);
    else
        put_sv(d, name);
}

static void func_name(struct dep *d, const struct ast_func *n)
{
    if (ast_ident_set(&n->db) && (n->form == AST_FUNC_TRIM || n->form == AST_FUNC_SUBSTRING)) {
        put_name(d, &n->db); /* MariaDB's: in quotes the name would have no syntax of its own */
        put(d, ".");
        put_sv(d, n->name.name);
    } else if (ast_ident_set(&n->db)) {
        put_path(d, &n->db, &n->package, &n->name);
    } else {
        bare_func_name(d, n->name.name, n->quoted);
    }
}

static void func(struct dep *d, const struct ast_func *n)
{
    const struct ast_list *a = &n->args;

    func_name(d, n);
    if (n->form == AST_FUNC_BARE)
        return;
    put(d, "(");
    switch (n->form) {
    case AST_FUNC_BARE:
    case AST_FUNC_CALL:
        put_list(d, a, ", ");
        break;
    case AST_FUNC_EXTRACT:
        put(d, ast_unit_text(n->unit));
        put_opt(d, " FROM ", a->items[0]);
        break;
    case AST_FUNC_TRIM:
        put_sv(d, n->word);
        put_if(d, n->word.len > 0, " ");
        if (a->n > 1) {
            put_node(d, a->items[1]);
            put(d, " ");
        }
        put_opt(d, "FROM ", a->items[0]);
        break;
    case AST_FUNC_SUBSTRING:
        put_node(d, a->items[0]);
        put_opt(d, " FROM ", a->items[1]);
        put_opt(d, " FOR ", a->n > 2 ? a->items[2] : NULL);
        break;
    case AST_FUNC_POSITION:
        put_expr(d, a->items[0], PREC_BIT_OR);
        put_opt(d, " IN ", a->items[1]);
        break;
    case AST_FUNC_UNIT_FIRST:
        put(d, ast_unit_text(n->unit));
        put_opt_list(d, ", ", a);
        break;
    case AST_FUNC_GET_FORMAT:
        put_sv(d, n->word);
        put_opt_list(d, ", ", a);
        break;
    case AST_FUNC_CHAR_USING:
        put_list(d, a, ", ");
        put(d, " USING ");
        put_charset(d, n->word);
        break;
    case AST_FUNC_WEIGHT_STRING:
        put_list(d, a, ", ");
        put_opt(d, " AS ", n->type);
        put_if(d, n->word.len > 0, " ");
        put_sv(d, n->word);
        break;
    case AST_FUNC_JSON_VALUE:
        put_list(d, a, ", ");
        put_opt(d, " RETURNING ", n->type);
        put_opt(d, " ", n->on_empty);
        put_if(d, n->on_empty != NULL, " ON EMPTY");
        put_opt(d, " ", n->on_error);
        put_if(d, n->on_error != NULL, " ON ERROR");
        break;
    }
    put(d, ")");
}

static void agg(struct dep *d, const struct ast_agg *n)
{
    bare_func_name(d, n->name.name, n->quoted);
    put(d, n->distinct ? "(DISTINCT " : "(");
    put_list(d, &n->args, ", ");
    put_opt_list(d, " ORDER BY ", &n->order);
    put_opt(d, " SEPARATOR ", n->separator);
    put_opt(d, " ", n->limit);
    put(d, ")");
    if (n->within.n) {
        put_opt_list(d, " WITHIN GROUP (ORDER BY ", &n->within);
        put(d, ")");
    }
    put_if(d, n->from_last, " FROM LAST");
    put_if(d, n->nulls == AST_NULLS_RESPECT, " RESPECT NULLS");
    put_if(d, n->nulls == AST_NULLS_IGNORE, " IGNORE NULLS");
    put_opt(d, " OVER ", n->over);
}

static void match(struct dep *d, const struct ast_match *n)
{
    static const char *const modes[] = {"", " IN NATURAL LANGUAGE MODE",
                                        " IN NATURAL LANGUAGE MODE WITH QUERY EXPANSION",
                                        " IN BOOLEAN MODE", " WITH QUERY EXPANSION"};

    put(d, "MATCH (");
    put_list(d, &n->columns, ", ");
    put(d, ") AGAINST (");
    put_expr(d, n->against, PREC_BIT_OR);
    put(d, modes[n->mode]);
    put(d, ")");
}

static void cast(struct dep *d, const struct ast_cast *n)
{
    if (n->bare) {
        put_node(d, n->arg);
        put_opt(d, " AS ", n->type);
        put_if(d, AST_AS_CONST(type, n->type)->base == AST_TYPE_UNSIGNED, " INT");
        return;
    }
    put(d, n->convert ? "CONVERT(" : "CAST(");
    put_node(d, n->arg);
    put_opt(d, " AT TIME ZONE ", n->at_zone);
    put_opt(d, n->convert ? ", " : " AS ", n->type);
    put(d, n->array ? " ARRAY)" : ")");
}

static void seq_func(struct dep *d, const struct ast_seq_func *n)
{
    if (n->op == AST_SEQ_SETVAL) {
        put(d, "SETVAL(");
        put_node(d, n->table);
        put_opt_list(d, ", ", &n->args);
        put(d, ")");
        return;
    }
    put(d, n->op == AST_SEQ_NEXT ? "NEXT VALUE FOR " : "PREVIOUS VALUE FOR ");
    put_node(d, n->table);
}

static void case_expr(struct dep *d, const struct ast_case *n)
{
    put(d, "CASE");
    put_opt(d, " ", n->arg);
    AST_EACH(w, &n->whens)
    {
        put_opt(d, " WHEN ", AST_AS(when, *w)->cond);
        put_opt(d, " THEN ", AST_AS(when, *w)->value);
    }
    put_opt(d, " ELSE ", n->els);
    put(d, " END");
}

static void sysvar(struct dep *d, const struct ast_sysvar *n)
{
    put(d, "@@");
    if (n->scope != AST_SCOPE_NONE) {
        put(d, put_scope_word(n->scope));
        put(d, ".");
    }
    if (ast_ident_set(&n->base)) {
        ident(d, n->base.name);
        put(d, ".");
    }
    if (plain_word(n->name.name) && n->name.name.ptr[0] != '_')
        put_sv(d, n->name.name);
    else
        quote_ident(d, n->name.name);
}

/* The kinds that only expressions have, in four groups. First: what has no arguments. */
static bool leaf_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_LIT:
        literal(d, AST_AS_CONST(lit, n));
        return true;
    case AST_PARAM:
        put(d, "?");
        return true;
    case AST_COLUMN: {
        const struct ast_column *c = AST_AS_CONST(column, n);

        put_path(d, &c->db, &c->tbl, &c->name);
        return true;
    }
    case AST_STAR: {
        const struct ast_star *s = AST_AS_CONST(star, n);

        if (ast_ident_set(&s->tbl)) {
            put_path(d, NULL, &s->db, &s->tbl);
            put(d, ".");
        }
        put(d, "*");
        return true;
    }
    case AST_USERVAR:
        user_var(d, AST_AS_CONST(uservar, n)->name);
        return true;
    case AST_SYSVAR:
        sysvar(d, AST_AS_CONST(sysvar, n));
        return true;
    default:
        return false;
    }
}

/* Operators. */
static bool operator_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_ASSIGN:
        put_node(d, AST_AS_CONST(assign, n)->var);
        put(d, " := ");
        put_expr(d, AST_AS_CONST(assign, n)->value, PREC_ANY);
        return true;
    case AST_UNARY:
        unary(d, AST_AS_CONST(unary, n));
        return true;
    case AST_BINARY:
        binary(d, AST_AS_CONST(binary, n));
        return true;
    case AST_LOGIC:
        logic(d, AST_AS_CONST(logic, n));
        return true;
    case AST_BETWEEN: {
        const struct ast_between *b = AST_AS_CONST(between, n);

        put_expr(d, b->arg, PREC_BIT_OR);
        put(d, b->negated ? " NOT BETWEEN " : " BETWEEN ");
        put_expr(d, b->low, PREC_BIT_OR);
        put(d, " AND ");
        put_expr(d, b->high, PREC_BIT_OR);
        return true;
    }
    case AST_IN:
        in_list(d, AST_AS_CONST(in, n));
        return true;
    case AST_LIKE:
        like(d, AST_AS_CONST(like, n));
        return true;
    case AST_IS:
        is_test(d, AST_AS_CONST(is, n));
        return true;
    case AST_QUANT: {
        const struct ast_quant *q = AST_AS_CONST(quant, n);

        put_expr(d, q->left, PREC_COMPARE);
        put(d, " ");
        put(d, ast_op_text(q->op));
        put(d, q->all ? " ALL (" : " ANY (");
        put_node(d, q->query);
        put(d, ")");
        return true;
    }
    case AST_COLLATE:
        put_expr(d, AST_AS_CONST(collate, n)->arg, PREC_POSTFIX);
        put(d, " COLLATE ");
        put_collation(d, AST_AS_CONST(collate, n)->collation);
        return true;
    default:
        return false;
    }
}

/* What brings its own parentheses or words around its parts. */
static bool closed_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_SUBQUERY:
        put_opt(d, "(", AST_AS_CONST(subquery, n)->query);
        put(d, ")");
        return true;
    case AST_EXISTS:
        put_opt(d, "EXISTS (", AST_AS_CONST(exists, n)->query);
        put(d, ")");
        return true;
    case AST_ROW:
        put(d, AST_AS_CONST(row, n)->keyword ? "ROW(" : "(");
        put_list(d, &AST_AS_CONST(row, n)->items, ", ");
        put(d, ")");
        return true;
    case AST_CASE:
        case_expr(d, AST_AS_CONST(case, n));
        return true;
    case AST_CAST:
        cast(d, AST_AS_CONST(cast, n));
        return true;
    case AST_USING:
        put_opt(d, "CONVERT(", AST_AS_CONST(using, n)->arg);
        put(d, " USING ");
        put_charset(d, AST_AS_CONST(using, n)->charset);
        put(d, ")");
        return true;
    case AST_INTERVAL:
        interval(d, AST_AS_CONST(interval, n));
        return true;
    default:
        return false;
    }
}

/* Functions, and what looks like them. */
static bool call_node(struct dep *d, const struct ast_node *n)
{
    switch (n->kind) {
    case AST_FUNC:
        func(d, AST_AS_CONST(func, n));
        return true;
    case AST_AGG:
        agg(d, AST_AS_CONST(agg, n));
        return true;
    case AST_MATCH:
        match(d, AST_AS_CONST(match, n));
        return true;
    case AST_VALUES_OF:
        /* MariaDB's VALUES() belongs to ON DUPLICATE KEY UPDATE alone, its VALUE() may stand everywhere. */
        put_opt(d, d->maria ? "VALUE(" : "VALUES(", AST_AS_CONST(values_of, n)->column);
        put(d, ")");
        return true;
    case AST_DEFAULT:
        put(d, AST_AS_CONST(default, n)->ignore ? "IGNORE" : "DEFAULT");
        if (AST_AS_CONST(default, n)->column) {
            put_opt(d, "(", AST_AS_CONST(default, n)->column);
            put(d, ")");
        }
        return true;
    case AST_SEQ_FUNC:
        seq_func(d, AST_AS_CONST(seq_func, n));
        return true;
    case AST_ON_RESPONSE: {
        static const char *const words[] = {"NULL", "ERROR", "DEFAULT "};
        const struct ast_on_response *r = AST_AS_CONST(on_response, n);

        put(d, words[r->what]);
        put_opt(d, "", r->value);
        return true;
    }
    default:
        return false;
    }
}

static bool expr_node(struct dep *d, const struct ast_node *n)
{
    return leaf_node(d, n) || operator_node(d, n) || closed_node(d, n) || call_node(d, n);
}

static bool replaced(struct dep *d, const struct ast_node *n)
{
    if (d->o->value && (n->kind == AST_PARAM || n->kind == AST_LIT) && d->o->value(n, d->b, d->o->arg))
        return true;
    return d->o->node && (n->kind <= AST_SEQ_FUNC || ast_is_query(n)) && d->o->node(n, d->b, d->o->arg);
}

void put_node(struct dep *d, const struct ast_node *n)
{
    if (replaced(d, n))
        return;
    (void)(expr_node(d, n) || put_query_node(d, n) || put_ddl_node(d, n) || put_misc_node(d, n));
}

void put_expr(struct dep *d, const struct ast_node *n, enum prec min)
{
    if (prec_of(d, n) >= min) {
        put_node(d, n);
        return;
    }
    if (replaced(d, n))
        return;
    put(d, "(");
    put_node(d, n);
    put(d, ")");
}

static struct dep dep_make(const struct deparse_opts *opts, struct strbuf *out)
{
    static const struct deparse_opts none;
    struct dep d = {opts ? opts : &none, out, 0, false};

    if (d.o->sql) {
        d.mode = d.o->sql->mode;
        d.maria = d.o->sql->flavor == SQL_FLAVOR_MARIADB;
    }
    return d;
}

void deparse(const struct ast_node *n, const struct deparse_opts *opts, struct strbuf *out)
{
    struct dep d = dep_make(opts, out);

    if (n)
        put_node(&d, n);
}

void deparse_ident(struct sv name, const struct deparse_opts *opts, struct strbuf *out)
{
    struct dep d = dep_make(opts, out);

    ident(&d, name);
}

void deparse_string(struct sv text, const struct deparse_opts *opts, struct strbuf *out)
{
    struct dep d = dep_make(opts, out);

    put_string(&d, text);
}
