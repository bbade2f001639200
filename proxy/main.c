/* tesserad: options of the command line, signals, the main thread's wait. */
#include "conf/conf.h"
#include "catalog/mconn.h"
#include "proxy/boot.h"
#include "proxy/notify.h"
#include "proxy/proxy.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/log.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static const char usage[] =
    "Usage: tesserad --config FILE [OPTION]...\n"
    "A proxy that makes a fleet of MySQL servers look like one.\n\n"
    "  -c, --config FILE    JSON configuration\n"
    "      --check-config   check the configuration and exit\n"
    "      --sample-config  print a configuration with every option at its default\n"
    "      --list-faults    print the names of the fault points and exit\n"
    "      --help, --version\n\n"
    "Signals: SIGHUP reloads the configuration, SIGUSR1 reopens the log, SIGTERM drains and ends, a second SIGTERM or\n"
    "SIGINT ends at once.\n";

enum { OPT_CHECK = 256, OPT_SAMPLE, OPT_FAULTS, OPT_HELP, OPT_VERSION };

struct args {
    const char *config;
    bool check;
};

static void print_sample(void)
{
    struct arena a;
    struct strbuf b;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    conf_sample(&b);
    fwrite(b.ptr, 1, b.len, stdout);
    arena_free(&a);
}

static void print_fault(void *arg, const char *name, const char *armed, uint64_t passed)
{
    (void)arg, (void)armed, (void)passed;
    puts(name);
}

/* True: go on. False: exit with *status. */
static bool parse_args(int argc, char **argv, struct args *out, int *status)
{
    static const struct option options[] = {
        {"config", required_argument, NULL, 'c'},
        {"check-config", no_argument, NULL, OPT_CHECK},
        {"sample-config", no_argument, NULL, OPT_SAMPLE},
        {"list-faults", no_argument, NULL, OPT_FAULTS},
        {"help", no_argument, NULL, OPT_HELP},
        {"version", no_argument, NULL, OPT_VERSION},
        {NULL, 0, NULL, 0},
    };
    int c;

    *status = 0;
    while ((c = getopt_long(argc, argv, "c:", options, NULL)) != -1) {
        switch (c) {
        case 'c':
            out->config = optarg;
            break;
        case OPT_CHECK:
            out->check = true;
            break;
        case OPT_SAMPLE:
            print_sample();
            return false;
        case OPT_FAULTS:
            fault_list(print_fault, NULL);
            return false;
        case OPT_HELP:
            fputs(usage, stdout);
            return false;
        case OPT_VERSION:
            puts("tesserad " VERSION);
            return false;
        default:
            fputs(usage, stderr);
            *status = 2;
            return false;
        }
    }
    if (!out->config || optind != argc) {
        fputs(usage, stderr);
        *status = 2;
        return false;
    }
    return true;
}

static struct conf *load(const char *path)
{
    struct arena a;
    struct strbuf errors;
    struct conf *conf = NULL;
    struct diag d = {0};

    arena_init(&a, 0);
    strbuf_init(&errors, &a);
    if (!conf_load(path, &conf, &errors, &d))
        fprintf(stderr, "%.*s", (int)errors.len, errors.len ? errors.ptr : "");
    if (!conf && !errors.len)
        fprintf(stderr, "tesserad: %s\n", d.text);
    arena_free(&a);
    return conf;
}

static void write_pid_file(const struct conf *conf)
{
    FILE *f;

    if (!conf->pid_file.len)
        return;
    f = fopen(conf->pid_file.ptr, "w");
    if (!f || fprintf(f, "%ld\n", (long)getpid()) < 0)
        log_warn(LOG_MAIN, "pid file %s: %m", conf->pid_file.ptr);
    if (f)
        fclose(f);
}

/* Configurations that a reload replaced: readers hold no reference, so they stay until the end. */
struct replaced {
    struct conf **list;
    size_t n;
};

static void replaced_free(struct replaced *r)
{
    for (size_t i = 0; i < r->n; i++)
        conf_unref(r->list[i]);
    xfree(r->list);
}

