/* Dates and times. Arguments are read leniently (zero months and days pass); functions that need a whole date give NULL for
 * them. Strings that are no dates give NULL and warning 1292. */
#include "types/func-int.h"

#include <math.h>

static bool get_datetime(struct func_ctx *cx, const struct value *v, struct datetime *t)
{
    int64_t p;

    if (!value_to_datetime(v, cx->env, &p))
        return false;
    temporal_unpack_datetime(p, t);
    return true;
}

static bool get_time(struct func_ctx *cx, const struct value *v, struct datetime *t)
{
    int64_t p;

    if (!value_to_time(v, cx->env, &p))
        return false;
    temporal_unpack_time(p, t);
    return true;
}

/* A date with month and day. */
static bool get_whole_date(struct func_ctx *cx, const struct value *v, struct datetime *t)
{
    return get_datetime(cx, v, t) && t->month && t->day;
}

static void set_datetime(struct value *out, enum type_kind k, const struct datetime *t, unsigned fsp)
{
    *out = (struct value){.kind = (uint8_t)k, .fsp = (uint8_t)fsp};
    out->t = k == KIND_TIME ? temporal_pack_time(t) : temporal_pack_datetime(t);
    if (k == KIND_DATE)
        out->t = temporal_date_part(out->t);
}

/* Fractional digits that an argument read as a time can have. */
static unsigned arg_fsp(const struct func_arg *a)
{
    struct value v;

    switch (type_kind_of(&a->type)) {
    case KIND_NULL:
    case KIND_I64:
    case KIND_U64:
    case KIND_DATE:
        return 0;
    case KIND_DATETIME:
    case KIND_TIME:
        return a->type.decimals;
    case KIND_DEC:
        return MIN(a->type.decimals, (uint8_t)6);
    case KIND_F64:
        return 6;
    case KIND_STR:
        break;
    }
    if (!a->constant || a->constant->kind != KIND_STR)
        return 6;
    v = *a->constant;
    for (size_t i = v.s.len; i-- > 0;) {
        if (v.s.ptr[i] == '.') {
            size_t n = 0;

            while (i + 1 + n < v.s.len && v.s.ptr[i + 1 + n] >= '0' && v.s.ptr[i + 1 + n] <= '9')
                n++;
            return (unsigned)MIN(n, (size_t)6);
        }
    }
    return 0;
}

/* ---- parts ---- */

enum part {
    PART_YEAR, PART_MONTH, PART_DAY, PART_HOUR, PART_MINUTE, PART_SECOND, PART_MICROSECOND, PART_QUARTER, PART_DAYOFWEEK,
    PART_DAYOFYEAR, PART_WEEKDAY, PART_TO_DAYS, PART_TO_SECONDS, PART_TIME_TO_SEC
};

static bool f_part(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum part p = (enum part)c->aux;
    struct datetime t;
    int64_t daynr, v = 0;

    if (p == PART_HOUR || p == PART_MINUTE || p == PART_SECOND || p == PART_MICROSECOND || p == PART_TIME_TO_SEC) {
        if (!get_time(cx, &args[0], &t))
            return true;
        v = p == PART_HOUR ? t.hour : p == PART_MINUTE ? t.minute : p == PART_SECOND ? t.second : t.usec;
        if (p == PART_TIME_TO_SEC) {
            v = (int64_t)t.hour * 3600 + t.minute * 60 + t.second;
            v = t.neg ? -v : v;
        }
        *out = value_i64(v);
        return true;
    }
    if (!get_datetime(cx, &args[0], &t))
        return true;
    if (p >= PART_DAYOFWEEK && (t.month == 0 || t.day == 0))
        return true;
    daynr = temporal_daynr(t.year, t.month, t.day);
    switch (p) {
    case PART_YEAR: v = t.year; break;
    case PART_MONTH: v = t.month; break;
    case PART_DAY: v = t.day; break;
    case PART_QUARTER: v = (t.month + 2) / 3; break;
    case PART_DAYOFWEEK: v = (temporal_weekday(daynr) + 1) % 7 + 1; break;
    case PART_WEEKDAY: v = temporal_weekday(daynr); break;
    case PART_DAYOFYEAR: v = daynr - temporal_daynr(t.year, 1, 1) + 1; break;
    case PART_TO_DAYS: v = daynr; break;
    case PART_TO_SECONDS: v = daynr * 86400 + (int64_t)t.hour * 3600 + t.minute * 60 + t.second; break;
    case PART_HOUR:
    case PART_MINUTE:
    case PART_SECOND:
    case PART_MICROSECOND:
    case PART_TIME_TO_SEC:
        break;
    }
    *out = value_i64(v);
    return true;
}

/* WEEK()'s mode to temporal_week's bits: odd modes start on Monday; 0, 1, 4, 5 count from 0. */
static unsigned week_mode(int64_t mode)
{
    unsigned m = (unsigned)mode & 7;

    if (!(m & 1))
        m ^= 4;
    return m;
}

static bool f_week(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;
    uint32_t year;
    int64_t mode = c->n_args > 1 ? value_to_i64(&args[1], cx->env) : c->aux == 0 ? cx->env->default_week_format : 0;
    unsigned w;

    if (!get_whole_date(cx, &args[0], &t))
        return true;
    if (c->aux == 1) /* WEEKOFYEAR */
        mode = 3;
    w = temporal_week(&t, c->aux == 2 ? week_mode(mode) | 2 : week_mode(mode), &year);
    *out = value_i64(c->aux == 2 ? (int64_t)year * 100 + w : w);
    return true;
}

static const char *const day_names[] = {"Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday"};
static const char *const month_names[] = {"January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December"};

static bool f_name(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    if (!get_datetime(cx, &args[0], &t) || t.month == 0 || (c->aux == 0 && t.day == 0))
        return true;
    *out = value_str(sv_cstr(c->aux ? month_names[t.month - 1] : day_names[temporal_weekday(temporal_daynr(t.year, t.month, t.day))]),
        c->coll);
    return true;
}

