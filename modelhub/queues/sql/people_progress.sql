-- Count, per person of a queue, the live items that are assigned to the person or that the person has a slot on, by the
-- state of that work; and the person's scores by labels that are still attached. A full join, because each table may
-- have most of the rows; with the items, too, which makes hash joins: while statistics are old, an inner join would
-- search the whole queue per row. Rows are grouped by stored columns first: few groups are looked into.
WITH work AS MATERIALIZED (
    SELECT coalesce(slot.user_id, assignment.user_id) AS user_id, slot.state, item.status, item.review_status,
           count(*) AS items
    FROM (
        SELECT user_id, item_id, state FROM modelhub_slot
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
    ) AS slot
    FULL JOIN (
        SELECT user_id, item_id FROM modelhub_assignment
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
    ) AS assignment ON assignment.item_id = slot.item_id AND assignment.user_id = slot.user_id
    FULL JOIN (
        SELECT id, status, review_status FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
    ) AS item ON item.id = coalesce(slot.item_id, assignment.item_id)
    GROUP BY 1, 2, 3, 4
), states AS (
    SELECT user_id, items,
           CASE
               WHEN status = 'completed' THEN 'completed'
               WHEN review_status = 'pending_review' THEN 'in_review'
               WHEN state = 'completed' THEN 'completed'
               WHEN state = 'submitted' THEN 'in_progress'
               WHEN 'skipped' IN (state, status) THEN 'skipped'
               ELSE 'pending'
           END AS state
    FROM work WHERE user_id IS NOT NULL AND status IS NOT NULL
), counts AS (
    SELECT user_id,
           sum(items) FILTER (WHERE state = 'completed') AS completed,
           sum(items) FILTER (WHERE state = 'pending') AS pending,
           sum(items) FILTER (WHERE state = 'in_progress') AS in_progress,
           sum(items) FILTER (WHERE state = 'in_review') AS in_review,
           sum(items) FILTER (WHERE state = 'skipped') AS skipped
    FROM states GROUP BY user_id
), scores AS (
    SELECT user_id, sum(scores) AS scores
    FROM (
        SELECT annotator_id AS user_id, label_id, count(*) AS scores FROM modelhub_score
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
        GROUP BY annotator_id, label_id
    ) AS by_label
    WHERE label_id IN (
        SELECT label_id FROM modelhub_queuelabel
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s
    )
    GROUP BY user_id
)
SELECT person.id::text, coalesce(nullif(person.name, ''), person.email) AS name,
       coalesce(completed, 0)::bigint, coalesce(pending, 0)::bigint, coalesce(in_progress, 0)::bigint,
       coalesce(in_review, 0)::bigint, coalesce(skipped, 0)::bigint, coalesce(scores, 0)::bigint
FROM counts FULL JOIN scores USING (user_id)
JOIN modelhub_user AS person ON person.id = user_id AND person.organization_id = %(organization_id)s
ORDER BY name, person.id
