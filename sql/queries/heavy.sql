-- Shoppers of very many events: what spares reading them all. Only the folder that holds the lane's cursor writes here, and whoever trims or
-- rebuilds the lane, who holds it too.

-- name: heavy_known
-- $1 lanes, $2 keys: one row a key, in order; NULL where it is not heavy.
SELECT h.known_off, h.doc
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  LEFT JOIN cartwright.heavy_shopper h ON h.lane = u.lane AND h.key = u.key
 ORDER BY u.ord

-- name: heavy_checkpoints
-- Of one shopper, oldest first.
SELECT c.at, c.events FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text ORDER BY c.at

-- name: heavy_checkpoint_doc
SELECT c.doc FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text AND c.at = $3::timestamptz

-- name: heavy_news
-- Events of one shopper with offsets from behind $3 up to $4. The columns of history_events.
SELECT 0::int, e.off, e.event_id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.event e
 WHERE e.lane = $1::int AND e.key = $2::text AND e.off > $3::bigint AND e.off <= $4::bigint
 ORDER BY e.off

-- name: heavy_behind
-- Of the events up to known_off those that occurred after $3, in the order of the index, or a large part would look like a reason to read all.
-- The columns of history_events.
SELECT 0::int, e.off, e.event_id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.heavy_event h
 CROSS JOIN LATERAL (SELECT x.* FROM cartwright.event x WHERE x.lane = h.lane AND x.off = h.off LIMIT 1) AS e
 WHERE h.lane = $1::int AND h.key = $2::text AND h.occurred_at > $3::timestamptz
 ORDER BY h.occurred_at, h.off

-- name: heavy_know
INSERT INTO cartwright.heavy_shopper (lane, key, known_off, doc) VALUES ($1::int, $2::text, $3::bigint, $4::text)
ON CONFLICT (lane, key) DO UPDATE SET known_off = excluded.known_off, doc = excluded.doc

-- name: heavy_events_add
-- Events of one shopper up to offset $3, from behind known_off on: those up to there are in it.
INSERT INTO cartwright.heavy_event (lane, key, occurred_at, off)
SELECT e.lane, e.key, e.occurred_at, e.off FROM cartwright.event e
 WHERE e.lane = $1::int AND e.key = $2::text AND e.off <= $3::bigint
   AND e.off > coalesce((SELECT h.known_off FROM cartwright.heavy_shopper h WHERE h.lane = $1::int AND h.key = $2::text), 0)

-- name: heavy_checkpoints_keep
-- Deletes those of one shopper that are not of the times $3.
DELETE FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text AND c.at <> ALL ($3::timestamptz[])

-- name: heavy_checkpoints_add
INSERT INTO cartwright.heavy_checkpoint (lane, key, at, events, doc)
SELECT $1::int, $2::text, u.at, u.events, u.doc
  FROM unnest($3::timestamptz[], $4::bigint[], $5::text[]) AS u(at, events, doc)

-- name: heavy_drop
-- All of one lane.
WITH s AS (DELETE FROM cartwright.heavy_shopper WHERE lane = $1::int),
     e AS (DELETE FROM cartwright.heavy_event WHERE lane = $1::int)
DELETE FROM cartwright.heavy_checkpoint WHERE lane = $1::int
