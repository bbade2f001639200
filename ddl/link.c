#include "ddl/link.h"

#include "conf/limits.h"
#include "util/log.h"
#include "util/strbuf.h"

#include <mysql.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>

struct link {
    MYSQL *my;
    bool lost;
    bool mariadb;
    char name[LIMIT_IDENT_BYTES + 1]; /* shard, empty for the metadata server */
};

static bool is_lost(unsigned code)
{
    return code == 2006 || code == 2013 || code == 2055 || code == 1053 || code == 1927 || code == 4031;
}

static bool fail(struct link *l, struct diag *d)
{
    unsigned code = mysql_errno(l->my);

    if (is_lost(code))
        l->lost = true;
    if (code >= 2000 && code < 3000) {
        if (l->name[0])
            return diag_set(d, ER_SHARD_DOWN, l->name, mysql_error(l->my));
        return diag_set(d, ER_METADATA, mysql_error(l->my));
    }
    return diag_set_remote(d, (uint16_t)code, mysql_sqlstate(l->my), sv_cstr(mysql_error(l->my)));
}

static bool set_env(struct link *l, const struct link_env *e, struct diag *d)
{
    struct arena a;
    struct strbuf b;
    bool ok;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    strbuf_puts(&b, "SET NAMES utf8mb4");
    if (e && e->collation.ptr && sv_starts(e->collation, SV("utf8mb4")))
        strbuf_printf(&b, " COLLATE %s", link_quote(&a, e->collation));
    strbuf_puts(&b, ", sql_quote_show_create=1, autocommit=1");
    if (!e)
        strbuf_puts(&b, ", sql_mode='STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION'");
    else if (e->sql_mode.ptr)
        strbuf_printf(&b, ", sql_mode=%s", link_quote(&a, e->sql_mode));
    if (e && e->time_zone.ptr)
        strbuf_printf(&b, ", time_zone=%s", link_quote(&a, e->time_zone));
    if (e && e->no_foreign_key_checks)
        strbuf_puts(&b, ", foreign_key_checks=0");
    if (e && e->no_unique_checks)
        strbuf_puts(&b, ", unique_checks=0");
    if (e && e->lock_wait_s)
        strbuf_printf(&b, ", lock_wait_timeout=%u", e->lock_wait_s);
    ok = link_exec(l, strbuf_sv(&b), NULL, NULL, d);
    arena_free(&a);
    return ok;
}

bool link_open(const struct ddl_server *s, const struct link_env *env, uint32_t read_s, struct link **out, struct diag *d)
{
    struct link *l = xcalloc(1, sizeof *l);
    unsigned connect_s = LINK_CONNECT_MS / 1000, limit = read_s;

    *out = NULL;
    if (s->name)
        (void)snprintf(l->name, sizeof l->name, "%s", s->name);
    l->my = mysql_init(NULL);
    CHECK(l->my != NULL);
    mysql_options(l->my, MYSQL_OPT_CONNECT_TIMEOUT, &connect_s);
    if (limit) {
        mysql_options(l->my, MYSQL_OPT_READ_TIMEOUT, &limit);
        mysql_options(l->my, MYSQL_OPT_WRITE_TIMEOUT, &limit);
    }
    mysql_options(l->my, MYSQL_SET_CHARSET_NAME, "utf8mb4");
    if (!mysql_real_connect(l->my, s->host, s->user, s->password, NULL, s->port, NULL, CLIENT_FOUND_ROWS)) {
        if (mysql_errno(l->my) < 2000) {
            /* The server answered: wrong account, too many connections. Still: the shard cannot be used. */
            const char *why = mysql_error(l->my);

            (void)(l->name[0] ? diag_set(d, ER_SHARD_DOWN, l->name, why) : diag_set(d, ER_METADATA, why));
        } else {
            (void)fail(l, d);
        }
        link_close(l);
        return false;
    }
    l->mariadb = strstr(mysql_get_server_info(l->my), "MariaDB") != NULL;
    if (!set_env(l, env, d)) {
        link_close(l);
        return false;
    }
    *out = l;
    return true;
}

void link_close(struct link *l)
{
    if (!l)
        return;
    mysql_close(l->my);
    xfree(l);
}

/* Sends sql; results beyond the first are read and dropped. */
static bool send(struct link *l, struct sv sql, struct diag *d)
{
    if (l->lost) {
        if (l->name[0])
            return diag_set(d, ER_SHARD_DOWN, l->name, "the connection was lost");
        return diag_set(d, ER_METADATA, "the connection was lost");
    }
    return mysql_real_query(l->my, sql.ptr, (unsigned long)sql.len) == 0 || fail(l, d);
}

