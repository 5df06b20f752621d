#!/bin/sh
# `./dev bench` and `./dev eval` without a name only list, and all they list can be built. Usage: list_test.sh SOURCE_FOLDER
set -eu
cd "$1"
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

# Whatever would look for packages, install them or build is seen.
for tool in dpkg-query apt-get sudo cmake ninja; do
    printf '#!/bin/sh\necho "%s $*" >>"%s/called"\nexit 1\n' "$tool" "$dir" >"$dir/$tool"
    chmod +x "$dir/$tool"
done
for kind in bench eval; do
    PATH="$dir:$PATH" ./dev "$kind" >"$dir/$kind" || fail "./dev $kind failed"
    [ ! -e "$dir/called" ] || fail "./dev $kind did more than list: $(cat "$dir/called")"
    [ "$(grep -c '^  ' "$dir/$kind")" -ge 5 ] || fail "./dev $kind lists too little: $(cat "$dir/$kind")"
    function=$kind
    [ "$kind" = bench ] || function=evaluation
    sed -n 's/^  //p' "$dir/$kind" >"$dir/names"
    while read -r name; do
        grep -q "^$function($name " tests/bench/CMakeLists.txt || fail "./dev $kind lists $name, which is none"
    done <"$dir/names"
    # A name that is none is refused before anything is installed.
    if PATH="$dir:$PATH" ./dev "$kind" no-such-name 2>"$dir/log"; then fail "no-such-name ran"; fi
    grep -q "there is no $kind \"no_such_name\"" "$dir/log" || fail "$(cat "$dir/log")"
    [ ! -e "$dir/called" ] || fail "packages were looked for before the name: $(cat "$dir/called")"
done
