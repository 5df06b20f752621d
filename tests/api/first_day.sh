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

cd "$folder"
n=0
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
    *) eval "${command//http:\/\/127.0.0.1:8080/${url:-}}" >>"$answers" ;;
    esac
done < <(commands)

[ "$n" -ge 7 ] || die "only $n commands were found in $readme"
grep -q '"status":"created"' "$answers" || die "no product was taken: $(cat "$answers")"
[ "$(grep -o '"status":"stored"' "$answers" | wc -l)" -eq 3 ] || die "three events were told: $(cat "$answers")"
grep -q '"decision":"silence","reason":"too_early"' "$answers" || die "it was not too early: $(cat "$answers")"
grep -q '"decision":"send".*"text":"You left .*Green tea in your cart' "$answers" || die "no message came: $(cat "$answers")"
grep -q '"model":"risk-prior-0"' "$answers" || die "another model answered: $(cat "$answers")"

# And the real one, as the text below the commands says.
now=$(date -u -d '3 hours ago' +%FT%TZ)
api /v1/events '[{"event_id":"4","type":"cart_item_added","customer_id":"ben","occurred_at":"'"$now"'","items":[{"product_id":"pot"}]}]' >>"$answers"
api /v1/outreach '{"customer_id":"ben"}' | grep -q '"decision":"send".*"dry_run":false.*Iron teapot' || die "no message for a cart of three hours ago"
cartwright config --psql | grep -q "^psql 'host=/" || die "config --psql does not say how to open the private PostgreSQL"
