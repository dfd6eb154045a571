-- Insert scores, or give those with the same ids these values; a deleted score is live again.
-- A row whose id belongs to another organization is left out.
INSERT INTO modelhub_score
    (id, organization_id, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at,
     updated_by_id)
SELECT id, %(organization_id)s, source_id, label_id, annotator_id, value, score_source, notes, created_at, updated_at,
       updated_by_id
FROM json_to_recordset(%(rows)s::json) AS given
    (id uuid, source_id uuid, label_id uuid, annotator_id uuid, value jsonb, score_source text, notes text,
     created_at timestamptz, updated_at timestamptz, updated_by_id uuid)
ON CONFLICT ON CONSTRAINT modelhub_score_pkey DO UPDATE SET
    value = excluded.value, score_source = excluded.score_source, notes = excluded.notes,
    created_at = excluded.created_at, updated_at = excluded.updated_at,
    updated_by_id = excluded.updated_by_id, deleted_at = NULL
    WHERE modelhub_score.organization_id = excluded.organization_id
RETURNING id
