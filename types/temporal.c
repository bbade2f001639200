/* Parsing follows the rules of MySQL's literal formats: a date is either digits without delimiters (fields of fixed width, year
 * of two or four digits by the number of digits) or fields between any punctuation; blanks may stand behind the day. A
 * TIME is [days] h:m:s, a shorter form, a number hhmmss, or a whole datetime of which the time is taken.
 * Calendar arithmetic counts days from year 0 of the proleptic Gregorian calendar, as TO_DAYS() does. */
#include "types/temporal.h"

#include "types/num.h"

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_punct(char c)
{
    return (c >= '!' && c <= '/') || (c >= ':' && c <= '@') || (c >= '[' && c <= '`') || (c >= '{' && c <= '~');
}

/* ---- packing ---- */

int64_t temporal_pack_datetime(const struct datetime *t)
{
    int64_t ymd = (int64_t)(t->year * 13 + t->month) << 5 | t->day;
    int64_t hms = (int64_t)t->hour << 12 | t->minute << 6 | t->second;

    return (ymd << 17 | hms) << 24 | t->usec;
}

void temporal_unpack_datetime(int64_t packed, struct datetime *t)
{
    uint64_t v = (uint64_t)(packed < 0 ? -packed : packed);
    uint32_t hms = (uint32_t)(v >> 24 & 0x1ffff), ymd = (uint32_t)(v >> 41), ym = ymd >> 5;

    t->neg = false;
    t->usec = (uint32_t)(v & 0xffffff);
    t->second = hms & 63;
    t->minute = hms >> 6 & 63;
    t->hour = hms >> 12;
    t->day = ymd & 31;
    t->month = ym % 13;
    t->year = ym / 13;
}

int64_t temporal_pack_time(const struct datetime *t)
{
    int64_t v = ((int64_t)t->hour << 12 | t->minute << 6 | t->second) << 24 | t->usec;

    return t->neg ? -v : v;
}

void temporal_unpack_time(int64_t packed, struct datetime *t)
{
    uint64_t v = (uint64_t)(packed < 0 ? -packed : packed);
    uint32_t hms = (uint32_t)(v >> 24);

    *t = (struct datetime){.neg = packed < 0,
        .usec = (uint32_t)(v & 0xffffff),
        .second = hms & 63,
        .minute = hms >> 6 & 63,
        .hour = hms >> 12};
}

int64_t temporal_time_to_us(int64_t packed)
{
    struct datetime t;
    int64_t us;

    temporal_unpack_time(packed, &t);
    us = ((int64_t)t.hour * 3600 + t.minute * 60 + t.second) * 1000000 + t.usec;
    return t.neg ? -us : us;
}

int64_t temporal_time_from_us(int64_t us)
{
    struct datetime t = {.neg = us < 0};
    uint64_t v = us < 0 ? 0 - (uint64_t)us : (uint64_t)us;

    t.usec = (uint32_t)(v % 1000000);
    v /= 1000000;
    t.second = (uint32_t)(v % 60);
    t.minute = (uint32_t)(v / 60 % 60);
    t.hour = (uint32_t)(v / 3600);
    return temporal_pack_time(&t);
}

/* ---- calendar ---- */

static bool is_leap(uint32_t y)
{
    return (y % 4 == 0 && y % 100 != 0) || (y % 400 == 0 && y != 0);
}

unsigned temporal_days_in_month(uint32_t year, uint32_t month)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (month < 1 || month > 12)
        return 31;
    return days[month - 1] + (month == 2 && is_leap(year) ? 1u : 0u);
}

int64_t temporal_daynr(uint32_t year, uint32_t month, uint32_t day)
{
    int64_t delsum, y = year;
    int64_t temp;

    if (year == 0 && month == 0)
        return 0;
    delsum = 365 * y + 31 * ((int64_t)month - 1) + day;
    if (month <= 2)
        y--;
    else
        delsum -= ((int64_t)month * 4 + 23) / 10;
    temp = (y / 100 + 1) * 3 / 4;
    return delsum + y / 4 - temp;
}

