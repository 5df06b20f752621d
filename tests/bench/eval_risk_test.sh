#!/bin/sh
# eval_risk finds kinds by itself, learns what is there, gives the same figures for the same seed, and says what is wrong. Usage: eval_risk_test.sh PROGRAM
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# Label 1 where the number is high, unless the page is "help"; a column that never varies, one of huge and missing numbers, visitors of 4 rows each.
awk -v seed=1 'BEGIN {
    srand(7); print "visitor,x,page,constant,odd,lost"
    for (i = 0; i < 600; i++) {
        x = rand(); page = rand() < .5 ? "help" : "cart"
        p = page == "help" ? .2 : x
        odd = i % 3 == 0 ? "" : i % 3 == 1 ? "1e9" : "-1e9"
        print "v" int(i / 4) "," x "," page ",5," odd "," (rand() < p)
    }
}' >"$dir/table.csv"
head -n 401 "$dir/table.csv" >"$dir/train.csv"
(head -n 1 "$dir/table.csv"; tail -n 200 "$dir/table.csv") >"$dir/test.csv"
head -n 161 "$dir/table.csv" >"$dir/small.csv"
head -n 121 "$dir/small.csv" >"$dir/early.csv"
(head -n 1 "$dir/small.csv"; tail -n 40 "$dir/small.csv") >"$dir/late.csv"
for part in small late; do awk -F, -v OFS=, 'NR > 1 { $6 = 1 } { print }' "$dir/$part.csv" >"$dir/${part}_ones.csv"; done

measure() { sed 's/.*"'"$2"'":\(-\{0,1\}[0-9.e-]*\).*/\1/' "$1"; }
first() { sed 's/"pooled".*//; s/"ece_bootstrap.*//' "$1"; }

"$program" "$dir/train.csv" "$dir/test.csv" --label lost --drop visitor --threads 1 --json >"$dir/split"
for member in auc ap logloss brier ece rows train_s; do
    grep -q "\"$member\":[0-9]" "$dir/split" || fail "no $member: $(cat "$dir/split")"
done
grep -q '"rows":200,' "$dir/split" || fail "200 rows are scored"
first "$dir/split" >"$dir/top"
awk -v auc="$(measure "$dir/top" auc)" 'BEGIN { exit !(auc > .65 && auc < .95) }' || fail "the planted rule is not learnt: $(cat "$dir/top")"
if grep -qi 'nan\|inf' "$dir/split"; then fail "a figure is no number"; fi

# The same seed, the same figures; another seed, other folds.
figures() { sed 's/"train_s":[0-9.]*//g' "$1"; }
"$program" "$dir/table.csv" --label lost --group visitor --kfold 3 --seed 3 --threads 1 --json >"$dir/one"
"$program" "$dir/table.csv" --label lost --group visitor --kfold 3 --seed 3 --threads 2 --json >"$dir/two"
"$program" "$dir/table.csv" --label lost --group visitor --kfold 3 --seed 4 --threads 1 --json >"$dir/three"
[ "$(figures "$dir/one")" = "$(figures "$dir/two")" ] || fail "another answer under the same seed"
[ "$(figures "$dir/one")" != "$(figures "$dir/three")" ] || fail "the seed changes nothing"
grep -q '"rows":600,' "$dir/one" || fail "every row is scored once"

# A column that is left out need not be in the second file.
cut -d, -f2- "$dir/test.csv" >"$dir/narrow.csv"
"$program" "$dir/train.csv" "$dir/narrow.csv" --label lost --drop visitor --threads 1 --json >"$dir/split2"
[ "$(figures "$dir/split")" = "$(figures "$dir/split2")" ] || fail "a column left out matters"

# Some of the rows move the intercept, be they of one class.
"$program" "$dir/table.csv" --label lost --drop visitor --test-where page=cart --refit-intercept .02 --json >"$dir/refit"
grep -q '"refit_rows":' "$dir/refit" || fail "no row moved the intercept"

