#!/bin/sh
# Writes the bytes of FILE as the inside of a C array initialiser: 0x7b, 0x0a, ...
set -eu
in=$1 out=$2
od -An -v -tx1 "$in" | sed 's/ *\([0-9a-f][0-9a-f]\)/0x\1, /g' >"$out"
