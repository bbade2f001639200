#!/usr/bin/python3
"""make bench-tpch: the 22 queries of TPC-H through Tessera over several shards and on one plain server of the same kind that
holds everything, in one interleaved run; compares the answers and prints a table in the form of bench/RESULTS.md.

The data is made by bench/tpch/gen. The servers are started, loaded and removed by the run; with --dir they stay, and the next
run with the same scale, seed, server and shards finds them loaded. The plain server's buffer pool is as large as those of
all shards together. A query that Tessera refuses (1235) is listed with what it says. Exit code 1: an answer differs, or a
query failed other than by refusal.
"""
import argparse
import contextlib
import json
import math
import os
import signal
import statistics
import sys
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from answers import TimedClient, TooSlow, compare, read_queries
from loading import DB, GEN, SEED, analyze, check_counts, check_data, counts, create, fleet, load, loaded, mark_loaded, total_bytes
from lib import PlainClient, SERVER, ServerError, TESSERAD, texts

MIB = 1 << 20
REFUSED, UNKNOWN_VARIABLE = 1235, 1193


def note(text):
    print("# " + text, file=sys.stderr, flush=True)


def cpu_seconds(pid):
    """User and system time of a process's threads: in nanoseconds, where its times in /proc/PID/stat are ticks of 10 ms."""
    spent = 0
    for thread in os.listdir("/proc/%d/task" % pid):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError), open("/proc/%d/task/%s/schedstat" % (pid, thread)) as f:
            spent += int(f.read().split()[0])
    return spent / 1e9


def peak_mib(pid):
    """Most resident memory since the last forget_peak()."""
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmHWM:")) / 1024


def forget_peak(pid):
    with open("/proc/%d/clear_refs" % pid, "w") as f:
        f.write("5")


def size(text):
    unit = {"K": 1 << 10, "M": MIB, "G": 1 << 30}.get(text[-1:].upper())
    return int(float(text[:-1]) * unit) if unit else int(text)


class Side:
    """One of the two that are asked: a connection that is made again after it was given up. servers: the processes of the servers
    that work for it; server_cpu: what they spent on the last question."""

    def __init__(self, port, timeout, servers, session=()):
        self.port, self.timeout, self.servers, self.session = port, timeout, servers, session
        self.client, self.server_cpu = None, 0.0

    def ask(self, sql):
        before = sum(map(cpu_seconds, self.servers))
        try:
            return self._ask(sql)
        finally:
            self.server_cpu = sum(map(cpu_seconds, self.servers)) - before

    def _ask(self, sql):
        if self.client is None:
            self.client = TimedClient(self.port, self.timeout)
            for s in ("USE " + DB, *self.session):
                self.client.query(s)
        try:
            return self.client.ask(sql)
        except ServerError:
            raise
        except BaseException:
            with contextlib.suppress(Exception):
                self.client.close()
            self.client = None
            raise


class Outcome:
    """What came of one query: seconds on both sides by run, how the answers compare, and the CPU time that tesserad, its shards
    and the plain server spent."""

    def __init__(self, query):
        self.query = query
        self.plain, self.tessera, self.cpu, self.shards_cpu, self.plain_cpu = [], [], [], [], []
        self.peak = self.rows = self.size = self.digest = None
        self.state, self.text = "same", ""      # same, refused, WRONG, error, slow, plain only

    def end(self, state, text):
        """A wrong answer stays one, whatever comes after it."""
        if self.state != "WRONG":
            self.state, self.text = state, text

    def ratio(self):
        return statistics.median(self.tessera) / statistics.median(self.plain) if self.plain and self.tessera else None

    def cpu_ratio(self):
        """All that Tessera and its shards spent, to what the plain server spent: other load on the machine hardly changes it."""
        spent = [a + b for a, b in zip(self.cpu, self.shards_cpu)]
        return statistics.median(spent) / statistics.median(self.plain_cpu) if spent and self.plain_cpu else None

    def as_json(self):
        return {"state": self.state, "text": self.text, "rows": self.rows, "bytes": self.size, "digest": self.digest, "plain_s": self.plain,
                "tessera_s": self.tessera, "plain_cpu_s": self.plain_cpu, "tessera_cpu_s": self.cpu, "shards_cpu_s": self.shards_cpu,
                "cpu_ratio": self.cpu_ratio(), "tessera_peak_mib": self.peak, "ratio": self.ratio()}


