/* Parser: text to AST, one statement a call. Pure apart from the arena; any thread with its own arena.
 *
 * Errors are MySQL's 1064 with "near '..' at line N", 1065 for an empty statement. The AST's texts point into the
 * source text where possible: text and arena must outlive it. */
#ifndef PARSER_PARSE_H
#define PARSER_PARSE_H

#include "parser/ast.h"
#include "parser/lex.h"
#include "util/diag.h"

struct parse_result {
    struct ast_node *stmt;
    uint32_t begin, end; /* source range of the statement, without ';' */
    uint32_t next;       /* where the next statement's text starts: behind ';', or the text's end */
    bool more;           /* something but blanks follows */
    uint32_t nliterals, nparams;
};

/* Parses the statement of text that starts at `from`; it ends at ';' (a stored program's own are inside) or with the
 * text. `?` is accepted everywhere an expression may stand; whoever executes text refuses them by nparams. */
bool parser_parse(struct sv text, uint32_t from, const struct sql_opts *opts, struct arena *a, struct parse_result *out,
                  struct diag *d) MUST_CHECK;
/* Parses a text that is one expression (a partitioning expression, a generated column from the catalog). */
bool parser_parse_expr(struct sv text, const struct sql_opts *opts, struct arena *a, struct ast_node **out,
                       struct diag *d) MUST_CHECK;

#endif
