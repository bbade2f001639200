/* What exists: one immutable snapshot of the logical schema, the fleet and the users, per version.
 *
 * A snapshot never changes after cat_builder_finish. Tables are objects of their own, immutable and
 * counted, shared by the snapshots that have them unchanged; everything else is copied into each
 * snapshot's arena. Whoever reads holds a reference: workers through catalog/pin.h, control threads
 * by cat_snapshot_ref. Pointers into a snapshot live as long as it does.
 *
 * Making a new one: cat_builder_begin(&b, current), changes, cat_builder_finish(&b, version).
 * Making a table: cat_table_new (or cat_table_clone of an old one), fill the fields with everything
 * in the table's own arena, cat_table_finish; from then on it is const.
 *
 * Names: databases and tables compare byte by byte (lower_case_table_names=0), columns, keys,
 * constraints and partitions without regard to ASCII case. All text is utf8mb4. */
#ifndef CATALOG_SNAPSHOT_H
#define CATALOG_SNAPSHOT_H

#include "conf/limits.h"
#include "util/array.h"
#include "util/diag.h"
#include "util/hmap.h"

#include <stdatomic.h>

/* ---- states ---- */

enum cat_state {
    CAT_PUBLIC,   /* in use */
    CAT_CREATING, /* being made: not found by cat_find_* */
    CAT_DROPPING, /* being dropped: not found by cat_find_* */
    /* Tables: in use by statements that run and by transactions that have used it already; whoever comes new waits
     * until DDL has changed or dropped it. Found by cat_find_table. */
    CAT_HELD
};

enum cat_shard_state {
    CAT_SHARD_ACTIVE,
    CAT_SHARD_DRAINING, /* holds rows, gets no new partitions */
    CAT_SHARD_JOINING   /* gets databases and BROADCAST copies; no partitions yet */
};

/* ---- columns ---- */

/* A column's type as MySQL has it; no dependence on types/ (type codes are those of the protocol:
 * MYSQL_TYPE_*). */
struct cat_type {
    uint8_t code; /* protocol type code; ENUM 247, SET 248, JSON 245, BIT 16, NEWDECIMAL 246,
                     VARCHAR 15 or 253 for VARCHAR, ... */
    bool is_unsigned, zerofill;
    uint8_t decimals; /* scale or fractional seconds; 31: floating */
    uint16_t coll_id; /* collation id; 63: binary, numbers and temporals */
    uint32_t length; /* as in the column definition packet: display width; strings: bytes at most */
    struct sv charset, collation; /* names; empty for types without */
    const struct sv *members;     /* ENUM and SET */
    uint32_t members_n;
    struct sv text; /* as SHOW CREATE TABLE prints it: `varchar(20)`, `int unsigned` */
};

enum cat_default_kind { CAT_DEFAULT_NONE, CAT_DEFAULT_NULL, CAT_DEFAULT_LITERAL, CAT_DEFAULT_EXPR };
enum cat_generated { CAT_NOT_GENERATED, CAT_GENERATED_VIRTUAL, CAT_GENERATED_STORED };

struct cat_column {
    struct sv name;
    struct cat_type type;
    uint32_t ordinal; /* from 0 */
    bool nullable, auto_increment, invisible;
    bool hidden; /* Tessera's own (the key of a table without one): nobody sees it */
    enum cat_default_kind default_kind;
    struct sv default_text; /* LITERAL: the value itself, unquoted; EXPR: SQL text
                               (CURRENT_TIMESTAMP too) */
    struct sv on_update;    /* SQL text (CURRENT_TIMESTAMP(n)), or empty */
    enum cat_generated generated;
    struct sv generated_expr; /* SQL text */
    struct sv comment;
};

/* ---- keys and constraints ---- */

enum cat_key_kind {
    CAT_KEY_PRIMARY,
    CAT_KEY_UNIQUE,
    CAT_KEY_PLAIN,
    CAT_KEY_FULLTEXT,
    CAT_KEY_SPATIAL
};

struct cat_key_part {
    int32_t column;  /* ordinal; -1: an expression */
    uint32_t prefix; /* characters; 0: whole */
    bool desc;
    struct sv expr; /* SQL text, where column is -1 */
};

struct cat_key {
    struct sv name;
    enum cat_key_kind kind;
    const struct cat_key_part *parts;
    uint32_t parts_n;
    bool invisible;
    struct sv comment, algorithm,
        parser; /* algorithm: BTREE, HASH or empty; parser: of a FULLTEXT key, or empty */
};

