#!/bin/sh
# Fails on functions that have no place here. A line that must have one says `lint: allow NAME`, and why.
#   sprintf strcpy strcat strtok atoi gets ...: no bound, hidden state, or no way to tell an error
#   sleep usleep nanosleep: waiting for a time instead of for what is awaited
set -eu
cd "$1"
bad=0
# ban WORDS WHERE...: the words as calls, outside of comments that take a whole line
ban() {
    words=$1
    shift
    found=$(grep -rnE --include='*.[ch]' "(^|[^_[:alnum:].>])($words)[[:space:]]*\(" "$@" |
        grep -vE '^[^:]*:[0-9]+:[[:space:]]*(/\*|\*|//)' | grep -v 'lint: allow' || true)
    if [ -n "$found" ]; then
        printf '%s\n' "$found"
        bad=1
    fi
}
ban 'sprintf|vsprintf|strcpy|stpcpy|strcat|strncpy|strncat|strtok|atoi|atol|atoll|atof|gets|alloca|tmpnam|mktemp' src tests
ban 'sleep|usleep|nanosleep|clock_nanosleep' src tests
ban 'system|popen|signal|setjmp|longjmp|rand|srand|drand48|gmtime|localtime|strerror' src
exit $bad
