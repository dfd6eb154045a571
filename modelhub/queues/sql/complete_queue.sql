-- Complete an active queue, other than a default one, that has items and whose items are completed. The first and the
-- last status are read from the index by status, where EXISTS may search the whole table for one of few items.
UPDATE modelhub_queue SET status = 'completed', updated_at = clock_timestamp()
WHERE organization_id = %(organization_id)s AND id = %(queue_id)s AND status = 'active' AND NOT is_default
    AND 'completed' = (
        SELECT min(status) FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
    )
    AND 'completed' = (
        SELECT max(status) FROM modelhub_item
        WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
    )
