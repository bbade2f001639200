#!/usr/bin/python3
"""The daemon's life: options, configuration errors, start, reload, log reopening, drain, restart."""
import json
import os
import signal
import subprocess
import tempfile
import threading
import time

from lib import *

need_tesserad()


def check_config(conf):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as f:
        f.write(conf if isinstance(conf, str) else json.dumps(conf))
        f.flush()
        return program(TESSERAD, "--config", f.name, "--check-config")


GOOD = {"listen": {"port": 33066}, "shards": [{"name": "s1", "host": "127.0.0.1", "port": 3306}]}


@test("--help and --version")
def help_version(f):
    done = program(TESSERAD, "--help")
    equal(done.returncode, 0)
    for word in ("--config", "--check-config", "--version"):
        assert word in done.stdout, done.stdout
    done = program(TESSERAD, "--version")
    equal(done.returncode, 0)
    assert any(c.isdigit() for c in done.stdout), done.stdout


@test("unknown arguments and a missing file are told, exit code not 0")
def arguments(f):
    done = program(TESSERAD, "--no-such-option")
    assert done.returncode != 0 and done.stderr
    done = program(TESSERAD, "--config", "/nonexistent/tesserad.json")
    assert done.returncode != 0 and "/nonexistent/tesserad.json" in done.stderr, done.stderr


@test("--check-config takes a good file")
def config_good(f):
    done = check_config(GOOD)
    equal(done.returncode, 0, done.stderr)


@test("--check-config names the path of what is wrong")
def config_bad(f):
    for change, path in (({"lissten": {}}, "/lissten"), ({"listen": {"port": "x"}}, "/listen/port"), ({"listen": {"port": 70000}}, "/listen/port"),
                         ({"listen": {"colour": 1}}, "/listen/colour"), ({"shards": []}, "/shards: names no server"), ({"shards": [{"host": "x"}]}, "/shards/0/name"),
                         ({"shards": [{"name": "a"}, {"name": "a"}]}, "/shards/1"), ({"log": {"level": "loud"}}, "/log/level"),
                         ({"max_allowed_packet": "12Q"}, "/max_allowed_packet"), ({"workers": -1}, "/workers"), ({"workers": True}, "/workers"),
                         ({"shards": {"name": "a"}}, "/shards"), ({"listen": 5}, "/listen")):
        done = check_config({**GOOD, **change})
        assert done.returncode != 0, change
        assert path in done.stderr, "%s: %s" % (change, done.stderr)


@test("--check-config: no false errors behind a true one; an empty file is told what it lacks")
def config_only(f):
    two = {"shards": [{"name": "a", "host": "h", "port": 3306}, {"name": "b", "host": "h", "port": 99999}]}
    done = check_config({**GOOD, **two})
    assert "/shards/1/port" in done.stderr and "already" not in done.stderr, done.stderr
    done = check_config({})
    assert "/shards" in done.stderr, done.stderr


@test("--check-config tells where JSON is broken")
def config_syntax(f):
    for text in ("", "{", "[]", '{"listen": }', "{\n\n  nonsense\n}", '{"shards": [{"name": "a"}], "shards": []}'):
        done = check_config(text)
        assert done.returncode != 0 and done.stderr.strip(), text


@test("starts in well under a second once the metadata is there")
def start_time(f):
    f.query("SELECT 1")
    f.pg("stop", "p1")
    began = time.monotonic()
    f.restart()
    took = time.monotonic() - began
    comment("%.2f s, with the playground's own start" % took)
    assert took < 1.5 * SLOW


@test("the schema survives a restart and a kill -9")
def survives(f):
    f.query("CREATE DATABASE life")
    f.query("CREATE TABLE life.t (id INT NOT NULL PRIMARY KEY, v INT) PARTITION BY KEY (id) PARTITIONS 4")
    f.query("INSERT INTO life.t VALUES (1, 1), (2, 2), (3, 3)")
    f.restart()
    equal(f.query("SELECT * FROM life.t ORDER BY id"), [("1", "1"), ("2", "2"), ("3", "3")])
    f.kill("p1")
    f.restart()
    equal(f.query("SELECT COUNT(*) FROM life.t"), [("3",)])


@test("SIGHUP applies what can change and keeps the rest, without losing a connection")
def reload(f):
    with f.client() as c:
        c.query("SET @a = 1")
        f.change_config(lambda conf: conf.update(max_connections=2, workers=1))
        f.signal(signal.SIGHUP)
        def limited():
            with contextlib.ExitStack() as stack:
                try:
                    for _ in range(4):
                        stack.enter_context(Wire(f.port())).login()
                except ServerError as e:
                    return e.code == 1040
                return False
        eventually("max_connections is 2", limited)
        equal(texts(c.query("SELECT @a")), [("1",)])
        assert "workers" in f.log(), "the log does not say that workers needs a restart"
        f.change_config(lambda conf: (conf.pop("max_connections"), conf.pop("workers")))
        f.signal(signal.SIGHUP)
        eventually("max_connections is back", lambda: not limited())


@test("SIGHUP with a broken file: told in the log, the old configuration stays")
def reload_bad(f):
    with open(f.config_path()) as file:
        good = file.read()
    try:
        with open(f.config_path(), "w") as file:
            file.write('{"nonsense": 1')
        before = len(f.log())
        f.signal(signal.SIGHUP)
        eventually("the log tells", lambda: len(f.log()) > before)
        equal(f.query("SELECT 1"), [("1",)])
    finally:
        with open(f.config_path(), "w") as file:
            file.write(good)
    f.signal(signal.SIGHUP)
    equal(f.query("SELECT 1"), [("1",)])


