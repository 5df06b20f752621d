-- Shoppers of very many events: what spares reading them all. Only the folder that holds the lane's cursor writes here, and whoever trims or
-- rebuilds the lane, who holds it too.

-- name: heavy_known
-- $1 lanes, $2 keys: a row for each of them that is heavy, with its number.
SELECT (u.ord - 1)::int, h.known_off, h.doc
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.heavy_shopper h ON h.lane = u.lane AND h.key = u.key

-- name: heavy_checkpoints
-- Of one shopper, oldest first.
SELECT c.at, c.events FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text ORDER BY c.at

-- name: heavy_checkpoint_doc
SELECT c.doc FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text AND c.at = $3::timestamptz

-- name: heavy_behind
-- Of the events up to known_off those that occurred after $3 (or then, and have an offset behind $4), at most $5 and no further than the one that goes beyond $6
-- bytes, in the order of the index, or a large part would look like a reason to read all. The columns of history_events.
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT array_agg(y.off ORDER BY y.occurred_at, y.off) AS offs
          FROM (SELECT h.occurred_at, h.off FROM cartwright.heavy_event h
                 WHERE h.lane = $1::int AND h.key = $2::text AND (h.occurred_at, h.off) > ($3::timestamptz, $4::bigint)
                 ORDER BY h.occurred_at, h.off LIMIT $5::bigint) AS y) AS n
 CROSS JOIN LATERAL cartwright.events_within($1::int, n.offs, $6::bigint) AS e
 ORDER BY e.occurred_at, e.off

-- name: heavy_more_behind
-- Are there more than $4 of them that occurred at $3 or later?
SELECT EXISTS (SELECT FROM cartwright.heavy_event h
                WHERE h.lane = $1::int AND h.key = $2::text AND h.occurred_at >= $3::timestamptz
                ORDER BY h.occurred_at, h.off OFFSET $4::bigint)

-- name: heavy_view
-- One shopper ($1, $2) up to the time $3, from the newest checkpoint that stands for it; at most $4 events, none where it takes more, and no
-- further than the one that goes beyond $5 bytes. Rows are tagged:
-- 0 the newest offset of the shopper's, when it is due if it is stale, and a type where it takes more; 1 known_off and the document of
-- then, as body; 2 the checkpoint: events, time and document; 3 what came in since known_off, 4 what had before, as in history_events. Behind known_off only
-- so many are looked at, whatever their time.
WITH known AS MATERIALIZED (
    SELECT h.known_off, h.doc FROM cartwright.heavy_shopper h WHERE h.lane = $1::int AND h.key = $2::text
), news AS MATERIALIZED (
    SELECT e.off, e.occurred_at
      FROM known k
     CROSS JOIN LATERAL cartwright.events_since($1::int, $2::text, k.known_off, $4::bigint + 1) AS e
), start AS MATERIALIZED (
    SELECT c.at, c.events, c.doc FROM cartwright.heavy_checkpoint c
     WHERE c.lane = $1::int AND c.key = $2::text AND c.at <= $3::timestamptz
       AND c.at < coalesce((SELECT min(n.occurred_at) FROM news n WHERE n.occurred_at <= $3::timestamptz), 'infinity')
     ORDER BY c.at DESC LIMIT 1
), behind AS MATERIALIZED (
    SELECT h.off
      FROM start s
     CROSS JOIN LATERAL (SELECT x.off FROM cartwright.heavy_event x
                          WHERE x.lane = $1::int AND x.key = $2::text AND x.occurred_at > s.at AND x.occurred_at <= $3::timestamptz
                          ORDER BY x.occurred_at, x.off LIMIT $4::bigint + 1) AS h
), size AS MATERIALIZED (
    SELECT (SELECT count(*) FROM news) + (SELECT count(*) FROM behind) > $4::bigint AS more
), wanted AS MATERIALIZED (
    SELECT array_agg(w.off ORDER BY w.off) AS offs
      FROM (SELECT n.off FROM news n, size z WHERE NOT z.more AND n.occurred_at <= $3::timestamptz
             UNION ALL
            SELECT b.off FROM behind b, size z WHERE NOT z.more) AS w
)
SELECT 0 AS part,
       coalesce((SELECT x.off FROM cartwright.log_rows x
                  WHERE x.lane = $1::int AND hashtext(x.key) = hashtext($2::text) AND x.key = $2::text ORDER BY x.off DESC LIMIT 1), 0) AS off,
       NULL::bytea AS id, CASE WHEN z.more THEN 0::smallint END AS type, NULL::"char" AS origin,
       (SELECT w.due_at FROM cartwright.stale_shopper w WHERE w.lane = $1::int AND w.key = $2::text AND w.since IS NOT NULL) AS occurred_at,
       NULL::timestamptz AS received_at, NULL::text AS body
  FROM size z
 UNION ALL
