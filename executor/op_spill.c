/* Rows in temporary files.
 *
 * An operator that spills has one file, unlinked while it is open, so that nothing stays behind whatever happens. The file is blocks
 * of 32 KiB; a spool (one run of a sort, one partition of a hash table) is a list of blocks, and blocks that were read for the last
 * time are used again. A row is written as its length-free image: hash, bits and cells, then the texts of its long strings in the order
 * of the columns; their lengths are in the cells. Addresses in an image mean nothing and are set anew when it is read.
 *
 * All of it is synchronous: pwrite and pread of whole blocks, which the page cache takes in the usual case. A short or failed write
 * (full disk, quota, the account of temporary files) ends this query with an error that says so, and closing the file gives the
 * space back.
 *
 * Fault points: spill.open, spill.write, spill.read. */
#include "executor/op-int.h"

#include "util/acct.h"
#include "util/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

struct spill_file {
    int fd;
    uint32_t n_blocks; /* the file's length */
    uint32_t *free;
    uint32_t n_free, cap_free;
    uint64_t accounted;
};

static bool file_error(struct op *o, enum diag_code code, const char *what, int err)
{
    if (err == ENOSPC || err == EDQUOT)
        return diag_setf(o->cx->diag, ER_DISK_FULL, "Disk full: temporary file of '%s' in '%s' could not be written (errno: %d - %s)",
            o->ops->name, o->cx->spill_dir, err, strerror(err));
    return diag_setf(o->cx->diag, code, "Error %s temporary file of '%s' in '%s' (errno: %d - %s)", what, o->ops->name,
        o->cx->spill_dir, err, strerror(err));
}

