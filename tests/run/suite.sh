# shellcheck shell=bash
# shellcheck disable=SC2154 # $jobs is of ./dev; $logs, $results, $times and $lanes are of results.sh
# Every check of ./dev test and in which order. Sourced by ./dev.
#
# Building and testing keep all cores busy by themselves. clang-tidy runs beside the tests at the lowest priority: it
# takes what they leave while they wait for the network, a timer or the database.

pool=$logs/pool # ctest runs the tests of all presets from here: tests/run/pool.cmake
passes=$PWD/build/passed # tests/run/unchanged.sh
tested=(dev asan tsan)
# Labels: `aside` is what this preset leaves to another one (tests/CMakeLists.txt), `twice` what it runs as well under
# --long, `fixture` starts the servers, `long` is for long_checks.
left_out='aside|fixture|bench|long'

verb_test() {
    export CARTWRIGHT_LONG='' CARTWRIGHT_RUN_ALL=''
    local preset built=()
    case "${1:-}" in
    --long) CARTWRIGHT_LONG=1 CARTWRIGHT_RUN_ALL=1 ;;
    --all) CARTWRIGHT_RUN_ALL=1 left_out+='|twice' ;;
    '') left_out+='|twice' ;;
    *) die "test takes only --all or --long" ;;
    esac
    verb_setup test
    begin_checks
    trap end_suite EXIT
    trap 'say "ended by a signal: no summary"; exit 130' INT TERM
    plan_lint
    lane lint_quick
    for preset in "${tested[@]}" fuzz; do
        plan "build/$preset"
        lane check "build/$preset" configure_and_build "$preset"
    done
    wait_for_lanes
    lane lint_at_leisure
    for preset in "${tested[@]}"; do
        if passed "build/$preset"; then built+=("$preset=$preset"); fi
    done
    pool_tests "${built[@]}" -- -LE "^($left_out)\$"
    if passed build/fuzz; then lane fuzz_all "$(fuzz_share)" "$(fuzz_seed)"; fi
    wait_for_lanes
    [ -z "$CARTWRIGHT_LONG" ] || long_checks
    slowest_tests >&2
    time_by_part >&2
    summary
}

# What only --long runs beside the longer tests (CARTWRIGHT_LONG): a line here for each.
long_checks() {
    ctest_checks dev -L '^long$'
    check mutate/planted tests/mutate/planted.sh || true
    postgres_checks # long.sh
}

# What a run finds the next one finds again, and no run fails by chance: other inputs are for --long and ./dev fuzz, which
# draw their seed (0).
fuzz_seed() { [ -n "$CARTWRIGHT_LONG" ] && echo 0 || echo 1; }

passed() { grep -qP "^pass\t$1\t" "$results"; }

# Also when it is interrupted: no server and no test stays behind, and there is no summary.
end_suite() {
    end_lanes
    [ ! -e "$pool/CTestTestfile.cmake" ] || pool_stop
}

lint_at_leisure() {
    renice -n 19 -p "$BASHPID" >/dev/null
    check lint/tidy lint_tidy || true
}

# ---- the tests of all presets in one pool ----

# ThreadSanitizer of gcc 12 cannot place its shadow where the kernel randomizes addresses widely.
without_aslr() { if setarch -R true 2>/dev/null; then setarch -R "$@"; else "$@"; fi; }

# ctest_checks PRESET SELECTION...: the tests of one preset that ctest's options select, counted as PRESET/test, or as
# $counted_as/test. The options see these names: -E '/pooled_'.
ctest_checks() { pool_tests "${counted_as:-$1}=$1" -- "${@:2}"; }

# The servers run before the tests and after: as fixtures of theirs they would put all tests with a database first.
pool_ctest() { without_aslr ctest --test-dir "$pool" -FA . "$@"; }

