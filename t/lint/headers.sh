#!/bin/bash
# Each header compiles alone: nobody has to know what to include before it.
. "$(dirname "$0")/lib.sh"
cc=${TESSERA_CC:-cc}
flags=${TESSERA_CPPFLAGS:--I$src}
check_one()
{
    # Data headers made to be included several times or into a template say so in their first lines.
    head -n 15 "$1" | grep -q 'lint: not alone' && return
    printf '#include "%s"\n' "$1" | $cc $flags -std=gnu17 -D_GNU_SOURCE -fsyntax-only -x c - 2>&1 |
        grep -E 'error|fatal' | head -n 3 | sed "s|^|$1: |"
}
found=
list=$(sources | grep '\.h$')
for h in $list; do
    found+=$(check_one "$h")
done
verdict "every header compiles alone" "$found"
done_testing
