"""A bank on a fleet: clients move money between accounts on different shards and keep their own record of what they were
told. check() holds the fleet to it."""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "it"))
from lib import *

ACCOUNTS, BALANCE, CLIENTS = 40, 1000, 4


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
