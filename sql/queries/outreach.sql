-- Decisions. The primary key (lane, key, subject, round, step) is "never twice".

-- name: joins_pending
-- Does anything that is committed wait for the fold and may change who the shopper ($1, $2) is, or what was done with its carts $6? In the lanes of the anonymous shoppers $3 that are it, or are about to be; in its own lane, what names one of $4, or answers about it, of whom it is not
-- known whether they are (an answer that takes time away from it makes its own later logins count again), and who logged out or was; and in any lane at all, by the indexes log_name and log_cart: what another customer says, or is told, of the
-- anonymous shoppers $5, all of those that are it (told that somebody logged out, it may say that it logged in again), and what somebody else ordered of the carts; that may also
-- have been folded before anything that their shopper did with them. And what was folded already, and told nobody yet: for it, or of any of $5. What the cursors have passed waits as well where one of $3 is still being handed over, or where it is of a stale shopper: of
-- one of $3, or a customer that was told whose one of $5 is (its own logins were told when the cursor passed them). And whatever says that a browser becomes, or is no longer, that of a customer who ordered one of the carts $11, and keeps one of that id by the
-- browser alone. The second column is when
-- the last of these is due, NULL: none is stale. The third is when one of the carts $11, those with an id that tells them apart, was last ordered by somebody else who keeps no such cart, folded or
-- not, NULL: never, or by several, who then call all their carts so; somebody else is who did it under a key that is not the shopper's then (its own are $12, from $13, NULL: ever, until $14). The fifth is the same of withdrawals of consent, up to 16 people's: a no too many costs a
-- message, one too few a promise. $10: the shopper had, or named, more carts than are kept, and orders of those that its newest 1,000 events name are waited for as well. The fourth: is there an event of the shopper behind offset $7, the newest that was read, or of $8, by whom it was found
-- (NULL: by itself), behind $9? What is folded between reading the shopper and this look waits no more, and shows there. (Not: is $7 still the newest? Retention may have removed it.)
-- The sixth is who else a browser that is nobody's may be, whose carts $15 (those that tell a cart apart, and what it ordered, $16, or withdrew consent for) are perhaps theirs: the customers who ordered one of them (or withdrew consent, or chatted about it), those who were named with another browser that did, whenever, and of
-- one that somebody ordered also the first that named it, with the offsets of their newest events; NULL: nobody. A cart id of more than 16 customers, or 256 such events, is everybody's, and says nothing; of more than 64 customers there are 65.
-- The arrays are asked for by the plan, not known to it: planned for few of them it would look cheaper, and be planned anew, which takes ten times as long, at every call.
-- Types by number: 15, 25 and 26 are purchase, consent_withdrawn and chat_message, 0, 21 and 22 unknown ones, identify and alias, in which a no may stand, 23, 27 and 28 logged_out, shopper_bound and shopper_unbound, 30 and 31
-- binding_set and forwarded. Of chats, and of those in which a no may stand, those count that opt out, which only the body tells.
WITH keepers AS MATERIALIZED ( -- by whom it is told, and by what
    SELECT h.key, h.type
      FROM unnest((SELECT $11::text[])) AS k(cart_id)
     CROSS JOIN LATERAL (SELECT x.customer, x.anonymous FROM cartwright.cart_party x
                          WHERE x.lane = cartwright.lane_of('k:' || k.cart_id) AND x.cart_id = k.cart_id AND x.customer <> $2::text AND x.anonymous IS NOT NULL
                            AND EXISTS (SELECT FROM cartwright.log_carts e
                                         WHERE hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id AND e.key = x.customer)
                          LIMIT 1) AS p
     CROSS JOIN LATERAL (VALUES (p.customer, 30), (p.anonymous, 27), (p.anonymous, 28)) AS h(key, type)
), stale AS MATERIALIZED (
    SELECT w.due_at
      FROM cartwright.stale_shopper w
      LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
     WHERE w.since IS NOT NULL
       AND (EXISTS (SELECT FROM unnest((SELECT $3::text[])) AS v(via) WHERE w.key = 'a:' || v.via)
         OR EXISTS (SELECT FROM keepers h WHERE h.key = w.key)
         OR w.key <> $2::text
            AND EXISTS (SELECT FROM unnest((SELECT $5::text[])) AS n(id)
                         CROSS JOIN LATERAL (SELECT FROM cartwright.log_names e
                                              WHERE hashtext(e.name) = hashtext(n.id) AND e.name = n.id AND e.lane = w.lane
                                                AND e.off > coalesce(s.folded_off, 0) AND e.key = w.key AND e.type = 30
                                              LIMIT 1) AS told))
     UNION ALL
    SELECT h.due_at FROM cartwright.handing_over h JOIN unnest((SELECT $3::text[])) AS v(via) ON h.key = 'a:' || v.via
), own AS MATERIALIZED ( -- what the fold has not taken of its own
    SELECT e.type, e.body
      FROM cartwright.lane_cursor c
     CROSS JOIN LATERAL cartwright.events_since(c.lane, $2::text, c.off, NULL) AS e
     WHERE c.consumer = 'fold' AND c.lane = $1::int
), had AS MATERIALIZED (
    SELECT k.cart_id FROM unnest((SELECT $6::text[])) AS k(cart_id)
     UNION
    SELECT CASE WHEN x.type = 31 THEN cartwright.event_sent(x.id, x.key, x.type, x.occurred_at, x.body) #>> '{event,cart_id}' ELSE cartwright.event_cart(x.body) END
      FROM (SELECT e.id, e.key, e.type, e.occurred_at, e.body FROM cartwright.log_rows e
             WHERE $10::bool AND e.lane = $1::int AND e.key = $2::text AND hashtext(e.key) BETWEEN hashtext($2::text) AND hashtext($2::text)
             ORDER BY hashtext(e.key) DESC, e.off DESC LIMIT 1000) AS x -- by log_key, as in events_since
), sharers AS MATERIALIZED (
    SELECT DISTINCT u.key
      FROM unnest((SELECT $15::text[])) AS k(cart_id)
     CROSS JOIN LATERAL (SELECT count(*) AS n, array_agg(x.key) FILTER (WHERE x.key >= 'c:' AND x.key < 'c;') AS customers,
                                array_agg(DISTINCT x.key) FILTER (WHERE x.key < 'b' AND x.key <> $2::text) AS browsers,
                                coalesce(bool_or(x.key <> $2::text), false) AS others
                           FROM (SELECT e.key FROM cartwright.log_carts e
                                  WHERE hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id LIMIT 257) AS x) AS told
     CROSS JOIN LATERAL (SELECT array_agg(DISTINCT c.key) AS keys
                           FROM (SELECT unnest(told.customers) AS key
                                  UNION ALL
                                 SELECT n.key FROM unnest(told.browsers) AS b(key)
                                  CROSS JOIN LATERAL (SELECT e.key FROM cartwright.log_names e
                                                       WHERE hashtext(e.name) = hashtext(substr(b.key, 3)) AND e.name = substr(b.key, 3) AND e.type NOT BETWEEN 27 AND 32
                                                       LIMIT 257) AS n
                                  UNION ALL
                                 SELECT p.first_customer FROM cartwright.cart_party p
                                  WHERE p.lane = cartwright.lane_of('k:' || k.cart_id) AND p.cart_id = k.cart_id AND p.first_customer IS NOT NULL AND p.ordered_at IS NOT NULL
                                    AND (told.others OR k.cart_id = ANY ((SELECT $16::text[])::text[]))) AS c) AS by
     CROSS JOIN LATERAL unnest(by.keys) AS u(key)
     WHERE told.n <= 256 AND cardinality(by.keys) <= 16
)
SELECT EXISTS (SELECT FROM stale)
    OR EXISTS (SELECT FROM unnest((SELECT $3::text[])) AS v(via)
                 JOIN cartwright.lane_cursor c ON c.consumer = 'fold' AND c.lane = cartwright.lane_of('a:' || v.via)
                CROSS JOIN LATERAL cartwright.events_since(c.lane, 'a:' || v.via, c.off, 1) AS e)
    OR EXISTS (SELECT FROM own e WHERE e.type IN (23, 27, 28) OR (e.type <> 31 AND cartwright.event_name(e.body) = ANY ($4::text[])))
    OR EXISTS (SELECT FROM unnest((SELECT $5::text[])) AS n(id)
                CROSS JOIN LATERAL (SELECT FROM cartwright.log_names e
                                      JOIN cartwright.lane_cursor c ON c.consumer = 'fold' AND c.lane = e.lane AND e.off > c.off
                                     WHERE hashtext(e.name) = hashtext(n.id) AND e.name = n.id AND e.key <> $2::text
                                     LIMIT 1) AS news)
    OR EXISTS (SELECT FROM had k -- of an id under which very many ordered, lane by lane what the fold has not taken
                CROSS JOIN LATERAL (SELECT count(*) AS n FROM (SELECT FROM cartwright.log_carts e
                                                                WHERE hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id
                                                                LIMIT 257) AS x) AS orders
                CROSS JOIN LATERAL ((SELECT 1 FROM cartwright.log_carts e
                                       JOIN cartwright.lane_cursor c ON c.consumer = 'fold' AND c.lane = e.lane AND e.off > c.off
                                      WHERE orders.n <= 256 AND hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id AND e.key <> $2::text
                                      LIMIT 1)
                                     UNION ALL
                                    (SELECT 1 FROM cartwright.lane_cursor c
                                      CROSS JOIN LATERAL (SELECT FROM cartwright.log_carts e
                                                           WHERE hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id
                                                             AND e.lane = c.lane AND e.off > c.off AND e.key <> $2::text
                                                           LIMIT 1) AS x
                                      WHERE orders.n > 256 AND c.consumer = 'fold'
                                      LIMIT 1)) AS news)
    OR EXISTS (SELECT FROM own e
                CROSS JOIN LATERAL (SELECT FROM cartwright.cart_party p
                                     WHERE p.lane = cartwright.lane_of('k:' || cartwright.event_cart(e.body)) AND p.cart_id = cartwright.event_cart(e.body)
                                       AND NOT p.many AND (p.ordered_at IS NOT NULL OR e.type IN (15, 25, 26)
                                                            OR (e.type IN (0, 21, 22) AND e.body ~ E'\x1eq|"opt_out": ?true'))
                                     LIMIT 1) AS ordered)
    OR EXISTS (SELECT FROM keepers h
                CROSS JOIN LATERAL (SELECT FROM cartwright.lane_cursor c
                                     CROSS JOIN LATERAL cartwright.events_since(c.lane, h.key, c.off, NULL) AS e
                                     WHERE c.consumer = 'fold' AND c.lane = cartwright.lane_of(h.key) AND e.type = h.type
                                     LIMIT 1) AS going)
    OR EXISTS (SELECT FROM keepers h
                CROSS JOIN LATERAL (SELECT FROM cartwright.derived_waiting w WHERE w.lane = cartwright.lane_of(h.key) AND w.key = h.key LIMIT 1) AS told)
    OR EXISTS (SELECT FROM cartwright.derived_waiting w WHERE w.lane = $1::int AND w.key = $2::text)
    OR EXISTS (SELECT FROM unnest((SELECT $5::text[])) AS n(id)
                CROSS JOIN LATERAL (SELECT FROM cartwright.derived_waiting w WHERE coalesce(w.body ->> 'anonymous_id', w.body ->> 'via') = n.id LIMIT 1) AS told),
       (SELECT max(w.due_at) FROM stale w),
       (SELECT max(o.ordered_at)
          FROM unnest((SELECT $11::text[])) AS k(cart_id)
         CROSS JOIN LATERAL (SELECT count(DISTINCT e.key) AS by, max(e.occurred_at) AS ordered_at
                               FROM (SELECT x.lane, x.key, x.occurred_at FROM cartwright.log_carts x
                                      WHERE hashtext(x.cart_id) = hashtext(k.cart_id) AND x.cart_id = k.cart_id AND x.type = 15 AND NOT EXISTS
                                            (SELECT FROM unnest((SELECT $12::text[]), (SELECT $13::timestamptz[]), (SELECT $14::timestamptz[])) AS o(key, since, until)
                                              WHERE o.key = x.key AND x.occurred_at >= coalesce(o.since, '-infinity') AND x.occurred_at < o.until)
                                      LIMIT 100) AS e
                              WHERE NOT EXISTS (SELECT FROM cartwright.cart c WHERE c.lane = e.lane AND c.key = e.key AND c.cart_id = k.cart_id AND c.key <> $2::text)) AS o
         WHERE o.by = 1),
       EXISTS (SELECT FROM cartwright.events_since($1::int, $2::text, $7::bigint, 1))
    OR EXISTS (SELECT FROM cartwright.events_since(cartwright.lane_of($8::text), $8::text, $9::bigint, 1)),
       (SELECT max(o.withdrawn_at)
          FROM unnest((SELECT $11::text[])) AS k(cart_id)
         CROSS JOIN LATERAL (SELECT count(DISTINCT e.key) AS by, max(e.occurred_at) AS withdrawn_at
                               FROM (SELECT x.lane, x.off, x.key, x.type, x.occurred_at FROM cartwright.log_cart_nos x
                                      WHERE hashtext(x.cart_id) = hashtext(k.cart_id) AND x.cart_id = k.cart_id AND NOT EXISTS
                                            (SELECT FROM unnest((SELECT $12::text[]), (SELECT $13::timestamptz[]), (SELECT $14::timestamptz[])) AS o(key, since, until)
                                              WHERE o.key = x.key AND x.occurred_at >= coalesce(o.since, '-infinity') AND x.occurred_at < o.until)
                                      LIMIT 100) AS e
                              WHERE NOT EXISTS (SELECT FROM cartwright.cart c WHERE c.lane = e.lane AND c.key = e.key AND c.cart_id = k.cart_id AND c.key <> $2::text)
                                AND (e.type = 25
                                  OR (SELECT cartwright.event_sent(y.id, y.key, y.type, y.occurred_at, y.body) -> 'opt_out' = 'true'
                                        FROM cartwright.log_rows y WHERE y.lane = e.lane AND y.off = e.off LIMIT 1))) AS o
         WHERE o.by <= 16),
       (SELECT json_build_object('keys', json_agg(s.key ORDER BY s.key), 'offs', json_agg(n.off ORDER BY s.key))::text
          FROM (SELECT x.key FROM sharers x ORDER BY x.key LIMIT 65) AS s
          LEFT JOIN LATERAL (SELECT e.off FROM cartwright.log_rows e
                              WHERE e.lane = cartwright.lane_of(s.key) AND e.key = s.key AND hashtext(e.key) BETWEEN hashtext(s.key) AND hashtext(s.key)
                              ORDER BY hashtext(e.key) DESC, e.off DESC LIMIT 1) AS n ON true -- by log_key, as in events_since
        HAVING count(*) > 0);

