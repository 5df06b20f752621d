-- Everything that is stored of one shopper, for whoever answers or decides about them.

-- name: shopper_gather
-- $1 a key, or NULL and $2 a cart id. $3: the whole history, else what no fold has taken yet. $4: with what a decision asks besides.
-- $5: at most so many events of that, the first, and $6: the one that goes beyond so many bytes is the last. Of a stale shopper's news, and where a heavy or stale one has more, there are none: the row of the
-- shopper says so (held).
-- One statement, so that everything is of one snapshot: retention moves events into the base at any time, and the fold moves them into doc.
-- Rows are tagged: 0 the shopper (none: no shopper has such a cart; several have: one of them, and shared says so), 1 an event, in order of offset, 2 a round that was spoken to.
WITH who AS MATERIALIZED (
    SELECT cartwright.lane_of($1::text) AS lane, $1::text AS key, false AS shared WHERE $1::text IS NOT NULL
     UNION ALL
    (SELECT k.lane, k.key, count(*) OVER () > 1
       FROM (SELECT l.lane, l.key FROM cartwright.cart_lane l WHERE $1::text IS NULL AND l.cart_id = $2::text ORDER BY l.lane, l.key LIMIT 2) AS k
      ORDER BY k.lane, k.key LIMIT 1)
), stored AS MATERIALIZED (
    SELECT w.lane, w.key, w.shared, s.folded_off, s.doc, b.doc AS base, CASE WHEN $3::bool THEN 0 ELSE coalesce(s.folded_off, 0) END AS since,
           h.lane IS NOT NULL AS heavy,
           CASE WHEN d.since IS NOT NULL AND NOT $3::bool THEN true
                WHEN h.lane IS NULL AND d.since IS NULL THEN false
                ELSE EXISTS (SELECT FROM cartwright.events_since(w.lane, w.key, CASE WHEN $3::bool THEN 0 ELSE coalesce(s.folded_off, 0) END, $5::bigint)
                             OFFSET $5::bigint - 1) END AS held
      FROM who w
      LEFT JOIN cartwright.shopper s ON s.lane = w.lane AND s.key = w.key
      LEFT JOIN cartwright.shopper_base b ON b.lane = w.lane AND b.key = w.key
      LEFT JOIN cartwright.heavy_shopper h ON h.lane = w.lane AND h.key = w.key
      LEFT JOIN cartwright.stale_shopper d ON d.lane = w.lane AND d.key = w.key
), news AS MATERIALIZED (
    SELECT e.lane, e.off, e.id, e.type, e.origin, e.occurred_at, e.received_at, e.body
      FROM stored t
     CROSS JOIN LATERAL (SELECT array_agg(y.off ORDER BY y.off) AS offs
                           FROM cartwright.events_since(t.lane, t.key, t.since, CASE WHEN t.held THEN 0 ELSE $5::bigint END) AS y) AS n
     CROSS JOIN LATERAL cartwright.events_within(t.lane, n.offs, $6::bigint) AS e
), carts AS ( -- that were folded, or spoken about since
    SELECT c.lane, c.key, c.cart_id FROM stored t JOIN cartwright.cart c ON c.lane = t.lane AND c.key = t.key WHERE $4::bool
     UNION
    SELECT t.lane, t.key, cartwright.event_cart(n.body) COLLATE "C" FROM stored t, news n WHERE $4::bool AND n.type = 32
)
SELECT 0 AS part, coalesce(t.folded_off, 0) AS n, t.lane AS m, t.key AS id, t.doc AS type, t.base AS origin,
       NULL::timestamptz AS occurred_at, NULL::timestamptz AS received_at, NULL::text AS body,
       t.heavy, t.held, NULL::bytea AS packed_id, NULL::smallint AS code, t.shared
  FROM stored t
 UNION ALL
SELECT 1, n.off, n.lane, NULL, NULL, n.origin::text, n.occurred_at, n.received_at, n.body, NULL, NULL, n.id, n.type, NULL FROM news n
 UNION ALL
SELECT 2, o.round::bigint, o.step, o.outreach_id, o.subject, o.cart_digest, o.decided_at, NULL, NULL, NULL, NULL, NULL, NULL, NULL
  FROM carts c JOIN cartwright.outreach o ON o.lane = c.lane AND o.key = c.key AND o.subject = 'cart:' || c.cart_id AND o.decision = 'send'
 ORDER BY 1, 2;

-- name: cart_keepers
-- Whoever keeps a cart of the id $1, at most $2 of them, in whatever lanes they are.
SELECT l.key FROM cartwright.cart_lane l WHERE l.cart_id = $1::text ORDER BY l.lane, l.key LIMIT $2::bigint;
