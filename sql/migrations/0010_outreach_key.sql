-- A decision is one shopper's: the key names the shopper, so that a cart id which several of one lane use (a shop that calls every cart
-- "cart") stands for a message of each. What it is about is a subject, "cart:" and the cart's id. Ids that were handed out stay as they are.
ALTER TABLE cartwright.outreach DROP CONSTRAINT outreach_pkey;
ALTER TABLE cartwright.outreach RENAME COLUMN cart_id TO subject;
UPDATE cartwright.outreach SET subject = 'cart:' || subject;
ALTER TABLE cartwright.outreach ADD CONSTRAINT outreach_subject_check CHECK (subject ~ '^[a-z]+:.');
ALTER TABLE cartwright.outreach ADD PRIMARY KEY (lane, key, subject, round, step);
COMMENT ON COLUMN cartwright.outreach.outreach_id IS
    '"out_" + lane as two hex digits + 24 hex digits of SHA-256(lane, key, subject, round, step)';
