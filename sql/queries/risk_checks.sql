-- Daily checks of risk models.

-- name: risk_check_insert
-- One a day and version; a second one on the day changes nothing.
INSERT INTO cartwright.risk_check (version, day, shift, moments, brier, brier_base, psi_score, psi, checked_at)
VALUES ($1::text, $2::int, $3::float8, $4::bigint, $5::float8, $6::float8, $7::float8, $8::jsonb, $9::timestamptz)
ON CONFLICT (version, day) DO NOTHING;

-- name: risk_check_newest
SELECT day, shift, moments, brier, brier_base, psi_score, psi,
       (SELECT coalesce(max(v.value::float8), 0) FROM jsonb_each_text(c.psi) AS v),
       (SELECT count(*) FROM jsonb_each_text(c.psi) AS v WHERE v.value::float8 > 0.2)
  FROM cartwright.risk_check c WHERE version = $1::text ORDER BY day DESC LIMIT 1;
