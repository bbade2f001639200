#!/bin/bash
# Nothing in the tree names a folder of somebody's machine, a package mirror, or whoever typed it.
. "$(dirname "$0")/lib.sh"
files=$(find . \( -name .git -o -name 'build*' -o -name _build -o -name _inst -o -name autom4te.cache \) -prune -o -type f -size -1000k -print |
    grep -vE '\.(o|a|log|trs|in|gz|xz|png)$|/configure$|/aclocal\.m4$|^\./(Makefile|config\.)|\.deps/|^\./t/lint/paths\.sh$|__pycache__' | LC_ALL=C sort)
# The folder that this tree lies in, homes, and the hosts that this machine installs from.
top=$(cd .. && pwd)
hosts=$(cat /etc/apt/sources.list /etc/apt/sources.list.d/* 2>/dev/null | grep -oE 'https?://[^/ ]+' | sed 's#.*//##; s#\.#\\.#g' | sort -u | paste -sd '|')
case $top in /?*/?*) ;; *) top=/home/[a-z]+ ;; esac
found=$(printf '%s\n' $files | xargs grep -nIE "$top/|/home/[a-z]+/|/root/[a-z.]${hosts:+|$hosts}" -- 2>/dev/null | head -n 20)
verdict "no path of one machine, no mirror's name" "$found"
found=$(printf '%s\n' $files | xargs grep -nIE '[ 	]+$' -- 2>/dev/null | grep -vE '^\./(t/sql/|t/unit/.*\.txt|LICENSE|t/fuzz/corpus)' | head -n 20)
verdict "no blanks at line ends" "$found"
done_testing
