#!/bin/bash
# Transactions on real servers, and kill -9 at every fault point of them, without a tesserad: the coordinator is the
# test program itself. Starts servers of each kind that can be had (TESSERA_TEST_SERVER=mariadb|mysql: that one). Prints TAP.
set -u
src=${TESSERA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TESSERA_BUILDDIR:-$PWD}
pg=$src/tools/tessera-playground
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tessera-txn.XXXXXX") || exit 99
finish()
{
    "$pg" clean --dir "$tmp/fleet" >/dev/null 2>&1
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

programs=(t/unit/txn_test t/fault/txn_chaos)
if ! make -s -C "$build" "${programs[@]}" >"$tmp/log" 2>&1; then
    sed 's/^/# /' "$tmp/log"
    echo "Bail out! the test programs do not build"
    exit 99
fi
kind=${TESSERA_TEST_SERVER:-mariadb}
if ! "$pg" start --dir "$tmp/fleet" --shards 3 --proxies 0 --server "$kind" --binlog on >"$tmp/log" 2>&1; then
    sed 's/^/# /' "$tmp/log"
    echo "1..0 # SKIP no $kind servers"
    exit 0
fi
TESSERA_TEST_SERVERS=$("$pg" status --dir "$tmp/fleet" --json |
    python3 -c 'import json, sys
print(" ".join("%s:%d" % (s["host"], s["port"]) for s in json.load(sys.stdin)["shards"]))')
export TESSERA_TEST_SERVERS
echo "1..${#programs[@]}"
n=0
for p in "${programs[@]}"; do
    n=$((n + 1))
    if "$build/$p" >"$tmp/out" 2>&1; then
        echo "ok $n - $p on $kind: $(grep -c '^ok' "$tmp/out") cases"
    else
        grep -v '^ok' "$tmp/out" | sed 's/^/# /'
        echo "not ok $n - $p on $kind"
    fi
done
