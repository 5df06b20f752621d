-- Shoppers whose past is folded again by itself, and not at once. There are few of them, so the table may be read as a whole.

-- name: stale_mark
-- $1 lanes, $2 keys: stale from now on. When one is due stays as it is.
INSERT INTO cartwright.stale_shopper AS s (lane, key, since, due_at, took_us)
SELECT u.lane, u.key, now(), now(), 0 FROM unnest($1::int[], $2::text[]) AS u(lane, key) ORDER BY u.lane, u.key
ON CONFLICT (lane, key) DO UPDATE SET since = excluded.since WHERE s.since IS NULL

-- name: stale_await
-- $1 lanes, $2 keys: stale from now on, and not due for $3 microseconds: more is on its way to them. Who is folded
-- meanwhile is not stale, and becomes so with what comes next.
INSERT INTO cartwright.stale_shopper AS s (lane, key, since, due_at, took_us)
SELECT u.lane, u.key, now(), now() + $3::bigint * interval '1 microsecond', 0 FROM unnest($1::int[], $2::text[]) AS u(lane, key) ORDER BY u.lane, u.key
ON CONFLICT (lane, key) DO UPDATE SET since = coalesce(s.since, excluded.since), due_at = greatest(s.due_at, excluded.due_at)

-- name: stale_arrived
-- $1 lanes, $2 keys: all that was on its way to them is there. They rest no longer than $3 times what they took last.
UPDATE cartwright.stale_shopper s SET due_at = least(s.due_at, now() + s.took_us * $3::bigint * interval '1 microsecond')
  FROM unnest($1::int[], $2::text[]) AS u(lane, key) WHERE s.lane = u.lane AND s.key = u.key AND s.lane = ANY ($1::int[])

-- name: stale_claim
-- Of the lanes $1 the one that has been due longest. It is due again only after $2 microseconds, or $3 times what it took last: whoever folds it
-- may die of it, and the lanes must not.
WITH due AS MATERIALIZED (
    SELECT s.lane, s.key FROM cartwright.stale_shopper s
     WHERE s.since IS NOT NULL AND s.due_at <= now() AND s.lane = ANY ($1::int[])
     ORDER BY s.due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE cartwright.stale_shopper s
   SET due_at = now() + greatest($2::bigint, $3::bigint * s.took_us) * interval '1 microsecond'
  FROM due d WHERE s.lane = d.lane AND s.key = d.key
RETURNING s.lane, s.key

-- name: stale_hasten
-- All of the lanes $1 are due now.
UPDATE cartwright.stale_shopper s SET due_at = now() WHERE s.lane = ANY ($1::int[]) AND s.since IS NOT NULL AND s.due_at > now()

-- name: stale_took
-- The shopper ($1, $2) took $3 microseconds, and rests for $4 of them; $5: it is folded. What has rested is forgotten.
WITH rested AS (
    DELETE FROM cartwright.stale_shopper s WHERE s.lane = $1::int AND s.key <> $2::text AND s.since IS NULL AND s.due_at <= now()
)
UPDATE cartwright.stale_shopper s
   SET since = CASE WHEN $5::bool THEN NULL ELSE s.since END, took_us = $3::bigint,
       due_at = clock_timestamp() + $4::bigint * interval '1 microsecond'
 WHERE s.lane = $1::int AND s.key = $2::text
