#!/bin/bash
# Functions that have a safer twin, and raw malloc outside util. Comments and strings do not count.
. "$(dirname "$0")/lib.sh"
# Prints file:line:text with comments and string contents blanked.
code()
{
    awk '
    {
        line = $0; out = ""
        for (i = 1; i <= length(line); i++) {
            c = substr(line, i, 1); d = substr(line, i, 2)
            if (in_comment) { if (d == "*/") { in_comment = 0; i++ } continue }
            if (d == "/*") { in_comment = 1; i++; continue }
            if (d == "//") break
            if (c == "\"" || c == "\047") {
                q = c
                for (i++; i <= length(line); i++) {
                    c = substr(line, i, 1)
                    if (c == "\\") { i++; continue }
                    if (c == q) break
                }
                out = out q q
                continue
            }
            out = out c
        }
        if (out ~ /[^ \t]/) printf "%s:%d:%s\n", FILENAME, FNR, out
    }' "$1"
}
all=$(for f in $(sources all); do code "$f"; done)
found=$(printf '%s\n' "$all" |
    grep -E '[^a-zA-Z0-9_.>](strcpy|strcat|sprintf|vsprintf|strtok|atoi|atol|atoll|atof|gmtime|localtime|asctime|ctime|rand|srand|alloca|gets|tmpnam|mktemp|setjmp|longjmp)[ ]*\(')
verdict "no banned function" "$found"
found=$(printf '%s\n' "$all" | grep -E '^(conf|types|net|parser|catalog|router|backend|txn|optimizer|executor|ddl|proxy)/' |
    grep -E '[^a-zA-Z0-9_.>](malloc|calloc|realloc|strdup|strndup|asprintf|vasprintf|reallocarray)[ ]*\(')
verdict "no raw allocation outside util" "$found"
found=$(printf '%s\n' "$all" | grep -E '^(util|conf|types|net|parser|catalog|router|backend|txn|optimizer|executor|ddl|proxy)/' |
    grep -E '[^a-zA-Z0-9_]volatile[^a-zA-Z0-9_]' | grep -v __asm__)
verdict "no volatile: atomics" "$found"
found=$(for f in $(sources); do
    awk -v file="$f" '/(TODO|FIXME|XXX)[^a-zA-Z0-9_]/ { printf "%s:%d:%s\n", file, FNR, $0 }' "$f"
done)
verdict "no TODO left in place of an error path" "$found"
done_testing
