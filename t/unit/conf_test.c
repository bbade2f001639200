/* Unit tests of conf/. */
#include "conf/conf.h"
#include "util/log.h"

#include <check.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct arena arena;
static struct strbuf errors;

static void setup(void)
{
    arena_init(&arena, 0);
    strbuf_init(&errors, &arena);
}

static void teardown(void)
{
    arena_free(&arena);
}

#define ONE_SHARD "\"shards\": [{\"name\": \"a\", \"port\": 4001}]"

START_TEST(wrong_entries_are_named)
{
    static const struct {
        const char *text, *want, *msg;
    } t[] = {
        {"{\"listen\": {\"port\": 70000}, " ONE_SHARD "}",
            "config: /listen/port: 70000 is above 65535", "above"},
        {"{\"pool\": {\"max_per_worker\": 0}, " ONE_SHARD "}",
            "config: /pool/max_per_worker: 0 is below 1", "below"},
        {"{\"listen\": {\"prot\": 1}, " ONE_SHARD "}",
            "config: /listen/prot: there is no such entry", "unknown"},
        {"{\"listen/port\": 1, " ONE_SHARD "}", "config: /listen/port: there is no such entry",
            "slash in a name"},
        {"{\"lissten\": {}, " ONE_SHARD "}", "config: /lissten: there is no such entry",
            "unknown section"},
        {"{\"listen\": 3, " ONE_SHARD "}", "config: /listen: must be an object",
            "section is a number"},
        {"{\"listen\": {\"port\": \"3307\"}, " ONE_SHARD "}",
            "config: /listen/port: must be a whole number", "text"},
        {"{\"listen\": {\"port\": 1.5}, " ONE_SHARD "}",
            "config: /listen/port: must be a whole number", "fraction"},
        {"{\"listen\": {\"host\": 1}, " ONE_SHARD "}",
            "config: /listen/host: must be text in quotes", "number"},
        {"{\"listen\": {\"tls\": {\"required\": 1}}, " ONE_SHARD "}",
            "config: /listen/tls/required: must be true or false", "bool"},
        {"{\"log\": {\"level\": \"loud\"}, " ONE_SHARD "}",
            "config: /log/level: \"loud\" is none of error|warn|info|debug", "enum"},
        {"{\"max_allowed_packet\": \"2G\", " ONE_SHARD "}",
            "config: /max_allowed_packet: 2147483648 is above 1073741824", "size above"},
        {"{\"max_allowed_packet\": \"2X\", " ONE_SHARD "}",
            "config: /max_allowed_packet: \"2X\" is no size", "no size"},
        {"{\"shards\": [{\"name\": \"a\"}, {\"name\": \"b\", \"prt\": 1}]}",
            "config: /shards/1/prt: there is no such entry", "unknown in a list"},
        {"{\"shards\": [{\"name\": \"a\"}, {\"host\": \"h\"}]}", "config: /shards/1/name: is missing",
            "missing"},
        {"{\"shards\": [{\"name\": \"a\", \"port\": 0}]}", "config: /shards/0/port: 0 is below 1",
            "wrong in a list"},
        {"{\"shards\": [{\"name\": \"a\"}, {\"name\": \"A\", \"port\": 7}]}",
            "config: /shards/1: the name \"A\" is /shards/0's already", "same name"},
        {"{\"shards\": [{\"name\": \"a\"}, {\"name\": \"b\"}]}",
            "config: /shards/1: the server 127.0.0.1:3306 is /shards/0's already", "same server"},
        {"{\"shards\": {}}", "config: /shards: must be a list", "no list"},
        {"{\"shards\": [1]}", "config: /shards/0: must be an object", "no object"},
        {"{}", "config: /shards: names no server", "nothing to start from"},
        {"{" ONE_SHARD ", \"listen\": {\"tls\": {\"cert\": \"c\"}}}",
            "config: /listen/tls: cert and key", "half a pair"},
        {"{" ONE_SHARD ", \"listen\": {\"port\": 0}}",
            "config: /listen: neither a port nor a socket", "no listener"},
        {"{" ONE_SHARD ", \"backend\": {\"password_file\": \"/nonexistent\"}}",
            "config: /backend/password_file: /nonexistent: No such file", "no password file"},
        {"{" ONE_SHARD ", \"backend\": {\"user\": \"\"}}",
            "config: /backend/user: must not be empty", "empty"},
        {"{" ONE_SHARD ", \"server_version\": \"a\\u0000b\"}", "config: x, line 1", "NUL"},
        {"{\"workers\": 1, \"workers\": 2}", "config: x, line 1, column 24: duplicate object key",
            "twice"},
        {"{\"workers\" 1}", "config: x, line 1", "syntax"},
        {"[]", "config: x: the file must hold one JSON object", "no object"},
        {"", "config: x, line 1", "empty file"},
    };

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        struct diag d = {0};
        struct conf *c;

        ck_assert_msg(
            !conf_parse(sv_cstr(t[i].text), "x", &c, NULL, &d), "%s: was taken", t[i].msg);
        ck_assert_msg(
            strncmp(d.text, t[i].want, strlen(t[i].want)) == 0, "%s: %s", t[i].msg, d.text);
        ck_assert_int_eq(d.code, ER_CONFIG);
    }
}
END_TEST

START_TEST(all_errors_are_told)
{
    struct diag d = {0};
    struct conf *c;

    ck_assert(!conf_parse(
        SV("{\"a\": 1, \"workers\": -1, \"listen\": {\"port\": \"x\"}}"), "x", &c, &errors, &d));
    ck_assert_str_eq(strbuf_cstr(&errors), "config: /a: there is no such entry\n"
                                           "config: /workers: -1 is below 0\n"
                                           "config: /listen/port: must be a whole number\n");
}
END_TEST