void temporal_from_daynr(int64_t daynr, struct datetime *t)
{
    uint32_t year, month, day_of_year;

    t->year = t->month = t->day = 0;
    if (daynr <= 0 || daynr > 3652424)
        return;
    if (daynr <= 365) { /* year 0 */
        for (month = 1, day_of_year = (uint32_t)daynr; day_of_year > temporal_days_in_month(0, month); month++)
            day_of_year -= temporal_days_in_month(0, month);
        t->month = month;
        t->day = day_of_year;
        return;
    }
    year = (uint32_t)(daynr * 100 / 36525);
    day_of_year = (uint32_t)((daynr - (int64_t)year * 365) - (year - 1) / 4 + ((year - 1) / 100 + 1) * 3 / 4);
    for (;;) {
        uint32_t in_year = is_leap(year) ? 366 : 365;

        if (day_of_year <= in_year)
            break;
        day_of_year -= in_year;
        year++;
    }
    for (month = 1; day_of_year > temporal_days_in_month(year, month); month++)
        day_of_year -= temporal_days_in_month(year, month);
    t->year = year;
    t->month = month;
    t->day = day_of_year;
}

enum { DAYNR_EPOCH = 719528 }; /* TO_DAYS('1970-01-01') */

int64_t temporal_to_epoch(const struct datetime *t)
{
    return (temporal_daynr(t->year, t->month, t->day) - DAYNR_EPOCH) * 86400 + (int64_t)t->hour * 3600 + t->minute * 60 +
        t->second;
}

bool temporal_from_epoch(int64_t secs, uint32_t usec, struct datetime *t)
{
    int64_t days = secs / 86400, rest = secs % 86400;

    if (rest < 0) {
        rest += 86400;
        days--;
    }
    days += DAYNR_EPOCH;
    if (days <= 365 || days > 3652424)
        return false;
    t->neg = false;
    temporal_from_daynr(days, t);
    t->hour = (uint32_t)(rest / 3600);
    t->minute = (uint32_t)(rest / 60 % 60);
    t->second = (uint32_t)(rest % 60);
    t->usec = usec;
    return true;
}

unsigned temporal_weekday(int64_t daynr)
{
    return (unsigned)((daynr + 5) % 7);
}

unsigned temporal_week(const struct datetime *t, unsigned mode, uint32_t *year)
{
    bool monday_first = mode & 1, week_year = mode & 2, first_weekday = mode & 4;
    int64_t daynr = temporal_daynr(t->year, t->month, t->day);
    int64_t first = temporal_daynr(t->year, 1, 1);
    unsigned weekday;
    int64_t days;

    weekday = (unsigned)((first + 5 + (monday_first ? 0 : 1)) % 7);
    *year = t->year;
    if (t->month == 1 && t->day <= 7 - weekday) {
        if (!week_year && ((first_weekday && weekday != 0) || (!first_weekday && weekday >= 4)))
            return 0;
        week_year = true;
        (*year)--;
        days = is_leap(*year) ? 366 : 365;
        first -= days;
        weekday = (unsigned)((weekday + 53 * 7 - (unsigned)days) % 7);
    }
    if ((first_weekday && weekday != 0) || (!first_weekday && weekday >= 4))
        days = daynr - (first + (7 - weekday));
    else
        days = daynr - (first - weekday);
    if (week_year && days >= 52 * 7) {
        weekday = (weekday + (is_leap(*year) ? 366 : 365)) % 7;
        if ((!first_weekday && weekday < 4) || (first_weekday && weekday == 0)) {
            (*year)++;
            return 1;
        }
    }
    return (unsigned)(days / 7 + 1);
}

static bool date_is_zero(const struct datetime *t)
{
    return (t->year | t->month | t->day) == 0;
}

