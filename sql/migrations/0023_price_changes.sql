-- When the catalogue's price became what it is, and what it was before: a cart's own price (a coupon's, a group's, a gift) is not "changed" by a
-- catalogue that says the same as ever. Of rows from before the change is not known; their last update stands for it.
ALTER TABLE cartwright.product
    ADD COLUMN priced_at        timestamptz,
    ADD COLUMN price_before     bigint,      -- of the same currency; NULL: none was known
    ADD COLUMN priced_before_at timestamptz;
UPDATE cartwright.product SET priced_at = updated_at WHERE price_minor IS NOT NULL;
