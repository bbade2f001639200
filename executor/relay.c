/* The relay: a statement for one place. The client's text goes to the shard with names spliced in, the reply comes back as
 * bytes. Only the column definitions (where they name a physical table) and the last packet are looked at.
 *
 * Raw form: nothing was renamed and both sides agree on DEPRECATE_EOF; the shard's packets are the client's, with the same
 * sequence ids, since both answer packet 0.
 * Parsed metadata: column definitions are decoded, renamed and put again; rows still pass as bytes, their ids shifted by one
 * where the client gets an EOF packet that the shard did not send.
 *
 * Back-pressure: when the client's output is full, the shard connection is paused; exec_client_drained resumes it. */
#include "executor/exec-int.h"

#include "catalog/names.h"
#include "catalog/snapshot.h"
#include "executor/prepare.h"

static struct exec_lane *lane_of(struct bcmd *cmd)
{
    return CONTAINER_OF(cmd, struct exec_lane, cmd);
}

/* ---- the reply ---- */

/* What a client without DEPRECATE_EOF gets and the shard does not send, or the other way round. */
static uint8_t eof_shift(const struct exec_lane *l)
{
    return (uint8_t)(!(l->e->caps & CAP_DEPRECATE_EOF) - !(l->conn->caps & CAP_DEPRECATE_EOF));
}

/* The shard's ids count from its own command's packets, the client's from the client's: they differ for statements that
 * are not the first of their packet, and where the command took another number of frames. Once the command is sent. */
void relay_align(struct exec_lane *l)
{
    if (l->e->client && l->conn)
        l->cmd.seq_shift = (uint8_t)(eof_shift(l) + l->e->client->seq - l->cmd.reply_seq);
}

static void on_meta(struct bcmd *cmd, uint32_t n_columns)
{
    struct exec *e = lane_of(cmd)->e;

    if (e->client)
        chan_put_column_count(e->client, n_columns);
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct exec *e = lane_of(cmd)->e;
    struct packet_coldef out = *col;

    (void)i, (void)payload;
    if (!e->client)
        return;
    exec_logical_coldef(e, &out);
    chan_put_coldef(e->client, &out);
}

static void on_meta_end(struct bcmd *cmd)
{
    struct exec_lane *l = lane_of(cmd);
    struct exec *e = l->e;

    e->meta_sent = true;
    if (!cmd->meta_parsed || !e->client)
        return;
    if (!(e->caps & CAP_DEPRECATE_EOF))
        chan_put_eof(e->client, e->host->status(e), 0);
}

static void on_raw(struct bcmd *cmd, unsigned char *bytes, size_t n)
{
    struct exec_lane *l = lane_of(cmd);
    struct exec *e = l->e;

    if (!e->client || e->client->state != CHAN_OPEN)
        return;
    /* Also behind a KILL QUERY: runs are cut anywhere, and the error must come behind a whole packet. */
    e->meta_sent = true;
    chan_write_ref(e->client, bytes, n);
    if (chan_out_full(e->client)) {
        e->client_full = true;
        bconn_pause(l->conn);
    }
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct exec_lane *l = lane_of(cmd);
    struct exec *e = l->e;

    (void)payload;
    if (e->client && is_result)
        e->client->seq = (uint8_t)(cmd->last_seq);
    if (more) {
        /* CALL: one more result follows, so this end is not the statement's. */
        struct packet_ok mid = *ok;

        e->meta_sent = false;
        mid.status = (uint16_t)(e->host->status(e) | STATUS_MORE_RESULTS);
        if (e->client && is_result)
            chan_put_result_end(e->client, &mid, e->caps);
        else if (e->client)
            chan_put_ok(e->client, &mid, e->caps);
        if (e->client)
            cmd->seq_shift = (uint8_t)(cmd->seq_shift + eof_shift(l) + e->client->seq - cmd->last_seq - 1);
        return;
    }
    e->outcome.kind = is_result ? EXEC_ROWS : EXEC_OK;
    e->relayed_rows = cmd->relayed_rows;
    (void)FAULT("exec.relay_done");
    l->asks_vars = vars_wanted(e->plan);
    exec_lane_ok(l, ok);
}

