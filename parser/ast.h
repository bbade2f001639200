/* AST: typed nodes in an arena, all described by the table ast.def.
 *
 * Every node starts with struct ast_node: its kind and the byte range [begin, end) of its source text, from the first
 * byte of its first token to behind its last token (parentheses around an expression are not part of it). Nodes made
 * by rewriting have begin == end == 0. Identifiers carry ranges of their own, so that a statement can be relayed with
 * names replaced in its original text.
 *
 * Texts are views: into the source text where nothing had to be decoded, else into the arena. The source text and the
 * arena must outlive the tree. The tree belongs to whoever owns the arena; one thread at a time changes it, and any
 * number may read it when nobody does. */
#ifndef PARSER_AST_H
#define PARSER_AST_H

#include "util/arena.h"
#include "util/strbuf.h"

enum ast_kind {
    AST_NONE,
#define AST_BEGIN(K, tag) AST_##K,
#define AST_END(tag)
#define F_NODE(tag, f)
#define F_LIST(tag, f)
#define F_ID(tag, f)
#define F_IDS(tag, f)
#define F_TEXT(tag, f)
#define F_ENUM(tag, f, e)
#define F_BOOL(tag, f)
#define F_INT(tag, f)
#define F_RAW(tag, f)
#define F_POS(tag, f)
#include "parser/ast.def"
#undef AST_BEGIN
#undef AST_END
#undef F_NODE
#undef F_LIST
#undef F_ID
#undef F_IDS
#undef F_TEXT
#undef F_ENUM
#undef F_BOOL
#undef F_INT
#undef F_RAW
#undef F_POS
    AST_KIND_COUNT
};

#define AST_NO_SLOT UINT32_MAX

struct ast_node {
    uint16_t kind; /* enum ast_kind */
    uint16_t mark; /* free for the users of the tree; 0 after parsing; not compared, copied */
    uint32_t begin, end;
};

struct ast_list {
    struct ast_node **items;
    uint32_t n, cap;
};

struct ast_ident {
    struct sv name;      /* decoded, without quotes; ptr NULL: absent */
    uint32_t begin, end; /* source range with its quotes; begin == end: not from the source */
};

struct ast_idents {
    struct ast_ident *items;
    uint32_t n, cap;
};

enum ast_lit_type {
    AST_LIT_NULL,
    AST_LIT_TRUE,
    AST_LIT_FALSE,
    AST_LIT_INT,     /* digits */
    AST_LIT_DECIMAL, /* digits with a point */
    AST_LIT_FLOAT,   /* with an exponent */
    AST_LIT_STRING,
    AST_LIT_HEX, /* X'..', 0x.. */
    AST_LIT_BIT, /* B'..', 0b.. */
    AST_LIT_DATE,
    AST_LIT_TIME,
    AST_LIT_TIMESTAMP
};

enum ast_scope {
    AST_SCOPE_NONE,
    AST_SCOPE_GLOBAL,
    AST_SCOPE_SESSION,
    AST_SCOPE_LOCAL,
    AST_SCOPE_PERSIST,
    AST_SCOPE_PERSIST_ONLY,
    AST_SCOPE_USER
};

/* Operators with their SQL spelling. */
#define AST_OPS(X)                                                                                                     \
    X(OR, "OR")                                                                                                        \
    X(XOR, "XOR")                                                                                                      \
    X(AND, "AND")                                                                                                      \
    X(NOT, "NOT")                                                                                                      \
    X(EQ, "=")                                                                                                         \
    X(NULL_EQ, "<=>")                                                                                                  \
    X(NE, "<>")                                                                                                        \
    X(LT, "<")                                                                                                         \
    X(LE, "<=")                                                                                                        \
    X(GT, ">")                                                                                                         \
    X(GE, ">=")                                                                                                        \
    X(LIKE, "LIKE")                                                                                                    \
    X(REGEXP, "REGEXP")                                                                                                \
    X(SOUNDS_LIKE, "SOUNDS LIKE")                                                                                      \
    X(MEMBER_OF, "MEMBER OF")                                                                                          \
    X(BIT_OR, "|")                                                                                                     \
    X(BIT_AND, "&")                                                                                                    \
    X(SHL, "<<")                                                                                                       \
    X(SHR, ">>")                                                                                                       \
    X(ADD, "+")                                                                                                        \
    X(SUB, "-")                                                                                                        \
    X(MUL, "*")                                                                                                        \
    X(DIV, "/")                                                                                                        \
    X(INT_DIV, "DIV")                                                                                                  \
    X(MOD, "%")                                                                                                        \
    X(BIT_XOR, "^")                                                                                                    \
    X(CONCAT, "||")                                                                                                    \
    X(NEG, "-")                                                                                                        \
    X(PLUS, "+")                                                                                                       \
    X(BIT_NOT, "~")                                                                                                    \
    X(BANG, "!")                                                                                                       \
    X(BINARY, "BINARY")                                                                                                \
    X(JSON_GET, "->")                                                                                                  \
    X(JSON_GET_TEXT, "->>")

