-- Set the status of open items by their slots and scores, and return the changed ones. The items are locked.
WITH required AS MATERIALIZED (
    SELECT attached.label_id FROM modelhub_queuelabel AS attached
    JOIN modelhub_label AS label
        ON label.organization_id = %(organization_id)s AND label.id = attached.label_id AND label.deleted_at IS NULL
    WHERE attached.organization_id = %(organization_id)s AND attached.queue_id = %(queue_id)s AND attached.required
), judged AS MATERIALIZED (
    SELECT item.id, item.status AS old_status, item.review_status AS old_review_status,
           item.review_status, slots.completed + people.imported >= %(annotations_required)s AS is_done,
           slots.skipped > 0 AND slots.open = 0 AND (%(annotations_required)s = 1 OR NOT EXISTS (
               SELECT FROM modelhub_queuemember AS member
               JOIN modelhub_user AS person ON person.organization_id = %(organization_id)s
                   AND person.id = member.user_id AND person.is_active
               WHERE member.organization_id = %(organization_id)s AND member.queue_id = %(queue_id)s
                   AND 'annotator' = ANY(member.roles)
                   AND (NOT item.is_assigned OR EXISTS (
                       SELECT FROM modelhub_assignment AS assignment
                       WHERE assignment.organization_id = %(organization_id)s AND assignment.item_id = item.id
                           AND assignment.user_id = member.user_id
                   ))
                   AND NOT EXISTS (
                       SELECT FROM modelhub_slot AS slot
                       WHERE slot.organization_id = %(organization_id)s AND slot.item_id = item.id
                           AND slot.user_id = member.user_id AND slot.state IN ('completed', 'skipped')
                   )
           )) AS is_skipped,
           slots.worked + people.scored > 0 AS is_begun
    FROM modelhub_item AS item
    CROSS JOIN LATERAL (
        SELECT count(*) FILTER (WHERE state = 'completed') AS completed,
               count(*) FILTER (WHERE state = 'skipped') AS skipped,
               count(*) FILTER (WHERE state IN ('submitted', 'completed')) AS worked,
               count(*) FILTER (
                   WHERE state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp()
               ) AS open
        FROM modelhub_slot WHERE organization_id = %(organization_id)s AND item_id = item.id
    ) AS slots
    CROSS JOIN LATERAL (
        -- A person has one score of an item by each label. Without a slot, the scores were imported; those of judges do
        -- not count.
        SELECT count(*) AS scored, count(*) FILTER (
            WHERE required_labels = (SELECT count(*) FROM required) AND NOT EXISTS (
                SELECT FROM modelhub_slot AS slot WHERE slot.organization_id = %(organization_id)s
                    AND slot.item_id = item.id AND slot.user_id = annotator_id
            )
        ) AS imported
        FROM (
            SELECT score.annotator_id,
                   count(*) FILTER (WHERE score.label_id IN (SELECT label_id FROM required)) AS required_labels
            FROM modelhub_score AS score
            JOIN modelhub_queuelabel AS attached ON attached.organization_id = %(organization_id)s
                AND attached.queue_id = %(queue_id)s AND attached.label_id = score.label_id
            WHERE score.organization_id = %(organization_id)s AND score.source_id = item.source_id
                AND score.queue_item = item.id AND score.deleted_at IS NULL
                AND score.score_source <> ALL(%(judges)s)
            GROUP BY score.annotator_id
        ) AS person
    ) AS people
    WHERE item.organization_id = %(organization_id)s AND item.id = ANY(%(item_ids)s)
        AND item.deleted_at IS NULL AND item.status <> 'completed' AND item.review_status <> 'pending_review'
), settled AS (
    SELECT id, old_status, old_review_status,
           CASE WHEN is_done AND %(requires_review)s THEN 'in_progress'
               WHEN is_done THEN 'completed'
               WHEN is_skipped THEN 'skipped'
               WHEN is_begun THEN 'in_progress'
               ELSE 'pending' END AS status,
           CASE WHEN is_done AND %(requires_review)s THEN 'pending_review'
               WHEN is_done OR is_skipped THEN ''
               ELSE review_status END AS review_status
    FROM judged
)
UPDATE modelhub_item AS item
SET status = settled.status, review_status = settled.review_status, updated_at = clock_timestamp(),
    completed_at = CASE WHEN settled.status = 'completed' THEN clock_timestamp() END
FROM settled
WHERE item.organization_id = %(organization_id)s AND item.id = settled.id
    AND (settled.status <> old_status OR settled.review_status <> old_review_status)
RETURNING item.*