struct cat_check {
    struct sv name, expr;
    bool not_enforced;
};

struct cat_fk {
    struct sv name;
    const uint32_t *columns; /* ordinals */
    uint32_t columns_n;
    struct sv ref_db, ref_table;
    const struct sv *ref_columns; /* names; as many */
    struct sv on_delete,
        on_update; /* RESTRICT, CASCADE, SET NULL, NO ACTION, SET DEFAULT, or empty */
};

/* ---- partitioning ---- */

enum cat_table_kind {
    CAT_SINGLE,    /* one physical table on one shard: parts[0] */
    CAT_BROADCAST, /* a copy on every shard under its own name: parts_n is 0 */
    CAT_PARTITIONED
};

enum cat_part_method { CAT_PART_NONE, CAT_PART_KEY, CAT_PART_HASH, CAT_PART_RANGE, CAT_PART_LIST };

enum cat_bound_kind { CAT_BOUND_VALUE, CAT_BOUND_NULL, CAT_BOUND_MAXVALUE, CAT_BOUND_DEFAULT };

struct cat_bound {
    enum cat_bound_kind kind;
    struct sv text; /* VALUE: the value as text, unquoted (integers in decimal, temporals as
                       literals read, strings as they are) */
};

struct cat_part {
    uint32_t ordinal; /* position: RANGE in ascending order of bounds; KEY and HASH in order of hash
                         ranges */
    struct sv name;   /* logical: p0, ... */
    uint32_t shard_id;
    struct sv phys_db, phys_name; /* physical table on that shard */
    uint32_t hash_lo, hash_hi;    /* KEY and HASH: owns hashes lo..hi, both included */
    /* RANGE: one tuple, the exclusive upper bound; LIST: any number of tuples. Row-major: tuples_n
     * x width values, where width is the number of partition columns (1 with an expression). */
    const struct cat_bound *bounds;
    uint32_t tuples_n;
    struct sv comment;
};

struct cat_partitioning {
    enum cat_part_method method;
    bool by_columns; /* KEY, RANGE COLUMNS, LIST COLUMNS: tuples of columns. Else: one integer
                        expression */
    bool linear;     /* LINEAR was written: printed back, without meaning here */
    bool by_default; /* nobody asked: an `auto` database chose it. SHOW CREATE TABLE says so in the
                        T! comment */
    const uint32_t
        *columns; /* ordinals: the partition columns, or those that the expression reads */
    uint32_t columns_n;
    struct sv
        expr; /* SQL text of the expression, canonical: names in backquotes; empty if by_columns */
};

/* ---- tables ---- */

HMAP_SV_NOCASE(cat_name_map, uint32_t);

struct cat_table {
    uint64_t id;      /* unique in the fleet, for ever */
    uint64_t version; /* catalog version that made this object */
    struct sv db, name;
    enum cat_state state;
    enum cat_table_kind kind;
    const struct cat_column *columns; /* by ordinal */
    uint32_t columns_n;
    const struct cat_key *keys; /* primary first, then unique ones, as MySQL orders them */
    uint32_t keys_n;
    const struct cat_check *checks;
    uint32_t checks_n;
    const struct cat_fk *fks;
    uint32_t fks_n;
    int32_t auto_inc_column; /* ordinal; -1: none. Set by cat_table_finish, like primary and
                                row_columns */
    int32_t primary;         /* index in keys; -1: none */
    struct sv engine, charset, collation, comment, row_format;
    uint16_t coll_id;
    uint64_t auto_inc_start; /* AUTO_INCREMENT=n of CREATE TABLE; 0: not given */
    struct sv options;       /* other table options as SHOW CREATE TABLE prints them, or empty */
    struct cat_partitioning part;
    const struct cat_part *parts;
    uint32_t parts_n;
    uint64_t group_id; /* table group: equal ids have equal partitioning, and partition i of each is
                          on one shard; 0: none */
    struct sv create_sql; /* CREATE TABLE in canonical form, with logical names: SHOW CREATE TABLE's
                             text */
    struct sv note;       /* why the table is SINGLE although partitioning was wanted, or empty */

    struct arena arena;             /* all that is above */
    struct cat_name_map column_map; /* name -> ordinal; by cat_table_finish */
    _Atomic uint32_t refs;
    /* A place for what the router compiles from this table (router/part.h); ended with the table.
     */
    _Atomic(void *) ext;
    void (*ext_free)(void *ext);
};

