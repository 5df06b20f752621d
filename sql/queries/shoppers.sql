-- Folded shoppers, their carts, and where a cart id lives.

-- name: shoppers_read
-- $1 lanes, $2 keys: the number of each, what is stored of it, and whether it is stale. Columns and meaning are those of history_docs.
SELECT (u.ord - 1)::int, s.folded_off, s.doc, NULL::text, w.since IS NOT NULL
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  LEFT JOIN cartwright.shopper s ON s.lane = u.lane AND s.key = u.key
  LEFT JOIN cartwright.stale_shopper w ON w.lane = u.lane AND w.key = u.key
 ORDER BY u.ord;

-- name: shoppers_write
INSERT INTO cartwright.shopper (lane, key, folded_off, doc)
SELECT u.lane, u.key, u.folded_off, u.doc
  FROM unnest($1::int[], $2::text[], $3::bigint[], $4::text[]) AS u(lane, key, folded_off, doc)
 ORDER BY u.lane, u.key
ON CONFLICT (lane, key) DO UPDATE SET folded_off = excluded.folded_off, doc = excluded.doc;

-- name: bases_write
INSERT INTO cartwright.shopper_base (lane, key, doc)
SELECT u.lane, u.key, u.doc FROM unnest($1::int[], $2::text[], $3::text[]) AS u(lane, key, doc)
 ORDER BY u.lane, u.key
ON CONFLICT (lane, key) DO UPDATE SET doc = excluded.doc;

-- name: bases_stream
SELECT lane, key, doc FROM cartwright.shopper_base ORDER BY lane, key;

-- name: bases_stream_active
-- Of shoppers with an event that occurred after $1.
SELECT b.lane, b.key, b.doc FROM cartwright.shopper_base b
 WHERE EXISTS (SELECT FROM cartwright.log_rows e
                WHERE e.lane = b.lane AND hashtext(e.key) = hashtext(b.key) AND e.key = b.key AND e.occurred_at > $1::timestamptz)
 ORDER BY b.lane, b.key;

-- name: carts_delete_others
-- Of the shoppers ($1, $2), the carts that are not among ($3, $4, $5).
DELETE FROM cartwright.cart c
 USING unnest($1::int[], $2::text[]) AS s(lane, key)
 WHERE c.lane = s.lane AND c.key = s.key
   AND NOT EXISTS (SELECT FROM unnest($3::int[], $4::text[], $5::text[]) AS k(lane, key, cart_id)
                    WHERE k.lane = c.lane AND k.key = c.key AND k.cart_id = c.cart_id)
RETURNING c.lane, c.key, c.cart_id;

-- name: carts_upsert
-- A write without a score keeps the stored one.
INSERT INTO cartwright.cart (lane, key, cart_id, round, status, lines, units, total_minor, currency, opened_at, changed_at, seen_at,
                             contacted, bot, imported, risk, risk_model, scored_at)
SELECT u.*
  FROM unnest($1::int[], $2::text[], $3::text[], $4::int[], $5::text[], $6::int[], $7::bigint[], $8::bigint[], $9::text[],
              $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::int[], $14::bool[], $15::bool[],
              $16::float8[], $17::text[], $18::timestamptz[])
       AS u(lane, key, cart_id, round, status, lines, units, total_minor, currency, opened_at, changed_at, seen_at,
            contacted, bot, imported, risk, risk_model, scored_at)
 ORDER BY u.lane, u.key, u.cart_id
ON CONFLICT (lane, key, cart_id) DO UPDATE
   SET round = excluded.round, status = excluded.status, lines = excluded.lines, units = excluded.units,
       total_minor = excluded.total_minor, currency = excluded.currency, opened_at = excluded.opened_at,
       changed_at = excluded.changed_at, seen_at = excluded.seen_at, contacted = excluded.contacted,
       bot = excluded.bot, imported = excluded.imported,
       risk = CASE WHEN excluded.risk IS NULL THEN cart.risk ELSE excluded.risk END,
       risk_model = CASE WHEN excluded.risk IS NULL THEN cart.risk_model ELSE excluded.risk_model END,
       scored_at = CASE WHEN excluded.risk IS NULL THEN cart.scored_at ELSE excluded.scored_at END;

-- name: cart_lanes_upsert
-- Ordered by the key: the cart ids of all lanes are in this table, though a row is one shopper's. What is there already is not touched.
INSERT INTO cartwright.cart_lane (cart_id, lane, key)
SELECT u.cart_id, u.lane, u.key
  FROM unnest($1::text[], $2::int[], $3::text[]) AS u(cart_id, lane, key)
 WHERE NOT EXISTS (SELECT FROM cartwright.cart_lane l WHERE l.cart_id = u.cart_id AND l.lane = u.lane AND l.key = u.key)
 ORDER BY u.cart_id, u.lane, u.key
ON CONFLICT (cart_id, lane, key) DO NOTHING;

-- name: cart_lanes_delete
-- Of the shoppers that lost the cart; others may keep one of that id.
DELETE FROM cartwright.cart_lane l
 USING unnest($1::text[], $2::int[], $3::text[]) AS u(cart_id, lane, key)
 WHERE l.cart_id = u.cart_id AND l.lane = u.lane AND l.key = u.key;

