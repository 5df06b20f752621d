-- Everybody who keeps a cart of an id, not only whoever was folded last: asked about a cart by its id alone, nobody is told what another
-- person put into one of the same id. Found by the cart id, of which nobody knows the lanes of its shoppers: it stays in front.
ALTER TABLE cartwright.cart_lane DROP CONSTRAINT cart_lane_pkey;
ALTER TABLE cartwright.cart_lane ADD PRIMARY KEY (cart_id, lane, key);
INSERT INTO cartwright.cart_lane (cart_id, lane, key) SELECT c.cart_id, c.lane, c.key FROM cartwright.cart c ON CONFLICT DO NOTHING;
-- Whom no cart of theirs led to any more.
DELETE FROM cartwright.cart_lane l WHERE NOT EXISTS (SELECT FROM cartwright.cart c WHERE c.lane = l.lane AND c.key = l.key AND c.cart_id = l.cart_id);
