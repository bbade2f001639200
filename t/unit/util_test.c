/* Unit tests of util/. */
#include "util/acct.h"
#include "util/array.h"
#include "util/bytes.h"
#include "util/clock.h"
#include "util/fault.h"
#include "util/hash.h"
#include "util/hist.h"
#include "util/hmap.h"
#include "util/list.h"
#include "util/log.h"
#include "util/mbox.h"
#include "util/page.h"
#include "util/rand.h"
#include "util/strbuf.h"

#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

ARRAY_OF(int_array, int);
HMAP_U64(u64_map, uint64_t);
HMAP_SV(sv_map, int);
HMAP_SV_NOCASE(name_map, int);

START_TEST(array_works)
{
    struct arena a;
    struct int_array heap = {0}, ar = {0};
    int more[] = {7, 8, 9};

    arena_init(&a, 0);
    for (int i = 0; i < 1000; i++) {
        array_push(&heap, NULL, i);
        *array_add(&ar, &a) = i;
    }
    for (int i = 0; i < 1000; i++)
        ck_assert_msg(heap.v[i] == i && ar.v[i] == i, "element %d", i);
    array_remove(&heap, 0);
    ck_assert_int_eq(heap.v[0], 1);
    ck_assert_uint_eq(heap.n, 999);
    array_remove_swap(&heap, 0);
    ck_assert_int_eq(heap.v[0], 999);
    array_insert(&heap, NULL, 1, 5);
    ck_assert_int_eq(heap.v[1], 5);
    ck_assert_int_eq(heap.v[2], 2);
    array_append(&heap, NULL, more, 3);
    ck_assert_int_eq(*array_last(&heap), 9);
    ck_assert_int_eq(array_pop(&heap), 9);
    array_clear(&heap);
    array_each(&heap, it) ck_abort_msg("an empty array has element %d", *it);
    array_free(&heap);
    arena_free(&a);
}
END_TEST

START_TEST(hmap_against_model)
{
    enum { KEYS = 500 };
    static bool there[KEYS];
    static uint64_t value[KEYS];
    struct u64_map m = {0};
    struct rng r;
    size_t n = 0, seen = 0, i = 0;
    uint64_t key, *v;

    memset(there, 0, sizeof(there));
    rng_seed(&r, 1);
    for (int step = 0; step < 50000; step++) {
        uint64_t k = rng_below(&r, KEYS);

        if (rng_below(&r, 3)) {
            bool is_new;
            uint64_t *p = u64_map_put(&m, k, &is_new);

            ck_assert_msg(is_new == !there[k], "step %d", step);
            n += is_new;
            there[k] = true;
            *p = value[k] = rng_u64(&r);
        } else {
            ck_assert_msg(u64_map_del(&m, k) == there[k], "step %d", step);
            n -= there[k];
            there[k] = false;
        }
        k = rng_below(&r, KEYS);
        v = u64_map_get(&m, k);
        ck_assert_msg(!!v == there[k] && (!v || *v == value[k]), "step %d", step);
        ck_assert_uint_eq(m.n, n);
    }
    while (u64_map_next(&m, &i, &key, &v)) {
        ck_assert(there[key] && *v == value[key]);
        seen++;
    }
    ck_assert_uint_eq(seen, n);
    u64_map_free(&m);
}
END_TEST

START_TEST(hmap_names)
{
    struct arena a;
    struct sv_map exact;
    struct name_map fold;

    arena_init(&a, 0);
    exact = (struct sv_map){.arena = &a};
    fold = (struct name_map){.arena = &a};
    for (int i = 0; i < 300; i++) {
        *sv_map_put(&exact, arena_printf(&a, "Key%d", i), NULL) = i;
        *name_map_put(&fold, arena_printf(&a, "Key%d", i), NULL) = i;
    }
    ck_assert_ptr_null(sv_map_get(&exact, SV("key7")));
    ck_assert_int_eq(*sv_map_get(&exact, SV("Key7")), 7);
    ck_assert_int_eq(*name_map_get(&fold, SV("kEY7")), 7);
    ck_assert_ptr_null(name_map_get(&fold, SV("kEY")));
    arena_free(&a);
}
END_TEST

