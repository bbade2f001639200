/* Loading the configuration.
 *
 * The table of options (options.def) is expanded once into `options`, with the offset of each field
 * in struct conf or, for paths below /shards, in struct conf_shard. Loading is: set every default
 * through the same setter that the file's values go through; walk the JSON tree with two paths side
 * by side, the one shown in messages (/shards/2/port) and the one looked up (/shards/ * /port);
 * then the checks that look at several entries; then what is derived (cores, passwords from files).
 * Every error is noted, the first becomes the diagnostic.
 *
 * A reload makes a third configuration: the new file's values where the option may change, the old
 * ones elsewhere. Strings are copied into its own arena, so that no configuration depends on the
 * life of another. */
#include "conf/conf.h"

#include "util/array.h"
#include "util/log.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <pthread.h>
#include <stdio.h>
#include <unistd.h>

enum opt_kind { OPT_INT, OPT_SIZE, OPT_BOOL, OPT_STR, OPT_SECRET, OPT_ENUM };
enum { OPT_RESTART, OPT_RELOAD, PATH_MAX_BYTES = 256 };

struct opt {
    const char *path;
    enum opt_kind kind;
    bool of_shard;
    size_t offset;
    const char *def;
    int64_t min, max;
    const char *unit;
    bool reload;
    const char *help;
};

#define OPTION(path, kind, field, def, min, max, unit, reload, help)                           \
    {path, OPT_##kind, false, offsetof(struct conf, field), def, min, max, unit, OPT_##reload, \
        help},
#define OPTION_SHARD(path, kind, field, def, min, max, unit, reload, help)            \
    {path, OPT_##kind, true, offsetof(struct conf_shard, field), def, min, max, unit, \
        OPT_##reload, help},
static const struct opt options[] = {
#include "conf/options.def"
};
#undef OPTION
#undef OPTION_SHARD

ARRAY_OF(shard_array, struct conf_shard);

struct loader {
    struct conf *c;
    struct shard_array shards;
    const char *name;      /* of the file */
    struct strbuf *errors; /* may be NULL */
    struct diag *d;
    size_t errors_n;
};

static pthread_mutex_t current_lock = PTHREAD_MUTEX_INITIALIZER;
static struct conf *current;

/* --- values --- */

static void note(struct loader *l, const char *path, const char *fmt, ...) PRINTF_LIKE(3, 4);
static void note(struct loader *l, const char *path, const char *fmt, ...)
{
    char text[DIAG_TEXT_MAX];
    va_list ap;

    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    diag_setf(l->d, ER_CONFIG, "config: %s: %.*s", path, DIAG_TEXT_MAX - PATH_MAX_BYTES, text);
    if (l->errors)
        strbuf_printf(l->errors, "config: %s: %s\n", path, text);
    l->errors_n++;
}

static const struct opt *opt_of(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strcmp(options[i].path, path) == 0)
            return &options[i];
    }
    return NULL;
}

/* Whether options exist below this path. */
static bool is_section(const char *path)
{
    size_t n = strlen(path);

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (strncmp(options[i].path, path, n) == 0 && options[i].path[n] == '/')
            return true;
    }
    return false;
}

static int64_t *field_int(const struct opt *o, void *base)
{
    return (int64_t *)(void *)((char *)base + o->offset);
}

static bool *field_bool(const struct opt *o, void *base)
{
    return (bool *)(void *)((char *)base + o->offset);
}

static int *field_enum(const struct opt *o, void *base)
{
    return (int *)(void *)((char *)base + o->offset);
}

static struct sv *field_sv(const struct opt *o, void *base)
{
    return (struct sv *)(void *)((char *)base + o->offset);
}

/* The i-th of `a|b|c`; {NULL, 0} behind the last. */
static struct sv enum_name(const char *names, int i)
{
    for (; *names; i--) {
        const char *end = strchrnul(names, '|');

        if (i == 0)
            return sv_make(names, (size_t)(end - names));
        names = end + (*end == '|');
    }
    return SV_NULL;
}