static void on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct exec_lane *l = lane_of(cmd);

    (void)payload;
    if (l->e->client && l->e->meta_sent)
        l->e->client->seq = cmd->last_seq;
    exec_lane_err(l, err);
}

static void on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct exec_lane *l = lane_of(cmd);

    (void)maybe_done;
    if (l->e->client && l->e->meta_sent) {
        l->e->client->seq = (uint8_t)(cmd->last_seq + 1);
        l->e->client_torn = l->conn->framer.left || l->conn->framer.continued;
    }
    exec_lane_lost(l, d);
}

static const struct bcmd_ops relay_ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_meta_end = on_meta_end,
    .on_raw = on_raw,
    .on_ok = on_ok,
    .on_err = on_err,
    .on_lost = on_lost,
};

/* ---- the request ---- */

static void send_text(struct exec *e, struct exec_lane *l)
{
    bconn_query(l->conn, &l->cmd, relay_text(e, l->place));
    relay_align(l);
}

struct sv relay_text(struct exec *e, uint32_t place)
{
    struct strbuf b;

    if (!e->plan->n_edits)
        return e->inputs->text;
    strbuf_init(&b, e->arena);
    optimizer_splice(e->plan, e->inputs, place, 0, &b);
    return strbuf_sv(&b);
}

static bool renames(const struct plan *p)
{
    for (uint16_t i = 0; i < p->n_edits; i++) {
        if (p->edits[i].kind == EDIT_TABLE)
            return true;
    }
    return false;
}

static void relay_send(struct exec_lane *l, struct bconn *c)
{
    struct exec *e = l->e;

    l->conn = c;
    l->state = LANE_BUSY;
    exec_set_state(e, EXEC_RUNNING);
    l->cmd.ops = &relay_ops;
    l->cmd.mode = BCMD_RELAY;
    l->cmd.meta_parsed = eof_shift(l) || e->offload || renames(e->plan);
    vars_before(l);
    vars_before_id(l);
    if (e->prepared)
        prepare_execute(e, l);
    else
        send_text(e, l);
    if (l->conn) {
        bconn_flush_for_fault(l->conn);
        (void)FAULT("exec.relay_sent");
    }
}

static void on_leased(void *arg, struct bconn *c, const struct diag *d)
{
    struct exec_lane *l = arg;
    struct exec *e = l->e;

    if (!c || e->cancelled) {
        l->failed = true;
        l->state = LANE_DONE;
        e->n_done = 1;
        if (d)
            exec_fail(e, d);
        if (c) {
            l->result.done = TXN_DONE_UNUSED;
            txn_release(e->txn, c, &l->result);
        }
        e->step_done(e);
        return;
    }
    relay_send(l, c);
}

static void relay_done(struct exec *e)
{
    if (!exec_failed(e) && !e->one.failed) {
        if (e->outcome.kind == EXEC_OK)
            e->cancelled = false; /* the KILL came too late: the statement took effect */
        e->outcome.ok = e->one.ok;
        if (!e->plan->calc_found_rows)
            e->outcome.rows = e->relayed_rows;
    }
    exec_finish(e);
}

static struct exec_lane *relay_lane(struct exec *e, uint32_t place)
{
    struct exec_lane *l = &e->one;

    memset(l, 0, sizeof(*l));
    l->e = e;
    l->place = place;
    l->state = LANE_LEASING;
    e->lanes = l;
    e->n_lanes = 1;
    e->n_done = 0;
    e->step_done = relay_done;
    exec_set_state(e, EXEC_LEASING);
    return l;
}

void relay_on(struct exec *e, struct bconn *c)
{
    struct exec_lane *l = relay_lane(e, UINT32_MAX);

    l->kept = true;
    relay_send(l, c);
}

void relay_start(struct exec *e, uint32_t place, uint32_t shard_id)
{
    struct exec_lane *l = relay_lane(e, place);

    l->shard_id = shard_id;
    if (!exec_begin(e, false)) {
        exec_finish(e);
        return;
    }
    txn_lease(e->txn, shard_id, exec_need(e), e->wanted, on_leased, l);
}
