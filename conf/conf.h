/* Configuration: one immutable struct, loaded and checked whole from a JSON file against
 * conf/options.def.
 *
 * Who and where: the main thread loads (conf_load), publishes (conf_publish) and reloads
 * (conf_reload); any thread takes a reference (conf_get, one mutex) or keeps the one it was given,
 * and drops it (conf_unref). Fields are read without a lock. In the file, members whose name begins
 * with `#` are comments. */
#ifndef CONF_CONF_H
#define CONF_CONF_H

#include "conf/limits.h"
#include "util/diag.h"
#include "util/strbuf.h"

#include <stdatomic.h>

/* How TLS is used towards a server: MySQL's --ssl-mode. In the order of the names in options.def.
 */
enum conf_tls_mode {
    CONF_TLS_DISABLED,
    CONF_TLS_PREFERRED,
    CONF_TLS_REQUIRED,
    CONF_TLS_VERIFY_CA,
    CONF_TLS_VERIFY_IDENTITY
};

/* All texts are NUL-terminated behind their length. */
struct conf_tls_client {
    int mode; /* enum conf_tls_mode */
    struct sv ca, cert, key;
};

struct conf_shard {
    struct sv name, host;
    int64_t port;
};

struct conf {
    struct sv node_name;
    struct {
        struct sv host, socket;
        int64_t port, backlog;
        struct {
            struct sv cert, key, ca;
            bool required;
        } tls;
    } listen;
    int64_t workers; /* 0 in the file becomes the number of cores */
    struct {
        struct sv host, user, password,
            password_file; /* never empty host and user; password as resolved */
        int64_t port, connect_timeout_ms;
        struct conf_tls_client tls;
    } metadata;
    const struct conf_shard
        *shards; /* only for the first making of the metadata; then the catalog has them */
    size_t shards_n;
    struct {
        struct sv user, password, password_file;
        struct conf_tls_client tls;
    } backend;
    struct {
        int64_t max_per_worker, idle_timeout_ms, connect_timeout_ms, wait_timeout_ms,
            probe_interval_ms;
    } pool;
    int64_t max_connections, connect_timeout_ms, wait_timeout_s, max_allowed_packet;
    int64_t query_memory_limit,
        memory_limit; /* memory_limit 0 in the file becomes half of the machine's */
    int64_t plan_cache_entries;
    struct {
        struct sv file;
        int level; /* enum log_level */
    } log;
    int64_t drain_timeout_ms, commit_timeout_ms, recovery_interval_ms, heartbeat_interval_ms;
    struct sv server_version;
    struct {
        struct sv root_password_hash;
        bool root_on_loopback;
    } bootstrap;
    struct {
        struct sv host;
        int64_t port;
    } http;
    struct sv pid_file, faults;

    struct sv path; /* the file, or "" */
    struct arena arena;
    _Atomic uint32_t refs;
};

/* Loads and checks a file. On success *out has one reference. On failure d has the first error
 * (ER_CONFIG), and `errors` (may be NULL) gets every error, one a line: `config: /listen/port:
 * 70000 is above 65535`. */
bool conf_load(
    const char *path, struct conf **out, struct strbuf *errors, struct diag *d) MUST_CHECK;
/* The same from text; `name` stands for the file in messages. */
bool conf_parse(struct sv text, const char *name, struct conf **out, struct strbuf *errors,
    struct diag *d) MUST_CHECK;

struct conf *conf_ref(struct conf *c);
void conf_unref(struct conf *c); /* NULL is allowed */

/* Makes c (whose reference is taken over) what conf_get returns; NULL at the end. */
void conf_publish(struct conf *c);
/* A new reference to the published configuration, or NULL before the first. */
struct conf *conf_get(void);

struct conf_change {
    const char *path;   /* option's path; "/shards" for the list */
    struct sv from, to; /* as text; secrets are not shown */
    bool applied;       /* else: takes effect at the next start */
};

/* What differs, in the order of options.def; the array is in `a`. */
size_t conf_diff(
    const struct conf *from, const struct conf *to, struct arena *a, struct conf_change **changes);
/* Loads old's file again and makes a configuration with what may change taken from it and the rest
 * from old; logs every change by name. On failure old stays valid and d says why. The caller
 * publishes. */
bool conf_reload(
    const struct conf *old, struct conf **out, struct strbuf *errors, struct diag *d) MUST_CHECK;

/* A whole configuration file with every option at its default, each with a comment. */
void conf_sample(struct strbuf *out);
/* A table of all options for people: path, default, range, reload, help. */
void conf_describe(struct strbuf *out);

#endif