def ask_plain(out, plain):
    """The plain server's Answer, or None."""
    try:
        answer = plain.ask(out.query.sql)
    except TooSlow as e:
        out.end("slow", "the plain server: %s" % e)
        return None
    except ServerError as e:
        out.end("error", "the plain server: %s" % e)
        return None
    out.rows, out.size, out.digest = len(answer.rows), answer.size, answer.digest()
    return answer


def ask_tessera(out, tessera, pid, plain, want):
    """Asks Tessera and judges its answer; the Answer and CPU seconds, or None where there is no use in asking again."""
    forget_peak(pid)
    before = cpu_seconds(pid)
    try:
        got = tessera.ask(out.query.sql)
    except TooSlow as e:
        out.end("slow", str(e))
        return None
    except ServerError as e:
        out.end("refused" if e.code == REFUSED else "error", str(e))
        return None
    except (ConnectionError, OSError) as e:
        out.end("error", "the connection broke: %s" % e)
        return None
    spent = cpu_seconds(pid) - before
    out.peak = max(out.peak or 0, peak_mib(pid))
    differs = want and compare(out.query, want, got, lambda: plain.ask(out.query.unlimited))
    if differs:
        out.end("WRONG", differs)
    return got, spent


def run_query(query, plain, tessera, pid, repeat):
    """One run without the clock, which warms caches and compares, then `repeat` pairs, each time the other one first."""
    out = Outcome(query)
    want = ask_plain(out, plain)
    if not tessera:
        out.state = "plain only" if want else out.state
        out.plain = [a.seconds for a in (ask_plain(out, plain) for _ in range(repeat)) if a] if want else []
        return out
    first = ask_tessera(out, tessera, pid, plain, want)
    for i in range(repeat if want else 0):
        order = ("plain", "tessera") if i % 2 == 0 else ("tessera", "plain")
        for side in order:
            if side == "plain":
                answer = ask_plain(out, plain)
                if not answer:
                    return out
                out.plain.append(answer.seconds)
                out.plain_cpu.append(plain.server_cpu)
            elif first:
                got = ask_tessera(out, tessera, pid, plain, want)
                if not got:
                    return out
                out.tessera.append(got[0].seconds)
                out.cpu.append(got[1])
                out.shards_cpu.append(tessera.server_cpu)
    return out


def geometric_mean(values):
    return math.exp(sum(map(math.log, values)) / len(values))


def report(outcomes, kind, peak):
    if all(o.state == "plain only" for o in outcomes):
        print("| query | %s s | rows |\n| --- | --- | --- |" % kind)
        for o in outcomes:
            print("| Q%d | %.3f | %d |" % (o.query.number, statistics.median(o.plain or [0]), o.rows))
        return
    print("| query | %s s | Tessera s | Tessera / plain | its CPU s | shards' CPU s | all CPU / plain CPU | its peak MiB | rows | answer |" % kind)
    print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")

    def figure(values, form="%.3f"):
        return form % statistics.median(values) if values else "-"

    def ratio(value):
        return "%.2f" % value if value else "-"
    for o in outcomes:
        print("| Q%d | %s | %s | %s | %s | %s | %s | %s | %s | %s |" % (
            o.query.number, figure(o.plain), figure(o.tessera), ratio(o.ratio()), figure(o.cpu), figure(o.shards_cpu), ratio(o.cpu_ratio()),
            "%.1f" % o.peak if o.peak else "-", "-" if o.rows is None else o.rows, o.state))
    done = [o for o in outcomes if o.state == "same" and o.ratio()]
    if done:
        mean = geometric_mean([o.ratio() for o in done])
        worst = max(done, key=lambda o: o.ratio())
        print("| geometric mean of %d | %.3f | %.3f | %.2f | | | %s | %.1f | | |" % (
            len(done), geometric_mean([statistics.median(o.plain) for o in done]),
            geometric_mean([statistics.median(o.tessera) for o in done]), mean,
            ratio(geometric_mean([o.cpu_ratio() for o in done]) if all(o.cpu_ratio() for o in done) else None), peak))
    states = {}
    for o in outcomes:
        states.setdefault(o.state, []).append(o)
    print("\n" + ", ".join("%d %s" % (len(states[s]), s) for s in ("same", "WRONG", "refused", "error", "slow", "plain only") if s in states) +
          (". Aim: geometric mean at most 0.50, no query above 1.20; here %.2f, worst Q%d with %.2f." % (mean, worst.query.number, worst.ratio())
           if done else "."))
    for state in ("WRONG", "error", "slow", "refused"):
        for o in states.get(state, ()):
            print("- Q%d %s: %s" % (o.query.number, state, o.text))
    sys.stdout.flush()


