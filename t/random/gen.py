#!/usr/bin/python3
"""Random schemas, rows and queries as a case file for t/sql's judge: gen.py SEED [QUERIES]. Tables of several layouts, columns of many
types, queries nested as deep as anybody writes them: joins of all kinds, subqueries anywhere, derived tables, CTEs, windows,
groups, set operations. What a query answers must not depend on the order in which rows are met: LIMIT, windows and GROUP_CONCAT
stand behind orders that settle everything."""
import random
import sys

TYPES = {"int": ["INT", "BIGINT", "SMALLINT UNSIGNED"], "dec": ["DECIMAL(10,2)", "DECIMAL(18,6)"], "str": ["VARCHAR(20)", "CHAR(12)",
         "VARCHAR(20) COLLATE utf8mb4_bin", "TEXT"], "date": ["DATE"], "dt": ["DATETIME", "DATETIME(3)"], "dbl": ["DOUBLE"]}
LAYOUTS = ["PARTITION BY KEY (id) PARTITIONS 4", "PARTITION BY KEY (id) PARTITIONS 4", "PARTITION BY HASH (id) PARTITIONS 6", "PARTITION BY KEY (j) PARTITIONS 4",
           "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (25), PARTITION p2 VALUES LESS THAN MAXVALUE)", "BROADCAST", "SINGLE"]
WORDS = ["", "a", "A", "b", "ab", "ä", "z%", "x_y", "10", "3.5", "2024-01-31", "é", "long word"]
CMP = ["=", "=", "<", "<=", ">", ">=", "<>", "<=>"]


