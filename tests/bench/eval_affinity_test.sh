#!/bin/sh
# eval_affinity looks at TEST only after all settings are fixed, and says what is wrong with a file. Usage: eval_affinity_test.sh PROGRAM
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# Two tastes of 10 products each; user u knows 6 of one and turns to one more of it.
awk 'BEGIN { for (u = 0; u < 60; u++) { line = "u" u; for (k = 0; k < 6; k++) line = line " p" (u % 2 * 10 + (u + k) % 10); print line } }' >"$dir/train"
awk 'BEGIN { for (u = 0; u < 60; u++) print "u" u " p" (u % 2 * 10 + (u + 6) % 10); print "stranger p3 unheard-of" }' >"$dir/test"

"$program" "$dir/train" "$dir/test" --json --factors 4 --threads 1 >"$dir/first" 2>"$dir/log"
grep -q '"users":61,' "$dir/first" || fail "61 users have something in TEST: $(cat "$dir/first")"
grep -q '"users_unknown":1,' "$dir/first" || fail "one user is not in TRAIN"
grep -q 'settings are fixed' "$dir/log" || fail "no line says when the settings are fixed"

# A missing TEST is noticed only then.
if "$program" "$dir/train" "$dir/missing" --factors 4 --threads 1 2>"$dir/log" >/dev/null; then fail "a missing TEST passed"; fi
grep -n 'settings are fixed\|missing' "$dir/log" | tail -n 2 | head -n 1 | grep -q fixed || fail "TEST was missed before the settings were fixed"

# A pipe delivers TEST once, and only when somebody opens it: the writer waits until then. Same figures as from the file.
mkfifo "$dir/pipe"
(cat "$dir/test" >"$dir/pipe"; date +%s%N >"$dir/opened") &
"$program" "$dir/train" "$dir/pipe" --json --factors 4 --threads 1 2>"$dir/log" >"$dir/second"
wait
[ -s "$dir/opened" ] || fail "the pipe was never read"
figures() { sed 's/"train_s.*"settings"/"settings"/' "$1"; }
[ "$(figures "$dir/first")" = "$(figures "$dir/second")" ] || fail "another answer from the pipe"

# With other users' answers in TEST, the settings stay what they were.
awk '{ print $1, "p0" }' "$dir/test" >"$dir/other"
"$program" "$dir/train" "$dir/other" --json --factors 4 --threads 1 2>/dev/null >"$dir/third"
settings() { sed 's/.*"settings":\({[^}]*}\).*/\1/' "$1"; }
[ "$(settings "$dir/first")" = "$(settings "$dir/third")" ] || fail "TEST moved the settings"

# Files that are wrong are refused with the line.
refused() {
    if "$program" "$dir/bad" "$dir/test" "$@" 2>"$dir/log" >/dev/null; then fail "accepted: $(cat "$dir/bad")"; fi
}
printf '1 2 3 4\n1 2 3\n' >"$dir/bad"; refused --format movielens; grep -q 'line 2 has not the 4 fields' "$dir/log" || fail "$(cat "$dir/log")"
printf 'a b\n\nc \001d\n' >"$dir/bad"; refused; grep -q 'line 3 has a control character' "$dir/log" || fail "$(cat "$dir/log")"
printf 'a b\nc d\000e\n' >"$dir/bad"; refused; grep -q 'line 2 holds a zero byte' "$dir/log" || fail "$(cat "$dir/log")"
printf 'alone\n' >"$dir/bad"; refused; grep -q 'no pair' "$dir/log" || fail "$(cat "$dir/log")"
