#!/usr/bin/python3
"""The protocol: every command, large packets, and what clients do wrong. After each, others are served as before."""
import os
import random
import resource
import socket
import threading
import time

from lib import *

need_tesserad()


def ok(f):
    """Others are served."""
    with Wire(f.port()) as w:
        w.login()
        equal(w.query("SELECT 1"), [("1",)])
    assert f.alive(), "tesserad is gone" + f.log_tail()


@test("PING, STATISTICS, INIT_DB, FIELD_LIST, SET_OPTION, DEBUG, unknown commands")
def commands(f):
    with Wire(f.port()) as w:
        w.login()
        w.command("PING")
        equal(w.result()[0], "ok")
        w.command("STATISTICS")
        text = w.read()
        assert text.startswith(b"Uptime: "), text
        w.command("INIT_DB", b"information_schema")
        equal(w.result()[0], "ok")
        equal(w.query("SELECT DATABASE()"), [("information_schema",)])
        w.command("INIT_DB", b"no_such_db")
        fails_with(1049, w.result)
        w.command("INIT_DB", b"itp")
        equal(w.result()[0], "ok")
        w.command("SET_OPTION", b"\0\0")
        assert w.error(w.read())[:1] in b"\0\xfe"
        w.command("SET_OPTION", b"\x07\0")
        fails_with(1047, lambda: w.error(w.read()))
        for code in (0, 5, 6, 8, 11, 15, 16, 19, 20, 21, 29, 30, 33, 100, 255):
            w.command(code, b"x")
            fails_with((1047, 1235, 1227, 1105, 1835), lambda: w.error(w.read()))
            w.command("PING")
            equal(w.result()[0], "ok", "after command %d" % code)
        w.command("QUIT")
        assert w.closed()


@test("FIELD_LIST gives the columns of a table")
def field_list(f):
    with Wire(f.port()) as w:
        w.login(db="itp")
        w.command("FIELD_LIST", b"t\0%")
        names = []
        while True:
            data = w.error(w.read())
            if data[:1] == b"\xfe" and len(data) < 9:
                break
            names.append(w.column(data)["name"])
        equal(names, ["id", "v"])


@test("a zero byte at the end of a statement ends it; elsewhere it is an error")
def zero_byte(f):
    with Wire(f.port()) as w:
        w.login(db="itp")
        equal(w.query("SELECT 1\0"), [("1",)])
        equal(w.query("SELECT COUNT(*) FROM t; \0 \n")[0][0].isdigit(), True)
        equal(w.query("CREATE TABLE IF NOT EXISTS z (a INT PRIMARY KEY)\0"), 0)
        equal(w.query("SELECT 'a\0'"), [("a\0",)])
        for bad in ("SELECT 1\0\0", "SELECT \0 1", "\0SELECT 1"):
            fails_with(1064, w.query, bad)
        w.command("STMT_PREPARE", b"SELECT 2\0")
        assert w.error(w.read())[:1] == b"\0"


@test("RESET_CONNECTION forgets variables, statements, the transaction; keeps the database as the server does")
def reset(f):
    with Wire(f.port()) as w:
        w.login(db="itp")
        w.query("SET @a = 5, SESSION wait_timeout = 77")
        w.query("SET SESSION TRANSACTION READ ONLY")
        w.query("SET TRANSACTION READ ONLY")
        stmt, _, _ = w.prepare("SELECT 1")
        w.command("RESET_CONNECTION")                       # here for the access modes
        equal(w.result()[0], "ok")
        w.query("SET @a = 5")
        stmt, _, _ = w.prepare("SELECT 1")
        w.query("BEGIN")
        w.query("INSERT INTO t VALUES (777, 'x')")
        w.command("RESET_CONNECTION")
        equal(w.result()[0], "ok")
        equal(w.query("SELECT @a, @@wait_timeout <> 77, DATABASE()"), [(None, "1", "itp")])
        equal(w.query("SELECT COUNT(*) FROM t WHERE id = 777"), [("0",)])
        w.command("STMT_EXECUTE", struct.pack("<IBI", stmt, 0, 1))
        fails_with(1243, w.result)


