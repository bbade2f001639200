"""What the integration tests share: fleets from the playground, the wire by hand, and TAP.

A test file defines functions decorated with @test("what holds") and calls run(setup...) at its end. The wire here is
written apart from Tessera's own codec, from the protocol's public description, so that one checks the other.
"""
import base64
import contextlib
import hashlib
import importlib.machinery
import importlib.util
import json
import os
import shutil
import signal
import socket
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import traceback

SRC = os.environ.get("TESSERA_SRCDIR") or os.path.realpath(os.path.join(os.path.dirname(__file__), "..", ".."))
BUILD = os.environ.get("TESSERA_BUILDDIR") or os.getcwd()
SERVER = os.environ.get("TESSERA_TEST_SERVER", "mariadb")
TESSERAD = os.environ.get("TESSERAD") or os.path.join(BUILD, "tesserad")
PLAYGROUND = os.path.join(SRC, "tools", "tessera-playground")
PLAIN = bool(os.environ.get("TESSERA_IT_PLAIN"))       # try the tests themselves on a server without Tessera
SLOW = 5 if os.environ.get("TESSERA_SLOW") else 1      # sanitizer builds: longer limits

_loader = importlib.machinery.SourceFileLoader("playground", PLAYGROUND)
_spec = importlib.util.spec_from_loader("playground", _loader)
playground = importlib.util.module_from_spec(_spec)
sys.dont_write_bytecode = True
_loader.exec_module(playground)
ServerError, PlainClient = playground.ServerError, playground.Client


# --- TAP ----------------------------------------------------------------------------------------------------------------

class Skip(Exception):
    pass


_tests = []


def test(title):
    def add(function):
        _tests.append((title, function))
        return function
    return add


def comment(text):
    for line in str(text).rstrip("\n").split("\n"):
        print("# " + line, flush=True)


def skip_all(why):
    print("1..0 # SKIP " + why, flush=True)
    sys.exit(0)


def run(*args):
    """Runs all tests in order; args are handed to each. The names on the command line, if any, choose."""
    chosen = sys.argv[1:]
    n = failed = 0
    for title, function in _tests:
        if chosen and function.__name__ not in chosen:
            continue
        n += 1
        began = time.monotonic()
        try:
            function(*args)
        except Skip as e:
            print("ok %d - %s # SKIP %s" % (n, title, e), flush=True)
        except BaseException as e:                      # an exit inside a test is a failure too
            if isinstance(e, KeyboardInterrupt):
                raise
            failed += 1
            comment(traceback.format_exc())
            print("not ok %d - %s" % (n, title), flush=True)
        else:
            print("ok %d - %s" % (n, title), flush=True)
        if time.monotonic() - began > 10:
            comment("took %.1f s" % (time.monotonic() - began))
    print("1..%d" % n, flush=True)
    return failed == 0


def equal(got, want, what=""):
    if got != want:
        raise AssertionError("%s: got %r, want %r" % (what or "value", got, want))


def fails_with(code, call, *args):
    """The error of a call that must fail with this code (a number or several)."""
    codes = code if isinstance(code, (tuple, list)) else (code,)
    try:
        result = call(*args)
    except ServerError as e:
        if e.code not in codes:
            raise AssertionError("got %s, want code %s" % (e, code)) from None
        return e
    raise AssertionError("no error (got %r), want code %s" % (result, code))


def eventually(what, call, seconds=10.0):
    """Calls until it returns something true; the last value."""
    end = time.monotonic() + seconds * SLOW
    while True:
        value = call()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError("%s: not within %g s" % (what, seconds * SLOW))
        time.sleep(0.05)


# --- fleets ------------------------------------------------------------------------------------------------------------

