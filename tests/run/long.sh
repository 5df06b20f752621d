# shellcheck shell=bash
# shellcheck disable=SC2034,SC2154 # $counted_as is read by suite.sh; $logs is of results.sh
# What ./dev test --long takes from npm: tests/node. Sourced by ./dev.

# Node.js 24 and the rest of tests/node, in build/node. 77: cannot be had here, and the last line of the log says why.
node_log=$logs/node.log
node_ready() {
    command -v npm >/dev/null || (verb_setup node) || true # without it the reason is told below
    tests/node/install.sh "$PWD/build/node" >"$node_log" 2>&1
}

# Store and flow on the other major versions of PostgreSQL; the installed one is what all tests run on.
postgres_checks() {
    local version installed ready=0
    installed=$(pg_config --version | grep -o '[0-9]*' | head -n 1)
    node_ready || ready=$?
    for version in 14 15 16 17 18; do
        [ "$version" != "$installed" ] || continue
        case $ready in
        0) postgres_version_checks "$version" "$PWD/build/node/node_modules/postgres-$version/native" ;;
        77) record skip "pg$version" "$(tail -n 1 "$node_log")" ;;
        *) record fail "pg$version" "$node_log" ;;
        esac
    done
}

# As root a server runs as user postgres, who may have no way into this folder: then it runs from a copy.
postgres_version_checks() {
    local version=$1 server=$2 copy=
    if [ "$(id -u)" = 0 ] && ! runuser -u postgres -- test -x "$server/bin/initdb"; then
        copy=$(mktemp -d /tmp/cartwright-postgres.XXXXXX)
        chmod 755 "$copy"
        cp -r "$server/." "$copy"
        server=$copy
    fi
    # The fixture takes the server from the one variable, Cartwright its private one from the PATH.
    CARTWRIGHT_TEST_PG_BIN=$server/bin PATH=$server/bin:$PATH counted_as=pg$version \
        ctest_checks dev -L '^integration$' -E '/pooled_'
    if [ -n "$copy" ]; then rm -rf "$copy"; fi
}