-- name: joins_quiet
-- Would joins_pending say of an ordinary shopper that there is nothing: false and NULLs? Most have nothing that waits, nothing that came since they were read, and carts that nobody else ever named in an
-- order or a withdrawal; to see that takes less than a third of its time. It may say no where that one says nothing, never yes where that one says something. The shopper and the anonymous shoppers that are it:
-- their lanes $1, keys $2 and the offsets $3 behind which nothing of them may lie (the newest that was read of it, and of the one by whom it was found; of the others what the cursor has not passed);
-- $4 and $5 are $5 and $6 of joins_pending, and $5 has $6 as well, which is $16 there: nearly always empty. Not for one who had, or named, more carts than are kept, nor for one whose keys were somebody else's at times, nor for one found by an anonymous shopper that is not among $2.
-- In the order of joins_pending: the first covers what of it asks for its own news, for those of anonymous shoppers and for what came since; the third what somebody else did with the carts, folded or not;
-- the last three tables are nearly always empty.
SELECT NOT EXISTS (SELECT FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::bigint[])) AS w(lane, key, off)
                    CROSS JOIN LATERAL (SELECT max(c.off) AS off FROM cartwright.lane_cursor c WHERE c.consumer = 'fold' AND c.lane = w.lane) AS c
                    CROSS JOIN LATERAL cartwright.events_since(w.lane, w.key, least(w.off, c.off), 1) AS e)
   AND NOT EXISTS (SELECT FROM unnest((SELECT $4::text[])) AS n(id)
                    CROSS JOIN LATERAL (SELECT FROM cartwright.log_names e
                                          JOIN cartwright.lane_cursor c ON c.consumer = 'fold' AND c.lane = e.lane AND e.off > c.off
                                         WHERE hashtext(e.name) = hashtext(n.id) AND e.name = n.id AND e.key <> ALL ((SELECT $2::text[])::text[])
                                         LIMIT 1) AS news)
   AND NOT EXISTS (SELECT FROM unnest((SELECT $5::text[])) AS k(cart_id)
                    CROSS JOIN LATERAL (SELECT FROM cartwright.log_carts e
                                         WHERE hashtext(e.cart_id) = hashtext(k.cart_id) AND e.cart_id = k.cart_id AND e.key <> ALL ((SELECT $2::text[])::text[])
                                         LIMIT 1) AS somebody)
   AND NOT EXISTS (SELECT FROM unnest((SELECT $6::text[])) AS k(cart_id)
                    CROSS JOIN LATERAL (SELECT FROM cartwright.cart_party p
                                         WHERE p.lane = cartwright.lane_of('k:' || k.cart_id) AND p.cart_id = k.cart_id AND p.first_customer IS NOT NULL LIMIT 1) AS named)
   AND NOT EXISTS (SELECT FROM cartwright.derived_waiting)
   AND NOT EXISTS (SELECT FROM cartwright.stale_shopper w WHERE w.since IS NOT NULL)
   AND NOT EXISTS (SELECT FROM cartwright.handing_over);

