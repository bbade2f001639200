/* User variables of a session (@name): their values as SQL literals, so that they can stand anywhere in a statement. Names
 * without regard to ASCII case. */
#ifndef PROXY_USERVAR_H
#define PROXY_USERVAR_H

#include "proxy/session.h"

enum { USERVARS_MAX = 4096, USERVAR_BYTES_MAX = 1 << 20 };

/* literal: SQL text of the value. False: too many or too long (d set). */
bool uservar_set(struct session *s, struct sv name, struct sv literal, struct diag *d) MUST_CHECK;
/* The literal; NULL's text where the variable was never set. */
struct sv uservar_get(const struct session *s, struct sv name);
void uservar_free_all(struct session *s);

#endif
