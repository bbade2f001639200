/* Fault points. The points themselves are static data that the linker gathers in the section
 * tsr_faults; what is armed is a small table of rules under one mutex, looked at only while
 * fault_armed_count is not zero. A name may stand at several places in the program: a rule counts
 * them together. */
#include "util/fault.h"

#include "util/array.h"
#include "util/clock.h"

#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum fault_action { FAULT_CRASH, FAULT_STOP, FAULT_ERROR, FAULT_SLEEP, FAULT_OFF };
enum { RULES_MAX = 64, RULE_TEXT_MAX = 64 };

struct fault_rule {
    const char *name; /* the point's own */
    enum fault_action action;
    uint64_t sleep_ms;
    uint64_t nth;    /* 0: every time */
    bool and_later;  /* from the nth on */
    uint64_t passed; /* since armed */
    char text[RULE_TEXT_MAX];
};

_Atomic uint32_t fault_armed_count;

static pthread_mutex_t fault_lock = PTHREAD_MUTEX_INITIALIZER;
static struct fault_rule rules[RULES_MAX];
static uint32_t rules_n;

/* Weak: a program without any point has no such section. */
extern const struct fault_point *const __start_tsr_faults[] __attribute__((weak));
extern const struct fault_point *const __stop_tsr_faults[] __attribute__((weak));

static size_t points_count(void)
{
    return __start_tsr_faults ? (size_t)(__stop_tsr_faults - __start_tsr_faults) : 0;
}

static const char *known_name(struct sv name)
{
    for (size_t i = 0; i < points_count(); i++) {
        if (sv_eq_cstr(name, __start_tsr_faults[i]->name))
            return __start_tsr_faults[i]->name;
    }
    return NULL;
}

static struct fault_rule *rule_of(const char *name)
{
    for (uint32_t i = 0; i < rules_n; i++) {
        if (strcmp(rules[i].name, name) == 0)
            return &rules[i];
    }
    return NULL;
}

static NORETURN void crash(void)
{
    kill(getpid(), SIGKILL);
    for (;;)
        pause();
}

bool fault_pass(const struct fault_point *p)
{
    enum fault_action action = FAULT_OFF;
    uint64_t sleep_ms = 0;
    struct fault_rule *r;

    pthread_mutex_lock(&fault_lock);
    r = rule_of(p->name);
    if (r) {
        r->passed++;
        if (r->nth == 0 || r->passed == r->nth || (r->and_later && r->passed > r->nth)) {
            action = r->action;
            sleep_ms = r->sleep_ms;
        }
    }
    pthread_mutex_unlock(&fault_lock);
    switch (action) {
    case FAULT_CRASH:
        crash();
    case FAULT_STOP:
        kill(getpid(), SIGSTOP);
        return false;
    case FAULT_ERROR:
        return true;
    case FAULT_SLEEP:
        clock_sleep_ms(sleep_ms);
        return false;
    case FAULT_OFF:
        return false;
    }
    return false;
}

static bool bad(struct diag *d, struct sv entry, const char *why)
{
    return diag_setf(d, ER_CONFIG, "faults: %.*s: %s", SV_ARG(entry), why);
}

/* Splits s at the first c into *head and the rest; without c all of it is *head and the rest is
 * NULL. */
static struct sv cut(struct sv s, char c, struct sv *head)
{
    const char *at = s.len ? memchr(s.ptr, c, s.len) : NULL;

    if (!at) {
        *head = s;
        return SV_NULL;
    }
    *head = sv_make(s.ptr, (size_t)(at - s.ptr));
    return sv_make(at + 1, s.len - head->len - 1);
}

static bool parse_when(struct sv when, struct fault_rule *r)
{
    if (sv_eq(when, SV("once"))) {
        r->nth = 1;
        return true;
    }
    if (when.len > 1 && when.ptr[when.len - 1] == '+') {
        r->and_later = true;
        when.len--;
    }
    return sv_to_u64(when, &r->nth) && r->nth > 0;
}

