#!/usr/bin/python3
"""Clients that do not read, do not stop, do not end what they began: tesserad's memory stays bounded, others are served as
before, and nothing of them stays on the shards."""
import os
import random
import socket
import threading
import time

from lib import *

need_tesserad()
MIB = 1 << 20
SANITIZED = bool(os.environ.get("TESSERA_SLOW"))     # sanitizers keep what was freed: sizes say nothing there


def memory(f):
    """Resident MiB of tesserad."""
    with open("/proc/%d/status" % f.pid()) as s:
        return int(next(line for line in s if line.startswith("VmRSS")).split()[1]) / 1024


def ok(f):
    """Others are served, at once."""
    began = time.monotonic()
    with Wire(f.port()) as w:
        w.login(db="hostile")
        equal(w.query("SELECT v FROM t WHERE id = 1"), [("1",)])
        equal(w.query("SELECT COUNT(*) FROM t"), [("2000",)])
    assert time.monotonic() - began < 3 * SLOW, "others wait: %.1f s" % (time.monotonic() - began)
    assert f.alive(), "tesserad is gone" + f.log_tail()


class Bounded:
    """Within it, memory may grow by so many MiB."""

    def __init__(self, f, mib):
        self.f, self.mib = f, mib

    def __enter__(self):
        self.before = memory(self.f)
        return self

    def look(self, seconds=1.5):
        end = time.monotonic() + seconds
        most = 0
        while time.monotonic() < end:
            most = max(most, memory(self.f) - self.before)
            time.sleep(0.1)
        comment("grew by %.1f MiB at most" % most)
        assert SANITIZED or most <= self.mib, "grew by %.1f MiB, from %.1f" % (most, self.before)

    def __exit__(self, *_):
        return False


def quiet_on_shards(f):
    """No statement of these tests runs on any shard."""
    def none():
        for name in ("s1", "s2"):
            with PlainClient(f.port(name)) as c:
                if any("REPEAT" in (row[0] or "").upper() for row in
                       texts(c.query("SELECT info FROM information_schema.processlist WHERE id <> CONNECTION_ID() AND command <> 'Sleep' "
                                     "AND info NOT LIKE '%processlist%'"))):
                    return False
        return True
    eventually("the shards have stopped", none, 20)


def never_reads(sql, clients=8):
    def go(f):
        held = []
        # Each would get 400 MB. A shard's rows that wait take up to 5 MiB, and there are four partitions.
        with Bounded(f, 32 * clients) as b:
            for _ in range(clients):
                w = Wire(f.port(), timeout=30)
                w.login(db="hostile")
                w.command("QUERY", sql)
                held.append(w)
            b.look()
            ok(f)
        # One of them takes its time, but takes it all.
        one = held.pop()
        kind, _, rows = one.result()
        equal((kind, len(rows)), ("rows", 400))
        for w in held:
            w.close()
        quiet_on_shards(f)
        ok(f)
    return go


test("results that nobody reads: one place")(never_reads(b"SELECT id, REPEAT('y', 1000000) FROM one LIMIT 400"))
test("results that nobody reads: several places")(never_reads(b"SELECT id, REPEAT('y', 1000000) FROM t LIMIT 400"))
test("results that nobody reads: merged in order")(never_reads(b"SELECT id, REPEAT('y', 1000000) FROM t ORDER BY id LIMIT 400"))


@test("results that nobody reads: prepared")
def never_reads_prepared(f):
    held = []
    with Bounded(f, 32 * 8) as b:
        for _ in range(8):
            w = Wire(f.port(), timeout=30)
            w.login(db="hostile")
            stmt, _, _ = w.prepare("SELECT id, REPEAT('y', 1000000) FROM t LIMIT 300")
            w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1))
            held.append(w)
        b.look()
        ok(f)
    for w in held:
        w.close()
    quiet_on_shards(f)


def push(w, data, seconds=3.0):
    """Sends as much of data, again and again, as the peer takes within the time; bytes taken."""
    w.sock.settimeout(0.3)
    taken, end = 0, time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            taken += w.sock.send(data[taken % len(data):])
        except (TimeoutError, socket.timeout):
            pass
        except OSError:
            break
    return taken


