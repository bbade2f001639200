"""Drivers for what happens at a named fault point while a bank (bank.py) is under load. The points are those that the
program itself names, so a new one is tried without anybody listing it; one that the load does not pass is a failure."""
import os
import signal
import time

from bank import *

SECONDS = 8
# Shards that stop answering are given up soon, so that a case takes seconds.
OPTIONS = {"recovery_interval_ms": 200, "commit_timeout_ms": 1500 * SLOW, "pool": {"probe_interval_ms": 200}}
SHARDS = ("s1", "s2", "s3", "s4")


def fault_points(*folders):
    """Points of these folders; without any: all."""
    done = program(TESSERAD, "--list-faults")
    if done.returncode:
        return []
    names = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    return [n for n in names if not folders or n.split(".")[0] in folders]


def works(f):
    try:
        return f.query("SELECT COUNT(*) FROM bank.account") == [(str(ACCOUNTS),)]
    except (ServerError, OSError):
        return False


def is_stopped(pid):
    try:
        with open("/proc/%d/stat" % pid) as s:
            return s.read().rpartition(")")[2].split()[0] == "T"
    except (OSError, TypeError):
        return False


def start_armed(f, point, nth):
    """Starts tesserad with a kill at the point; it may die of the playground's own first statement already."""
    try:
        f.restart(faults="%s=crash@%d" % (point, nth))
    except AssertionError:
        assert not f.alive()


def killed_at(point, *times):
    """kill -9 of tesserad at the nth time that the point is passed; start; look."""
    def go(f, bank):
        for nth in times:
            start_armed(f, point, nth)
            if not bank.run_until(lambda: not f.alive(), SECONDS):
                raise AssertionError("%s was not passed %d times in %d s" % (point, nth, SECONDS * SLOW))
            f.restart()
            bank.check()
    go.__name__ = "killed_at"
    return go


def recovery_killed_at(point, *firsts):
    """tesserad is killed while something is in doubt, then its recovery of that at the point; then it may recover."""
    def go(f, bank):
        reached = 0
        for first in firsts:
            f.restart(faults="%s=crash@3" % first)
            assert bank.run_until(lambda: not f.alive(), SECONDS), first + " was not passed"
            start_armed(f, point, 1)
            # purge comes with transactions that ended well, the others with what is in doubt
            reached += bank.run_until(lambda: not f.alive(), 4)
            f.restart()
            bank.check()
        assert reached, "recovery did not pass this point"
        comment("%d of %d" % (reached, len(firsts)))
    go.__name__ = "recovery_killed_at"
    return go


def fails_at(point):
    """The step fails (every third time) instead of the process."""
    def go(f, bank):
        f.restart(faults="%s=error@3" % point)
        bank.run_for(1.2)
        assert f.alive(), "tesserad ended" + f.log_tail()
        f.restart()
        bank.check()
    go.__name__ = "fails_at"
    return go


_next_shard = [0]


def shard_at(point, how):
    """tesserad stops at the point; a shard's server is killed (how "kill") or stopped ("pause") at that moment; tesserad goes on, and
    after a while the shard as well."""
    def go(f, bank):
        shard = SHARDS[_next_shard[0] % len(SHARDS)]
        _next_shard[0] += 1
        f.restart(faults="%s=stop@5" % point)
        pid, away, back = f.pid(), [], []

        def step():
            now = time.monotonic()
            if not away:
                if is_stopped(pid):
                    f.pg(how, shard)
                    os.kill(pid, signal.SIGCONT)
                    away.append(now)
            elif not back:
                if now - away[0] > (0.7 if how == "kill" else 2.5 * SLOW):
                    f.pg("restart" if how == "kill" else "resume", shard)
                    back.append(now)
            return back and now - back[0] > 0.3
        reached = bank.run_until(step, SECONDS + 3)
        if away and not back:
            f.pg("restart" if how == "kill" else "resume", shard)
        assert reached, "%s was not passed" % point
        assert f.alive(), "tesserad ended" + f.log_tail()
        eventually("the fleet is whole", lambda: works(f), 20)
        bank.check()
    go.__name__ = "shard_at"
    return go


def killed_at_random(f, bank):
    for _ in range(4):
        delay = time.monotonic() + random.uniform(0.3, 1.2)
        bank.run_until(lambda: time.monotonic() > delay and not f.pg("kill", "p1", check=False).returncode, 10)
        f.restart()
        comment("%d transfers are there" % bank.check())


def shards_killed(f, bank):
    for name in SHARDS:
        at = time.monotonic() + 0.5
        bank.run_until(lambda: time.monotonic() > at and not f.pg("kill", name, check=False).returncode, 10)
        f.pg("restart", name)
        eventually("the fleet is whole", lambda: works(f), 20)
        comment("%s: %d transfers are there" % (name, bank.check()))


def plain(f, bank):
    bank.set_up()
    before = time.monotonic()
    bank.run_for(1.5)
    n = bank.check()
    comment("%d transfers in %.1f s; errors that clients saw: %r" % (n, time.monotonic() - before, bank.codes))
    assert n > 10, "hardly any transfer succeeded" + f.log_tail()
