/* Side queries. The struct is on the heap, not in the caller's arena, because a cancelled one must outlive the statement that
 * asked: its connection can only be given back when the reply is through. */
#include "executor/sideq.h"

#include "catalog/names.h"
#include "executor/exec-int.h"
#include "util/strbuf.h"

struct sideq {
    struct sideq_args a;
    struct worker *worker;
    struct pool_waiter waiter;
    struct bcmd cmd;
    struct bconn *conn;
    struct sideq_result *r;
    size_t cap_cells, bytes;
    uint32_t n_params;
    bool cancelled, too_large, is_prepare;
};

static void finish(struct sideq *q)
{
    sideq_fn *done = q->a.done;
    void *arg = q->a.arg;
    struct sideq_result *r = q->r;
    bool cancelled = q->cancelled;

    if (q->conn)
        pool_release(q->conn);
    worker_free_later(q->worker, q);
    if (!cancelled)
        done(arg, r);
}

static void on_meta(struct bcmd *cmd, uint32_t n)
{
    struct sideq *q = cmd->arg;

    if (q->cancelled)
        return;
    q->r->n_cols = n;
    q->r->cols = ARENA_NEW_N(q->a.arena, struct packet_coldef, n);
    q->r->n_rows = 0;
}

static void take_coldef(struct sideq *q, uint32_t i, const struct packet_coldef *col)
{
    if (i >= q->r->n_cols)
        return;
    packet_coldef_copy(q->a.arena, &q->r->cols[i], col);
    q->r->cols[i].table = names_scope_table(q->r->cols[i].table, &q->a.names);
    q->r->cols[i].org_table = names_scope_table(q->r->cols[i].org_table, &q->a.names);
}

static void on_coldef(struct bcmd *cmd, uint32_t i, const struct packet_coldef *col, struct sv payload)
{
    struct sideq *q = cmd->arg;

    (void)payload;
    if (q->cancelled)
        return;
    if (q->a.kind == SIDEQ_FIELDS) {
        /* The number of columns is not announced: grow by doubling. Definitions are counted here, from 0. */
        i = (uint32_t)q->r->n_rows;
        if (i >= q->r->n_cols) {
            uint32_t n = MAX(i + 1, q->r->n_cols * 2);
            struct packet_coldef *cols = ARENA_NEW_N(q->a.arena, struct packet_coldef, n);

            if (q->r->n_cols)
                memcpy(cols, q->r->cols, q->r->n_cols * sizeof(*cols));
            q->r->cols = cols;
            q->r->n_cols = n;
        }
        q->r->n_rows = i + 1;
        take_coldef(q, i, col);
        return;
    }
    if (q->a.kind == SIDEQ_PREPARE) {
        if (i >= q->n_params)
            take_coldef(q, i - q->n_params, col);
        return;
    }
    take_coldef(q, i, col);
}

static void on_prepared(struct bcmd *cmd, const struct packet_prepare_ok *ok)
{
    struct sideq *q = cmd->arg;

    if (q->cancelled)
        return;
    q->n_params = ok->params;
    on_meta(cmd, ok->columns);
}

static void on_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct sideq *q = cmd->arg;
    struct sideq_result *r = q->r;
    size_t used;

    if (q->cancelled || q->too_large)
        return;
    q->bytes += n + r->n_cols * sizeof(struct sv);
    if (q->bytes > SIDEQ_BYTES_MAX) {
        q->too_large = true;
        return;
    }
    used = r->n_rows * r->n_cols;
    if (used + r->n_cols > q->cap_cells) {
        size_t cap = MAX(q->cap_cells * 2, (size_t)r->n_cols * 8);
        struct sv *cells = ARENA_NEW_N(q->a.arena, struct sv, cap);

        if (used)
            memcpy(cells, r->cells, used * sizeof(*cells));
        r->cells = cells;
        q->cap_cells = cap;
    }
    if (!rowtext_decode(payload, n, r->cells + used, r->n_cols)) {
        q->too_large = true;
        return;
    }
    for (uint32_t i = 0; i < r->n_cols; i++) {
        struct sv *c = &r->cells[used + i];

        if (c->ptr)
            *c = names_scope_text(q->a.arena, arena_dup(q->a.arena, *c), &q->a.names);
    }
    r->n_rows++;
}

static void on_lost(struct bcmd *cmd, bool maybe_done, const struct diag *d)
{
    struct sideq *q = cmd->arg;

    (void)maybe_done;
    if (!q->cancelled)
        q->r->diag = *d;
    finish(q);
}

/* ---- warnings ---- */

static void warning_row(struct bcmd *cmd, unsigned char *payload, size_t n)
{
    struct sideq *q = cmd->arg;
    struct warning w;

    if (!q->cancelled && exec_warning_of_row(payload, n, &w))
        warn_add(q->a.warnings, w.level, w.code, "%.*s",
            SV_ARG(names_scope_text(q->a.arena, w.text, &q->a.names)));
}

static void warnings_end(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    (void)ok, (void)is_result, (void)payload;
    if (!more)
        finish(cmd->arg);
}

