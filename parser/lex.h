/* Lexer: SQL text to tokens, one at a time, without copying or allocating.
 *
 * struct lex is a cursor over one text, owned by its user, one thread. lex_init, lex_next until TK_EOF (which repeats)
 * or TK_ERROR. Tokens are byte ranges of the text; what has to be decoded (quoted identifiers, strings) is decoded on
 * demand by lex_decode_*. Keywords are tokens of their own (K_SELECT ..); whether a keyword may also be an identifier
 * is asked with lex_is_ident. Source: MySQL's manual, "Language Structure"; MariaDB's "Comment Syntax". */
#ifndef PARSER_LEX_H
#define PARSER_LEX_H

#include "util/arena.h"

/* A comment of this version holds Tessera's own words: MySQL and MariaDB skip it, and clients that strip comments (the mysql shell,
 * reading a dump) keep it. The other mark, "/" "*T!", is for people to type. */
enum { TESSERA_VERSION_COMMENT = 99980 };

enum token_kind {
    TK_EOF,
    TK_ERROR, /* text that no rule takes: unclosed quote or comment, stray byte */
    /* words */
    TK_IDENT,   /* unquoted, not a keyword */
    TK_QUOTED,  /* `name`, or "name" with ANSI_QUOTES */
    TK_CHARSET, /* _utf8mb4: introducer */
    TK_USERVAR, /* @name, @`name`, @'name'; also the host in user@host */
    TK_ATAT,    /* @@ */
    TK_PARAM,   /* ? */
    TK_HINT,    /* text of an optimizer hint behind SELECT, INSERT, REPLACE, UPDATE, DELETE */
    /* literals: TK_INT .. TK_BIT, each takes a slot */
    TK_INT,
    TK_DECIMAL,
    TK_FLOAT,
    TK_STRING,
    TK_NSTRING,
    TK_HEX,
    TK_BIT,
    /* operators and punctuation */
    TK_LPAREN,
    TK_RPAREN,
    TK_COMMA,
    TK_DOT,
    TK_SEMI,
    TK_COLON,
    TK_LBRACE,
    TK_RBRACE,
    TK_EQ,
    TK_NULL_EQ, /* <=> */
    TK_NE,
    TK_LT,
    TK_LE,
    TK_GT,
    TK_GE,
    TK_SHL,
    TK_SHR,
    TK_PLUS,
    TK_MINUS,
    TK_STAR,
    TK_SLASH,
    TK_PERCENT,
    TK_CARET,
    TK_AMP,
    TK_AMP2,
    TK_PIPE,
    TK_PIPE2,
    TK_TILDE,
    TK_BANG,
    TK_ASSIGN, /* := */
    TK_ARROW,  /* -> */
    TK_ARROW2, /* ->> */
    TK_KEYWORD_FIRST,
    TK_BEFORE_KEYWORDS = TK_KEYWORD_FIRST - 1,
#define KW(name, flags) K_##name,
#include "parser/kw.def"
#undef KW
    TK_KIND_COUNT
};

/* Flags of keywords. */
/* KW_FN, KW_FM, KW_SOFT: keyword in front of "(" only, and then no identifier in MySQL, in MariaDB, in none. */
enum { KW_R8 = 1, KW_RM = 2, KW_FN = 4, KW_FM = 8, KW_CALL = KW_FN | KW_FM, KW_SOFT = 16, KW_FUNC = 32 };

extern const uint8_t kw_flags[TK_KIND_COUNT];

/* sql_mode bits that change lexing or parsing. */
enum {
    SQL_ANSI_QUOTES = 1,
    SQL_PIPES_AS_CONCAT = 2,
    SQL_NO_BACKSLASH_ESCAPES = 4,
    SQL_IGNORE_SPACE = 8,
    SQL_HIGH_NOT_PRECEDENCE = 16
};

enum sql_flavor { SQL_FLAVOR_MYSQL, SQL_FLAVOR_MARIADB };

/* What the text means depends on these; part of the environment that plans are cached under. */
struct sql_opts {
    uint32_t mode;           /* SQL_* bits */
    enum sql_flavor flavor;  /* decides reserved words and MariaDB's comments */
    uint32_t mysql_version;  /* of the version that we imitate, as in versioned comments: 90700; 0: 80400 */
    uint32_t maria_version;  /* 101100; 0: 101100 with SQL_FLAVOR_MARIADB */
    uint64_t seed;           /* of digests; one for the process */
};

enum {
    TOKEN_ESCAPED = 1, /* a string or quoted name that contains escapes or doubled quotes */
    TOKEN_DOUBLE = 2,  /* string in double quotes */
    TOKEN_QUOTED_HEX = 4 /* x'41', not 0x41 */
};

struct token {
    uint16_t kind;
    uint16_t flags;
    uint32_t begin, end; /* offsets in the text; end is behind the last byte */
    uint32_t slot;       /* literals: ordinal among literals; TK_PARAM: ordinal among parameters */
};

struct lex {
    const char *text;
    const char *pos, *end;
    const struct sql_opts *opts;
    uint32_t mysql_version, maria_version;
    uint32_t literals, params; /* counted so far */
    uint16_t prev;             /* kind of the previous token */
    uint8_t comments;          /* open versioned comments */
    uint8_t reserved;          /* flags of words that are no identifiers in our flavor */
};

/* text.len at most UINT32_MAX - 16. opts must outlive the lexer. Starts at offset `from`. */
void lex_init(struct lex *l, struct sv text, uint32_t from, const struct sql_opts *opts);
void lex_next(struct lex *l, struct token *t);

/* A word with which servers' grammars begin a call, so that it is another function in quotes. */
static inline bool kw_is_call(unsigned kind)
{
    return (kw_flags[kind] & (KW_CALL | KW_SOFT | KW_FUNC | KW_R8 | KW_RM)) != 0;
}

/* The keyword of a word, or 0. Any case. */
unsigned kw_find(const char *word, size_t len);
/* The word of a keyword in upper case. */
struct sv kw_text(unsigned kind);

/* True: the token can be an identifier (a quoted one, an unreserved word). */
static inline bool lex_is_ident(unsigned kind, uint8_t reserved)
{
    if (kind < TK_KEYWORD_FIRST)
        return kind == TK_IDENT || kind == TK_QUOTED;
    return !(kw_flags[kind] & reserved);
}

static inline bool lex_is_literal(unsigned kind)
{
    return kind >= TK_INT && kind <= TK_BIT;
}

/* The name that a TK_IDENT, TK_QUOTED, keyword or TK_USERVAR token means: a view of the text, or a copy in `a` where
 * quotes are doubled inside. */
struct sv lex_ident(struct arena *a, const struct lex *l, const struct token *t);
/* The decoded text of a TK_STRING, TK_NSTRING; also of a TK_QUOTED token taken as a string. */
struct sv lex_string(struct arena *a, const struct lex *l, const struct token *t);
/* The bytes of a TK_HEX or TK_BIT. */
struct sv lex_bytes(struct arena *a, const struct lex *l, const struct token *t);
static inline struct sv lex_text(const struct lex *l, const struct token *t)
{
    return sv_make(l->text + t->begin, t->end - t->begin);
}

#endif
