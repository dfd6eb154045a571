-- Count the live items of a queue, those that are completed, and those that a person has completed.
SELECT count(*), count(*) FILTER (WHERE status = 'completed'), (
    SELECT count(*) FROM modelhub_slot AS slot
    WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND user_id = %(user_id)s
        AND state = 'completed' AND EXISTS (
            SELECT FROM modelhub_item AS item
            WHERE item.organization_id = %(organization_id)s AND item.id = slot.item_id AND item.deleted_at IS NULL
        )
)
FROM modelhub_item
WHERE organization_id = %(organization_id)s AND queue_id = %(queue_id)s AND deleted_at IS NULL
