-- What is sent to a distributed database in place of the query of the same name in sql/queries. All others are sent as they are. Parameters and
-- results are those of the other form, and so is what is locked.

-- name: events_after
SELECT e.lane, e.off, e.id, e.key, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM cartwright.events_fresh($1::int[], $2::bigint[], $3::bigint, $4::bigint) AS e
 ORDER BY e.lane, e.off;

-- name: lanes_lock
SELECT l.lane FROM cartwright.lanes_lock($1::int[]) AS l(lane);

-- name: lanes_lease
SELECT l.lane, l.epoch, l.off FROM cartwright.lanes_lease($1::text, $2::bigint, $3::bigint) AS l;

-- name: lanes_shed
SELECT cartwright.lanes_give_back($1::text, $2::int[]);

-- name: lanes_release
SELECT cartwright.lanes_give_back($1::text, '{}');

-- name: lane_floor_candidate
SELECT least(c.off, coalesce(young.off - 1, c.off),
             (SELECT min(unread.off) - 1
                FROM cartwright.stale_shopper w
                LEFT JOIN cartwright.shopper s ON s.lane = $1::int AND s.key = w.key
               CROSS JOIN LATERAL (SELECT x.off FROM cartwright.log_rows x
                                    WHERE x.lane = $1::int AND x.key = w.key AND hashtext(x.key) = hashtext(w.key) AND x.off > coalesce(s.folded_off, 0)
                                    ORDER BY x.off LIMIT 1) AS unread
               WHERE w.lane = $1::int AND w.since IS NOT NULL),
             (SELECT min(CASE WHEN h.again_at IS NULL THEN h.done_off ELSE 0 END) FROM cartwright.handing_over h WHERE h.lane = $1::int))
  FROM cartwright.lane_cursor c
  LEFT JOIN LATERAL (SELECT x.off FROM cartwright.log_rows x WHERE x.lane = $1::int AND x.received_at >= $2::timestamptz
                      ORDER BY x.off LIMIT 1) AS young ON true
 WHERE c.lane = $1::int AND c.consumer = 'fold';

-- name: derived_lock
SELECT l.lane FROM cartwright.derived_lock($1::int[]) AS l(lane);

-- name: derived_move
SELECT m.moved, m.wanted, m.unheld, m.refused FROM cartwright.derived_move($1::timestamptz, $2::bigint) AS m;

-- name: stale_claim
SELECT s.lane, s.key FROM cartwright.stale_claim($1::int[], $2::bigint, $3::bigint) AS s;

-- name: handing_claim
SELECT h.lane, h.key FROM cartwright.handing_claim($1::int[]) AS h;