bool temporal_date_is_valid(const struct datetime *t, const struct env *e)
{
    uint64_t mode = e ? e->sql_mode : 0;

    if (t->year > 9999 || t->month > 12 || t->day > 31)
        return false;
    if (date_is_zero(t))
        return !(mode & MODE_NO_ZERO_DATE);
    if (t->month == 0 || t->day == 0)
        return !(mode & MODE_NO_ZERO_IN_DATE);
    if (mode & MODE_ALLOW_INVALID_DATES)
        return true;
    return t->day <= temporal_days_in_month(t->year, t->month);
}

/* ---- rounding ---- */

static uint32_t fsp_unit(unsigned fsp)
{
    static const uint32_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};

    return units[MIN(fsp, 6u)];
}

/* Adds one second to a date with time. False: beyond year 9999. */
static bool carry_second(struct datetime *t)
{
    if (++t->second < 60)
        return true;
    t->second = 0;
    if (++t->minute < 60)
        return true;
    t->minute = 0;
    if (++t->hour < 24)
        return true;
    t->hour = 0;
    if (t->month == 0 || t->day == 0)
        return false;
    temporal_from_daynr(temporal_daynr(t->year, t->month, t->day) + 1, t);
    return t->year != 0;
}

/* usec and nanos (0..999) to fsp digits; true: carry into the seconds. */
static bool round_fraction(uint32_t *usec, uint32_t nanos, unsigned fsp, const struct env *e)
{
    uint64_t ns = (uint64_t)*usec * 1000 + nanos;
    uint64_t unit = (uint64_t)fsp_unit(fsp) * 1000;

    if (!(e && e->sql_mode & MODE_TIME_TRUNCATE_FRACTIONAL) &&
        !(e && e->flavour == ENV_MARIADB && !(e->sql_mode & MODE_TIME_ROUND_FRACTIONAL)))
        ns += unit / 2;
    ns -= ns % unit;
    *usec = (uint32_t)(ns / 1000 % 1000000);
    return ns >= 1000000000;
}

int64_t temporal_round_datetime(int64_t packed, unsigned fsp, const struct env *e)
{
    struct datetime t;

    if (fsp >= 6 || (packed & 0xffffff) == 0)
        return packed;
    temporal_unpack_datetime(packed, &t);
    if (round_fraction(&t.usec, 0, fsp, e) && !carry_second(&t))
        return TEMPORAL_OVERFLOW;
    return temporal_pack_datetime(&t);
}

int64_t temporal_round_time(int64_t packed, unsigned fsp, const struct env *e)
{
    struct datetime t;
    int64_t us;

    if (fsp >= 6 || ((packed < 0 ? -packed : packed) & 0xffffff) == 0)
        return packed;
    temporal_unpack_time(packed, &t);
    us = ((int64_t)t.hour * 3600 + t.minute * 60 + t.second) * 1000000;
    us += round_fraction(&t.usec, 0, fsp, e) ? 1000000 : 0;
    us = MIN(us + t.usec, TEMPORAL_TIME_MAX_US);
    return temporal_time_from_us(t.neg ? -us : us);
}

/* ---- parsing ---- */

struct parsed {
    struct datetime t;
    uint32_t nanos;
    unsigned fields;
    bool garbage;
    int tz_seconds; /* explicit displacement; valid when has_tz */
    bool has_tz;
};

static unsigned leading_digits(const char *p, const char *end)
{
    unsigned n = 0;

    while (p + n < end && is_digit(p[n]))
        n++;
    return n;
}

/* [+-]HH:MM at p. */
static bool parse_displacement(const char **p, const char *end, int *seconds)
{
    const char *q = *p;
    int h, m;

    if (end - q < 6 || (*q != '+' && *q != '-') || !is_digit(q[1]) || !is_digit(q[2]) || q[3] != ':' || !is_digit(q[4]) ||
        !is_digit(q[5]))
        return false;
    h = (q[1] - '0') * 10 + q[2] - '0';
    m = (q[4] - '0') * 10 + q[5] - '0';
    if (h > 14 || m > 59 || (h == 14 && m != 0))
        return false;
    *seconds = (h * 3600 + m * 60) * (*q == '-' ? -1 : 1);
    *p = q + 6;
    return true;
}