# A column is of numbers if the rows that train say so: a text among those to be foretold is missing, and told, in two files, folds by value, and cross-validation.
blank() { awk -F, -v OFS=, -v text="$1" '$3 == "cart" && ++n % 10 == 7 { $2 = text } { print }' "$2"; }
blank unknown "$dir/late.csv" >"$dir/texts.csv"
blank "" "$dir/late.csv" >"$dir/blanks.csv"
"$program" "$dir/early.csv" "$dir/texts.csv" --label lost --drop visitor --threads 1 --json >"$dir/with" 2>"$dir/log"
"$program" "$dir/early.csv" "$dir/blanks.csv" --label lost --drop visitor --threads 1 --json >"$dir/without" 2>/dev/null
[ "$(figures "$dir/with")" = "$(figures "$dir/without")" ] || fail "a text in TEST changed what the column is"
"$program" "$dir/early.csv" "$dir/late.csv" --label lost --drop visitor --threads 1 --json >"$dir/whole" 2>/dev/null
[ "$(figures "$dir/with")" != "$(figures "$dir/whole")" ] || fail "no cell was blanked"
grep -q 'texts.csv: [1-9][0-9]* cells hold a text where the rows that train hold numbers' "$dir/log" || fail "the texts are not told: $(cat "$dir/log")"
blank unknown "$dir/small.csv" >"$dir/texts.csv"
blank "" "$dir/small.csv" >"$dir/blanks.csv"
"$program" "$dir/texts.csv" --label lost --drop visitor --test-where page=cart --threads 1 --json >"$dir/with" 2>"$dir/log"
"$program" "$dir/blanks.csv" --label lost --drop visitor --test-where page=cart --threads 1 --json >"$dir/without" 2>/dev/null
[ "$(figures "$dir/with")" = "$(figures "$dir/without")" ] || fail "a text in the rows of --test-where changed what the column is"
awk -F, -v OFS=, 'NR == 9 { $2 = "unknown" } { print }' "$dir/small.csv" >"$dir/texts.csv"
"$program" "$dir/texts.csv" --label lost --drop visitor --kfold 2 --threads 1 --json >"$dir/with" 2>"$dir/log"
[ "$(grep -c 'fold . of 2: 1 cells hold a text' "$dir/log")" = 1 ] || fail "one fold of two has the text among the rows to foretell: $(cat "$dir/log")"
awk -F, -v OFS=, 'NR % 2 == 0 { $2 = "n" $2 } { print }' "$dir/early.csv" >"$dir/texts.csv"
"$program" "$dir/texts.csv" "$dir/late_ones.csv" --label lost --drop visitor --threads 1 --json >/dev/null 2>"$dir/log" || true
grep -q 'both labels are needed' "$dir/log" || fail "rows of one label were scored"
if grep -q 'hold a text' "$dir/log"; then fail "texts that train make ids: $(cat "$dir/log")"; fi

# Somebody with rows on both sides is told where the column that names them is dropped, and only there.
# Rows of one label, so that it ends before it trains.
told() { "$program" "$@" --label lost --threads 1 --json 2>&1 >/dev/null | grep -c 'looks like ids of somebody' || true; }
[ "$(told "$dir/small_ones.csv" --kfold 2 --drop visitor)" = 1 ] || fail "visitors in several folds are not told"
[ "$(told "$dir/small.csv" --test-where page=cart --drop visitor --repeat 2)" = 1 ] || fail "they are told once, whatever the seeds"
[ "$(told "$dir/small_ones.csv" --test-where page=cart --drop visitor)" = 1 ] || fail "visitors on both sides of --test-where are not told"
[ "$(told "$dir/small_ones.csv" --kfold 2 --group visitor)" = 0 ] || fail "with --group nobody is on both sides"
[ "$(told "$dir/small_ones.csv" --kfold 2 --group visitor --drop page)" = 0 ] || fail "what they have in common is nobody's id"
[ "$(told "$dir/small_ones.csv" --kfold 2 --drop page --drop x --drop constant --drop odd)" = 0 ] || fail "a dropped feature is no id"
(head -n 1 "$dir/small.csv"; tail -n 42 "$dir/small_ones.csv") >"$dir/both_ones.csv"
[ "$(told "$dir/early.csv" "$dir/late_ones.csv" --drop visitor)" = 0 ] || fail "nobody is in both files"
[ "$(told "$dir/early.csv" "$dir/both_ones.csv" --drop visitor)" = 1 ] || fail "a visitor in both files is not told"
# Ids that are whole numbers, under a name that says nothing; and a number of each row's own, which nobody shares.
awk -F, -v OFS=, 'NR == 1 { print $0, "w", "row"; next } { print $0, substr($1, 2), NR }' "$dir/small_ones.csv" >"$dir/numbers.csv"
"$program" "$dir/numbers.csv" --label lost --kfold 2 --drop visitor --drop w --drop row --threads 1 --json 2>"$dir/log" >/dev/null || true
grep -q "'w' looks like ids of somebody, and [1-9][0-9]* of 160 rows .*--group w keeps" "$dir/log" || fail "whole numbers are ids too: $(cat "$dir/log")"
if grep -q "'row' looks like" "$dir/log"; then fail "nobody shares a row's number"; fi
told_numbers() { told "$dir/numbers.csv" --test-where page=cart --drop w "$@"; }
[ "$(told_numbers --drop visitor)" = 2 ] || fail "each column that names somebody is told"
[ "$(told_numbers --group visitor)" = 0 ] || fail "--group leaves nobody on both sides, under whatever name"

