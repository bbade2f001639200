#!/usr/bin/python3
"""Writes a case file of random statements that depend on what the session did before: transactions, savepoints, autocommit, user variables,
the counters that a statement leaves, prepared statements between DDL, rows of many shards in one INSERT: gen-session.py SEED [STATEMENTS].
The same seed gives the same file. The plain server's tables have no partitions."""
import random
import sys

# name: columns that differ, where it is, whether ids are generated
TABLES = {
    "t": ("id INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (id)", "PARTITION BY KEY (id) PARTITIONS 4"),
    "h": ("id INT NOT NULL, PRIMARY KEY (id)", "PARTITION BY HASH (id) PARTITIONS 6"),
    "r": ("id INT NOT NULL, PRIMARY KEY (id)", "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), PARTITION p1 VALUES LESS THAN (20), PARTITION p2 VALUES LESS THAN (1000))"),
    "c": ("id INT NOT NULL, PRIMARY KEY (id)", "BROADCAST"),
    "x": ("id INT NOT NULL AUTO_INCREMENT, PRIMARY KEY (id), UNIQUE KEY (u)", "SINGLE"),
    "k": ("id INT NOT NULL, PRIMARY KEY (id), UNIQUE KEY (id, u)", "PARTITION BY KEY (id) PARTITIONS 5"),
}
COUNTERS = "LAST_INSERT_ID(), ROW_COUNT()"


