#!/usr/bin/python3
"""Two tesserads in front of one fleet: DDL on one, statements on both. What one has answered the other knows, no row is lost
or put where nobody looks for it, and errors are those that a single server would give at such a moment."""
import collections
import re
import struct
import threading
import time

from lib import *

need_tesserad()
SECONDS = float(os.environ.get("TESSERA_PROXIES_SECONDS", "4"))
ALLOWED = (1146, 1205, 1213, 1412)      # no such table, lock wait time-out, deadlock, table definition has changed


class Load:
    """Threads that call step(client, n) again and again; errors are counted, others than the allowed ones kept."""

    def __init__(self, f, steps, proxies=("p1", "p2"), each=2, allowed=ALLOWED, database="x"):
        self.f, self.database, self.allowed = f, database, allowed
        self.stop = threading.Event()
        self.lock = threading.Lock()
        self.calm = threading.Lock()
        self.codes, self.wrong, self.done = collections.Counter(), [], 0
        self.ports = {p: f.port(p) for p in proxies}
        self.threads = [threading.Thread(target=self.main, args=(p, step, k)) for p in proxies for step in steps for k in range(each)]

    def main(self, proxy, step, k):
        c = PlainClient(self.ports[proxy], timeout=60.0 * SLOW)
        c.query("USE " + self.database)
        n = 0
        while not self.stop.is_set():
            n += 1
            try:
                step(c, proxy, (threading.get_ident(), n))
                with self.lock:
                    self.done += 1
            except ServerError as e:
                with self.lock:
                    self.codes[e.code] += 1
                    if e.code not in self.allowed or re.search(r"__p\d", e.text):
                        self.wrong.append((step.__name__, e.code, e.text))
                try:
                    c.query("ROLLBACK")
                except ServerError:
                    pass
            except BaseException as e:          # a connection that was lost, a wrong sum
                with self.lock:
                    self.wrong.append((step.__name__, type(e).__name__, str(e)))
                self.stop.set()

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, kind, *_):
        self.stop.set()
        for t in self.threads:
            t.join()
        if not kind:
            comment("%d statements or transactions went well, errors: %s" % (self.done, dict(self.codes)))
            assert not self.wrong, "%d wrong, first: %s" % (len(self.wrong), self.wrong[:3])
            assert self.done > 10, "only %d statements" % self.done


_ids = iter(range(1, 1 << 40))
_ids_lock = threading.Lock()


def new_id():
    with _ids_lock:
        return next(_ids)


def repeat(f, statements, seconds=SECONDS):
    """Runs the DDL statements over and over; how often."""
    end, n = time.monotonic() + seconds * SLOW, 0
    with f.client("p1", timeout=60.0) as c:
        c.query("USE x")
        while time.monotonic() < end:
            for sql in statements:
                c.query(sql)
            n += 1
    comment("%d rounds of DDL" % n)
    return n


def check_places(f, table, key="id", n=None):
    """Every row is found by its key, through both proxies, and each server finds its rows in the right partition."""
    rows = f.query("SELECT %s FROM x.%s" % (key, table))
    equal(len({r for r in rows}), len(rows), "distinct keys")
    if n is not None:
        equal(len(rows), n, "rows of " + table)
    for proxy in ("p1", "p2"):
        with f.client(proxy) as c:
            for (i,) in rows[:300]:
                equal(texts(c.query("SELECT COUNT(*) FROM x.%s WHERE %s = %s" % (table, key, i))), [("1",)], "row %s by its key" % i)
    for row in f.query("CHECK TABLE x." + table):
        equal(row[3], "OK", "CHECK TABLE")


@test("what one tesserad has answered, the other knows")
def known(f):
    with f.client("p1", timeout=60.0) as a, f.client("p2", timeout=60.0) as b:
        for k in range(8):
            a.query("CREATE TABLE x.n (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS %d" % (1 + k % 4))
            b.query("INSERT INTO x.n VALUES (1, 1), (2, 2), (3, 3)")
            b.query("ALTER TABLE x.n ADD COLUMN w INT NOT NULL DEFAULT 7 FIRST")
            a.query("INSERT INTO x.n VALUES (8, 9, 10)")
            equal(texts(a.query("SELECT * FROM x.n WHERE id = 9")), [("8", "9", "10")])
            a.query("RENAME TABLE x.n TO x.m")
            equal(texts(b.query("SELECT SUM(w) FROM x.m")), [("29",)])
            fails_with(1146, b.query, "SELECT * FROM x.n")
            b.query("TRUNCATE TABLE x.m")
            equal(texts(a.query("SELECT COUNT(*) FROM x.m")), [("0",)])
            b.query("DROP TABLE x.m")
            fails_with(1146, a.query, "INSERT INTO x.m VALUES (1, 2, 3)")


