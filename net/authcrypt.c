/* Login methods: hashes, stored secrets, the cache of fast digests, RSA.
 *
 * What threads share: the RSA key pair (made once before the workers start, only read then) and the cache (a
 * mutex; taken once or twice a login). The cache is a table of fixed size in which a new entry takes the place of
 * what was there: a lost entry costs that user one full exchange. Its key covers the stored secret, so a changed
 * password misses by itself. */
#include "net/auth-int.h"

#include "util/arena.h"

#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/rsa.h>
#include <pthread.h>

enum {
    CACHE_SLOTS = 4096,
    SHA_CRYPT_SALT = 20,
    SHA_CRYPT_HASH = 43,
    SECRET_SHA2_BYTES = 7 + SHA_CRYPT_SALT + SHA_CRYPT_HASH
};

struct cache_slot {
    unsigned char key[32], digest[AUTH_SHA2_BYTES];
    bool used;
};

static struct {
    pthread_mutex_t lock;
    struct cache_slot *slots;
    EVP_PKEY *rsa;
    char pem[1000];
    size_t pem_len;
} global = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* Hash of the pieces, up to a piece with ptr NULL. */
static void digest_of(const EVP_MD *md, const struct sv *parts, size_t n, unsigned char *out)
{
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();

    CHECK(ctx && EVP_DigestInit_ex(ctx, md, NULL));
    for (size_t i = 0; i < n; i++)
        EVP_DigestUpdate(ctx, parts[i].ptr, parts[i].len);
    EVP_DigestFinal_ex(ctx, out, NULL);
    EVP_MD_CTX_free(ctx);
}

static struct sv bytes(const unsigned char *p, size_t n)
{
    return sv_make((const char *)p, n);
}

/* --- mysql_native_password --- */

static void native_mask(const unsigned char *nonce, const unsigned char *stage2, unsigned char *out)
{
    digest_of(EVP_sha1(), (struct sv[]){bytes(nonce, PACKET_NONCE_BYTES), bytes(stage2, AUTH_SHA1_BYTES)}, 2, out);
}

void auth_native_scramble(struct sv password, const unsigned char *nonce, unsigned char out[AUTH_SHA1_BYTES])
{
    unsigned char stage1[AUTH_SHA1_BYTES], stage2[AUTH_SHA1_BYTES];

    digest_of(EVP_sha1(), &password, 1, stage1);
    digest_of(EVP_sha1(), (struct sv[]){bytes(stage1, sizeof(stage1))}, 1, stage2);
    native_mask(nonce, stage2, out);
    for (size_t i = 0; i < AUTH_SHA1_BYTES; i++)
        out[i] ^= stage1[i];
}

