-- Shoppers of very many events (setting heavy_events), so that an event out of order does not read them all. What is here is of one fold, of
-- everything up to known_off: it stays right whatever comes later, until retention removes events of the lane, which removes it as well.
CREATE TABLE cartwright.heavy_shopper (
    lane      int NOT NULL,
    key       text COLLATE "C" NOT NULL,
    known_off bigint NOT NULL,  -- highest offset of this key's events in doc
    doc       text NOT NULL,    -- canonical JSON, as in shopper
    PRIMARY KEY (lane, key)
);

-- Its events up to known_off by time: which of them lie behind a checkpoint.
CREATE TABLE cartwright.heavy_event (
    lane        int NOT NULL,
    key         text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    off         bigint NOT NULL,
    PRIMARY KEY (lane, key, occurred_at, off)
);

-- States on the way of that fold (domain/shopper/shopper_again.h), some twenty a shopper.
CREATE TABLE cartwright.heavy_checkpoint (
    lane   int NOT NULL,
    key    text COLLATE "C" NOT NULL,
    at     timestamptz NOT NULL,  -- everything that occurred up to here is folded, nothing later
    events bigint NOT NULL CHECK (events > 0),
    doc    text NOT NULL,
    PRIMARY KEY (lane, key, at)
);