/* The date and time fields of text. False: no date at all. */
static bool scan_datetime(struct sv s, struct parsed *r)
{
    const char *p = s.ptr, *end = s.ptr + s.len, *q;
    uint32_t field[7] = {0};
    unsigned lens[7] = {0}, i, width, n;
    bool fixed;

    *r = (struct parsed){0};
    while (p < end && is_blank(*p))
        p++;
    if (p == end || !is_digit(*p))
        return false;
    for (q = p; q < end && (is_digit(*q) || *q == 'T'); q++)
        ;
    n = (unsigned)(q - p);
    fixed = q == end || *q == '.';
    width = fixed ? (n == 4 || n == 8 || n >= 14 ? 4 : 2) : 4;
    for (i = 0; i < 7 && p < end && is_digit(*p); i++) {
        uint32_t v = 0;
        const char *start = p;

        while (p < end && is_digit(*p) && ((!fixed && i != 6) || (size_t)(p - start) < width)) {
            v = v * 10 + (uint32_t)(*p++ - '0');
            if (v > 999999)
                return false;
        }
        lens[i] = (unsigned)(p - start);
        field[i] = v;
        width = 2;
        if (p == end) {
            i++;
            break;
        }
        if (i == 2 && *p == 'T') {
            p++;
            continue;
        }
        if (i == 5) {
            if (*p == '.' && p + 1 <= end) {
                p++;
                width = 6;
                if (p == end || !is_digit(*p)) {
                    i++;
                    break;
                }
                continue;
            }
            i++;
            break;
        }
        if (i == 6) {
            i++;
            break;
        }
        q = p;
        while (q < end && (is_punct(*q) || (is_blank(*q) && i == 2)))
            q++;
        if (q < end && !is_digit(*q)) { /* nothing follows the delimiter: it is garbage unless blank */
            i++;
            break;
        }
        p = q;
        if (q == end) {
            i++;
            break;
        }
    }
    r->fields = i;
    if (lens[6] < 6) {
        for (unsigned k = lens[6]; k < 6; k++)
            field[6] *= 10;
    } else if (p < end && is_digit(*p)) {
        r->nanos = (uint32_t)(*p - '0') * 100;
        p += leading_digits(p, end);
    }
    r->t = (struct datetime){field[0], field[1], field[2], field[3], field[4], field[5], field[6], false};
    if (lens[0] == 2 && (field[0] | field[1] | field[2] | field[3] | field[4] | field[5] | field[6]) != 0)
        r->t.year += field[0] < 70 ? 2000 : 1900;
    if (i >= 6 && parse_displacement(&p, end, &r->tz_seconds))
        r->has_tz = true;
    while (p < end && is_blank(*p))
        p++;
    r->garbage = p < end;
    return true;
}

static bool datetime_in_range(const struct datetime *t)
{
    return t->year <= 9999 && t->month <= 12 && t->day <= 31 && t->hour <= 23 && t->minute <= 59 && t->second <= 59;
}

/* Common end of text and number: rounding, the date's validity, the date part alone. */
static enum temporal_status finish_datetime(struct datetime *t, uint32_t nanos, bool want_date, unsigned fsp,
    const struct env *e, int64_t *packed)
{
    enum temporal_status st = TEMPORAL_OK;
    uint32_t usec = t->usec;

    *packed = 0;
    if (!datetime_in_range(t) || !temporal_date_is_valid(t, e))
        return TEMPORAL_INVALID;
    if (want_date) {
        if (t->hour | t->minute | t->second | t->usec)
            st = TEMPORAL_NOTE;
        t->hour = t->minute = t->second = t->usec = 0;
    } else {
        if (round_fraction(&t->usec, nanos, fsp, e) && !carry_second(t))
            return TEMPORAL_INVALID;
        if (usec % fsp_unit(fsp) || nanos)
            st = TEMPORAL_NOTE;
    }
    *packed = temporal_pack_datetime(t);
    return st;
}

