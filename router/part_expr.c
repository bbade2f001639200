/* The integer expressions that HASH, RANGE and LIST take: columns, whole numbers, + - * DIV MOD %
 * and the functions that MySQL allows there ("Partitioning Limitations Relating to Functions" in
 * its manual). They are parsed from the canonical text in the catalog, and evaluated here exactly
 * as a server does; anything else is refused when the table is made.
 *
 * Where servers differ from each other, or a result hangs on what is not known here (dates with
 * zero parts, overflow), evaluation says UNSURE, and the callers ask a shard or go everywhere. */
#include "router/part-int.h"

#include "types/decimal.h"
#include "types/temporal.h"

enum { MAX_DEPTH = 64 };

struct fn_row {
    const char *name;
    enum part_fn fn;
    int args;
};

static const struct fn_row functions[] = {
    {"abs", FN_ABS, 1},
    {"ceiling", FN_CEILING, 1},
    {"ceil", FN_CEILING, 1},
    {"floor", FN_FLOOR, 1},
    {"mod", FN_MOD, 2},
    {"year", FN_YEAR, 1},
    {"quarter", FN_QUARTER, 1},
    {"month", FN_MONTH, 1},
    {"dayofmonth", FN_DAYOFMONTH, 1},
    {"day", FN_DAYOFMONTH, 1},
    {"dayofweek", FN_DAYOFWEEK, 1},
    {"dayofyear", FN_DAYOFYEAR, 1},
    {"weekday", FN_WEEKDAY, 1},
    {"yearweek", FN_YEARWEEK, 1},
    {"hour", FN_HOUR, 1},
    {"minute", FN_MINUTE, 1},
    {"second", FN_SECOND, 1},
    {"microsecond", FN_MICROSECOND, 1},
    {"time_to_sec", FN_TIME_TO_SEC, 1},
    {"to_days", FN_TO_DAYS, 1},
    {"to_seconds", FN_TO_SECONDS, 1},
    {"unix_timestamp", FN_UNIX_TIMESTAMP, 1},
    {"datediff", FN_DATEDIFF, 2},
};

/* EXTRACT(unit FROM col): the units that are functions of their own. */
static const struct fn_row units[] = {
    {"year", FN_YEAR, 1},
    {"quarter", FN_QUARTER, 1},
    {"month", FN_MONTH, 1},
    {"day", FN_DAYOFMONTH, 1},
    {"hour", FN_HOUR, 1},
    {"minute", FN_MINUTE, 1},
    {"second", FN_SECOND, 1},
    {"microsecond", FN_MICROSECOND, 1},
};

/* --- reading --- */

struct px {
    struct sv rest; /* text not yet read */
    struct sv text;
    const struct part_column *columns;
    uint32_t n;
    struct arena *a;
    struct diag *d;
    unsigned depth;
};

static const struct part_expr *read_sum(struct px *x);

static const struct part_expr *refuse(struct px *x, const char *why)
{
    diag_setf(x->d, ER_NOT_SUPPORTED_YET,
        "This version of Tessera doesn't yet support partitioning by the expression '%.*s': %s",
        SV_ARG(x->text), why);
    return NULL;
}

static void skip_blanks(struct px *x)
{
    while (x->rest.len &&
           (x->rest.ptr[0] == ' ' || (x->rest.ptr[0] >= '\t' && x->rest.ptr[0] <= '\r'))) {
        x->rest.ptr++;
        x->rest.len--;
    }
}

static bool take(struct px *x, char c)
{
    skip_blanks(x);
    if (!x->rest.len || x->rest.ptr[0] != c)
        return false;
    x->rest.ptr++;
    x->rest.len--;
    return true;
}

static bool is_word_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '$' || (c & 0x80);
}

/* The next word without taking it; empty: none. */
static struct sv peek_word(struct px *x)
{
    size_t n = 0;

    skip_blanks(x);
    while (n < x->rest.len && is_word_char(x->rest.ptr[n]))
        n++;
    return sv_make(x->rest.ptr, n);
}

static void drop(struct px *x, size_t n)
{
    x->rest.ptr += n;
    x->rest.len -= n;
}

static struct part_expr *node(
    struct px *x, enum part_node kind, const struct part_expr *a, const struct part_expr *b)
{
    struct part_expr *e = ARENA_NEW(x->a, struct part_expr);

