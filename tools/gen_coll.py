#!/usr/bin/env python3
"""Makes types/coll_ids.def and types/coll_weights.inc from live servers.

Usage: gen_coll.py ids     MYSQL_PORT MARIADB_PORT > types/coll_ids.def
       gen_coll.py weights MYSQL_PORT MARIADB_PORT > types/coll_weights.inc
       gen_coll.py more    MYSQL_PORT MARIADB_PORT > types/coll_weights_more.inc
       gen_coll.py pairs   MYSQL_PORT MARIADB_PORT > t/unit/types_colls.tsv     (what both answer to pairs of strings)

Both servers listen on 127.0.0.1 with user root and no password. The output is committed; nobody needs this to build.
Weights are what WEIGHT_STRING() gives for every code point alone. Code points whose weights follow the rule of implicit weights
are left to the program, so are Hangul syllables that weigh what their jamo weigh. `weights` has collations without contractions (checked
over all canonical decompositions and Thai and Lao vowels). `more` has the second and third level of utf8mb4_0900_as_cs, and
utf8mb4_uca1400_ai_ci with its contractions: every pair of an assigned character and a combining mark, and every pair within one block, whose
WEIGHT_STRING() is not the sum of its parts; then the same for every such pair with a third character of these. That takes some minutes
(it needs a schema of its own, gen_coll, on the MariaDB server).
"""
import random
import subprocess
import sys
import unicodedata


def query(port, sql):
    out = subprocess.run(["mysql", "-uroot", "-h127.0.0.1", "-P%s" % port, "--batch", "-N", "--raw",
                          "--default-character-set=utf8mb4"], input=sql.encode(), capture_output=True, check=True)
    return [line.split("\t") for line in out.stdout.decode().split("\n") if line]


def make_ids(mysql, mariadb):
    rows = {}
    lens = {}
    for r in query(mysql, "SELECT character_set_name, maxlen FROM information_schema.character_sets"):
        lens[r[0]] = int(r[1])
    for r in query(mariadb, "SELECT character_set_name, maxlen FROM information_schema.character_sets"):
        lens.setdefault(r[0], int(r[1]))
    for r in query(mysql, "SELECT id, collation_name, character_set_name, is_default, pad_attribute FROM information_schema.collations"):
        rows[(int(r[0]), r[1])] = [r[2], r[3] == "Yes", r[4] == "PAD SPACE", 1]
    for r in query(mariadb, "SELECT a.id, a.full_collation_name, a.character_set_name, a.is_default FROM "
                            "information_schema.collation_character_set_applicability a WHERE a.id IS NOT NULL"):
        pad = "nopad" not in r[1] and r[1] != "binary"
        key = (int(r[0]), r[1])
        if key in rows:
            rows[key][3] |= 2
            if r[3] == "Yes":
                rows[key][3] |= 4
        else:
            rows[key] = [r[2], False, pad, 2 | (4 if r[3] == "Yes" else 0)]
    print("/* Made by tools/gen_coll.py from MySQL's and MariaDB's information_schema: do not edit.")
    print(" * COLL_ROW(id, name, character set, maximal bytes, PAD SPACE, default in MySQL, in MySQL, in MariaDB, default in MariaDB)")
    print(" * Ordered by id; where one id is two collations, MySQL's comes first. */")
    for (i, name), (cs, dflt, pad, where) in sorted(rows.items(), key=lambda kv: (kv[0][0], not kv[1][3] & 1, kv[0][1])):
        print('COLL_ROW(%d, "%s", "%s", %d, %d, %d, %d, %d, %d)' %
              (i, name, cs, lens[cs], pad, dflt, where & 1, where >> 1 & 1, where >> 2))


def all_weights(port, coll, maria, top=0x110000):
    """Code point -> tuple of 16-bit weights (or bytes for 8-bit sets)."""
    if maria:
        sql = "SELECT seq, hex(weight_string(CONVERT(CHAR(seq USING utf32) USING utf8mb4) COLLATE %s)) FROM mysql.seq_0_to_%d" % (coll, top - 1)
    else:
        sql = ("SET SESSION cte_max_recursion_depth = 2000000; WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < %d) "
               "SELECT n, hex(weight_string(CONVERT(CHAR(n USING utf32) USING utf8mb4) COLLATE %s)) FROM s" % (top - 1, coll))
    res = {}
    for r in query(port, sql):
        cp = int(r[0])
        if 0xD800 <= cp < 0xE000 or r[1] == "NULL":
            continue
        res[cp] = tuple(int(r[1][i:i + 4], 16) for i in range(0, len(r[1]), 4))
    return res