@test("columns come, go and change places under load: no row in a wrong column or partition")
def columns(f):
    f.query("CREATE TABLE x.c (id INT NOT NULL, v INT NOT NULL, PRIMARY KEY (id)) PARTITION BY KEY (id) PARTITIONS 5")
    added = []

    def insert(c, proxy, n):
        i = new_id()
        c.query("INSERT INTO c VALUES (%d, %d)" % (i, i + 1000000000))
        added.append(i)

    def insert_prepared(c, proxy, n):
        i, j = new_id(), new_id()
        c.query("PREPARE p FROM 'INSERT INTO c VALUES (?, ?), (?, ?)'")
        c.query("SET @a = %d, @b = %d, @c = %d, @d = %d" % (i, i + 1000000000, j, j + 1000000000))
        c.query("EXECUTE p USING @a, @b, @c, @d")
        added.extend((i, j))

    def read(c, proxy, n):
        for a, b in texts(c.query("SELECT * FROM c ORDER BY id DESC LIMIT 5")):
            assert abs(int(a) - int(b)) == 1000000000, "a torn row: %s, %s" % (a, b)

    with Load(f, (insert, insert_prepared, read), each=1):
        repeat(f, ("ALTER TABLE c MODIFY id INT NOT NULL AFTER v", "ALTER TABLE c MODIFY id INT NOT NULL FIRST",
                   "ALTER TABLE c CHANGE v w INT NOT NULL", "ALTER TABLE c CHANGE w v INT NOT NULL"))
    check_places(f, "c", n=len(added))
    equal(f.query("SELECT COUNT(*) FROM x.c WHERE ABS(v - id) <> 1000000000"), [("0",)])


@test("columns that come and go, indexes: sums hold, transactions are whole")
def sums(f):
    f.query("CREATE TABLE x.s (id INT NOT NULL PRIMARY KEY, v INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 6")
    f.query("INSERT INTO x.s VALUES " + ",".join("(%d, 100)" % i for i in range(40)))

    def transfer(c, proxy, n):
        a, b = n[1] * 7 % 40, n[1] * 11 % 40
        c.query("BEGIN")
        c.query("UPDATE s SET v = v - 1 WHERE id = %d" % min(a, b))
        c.query("UPDATE s SET v = v + 1 WHERE id = %d" % max(a, b))
        c.query("COMMIT")

    def total(c, proxy, n):
        equal(len(texts(c.query("SELECT * FROM s"))), 40, "rows")

    with Load(f, (transfer, total)):
        repeat(f, ("ALTER TABLE s ADD COLUMN a INT DEFAULT 5", "ALTER TABLE s ADD INDEX (a)", "ALTER TABLE s DROP COLUMN a",
                   "ALTER TABLE s ADD COLUMN b VARCHAR(20) NOT NULL DEFAULT 'x' FIRST, ADD CHECK (v > -100000)",
                   "ALTER TABLE s DROP COLUMN b"))
    equal(f.query("SELECT SUM(v), COUNT(*) FROM x.s"), [("4000", "40")])
    check_places(f, "s", n=40)


@test("tables change their names with each other: rows go to the table of that name, at its places")
def renames(f):
    f.query("CREATE TABLE x.a (id BIGINT NOT NULL PRIMARY KEY, tag CHAR(1)) PARTITION BY KEY (id) PARTITIONS 4")
    f.query("CREATE TABLE x.b (id BIGINT NOT NULL PRIMARY KEY, tag CHAR(1)) PARTITION BY HASH (id) PARTITIONS 3")
    f.query("CREATE TABLE x.d (id BIGINT NOT NULL PRIMARY KEY, tag CHAR(1)) PARTITION BY RANGE (id) "
            "(PARTITION p0 VALUES LESS THAN (1000), PARTITION p1 VALUES LESS THAN MAXVALUE)")
    added = []

    def insert(c, proxy, n):
        i = new_id()
        c.query("INSERT INTO %s VALUES (%d, 'x')" % ("abd"[n[1] % 3], i))
        added.append(i)

    def transaction(c, proxy, n):
        i, j = new_id(), new_id()
        c.query("BEGIN")
        c.query("INSERT INTO a VALUES (%d, 'y')" % i)
        c.query("INSERT INTO a VALUES (%d, 'z')" % j)
        c.query("COMMIT")
        added.extend((i, j))

    with Load(f, (insert, transaction), each=1):
        repeat(f, ("RENAME TABLE a TO t, b TO a, t TO b", "RENAME TABLE b TO t, d TO b, t TO d"))
    total = sum(int(f.query("SELECT COUNT(*) FROM x." + t)[0][0]) for t in "abd")
    equal(total, len(added), "rows in all tables")
    for t in "abd":
        check_places(f, t)


