/* Parts of SHOW that are not in show.c; each ends the command. */
#ifndef PROXY_SHOW_H
#define PROXY_SHOW_H

#include "proxy/session.h"

struct ast_show;


/* db: a user's database that exists. */
void show_table_status(struct session *s, const struct ast_show *n, struct sv db);
void show_processlist(struct session *s, const struct ast_show *n);
void show_grants(struct session *s, const struct ast_show *n);

#endif
