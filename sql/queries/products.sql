-- The catalogue. Columns are always in this order: id title url image_url price_minor currency category brand stock attributes updated_at; products_read
-- adds when the price became that, the one before, and when that had become.

-- name: products_put
-- Replaces whole products; of an id that comes twice the last one counts. Says per element whether the product is new.
-- Locks in the order of ids. One that was removed is new again.
WITH incoming AS MATERIALIZED (
    SELECT *
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::jsonb[])
           WITH ORDINALITY
           AS u(product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, o)
), removed AS MATERIALIZED (
    SELECT p.product_id FROM cartwright.product p WHERE p.product_id = ANY ($1::text[]) AND p.deleted
), written AS (
    INSERT INTO cartwright.product (product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, source, updated_at, priced_at)
    SELECT DISTINCT ON (i.product_id) i.product_id, i.title, i.url, i.image_url, i.price_minor, i.currency, i.category, i.brand, i.stock,
           coalesce(i.attributes, '{}'), 'api', $11::timestamptz, CASE WHEN i.price_minor IS NOT NULL THEN $11::timestamptz END
      FROM incoming i
     ORDER BY i.product_id, i.o DESC
    ON CONFLICT (product_id) DO UPDATE
       SET title = excluded.title, url = excluded.url, image_url = excluded.image_url, price_minor = excluded.price_minor,
           currency = excluded.currency, category = excluded.category, brand = excluded.brand, stock = excluded.stock,
           attributes = excluded.attributes, source = 'api', updated_at = excluded.updated_at, deleted = false,
           priced_at = CASE WHEN product.price_minor IS NOT DISTINCT FROM excluded.price_minor AND product.currency IS NOT DISTINCT FROM excluded.currency
                            THEN product.priced_at ELSE excluded.updated_at END,
           price_before = CASE WHEN product.price_minor IS NOT DISTINCT FROM excluded.price_minor AND product.currency IS NOT DISTINCT FROM excluded.currency
                               THEN product.price_before WHEN product.currency = excluded.currency THEN product.price_minor END,
           priced_before_at = CASE WHEN product.price_minor IS NOT DISTINCT FROM excluded.price_minor AND product.currency IS NOT DISTINCT FROM excluded.currency
                                   THEN product.priced_before_at WHEN product.currency = excluded.currency THEN product.priced_at END
    RETURNING product_id, xmax = 0 AS created
)
SELECT w.created OR EXISTS (SELECT 1 FROM removed r WHERE r.product_id = w.product_id)
  FROM incoming i JOIN written w ON w.product_id = i.product_id
 ORDER BY i.o;

-- name: products_learn
-- What an import saw. Its own earlier words it may correct (the newest known value of each column), the API's it only completes. What the shop
-- removed it does not bring back.
INSERT INTO cartwright.product (product_id, title, category, brand, price_minor, currency, source, updated_at, priced_at)
SELECT u.product_id,
       (array_agg(u.title ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.title IS NOT NULL))[1],
       (array_agg(u.category ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.category IS NOT NULL))[1],
       (array_agg(u.brand ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.brand IS NOT NULL))[1],
       (array_agg(u.price_minor ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.price_minor IS NOT NULL))[1],
       (array_agg(u.currency ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.price_minor IS NOT NULL))[1],
       'import', max(u.seen_at), max(u.seen_at) FILTER (WHERE u.price_minor IS NOT NULL)
  FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::timestamptz[])
       WITH ORDINALITY AS u(product_id, title, category, brand, price_minor, currency, seen_at, o)
 GROUP BY u.product_id
 ORDER BY u.product_id
ON CONFLICT (product_id) DO UPDATE
   SET title = CASE WHEN product.title IS NULL OR (product.source = 'import' AND excluded.updated_at >= product.updated_at)
                    THEN coalesce(excluded.title, product.title) ELSE product.title END,
       category = CASE WHEN product.category IS NULL OR (product.source = 'import' AND excluded.updated_at >= product.updated_at)
                       THEN coalesce(excluded.category, product.category) ELSE product.category END,
       brand = CASE WHEN product.brand IS NULL OR (product.source = 'import' AND excluded.updated_at >= product.updated_at)
                    THEN coalesce(excluded.brand, product.brand) ELSE product.brand END,
       price_minor = CASE WHEN product.source = 'import' AND excluded.price_minor IS NOT NULL
                               AND (product.price_minor IS NULL OR excluded.updated_at >= product.updated_at)
                          THEN excluded.price_minor ELSE product.price_minor END,
       currency = CASE WHEN product.source = 'import' AND excluded.price_minor IS NOT NULL
                            AND (product.price_minor IS NULL OR excluded.updated_at >= product.updated_at)
                       THEN excluded.currency ELSE product.currency END,
       priced_at = CASE WHEN product.source = 'import' AND excluded.price_minor IS NOT NULL
                             AND (product.price_minor IS NULL
                                  OR (excluded.updated_at >= product.updated_at AND (excluded.price_minor, excluded.currency) <> (product.price_minor, product.currency)))
                        THEN excluded.priced_at ELSE product.priced_at END,
       price_before = CASE WHEN product.source = 'import' AND excluded.updated_at >= product.updated_at AND excluded.price_minor <> product.price_minor
                           THEN CASE WHEN excluded.currency = product.currency THEN product.price_minor END ELSE product.price_before END,
       priced_before_at = CASE WHEN product.source = 'import' AND excluded.updated_at >= product.updated_at AND excluded.price_minor <> product.price_minor
                               THEN product.priced_at ELSE product.priced_before_at END,
       updated_at = CASE WHEN product.source = 'import' THEN greatest(excluded.updated_at, product.updated_at) ELSE product.updated_at END
 WHERE NOT product.deleted;

