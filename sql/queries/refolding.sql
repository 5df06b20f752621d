-- Shoppers of very many events that are folded again a page at a time: how far that is, and what pages tell of all of them. Only the folder that holds the lane's
-- cursor writes here, and whoever trims or rebuilds the lane.

-- name: refolding_read
SELECT r.from_off, r.last_off, r.phase, r.done_off, r.done_at, r.done_name, r.events, r.folded, r.says_who, r.doc, r.took_us, r.since
  FROM cartwright.refolding r WHERE r.lane = $1::int AND r.key = $2::text

-- name: refolding_put
INSERT INTO cartwright.refolding (lane, key, from_off, last_off, phase, done_off, done_at, done_name, events, folded, says_who, doc, took_us, since)
VALUES ($1::int, $2::text, $3::bigint, $4::bigint, $5::int, $6::bigint, $7::timestamptz, $8::text, $9::bigint, $10::bigint, $11::bool, $12::text, $13::bigint,
        $14::timestamptz)
ON CONFLICT (lane, key) DO UPDATE
   SET phase = excluded.phase, done_off = excluded.done_off, done_at = excluded.done_at, done_name = excluded.done_name, events = excluded.events,
       folded = excluded.folded, says_who = excluded.says_who, doc = excluded.doc, took_us = excluded.took_us

-- name: refolding_end
-- It is folded, or begins anew.
WITH f AS (DELETE FROM cartwright.refolding_fact WHERE lane = $1::int AND key = $2::text),
     n AS (DELETE FROM cartwright.refolding_name WHERE lane = $1::int AND key = $2::text)
DELETE FROM cartwright.refolding WHERE lane = $1::int AND key = $2::text

-- name: refolding_index
-- Events $4 of the shopper ($1, $2) by their times $3, in parallel; some may be known.
INSERT INTO cartwright.heavy_event (lane, key, occurred_at, off)
SELECT $1::int, $2::text, u.at, u.off FROM unnest($3::timestamptz[], $4::bigint[]) AS u(at, off)
ON CONFLICT (lane, key, occurred_at, off) DO NOTHING

-- name: refolding_facts_add
-- The same of those that say something of all.
INSERT INTO cartwright.refolding_fact (lane, key, occurred_at, off)
SELECT $1::int, $2::text, u.at, u.off FROM unnest($3::timestamptz[], $4::bigint[]) AS u(at, off)
ON CONFLICT (lane, key, occurred_at, off) DO NOTHING

-- name: refolding_facts
-- Those behind the time $3 and offset $4, at most $5, in the order of the index. The columns of history_events.
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.refolding_fact f
 CROSS JOIN LATERAL (SELECT x.* FROM cartwright.log_rows x WHERE x.lane = $1::int AND x.off = f.off LIMIT 1) AS e
 WHERE f.lane = $1::int AND f.key = $2::text AND (f.occurred_at, f.off) > ($3::timestamptz, $4::bigint)
 ORDER BY f.occurred_at, f.off LIMIT $5::bigint

-- name: refolding_names_add
-- The browsers $3: named first at $4, last at $5, first without guessing at $6 (infinity: never), guessed ($7). Each once.
INSERT INTO cartwright.refolding_name AS n (lane, key, name, first_at, last_at, said_at, guessed)
SELECT $1::int, $2::text, u.name, u.first_at, u.last_at, u.said_at, u.guessed
  FROM unnest($3::text[], $4::timestamptz[], $5::timestamptz[], $6::timestamptz[], $7::bool[]) AS u(name, first_at, last_at, said_at, guessed)
ON CONFLICT (lane, key, name) DO UPDATE
   SET first_at = least(n.first_at, excluded.first_at), last_at = greatest(n.last_at, excluded.last_at), said_at = least(n.said_at, excluded.said_at),
       guessed = n.guessed OR excluded.guessed

-- name: refolding_sets_add
-- Of the browsers $3 binding_sets with versions $4 lie at offsets $5; each once.
INSERT INTO cartwright.refolding_name AS n (lane, key, name, guessed, version, off)
SELECT $1::int, $2::text, u.name, false, u.version, u.off FROM unnest($3::text[], $4::bigint[], $5::bigint[]) AS u(name, version, off)
ON CONFLICT (lane, key, name) DO UPDATE SET version = excluded.version, off = excluded.off WHERE n.version IS NULL OR n.version < excluded.version

-- name: refolding_names
-- The $3 that were named last.
SELECT n.name, n.first_at, n.last_at, n.said_at, n.guessed
  FROM cartwright.refolding_name n
 WHERE n.lane = $1::int AND n.key = $2::text AND n.last_at IS NOT NULL ORDER BY n.last_at DESC, n.name LIMIT $3::bigint

-- name: refolding_sets
-- The newest binding_sets of browsers behind $3, at most $4, in order of the browsers. The columns of history_events.
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT n.name, n.off FROM cartwright.refolding_name n
         WHERE n.lane = $1::int AND n.key = $2::text AND n.name > $3::text AND n.off IS NOT NULL ORDER BY n.name LIMIT $4::bigint) AS s
 CROSS JOIN LATERAL (SELECT x.* FROM cartwright.log_rows x WHERE x.lane = $1::int AND x.off = s.off LIMIT 1) AS e
 ORDER BY s.name
