#!/usr/bin/python3
"""Logging in: both plugins, fast and full, with TLS and without, right and wrong, by several clients."""
import contextlib
import os
import shutil
import signal
import sys
import tempfile

from lib import *

need_tesserad()
PASSWORD = "s3cret pass'word"
WRONG = (1045, "28000")


def refused(call, *args, **kw):
    try:
        call(*args, **kw)
    except ServerError as e:
        equal((e.code, e.state), WRONG, "error")
        return e
    raise AssertionError("logged in")


@test("the greeting looks like the fleet's server")
def greeting(f):
    with Wire(f["open"].port()) as w, Wire(f["open"].port("s1")) as s:
        w.greeting()
        s.greeting()
        # To the letter: MariaDB 10 puts a number in front, by which clients choose collations and system tables.
        equal(w.version, s.version, "version")
        equal("MariaDB" in w.version, "MariaDB" in s.version, "product")
        assert w.server_caps & DEPRECATE_EOF and w.server_caps & PLUGIN_AUTH and w.server_caps & PROTOCOL_41
        assert w.nonce.isascii() and b"\0" not in w.nonce


@test("nonces and connection ids differ")
def nonces(f):
    seen = set()
    for _ in range(20):
        with Wire(f["open"].port()) as w:
            w.greeting()
            seen.add((w.nonce, w.conn_id))
    equal(len({n for n, _ in seen}), 20, "nonces")
    equal(len({i for _, i in seen}), 20, "ids")


@test("root without a password, both plugins, with each capability that matters")
def open_root(f):
    for plugin in (NATIVE, SHA2):
        for caps in (0, DEPRECATE_EOF, FOUND_ROWS, MULTI_STATEMENTS, DEPRECATE_EOF | MULTI_STATEMENTS):
            with Wire(f["open"].port()) as w:
                w.login(plugin=plugin, caps=caps)
                equal(w.query("SELECT 1"), [("1",)])


@test("with a database, and with an unknown one")
def databases(f):
    with Wire(f["open"].port()) as w:
        w.login(db="information_schema")
        equal(w.query("SELECT DATABASE()"), [("information_schema",)])
    with Wire(f["open"].port()) as w:
        fails_with((1049, 1044), w.login, "root", "", "no_such_db")
        assert w.closed()


@test("a password where none is stored is refused")
def open_with_password(f):
    for plugin in (NATIVE, SHA2):
        with Wire(f["open"].port()) as w:
            e = refused(w.login, password="x", plugin=plugin)
            assert "using password: YES" in e.text, e.text
            assert w.closed()


@test("native secret: the right password from either plugin")
def native_right(f):
    for plugin in (NATIVE, SHA2):
        with Wire(f["native"].port()) as w:
            w.login(password=PASSWORD, plugin=plugin)
            assert plugin == NATIVE or "switch mysql_native_password" in w.path, w.path
            equal(w.query("SELECT 1"), [("1",)])


@test("native secret: wrong, empty and cut passwords are refused")
def native_wrong(f):
    for password in ("wrong", "", PASSWORD[:-1], PASSWORD + "x"):
        with Wire(f["native"].port()) as w:
            e = refused(w.login, password=password, plugin=NATIVE)
            assert ("using password: YES" if password else "using password: NO") in e.text, e.text
            assert w.closed()
    for auth in (b"x", b"y" * 19, b"z" * 21, b"\0" * 20):
        with Wire(f["native"].port()) as w:
            refused(w.login, password=PASSWORD, plugin=NATIVE, auth=auth)


@test("sha2 secret: full authentication over RSA, then the fast path")
def sha2_rsa(f):
    fleet = f["sha2"]
    fleet.restart()       # nothing is remembered of earlier logins
    for expect in ("full", "fast"):
        with Wire(fleet.port()) as w:
            w.login(password=PASSWORD, plugin=SHA2)
            assert expect in w.path, w.path
            equal(w.query("SELECT 1"), [("1",)])


@test("sha2 secret: full authentication over TLS, then the fast path")
def sha2_tls(f):
    fleet = f["sha2"]
    fleet.restart()
    for expect in ("full", "fast"):
        with Wire(fleet.port()) as w:
            w.login(password=PASSWORD, plugin=SHA2, tls=True)
            assert expect in w.path, w.path
            equal(w.query("SELECT 1"), [("1",)])


