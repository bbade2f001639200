/* systemd's notification socket (sd_notify(3)'s protocol); nothing happens where there is none. Main thread. */
#ifndef PROXY_NOTIFY_H
#define PROXY_NOTIFY_H

void notify_send(const char *state);

#endif