static void set_int(struct loader *l, const struct opt *o, void *base, const char *shown, int64_t v)
{
    if (v < o->min)
        note(l, shown, "%lld is below %lld", (long long)v, (long long)o->min);
    else if (v > o->max)
        note(l, shown, "%lld is above %lld", (long long)v, (long long)o->max);
    else
        *field_int(o, base) = v;
}

/* `64M`: a number and K, M, G or T of 1024. */
static bool parse_size(struct sv s, int64_t *out)
{
    static const char suffix[] = "KMGT";
    int shift = 0;
    const char *at;

    if (s.len && (at = strchr(suffix, s.ptr[s.len - 1] & ~0x20)) && *at) {
        shift = 10 * (int)(at - suffix + 1);
        s.len--;
    }
    return sv_to_i64(s, out) && *out >= 0 && *out <= INT64_MAX >> shift && ((*out <<= shift), true);
}

static void set_text(
    struct loader *l, const struct opt *o, void *base, const char *shown, struct sv v)
{
    int64_t n;

    switch (o->kind) {
    case OPT_SIZE:
        if (!parse_size(v, &n))
            note(l, shown,
                "\"%.*s\" is no size (a number, or in quotes with K, M, G or T behind it)",
                SV_ARG(v));
        else
            set_int(l, o, base, shown, n);
        return;
    case OPT_INT:
        if (!sv_to_i64(v, &n)) /* defaults only: the file's are checked to be numbers */
            note(l, shown, "must be a whole number");
        else
            set_int(l, o, base, shown, n);
        return;
    case OPT_BOOL:
        *field_bool(o, base) = sv_eq(v, SV("true"));
        return;
    case OPT_STR:
    case OPT_SECRET:
        if ((int64_t)v.len < o->min)
            note(l, shown, "must not be empty");
        else if ((int64_t)v.len > o->max)
            note(l, shown, "is longer than %lld bytes", (long long)o->max);
        else if (memchr(v.ptr, '\0', v.len))
            note(l, shown, "contains a NUL byte");
        else
            *field_sv(o, base) = arena_dup(&l->c->arena, v);
        return;
    case OPT_ENUM:
        for (int i = 0; enum_name(o->unit, i).ptr; i++) {
            if (sv_eq(enum_name(o->unit, i), v)) {
                *field_enum(o, base) = i;
                return;
            }
        }
        note(l, shown, "\"%.*s\" is none of %s", SV_ARG(v), o->unit);
        return;
    }
}

static const char *kind_text(enum opt_kind k)
{
    switch (k) {
    case OPT_INT:
        return "a whole number";
    case OPT_SIZE:
        return "a number of bytes (a whole number, or text like \"64M\")";
    case OPT_BOOL:
        return "true or false";
    case OPT_STR:
    case OPT_SECRET:
    case OPT_ENUM:
        return "text in quotes";
    }
    return "";
}

static void set_json(
    struct loader *l, const struct opt *o, void *base, const char *shown, const json_t *v)
{
    bool number = o->kind == OPT_INT || o->kind == OPT_SIZE;

    if (json_is_integer(v) && number)
        set_int(l, o, base, shown, json_integer_value(v));
    else if (json_is_string(v) && (!number || o->kind == OPT_SIZE) && o->kind != OPT_BOOL)
        set_text(l, o, base, shown, sv_make(json_string_value(v), json_string_length(v)));
    else if (json_is_boolean(v) && o->kind == OPT_BOOL)
        *field_bool(o, base) = json_is_true(v);
    else
        note(l, shown, "must be %s", kind_text(o->kind));
}

/* --- the tree --- */

/* One level of the tree: the path shown, the path looked up, the struct that the fields are in. */
struct level {
    const char *shown, *pattern;
    void *base;
};

static void load_object(struct loader *l, const struct level *at, json_t *object);

