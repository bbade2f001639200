#!/usr/bin/python3
"""make bench: sysbench through Tessera against the direct connection, HAProxy in TCP mode and MySQL Router, in one
interleaved run; prints tables in the form of bench/RESULTS.md. On this machine's servers only: they are started, loaded
and removed by the run.

What is compared: statements a second as a ratio to the direct connection, p95, and the CPU time of the proxy per statement
(user + system, from /proc/PID/stat before and after each run). Medians over the repetitions; absolute figures of one
machine mean little, the ratios of one run something.
"""
import argparse
import json
import os
import platform
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "t", "it"))
from lib import Fleet, PlainClient, TESSERAD, SRC, SERVER, playground, texts

TICKS = os.sysconf("SC_CLK_TCK")
LABELS = {"direct": "direct", "haproxy": "HAProxy, TCP mode", "router": "MySQL Router", "tessera": "Tessera, 1 shard",
          "direct4": "direct, 4 servers", "haproxy4": "HAProxy, 4 servers", "tessera4": "Tessera, 4 shards"}
WORKLOADS = {
    "point": ("point select", ["oltp_point_select", "--db-ps-mode=disable"]),
    "point-prepared": ("point select, prepared", ["oltp_point_select", "--db-ps-mode=auto"]),
    "rw": ("read-write", ["oltp_read_write", "--db-ps-mode=disable"]),
    "rw-prepared": ("read-write, prepared", ["oltp_read_write", "--db-ps-mode=auto"]),
    "insert": ("insert", ["oltp_insert", "--db-ps-mode=disable"]),
    "update-index": ("update of an indexed column", ["oltp_update_index", "--db-ps-mode=disable"]),
    "delete": ("delete", ["oltp_delete", "--db-ps-mode=disable"]),
}


def note(text):
    print("# " + text, file=sys.stderr, flush=True)


def cpu_seconds(pid):
    """User and system time of a process and its children that ended."""
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12]) + int(fields[13]) + int(fields[14])) / TICKS


def memory_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        m = re.search(r"VmRSS:\s+(\d+)", f.read())
    return int(m.group(1)) if m else 0


class Peer:
    """Something to connect to: a port, and the process whose time counts (None for the server itself)."""

    def __init__(self, name, port, pid=None, process=None, ports=None):
        self.name, self.port, self.pid, self.process = name, port, pid, process
        # sysbench spreads its connections over several ports, so each connection sees one server's copy of the tables.
        self.ports = ports or [port]
        # Tables of their own: Tessera's bear physical names on the server.
        self.db = "sbtest" if name.startswith("tessera") else "sbdirect"


def wait_port(port, process, what):
    for _ in range(200):
        if process.poll() is not None:
            raise RuntimeError("%s ended with %d" % (what, process.returncode))
        try:
            PlainClient(port, timeout=2).close()
            return
        except OSError:
            time.sleep(0.05)
    raise RuntimeError("%s does not answer" % what)


def start_peer(argv, **more):
    """A process in a session of its own, as daemons are: the kernel's scheduler groups processes by session, and a proxy
    that shares the load generator's is given a third more throughput by that alone."""
    return subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True, **more)


def start_haproxy(home, server_ports, name="haproxy"):
    program = playground.find_program("haproxy")
    if not program:
        note("no haproxy: apt-get install haproxy")
        return None
    port = playground.take_ports(home, 1)[0]
    config = os.path.join(home, name + ".cfg")
    with open(config, "w") as f:
        f.write("global\n  maxconn 8000\ndefaults\n  mode tcp\n  timeout connect 5s\n  timeout client 1h\n  timeout server 1h\n"
                "listen mysql\n  balance roundrobin\n  bind 127.0.0.1:%d\n%s" % (
                    port, "".join("  server s%d 127.0.0.1:%d\n" % (i, p) for i, p in enumerate(server_ports))))
    p = start_peer([program, "-db", "-f", config])
    wait_port(port, p, "haproxy")
    return Peer(name, port, p.pid, p)


