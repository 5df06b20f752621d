-- API keys. Only the hash of the secret is here.

-- name: key_put
INSERT INTO cartwright.api_key (key_id, secret_hash, name, scopes, created_at, expires_at)
VALUES ($1::text, $2::bytea, $3::text, $4::text[], $5::timestamptz, $6::timestamptz);

-- name: key_find
SELECT key_id, secret_hash, name, scopes, created_at, expires_at, revoked_at, last_used_at
  FROM cartwright.api_key
 WHERE key_id = $1::text;

-- name: keys_list
SELECT key_id, secret_hash, name, scopes, created_at, expires_at, revoked_at, last_used_at
  FROM cartwright.api_key
 ORDER BY created_at, key_id;

-- name: key_revoke
-- The first revocation counts.
UPDATE cartwright.api_key SET revoked_at = coalesce(revoked_at, $2::timestamptz) WHERE key_id = $1::text;

-- name: key_used
-- To the minute: not a write a request.
UPDATE cartwright.api_key SET last_used_at = $2::timestamptz
 WHERE key_id = $1::text AND (last_used_at IS NULL OR last_used_at < $2::timestamptz - interval '1 minute');