static void load_shards(struct loader *l, const char *shown, json_t *v)
{
    size_t n = json_array_size(v);

    if (!json_is_array(v)) {
        note(l, shown, "must be a list of objects");
        return;
    }
    if (n > LIMIT_SHARDS) {
        note(l, shown, "more than %d shards", LIMIT_SHARDS);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        char path[PATH_MAX_BYTES];
        struct conf_shard s = {0};
        struct level item = {path, "/shards/*", &s};
        json_t *e = json_array_get(v, i);
        size_t errors = l->errors_n;

        snprintf(path, sizeof(path), "/shards/%zu", i);
        if (!json_is_object(e)) {
            note(l, path, "must be an object with name, host and port");
            continue;
        }
        for (size_t k = 0; k < ARRAY_LEN(options); k++) {
            const struct opt *o = &options[k];

            if (!o->of_shard)
                continue;
            if (o->def)
                set_text(l, o, &s, path, sv_cstr(o->def));
            else if (!json_object_get(e, strrchr(o->path, '/') + 1)) {
                char member[PATH_MAX_BYTES + 32];

                snprintf(member, sizeof(member), "%s/%s", path, strrchr(o->path, '/') + 1);
                note(l, member, "is missing");
            }
        }
        load_object(l, &item, e);
        if (l->errors_n != errors)
            s.host = SV_NULL; /* which server is meant is not known: not to be compared with others */
        array_push(&l->shards, &l->c->arena, s);
    }
}

static void load_member(struct loader *l, const struct level *at, const char *key, json_t *v)
{
    char shown[PATH_MAX_BYTES], pattern[PATH_MAX_BYTES];
    struct level below = {shown, pattern, at->base};
    const struct opt *o;

    if (snprintf(shown, sizeof(shown), "%s/%s", at->shown, key) >= (int)sizeof(shown) ||
        snprintf(pattern, sizeof(pattern), "%s/%s", at->pattern, key) >= (int)sizeof(pattern)) {
        note(l, at->shown[0] ? at->shown : "/", "there is no entry with so long a name");
        return;
    }
    o = strchr(key, '/') || strchr(key, '*') ? NULL : opt_of(pattern);
    if (o)
        set_json(l, o, at->base, shown, v);
    else if (strcmp(pattern, "/shards") == 0)
        load_shards(l, shown, v);
    else if (strchr(key, '/') || strchr(key, '*') || !is_section(pattern))
        note(l, shown, "there is no such entry");
    else if (!json_is_object(v))
        note(l, shown, "must be an object");
    else
        load_object(l, &below, v);
}

static void load_object(struct loader *l, const struct level *at, json_t *object)
{
    const char *key;
    json_t *v;

    json_object_foreach(object, key, v)
    {
        if (key[0] != '#')
            load_member(l, at, key, v);
    }
}

/* --- checks over several entries, and what is derived --- */

static void check_pair(struct loader *l, const char *path, struct sv cert, struct sv key)
{
    if (!cert.len != !key.len)
        note(l, path, "cert and key must be given together");
}

static void read_password(struct loader *l, const char *path, struct sv file, struct sv *password)
{
    char buf[4096 + 2];
    ssize_t n;
    int fd;

    if (!file.len)
        return;
    if (password->len) {
        note(l, path, "give either password or password_file");
        return;
    }
    fd = open(file.ptr, O_RDONLY | O_CLOEXEC);
    n = fd < 0 ? -1 : read(fd, buf, sizeof(buf) - 1);
    if (n < 0) {
        note(l, path, "%s: %s", file.ptr, strerrordesc_np(errno));
    } else {
        buf[n] = '\0';
        *password = arena_dup(&l->c->arena, sv_make(buf, strcspn(buf, "\r\n")));
    }
    if (fd >= 0)
        close(fd);
}

