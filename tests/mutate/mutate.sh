#!/usr/bin/env bash
# ./dev mutate: changes the sources in a copy, all changes in one build, and runs the tests with one change switched on at a time.
#   mutate.sh --tools DIR [--preset NAME] [--n N] [--seed S] [--only ID,ID...] [--all] [--list]
#             [--cap SECONDS] [--patience SECONDS] [--workers N] [--long] [FILE...]
# Works in the tree it is called in, writes only below build/mutate/ of it. --tools: where mutate_plan and mutate_run are.
set -euo pipefail
shopt -s nullglob globstar

# What is asked without FILE: what decides, what reckons, what guards. A pattern that fits nothing is an error.
default_files=(
    'src/outreach/*.c' 'src/domain/speak/policy.c' 'src/eventlog/intake*.c' 'src/fold/*.c' 'src/domain/risk/features*.c'
    'src/ml/topk/*.c' 'src/ml/als/*.c' 'src/ml/learner/gbdt*.c' 'src/http/auth.c' 'src/http/wire/guard.c'
    'src/domain/shop/money.c' 'src/domain/shopper/*.c'
    'sql/queries/events.sql' 'sql/queries/outreach.sql' 'sql/queries/shoppers.sql' 'sql/queries/keys.sql'
)

die() { printf 'mutate: %s\n' "$*" >&2; exit 2; }

here=$(dirname "$(realpath "${BASH_SOURCE[0]}")")
root=$PWD work=$PWD/build/mutate tree=$PWD/build/mutate/tree
tools='' preset=dev cap=60 patience=15 list=''
workers=$(nproc)
plan_options=()
patterns=()
while [ $# -gt 0 ]; do
    case $1 in
    --tools) tools=$2; shift ;;
    --preset) preset=$2; shift ;;
    --cap) cap=$2; shift ;;
    --patience) patience=$2; shift ;;
    --workers) workers=$2; shift ;;
    --long) export MUTATE_LONG=1 ;; # also what runs under ./dev test --long only
    --n | --seed | --only) plan_options+=("$1" "$2"); shift ;;
    --all) plan_options+=(--n 1000000) ;;
    --list) plan_options+=(--list); list=1 ;;
    -*) die "what is $1?" ;;
    *) patterns+=("$1") ;;
    esac
    shift
done
[ -x "$tools/mutate_plan" ] || die "mutate_plan is missing (is libclang-dev installed?)"
[ ${#patterns[@]} -gt 0 ] || patterns=("${default_files[@]}")

files=()
for pattern in "${patterns[@]}"; do
    found=()
    # shellcheck disable=SC2206 # it is to be split into what it fits
    found=(${pattern#"$root"/})
    if [ ${#found[@]} = 0 ] || [ ! -f "${found[0]}" ]; then die "no file is called $pattern"; fi
    files+=("${found[@]}")
done

sources() {
    find . \( -path ./build -o -path ./.git -o -path ./.cartwright -o -path ./.cache \) -prune -o -type f -printf '%P\n' | sort
}

# place FILE: gives the copy what it is to have, the mutated text where there is one, and leaves alone what has it already.
place() {
    local from=$root/$1
    [ ! -f "$work/changed/$1" ] || from=$work/changed/$1
    cmp -s "$from" "$tree/$1" || { mkdir -p "$tree/$(dirname "$1")" && cp -p "$from" "$tree/$1" && touch "$tree/$1"; }
}

mkdir -p "$tree" "$work/runtime"
sources >"$work/files.new"
comm -13 "$work/files.new" <(cd "$tree" && sources) | while IFS= read -r gone; do rm -f "$tree/$gone"; done
while IFS= read -r file; do place "$file"; done <"$work/files.new"
[ ! -d ../shared ] || ln -sfn "$(realpath ../shared)" "$work/shared" # data that some tests want

# The runtime is an object on every link line; its name changes with it, so that everything is linked anew.
cp "$here/runtime/mutant.h" "$work/runtime/"
object=$work/runtime/mutant-$(cksum <"$here/runtime/mutant.c" | cut -d' ' -f1).o
[ -f "$object" ] || cc -std=c17 -D_GNU_SOURCE -O2 -fPIE -I"$(pg_config --includedir)" -c "$here/runtime/mutant.c" -o "$object"

export CCACHE_NOHASHDIR=1 CCACHE_BASEDIR=$tree
build=$tree/build/$preset
optimise=-O1 launcher=
[ "$preset" != dev ] || optimise=-Og
! command -v ccache >/dev/null || launcher=ccache
(cd "$tree" && cmake --preset "$preset" -DCMAKE_C_COMPILER_LAUNCHER=$launcher -DCARTWRIGHT_WERROR=OFF -DCARTWRIGHT_BENCH=OFF \
    -DCARTWRIGHT_MUTATED=ON -DCMAKE_C_FLAGS="-w -I$work/runtime" -DCMAKE_C_FLAGS_DEBUG=$optimise \
    -DCMAKE_EXE_LINKER_FLAGS="$object" >"$work/cmake.log" 2>&1 && cmake --build "$build" --target generated >>"$work/cmake.log" 2>&1) ||
    { tail -n 30 "$work/cmake.log" >&2; die "cannot configure the copy"; }

accepted=()
[ ! -f tests/mutate/accepted.txt ] || accepted=(--accepted tests/mutate/accepted.txt)
queries=$(printf '%s,' sql/queries/*.sql)
rm -rf "$work/changed.new"
mkdir "$work/changed.new"
stale=0
"$tools/mutate_plan" --root "$root" --copy "$tree" --build "$build" --out "$work/changed.new" --queries "$queries" \
    "${accepted[@]}" "${plan_options[@]}" "${files[@]}" || stale=$?
[ $stale = 0 ] || [ $stale = 3 ] || exit $stale
[ -z "$list" ] || exit $stale

mkdir -p "$work/changed"
was=$(cd "$work/changed" && find . -name '*.c' -printf '%P\n')
rm -rf "$work/changed"
mv "$work/changed.new" "$work/changed"
for file in $was $(cd "$work/changed" && find . -name '*.c' -printf '%P\n'); do [ ! -f "$root/$file" ] || place "$file"; done

echo "building the copy: $build" >&2
cmake --build "$build" -j "$workers" >"$work/build.log" 2>&1 || { tail -n 40 "$work/build.log" >&2; die "the mutated copy does not build"; }

# Whatever happens, no server stays behind.
trap 'ctest --test-dir "$build" -FA ".*" -L fixture -R "_stop\$" >/dev/null 2>&1 || true' EXIT
export TMPDIR=${TMPDIR:-/tmp}
[ "$preset" = dev ] || export MUTATE_SANITIZED=1
failed=0
"$tools/mutate_run" --build "$build" --plan "$work/changed" --output "$work/out" --workers "$workers" --cap "$cap" \
    --patience "$patience" || failed=$?
[ $failed = 0 ] || exit $failed
exit $stale
