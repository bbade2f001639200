#!/usr/bin/python3
"""Writes a case file about where rows are put: tables with a partition key of some type, rows written with expressions, parameters, defaults and
values that the column clips, in strict mode and not: gen-writes.py SEED [TABLES [STATEMENTS]]. The same seed gives the same file.
After each batch every row must be found by the key that is stored in it. What Tessera refuses (1235) is undone on the plain server."""
import importlib.machinery
import importlib.util
import os
import random
import sys

sys.dont_write_bytecode = True
_loader = importlib.machinery.SourceFileLoader("gen_keys", os.path.join(os.path.dirname(os.path.realpath(__file__)), "gen-keys.py"))
_spec = importlib.util.spec_from_loader("gen_keys", _loader)
keys = importlib.util.module_from_spec(_spec)
_loader.exec_module(keys)

# Types that gen-keys.py has not.
TYPES = dict(keys.TYPES)
TYPES.update({
    "datetime6": ("DATETIME(6)", keys.DATES, [], ["MICROSECOND({k})"]),
    "time6": ("TIME(6)", keys.TIMES, [], []),
    "timestamp2": ("TIMESTAMP(2)", keys.DATES, [], []),
    "char2": ("CHAR(2) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", keys.STRINGS + keys.NUMS, [], []),
    "varchar3": ("VARCHAR(3) CHARACTER SET latin1", keys.STRINGS + keys.NUMS + keys.DATES, [], []),
    "varchar50": ("VARCHAR(50) CHARACTER SET utf8mb4 COLLATE utf8mb4_general_ci", keys.STRINGS + keys.NUMS + keys.DATES + keys.HEX, [], []),
    "ascii5": ("VARCHAR(5) CHARACTER SET ascii", keys.STRINGS, [], []),
    "varbinary3": ("VARBINARY(3)", keys.BYTES + keys.NUMS + keys.STRINGS, [], []),
    "bit5": ("BIT(5)", keys.BITS + keys.HEX, [], []),
    "udouble": ("DOUBLE UNSIGNED", keys.ints(), [], []),
    "decimal65": ("DECIMAL(5,3)", keys.ints(["1.0005", "1.00049", "99.9995", "-99.9999"]), [], []),
    "int4": ("INT(4) UNSIGNED ZEROFILL", keys.ints(), ["1", "10"], []),
})
SMALL = ["0", "1", "2", "-1", "3.5", "'7'", "1.5e0", "10", "0.1", "NULL", "'x'", "'1a'", "255", "-0.0", "1e15", "9223372036854775807"]