static void check_shards(struct loader *l)
{
    for (size_t i = 0; i < l->shards.n; i++) {
        for (size_t k = 0; k < i; k++) {
            char path[64];
            const struct conf_shard *a = &l->shards.v[k], *b = &l->shards.v[i];

            snprintf(path, sizeof(path), "/shards/%zu", i);
            if (b->name.len && sv_eq_nocase(a->name, b->name))
                note(l, path, "the name \"%.*s\" is /shards/%zu's already", SV_ARG(b->name), k);
            if (b->host.len && sv_eq(a->host, b->host) && a->port == b->port)
                note(l, path, "the server %.*s:%lld is /shards/%zu's already", SV_ARG(b->host),
                    (long long)b->port, k);
        }
    }
}

static void check_and_derive(struct loader *l)
{
    struct conf *c = l->c;

    check_pair(l, "/listen/tls", c->listen.tls.cert, c->listen.tls.key);
    check_pair(l, "/metadata/tls", c->metadata.tls.cert, c->metadata.tls.key);
    check_pair(l, "/backend/tls", c->backend.tls.cert, c->backend.tls.key);
    if (c->listen.tls.required && !c->listen.tls.cert.len)
        note(l, "/listen/tls/required", "needs a cert and a key");
    if (c->listen.port == 0 && !c->listen.socket.len)
        note(l, "/listen", "neither a port nor a socket: no client could connect");
    if (c->listen.port != 0 && !c->listen.host.len)
        note(l, "/listen/host", "must not be empty (0.0.0.0 for all addresses)");
    if (c->http.port != 0 && c->http.port == c->listen.port && sv_eq(c->http.host, c->listen.host))
        note(l, "/http/port", "%lld is /listen/port already", (long long)c->http.port);
    check_shards(l);
    read_password(l, "/backend/password_file", c->backend.password_file, &c->backend.password);
    read_password(l, "/metadata/password_file", c->metadata.password_file, &c->metadata.password);
    if (!c->metadata.host.len) {
        if (l->shards.n) {
            c->metadata.host = l->shards.v[0].host;
            c->metadata.port = l->shards.v[0].port;
        } else if (!l->errors_n) {
            note(l, "/shards", "names no server: list the shards that a new fleet begins with, or give /metadata/host of a fleet that "
                "exists");
        }
    }
    if (!c->metadata.user.len) {
        c->metadata.user = c->backend.user;
        if (!c->metadata.password.len)
            c->metadata.password = c->backend.password;
    }
    if (c->workers == 0)
        c->workers = MAX(sysconf(_SC_NPROCESSORS_ONLN), 1L);
    if (c->memory_limit == 0)
        c->memory_limit = (int64_t)sysconf(_SC_PHYS_PAGES) / 2 * (int64_t)sysconf(_SC_PAGESIZE);
    c->shards = l->shards.v;
    c->shards_n = l->shards.n;
}

/* --- life --- */

static struct conf *conf_new(const char *name)
{
    struct conf *c = xcalloc(1, sizeof(*c));

    arena_init(&c->arena, 0);
    atomic_init(&c->refs, 1);
    c->path = arena_dup(&c->arena, sv_cstr(name));
    return c;
}

bool conf_parse(
    struct sv text, const char *name, struct conf **out, struct strbuf *errors, struct diag *d)
{
    struct loader l = {.c = conf_new(name), .name = name, .errors = errors, .d = d};
    struct level top = {"", "", l.c};
    json_error_t je;
    json_t *root = json_loadb(text.ptr ? text.ptr : "", text.len, JSON_REJECT_DUPLICATES, &je);

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!options[i].of_shard)
            set_text(&l, &options[i], l.c, options[i].path, sv_cstr(options[i].def));
    }
    ASSERT(l.errors_n == 0);
    if (!root) {
        char where[PATH_MAX_BYTES];

        snprintf(where, sizeof(where), "%.200s, line %d, column %d", name, je.line, je.column);
        note(&l, where, "%s", je.text);
    } else if (!json_is_object(root)) {
        note(&l, name, "the file must hold one JSON object");
    } else {
        load_object(&l, &top, root);
        check_and_derive(&l);
    }
    json_decref(root);
    if (l.errors_n) {
        conf_unref(l.c);
        return false;
    }
    *out = l.c;
    return true;
}

