#!/usr/bin/python3
"""A shard that is full: the tablespace that a table's part there and the undo logs live in may not grow any more. Statements that
need room there get the server's own error and leave nothing behind on any shard, the rest goes on, and when there is room again
everything is as it was."""
import time

from points import *

need_tesserad()
FULL = (1114, 1021, 1030, 9020)


@test("a table's part on one shard is full: a clear error, and no row of that statement anywhere")
def full(f, bank):
    bank.set_up()
    with f.client(timeout=60) as c:
        c.query("USE bank")
        # On this shard the table goes into the system tablespace, whose size has a limit.
        with PlainClient(f.port("s2")) as s:
            s.query("SET GLOBAL innodb_file_per_table = OFF")
        c.query("CREATE TABLE big (id INT NOT NULL PRIMARY KEY, v LONGBLOB) PARTITION BY KEY (id) PARTITIONS 4")
        c.query("CREATE TABLE small (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 4")
        n, error = 0, None
        try:
            for n in range(0, 4000, 8):
                c.query("INSERT INTO big VALUES " + ",".join("(%d, REPEAT('b', 1000000))" % i for i in range(n, n + 8)))
        except ServerError as e:
            error = e
        assert error, "never full: %d MB" % n
        comment("after %d MB: %s" % (n, error))
        assert error.code in FULL, error
        equal(texts(c.query("SELECT COUNT(*), COUNT(DISTINCT id), MAX(id) FROM big")), [(str(n), str(n), str(n - 1))])
        # In a transaction: the statement alone is undone, the rest is committed. (MariaDB's undo logs have no room either then.)
        c.query("BEGIN")
        small, failed = 8, 0
        try:
            c.query("INSERT INTO small VALUES (1), (2), (3), (4), (5), (6), (7), (8)")
        except ServerError as e:
            assert e.code in FULL, e
            small = 0
        for i in range(n, n + 16):
            try:
                c.query("INSERT INTO big VALUES (%d, REPEAT('b', 1000000)), (%d, REPEAT('b', 1000000))" % (10000 + 2 * i, 10001 + 2 * i))
            except ServerError as e:
                failed += 1
                assert e.code in FULL, e
        c.query("COMMIT")
        assert failed, "nothing failed"
        equal(texts(c.query("SELECT COUNT(*) FROM small")), [(str(small),)])
        pairs = {int(r[0]) for r in texts(c.query("SELECT id FROM big WHERE id >= 10000"))}
        equal({i for i in pairs if i ^ 1 not in pairs}, set(), "halves of statements")
        comment("%d of 16 statements failed" % failed)


@test("transfers go on meanwhile, and nothing of them is lost")
def goes_on(f, bank):
    bank.run_for(2)
    n = bank.check()
    comment("%d transfers; errors that clients saw: %r" % (n, bank.codes))
    assert n > 50


def waits_for_room(branch):
    """Recovery records the outcome on the shards that a branch's name lists (SHARD:PRIMARY.PRIMARY..): one may have no room for it."""
    _, gtrid_len, _, data = branch
    return "2" in data[int(gtrid_len):].split(":")[1].split(".")


@test("tesserad is killed, the full shard's server is killed: the same, but for branches whose outcome has no room there")
def killed(f, bank):
    for what in ("p1", "s2"):
        at = time.monotonic() + 0.7
        bank.run_until(lambda: time.monotonic() > at and not f.pg("kill", what, check=False).returncode, 10)
        f.pg("restart", what)
        eventually("the fleet is whole", lambda: works(f), 20)
        bank.run_for(0.5)
        left = lambda: [b for l in f.on_shards("XA RECOVER").values() for b in l]
        end = time.monotonic() + 5 * SLOW
        while left() and time.monotonic() < end:
            time.sleep(0.1)
        waiting = left()
        assert all(map(waits_for_room, waiting)), waiting
        if waiting:
            comment("after kill -9 of %s %d branches wait for room" % (what, len(waiting)))
        else:
            bank.check()


@test("there is room again: everything works")
def room(f, bank):
    with open(f.path("fleet.json")) as file:
        text = file.read()
    with open(f.path("fleet.json"), "w") as file:
        file.write(text.replace("max:48M", "max:400M"))
    f.pg("restart", "s2")
    eventually("the fleet is whole", lambda: works(f), 20)
    f.query("TRUNCATE TABLE bank.big")
    with f.client(timeout=60) as c:
        c.query("USE bank")
        c.query("INSERT INTO big VALUES " + ",".join("(%d, REPEAT('c', 1000000))" % i for i in range(16)))
    equal(f.query("SELECT COUNT(*), SUM(LENGTH(v)) FROM bank.big"), [("16", "16000000")])
    before = len(bank.acked)
    bank.run_for(1)
    bank.check()
    assert len(bank.acked) > before + 20, "transfers do not go on"


with Fleet(shards=4, options=OPTIONS, extra=("--server-option", "--innodb-data-file-path=ibdata1:12M:autoextend:max:48M")) as fleet:
    run(fleet, Bank(fleet))
