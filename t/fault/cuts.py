#!/usr/bin/python3
"""Connections between tesserad and its shards are cut at every step of a commit: before a command reaches the server, after it
did and before its answer comes, and just after the answer. A relay in front of each server does that. Transfers then must
be whole or absent, and nothing may stay in doubt."""
import socket
import threading
import time

from bank import *

need_tesserad()

# What is looked for in the bytes towards the server, and what it marks.
STEPS = [(b"XA START", "XA START"), (b"UPDATE `account", "a statement"), (b"XA END", "XA END"), (b"XA PREPARE", "XA PREPARE"),
         (b"trx_log", "the commit record"), (b"ONE PHASE", "the one-phase commit"), (b"XA COMMIT", "XA COMMIT"), (b"XA ROLLBACK", "XA ROLLBACK")]
ALIASES = {b"UPDATE `account": (b"UPDATE `account", b"UPDATE account")}


class Relay:
    """Passes bytes between a port and a server; rule is (pattern, when, nth) or None. One thread for each direction."""

    def __init__(self, server_port):
        self.server_port = server_port
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=200)
        self.port = self.listener.getsockname()[1]
        self.lock = threading.Lock()
        self.rule, self.fired, self.seen = None, 0, 0
        threading.Thread(target=self.accept, daemon=True).start()

    def set(self, rule):
        with self.lock:
            self.rule, self.seen = rule, 0

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self.server_port), timeout=5)
                server.settimeout(None)
            except OSError:
                client.close()
                continue
            pair = {"swallow": False}
            for s in (client, server):
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.up, args=(client, server, pair), daemon=True).start()
            threading.Thread(target=self.down, args=(server, client, pair), daemon=True).start()

    @staticmethod
    def cut(*sockets):
        for s in sockets:
            with contextlib.suppress(OSError):
                s.shutdown(socket.SHUT_RDWR)
            with contextlib.suppress(OSError):
                s.close()

    def matches(self, data):
        """Where in data the rule's packet begins, if its time has come."""
        with self.lock:
            if not self.rule:
                return None
            pattern, when, nth = self.rule
            for p in ALIASES.get(pattern, (pattern,)):
                at = data.find(p)
                if at >= 0:
                    self.seen += 1
                    if self.seen != nth:
                        return None
                    self.rule = None
                    self.fired += 1
                    # The packet's head lies before the text; statements may begin with SET or INSERT.
                    start = data.rfind(b"\x03", 0, at)
                    return when, max(0, start - 4)
        return None

    def up(self, client, server, pair):
        try:
            while True:
                data = client.recv(65536)
                if not data:
                    break
                hit = self.matches(data)
                if not hit:
                    server.sendall(data)
                    continue
                when, at = hit
                if when == "before":
                    server.sendall(data[:at])
                    break
                if when == "reply lost":
                    pair["swallow"] = True
                    server.sendall(data)
                    time.sleep(0.2)
                    break
                server.sendall(data)      # "unread": the connection dies while the server works on it
                break
        except OSError:
            pass
        self.cut(client, server)

    def down(self, server, client, pair):
        try:
            while True:
                data = server.recv(65536)
                if not data:
                    break
                if not pair["swallow"]:
                    client.sendall(data)
        except OSError:
            pass
        self.cut(client, server)


def cut_at(pattern, when):
    def go(f, bank, relays):
        fired = sum(r.fired for r in relays)
        for nth in (1, 3):
            for r in relays:
                r.set((pattern, when, nth))
            end = time.monotonic() + 3
            bank.run_until(lambda: time.monotonic() > end or all(r.rule is None for r in relays), 10)
        for r in relays:
            r.set(None)
        fired = sum(r.fired for r in relays) - fired
        assert f.alive(), "tesserad ended" + f.log_tail()
        n = bank.check()
        comment("%d cuts, %d transfers in the ledger" % (fired, n))
        if not fired:
            raise Skip("no such packet was seen")
    return go


@test("transfers work through the relays")
def plain(f, bank, relays):
    bank.set_up()
    end = time.monotonic() + 1
    bank.run_until(lambda: time.monotonic() > end, 10)
    assert bank.check() > 10


for pattern_, name_ in STEPS:
    for when_ in ("before", "unread", "reply lost"):
        test("%s: cut, %s" % (name_, when_))(cut_at(pattern_, when_))


def main():
    with Fleet(shards=4, proxies=0, extra=("--binlog", "on")) as servers:
        relays = [Relay(servers.port("s%d" % (i + 1))) for i in range(4)]
        options = {"shards": [{"name": "s%d" % (i + 1), "host": "127.0.0.1", "port": r.port} for i, r in enumerate(relays)],
                   "metadata": {"host": "127.0.0.1", "port": servers.port("s1")},
                   "backend": {"tls": {"mode": "disabled"}},
                   "recovery_interval_ms": 200, "pool": {"probe_interval_ms": 200}}
        with Fleet(shards=1, options=options) as front:
            # XA RECOVER is asked for at the servers themselves.
            front.on_shards = servers.on_shards
            run(front, Bank(front), relays)


main()
