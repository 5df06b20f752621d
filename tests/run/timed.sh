#!/usr/bin/env bash
# timed.sh NAME COMMAND...: runs it, and notes in the file that CARTWRIGHT_TIMES names how long it took: the name, seconds
# by the clock, seconds of the processors (of the command and the children it waited for, not of a server's).
name=$1 start=${EPOCHREALTIME/[.,]/}
shift
"$@"
status=$?
read -r -a self </proc/$$/stat # proc(5): fields 16 and 17 are what waited-for children used, in ticks
printf '%s\t%d.%d\t%d.%d\n' "$name" \
    $(((${EPOCHREALTIME/[.,]/} - start) / 1000000)) $(((${EPOCHREALTIME/[.,]/} - start) / 100000 % 10)) \
    $(((self[15] + self[16]) / 100)) $(((self[15] + self[16]) / 10 % 10)) >>"${CARTWRIGHT_TIMES:-/dev/null}"
exit "$status"
