-- Whether the two of a cart id were ever told that they are one: then it has to be taken back where others turn out to use it as well. Of rows of before nobody
-- knows; NULL is "if nothing else was lacking".
ALTER TABLE cartwright.cart_party ADD COLUMN joined boolean;
