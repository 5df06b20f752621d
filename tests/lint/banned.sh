#!/bin/sh
# Fails on functions that have no place here. A line that must have one says `lint: allow NAME`, and why.
#   sprintf strcpy strtok atoi gets ...: no bound, hidden state, or no way to tell an error
#   sleep usleep nanosleep: waits for a time instead of for what is awaited
set -eu
cd "$1"
# ban NAME|NAME... FOLDER...: the names as calls, outside of comments and string literals
ban() {
    names=$1
    shift
    find "$@" -name '*.[ch]' -exec awk -v call="(^|[^_A-Za-z0-9.>])($names)[ \t]*[(]" '
        {
            code = $0
            gsub(/"([^"\\]|\\.)*"/, "", code)
            sub(/\/\/.*/, "", code)
            sub(/\/\*.*/, "", code)
            if (code ~ /^[ \t]*\*/ || code !~ call || $0 ~ /lint: allow/) next
            printf "%s:%d: %s\n", FILENAME, FNR, $0
            bad = 1
        }
        END { exit bad }' {} +
}
bad=0
ban 'sprintf|vsprintf|strcpy|stpcpy|strcat|strncpy|strncat|strtok|atoi|atol|atoll|atof|gets|alloca|tmpnam|mktemp' src tests || bad=1
ban 'sleep|usleep|nanosleep|clock_nanosleep' src tests || bad=1
ban 'system|popen|signal|setjmp|longjmp|rand|srand|drand48|gmtime|localtime|strerror' src || bad=1
exit $bad
