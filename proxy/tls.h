/* TLS contexts from the configuration: for clients, and for connections to shards. */
#ifndef PROXY_TLS_H
#define PROXY_TLS_H

#include "util/diag.h"

struct conf;
struct conf_tls_client;
struct ssl_ctx_st;

/* *out NULL: no certificate is configured, so clients get no TLS. */
bool tls_for_clients(const struct conf *conf, struct ssl_ctx_st **out, struct diag *d) MUST_CHECK;
/* *out NULL: TLS towards shards is disabled (also `preferred`, which the data path takes as plain: see doc/design.md). */
bool tls_for_shards(const struct conf_tls_client *t, struct ssl_ctx_st **out, struct diag *d) MUST_CHECK;
void tls_free(struct ssl_ctx_st *ctx);

#endif
