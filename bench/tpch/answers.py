"""The queries, a client that times them, and what makes two answers equal."""
import contextlib
import hashlib
import os
import re
import struct
import sys
import time

HERE = os.path.dirname(os.path.realpath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "t", "it"))
from lib import PlainClient, ServerError

TYPE_FLOAT, TYPE_DOUBLE = 4, 5
# Sums of DOUBLEs depend on the order of their terms: so much of the larger value may differ.
DOUBLE_TOLERANCE = 1e-9


class Query:
    """number, what it asks, sql, order: [index of column], limit (None without one)."""

    def __init__(self, number, what, order, sql):
        self.number, self.name, self.what = number, "q%d" % number, what
        self.order = [] if order == "none" else [int(w) - 1 for w in order.split()]
        self.sql = sql
        m = re.search(r"\nLIMIT (\d+)$", sql)
        self.limit = int(m.group(1)) if m else None
        self.unlimited = sql[:m.start()] if m else sql


def read_queries(scale, path=os.path.join(HERE, "queries.sql")):
    with open(path) as f:
        text = f.read()
    out = []
    for m in re.finditer(r"^-- q(\d+): (.*)\n-- order: (.*)\n((?:.*\n)*?.*);\n", text, re.M):
        sql = m.group(4).replace(":fraction", "%.10f" % (0.0001 / scale))
        out.append(Query(int(m.group(1)), m.group(2), m.group(3), sql))
    return out


class Answer:
    """columns: [(name, type, decimals)]; rows: tuples of bytes or None; seconds until the last byte was here; bytes of rows."""

    def __init__(self, columns, rows, seconds, size):
        self.columns, self.rows, self.seconds, self.size = columns, rows, seconds, size

    def digest(self):
        """The same for the same rows in any order."""
        h = hashlib.sha256()
        for row in sorted(self.rows, key=repr):
            h.update(repr(row).encode() + b"\n")
        return h.hexdigest()[:16]


class TooSlow(Exception):
    pass


class TimedClient(PlainClient):
    """A connection that asks one query at a time and stops the clock before it looks at the rows."""

    def __init__(self, port, timeout):
        self.port, self.timeout = port, timeout
        super().__init__(port, timeout=max(timeout, 10))
        self.id = int(self.query("SELECT CONNECTION_ID()")[1][0][0])

    def _column(self, data):
        at, name = 0, b""
        for i in range(6):
            n, at = self._lenenc(data, at)
            if i == 4:
                name = data[at:at + n]
            at += n
        _, _, kind, _, decimals = struct.unpack_from("<HIBHB", data, at + 1)
        return name.decode("utf8", "replace"), kind, decimals

    def _slurp(self, deadline):
        """All packets of one answer as (offset, length) in what was read, and when the last byte was here: nothing is looked at
        but where packets end, so that the client's own time does not hide the server's."""
        data, at, ends, packets, left, now = bytearray(), 0, 0, [], None, time.monotonic()
        while True:
            if now >= deadline:
                raise TimeoutError
            self.sock.settimeout(deadline - now)
            part = self.sock.recv(1 << 20)
            now = time.monotonic()
            if not part:
                raise ConnectionError("the server closed the connection")
            data += part
            size = len(data)
            while size - at >= 4:
                n = data[at] | data[at + 1] << 8 | data[at + 2] << 16
                if size - at - 4 < n:
                    break
                at += 4
                first = data[at] if n else 0
                if first == 0xFF:
                    self._raise(bytes(data[at:at + n]))
                if n == 0xFFFFFF:
                    raise ConnectionError("a packet of 16 MiB, which no query here has")
                if left is None and first == 0 or first == 0xFE and n < 9 and ends:
                    return data, packets, now
                left = 0
                if first == 0xFE and n < 9:
                    ends += 1
                else:
                    packets.append((at, n))
                at += n

    def _raise(self, data):
        raise ServerError(int.from_bytes(data[1:3], "little"), data[4:9].decode(), data[9:].decode("utf8", "replace"))

    def ask(self, sql):
        """The Answer. ServerError as the server says it; TooSlow behind the connection's limit (it is then of no more use)."""
        began = time.monotonic()
        try:
            self.seq = 0
            self._write(b"\x03" + sql.encode())
            data, packets, ended = self._slurp(began + self.timeout)
        except TimeoutError:
            with contextlib.suppress(OSError, ServerError), PlainClient(self.port, timeout=10) as c:
                c.query("KILL %d" % self.id)
            self.close()
            raise TooSlow("more than %.3g s" % (time.monotonic() - began)) from None
        seconds = ended - began
        if not packets:
            return Answer([], [], seconds, 0)
        packets = [bytes(data[at:at + n]) for at, n in packets]
        n = self._lenenc(packets[0], 0)[0]
        rows = packets[1 + n:]
        return Answer([self._column(c) for c in packets[1:1 + n]], [tuple(self._strings(p)) for p in rows], seconds, sum(4 + len(p) for p in rows))


