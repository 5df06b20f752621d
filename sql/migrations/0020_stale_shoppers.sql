-- Shoppers of very many events whose past has changed further back than a batch of the fold reads. Their events behind shopper.folded_off (0
-- where there is no row), up to the lane's cursor, are not folded yet: each of them is folded again by itself, and rests afterwards for a
-- multiple of what that took, so that the lane never waits. Only the folder that holds the lane's cursor writes here (and, when it is due again,
-- who is about to fold it).
CREATE TABLE cartwright.stale_shopper (
    lane    int NOT NULL,
    key     text COLLATE "C" NOT NULL,
    since   timestamptz,                                    -- NULL: everything is folded, and the row holds for the next time
    due_at  timestamptz NOT NULL,                           -- not folded again before
    took_us bigint NOT NULL CHECK (took_us >= 0),           -- the last time; 0: there was none
    PRIMARY KEY (lane, key)
);
