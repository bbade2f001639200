/* Accounts: matching of host patterns, forms of stored secrets. Pure functions, any thread.
 * (Checking a login's answer is net/auth.h's; it needs the secret in the forms told here.) */
#ifndef CATALOG_USER_H
#define CATALOG_USER_H

#include "catalog/snapshot.h"

enum user_secret_kind {
    USER_SECRET_EMPTY,
    USER_SECRET_NATIVE, /* '*' and 40 hex digits: SHA1(SHA1(password)) */
    USER_SECRET_SHA2,   /* $A$ rounds $ 20 bytes of salt and 43 of digest: caching_sha2_password */
    USER_SECRET_BAD     /* no form that is known here */
};

enum user_secret_kind user_secret_kind_of(struct sv secret) PURE;
/* The plugin that goes with a secret of this form; `fallback` for an empty one. */
struct sv user_plugin_of(struct sv secret, struct sv fallback);

/* Whether a client's host (name or address) matches a pattern of CREATE USER: exact without regard
 * to case, % and _ wildcards, address/netmask, address/bits; 'localhost' is also 127.0.0.1 and ::1.
 */
bool user_host_matches(struct sv pattern, struct sv host) PURE;
/* Order in which accounts are tried: negative when a comes first (more specific host, then a named
 * user before ''). */
int user_compare(const struct cat_user *a, const struct cat_user *b) PURE;

/* REQUIRE SSL, as the account's attrs hold it. Attributes that this version does not know are taken for it too: they may ask
 * for more. */
#define USER_ATTRS_TLS "{\"require\": \"SSL\"}"
static inline bool user_requires_tls(const struct cat_user *u)
{
    return u->attrs.len != 0;
}

#endif
