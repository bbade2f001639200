#!/usr/bin/python3
"""DDL under fire: tesserad is killed at every named fault point of DDL jobs, for each kind of statement. After the
restart each statement is done or undone everywhere: all partitions look alike, are what the catalog says, and nothing is
left over on any shard. With names of points in TESSERA_FAULT_POINTS: only those."""
import os
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "it"))
from lib import *

need_tesserad()

SETUP = ["DROP DATABASE IF EXISTS d", "CREATE DATABASE d",
         "CREATE TABLE d.t (id INT NOT NULL PRIMARY KEY, v INT NOT NULL, KEY by_v (v)) PARTITION BY KEY (id) PARTITIONS 8",
         "INSERT INTO d.t VALUES " + ",".join("(%d, %d)" % (i, 1000 if i == 49 else i) for i in range(50))]
STATEMENTS = [
    "CREATE TABLE d.n (id INT NOT NULL PRIMARY KEY, w VARCHAR(10)) PARTITION BY KEY (id) PARTITIONS 8",
    "CREATE TABLE d.b (id INT NOT NULL PRIMARY KEY) BROADCAST",
    "CREATE TABLE d.s (id INT NOT NULL PRIMARY KEY) SINGLE",
    "ALTER TABLE d.t ADD COLUMN w INT NOT NULL DEFAULT 7",
    "ALTER TABLE d.t DROP INDEX by_v",
    "RENAME TABLE d.t TO d.t2",
    "TRUNCATE TABLE d.t",
    "DROP TABLE d.t",
    # Fails on one partition only (a row that the check forbids): the others are undone.
    "ALTER TABLE d.t ADD CHECK (id < 49), ADD COLUMN z INT",
    # Fails on the second shard, where something is in the way: what the first ones made is undone.
    "CREATE TABLE d.way (id INT NOT NULL PRIMARY KEY) BROADCAST",
    # Fails on the shards only, behind a step that was recorded (rows would be too long).
    "CREATE TABLE d.wide (id INT NOT NULL PRIMARY KEY, a VARCHAR(16000), b VARCHAR(16000)) PARTITION BY KEY (id) PARTITIONS 8",
    "CREATE DATABASE d2",
    "DROP DATABASE d",
]


def fault_points():
    done = program(TESSERAD, "--list-faults")
    names = [line.split()[0] for line in done.stdout.splitlines() if line.strip()] if not done.returncode else []
    return [n for n in names if n.split(".")[0] in ("ddl", "metadb")]


def shape_on_shards(f):
    """{logical table: {physical table: (shard, columns and keys)}} and the databases, as the servers have them."""
    tables = {}
    for shard in ("s1", "s2", "s3", "s4"):
        with PlainClient(f.port(shard)) as c:
            for db, name in texts(c.query("SELECT table_schema, table_name FROM information_schema.tables "
                                          "WHERE table_schema IN ('d', 'd2')")):
                columns = tuple(texts(c.query("SELECT column_name, column_type, is_nullable, column_default FROM information_schema.columns "
                                              "WHERE table_schema = '%s' AND table_name = '%s' ORDER BY ordinal_position" % (db, name))))
                keys = tuple(texts(c.query("SELECT index_name, column_name FROM information_schema.statistics "
                                           "WHERE table_schema = '%s' AND table_name = '%s' ORDER BY 1, seq_in_index" % (db, name))))
                logical = name.split("__p")[0]
                tables.setdefault((db, logical), {})[(shard, name)] = (columns, keys)
    databases = {s: sorted(r[0] for r in texts(PlainClient(f.port(s)).query("SHOW DATABASES")) if r[0] in ("d", "d2"))
                 for s in ("s1", "s2", "s3", "s4")}
    return tables, databases


