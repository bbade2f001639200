/* Private to auth.c and authcrypt.c. */
#ifndef NET_AUTH_INT_H
#define NET_AUTH_INT_H

#include "net/auth.h"

enum { AUTH_SHA1_BYTES = 20, AUTH_SHA2_BYTES = 32 };

/* mysql_native_password: SHA1(p) XOR SHA1(nonce, SHA1(SHA1(p))). secret: *<40 hex>. */
void auth_native_scramble(struct sv password, const unsigned char *nonce, unsigned char out[AUTH_SHA1_BYTES]);
bool auth_native_verify(struct sv secret, const unsigned char *nonce, const unsigned char *response);
/* caching_sha2_password: SHA256(p) XOR SHA256(SHA256(SHA256(p)), nonce). digest: SHA256(SHA256(p)). */
void auth_sha2_scramble(struct sv password, const unsigned char *nonce, unsigned char out[AUTH_SHA2_BYTES]);
bool auth_sha2_verify_fast(const unsigned char *digest, const unsigned char *nonce, const unsigned char *response);

/* The process's cache of fast digests; any thread. */
void auth_cache_key(struct sv user, struct sv secret, unsigned char key[32]);
bool auth_cache_find(const unsigned char key[32], unsigned char digest[AUTH_SHA2_BYTES]);
void auth_cache_put(const unsigned char key[32], struct sv password);

/* PEM text; bytes written, 0: no key or no room. */
size_t auth_rsa_public_key(char *buf, size_t n);
bool auth_rsa_decrypt(const unsigned char *p, size_t n, unsigned char *out, size_t cap, size_t *len);
/* Bytes written, 0: failed. */
size_t auth_rsa_encrypt(struct sv pem, const unsigned char *p, size_t n, unsigned char *out, size_t cap);

#endif
