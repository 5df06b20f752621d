CREATE TABLE cartwright.product (
    product_id  text COLLATE "C" PRIMARY KEY CHECK (octet_length(product_id) BETWEEN 1 AND 200),
    title       text,
    url         text,
    image_url   text,
    price_minor bigint CHECK (price_minor >= 0),
    currency    text CHECK (currency ~ '^[A-Z]{3}$'),
    category    text,                  -- path, levels parted by ' > '
    brand       text,
    stock       bigint CHECK (stock >= 0), -- NULL: not tracked
    attributes  jsonb NOT NULL DEFAULT '{}',
    source      text NOT NULL CHECK (source IN ('api', 'import')),
    updated_at  timestamptz NOT NULL,
    CHECK ((price_minor IS NULL) = (currency IS NULL))
);
CREATE INDEX product_category ON cartwright.product (category);