enum ast_op {
#define X(name, text) AST_OP_##name,
    AST_OPS(X)
#undef X
};

enum ast_is_what { AST_IS_NULL, AST_IS_TRUE, AST_IS_FALSE, AST_IS_UNKNOWN, AST_IS_JSON };

#define AST_UNITS(X)                                                                                                   \
    X(NONE) X(MICROSECOND) X(SECOND) X(MINUTE) X(HOUR) X(DAY) X(WEEK) X(MONTH) X(QUARTER) X(YEAR)                      \
    X(SECOND_MICROSECOND) X(MINUTE_MICROSECOND) X(MINUTE_SECOND) X(HOUR_MICROSECOND) X(HOUR_SECOND) X(HOUR_MINUTE)     \
    X(DAY_MICROSECOND) X(DAY_SECOND) X(DAY_MINUTE) X(DAY_HOUR) X(YEAR_MONTH)

enum ast_unit {
#define X(name) AST_UNIT_##name,
    AST_UNITS(X)
#undef X
};

enum ast_func_form {
    AST_FUNC_CALL,
    AST_FUNC_BARE,         /* CURRENT_TIMESTAMP without parentheses */
    AST_FUNC_EXTRACT,      /* EXTRACT(unit FROM a) */
    AST_FUNC_TRIM,         /* TRIM([word] [a0] FROM a1): args are (string) or (string, remove) */
    AST_FUNC_SUBSTRING,    /* SUBSTRING(a FROM b [FOR c]) */
    AST_FUNC_POSITION,     /* POSITION(a IN b) */
    AST_FUNC_UNIT_FIRST,   /* TIMESTAMPADD(unit, a, b), TIMESTAMPDIFF */
    AST_FUNC_GET_FORMAT,   /* GET_FORMAT(word, a) */
    AST_FUNC_CHAR_USING,   /* CHAR(a, .. USING word) */
    AST_FUNC_WEIGHT_STRING,/* WEIGHT_STRING(a AS type) */
    AST_FUNC_JSON_VALUE    /* JSON_VALUE(a, path RETURNING type .. ON EMPTY .. ON ERROR) */
};

enum ast_nulls { AST_NULLS_NONE, AST_NULLS_RESPECT, AST_NULLS_IGNORE };

enum ast_match_mode {
    AST_MATCH_NONE,
    AST_MATCH_NATURAL,
    AST_MATCH_NATURAL_EXPANSION,
    AST_MATCH_BOOLEAN,
    AST_MATCH_EXPANSION
};

enum ast_seq_op { AST_SEQ_NEXT, AST_SEQ_PREVIOUS, AST_SEQ_SETVAL };

/* Bits of ast_select.opts */
enum {
    AST_SEL_ALL = 1,
    AST_SEL_DISTINCT = 2,
    AST_SEL_HIGH_PRIORITY = 4,
    AST_SEL_STRAIGHT_JOIN = 8,
    AST_SEL_SMALL_RESULT = 16,
    AST_SEL_BIG_RESULT = 32,
    AST_SEL_BUFFER_RESULT = 64,
    AST_SEL_CACHE = 128,
    AST_SEL_NO_CACHE = 256,
    AST_SEL_CALC_FOUND_ROWS = 512
};