@test("many statements in one packet, and nobody reads the answers")
def multi_unread(f):
    with Bounded(f, 64) as b:
        held = []
        for i in range(4):
            w = Wire(f.port(), timeout=30)
            w.login(db="hostile", caps=MULTI_STATEMENTS | (DEPRECATE_EOF if i % 2 else 0))
            w.command("QUERY", b"SELECT REPEAT('m', 100000);" * 5000)
            held.append(w)
        b.look()
        ok(f)
        # The sequence ids (which Wire checks) go on through all results of a packet.
        for w in held[:2]:
            for _ in range(200):
                kind, _, rows = w.result()
                equal((kind, len(rows)), ("rows", 1))
        for w in held:
            w.close()
    quiet_on_shards(f)
    ok(f)


@test("commands sent on and on without reading an answer: no more is taken than fits")
def pipelined_unread(f):
    body = b"\x03SELECT REPEAT('p', 10000)"
    with Bounded(f, 32) as b:
        held = []
        for _ in range(4):
            w = Wire(f.port(), timeout=30)
            w.login(db="hostile")
            taken = push(w, (struct.pack("<I", len(body)) + body) * 1000, 1.5)
            comment("%d bytes taken" % taken)
            assert taken < 64 * MIB
            held.append(w)
        b.look(0.5)
        ok(f)
        # Whoever reads then gets every answer, in order.
        w = held[0]
        w.sock.settimeout(20 * SLOW)
        for _ in range(500):
            w.seq = 1
            kind, _, rows = w.result()
            equal((kind, len(w.values(rows[0])[0])), ("rows", 10000))
        for w in held:
            w.close()
    ok(f)


@test("packets that are announced and never come take no memory")
def announced(f):
    held = []
    with Bounded(f, 24) as b:
        for _ in range(200):
            w = Wire(f.port(), timeout=30)
            w.login()
            w.sock.sendall(b"\xff\xff\xff\0\x03SELECT '")
            held.append(w)
        b.look(0.5)
        ok(f)
    for w in held:
        w.close()
    ok(f)


@test("long statements in pieces from several clients at once, one of them cut off")
def long_statements(f):
    def one(n, cut):
        try:
            with Wire(f.port(), timeout=60) as w:
                w.login(db="hostile")
                text = b"SELECT LENGTH('" + b"L" * n + b"')"
                if cut:
                    w.sock.sendall(b"\xff\xff\xff\0\x03" + text[:0xFFFFFE] + b"\xff\xff\xff\x01" + b"L" * 1000)
                    return
                got.append(w.query(text) == [(str(n),)])
        except Exception as e:
            got.append(e)
    got = []
    threads = [threading.Thread(target=one, args=(n, cut)) for n, cut in ((17 * MIB, False), (33 * MIB, False), (40 * MIB, True), (20 * MIB, False))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    equal(got, [True] * 3)
    ok(f)
    # What they took is given back (allocators and page pools keep some).
    if not SANITIZED:
        eventually("memory is given back", lambda: memory(f) < 300, 10)


@test("long data without end: an error at EXECUTE, memory stays bounded")
def long_data(f):
    with Bounded(f, 160) as b, Wire(f.port(), timeout=60) as w:
        w.login(db="hostile")
        stmt, _, _ = w.prepare("SELECT LENGTH(?)")
        for _ in range(100):
            w.command("STMT_SEND_LONG_DATA", struct.pack("<IH", stmt, 0) + b"d" * MIB)
        w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1) + b"\0\x01\xfc\0")
        e = fails_with((1105, 1153, 1301, 1210), w.result)
        comment(e)
        b.look(0.5)
        w.command("STMT_RESET", struct.pack("<I", stmt))
        equal(w.result()[0], "ok")
        w.command("STMT_SEND_LONG_DATA", struct.pack("<IH", stmt, 0) + b"abc")
        w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1) + b"\0\x01\xfc\0")
        equal(w.result()[0], "rows")
    ok(f)


@test("prepared statements without end: 1461, and that connection goes on")
def many_prepared(f):
    with Bounded(f, 200) as b, Wire(f.port(), timeout=60) as w:
        w.login(db="hostile")
        limit = int(w.query("SELECT @@max_prepared_stmt_count")[0][0])
        comment("limit %d" % limit)
        for i in range(limit + 10):
            try:
                w.prepare("SELECT 1")
            except ServerError as e:
                equal(e.code, 1461)
                comment("%d: %s" % (i, e))
                break
        else:
            raise AssertionError("no limit")
        equal(w.query("SELECT 1"), [("1",)])
        b.look(0.2)
    with Wire(f.port()) as w:
        w.login()
        w.prepare("SELECT 1")       # what the other one had is free again


