#!/bin/bash
# ./dev with a word that is none of its own: says which it was and what there is, and begins nothing.
# dev_words.sh DEV
set -euo pipefail
dev=$1

# says CODE TEXT ARGUMENT...
says() {
    local code=$1 text=$2 got=0 said
    shift 2
    said=$("$dev" "$@" 2>&1) || got=$?
    if [ "$got" != "$code" ] || ! grep -qF -- "$text" <<<"$said"; then
        printf './dev %s: exit code %s instead of %s, or not "%s":\n%s\n' "$*" "$got" "$code" "$text" "$said" >&2
        exit 1
    fi
}

says 1 'there is no preset "foo" to build; there are: dev asan tsan fuzz release' build foo
says 1 'there is no bench "foo"; there are: als ' bench foo
says 1 'there is no eval "foo"; there are: affinity ' eval foo
says 1 'fuzz takes the seconds for each target, 1 to 999999, not "abc"' fuzz abc
says 1 'not "0"' fuzz 0
says 2 'there is no verb "bogus"' bogus