enum temporal_status temporal_parse_datetime(struct sv s, bool want_date, unsigned fsp, const struct env *e, int64_t *packed)
{
    struct parsed r;
    enum temporal_status st;

    *packed = 0;
    if (!scan_datetime(s, &r) || r.fields < 3)
        return TEMPORAL_INVALID;
    if (r.garbage && date_is_zero(&r.t) && r.t.hour == 0)
        return TEMPORAL_INVALID;
    if (r.has_tz && e && e->flavour == ENV_MARIADB)
        r.garbage = true; /* MariaDB reads no displacement */
    else if (r.has_tz && datetime_in_range(&r.t) && temporal_date_is_valid(&r.t, NULL) && r.t.month && r.t.day) {
        int64_t utc = temporal_to_epoch(&r.t) - r.tz_seconds;

        if (!temporal_from_epoch(utc + tz_offset_at_utc(e && e->tz ? e->tz : tz_utc, utc), r.t.usec, &r.t))
            return TEMPORAL_INVALID;
    }
    st = finish_datetime(&r.t, r.nanos, want_date, fsp, e, packed);
    return st <= TEMPORAL_NOTE && r.garbage ? TEMPORAL_TRUNCATED : st;
}

static enum temporal_status finish_time(struct datetime *t, uint32_t nanos, unsigned fsp, const struct env *e, bool garbage,
    int64_t *packed)
{
    int64_t us;
    bool note;

    *packed = 0;
    if (t->minute > 59 || t->second > 59)
        return TEMPORAL_INVALID;
    if (t->hour > 838 || (t->hour == 838 && t->minute == 59 && t->second == 59 && t->usec)) {
        *packed = temporal_time_from_us(t->neg ? -TEMPORAL_TIME_MAX_US : TEMPORAL_TIME_MAX_US);
        return TEMPORAL_OUT_OF_RANGE;
    }
    note = t->usec % fsp_unit(fsp) || nanos;
    us = ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000;
    us += round_fraction(&t->usec, nanos, fsp, e) ? 1000000 : 0;
    us = MIN(us + t->usec, TEMPORAL_TIME_MAX_US);
    *packed = temporal_time_from_us(t->neg ? -us : us);
    return garbage ? TEMPORAL_TRUNCATED : note ? TEMPORAL_NOTE : TEMPORAL_OK;
}

static uint64_t scan_number(const char **p, const char *end)
{
    uint64_t v = 0;

    for (; *p < end && is_digit(**p); (*p)++)
        v = v < 100000000000 ? v * 10 + (uint64_t)(**p - '0') : v;
    return v;
}

/* days, hours, minutes, seconds at *p. */
static void scan_time_fields(const char **pp, const char *end, uint64_t *f)
{
    const char *p = *pp;
    uint64_t v = scan_number(&p, end);
    const char *behind = p;
    unsigned n;

    while (p < end && is_blank(*p))
        p++;
    if (end - p > 1 && p != behind && is_digit(*p)) {
        f[0] = v;
        n = 1;
    } else if (end - p > 1 && *p == ':' && is_digit(p[1])) {
        f[1] = v;
        n = 2;
        p++;
    } else {
        f[1] = v / 10000;
        f[2] = v / 100 % 100;
        f[3] = v % 100;
        *pp = behind;
        return;
    }
    for (;;) {
        f[n++] = scan_number(&p, end);
        if (n == 4 || end - p < 2 || *p != ':' || !is_digit(p[1]))
            break;
        p++;
    }
    *pp = p;
}

enum temporal_status temporal_parse_time(struct sv s, unsigned fsp, const struct env *e, int64_t *packed)
{
    const char *p = s.ptr, *end = s.ptr + s.len;
    struct datetime t = {0};
    uint64_t f[4] = {0};
    uint32_t nanos = 0;