START_TEST(values_arrive)
{
    struct diag d = {0};
    struct conf *c;

    ck_assert_msg(conf_parse(SV("{\"# note\": [1], \"listen\": {\"#\": 0, \"port\": 4000, \"tls\": "
                                "{\"cert\": \"c\", \"key\": \"k\"}},"
                                "\"shards\": [{\"name\": \"s1\", \"host\": \"db1\", \"port\": "
                                "3310}, {\"name\": \"s2\"}],"
                                "\"backend\": {\"user\": \"svc\", \"password\": \"secret\", "
                                "\"tls\": {\"mode\": \"verify_ca\"}},"
                                "\"max_allowed_packet\": \"16M\", \"query_memory_limit\": 1048576, "
                                "\"log\": {\"level\": \"debug\"}}"),
                      "x", &c, &errors, &d),
        "%s", d.text);
    ck_assert_int_eq(c->listen.port, 4000);
    ck_assert_str_eq(c->listen.host.ptr, "127.0.0.1");
    ck_assert_uint_eq(c->shards_n, 2);
    ck_assert(sv_eq(c->shards[0].host, SV("db1")) && c->shards[1].port == 3306);
    ck_assert(sv_eq(c->metadata.host, SV("db1")) && c->metadata.port == 3310);
    ck_assert(sv_eq(c->metadata.user, SV("svc")) && sv_eq(c->metadata.password, SV("secret")));
    ck_assert_int_eq(c->backend.tls.mode, CONF_TLS_VERIFY_CA);
    ck_assert_int_eq(c->max_allowed_packet, 16 << 20);
    ck_assert_int_eq(c->query_memory_limit, 1048576);
    ck_assert_int_eq(c->log.level, LOG_DEBUG);
    ck_assert(c->workers > 0 && c->memory_limit > 0);
    ck_assert(c->bootstrap.root_on_loopback);
    conf_unref(c);
}
END_TEST

START_TEST(sample_is_the_defaults)
{
    struct strbuf b;
    struct diag d = {0};
    struct conf *sample, *plain;
    struct conf_change *changes;
    json_t *tree;

    strbuf_init(&b, &arena);
    conf_sample(&b);
    tree = json_loadb(b.ptr, b.len, JSON_REJECT_DUPLICATES, NULL);
    ck_assert_msg(tree, "no JSON: %s", strbuf_cstr(&b));
    json_decref(tree);
    ck_assert_msg(conf_parse(strbuf_sv(&b), "sample", &sample, NULL, &d), "%s", d.text);
    ck_assert_msg(
        conf_parse(SV("{\"shards\": [{\"name\": \"s1\"}]}"), "x", &plain, NULL, &d), "%s", d.text);
    ck_assert_uint_eq(conf_diff(sample, plain, &arena, &changes), 0);
    conf_unref(sample);
    conf_unref(plain);
    conf_describe(&b);
    ck_assert_ptr_nonnull(strstr(strbuf_cstr(&b), "/listen/port\n"));
}
END_TEST

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");

    ck_assert_ptr_nonnull(f);
    fputs(text, f);
    fclose(f);
}

START_TEST(reload_keeps_what_needs_a_restart)
{
    char path[] = "/tmp/tessera-conf-test-XXXXXX", pass[64], text[512];
    struct diag d = {0};
    struct conf *old, *c, *got;
    int fd = mkstemp(path);

    ck_assert_int_ge(fd, 0);
    close(fd);
    snprintf(pass, sizeof(pass), "%s.pass", path);
    write_file(pass, "hidden\nrest");
    snprintf(text, sizeof(text), "{" ONE_SHARD ", \"backend\": {\"password_file\": \"%s\"}}", pass);
    write_file(path, text);
    ck_assert_msg(conf_load(path, &old, &errors, &d), "%s", d.text);
    ck_assert(sv_eq(old->backend.password, SV("hidden")));
    write_file(path,
        "{\"shards\": [{\"name\": \"b\", \"port\": 4002}], \"listen\": {\"port\": 4000},"
        "\"max_connections\": 7, \"metadata\": {\"host\": \"elsewhere\"}}");
    log_set_level(LOG_ERROR);
    ck_assert_msg(conf_reload(old, &c, &errors, &d), "%s", d.text);
    log_set_level(LOG_INFO);
    conf_publish(old);
    got = conf_get();
    ck_assert_ptr_eq(got, old);
    conf_unref(got);
    conf_publish(c); /* old dies here: c must not depend on it */
    ck_assert_int_eq(c->listen.port, 3307);
    ck_assert_int_eq(c->max_connections, 7);
    ck_assert(sv_eq(c->metadata.host, SV("127.0.0.1")) && c->metadata.port == 4001);
    ck_assert(c->shards_n == 1 && sv_eq(c->shards[0].name, SV("a")));
    ck_assert(sv_eq(c->backend.password, SV("")));
    write_file(path, "{\"max_connections\": 0}");
    ck_assert(!conf_reload(c, &got, NULL, &d));
    ck_assert_ptr_nonnull(strstr(d.text, "/max_connections: 0 is below 1"));
    conf_publish(NULL);
    ck_assert_ptr_null(conf_get());
    diag_clear(&d);
    unlink(path);
    unlink(pass);
    ck_assert(!conf_load(path, &c, NULL, &d) && strstr(d.text, "No such file"));
}
END_TEST

int main(void)
{
    Suite *s = suite_create("conf");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_add_checked_fixture(tc, setup, teardown);
    tcase_add_test(tc, wrong_entries_are_named);
    tcase_add_test(tc, all_errors_are_told);
    tcase_add_test(tc, values_arrive);
    tcase_add_test(tc, sample_is_the_defaults);
    tcase_add_test(tc, reload_keeps_what_needs_a_restart);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
