#!/usr/bin/python3
"""Two-phase commit under fire: tesserad is killed at every named fault point of transactions while clients move money
between accounts on different shards. After each restart: every transfer is whole or absent, what a client was told is
done is there, the sum is what it was, and no branch is left in XA RECOVER.

Each transfer also writes a line to a ledger, in the same transaction, on whichever shard that falls: an account's balance
must be what the ledger says of it.
"""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "it"))
from lib import *

need_tesserad()
ACCOUNTS, BALANCE, CLIENTS = 40, 1000, 4
SECONDS = 12


class Bank:
    """The clients' own record of what they did."""

    def __init__(self, f):
        self.f = f
        self.lock = threading.Lock()
        self.next_id = 0
        self.acked, self.aborted, self.unknown = set(), set(), set()

    def set_up(self):
        with self.f.client() as c:
            c.query("CREATE DATABASE bank")
            c.query("USE bank")
            c.query("CREATE TABLE account (id INT NOT NULL PRIMARY KEY, balance INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("CREATE TABLE ledger (id INT NOT NULL PRIMARY KEY, src INT NOT NULL, dst INT NOT NULL, amount INT NOT NULL) "
                    "PARTITION BY KEY (id) PARTITIONS 8")
            c.query("INSERT INTO account VALUES " + ",".join("(%d, %d)" % (i, BALANCE) for i in range(ACCOUNTS)))

    def transfer(self, c, rnd):
        with self.lock:
            self.next_id += 1
            id_ = self.next_id
        src, dst = rnd.sample(range(ACCOUNTS), 2)
        amount = rnd.randrange(1, 20)
        steps = ["UPDATE account SET balance = balance - %d WHERE id = %d" % (amount, src),
                 "UPDATE account SET balance = balance + %d WHERE id = %d" % (amount, dst),
                 "INSERT INTO ledger VALUES (%d, %d, %d, %d)" % (id_, src, dst, amount)]
        rnd.shuffle(steps)
        committing = False
        try:
            c.query("BEGIN")
            for sql in steps:
                c.query(sql)
            if rnd.randrange(8) == 0:
                c.query("ROLLBACK")
                outcome = self.aborted
            else:
                committing = True
                c.query("COMMIT")
                outcome = self.acked
        except ServerError as e:
            # An error of COMMIT leaves the outcome open unless it is a plain refusal; the ledger tells.
            outcome = self.unknown if committing else self.aborted
            with contextlib.suppress(ServerError):
                c.query("ROLLBACK")
        except OSError:
            with self.lock:
                (self.unknown if committing else self.aborted).add(id_)
            raise
        with self.lock:
            outcome.add(id_)

    def work(self, until, port, seed):
        rnd = random.Random(seed)
        while not until.is_set():
            try:
                with PlainClient(port, timeout=20 * SLOW) as c:
                    c.query("USE bank")
                    while not until.is_set():
                        self.transfer(c, rnd)
            except (OSError, ServerError):
                until.wait(0.05)

    def run_until(self, stop_when, seconds):
        """Clients transfer until stop_when() or the time is over; whether it was stop_when."""
        until, port = threading.Event(), self.f.port()
        threads = [threading.Thread(target=self.work, args=(until, port, random.random()), daemon=True) for _ in range(CLIENTS)]
        for t in threads:
            t.start()
        end, met = time.monotonic() + seconds * SLOW, False
        while time.monotonic() < end and not met:
            time.sleep(0.02)
            met = stop_when()
        until.set()
        for t in threads:
            t.join(30 * SLOW)
            assert not t.is_alive(), "a client got no answer for 30 s" + self.f.log_tail()
        return met

    def check(self):
        eventually("no branch is left in XA RECOVER", lambda: not any(self.f.on_shards("XA RECOVER").values()), 20)
        balances = {int(i): int(b) for i, b in self.f.query("SELECT id, balance FROM account", database="bank")}
        equal(sum(balances.values()), ACCOUNTS * BALANCE, "sum of all balances")
        ledger = self.f.query("SELECT id, src, dst, amount FROM ledger", database="bank")
        want = dict.fromkeys(range(ACCOUNTS), BALANCE)
        for _, src, dst, amount in ledger:
            want[int(src)] -= int(amount)
            want[int(dst)] += int(amount)
        equal(balances, want, "balances against the ledger")
        there = {int(row[0]) for row in ledger}
        equal(self.acked - there, set(), "transfers that a client was told are done and that are gone")
        equal(self.aborted & there, set(), "transfers that a client was told failed and that are there")
        return len(there)


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
test("kill -9 of a shard's server while transfers run")(kill_shard)
points = fault_points()
for point_ in points:
    test("kill -9 at " + point_)((at_recovery_point if point_.startswith("recover.") else at_point)(point_))
for point_ in points:
    test("failure at " + point_)(error_at_point(point_))


@test("there are fault points to kill at")
def has_points(f, bank):
    assert points, "tesserad --list-faults names none"


with Fleet(shards=4, options={"recovery_interval_ms": 200, "pool": {"probe_interval_ms": 200}}, extra=("--binlog", "on")) as fleet:
    run(fleet, Bank(fleet))
