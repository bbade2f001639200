/* MySQL's packet codec: pure functions over byte views, both roles, no I/O, no allocation except in the arena or buffer
 * that the caller gives. Any thread. Parsers check every length, return false on malformed input, and their views
 * point into the input. Encoders come in pairs: x_size() gives an upper bound of bytes, x_encode() writes at p and
 * returns the first byte behind. A "payload" is a packet without its 4-byte frame header(s).
 *
 * Source: "MySQL Client/Server Protocol" (dev.mysql.com/doc/dev/mysql-server, page names in the comments below),
 * and the MariaDB knowledge base's protocol pages where MariaDB differs. */
#ifndef NET_PACKET_H
#define NET_PACKET_H

#include "util/arena.h"
#include "util/bytes.h"
#include "util/diag.h"

enum {
    PACKET_HEADER_BYTES = 4,
    PACKET_FRAME_MAX = 0xffffff, /* payload of a full frame; another one follows */
    PACKET_NONCE_BYTES = 20
};

/* Capability flags ("Capabilities Flags"). */
enum packet_cap {
    CAP_LONG_PASSWORD = 1u << 0, /* MariaDB servers that have extended flags leave it out */
    CAP_FOUND_ROWS = 1u << 1,
    CAP_LONG_FLAG = 1u << 2,
    CAP_CONNECT_WITH_DB = 1u << 3,
    CAP_NO_SCHEMA = 1u << 4,
    CAP_COMPRESS = 1u << 5,
    CAP_ODBC = 1u << 6,
    CAP_LOCAL_FILES = 1u << 7,
    CAP_IGNORE_SPACE = 1u << 8,
    CAP_PROTOCOL_41 = 1u << 9,
    CAP_INTERACTIVE = 1u << 10,
    CAP_SSL = 1u << 11,
    CAP_IGNORE_SIGPIPE = 1u << 12,
    CAP_TRANSACTIONS = 1u << 13,
    CAP_RESERVED = 1u << 14,
    CAP_SECURE_CONNECTION = 1u << 15,
    CAP_MULTI_STATEMENTS = 1u << 16,
    CAP_MULTI_RESULTS = 1u << 17,
    CAP_PS_MULTI_RESULTS = 1u << 18,
    CAP_PLUGIN_AUTH = 1u << 19,
    CAP_CONNECT_ATTRS = 1u << 20,
    CAP_PLUGIN_AUTH_LENENC = 1u << 21,
    CAP_EXPIRED_PASSWORDS = 1u << 22,
    CAP_SESSION_TRACK = 1u << 23,
    CAP_DEPRECATE_EOF = 1u << 24,
    CAP_OPTIONAL_METADATA = 1u << 25,
    CAP_ZSTD = 1u << 26,
    CAP_QUERY_ATTRIBUTES = 1u << 27,
    CAP_MULTI_FACTOR = 1u << 28
};

/* Status flags ("SERVER_STATUS_flags_enum"). */
enum packet_status {
    STATUS_IN_TRANS = 1 << 0,
    STATUS_AUTOCOMMIT = 1 << 1,
    STATUS_MORE_RESULTS = 1 << 3,
    STATUS_NO_GOOD_INDEX = 1 << 4,
    STATUS_NO_INDEX = 1 << 5,
    STATUS_CURSOR_EXISTS = 1 << 6,
    STATUS_LAST_ROW_SENT = 1 << 7,
    STATUS_DB_DROPPED = 1 << 8,
    STATUS_NO_BACKSLASH_ESCAPES = 1 << 9,
    STATUS_METADATA_CHANGED = 1 << 10,
    STATUS_SLOW = 1 << 11,
    STATUS_PS_OUT_PARAMS = 1 << 12,
    STATUS_IN_TRANS_READONLY = 1 << 13,
    STATUS_SESSION_CHANGED = 1 << 14
};

