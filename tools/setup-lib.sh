# What quickstart, run-tests and the benchmark share: packages, building, progress. Sourced by bash; the caller sets
# $src (the source folder), $build (where to build) and $log (where the details go).

began=$(date +%s)

# say TEXT: a line of progress with the time since the start.
say()
{
    local s=$(($(date +%s) - began))
    printf '[%d:%02d] %s\n' $((s / 60)) $((s % 60)) "$*"
}

# fail WHAT WHAT-TO-DO
fail()
{
    printf '\nFailed: %s\n' "$1" >&2
    [ -z "${2:-}" ] || printf 'What to do: %s\n' "$2" >&2
    exit 1
}

# step TEXT FAILURE-TEXT ADVICE COMMAND...: runs quietly; the end of the log is shown only when it fails.
step()
{
    local text=$1 what=$2 advice=$3 from
    shift 3
    say "$text"
    from=$(($(wc -c <"$log") + 1))
    if ! "$@" >>"$log" 2>&1 </dev/null; then
        echo "---- the end of $log:" >&2
        tail -c +"$from" "$log" | tail -n 25 >&2
        fail "$what" "$advice"
    fi
}

as_root()
{
    if [ "$(id -u)" = 0 ]; then
        env DEBIAN_FRONTEND=noninteractive "$@"
    else
        sudo env DEBIAN_FRONTEND=noninteractive "$@"
    fi
}

# need_packages GROUP...: installs what is missing of tools/packages.txt.
need_packages()
{
    local group p missing=() wanted
    command -v apt-get >/dev/null && command -v dpkg-query >/dev/null ||
        fail "this is not a Debian system" "install the packages named in tools/packages.txt by hand, then ./autogen.sh, ./configure, make"
    for group in "$@"; do
        wanted=$(awk -v g="$group" '$1 == g { print $2 }' "$src/tools/packages.txt")
        for p in $wanted; do
            [ "$(dpkg-query -W -f='${db:Status-Status}' "$p" 2>/dev/null)" = installed ] || missing+=("$p")
        done
    done
    if [ ${#missing[@]} = 0 ]; then
        say "packages: all here"
        return
    fi
    if [ "$(id -u)" != 0 ]; then
        command -v sudo >/dev/null ||
            fail "packages are missing and you are not root" "as root: apt-get install ${missing[*]}; then run this again"
        sudo -n true 2>/dev/null || { echo "sudo is needed to install packages: ${missing[*]}"; sudo true; } ||
            fail "sudo did not work" "as root: apt-get install ${missing[*]}; then run this again"
    fi
    step "reading the package lists" "apt-get update failed" \
        "check the network and /etc/apt/sources.list, then run this again" as_root apt-get -q update
    step "installing ${#missing[@]} packages (a minute or two)" "apt-get could not install: ${missing[*]}" \
        "try: apt-get install ${missing[*]}; then run this again" \
        as_root apt-get -q -y --no-install-recommends install "${missing[@]}"
}

# build_in_folder CONFIGURE-OPTION...: configures when that is needed and builds $build from $src.
build_in_folder()
{
    local stamp="$*" jobs
    jobs=$(nproc 2>/dev/null || echo 2)
    if [ ! -x "$src/configure" ] || [ "$src/configure.ac" -nt "$src/configure" ]; then
        step "making configure" "autogen.sh failed" "see $log; the packages of tools/packages.txt must be there" \
            "$src/autogen.sh"
    fi
    if [ ! -e "$build/Makefile" ] || [ "$(cat "$build/.options" 2>/dev/null)" != "$stamp" ]; then
        step "configuring" "configure failed" "see $build/config.log for what is missing" \
            env -C "$build" "$src/configure" -q "$@"
        echo "$stamp" >"$build/.options"
    fi
    step "building with $jobs jobs (a minute)" "the build failed" "see $log; this should not happen on Debian 12: please report it" \
        make -C "$build" -j"$jobs" all
}
