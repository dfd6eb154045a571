-- A key by its public part, with its user. The organization is not known yet: the key says which one it is.
SELECT key.id, key.organization_id, key.user_id, key.name, key.api_key, key.secret_digest, key.scopes,
       key.expires_at, key.revoked_at,
       owner.id, owner.email, owner.name, owner.organization_id, owner.role, owner.is_active,
       use.last_used_at
FROM modelhub_apikey AS key
JOIN modelhub_user AS owner ON owner.id = key.user_id AND owner.organization_id = key.organization_id
LEFT JOIN modelhub_apikeyuse AS use ON use.key_id = key.id AND use.organization_id = key.organization_id
WHERE key.api_key = %(api_key)s
