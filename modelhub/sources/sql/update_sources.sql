UPDATE modelhub_source AS source
SET name = coalesce(given.name, source.name), metadata = coalesce(given.metadata, source.metadata)
FROM json_to_recordset(%(rows)s::json) AS given(id uuid, name text, metadata jsonb)
WHERE source.organization_id = %(organization_id)s AND source.id = given.id
RETURNING source.*, false AS is_new
