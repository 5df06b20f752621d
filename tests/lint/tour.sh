#!/bin/sh
# tour.sh ROOT: fails where src/README.md names a file that is not there, or anything with an underscore that no file has. A path is one
# below src/ or ROOT; a name alone may be of any folder. What has an X, or AREA, in its place stands for many.
set -eu
cd "$1"
files=$(find src sql tests models -name node_modules -prune -o -type f -print; ls)
mark='`' bad=0
for name in $(grep -oE "${mark}[A-Za-z0-9_./]+\.(c|h|inc|sql|sh|awk|mjs|md|json|txt)${mark}" src/README.md | tr -d "$mark" | sort -u); do
    case $name in *X.* | *X_* | *AREA*) continue ;; esac
    case $name in */*) [ -e "src/$name" ] || [ -e "$name" ] ;; *) printf '%s\n' "$files" | grep -qE "(^|/)$name\$" ;; esac && continue
    echo "src/README.md names the file $name, which is not there"
    bad=1
done
words=$(find src sql tests \( -name node_modules -o -name corpus \) -prune -o -type f -not -path src/README.md -exec grep -IohE '[A-Za-z0-9]*_[A-Za-z0-9_]+' {} + | sort -u)
for name in $(grep -oE "${mark}[A-Za-z0-9]*_[A-Za-z0-9_]*[A-Za-z0-9]${mark}" src/README.md | tr -d "$mark" | sort -u); do
    printf '%s\n' "$words" | grep -qx "$name" && continue
    echo "src/README.md names $name, which is nowhere else"
    bad=1
done
exit "$bad"
