#!/usr/bin/python3
"""sysbench's workloads through Tessera, prepared statements on and off: no error, and the rows on the shards add up.
TESSERA_SYSBENCH_SECONDS and TESSERA_SYSBENCH_ROWS make it long (60 and 100000 for the full run);
TESSERA_SYSBENCH_ONLY=oltp_insert,oltp_delete runs these alone."""
import os
import re
import subprocess

from lib import *

need_tesserad()
SECONDS = int(os.environ.get("TESSERA_SYSBENCH_SECONDS", "3"))
ROWS = int(os.environ.get("TESSERA_SYSBENCH_ROWS", "20000"))
ONLY = os.environ.get("TESSERA_SYSBENCH_ONLY", "").split(",")
TABLES = 4
if not playground.find_program("sysbench"):
    skip_all("sysbench is not installed")


def sysbench(f, test, command, *more):
    done = program("sysbench", test, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-port=%d" % f.port(), "--mysql-user=root",
                   "--mysql-db=sbtest", "--tables=%d" % TABLES, "--table-size=%d" % ROWS, *more, command, timeout=SECONDS + 300)
    assert done.returncode == 0 and "FATAL" not in done.stderr + done.stdout, (done.stdout + done.stderr)[-1500:] + f.log_tail()
    return done.stdout


def adds_up(f):
    """Counts through Tessera are the sums of what the shards have."""
    for t in range(1, TABLES + 1):
        through = int(f.query("SELECT COUNT(*) FROM sbtest.sbtest%d" % t)[0][0])
        there = 0
        for shard in ("s1", "s2", "s3", "s4"):
            with PlainClient(f.port(shard)) as c:
                names = [r[0] for r in texts(c.query("SELECT table_name FROM information_schema.tables WHERE table_schema = 'sbtest'"))]
                for name in names:
                    if name.split("__p")[0] == "sbtest%d" % t:
                        there += int(texts(c.query("SELECT COUNT(*) FROM sbtest.`%s`" % name))[0][0])
        equal(through, there, "rows of sbtest%d" % t)
    eventually("no branch is left", lambda: not any(f.on_shards("XA RECOVER").values()), 10)


@test("prepare: tables without a partition clause are spread over all shards")
def prepare(f):
    f.query("CREATE DATABASE sbtest")
    sysbench(f, "oltp_read_write", "prepare")
    equal(f.query("SELECT COUNT(*) FROM sbtest.sbtest1"), [(str(ROWS),)])
    shards = {name for row in f.query("SHOW TOPOLOGY FROM sbtest.sbtest1") for name in row if name in ("s1", "s2", "s3", "s4")}
    equal(len(shards), 4, "shards of sbtest1")
    adds_up(f)


def workload(name, mode):
    def go(f):
        # The writers sometimes meet: these errors are MySQL's own answers to that.
        out = sysbench(f, name, "run", "--threads=16", "--time=%d" % SECONDS, "--db-ps-mode=" + mode,
                       "--mysql-ignore-errors=1213,1205" + (",1062" if name == "oltp_insert" else ""))
        done = int(re.search(r"queries:\s+(\d+)", out).group(1))
        ignored = int(re.search(r"ignored errors:\s+(\d+)", out).group(1))
        comment("%d statements, %d deadlocks or lock waits" % (done, ignored))
        assert done > 100, out
        # Deadlocks over shards end by the lock wait timeout: some of them are in the nature of the load.
        assert ignored <= max(32, done // 50), out
        adds_up(f)
    return go


for mode_ in ("disable", "auto"):
    for name_ in ("oltp_point_select", "oltp_read_only", "oltp_read_write", "oltp_update_index", "oltp_update_non_index", "oltp_insert", "oltp_delete",
                  "oltp_write_only", "select_random_points", "select_random_ranges"):
        if ONLY == [""] or name_ in ONLY:
            test("%s, prepared statements %s" % (name_, {"disable": "off", "auto": "on"}[mode_]))(workload(name_, mode_))

with Fleet(shards=4) as fleet:
    run(fleet)
