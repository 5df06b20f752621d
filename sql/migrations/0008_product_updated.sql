-- Serves products_changed: what the processes that serve recommendations look for every few seconds.
CREATE INDEX product_updated ON cartwright.product (updated_at);
