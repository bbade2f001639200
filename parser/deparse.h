/* Deparser: AST to SQL text that parses to an equal AST again, and that MySQL and MariaDB servers take where the source
 * is both's. Parentheses are the fewest that keep the meaning. Names are quoted where they must be (or always).
 *
 * Options are callbacks with one argument; all may be NULL. Pure apart from the arena of `out`; any thread. */
#ifndef PARSER_DEPARSE_H
#define PARSER_DEPARSE_H

#include "parser/ast.h"
#include "parser/lex.h"

/* What to write for a table reference. Fill *name (and *db: ptr NULL writes no qualifier) and return true, or return
 * false to leave it as it is. With alias_from_name (the default of a renamed table) the table gets its old name as
 * alias, where it has none, so that columns qualified by it keep resolving. */
struct deparse_table {
    struct sv db, name;
    bool no_alias; /* do not add an alias (targets of INSERT, DDL: where none can stand it is never added) */
};
typedef bool (*deparse_table_fn)(const struct ast_table *t, struct deparse_table *to, void *arg);
/* Writes the text for a parameter or literal (kinds PARAM, LIT) to out and returns true; false: write it as usual. */
typedef bool (*deparse_value_fn)(const struct ast_node *n, struct strbuf *out, void *arg);
/* Any other node: writes a text of its own for it and returns true (names of columns, subqueries replaced by values);
 * false: write it as usual. Called for expressions and queries only; the text must be one primary expression. */
typedef bool (*deparse_node_fn)(const struct ast_node *n, struct strbuf *out, void *arg);

struct deparse_opts {
    const struct sql_opts *sql; /* mode of the connection that will get the text; NULL: default mode */
    deparse_table_fn table;
    deparse_value_fn value;
    deparse_node_fn node;
    void *arg;
    bool quote_all; /* every identifier in quotes */
};

/* Appends the text of a statement, query, expression, type or any other node. opts may be NULL. */
void deparse(const struct ast_node *n, const struct deparse_opts *opts, struct strbuf *out);
/* Appends an identifier, quoted where it must be. */
void deparse_ident(struct sv name, const struct deparse_opts *opts, struct strbuf *out);
/* Appends a string literal in quotes. */
void deparse_string(struct sv text, const struct deparse_opts *opts, struct strbuf *out);

#endif
