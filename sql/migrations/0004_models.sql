-- A model is a row and an immutable file; the file lives here in chunks, models/ on a replica is a cache.
CREATE TABLE cartwright.model (
    version    text PRIMARY KEY,       -- "affinity-als-3": kind, algorithm, number within the kind
    kind       text NOT NULL CHECK (kind IN ('affinity', 'risk')),
    number     int NOT NULL,
    algorithm  text NOT NULL,          -- als, popularity, fm, base_rate
    sha256     bytea NOT NULL CHECK (octet_length(sha256) = 32),
    bytes      bigint NOT NULL CHECK (bytes > 0),
    card       jsonb NOT NULL,         -- window, rows, settings, metrics beside baselines and champion, git
    verdict    text NOT NULL CHECK (verdict IN ('passed', 'refused', 'baseline')),
    reason     text NOT NULL,
    created_at timestamptz NOT NULL,
    UNIQUE (kind, number)
);
CREATE TABLE cartwright.model_chunk (
    version text NOT NULL REFERENCES cartwright.model ON DELETE CASCADE,
    seq     int NOT NULL,
    data    bytea NOT NULL,
    PRIMARY KEY (version, seq)
);
-- The champion of a kind is the newest row of that kind.
CREATE TABLE cartwright.model_promotion (
    kind     text NOT NULL,
    seq      int NOT NULL,
    version  text NOT NULL REFERENCES cartwright.model,
    action   text NOT NULL CHECK (action IN ('promote', 'rollback')),
    forced   boolean NOT NULL DEFAULT false,
    at       timestamptz NOT NULL,
    PRIMARY KEY (kind, seq)
);
