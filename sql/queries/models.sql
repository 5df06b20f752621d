-- Models: a row, its file in chunks, and who was champion when. Columns of a model are always in this order.

-- name: models_lock
-- Two trainings that end together take their numbers one after the other; readers go on.
LOCK TABLE cartwright.model, cartwright.model_promotion IN SHARE ROW EXCLUSIVE MODE;

-- name: model_insert
INSERT INTO cartwright.model (version, kind, number, algorithm, sha256, bytes, card, verdict, reason, created_at)
SELECT $1::text || '-' || $2::text || '-' || n.number, $1::text, n.number, $2::text, $3::bytea, $4::bigint, $5::jsonb, $6::text, $7::text,
       $8::timestamptz
  FROM (SELECT coalesce(max(m.number), 0) + 1 AS number FROM cartwright.model m WHERE m.kind = $1::text) AS n
RETURNING version;

-- name: model_chunk_insert
INSERT INTO cartwright.model_chunk (version, seq, data) VALUES ($1::text, $2::int, $3::bytea);

-- name: models_read
-- $1: one version, NULL for all. The card as stored, and with what the newest daily check found as its drift.
SELECT m.version, m.kind, m.algorithm, m.number, m.sha256, m.bytes,
       CASE WHEN k.version IS NULL THEN m.card
            ELSE m.card || jsonb_build_object('drift', jsonb_build_object(
                 'checked_at', to_char(k.checked_at AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"'), 'moments', k.moments, 'shift', k.shift,
                 'brier', k.brier, 'brier_28_days_before', NULLIF(k.brier_base, 0),
                 'psi_score', CASE WHEN k.brier_base > 0 THEN k.psi_score END, 'psi', k.psi)) END,
       m.verdict, m.reason, m.created_at,
       c.version IS NOT NULL AND c.version = m.version,
       (SELECT max(p.at) FROM cartwright.model_promotion p WHERE p.version = m.version)
  FROM cartwright.model m
  LEFT JOIN LATERAL (SELECT p.version FROM cartwright.model_promotion p WHERE p.kind = m.kind ORDER BY p.seq DESC LIMIT 1) AS c ON true
  LEFT JOIN LATERAL (SELECT r.* FROM cartwright.risk_check r WHERE r.version = m.version ORDER BY r.day DESC LIMIT 1) AS k ON true
 WHERE $1::text IS NULL OR m.version = $1::text
 ORDER BY m.kind, m.number;

-- name: model_champion
SELECT m.version, m.kind, m.algorithm, m.number, m.sha256, m.bytes, m.card, m.verdict, m.reason, m.created_at, true, p.at
  FROM (SELECT version, at FROM cartwright.model_promotion WHERE kind = $1::text ORDER BY seq DESC LIMIT 1) AS p
  JOIN cartwright.model m ON m.version = p.version;

-- name: model_chunks
SELECT data FROM cartwright.model_chunk WHERE version = $1::text ORDER BY seq;

-- name: model_promotion_insert
INSERT INTO cartwright.model_promotion (kind, seq, version, action, forced, at)
SELECT m.kind, 1 + coalesce((SELECT max(p.seq) FROM cartwright.model_promotion p WHERE p.kind = m.kind), 0), m.version, $3::text, $4::bool,
       $5::timestamptz
  FROM cartwright.model m
 WHERE m.kind = $1::text AND m.version = $2::text;

-- name: model_promotions
SELECT version, action FROM cartwright.model_promotion WHERE kind = $1::text ORDER BY seq;