@test("dropped and made anew with another partitioning: what was written afterwards is there")
def recreated(f):
    shapes = ("PARTITION BY KEY (id) PARTITIONS 4", "PARTITION BY HASH (id) PARTITIONS 7", "SINGLE", "BROADCAST",
              "PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (100000), PARTITION p1 VALUES LESS THAN MAXVALUE)",
              "PARTITION BY KEY (id) PARTITIONS 1", "PARTITION BY KEY (v) PARTITIONS 5")
    log = []

    def insert(c, proxy, n):
        i = new_id()
        began = time.monotonic()
        c.query("INSERT INTO r VALUES (%d, %d)" % (i, i))
        log.append((i, began, time.monotonic()))

    def insert_many(c, proxy, n):
        ids = [new_id() for _ in range(4)]
        began = time.monotonic()
        c.query("INSERT INTO r VALUES " + ",".join("(%d, %d)" % (i, i) for i in ids))
        log.extend((i, began, time.monotonic()) for i in ids)

    def update(c, proxy, n):
        c.query("UPDATE r SET v = v + 0 WHERE id = %d" % (log[-n[1] % len(log)][0] if log else 0))

    f.query("CREATE TABLE x.r (id INT NOT NULL, v INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 2")
    rounds, made = 0, time.monotonic()
    with Load(f, (insert, insert_many, update), each=1), f.client("p1", timeout=60.0) as c:
        c.query("USE x")
        end = time.monotonic() + 2 * SECONDS * SLOW
        while time.monotonic() < end:
            shape = shapes[rounds % len(shapes)]
            rounds += 1
            time.sleep(0.1)
            until = time.monotonic()
            rows = {int(i) for (i,) in texts(c.query("SELECT id FROM r"))}
            missing = [i for i, began, ended in list(log) if began > made and ended < until and i not in rows]
            assert not missing, "%d rows are missing before round %d" % (len(missing), rounds)
            c.query("DROP TABLE r")
            c.query("CREATE TABLE r (id INT NOT NULL, v INT NOT NULL, PRIMARY KEY (id, v)) " + shape)
            made = time.monotonic()
    comment("%d times" % rounds)
    check_places(f, "r")


@test("TRUNCATE under load: numbers begin again and none is given twice")
def truncated(f):
    f.query("CREATE TABLE x.t (id BIGINT NOT NULL AUTO_INCREMENT PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")

    def insert(c, proxy, n):
        c.query("INSERT INTO t (v) VALUES (1), (2), (3)")

    def read(c, proxy, n):
        c.query("SELECT COUNT(*), MAX(id) FROM t")

    with Load(f, (insert, read), allowed=(1205, 1213, 1412)):
        repeat(f, ("TRUNCATE TABLE t",))
    equal(int(f.query("SELECT COUNT(*) FROM x.t")[0][0]) % 3, 0, "statements that are there in part")
    check_places(f, "t")


@test("DDL waits for a transaction that has used the table, others wait behind DDL, the transaction goes on")
def waits(f):
    f.query("CREATE TABLE x.w (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")
    order = []

    def held():
        return f.query("SELECT t.state, MIN(n.loaded) >= v.version FROM tessera.tbl t, tessera.node n, tessera.version v "
                       "WHERE t.name = 'w' GROUP BY t.state, v.version", "s1") == [("held", "1")]

    def ddl():
        f.query("ALTER TABLE x.w ADD COLUMN n INT DEFAULT 3 FIRST", "p1")
        order.append("ddl")

    def late():
        equal(f.query("SELECT COUNT(n) FROM x.w", "p2"), [("2",)])
        order.append("late")

    with f.client("p2") as c:
        c.query("USE x")
        c.query("BEGIN")
        c.query("INSERT INTO w VALUES (1, 1)")
        threads = [threading.Thread(target=ddl)]
        threads[0].start()
        eventually("the hold", held)
        time.sleep(0.5)
        threads.append(threading.Thread(target=late))
        threads[1].start()
        time.sleep(0.5)
        equal(order, [], "nobody has got through")
        c.query("INSERT INTO w VALUES (2, 2)")
        equal(texts(c.query("SELECT SUM(v) FROM w")), [("3",)])
        c.query("COMMIT")
        for t in threads:
            t.join()
    equal(sorted(order), ["ddl", "late"])
    # One that is killed, and DDL that gives up.
    with f.client("p2") as c, f.client("p2") as d, f.client("p1", timeout=90.0) as a:
        c.query("USE x")
        c.query("BEGIN")
        c.query("SELECT * FROM w")
        t = threading.Thread(target=lambda: order.append(fails_with(1205, a.query, "RENAME TABLE x.w TO x.w2").code))
        a.query("SET lock_wait_timeout = 10")
        t.start()
        eventually("the hold", held)
        me = texts(d.query("SELECT CONNECTION_ID()"))[0][0]
        k = threading.Thread(target=lambda: order.append(fails_with(1317, d.query, "SELECT * FROM x.w").code))
        k.start()
        while k.is_alive():         # a KILL that comes before the statement has begun kills nothing
            time.sleep(0.3)
            f.query("KILL QUERY " + me, "p2")
        k.join()
        t.join()
        c.query("COMMIT")
    equal(sorted(map(str, order)), ["1205", "1317", "ddl", "late"])
    equal(f.query("SELECT COUNT(*) FROM x.w", "p2"), [("2",)])


