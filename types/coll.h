/* Collations and character sets: the registry of all ids of MySQL 8/9 and MariaDB 10.11, and native comparison, hashing and
 * sort keys for those that matter.
 *
 * Text of every character set is held as utf8mb4 inside Tessera (shards are asked for results in utf8mb4); binary strings
 * are bytes. A collation of another character set compares by mapping code points (latin1: the cp1252 byte). The sort
 * key of a native collation equals the server's WEIGHT_STRING(), so that hashes and orders can also be computed there.
 * PAD SPACE collations ignore trailing spaces: comparison pads, hash and canonical key strip.
 * Immutable tables, any thread. */
#ifndef TYPES_COLL_H
#define TYPES_COLL_H

#include "util/arena.h"

struct strbuf;

enum coll_charset {
    CS_OTHER, /* known by name only */
    CS_BINARY,
    CS_ASCII,
    CS_LATIN1,
    CS_UTF8MB3,
    CS_UTF8MB4
};

enum coll_impl {
    COLL_NOT_NATIVE,   /* compare WEIGHT_STRING() from the shards instead */
    COLL_BYTES,        /* binary */
    COLL_CODEPOINT,    /* *_bin */
    COLL_TABLE8,       /* one byte a character */
    COLL_GENERAL,      /* *_general_ci of utf8mb3 and utf8mb4 */
    COLL_UCA           /* generated multi-level weights, see coll_uca.h */
};

struct collation {
    uint16_t id; /* MariaDB's ids above 2047 (uca1400) included */
    uint8_t impl;    /* enum coll_impl */
    uint8_t charset; /* enum coll_charset */
    bool pad_space;
    bool ci;         /* case-insensitive by name */
    bool in_mysql, in_mariadb;
    bool is_default; /* of its character set */
    uint8_t mbmaxlen;
    const char *name;
    const char *charset_name;
    const void *data; /* private */
};

/* NULL: unknown id. The few ids that mean different collations on the two kinds of server resolve to MySQL's;
 * coll_by_id_mariadb resolves to MariaDB's. */
const struct collation *coll_by_id(uint16_t id);
const struct collation *coll_by_id_mariadb(uint16_t id);
/* Case-insensitive; "utf8_..." is read as utf8mb3. NULL: unknown. */
const struct collation *coll_by_name(struct sv name);
/* Default collation of a character set by name ("utf8mb4", "utf8", "latin1", ...); NULL: unknown. */
const struct collation *coll_default_of(struct sv charset, bool mariadb);
const struct collation *coll_bin_of(struct sv charset);
static inline bool coll_is_native(const struct collation *c)
{
    return c && c->impl != COLL_NOT_NATIVE;
}
bool coll_id_is_native(uint16_t id);
/* All collations, ordered by id, for information_schema. */
const struct collation *coll_all(size_t *n);

/* -1, 0, 1. Collations that are not native compare as utf8mb4_bin: callers ask coll_is_native first. */
int coll_compare(uint16_t id, struct sv a, struct sv b);
/* Equal strings give equal hashes. 64 bits, for hash tables: not a data format. */
uint64_t coll_hash(uint16_t id, struct sv s, uint64_t seed);
/* Appends the sort key (memcmp order = collation order for keys made with the same pad): WEIGHT_STRING's bytes, with trailing
 * pad weights removed for PAD SPACE collations. */
void coll_sortkey(uint16_t id, struct sv s, struct strbuf *b);
/* Appends a key whose memcmp order is exactly the collation's (padding included) and that is no prefix of another: for
 * sorting, not for hashing. */
void coll_orderkey(uint16_t id, struct sv s, struct strbuf *b);
/* LIKE with this collation. escape: 0 for none. */
bool coll_like(uint16_t id, struct sv s, struct sv pattern, uint32_t escape);
/* Position in characters (1-based) of needle in s from character `from` (1-based), 0: absent. by_bytes: as MariaDB does for
 * multi-byte sets, only pieces of as many bytes as the needle are compared; MySQL compares weights. */
size_t coll_locate(uint16_t id, struct sv s, struct sv needle, size_t from, bool by_bytes);

/* Upper and lower case by the collation's character set (binary: unchanged). In a, or the input where nothing changes. */
struct sv coll_upper(uint16_t id, struct sv s, struct arena *a);
struct sv coll_lower(uint16_t id, struct sv s, struct arena *a);

/* Length in characters (binary: bytes), bytes of the first n characters, validity. */
size_t coll_chars(uint16_t id, struct sv s);
size_t coll_chars_prefix(uint16_t id, struct sv s, size_t n_chars);
bool coll_is_valid(uint16_t id, struct sv s);
/* Bytes that the text takes in its own character set. */
size_t coll_native_bytes(uint16_t id, struct sv s);

/* Between a collation's own character set and utf8mb4. False: not convertible (character replaced by '?'), or a character
 * set that is not known; *out is then usable in the first case, empty in the second. */
bool coll_to_utf8(uint16_t id, struct sv s, struct arena *a, struct sv *out) MUST_CHECK;
bool coll_from_utf8(uint16_t id, struct sv s, struct arena *a, struct sv *out) MUST_CHECK;

/* One utf8 character. Returns bytes used (1 with *cp = 0xFFFFFFFF for an invalid byte); 0 at the end. */
unsigned coll_decode_utf8(const char *p, const char *end, uint32_t *cp);
unsigned coll_encode_utf8(uint32_t cp, char *p);

#endif