bool link_exec(struct link *l, struct sv sql, uint64_t *affected, unsigned *warnings, struct diag *d)
{
    MYSQL_RES *res;

    if (!send(l, sql, d))
        return false;
    res = mysql_store_result(l->my);
    if (!res && mysql_errno(l->my))
        return fail(l, d);
    if (affected)
        *affected = res ? 0 : (uint64_t)mysql_affected_rows(l->my);
    if (warnings)
        *warnings = mysql_warning_count(l->my);
    mysql_free_result(res);
    return true;
}

bool link_execf(struct link *l, struct diag *d, const char *fmt, ...)
{
    struct arena a;
    va_list ap;
    bool ok;

    arena_init(&a, 0);
    va_start(ap, fmt);
    ok = link_exec(l, arena_vprintf(&a, fmt, ap), NULL, NULL, d);
    va_end(ap);
    arena_free(&a);
    return ok;
}

static void copy_rows(MYSQL_RES *res, struct arena *a, struct ddl_rows *out)
{
    struct ddl_column *cols;
    MYSQL_FIELD *f = mysql_fetch_fields(res);
    MYSQL_ROW row;

    out->n_cols = mysql_num_fields(res);
    out->n_rows = (size_t)mysql_num_rows(res);
    cols = ARENA_NEW_N(a, struct ddl_column, out->n_cols);
    for (size_t i = 0; i < out->n_cols; i++)
        cols[i] = (struct ddl_column){.name = arena_dup(a, sv_cstr(f[i].name)), .type = (uint8_t)f[i].type, .length = (uint32_t)(f[i].length / 4)};
    out->cols = cols;
    out->cells = ARENA_NEW_N(a, struct sv, out->n_cols * out->n_rows + 1);
    for (size_t r = 0; r < out->n_rows && (row = mysql_fetch_row(res)); r++) {
        unsigned long *len = mysql_fetch_lengths(res);

        for (size_t i = 0; i < out->n_cols; i++)
            if (row[i])
                out->cells[r * out->n_cols + i] = arena_dup(a, sv_make(row[i], len[i]));
    }
}

bool link_query(struct link *l, struct sv sql, struct arena *a, struct ddl_rows *out, struct diag *d)
{
    MYSQL_RES *res;

    *out = (struct ddl_rows){0};
    if (!send(l, sql, d))
        return false;
    res = mysql_store_result(l->my);
    if (!res)
        return mysql_errno(l->my) ? fail(l, d) : true;
    copy_rows(res, a, out);
    mysql_free_result(res);
    return true;
}

bool link_queryf(struct link *l, struct arena *a, struct ddl_rows *out, struct diag *d, const char *fmt, ...)
{
    struct sv sql;
    va_list ap;

    va_start(ap, fmt);
    sql = arena_vprintf(a, fmt, ap);
    va_end(ap);
    return link_query(l, sql, a, out, d);
}

bool link_warnings(struct link *l, struct arena *a, struct ddl_note **notes, size_t *n, struct diag *d)
{
    struct ddl_rows rows;
    struct ddl_note *all;

    if (!link_query(l, SV("SHOW WARNINGS"), a, &rows, d))
        return false;
    if (rows.n_rows == 0)
        return true;
    all = ARENA_NEW_N(a, struct ddl_note, *n + rows.n_rows);
    if (*n)
        memcpy(all, *notes, *n * sizeof *all);
    for (size_t i = 0; i < rows.n_rows; i++) {
        struct sv level = link_cell(&rows, i, 0);

        all[*n + i] = (struct ddl_note){
            .level = sv_eq(level, SV("Note")) ? DDL_NOTE : sv_eq(level, SV("Error")) ? DDL_ERROR : DDL_WARNING,
            .code = (uint16_t)link_cell_u64(&rows, i, 1),
            .text = link_cell(&rows, i, 2),
        };
    }
    *notes = all;
    *n += rows.n_rows;
    return true;
}

bool link_lost(const struct link *l)
{
    return l->lost;
}

bool link_is_mariadb(const struct link *l)
{
    return l->mariadb;
}

unsigned link_version(const struct link *l)
{
    return (unsigned)mysql_get_server_version(l->my);
}

uint64_t link_insert_id(const struct link *l)
{
    return (uint64_t)mysql_insert_id(l->my);
}

uint64_t link_thread_id(const struct link *l)
{
    return (uint64_t)mysql_thread_id(l->my);
}

