-- Days of the shop as a whole.

-- name: shop_days_fill
-- Days that ended before $1 (a day's number) and have no row yet. Reads the log once.
INSERT INTO cartwright.shop_day (day, adds, orders)
SELECT d.day, d.adds, d.orders
  FROM (SELECT floor(extract(epoch FROM e.occurred_at) / 86400)::int AS day,
               count(*) FILTER (WHERE e.type = 'cart_item_added') AS adds,
               count(*) FILTER (WHERE e.type = 'purchase' AND e.body #>> '{properties,kind}' IS DISTINCT FROM 'renewal') AS orders
          FROM cartwright.event e
         WHERE e.type IN ('cart_item_added', 'purchase') AND e.occurred_at < to_timestamp($1::bigint * 86400)
         GROUP BY 1) AS d
 WHERE NOT EXISTS (SELECT 1 FROM cartwright.shop_day s WHERE s.day = d.day)
ON CONFLICT (day) DO NOTHING;

-- name: shop_days_read
-- All of them, or none where there are $1 of them: rows are only ever added.
SELECT day, adds, orders FROM cartwright.shop_day WHERE (SELECT count(*) FROM cartwright.shop_day) <> $1::bigint ORDER BY day;
