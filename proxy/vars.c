#include "proxy/vars.h"

#include "proxy/proxy.h"
#include "types/coll.h"
#include "types/decimal.h"

#include <pthread.h>
#include <time.h>

const char *const vars_names[] = {
    "time_zone", "div_precision_increment", "default_week_format", "group_concat_max_len", "max_allowed_packet", "completion_type",
    "sql_select_limit", NULL};

/* Zones stay for the life of the process: a server has judged the names, so there are only so many. */
struct zone {
    struct zone *next;
    struct sv name;
    const struct tz *tz;
};

static pthread_mutex_t zones_lock = PTHREAD_MUTEX_INITIALIZER;
static struct zone *zones;
static struct arena zones_arena;

static const struct tz *zone_of(struct sv name)
{
    struct zone *z;

    pthread_mutex_lock(&zones_lock);
    for (z = zones; z && !sv_eq_nocase(z->name, name); z = z->next)
        ;
    if (!z) {
        if (!zones)
            arena_init(&zones_arena, 0);
        z = ARENA_NEW(&zones_arena, struct zone);
        z->name = arena_dup(&zones_arena, name);
        z->tz = tz_load(&zones_arena, name);
        if (!z->tz)
            z->tz = tz_unknown;
        z->next = zones;
        zones = z;
    }
    pthread_mutex_unlock(&zones_lock);
    return z->tz;
}

const struct tz *vars_system_zone(struct sv abbreviation)
{
    static const char *const utc[] = {"UTC", "GMT", "UCT", "Universal", "Zulu", "Etc/UTC", "GMT0", "Z"};

    for (size_t i = 0; i < ARRAY_LEN(utc); i++) {
        if (sv_eq_nocase(abbreviation, sv_cstr(utc[i])))
            return tz_utc;
    }
    tzset();
    if (sv_eq(abbreviation, sv_cstr(tzname[0])) || sv_eq(abbreviation, sv_cstr(tzname[1])))
        return zone_of(SV("SYSTEM"));
    return tz_unknown;
}

int64_t vars_microseconds(struct sv seconds)
{
    struct dec d, million = dec_from_u64(1000000), us;
    size_t used;
    int64_t n = 0;

    if (dec_parse(seconds, &d, &used) == DEC_BAD || dec_mul(&d, &million, &us) == DEC_OVERFLOW)
        return 0;
    (void)dec_rescale(&us, 0, DEC_TRUNCATE);
    (void)dec_to_i64(&us, &n);
    return n;
}

void vars_init(struct proxy *px)
{
    struct env e;

    env_init(&e, px->is_mariadb ? ENV_MARIADB : ENV_MYSQL8);
    px->system_tz = tz_utc;
    px->vars = (struct session_vars){
        .tz = tz_utc,
        .max_allowed_packet = e.max_allowed_packet,
        .select_limit = UINT64_MAX,
        .group_concat_max_len = e.group_concat_max_len,
        .collation = e.coll_connection,
        .div_precision_increment = e.div_precision_increment,
        .default_week_format = e.default_week_format,
    };
}

bool vars_take(const struct proxy *px, struct session_vars *v, struct sv name, struct sv value)
{
    const struct collation *c;
    uint64_t n = 0;

    if (sv_eq(name, SV("time_zone"))) {
        v->tz = sv_eq_nocase(value, SV("SYSTEM")) ? px->system_tz : zone_of(value);
        return true;
    }
    if (sv_eq(name, SV("collation_connection"))) {
        c = coll_by_name(value);
        v->collation = c ? c->id : px->vars.collation;
        return true;
    }
    if (sv_eq(name, SV("completion_type"))) {
        v->completion = sv_eq_nocase(value, SV("CHAIN")) ? VARS_CHAIN
            : sv_eq_nocase(value, SV("RELEASE"))         ? VARS_RELEASE
                                                         : VARS_NO_CHAIN;
        return true;
    }
    (void)!sv_to_u64(value, &n);
    if (sv_eq(name, SV("div_precision_increment")))
        v->div_precision_increment = (uint8_t)n;
    else if (sv_eq(name, SV("default_week_format")))
        v->default_week_format = (uint8_t)n;
    else if (sv_eq(name, SV("group_concat_max_len")))
        v->group_concat_max_len = (uint32_t)MIN(n, (uint64_t)UINT32_MAX);
    else if (sv_eq(name, SV("max_allowed_packet")))
        v->max_allowed_packet = n;
    else if (sv_eq(name, SV("sql_select_limit")))
        v->select_limit = n;
    else
        return false;
    return true;
}
