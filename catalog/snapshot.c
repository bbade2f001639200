/* Snapshots: look-ups and the builder.
 *
 * The arrays of a snapshot are sorted when it is finished; the maps go from names and ids to
 * indices. A table's key in table_map is `database NUL table`, which no name can contain twice. A
 * name may stand for several tables at once while DDL replaces one (a public one, and others being
 * made or dropped): the map then has the public one, if there is one.
 *
 * Tables are counted objects: a snapshot holds one reference to each of its tables, and a table
 * that did not change is the same object in the next snapshot. The rest is small and copied. */
#include "catalog/snapshot.h"

#include "catalog/user.h"

#include <stdlib.h>

enum { TABLE_KEY_MAX = 2 * LIMIT_IDENT_BYTES + 1 };

/* --- look-ups --- */

static const struct sv virtual_dbs[] = {{"information_schema", 18}, {"mysql", 5},
    {"performance_schema", 18}, {"sys", 3}, {"tessera", 7}};

bool cat_is_virtual_db(struct sv name)
{
    for (size_t i = 0; i < ARRAY_LEN(virtual_dbs); i++) {
        if (sv_eq_nocase(name, virtual_dbs[i]))
            return true;
    }
    return false;
}

const struct cat_db *cat_find_db(const struct cat_snapshot *s, struct sv name)
{
    const uint32_t *i = cat_ptr_map_get(&s->db_map, name);

    return i && s->dbs.v[*i].state == CAT_PUBLIC ? &s->dbs.v[*i] : NULL;
}

/* ptr NULL: longer than any name can be. */
static struct sv table_key(char *buf, struct sv db, struct sv name)
{
    if (db.len + 1 + name.len > TABLE_KEY_MAX)
        return SV_NULL;
    if (db.len)
        memcpy(buf, db.ptr, db.len);
    buf[db.len] = '\0';
    if (name.len)
        memcpy(buf + db.len + 1, name.ptr, name.len);
    return sv_make(buf, db.len + 1 + name.len);
}

const struct cat_table *cat_find_table_any(
    const struct cat_snapshot *s, struct sv db, struct sv name)
{
    char buf[TABLE_KEY_MAX];
    struct sv key = table_key(buf, db, name);
    const uint32_t *i = key.ptr ? cat_ptr_map_get(&s->table_map, key) : NULL;

    return i ? s->tables.v[*i] : NULL;
}

const struct cat_table *cat_find_table(const struct cat_snapshot *s, struct sv db, struct sv name)
{
    const struct cat_table *t = cat_find_table_any(s, db, name);

    return t && cat_table_is_visible(t) ? t : NULL;
}

const struct cat_table *cat_find_table_id(const struct cat_snapshot *s, uint64_t id)
{
    const uint32_t *i = cat_id_map_get(&s->table_ids, id);

    return i ? s->tables.v[*i] : NULL;
}

const struct cat_shard *cat_find_shard(const struct cat_snapshot *s, struct sv name)
{
    for (size_t i = 0; i < s->shards.n; i++) {
        if (sv_eq_nocase(s->shards.v[i].name, name))
            return &s->shards.v[i];
    }
    return NULL;
}

const struct cat_shard *cat_find_shard_id(const struct cat_snapshot *s, uint32_t id)
{
    const uint32_t *i = cat_id_map_get(&s->shard_ids, id);

    return i ? &s->shards.v[*i] : NULL;
}

size_t cat_tables_of(const struct cat_snapshot *s, struct sv db, size_t *first)
{
    size_t lo = 0, hi = s->tables.n, end;

    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;

        if (sv_cmp(s->tables.v[mid]->db, db) < 0)
            lo = mid + 1;
        else
            hi = mid;
    }
    for (end = lo; end < s->tables.n && sv_eq(s->tables.v[end]->db, db); end++) {
    }
    *first = lo;
    return end - lo;
}

const struct cat_user *cat_find_user(const struct cat_snapshot *s, struct sv name, struct sv host)
{
    for (size_t i = 0; i < s->users.n; i++) {
        const struct cat_user *u = &s->users.v[i];

        if ((u->name.len == 0 || sv_eq(u->name, name)) && user_host_matches(u->host, host))
            return u;
    }
    return NULL;
}