def start_router(home, server_ports, name="router"):
    base = os.environ.get("TESSERA_MYSQL_DIR") or os.path.join(playground.cache_dir(), "mysql9")
    if not os.path.exists(os.path.join(base, "root", "usr", "bin", "mysqlrouter")):
        note("no MySQL Router: tools/mysql9-unpack")
        return None
    port = playground.take_ports(home, 1)[0]
    config, data = os.path.join(home, "router.conf"), os.path.join(home, "router")
    os.makedirs(data, exist_ok=True)
    with open(config, "w") as f:
        f.write("[DEFAULT]\nmax_total_connections=4000\nlogging_folder=%s\nruntime_folder=%s\ndata_folder=%s\nplugin_folder=%s\n[logger]\nlevel=ERROR\n"
                "[routing:bench]\nbind_address=127.0.0.1\nbind_port=%d\ndestinations=127.0.0.1:%d\nrouting_strategy=first-available\n"
                "protocol=classic\nmax_connections=4000\nclient_ssl_mode=PASSTHROUGH\nserver_ssl_mode=AS_CLIENT\n"
                % (data, data, data, os.path.join(base, "root", "usr", "lib", "mysqlrouter", "plugin"), port, server_ports[0]))
    p = start_peer([os.path.join(SRC, "tools", "mysql9-unpack"), "run", "mysqlrouter", "-c", config])
    try:
        wait_port(port, p, "mysqlrouter")
    except RuntimeError as e:
        note("%s; left out" % e)
        return None
    return Peer(name, port, p.pid, p)


def sysbench(peer, command, args, extra=(), ports=None):
    test, *more = args
    argv = ["sysbench", test, "--db-driver=mysql", "--mysql-host=127.0.0.1", "--mysql-port=" + ",".join(map(str, ports or peer.ports)), "--mysql-user=root",
            "--mysql-db=" + peer.db, "--mysql-ssl=off", "--mysql-ignore-errors=1213,1205,1062", *more, *extra, command]
    done = subprocess.run(argv, capture_output=True, text=True)
    if done.returncode:
        # Older sysbench builds have no --mysql-ssl=off.
        argv.remove("--mysql-ssl=off")
        done = subprocess.run(argv, capture_output=True, text=True)
    return done


def measure(peer, args, sizes, threads, seconds):
    """(statements a second, p95 in ms, CPU microseconds of the proxy per statement, errors)"""
    before = cpu_seconds(peer.pid) if peer.pid else 0
    done = sysbench(peer, "run", args, (*sizes, "--threads=%d" % threads, "--time=%d" % seconds, "--rand-type=uniform", "--percentile=95"))
    after = cpu_seconds(peer.pid) if peer.pid else 0
    queries = re.search(r"queries:\s+(\d+)\s+\(([\d.]+) per sec", done.stdout)
    if done.returncode or not queries:
        raise RuntimeError("sysbench through %s: %s" % (peer.name, (done.stderr + done.stdout)[-800:]))
    p95 = float(re.search(r"95th percentile:\s+([\d.]+)", done.stdout).group(1))
    p50 = float(re.search(r"avg:\s+([\d.]+)", done.stdout).group(1))
    errors = int(re.search(r"ignored errors:\s+(\d+)", done.stdout).group(1))
    return float(queries.group(2)), p95, (after - before) / int(queries.group(1)) * 1e6, p50, errors


def load(peer, sizes):
    for port in peer.ports:
        with PlainClient(port, timeout=60) as c:
            c.query("CREATE DATABASE " + peer.db)
        done = sysbench(peer, "prepare", ["oltp_read_write"], (*sizes, "--threads=1"), ports=[port])
        if done.returncode:
            raise RuntimeError("loading through %s: %s" % (peer.name, (done.stderr + done.stdout)[-800:]))


