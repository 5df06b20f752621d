#!/usr/bin/env bash
# The summary of ./dev test loses nothing that failed, whatever way it failed. Usage: suite_test.sh SOURCE
# shellcheck disable=SC2016 # what is quoted is for a shell of its own
set -euo pipefail
unset CI # this is the environment of whoever comes back
source=$(realpath "$1")
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
cd "$dir"
ln -s "$source/tests" tests
fail() { echo "FAILED: $*" >&2; cat "$dir/out" "$dir/err" >&2; exit 1; }

# run SCRIPT: what ./dev does between begin_checks and summary
run() {
    status=0
    SCRIPT=$1 bash -euo pipefail -c '
        say() { printf "%s\n" "== $*" >&2; }
        jobs=2
        . tests/run/results.sh
        . tests/run/suite.sh
        begin_checks
        trap end_suite EXIT
        trap "exit 130" INT TERM
        script=$SCRIPT && unset SCRIPT # the environment of tests counts
        eval "$script"
        summary' >"$dir/out" 2>"$dir/err" || status=$?
}
# expect WHAT STATUS LAST-LINE
expect() {
    [ "$status" = "$2" ] || fail "$1: exit code $status instead of $2"
    [ "$(tail -n 1 "$dir/out")" = "$3" ] || fail "$1: ends with '$(tail -n 1 "$dir/out")' instead of '$3'"
}

run 'check good true'
expect 'one check' 0 '1 passed, 0 failed'
run 'check good true; check bad sh -c "echo the reason; exit 3" || true'
expect 'a check that fails' 1 '1 passed, 1 failed'
grep -q '^the reason$' err || fail 'the output of what failed is not shown'
grep -q '^  FAILED bad: ' out || fail 'what failed is not named'
run 'check bad sh -c "seq -f %02g 30; exit 3" || true'
[ "$(grep -c '^    [123][0-9]$' out)" = 12 ] || fail 'the last lines of what failed do not stand at the end'
run 'lane check good true; lane check bad false; wait_for_lanes'
expect 'a lane that fails' 1 '1 passed, 1 failed'
run 'plan good lost; lane check good true; lane sh -c "kill -9 \$\$"; wait_for_lanes'
expect 'a lane that is killed' 1 '1 passed, 1 failed'
grep -q '^  FAILED lost: it did not run' out || fail 'what did not run is not named'
run 'true'
expect 'nothing at all' 1 '0 passed, 0 failed'
run 'check good true; kill -TERM $$'
expect 'a run that is ended' 130 ''
run 'check good true; false'
expect 'a script that breaks' 1 ''

# A process that a lane started ends with the run.
run 'lane sh -c "sleep 600 & echo \$! >pid; wait"; until [ -s pid ]; do :; done; kill -TERM $$'
expect 'a run that is ended while a lane works' 130 ''
if grep -qs '^State:[^Z]*$' "/proc/$(cat pid)/status"; then fail 'a lane outlives the run'; fi