const struct cat_user *cat_find_account(
    const struct cat_snapshot *s, struct sv name, struct sv host)
{
    for (size_t i = 0; i < s->users.n; i++) {
        if (sv_eq(s->users.v[i].name, name) && sv_eq_nocase(s->users.v[i].host, host))
            return &s->users.v[i];
    }
    return NULL;
}

struct sv cat_setting(const struct cat_snapshot *s, struct sv name)
{
    for (size_t i = 0; i < s->settings.n; i++) {
        if (sv_eq_nocase(s->settings.v[i].name, name))
            return s->settings.v[i].value;
    }
    return SV_NULL;
}

/* --- life --- */

struct cat_snapshot *cat_snapshot_ref(const struct cat_snapshot *s)
{
    struct cat_snapshot *w =
        (struct cat_snapshot *)(uintptr_t)s; /* the count is the one thing that changes */

    atomic_fetch_add_explicit(&w->refs, 1, memory_order_relaxed);
    return w;
}

void cat_snapshot_unref(const struct cat_snapshot *s)
{
    struct cat_snapshot *w = (struct cat_snapshot *)(uintptr_t)s;

    if (!w || atomic_fetch_sub_explicit(&w->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (size_t i = 0; i < w->tables.n; i++)
        cat_table_unref(w->tables.v[i]);
    arena_free(&w->arena);
    xfree(w);
}

/* --- builder --- */

static void copy_shard(struct arena *a, struct cat_shard *to, const struct cat_shard *from)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
    to->host = arena_dup(a, from->host);
    to->user = arena_dup(a, from->user);
    to->password = arena_dup(a, from->password);
}

static void copy_db(struct arena *a, struct cat_db *to, const struct cat_db *from)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
    to->charset = arena_dup(a, from->charset);
    to->collation = arena_dup(a, from->collation);
}

static void copy_user(struct arena *a, struct cat_user *to, const struct cat_user *from)
{
    *to = *from;
    to->name = arena_dup(a, from->name);
    to->host = arena_dup(a, from->host);
    to->plugin = arena_dup(a, from->plugin);
    to->secret = arena_dup(a, from->secret);
    to->attrs = arena_dup(a, from->attrs);
}

void cat_builder_begin(struct cat_builder *b, const struct cat_snapshot *base)
{
    struct cat_snapshot *s = xcalloc(1, sizeof(*s));

    arena_init(&s->arena, 0);
    atomic_init(&s->refs, 1);
    s->table_ids.arena = &s->arena;
    b->s = s;
    if (!base)
        return;
    for (size_t i = 0; i < base->shards.n; i++)
        copy_shard(&s->arena, array_add(&s->shards, &s->arena), &base->shards.v[i]);
    for (size_t i = 0; i < base->dbs.n; i++)
        copy_db(&s->arena, array_add(&s->dbs, &s->arena), &base->dbs.v[i]);
    for (size_t i = 0; i < base->users.n; i++)
        copy_user(&s->arena, array_add(&s->users, &s->arena), &base->users.v[i]);
    for (size_t i = 0; i < base->settings.n; i++)
        cat_builder_put_setting(b, base->settings.v[i].name, base->settings.v[i].value);
    array_reserve(&s->tables, &s->arena, base->tables.n + 8);
    cat_id_map_reserve(&s->table_ids, base->tables.n + 8);
    for (size_t i = 0; i < base->tables.n; i++)
        cat_builder_put_table(b, base->tables.v[i]);
}

void cat_builder_put_shard(struct cat_builder *b, const struct cat_shard *shard)
{
    struct cat_snapshot *s = b->s;

    array_each(&s->shards, it)
    {
        if (it->id == shard->id) {
            copy_shard(&s->arena, it, shard);
            return;
        }
    }
    copy_shard(&s->arena, array_add(&s->shards, &s->arena), shard);
}

bool cat_builder_drop_shard(struct cat_builder *b, uint32_t id)
{
    for (size_t i = 0; i < b->s->shards.n; i++) {
        if (b->s->shards.v[i].id == id) {
            array_remove(&b->s->shards, i);
            return true;
        }
    }
    return false;
}

void cat_builder_put_db(struct cat_builder *b, const struct cat_db *db)
{
    struct cat_snapshot *s = b->s;

    array_each(&s->dbs, it)
    {
        if (it->id == db->id) {
            copy_db(&s->arena, it, db);
            return;
        }
    }
    copy_db(&s->arena, array_add(&s->dbs, &s->arena), db);
}

