#!/usr/bin/env python3
"""Expectations for the tests of expressions: asks real servers.

Usage: gen_exprs.py MYSQL_PORT MARIADB_PORT < t/unit/types_exprs.in > t/unit/types_exprs.tsv

Each input line is an expression in prefix form, (f arg...); literals as in SQL, D'..', T'..', TS'..' for typed times;
B'..' for bytes; (cast TYPE x), (date_add UNIT x n), (collate NAME x), (convert CHARSET x). A line that begins with ? may
be refused by Tessera (1235), but not answered otherwise. Output: expression, MySQL's result, MariaDB's result; \\N is
NULL, \e an empty text, \s a blank at the end, !code an error. Both servers listen on 127.0.0.1, user root, no password. Time zone +00:00, utf8mb4, default modes
of MySQL. The output is committed; nobody needs this to build.
"""
import re
import subprocess
import sys

INFIX = {"+", "-", "*", "/", "div", "%", "=", "<>", "<", "<=", ">", ">=", "<=>", "and", "or", "xor", "&", "|", "^", "<<", ">>"}
SUFFIX = {"is_null", "is_not_null", "is_true", "is_not_true", "is_false", "is_not_false"}
UNITS = {"date_add", "date_sub", "extract", "timestampadd", "timestampdiff"}
TOKEN = re.compile(r"\s*(\(|\)|(?:D|T|TS|x|b|B)?'(?:[^'\\]|''|\\.)*'|[^\s()']+(?:\([0-9, ]*\))?)")


def parse(text):
    toks, pos = [], 0
    text = text.strip()
    while pos < len(text):
        m = TOKEN.match(text, pos)
        toks.append(m.group(1))
        pos = m.end()

    def node(i):
        if toks[i] != "(":
            return toks[i], i + 1
        out, i = [], i + 1
        while toks[i] != ")":
            n, i = node(i)
            out.append(n)
        return out, i + 1
    return node(0)[0]


def sql(n):
    if isinstance(n, str):
        if n.startswith("B'"):
            return "_binary" + n[1:]
        if n.startswith("D'"):
            return "DATE" + n[1:]
        if n.startswith("TS'"):
            return "TIMESTAMP" + n[2:]
        if n.startswith("T'"):
            return "TIME" + n[1:]
        return n
    f, a = n[0], n[1:]
    if f in INFIX:
        return "(%s %s %s)" % (sql(a[0]), f, sql(a[1]))
    if f in SUFFIX:
        return "(%s %s)" % (sql(a[0]), f.replace("_", " "))
    if f == "neg":
        return "(- %s)" % sql(a[0])
    if f in ("not", "~"):
        return "(%s %s)" % (f, sql(a[0]))
    if f == "cast":
        return "CAST(%s AS %s)" % (sql(a[1]), a[0].replace("_", " "))
    if f == "convert":
        return "CONVERT(%s USING %s)" % (sql(a[1]), a[0])
    if f == "member_of":
        return "(%s MEMBER OF (%s))" % (sql(a[0]), sql(a[1]))
    if f in ("regexp", "not_regexp"):
        return "(%s %s %s)" % (sql(a[0]), f.replace("_", " "), sql(a[1]))
    if f == "collate":
        return "(%s COLLATE %s)" % (sql(a[1]), a[0])
    if f in ("date_add", "date_sub"):
        return "%s(%s, INTERVAL %s %s)" % (f, sql(a[1]), sql(a[2]), a[0])
    if f == "extract":
        return "EXTRACT(%s FROM %s)" % (a[0], sql(a[1]))
    if f in ("timestampadd", "timestampdiff"):
        return "%s(%s, %s, %s)" % (f, a[0], sql(a[1]), sql(a[2]))
    if f in ("between", "not_between"):
        return "(%s %s %s AND %s)" % (sql(a[0]), f.replace("_", " "), sql(a[1]), sql(a[2]))
    if f in ("in", "not_in"):
        return "(%s %s (%s))" % (sql(a[0]), f.replace("_", " "), ", ".join(map(sql, a[1:])))
    if f in ("like", "not_like"):
        return "(%s %s %s%s)" % (sql(a[0]), f.replace("_", " "), sql(a[1]), " ESCAPE " + sql(a[2]) if len(a) > 2 else "")
    if f == "case":
        out, i = "CASE", 0
        while i + 1 < len(a):
            out += " WHEN %s THEN %s" % (sql(a[i]), sql(a[i + 1]))
            i += 2
        return out + (" ELSE " + sql(a[i]) if i < len(a) else "") + " END"
    if f.startswith("trim_"):
        return "TRIM(%s %s FROM %s)" % (f[5:].upper(), sql(a[1]) if len(a) > 1 else "' '", sql(a[0]))
    if f == "position":
        return "POSITION(%s IN %s)" % (sql(a[0]), sql(a[1]))
    return "%s(%s)" % (f, ", ".join(map(sql, a)))


def ask(port, exprs, modes, coll):
    head = "SET NAMES utf8mb4 COLLATE %s; SET time_zone='+00:00'; SET sql_mode='%s';\n" % (coll, modes)
    body = ""
    for i, e in enumerate(exprs):
        body += "SELECT %d AS k, %s AS x;\n" % (i, e)
    p = subprocess.run(["mysql", "-uroot", "-h127.0.0.1", "-P" + port, "--batch", "-N", "--force", "--xml", "--default-character-set=utf8mb4"],
                       input=(head + body).encode(), capture_output=True)
    out = ["!"] * len(exprs)
    text = p.stdout.decode("utf8", "surrogateescape")
    for m in re.finditer(r'<field name="k">(\d+)</field>\s*<field name="x"([^>]*?)(/>|>(.*?)</field>)', text, re.S):
        v = "\\N" if "nil" in m.group(2) or "nil" in m.group(3) else (m.group(4) or "")
        v = v.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", '"').replace("&amp;", "&")
        out[int(m.group(1))] = v.replace("\\", "\\\\").replace("\n", "\\n").replace("\t", "\\t") if v != "\\N" else v
    errs = p.stderr.decode("utf8", "replace")
    for m in re.finditer(r"ERROR (\d+) \(\w+\) at line (\d+)", errs):
        out[int(m.group(2)) - 2] = "!" + m.group(1)
    return out


def main():
    mysql, mariadb = sys.argv[1:3]
    lines = [x.rstrip("\n") for x in sys.stdin if x.strip() and not x.startswith("#")]
    exprs = [sql(parse(x.lstrip("?"))) for x in lines]
    modes = "STRICT_TRANS_TABLES,NO_ZERO_IN_DATE,NO_ZERO_DATE,ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION"
    a = ask(mysql, exprs, modes, "utf8mb4_0900_ai_ci")
    b = ask(mariadb, exprs, modes, "utf8mb4_general_ci")
    for x, y, z in zip(lines, a, b):
        y, z = (v[:-1] + "\\s" if v.endswith(" ") else v or "\\e" for v in (y, z))
        print("%s\t%s\t%s" % (x, y, z))


if __name__ == "__main__":
    main()