static bool f_extract(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum temporal_unit u = (enum temporal_unit)c->unit;
    struct datetime t = {0};
    int64_t v = 0, hms;
    bool time_only = u == UNIT_MICROSECOND || u == UNIT_SECOND || u == UNIT_MINUTE || u == UNIT_HOUR ||
        (u >= UNIT_SECOND_MICROSECOND && u <= UNIT_HOUR_MINUTE);

    if (time_only ? !get_time(cx, &args[0], &t) : args[0].kind == KIND_TIME ? !get_time(cx, &args[0], &t) : !get_datetime(cx, &args[0], &t))
        return true;
    hms = (int64_t)t.hour * 10000 + t.minute * 100 + t.second;
    if (args[0].kind == KIND_TIME && !time_only && u >= UNIT_DAY_MICROSECOND && u <= UNIT_DAY_HOUR) {
        t.day = t.hour / 24;
        t.hour %= 24;
        hms = (int64_t)t.hour * 10000 + t.minute * 100 + t.second;
    }
    switch (u) {
    case UNIT_MICROSECOND: v = t.usec; break;
    case UNIT_SECOND: v = t.second; break;
    case UNIT_MINUTE: v = t.minute; break;
    case UNIT_HOUR: v = t.hour; break;
    case UNIT_DAY: v = t.day; break;
    case UNIT_WEEK: {
        uint32_t y;

        if (t.month == 0 || t.day == 0)
            return true;
        v = temporal_week(&t, week_mode(cx->env->default_week_format), &y);
        break;
    }
    case UNIT_MONTH: v = t.month; break;
    case UNIT_QUARTER: v = (t.month + 2) / 3; break;
    case UNIT_YEAR: v = t.year; break;
    case UNIT_SECOND_MICROSECOND: v = (int64_t)t.second * 1000000 + t.usec; break;
    case UNIT_MINUTE_MICROSECOND: v = ((int64_t)t.minute * 100 + t.second) * 1000000 + t.usec; break;
    case UNIT_MINUTE_SECOND: v = (int64_t)t.minute * 100 + t.second; break;
    case UNIT_HOUR_MICROSECOND: v = hms * 1000000 + t.usec; break;
    case UNIT_HOUR_SECOND: v = hms; break;
    case UNIT_HOUR_MINUTE: v = (int64_t)t.hour * 100 + t.minute; break;
    case UNIT_DAY_MICROSECOND: v = ((int64_t)t.day * 1000000 + hms) * 1000000 + t.usec; break;
    case UNIT_DAY_SECOND: v = (int64_t)t.day * 1000000 + hms; break;
    case UNIT_DAY_MINUTE: v = (int64_t)t.day * 10000 + t.hour * 100 + t.minute; break;
    case UNIT_DAY_HOUR: v = (int64_t)t.day * 100 + t.hour; break;
    case UNIT_YEAR_MONTH: v = (int64_t)t.year * 100 + t.month; break;
    }
    *out = value_i64(t.neg ? -v : v);
    return true;
}

/* ---- dates from dates ---- */

static bool bind_date(struct binder *b)
{
    b->c->type = type_temporal(TYPE_DATE, 0);
    return true;
}

static bool f_date(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    (void)c;
    if (get_datetime(cx, &args[0], &t))
        set_datetime(out, KIND_DATE, &t, 0);
    return true;
}

static bool bind_time(struct binder *b)
{
    b->c->type = type_temporal(TYPE_TIME, arg_fsp(&b->args[b->n - 1]));
    return true;
}

static bool f_time(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    if (get_time(cx, &args[0], &t))
        set_datetime(out, KIND_TIME, &t, c->type.decimals);
    return true;
}

static bool bind_timestamp(struct binder *b)
{
    unsigned fsp = arg_fsp(&b->args[0]);

    if (b->n > 1)
        fsp = MAX(fsp, arg_fsp(&b->args[1]));
    b->c->type = type_temporal(TYPE_DATETIME, fsp);
    return true;
}

static bool f_timestamp(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;
    struct interval iv = {0};
    int64_t p;

    if (!get_datetime(cx, &args[0], &t))
        return true;
    if (c->n_args > 1) {
        if (!value_to_time(&args[1], cx->env, &p) || t.month == 0 || t.day == 0)
            return true;
        iv.us = temporal_time_to_us(p);
        if (!temporal_add(&t, &iv))
            return true;
    }
    set_datetime(out, KIND_DATETIME, &t, c->type.decimals);
    return true;
}

static bool f_last_day(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    (void)c;
    if (!get_datetime(cx, &args[0], &t) || t.month == 0)
        return true;
    t.day = temporal_days_in_month(t.year, t.month);
    set_datetime(out, KIND_DATE, &t, 0);
    return true;
}

static bool f_from_days(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t = {0};

    int64_t nr = value_to_i64(&args[0], cx->env);

    (void)c;
    if (cx->exact && (nr < 366 || nr > 3652424))
        return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "FROM_DAYS() of such a number above the shards");
    if (nr > 365 || cx->env->flavour == ENV_MYSQL8)
        temporal_from_daynr(nr, &t);
    set_datetime(out, KIND_DATE, &t, 0);
    return true;
}

static bool f_makedate(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int64_t year = value_to_i64(&args[0], cx->env), day = value_to_i64(&args[1], cx->env), nr;
    struct datetime t = {0};

    (void)c;
    if (day <= 0 || year < 0 || year > 9999)
        return true;
    if (year < 100)
        year += year < 70 ? 2000 : 1900;
    if (day > 4000000)
        return true;
    nr = temporal_daynr((uint32_t)year, 1, 1) + day - 1;
    if (nr > 3652424)
        return true;
    temporal_from_daynr(nr, &t);
    set_datetime(out, KIND_DATE, &t, 0);
    return true;
}

static bool f_maketime(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int64_t h = value_to_i64(&args[0], cx->env), m = value_to_i64(&args[1], cx->env), us;
    struct dec s = value_to_dec(&args[2], cx->env);
    bool neg = h < 0;

    (void)dec_rescale(&s, 6, DEC_HALF_UP);
    s.scale = 0;
    if (dec_to_i64(&s, &us) != DEC_OK || m < 0 || m > 59 || us < 0 || us >= 60000000)
        return true;
    h = h < -1000 ? 1000 : neg ? -h : h;
    if (cx->exact && h > 838)
        return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "a time beyond 838:59:59 above the shards");
    us = h > 838 ? TEMPORAL_TIME_MAX_US : (h * 3600 + m * 60) * 1000000 + us;
    us = MIN(us, TEMPORAL_TIME_MAX_US);
    *out = (struct value){.kind = KIND_TIME, .fsp = c->type.decimals};
    out->t = temporal_time_from_us(neg ? -us : us);
    return true;
}

