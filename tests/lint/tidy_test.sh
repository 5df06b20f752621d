#!/usr/bin/env bash
# tests/lint/tidy.sh looks again at whatever could change its verdict, and only at that. Usage: tidy_test.sh SOURCE
set -euo pipefail
unset CI # this is the environment of whoever comes back
dir="$(mktemp -d)/a tree" # with a space in its name
trap 'rm -rf "$(dirname "$dir")"' EXIT
fail() { echo "FAILED: $*" >&2; cat "$dir/log" >&2; exit 1; }

mkdir -p "$dir/src" "$dir/tests/lint" "$dir/build" "$dir/near" "$dir/far"
cp "$1/tests/lint/tidy.sh" "$dir/tests/lint/"
cp "$1/.clang-tidy" "$dir/"
printf '#ifndef SHARED_H\n#define SHARED_H\n#define LIMIT 3\nint shared(int n);\n#endif\n' >"$dir/far/shared.h"
printf '#include "shared.h"\nint shared(int n)\n{\n    return n < LIMIT ? n : LIMIT;\n}\n' >"$dir/src/user.c"
printf '#if __has_include("extra.h")\nint there(void);\n#endif\nint alone(int n);\nint alone(int n)\n{\n    return n;\n}\n' >"$dir/src/alone.c"
database() {
    local flags=$1 file
    {
        for file in user alone; do
            printf '{\n  "directory": "%s",\n  "command": "/usr/bin/cc -I\\"%s/near\\" -I\\"%s/far\\" %s -o %s.o -c \\"%s/src/%s.c\\"",\n  "file": "%s/src/%s.c"\n},\n' \
                "$dir/build" "$dir" "$dir" "$flags" "$file" "$dir" "$file" "$dir" "$file"
        done
    } >"$dir/build/compile_commands.json"
}

# expect WHAT pass|fail FILES...: the verdict, and who was looked at
expect() {
    local what=$1 verdict=pass
    "$dir/tests/lint/tidy.sh" "$dir/build" "$dir/stamps" 2 >"$dir/log" 2>&1 || verdict=fail
    [ "$verdict" = "$2" ] || fail "$what: $verdict instead of $2"
    shift 2
    [ "$(sed 's|.*/||' "$dir/stamps/looked-at" | sort | xargs)" = "$*" ] ||
        fail "$what: looked at $(xargs <"$dir/stamps/looked-at") instead of $*"
}

database -g
expect 'a fresh tree' pass alone.c user.c
expect 'nothing changed' pass
CI=1 expect 'nothing changed, where nobody comes back' pass alone.c user.c
touch "$dir/src/user.c" "$dir/far/shared.h"
expect 'only times changed' pass

sed -i 's/LIMIT 3/LIMIT 4/' "$dir/far/shared.h"
expect 'a header changed' pass user.c
sed -i 's/LIMIT 4/LIMIT 3/' "$dir/far/shared.h"
expect 'a header is as it was' pass
sed 's/LIMIT 3/LIMIT 5/' "$dir/far/shared.h" >"$dir/near/shared.h"
expect 'another header comes before it' pass user.c
rm "$dir/near/shared.h"

sed -i 's/int shared(int n);/int shared(int m);/' "$dir/far/shared.h"
expect 'a finding in a header' fail user.c
expect 'a finding is not forgotten' fail user.c
sed -i 's/int shared(int m);/int shared(int m); \/\/ NOLINT/' "$dir/far/shared.h"
expect 'a NOLINT, which is only a comment' pass user.c
sed -i 's/ \/\/ NOLINT//' "$dir/far/shared.h"
expect 'a NOLINT is gone' fail user.c
sed -i 's/int shared(int m);/int shared(int n);/' "$dir/far/shared.h"
expect 'all is well again' pass

: >"$dir/near/extra.h"
expect 'a header came that is only asked for' pass alone.c
database '-g -Wundef'
expect 'the flags changed' pass alone.c user.c
echo '# a comment' >>"$dir/.clang-tidy"
expect 'the settings changed' pass alone.c user.c
echo 'Checks: bugprone-*' >"$dir/src/.clang-tidy"
expect 'settings came for one folder' pass alone.c user.c

echo 'int broken(' >"$dir/src/alone.c"
expect 'what cannot be compiled' fail alone.c
expect 'it still cannot be compiled' fail alone.c
: >"$dir/src/orphan.c"
expect 'a file that no program compiles' fail
grep -q orphan.c "$dir/log" || fail 'the orphan is not named'
