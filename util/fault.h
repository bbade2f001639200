/* Named fault points, for tests that kill, fail or delay the program at a chosen step:
 *
 *     if (FAULT("txn.after_prepare"))
 *         return diag_set(...);           (what the step does when it fails)
 *
 * Cost while nothing is armed anywhere: one relaxed load and a branch that is predicted. A point
 * whose step cannot fail ignores the result: `(void)FAULT("ddl.before_switch");`. Names are
 * `folder.what_happens`, letters, digits, `.`,
 * `_` and `-`; the linker collects them, so fault_list knows all that the program has.
 *
 * A point is armed by text: `name=action[@n[+]]`, several separated by commas or semicolons.
 *     crash       the process kills itself with SIGKILL
 *     stop        the process stops itself with SIGSTOP, until somebody sends SIGCONT; then FAULT is false
 *     error       FAULT is true
 *     sleep:MS    the thread sleeps, then FAULT is false
 *     off         disarms the point; `off` alone: all points
 *     @n          only at the n-th time (from arming) that the point is passed; @n+ from then on;
 *                 `once` is the same as @1: `error@once`
 *
 * Any thread may pass points; arming takes a mutex. */
#ifndef UTIL_FAULT_H
#define UTIL_FAULT_H

#include "util/diag.h"

#include <stdatomic.h>

struct fault_point {
    const char *name;
    const char *file;
    int line;
};

extern _Atomic uint32_t fault_armed_count;
bool fault_pass(const struct fault_point *p);

#ifdef WITH_FAULTS
#define FAULT(name_)                                                                     \
    ({                                                                                   \
        static const struct fault_point fault_point_ = {name_, __FILE__, __LINE__};      \
        static const struct fault_point *const fault_entry_                              \
            __attribute__((section("tsr_faults"), used)) = &fault_point_;                \
        UNLIKELY(atomic_load_explicit(&fault_armed_count, memory_order_relaxed) != 0) && \
            fault_pass(&fault_point_);                                                   \
    })
#else
#define FAULT(name_) false
#endif

/* Arms points by text (above). All or nothing: an unknown name or a malformed entry changes nothing
 * and is an error (ER_CONFIG) that names it. */
bool fault_arm(struct sv text, struct diag *d) MUST_CHECK;
/* From the environment variable TESSERA_FAULTS, where set. */
bool fault_arm_from_env(struct diag *d) MUST_CHECK;
void fault_disarm_all(void);
/* Calls fn for each known name once, in alphabetical order, with what is armed there ("" if
 * nothing) and how often it was passed since it was armed. */
void fault_list(
    void (*fn)(void *arg, const char *name, const char *armed, uint64_t passed), void *arg);

#endif
