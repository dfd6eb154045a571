-- The update locks an existing row: it can neither be deleted nor filled by another request meanwhile.
INSERT INTO modelhub_dataset AS dataset (id, organization_id, name, columns, created_at, updated_at)
VALUES (%(id)s, %(organization_id)s, %(name)s, '[]', %(now)s, %(now)s)
ON CONFLICT (lower(normalize(name, NFC)), organization_id) DO UPDATE SET updated_at = excluded.updated_at
RETURNING dataset.*
