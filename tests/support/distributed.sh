#!/bin/sh
# distributed.sh DIR CARTWRIGHT PROGRAM [ARGUMENTS]: runs a test on databases that are distributed: cloned from a template of its own, to which the stand-in for Citus
# (citus_stand_in.sql) and then `cartwright migrate` have been. DIR is where the fixture's PostgreSQL has its socket.
set -eu
server=$1 cartwright=$2
shift 2
template=cw_distributed_$$
sql() { PGOPTIONS='-c client_min_messages=warning' psql -qX -v ON_ERROR_STOP=1 -h "$server" -U postgres "$@"; }
# shellcheck disable=SC2317 # the trap calls it
finish() { sql -d postgres -c "DROP DATABASE IF EXISTS $template WITH (FORCE)"; }
trap finish EXIT

sql -d postgres -c "CREATE DATABASE $template TEMPLATE cartwright_template"
sql -d "$template" -f "$(dirname "$0")/citus_stand_in.sql" >/dev/null
DATABASE_URL="postgresql:///$template?host=$server&user=postgres" CARTWRIGHT_DATABASE_DISTRIBUTED=on "$cartwright" migrate
code=0
CARTWRIGHT_TEST_TEMPLATE=$template "$@" || code=$?
exit "$code"