static bool parse_entry(struct sv entry, struct fault_rule *r, struct diag *d)
{
    struct sv name, rest = cut(entry, '=', &name), action, when, arg, verb;

    *r = (struct fault_rule){0};
    name = sv_trim(name);
    if (sv_eq(name, SV("off")) && !rest.ptr) {
        r->action = FAULT_OFF;
        return true;
    }
    if (!rest.ptr)
        return bad(d, entry, "is not of the form name=action");
    r->name = known_name(name);
    if (!r->name)
        return bad(d, name, "there is no fault point of this name");
    when = cut(sv_trim(rest), '@', &action);
    if (when.ptr && !parse_when(when, r))
        return bad(d, entry, "after @ stands a count from 1 on, a count with +, or once");
    arg = cut(action, ':', &verb);
    if (sv_eq(verb, SV("crash")) && !arg.ptr)
        r->action = FAULT_CRASH;
    else if (sv_eq(verb, SV("stop")) && !arg.ptr)
        r->action = FAULT_STOP;
    else if (sv_eq(verb, SV("error")) && !arg.ptr)
        r->action = FAULT_ERROR;
    else if (sv_eq(verb, SV("off")) && !arg.ptr)
        r->action = FAULT_OFF;
    else if (sv_eq(verb, SV("sleep")) && sv_to_u64(arg, &r->sleep_ms))
        r->action = FAULT_SLEEP;
    else
        return bad(d, entry, "the action is crash, stop, error, sleep:MS or off");
    snprintf(r->text, sizeof(r->text), "%.*s", SV_ARG(sv_trim(rest)));
    return true;
}

static void apply(const struct fault_rule *r)
{
    struct fault_rule *old = r->name ? rule_of(r->name) : NULL;

    if (r->action == FAULT_OFF) {
        if (!r->name)
            rules_n = 0;
        else if (old)
            *old = rules[--rules_n];
    } else if (old) {
        *old = *r;
    } else {
        rules[rules_n++] = *r;
    }
}

bool fault_arm(struct sv text, struct diag *d)
{
    ARRAY_OF(, struct fault_rule) parsed = {0};
    bool ok = true;

    while (ok && text.ptr && text.len) {
        struct fault_rule r;
        size_t n = 0;
        struct sv entry;

        while (n < text.len && text.ptr[n] != ',' && text.ptr[n] != ';')
            n++;
        entry = sv_trim(sv_make(text.ptr, n));
        n += n < text.len;
        text = sv_make(text.ptr + n, text.len - n);
        if (entry.len == 0)
            continue;
        ok = parse_entry(entry, &r, d);
        if (ok)
            array_push(&parsed, NULL, r);
    }
    pthread_mutex_lock(&fault_lock);
    if (ok && rules_n + parsed.n > RULES_MAX)
        ok = diag_setf(d, ER_CONFIG, "faults: more than %d points armed", RULES_MAX);
    for (size_t i = 0; ok && i < parsed.n; i++)
        apply(&parsed.v[i]);
    atomic_store_explicit(&fault_armed_count, rules_n, memory_order_relaxed);
    pthread_mutex_unlock(&fault_lock);
    array_free(&parsed);
    return ok;
}

bool fault_arm_from_env(struct diag *d)
{
    const char *text = getenv("TESSERA_FAULTS");

    return !text || fault_arm(sv_cstr(text), d);
}

void fault_disarm_all(void)
{
    pthread_mutex_lock(&fault_lock);
    rules_n = 0;
    atomic_store_explicit(&fault_armed_count, 0, memory_order_relaxed);
    pthread_mutex_unlock(&fault_lock);
}

static int by_name(const void *a, const void *b)
{
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

void fault_list(
    void (*fn)(void *arg, const char *name, const char *armed, uint64_t passed), void *arg)
{
    size_t n = points_count();
    const char **names = xmalloc(n * sizeof(*names));

    for (size_t i = 0; i < n; i++)
        names[i] = __start_tsr_faults[i]->name;
    qsort(names, n, sizeof(*names), by_name);
    for (size_t i = 0; i < n; i++) {
        char text[RULE_TEXT_MAX] = "";
        uint64_t passed = 0;
        const struct fault_rule *r;

        if (i > 0 && strcmp(names[i], names[i - 1]) == 0)
            continue;
        pthread_mutex_lock(&fault_lock);
        r = rule_of(names[i]);
        if (r) {
            memcpy(text, r->text, sizeof(text));
            passed = r->passed;
        }
        pthread_mutex_unlock(&fault_lock);
        fn(arg, names[i], text, passed);
    }
    xfree(names);
}
