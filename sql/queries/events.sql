-- The event log. What is claimed, locked and ordered is said above each query. Bodies, ids and types are as they lie there: store/log_row.c reads them. A key is
-- looked for by its hash as well, which is what the index log_key has.

-- name: events_append
-- Locks the lanes of the keys ($1) in ascending order until commit. Rows only for what was not stored.
SELECT ord, status
  FROM cartwright.append_rows($1::int[], $2::bytea[], $3::text[], $4::int[], $5::text, $6::timestamptz[], $7::timestamptz, $8::text[]);

-- name: events_append_if_free
-- The same unless another transaction holds one of the lanes $1: then nothing is stored, and there is a row (lane, 'busy') for each of those.
SELECT ord, status
  FROM cartwright.append_if_free($1::int[], $2::bytea[], $3::text[], $4::int[], $5::text, $6::timestamptz[], $7::timestamptz, $8::text[]);

-- name: events_differ
-- What the event of body $3 says otherwise than the stored one of its lane $1 and id $2; NULL: nothing to tell.
SELECT cartwright.event_differs($1::int, $2::bytea, $3::jsonb);

-- name: events_after
-- Of the lanes with news at most $3, each gets an equal share of $3 rows and of $4 bytes (but one event at least comes); ordered by lane, then offset.
-- LIMIT inside the lateral part holds the planner to one index descent a lane.
WITH fresh AS MATERIALIZED (
    SELECT l.lane, l.off
      FROM unnest($1::int[], $2::bigint[]) AS l(lane, off)
     CROSS JOIN LATERAL (SELECT 1 FROM cartwright.log_rows x WHERE x.lane = l.lane AND x.off > l.off ORDER BY x.off LIMIT 1) AS news
     ORDER BY random()
     LIMIT $3::bigint
)
SELECT e.lane, e.off, e.id, e.key, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT array_agg(f.lane ORDER BY f.at) AS lanes, array_agg(f.off ORDER BY f.at) AS offs, count(*) AS lane_count
          FROM (SELECT u.lane, u.off, row_number() OVER () AS at FROM fresh u) AS f) AS n
 CROSS JOIN LATERAL cartwright.events_after(n.lanes, n.offs, $3::bigint / greatest(n.lane_count, 1), $4::bigint) AS e
 ORDER BY e.lane, e.off;

-- name: events_latest
-- Of the last $2 folded events of each lane those that occurred after $1; one index descent a lane.
SELECT e.lane, e.off, e.id, e.key, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.lane_cursor c
 CROSS JOIN LATERAL (SELECT x.* FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off <= c.off
                      ORDER BY x.off DESC LIMIT $2::bigint) AS e
 WHERE c.consumer = 'fold' AND e.occurred_at > $1::timestamptz
 ORDER BY e.occurred_at, e.lane, e.off;

-- name: events_read_until
-- For events_read, in the same transaction: COPY takes no parameters, and behind a pooler only a transaction stays with one session.
SELECT set_config('cartwright.read_until', $1::timestamptz::text, true);

-- name: events_read
-- The whole log up to a time, shopper by shopper.
COPY (SELECT lane, off, id, key, type, origin, occurred_at, received_at, body
        FROM cartwright.log_rows
       WHERE occurred_at <= (SELECT current_setting('cartwright.read_until')::timestamptz)
       ORDER BY lane, key, off) TO STDOUT (FORMAT binary);

-- name: events_read_active_from
-- For events_read_active, beside events_read_until. The planner does not know how few they are: it would read the whole log, and has to be held to the index by time.
SELECT set_config('cartwright.read_active_from', $1::timestamptz::text, true), set_config('enable_seqscan', 'off', true);

-- name: events_read_active
-- Shoppers with an event that occurred after a time, all their events up to another, shopper by shopper.
COPY (WITH active AS MATERIALIZED (
          SELECT DISTINCT lane, key FROM cartwright.log_rows
           WHERE occurred_at > (SELECT current_setting('cartwright.read_active_from')::timestamptz))
      SELECT e.lane, e.off, e.id, e.key, e.type, e.origin, e.occurred_at, e.received_at, e.body
        FROM active a JOIN cartwright.log_rows e ON e.lane = a.lane AND hashtext(e.key) = hashtext(a.key) AND e.key = a.key
       WHERE e.occurred_at <= (SELECT current_setting('cartwright.read_until')::timestamptz)
       ORDER BY e.lane, e.key, e.off) TO STDOUT (FORMAT binary);