    *packed = 0;
    while (p < end && is_blank(*p))
        p++;
    if (p < end && *p == '-') {
        t.neg = true;
        p++;
    }
    if (p == end || !is_digit(*p))
        return TEMPORAL_INVALID;
    if (end - p >= 12) {
        struct parsed r;
        unsigned n = leading_digits(p, end);
        char behind = p + n < end ? p[n] : '\0';

        /* A whole datetime: not h:m:s, not days and a time. */
        if (scan_datetime((struct sv){p, (size_t)(end - p)}, &r) && r.fields > 3 && datetime_in_range(&r.t) &&
            temporal_date_is_valid(&r.t, NULL) && n <= 14 && behind != ':' && !(n == 1 && behind == ' ')) {
            r.t.year = r.t.month = r.t.day = 0;
            r.t.neg = t.neg;
            return finish_time(&r.t, r.nanos, fsp, e, r.garbage, packed);
        }
    }
    scan_time_fields(&p, end, f);
    if (end - p >= 2 && *p == '.' && is_digit(p[1])) {
        unsigned n = leading_digits(p + 1, end);

        for (unsigned i = 0; i < 6; i++)
            t.usec = t.usec * 10 + (i < n ? (uint32_t)(p[1 + i] - '0') : 0);
        if (n > 6)
            nanos = (uint32_t)(p[7] - '0') * 100;
        p += 1 + n;
    } else if (end - p == 1 && *p == '.') {
        p++;
    }
    if (end - p > 1 && (*p == 'e' || *p == 'E') && (is_digit(p[1]) || p[1] == '-' || p[1] == '+'))
        return TEMPORAL_INVALID;
    if (f[2] > 59 || f[3] > 59 || f[0] > 100000000)
        return f[0] > 100000000 ? TEMPORAL_OUT_OF_RANGE : TEMPORAL_INVALID;
    f[1] += f[0] * 24;
    t.hour = (uint32_t)MIN(f[1], UINT64_C(100000));
    t.minute = (uint32_t)f[2];
    t.second = (uint32_t)f[3];
    while (p < end && is_blank(*p))
        p++;
    return finish_time(&t, nanos, fsp, e, p < end, packed);
}

/* ---- numbers ---- */

/* YYMMDD, YYYYMMDD, YYMMDDhhmmss, YYYYMMDDhhmmss to the last form; -1: no date. */
static int64_t number_to_full(int64_t v)
{
    if (v == 0 || v >= INT64_C(10000101000000))
        return v > INT64_C(99999999999999) ? -1 : v;
    if (v < 101)
        return -1;
    if (v <= 691231)
        return (v + 20000000) * 1000000;
    if (v < 700101)
        return -1;
    if (v <= 991231)
        return (v + 19000000) * 1000000;
    if (v <= 99991231)
        return v * 1000000;
    if (v < 101000000)
        return -1;
    if (v <= INT64_C(691231235959))
        return v + INT64_C(20000000000000);
    if (v < INT64_C(700101000000))
        return -1;
    if (v <= INT64_C(991231235959))
        return v + INT64_C(19000000000000);
    return v;
}

enum temporal_status temporal_datetime_from_number(int64_t v, uint32_t nanos, bool want_date, unsigned fsp, const struct env *e,
    int64_t *packed)
{
    struct datetime t = {0};
    int64_t full = v < 0 ? -1 : number_to_full(v), date, time;

    *packed = 0;
    if (full < 0)
        return TEMPORAL_INVALID;
    date = full / 1000000;
    time = full % 1000000;
    t.year = (uint32_t)(date / 10000);
    t.month = (uint32_t)(date / 100 % 100);
    t.day = (uint32_t)(date % 100);
    t.hour = (uint32_t)(time / 10000);
    t.minute = (uint32_t)(time / 100 % 100);
    t.second = (uint32_t)(time % 100);
    t.usec = nanos / 1000;
    return finish_datetime(&t, nanos % 1000, want_date, fsp, e, packed);
}

