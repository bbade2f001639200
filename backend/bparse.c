/* Shard connection: taking replies.
 *
 * Two ways through the input, chosen by the first command's mode. take_packet() looks at whole packets one by one.
 * take_raw() (BCMD_RELAY) walks over frame headers only and hands out the bytes in runs as long as possible; it
 * stops in front of the packet that ends a result or a command, which take_packet() then takes. What a packet is,
 * follows from the phase and its first byte: see "Command Phase" and "COM_QUERY Response" in MySQL's protocol
 * documentation.
 *
 * Every callback may close the connection, send further commands or pause: the loop looks at the state anew each
 * time. The bytes handed out stay where they are until the channel's on_input has returned. */
#include "backend/bconn-int.h"

#include <stdio.h>

enum { FIRST_OK = 0x00, FIRST_INFILE = 0xfb, FIRST_EOF = 0xfe, FIRST_ERR = 0xff };

static bool ends_rows(int first, size_t len)
{
    return first == FIRST_ERR || (first == FIRST_EOF && len < PACKET_FRAME_MAX);
}

/* --- last packets --- */

static void take_err(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    struct sv payload = sv_make((const char *)p->ptr, p->len);
    struct bcmd *behind = NULL;
    struct packet_err err;
    struct bstmt *st = cmd->stmt;

    if (!packet_err_parse(p->ptr, p->len, &err)) {
        bconn_fail_protocol(c, "malformed error packet");
        return;
    }
    bconn_pop(c, false);
    if (cmd->barrier)
        behind = bconn_detach_behind(c);
    if (st) {
        cmd->stmt = NULL;
        bconn_stmt_failed(c, st);
    }
    cmd->ops->on_err(cmd, &err, payload);
    bconn_fail_list(c, behind, &err, payload);
}

/* OK, EOF, or the OK that ends rows. */
static void take_ok(struct bconn *c, struct bcmd *cmd, const struct packet *p, bool is_result)
{
    struct sv payload = sv_make((const char *)p->ptr, p->len);
    struct packet_ok ok;
    bool good, more;

    /* An EOF has 5 bytes; some servers send it in places even where OK was agreed on. */
    if (p->ptr[0] == FIRST_EOF && p->len < 7)
        good = packet_eof_parse(p->ptr, p->len, &ok);
    else
        good = packet_ok_parse(p->ptr, p->len, c->caps, &ok);
    if (!good) {
        bconn_fail_protocol(c, "malformed OK packet");
        return;
    }
    c->status = ok.status;
    more = (ok.status & STATUS_MORE_RESULTS) && (cmd->kind == BCMD_QUERY || cmd->kind == BCMD_EXECUTE);
    if (more)
        cmd->phase = BPHASE_FIRST;
    else
        bconn_pop(c, true);
    cmd->ops->on_ok(cmd, &ok, is_result, more, payload);
}

static void take_prepare_end(struct bconn *c, struct bcmd *cmd)
{
    struct packet_ok ok = {.status = c->status, .warnings = c->prepared.warnings};
    struct bstmt *st = cmd->stmt;

    cmd->stmt = NULL;
    bconn_pop(c, true);
    if (st) {
        bconn_stmt_prepared(c, st, &c->prepared);
    } else {
        /* Forgotten while it was under way. */
        unsigned char b[5] = {PCOM_STMT_CLOSE};

        put_u32(b + 1, c->prepared.stmt_id);
        bconn_no_reply(c, b, sizeof(b));
    }
    cmd->ops->on_ok(cmd, &ok, false, false, SV_NULL);
}

/* --- packets before rows --- */

static void meta_ends(struct bconn *c, struct bcmd *cmd)
{
    cmd->phase = BPHASE_ROWS;
    if (cmd->mode != BCMD_SWALLOW && cmd->ops->on_meta_end)
        cmd->ops->on_meta_end(cmd);
    (void)c;
}

static void take_infile(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    cmd->phase = BPHASE_INFILE;
    if (cmd->mode != BCMD_SWALLOW && cmd->ops->on_infile)
        cmd->ops->on_infile(cmd, sv_make((const char *)p->ptr + 1, p->len - 1));
    else
        bconn_infile_end(c);
}

static void take_columns(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    const unsigned char *at = p->ptr;
    uint64_t n;

    if (!get_lenenc(&at, p->ptr + p->len, &n) || n == 0 || n > 65535 || at != p->ptr + p->len) {
        bconn_fail_protocol(c, "malformed column count");
        return;
    }
    c->meta_left = (uint32_t)n;
    c->meta_seen = 0;
    cmd->phase = BPHASE_META;
    if (cmd->mode != BCMD_SWALLOW && cmd->ops->on_meta)
        cmd->ops->on_meta(cmd, (uint32_t)n);
}