struct item {
    int v;
    struct list_node node;
};

START_TEST(list_works)
{
    struct list l, other;
    struct item it[5] = {0};
    int sum = 0;

    list_init(&l);
    list_init(&other);
    for (int i = 0; i < 5; i++) {
        it[i].v = i;
        list_push_back(i < 3 ? &l : &other, &it[i].node);
    }
    list_splice(&l, &other);
    ck_assert(list_empty(&other));
    list_each(&l, n)
    {
        struct item *x = LIST_ENTRY(n, struct item, node);

        sum = sum * 10 + x->v;
        if (x->v == 2)
            list_remove(n);
    }
    ck_assert_int_eq(sum, 1234);
    ck_assert(!list_linked(&it[2].node));
    list_remove(&it[2].node);
    ck_assert_ptr_eq(list_pop_front(&l), &it[0].node);
    ck_assert_ptr_eq(list_last(&l), &it[4].node);
}
END_TEST

START_TEST(hash_folds_case)
{
    char a[600], b[600];

    for (size_t i = 0; i < sizeof(a); i++) {
        a[i] = (char)('a' + i % 26);
        b[i] = (char)('A' + i % 26);
    }
    for (size_t n = 0; n < sizeof(a); n += 37)
        ck_assert_msg(
            hash_sv_nocase(sv_make(a, n)) == hash_sv_nocase(sv_make(b, n)), "length %zu", n);
    ck_assert(hash_sv_nocase(SV("ab")) != hash_sv_nocase(SV("ac")));
    ck_assert(hash64("x", 1) == hash64("x", 1) && hash128_eq(hash128("x", 1), hash128("x", 1)));
}
END_TEST

START_TEST(clock_formats)
{
    static const struct {
        uint64_t us;
        const char *text, *msg;
    } t[] = {{0, "1970-01-01T00:00:00.000000Z", "epoch"},
        {UINT64_C(1709164800123456), "2024-02-29T00:00:00.123456Z", "leap day"}};
    char buf[CLOCK_TEXT_MAX];
    struct clock c;

    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        ck_assert_msg(
            strcmp(clock_format_utc(t[i].us, buf), t[i].text) == 0, "%s: %s", t[i].msg, buf);
    clock_update(&c);
    clock_sleep_ms(2);
    ck_assert(clock_mono_us() >= clock_us(&c) + 2000);
    ck_assert(clock_mono_ms() >= clock_ms(&c) && clock_real_us() >= c.real_us);
}
END_TEST

START_TEST(rand_is_spread)
{
    unsigned n[10] = {0};
    struct rng a, b;

    rng_seed(&a, 42);
    rng_seed(&b, 42);
    for (int i = 0; i < 100000; i++)
        n[rand_below(10)]++;
    for (int i = 0; i < 10; i++)
        ck_assert_msg(n[i] > 9000 && n[i] < 11000, "digit %d: %u", i, n[i]);
    for (int i = 0; i < 100; i++)
        ck_assert(rng_u64(&a) == rng_u64(&b));
    ck_assert(rand_double() < 1.0);
}
END_TEST

enum { MBOX_THREADS = 4, MBOX_EACH = 5000 };

static struct mbox box;
static uint64_t mbox_sum;

static void mbox_count(void *arg)
{
    mbox_sum += (uintptr_t)arg;
}

static void *mbox_poster(void *arg)
{
    (void)arg;
    for (uintptr_t i = 1; i <= MBOX_EACH; i++)
        mbox_post(&box, mbox_count, (void *)i);
    return NULL;
}

static int mbox_order_ok, mbox_dropped;

static void mbox_in_order(void *arg)
{
    if ((int)(uintptr_t)arg == mbox_order_ok)
        mbox_order_ok++;
}

