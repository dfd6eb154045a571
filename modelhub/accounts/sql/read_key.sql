-- A key by its public part, with its user. The organization is not known yet: the key says which one it is.
-- Decided here, because plain columns reach Python in half the time of arrays and times.
-- In place of an unknown key the oldest one is read, so that both take the same time.
SELECT key.id, key.organization_id, key.secret_digest, array_to_string(key.scopes, ' '),
       owner.id, owner.email, owner.name, owner.role, owner.is_superuser,
       key.api_key = %(api_key)s AS is_known,
       owner.is_active AND key.revoked_at IS NULL AND coalesce(key.expires_at > statement_timestamp(), true) AS is_valid,
       coalesce(use.last_used_at NOT BETWEEN statement_timestamp() - interval '1 minute'
           AND statement_timestamp() + interval '1 minute', true) AS is_use_due
FROM modelhub_apikey AS key
JOIN modelhub_user AS owner ON owner.id = key.user_id AND owner.organization_id = key.organization_id
LEFT JOIN modelhub_apikeyuse AS use ON use.key_id = key.id AND use.organization_id = key.organization_id
WHERE key.id = coalesce((SELECT id FROM modelhub_apikey WHERE api_key = %(api_key)s),
                        (SELECT id FROM modelhub_apikey ORDER BY id LIMIT 1))
