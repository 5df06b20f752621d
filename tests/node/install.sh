#!/bin/sh
# install.sh DIR: puts what package.json names into DIR/node_modules, exactly as package-lock.json pins it. What is there stays.
# Afterwards DIR/node_modules/.bin/node is the Node.js of tests, and DIR/node_modules/postgres-N/native/bin has PostgreSQL N.
# Exits with 77 where that cannot be had here; the last line says why.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
dir=$1

if [ "$(uname -sm)" != "Linux x86_64" ]; then echo "what npm brings is built for Linux on x86_64"; exit 77; fi
if cmp -s "$here/package-lock.json" "$dir/installed.json"; then exit 0; fi
command -v npm >/dev/null || { echo "npm is not installed"; exit 77; }

mkdir -p "$dir"
rm -f "$dir/installed.json"
cp "$here/package.json" "$here/package-lock.json" "$here/.npmrc" "$dir"
cd "$dir"
if ! npm ci --loglevel=error >npm.log 2>&1; then
    cat npm.log
    # No way to a registry is nobody's fault here; another hash, or a version that is gone, is one.
    grep -qE 'ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ECONNRESET|ETIMEDOUT|ENETUNREACH|EHOSTUNREACH' npm.log || exit 1
    echo "npm reaches no registry"
    exit 77
fi
# Packages have no links; those servers bring theirs as a list, and their own script to make them.
for server in node_modules/postgres-*; do
    (cd "$server" && ../.bin/node scripts/hydrate-symlinks.js)
done
cp package-lock.json installed.json
