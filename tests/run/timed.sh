#!/usr/bin/env bash
# timed.sh NAME COMMAND...: runs it, and notes in the file that CARTWRIGHT_TIMES names how long it took: the name, seconds
# by the clock, seconds of the processors (of the command and the children it waited for, not of a server's).
#
# Where CARTWRIGHT_PASSES names a folder, a test that has not changed since it passed does not run (unchanged.sh), but
# where CARTWRIGHT_RUN_ALL is set.
name=$1 passes=${CARTWRIGHT_PASSES:-} all=${CARTWRIGHT_RUN_ALL:-} before=''
shift
unset CARTWRIGHT_PASSES CARTWRIGHT_RUN_ALL
fingerprint() { "$(dirname "${BASH_SOURCE[0]}")/unchanged.sh" "$passes" "$@" 2>/dev/null; }
if [ -n "$passes" ]; then
    before=$(fingerprint "$name" "$@") || before=''
    if [ -z "$all" ] && [ -n "$before" ] && [ -e "$passes/$before" ]; then
        touch "$passes/$before"
        printf '%s\n' "$name" >>"$passes/unchanged"
        exit 0
    fi
fi
start=${EPOCHREALTIME/[.,]/}
read -r -a self </proc/$$/stat # proc(5): fields 16 and 17 are what waited-for children used, in ticks
ticks=$((self[15] + self[16]))
"$@"
status=$?
read -r -a self </proc/$$/stat
ticks=$((self[15] + self[16] - ticks))
printf '%s\t%d.%d\t%d.%d\n' "$name" \
    $(((${EPOCHREALTIME/[.,]/} - start) / 1000000)) $(((${EPOCHREALTIME/[.,]/} - start) / 100000 % 10)) \
    $((ticks / 100)) $((ticks / 10 % 10)) >>"${CARTWRIGHT_TIMES:-/dev/null}"
# Not where something of it was changed meanwhile: what ran may be neither the old nor the new.
if [ "$status" = 0 ] && [ -n "$before" ] && [ "$(fingerprint "$name" "$@")" = "$before" ]; then : >"$passes/$before"; fi
exit "$status"
