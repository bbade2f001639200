#!/usr/bin/env python3
"""Makes types/coll_ids.def and types/coll_weights.inc from live servers.

Usage: gen_coll.py ids     MYSQL_PORT MARIADB_PORT > types/coll_ids.def
       gen_coll.py weights MYSQL_PORT MARIADB_PORT > types/coll_weights.inc

Both servers listen on 127.0.0.1 with user root and no password. The output is committed; nobody needs this to build.
Weights are what WEIGHT_STRING() gives for every code point alone. Code points whose weights follow the rule of implicit weights
are left to the program, so are Hangul syllables that weigh what their jamo weigh. Contractions are not looked for: the
collations taken have none on the servers (checked over all canonical decompositions and Thai and Lao vowels; MariaDB's
uca1400 has, and is therefore not taken).
"""
import subprocess
import sys


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
        sql = "SELECT seq, hex(weight_string(CONVERT(CHAR(seq USING utf32) USING utf8mb4) COLLATE %s)) FROM seq_0_to_%d" % (coll, top - 1)
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
    print("static const struct coll_weights %s = {%s_pages, %s_pool, %s_fb40, ARRAY_LEN(%s_fb40), %s_fb80, ARRAY_LEN(%s_fb80), 0x%x, %d, %d};" %
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


def case_table(port, coll, fn):
    sql = ("SET SESSION cte_max_recursion_depth = 2000000; WITH RECURSIVE s(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM s WHERE n < 131071) "
           "SELECT n, hex(CONVERT(%s(CONVERT(CHAR(n USING utf32) USING utf8mb4) COLLATE %s) USING utf32)) FROM s" % (fn, coll))
    res = []
    for r in query(port, sql):
        cp = int(r[0])
        if 0xD800 <= cp < 0xE000 or r[1] in ("NULL", "") or int(r[1], 16) == cp:
            continue
        res.append("{0x%x,0x%x}" % (cp, int(r[1], 16)))
    return res


def make_case(mysql):
    for sym, coll in (("old", "utf8mb4_general_ci"), ("520", "utf8mb4_unicode_520_ci"), ("0900", "utf8mb4_0900_ai_ci")):
        for fn in ("UPPER", "LOWER"):
            t = case_table(mysql, coll, fn)
            print("static const struct case_pair %s_%s[] = {" % (fn.lower(), sym))
            for i in range(0, len(t), 12):
                print(",".join(t[i:i + 12]) + ",")
            print("};")


if __name__ == "__main__":
    {"ids": make_ids, "weights": make_weights}[sys.argv[1]](sys.argv[2], sys.argv[3])
