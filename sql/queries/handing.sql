-- Anonymous shoppers whose events are on their way to whom they belong, a page at a time. There are few of them, so the table may be read as a whole.

-- name: handing_put
-- Of the shopper ($1, $2) the events behind $3 up to $4 that occurred at $5 or later, besides what is on its way already. What is passed on once more, by
-- the one or the other, is a duplicate.
INSERT INTO cartwright.handing_over AS h (lane, key, done_off, last_off, from_at, since, due_at, turned_at)
VALUES ($1::int, $2::text, $3::bigint, $4::bigint, $5::timestamptz, now(), now(), now())
ON CONFLICT (lane, key) DO UPDATE
   SET last_off = greatest(h.last_off, excluded.last_off), from_at = least(h.from_at, excluded.from_at),
       again_at = CASE WHEN excluded.done_off < h.done_off THEN least(h.again_at, excluded.from_at) ELSE h.again_at END

-- name: handing_claim
-- Of the lanes $1 the one whose turn was longest ago; the row of somebody who is about to lose the lane is not waited for.
WITH turn AS MATERIALIZED (
    SELECT h.lane, h.key FROM cartwright.handing_over h WHERE h.lane = ANY ($1::int[])
     ORDER BY h.turned_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE cartwright.handing_over h SET turned_at = clock_timestamp()
  FROM turn t WHERE h.lane = t.lane AND h.key = t.key
RETURNING h.lane, h.key

-- name: handing_read
SELECT h.done_off, h.last_off, h.from_at, s.doc
  FROM cartwright.handing_over h
  LEFT JOIN cartwright.shopper s ON s.lane = $1::int AND s.key = h.key
 WHERE h.lane = $1::int AND h.key = $2::text

-- name: handing_move
-- Of the shopper ($1, $2) everything up to $3 is passed on, and all of it will be by $4.
UPDATE cartwright.handing_over SET done_off = $3::bigint, due_at = $4::timestamptz WHERE lane = $1::int AND key = $2::text

-- name: handing_end
-- All of the shopper ($1, $2) is passed on, but for what goes once more.
WITH done AS (
    DELETE FROM cartwright.handing_over WHERE lane = $1::int AND key = $2::text AND again_at IS NULL
)
UPDATE cartwright.handing_over SET done_off = 0, from_at = again_at, again_at = NULL
 WHERE lane = $1::int AND key = $2::text AND again_at IS NOT NULL
