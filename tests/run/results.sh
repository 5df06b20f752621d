# shellcheck shell=bash
# What the checks of ./dev leave behind, and the summary over it. Sourced by ./dev.
#
# A check is planned before it runs and recorded after; what was planned and left no record counts as failed.

logs=build/test             # the output of every check, by its name
results=$logs/results.tsv   # one line a check: pass|fail|skip, name, reason
planned=$logs/planned.txt   # one name a line
parts=$logs/parts.tsv       # name, seconds by the clock, seconds of the processors
times=$logs/times.tsv       # the same of every test of ctest: tests/run/timed.sh
unchanged=$logs/unchanged.txt # the tests of ctest that did not run, since they passed and nothing of them changed
suite_began=0

begin_checks() {
    mkdir -p "$logs"
    : >"$results" && : >"$planned" && : >"$parts" && : >"$times" && : >"$unchanged"
    now && suite_began=$now_ms
}

plan() { printf '%s\n' "$@" >>"$planned"; }
record() { printf '%s\t%s\t%s\n' "$1" "$2" "${3:-}" >>"$results"; }
record_part() { printf '%s\t%d\t%d\n' "$1" "$2" "$3" >>"$parts"; }

# Milliseconds of the clock, and of the processors by all children that this shell waited for: proc(5), in ticks of 10 ms.
now() {
    local stat
    read -r -a stat </proc/self/stat
    now_ms=$((${EPOCHREALTIME/[.,]/} / 1000)) now_cpu_ms=$(((stat[15] + stat[16]) * 10))
}

# check NAME COMMAND...: one line on the terminal, and the command's output where it failed.
check() {
    local name=$1 log=$logs/${1//\//-}.log status=pass now_ms now_cpu_ms start cpu; shift
    now; start=$now_ms cpu=$now_cpu_ms
    "$@" >"$log" 2>&1 || status=FAIL
    now; start=$(((now_ms - start + 500) / 1000)) cpu=$(((now_cpu_ms - cpu + 500) / 1000))
    record_part "$name" "$start" "$cpu"
    if [ "$status" = pass ]; then
        record pass "$name"
    else
        record fail "$name" "$log"
        tail -n 200 "$log" >&2
    fi
    say "$status  $name ($start s, $cpu of a processor)"
    [ "$status" = pass ]
}

# ---- lanes: what runs beside ----

lanes=()

# A lane is a process group of its own, so that ending it ends all that it started. (With job control the shell would
# also tell when one ends.)
lane() {
    {
        set -m
        ( set +m; trap - EXIT INT TERM; "$@" ) 2>&3 3>&- &
        lanes+=("$!")
        set +m
    } 3>&2 2>/dev/null
}

# A lane that was waited for is forgotten: its number may soon be another process's. What failed is in the results.
wait_for_lanes() {
    while [ ${#lanes[@]} -gt 0 ]; do wait_for_lane; done
}

# Waits for the lane that was started last.
wait_for_lane() {
    wait "${lanes[-1]}" || true
    unset 'lanes[-1]'
}

end_lanes() {
    local pid
    for pid in "${lanes[@]}"; do kill -- "-$pid" 2>/dev/null || true; done
    wait_for_lanes
}

# ---- summary ----

slowest_tests() {
    [ -s "$times" ] || return 0
    printf '%s\n' 'the ten slowest tests:    clock s  processor s'
    sort -t "$(printf '\t')" -k 2,2nr "$times" | awk -F '\t' 'NR <= 10 { printf "  %-36s %7.1f %7.1f\n", $1, $2, $3 }'
}

time_by_part() {
    local now_ms now_cpu_ms
    now
    printf '%s\n' 'the parts (some beside each other):'
    awk -F '\t' '{ printf "  %-36s %7d %7d\n", $1, $2, $3; cpu += $3 } END { printf "  %-36s %7d %7d\n", "all", wall, cpu }' \
        wall=$(((now_ms - suite_began + 500) / 1000)) "$parts"
}

summary() {
    awk -F '\t' -v planned="$planned" -v unchanged="$unchanged" '
        # The last lines of a log: of a run elsewhere its own last lines are often all that is kept.
        function end_of(path,   line, lines, n, i, text) {
            while ((getline line < path) > 0) lines[n++ % 12] = substr(line, 1, 400)
            for (i = n > 12 ? n - 12 : 0; i < n; i++) text = text "    " lines[i % 12] "\n"
            return text
        }
        FILENAME == unchanged { same[$1]; next }
        FILENAME == planned && !($1 in seen) { n["fail"]++; failed = failed "  FAILED " $1 ": it did not run\n" }
        FILENAME == planned { next }
        { seen[$2]; n[$1]++ }
        $1 == "pass" && $2 in same { sames++ }
        $1 == "skip" { skipped = skipped "  skipped " $2 ": " $3 "\n" }
        $1 == "fail" { failed = failed "  FAILED " $2 ": " $3 "\n" end_of($3) }
        END {
            printf "%s%s", skipped, failed
            if (sames) printf "%d passed (of these %d unchanged since they passed)\n", n["pass"], sames
            printf "%d passed, %d failed", n["pass"], n["fail"]
            if (n["skip"]) printf ", %d skipped", n["skip"]
            print ""
            exit n["fail"] > 0 || !n["pass"]
        }' "$unchanged" "$results" "$planned"
}