class Gen:
    def __init__(self, seed):
        self.r = random.Random(seed)
        self.depth = 0
        self.names = []

    def pick(self, *items):
        return self.r.choice(items)

    def chance(self, p):
        return self.r.random() < p

    def id(self):
        return str(self.r.randrange(1, 30))

    def table(self):
        return self.r.choice(list(TABLES))

    def scalar(self):
        return self.pick("n + 1", "n", "NULL", "5", "@a", "@b + n", "id * 2", "IFNULL(n, 0) - 1", "@a", "CHAR_LENGTH(s)", "%d" % self.r.randrange(9))

    def cond(self):
        return self.pick("id = %s" % self.id(), "id = %s" % self.id(), "id IN (%s, %s, %s)" % (self.id(), self.id(), self.id()), "n = %d" % self.r.randrange(6), "n IS NULL", "id < %s" % self.id(), "id BETWEEN %s AND %s" % (self.id(), self.id()), "s LIKE 'a%'", "n > @a", "id = @b", "id = @a + 1", "id < 0", "n = id", "u > 15",
                         "id = LAST_INSERT_ID()", "n <> @a OR s = 'b'")

    def value(self, c):
        return {"n": self.pick("NULL", "1", "2", "3", "@a", "4", "@b", "ROW_COUNT()"), "s": self.pick("'a'", "'b'", "NULL", "@s", "'abc'", "CONCAT('a', 'x')", "'a string that is far too long'" if self.chance(0.1) else "'z'"),
                "u": str(self.r.randrange(1, 40))}[c]

    def insert(self):
        t = self.table()
        auto = t in ("t", "x")
        rows = self.pick(1, 1, 1, 2, 3, 4)
        ids = [self.id() for _ in range(rows)]
        verb = self.pick("INSERT INTO", "INSERT INTO", "INSERT IGNORE INTO", "REPLACE INTO", "INSERT INTO")
        if auto and self.chance(0.25):
            # Generated values are not the same here and there: what a server answers is, and rows are told by others of their columns.
            return None
        cols, values = "id, n, s, u", ["(%s, %s, %s, %s)" % (i, self.value("n"), self.value("s"), self.value("u")) for i in ids]
        tail = ""
        if verb == "INSERT INTO" and self.chance(0.5) and t not in ("x",):
            tail = " ON DUPLICATE KEY UPDATE " + self.pick("n = VALUES(n)", "n = n + 1", "s = CONCAT(VALUES(s), 'd')", "n = @a", "n = n", "n = VALUES(n) + 1, s = 'dup'", "u = VALUES(u)", "n = IFNULL(n, 0) + 10")
        return "%s %s (%s) VALUES %s%s" % (verb, t, cols, ", ".join(values), tail)

    def dml(self):
        t = self.table()
        k = self.r.randrange(8)
        if k < 4:
            s = self.insert()
            if s:
                return s
        if k < 6:
            return "UPDATE %s%s SET %s WHERE %s" % (self.pick("", "", "IGNORE "), t, self.pick("n = %s" % self.scalar(), "s = %s" % self.value("s"), "n = %s, s = 'up'" % self.scalar(), "u = u + 100", "n = n", "s = 'a string that is far too long'" if self.chance(0.2) else "n = 7"), self.cond())
        if k == 6:
            return "DELETE FROM %s WHERE %s" % (t, self.cond())
        return self.pick("DELETE FROM %s WHERE %s ORDER BY id LIMIT %d" % (t, self.cond(), self.r.randrange(4)), "UPDATE %s SET n = %s WHERE %s ORDER BY id LIMIT %d" % (t, self.scalar(), self.cond(), self.r.randrange(4)))

    def transaction(self):
        names = self.pick("sp1", "sp2", "SP1", "`sp 3`")
        return self.pick("BEGIN", "START TRANSACTION", "COMMIT", "COMMIT", "ROLLBACK", "ROLLBACK", "SAVEPOINT " + names, "SAVEPOINT " + names, "ROLLBACK TO SAVEPOINT " + names, "ROLLBACK TO " + names, "RELEASE SAVEPOINT " + names, "SET autocommit = 0", "SET autocommit = 1", "SET autocommit = 1", "COMMIT AND CHAIN",
                         "ROLLBACK AND CHAIN", "START TRANSACTION READ WRITE", "BEGIN WORK", "COMMIT WORK", "SELECT @@autocommit, @@in_transaction" if False else "SELECT @@autocommit")

    def read(self):
        t = self.table()
        return self.pick("SELECT id, n, s, u FROM %s WHERE %s ORDER BY id" % (t, self.cond()), "SELECT COUNT(*), SUM(n), MIN(s), MAX(u) FROM %s" % t, "SELECT COUNT(*) FROM %s WHERE %s" % (t, self.cond()), "SELECT SQL_CALC_FOUND_ROWS id FROM %s WHERE %s ORDER BY id LIMIT %d;\n--skip meta: session values\nSELECT FOUND_ROWS()" % (t, self.cond(), self.r.randrange(1, 4)),
                         "SELECT id, n + @a, @s FROM %s WHERE %s ORDER BY id LIMIT 3" % (t, self.cond()), "SELECT n, COUNT(*) FROM %s GROUP BY n ORDER BY n" % t, "SELECT * FROM %s WHERE %s ORDER BY id FOR UPDATE" % (t, self.cond()), "SELECT id FROM %s ORDER BY id LIMIT 2" % t,
                         "SELECT a.id, a.n, b.n FROM h a JOIN h b ON a.id = b.id WHERE a.%s ORDER BY a.id" % self.pick("id < 12", "n = 1"), "SELECT id FROM t UNION SELECT id FROM h ORDER BY id", "SELECT t.id + 0 AS i, c.s FROM t LEFT JOIN c ON c.id = t.id ORDER BY i LIMIT 6")

    def counters(self):
        return self.pick("SELECT " + COUNTERS, "SELECT ROW_COUNT()", "SELECT @@last_insert_id, LAST_INSERT_ID()", "SELECT @a, @b, @s", "SHOW WARNINGS", "SHOW COUNT(*) WARNINGS", "SHOW ERRORS")

    def variables(self):
        t = self.table()
        return self.pick("SET @a = %d" % self.r.randrange(6), "SET @b = @a + 1, @s = 'abc'", "SET @s = NULL", "SELECT MAX(n), COUNT(*) INTO @a, @b FROM %s" % t, "SELECT n, s INTO @a, @s FROM %s WHERE id = %s" % (t, self.id()), "SET @a = (SELECT COUNT(*) FROM %s)" % self.pick("c", "x"), "SET @b = ROW_COUNT()", "SELECT LAST_INSERT_ID(%s)" % self.id(), "SET @a = 0, @b = 3",
                         "SET sql_mode = ''", "SET sql_mode = 'STRICT_TRANS_TABLES'", "SET sql_mode = 'STRICT_TRANS_TABLES,ANSI_QUOTES'", "DO @a := 3" if False else "SET @a := 3", "SET SESSION sql_mode = DEFAULT", "SET @a = 3, @b = NULL", "SET @s = CONCAT(@s, 'x')", "SET @a = 4",
                         "SET div_precision_increment = %d" % self.r.randrange(2, 6), "SET insert_id = 500" if False else "SET @a = 2")

    def prepared(self):
        name = self.pick("p1", "p2", "P1")
        t = self.table()
        k = self.r.randrange(5)
        if k == 0:
            text = self.pick("SELECT id, n FROM %s WHERE id = ?" % t, "UPDATE %s SET n = n + ? WHERE id < 9" % t, "INSERT IGNORE INTO %s (id, n, u) VALUES (?, 1, 30)" % t, "DELETE FROM %s WHERE id = ?" % t, "SELECT COUNT(*), ? IS NULL AS x FROM %s" % t, "SELECT * FROM %s WHERE n = ? ORDER BY id" % t)
            return "PREPARE %s FROM '%s'" % (name, text)
        if k < 4:
            return "EXECUTE %s USING %s" % (name, self.pick("@a", "@b", "@a", "@s"))
        return "DEALLOCATE PREPARE %s" % name

    def broken(self):
        t = self.table()
        return self.pick("INSERT INTO %s (id, n) VALUES (1, 2, 3)" % t, "SELECT nope FROM %s" % t, "INSERT INTO %s (id, n, u) VALUES (%s, 1, 2), (%s, 2, 3), (%s, 4, 5)" % (t, self.id(), self.id(), self.id()), "UPDATE %s SET id = NULL WHERE id = %s" % (t, self.id()), "SELECT * FROM nowhere", "UPDATE %s SET nope = 1" % t, "SELECT 1/0",
                         "INSERT INTO %s (id, s, u) VALUES (%s, REPEAT('x', 50), 1)" % (t, self.id()), "DELETE FROM %s WHERE nope = 1" % t, "INSERT INTO r (id, n, u) VALUES (%s, 1, 1), (5000, 1, 1)" % self.id() if False else "SELECT id FROM %s WHERE n = 'abc'" % t, "ROLLBACK TO SAVEPOINT nosuch")

    def ddl(self):
        t = self.table()
        return self.pick("TRUNCATE TABLE %s" % t, "ALTER TABLE %s ADD COLUMN extra INT DEFAULT 3" % t, "ALTER TABLE %s DROP COLUMN extra" % t, "CREATE TABLE IF NOT EXISTS %s (id INT)" % t, "CREATE INDEX by_n ON %s (n)" % t, "DROP INDEX by_n ON %s" % t, "DROP TABLE IF EXISTS nosuch")

    def statement(self):
        return self.r.choices([self.dml, self.transaction, self.read, self.counters, self.variables, self.prepared, self.broken, self.ddl], [30, 16, 16, 14, 8, 6, 5, 0.7])[0]()


