# What the engines' tests share: programs that run a part of Tessera themselves, without a tesserad, on real servers of the kind that
# TESSERA_TEST_SERVER names (mariadb, mysql). Prints TAP: one result for each program.
#   engine_tests NAME "OPTION..." PROGRAM...     options for tessera-playground start; programs as make knows them
engine_tests()
{
    local name=$1 options=$2 kind=${TESSERA_TEST_SERVER:-mariadb} n=0 p
    local src=${TESSERA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)} build=${TESSERA_BUILDDIR:-$PWD}

    shift 2
    pg=$src/tools/tessera-playground
    tmp=$(mktemp -d "${TMPDIR:-/tmp}/tessera-$name.XXXXXX") || exit 99
    trap engine_finish EXIT
    trap 'exit 130' INT TERM
    if ! make -s -C "$build" "$@" >"$tmp/log" 2>&1; then
        sed 's/^/# /' "$tmp/log"
        echo "Bail out! the test programs do not build"
        exit 99
    fi
    # shellcheck disable=SC2086
    if ! "$pg" start --dir "$tmp/fleet" --shards 3 --proxies 0 --server "$kind" $options >"$tmp/log" 2>&1; then
        sed 's/^/# /' "$tmp/log"
        echo "1..0 # SKIP no $kind servers"
        exit 0
    fi
    TESSERA_TEST_SERVERS=$("$pg" status --dir "$tmp/fleet" --json |
        python3 -c 'import json, sys
print(" ".join("%s:%d" % (s["host"], s["port"]) for s in json.load(sys.stdin)["shards"]))')
    export TESSERA_TEST_SERVERS
    echo "1..$#"
    for p in "$@"; do
        n=$((n + 1))
        if "$build/$p" >"$tmp/out" 2>&1; then
            echo "ok $n - $p on $kind: $(grep -c '^ok' "$tmp/out") cases"
        else
            grep -v '^ok' "$tmp/out" | sed 's/^/# /'
            echo "not ok $n - $p on $kind"
        fi
    done
}

engine_finish()
{
    "$pg" clean --dir "$tmp/fleet" >/dev/null 2>&1
    rm -rf "$tmp"
}
