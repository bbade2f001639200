#!/usr/bin/python3
"""Writes a case file about keys: tables with a partition key of some type by some method, rows put in by many spellings, and reads, updates
and deletes that name the key by many spellings: gen-keys.py SEED [TABLES [STATEMENTS]]. The same seed gives the same file.
The plain server's tables have no partitions, so that its own pruning has no say."""
import random
import sys

NUMS = ["0", "1", "2", "-1", "7", "9", "10", "100", "127", "128", "255", "256", "-128", "1.0", "1.5", "0.5", "-0.5", "2.4", "2.5", "-0", "-0.0", "0e0", "-0e0", "1e0",
        "1.5e0", "1e2", "99.99", "0.1", "0.10", "65535", "2147483647", "2147483648", "-2147483648", "9007199254740993", "9223372036854775807",
        "9223372036854775808", "18446744073709551615", "18446744073709551616", "-9223372036854775808", "-9223372036854775809", "1e19", "9007199254740992e0"]
NUM_STRINGS = ["'0'", "'1'", "'1abc'", "' 1'", "'1 '", "'01'", "'1.0'", "'1.5'", "'-0'", "'-1'", "'1e0'", "'1e2'", "''", "'abc'", "'7'", "'10'", "'0x1'", "'.5'", "'1.'", "'99.99'", "'+1'",
               "'9223372036854775807'", "'18446744073709551615'", "'9007199254740993'", "'\\t1'", "'1\\n'"]
HEX = ["0x31", "x'01'", "0x01", "b'1'", "0b1", "x'00'", "0x616263", "b'0'", "0x0a", "0x7FFFFFFFFFFFFFFF"]
MISC = ["NULL", "TRUE", "FALSE", "@n", "@s", "@d", "@f", "@x"]
DATES = ["'2024-01-31'", "'2024-1-31'", "'20240131'", "20240131", "240131", "'24-01-31'", "'2024-01-31 00:00:00'", "'2024-01-31 00:00:00.000'", "DATE'2024-01-31'",
         "TIMESTAMP'2024-01-31 00:00:00'", "TIMESTAMP'2024-01-31 10:20:30.5'", "20240131000000", "20240131102030", "20240131102030.5", "'2024-01-31 10:20:30'", "'2024-01-31 10:20:30.5'",
         "'2024-01-31 10:20:30.500000'", "'2024-01-31T10:20:30'", "'2024-01-31 10:20'", "'2024/01/31'", "'0000-00-00'", "0", "'2024-01-00'", "'2024-02-30'", "'1999-12-31'", "991231", "'99-12-31'",
         "DATE'1999-12-31'", "'2024-07-01 12:00:00'", "'2024-07-01'", "20240701", "'2024-06-30 23:59:59.9'", "TIMESTAMP'2024-07-01 00:00:00'", "'2024-03-31 02:30:00'", "'2024-10-27 02:30:00'",
         "'2024-01-31abc'", "'abc'", "''", "'1969-12-31 23:59:59'", "'1970-01-01 00:00:00'", "'2038-01-19 03:14:07'", "'9999-12-31 23:59:59'", "'1000-01-01'", "20240131.0", "'2024-01-31 '", "' 2024-01-31'"]
TIMES = ["'10:20:30'", "'10:20:30.5'", "'10:20:30.500'", "102030", "'102030'", "102030.5", "TIME'10:20:30'", "'10:20'", "1020", "'1020'", "'-10:20:30'", "-102030", "'0 10:20:30'", "'1 10:20:30'", "'34:20:30'",
         "343020", "'34:20:30.000'", "'00:00:00'", "0", "'0'", "'838:59:59'", "'-838:59:59'", "'839:00:00'", "'00:00:00.0'", "TIME'-00:00:00.5'", "'-00:00:00.5'", "'10:20:30abc'", "'abc'", "''", "'2024-01-31 10:20:30'",
         "TIMESTAMP'2024-01-31 10:20:30'", "DATE'2024-01-31'", "1.5", "'1.5'", "10", "'10'"]
