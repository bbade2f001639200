#!/usr/bin/python3
"""What a review of sessions and executions found: things that go wrong at awkward moments. Most of these only show in full
under a sanitizer; the last test looks for its reports."""
import re
import threading

from lib import *

need_tesserad()
ROWS, WIDTH = 160, 200000          # of `fat`: more than all buffers on the way hold


def wire(f, caps=0, timeout=30.0):
    try:
        w = Wire(f.port(), timeout=timeout)
    except ConnectionRefusedError:                      # a test before this one broke it
        f.restart()
        w = Wire(f.port(), timeout=timeout)
    return w.login(db="rv", caps=caps)


def ask(w, sql):
    w.command("QUERY", sql.encode())
    return w.result()


def rows(w, sql):
    return [tuple(None if v is None else v.decode() for v in w.values(r)) for r in ask(w, sql)[2]]


def prepare(w, sql):
    w.command("STMT_PREPARE", sql.encode())
    ok = w.error(w.read())
    stmt, columns, params = struct.unpack_from("<IHH", ok, 1)
    names = []
    for n in (params, columns):
        for _ in range(n):
            names.append(w.column(w.read())["name"])
        if n and not w.caps & DEPRECATE_EOF:
            equal(w.read()[:1], b"\xfe")
    return stmt


