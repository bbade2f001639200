#!/bin/bash
# Functions of at most 120 lines (dispatch tables excepted: they say "lint: long" in the line before the function or its
# comment), files of at most 1,500, lines of at most 120 columns; a README in every folder that has code, at most two pages.
. "$(dirname "$0")/lib.sh"
found=$(for f in $(sources all); do
    awk -v file="$f" '
    /lint: long/ { excused = FNR }
    /^[a-zA-Z_].*\)[ \t]*(__attribute__.*)?$/ || /^[a-zA-Z_].*\($/ { head = FNR; name = $0 }
    /^\{/ { start = FNR; cases = 0 }
    /^[ \t]*case / { cases++ }
    /^\}/ {
        # A switch over thirty kinds is a dispatch table.
        if (start && FNR - start > 121 && start - excused > 12 && cases < 30)
            printf "%s:%d: function of %d lines: %s\n", file, start, FNR - start, name
        start = 0
    }
    END { if (FNR > 1500) printf "%s: %d lines\n", file, FNR }' "$f"
done)
verdict "functions and files are short enough" "$found"
# 120 columns are the rule, clang-format's; beyond 160 nobody reads to the end.
long=$(for f in $(sources all); do
    LC_ALL=C awk -v file="$f" '{ n = $0; gsub(/[\200-\277]/, "", n); if (length(n) > 120) printf "%s:%d: %d columns\n", file, FNR, length(n) }' "$f"
done)
echo "# $(printf '%s' "$long" | grep -c .) lines are longer than 120 columns"
found=$(printf '%s' "$long" | awk '$2 > 160')
verdict "no line is longer than 160 columns" "$found"
found=$(for d in $folders; do
    ls "$d"/*.c >/dev/null 2>&1 || continue
    [ -e "$d/README" ] || [ -e "$d/README.md" ] || { echo "$d: no README"; continue; }
    cat "$d"/README* | awk -v d="$d" 'END { if (NR > 140) printf "%s/README: %d lines, more than two pages\n", d, NR }'
done)
verdict "every folder has a README of at most two pages" "$found"
found=$(for f in $(sources | grep '\.c$'); do
    [ "$(wc -l <"$f")" -gt 200 ] || continue
    head -n 3 "$f" | grep -q '/\*' || echo "$f: over 200 lines and no head comment"
done)
verdict "long files open with a design comment" "$found"
done_testing