# pool_tests NAME=PRESET... -- SELECTION...
pool_tests() {
    local xml=$PWD/$logs/ctest.xml entries=() now_ms start step
    now; start=$now_ms
    rm -rf "$xml" "$pool/CTestTestfile.cmake"
    while [ "$1" != -- ]; do entries+=("$1"); shift; done
    shift
    [ ${#entries[@]} -gt 0 ] || return 0
    pool_describe "${entries[@]}"
    pool_plan "$@"
    export CARTWRIGHT_TIMES=$PWD/$times
    for step in start template; do # these count only where they fail
        pool_ctest -R "/postgres_$step\$" -j "$jobs" --output-on-failure >"$logs/postgres.log" 2>&1 ||
            { tail -n 50 "$logs/postgres.log" >&2; record fail "postgres_$step" "$logs/postgres.log"; }
    done
    pool_remember "${entries[@]}"
    lane pool_run "$xml" "$@"
    wait_for_lane
    pool_unchanged
    [ ! -s "$xml" ] || pool_record "$xml"
    pool_times "${entries[@]}"
    pool_stop
    now
    record_part "tests ${entries[*]%=*}" $(((now_ms - start) / 1000)) 0
}

pool_describe() {
    mkdir -p "$pool/Testing/Temporary"
    printf 'set(build "%s")\nset(entries %s)\nset(timed "%s")\ninclude("%s")\n' \
        "$PWD/build" "$*" "$PWD/tests/run/timed.sh" "$PWD/tests/run/pool.cmake" >"$pool/CTestTestfile.cmake"
    # The longest first. ctest keeps what it measured here; a fresh clone starts with what was measured elsewhere.
    [ -e "$pool/Testing/Temporary/CTestCostData.txt" ] ||
        { cat tests/run/costs.txt && echo ---; } >"$pool/Testing/Temporary/CTestCostData.txt"
}

pool_plan() {
    local names
    names=$(pool_ctest -N "$@" | sed -n 's/^ *Test *#[0-9]*: \([^ ]*\).*/\1/p')
    [ -n "$names" ] || names="tests $*" # which nobody records
    mapfile -t names <<<"$names"
    plan "${names[@]}"
}

# For tests that have not changed since they passed (unchanged.sh): what these and the machine have in common, and the database that each
# preset's program made. What cannot be told is no file, and such tests run. Nobody comes back to a clone of continuous integration (CI):
# nothing is hashed there.
pool_remember() {
    local entry
    [ -z "${CI:-}" ] || return 0
    export CARTWRIGHT_PASSES=$passes
    mkdir -p "$passes"
    rm -f "$passes"/template-* "$passes/machine" "$passes/unchanged"
    find "$passes" -type f -mtime +30 -delete
    tests/run/unchanged.sh --machine >"$passes/machine" || rm -f "$passes/machine"
    for entry in "$@"; do
        template_of "${entry#*=}" >"$passes/template-${entry%=*}" 2>/dev/null || rm -f "$passes/template-${entry%=*}"
    done
}

# A database of the tests as text with its rows, what fills it and what started its server; without when it was made. (pg_dump writes a
# random word behind \restrict.)
template_of() {
    local dir
    dir=$(server_folder "$1")
    [ -n "$dir" ] && cat tests/support/postgres.sh sql/*/*.sql && pg_dump -h "$dir" -U postgres --inserts cartwright_template |
        sed -E -e '/^\\(un)?restrict /d' -e "s/'[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:.]+[+-][0-9:]+'//g"
}

# ctest reckons that those took no time; the next run needs to know how long they take.
pool_unchanged() {
    local costs=$pool/Testing/Temporary/CTestCostData.txt
    [ -z "${CI:-}" ] && [ -s "$passes/unchanged" ] || return 0
    sort -u "$passes/unchanged" >>"$unchanged"
    awk 'FILENAME == ARGV[1] { same[$1]; next } FILENAME == ARGV[2] { if ($1 in same) was[$1] = $0; next } { print $1 in was ? was[$1] : $0 }' \
        "$passes/unchanged" "$costs.before" "$costs" >"$costs.new" && mv "$costs.new" "$costs"
}

pool_run() {
    cp "$pool/Testing/Temporary/CTestCostData.txt" "$pool/Testing/Temporary/CTestCostData.txt.before"
    pool_ctest -j $((2 * jobs)) "${@:2}" --no-label-summary --output-on-failure --output-junit "$1" 2>&1 | one_line_a_test >&2
}

pool_stop() { pool_ctest -R '/postgres_stop$' >/dev/null 2>&1 || true; }

one_line_a_test() {
    sed -u -E -e '/^ *Start +[0-9]+: /d' -e '/^(Internal ctest|Test project) /d' \
        -e 's|^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ([^ ]+) \.* +Passed +([0-9.]+) sec$|== pass  \1 (\2 s)|' \
        -e 's|^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ([^ ]+) \.*\*\*\*Skipped +([0-9.]+) sec$|== skip  \1 (\2 s)|' \
        -e 's|^ *[0-9]+/[0-9]+ +Test +#[0-9]+: ([^ ]+) \.*\*\*\*(.*[^ ]) +([0-9.]+) sec$|== FAIL  \1: \2 (\3 s)|' \
        -e '/% tests passed, /,$d'
}

# Where the PostgreSQL of a preset's tests is; "": it has none.
server_folder() { sed -n 's/.*postgres_stop.*"stop" "\([^"]*\)".*/\1/p' "build/$1/tests/CTestTestfile.cmake" 2>/dev/null || true; }

# Seconds of the processors: of the tests of each entry, and of the servers with the children they waited for (proc(5)).
pool_times() {
    local entry dir pid stat servers=0
    for entry in "$@"; do
        record_part "tests of ${entry%=*}" 0 "$(awk -F '\t' -v p="${entry%=*}/" 'index($1, p) == 1 { s += $3 } END { print int(s) }' "$times")"
        dir=$(server_folder "${entry#*=}")
        [ -s "$dir/data/postmaster.pid" ] || continue
        read -r pid <"$dir/data/postmaster.pid"
        read -r -a stat <"/proc/$pid/stat" && servers=$((servers + stat[13] + stat[14] + stat[15] + stat[16]))
    done
    record_part "PostgreSQL of the tests" 0 $((servers / 100))
}

# Counts each test; one that exits with 77 is skipped, its last line says why. One that failed is told by the first line that
# says where, and else by its last: a sanitizer that speaks at the end would hide an assertion before it.
pool_record() {
    awk '
        function attribute(name) { return match($0, name "=\"[^\"]*\"") ? substr($0, RSTART + length(name) + 2, RLENGTH - length(name) - 3) : "" }
        function text(s) { gsub(/<[^>]*>/, "", s); gsub(/&lt;/, "<", s); gsub(/&gt;/, ">", s); gsub(/&quot;/, "\"", s); gsub(/&amp;/, "\\&", s); return s }
        /<testcase /  { name = attribute("name"); status = attribute("status"); reason = where = "" }
        /<skipped /   { status = attribute("message") ~ /^SKIP_RETURN_CODE/ ? "skip" : "fail" }
        /<failure/    { if (reason == "") reason = attribute("message") }
        /<system-out/, /<\/system-out/ { line = text($0); gsub(/^[ \t]+/, "", line)
            if (where == "" && line ~ /: error: |^SUMMARY: /) where = line
            if (line ~ /[^= ]/) reason = line }
        /<\/testcase/ {
            if (status == "run") { status = "pass"; reason = "" }
            if (status != "pass" && status != "skip") { status = "fail"; if (where != "") reason = where }
            printf "%s\t%s\t%s\n", status, name, reason
        }' "$1" >>"$results"
}
