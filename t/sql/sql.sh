#!/bin/bash
# Runs the SQL cases: starts a plain server and Tessera over four shards, and hands both to the judge. Prints TAP.
#   sql.sh [FILE...]            TESSERA_TEST_SERVER=mariadb|mysql, TESSERA_SQL_SELF=1, TESSERA_SQL_ARGS for sqltest,
#                               TESSERA_SQL_CASES='name ...' for some cases only
set -u
src=${TESSERA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TESSERA_BUILDDIR:-$PWD}
kind=${TESSERA_TEST_SERVER:-mariadb}
pg=$src/tools/tessera-playground
tmp=$(mktemp -d "${TMPDIR:-/tmp}/tessera-sql.XXXXXX") || exit 99
finish()
{
    "$pg" clean --dir "$tmp/plain" >/dev/null 2>&1
    "$pg" clean --dir "$tmp/fleet" >/dev/null 2>&1
    rm -rf "$tmp"
}
trap finish EXIT
trap 'exit 130' INT TERM

[ -x "$build/t/sql/sqltest" ] || { echo "Bail out! t/sql/sqltest is not built"; exit 99; }
if [ -z "${TESSERA_SQL_SELF:-}" ] && [ ! -x "$build/tesserad" ]; then
    echo "1..0 # SKIP tesserad is not built"
    exit 0
fi
files=("$@")
if [ ${#files[@]} = 0 ]; then
    files=("$src"/t/sql/cases/*.test)
    # Two plain servers do not know Tessera's own statements.
    # TESSERA_SQL_CASES: names of cases, instead of all.
    [ -z "${TESSERA_SQL_CASES:-}" ] || mapfile -t files < <(for c in $TESSERA_SQL_CASES; do echo "$src/t/sql/cases/$c.test"; done)
    [ -z "${TESSERA_SQL_SELF:-}" ] || mapfile -t files < <(printf "%s\n" "${files[@]}" | grep -v /tessera.test)
    seed=${TESSERA_SQL_SEED:-1}
    for ((i = 0; i < ${TESSERA_SQL_RANDOM:-3}; i++)); do
        for kind_of in random keys shapes session writes calc; do
            /usr/bin/python3 -B "$src/t/sql/gen-$kind_of.py" $((seed + i)) >"$tmp/${kind_of}_$((seed + i)).test" || exit 99
            files+=("$tmp/${kind_of}_$((seed + i)).test")
        done
        /usr/bin/python3 -B "$src/t/random/gen.py" $((seed + i)) >"$tmp/queries_$((seed + i)).test" || exit 99
        files+=("$tmp/queries_$((seed + i)).test")
    done
fi

port()
{
    "$pg" status --dir "$1" | awk -v n="$2" '$1 == n { sub(/.*:/, "", $2); print $2 }'
}
if ! "$pg" start --dir "$tmp/plain" --shards 1 --proxies 0 --server "$kind" >"$tmp/log" 2>&1; then
    sed 's/^/# /' "$tmp/log"
    echo "Bail out! no plain server"
    exit 99
fi
if [ -n "${TESSERA_SQL_SELF:-}" ]; then
    start=("$pg" start --dir "$tmp/fleet" --shards 1 --proxies 0 --server "$kind") member=s1
else
    start=("$pg" start --dir "$tmp/fleet" --shards 4 --proxies 1 --server "$kind" --tesserad "$build/tesserad") member=p1
    [ -z "${TESSERA_SQL_OPTIONS:-}" ] || start+=(--proxy-options "$TESSERA_SQL_OPTIONS")
fi
if ! "${start[@]}" >"$tmp/log" 2>&1; then
    sed 's/^/# /' "$tmp/log"
    echo "Bail out! no fleet"
    exit 99
fi
# A crash is told with the end of the log, and the next file runs on a new tesserad.
cat >"$tmp/restart" <<END
#!/bin/bash
echo "# tesserad had ended; the end of its log:"
tail -n 40 "$tmp/fleet/p1/log" | sed 's/^/#   /'
"$pg" restart --dir "$tmp/fleet" $member >/dev/null 2>&1
END
chmod +x "$tmp/restart"
# shellcheck disable=SC2086
"$build/t/sql/sqltest" --plain "127.0.0.1:$(port "$tmp/plain" s1)" --tessera "127.0.0.1:$(port "$tmp/fleet" $member)" \
    --kind "$kind" --label "$kind" --restart "$tmp/restart" ${TESSERA_SQL_ARGS:-} "${files[@]}"
if [ -z "${TESSERA_SQL_SELF:-}" ] && ! "$pg" status --dir "$tmp/fleet" --json | grep -q '"proxies": .*"pid": [0-9]'; then
    echo "# tesserad ended; the end of its log:"
    tail -n 60 "$tmp/fleet/p1/log" | sed 's/^/# /'
fi
exit 0
