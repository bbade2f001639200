#!/usr/bin/python3
"""Two-phase commit under fire: tesserad is killed at every named fault point of transactions while clients move money
between accounts on different shards. After each restart: every transfer is whole or absent, what a client was told is
done is there, the sum is what it was, and no branch is left in XA RECOVER.

Each transfer also writes a line to a ledger, in the same transaction, on whichever shard that falls: an account's balance
must be what the ledger says of it.
"""
import os
import random
import time

from bank import *

need_tesserad()
SECONDS = 6
OPTIONS = {"recovery_interval_ms": 200, "pool": {"probe_interval_ms": 200}}


def fault_points():
    done = program(TESSERAD, "--list-faults")
    if done.returncode:
        return []
    names = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    return [n for n in names if n.split(".")[0] in ("txn", "xa", "executor", "backend", "recover")]


def kill_random(f, bank):
    for _ in range(4):
        delay = time.monotonic() + random.uniform(0.3, 1.2)
        bank.run_until(lambda: time.monotonic() > delay and not f.pg("kill", "p1", check=False).returncode, 10)
        f.restart()
        comment("%d transfers in the ledger" % bank.check())


def kill_shard(f, bank):
    for name in ("s1", "s2", "s3", "s4"):
        at = time.monotonic() + 0.5
        bank.run_until(lambda: time.monotonic() > at and not f.pg("kill", name, check=False).returncode, 10)
        f.pg("restart", name)
        eventually("the fleet is whole", lambda: works(f), 20)
        comment("%s: %d transfers in the ledger" % (name, bank.check()))


def works(f):
    try:
        return f.query("SELECT COUNT(*) FROM bank.account") == [(str(ACCOUNTS),)]
    except (ServerError, OSError):
        return False


def at_point(point):
    """Kills at the first time that the point is passed, and once more a little later."""
    def go(f, bank):
        reached = 0
        for nth in (1, 7):
            f.restart(faults="%s=crash@%d" % (point, nth))
            before = len(bank.acked)
            if not bank.run_until(lambda: not f.alive(), SECONDS):
                comment("not passed %d times in %d s, %d transfers" % (nth, SECONDS, len(bank.acked) - before))
                assert reached or not point.startswith("txn."), "never passed"
                break
            reached += 1
            f.restart()
            bank.check()
        if not reached:
            raise Skip("transfers do not pass this point")
    return go


def at_recovery_point(point):
    """Kills while something is in doubt, then kills the recovery of that, then looks."""
    def go(f, bank):
        reached = False
        for first in ("txn.record_written", "txn.some_prepared", "txn.primary_committed"):
            f.restart(faults="%s=crash@3" % first)
            if not bank.run_until(lambda: not f.alive(), SECONDS):
                continue
            try:
                f.restart(faults="%s=crash@1" % point)
            except AssertionError:
                pass        # it died before it answered: that is what was asked for
            with contextlib.suppress(AssertionError):
                eventually("it dies", lambda: not f.alive(), 4)
                reached = True
            f.restart()
            bank.check()
        if not reached:
            raise Skip("recovery did not pass this point")
    return go


def error_at_point(point):
    """The step fails (every third time) instead of the process."""
    def go(f, bank):
        f.restart(faults="%s=error@3" % point)
        end = time.monotonic() + 1.5
        bank.run_until(lambda: time.monotonic() > end, 10)
        assert f.alive(), "tesserad ended" + f.log_tail()
        f.restart()
        bank.check()
    return go


@test("transfers work, and their books are right")
def plain(f, bank):
    bank.set_up()
    end = time.monotonic() + 1
    bank.run_until(lambda: time.monotonic() > end, 10)
    n = bank.check()
    comment("%d transfers in the ledger" % n)
    assert n > 10, "hardly any transfer succeeded" + f.log_tail()


test("kill -9 of tesserad at random moments")(kill_random)
points = fault_points()
for point_ in points:
    test("kill -9 at " + point_)((at_recovery_point if point_.startswith("recover.") else at_point)(point_))
for point_ in points:
    test("failure at " + point_)(error_at_point(point_))


test("kill -9 of a shard's server while transfers run")(kill_shard)


@test("the same with the servers' binary logs on: a one-phase commit that was cut off comes back prepared")
def kill_shard_binlog(f, bank):
    with Fleet(shards=4, options=OPTIONS, extra=("--binlog", "on")) as g:
        other = Bank(g)
        other.set_up()
        kill_shard(g, other)


@test("there are fault points to kill at")
def has_points(f, bank):
    assert points, "tesserad --list-faults names none"


with Fleet(shards=4, options=OPTIONS) as fleet:
    run(fleet, Bank(fleet))
