#!/usr/bin/python3
"""The TPC-H bench at a small scale: the generator's promises, what counts as an equal answer, and the 22 queries through Tessera
over four shards against one plain server. A query that Tessera refuses (1235) is skipped with what it says."""
import hashlib
import os
import sys

from lib import *

sys.path.insert(0, os.path.join(SRC, "bench", "tpch"))
from answers import Answer, Query, TimedClient, compare, read_queries
from loading import GEN, SEED, TABLES, check_counts, check_data, counts, create, gen, load

SCALE = 0.01
# Of `gen --scale 0.01 --format tsv` of all tables: the data of a scale and a seed stay the same for ever.
CHECKSUM = "477f435456c3962aa3f870d748a23da4"

need_tesserad()
if not os.access(GEN, os.X_OK):
    skip_all("bench/tpch/gen is not built (make bench/tpch/gen)")


@test("the generator makes the data it always made")
def same_data(*_):
    equal(hashlib.sha256(gen("--scale", SCALE, "--seed", SEED, "--format", "tsv", *TABLES)).hexdigest()[:32], CHECKSUM)


@test("parts together are the whole; another seed gives other data; both formats have the same values")
def parts(*_):
    for table in TABLES:
        whole = gen("--scale", SCALE, "--format", "tsv", table)
        equal(b"".join(gen("--scale", SCALE, "--format", "tsv", "--part", "%d/3" % i, table) for i in (1, 2, 3)), whole, table)
        assert table in ("region", "nation") or gen("--scale", SCALE, "--seed", SEED + 1, "--format", "tsv", table) != whole
        inserts = gen("--scale", SCALE, "--statement-bytes", 20000, table).decode().rstrip("\n").split("\n")
        begin = "INSERT INTO %s VALUES (" % table
        rows = []
        for s in inserts:
            assert s.startswith(begin) and s.endswith(");") and len(s) < 20000 + 100, s[:100]
            rows += s[len(begin):-2].split("),(")
        assert len(rows) == whole.count(b"\n") == counts(SCALE, SEED)[table], table
        for row, line in zip(rows, whole.decode().split("\n")):
            # Texts have commas: those are compared without.
            equal(row.replace("'", "").replace(",", ""), line.replace("\t", "").replace(",", ""))


@test("the generator's other scales and wrong calls")
def calls(*_):
    equal(counts(1, SEED)["partsupp"], 800000)
    equal(counts(0.002, SEED)["supplier"], 20)
    for args in (("--scale", "0", "part"), ("--scale", "x", "part"), ("--seed", "-1", "part"), ("--part", "4/3", "part"), ("--part", "0/3", "part"),
                 ("--format", "xml", "part"), ("--statement-bytes", "10", "part"), ("parts",), ("--scale",), ("--what", "1")):
        equal(subprocess.run([GEN, *args], capture_output=True).returncode, 2, str(args))
    if os.path.exists("/dev/full"):
        with open("/dev/full", "w") as full:
            equal(subprocess.run([GEN, "--scale", "0.01", "part"], stdout=full, stderr=subprocess.DEVNULL).returncode, 1)


def answer(rows, kind=3):
    return Answer([("a", kind, 0), ("b", 253, 0)], [tuple(None if v is None else v.encode() for v in row) for row in rows], 0, 0)


@test("equal answers: order as far as the query tells it, ties, ties at the limit, rounding of DOUBLEs")
def judged(*_):
    q = Query(0, "", "1", "SELECT")
    top = Query(0, "", "1", "SELECT\nLIMIT 3")
    rows = [("1", "x"), ("2", "y"), ("2", "z")]
    more = answer(rows + [("2", "w"), ("3", "v")])
    for what, query, want, got, is_same in (
            ("the same", q, rows, rows, True),
            ("a tie", q, rows, [rows[0], rows[2], rows[1]], True),
            ("wrong order", q, rows, [rows[1], rows[0], rows[2]], False),
            ("a wrong value", q, rows, [("1", "q"), *rows[1:]], False),
            ("NULL", q, rows, [("1", None), *rows[1:]], False),
            ("too few", q, rows, rows[:2], False),
            ("twice the same", q, rows, [rows[0], rows[1], rows[1]], False),
            ("another row of the tie at the limit", top, rows, [rows[0], ("2", "w"), rows[1]], True),
            ("a row behind the tie at the limit", top, rows, [rows[0], ("3", "v"), rows[1]], False),
            ("no row of the tie at the limit", top, rows, [rows[0], ("2", "v"), rows[1]], False),
            ("a tie before the limit has no choice", Query(0, "", "1", "SELECT\nLIMIT 9"), rows, [rows[0], ("2", "w"), rows[1]], False)):
        equal(compare(query, answer(want), answer(got), lambda: more) is None, is_same, what)
    equal(compare(q, answer(rows), answer(rows, 8)) is None, False, "another type")
    for a, b, is_same in (("0.1", "0.10000000000000001", True), ("1e20", "1.00000000001e20", True), ("1", "1.00001", False)):
        equal(compare(q, answer([(a, "x")], 5), answer([(b, "x")], 5)) is None, is_same, "DOUBLE %s, %s" % (a, b))
        equal(compare(q, answer([(a, "x")], 246), answer([(b, "x")], 246)) is None, False, "DECIMAL %s, %s" % (a, b))


@test("loading: every row arrives, on the plain server and through Tessera")
def loading(plain, many):
    for port in (plain.port("s1"), many.port()):
        create(port)
        load(port, SCALE, SEED, connections=2)
        with PlainClient(port, timeout=60) as c:
            equal(check_counts(c, counts(SCALE, SEED)), [])


@test("the data has the distributions that the specification asks for")
def rules(plain, many):
    with PlainClient(plain.port("s1"), timeout=60 * SLOW) as c:
        broken = [r[:4] for r in check_data(c, counts(SCALE, SEED), SCALE) if not r[4]]
    equal(broken, [], "rules that do not hold: (what, got, lowest, highest)")


def one_query(q):
    def go(plain, many):
        with TimedClient(plain.port("s1"), 60 * SLOW) as a, TimedClient(many.port(), 60 * SLOW) as b:
            a.query("USE tpch")
            b.query("USE tpch")
            want = a.ask(q.sql)
            assert want.rows and not any(None in row for row in want.rows), "the plain server has no rows"
            try:
                got = b.ask(q.sql)
            except ServerError as e:
                if e.code == 1235:
                    raise Skip(e.text) from None
                raise
            differs = compare(q, want, got, lambda: a.ask(q.unlimited))
            assert differs is None, differs
    go.__name__ = q.name
    return go


for query_ in read_queries(SCALE):
    test("%s: %s" % (query_.name, query_.what))(one_query(query_))

with Fleet(shards=1, proxies=0) as plain_, Fleet(shards=4) as many_:
    run(plain_, many_)