static int hex_digit(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static bool native_stage2(struct sv secret, unsigned char *stage2)
{
    if (secret.len != 1 + 2 * AUTH_SHA1_BYTES || secret.ptr[0] != '*')
        return false;
    for (size_t i = 0; i < AUTH_SHA1_BYTES; i++) {
        int hi = hex_digit(secret.ptr[1 + 2 * i]), lo = hex_digit(secret.ptr[2 + 2 * i]);

        if (hi < 0 || lo < 0)
            return false;
        stage2[i] = (unsigned char)(hi << 4 | lo);
    }
    return true;
}

bool auth_native_verify(struct sv secret, const unsigned char *nonce, const unsigned char *response)
{
    unsigned char stage2[AUTH_SHA1_BYTES], mask[AUTH_SHA1_BYTES], got[AUTH_SHA1_BYTES];

    if (!native_stage2(secret, stage2))
        return false;
    native_mask(nonce, stage2, mask);
    for (size_t i = 0; i < AUTH_SHA1_BYTES; i++)
        mask[i] ^= response[i];
    digest_of(EVP_sha1(), (struct sv[]){bytes(mask, sizeof(mask))}, 1, got);
    return CRYPTO_memcmp(got, stage2, sizeof(got)) == 0;
}

/* --- caching_sha2_password --- */

static void fast_digest(struct sv password, unsigned char once[AUTH_SHA2_BYTES], unsigned char twice[AUTH_SHA2_BYTES])
{
    digest_of(EVP_sha256(), &password, 1, once);
    digest_of(EVP_sha256(), (struct sv[]){bytes(once, AUTH_SHA2_BYTES)}, 1, twice);
}

static void sha2_mask(const unsigned char *digest, const unsigned char *nonce, unsigned char *out)
{
    digest_of(EVP_sha256(), (struct sv[]){bytes(digest, AUTH_SHA2_BYTES), bytes(nonce, PACKET_NONCE_BYTES)}, 2, out);
}

void auth_sha2_scramble(struct sv password, const unsigned char *nonce, unsigned char out[AUTH_SHA2_BYTES])
{
    unsigned char once[AUTH_SHA2_BYTES], twice[AUTH_SHA2_BYTES];

    fast_digest(password, once, twice);
    sha2_mask(twice, nonce, out);
    for (size_t i = 0; i < AUTH_SHA2_BYTES; i++)
        out[i] ^= once[i];
}

bool auth_sha2_verify_fast(const unsigned char *digest, const unsigned char *nonce, const unsigned char *response)
{
    unsigned char mask[AUTH_SHA2_BYTES], got[AUTH_SHA2_BYTES];

    sha2_mask(digest, nonce, mask);
    for (size_t i = 0; i < AUTH_SHA2_BYTES; i++)
        mask[i] ^= response[i];
    digest_of(EVP_sha256(), (struct sv[]){bytes(mask, sizeof(mask))}, 1, got);
    return CRYPTO_memcmp(got, digest, sizeof(got)) == 0;
}

/* Feeds n bytes of a 32-byte digest repeated. */
static void update_repeated(EVP_MD_CTX *ctx, const unsigned char *digest, size_t n)
{
    for (; n > AUTH_SHA2_BYTES; n -= AUTH_SHA2_BYTES)
        EVP_DigestUpdate(ctx, digest, AUTH_SHA2_BYTES);
    EVP_DigestUpdate(ctx, digest, n);
}

/* SHA-crypt with SHA-256, "Unix crypt using SHA-256 and SHA-512", steps 1 to 21; the letters are that text's.
 * MySQL uses a salt of 20 bytes, where crypt(3) cuts it to 16. */
static void sha_crypt(struct sv key, struct sv salt, unsigned rounds, char out[SHA_CRYPT_HASH])
{
    static const char b64[] = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    static const unsigned char order[10][3] = {{0, 10, 20}, {21, 1, 11}, {12, 22, 2},  {3, 13, 23}, {24, 4, 14},
                                               {15, 25, 5}, {6, 16, 26}, {27, 7, 17}, {18, 28, 8}, {9, 19, 29}};
    unsigned char a[AUTH_SHA2_BYTES], b[AUTH_SHA2_BYTES], dp[AUTH_SHA2_BYTES], ds[AUTH_SHA2_BYTES];
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    char *o = out;
    uint32_t w;

    CHECK(ctx);
    digest_of(EVP_sha256(), (struct sv[]){key, salt, key}, 3, b);
    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    EVP_DigestUpdate(ctx, key.ptr, key.len);
    EVP_DigestUpdate(ctx, salt.ptr, salt.len);
    update_repeated(ctx, b, key.len);
    for (size_t n = key.len; n; n >>= 1) {
        if (n & 1)
            EVP_DigestUpdate(ctx, b, sizeof(b));
        else
            EVP_DigestUpdate(ctx, key.ptr, key.len);
    }
    EVP_DigestFinal_ex(ctx, a, NULL);
    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (size_t i = 0; i < key.len; i++)
        EVP_DigestUpdate(ctx, key.ptr, key.len);
    EVP_DigestFinal_ex(ctx, dp, NULL);
    EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
    for (size_t i = 0; i < 16 + (size_t)a[0]; i++)
        EVP_DigestUpdate(ctx, salt.ptr, salt.len);
    EVP_DigestFinal_ex(ctx, ds, NULL);
    for (unsigned i = 0; i < rounds; i++) {
        EVP_DigestInit_ex(ctx, EVP_sha256(), NULL);
        if (i & 1)
            update_repeated(ctx, dp, key.len);
        else
            EVP_DigestUpdate(ctx, a, sizeof(a));
        if (i % 3)
            update_repeated(ctx, ds, salt.len);
        if (i % 7)
            update_repeated(ctx, dp, key.len);
        if (i & 1)
            EVP_DigestUpdate(ctx, a, sizeof(a));
        else
            update_repeated(ctx, dp, key.len);
        EVP_DigestFinal_ex(ctx, a, NULL);
    }
    EVP_MD_CTX_free(ctx);
    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        w = (uint32_t)a[order[i][0]] << 16 | (uint32_t)a[order[i][1]] << 8 | a[order[i][2]];
        for (int k = 0; k < 4; k++, w >>= 6)
            *o++ = b64[w & 63];
    }
    w = (uint32_t)a[31] << 8 | a[30];
    for (int k = 0; k < 3; k++, w >>= 6)
        *o++ = b64[w & 63];
}