/* Table i leaves: the last one takes its place. */
static void remove_table(struct cat_snapshot *s, size_t i)
{
    const struct cat_table *gone = s->tables.v[i];

    cat_id_map_del(&s->table_ids, gone->id);
    array_remove_swap(&s->tables, i);
    if (i < s->tables.n)
        *cat_id_map_put(&s->table_ids, s->tables.v[i]->id, NULL) = (uint32_t)i;
    cat_table_unref(gone);
}

bool cat_builder_drop_db(struct cat_builder *b, uint64_t id)
{
    struct cat_snapshot *s = b->s;
    size_t at;

    for (at = 0; at < s->dbs.n && s->dbs.v[at].id != id; at++) {
    }
    if (at == s->dbs.n)
        return false;
    for (size_t i = s->tables.n; i-- > 0;) {
        if (sv_eq(s->tables.v[i]->db, s->dbs.v[at].name))
            remove_table(s, i);
    }
    array_remove(&s->dbs, at);
    return true;
}

void cat_builder_put_table(struct cat_builder *b, const struct cat_table *t)
{
    struct cat_snapshot *s = b->s;
    bool is_new;
    uint32_t *at = cat_id_map_put(&s->table_ids, t->id, &is_new);

    cat_table_ref(t);
    if (is_new) {
        *at = (uint32_t)s->tables.n;
        array_push(&s->tables, &s->arena, t);
    } else {
        cat_table_unref(s->tables.v[*at]);
        s->tables.v[*at] = t;
    }
}

bool cat_builder_drop_table(struct cat_builder *b, uint64_t id)
{
    const uint32_t *at = cat_id_map_get(&b->s->table_ids, id);

    if (!at)
        return false;
    remove_table(b->s, *at);
    return true;
}

static struct cat_user *user_at(struct cat_snapshot *s, struct sv name, struct sv host)
{
    array_each(&s->users, it)
    {
        if (sv_eq(it->name, name) && sv_eq_nocase(it->host, host))
            return it;
    }
    return NULL;
}

void cat_builder_put_user(struct cat_builder *b, const struct cat_user *u)
{
    struct cat_snapshot *s = b->s;
    struct cat_user *at = user_at(s, u->name, u->host);

    copy_user(&s->arena, at ? at : array_add(&s->users, &s->arena), u);
}

bool cat_builder_drop_user(struct cat_builder *b, struct sv name, struct sv host)
{
    struct cat_user *at = user_at(b->s, name, host);

    if (!at)
        return false;
    array_remove(&b->s->users, (size_t)(at - b->s->users.v));
    return true;
}

void cat_builder_put_setting(struct cat_builder *b, struct sv name, struct sv value)
{
    struct cat_snapshot *s = b->s;

    array_each(&s->settings, it)
    {
        if (sv_eq_nocase(it->name, name)) {
            it->value = arena_dup(&s->arena, value);
            return;
        }
    }
    array_push(&s->settings, &s->arena,
        (struct cat_setting){arena_dup(&s->arena, name), arena_dup(&s->arena, value)});
}

bool cat_builder_drop_setting(struct cat_builder *b, struct sv name)
{
    for (size_t i = 0; i < b->s->settings.n; i++) {
        if (sv_eq_nocase(b->s->settings.v[i].name, name)) {
            array_remove(&b->s->settings, i);
            return true;
        }
    }
    return false;
}

void cat_builder_abort(struct cat_builder *b)
{
    cat_snapshot_unref(b->s);
    b->s = NULL;
}

static int shard_order(const void *a, const void *b)
{
    const struct cat_shard *x = a, *y = b;

    return x->id < y->id ? -1 : x->id > y->id;
}

static int db_order(const void *a, const void *b)
{
    const struct cat_db *x = a, *y = b;

    return sv_cmp(x->name, y->name);
}

static int table_order(const void *a, const void *b)
{
    const struct cat_table *x = *(const struct cat_table *const *)a,
                           *y = *(const struct cat_table *const *)b;
    int c = sv_cmp(x->db, y->db);

    if (c == 0)
        c = sv_cmp(x->name, y->name);
    if (c == 0) /* the public one last: the map keeps the last */
        c = cat_table_is_visible(x) - cat_table_is_visible(y);
    return c ? c : x->id < y->id ? -1 : x->id > y->id;
}

