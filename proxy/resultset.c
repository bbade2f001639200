#include "proxy/resultset.h"

#include "proxy/proxy.h"

enum { UTF8MB4_GENERAL_CI = 45, BINARY = 63, TEXT_CHARS = 255, NUMBER_CHARS = 21, NOT_FIXED = 31, MARIADB_NOT_FIXED = 39 };

void resultset_make_defs(struct arena *a, const struct rs_col *cols, uint32_t n_cols, struct packet_coldef *out)
{
    (void)a;
    for (uint32_t i = 0; i < n_cols; i++) {
        bool number = cols[i].type != WIRE_VAR_STRING && cols[i].type != WIRE_BLOB;
        uint32_t chars = cols[i].length ? cols[i].length : number ? NUMBER_CHARS : TEXT_CHARS;

        out[i] = (struct packet_coldef){
            .catalog = SV("def"),
            .name = sv_cstr(cols[i].name),
            .type = cols[i].type,
            .charset = number ? BINARY : UTF8MB4_GENERAL_CI,
            .length = number ? chars : chars * 4,
            .flags = (uint16_t)((cols[i].not_null ? WIRE_FLAG_NOT_NULL : 0) | (number ? WIRE_FLAG_BINARY | WIRE_FLAG_NUM : 0) |
                (cols[i].is_unsigned ? WIRE_FLAG_UNSIGNED : 0)),
            .decimals = number ? 0 : NOT_FIXED,
        };
    }
}

void resultset_send_defs(struct session *s, const struct packet_coldef *cols, uint32_t n_cols, const struct sv *cells,
    size_t n_rows)
{
    struct chan *c = &s->chan;

    if (s->state == SESSION_BUSY) {
        chan_put_column_count(c, n_cols);
        for (uint32_t i = 0; i < n_cols; i++)
            chan_put_coldef(c, &cols[i]);
        if (!(s->caps & CAP_DEPRECATE_EOF))
            chan_put_eof(c, session_status(s), 0);
        for (size_t r = 0; r < n_rows; r++) {
            const struct sv *row = cells + r * n_cols;

            if (!s->stmt->binary) {
                chan_put_text_row(c, row, n_cols);
            } else if (!chan_put_binary_row(c, cols, row, n_cols)) {
                struct diag d = {0};

                diag_set(&d, ER_INTERNAL, "a value does not fit its column in the binary protocol");
                session_reply_err(s, &d);
                return;
            }
        }
    }
    if (!s->stmt->keep_warnings) /* SHOW WARNINGS leaves everything as it is */
        s->found_rows = n_rows;
    session_reply_rows_end(s, 0);
}

void resultset_send(struct session *s, const struct rs_col *cols, uint32_t n_cols, const struct sv *cells, size_t n_rows)
{
    struct packet_coldef *defs = ARENA_NEW_N(&s->stmt->arena, struct packet_coldef, n_cols);

    resultset_make_defs(&s->stmt->arena, cols, n_cols, defs);
    for (uint32_t i = 0; i < n_cols && s->proxy->is_mariadb; i++) {
        if (defs[i].decimals)
            defs[i].decimals = MARIADB_NOT_FIXED;
    }
    resultset_send_defs(s, defs, n_cols, cells, n_rows);
}
