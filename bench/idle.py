#!/usr/bin/python3
"""Memory of idle clients: opens many connections to a tesserad in front of one shard and prints what each costs it in
resident memory: logged in, after a statement, after USE. Not a test: prints the table of bench/RESULTS.md.
"""
import argparse
import os
import resource
import sys
import time

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "t", "it"))
from lib import Fleet, PlainClient, SERVER, texts


def resident_kib(pid):
    with open("/proc/%d/status" % pid) as f:
        return next(int(line.split()[1]) for line in f if line.startswith("VmRSS:"))


def main():
    a = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    a.add_argument("--clients", default="1000,10000", help="comma-separated")
    a.add_argument("--server", default=SERVER, choices=("mariadb", "mysql"))
    o = a.parse_args()
    counts = [int(n) for n in o.clients.split(",")]
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if hard != resource.RLIM_INFINITY and hard < max(counts) + 500:
        sys.exit("the limit of open files (%d) is too low for %d clients" % (hard, max(counts)))
    # Inherited by the tesserad that the fleet starts.
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    print("## Memory for each idle client (%s, resident KiB each)\n" % time.strftime("%Y-%m-%d"))
    print("| clients | logged in | after SELECT 1 | after USE | server connections |\n| --- | --- | --- | --- | --- |")
    for n in counts:
        with Fleet(shards=1, server=o.server, options={"max_connections": n + 100}) as fleet:
            with PlainClient(fleet.port()) as c:
                c.query("CREATE DATABASE idle")
                c.query("SELECT 1")
            port, pid = fleet.port(), fleet.pid()
            empty = resident_kib(pid)
            clients, figures = [], []
            for _ in range(n):
                clients.append(PlainClient(port, timeout=60))
            for sql in (None, "SELECT 1", "USE idle"):
                for c in clients if sql else ():
                    c.query(sql)
                time.sleep(1)
                figures.append((resident_kib(pid) - empty) / n)
            with PlainClient(fleet.port("s1")) as c:
                threads = texts(c.query("SHOW STATUS LIKE 'Threads_connected'"))[0][1]
            print("| %s | %.2f | %.2f | %.2f | %s |" % (format(n, ","), *figures, threads), flush=True)
            for c in clients:
                c.close()


main()
