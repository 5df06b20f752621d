#!/bin/sh
# eval_sessions shows beside us what needs no model, ties counted against it. Usage: eval_sessions_test.sh PROGRAM
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# After 1 come 2 (three times), 3 and 4 (twice each); after 5 comes 6; nothing comes after 6.
i=0
while [ $i -lt 40 ]; do
    printf '1 2\n1 3\n5 6\n1 2\n1 4\n1 2\n1 3\n1 4\n'
    i=$((i + 1))
done >"$dir/train"
figure() { sed 's/.*"'"$2"'":{"p@20":\([0-9.]*\),"mrr@20":\([0-9.]*\)}.*/\1 \2/' "$1" | awk '{ printf "%.2f %.2f\n", $1, $2 }'; }
ask() {
    printf '%s\n' "$@" >"$dir/test"
    "$program" "$dir/train" "$dir/test" --threads 1 --json >"$dir/out" 2>"$dir/log" || fail "$(cat "$dir/log")"
}

# Own items: 6 three times before 5 twice; 6 before 5, seen as often, since it came later; an item that TRAIN does not know takes no place.
ask '5 6 5 6 6 5' '5 6 5 6 6 6' '5 6 5' '999 5 999 5' '1 2'
[ "$(figure "$dir/out" own_items)" = '80.00 60.00' ] || fail "own items: ranks 2, 1, 2, 1 and none: $(cat "$dir/out")"
[ "$(figure "$dir/out" markov)" = '20.00 20.00' ] || fail "only 1 is followed by the target: $(cat "$dir/out")"

# The chain: 2 is first, 3 is behind 4 (an equal count stands before it); only the last item counts.
ask '1 2' '1 3' '5 6' '5 1 6' '6 5'
[ "$(figure "$dir/out" markov)" = '60.00 46.67' ] || fail "markov: ranks 1, 3, 1 and twice none: $(cat "$dir/out")"
[ "$(figure "$dir/out" own_items)" = '0.00 0.00' ] || fail "no target was seen before: $(cat "$dir/out")"

# For people, a line each.
"$program" "$dir/train" "$dir/test" --threads 1 2>/dev/null >"$dir/text"
[ "$(cut -c1-9 "$dir/text" | tr -s ' \n' '  ')" = 'ours own items markov ' ] || fail "$(cat "$dir/text")"