/* ---- the rest ---- */

struct cat_shard {
    uint32_t id; /* from 1 */
    struct sv name, host;
    uint16_t port;
    struct sv user, password; /* empty user: the configuration's service account */
    enum cat_shard_state state;
};

enum cat_db_mode {
    CAT_DB_AUTO, /* plain CREATE TABLE partitions by primary key; secondary keys become global where
                    they can */
    CAT_DB_LOCAL, /* the same with local secondary keys */
    CAT_DB_SINGLE /* plain CREATE TABLE makes SINGLE tables */
};

struct cat_db {
    uint64_t id;
    struct sv name;
    enum cat_state state;
    enum cat_db_mode mode;
    struct sv charset, collation;
    uint16_t coll_id;
    uint32_t home_shard; /* where SINGLE tables go; 0: spread */
};

struct cat_user {
    struct sv name, host; /* host: pattern as in CREATE USER; '%' for all */
    struct sv plugin;     /* mysql_native_password, caching_sha2_password, ... */
    struct sv secret;     /* as mysql.user.authentication_string holds it; empty: no password */
    bool locked, super;
    struct sv attrs; /* JSON: what else is said of the account; so far USER_ATTRS_TLS (user.h) or nothing */
};

struct cat_setting {
    struct sv name, value;
};

HMAP_SV(cat_ptr_map, uint32_t);
HMAP_U64(cat_id_map, uint32_t);
ARRAY_OF(cat_shard_array, struct cat_shard);
ARRAY_OF(cat_db_array, struct cat_db);
ARRAY_OF(cat_user_array, struct cat_user);
ARRAY_OF(cat_setting_array, struct cat_setting);
ARRAY_OF(cat_table_array, const struct cat_table *);

struct cat_snapshot {
    uint64_t version;
    struct cat_shard_array shards; /* by id */
    struct cat_db_array dbs;       /* by name */
    struct cat_table_array tables; /* by database and name; in every state */
    struct cat_user_array users;   /* most specific host first */
    struct cat_setting_array settings;

    struct arena arena;
    struct cat_ptr_map db_map, table_map; /* name -> index */
    struct cat_id_map table_ids, shard_ids, db_ids;
    _Atomic uint32_t refs;
};

/* ---- reading (any thread that holds a reference) ---- */

const struct cat_db *cat_find_db(const struct cat_snapshot *s, struct sv name);
/* Whether statements see a table: it is public, or held by DDL for a while. */
static inline bool cat_table_is_visible(const struct cat_table *t)
{
    return t->state == CAT_PUBLIC || t->state == CAT_HELD;
}
/* Visible tables only. */
const struct cat_table *cat_find_table(const struct cat_snapshot *s, struct sv db, struct sv name);
/* In whatever state. */
const struct cat_table *cat_find_table_any(
    const struct cat_snapshot *s, struct sv db, struct sv name);
const struct cat_table *cat_find_table_id(const struct cat_snapshot *s, uint64_t id);
const struct cat_shard *cat_find_shard(const struct cat_snapshot *s, struct sv name);
const struct cat_shard *cat_find_shard_id(const struct cat_snapshot *s, uint32_t id);
/* The tables of a database: *first is the index of the first in s->tables, returns how many (all
 * states). */
size_t cat_tables_of(const struct cat_snapshot *s, struct sv db, size_t *first);
/* The account for a login, chosen as MySQL does: most specific host first, then named before
 * anonymous. `host` is the client's name or address; loopback addresses match 'localhost' as well.
 * NULL: none. */
const struct cat_user *cat_find_user(const struct cat_snapshot *s, struct sv name, struct sv host);
/* The exact account name@host. */
const struct cat_user *cat_find_account(
    const struct cat_snapshot *s, struct sv name, struct sv host);
/* ptr NULL: not set. */
struct sv cat_setting(const struct cat_snapshot *s, struct sv name);
/* information_schema, mysql, performance_schema, sys, tessera: answered by Tessera itself or
 * relayed, never created. */
bool cat_is_virtual_db(struct sv name) PURE;

/* NULL: no such column. */
const struct cat_column *cat_find_column(const struct cat_table *t, struct sv name);
const struct cat_key *cat_find_key(const struct cat_table *t, struct sv name);
const struct cat_part *cat_find_part(const struct cat_table *t, struct sv name);
static inline const struct cat_key *cat_primary_key(const struct cat_table *t)
{
    return t->primary >= 0 ? &t->keys[t->primary] : NULL;
}