static void warnings_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    (void)err, (void)payload;
    finish(cmd->arg);
}

static const struct bcmd_ops warnings_ops = {
    .on_row = warning_row,
    .on_ok = warnings_end,
    .on_err = warnings_err,
    .on_lost = on_lost,
};

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct sideq *q = cmd->arg;

    (void)is_result, (void)payload;
    if (more)
        return;
    if (!q->cancelled) {
        q->r->ok = *ok;
        q->r->ok.info = q->r->ok.track = SV_NULL;
        if (q->too_large)
            diag_set(&q->r->diag, ER_OUT_OF_RESOURCES, "result of an internal query");
        if (q->a.kind == SIDEQ_FIELDS)
            q->r->n_cols = (uint32_t)q->r->n_rows, q->r->n_rows = 0;
        if (q->a.warnings && ok->warnings) {
            q->cmd = (struct bcmd){.ops = &warnings_ops, .arg = q, .mode = BCMD_ROWS};
            bconn_query(q->conn, &q->cmd, SV("SHOW WARNINGS"));
            return;
        }
    }
    finish(q);
}

static void on_err(struct bcmd *cmd, const struct packet_err *err, struct sv payload)
{
    struct sideq *q = cmd->arg;

    (void)payload;
    if (!q->cancelled)
        diag_set_remote(&q->r->diag, err->code, err->sqlstate,
            names_scope_text(q->a.arena, err->text, &q->a.names));
    finish(q);
}

static const struct bcmd_ops ops = {
    .on_meta = on_meta,
    .on_coldef = on_coldef,
    .on_prepared = on_prepared,
    .on_row = on_row,
    .on_ok = on_ok,
    .on_err = on_err,
    .on_lost = on_lost,
};

static uint64_t sideq_hash(struct sv sql)
{
    uint64_t h = UINT64_C(0x9e3779b97f4a7c15);

    for (size_t i = 0; i < sql.len; i++)
        h = (h ^ (unsigned char)sql.ptr[i]) * UINT64_C(0x100000001b3);
    return h;
}

static void send_now(struct sideq *q)
{
    struct bconn *c = q->conn;
    struct iovec iov = {(void *)(uintptr_t)q->a.sql.ptr, q->a.sql.len};

    if (q->a.copies)
        offload_make_empty(c, q->a.copies);
    if (q->a.wanted)
        bconn_sync(c, q->a.wanted);
    q->cmd = (struct bcmd){.ops = &ops, .arg = q, .mode = BCMD_ROWS};
    switch (q->a.kind) {
    case SIDEQ_QUERY:
        bconn_query(c, &q->cmd, q->a.sql);
        return;
    case SIDEQ_PREPARE:
        bconn_stmt_prepare(c, &q->cmd, sideq_hash(q->a.sql), &iov, 1);
        return;
    case SIDEQ_FIELDS: {
        struct strbuf b;

        strbuf_init(&b, q->a.arena);
        strbuf_putc(&b, PCOM_FIELD_LIST);
        strbuf_putsv(&b, q->a.sql);
        strbuf_putc(&b, '\0');
        bconn_command(c, &q->cmd, BCMD_FIELDS, b.ptr, b.len);
        return;
    }
    }
}

static void on_conn(struct pool_waiter *pw, struct bconn *c)
{
    struct sideq *q = CONTAINER_OF(pw, struct sideq, waiter);

    q->conn = c;
    send_now(q);
}

static void on_fail(struct pool_waiter *pw, const struct diag *d)
{
    struct sideq *q = CONTAINER_OF(pw, struct sideq, waiter);

    q->r->diag = *d;
    finish(q);
}

struct sideq *sideq_start(struct worker *w, const struct sideq_args *a)
{
    struct pool *p = pool_of(w, a->shard_id);
    struct sideq *q = xcalloc(1, sizeof(*q));

    q->a = *a;
    q->worker = w;
    q->r = ARENA_NEW(a->arena, struct sideq_result);
    q->waiter.on_conn = on_conn;
    q->waiter.on_fail = on_fail;
    q->waiter.like = a->wanted;
    q->waiter.owner_kind = "side query";
    q->waiter.owner = q;
    if (!p) {
        diag_setf(&q->r->diag, ER_UNKNOWN_SHARD, "Unknown shard %u", a->shard_id);
        finish(q);
        return NULL;
    }
    switch (pool_lease(p, &q->waiter, &q->conn, &q->r->diag)) {
    case POOL_READY:
        send_now(q);
        return q;
    case POOL_WAIT:
        return q;
    case POOL_FAIL:
        q->conn = NULL;
        finish(q);
        return NULL;
    }
    return NULL;
}

void sideq_cancel(struct sideq *q)
{
    q->cancelled = true;
    if (!q->conn) {
        pool_cancel(&q->waiter);
        finish(q);
    } else {
        /* Its text is its owner's, who may let it go now, in the very callback that sent it. */
        chan_flush(&q->conn->chan);
        bconn_cancel_query(q->conn);
    }
}