class Writes:
    def __init__(self, seed, count):
        self.r = random.Random(seed)
        self.k = keys.Keys(0, 0)
        self.k.r = self.r
        self.pick, self.chance = self.k.pick, self.k.chance
        self.count = count
        self.id = 0

    def any(self):
        return self.r.choice(self.r.choice([keys.NUMS, keys.NUM_STRINGS, keys.HEX, keys.DATES, keys.TIMES, keys.STRINGS, keys.BYTES, SMALL]))

    def expr(self, sp, depth=0):
        """An expression for the key, no function of now nor of chance."""
        v = lambda: self.expr(sp, depth + 1) if depth < 2 and self.chance(0.3) else self.any() if self.chance(0.15) else self.r.choice(sp)
        s = lambda: self.r.choice(SMALL)
        u = self.pick("DAY", "HOUR", "SECOND", "MICROSECOND", "MONTH", "YEAR")
        forms = [
            lambda: "%s %s %s" % (v(), self.pick("+", "-", "*", "/", "DIV", "%", "|", "&", "^", "<<", ">>"), s()),
            lambda: "CONCAT(%s)" % ", ".join(v() for _ in range(self.r.randrange(1, 4))),
            lambda: "CAST(%s AS %s)" % (v(), self.pick("SIGNED", "UNSIGNED", "CHAR", "CHAR(2)", "BINARY", "BINARY(3)", "DATE", "DATETIME", "DATETIME(3)", "TIME", "TIME(2)", "DECIMAL(10,2)", "DECIMAL(65,30)", "DOUBLE")),
            lambda: "CASE WHEN %s THEN %s ELSE %s END" % (s(), v(), v()),
            lambda: "CASE %s WHEN 1 THEN %s WHEN '1' THEN %s END" % (s(), v(), v()),
            lambda: "IF(%s, %s, %s)" % (s(), v(), v()),
            lambda: "IFNULL(%s, %s)" % (v(), v()),
            lambda: "NULLIF(%s, %s)" % (v(), s()),
            lambda: "COALESCE(NULL, %s, %s)" % (v(), s()),
            lambda: "GREATEST(%s, %s)" % (v(), v()),
            lambda: "LEAST(%s, %s)" % (v(), v()),
            lambda: "DATE_ADD(%s, INTERVAL %s %s)" % (v(), self.pick("1", "-1", "'1.5'", "1.5", "0", "NULL"), u),
            lambda: "%s - INTERVAL 1 %s" % (v(), u),
            lambda: "ROUND(%s, %s)" % (v(), self.pick("0", "1", "-1", "3")),
            lambda: "ABS(%s)" % v(), lambda: "FLOOR(%s)" % v(), lambda: "-(%s)" % v(), lambda: "~(%s)" % v(), lambda: "NOT (%s)" % v(),
            lambda: "UPPER(%s)" % v(), lambda: "LOWER(%s)" % v(), lambda: "REVERSE(%s)" % v(), lambda: "LEFT(%s, %s)" % (v(), self.pick("1", "2", "0")), lambda: "RPAD(%s, 4, %s)" % (v(), self.pick("' '", "'x'")),
            lambda: "TRIM(%s)" % v(), lambda: "REPEAT(%s, 2)" % v(), lambda: "CONCAT_WS('', %s, %s)" % (v(), v()), lambda: "SUBSTRING(%s, 2)" % v(), lambda: "HEX(%s)" % v(), lambda: "UNHEX(HEX(%s))" % v(), lambda: "CHAR(%s)" % s(), lambda: "BIN(%s)" % s(),
            lambda: "CONVERT(%s USING %s)" % (v(), self.pick("latin1", "utf8mb4", "binary", "ascii")),
            lambda: "%s COLLATE utf8mb4_bin" % v(), lambda: "_latin1 %s" % self.pick("'a'", "'é'", "x'e9'"), lambda: "_binary %s" % self.pick("'a'", "'é'"), lambda: "_utf8mb4 %s" % self.pick("'a'", "x'c3a9'"), lambda: "BINARY %s" % v(),
            lambda: "DATE(%s)" % v(), lambda: "TIME(%s)" % v(), lambda: "TIMESTAMP(%s)" % v(), lambda: "YEAR(%s)" % v(), lambda: "LAST_DAY(%s)" % v(), lambda: "FROM_UNIXTIME(%s)" % self.pick("0", "1", "1706696430", "1706696430.5", "1711846800", "-1", "'1706696430'"),
            lambda: "UNIX_TIMESTAMP(%s)" % v(), lambda: "SEC_TO_TIME(%s)" % s(), lambda: "MAKEDATE(2024, %s)" % s(), lambda: "STR_TO_DATE(%s, '%%Y-%%m-%%d')" % v(), lambda: "DATE_FORMAT(%s, '%%Y%%m%%d')" % v(), lambda: "TIMEDIFF(%s, '01:00:00')" % v(), lambda: "ADDTIME(%s, '01:00:00.5')" % v(),
            lambda: "NOW()", lambda: "NOW(%d)" % self.r.randrange(7), lambda: "CURDATE()", lambda: "CURTIME(2)", lambda: "UTC_TIMESTAMP()", lambda: "CURRENT_TIMESTAMP", lambda: "NOW() - INTERVAL 1 DAY", lambda: "UNIX_TIMESTAMP()",
            lambda: "%s = %s" % (v(), s()), lambda: "%s IN (%s, %s)" % (v(), s(), s()), lambda: "%s BETWEEN %s AND %s" % (v(), s(), s()), lambda: "%s LIKE '%%1%%'" % v(), lambda: "(SELECT %s)" % v(), lambda: "(SELECT MAX(x) FROM (SELECT %s AS x UNION ALL SELECT %s) d)" % (v(), v()),
            lambda: "JSON_EXTRACT('[1, \"a\", 2.5]', '$[%d]')" % self.r.randrange(4), lambda: "JSON_UNQUOTE(JSON_EXTRACT('[1, \"a\", 2.5]', '$[%d]'))" % self.r.randrange(4), lambda: "SQRT(%s)" % s(), lambda: "POW(%s, 2)" % s(), lambda: "ELT(1, %s)" % v(), lambda: "FORMAT(%s, 2)" % s(), lambda: "CONV(%s, 10, 16)" % s(),
            lambda: "LENGTH(%s)" % v(), lambda: "MD5(%s)" % v(), lambda: "EXTRACT(YEAR_MONTH FROM %s)" % v(), lambda: "TO_DAYS(%s)" % v(), lambda: "QUOTE(%s)" % v(), lambda: "BIT_COUNT(%s)" % v(), lambda: "COERCIBILITY(%s)" % v(), lambda: "%s XOR 1" % v(), lambda: "%s IS NULL" % v(),
        ]
        return self.r.choice(forms)()

    def value(self, sp):
        if self.chance(0.03):
            return self.pick("@n", "@s", "@d", "@f", "@x")
        return self.any() if self.chance(0.15) else self.r.choice(sp)

    def cell(self, sp):
        x = self.r.random()
        if x < 0.06:
            return self.pick("DEFAULT", "DEFAULT(k)", "NULL")
        return self.expr(sp) if x < 0.62 else self.value(sp)

    def batch(self, statement):
        print("--only plain\nSAVEPOINT s;")
        print("--error any\n--tolerate 1235\n--skip info,error-text,error,warnings: not about these\n%s;" % statement)
        print("--only refused\nROLLBACK TO SAVEPOINT s;")

    def statement(self, sp, name):
        self.id += 10
        kind = self.r.randrange(12)
        if kind < 6:
            verb = self.pick("INSERT INTO", "INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO")
            n = self.pick(1, 1, 1, 2, 3, 5) if self.many or verb == "INSERT IGNORE INTO" else 1
            return "%s t (id, k, g) VALUES %s" % (verb, ", ".join("(%d, %s, %d)" % (self.id + i, self.cell(sp), self.r.randrange(4)) for i in range(n)))
        if kind == 6:
            return "INSERT INTO t SET id = %d, k = %s, g = %d" % (self.id, self.cell(sp), self.r.randrange(4))
        if kind == 7:
            return "INSERT %sINTO t (id, g) VALUES (%d, 1), (%d, 2)" % (self.pick("", "IGNORE "), self.id, self.id + 1)
        if kind == 8:
            return "INSERT INTO t (id, k, g) VALUES (%d, %s, 1) ON DUPLICATE KEY UPDATE n = n + 1, k = VALUES(k)" % (self.pick(self.id, max(self.id - 10, 1)), self.cell(sp))
        if kind == 9:
            return "INSERT %sINTO t (id, k, g) SELECT %d, %s, 3" % (self.pick("", "IGNORE "), self.id, self.expr(sp))
        if self.id < 30:
            return self.statement(sp, name)
        low = self.r.randrange(1, self.id // 10) * 10
        v = self.pick(self.expr(sp), self.value(sp), "k", "k + 1", "n", "CONCAT(k, 'x')", "UPPER(k)", "IF(g > 1, k, %s)" % self.value(sp), "k - INTERVAL 1 DAY")
        # Which rows a server's WHERE clause looks at decides which conversions are errors in strict mode.
        if kind == 10 or self.strict:
            return "UPDATE %st SET k = %s, n = n + 1 WHERE id BETWEEN %d AND %d" % (self.pick("", "", "IGNORE "), v, low, low + 9)
        return "UPDATE %st SET k = %s WHERE k = %s" % (self.pick("", "IGNORE "), v, self.value(sp))

    def literal(self, name, column):
        up = column.upper()
        if up.startswith(("BINARY", "VARBINARY")):
            return "CONCAT(' = x''', HEX(k), '''')"
        if up.startswith(("DOUBLE", "TINYINT", "SMALLINT", "INT", "BIGINT", "MEDIUMINT", "DECIMAL", "YEAR", "BOOLEAN")):
            return "CONCAT(' = ', k)"
        if up.startswith("BIT"):
            return "CONCAT(' = ', k + 0)"
        return "CONCAT(' = ', QUOTE(k))"

    def table(self, name, method):
        column, sp, bounds, exprs = TYPES[name]
        if method in ("range", "hash") and ("year" in name or "bit" in name or "decimal" in name):
            return 0
        exprs = [e for e in exprs if "EXTRACT" not in e]
        self.k.column = column.replace("ZEROFILL", "UNSIGNED")
        self.id = 0
        p = self.k.partition(method, bounds, exprs)
        if not p:
            return 0
        null = self.chance(0.5)
        fit = [d for d in sp if d in ("1", "'a'", "'10:20:30'", "2024", "0") and not ("0" in d and ("ENUM" in column or "DATE" in column or "TIME" in column))]
        default = " DEFAULT " + self.r.choice(fit) if fit and self.chance(0.3) else ""
        primary = self.pick("", "", ", PRIMARY KEY (id, k, g)")
        print("# %s by %s" % (name, method))
        print("SET sql_mode = '';")
        # A default that the column does not take leaves the column without any.
        for d in [default, ""] if default else [""]:
            columns = "(id INT NOT NULL, k %s %s%s, g INT NOT NULL, n INT NOT NULL DEFAULT 0%s)" % (column, "NULL" if null and not primary else "NOT NULL", d, primary)
            print("--only plain\n--error any\nCREATE TABLE IF NOT EXISTS t %s;\n--only tessera\n--error any\nCREATE TABLE IF NOT EXISTS t %s %s;" % (columns, columns, p))
        strict = self.pick("STRICT_TRANS_TABLES", "STRICT_ALL_TABLES", "STRICT_TRANS_TABLES,NO_ZERO_DATE,NO_ZERO_IN_DATE,ERROR_FOR_DIVISION_BY_ZERO", "", "", "NO_ZERO_DATE", "ERROR_FOR_DIVISION_BY_ZERO", "ALLOW_INVALID_DATES", "PIPES_AS_CONCAT",
                           "NO_UNSIGNED_SUBTRACTION", "PAD_CHAR_TO_FULL_LENGTH", "STRICT_TRANS_TABLES,PAD_CHAR_TO_FULL_LENGTH", "TRADITIONAL", "ANSI_QUOTES")
        # In other modes a NULL for a NOT NULL column is an error in a statement of one row, and a row may be alone in its partition.
        self.strict = "STRICT" in strict or strict == "TRADITIONAL"
        self.many = self.strict or (null and not primary)
        print("--skip warnings: deprecated on MySQL\nSET sql_mode = '%s';" % strict)
        print("SET time_zone = '%s', timestamp = %s;" % (self.pick("+00:00", "SYSTEM", "+05:30", "-11:00"), self.pick("1706696430", "1706696430.123456", "1711846799.9")))
        print("--only plain\nSET autocommit = 0;")
        for i in range(self.count):
            self.batch(self.statement(sp, name))
            if i % 8 == 7 or i == self.count - 1:
                self.check(name, column)
        print("--only plain\nCOMMIT;\n--only plain\nSET autocommit = 1;")
        print("--error any\nDROP TABLE t;")
        return 1

    def check(self, name, column):
        print("--skip meta,warnings: about rows\n--error any\nSELECT id, k, HEX(k), g, n FROM t;")
        null = "IFNULL(%s, ' IS NULL')" % self.literal(name, column)
        print("--each\n--skip meta,warnings: about rows\n--error any\nSELECT CONCAT('SELECT id, g FROM t WHERE id = ', id, ' AND k', %s) FROM t ORDER BY id;" % null)

    def main(self, tables, only=None):
        print("# Made by gen-writes.py")
        print("SET @n = 1, @s = 'a', @d = '2024-01-31', @f = 1.5, @x = x'61';")
        names = [t for t in TYPES if t == only or (not only and "double" not in t)]
        while tables:
            tables -= self.table(self.pick(*names), self.pick("key", "key", "key2", "hash", "rangecols", "range"))


def main():
    a = sys.argv[1:]
    Writes(int(a[0]), int(a[2]) if len(a) > 2 else 30).main(int(a[1]) if len(a) > 1 else 3, a[3] if len(a) > 3 else None)


main()
