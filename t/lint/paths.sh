#!/bin/bash
# Nothing in the tree names a folder of somebody's machine, a package mirror, or whoever typed it.
. "$(dirname "$0")/lib.sh"
files=$(find . \( -name .git -o -name 'build*' -o -name autom4te.cache \) -prune -o -type f -size -1000k -print |
    grep -vE '\.(o|a|log|trs|in|gz|xz|png)$|/configure$|/aclocal\.m4$|^\./(Makefile|config\.)|\.deps/|^\./t/lint/paths\.sh$|__pycache__' | LC_ALL=C sort)
found=$(printf '%s\n' $files | xargs grep -nIE '/work/(wt|shared|main|brief)|/home/[a-z]+/|/root/[a-z.]|https?://(deb|ftp|snapshot|mirror)[a-z0-9.-]*\.debian\.org' -- 2>/dev/null | head -n 20)
verdict "no path of one machine, no mirror's name" "$found"
found=$(printf '%s\n' $files | xargs grep -nIE '[ 	]+$' -- 2>/dev/null | grep -vE '^\./(t/sql/|t/unit/.*\.txt|LICENSE|t/fuzz/corpus)' | head -n 20)
verdict "no blanks at line ends" "$found"
done_testing