@test("a client that closes its writing side gets its answer")
def half_closed(f):
    with Wire(f.port(), timeout=10) as w:
        w.login(db="hostile")
        w.command("QUERY", b"SELECT SLEEP(0.3), 5")
        w.sock.shutdown(socket.SHUT_WR)
        # MySQL notices at the next command only; an end at once is as good, silence is not.
        try:
            equal(w.values(w.result()[2][0])[1], b"5")
        except Closed:
            comment("the connection was ended instead")
        assert w.closed()
    quiet_on_shards(f)
    ok(f)


@test("TLS that is none, TLS where none was asked for, and a hello without an end")
def bad_tls(f):
    for after in (b"\x16\x03\x01\xff\xff" + b"\0" * 100, os.urandom(500), b"\x16\x03\x01\x02\0", b"\x24\0\0\x02" + b"x" * 36, b""):
        with Wire(f.port(), timeout=10) as w:
            w.greeting()
            if not w.server_caps & SSL:
                raise Skip("no TLS here")
            w.write(struct.pack("<IIB23x", BASE_CAPS | SSL, 1 << 24, 45))
            w.sock.sendall(after)
            assert w.closed()
    with Wire(f.port(), timeout=10) as w:
        w.greeting()
        w.sock.sendall(b"\x16\x03\x01\x02\0\x01\0\x01\xfc\x03\x03" + os.urandom(200))
        assert w.closed()
    ok(f)


@test("names and attributes at login that are far too long")
def long_login(f):
    def attempt(rest, caps=0):
        with Wire(f.port(), timeout=10) as w:
            w.greeting()
            w.write(struct.pack("<IIB23x", BASE_CAPS | caps, 1 << 24, 45) + rest)
            with contextlib.suppress(ServerError, Closed):
                data = w.error(w.read())
                assert data[:1] in (b"\0", b"\xfe", b"\x01"), data[:20]
    attempt(b"u" * 5000 + b"\0\0" + NATIVE + b"\0")
    attempt(b"root\0\0" + b"d" * 5000 + b"\0" + NATIVE + b"\0", CONNECT_WITH_DB)
    attempt(b"root\0\0" + b"p" * 5000 + b"\0")
    attempt(b"root\0\xff" + b"a" * 255 + NATIVE + b"\0")
    attempt(b"root\0\0" + NATIVE + b"\0" + b"\xfd\xff\xff\x07" + b"k" * 60000, CONNECT_ATTRS)
    attempt(b"root\0\0" + NATIVE + b"\0" + b"\xfc\xe8\xfd" + b"\xfb" * 65000, CONNECT_ATTRS)
    ok(f)


@test("transactions of clients that vanish are rolled back at once")
def vanish(f):
    for _ in range(20):
        w = Wire(f.port())
        w.login(db="hostile")
        w.query("BEGIN")
        w.query("UPDATE t SET v = v + 1 WHERE id IN (1, 2, 3, 4, 5)")
        w.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))     # ends with a reset
        w.close()
    ok(f)
    with Wire(f.port()) as w:
        w.login(db="hostile")
        w.query("SET SESSION innodb_lock_wait_timeout = 3")
        equal(w.query("UPDATE t SET v = v WHERE id IN (1, 2, 3, 4, 5)"), 0)


@test("noise: random bytes before, at and after login")
def noise(f):
    rnd = random.Random(3)
    for i in range(150):
        with Wire(f.port(), timeout=5) as w:
            if i % 3:
                w.login(db="hostile")
            with contextlib.suppress(OSError):
                for _ in range(rnd.randrange(1, 4)):
                    n = rnd.randrange(0, 300)
                    w.sock.sendall((struct.pack("<I", n)[:3] + bytes([rnd.choice((0, 0, 1, 2))]) if i % 2 else b"") + rnd.randbytes(n))
                w.sock.settimeout(0.02)
                w.sock.recv(65536)
    ok(f)


def main():
    home = tempfile.mkdtemp(prefix="tessera-hostile-")
    cert, key = certificate(home)
    with Fleet(shards=2, options={"connect_timeout_ms": 3000, "listen": {"tls": {"cert": cert, "key": key}}}) as f:
        with f.client() as c:
            c.query("CREATE DATABASE hostile")
            c.query("USE hostile")
            c.query("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")
            c.query("CREATE TABLE one (id INT NOT NULL PRIMARY KEY, v INT) SINGLE")
            for t in ("t", "one"):
                c.query("INSERT INTO %s VALUES %s" % (t, ",".join("(%d, %d)" % (i, i) for i in range(1, 2001))))
        shutil.rmtree(home, ignore_errors=True)
        run(f)


main()
