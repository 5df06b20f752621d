-- A send stands only for the cart it was about: asked again after the cart has changed, the old message must not come back. NULL in rows of
-- before; of those the time of the cart's last change tells.
ALTER TABLE cartwright.outreach ADD COLUMN cart_digest text;
COMMENT ON COLUMN cartwright.outreach.cart_digest IS 'SHA-256 of the lines that were decided about, in hex';