static bool f_sec_to_time(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct dec s = value_to_dec(&args[0], cx->env);
    int64_t us;

    (void)dec_rescale(&s, 6, DEC_HALF_UP);
    s.scale = 0;
    (void)dec_to_i64(&s, &us);
    if (us > TEMPORAL_TIME_MAX_US || us < -TEMPORAL_TIME_MAX_US) {
        if (cx->exact)
            return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "a time beyond 838:59:59 above the shards");
        us = us > 0 ? TEMPORAL_TIME_MAX_US : -TEMPORAL_TIME_MAX_US;
        warn_add(cx->env->warnings, WARN_WARNING, 1292, "Truncated incorrect time value: '%s'", "seconds");
    }
    *out = (struct value){.kind = KIND_TIME, .fsp = c->type.decimals};
    out->t = temporal_time_from_us(us);
    return true;
}

static bool f_period_add(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int64_t p = value_to_i64(&args[0], cx->env), n = value_to_i64(&args[1], cx->env), m[2] = {0, 0}, v[2] = {p, n};

    for (int i = 0; i < 2; i++) {
        int64_t y = v[i] / 100;

        if (y > INT64_C(1) << 40 || y < -(INT64_C(1) << 40)) {
            if (i == 0 || c->aux)
                return func_out_of_range(cx, c, "BIGINT");
            continue;
        }
        if (y < 70)
            y += 2000;
        else if (y < 100)
            y += 1900;
        m[i] = y * 12 + v[i] % 100 - 1;
    }
    if (c->aux) {
        *out = value_i64(m[0] - m[1]);
        return true;
    }
    if (__builtin_add_overflow(m[0], n, &m[0]) || m[0] > INT64_C(1) << 50 || m[0] < -(INT64_C(1) << 50))
        return func_out_of_range(cx, c, "BIGINT");
    *out = value_i64(p == 0 ? 0 : m[0] / 12 * 100 + m[0] % 12 + 1);
    return true;
}

/* ---- intervals ---- */

/* The amount of INTERVAL amount unit. False: NULL. */
static bool get_interval(struct func_ctx *cx, const struct func_call *c, const struct value *v, struct interval *iv)
{
    static const struct {
        uint8_t n;       /* fields */
        uint8_t first;   /* 0 year.. as the array in scale below */
        bool msec;
    } compound[] = {
        [UNIT_SECOND_MICROSECOND] = {2, 5, true}, [UNIT_MINUTE_MICROSECOND] = {3, 4, true}, [UNIT_MINUTE_SECOND] = {2, 4, false},
        [UNIT_HOUR_MICROSECOND] = {4, 3, true}, [UNIT_HOUR_SECOND] = {3, 3, false}, [UNIT_HOUR_MINUTE] = {2, 3, false},
        [UNIT_DAY_MICROSECOND] = {5, 2, true}, [UNIT_DAY_SECOND] = {4, 2, false}, [UNIT_DAY_MINUTE] = {3, 2, false},
        [UNIT_DAY_HOUR] = {2, 2, false}, [UNIT_YEAR_MONTH] = {2, 0, false}};
    static const int64_t unit_us[] = {0, 0, 0, INT64_C(3600000000), 60000000, 1000000, 1}; /* year month day hour ... */
    enum temporal_unit u = (enum temporal_unit)c->unit;
    int64_t n, f[5] = {0};

    *iv = (struct interval){0};
    if (u < UNIT_SECOND_MICROSECOND) {
        if (u == UNIT_SECOND) {
            struct dec d = value_to_dec(v, cx->env);

            (void)dec_rescale(&d, 6, DEC_TRUNCATE);
            d.scale = 0;
            return dec_to_i64(&d, &iv->us) != DEC_OVERFLOW;
        }
        n = value_to_i64(v, cx->env);
        if (v->kind == KIND_U64 && n < 0)
            return false;
        switch (u) {
        case UNIT_MICROSECOND: iv->us = n; return true;
        case UNIT_MINUTE: return !__builtin_mul_overflow(n, INT64_C(60000000), &iv->us);
        case UNIT_HOUR: return !__builtin_mul_overflow(n, INT64_C(3600000000), &iv->us);
        case UNIT_DAY: iv->days = n; return true;
        case UNIT_WEEK: return !__builtin_mul_overflow(n, INT64_C(7), &iv->days);
        case UNIT_MONTH: iv->months = n; return true;
        case UNIT_QUARTER: return !__builtin_mul_overflow(n, INT64_C(3), &iv->months);
        case UNIT_YEAR: return !__builtin_mul_overflow(n, INT64_C(12), &iv->months);
        default: return false;
        }
    } else {
        struct sv s = value_to_str(v, NULL, cx->arena);
        size_t i = 0, digits = 0;
        unsigned got = 0, want = compound[u].n;
        bool neg = false;

        while (i < s.len && !(s.ptr[i] >= '0' && s.ptr[i] <= '9')) {
            if (s.ptr[i] == '-')
                neg = true;
            i++;
        }
        while (got < want) {
            int64_t x = 0;
            size_t start = i;

            for (; i < s.len && s.ptr[i] >= '0' && s.ptr[i] <= '9'; i++) {
                if (x > INT64_C(1000000000000))
                    return false;
                x = x * 10 + (s.ptr[i] - '0');
            }
            digits = i - start;
            f[got++] = x;
            while (i < s.len && !(s.ptr[i] >= '0' && s.ptr[i] <= '9'))
                i++;
            if (i == s.len)
                break;
        }
        if (i < s.len)
            return false;
        for (size_t k = digits; compound[u].msec && k < 6; k++) /* the last is a fraction */
            f[got - 1] *= 10;
        if (got < want) { /* the leftmost are missing */
            memmove(f + (want - got), f, got * sizeof(f[0]));
            memset(f, 0, (want - got) * sizeof(f[0]));
        }
        for (unsigned k = 0; k < want; k++) {
            unsigned place = compound[u].first + k;

            if (place == 0)
                iv->months += f[k] * 12;
            else if (place == 1)
                iv->months += f[k];
            else if (place == 2)
                iv->days += f[k];
            else if (__builtin_mul_overflow(f[k], unit_us[place], &f[k]) || __builtin_add_overflow(iv->us, f[k], &iv->us))
                return false;
        }
        if (neg) {
            iv->months = -iv->months;
            iv->days = -iv->days;
            iv->us = -iv->us;
        }
        return true;
    }
}

static bool unit_is_date(enum temporal_unit u)
{
    return (u >= UNIT_DAY && u <= UNIT_YEAR) || u == UNIT_YEAR_MONTH;
}

static bool unit_has_usec(enum temporal_unit u)
{
    return u == UNIT_MICROSECOND || u == UNIT_SECOND_MICROSECOND || u == UNIT_MINUTE_MICROSECOND || u == UNIT_HOUR_MICROSECOND ||
        u == UNIT_DAY_MICROSECOND;
}

