-- Days of the shop as a whole.

-- name: shop_days_fill
-- Days that ended before $1 (a day's number) and have no row yet; how many.
SELECT cartwright.shop_days_fill($1::bigint::int);

-- name: shop_days_read
-- All of them, or none where there are $1 of them: rows are only ever added.
SELECT day, adds, orders FROM cartwright.shop_day WHERE (SELECT count(*) FROM cartwright.shop_day) <> $1::bigint ORDER BY day;