static void prepare_goes_on(struct bconn *c, struct bcmd *cmd, enum bphase phase, uint32_t n)
{
    c->meta_left = n;
    cmd->phase = (uint8_t)phase;
    if (n)
        return;
    if (phase == BPHASE_PARAMS)
        prepare_goes_on(c, cmd, BPHASE_PREP_COLS, c->prepared.columns);
    else
        take_prepare_end(c, cmd);
}

static void take_first(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    int first = p->len ? p->ptr[0] : -1;

    if (first == FIRST_ERR) {
        take_err(c, cmd, p);
        return;
    }
    switch ((enum bcmd_kind)cmd->kind) {
    case BCMD_QUERY:
    case BCMD_EXECUTE:
        if (first == FIRST_OK)
            take_ok(c, cmd, p, false);
        else if (first == FIRST_INFILE)
            take_infile(c, cmd, p);
        else
            take_columns(c, cmd, p);
        return;
    case BCMD_OK:
        if (first == FIRST_OK || first == FIRST_EOF)
            take_ok(c, cmd, p, false);
        else
            bconn_fail_protocol(c, "unexpected reply to a command");
        return;
    case BCMD_PREPARE:
        if (!packet_prepare_ok_parse(p->ptr, p->len, &c->prepared)) {
            bconn_fail_protocol(c, "malformed reply to a prepare");
            return;
        }
        c->meta_seen = 0;
        if (cmd->ops->on_prepared)
            cmd->ops->on_prepared(cmd, &c->prepared);
        if (c->state == BCONN_BUSY && c->first == cmd)
            prepare_goes_on(c, cmd, BPHASE_PARAMS, c->prepared.params);
        return;
    case BCMD_STRING: {
        struct packet_ok ok = {.status = c->status};

        bconn_pop(c, true);
        if (cmd->ops->on_row)
            cmd->ops->on_row(cmd, p->ptr, p->len);
        cmd->ops->on_ok(cmd, &ok, false, false, SV_NULL);
        return;
    }
    case BCMD_FETCH:
    case BCMD_FIELDS:
        break; /* begin in a later phase, see bconn_parse */
    }
}

static bool give_coldef(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    struct packet_coldef col;
    uint32_t i = c->meta_seen++;

    if (cmd->mode == BCMD_SWALLOW || !cmd->ops->on_coldef)
        return true;
    if (!packet_coldef_parse(p->ptr, p->len, &col)) {
        bconn_fail_protocol(c, "malformed column definition");
        return false;
    }
    cmd->ops->on_coldef(cmd, i, &col, sv_make((const char *)p->ptr, p->len));
    return c->state == BCONN_BUSY && c->first == cmd;
}

static void take_meta(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    bool eofs = !(c->caps & CAP_DEPRECATE_EOF);

    if (p->len && p->ptr[0] == FIRST_ERR) {
        take_err(c, cmd, p);
        return;
    }
    if (!give_coldef(c, cmd, p) || --c->meta_left)
        return;
    switch ((enum bphase)cmd->phase) {
    case BPHASE_META:
        if (eofs)
            cmd->phase = BPHASE_META_EOF;
        else
            meta_ends(c, cmd);
        return;
    case BPHASE_PARAMS:
        if (eofs)
            cmd->phase = BPHASE_PARAMS_EOF;
        else
            prepare_goes_on(c, cmd, BPHASE_PREP_COLS, c->prepared.columns);
        return;
    case BPHASE_PREP_COLS:
        if (eofs)
            cmd->phase = BPHASE_PREP_EOF;
        else
            take_prepare_end(c, cmd);
        return;
    case BPHASE_FIRST:
    case BPHASE_META_EOF:
    case BPHASE_ROWS:
    case BPHASE_PARAMS_EOF:
    case BPHASE_PREP_EOF:
    case BPHASE_INFILE:
        break;
    }
}

static void take_meta_eof(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    struct packet_ok ok;

    if (!packet_eof_parse(p->ptr, p->len, &ok)) {
        bconn_fail_protocol(c, "no EOF behind column definitions");
        return;
    }
    if (cmd->phase == BPHASE_PARAMS_EOF)
        prepare_goes_on(c, cmd, BPHASE_PREP_COLS, c->prepared.columns);
    else if (cmd->phase == BPHASE_PREP_EOF)
        take_prepare_end(c, cmd);
    else if (ok.status & STATUS_CURSOR_EXISTS)
        take_ok(c, cmd, p, true); /* rows come by COM_STMT_FETCH */
    else
        meta_ends(c, cmd);
}