static void mbox_drop(mbox_fn *fn, void *arg)
{
    (void)arg;
    mbox_dropped += fn == mbox_count;
}

START_TEST(mbox_delivers)
{
    pthread_t t[MBOX_THREADS];
    struct mbox_msg own;
    size_t got = 0;

    ck_assert(mbox_init(&box));
    mbox_sum = 0;
    mbox_order_ok = mbox_dropped = 0;
    for (int i = 0; i < MBOX_THREADS; i++)
        pthread_create(&t[i], NULL, mbox_poster, NULL);
    while (got < MBOX_THREADS * MBOX_EACH) {
        struct pollfd p = {.fd = box.fd, .events = POLLIN};

        ck_assert_msg(poll(&p, 1, 10000) == 1, "no wake-up after %zu messages", got);
        got += mbox_drain(&box);
    }
    for (int i = 0; i < MBOX_THREADS; i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(mbox_sum, (uint64_t)MBOX_THREADS * MBOX_EACH * (MBOX_EACH + 1) / 2);
    for (uintptr_t i = 0; i < 9; i++)
        mbox_post(&box, mbox_in_order, (void *)i);
    mbox_post_msg(&box, &own, mbox_in_order, (void *)(uintptr_t)9);
    ck_assert_uint_eq(mbox_drain(&box), 10);
    ck_assert_int_eq(mbox_order_ok, 10);
    mbox_post(&box, mbox_count, NULL);
    mbox_destroy(&box, mbox_drop);
    ck_assert_int_eq(mbox_dropped, 1);
}
END_TEST

START_TEST(acct_tree)
{
    struct acct root, query, op;
    const struct acct *who = NULL;

    acct_init(&root, NULL, "process", 1000);
    acct_init(&query, &root, "query", 600);
    acct_init(&op, &query, "sort", 0);
    ck_assert(acct_try_reserve(&op, 500, NULL));
    ck_assert(!acct_try_reserve(&op, 200, &who));
    ck_assert_ptr_eq(who, &query);
    ck_assert_int_eq(acct_used(&op), 500);
    ck_assert_int_eq(acct_used(&root), 500);
    ck_assert_int_eq(acct_left(&op), 100);
    acct_charge(&root, 450);
    ck_assert(!acct_try_reserve(&op, 80, &who));
    ck_assert_ptr_eq(who, &root);
    acct_charge(&op, 200);
    ck_assert_int_eq(acct_peak(&query), 700);
    acct_release(&op, 100);
    acct_close(&op);
    ck_assert_int_eq(acct_used(&query), 0);
    ck_assert_int_eq(acct_used(&root), 450);
    ck_assert(!acct_try_reserve(&root, SIZE_MAX, &who));
}
END_TEST

START_TEST(hist_quantiles)
{
    static struct hist h, sum;
    static const struct {
        double q;
        uint64_t want;
    } t[] = {{0.5, 5000}, {0.99, 9900}, {0.999, 9990}, {1.0, 10000}};

    hist_init(&h);
    hist_init(&sum);
    ck_assert_uint_eq(hist_quantile(&h, 0.5), 0);
    for (uint64_t i = 1; i <= 10000; i++)
        hist_add(&h, i);
    hist_merge(&sum, &h);
    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        uint64_t got = hist_quantile(&sum, t[i].q);

        ck_assert_msg(got >= t[i].want && got <= t[i].want + t[i].want / 30 + 1, "q %g: %llu",
            t[i].q, (unsigned long long)got);
    }
    ck_assert_uint_eq(hist_mean(&sum), 5000);
    hist_add(&h, UINT64_MAX);
    ck_assert_uint_eq(hist_max(&h), UINT64_MAX);
    ck_assert_uint_eq(hist_quantile(&h, 1.0), UINT64_MAX);
}
END_TEST

static bool step_alpha(void)
{
    return FAULT("test.alpha");
}

static bool step_beta(void)
{
    return FAULT("test.beta");
}