/* Commands ("enum_server_command"). */
enum packet_com {
    PCOM_SLEEP = 0x00,
    PCOM_QUIT = 0x01,
    PCOM_INIT_DB = 0x02,
    PCOM_QUERY = 0x03,
    PCOM_FIELD_LIST = 0x04,
    PCOM_CREATE_DB = 0x05,
    PCOM_DROP_DB = 0x06,
    PCOM_REFRESH = 0x07,
    PCOM_SHUTDOWN = 0x08,
    PCOM_STATISTICS = 0x09,
    PCOM_PROCESS_INFO = 0x0a,
    PCOM_CONNECT = 0x0b,
    PCOM_PROCESS_KILL = 0x0c,
    PCOM_DEBUG = 0x0d,
    PCOM_PING = 0x0e,
    PCOM_CHANGE_USER = 0x11,
    PCOM_BINLOG_DUMP = 0x12,
    PCOM_STMT_PREPARE = 0x16,
    PCOM_STMT_EXECUTE = 0x17,
    PCOM_STMT_SEND_LONG_DATA = 0x18,
    PCOM_STMT_CLOSE = 0x19,
    PCOM_STMT_RESET = 0x1a,
    PCOM_SET_OPTION = 0x1b,
    PCOM_STMT_FETCH = 0x1c,
    PCOM_RESET_CONNECTION = 0x1f
};
/* "COM_QUERY" or "unknown". */
const char *packet_com_name(unsigned com);

/* Column types on the wire ("enum_field_types"). */
enum wire_type {
    WIRE_DECIMAL = 0,
    WIRE_TINY = 1,
    WIRE_SHORT = 2,
    WIRE_LONG = 3,
    WIRE_FLOAT = 4,
    WIRE_DOUBLE = 5,
    WIRE_NULL = 6,
    WIRE_TIMESTAMP = 7,
    WIRE_LONGLONG = 8,
    WIRE_INT24 = 9,
    WIRE_DATE = 10,
    WIRE_TIME = 11,
    WIRE_DATETIME = 12,
    WIRE_YEAR = 13,
    WIRE_NEWDATE = 14,
    WIRE_VARCHAR = 15,
    WIRE_BIT = 16,
    WIRE_TIMESTAMP2 = 17,
    WIRE_DATETIME2 = 18,
    WIRE_TIME2 = 19,
    WIRE_TYPED_ARRAY = 20,
    WIRE_VECTOR = 242,
    WIRE_INVALID = 243,
    WIRE_BOOL = 244,
    WIRE_JSON = 245,
    WIRE_NEWDECIMAL = 246,
    WIRE_ENUM = 247,
    WIRE_SET = 248,
    WIRE_TINY_BLOB = 249,
    WIRE_MEDIUM_BLOB = 250,
    WIRE_LONG_BLOB = 251,
    WIRE_BLOB = 252,
    WIRE_VAR_STRING = 253,
    WIRE_STRING = 254,
    WIRE_GEOMETRY = 255
};

/* Column flags ("Column Definition Flags"). */
enum wire_flag {
    WIRE_FLAG_NOT_NULL = 1,
    WIRE_FLAG_PRI_KEY = 2,
    WIRE_FLAG_UNIQUE_KEY = 4,
    WIRE_FLAG_MULTIPLE_KEY = 8,
    WIRE_FLAG_BLOB = 16,
    WIRE_FLAG_UNSIGNED = 32,
    WIRE_FLAG_ZEROFILL = 64,
    WIRE_FLAG_BINARY = 128,
    WIRE_FLAG_ENUM = 256,
    WIRE_FLAG_AUTO_INCREMENT = 512,
    WIRE_FLAG_TIMESTAMP = 1024,
    WIRE_FLAG_SET = 2048,
    WIRE_FLAG_NO_DEFAULT = 4096,
    WIRE_FLAG_ON_UPDATE_NOW = 8192,
    WIRE_FLAG_PART_KEY = 16384,
    WIRE_FLAG_NUM = 32768
};

/* A whole packet, joined if it had several frames. */
struct packet {
    unsigned char *ptr;
    size_t len;
    size_t wire_len; /* bytes it takes in the channel's input, headers included (after joining) */
    uint8_t seq;     /* of its first frame */
    uint8_t last_seq;
};

/* --- frames --- */

/* Finds packet borders in a byte stream whose unconsumed tail is shown again with more bytes behind it (a channel's
 * input), without waiting for whole packets. Zero-initialised. */
