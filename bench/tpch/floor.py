#!/usr/bin/python3
"""What a good plan of each query costs at least: runs the fragments of bench/tpch/floor.sql on the shards by hand, without
Tessera, and one plain server's answer beside them in one interleaved run.

Printed for each query: rows and bytes that the shards send, bytes that are sent to them (a fragment with its keys goes to every
shard whole, which a planner that knows where keys live can do with a part of), and seconds: of a step that of the slowest
shard, of the query the sum of its steps. Tessera's time for a query, less this, is its own part. CPU seconds of the
servers are what other load on the machine changes least: on c cores no plan is faster than its CPU seconds / c. The rows are put together
in SQLite, and the answer must be the plain server's: a plan that is wrong does not pass for a cheap one. Where floor.sql has
other plans for a query (q3b), they stand below it; the geometric mean takes the fastest one of each query.
"""
import contextlib
import math
import json
import os
import re
import sqlite3
import statistics
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.realpath(__file__)))
from answers import TimedClient, read_queries
from bench import Side, arguments, chosen, cpu_seconds, geometric_mean, note, open_fleets
from loading import DB, TABLES
from lib import PlainClient, texts

HERE = os.path.dirname(os.path.realpath(__file__))
NUMBERS = {0, 1, 2, 3, 4, 5, 8, 9, 13, 246}      # column types of the protocol
AMOUNT_TOLERANCE = 1e-6                          # SQLite computes with floating numbers


class Part:
    """kind: step (on every shard), above or answer (in SQLite); name of the table that the rows become."""

    def __init__(self, kind, name, sql):
        self.kind, self.name, self.sql = kind, name, sql


def read_plans(scale):
    """{query's name: [Part]}"""
    with open(os.path.join(HERE, "floor.sql")) as f:
        text = f.read()
    plans = {}
    for m in re.finditer(r"^-- (q\d+[a-z]?)\n((?:(?!-- q\d)[^\n]*\n)*)", text, re.M):
        plans[m.group(1)] = [Part(p.group(1), p.group(2) or "answer", p.group(3).strip().replace(":fraction", "%.10f" % (0.0001 / scale)))
                             for p in re.finditer(r"^-- (step|above|answer) ?(\w*)\n(.*?);\n", m.group(2), re.M | re.S)]
    return plans


class Shard:
    """A connection to a shard and how its partitions of the tables are called there."""

    def __init__(self, fleet, name, timeout):
        self.pid = fleet.pid(name)
        self.client = TimedClient(fleet.port(name), timeout)
        self.client.query("USE " + DB)
        self.names = {}
        for (name,) in texts(self.client.query("SELECT table_name FROM information_schema.tables WHERE table_schema = '%s'" % DB)):
            table = name.split("__p")[0]
            if table in self.names:
                raise SystemExit("more than one partition of %s on a shard" % table)
            self.names[table] = name

    def fragment(self, sql):
        # Tables stand behind FROM and JOIN; columns and names of steps never are called as tables are.
        return re.sub(r"\b(%s)\b" % "|".join(TABLES), lambda m: self.names[m.group(1)], sql)


def keys(above, text):
    """The text with each {table.column} replaced by that column's different values."""
    def values(m):
        rows = above.execute("SELECT DISTINCT %s FROM %s ORDER BY 1" % (m.group(2), m.group(1))).fetchall()
        return ",".join(repr(r[0]) for r in rows) or "NULL"
    return re.sub(r"\{(\w+)\.(\w+)\}", values, text)


def ask_all(shards, sql):
    """The same fragment on all shards at once: their Answers."""
    answers, errors = [None] * len(shards), []

    def work(i):
        try:
            answers[i] = shards[i].client.ask(texts_of[i])
        except Exception as e:
            errors.append(e)
    texts_of = [s.fragment(sql) for s in shards]
    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(shards))]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    if errors:
        raise errors[0]
    return answers, sum(map(len, texts_of))


def keep(above, part, answers):
    """The shards' rows as a table above."""
    columns = answers[0].columns
    convert = [float if kind in (0, 4, 5, 246) else int if kind in NUMBERS else lambda v: v.decode() for _, kind, _ in columns]
    above.execute("CREATE TABLE %s (%s)" % (part.name, ", ".join(name for name, _, _ in columns)))
    insert = "INSERT INTO %s VALUES (%s)" % (part.name, ", ".join("?" * len(columns)))
    for a in answers:
        above.executemany(insert, ([None if v is None else f(v) for f, v in zip(convert, row)] for row in a.rows))


class Cost:
    def __init__(self):
        self.rows = self.up = self.down = 0
        self.steps = []         # (name, rows, bytes up, bytes down, seconds)
        self.seconds = self.cpu = 0.0

    def add(self, part, answers, down):
        rows, up, seconds = sum(len(a.rows) for a in answers), sum(a.size for a in answers), max(a.seconds for a in answers)
        self.steps.append((part.name, rows, up, down, seconds))
        self.rows, self.up, self.down, self.seconds = self.rows + rows, self.up + up, self.down + down, self.seconds + seconds


