/* Which calls are computed above the shards at all: those for which every server of its flavour gives, for the kinds of these arguments, what
 * the functions here give. What a server makes of a number where a date is wanted, of a time of day in date arithmetic, of an ENUM in
 * arithmetic hangs on details of its items, which differ by version; such calls are refused by name.
 *
 * A signature has a letter for each argument, the last one holds for all that follow:
 *   d date or text   D date   c a time of day or with one   t a time of day   i integer   n number   o number that is no DECIMAL
 *   E integer or DECIMAL   q integer or text   S text that is no bytes   y integer or bytes
 *   s text   N no date nor time   m a week's mode, literal   b a base, literal   * anything
 * and for all of them: k of one kind   e all times or all dates with a time   = literals beside dates are written as such
 *   x X bytes only among bytes, padding of a number by a literal */
#include "types/func-int.h"

static const struct {
    const char *name, *args;
} signatures[] = {
    {"&", "y"}, {"|", "y"}, {"^", "y"}, {"~", "y"}, {"<<", "yi"}, {">>", "yi"}, {"bit_count", "y"}, {"bin", "i"}, {"oct", "i"}, {"conv", "qbb"},
    {"char", "i"}, {"inet_ntoa", "i"}, {"interval", "o"}, {"greatest", "k"}, {"least", "k"}, {"field", "k"}, {"between", "k"}, {"not between", "k"},
    {"in", "k"}, {"not in", "k"}, {"nullif", "k"}, {"elt", "is"}, {"inet_aton", "s"}, {"format", "ni"},
    {"year", "d"}, {"month", "d"}, {"day", "d"}, {"dayofmonth", "d"}, {"quarter", "d"}, {"dayofweek", "d"}, {"dayofyear", "d"}, {"weekday", "d"},
    {"to_days", "d"}, {"to_seconds", "d"}, {"week", "dm"}, {"weekofyear", "d"}, {"yearweek", "dm"}, {"dayname", "d"}, {"monthname", "d"}, {"date", "d"},
    {"last_day", "d"}, {"date_format", "d*"}, {"datediff", "d"}, {"timestampdiff", "d"}, {"unix_timestamp", "D"}, {"convert_tz", "D*"},
    {"hour", "c"}, {"minute", "c"}, {"second", "c"}, {"microsecond", "c"}, {"time_to_sec", "t"}, {"time", "c"}, {"time_format", "t*"}, {"timediff", "e"},
    {"addtime", "ct"}, {"subtime", "ct"}, {"timestamp", "dt"}, {"from_days", "i"}, {"makedate", "i"}, {"maketime", "iii"}, {"sec_to_time", "E"},
    {"round", "N"}, {"truncate", "N"}, {"floor", "N"}, {"ceil", "N"}, {"ceiling", "N"}, {"abs", "N"}, {"sign", "N"}, {"sqrt", "N"}, {"ln", "N"}, {"log", "N"},
    {"log2", "N"}, {"log10", "N"}, {"exp", "N"}, {"sin", "N"}, {"cos", "N"}, {"tan", "N"}, {"asin", "N"}, {"acos", "N"}, {"cot", "N"}, {"degrees", "N"},
    {"radians", "N"}, {"atan", "N"}, {"atan2", "N"}, {"pow", "N"}, {"power", "N"}, {"mod", "N"}, {"%", "N"}, {"/", "N"}, {"div", "N"}, {"*", "N"}, {"neg", "N"},
    {"=", "="}, {"<>", "="}, {"<", "="}, {"<=", "="}, {">", "="}, {">=", "="}, {"<=>", "="},
    {"replace", "X"}, {"instr", "X"}, {"locate", "X*"}, {"position", "X"}, {"insert", "x*"}, {"lpad", "x*"}, {"rpad", "x*"}, {"find_in_set", "X"},
    {"strcmp", "X"}, {"like", "X"}, {"not like", "X"}, {"substring_index", "x*"}, {"concat_ws", "x"},
    {"export_set", "iSSSi"}, {"make_set", "iS"}, {"regexp", "S"}, {"not regexp", "S"}, {"regexp_like", "S"}, {"regexp_instr", "SSiiiS"},
    {"regexp_substr", "SSiiS"}, {"regexp_replace", "SSSiiS"}, {"soundex", "S"}, {"json_quote", "S"}, {"json_unquote", "S"},
    {"uuid_to_bin", "Si"}, {"bin_to_uuid", "*i"},
    {"is_uuid", "S"}, {"inet6_aton", "S"}, {"is_ipv4", "S"}, {"is_ipv6", "S"}, {"crc32c", "S"}, {"format_bytes", "i"}, {"format_pico_time", "i"},
    {"convert", "S"},
    {"json_search", "*SSS"}, {"json_valid", "S"}, {"uncompress", "s"}, {"uncompressed_length", "s"}, {"inet6_ntoa", "s"},
    {"is_ipv4_compat", "s"}, {"is_ipv4_mapped", "s"},
    {"crc32", "s"}, {"from_unixtime", "n*"}, {"period_add", "i"}, {"period_diff", "i"}, {"str_to_date", "s"},
};