struct framer {
    uint32_t left;  /* payload bytes of the entered frame still to come */
    bool continued; /* that frame was full: the next one carries on the same packet */
};

struct framer_start {
    uint32_t len; /* payload length of the packet's first frame */
    uint8_t seq;
    int first;    /* first payload byte; -1: empty packet */
};

/* Moves *pos (from 0..n) over the bytes of the packet being walked, continuation frames included. True: at *pos a new
 * packet starts, told by s; walk into it with framer_enter(), or stop there. False: bytes up to *pos belong to
 * packets entered; what is behind (at most 4 bytes) is an incomplete header and must be shown again. */
bool framer_scan(struct framer *f, const unsigned char *p, size_t n, size_t *pos, struct framer_start *s) MUST_CHECK;
/* Takes the header at *pos. */
static inline void framer_enter(struct framer *f, const struct framer_start *s, size_t *pos)
{
    f->left = s->len;
    f->continued = s->len == PACKET_FRAME_MAX;
    *pos += PACKET_HEADER_BYTES;
}
/* Nothing of an entered packet is outstanding. */
static inline bool framer_at_border(const struct framer *f)
{
    return f->left == 0 && !f->continued;
}

/* Writes a frame header. */
static inline void packet_put_header(unsigned char *p, size_t len, uint8_t seq)
{
    put_u24(p, (uint32_t)len);
    p[3] = seq;
}

/* --- replies --- */

/* "OK_Packet"; also the 0xfe form at the end of a result, and EOF. */
struct packet_ok {
    uint64_t affected_rows, insert_id;
    uint16_t status;   /* enum packet_status */
    uint16_t warnings;
    struct sv info;
    struct sv track;   /* raw session state block; walk with packet_track_next */
};

/* header 0x00 or 0xfe. Encoding writes `track` only with CAP_SESSION_TRACK and STATUS_SESSION_CHANGED in status. */
bool packet_ok_parse(const unsigned char *p, size_t n, uint64_t caps, struct packet_ok *ok) MUST_CHECK;
size_t packet_ok_size(const struct packet_ok *ok);
unsigned char *packet_ok_encode(unsigned char *p, const struct packet_ok *ok, uint8_t header, uint64_t caps);
/* "EOF_Packet" (header 0xfe, less than 9 bytes). */
bool packet_eof_parse(const unsigned char *p, size_t n, struct packet_ok *ok) MUST_CHECK;

/* One change in an OK packet's session state block. */
enum packet_track_type {
    TRACK_SYSVAR = 0,
    TRACK_SCHEMA = 1,
    TRACK_CHANGED = 2,
    TRACK_GTIDS = 3,
    TRACK_TRX_CHARS = 4,
    TRACK_TRX_STATE = 5
};
struct packet_track {
    unsigned type; /* enum packet_track_type; unknown ones are passed through */
    struct sv name;  /* TRACK_SYSVAR */
    struct sv value; /* schema, value, "1", the 8 letters of the transaction state, ... */
};
/* Moves *rest behind the next change. False: end, or malformed (*rest then keeps len > 0). */
bool packet_track_next(struct sv *rest, struct packet_track *t) MUST_CHECK;
/* Appends one change in wire form to b (for building packet_ok.track). */
struct strbuf;
void packet_track_put(struct strbuf *b, const struct packet_track *t);

/* "ERR_Packet". */
struct packet_err {
    uint16_t code;
    char sqlstate[6];
    struct sv text;
};
bool packet_err_parse(const unsigned char *p, size_t n, struct packet_err *e) MUST_CHECK;
size_t packet_err_size(struct sv text);
unsigned char *packet_err_encode(unsigned char *p, uint16_t code, const char *sqlstate, struct sv text);

