/* How a statement's text was read: places of literals and tokens. Arrays grow on the heap and are reused. */
#ifndef PROXY_STMT_H
#define PROXY_STMT_H

#include "parser/digest.h"

struct stmt_scan {
    struct digest digest;
    struct literal_slot *slots;
    struct lex_token_pos *tokens;
    uint32_t cap_slots, cap_tokens;
    bool fits; /* all literals and tokens are there: the text may use and make cached plans */
};

/* Texts with more tokens than this are not looked up in the plan cache (bulk inserts). */
enum { STMT_SCAN_TOKENS_MAX = 4096 };

/* all: whatever the size (for planning); else up to STMT_SCAN_TOKENS_MAX. */
void stmt_scan_run(struct stmt_scan *s, struct sv text, const struct sql_opts *opts, bool all);
void stmt_scan_free(struct stmt_scan *s);

#endif
