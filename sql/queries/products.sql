-- The catalogue. Columns are always in this order: id title url image_url price_minor currency category brand stock attributes updated_at.

-- name: products_put
-- Replaces whole products; of an id that comes twice the last one counts. Says per element whether the product is new.
-- Locks in the order of ids.
WITH incoming AS MATERIALIZED (
    SELECT *
      FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::text[], $7::text[], $8::text[], $9::bigint[], $10::jsonb[])
           WITH ORDINALITY
           AS u(product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, o)
), written AS (
    INSERT INTO cartwright.product (product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, source, updated_at)
    SELECT DISTINCT ON (i.product_id) i.product_id, i.title, i.url, i.image_url, i.price_minor, i.currency, i.category, i.brand, i.stock,
           coalesce(i.attributes, '{}'), 'api', $11::timestamptz
      FROM incoming i
     ORDER BY i.product_id, i.o DESC
    ON CONFLICT (product_id) DO UPDATE
       SET title = excluded.title, url = excluded.url, image_url = excluded.image_url, price_minor = excluded.price_minor,
           currency = excluded.currency, category = excluded.category, brand = excluded.brand, stock = excluded.stock,
           attributes = excluded.attributes, source = 'api', updated_at = excluded.updated_at
    RETURNING product_id, xmax = 0 AS created
)
SELECT w.created FROM incoming i JOIN written w ON w.product_id = i.product_id ORDER BY i.o;

-- name: products_learn
-- What an import saw. Its own earlier words it may correct (the newest known value of each column), the API's it only completes.
INSERT INTO cartwright.product (product_id, title, category, brand, price_minor, currency, source, updated_at)
SELECT u.product_id,
       (array_agg(u.title ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.title IS NOT NULL))[1],
       (array_agg(u.category ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.category IS NOT NULL))[1],
       (array_agg(u.brand ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.brand IS NOT NULL))[1],
       (array_agg(u.price_minor ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.price_minor IS NOT NULL))[1],
       (array_agg(u.currency ORDER BY u.seen_at DESC, u.o DESC) FILTER (WHERE u.price_minor IS NOT NULL))[1],
       'import', max(u.seen_at)
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
       updated_at = CASE WHEN product.source = 'import' THEN greatest(excluded.updated_at, product.updated_at) ELSE product.updated_at END;

-- name: products_read
-- In the order asked for; NULLs where there is none.
SELECT u.product_id, p.title, p.url, p.image_url, p.price_minor, p.currency, p.category, p.brand, p.stock, p.attributes, p.updated_at
  FROM unnest($1::text[]) WITH ORDINALITY AS u(product_id, o)
  LEFT JOIN cartwright.product p ON p.product_id = u.product_id
 ORDER BY u.o;

-- name: products_page
SELECT product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, updated_at
  FROM cartwright.product
 WHERE product_id > $1::text
 ORDER BY product_id
 LIMIT $2::bigint;

-- name: products_stream
SELECT product_id, title, url, image_url, price_minor, currency, category, brand, stock, attributes, updated_at
  FROM cartwright.product
 ORDER BY product_id;

-- name: products_changed
-- Stock and price of what was written at or after a time: the index on updated_at.
SELECT product_id, price_minor, stock, updated_at
  FROM cartwright.product
 WHERE updated_at >= $1::timestamptz
 ORDER BY updated_at;