static void take_row(struct bconn *c, struct bcmd *cmd, const struct packet *p)
{
    int first = p->len ? p->ptr[0] : -1;

    if (first == FIRST_ERR) {
        take_err(c, cmd, p);
    } else if (ends_rows(first, p->len)) {
        take_ok(c, cmd, p, true);
    } else if (cmd->kind == BCMD_FIELDS) {
        give_coldef(c, cmd, p);
    } else if (cmd->mode == BCMD_ROWS && cmd->ops->on_row) {
        cmd->ops->on_row(cmd, p->ptr, p->len);
    }
}

/* One whole packet. False: not there yet, or the connection broke. */
static bool take_packet(struct bconn *c, struct bcmd *cmd)
{
    struct packet p;

    c->chan.seq = c->in_seq;
    switch (chan_peek(&c->chan, &p)) {
    case CHAN_PEEK_PACKET:
        break;
    case CHAN_PEEK_MORE:
        return false;
    case CHAN_PEEK_TOO_LARGE:
        bconn_fail_protocol(c, "packet too large");
        return false;
    case CHAN_PEEK_BAD_SEQ:
        bconn_fail_protocol(c, "packets out of order");
        return false;
    }
    chan_consume_packet(&c->chan, &p);
    c->in_seq = c->chan.seq;
    cmd->last_seq = (uint8_t)(p.last_seq + cmd->seq_shift);
    switch ((enum bphase)cmd->phase) {
    case BPHASE_FIRST:
        take_first(c, cmd, &p);
        break;
    case BPHASE_META:
    case BPHASE_PARAMS:
    case BPHASE_PREP_COLS:
        take_meta(c, cmd, &p);
        break;
    case BPHASE_META_EOF:
    case BPHASE_PARAMS_EOF:
    case BPHASE_PREP_EOF:
        take_meta_eof(c, cmd, &p);
        break;
    case BPHASE_ROWS:
        take_row(c, cmd, &p);
        break;
    case BPHASE_INFILE:
        bconn_fail_protocol(c, "reply before the end of a file");
        break;
    }
    return true;
}

/* --- relaying --- */

enum walk {
    WALK_PASS, /* the packet belongs to the run */
    WALK_MORE, /* it must be there wholly and is not */
    WALK_STOP, /* it ends the run: take_packet's */
    WALK_META_END, /* the run ends here, then on_meta_end */
    WALK_BAD
};

/* What to do with the packet that starts at p (header and first byte are there; n bytes are left in all). */
static enum walk walk_packet(struct bconn *c, struct bcmd *cmd, const unsigned char *p, size_t n)
{
    uint32_t len = get_u24(p);
    int first = len ? p[4] : -1;

    if (cmd->phase == BPHASE_META && c->meta_left == 0) {
        if (!(c->caps & CAP_DEPRECATE_EOF)) {
            /* The EOF behind the definitions: passed on, unless it says that no rows follow. */
            if (n < PACKET_HEADER_BYTES + (size_t)len)
                return WALK_MORE;
            if (first != FIRST_EOF || len < 5)
                return WALK_BAD;
            if (get_u16(p + 7) & STATUS_CURSOR_EXISTS) {
                cmd->phase = BPHASE_META_EOF;
                return WALK_STOP;
            }
            cmd->phase = BPHASE_META_EOF;
            return WALK_PASS;
        }
        return WALK_META_END;
    }
    switch ((enum bphase)cmd->phase) {
    case BPHASE_FIRST: {
        const unsigned char *at = p + 4;
        uint64_t cols;

        if (first == FIRST_OK || first == FIRST_ERR || first == FIRST_INFILE)
            return WALK_STOP;
        if (n < PACKET_HEADER_BYTES + (size_t)len)
            return len <= 9 ? WALK_MORE : WALK_BAD;
        if (!get_lenenc(&at, p + 4 + len, &cols) || cols == 0 || cols > 65535)
            return WALK_BAD;
        c->meta_left = (uint32_t)cols;
        cmd->phase = BPHASE_META;
        return WALK_PASS;
    }
    case BPHASE_META:
        if (first == FIRST_ERR)
            return WALK_STOP;
        c->meta_left--;
        return WALK_PASS;
    case BPHASE_META_EOF:
        return WALK_META_END;
    case BPHASE_ROWS:
        if (ends_rows(first, len))
            return WALK_STOP;
        cmd->relayed_rows++;
        return WALK_PASS;
    case BPHASE_PARAMS:
    case BPHASE_PARAMS_EOF:
    case BPHASE_PREP_COLS:
    case BPHASE_PREP_EOF:
    case BPHASE_INFILE:
        break;
    }
    return WALK_BAD;
}