-- name: lanes_lock
-- $1 lanes: locks them in ascending order until commit, nobody appends to them meanwhile. Waits as long as the transaction's lock_timeout.
SELECT l.lane FROM cartwright.lane l WHERE l.lane = ANY ($1::int[]) ORDER BY l.lane FOR UPDATE;

-- name: lanes_lease
-- Renews the owner's own lanes, then claims lanes whose lease has run out, $3 in all; each claim starts an epoch. A cursor that somebody
-- holds (maintain, a rebuild, an open transaction) is waited for in neither: it is renewed or claimed another time.
WITH mine AS MATERIALIZED (
    SELECT c.lane FROM cartwright.lane_cursor c
     WHERE c.consumer = 'fold' AND c.owner = $1::text
     ORDER BY c.lane LIMIT $3::bigint FOR UPDATE SKIP LOCKED
), free AS MATERIALIZED (
    SELECT c.lane FROM cartwright.lane_cursor c
     WHERE c.consumer = 'fold' AND c.owner IS DISTINCT FROM $1::text AND c.lease_until < now()
     ORDER BY c.lane LIMIT greatest($3::bigint - (SELECT count(*) FROM mine), 0) FOR UPDATE SKIP LOCKED
)
UPDATE cartwright.lane_cursor c
   SET owner = $1::text, lease_until = now() + $2::bigint * interval '1 microsecond',
       epoch = c.epoch + CASE WHEN t.claimed THEN 1 ELSE 0 END
  FROM (SELECT lane, false AS claimed FROM mine UNION ALL SELECT lane, true FROM free) AS t
 WHERE c.lane = t.lane AND c.consumer = 'fold'
RETURNING c.lane, c.epoch, c.off;

-- name: lanes_orphaned
-- Of all lanes: is there one whose lease has run out?
SELECT EXISTS (SELECT FROM cartwright.lane_cursor c WHERE c.consumer = 'fold' AND c.lease_until < now());

-- name: lanes_shed
-- Gives back what the owner holds beyond the lanes it leased just now ($2), for others to claim; a cursor that somebody locks another time.
WITH beyond AS MATERIALIZED (
    SELECT c.lane FROM cartwright.lane_cursor c
     WHERE c.consumer = 'fold' AND c.owner = $1::text AND c.lane <> ALL ($2::int[])
     ORDER BY c.lane FOR UPDATE SKIP LOCKED
)
UPDATE cartwright.lane_cursor c SET owner = NULL, lease_until = '-infinity'
  FROM beyond b WHERE c.lane = b.lane AND c.consumer = 'fold';

-- name: lanes_release
-- A cursor that somebody locks keeps its lease, which runs out.
WITH mine AS MATERIALIZED (
    SELECT c.lane FROM cartwright.lane_cursor c WHERE c.consumer = 'fold' AND c.owner = $1::text ORDER BY c.lane FOR UPDATE SKIP LOCKED
)
UPDATE cartwright.lane_cursor c SET owner = NULL, lease_until = '-infinity'
  FROM mine m WHERE c.lane = m.lane AND c.consumer = 'fold';

-- name: lane_owner_seen
INSERT INTO cartwright.lane_owner (consumer, owner, seen_until) VALUES ('fold', $1::text, now() + $2::bigint * interval '1 microsecond')
ON CONFLICT (consumer, owner) DO UPDATE SET seen_until = excluded.seen_until;

-- name: lane_owners_count
SELECT count(*) FROM cartwright.lane_owner WHERE consumer = 'fold' AND seen_until >= now();

-- name: lane_owner_forget
-- This owner, and those that died a while ago.
DELETE FROM cartwright.lane_owner WHERE consumer = 'fold' AND (owner = $1::text OR seen_until < now() - interval '1 hour');

-- name: cursors_advance
-- The fence: a lane moves only from the epoch and offset it was read at. Locks the cursors until commit.
UPDATE cartwright.lane_cursor c
   SET off = n.new_off, lease_until = now() + $5::bigint * interval '1 microsecond'
  FROM unnest($1::int[], $2::bigint[], $3::bigint[], $4::bigint[]) AS n(lane, epoch, old_off, new_off)
 WHERE c.lane = n.lane AND c.consumer = 'fold' AND c.epoch = n.epoch AND c.off = n.old_off;

