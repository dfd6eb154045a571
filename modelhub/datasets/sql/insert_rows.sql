INSERT INTO modelhub_datasetrow (id, organization_id, dataset_id, position, cells, metadata, created_at)
SELECT id, %(organization_id)s, %(dataset_id)s, position, cells, metadata, %(now)s
FROM json_to_recordset(%(rows)s::json) AS given(id uuid, position integer, cells jsonb, metadata jsonb)