enum {
    FILE_MAX_BYTES = 4 << 20
}; /* no configuration is longer; a wrong path should not fill the memory */

bool conf_load(const char *path, struct conf **out, struct strbuf *errors, struct diag *d)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    char *buf = xmalloc(FILE_MAX_BYTES);
    size_t n = 0;
    ssize_t got = -1;
    bool ok = false;

    while (fd >= 0 && n < FILE_MAX_BYTES && (got = read(fd, buf + n, FILE_MAX_BYTES - n)) != 0) {
        if (got < 0 && errno == EINTR)
            continue;
        if (got < 0)
            break;
        n += (size_t)got;
    }
    if (got != 0) {
        diag_setf(d, ER_CONFIG, "config: %s: %s", path,
            got < 0 ? strerrordesc_np(errno) : "is too long for a configuration");
        if (errors)
            strbuf_printf(errors, "%s\n", d->text);
    } else {
        ok = conf_parse(sv_make(buf, n), path, out, errors, d);
    }
    if (fd >= 0)
        close(fd);
    xfree(buf);
    return ok;
}

struct conf *conf_ref(struct conf *c)
{
    atomic_fetch_add_explicit(&c->refs, 1, memory_order_relaxed);
    return c;
}

void conf_unref(struct conf *c)
{
    if (!c || atomic_fetch_sub_explicit(&c->refs, 1, memory_order_acq_rel) != 1)
        return;
    arena_free(&c->arena);
    xfree(c);
}

void conf_publish(struct conf *c)
{
    struct conf *old;

    pthread_mutex_lock(&current_lock);
    old = current;
    current = c;
    pthread_mutex_unlock(&current_lock);
    conf_unref(old);
}

struct conf *conf_get(void)
{
    struct conf *c;

    pthread_mutex_lock(&current_lock);
    c = current ? conf_ref(current) : NULL;
    pthread_mutex_unlock(&current_lock);
    return c;
}

/* --- differences and reload --- */

/* The accessors take writable structs; nothing is written here. */
static void *readable(const struct conf *c)
{
    return (void *)(uintptr_t)c;
}

static struct sv value_text(const struct opt *o, const struct conf *c, struct arena *a)
{
    void *base = readable(c);

    switch (o->kind) {
    case OPT_INT:
    case OPT_SIZE:
        return arena_printf(a, "%lld", (long long)*field_int(o, base));
    case OPT_BOOL:
        return *field_bool(o, base) ? SV("true") : SV("false");
    case OPT_STR:
        return arena_printf(a, "\"%.*s\"", SV_ARG(*field_sv(o, base)));
    case OPT_SECRET:
        return SV("(secret)");
    case OPT_ENUM:
        return enum_name(o->unit, *field_enum(o, base));
    }
    return SV_NULL;
}

static bool value_same(const struct opt *o, const struct conf *x, const struct conf *y)
{
    void *a = readable(x), *b = readable(y);

    switch (o->kind) {
    case OPT_INT:
    case OPT_SIZE:
        return *field_int(o, a) == *field_int(o, b);
    case OPT_BOOL:
        return *field_bool(o, a) == *field_bool(o, b);
    case OPT_STR:
    case OPT_SECRET:
        return sv_eq(*field_sv(o, a), *field_sv(o, b));
    case OPT_ENUM:
        return *field_enum(o, a) == *field_enum(o, b);
    }
    return true;
}

static bool shards_same(const struct conf *x, const struct conf *y)
{
    if (x->shards_n != y->shards_n)
        return false;
    for (size_t i = 0; i < x->shards_n; i++) {
        const struct conf_shard *a = &x->shards[i], *b = &y->shards[i];

        if (!sv_eq(a->name, b->name) || !sv_eq(a->host, b->host) || a->port != b->port)
            return false;
    }
    return true;
}