# A test that passed runs again as soon as anything changes that its verdict follows from, and at once if it failed. `unit` asks for
# nothing, `served` starts the service, `read` looks into the tree, `stored` has the database, `script` may do anything.
program() { # program NAME CODE: built for the tests of dev; it notes that it ran
    printf '#include <stdio.h>\n#include <stdlib.h>\nint main(void) { FILE *f = fopen("%s/ran", "a"); fputs("%s ", f); fclose(f); %s }\n' "$dir" "$1" "$2" |
        cc -x c -o "build/dev/$1" -
}
mkdir -p tree/build/dev tree/sql tree/golden tree/data
cd tree
ln -s "$source/tests" tests
program unit 'return 0;'
program served 'return getenv("CARTWRIGHT_BIN") == NULL;'
program read 'return getenv("CARTWRIGHT_SOURCE") == NULL;'
program measured 'return getenv("CARTWRIGHT_DATA") == NULL;'
program stored 'return getenv("CARTWRIGHT_TEST_PG") == NULL;'
program broken 'return 1;'
program away 'return 77;'
printf '#!/bin/sh\nprintf "script " >>%s/ran\n' "$dir" >script.sh
chmod +x script.sh
for f in build/dev/cartwright sql/1.sql golden/1.txt data/1.csv program.c template corpus; do echo 1 >"$f"; done
{
    for f in unit served read measured stored broken away; do echo "add_test([=[$f]=] \"$PWD/build/dev/$f\")"; done
    echo "add_test([=[script]=] \"$PWD/script.sh\")"
    echo "add_test([=[folder]=] \"$PWD/build/dev/unit\" \"$PWD/golden\" \"$PWD/corpus\")"
    for f in unit served read measured stored script folder away; do
        echo "set_tests_properties([=[$f]=] PROPERTIES SKIP_RETURN_CODE 77" \
            "ENVIRONMENT \"CARTWRIGHT_BIN=$PWD/build/dev/cartwright;CARTWRIGHT_SOURCE=$PWD;CARTWRIGHT_DATA=$PWD/data;CARTWRIGHT_TEST_PG=host=$PWD/pg user=x;MOOD=good\")"
    done
} >build/dev/CTestTestfile.cmake
# again WHAT RAN...: those that run now, of all
again() {
    : >"$dir/ran"
    run "template_of() { cat template; }; ${settings:-} pool_tests dev=dev --"
    expect "$1" 1 '7 passed, 1 failed, 1 skipped'
    [ "$(tr ' ' '\n' <"$dir/ran" | sort | xargs)" = "$2" ] || fail "$1: ran '$(tr ' ' '\n' <"$dir/ran" | sort | xargs)' instead of '$2'"
}
all='away broken measured read script served stored unit unit'
again 'tests that never ran' "$all"
again 'nothing changed' 'away broken'
grep -qx '7 passed (of these 7 unchanged since they passed)' "$dir/out" || fail 'what did not run is not told'
awk '$1 == "dev/served" && $3 > 0 { n++ } END { exit n != 1 }' build/test/pool/Testing/Temporary/CTestCostData.txt ||
    fail 'how long a test takes is forgotten where it did not run'
echo 2 >program.c
echo 2 >CHANGELOG.md
again 'a source of programs, and the change log' 'away broken script'
echo 2 >build/dev/cartwright
again 'the service' 'away broken script served'
echo 2 >golden/1.txt
again 'a file of a folder that a command names' 'away broken read script unit'
settings='export CI=1;'
again 'all of them where nobody comes back' "$all"
settings=
echo 2 >corpus
again 'a file that a command names' 'away broken read script unit'
echo 2 >sql/1.sql
again 'a file of the tree' 'away broken read script'
echo 2 >data/1.csv
again 'a data set' 'away broken measured read script'
echo '# 2' >>script.sh
again 'a script' 'away broken read script'
program unit 'puts("2"); return 0;'
again 'a program' 'away broken unit unit'
echo 2 >template
again 'what makes the database' 'away broken read script stored'
sed -i '/=\[unit\]=/s/MOOD=good/MOOD=bad/' build/dev/CTestTestfile.cmake
again 'the environment' 'away broken unit'
settings='export CARTWRIGHT_RUN_ALL=1;'
again 'all of them' "$all"
settings=
again 'nothing changed after all of them' 'away broken'
settings='export TZ=UTC;'
again 'the environment of all' "$all"
settings='dpkg-query() { return 1; }; export -f dpkg-query;'
again 'a machine of which nobody knows what it has' "$all"
settings='template_of() { false; };'
again 'a database of which nobody knows what made it' 'away broken script stored'
settings=
program served 'puts("3"); return 0;'
cp build/dev/served build/next
program served "rename(\"$PWD/build/next\", \"$PWD/build/dev/served\"); return 0;"
cp build/dev/served build/old
again 'a program that another one replaces while it runs' 'away broken served'
cp build/old build/dev/served
again 'the old one' 'away broken served'
again 'the old one, which passed' 'away broken'
cd "$dir"

