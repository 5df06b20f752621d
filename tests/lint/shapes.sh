#!/bin/sh
# shapes.sh ROOT: fails on statements in shapes that a distributed database (Citus) does not take, or takes badly. What is sent there is the text of
# sql/queries, or of sql/distributed/queries.sql where that has one, and the functions of sql/distributed. Which query touches which lanes
# is the table in src/http/docs/distribution.md; a query that is not in it fails, and so does one that touches others than it says.
#
#   lane    each table that is distributed has `lane = $n` (in functions: `lane = p_x` or `v_x`), with the same n: it runs where the lane lies, whatever else it is
#   here    it names no table that is distributed
# and of all others:
#   lock      FOR UPDATE outside of one lane
#   limit     a LIMIT inside of LATERAL beside unnest
#   outer     a LEFT JOIN beside unnest: all of the table is copied to the coordinator
#   sublink   a subquery over a table that is distributed, in a statement that reads unnest alone
#   aggregate a subquery beside an aggregate in one list
#   calls     a function that reads tables, beside one that is distributed: it cannot be called where a lane lies
#   generic   plan_cache_mode = force_generic_plan: "could not create distributed plan"
#   element   SET column = array[i] of a variable: crashes the server
set -eu
cd "$1"
# QUERY-or-FUNCTION RULE: why it may. One that is needed no more fails.
allowed='
joins_pending outer: what stands to the left of that join is no unnest alone, but joined with two distributed tables by their lane
'
distributed='lane lane_cursor log log_rows log_names log_carts log_cart_nos derived_waiting dead_letter unknown_type shopper shopper_base heavy_shopper heavy_event
heavy_checkpoint stale_shopper handing_over refolding refolding_fact refolding_name cart cart_party outreach cart_lane'
# shellcheck disable=SC2016 # the $ are awk's
awk -v allowed="$allowed" -v distributed="$distributed" '
function fail(rule, why) {
    if ((name, rule) in may) { used[name, rule] = 1; return }
    printf "%s: %s: %s: %s\n", where, name, rule, why
    bad = 1
}
# Each table that is distributed and read or written here, with its name in the statement (INSERT INTO names none): tables[1..n], aliases[1..n].
function find_tables(s,   rest, word, before, after) {
    n = 0
    rest = s
    before = ""
    while (match(rest, /cartwright\.[a-z_]+/)) {
        word = substr(rest, RSTART + 11, RLENGTH - 11)
        before = before substr(rest, 1, RSTART - 1)
        after = substr(rest, RSTART + RLENGTH)
        before = before "cartwright." word
        rest = after
        if (!(word in is_distributed) || after ~ /^\(/) continue
        n++
        tables[n] = word
        inserted[n] = before ~ /INSERT INTO cartwright\.[a-z_]+$/
        aliases[n] = ""
        if (match(after, /^ (AS )?[a-z_]+/)) {
            word = substr(after, RSTART + 1, RLENGTH - 1)
            sub(/^AS /, "", word)
            aliases[n] = word
        }
    }
}
# The lane that all of them are held to, as it is written; "" where there is none, or another one for another.
function one_lane(s, value,   i, lane, pattern, found) {
    lane = ""
    for (i = 1; i <= n; i++) {
        if (inserted[i]) continue
        pattern = aliases[i] == "" || aliases[i] ~ /^(where|set)$/ ? "(^|[ (])lane = " value : "(^|[ (])" aliases[i] "[.]lane = " value
        if (!match(s, pattern)) return ""
        found = substr(s, RSTART, RLENGTH)
        sub(/.* = /, "", found)
        if (lane != "" && lane != found) return ""
        lane = found
    }
    return lane
}
# A subquery beside an aggregate in one select list: words and parentheses, with a stack of the lists that are open.
function mixes(s,   i, count, word, depth, top, list, level, agg, subs) {
    gsub(/[()]/, " & ", s)
    count = split(s, word, /[ ,]+/)
    depth = top = 0
    for (i = 1; i <= count; i++) {
        if (word[i] == "(") depth++
        else if (word[i] == ")") {
            depth--
            while (top > 0 && level[top] > depth) { if (agg[top] && subs[top]) return 1; top-- }
        } else if (word[i] == "SELECT") {
            if (top > 0 && list[top] && level[top] < depth) subs[top] = 1
            if (top == 0 || level[top] < depth) top++
            level[top] = depth; list[top] = 1; agg[top] = subs[top] = 0
        } else if (word[i] == "FROM" && top > 0 && level[top] == depth) {
            if (agg[top] && subs[top]) return 1
            list[top] = 0
        } else if (word[i] ~ /^(count|sum|min|max|array_agg|bool_or)$/ && word[i + 1] == "(" && top > 0 && list[top]) agg[top] = 1
    }
    return top > 0 && agg[top] && subs[top]
}
function check(s, value,   bound) {
    if (s ~ /SET [a-z_]+ = [a-z_]+\[/) fail("element", "SET from an array of a variable")
    find_tables(s)
    if (n == 0) return
    if (s ~ /cartwright\.(append_rows|append_if_free|events_since|events_within|lanes_lock|lane_take|shop_days_fill|carry_[a-z]+) ?\(/)
        fail("calls", "calls a function that reads tables")
    bound = one_lane(s, value)
    if (bound != "") return
    if (s ~ /FOR (NO KEY )?UPDATE|FOR (KEY )?SHARE/) fail("lock", "locks rows of several lanes")
    if (s ~ /unnest *\(/) {
        if (s ~ /LATERAL/ && s ~ /LIMIT/) fail("limit", "LIMIT in LATERAL beside unnest")
        if (s ~ /LEFT JOIN (LATERAL )?(\(|cartwright\.)/) fail("outer", "LEFT JOIN beside unnest")
        if (s ~ /FROM unnest *\([^()]*(\[\][^()]*)*\)[^()]*\([^()]*\) WHERE (NOT )?(EXISTS|[a-z.]+ (NOT )?IN) \(SELECT [^()]*FROM cartwright\./ && s !~ /JOIN cartwright\./)
            fail("sublink", "a subquery over a table in a statement that reads unnest alone")
    }
    if (mixes(s)) fail("aggregate", "a subquery beside an aggregate")
}
function check_query(   i) {
    if (name == "") return
    gsub(/[ \t]+/, " ", body)
    if (name in text) { name = ""; return } # the distributed text came first
    text[name] = body
    if (!(name in class)) { fail("table", "is not in the table of src/http/docs/distribution.md"); name = ""; return }
    seen[name] = 1
    starred = where ~ /distributed/
    if (starred != (name in has_star)) fail("table", starred ? "has a text of its own, but no * in the table" : "has a * in the table, but no text of its own")
    find_tables(body)
    if (class[name] == "here" && n > 0) fail("here", "names cartwright." tables[1])
    if (class[name] == "id") for (i = 1; i <= n; i++) if (tables[i] != "cart_lane") fail("id", "names cartwright." tables[i])
    for (i = 1; i <= n; i++) if (class[name] == "lane" && !inserted[i]) { if (one_lane(body, "[$][0-9]+::int") == "") fail("lane", "not every table of it is held to one lane"); break }
    if (class[name] != "here") check(body, "[$][0-9]+::int")
    name = ""
}
BEGIN {
    count = split(distributed, word, /[ \n]+/)
    for (i = 1; i <= count; i++) is_distributed[word[i]] = 1
    count = split(allowed, line, "\n")
    for (i = 1; i <= count; i++) if (split(line[i], word, /[ :]+/) > 2) may[word[1], word[2]] = 1
}
FNR == 1 { check_query(); where = FILENAME }
where ~ /distribution\.md$/ {
    if (match($0, /^\| `[a-z_]+`( \*)? \| (lane|lanes|all|id|here) \|/)) {
        split($0, cell, "|")
        query = cell[2]
        gsub(/[` *]/, "", query)
        class[query] = cell[3]
        gsub(/ /, "", class[query])
        if (cell[2] ~ /\*/) has_star[query] = 1
        if (class[query] == "all" && cell[4] ~ /^ *$/) { printf "%s: %s touches all lanes, and nothing says why\n", where, query; bad = 1 }
    }
    next
}
where ~ /queries/ {
    if ($1 == "--" && $2 == "name:") { check_query(); name = $3; body = ""; next }
    line_text = $0
    sub(/(^|[ \t])--.*/, "", line_text)
    body = body " " line_text
    next
}
{ # functions: a statement ends with a semicolon, a function with the quotes of its text
    line_text = $0
    sub(/(^|[ \t])--.*/, "", line_text)
    if (match(line_text, /FUNCTION cartwright\.[a-z_]+/)) { fname = substr(line_text, RSTART + 20, RLENGTH - 20); statement = ""; next }
    if (line_text ~ /force_generic_plan/) { name = fname; fail("generic", "holds the planner to generic plans"); name = "" }
    statement = statement " " line_text
    if (line_text ~ /;[ \t]*$/ || line_text ~ /(LOOP|THEN|BEGIN)[ \t]*$/) {
        gsub(/[ \t]+/, " ", statement)
        name = fname
        check(statement, "[pv]_[a-z_]+")
        name = ""
        statement = ""
    }
}
END {
    check_query()
    for (query in class) if (!(query in seen)) { printf "src/http/docs/distribution.md: %s is no query\n", query; bad = 1 }
    for (pair in may) if (!(pair in used)) { split(pair, word, SUBSEP); printf "tests/lint/shapes.sh: %s needs no exception of %s\n", word[1], word[2]; bad = 1 }
    exit bad
}' src/http/docs/distribution.md sql/distributed/queries.sql sql/distributed/0002_functions.sql sql/queries/*.sql
