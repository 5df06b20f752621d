-- When a cart was last named, to the day: what nobody has named for as long as events are kept is forgotten with them (maintain).
ALTER TABLE cartwright.cart_party ADD COLUMN used_at timestamptz NOT NULL DEFAULT now();