/* "COM_QUERY_RESPONSE_COLUMN_DEFINITION_41". Views may be changed before encoding. */
struct packet_coldef {
    struct sv catalog, schema, table, org_table, name, org_name;
    struct sv extra;     /* MariaDB's extended metadata, if negotiated: never by us */
    struct sv def_value; /* COM_FIELD_LIST only; ptr NULL: absent */
    uint32_t length;
    uint16_t charset, flags;
    uint8_t type; /* enum wire_type */
    uint8_t decimals;
};
bool packet_coldef_parse(const unsigned char *p, size_t n, struct packet_coldef *c) MUST_CHECK;
size_t packet_coldef_size(const struct packet_coldef *c);
unsigned char *packet_coldef_encode(unsigned char *p, const struct packet_coldef *c);
/* A copy whose texts live in the arena. */
void packet_coldef_copy(struct arena *a, struct packet_coldef *to, const struct packet_coldef *from);

/* "COM_STMT_PREPARE_OK". */
struct packet_prepare_ok {
    uint32_t stmt_id;
    uint16_t columns, params, warnings;
};
bool packet_prepare_ok_parse(const unsigned char *p, size_t n, struct packet_prepare_ok *ok) MUST_CHECK;
enum { PACKET_PREPARE_OK_BYTES = 12 };
unsigned char *packet_prepare_ok_encode(unsigned char *p, const struct packet_prepare_ok *ok);

/* --- login --- */

/* "Protocol::HandshakeV10". */
struct packet_greeting {
    struct sv version;
    uint32_t conn_id;
    unsigned char nonce[PACKET_NONCE_BYTES];
    uint64_t caps;
    uint8_t charset; /* low byte of the collation id */
    uint16_t status;
    struct sv plugin;
};
/* False with *err filled (code set) when the server sent an ERR packet instead, with code 0 when malformed. */
bool packet_greeting_parse(const unsigned char *p, size_t n, struct packet_greeting *g,
                           struct packet_err *err) MUST_CHECK;
size_t packet_greeting_size(const struct packet_greeting *g);
unsigned char *packet_greeting_encode(unsigned char *p, const struct packet_greeting *g);

/* "Protocol::HandshakeResponse41". */
struct packet_login {
    uint64_t caps; /* as the client sent them */
    uint32_t max_packet;
    uint8_t charset;
    bool is_ssl_request; /* "Protocol::SSLRequest": nothing behind charset */
    struct sv user, auth, db, plugin;
    struct sv attrs; /* raw key/value block; walk with packet_attr_next */
    uint8_t zstd_level;
};
bool packet_login_parse(const unsigned char *p, size_t n, struct packet_login *l) MUST_CHECK;
size_t packet_login_size(const struct packet_login *l);
/* Writes exactly what l->caps announces (32 bytes only with is_ssl_request). */
unsigned char *packet_login_encode(unsigned char *p, const struct packet_login *l);
bool packet_attr_next(struct sv *rest, struct sv *key, struct sv *value) MUST_CHECK;
void packet_attr_put(struct strbuf *b, struct sv key, struct sv value);

/* "Protocol::AuthSwitchRequest": payload 0xfe plugin NUL data. */
bool packet_auth_switch_parse(const unsigned char *p, size_t n, struct sv *plugin, struct sv *data) MUST_CHECK;
size_t packet_auth_switch_size(struct sv plugin, struct sv data);
unsigned char *packet_auth_switch_encode(unsigned char *p, struct sv plugin, struct sv data);

/* "COM_CHANGE_USER" (payload with the command byte). */
bool packet_change_user_parse(const unsigned char *p, size_t n, uint64_t caps, struct packet_login *l) MUST_CHECK;

/* --- commands --- */

/* A parameter of COM_STMT_EXECUTE or a query attribute. */
struct packet_param {
    uint8_t type; /* enum wire_type */
    bool is_unsigned;
    bool is_null;
    bool is_long_data; /* value came by COM_STMT_SEND_LONG_DATA: no bytes here */
    struct sv name;  /* query attributes */
    struct sv bytes; /* the value's wire bytes: fixed width, length-prefixed temporal without its length byte, or
                        string contents */
};

/* "COM_QUERY": payload behind the command byte. With CAP_QUERY_ATTRIBUTES the attributes stand before the text;
 * they are put into params (arena; may be NULL when n_params is 0). */
struct packet_query {
    struct sv text;
    struct packet_param *params;
    uint32_t n_params;
};
bool packet_query_parse(const unsigned char *p, size_t n, uint64_t caps, struct arena *a,
                        struct packet_query *q) MUST_CHECK;