def check(f):
    """The fleet is of one mind; what the catalog has can be used."""
    tables, databases = shape_on_shards(f)
    equal(len({tuple(v) for v in databases.values()}), 1, "databases of the shards %r" % databases)
    logical = {(db, t) for db in databases["s1"] for (t,) in f.query("SHOW TABLES FROM " + db)}
    equal(sorted(db for (db,) in f.query("SHOW DATABASES") if db in ("d", "d2")), databases["s1"], "databases")
    equal(set(tables), logical, "tables on the shards and in the catalog")
    for (db, t), places in tables.items():
        equal(len(set(places.values())), 1, "shapes of the partitions of %s.%s: %r" % (db, t, places))
        topology = f.query("SHOW TOPOLOGY FROM %s.%s" % (db, t))
        equal(len(places), len(topology), "partitions of %s.%s" % (db, t))
        columns = [row[0] for row in f.query("SHOW COLUMNS FROM %s.%s" % (db, t))]
        equal(columns, [c[0] for c in next(iter(places.values()))[0]], "columns of %s.%s" % (db, t))
        n = int(f.query("SELECT COUNT(*) FROM %s.%s" % (db, t))[0][0])
        assert n in (0, 50), "%d rows in %s.%s" % (n, db, t)
        f.query("INSERT INTO %s.%s (id%s) VALUES (1000%s)" % (db, t, ", v" if "v" in columns else "", ", 1" if "v" in columns else ""))
        equal(f.query("SELECT COUNT(*) FROM %s.%s WHERE id = 1000" % (db, t)), [("1",)])


def settled(f):
    """No job is running any more."""
    try:
        return all("done" in " ".join(map(str, row)).lower() or "cancel" in " ".join(map(str, row)).lower() or
                   "undone" in " ".join(map(str, row)).lower() or "failed" in " ".join(map(str, row)).lower()
                   for row in f.query("SHOW DDL"))
    except ServerError as e:
        if e.code in (1064, 1235):
            time.sleep(2)
            return True
        return False


@contextlib.contextmanager
def something_in_the_way(f, sql):
    """A table of a new table's physical name on one shard, for the statement that is to fail there."""
    shard = PlainClient(f.port("s3")) if "d.way" in sql else None
    if shard:
        shard.query("CREATE TABLE d.way (x INT)")
    try:
        yield
    finally:
        if shard:
            shard.query("DROP TABLE IF EXISTS d.way")
            shard.close()


def clean(f):
    for sql in ("DROP DATABASE IF EXISTS d2", *SETUP):
        f.query(sql)


def at_point(point, how):
    def go(f):
        reached = []
        # A failure has an effect at few points only: those that commit.
        for sql in STATEMENTS if how == "crash" or point.startswith("metadb.") else STATEMENTS[::4]:
            clean(f)
            with something_in_the_way(f, sql):
                try:
                    f.restart(faults="%s=%s@1" % (point, how))
                    f.query(sql)
                except (ServerError, OSError):
                    pass
                except AssertionError:        # it was killed while it started
                    assert not f.alive()
                dead = not f.alive()
                f.restart()
                if how == "crash" and not dead:
                    continue
                reached.append(sql)
                eventually("jobs have ended", lambda: settled(f), 20)
            try:
                check(f)
            except Exception:
                comment("after: " + sql)
                raise
        assert reached, "no statement passes this point"
        comment("%d of %d statements" % (len(reached), len(STATEMENTS)))
    go.__name__ = "at_" + how
    return go


@test("each statement works, and the check holds")
def plain(f):
    for sql in STATEMENTS:
        clean(f)
        with something_in_the_way(f, sql):
            if "CHECK" in sql or "d.way" in sql or "d.wide" in sql:
                comment(fails_with((3819, 4025, 1050, 1118), f.query, sql))
            else:
                f.query(sql)
        try:
            check(f)
        except Exception:
            comment("after: " + sql)
            raise


@test("there are fault points to kill at")
def has_points(f):
    assert points, "tesserad --list-faults names none"


points = [p for p in fault_points() if p in os.environ.get("TESSERA_FAULT_POINTS", p).split()]
for point_ in points:
    test("kill -9 at " + point_)(at_point(point_, "crash"))
for point_ in points:
    test("failure at " + point_)(at_point(point_, "error"))

with Fleet(shards=4, options={"recovery_interval_ms": 200, "heartbeat_interval_ms": 100}) as fleet:
    run(fleet)