/* What a value is: 0 NULL, n i numbers, s text, D date, T date with a time, t time of day. */
static char class_of(const struct func_arg *a)
{
    /* A hexadecimal literal is what stands around it. */
    if (a->constant && a->constant->kind == KIND_STR && (a->constant->code == TYPE_BIT || a->type.coll == TYPE_COLL_BINARY))
        return 0;
    switch (type_kind_of(&a->type)) {
    case KIND_NULL:
        return 0;
    case KIND_I64:
    case KIND_U64:
        return 'i';
    case KIND_F64:
        return 'f';
    case KIND_DEC:
        return 'n';
    case KIND_DATE:
        return 'D';
    case KIND_DATETIME:
        return 'T';
    case KIND_TIME:
        return 't';
    case KIND_STR:
        break;
    }
    return 's';
}

static bool fits(char want, const struct func_arg *a)
{
    char c = class_of(a);
    bool literal = c == 's' && a->constant;

    switch (want) {
    case 'd':
        return !c || c == 's' || c == 'D' || c == 'T';
    case 'D':
        return !c || literal || c == 'D' || c == 'T';
    case 'c':
        return !c || literal || c == 'T' || c == 't' || c == 'D';
    case 't':
        return !c || literal || c == 't';
    case 'i':
        return !c || c == 'i';
    case 'q':
        return !c || c == 'i' || (c == 's' && a->type.coll != TYPE_COLL_BINARY);
    case 'y':
        return !c || c == 'i' || (c == 's' && a->type.coll == TYPE_COLL_BINARY);
    case 'S':
        return !c || (c == 's' && a->type.coll != TYPE_COLL_BINARY);
    case 'E':
        return !c || c == 'i' || c == 'n';
    case 'n':
        return !c || c == 'i' || c == 'n' || c == 'f';
    case 'o':
        return !c || c == 'i' || c == 'f';
    case 's':
        return !c || c == 's';
    case 'N':
        return c != 'D' && c != 'T' && c != 't';
    case 'm':
        return c == 'i' && a->constant && a->constant->kind == KIND_I64 && a->constant->i >= 0 && a->constant->i <= 7;
    case 'b':
        return c == 'i' && a->constant && a->constant->kind == KIND_I64 && a->constant->i >= 2;
    default:
        return true;
    }
}

/* Numbers, texts, dates or times of day: one of these, where a literal text is a date or time among such. */
static bool one_kind(const struct func_arg *args, uint32_t n)
{
    bool number = false, text = false, literal = false, date = false, clock = false;

    for (uint32_t i = 0; i < n; i++) {
        char c = class_of(&args[i]);

        number |= c == 'i' || c == 'n' || c == 'f';
        text |= c == 's' && !args[i].constant;
        literal |= c == 's' && args[i].constant;
        date |= c == 'D' || c == 'T';
        clock |= c == 't';
    }
    return number + text + date + clock <= 1 && !(number && literal);
}

