#!/usr/bin/python3
"""Shards that are down at the start, die, hang and come back: only statements that need them fail, at once."""
import threading
import time

from lib import *

need_tesserad()


def quickly(call, seconds=5.0):
    began = time.monotonic()
    try:
        return call()
    finally:
        took = time.monotonic() - began
        assert took < seconds * SLOW, "took %.1f s" % took


def place_of(f):
    """Which shard each id's row lives on, asked there directly."""
    where = {}
    for name, tables in f.on_shards("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sh'").items():
        for (t,) in tables:
            for (i,) in texts(PlainClient(f.port(name)).query("SELECT id FROM sh.`%s`" % t)):
                where[int(i)] = name
    return where


@test("rows are on all four shards")
def spread(f):
    f.query("CREATE DATABASE sh")
    f.query("CREATE TABLE sh.t (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 8")
    f.query("INSERT INTO sh.t VALUES " + ",".join("(%d, %d)" % (i, i) for i in range(1, 101)))
    f.where = place_of(f)
    equal(sorted(set(f.where.values())), ["s1", "s2", "s3", "s4"])
    equal(len(f.where), 100)


def one_on(f, shard):
    return next(i for i, s in sorted(f.where.items()) if s == shard)


def up(f, shard):
    def ok():
        try:
            return f.query("SELECT v FROM sh.t WHERE id = %d" % one_on(f, shard))
        except ServerError:
            return None
    eventually(shard + " is used again", ok, 15)


DOWN = (1105, 1429, 2002, 2003, 2006, 2013, 1158, 1159, 1160, 1161, 1180, 1317, 9001, 9002, 9003, 9004, 9005, 9006, 9007, 9008, 9009, 9010)


def fails_clearly(f, sql, shard):
    e = quickly(lambda: fails_with(DOWN, f.query, sql))
    assert shard in e.text, "the error does not name the shard: %s" % e


@test("a shard dies: what needs it fails at once and says which, the rest goes on")
def dies(f):
    with f.client() as c:
        c.query("USE sh")
        f.kill("s3")
        for _ in range(3):
            fails_clearly(f, "SELECT v FROM sh.t WHERE id = %d" % one_on(f, "s3"), "s3")
        fails_clearly(f, "SELECT COUNT(*) FROM sh.t", "s3")
        fails_clearly(f, "UPDATE sh.t SET v = 0", "s3")
        # The metadata is asked for at a shard that is there while the statement fails already: each of these asks anew.
        for i in range(30):
            fails_clearly(f, "SELECT COUNT(*), 'text %d %s', MAX(v) FROM sh.t" % (i, "x" * 300), "s3")
        for s in ("s1", "s2", "s4"):
            equal(quickly(lambda: f.query("SELECT v FROM sh.t WHERE id = %d" % one_on(f, s))), [(str(one_on(f, s)),)])
        # An old connection is as good as a new one.
        equal(texts(c.query("SELECT v FROM t WHERE id = %d" % one_on(f, "s2"))), [(str(one_on(f, "s2")),)])
        fails_with(DOWN, c.query, "SELECT v FROM t WHERE id = %d" % one_on(f, "s3"))
        equal(texts(c.query("SELECT v FROM t WHERE id = %d" % one_on(f, "s2"))), [(str(one_on(f, "s2")),)])


@test("SHOW SHARDS tells which one is down")
def shown_down(f):
    states = lambda: {row[0]: row[3] for row in f.query("SHOW SHARDS")}
    equal(eventually("s3 is known to be down", lambda: states() if states()["s3"] == "down" else None),
          {"s1": "active", "s2": "active", "s3": "down", "s4": "active"})


@test("it comes back and is used again; nothing was half written")
def comes_back(f):
    f.pg("restart", "s3")
    up(f, "s3")
    equal(f.query("SELECT COUNT(*), SUM(v) FROM sh.t"), [("100", "5050")])


@test("a transaction over shards loses one: an error, and nothing of it stays")
def in_transaction(f):
    a, b = one_on(f, "s2"), one_on(f, "s4")
    with f.client() as c:
        c.query("USE sh")
        c.query("BEGIN")
        c.query("UPDATE t SET v = v + 1000 WHERE id = %d" % a)
        c.query("UPDATE t SET v = v + 1000 WHERE id = %d" % b)
        f.kill("s4")
        try:
            c.query("COMMIT")
            raise AssertionError("committed without s4")
        except ServerError as e:
            comment(e)
    f.pg("restart", "s4")
    up(f, "s4")
    equal(f.query("SELECT SUM(v) FROM sh.t"), [("5050",)])
    eventually("no branch is left", lambda: not any(f.on_shards("XA RECOVER").values()), 15)


@test("a statement that fails by itself and loses a shard: the client is told that the transaction is gone")
def fails_and_loses(f):
    a, b = one_on(f, "s1"), one_on(f, "s2")
    c = f.client(timeout=30)
    c.query("USE sh")
    c.query("BEGIN")
    c.query("UPDATE t SET v = v + 1000 WHERE id = %d" % a)
    c.query("UPDATE t SET v = v + 1000 WHERE id = %d" % b)
    f.pg("pause", "s2")
    killer = threading.Timer(1.0, f.kill, ("s2",))
    killer.start()
    # s1 says 1062 at once, s2 nothing until it is gone. 1062 alone would mean that the transaction goes on.
    e = fails_with(DOWN, c.query, "INSERT INTO t VALUES (%d, 0), (%d, 0)" % (a, b))
    comment(e)
    killer.join()
    f.pg("restart", "s2")
    up(f, "s2")
    c.query("ROLLBACK")
    equal(f.query("SELECT SUM(v) FROM sh.t"), [("5050",)])
    c.close()