/* Argument `date` plus argument `amount`: aux 0 add, 1 subtract; 2, 3: TIMESTAMPADD has them the other way round. */
static bool bind_date_add(struct binder *b)
{
    const struct func_arg *date = &b->args[b->c->aux & 2 ? 1 : 0], *amount = &b->args[b->c->aux & 2 ? 0 : 1];
    enum temporal_unit u = (enum temporal_unit)b->c->unit;
    enum type_kind k = type_kind_of(&date->type);
    unsigned fsp = unit_has_usec(u) ? 6 : u == UNIT_SECOND ? arg_fsp(amount) : 0;

    if (k == KIND_DATETIME || k == KIND_TIME)
        fsp = MAX(fsp, (unsigned)date->type.decimals);
    if (k == KIND_DATE)
        b->c->type = type_temporal(unit_is_date(u) ? TYPE_DATE : TYPE_DATETIME, unit_is_date(u) ? 0 : fsp);
    else if (k == KIND_TIME && !unit_is_date(u))
        b->c->type = type_temporal(TYPE_TIME, fsp);
    else if (k == KIND_DATETIME || k == KIND_TIME)
        b->c->type = type_temporal(TYPE_DATETIME, fsp);
    else {
        b->c->coll = b->env->coll_connection;
        b->c->type = type_string(29, b->c->coll, DERIV_COERCIBLE);
    }
    return true;
}

static bool out_of_datetime(struct func_ctx *cx)
{
    warn_add(cx->env->warnings, WARN_WARNING, 1441, "Datetime function: datetime field overflow");
    return true;
}

static bool f_date_add(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct value *date = &args[c->aux & 2 ? 1 : 0], *amount = &args[c->aux & 2 ? 0 : 1];
    enum temporal_unit u = (enum temporal_unit)c->unit;
    struct interval iv;
    struct datetime t;
    bool was_date = date->kind == KIND_DATE;

    if (!get_interval(cx, c, amount, &iv))
        return true;
    /* MariaDB takes years and months modulo 2^32. */
    if (cx->exact && (iv.months > INT32_MAX / 2 || iv.months < -(INT32_MAX / 2)))
        return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "an interval of so many months above the shards");
    if (c->aux & 1) {
        if (iv.months == INT64_MIN || iv.days == INT64_MIN || iv.us == INT64_MIN)
            return out_of_datetime(cx);
        iv = (struct interval){-iv.months, -iv.days, -iv.us};
    }
    if (type_kind_of(&c->type) == KIND_TIME) {
        int64_t us = temporal_time_to_us(date->t), days;

        if (__builtin_mul_overflow(iv.days, INT64_C(86400000000), &days) || __builtin_add_overflow(us, days, &us) ||
            __builtin_add_overflow(us, iv.us, &us) || us > TEMPORAL_TIME_MAX_US ||
            us < -TEMPORAL_TIME_MAX_US)
            return out_of_datetime(cx);
        *out = (struct value){.kind = KIND_TIME, .fsp = c->type.decimals, .t = temporal_time_from_us(us)};
        return true;
    }
    if (!get_datetime(cx, date, &t))
        return true;
    if (date->kind == KIND_STR) {
        struct sv s = sv_trim(date->s);

        was_date = (s.len <= 10 && !memchr(s.ptr, ':', s.len)) && !memchr(s.ptr, 'T', s.len);
    } else if (date->kind == KIND_I64 || date->kind == KIND_U64) {
        was_date = value_to_i64(date, cx->env) < 100000000;
    }
    if (t.month == 0 || t.day == 0)
        return true;
    if (!temporal_add(&t, &iv) || (t.year == 0 && cx->env->flavour == ENV_MARIADB))
        return out_of_datetime(cx);
    if (type_kind_of(&c->type) != KIND_STR) {
        set_datetime(out, type_kind_of(&c->type), &t, c->type.decimals);
        return true;
    }
    {
        char buf[40];
        size_t n;

        if (was_date && unit_is_date(u))
            n = temporal_print_date(temporal_pack_datetime(&t), buf);
        else
            n = temporal_print_datetime(temporal_pack_datetime(&t), t.usec ? 6 : 0, buf);
        *out = value_str(arena_dup(cx->arena, (struct sv){buf, n}), c->coll);
    }
    return true;
}

/* ADDDATE(d, n), SUBDATE(d, n) without INTERVAL: days. */
static bool bind_adddate(struct binder *b)
{
    if (!(b->opts && b->opts->unit != 0))
        b->c->unit = UNIT_DAY;
    return bind_date_add(b);
}

static bool f_datediff(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime a, b;

    (void)c;
    if (get_whole_date(cx, &args[0], &a) && get_whole_date(cx, &args[1], &b))
        *out = value_i64(temporal_daynr(a.year, a.month, a.day) - temporal_daynr(b.year, b.month, b.day));
    return true;
}

static int64_t datetime_us(const struct datetime *t)
{
    return temporal_to_epoch(t) * 1000000 + t->usec;
}

static bool bind_timediff(struct binder *b)
{
    b->c->type = type_temporal(TYPE_TIME, MAX(arg_fsp(&b->args[0]), arg_fsp(&b->args[1])));
    return true;
}

/* A string is a datetime when it has a date before the time. */
static bool looks_like_datetime(const struct value *v)
{
    int64_t p;
    struct sv s;

    if (v->kind == KIND_DATETIME || v->kind == KIND_DATE)
        return true;
    if (v->kind != KIND_STR)
        return false;
    s = sv_trim(v->s);
    return s.len >= 14 && !(memchr(s.ptr, ':', MIN(s.len, (size_t)4))) && s.ptr[0] != '-' &&
        temporal_parse_datetime(s, false, 6, NULL, &p) <= TEMPORAL_TRUNCATED;
}

static bool f_timediff(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime a, b;
    bool da = looks_like_datetime(&args[0]), db = looks_like_datetime(&args[1]);
    int64_t us, p, q;

    if (da != db)
        return true;
    if (da) {
        if (!get_datetime(cx, &args[0], &a) || !get_datetime(cx, &args[1], &b))
            return true;
        us = datetime_us(&a) - datetime_us(&b);
    } else {
        if (!value_to_time(&args[0], cx->env, &p) || !value_to_time(&args[1], cx->env, &q))
            return true;
        us = temporal_time_to_us(p) - temporal_time_to_us(q);
    }
    if (cx->exact && (us > TEMPORAL_TIME_MAX_US || us < -TEMPORAL_TIME_MAX_US))
        return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "a time beyond 838:59:59 above the shards");
    if (us > TEMPORAL_TIME_MAX_US || us < -TEMPORAL_TIME_MAX_US) {
        us = us > 0 ? TEMPORAL_TIME_MAX_US : -TEMPORAL_TIME_MAX_US;
        warn_add(cx->env->warnings, WARN_WARNING, 1292, "Truncated incorrect time value: '%s'", "difference");
    }
    *out = (struct value){.kind = KIND_TIME, .fsp = c->type.decimals, .t = temporal_time_from_us(us)};
    return true;
}