@test("DEPRECATE_EOF and the older form give the same rows")
def eof(f):
    got = []
    for caps in (0, DEPRECATE_EOF):
        with Wire(f.port()) as w:
            w.login(db="itp", caps=caps)
            got.append(w.query("SELECT * FROM t WHERE id = 1"))
            got.append(w.query("SELECT * FROM t WHERE id < 4 ORDER BY id"))
            got.append(w.query("SELECT 1 WHERE 1 = 0"))
    equal(got[:3], got[3:])


@test("what Tessera does not do is named as the client wrote it; locks that are not taken are told")
def named(f):
    with Wire(f.port()) as w:
        w.login()
        for sql, name in (("PURGE BINARY LOGS BEFORE '2000-01-01'", "PURGE BINARY LOGS"), ("/* x */ start slave", "START SLAVE"),
                          ("INSTALL PLUGIN x_y SONAME 'z'", "INSTALL PLUGIN"), ("HANDLER t OPEN", "HANDLER")):
            try:
                w.query(sql)
                raise AssertionError(sql)
            except ServerError as e:
                assert e.code in (1235, 1064) and "_STMT" not in e.text and (e.code == 1064 or name in e.text), e
        if SERVER == "mariadb":
            assert "'RESET QUERY CACHE'" in fails_with(1235, w.query, "RESET QUERY CACHE").text
        w.query("FLUSH TABLES WITH READ LOCK")
        assert "no lock" in w.query("SHOW WARNINGS")[0][2]
        w.query("FLUSH TABLES")
        equal(w.query("SHOW WARNINGS"), [])
        fails_with(1049, w.query, "USE tessera")
        fails_with(1235, w.query, "SET ROLE NONE")


@test("clients that follow the session's state get the info as servers send it, and a new schema")
def session_track(f):
    def fields(data):
        at = lenenc(data, 1)[1]
        at = lenenc(data, at)[1]
        status = struct.unpack_from("<H", data, at)[0]
        parts, at = [], at + 4
        while at < len(data):
            n, at = lenenc(data, at)
            parts.append(data[at:at + n])
            at += n
        return status, parts
    for caps in (SESSION_TRACK, 0):
        with Wire(f.port()) as w:
            w.login(caps=caps, db="itp")
            assert w.server_caps & SESSION_TRACK, "clients decide by the greeting how the info is written"
            w.command("QUERY", b"UPDATE t SET v = v WHERE id = 1")
            status, parts = fields(w.error(w.read()))
            assert not status & 0x4000 and len(parts) == 1 and parts[0].startswith(b"Rows matched: "), parts
            for packet in (("QUERY", b"USE information_schema"), ("INIT_DB", b"itp")):
                w.command(*packet)
                status, parts = fields(w.error(w.read()))
                name = packet[1].split()[-1]
                equal((bool(status & 0x4000), parts),
                      (True, [b"", bytes([1, len(name) + 1, len(name)]) + name]) if caps else (False, []))
            w.command("QUERY", b"DO 1")
            equal(fields(w.error(w.read()))[1], [])


@test("status flags tell of transactions and autocommit")
def status(f):
    with Wire(f.port()) as w:
        w.login(db="itp")

        def flags(sql):
            w.command("QUERY", sql.encode())
            return w.result()[3]
        assert flags("DO 1") & 2 and not flags("DO 1") & 1
        assert flags("BEGIN") & 1
        assert flags("UPDATE t SET v = 'q' WHERE id = 1") & 1
        assert not flags("ROLLBACK") & 1
        assert not flags("SET autocommit = 0") & 2
        assert flags("SET autocommit = 1") & 2


@test("the error packet names MySQL's code and state, and the connection goes on")
def errors(f):
    with Wire(f.port()) as w:
        w.login(db="itp")
        for sql, code, state in (("SELEC", 1064, "42000"), ("SELECT * FROM nope", 1146, "42S02"), ("SELECT nope FROM t", 1054, "42S22"),
                                 ("", 1065, "42000"), ("INSERT INTO t VALUES (1, 'dup')", 1062, "23000")):
            e = fails_with(code, w.query, sql)
            equal(e.state, state, sql)
            equal(w.query("SELECT 1"), [("1",)])


