-- The content, of up to 256 KB, is not returned.
-- Rows are locked in the order of their keys, so that two requests with the same sources never deadlock.
INSERT INTO modelhub_source AS source
    (id, organization_id, source_type, source_id, source_key, name, metadata, content, created_at, updated_at)
SELECT id, %(organization_id)s, source_type, source_id, source_key, coalesce(name, ''), coalesce(metadata, '{}'),
       content, %(now)s, %(now)s
FROM json_to_recordset(%(rows)s::json)
     AS given(id uuid, source_type text, source_id text, source_key text, name text, metadata jsonb,
              content json)
ORDER BY source_type, source_key
ON CONFLICT ON CONSTRAINT source_is_unique DO UPDATE SET updated_at = excluded.updated_at
RETURNING source.id, source.organization_id, source.source_type, source.source_id, source.source_key, source.name,
    source.metadata, source.created_at, source.updated_at,
    xmax = 0 AS is_new
