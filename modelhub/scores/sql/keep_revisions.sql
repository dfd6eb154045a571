-- Copy the present values of scores into revisions. A revision is later than the change before it, also where the
-- clock of another machine is up to a minute ahead.
INSERT INTO modelhub_scorerevision
    (id, organization_id, score_id, value, score_source, notes, updated_by_id, action, replaced_by_id, created_at)
SELECT given.id, score.organization_id, score.id, score.value, score.score_source, score.notes, score.updated_by_id,
       %(action)s, %(replaced_by)s,
       CASE WHEN score.updated_at BETWEEN %(now)s AND %(now)s + interval '1 minute'
           THEN score.updated_at + interval '1 microsecond' ELSE %(now)s END
FROM json_to_recordset(%(rows)s::json) AS given (id uuid, score_id uuid)
CROSS JOIN LATERAL (
    -- One by one: a plan that joins all scores is right while the table is small, and is kept while it grows.
    SELECT * FROM modelhub_score WHERE id = given.score_id AND organization_id = %(organization_id)s OFFSET 0
) AS score