class Table:
    def __init__(self, name, cols, layout):
        self.name, self.cols, self.layout = name, cols, layout     # cols: name -> kind


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.tables, self.n_alias = [], 0

    def chance(self, p):
        return self.r.random() < p

    def pick(self, *a):
        return self.r.choice(a)

    # ---- schema and rows ----

    def literal(self, kind, null=0.15):
        if self.chance(null):
            return "NULL"
        r = self.r
        if kind == "int":
            return str(self.pick(0, 1, 2, 3, 5, 7, r.randrange(40), r.randrange(40), r.randrange(30000)))
        if kind == "dec":
            return "%d.%02d" % (r.randrange(-50, 200), r.randrange(100))
        if kind == "dbl":
            return self.pick("0.5", "1.25", "-3.75", "1e3", "0", "%d.5" % r.randrange(40))
        if kind == "str":
            return "'%s'" % self.pick(*WORDS)
        if kind == "date":
            return "'%s'" % self.pick("2024-01-31", "2024-02-29", "1999-12-31", "2024-%02d-%02d" % (r.randrange(1, 13), r.randrange(1, 29)))
        return "'%s'" % self.pick("2024-01-31 10:20:30", "2024-02-29 00:00:00", "1999-12-31 23:59:59", "2024-05-%02d %02d:00:00" % (r.randrange(1, 29), r.randrange(24)))

    def schema(self):
        for i in range(self.r.randrange(3, 6)):
            cols = {"id": "int", "j": "int"}
            decl = ["id INT NOT NULL", "j INT NOT NULL"]
            for k in range(self.r.randrange(2, 6)):
                kind = self.pick(*TYPES)
                name = "%s%d" % (self.pick("c", "v", "n"), k)
                cols[name] = kind
                decl.append("%s %s%s" % (name, self.pick(*TYPES[kind]), self.pick("", "", " NOT NULL") if kind == "int" else ""))
            layout = self.pick(*LAYOUTS)
            keys = ["PRIMARY KEY (%s)" % ("id, j" if "(j)" in layout else "id")]
            for c in list(cols)[1:]:
                if cols[c] in ("int", "date") and self.chance(0.4):
                    keys.append("KEY k_%s (%s)" % (c, c))
            t = Table("t%d" % i, cols, layout)
            self.tables.append(t)
            not_null = [d.split()[0] for d in decl if "NOT NULL" in d]
            print("CREATE TABLE %s (%s) /*T! %s */;" % (t.name, ", ".join(decl + keys), layout))
            rows = []
            for n in range(self.pick(0, 8, 20, 40, 40)):
                vals = [str(n), str(self.r.randrange(12))]
                vals += [self.literal(cols[c], 0 if c in not_null else 0.15) for c in list(cols)[2:]]
                rows.append("(%s)" % ", ".join(vals))
            if rows:
                print("INSERT INTO %s VALUES %s;" % (t.name, ", ".join(rows)))

    # ---- expressions over a scope: list of (alias, {column: kind}) ----

    def column(self, scope, kind=None):
        all_ = [(a, c) for a, cols in scope for c, k in cols.items() if kind is None or k == kind]
        return "%s.%s" % self.r.choice(all_) if all_ else None

    def kind_of(self, scope, ref):
        a, c = ref.split(".")
        return next(cols[c] for x, cols in scope if x == a)

    def value(self, scope, kind, depth=0):
        c = self.column(scope, kind)
        if depth > 2 or self.chance(0.5):
            return c or self.literal(kind, 0.05)
        v = lambda k: self.value(scope, k, depth + 1)      # noqa: E731
        if kind == "int":
            return self.pick(lambda: "(%s + %s)" % (v("int"), v("int")), lambda: "(%s * 2)" % v("int"), lambda: "COALESCE(%s, %s)" % (v("int"), v("int")),
                             lambda: "LENGTH(%s)" % v("str"), lambda: "IF(%s, %s, %s)" % (self.cond(scope, depth + 1), v("int"), v("int")), lambda: "YEAR(%s)" % v("date"),
                             lambda: "ABS(%s)" % v("int"), lambda: "MOD(%s, 7)" % v("int"), lambda: "CASE WHEN %s THEN %s END" % (self.cond(scope, depth + 1), v("int")))()
        if kind == "dec":
            return self.pick(lambda: "(%s + %s)" % (v("dec"), v("int")), lambda: "ROUND(%s, 1)" % v("dec"), lambda: "NULLIF(%s, %s)" % (v("dec"), v("dec")))()
        if kind == "dbl":
            return self.pick(lambda: "(%s * 2)" % v("dbl"), lambda: "GREATEST(%s, %s)" % (v("dbl"), v("dbl")))()
        if kind == "str":
            return self.pick(lambda: "CONCAT(%s, '-', %s)" % (v("str"), v("str")), lambda: "UPPER(%s)" % v("str"), lambda: "LEFT(%s, 2)" % v("str"),
                             lambda: "COALESCE(%s, 'none')" % v("str"), lambda: "REPLACE(%s, 'a', 'x')" % v("str"))()
        if kind == "date":
            return self.pick(lambda: "DATE(%s)" % v("dt"), lambda: "(%s + INTERVAL 1 MONTH)" % (self.column(scope, "date") or "DATE'2024-01-31'"))()
        return c or self.literal(kind, 0.05)

    def cond(self, scope, depth=0, sub=True):
        r = self.r.random()
        if depth < 3 and r < 0.2:
            return "(%s %s %s)" % (self.cond(scope, depth + 1, sub), self.pick("AND", "OR", "AND"), self.cond(scope, depth + 1, sub))
        if depth < 3 and r < 0.26:
            return "NOT (%s)" % self.cond(scope, depth + 1, sub)
        if sub and depth < 2 and r < 0.42:
            return self.subcond(scope, depth)
        kind = self.pick("int", "int", "int", "str", "dec", "date")
        a = self.value(scope, kind, 1)
        return self.pick(lambda: "%s %s %s" % (a, self.pick(*CMP), self.value(scope, kind, 1)), lambda: "%s IS %sNULL" % (a, self.pick("", "NOT ")),
                         lambda: "%s %sBETWEEN %s AND %s" % (a, self.pick("", "NOT "), self.value(scope, kind, 2), self.value(scope, kind, 2)),
                         lambda: "%s %sIN (%s)" % (a, self.pick("", "NOT "), ", ".join(self.literal(kind, 0.1) for _ in range(3))),
                         lambda: "%s LIKE '%s'" % (self.value(scope, "str", 1), self.pick("a%", "%b", "_", "%", "x\\\\_y", "A%")))()

    def subcond(self, scope, depth):
        kind = self.pick("int", "int", "str", "date")
        a = self.value(scope, kind, 2)
        q = self.pick("in", "in", "exists", "exists", "quant", "scalar", "row")
        neg = self.pick("", "", "NOT ")
        if q == "in":
            return "%s %sIN (%s)" % (a, neg, self.subquery(scope, depth, kind))
        if q == "exists":
            return "%sEXISTS (%s)" % (neg, self.subquery(scope, depth, None))
        if q == "quant":
            return "%s %s %s (%s)" % (a, self.pick("=", "<", ">", "<>", ">="), self.pick("ANY", "ALL"), self.subquery(scope, depth, kind))
        if q == "row":
            return "(%s, %s) %sIN (%s)" % (self.value(scope, "int", 2), self.value(scope, "int", 2), neg, self.subquery(scope, depth, "int", 2))
        return "%s %s (%s)" % (self.value(scope, "int", 2), self.pick(*CMP), self.scalar(scope, depth))

    # ---- queries ----

    def alias(self):
        self.n_alias += 1
        return "q%d" % self.n_alias

    def source(self, depth):
        """(text, alias, columns)"""
        a = self.alias()
        if depth < 2 and self.chance(0.12):
            text, cols = self.derived(depth + 1)
            return "(%s) AS %s" % (text, a), a, cols
        t = self.pick(*self.tables)
        return "%s%s%s" % (t.name, self.pick(" ", " AS "), a), a, t.cols

    def link(self, left, a, cols):
        kind = self.pick("int", "int", "int", "str", "date")
        x, y = self.column(left, kind), self.column([(a, cols)], kind)
        on = "%s = %s" % (x, y) if x and y else self.cond(left + [(a, cols)], 2, False)
        if self.chance(0.25):
            on += " AND " + self.cond(left + [(a, cols)], 2, self.chance(0.2))
        return on

    def joined(self, depth, most=4):
        text, a, cols = self.source(depth)
        scope = [(a, cols)]
        for _ in range(self.pick(0, 1, 1, 1, 2, 2, 3) if most > 1 else 0):
            if len(scope) >= most:
                break
            t, a, cols = self.source(depth)
            how = self.pick("JOIN", "JOIN", "LEFT JOIN", "LEFT JOIN", "RIGHT JOIN", "CROSS JOIN", "USING")
            if how == "USING":
                text = "%s %s %s ON %s.id = %s.id" % (text, self.pick("JOIN", "LEFT JOIN"), t, scope[0][0], a) if "id" in cols and "id" in scope[0][1] else "%s JOIN %s ON %s" % (text, t, self.link(scope, a, cols))
            elif how == "CROSS JOIN":
                text = "%s CROSS JOIN %s" % (text, t) if len(scope) == 1 else "%s JOIN %s ON %s" % (text, t, self.link(scope, a, cols))
            else:
                text = "%s %s %s ON %s" % (text, how, t, self.link(scope, a, cols))
            scope.append((a, cols))
        return text, scope

    def where(self, scope, depth, p=0.6):
        return " WHERE " + self.cond(scope, depth) if self.chance(p) else ""

    def subquery(self, outer, depth, kind, n=1):
        text, scope = self.joined(depth + 1, 2)
        both = scope + (outer if self.chance(0.5) else [])
        items = "1" if kind is None else ", ".join(self.value(scope, kind, 2) for _ in range(n))
        w = self.where(both, depth + 1, 0.8)
        if self.chance(0.4) and outer:
            k = self.pick("int", "str")
            x, y = self.column(scope, k), self.column(outer, k)
            if x and y:
                w = (w + " AND " if w else " WHERE ") + "%s = %s" % (x, y)
        if kind and n == 1 and self.chance(0.15):
            return "SELECT %s(%s) FROM %s%s" % (self.pick("MIN", "MAX"), self.value(scope, kind, 2), text, w)
        return "SELECT %s FROM %s%s" % (items, text, w)

    def scalar(self, outer, depth):
        text, scope = self.joined(depth + 1, 2)
        f = self.pick("COUNT(*)", "MAX(%s)", "MIN(%s)", "SUM(%s)", "COUNT(DISTINCT %s)")
        x = self.value(scope, "int", 2)
        return "SELECT %s FROM %s%s" % (f % x if "%" in f else f, text, self.where(scope + (outer if self.chance(0.6) else []), depth + 1, 0.8))

    def agg(self, scope):
        f = self.pick("COUNT(*)", "COUNT(%s)", "SUM(%s)", "MIN(%s)", "MAX(%s)", "COUNT(DISTINCT %s)", "AVG(%s)", "SUM(DISTINCT %s)")
        if f == "COUNT(*)":
            return f
        kind = self.pick("int", "dec") if f[:3] in ("SUM", "AVG") else self.pick("int", "dec", "date") if f[:3] in ("MIN", "MAX") else self.pick("int", "dec", "str", "date")
        return f % self.value(scope, kind, 1)

    def derived(self, depth):
        """(text, columns) with plain names"""
        text, scope = self.joined(depth, 2)
        if self.chance(0.5):
            g = self.column(scope, "int")
            if g:
                return "SELECT %s AS g, COUNT(*) AS n, MAX(%s) AS m FROM %s%s GROUP BY %s" % (g, self.value(scope, "int", 2), text, self.where(scope, depth, 0.4), g), \
                    {"g": "int", "n": "int", "m": "int"}
        return "SELECT %s AS x, %s AS y FROM %s%s" % (self.value(scope, "int", 1), self.value(scope, "str", 1), text, self.where(scope, depth)), {"x": "int", "y": "str"}

    def plain(self):
        text, scope = self.joined(0)
        distinct = self.pick("", "", "", "DISTINCT ")
        # Which of several equal strings stays is anybody's choice.
        kinds = [self.pick("int", "dec", "date", "dbl") if distinct else self.pick(*TYPES) for _ in range(self.r.randrange(1, 5))]
        items = [self.value(scope, k) for k in kinds]
        if self.chance(0.2):
            kinds.append("int")
            items.append("(%s)" % self.scalar(scope, 0))
        names = ", ".join("%s AS r%d" % (x, i) for i, x in enumerate(items))
        sql = "SELECT %s%s FROM %s%s" % (distinct, names, text, self.where(scope, 0))
        if self.chance(0.4):
            # Equal strings are not the same ones.
            sql += " ORDER BY " + ", ".join(("CAST(%s AS BINARY)%s" % (items[i], self.pick("", " DESC")) if k == "str" else "r%d%s" % (i, self.pick("", " DESC")))
                                            for i, k in enumerate(kinds))
            if self.chance(0.5):
                return sql + " LIMIT %d" % self.r.randrange(1, 12), True
        return sql, False

    def grouped(self):
        text, scope = self.joined(0)
        keys = sorted({self.column(scope) for _ in range(self.r.randrange(1, 3))})
        aggs = [self.agg(scope) for _ in range(self.r.randrange(1, 4))]
        items = ["%s AS g%d" % (k, i) for i, k in enumerate(keys)] + ["%s AS a%d" % (a, i) for i, a in enumerate(aggs)]
        sql = "SELECT %s FROM %s%s GROUP BY %s" % (", ".join(items), text, self.where(scope, 0), ", ".join(keys))
        # Which spelling of equal strings a group shows is anybody's choice.
        if any(self.kind_of(scope, k) == "str" for k in keys):
            return "SELECT COUNT(*) FROM (%s) AS d" % sql, False
        if self.chance(0.3):
            sql += " HAVING %s %s %d" % (self.pick("COUNT(*)", "a0"), self.pick(">", "<=", "<>"), self.r.randrange(4)) if not aggs[0].startswith(("MIN", "MAX")) else " HAVING COUNT(*) > 1"
        return sql, False

    def windowed(self):
        t = self.pick(*self.tables)
        a = self.alias()
        scope = [(a, t.cols)]
        part = self.column(scope, "int")
        w = "(%sORDER BY %s.id, %s.j)" % (self.pick("", "PARTITION BY %s " % part), a, a)
        f = self.pick("ROW_NUMBER()", "RANK()", "SUM(%s)" % self.value(scope, "int", 2), "LAG(%s.j)" % a, "LEAD(%s.id, 2)" % a, "COUNT(*)", "FIRST_VALUE(%s.id)" % a, "NTILE(3)")
        return "SELECT %s.id, %s.j, %s OVER %s AS w FROM %s %s%s" % (a, a, f, w, t.name, a, self.where(scope, 0, 0.3)), False

    def rollup(self):
        t = self.pick(*self.tables)
        return "SELECT j, COUNT(*) AS n, SUM(id) AS s FROM %s GROUP BY j WITH ROLLUP" % t.name, False

    def cte(self):
        d, cols = self.derived(1)
        x = list(cols)[0]
        a = self.alias()
        text, scope = self.joined(0, 2)
        c = self.column(scope, "int")
        return "WITH %s AS (%s) SELECT %s.%s AS x, COUNT(*) AS n FROM %s JOIN %s ON %s = %s.%s%s GROUP BY %s.%s" % (
            a, d, a, x, text, a, c or "1", a, x, self.where(scope + [(a, cols)], 1, 0.3), a, x), False

    def setop(self):
        parts = []
        for _ in range(self.pick(2, 2, 3)):
            text, scope = self.joined(1, 2)
            parts.append("SELECT %s, %s FROM %s%s" % (self.value(scope, "int", 1), self.value(scope, "int", 1), text, self.where(scope, 1)))
        op = self.pick("UNION", "UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT")
        return (" %s " % op).join(parts), False

    def query(self):
        return self.pick(self.plain, self.plain, self.plain, self.plain, self.grouped, self.grouped, self.windowed, self.rollup, self.cte, self.setop)()


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 200
    g = Gen(seed)
    print("# Made by t/random/gen.py %d" % seed)
    print("SET sql_mode = 'ONLY_FULL_GROUP_BY,STRICT_TRANS_TABLES';")
    g.schema()
    for _ in range(count):
        sql, ordered = g.query()
        print("--skip meta,warnings,error-text: rows warn in another order, temporary tables\n--error any\n--approx%s\n%s;" % ("\n--ordered" if ordered else "", sql))
    print("DROP TABLE %s;" % ", ".join(t.name for t in g.tables))


main()
