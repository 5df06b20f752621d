-- Derived events on their way into lanes that another transaction holds.

-- name: derived_lock
-- Those of the lanes $1 that nobody holds, locked in ascending order until commit; none is waited for.
SELECT l.lane FROM cartwright.lane l WHERE l.lane = ANY ($1::int[]) ORDER BY l.lane FOR UPDATE SKIP LOCKED;

-- name: derived_put
-- In parallel: lanes $1, ids $2, keys $3, types $4, when they occurred $5, bodies $6; since $7. What waits already is not touched.
INSERT INTO cartwright.derived_waiting (lane, event_id, key, type, occurred_at, since, body)
SELECT u.lane, u.event_id, u.key, u.type, u.occurred_at, $7::timestamptz, u.body
  FROM unnest($1::int[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::jsonb[]) AS u(lane, event_id, key, type, occurred_at, body)
 ORDER BY u.lane, u.event_id
ON CONFLICT (lane, event_id) DO NOTHING;

-- name: derived_move
-- At most $2 of what waits into the log, received at $1: of lanes that are free by now, whichever they are, since who was to do it may be gone. How many
-- were moved, how many lanes something waited for, and how many of those were free. Locks lanes in ascending order, and waits for none.
WITH wanted AS MATERIALIZED (
    SELECT l.lane FROM cartwright.lane l WHERE EXISTS (SELECT FROM cartwright.derived_waiting w WHERE w.lane = l.lane)
), free AS MATERIALIZED (
    SELECT l.lane FROM cartwright.lane l WHERE l.lane IN (SELECT w.lane FROM wanted w) ORDER BY l.lane FOR UPDATE SKIP LOCKED
), taken AS (
    DELETE FROM cartwright.derived_waiting d
     USING (SELECT w.lane, w.event_id FROM free f JOIN cartwright.derived_waiting w ON w.lane = f.lane
             ORDER BY w.lane, w.since, w.event_id LIMIT $2::bigint) AS t
     WHERE d.lane = t.lane AND d.event_id = t.event_id
    RETURNING d.*
), packed AS MATERIALIZED (
    SELECT count(*) AS events, array_agg(t.event_id) AS ids, array_agg(t.key) AS keys, array_agg(t.type) AS types, array_agg(t.occurred_at) AS occurred,
           array_agg(t.body) AS bodies
      FROM (SELECT * FROM taken ORDER BY lane, since, event_id) AS t
), stored AS (
    SELECT a.status
      FROM packed p
     CROSS JOIN LATERAL cartwright.append_rows(p.ids, p.keys, p.types, 'derived', p.occurred, $1::timestamptz, p.bodies) AS a
     WHERE p.events > 0
)
SELECT (SELECT events FROM packed), (SELECT count(*) FROM wanted), (SELECT count(*) FROM free), (SELECT count(*) FROM stored);
