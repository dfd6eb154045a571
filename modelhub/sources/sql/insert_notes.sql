-- Equal texts of one author about one source are one note.
INSERT INTO modelhub_sourcenote (id, organization_id, source_id, author_id, text, created_at)
SELECT given.id, %(organization_id)s, given.source_id, %(author_id)s, given.text, %(now)s
FROM json_to_recordset(%(rows)s::json) AS given (id uuid, source_id uuid, text text)
ON CONFLICT (source_id, author_id, md5(text), organization_id) DO NOTHING
RETURNING id
