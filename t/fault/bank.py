"""A bank on a fleet: clients move money between accounts on different shards and keep their own record of what they were
told. check() holds the fleet to it.

What a client does is one of several kinds of transaction (Bank.transfer), so that every step of the transaction path is
passed: pieces of one statement on several shards, one statement alone, savepoints, statements that fail and are undone,
rows that move because their partition key changes, rollbacks. What a client was told is taken at its word: an error other than
"unknown outcome" means that nothing of it happened.
"""
import os
import random
import sys
import threading
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "it"))
from lib import *

ACCOUNTS, BALANCE, CLIENTS, SLOTS = 200, 1000, 12, 64
UNKNOWN_OUTCOME = 9003


class Bank:
    """The clients' own record of what they did."""

    def __init__(self, f, clients=CLIENTS, ddl=False):
        self.f, self.clients, self.ddl = f, clients, ddl
        self.lock = threading.Lock()
        self.next_id = 0
        self.codes = {}                 # error codes that clients saw, and how often
        self.acked, self.aborted, self.unknown = set(), set(), set()
        self.hung = []                  # statements that got no answer in time
        self.ports = None               # where clients connect (all of the fleet's proxies where None)

    def set_up(self):
        with self.f.client() as c:
            c.query("CREATE DATABASE bank")
            c.query("USE bank")
            c.query("CREATE TABLE account (id INT NOT NULL PRIMARY KEY, balance INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("CREATE TABLE ledger (id INT NOT NULL PRIMARY KEY, src INT NOT NULL, dst INT NOT NULL, amount INT NOT NULL) "
                    "PARTITION BY KEY (id) PARTITIONS 8")
            # Rows of two that are written by one statement; rows of one by one statement; rows that change places.
            c.query("CREATE TABLE pair (id INT NOT NULL PRIMARY KEY, twin INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("CREATE TABLE lone (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("CREATE TABLE slot (id INT NOT NULL PRIMARY KEY, v INT NOT NULL) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("INSERT INTO account VALUES " + ",".join("(%d, %d)" % (i, BALANCE) for i in range(ACCOUNTS)))
            c.query("INSERT INTO slot VALUES " + ",".join("(%d, %d)" % (i, i) for i in range(SLOTS)))
            c.query("INSERT INTO pair VALUES (0, 1), (1, 0)")

    # Each kind gives its statements; those behind "?" may fail with a duplicate key, and the transaction goes on.

    @staticmethod
    def moves(rnd):
        src, dst = rnd.sample(range(ACCOUNTS), 2)
        return src, dst, rnd.randrange(1, 20)

    @staticmethod
    def line(id_, src, dst, amount):
        return "INSERT INTO ledger VALUES (%d, %d, %d, %d)" % (id_, src, dst, amount)

    def k_steps(self, id_, rnd):
        src, dst, amount = self.moves(rnd)
        steps = ["UPDATE account SET balance = balance - %d WHERE id = %d" % (amount, src),
                 "UPDATE account SET balance = balance + %d WHERE id = %d" % (amount, dst), self.line(id_, src, dst, amount)]
        rnd.shuffle(steps)
        return steps

    def k_one_statement(self, id_, rnd):
        src, dst, amount = self.moves(rnd)
        return ["UPDATE account SET balance = balance + IF(id = %d, -%d, %d) WHERE id IN (%d, %d)" % (src, amount, amount, src, dst),
                self.line(id_, src, dst, amount)]

    def k_savepoint(self, id_, rnd):
        src, dst, amount = self.moves(rnd)
        return ["UPDATE account SET balance = balance - %d WHERE id = %d" % (amount, src), "SAVEPOINT here",
                "UPDATE account SET balance = balance + 777 WHERE id IN (%d, %d)" % (src, dst), "ROLLBACK TO here",
                "UPDATE account SET balance = balance + %d WHERE id = %d" % (amount, dst), self.line(id_, src, dst, amount)]

    def k_failing(self, id_, rnd):
        src, dst, amount = self.moves(rnd)
        return ["UPDATE account SET balance = balance - %d WHERE id = %d" % (amount, src),
                "?INSERT INTO pair VALUES (%d, 0), (0, 0), (%d, 0), (1, 1)" % (10 ** 8 + id_, 2 * 10 ** 8 + id_),
                "UPDATE account SET balance = balance + %d WHERE id = %d" % (amount, dst), self.line(id_, src, dst, amount)]

    def k_slot(self, id_, rnd):
        src, dst, amount = self.moves(rnd)
        k = rnd.randrange(SLOTS)
        return ["UPDATE account SET balance = balance + IF(id = %d, -%d, %d) WHERE id IN (%d, %d)" % (src, amount, amount, src, dst),
                "?UPDATE slot SET id = %d WHERE id = %d" % (k + SLOTS, k) if rnd.randrange(2) else
                "?UPDATE slot SET id = %d WHERE id = %d" % (k, k + SLOTS), self.line(id_, src, dst, amount)]

    def note(self, id_, outcome):
        with self.lock:
            outcome.add(id_)

    def error(self, e):
        with self.lock:
            self.codes[e.code] = self.codes.get(e.code, 0) + 1

    def alone(self, c, id_, sql):
        """A statement that is a transaction of its own."""
        try:
            c.query(sql)
            self.note(id_, self.acked)
        except ServerError as e:
            self.error(e)
            self.note(id_, self.unknown if e.code == UNKNOWN_OUTCOME else self.aborted)
        except OSError:
            self.note(id_, self.unknown)
            raise

    def transfer(self, c, rnd):
        with self.lock:
            self.next_id += 1
            id_ = self.next_id
        kind = rnd.choice((self.k_steps, self.k_steps, self.k_one_statement, self.k_savepoint, self.k_failing, self.k_slot, "pair", "lone"))
        if kind == "pair":
            a, b = 1000 + 2 * id_, 1001 + 2 * id_
            return self.alone(c, -a, "INSERT INTO pair VALUES (%d, %d), (%d, %d)" % (a, b, b, a))
        if kind == "lone":
            return self.alone(c, ("lone", id_), "INSERT INTO lone VALUES (%d)" % id_)
        committing = False
        try:
            c.query("BEGIN")
            for sql in kind(id_, rnd):
                try:
                    c.query(sql.lstrip("?"))
                except ServerError as e:
                    if not (e.code == 1062 and sql[0] == "?"):
                        raise
            if rnd.randrange(8) == 0:
                c.query("ROLLBACK")
                outcome = self.aborted
            else:
                committing = True
                c.query("COMMIT")
                outcome = self.acked
        except ServerError as e:
            self.error(e)
            outcome = self.unknown if committing and e.code == UNKNOWN_OUTCOME else self.aborted
            with contextlib.suppress(ServerError):
                c.query("ROLLBACK")
        except OSError:
            self.note(id_, self.unknown if committing else self.aborted)
            raise
        self.note(id_, outcome)

    def work(self, until, port, seed):
        rnd = random.Random(seed)
        while not until.is_set():
            try:
                with PlainClient(port, timeout=20 * SLOW) as c:
                    c.query("USE bank")
                    # Transfers may lock each other out over shards; without a detector only the limit ends that.
                    c.query("SET SESSION innodb_lock_wait_timeout = 2")
                    while not until.is_set():
                        self.transfer(c, rnd)
            except TimeoutError:
                self.hung.append(time.strftime("%H:%M:%S", time.gmtime()))
            except (OSError, ServerError):
                until.wait(0.05)

    def work_ddl(self, until, port):
        """Tables come and go beside the transfers."""
        while not until.is_set():
            for sql in ("CREATE TABLE IF NOT EXISTS beside (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 4",
                        "ALTER TABLE beside ADD COLUMN a INT", "DROP TABLE IF EXISTS beside"):
                try:
                    with PlainClient(port, timeout=60 * SLOW) as c:
                        c.query("USE bank")
                        c.query(sql)
                except (OSError, ServerError):
                    until.wait(0.05)

    def run_until(self, stop_when, seconds):
        """Clients transfer until stop_when() or the time is over; whether it was stop_when."""
        until, ports = threading.Event(), self.ports or [self.f.port()]
        threads = [threading.Thread(target=self.work, args=(until, ports[i % len(ports)], random.random()), daemon=True)
                   for i in range(self.clients)]
        if self.ddl:
            threads.append(threading.Thread(target=self.work_ddl, args=(until, ports[0]), daemon=True))
        for t in threads:
            t.start()
        end, met = time.monotonic() + seconds * SLOW, False
        while time.monotonic() < end and not met:
            time.sleep(0.02)
            met = stop_when()
        until.set()
        for t in threads:
            t.join(60 * SLOW)
            assert not t.is_alive(), "a client got no answer for 60 s" + self.f.log_tail()
        assert not self.hung, "clients got no answer for 20 s, until %s%s" % (self.hung, self.f.log_tail())
        return met

    def run_for(self, seconds):
        self.run_until(lambda: False, seconds / SLOW)

    def check(self, seconds=20):
        eventually("no branch is left in XA RECOVER", lambda: not any(self.f.on_shards("XA RECOVER").values()), seconds)
        with self.f.client() as c:
            c.query("USE bank")
            balances = {int(i): int(b) for i, b in texts(c.query("SELECT id, balance FROM account"))}
            ledger = texts(c.query("SELECT id, src, dst, amount FROM ledger"))
            pairs = {int(a): int(b) for a, b in texts(c.query("SELECT id, twin FROM pair"))}
            lone = {("lone", int(i)) for (i,) in texts(c.query("SELECT id FROM lone"))}
            slots = sorted((int(i) % SLOTS, int(v)) for i, v in texts(c.query("SELECT id, v FROM slot")))
            # No lock is left: every row can be had.
            c.query("SET SESSION innodb_lock_wait_timeout = 10")
            for t in ("account", "ledger", "pair", "lone", "slot"):
                c.query("BEGIN")
                c.query("SELECT * FROM %s FOR UPDATE" % t)
                c.query("ROLLBACK")
        equal(sum(balances.values()), ACCOUNTS * BALANCE, "sum of all balances")
        want = dict.fromkeys(range(ACCOUNTS), BALANCE)
        for _, src, dst, amount in ledger:
            want[int(src)] -= int(amount)
            want[int(dst)] += int(amount)
        equal(balances, want, "balances against the ledger")
        equal({a for a in pairs if pairs.get(pairs[a]) != a}, set(), "halves of statements over two shards")
        equal(slots, [(i, i) for i in range(SLOTS)], "rows whose partition key changes")
        there = {int(row[0]) for row in ledger} | {-a for a in pairs if a >= 1000 and a % 2 == 0} | lone
        equal(self.acked - there, set(), "what a client was told is done and that is gone")
        equal(self.aborted & there, set(), "what a client was told failed and that is there")
        return len(there)
