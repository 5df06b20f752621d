#!/bin/sh
# pooled.sh DIR PROGRAM [ARGUMENTS]: runs a test whose databases lie behind a PgBouncer in transaction mode. DIR is where the
# fixture's PostgreSQL has its socket. Each transaction goes to another of its connections than the one before
# (server_round_robin), so that what a session was to remember is missed at once and not only under load.
set -eu
server=$1
shift
pgbouncer=$(PATH=$PATH:/usr/sbin command -v pgbouncer) || { echo "no pgbouncer is installed"; exit 77; }

dir=$(mktemp -d /tmp/cartwright-pooler.XXXXXX)
pid=
# shellcheck disable=SC2317 # the trap calls it
finish() {
    if [ -n "$pid" ]; then kill "$pid" 2>/dev/null || true; fi
    rm -rf "$dir"
}
trap finish EXIT

cat >"$dir/pgbouncer.ini" <<INI
[databases]
* = host=$server user=postgres
[pgbouncer]
unix_socket_dir = $dir
listen_port = 6432
auth_type = any
pool_mode = transaction
min_pool_size = 3
server_round_robin = 1
max_client_conn = 300
log_connections = 0
log_disconnections = 0
INI
user=
if [ "$(id -u)" = 0 ]; then # it refuses to be root, as PostgreSQL does, but can become another
    user=postgres
    chown -R "$user" "$dir"
fi
"$pgbouncer" -q ${user:+-u "$user"} "$dir/pgbouncer.ini" >"$dir/log" 2>&1 &
pid=$!
until [ -S "$dir/.s.PGSQL.6432" ]; do
    kill -0 "$pid" || { cat "$dir/log" >&2; exit 1; }
    sleep 0.05
done
code=0
CARTWRIGHT_TEST_POOLER=$dir "$@" || code=$?
if [ "$code" != 0 ] && [ "$code" != 77 ]; then tail -n 20 "$dir/log" >&2; fi
exit "$code"