-- name: cart_parties_put
-- $1 lanes of the cart ids, $2 cart ids, $3 keys, $4 when it was ordered (NULL: it was not), $6 when it was named, in parallel: who had to do with which cart, by $5. What
-- is known already is touched once a day; also of several people's carts it is kept that it was ordered, and which customer named it first, by the times and not by what is folded first: a browser of
-- the cart may be that customer's (of two at one time the lesser key; the customer that was joined is another column, for that has to be taken back as it was told). The rest is locked in order of lane and cart id. Rows: of these, carts of which exactly one customer and one
-- anonymous shopper are known by now, and an order or withdrawal of either; and, as taken back, those of which others are known as well, but were not when these two
-- were joined (of rows of before that nobody knows: those that lack nothing else). Its lanes are those of the cart ids, not of the shoppers: this is
-- where two of any lanes meet.
INSERT INTO cartwright.cart_party AS p (lane, cart_id, customer, anonymous, many, ordered_at, used_at, joined, first_customer, first_at)
SELECT u.lane, u.cart_id, max(u.key) FILTER (WHERE u.key >= 'c'), max(u.key) FILTER (WHERE u.key < 'b'),
       count(DISTINCT u.key) FILTER (WHERE u.key >= 'c') > 1 OR count(DISTINCT u.key) FILTER (WHERE u.key < 'b') > 1, min(u.ordered_at),
       $5::timestamptz,
       count(DISTINCT u.key) FILTER (WHERE u.key >= 'c') = 1 AND count(DISTINCT u.key) FILTER (WHERE u.key < 'b') = 1 AND min(u.ordered_at) IS NOT NULL,
       (array_agg(u.key ORDER BY u.named_at, u.key COLLATE "C") FILTER (WHERE u.key >= 'c'))[1], min(u.named_at) FILTER (WHERE u.key >= 'c')
  FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $6::timestamptz[]) AS u(lane, cart_id, key, ordered_at, named_at)
 WHERE NOT EXISTS (SELECT FROM cartwright.cart_party x
                    WHERE x.lane = u.lane AND x.cart_id = u.cart_id AND x.used_at > $5::timestamptz - interval '1 day'
                      AND (u.key < 'b' OR (x.first_at, x.first_customer) <= (u.named_at, u.key))
                      AND ((x.many AND (x.ordered_at IS NOT NULL OR u.ordered_at IS NULL))
                           OR (u.key IN (x.customer, x.anonymous) AND (u.ordered_at IS NULL OR x.ordered_at <= u.ordered_at))))
 GROUP BY u.lane, u.cart_id
 ORDER BY u.lane, u.cart_id
ON CONFLICT (lane, cart_id) DO UPDATE
   SET customer = coalesce(p.customer, excluded.customer), anonymous = coalesce(p.anonymous, excluded.anonymous),
       many = p.many OR excluded.many OR coalesce(p.customer <> excluded.customer, false) OR coalesce(p.anonymous <> excluded.anonymous, false),
       joined = coalesce(p.joined, p.customer IS NOT NULL AND p.anonymous IS NOT NULL AND p.ordered_at IS NOT NULL)
             OR NOT (p.many OR excluded.many OR coalesce(p.customer <> excluded.customer, false) OR coalesce(p.anonymous <> excluded.anonymous, false))
                AND coalesce(p.customer, excluded.customer) IS NOT NULL AND coalesce(p.anonymous, excluded.anonymous) IS NOT NULL
                AND least(p.ordered_at, excluded.ordered_at) IS NOT NULL,
       ordered_at = least(p.ordered_at, excluded.ordered_at), used_at = greatest(p.used_at, excluded.used_at),
       first_customer = CASE WHEN excluded.first_at IS NULL OR (p.first_at, p.first_customer) <= (excluded.first_at, excluded.first_customer) THEN p.first_customer
                             ELSE excluded.first_customer END,
       first_at = least(p.first_at, excluded.first_at)
RETURNING cart_id, CASE WHEN joined THEN customer END, CASE WHEN joined THEN anonymous END, ordered_at, many;

-- name: cart_parties_trim
-- Of lane $1 what nobody has named since $2. One that is being named is left for another time: a fold must not wait.
DELETE FROM cartwright.cart_party p
 USING (SELECT x.lane, x.cart_id FROM cartwright.cart_party x WHERE x.lane = $1::int AND x.used_at < $2::timestamptz FOR UPDATE SKIP LOCKED) AS old
 WHERE p.lane = $1::int AND p.cart_id = old.cart_id;