/* "COM_STMT_EXECUTE" (payload with the command byte). */
struct packet_execute {
    uint32_t stmt_id;
    uint8_t flags; /* cursor type; 8: PARAMETER_COUNT_AVAILABLE */
    bool new_types;
    struct sv type_block;  /* raw: 2 bytes a parameter (plus names with query attributes); empty unless new_types */
    struct sv value_block; /* raw bytes of the values */
    struct sv null_bitmap;
    struct packet_param *params; /* n_params of the statement, then attributes */
    uint32_t n_params, n_attrs;
};
/* The statement id alone, for looking up what the rest of parsing needs. */
bool packet_execute_id(const unsigned char *p, size_t n, uint32_t *stmt_id) MUST_CHECK;
/* n_params: of the statement. types: two bytes a parameter as bound before (used when the packet brings none;
 * updated when it does), NULL where nothing was ever bound: then new types are required. is_long: which have long
 * data (may be NULL). */
bool packet_execute_parse(const unsigned char *p, size_t n, uint64_t caps, uint32_t n_params, unsigned char *types,
                          const bool *is_long, struct arena *a, struct packet_execute *e) MUST_CHECK;
/* Builds an execute packet (with the command byte) for a shard: no attributes, types always sent. */
void packet_execute_build(struct strbuf *b, uint32_t stmt_id, uint8_t flags, const struct packet_param *params,
                          uint32_t n);

/* --- rows: net/rowtext.c, net/rowbin.c --- */

/* Text row -> n views; NULL has ptr NULL. False: not exactly n values. */
bool rowtext_decode(const unsigned char *p, size_t n, struct sv *values, size_t n_values) MUST_CHECK;
size_t rowtext_size(const struct sv *values, size_t n);
unsigned char *rowtext_encode(unsigned char *p, const struct sv *values, size_t n);

/* A value of the binary protocol. */
struct wire_time {
    uint16_t year;
    uint8_t month, day;
    uint32_t hour; /* TIME: up to 838 (days folded in) */
    uint8_t minute, second;
    uint32_t micros;
    bool negative; /* TIME */
};
enum wire_kind {
    WIRE_KIND_NULL,
    WIRE_KIND_INT,
    WIRE_KIND_UINT,
    WIRE_KIND_DOUBLE,
    WIRE_KIND_FLOAT,
    WIRE_KIND_DATE,
    WIRE_KIND_DATETIME,
    WIRE_KIND_TIME,
    WIRE_KIND_BYTES
};
struct wire_value {
    enum wire_kind kind;
    union {
        int64_t i;
        uint64_t u;
        double d;
        float f;
        struct wire_time t;
        struct sv s; /* strings, DECIMAL, BIT, JSON, ...: view into the packet */
    };
};
/* One value of type at *p; *p is moved behind it. */
bool wire_value_decode(const unsigned char **p, const unsigned char *end, uint8_t type, bool is_unsigned,
                       struct wire_value *v) MUST_CHECK;
/* A parsed parameter (packet_execute) as a value. */
bool wire_param_value(const struct packet_param *p, struct wire_value *v) MUST_CHECK;
/* MySQL's text of a value, as the text protocol or a literal without quotes has it; decimals: digits of a fraction
 * for temporals and floats (31: not fixed). At most WIRE_TEXT_MAX bytes in buf for all but WIRE_KIND_BYTES, whose
 * view is returned. */
enum { WIRE_TEXT_MAX = 400 };
struct sv wire_value_text(const struct wire_value *v, unsigned decimals, char *buf);
/* Binary row (header 0x00, NULL bitmap) -> values. */
bool rowbin_decode(const unsigned char *p, size_t n, const struct packet_coldef *cols, size_t n_cols,
                   struct wire_value *values) MUST_CHECK;
/* Binary row from text values of the columns' types. size is an upper bound; encode gives NULL where a text is no
 * value of its type. */
size_t rowbin_size(const struct packet_coldef *cols, const struct sv *values, size_t n);
unsigned char *rowbin_from_text(unsigned char *p, const struct packet_coldef *cols, const struct sv *values,
                                size_t n) MUST_CHECK;

#endif
