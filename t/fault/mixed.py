#!/usr/bin/python3
"""Everything at once: sysbench's mixes while tables are created, altered and dropped, statements and connections are killed, shards die and come
back, the configuration is read again, and in the end SIGTERM drains. tesserad lives, nobody waits for ever, and what the
shards have adds up. Meant for sanitizer builds above all. TESSERA_MIXED_SECONDS: for each mix (6)."""
import os
import random
import signal
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "it"))
from lib import *

need_tesserad()
SECONDS = float(os.environ.get("TESSERA_MIXED_SECONDS", "6"))
ROWS, TABLES = 2000, 4
if not playground.find_program("sysbench"):
    skip_all("sysbench is not installed")


def sysbench(f, test, command, *more):
    return subprocess.Popen(["sysbench", test, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-port=%d" % f.port(), "--mysql-user=root",
                             "--mysql-db=sbtest", "--tables=%d" % TABLES, "--table-size=%d" % ROWS, *more, command],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


class Trouble:
    """Threads that make it, until the with block ends."""

    def __init__(self, f, *makers):
        self.f, self.until, self.made = f, threading.Event(), {}
        self.threads = [threading.Thread(target=self.go, args=(m,), daemon=True) for m in makers]

    def go(self, maker):
        n = 0
        while not self.until.is_set():
            try:
                n += maker(self.f, self.until) or 0
            except (ServerError, OSError, Closed):
                self.until.wait(0.05)
            self.made[maker.__name__] = n

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.until.set()
        for t in self.threads:
            t.join(90 * SLOW)
            assert not t.is_alive(), "trouble does not end" + self.f.log_tail()
        comment("%r" % self.made)


def ddl(f, until):
    n = 0
    with f.client(timeout=60) as c:
        for sql in ("CREATE TABLE IF NOT EXISTS sbtest.beside (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4",
                    "INSERT IGNORE INTO sbtest.beside VALUES (1, 1), (2, 2), (3, 3), (4, 4)", "ALTER TABLE sbtest.beside ADD COLUMN w INT",
                    "SELECT SUM(v) FROM sbtest.beside", "ALTER TABLE sbtest.sbtest1 COMMENT = 'x%d'" % random.randrange(100),
                    "TRUNCATE TABLE sbtest.beside", "DROP TABLE IF EXISTS sbtest.beside"):
            with contextlib.suppress(ServerError):
                c.query(sql)
                n += 1
            until.wait(0.05)
    return n


def kills(f, until):
    n = 0
    with f.client() as c:
        me = texts(c.query("SELECT CONNECTION_ID()"))[0][0]
        for _ in range(20):
            rows = [r for r in texts(c.query("SHOW PROCESSLIST")) if r[0] != me]
            if rows:
                with contextlib.suppress(ServerError):
                    c.query(("KILL " if random.randrange(12) == 0 else "KILL QUERY ") + random.choice(rows)[0])
                    n += 1
            until.wait(0.1)
    return n


def reloads(f, until):
    f.change_config(lambda conf: conf.update(plan_cache_entries=4096, wait_timeout_s=random.randrange(100, 20000),
                                             log={"level": random.choice(("info", "warn", "debug"))}))
    f.signal(signal.SIGHUP)
    until.wait(0.3)
    return 1


def shards(f, until):
    name = random.choice(("s2", "s3", "s4"))
    until.wait(1.0)
    f.pg(random.choice(("kill", "stop")), name, check=False)
    until.wait(0.5)
    f.pg("restart", name)
    return 1


def clients(f, until):
    """Connections that come and go, some of them in the middle of something."""
    for i in range(20):
        with Wire(f.port(), timeout=20) as w:
            w.login(db="sbtest")
            if i % 4 == 0:
                w.query("BEGIN")
                w.query("UPDATE sbtest1 SET k = k + 1 WHERE id < 10")
            elif i % 4 == 1:
                w.command("QUERY", b"SELECT * FROM sbtest1 ORDER BY c")
            elif i % 4 == 2:
                stmt, _, _ = w.prepare("SELECT COUNT(*), MAX(c) FROM sbtest2 WHERE id > 5")
                w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1))
                w.result()
            else:
                w.query("SELECT k, COUNT(*) FROM sbtest3 GROUP BY k ORDER BY 2 DESC LIMIT 5")
    return 20


