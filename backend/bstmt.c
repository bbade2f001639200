/* Prepared statements of one shard connection: a hash table by the caller's hash, and a list by last use. */
#include "backend/bconn-int.h"
#include "util/arena.h"

enum { BUCKETS = 128 };

struct bconn_stmts {
    struct bstmt *bucket[BUCKETS];
    struct bstmt *newest, *oldest;
    uint32_t n;
};

static void lru_remove(struct bconn_stmts *t, struct bstmt *st)
{
    if (st->lru_prev)
        st->lru_prev->lru_next = st->lru_next;
    else
        t->newest = st->lru_next;
    if (st->lru_next)
        st->lru_next->lru_prev = st->lru_prev;
    else
        t->oldest = st->lru_prev;
}

static void lru_add(struct bconn_stmts *t, struct bstmt *st)
{
    st->lru_prev = NULL;
    st->lru_next = t->newest;
    if (t->newest)
        t->newest->lru_prev = st;
    else
        t->oldest = st;
    t->newest = st;
}

static void forget(struct bconn_stmts *t, struct bstmt *st)
{
    struct bstmt **at = &t->bucket[st->hash % BUCKETS];

    while (*at != st)
        at = &(*at)->next_same;
    *at = st->next_same;
    lru_remove(t, st);
    t->n--;
    xfree(st);
}

static struct bstmt *find(struct bconn_stmts *t, uint64_t hash)
{
    struct bstmt *st = t ? t->bucket[hash % BUCKETS] : NULL;

    while (st && st->hash != hash)
        st = st->next_same;
    return st;
}

struct bstmt *bconn_stmt_find(struct bconn *c, uint64_t hash)
{
    struct bstmt *st = find(c->stmts, hash);

    if (st) {
        st->uses++;
        if (c->stmts->newest != st) {
            lru_remove(c->stmts, st);
            lru_add(c->stmts, st);
        }
    }
    return st;
}

static void close_statement(struct bconn *c, const struct bstmt *st)
{
    unsigned char p[5];

    p[0] = PCOM_STMT_CLOSE;
    put_u32(p + 1, st->id);
    if (bconn_usable(c))
        bconn_no_reply(c, p, sizeof(p));
}

/* One place under the cap; statements whose prepare is under way stay. */
static void make_place(struct bconn *c)
{
    struct bconn_stmts *t = c->stmts;
    struct bstmt *st = t->oldest;

    while (t->n >= BCONN_STMTS_MAX && st) {
        struct bstmt *prev = st->lru_prev;

        if (st->id) {
            close_statement(c, st);
            forget(t, st);
        }
        st = prev;
    }
}

void bconn_stmt_prepare(struct bconn *c, struct bcmd *cmd, uint64_t hash, const struct iovec *iov, size_t n)
{
    struct bstmt *st;

    bconn_stmt_forget(c, hash);
    if (!c->stmts)
        c->stmts = xcalloc(1, sizeof(*c->stmts));
    make_place(c);
    st = xcalloc(1, sizeof(*st));
    st->hash = hash;
    st->next_same = c->stmts->bucket[hash % BUCKETS];
    c->stmts->bucket[hash % BUCKETS] = st;
    lru_add(c->stmts, st);
    c->stmts->n++;
    bconn_begin(c);
    if (bconn_usable(c))
        chan_put_packet_iov(&c->chan, PCOM_STMT_PREPARE, iov, n);
    bconn_queue(c, cmd, BCMD_PREPARE);
    cmd->stmt = st;
}

void bconn_stmt_execute(struct bconn *c, struct bcmd *cmd, const struct bstmt *st, const void *payload, size_t n)
{
    unsigned char id[4];
    struct iovec v[2] = {{id, sizeof(id)}, {(char *)(uintptr_t)payload + 5, n - 5}};

    CHECK(n >= 10 && st->id);
    put_u32(id, st->id);
    bconn_begin(c);
    if (bconn_usable(c))
        chan_put_packet_iov(&c->chan, PCOM_STMT_EXECUTE, v, 2); /* pieces as short as id are copied */
    bconn_queue(c, cmd, BCMD_EXECUTE);
}

void bconn_stmt_forget(struct bconn *c, uint64_t hash)
{
    struct bstmt *st = find(c->stmts, hash);

    if (!st)
        return;
    /* One under way is forgotten by the table only when its reply comes; its command keeps no pointer then. */
    for (struct bcmd *cmd = c->first; cmd; cmd = cmd->next) {
        if (cmd->stmt == st)
            cmd->stmt = NULL;
    }
    if (st->id)
        close_statement(c, st);
    forget(c->stmts, st);
}

void bconn_stmt_prepared(struct bconn *c, struct bstmt *st, const struct packet_prepare_ok *ok)
{
    (void)c;
    st->id = ok->stmt_id;
    st->params = ok->params;
    st->columns = ok->columns;
}

void bconn_stmt_failed(struct bconn *c, struct bstmt *st)
{
    forget(c->stmts, st);
}

void bconn_stmts_free(struct bconn *c)
{
    for (struct bcmd *cmd = c->first; cmd; cmd = cmd->next)
        cmd->stmt = NULL;
    while (c->stmts && c->stmts->newest)
        forget(c->stmts, c->stmts->newest);
    xfree(c->stmts);
    c->stmts = NULL;
}
