#!/bin/sh
# A benchmark names OpenBLAS's core, and measures nothing on one that the processor has outgrown. Usage: blas_start_test.sh BENCH_TOPK
set -eu
program=$1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
fail() { echo "FAILED: $*" >&2; exit 1; }

grep -qw avx /proc/cpuinfo || { echo "this processor has no vectors that an old core would leave unused"; exit 77; }
code=0
env OPENBLAS_CORETYPE=Prescott "$program" --items 1000 --factors 16 --rounds 1 >"$dir/out" 2>"$dir/log" || code=$?
[ "$code" = 3 ] || fail "exit code $code, not 3: $(cat "$dir/log")"
[ ! -s "$dir/out" ] || fail "figures beside a refusal: $(cat "$dir/out")"
grep -q 'refused: .*core Prescott' "$dir/log" || fail "no reason: $(cat "$dir/log")"
grep -q 'unset OPENBLAS_CORETYPE' "$dir/log" || fail "what to do is not said: $(cat "$dir/log")"

if [ -n "${OPENBLAS_CORETYPE:-}" ]; then exit 0; fi # this machine's choice may well be refused
"$program" --items 1000 --factors 16 --rounds 1 >"$dir/out" 2>"$dir/log" || fail "refused without a reason: $(cat "$dir/log")"
core=$(sed -n 's/.*: OpenBLAS core \(.*\)/\1/p' "$dir/log")
[ -n "$core" ] || fail "the core is not told: $(cat "$dir/log")"
grep -q "\"blas_core\":\"$core\"" "$dir/out" || fail "the figures do not name the core $core: $(cat "$dir/out")"
