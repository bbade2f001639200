/* Login methods: the two roles' state machines. Hashes, the cache and RSA are in authcrypt.c.
 *
 * Server role. The client's first answer comes with its handshake response, computed with the method that it
 * guessed. If the user's secret asks for another one, the client is told to switch and answers anew.
 * caching_sha2_password then is either done at once, from the cache of fast digests, or goes through the full
 * exchange: the password itself, in clear over a secure transport, else encrypted with our RSA key (which the
 * client may ask for first). A user that does not exist goes the same ways and is denied.
 *
 * Client role: the same, mirrored; the server leads. */
#include "net/auth.h"

#include "net/auth-int.h"

#include <openssl/crypto.h>

enum { SHA2_REQUEST_KEY = 2, SHA2_FAST_OK = 3, SHA2_FULL = 4, MORE_DATA = 1 };

struct sv auth_plugin_name(enum auth_plugin p)
{
    switch (p) {
    case AUTH_NATIVE:
        return SV("mysql_native_password");
    case AUTH_SHA2:
        return SV("caching_sha2_password");
    case AUTH_OTHER:
        break;
    }
    return SV("unknown");
}

enum auth_plugin auth_plugin_of(struct sv name)
{
    if (sv_eq(name, SV("mysql_native_password")))
        return AUTH_NATIVE;
    if (sv_eq(name, SV("caching_sha2_password")))
        return AUTH_SHA2;
    return AUTH_OTHER;
}

/* --- server role --- */

void auth_server_init(struct auth_server *a, const unsigned char nonce[PACKET_NONCE_BYTES], bool is_secure)
{
    *a = (struct auth_server){.state = AUTH_S_START, .is_secure = is_secure};
    memcpy(a->nonce, nonce, PACKET_NONCE_BYTES);
}

static enum auth_step server_done(struct auth_server *a, bool ok)
{
    a->state = AUTH_S_DONE;
    return ok && a->is_known ? AUTH_OK : AUTH_DENIED;
}

static enum auth_step server_response(struct auth_server *a, const unsigned char *p, size_t n)
{
    /* An empty password is answered with nothing, or with the NUL alone. */
    bool is_empty = n == 0 || (n == 1 && p[0] == 0);
    unsigned char digest[AUTH_SHA2_BYTES];

    a->used_password = !is_empty;
    if (is_empty || (a->is_known && a->secret_len == 0))
        return server_done(a, is_empty && a->secret_len == 0);
    if (a->plugin == AUTH_NATIVE)
        return server_done(a, a->is_known && n == AUTH_SHA1_BYTES &&
                                  auth_native_verify(sv_make(a->secret, a->secret_len), a->nonce, p));
    if (n != AUTH_SHA2_BYTES)
        return server_done(a, false);
    if (a->is_known && auth_cache_find(a->cache_key, digest) && auth_sha2_verify_fast(digest, a->nonce, p)) {
        a->out[0] = MORE_DATA;
        a->out[1] = SHA2_FAST_OK;
        a->out_len = 2;
        a->state = AUTH_S_DONE;
        return AUTH_SEND_OK;
    }
    a->out[0] = MORE_DATA;
    a->out[1] = SHA2_FULL;
    a->out_len = 2;
    a->state = AUTH_S_SHA2_FULL;
    return AUTH_SEND;
}

enum auth_step auth_server_start(struct auth_server *a, struct sv user, struct sv secret, struct sv client_plugin,
                                 struct sv response, struct diag *d)
{
    /* Clients from before CAP_PLUGIN_AUTH name none. */
    enum auth_plugin guess = client_plugin.len ? auth_plugin_of(client_plugin) : AUTH_NATIVE, want;

