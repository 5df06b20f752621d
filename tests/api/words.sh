#!/bin/bash
# What the program refuses on the command line, in an empty folder without a server: the text says what to do.
# words.sh CARTWRIGHT
set -euo pipefail
binary=$(realpath "$1")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
unset DATABASE_URL CARTWRIGHT_DATABASE_URL CARTWRIGHT_DATA_DIR CARTWRIGHT_LISTEN || true

# says CODE TEXT ARGUMENT...: the exit code, and a part of what is printed
says() {
    local code=$1 text=$2 got=0 said
    shift 2
    said=$("$binary" "$@" 2>&1) || got=$?
    if [ "$got" != "$code" ] || ! grep -qF -- "$text" <<<"$said"; then
        printf 'cartwright %s: exit code %s instead of %s, or not "%s":\n%s\n' "$*" "$got" "$code" "$text" "$said" >&2
        exit 1
    fi
}

says 2 'auth: must be on, off, true or false, not "no"' serve --auth no
says 2 'message_register: must be formal or informal, not "du"' serve --message-register du
says 2 'no word "now"' serve now
says 2 'there is no option --abandoned-afer; did you mean --abandoned-after?' serve --abandoned-afer 1m
says 2 'there is no option --max-error; did you mean --max-errors?' import --max-error 3
says 2 'there is no setting --lisen; did you mean --listen?' --lisen 127.0.0.1:0
says 2 'there is no command "serv"; did you mean serve?' serv
says 2 'there is no command "dance" (' dance
says 1 'first, in this folder' config --psql
says 2 '"shop" is a word too many; create needs --scopes' keys create shop --scopes read
says 2 '"y" is a word too many; revoke takes the id of one key' keys revoke x y
says 2 'is required: the prices of these files have none' import --map occurred_at=a,customer_id=b,type=c,price=d x.csv
[ ! -e .cartwright ] || { echo "config --psql alone began a database" >&2; exit 1; }
says 1 'running, and does it listen there' health --url http://127.0.0.1:1
says 1 'running, and does it listen there' simulate --url http://127.0.0.1:1 --shoppers 1 --days 1
says 2 'no such file or directory' config --config gone.conf
