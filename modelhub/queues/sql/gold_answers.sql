-- Count people's scores of gold items, per attached label that the item has an expected value of. Options are compared
-- by the caller: the label and the value of an option are one answer.
SELECT annotator_id::text, label_id::text, given = wanted OR normalize(given::text) = normalize(wanted::text),
       CASE jsonb_typeof(given) WHEN 'array' THEN given END::text,
       CASE jsonb_typeof(given) WHEN 'array' THEN wanted END::text, count(*)
FROM (
    SELECT item.id, item.source_id, label.id AS label_id, label.key, item.expected -> label.id::text -> label.key AS wanted
    FROM modelhub_item AS item CROSS JOIN json_to_recordset(%(labels)s::json) AS label (id uuid, key text)
    WHERE item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s AND item.deleted_at IS NULL
        AND item.gold AND item.expected ? label.id::text
) AS gold
CROSS JOIN LATERAL (
    -- One by one: gold items are few, and a join would read the scores of all.
    SELECT annotator_id, value -> gold.key AS given FROM modelhub_score
    WHERE organization_id = %(organization_id)s AND source_id = gold.source_id AND label_id = gold.label_id
        AND queue_item = gold.id AND deleted_at IS NULL
    OFFSET 0
) AS score
GROUP BY 1, 2, 3, 4, 5