def fill(f, name, port, servers, o, n):
    """Creates and loads what is not loaded yet; the data's description is kept with the fleet."""
    what = {"scale": o.scale, "seed": o.seed, "collation": o.collation}
    if not loaded(f, what):
        began = time.monotonic()
        create(port, o.collation)
        load(port, o.scale, o.seed, o.connections)
        note("%s: loaded in %.1f s" % (name, time.monotonic() - began))
        for server in servers:
            analyze(server)
        if "p1" in f.status():
            f.restart()         # so that the peaks of memory are the queries', not what loading left
        mark_loaded(f, what)
    with PlainClient(port, timeout=600) as c:
        wrong = check_counts(c, n)
    if wrong:
        raise SystemExit("%s: %s" % (name, "; ".join("%s: %d, want %d" % w for w in wrong)))
    note("%s: %.0f MiB of data and indexes" % (name, sum(map(total_bytes, servers)) / MIB))


def limit_memory(f, o):
    """Session statements for --query-memory: the session's variable, or the daemon's option where that is not there."""
    def change(conf):
        conf.pop("query_memory_limit", None)
        if o.query_memory and not variable:
            conf["query_memory_limit"] = o.query_memory
    variable = False
    if o.query_memory:
        with PlainClient(f.port()) as c:
            try:
                c.query("SET tessera_query_memory = %d" % size(o.query_memory))
                variable = True
            except ServerError as e:
                if e.code != UNKNOWN_VARIABLE:
                    raise
                note("no variable tessera_query_memory: /query_memory_limit is set for the daemon")
    with open(f.config_path()) as file:
        had = json.load(file).get("query_memory_limit")
    if had or o.query_memory and not variable:
        f.change_config(change)
        f.restart()
    return ["SET tessera_query_memory = %d" % size(o.query_memory)] if variable else []


def check(plain_port, n, o):
    with PlainClient(plain_port, timeout=3600) as c:
        results = check_data(c, n, o.scale)
    for what, got, low, high, holds in results:
        if not holds or o.verbose:
            note("%s: %s %g, should be %g to %g" % ("ok" if holds else "BROKEN", what, got, low, high))
    if not all(r[4] for r in results):
        raise SystemExit("the data is not what it should be")
    note("%d rules of the data hold" % len(results))


def arguments(about, more=None):
    a = argparse.ArgumentParser(description=about.split("\n\n")[0])
    a.add_argument("--scale", type=float, default=0.1, help="scale factor: 1 is 6 million lines, 1.2 GB (0.1)")
    a.add_argument("--server", default=SERVER, choices=("mariadb", "mysql"))
    a.add_argument("--shards", type=int, default=4)
    a.add_argument("--queries", default="", help="numbers, as 1,3-5 (all)")
    a.add_argument("--repeat", type=int, default=3, help="measured runs of each query (3); 0: compare only")
    a.add_argument("--timeout", type=float, default=600, help="seconds after which a query is given up (600)")
    a.add_argument("--seed", type=int, default=SEED, help="of the data (%d: with it every query has rows from scale 0.01 on)" % SEED)
    a.add_argument("--collation", help="of the database (the server's own)")
    a.add_argument("--connections", type=int, default=4, help="that load at once (4)")
    a.add_argument("--buffer-pool", metavar="SIZE", help="of the plain server, and of all shards together (3G a unit of scale, at least 256M)")
    a.add_argument("--dir", help="folder in which the servers stay, loaded, for the next run")
    a.add_argument("--json", metavar="FILE", help="write all figures there too")
    a.add_argument("--verbose", action="store_true")
    if more:
        more(a)
    o = a.parse_args()
    if not os.access(GEN, os.X_OK) or not os.access(TESSERAD, os.X_OK) and not getattr(o, "plain_only", False):
        sys.exit("%s or %s is not built: make bench-tpch does that" % (GEN, TESSERAD))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))        # servers are ended on the way out
    return o


