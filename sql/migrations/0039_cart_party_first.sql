-- Which customer named a cart first, by the times of the events: customer is the one that was folded first, and stays the one that was joined. Of rows of before
-- nobody knows the times: there it is that one.
ALTER TABLE cartwright.cart_party
    ADD COLUMN first_customer text COLLATE "C",
    ADD COLUMN first_at timestamptz; -- NULL as first_customer is
UPDATE cartwright.cart_party SET first_customer = customer, first_at = '-infinity' WHERE customer IS NOT NULL;
