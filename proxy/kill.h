/* KILL: the id's low byte names the worker, so the message goes straight there. */
#ifndef PROXY_KILL_H
#define PROXY_KILL_H

#include "proxy/session.h"

void kill_run(struct session *s, uint32_t id, bool query_only);

#endif