    e->node = kind;
    e->a = a;
    e->b = b;
    return e;
}

static bool column_is_exact(const struct part_column *c)
{
    return c->cls == PART_EXACT;
}

static bool is_integer(const struct part_expr *e, const struct part_column *columns)
{
    return e->node != PN_COLUMN || (columns[e->column].cls == PART_EXACT &&
                                       columns[e->column].type.code != TYPE_NEWDECIMAL &&
                                       columns[e->column].type.code != TYPE_DECIMAL);
}

static const struct part_expr *read_column(struct px *x, struct sv name)
{
    for (uint32_t i = 0; i < x->n; i++) {
        if (sv_eq_nocase(x->columns[i].column->name, name)) {
            struct part_expr *e = node(x, PN_COLUMN, NULL, NULL);

            e->column = i;
            return e;
        }
    }
    diag_setf(
        x->d, ER_BAD_FIELD_ERROR, "Unknown column '%.*s' in 'partition function'", SV_ARG(name));
    return NULL;
}

/* `a``b`: the name, with the doubled quotes made single. */
static bool read_quoted(struct px *x, struct sv *out)
{
    char *buf = arena_alloc(x->a, x->rest.len);
    size_t n = 0, i = 0;

    for (; i < x->rest.len; i++) {
        if (x->rest.ptr[i] == '`') {
            if (i + 1 >= x->rest.len || x->rest.ptr[i + 1] != '`')
                break;
            i++;
        }
        buf[n++] = x->rest.ptr[i];
    }
    if (i == x->rest.len)
        return false;
    drop(x, i + 1);
    *out = sv_make(buf, n);
    return true;
}

/* What a function may be asked of: a column of a fitting kind. */
static bool argument_fits(const struct px *x, enum part_fn fn, const struct part_expr *arg)
{
    const struct part_column *c = arg->node == PN_COLUMN ? &x->columns[arg->column] : NULL;

    switch (fn) {
    case FN_ABS:
    case FN_MOD:
        return is_integer(arg, x->columns);
    case FN_CEILING:
    case FN_FLOOR:
        return !c || column_is_exact(c);
    case FN_YEAR:
    case FN_QUARTER:
    case FN_MONTH:
    case FN_DAYOFMONTH:
    case FN_DAYOFWEEK:
    case FN_DAYOFYEAR:
    case FN_WEEKDAY:
    case FN_YEARWEEK:
    case FN_TO_DAYS:
    case FN_TO_SECONDS:
    case FN_DATEDIFF:
        return c && c->cls == PART_DATE;
    case FN_HOUR:
    case FN_MINUTE:
    case FN_SECOND:
    case FN_MICROSECOND:
    case FN_TIME_TO_SEC:
        return c && (c->cls == PART_TIME || (c->cls == PART_DATE && c->type.code != TYPE_DATE));
    case FN_UNIX_TIMESTAMP:
        return c && c->cls == PART_TIMESTAMP && c->type.decimals == 0;
    }
    return false;
}

static const struct part_expr *make_call(
    struct px *x, const struct fn_row *f, const struct part_expr *a, const struct part_expr *b)
{
    struct part_expr *e;

    if (!argument_fits(x, f->fn, a) || (b && !argument_fits(x, f->fn, b))) {
        diag_set(x->d, ER_WRONG_EXPR_IN_PARTITION_FUNC_ERROR);
        return NULL;
    }
    e = node(x, f->fn == FN_MOD ? PN_MOD : PN_FUNC, a, b);
    e->fn = f->fn;
    return e;
}

static const struct part_expr *read_extract(struct px *x)
{
    struct sv unit = peek_word(x), from;
    const struct part_expr *arg;

    drop(x, unit.len);
    from = peek_word(x);
    if (!sv_eq_nocase(from, SV("from")))
        return refuse(x, "EXTRACT without FROM");
    drop(x, from.len);
    arg = read_sum(x);
    if (!arg)
        return NULL;
    if (!take(x, ')'))
        return refuse(x, "a closing parenthesis is missing");
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (sv_eq_nocase(unit, sv_cstr(units[i].name)))
            return make_call(x, &units[i], arg, NULL);
    }
    return refuse(x, "EXTRACT of this unit");
}

