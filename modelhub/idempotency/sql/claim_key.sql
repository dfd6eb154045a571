-- Claim a key. Waits for another request with the same key, whose row is there but not committed yet.
-- Returns no row where the key is taken; a key older than `oldest` is claimed again.
INSERT INTO modelhub_idempotencyrecord AS record
    (id, organization_id, user_id, key, digest, status, body, created_at)
VALUES (%(id)s, %(organization_id)s, %(user_id)s, %(key)s, %(digest)s, 0, '', %(now)s)
ON CONFLICT ON CONSTRAINT idempotency_key_is_unique DO UPDATE SET
    id = excluded.id, digest = excluded.digest, status = 0, body = '', created_at = excluded.created_at
WHERE record.created_at < %(oldest)s
RETURNING record.id