ARRAY_OF(change_array, struct conf_change);

size_t conf_diff(
    const struct conf *from, const struct conf *to, struct arena *a, struct conf_change **changes)
{
    struct change_array list = {0};

    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct opt *o = &options[i];

        if (!o->of_shard && !value_same(o, from, to))
            array_push(&list, a,
                (struct conf_change){
                    o->path, value_text(o, from, a), value_text(o, to, a), o->reload});
    }
    if (!shards_same(from, to))
        array_push(&list, a,
            (struct conf_change){"/shards", arena_printf(a, "%zu shards", from->shards_n),
                arena_printf(a, "%zu shards", to->shards_n), false});
    *changes = list.v;
    return list.n;
}

static void value_copy(const struct opt *o, const struct conf *from, struct conf *to)
{
    void *src = readable(from);

    switch (o->kind) {
    case OPT_INT:
    case OPT_SIZE:
        *field_int(o, to) = *field_int(o, src);
        break;
    case OPT_BOOL:
        *field_bool(o, to) = *field_bool(o, src);
        break;
    case OPT_STR:
    case OPT_SECRET:
        *field_sv(o, to) = arena_dup(&to->arena, *field_sv(o, src));
        break;
    case OPT_ENUM:
        *field_enum(o, to) = *field_enum(o, src);
        break;
    }
}

static void copy_shards(const struct conf *from, struct conf *to)
{
    struct conf_shard *s = ARENA_NEW_N(&to->arena, struct conf_shard, from->shards_n);

    for (size_t i = 0; i < from->shards_n; i++) {
        s[i].name = arena_dup(&to->arena, from->shards[i].name);
        s[i].host = arena_dup(&to->arena, from->shards[i].host);
        s[i].port = from->shards[i].port;
    }
    to->shards = s;
    to->shards_n = from->shards_n;
}

bool conf_reload(const struct conf *old, struct conf **out, struct strbuf *errors, struct diag *d)
{
    struct conf *c;
    struct conf_change *changes;
    struct arena a;
    size_t n;

    if (!conf_load(old->path.ptr, &c, errors, d))
        return false;
    arena_init(&a, 0);
    n = conf_diff(old, c, &a, &changes);
    for (size_t i = 0; i < n; i++) {
        if (changes[i].applied)
            log_info(LOG_CONF, "config: %s: %.*s is now %.*s", changes[i].path,
                SV_ARG(changes[i].from), SV_ARG(changes[i].to));
        else if (strcmp(changes[i].path, "/shards") == 0)
            log_warn(LOG_CONF,
                "config: /shards: ignored: the list is used when the metadata is first made; "
                "CREATE, ALTER and DROP SHARD change the fleet");
        else
            log_warn(LOG_CONF, "config: %s: %.*s stays until the next start, then %.*s",
                changes[i].path, SV_ARG(changes[i].from), SV_ARG(changes[i].to));
    }
    if (n == 0)
        log_info(LOG_CONF, "config: %s: nothing changed", old->path.ptr);
    arena_free(&a);
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        if (!options[i].of_shard && !options[i].reload)
            value_copy(&options[i], old, c);
    }
    copy_shards(old, c);
    *out = c;
    return true;
}

/* --- texts made from the table --- */

static void put_default(struct strbuf *b, const struct opt *o)
{
    bool bare = o->kind == OPT_INT || o->kind == OPT_BOOL ||
                (o->kind == OPT_SIZE && strspn(o->def, "0123456789") == strlen(o->def));

    strbuf_printf(b, bare ? "%s" : "\"%s\"", o->def ? o->def : "");
}