-- name: cart_pending
-- Is there an event about the cart $1 that no fold has taken, or that is on its way to another shopper, but for those of $2, who are known to keep it? Whose, nobody knows: all that waits is
-- looked at, unless it is more than 5,000 events, or those of a shopper that is stale or handed over are: then there may be one, and nobody waits for them to be read. And whatever waits for one of the two who
-- are known to have had to do with it: between two folds a cart that changes hands is nobody's. $3: somebody is known to keep it, and is told although of such a
-- shopper, one of very many events, more than 5,000 have not been read.
SELECT CASE
    WHEN (SELECT count(*) > 5000
            FROM (SELECT FROM cartwright.lane_cursor c
                   CROSS JOIN LATERAL (SELECT FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off > c.off ORDER BY x.off LIMIT 5001) AS e
                   WHERE c.consumer = 'fold' LIMIT 5001) AS waiting) THEN true
    WHEN EXISTS (SELECT FROM cartwright.lane_cursor c
                  CROSS JOIN LATERAL (SELECT x.id, x.key, x.type, x.occurred_at, x.body FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off > c.off
                                       ORDER BY x.off LIMIT 5001) AS e
                  WHERE c.consumer = 'fold' AND cartwright.event_about(e.id, e.key, e.type, e.occurred_at, e.body, $1::text)
                    AND e.key <> ALL ($2::text[])) THEN true
    WHEN EXISTS (SELECT FROM (SELECT w.lane, w.key, coalesce(s.folded_off, 0) AS off
                                FROM cartwright.stale_shopper w LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
                               WHERE w.since IS NOT NULL
                               UNION ALL
                              SELECT h.lane, h.key, CASE WHEN h.again_at IS NULL THEN h.done_off ELSE 0 END FROM cartwright.handing_over h) AS w
                  CROSS JOIN LATERAL (SELECT (count(*) > 5000 AND NOT $3::bool)
                                          OR bool_or(cartwright.event_about(x.id, w.key, x.type, x.occurred_at, x.body, $1::text)) AS found
                                        FROM cartwright.events_since(w.lane, w.key, w.off, 5001) AS x) AS e
                  WHERE w.key <> ALL ($2::text[]) AND e.found) THEN true
    ELSE EXISTS (SELECT FROM cartwright.derived_waiting w WHERE w.body -> 'event' ->> 'cart_id' = $1::text AND w.key <> ALL ($2::text[]))
      OR EXISTS (SELECT FROM cartwright.cart_party p
                  CROSS JOIN LATERAL unnest(ARRAY[p.customer, p.anonymous]) AS k(key)
                  WHERE p.lane = cartwright.lane_of('k:' || $1::text) AND p.cart_id = $1::text AND k.key <> ALL ($2::text[])
                    AND (EXISTS (SELECT FROM cartwright.lane_cursor c
                                  CROSS JOIN LATERAL cartwright.events_since(c.lane, k.key, c.off, 1) AS e
                                  WHERE c.consumer = 'fold' AND c.lane = cartwright.lane_of(k.key))
                      OR EXISTS (SELECT FROM cartwright.derived_waiting w WHERE w.lane = cartwright.lane_of(k.key) AND w.key = k.key)))