@test("a plan that meets tables which have gone elsewhere is made anew, also inside a transaction")
def replanned(f):
    f.query("CREATE TABLE x.q (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 3")
    f.query("CREATE TABLE x.o (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 3")
    f.query("INSERT INTO x.q VALUES " + ",".join("(%d, %d)" % (i, i) for i in range(9)))
    where = [(row[3], row[4]) for row in f.query("SHOW TOPOLOGY FROM x.q")]

    def move(there):
        """What no job does: the tables get other names behind everybody's back, then the catalog is told."""
        for shard, name in where:
            other = name.replace("q__", "qq__")
            f.query("RENAME TABLE x.%s TO x.%s" % ((name, other) if there else (other, name)), shard)
        with f.client("s1") as c:
            c.query("BEGIN")
            c.query("UPDATE tessera.version SET version = version + 1")
            c.query("UPDATE tessera.`partition` SET phys_name = REPLACE(phys_name, '%s', '%s') WHERE phys_name LIKE 'q%%'" %
                    (("q__", "qq__") if there else ("qq__", "q__")))
            c.query("UPDATE tessera.tbl SET version = (SELECT version FROM tessera.version) WHERE name = 'q'")
            c.query("COMMIT")

    with f.client("p1") as a, f.client("p2") as b:
        w = Wire(f.port("p2")).login(db="x")
        stmt, _, _ = w.prepare("SELECT v FROM q WHERE id = 5")
        for k in range(4):
            for c in (a, b):
                c.query("SELECT v FROM x.q WHERE id = 5")
                c.query("SELECT SUM(v) FROM x.q")
            b.query("BEGIN")
            b.query("INSERT INTO x.o VALUES (%d), (%d)" % (100 + k, 200 + k))
            move(k % 2 == 0)
            equal(texts(a.query("SELECT v FROM x.q WHERE id = 5")), [("5",)])
            equal(texts(a.query("SELECT SUM(v) FROM x.q")), [("36",)])
            b.query("UPDATE x.q SET v = v + 0")
            w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1))
            equal(len(w.result()[2]), 1, "rows of the prepared statement")
            b.query("COMMIT")
        equal(texts(b.query("SELECT COUNT(*) FROM x.o")), [("8",)])
        w.close()
        # A table that is really gone: MySQL's error, with the name that the user knows.
        f.query("DROP TABLE x." + where[0][1], where[0][0])
        e = fails_with(1146, a.query, "SELECT SUM(v) FROM x.q")
        assert "'x.q'" in e.text, e.text


@test("a tesserad that stood still is passed over, and knows what it missed before it serves again")
def paused(f):
    f.query("CREATE TABLE x.z (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")
    f.query("CREATE TABLE x.y (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")
    with f.client("p2", timeout=30.0) as c, f.client("p2", timeout=30.0) as open_one:
        c.query("USE x")
        c.query("INSERT INTO z VALUES (1, 1)")
        open_one.query("BEGIN")
        open_one.query("INSERT INTO x.y VALUES (1, 1)")
        f.pg("pause", "p2")
        try:
            began = time.monotonic()
            f.query("ALTER TABLE x.z MODIFY v INT FIRST")
            took = time.monotonic() - began
            assert took < 25 * SLOW, "DDL took %.1f s" % took
            f.query("DROP TABLE x.z")
            f.query("CREATE TABLE x.z (v INT, id INT NOT NULL PRIMARY KEY) PARTITION BY HASH (id) PARTITIONS 3")
        finally:
            f.pg("resume", "p2")
        # What was under way is given up.
        e = fails_with((9002, 1105, 2013), open_one.query, "INSERT INTO x.y VALUES (2, 2)")
        assert not re.search(r"__p\d", e.text), e.text
        equal(f.query("SELECT COUNT(*) FROM x.y", "p2"), [("0",)])
        for i in range(1, 30):
            c.query("INSERT INTO z VALUES (%d, %d)" % (1000 + i, i))
    check_places(f, "z", n=29)


with Fleet(shards=3, proxies=2) as fleet:
    fleet.query("CREATE DATABASE x")
    ok = run(fleet)
sys.exit(not ok)
