-- What stands beside the log in store_twice_test. draw() is a number of the data set (setting twice.seed) and a name; some() holds of none, an eighth or half of a
-- table's rows, as the data set has it; in a quiet one (twice.quiet) nobody is stale or handed over, nothing waits to be told, and all is folded. Times that something is ordered by differ.
CREATE OR REPLACE FUNCTION pg_temp.draw(p text, n int) RETURNS int LANGUAGE sql AS
 $$ SELECT abs(hashtext(current_setting('twice.seed') || p) % n) $$;
CREATE OR REPLACE FUNCTION pg_temp.some(p_table text, p_item text) RETURNS bool LANGUAGE sql AS
 $$ SELECT NOT (current_setting('twice.quiet')::bool AND p_table IN ('stale', 'handing', 'waiting')) AND pg_temp.draw(p_table || p_item, 16) < (ARRAY[0, 2, 8])[1 + pg_temp.draw('density' || p_table, 3)] $$;
CREATE OR REPLACE FUNCTION pg_temp.customer(n int) RETURNS text LANGUAGE sql AS $$ SELECT (string_to_array(current_setting('twice.customers'), ','))[1 + n] $$;
CREATE OR REPLACE FUNCTION pg_temp.browser(n int) RETURNS text LANGUAGE sql AS $$ SELECT (string_to_array(current_setting('twice.browsers'), ','))[1 + n] $$;
DROP TABLE IF EXISTS pg_temp.who;
DROP TABLE IF EXISTS pg_temp.cart_of;
CREATE TEMP TABLE who AS SELECT k.key, cartwright.lane_of(k.key) AS lane, row_number() OVER () AS nth,
   to_timestamp(1790000000) + row_number() OVER () * interval '1 second' AS at,
   (SELECT count(*) FROM cartwright.log x WHERE x.lane = cartwright.lane_of(k.key)) AS news
  FROM (SELECT 'c:' || pg_temp.customer(c) FROM generate_series(0, 5) c UNION ALL SELECT 'a:' || pg_temp.browser(a) FROM generate_series(0, 7) a) AS k(key);
CREATE TEMP TABLE cart_of AS SELECT w.key, w.lane, w.nth * 6 + c AS nth, 'k' || c AS cart_id, w.key || c AS item FROM who w, generate_series(0, 5) c;
UPDATE cartwright.lane_cursor c SET off = greatest(0, w.news - CASE WHEN current_setting('twice.quiet')::bool THEN 0 ELSE (ARRAY[0, 0, 0, 0, 1, 1, 1, 2, 3, 100])[1 + pg_temp.draw('cursor' || w.lane, 10)] END)
  FROM who w WHERE w.lane = c.lane;
UPDATE cartwright.lane_cursor c SET owner = (ARRAY['me', 'you', NULL])[1 + pg_temp.draw('owner' || c.lane, 3)],
       lease_until = (ARRAY['-infinity', 'infinity'])[1 + pg_temp.draw('lease' || c.lane, 2)]::timestamptz WHERE pg_temp.some('owner', c.lane::text);
UPDATE cartwright.lane l SET floor_off = w.news + pg_temp.draw('floor' || w.lane, 3) FROM who w WHERE w.lane = l.lane AND pg_temp.some('floor', w.key);
INSERT INTO cartwright.shopper SELECT w.lane, w.key, least(c.off, greatest(0, w.news - pg_temp.draw('folded' || w.key, 8))), 'doc of ' || w.key
  FROM who w JOIN cartwright.lane_cursor c ON c.lane = w.lane AND c.consumer = 'fold' WHERE NOT pg_temp.some('new', w.key);
INSERT INTO cartwright.shopper_base SELECT w.lane, w.key, 'base of ' || w.key FROM who w WHERE pg_temp.some('base', w.key);
INSERT INTO cartwright.stale_shopper SELECT w.lane, w.key, CASE WHEN pg_temp.draw('since' || w.key, 4) > 0 THEN w.at END,
       CASE WHEN pg_temp.draw('due' || w.key, 2) = 0 THEN w.at + interval '50 years' ELSE w.at - interval '1 year' END, pg_temp.draw('took' || w.key, 9)
  FROM who w WHERE pg_temp.some('stale', w.key);
