#!/usr/bin/env bash
# tidy.sh BUILD STAMPS [JOBS]: clang-tidy over every C source of src/ and tests/, on what changed since it last passed.
#
# A pass is an empty file in STAMPS, named by the hash of all that the verdict follows from: clang-tidy itself, every
# .clang-tidy, the compiler's command, and the names and bytes of every file that is read for it (the comments too: they
# hold the NOLINTs). So nothing stale can pass, and a finding is never remembered. Which headers a file reads is not
# remembered either: clang is asked at every run.
#
# Under continuous integration (CI) nothing is hashed and nothing remembered: nobody comes back to that clone.
#
# One file a process: clang-tidy 14 mixes up the findings of several. A file that several programs compile with the
# same flags is looked at once.
#
# The analyzer walks the paths through a function until it has made max-nodes of their states. The few functions that have more take
# nine tenths of all its time, most of it the same places once more, so ./dev test stops at a quarter of its own limit (225000); ./dev test
# --long does not. What was planted, and found with either, stands in tests/README.md.
set -euo pipefail

nodes=(-Xclang -analyzer-config -Xclang max-nodes=56250)
[ -z "${CARTWRIGHT_LONG:-}" ] || nodes=()

# The names in a rule for make(1), one a line.
dependencies() {
    awk 'NR == 1 { sub(/^[^:]*: */, "") }
        { sub(/ *\\$/, ""); gsub(/\\ /, "\001"); n = split($0, names, " ")
            for (i = 1; i <= n; i++) { gsub("\001", " ", names[i]); print names[i] } }'
}

# The hash of what the verdict on $file follows from; $1 is what clang said it reads. Fails where a file of these is gone.
hash_of() {
    local names hash
    mapfile -t names < <(dependencies <"$1")
    hash=$({ printf '%s\n' "$TIDY_TOOL" "$directory" "${flags[*]} ${nodes[*]}" "$file" && sha256sum -- "${names[@]}"; } | sha256sum) || return 1
    echo "${hash%% *}"
}

# Whether what was looked at is what was hashed before: the same bytes, and no file has come to a folder of headers, where it
# could stand in front of another one. (Asking clang a second time would tell no more.)
unchanged_since() {
    local flag folders=()
    for flag in "${flags[@]}"; do
        if [ "${flag:0:2}" = -I ] && [ -d "${flag:2}" ]; then folders+=("${flag:2}"); fi
    done
    [ "$(hash_of "$scratch.d")" = "$1" ] &&
        { [ ${#folders[@]} = 0 ] || [ -z "$(find "${folders[@]}" -type d -newer "$scratch" -print -quit)" ]; }
}

# one LINE: file, directory and command of the compiler, separated by tabs.
one() {
    local file directory command before='' flags
    IFS=$'\t' read -r file directory command <<<"$1"
    eval "flags=($command)" # as the build's shell would read it
    while [ "${flags[0]:0:1}" != - ]; do flags=("${flags[@]:1}"); done # the compiler, and what may stand before it
    scratch=$(mktemp) # and the time when it began
    trap 'rm -f "$scratch" "$scratch.d" "$scratch.out"' EXIT
    cd "$directory"
    if [ -z "${CI:-}" ] && clang "${flags[@]}" -M -MT x "$file" >"$scratch.d" 2>/dev/null; then before=$(hash_of "$scratch.d") || before=''; fi
    if [ -n "$before" ] && [ -e "$TIDY_STAMPS/$before" ]; then
        touch "$TIDY_STAMPS/$before"
        return 0
    fi
    echo "$file" >>"$TIDY_STAMPS/looked-at"
    if ! clang-tidy --quiet "$file" -- "${flags[@]}" "${nodes[@]}" >"$scratch.out" 2>&1; then
        cat "$scratch.out"
        return 1
    fi
    # Not where it was edited meanwhile: what was looked at may be neither the old text nor the new.
    if [ -n "$before" ] && unchanged_since "$before"; then : >"$TIDY_STAMPS/$before"; fi
}

# The lines that `one` takes, from the compilation database that CMake wrote.
commands() {
    awk '
        function value(s) { sub(/^[^:]*: "/, "", s); sub(/",?$/, "", s); gsub(/\\"/, "\"", s); gsub(/\\\\/, "\\", s); return s }
        /^  "directory":/ { directory = value($0) }
        /^  "command":/ { command = value($0); sub(/ -o [^ ]+ -c .*$/, "", command) }
        /^  "file":/ { print value($0) "\t" directory "\t" command }' "$1/compile_commands.json" | sort -u
}

if [ "$1" = --one ]; then
    one "$2"
    exit
fi

cd "$(dirname "${BASH_SOURCE[0]}")/../.."
mkdir -p "$2"
build=$(realpath "$1") jobs=${3:-$(nproc)}
TIDY_STAMPS=$(realpath "$2")
TIDY_TOOL=$(clang-tidy --version && stat -Lc '%s %Y' "$(command -v clang-tidy)" &&
    find . -path ./build -prune -o -name .clang-tidy -print0 | sort -z | xargs -0 sha256sum tests/lint/tidy.sh)
export TIDY_STAMPS TIDY_TOOL
: >"$TIDY_STAMPS/looked-at"

commands "$build" | awk -F '\t' -v root="$PWD/" 'index($1, root "src/") == 1 || index($1, root "tests/") == 1' >"$TIDY_STAMPS/commands"
missing=$(comm -23 <(find "$PWD/src" "$PWD/tests" -name '*.c' | sort) <(cut -f 1 "$TIDY_STAMPS/commands" | sort -u))
if [ -n "$missing" ]; then
    printf 'in no program of %s, so nobody looks at it:\n%s\n' "$1" "$missing"
    exit 1
fi
failed=0
grep -P '^[^\t]+\.c\t' "$TIDY_STAMPS/commands" | xargs -d '\n' -P "$jobs" -n 1 "$PWD/tests/lint/tidy.sh" --one || failed=1
find "$TIDY_STAMPS" -type f -mtime +30 -delete
printf '%d files and commands, %d of them looked at: the others have not changed since they passed\n' \
    "$(wc -l <"$TIDY_STAMPS/commands")" "$(wc -l <"$TIDY_STAMPS/looked-at")"
[ "$failed" = 0 ] || echo 'there are findings, or it was ended before all were looked at'
exit "$failed"