    a->is_known = secret.ptr != NULL;
    if (secret.len > sizeof(a->secret)) {
        diag_set(d, ER_INTERNAL, "a stored secret is too long");
        return AUTH_BROKEN;
    }
    if (secret.len)
        memcpy(a->secret, secret.ptr, secret.len);
    a->secret_len = secret.len;
    auth_cache_key(user, secret, a->cache_key);
    if (secret.len) {
        want = auth_secret_plugin(secret);
        if (want == AUTH_OTHER) {
            diag_setf(d, ER_INTERNAL, "the stored secret of user '%.*s' has an unknown form", SV_ARG(user));
            return AUTH_BROKEN;
        }
    } else {
        want = guess == AUTH_OTHER ? AUTH_SHA2 : guess;
    }
    a->plugin = want;
    /* A client that did not know the greeting's plugin names its own and waits for that one's nonce. */
    if (want == guess && (response.len || !secret.len))
        return server_response(a, (const unsigned char *)response.ptr, response.len);
    a->out_len = (size_t)(packet_auth_switch_encode(a->out, auth_plugin_name(want),
                                                    sv_make((const char *)a->nonce, PACKET_NONCE_BYTES)) -
                          a->out);
    a->state = AUTH_S_SWITCHED;
    return AUTH_SEND;
}

/* The password is there: compare, and remember its fast digest. */
static enum auth_step server_password(struct auth_server *a, unsigned char *password, size_t n)
{
    bool ok;

    if (n && password[n - 1] == '\0')
        n--;
    ok = a->is_known && auth_check_password(sv_make(a->secret, a->secret_len), sv_make((char *)password, n));
    if (ok)
        auth_cache_put(a->cache_key, sv_make((char *)password, n));
    OPENSSL_cleanse(password, n);
    return server_done(a, ok);
}

static enum auth_step server_sha2_full(struct auth_server *a, const unsigned char *p, size_t n, struct diag *d)
{
    unsigned char password[AUTH_PASSWORD_MAX];
    size_t len;

    if (a->is_secure) {
        if (n > sizeof(password) || n == 0) {
            diag_set(d, ER_MALFORMED_PACKET);
            return AUTH_BROKEN;
        }
        memcpy(password, p, n);
        return server_password(a, password, n);
    }
    if (n == 1 && p[0] == SHA2_REQUEST_KEY && a->state == AUTH_S_SHA2_FULL) {
        a->out[0] = MORE_DATA;
        a->out_len = 1 + auth_rsa_public_key((char *)a->out + 1, sizeof(a->out) - 1);
        if (a->out_len == 1) {
            diag_set(d, ER_INTERNAL, "there is no RSA key for caching_sha2_password");
            return AUTH_BROKEN;
        }
        a->state = AUTH_S_SHA2_RSA;
        return AUTH_SEND;
    }
    if (!auth_rsa_decrypt(p, n, password, sizeof(password), &len))
        return server_done(a, false);
    for (size_t i = 0; i < len; i++)
        password[i] ^= a->nonce[i % PACKET_NONCE_BYTES];
    return server_password(a, password, len);
}

enum auth_step auth_server_feed(struct auth_server *a, const unsigned char *p, size_t n, struct diag *d)
{
    switch (a->state) {
    case AUTH_S_SWITCHED:
        return server_response(a, p, n);
    case AUTH_S_SHA2_FULL:
    case AUTH_S_SHA2_RSA:
        return server_sha2_full(a, p, n, d);
    case AUTH_S_START:
    case AUTH_S_DONE:
        break;
    }
    diag_set(d, ER_MALFORMED_PACKET);
    return AUTH_BROKEN;
}

/* --- client role --- */

static void client_respond(struct auth_client *a)
{
    a->state = AUTH_C_RESPONSE;
    a->out_len = 0;
    if (a->password.len == 0)
        return;
    if (a->plugin == AUTH_NATIVE) {
        auth_native_scramble(a->password, a->nonce, a->out);
        a->out_len = AUTH_SHA1_BYTES;
    } else {
        auth_sha2_scramble(a->password, a->nonce, a->out);
        a->out_len = AUTH_SHA2_BYTES;
    }
}

