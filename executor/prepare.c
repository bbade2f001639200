#include "executor/prepare.h"

#include "executor/exec-int.h"
#include "util/hash.h"

/* The physical text and its hash for a place: kept by the client's statement unless the text differs between executions. */
static const struct exec_place_text *place_text(struct exec *e, uint32_t place)
{
    const struct exec_prepared *p = e->prepared;
    struct exec_place_text *t;
    struct sv text;

    if (p->texts && place < p->n_texts) {
        t = &p->texts[place];
        if (t->text.ptr && t->signature == e->wanted->signature)
            return t;
        if (!t->text.ptr) /* else the text is as it was, and only what it means has changed */
            t->text = arena_dup(p->arena, relay_text(e, place));
        text = t->text;
    } else {
        text = relay_text(e, place);
        t = ARENA_NEW(e->arena, struct exec_place_text);
        t->text = text;
    }
    /* What a statement means depends on schema and sql_mode, which are in the session state's signature. */
    t->signature = e->wanted->signature;
    t->hash = hash_combine(hash64(text.ptr, text.len), t->signature);
    return t;
}

static void execute(struct exec *e, struct exec_lane *l, const struct bstmt *st)
{
    l->cmd.ops = l->ops;
    l->cmd.mode = BCMD_RELAY;
    l->cmd.meta_parsed = l->want_meta;
    bconn_stmt_execute(l->conn, &l->cmd, st, e->prepared->payload, e->prepared->len);
    relay_align(l);
}

static void on_ok(struct bcmd *cmd, const struct packet_ok *ok, bool is_result, bool more, struct sv payload)
{
    struct exec_lane *l = CONTAINER_OF(cmd, struct exec_lane, cmd);
    struct bstmt *st = bconn_stmt_find(l->conn, l->stmt_hash);

    (void)ok, (void)is_result, (void)more, (void)payload;
    if (l->e->cancelled) {
        exec_lane_drop(l);
        return;
    }
    CHECK(st);
    execute(l->e, l, st);
}

static const struct bcmd_ops prepare_ops = {
    .on_ok = on_ok,
    .on_err = exec_on_err,
    .on_lost = exec_on_lost,
};

void prepare_execute(struct exec *e, struct exec_lane *l)
{
    const struct exec_place_text *t = place_text(e, l->place);
    /* A server settles how a statement compares at its first execution with values: one that was executed with numbers compares
     * strings as numbers ever after. So each combination of kinds has a statement of its own. */
    uint64_t hash = hash_combine(t->hash, e->prepared->types);
    struct bstmt *st = bconn_stmt_find(l->conn, hash);
    struct iovec iov = {(void *)(uintptr_t)t->text.ptr, t->text.len};

    l->ops = l->cmd.ops;
    l->want_meta = l->cmd.meta_parsed;
    l->stmt_hash = hash;
    if (st) {
        execute(e, l, st);
        return;
    }
    l->cmd.ops = &prepare_ops;
    l->cmd.mode = BCMD_SWALLOW;
    l->cmd.meta_parsed = false;
    l->cmd.seq_shift = 0;
    bconn_stmt_prepare(l->conn, &l->cmd, hash, &iov, 1);
}