static bool bind_addtime(struct binder *b)
{
    enum type_kind k = type_kind_of(&b->args[0].type);
    unsigned fsp = MAX(arg_fsp(&b->args[0]), arg_fsp(&b->args[1]));

    if (k == KIND_DATE || k == KIND_DATETIME)
        b->c->type = type_temporal(TYPE_DATETIME, fsp);
    else if (k == KIND_TIME)
        b->c->type = type_temporal(TYPE_TIME, fsp);
    else {
        b->c->coll = b->env->coll_connection;
        b->c->type = type_string(26, b->c->coll, DERIV_COERCIBLE);
    }
    return true;
}

static bool f_addtime(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    enum type_kind k = type_kind_of(&c->type);
    bool dt = k == KIND_DATETIME || (k == KIND_STR && looks_like_datetime(&args[0]));
    struct interval iv = {0};
    struct datetime t;
    char buf[40];
    size_t n;
    int64_t p, us;

    if (args[1].kind == KIND_DATETIME || args[1].kind == KIND_DATE || looks_like_datetime(&args[1]))
        return true;
    if (!value_to_time(&args[1], cx->env, &p))
        return true;
    us = temporal_time_to_us(p);
    us = c->aux ? -us : us;
    if (dt) {
        if (!get_whole_date(cx, &args[0], &t))
            return true;
        iv.us = us;
        if (!temporal_add(&t, &iv))
            return out_of_datetime(cx);
        if (k == KIND_DATETIME) {
            set_datetime(out, k, &t, c->type.decimals);
            return true;
        }
        n = temporal_print_datetime(temporal_pack_datetime(&t), t.usec ? 6 : 0, buf);
    } else {
        if (!value_to_time(&args[0], cx->env, &p))
            return true;
        us += temporal_time_to_us(p);
        if (cx->exact && (us > TEMPORAL_TIME_MAX_US || us < -TEMPORAL_TIME_MAX_US))
            return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "a time beyond 838:59:59 above the shards");
        us = MIN(us, TEMPORAL_TIME_MAX_US);
        us = MAX(us, -TEMPORAL_TIME_MAX_US);
        p = temporal_time_from_us(us);
        if (k == KIND_TIME) {
            *out = (struct value){.kind = KIND_TIME, .fsp = c->type.decimals, .t = p};
            return true;
        }
        n = temporal_print_time(p, us % 1000000 ? 6 : 0, buf);
    }
    *out = value_str(arena_dup(cx->arena, (struct sv){buf, n}), c->coll);
    return true;
}

/* Whole months between two datetimes, a <= b. */
static int64_t months_between(const struct datetime *a, const struct datetime *b)
{
    int64_t m = ((int64_t)b->year - a->year) * 12 + (int64_t)b->month - a->month;
    int64_t ra = ((int64_t)a->day * 86400 + a->hour * 3600 + a->minute * 60 + a->second) * 1000000 + a->usec;
    int64_t rb = ((int64_t)b->day * 86400 + b->hour * 3600 + b->minute * 60 + b->second) * 1000000 + b->usec;

    return rb < ra ? m - 1 : m;
}

static bool f_timestampdiff(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime a, b;
    int64_t us, m;

    if (!get_whole_date(cx, &args[0], &a) || !get_whole_date(cx, &args[1], &b))
        return true;
    us = datetime_us(&b) - datetime_us(&a);
    m = us >= 0 ? months_between(&a, &b) : -months_between(&b, &a);
    switch ((enum temporal_unit)c->unit) {
    case UNIT_YEAR: m /= 12; break;
    case UNIT_QUARTER: m /= 3; break;
    case UNIT_MONTH: break;
    case UNIT_WEEK: m = us / INT64_C(604800000000); break;
    case UNIT_DAY: m = us / INT64_C(86400000000); break;
    case UNIT_HOUR: m = us / INT64_C(3600000000); break;
    case UNIT_MINUTE: m = us / 60000000; break;
    case UNIT_SECOND: m = us / 1000000; break;
    case UNIT_MICROSECOND: m = us; break;
    default: return diag_set(cx->diag, ER_NOT_SUPPORTED_YET, "TIMESTAMPDIFF with a compound unit");
    }
    *out = value_i64(m);
    return true;
}

/* ---- text ---- */

static void put_number(struct strbuf *b, uint64_t v, unsigned width)
{
    char buf[24];
    size_t n = num_print_u64(v, buf);

    for (; n < width; width--)
        strbuf_putc(b, '0');
    strbuf_put(b, buf, n);
}

static const char *ordinal_suffix(uint32_t d)
{
    if (d >= 10 && d <= 19)
        return "th";
    return d % 10 == 1 ? "st" : d % 10 == 2 ? "nd" : d % 10 == 3 ? "rd" : "th";
}