const char *link_quote(struct arena *a, struct sv text)
{
    struct strbuf b;

    strbuf_init(&b, a);
    strbuf_put_quoted(&b, text, false);
    return strbuf_cstr(&b);
}

const char *link_ident(struct arena *a, struct sv name)
{
    struct strbuf b;

    strbuf_init(&b, a);
    strbuf_put_ident(&b, name);
    return strbuf_cstr(&b);
}

uint64_t link_cell_u64(const struct ddl_rows *r, size_t row, size_t col)
{
    uint64_t v = 0;
    struct sv cell = link_cell(r, row, col);

    return cell.ptr && sv_to_u64(cell, &v) ? v : 0;
}

/* ---- many at once ---- */

struct fan {
    struct link_task *tasks;
    size_t n;
    const struct link_env *env;
    bool stop_on_error;
    _Atomic bool failed;
};

/* A lane: one thread with one link, taking every `step`-th task of its server. */
struct lane {
    struct fan *fan;
    const struct ddl_server *server;
    unsigned nr, of;
    pthread_t thread;
    bool started;
};

static bool same_server(const struct ddl_server *x, const struct ddl_server *y)
{
    return x == y || (x->port == y->port && strcmp(x->host, y->host) == 0);
}

static void run_task(struct lane *la, struct link **l, struct link_task *t)
{
    if (!*l || link_lost(*l)) {
        link_close(*l);
        if (!link_open(la->server, la->fan->env, 0, l, &t->d))
            return;
    }
    t->ok = t->run(*l, t);
}

static void lane_run(struct lane *la)
{
    struct fan *f = la->fan;
    struct link *l = NULL;
    unsigned seen = 0;

    for (size_t i = 0; i < f->n; i++) {
        struct link_task *t = &f->tasks[i];

        if (!same_server(t->server, la->server) || seen++ % la->of != la->nr)
            continue;
        if (f->stop_on_error && atomic_load_explicit(&f->failed, memory_order_relaxed))
            break;
        run_task(la, &l, t);
        if (!t->ok)
            atomic_store_explicit(&f->failed, true, memory_order_relaxed);
    }
    link_close(l);
}

static void *lane_main(void *arg)
{
    mysql_thread_init();
    lane_run(arg);
    mysql_thread_end();
    return NULL;
}

static size_t count_lanes(struct link_task *tasks, size_t n, unsigned lanes, struct lane *out)
{
    size_t made = 0;

    for (size_t i = 0; i < n; i++) {
        unsigned on_server = 0, of;
        bool seen = false;

        for (size_t j = 0; j < i && !seen; j++)
            seen = same_server(tasks[j].server, tasks[i].server);
        if (seen)
            continue;
        for (size_t j = i; j < n; j++)
            on_server += same_server(tasks[j].server, tasks[i].server);
        of = MIN(lanes ? lanes : 1, on_server);
        for (unsigned k = 0; k < of; k++, made++)
            if (out)
                out[made] = (struct lane){.server = tasks[i].server, .nr = k, .of = of};
    }
    return made;
}

bool link_run_all(struct link_task *tasks, size_t n, const struct link_env *env, unsigned lanes, bool stop_on_error,
                  struct diag *d)
{
    struct fan f = {.tasks = tasks, .n = n, .env = env, .stop_on_error = stop_on_error};
    size_t n_lanes = count_lanes(tasks, n, lanes, NULL);
    struct lane *all = xcalloc(n_lanes + 1, sizeof *all);

    (void)count_lanes(tasks, n, lanes, all);
    for (size_t i = 0; i < n; i++) {
        tasks[i].ok = false;
        diag_clear(&tasks[i].d);
    }
    for (size_t i = 0; i < n_lanes; i++) {
        all[i].fan = &f;
        /* One lane runs here; so does every lane that the system gives no thread for. */
        all[i].started = i + 1 < n_lanes && pthread_create(&all[i].thread, NULL, lane_main, &all[i]) == 0;
    }
    for (size_t i = 0; i < n_lanes; i++)
        if (!all[i].started)
            lane_run(&all[i]);
    for (size_t i = 0; i < n_lanes; i++)
        if (all[i].started)
            (void)pthread_join(all[i].thread, NULL);
    xfree(all);
    for (size_t i = 0; i < n; i++) {
        if (tasks[i].ok || !diag_is_set(&tasks[i].d))
            continue;
        *d = tasks[i].d;
        return false;
    }
    return true;
}

bool link_run_sql(struct link *l, struct link_task *t)
{
    return link_exec(l, t->sql, &t->affected, NULL, &t->d);
}