END;

-- name: joins_shaken
-- May one of the cart ids $1, by which somebody was joined, or is about to be, be named by somebody else as well: is there an event that names one of them and that no fold has taken, but for those
-- of $2, who are known to? Whose, nobody knows: all that waits is looked at. Where that is more than 5,000 events, there may be ($3); or what is among them is all there is. The second: is one of
-- them several people's already?
SELECT CASE
    WHEN $3::bool AND (SELECT count(*) > 5000
                         FROM (SELECT FROM cartwright.lane_cursor c
                                CROSS JOIN LATERAL (SELECT FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off > c.off ORDER BY x.off LIMIT 5001) AS e
                                WHERE c.consumer = 'fold' LIMIT 5001) AS waiting) THEN true
    ELSE EXISTS (SELECT FROM cartwright.lane_cursor c
                  CROSS JOIN LATERAL (SELECT x.key, x.type, x.body FROM cartwright.log_rows x WHERE x.lane = c.lane AND x.off > c.off ORDER BY x.off LIMIT 5001) AS e
                  WHERE c.consumer = 'fold' AND e.type NOT BETWEEN 27 AND 32 AND cartwright.event_cart(e.body) = ANY ((SELECT $1::text[])::text[])
                    AND e.key <> ALL ((SELECT $2::text[])::text[]))
    END,
       EXISTS (SELECT FROM unnest((SELECT $1::text[])) AS k(cart_id)
                CROSS JOIN LATERAL (SELECT FROM cartwright.cart_party p
                                     WHERE p.lane = cartwright.lane_of('k:' || k.cart_id) AND p.cart_id = k.cart_id AND p.many LIMIT 1) AS many);

