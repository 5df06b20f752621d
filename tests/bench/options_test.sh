#!/bin/sh
# A benchmark refuses what it does not know before it measures anything: a mistyped option would otherwise time the wrong case.
# Usage: options_test.sh BUILD_FOLDER
set -eu
fail() { echo "FAILED: $*" >&2; exit 1; }

count=0
for bench in "$1"/bench_*; do
    [ -x "$bench" ] || continue
    for wrong in --no-such-option=1 --help; do
        status=0
        said=$(timeout 60 "$bench" "$wrong" 2>&1) || status=$?
        expected=2
        [ "$wrong" != --help ] || expected=0
        [ "$status" -eq "$expected" ] || fail "$bench $wrong ended with $status: $said"
        case $said in
        *"usage: ./dev bench "*) ;;
        *) fail "$bench $wrong says no usage: $said" ;;
        esac
    done
    count=$((count + 1))
done
[ "$count" -ge 5 ] || fail "only $count benchmarks in $1"
