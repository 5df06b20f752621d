-- Decisions. The primary key (lane, cart_id, round, step) is "never twice".

-- name: outreach_put
-- A silence may be overwritten, a send may not: then no row is affected.
INSERT INTO cartwright.outreach (lane, cart_id, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message)
VALUES ($1::int, $2::text, $3::int, $4::int, $5::text, $6::text, $7::text, $8::text, $9::timestamptz, $10::text::json, $11::text::json, $12::text::json)
ON CONFLICT (lane, cart_id, round, step) DO UPDATE
   SET outreach_id = excluded.outreach_id, key = excluded.key, decision = excluded.decision, reason = excluded.reason,
       decided_at = excluded.decided_at, summary = excluded.summary, why = excluded.why, message = excluded.message
 WHERE outreach.decision = 'silence';

-- name: outreach_by_key
SELECT lane, cart_id, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message
  FROM cartwright.outreach
 WHERE lane = $1::int AND cart_id = $2::text AND round = $3::int AND step = $4::int;

-- name: outreach_by_id
SELECT lane, cart_id, round, step, outreach_id, key, decision, reason, decided_at, summary, why, message
  FROM cartwright.outreach
 WHERE lane = $1::int AND outreach_id = $2::text;