static void put_range(struct strbuf *b, const struct opt *o)
{
    switch (o->kind) {
    case OPT_INT:
    case OPT_SIZE:
        strbuf_printf(b, "%lld to %lld%s%s", (long long)o->min, (long long)o->max,
            o->unit[0] ? " " : "", o->unit);
        break;
    case OPT_BOOL:
        strbuf_puts(b, "true or false");
        break;
    case OPT_STR:
    case OPT_SECRET:
        strbuf_printf(b, "text of up to %lld bytes", (long long)o->max);
        break;
    case OPT_ENUM:
        strbuf_puts(b, o->unit);
        break;
    }
}

static void put_indent(struct strbuf *b, int depth)
{
    for (int i = 0; i < depth; i++)
        strbuf_puts(b, "    ");
}

/* Length of the part of path up to and with its last '/'. */
static size_t section_len(const char *path)
{
    return (size_t)(strrchr(path, '/') - path) + 1;
}

static int depth_of(const char *path, size_t n)
{
    int depth = 0;

    for (size_t i = 0; i < n; i++)
        depth += path[i] == '/';
    return depth;
}

/* Closes the objects of `from` that `to` is not in, and opens those of `to`. Both end with '/'. */
static void move_section(struct strbuf *b, struct sv from, struct sv to)
{
    size_t same = 0;

    for (size_t i = 0; i < MIN(from.len, to.len) && from.ptr[i] == to.ptr[i]; i++) {
        if (from.ptr[i] == '/')
            same = i + 1;
    }
    for (int d = depth_of(from.ptr, from.len), end = depth_of(to.ptr, same); d > end; d--) {
        strbuf_putc(b, '\n');
        put_indent(b, d - 1);
        strbuf_putc(b, '}');
    }
    if (from.len)
        strbuf_puts(b, same < from.len || b->ptr[b->len - 1] != '{' ? ",\n" : "\n");
    for (size_t at = same; at < to.len;) {
        size_t n = (size_t)((const char *)memchr(to.ptr + at, '/', to.len - at) - (to.ptr + at));

        put_indent(b, depth_of(to.ptr, at));
        strbuf_printf(b, "\"%.*s\": {\n", (int)n, to.ptr + at);
        at += n + 1;
    }
}

void conf_sample(struct strbuf *out)
{
    struct sv section = SV("/");
    bool first = true;

    strbuf_puts(out,
        "{\n    \"#\": \"Members whose name begins with # are comments. Every value here is the "
        "default.\",\n"
        "    \"# shards\": \"Servers that the metadata begins with: name, host, port of each\",\n"
        "    \"shards\": [\n        {\"name\": \"s1\", \"host\": \"127.0.0.1\", \"port\": 3306}\n  "
        "  ]");
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct opt *o = &options[i];
        struct sv in = sv_make(o->path, section_len(o->path));
        int depth = depth_of(in.ptr, in.len);

        if (o->of_shard)
            continue;
        if (first || !sv_eq(section, in))
            move_section(out, section, in);
        else
            strbuf_puts(out, ",\n");
        first = false;
        section = in;
        put_indent(out, depth);
        strbuf_printf(out, "\"# %s\": \"%s (", o->path + in.len, o->help);
        put_range(out, o);
        strbuf_printf(out, "; %s)\",\n", o->reload ? "reload" : "restart");
        put_indent(out, depth);
        strbuf_printf(out, "\"%s\": ", o->path + in.len);
        put_default(out, o);
    }
    for (int d = depth_of(section.ptr, section.len); d > 0; d--) {
        strbuf_putc(out, '\n');
        put_indent(out, d - 1);
        strbuf_putc(out, '}');
    }
    strbuf_putc(out, '\n');
}

void conf_describe(struct strbuf *out)
{
    for (size_t i = 0; i < ARRAY_LEN(options); i++) {
        const struct opt *o = &options[i];

        strbuf_printf(out, "%s\n    %s.\n    ", o->path, o->help);
        put_range(out, o);
        if (o->def) {
            strbuf_puts(out, "; default ");
            put_default(out, o);
        } else {
            strbuf_puts(out, "; must be given");
        }
        strbuf_printf(out, "; %s\n", o->reload ? "changed by a reload" : "read at start");
    }
}
