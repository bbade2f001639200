#!/bin/bash
# Tables that are data: the errors are in code order and unique; every option and every fault point is described; every
# test program and script in the tree is one that make knows.
. "$(dirname "$0")/lib.sh"
found=$(awk -F'[(,]' '
/^ERROR_ROW\(/ {
    code = $3 + 0
    if (code < last) printf "util/errors.def:%d: %d after %d\n", FNR, code, last
    if (seen[$2]++) printf "util/errors.def:%d: %s twice\n", FNR, $2
    last = code
}' util/errors.def)
verdict "errors.def is in code order, names are unique" "$found"

# The manual's list of options is made from options.def: each row must have its sentence.
found=$(awk '/^OPTION[A-Z_]*\(/ { row = ""; line = FNR } { row = row $0 } /\)[ \t]*$/ && row ~ /^OPTION/ {
    if (row !~ /, (RELOAD|RESTART),[ ]*"[A-Z][^"]+"/) printf "conf/options.def:%d: no description\n", line
    row = "" }' conf/options.def)
verdict "every option is described" "$found"

made=$(cat Makefile.am ./*/Makefile*.inc)
found=$(for t in $(ls t/unit/*.c t/fuzz/*_fuzz.c t/lint/*.sh t/it/*.py t/it/*.sh t/fault/*.py t/sql/cases/*.test 2>/dev/null); do
    printf '%s' "$made" | grep -qF -- "${t%.c}" || echo "$t: in no Makefile.inc"
done)
verdict "every test is listed" "$found"

found=$(for f in $(find $folders tools bench \( -name '*.[ch]' -o -name '*.def' -o -name 'README*' -o -name '*.py' -o -name '*.awk' \) -type f); do
    printf '%s' "$made" | grep -qF -- "$f" || echo "$f: in no Makefile.inc"
done)
verdict "every source is listed, so that a tarball has it" "$found"
done_testing