class Fleet:
    """A playground fleet in a folder of its own; a context manager that cleans up. faults: armed by the environment."""

    def __init__(self, shards=1, proxies=1, options=None, faults=None, server=None, extra=()):
        self.home = tempfile.mkdtemp(prefix="tessera-it-")
        if PLAIN:
            shards, proxies = 1, 0
        self.dir = os.path.join(self.home, "fleet")
        self.args = ["--shards", str(shards), "--proxies", str(proxies), "--server", server or SERVER, *extra]
        if proxies:
            self.args += ["--tesserad", TESSERAD]
        if options:
            self.args += ["--proxy-options", json.dumps(options)]
        self.env = dict(os.environ)
        if faults:
            self.env["TESSERA_FAULTS"] = faults

    def __enter__(self):
        try:
            self.pg("start", *self.args)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(self, *_):
        with contextlib.suppress(Exception):
            self.pg("clean")
        shutil.rmtree(self.home, ignore_errors=True)

    def pg(self, verb, *args, check=True, env=None):
        done = subprocess.run([sys.executable, "-B", PLAYGROUND, verb, "--dir", self.dir, *args], stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, text=True, env=env or self.env, stdin=subprocess.DEVNULL)
        if check and done.returncode:
            raise AssertionError("playground %s %s: %s%s" % (verb, " ".join(args), done.stderr, self.log_tail()))
        return done

    def status(self):
        """What `status --json` says, by name; without a process for each look, since tests look often."""
        with open(self.path("fleet.json")) as f:
            data = json.load(f)
        return {m["name"]: {"name": m["name"], "host": m["host"], "port": m["port"], "pid": m["pid"] if playground.alive(m) else None}
                for m in data["shards"] + data["replicas"] + data["proxies"]}

    def port(self, name="p1"):
        name = "s1" if PLAIN else name
        return self.status()[name]["port"]

    def pid(self, name="p1"):
        name = "s1" if PLAIN else name
        return self.status()[name]["pid"]

    def kill(self, name):
        self.pg("kill", name)

    def restart(self, name="p1", faults=None):
        env = dict(self.env)
        env.pop("TESSERA_FAULTS", None)
        if faults:
            env["TESSERA_FAULTS"] = faults
        self.pg("restart", name, env=env)

    def alive(self, name="p1"):
        return self.pid(name) is not None

    def path(self, *parts):
        return os.path.join(self.dir, *parts)

    def config_path(self, name="p1"):
        return self.path(name, "tesserad.json")

    def change_config(self, change, name="p1"):
        with open(self.config_path(name)) as f:
            conf = json.load(f)
        change(conf)
        with open(self.config_path(name), "w") as f:
            json.dump(conf, f)

    def log(self, name="p1"):
        with open(self.path(name, "log"), errors="replace") as f:
            return f.read()

    def log_tail(self, name="p1", lines=25):
        try:
            return "\nend of the log of %s:\n%s" % (name, "\n".join(self.log(name).split("\n")[-lines:]))
        except OSError:
            return ""

    def signal(self, number, name="p1"):
        os.kill(self.pid(name), number)

    def client(self, name="p1", timeout=20.0):
        return PlainClient(self.port(name), timeout=timeout * SLOW)

    def query(self, sql, name="p1", database=None):
        with self.client(name) as c:
            if database:
                c.query("USE " + database)
            return texts(c.query(sql))

    def on_shards(self, sql):
        """The rows of a statement on every shard."""
        return {m["name"]: texts(PlainClient(m["port"]).query(sql)) for m in self.status().values()
                if m["name"].startswith("s") and m["pid"]}


def texts(result):
    """Rows as tuples of text, or the number of affected rows."""
    columns, rows = result
    if columns is None:
        return rows
    return [tuple(None if v is None else v.decode("utf8", "replace") for v in row) for row in rows]


def need_tesserad():
    if not PLAIN and not os.access(TESSERAD, os.X_OK):
        skip_all("tesserad is not built")


def certificate(home, name="server"):
    """Makes a self-signed certificate; (certificate's path, key's path)."""
    cert, key = os.path.join(home, name + ".pem"), os.path.join(home, name + ".key")
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=" + name, "-days", "10", "-keyout",
                    key, "-out", cert, "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"], check=True, capture_output=True)
    return cert, key


# --- stored secrets ------------------------------------------------------------------------------------------------------

def native_secret(password):
    return "*" + hashlib.sha1(hashlib.sha1(password.encode()).digest()).hexdigest().upper()