@test("large packets: statements and values around and over 16 MiB")
def large(f):
    with Wire(f.port(), timeout=60) as w:
        w.login(db="itp")
        for n in (0xFFFFFF - 10, 0xFFFFFF - 9, 0xFFFFFF - 8, 0xFFFFFF + 5, 2 * 0xFFFFFF):
            pad = n - len("\x03SELECT LENGTH('')")
            equal(w.query("SELECT LENGTH('%s')" % ("x" * pad)), [(str(pad),)], "statement of %d bytes" % n)
        for n in (0xFFFFFF - 5, 0xFFFFFF - 4, 0xFFFFFF, 20 << 20):
            row = w.query("SELECT REPEAT('y', %d)" % n)
            equal(len(row[0][0]), n, "value")
            equal(w.query("SELECT 1"), [("1",)])
        big = "z" * (3 << 20)
        equal(w.query("REPLACE INTO big VALUES (1, '%s')" % big) in (1, 2), True)
        equal(w.query("SELECT v = REPEAT('z', %d) FROM big WHERE id = 1" % len(big)), [("1",)])
        equal(len(w.query("SELECT v FROM big WHERE id = 1")[0][0]), len(big))


@test("a statement over max_allowed_packet: 1153, that connection alone ends")
def too_large(f):
    with Wire(f.port(), timeout=60) as w:
        w.login()
        try:
            w.command("QUERY", b"SELECT '%s'" % (b"x" * (66 << 20)))
            head = w.exactly(7)
            equal((head[4], int.from_bytes(head[5:7], "little")), (0xFF, 1153), "answer")
        except (Closed, BrokenPipeError, ConnectionResetError):
            pass
    ok(f)


@test("a wrong sequence number: 1156, that connection alone ends")
def sequence(f):
    for seq in (1, 5, 255):
        with Wire(f.port()) as w:
            w.login()
            w.write(b"\x03SELECT 1", seq=seq)
            w.seq = None
            data = w.sock.recv(4096)
            if data:
                equal(data[4], 0xFF, "packet")
                equal(int.from_bytes(data[5:7], "little"), 1156, "code")
            assert w.closed()
    with Wire(f.port()) as w:
        w.greeting()
        w.write(struct.pack("<IIB23x", BASE_CAPS, 1 << 24, 45) + b"root\0\0" + NATIVE + b"\0", seq=7)
        assert w.closed()
    ok(f)


@test("malformed commands: an error or the end of that connection, never of others")
def malformed(f):
    rnd = random.Random(7)
    bodies = [b"", b"\x17", b"\x17\0\0", b"\x17\x01\0\0\0", b"\x17" + b"\xff" * 9, b"\x17\x01\0\0\0\0\x01\0\0\0\xff", b"\x18\x01", b"\x19\x01",
              b"\x1a", b"\x1a\xff\xff\xff\xff", b"\x1c\x01\0\0\0", b"\x1b", b"\x1b\x01", b"\x0c", b"\x0c\x01", b"\x11", b"\x11root",
              b"\x11root\0\xff", b"\x04", b"\x04no_null", b"\x02", b"\x16", b"\x16\0", b"\x03\0", b"\x03\xff\xfe\xfd", b"\x1f\x01\x02"]
    bodies += [bytes([rnd.choice([3, 4, 17, 22, 23, 24, 25, 26, 28])]) + rnd.randbytes(rnd.randrange(40)) for _ in range(150)]
    for body in bodies:
        with Wire(f.port(), timeout=5) as w:
            w.login(db="itp")
            w.write(body, seq=0)
            w.sock.settimeout(0.05)
            with contextlib.suppress(Exception):
                w.sock.recv(65536)
    ok(f)


@test("malformed execute of a real statement: errors, no crash")
def malformed_execute(f):
    rnd = random.Random(11)
    good = struct.pack("<BI", 0, 1) + b"\0\x01\x08\0\xfd\0" + struct.pack("<q", 1) + b"\x03abc"
    for i in range(120):
        with Wire(f.port(), timeout=5) as w:
            w.login(db="itp")
            stmt, params, _ = w.prepare("SELECT id FROM t WHERE id = ? OR v = ?")
            equal(params, 2)
            body = bytearray(good)
            if i < len(good):
                body = body[:i]
            else:
                for _ in range(rnd.randrange(1, 4)):
                    body[rnd.randrange(len(body))] = rnd.randrange(256)
            w.command("STMT_EXECUTE", struct.pack("<I", stmt) + bytes(body))
            w.sock.settimeout(0.2)
            with contextlib.suppress(Exception):
                w.result()
    ok(f)