enum ast_grouping {
    AST_GROUP_PLAIN,
    AST_GROUP_WITH_ROLLUP,
    AST_GROUP_WITH_CUBE,
    AST_GROUP_ROLLUP,
    AST_GROUP_CUBE,
    AST_GROUP_SETS
};
enum ast_setop_op { AST_UNION, AST_EXCEPT, AST_INTERSECT };
enum ast_dir { AST_DIR_NONE, AST_DIR_ASC, AST_DIR_DESC };
enum ast_into_target { AST_INTO_OUTFILE, AST_INTO_DUMPFILE, AST_INTO_VARS };
enum ast_lock { AST_LOCK_UPDATE, AST_LOCK_SHARE, AST_LOCK_SHARE_MODE };
enum ast_wait { AST_WAIT_NONE, AST_WAIT_NOWAIT, AST_WAIT_SKIP_LOCKED, AST_WAIT_SECONDS };
enum ast_frame_unit { AST_FRAME_ROWS, AST_FRAME_RANGE, AST_FRAME_GROUPS };
enum ast_exclude {
    AST_EXCLUDE_NONE,
    AST_EXCLUDE_CURRENT_ROW,
    AST_EXCLUDE_GROUP,
    AST_EXCLUDE_TIES,
    AST_EXCLUDE_NO_OTHERS
};
enum ast_bound_type {
    AST_BOUND_UNBOUNDED_PRECEDING,
    AST_BOUND_PRECEDING,
    AST_BOUND_CURRENT_ROW,
    AST_BOUND_FOLLOWING,
    AST_BOUND_UNBOUNDED_FOLLOWING
};
enum ast_period_type {
    AST_PERIOD_AS_OF,   /* FOR SYSTEM_TIME AS OF from */
    AST_PERIOD_BETWEEN, /* FOR SYSTEM_TIME BETWEEN from AND to */
    AST_PERIOD_FROM_TO,
    AST_PERIOD_ALL,
    AST_PERIOD_BEFORE,  /* DELETE HISTORY .. BEFORE SYSTEM_TIME from */
    AST_PERIOD_PORTION  /* FOR PORTION OF name FROM from TO to */
};
enum ast_period_unit { AST_PERIOD_UNIT_NONE, AST_PERIOD_UNIT_TIMESTAMP, AST_PERIOD_UNIT_TRANSACTION };
enum ast_jt_kind { AST_JT_ORDINALITY, AST_JT_PATH, AST_JT_EXISTS, AST_JT_NESTED };
enum ast_response { AST_RESPONSE_NULL, AST_RESPONSE_ERROR, AST_RESPONSE_DEFAULT };
enum ast_join_type {
    AST_JOIN_COMMA,
    AST_JOIN_INNER,
    AST_JOIN_CROSS,
    AST_JOIN_STRAIGHT,
    AST_JOIN_LEFT,
    AST_JOIN_RIGHT
};
enum ast_hint_action { AST_HINT_USE, AST_HINT_FORCE, AST_HINT_IGNORE };
enum ast_hint_scope { AST_HINT_ALL, AST_HINT_JOIN, AST_HINT_ORDER_BY, AST_HINT_GROUP_BY };
enum ast_priority {
    AST_PRIORITY_NONE,
    AST_PRIORITY_LOW,
    AST_PRIORITY_DELAYED,
    AST_PRIORITY_HIGH,
    AST_PRIORITY_CONCURRENT
};
enum ast_delete_form {
    AST_DELETE_SINGLE, /* DELETE FROM t: `from` is the TABLE */
    AST_DELETE_FROM,   /* DELETE targets FROM from */
    AST_DELETE_USING,  /* DELETE FROM targets USING from */
    AST_DELETE_HISTORY /* DELETE HISTORY FROM t (MariaDB) */
};
enum ast_dup { AST_DUP_NONE, AST_DUP_REPLACE, AST_DUP_IGNORE };
enum ast_handler_op { AST_HANDLER_OPEN, AST_HANDLER_CLOSE, AST_HANDLER_READ };

/* Data types with their canonical spelling. */
#define AST_TYPES(X)                                                                                                   \
    X(TINYINT, "TINYINT") X(SMALLINT, "SMALLINT") X(MEDIUMINT, "MEDIUMINT") X(INT, "INT") X(BIGINT, "BIGINT")          \
    X(BOOL, "BOOL") X(BIT, "BIT") X(DECIMAL, "DECIMAL") X(FLOAT, "FLOAT") X(DOUBLE, "DOUBLE") X(REAL, "REAL")          \
    X(DATE, "DATE") X(TIME, "TIME") X(DATETIME, "DATETIME") X(TIMESTAMP, "TIMESTAMP") X(YEAR, "YEAR")                  \
    X(CHAR, "CHAR") X(VARCHAR, "VARCHAR") X(BINARY, "BINARY") X(VARBINARY, "VARBINARY") X(TINYTEXT, "TINYTEXT")        \
    X(TEXT, "TEXT") X(MEDIUMTEXT, "MEDIUMTEXT") X(LONGTEXT, "LONGTEXT") X(LONG, "LONG")                                \
    X(LONG_VARBINARY, "LONG VARBINARY") X(TINYBLOB, "TINYBLOB") X(BLOB, "BLOB") X(MEDIUMBLOB, "MEDIUMBLOB")            \
    X(LONGBLOB, "LONGBLOB") X(ENUM, "ENUM") X(SET, "SET") X(JSON, "JSON") X(SERIAL, "SERIAL") X(VECTOR, "VECTOR")      \
    X(GEOMETRY, "GEOMETRY") X(POINT, "POINT") X(LINESTRING, "LINESTRING") X(POLYGON, "POLYGON")                        \
    X(MULTIPOINT, "MULTIPOINT") X(MULTILINESTRING, "MULTILINESTRING") X(MULTIPOLYGON, "MULTIPOLYGON")                  \
    X(GEOMETRYCOLLECTION, "GEOMETRYCOLLECTION") X(UUID, "UUID") X(INET4, "INET4") X(INET6, "INET6")                    \
    X(XMLTYPE, "XMLTYPE") X(SIGNED, "SIGNED") X(UNSIGNED, "UNSIGNED") /* the last two: CAST only */                    \
    X(INTERVAL, "INTERVAL") X(OTHER, "")

