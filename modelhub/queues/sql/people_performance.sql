-- Count, per person of a queue, the completed items that the person scored by an attached label, and the skips; with
-- the time of the last score or skip. Items are grouped by hashes first: count(DISTINCT) would sort all scores. Full
-- joins make hash joins: while statistics are old, other joins would search the whole queue per row.
WITH scored AS (
    SELECT annotator_id AS user_id, queue_item, max(updated_at) AS last_active
    FROM modelhub_score
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
        AND label_id IN (SELECT id FROM json_to_recordset(%(labels)s::json) AS label (id uuid))
    GROUP BY annotator_id, queue_item
), scores AS (
    SELECT user_id, count(item.id) AS completed, max(last_active) AS last_active
    FROM scored
    FULL JOIN (
        SELECT id FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND status = 'completed'
            AND deleted_at IS NULL
    ) AS item ON item.id = queue_item
    GROUP BY user_id
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