@test("SIGHUP with several mistakes: each is logged")
def reload_all_mistakes(f):
    with open(f.config_path()) as file:
        good = file.read()
    try:
        f.change_config(lambda conf: conf.update(nonsense=1, workers=-1))
        f.signal(signal.SIGHUP)
        eventually("both are told", lambda: "config: /nonsense" in f.log() and "config: /workers" in f.log())
    finally:
        with open(f.config_path(), "w") as file:
            file.write(good)
    f.signal(signal.SIGHUP)
    equal(f.query("SELECT 1"), [("1",)])


@test("SIGHUP reopens the log file")
def log_reopen(f):
    path = f.path("p1", "tesserad.log")
    f.change_config(lambda conf: conf.update(log={"file": path, "level": "debug"}))
    f.signal(signal.SIGHUP)
    eventually("the log file is there", lambda: os.path.exists(path))
    os.rename(path, path + ".1")
    f.signal(signal.SIGHUP)
    eventually("a new one is there", lambda: os.path.exists(path))
    f.change_config(lambda conf: conf.pop("log"))
    f.signal(signal.SIGHUP)


@test("SIGTERM: running statements and transactions finish, new ones are refused, then it ends with 0")
def drain(f):
    with Wire(f.port(), timeout=30) as busy, Wire(f.port(), timeout=30) as txn, Wire(f.port()) as idle:
        for w in (busy, txn, idle):
            w.login(db="life")
        txn.query("BEGIN")
        txn.query("UPDATE t SET v = v + 100 WHERE id = 1")
        txn.query("UPDATE t SET v = v + 100 WHERE id = 2")
        busy.command("QUERY", b"SELECT SLEEP(1.5), 42")
        time.sleep(0.2)
        pid, port = f.pid(), f.port()
        f.signal(signal.SIGTERM)
        assert idle.closed(), "an idle connection stays"

        def refused():
            try:
                with Wire(port, timeout=2) as w:
                    w.login()
                return False
            except (ServerError, Closed, OSError):
                return True
        eventually("new connections are refused", refused)
        equal(busy.values(busy.result()[2][0])[1], b"42")
        txn.query("UPDATE t SET v = v + 100 WHERE id = 3")
        txn.query("COMMIT")
        eventually("it ends", lambda: not f.alive(), 10)
    f.restart()
    equal(f.query("SELECT SUM(v) FROM life.t"), [("306",)])


@test("SIGTERM: an abandoned transaction is ended at the deadline")
def drain_deadline(f):
    f.change_config(lambda conf: conf.update(drain_timeout_ms=1000))
    f.restart()
    with Wire(f.port(), timeout=30) as w:
        w.login(db="life")
        w.query("BEGIN")
        w.query("UPDATE t SET v = 0 WHERE id = 1")
        began = time.monotonic()
        f.signal(signal.SIGTERM)
        eventually("it ends", lambda: not f.alive(), 8)
        comment("%.1f s" % (time.monotonic() - began))
    f.change_config(lambda conf: conf.pop("drain_timeout_ms"))
    f.restart()
    equal(f.query("SELECT SUM(v) FROM life.t"), [("306",)])


@test("systemd is told READY=1 and STOPPING=1")
def notify(f):
    home = tempfile.mkdtemp(prefix="tessera-notify-")
    path = os.path.join(home, "socket")
    s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    s.bind(path)
    s.settimeout(15 * SLOW)
    f.pg("stop", "p1")
    p = subprocess.Popen([TESSERAD, "--config", f.config_path()], env={**os.environ, "NOTIFY_SOCKET": path}, stdin=subprocess.DEVNULL,
                         stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = b""
        while b"READY=1" not in told:
            told += s.recv(4096) + b"\n"
        p.send_signal(signal.SIGTERM)
        while b"STOPPING=1" not in told:
            told += s.recv(4096) + b"\n"
        equal(p.wait(20 * SLOW), 0, "exit code")
    finally:
        p.kill()
        p.wait()
        s.close()
        shutil.rmtree(home, ignore_errors=True)
    f.restart()


@test("a port in use is told, exit code not 0")
def port_in_use(f):
    done = program(TESSERAD, "--config", f.config_path(), timeout=30)
    assert done.returncode != 0 and str(f.port()) in done.stderr, done.stderr


@test("no metadata server: told clearly, exit code not 0 or waits for it")
def no_metadata(f):
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
        conf = {"listen": {"port": 0, "socket": f.path("x.sock")}, "shards": [{"name": "s1", "port": port}],
                "metadata": {"host": "127.0.0.1", "port": port, "connect_timeout_ms": 500}}
        with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
            json.dump(conf, file)
            file.flush()
            try:
                done = program(TESSERAD, "--config", file.name, timeout=8)
                assert done.returncode != 0 and str(port) in done.stderr, done.stderr
            except subprocess.TimeoutExpired as e:
                assert str(port) in (e.stderr or b"").decode(), e.stderr


@test("two tesserads in front of one fleet see each other's schema")
def two(f):
    with Fleet(shards=2, proxies=2) as g:
        g.query("CREATE DATABASE twin", "p1")
        g.query("CREATE TABLE twin.t (id INT NOT NULL PRIMARY KEY) PARTITION BY KEY (id) PARTITIONS 4", "p1")
        eventually("p2 knows the table", lambda: works(lambda: g.query("INSERT INTO twin.t VALUES (1), (2), (3)", "p2")), 5)
        equal(g.query("SELECT COUNT(*) FROM twin.t", "p1"), [("3",)])
        g.query("ALTER TABLE twin.t ADD COLUMN v INT DEFAULT 5", "p2")
        eventually("p1 knows the column", lambda: works(lambda: g.query("SELECT v FROM twin.t", "p1")), 5)


def works(call):
    try:
        call()
        return True
    except ServerError:
        return False


def main():
    with Fleet(shards=4) as f:
        run(f)


main()
