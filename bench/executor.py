#!/usr/bin/python3
"""Operators alone against DuckDB on the same rows, one thread each, in one interleaved run.

executor.py [--rounds N] [--bench PATH]   needs the duckdb module; without it only our own figures are printed.
DuckDB's wall time is the total that EXPLAIN ANALYZE tells, ours the program's own timer. On a busy machine the processor times
(DuckDB's: of this process while the query ran) say more.
"""
import argparse
import os
import re
import statistics
import subprocess
import time

QUERIES = {
    "aggregate": "SELECT k, sum(v), count(*) FROM t GROUP BY k",
    "join": "SELECT t.k, t.v, b.w FROM t JOIN b ON t.k = b.k",
    "sort": "SELECT s, v FROM t ORDER BY s",
}
LOAD = """
CREATE TABLE t AS SELECT (CASE WHEN i < 1000000 THEN i ELSE (i * 2654435761) % 4294967296 % 1000000 END) * 7919 + 13 AS k,
  (i * 2654435761) % 4294967296 AS s, i AS v FROM range(10000000) r(i);
CREATE TABLE b AS SELECT (i * 611953 % 1000000) * 7919 + 13 AS k, i AS w FROM range(1000000) r(i);
"""


def ours(bench, what):
    out = subprocess.run([bench, what, "1"], check=True, capture_output=True, text=True).stdout
    m = re.search(r"([\d.]+) ms \(cpu +([\d.]+)\)", out)
    return float(m.group(1)) / 1e3, float(m.group(2)) / 1e3


def theirs(con, what):
    cpu = time.process_time()
    rows = con.execute("EXPLAIN ANALYZE " + QUERIES[what]).fetchall()
    return float(re.search(r"Total Time: ([\d.]+)s", rows[0][1]).group(1)), time.process_time() - cpu


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--bench", default=os.path.join(os.environ.get("TESSERA_BUILDDIR", "."), "bench/executor_bench"))
    args = parser.parse_args()
    try:
        import duckdb
    except ImportError:
        print("executor: no duckdb module; our own figures only")
        subprocess.run([args.bench], check=True)
        return
    con = duckdb.connect()
    con.execute("SET threads = 1")
    con.execute(LOAD)
    print("executor: 10 M rows, one thread, DuckDB %s, %d rounds" % (duckdb.__version__, args.rounds))
    for what in QUERIES:
        a, b = [], []
        for _ in range(args.rounds):
            a.append(ours(args.bench, what))
            b.append(theirs(con, what))
        for i, how in ((0, "wall"), (1, "cpu")):
            x, y = [t[i] for t in a], [t[i] for t in b]
            print("%-10s %-4s ours %6.2f s (best %.2f)  DuckDB %6.2f s (best %.2f)  rows/s ratio: median %.2f, best %.2f" % (
                what, how, statistics.median(x), min(x), statistics.median(y), min(y), statistics.median(y) / statistics.median(x),
                min(y) / min(x)))


if __name__ == "__main__":
    main()
