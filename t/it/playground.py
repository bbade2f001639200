#!/usr/bin/python3
"""The playground itself: what its verbs promise, on the kind of server under test."""
import json
import os
import socket
import subprocess

from lib import *


@test("status --json has the promised form, and processes are what it says")
def status(f):
    out = json.loads(f.pg("status", "--json").stdout)
    equal(sorted(out), ["proxies", "shards"])
    equal([m["name"] for m in out["shards"]], ["s1", "s2"])
    for m in out["shards"]:
        equal(sorted(m), ["host", "name", "pid", "port"])
        equal(m["host"], "127.0.0.1")
        os.kill(m["pid"], 0)


@test("exec prints rows; an error is told with exit code 1")
def execute(f):
    equal(f.pg("exec", "s1", "SELECT 1 AS a, NULL AS b, 'x\ty' AS c").stdout, "a\tb\tc\n1\tNULL\tx\\ty\n")
    done = f.pg("exec", "s1", "SELEC", check=False)
    equal(done.returncode, 1)
    assert "1064" in done.stderr


@test("settings are durable and the server listens on this machine only")
def durable(f):
    equal(f.query("SELECT @@innodb_flush_log_at_trx_commit, @@bind_address, @@skip_name_resolve", "s1")[0][:2], ("1", "127.0.0.1"))


@test("kill, restart: data stays, the port stays")
def kill(f):
    f.query("CREATE DATABASE pg", "s1")
    f.query("CREATE TABLE pg.t (a INT PRIMARY KEY)", "s1")
    f.query("INSERT INTO pg.t VALUES (1)", "s1")
    port = f.port("s1")
    f.pg("kill", "s1")
    equal(f.pid("s1"), None)
    equal(f.pg("kill", "s1", check=False).returncode, 1)
    f.pg("restart", "s1")
    equal(f.port("s1"), port)
    equal(f.query("SELECT * FROM pg.t", "s1"), [("1",)])


@test("pause and resume")
def pause(f):
    f.pg("pause", "s2")
    try:
        with PlainClient(f.port("s2"), timeout=0.5):
            raise AssertionError("it answers")
    except OSError:
        pass
    finally:
        f.pg("resume", "s2")
    equal(f.query("SELECT 1", "s2"), [("1",)])


@test("stop and start again; start of what runs changes nothing; a different wish is refused")
def again(f):
    pids = {n: m["pid"] for n, m in f.status().items()}
    f.pg("start", *f.args)
    equal({n: m["pid"] for n, m in f.status().items()}, pids)
    equal(f.pg("start", "--shards", "3", check=False).returncode, 1)
    f.pg("stop")
    equal([m["pid"] for m in f.status().values()], [None, None])
    f.pg("start")
    equal(f.query("SELECT * FROM pg.t", "s1"), [("1",)])


@test("a stopped fleet's tesserad can be given another port")
def other_port(f):
    with Fleet(shards=1, proxies=1) as g:
        g.query("CREATE DATABASE moved")
        was = g.port("p1")
        g.pg("stop")
        with socket.create_server(("127.0.0.1", was)):
            with socket.create_server(("127.0.0.1", 0)) as free:
                port = free.getsockname()[1]
            done = g.pg("start", "--proxy-port", str(was), check=False)
            assert done.returncode, "started on a port that is taken"
            g.pg("start", "--proxy-port", str(port))
            equal(g.port("p1"), port)
            equal(g.query("SHOW DATABASES LIKE 'moved'"), [("moved",)])


@test("quickstart --help prints what it can do and exits 0; what it does not know exits 2")
def quickstart_help(f):
    for args, code in ((["--help"], 0), (["help"], 0), (["-h"], 0), (["nonsense"], 2)):
        done = subprocess.run([os.path.join(SRC, "quickstart"), *args], capture_output=True, text=True)
        equal(done.returncode, code, str(args))
        assert "./quickstart stop" in (done.stderr if code else done.stdout), done


@test("wrong names and folders: exit codes and what to do")
def wrong(f):
    equal(f.pg("kill", "s9", check=False).returncode, 3)
    done = subprocess.run([PLAYGROUND, "status", "--dir", f.home + "/none"], capture_output=True, text=True)
    equal(done.returncode, 3)
    assert "tessera-playground start" in done.stderr
    equal(subprocess.run([PLAYGROUND, "start"], capture_output=True).returncode, 2)
    done = subprocess.run([PLAYGROUND, "start", "--dir", f.home, "--proxies", "0"], capture_output=True, text=True)
    equal(done.returncode, 1)
    assert "something else" in done.stderr


@test("fleets started at once take different ports; replicas replicate")
def together(f):
    dirs = [f.home + "/x%d" % i for i in range(3)]
    started = [subprocess.Popen([PLAYGROUND, "start", "--dir", d, "--shards", "1", "--proxies", "0", "--server", SERVER, "--replicas", "1"],
                                stdout=subprocess.DEVNULL) for d in dirs]
    try:
        equal([p.wait() for p in started], [0, 0, 0])
        ports = set()
        for d in dirs:
            out = json.loads(subprocess.run([PLAYGROUND, "status", "--dir", d, "--json"], capture_output=True, text=True).stdout)
            ports |= {out["shards"][0]["port"], out["replicas"][0]["port"]}
        equal(len(ports), 6)
        with PlainClient(out["shards"][0]["port"]) as c:
            c.query("CREATE DATABASE r")

        def there():
            with PlainClient(out["replicas"][0]["port"]) as c:
                return texts(c.query("SHOW DATABASES LIKE 'r'"))
        eventually("the replica has it", there, 20)
    finally:
        for d in dirs:
            subprocess.run([PLAYGROUND, "clean", "--dir", d], capture_output=True)
    assert not any(os.path.exists(d) for d in dirs)


with Fleet(shards=2, proxies=0) as fleet:
    run(fleet)
