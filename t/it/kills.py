#!/usr/bin/python3
"""A short form of t/fault/twophase.py: kill -9 of tesserad, of its recovery and of shards at some of the fault points."""
import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.realpath(__file__)), "..", "fault"))
from points import *

need_tesserad()
test("transfers work, and their books are right")(plain)
for p_ in ("exec.piece_sent", "txn.some_prepared", "txn.record_written", "txn.primary_commit_sent", "txn.primary_committed", "txn.some_committed",
           "txn.one_phase_sent", "txn.undo_sent"):
    test("kill -9 at " + p_)(killed_at(p_, 5))
test("kill -9 of recovery at recover.fenced")(recovery_killed_at("recover.fenced", "txn.some_prepared"))
test("kill -9 of recovery at recover.finished")(recovery_killed_at("recover.finished", "txn.primary_committed"))
for p_ in ("exec.piece_done", "txn.prepare_sent", "txn.commit_sent"):
    test("a shard is killed at " + p_)(shard_at(p_, "kill"))
test("a shard stops at txn.primary_commit_sent")(shard_at("txn.primary_commit_sent", "pause"))

with Fleet(shards=4, options=OPTIONS, extra=("--binlog", "on")) as fleet:
    run(fleet, Bank(fleet))