def more_arguments(a):
    a.add_argument("--query-memory", metavar="SIZE", help="limit of a query's memory in Tessera, as 16M")
    a.add_argument("--set", action="append", default=[], metavar="SQL", help="a statement for the session through Tessera, as 'SET x = 1'")
    a.add_argument("--plain-only", action="store_true", help="only the plain server")
    a.add_argument("--skip-checks", action="store_true", help="do not check the data's rules on the plain server")


def open_fleets(stack, o, both=True):
    """The plain server's fleet and the shards' (None without), loaded."""
    pool = size(o.buffer_pool) if o.buffer_pool else max(256 * MIB, int(3 * 1024 * MIB * o.scale))
    kept = o.dir and os.path.join(os.path.abspath(o.dir), "%s-%g" % (o.server, o.scale))
    n, many = counts(o.scale, o.seed), None
    one = stack.enter_context(fleet(kept, "plain", shards=1, proxies=0, server=o.server, extra=("--buffer-pool", str(pool))))
    fill(one, "the plain server", one.port("s1"), [one.port("s1")], o, n)
    if both:
        share = max(32 * MIB, pool // o.shards)
        many = stack.enter_context(fleet(kept, "shards%d" % o.shards, shards=o.shards, server=o.server, extra=("--buffer-pool", str(share))))
        fill(many, "through Tessera", many.port(), [many.port("s%d" % (i + 1)) for i in range(o.shards)], o, n)
    return one, many


def chosen(queries, text):
    if not text:
        return queries
    numbers = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        numbers |= set(range(int(first), int(last or first) + 1))
    return [q for q in queries if q.number in numbers]


def main():
    o = arguments(__doc__, more_arguments)
    queries, outcomes, peak = chosen(read_queries(o.scale), o.queries), [], 0
    with contextlib.ExitStack() as stack:
        one, many = open_fleets(stack, o, not o.plain_only)
        if not o.skip_checks:
            check(one.port("s1"), counts(o.scale, o.seed), o)
        plain, tessera, pid = Side(one.port("s1"), o.timeout, [one.pid("s1")]), None, None
        if many:
            tessera = Side(many.port(), o.timeout, [many.pid("s%d" % (i + 1)) for i in range(o.shards)], [*limit_memory(many, o), *o.set])
            pid = many.pid()
            note("tesserad: %.1f MiB before the first query" % peak_mib(pid))
        version = texts(PlainClient(one.port("s1")).query("SELECT VERSION()"))[0][0]
        print("## TPC-H-like, scale %g (%s, %s, %s; %d cores; medians of %d, interleaved%s)\n" % (
            o.scale, time.strftime("%Y-%m-%d"), version, "plain server only" if o.plain_only else "%d shards" % o.shards, os.cpu_count(),
            o.repeat, "; a query's memory limited to " + o.query_memory if o.query_memory else ""))
        for q in queries:
            out = run_query(q, plain, tessera, pid, o.repeat)
            outcomes.append(out)
            peak = max(peak, out.peak or 0)
            note(" ".join((q.name + ":", out.state, out.text)))
            if tessera and out.state == "error" and not many.alive():
                note("tesserad is gone; it is started again" + many.log_tail())
                many.restart()
                pid = many.pid()
    report(outcomes, {"mariadb": "MariaDB", "mysql": "MySQL"}[o.server], peak)
    if o.json:
        with open(o.json, "w") as f:
            json.dump({"scale": o.scale, "seed": o.seed, "server": version, "shards": o.shards, "query_memory": o.query_memory, "peak_mib": peak,
                       "queries": {q.query.name: q.as_json() for q in outcomes}}, f, indent=1)
    return 1 if any(q.state in ("WRONG", "error", "slow") for q in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())