/* One specifier. False: the result is NULL. */
static bool put_spec(struct strbuf *b, char f, const struct datetime *t)
{
    int64_t daynr = temporal_daynr(t->year, t->month, t->day);
    uint32_t h12 = (t->hour % 24 + 11) % 12 + 1, year;

    switch (f) {
    case 'M':
        if (!t->month)
            return false;
        strbuf_puts(b, month_names[t->month - 1]);
        break;
    case 'b':
        if (!t->month)
            return false;
        strbuf_put(b, month_names[t->month - 1], 3);
        break;
    case 'W':
    case 'a':
        if (!(t->month || t->year))
            return false;
        strbuf_put(b, day_names[temporal_weekday(daynr)], f == 'a' ? 3 : strlen(day_names[temporal_weekday(daynr)]));
        break;
    case 'D':
        put_number(b, t->day, 1);
        strbuf_puts(b, ordinal_suffix(t->day));
        break;
    case 'Y': put_number(b, t->year, 4); break;
    case 'y': put_number(b, t->year % 100, 2); break;
    case 'm': put_number(b, t->month, 2); break;
    case 'c': put_number(b, t->month, 1); break;
    case 'd': put_number(b, t->day, 2); break;
    case 'e': put_number(b, t->day, 1); break;
    case 'f': put_number(b, t->usec, 6); break;
    case 'H': put_number(b, t->hour, 2); break;
    case 'k': put_number(b, t->hour, 1); break;
    case 'h':
    case 'I': put_number(b, h12, 2); break;
    case 'l': put_number(b, h12, 1); break;
    case 'i': put_number(b, t->minute, 2); break;
    case 's':
    case 'S': put_number(b, t->second, 2); break;
    case 'p': strbuf_puts(b, t->hour % 24 < 12 ? "AM" : "PM"); break;
    case 'r':
        put_number(b, h12, 2);
        strbuf_putc(b, ':');
        put_number(b, t->minute, 2);
        strbuf_putc(b, ':');
        put_number(b, t->second, 2);
        strbuf_puts(b, t->hour % 24 < 12 ? " AM" : " PM");
        break;
    case 'T':
        put_number(b, t->hour, 2);
        strbuf_putc(b, ':');
        put_number(b, t->minute, 2);
        strbuf_putc(b, ':');
        put_number(b, t->second, 2);
        break;
    case 'j':
        put_number(b, t->month || t->year ? (uint64_t)(daynr - temporal_daynr(t->year, 1, 1) + 1) : 0, 3);
        break;
    case 'U': put_number(b, temporal_week(t, 4, &year), 2); break;
    case 'u': put_number(b, temporal_week(t, 1, &year), 2); break;
    case 'V': put_number(b, temporal_week(t, 2 | 4, &year), 2); break;
    case 'v': put_number(b, temporal_week(t, 2 | 1, &year), 2); break;
    case 'X':
        (void)temporal_week(t, 2 | 4, &year);
        put_number(b, year, 4);
        break;
    case 'x':
        (void)temporal_week(t, 2 | 1, &year);
        put_number(b, year, 4);
        break;
    case 'w':
        if (!(t->month || t->year))
            return false;
        put_number(b, (temporal_weekday(daynr) + 1) % 7, 1);
        break;
    default: strbuf_putc(b, f); break;
    }
    return true;
}

static bool format_datetime(struct func_ctx *cx, const struct func_call *c, const struct datetime *t, struct sv fmt, struct value *out)
{
    struct strbuf b;

    strbuf_init(&b, cx->arena);
    if (fmt.len == 0)
        return true;
    if (t->neg)
        strbuf_putc(&b, '-');
    for (size_t i = 0; i < fmt.len; i++) {
        if (fmt.ptr[i] != '%' || i + 1 == fmt.len)
            strbuf_putc(&b, fmt.ptr[i]);
        else if (!put_spec(&b, fmt.ptr[++i], t))
            return true;
    }
    *out = value_str(b.ptr ? strbuf_sv(&b) : SV(""), c->coll);
    return true;
}

static bool f_date_format(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    if (!get_datetime(cx, &args[0], &t))
        return true;
    return format_datetime(cx, c, &t, arg_str(cx, c, args, 1), out);
}

static bool f_time_format(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;

    if (!get_time(cx, &args[0], &t))
        return true;
    return format_datetime(cx, c, &t, arg_str(cx, c, args, 1), out);
}

/* STR_TO_DATE: which parts a format has. */
static void format_parts(struct sv fmt, bool *date, bool *time, bool *usec)
{
    *date = *time = *usec = false;
    for (size_t i = 0; i + 1 < fmt.len; i++) {
        if (fmt.ptr[i] != '%')
            continue;
        i++;
        if (strchr("YymcdejMbaWUuVvXxwD", fmt.ptr[i]))
            *date = true;
        if (strchr("HkhIlisSpTrf", fmt.ptr[i]))
            *time = true;
        if (fmt.ptr[i] == 'f')
            *usec = true;
    }
}

static bool bind_str_to_date(struct binder *b)
{
    bool date = true, time = true, usec = true;
    const struct value *f = b->args[1].constant;

    if (f && f->kind == KIND_STR)
        format_parts(f->s, &date, &time, &usec);
    b->c->type = date && !time ? type_temporal(TYPE_DATE, 0)
        : time && !date        ? type_temporal(TYPE_TIME, usec ? 6 : 0)
                               : type_temporal(TYPE_DATETIME, usec ? 6 : 0);
    return true;
}

static bool take_number(struct sv *s, unsigned max, uint32_t *v)
{
    unsigned n = 0;

    *v = 0;
    while (n < max && n < s->len && s->ptr[n] >= '0' && s->ptr[n] <= '9')
        *v = *v * 10 + (uint32_t)(s->ptr[n++] - '0');
    s->ptr += n;
    s->len -= n;
    return n > 0;
}

static bool take_name(struct sv *s, const char *const *names, unsigned n, bool whole, uint32_t *v)
{
    for (unsigned i = 0; i < n; i++) {
        size_t len = whole ? strlen(names[i]) : 3;

        if (s->len >= len && sv_eq_nocase((struct sv){s->ptr, len}, (struct sv){names[i], len})) {
            s->ptr += len;
            s->len -= len;
            *v = i + 1;
            return true;
        }
    }
    return false;
}

struct scan {
    struct datetime t;
    uint32_t yday;
    bool pm, am, h12;
};

static bool scan_spec(struct sv *s, char f, struct scan *r)
{
    uint32_t ignored;
    size_t before;

    switch (f) {
    case 'Y': {
        size_t len = s->len;

        if (!take_number(s, 4, &r->t.year))
            return false;
        if (len - s->len <= 2)
            r->t.year += r->t.year < 70 ? 2000 : 1900;
        return true;
    }
    case 'y':
        if (!take_number(s, 2, &r->t.year))
            return false;
        r->t.year += r->t.year < 70 ? 2000 : 1900;
        return true;
    case 'm':
    case 'c': return take_number(s, 2, &r->t.month);
    case 'd':
    case 'e': return take_number(s, 2, &r->t.day);
    case 'D':
        if (!take_number(s, 2, &r->t.day) || s->len < 2)
            return false;
        s->ptr += 2;
        s->len -= 2;
        return true;
    case 'M': return take_name(s, month_names, 12, true, &r->t.month);
    case 'b': return take_name(s, month_names, 12, false, &r->t.month);
    case 'W': return take_name(s, day_names, 7, true, &ignored);
    case 'a': return take_name(s, day_names, 7, false, &ignored);
    case 'j': return take_number(s, 3, &r->yday);
    case 'h':
    case 'I':
    case 'l':
        r->h12 = true;
        return take_number(s, 2, &r->t.hour);
    case 'H':
    case 'k': return take_number(s, 2, &r->t.hour);
    case 'i': return take_number(s, 2, &r->t.minute);
    case 's':
    case 'S': return take_number(s, 2, &r->t.second);
    case 'f':
        before = s->len;
        if (!take_number(s, 6, &r->t.usec))
            return false;
        for (size_t k = before - s->len; k < 6; k++)
            r->t.usec *= 10;
        return true;
    case 'p':
        if (s->len < 2 || (s->ptr[1] | 0x20) != 'm')
            return false;
        r->pm = (s->ptr[0] | 0x20) == 'p';
        r->am = (s->ptr[0] | 0x20) == 'a';
        s->ptr += 2;
        s->len -= 2;
        return r->pm || r->am;
    case 'T':
    case 'r': {
        static const char t24[] = "H:i:S", t12[] = "I:i:S p";

        for (const char *p = f == 'T' ? t24 : t12; *p; p++) {
            if (*p == ':' || *p == ' ') {
                if (!s->len || s->ptr[0] != *p)
                    return false;
                s->ptr++;
                s->len--;
            } else if (!scan_spec(s, *p, r)) {
                return false;
            }
        }
        return true;
    }
    default: return false;
    }
}