SELECT 1, k.known_off, NULL, NULL, NULL, NULL, NULL, k.doc FROM known k
 UNION ALL
SELECT 2, s.events, NULL, NULL, NULL, s.at, NULL, s.doc FROM start s
 UNION ALL
SELECT CASE WHEN e.off > k.known_off THEN 3 ELSE 4 END, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM known k, wanted w
 CROSS JOIN LATERAL cartwright.events_within($1::int, w.offs, $5::bigint) AS e

-- name: heavy_know
INSERT INTO cartwright.heavy_shopper (lane, key, known_off, doc) VALUES ($1::int, $2::text, $3::bigint, $4::text)
ON CONFLICT (lane, key) DO UPDATE SET known_off = excluded.known_off, doc = excluded.doc

-- name: heavy_events_add
-- Events of one shopper up to offset $3, from behind known_off on: those up to there are in it.
INSERT INTO cartwright.heavy_event (lane, key, occurred_at, off)
SELECT e.lane, e.key, e.occurred_at, e.off FROM cartwright.log_rows e
 WHERE e.lane = $1::int AND hashtext(e.key) = hashtext($2::text) AND e.key = $2::text AND e.off <= $3::bigint
   AND e.off > coalesce((SELECT h.known_off FROM cartwright.heavy_shopper h WHERE h.lane = $1::int AND h.key = $2::text), 0)
ON CONFLICT (lane, key, occurred_at, off) DO NOTHING -- of a refold that was given up

-- name: heavy_checkpoints_keep
-- Deletes those of one shopper that are not of the times $3.
DELETE FROM cartwright.heavy_checkpoint c
 WHERE c.lane = $1::int AND c.key = $2::text AND c.at <> ALL ($3::timestamptz[])

-- name: heavy_checkpoints_add
INSERT INTO cartwright.heavy_checkpoint (lane, key, at, events, doc)
SELECT $1::int, $2::text, u.at, u.events, u.doc
  FROM unnest($3::timestamptz[], $4::bigint[], $5::text[]) AS u(at, events, doc)

-- name: heavy_forget
-- Of one shopper all but its events by time, which stay right.
WITH s AS (DELETE FROM cartwright.heavy_shopper WHERE lane = $1::int AND key = $2::text)
DELETE FROM cartwright.heavy_checkpoint WHERE lane = $1::int AND key = $2::text

-- name: heavy_drop
-- All of one lane.
WITH s AS (DELETE FROM cartwright.heavy_shopper WHERE lane = $1::int),
     e AS (DELETE FROM cartwright.heavy_event WHERE lane = $1::int),
     r AS (DELETE FROM cartwright.refolding WHERE lane = $1::int),
     f AS (DELETE FROM cartwright.refolding_fact WHERE lane = $1::int),
     n AS (DELETE FROM cartwright.refolding_name WHERE lane = $1::int)
DELETE FROM cartwright.heavy_checkpoint WHERE lane = $1::int