-- name: dead_letter_put
INSERT INTO cartwright.dead_letter (lane, off, event_id, key, pointer, detail, body, dead_at)
VALUES ($1::int, $2::bigint, $3::text, $4::text, $5::text, $6::text, cartwright.json_or_text($7::text), $8::timestamptz)
ON CONFLICT (lane, off) DO NOTHING;

-- name: unknown_types_count
-- Of one event each: lane $1 and type $2, in parallel.
INSERT INTO cartwright.unknown_type (lane, type, events, last_at)
SELECT n.lane, n.type, count(*), $3::timestamptz
  FROM unnest($1::int[], $2::text[]) AS n(lane, type)
 GROUP BY n.lane, n.type
 ORDER BY n.lane, n.type
ON CONFLICT (lane, type) DO UPDATE SET events = unknown_type.events + excluded.events, last_at = excluded.last_at;

-- name: log_lag
-- Events past the cursors (holes count: an upper bound) and those on their way into held lanes, the oldest of them, and the dead letters; shoppers that
-- are stale or handed over, and since when.
SELECT coalesce(unread.events, 0)::bigint + waiting.events, least(unread.since, waiting.since), dead.events, stale.shoppers + handed.shoppers,
       least(stale.since, handed.since)
  FROM (SELECT sum(newest.off - c.off) AS events, min(oldest.received_at) AS since
          FROM cartwright.lane_cursor c
         CROSS JOIN LATERAL (SELECT x.received_at FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off > c.off ORDER BY x.off LIMIT 1) AS oldest
         CROSS JOIN LATERAL (SELECT x.off FROM cartwright.log_rows x WHERE x.lane = c.lane ORDER BY x.off DESC LIMIT 1) AS newest
         WHERE c.consumer = 'fold') AS unread
 CROSS JOIN (SELECT count(*) AS events, min(w.since) AS since FROM cartwright.derived_waiting w) AS waiting
 CROSS JOIN (SELECT count(*) AS events FROM cartwright.dead_letter d) AS dead
 CROSS JOIN (SELECT count(w.since) AS shoppers, min(w.since) AS since FROM cartwright.stale_shopper w) AS stale
 CROSS JOIN (SELECT count(*) AS shoppers, min(h.since) AS since FROM cartwright.handing_over h) AS handed;

-- name: lane_trim
-- The caller holds the lane's lock; the floor is raised in the same transaction.
DELETE FROM cartwright.log WHERE lane = $1::int AND off <= $2::bigint;

-- name: lane_floor_raise
UPDATE cartwright.lane SET floor_off = greatest(floor_off, $2::bigint) WHERE lane = $1::int;

-- name: lane_floor_candidate
-- The last offset before the first event that is too young, or of a stale shopper, or still to be handed over, and folded.
SELECT least(c.off, coalesce(young.off - 1, c.off),
             (SELECT min(unread.off) - 1
                FROM cartwright.stale_shopper w
                LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
               CROSS JOIN LATERAL cartwright.events_since(w.lane, w.key, coalesce(s.folded_off, 0), 1) AS unread
               WHERE w.lane = $1::int AND w.since IS NOT NULL),
             (SELECT min(CASE WHEN h.again_at IS NULL THEN h.done_off ELSE 0 END) FROM cartwright.handing_over h WHERE h.lane = $1::int))
  FROM cartwright.lane_cursor c
  LEFT JOIN LATERAL (SELECT x.off FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.received_at >= $2::timestamptz
                      ORDER BY x.off LIMIT 1) AS young ON true
 WHERE c.lane = $1::int AND c.consumer = 'fold';

-- name: carry_page
-- Of a log of before (migration 31), at most $3 events of lane $1 from behind $2 on that are still to be moved; the one that goes beyond $4 bytes is the last.
SELECT p.off, p.event_id, p.key, p.type, p.occurred_at, p.body FROM cartwright.carry_page($1::int, $2::bigint, $3::bigint, $4::bigint) AS p;

-- name: carry_move
-- Locks lane $1 until commit.
SELECT cartwright.carry_move($1::int, $2::bigint[], $3::bytea[], $4::int[], $5::text[]);

-- name: carry_state
-- No row: there is nothing to carry. Of how many events, how many are moved, and the bytes of what is left.
SELECT c.events, c.moved, coalesce(pg_total_relation_size(to_regclass('cartwright.event_before')), 0) FROM cartwright.carry c;

-- name: carry_end
SELECT cartwright.carry_end();