static void reload(struct proxy *px, struct conf **conf, struct replaced *old)
{
    struct conf *next;
    struct diag d = {0};
    struct arena a;
    struct strbuf errors;

    arena_init(&a, 0);
    strbuf_init(&errors, &a);
    notify_send("RELOADING=1");
    if (conf_reload(*conf, &next, &errors, &d)) {
        old->list = xrealloc(old->list, (old->n + 1) * sizeof(struct conf *));
        old->list[old->n++] = *conf;
        *conf = next;
        boot_reload(px, next);
        if (!log_open(next->log.file.ptr, &d))
            log_error(LOG_CONF, "the log goes on where it was: %s", d.text);
    } else {
        struct sv rest = strbuf_sv(&errors);

        log_error(LOG_CONF, "reload refused, the configuration is as before");
        while (rest.len) { /* each mistake on a line of its own */
            const char *end = memchr(rest.ptr, '\n', rest.len);
            size_t n = end ? (size_t)(end - rest.ptr) : rest.len;

            log_error(LOG_CONF, "%.*s", (int)n, rest.ptr);
            rest = sv_make(rest.ptr + MIN(n + 1, rest.len), rest.len - MIN(n + 1, rest.len));
        }
    }
    arena_free(&a);
    log_reopen();
    notify_send("READY=1");
}

/* Waits for signals until the process shall end. */
static void serve(struct proxy *px, struct conf **conf, struct replaced *old, const sigset_t *signals)
{
    uint64_t deadline_ms = 0;

    for (;;) {
        struct timespec wait = {.tv_nsec = 50 * 1000000};
        int sig = deadline_ms ? sigtimedwait(signals, NULL, &wait) : sigwaitinfo(signals, NULL);

        switch (sig) {
        case SIGHUP:
            reload(px, conf, old);
            break;
        case SIGUSR1:
            log_reopen();
            break;
        case SIGINT:
            return;
        case SIGTERM:
            if (deadline_ms)
                return;
            log_info(LOG_MAIN, "draining");
            notify_send("STOPPING=1");
            deadline_ms = clock_mono_ms() + (uint64_t)(*conf)->drain_timeout_ms;
            boot_drain(px);
            break;
        default: /* EAGAIN, EINTR */
            break;
        }
        if (deadline_ms && (boot_is_drained(px) || clock_mono_ms() >= deadline_ms))
            return;
    }
}

static int run(struct conf *conf)
{
    struct diag d = {0};
    struct replaced old = {0};
    struct proxy *px;
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGHUP);
    sigaddset(&signals, SIGUSR1);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &signals, NULL); /* before any thread: they inherit it */
    signal(SIGPIPE, SIG_IGN);
    if (!log_open(conf->log.file.ptr, &d) || !log_start(&d)) {
        fprintf(stderr, "tesserad: %s\n", d.text);
        conf_unref(conf);
        return 1;
    }
    log_set_level((enum log_level)conf->log.level);
    if (!fault_arm_from_env(&d) || (conf->faults.len && !fault_arm(conf->faults, &d)) || !mconn_library_begin()) {
        log_error(LOG_MAIN, "%s", d.text);
        log_stop();
        conf_unref(conf);
        return 1;
    }
    px = boot_start(conf, &d);
    if (!px) {
        fprintf(stderr, "tesserad: %s\n", d.text);
        log_error(LOG_MAIN, "%s", d.text);
        mconn_library_end();
        log_stop();
        conf_unref(conf);
        return 1;
    }
    write_pid_file(conf);
    log_info(LOG_MAIN, "ready on %.*s:%lld, as %s", SV_ARG(conf->listen.host), (long long)conf->listen.port,
        px->server_version);
    notify_send("READY=1");
    serve(px, &conf, &old, &signals);
    boot_stop(px);
    mconn_library_end();
    log_info(LOG_MAIN, "ended");
    log_stop();
    if (conf->pid_file.len)
        unlink(conf->pid_file.ptr);
    conf_unref(conf);
    replaced_free(&old);
    return 0;
}

int main(int argc, char **argv)
{
    struct args args = {0};
    struct conf *conf;
    int status;

    if (!parse_args(argc, argv, &args, &status))
        return status;
    conf = load(args.config);
    if (!conf)
        return 1;
    if (args.check) {
        puts("the configuration is right");
        conf_unref(conf);
        return 0;
    }
    return run(conf);
}
