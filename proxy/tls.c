#include "proxy/tls.h"

#include "conf/conf.h"

#include <openssl/err.h>
#include <openssl/ssl.h>

static bool failed(struct ssl_ctx_st *ctx, const char *what, struct sv file, struct diag *d)
{
    char why[160];

    ERR_error_string_n(ERR_get_error(), why, sizeof(why));
    SSL_CTX_free(ctx);
    return diag_setf(d, ER_CONFIG, "TLS: %s %.*s: %s", what, SV_ARG(file), why);
}

bool tls_for_clients(const struct conf *conf, struct ssl_ctx_st **out, struct diag *d)
{
    struct ssl_ctx_st *ctx;

    *out = NULL;
    if (!conf->listen.tls.cert.len)
        return true;
    ctx = SSL_CTX_new(TLS_server_method());
    if (!ctx)
        return failed(NULL, "no context", SV(""), d);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    if (SSL_CTX_use_certificate_chain_file(ctx, conf->listen.tls.cert.ptr) != 1)
        return failed(ctx, "certificate", conf->listen.tls.cert, d);
    if (SSL_CTX_use_PrivateKey_file(ctx, conf->listen.tls.key.ptr, SSL_FILETYPE_PEM) != 1)
        return failed(ctx, "key", conf->listen.tls.key, d);
    if (SSL_CTX_check_private_key(ctx) != 1)
        return failed(ctx, "the certificate does not fit the key", conf->listen.tls.key, d);
    if (conf->listen.tls.ca.len) {
        if (SSL_CTX_load_verify_locations(ctx, conf->listen.tls.ca.ptr, NULL) != 1)
            return failed(ctx, "CA", conf->listen.tls.ca, d);
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    }
    *out = ctx;
    return true;
}

bool tls_for_shards(const struct conf_tls_client *t, struct ssl_ctx_st **out, struct diag *d)
{
    struct ssl_ctx_st *ctx;

    *out = NULL;
    if (t->mode == CONF_TLS_DISABLED || t->mode == CONF_TLS_PREFERRED)
        return true;
    ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx)
        return failed(NULL, "no context", SV(""), d);
    SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION);
    if (t->ca.len && SSL_CTX_load_verify_locations(ctx, t->ca.ptr, NULL) != 1)
        return failed(ctx, "CA", t->ca, d);
    if (t->cert.len && (SSL_CTX_use_certificate_chain_file(ctx, t->cert.ptr) != 1 ||
                           SSL_CTX_use_PrivateKey_file(ctx, t->key.ptr, SSL_FILETYPE_PEM) != 1))
        return failed(ctx, "client certificate", t->cert, d);
    if (t->mode >= CONF_TLS_VERIFY_CA)
        SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, NULL);
    *out = ctx;
    return true;
}

void tls_free(struct ssl_ctx_st *ctx)
{
    SSL_CTX_free(ctx);
}