def _same_value(a, b, kind):
    if a == b or a is None or b is None or kind not in (TYPE_FLOAT, TYPE_DOUBLE):
        return a == b
    x, y = float(a), float(b)
    return abs(x - y) <= DOUBLE_TOLERANCE * max(abs(x), abs(y))


def _same_row(a, b, kinds):
    return all(_same_value(x, y, k) for x, y, k in zip(a, b, kinds))


def _same_set(a, b, kinds):
    """Whether two lists hold the same rows, in any order."""
    if len(a) != len(b):
        return False
    a, b = sorted(a, key=repr), sorted(b, key=repr)
    if a == b:
        return True
    rest = list(b)
    for row in a:
        found = next((i for i, other in enumerate(rest) if _same_row(row, other, kinds)), None)
        if found is None:
            return False
        del rest[found]
    return True


def _groups(rows, order):
    """Runs of rows with equal values in the ordering columns: [[row, ...], ...]."""
    out = []
    for row in rows:
        key = [row[i] for i in order]
        if out and key == [out[-1][0][i] for i in order]:
            out[-1].append(row)
        else:
            out.append([row])
    return out


def _show(row):
    return "(" + ", ".join("NULL" if v is None else v.decode("utf8", "replace") for v in row) + ")"


def compare(query, want, got, unlimited=None):
    """None where the answers are equal, else what differs. want comes from the plain server; unlimited() gives its Answer
    without the LIMIT, and is asked only where a tie at the limit left a choice.

    Equal are: names, types and decimals of columns; rows, value by value as text, DOUBLEs within a tolerance; their order as
    far as the ORDER BY tells it.
    """
    if want.columns != got.columns:
        for a, b in zip(want.columns, got.columns):
            if a != b:
                return "column %s: (name, type, decimals) %r, want %r" % (a[0], b, a)
        return "%d columns, want %d" % (len(got.columns), len(want.columns))
    if len(want.rows) != len(got.rows):
        return "%d rows, want %d" % (len(got.rows), len(want.rows))
    kinds = [c[1] for c in want.columns]
    a, b = _groups(want.rows, query.order), _groups(got.rows, query.order)
    at = 0
    for i, group in enumerate(a):
        other = got.rows[at:at + len(group)]
        keys_same = all(_same_value(x[j], y[j], kinds[j]) for x, y in zip(group, other) for j in query.order)
        last = i + 1 == len(a) and query.limit == len(want.rows)
        if not keys_same or not (_same_set(group, other, kinds) or last and _may_choose(group, other, query, kinds, unlimited)):
            if any(k in (TYPE_FLOAT, TYPE_DOUBLE) for k in (kinds[j] for j in query.order)) and len(a) != len(b) and _same_set(want.rows, got.rows, kinds):
                return None         # rounding made or broke a tie; the rows are the same
            here = next((n for n, (x, y) in enumerate(zip(group, other)) if not _same_row(x, y, kinds)), 0)
            return "row %d: %s, want %s" % (at + here + 1, _show(other[here]), _show(group[here]))
        at += len(group)
    return None


def _may_choose(group, other, query, kinds, unlimited):
    """Whether the rows behind a tie at the limit are some of those that could stand there."""
    if not unlimited or not query.order:
        return False
    rest = [row for row in unlimited().rows if all(_same_value(row[j], group[0][j], kinds[j]) for j in query.order)]
    for row in other:
        found = next((i for i, candidate in enumerate(rest) if _same_row(row, candidate, kinds)), None)
        if found is None:
            return False
        del rest[found]
    return True
