-- Count the live items of a queue, those that are completed, and those that a person has completed.
SELECT count(*), count(*) FILTER (WHERE status = 'completed'), (
    SELECT count(*) FROM modelhub_slot
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND user_id = %(user_id)s
        AND state = 'completed'
)
FROM modelhub_item
WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
