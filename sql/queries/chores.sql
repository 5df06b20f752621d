-- What serve does by itself once a day. Of no lane: there is one training and one maintenance for the whole log, and each row is touched a few times a minute.

-- name: chore_read
-- How it stands, with what decides whether it is due: events that are folded and still in the log, and the newest model that was trained by whomever.
SELECT c.owner IS NOT NULL AND c.leased_until > clock_timestamp(), c.begun_at, c.ended_at, c.events, c.outcome, c.detail, clock_timestamp(),
       (SELECT coalesce(sum(f.off - l.floor_off), 0)::bigint
          FROM cartwright.lane l JOIN cartwright.lane_cursor f ON f.lane = l.lane AND f.consumer = 'fold'),
       (SELECT max(m.created_at) FROM cartwright.model m WHERE m.number > 0)
  FROM cartwright.chore c WHERE c.name = $1::text;

-- name: chore_take
-- Of all who found it due as it was begun last ($3) the first gets it.
UPDATE cartwright.chore
   SET owner = $2::text, leased_until = clock_timestamp() + $5::bigint * interval '1 microsecond', begun_at = clock_timestamp(), events = $4::bigint
 WHERE name = $1::text AND begun_at IS NOT DISTINCT FROM $3::timestamptz AND (owner IS NULL OR leased_until <= clock_timestamp());

-- name: chore_keep
UPDATE cartwright.chore SET leased_until = clock_timestamp() + $3::bigint * interval '1 microsecond'
 WHERE name = $1::text AND owner = $2::text;

-- name: chore_end
UPDATE cartwright.chore SET owner = NULL, leased_until = NULL, ended_at = clock_timestamp(), outcome = $3::text, detail = $4::text
 WHERE name = $1::text AND owner = $2::text;
