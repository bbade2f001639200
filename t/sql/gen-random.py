#!/usr/bin/python3
"""Writes a case file of random statements for the judge: gen-random.py SEED [STATEMENTS]. The same seed gives the same file."""
import random
import sys


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.next_id = 0

    def pick(self, *items):
        return self.r.choice(items)

    def chance(self, p):
        return self.r.random() < p

    # Columns: id, n (small ints, NULLs), m (ints), d (decimal), s (short text, mixed case), dt (date), f (multiples of 1/4), g (group)
    NUM = ("id", "n", "m", "g")

    def value(self, c):
        if self.chance(0.08) and c not in ("id", "g"):
            return "NULL"
        return {
            "id": lambda: str(self.r.randrange(-5, 90)),
            "n": lambda: str(self.r.randrange(-3, 6)),
            "m": lambda: str(self.pick(0, 1, 7, 1000, -1000, 2147483647, -2147483648, self.r.randrange(-10**6, 10**6))),
            "g": lambda: str(self.r.randrange(4)),
            "d": lambda: "%.2f" % self.pick(0, 0.5, -0.5, 99.99, -12.34, self.r.uniform(-500, 500)),
            # No two that a collation takes for equal: which of them stands for both is nobody's promise.
            "s": lambda: "'%s'" % self.pick("", "a", "b", "Bb", "ab", "ABC", "é", "zz", "x y", "10", "9", "ß"),
            "dt": lambda: "'2024-%02d-%02d'" % (self.r.randrange(1, 4), self.r.randrange(1, 6)),
            "f": lambda: str(self.r.randrange(-40, 40) / 4),
        }[c]()

    def row(self, id_):
        return "(%d, %s)" % (id_, ", ".join(self.value(c) for c in ("g", "n", "m", "d", "s", "dt", "f")))

    def cond(self, depth=0, p=""):
        k = self.r.randrange(14 if depth < 2 else 9)
        c = self.pick("id", "n", "m", "g", "d", "s", "dt", "f")
        col = p + c
        if k < 3:
            value = self.value(c)
            if c == "s" and value != "NULL" and self.chance(0.5):
                value = self.pick("'A'", "'a '", "'bB'", "'E'", "'AB'", "'X Y'")
            return "%s %s %s" % (col, self.pick("=", "=", "<", ">", "<=", ">=", "<>", "<=>"), value)
        if k == 3:
            return "%s %sIN (%s)" % (col, self.pick("", "", "NOT "), ", ".join(self.value(c) for _ in range(self.r.randrange(1, 5))))
        if k == 4:
            return "%s %sBETWEEN %s AND %s" % (col, self.pick("", "", "NOT "), self.value(c), self.value(c))
        if k == 5:
            return "%s IS %sNULL" % (col, self.pick("", "NOT "))
        if k == 6:
            return "%sid = %s" % (p, self.value("id"))
        if k == 7:
            return "%ss LIKE %s" % (p, self.pick("'a%'", "'%b%'", "'_'", "'A_'", "''"))
        if k == 8:
            return "%s %s %s" % (self.num(1, p), self.pick("<", ">", "="), self.num(1, p))
        if k in (9, 10):
            return "(%s AND %s)" % (self.cond(depth + 1, p), self.cond(depth + 1, p))
        if k in (11, 12):
            return "(%s OR %s)" % (self.cond(depth + 1, p), self.cond(depth + 1, p))
        return "NOT (%s)" % self.cond(depth + 1, p)

    def num(self, depth=0, p=""):
        k = self.r.randrange(9 if depth < 2 else 3)
        if k < 2:
            return p + self.pick("id", "n", "g", "d", "f")
        if k == 2:
            return str(self.pick(0, 1, 2, -1, 10, 2.5))
        if k < 6:
            return "(%s %s %s)" % (self.num(depth + 1, p), self.pick("+", "-", "*"), self.num(depth + 1, p))
        if k == 6:
            return "ABS(%s)" % self.num(depth + 1, p)
        if k == 7:
            return "IF(%s, %s, %s)" % (self.cond(2, p), self.num(depth + 1, p), self.num(depth + 1, p))
        return "COALESCE(%s, %s)" % (self.num(depth + 1, p), self.num(depth + 1, p))

    def scalar(self):
        return self.pick("s", "dt", "d", "m", "UPPER(s)", "LENGTH(s)", "CONCAT(s, '-', g)", "YEAR(dt)", "MONTH(dt)", "s", self.num(), self.num(),
                         "CASE WHEN %s THEN 1 WHEN %s THEN 2 ELSE 3 END" % (self.cond(2), self.cond(2)), "dt", "n IS NULL", "n > 2")

    def agg(self):
        return self.pick("COUNT(*)", "COUNT(n)", "SUM(n)", "SUM(d)", "AVG(n)", "AVG(d)", "MIN(s)", "MAX(s)", "MIN(dt)", "MAX(d)", "MIN(f)", "MAX(m)",
                         "SUM(f)", "COUNT(DISTINCT n)", "COUNT(DISTINCT s)", "SUM(DISTINCT g)", "SUM(n) + COUNT(*)", "SUM(IF(n > 1, 1, 0))", "MAX(id) - MIN(id)",
                         "AVG(n) * 2", "SUM(m)", "BIT_OR(g)")

    def where(self):
        return " WHERE " + self.cond() if self.chance(0.7) else ""

    def limit(self):
        return self.pick("", "", " LIMIT %d" % self.r.randrange(0, 9), " LIMIT %d OFFSET %d" % (self.r.randrange(1, 9), self.r.randrange(0, 9)))

    def select(self):
        t = self.pick("t", "t", "h")
        k = self.r.randrange(10)
        if k < 4:
            items = ["id"] + [self.scalar() for _ in range(self.r.randrange(1, 4))]
            sql = "SELECT %s FROM %s%s" % (", ".join(items), t, self.where())
            if self.chance(0.7):
                sql += " ORDER BY %s%sid%s" % (self.pick("", "n, ", "s, ", "d DESC, ", "dt, ", "f, ", self.num(1) + ", ", "g DESC, n, "), "", self.pick("", " DESC"))
                sql += self.limit()
            return sql
        if k == 4:
            return "SELECT %s FROM %s%s" % (", ".join(self.agg() for _ in range(self.r.randrange(1, 4))), t, self.where())
        if k < 8:
            key = self.pick("g", "n", "g, n", "s", "dt", "g + 1", "MONTH(dt)", "n IS NULL")
            sql = "SELECT %s, %s FROM %s%s GROUP BY %s" % (key, ", ".join("%s AS a%d" % (self.agg(), i) for i in range(self.r.randrange(1, 4))), t, self.where(), key)
            if key == "s":
                sql = sql.replace("SELECT s,", "SELECT LOWER(MIN(s)) AS ls,")
            if self.chance(0.3):
                sql += " HAVING %s" % self.pick("COUNT(*) > 3", "a0 IS NOT NULL", "SUM(n) > 2")
            if self.chance(0.6) and key != "s":
                sql += " ORDER BY " + key + self.limit()
            return sql
        if k == 8:
            cols = self.pick("g", "n", "g, n", "dt", "LOWER(s)", "n % 2")
            return "SELECT DISTINCT %s FROM %s%s%s" % (cols, t, self.where(), " ORDER BY " + cols + self.limit() if self.chance(0.5) and "LOWER" not in cols else "")
        return "SELECT id, n FROM t%s UNION %sSELECT id, n FROM h%s ORDER BY id, n%s" % (self.where(), self.pick("", "ALL "), self.where(), self.limit())

    def dml(self):
        t = self.pick("t", "h")
        k = self.r.randrange(8)
        if k == 0:
            return "DELETE FROM %s WHERE %s" % (t, self.pick("id = %s" % self.value("id"), "id IN (%s, %s)" % (self.value("id"), self.value("id"))))
        if k < 4:
            what = self.pick("n = n + 1", "n = NULL", "d = d * 2", "s = CONCAT(s, 'q')", "n = %s, d = %s" % (self.value("n"), self.value("d")), "dt = dt + INTERVAL 1 DAY")
            if "CONCAT" in what or "* 2" in what:
                return "UPDATE %s SET %s WHERE id = %s" % (t, what, self.value("id"))
            return "UPDATE %s SET %s WHERE %s" % (t, what, self.pick("id = %s" % self.value("id"), "n = %s" % self.value("n"), "g = %s" % self.value("g"), "id < 3 OR id > 80"))
        self.next_id += 1
        rows = ", ".join(self.row(self.r.randrange(-5, 120)) for _ in range(self.r.randrange(1, 4)))
        verb = self.pick("INSERT IGNORE INTO", "REPLACE INTO", "INSERT INTO")
        tail = " ON DUPLICATE KEY UPDATE n = 5" if verb == "INSERT INTO" else ""
        return "%s %s VALUES %s%s" % (verb, t, rows, tail)


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250
    g = Gen(seed)
    cols = ("id INT NOT NULL, g INT NOT NULL, n INT, m BIGINT, d DECIMAL(12,2), s VARCHAR(40), dt DATE, f DOUBLE, PRIMARY KEY (id), KEY (n), KEY (s)")
    print("# Made by gen-random.py %d" % seed)
    print("CREATE TABLE t (%s) PARTITION BY KEY (id) PARTITIONS 4;" % cols)
    print("CREATE TABLE h (%s) PARTITION BY HASH (id) PARTITIONS 6;" % cols)
    for t in "th":
        print("INSERT INTO %s VALUES %s;" % (t, ", ".join(g.row(i) for i in range(80) if g.chance(0.9))))
    for _ in range(count):
        if g.chance(0.2):
            # Which rows of an IGNORE are reported first depends on the shard's order.
            print("--skip warnings,info: order of shards\n--error any")
            print(g.dml() + ";")
        else:
            # MySQL's temporary tables warn of zero dates that nobody sees.
            print("--approx\n--error any\n--skip warnings: of temporary tables")
            print("--tolerate 1235")
            print(g.select() + ";")
    for t in "th":
        print("SELECT * FROM %s ORDER BY id;" % t)
    print("DROP TABLE t, h;")


main()
