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

    def join(self):
        """t with w, which is partitioned alike and has no row for each of t's; by the key, so that it is local."""
        on = self.pick("a.id = b.id", "a.id = b.id", "b.id = a.id AND %s" % self.cond(2, "b."), "a.id = b.id AND %s" % self.cond(2, "a."), "a.id <=> b.id AND a.id = b.id")
        kind = self.pick("JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "INNER JOIN")
        tables = "t a %s w b ON %s" % (kind, on)
        where = ""
        if self.chance(0.7):
            where = " WHERE " + self.pick(self.cond(1, "a."), self.cond(1, "b."), "%s AND %s" % (self.cond(2, "a."), self.cond(2, "b.")), "%s OR %s" % (self.cond(2, "a."), self.cond(2, "b.")), "b.id IS NULL",
                                          "b.n IS NULL AND %s" % self.cond(2, "a."), "a.id IS NULL OR b.n > 1", "COALESCE(a.n, b.n, 0) > 0", "NOT (%s)" % self.cond(2, "b."))
        k = self.r.randrange(5)
        if k < 2:
            return "SELECT a.id, b.id, a.n, b.s, %s FROM %s%s" % (self.num(1, self.pick("a.", "b.")), tables, where)
        if k == 2:
            return "SELECT COUNT(*), COUNT(a.n), COUNT(b.n), SUM(a.d), SUM(b.d), MIN(b.s), MAX(a.dt), COUNT(DISTINCT b.g) FROM %s%s" % (tables, where)
        if k == 3:
            key = self.pick("a.g", "b.g", "a.n", "b.dt", "a.id", "b.id")
            return "SELECT %s, COUNT(*), SUM(b.n), AVG(a.n), COUNT(b.id) FROM %s%s GROUP BY %s" % (key, tables, where, key)
        return "SELECT DISTINCT a.g, b.g FROM %s%s" % (tables, where)

    def subquery(self):
        inner = "w.id = t.id%s" % (" AND " + self.cond(2, "w.") if self.chance(0.5) else "")
        k = self.r.randrange(7)
        if k == 0:
            return "SELECT id, n FROM t WHERE %sEXISTS (SELECT 1 FROM w WHERE %s)" % (self.pick("", "NOT "), inner)
        if k == 1:
            return "SELECT id, n FROM t WHERE id IN (SELECT id FROM w WHERE %s)" % self.cond(1, "w.")
        if k == 2:
            return "SELECT id, n FROM t WHERE id NOT IN (SELECT id FROM w WHERE %s)" % self.cond(1, "w.")
        if k == 3:
            return "SELECT id, (SELECT %s FROM w WHERE %s) AS x FROM t%s" % (self.pick("MAX(w.n)", "COUNT(*)", "SUM(w.d)", "MIN(w.s)"), inner, self.where())
        if k == 4:
            return "SELECT x.g, COUNT(*), SUM(x.n) FROM (SELECT id, g, n FROM t%s) x WHERE %s GROUP BY x.g" % (self.where(), self.pick("x.id = %s" % self.value("id"), "x.n > 0", "x.g IN (1, 2)"))
        if k == 5:
            return "SELECT x.id, x.c FROM (SELECT id, COUNT(*) AS c, SUM(n) AS q FROM t%s GROUP BY id) x WHERE x.q > 0 OR x.id < 20" % self.where()
        return "SELECT id, n FROM t WHERE n > (SELECT COUNT(*) FROM w WHERE %s) ORDER BY id" % inner

    def more(self):
        """Shapes that merge in other ways."""
        t = self.pick("t", "h", "w")
        k = self.r.randrange(12)
        if k == 0:
            return "SELECT GROUP_CONCAT(%s ORDER BY %s id SEPARATOR '%s') FROM %s%s" % (self.pick("id", "n", "s", "DISTINCT id"), self.pick("", "n,", "g DESC,") if k else "", self.pick(",", "", "; "), t, self.where())
        if k == 1:
            return "SELECT g, GROUP_CONCAT(id ORDER BY id DESC), STD(n), VAR_SAMP(d), BIT_AND(g), BIT_XOR(id) FROM %s%s GROUP BY g ORDER BY g" % (t, self.where())
        if k == 2:
            return "SELECT %s AS x, COUNT(*) AS c FROM %s%s GROUP BY x HAVING %s ORDER BY x" % (self.pick("n % 3", "g * 2", "id DIV 10", "d > 0", "DATE_FORMAT(dt, '%m')", "IF(n > 1, 'a', 'b')", "COALESCE(n, -1)"), t, self.where(),
                                                                                               self.pick("c > 2", "x IS NOT NULL", "SUM(n) > 3 OR c = 1", "MAX(id) > 50", "AVG(n) > 1", "COUNT(DISTINCT g) > 1"))
        if k == 3:
            return "SELECT COUNT(*) + SUM(n) * 2, MAX(id) %% 7, IFNULL(MIN(n), -1), CASE WHEN COUNT(*) > 10 THEN 'many' ELSE 'few' END, ROUND(AVG(d), 1), ABS(SUM(d)) FROM %s%s" % (t, self.where())
        if k == 4:
            return "SELECT id, n FROM %s%s ORDER BY %s LIMIT %d" % (t, self.where(), self.pick("n IS NULL, n DESC, id", "ABS(n), id", "g, d, id", "LENGTH(s), id DESC", "-id", "n + g, id", "dt DESC, id DESC", "s DESC, id"), self.r.randrange(0, 12))
        if k == 5:
            return "SELECT n AS id, id AS n FROM %s%s ORDER BY n" % (t, self.where())
        if k == 6:
            return "(SELECT id, g FROM t%s ORDER BY id LIMIT %d) UNION %s(SELECT id, g FROM h%s ORDER BY id DESC LIMIT %d) ORDER BY id, g" % (self.where(), self.r.randrange(1, 6), self.pick("", "ALL "), self.where(), self.r.randrange(1, 6))
        if k == 7:
            return "SELECT %s FROM t%s UNION %s SELECT %s FROM h%s ORDER BY 1" % (self.pick("n", "d", "f", "g + 0.5"), self.where(), self.pick("", "ALL"), self.pick("n", "d", "id", "2.25"), self.where())
        if k == 8:
            return "SELECT COUNT(*), SUM(n) FROM %s WHERE %s AND 1 = %d" % (t, self.cond(1), self.r.randrange(2))
        if k == 9:
            return "SELECT g, n, COUNT(*), SUM(d) FROM %s%s GROUP BY g, n ORDER BY g DESC, n LIMIT %d OFFSET %d" % (t, self.where(), self.r.randrange(1, 6), self.r.randrange(0, 4))
        if k == 10:
            return "SELECT DISTINCT %s FROM %s%s ORDER BY 1 LIMIT %d" % (self.pick("n", "g + n", "dt", "d > 0", "n % 2"), t, self.where(), self.r.randrange(1, 6))
        return "SELECT SUM(n) AS total FROM %s%s HAVING total %s %d" % (t, self.where(), self.pick(">", "<", "="), self.r.randrange(0, 40))

    def dml(self):
        t = self.pick("t", "h", "w")
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
    print("CREATE TABLE w (%s) PARTITION BY KEY (id) PARTITIONS 4;" % cols)
    for t in "thw":
        print("INSERT INTO %s VALUES %s;" % (t, ", ".join(g.row(i) for i in range(80) if g.chance(0.9))))
    for _ in range(count):
        if g.chance(0.2):
            # Which rows of an IGNORE are reported first depends on the shard's order.
            print("--skip warnings,info: order of shards\n--error any")
            print(g.dml() + ";")
        else:
            # MySQL's temporary tables warn of zero dates that nobody sees.
            print("--approx\n--error any\n--skip warnings: of temporary tables")
            sql = g.pick(g.select, g.select, g.join, g.subquery, g.more)()
            if "FROM (" in sql:
                print("--skip meta: the table behind a derived table's column")
            print(sql + ";")
    for t in "thw":
        print("SELECT * FROM %s ORDER BY id;" % t)
    print("DROP TABLE t, h, w;")


main()
