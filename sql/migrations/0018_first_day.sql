-- Version 0 of each kind of model is built into the program (domain/risk/risk_prior.c, domain/affinity/affinity_prior.c): it has a row, so that it can
-- be promoted and rolled back to like any other, and no file. It is the first promotion of every database, also of one that has others.
ALTER TABLE cartwright.model DROP CONSTRAINT model_bytes_check;
ALTER TABLE cartwright.model ADD CHECK (number >= 0 AND (bytes > 0 OR number = 0));
INSERT INTO cartwright.model (version, kind, number, algorithm, sha256, bytes, card, verdict, reason, created_at)
SELECT k.kind || '-prior-0', k.kind, 0, 'prior', sha256(''), 0, '{}', 'baseline', 'built in: serves until a trained model is better', now()
  FROM (VALUES ('affinity'), ('risk')) AS k (kind);
INSERT INTO cartwright.model_promotion (kind, seq, version, action, at)
SELECT m.kind, 0, m.version, 'promote', m.created_at FROM cartwright.model m WHERE m.number = 0;

-- What serve does by itself once a day, by a program of its own. Not keyed by lane: a training reads all lanes, so that there is one of each for
-- the whole database, and the lease of its row is what keeps replicas from doing it twice at once.
CREATE TABLE cartwright.chore (
    name         text PRIMARY KEY CHECK (name IN ('train', 'maintain')),
    owner        text,                       -- who does it now ...
    leased_until timestamptz,                -- ... and until when it is theirs without another sign of life
    begun_at     timestamptz,                -- the last time; NULL: never yet
    events       bigint NOT NULL DEFAULT 0,  -- in the log then
    ended_at     timestamptz,
    outcome      text CHECK (outcome IN ('done', 'too_little', 'failed', 'stopped')),  -- of the last that ended
    detail       text NOT NULL DEFAULT '',   -- its last words
    CHECK ((owner IS NULL) = (leased_until IS NULL))
);
INSERT INTO cartwright.chore (name) VALUES ('train'), ('maintain');
