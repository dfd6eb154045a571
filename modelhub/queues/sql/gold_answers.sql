-- Count people's scores of gold items, per attached label that the item has an expected value of. Options are compared
-- by the caller: the label and the value of an option are one answer.
SELECT score.annotator_id::text, label.id::text, given = wanted OR normalize(given::text) = normalize(wanted::text),
       CASE jsonb_typeof(given) WHEN 'array' THEN given END::text,
       CASE jsonb_typeof(given) WHEN 'array' THEN wanted END::text, count(*)
FROM modelhub_item AS item
CROSS JOIN json_to_recordset(%(labels)s::json) AS label (id uuid, key text)
JOIN modelhub_score AS score ON score.organization_id = %(organization_id)s AND score.source_id = item.source_id
    AND score.label_id = label.id AND score.queue_item = item.id AND score.deleted_at IS NULL
CROSS JOIN LATERAL (SELECT score.value -> label.key, item.expected -> label.id::text -> label.key)
    AS answer (given, wanted)
WHERE item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s AND item.deleted_at IS NULL
    AND item.gold AND wanted IS NOT NULL
GROUP BY 1, 2, 3, 4, 5
