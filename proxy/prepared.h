/* Prepared statements of a session: those of the protocol (COM_STMT_*), by id, and those of SQL (PREPARE name), by name. */
#ifndef PROXY_PREPARED_H
#define PROXY_PREPARED_H

#include "proxy/session.h"

enum { PREPARED_MAX = 16382 }; /* MySQL's max_prepared_stmt_count is the process's; this is one session's */

void prepared_prepare(struct session *s, struct sv text);
void prepared_execute(struct session *s);
void prepared_close(struct session *s);
void prepared_reset(struct session *s);
void prepared_long_data(struct session *s);
/* PREPARE name FROM ..., EXECUTE name [USING ...], DEALLOCATE PREPARE name. */
void prepared_prepare_text(struct session *s);
void prepared_execute_text(struct session *s);
void prepared_deallocate(struct session *s, struct sv name);
/* The statement of s->stmt has ended: long data is used up. */
void prepared_execution_over(struct session *s);
void prepared_free_all(struct session *s);

#endif
