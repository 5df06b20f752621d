-- What the fold keeps. `doc` is the canonical JSON of domain/shopper.h: a pure function of the shopper's events.
CREATE TABLE cartwright.shopper (
    lane       int NOT NULL,
    key        text COLLATE "C" NOT NULL,
    folded_off bigint NOT NULL,       -- highest offset of this key's events in doc
    doc        text NOT NULL,
    PRIMARY KEY (lane, key)
) WITH (fillfactor = 80);

-- The shopper as of the lane's floor_off, where retention has removed events. Replay starts from it.
CREATE TABLE cartwright.shopper_base (
    lane int NOT NULL,
    key  text COLLATE "C" NOT NULL,
    doc  text NOT NULL,
    PRIMARY KEY (lane, key)
);

-- One row a cart, derived from doc in the same transaction, for lists. Risk columns: last score, by whichever model.
-- The shopper is part of the key: two shoppers of one lane may use the same cart id (a shared device).
CREATE TABLE cartwright.cart (
    lane        int NOT NULL,
    key         text COLLATE "C" NOT NULL,
    cart_id     text COLLATE "C" NOT NULL,
    round       int NOT NULL CHECK (round >= 1),
    status      text NOT NULL CHECK (status IN ('open', 'bought', 'emptied', 'merged')),
    lines       int NOT NULL CHECK (lines >= 0),
    units       bigint NOT NULL CHECK (units >= 0),
    total_minor bigint,                -- NULL: a price or the currency is unknown
    currency    text,
    opened_at   timestamptz NOT NULL,
    changed_at  timestamptz NOT NULL,  -- last change of its lines
    seen_at     timestamptz NOT NULL,  -- last event of its shopper: the idle clock
    contacted   int NOT NULL DEFAULT 0,
    bot         boolean NOT NULL,
    imported    boolean NOT NULL,
    risk        double precision CHECK (risk BETWEEN 0 AND 1),
    risk_model  text,
    scored_at   timestamptz,
    PRIMARY KEY (lane, key, cart_id)
) WITH (fillfactor = 80);
-- GET /v1/carts, newest first and by risk (never scored: last). The order is the index read backwards.
CREATE INDEX cart_status_seen ON cartwright.cart (status, seen_at, lane, key, cart_id);
CREATE INDEX cart_status_risk ON cartwright.cart (status, coalesce(risk, -1), lane, key, cart_id);

-- Where a cart id lives, for requests that name a cart and no customer. The last fold that touched it wins.
CREATE TABLE cartwright.cart_lane (
    cart_id text COLLATE "C" PRIMARY KEY,
    lane    int NOT NULL,
    key     text COLLATE "C" NOT NULL
) WITH (fillfactor = 80);