enum ast_type_base {
#define X(name, text) AST_TYPE_##name,
    AST_TYPES(X)
#undef X
};

enum ast_generated { AST_GENERATED_NONE, AST_GENERATED_VIRTUAL, AST_GENERATED_STORED, AST_GENERATED_PERSISTENT };
enum ast_nullable { AST_NULLABLE_UNSTATED, AST_NULLABLE_NULL, AST_NULLABLE_NOT_NULL };
enum ast_column_key { AST_COLUMN_KEY_NONE, AST_COLUMN_KEY_PRIMARY, AST_COLUMN_KEY_UNIQUE };
enum ast_visibility { AST_VISIBILITY_NONE, AST_VISIBLE, AST_INVISIBLE };
enum ast_versioning {
    AST_VERSIONING_NONE,
    AST_VERSIONING_WITH,
    AST_VERSIONING_WITHOUT,
    AST_VERSIONING_ROW_START,
    AST_VERSIONING_ROW_END
};
enum ast_key_type {
    AST_KEY_PRIMARY,
    AST_KEY_UNIQUE,
    AST_KEY_INDEX,
    AST_KEY_FULLTEXT,
    AST_KEY_SPATIAL,
    AST_KEY_FOREIGN,
    AST_KEY_VECTOR
};
enum ast_key_scope { AST_KEY_SCOPE_NONE, AST_KEY_GLOBAL, AST_KEY_LOCAL, AST_KEY_CLUSTERED };
enum ast_fk_match { AST_FK_MATCH_NONE, AST_FK_MATCH_FULL, AST_FK_MATCH_PARTIAL, AST_FK_MATCH_SIMPLE };
enum ast_fk_action {
    AST_FK_NONE,
    AST_FK_RESTRICT,
    AST_FK_CASCADE,
    AST_FK_SET_NULL,
    AST_FK_NO_ACTION,
    AST_FK_SET_DEFAULT
};
enum ast_enforced { AST_ENFORCED_NONE, AST_ENFORCED, AST_NOT_ENFORCED };
enum ast_part_method {
    AST_PART_HASH,
    AST_PART_KEY,
    AST_PART_RANGE,
    AST_PART_LIST,
    AST_PART_RANGE_COLUMNS,
    AST_PART_LIST_COLUMNS,
    AST_PART_SYSTEM_TIME
};
enum ast_part_bound {
    AST_PART_BOUND_NONE,
    AST_PART_LESS_THAN,
    AST_PART_LESS_THAN_MAXVALUE, /* VALUES LESS THAN MAXVALUE without parentheses */
    AST_PART_IN,
    AST_PART_DEFAULT,            /* DEFAULT, VALUES IN (DEFAULT) (MariaDB) */
    AST_PART_CURRENT,            /* SYSTEM_TIME (MariaDB) */
    AST_PART_HISTORY
};
enum ast_placement { AST_PLACEMENT_NONE, AST_PLACEMENT_SINGLE, AST_PLACEMENT_BROADCAST };
enum ast_alter_op {
    AST_ALTER_ADD_COLUMN,     /* def, or defs when written in parentheses (elements) */
    AST_ALTER_DROP_COLUMN,    /* name; word RESTRICT|CASCADE */
    AST_ALTER_MODIFY_COLUMN,  /* def */
    AST_ALTER_CHANGE_COLUMN,  /* name, def */
    AST_ALTER_RENAME_COLUMN,  /* name, new_name */
    AST_ALTER_SET_DEFAULT,    /* name, value (all: written in parentheses) */
    AST_ALTER_DROP_DEFAULT,   /* name */
    AST_ALTER_COLUMN_VISIBILITY, /* name, word */
    AST_ALTER_ADD_KEY,        /* def: KEY_DEF of any type */
    AST_ALTER_ADD_CHECK,      /* def */
    AST_ALTER_ADD_PERIOD,     /* def: PERIOD_DEF */
    AST_ALTER_DROP_PERIOD,    /* name */
    AST_ALTER_ADD_VERSIONING,
    AST_ALTER_DROP_VERSIONING,
    AST_ALTER_DROP_KEY,       /* name */
    AST_ALTER_DROP_PRIMARY,
    AST_ALTER_DROP_FOREIGN,   /* name */
    AST_ALTER_DROP_CHECK,     /* name */
    AST_ALTER_DROP_CONSTRAINT,/* name */
    AST_ALTER_RENAME_KEY,     /* name, new_name */
    AST_ALTER_KEY_VISIBILITY, /* name, word VISIBLE|INVISIBLE|IGNORED|NOT IGNORED */
    AST_ALTER_CHECK_ENFORCED, /* name, word; all: written ALTER CONSTRAINT */
    AST_ALTER_RENAME,         /* table */
    AST_ALTER_OPTION,         /* def: OPTION */
    AST_ALTER_CONVERT,        /* word charset (NULL DEFAULT), word2 collation */
    AST_ALTER_ORDER,          /* defs: ORDER_ITEM */
    AST_ALTER_DISABLE_KEYS,
    AST_ALTER_ENABLE_KEYS,
    AST_ALTER_DISCARD_TABLESPACE,
    AST_ALTER_IMPORT_TABLESPACE,
    AST_ALTER_FORCE,
    AST_ALTER_ALGORITHM,      /* word */
    AST_ALTER_LOCK,           /* word */
    AST_ALTER_VALIDATION,     /* word WITH|WITHOUT */
    AST_ALTER_SECONDARY,      /* word LOAD|UNLOAD */
    AST_ALTER_PLACEMENT,      /* word SINGLE|BROADCAST, name: shard (Tessera) */
    AST_ALTER_PARTITION_BY,   /* def */
    AST_ALTER_REMOVE_PARTITIONING,
    AST_ALTER_ADD_PARTITION,  /* defs, or value = PARTITIONS n */
    AST_ALTER_DROP_PARTITION, /* names */
    AST_ALTER_TRUNCATE_PARTITION,
    AST_ALTER_DISCARD_PARTITION,
    AST_ALTER_IMPORT_PARTITION,
    AST_ALTER_ANALYZE_PARTITION,
    AST_ALTER_CHECK_PARTITION, /* word: options */
    AST_ALTER_OPTIMIZE_PARTITION,
    AST_ALTER_REBUILD_PARTITION,
    AST_ALTER_REPAIR_PARTITION,
    AST_ALTER_COALESCE_PARTITION, /* value */
    AST_ALTER_REORGANIZE_PARTITION, /* names, defs */
    AST_ALTER_EXCHANGE_PARTITION, /* name, table, word WITH|WITHOUT validation */
    AST_ALTER_CONVERT_PARTITION, /* name, table: CONVERT PARTITION p TO TABLE t (MariaDB) */
    AST_ALTER_CONVERT_TABLE,     /* table, defs: CONVERT TABLE t TO PARTITION .. (MariaDB) */
    AST_ALTER_MOVE_PARTITION,    /* names, new_name: shard (Tessera) */
    AST_ALTER_SPLIT_PARTITION,   /* name, value or defs (Tessera) */
    AST_ALTER_MERGE_PARTITION    /* names, new_name (Tessera) */
};
enum ast_object {
    AST_OBJ_TABLE,
    AST_OBJ_VIEW,
    AST_OBJ_DATABASE,
    AST_OBJ_TRIGGER,
    AST_OBJ_PROCEDURE,
    AST_OBJ_FUNCTION,
    AST_OBJ_EVENT,
    AST_OBJ_SEQUENCE,
    AST_OBJ_USER,
    AST_OBJ_ROLE,
    AST_OBJ_SERVER,
    AST_OBJ_PACKAGE,
    AST_OBJ_PACKAGE_BODY
};
enum ast_drop_behavior { AST_DROP_PLAIN, AST_DROP_RESTRICT, AST_DROP_CASCADE };
enum ast_view_check { AST_VIEW_CHECK_NONE, AST_VIEW_CHECK_PLAIN, AST_VIEW_CHECK_CASCADED, AST_VIEW_CHECK_LOCAL };
enum ast_isolation {
    AST_ISOLATION_NONE,
    AST_ISOLATION_READ_UNCOMMITTED,
    AST_ISOLATION_READ_COMMITTED,
    AST_ISOLATION_REPEATABLE_READ,
    AST_ISOLATION_SERIALIZABLE
};
enum ast_access { AST_ACCESS_NONE, AST_ACCESS_READ_WRITE, AST_ACCESS_READ_ONLY };
enum ast_yesno { AST_UNSTATED, AST_YES, AST_NO };
enum ast_role_set { AST_ROLE_LIST, AST_ROLE_NONE, AST_ROLE_ALL, AST_ROLE_DEFAULT, AST_ROLE_ALL_EXCEPT };
enum ast_trx_op {
    AST_TRX_BEGIN,
    AST_TRX_START,
    AST_TRX_COMMIT,
    AST_TRX_ROLLBACK,
    AST_TRX_SAVEPOINT,
    AST_TRX_ROLLBACK_TO,
    AST_TRX_RELEASE
};
enum ast_xa_op { AST_XA_START, AST_XA_END, AST_XA_PREPARE, AST_XA_COMMIT, AST_XA_ROLLBACK, AST_XA_RECOVER };
enum ast_lock_type {
    AST_LOCK_READ,
    AST_LOCK_READ_LOCAL,
    AST_LOCK_WRITE,
    AST_LOCK_LOW_WRITE,
    AST_LOCK_WRITE_CONCURRENT
};
enum ast_simple_op {
    AST_SIMPLE_USE,           /* name */
    AST_SIMPLE_UNLOCK_TABLES,
    AST_SIMPLE_DEALLOCATE,    /* name; word DROP where written DROP PREPARE */
    AST_SIMPLE_HELP,          /* value LIT, or name */
    AST_SIMPLE_SHUTDOWN,      /* word: WAIT FOR ALL SLAVES.. */
    AST_SIMPLE_RESTART,
    AST_SIMPLE_LOCK_INSTANCE,
    AST_SIMPLE_UNLOCK_INSTANCE,
    AST_SIMPLE_BACKUP         /* word: STAGE .., LOCK t, UNLOCK (MariaDB) */
};
enum ast_kill_what {
    AST_KILL_PLAIN,
    AST_KILL_CONNECTION,
    AST_KILL_QUERY,
    AST_KILL_QUERY_ID,
    AST_KILL_USER,
    AST_KILL_QUERY_USER,
    AST_KILL_CONNECTION_USER
};
enum ast_admin_op { AST_ADMIN_ANALYZE, AST_ADMIN_CHECK, AST_ADMIN_OPTIMIZE, AST_ADMIN_REPAIR, AST_ADMIN_CHECKSUM };
enum ast_show_what {
    AST_SHOW_DATABASES,
    AST_SHOW_TABLES,
    AST_SHOW_TABLE_STATUS,
    AST_SHOW_OPEN_TABLES,
    AST_SHOW_COLUMNS,       /* FULL, EXTENDED, table */
    AST_SHOW_INDEX,         /* table, where */
    AST_SHOW_TRIGGERS,
    AST_SHOW_EVENTS,
    AST_SHOW_VARIABLES,     /* scope */
    AST_SHOW_STATUS,        /* scope */
    AST_SHOW_WARNINGS,      /* limit, count */
    AST_SHOW_ERRORS,
    AST_SHOW_PROCESSLIST,   /* full */
    AST_SHOW_ENGINES,       /* word STORAGE where written */
    AST_SHOW_ENGINE,        /* word: engine, word2: STATUS|MUTEX|LOGS */
    AST_SHOW_PLUGINS,       /* word SONAME: like */
    AST_SHOW_PRIVILEGES,
    AST_SHOW_CHARSET,
    AST_SHOW_COLLATION,
    AST_SHOW_GRANTS,        /* account, using */
    AST_SHOW_CREATE_TABLE,  /* table */
    AST_SHOW_CREATE_VIEW,
    AST_SHOW_CREATE_DATABASE, /* db, if_not_exists */
    AST_SHOW_CREATE_PROCEDURE,
    AST_SHOW_CREATE_FUNCTION,
    AST_SHOW_CREATE_TRIGGER,
    AST_SHOW_CREATE_EVENT,
    AST_SHOW_CREATE_SEQUENCE,
    AST_SHOW_CREATE_SERVER, /* table: the name */
    AST_SHOW_CREATE_PACKAGE,
    AST_SHOW_CREATE_PACKAGE_BODY,
    AST_SHOW_CREATE_USER,   /* account, NULL: own */
    AST_SHOW_PROCEDURE_STATUS,
    AST_SHOW_FUNCTION_STATUS,
    AST_SHOW_PACKAGE_STATUS,
    AST_SHOW_PACKAGE_BODY_STATUS,
    AST_SHOW_PROCEDURE_CODE, /* table: the name */
    AST_SHOW_FUNCTION_CODE,
    AST_SHOW_PROFILES,
    AST_SHOW_PROFILE,       /* word: types, value: query, limit */
    AST_SHOW_AUTHORS,
    AST_SHOW_CONTRIBUTORS,
    AST_SHOW_MASTER_STATUS, /* word as written: MASTER STATUS, BINLOG STATUS, BINARY LOG STATUS */
    AST_SHOW_BINARY_LOGS,   /* word as written: MASTER LOGS, BINARY LOGS */
    AST_SHOW_BINLOG_EVENTS, /* word: the log, value: position, limit; word2: RELAYLOG */
    AST_SHOW_REPLICA_STATUS, /* word as written */
    AST_SHOW_REPLICAS,      /* word as written */
    AST_SHOW_EXPLAIN,       /* value: thread; word: format (MariaDB), word2 ANALYZE */
    AST_SHOW_OTHER,         /* word: words as written (MariaDB's SHOW plugins: CLIENT_STATISTICS, LOCALES, ..) */
    AST_SHOW_PARSE_TREE,    /* word: the statement's text */
    AST_SHOW_SHARDS,        /* Tessera */
    AST_SHOW_TOPOLOGY,      /* table */
    AST_SHOW_DDL,           /* value */
    AST_SHOW_TRANSACTIONS,
    AST_SHOW_DEADLOCKS
};
enum ast_auth_how {
    AST_AUTH_BY,            /* IDENTIFIED [WITH plugin] BY 'text' */
    AST_AUTH_BY_PASSWORD,   /* BY PASSWORD 'hash' */
    AST_AUTH_BY_RANDOM,
    AST_AUTH_AS,            /* WITH plugin AS|USING 'hash' */
    AST_AUTH_PLUGIN         /* WITH plugin */
};
enum ast_grant_object {
    AST_GRANT_NONE,
    AST_GRANT_TABLE,
    AST_GRANT_FUNCTION,
    AST_GRANT_PROCEDURE,
    AST_GRANT_PACKAGE,
    AST_GRANT_PACKAGE_BODY
};
enum ast_grant_level {
    AST_LEVEL_NONE,
    AST_LEVEL_CURRENT, /* * */
    AST_LEVEL_GLOBAL,  /* *.* */
    AST_LEVEL_DB,      /* db.* */
    AST_LEVEL_TABLE    /* [db.]name */
};
/* Statements kept as verified text. */
enum ast_text_kind {
    AST_TEXT_REPLICATION,  /* CHANGE MASTER|REPLICATION, START|STOP SLAVE|REPLICA|GROUP_REPLICATION, RESET, PURGE */
    AST_TEXT_PLUGIN,       /* INSTALL | UNINSTALL PLUGIN | COMPONENT | SONAME, CREATE FUNCTION .. SONAME */
    AST_TEXT_TABLESPACE,   /* CREATE | ALTER | DROP TABLESPACE, UNDO TABLESPACE, LOGFILE GROUP */
    AST_TEXT_SERVER,       /* CREATE | ALTER SERVER */
    AST_TEXT_RESOURCE_GROUP,
    AST_TEXT_SPATIAL_REF,
    AST_TEXT_INSTANCE,     /* ALTER INSTANCE, CLONE, IMPORT TABLE */
    AST_TEXT_CACHE_INDEX,  /* CACHE INDEX, LOAD INDEX INTO CACHE */
    AST_TEXT_BINLOG,
    AST_TEXT_DIAGNOSTICS,  /* SIGNAL, RESIGNAL, GET DIAGNOSTICS */
    AST_TEXT_COMPOUND,     /* BEGIN NOT ATOMIC, IF .. outside programs (MariaDB); statements inside bodies */
    AST_TEXT_LIBRARY,      /* CREATE LIBRARY (MySQL 9) */
    AST_TEXT_DUALITY_VIEW,
    AST_TEXT_RENAME_USER,
    AST_TEXT_OTHER
};
enum ast_shard_op { AST_SHARD_CREATE, AST_SHARD_ALTER, AST_SHARD_DROP, AST_SHARD_DRAIN };
enum ast_job_op { AST_JOB_PAUSE, AST_JOB_CONTINUE, AST_JOB_CANCEL };