YEARS = ["2024", "24", "'24'", "'2024'", "1999", "99", "'99'", "0", "'0'", "'00'", "'0000'", "2000", "1901", "2155", "1900", "2156", "70", "69", "2024.0", "2024.4", "'2024abc'", "2024e0", "'2024.0'", "'2e3'", "1970"]
STRINGS = ["'a'", "'A'", "'a '", "'a  '", "'b'", "'B'", "'ab'", "'AB'", "'Ab '", "'é'", "'É'", "'e'", "'E'", "'ß'", "'ss'", "'SS'", "''", "' '", "' a'", "'1'", "'01'", "'1.0'", "'1e0'", "'0'", "'abc'", "'ABC'", "'abcdefghij'",
           "'abcdefghijkl'", "'ÅngströM'", "'angstrom'", "'å'", "'a\\0'", "'a\\t'", "'😀'", "'😁'", "'ʼn'", "'m'", "'M'", "'mm'", "'z'", "'Z'", "'~'", "'\\\\'", "'''", "'æ'", "'ae'", "'ø'", "'o'", "N'a'", "\"a\"", "'10'", "'9'"]
STRINGS.remove("'''")
STRINGS.append("''''")
BYTES = ["'a'", "'A'", "'a '", "x'61'", "x'6100'", "x'61000000'", "0x61", "''", "x''", "x'00'", "x'0000'", "'ab'", "'abcd'", "x'ff'", "x'ff00ff00'", "'é'", "x'c3a9'", "b'01100001'", "'a\\0'", "'1'", "1", "'  '", "x'20'"]
ENUMS = ["'a'", "'A'", "'a '", "'b'", "'c'", "'B'", "'1'", "'2'", "'3'", "1", "2", "3", "0", "''", "'10'", "'0'", "4", "5", "6", "7", "'x y'", "1.0", "1.5", "1e0", "'01'", "TRUE", "b'1'", "0x01", "'é'", "'e'", "99", "'zzz'"]
SETS = ["'a'", "'A'", "'a,b'", "'b,a'", "'b'", "'c'", "''", "0", "1", "2", "3", "4", "7", "8", "'a,a'", "'1'", "'3'", "'zzz'", "'a,zzz'", "1.0", "'B,A'", "'a ,b'", "'a,b '", "b'11'", "0x01", "'a,'", "','"]
BITS = ["0", "1", "2", "b'1'", "b'01'", "b'10'", "x'01'", "x'31'", "'1'", "'a'", "97", "255", "b'11111111'", "x'ff'", "'0'", "''", "1.0", "1.4", "TRUE", "FALSE", "'01'", "256", "'é'", "0x0161", "1e0", "'2'", "49"]


def ints(extra=()):
    return NUMS + NUM_STRINGS + HEX + list(extra)