static int open_unlinked(const char *dir)
{
    char path[4096];
    int fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

    /* Not every file system has O_TMPFILE: a name that is gone at once does as well. */
    for (unsigned i = 0; fd < 0 && i < 100; i++) {
        if (i ? errno != EEXIST : errno != EOPNOTSUPP && errno != EISDIR && errno != EINVAL)
            return -1;
        if (snprintf(path, sizeof(path), "%s/tessera-spill-%ld-%p-%u", dir, (long)getpid(), (void *)path, i) >= (int)sizeof(path)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        fd = open(path, O_CREAT | O_EXCL | O_RDWR | O_CLOEXEC, 0600);
        if (fd >= 0)
            unlink(path);
    }
    return fd;
}

static bool open_file(struct op *o)
{
    struct spill_file *f;
    int fd;

    if (o->file)
        return true;
    errno = EACCES;
    fd = FAULT("spill.open") ? -1 : open_unlinked(o->cx->spill_dir);
    if (fd < 0)
        return file_error(o, ER_CANT_CREATE_FILE, "creating", errno);
    f = xcalloc(1, sizeof(*f));
    f->fd = fd;
    o->file = f;
    return true;
}

void spill_close(struct op *o)
{
    struct spill_file *f = o->file;

    if (!f)
        return;
    close(f->fd);
    if (o->cx->spill_acct)
        acct_release(o->cx->spill_acct, f->accounted);
    xfree(f->free);
    xfree(f);
    o->file = NULL;
}

static bool take_block(struct op *o, uint32_t *block)
{
    struct spill_file *f = o->file;

    if (f->n_free) {
        *block = f->free[--f->n_free];
        return true;
    }
    if (o->cx->spill_acct) {
        if (!acct_try_reserve(o->cx->spill_acct, SPILL_BLOCK, NULL))
            return diag_setf(o->cx->diag, ER_DISK_FULL, "Disk full: temporary files of '%s' would exceed their limit", o->ops->name);
        f->accounted += SPILL_BLOCK;
    }
    *block = f->n_blocks++;
    return true;
}

static void give_block(struct op *o, uint32_t block)
{
    struct spill_file *f = o->file;

    if (f->n_free == f->cap_free) {
        f->cap_free = f->cap_free ? f->cap_free * 2 : 64;
        f->free = xrealloc(f->free, f->cap_free * sizeof(*f->free));
    }
    f->free[f->n_free++] = block;
}

/* ---- writing ---- */

struct spool *spool_new(struct op *o, struct row_layout *l)
{
    struct spool *s = xcalloc(1, sizeof(*s));

    s->op = o;
    s->l = l;
    return s;
}

static bool flush_block(struct spool *s)
{
    struct op *o = s->op;
    uint32_t block = 0;
    size_t at = 0;

    if (!open_file(o) || !take_block(o, &block))
        return false;
    if (s->n_blocks == s->cap_blocks) {
        s->cap_blocks = s->cap_blocks ? s->cap_blocks * 2 : 16;
        s->blocks = xrealloc(s->blocks, s->cap_blocks * sizeof(*s->blocks));
    }
    s->blocks[s->n_blocks++] = block;
    if (FAULT("spill.write"))
        return file_error(o, ER_ERROR_ON_WRITE, "writing", ENOSPC);
    while (at < s->len) {
        ssize_t n = pwrite(o->file->fd, s->buf + at, s->len - at, (off_t)block * SPILL_BLOCK + (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_error(o, ER_ERROR_ON_WRITE, "writing", n < 0 ? errno : ENOSPC);
        at += (size_t)n;
    }
    s->bytes += s->len;
    o->spilled += s->len;
    s->len = 0;
    return true;
}

static bool put_bytes(struct spool *s, const char *p, size_t n)
{
    while (n) {
        size_t part = MIN(n, (size_t)(SPILL_BLOCK - s->len));

        memcpy(s->buf + s->len, p, part);
        s->len += (uint32_t)part;
        p += part;
        n -= part;
        if (s->len == SPILL_BLOCK && !flush_block(s))
            return false;
    }
    return true;
}

bool spool_put(struct spool *s, const char *row)
{
    const struct row_layout *l = s->l;

    ASSERT(!s->closed);
    if (!s->buf) {
        s->buf = xmalloc(SPILL_BLOCK);
        s->op->extra += SPILL_BLOCK;
        op_force_charge(s->op);
    }
    s->rows++;
    if (!put_bytes(s, row + 8, l->cells_end - 8))
        return false;
    for (uint32_t i = 0; i < l->n_str; i++) {
        struct strv v;

        memcpy(&v, row + l->col[l->str[i]].off, sizeof(v));
        if (v.len > STRV_INLINE && !put_bytes(s, v.ptr, v.len))
            return false;
    }
    return true;
}

static void drop_buffer(struct spool *s)
{
    if (s->buf) {
        xfree(s->buf);
        s->buf = NULL;
        s->op->extra -= SPILL_BLOCK;
    }
}

bool spool_end(struct spool *s)
{
    bool ok = s->closed || !s->len || flush_block(s);

    s->closed = true;
    drop_buffer(s);
    op_force_charge(s->op);
    return ok;
}

void spool_free(struct spool *s)
{
    if (!s)
        return;
    drop_buffer(s);
    if (s->op->file) {
        for (uint32_t i = s->given; i < s->n_blocks; i++)
            give_block(s->op, s->blocks[i]);
    }
    xfree(s->blocks);
    xfree(s);
}

/* ---- reading ---- */

void spool_open(struct spool_reader *r, struct spool *s, struct row_store *into, bool consume)
{
    ASSERT(s->closed);
    *r = (struct spool_reader){.s = s, .into = into, .left = s->rows, .consume = consume};
    r->buf = xmalloc(SPILL_BLOCK);
    s->op->extra += SPILL_BLOCK;
    op_force_charge(s->op);
}

void spool_close(struct spool_reader *r)
{
    if (!r->buf)
        return;
    xfree(r->buf);
    r->buf = NULL;
    r->s->op->extra -= SPILL_BLOCK;
    op_force_charge(r->s->op);
}

static bool fill(struct spool_reader *r)
{
    struct spool *s = r->s;
    struct op *o = s->op;
    uint32_t block, want;
    size_t at = 0;

    if (r->block == s->n_blocks)
        return diag_set(o->cx->diag, ER_INTERNAL, "a temporary file ends early");
    block = s->blocks[r->block++];
    want = r->block == s->n_blocks ? (uint32_t)(s->bytes - (uint64_t)(s->n_blocks - 1) * SPILL_BLOCK) : SPILL_BLOCK;
    if (FAULT("spill.read"))
        return file_error(o, ER_ERROR_ON_READ, "reading", EIO);
    while (at < want) {
        ssize_t n = pread(o->file->fd, r->buf + at, want - at, (off_t)block * SPILL_BLOCK + (off_t)at);

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return file_error(o, ER_ERROR_ON_READ, "reading", n < 0 ? errno : EIO);
        at += (size_t)n;
    }
    if (r->consume) {
        give_block(o, block);
        s->given = r->block;
    }
    r->pos = 0;
    r->len = want;
    return true;
}

static bool take_bytes(struct spool_reader *r, char *to, size_t n)
{
    while (n) {
        size_t part = MIN(n, (size_t)(r->len - r->pos));

        if (!part) {
            if (!fill(r))
                return false;
            continue;
        }
        memcpy(to, r->buf + r->pos, part);
        r->pos += (uint32_t)part;
        to += part;
        n -= part;
    }
    return true;
}

char *spool_get(struct spool_reader *r, bool *ok)
{
    const struct row_layout *l = r->s->l;
    char *row;

    *ok = true;
    if (r->left == 0)
        return NULL;
    r->left--;
    row = row_store_add(r->into);
    r->into->has_nulls = true;
    *ok = take_bytes(r, row + 8, l->cells_end - 8);
    for (uint32_t i = 0; *ok && i < l->n_str; i++) {
        char *cell = row + l->col[l->str[i]].off, *text;
        struct strv v;

        memcpy(&v, cell, sizeof(v));
        if (v.len <= STRV_INLINE)
            continue;
        text = arena_alloc(&r->into->heap, v.len);
        *ok = take_bytes(r, text, v.len);
        v.ptr = text;
        memcpy(cell, &v, sizeof(v));
    }
    return *ok ? row : NULL;
}