enum temporal_status temporal_time_from_number(int64_t v, uint32_t nanos, unsigned fsp, const struct env *e, int64_t *packed)
{
    struct datetime t = {.neg = v < 0};
    uint64_t n = v < 0 ? 0 - (uint64_t)v : (uint64_t)v;

    if (n > 8385959) {
        int64_t dt;

        if (n >= UINT64_C(10000000000) && !t.neg &&
            temporal_datetime_from_number((int64_t)MIN(n, (uint64_t)INT64_MAX), nanos, false, fsp, NULL, &dt) <= TEMPORAL_NOTE) {
            temporal_unpack_datetime(dt, &t);
            t.year = t.month = t.day = 0;
            *packed = temporal_pack_time(&t);
            return TEMPORAL_OK;
        }
        *packed = temporal_time_from_us(t.neg ? -TEMPORAL_TIME_MAX_US : TEMPORAL_TIME_MAX_US);
        return TEMPORAL_OUT_OF_RANGE;
    }
    t.hour = (uint32_t)(n / 10000);
    t.minute = (uint32_t)(n / 100 % 100);
    t.second = (uint32_t)(n % 100);
    t.usec = nanos / 1000;
    return finish_time(&t, nanos % 1000, fsp, e, false, packed);
}

enum temporal_status temporal_year_from_number(int64_t v, bool from_text, unsigned *year)
{
    *year = 0;
    if (v < 0 || (v >= 100 && v <= 1900) || v > 2155)
        return TEMPORAL_OUT_OF_RANGE;
    if (v == 0) {
        *year = from_text ? 2000 : 0;
        return TEMPORAL_OK;
    }
    *year = (unsigned)(v < 70 ? v + 2000 : v < 100 ? v + 1900 : v);
    return TEMPORAL_OK;
}

/* ---- printing ---- */

static char *put2(char *p, uint32_t v)
{
    p[0] = (char)('0' + v / 10 % 10);
    p[1] = (char)('0' + v % 10);
    return p + 2;
}

static char *put_fraction(char *p, uint32_t usec, unsigned fsp)
{
    fsp = MIN(fsp, 6u);
    if (fsp == 0)
        return p;
    *p++ = '.';
    for (unsigned i = 0; i < fsp; i++) {
        p[i] = (char)('0' + usec / 100000 % 10);
        usec = usec % 100000 * 10;
    }
    return p + fsp;
}

static char *put_date(char *p, const struct datetime *t)
{
    p = put2(p, t->year / 100);
    p = put2(p, t->year % 100);
    *p++ = '-';
    p = put2(p, t->month);
    *p++ = '-';
    return put2(p, t->day);
}

size_t temporal_print_date(int64_t packed, char *buf)
{
    struct datetime t;

    temporal_unpack_datetime(packed, &t);
    return (size_t)(put_date(buf, &t) - buf);
}

size_t temporal_print_datetime(int64_t packed, unsigned fsp, char *buf)
{
    struct datetime t;
    char *p;

    temporal_unpack_datetime(packed, &t);
    p = put_date(buf, &t);
    *p++ = ' ';
    p = put2(p, t.hour);
    *p++ = ':';
    p = put2(p, t.minute);
    *p++ = ':';
    p = put2(p, t.second);
    return (size_t)(put_fraction(p, t.usec, fsp) - buf);
}

size_t temporal_print_time(int64_t packed, unsigned fsp, char *buf)
{
    struct datetime t;
    char *p = buf;

    temporal_unpack_time(packed, &t);
    if (t.neg)
        *p++ = '-';
    if (t.hour < 100)
        p = put2(p, t.hour);
    else
        p += num_print_u64(t.hour, p);
    *p++ = ':';
    p = put2(p, t.minute);
    *p++ = ':';
    p = put2(p, t.second);
    return (size_t)(put_fraction(p, t.usec, fsp) - buf);
}

