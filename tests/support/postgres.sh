#!/bin/sh
# A throw-away PostgreSQL for one ctest run, on a socket in DIR (short: a socket's path may have 107 bytes).
#   postgres.sh start DIR | template DIR [CARTWRIGHT] | stop DIR
#   postgres.sh crash DIR | resume DIR: as if all of it were killed, and back again
#   postgres.sh freeze DIR | thaw DIR: all its processes stand still (SIGSTOP), and go on
# CARTWRIGHT_TEST_PG_BIN: the bin directory of the server to run instead of the installed one.
# As root the server runs as user postgres. Durability stays on: the product refuses a server without it. Statements are
# not compiled (jit), as in the private server: on tables that nobody analyzed yet their estimates ask for it, and compiling
# took 28 of the 33 processor seconds that store_carry_test gives the server to do.
set -eu
action=$1 dir=$2
bin=${CARTWRIGHT_TEST_PG_BIN:-$(pg_config --bindir)}
as() { if [ "$(id -u)" = 0 ]; then runuser -u postgres -- "$@"; else "$@"; fi; }
sql() { PGOPTIONS='-c client_min_messages=warning' psql -qX -v ON_ERROR_STOP=1 -h "$dir" -U postgres "$@"; }
stop() { if [ -f "$dir/data/postmaster.pid" ]; then as "$bin/pg_ctl" -D "$dir/data" -m immediate -w stop >/dev/null || true; fi; }
run() {
    if ! as "$bin/pg_ctl" -D "$dir/data" -l "$dir/server.log" -w start >/dev/null; then
        cat "$dir/server.log" >&2
        exit 1
    fi
}

signal_all() { # the postmaster and its children, whose parent is the fourth field behind the name
    read -r master <"$dir/data/postmaster.pid"
    kill "$1" "$master"
    for stat in /proc/[0-9]*/stat; do
        pid=$(sed -n "s/^\([0-9]*\) (.*) . $master .*/\1/p" "$stat" 2>/dev/null) || continue
        if [ -n "$pid" ]; then kill "$1" "$pid" 2>/dev/null || true; fi
    done
}

case $action in
start)
    cd /
    stop # of a run that was killed
    rm -rf "$dir"
    mkdir -m 700 "$dir"
    if [ "$(id -u)" = 0 ]; then chown postgres "$dir"; fi
    as "$bin/initdb" -D "$dir/data" -U postgres -A trust -E UTF8 --locale=C --no-sync >/dev/null
    cat >>"$dir/data/postgresql.conf" <<CONF
listen_addresses = ''
unix_socket_directories = '$dir'
max_connections = 300
shared_buffers = ${CARTWRIGHT_TEST_SHARED_BUFFERS:-64MB}
max_wal_size = 512MB
jit = off
CONF
    run ;;
crash)
    cd /
    stop ;;
resume)
    cd /
    run ;;
freeze) signal_all -STOP ;;
thaw) signal_all -CONT ;;
template)
    sql -c 'DROP DATABASE IF EXISTS cartwright_template' -c 'CREATE DATABASE cartwright_template'
    if [ $# -gt 2 ]; then
        DATABASE_URL="postgresql:///cartwright_template?host=$dir&user=postgres" "$3" migrate
    else
        sql -d cartwright_template -c 'CREATE SCHEMA cartwright'
        for f in "$(dirname "$0")"/../../sql/migrations/*.sql; do
            if [ -e "$f" ]; then sql -d cartwright_template -1 -f "$f"; fi
        done
    fi ;;
stop)
    cd /
    stop
    rm -rf "$dir" ;;
*)
    echo "usage: postgres.sh start|template|crash|resume|freeze|thaw|stop DIR [CARTWRIGHT]" >&2
    exit 2 ;;
esac
