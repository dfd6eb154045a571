-- Count, per person of a queue, the live items that are assigned to the person or that the person has a slot on, by the
-- state of that work; and the person's scores by labels that are still attached. A full join, because each table may
-- have most of the rows.
WITH work AS (
    SELECT person_item.user_id,
           CASE
               WHEN item.status = 'completed' THEN 'completed'
               WHEN item.review_status = 'pending_review' THEN 'in_review'
               WHEN person_item.state = 'completed' THEN 'completed'
               WHEN person_item.state = 'submitted' THEN 'in_progress'
               WHEN 'skipped' IN (person_item.state, item.status) THEN 'skipped'
               ELSE 'pending'
           END AS state
    FROM (
        SELECT coalesce(slot.user_id, assignment.user_id) AS user_id, coalesce(slot.item_id, assignment.item_id) AS item_id,
               slot.state
        FROM (
            SELECT user_id, item_id, state FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
        ) AS slot
        FULL JOIN (
            SELECT user_id, item_id FROM modelhub_assignment
            WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
        ) AS assignment ON assignment.item_id = slot.item_id AND assignment.user_id = slot.user_id
    ) AS person_item
    JOIN modelhub_item AS item ON item.id = person_item.item_id
        AND item.organization_id = %(organization_id)s AND item.queue_id = %(queue_id)s AND item.deleted_at IS NULL
), counts AS (
    SELECT user_id,
           count(*) FILTER (WHERE state = 'completed') AS completed,
           count(*) FILTER (WHERE state = 'pending') AS pending,
           count(*) FILTER (WHERE state = 'in_progress') AS in_progress,
           count(*) FILTER (WHERE state = 'in_review') AS in_review,
           count(*) FILTER (WHERE state = 'skipped') AS skipped
    FROM work GROUP BY user_id
), scores AS (
    SELECT annotator_id AS user_id, count(*) AS scores
    FROM modelhub_score
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
        AND label_id IN (
            SELECT label_id FROM modelhub_queuelabel
            WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
        )
    GROUP BY annotator_id
)
SELECT person.id::text, coalesce(nullif(person.name, ''), person.email) AS name,
       coalesce(completed, 0), coalesce(pending, 0), coalesce(in_progress, 0), coalesce(in_review, 0),
       coalesce(skipped, 0), coalesce(scores, 0)
FROM counts FULL JOIN scores USING (user_id)
JOIN modelhub_user AS person ON person.id = user_id AND person.organization_id = %(organization_id)s
ORDER BY name, person.id
