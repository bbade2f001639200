/* Start and stop of the process, in an explicit order. Main thread. */
#ifndef PROXY_BOOT_H
#define PROXY_BOOT_H

#include "util/diag.h"

struct conf;
struct proxy;

/* Everything from the metadata to the listeners. On failure what was started is stopped again. */
struct proxy *boot_start(struct conf *conf, struct diag *d) MUST_CHECK;
/* No new clients; running statements end, then transactions up to the configuration's drain timeout. */
void boot_drain(struct proxy *px);
/* True: no client is left. */
bool boot_is_drained(const struct proxy *px);
/* A new configuration, what can change at run time (conf_reload decided what that is). */
void boot_reload(struct proxy *px, struct conf *conf);
void boot_stop(struct proxy *px);

#endif