/* Literals beside dates or times: of other text each server makes something else. */
static bool literals_usual(const struct func_arg *args, uint32_t n)
{
    bool temporal = false;

    for (uint32_t i = 0; i < n; i++)
        temporal |= class_of(&args[i]) == 'D' || class_of(&args[i]) == 'T' || class_of(&args[i]) == 't';
    for (uint32_t i = 0; i < n && temporal; i++)
        if (class_of(&args[i]) == 's' && !args[i].constant)
            return false;
    for (uint32_t i = 0; i < n && temporal; i++) {
        const struct value *v = args[i].constant;
        char c = class_of(&args[i]);

        /* Numbers: only such as are a date. */
        if ((c == 'n' || c == 'f') ||
            (c == 'i' && !(v && v->kind == KIND_I64 && v->i >= INT64_C(10000101) && v->i <= INT64_C(99991231235959))))
            return false;
        if (class_of(&args[i]) != 's' || !v || v->kind != KIND_STR)
            continue;
        if (v->s.len < 8)
            return false;
        for (size_t at = 0; at < v->s.len; at++)
            if (!memchr("0123456789-: .T", v->s.ptr[at], 15) || (at == 0 && (v->s.ptr[0] < '0' || v->s.ptr[0] > '9')))
                return false;
    }
    return true;
}

static bool all_clocks(const struct func_arg *args, uint32_t n)
{
    char all = 0;

    for (uint32_t i = 0; i < n; i++) {
        char c = class_of(&args[i]);

        if (!c)
            continue;
        if ((c != 't' && c != 'T') || (all && all != c))
            return false;
        all = c;
    }
    return true;
}

/* searched: number of the second text, which may be a number; UINT32_MAX: the others count or place. */
static bool bytes_apart(const struct func_arg *args, uint32_t n, uint32_t searched)
{
    bool bytes = false, other = false, number = false, text = false;

    for (uint32_t i = 0; i < n; i++) {
        char c = class_of(&args[i]);
        bool binary = c == 's' && args[i].type.coll == TYPE_COLL_BINARY;

        bytes |= binary;
        other |= c && (c != 'i' || i == searched) && !binary;
        number |= i == 0 && c && c != 's';
        text |= c == 's' && !args[i].constant;
    }
    return !(bytes && (other || number)) && !(number && text);
}

static bool together(char want, const struct func_arg *args, uint32_t n)
{
    switch (want) {
    case 'k':
        return one_kind(args, n) && literals_usual(args, n);
    case 'e':
        return all_clocks(args, n);
    case '=':
        return literals_usual(args, n);
    case 'x':
        return bytes_apart(args, n, UINT32_MAX);
    case 'X':
        return bytes_apart(args, n, 1);
    default:
        return true;
    }
}

/* Dates take any interval, times of day those of their own fields; a unit to the microsecond takes text in many forms. */
static bool interval_fits(const struct func_arg *date, enum temporal_unit u)
{
    switch (class_of(date)) {
    case 't':
        return u == UNIT_HOUR || u == UNIT_MINUTE || u == UNIT_SECOND || u == UNIT_MICROSECOND || u == UNIT_HOUR_SECOND || u == UNIT_HOUR_MINUTE ||
            u == UNIT_MINUTE_SECOND;
    case 's':
        return date->constant != NULL;
    case 0:
    case 'D':
    case 'T':
        return true;
    default:
        return false;
    }
}

static bool refuse(const struct func *f, const char *of, struct diag *d)
{
    return diag_setf(d, ER_NOT_SUPPORTED_YET, "This version of Tessera doesn't yet support '%s() of %s above the shards'", f->name, of);
}

/* ENUM and SET are numbers in some places and text in others, BIT is bytes where text is wanted. */
bool func_takes_member(const struct func *f, const struct sql_type *t)
{
    static const char *const text[] = {"is null", "is not null", "isnull", "concat", "upper", "ucase", "lower", "lcase", "length", "char_length"};
    static const char *const number[] = {"is null", "is not null", "isnull", "+", "-", "*", "=", "<>", "<", "<=", ">", ">=", "<=>"};

    if (t->code != TYPE_ENUM && t->code != TYPE_SET && t->code != TYPE_BIT)
        return true;
    for (unsigned i = 0; i < ARRAY_LEN(text) && t->code != TYPE_BIT; i++)
        if (!strcmp(f->name, text[i]))
            return true;
    for (unsigned i = 0; i < ARRAY_LEN(number) && t->code == TYPE_BIT; i++)
        if (!strcmp(f->name, number[i]))
            return true;
    return false;
}