-- name: products_read
-- In the order asked for; NULLs where there is none. Of one that was removed there is the stock: none is left.
-- The ids are asked for by the plan, not known to it: of few it would be made anew at every call.
SELECT u.product_id, p.title, p.url, p.image_url, p.price_minor, p.currency, p.category, p.brand, p.stock, p.attributes,
       CASE WHEN NOT p.deleted THEN p.updated_at END, p.priced_at, p.price_before, p.priced_before_at
  FROM unnest((SELECT $1::text[])) WITH ORDINALITY AS u(product_id, o)
  LEFT JOIN cartwright.product p ON p.product_id = u.product_id
 ORDER BY u.o;

-- name: products_page
-- The values are asked for by the plan, not known to it: it would be made anew for every page.
SELECT product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, updated_at
  FROM cartwright.product
 WHERE product_id > (SELECT $1::text) AND NOT deleted
 ORDER BY product_id
 LIMIT (SELECT $2::bigint);

-- name: products_search
-- Those with a word that begins so, for every word of $3: behind id $1 the next $2, and where to go on (NULL: there are no more; a row of it alone
-- where no product is on the page). Most words find few: up to $4 are read by the index product_words, and put in order. More than that are met soon by
-- who walks the catalogue in order; at most $5 products are looked at for a page, which may be short then and not the last. A CTE is read only as
-- far as somebody asks: found no further than for $4 + 1.
WITH found AS MATERIALIZED (
    SELECT p.product_id
      FROM cartwright.product p
     WHERE cartwright.product_words(p.product_id, p.title, p.brand, p.category) @@ cartwright.product_search($3::text) AND NOT p.deleted
), few AS MATERIALIZED (
    SELECT f.product_id FROM found f LIMIT $4::bigint + 1
), walk AS MATERIALIZED (
    SELECT p.product_id,
           cartwright.product_words(p.product_id, p.title, p.brand, p.category) @@ (SELECT cartwright.product_search($3::text)) AS hit
      FROM cartwright.product p
     WHERE (SELECT count(*) FROM few) > $4::bigint AND p.product_id > $1::text AND NOT p.deleted
     ORDER BY p.product_id
     LIMIT $5::bigint
), page AS MATERIALIZED (
    (SELECT f.product_id FROM few f
      WHERE (SELECT count(*) FROM few) <= $4::bigint AND f.product_id > $1::text
      ORDER BY f.product_id
      LIMIT $2::bigint)
     UNION ALL
    (SELECT w.product_id FROM walk w WHERE w.hit LIMIT $2::bigint)
), stop AS MATERIALIZED (
    SELECT CASE WHEN (SELECT count(*) FROM page) = $2::bigint THEN (SELECT max(g.product_id) FROM page g)
                ELSE (SELECT max(w.product_id) FROM walk w HAVING count(*) = $5::bigint) END AS product_id
)
SELECT p.product_id, p.title, p.url, p.image_url, p.price_minor, p.currency, p.category, p.brand, p.stock, p.attributes, p.updated_at, s.product_id
  FROM stop s
  LEFT JOIN page g ON true
  LEFT JOIN LATERAL (SELECT x.* FROM cartwright.product x WHERE x.product_id = g.product_id LIMIT 1) AS p ON true
 ORDER BY g.product_id;

-- name: products_lock
-- What is known of these, held until commit: nobody merges into them meanwhile. Locks in the order of ids. Planned once, as products_page.
SELECT product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, updated_at
  FROM cartwright.product
 WHERE product_id = ANY ((SELECT $1::text[])::text[]) AND NOT deleted
 ORDER BY product_id
   FOR UPDATE;

-- name: products_delete
-- Sold out and without a word: whoever serves looks for what was updated, and learns of it by that.
UPDATE cartwright.product
   SET title = NULL, url = NULL, image_url = NULL, price_minor = NULL, currency = NULL, category = NULL, brand = NULL, stock = 0, attributes = '{}',
       source = 'api', updated_at = $2::timestamptz, deleted = true, priced_at = NULL, price_before = NULL, priced_before_at = NULL
 WHERE product_id = $1::text AND NOT deleted;

-- name: products_stream
SELECT product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, updated_at
  FROM cartwright.product
 WHERE NOT deleted
 ORDER BY product_id;

-- name: products_open
-- When the oldest transaction began that may still write to the catalogue: its rows will carry a time that lies before it is seen. Of other
-- roles' sessions only pg_read_all_stats may know.
SELECT coalesce(min(a.xact_start), 'infinity') FROM pg_stat_activity a
 WHERE a.datname = current_database() AND a.backend_xid IS NOT NULL AND a.pid <> pg_backend_pid();

-- name: products_changed
-- What decides whether it may be shown, of what was written at or after a time: the index on updated_at.
SELECT product_id, price_minor, stock, updated_at, currency, left(title, 1)
  FROM cartwright.product
 WHERE updated_at >= $1::timestamptz
 ORDER BY updated_at;
