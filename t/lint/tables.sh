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

if [ -e conf/options.def ] && [ -e doc/tesserad.8 ]; then
    found=$(sed -n 's/^OPTION[A-Z_]*("\([^"]*\)".*/\1/p' conf/options.def | while read -r path; do
        grep -qF -- "$path" doc/tesserad.8 || echo "$path: not in doc/tesserad.8"
    done)
    verdict "every option is described in the manual page" "$found"
fi

made=$(cat Makefile.am ./*/Makefile.inc)
found=$(for t in $(ls t/unit/*.c t/fuzz/*_fuzz.c t/lint/*.sh t/it/*.py t/it/*.sh t/fault/*.py t/sql/cases/*.test 2>/dev/null); do
    printf '%s' "$made" | grep -qF -- "${t%.c}" || echo "$t: in no Makefile.inc"
done)
verdict "every test is listed" "$found"
done_testing
