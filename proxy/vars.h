/* Session variables that Tessera itself computes with: where a merge above the shards, or the routing of a value, gives what a server
 * under these variables would give. Any thread. */
#ifndef TESSERA_PROXY_VARS_H
#define TESSERA_PROXY_VARS_H

#include "types/env.h"
#include "util/sv.h"

struct proxy;

/* completion_type: what COMMIT and ROLLBACK do that do not say AND CHAIN or RELEASE themselves. */
enum vars_completion { VARS_NO_CHAIN, VARS_CHAIN, VARS_RELEASE };

struct session_vars {
    const struct tz *tz;
    int64_t now_us; /* SET timestamp; 0: the clock's */
    uint64_t max_allowed_packet;
    uint64_t select_limit; /* sql_select_limit; UINT64_MAX: none */
    uint32_t group_concat_max_len;
    uint16_t collation; /* of the connection */
    uint8_t div_precision_increment;
    uint8_t default_week_format;
    enum vars_completion completion;
};

/* The names that vars_take knows and that have global values; NULL at the end. */
extern const char *const vars_names[];

/* A fresh server's values. */
void vars_init(struct proxy *px);
/* Takes a variable's value as a server told it. False: the variable is none of these. */
bool vars_take(const struct proxy *px, struct session_vars *v, struct sv name, struct sv value);
/* "1700000000.25" */
int64_t vars_microseconds(struct sv seconds);
/* The zone behind the servers' @@system_time_zone, which is an abbreviation ("CET"): UTC, this machine's own zone if it has that
 * abbreviation, or tz_unknown. */
const struct tz *vars_system_zone(struct sv abbreviation);

#endif