@test("malformed handshake answers")
def malformed_handshake(f):
    rnd = random.Random(5)
    good = struct.pack("<IIB23x", BASE_CAPS | CONNECT_ATTRS, 1 << 24, 45) + b"root\0\0" + NATIVE + b"\0" + b"\x05\x01a\x02bc"
    bodies = [good[:i] for i in range(0, len(good), 3)] + [b"", b"\0", b"\xff" * 200, b"\0" * 100, struct.pack("<IIB23x", 0, 0, 0) + b"root\0"]
    bodies += [struct.pack("<IIB23x", BASE_CAPS | LENENC_AUTH, 1 << 24, 45) + b"root\0" + b"\xfe" + b"\xff" * 8]
    for _ in range(100):
        body = bytearray(good)
        for _ in range(rnd.randrange(1, 6)):
            body[rnd.randrange(len(body))] = rnd.randrange(256)
        bodies.append(bytes(body))
    for body in bodies:
        with Wire(f.port(), timeout=5) as w:
            w.greeting()
            w.write(body)
            w.sock.settimeout(0.05)
            with contextlib.suppress(Exception):
                w.sock.recv(65536)
    with Wire(f.port()) as w:
        w.sock.sendall(b"GET / HTTP/1.0\r\n\r\n")
        assert w.closed()
    with Wire(f.port()) as w:
        w.greeting()
        w.sock.sendall(b"\xff\xff\xff\x01" + b"a" * 70000)     # a login of 16 MiB
        assert w.closed()
    ok(f)


@test("half-open and slow clients do not disturb others; a login has a time limit")
def half_open(f):
    held = []
    for _ in range(50):
        s = socket.create_connection(("127.0.0.1", f.port()))
        held.append(s)
    for _ in range(20):
        w = Wire(f.port())
        w.login()
        w.sock.sendall(b"\x20\0\0\0\x03SELE")      # and never the rest
        held.append(w.sock)
    ok(f)
    with Wire(f.port(), timeout=30) as w:
        w.greeting()
        began = time.monotonic()
        w.sock.sendall(b"\x50\0")
        assert w.closed(), "the login's limit (connect_timeout_ms 3000 here) did not hold"
        assert time.monotonic() - began < 15 * SLOW
    for s in held:
        s.close()
    ok(f)


@test("a statement sent byte by byte, and several in one write")
def fragments(f):
    with Wire(f.port()) as w:
        w.login(db="itp")
        body = b"\x03SELECT v FROM t WHERE id = 2"
        for b in struct.pack("<I", len(body)) + body:
            w.sock.sendall(bytes([b]))
            time.sleep(0.002)
        w.seq = 1
        equal(w.values(w.result()[2][0]), [b"two"])
        one = struct.pack("<I", len(body)) + body
        w.sock.sendall(one * 5)
        for _ in range(5):
            w.seq = 1
            equal(w.values(w.result()[2][0]), [b"two"])


@test("a client that leaves in the middle of a transaction or a result leaves no lock behind")
def leaves(f):
    w = Wire(f.port())
    w.login(db="itp")
    w.query("BEGIN")
    w.query("UPDATE t SET v = 'locked' WHERE id IN (1, 2, 3, 4)")
    w.close()
    w = Wire(f.port())
    w.login(db="itp")
    w.command("QUERY", b"SELECT REPEAT('x', 10000000)")
    w.sock.recv(10)
    w.close()
    with Wire(f.port()) as w:
        w.login(db="itp")
        w.query("SET SESSION innodb_lock_wait_timeout = 5")
        equal(w.query("UPDATE t SET v = v WHERE id IN (1, 2, 3, 4)"), 0)
        equal(w.query("SELECT v FROM t WHERE id = 1"), [("one",)])