/* Takes "$A$005$<salt><hash>" apart. */
static bool parse_sha2_secret(struct sv s, unsigned *rounds, struct sv *salt, struct sv *hash)
{
    unsigned k = 0;

    if (s.len != SECRET_SHA2_BYTES || memcmp(s.ptr, "$A$", 3) != 0 || s.ptr[6] != '$')
        return false;
    for (int i = 3; i < 6; i++) {
        int h = hex_digit(s.ptr[i]);

        if (h < 0)
            return false;
        k = k << 4 | (unsigned)h;
    }
    *rounds = k * 1000;
    *salt = sv_make(s.ptr + 7, SHA_CRYPT_SALT);
    *hash = sv_make(s.ptr + 7 + SHA_CRYPT_SALT, SHA_CRYPT_HASH);
    return k > 0;
}

enum auth_plugin auth_secret_plugin(struct sv secret)
{
    unsigned char stage2[AUTH_SHA1_BYTES];
    struct sv salt, hash;
    unsigned rounds;

    if (native_stage2(secret, stage2))
        return AUTH_NATIVE;
    if (secret.len == 0 || parse_sha2_secret(secret, &rounds, &salt, &hash))
        return AUTH_SHA2;
    return AUTH_OTHER;
}

bool auth_check_password(struct sv secret, struct sv password)
{
    unsigned char stage1[AUTH_SHA1_BYTES], stage2[AUTH_SHA1_BYTES], want[AUTH_SHA1_BYTES];
    char got[SHA_CRYPT_HASH];
    struct sv salt, hash;
    unsigned rounds;

    if (secret.len == 0 || password.len == 0)
        return secret.len == 0 && password.len == 0;
    if (native_stage2(secret, want)) {
        digest_of(EVP_sha1(), &password, 1, stage1);
        digest_of(EVP_sha1(), (struct sv[]){bytes(stage1, sizeof(stage1))}, 1, stage2);
        return CRYPTO_memcmp(stage2, want, sizeof(want)) == 0;
    }
    if (password.len >= AUTH_PASSWORD_MAX || !parse_sha2_secret(secret, &rounds, &salt, &hash))
        return false;
    sha_crypt(password, salt, rounds, got);
    return CRYPTO_memcmp(got, hash.ptr, sizeof(got)) == 0;
}

/* Bytes 1..127 without '$'. */
static void random_text(unsigned char *out, size_t n)
{
    CHECK(RAND_bytes(out, (int)n) == 1);
    for (size_t i = 0; i < n; i++) {
        out[i] &= 0x7f;
        if (out[i] == 0 || out[i] == '$')
            out[i]++;
    }
}

void auth_make_nonce(unsigned char nonce[PACKET_NONCE_BYTES])
{
    random_text(nonce, PACKET_NONCE_BYTES);
}

struct sv auth_make_secret(enum auth_plugin plugin, struct sv password, char *buf)
{
    static const char hex[] = "0123456789ABCDEF";
    /* Letters only: a secret is printed by SHOW CREATE USER and stored in a text column. */
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./";
    unsigned char stage1[AUTH_SHA1_BYTES], stage2[AUTH_SHA1_BYTES], salt[SHA_CRYPT_SALT];

    if (password.len == 0)
        return sv_make(buf, 0);
    if (plugin == AUTH_NATIVE) {
        digest_of(EVP_sha1(), &password, 1, stage1);
        digest_of(EVP_sha1(), (struct sv[]){bytes(stage1, sizeof(stage1))}, 1, stage2);
        buf[0] = '*';
        for (size_t i = 0; i < sizeof(stage2); i++) {
            buf[1 + 2 * i] = hex[stage2[i] >> 4];
            buf[2 + 2 * i] = hex[stage2[i] & 15];
        }
        return sv_make(buf, 1 + 2 * sizeof(stage2));
    }
    CHECK(RAND_bytes(salt, sizeof(salt)) == 1);
    for (size_t i = 0; i < sizeof(salt); i++)
        salt[i] = (unsigned char)letters[salt[i] & 63];
    memcpy(buf, "$A$005$", 7);
    memcpy(buf + 7, salt, sizeof(salt));
    sha_crypt(password, bytes(salt, sizeof(salt)), 5000, buf + 7 + SHA_CRYPT_SALT);
    return sv_make(buf, SECRET_SHA2_BYTES);
}