static const struct part_expr *read_call(struct px *x, struct sv name)
{
    if (sv_eq_nocase(name, SV("extract")))
        return read_extract(x);
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        const struct fn_row *f = &functions[i];
        const struct part_expr *a, *b = NULL;

        if (!sv_eq_nocase(name, sv_cstr(f->name)))
            continue;
        a = read_sum(x);
        if (!a)
            return NULL;
        if (f->args == 2) {
            if (!take(x, ','))
                return refuse(x, "an argument is missing");
            b = read_sum(x);
            if (!b)
                return NULL;
        }
        return take(x, ')') ? make_call(x, f, a, b) : refuse(x, "an argument too many");
    }
    diag_set(x->d, ER_PARTITION_FUNCTION_IS_NOT_ALLOWED);
    return NULL;
}

static const struct part_expr *read_number(struct px *x, struct sv word)
{
    struct part_expr *e;
    uint64_t v;

    drop(x, word.len);
    if (!sv_to_u64(word, &v) || (x->rest.len && x->rest.ptr[0] == '.'))
        return refuse(x, "only whole numbers are possible");
    e = node(x, PN_INT, NULL, NULL);
    e->number = v;
    return e;
}

static const struct part_expr *read_primary(struct px *x)
{
    const struct part_expr *e;
    struct sv word;

    if (take(x, '(')) {
        e = read_sum(x);
        return !e || take(x, ')') ? e : refuse(x, "a closing parenthesis is missing");
    }
    if (take(x, '-')) {
        if (++x->depth > MAX_DEPTH)
            return refuse(x, "it is nested too deeply");
        e = read_primary(x);
        x->depth--;
        if (e && !is_integer(e, x->columns))
            return refuse(x, "arithmetic on a column that is no integer");
        return e ? node(x, PN_NEG, e, NULL) : NULL;
    }
    if (take(x, '`'))
        return read_quoted(x, &word) ? read_column(x, word) : refuse(x, "a backquote is missing");
    word = peek_word(x);
    if (!word.len)
        return refuse(x, "something else than columns, whole numbers, + - * DIV MOD and the "
                         "functions that MySQL allows here");
    if (word.ptr[0] >= '0' && word.ptr[0] <= '9')
        return read_number(x, word);
    drop(x, word.len);
    return take(x, '(') ? read_call(x, word) : read_column(x, word);
}

static const struct part_expr *join(
    struct px *x, enum part_node kind, const struct part_expr *a, const struct part_expr *b)
{
    if (!b)
        return NULL;
    if (!is_integer(a, x->columns) || !is_integer(b, x->columns))
        return refuse(x, "arithmetic on a column that is no integer");
    return node(x, kind, a, b);
}

static const struct part_expr *read_product(struct px *x)
{
    const struct part_expr *e = read_primary(x);

    while (e) {
        struct sv word = peek_word(x);

        if (take(x, '*')) {
            e = join(x, PN_MUL, e, read_primary(x));
        } else if (take(x, '%')) {
            e = join(x, PN_MOD, e, read_primary(x));
        } else if (sv_eq_nocase(word, SV("div")) || sv_eq_nocase(word, SV("mod"))) {
            drop(x, word.len);
            e = join(x, sv_eq_nocase(word, SV("div")) ? PN_DIV : PN_MOD, e, read_primary(x));
        } else {
            break;
        }
    }
    return e;
}

static const struct part_expr *read_sum(struct px *x)
{
    const struct part_expr *e;

    if (++x->depth > MAX_DEPTH)
        return refuse(x, "it is nested too deeply");
    e = read_product(x);
    while (e) {
        if (take(x, '+'))
            e = join(x, PN_ADD, e, read_product(x));
        else if (take(x, '-'))
            e = join(x, PN_SUB, e, read_product(x));
        else
            break;
    }
    x->depth--;
    return e;
}

static bool has_column(const struct part_expr *e)
{
    return e && (e->node == PN_COLUMN || has_column(e->a) || has_column(e->b));
}

bool part_expr_parse(struct sv text, const struct part_column *columns, uint32_t n, struct arena *a,
    const struct part_expr **out, struct diag *d)
{
    struct px x = {.rest = text, .text = text, .columns = columns, .n = n, .a = a, .d = d};
    const struct part_expr *e = read_sum(&x);

    if (!e)
        return false;
    skip_blanks(&x);
    if (x.rest.len)
        return refuse(&x, "something else than columns, whole numbers, + - * DIV MOD and the "
                          "functions that MySQL allows here");
    if (!has_column(e))
        return diag_set(d, ER_WRONG_EXPR_IN_PARTITION_FUNC_ERROR);
    if (!is_integer(e, columns))
        return diag_set(d, ER_PARTITION_FUNC_NOT_ALLOWED_ERROR, "PARTITION");
    *out = e;
    return true;
}

