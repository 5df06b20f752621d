#!/bin/bash
# "A walk through" of the top README: its commands, on the data that it names, and what it prints below them has to come out, part by part and in
# that order. Without the data it says so and is skipped (exit code 77).
# walk_through.sh README CARTWRIGHT DATA
set -euo pipefail
readme=$(realpath "$1")
binary=$(realpath "$2")
packed=$(realpath -m "$3")/rees46_2019_oct_17k_events.csv.zst
[ -e "$packed" ] || { echo "skipped: no $packed"; exit 77; }
folder=$(mktemp -d)
export CARTWRIGHT_LISTEN=127.0.0.1:0
unset DATABASE_URL CARTWRIGHT_DATABASE_URL CARTWRIGHT_DATA_DIR || true
server=

finish() {
    if [ -n "$server" ]; then
        kill "$server" 2>/dev/null || true
        wait "$server" || true
    fi
    rm -rf "$folder"
}
trap finish EXIT
die() { printf '%s\n' "$*" >&2; exit 1; }

section() { awk '/^## / { inside = ($0 == "## A walk through") } inside && /^```/ { code = !code; next } inside && code' "$readme"; }
alike() { sed -E 's/^ +//; s/"(probability|low|high|no_purchase)":[0-9.]+/"\1":N/g; s/listening on .*/listening/'; }

cd "$folder"
zstd -dqc "$packed" >"$(basename "$packed" .zst)"
while IFS= read -r command; do
    case $command in
    './dev '*) ;;
    *' serve '*)
        "$binary" serve --auth off >out 2>err </dev/null &
        server=$!
        for _ in $(seq 600); do
            url=$(sed -n 's/.*listening on \(http[^ ]*\)$/\1/p' out)
            [ -z "$url" ] || break
            kill -0 "$server" 2>/dev/null || die "the server did not start: $(cat err)"
            sleep 0.1
        done
        cat out >>answers
        ;;
    *)
        command=${command/build\/release\/cartwright/$binary}
        eval "${command/http:\/\/127.0.0.1:8080/${url:-}}" >>answers 2>&1
        ;;
    esac
done < <(section | sed -e :a -e '/\\$/N; s/\\\n//; ta' | sed -n 's/^\$ //p')

answer=$(alike <answers | tr -d '\n')
parts=0
while IFS= read -r part; do
    [ -n "$part" ] || continue
    case $answer in
    *"$part"*) answer=${answer#*"$part"} ;;
    *) die "the walk through of the README does not print $part (or not there): $answer" ;;
    esac
    parts=$((parts + 1))
done < <(section | sed -e :a -e '/\\$/N; s/\\\n//; ta' | grep -v '^\$ ' | alike | sed -E 's/,? *\.\.\.,?/\n/g')
[ "$parts" -ge 30 ] || die "only $parts parts were compared"
