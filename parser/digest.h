/* Digests of statements.
 *
 * digest_scan is the hot path: one pass over the text of one statement gives a 128-bit hash of its token stream, its
 * literals' places, and its class. Literals enter the hash by their kind only (integer, decimal, float, string, hex,
 * bit), list lengths are kept: statements with equal hashes parse to the same tree but for values of literals. NULL,
 * TRUE, FALSE are tokens, not literals. Words enter as written, except reserved words, whose case is folded; so do
 * hints. Blanks and comments do not count: names that MySQL derives from source text (unaliased select items) must be
 * taken from the statement at hand, not from a cached one.
 *
 * digest_text makes the normalised text for statistics in the manner of MySQL's performance_schema. Pure functions,
 * any thread. */
#ifndef PARSER_DIGEST_H
#define PARSER_DIGEST_H

#include "parser/lex.h"
#include "util/strbuf.h"

/* By the first words; for cheap dispatch. */
enum stmt_class {
    STMT_EMPTY,
    STMT_SELECT, /* also "(", VALUES, TABLE */
    STMT_WITH,   /* WITH: SELECT, UPDATE or DELETE follows */
    STMT_INSERT,
    STMT_REPLACE,
    STMT_UPDATE,
    STMT_DELETE,
    STMT_BEGIN, /* BEGIN [WORK], START TRANSACTION */
    STMT_COMMIT,
    STMT_ROLLBACK, /* also ROLLBACK TO */
    STMT_SAVEPOINT,
    STMT_SET,
    STMT_USE,
    STMT_SHOW,
    STMT_DDL, /* CREATE, ALTER, DROP, RENAME, TRUNCATE */
    STMT_CALL,
    STMT_DO,
    STMT_LOAD,
    STMT_EXPLAIN,
    STMT_PREPARED, /* PREPARE, EXECUTE, DEALLOCATE */
    STMT_OTHER
};

struct literal_slot {
    uint32_t begin, end; /* source range */
    uint16_t kind;       /* TK_INT .. TK_BIT */
    uint16_t flags;      /* TOKEN_* */
};

/* Where a token stands in its text. */
struct lex_token_pos {
    uint32_t begin, end;
};

struct digest {
    uint64_t hash[2];
    enum stmt_class cls;
    bool error;        /* the text does not lex: hash is not usable, the parser gives the error */
    bool more;         /* something but blanks follows the statement's ';' */
    uint32_t nslots;   /* literals in the statement; those beyond the caller's array are counted only */
    uint32_t nparams;  /* ? */
    uint32_t ntokens;  /* tokens of the statement; those beyond the caller's array are counted only */
    uint32_t begin;    /* first token */
    uint32_t end;      /* behind the last token, without ';' */
    uint32_t next;     /* where the next statement's text starts */
};

/* Scans the statement of text that starts at `from`, up to its ';' or the end. slots may be NULL with max_slots 0. */
void digest_scan(struct sv text, uint32_t from, const struct sql_opts *opts, struct literal_slot *slots, uint32_t max_slots,
                 struct digest *out);

/* The same, and the place of each token: plans refer to tokens by ordinal, so that a cached plan fits texts that differ in
 * literals, blanks and comments. */
void digest_scan_tokens(struct sv text, uint32_t from, const struct sql_opts *opts, struct literal_slot *slots,
                        uint32_t max_slots, struct lex_token_pos *tokens, uint32_t max_tokens, struct digest *out);

/* Appends the normalised text of the statement that starts at `from`: literals and NULL values as ?, lists of them as
 * (...), several rows of VALUES as one row with a comment, words in upper case where they are keywords, identifiers
 * in backquotes. Cut at max_bytes. */
void digest_text(struct sv text, uint32_t from, const struct sql_opts *opts, size_t max_bytes, struct strbuf *out);

#endif