static void fault_names(void *arg, const char *name, const char *armed, uint64_t passed)
{
    char *out = arg;
    size_t n = strlen(out);

    (void)passed;
    snprintf(out + n, 256 - n, "%s[%s] ", name, armed);
}

/* The process stops at the point and goes on when it is told to. */
START_TEST(fault_stops)
{
    struct diag d = {0};
    int status;
    pid_t pid = fork();

    ck_assert_int_ge(pid, 0);
    if (pid == 0)
        _exit(!fault_arm(SV("test.alpha=stop@2"), &d) || step_alpha() || step_alpha() ? 1 : 7);
    ck_assert_int_eq(waitpid(pid, &status, WUNTRACED), pid);
    ck_assert(WIFSTOPPED(status));
    ck_assert_int_eq(kill(pid, SIGCONT), 0);
    ck_assert_int_eq(waitpid(pid, &status, 0), pid);
    ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
}
END_TEST

START_TEST(fault_points)
{
    static const struct {
        const char *text;
        const char *pattern; /* result of each pass of test.alpha */
        const char *msg;
    } t[] = {
        {"test.alpha=error", "111111", "always"},
        {"test.alpha=error@3", "001000", "third"},
        {"test.alpha=error@3+", "001111", "from third"},
        {"test.alpha=error@once", "100000", "once"},
        {"test.alpha=sleep:1", "000000", "sleep"},
        {"test.beta=error", "000000", "another point"},
    };
    static const struct {
        const char *text, *part;
    } wrong[] = {
        {"no.such=error", "no fault point"},
        {"test.alpha", "name=action"},
        {"test.alpha=explode", "action is"},
        {"test.alpha=error@0", "after @"},
        {"test.alpha=sleep", "action is"},
        {"test.alpha=off:1", "action is"},
    };
    struct diag d = {0};
    char names[256] = "";

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        ck_assert(fault_arm(SV("off"), &d));
        ck_assert_msg(fault_arm(sv_cstr(t[i].text), &d), "%s: %s", t[i].msg, d.text);
        for (size_t k = 0; t[i].pattern[k]; k++)
            ck_assert_msg(
                step_alpha() == (t[i].pattern[k] == '1'), "%s, pass %zu", t[i].msg, k + 1);
    }
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        diag_clear(&d);
        ck_assert_msg(!fault_arm(sv_cstr(wrong[i].text), &d) && strstr(d.text, wrong[i].part),
            "%s: %s", wrong[i].text, d.text);
    }
    diag_clear(&d);
    ck_assert(fault_arm(SV("off; test.alpha=error@2 , test.beta=error"), &d));
    ck_assert(step_beta() && !step_alpha() && step_alpha());
    ck_assert(fault_arm(SV("test.beta=off"), &d) && !step_beta());
    fault_list(fault_names, names);
    ck_assert_str_eq(names, "test.alpha[error@2] test.beta[] ");
    fault_disarm_all();
    setenv("TESSERA_FAULTS", "test.beta=error", 1);
    ck_assert(fault_arm_from_env(&d) && step_beta());
    unsetenv("TESSERA_FAULTS");
    fault_disarm_all();
}
END_TEST

