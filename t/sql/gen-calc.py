#!/usr/bin/python3
"""Writes a case file of expressions that Tessera computes itself, above the shards: functions over aggregates of columns of all types, in the list, in
HAVING and in ORDER BY: gen-calc.py SEED [STATEMENTS]. The same seed gives the same file."""
import random
import sys

COLUMNS = {
    "ti": ("TINYINT", ["-128", "127", "0", "1", "5"]), "i": ("INT", ["-2147483648", "2147483647", "0", "7", "-3", "100"]), "u": ("INT UNSIGNED", ["0", "4294967295", "12"]),
    "b": ("BIGINT", ["-9223372036854775808", "9223372036854775807", "0", "20240131", "-1"]), "ub": ("BIGINT UNSIGNED", ["0", "18446744073709551615", "9223372036854775808", "3"]),
    "d": ("DECIMAL(10,3)", ["0", "-0.001", "1234567.891", "-9999999.999", "2.500", "1.005"]), "w": ("DECIMAL(40,20)", ["0", "12345678901234567890.12345678901234567890", "-0.00000000000000000001", "0.33333333333333333333"]),
    "f": ("DOUBLE", ["0", "-0.5e0", "1.25e0", "1e20", "-3e-5", "2.5e0", "1e300", "123456.789e0"]),
    "s": ("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ["''", "'a'", "'Abc'", "'12'", "'1.5x'", "'2024-01-31'", "'é'", "' pad '", "'-7'", "'10:20:30'", "'1e3'"]),
    "sb": ("VARCHAR(20) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ["''", "'B'", "'b'", "'99'", "'zz top'", "'É'"]), "l": ("VARCHAR(12) CHARACTER SET latin1", ["''", "'x'", "'Ü'", "'abc'", "'3'"]),
    "c": ("CHAR(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_unicode_ci", ["'q'", "'ß'", "''", "'8'"]), "vb": ("VARBINARY(8)", ["''", "x'00'", "x'ff01'", "'abc'", "'5'"]),
    "dt": ("DATE", ["'2024-01-31'", "'1999-12-31'", "'2024-02-29'", "'1000-01-01'", "'9999-12-31'"]), "ts": ("DATETIME", ["'2024-01-31 10:20:30'", "'1970-01-01 00:00:00'", "'9999-12-31 23:59:59'"]),
    "t6": ("DATETIME(6)", ["'2024-01-31 10:20:30.123456'", "'2000-02-29 23:59:59.999999'"]), "tp": ("TIMESTAMP NULL", ["'2024-01-31 10:20:30'", "'2001-07-01 00:00:00'"]), "tm": ("TIME", ["'10:20:30'", "'-838:59:59'", "'00:00:00'", "'100:00:01'"]),
    "t3": ("TIME(3)", ["'10:20:30.125'", "'-00:00:00.5'", "'23:59:59.999'"]), "y": ("YEAR", ["1901", "2024", "2155", "1999"]), "bt": ("BIT(12)", ["0", "1", "4095", "97"]),
    "e": ("ENUM('z','a','m')", ["'z'", "'a'", "'m'"]), "j": ("JSON", ["'{\"a\": 1, \"b\": [1, \"x\"]}'", "'[1, 2, 3]'", "'\"x\"'", "'{\"a\": {\"c\": null}}'", "'5'", "'{\"a\": \"12\"}'"]),
    "tx": ("TEXT CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", ["''", "'long'", "'Text'", "'42'"]),
}
INTS = ("ti", "i", "u", "b", "ub")
NUMS = INTS + ("d", "w", "f", "y")
STRS = ("s", "sb", "l", "c", "vb", "tx")
TIMES = ("dt", "ts", "t6", "tp", "tm", "t3")
CONSTS = ["0", "1", "-1", "2", "3", "10", "0.5", "-2.50", "1e0", "1.5e3", "'a'", "'12'", "'1.5x'", "''", "'é'", "NULL", "'2024-01-31'", "'10:20:30'", "DATE'2024-02-29'", "TIME'01:02:03'", "TIMESTAMP'2024-01-31 10:20:30.5'", "9223372036854775807", "18446744073709551615", "TRUE", "-0.0", "1e-10", "99999999999999999999", "x'41'"]
UNITS = ["DAY", "HOUR", "MINUTE", "SECOND", "MONTH", "YEAR", "WEEK", "QUARTER", "MICROSECOND"]
LONG = ["DAY_HOUR", "YEAR_MONTH", "HOUR_SECOND", "MINUTE_MICROSECOND", "DAY_MINUTE", "HOUR_MINUTE"]


class Calc:
    def __init__(self, seed):
        self.r = random.Random(seed)

    def pick(self, *items):
        return self.r.choice(items)

    def agg(self, group):
        c = self.r.choice(group)
        if group is NUMS and self.r.random() < 0.35:
            return self.pick("SUM(%s)", "AVG(%s)", "COUNT(%s)", "BIT_OR(%s)", "SUM(DISTINCT %s)", "COUNT(DISTINCT %s)", "BIT_AND(%s)") % self.r.choice(("ti", "i", "u", "d", "y"))
        return self.pick("MAX(%s)", "MIN(%s)") % c

    def arg(self, depth, group=None):
        x = self.r.random()
        if depth < 2 and x < 0.35:
            return self.call(depth + 1)
        if x < 0.55:
            return self.r.choice(CONSTS)
        if group is None or x > 0.92:
            group = self.pick(NUMS, NUMS, STRS, TIMES, ("bt", "e"))
        return self.agg(group)

    def call(self, depth=0):
        n = lambda: self.arg(depth, NUMS)
        s = lambda: self.arg(depth, STRS)
        t = lambda: self.arg(depth, TIMES)
        a = lambda: self.arg(depth)
        small = lambda: self.pick("0", "1", "2", "-1", "3", "5", "30", "NULL")
        u = lambda: self.r.choice(UNITS)
        forms = [
            lambda: "%s %s %s" % (n(), self.pick("+", "-", "*", "/", "DIV", "%"), n()), lambda: "%s %s %s" % (a(), self.pick("+", "-", "*", "/"), a()),
            lambda: "(%s %s %s)" % (a(), self.pick("=", "<>", "<", "<=", ">", ">=", "<=>"), a()), lambda: "(%s %s %s)" % (s(), self.pick("=", "<", ">"), s()), lambda: "(%s %s %s)" % (t(), self.pick("=", "<", ">"), t()),
            lambda: "(%s %s %s)" % (a(), self.pick("AND", "OR", "XOR"), a()), lambda: "(NOT %s)" % a(), lambda: "(%s IS %sNULL)" % (a(), self.pick("", "NOT ")), lambda: "(%s IS %s)" % (n(), self.pick("TRUE", "FALSE", "NOT TRUE", "NOT FALSE", "UNKNOWN")),
            lambda: "(%s %sBETWEEN %s AND %s)" % (a(), self.pick("", "NOT "), a(), a()), lambda: "(%s %sIN (%s, %s))" % (a(), self.pick("", "NOT "), a(), a()), lambda: "(%s %sLIKE %s)" % (s(), self.pick("", "NOT "), self.pick("'%a%'", "'_'", "'1%'", "''", "'%'", "'A'")),
            lambda: "CASE WHEN %s THEN %s ELSE %s END" % (a(), a(), a()), lambda: "CASE %s WHEN %s THEN %s WHEN %s THEN %s END" % (a(), a(), a(), a(), a()), lambda: "IF(%s, %s, %s)" % (a(), a(), a()), lambda: "IFNULL(%s, %s)" % (a(), a()),
            lambda: "COALESCE(%s, %s, %s)" % (a(), a(), a()), lambda: "NULLIF(%s, %s)" % (a(), a()), lambda: "%s(%s, %s)" % (self.pick("GREATEST", "LEAST"), a(), a()), lambda: "%s(%s, %s, %s)" % (self.pick("GREATEST", "LEAST"), n(), n(), n()),
            lambda: "CAST(%s AS %s)" % (a(), self.pick("SIGNED", "UNSIGNED", "CHAR", "CHAR(3)", "BINARY", "BINARY(4)", "DATE", "DATETIME", "DATETIME(3)", "TIME", "TIME(2)", "DECIMAL(10,2)", "DECIMAL(30,10)", "DOUBLE", "DECIMAL")),
            lambda: "-(%s)" % a(), lambda: "ABS(%s)" % n(), lambda: "SIGN(%s)" % n(), lambda: "%s(%s)" % (self.pick("FLOOR", "CEILING", "CEIL"), n()), lambda: "ROUND(%s)" % n(), lambda: "%s(%s, %s)" % (self.pick("ROUND", "TRUNCATE"), n(), small()),
            lambda: "%s(%s)" % (self.pick("SQRT", "LN", "LOG2", "LOG10", "SIN", "COS", "ATAN", "DEGREES", "RADIANS", "ASIN", "TAN"), n()), lambda: "MOD(%s, %s)" % (n(), n()), lambda: "POW(%s, %s)" % (n(), small()), lambda: "LOG(%s, %s)" % (n(), n()),
            lambda: "(%s %s %s)" % (n(), self.pick("&", "|", "^", "<<", ">>"), n()), lambda: "~(%s)" % n(), lambda: "BIT_COUNT(%s)" % n(), lambda: "CRC32(%s)" % s(),
            lambda: "CONCAT(%s, %s)" % (a(), a()), lambda: "CONCAT_WS(%s, %s, %s)" % (s(), a(), a()), lambda: "REPEAT(%s, %s)" % (s(), small()), lambda: "SPACE(%s)" % small(), lambda: "%s(%s, %s, %s)" % (self.pick("LPAD", "RPAD"), a(), small(), s()),
            lambda: "%s(%s, %s)" % (self.pick("LEFT", "RIGHT"), a(), small()), lambda: "SUBSTRING(%s, %s)" % (a(), small()), lambda: "SUBSTRING(%s, %s, %s)" % (s(), small(), small()), lambda: "SUBSTRING_INDEX(%s, %s, %s)" % (s(), s(), small()),
            lambda: "%s(%s)" % (self.pick("TRIM", "LTRIM", "RTRIM", "REVERSE", "UPPER", "LOWER", "LENGTH", "CHAR_LENGTH", "BIT_LENGTH", "ASCII", "ORD", "HEX", "QUOTE", "MD5", "SHA1", "TO_BASE64", "UNHEX", "FROM_BASE64"), a()), lambda: "REPLACE(%s, %s, %s)" % (s(), s(), s()),
            lambda: "INSERT(%s, %s, %s, %s)" % (s(), small(), small(), s()), lambda: "LOCATE(%s, %s)" % (s(), s()), lambda: "INSTR(%s, %s)" % (s(), s()), lambda: "FIND_IN_SET(%s, %s)" % (s(), s()), lambda: "%s(%s)" % (self.pick("BIN", "OCT"), n()), lambda: "CONV(%s, %s, %s)" % (n(), self.pick("10", "16", "-10"), self.pick("2", "16", "-16", "36")),
            lambda: "FORMAT(%s, %s)" % (n(), small()), lambda: "STRCMP(%s, %s)" % (s(), s()), lambda: "FIELD(%s, %s, %s)" % (a(), a(), a()), lambda: "ELT(%s, %s, %s)" % (small(), a(), a()), lambda: "INTERVAL(%s, %s, %s)" % (n(), n(), n()), lambda: "CHAR(%s, %s)" % (n(), small()),
            lambda: "INET_ATON(%s)" % self.pick("'1.2.3.4'", s()), lambda: "INET_NTOA(%s)" % n(),
            lambda: "%s(%s)" % (self.pick("YEAR", "MONTH", "DAY", "HOUR", "MINUTE", "SECOND", "MICROSECOND", "QUARTER", "DAYOFWEEK", "DAYOFYEAR", "WEEKDAY", "TO_DAYS", "TO_SECONDS", "TIME_TO_SEC", "WEEK", "WEEKOFYEAR", "YEARWEEK", "DAYNAME", "MONTHNAME", "DATE", "TIME", "LAST_DAY", "TIMESTAMP", "UNIX_TIMESTAMP"), t()),
            lambda: "EXTRACT(%s FROM %s)" % (self.pick(*(UNITS + LONG)), t()), lambda: "WEEK(%s, %s)" % (t(), small()), lambda: "FROM_DAYS(%s)" % n(), lambda: "MAKEDATE(%s, %s)" % (n(), n()), lambda: "MAKETIME(%s, %s, %s)" % (n(), small(), n()), lambda: "SEC_TO_TIME(%s)" % n(), lambda: "FROM_UNIXTIME(%s)" % n(),
            lambda: "PERIOD_ADD(%s, %s)" % (self.pick("202401", "9912"), small()), lambda: "PERIOD_DIFF(202401, 9912)", lambda: "%s(%s, INTERVAL %s %s)" % (self.pick("DATE_ADD", "DATE_SUB"), t(), n(), u()), lambda: "%s %s INTERVAL %s %s" % (t(), self.pick("+", "-"), small(), u()), lambda: "DATE_ADD(%s, INTERVAL %s %s)" % (t(), self.pick("'1 2'", "'1:2'", "'-1.5'", s()), self.pick(*LONG)),
            lambda: "TIMESTAMPADD(%s, %s, %s)" % (u(), small(), t()), lambda: "TIMESTAMPDIFF(%s, %s, %s)" % (u(), t(), t()), lambda: "DATEDIFF(%s, %s)" % (t(), t()), lambda: "TIMEDIFF(%s, %s)" % (t(), t()), lambda: "%s(%s, %s)" % (self.pick("ADDTIME", "SUBTIME"), t(), t()), lambda: "TIMESTAMP(%s, %s)" % (t(), t()),
            lambda: "DATE_FORMAT(%s, %s)" % (t(), self.pick("'%Y-%m-%d'", "'%W %M %e %y %j'", "'%H:%i:%s.%f'", "'%U %u %V %v %X %x'", "'%r %T %p %h %k %l %D %%'", "'%a %b %c'")), lambda: "TIME_FORMAT(%s, '%%H %%k %%h %%i %%s %%f %%p')" % t(), lambda: "STR_TO_DATE(%s, %s)" % (s(), self.pick("'%Y-%m-%d'", "'%H:%i:%s'", "'%d,%m,%Y'")), lambda: "CONVERT_TZ(%s, '+00:00', '+05:30')" % t(),
        ]
        path = lambda: self.pick("'$'", "'$.a'", "'$[0]'", "'$.b[1]'", "'$.*'", "'$[last]'", "NULL")
        js = lambda: self.pick("JSON_ARRAY(%s, %s)" % (n(), t()), "JSON_OBJECT('a', %s, 'b', %s)" % (n(), a()), "'{\"a\": [1, 2.50], \"b\": \"x\"}'", "MAX(j)", "MIN(j)", "JSON_EXTRACT(MAX(j), '$.a')")
        documents = [
            lambda: "JSON_EXTRACT(%s, %s)" % (js(), path()), lambda: "JSON_UNQUOTE(JSON_EXTRACT(%s, %s))" % (js(), path()), lambda: "JSON_LENGTH(%s)" % js(), lambda: "JSON_DEPTH(%s)" % js(), lambda: "JSON_KEYS(%s)" % js(), lambda: "JSON_TYPE(%s)" % js(), lambda: "JSON_VALID(%s)" % s(),
            lambda: "JSON_SET(%s, '$.a', %s)" % (js(), a()), lambda: "JSON_INSERT(%s, '$.c', %s)" % (js(), n()), lambda: "JSON_REPLACE(%s, '$.b', %s)" % (js(), n()), lambda: "JSON_REMOVE(%s, '$.a')" % js(), lambda: "JSON_ARRAY_APPEND(%s, '$', %s)" % (js(), n()),
            lambda: "JSON_MERGE_PATCH(%s, %s)" % (js(), js()), lambda: "JSON_MERGE_PRESERVE(%s, %s)" % (js(), js()), lambda: "JSON_CONTAINS(%s, %s)" % (js(), self.pick("'1'", "'\"x\"'", "'{}'")), lambda: "JSON_CONTAINS_PATH(%s, 'one', '$.a', '$.c')" % js(), lambda: "JSON_SEARCH(%s, 'all', 'x')" % js(),
            lambda: "JSON_OVERLAPS(%s, '[1, 2]')" % js(), lambda: "JSON_PRETTY(%s)" % js(), lambda: "JSON_QUOTE(%s)" % s(), lambda: "CAST(JSON_EXTRACT(%s, '$.a') AS %s)" % (js(), self.pick("SIGNED", "CHAR", "DOUBLE", "DECIMAL(10,2)")), lambda: "JSON_EXTRACT(%s, '$.a') + %s" % (js(), n()),
            lambda: "JSON_EXTRACT(%s, '$.a') = %s" % (js(), self.pick("1", "'x'", "2.5", "TRUE", "3")), lambda: "CONCAT(%s, %s)" % (js(), s()), lambda: "COALESCE(JSON_EXTRACT(%s, '$.zz'), %s)" % (js(), js()), lambda: "JSON_LENGTH(JSON_ARRAYAGG(%s))" % self.pick("i", "d", "id", "f", "dt"), lambda: "JSON_EXTRACT(JSON_OBJECTAGG(id, %s), '$.\"2\"')" % self.pick("i", "d", "u", "dt"),
            lambda: "JSON_ARRAY(%s, %s, %s)" % (a(), a(), a()),
        ]
        patterns = [
            lambda: "REGEXP_REPLACE(%s, %s, 'x')" % (s(), self.pick("'[0-9]+'", "'a|b'", "'^.'", "'(.)(.)'")), lambda: "REGEXP_SUBSTR(%s, %s)" % (s(), self.pick("'[a-z]+'", "'[0-9]{2}'", "'e.?'")), lambda: "REGEXP_INSTR(%s, %s)" % (s(), self.pick("'[0-9]'", "'b$'")),
        ]
        more = [
            lambda: "SOUNDEX(%s)" % s(), lambda: "EXPORT_SET(%s, 'Y', 'N', '', 9)" % n(), lambda: "MAKE_SET(%s, %s, %s)" % (n(), s(), s()), lambda: "HEX(%s & %s)" % (self.agg(("vb",)), self.pick("MAX(vb)", "x'ff'", "i")), lambda: "BIT_COUNT(%s)" % a(), lambda: "INET6_NTOA(INET6_ATON(%s))" % self.pick("'::1'", "'1.2.3.4'", s()), lambda: "IS_IPV4(%s)" % s(),
            lambda: "CHARSET(%s)" % a(), lambda: "COLLATION(%s)" % a(), lambda: "COERCIBILITY(%s)" % s(), lambda: "CONV(%s, 16, 10)" % s(), lambda: "SEC_TO_TIME(SUM(i))", lambda: "BIN(SUM(u))", lambda: "CHAR(SUM(u), AVG(d))", lambda: "UNCOMPRESSED_LENGTH(%s)" % s(),
        ]
        x = self.r.random()
        return self.r.choice(documents if x < 0.2 else patterns if x < 0.25 else more if x < 0.33 else forms)()

    def table(self):
        cols = ", ".join("%s %s%s" % (c, d, "" if "NULL" in d else " NULL") for c, (d, _) in COLUMNS.items())
        print("--only plain\nCREATE TABLE t (id INT NOT NULL, g INT NOT NULL, %s, PRIMARY KEY (id));\n--only tessera\nCREATE TABLE t (id INT NOT NULL, g INT NOT NULL, %s, PRIMARY KEY (id)) PARTITION BY KEY (id) PARTITIONS 4;" % (cols, cols))
        for i in range(14):
            # Group 3 has nothing but NULLs, group 2 one row.
            g = self.pick(0, 0, 1, 1, 3) if i else 2
            print("INSERT INTO t VALUES (%d, %d, %s);" % (i, g, ", ".join("NULL" if g == 3 or self.r.random() < 0.1 else self.r.choice(v) for _, v in COLUMNS.values())))

    def main(self, count):
        print("# Made by gen-calc.py")
        print("SET time_zone = '+00:00';")
        self.table()
        for _ in range(count):
            e = self.call()
            k = self.r.randrange(10)
            if "(" not in e or k < 6:
                sql = "SELECT g, %s AS x FROM t GROUP BY g;" % e
            elif k == 6:
                sql = "SELECT %s AS x FROM t;" % e
            elif k == 7:
                sql = "SELECT g FROM t GROUP BY g HAVING %s;" % e
            elif k == 8:
                sql = "SELECT g, COUNT(*) FROM t GROUP BY g ORDER BY %s, g;" % e
            else:
                sql = "SELECT g, %s AS x, %s AS z FROM t GROUP BY g;" % (e, self.call())
            # MySQL 9.7's CONV() of a literal time in a negative base gives something else in each row.
            if "CONV(TIMESTAMP" in sql or "CONV(TIME'" in sql or "CONV(DATE'" in sql:
                continue
            # What MySQL 9.7's SUBSTRING_INDEX() gives, functions around it overwrite: '-2.5001-31' for '2024-01-31', '-2.50'.
            if "SUBSTRING_INDEX" in sql and "CONCAT" in sql:
                continue
            print("--error any\n--approx\n--skip warnings,error-text,error: rows warn in another order\n" + sql)


def main():
    a = sys.argv[1:]
    Calc(int(a[0])).main(int(a[1]) if len(a) > 1 else 150)


main()
