#!/usr/bin/env bash
# before.sh COMMIT [EVENTS]: what an event costs now and what it cost at COMMIT, in one run, build against build in turn; a table in Markdown.
# Both are built as releases (COMMIT in a worktree below build/before); 100,000 events unless told. Per build: single POSTs and batches of 500 (bench growth, which
# says the bytes as well), the same file of EVENTS rows imported, beside \copy of it into a bare table, and all of it folded anew. CPU counts, not
# the clock: microseconds of PostgreSQL and of the program, an event. Rows a second are by the clock, and worth what the machine's quiet is.
set -euo pipefail

commit=$(git rev-parse --verify "${1:?usage: before.sh COMMIT [EVENTS]}^{commit}") events=${2:-100000}
cd "$(dirname "$(realpath "${BASH_SOURCE[0]}")")/../.."
old=$PWD/build/before/$commit
jobs=$(nproc)

build() { # TREE TARGET...
    (cd "$1" && shift && cmake --preset release -DCARTWRIGHT_BENCH=ON && cmake --build build/release -j "$jobs" --target "$@") >&2
}
[ -d "$old" ] || git worktree add --detach "$old" "$commit" >&2
build "$old" cartwright
build "$PWD" cartwright bench_growth
declare -A program=([before]=$old/build/release/cartwright [now]=$PWD/build/release/cartwright)

server=$(mktemp -d /tmp/cartwright-before.XXXXXX)
# shellcheck disable=SC2064 # the directory as it is now
trap "tests/support/postgres.sh stop '$server' >&2; rm -rf '$server'" EXIT
tests/support/postgres.sh start "$server" >&2
tests/support/postgres.sh template "$server" "${program[now]}" >&2
export PGHOST=$server PGUSER=postgres CARTWRIGHT_TEST_PG="host=$server user=postgres" CARTWRIGHT_BIN=${program[now]}
postmaster=$(head -n 1 "$server/data/postmaster.pid")

# ---- measuring ----

# Ticks of 10 ms of the postmaster, its children, and those that have ended.
server_ticks() {
    sleep 0.5 # whoever is about to end is counted neither here nor there
    { cat "/proc/$postmaster/stat"; for child in $(pgrep -P "$postmaster"); do cat "/proc/$child/stat" 2>/dev/null || true; done; } |
        sed 's/.*) //' | awk 'NR == 1 { sum += $14 + $15 } { sum += $12 + $13 } END { print sum }'
}

# measure COMMAND...: server_us, program_us (CPU of an event) and seconds (by the clock).
measure() {
    local ticks used start
    ticks=$(server_ticks)
    start=$EPOCHREALTIME
    TIMEFORMAT='%U %S'
    used=$({ time "$@" >"$server/said" 2>&1; } 2>&1) || { cat "$server/said" >&2; exit 1; }
    seconds=$(awk "BEGIN { print $EPOCHREALTIME - $start }")
    server_us=$(awk "BEGIN { print ($(server_ticks) - $ticks) * 10000 / $events }")
    program_us=$(awk -v used="$used" "BEGIN { split(used, u); print (u[1] + u[2]) * 1000000 / $events }")
}

declare -A cell
put() { cell[$1,$2]=$3; } # ROW BUILD TEXT
costs() { printf '%.1f + %.1f us; %.0f/s' "$server_us" "$program_us" "$(awk "BEGIN { print $events / $seconds }")"; }

member() { [[ $2 =~ \"$1\":([0-9.]+) ]] && echo "${BASH_REMATCH[1]}"; }

# A log over HTTP; the last line is of its whole size.
posts() { # BUILD ROW OPTION...
    local build=$1 row=$2 line
    shift 2
    line=$(build/release/bench_growth --events "$events" --program "${program[$build]}" "$@" | tail -n 1)
    put "$row" "$build" "$(member pg_us "$line") + $(member service_us "$line") us; $(member events_per_s "$line")/s"
    put bytes "$build" "$(member bytes "$line")"
}

# ---- a file: REES46's columns, a row an event, power laws for who and what ----

file=$server/rows.csv
awk -v n="$events" 'BEGIN {
    srand(1)
    print "event_time,event_type,product_id,category_id,category_code,brand,price,user_id,user_session"
    for (i = 0; i < n; i++) {
        user = int(n / 15 * rand() ^ 2.5); product = int(20000 * rand() ^ 2.5); at = 1569888000 + int(i * 2592000 / n); kind = rand()
        printf "%s UTC,%s,%d,%d,electronics.smartphone,brand%d,%.2f,%d,%08x-0000-4000-8000-%012x\n", strftime("%Y-%m-%d %H:%M:%S", at, 1),
            kind < .83 ? "view" : kind < .95 ? "cart" : "purchase", 1000000 + product, product % 97, product % 31, 5 + product % 900, 500000000 + user, user, int(i / 9)
    }
}' >"$file"

import() { # BUILD
    local url="postgresql:///import_$1?host=$server&user=postgres"
    createdb "import_$1"
    DATABASE_URL=$url "${program[$1]}" migrate >&2
    export DATABASE_URL=$url
    measure "${program[$1]}" import --format rees46 --currency USD --quiet "$file"
    put import "$1" "$(costs)"
    measure "${program[$1]}" replay --rebuild
    put fold "$1" "$(costs)"
    unset DATABASE_URL
}

copy() {
    createdb copy
    psql -qd copy -c 'CREATE TABLE bare (event_time text, event_type text, product_id text, category_id text, category_code text, brand text, price numeric,
                                         user_id text, user_session text)'
    measure psql -qd copy -c "\\copy bare FROM '$file' CSV HEADER"
}

for build in before now; do
    posts "$build" singles --each 1 --connections 64
    posts "$build" batches
    import "$build"
done
copy
echo "| of an event, $events of them | ${commit:0:7} | now |"
echo '|---|---|---|'
row() { echo "| $2 | ${cell[$1,before]} | ${cell[$1,now]} |"; }
row bytes 'bytes, tables and indexes of the log'
row singles 'single POSTs, 64 connections: PostgreSQL + service; by the clock'
row batches 'batches of 500, 4 connections'
row import 'import of a file, log and carts: PostgreSQL + program'
row fold 'all of it folded anew (replay --rebuild)'
echo "| \\copy of the same file into a bare table | | $(costs) |"