# ctest itself: a small tree of two presets, whose tests have a `;` in their environment and the same names.
tree() { # tree PRESET ADD_TEST...
    mkdir -p "build/$1"
    printf '%s\n' "${@:2}" >"build/$1/CTestTestfile.cmake"
}
tree dev 'add_test([=[good]=] "/bin/sh" "-c" "test \"$A$B\" = 12")' \
    'set_tests_properties([=[good]=] PROPERTIES ENVIRONMENT "A=1;B=2" LABELS "unit;waits")' \
    'add_test([=[bad]=] "/bin/sh" "-c" "echo at.c:7: error: it broke; echo it broke; echo ====; exit 1")' \
    'add_test([=[away]=] "/bin/sh" "-c" "echo no data; exit 77")' \
    'set_tests_properties([=[away]=] PROPERTIES SKIP_RETURN_CODE 77)' \
    'add_test([=[slow]=] "/bin/sleep" "60")' 'set_tests_properties([=[slow]=] PROPERTIES TIMEOUT 1)' \
    'add_test([=[crash]=] "/bin/sh" "-c" "kill -SEGV $$")' \
    'add_test([=[elsewhere]=] "/bin/false")' 'set_tests_properties([=[elsewhere]=] PROPERTIES LABELS "unit;aside")'
tree asan 'add_test([=[good]=] "/bin/true")' 'add_test([=[off]=] "/bin/true")' \
    'set_tests_properties([=[off]=] PROPERTIES DISABLED TRUE)'
run 'pool_tests dev=dev asan=asan -- -LE aside'
expect 'tests in a pool' 1 '2 passed, 4 failed, 1 skipped'
for line in 'FAILED dev/bad: at.c:7: error: it broke' 'FAILED dev/slow: ' 'FAILED dev/crash: ' 'FAILED asan/off: ' 'skipped dev/away: no data'; do
    grep -q "^  $line" out || fail "no line '$line'"
done
[ "$(grep -c '^dev/good' build/test/times.tsv)" = 1 ] || fail 'the time of a test is not noted'
grep -q '^== pass  dev/good (' err || fail 'no line for a test that passed'
grep -q '^== FAIL  dev/slow: Timeout (' err || fail 'no line for a test that failed'

# A ctest that dies takes none of its tests along.
run 'pool_run() { kill -9 "$BASHPID"; }; counted_as=other ctest_checks asan'
expect 'a ctest that is killed' 1 '0 passed, 2 failed'
run 'pool_run() { :; }; counted_as=other ctest_checks asan'
expect 'a ctest that does nothing' 1 '0 passed, 2 failed'
tree asan '# no test'
run 'counted_as=other ctest_checks asan; record pass another'
expect 'a build without tests' 1 '1 passed, 1 failed'

# The whole order, with stand-ins for what takes long: three presets, of which one is not built.
tree dev 'add_test([=[good]=] "/bin/true")'
tree asan 'add_test([=[good]=] "/bin/true")'
tree tsan 'add_test([=[good]=] "/bin/true")'
stand_ins='
    verb_setup() { :; }
    plan_lint() { plan lint/quick lint/tidy; }
    lint_quick() { check lint/quick true; }
    lint_tidy() { :; }
    fuzz_share() { echo 7; }
    fuzz_all() { plan fuzz/target; check fuzz/target [ "$1" = 7 ]; }
    configure_and_build() { [ "$1" != "$broken" ]; }
    long_checks() { plan pg0/test; record pass pg0/test; }
    whole() { verb_test "$@"; exit; }'
run "broken=; $stand_ins; whole"
expect 'the whole order' 0 '10 passed, 0 failed' # 2 of lint, 4 builds, 3 tests, 1 of fuzzing
if grep -n 'Done' err; then fail 'the shell tells about its jobs'; fi
run "broken=asan; $stand_ins; whole"
expect 'a build that fails' 1 '8 passed, 1 failed'
run "broken=fuzz; $stand_ins; whole --long"
expect 'targets that are not built, and the long checks' 1 '9 passed, 1 failed'
run "broken=; $stand_ins; lint_tidy() { kill -9 \"\$BASHPID\"; }; whole"
expect 'a clang-tidy that is killed' 1 '9 passed, 1 failed'
run "broken=; $stand_ins; lint_quick() { check lint/quick true; seq -f 'dev/a_test_among_very_many_%05g	1.0	1.0' 20000 >>build/test/times.tsv; }; whole"
expect 'very many tests' 0 '10 passed, 0 failed'