static bool f_str_to_date(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct sv s = arg_str(cx, c, args, 0), fmt = arg_str(cx, c, args, 1), all = s;
    struct scan r = {0};
    bool ok = true;
    enum type_kind k = type_kind_of(&c->type);

    for (size_t i = 0; i < fmt.len && ok && s.len; i++) {
        while (s.len && s.ptr[0] == ' ')
            s.ptr++, s.len--;
        if (fmt.ptr[i] == '%' && i + 1 < fmt.len && fmt.ptr[i + 1] != '%') {
            ok = s.len == 0 || scan_spec(&s, fmt.ptr[++i], &r);
        } else if (fmt.ptr[i] != ' ') {
            i += fmt.ptr[i] == '%';
            ok = s.len && s.ptr[0] == fmt.ptr[i];
            s.ptr += ok;
            s.len -= ok;
        }
    }
    if (r.h12 && (r.pm || r.am)) {
        ok &= r.t.hour >= 1 && r.t.hour <= 12;
        r.t.hour = r.t.hour % 12 + (r.pm ? 12 : 0);
    }
    if (r.yday && r.t.year && !r.t.month)
        temporal_from_daynr(temporal_daynr(r.t.year, 1, 1) + r.yday - 1, &r.t);
    ok &= r.t.hour < 24 && r.t.minute < 60 && r.t.second < 60;
    if (k != KIND_TIME) {
        struct env lax = *cx->env;

        if (lax.flavour == ENV_MARIADB) /* does not look at the month's length here */
            lax.sql_mode |= MODE_ALLOW_INVALID_DATES;
        ok &= temporal_date_is_valid(&r.t, &lax);
    }
    if (!ok) {
        warn_add(cx->env->warnings, WARN_WARNING, 1411, "Incorrect datetime value: '%.*s' for function str_to_date", SV_ARG(all));
        return true;
    }
    set_datetime(out, k, &r.t, c->type.decimals);
    return true;
}

/* ---- epoch and now ---- */

static bool bind_unix_timestamp(struct binder *b)
{
    unsigned fsp = b->n ? arg_fsp(&b->args[0]) : 0;

    if (fsp)
        bind_set_decimal(b->c, 12 + fsp, fsp, fsp);
    else
        b->c->type = type_int(false);
    return true;
}

static bool f_unix_timestamp(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct datetime t;
    int64_t s, max = cx->env->flavour == ENV_MYSQL8 ? INT64_C(32536771199) : INT32_MAX;

    if (c->n_args == 0) {
        *out = value_i64(cx->env->now_us / 1000000);
        return true;
    }
    if (!get_datetime(cx, &args[0], &t))
        return true;
    s = t.month && t.day ? tz_local_to_utc(cx->env->tz, temporal_to_epoch(&t)) : 0;
    if (s < 1 || s > max) {
        if (cx->env->flavour == ENV_MARIADB)
            return true;
        s = 0;
        t.usec = 0;
    }
    if (type_kind_of(&c->type) == KIND_DEC) {
        *out = value_dec(dec_from_i128((int128)s * 1000000 + t.usec, 6));
        (void)dec_rescale(&out->d, c->type.decimals, DEC_TRUNCATE);
    } else {
        *out = value_i64(s);
    }
    return true;
}

static bool bind_from_unixtime(struct binder *b)
{
    if (b->n > 1)
        return bind_string_conn(b);
    b->c->type = type_temporal(TYPE_DATETIME,
        b->env->flavour == ENV_MYSQL8 && type_is_string(&b->args[0].type) ? 6 : arg_fsp(&b->args[0]));
    return true;
}

static bool f_from_unixtime(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    struct dec d = value_to_dec(&args[0], cx->env);
    struct datetime t;
    int64_t us, s, max = cx->env->flavour == ENV_MYSQL8 ? INT64_C(32536771199) : INT32_MAX;

    (void)dec_rescale(&d, 6, DEC_HALF_UP);
    d.scale = 0;
    if (dec_to_i64(&d, &us) == DEC_OVERFLOW || us < 0 || us / 1000000 > max)
        return true;
    s = us / 1000000;
    if (!temporal_from_epoch(s + tz_offset_at_utc(cx->env->tz, s), (uint32_t)(us % 1000000), &t))
        return true;
    if (c->n_args > 1)
        return format_datetime(cx, c, &t, arg_str(cx, c, args, 1), out);
    set_datetime(out, KIND_DATETIME, &t, c->type.decimals);
    return true;
}

enum { NOW_LOCAL = 0, NOW_UTC = 1, NOW_DATE = 2, NOW_TIME = 4 };

static bool bind_now(struct binder *b)
{
    unsigned fsp = b->n && b->args[0].constant ? (unsigned)value_to_i64(b->args[0].constant, b->env) : 0;

    if (fsp > 6)
        return diag_setf(b->diag, ER_NOT_SUPPORTED_YET, "Too-big precision %u specified for '%s'. Maximum is 6.", fsp, b->f->name);
    b->c->type = b->c->aux & NOW_DATE ? type_temporal(TYPE_DATE, 0)
        : b->c->aux & NOW_TIME        ? type_temporal(TYPE_TIME, fsp)
                                      : type_temporal(TYPE_DATETIME, fsp);
    return true;
}

static bool f_now(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    int64_t us = cx->env->now_us, s = us / 1000000;
    static const uint32_t units[] = {1000000, 100000, 10000, 1000, 100, 10, 1};
    struct datetime t;

    (void)args;
    if (!(c->aux & NOW_UTC))
        s += tz_offset_at_utc(cx->env->tz, s);
    if (!temporal_from_epoch(s, (uint32_t)(us % 1000000), &t))
        return true;
    t.usec -= t.usec % units[MIN(c->type.decimals, (uint8_t)6)];
    if (c->aux & NOW_TIME)
        t.year = t.month = t.day = 0;
    set_datetime(out, type_kind_of(&c->type), &t, c->type.decimals);
    return true;
}

