#!/bin/bash
# Runs every fuzz target over its corpus (t/fuzz/corpus/NAME/*): what was once found stays found. One TAP line a target.
set -u
src=${TESSERA_SRCDIR:-$(cd "$(dirname "$0")/../.." && pwd)}
build=${TESSERA_BUILDDIR:-$PWD}
n=0
for t in ${FUZZ_TARGETS:-}; do
    n=$((n + 1))
    name=$(basename "$t")
    files=()
    for f in "$src/t/fuzz/corpus/$name"/*; do
        [ ! -f "$f" ] || files+=("$f")
    done
    if out=$("$build/$t" "${files[@]}" 2>&1 </dev/null); then
        echo "ok $n - $name: ${#files[@]} files"
    else
        printf '%s\n' "$out" | tail -n 40 | sed 's/^/# /'
        echo "not ok $n - $name"
    fi
done
if [ "$n" = 0 ]; then
    echo "1..0 # SKIP no fuzz targets yet"
else
    echo "1..$n"
fi
