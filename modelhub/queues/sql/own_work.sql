-- Count, per queue, the live items, the completed ones, those that wait for a review, and those that a person may still
-- take; and those that the person has completed. The person may take open items of nobody or assigned to the person, with a
-- seat left, that the person has not ended. An index counts all open items of nobody: only those with a slot, and those
-- that are assigned to the person, are looked into. Full joins, which are hash joins: while statistics are old, others would
-- search all slots per item.
WITH counts AS (
    SELECT queue_id, count(*) AS items, count(*) FILTER (WHERE status = 'completed') AS completed,
           count(*) FILTER (WHERE review_status = 'pending_review') AS in_review,
           count(*) FILTER (
               WHERE status <> 'completed' AND review_status <> 'pending_review' AND NOT is_assigned
           ) AS of_nobody
    FROM modelhub_item
    WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[]) AND deleted_at IS NULL
    GROUP BY queue_id
), work AS (
    -- One row per open item, and one for all others together.
    SELECT queue_id, CASE WHEN is_open THEN id END AS open_id, bool_or(is_assigned) AS is_assigned,
           bool_or(own_assignment IS NOT NULL) AS is_mine,
           coalesce(bool_or(is_own AND state IN ('completed', 'skipped')), false) AS is_ended,
           coalesce(bool_or(is_own AND seat IS NOT NULL), false) AS is_seated,
           count(*) FILTER (WHERE NOT is_own) AS others,
           count(*) FILTER (WHERE is_own AND state = 'completed') AS own_completed
    FROM (
        SELECT item.*, slot.*, assignment.item_id AS own_assignment
        FROM (
            SELECT id, queue_id, is_assigned, status <> 'completed' AND review_status <> 'pending_review' AS is_open
            FROM modelhub_item
            WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
                AND deleted_at IS NULL
        ) AS item
        FULL JOIN (
            SELECT item_id, user_id = %(user_id)s AS is_own, state, seat FROM modelhub_slot
            WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
                AND (user_id = %(user_id)s OR seat IS NOT NULL AND (
                    state = 'completed' OR state IN ('reserved', 'submitted') AND reserved_until > clock_timestamp()
                ))
        ) AS slot ON slot.item_id = item.id
        FULL JOIN (
            SELECT item_id FROM modelhub_assignment
            WHERE organization_id = %(organization_id)s AND queue_id = ANY(%(queue_ids)s::uuid[])
                AND user_id = %(user_id)s
        ) AS assignment ON assignment.item_id = item.id
        OFFSET 0  -- a condition below would turn the full joins into others
    ) AS joined
    WHERE is_open AND (item_id IS NOT NULL OR own_assignment IS NOT NULL)
        OR id IS NOT NULL AND is_own AND state = 'completed'
    GROUP BY queue_id, open_id
)
SELECT counts.queue_id, items, completed, in_review,
       of_nobody + coalesce(sum(CASE
           WHEN open_id IS NULL THEN 0
           WHEN NOT is_ended AND (is_seated OR others < queue.annotations_required) THEN (is_assigned AND is_mine)::int
           WHEN NOT is_assigned THEN -1
       END), 0) AS open,
       coalesce(sum(own_completed), 0)::bigint AS own_completed
FROM counts
JOIN modelhub_queue AS queue ON queue.organization_id = %(organization_id)s AND queue.id = counts.queue_id
LEFT JOIN work ON work.queue_id = counts.queue_id
GROUP BY counts.queue_id, items, completed, in_review, of_nobody
