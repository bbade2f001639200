/* Runs case files and prints TAP: one line for each file and protocol. */
#include "t/sql/sqltest.h"

#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What is read and compared stays until the program ends: leaks are no findings here. */
int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
    return 1;
}

static const char usage[] =
    "usage: sqltest --plain HOST:PORT --tessera HOST:PORT [--kind mariadb|mysql] [--mode text|prepared|both]\n"
    "               [--user U] [--password P] [--init SQL]... [--label TEXT] [--verbose]\n"
    "               [--restart COMMAND] FILE...\n";

static bool parse_endpoint(const char *arg, const char **host, unsigned *port)
{
    const char *colon = strrchr(arg, ':');
    char *end;
    if (!colon)
        return false;
    *host = must_copy(arg, (size_t)(colon - arg));
    *port = (unsigned)strtoul(colon + 1, &end, 10);
    return *end == 0 && *port > 0 && *port < 65536;
}

int main(int argc, char **argv)
{
    enum { OPT_PLAIN = 256, OPT_TESSERA, OPT_KIND, OPT_MODE, OPT_USER, OPT_PASSWORD, OPT_INIT, OPT_LABEL, OPT_VERBOSE, OPT_RESTART };
    static const struct option options[] = {
        {"plain", 1, NULL, OPT_PLAIN}, {"tessera", 1, NULL, OPT_TESSERA}, {"kind", 1, NULL, OPT_KIND},
        {"mode", 1, NULL, OPT_MODE}, {"user", 1, NULL, OPT_USER}, {"password", 1, NULL, OPT_PASSWORD},
        {"init", 1, NULL, OPT_INIT}, {"label", 1, NULL, OPT_LABEL}, {"verbose", 0, NULL, OPT_VERBOSE},
        {"restart", 1, NULL, OPT_RESTART}, {0},
    };
    struct judge_options o = {.user = "root", .password = "", .kind = "mariadb"};
    const char *mode = "both", *label = "", *restart = NULL;
    bool ok = true;
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) >= 0;) {
        switch (c) {
        case OPT_PLAIN: ok = ok && parse_endpoint(optarg, &o.plain_host, &o.plain_port); break;
        case OPT_TESSERA: ok = ok && parse_endpoint(optarg, &o.tessera_host, &o.tessera_port); break;
        case OPT_KIND: o.kind = optarg; break;
        case OPT_MODE: mode = optarg; break;
        case OPT_USER: o.user = optarg; break;
        case OPT_PASSWORD: o.password = optarg; break;
        case OPT_LABEL: label = optarg; break;
        case OPT_VERBOSE: o.verbose = true; break;
        case OPT_RESTART: restart = optarg; break;
        case OPT_INIT:
            o.init = must_realloc(o.init, (o.init_count + 1) * sizeof *o.init);
            o.init[o.init_count++] = optarg;
            break;
        default: ok = false;
        }
    }
    if (!ok || !o.plain_host || !o.tessera_host || optind == argc) {
        fputs(usage, stderr);
        return 2;
    }
    setvbuf(stdout, NULL, _IOLBF, 0);
    size_t test = 0, failed = 0;
    for (int prepared = 0; prepared < 2; prepared++) {
        if (!strcmp(mode, prepared ? "text" : "prepared"))
            continue;
        for (int i = optind; i < argc; i++) {
            struct case_file f;
            struct judge_tally t = {0};
            bool loaded = case_load(argv[i], &f);
            if (restart && !judge_answers(&o) && system(restart) != 0)
                puts("# Tessera could not be started again");
            if (loaded)
                t = judge_run(&o, &f, prepared);
            ok = loaded && t.wrong == 0;
            failed += !ok;
            printf("%s %zu - %s (%s%s%s): %zu statements", ok ? "ok" : "not ok", ++test, f.name ? f.name : argv[i],
                   prepared ? "prepared" : "text", *label ? ", " : "", label, t.statements);
            if (!ok)
                printf(", %zu wrong", t.wrong);
            if (t.tolerated)
                printf(", %zu not there yet", t.tolerated);
            putchar('\n');
        }
    }
    printf("1..%zu\n", test);
    return failed > 0;
}
