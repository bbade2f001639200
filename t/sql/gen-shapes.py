#!/usr/bin/python3
"""Writes a case file of random reads of many shapes over partitioned, copied and single tables with columns of all types:
gen-shapes.py SEED [STATEMENTS]. The same seed gives the same file. The plain server's tables have no partitions."""
import random
import re
import sys

COLUMNS = ("id INT NOT NULL, k INT, u BIGINT UNSIGNED, d DECIMAL(10,3), w DECIMAL(30,10), f DOUBLE, s VARCHAR(20), b VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, "
           "c CHAR(6) CHARACTER SET latin1, e ENUM('z','y','x','b','a'), st SET('q','p','o'), dt DATE, ts DATETIME(2), tm TIME(1), y YEAR, bt BIT(10), vb VARBINARY(8), tx TEXT, ti TINYINT(1), PRIMARY KEY (%s)")
# name: primary key, how it is placed
TABLES = {
    "p": ("id", "PARTITION BY KEY (id) PARTITIONS 5"),
    "q": ("id", "PARTITION BY KEY (id) PARTITIONS 5"),
    "h": ("id", "PARTITION BY HASH (id DIV 3) PARTITIONS 4"),
    "r": ("id", "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (5), PARTITION p1 VALUES LESS THAN (12), PARTITION p2 VALUES LESS THAN (30), PARTITION p3 VALUES LESS THAN MAXVALUE)"),
    "m": (None, "PARTITION BY KEY (k, e) PARTITIONS 4"),
    "n": (None, "PARTITION BY KEY (k) PARTITIONS 4"),
    "v": (None, "PARTITION BY KEY (s) PARTITIONS 4"),
    "c1": ("id", "BROADCAST"),
    "c2": ("id", "BROADCAST"),
    "x1": ("id", "SINGLE"),
    "x2": ("id", "SINGLE"),
    "z": ("id", "PARTITION BY KEY (id) PARTITIONS 3"),
}
PART = ("p", "q", "h", "r", "m", "n", "v", "z")
COPY = ("c1", "c2")
ONE = ("x1", "x2")
NUM = ("id", "k", "u", "d", "w", "f", "ti", "y", "bt")
STR = ("s", "b", "c", "e", "st", "tx", "vb")
TIME = ("dt", "ts", "tm")
ALL = NUM + STR + TIME
# Columns in which two values that compare as equal are told apart: only a form that is the same for both is shown.
LOOSE = {"s": "LOWER(%s)", "c": "LOWER(%s)", "tx": "LOWER(%s)"}
REAL = ("f",)


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.approx = False
        self.ties = False  # rows of a join that an order by one of its tables does not tell apart

    def pick(self, *items):
        return self.r.choice(items)

    def chance(self, p):
        return self.r.random() < p

    def some(self, items, low, high):
        return [self.r.choice(items) for _ in range(self.r.randrange(low, high + 1))]

    def value(self, c, nulls=0.12):
        if c != "id" and self.chance(nulls):
            return "NULL"
        r = self.r
        return {
            "id": lambda: str(r.randrange(-3, 45)),
            "k": lambda: str(r.randrange(-2, 8)),
            "u": lambda: str(self.pick(0, 1, 2, 5, 18446744073709551615, 9223372036854775808, 9223372036854775807, 1000)),
            "d": lambda: self.pick("0", "0.001", "-0.5", "12.345", "9999999.999", "-9999999.999", "1.500", "7"),
            "w": lambda: self.pick("0", "0.0000000001", "12345678901234567890.1234567891", "-1.5", "99999999999999999999.9999999999", "3"),
            "f": lambda: str(r.randrange(-12, 12) / 4),
            "s": lambda: "'%s'" % self.pick("", "a", "A", "b", "B", "ab", "Ab", "aB", "zz", "ZZ", "x y", "10", "9", "ba"),
            "b": lambda: "'%s'" % self.pick("", "a", "A", "b", "B", "ab", "zz", "x y", "10", "9", "é"),
            "c": lambda: "'%s'" % self.pick("", "a", "A", "b", "B", "ab", "AB", "zz", "10", "9"),
            "e": lambda: "'%s'" % self.pick("z", "y", "x", "b", "a"),
            "st": lambda: "'%s'" % self.pick("", "q", "p", "o", "q,p", "p,o", "q,o", "q,p,o"),
            "dt": lambda: "'%s'" % self.pick("2024-01-31", "2024-02-01", "1999-12-31", "2024-02-29", "1970-01-01", "9999-12-31"),
            "ts": lambda: "'%s'" % self.pick("2024-01-31 00:00:00", "2024-01-31 10:20:30.25", "2024-01-31 10:20:30.5", "1999-12-31 23:59:59.99", "2024-02-01 00:00:00"),
            "tm": lambda: "'%s'" % self.pick("00:00:00", "10:20:30.5", "-10:20:30", "100:00:00", "-00:00:00.5", "9:59:59", "838:59:59"),
            "y": lambda: self.pick("2024", "1999", "1970", "2155", "1901"),
            "bt": lambda: str(self.pick(0, 1, 2, 255, 256, 1023, 97)),
            "vb": lambda: self.pick("''", "'a'", "'A'", "x'00'", "x'ff'", "x'6100'", "'b'"),
            "tx": lambda: "'%s'" % self.pick("", "a", "A", "long text of some kind", "LONG text of some kind", "b"),
            "ti": lambda: str(self.pick(0, 1, 0, 1, -128, 127)),
        }[c]()

    def fill(self, table):
        if table == "z":
            return
        names = COLUMNS_NAMES
        dense = self.pick(0.9, 0.7, 0.4) if table in PART else self.pick(0.6, 0.25)
        ids = [i for i in range(-2, 42) if self.chance(dense)]
        rows = ["(%s)" % ", ".join([str(i)] + [self.value(c) for c in names[1:]]) for i in ids]
        if rows:
            print("INSERT INTO %s (%s) VALUES %s;" % (table, ", ".join(names), ",\n  ".join(rows)))

    # Expressions
    def cond(self, p="", depth=0, columns=ALL):
        k = self.r.randrange(16 if depth < 2 else 11)
        c = self.r.choice(columns)
        col = p + c
        if k < 4:
            return "%s %s %s" % (col, self.pick("=", "=", "<", ">", "<=", ">=", "<>", "<=>"), self.value(c, 0.05))
        if k == 4:
            return "%s %sIN (%s)" % (col, self.pick("", "", "NOT "), ", ".join(self.value(c, 0.05) for _ in range(self.r.randrange(1, 5))))
        if k == 5:
            return "%s %sBETWEEN %s AND %s" % (col, self.pick("", "", "NOT "), self.value(c, 0), self.value(c, 0))
        if k == 6:
            return "%s IS %sNULL" % (col, self.pick("", "NOT "))
        if k == 7:
            return "%sid %s %s" % (p, self.pick("=", ">", "<", "<="), self.value("id"))
        if k == 8:
            return "%ss LIKE %s" % (p, self.pick("'a%'", "'%b%'", "'_'", "'A_'", "''"))
        if k == 9:
            return "%sk = %s" % (p, self.value("k"))
        if k == 10:
            return "%s IS %s%s" % (p + self.pick("ti", "k", "d"), self.pick("", "NOT "), self.pick("TRUE", "FALSE", "UNKNOWN"))
        if k < 13:
            return "(%s AND %s)" % (self.cond(p, depth + 1), self.cond(p, depth + 1))
        if k < 15:
            return "(%s OR %s)" % (self.cond(p, depth + 1), self.cond(p, depth + 1))
        return "NOT (%s)" % self.cond(p, depth + 1)

    def where(self, p="", chance=0.6):
        return " WHERE " + self.cond(p) if self.chance(chance) else ""

    def scalar(self, p=""):
        c = p + self.r.choice(ALL)
        n = p + self.pick("k", "id", "d", "ti", "u", "y")
        return self.pick(c, c, c, c, c, "%s + 1" % (p + self.pick("k", "d", "w", "ti")), "COALESCE(%sk, %s)" % (p, n), "IFNULL(%s, 'none')" % c, "LENGTH(%s)" % c, "%s IS NULL" % c,
                         "CONCAT(%ss, '-', %sid)" % (p, p), "CAST(%sd AS SIGNED)" % p, "HEX(%sbt)" % p, "%se + 0" % p, "%sst + 0" % p, "%sbt + 0" % p, "YEAR(%sdt)" % p, "-%sk" % p, "%sk DIV 2" % p,
                         "%sk / 3" % p, "%sd * %sd" % (p, p), "IF(%sk > 2, %se, %ss)" % (p, p, p), "NULLIF(%sk, 1)" % p, "CASE %sti WHEN 1 THEN 'one' WHEN 0 THEN NULL ELSE %ss END" % (p, p),
                         "LEAST(%sk, %sid)" % (p, p), "GREATEST(%sd, %sk)" % (p, p), "DATE_ADD(%sdt, INTERVAL 1 DAY)" % p if self.chance(0.1) else "DATE(%sts)" % p, "TIME(%sts)" % p, "1", "NULL", "'lit'", "2.50", "%sid %% 7" % p,
                         "ROUND(%sw, 2)" % p, "%sf * 2" % p, "CHAR_LENGTH(%stx)" % p, "CONVERT(%sc USING utf8mb4)" % p, "%sk & 3" % p, "%su | 1" % p, "~%sk" % p, "%sk << 2" % p)

    def key(self, p=""):
        """A group key, and what of it can be shown."""
        c = self.r.choice(("k", "d", "w", "f", "s", "b", "c", "e", "st", "dt", "ts", "tm", "y", "bt", "vb", "tx", "ti", "u"))
        e = p + c
        if self.chance(0.35):
            e = self.pick("%sk %% 3", "%sid DIV 10", "%sk IS NULL", "YEAR(%sdt)", "%se + 0", "LOWER(%ss)", "IF(%sk > 2, 'hi', 'lo')", "COALESCE(%sk, -1)", "%sd > 0", "DATE(%sts)", "ROUND(%sd, 1)", "LEFT(%sb, 1)", "%sst + 0", "CAST(%sf AS DECIMAL(6,1))", "%sbt & 3", "-%sk", "CONCAT(%se, %sti)") \
                .replace("%%", "%%%%").replace("%s", "\0").replace("\0", p).replace("%%", "%")
            return e, e
        return e, LOOSE.get(c, "%s") % e if c in LOOSE else e

    def agg(self, p="", plain=False):
        c = self.r.choice(ALL)
        n = self.r.choice(("id", "k", "u", "d", "w", "f", "ti", "y", "bt"))
        q = self.r.choice(("id", "k", "d", "w", "ti", "y"))
        # A set's or time's sum is one of numbers.
        k = self.r.randrange(34)
        if k < 3 or (k == 23 and self.ties):
            return "COUNT(*)"
        if k < 5:
            return "COUNT(%s%s)" % (p, c)
        if k < 8:
            return "SUM(%s%s)" % (p, n)
        if k < 10:
            self.approx = self.approx or n in REAL
            return "AVG(%s%s)" % (p, n)
        if k < 15:
            f = self.pick("MIN", "MAX")
            # MariaDB gives digits or bytes, as it happens to run the statement.
            c = "k" if c == "bt" else c
            return (LOOSE[c] if c in LOOSE else "%s") % ("%s(%s%s)" % (f, p, c))
        if k < 17:
            return "COUNT(DISTINCT %s%s)" % (p, c)
        if k == 17:
            return "COUNT(DISTINCT %s%s, %s%s)" % (p, c, p, self.r.choice(ALL))
        if k == 18:
            return "SUM(DISTINCT %s%s)" % (p, q)
        if k == 19:
            return "AVG(DISTINCT %s%s)" % (p, q)
        if k < 22:
            return "%s(%s%s)" % (self.pick("BIT_AND", "BIT_OR", "BIT_XOR"), p, self.pick("k", "u", "id", "ti", "bt"))
        if k == 22:
            self.approx = True
            return "%s(%s%s)" % (self.pick("STD", "STDDEV_POP", "STDDEV_SAMP", "VARIANCE", "VAR_POP", "VAR_SAMP"), p, self.pick("id", "k", "ti", "f"))
        if k == 23:
            return "GROUP_CONCAT(%s%s%s ORDER BY %s%sid%s%s)" % (self.pick("", "", ""), p, self.pick("id", "k", "d", "b", "e", "st", "dt", "tm", "ts", "y", "w", "f"), self.pick("", p + "k DESC, ", p + "b, ", p + "d, ", p + "e, ", p + "tm DESC, "), p, self.pick("", " DESC"), self.pick("", " SEPARATOR ''", " SEPARATOR '; '"))
        if k == 24:
            g = p + self.pick("id", "k", "d", "b", "e", "dt", "y")
            return "GROUP_CONCAT(DISTINCT %s ORDER BY %s%s)" % (g, g, self.pick("", " DESC"))
        if k == 25:
            return "JSON_LENGTH(JSON_ARRAYAGG(%s%s))" % (p, self.pick("id", "k", "s"))
        if k == 26:
            return "%s(DISTINCT %s%s)" % (self.pick("MIN", "MAX"), p, self.pick("k", "d", "b", "e", "tm"))
        if plain:
            return "COUNT(*)"
        a, b = self.agg(p, True), self.agg(p, True)
        return self.pick("IFNULL(%s, -1)" % a, "%s IS NULL" % a, "SUM(%sk) + COUNT(*)" % p, "SUM(%sd) / COUNT(%sd)" % (p, p), "MAX(%sid) - MIN(%sid)" % (p, p), "CONCAT(COUNT(*), '/', %s)" % self.pick("MIN(%sk)" % p, "SUM(%sd)" % p, "MAX(%sdt)" % p, "MIN(%se)" % p, "MAX(%stm)" % p, "AVG(%sk)" % p, "MIN(%sb)" % p), "ROUND(SUM(%sd), 1)" % p, "COALESCE(%s, %s)" % (a, b),
                         "CASE WHEN COUNT(*) > 3 THEN %s ELSE NULL END" % a, "SUM(IF(%s, 1, 0))" % self.cond(p, 2), "COUNT(IF(%s, 1, NULL))" % self.cond(p, 2), "-SUM(%sk)" % p, "SUM(%sk * 2 + 1)" % p, "SUM(%sk) DIV 2" % p, "MAX(%sk) IN (3, 4, 7)" % p,
                         "MAX(%sdt) > '2024-01-01'" % p, "MIN(%sk) BETWEEN -1 AND 3" % p, "SUM(%sk) %% 5" % p, "CAST(SUM(%sd) AS CHAR)" % p, "LENGTH(MAX(%sb))" % p, "NOT COUNT(*)", "SUM(CASE WHEN %sti THEN %sd ELSE 0 END)" % (p, p), "ANY_VALUE(1)" if False else "COUNT(*) * 1.5",
                         "GREATEST(SUM(%sk), COUNT(*))" % p, "SUM(%sd) > 1 OR COUNT(*) < 4" % p, "DATE_ADD(MAX(%sdt), INTERVAL -1 MONTH)" % p, "YEAR(MIN(%sdt))" % p, "IF(SUM(%sk) > 3, MIN(%se), MAX(%se))" % (p, p, p), "NULLIF(COUNT(*), 2)", "SUM(NULL)", "COUNT(NULL)", "MIN(1)", "SUM(1)", "MAX('a')", "COUNT(1)")

    def limit(self, chance=0.5):
        if not self.chance(chance):
            return ""
        return self.pick(" LIMIT %d" % self.r.randrange(0, 12), " LIMIT %d OFFSET %d" % (self.r.randrange(0, 9), self.r.randrange(0, 12)), " LIMIT %d, %d" % (self.r.randrange(0, 30), self.r.randrange(0, 9)), " LIMIT 18446744073709551615 OFFSET %d" % self.r.randrange(0, 9),
                         " LIMIT 5 OFFSET 1000000")

    def order(self, p="", table_id=True):
        keys = []
        for _ in range(self.r.randrange(0, 4)):
            c = p + self.r.choice(ALL)
            keys.append(self.pick(c, c, c, "%s IS NULL" % c, "-%sk" % p, "%sk %% 3" % p, "LOWER(%ss)" % p, "LENGTH(%sb)" % p, "%se + 0" % p, "ABS(%sid - 10)" % p, "NULL" if self.chance(0.1) else c) + self.pick("", "", " DESC", " ASC"))
        return " ORDER BY " + ", ".join(keys + [p + "id" + self.pick("", " DESC")])

    # Statements
    def table(self):
        return self.r.choice(PART)

    def rows(self):
        t = self.table()
        items = ["id"] + [self.scalar() for _ in range(self.r.randrange(1, 6))]
        if self.chance(0.1):
            items = ["*"]
        self.r.shuffle(items)
        sql = "SELECT %s FROM %s%s" % (", ".join(items), t, self.where())
        if self.chance(0.8):
            sql += self.order() + self.limit()
        return sql

    def one_row(self):
        return "SELECT %s FROM %s%s%s" % (", ".join(self.agg() for _ in range(self.r.randrange(1, 6))), self.table(), self.where(), self.pick("", "", "", " HAVING COUNT(*) %s %d" % (self.pick("=", ">", "<"), self.r.randrange(0, 9)), " ORDER BY 1", " LIMIT %d" % self.r.randrange(2)))

    def grouped(self, tables=None, p="", where=None):
        tables = tables or self.table()
        keys, shown = [], []
        for _ in range(self.pick(1, 1, 1, 2, 2, 3)):
            k, s = self.key(p)
            if k in keys:
                continue
            keys.append(k)
            shown.append((s, k))
        items = [(s, "g%d" % i) for i, (s, k) in enumerate(shown)]
        aggs = [(self.agg(p), "a%d" % i) for i in range(self.r.randrange(1, 4))]
        # A key that is shown in another form is no key of the select list.
        exact = all(s == k for s, k in shown)
        if not exact:
            items = [("MIN(%s)" % s if s != k else s, a) for (s, k), (_, a) in zip(shown, items)]
        head = ["%s AS %s" % x for x in items + aggs]
        by = list(keys)
        if exact and self.chance(0.3):
            by = [a for _, a in items] if self.chance(0.5) else [str(i + 1) for i in range(len(items))]
        sql = "SELECT %s FROM %s%s GROUP BY %s" % (", ".join(head), tables, self.where(p) if where is None else where, ", ".join(by))
        if self.chance(0.35):
            sql += " HAVING " + self.pick("COUNT(*) > 2", "a0 IS NOT NULL", "a0 > 1", "SUM(%sk) > 2" % p, "MAX(%sid) > 20 AND MIN(%sid) < 10" % (p, p), "g0 IS NOT NULL", "COUNT(%sk) = COUNT(*)" % p, "AVG(%sd) > 0 OR COUNT(*) = 1" % p, "a0 = 1 OR g0 = 1" if exact else "a0 = 1",
                                          "MAX(%se) = 'a'" % p, "MIN(%sdt) < '2024-01-01'" % p, "NOT (COUNT(*) = 1)", "SUM(%sd) IN (0, 1.5, 12.345)" % p, "%s > 1" % self.agg(p), "MAX(%stm) > '01:00:00'" % p, "MIN(%sk) <=> NULL" % p)
        if self.chance(0.6):
            keyed = ["%s%s" % (k, self.pick("", " DESC")) for k in (keys if not exact or self.chance(0.5) else self.pick([a for _, a in items], [str(i + 1) for i in range(len(items))]))]
            self.r.shuffle(keyed)
            if self.chance(0.4):
                keyed.insert(0, self.pick("COUNT(*)", "SUM(%sk)" % p, "MAX(%sid)" % p, "MIN(%sd)" % p, "MAX(%se)" % p, "MIN(%stm)" % p, "a0" if "GROUP_CONCAT" not in aggs[0][0] and "STD" not in aggs[0][0] and "VAR" not in aggs[0][0] else "COUNT(*)", "AVG(%sk)" % p, "BIT_XOR(%sid)" % p, "COUNT(DISTINCT %sk)" % p) + self.pick("", " DESC"))
            sql += " ORDER BY " + ", ".join(keyed) + self.limit()
        return sql

    def distinct(self):
        cols = []
        for c in self.some(("k", "d", "w", "f", "b", "e", "st", "dt", "ts", "tm", "y", "vb", "ti", "u", "k % 3", "LOWER(s)", "LOWER(c)", "id DIV 9", "IFNULL(k, 0)", "d > 0", "e + 0", "CONCAT(e, ti)"), 1, 4):
            if c not in cols:
                cols.append(c)
        sql = "SELECT DISTINCT %s FROM %s%s" % (", ".join(cols), self.table(), self.where())
        if self.chance(0.6):
            # Only orders by all columns are told apart by LIMIT.
            keys = ["%d%s" % (i + 1, self.pick("", " DESC")) for i in range(len(cols))]
            self.r.shuffle(keys)
            sql += " ORDER BY " + ", ".join(keys) + self.limit()
        return sql

    def arm(self, names):
        t = self.pick(*(PART + COPY + ONE + ("p", "q")))
        k = self.r.randrange(10)
        if k == 0:
            return "SELECT %s" % ", ".join(self.pick("1", "NULL", "'x'", "2.5", "'10'") for _ in names)
        if k == 1:
            return "SELECT %s FROM %s%s" % (", ".join(self.pick("COUNT(*)", "SUM(k)", "MAX(d)", "MIN(e)", "MAX(dt)") for _ in names), t, self.where())
        if k == 2:
            return "SELECT DISTINCT %s FROM %s%s" % (", ".join(n if self.chance(0.7) else self.pick("k", "d", "e", "b", "y") for n in names), t, self.where())
        return "SELECT %s FROM %s%s" % (", ".join(n if self.chance(0.8) else self.pick("k", "d", "e", "b", "y", "1", "NULL", "dt") for n in names), t, self.where("", 0.8))

    def union(self):
        names = self.some(("id", "k", "d", "w", "b", "e", "st", "dt", "ts", "tm", "y", "u", "ti", "f"), 1, 3)
        arms = [self.arm(names) for _ in range(self.pick(2, 2, 2, 3, 4))]
        ops = [self.pick("UNION", "UNION ALL", "UNION ALL", "UNION DISTINCT") for _ in arms[1:]]
        if self.chance(0.08):
            ops = [self.pick("INTERSECT", "EXCEPT") for _ in ops]
        if self.chance(0.3):
            arms = ["(%s%s)" % (a, self.pick("", "", " ORDER BY id LIMIT %d" % self.r.randrange(0, 9)) if "DISTINCT" not in a and " FROM " in a and "COUNT" not in a and "SUM" not in a and "M" not in a.split(" FROM ")[0][6:].replace("FROM", "") else "") for a in arms]
        sql = arms[0] + "".join(" %s %s" % (o, a) for o, a in zip(ops, arms[1:]))
        if self.chance(0.6):
            sql += " ORDER BY " + ", ".join("%d%s" % (i + 1, self.pick("", " DESC")) for i in range(len(names))) + self.limit()
        return sql

    def join(self):
        """Two or three tables: tied by their keys, or with copies, on either side."""
        shape = self.r.randrange(8)
        on = self.pick("%sid = %sid", "%sid = %sid", "%sk = %sk", "%se = %se", "%sid = %sk", "%sk = %sid AND %sti = %sti", "%sd = %sd", "%sdt = %sdt", "%sb = %sb", "%sk < %sk", "%sk <=> %sk")
        both = lambda o, a, b: o.replace("%s", "\0").replace("\0", a, 1).replace("\0", b, 1).replace("\0", a, 1).replace("\0", b, 1)
        kind = self.pick("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "INNER JOIN", "STRAIGHT_JOIN" if self.chance(0.2) else "JOIN")
        if shape < 2:
            pair = self.pick(("p", "q"), ("q", "p"), ("p", "p"), ("n", "n"), ("m", "m"), ("v", "v"), ("p", "z"), ("r", "r"), ("h", "h"))
            tie = {"n": "a.k = b.k", "m": "a.k = b.k AND a.e = b.e", "v": "a.s = b.s"}.get(pair[0], "a.id = b.id")
            tables = "%s a %s %s b ON %s" % (pair[0], kind, pair[1], tie)
            if self.chance(0.4):
                tables += " AND " + self.cond(self.pick("a.", "b."), 2)
            if pair[0] in ("p", "q") and pair[1] in ("p", "q") and self.chance(0.2) and kind != "STRAIGHT_JOIN":
                tables = "%s a %s %s b USING (id)" % (pair[0], kind, pair[1])
        elif shape < 6:
            left, right = self.table(), self.pick("c1", "c2")
            if self.chance(0.5):
                left, right = right, left
            tables = "%s a %s %s b ON %s" % (left, kind, right, both(on, "a.", "b."))
            if self.chance(0.3):
                tables += " AND " + self.cond(self.pick("a.", "b."), 2)
            if self.chance(0.1):
                tables = "%s a, %s b" % (left, right)
        elif shape == 6:
            left, right = self.pick("x1", "c1", "x2"), self.pick("c1", "c2", "x2")
            tables = "%s a %s %s b ON %s" % (left, kind, right, both(on, "a.", "b."))
        else:
            tables = "%s a %s %s b ON a.id = b.id %s %s c3 ON %s" % (self.pick("p", "q", "c1"), kind, self.pick("p", "q", "c2"), self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), self.pick("c1", "c2", "q", "p"), both(on, self.pick("a.", "b."), "c3."))
        where = ""
        if self.chance(0.6):
            where = " WHERE " + self.pick(self.cond("a.", 1), self.cond("b.", 1), "%s AND %s" % (self.cond("a.", 2), self.cond("b.", 2)), "%s OR %s" % (self.cond("a.", 2), self.cond("b.", 2)), "b.id IS NULL", "a.id IS NULL", "b.k IS NULL AND %s" % self.cond("a.", 2), "COALESCE(a.k, b.k, 0) > 0", "NOT (%s)" % self.cond("b.", 2), "a.k = b.k",
                                          "a.id = %s" % self.value("id"), "b.id = %s" % self.value("id"))
        k = self.r.randrange(6)
        self.ties = True
        if k < 2:
            sql = "SELECT a.id, b.id AS bid, %s, %s FROM %s%s" % (self.scalar("a."), self.scalar("b."), tables, where)
            if "c3" in tables:
                sql = sql.replace("SELECT a.id,", "SELECT a.id, c3.id AS cid,", 1)
            elif self.chance(0.5):
                sql += " ORDER BY %sa.id%s, b.id%s" % (self.pick("", "a.k, ", "b.d DESC, ", "a.e, b.e DESC, "), self.pick("", " DESC"), self.pick("", " DESC")) + self.limit()
            return sql
        if k == 2:
            return "SELECT %s FROM %s%s" % (", ".join(self.agg(self.pick("a.", "b.")) for _ in range(3)), tables, where) if "c3" not in tables else "SELECT COUNT(*), SUM(a.k), COUNT(b.id), COUNT(c3.id) FROM %s%s" % (tables, where)
        if k < 5:
            return self.grouped(tables, self.pick("a.", "b."), where)
        return "SELECT DISTINCT a.k, b.e FROM %s%s" % (tables, where)

    def natural(self):
        a, b = self.pick(("p", "q"), ("p", "c1"), ("c2", "h"), ("r", "c2"), ("x1", "c1"), ("c1", "n"))
        u = self.pick("(id)", "(id)", "(id, k)", "(k)", "(e, ti)")
        kind = self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN")
        k = self.r.randrange(4)
        if k == 0:
            return "SELECT * FROM (SELECT id, k FROM %s) a NATURAL %s (SELECT id, e FROM %s) b" % (a, kind, b)
        if k == 1:
            return "SELECT * FROM %s %s %s USING %s%s" % (a, kind, b, u, " WHERE %s.id < 9" % self.pick(a, b))
        if k == 2:
            return "SELECT COUNT(*), COUNT(%s.id), COUNT(%s.id) FROM %s %s %s USING %s" % (a, b, a, kind, b, u)
        return "SELECT %s, COUNT(*), SUM(%s.d) FROM %s %s %s USING %s GROUP BY %s" % ((u[1:-1], self.pick(a, b), a, kind, b, u, u[1:-1]))

    def subquery(self):
        t = self.table()
        s = self.pick("c1", "c2", "c1", "x1", t, t, "q", "p")
        tie = {"n": "i.k = o.k", "m": "i.k = o.k AND i.e = o.e", "v": "i.s = o.s"}.get(s, "i.id = o.id")
        inner = self.pick(tie, tie, "i.k = o.k", "i.k = o.id", "i.e = o.e AND i.k > o.k") + (" AND " + self.cond("i.", 2) if self.chance(0.4) else "")
        if self.chance(0.2):
            t, s = self.pick("c1", "x1", "c2"), self.pick("p", "c1", "x1", "q")
        k = self.r.randrange(14)
        where = " WHERE " + self.cond("o.", 1)
        if k == 0:
            return "SELECT id, k FROM %s o WHERE %sEXISTS (SELECT 1 FROM %s i WHERE %s)" % (t, self.pick("", "NOT "), s, inner)
        if k == 1:
            c = self.pick("id", "k", "k", "e", "d")
            return "SELECT id, %s FROM %s o WHERE %s %sIN (SELECT %s FROM %s i%s)" % (c, t, c, self.pick("", "NOT "), c, s, self.where("i."))
        if k == 2:
            return "SELECT id, (SELECT %s FROM %s i WHERE %s) AS x FROM %s o%s" % (self.agg("i.", True), s, inner, t, where)
        if k == 3:
            return "SELECT COUNT(*), SUM(o.k), MIN(o.e) FROM %s o WHERE o.k %s (SELECT %s FROM %s i%s)" % (t, self.pick("=", "<", ">", ">=", "<>"), self.pick("MAX(k)", "MIN(k)", "COUNT(*)", "AVG(k)"), self.pick("c1", "c2", s), self.where("i."))
        if k == 4:
            return "SELECT x.k, COUNT(*), SUM(x.d) FROM (SELECT id, k, d, e FROM %s o%s) x%s GROUP BY x.k" % (t, self.where("o."), self.pick("", " WHERE x.k > 0", " WHERE x.id = %s" % self.value("id")))
        if k == 5:
            return "SELECT x.id, x.c FROM (SELECT id, COUNT(*) AS c, SUM(k) AS q FROM %s o%s GROUP BY id) x WHERE x.q > 0 OR x.id < 20" % (t, self.where("o."))
        if k == 6:
            return "WITH w AS (SELECT id, k, e, d FROM %s o%s) SELECT %s FROM w%s" % (t, self.where("o."), self.pick("COUNT(*), SUM(k)", "id, e", "MIN(d), MAX(e)"), self.pick("", " WHERE k > 1"))
        if k == 7:
            return "WITH w AS (SELECT k, COUNT(*) AS c FROM %s GROUP BY k) SELECT o.id, w.c FROM %s o %s w ON w.k = o.k" % (self.pick("c1", "c2"), t, self.pick("JOIN", "LEFT JOIN"))
        if k == 8:
            return "WITH RECURSIVE w (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM w WHERE n < 6) SELECT w.n, COUNT(o.id) FROM w %s %s o ON o.k = w.n GROUP BY w.n" % (self.pick("JOIN", "LEFT JOIN"), self.pick(t, "c1"))
        if k == 9:
            return "SELECT id FROM %s o WHERE (k, e) %sIN (SELECT k, e FROM %s i%s)" % (t, self.pick("", "NOT "), self.pick("c1", "m"), self.where("i."))
        if k == 10:
            return "SELECT id FROM %s o WHERE k %s %s (SELECT k FROM %s i%s)" % (t, self.pick("=", "<", ">", "<>"), self.pick("ANY", "ALL"), self.pick("c1", "c2", s), self.where("i."))
        if k == 11:
            return "SELECT o.id, x.c FROM %s o %s (SELECT k, COUNT(*) AS c FROM %s GROUP BY k) x ON x.k = o.k%s" % (t, self.pick("JOIN", "LEFT JOIN", "RIGHT JOIN"), self.pick("c1", "c2", "n"), where)
        if k == 12:
            return "SELECT x.k, x.c FROM (SELECT DISTINCT k, e, 1 AS c FROM %s) x" % self.pick("n", "m", "c1", t)
        return "SELECT (SELECT COUNT(*) FROM %s) AS a, (SELECT MAX(k) FROM %s) AS b" % (self.pick("c1", "x1", "p"), self.pick("c2", "x1", "c1"))

    def point(self):
        """Statements that meet one place, or few."""
        t = self.table()
        key = {"m": "k = %s AND e = %s" % (self.value("k", 0.05), self.value("e", 0.05)), "n": "k = %s" % self.value("k", 0.05), "v": "s = %s" % self.value("s", 0.05)}.get(t, "id = %s" % self.value("id"))
        return self.pick("SELECT %s FROM %s WHERE %s" % (", ".join(self.scalar() for _ in range(4)), t, key), "SELECT %s, %s FROM %s WHERE %s" % (self.agg(), self.agg(), t, key), "SELECT k, COUNT(*), SUM(d) FROM %s WHERE %s GROUP BY k WITH ROLLUP" % (t, key),
                         "SELECT id, k FROM %s WHERE %s OR %s ORDER BY id" % (t, key, self.cond("", 2)), "SELECT id, ROW_NUMBER() OVER (ORDER BY id) AS rn FROM %s WHERE %s" % (t, key))

    def statement(self):
        self.approx = self.ties = False
        sql = self.pick(self.rows, self.rows, self.one_row, self.one_row, self.grouped, self.grouped, self.grouped, self.distinct, self.union, self.union, self.join, self.join, self.join, self.natural, self.subquery, self.subquery, self.point)()
        return sql