INSERT INTO cartwright.handing_over SELECT w.lane, w.key, pg_temp.draw('done' || w.key, 5), 9, w.at,
       CASE WHEN pg_temp.draw('again' || w.key, 2) = 0 THEN w.at END, w.at, w.at + interval '1 hour', w.at - interval '1 hour'
  FROM who w WHERE pg_temp.some('handing', w.key);
INSERT INTO cartwright.heavy_shopper SELECT w.lane, w.key, pg_temp.draw('known' || w.key, 12), 'heavy ' || w.key FROM who w WHERE pg_temp.some('heavy', w.key);
INSERT INTO cartwright.heavy_event SELECT x.lane, x.key, x.occurred_at, x.off
  FROM cartwright.log x JOIN cartwright.heavy_shopper h ON h.lane = x.lane AND h.key = x.key AND x.off <= h.known_off;
INSERT INTO cartwright.heavy_checkpoint SELECT h.lane, h.key, to_timestamp(1790000000 + pg_temp.draw('at' || n || h.key, 40)), 1 + n, 'point ' || n
  FROM cartwright.heavy_shopper h, generate_series(0, 3) n WHERE pg_temp.draw('point' || n || h.key, 2) = 0 ON CONFLICT DO NOTHING;
INSERT INTO cartwright.derived_waiting SELECT w.lane, 'cartwright:' || w.key, w.key, (ARRAY['shopper_bound', 'forwarded'])[1 + pg_temp.draw('kind' || w.key, 2)],
       w.at, w.at, CASE pg_temp.draw('body' || w.key, 3) WHEN 0 THEN jsonb_build_object('anonymous_id', pg_temp.browser(pg_temp.draw('n' || w.key, 8)))
                        WHEN 1 THEN jsonb_build_object('via', pg_temp.browser(pg_temp.draw('n' || w.key, 8)))
                        ELSE jsonb_build_object('event', jsonb_build_object('cart_id', 'k' || pg_temp.draw('n' || w.key, 6))) END
  FROM who w WHERE pg_temp.some('waiting', w.key);
INSERT INTO cartwright.cart (lane, key, cart_id, round, status, lines, units, opened_at, changed_at, seen_at, contacted, bot, imported, risk, risk_model)
SELECT c.lane, c.key, c.cart_id, 1, (ARRAY['open', 'open', 'bought', 'emptied', 'merged'])[1 + pg_temp.draw('status' || c.item, 5)], 1, 1,
       to_timestamp(1790000000), to_timestamp(1790000000), to_timestamp(1790000000 + pg_temp.draw('seen' || c.item, 40)), 0,
       pg_temp.draw('bot' || c.item, 6) = 0, false, nullif(pg_temp.draw('risk' || c.item, 9), 0) / 10.0, (ARRAY['m1', 'm2', NULL])[1 + pg_temp.draw('model' || c.item, 3)]
  FROM cart_of c WHERE pg_temp.some('cart', c.item);
INSERT INTO cartwright.cart_lane SELECT c.cart_id, c.lane, c.key FROM cart_of c WHERE pg_temp.some('cart_lane', c.item);
INSERT INTO cartwright.cart_party SELECT cartwright.lane_of('k:k' || n), 'k' || n, 'c:' || pg_temp.customer(pg_temp.draw('pc' || n, 7)), 'a:' || pg_temp.browser(pg_temp.draw('pa' || n, 9)),
       pg_temp.draw('many' || n, 4) = 0, to_timestamp(1790000000 + nullif(pg_temp.draw('ordered' || n, 3), 0)), to_timestamp(1790000000 + pg_temp.draw('used' || n, 200000)),
       (ARRAY[true, false, NULL])[1 + pg_temp.draw('joined' || n, 3)], 'c:' || pg_temp.customer(pg_temp.draw('pf' || n, 7)),
       to_timestamp(1790000000 + pg_temp.draw('first' || n, 3))
  FROM generate_series(0, 5) n WHERE pg_temp.draw('party' || n, 4) > 0;
INSERT INTO cartwright.outreach SELECT c.lane, 'cart:' || c.cart_id, c.nth, 1, 'o' || c.item, c.key,
       CASE WHEN o.silent THEN 'silence' ELSE 'send' END, 'r', to_timestamp(1790000000), '{}', '{}', CASE WHEN NOT o.silent THEN '{}'::json END, 'd'
  FROM cart_of c, LATERAL (SELECT pg_temp.draw('silent' || c.item, 3) = 0 AS silent) AS o WHERE pg_temp.some('outreach', c.item);
ANALYZE;