def report(results, workload, threads, peers):
    print("\n### %s, %d threads\n" % (WORKLOADS[workload][0], threads))
    print("| | statements / s | / direct | p95 ms | mean ms | CPU µs a statement | / HAProxy |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    med = {}
    for p in peers:
        runs = results.get((workload, threads, p.name))
        if runs:
            med[p.name] = [statistics.median(r[i] for r in runs) for i in range(4)]
    for p in peers:
        if p.name not in med:
            continue
        qps, p95, cpu, mean = med[p.name]
        # Like with like: four shards against four servers where those were measured.
        four = "4" if p.name.endswith("4") else ""
        direct, ha = med.get("direct" + four) or med.get("direct"), med.get("haproxy" + four) or med.get("haproxy")
        print("| %s | %s | %.2f | %.2f | %.3f | %s | %s |" % (
            LABELS[p.name], format(int(qps), ","), qps / direct[0] if direct else 0, p95, mean, "%.1f" % cpu if p.pid else "-",
            "%.2f" % (cpu / ha[2]) if ha and p.pid and ha[2] else "-"))
    sys.stdout.flush()
    return {name: dict(zip(("qps", "p95_ms", "cpu_us", "mean_ms"), m)) for name, m in med.items()}


def cpu_name():
    try:
        with open("/proc/cpuinfo") as f:
            return next(line.split(":", 1)[1].strip() for line in f if line.startswith("model name"))
    except (OSError, StopIteration):
        return platform.machine()


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    a.add_argument("--seconds", type=int, default=15)
    a.add_argument("--repeat", type=int, default=3)
    a.add_argument("--threads", default="16", help="comma-separated")
    a.add_argument("--tables", type=int, default=4)
    a.add_argument("--rows", type=int, default=100000)
    a.add_argument("--workloads", default="point,point-prepared,rw,rw-prepared", help=", ".join(WORKLOADS))
    a.add_argument("--peers", default=",".join(LABELS), help=", ".join(LABELS))
    a.add_argument("--server", default=SERVER, choices=("mariadb", "mysql"))
    a.add_argument("--json", metavar="FILE", help="write the medians there too")
    o = a.parse_args()
    if not playground.find_program("sysbench"):
        sys.exit("no sysbench: apt-get install sysbench")
    if not os.access(TESSERAD, os.X_OK):
        sys.exit("%s is not built: make first" % TESSERAD)
    wanted = o.peers.split(",")
    home = tempfile.mkdtemp(prefix="tessera-bench-")
    sizes = ("--tables=%d" % o.tables, "--table-size=%d" % o.rows)
    extra = ("--buffer-pool", "256M")
    helpers, results = [], {}
    try:
        with Fleet(shards=1, server=o.server, extra=extra) as one, Fleet(shards=4, server=o.server, extra=extra) as four:
            server = one.port("s1")
            servers = [four.port("s%d" % i) for i in range(1, 5)]
            peers = {"direct": Peer("direct", server), "direct4": Peer("direct4", servers[0], ports=servers),
                     "tessera": Peer("tessera", one.port(), one.pid()), "tessera4": Peer("tessera4", four.port(), four.pid())}
            for start, name, ports in ((start_haproxy, "haproxy", [server]), (start_haproxy, "haproxy4", servers), (start_router, "router", [server])):
                helper = start(home, ports, name) if name in wanted else None
                if helper:
                    helpers.append(helper)
                    peers[name] = helper
            # What the relays in front of the servers show is what the direct connection sees.
            shown = {"direct": "direct", "haproxy": "direct", "router": "direct", "direct4": "direct4", "haproxy4": "direct4"}
            note("loading %d tables of %d rows for each" % (o.tables, o.rows))
            for name in sorted({shown.get(w, w) for w in wanted}):
                load(peers[name], sizes)
            peers = [peers[name] for name in LABELS if name in wanted and name in peers]
            threads = [int(t) for t in o.threads.split(",")]
            with PlainClient(server) as c:
                version = texts(c.query("SELECT VERSION()"))[0][0]
            print("## Relay (%s, %s; %d tables of %d rows, sysbench; %s, %d cores; medians of %d runs of %d s, interleaved)" % (
                time.strftime("%Y-%m-%d"), version, o.tables, o.rows, cpu_name(), os.cpu_count(), o.repeat, o.seconds))
            out = {}
            for workload in o.workloads.split(","):
                for t in threads:
                    for r in range(o.repeat):
                        for p in peers:
                            m = measure(p, WORKLOADS[workload][1], sizes, t, o.seconds)
                            results.setdefault((workload, t, p.name), []).append(m)
                            note("%s, %d threads, run %d, %s: %.0f/s, p95 %.2f ms, %.1f us%s" % (
                                workload, t, r + 1, p.name, m[0], m[1], m[2], ", %d errors ignored" % m[4] if m[4] else ""))
                    out["%s-%d" % (workload, t)] = report(results, workload, t, peers)
            for p in peers:
                if p.pid:
                    note("%s: %d KiB resident at the end" % (p.name, memory_kib(p.pid)))
            if o.json:
                with open(o.json, "w") as f:
                    json.dump(out, f, indent=1)
    finally:
        for h in helpers:
            h.process.terminate()
            h.process.wait()
            playground.drop_ports(home, [h.port])
        shutil.rmtree(home, ignore_errors=True)


main()
