#!/bin/sh
# shapes_test.sh ROOT: shapes.sh passes what it should and tells what it should, of a tree with a statement a rule.
set -eu
check=$1/tests/lint/shapes.sh
dir=$(mktemp -d /tmp/cartwright-shapes.XXXXXX)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/src/http/docs" "$dir/sql/queries" "$dir/sql/distributed"
sed '/^joins_pending outer/d' "$check" >"$dir/check.sh" # its exceptions are those of the real tree

cat >"$dir/src/http/docs/distribution.md" <<'MD'
| `fine` | lane | |
| `joined` | lanes | |
| `strays` | lane | |
| `mixed` | lane | |
| `near` | here | |
| `locks` | lanes | |
| `cuts` | lanes | |
| `copies` | lanes | |
| `asks` | lanes | |
| `counts` | all | it counts |
| `calls` | lane | |
| `every` | all | |
| `own` * | lanes | |
| `gone` | lane | |
MD
cat >"$dir/sql/queries/all.sql" <<'SQL'
-- name: fine
SELECT x.off, (SELECT count(*) FROM cartwright.shopper s WHERE s.lane = $1::int) FROM cartwright.log x WHERE x.lane = $1::int FOR UPDATE;
-- name: joined
SELECT x.off FROM unnest($1::int[]) AS u(lane) JOIN cartwright.log x ON x.lane = u.lane;
-- name: strays
SELECT x.off FROM cartwright.log x LEFT JOIN cartwright.shopper s ON s.lane = x.lane WHERE x.lane = $1::int;
-- name: mixed
SELECT x.off FROM cartwright.log x JOIN cartwright.shopper s ON s.lane = $2::int WHERE x.lane = $1::int;
-- name: near
SELECT 1 FROM cartwright.chore c JOIN cartwright.cart k ON true;
-- name: locks
SELECT l.lane FROM cartwright.lane l WHERE l.lane = ANY ($1::int[]) FOR UPDATE;
-- name: cuts
SELECT e.off FROM unnest($1::int[]) AS u(lane) CROSS JOIN LATERAL (SELECT x.off FROM cartwright.log x WHERE x.lane = u.lane LIMIT 1) AS e;
-- name: copies
SELECT s.doc FROM unnest($1::int[]) AS u(lane) LEFT JOIN cartwright.shopper s ON s.lane = u.lane;
-- name: asks
INSERT INTO cartwright.cart (lane) SELECT u.lane FROM unnest($1::int[], $2::text[]) AS u(lane, key) WHERE NOT EXISTS (SELECT FROM cartwright.cart c WHERE c.lane = u.lane);
-- name: counts
SELECT sum(c.off), (SELECT count(*) FROM cartwright.shopper) FROM cartwright.lane_cursor c;
-- name: calls
SELECT e.off FROM cartwright.shopper s CROSS JOIN LATERAL cartwright.events_within($1::int, $2::bigint[], 9) AS e WHERE s.lane = $1::int;
-- name: every
SELECT l.lane FROM cartwright.lane l;
-- name: own
SELECT l.lane FROM cartwright.lane l;
-- name: unlisted
SELECT 1;
SQL
: >"$dir/sql/distributed/queries.sql"
cat >"$dir/sql/distributed/0002_functions.sql" <<'SQL'
CREATE OR REPLACE FUNCTION cartwright.well(p_lane int) RETURNS void
    AS $$
BEGIN
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = p_lane FOR UPDATE;
END $$;
CREATE OR REPLACE FUNCTION cartwright.badly(p_lanes int[]) RETURNS void
    SET plan_cache_mode = force_generic_plan
    AS $$
BEGIN
    PERFORM 1 FROM cartwright.lane l WHERE l.lane = ANY (p_lanes) FOR UPDATE;
    UPDATE cartwright.lane l SET floor_off = v_offs[1] WHERE l.lane = v_lane;
END $$;
SQL
if sh "$dir/check.sh" "$dir" >"$dir/told"; then echo "it passes"; exit 1; fi
cut -d: -f2-3 "$dir/told" | tr -d ' ' | sort >"$dir/faults"
sort >"$dir/expected" <<'TXT'
asks:sublink
badly:element
badly:generic
badly:lock
calls:calls
copies:outer
counts:aggregate
cuts:limit
everytouchesalllanes,andnothingsayswhy
goneisnoquery
locks:lock
mixed:lane
near:here
own:table
strays:lane
unlisted:table
TXT
diff "$dir/expected" "$dir/faults"