int64_t temporal_datetime_to_number(int64_t packed, bool date_only)
{
    struct datetime t;
    int64_t date;

    temporal_unpack_datetime(packed, &t);
    date = (int64_t)t.year * 10000 + t.month * 100 + t.day;
    return date_only ? date : date * 1000000 + (int64_t)t.hour * 10000 + t.minute * 100 + t.second;
}

int64_t temporal_time_to_number(int64_t packed)
{
    struct datetime t;
    int64_t v;

    temporal_unpack_time(packed, &t);
    v = (int64_t)t.hour * 10000 + t.minute * 100 + t.second;
    return t.neg ? -v : v;
}

/* ---- arithmetic ---- */

bool temporal_unit_parse(struct sv name, enum temporal_unit *unit)
{
    static const char *const names[] = {[UNIT_MICROSECOND] = "MICROSECOND",
        [UNIT_SECOND] = "SECOND",
        [UNIT_MINUTE] = "MINUTE",
        [UNIT_HOUR] = "HOUR",
        [UNIT_DAY] = "DAY",
        [UNIT_WEEK] = "WEEK",
        [UNIT_MONTH] = "MONTH",
        [UNIT_QUARTER] = "QUARTER",
        [UNIT_YEAR] = "YEAR",
        [UNIT_SECOND_MICROSECOND] = "SECOND_MICROSECOND",
        [UNIT_MINUTE_MICROSECOND] = "MINUTE_MICROSECOND",
        [UNIT_MINUTE_SECOND] = "MINUTE_SECOND",
        [UNIT_HOUR_MICROSECOND] = "HOUR_MICROSECOND",
        [UNIT_HOUR_SECOND] = "HOUR_SECOND",
        [UNIT_HOUR_MINUTE] = "HOUR_MINUTE",
        [UNIT_DAY_MICROSECOND] = "DAY_MICROSECOND",
        [UNIT_DAY_SECOND] = "DAY_SECOND",
        [UNIT_DAY_MINUTE] = "DAY_MINUTE",
        [UNIT_DAY_HOUR] = "DAY_HOUR",
        [UNIT_YEAR_MONTH] = "YEAR_MONTH"};

    if (name.len > 7 && sv_eq_nocase((struct sv){name.ptr, 8}, SV("SQL_TSI_"))) {
        name.ptr += 8;
        name.len -= 8;
    }
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        if (sv_eq_nocase(name, sv_cstr(names[i]))) {
            *unit = (enum temporal_unit)i;
            return true;
        }
    }
    return false;
}

bool temporal_add(struct datetime *t, const struct interval *iv)
{
    if (iv->months) {
        int64_t m = (int64_t)t->year * 12 + ((int64_t)t->month - 1);
        unsigned last;

        if (__builtin_add_overflow(m, iv->months, &m) || m < 0 || m >= 120000)
            return false;
        t->year = (uint32_t)(m / 12);
        t->month = (uint32_t)(m % 12) + 1;
        last = temporal_days_in_month(t->year, t->month);
        if (t->day > last)
            t->day = last;
    }
    if (iv->days || iv->us) {
        int64_t days = temporal_daynr(t->year, t->month, t->day), us;

        us = ((int64_t)t->hour * 3600 + t->minute * 60 + t->second) * 1000000 + t->usec;
        if (__builtin_add_overflow(us, iv->us, &us) || __builtin_add_overflow(days, iv->days, &days))
            return false;
        days += us / INT64_C(86400000000);
        us %= INT64_C(86400000000);
        if (us < 0) {
            us += INT64_C(86400000000);
            days--;
        }
        if (days < 0 || days > 3652424)
            return false;
        temporal_from_daynr(days, t);
        t->usec = (uint32_t)(us % 1000000);
        us /= 1000000;
        t->hour = (uint32_t)(us / 3600);
        t->minute = (uint32_t)(us / 60 % 60);
        t->second = (uint32_t)(us % 60);
    }
    return true;
}
