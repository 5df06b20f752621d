-- A decision is one row. The primary key is what makes "twice for the same cart, round and step" impossible.
-- A silence may be decided again and is then overwritten; a send is final.
CREATE TABLE cartwright.outreach (
    lane        int NOT NULL,
    cart_id     text COLLATE "C" NOT NULL,
    round       int NOT NULL CHECK (round >= 1),
    step        int NOT NULL CHECK (step >= 1),
    outreach_id text COLLATE "C" NOT NULL,         -- "out_" + lane as two hex digits + 24 hex digits of SHA-256(lane, cart, round, step)
    key         text COLLATE "C" NOT NULL,
    decision    text NOT NULL CHECK (decision IN ('send', 'silence')),
    reason      text NOT NULL,         -- the rule that decided
    decided_at  timestamptz NOT NULL,
    -- json, not jsonb: kept as written, so that asking again gets the same answer to the byte
    summary     json NOT NULL,         -- scores, models, recommendations, cart, every rule with its outcome
    why         json NOT NULL,         -- what they were computed from: time, log offset, features
    message     json,                  -- NULL for a silence
    PRIMARY KEY (lane, cart_id, round, step),
    UNIQUE (lane, outreach_id),
    CHECK ((decision = 'send') = (message IS NOT NULL))
);

CREATE TABLE cartwright.api_key (
    key_id       text COLLATE "C" PRIMARY KEY,
    secret_hash  bytea NOT NULL CHECK (octet_length(secret_hash) = 32),
    name         text NOT NULL,
    scopes       text[] NOT NULL CHECK (scopes <@ ARRAY['ingest', 'read', 'outreach', 'admin'] AND cardinality(scopes) > 0),
    created_at   timestamptz NOT NULL,
    expires_at   timestamptz,
    revoked_at   timestamptz,
    last_used_at timestamptz
);