@test("sha2 secret: a client that begins with native is switched")
def sha2_switch(f):
    with Wire(f["sha2"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE)
        assert "switch caching_sha2_password" in w.path, w.path


@test("sha2 secret: wrong passwords are refused on every path")
def sha2_wrong(f):
    for tls in (False, True):
        for password in ("wrong", "", PASSWORD + "x"):
            with Wire(f["sha2"].port()) as w:
                refused(w.login, password=password, plugin=SHA2, tls=tls)
                assert w.closed()


@test("an unknown user is refused like a wrong password")
def unknown_user(f):
    for name in ("native", "sha2", "open"):
        for user in ("nobody", "", "r", "ROOT'--"):
            for plugin in (NATIVE, SHA2):
                with Wire(f[name].port()) as w:
                    refused(w.login, user=user, password="x", plugin=plugin)
                    assert w.closed()


@test("TLS: native secret, and a large exchange over it")
def tls_native(f):
    with Wire(f["native"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE, tls=True)
        equal(w.query("SELECT LENGTH('%s')" % ("x" * 300000)), [("300000",)])
        equal(len(w.query("SELECT REPEAT('y', 1000000)")[0][0]), 1000000)


@test("TLS is refused politely where it is not configured")
def no_tls(f):
    with Wire(f["open"].port()) as w:
        w.greeting()
        assert not w.server_caps & SSL
        w.write(struct.pack("<IIB23x", BASE_CAPS | SSL, 1 << 24, 45))
        w.sock.sendall(b"\x16\x03\x01\x00\x05hello")
        assert w.closed()


def cli(argv, fleet, password, *more):
    return program(*argv, "--no-defaults", "-h127.0.0.1", "-P%d" % fleet.port(), "-uroot", "-p" + password if password else "--skip-password",
                   *more, "-N", "-B", "-e", "SELECT 41 + 1")


@test("the mariadb shell logs in: open, native, sha2; wrong passwords are told")
def mariadb_shell(f):
    for name, password in (("open", ""), ("native", PASSWORD), ("sha2", PASSWORD)):
        for more in ((), ("--ssl",)) if name != "open" else ((),):
            done = cli(["mariadb"], f[name], password, *more)
            equal(done.stdout.strip(), "42", name + " " + done.stderr)
    done = cli(["mariadb"], f["native"], "wrong")
    assert "1045" in done.stderr, done.stderr


@test("MySQL 9's mysql logs in: open, sha2 over TLS and over RSA")
def mysql_shell(f):
    mysql = mysql9("mysql")
    for name, password, more in (("open", "", ()), ("sha2", PASSWORD, ("--ssl-mode=REQUIRED",)),
                                 ("sha2", PASSWORD, ("--ssl-mode=DISABLED", "--get-server-public-key"))):
        done = cli(mysql, f[name], password, *more)
        equal(done.stdout.strip(), "42", "%s %s %s" % (name, more, done.stderr))
    done = cli(mysql, f["sha2"], "wrong")
    assert "1045" in done.stderr, done.stderr


@test("PyMySQL logs in: open, native, sha2 over TLS")
def pymysql_client(f):
    try:
        import pymysql
    except ImportError:
        raise Skip("python3-pymysql is not installed") from None
    for name, password, more in (("open", "", {}), ("native", PASSWORD, {}), ("sha2", PASSWORD, {"ssl": {"ca": f["cert"]}})):
        c = pymysql.connect(host="127.0.0.1", port=f[name].port(), user="root", password=password, **more)
        with c.cursor() as cur:
            cur.execute("SELECT %s + 1", (41,))
            equal(cur.fetchone()[0], 42)
        c.close()


@test("Perl's DBD::MariaDB logs in and prepares on the server")
def perl(f):
    script = r'''
        use strict; use DBI;
        my ($port, $password) = @ARGV;
        my $d = DBI->connect("DBI:MariaDB:host=127.0.0.1;port=$port", "root", $password,
                             {RaiseError => 1, PrintError => 0, mariadb_server_prepare => 1});
        my $s = $d->prepare("SELECT ? + 1, ?");
        $s->execute(41, "it's");
        print join("|", $s->fetchrow_array), "\n";'''
    if program("perl", "-MDBD::MariaDB", "-e", "1").returncode:
        raise Skip("libdbd-mariadb-perl is not installed")
    for name, password in (("open", ""), ("native", PASSWORD)):
        done = program("perl", "-e", script, str(f[name].port()), password)
        equal(done.stdout.strip(), "42|it's", name + " " + done.stderr)


def change_user_packet(auth, db=b"", plugin=NATIVE):
    return b"root\0" + bytes([len(auth)]) + auth + db + b"\0" + struct.pack("<H", 45) + plugin + b"\0"


@test("COM_CHANGE_USER: a new session on the same connection")
def change_user(f):
    with Wire(f["native"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE)
        for sql in ("CREATE DATABASE IF NOT EXISTS cu", "USE cu", "CREATE TABLE IF NOT EXISTS t (a INT PRIMARY KEY)", "SET @a = 1",
                    "SET SESSION sql_mode = 'ANSI_QUOTES'", "SET autocommit = 0", "INSERT INTO t VALUES (1)"):
            w.query(sql)
        answer = native_scramble(PASSWORD.encode(), w.nonce)
        w.command("CHANGE_USER", change_user_packet(answer))
        w.authenticate(NATIVE, PASSWORD.encode(), False)
        equal(w.query("SELECT @a, DATABASE(), @@autocommit, @@sql_mode LIKE '%ANSI%'"), [(None, None, "1", "0")])
        equal(w.query("SELECT COUNT(*) FROM cu.t"), [("0",)], "the transaction is rolled back")
        w.command("CHANGE_USER", change_user_packet(answer, b"cu"))
        w.authenticate(NATIVE, PASSWORD.encode(), False)
        equal(w.query("SELECT DATABASE()"), [("cu",)])
        # The client guesses another method and is told to switch.
        w.command("CHANGE_USER", change_user_packet(b"", b"cu", SHA2))
        w.authenticate(SHA2, PASSWORD.encode(), False)
        equal(w.query("SELECT 1"), [("1",)])
        w.command("CHANGE_USER", change_user_packet(b"x" * 20))
        fails_with(1045, w.authenticate, NATIVE, b"wrong", False)
        assert w.closed(), "a refused login ends the connection"
    with Wire(f["native"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE)
        w.command("CHANGE_USER", change_user_packet(native_scramble(PASSWORD.encode(), w.nonce), b"nowhere"))
        fails_with(1049, w.authenticate, NATIVE, PASSWORD.encode(), False)
    with Wire(f["native"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE)
        w.command("CHANGE_USER", b"root")
        fails_with(1835, w.authenticate, NATIVE, PASSWORD.encode(), False)
        equal(w.query("SELECT 1"), [("1",)], "a malformed packet changes nothing")
    with Wire(f["sha2"].port()) as w:
        w.login(password=PASSWORD, plugin=SHA2)
        w.command("CHANGE_USER", change_user_packet(b"", plugin=SHA2))
        w.authenticate(SHA2, PASSWORD.encode(), False)
        equal(w.query("SELECT 1"), [("1",)])
    with Wire(f["open"].port()) as w:
        w.login()
        for _ in range(3):
            w.command("CHANGE_USER", change_user_packet(b""))
            w.authenticate(NATIVE, b"", False)
        equal(w.query("SELECT 1"), [("1",)])


@test("the handshake's character set is the session's; one that cannot be read is refused by name")
def handshake_charset(f):
    for collation, charset in ((8, "latin1"), (51, "cp1251"), (45, "utf8mb4")):
        with Wire(f["open"].port()) as w:
            w.login()
            w.command("CHANGE_USER", b"root\0\0\0" + struct.pack("<H", collation) + NATIVE + b"\0")
            w.authenticate(NATIVE, b"", False)
            equal(w.query("SELECT @@character_set_client, @@character_set_results"), [(charset, charset)])
    with Wire(f["open"].port()) as w:
        w.login()
        w.command("CHANGE_USER", b"root\0\0\0" + struct.pack("<H", 28) + NATIVE + b"\0")
        fails_with(1235, w.authenticate, NATIVE, b"", False)


# --- accounts made by statements ---

MARIA = SERVER == "mariadb"
PW_HASH = native_secret("pw")
PW_HEX = "0x" + sha2_secret("pw").encode().hex()
# What makes account acc: [statements], the password that it has then.
MADE = [
    (["CREATE USER acc IDENTIFIED BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED BY ''"], ""),
    (["CREATE USER acc IDENTIFIED WITH mysql_native_password BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED WITH caching_sha2_password BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED WITH mysql_native_password AS '%s'" % PW_HASH], "pw"),
    (["CREATE USER acc IDENTIFIED WITH caching_sha2_password AS '%s'" % sha2_secret("pw")], "pw"),
    (["CREATE USER acc IDENTIFIED WITH caching_sha2_password AS %s" % PW_HEX], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "ALTER USER acc IDENTIFIED BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "ALTER USER acc IDENTIFIED WITH mysql_native_password BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "ALTER USER acc IDENTIFIED WITH caching_sha2_password BY 'pw'"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'pw'", "ALTER USER acc WITH MAX_USER_CONNECTIONS 5"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'pw'", "GRANT ALL ON *.* TO acc"], "pw"),
    (["CREATE USER acc0 IDENTIFIED BY 'pw'", "RENAME USER acc0 TO acc"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'pw', acc0 IDENTIFIED BY 'x'", "RENAME USER acc TO acc1, acc0 TO acc, acc TO acc2, acc1 TO acc",
      "DROP USER acc2"], "pw"),
]
MADE_MARIA = [
    (["CREATE USER acc IDENTIFIED VIA mysql_native_password USING PASSWORD('pw')"], "pw"),
    (["CREATE USER acc IDENTIFIED VIA mysql_native_password AS PASSWORD('pw')"], "pw"),
    (["CREATE USER acc IDENTIFIED VIA mysql_native_password USING '%s'" % PW_HASH], "pw"),
    (["CREATE USER acc IDENTIFIED BY PASSWORD '%s'" % PW_HASH], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "ALTER USER acc IDENTIFIED VIA mysql_native_password USING PASSWORD('pw')"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "ALTER USER acc IDENTIFIED WITH mysql_native_password USING PASSWORD('pw')"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "SET PASSWORD FOR acc = PASSWORD('pw')"], "pw"),
    (["CREATE USER acc", "SET PASSWORD FOR acc = PASSWORD('pw')"], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "SET PASSWORD FOR acc = '%s'" % PW_HASH], "pw"),
    (["CREATE USER acc IDENTIFIED BY 'old'", "GRANT SELECT ON x.* TO acc IDENTIFIED BY 'pw'"], "pw"),
    (["GRANT SELECT ON x.* TO acc IDENTIFIED BY 'pw'"], "pw"),
    (["GRANT ALL ON *.* TO acc IDENTIFIED VIA mysql_native_password USING PASSWORD('pw'), acc"], "pw"),
]
MADE_MYSQL = [
    (["CREATE USER acc IDENTIFIED BY 'old'", "SET PASSWORD FOR acc = 'pw'"], "pw"),
    (["CREATE USER acc", "SET PASSWORD FOR acc = 'pw'"], "pw"),
    (["CREATE USER acc", "SET PASSWORD FOR acc = '%s'" % PW_HASH], PW_HASH),
]
# What is refused, {} being CREATE or ALTER USER of an account with the password 'old': nobody gets in by it.
REFUSED = [
    (1235, "{} IDENTIFIED WITH auth_socket"),
    (1235, "{} IDENTIFIED WITH unix_socket"),
    (1235, "{} IDENTIFIED WITH sha256_password BY 'pw'"),
    (1235, "{} IDENTIFIED WITH ed25519 BY 'pw'"),
    (1372, "{} IDENTIFIED WITH mysql_native_password AS 'short'"),
    (1372, "{} IDENTIFIED WITH mysql_native_password AS '%s'" % PW_HASH[:-1]),
    (1372, "{} IDENTIFIED WITH mysql_native_password AS '%sX'" % PW_HASH[:-1]),
    (1372, "{} IDENTIFIED WITH mysql_native_password AS '%s'" % sha2_secret("pw")),
    (1827, "{} IDENTIFIED WITH caching_sha2_password AS '%s'" % PW_HASH),
    (1827, "{} IDENTIFIED WITH caching_sha2_password AS '%s'" % sha2_secret("pw")[:-1]),
    ((1235, 1064), "{} IDENTIFIED BY 0x7077"),
    ((1235, 1064), "{} IDENTIFIED BY PASSWORD('pw')"),
    ((1235, 1064), "{} IDENTIFIED BY RANDOM PASSWORD"),
    ((1235, 1064), "{} IDENTIFIED BY 'pw' RETAIN CURRENT PASSWORD"),
    ((1235, 1064), "{} IDENTIFIED BY 'pw' REPLACE 'old'"),
    (1235, "{} IDENTIFIED BY 'pw' REQUIRE X509"),
    (1235, "{} IDENTIFIED BY 'pw' REQUIRE SUBJECT '/CN=me'"),
    (1235, "{} IDENTIFIED BY 'pw' PASSWORD EXPIRE"),
    (1235, "{} IDENTIFIED BY 'pw' PASSWORD EXPIRE INTERVAL 3 DAY"),
]
REFUSED_MARIA = [
    (1235, "{} IDENTIFIED VIA unix_socket"),
    (1235, "{} IDENTIFIED VIA ed25519 USING PASSWORD('pw')"),
    (1235, "{} IDENTIFIED VIA mysql_native_password USING PASSWORD('pw') OR unix_socket"),
    (1235, "{} IDENTIFIED VIA unix_socket OR mysql_native_password USING PASSWORD('pw')"),
    (1235, "{} IDENTIFIED VIA caching_sha2_password USING PASSWORD('pw')"),
    (1372, "{} IDENTIFIED BY PASSWORD 'short'"),
    (1372, "{} IDENTIFIED BY PASSWORD '606706156665cd86'"),
]
REFUSED_MYSQL = [
    (1235, "{} IDENTIFIED BY 'pw' AND IDENTIFIED BY 'two'"),
    (1235, "{} IDENTIFIED WITH caching_sha2_password BY 'pw' AND IDENTIFIED WITH authentication_ldap_sasl"),
    (1235, "{} IDENTIFIED BY 'pw' FAILED_LOGIN_ATTEMPTS 3 PASSWORD_LOCK_TIME 1"),
    (1235, "{} IDENTIFIED BY 'pw' PASSWORD HISTORY 5"),
    (1235, "{} IDENTIFIED BY 'pw' PASSWORD REUSE INTERVAL 5 DAY"),
    (1235, "{} IDENTIFIED BY 'pw' PASSWORD REQUIRE CURRENT"),
]
# Refused for an account with the password 'old' only.
REFUSED_CHANGE = [(1064, "SET PASSWORD FOR acc = "), ((1235, 1064), "SET PASSWORD FOR acc = 'pw' REPLACE 'old'"),
                  ((1235, 1064), "SET PASSWORD FOR acc = CONCAT('p', 'w')"), ((1235, 1064), "SET PASSWORD FOR acc = OLD_PASSWORD('pw')"),
                  ((1235, 1064), "SET PASSWORD FOR acc TO RANDOM"), ((1235, 1064), "ALTER USER acc DISCARD OLD PASSWORD"),
                  ((1396,), "RENAME USER acc TO root"), ((1396,), "RENAME USER acc TO acc, nobody TO acc3")]
REFUSED_CHANGE_MARIA = [(1372, "SET PASSWORD FOR acc = 'pw'"), (1235, "SET PASSWORD FOR acc = PASSWORD(CONCAT('p', 'w'))"),
                        (1235, "GRANT ALL ON *.* TO acc IDENTIFIED VIA unix_socket"),
                        (1235, "GRANT ALL ON *.* TO acc IDENTIFIED BY 'pw' REQUIRE X509"),
                        (1235, "GRANT ALL ON *.* TO acc IDENTIFIED VIA mysql_native_password USING PASSWORD('pw') OR unix_socket")]
REFUSED_CHANGE_MYSQL = [(1235, "ALTER USER acc IDENTIFIED WITH caching_sha2_password"), (1235, "ALTER USER acc ADD 2 FACTOR IDENTIFIED BY 'x'"),
                        (1235, "ALTER USER acc MODIFY 2 FACTOR IDENTIFIED BY 'x'"), ((1235, 1064), "SET PASSWORD FOR acc = PASSWORD('pw')")]


@contextlib.contextmanager
def root_of(f):
    with Wire(f["native"].port()) as w:
        w.login(password=PASSWORD, plugin=NATIVE)
        try:
            yield w
        finally:
            w.query("DROP USER IF EXISTS acc, acc0, acc1, acc2, acc3, acc@localhost")


def only(f, password, **kw):
    """acc gets in by this password (None: by none) with both methods, and by no other one."""
    for plugin in (NATIVE, SHA2):
        for tried in {password, "", "pw", "old", "pw2", PW_HASH, "short"} - {None}:
            with Wire(f["native"].port()) as w:
                if tried == password:
                    w.login(user="acc", password=tried, plugin=plugin, **kw)
                    equal(w.query("SELECT 1"), [("1",)])
                else:
                    try:
                        refused(w.login, user="acc", password=tried, plugin=plugin, **kw)
                    except AssertionError:
                        raise AssertionError("%s with password %r" % (plugin, tried)) from None


@test("accounts: each form of IDENTIFIED lets in by its password alone")
def identified(f):
    with root_of(f) as root:
        for statements, password in MADE + (MADE_MARIA if MARIA else MADE_MYSQL):
            for sql in statements:
                root.query(sql)
            try:
                only(f, password)
            except AssertionError as e:
                raise AssertionError("%s: %s" % (statements, e)) from None
            root.query("DROP USER acc")


@test("accounts: what Tessera would not do exactly is refused and changes nothing")
def identified_refused(f):
    with root_of(f) as root:
        for code, sql in REFUSED + (REFUSED_MARIA if MARIA else REFUSED_MYSQL):
            fails_with(code, root.query, sql.format("CREATE USER acc"))
        only(f, None)
        root.query("CREATE USER acc IDENTIFIED BY 'old'")
        for code, sql in REFUSED + (REFUSED_MARIA if MARIA else REFUSED_MYSQL):
            fails_with(code, root.query, sql.format("ALTER USER acc"))
        for code, sql in REFUSED_CHANGE + (REFUSED_CHANGE_MARIA if MARIA else REFUSED_CHANGE_MYSQL):
            fails_with(code, root.query, sql)
        only(f, "old")


@test("accounts: REQUIRE SSL is asked for at login and at COM_CHANGE_USER")
def require_ssl(f):
    with root_of(f) as root:
        root.query("CREATE USER acc IDENTIFIED WITH mysql_native_password BY 'pw' REQUIRE SSL")
        only(f, None)
        only(f, "pw", tls=True)
        other = Wire(f["native"].port()).login(password=PASSWORD, plugin=NATIVE)
        other.command("CHANGE_USER", b"acc\0" + bytes([20]) + native_scramble(b"pw", other.nonce) + b"\0" + struct.pack("<H", 45) + NATIVE + b"\0")
        fails_with(1045, other.authenticate, NATIVE, b"pw", False)
        other.close()
    with root_of(f) as root:
        root.query("CREATE USER acc IDENTIFIED WITH mysql_native_password BY 'pw' REQUIRE SSL")
        root.query("ALTER USER acc IDENTIFIED BY 'pw2'")
        only(f, None)
        root.query("ALTER USER acc REQUIRE NONE")
        only(f, "pw2")
        root.query("ALTER USER acc ACCOUNT LOCK")
        only(f, None)
        root.query("ALTER USER acc ACCOUNT UNLOCK")
        only(f, "pw2")


def warnings_of(w, sql):
    w.query(sql)
    return [(int(code), text) for _, code, text in w.query("SHOW WARNINGS")]


@test("accounts: what has no effect is told")
def account_warnings(f):
    with root_of(f) as root:
        equal(warnings_of(root, "CREATE USER acc IDENTIFIED BY 'pw' PASSWORD EXPIRE NEVER ACCOUNT UNLOCK"), [])
        for sql, name in (("ALTER USER acc WITH MAX_QUERIES_PER_HOUR 3", "MAX_QUERIES_PER_HOUR"),
                          ("ALTER USER acc WITH MAX_USER_CONNECTIONS 3", "MAX_USER_CONNECTIONS")):
            got = warnings_of(root, sql)
            assert len(got) == 1 and got[0][0] == 1235 and name in got[0][1], got
        equal(warnings_of(root, "ALTER USER acc WITH MAX_QUERIES_PER_HOUR 0"), [])
        for sql in ("GRANT SELECT ON x.* TO acc", "REVOKE SELECT ON x.* FROM acc", "REVOKE ALL ON *.* FROM acc"):
            got = warnings_of(root, sql)
            assert len(got) == 1 and "every account may do everything" in got[0][1], got


@test("accounts: unknown ones, in the server's codes")
def account_unknown(f):
    with root_of(f) as root:
        nomatch = (1133, "28000" if MARIA else "42000")
        for sql, want in (("SHOW GRANTS FOR nobody", (1141, "42000")), ("REVOKE SELECT ON *.* FROM nobody", (1141, "42000")),
                          ("SET PASSWORD FOR nobody = " + ("PASSWORD('x')" if MARIA else "'x'"), nomatch),
                          ("GRANT SELECT ON x.* TO nobody", nomatch if MARIA else (1410, "42000")),
                          ("RENAME USER nobody TO acc3", (1396, "HY000")), ("ALTER USER nobody IDENTIFIED BY 'x'", (1396, "HY000")),
                          ("DROP USER nobody", (1396, "HY000")), ("CREATE USER acc, acc", (1396, "HY000"))):
            e = fails_with(want[0], root.query, sql)
            equal((e.code, e.state), want, sql)


@test("accounts: a new one has the fleet's own plugin")
def default_plugin(f):
    with root_of(f) as root:
        root.query("CREATE USER acc IDENTIFIED BY 'pw'")
        with Wire(f["native"].port()) as w:
            w.login(user="acc", password="pw", plugin=NATIVE)
            equal("switch caching_sha2_password" in w.path, not MARIA, w.path)


@test("/listen/tls/required: nobody gets in without TLS")
def tls_required(f):
    fleet = f["native"]
    fleet.change_config(lambda conf: conf["listen"]["tls"].update(required=True))
    fleet.signal(signal.SIGHUP)
    try:
        eventually("the new configuration is used", lambda: "/listen/tls/required: false is now true" in fleet.log())
        for password in (PASSWORD, ""):
            with Wire(fleet.port()) as w:
                fails_with(3159, lambda: w.login(password=password, plugin=NATIVE))
                assert w.closed()
        with Wire(fleet.port()) as w:
            w.login(password=PASSWORD, plugin=NATIVE, tls=True)
            equal(w.query("SELECT 1"), [("1",)])
    finally:
        fleet.change_config(lambda conf: conf["listen"]["tls"].update(required=False))
        fleet.signal(signal.SIGHUP)
        eventually("the old configuration is back", lambda: "/listen/tls/required: true is now false" in fleet.log())


@test("a root that was renamed or dropped does not come back without a password")
def root_gone(f):
    with Wire(f["open"].port()) as w:
        w.login()
        w.query("CREATE USER admin IDENTIFIED BY 'pw'")
        try:
            w.query("RENAME USER root@localhost TO boss@localhost")
            with Wire(f["open"].port()) as other:
                refused(other.login)
            with Wire(f["open"].port()) as other:
                other.login(user="boss")
            w.query("DROP USER boss@localhost")
            with Wire(f["open"].port()) as other:
                refused(other.login)
        finally:
            w.query("CREATE USER IF NOT EXISTS root@localhost")
            w.query("GRANT ALL ON *.* TO root@localhost")
            w.query("DROP USER IF EXISTS admin, boss@localhost")


def main():
    home = tempfile.mkdtemp(prefix="tessera-login-")
    try:
        cert, key = certificate(home)
        tls = {"listen": {"tls": {"cert": cert, "key": key}}}

        def secret(text):
            return dict(tls, bootstrap={"root_password_hash": text, "allow_root_without_password_on_loopback": False})
        with Fleet() as a, Fleet(options=secret(native_secret(PASSWORD))) as b, Fleet(options=secret(sha2_secret(PASSWORD))) as c:
            run({"open": a, "native": b, "sha2": c, "cert": cert})
    finally:
        shutil.rmtree(home, ignore_errors=True)


main()
