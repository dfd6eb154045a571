-- Count, per queue, the live items, the completed ones, those that wait for a review, and those that a person may still
-- take: open ones of nobody or assigned to the person, with a seat left, that the person has not ended; and those that the
-- person has completed. Full joins, which are hash joins: while statistics are old, others would search all slots per item.
WITH counts AS MATERIALIZED (
    SELECT item.queue_id, count(*) AS items,
           count(*) FILTER (WHERE item.status = 'completed') AS completed,
           count(*) FILTER (WHERE item.review_status = 'pending_review') AS in_review,
           count(*) FILTER (
               WHERE item.status <> 'completed' AND item.review_status <> 'pending_review'
                   AND (own.state IS NULL OR own.state NOT IN ('completed', 'skipped'))
                   AND (NOT item.is_assigned OR assignment.item_id IS NOT NULL)
                   AND (own.seat IS NOT NULL OR coalesce(others.seats, 0) < queue.annotations_required)
           ) AS open,
           count(*) FILTER (WHERE item.id IS NOT NULL AND own.state = 'completed') AS own_completed
    FROM (
        SELECT id, queue_id, status, review_status, is_assigned FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[]) AND deleted_at IS NULL
    ) AS item
    FULL JOIN (
        SELECT item_id, state, seat FROM modelhub_slot
        WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
            AND user_id = %(user_id)s
    ) AS own ON own.item_id = item.id
    FULL JOIN (
        SELECT item_id FROM modelhub_assignment
        WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
            AND user_id = %(user_id)s
    ) AS assignment ON assignment.item_id = item.id
    FULL JOIN (
        SELECT item_id, count(*) AS seats FROM modelhub_slot
        WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
            AND user_id <> %(user_id)s AND seat IS NOT NULL
            AND (state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp())
        GROUP BY item_id
    ) AS others ON others.item_id = item.id
    FULL JOIN (
        SELECT id, annotations_required FROM modelhub_queue
        WHERE organization_id = %(organization_id)s AND id = ANY(%(queue_ids)s::uuid[])
    ) AS queue ON queue.id = item.queue_id
    GROUP BY item.queue_id
)
SELECT queue_id, items, completed, in_review, open, own_completed FROM counts WHERE queue_id IS NOT NULL
