/* Small result sets that the proxy itself makes (SHOW, EXPLAIN, DESCRIBE): metadata, rows in the protocol that the command
 * asks for, and the end of the command. */
#ifndef PROXY_RESULTSET_H
#define PROXY_RESULTSET_H

#include "proxy/session.h"

struct rs_col {
    const char *name;
    uint8_t type;    /* enum wire_type; WIRE_VAR_STRING, WIRE_LONGLONG */
    uint32_t length; /* characters; 0: 255 for texts, 21 for numbers */
    bool not_null, is_unsigned;
};

/* cells row-major, ptr NULL: NULL. Ends the command. */
void resultset_send(struct session *s, const struct rs_col *cols, uint32_t n_cols, const struct sv *cells, size_t n_rows);
/* The same with complete column definitions (of a side query). */
void resultset_send_defs(struct session *s, const struct packet_coldef *cols, uint32_t n_cols, const struct sv *cells,
    size_t n_rows);
/* Only the metadata, for statements that are prepared. */
void resultset_make_defs(struct arena *a, const struct rs_col *cols, uint32_t n_cols, struct packet_coldef *out);

#endif