/* --- cache --- */

void auth_cache_key(struct sv user, struct sv secret, unsigned char key[32])
{
    digest_of(EVP_sha256(), (struct sv[]){secret, SV("\0"), user}, 3, key);
}

bool auth_cache_find(const unsigned char key[32], unsigned char digest[AUTH_SHA2_BYTES])
{
    bool found = false;

    pthread_mutex_lock(&global.lock);
    if (global.slots) {
        const struct cache_slot *s = &global.slots[get_u32(key) % CACHE_SLOTS];

        found = s->used && memcmp(s->key, key, sizeof(s->key)) == 0;
        if (found)
            memcpy(digest, s->digest, sizeof(s->digest));
    }
    pthread_mutex_unlock(&global.lock);
    return found;
}

void auth_cache_put(const unsigned char key[32], struct sv password)
{
    unsigned char once[AUTH_SHA2_BYTES], twice[AUTH_SHA2_BYTES];

    fast_digest(password, once, twice);
    pthread_mutex_lock(&global.lock);
    if (global.slots) {
        struct cache_slot *s = &global.slots[get_u32(key) % CACHE_SLOTS];

        memcpy(s->key, key, sizeof(s->key));
        memcpy(s->digest, twice, sizeof(s->digest));
        s->used = true;
    }
    pthread_mutex_unlock(&global.lock);
    OPENSSL_cleanse(once, sizeof(once));
}

void auth_cache_clear(void)
{
    pthread_mutex_lock(&global.lock);
    if (global.slots)
        OPENSSL_cleanse(global.slots, CACHE_SLOTS * sizeof(*global.slots));
    pthread_mutex_unlock(&global.lock);
}

/* --- RSA --- */

void auth_global_init(void)
{
    BIO *out = BIO_new(BIO_s_mem());
    char *text;
    long n;

    auth_global_free();
    global.slots = xcalloc(CACHE_SLOTS, sizeof(*global.slots));
    global.rsa = EVP_RSA_gen(2048);
    CHECK(global.rsa && out && PEM_write_bio_PUBKEY(out, global.rsa) == 1);
    n = BIO_get_mem_data(out, &text);
    CHECK(n > 0 && (size_t)n < sizeof(global.pem));
    memcpy(global.pem, text, (size_t)n);
    global.pem_len = (size_t)n;
    BIO_free(out);
}

void auth_global_free(void)
{
    if (global.slots)
        auth_cache_clear();
    xfree(global.slots);
    global.slots = NULL;
    EVP_PKEY_free(global.rsa);
    global.rsa = NULL;
    global.pem_len = 0;
}

size_t auth_rsa_public_key(char *buf, size_t n)
{
    if (global.pem_len == 0 || global.pem_len > n)
        return 0;
    memcpy(buf, global.pem, global.pem_len);
    return global.pem_len;
}

bool auth_rsa_decrypt(const unsigned char *p, size_t n, unsigned char *out, size_t cap, size_t *len)
{
    EVP_PKEY_CTX *ctx = global.rsa ? EVP_PKEY_CTX_new(global.rsa, NULL) : NULL;
    bool ok;

    *len = cap;
    ok = ctx && EVP_PKEY_decrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
         EVP_PKEY_decrypt(ctx, out, len, p, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    return ok && *len > 0;
}

size_t auth_rsa_encrypt(struct sv pem, const unsigned char *p, size_t n, unsigned char *out, size_t cap)
{
    BIO *in = pem.len < 16384 ? BIO_new_mem_buf(pem.ptr, (int)pem.len) : NULL;
    EVP_PKEY *key = in ? PEM_read_bio_PUBKEY(in, NULL, NULL, NULL) : NULL;
    EVP_PKEY_CTX *ctx = key ? EVP_PKEY_CTX_new(key, NULL) : NULL;
    size_t len = cap;
    bool ok;

    ok = ctx && EVP_PKEY_encrypt_init(ctx) == 1 && EVP_PKEY_CTX_set_rsa_padding(ctx, RSA_PKCS1_OAEP_PADDING) == 1 &&
         EVP_PKEY_encrypt(ctx, NULL, &len, p, n) == 1 && len <= cap && EVP_PKEY_encrypt(ctx, out, &len, p, n) == 1;
    EVP_PKEY_CTX_free(ctx);
    EVP_PKEY_free(key);
    BIO_free(in);
    return ok ? len : 0;
}