@test("a shard that hangs is told from one that works; the others are not delayed")
def hangs(f):
    f.pg("pause", "s2")
    try:
        for s in ("s1", "s3", "s4"):
            equal(quickly(lambda: f.query("SELECT v FROM sh.t WHERE id = %d" % one_on(f, s))), [(str(one_on(f, s)),)])
    finally:
        f.pg("resume", "s2")
    up(f, "s2")


@test("a shard is down when tesserad starts: it starts, the others are served, the shard is used when it is there")
def down_at_start(f):
    f.kill("s4")
    f.restart()
    for s in ("s1", "s2", "s3"):
        equal(f.query("SELECT v FROM sh.t WHERE id = %d" % one_on(f, s)), [(str(one_on(f, s)),)])
    fails_clearly(f, "SELECT v FROM sh.t WHERE id = %d" % one_on(f, "s4"), "s4")
    f.pg("restart", "s4")
    up(f, "s4")
    equal(f.query("SELECT SUM(v) FROM sh.t"), [("5050",)])


@test("pooled connections that died while idle are replaced without an error")
def stale_pool(f):
    equal(f.query("SELECT SUM(v) FROM sh.t"), [("5050",)])
    f.pg("restart", "s2")
    time.sleep(0.3)
    up(f, "s2")
    for _ in range(5):
        equal(f.query("SELECT SUM(v) FROM sh.t"), [("5050",)])


@test("SHOW SHARDS and SHOW TOPOLOGY tell where things are")
def show(f):
    rows = f.query("SHOW SHARDS")
    equal(sorted(name for row in rows for name in row if name in ("s1", "s2", "s3", "s4")), ["s1", "s2", "s3", "s4"])
    equal({row[3] for row in rows}, {"active"})
    fails_with(1235, f.query, "SHOW TOPOLOGY FROM information_schema.tables")
    rows = f.query("SHOW TOPOLOGY FROM sh.t")
    equal(len(rows), 8)
    for name in ("s1", "s2", "s3", "s4"):
        equal(sum(name in row for row in rows), 2, name)


@test("CREATE SHARD, DROP SHARD: a new one takes new tables; one that is in use is kept")
def shard_ddl(f):
    with Fleet(shards=1, proxies=0) as g:
        f.query("CREATE SHARD s5 HOST '127.0.0.1' PORT %d" % g.port("s1"))
        assert any("s5" in row for row in f.query("SHOW SHARDS"))
        f.query("CREATE DATABASE five")
        f.query("CREATE TABLE five.t (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id)")
        assert any("s5" in row for row in f.query("SHOW TOPOLOGY FROM five.t"))
        f.query("INSERT INTO five.t VALUES (1), (2), (3), (4), (5), (6), (7), (8), (9), (10)")
        equal(f.query("SELECT COUNT(*) FROM five.t"), [("10",)])
        try:
            f.query("DROP SHARD s5")
            raise AssertionError("a shard in use was dropped")
        except ServerError as e:
            comment(e)
        f.query("DROP DATABASE five")
        f.query("DROP SHARD s5")
        assert not any("s5" in row for row in f.query("SHOW SHARDS"))


@test("a dump that the mysql shell reads back keeps rows and layout")
def dump(f):
    f.query("CREATE DATABASE d1")
    with f.client() as c:
        c.query("USE d1")
        c.query("CREATE TABLE r (id INT NOT NULL PRIMARY KEY, v VARCHAR(20)) PARTITION BY RANGE (id) (PARTITION p0 VALUES LESS THAN (10), "
                "PARTITION p1 VALUES LESS THAN MAXVALUE)")
        c.query("CREATE TABLE l (s VARCHAR(10) NOT NULL PRIMARY KEY) PARTITION BY LIST COLUMNS (s) (PARTITION p0 VALUES IN ('a', 'b'), "
                "PARTITION p1 VALUES IN ('c'))")
        c.query("CREATE TABLE k (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 8")
        c.query("CREATE TABLE h (id INT NOT NULL PRIMARY KEY) PARTITION BY HASH (id + 1) PARTITIONS 3")
        c.query("CREATE TABLE b (id INT NOT NULL PRIMARY KEY) BROADCAST")
        c.query("CREATE TABLE s (id INT NOT NULL PRIMARY KEY) SINGLE")
        c.query("CREATE TABLE a (id INT NOT NULL AUTO_INCREMENT PRIMARY KEY, v JSON)")
        c.query("INSERT INTO r VALUES (1, 'one'), (11, 'eleven')")
        c.query("INSERT INTO a (v) VALUES ('[1]'), (NULL), ('{}')")
        for t in "bsk":
            c.query("INSERT INTO %s VALUES (1), (2)" % t)
        c.query("CREATE DATABASE d2")
        at = ["-h127.0.0.1", "-P%d" % f.port(), "-uroot"]
        text = program("mariadb-dump", *at, "d1")
        equal((text.returncode, text.stderr), (0, ""))
        # Without --comments, the default: the shell strips comments.
        back = program("mariadb", *at, "d2", input=text.stdout)
        equal((back.returncode, back.stderr), (0, ""))
        for t in "rlkhbsa":
            equal(f.query("SELECT * FROM d1.%s ORDER BY 1" % t), f.query("SELECT * FROM d2.%s ORDER BY 1" % t), t)
            one, two = (f.query("SHOW CREATE TABLE %s.%s" % (d, t)) for d in ("d1", "d2"))
            equal(one, two, "definition of " + t)
            one, two = ([(r[0], r[1], r[2], r[5]) for r in f.query("SHOW TOPOLOGY FROM %s.%s" % (d, t))] for d in ("d1", "d2"))
            equal(one, two, "topology of " + t)


def main():
    with Fleet(shards=4, options={"pool": {"probe_interval_ms": 200}}) as f:
        run(f)


main()
