/* Login methods as pure state machines (feed a packet's payload, get what to do), towards clients (server role) and
 * towards shards (client role): mysql_native_password, caching_sha2_password.
 * Stored forms of secrets, as MySQL's mysql.user has them:
 *   ""                                            empty password
 *   *<40 hex>                                     native: SHA1(SHA1(password))
 *   $A$005$<20 bytes salt><43 bytes hash>         caching_sha2: SHA-crypt with SHA-256, 5 * 1000 rounds
 * Machines live in their owner and belong to one thread; the fast-login cache and the RSA key are the process's
 * (see net/README). Sources: "Authentication Method" pages of MySQL's protocol documentation; "Unix crypt using
 * SHA-256 and SHA-512" by U. Drepper. */
#ifndef NET_AUTH_H
#define NET_AUTH_H

#include "net/packet.h"

enum auth_plugin { AUTH_NATIVE, AUTH_SHA2, AUTH_OTHER };
struct sv auth_plugin_name(enum auth_plugin p);
enum auth_plugin auth_plugin_of(struct sv name);

enum { AUTH_OUT_MAX = 1024, AUTH_PASSWORD_MAX = 512, AUTH_SECRET_MAX = 128 };

/* Makes the process's RSA key pair (2048 bits) and the cache. Once, before the workers start. */
void auth_global_init(void);
void auth_global_free(void);
/* Forgets all fast-login entries (after FLUSH PRIVILEGES, ALTER USER). Any thread. */
void auth_cache_clear(void);

/* A fresh nonce: 20 bytes without NUL and '$'. */
void auth_make_nonce(unsigned char nonce[PACKET_NONCE_BYTES]);
/* The stored form of a new password (CREATE USER); in buf of AUTH_SECRET_MAX. */
struct sv auth_make_secret(enum auth_plugin plugin, struct sv password, char *buf);
/* Which method a stored secret asks for (empty: fits any); AUTH_OTHER: not a form we know. */
enum auth_plugin auth_secret_plugin(struct sv secret);
/* Checks a clear-text password against a stored secret. About 3 ms for the sha2 form. */
bool auth_check_password(struct sv secret, struct sv password) MUST_CHECK;

enum auth_step {
    AUTH_SEND,   /* send out[0, out_len) as one packet; then feed the next packet */
    AUTH_WAIT,   /* nothing to send; feed the next packet */
    AUTH_OK,     /* server role: let in (send OK); client role: the server's OK packet was fed */
    AUTH_SEND_OK, /* server role: send out as one packet and the OK behind it */
    AUTH_DENIED, /* server role: ER_ACCESS_DENIED_ERROR; client role: the server's ERR packet was fed */
    AUTH_BROKEN  /* malformed, or a method we do not have: *diag says which */
};

/* --- server role --- */

enum auth_server_state { AUTH_S_START, AUTH_S_SWITCHED, AUTH_S_SHA2_FULL, AUTH_S_SHA2_RSA, AUTH_S_DONE };
struct auth_server {
    enum auth_server_state state;
    enum auth_plugin plugin; /* being spoken */
    bool is_secure;          /* TLS or Unix socket: clear text may be asked for */
    bool is_known;           /* false: no such user; runs the same dance and denies */
    unsigned char nonce[PACKET_NONCE_BYTES];
    unsigned char cache_key[32]; /* of user name and secret */
    char secret[AUTH_SECRET_MAX];
    size_t secret_len;
    bool used_password;      /* for the text of 1045 */
    size_t out_len;
    unsigned char out[AUTH_OUT_MAX];
};
/* nonce: the one in the greeting. */
void auth_server_init(struct auth_server *a, const unsigned char nonce[PACKET_NONCE_BYTES], bool is_secure);
/* The handshake response (or COM_CHANGE_USER): client's plugin and auth bytes; secret: the user's stored form, ptr
 * NULL: unknown user. */
enum auth_step auth_server_start(struct auth_server *a, struct sv user, struct sv secret, struct sv client_plugin,
                                 struct sv response, struct diag *d) MUST_CHECK;
enum auth_step auth_server_feed(struct auth_server *a, const unsigned char *p, size_t n, struct diag *d) MUST_CHECK;

/* --- client role --- */

enum auth_client_state { AUTH_C_RESPONSE, AUTH_C_SHA2_KEY, AUTH_C_RESULT };
struct auth_client {
    enum auth_client_state state;
    enum auth_plugin plugin;
    bool is_secure;
    unsigned char nonce[PACKET_NONCE_BYTES];
    struct sv password; /* the caller's memory */
    size_t out_len;
    unsigned char out[AUTH_OUT_MAX];
};
/* The response for the login packet, in a->out. plugin: the greeting's (an unknown one is answered as sha2; the
 * server switches). */
void auth_client_init(struct auth_client *a, struct sv plugin, const unsigned char nonce[PACKET_NONCE_BYTES],
                      struct sv password, bool is_secure);
/* Each packet after the login packet: auth switch, more data, OK, ERR. */
enum auth_step auth_client_feed(struct auth_client *a, const unsigned char *p, size_t n, struct diag *d) MUST_CHECK;

#endif
