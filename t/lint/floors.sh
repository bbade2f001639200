#!/bin/bash
# A file includes only lower floors and its own folder; siblings never. conf/limits.h is constants only and free for all.
# A unit test may include its own folder and what lies below. x-int.h is private to its folder.
. "$(dirname "$0")/lib.sh"
found=$(for f in $(sources) $(find t/unit -name '*.c' 2>/dev/null); do
    awk -v file="$f" '
    BEGIN {
        n = split("util 0 conf 1 types 2 net 3 parser 3 catalog 3 router 4 backend 4 txn 5 optimizer 5 executor 6 ddl 7 proxy 8", w, " ")
        for (i = 1; i < n; i += 2) floor[w[i]] = w[i + 1]
        split(file, part, "/")
        own = part[1]
        if (own == "t") {
            own = part[3]
            sub(/_test\.c$/, "", own)
            # t/unit/types_decimal_test.c belongs to types
            if (!(own in floor)) sub(/_.*/, "", own)
            if (!(own in floor)) exit
        }
    }
    /^[ \t]*#[ \t]*include[ \t]*"/ {
        split($0, q, "\"")
        inc = q[2]
        if (inc == "config.h" || inc == "conf/limits.h" || index(inc, "/") == 0) next
        split(inc, p, "/")
        to = p[1]
        if (to == own) next
        if (!(to in floor)) { if (to != "t") printf "%s:%d: \"%s\" is on no floor\n", file, FNR, inc; next }
        if (floor[to] >= floor[own]) printf "%s:%d: %s (floor %d) may not include %s (floor %d)\n", file, FNR, own, floor[own], inc, floor[to]
        if (inc ~ /-int\.h$/) printf "%s:%d: %s is private to %s\n", file, FNR, inc, to
    }' "$f"
done)
verdict "files include lower floors only" "$found"
done_testing
