/* Every numeric limit of Tessera that is not an option, each with its reason. Constants only: any
 * folder may include this header. A limit that an administrator may want to move is an option
 * instead (conf/options.def). */
#ifndef CONF_LIMITS_H
#define CONF_LIMITS_H

enum {
    /* --- names and objects: MySQL's own, so that what the shards accept is accepted --- */
    LIMIT_IDENT_CHARS = 64,     /* identifiers, in characters ("Identifier Length Limits") */
    LIMIT_IDENT_BYTES = 64 * 4, /* the same in utf8mb4 */
    LIMIT_ALIAS_CHARS = 256,    /* aliases */
    LIMIT_COLUMNS = 4096,       /* columns a table */
    LIMIT_KEYS = 128,     /* 64 secondary keys in InnoDB, with room for hidden and global ones */
    LIMIT_KEY_PARTS = 16, /* columns a key */
    LIMIT_COMMENT_BYTES = 2048 * 4, /* table comments; columns' are 1,024 characters */
    LIMIT_ENUM_MEMBERS = 65535,     /* members of an ENUM; a SET has 64 */
    LIMIT_USER_CHARS = 80,          /* MariaDB's user names; MySQL's have 32 */
    LIMIT_HOST_BYTES = 255,         /* host names and host parts of accounts */

    /* --- the fleet --- */
    LIMIT_SHARDS = 1024, /* shard sets are bitmaps of this size in plans */
    LIMIT_PARTITIONS =
        8192, /* partitions a table, MySQL's limit; also what pruning sets are sized for */
    LIMIT_PARTITION_COLUMNS = 16, /* columns of a partition key: those of a key */
    LIMIT_RANGE_SETS =
        4096,          /* ranges a pruning predicate may be split into; more go to all partitions */
    LIMIT_NODES = 256, /* tesserads in front of one fleet: the node id has 8 bits in thread ids */

    /* --- statements --- */
    LIMIT_PARSE_DEPTH = 400, /* nesting of expressions and subqueries; frames are under 500 bytes of
                                a 8 MiB stack */
    LIMIT_STATEMENT_TOKENS =
        32 << 20, /* tokens a statement: bounds the arena before max_allowed_packet does */
    LIMIT_JOIN_TABLES = 61,   /* MySQL's limit of tables in a join; table sets are 64-bit masks */
    LIMIT_PARAMS = 65535,     /* placeholders: the protocol counts them in 16 bits */
    LIMIT_SAVEPOINTS = 10000, /* a transaction; a client that goes on is in a loop */
    LIMIT_USER_VARS = 10000,  /* a session */
    LIMIT_WARNINGS = 1024,    /* kept a statement: max_error_count's default */
    LIMIT_PREPARED = 16382,   /* prepared statements a session: max_prepared_stmt_count's default */
    LIMIT_STMT_ARENA_BYTES =
        256 << 20, /* parsing and planning of one statement; over it: error 1041 */
    LIMIT_DEADLINE_MS = 24 * 3600 * 1000, /* the longest statement timeout that can be asked for */

    /* --- protocol --- */
    LIMIT_PACKET_BYTES = 0xffffff, /* payload of one wire packet (protocol) */
    LIMIT_PREAUTH_PACKET_BYTES =
        64 << 10,               /* packets before login is done: attributes are at most 64 KiB */
    LIMIT_PREAUTH_PACKETS = 16, /* packets a login may take: five are the longest legal exchange */
    LIMIT_AUTH_RESPONSE_BYTES = 1024, /* an RSA-encrypted password for a 4,096-bit key has 512 */
    LIMIT_CONNECT_ATTRS_BYTES = 64 << 10, /* MySQL's limit of connection attributes */
    LIMIT_LONG_DATA_BYTES =
        1 << 30, /* COM_STMT_SEND_LONG_DATA a parameter: max_allowed_packet's greatest value */

    /* --- execution --- */
    LIMIT_BATCH_ROWS =
        1024, /* rows a batch: a column of 8-byte values is 8 KiB, a few of them stay in L1/L2 */
    LIMIT_RELAY_BUFFER_BYTES =
        1 << 20, /* bytes read from a shard ahead of a client that does not take them */
    LIMIT_BROADCAST_RETRIES = 3, /* tries of a statement of which nothing was sent */

    /* --- control plane --- */
    LIMIT_AUTOINC_SEGMENT =
        1000, /* AUTO_INCREMENT values fetched at once: one metadata write for so many rows */
    LIMIT_RECOVERY_IDS = 100000, /* prepared branches looked at in one recovery round */
    LIMIT_DDL_PARALLEL = 16      /* shards that one DDL statement works on at the same time */
};

#endif
