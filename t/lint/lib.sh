# Common part of the lints: the list of sources, and TAP. A lint prints what it found as comments and one line for the rule.
set -u
src=${TESSERA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
cd "$src" || exit 99
folders="util conf types net parser catalog router backend txn optimizer executor ddl proxy"
test_no=0

# Sources of the program; with "all", those of tests, tools and benchmarks too.
sources()
{
    local where=$folders
    [ "${1:-}" != all ] || where="$folders t tools bench"
    find $where -name '*.[ch]' -type f | LC_ALL=C sort
}

# verdict NAME FOUND: FOUND is the text of what is wrong, or empty.
verdict()
{
    test_no=$((test_no + 1))
    if [ -z "$2" ]; then
        echo "ok $test_no - $1"
    else
        printf '%s\n' "$2" | sed 's/^/# /'
        echo "not ok $test_no - $1"
    fi
}

done_testing()
{
    echo "1..$test_no"
}