-- name: outreach_put
-- A silence may be overwritten, a send may not: then no row is affected. $13 and $14: the event that tells of it, id and body (NULL: none),
-- appended where the row was, and only there; its status is NULL where it was stored.
WITH put AS (
    INSERT INTO cartwright.outreach (lane, subject, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message, cart_digest)
    VALUES ($1::int, $2::text, $3::int, $4::int, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::text::json, $11::text::json, $12::text::json,
            $15::text)
    ON CONFLICT (lane, key, subject, round, step) DO UPDATE
       SET outreach_id = excluded.outreach_id, decision = excluded.decision, reason = excluded.reason,
           decided_at = excluded.decided_at, summary = excluded.summary, why = excluded.why, message = excluded.message,
           cart_digest = excluded.cart_digest
     WHERE outreach.decision = 'silence'
    RETURNING key, decided_at
), told AS (
    SELECT a.status
      FROM put
     CROSS JOIN LATERAL cartwright.append_rows(ARRAY[$13::text], ARRAY[put.key], ARRAY['outreach_released'], 'derived', ARRAY[put.decided_at],
                                               put.decided_at, ARRAY[$14::jsonb]) AS a
     WHERE $13::text IS NOT NULL
)
SELECT (SELECT count(*) FROM put), (SELECT max(status) FROM told);

-- name: outreach_by_id
SELECT lane, subject, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message
  FROM cartwright.outreach
 WHERE lane = $1::int AND outreach_id = $2::text;