# XGBoost, where it was built in, averages as many models as we average bags of trees, tuned on as many parts.
"$program" "$dir/small.csv" --label lost --drop visitor --test-where page=cart --peers --json >"$dir/peers" 2>"$dir/log"
ours=$(sed 's/.*"fit":{"bags":\([0-9]*\),"folds":\([0-9]*\).*/\1 bags \2 folds/' "$dir/peers")
[ "$ours" = "12 bags 5 folds" ] || fail "160 rows are worth 12 bags and 5 folds, not $ours"
if ! grep -q 'built without xgboost' "$dir/log"; then
    theirs=$(sed 's/.*"xgboost":{[^{}]*"bags":\([0-9]*\),"folds":\([0-9]*\)}.*/\1 bags \2 folds/' "$dir/peers")
    [ "$theirs" = "$ours" ] || fail "XGBoost has $theirs beside our $ours"
fi

# What is wrong is said in words, before anything is trained.
refused() {
    wanted=$1
    shift
    if "$program" "$@" >"$dir/out" 2>"$dir/log"; then fail "accepted: $*"; fi
    grep -q -- "$wanted" "$dir/log" || fail "'$wanted' is not said of: $* $(head -n 1 "$dir/log")"
    [ ! -s "$dir/out" ] || fail "figures beside an error: $*"
}
refused 'no file to train on' --label lost --kfold 3
refused '--label is missing' "$dir/table.csv" --kfold 3
refused 'give one of TEST.csv, --kfold and --test-where, not 0' "$dir/table.csv" --label lost
refused 'not 2' "$dir/train.csv" "$dir/test.csv" --label lost --kfold 3
refused 'is a third file' "$dir/train.csv" "$dir/test.csv" "$dir/table.csv" --label lost
refused "--kfold must be a whole number from 2 to 1000, not 'many'" "$dir/table.csv" --label lost --kfold many
refused "--refit-intercept must be a share between 0 and 1, not '2'" "$dir/table.csv" --label lost --kfold 3 --refit-intercept 2
refused '--test-where must be COL=VALUE' "$dir/table.csv" --label lost --test-where page
refused '--label needs a value' "$dir/table.csv" --kfold 3 --label
refused 'there is no option --sed' "$dir/table.csv" --label lost --kfold 3 --sed 4
refused "table.csv: there is no column 'gone'" "$dir/table.csv" --label lost --kfold 3 --drop gone
refused "narrow.csv: there is no column 'visitor'" "$dir/train.csv" "$dir/narrow.csv" --label lost --group visitor
refused 'missing.csv cannot be opened' "$dir/missing.csv" --label lost --kfold 3
refused "line 2: the label 'page' is" "$dir/table.csv" --label page --kfold 3

head -n 1 "$dir/table.csv" >"$dir/empty.csv"
refused 'nothing to learn from' "$dir/empty.csv" --label lost --kfold 3
awk -F, 'NR == 1 || $6 == 1' "$dir/train.csv" >"$dir/ones.csv"
refused 'all of one class' "$dir/ones.csv" "$dir/test.csv" --label lost --drop visitor
refused 'both labels are needed' "$dir/train.csv" "$dir/ones.csv" --label lost --drop visitor
head -n 9 "$dir/table.csv" >"$dir/short.csv"
refused 'fold [0-9]* of 10: .* both labels are needed' "$dir/short.csv" --label lost --drop visitor --kfold 10
refused 'of 0 rows to score' "$dir/train.csv" "$dir/train.csv" --label lost --group visitor
