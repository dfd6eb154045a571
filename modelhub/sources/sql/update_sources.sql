UPDATE modelhub_source AS source
SET name = coalesce(given.name, source.name),
    metadata = coalesce(given.metadata, source.metadata),
    content = coalesce(given.content, source.content)
FROM json_to_recordset(%(rows)s::json) AS given(id uuid, name text, metadata jsonb, content json)
WHERE source.organization_id = %(organization_id)s AND source.id = given.id
RETURNING source.id, source.organization_id, source.source_type, source.source_id, source.source_key, source.name,
    source.metadata, source.created_at, source.updated_at,
    false AS is_new
