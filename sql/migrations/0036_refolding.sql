-- Shoppers of more events than are read at once, while everything they did is folded again a page at a time, each in a transaction of its own: how far that is.
-- They are stale meanwhile (stale_shopper). Only the folder that holds the lane's cursor writes here, and whoever trims or rebuilds the lane, who forgets it all.
CREATE TABLE cartwright.refolding (
    lane      int NOT NULL,
    key       text COLLATE "C" NOT NULL,
    from_off  bigint NOT NULL,       -- of the document that is stored: what lies behind has told nobody anything yet
    last_off  bigint NOT NULL,       -- what lies up to here is folded
    phase     smallint NOT NULL CHECK (phase BETWEEN 0 AND 3), -- 0 read by offset, 1 who is whom, 2 folded by time, 3 told to others
    done_off  bigint NOT NULL,       -- read, told up to here
    done_at   timestamptz NOT NULL,  -- folded up to here, and everything that occurred then
    done_name text COLLATE "C" NOT NULL, -- of a customer: who is whom is known of browsers up to this one
    events    bigint NOT NULL,       -- that were read
    folded    bigint NOT NULL,       -- of these
    says_who  boolean NOT NULL,      -- what lies behind from_off says who somebody is
    doc       text,                  -- who it is; then folded so far; then the fold. NULL: none yet
    took_us   bigint NOT NULL,       -- all pages together
    since     timestamptz NOT NULL,
    PRIMARY KEY (lane, key)
);

-- Of its events those that say something of all of them: closers, and of a browser who logged in and out.
CREATE TABLE cartwright.refolding_fact (
    lane        int NOT NULL,
    key         text COLLATE "C" NOT NULL,
    occurred_at timestamptz NOT NULL,
    off         bigint NOT NULL,
    PRIMARY KEY (lane, key, occurred_at, off)
);

-- Browsers that a customer's events name, or that told it whose they are.
CREATE TABLE cartwright.refolding_name (
    lane     int NOT NULL,
    key      text COLLATE "C" NOT NULL,
    name     text COLLATE "C" NOT NULL,
    first_at timestamptz,            -- named then for the first time; NULL: never
    last_at  timestamptz,
    said_at  timestamptz,            -- the first time that is no guess; infinity: never
    guessed  boolean NOT NULL,
    version  bigint,                 -- of the newest binding_set; NULL: there is none
    off      bigint,
    PRIMARY KEY (lane, key, name)
);