-- name: history_page_within
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT y.off, coalesce(sum(y.bytes) OVER (ORDER BY y.off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
          FROM (SELECT x.off, octet_length(x.body) AS bytes
                  FROM cartwright.log_rows x
                 WHERE x.lane = $1::int AND hashtext(x.key) = hashtext($2::text) AND x.key = $2::text AND x.off > $3::bigint AND x.off <= $4::bigint
                   AND x.occurred_at >= $5::timestamptz
                 ORDER BY x.off LIMIT $6::bigint) AS y) AS z
  JOIN cartwright.log_rows e ON e.lane = $1::int AND e.off = z.off
 WHERE z.bytes_before <= $7::bigint
 ORDER BY e.off;

-- name: heavy_behind
SELECT 0::int, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
  FROM (SELECT y.off, coalesce(sum(y.bytes) OVER (ORDER BY y.occurred_at, y.off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
          FROM (SELECT h.occurred_at, h.off, octet_length(x.body) AS bytes
                  FROM cartwright.heavy_event h JOIN cartwright.log_rows x ON x.lane = $1::int AND x.off = h.off
                 WHERE h.lane = $1::int AND h.key = $2::text AND (h.occurred_at, h.off) > ($3::timestamptz, $4::bigint)
                 ORDER BY h.occurred_at, h.off LIMIT $5::bigint) AS y) AS z
  JOIN cartwright.log_rows e ON e.lane = $1::int AND e.off = z.off
 WHERE z.bytes_before <= $6::bigint
 ORDER BY e.occurred_at, e.off;

-- name: joins_pending
SELECT j.pending, j.due_at, j.ordered_at, j.more, j.withdrawn_at, j.sharers
  FROM cartwright.joins_pending($1::int, $2::text, $3::text[], $4::text[], $5::text[], $6::text[], $7::bigint, $8::text, $9::bigint,
                                $10::bool, $11::text[], $12::text[], $13::timestamptz[], $14::timestamptz[], $15::text[], $16::text[]) AS j;

-- name: carts_ordered
SELECT o.n, o.orderer, o.ordered_at FROM cartwright.carts_ordered($1::int[], $2::text[], $3::text[]) AS o;

-- name: joins_quiet
-- Not asked there: to find it out would take as many statements as joins_pending.
SELECT $1::int[] IS NULL AND $2::text[] IS NULL AND $3::bigint[] IS NULL AND $4::text[] IS NULL AND $5::text[] IS NULL AND $6::text[] IS NULL;

-- name: cart_pending
SELECT cartwright.cart_pending($1::text, $2::text[], $3::bool);

-- name: joins_shaken
SELECT s.soon, s.many FROM cartwright.joins_shaken($1::text[], $2::text[], $3::bool) AS s;

-- name: shopper_gather
SELECT g.part, g.n, g.m, g.id, g.type, g.origin, g.occurred_at, g.received_at, g.body, g.heavy, g.held, g.packed_id, g.code, g.shared
  FROM cartwright.shopper_gather($1::text, $2::text, $3::bool, $4::bool, $5::bigint, $6::bigint) AS g;

-- name: heavy_view
-- As there, but for how the bytes are bounded: by the sizes, as in shopper_gather.
WITH known AS MATERIALIZED (
    SELECT h.known_off, h.doc FROM cartwright.heavy_shopper h WHERE h.lane = $1::int AND h.key = $2::text
), news AS MATERIALIZED (
    SELECT e.off, e.occurred_at
      FROM known k
     CROSS JOIN LATERAL (SELECT x.off, x.occurred_at FROM cartwright.log_rows x
                          WHERE x.lane = $1::int AND hashtext(x.key) = hashtext($2::text) AND x.key = $2::text AND x.off > k.known_off
                          ORDER BY x.off LIMIT $4::bigint + 1) AS e
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
    SELECT n.off FROM news n, size z WHERE NOT z.more AND n.occurred_at <= $3::timestamptz
     UNION ALL
    SELECT b.off FROM behind b, size z WHERE NOT z.more
), sized AS MATERIALIZED (
    SELECT y.off, coalesce(sum(y.bytes) OVER (ORDER BY y.off ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), 0) AS bytes_before
      FROM (SELECT x.off, octet_length(x.body) AS bytes
              FROM wanted w JOIN cartwright.log_rows x ON x.lane = $1::int AND x.off = w.off) AS y
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
  FROM known k
 CROSS JOIN sized z
  JOIN cartwright.log_rows e ON e.lane = $1::int AND e.off = z.off
 WHERE z.bytes_before <= $5::bigint
 ORDER BY 1, 2;

-- name: shoppers_read
SELECT (u.ord - 1)::int, s.folded_off, s.doc, NULL::text, NULL::boolean
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.shopper s ON s.lane = u.lane AND s.key = u.key
 UNION ALL
SELECT (u.ord - 1)::int, NULL, NULL, NULL, w.since IS NOT NULL
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.stale_shopper w ON w.lane = u.lane AND w.key = u.key;

-- name: history_docs
SELECT (u.ord - 1)::int, s.folded_off, s.doc, NULL::text, NULL::boolean
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.shopper s ON s.lane = u.lane AND s.key = u.key
 UNION ALL
SELECT (u.ord - 1)::int, NULL, NULL, b.doc, NULL
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.shopper_base b ON b.lane = u.lane AND b.key = u.key
 UNION ALL
SELECT (u.ord - 1)::int, NULL, NULL, NULL, w.since IS NOT NULL
  FROM unnest($1::int[], $2::text[]) WITH ORDINALITY AS u(lane, key, ord)
  JOIN cartwright.stale_shopper w ON w.lane = u.lane AND w.key = u.key;

-- name: carts_by_seen
SELECT x.lane, x.key, x.cart_id, x.round, x.status, x.lines, x.units, x.total_minor, x.currency, x.opened_at, x.changed_at, x.seen_at,
       x.contacted, x.bot, x.imported, x.risk, x.risk_model, x.scored_at
  FROM cartwright.cart x
 WHERE x.status = ANY ($1::text[]) AND x.seen_at >= $2::timestamptz AND x.seen_at < $3::timestamptz
   AND (x.seen_at, x.lane, x.key, x.cart_id) < ($4::timestamptz, $5::int, $6::text, $7::text)
 ORDER BY x.seen_at DESC, x.lane DESC, x.key DESC, x.cart_id DESC
 LIMIT $8::bigint;

-- name: carts_by_risk
SELECT x.lane, x.key, x.cart_id, x.round, x.status, x.lines, x.units, x.total_minor, x.currency, x.opened_at, x.changed_at, x.seen_at,
       x.contacted, x.bot, x.imported, x.risk, x.risk_model, x.scored_at
  FROM cartwright.cart x
 WHERE x.status = ANY ($1::text[]) AND x.seen_at >= $2::timestamptz AND x.seen_at < $3::timestamptz
   AND (coalesce(x.risk, -1), x.lane, x.key, x.cart_id) < ($4::float8, $5::int, $6::text, $7::text)
 ORDER BY coalesce(x.risk, -1) DESC, x.lane DESC, x.key DESC, x.cart_id DESC
 LIMIT $8::bigint;

-- name: carts_unscored
SELECT c.lane, c.key, c.cart_id, s.doc
  FROM (SELECT x.lane, x.key, x.cart_id
          FROM cartwright.cart x
         WHERE x.status = 'open' AND NOT x.bot AND x.seen_at >= $2::timestamptz AND coalesce(x.risk_model, '') <> $1::text
           AND (x.lane, x.key, x.cart_id) > ($3::int, $4::text, $5::text)
         ORDER BY x.lane, x.key, x.cart_id
         LIMIT $6::bigint) AS c
  JOIN cartwright.shopper s ON s.lane = c.lane AND s.key = c.key
 ORDER BY c.lane, c.key, c.cart_id;

-- name: cart_lanes_upsert
INSERT INTO cartwright.cart_lane (cart_id, lane, key)
SELECT u.cart_id, u.lane, u.key
  FROM unnest($1::text[], $2::int[], $3::text[]) AS u(cart_id, lane, key)
 ORDER BY u.cart_id, u.lane, u.key
ON CONFLICT (cart_id, lane, key) DO NOTHING;

-- name: cart_parties_put
WITH known AS MATERIALIZED (
    SELECT u.o
      FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $6::timestamptz[]) WITH ORDINALITY AS u(lane, cart_id, key, ordered_at, named_at, o)
      JOIN cartwright.cart_party x ON x.lane = u.lane AND x.cart_id = u.cart_id
     WHERE x.used_at > $5::timestamptz - interval '1 day'
       AND (u.key < 'b' OR (x.first_at, x.first_customer) <= (u.named_at, u.key))
       AND ((x.many AND (x.ordered_at IS NOT NULL OR u.ordered_at IS NULL))
            OR (u.key IN (x.customer, x.anonymous) AND (u.ordered_at IS NULL OR x.ordered_at <= u.ordered_at)))
)
INSERT INTO cartwright.cart_party AS p (lane, cart_id, customer, anonymous, many, ordered_at, used_at, joined, first_customer, first_at)
SELECT u.lane, u.cart_id, max(u.key) FILTER (WHERE u.key >= 'c'), max(u.key) FILTER (WHERE u.key < 'b'),
       count(DISTINCT u.key) FILTER (WHERE u.key >= 'c') > 1 OR count(DISTINCT u.key) FILTER (WHERE u.key < 'b') > 1, min(u.ordered_at),
       $5::timestamptz,
       count(DISTINCT u.key) FILTER (WHERE u.key >= 'c') = 1 AND count(DISTINCT u.key) FILTER (WHERE u.key < 'b') = 1 AND min(u.ordered_at) IS NOT NULL,
       (array_agg(u.key ORDER BY u.named_at, u.key COLLATE "C") FILTER (WHERE u.key >= 'c'))[1], min(u.named_at) FILTER (WHERE u.key >= 'c')
  FROM unnest($1::int[], $2::text[], $3::text[], $4::timestamptz[], $6::timestamptz[]) WITH ORDINALITY AS u(lane, cart_id, key, ordered_at, named_at, o)
 WHERE u.o NOT IN (SELECT k.o FROM known k)
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

-- name: outreach_put
SELECT p.put, p.told
  FROM cartwright.outreach_put($1::int, $2::text, $3::int, $4::int, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::text::json, $11::text::json,
                               $12::text::json, $13::text, $14::jsonb, $15::text) AS p;