def main():
    seed, count = int(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 250
    g = Gen(seed)
    print("# Made by gen-session.py %d" % seed)
    print("SET sql_mode = 'STRICT_TRANS_TABLES', @a = 1, @b = 2, @s = 'a';")
    for name, (keys, place) in TABLES.items():
        first, rest = keys.split(",", 1)
        print("CREATE TABLE %s (%s, n INT, s VARCHAR(20), u INT NOT NULL DEFAULT 0,%s) /*T! %s */;" % (name, first, rest, place))
        print("INSERT INTO %s (id, n, s, u) VALUES %s;" % (name, ", ".join("(%d, %d, '%s', %d)" % (i, i % 5, "abc"[i % 3], i) for i in range(1, 28, g.pick(1, 2, 3)))))
    for _ in range(count):
        sql = g.statement()
        while sql is None:
            sql = g.statement()
        skip = ["error-text"]
        # Which of several rows with the same fault is told first is the shards' matter.
        if sql.startswith(("INSERT", "REPLACE", "UPDATE", "DELETE", "EXECUTE", "SHOW")):
            skip.append("warnings")
        if "ALTER" in sql or "INDEX" in sql:
            skip += ["affected", "info"]
        if sql.startswith("EXECUTE") or "ROW_COUNT" in sql or "LAST_INSERT" in sql or "FOUND" in sql or "@" in sql:
            skip.append("meta")
        if "VALUES(" in sql:
            skip.append("info")  # MySQL finds VALUES() deprecated when it prepares, and counts it
        if sql.startswith("SHOW"):
            skip.append("rows")
        print("--skip %s: in some order\n--error any\n--tolerate 1235" % ",".join(skip))
        print(sql + ";")
        # What other statements leave in FOUND_ROWS() is nobody's promise.
        if sql.startswith("SELECT") and "INTO" not in sql and "FOR UPDATE" not in sql and "LIMIT" not in sql and g.chance(0.3):
            print("--skip meta: session values\n--error any\nSELECT FOUND_ROWS();")
        if sql.startswith(("INSERT", "REPLACE", "UPDATE", "DELETE")) and g.chance(0.4):
            print("--skip meta: session values\nSELECT %s;" % COUNTERS)
    print("ROLLBACK;")
    print("SET autocommit = 1, sql_select_limit = DEFAULT;")
    for t in TABLES:
        print("SELECT id, n, s, u FROM %s ORDER BY id;" % t)
    print("DROP TABLE %s;" % ", ".join(TABLES))


main()