COLL = ["utf8mb4_general_ci", "utf8mb4_unicode_ci", "utf8mb4_bin", "latin1_swedish_ci", "latin1_bin", "ascii_general_ci", "utf8mb3_general_ci", "latin1_general_ci", "utf8mb4_unicode_520_ci"]
# name: column type, spellings, which methods, an ordered list of boundaries for RANGE and LIST (COLUMNS), expressions for HASH, RANGE, LIST
TYPES = {
    "tinyint": ("TINYINT", ints(), ["-100", "0", "1", "2", "10"], ["{k}", "{k} + 3", "ABS({k})", "{k} MOD 3", "{k} * 2 - 1", "{k} DIV 2", "5 - {k}"]),
    "utinyint": ("TINYINT UNSIGNED", ints(), ["1", "2", "10", "100"], ["{k}", "{k} + 3", "{k} MOD 3", "{k} DIV 2"]),
    "smallint": ("SMALLINT", ints(), ["-1", "0", "1", "100"], ["{k}"]),
    "mediumint": ("MEDIUMINT", ints(), ["-1", "0", "1", "100"], ["{k}"]),
    "int": ("INT", ints(), ["-1000", "0", "1", "2", "10", "1000"], ["{k}", "{k} + 1", "{k} DIV 10", "{k} MOD 7", "ABS({k})", "-{k}", "FLOOR({k})", "CEILING({k})"]),
    "uint": ("INT UNSIGNED", ints(), ["1", "2", "1000", "4000000000"], ["{k}", "{k} DIV 3"]),
    "bigint": ("BIGINT", ints(), ["-9223372036854775808", "-5", "0", "1", "2", "9223372036854775807"], ["{k}", "{k} DIV 1000", "{k} MOD 11", "ABS({k} MOD 9)"]),
    "ubigint": ("BIGINT UNSIGNED", ints(), ["1", "2", "1000", "9223372036854775807"], ["{k}", "{k} MOD 8"]),
    "zerofill": ("INT(8) ZEROFILL", ints(), ["1", "2", "10"], ["{k}"]),
    "boolean": ("BOOLEAN", ints(), ["0", "1", "2"], ["{k}"]),
    "decimal": ("DECIMAL(10,2)", ints(["1.005", "'1.50'", "1.50", "1.499", "1.504"]), [], ["FLOOR({k})", "CEILING({k})"]),
    "decimal0": ("DECIMAL(20,0)", ints(), [], ["FLOOR({k})"]),
    "udecimal": ("DECIMAL(30,5) UNSIGNED", ints(), [], []),
    "bigdecimal": ("DECIMAL(65,30)", ints(["1.000000000000000000000000000001", "'1.000000000000000000000000000001'"]), [], []),
    "double": ("DOUBLE", ints(["1e300", "-1e300", "1e15", "1e16", "0.30000000000000004", "0.1e0"]), [], []),
    "double2": ("DOUBLE(10,2)", ints(["1.005", "1.499"]), [], []),
    "date": ("DATE", DATES, ["'1970-01-01'", "'2024-01-31'", "'2024-02-01'", "'2024-07-01'"], ["YEAR({k})", "TO_DAYS({k})", "MONTH({k})", "DAYOFMONTH({k})", "DAYOFYEAR({k})", "WEEKDAY({k})", "TO_DAYS({k}) DIV 7", "YEAR({k}) * 100 + MONTH({k})", "QUARTER({k})", "DAYOFWEEK({k})", "YEARWEEK({k})", "TO_SECONDS({k})", "EXTRACT(YEAR_MONTH FROM {k})"]),
    "datetime": ("DATETIME", DATES, ["'1970-01-01'", "'2024-01-31'", "'2024-01-31 10:20:30'", "'2024-07-01 00:00:00'"], ["YEAR({k})", "TO_DAYS({k})", "MONTH({k})", "HOUR({k})", "MINUTE({k})", "SECOND({k})", "TO_SECONDS({k})", "TIME_TO_SEC({k})", "DAYOFWEEK({k})"]),
    "datetime3": ("DATETIME(3)", DATES, ["'2024-01-31 10:20:30.500'", "'2024-07-01 00:00:00'"], ["TO_SECONDS({k})", "MICROSECOND({k})", "YEAR({k})"]),
    "timestamp": ("TIMESTAMP", DATES, [], ["UNIX_TIMESTAMP({k})"]),
    "timestamp6": ("TIMESTAMP(6)", DATES, [], []),
    "time": ("TIME", TIMES, ["'00:00:00'", "'10:20:30'", "'34:20:30'"], ["HOUR({k})", "TIME_TO_SEC({k})", "MINUTE({k})"]),
    "time2": ("TIME(2)", TIMES, ["'00:00:00'", "'10:20:30.5'", "'34:20:30'"], []),
    "year": ("YEAR", YEARS, ["1970", "2000", "2024"], ["{k}", "{k} - 1900"]),
    "bit": ("BIT(8)", BITS, [], []),
    "bit1": ("BIT(1)", BITS, [], []),
    "bit64": ("BIT(64)", BITS + HEX, [], []),
    "enum": ("ENUM('a','b','c','x y','10','3')", ENUMS, [], []),
    "enumbin": ("ENUM('a','A','b','2','1') CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ENUMS, [], []),
    "set": ("SET('a','b','c')", SETS, [], []),
    "binary": ("BINARY(4)", BYTES, ["'a'", "'b'", "'z'"], []),
    "varbinary": ("VARBINARY(10)", BYTES, ["'a'", "'ab'", "'z'"], []),
}
for name in COLL:
    charset = name.split("_")[0]
    bounds = ["'A'", "'b'", "'m'", "'z'"] if not name.endswith("bin") else ["'A'", "'M'", "'a'", "'m'", "'z'"]
    TYPES["v_" + name] = ("VARCHAR(10) CHARACTER SET %s COLLATE %s" % (charset, name), STRINGS, bounds, [])
    TYPES["c_" + name] = ("CHAR(10) CHARACTER SET %s COLLATE %s" % (charset, name), STRINGS, bounds, [])
# Types for which INSERT refuses some of the spellings, because only a shard knows what becomes of them.
NOT_HERE = ("double", "double2", "date", "datetime", "datetime3", "timestamp", "timestamp6", "time", "time2", "year", "enum", "enumbin", "set", "bigdecimal", "decimal0", "zerofill")


class Keys:
    def __init__(self, seed, count):
        self.r = random.Random(seed)
        self.count = count
        self.id = 0

    def pick(self, *items):
        return self.r.choice(items)

    def chance(self, p):
        return self.r.random() < p

    def partition(self, method, bounds, exprs):
        """PARTITION BY ..., or None where the type has no such method."""
        n = self.r.choice([2, 3, 4, 7, 16])
        if method == "key":
            return "PARTITION BY KEY (k) PARTITIONS %d" % n
        if method == "key2":
            return "PARTITION BY KEY (k, g) PARTITIONS %d" % n
        if method == "hash":
            return "PARTITION BY HASH (%s) PARTITIONS %d" % (self.r.choice(exprs).format(k="k"), n) if exprs else None
        if method == "rangecols":
            if not bounds:
                return None
            two = self.chance(0.3)
            cols = "k, g" if two else "k"
            parts = ["PARTITION p%d VALUES LESS THAN (%s%s)" % (i, b, ", %d" % self.r.randrange(4) if two else "") for i, b in enumerate(bounds)]
            parts.append("PARTITION pm VALUES LESS THAN (%s)" % ("MAXVALUE, MAXVALUE" if two else "MAXVALUE"))
            return "PARTITION BY RANGE COLUMNS (%s) (%s)" % (cols, ", ".join(parts))
        if not exprs:
            return None
        e = self.r.choice(exprs).format(k="k")
        around = {"YEAR(k)": [1970, 2000, 2024], "TO_DAYS(k)": [719528, 739281, 739282], "TO_DAYS(k) DIV 7": [102789, 105611, 105620], "YEAR(k) * 100 + MONTH(k)": [197001, 202401, 202407],
                  "TO_SECONDS(k)": [62167219200, 63873922830, 63900000000], "UNIX_TIMESTAMP(k)": [1, 1706696430, 1719792000], "EXTRACT(YEAR_MONTH FROM k)": [197001, 202401, 202407],
                  "YEARWEEK(k)": [199952, 202404, 202426], "k": [-5, 0, 1, 2, 100], "k - 1900": [70, 100, 124]}.get(e, [-5, 0, 1, 2, 5, 10])
        if "UNSIGNED" in self.column:
            around = [b for b in around if b > 0]
        parts = ["PARTITION p%d VALUES LESS THAN (%d)" % (i, b) for i, b in enumerate(around)]
        parts.append("PARTITION pm VALUES LESS THAN MAXVALUE")
        return "PARTITION BY RANGE (%s) (%s)" % (e, ", ".join(parts))

    def value(self, spellings):
        if self.chance(0.07):
            # A number in a variable counts as much for the collation of IN as the column does, a literal less.
            return self.r.choice(["NULL", "TRUE", "@s"] if spellings is STRINGS else MISC)
        if self.chance(0.04):
            return self.r.choice(self.r.choice([NUMS, NUM_STRINGS, HEX, DATES, TIMES, STRINGS, BYTES]))
        return self.r.choice(spellings)

    def cond(self, sp, depth=0):
        k = self.r.randrange(16 if depth < 2 else 11)
        v = lambda: self.value(sp)
        if k < 3:
            return "k = %s" % v()
        if k == 3:
            return "%s %s k" % (v(), self.pick("=", "<", ">", "<=", ">=", "<=>"))
        if k in (4, 5):
            return "k %s %s" % (self.pick("<", ">", "<=", ">=", "<=>", "<>", "!="), v())
        if k == 6:
            return "k %sIN (%s)" % (self.pick("", "", "", "NOT "), ", ".join(v() for _ in range(self.r.randrange(1, 5))))
        if k in (7, 8):
            return "k %sBETWEEN %s AND %s" % (self.pick("", "", "", "NOT "), v(), v())
        if k == 9:
            return self.pick("k IS NULL", "k IS NOT NULL", "k <=> NULL", "NOT k <=> NULL", "k IS TRUE", "k IS FALSE", "k", "NOT k", "k LIKE %s" % v(), "k IS UNKNOWN")
        if k == 10:
            return self.pick("(k, g) %s (%s, %d)" % (self.pick("=", "=", "<=>", "<>", "<", ">="), v(), self.r.randrange(4)), "(g, k) IN ((%d, %s), (%d, %s))" % (self.r.randrange(4), v(), self.r.randrange(4), v()),
                             "k = %s AND g = %d" % (v(), self.r.randrange(4)), "k = %s AND g IN (0, '1', 2.0)" % v(), "g = '%d' AND k <=> %s" % (self.r.randrange(4), v()), "%s BETWEEN k AND %s" % (v(), v()), "(k) = (%s)" % v(),
                             "k = +%s" % v(), "k = (%s)" % v(), "k = -(%s)" % v())
        if k in (11, 12):
            return "(%s AND %s)" % (self.cond(sp, depth + 1), self.cond(sp, depth + 1))
        if k in (13, 14):
            return "(%s OR %s)" % (self.cond(sp, depth + 1), self.cond(sp, depth + 1))
        return self.pick("NOT (%s)", "(%s) IS NOT TRUE", "(%s) XOR g > 1", "NOT (%s) AND k IS NOT NULL") % self.cond(sp, depth + 1)

    def insert(self, sp):
        self.id += 1
        verb = self.pick("INSERT INTO", "INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO")
        rows = ", ".join("(%d, %s, %d, 0)" % (self.id * 10 + i, self.value(sp), self.r.randrange(4)) for i in range(self.pick(1, 1, 1, 1, 2, 3)))
        return "%s t (id, k, g, n) VALUES %s" % (verb, rows)

    def table(self, name, method):
        column, sp, bounds, exprs = TYPES[name]
        self.column = column
        p = self.partition(method, bounds, exprs)
        if not p:
            return 0
        null = self.chance(0.6)
        print("# %s by %s" % (name, method))
        columns = "(id INT NOT NULL, k %s %s, g INT NOT NULL, n INT%s)" % (column, "NULL" if null else "NOT NULL", ", KEY (k)" if self.chance(0.4) and sp is STRINGS else "")
        print("--only plain\nCREATE TABLE t %s;\n--only tessera\nCREATE TABLE t %s %s;" % (columns, columns, p))
        mode = self.pick("", "", "NO_ZERO_DATE,NO_ZERO_IN_DATE", "PAD_CHAR_TO_FULL_LENGTH", "NO_BACKSLASH_ESCAPES", "NO_UNSIGNED_SUBTRACTION")
        print("--skip warnings: deprecated on MySQL\nSET sql_mode = '%s';" % mode)
        print("SET time_zone = '%s';" % self.pick("+00:00", "SYSTEM", "+05:30", "-11:00"))
        # Every spelling once by itself.
        for v in sp + ["NULL"]:
            self.id += 1
            print("--error any\n--skip warnings,info,error-text: not about warnings\nINSERT %sINTO t (id, k, g, n) VALUES (%d, %s, %d, 0);" % (self.pick("", "", "", "IGNORE "), self.id * 10, v, self.r.randrange(4)))
        print("SELECT COUNT(*), COUNT(k), COUNT(DISTINCT k) FROM t;")
        for v in sp + MISC:
            print("--error any\n--skip warnings,error-text: not about warnings\nSELECT id, k FROM t WHERE k %s %s;" % (self.pick("=", "=", "=", "<=>"), v))
        for _ in range(self.count):
            k = self.r.choice([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 11])
            print("--error any\n--tolerate 1235\n--skip warnings,info,meta,error-text: not about warnings")
            if k < 8:
                print("SELECT id, k FROM t WHERE %s;" % self.cond(sp))
            elif k == 8:
                print(self.insert(sp) + ";")
            elif k == 9:
                print("UPDATE t SET n = n + 1 WHERE %s;" % self.cond(sp))
            else:
                print("DELETE FROM t WHERE id %% 5 = %d AND (%s);" % (self.r.randrange(5), self.cond(sp)))
        # Every row is found by its own key.
        print("--skip meta,warnings: join\n--tolerate 1235\nSELECT a.id, b.id FROM t a JOIN t b ON a.k = b.k WHERE a.id <= b.id AND a.g < 2;")
        print("SELECT * FROM t ORDER BY id;")
        print("DROP TABLE t;")
        return 1

    def main(self, tables):
        print("# Made by gen-keys.py")
        print("SET @n = 1, @s = 'a', @d = '2024-01-31', @f = 1.5, @x = x'61';")
        while tables:
            name = self.pick(*[t for t in TYPES if t not in NOT_HERE])
            tables -= self.table(name, self.pick("key", "key", "key2", "hash", "rangecols", "range"))


def main():
    a = sys.argv[1:]
    Keys(int(a[0]), int(a[2]) if len(a) > 2 else 40).main(int(a[1]) if len(a) > 1 else 6)


if __name__ == "__main__":
    main()
