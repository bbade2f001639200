/* Who may log in: users of the catalog, and root without a password from this machine where the configuration allows it. */
#ifndef PROXY_USERS_H
#define PROXY_USERS_H

#include "util/sv.h"

struct session;

/* The stored secret for a login from where the session's client is; ptr NULL: no such user. Valid until the worker's
 * snapshot changes (not within a callback). Worker's thread. */
struct sv users_secret(struct session *s, struct sv user);

#endif
