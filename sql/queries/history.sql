-- Whole histories of shoppers, many at a time: for folding again, replay and retention.

-- name: history_events
-- $1 lanes, $2 keys, $3 last offsets, in parallel: each key's events up to its last offset, through index log_key.
SELECT (u.ord - 1)::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM unnest($1::int[], $2::text[], $3::bigint[]) WITH ORDINALITY AS u(lane, key, last_off, ord)
 CROSS JOIN LATERAL (SELECT x.* FROM cartwright.log_rows x
                      WHERE x.lane = u.lane AND hashtext(x.key) = hashtext(u.key) AND x.key = u.key AND x.off <= u.last_off
                      ORDER BY x.off) e
 ORDER BY u.ord, e.off

-- name: history_page
-- Of one shopper ($1, $2) at most $6 events with offsets from behind $3 up to $4 that occurred at $5 or later; the others are passed over where they
-- lie. The columns of history_events.
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.log_rows e
 WHERE e.lane = $1::int AND hashtext(e.key) = hashtext($2::text) AND e.key = $2::text AND e.off > $3::bigint AND e.off <= $4::bigint AND e.occurred_at >= $5::timestamptz
 ORDER BY e.off LIMIT $6::bigint

-- name: history_size
-- How many events such a page without a time has, at most $5, and their bytes as they lie there: cheap to ask, where most pages fit.
SELECT count(*), coalesce(sum(octet_length(y.body)), 0)::bigint
  FROM (SELECT x.body FROM cartwright.log_rows x
         WHERE x.lane = $1::int AND x.key = $2::text AND hashtext(x.key) BETWEEN hashtext($2::text) AND hashtext($2::text)
           AND (hashtext(x.key), x.off) > (hashtext($2::text), $3::bigint) AND (hashtext(x.key), x.off) <= (hashtext($2::text), $4::bigint)
         ORDER BY hashtext(x.key), x.off LIMIT $5::bigint) AS y

-- name: history_page_within
-- The same, no further than the event that goes beyond $7 bytes. By log_key, as in events_since, and from both sides: what comes behind $4 is not passed over.
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT array_agg(y.off ORDER BY y.off) AS offs
          FROM (SELECT x.off FROM cartwright.log_rows x
                 WHERE x.lane = $1::int AND x.key = $2::text AND hashtext(x.key) BETWEEN hashtext($2::text) AND hashtext($2::text)
                   AND (hashtext(x.key), x.off) > (hashtext($2::text), $3::bigint) AND (hashtext(x.key), x.off) <= (hashtext($2::text), $4::bigint)
                   AND x.occurred_at >= $5::timestamptz
                 ORDER BY hashtext(x.key), x.off LIMIT $6::bigint) AS y) AS n
 CROSS JOIN LATERAL cartwright.events_within($1::int, n.offs, $7::bigint) AS e
 ORDER BY e.off

-- name: history_docs
-- $1 lanes, $2 keys: the number of each, what is stored of it, the base that retention left, and whether it is stale. Whoever reads takes what is not NULL: a key may
-- have several rows, or none.
SELECT (u.ord - 1)::int, s.folded_off, s.doc, b.doc, w.since IS NOT NULL
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  LEFT JOIN cartwright.shopper s ON s.lane = u.lane AND s.key = u.key
  LEFT JOIN cartwright.shopper_base b ON b.lane = u.lane AND b.key = u.key
  LEFT JOIN cartwright.stale_shopper w ON w.lane = u.lane AND w.key = u.key
 ORDER BY u.ord

-- name: history_carts
-- $1 lanes, $2 keys: the stored cart rows of each, in order of the keys and of cart id (by bytes).
SELECT (u.ord - 1)::int, c.cart_id, c.round, c.status, c.lines, c.units, c.total_minor, c.currency,
       c.opened_at, c.changed_at, c.seen_at, c.contacted, c.bot, c.imported
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.cart c ON c.lane = u.lane AND c.key = u.key
 ORDER BY u.ord, c.cart_id

-- name: history_lane_keys
-- $1 lane: every key of which anything is known, by bytes.
SELECT k.key
  FROM (SELECT e.key FROM cartwright.log_rows e WHERE e.lane = $1::int
         UNION SELECT s.key FROM cartwright.shopper s WHERE s.lane = $1::int
         UNION SELECT b.key FROM cartwright.shopper_base b WHERE b.lane = $1::int
         UNION SELECT c.key FROM cartwright.cart c WHERE c.lane = $1::int) k
 ORDER BY k.key

-- name: history_lane_states
-- Where each lane's fold stands, what retention left, and whether there is anything in it at all.
SELECT l.lane, coalesce(c.off, 0), l.floor_off,
       EXISTS (SELECT FROM cartwright.log_rows e WHERE e.lane = l.lane)
       OR EXISTS (SELECT FROM cartwright.shopper s WHERE s.lane = l.lane)
       OR EXISTS (SELECT FROM cartwright.shopper_base b WHERE b.lane = l.lane)
       OR EXISTS (SELECT FROM cartwright.cart k WHERE k.lane = l.lane)
  FROM cartwright.lane l
  LEFT JOIN cartwright.lane_cursor c ON c.lane = l.lane AND c.consumer = 'fold'
 ORDER BY l.lane

-- name: history_unread
-- Events past the cursors, those on their way into held lanes, those of stale shoppers that the cursors have passed, and of shoppers that are handed over
-- those that may still have to be.
SELECT (SELECT count(*)
          FROM cartwright.lane_cursor c
          JOIN cartwright.log_rows e ON e.lane = c.lane AND e.off > c.off
         WHERE c.consumer = 'fold')
     + (SELECT count(*) FROM cartwright.derived_waiting)
     + (SELECT count(*)
          FROM cartwright.stale_shopper w
          JOIN cartwright.lane_cursor c ON c.lane = w.lane AND c.consumer = 'fold'
          LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
          JOIN cartwright.log_rows e ON e.lane = w.lane AND hashtext(e.key) = hashtext(w.key) AND e.key = w.key AND e.off > coalesce(s.folded_off, 0) AND e.off <= c.off
         WHERE w.since IS NOT NULL)
     + (SELECT count(*)
          FROM cartwright.handing_over h
          JOIN cartwright.log_rows e ON e.lane = h.lane AND hashtext(e.key) = hashtext(h.key) AND e.key = h.key AND e.off > CASE WHEN h.again_at IS NULL THEN h.done_off ELSE 0 END
                                 AND e.off <= h.last_off)

-- name: history_cursor_hold
-- $1 lane: a fold transaction locks its cursors first, so it has ended by now, or waits until this one has.
SELECT c.off FROM cartwright.lane_cursor c WHERE c.lane = $1::int AND c.consumer = 'fold' FOR UPDATE

-- name: history_shoppers_delete
-- $1 lane, $2 keys
DELETE FROM cartwright.shopper s WHERE s.lane = $1::int AND s.key = ANY ($2::text[])