/* Takes a run of bytes. False: nothing to do until more bytes come, or the connection broke. */
static bool take_raw(struct bconn *c, struct bcmd *cmd)
{
    unsigned char *b = chan_in(&c->chan);
    size_t n = chan_in_len(&c->chan), pos = 0;
    enum walk walk = WALK_MORE;

    for (;;) {
        size_t k = MIN((size_t)c->framer.left, n - pos);
        uint32_t len;

        c->framer.left -= (uint32_t)k;
        pos += k;
        walk = WALK_MORE;
        if (c->framer.left || n - pos < PACKET_HEADER_BYTES)
            break;
        len = get_u24(b + pos);
        if (!c->framer.continued) {
            if (len && n - pos == PACKET_HEADER_BYTES)
                break;
            walk = walk_packet(c, cmd, b + pos, n - pos);
            if (walk == WALK_META_END && !cmd->ops->on_meta_end) {
                cmd->phase = BPHASE_ROWS;
                walk = walk_packet(c, cmd, b + pos, n - pos);
            }
            if (walk != WALK_PASS)
                break;
        }
        if (b[pos + 3] != c->in_seq) {
            walk = WALK_BAD;
            break;
        }
        cmd->last_seq = (uint8_t)(c->in_seq + cmd->seq_shift);
        b[pos + 3] = cmd->last_seq;
        c->in_seq++;
        c->framer.left = len;
        c->framer.continued = len == PACKET_FRAME_MAX;
        pos += PACKET_HEADER_BYTES;
    }
    if (walk == WALK_BAD) {
        bconn_fail_protocol(c, "malformed or misplaced packet in a result");
        return false;
    }
    if (pos) {
        chan_consume(&c->chan, pos);
        cmd->ops->on_raw(cmd, b, pos);
        return true; /* the state may have changed: look anew */
    }
    if (walk == WALK_META_END) {
        cmd->phase = BPHASE_ROWS;
        cmd->ops->on_meta_end(cmd);
        return true;
    }
    return walk == WALK_STOP && take_packet(c, cmd);
}

/* Data that nobody asked for: a server says so when it ends the connection. */
static void take_unasked(struct bconn *c)
{
    struct packet_err err;
    struct packet p;
    char text[300];
    struct diag d = {0};

    c->chan.seq = chan_in_len(&c->chan) > 3 ? chan_in(&c->chan)[3] : 0;
    if (chan_peek(&c->chan, &p) == CHAN_PEEK_MORE)
        return;
    if (chan_peek(&c->chan, &p) == CHAN_PEEK_PACKET && packet_err_parse(p.ptr, p.len, &err)) {
        snprintf(text, sizeof(text), "error %u: %.*s", err.code, (int)MIN(err.text.len, (size_t)200), err.text.ptr);
        diag_set(&d, ER_SHARD_DOWN, c->server->name, text);
        bconn_fail(c, &d);
    } else {
        bconn_fail_protocol(c, "data that nobody asked for");
    }
}

void bconn_parse(struct bconn *c)
{
    while (!c->is_paused && bconn_usable(c) && chan_in_len(&c->chan)) {
        struct bcmd *cmd = c->first;
        bool progress;

        if (!cmd) {
            take_unasked(c);
            return;
        }
        if (cmd->phase == BPHASE_FIRST && (cmd->kind == BCMD_FETCH || cmd->kind == BCMD_FIELDS))
            cmd->phase = BPHASE_ROWS;
        if (cmd->phase == BPHASE_INFILE)
            return;
        if (cmd->mode == BCMD_RELAY && cmd->kind != BCMD_OK && cmd->kind != BCMD_PREPARE && cmd->kind != BCMD_STRING &&
            cmd->kind != BCMD_FIELDS && (!cmd->meta_parsed || cmd->phase == BPHASE_ROWS))
            progress = take_raw(c, cmd);
        else
            progress = take_packet(c, cmd);
        if (!progress)
            return;
    }
}