static inline const struct cat_column *cat_auto_inc(const struct cat_table *t)
{
    return t->auto_inc_column >= 0 ? &t->columns[t->auto_inc_column] : NULL;
}

/* Physical place of partition i; of BROADCAST tables db and name are the logical ones, i is
 * ignored. */
struct sv cat_phys_name(const struct cat_table *t, uint32_t i);
struct sv cat_phys_db(const struct cat_table *t, uint32_t i);
/* Whether the two tables' partitions of equal ordinal are on the same shard and hold the same key
 * ranges. */
bool cat_same_group(const struct cat_table *a, const struct cat_table *b);
/* True if every partition column is among the key's whole columns (no prefix): rows with equal key
 * are in one partition. */
bool cat_key_has_part_columns(const struct cat_table *t, const struct cat_key *k);

struct cat_snapshot *cat_snapshot_ref(const struct cat_snapshot *s);
void cat_snapshot_unref(const struct cat_snapshot *s); /* NULL is allowed */

/* ---- making tables ---- */

/* An empty, mutable table with one reference; names are copied. */
struct cat_table *cat_table_new(struct sv db, struct sv name);
/* A deep, mutable copy with one reference; id and version are the old ones. */
struct cat_table *cat_table_clone(const struct cat_table *t);
/* Checks the object's inner references (ordinals, sorted hash ranges that cover all of hash space,
 * names present) and builds the look-ups; then it is const. False: ER_INTERNAL naming what is
 * wrong. */
bool cat_table_finish(struct cat_table *t, struct diag *d) MUST_CHECK;
struct cat_table *cat_table_ref(const struct cat_table *t);
void cat_table_unref(const struct cat_table *t); /* NULL is allowed */
/* Fills parts[0..n) for KEY and HASH: names p0.., hash space divided evenly, physical names
 * by catalog/names.h, shards as given (n ids). In t's arena. */
void cat_table_spread(struct cat_table *t, uint32_t n, const uint32_t *shard_ids);

/* The nested parts (columns, keys, partitioning, ...; not db, name, id, state, create_sql,
 * partitions) as JSON text, and back into an unfinished table. The format is durable: members are
 * only ever added. */
struct sv cat_table_to_json(const struct cat_table *t, struct arena *a);
bool cat_table_from_json(struct cat_table *t, struct sv json, struct diag *d) MUST_CHECK;
/* The bounds of a partition as JSON text (for its row in the metadata) and back. */
struct sv cat_bounds_to_json(const struct cat_bound *bounds, uint32_t n, struct arena *a);
bool cat_bounds_from_json(struct sv json, struct arena *a, const struct cat_bound **bounds,
    uint32_t *n, struct diag *d) MUST_CHECK;

/* ---- making snapshots (one control thread at a time per builder) ---- */

struct cat_builder {
    struct cat_snapshot *s; /* the one being made; its fields may be looked at, not its maps */
};

/* base NULL: empty. Copies shards, databases, users and settings, shares tables. */
void cat_builder_begin(struct cat_builder *b, const struct cat_snapshot *base);
/* put: adds, or replaces the one of the same id (shards, databases, tables), account (users), name
 * (settings). Texts are copied; a table's reference is taken in addition to the caller's. */
void cat_builder_put_shard(struct cat_builder *b, const struct cat_shard *shard);
bool cat_builder_drop_shard(struct cat_builder *b, uint32_t id);
void cat_builder_put_db(struct cat_builder *b, const struct cat_db *db);
bool cat_builder_drop_db(struct cat_builder *b, uint64_t id); /* its tables are dropped as well */
void cat_builder_put_table(struct cat_builder *b, const struct cat_table *t);
bool cat_builder_drop_table(struct cat_builder *b, uint64_t id);
void cat_builder_put_user(struct cat_builder *b, const struct cat_user *u);
bool cat_builder_drop_user(struct cat_builder *b, struct sv name, struct sv host);
void cat_builder_put_setting(struct cat_builder *b, struct sv name, struct sv value);
bool cat_builder_drop_setting(struct cat_builder *b, struct sv name);
/* Sorts, checks (unique names, tables' databases and shards exist) and builds the look-ups; the
 * result has one reference. NULL: d says what is wrong (ER_INTERNAL), and the builder is ended. */
struct cat_snapshot *cat_builder_finish(
    struct cat_builder *b, uint64_t version, struct diag *d) MUST_CHECK;
void cat_builder_abort(struct cat_builder *b);

#endif