/* --- evaluating --- */

struct ev {
    const struct part_column *columns;
    const struct value *stored;
    const struct env *e;
};

static enum part_eval eval(const struct ev *v, const struct part_expr *x, __int128 *out);

/* Days of a complete date. */
static bool days_of(const struct datetime *t, int64_t *out)
{
    if (t->month == 0 || t->day == 0)
        return false;
    *out = temporal_daynr(t->year, t->month, t->day);
    return true;
}

static enum part_eval eval_date(enum part_fn fn, const struct datetime *t, __int128 *out)
{
    uint32_t year;
    int64_t days;

    switch (fn) {
    case FN_YEAR:
        *out = t->year;
        return PART_EVAL_OK;
    case FN_QUARTER:
        *out = (t->month + 2) / 3;
        return PART_EVAL_OK;
    case FN_MONTH:
        *out = t->month;
        return PART_EVAL_OK;
    case FN_DAYOFMONTH:
        *out = t->day;
        return PART_EVAL_OK;
    default:
        break;
    }
    /* Servers differ on incomplete dates. */
    if (!days_of(t, &days))
        return PART_EVAL_UNSURE;
    if (fn == FN_DAYOFWEEK)
        *out = (temporal_weekday(days) + 1) % 7 + 1;
    else if (fn == FN_WEEKDAY)
        *out = temporal_weekday(days);
    else if (fn == FN_DAYOFYEAR)
        *out = days - temporal_daynr(t->year, 1, 1) + 1;
    else if (fn == FN_TO_DAYS)
        *out = days;
    else if (fn == FN_TO_SECONDS)
        *out = (__int128)days * 86400 + t->hour * 3600 + t->minute * 60 + t->second;
    else { /* YEARWEEK(d): weeks from the first Sunday, counted in the week's own year */
        unsigned week = temporal_week(t, 2 | 4, &year);

        *out = (__int128)year * 100 + week;
    }
    return PART_EVAL_OK;
}

static enum part_eval eval_clock(enum part_fn fn, const struct datetime *t, __int128 *out)
{
    __int128 secs = (__int128)t->hour * 3600 + t->minute * 60 + t->second;

    if (fn == FN_HOUR)
        *out = t->hour;
    else if (fn == FN_MINUTE)
        *out = t->minute;
    else if (fn == FN_SECOND)
        *out = t->second;
    else if (fn == FN_MICROSECOND)
        *out = t->usec;
    else
        *out = t->neg ? -secs : secs;
    return PART_EVAL_OK;
}

static void unpack(const struct value *v, struct datetime *t)
{
    if (v->kind == KIND_TIME)
        temporal_unpack_time(v->t, t);
    else
        temporal_unpack_datetime(v->t, t);
}

static enum part_eval eval_round(const struct ev *v, const struct part_expr *x, __int128 *out)
{
    const struct value *s = x->a->node == PN_COLUMN ? &v->stored[x->a->column] : NULL;
    struct dec d;

    if (!s || s->kind != KIND_DEC)
        return eval(v, x->a, out);
    d = s->d;
    if (dec_rescale(&d, 0, x->fn == FN_FLOOR ? DEC_FLOOR : DEC_CEILING) == DEC_OVERFLOW ||
        !dec_to_i128(&d, out))
        return PART_EVAL_UNSURE;
    return *out > UINT64_MAX || *out < INT64_MIN ? PART_EVAL_UNSURE : PART_EVAL_OK;
}

static enum part_eval eval_func(const struct ev *v, const struct part_expr *x, __int128 *out)
{
    const struct value *s;
    struct datetime t, u;
    int64_t days, other, secs;
    uint32_t usec;
    enum part_eval r;

