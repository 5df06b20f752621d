#!/usr/bin/env bash
# unchanged.sh PASSES NAME COMMAND...: the hash of all that the verdict of a test follows from, for timed.sh. Fails where it
# follows from more than is known here. --machine: the part of it that all tests have in common.
#
# A pass is an empty file in a folder, named by the hash of all that the verdict follows from:
# - the test's name, its command, the environment and the settings file that it names;
# - the machine: its processor, its kernel, its time zone, every package that is installed;
# - the files that the command names, and those of the folders that it names: their bytes and modes;
# - of a program of ours what it can reach, by the names of variables that it asks for: the service (CARTWRIGHT_BIN), files
#   of the tree (CARTWRIGHT_SOURCE), data sets (CARTWRIGHT_DATA), the database that the fixture made (CARTWRIGHT_TEST_PG);
# - of anything else (a script) all of these, and every file of the tree.
# So nothing stale can pass, and what failed or was skipped is never remembered. What a fresh clone has is an empty folder.

set -euo pipefail

# Fails where packages are not to be had.
machine() {
    uname -srm
    nproc
    grep -m 1 '^model name' /proc/cpuinfo || true
    grep -m 1 '^flags' /proc/cpuinfo || true
    sha256sum /etc/localtime 2>/dev/null || true
    dpkg-query -W
}

# files_of FOLDER [TEST...]: names, modes and hashes of all its files, of which find(1)'s tests may leave some out.
files_of() {
    (cd "$1" && find . \( -path ./build -o -path ./.git -o -path ./.cartwright -o -name node_modules \) -prune -o \
        -type f "${@:2}" -print0 | sort -z | xargs -0r sh -c 'stat -c "%a %n" "$@" && sha256sum "$@"' -)
}

is_program() { [ "$(head -c 4 "$1" | tr -d '\0')" = $'\x7fELF' ]; }

# What a program of ours can reach beside its own bytes.
reach_of() { LC_ALL=C grep -aoP 'CARTWRIGHT_(BIN|SOURCE|DATA|TEST_PG)(?=\x00)' "$1" || [ $? = 1 ]; }

# But for what is of this run, or of the terminal that it was started from.
environment() {
    env -0 | sort -z |
        grep -zvE '^(CARTWRIGHT_TIMES|_|PWD|OLDPWD|SHLVL|COLUMNS|LINES|TERM[^=]*|SSH_[^=]*|XDG_[^=]*|DISPLAY|WINDOWID)='
}

inputs() {
    local passes=$1 name=$2 root word reach=
    shift 2
    root=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
    printf '%s\n' "$name" "$PWD" "$@"
    cat "$passes/machine"
    environment
    if [ -f "${CARTWRIGHT_CONFIG:-}" ]; then sha256sum "$CARTWRIGHT_CONFIG"; fi # the settings file of whoever runs the tests
    if [[ $1 != "$root"/build/* ]] || ! is_program "$1"; then reach=script; fi
    # A script of tests/support stands around a program, and starts nothing else of ours.
    if [[ $1 = "$root"/tests/support/*.sh ]]; then reach='' && files_of "$root/tests/support"; fi
    for word in "$@"; do
        if [[ " ${CARTWRIGHT_TEST_PG:-} " = *"host=$word "* ]]; then continue; fi # the server's own folder
        if [ -d "$word" ]; then
            [[ $word/ != "$root"/build/* ]] || return 1 # programs of which nobody says which
            files_of "$word"
        elif [ -f "$word" ]; then
            stat -c %a "$word"
            sha256sum "$word"
            if is_program "$word"; then reach+=" $(reach_of "$word")"; fi
        fi
    done
    if [[ $reach = *script* || $reach = *_BIN* ]] && [ -n "${CARTWRIGHT_BIN:-}" ]; then sha256sum "$CARTWRIGHT_BIN"; fi
    if [[ $reach = *script* ]]; then files_of "$root"
    elif [[ $reach = *_SOURCE* ]]; then files_of "$root" -not -name '*.[ch]' -not -name CHANGELOG.md # what programs are made of
    fi
    if [[ $reach = *script* || $reach = *_DATA* ]] && [ -d "${CARTWRIGHT_DATA:-}" ]; then
        find -L "$CARTWRIGHT_DATA" -type f -printf '%p %s %T@\n' | sort
    fi
    if [[ $reach = *script* || $reach = *_TEST_PG* ]]; then cat "$passes/template-${name%%/*}"; fi
}

if [ "$1" = --machine ]; then machine; else inputs "$@"; fi | sha256sum | cut -d ' ' -f 1