COLUMNS_NAMES = ["id", "k", "u", "d", "w", "f", "s", "b", "c", "e", "st", "dt", "ts", "tm", "y", "bt", "vb", "tx", "ti"]


# Types that a temporary table changes: long texts, ENUM, SET, BIT and YEAR.
ONE_S_OWN = re.compile(r"UNION|GROUP_CONCAT|\btx\b|M(IN|AX)\((DISTINCT )?(\w+\.)?(e|st|y|bt)\)|\bbt\b")


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 150
    g = Gen(seed)
    print("# Made by gen-shapes.py %d" % seed)
    print("SET sql_mode = '%s';" % g.pick("", "", "STRICT_TRANS_TABLES", "ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES"))
    for name, (pk, place) in TABLES.items():
        columns = COLUMNS % (pk or "id")
        if not pk:
            columns = columns.replace(", PRIMARY KEY (id)", ", KEY (id)")
        print("CREATE TABLE %s (%s) /*T! %s */;" % (name, columns, place))
    for name in TABLES:
        g.fill(name)
    for _ in range(count):
        sql = g.statement()
        # MySQL's temporary tables warn of values that nobody sees; several places tell of other rows first.
        print("--skip warnings,error-text: of rows in some order\n--error any")
        # In the middle of an expression AVG of exact numbers has a few digits more as a DOUBLE.
        if g.approx or "COALESCE(AVG" in sql:
            print("--approx")
        if "FROM (" in sql or "WITH " in sql:
            print("--skip meta: the table behind a derived table's column")
        elif ONE_S_OWN.search(sql):
            print("--skip meta: by whether there was a temporary table")
        print(sql + ";")
    print("DROP TABLE %s;" % ", ".join(TABLES))


main()