static int user_order(const void *a, const void *b)
{
    return user_compare(a, b);
}

static void sort(void *v, size_t n, size_t size, int (*cmp)(const void *, const void *))
{
    if (n > 1)
        qsort(v, n, size, cmp);
}

static bool index_shards(struct cat_snapshot *s, struct diag *d)
{
    for (size_t i = 0; i < s->shards.n; i++) {
        bool new_id;

        *cat_id_map_put(&s->shard_ids, s->shards.v[i].id, &new_id) = (uint32_t)i;
        if (!new_id || cat_find_shard(s, s->shards.v[i].name) != &s->shards.v[i])
            return diag_setf(d, ER_INTERNAL, "catalog: two shards named %.*s or numbered %u",
                SV_ARG(s->shards.v[i].name), s->shards.v[i].id);
    }
    return true;
}

static bool index_dbs(struct cat_snapshot *s, struct diag *d)
{
    for (size_t i = 0; i < s->dbs.n; i++) {
        bool new_name, new_id;

        *cat_ptr_map_put(&s->db_map, s->dbs.v[i].name, &new_name) = (uint32_t)i;
        *cat_id_map_put(&s->db_ids, s->dbs.v[i].id, &new_id) = (uint32_t)i;
        if (!new_name || !new_id)
            return diag_setf(d, ER_INTERNAL, "catalog: two databases named %.*s or with its id",
                SV_ARG(s->dbs.v[i].name));
    }
    return true;
}

static bool index_tables(struct cat_snapshot *s, struct diag *d)
{
    cat_ptr_map_reserve(&s->table_map, s->tables.n);
    cat_id_map_reserve(&s->table_ids, s->tables.n);
    for (size_t i = 0; i < s->tables.n; i++) {
        const struct cat_table *t = s->tables.v[i], *other;
        char buf[TABLE_KEY_MAX];
        struct sv key = table_key(buf, t->db, t->name);
        bool new_id, new_name;
        uint32_t *at;

        if (!key.ptr || !cat_ptr_map_get(&s->db_map, t->db))
            return diag_setf(d, ER_INTERNAL, "catalog: table %.*s is in the unknown database %.*s",
                SV_ARG(t->name), SV_ARG(t->db));
        for (uint32_t p = 0; p < t->parts_n; p++) {
            if (!cat_find_shard_id(s, t->parts[p].shard_id))
                return diag_setf(d, ER_INTERNAL,
                    "catalog: partition %u of %.*s.%.*s is on the unknown shard %u", p,
                    SV_ARG(t->db), SV_ARG(t->name), t->parts[p].shard_id);
        }
        *cat_id_map_put(&s->table_ids, t->id, &new_id) = (uint32_t)i;
        at = cat_ptr_map_get(&s->table_map, key);
        new_name = !at;
        other = at ? s->tables.v[*at] : NULL;
        if (!new_id || (other && cat_table_is_visible(other) && cat_table_is_visible(t)))
            return diag_setf(d, ER_INTERNAL, "catalog: two tables named %.*s.%.*s or with its id",
                SV_ARG(t->db), SV_ARG(t->name));
        if (new_name)
            at = cat_ptr_map_put(&s->table_map, arena_dup(&s->arena, key), NULL);
        *at = (uint32_t)i;
    }
    return true;
}

struct cat_snapshot *cat_builder_finish(struct cat_builder *b, uint64_t version, struct diag *d)
{
    struct cat_snapshot *s = b->s;

    s->version = version;
    sort(s->shards.v, s->shards.n, sizeof(*s->shards.v), shard_order);
    sort(s->dbs.v, s->dbs.n, sizeof(*s->dbs.v), db_order);
    sort(s->tables.v, s->tables.n, sizeof(*s->tables.v), table_order);
    sort(s->users.v, s->users.n, sizeof(*s->users.v), user_order);
    s->db_map.arena = s->table_map.arena = &s->arena;
    s->shard_ids.arena = s->db_ids.arena = &s->arena;
    cat_id_map_clear(&s->table_ids);
    if (!index_shards(s, d) || !index_dbs(s, d) || !index_tables(s, d)) {
        cat_builder_abort(b);
        return NULL;
    }
    b->s = NULL;
    return s;
}