    if (x->fn == FN_ABS) {
        r = eval(v, x->a, out);
        if (r == PART_EVAL_OK && *out < 0)
            *out = -*out;
        return r == PART_EVAL_OK && *out > INT64_MAX && x->a->node != PN_COLUMN ? PART_EVAL_UNSURE
                                                                                : r;
    }
    if (x->fn == FN_CEILING || x->fn == FN_FLOOR)
        return eval_round(v, x, out);
    s = &v->stored[x->a->column];
    if (value_is_null(s) || (x->b && value_is_null(&v->stored[x->b->column])))
        return PART_EVAL_NULL;
    if (x->fn == FN_UNIX_TIMESTAMP) {
        if (!part_utc_of_local(s->t, v->e, &secs, &usec))
            return PART_EVAL_UNSURE;
        *out = secs;
        return PART_EVAL_OK;
    }
    unpack(s, &t);
    if (x->fn == FN_DATEDIFF) {
        unpack(&v->stored[x->b->column], &u);
        if (!days_of(&t, &days) || !days_of(&u, &other))
            return PART_EVAL_UNSURE;
        *out = (__int128)days - other;
        return PART_EVAL_OK;
    }
    if (x->fn >= FN_HOUR && x->fn <= FN_TIME_TO_SEC)
        return eval_clock(x->fn, &t, out);
    return eval_date(x->fn, &t, out);
}

static enum part_eval eval_column(const struct value *s, __int128 *out)
{
    if (value_is_null(s))
        return PART_EVAL_NULL;
    if (s->kind != KIND_I64 && s->kind != KIND_U64)
        return PART_EVAL_UNSURE;
    *out = part_int_of(s);
    return PART_EVAL_OK;
}

static bool is_unsigned(const struct ev *v, const struct part_expr *x)
{
    if (!x)
        return false;
    if (x->node == PN_COLUMN)
        return type_is_unsigned(&v->columns[x->column].type);
    return is_unsigned(v, x->a) || is_unsigned(v, x->b);
}

static enum part_eval eval_binary(const struct ev *v, const struct part_expr *x, __int128 *out)
{
    __int128 a, b;
    enum part_eval ra = eval(v, x->a, &a), rb = eval(v, x->b, &b);

    if (ra == PART_EVAL_UNSURE || rb == PART_EVAL_UNSURE)
        return PART_EVAL_UNSURE;
    if (ra == PART_EVAL_NULL || rb == PART_EVAL_NULL)
        return PART_EVAL_NULL;
    if (x->node == PN_ADD)
        *out = a + b;
    else if (x->node == PN_SUB)
        *out = a - b;
    else if (x->node == PN_MUL)
        *out = a * b;
    else if (b == 0)
        return PART_EVAL_NULL;
    else
        *out = x->node == PN_DIV ? a / b : a % b;
    /* Operands have 64 bits, so 128 never overflow here. Beyond 64 bits, or below zero with
     * unsigned operands, a server raises an error or not, as its sql_mode says. */
    if (*out < 0 && (is_unsigned(v, x->a) || is_unsigned(v, x->b)))
        return PART_EVAL_UNSURE;
    return *out > INT64_MAX || *out < INT64_MIN ? PART_EVAL_UNSURE : PART_EVAL_OK;
}

static enum part_eval eval(const struct ev *v, const struct part_expr *x, __int128 *out)
{
    enum part_eval r;

    switch (x->node) {
    case PN_COLUMN:
        return eval_column(&v->stored[x->column], out);
    case PN_INT:
        *out = x->number;
        return PART_EVAL_OK;
    case PN_NEG:
        r = eval(v, x->a, out);
        if (r == PART_EVAL_OK)
            *out = -*out;
        return r == PART_EVAL_OK && (*out < INT64_MIN || *out > INT64_MAX) ? PART_EVAL_UNSURE : r;
    case PN_ADD:
    case PN_SUB:
    case PN_MUL:
    case PN_DIV:
    case PN_MOD:
        return eval_binary(v, x, out);
    case PN_FUNC:
        return eval_func(v, x, out);
    }
    return PART_EVAL_UNSURE;
}

enum part_eval part_expr_eval(const struct part_expr *x, const struct part_column *columns,
    const struct value *stored, const struct env *e, __int128 *out)
{
    struct ev v = {columns, stored, e};

    return eval(&v, x, out);
}

/* --- properties --- */

