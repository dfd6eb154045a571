INSERT INTO modelhub_apikeyuse AS use (key_id, organization_id, last_used_at)
VALUES (%(key)s, %(organization)s, %(now)s)
ON CONFLICT ON CONSTRAINT modelhub_apikeyuse_pkey DO UPDATE SET last_used_at = excluded.last_used_at
WHERE use.organization_id = excluded.organization_id
