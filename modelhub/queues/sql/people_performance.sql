-- Count, per person of a queue, the completed items that the person scored by an attached label, and the skips; with
-- the time of the last score.
WITH scores AS (
    SELECT score.annotator_id AS user_id, count(DISTINCT item.id) AS completed, max(score.updated_at) AS last_active
    FROM modelhub_score AS score
    LEFT JOIN modelhub_item AS item ON item.id = score.queue_item AND item.organization_id = %(organization_id)s
        AND item.queue_id = %(queue_id)s AND item.status = 'completed' AND item.deleted_at IS NULL
    WHERE score.organization_id = %(organization_id)s AND score.queue_id = %(queue_id)s AND score.deleted_at IS NULL
        AND score.label_id IN (SELECT id FROM json_to_recordset(%(labels)s::json) AS label (id uuid))
    GROUP BY score.annotator_id
), skips AS (
    SELECT slot.user_id, count(*) AS skips, max(slot.ended_at) AS last_active
    FROM modelhub_slot AS slot
    JOIN modelhub_item AS item ON item.id = slot.item_id AND item.organization_id = %(organization_id)s
        AND item.deleted_at IS NULL
    WHERE slot.organization_id = %(organization_id)s AND slot.queue_id = %(queue_id)s AND slot.state = 'skipped'
    GROUP BY slot.user_id
)
SELECT person.id::text, coalesce(nullif(person.name, ''), person.email) AS name, coalesce(scores.completed, 0),
       coalesce(skips.skips, 0), greatest(scores.last_active, skips.last_active)
FROM scores FULL JOIN skips USING (user_id)
JOIN modelhub_user AS person ON person.id = user_id AND person.organization_id = %(organization_id)s
ORDER BY name, person.id