static bool bind_convert_tz(struct binder *b)
{
    b->c->type = type_temporal(TYPE_DATETIME, arg_fsp(&b->args[0]));
    return true;
}

static bool f_convert_tz(struct func_ctx *cx, const struct func_call *c, const struct value *args, struct value *out)
{
    const struct tz *from = tz_load(cx->arena, arg_str(cx, c, args, 1)), *to = tz_load(cx->arena, arg_str(cx, c, args, 2));
    struct datetime t;
    int64_t s;

    if (!from || !to || !get_whole_date(cx, &args[0], &t))
        return true;
    s = tz_local_to_utc(from, temporal_to_epoch(&t));
    if (s > 0 && s <= (cx->env->flavour == ENV_MYSQL8 ? INT64_C(32536771199) : INT32_MAX) &&
        !temporal_from_epoch(s + tz_offset_at_utc(to, s), t.usec, &t))
        return true;
    set_datetime(out, KIND_DATETIME, &t, c->type.decimals);
    return true;
}

#define N FUNC_NULL_ANY
#define E FUNC_USES_ENV
#define U FUNC_HAS_UNIT
const struct func funcs_time[] = {
    {"year", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_YEAR},
    {"month", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_MONTH},
    {"day", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_DAY},
    {"dayofmonth", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_DAY},
    {"hour", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_HOUR},
    {"minute", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_MINUTE},
    {"second", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_SECOND},
    {"microsecond", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_MICROSECOND},
    {"quarter", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_QUARTER},
    {"dayofweek", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_DAYOFWEEK},
    {"dayofyear", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_DAYOFYEAR},
    {"weekday", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_WEEKDAY},
    {"to_days", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_TO_DAYS},
    {"to_seconds", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_TO_SECONDS},
    {"time_to_sec", FUNC_OTHER, 1, 1, N, bind_int, f_part, PART_TIME_TO_SEC},
    {"week", FUNC_OTHER, 1, 2, N | E, bind_int, f_week, 0},
    {"weekofyear", FUNC_OTHER, 1, 1, N, bind_int, f_week, 1},
    {"yearweek", FUNC_OTHER, 1, 2, N, bind_int, f_week, 2},
    {"dayname", FUNC_OTHER, 1, 1, N, bind_string_conn, f_name, 0},
    {"monthname", FUNC_OTHER, 1, 1, N, bind_string_conn, f_name, 1},
    {"extract", FUNC_EXTRACT, 1, 1, N | U, bind_int, f_extract, 0},
    {"date", FUNC_OTHER, 1, 1, N, bind_date, f_date, 0},
    {"time", FUNC_OTHER, 1, 1, N, bind_time, f_time, 0},
    {"timestamp", FUNC_OTHER, 1, 2, N, bind_timestamp, f_timestamp, 0},
    {"last_day", FUNC_OTHER, 1, 1, N, bind_date, f_last_day, 0},
    {"from_days", FUNC_OTHER, 1, 1, N, bind_date, f_from_days, 0},
    {"makedate", FUNC_OTHER, 2, 2, N, bind_date, f_makedate, 0},
    {"maketime", FUNC_OTHER, 3, 3, N, bind_time, f_maketime, 0},
    {"sec_to_time", FUNC_OTHER, 1, 1, N, bind_time, f_sec_to_time, 0},
    {"period_add", FUNC_OTHER, 2, 2, N, bind_int, f_period_add, 0},
    {"period_diff", FUNC_OTHER, 2, 2, N, bind_int, f_period_add, 1},
    {"date_add", FUNC_DATE_ADD, 2, 2, N | U, bind_date_add, f_date_add, 0},
    {"date_sub", FUNC_DATE_SUB, 2, 2, N | U, bind_date_add, f_date_add, 1},
    {"adddate", FUNC_OTHER, 2, 2, N, bind_adddate, f_date_add, 0},
    {"subdate", FUNC_OTHER, 2, 2, N, bind_adddate, f_date_add, 1},
    {"timestampadd", FUNC_TIMESTAMPADD, 2, 2, N | U, bind_date_add, f_date_add, 2},
    {"timestampdiff", FUNC_TIMESTAMPDIFF, 2, 2, N | U, bind_int, f_timestampdiff, 0},
    {"datediff", FUNC_OTHER, 2, 2, N, bind_int, f_datediff, 0},
    {"timediff", FUNC_OTHER, 2, 2, N, bind_timediff, f_timediff, 0},
    {"addtime", FUNC_OTHER, 2, 2, N, bind_addtime, f_addtime, 0},
    {"subtime", FUNC_OTHER, 2, 2, N, bind_addtime, f_addtime, 1},
    {"date_format", FUNC_OTHER, 2, 2, N, bind_string_conn, f_date_format, 0},
    {"time_format", FUNC_OTHER, 2, 2, N, bind_string_conn, f_time_format, 0},
    {"str_to_date", FUNC_OTHER, 2, 2, N, bind_str_to_date, f_str_to_date, 0},
    {"unix_timestamp", FUNC_OTHER, 0, 1, N | E, bind_unix_timestamp, f_unix_timestamp, 0},
    {"from_unixtime", FUNC_OTHER, 1, 2, N | E, bind_from_unixtime, f_from_unixtime, 0},
    {"convert_tz", FUNC_OTHER, 3, 3, N, bind_convert_tz, f_convert_tz, 0},
    {"now", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_LOCAL},
    {"current_timestamp", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_LOCAL},
    {"localtime", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_LOCAL},
    {"localtimestamp", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_LOCAL},
    {"sysdate", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_LOCAL},
    {"curdate", FUNC_OTHER, 0, 0, E, bind_now, f_now, NOW_DATE},
    {"current_date", FUNC_OTHER, 0, 0, E, bind_now, f_now, NOW_DATE},
    {"curtime", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_TIME},
    {"current_time", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_TIME},
    {"utc_timestamp", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_UTC},
    {"utc_date", FUNC_OTHER, 0, 0, E, bind_now, f_now, NOW_UTC | NOW_DATE},
    {"utc_time", FUNC_OTHER, 0, 1, E, bind_now, f_now, NOW_UTC | NOW_TIME},
};
const size_t funcs_time_n = ARRAY_LEN(funcs_time);
#undef N
#undef E
#undef U