static int monotone_func(const struct part_expr *x, uint32_t *column)
{
    switch (x->fn) {
    case FN_CEILING:
    case FN_FLOOR:
        return part_expr_monotone(x->a, column);
    case FN_YEAR:
    case FN_TO_DAYS:
    case FN_TO_SECONDS:
    case FN_UNIX_TIMESTAMP:
        return x->a->node == PN_COLUMN ? part_expr_monotone(x->a, column) : 0;
    case FN_ABS:
    case FN_MOD:
    case FN_QUARTER:
    case FN_MONTH:
    case FN_DAYOFMONTH:
    case FN_DAYOFWEEK:
    case FN_DAYOFYEAR:
    case FN_WEEKDAY:
    case FN_YEARWEEK:
    case FN_HOUR:
    case FN_MINUTE:
    case FN_SECOND:
    case FN_MICROSECOND:
    case FN_TIME_TO_SEC: /* of a DATETIME it begins again every day */
    case FN_DATEDIFF:
        return 0;
    }
    return 0;
}

int part_expr_monotone(const struct part_expr *x, uint32_t *column)
{
    switch (x->node) {
    case PN_COLUMN:
        *column = x->column;
        return 1;
    case PN_NEG:
        return -part_expr_monotone(x->a, column);
    case PN_ADD:
        return x->b->node == PN_INT   ? part_expr_monotone(x->a, column)
               : x->a->node == PN_INT ? part_expr_monotone(x->b, column)
                                      : 0;
    case PN_SUB:
        return x->b->node == PN_INT   ? part_expr_monotone(x->a, column)
               : x->a->node == PN_INT ? -part_expr_monotone(x->b, column)
                                      : 0;
    case PN_MUL:
        return x->b->node == PN_INT   ? part_expr_monotone(x->a, column)
               : x->a->node == PN_INT ? part_expr_monotone(x->b, column)
                                      : 0;
    case PN_DIV: /* numbers in the text have no sign: the divisor is positive */
        return x->b->node == PN_INT && x->b->number > 0 ? part_expr_monotone(x->a, column) : 0;
    case PN_FUNC:
        return monotone_func(x, column);
    case PN_INT:
    case PN_MOD:
        return 0;
    }
    return 0;
}

bool part_expr_makes_null(const struct part_expr *x)
{
    if (!x)
        return false;
    if (x->node == PN_FUNC && x->fn != FN_ABS && x->fn != FN_CEILING && x->fn != FN_FLOOR)
        return true;
    if ((x->node == PN_DIV || x->node == PN_MOD) && (x->b->node != PN_INT || x->b->number == 0))
        return true;
    return part_expr_makes_null(x->a) || part_expr_makes_null(x->b);
}

/* --- printing --- */

static const char *fn_name(enum part_fn fn)
{
    for (size_t i = 0; i < ARRAY_LEN(functions); i++) {
        if (functions[i].fn == fn)
            return functions[i].name;
    }
    return "";
}

static const char *op_text(enum part_node n)
{
    switch (n) {
    case PN_ADD:
        return " + ";
    case PN_SUB:
        return " - ";
    case PN_MUL:
        return " * ";
    case PN_DIV:
        return " DIV ";
    case PN_MOD:
        return " MOD ";
    case PN_COLUMN:
    case PN_INT:
    case PN_NEG:
    case PN_FUNC:
        break;
    }
    return "";
}

void part_expr_print(const struct part_expr *x, const struct part_column *columns, struct sv alias,
    bool by_number, struct strbuf *out)
{
    switch (x->node) {
    case PN_COLUMN:
        if (by_number)
            strbuf_printf(out, "#%u", x->column);
        else
            part_put_column(out, alias, columns[x->column].column->name);
        return;
    case PN_INT:
        part_put_i128(out, x->number);
        return;
    case PN_NEG:
        strbuf_puts(out, "(-");
        part_expr_print(x->a, columns, alias, by_number, out);
        strbuf_putc(out, ')');
        return;
    case PN_FUNC:
        strbuf_puts(out, fn_name(x->fn));
        strbuf_putc(out, '(');
        part_expr_print(x->a, columns, alias, by_number, out);
        if (x->b) {
            strbuf_puts(out, ", ");
            part_expr_print(x->b, columns, alias, by_number, out);
        }
        strbuf_putc(out, ')');
        return;
    case PN_ADD:
    case PN_SUB:
    case PN_MUL:
    case PN_DIV:
    case PN_MOD:
        strbuf_putc(out, '(');
        part_expr_print(x->a, columns, alias, by_number, out);
        strbuf_puts(out, op_text(x->node));
        part_expr_print(x->b, columns, alias, by_number, out);
        strbuf_putc(out, ')');
        return;
    }
}