def execute(w, stmt, ints=()):
    body = struct.pack("<IBI", stmt, 0, 1)
    if ints:
        body += bytes((len(ints) + 7) // 8) + b"\x01" + b"\x08\x00" * len(ints) + b"".join(struct.pack("<q", i) for i in ints)
    w.command("STMT_EXECUTE", body)
    return w.result()


def kill(f, w, what="QUERY"):
    f.query("KILL %s %d" % (what, w.conn_id))


def fine(w):
    equal(rows(w, "SELECT 1"), [("1",)])


@test("thousands of statements in one packet, and of items in one SET, need no stack")
def stack(f):
    with wire(f, MULTI_STATEMENTS) as w:
        n = 20000
        w.command("QUERY", b"SET @a = 1;" * n + b"SET @a = 2")
        for _ in range(n + 1):
            equal(w.result()[0], "ok")
        fine(w)
        equal(ask(w, "SET " + "@a = 1, " * 60000 + "@a = 3")[0], "ok")
        equal(rows(w, "SELECT @a"), [("3",)])


@test("PREPARE and EXECUTE cannot be prepared")
def nested(f):
    with wire(f) as w:
        for sql in ("EXECUTE s", "PREPARE q FROM \\'SELECT 1\\'", "DEALLOCATE PREPARE s"):
            fails_with(1295, ask, w, "PREPARE s FROM '%s'" % sql)
        fails_with(1295, prepare, w, "EXECUTE s")
        fine(w)


@test("KILL QUERY in the middle of rows: whole packets, in order, then the error")
def kill_relay(f):
    for sql in ("SELECT v FROM fat WHERE g = 1", "SELECT v FROM fat", "SELECT i, v FROM fat ORDER BY v, i"):
        for caps in (0, DEPRECATE_EOF):
            with wire(f, caps) as w:
                ask(w, "SET sort_buffer_size = 67108864")       # MySQL sorts no fat rows in the playground's small one
                w.command("QUERY", sql.encode())
                time.sleep(0.4)
                kill(f, w)
                time.sleep(0.2)
                try:
                    equal(w.result()[0], "rows")
                except ServerError as e:
                    equal(e.code, 1317, sql)
                fine(w)


@test("a client that hangs up in the middle of rows")
def hang_up(f):
    for sql in ("SELECT v FROM fat WHERE g = 1", "SELECT v FROM fat", "SELECT i, v FROM fat ORDER BY v, i",
                "SELECT SLEEP(1) FROM t", "INSERT INTO t SELECT 1000 + id, SLEEP(1) FROM t WHERE id = 1",
                "UPDATE t SET v = SLEEP(0.3)", "SET @a = SLEEP(2)", "SHOW TABLES LIKE 'x%'"):
        for wait in (0, 0.05, 0.3):
            w = wire(f)
            ask(w, "SET sort_buffer_size = 67108864")
            w.command("QUERY", sql.encode())
            time.sleep(wait)
            w.close()
    eventually("all statements have ended", lambda: f.query("SELECT COUNT(*) FROM rv.t WHERE id = 1"), 10)
    equal(f.query("SELECT COUNT(*) FROM rv.fat"), [(str(ROWS),)])


@test("KILL while a session value is evaluated, a statement prepared")
def kill_side(f):
    for sql in ("SET @a = SLEEP(20), @b = 1", "SET @a = 1, sql_mode = CONCAT(SLEEP(20), '')", "SELECT SLEEP(20) FROM t",
                "INSERT INTO t VALUES (SLEEP(20) + 2000, 'a'), (2001, 'b')", "UPDATE t SET id = id + 5000 WHERE SLEEP(20) = 0"):
        with wire(f) as w:
            w.command("QUERY", sql.encode())
            time.sleep(0.3)
            began = time.monotonic()
            kill(f, w)
            fails_with((1317, 1105), w.result)
            assert time.monotonic() - began < 8 * SLOW, sql
            fine(w)
            w.command("QUERY", sql.encode())
            time.sleep(0.2)
            kill(f, w, "CONNECTION")


@test("output that drains while the next statement of the packet runs")
def drain_behind(f):
    with wire(f, MULTI_STATEMENTS) as w:
        for second in ("INSERT INTO t VALUES (3000, SLEEP(1)), (3001, SLEEP(1)), (3002, 'x')", "UPDATE t SET id = id + 1 WHERE id >= 3000 AND SLEEP(0.3) = 0",
                       "SET @a = SLEEP(0.5)", "SELECT SLEEP(0.1) FROM t"):
            w.command("QUERY", b"SELECT v FROM fat WHERE g = 1;" + second.encode())
            time.sleep(0.3)
            equal(len(w.result()[2]) > 0, True)
            w.result()
            fine(w)
        ask(w, "DELETE FROM t WHERE id >= 3000")


@test("a shard that goes in the middle of rows: an error in order, or the end of the connection; never half a packet")
def lose_shard(f):
    for sql in ("SELECT v FROM fat WHERE g = 1", "SELECT v FROM fat", "SELECT SLEEP(3) FROM t", "UPDATE t SET v = SLEEP(2)"):
        clients = []
        for caps in (0, DEPRECATE_EOF):
            w = wire(f, caps)
            w.command("QUERY", sql.encode())
            clients.append(w)
        time.sleep(0.4)
        for s in ("s1", "s2", "s3", "s4"):
            f.kill(s)
        for w in clients:
            try:
                w.result()
            except (ServerError, Closed):
                pass
            w.close()
        for s in ("s1", "s2", "s3", "s4"):
            f.restart(s)
        eventually("all shards are back", lambda: answers(f, "SELECT COUNT(*) FROM rv.fat"), 30)


def answers(f, sql):
    """On every worker: a pool that knew its shard as down may not have tried it again yet."""
    try:
        for _ in range(12):
            result = f.query(sql)
        return result
    except (ServerError, OSError):
        return None


@test("writes over several shards while one is down fail and leave nothing")
def down(f):
    f.kill("s2")
    for _ in range(3):
        for sql in ("UPDATE t SET v = 'down'", "INSERT INTO t VALUES (4001, 'a'), (4002, 'b'), (4003, 'c'), (4004, 'd')", "SELECT * FROM t ORDER BY v",
                    "UPDATE t SET id = id + 9000"):
            with wire(f) as w:
                try:
                    ask(w, "BEGIN") if _ == 1 else None
                    ask(w, sql)
                    raise AssertionError("no error: " + sql)
                except ServerError:
                    pass
    f.restart("s2")
    eventually("the shard is back", lambda: answers(f, "SELECT COUNT(*) FROM rv.t"), 30)
    equal(f.query("SELECT COUNT(*) FROM rv.t WHERE v = 'down' OR id > 4000"), [("0",)])


@test("a prepared statement keeps its schema and follows ALTER TABLE")
def prepared(f):
    f.query("CREATE DATABASE rv2")
    with wire(f) as w:
        ask(w, "CREATE TABLE rv2.t (id INT NOT NULL PRIMARY KEY, v VARCHAR(20)) PARTITION BY KEY (id) PARTITIONS 4")
        ask(w, "CREATE TABLE grows (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 4")
        ask(w, "INSERT INTO grows VALUES (1), (2), (3)")
        one, all_, grows = prepare(w, "SELECT v FROM t WHERE id = ?"), prepare(w, "SELECT id FROM t"), prepare(w, "SELECT * FROM grows")
        equal(len(execute(w, one, [1])[2]), 1)
        equal(len(execute(w, all_)[2]), 8)
        equal(len(execute(w, grows)[1]), 1)
        ask(w, "USE rv2")
        equal(len(execute(w, one, [1])[2]), 1, "in its own schema")
        equal(len(execute(w, all_)[2]), 8, "in its own schema")
        ask(w, "ALTER TABLE rv.grows ADD COLUMN b INT DEFAULT 7")
        equal(len(execute(w, one, [1])[2]), 1, "in its own schema after DDL")
        equal(len(execute(w, all_)[2]), 8, "in its own schema after DDL")
        result = execute(w, grows)
        equal([c["name"] for c in result[1]], ["id", "b"])
        equal(len(result[2]), 3)
        ask(w, "SET sql_mode = 'ANSI_QUOTES'")
        equal(len(execute(w, one, [1])[2]), 1)
        ask(w, "DROP TABLE rv.grows")
        fails_with(1146, execute, w, grows)
        fine(w)


@test("DDL while statements of the old shape run")
def ddl_under(f):
    stop = threading.Event()
    broken = []

    def statements():
        while not stop.is_set():
            try:
                with wire(f) as w:
                    ask(w, "SET SESSION innodb_lock_wait_timeout = 1")   # nobody sees a deadlock over several shards
                    stmt = prepare(w, "SELECT * FROM t WHERE id = ?")
                    for i in range(5):
                        for sql in ("SELECT SLEEP(0.02), t.* FROM t", "SELECT v, COUNT(*) FROM t GROUP BY v ORDER BY 1",
                                    "UPDATE t SET v = CONCAT('n', id)", "INSERT INTO other VALUES (%d, 'x'), (%d, UUID())" % (i, i + 100),
                                    "DELETE FROM other", "BEGIN", "UPDATE t SET v = 'q' WHERE id = 1", "SELECT COUNT(*) FROM other", "COMMIT"):
                            try:
                                ask(w, sql)
                            except ServerError as e:
                                if e.code not in (1062, 1146, 1205, 1213, 1054, 1136, 1412, 1317, 9002, 9020):
                                    broken.append("%s: %s" % (sql, e))
                        execute(w, stmt, [i])
            except (OSError, Closed, AssertionError) as e:
                broken.append(repr(e))
                return
    threads = [threading.Thread(target=statements) for _ in range(4)]
    f.query("CREATE TABLE rv.other (id INT NOT NULL PRIMARY KEY, v VARCHAR(40)) PARTITION BY KEY (id) PARTITIONS 4")
    for t in threads:
        t.start()
    try:
        for i in range(2):
            f.query("ALTER TABLE rv.t ADD COLUMN extra%d INT" % i)
            f.query("DROP TABLE rv.other")
            f.query("CREATE TABLE rv.other (id INT NOT NULL PRIMARY KEY, v VARCHAR(40)) PARTITION BY KEY (id) PARTITIONS %d" % (i + 2))
            f.query("ALTER TABLE rv.t DROP COLUMN extra%d" % i)
    finally:
        stop.set()
        for t in threads:
            t.join()
    equal(broken, [])


@test("SIGTERM with statements under way: they are told, the process ends by itself")
def ends(f):
    def limit(conf):
        conf["drain_timeout_ms"] = 1500
    f.change_config(limit)
    f.restart()
    pid = f.pid()
    seen = len(f.log())
    clients = []
    for sql in ("SELECT SLEEP(60) FROM t", "SELECT v FROM fat WHERE g = 1", "SELECT v FROM fat", "UPDATE t SET v = SLEEP(60)",
                "SET @a = SLEEP(60)", "INSERT INTO t VALUES (SLEEP(60) + 7000, 'a'), (7001, 'b')", "SHOW TABLES"):
        w = wire(f)
        w.command("QUERY", sql.encode())
        clients.append(w)
    w = wire(f)
    ask(w, "BEGIN")
    ask(w, "UPDATE t SET v = 'never' WHERE id = 3")
    clients.append(w)
    time.sleep(0.4)
    os.kill(pid, signal.SIGTERM)
    eventually("the process has ended", lambda: not os.path.exists("/proc/%d" % pid) or
               open("/proc/%d/stat" % pid).read().split(")")[-1].split()[0] == "Z", 20)
    for w in clients:
        w.close()
    assert "[main] ended" in f.log()[seen:], f.log_tail()
    f.restart()
    equal(f.query("SELECT COUNT(*) FROM rv.t WHERE v = 'never'"), [("0",)])


@test("no sanitizer report, no broken assertion")
def reports(f):
    f.signal(signal.SIGTERM)
    time.sleep(3)
    log = f.log()
    found = re.search(r"AddressSanitizer|LeakSanitizer|ThreadSanitizer|runtime error|CHECK failed|ASSERT|contradiction", log)
    assert not found, log[found.start() - 200:][:6000]


def main():
    with Fleet(shards=4) as f:
        with f.client() as c:
            c.query("CREATE DATABASE rv")
            c.query("USE rv")
            c.query("CREATE TABLE t (id INT NOT NULL PRIMARY KEY, v VARCHAR(40)) PARTITION BY KEY (id) PARTITIONS 8")
            c.query("INSERT INTO t VALUES " + ", ".join("(%d, 'v%d')" % (i, i) for i in range(1, 9)))
            c.query("CREATE TABLE fat (g INT NOT NULL, i INT NOT NULL, v LONGTEXT, PRIMARY KEY (g, i)) PARTITION BY KEY (g) PARTITIONS 4")
            for i in range(ROWS):
                c.query("INSERT INTO fat VALUES (%d, %d, REPEAT('%c', %d))" % (1 if i % 2 else i, i, 97 + i % 26, WIDTH + i))
        run(f)


main()
