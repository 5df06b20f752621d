# Turns sql/queries/*.sql into a C table: one row per "-- name: foo" block.
function lit(s,   n, a, i, out) {
    gsub(/\\/, "&&", s); gsub(/"/, "\\\"", s); gsub(/\?/, "\\?", s) # the last: no trigraphs
    n = split(s, a, "\n"); out = ""
    for (i = 1; i <= n; i++) if (a[i] != "") out = out "    \"" a[i] "\\n\"\n"
    sub(/\n$/, "", out); return out
}
function flush() { if (name == "") return; sub(/;[ \t\n]*$/, "", body); printf "QUERY(%s,\n%s)\n\n", name, lit(body); name = ""; body = "" }
FNR == 1 { flush() }
/^-- name: / { flush(); name = $3; next }
/^[ \t]*--/  { next }
name != ""   { body = body $0 "\n" }
END          { flush() }