@test("an execution sent behind its PREPARE, before the id is known (MariaDB: id -1)")
def last_prepared(f):
    execute = struct.pack("<IBI", 0xFFFFFFFF, 0, 1) + b"\0\1" + struct.pack("<HQ", 8, 3)
    with Wire(f.port()) as c:
        c.login(db="itp")
        for sql in ("SELECT v FROM t WHERE id = ?", "SELECT v, 1 FROM t WHERE id = ?"):
            c.command("STMT_PREPARE", sql.encode())
            equal(c.prepared()[1], 1, "parameters")
            c.command("STMT_EXECUTE", execute)
            if SERVER == "mysql":
                fails_with(1243, c.result)
            else:
                equal(len(c.result()[2]), 1, "rows")
        c.command("STMT_PREPARE", b"SELECT nothing FROM t")
        fails_with(1054, c.prepared)
        c.command("STMT_EXECUTE", execute)
        fails_with(1243, c.result)


@test("texts that are only comments, and ';' at the end")
def comments(f):
    with f.client() as c:
        for sql in ("-- x", "/* x */", "#a", "/*!999999 x */", "select 1;;", "select 1; ;", "-- x\n;"):
            c.query(sql)
        for sql in ("", " ", ";", "; ;"):
            fails_with(1065, c.query, sql)


@test("2,000 connects at once: all are served")
def many(f):
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < 5000:
        if hard < 5000:
            raise Skip("not enough file descriptors")
        resource.setrlimit(resource.RLIMIT_NOFILE, (5000, hard))
    port, n = f.port(), 2000
    done, failed, lock = [], [], threading.Lock()
    barrier = threading.Barrier(20)

    def some():
        barrier.wait()
        mine = []
        try:
            for _ in range(n // 20):
                s = socket.socket()
                s.setblocking(False)
                s.connect_ex(("127.0.0.1", port))
                mine.append(s)
            for i, s in enumerate(mine):
                s.settimeout(30 * SLOW)
                w = Wire.__new__(Wire)
                w.sock, w.seq, w.caps, w.path = s, 0, 0, []
                w.login()
                equal(w.query("SELECT 7"), [("7",)])
                with lock:
                    done.append(w)
        except Exception as e:
            with lock:
                failed.append(e)
    threads = [threading.Thread(target=some) for _ in range(20)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if failed:
        raise AssertionError("%d of %d served; first failure: %r" % (len(done), n, failed[0]))
    equal(len(done), n)
    for w in done:
        w.close()
    ok(f)


@test("max_connections: the one too many gets 1040, later ones are served again")
def limit(f):
    with Fleet(options={"max_connections": 10}) as g:
        held = []
        for _ in range(10):
            w = Wire(g.port())
            w.login()
            held.append(w)
        with Wire(g.port()) as w:
            fails_with(1040, w.greeting)
        held.pop().close()
        eventually("a place is free", lambda: try_login(g.port()))


def try_login(port):
    try:
        with Wire(port) as w:
            w.login()
            return True
    except (ServerError, Closed):
        return False


@test("KILL and COM_PROCESS_KILL end a statement and a connection")
def kill(f):
    with Wire(f.port(), timeout=30) as victim, Wire(f.port()) as killer:
        victim.login(db="itp")
        killer.login()
        id_ = int(victim.query("SELECT CONNECTION_ID()")[0][0])
        equal(id_, victim.conn_id, "CONNECTION_ID() and the greeting's")
        victim.command("QUERY", b"SELECT SLEEP(20) FROM t WHERE id = 1")
        time.sleep(0.3)
        began = time.monotonic()
        killer.query("KILL QUERY %d" % id_)
        try:
            victim.result()       # SLEEP answers 1 when it is interrupted, on some servers
        except ServerError as e:
            equal(e.code, 1317)
        assert time.monotonic() - began < 10 * SLOW
        equal(victim.query("SELECT 1"), [("1",)])
        killer.query("KILL %d" % id_)
        assert victim.closed()
        fails_with(1094, killer.query, "KILL 4294967294")


def main():
    with Fleet(shards=4, options={"connect_timeout_ms": 3000}) as f:
        with f.client() as c:
            c.query("CREATE DATABASE itp")
            c.query("USE itp")
            c.query("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v VARCHAR(20)) PARTITION BY KEY (id) PARTITIONS 4")
            c.query("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three'), (4, 'four')")
            c.query("CREATE TABLE big (id INT NOT NULL PRIMARY KEY, v LONGTEXT) PARTITION BY KEY (id) PARTITIONS 4")
        run(f)


main()