void auth_client_init(struct auth_client *a, struct sv plugin, const unsigned char nonce[PACKET_NONCE_BYTES],
                      struct sv password, bool is_secure)
{
    a->plugin = plugin.len ? auth_plugin_of(plugin) : AUTH_NATIVE;
    if (a->plugin == AUTH_OTHER)
        a->plugin = AUTH_SHA2;
    a->is_secure = is_secure;
    a->password = password;
    memcpy(a->nonce, nonce, PACKET_NONCE_BYTES);
    client_respond(a);
}

static enum auth_step client_switch(struct auth_client *a, const unsigned char *p, size_t n, struct diag *d)
{
    struct sv plugin, data;

    if (!packet_auth_switch_parse(p, n, &plugin, &data)) {
        diag_set(d, ER_MALFORMED_PACKET);
        return AUTH_BROKEN;
    }
    a->plugin = auth_plugin_of(plugin);
    if (a->plugin == AUTH_OTHER || data.len < PACKET_NONCE_BYTES) {
        diag_setf(d, ER_HANDSHAKE_ERROR, "the server asks for login method '%.*s', which is not supported",
                  SV_ARG(plugin));
        return AUTH_BROKEN;
    }
    memcpy(a->nonce, data.ptr, PACKET_NONCE_BYTES);
    client_respond(a);
    return AUTH_SEND;
}

static enum auth_step client_more_data(struct auth_client *a, const unsigned char *p, size_t n, struct diag *d)
{
    if (a->plugin != AUTH_SHA2)
        goto malformed;
    if (a->state == AUTH_C_SHA2_KEY) {
        unsigned char clear[AUTH_PASSWORD_MAX];

        if (a->password.len >= sizeof(clear))
            goto malformed;
        memcpy(clear, a->password.ptr, a->password.len);
        clear[a->password.len] = '\0';
        for (size_t i = 0; i <= a->password.len; i++)
            clear[i] ^= a->nonce[i % PACKET_NONCE_BYTES];
        a->out_len = auth_rsa_encrypt(sv_make((const char *)p, n), clear, a->password.len + 1, a->out, sizeof(a->out));
        OPENSSL_cleanse(clear, sizeof(clear));
        if (a->out_len == 0) {
            diag_setf(d, ER_HANDSHAKE_ERROR, "the server's RSA key cannot be used");
            return AUTH_BROKEN;
        }
        a->state = AUTH_C_RESULT;
        return AUTH_SEND;
    }
    if (n != 1 || a->state != AUTH_C_RESPONSE)
        goto malformed;
    if (p[0] == SHA2_FAST_OK) {
        a->state = AUTH_C_RESULT;
        return AUTH_WAIT;
    }
    if (p[0] != SHA2_FULL || a->password.len + 1 > sizeof(a->out))
        goto malformed;
    if (a->is_secure) {
        if (a->password.len)
            memcpy(a->out, a->password.ptr, a->password.len);
        a->out[a->password.len] = '\0';
        a->out_len = a->password.len + 1;
        a->state = AUTH_C_RESULT;
    } else {
        a->out[0] = SHA2_REQUEST_KEY;
        a->out_len = 1;
        a->state = AUTH_C_SHA2_KEY;
    }
    return AUTH_SEND;
malformed:
    diag_set(d, ER_MALFORMED_PACKET);
    return AUTH_BROKEN;
}

enum auth_step auth_client_feed(struct auth_client *a, const unsigned char *p, size_t n, struct diag *d)
{
    struct packet_err e;

    if (n == 0) {
        diag_set(d, ER_MALFORMED_PACKET);
        return AUTH_BROKEN;
    }
    switch (p[0]) {
    case 0x00:
        return AUTH_OK;
    case 0xff:
        if (!packet_err_parse(p, n, &e)) {
            diag_set(d, ER_MALFORMED_PACKET);
            return AUTH_BROKEN;
        }
        diag_set_remote(d, e.code, e.sqlstate, e.text);
        return AUTH_DENIED;
    case 0xfe:
        return client_switch(a, p, n, d);
    case MORE_DATA:
        return client_more_data(a, p + 1, n - 1, d);
    default:
        diag_set(d, ER_MALFORMED_PACKET);
        return AUTH_BROKEN;
    }
}