START_TEST(fault_crash)
{
    struct diag d = {0};
    int status = 0;
    pid_t pid = fork();

    if (pid == 0) {
        if (fault_arm(SV("test.alpha=crash@2"), &d)) {
            step_alpha();
            step_alpha();
        }
        _exit(0);
    }
    ck_assert(waitpid(pid, &status, 0) == pid);
    ck_assert(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
}
END_TEST

static struct page *shared_pages[64];

static void *page_worker(void *arg)
{
    (void)arg;
    for (int round = 0; round < 200; round++) {
        struct page *p[100];

        for (size_t i = 0; i < ARRAY_LEN(p); i++) {
            p[i] = page_alloc();
            p[i]->data[0] = (char)i;
        }
        for (size_t i = 0; i < ARRAY_LEN(p); i++)
            page_unref(p[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(shared_pages); i++)
        page_unref(shared_pages[i]);
    return NULL;
}

START_TEST(pages_are_counted)
{
    pthread_t t[3];
    struct page *p = page_alloc();

    ck_assert(p->refs == 1 && p->begin == 0 && p->end == 0 && !p->next && !page_is_shared(p));
    memset(p->data, 1, PAGE_DATA_BYTES);
    page_ref(p);
    ck_assert(page_is_shared(p));
    page_unref(p);
    for (size_t i = 0; i < ARRAY_LEN(shared_pages); i++) {
        shared_pages[i] = page_alloc();
        page_ref(shared_pages[i]);
        page_ref(shared_pages[i]);
    }
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_create(&t[i], NULL, page_worker, NULL);
    for (size_t i = 0; i < ARRAY_LEN(t); i++)
        pthread_join(t[i], NULL);
    ck_assert_uint_eq(page_count_used(), 1);
    page_unref(p);
    page_thread_flush();
    page_depot_free();
    ck_assert_uint_eq(page_count_used(), 0);
    ck_assert_uint_eq(page_count_depot(), 0);
}
END_TEST

static char *slurp(const char *path)
{
    int fd = open(path, O_RDONLY);
    char *text = xcalloc(1, 4 << 20);
    size_t n = 0;
    ssize_t got;

    while (fd >= 0 && (got = read(fd, text + n, (4 << 20) - 1 - n)) > 0)
        n += (size_t)got;
    if (fd >= 0)
        close(fd);
    return text;
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *p = text; (p = strstr(p, what)); p += strlen(what))
        n++;
    return n;
}

static void *log_worker(void *arg)
{
    for (int i = 0; i < 50; i++)
        log_info(LOG_NET, "thread %d line %d.", (int)(uintptr_t)arg, i);
    return NULL;
}

START_TEST(log_writes)
{
    char path[] = "/tmp/tessera-util-test-XXXXXX", moved[64];
    int tmp = mkstemp(path);
    struct diag d = {0};
    pthread_t t[4];
    char *text;

    ck_assert_int_ge(tmp, 0);
    close(tmp);
    snprintf(moved, sizeof(moved), "%s.1", path);
    ck_assert(log_open(path, &d));
    log_warn(LOG_CONF, "before start");
    log_debug(LOG_CONF, "not shown");
    ck_assert(log_start(&d));
    for (uintptr_t i = 0; i < 4; i++)
        pthread_create(&t[i], NULL, log_worker, (void *)i);
    for (int i = 0; i < 4; i++)
        pthread_join(t[i], NULL);
    for (int i = 0; i < 1000; i++)
        log_error(LOG_TXN, "again and again");
    log_info(LOG_NET, "forged\nline\x01");
    log_flush();
    text = slurp(path);
    ck_assert_msg(strstr(text, " warn  [conf] before start\n"), "%s", text);
    ck_assert_ptr_null(strstr(text, "not shown\n"));
    ck_assert_uint_eq(count_of(text, "[net] thread "), 200);
    ck_assert_uint_le(count_of(text, "again and again"), 2 * LOG_SAME_PER_S);
    ck_assert_ptr_nonnull(strstr(text, "forged\\x0aline\\x01\n"));
    xfree(text);
    ck_assert_int_eq(rename(path, moved), 0);
    log_reopen();
    for (int i = 0; i < 200 && access(path, F_OK) != 0; i++)
        clock_sleep_ms(10);
    log_info(LOG_MAIN, "after rotation");
    log_stop();
    log_info(LOG_MAIN, "after stop");
    text = slurp(path);
    ck_assert(strstr(text, "after rotation\n") && strstr(text, "after stop\n"));
    xfree(text);
    ck_assert(!log_open("/nonexistent/dir/x.log", &d) && strstr(d.text, "/nonexistent/dir/x.log"));
    diag_clear(&d);
    ck_assert(log_open(NULL, &d));
    unlink(path);
    unlink(moved);
}
END_TEST

START_TEST(log_levels_by_name)
{
    enum log_level l;

    ck_assert(log_level_from_name(SV("WARN"), &l) && l == LOG_WARN);
    ck_assert(!log_level_from_name(SV("loud"), &l));
    log_set_cat_level(LOG_DDL, LOG_DEBUG);
    ck_assert(log_is_on(LOG_DDL, LOG_DEBUG) && !log_is_on(LOG_TXN, LOG_DEBUG));
    log_set_level(LOG_INFO);
}
END_TEST

START_TEST(sv_numbers)
{
    static const struct {
        const char *text;
        bool ok;
        int64_t v;
    } t[] = {{"0", true, 0}, {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775807", true, INT64_MAX}, {"9223372036854775808", false, 0}, {"", false, 0},
        {"-", false, 0}, {"1 ", false, 0}};

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        int64_t v = 0;
        bool ok = sv_to_i64(sv_cstr(t[i].text), &v);

        ck_assert_msg(ok == t[i].ok && (!ok || v == t[i].v), "'%s'", t[i].text);
    }
    ck_assert(sv_eq(sv_trim(SV(" \ta b\n")), SV("a b")));
    ck_assert(sv_eq_nocase(SV("SeLeCt"), SV("select")) && !sv_eq_nocase(SV("a"), SV("ab")));
}
END_TEST

START_TEST(lenenc_round_trip)
{
    static const uint64_t t[] = {0, 250, 251, 0xffff, 0x10000, 0xffffff, 0x1000000, UINT64_MAX};
    unsigned char buf[9];

    for (size_t i = 0; i < ARRAY_LEN(t); i++) {
        const unsigned char *p = buf, *end = put_lenenc(buf, t[i]);
        uint64_t v;

        ck_assert_uint_eq((size_t)(end - buf), lenenc_size(t[i]));
        for (const unsigned char *cut = buf; cut < end; cut++)
            ck_assert(!get_lenenc(&p, cut, &v));
        ck_assert(get_lenenc(&p, end, &v) && v == t[i] && p == end);
    }
}
END_TEST

START_TEST(strbuf_quotes)
{
    struct arena a;
    struct strbuf b;

    arena_init(&a, 0);
    strbuf_init(&b, &a);
    strbuf_put_ident(&b, SV("a`b"));
    strbuf_put_quoted(&b, sv_make("x'\\\n\0", 5), false);
    strbuf_put_quoted(&b, SV("x'\\"), true);
    ck_assert_str_eq(strbuf_cstr(&b), "`a``b`'x''\\\\\\n\\0''x''\\'");
    arena_free(&a);
}
END_TEST

int main(void)
{
    Suite *s = suite_create("util");
    TCase *tc = tcase_create("all");
    SRunner *sr;
    int failed;

    tcase_set_timeout(tc, 60);
    tcase_add_test(tc, array_works);
    tcase_add_test(tc, hmap_against_model);
    tcase_add_test(tc, hmap_names);
    tcase_add_test(tc, list_works);
    tcase_add_test(tc, hash_folds_case);
    tcase_add_test(tc, clock_formats);
    tcase_add_test(tc, rand_is_spread);
    tcase_add_test(tc, mbox_delivers);
    tcase_add_test(tc, acct_tree);
    tcase_add_test(tc, hist_quantiles);
    tcase_add_test(tc, fault_points);
    tcase_add_test(tc, fault_stops);
    tcase_add_test(tc, fault_crash);
    tcase_add_test(tc, pages_are_counted);
    tcase_add_test(tc, log_writes);
    tcase_add_test(tc, log_levels_by_name);
    tcase_add_test(tc, sv_numbers);
    tcase_add_test(tc, lenenc_round_trip);
    tcase_add_test(tc, strbuf_quotes);
    suite_add_tcase(s, tc);
    sr = srunner_create(s);
    srunner_set_tap(sr, "-");
    srunner_run_all(sr, CK_SILENT);
    failed = srunner_ntests_failed(sr);
    srunner_free(sr);
    return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