IMPLICIT = 0xFFFFFFFF
OVER_BMP = 0xFFFFFFFE


def is_implicit(cp, w):
    """aaaa = base + (cp >> 15), bbbb = (cp & 7fff) | 8000, whatever the base: gives the base or None."""
    if len(w) == 2 and w[1] == (cp & 0x7FFF) | 0x8000 and w[0] - (cp >> 15) in (0xFB40, 0xFB80, 0xFBC0):
        return w[0] - (cp >> 15)
    return None


def ranges_of(cps):
    out = []
    for cp in sorted(cps):
        if out and out[-1][1] == cp - 1:
            out[-1][1] = cp
        else:
            out.append([cp, cp])
    return out


def hangul_jamo(cp):
    s = cp - 0xAC00
    t = s % 28
    return [0x1100 + s // 588, 0x1161 + s % 588 // 28] + ([0x11A7 + t] if t else [])


def emit(sym, w, weights_of_supplement=None):
    pool, where, pages = [], {}, {}
    bases = {0xFB40: [], 0xFB80: []}
    hangul = all(w.get(cp) == sum((w[j] for j in hangul_jamo(cp)), ()) for cp in range(0xAC00, 0xD7A4))
    for cp in range(0x110000):
        if cp not in w:
            continue
        if hangul and 0xAC00 <= cp < 0xD7A4:
            continue
        if cp > 0xFFFF and w[cp] == (0xFFFD,):
            entry = OVER_BMP
        else:
            b = is_implicit(cp, w[cp])
            if b is not None:
                entry = IMPLICIT
                if b != 0xFBC0:
                    bases[b].append(cp)
            elif len(w[cp]) == 0 or w[cp] == (0,):
                entry = 0
            elif len(w[cp]) == 1:
                entry = w[cp][0]
            else:
                if w[cp] not in where:
                    where[w[cp]] = len(pool)
                    pool.extend(w[cp])
                entry = 0x80000000 | len(w[cp]) << 24 | where[w[cp]]
        pages.setdefault(cp >> 8, [IMPLICIT] * 256)[cp & 255] = entry
    seen, names = {}, {}
    for no in sorted(pages):
        p = tuple(pages[no])
        if all(e == IMPLICIT for e in p):
            continue
        if all(e == OVER_BMP for e in p):
            names[no] = "NULL"
            continue
        if p not in seen:
            name = "%s_p%03x" % (sym, no)
            seen[p] = name
            print("static const uint32_t %s[256] = {" % name)
            for i in range(0, 256, 16):
                print(",".join(("0x%x" % e if e > 9 else "%d" % e) for e in p[i:i + 16]) + ",")
            print("};")
        names[no] = seen[p]
    over = weights_of_supplement
    print("static const uint16_t %s_pool[] = {" % sym)
    for i in range(0, len(pool), 20):
        print(",".join("0x%x" % e for e in pool[i:i + 20]) + ",")
    print("0};")
    print("static const uint32_t *const %s_pages[0x1100] = {" % sym)
    print(",".join("[0x%x] = %s" % (no, n) for no, n in sorted(names.items()) if n != "NULL"))
    print("};")
    for b in bases:
        print("static const struct cp_range %s_%x[] = {%s};" %
              (sym, b, ",".join("{0x%x,0x%x}" % (x, y) for x, y in ranges_of(bases[b])) or "{1,0}"))
    print("static const struct coll_weights %s = {.pages = %s_pages, .pool = %s_pool, .fb40 = %s_fb40, .n_fb40 = ARRAY_LEN(%s_fb40), "
          ".fb80 = %s_fb80, .n_fb80 = ARRAY_LEN(%s_fb80), .space = 0x%x, .hangul_by_jamo = %d, .over_bmp_fffd = %d};" %
          (sym, sym, sym, sym, sym, sym, sym, w[0x20][0], 1 if hangul else 0, 1 if over else 0))


def table8(port, coll, charset):
    rows = query(port, "WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 255) SELECT n, "
                       "hex(weight_string(CONVERT(CHAR(n USING binary) USING %s) COLLATE %s)), "
                       "hex(CONVERT(CONVERT(CHAR(n USING binary) USING %s) USING utf32)) FROM s" % (charset, coll, charset))
    print("static const uint8_t %s_sort[256] = {" % coll)
    v = [int(r[1], 16) if r[1] not in ("NULL", "") else i for i, r in enumerate(rows)]
    for i in range(0, 256, 16):
        print(",".join("%d" % e for e in v[i:i + 16]) + ",")
    print("};")
    return rows


def make_weights(mysql, mariadb):
    print("/* Made by tools/gen_coll.py from WEIGHT_STRING() of live servers: do not edit. */")
    for c in ("latin1_swedish_ci", "latin1_german1_ci", "latin1_danish_ci", "latin1_general_ci", "latin1_general_cs", "latin1_spanish_ci"):
        rows = table8(mysql, c, "latin1")
    table8(mysql, "ascii_general_ci", "ascii")
    print("static const uint16_t latin1_to_unicode[256] = {")
    uni = [int(r[2], 16) for r in rows]
    for i in range(0, 256, 16):
        print(",".join("0x%x" % e for e in uni[i:i + 16]) + ",")
    print("};")
    for sym, port, coll, maria, over in (
            ("w_general", mysql, "utf8mb4_general_ci", False, True),
            ("w_unicode", mysql, "utf8mb4_unicode_ci", False, True),
            ("w_520", mysql, "utf8mb4_unicode_520_ci", False, False),
            ("w_0900", mysql, "utf8mb4_0900_ai_ci", False, False)):
        emit(sym, all_weights(port, coll, maria), over)
    make_case(mysql)


def case_table(port, coll, fn, maria=False):
    sql = ("SELECT seq, hex(CONVERT(%s(CONVERT(CHAR(seq USING utf32) USING utf8mb4) COLLATE %s) USING utf32)) FROM mysql.seq_0_to_131071" % (fn, coll)
           if maria else"SET SESSION cte_max_recursion_depth = 2000000; WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 131071) "
           "SELECT n, hex(CONVERT(%s(CONVERT(CHAR(n USING utf32) USING utf8mb4) COLLATE %s) USING utf32)) FROM s" % (fn, coll))
    res = []
    for r in query(port, sql):
        cp = int(r[0])
        if 0xD800 <= cp < 0xE000 or r[1] in ("NULL", "") or int(r[1], 16) == cp:
            continue
        res.append("{0x%x,0x%x}" % (cp, int(r[1], 16)))
    return res


def emit_case(sym, fn, t):
    print("static const struct case_pair %s_%s[] = {" % (fn.lower(), sym))
    for i in range(0, len(t), 12):
        print(",".join(t[i:i + 12]) + ",")
    print("};")


def make_case(mysql):
    for sym, coll in (("old", "utf8mb4_general_ci"), ("520", "utf8mb4_unicode_520_ci"), ("0900", "utf8mb4_0900_ai_ci")):
        for fn in ("UPPER", "LOWER"):
            emit_case(sym, fn, case_table(mysql, coll, fn))


def emit_level(sym, w, default):
    """A further level: pages of weights; most characters have just `default`."""
    pool, where, pages, seen, names = [], {}, {}, {}, {}
    for cp, ws in w.items():
        if ws == (default,):
            continue
        if len(ws) == 0:
            entry = 0
        elif len(ws) == 1:
            entry = ws[0]
        else:
            if ws not in where:
                where[ws] = len(pool)
                pool.extend(ws)
            entry = 0x80000000 | len(ws) << 24 | where[ws]
        pages.setdefault(cp >> 8, [default] * 256)[cp & 255] = entry
    for no in sorted(pages):
        p = tuple(pages[no])
        if p not in seen:
            seen[p] = "%s_p%03x" % (sym, no)
            print("static const uint32_t %s[256] = {" % seen[p])
            for i in range(0, 256, 16):
                print(",".join(("0x%x" % e if e > 9 else "%d" % e) for e in p[i:i + 16]) + ",")
            print("};")
        names[no] = seen[p]
    print("static const uint16_t %s_pool[] = {" % sym)
    for i in range(0, len(pool), 20):
        print(",".join("0x%x" % e for e in pool[i:i + 20]) + ",")
    print("0};")
    print("static const uint32_t *const %s_pages[0x1100] = {" % sym)
    print(",".join("[0x%x] = %s" % x for x in sorted(names.items())))
    print("};")
    print("static const struct coll_weights %s = {.pages = %s_pages, .pool = %s_pool, .dflt = 0x%x};" % (sym, sym, sym, default))


def levels_of(port, coll):
    """Code point -> tuple of its levels' weights."""
    res = {}
    for cp, ws in all_weights(port, coll, False).items():
        levels, cur = [], []
        for x in ws:
            if x == 0:
                levels.append(tuple(cur))
                cur = []
            else:
                cur.append(x)
        levels.append(tuple(cur))
        res[cp] = (levels + [(), ()])[:3]
    return res


def contractions(port, coll):
    """Sequences whose weights are not those of their characters: {tuple of code points: tuple of weights}."""
    skip = ((0x3400, 0xA000), (0xAC00, 0xD7A4), (0x17000, 0x18D00), (0x13000, 0x13500), (0x12000, 0x12500), (0x14400, 0x14700),
            (0x16800, 0x16A40), (0x1D000, 0x1DB00), (0x1E800, 0x1E900), (0x1F000, 0x1FB00), (0x1B000, 0x1B300))
    cps = [c for c in range(0x20, 0x20000) if unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co") and not any(a <= c < b for a, b in skip)]
    table = "CREATE OR REPLACE TABLE gen_coll.%s(c INT PRIMARY KEY, t VARCHAR(12) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, w VARBINARY(200), k VARCHAR(40)) ENGINE=MEMORY;"

    def load(name, seqs):
        sql = table % name
        for i in range(0, len(seqs), 500):
            sql += "INSERT INTO gen_coll.%s(c, t, k) VALUES %s;" % (name, ",".join(
                "(%d, CONVERT(x'%s' USING utf8mb4), '%s')" % (i + n, "".join(map(chr, s)).encode().hex(), " ".join("%x" % c for c in s))
                for n, s in enumerate(seqs[i:i + 500])))
        query(port, sql + "UPDATE gen_coll.%s SET w = WEIGHT_STRING(t COLLATE %s)" % (name, coll))

    def pairs(where):
        return query(port, "SELECT a.k, b.k, HEX(WEIGHT_STRING(CONCAT(a.t, b.t) COLLATE %s)) FROM gen_coll.a JOIN gen_coll.b WHERE %s "
                           "WEIGHT_STRING(CONCAT(a.t, b.t) COLLATE %s) <> CONCAT(a.w, b.w)" % (coll, where, coll))

    query(port, "CREATE DATABASE IF NOT EXISTS gen_coll")
    found = {}

    def take(rows):
        for a, b, w in rows:
            found[tuple(int(x, 16) for x in (a + " " + b).split())] = tuple(int(w[i:i + 4], 16) for i in range(0, len(w), 4))

    load("a", [(c,) for c in cps])
    load("b", [(c,) for c in cps if unicodedata.category(chr(c))[0] == "M"])
    take(pairs(""))
    for block in sorted({c >> 8 for c in cps if c < 0x12000}):
        inside = [(c,) for c in cps if c >> 8 == block]
        load("a", inside)
        load("b", inside)
        take(pairs(""))
    two = sorted(found)
    if two:
        load("a", two)
        load("b", sorted({(s[1],) for s in two} | {(s[0],) for s in two}))
        take(pairs(""))
    query(port, "DROP DATABASE gen_coll")
    return found


def emit_contractions(sym, found):
    pool = []
    print("static const struct contraction %s_contr[] = {" % sym)
    for s in sorted(found, key=lambda s: (s + (0, 0))[:3]):
        w = found[s]
        print("{{%s},%d,%d,%d}," % (",".join("0x%x" % c for c in (s + (0,))[:3]), len(s), len(w), len(pool)))
        pool.extend(w)
    print("};")
    print("static const uint16_t %s_contr_pool[] = {" % sym)
    for i in range(0, len(pool), 20):
        print(",".join("0x%x" % e for e in pool[i:i + 20]) + ",")
    print("0};")


def make_more(mysql, mariadb):
    print("/* Made by tools/gen_coll.py from WEIGHT_STRING() of live servers: do not edit. */")
    levels = levels_of(mysql, "utf8mb4_0900_as_cs")
    plain = all_weights(mysql, "utf8mb4_0900_ai_ci", False)
    assert all(levels[cp][0] == plain[cp] for cp in plain), "the first level is not that of utf8mb4_0900_ai_ci"
    emit_level("w_0900_2", {cp: v[1] for cp, v in levels.items()}, 0x20)
    emit_level("w_0900_3", {cp: v[2] for cp, v in levels.items()}, 0x02)
    found = contractions(mariadb, "utf8mb4_uca1400_ai_ci")
    emit_contractions("w_1400", found)
    emit("w_1400_plain", all_weights(mariadb, "utf8mb4_uca1400_ai_ci", True), False)
    for fn in ("UPPER", "LOWER"):
        emit_case("1400", fn, case_table(mariadb, "utf8mb4_uca1400_ai_ci", fn, True))


PIECES = ("a A b B z 0 1 _ - . \u00e9 e\u0301 \u00c9 \u00df ss \u00e6 ae \u00f8 o \u0142 \u0131 i \u0130 \u017f s \ufb01 fi \u2126 \u03c9 \u0439 "
          "\u0438\u0306 \u0301 \u0306 \u0323 \u0e40 \u0e01 \u0e40\u0e01 \u0e44\u0e17 \u0ec0\u0e81 \u0dd9\u0dcf\u0dca \u0dd9\u0dcf \u0dd9 "
          "\u0cc6\u0cc2\u0cd5 \u0cc6\u0cc2 \u09c7\u09be \u0bc6\u0bbe \u0f71\u0f72 \u0fb2\u0f80 \u0627\u0653 \u0622 \u1025\u102e \u19b5\u1980 \uaab5\uaa80 "
          "\u1b05\u1b35 \U00011131\U00011127 \uac00 \u1100\u1161 \u11a8 \u6f22 \u3042 \u30a2 \uff21 \U0001f600 \U0001f601 \U00020000 \u00ad \u0001 \u200b "
          "\u00a0 \u3000 \u2460 \u00bd \u2074 \u0660 \u0967 l\u00b7 \u0140 \U00017000 \U00018b00 \U0001b170 \u0378").split(" ") + [" ", "  "]


def make_pairs(mysql, mariadb):
    r = random.Random(14)
    for port, colls in ((mysql, ("utf8mb4_0900_as_cs", "utf8mb4_0900_ai_ci", "utf8mb4_unicode_ci")),
                        (mariadb, ("utf8mb4_uca1400_ai_ci", "utf8mb4_uca1400_nopad_ai_ci", "utf8mb4_general_ci"))):
        for coll in colls:
            todo = []
            for _ in range(700):
                a = [r.choice(PIECES) for _ in range(r.randrange(5))]
                b = list(a)
                for _ in range(r.randrange(3)):
                    k = r.randrange(3)
                    if k == 0 and b:
                        b[r.randrange(len(b))] = r.choice(PIECES)
                    elif k == 1:
                        b.insert(r.randrange(len(b) + 1), r.choice(PIECES))
                    elif b:
                        b.pop(r.randrange(len(b)))
                todo.append(("".join(a).encode().hex(), "".join(b).encode().hex()))
            sql = "SET NAMES utf8mb4;"
            for a, b in todo:
                x, y = ("(_utf8mb4 x'%s' COLLATE %s)" % (h, coll) for h in (a, b))
                sql += "SELECT '%s', 'x%s', 'x%s', STRCMP(%s, %s), %s LIKE %s, LOCATE(%s, %s), CONCAT('x', HEX(WEIGHT_STRING(%s)));\n" % (
                    coll, a, b, x, y, x, y, y, x, x)
            for row in query(port, sql):
                print("\t".join(row))


if __name__ == "__main__":
    {"ids": make_ids, "weights": make_weights, "more": make_more, "pairs": make_pairs}[sys.argv[1]](sys.argv[2], sys.argv[3])
