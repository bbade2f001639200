#!/usr/bin/python3
"""Two-phase commit under fire, with the real tesserad and clients that move money between shards (bank.py). At every named
fault point of a transaction: tesserad is killed there with -9, the step fails, or a shard's server is killed or stopped there.
Afterwards each transfer is whole or absent, what a client was told is true, the sum is what it was, no branch is left in XA RECOVER, and
no row is locked. With names of points in TESSERA_FAULT_POINTS: only those."""
from points import *

need_tesserad()
chosen = os.environ.get("TESSERA_FAULT_POINTS", "").split()
points = [p for p in fault_points() if p.split(".")[0] not in ("ddl", "metadb", "recover") and (not chosen or p in chosen)]
recovery = [p for p in fault_points("recover") if not chosen or p in chosen]

test("transfers work, and their books are right")(plain)
if not chosen:
    test("kill -9 of tesserad at random moments")(killed_at_random)
for p_ in points:
    test("kill -9 at " + p_)(killed_at(p_, 1, 7, 50))
for p_ in recovery:
    test("kill -9 of recovery at " + p_)(recovery_killed_at(p_, "txn.record_written", "txn.some_prepared", "txn.primary_committed"))
for p_ in points + recovery:
    test("failure at " + p_)(fails_at(p_))
for p_ in points:
    test("a shard is killed at " + p_)(shard_at(p_, "kill"))
    test("a shard stops at " + p_)(shard_at(p_, "pause"))
if not chosen:
    test("kill -9 of each shard's server while transfers run")(shards_killed)

    @test("the same with the servers' binary logs on: a one-phase commit that was cut off comes back prepared")
    def with_binlog(f, bank):
        with Fleet(shards=4, options=OPTIONS, extra=("--binlog", "on")) as g:
            other = Bank(g)
            other.set_up()
            shards_killed(g, other)

    @test("two tesserads: one is killed, the other finishes what it left, while it goes on serving")
    def other_finishes(f, bank):
        with Fleet(shards=4, proxies=2, options=OPTIONS) as g:
            other = Bank(g)
            other.set_up()
            other.ports = [g.port("p1"), g.port("p2")]
            for point in ("txn.record_written", "txn.some_prepared", "txn.primary_committed", "txn.some_committed"):
                g.restart("p1", faults=point + "=crash@20")
                assert other.run_until(lambda: not g.alive("p1"), SECONDS), point + " was not passed"
                eventually("the other one has finished it", lambda: not any(g.on_shards("XA RECOVER").values()), 40)
                other.ports = [g.port("p2")]
                other.run_for(0.5)
                g.restart("p1")
                other.check()
                other.ports = [g.port("p1"), g.port("p2")]


@test("there are fault points to kill at")
def has_points(f, bank):
    assert points, "tesserad --list-faults names none"


with Fleet(shards=4, options=OPTIONS) as fleet:
    run(fleet, Bank(fleet))