def sha2_secret(password, salt="abcdefghijklmnopqrst", rounds=5000):
    """What MySQL stores for caching_sha2_password: the digest of SHA-crypt (Drepper) with a 20 byte salt."""
    pw, st = password.encode(), salt.encode()

    def spread(digest, n):
        return (digest * (n // 32 + 1))[:n]
    b = hashlib.sha256(pw + st + pw).digest()
    a = hashlib.sha256(pw + st + spread(b, len(pw)))
    n = len(pw)
    while n:
        a.update(b if n & 1 else pw)
        n >>= 1
    a = a.digest()
    p = spread(hashlib.sha256(pw * len(pw)).digest(), len(pw))
    s = spread(hashlib.sha256(st * (16 + a[0])).digest(), len(st))
    for i in range(rounds):
        h = hashlib.sha256(p if i & 1 else a)
        if i % 3:
            h.update(s)
        if i % 7:
            h.update(p)
        h.update(a if i & 1 else p)
        a = h.digest()
    order = [(0, 10, 20), (21, 1, 11), (12, 22, 2), (3, 13, 23), (24, 4, 14), (15, 25, 5), (6, 16, 26), (27, 7, 17), (18, 28, 8), (9, 19, 29)]
    letters = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    out = ""

    def emit(value, count):
        text = ""
        for _ in range(count):
            text += letters[value & 63]
            value >>= 6
        return text
    for x, y, z in order:
        out += emit(a[x] << 16 | a[y] << 8 | a[z], 4)
    out += emit(a[31] << 8 | a[30], 3)
    return "$A$%03X$%s%s" % (rounds // 1000, salt, out)


# --- the wire by hand ------------------------------------------------------------------------------------------------------

LONG_PASSWORD, FOUND_ROWS, LONG_FLAG, CONNECT_WITH_DB, LOCAL_FILES = 1, 2, 4, 8, 128
PROTOCOL_41, SSL, TRANSACTIONS, SECURE = 0x200, 0x800, 0x2000, 0x8000
MULTI_STATEMENTS, MULTI_RESULTS, PS_MULTI_RESULTS, PLUGIN_AUTH = 0x10000, 0x20000, 0x40000, 0x80000
CONNECT_ATTRS, LENENC_AUTH, SESSION_TRACK, DEPRECATE_EOF = 0x100000, 0x200000, 0x800000, 0x1000000
BASE_CAPS = LONG_PASSWORD | LONG_FLAG | PROTOCOL_41 | TRANSACTIONS | SECURE | MULTI_RESULTS | PS_MULTI_RESULTS | PLUGIN_AUTH

NATIVE, SHA2 = b"mysql_native_password", b"caching_sha2_password"
COM = {"QUIT": 1, "INIT_DB": 2, "QUERY": 3, "FIELD_LIST": 4, "STATISTICS": 9, "PROCESS_INFO": 10, "PROCESS_KILL": 12, "DEBUG": 13, "PING": 14,
       "CHANGE_USER": 17, "STMT_PREPARE": 22, "STMT_EXECUTE": 23, "STMT_SEND_LONG_DATA": 24, "STMT_CLOSE": 25, "STMT_RESET": 26,
       "SET_OPTION": 27, "STMT_FETCH": 28, "RESET_CONNECTION": 31}


class Closed(Exception):
    """The server ended the connection."""


def lenenc(data, at=0):
    first = data[at]
    if first < 0xFB:
        return first, at + 1
    if first == 0xFB:
        return None, at + 1
    n = {0xFC: 2, 0xFD: 3, 0xFE: 8}[first]
    return int.from_bytes(data[at + 1:at + 1 + n], "little"), at + 1 + n


def native_scramble(password, nonce):
    if not password:
        return b""
    one = hashlib.sha1(password).digest()
    two = hashlib.sha1(nonce + hashlib.sha1(one).digest()).digest()
    return bytes(x ^ y for x, y in zip(one, two))


def sha2_scramble(password, nonce):
    if not password:
        return b""
    one = hashlib.sha256(password).digest()
    two = hashlib.sha256(hashlib.sha256(one).digest() + nonce).digest()
    return bytes(x ^ y for x, y in zip(one, two))


class Wire:
    """A connection on which each packet is sent and read by hand."""

    def __init__(self, port, timeout=10.0):
        self.sock = socket.create_connection(("127.0.0.1", port), timeout=timeout * SLOW)
        self.seq = 0
        self.caps = 0
        self.path = []       # what authentication went through, for tests to look at

    def close(self):
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def exactly(self, n):
        data = b""
        while len(data) < n:
            try:
                part = self.sock.recv(n - len(data))
            except (ConnectionResetError, BrokenPipeError):
                part = b""
            if not part:
                raise Closed("closed by the server after %d of %d bytes" % (len(data), n))
            data += part
        return data

    def read(self):
        """One whole packet (joined where it is longer than a frame); its sequence must be the next one."""
        data = b""
        while True:
            head = self.exactly(4)
            n = int.from_bytes(head[:3], "little")
            if head[3] != self.seq:
                raise AssertionError("sequence %d, want %d" % (head[3], self.seq))
            self.seq = (self.seq + 1) & 255
            data += self.exactly(n)
            if n < 0xFFFFFF:
                return data

    def write(self, data, seq=None):
        if seq is not None:
            self.seq = seq
        out = b""
        while True:
            part, data = data[:0xFFFFFF], data[0xFFFFFF:]
            out += struct.pack("<I", len(part))[:3] + bytes([self.seq]) + part
            self.seq = (self.seq + 1) & 255
            if len(part) < 0xFFFFFF:
                break
        self.sock.sendall(out)

    @staticmethod
    def error(data):
        if data[:1] == b"\xff":
            code, rest, state = int.from_bytes(data[1:3], "little"), data[3:], "HY000"
            if rest[:1] == b"#":
                state, rest = rest[1:6].decode(), rest[6:]
            raise ServerError(code, state, rest.decode("utf8", "replace"))
        return data

    def greeting(self):
        data = self.error(self.read())
        equal(data[0], 10, "protocol version")
        end = data.index(b"\0", 1)
        self.version = data[1:end].decode()
        at = end + 1
        self.conn_id = int.from_bytes(data[at:at + 4], "little")
        self.nonce = data[at + 4:at + 12]
        low = int.from_bytes(data[at + 13:at + 15], "little")
        self.charset, self.status, high = struct.unpack_from("<BHH", data, at + 15)
        self.server_caps = low | high << 16
        more = data[at + 31:]
        end = more.index(b"\0")
        self.nonce += more[:end]
        equal(len(self.nonce), 20, "length of the nonce")
        self.plugin = more[end + 1:].rstrip(b"\0")
        return self

    def scramble(self, plugin, password):
        return {NATIVE: native_scramble, SHA2: sha2_scramble}[plugin](password, self.nonce)

    def login(self, user="root", password="", db=None, plugin=None, caps=0, tls=False, charset=45, auth=None):
        """Logs in, answering what the server asks for. auth: an answer to send in place of the right one."""
        if not hasattr(self, "nonce"):
            self.greeting()
        password = password.encode()
        plugin = plugin or (self.plugin if self.plugin in (NATIVE, SHA2) else NATIVE)
        self.caps = BASE_CAPS | caps | (CONNECT_WITH_DB if db is not None else 0) | (SSL if tls else 0)
        head = struct.pack("<IIB23x", self.caps, 1 << 24, charset)
        if tls:
            self.write(head)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE
            self.sock = context.wrap_socket(self.sock)
        answer = self.scramble(plugin, password) if auth is None else auth
        self.write(head + user.encode() + b"\0" + bytes([len(answer)]) + answer + (db.encode() + b"\0" if db is not None else b"") +
                   plugin + b"\0")
        return self.authenticate(plugin, password, tls)

    def authenticate(self, plugin, password, tls):
        while True:
            data = self.error(self.read())
            if data[:1] == b"\0":
                self.path.append("ok")
                self.ok = data
                return self
            if data[:1] == b"\xfe":
                name, _, nonce = data[1:].partition(b"\0")
                self.path.append("switch " + name.decode())
                plugin, self.nonce = name, nonce.rstrip(b"\0") if len(nonce) > 20 else nonce
                self.write(self.scramble(plugin, password))
            elif data[:2] == b"\x01\x03":
                self.path.append("fast")
            elif data[:2] == b"\x01\x04":
                self.path.append("full")
                self.full(password, tls)
            else:
                raise AssertionError("unexpected packet at login: %r" % data[:40])

    def full(self, password, tls):
        if tls:
            self.write(password + b"\0")
            return
        self.write(b"\x02")
        key = self.error(self.read())
        equal(key[:1], b"\x01", "public key packet")
        nonce = (self.nonce * (len(password) // 20 + 1))[:len(password) + 1]
        secret = bytes(x ^ y for x, y in zip(password + b"\0", nonce))
        with tempfile.NamedTemporaryFile(suffix=".pem") as f:
            f.write(key[1:])
            f.flush()
            done = subprocess.run(["openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", f.name, "-pkeyopt", "rsa_padding_mode:oaep"],
                                  input=secret, capture_output=True, check=True)
        self.write(done.stdout)

    def command(self, name, body=b""):
        self.write(bytes([COM[name] if isinstance(name, str) else name]) + body, seq=0)

    def result(self):
        """One result: ("ok", affected, insert id, status, warnings) or ("rows", [column names], [raw row packets])."""
        data = self.error(self.read())
        if data[:1] == b"\0":
            affected, at = lenenc(data, 1)
            insert_id, at = lenenc(data, at)
            status, warnings = struct.unpack_from("<HH", data, at)
            return "ok", affected, insert_id, status, warnings
        columns = []
        for _ in range(lenenc(data)[0]):
            columns.append(self.column(self.read()))
        if not self.caps & DEPRECATE_EOF:
            equal(self.read()[:1], b"\xfe", "EOF after column definitions")
        rows = []
        while True:
            data = self.error(self.read())
            if data[:1] == b"\xfe" and (len(data) < 9 or self.caps & DEPRECATE_EOF and len(data) < 0xFFFFFF):
                return "rows", columns, rows
            rows.append(data)

    @staticmethod
    def column(data):
        at, parts = 0, []
        for _ in range(6):
            n, at = lenenc(data, at)
            parts.append(data[at:at + n].decode())
            at += n
        charset, length, kind, flags, decimals = struct.unpack_from("<HIBHB", data, at + 1)
        return {"db": parts[1], "table": parts[2], "org_table": parts[3], "name": parts[4], "org_name": parts[5], "charset": charset,
                "length": length, "type": kind, "flags": flags, "decimals": decimals}

    @staticmethod
    def values(row):
        out, at = [], 0
        while at < len(row):
            n, at = lenenc(row, at)
            if n is None:
                out.append(None)
            else:
                out.append(row[at:at + n])
                at += n
        return out

    def query(self, sql):
        self.command("QUERY", sql.encode() if isinstance(sql, str) else sql)
        kind, *rest = self.result()
        if kind == "ok":
            return rest[0]
        return [tuple(None if v is None else v.decode("utf8", "replace") for v in self.values(row)) for row in rest[1]]

    def prepare(self, sql):
        """(statement id, parameters, columns)"""
        self.command("STMT_PREPARE", sql.encode())
        return self.prepared()

    def prepared(self):
        data = self.error(self.read())
        equal(data[0], 0, "prepare's answer")
        stmt, columns, params = struct.unpack_from("<IHH", data, 1)
        for count in (params, columns):
            for _ in range(count):
                self.read()
            if count and not self.caps & DEPRECATE_EOF:
                equal(self.read()[:1], b"\xfe", "EOF")
        return stmt, params, columns

    def closed(self):
        """Whether the server has ended the connection (waits for that up to the socket's timeout)."""
        try:
            while True:
                if not self.sock.recv(65536):
                    return True
        except (ConnectionResetError, BrokenPipeError, ssl.SSLError):
            return True
        except (TimeoutError, socket.timeout):
            return False


def program(*argv, input=None, timeout=120, env=None):
    return subprocess.run(argv, input=input, capture_output=True, text=True, timeout=timeout * SLOW, env=env)


def mysql9(name):
    """The command line of a program of the unpacked MySQL 9, or Skip."""
    unpack = os.path.join(SRC, "tools", "mysql9-unpack")
    base = subprocess.run([unpack, "dir"], capture_output=True, text=True).stdout.strip()
    if not os.path.exists(os.path.join(base, "root", "usr", "bin", name)):
        if os.environ.get("TESSERA_NO_MYSQL9") or program(unpack, "build", timeout=600).returncode:
            raise Skip("MySQL 9 is not unpacked (tools/mysql9-unpack)")
    return [unpack, "run", name]
