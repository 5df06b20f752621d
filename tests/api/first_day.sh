#!/bin/bash
# "Your first day" of the top README, command by command as it stands there, in an empty folder: what it promises has to come out.
# first_day.sh README CARTWRIGHT
set -euo pipefail
readme=$(realpath "$1")
binary=$2
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
die() {
    printf '%s\n' "$*" >&2
    cat "$folder/serve.err" >&2 2>/dev/null || true
    exit 1
}
cartwright() { "$binary" "$@"; }

# A command begins behind "$ " and goes on for as long as a quote is open; the rest is what it prints. One a line, ended by a zero byte.
commands() {
    awk '
        /^## / { inside = ($0 == "## Your first day") }
        inside && /^```/ { code = !code; next }
        inside && code && open { text = text "\n" $0 }
        inside && code && !open && sub(/^\$ /, "") { text = $0; open = 1 }
        open {
            rest = text
            if (gsub(/\047/, "", rest) % 2 == 0) { printf "%s%c", text, 0; open = 0 }
        }' "$readme"
}

# What the README prints below command number $1, on one line: "..." stands for anything, times and chances for others of their kind.
printed() {
    awk -v wanted="$1" '
        /^## / { inside = ($0 == "## Your first day") }
        inside && /^```/ { code = !code; next }
        inside && code && !open && sub(/^\$ /, "") { n++; text = $0; open = 1; first = 1 }
        inside && code && open && !first { text = text "\n" $0 }
        inside && code && !open && n == wanted { sub(/^ /, ""); print }
        open {
            first = 0
            rest = text
            if (gsub(/\047/, "", rest) % 2 == 0) { open = 0 }
        }' "$readme" | tr -d '\n'
}
alike() { sed -E 's/\xc2\xa0|\xe2\x80\xaf/ /g; s/20[0-9-]{8}T[0-9:.]+Z/TIME/g; s/"probability":[0-9.]+/"probability":N/g'; }
# compare NUMBER ANSWER: what is printed has to occur, part by part and in that order.
compare() {
    local answer part
    answer=$(alike <<<"$2")
    while IFS= read -r part; do
        [ -n "$part" ] || continue
        case $answer in
        *"$part"*) answer=${answer#*"$part"} ;;
        *) die "command $1 of the README does not print $part (or not there): $2" ;;
        esac
    done < <(printed "$1" | alike | sed 's/\.\.\./\n/g')
}

cd "$folder"
n=0
compared=0
answers=$folder/answers
while IFS= read -r -d '' command; do
    n=$((n + 1))
    case $command in
    *' serve '*'&')
        # exec: what is killed at the end must be the server and no shell around it
        command=${command#cartwright }
        eval "exec $binary ${command%&} >'$folder/serve.out' 2>'$folder/serve.err' </dev/null" &
        server=$!
        for _ in $(seq 600); do
            url=$(sed -n 's/.*listening on \(http[^ ]*\)$/\1/p' "$folder/serve.out")
            [ -z "$url" ] || break
            kill -0 "$server" 2>/dev/null || die "the server did not start"
            sleep 0.1
        done
        ;;
    *) eval "${command//http:\/\/127.0.0.1:8080/${url:-}}" >"$folder/answer"
        cat "$folder/answer" >>"$answers"
        if [ -n "$(printed "$n")" ]; then
            compare "$n" "$(cat "$folder/answer")"
            compared=$((compared + 1))
        fi
        ;;
    esac
done < <(commands)

[ "$n" -ge 7 ] || die "only $n commands were found in $readme"
[ "$compared" -ge 2 ] || die "only $compared printed answers were compared"
grep -q '"status":"created"' "$answers" || die "no product was taken: $(cat "$answers")"
[ "$(grep -o '"status":"stored"' "$answers" | wc -l)" -eq 3 ] || die "three events were told: $(cat "$answers")"
grep -q '"decision":"silence","reason":"too_early"' "$answers" || die "it was not too early: $(cat "$answers")"
grep -q '"decision":"send".*"text":"You left .*Green tea in your cart' "$answers" || die "no message came: $(cat "$answers")"
grep -q '"model":"risk-prior-0"' "$answers" || die "another model answered: $(cat "$answers")"

# And the real one, as the text below the commands says.
now=$(date -u -d '3 hours ago' +%FT%TZ)
api /v1/events '[{"event_id":"4","type":"cart_item_added","customer_id":"ben","occurred_at":"'"$now"'","items":[{"product_id":"pot"}]}]' >>"$answers"
ben=$(api /v1/outreach '{"customer_id":"ben"}')
grep -q '"decision":"send".*"dry_run":false.*Iron teapot' <<<"$ben" || die "no message for a cart of three hours ago: $ben"
# the shop was empty as it began to listen, a moment ago: what is stored now has its picks all the same
grep -q '"recommendations":{"model":"affinity-prior-0"' <<<"$ben" || die "a message of the first minute has no picks: $ben"
cartwright config --psql | grep -q "^psql 'host=/" || die "config --psql does not say how to open the private PostgreSQL"