#define AST_BEGIN(K, tag)                                                                                              \
    struct ast_##tag {                                                                                                 \
        struct ast_node node;
#define AST_END(tag)                                                                                                   \
    }                                                                                                                  \
    ;
#define F_NODE(tag, f) struct ast_node *f;
#define F_LIST(tag, f) struct ast_list f;
#define F_ID(tag, f) struct ast_ident f;
#define F_IDS(tag, f) struct ast_idents f;
#define F_TEXT(tag, f) struct sv f;
#define F_ENUM(tag, f, e) enum e f;
#define F_BOOL(tag, f) bool f;
#define F_INT(tag, f) int64_t f;
#define F_RAW(tag, f) struct sv f;
#define F_POS(tag, f) uint32_t f;
#include "parser/ast.def"
#undef AST_BEGIN
#undef AST_END
#undef F_NODE
#undef F_LIST
#undef F_ID
#undef F_IDS
#undef F_TEXT
#undef F_ENUM
#undef F_BOOL
#undef F_INT
#undef F_RAW
#undef F_POS

/* What all queries (SELECT, VALUES, TABLE_QUERY, SETOP, PARENQ) start with. */
struct ast_query {
    struct ast_node node;
    struct ast_node *with;
    struct ast_list order;
    struct ast_node *limit;
    struct ast_node *into;
    struct ast_list locks;
};