-- name: carts_by_seen
-- Newest first. One index range a status, merged. The page begins after ($4 .. $7), the last row of the page before; the first one
-- after infinity. The values are asked for by the plan, not known to it: it would be made anew for every page. No "$4 IS NULL OR": that would read every page from the top.
SELECT c.*
  FROM unnest((SELECT $1::text[])) AS s(status)
 CROSS JOIN LATERAL (
        SELECT x.lane, x.key, x.cart_id, x.round, x.status, x.lines, x.units, x.total_minor, x.currency, x.opened_at, x.changed_at, x.seen_at,
               x.contacted, x.bot, x.imported, x.risk, x.risk_model, x.scored_at
          FROM cartwright.cart x
         WHERE x.status = s.status AND x.seen_at >= (SELECT $2::timestamptz) AND x.seen_at < (SELECT $3::timestamptz)
           AND (x.seen_at, x.lane, x.key, x.cart_id) < ((SELECT $4::timestamptz), $5::int, $6::text, $7::text)
         ORDER BY x.seen_at DESC, x.lane DESC, x.key DESC, x.cart_id DESC
         LIMIT (SELECT $8::bigint)) AS c
 ORDER BY c.seen_at DESC, c.lane DESC, c.key DESC, c.cart_id DESC
 LIMIT (SELECT $8::bigint);

-- name: carts_by_risk
-- Highest risk first, never scored last; the first page begins after a risk above 1. The range operator keeps the planner from reading
-- the other index and sorting, and the values are asked for by the plan, not known to it: for them it would choose to sort all carts.
SELECT c.*
  FROM unnest((SELECT $1::text[])) AS s(status)
 CROSS JOIN LATERAL (
        SELECT x.lane, x.key, x.cart_id, x.round, x.status, x.lines, x.units, x.total_minor, x.currency, x.opened_at, x.changed_at, x.seen_at,
               x.contacted, x.bot, x.imported, x.risk, x.risk_model, x.scored_at
          FROM cartwright.cart x
         WHERE x.status = s.status AND tstzrange((SELECT $2::timestamptz), (SELECT $3::timestamptz), '[)') @> x.seen_at
           AND (coalesce(x.risk, -1), x.lane, x.key, x.cart_id) < ((SELECT $4::float8), $5::int, $6::text, $7::text)
         ORDER BY coalesce(x.risk, -1) DESC, x.lane DESC, x.key DESC, x.cart_id DESC
         LIMIT (SELECT $8::bigint)) AS c
 ORDER BY coalesce(c.risk, -1) DESC, c.lane DESC, c.key DESC, c.cart_id DESC
 LIMIT (SELECT $8::bigint);

-- name: carts_ordered
-- Of the carts $3 of ($1 lanes, $2 keys), with ids that tell them apart, by number: orders of them, by whom and when, but for those of others who keep such a cart. As joins_pending says of one shopper;
-- whose each is, whoever asks knows: at times the shopper's own. The values are asked for by the plan, not known to it: it would be made anew at every call, which takes ten times as long.
SELECT (u.ord - 1)::int, e.key, e.occurred_at
  FROM unnest((SELECT $1::int[]), (SELECT $2::text[]), (SELECT $3::text[])) WITH ORDINALITY AS u(lane, key, cart_id, ord)
 CROSS JOIN LATERAL (SELECT x.lane, x.key, x.occurred_at FROM cartwright.log_carts x
                      WHERE hashtext(x.cart_id) = hashtext(u.cart_id) AND x.cart_id = u.cart_id AND x.type = 15
                      LIMIT 100) AS e
 WHERE NOT EXISTS (SELECT FROM cartwright.cart c WHERE c.lane = e.lane AND c.key = e.key AND c.cart_id = u.cart_id AND c.key <> u.key);

-- name: carts_unscored
-- $1 model, $2 seen since, after ($3 lane, $4 key, $5 cart id), at most $6: open carts of people whose score is another model's. The page
-- is cut before its shoppers are looked up, and coalesce keeps from the planner how few are left towards the end: it would read and sort
-- both tables for every page.
SELECT c.lane, c.key, c.cart_id, s.doc
  FROM (SELECT x.lane, x.key, x.cart_id
          FROM cartwright.cart x
         WHERE x.status = 'open' AND NOT x.bot AND x.seen_at >= $2::timestamptz AND coalesce(x.risk_model, '') <> $1::text
           AND (x.lane, x.key, x.cart_id) > ($3::int, $4::text, $5::text)
         ORDER BY x.lane, x.key, x.cart_id
         LIMIT $6::bigint) AS c
 CROSS JOIN LATERAL (SELECT x.doc FROM cartwright.shopper x WHERE x.lane = c.lane AND x.key = c.key LIMIT 1) AS s
 ORDER BY c.lane, c.key, c.cart_id;

-- name: carts_score
-- $1 model, $2 scored at, then in parallel $3 lanes, $4 keys, $5 cart ids, $6 last events as scored, $7 risks. A cart that has moved on is left to
-- the fold, which scores what it writes.
UPDATE cartwright.cart c
   SET risk = u.risk, risk_model = $1::text, scored_at = $2::timestamptz
  FROM unnest($3::int[], $4::text[], $5::text[], $6::timestamptz[], $7::float8[]) AS u(lane, key, cart_id, seen_at, risk)
 WHERE c.lane = u.lane AND c.key = u.key AND c.cart_id = u.cart_id AND c.seen_at = u.seen_at AND c.status = 'open';