bool func_is_exact(const struct func *f, const struct func_arg *args, uint32_t n, const struct func_bind_opts *opts, struct diag *d)
{
    enum temporal_unit unit = opts ? opts->unit : UNIT_SECOND;
    const char *want = NULL;

    for (uint32_t i = 0; i < n; i++)
        if (!func_takes_member(f, &args[i].type))
            return refuse(f, "an ENUM, SET or BIT", d);
    for (uint32_t i = 0; (f->id == FUNC_SUB || f->id == FUNC_ADD) && i < n; i++)
        if (type_is_temporal(&args[i].type) && type_kind_of(&args[n - 1 - i].type) == KIND_U64)
            return refuse(f, "a date or time and an unsigned number", d);
    for (uint32_t i = 0; (f->id == FUNC_AND || f->id == FUNC_OR) && i < n; i++)
        if (args[i].type.code == TYPE_JSON)
            return refuse(f, "a JSON value", d);
    if (f->id == FUNC_CAST && opts && opts->target && type_is_temporal(opts->target) && type_is_numeric(&args[0].type))
        return refuse(f, "a number as a date or time", d);
    if (f->id == FUNC_DATE_ADD || f->id == FUNC_DATE_SUB || f->id == FUNC_TIMESTAMPADD) {
        char amount = class_of(&args[f->id == FUNC_TIMESTAMPADD ? 0 : 1]);

        if (amount && amount != 'i' && amount != 'n' && amount != 'f' && !(amount == 's' && args[f->id == FUNC_TIMESTAMPADD ? 0 : 1].constant))
            return refuse(f, "an interval of this kind", d);
    }
    if (f->id == FUNC_DATE_ADD || f->id == FUNC_DATE_SUB || f->id == FUNC_EXTRACT || !strcmp(f->name, "adddate") || !strcmp(f->name, "subdate"))
        return interval_fits(&args[0], unit) || refuse(f, "a value of this kind and unit", d);
    if (f->id == FUNC_TIMESTAMPADD)
        return fits('d', &args[1]) || refuse(f, "a value of this kind", d);
    for (unsigned i = 0; i < ARRAY_LEN(signatures) && !want; i++)
        if (!strcmp(signatures[i].name, f->name))
            want = signatures[i].args;
    for (uint32_t i = 0; want && i < n; i++) {
        if (!together(*want, args, n) || !fits(*want, &args[i]))
            return refuse(f, "a value of this kind", d);
        if (want[1])
            want++;
    }
    return true;
}

static bool listed(const char *name, const char *const *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (!strcmp(name, list[i]))
            return true;
    }
    return false;
}

/* A JSON value is text to functions of text (in utf8mb4_bin on MySQL). MySQL makes numbers of it by rules of its own, which value.c has; what
 * MariaDB's JSON_EXTRACT() is beside numbers differs by function, so there it is text only. In conditions MySQL compares it with 0, with a warning. */
bool func_takes_json(const struct func *f, uint32_t i, uint32_t n, bool mariadb)
{
    static const char *const text[] = {"is null", "is not null", "isnull", "concat", "||", "concat_ws", "length", "octet_length", "bit_length", "char_length",
        "character_length", "upper", "ucase", "lower", "lcase", "left", "right", "substring", "substr", "mid", "replace", "hex", "md5", "sha", "sha1", "sha2",
        "crc32", "to_base64", "like", "not like", "coalesce", "ifnull", "locate", "instr", "position", "trim", "trim_both", "trim_leading", "trim_trailing",
        "ltrim", "rtrim", "reverse", "ascii", "collation", "charset", "coercibility", "regexp", "not regexp", "regexp_like", "regexp_instr",
        "regexp_substr", "regexp_replace"};
    static const char *const number[] = {"=", "<>", "<", "<=", ">", ">=", "<=>", "+", "-", "*", "/", "neg", "abs", "round", "floor", "ceil", "ceiling",
        "truncate", "sqrt", "pow", "power"};

    for (size_t k = 0; k < funcs_json_n; k++) {
        if (f == &funcs_json[k])
            return true;
    }
    switch (f->id) {
    case FUNC_CASE:
        return i % 2 || i + 1 == n;
    case FUNC_IF:
        return i > 0;
    case FUNC_CAST:
        return !mariadb;
    default:
        return listed(f->name, text, ARRAY_LEN(text)) || (!mariadb && listed(f->name, number, ARRAY_LEN(number)));
    }
}