def run_plan(parts, shards):
    """(Cost, rows of the answer)"""
    above, cost, before = sqlite3.connect(":memory:"), Cost(), sum(cpu_seconds(s.pid) for s in shards)
    above.execute("PRAGMA case_sensitive_like = 1")
    with contextlib.closing(above):
        for p in parts:
            sql = keys(above, p.sql)
            if p.kind == "step":
                answers, down = ask_all(shards, sql)
                cost.add(p, answers, down)
                keep(above, p, answers)
            elif p.kind == "above":
                above.execute("CREATE TABLE %s AS %s" % (p.name, sql))
            else:
                cost.cpu = sum(cpu_seconds(s.pid) for s in shards) - before
                return cost, above.execute(sql).fetchall()
    raise SystemExit("a plan without an answer")


def differs(want, rows):
    """What is not as in the plain server's Answer, or None; rows with equal amounts may stand in any order."""
    if len(want.rows) != len(rows):
        return "%d rows, want %d" % (len(rows), len(want.rows))
    for i, (a, b) in enumerate(zip(want.rows, rows)):
        for text, value, (name, kind, decimals) in zip(a, b, want.columns):
            if text is None or value is None:
                same = text is None and value is None
            elif kind in NUMBERS:
                # A DECIMAL is rounded to its last digit; a DOUBLE (31 decimals) is not.
                same = math.isclose(float(text), float(value), rel_tol=AMOUNT_TOLERANCE, abs_tol=0.6 * 10.0 ** -decimals)
            else:
                same = text.decode() == str(value)
            if not same:
                return "row %d, %s: %s, want %s" % (i + 1, name, value, text)
    return None


class Figures:
    """What came of one plan: the last run's Cost, seconds and CPU seconds by run, and what is wrong with its answer."""

    def __init__(self):
        self.cost, self.seconds, self.cpu, self.differs = None, [], [], None

    def add(self, cost, want, rows):
        self.cost = cost
        self.cpu.append(cost.cpu)
        self.seconds.append(cost.seconds)
        self.differs = self.differs or differs(want, rows)

    def as_json(self):
        return {"rows": self.cost.rows, "up": self.cost.up, "down": self.cost.down, "shards_s": self.seconds, "shards_cpu_s": self.cpu, "steps": self.cost.steps,
                "differs": self.differs}


def measure(query, plans, plain, shards, repeat):
    """({plan's name: Figures}, the plain server's seconds by run, its CPU seconds by run)"""
    names = sorted(n for n in plans if re.fullmatch(query.name + "[a-z]?", n))
    want, figures, alone, cpu = plain.ask(query.sql), {n: Figures() for n in names}, [], []
    for n in names if repeat > 1 else ():
        run_plan(plans[n], shards)          # fills the servers' caches
    for _ in range(repeat):
        alone.append(plain.ask(query.sql).seconds)
        cpu.append(plain.server_cpu)
        for n in names:
            cost, rows = run_plan(plans[n], shards)
            figures[n].add(cost, want, rows)
    return figures, alone, cpu


def main():
    o = arguments(__doc__, lambda a: a.add_argument(
        "--without", default="", help="plans to leave out, as q1b,q9b (which need 3 GB here at scale 1)"))
    plans, out, wrong, ratios = read_plans(o.scale), {}, [], []
    for name in filter(None, o.without.split(",")):
        del plans[name]
    with contextlib.ExitStack() as stack:
        one, many = open_fleets(stack, o)
        plain = Side(one.port("s1"), o.timeout, [one.pid("s1")])
        shards = [Shard(many, "s%d" % (i + 1), o.timeout) for i in range(o.shards)]
        version = texts(PlainClient(one.port("s1")).query("SELECT VERSION()"))[0][0]
        print("## TPC-H-like, scale %g: fragments alone (%s, %s, %d shards; %d cores; medians of %d, interleaved)\n" % (
            o.scale, time.strftime("%Y-%m-%d"), version, o.shards, os.cpu_count(), max(1, o.repeat)))
        print("| plan | steps | rows up | KiB up | KiB down | shards s | one server s | ratio | shards' CPU s | one server's CPU s | ratio |")
        print("| --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |")
        for q in chosen(read_queries(o.scale), o.queries):
            figures, alone, alone_cpu = measure(q, plans, plain, shards, max(1, o.repeat))
            p, pc = statistics.median(alone), statistics.median(alone_cpu)
            for name, f in figures.items():
                s, c, cost = statistics.median(f.seconds), statistics.median(f.cpu), f.cost
                print("| %s | %d | %s | %.1f | %.1f | %.3f | %.3f | %.2f | %.3f | %.3f | %.2f |" % (
                    name.capitalize(), len(cost.steps), format(cost.rows, ","), cost.up / 1024, cost.down / 1024, s, p, s / p, c, pc, c / pc), flush=True)
                for step, n, up, down, seconds in cost.steps if o.verbose else ():
                    note("%s %s: %d rows, %d bytes up, %d down, %.4f s" % (name, step, n, up, down, seconds))
                if f.differs:
                    wrong.append("%s: %s" % (name.capitalize(), f.differs))
            ratios.append((min(statistics.median(f.seconds) for f in figures.values()) / p,
                           min(statistics.median(f.cpu) for f in figures.values()) / pc))
            out[q.name] = {"plain_s": alone, "plain_cpu_s": alone_cpu, "plans": {name: f.as_json() for name, f in figures.items()}}
        print("| geometric mean | | | | | | | %.2f | | | %.2f |" % tuple(map(geometric_mean, zip(*ratios))))
    print("".join("\n- WRONG: " + w for w in wrong) or "\nAll answers are the plain server's.")
    if o.json:
        with open(o.json, "w") as f:
            json.dump(out, f, indent=1)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