def adds_up(f):
    def whole():
        try:
            return [int(f.query("SELECT COUNT(*) FROM sbtest.sbtest%d" % t)[0][0]) for t in range(1, TABLES + 1)]
        except (ServerError, OSError):
            return None
    eventually("no branch is left", lambda: not any(f.on_shards("XA RECOVER").values()), 30)
    through = eventually("all shards are used again", whole, 30)
    there = dict.fromkeys(range(1, TABLES + 1), 0)
    for shard in ("s1", "s2", "s3", "s4"):
        with PlainClient(f.port(shard)) as c:
            for (name,) in texts(c.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sbtest' AND table_name LIKE 'sbtest%'")):
                there[int(name.split("__p")[0][6:])] += int(texts(c.query("SELECT COUNT(*) FROM sbtest.`%s`" % name))[0][0])
    equal(through, list(there.values()), "rows")


def mix(name, mode):
    def go(f):
        pid, statements = f.pid(), 0
        with Trouble(f, ddl, kills, reloads, shards, clients):
            end = time.monotonic() + SECONDS * (2 if SLOW > 1 else 1)
            # It gives up where a connection was killed under it, maybe before it has told a number: then it is started again.
            while time.monotonic() < end or (statements <= 100 and time.monotonic() < end + 60 * SLOW):
                p = sysbench(f, name, "run", "--threads=8", "--time=%d" % max(2, end - time.monotonic()), "--db-ps-mode=" + mode,
                             "--mysql-ignore-errors=all", "--report-interval=1")
                out = p.communicate(timeout=120 * SLOW)[0]
                for line in out.split("\n"):
                    if "qps:" in line:
                        statements += int(float(line.split("qps:")[1].split()[0]))
        equal(f.pid(), pid, "the process" + f.log_tail(lines=80))
        comment("%d statements" % statements)
        assert statements > 100
        adds_up(f)
    return go


@test("prepare")
def prepare(f):
    f.query("CREATE DATABASE sbtest")
    p = sysbench(f, "oltp_read_write", "prepare")
    out = p.communicate(timeout=300 * SLOW)[0]
    equal(p.returncode, 0, out[-500:])
    adds_up(f)


for name_, mode_ in (("oltp_read_write", "auto"), ("oltp_point_select", "auto"), ("oltp_insert", "disable"), ("oltp_update_index", "auto"),
                     ("oltp_delete", "auto"), ("oltp_read_write", "disable"), ("select_random_ranges", "disable")):
    test("%s, prepared statements %s, in trouble" % (name_, {"disable": "off", "auto": "on"}[mode_]))(mix(name_, mode_))


@test("SIGTERM under load: it drains and ends by itself")
def drain(f):
    f.change_config(lambda conf: conf.update(drain_timeout_ms=3000, log={"level": "info"}))
    f.restart()
    p = sysbench(f, "oltp_read_write", "run", "--threads=8", "--time=%d" % (6 * SLOW), "--mysql-ignore-errors=all")
    time.sleep(1.5)
    f.signal(signal.SIGTERM)
    eventually("it ends", lambda: not f.alive(), 15)
    p.communicate(timeout=120 * SLOW)
    assert "[main] ended" in f.log()[-2000:], f.log_tail()
    f.restart()
    adds_up(f)


with Fleet(shards=4, options={"recovery_interval_ms": 200, "commit_timeout_ms": 3000 * SLOW, "pool": {"probe_interval_ms": 200}},
           extra=("--server-option", "--innodb-lock-wait-timeout=3")) as fleet:
    run(fleet)