/* Cast of a node to its struct; the kind must be known. `AST_AS(select, n)->where`. */
#define AST_AS(tag, n) ((struct ast_##tag *)(void *)(n))
#define AST_AS_CONST(tag, n) ((const struct ast_##tag *)(const void *)(n))
/* A zeroed node of a kind in an arena: AST_NEW(arena, SELECT, select). */
#define AST_NEW(arena, K, tag) AST_AS(tag, ast_new((arena), AST_##K))
/* Iterates over the slots of a list: `AST_EACH(slot, &sel->items) use(*slot);` */
#define AST_EACH(slot, list)                                                                                           \
    for (struct ast_node **slot = (list)->items, **slot##_end_ = (list)->n ? slot + (list)->n : slot;                  \
         slot != slot##_end_; slot++)

static inline bool ast_is_query(const struct ast_node *n)
{
    return n->kind >= AST_SELECT && n->kind <= AST_PARENQ;
}

static inline bool ast_ident_set(const struct ast_ident *id)
{
    return id->name.ptr != NULL;
}

/* Zeroed node of a kind (F_INT fields included). */
struct ast_node *ast_new(struct arena *a, enum ast_kind kind);
/* Appends; the array grows in the arena. */
void ast_list_add(struct arena *a, struct ast_list *l, struct ast_node *n);
void ast_idents_add(struct arena *a, struct ast_idents *l, struct ast_ident id);

/* An identifier that is not from the source. */
static inline struct ast_ident ast_ident_make(struct sv name)
{
    return (struct ast_ident){name, 0, 0};
}

/* Walking. pre is called before a node's children, post behind them (either may be NULL). `slot` is where the pointer
 * to the node stands: *slot may be replaced by another node; after pre replaced it and answered AST_CONTINUE, the new
 * node's children are visited. */
enum ast_walk { AST_CONTINUE, AST_PRUNE, AST_ABORT };
typedef enum ast_walk (*ast_visit_fn)(struct ast_node **slot, void *arg);
/* False: a visitor aborted. *root may be NULL. Recursion depth is bounded by the parser's depth limit. */
bool ast_walk(struct ast_node **root, ast_visit_fn pre, ast_visit_fn post, void *arg);

/* Equal in kind and all fields but byte offsets and source spellings. Identifiers, names: byte for byte. */
bool ast_equal(const struct ast_node *a, const struct ast_node *b);
/* Deep copy; texts are copied too, so that the copy is independent of the source. */
struct ast_node *ast_copy(struct arena *a, const struct ast_node *n);
/* Indented text, one field a line; for tests and debugging. */
void ast_dump(const struct ast_node *n, struct strbuf *out);
const char *ast_kind_name(enum ast_kind kind);
/* SQL spellings: "<=>", "DAY_HOUR", "BIGINT". */
const char *ast_op_text(enum ast_op op);
const char *ast_unit_text(enum ast_unit unit);
const char *ast_type_text(enum ast_type_base base);

#endif
