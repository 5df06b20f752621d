# Turns sql/migrations/NNNN_subject.sql into a C table, one row a file and its text unchanged (the
# checksum in the database is over this text): MIGRATION(version, "subject", "text").
function start(   base) {
    base = FILENAME; sub(/^.*\//, "", base); sub(/\.sql$/, "", base)
    printf "%sMIGRATION(%d, \"%s\",\n", (open ? ")\n\n" : ""), substr(base, 1, 4) + 0, substr(base, 6)
    open = 1
}
FNR == 1 { start() }
{
    gsub(/\\/, "&&"); gsub(/"/, "\\\""); gsub(/\?/, "\\?") # the last: no trigraphs
    printf "    \"%s\\n\"\n", $0
}
END { if (open) print ")" }
